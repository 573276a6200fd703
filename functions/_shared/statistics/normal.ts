/** From here on p is below the smallest double. */
const NOTHING_FROM = 40;
/** Below this a series around 0 is both quick and precise, above it the continued fraction of the tail is. */
const TAIL_FROM = 2.5;

/** e^(−z²/2), with the square split so that its rounding is not magnified by the exponential. */
function density(z: number): number {
  const high = Math.fround(z);
  return Math.exp(-high * high / 2) * Math.exp(-(z - high) * (z + high) / 2);
}

/**
 * Probability that a standard normal variable is at least as far from 0 as z, P(|Z| ≥ |z|), to about 1e-13
 * relative wherever the result is a normal double, that is for |z| up to 37; beyond it goes to 0.
 *
 * @returns in [0, 1]; NaN for NaN.
 */
export function twoSidedNormalP(z: number): number {
  const x = Math.abs(z);
  if (x > NOTHING_FROM) return 0;
  const twoDensities = Math.sqrt(2 / Math.PI) * density(x);
  if (x < TAIL_FROM) {
    // Σ x^(2k+1)/(2k+1)!!, all terms positive.
    let term = x;
    let sum = x;
    for (let k = 3; term > sum * 1e-17; k += 2) {
      term *= x * x / k;
      sum += term;
    }
    return Math.max(1 - twoDensities * sum, 0);
  }
  return twoDensities / tailFraction(x);
}

/** x + 1/(x + 2/(x + 3/(x + …))), what the density is divided by for the tail beyond x ≥ 2.5. */
function tailFraction(x: number): number {
  // From the inside out; the depth needed falls as x grows.
  let fraction = x;
  for (let k = 12 + Math.ceil(520 / (x * x)); k >= 1; k--) fraction = x + k / fraction;
  return fraction;
}

/**
 * ln Φ(z) + z²/2, with Φ(z) = P(Z ≤ z): what is left of the normal distribution's lower tail where its density
 * is multiplied by the inverse anyway. Right to about 1e-13 for every z, however far out.
 */
export function logScaledNormalCdf(z: number): number {
  if (z <= -TAIL_FROM) return -0.5 * Math.log(2 * Math.PI) - Math.log(tailFraction(-z));
  const beyond = twoSidedNormalP(z) / 2;
  return z * z / 2 + (z < 0 ? Math.log(beyond) : Math.log1p(-beyond));
}

/**
 * The smallest |z| whose two-sided p is at most `p`: a test nearer to 0 than that needs no p of its own to be
 * known to lie above.
 *
 * @param p In (0, 1].
 * @throws RangeError when p is outside (0, 1].
 */
export function twoSidedNormalCriticalValue(p: number): number {
  if (!(p > 0 && p <= 1)) throw new RangeError(`A critical value needs p in (0, 1], got ${p}`);
  let above = 0;
  let atMost = NOTHING_FROM;
  if (twoSidedNormalP(above) <= p) return above;
  for (;;) {
    const middle = (above + atMost) / 2;
    if (middle === above || middle === atMost) return atMost;
    if (twoSidedNormalP(middle) <= p) atMost = middle;
    else above = middle;
  }
}
