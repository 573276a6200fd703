/**
 * Evidence against chance that may be looked at whenever one likes (functions/README.md, "Proven"): e values from
 * a sum S of contributions that are symmetric about 0 where there is nothing to find, and the sum V of their
 * squares. That e ever reaches 1/α then has a probability of at most α. All in logarithms: e^(S²/2V) soon leaves
 * what a double holds.
 *
 * @module
 */

import { logScaledNormalCdf } from "./normal.ts";

/** Beyond e^±700 a double or a database's double precision holds nothing. */
const MOST_LOG_E = 700;

/**
 * ln e of a mixture over effects of either sign, normal with variance 1/ρ: ½ ln(ρ/(ρ + V)) + S²/(2(ρ + V)).
 *
 * @param sum S.
 * @param squares V, at least 0.
 * @param rho ρ, above 0: the V at which the evidence is sharpest.
 * @throws RangeError when ρ is not above 0 or V is below 0.
 */
export function logEvidence(sum: number, squares: number, rho: number): number {
  const whole = checkedWhole(squares, rho);
  return 0.5 * Math.log(rho / whole) + sum * sum / (2 * whole);
}

/**
 * ln e of a mixture over effects above 0 alone, half of the normal of {@linkcode logEvidence}:
 * ln 2 + ½ ln(ρ/(ρ + V)) + S²/(2(ρ + V)) + ln Φ(S/√(ρ + V)). S > 0 speaks for the effect.
 *
 * @throws RangeError when ρ is not above 0 or V is below 0.
 */
export function logOneSidedEvidence(sum: number, squares: number, rho: number): number {
  const whole = checkedWhole(squares, rho);
  // The tail of a large −S is as small as S² is large: in one piece neither costs digits.
  return Math.LN2 + 0.5 * Math.log(rho / whole) + logScaledNormalCdf(sum / Math.sqrt(whole));
}

/**
 * ln of the mean of two e values, which is an e value, too.
 *
 * @param a ln of the one.
 * @param b ln of the other.
 */
export function logMeanEvidence(a: number, b: number): number {
  const [larger, smaller] = a >= b ? [a, b] : [b, a];
  return larger + Math.log1p(Math.exp(smaller - larger)) - Math.LN2;
}

/** e of ln e, for display and storage: within e^±700. */
export function evidenceOf(logE: number): number {
  return Math.exp(Math.min(Math.max(logE, -MOST_LOG_E), MOST_LOG_E));
}

function checkedWhole(squares: number, rho: number): number {
  if (!(rho > 0)) throw new RangeError(`Evidence needs ρ above 0, got ${rho}`);
  if (!(squares >= 0)) throw new RangeError(`A sum of squares is at least 0, got ${squares}`);
  return rho + squares;
}
