/** What the edge of a slice is computed from. */
export interface EdgeInput {
  /** Number of trades, at least 1. */
  readonly n: number;
  /** Mean of y over them. */
  readonly mean: number;
  /** Variance of y over them, with n − 1. */
  readonly variance: number;
  /** ȳ, the plain mean of the baseline. */
  readonly baseline: number;
  /** What delta is measured in, above 0, in units of y. */
  readonly scale: number;
}

/** The edge of a slice, dimension by dimension (functions/README.md, "Edge"). */
export interface Edge {
  /** (mean − baseline)/scale. */
  readonly delta: number;
  /** σ(delta), in (0, 1). */
  readonly evScore: number;
  /** 1/(1 + variance + 0.25/n), in (0, 1). */
  readonly reliabilityScore: number;
  /** 1 − e^(−n/50), in (0, 1). */
  readonly supportScore: number;
  /** σ(mean), in (0, 1). */
  readonly magnitudeScore: number;
  /** 1: time is not scored. */
  readonly timeScore: number;
  /** 1/(1 + variance), in (0, 1]. */
  readonly stabilityScore: number;
  /** support + magnitude + time + stability, in (1, 4). */
  readonly integral: number;
  /** delta · reliability · integral: `edge_raw` before the decay multiplier. */
  readonly beforeDecay: number;
  /** support · reliability, in (0, 1). */
  readonly confidence: number;
}

/** The logistic function σ(x) = 1/(1 + e^(−x)). */
function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** The six-dimensional edge of a slice against the baseline (functions/README.md, "Edge"). */
export function computeEdge({ n, mean, variance, baseline, scale }: EdgeInput): Edge {
  const delta = (mean - baseline) / scale;
  const reliabilityScore = 1 / (1 + variance + 0.25 / n);
  const supportScore = -Math.expm1(-n / 50);
  const magnitudeScore = sigmoid(mean);
  const timeScore = 1;
  const stabilityScore = 1 / (1 + variance);
  const integral = supportScore + magnitudeScore + timeScore + stabilityScore;
  return {
    delta,
    evScore: sigmoid(delta),
    reliabilityScore,
    supportScore,
    magnitudeScore,
    timeScore,
    stabilityScore,
    integral,
    beforeDecay: delta * reliabilityScore * integral,
    confidence: supportScore * reliabilityScore,
  };
}

/**
 * What a slice adds to its parents: its edge before decay less the one of its parents, those with one pair
 * fewer, that is largest by absolute value, signed. The empty scope has no parents, and its own edge is all
 * increment (functions/README.md, "Incremental edge").
 *
 * @param beforeDecay The slice's edge before decay.
 * @param parentsBeforeDecay The same of every parent; on a tie in absolute value the positive one counts.
 */
export function incrementalEdge(beforeDecay: number, parentsBeforeDecay: Iterable<number>): number {
  let largest = 0;
  for (const parent of parentsBeforeDecay) {
    const difference = Math.abs(parent) - Math.abs(largest);
    if (difference > 0 || (difference === 0 && parent > largest)) largest = parent;
  }
  return beforeDecay - largest;
}
