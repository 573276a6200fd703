/**
 * What the values of each column are like, looked over once before anything is decided.
 *
 * @module
 */

import { orderOf, readDate } from "./dates.ts";
import { decimalOf, isBlank, looksNumeric, readNumber } from "./numbers.ts";
import type { Row } from "./rows.ts";

/** What most values of a column are. */
export type Kind = "number" | "date" | "time" | "side" | "text" | "empty";

/** So many different texts of a column are told apart; with more it says nothing of many trades. */
export const MOST_VALUES = 1_000;
const MOST_SAMPLES = 2_000;
const MOST_SCOPE_LENGTH = 200;

/** A column's values in figures. */
export interface ColumnSurvey {
  readonly kind: Kind;
  readonly example: string;
  readonly filled: number;
  /** Different values, as far as they were counted. */
  readonly distinct: number;
  /** Whether each is short enough for a scope. */
  readonly isShort: boolean;
  readonly hasPercentSigns: boolean;
  /** Whether times of day stand there without a zone. */
  readonly lacksZone: boolean;
}

/** A table's values in figures. */
export interface Survey {
  readonly rows: number;
  readonly columns: readonly ColumnSurvey[];
  /** How often a value spoke for points and for commas. */
  readonly decimals: { readonly points: number; readonly commas: number };
  /** What dates of figures spoke for, those that may be either included. */
  readonly orders: { readonly dmy: number; readonly mdy: number; readonly either: number };
  /** The first rows, to check units by. */
  readonly samples: readonly Row[];
}

const TIME_OF_DAY = /^\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:[AaPp]\.?[Mm]\.?)?$/;
const SIDE =
  /^(?:entry |exit )?(?:long|short|buy|sell|bought|sold|b|s|l|bull|bear|bullish|bearish|kauf|verkauf|achat|vente|compra|venta|sell short|buy to open|sell to open)$/i;

/** Whether a text says long or short; null where it says neither. */
export function sideOf(text: string): "long" | "short" | null {
  const plain = text.trim();
  if (/^[+]?1(\.0)?$/.test(plain)) return "long";
  if (/^[-−]1(\.0)?$/.test(plain)) return "short";
  if (!SIDE.test(plain)) return null;
  return /short|^s$|sell|sold|bear|verkauf|vente|venta/i.test(plain) ? "short" : "long";
}

class Column {
  filled = 0;
  numbers = 0;
  dates = 0;
  times = 0;
  sides = 0;
  percents = 0;
  points = 0;
  commas = 0;
  isShort = true;
  lacksZone = false;
  example = "";
  readonly orders = { dmy: 0, mdy: 0, either: 0 };
  /** Different texts, and how often each was there. */
  readonly values = new Map<string, number>();

  add(text: string): void {
    const known = this.values.get(text);
    if (known !== undefined) {
      this.values.set(text, known + 1);
      return;
    }
    if (isBlank(text)) return;
    if (this.example === "") this.example = text;
    // A text beyond these is looked at each time it comes.
    if (this.values.size <= MOST_VALUES) this.values.set(text, 0);
    this.#look(text, 1);
  }

  /** Adds what texts that came again are like, once all have come. */
  close(): void {
    for (const [text, again] of this.values) if (again > 0) this.#look(text, again);
  }

  #look(text: string, times: number): void {
    this.filled += times;
    if (text.length > MOST_SCOPE_LENGTH) this.isShort = false;
    if (sideOf(text) !== null) this.sides += times;
    if (looksNumeric(text)) {
      this.numbers += times;
      if (text.includes("%")) this.percents += times;
      const decimal = decimalOf(text);
      if (decimal === ".") this.points += times;
      if (decimal === ",") this.commas += times;
      if (!/^\d{10,19}(\.\d+)?$|^(19|20)\d{6}$|^\d{1,2}\.\d{1,2}\.\d{2,4}$/.test(text.trim())) return;
    }
    if (TIME_OF_DAY.test(text.trim())) {
      this.times += times;
      return;
    }
    const order = orderOf(text);
    if (order !== null) this.orders[order] += times;
    const date = readDate(text, order === "mdy" ? "mdy" : "dmy") ?? readDate(text, "mdy");
    if (date === null) return;
    this.dates += times;
    if (typeof date !== "number" && date.hasTime && date.offset === null) this.lacksZone = true;
  }

  get kind(): Kind {
    // What most are: the others are refused by line, for what the column's name promises.
    const half = this.filled / 2;
    if (this.filled === 0) return "empty";
    if (this.dates > half) return "date";
    if (this.times > half) return "time";
    // 1 and −1 are figures, and say a side where there is nothing else.
    const hasBoth = this.values.size <= 2 &&
      [...this.values.keys()].some((value) => sideOf(value) === "short");
    if (this.sides > half && (this.numbers <= half || hasBoth)) return "side";
    return this.numbers > half ? "number" : "text";
  }
}

/** Looks over all rows of a table with so many columns. */
export async function surveyOf(rows: AsyncIterable<Row>, width: number): Promise<Survey> {
  const columns = Array.from({ length: width }, () => new Column());
  const samples: Row[] = [];
  let count = 0;
  for await (const row of rows) {
    count += 1;
    if (samples.length < MOST_SAMPLES) samples.push(row);
    columns.forEach((column, at) => column.add(row.cells[at] ?? ""));
  }
  for (const column of columns) column.close();
  const sum = (of: (column: Column) => number): number =>
    columns.reduce((total, column) => total + of(column), 0);
  const dates = columns.filter((column) => column.kind === "date");
  const numbers = columns.filter((column) => column.kind === "number");
  return {
    rows: count,
    columns: columns.map((column) => ({
      kind: column.kind,
      example: column.example,
      filled: column.filled,
      distinct: column.values.size,
      isShort: column.isShort,
      hasPercentSigns: column.percents > 0,
      lacksZone: column.kind === "date" && column.lacksZone,
    })),
    decimals: {
      points: numbers.reduce((total, { points }) => total + points, 0),
      commas: numbers.reduce((total, { commas }) => total + commas, 0),
    },
    orders: {
      dmy: dates.reduce((total, { orders }) => total + orders.dmy, 0),
      mdy: dates.reduce((total, { orders }) => total + orders.mdy, 0),
      either: sum(({ kind, orders }) => kind === "date" ? orders.either : 0),
    },
    samples,
  };
}

/** The values of a numeric column, sorted. */
export async function sortedValues(
  rows: AsyncIterable<Row>,
  column: number,
  decimal: "." | ",",
): Promise<Float64Array> {
  const values: number[] = [];
  for await (const { cells } of rows) {
    const value = readNumber(cells[column] ?? "", decimal);
    if (value !== null && !Number.isNaN(value)) values.push(value);
  }
  return Float64Array.from(values).sort();
}
