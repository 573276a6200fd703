import { columnIndex, hasColumns, type Profile, type ShapedTable } from "../profile.ts";
import { isBlank, readNumber } from "../numbers.ts";
import type { Row } from "../rows.ts";

const SHAPED = [
  "Ticket",
  "Open time",
  "Side",
  "Volume",
  "Symbol",
  "Entry price",
  "Stop loss",
  "Close time",
  "Exit price",
  "Profit",
  "Return",
  "Exit reason",
  "Status",
];

const nth = (header: readonly string[], name: RegExp, place: number): number => {
  const found = header.flatMap((column, at) => name.test(column) ? [at] : []);
  return found[place] ?? -1;
};

/** Where the columns of a statement are: MetaTrader 4 names its times, MetaTrader 5 has Time and Price twice. */
function placesOf(header: readonly string[]): Readonly<Record<string, number>> {
  const isFour = hasColumns(header, "Open Time");
  return {
    ticket: columnIndex(header, "Ticket", "Position", "Order"),
    opened: isFour ? columnIndex(header, "Open Time") : nth(header, /^Time$/i, 0),
    side: columnIndex(header, "Type"),
    volume: columnIndex(header, "Size", "Volume", "Lots"),
    symbol: columnIndex(header, "Item", "Symbol"),
    entry: hasColumns(header, "Open Price") ? columnIndex(header, "Open Price") : nth(header, /^Price$/i, 0),
    stop: columnIndex(header, /^S\s*\/\s*L$/i, "Stop Loss"),
    closed: isFour ? columnIndex(header, "Close Time") : nth(header, /^Time$/i, 1),
    exit: hasColumns(header, "Close Price") ? columnIndex(header, "Close Price") : nth(header, /^Price$/i, 1),
    commission: columnIndex(header, "Commission"),
    taxes: columnIndex(header, "Taxes", "Fee"),
    swap: columnIndex(header, "Swap"),
    profit: columnIndex(header, "Profit"),
    comment: columnIndex(header, "Comment"),
  };
}

/**
 * What came of a trade as a fraction of what it moved: the price's way, less what commission and swap took of the profit.
 * A statement tells no stake, and a profit is a way of the price times lots.
 */
function returnOf(side: string, entry: number, exit: number, gross: number, net: number): number | null {
  const moved = (exit / entry - 1) * (/sell/i.test(side) ? -1 : 1);
  if (!Number.isFinite(moved)) return null;
  return gross !== 0 && Math.sign(gross) === Math.sign(moved) ? moved * net / gross : moved;
}

function shape(header: readonly string[]): ShapedTable {
  const at = placesOf(header);
  const shaped = ({ line, cells }: Row, isOpen: boolean): Row | null => {
    const cell = (name: string): string => cells[at[name] ?? -1] ?? "";
    const figure = (name: string): number => readNumber(cell(name), ".") ?? 0;
    const side = cell("side").toLowerCase();
    // Deposits, and orders that were never filled.
    if (!/^(buy|sell)$/.test(side) || isBlank(cell("symbol"))) return null;
    const gross = figure("profit");
    const net = gross + figure("commission") + figure("taxes") + figure("swap");
    const roi = returnOf(side, figure("entry"), figure("exit"), gross, net);
    const stop = figure("stop") === 0 ? "" : cell("stop");
    const reason = /\[(sl|tp|so)[^\]]*\]/i.exec(cell("comment"))?.[1]?.toLowerCase() ?? "";
    const open = isOpen || isBlank(cell("closed"));
    return {
      line,
      cells: [
        cell("ticket"),
        cell("opened"),
        side,
        cell("volume"),
        cell("symbol"),
        cell("entry"),
        stop,
        open ? "" : cell("closed"),
        cell("exit"),
        String(net),
        roi === null ? "" : String(roi),
        reason,
        open ? "open" : "closed",
      ],
    };
  };
  return {
    header: SHAPED,
    rows: async function* (source: AsyncIterable<Row>): AsyncGenerator<Row> {
      let section: "closed" | "open" | "other" = "closed";
      for await (const row of source) {
        const filled = row.cells.filter((cell) => cell !== "");
        const title = filled.length <= 2 ? filled[0] ?? "" : "";
        if (/^(open trades|open positions)/i.test(title)) section = "open";
        else if (/^(working orders|orders|deals|results|summary|a\/c summary)/i.test(title)) {
          section = "other";
        } else if (/^(closed transactions|positions)/i.test(title)) section = "closed";
        if (section === "other") continue;
        const trade = shaped(row, section === "open");
        if (trade !== null) yield trade;
      }
    },
  };
}

/** The closed transactions of a statement of MetaTrader 4, the positions of a history report of MetaTrader 5. */
export const metatrader: Profile = {
  name: "statement of MetaTrader",
  strategy: "metatrader",
  fits: (header) =>
    (hasColumns(header, "Open Time", "Close Time", "Type", /^(Item|Symbol)$/i, "Profit") &&
      hasColumns(header, /^(Size|Volume|Lots)$/i)) ||
    (hasColumns(header, "Type", "Symbol", "Volume", "Profit") && nth(header, /^Time$/i, 1) >= 0 &&
      nth(header, /^Price$/i, 1) >= 0),
  shape,
  returnUnit: "fraction",
  decimal: ".",
};

/** A list of deals has entries and exits in rows of their own, of which one position may have many. */
export const metatraderDeals: Profile = {
  name: "list of deals of MetaTrader 5",
  strategy: "metatrader",
  fits: (header) => hasColumns(header, "Deal", "Direction", "Volume", "Profit"),
  refuse: () =>
    "this is a list of deals, of which one trade has several. Save the whole report, History, Report, HTML: its table of " +
    "positions has a row for each trade.",
};
