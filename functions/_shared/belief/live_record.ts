import { logOneSidedEvidence } from "../statistics/evidence.ts";
import { ClusterTester, pValue, zScore } from "../statistics/significance.ts";
import { type ClusterSetting, clusterTrades, utcWeek } from "../statistics/clusters.ts";
import type { Baseline } from "../statistics/baseline.ts";
import { mean } from "../statistics/moments.ts";

/**
 * Decisions that an override contained, or windows that its move of a gate decided, in any order; one entry each in
 * both columns.
 */
export interface LiveDecisions {
  /** Winsorised outcomes; of a window 1 for a gain, 0 for a cost. */
  readonly outcomes: Float64Array;
  /** Epoch milliseconds of each decision. */
  readonly actedAt: Float64Array;
}

/** What an override promised when it began to act, in the outcome's unit. */
export interface OverridePromise {
  /** By how much its decisions are better than the baseline; below 0 where they are worse. */
  readonly promised: number;
  /** How much of that is to be kept, above 0 to 1: {@linkcode KEPT_BY_STRENGTH} or {@linkcode KEPT_BY_GATES}. */
  readonly kept: number;
  /** The baseline's winsorised mean. */
  readonly baseline: number;
  /** σ of the baseline, above 0. */
  readonly sigma: number;
}

/** What is held against a promise. */
export interface LiveEvidence {
  /** e that as much of the promise is kept as is to be is wrong; 1 is no evidence. In logarithms. */
  readonly logE: number;
  /** Whether that was refuted. */
  readonly refuted: boolean;
}

/** From this e on a promise is refuted. */
const REFUTING_E = 20;

/** A lesson's effect is promised, and half of it has to stay. */
export const KEPT_BY_STRENGTH = 0.5;
/** A moved gate promises that half of the windows it decides are gains, which is the least it may keep. */
export const KEPT_BY_GATES = 1;

/** What windows are that a move decides by luck: half gains, with a σ of a half, which is known and not measured. */
export const GATES_BY_LUCK = { n: Infinity, winsorisedMean: 0.5, sigma: 0.5 };

/**
 * The evidence against "it keeps as much of what it promised as is to be kept" (functions/README.md, "While it acts"),
 * by the weeks that are over.
 *
 * @param nMin `n_min`, by which the evidence is weighed.
 * @param now Epoch milliseconds: its week is not over.
 */
export function evidenceAgainst(
  { outcomes, actedAt }: LiveDecisions,
  { promised, kept, baseline, sigma }: OverridePromise,
  nMin: number,
  now: number,
): LiveEvidence {
  const least = Math.abs(promised) * kept;
  const sign = Math.sign(promised);
  const byWeek = new Map<number, number>();
  for (let i = 0; i < outcomes.length; i++) {
    const week = utcWeek(actedAt[i]!);
    byWeek.set(week, (byWeek.get(week) ?? 0) + least - (outcomes[i]! - baseline) * sign);
  }
  byWeek.delete(utcWeek(now));
  let sum = 0;
  let squares = 0;
  let logE = 0;
  for (const [, excess] of [...byWeek].sort(([a], [b]) => a - b)) {
    sum += excess;
    squares += excess * excess;
    if (sum <= 0) {
      // Begun anew, or years of keeping a promise would have to be used up before breaking it shows.
      sum = 0;
      squares = 0;
    }
    logE = squares === 0 ? 0 : logOneSidedEvidence(sum, squares, nMin * sigma * sigma);
    if (logE >= Math.log(REFUTING_E)) return { logE, refuted: true };
  }
  return { logE, refuted: false };
}

/** What the gate asks of decisions that are to bring an override back. */
export interface ReturnSettings {
  readonly nMin: number;
  readonly maxQValue: number;
  readonly cluster: ClusterSetting;
}

/**
 * Whether decisions alone say what was promised once, beyond luck, as if nothing else had been looked at
 * (functions/README.md, "While it acts").
 *
 * @param promised Its sign is what they must say.
 * @param baseline The present one, of decisions that these are part of; {@linkcode GATES_BY_LUCK} of windows.
 */
export function speakForReturn(
  { outcomes, actedAt }: LiveDecisions,
  promised: number,
  baseline: Pick<Baseline, "n" | "winsorisedMean" | "sigma">,
  { nMin, maxQValue, cluster }: ReturnSettings,
): boolean {
  const n = outcomes.length;
  if (n < nMin) return false;
  const sliceMean = mean(outcomes);
  const difference = sliceMean - baseline.winsorisedMean;
  if (difference * promised <= 0) return false;
  const z = zScore(n, difference, { n: Math.max(n, baseline.n), sigma: baseline.sigma });
  const clusters = clusterTrades(actedAt, cluster);
  const clustered = clusters === null
    ? null
    : new ClusterTester(outcomes, clusters, baseline).test(Uint32Array.from(outcomes.keys()), sliceMean);
  return pValue(z, clustered) <= maxQValue;
}
