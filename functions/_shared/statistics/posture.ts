/** The trades of one slice as the posture sees them, one entry per trade in every column. */
export interface PostureInput {
  /**
   * ROI as a fraction (0.05 = 5 %), whatever outcome the edge is computed from: the decision's own for what enters,
   * the whole trade's for what leaves.
   */
  readonly roi: Float64Array;
  /** 1 where any action of the trade was a trim, else 0. */
  readonly didTrim: Uint8Array;
  /** 1 where the trade reached state S3, else 0. */
  readonly reachedS3: Uint8Array;
}

/** A direction for the posture: A, the appetite to add, and E, the assertiveness to exit. */
export interface Direction {
  readonly dirA: number;
  readonly dirE: number;
}

/**
 * Where a slice steers the posture, and how often its trades trimmed and reached S3 (functions/README.md,
 * "Posture directions").
 */
export interface Posture extends Direction {
  /** Share of trades with a trim, in [0, 1], unweighted. */
  readonly pTrim: number;
  /** Share of trades that reached S3, in [0, 1], unweighted. */
  readonly pS3: number;
}

/**
 * Posture directions of a slice (functions/README.md, "Posture directions"). A loser says add less, and exit
 * sooner where a trim shows that the market gave a chance; a winner that reached S3 says add more and exit
 * later; each with weight w = tanh(|roi|/`roiScale`). Directions are in [−1, 1], 0 when all weights are 0.
 *
 * @param roiScale `steering.roi_scale`, above 0: the ROI at which a trade's word weighs 0.76.
 * @param own The direction of all the module's decisions of the category, subtracted when `steering.relative` is
 *   on (the result is then in [−2, 2]); `null` when it is off.
 * @throws RangeError when there is no trade.
 */
export function computePosture(input: PostureInput, roiScale: number, own: Direction | null = null): Posture {
  const { roi, didTrim, reachedS3 } = input;
  const n = roi.length;
  if (n === 0) throw new RangeError("A posture needs at least one trade, got none");
  let weights = 0;
  let weightedA = 0;
  let weightedE = 0;
  let trims = 0;
  let s3 = 0;
  for (let i = 0; i < n; i++) {
    const trimmed = didTrim[i] === 1;
    const reached = reachedS3[i] === 1;
    if (trimmed) trims++;
    if (reached) s3++;
    const outcome = roi[i]!;
    const weight = Math.tanh(Math.abs(outcome) / roiScale);
    weights += weight;
    if (outcome < 0) {
      weightedA -= weight;
      if (trimmed) weightedE += weight;
    } else if (outcome > 0 && reached) {
      weightedA += weight;
      weightedE -= weight;
    }
  }
  return {
    dirA: (weights > 0 ? weightedA / weights : 0) - (own?.dirA ?? 0),
    dirE: (weights > 0 ? weightedE / weights : 0) - (own?.dirE ?? 0),
    pTrim: trims / n,
    pS3: s3 / n,
  };
}

/**
 * Directions without what would contradict an edge (functions/README.md, "Posture directions"): nothing that is worse
 * than the rest makes sizes larger, or exits later, and nothing that is better the reverse.
 *
 * @param edge Edge of the slice, of whose size only the sign matters; 0 contradicts nothing.
 */
export function withoutContradiction({ dirA, dirE }: Direction, edge: number): Direction {
  return {
    dirA: dirA * edge < 0 ? 0 : dirA,
    dirE: dirE * edge > 0 ? 0 : dirE,
  };
}
