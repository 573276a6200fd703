/**
 * Small backtest exports for tests.
 *
 * @module
 */

import type { StrategyFacts } from "../../import/freqtrade/export.ts";

/** A trade as a current freqtrade writes it: SOL/USDT, long, a loss of 0.17 % against a stop at 27.5 %. */
export const RAW_TRADE: Readonly<Record<string, unknown>> = {
  pair: "SOL/USDT",
  stake_amount: 98.9,
  amount: 0.929,
  open_date: "2024-01-01 16:10:00+00:00",
  close_date: "2024-01-01 17:25:00+00:00",
  open_rate: 106.5,
  close_rate: 106.53,
  fee_open: 0.001,
  fee_close: 0.001,
  trade_duration: 75,
  profit_ratio: -0.0017,
  profit_abs: -0.17,
  exit_reason: "exit_signal",
  initial_stop_loss_abs: 77.2,
  initial_stop_loss_ratio: -0.275,
  is_open: false,
  enter_tag: "",
  leverage: 1,
  is_short: false,
  open_timestamp: 1704125400000,
  close_timestamp: 1704129900000,
  orders: [
    {
      amount: 0.929,
      safe_price: 106.5,
      ft_order_side: "buy",
      order_filled_timestamp: 1704125400000,
      ft_is_entry: true,
      ft_order_tag: "",
    },
    {
      amount: 0.929,
      safe_price: 106.53,
      ft_order_side: "sell",
      order_filled_timestamp: 1704129900000,
      ft_is_entry: false,
      ft_order_tag: "exit_signal",
    },
  ],
};

/** What an export says of the strategy that made it. */
export const FACTS: StrategyFacts = {
  name: "ichi",
  trades: 1,
  timeframe: "5m",
  stoploss: -0.3,
  stakeCurrency: "USDT",
};

/** A field set to `undefined` is left out. */
export function rawTrade(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return JSON.parse(JSON.stringify({ ...RAW_TRADE, ...changes }));
}

/** An export of the given strategies, facts after the trades as freqtrade writes them. */
export function exportText(strategies: Readonly<Record<string, readonly unknown[]>>): string {
  const facts = { stake_currency: "USDT", timeframe: "5m", stoploss: -0.3 };
  const strategy = Object.fromEntries(
    Object.entries(strategies).map(([name, trades]) => [name, { trades, ...facts }]),
  );
  return JSON.stringify({ strategy, strategy_comparison: [] });
}

/** Calls `use` with the path of a file of that name and content, in a directory of its own that is removed after. */
export async function withFile<T>(
  name: string,
  content: string | Uint8Array,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/${name}`;
    await Deno.writeFile(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
    return await use(path);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
