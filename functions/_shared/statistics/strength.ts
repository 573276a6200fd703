import type { Baseline } from "./baseline.ts";
import { computeDecay, type Decay } from "./decay.ts";
import { gather } from "./gather.ts";
import { computeEdge } from "./edge.ts";
import { mean, moments } from "./moments.ts";
import { computePosture, type Direction, withoutContradiction } from "./posture.ts";
import { quantileInPlace } from "./quantile.ts";
import { type ClusterTester, pValue, zScore } from "./significance.ts";

/** The decisions of one group as columns, one entry per decision in each, all in the same order. */
export interface StrengthColumns {
  /** y; finite. */
  readonly outcome: Float64Array;
  /** y within the baseline's bounds. */
  readonly winsorised: Float64Array;
  /** A return as a fraction, also where the outcome is another measure: posture takes sign and weight from it. */
  readonly steeringRoi: Float64Array;
  /** 1 where any action of the trade was a trim, else 0. */
  readonly didTrim: Uint8Array;
  /** 1 where the trade reached state S3, else 0. */
  readonly reachedS3: Uint8Array;
  /** Exit time in epoch milliseconds. */
  readonly tradedAt: Float64Array;
  /** Hours from entry to exit; NaN where unknown. */
  readonly durationHours: Float64Array;
  /** Hours from entry to state S3; NaN where unknown or never reached. */
  readonly timeToS3Hours: Float64Array;
}

/** Earlier snapshots of one lesson, in any order. */
export interface EdgeHistory {
  /** Epoch milliseconds of each. */
  readonly times: Float64Array;
  /** Edge before decay of each. */
  readonly edges: Float64Array;
}

/** What all slices of a group are measured against. */
export interface StrengthContext {
  readonly baseline: Baseline;
  /** What deltas are measured in, above 0. */
  readonly scale: number;
  /** `steering.roi_scale`, above 0. */
  readonly roiScale: number;
  /** The direction of all the module's decisions of the category where `steering.relative` is on, else `null`. */
  readonly ownDirection: Direction | null;
  /** Whether a direction that contradicts the edge is written as 0. */
  readonly followsEdge: boolean;
  /** Over the same columns; `null` where `cluster` is `none`. */
  readonly clusterTester: ClusterTester | null;
}

/**
 * The statistics of a slice under the names they are stored by (functions/README.md, "Statistics of a
 * slice").
 */
export interface StrengthStats {
  /** Mean of y. */
  readonly avg: number;
  /** Median of y, by linear interpolation. */
  readonly median: number;
  /** Variance of y with n − 1; 0 for one trade. */
  readonly variance: number;
  /** (avg − baseline)/scale. */
  readonly delta: number;
  /** What delta and the edges are measured in, in units of y. */
  readonly scale: number;
  /** ȳ, the plain mean of the baseline. */
  readonly baseline: number;
  readonly n: number;
  readonly ev_score: number;
  readonly reliability_score: number;
  readonly support_score: number;
  readonly magnitude_score: number;
  readonly time_score: number;
  readonly stability_score: number;
  readonly edge_before_decay: number;
  /** edge_before_decay · decay.multiplier. */
  readonly edge_raw: number;
  /** Needs the parents, which {@linkcode computeStrength} does not know. */
  readonly incremental_edge: number;
  readonly confidence: number;
  readonly dirA: number;
  readonly dirE: number;
  readonly p_trim: number;
  readonly p_s3: number;
  readonly z: number;
  /** `null` where trades are not clustered, fill fewer than 2 clusters, or t is infinite (p is then 0). */
  readonly t_clustered: number | null;
  /** Clusters that hold trades of the slice; `null` where trades are not clustered. */
  readonly clusters: number | null;
  /** `null` when no trade tells. */
  readonly mean_duration_hours: number | null;
  /** `null` when no trade tells. */
  readonly mean_time_to_s3_hours: number | null;
  /**
   * Whether all its outcomes have one sign while the baseline's have not: the decision may be chosen by the outcome
   * rather than lead to it.
   */
  readonly selected: boolean;
  /** `t` is `null` also where it is infinite: a perfect line. */
  readonly decay: Decay;
}

/** What can be said of a slice without knowing the others. */
export interface Strength {
  readonly stats: Omit<StrengthStats, "incremental_edge">;
  /** The larger of the normal and the clustered p, in [0, 1] (functions/README.md, "Significance"). */
  readonly pValue: number;
  /** Mean of the winsorised outcomes − the baseline's. */
  readonly winsorisedDifference: number;
}

/** y − ȳ of every trade, the series that decay is judged by. */
function deviations(outcome: Float64Array, baseline: number): Float64Array {
  const values = new Float64Array(outcome.length);
  for (let i = 0; i < outcome.length; i++) values[i] = outcome[i]! - baseline;
  return values;
}

/** Mean of the entries that are numbers, `null` when there are none. */
function meanOfKnown(column: Float64Array, rows: Uint32Array): number | null {
  const known = new Float64Array(rows.length);
  let count = 0;
  for (let i = 0; i < rows.length; i++) {
    const value = column[rows[i]!]!;
    if (!Number.isNaN(value)) known[count++] = value;
  }
  return count > 0 ? mean(known.subarray(0, count)) : null;
}

/** Whether all outcomes of a slice have one sign while those of the baseline have not. */
function isSelected(outcome: Float64Array, { lowest, highest }: Baseline): boolean {
  const sign = Math.sign(outcome[0]!);
  return Math.sign(lowest) !== Math.sign(highest) && outcome.every((y) => Math.sign(y) === sign);
}

/** JSON knows no infinity. */
function finiteOrNull(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}

/**
 * All statistics of one slice but `incremental_edge` (functions/README.md, "Statistics of a slice"). Edge,
 * median, variance and decay are about y, posture about returns, z and t about winsorised y.
 *
 * @param columns The trades of the slice's group.
 * @param rows Numbers of the slice's trades within the columns, each once, at least one.
 * @param context What the group is measured against.
 * @param history The lesson's earlier snapshots to judge decay by; `null` judges it by the trades.
 * @throws RangeError when there is no trade, or more than the baseline has.
 */
export function computeStrength(
  columns: StrengthColumns,
  rows: Uint32Array,
  context: StrengthContext,
  history: EdgeHistory | null = null,
): Strength {
  const { baseline, clusterTester, scale } = context;
  const outcome = gather(columns.outcome, rows);
  const { n, mean: avg, sampleVariance: variance } = moments(outcome);
  const edge = computeEdge({ n, mean: avg, variance, baseline: baseline.mean, scale });
  const posture = computePosture(
    {
      roi: gather(columns.steeringRoi, rows),
      didTrim: gather(columns.didTrim, rows),
      reachedS3: gather(columns.reachedS3, rows),
    },
    context.roiScale,
    context.ownDirection,
  );

  const winsorisedMean = mean(gather(columns.winsorised, rows));
  const winsorisedDifference = winsorisedMean - baseline.winsorisedMean;
  const z = zScore(n, winsorisedDifference, baseline);
  const clustered = clusterTester?.test(rows, winsorisedMean) ?? null;

  const decay = history === null
    ? computeDecay(gather(columns.tradedAt, rows), deviations(outcome, baseline.mean), edge.delta, "events")
    : computeDecay(history.times, history.edges, edge.delta, "history");
  const edgeRaw = edge.beforeDecay * decay.multiplier;
  const direction = context.followsEdge ? withoutContradiction(posture, edgeRaw) : posture;

  return {
    stats: {
      avg,
      selected: isSelected(outcome, baseline),
      // Last use of the outcomes: finding the median reorders them.
      median: quantileInPlace(outcome, 0.5),
      variance,
      delta: edge.delta,
      scale,
      baseline: baseline.mean,
      n,
      ev_score: edge.evScore,
      reliability_score: edge.reliabilityScore,
      support_score: edge.supportScore,
      magnitude_score: edge.magnitudeScore,
      time_score: edge.timeScore,
      stability_score: edge.stabilityScore,
      edge_before_decay: edge.beforeDecay,
      edge_raw: edgeRaw,
      confidence: edge.confidence,
      dirA: direction.dirA,
      dirE: direction.dirE,
      p_trim: posture.pTrim,
      p_s3: posture.pS3,
      z,
      t_clustered: finiteOrNull(clustered?.t ?? null),
      clusters: clustered?.clusters ?? null,
      mean_duration_hours: meanOfKnown(columns.durationHours, rows),
      mean_time_to_s3_hours: meanOfKnown(columns.timeToS3Hours, rows),
      decay: { ...decay, t: finiteOrNull(decay.t) },
    },
    pValue: pValue(z, clustered),
    winsorisedDifference,
  };
}
