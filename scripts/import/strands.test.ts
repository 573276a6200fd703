import { assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert/mod.js";
import { z } from "zod";
import { registeredDimensions, type Strand } from "../strand_file.ts";
import { dimensionsStrand, keyPart, reachedTarget, TradeNames, tradeStrands, utcSession } from "./strands.ts";
import { FACTS, rawTrade } from "../testing/import/freqtrade_exports.ts";
import { outcomesOf } from "../testing/outcomes_oracle.ts";
import { readTrade } from "./freqtrade/trade.ts";
import type { Trade } from "./trade.ts";

function trade(changes: Record<string, unknown> = {}, strategy = "ichi"): Trade {
  const { trade, reasons } = readTrade(
    { strategy, index: 0, value: rawTrade(changes), fromBot: false },
    FACTS,
  );
  if (trade === undefined) throw new Error(`Refused: ${reasons?.join("; ")}`);
  return trade;
}

const ID = "e58f223c-4cf2-5b07-b088-a573af60fad6";

const actionContent = z.looseObject({
  trade_id: z.string(),
  pattern_key: z.string(),
  action_category: z.string(),
  scope: z.record(z.string(), z.string()),
  size_frac: z.number().optional(),
  price: z.number().nullish(),
  quantity: z.number().optional(),
  reasons: z.record(z.string(), z.unknown()),
});
const closeContent = z.looseObject({
  trade_id: z.string(),
  entry_context: z.record(z.string(), z.string()),
  trade_summary: z.record(z.string(), z.unknown()),
});

const actions = (strands: readonly Strand[]): z.infer<typeof actionContent>[] =>
  strands.filter((strand) => strand.kind === "pm_action").map((strand) =>
    actionContent.parse(strand.content)
  );

function close(strands: readonly Strand[]): z.infer<typeof closeContent> {
  const found = strands.filter((strand) => strand.kind === "position_closed");
  assertEquals(found.length, 1);
  return closeContent.parse(found[0]?.content);
}

Deno.test("a trade is an entry, an exit and a close, at their times", () => {
  const strands = tradeStrands(trade(), ID);
  assertEquals(strands.map((strand) => [strand.id, strand.kind, strand.created_at]), [
    [`${ID}-entry`, "pm_action", "2024-01-01T16:10:00.000Z"],
    [`${ID}-exit`, "pm_action", "2024-01-01T17:25:00.000Z"],
    [`${ID}-closed`, "position_closed", "2024-01-01T17:25:00.000Z"],
  ]);
  for (const strand of strands) {
    assertEquals([strand.module, strand.symbol, strand.timeframe, strand.trade_id], [
      "pm",
      "SOL/USDT",
      "5m",
      ID,
    ]);
  }
});

Deno.test("the key names strategy, side and motif: the enter tag, and of an exit nothing that tells why", () => {
  const keys = (changes: Record<string, unknown>): string[] =>
    actions(tradeStrands(trade(changes), ID)).map((action) => action.pattern_key);
  assertEquals(keys({}), ["pm.ichi.long.entry", "pm.ichi.long.exit"]);
  assertEquals(keys({ enter_tag: "dip 2", is_short: true, exit_reason: "stop_loss" }), [
    "pm.ichi.short.dip_2",
    "pm.ichi.short.exit",
  ]);
  const [, exit] = actions(tradeStrands(trade({ exit_reason: "stop_loss" }), ID));
  assertEquals(exit?.reasons["exit_reason"], "stop_loss");
});

Deno.test("every action's scope holds what was known at the entry, and nothing of how the trade ended", () => {
  const found = actions(tradeStrands(trade({ enter_tag: "dip" }), ID)).map((action) => action.scope);
  const scope = {
    strategy: "ichi",
    pair: "SOL/USDT",
    side: "long",
    enter_tag: "dip",
    session: "us",
    weekday: "mon",
    timeframe: "5m",
  };
  assertEquals(found, [scope, scope]);
  const { timeframe: _, ...entryContext } = scope;
  assertEquals(close(tradeStrands(trade({ enter_tag: "dip" }), ID)).entry_context, entryContext);
});

Deno.test("the summary says outcome and R/R as the export measures them", () => {
  const { trade_summary: summary } = close(tradeStrands(trade(), ID));
  assertAlmostEquals(Number(summary["rpnl_pct"]) / 100, -0.0017, 1e-15);
  assertAlmostEquals(Number(summary["rr"]), -0.0017 / 0.275, 1e-15);
  assertEquals(summary["pnl_usd"], -0.17);
  assertEquals([summary["entry_price"], summary["exit_price"]], [106.5, 106.53]);
  assertEquals(summary["entry_timestamp"], "2024-01-01T16:10:00.000Z");
  assertEquals(summary["exit_timestamp"], "2024-01-01T17:25:00.000Z");
  assertEquals([summary["reached_s3"], "time_to_s3_hours" in summary], [false, false]);
});

Deno.test("a profit in another currency is no profit in dollars", () => {
  const inBtc: Trade = { ...trade(), stakeCurrency: "BTC" };
  assertEquals("pnl_usd" in close(tradeStrands(inBtc, ID)).trade_summary, false);
});

Deno.test("a trade that closed at its target reached S3 when it closed", () => {
  const reached = (exit_reason: string, profit_ratio: number): boolean =>
    reachedTarget(trade({ exit_reason, profit_ratio }));
  assertEquals(reached("roi", 0.02), true);
  assertEquals(reached("roi", -0.0001), true);
  assertEquals(reached("trailing_stop_loss", 0.01), true);
  assertEquals(reached("trailing_stop_loss", -0.01), false);
  assertEquals(reached("stop_loss", -0.1), false);
  assertEquals(reached("exit_signal", 0.1), false);
  const { trade_summary: summary } = close(tradeStrands(trade({ exit_reason: "roi" }), ID));
  assertEquals([summary["reached_s3"], summary["time_to_s3_hours"]], [true, 1.25]);
});

Deno.test("further entry orders are adds and all exit orders but the last are trims, named by a tag of their own or their place", () => {
  const order = (minute: number, isEntry: boolean, amount: number, tag: string): unknown => ({
    amount,
    safe_price: 100 + minute,
    ft_order_side: isEntry ? "buy" : "sell",
    order_filled_timestamp: 1704125400000 + minute * 60_000,
    ft_is_entry: isEntry,
    ft_order_tag: tag,
  });
  const strands = tradeStrands(
    trade({
      enter_tag: "dip",
      orders: [
        order(0, true, 2, "dip"),
        order(5, true, 1, "dip"),
        order(10, true, 1, "lower band"),
        order(15, true, 1, ""),
        order(20, false, 1.25, "take 25 %"),
        order(30, false, 1.875, "partial_exit"),
        order(40, false, 0.9375, "exit_signal"),
        order(75, false, 0.9375, "exit_signal"),
      ],
    }),
    ID,
  );
  assertEquals(strands.map((strand) => strand.id.slice(ID.length)), [
    "-entry",
    "-add-1",
    "-add-2",
    "-add-3",
    "-trim-1",
    "-trim-2",
    "-trim-3",
    "-exit",
    "-closed",
  ]);
  assertEquals(
    actions(strands).map((action) => [action.action_category, action.pattern_key, action.size_frac]),
    [
      ["entry", "pm.ichi.long.dip", undefined],
      ["add", "pm.ichi.long.add_1", undefined],
      ["add", "pm.ichi.long.lower_band", undefined],
      ["add", "pm.ichi.long.add_2", undefined],
      ["trim", "pm.ichi.long.take_25", 0.25],
      ["trim", "pm.ichi.long.trim_1", 0.5],
      ["trim", "pm.ichi.long.trim_2", 0.5],
      ["exit", "pm.ichi.long.exit", 1],
    ],
  );
  assertEquals(strands[4]?.created_at, "2024-01-01T16:30:00.000Z");
  assertEquals(actions(strands).map(({ price, quantity }) => [price, quantity]), [
    [100, 2],
    [105, 1],
    [110, 1],
    [115, 1],
    [120, 1.25],
    [130, 1.875],
    [140, 0.9375],
    [175, 0.9375],
  ]);
});

Deno.test("what was filled, at which side and leverage, gives each decision an outcome of its own", () => {
  const order = (minute: number, isEntry: boolean, price: number): unknown => ({
    amount: 1,
    safe_price: price,
    order_filled_timestamp: 1704125400000 + minute * 60_000,
    ft_is_entry: isEntry,
    ft_order_tag: "",
  });
  // Short at 110 and 100, out at 95 of both: 3 · (1 − 190/210) = 28.57 %, of which the fees took half a point.
  const strands = tradeStrands(
    trade({
      is_short: true,
      leverage: 3,
      profit_ratio: 3 * (1 - 190 / 210) - 0.005,
      orders: [order(0, true, 110), order(10, true, 100), order(60, false, 95), order(75, false, 95)],
    }),
    ID,
  );
  const outcomes = outcomesOf(strands);
  assertEquals(outcomes.map(({ category }) => category), ["entry", "add", "trim", "exit"]);
  assertAlmostEquals(outcomes[1]?.roi ?? NaN, 3 * 0.05 - 0.005, 1e-12);
  assertAlmostEquals(outcomes[2]?.roi ?? NaN, 0, 1e-12);
});

Deno.test("a trade without orders is entered and left once", () => {
  assertEquals(
    actions(tradeStrands(trade({ orders: undefined }), ID)).map((action) => action.action_category),
    [
      "entry",
      "exit",
    ],
  );
});

Deno.test("the same trade has the same identity in every export, whatever was staked on it", () => {
  const names = (): TradeNames => new TradeNames();
  const id = names().next(trade());
  assertEquals(
    id,
    names().next(trade({ stake_amount: 500, amount: 4.7, profit_abs: -0.85, orders: undefined })),
  );
  assertEquals(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id), true);
});

Deno.test("trades that differ in anything that makes a trade have different identities", () => {
  const ids = [
    trade(),
    trade({}, "other"),
    trade({ pair: "ADA/USDT" }),
    trade({ is_short: true }),
    trade({ enter_tag: "dip" }),
    trade({ exit_reason: "roi" }),
    trade({ open_timestamp: 1704125100000 }),
    trade({ close_timestamp: 1704130200000 }),
    trade({ close_rate: 107 }),
    trade({ initial_stop_loss_ratio: -0.1 }),
    trade({ fee_close: 0.002 }),
  ].map((one) => new TradeNames().next(one));
  assertEquals(new Set(ids).size, ids.length);
});

Deno.test("identical trades stay apart, and get the same identities at the next import", () => {
  const once = new TradeNames();
  const ids = [
    once.next(trade()),
    once.next(trade({ pair: "ADA/USDT" })),
    once.next(trade()),
    once.next(trade()),
  ];
  assertEquals(new Set(ids).size, 4);
  const again = new TradeNames();
  assertEquals([again.next(trade()), again.next(trade()), again.next(trade())], [ids[0], ids[2], ids[3]]);
});

Deno.test("a key's part has no dots and no spaces, and different scripts stay apart", () => {
  assertEquals(keyPart("Nostalgia.For Infinity (X6)"), "Nostalgia_For_Infinity_X6");
  assertEquals(keyPart("buy_1-a"), "buy_1-a");
  assertEquals(/^x[0-9a-f]{8}$/.test(keyPart("买入")), true);
  assertNotEquals(keyPart("买入"), keyPart("卖出"));
  assertEquals(keyPart("x".repeat(90)), "x".repeat(90));
  assertEquals(keyPart("x".repeat(91)).length, 90);
  assertNotEquals(keyPart("x".repeat(91)), keyPart("x".repeat(92)));
});

Deno.test("sessions split the UTC day at 8 and 16", () => {
  const at = (hour: number): string => utcSession(Date.UTC(2024, 0, 1, hour, 59));
  assertEquals([0, 7, 8, 15, 16, 23].map(at), ["asia", "asia", "europe", "europe", "us", "us"]);
});

Deno.test("the dimensions beyond the seventeen are asked for by one strand, the same for every import", () => {
  const strand = dimensionsStrand(0);
  assertEquals(registeredDimensions(strand).map(({ dim, source }) => [dim, source]), [
    ["strategy", "entry"],
    ["pair", "entry"],
    ["side", "entry"],
    ["enter_tag", "entry"],
    ["session", "entry"],
    ["weekday", "entry"],
  ]);
  assertEquals(strand.id, dimensionsStrand(1).id);
});
