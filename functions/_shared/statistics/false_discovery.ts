/**
 * How false discovery is controlled (functions/README.md, "False discovery"): `by` is Benjamini and
 * Yekutieli's, which holds however the tests depend on each other, `bh` Benjamini and Hochberg's, which asks
 * for tests that lean on each other in one direction only.
 */
export type FalseDiscoveryMethod = "by" | "bh";

/** Up to here H_m is summed; beyond, the expansion below is exact to the last digit. */
const SUMMED_UP_TO = 100;
const EULER_MASCHERONI = 0.577215664901532860606512;

/**
 * H_m = Σ 1/i for i = 1 to m, 0 for m = 0.
 *
 * @param m Whole, at least 0.
 */
export function harmonicNumber(m: number): number {
  if (m > SUMMED_UP_TO) {
    const inverse = 1 / (m * m);
    return Math.log(m) + EULER_MASCHERONI + 1 / (2 * m) -
      inverse * (1 / 12 - inverse * (1 / 120 - inverse / 252));
  }
  let sum = 0;
  for (let i = m; i >= 1; i--) sum += 1 / i;
  return sum;
}

/**
 * What a p is multiplied by and divided by its rank: m, and under `by` m · H_m.
 *
 * @param m Number of tests.
 */
export function testBurden(m: number, method: FalseDiscoveryMethod): number {
  return method === "by" ? m * harmonicNumber(m) : m;
}

/**
 * q of every p: the smallest, over all p_j ≥ p_i, of m · p_j/rank_j, under `by` times H_m, at most 1; of equal
 * ones all have the last one's rank (functions/README.md, "False discovery").
 *
 * @param pValues Each in [0, 1], in any order; not changed.
 * @returns q of each, in the same order; a smaller p never has the larger q.
 * @throws RangeError when a p is outside [0, 1].
 */
export function falseDiscoveryQ(pValues: Float64Array, method: FalseDiscoveryMethod): Float64Array {
  for (const p of pValues) {
    if (!(p >= 0 && p <= 1)) throw new RangeError(`False discovery control needs p in [0, 1], got ${p}`);
  }
  const sorted = pValues.slice().sort();
  const q = stepUp(sorted, testBurden(sorted.length, method));
  return pValues.map((p) => q[firstAtLeast(sorted, p)]!);
}

/**
 * The running minimum from the top of burden · p/rank over ascending p values, at most 1. The first of equal
 * ones carries the minimum of them all, which is the last one's value.
 *
 * @param sorted Ascending p values that hold the ranks 1, 2, ….
 * @param burden From {@linkcode testBurden}, of all tests, those that are not among `sorted` included.
 */
export function stepUp(sorted: Float64Array, burden: number): Float64Array {
  const q = new Float64Array(sorted.length);
  let smallest = 1;
  for (let i = sorted.length - 1; i >= 0; i--) {
    // In this order of operations the last rank, m, gives p itself under `bh`, and no rounding takes q below its p.
    smallest = Math.min(smallest, sorted[i]! * (burden / (i + 1)));
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
