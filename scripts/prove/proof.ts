/**
 * What a proof says: the figures of every way of sizing, and a verdict.
 *
 * @module
 */

import type { KeptPromise } from "./statistics/promise.ts";
import type { Uplift } from "./statistics/uplift.ts";

export const MODES = ["posture", "multiplier", "edge_weighted", "calibrated"] as const;
export type Mode = typeof MODES[number];

export type Verdict = "shown" | "harm" | "not shown";

/** What a way earned per unit, against the base. */
export interface Earned {
  /** Σ size · outcome/Σ size; `null` where nothing was sized. */
  readonly per_unit: number | null;
  readonly uplift: Uplift | null;
  /** The uplift of its mean sizes by pattern key and timeframe: a fixed tilt, which is no learning. */
  readonly level: Uplift | null;
}

/** A way of sizing and how it did. */
export interface WayFigures {
  readonly name: string;
  readonly roi: Earned;
  readonly rr: Earned;
  /** Share of decisions whose size differs from the base by more than a thousandth, and how far: the deviation of size/base. */
  readonly moved: number;
  readonly spread: number;
  readonly profit_factor: number | null;
  readonly drawdown: number;
  readonly sharpe: number | null;
  readonly sortino: number | null;
  readonly deflated_sharpe: number | null;
}

export interface Placebo {
  readonly seed: number;
  readonly uplift: Uplift | null;
  readonly spread: number;
}

/** Figures over the time of the proof, week by week, for drawing. */
export interface Curve {
  readonly name: string;
  /** Cumulative, at one unit of capital over all decisions. */
  readonly earned: readonly number[];
}

/** A whole proof, as it is written and kept. */
export interface Proof {
  readonly source: string;
  readonly from: string;
  readonly to: string;
  readonly cadence: string;
  readonly embargo: string;
  readonly cuts: number;
  readonly decisions: number;
  /** Decisions whose own outcome is not known, by unit; they are in no figure of it. */
  readonly unknown: { readonly roi: number; readonly rr: number };
  /** Decisions that could not be sized, and the first reason. */
  readonly refused: { readonly count: number; readonly reason: string | null };
  /** Strands that the loop rejected. */
  readonly rejected: number;
  readonly mode: Mode;
  readonly outcome: "roi" | "rr";
  readonly config: object;
  readonly config_version: number;
  readonly release: string | null;
  readonly ways: readonly WayFigures[];
  readonly calibration: KeptPromise;
  /** Lessons believed at a cut with decisions in the next period, and how many of them kept their sign. */
  readonly signs: { readonly believed: number; readonly kept: number };
  readonly overfitting: number | null;
  readonly placebos: readonly Placebo[];
  readonly curves: readonly Curve[];
  readonly verdict: Verdict;
  readonly sentence: string;
}

/** With fewer placebos luck is not asked. */
export const ENOUGH_PLACEBOS = 20;

/**
 * What an uplift shows (functions/README.md, "Verdict").
 *
 * @param placebos Uplifts of the same way on outcomes that changed weeks.
 */
export function judge(uplift: Uplift | null, placebos: readonly number[]): Verdict {
  const { difference = 0, low = null, high = null } = uplift ?? {};
  if (high !== null && high < 0) return "harm";
  if (low === null || !(low > 0)) return "not shown";
  if (placebos.length < ENOUGH_PLACEBOS) return "shown";
  return difference > luckOf(placebos) ? "shown" : "not shown";
}

/** 95th percentile of what placebos earned: at most one in twenty is above it. */
export function luckOf(placebos: readonly number[]): number {
  const sorted = placebos.toSorted((a, b) => a - b);
  return sorted[Math.ceil(0.95 * sorted.length) - 1] ?? -Infinity;
}
