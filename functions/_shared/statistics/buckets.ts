/**
 * The bucket of a counterfactual improvement, a missed R/R: none below 0.5 is 0, small below 1 is 1, medium
 * below 2 is 2, large is 3 (functions/README.md, "Levers").
 *
 * @param missed `could_enter_better` or `could_exit_better` of a trade, at least 0.
 */
export function improvementBucket(missed: number): 0 | 1 | 2 | 3 {
  if (missed < 0.5) return 0;
  if (missed < 1) return 1;
  if (missed < 2) return 2;
  return 3;
}

/**
 * Mean improvement bucket of a lesson's trades, m_e or m_x (functions/README.md, "Levers"), in [0, 3].
 *
 * @param missed One entry per trade, NaN where the trade does not tell; those count neither way.
 * @returns `null` when no trade tells.
 */
export function meanImprovementBucket(missed: Float64Array): number | null {
  let sum = 0;
  let known = 0;
  for (const value of missed) {
    if (Number.isNaN(value)) continue;
    sum += improvementBucket(value);
    known++;
  }
  return known > 0 ? sum / known : null;
}
