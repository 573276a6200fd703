import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import fc from "fast-check";
import { quantile, quantileInPlace } from "./quantile.ts";

/** The definition, on a sorted copy. */
function sortedQuantile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = fraction * (sorted.length - 1);
  const lower = sorted[Math.floor(position)] ?? NaN;
  const upper = sorted[Math.ceil(position)] ?? NaN;
  return lower + (position - Math.floor(position)) * (upper - lower);
}

Deno.test("a quantile between two ranks is interpolated as percentile_cont does", () => {
  // Four values: position 0.25 · 3 = 0.75, three quarters of the way from 10 to 20.
  assertEquals(quantile(Float64Array.of(40, 10, 30, 20), 0.25), 17.5);
  // Position 0.5 · 3 = 1.5, halfway from 20 to 30; with five values the median is the third.
  assertEquals(quantile(Float64Array.of(40, 10, 30, 20), 0.5), 25);
  assertEquals(quantile(Float64Array.of(5, 1, 4, 2, 3), 0.5), 3);
});

Deno.test("the ends are the smallest and the largest value, and one value is every quantile", () => {
  assertEquals(quantile(Float64Array.of(3, -1, 2), 0), -1);
  assertEquals(quantile(Float64Array.of(3, -1, 2), 1), 3);
  assertEquals(quantile(Float64Array.of(7), 0.31), 7);
});

Deno.test("any values in any order give what sorting them gives", () => {
  const value = fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
  );
  fc.assert(fc.property(
    fc.array(value, { minLength: 1, maxLength: 400 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    (values, fraction) => {
      const expected = sortedQuantile(values, fraction);
      assertAlmostEquals(quantile(Float64Array.from(values), fraction), expected, 1e-15 * Math.abs(expected));
    },
  ));
});

Deno.test("orders that mislead a quickselect give what sorting gives", () => {
  const size = 5000;
  const orders = [
    Array.from({ length: size }, (_, i) => i),
    Array.from({ length: size }, (_, i) => size - i),
    Array.from({ length: size }, (_, i) => Math.min(i, size - i)),
    Array.from({ length: size }, (_, i) => i % 2 === 0 ? i : -i),
    Array.from({ length: size }, () => 1),
  ];
  for (const order of orders) {
    for (const fraction of [0, 0.02, 0.5, 0.98, 1]) {
      assertEquals(quantile(Float64Array.from(order), fraction), sortedQuantile(order, fraction));
    }
  }
});

Deno.test("every rank of a shuffled deck is found", () => {
  for (let size = 25; size <= 85; size += 10) {
    // Multiplying by 7 modulo the prime 89, then dropping what is too large, shuffles 0 … size − 1.
    const deck = Array.from({ length: 88 }, (_, i) => (i + 1) * 7 % 89 - 1).filter((card) => card < size);
    for (let rank = 0; rank < size; rank++) {
      assertAlmostEquals(quantile(Float64Array.from(deck), rank / (size - 1)), rank, 1e-12);
    }
  }
});

Deno.test("a quantile leaves its values alone unless asked to work in place, and then keeps them all", () => {
  const values = Float64Array.from({ length: 100 }, (_, i) => (i * 37) % 100);
  const before = values.slice();
  quantile(values, 0.4);
  assertEquals(values, before);
  quantileInPlace(values, 0.4);
  assertEquals(values.slice().sort(), before.slice().sort());
});

Deno.test("no values and fractions outside [0, 1] are refused with what was given", () => {
  assertThrows(() => quantile(new Float64Array(), 0.5), RangeError, "at least one value");
  assertThrows(() => quantile(Float64Array.of(1), 1.5), RangeError, "1.5");
  assertThrows(() => quantile(Float64Array.of(1), NaN), RangeError, "NaN");
});
