import { mean } from "./moments.ts";

/** A straight line through points, by least squares. */
export interface LinearFit {
  readonly slope: number;
  /**
   * Slope over its standard error; ±Infinity when the residual is 0 and the slope is not, 0 when the slope is
   * 0.
   */
  readonly t: number;
  /** 1 − residual/total sum of squares, in [0, 1]; 0 when y does not vary. */
  readonly rSquared: number;
  readonly meanY: number;
  /** Σ(x − mean)². A slope of 0 says nothing when this is 0. */
  readonly spreadX: number;
}

/**
 * Fits y = a + b·x by least squares, with the t-statistic of b on n − 2 degrees of freedom. The residual is
 * summed from the residuals themselves, so a good fit keeps its digits.
 *
 * @param x At least one finite number.
 * @param y One finite number per x.
 * @throws RangeError when there is no point.
 */
export function fitLine(x: Float64Array, y: Float64Array): LinearFit {
  const meanX = mean(x);
  const meanY = mean(y);
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (let i = 0; i < x.length; i++) {
    const dx = x[i]! - meanX;
    const dy = y[i]! - meanY;
    xx += dx * dx;
    xy += dx * dy;
    yy += dy * dy;
  }
  const slope = xx > 0 ? xy / xx : 0;
  let residual = 0;
  for (let i = 0; i < x.length; i++) {
    const difference = y[i]! - meanY - slope * (x[i]! - meanX);
    residual += difference * difference;
  }
  const standardError = Math.sqrt(residual / (x.length - 2) / xx);
  return {
    slope,
    t: slope === 0 ? 0 : residual === 0 ? Math.sign(slope) * Infinity : slope / standardError,
    rSquared: yy > 0 ? Math.max(1 - residual / yy, 0) : 0,
    meanY,
    spreadX: xx,
  };
}
