import type { NamedDimension } from "../mining/dimensions.ts";

/** The decisions of one group, one a trade, as columns, oldest close first; times in epoch milliseconds. */
export interface GroupTrades {
  readonly rows: number;
  readonly dimensions: readonly NamedDimension[];
  /** y: what the decision is judged by, in its own unit; finite. */
  readonly outcome: Float64Array;
  /** What directions take sign and weight from: a return as a fraction. */
  readonly steeringRoi: Float64Array;
  readonly actedAt: Float64Array;
  readonly tradedAt: Float64Array;
  readonly durationHours: Float64Array;
  /** NaN where unknown, as in the two columns below. */
  readonly timeToS3Hours: Float64Array;
  readonly couldEnterBetter: Float64Array;
  readonly couldExitBetter: Float64Array;
  readonly didTrim: Uint8Array;
  readonly reachedS3: Uint8Array;
}
