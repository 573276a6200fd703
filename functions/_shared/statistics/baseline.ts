import { mean, moments } from "./moments.ts";
import { type WinsorBounds, winsorBounds, winsorise } from "./winsorise.ts";

/**
 * What every slice is compared with: the outcomes y of all distinct trades (functions/README.md, "Baseline").
 */
export interface Baseline {
  /** N, the number of distinct trades. */
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
}

/**
 * The baseline of some outcomes (functions/README.md, "Baseline").
 *
 * @param outcomes y of every distinct trade once, in units of `outcome_scale`, finite, at least one.
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
  };
}
