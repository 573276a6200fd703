import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import { computeBaseline, deltaScale } from "./baseline.ts";

Deno.test("the plain mean counts outliers in full, the winsorised mean and σ only up to the bounds", () => {
  // 1 to 100 and 10,000 in reverse order. Of 101 values the bounds are the third smallest and the third
  // largest, 3 and 99. Plain mean (5050 + 10000)/101. Winsorised: 3, 3, 3, 4 … 98, 99, 99, 99, symmetric
  // around 51, so that Σ(y − 51)² = 2 · (1² + … + 48²) + 4 · 48² = 2 · 38024 + 9216 = 85264.
  const outcomes = Float64Array.from({ length: 101 }, (_, i) => i === 0 ? 10_000 : 101 - i);
  const baseline = computeBaseline(outcomes);
  assertEquals(baseline.n, 101);
  assertAlmostEquals(baseline.mean, 15050 / 101, 1e-12);
  assertEquals(baseline.bounds, { lower: 3, upper: 99 });
  assertEquals([baseline.lowest, baseline.highest], [1, 10_000]);
  assertAlmostEquals(baseline.winsorisedMean, 51, 1e-13);
  assertAlmostEquals(baseline.sigma, Math.sqrt(85264 / 101), 1e-12);
});

Deno.test("equal outcomes have exactly no spread", () => {
  const baseline = computeBaseline(new Float64Array(7).fill(0.1));
  assertEquals(baseline, {
    n: 7,
    mean: 0.1,
    bounds: { lower: 0.1, upper: 0.1 },
    winsorisedMean: 0.1,
    sigma: 0,
    lowest: 0.1,
    highest: 0.1,
  });
});

Deno.test("deltas are measured in σ, where it is known, or in what is configured", () => {
  assertEquals(deltaScale("auto", { n: 33, sigma: 0.2 }, 33), 0.2);
  assertEquals(deltaScale("auto", { n: 32, sigma: 0.2 }, 33), 1);
  assertEquals(deltaScale("auto", { n: 33, sigma: 0 }, 33), 1);
  assertEquals(deltaScale(0.05, { n: 2, sigma: 0.2 }, 33), 0.05);
});

Deno.test("a baseline of nothing is refused", () => {
  assertThrows(() => computeBaseline(new Float64Array()), RangeError, "at least one outcome");
});
