/**
 * A tool whose tables are known: what its columns mean, and how its rows become one row a closed trade.
 *
 * @module
 */

import type { DateOrder } from "./dates.ts";
import type { Decimal } from "./numbers.ts";
import type { Role } from "./roles.ts";
import type { Row } from "./rows.ts";

/** What the reader of a file is told of it, for names that only the file's own name tells. */
export interface Origin {
  readonly path: string;
}

/** A table as a profile leaves it: one row a trade. */
export interface ShapedTable {
  readonly header: readonly string[];
  /** Rows in the shape of the header; one that is no trade, as a deposit, is left out. */
  rows(source: AsyncIterable<Row>): AsyncIterable<Row>;
}

/** What a profile knows of its tables. */
export interface Profile {
  /** As people call it, for the mapping that is shown. */
  readonly name: string;
  /** Stands in for the strategy where no column and nobody names it; part of the pattern key. */
  readonly strategy: string | ((origin: Origin) => string);
  /** The symbol of all trades, where it stands in the file's name alone. */
  readonly symbol?: (origin: Origin) => string | null;
  /** Whether a header is this tool's. */
  fits(header: readonly string[]): boolean;
  /** Why a table that fits cannot be imported, and what to do; null: it can. */
  refuse?(header: readonly string[]): string;
  /** How its rows become trades; without, each row is one. */
  shape?(header: readonly string[]): ShapedTable;
  /** Columns whose meaning their names do not tell, by their names in the shaped header. */
  readonly columns?: Readonly<Record<string, Role | "outcome" | "ignore">>;
  readonly returnUnit?: "fraction" | "percent";
  /** The zone of times that name none, where the tool has one. */
  readonly zone?: string;
  readonly dates?: DateOrder;
  readonly decimal?: Decimal;
}

/** Looks a column up by any of its names, without regard to case. */
export function columnIndex(header: readonly string[], ...names: readonly (string | RegExp)[]): number {
  for (const name of names) {
    const at = header.findIndex((column) =>
      typeof name === "string" ? column.toLowerCase() === name.toLowerCase() : name.test(column)
    );
    if (at >= 0) return at;
  }
  return -1;
}

/** Whether all these columns are there. */
export function hasColumns(header: readonly string[], ...names: readonly (string | RegExp)[]): boolean {
  return names.every((name) => columnIndex(header, name) >= 0);
}
