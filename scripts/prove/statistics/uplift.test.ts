import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import fc from "fast-check";
import { Random } from "../../sample/random.ts";
import { levelSizes, outcomePerCapital, type SizedDecisions, upliftOver } from "./uplift.ts";

/** Decisions of equal size, five a week. */
function equalDecisions(outcomes: Float64Array): SizedDecisions {
  return {
    sizes: new Float64Array(outcomes.length).fill(1),
    outcomes,
    weeks: Int32Array.from(outcomes, (_, i) => Math.floor(i / 5)),
  };
}

Deno.test("an uplift is what a unit of capital earned more than at base size", () => {
  const base = {
    sizes: Float64Array.of(1, 1),
    outcomes: Float64Array.of(0.1, -0.1),
    weeks: Int32Array.of(1, 2),
  };
  // 3 : 1 on the winner earns (0.3 − 0.1)/4; the base nothing.
  assertAlmostEquals(upliftOver(Float64Array.of(3, 1), base, 1)?.difference ?? NaN, 0.05, 1e-15);
  assertEquals(outcomePerCapital(new Float64Array(2), base.outcomes), null);
  assertEquals(upliftOver(new Float64Array(2), base, 1), null);
  assertThrows(() => upliftOver(Float64Array.of(1), base, 1), RangeError, "got 1 and 2");
});

Deno.test("sizes that are the base's times anything earn no uplift, whatever is drawn", () => {
  const outcomes = fc.array(fc.double({ min: -1, max: 3, noNaN: true }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(outcomes, fc.double({ min: 0.01, max: 50, noNaN: true }), (values, factor) => {
      const base = equalDecisions(Float64Array.from(values));
      const uplift = upliftOver(base.sizes.map((size) => size * factor), base, 3, 50);
      for (const figure of [uplift?.difference, uplift?.low, uplift?.high]) {
        assertAlmostEquals(figure ?? NaN, 0, 1e-12);
      }
    }),
    { numRuns: 50 },
  );
});

Deno.test("the interval holds the truth in more than 86 and less than 99 of 100 histories of sixty weeks", () => {
  const random = new Random(8);
  let held = 0;
  const histories = 200;
  for (let history = 0; history < histories; history++) {
    const weeks = 60;
    const shared = Array.from({ length: weeks }, () => random.normal());
    const isMarked = Array.from({ length: weeks * 5 }, () => random.chance(0.5));
    // Marked decisions earn 0.4 more; the way gives them half more capital: 0.4 · (0.6 − 0.5) in the long run.
    const base = equalDecisions(
      Float64Array.from(
        isMarked,
        (marked, i) => shared[Math.floor(i / 5)]! + random.normal() + (marked ? 0.4 : 0),
      ),
    );
    const uplift = upliftOver(Float64Array.from(isMarked, (marked) => marked ? 1.5 : 1), base, history, 200);
    if ((uplift?.low ?? NaN) <= 0.04 && (uplift?.high ?? NaN) >= 0.04) held++;
  }
  assert(held >= 0.86 * histories && held <= 0.99 * histories, `${held} of ${histories}`);
});

Deno.test("draws are the same for the same seed and others for another", () => {
  const random = new Random(2);
  const base = equalDecisions(Float64Array.from({ length: 100 }, () => random.normal()));
  const way = base.sizes.map((_, i) => 1 + i % 3);
  assertEquals(upliftOver(way, base, 7), upliftOver(way, base, 7));
  assert(upliftOver(way, base, 7)?.low !== upliftOver(way, base, 8)?.low);
});

Deno.test("a level is the mean size of a decision's kind", () => {
  assertEquals([...levelSizes(Float64Array.of(1, 2, 3, 6), ["a", "b", "a", "b"])], [2, 4, 2, 4]);
});
