import { mean, moments } from "../../../functions/_shared/statistics/moments.ts";
import type { SizedDecisions } from "./uplift.ts";

/** How a way of sizing went, week by week, with one unit of capital over all of its decisions. */
export interface Performance {
  /** Σ of what it earned over Σ of what it lost; `null` where it lost nothing. */
  readonly profitFactor: number | null;
  /** The furthest that what was earned fell below its highest so far, which is 0 at the beginning; 0 or more. */
  readonly drawdown: number;
  /** Mean week over its standard deviation, with n − 1; `null` with fewer than two weeks, or where all are the same. */
  readonly sharpe: number | null;
  /** Mean week over the root of the mean square of losing weeks; `null` where no week lost. */
  readonly sortino: number | null;
}

/**
 * What one unit of capital, shared out over the decisions as the way sizes them, earned in each week from the first decision
 * to the last; 0 in those without one.
 *
 * @returns empty where nothing was sized above 0.
 */
export function weeklyReturns({ sizes, outcomes, weeks }: SizedDecisions): Float64Array {
  const capital = sizes.reduce((sum, size) => sum + size, 0);
  if (!(capital > 0)) return new Float64Array(0);
  const first = weeks.reduce((least, week) => Math.min(least, week), Infinity);
  const last = weeks.reduce((most, week) => Math.max(most, week), -Infinity);
  const returns = new Float64Array(last - first + 1);
  for (let i = 0; i < sizes.length; i++) {
    const place = weeks[i]! - first;
    returns[place] = returns[place]! + sizes[i]! * outcomes[i]! / capital;
  }
  return returns;
}

/** The figures that traders judge a record by (functions/README.md, "Uplift"). */
export function measurePerformance(decisions: SizedDecisions): Performance {
  const returns = weeklyReturns(decisions);
  let [won, lost] = [0, 0];
  for (let i = 0; i < decisions.sizes.length; i++) {
    const earned = decisions.sizes[i]! * decisions.outcomes[i]!;
    if (earned > 0) won += earned;
    else lost -= earned;
  }
  let [level, highest, drawdown, losses] = [0, 0, 0, 0];
  for (const earned of returns) {
    level += earned;
    highest = Math.max(highest, level);
    drawdown = Math.max(drawdown, highest - level);
    losses += Math.min(earned, 0) ** 2;
  }
  return {
    profitFactor: lost > 0 ? won / lost : null,
    drawdown,
    sharpe: sharpeRatio(returns),
    sortino: losses > 0 ? mean(returns) / Math.sqrt(losses / returns.length) : null,
  };
}

/** Mean over standard deviation, with n − 1; `null` with fewer than two returns, or where all are the same. */
export function sharpeRatio(returns: Float64Array): number | null {
  if (returns.length < 2) return null;
  const { mean: average, sampleVariance } = moments(returns);
  return sampleVariance > 0 ? average / Math.sqrt(sampleVariance) : null;
}
