import { mean, moments } from "./moments.ts";
import { type WinsorBounds, winsorBounds, winsorise } from "./winsorise.ts";

/**
 * What every slice is compared with: the outcomes y of all decisions of its category (functions/README.md,
 * "Baseline").
 */
export interface Baseline {
  /** N, the number of decisions. */
  readonly n: number;
  /** ȳ, the plain mean: what `delta` is measured from (functions/README.md, "Edge"). */
  readonly mean: number;
  /** The clamp that turns an outcome into a winsorised one. */
  readonly bounds: WinsorBounds;
  /**
   * Mean of the winsorised outcomes: what z and t are measured from (functions/README.md, "Significance").
   */
  readonly winsorisedMean: number;
  /** σ, with σ² = Σ(y − mean)²/N over the winsorised outcomes. */
  readonly sigma: number;
  /** The smallest y. */
  readonly lowest: number;
  /** The largest y. */
  readonly highest: number;
}

/**
 * The baseline of some outcomes (functions/README.md, "Baseline").
 *
 * @param outcomes y of every decision once, finite, at least one.
 * @throws RangeError when there is no outcome.
 */
export function computeBaseline(outcomes: Float64Array): Baseline {
  if (outcomes.length === 0) throw new RangeError("A baseline needs at least one outcome, got none");
  const bounds = winsorBounds(outcomes);
  const winsorised = moments(winsorise(outcomes, bounds));
  return {
    n: outcomes.length,
    mean: mean(outcomes),
    bounds,
    winsorisedMean: winsorised.mean,
    sigma: Math.sqrt(winsorised.populationVariance),
    lowest: outcomes.reduce((least, y) => Math.min(least, y), Infinity),
    highest: outcomes.reduce((most, y) => Math.max(most, y), -Infinity),
  };
}

/**
 * What deltas are measured in (functions/README.md, "Edge"): σ where that is asked for and known, else what is
 * configured.
 *
 * @param configured `outcome_scale`.
 * @param nMin Fewer decisions than this do not tell σ.
 */
export function deltaScale(
  configured: number | "auto",
  { n, sigma }: Pick<Baseline, "n" | "sigma">,
  nMin: number,
): number {
  if (configured !== "auto") return configured;
  return n < nMin || sigma === 0 ? 1 : sigma;
}
