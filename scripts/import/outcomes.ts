/**
 * What the outcomes of many trades look like, and whether lessons of their size can count.
 *
 * Edges are measured in deviations, so that they suit scalpers and holders alike; only where a few trades dwarf all
 * others, their variance may drown every edge (functions/README.md, "Edge").
 *
 * @module
 */

import { computeBaseline } from "../../functions/_shared/statistics/baseline.ts";
import { computeEdge } from "../../functions/_shared/statistics/edge.ts";
import { moments } from "../../functions/_shared/statistics/moments.ts";
import { quantile } from "../../functions/_shared/statistics/quantile.ts";

/** Collects outcomes, eight bytes each. */
export class OutcomeCollector {
  #values = new Float64Array(1024);
  #count = 0;

  add(roi: number): void {
    if (this.#count === this.#values.length) {
      const larger = new Float64Array(this.#values.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#count++] = roi;
  }

  /** The outcomes so far, in the order they came; a view that the next `add` may outdate. */
  get values(): Float64Array {
    return this.#values.subarray(0, this.#count);
  }
}

/** Quantiles that a summary shows. */
export const QUANTILES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99] as const;

/** Outcomes in figures; all but the counts are fractions of the stake. */
export interface OutcomeSummary {
  readonly n: number;
  readonly wins: number;
  readonly losses: number;
  readonly mean: number;
  readonly median: number;
  /** Standard deviation with n − 1. */
  readonly sd: number;
  /**
   * σ of the outcomes winsorised at 2 % and 98 %, as the baseline measures it (functions/README.md,
   * "Baseline").
   */
  readonly sigma: number;
  /** One per entry of {@link QUANTILES}. */
  readonly quantiles: readonly number[];
}

/**
 * Describes outcomes.
 *
 * @param rois fractions of the stake, at least one.
 * @throws {RangeError} when there is none.
 */
export function summarise(rois: Float64Array): OutcomeSummary {
  const { mean, sampleVariance } = moments(rois);
  return {
    n: rois.length,
    wins: rois.reduce((count, roi) => count + (roi > 0 ? 1 : 0), 0),
    losses: rois.reduce((count, roi) => count + (roi < 0 ? 1 : 0), 0),
    mean,
    median: quantile(rois, 0.5),
    sd: Math.sqrt(sampleVariance),
    sigma: computeBaseline(rois).sigma,
    quantiles: QUANTILES.map((fraction) => quantile(rois, fraction)),
  };
}

/** Defaults of the PM's configuration (functions/README.md, "Settings"). */
const DEFAULT_EDGE_MIN = 0.05;
/** A lesson of this many trades … */
const TYPICAL_TRADES = 100;
/** … tells a third of σ from luck: z = √100/3 = 3.3, p < 0.001, about what many tests at once leave standing. */
const NOTICEABLE_SIGMAS = 1 / 3;

/** Which configuration fits some outcomes. */
export interface Suggestion {
  /** The shift of a lesson's mean that 100 trades tell from luck: σ/3, a fraction of the stake. */
  readonly noticeable: number;
  /** Edge of such a lesson, in deviations. */
  readonly edge: number;
  /** The `edge_min` that lets it count, the default included; null where outcomes are all alike. */
  readonly edgeMin: number | null;
}

/** Rounds down to one significant digit. */
function roundDown(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value));
  // Through text, so that 3 · 0.1 is 0.3; the nudge keeps 0.3 from becoming 0.2.
  return Number((Math.floor(value / unit + 1e-9) * unit).toPrecision(1));
}

/**
 * Suggests `edge_min` from what edge a noticeable lesson would have (functions/README.md, "Edge").
 */
export function suggest(summary: OutcomeSummary): Suggestion {
  const noticeable = summary.sigma * NOTICEABLE_SIGMAS;
  if (!(noticeable > 0)) return { noticeable, edge: 0, edgeMin: null };
  const edge = computeEdge({
    n: TYPICAL_TRADES,
    mean: summary.mean + noticeable,
    variance: summary.sd ** 2,
    baseline: summary.mean,
    scale: summary.sigma,
  }).beforeDecay;
  return { noticeable, edge, edgeMin: edge >= DEFAULT_EDGE_MIN ? DEFAULT_EDGE_MIN : roundDown(edge) };
}

const percent = (fraction: number): string => `${(fraction * 100).toFixed(3)} %`;

/** Lays out two columns, the second right-aligned. */
function table(rows: readonly (readonly [string, string])[]): string[] {
  const left = Math.max(...rows.map(([name]) => name.length));
  const right = Math.max(...rows.map(([, value]) => value.length));
  return rows.map(([name, value]) => `  ${name.padEnd(left)}  ${value.padStart(right)}`);
}

/** The summary and the suggestion in words, line by line. */
export function describeOutcomes(summary: OutcomeSummary): string[] {
  const count = (n: number): string => n.toLocaleString("en-US");
  const share = (n: number): string => `${count(n)} (${(100 * n / summary.n).toFixed(1)} %)`;
  const figures = table([
    ["trades", count(summary.n)],
    ["winning", share(summary.wins)],
    ["losing", share(summary.losses)],
    ["mean", percent(summary.mean)],
    ["median", percent(summary.median)],
    ["standard deviation", percent(summary.sd)],
    ["sigma, winsorised", percent(summary.sigma)],
    ...QUANTILES.map((fraction, at): [string, string] => [
      `quantile ${String(Math.round(fraction * 100)).padStart(2)} %`,
      percent(summary.quantiles[at] ?? NaN),
    ]),
  ]);
  return ["Outcomes (roi per trade):", ...figures, "", ...describeSuggestion(suggest(summary))];
}

function describeSuggestion({ noticeable, edge, edgeMin }: Suggestion): string[] {
  if (edgeMin === null) return ["All outcomes are alike, so there is nothing to tell good from bad by."];
  const intro =
    `A lesson of ${TYPICAL_TRADES} trades tells a shift of ${percent(noticeable)} (a third of sigma) from ` +
    `luck; its edge would be ${edge.toPrecision(3)}.`;
  if (edgeMin >= DEFAULT_EDGE_MIN) {
    return [intro, `The default edge_min of ${DEFAULT_EDGE_MIN} suits these trades.`];
  }
  return [
    intro,
    `With the default edge_min of ${DEFAULT_EDGE_MIN} it would never be active. In the PM's configuration, set`,
    `  "edge_min": ${edgeMin}`,
  ];
}
