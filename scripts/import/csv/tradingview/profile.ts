import { columnIndex, hasColumns, type Origin, type Profile, type ShapedTable } from "../profile.ts";
import type { Row } from "../rows.ts";

const NUMBER = /^Trade\s*(#|number|no\.?|num)$/i;
const WHEN = /^Date(\s*\/\s*|\s+and\s+)?(time)?(\s+.*)?$/i;
const SHAPED = [
  "Trade",
  "Side",
  "Entry time",
  "Entry signal",
  "Entry price",
  "Exit time",
  "Exit signal",
  "Exit price",
  "Contracts",
  "Profit",
  "Return %",
  "Status",
];

interface Half {
  readonly line: number;
  readonly type: string;
  readonly time: string;
  readonly signal: string;
  readonly price: string;
  readonly quantity: string;
  readonly profit: string;
  readonly percent: string;
}

/** Two rows a trade, entry and exit in either order, under its number; one that is alone is still open. */
function shape(header: readonly string[]): ShapedTable {
  const at = {
    number: columnIndex(header, NUMBER),
    type: columnIndex(header, "Type"),
    time: columnIndex(header, WHEN),
    signal: columnIndex(header, "Signal"),
    price: columnIndex(header, /^Price(\s|$)/i),
    quantity: columnIndex(
      header,
      /^(Contracts|Quantity|Qty|Size \(qty\)|Position size( \(qty\))?|Shares|Size)$/i,
    ),
    profit: columnIndex(header, /^(Net )?(P&L|PnL|P\/L|Profit)(?!.*%)/i),
    percent: columnIndex(header, /^(Net )?(P&L|PnL|P\/L|Profit)\b.*%/i),
  };
  const halfOf = ({ line, cells }: Row): Half => {
    const cell = (column: number): string => cells[column] ?? "";
    return {
      line,
      type: cell(at.type),
      time: cell(at.time),
      signal: cell(at.signal),
      price: cell(at.price),
      quantity: cell(at.quantity),
      profit: cell(at.profit),
      percent: cell(at.percent),
    };
  };
  const joined = (number: string, halves: readonly Half[]): Row => {
    const entry = halves.find(({ type }) => /^entry|^einstieg/i.test(type.trim()));
    const exit = halves.find(({ type }) => /^exit|^ausstieg/i.test(type.trim()));
    const isOpen = exit === undefined || /^open$/i.test(exit.signal) || /^open$/i.test(exit.time) ||
      exit.time === "";
    return {
      line: Math.min(...halves.map(({ line }) => line)),
      cells: [
        number,
        /short/i.test(entry?.type ?? exit?.type ?? "") ? "short" : "long",
        entry?.time ?? "",
        entry?.signal ?? "",
        entry?.price ?? "",
        isOpen ? "" : exit.time,
        isOpen ? "" : exit.signal,
        isOpen ? "" : exit.price,
        exit?.quantity || entry?.quantity || "",
        isOpen ? "" : exit.profit || entry?.profit || "",
        isOpen ? "" : exit.percent || entry?.percent || "",
        entry === undefined ? "closed" : isOpen ? "open" : "closed",
      ],
    };
  };
  return {
    header: SHAPED,
    rows: async function* (source: AsyncIterable<Row>): AsyncGenerator<Row> {
      let number: string | null = null;
      let halves: Half[] = [];
      for await (const row of source) {
        const next = row.cells[at.number] ?? "";
        if (next === "") continue;
        if (number !== null && next !== number) {
          yield joined(number, halves);
          halves = [];
        }
        number = next;
        halves.push(halfOf(row));
      }
      if (number !== null) yield joined(number, halves);
    },
  };
}

/** Files are called `<strategy>_<exchange>_<symbol>_<date>.csv`. */
function partsOf({ path }: Origin): { readonly strategy: string; readonly symbol: string } | null {
  const name = path.replace(/^.*[/\\]/, "");
  const [, strategy, symbol] = /^(.+?)_(?:[A-Z][A-Z0-9]*_)?([A-Z0-9.!]{2,})_\d{4}-\d\d-\d\d/.exec(name) ?? [];
  return strategy === undefined || symbol === undefined ? null : { strategy, symbol };
}

/** The list of trades of the strategy tester, with the headers of any year. */
export const tradingView: Profile = {
  name: "TradingView's list of trades",
  strategy: (origin) => partsOf(origin)?.strategy ?? "tradingview",
  symbol: (origin) => partsOf(origin)?.symbol ?? null,
  fits: (header) => hasColumns(header, NUMBER, "Type", "Signal", WHEN, /^Price(\s|$)/i),
  shape,
  // A longer export counts its trades otherwise.
  columns: { Trade: "ignore" },
  returnUnit: "percent",
};
