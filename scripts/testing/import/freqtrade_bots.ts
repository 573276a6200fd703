/**
 * What a freqtrade bot keeps and tells of its trades, in small and made up.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";

/** One value of a row. */
export type Value = string | number | null;

/** A database with these tables; columns are those of the rows, which must have the same. */
export function writeDatabase(
  path: string,
  tables: Readonly<Record<string, readonly Readonly<Record<string, Value>>[]>>,
): void {
  const database = new DatabaseSync(path);
  for (const [table, rows] of Object.entries(tables)) {
    const columns = Object.keys(rows[0] ?? {});
    database.exec(`create table ${table} (${columns.join(", ")})`);
    const insert = database.prepare(`insert into ${table} values (${columns.map(() => "?").join(", ")})`);
    for (const row of rows) insert.run(...columns.map((column) => row[column] ?? null));
  }
  database.close();
}

/** A closed trade as the database of 2024 has it: short, two entries, out in two halves, the second by a stop. */
export const TRADE_ROW: Readonly<Record<string, Value>> = {
  id: 7,
  exchange: "bybit",
  pair: "ETH/USDT:USDT",
  stake_currency: "USDT",
  is_open: 0,
  fee_open: 0.0005,
  fee_close: 0.0005,
  open_rate: 105,
  close_rate: 95,
  close_profit: 0.28,
  close_profit_abs: 58.8,
  stake_amount: 210,
  amount: 2,
  open_date: "2024-03-01 00:00:01.123456",
  close_date: "2024-03-01 02:00:01.123456",
  initial_stop_loss: 121,
  initial_stop_loss_pct: -0.1,
  exit_reason: "stop_loss",
  strategy: "Swing",
  enter_tag: "dip",
  timeframe: 60,
  leverage: 3,
  is_short: 1,
  funding_fees: -0.01,
};

const order = (id: number, changes: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> => ({
  id,
  ft_trade_id: 7,
  ft_order_side: "sell",
  status: "closed",
  price: 100,
  average: null,
  amount: 1,
  filled: 1,
  order_filled_date: null,
  ft_order_tag: "dip",
  ...changes,
});

/** Its orders: one of them cancelled, one filled in part. */
export const ORDER_ROWS: readonly Readonly<Record<string, Value>>[] = [
  order(1, { price: 110, average: 110, order_filled_date: "2024-03-01 00:00:02.000000" }),
  order(2, { price: 104, filled: 0, status: "canceled", order_filled_date: null }),
  order(3, { price: 100, average: 100, order_filled_date: "2024-03-01 00:30:00.000000" }),
  order(4, {
    ft_order_side: "buy",
    price: 95,
    amount: 2,
    filled: 1,
    status: "canceled",
    order_filled_date: "2024-03-01 01:00:00.000000",
    ft_order_tag: "exit_signal",
  }),
  order(5, {
    ft_order_side: "stoploss",
    price: 94,
    average: 95,
    order_filled_date: "2024-03-01 02:00:01.123456",
    ft_order_tag: "stop_loss",
  }),
];

/** The same trade as `show-trades --print-json` and the REST API tell it. */
export const TOLD_TRADE: Readonly<Record<string, unknown>> = {
  trade_id: 7,
  pair: "ETH/USDT:USDT",
  exchange: "bybit",
  is_open: false,
  is_short: true,
  strategy: "Swing",
  enter_tag: "dip",
  timeframe: 60,
  fee_open: 0.0005,
  fee_close: 0.0005,
  open_date: "2024-03-01 00:00:01",
  open_timestamp: 1709251201123,
  open_rate: 105,
  close_date: "2024-03-01 02:00:01",
  close_timestamp: 1709258401123,
  close_rate: 95,
  close_profit: 0.28,
  profit_ratio: 0.28,
  profit_abs: 58.8,
  exit_reason: "stop_loss",
  initial_stop_loss_abs: 121,
  initial_stop_loss_ratio: -0.1,
  initial_stop_loss_pct: -10,
  leverage: 3,
  orders: ORDER_ROWS.map((row) => ({
    amount: row["amount"],
    filled: row["filled"],
    safe_price: row["average"] ?? row["price"],
    ft_order_side: row["ft_order_side"],
    ft_is_entry: row["ft_order_side"] === "sell",
    ft_order_tag: row["ft_order_tag"],
    order_filled_timestamp: row["order_filled_date"] === null
      ? null
      : Date.parse(`${String(row["order_filled_date"]).replace(" ", "T")}Z`),
  })),
};

/** A bot's REST API with these closed trades and so many open ones; it takes one user alone. */
export class BotStand {
  readonly requests: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(closed: readonly unknown[], open: number, most = 2) {
    this.#server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => undefined }, (request) => {
      const url = new URL(request.url);
      this.requests.push(`${url.pathname}${url.search}`);
      if (request.headers.get("authorization") !== `Basic ${btoa("freqtrader:secret")}`) {
        return Response.json({ detail: "Unauthorized" }, { status: 401 });
      }
      if (url.pathname === "/api/v1/count") return Response.json({ current: open, max: 3, total_stake: 0 });
      if (url.pathname !== "/api/v1/trades") return Response.json({ detail: "Not Found" }, { status: 404 });
      const offset = Number(url.searchParams.get("offset"));
      const trades = closed.slice(offset, offset + Math.min(most, Number(url.searchParams.get("limit"))));
      const answer = { trades, trades_count: trades.length, offset, total_trades: closed.length };
      // As Python writes a figure that cannot be computed.
      return new Response(JSON.stringify({ ...answer, spare: "NaN" }).replace('"NaN"', "NaN"));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }
}
