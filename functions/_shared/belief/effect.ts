import { studentCriticalValue } from "../statistics/student_t.ts";

/** What a slice's effect is reckoned from: the decisions of its group, one entry per decision in every column. */
export interface EffectColumns {
  /** Winsorised outcome − the baseline's winsorised mean, in the outcome's unit. */
  readonly deviations: Float64Array;
  /** Number of the decision's week, 0 to `weekCount` − 1. */
  readonly weeks: Int32Array;
  readonly weekCount: number;
}

/** What a person reads of a lesson (functions/README.md, "Effects"), all in the outcome's unit. */
export interface Effect {
  readonly n: number;
  /** Weeks that hold decisions of it. */
  readonly weeks: number;
  /** d, the slice's winsorised mean − the baseline's. */
  readonly difference: number;
  /** The 95 % interval of d; `null` with fewer than two weeks, which cannot tell. */
  readonly low: number | null;
  readonly high: number | null;
  /**
   * se₀² = max(Σ u_w²/n², 1/n), the squared error of d as if the slice said nothing, in units of σ²; what the cautious
   * effect is reckoned from. `null` where σ = 0.
   */
  readonly error2: number | null;
}

/** Probability that is left outside an interval. */
const OUTSIDE = 0.05;

/**
 * The effect of a slice with its interval (functions/README.md, "Effects").
 *
 * @param rows Numbers of the slice's decisions within the columns, each once, at least one.
 * @param sigma σ of the category, in the outcome's unit.
 * @throws RangeError when there is no decision.
 */
export function effectOf(columns: EffectColumns, rows: Uint32Array, sigma: number): Effect {
  const { deviations, weeks, weekCount } = columns;
  const n = rows.length;
  if (n === 0) throw new RangeError("An effect needs at least one decision, got none");
  const sums = new Float64Array(weekCount);
  const counts = new Int32Array(weekCount);
  for (let i = 0; i < n; i++) {
    const row = rows[i]!;
    const week = weeks[row]!;
    sums[week] = sums[week]! + deviations[row]!;
    counts[week] = counts[week]! + 1;
  }
  const difference = sums.reduce((total, sum) => total + sum, 0) / n;
  let aroundMean = 0;
  let aroundBaseline = 0;
  let filled = 0;
  for (let week = 0; week < weekCount; week++) {
    if (counts[week] === 0) continue;
    filled++;
    aroundMean += (sums[week]! - counts[week]! * difference) ** 2;
    aroundBaseline += sums[week]! ** 2;
  }
  const half = filled < 2 ? null : criticalValue(filled - 1) *
    Math.sqrt(filled / (filled - 1) * aroundMean) / n;
  return {
    n,
    weeks: filled,
    difference,
    low: half === null ? null : difference - half,
    high: half === null ? null : difference + half,
    error2: sigma > 0 ? Math.max(aroundBaseline / (sigma * sigma * n * n), 1 / n) : null,
  };
}

const criticalValues = new Map<number, number>();

function criticalValue(degreesOfFreedom: number): number {
  let value = criticalValues.get(degreesOfFreedom);
  if (value === undefined) {
    value = studentCriticalValue(OUTSIDE, degreesOfFreedom);
    criticalValues.set(degreesOfFreedom, value);
  }
  return value;
}
