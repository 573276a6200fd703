/**
 * Benjamini–Hochberg q of every p: the smallest, over all p_j ≥ p_i, of m · p_j/rank_j, at most 1; of equal
 * ones all have the last one's rank (functions/README.md, "False discovery").
 *
 * @param pValues Each in [0, 1], in any order; not changed.
 * @returns q of each, in the same order; a smaller p never has the larger q.
 * @throws RangeError when a p is outside [0, 1].
 */
export function benjaminiHochberg(pValues: Float64Array): Float64Array {
  for (const p of pValues) {
    if (!(p >= 0 && p <= 1)) throw new RangeError(`Benjamini–Hochberg needs p in [0, 1], got ${p}`);
  }
  const sorted = pValues.slice().sort();
  const q = stepUp(sorted, sorted.length);
  return pValues.map((p) => q[firstAtLeast(sorted, p)]!);
}

/**
 * The running minimum from the top of m · p/rank over ascending p values, at most 1. The first of equal ones
 * carries the minimum of them all, which is the last one's value.
 *
 * @param sorted Ascending p values that hold the ranks 1, 2, ….
 * @param m Number of tests, those that are not among `sorted` included.
 */
export function stepUp(sorted: Float64Array, m: number): Float64Array {
  const q = new Float64Array(sorted.length);
  let smallest = 1;
  for (let i = sorted.length - 1; i >= 0; i--) {
    // In this order of operations the last rank, m, gives p itself, and no rounding takes q below its p.
    smallest = Math.min(smallest, sorted[i]! * (m / (i + 1)));
    q[i] = smallest;
  }
  return q;
}

/** Where in ascending numbers the first that is at least `value` stands; their length when there is none. */
export function firstAtLeast(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
