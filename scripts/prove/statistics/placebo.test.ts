import { assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert/mod.js";
import fc from "fast-check";
import { shuffleWeeks } from "./placebo.ts";

const weekly = fc.array(
  fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 6 }),
  { minLength: 1, maxLength: 12 },
);

function columns(byWeek: readonly (readonly number[])[]): { outcomes: Float64Array; weeks: Int32Array } {
  return {
    outcomes: Float64Array.from(byWeek.flat()),
    weeks: Int32Array.from(byWeek.flatMap((outcomes, week) => outcomes.map(() => 3 * week))),
  };
}

Deno.test("every week takes the outcomes of one week, in their order, each week's taken once", () => {
  fc.assert(fc.property(weekly, fc.integer(), (byWeek, seed) => {
    // Outcomes say which week they are of and where in it.
    const labelled = byWeek.map((outcomes, week) => outcomes.map((_, j) => week + j / 16));
    const shuffled = shuffleWeeks(columns(labelled), seed);
    const sources: number[] = [];
    let from = 0;
    for (const { length } of labelled) {
      const taken = [...shuffled.subarray(from, from + length)];
      const source = Math.floor(taken[0]!);
      sources.push(source);
      const count = labelled[source]!.length;
      assertEquals(taken, taken.map((_, i) => source + (Math.ceil((i + 1) * count / length) - 1) / 16));
      from += length;
    }
    assertEquals(sources.toSorted((a, b) => a - b), [...labelled.keys()]);
  }));
});

Deno.test("weeks of equal size keep every outcome, so that their mean is what it was", () => {
  const byWeek = Array.from({ length: 20 }, (_, week) => [week, week + 0.5]);
  const given = columns(byWeek);
  const shuffled = shuffleWeeks(given, 1);
  assertNotEquals(shuffled, given.outcomes);
  const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
  assertAlmostEquals(sum(shuffled), sum(given.outcomes), 1e-9);
});

Deno.test("weeks that do not ascend are refused by their place", () => {
  assertThrows(
    () => shuffleWeeks({ outcomes: new Float64Array(3), weeks: Int32Array.of(1, 2, 1) }, 1),
    RangeError,
    "got 1 after 2 at 2",
  );
  assertEquals(shuffleWeeks({ outcomes: new Float64Array(0), weeks: new Int32Array(0) }, 1).length, 0);
});
