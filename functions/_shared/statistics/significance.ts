import type { Baseline } from "./baseline.ts";
import type { Clusters } from "./clusters.ts";
import { twoSidedNormalP } from "./normal.ts";
import { twoSidedStudentP } from "./student_t.ts";

/** Fewer clusters than this cannot tell luck from skill. */
const LEAST_CLUSTERS = 5;

/**
 * z of a slice with the finite population correction (functions/README.md, "Significance"): the slice is
 * drawn from the baseline's trades, so the more of them it holds the less room luck has. 0 when it holds them
 * all or outcomes do not vary.
 *
 * @param n Number of trades in the slice, 1 to N.
 * @param difference Mean of the slice's winsorised outcomes − the baseline's winsorised mean.
 * @param baseline The baseline's N and σ; N may be Infinity, where mean and σ are known and not measured.
 * @throws RangeError when the slice has more trades than the baseline it should be part of.
 */
export function zScore(n: number, difference: number, baseline: Pick<Baseline, "n" | "sigma">): number {
  const { n: population, sigma } = baseline;
  if (n > population) {
    throw new RangeError(`A slice of ${n} trades cannot be part of a baseline of ${population}`);
  }
  if (n === population || sigma === 0) return 0;
  const correction = population === Infinity ? 1 : population / (population - 1);
  return difference / (sigma * Math.sqrt((1 / n - 1 / population) * correction));
}

/** The clustered test of a slice. */
export interface ClusteredTest {
  /**
   * t; ±Infinity when all cluster sums are 0 and the difference is not; `null` with fewer than 2 clusters.
   */
  readonly t: number | null;
  /** G, the number of clusters that hold trades of the slice. */
  readonly clusters: number;
  /** Two-sided, Student with G − 1 degrees of freedom; 1 when G < 5. */
  readonly p: number;
}

/**
 * The clustered t of a slice from its cluster sums, and its p (functions/README.md, "Clustered
 * significance"): t = n · difference/sqrt(G/(G − 1) · Σ u_c²).
 *
 * @param n Number of trades in the slice.
 * @param difference Mean of the slice's winsorised outcomes − the baseline's winsorised mean.
 * @param sumOfSquares Σ u_c², u_c the sum over cluster c of the slice's winsorised outcomes less their mean.
 * @param clusters G, the number of clusters that hold trades of the slice.
 */
export function clusteredTest(
  n: number,
  difference: number,
  sumOfSquares: number,
  clusters: number,
): ClusteredTest {
  if (clusters < 2) return { t: null, clusters, p: 1 };
  const t = difference === 0 ? 0 : n * difference / Math.sqrt(clusters / (clusters - 1) * sumOfSquares);
  return { t, clusters, p: clusters < LEAST_CLUSTERS ? 1 : twoSidedStudentP(t, clusters - 1) };
}

/**
 * Runs the clustered test on many slices of one group without allocating for each: holds the group's columns,
 * and cluster sums that are recognised as stale instead of being cleared.
 */
export class ClusterTester {
  readonly #winsorised: Float64Array;
  readonly #index: Int32Array;
  readonly #baselineMean: number;
  readonly #sums: Float64Array;
  readonly #stamps: Uint32Array;
  readonly #touched: Int32Array;
  #stamp = 0;

  /**
   * @param winsorised Winsorised outcome of every trade of the group.
   * @param clusters Cluster of every trade of the group, in the same order.
   * @param baseline The baseline that the outcomes were winsorised by.
   */
  constructor(winsorised: Float64Array, clusters: Clusters, baseline: Pick<Baseline, "winsorisedMean">) {
    this.#winsorised = winsorised;
    this.#index = clusters.index;
    this.#baselineMean = baseline.winsorisedMean;
    this.#sums = new Float64Array(clusters.count);
    this.#stamps = new Uint32Array(clusters.count);
    this.#touched = new Int32Array(clusters.count);
  }

  /**
   * The clustered test of one slice (functions/README.md, "Clustered significance").
   *
   * @param rows Numbers of the slice's trades within the group, each once.
   * @param sliceMean Mean of their winsorised outcomes.
   */
  test(rows: Uint32Array | Int32Array, sliceMean: number): ClusteredTest {
    // Stamps wrap after 2^32 slices; start over before an old one could pass for new.
    if (this.#stamp === 0xffffffff) {
      this.#stamps.fill(0);
      this.#stamp = 0;
    }
    const stamp = ++this.#stamp;
    let clusters = 0;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const cluster = this.#index[row]!;
      const deviation = this.#winsorised[row]! - sliceMean;
      if (this.#stamps[cluster] === stamp) {
        this.#sums[cluster] = this.#sums[cluster]! + deviation;
      } else {
        this.#stamps[cluster] = stamp;
        this.#sums[cluster] = deviation;
        this.#touched[clusters++] = cluster;
      }
    }
    let sumOfSquares = 0;
    for (let i = 0; i < clusters; i++) {
      const sum = this.#sums[this.#touched[i]!]!;
      sumOfSquares += sum * sum;
    }
    return clusteredTest(rows.length, sliceMean - this.#baselineMean, sumOfSquares, clusters);
  }
}

/**
 * p of a slice: the larger of the normal one and the clustered one, as trades of the same days share the
 * market's luck (functions/README.md, "Clustered significance").
 *
 * @param z From {@linkcode zScore}.
 * @param clustered From {@linkcode ClusterTester.test}, or `null` where `cluster` is `none`.
 */
export function pValue(z: number, clustered: ClusteredTest | null): number {
  return Math.max(twoSidedNormalP(z), clustered?.p ?? 0);
}
