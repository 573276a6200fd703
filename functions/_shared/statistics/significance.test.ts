import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import fc from "fast-check";
import { clusteredTest, ClusterTester, pValue, zScore } from "./significance.ts";

Deno.test("z is that of a calculation by hand", () => {
  // n 25 of N 100: (1/25 − 1/100) · 100/99 = 1/33; z = 0.1/(0.5 · sqrt(1/33)) = 0.2 · √33.
  assertAlmostEquals(zScore(25, 0.1, { n: 100, sigma: 0.5 }), 0.2 * Math.sqrt(33), 1e-14);
});

Deno.test("a slice of all trades, and outcomes that do not vary, have z = 0 and p = 1", () => {
  assertEquals(zScore(100, 0.1, { n: 100, sigma: 0.5 }), 0);
  assertEquals(zScore(1, 0, { n: 1, sigma: 0 }), 0);
  assertEquals(zScore(25, 0.1, { n: 100, sigma: 0 }), 0);
  assertEquals(pValue(0, null), 1);
});

Deno.test("z is antisymmetric and grows with the slice, the difference and certainty", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 500 }),
    fc.integer({ min: 502, max: 100_000 }),
    fc.double({ min: 1e-6, max: 10, noNaN: true }),
    fc.double({ min: 1e-3, max: 10, noNaN: true }),
    (n, population, difference, sigma) => {
      const z = zScore(n, difference, { n: population, sigma });
      assert(z > 0);
      assertEquals(zScore(n, -difference, { n: population, sigma }), -z);
      assert(zScore(n + 1, difference, { n: population, sigma }) > z);
      assert(zScore(n, 1.01 * difference, { n: population, sigma }) > z);
      assert(zScore(n, difference, { n: population, sigma: 1.01 * sigma }) < z);
    },
  ));
});

Deno.test("a slice larger than its baseline is refused", () => {
  assertThrows(() => zScore(101, 0.1, { n: 100, sigma: 1 }), RangeError, "101 trades");
});

Deno.test("the clustered t and its p are those of a calculation by hand", () => {
  // Five clusters of two trades, deviations from the slice's mean of 0.5 adding up to 1, −1, 2, −2, 0: Σu² =
  // 10. Baseline 0, t = 10 · 0.5/sqrt(5/4 · 10) = √2. With 4 degrees of freedom sin²θ = t²/(t² + 4) = 1/3, p
  // = 1 − sin θ (1 + cos²θ/2) = 1 − 4/(3√3).
  const winsorised = Float64Array.of(1, 1, 0, 0, 2, 1, -1, 0, 0.75, 0.25);
  const index = Int32Array.of(3, 3, 1, 1, 0, 0, 2, 2, 4, 4);
  const tester = new ClusterTester(winsorised, { unit: "day", index, count: 5 }, { winsorisedMean: 0 });
  const { t, clusters, p } = tester.test(Uint32Array.from(index.keys()), 0.5);
  assertAlmostEquals(t ?? NaN, Math.SQRT2, 1e-15);
  assertEquals(clusters, 5);
  assertAlmostEquals(p, 1 - 4 / (3 * Math.sqrt(3)), 1e-15);
});

Deno.test("fewer than five clusters prove nothing, one has no t", () => {
  assertEquals(clusteredTest(100, 5, 1e-6, 4).p, 1);
  assert(clusteredTest(100, 5, 1e-6, 5).p < 1e-6);
  assert(clusteredTest(100, 5, 1e-6, 2).t !== null);
  assertEquals(clusteredTest(100, 5, 0, 1), { t: null, clusters: 1, p: 1 });
});

Deno.test("cluster sums that all vanish leave no doubt about a difference or its absence", () => {
  assertEquals(clusteredTest(40, 0.1, 0, 8), { t: Infinity, clusters: 8, p: 0 });
  assertEquals(clusteredTest(40, -0.1, 0, 8), { t: -Infinity, clusters: 8, p: 0 });
  assertEquals(clusteredTest(40, 0, 0, 8), { t: 0, clusters: 8, p: 1 });
});

Deno.test("p is the larger of the two, and the normal one where trades are not clustered", () => {
  const clustered = { t: 2, clusters: 9, p: 0.08 };
  assertAlmostEquals(pValue(1.959963984540054, null), 0.05, 1e-15);
  assertEquals(pValue(1.959963984540054, clustered), 0.08);
  assertAlmostEquals(pValue(-1, clustered), 0.31731050786291415, 1e-15);
});

Deno.test("one tester judges any number of slices as plain loops judge each", () => {
  const trade = fc.record({
    y: fc.integer({ min: -100, max: 100 }).map((x) => x / 100),
    cluster: fc.integer({ min: 0, max: 11 }),
  });
  fc.assert(fc.property(
    fc.array(trade, { minLength: 1, maxLength: 80 }),
    fc.array(fc.array(fc.boolean(), { minLength: 80, maxLength: 80 }), { minLength: 1, maxLength: 6 }),
    fc.integer({ min: -50, max: 50 }).map((x) => x / 100),
    (trades, choices, baseline) => {
      const winsorised = Float64Array.from(trades, ({ y }) => y);
      const index = Int32Array.from(trades, ({ cluster }) => cluster);
      const tester = new ClusterTester(winsorised, { unit: "week", index, count: 12 }, {
        winsorisedMean: baseline,
      });
      for (const choice of choices) {
        const chosen = trades.map((_, row) => row).filter((row) => choice[row]);
        const n = chosen.length;
        if (n === 0) continue;
        const sliceMean = chosen.reduce((sum, row) => sum + (trades[row]?.y ?? NaN), 0) / n;
        const sums = new Map<number, number>();
        for (const row of chosen) {
          const { y, cluster } = trades[row] ?? { y: NaN, cluster: NaN };
          sums.set(cluster, (sums.get(cluster) ?? 0) + y - sliceMean);
        }
        let squares = 0;
        for (const sum of sums.values()) squares += sum ** 2;
        const { t, clusters } = tester.test(Uint32Array.from(chosen), sliceMean);
        assertEquals(clusters, sums.size);
        if (clusters < 2) {
          assertEquals(t, null);
        } else if (squares > 1e-20) {
          const expected = n * (sliceMean - baseline) / Math.sqrt(clusters / (clusters - 1) * squares);
          assertAlmostEquals(t ?? NaN, expected, 1e-9 * (1 + Math.abs(expected)));
        }
      }
    },
  ));
});
