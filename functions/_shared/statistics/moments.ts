/** Count, mean and the two variances of some numbers. */
export interface Moments {
  readonly n: number;
  readonly mean: number;
  /** Σ(x − mean)²/(n − 1); 0 for a single number (functions/README.md, "Statistics of a slice"). */
  readonly sampleVariance: number;
  /** Σ(x − mean)²/n (functions/README.md, "Baseline"). */
  readonly populationVariance: number;
}

/**
 * The arithmetic mean, summed with Neumaier's compensation, so that it is right to the last digits also where
 * large values cancel. Equal values have exactly that value as their mean.
 *
 * @param values At least one finite number.
 * @throws RangeError when there is no value.
 */
export function mean(values: Float64Array): number {
  if (values.length === 0) throw new RangeError("A mean needs at least one value, got none");
  const first = values[0]!;
  let varies = false;
  let sum = 0;
  let lost = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value !== first) varies = true;
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? (sum - next) + value : (value - next) + sum;
    sum = next;
  }
  return varies ? (sum + lost) / values.length : first;
}

/**
 * Mean and variances in two passes: deviations are taken from the mean, and what rounding left of their sum
 * is corrected for, so that an offset shared by all values costs no digits.
 *
 * @param values At least one finite number.
 * @throws RangeError when there is no value.
 */
export function moments(values: Float64Array): Moments {
  const n = values.length;
  const centre = mean(values);
  let squares = 0;
  let squaresLost = 0;
  let drift = 0;
  for (let i = 0; i < n; i++) {
    const deviation = values[i]! - centre;
    drift += deviation;
    const term = deviation * deviation - squaresLost;
    const next = squares + term;
    squaresLost = (next - squares) - term;
    squares = next;
  }
  squares = Math.max(squares - (drift * drift) / n, 0);
  return {
    n,
    mean: centre,
    sampleVariance: n > 1 ? squares / (n - 1) : 0,
    populationVariance: squares / n,
  };
}
