/** What sizes would have come to: sums of size times outcome, in the order of closes. */

import type { SizedTrade } from "./reads.ts";

export interface Equity {
  /** Seconds since 1970. */
  readonly at: readonly number[];
  readonly learned: readonly number[];
  readonly base: readonly number[];
  /** How many of the trades had a size that learning moved. */
  readonly moved: number;
}

/** The entries whose trades are closed and that say what was applied, by the end of each day of a close. */
export function equityOf(trades: readonly SizedTrade[]): Equity {
  const closed = trades.flatMap(({ action_category, roi, exit_at, size_frac, pm_strength_applied }) =>
    action_category === "entry" && roi !== null && exit_at !== null && size_frac !== null &&
      pm_strength_applied !== null && pm_strength_applied > 0
      ? [{
        exit_at,
        learned: size_frac * roi,
        base: size_frac / pm_strength_applied * roi,
        strength: pm_strength_applied,
      }]
      : []
  ).sort((a, b) => a.exit_at < b.exit_at ? -1 : a.exit_at > b.exit_at ? 1 : 0);
  const at: number[] = [];
  const learned: number[] = [];
  const base: number[] = [];
  let learnedSum = 0;
  let baseSum = 0;
  for (const trade of closed) {
    learnedSum += trade.learned;
    baseSum += trade.base;
    const day = Date.parse(`${trade.exit_at.slice(0, 10)}T00:00:00Z`) / 1000;
    if (at.at(-1) !== day) {
      at.push(day);
      learned.push(learnedSum);
      base.push(baseSum);
    } else {
      learned[learned.length - 1] = learnedSum;
      base[base.length - 1] = baseSum;
    }
  }
  return { at, learned, base, moved: closed.filter(({ strength }) => Math.abs(strength - 1) > 0.005).length };
}

/** How far below its highest point so far a sum stands. */
export function drawdownOf(sums: readonly number[]): number[] {
  let highest = 0;
  return sums.map((sum) => {
    highest = Math.max(highest, sum);
    return sum - highest;
  });
}

/** The last share of each timeframe on each day, carried over days without a close. */
export function sharesByDay(
  rows: readonly { readonly exit_at: string; readonly timeframe: string; readonly allocation: number }[],
): { at: number[]; series: { name: string; values: (number | null)[] }[] } {
  const days = new Map<string, Map<string, number>>();
  // Newest first comes in, so the first seen of a day is its last.
  for (const { exit_at, timeframe, allocation } of rows) {
    const day = exit_at.slice(0, 10);
    const held = days.get(day) ?? new Map<string, number>();
    if (!held.has(timeframe)) held.set(timeframe, allocation);
    days.set(day, held);
  }
  const ordered = [...days.keys()].sort();
  const names = [...new Set(rows.map(({ timeframe }) => timeframe))].sort((a, b) => minutes(a) - minutes(b));
  return {
    at: ordered.map((day) => Date.parse(`${day}T00:00:00Z`) / 1000),
    series: names.map((name) => {
      let last: number | null = null;
      return { name, values: ordered.map((day) => last = days.get(day)?.get(name) ?? last) };
    }),
  };
}

/** Length of a timeframe such as 15m or 4h, for its place in a list. */
export function minutes(timeframe: string): number {
  const [, digits = "", unit = ""] = /^(\d+)([mhdw])$/.exec(timeframe) ?? [];
  const length = { m: 1, h: 60, d: 1440, w: 10_080 }[unit];
  return length === undefined ? Infinity : Number(digits) * length;
}
