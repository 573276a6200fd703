import { halfStepGammaRatio } from "./gamma_ratio.ts";

/** Probability of the most likely number of heads, the larger of two equals, in n throws of a fair coin. */
function centralProbability(n: number): number {
  const half = Math.floor(n / 2);
  const even = half === 0 ? 1 : halfStepGammaRatio(half) / (half * Math.sqrt(Math.PI));
  return n % 2 === 0 ? even : even * (2 * half + 1) / (2 * half + 2);
}

/**
 * The exact one-sided binomial test against a fair coin: P(X ≥ successes | trials, 1/2) (functions/README.md,
 * "Confirmation"), to about 1e-13 relative wherever the result is a normal double. It walks outwards from the
 * centre, where probabilities are largest, by their exact ratios; all terms are positive, nothing cancels,
 * and at a million trials at most some 20,000 steps are left before they vanish.
 *
 * @param successes Whole number; 0 or less gives 1, more than `trials` gives 0.
 * @param trials Whole number, at least 0.
 * @throws RangeError when either is no whole number or there are fewer than 0 trials.
 */
export function binomialUpperTail(successes: number, trials: number): number {
  if (!Number.isSafeInteger(trials) || trials < 0) {
    throw new RangeError(`A binomial test needs a whole number of trials, at least 0, got ${trials}`);
  }
  if (!Number.isSafeInteger(successes)) {
    throw new RangeError(`A binomial test needs a whole number of successes, got ${successes}`);
  }
  if (successes <= 0) return 1;
  if (successes > trials) return 0;
  if (2 * successes <= trials) return 1 - binomialUpperTail(trials - successes + 1, trials);
  let k = Math.ceil(trials / 2);
  let term = centralProbability(trials);
  for (; k < successes && term > 0; k++) term *= (trials - k) / (k + 1);
  let sum = 0;
  for (; k <= trials && term > sum * 1e-17; k++) {
    sum += term;
    term *= (trials - k) / (k + 1);
  }
  return Math.min(sum, 1);
}
