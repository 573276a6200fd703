import { assertEquals } from "@std/assert/mod.js";
import { improvementBucket, meanImprovementBucket } from "./buckets.ts";

Deno.test("a bucket begins at its lower bound", () => {
  const missed = [0, 0.49, 0.5, 0.99, 1, 1.99, 2, 50];
  assertEquals(missed.map(improvementBucket), [0, 0, 1, 1, 2, 2, 3, 3]);
});

Deno.test("the mean bucket is over the trades that tell", () => {
  // Buckets 0, 1, 3: mean 4/3.
  assertEquals(meanImprovementBucket(Float64Array.of(0.2, NaN, 0.7, 9, NaN)), 4 / 3);
});

Deno.test("no trade that tells has no mean", () => {
  assertEquals(meanImprovementBucket(Float64Array.of(NaN, NaN)), null);
  assertEquals(meanImprovementBucket(new Float64Array()), null);
});
