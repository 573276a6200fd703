/**
 * What is proven by the plainest reading of the book (functions/README.md, "Proven"). Shares nothing with what it judges.
 *
 * @module
 */

/** A decision as evidence sees it. */
export interface OracleDecision {
  readonly outcome: number;
  readonly closedOn: string;
  readonly week: string;
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** e of some decisions among all of their module and category; `mine` are numbers in `all`. */
export function evidenceByBruteForce(
  all: readonly OracleDecision[],
  mine: readonly number[],
  baselineMean: number,
  rho: number,
): number {
  const own = mine.flatMap((row) => all[row] ?? []);
  const dayMean = (day: string): number => {
    const outcomes = all.filter(({ closedOn }) => closedOn === day).map(({ outcome }) => outcome);
    return total(outcomes) / outcomes.length;
  };
  const e = (sums: readonly number[]): number => {
    const v = total(sums.map((sum) => sum ** 2));
    return Math.sqrt(rho / (rho + v)) * Math.exp(total(sums) ** 2 / (2 * (rho + v)));
  };
  const days = [...new Set(own.map(({ closedOn }) => closedOn))].map((day) =>
    total(own.filter(({ closedOn }) => closedOn === day).map(({ outcome }) => outcome - dayMean(day)))
  );
  const weeks = [...new Set(own.map(({ week }) => week))].map((week) =>
    total(own.filter((decision) => decision.week === week).map(({ outcome }) => outcome - baselineMean))
  );
  return (e(days) + e(weeks)) / 2;
}

/** Places of the proven among all tests of a group, by trying every k. */
export function provenByBruteForce(
  tests: readonly { readonly e: number; readonly depth: number }[],
  level: number,
): number[] {
  const classOf = (depth: number): number => depth > 4 ? 4 : depth;
  const occur = new Set(tests.map(({ depth }) => classOf(depth))).size;
  const ranked = tests.map(({ e, depth }, place) => {
    const alike = tests.filter((other) => classOf(other.depth) === classOf(depth)).length;
    return { place, value: e * tests.length / (occur * alike) };
  }).sort((a, b) => b.value - a.value);
  for (let k = tests.length; k >= 1; k--) {
    const first = ranked.slice(0, k);
    if (first.every(({ value }) => value >= tests.length / (k * level))) {
      return first.map(({ place }) => place).sort((a, b) => a - b);
    }
  }
  return [];
}
