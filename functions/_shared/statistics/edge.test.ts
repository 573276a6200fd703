import { assert, assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import fc from "fast-check";
import { computeEdge, incrementalEdge } from "./edge.ts";

Deno.test("the edge and its dimensions are those of a calculation by hand", () => {
  // n = 50, mean 0.2, variance 0.16, baseline 0.1.
  const edge = computeEdge({ n: 50, mean: 0.2, variance: 0.16, baseline: 0.1, scale: 1 });
  assertAlmostEquals(edge.delta, 0.1, 1e-15);
  assertAlmostEquals(edge.evScore, 0.52497918747894, 1e-14); // 1/(1 + e^−0.1)
  assertAlmostEquals(edge.reliabilityScore, 1 / 1.165, 1e-15); // 1 + 0.16 + 0.25/50
  assertAlmostEquals(edge.supportScore, 0.632120558828558, 1e-15); // 1 − e^−1
  assertAlmostEquals(edge.magnitudeScore, 0.549833997312478, 1e-15); // 1/(1 + e^−0.2)
  assertEquals(edge.timeScore, 1);
  assertAlmostEquals(edge.stabilityScore, 1 / 1.16, 1e-15);
  assertAlmostEquals(edge.integral, 3.04402352165828, 1e-14);
  assertAlmostEquals(edge.beforeDecay, 0.304402352165828 / 1.165, 1e-15);
  assertAlmostEquals(edge.confidence, 0.632120558828558 / 1.165, 1e-15);
});

Deno.test("a scale divides delta, and nothing that is scored in the unit of the outcome", () => {
  // 0.1 of an outcome whose deviation is 0.4: a quarter of it, and so is the edge of 0.2613.
  const edge = computeEdge({ n: 50, mean: 0.2, variance: 0.16, baseline: 0.1, scale: 0.4 });
  assertAlmostEquals(edge.delta, 0.25, 1e-15);
  assertAlmostEquals(edge.evScore, 1 / (1 + Math.exp(-0.25)), 1e-15);
  assertAlmostEquals(edge.magnitudeScore, 0.549833997312478, 1e-15);
  assertAlmostEquals(edge.reliabilityScore, 1 / 1.165, 1e-15);
  assertAlmostEquals(edge.beforeDecay, 2.5 * 0.304402352165828 / 1.165, 1e-15);
});

Deno.test("the edge has the sign of delta, and every score its range", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 1_000_000 }),
    fc.integer({ min: -20_000, max: 20_000 }).map((x) => x / 1000),
    fc.double({ min: 0, max: 1e6, noNaN: true }),
    fc.integer({ min: -20_000, max: 20_000 }).map((x) => x / 1000),
    fc.integer({ min: 100, max: 20_000 }).map((x) => x / 1000),
    (n, mean, variance, baseline, scale) => {
      const edge = computeEdge({ n, mean, variance, baseline, scale });
      assertEquals(Math.sign(edge.beforeDecay), Math.sign(mean - baseline));
      for (const score of [edge.evScore, edge.reliabilityScore, edge.supportScore, edge.magnitudeScore]) {
        assert(score > 0 && score <= 1);
      }
      assert(edge.confidence <= edge.supportScore && edge.confidence <= edge.reliabilityScore);
      assert(edge.integral > 1 && edge.integral <= 4);
    },
  ));
});

Deno.test("an increment is measured from the parent that is largest by absolute value, with its sign", () => {
  assertAlmostEquals(incrementalEdge(0.3, [0.1, -0.2, 0.15]), 0.5, 1e-15);
  assertAlmostEquals(incrementalEdge(0.3, [0.1, 0.25, -0.2]), 0.05, 1e-15);
});

Deno.test("the empty scope's increment is its own edge, and so is one over parents without an edge", () => {
  assertEquals(incrementalEdge(-0.3, []), -0.3);
  assertEquals(incrementalEdge(-0.3, [0, 0]), -0.3);
});

Deno.test("the order of the parents does not matter, ties included", () => {
  assertEquals(incrementalEdge(0.3, [0.2, -0.2]), incrementalEdge(0.3, [-0.2, 0.2]));
});
