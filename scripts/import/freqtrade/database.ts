/**
 * Reads the database of a bot, live or in a dry run: SQLite, with the tables `trades` and `orders` of any freqtrade since
 * 2021. Columns that a version does not have are not asked for; a row becomes what the bot's API says of the trade.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { BotFacts, ExportError, type RawTrade, strategyOf } from "./export.ts";
import type { TradeSource } from "./source.ts";

const MAGIC = "SQLite format 3\0";

/** Whether a file is an SQLite database. */
export async function isDatabase(path: string): Promise<boolean> {
  using file = await Deno.open(path);
  const head = new Uint8Array(MAGIC.length);
  const read = await file.read(head);
  return new TextDecoder().decode(head.subarray(0, read ?? 0)) === MAGIC;
}

/** Columns of a trade by the names that the bot's API gives them; of several the first that the table has. */
const TRADE_COLUMNS = {
  trade_id: ["id"],
  exchange: ["exchange"],
  pair: ["pair"],
  strategy: ["strategy"],
  timeframe: ["timeframe", "ticker_interval"],
  is_open: ["is_open"],
  is_short: ["is_short"],
  leverage: ["leverage"],
  enter_tag: ["enter_tag", "buy_tag"],
  exit_reason: ["exit_reason", "sell_reason"],
  open_date: ["open_date"],
  close_date: ["close_date"],
  open_rate: ["open_rate"],
  close_rate: ["close_rate"],
  fee_open: ["fee_open", "fee"],
  fee_close: ["fee_close", "fee"],
  profit_ratio: ["close_profit"],
  profit_abs: ["close_profit_abs"],
  initial_stop_loss_ratio: ["initial_stop_loss_pct"],
  initial_stop_loss_abs: ["initial_stop_loss"],
} as const;
const FLAGS = ["is_open", "is_short"] as const;

const ORDER_COLUMNS = {
  trade: ["ft_trade_id"],
  side: ["ft_order_side", "side"],
  filled: ["filled"],
  amount: ["amount", "ft_amount"],
  average: ["average"],
  price: ["price", "ft_price"],
  filledDate: ["order_filled_date"],
  tag: ["ft_order_tag"],
} as const;

const columnSchema = z.array(z.object({ name: z.string() }));
const idSchema = z.looseObject({ trade_id: z.number(), is_short: z.boolean().nullable() });
const orderSchema = z.object({
  trade: z.number(),
  side: z.string().nullable(),
  filled: z.number().nullable(),
  amount: z.number().nullable(),
  average: z.number().nullable(),
  price: z.number().nullable(),
  filledDate: z.string().nullable(),
  tag: z.string().nullable(),
});
type OrderRow = z.infer<typeof orderSchema>;

function columnsOf(database: DatabaseSync, name: "trades" | "orders"): ReadonlySet<string> {
  const rows = columnSchema.parse(database.prepare(`pragma table_info(${name})`).all());
  return new Set(rows.map((row) => row.name));
}

/** A select list that gives each name the first column there is, null where there is none. */
function selectList(wanted: Readonly<Record<string, readonly string[]>>, there: ReadonlySet<string>): string {
  return Object.entries(wanted).map(([name, columns]) =>
    `${columns.find((column) => there.has(column)) ?? "null"} as "${name}"`
  ).join(", ");
}

/** The fills of a trade, as the bot's API writes its orders; a stop on the exchange leaves as any exit does. */
function ordersOf(rows: readonly OrderRow[], isShort: boolean): Record<string, unknown>[] {
  return rows.map(({ side, filled, amount, average, price, filledDate, tag }) => ({
    amount,
    filled,
    safe_price: average || price,
    ft_is_entry: side === (isShort ? "sell" : "buy"),
    ft_order_tag: tag,
    order_filled_timestamp: filledDate === null ? null : timestampOf(filledDate),
  }));
}

/** SQLAlchemy writes UTC without saying so. */
function timestampOf(date: string): number {
  return Date.parse(`${date.trim().replace(" ", "T")}Z`);
}

function* tradesIn(database: DatabaseSync): Generator<RawTrade> {
  const orderColumns = columnsOf(database, "orders");
  const orders = new Map<number, OrderRow[]>();
  if (orderColumns.has("order_filled_date")) {
    const list = selectList(ORDER_COLUMNS, orderColumns);
    for (const row of database.prepare(`select ${list} from orders order by id`).iterate()) {
      const order = orderSchema.parse(row);
      const known = orders.get(order.trade);
      if (known === undefined) orders.set(order.trade, [order]);
      else known.push(order);
    }
  }
  const list = selectList(TRADE_COLUMNS, columnsOf(database, "trades"));
  let index = 0;
  for (const row of database.prepare(`select ${list} from trades order by id`).iterate()) {
    const flags = Object.fromEntries(
      FLAGS.map((flag) => [flag, row[flag] === null ? null : row[flag] === 1]),
    );
    const value = { ...row, ...flags };
    const { trade_id, is_short } = idSchema.parse(value);
    yield {
      strategy: strategyOf(value),
      index: index++,
      value: { ...value, orders: ordersOf(orders.get(trade_id) ?? [], is_short === true) },
      fromBot: true,
    };
  }
}

/**
 * Opens a bot's database, which may be in use: nothing is written to it.
 *
 * @throws {ExportError} when it is not a bot's.
 */
export function openDatabase(path: string): TradeSource {
  const database = new DatabaseSync(path, { readOnly: true });
  const failed = (cause: unknown): ExportError =>
    new ExportError(
      `${path} cannot be read as a bot's database: ${
        cause instanceof Error ? cause.message : String(cause)
      }. ` +
        `Copy it together with the files of its name that end in -wal and -shm, or stop the bot first.`,
      { cause },
    );
  try {
    if (!columnsOf(database, "trades").has("open_rate")) {
      throw new ExportError(
        `${path} is an SQLite database, but none of a freqtrade bot: it has no table "trades" with open rates. ` +
          `A bot's is called tradesv3.sqlite, or tradesv3.dryrun.sqlite.`,
      );
    }
  } catch (cause) {
    database.close();
    throw cause instanceof ExportError ? cause : failed(cause);
  }
  return {
    name: path,
    size: null,
    scan: (): Promise<BotFacts["strategies"]> => {
      const facts = new BotFacts();
      try {
        for (const { value } of tradesIn(database)) facts.add(value);
      } catch (cause) {
        return Promise.reject(failed(cause));
      }
      return Promise.resolve(facts.strategies);
    },
    trades: async function* (): AsyncGenerator<RawTrade> {
      yield* tradesIn(database);
    },
    [Symbol.asyncDispose]: (): Promise<void> => Promise.resolve(database.close()),
  };
}
