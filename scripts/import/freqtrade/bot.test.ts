import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert/mod.js";
import { z } from "zod";
import type { Strand } from "../../strand_file.ts";
import { withFile } from "../../testing/import/freqtrade_exports.ts";
import {
  BotStand,
  ORDER_ROWS,
  TOLD_TRADE,
  TRADE_ROW,
  type Value,
  writeDatabase,
} from "../../testing/import/freqtrade_bots.ts";
import { MemorySink } from "../../testing/import/memory_sink.ts";
import { isThere, SHARED_DATA } from "../../testing/shared_data.ts";
import { openBot } from "./api.ts";
import { ExportError } from "./export.ts";
import { type ExportImportResult, importExport } from "./import.ts";
import { openSource, type TradeSource } from "./source.ts";

interface Import {
  readonly result: ExportImportResult;
  readonly strands: readonly Strand[];
  readonly open: readonly string[];
}

async function importFrom(source: TradeSource, sink = new MemorySink()): Promise<Import> {
  await using closing = source;
  const open: string[] = [];
  const refused: unknown[] = [];
  const result = await importExport(closing, sink, {}, {
    onOpen: (position) => void open.push(position),
    onRefused: (position, reasons) => void refused.push([position, reasons]),
  });
  assertEquals(refused, []);
  return { result, strands: [...sink.strands.values()], open };
}

const importText = (text: string): Promise<Import> =>
  withFile("trades.json", text, async (path) => await importFrom(await openSource(path)));

const importTables = (
  tables: Readonly<Record<string, readonly Readonly<Record<string, Value>>[]>>,
  sink?: MemorySink,
): Promise<Import> =>
  withFile("other", "", async (other) => {
    const path = other.replace(/other$/, "tradesv3.sqlite");
    writeDatabase(path, tables);
    return await importFrom(await openSource(path), sink);
  });

const openRow = { ...TRADE_ROW, id: 8, is_open: 1, close_date: null, close_rate: null, close_profit: null };

const action = z.object({
  pattern_key: z.string(),
  action_category: z.string(),
  scope: z.record(z.string(), z.string()),
  price: z.number().optional(),
  quantity: z.number().optional(),
});
const actionsOf = (strands: readonly Strand[]): z.infer<typeof action>[] =>
  strands.filter(({ kind }) => kind === "pm_action").map(({ content }) => action.parse(content));
const summariesOf = (strands: readonly Strand[]): { rpnl_pct: number; rr: number }[] =>
  strands.filter(({ kind }) => kind === "position_closed").map(({ content }) =>
    z.object({ trade_summary: z.object({ rpnl_pct: z.number(), rr: z.number() }) }).parse(content)
      .trade_summary
  );

Deno.test("a bot's database gives its closed trades with their fills, and tells what is open", async () => {
  const { result, strands, open } = await importTables({ trades: [TRADE_ROW, openRow], orders: ORDER_ROWS });
  assertEquals([result.imported, result.refused, result.open, [...result.timeframes]], [1, 0, 1, ["1h"]]);
  assertEquals(open, ["trades[1]"]);
  const actions = actionsOf(strands);
  assertEquals(
    actions.map(({ pattern_key, action_category, price, quantity }) => [
      pattern_key,
      action_category,
      price,
      quantity,
    ]),
    [
      ["pm.Swing.short.dip", "entry", 110, 1],
      ["pm.Swing.short.add_1", "add", 100, 1],
      ["pm.Swing.short.trim_1", "trim", 95, 1],
      ["pm.Swing.short.exit", "exit", 95, 1],
    ],
  );
  assertEquals(actions[0]?.scope, {
    strategy: "Swing",
    pair: "ETH/USDT:USDT",
    side: "short",
    enter_tag: "dip",
    session: "asia",
    weekday: "fri",
    timeframe: "1h",
  });
  const [summary] = summariesOf(strands);
  assertAlmostEquals(summary?.rpnl_pct ?? NaN, 28, 1e-12);
  assertAlmostEquals(summary?.rr ?? NaN, 2.8, 1e-12);
});

Deno.test("a database of 2021 says the same under older names, and what it lacks is neutral", async () => {
  const { enter_tag, exit_reason, is_short: _side, leverage: _leverage, ...shared } = TRADE_ROW;
  const old = { ...shared, buy_tag: enter_tag ?? null, sell_reason: exit_reason ?? null };
  const { result, strands } = await importTables({
    trades: [old],
    orders: [{ id: 1, ft_trade_id: 7, ft_order_side: "buy" }],
  });
  assertEquals(result.imported, 1);
  assertEquals(actionsOf(strands).map(({ pattern_key }) => pattern_key), [
    "pm.Swing.long.dip",
    "pm.Swing.long.exit",
  ]);
});

Deno.test("the database, show-trades and the REST API tell of the same trades, which go in once", async () => {
  const database = await importTables({ trades: [TRADE_ROW], orders: ORDER_ROWS });
  const shown = await importText(JSON.stringify([TOLD_TRADE]));
  const answered = await importText(
    JSON.stringify({ trades: [TOLD_TRADE], trades_count: 1, total_trades: 1 }),
  );
  assertEquals(shown.strands, answered.strands);
  assertEquals(shown.strands.map(({ id }) => id), database.strands.map(({ id }) => id));
  assertEquals(actionsOf(shown.strands), actionsOf(database.strands));
});

Deno.test("a database is imported again and again: only what is new goes in, whatever became of the figures", async () => {
  const sink = new MemorySink();
  const first = await importTables({ trades: [TRADE_ROW, openRow], orders: ORDER_ROWS }, sink);
  assertEquals([first.result.written, first.result.known], [6, 0]);
  const later = [{ ...TRADE_ROW, close_profit: 0.2799, fee_close: 0.0006 }, { ...TRADE_ROW, id: 8 }];
  const second = await importTables({ trades: later, orders: ORDER_ROWS }, sink);
  assertEquals([second.result.written, second.result.known], [3, 6]);
});

Deno.test("a database that is none of a bot, and one in which nothing was closed, say so", async () => {
  await assertRejects(() => importTables({ songs: [{ id: 1 }] }), ExportError, 'no table "trades"');
  const { result } = await importTables({ trades: [openRow] });
  assertEquals([result.imported, result.open, result.written], [0, 1, 0]);
  await assertRejects(() => importText("[]"), ExportError, "holds no trade yet");
  await assertRejects(
    () => importText('{"trades": [], "trades_count": 0}'),
    ExportError,
    "holds no trade yet",
  );
});

Deno.test("a bot is asked page by page, and how many trades are open", async () => {
  const closed = Array.from({ length: 5 }, (_, at) => ({ ...TOLD_TRADE, trade_id: at + 1 }));
  await using bot = new BotStand(closed, 2);
  const ask = (password: string, url = bot.url): Promise<Import> =>
    importFrom(openBot({ url, user: "freqtrader", password }));
  const { result } = await ask("secret");
  assertEquals([result.imported, result.open, result.refused], [5, 2, 0]);
  assertEquals(bot.requests.map((request) => request.replace("limit=500&", "")), [
    "/api/v1/trades?offset=0&order_by_id=true",
    "/api/v1/trades?offset=2&order_by_id=true",
    "/api/v1/trades?offset=4&order_by_id=true",
    "/api/v1/count",
  ]);
  assertEquals((await ask("secret", `${bot.url}/api/v1/`)).result.imported, 5);
  await assertRejects(() => ask("wrong"), ExportError, 'refuses the user "freqtrader"');
  await assertRejects(() => ask("secret", `${bot.url}/elsewhere`), ExportError, "answers 404");
  await assertRejects(() => ask("secret", "http://127.0.0.1:1"), ExportError, "api_server enabled");
});

const FIELD = new URL("field/", SHARED_DATA);
const field = (name: string): Promise<Import> =>
  openSource(new URL(name, FIELD).pathname).then((source) => importFrom(source));

Deno.test({
  name: "the small inputs that once failed give their right answers",
  ignore: !isThere(new URL("show-trades.json", FIELD)),
  fn: async () => {
    const shown = await field("show-trades.json");
    assertEquals([shown.result.imported, shown.result.open, [...shown.result.timeframes]], [2, 1, ["5m"]]);
    const left = await field("left-open-2021.json");
    assertAlmostEquals(left.result.rois.reduce((sum, roi) => sum + roi, 0) / 3, -0.0819, 5e-5);
    assertEquals([left.result.imported, left.result.open], [3, 0]);
    const dump = await Deno.readTextFile(new URL("live-db.sql", FIELD));
    await withFile("other", "", async (path) => {
      const { DatabaseSync } = await import("node:sqlite");
      const database = new DatabaseSync(`${path}.sqlite`);
      database.exec(dump);
      database.close();
      const live = await importFrom(await openSource(`${path}.sqlite`));
      assertEquals([live.result.imported, live.result.open, [...live.result.timeframes]], [2, 1, ["5m"]]);
      assertEquals(summariesOf(live.strands).map(({ rpnl_pct }) => rpnl_pct), [5.79, -4.2]);
      assertAlmostEquals(summariesOf(live.strands)[0]?.rr ?? NaN, 0.579, 1e-12);
    });
  },
});
