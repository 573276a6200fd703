/**
 * Finds the table of trades in a file: its header, the tool that wrote it, its rows as one a trade.
 *
 * @module
 */

import { countRoles } from "./mapping.ts";
import type { Profile } from "./profile.ts";
import { PROFILES } from "./profiles.ts";
import { openRows, type Row, type Rows } from "./rows.ts";
import { openText, TableError } from "./text.ts";
import type { Wishes } from "./wishes.ts";

/** A table whose rows are one a trade. */
export interface TradeTable {
  readonly path: string;
  /** The tool that wrote it; null where it is known by the names of its columns alone. */
  readonly profile: Profile | null;
  readonly header: readonly string[];
  readonly rows: Rows;
}

const PREAMBLE = 300;
const FEWEST_ROLES = 3;

/** Column names as they are, with a number where two are the same. */
function distinctNames(cells: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return cells.map((cell, at) => {
    const name = cell.replaceAll(/\s+/g, " ").trim() || `column ${at + 1}`;
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} (${count})`;
  });
}

/** Where the header is, counted in rows from 0, and whose it is. */
async function findHeader(
  path: string,
  rows: Rows,
  wishes: Wishes,
): Promise<{ place: number; cells: readonly string[]; profile: Profile | null }> {
  const wished = Object.keys(wishes.columns);
  let place = 0;
  let first: readonly string[] = [];
  for await (const { cells } of rows()) {
    if (place === 0) first = cells;
    const plain = cells.map((cell) => cell.replaceAll(/\s+/g, " ").trim());
    const profile = PROFILES.find((one) => one.fits(plain));
    if (profile !== undefined) return { place, cells: plain, profile };
    const isNamed = wished.length > 0 && wished.every((name) => plain.includes(name));
    if (isNamed || countRoles(plain, wishes) >= FEWEST_ROLES) return { place, cells: plain, profile: null };
    if (++place > PREAMBLE) break;
  }
  throw new TableError(
    `${path} has no line with the names of columns that a table of trades has, such as "Symbol", "Entry time", "Exit ` +
      `time" and "Profit %". It begins with: ${
        first.slice(0, 12).map((cell) => `"${cell}"`).join(", ")
      }. Where the names ` +
      `are others, say which is what in a file for --map: {"columns": {"NAME": "closed", "NAME": "return_percent"}}.`,
  );
}

/**
 * Opens a table of trades.
 *
 * @throws {TableError} when a file holds none, or one that cannot be imported.
 */
export async function openTable(path: string, wishes: Wishes): Promise<TradeTable> {
  const source = await openRows(await openText(path));
  const { place, cells, profile } = await findHeader(path, source, wishes);
  const refusal = profile?.refuse?.(cells);
  if (refusal !== undefined) throw new TableError(`${path} cannot be imported: ${refusal}`);
  const own = distinctNames(cells);
  const below = async function* (): AsyncGenerator<Row> {
    let at = 0;
    for await (const row of source()) {
      const isHeader = row.cells.length === cells.length &&
        row.cells.every((cell, column) => cell === cells[column]);
      if (at++ > place && !isHeader) yield row;
    }
  };
  const shaped = profile?.shape?.(cells);
  return shaped === undefined
    ? { path, profile, header: own, rows: below }
    : { path, profile, header: shaped.header, rows: () => shaped.rows(below()) };
}
