import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import fc from "fast-check";
import { benjaminiHochberg } from "./benjamini_hochberg.ts";

/** The definition, word for word, in m² steps. */
function slowQ(pValues: readonly number[]): number[] {
  const m = pValues.length;
  return pValues.map((p) =>
    Math.min(
      1,
      ...pValues.filter((other) => other >= p).map((other) =>
        m * other / pValues.filter((x) => x <= other).length
      ),
    )
  );
}

Deno.test("q values are those of a calculation by hand", () => {
  // m = 5, ranks of 0.01 0.02 0.03 0.5 0.04 are 1 2 3 5 4: m·p/rank = 0.05 0.05 0.05 0.5 0.05.
  const q = benjaminiHochberg(Float64Array.of(0.01, 0.02, 0.03, 0.5, 0.04));
  [0.05, 0.05, 0.05, 0.5, 0.05].forEach((expected, i) => assertAlmostEquals(q[i] ?? NaN, expected, 1e-16));
  // 0.001 stands alone: 4 · 0.001/1. 0.02 and 0.03: 0.04 and 0.04. 0.9: 0.9.
  const other = benjaminiHochberg(Float64Array.of(0.9, 0.03, 0.001, 0.02));
  [0.9, 0.04, 0.004, 0.04].forEach((expected, i) => assertAlmostEquals(other[i] ?? NaN, expected, 1e-16));
});

Deno.test("equal p values have the q of the last rank among them", () => {
  // Three of 0.02 have rank 3 of 4: 4 · 0.02/3.
  const q = benjaminiHochberg(Float64Array.of(0.02, 0.02, 1, 0.02));
  for (const i of [0, 1, 3]) assertAlmostEquals(q[i] ?? NaN, 0.08 / 3, 1e-16);
  assertEquals(q[2], 1);
});

Deno.test("q equals the definition and never falls as p grows", () => {
  const p = fc.oneof(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.integer({ min: 0, max: 20 }).map((x) => x / 20),
    fc.double({ min: -60, max: 0, noNaN: true }).map(Math.exp),
  );
  fc.assert(fc.property(fc.array(p, { maxLength: 80 }), (list) => {
    const pValues = Float64Array.from(list);
    const q = benjaminiHochberg(pValues);
    assertEquals(pValues, Float64Array.from(list));
    slowQ(list).forEach((expected, i) => assertAlmostEquals(q[i] ?? NaN, expected, 1e-14 * expected));
    const order = [...list.keys()].sort((a, b) => (list[a] ?? NaN) - (list[b] ?? NaN));
    order.forEach((i, place) => {
      const before = order[place - 1];
      if (before !== undefined) assert((q[before] ?? NaN) <= (q[i] ?? NaN));
      assert((q[i] ?? NaN) >= (list[i] ?? NaN) && (q[i] ?? NaN) <= 1);
    });
  }));
});

Deno.test("the largest p is its own q to the last digit", () => {
  // 3 · 0.35/3 would be 0.3499999….
  assertEquals(benjaminiHochberg(Float64Array.of(0, 0.35, 0)), Float64Array.of(0, 0.35, 0));
});

Deno.test("one test keeps its p, none has no q", () => {
  assertEquals(benjaminiHochberg(Float64Array.of(0.3)), Float64Array.of(0.3));
  assertEquals(benjaminiHochberg(new Float64Array()), new Float64Array());
});

Deno.test("a p outside [0, 1] is refused with what was given", () => {
  assertThrows(() => benjaminiHochberg(Float64Array.of(0.1, 1.01)), RangeError, "1.01");
  assertThrows(() => benjaminiHochberg(Float64Array.of(NaN)), RangeError, "NaN");
  assertThrows(() => benjaminiHochberg(Float64Array.of(-0.1)), RangeError, "-0.1");
});
