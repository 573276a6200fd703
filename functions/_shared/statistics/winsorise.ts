import { quantileInPlace } from "./quantile.ts";

/** The quantiles at which outcomes are winsorised (functions/README.md, "Baseline"). */
const LOWER_FRACTION = 0.02;
const UPPER_FRACTION = 0.98;

/** What outcomes are clamped to; `lower` ≤ `upper`, in the unit of the outcomes. */
export interface WinsorBounds {
  readonly lower: number;
  readonly upper: number;
}

/**
 * The bounds that cut the extreme 2 % off either side, quantiles by linear interpolation
 * (functions/README.md, "Baseline").
 *
 * @param values At least one finite number, in any order; not changed.
 * @throws RangeError when there is no value.
 */
export function winsorBounds(values: Float64Array): WinsorBounds {
  const scratch = values.slice();
  return {
    lower: quantileInPlace(scratch, LOWER_FRACTION),
    upper: quantileInPlace(scratch, UPPER_FRACTION),
  };
}

/**
 * The values with everything outside the bounds moved onto them (functions/README.md, "Baseline").
 *
 * @returns a new array of the same length and order.
 */
export function winsorise(values: Float64Array, bounds: WinsorBounds): Float64Array {
  return values.map((value) => Math.min(Math.max(value, bounds.lower), bounds.upper));
}
