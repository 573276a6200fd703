import { Random } from "../../sample/random.ts";

/** Decisions of one category in the order of their times, one entry per decision in both columns. */
export interface WeeklyOutcomes {
  readonly outcomes: Float64Array;
  /** UTC week of each decision, ascending. */
  readonly weeks: Int32Array;
}

/**
 * The outcomes as they might have come in other weeks (functions/README.md, "Placebo"): weeks that hold decisions change places, and
 * the j-th of the m decisions of a week takes the outcome of number ⌈j · m′/m⌉ of the m′ of the week whose place it
 * takes. What a week's decisions share stays together; what a scope says of its outcomes is gone.
 *
 * @param seed The permutation is the same for the same seed.
 */
export function shuffleWeeks({ outcomes, weeks }: WeeklyOutcomes, seed: number): Float64Array {
  const spans = spansOf(weeks);
  const sources = permuted(spans, new Random(seed));
  const shuffled = new Float64Array(outcomes.length);
  for (const [place, { from, count }] of spans.entries()) {
    const source = sources[place]!;
    for (let j = 1; j <= count; j++) {
      shuffled[from + j - 1] = outcomes[source.from + Math.ceil(j * source.count / count) - 1]!;
    }
  }
  return shuffled;
}

interface Span {
  readonly from: number;
  readonly count: number;
}

function spansOf(weeks: Int32Array): Span[] {
  const spans: Span[] = [];
  let from = 0;
  for (let i = 1; i <= weeks.length; i++) {
    if (i < weeks.length && weeks[i] === weeks[i - 1]) continue;
    if (i < weeks.length && weeks[i]! < weeks[i - 1]!) {
      throw new RangeError(`Weeks must ascend, got ${weeks[i]} after ${weeks[i - 1]} at ${i}`);
    }
    spans.push({ from, count: i - from });
    from = i;
  }
  return spans.filter(({ count }) => count > 0);
}

/** Fisher and Yates. */
function permuted<Item>(items: readonly Item[], random: Random): Item[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const other = Math.floor(random.uniform() * (i + 1));
    [result[i], result[other]] = [result[other]!, result[i]!];
  }
  return result;
}
