import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import fc from "fast-check";
import { falseDiscoveryQ, harmonicNumber } from "./false_discovery.ts";

/** 1 + 1/2 + … + 1/m, as it is written. */
function slowHarmonic(m: number): number {
  return Array.from({ length: m }, (_, i) => 1 / (i + 1)).reduceRight((sum, term) => sum + term, 0);
}

/** The definition, word for word, in m² steps. */
function slowQ(pValues: readonly number[], method: "by" | "bh"): number[] {
  const m = pValues.length;
  const penalty = method === "by" ? slowHarmonic(m) : 1;
  return pValues.map((p) =>
    Math.min(
      1,
      ...pValues.filter((other) => other >= p).map((other) =>
        m * penalty * other / pValues.filter((x) => x <= other).length
      ),
    )
  );
}

Deno.test("q values are those of a calculation by hand", () => {
  // m = 5, ranks of 0.01 0.02 0.03 0.5 0.04 are 1 2 3 5 4: m·p/rank = 0.05 0.05 0.05 0.5 0.05.
  const q = falseDiscoveryQ(Float64Array.of(0.01, 0.02, 0.03, 0.5, 0.04), "bh");
  [0.05, 0.05, 0.05, 0.5, 0.05].forEach((expected, i) => assertAlmostEquals(q[i] ?? NaN, expected, 1e-16));
  // 0.001 stands alone: 4 · 0.001/1. 0.02 and 0.03: 0.04 and 0.04. 0.9: 0.9.
  const other = falseDiscoveryQ(Float64Array.of(0.9, 0.03, 0.001, 0.02), "bh");
  [0.9, 0.04, 0.004, 0.04].forEach((expected, i) => assertAlmostEquals(other[i] ?? NaN, expected, 1e-16));
});

Deno.test("under Benjamini and Yekutieli they are the sum of 1/i times as large, by hand", () => {
  // m = 5: H = 1 + 1/2 + 1/3 + 1/4 + 1/5 = 137/60; 0.05 · 137/60 = 0.114167, and 0.5 · 137/60 is cut to 1.
  const q = falseDiscoveryQ(Float64Array.of(0.01, 0.02, 0.03, 0.5, 0.04), "by");
  [0.05, 0.05, 0.05, NaN, 0.05].forEach((plain, i) =>
    assertAlmostEquals(q[i] ?? NaN, i === 3 ? 1 : plain * 137 / 60, 1e-15)
  );
  // m = 4, H = 25/12: 0.001 · 4 · 25/12 = 0.008333; 0.03 · 4/3 · 25/12 = 0.083333.
  const other = falseDiscoveryQ(Float64Array.of(0.9, 0.03, 0.001, 0.02), "by");
  [1, 0.04 * 25 / 12, 0.004 * 25 / 12, 0.04 * 25 / 12].forEach((expected, i) =>
    assertAlmostEquals(other[i] ?? NaN, expected, 1e-15)
  );
});

Deno.test("the sum of 1/i is the plain sum, to the last digits, where it is no longer summed too", () => {
  for (const m of [0, 1, 2, 7, 99, 100, 101, 102, 1000, 12_345, 1_000_000]) {
    const expected = slowHarmonic(m);
    assertAlmostEquals(harmonicNumber(m), expected, 1e-14 * Math.max(expected, 1), String(m));
  }
});

Deno.test("equal p values have the q of the last rank among them", () => {
  // Three of 0.02 have rank 3 of 4: 4 · 0.02/3.
  const q = falseDiscoveryQ(Float64Array.of(0.02, 0.02, 1, 0.02), "bh");
  for (const i of [0, 1, 3]) assertAlmostEquals(q[i] ?? NaN, 0.08 / 3, 1e-16);
  assertEquals(q[2], 1);
});

Deno.test("q equals the definition and never falls as p grows", () => {
  const p = fc.oneof(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.integer({ min: 0, max: 20 }).map((x) => x / 20),
    fc.double({ min: -60, max: 0, noNaN: true }).map(Math.exp),
  );
  fc.assert(fc.property(fc.array(p, { maxLength: 150 }), fc.constantFrom("by", "bh"), (list, method) => {
    const pValues = Float64Array.from(list);
    const q = falseDiscoveryQ(pValues, method);
    assertEquals(pValues, Float64Array.from(list));
    slowQ(list, method).forEach((expected, i) =>
      assertAlmostEquals(q[i] ?? NaN, expected, 1e-14 * expected + 1e-322)
    );
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
  assertEquals(falseDiscoveryQ(Float64Array.of(0, 0.35, 0), "bh"), Float64Array.of(0, 0.35, 0));
});

Deno.test("one test keeps its p, none has no q", () => {
  for (const method of ["by", "bh"] as const) {
    assertEquals(falseDiscoveryQ(Float64Array.of(0.3), method), Float64Array.of(0.3));
    assertEquals(falseDiscoveryQ(new Float64Array(), method), new Float64Array());
  }
});

Deno.test("a p outside [0, 1] is refused with what was given", () => {
  assertThrows(() => falseDiscoveryQ(Float64Array.of(0.1, 1.01), "by"), RangeError, "1.01");
  assertThrows(() => falseDiscoveryQ(Float64Array.of(NaN), "by"), RangeError, "NaN");
  assertThrows(() => falseDiscoveryQ(Float64Array.of(-0.1), "by"), RangeError, "-0.1");
});
