/**
 * The times at which a proof lets the loop learn.
 *
 * @module
 */

const HOUR = 3_600_000;
const UNITS: Readonly<Record<string, number>> = { h: HOUR, d: 24 * HOUR, w: 7 * 24 * HOUR };
export const WEEK = 7 * 24 * HOUR;
/** A Monday: 1970-01-01 was a Thursday. */
const A_MONDAY = Date.UTC(1970, 0, 5);

/**
 * A span such as `12h`, `2d` or `13w` in milliseconds.
 *
 * @throws RangeError naming the flag.
 */
export function spanOf(flag: string, text: string): number {
  const [, digits = "", unit = ""] = /^(\d{1,4})([hdw])$/.exec(text) ?? [];
  const span = Number(digits) * (UNITS[unit] ?? NaN);
  if (text === "0") return 0;
  if (!Number.isFinite(span)) {
    throw new RangeError(
      `${flag} must be a number of hours, days or weeks such as 12h, 2d or 13w, not "${text}".`,
    );
  }
  return span;
}

/** Number of the UTC week of a moment, which begins on Monday. */
export function weekOf(moment: number): number {
  return Math.floor((moment - A_MONDAY) / WEEK);
}

/** Every cut from the Monday before the first moment to the last one at or before the last moment. */
export function cutsBetween(first: number, last: number, cadence: number): number[] {
  const begin = A_MONDAY + weekOf(first) * WEEK;
  const count = Math.floor((last - begin) / cadence) + 1;
  return Array.from({ length: Math.max(count, 1) }, (_, cut) => begin + cut * cadence);
}
