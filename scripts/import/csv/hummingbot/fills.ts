import { columnIndex, hasColumns, type Profile, type ShapedTable } from "../profile.ts";
import { readNumber } from "../numbers.ts";
import type { Row } from "../rows.ts";

const SHAPED = [
  "Strategy",
  "Symbol",
  "Side",
  "Opened",
  "Closed",
  "Entry price",
  "Exit price",
  "Quantity",
  "Profit",
  "Stake",
  "Venue",
  "Status",
];

/** What is left below this share of what was held is dust. */
const DUST = 1e-6;

interface Position {
  readonly line: number;
  readonly opened: string;
  readonly side: 1 | -1;
  closed: string;
  held: number;
  bought: number;
  cost: number;
  sold: number;
  proceeds: number;
  fees: number;
}

const open = (line: number, time: string, side: 1 | -1): Position => ({
  line,
  opened: time,
  side,
  closed: time,
  held: 0,
  bought: 0,
  cost: 0,
  sold: 0,
  proceeds: 0,
  fees: 0,
});

/** Adds what a fill opens, or takes away what it closes. */
function fill(
  position: Position,
  amount: number,
  price: number,
  fee: number,
  isEntry: boolean,
  time: string,
): void {
  position.closed = time;
  position.fees += fee;
  if (isEntry) {
    position.held += amount;
    position.bought += amount;
    position.cost += amount * price;
  } else {
    position.held -= amount;
    position.sold += amount;
    position.proceeds += amount * price;
  }
}

function rowOf(
  position: Position,
  names: readonly [strategy: string, symbol: string, venue: string],
  isOpen: boolean,
): Row {
  const { side, cost, proceeds, fees, bought, sold } = position;
  return {
    line: position.line,
    cells: [
      names[0],
      names[1],
      side === 1 ? "long" : "short",
      position.opened,
      isOpen ? "" : position.closed,
      String(cost / bought),
      sold === 0 ? "" : String(proceeds / sold),
      String(bought),
      String(side * (proceeds - cost) - fees),
      String(cost),
      names[2],
      isOpen ? "open" : "closed",
    ],
  };
}

/**
 * Fills become trades: one begins with the fill that leaves something held, goes on while something is, and ends with the
 * fill that leaves nothing. A fill beyond that begins the next, on the other side.
 */
function shape(header: readonly string[]): ShapedTable {
  const column = {
    strategy: columnIndex(header, "strategy", "Strategy"),
    venue: columnIndex(header, "market", "exchange", "connector_name"),
    symbol: columnIndex(header, "symbol", "trading_pair"),
    base: columnIndex(header, "base", "base_asset"),
    quote: columnIndex(header, "quote", "quote_asset"),
    time: columnIndex(header, "timestamp"),
    side: columnIndex(header, "trade_type", "trade"),
    price: columnIndex(header, "price"),
    amount: columnIndex(header, "amount"),
    fee: columnIndex(header, "trade_fee_in_quote", "fee_in_quote"),
  };
  // Older files have the exchange under Exchange and the pair under Market.
  const hasExchange = hasColumns(header, "exchange");
  return {
    header: SHAPED,
    rows: async function* (source: AsyncIterable<Row>): AsyncGenerator<Row> {
      const positions = new Map<string, { position: Position; names: readonly [string, string, string] }>();
      for await (const { line, cells } of source) {
        const cell = (name: keyof typeof column): string => cells[column[name]] ?? "";
        const symbol = cell("symbol") || (cell("base") === "" ? "" : `${cell("base")}-${cell("quote")}`);
        const names = [
          cell("strategy"),
          symbol,
          hasExchange ? cells[columnIndex(header, "exchange")] ?? "" : cell("venue"),
        ] as const;
        const key = JSON.stringify(names);
        const side = /sell/i.test(cell("side")) ? -1 : 1;
        const price = readNumber(cell("price"), ".") ?? NaN;
        let amount = readNumber(cell("amount"), ".") ?? NaN;
        const fee = readNumber(cell("fee"), ".") ?? 0;
        if (!(price > 0 && amount > 0)) continue;
        const known = positions.get(key)?.position;
        const position = known ?? open(line, cell("time"), side);
        if (known !== undefined && position.side !== side) {
          const closing = Math.min(amount, position.held);
          fill(position, closing, price, fee * closing / amount, false, cell("time"));
          if (position.held > position.bought * DUST) continue;
          yield rowOf(position, names, false);
          positions.delete(key);
          const rest = amount - closing;
          if (rest <= amount * DUST) continue;
          const next = open(line, cell("time"), side);
          fill(next, rest, price, fee * rest / amount, true, cell("time"));
          positions.set(key, { position: next, names });
          amount = 0;
        } else {
          fill(position, amount, price, Number.isFinite(fee) ? fee : 0, true, cell("time"));
          positions.set(key, { position, names });
        }
      }
      for (const { position, names } of positions.values()) yield rowOf(position, names, true);
    },
  };
}

/** Fills of Hummingbot, as `data/trades_….csv` and the table TradeFill hold them. */
export const hummingbotFills: Profile = {
  name: "fills of Hummingbot",
  strategy: "hummingbot",
  fits: (header) =>
    hasColumns(header, "strategy", "timestamp", /^(trade_type|trade)$/i, "price", "amount") &&
    hasColumns(header, /^(symbol|market|base|base_asset)$/i),
  shape,
  zone: "UTC",
};
