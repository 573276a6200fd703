/** A closed trade as the plain baseline sees it; times in epoch milliseconds. */
export interface Close {
  readonly timeframe: string | null;
  readonly exitAt: number;
  readonly knownAt: number;
  readonly outcome: number;
}

const WINDOW = 8 * 7 * 86_400_000;
/** At so many trades half of what they say counts. */
const HALF_TRUST = 50;
const LOWEST = 0.3;
const HIGHEST = 3;

/**
 * The factor that a learner has to beat: how much better the trades of a timeframe did than all, over the closes of the last
 * eight weeks that were known (functions/README.md, "Ways of sizing").
 *
 * @param closes In the order in which they became known.
 * @param asked In the order of time.
 * @returns per question the factor; 1 where nothing is known.
 */
export function trailingFactors(
  closes: readonly Close[],
  asked: readonly { readonly timeframe: string | null; readonly at: number }[],
): Float64Array {
  const factors = new Float64Array(asked.length);
  let known: Close[] = [];
  let next = 0;
  for (const [place, { timeframe, at }] of asked.entries()) {
    for (; next < closes.length && (closes[next]?.knownAt ?? Infinity) <= at; next++) {
      known.push(closes[next]!);
    }
    known = known.filter(({ exitAt }) => exitAt > at - WINDOW);
    factors[place] = factorOf(known, timeframe);
  }
  return factors;
}

function factorOf(known: readonly Close[], timeframe: string | null): number {
  let [sum, squares, own, n] = [0, 0, 0, 0];
  for (const close of known) {
    sum += close.outcome;
    squares += close.outcome ** 2;
    if (close.timeframe !== timeframe) continue;
    own += close.outcome;
    n++;
  }
  const mean = sum / known.length;
  const sigma = Math.sqrt(Math.max(0, squares / known.length - mean ** 2));
  if (n === 0 || !(sigma > 0)) return 1;
  return Math.min(HIGHEST, Math.max(LOWEST, 1 + n / (n + HALF_TRUST) * (own / n - mean) / sigma));
}
