import { moments } from "../../../functions/_shared/statistics/moments.ts";
import {
  twoSidedNormalCriticalValue,
  twoSidedNormalP,
} from "../../../functions/_shared/statistics/normal.ts";
import { sharpeRatio } from "./performance.ts";

const EULER_MASCHERONI = 0.5772156649015329;

/** Φ(z). */
function normalCdf(z: number): number {
  const beyond = twoSidedNormalP(z) / 2;
  return z < 0 ? beyond : 1 - beyond;
}

/** z with P(Z > z) = p, for p in (0, 0.5]. */
function upperQuantile(p: number): number {
  return twoSidedNormalCriticalValue(2 * p);
}

/**
 * The Sharpe ratio that the best of some ways has by luck alone, after Bailey and López de Prado (2014):
 * √V · ((1 − γ) Φ⁻¹(1 − 1/N) + γ Φ⁻¹(1 − 1/(N e))).
 *
 * @param variance V, that of the Sharpe ratios of the ways, at least 0.
 * @param ways N, at least 1; one way is not the best of any, its luck is 0.
 */
export function luckiestSharpe(variance: number, ways: number): number {
  if (!(ways >= 1)) throw new RangeError(`At least one way must have been tried, got ${ways}`);
  if (ways === 1) return 0;
  return Math.sqrt(variance) * (
    (1 - EULER_MASCHERONI) * upperQuantile(1 / ways) + EULER_MASCHERONI * upperQuantile(1 / (ways * Math.E))
  );
}

/** What the probability that a Sharpe ratio is above another is reckoned from. */
export interface SharpeEvidence {
  /** Of as many periods as `periods`, not annualised. */
  readonly sharpe: number;
  readonly periods: number;
  /** Third standardised moment of the returns, 0 where they are normal. */
  readonly skewness: number;
  /** Fourth standardised moment of the returns, 3 where they are normal. */
  readonly kurtosis: number;
}

/**
 * The probability that the true Sharpe ratio is above a benchmark; with that of {@linkcode luckiestSharpe} it is the deflated
 * Sharpe ratio. It assumes returns without memory.
 *
 * @returns in [0, 1]; `null` where so few periods or such tails leave no variance to reckon with.
 */
export function probabilityAbove(evidence: SharpeEvidence, benchmark: number): number | null {
  const { sharpe, periods, skewness, kurtosis } = evidence;
  const variance = 1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe * sharpe;
  if (periods < 2 || !(variance > 0)) return null;
  return normalCdf((sharpe - benchmark) * Math.sqrt(periods - 1) / Math.sqrt(variance));
}

/**
 * The deflated Sharpe ratio of every way: the probability that it is better than the best of that many would be by luck.
 *
 * @param returns Per way what each period earned, all of the same periods.
 * @returns per way; `null` where a way has no Sharpe ratio.
 */
export function deflatedSharpe(returns: readonly Float64Array[]): (number | null)[] {
  const ratios = returns.map(sharpeRatio);
  const known = Float64Array.from(ratios.filter((ratio) => ratio !== null));
  if (known.length === 0) return ratios.map(() => null);
  const benchmark = luckiestSharpe(moments(known).sampleVariance, known.length);
  return ratios.map((sharpe, way) => {
    if (sharpe === null) return null;
    const values = returns[way]!;
    return probabilityAbove({ sharpe, periods: values.length, ...shapeOf(values) }, benchmark);
  });
}

function shapeOf(values: Float64Array): { skewness: number; kurtosis: number } {
  const { n, mean, populationVariance } = moments(values);
  let [third, fourth] = [0, 0];
  for (const value of values) {
    third += (value - mean) ** 3;
    fourth += (value - mean) ** 4;
  }
  return { skewness: third / n / populationVariance ** 1.5, kurtosis: fourth / n / populationVariance ** 2 };
}
