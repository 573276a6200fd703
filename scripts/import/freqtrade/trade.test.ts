import { assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { FACTS, rawTrade } from "../../testing/import/freqtrade_exports.ts";
import type { Trade } from "../trade.ts";
import { readTrade, type TradeDefaults, type TradeReading } from "./trade.ts";

const NO_FACTS = { ...FACTS, timeframe: null, stoploss: null, stakeCurrency: null };

function reading(
  changes: Record<string, unknown>,
  facts = FACTS,
  defaults: TradeDefaults = {},
): TradeReading {
  return readTrade({ strategy: "ichi", index: 0, value: rawTrade(changes), fromBot: false }, facts, defaults);
}

function trade(changes: Record<string, unknown> = {}, facts = FACTS, defaults: TradeDefaults = {}): Trade {
  const { trade, reasons } = reading(changes, facts, defaults);
  if (trade === undefined) throw new Error(`Refused: ${reasons?.join("; ")}`);
  return trade;
}

const reasons = (changes: Record<string, unknown>, facts = FACTS): readonly string[] =>
  reading(changes, facts).reasons ?? [];

Deno.test("a current trade is read as it stands", () => {
  assertEquals(trade(), {
    strategy: "ichi",
    botTrade: null,
    pair: "SOL/USDT",
    side: "long",
    timeframe: "5m",
    enterTag: null,
    exitReason: "exit_signal",
    openedAt: Date.UTC(2024, 0, 1, 16, 10),
    closedAt: Date.UTC(2024, 0, 1, 17, 25),
    openRate: 106.5,
    closeRate: 106.53,
    leverage: 1,
    feeOpen: 0.001,
    feeClose: 0.001,
    roi: -0.0017,
    risk: 0.275,
    profitAbs: -0.17,
    stakeCurrency: "USDT",
    orders: [
      { filledAt: Date.UTC(2024, 0, 1, 16, 10), isEntry: true, amount: 0.929, price: 106.5, tag: null },
      {
        filledAt: Date.UTC(2024, 0, 1, 17, 25),
        isEntry: false,
        amount: 0.929,
        price: 106.53,
        tag: "exit_signal",
      },
    ],
  });
});

Deno.test("older names mean the same: sell_reason, buy_tag", () => {
  const old = trade({ exit_reason: undefined, sell_reason: "roi", enter_tag: undefined, buy_tag: "dip" });
  assertEquals([old.exitReason, old.enterTag], ["roi", "dip"]);
});

Deno.test("an older trade without side, leverage, stop ratio, timestamps and orders is a long one with no leverage", () => {
  const old = trade({
    is_short: undefined,
    leverage: undefined,
    initial_stop_loss_ratio: undefined,
    initial_stop_loss_abs: 85.2,
    open_timestamp: undefined,
    close_timestamp: undefined,
    orders: undefined,
  });
  assertEquals([old.side, old.leverage, old.orders], ["long", 1, []]);
  assertEquals([old.openedAt, old.closedAt], [Date.UTC(2024, 0, 1, 16, 10), Date.UTC(2024, 0, 1, 17, 25)]);
  // (106.5 − 85.2)/106.5 = 0.2
  assertAlmostEquals(old.risk, 0.2, 1e-12);
});

Deno.test("a date is UTC where it names no zone, and in its zone where it does", () => {
  const opened = (date: string): number => trade({ open_timestamp: undefined, open_date: date }).openedAt;
  assertEquals(opened("2024-01-01 16:10:00"), Date.UTC(2024, 0, 1, 16, 10));
  assertEquals(opened("2024-01-01T16:10:00Z"), Date.UTC(2024, 0, 1, 16, 10));
  assertEquals(opened("2024-01-01 17:10:00+01:00"), Date.UTC(2024, 0, 1, 16, 10));
});

Deno.test("profit_percent of 2020 is taken as the fraction it was, where rates and fees agree", () => {
  const changes = {
    profit_ratio: undefined,
    profit_percent: 0.03990025,
    open_rate: 9.64e-05,
    close_rate: 0.00010074887218045112,
    fee_open: undefined,
    fee_close: undefined,
    open_fee: 0.0025,
    close_fee: 0.0025,
    initial_stop_loss_abs: undefined,
    initial_stop_loss_ratio: undefined,
  };
  assertEquals(trade(changes).roi, 0.03990025);
  assertEquals(reasons({ ...changes, profit_percent: 3.990025 }).length, 1);
  assertEquals(
    reasons({ ...changes, profit_percent: 3.990025 })[0]?.includes("profit_percent 3.990025"),
    true,
  );
});

Deno.test("the risk is the trade's stop, else the stop's price with leverage, else the strategy's, else the default", () => {
  const noRatio = { initial_stop_loss_ratio: null };
  const noStop = { ...noRatio, initial_stop_loss_abs: null };
  assertEquals(trade({ initial_stop_loss_ratio: 0.1 }).risk, 0.1);
  assertAlmostEquals(trade({ ...noRatio, initial_stop_loss_abs: 95.85, leverage: 3 }).risk, 0.3, 1e-12);
  assertAlmostEquals(trade({ ...noRatio, initial_stop_loss_abs: 117.15, is_short: true }).risk, 0.1, 1e-12);
  assertEquals(trade(noStop).risk, 0.3);
  assertEquals(trade(noStop, NO_FACTS, { stoploss: -0.15 }).risk, 0.15);
});

Deno.test("a stop of zero says nothing: without any other, R/R cannot be measured and the trade is refused", () => {
  const zero = { initial_stop_loss_ratio: 0, initial_stop_loss_abs: 0 };
  assertEquals(trade(zero).risk, 0.3);
  assertEquals(reasons(zero, NO_FACTS).map((reason) => reason.split(":")[0]), ["initial_stop_loss_ratio"]);
  assertEquals(reasons(zero, NO_FACTS)[0]?.includes("--stoploss"), true);
});

Deno.test("timeframe and stake currency fall back to the default and to the pair's quote", () => {
  const found = trade({ pair: "ETH/USDC:USDC" }, NO_FACTS, { timeframe: "15m" });
  assertEquals([found.timeframe, found.stakeCurrency], ["15m", "USDC"]);
  assertEquals(trade({}, FACTS, { timeframe: "1h" }).timeframe, "5m");
});

Deno.test("orders are those that were filled, in time; an older order says by its side whether it enters", () => {
  const orders = [
    { amount: 1, safe_price: 2, ft_order_side: "buy", order_filled_timestamp: 1704129000000 },
    { amount: 3, safe_price: 2, ft_order_side: "sell", order_filled_timestamp: 1704125400000 },
    { amount: 9, safe_price: 2, ft_order_side: "sell", order_filled_timestamp: null },
  ];
  assertEquals(trade({ is_short: true, orders }).orders.map((order) => [order.isEntry, order.amount]), [
    [true, 3],
    [false, 1],
  ]);
});

Deno.test("a bad trade is refused with every reason", () => {
  const found = reasons({
    close_rate: null,
    close_timestamp: null,
    close_date: null,
    profit_ratio: null,
    enter_tag: "x".repeat(201),
    orders: [{ amount: 0, ft_is_entry: true, order_filled_timestamp: 1704125400000 }],
  });
  assertEquals(found.map((reason) => reason.split(":")[0]), [
    "close_timestamp",
    "close_rate",
    "profit_ratio",
    "enter_tag",
    "orders.0.amount",
  ]);
});

Deno.test("a trade that is open has no outcome, but one that a backtest closed at its end has although it says is_open", () => {
  assertEquals(reading({ is_open: true, close_rate: null, close_timestamp: null, close_date: null }), {
    isOpen: true,
  });
  assertEquals(trade({ is_open: true, sell_reason: "force_sell" }).roi, -0.0017);
});

Deno.test("fields of the wrong type are reasons with their path", () => {
  const found = reasons({ pair: 7, profit_ratio: "0.1", open_rate: 0, orders: [{ amount: "1" }] });
  assertEquals(found.map((reason) => reason.split(":")[0]), [
    "pair",
    "open_rate",
    "profit_ratio",
    "orders.0.amount",
  ]);
  assertEquals(
    readTrade({ strategy: "ichi", index: 0, value: ["TRX/BTC"], fromBot: false }, FACTS).reasons?.length,
    1,
  );
});

Deno.test("times that cannot be are refused", () => {
  assertEquals(reasons({ open_timestamp: 1704125400 })[0]?.startsWith("open_timestamp: 1704125400"), true);
  assertEquals(reasons({ close_timestamp: 1704125399999 }), ["close_timestamp: before open_timestamp"]);
  assertEquals(
    reasons({ open_timestamp: null, open_date: "soon" })[0]?.startsWith('open_date: "soon"'),
    true,
  );
});

Deno.test("an outcome beyond what a strand may say is refused", () => {
  assertEquals(trade({ profit_ratio: 1e4 }).roi, 1e4);
  assertEquals(reasons({ profit_ratio: -10_001 }).length, 1);
});
