import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import fc from "fast-check";
import { winsorBounds, winsorise } from "./winsorise.ts";

Deno.test("two percent on either side are moved onto the bounds", () => {
  // 0 to 100: position 0.02 · 100 = 2 holds 2, position 98 holds 98.
  const values = Float64Array.from({ length: 101 }, (_, i) => 100 - i);
  const bounds = winsorBounds(values);
  assertEquals(bounds, { lower: 2, upper: 98 });
  assertEquals(winsorise(Float64Array.of(-5, 2, 50, 98, 1e9), bounds), Float64Array.of(2, 2, 50, 98, 98));
});

Deno.test("the bounds are interpolated between ranks", () => {
  // Two values, 0 and 1: positions 0.02 and 0.98.
  const { lower, upper } = winsorBounds(Float64Array.of(1, 0));
  assertAlmostEquals(lower, 0.02, 1e-16);
  assertAlmostEquals(upper, 0.98, 1e-15);
});

Deno.test("winsorised values are within the bounds, keep their order and change only outside them", () => {
  fc.assert(fc.property(
    fc.array(fc.double({ noNaN: true, min: -1e3, max: 1e3 }), { minLength: 1, maxLength: 200 }),
    (list) => {
      const values = Float64Array.from(list);
      const bounds = winsorBounds(values);
      const winsorised = winsorise(values, bounds);
      assertEquals(values, Float64Array.from(list));
      winsorised.forEach((value, i) => {
        assert(value >= bounds.lower && value <= bounds.upper);
        const original = list[i] ?? NaN;
        if (original >= bounds.lower && original <= bounds.upper) assertEquals(value, original);
      });
    },
  ));
});

Deno.test("no values have no bounds", () => {
  assertThrows(() => winsorBounds(new Float64Array()), RangeError, "at least one value");
});
