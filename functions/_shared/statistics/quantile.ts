/** Slices below this many values are sorted outright; partitioning them costs more than it saves. */
const SMALL = 24;

/**
 * Moves the `rank`-th smallest value to `values[rank]`, nothing larger before it and nothing smaller after
 * it.
 *
 * Quickselect, because the median of thousands of slices does not need them sorted. A run of bad pivots falls
 * back to the built-in sort, so no order of the input is quadratic.
 */
function select(values: Float64Array, rank: number): void {
  let left = 0;
  let right = values.length - 1;
  let roundsLeft = 2 * Math.ceil(Math.log2(values.length + 1));
  while (right - left >= SMALL && roundsLeft > 0) {
    roundsLeft--;
    const a = values[left]!;
    const b = values[(left + right) >>> 1]!;
    const c = values[right]!;
    const pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
    let i = left;
    let j = right;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i <= j) {
        const swapped = values[i]!;
        values[i++] = values[j]!;
        values[j--] = swapped;
      }
    }
    if (rank <= j) right = j;
    else if (rank >= i) left = i;
    else return;
  }
  values.subarray(left, right + 1).sort();
}

/**
 * The quantile of some numbers by linear interpolation between the two nearest ranks, as Postgres
 * `percentile_cont` computes it (functions/README.md, "Baseline" and "Statistics of a slice"), reordering the
 * given array instead of copying it.
 *
 * @param values At least one finite number; left in another order.
 * @param fraction Which quantile, in [0, 1].
 * @throws RangeError when there is no value or the fraction is outside [0, 1].
 */
export function quantileInPlace(values: Float64Array, fraction: number): number {
  if (!(fraction >= 0 && fraction <= 1)) {
    throw new RangeError(`A quantile's fraction must be in [0, 1], got ${fraction}`);
  }
  if (values.length === 0) throw new RangeError("A quantile needs at least one value, got none");
  const position = fraction * (values.length - 1);
  const lowerRank = Math.floor(position);
  select(values, lowerRank);
  const lower = values[lowerRank]!;
  if (position === lowerRank) return lower;
  let upper = Infinity;
  for (let i = lowerRank + 1; i < values.length; i++) upper = Math.min(upper, values[i]!);
  return lower + (position - lowerRank) * (upper - lower);
}

/**
 * The quantile of some numbers by linear interpolation between the two nearest ranks, as Postgres
 * `percentile_cont` computes it (functions/README.md, "Baseline" and "Statistics of a slice").
 *
 * @param values At least one finite number, in any order; not changed.
 * @param fraction Which quantile, in [0, 1].
 * @throws RangeError when there is no value or the fraction is outside [0, 1].
 */
export function quantile(values: Float64Array, fraction: number): number {
  return quantileInPlace(values.slice(), fraction);
}
