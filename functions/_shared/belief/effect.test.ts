import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import { effectOf } from "./effect.ts";

/** Ten decisions in five weeks, the group's other one in a sixth. */
const columns = {
  deviations: Float64Array.of(1.5, 0.5, 0, 0, 1.5, 1.5, -0.5, -0.5, 0.5, 0.5, 9),
  weeks: Int32Array.of(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5),
  weekCount: 6,
};
const rows = Uint32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);

Deno.test("an effect has the interval of its weeks, by hand", () => {
  // Sums 2, 0, 3, −1, 1: d = 0.5; around it 1, −1, 2, −2, 0; se = √(5/4 · 10)/10 = 0.35355; t(0.975, 4) = 2.776445.
  const effect = effectOf(columns, rows, 1);
  assertEquals([effect.n, effect.weeks, effect.difference], [10, 5, 0.5]);
  assertAlmostEquals(effect.low ?? NaN, 0.5 - 2.7764451051977987 * Math.sqrt(12.5) / 10, 1e-12);
  assertAlmostEquals(effect.high ?? NaN, 0.5 + 2.7764451051977987 * Math.sqrt(12.5) / 10, 1e-12);
});

Deno.test("the error that caution needs is around the baseline, and no smaller than of n decisions on their own", () => {
  // Around the baseline: 4 + 0 + 9 + 1 + 1 = 15. With σ = 1: 15/100.
  assertAlmostEquals(effectOf(columns, rows, 1).error2 ?? NaN, 0.15, 1e-15);
  // σ = 2: 15/400 is below 1/10.
  assertAlmostEquals(effectOf(columns, rows, 2).error2 ?? NaN, 0.1, 1e-15);
});

Deno.test("one week has no interval, where nothing varies there is no error, and nothing has no effect", () => {
  const one = effectOf(columns, Uint32Array.of(0, 1), 1);
  assertEquals([one.weeks, one.difference, one.low, one.high], [1, 1, null, null]);
  assertEquals(effectOf(columns, rows, 0).error2, null);
  assertThrows(() => effectOf(columns, new Uint32Array(), 1), RangeError, "at least one decision");
});
