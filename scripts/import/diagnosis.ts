/**
 * What trades came to by what was behind their entry and what ended them: the table in which traders look for what is
 * wrong with a strategy. The exit is an outcome, so nothing of this is learned from.
 *
 * @module
 */

import { table } from "../table.ts";

interface Cell {
  readonly entry: string;
  readonly exit: string;
  n: number;
  wins: number;
  total: number;
}

const MOST_ROWS = 25;
const WIDTH = 80;

const percent = (fraction: number): string => `${fraction > 0 ? "+" : ""}${(fraction * 100).toFixed(2)} %`;

/** Sums up trades as they come. */
export class Diagnosis {
  readonly #cells = new Map<string, Cell>();

  add({ entry, exit }: { readonly entry: string; readonly exit: string }, roi: number): void {
    const key = JSON.stringify([entry, exit]);
    const cell = this.#cells.get(key) ?? { entry, exit, n: 0, wins: 0, total: 0 };
    cell.n += 1;
    cell.wins += roi > 0 ? 1 : 0;
    cell.total += roi;
    this.#cells.set(key, cell);
  }

  /** The table in lines, what lost most first; none where no source told anything. */
  lines(): string[] {
    const cells = [...this.#cells.values()].sort((a, b) => a.total - b.total);
    if (cells.length === 0) return [];
    // What lost most and what won most: the middle is what may be left out.
    const half = Math.ceil((MOST_ROWS - 1) / 2);
    const shown = cells.length <= MOST_ROWS ? cells : [...cells.slice(0, half), ...cells.slice(-half)];
    const rest = cells.filter((cell) => !shown.includes(cell));
    const other = rest.reduce(
      (sum, { n, wins, total }) => ({
        ...sum,
        n: sum.n + n,
        wins: sum.wins + wins,
        total: sum.total + total,
      }),
      { entry: `${rest.length} others`, exit: "", n: 0, wins: 0, total: 0 },
    );
    const rows = rest.length === 0 ? shown : [...shown.slice(0, half), other, ...shown.slice(half)];
    return [
      "What was behind the entry, and what ended the trade (total in % of a stake):",
      ...table(
        ["entry", "exit", "n", "mean", "total", "won"],
        rows.map(({ entry, exit, n, wins, total }) => [
          entry,
          exit,
          n.toLocaleString("en-US"),
          percent(total / n),
          percent(total),
          `${(100 * wins / n).toFixed(0)} %`,
        ]),
        [2, 3, 4, 5],
        WIDTH,
      ).split("\n"),
    ];
  }
}
