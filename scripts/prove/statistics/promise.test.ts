import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import { keptPromise } from "./promise.ts";

Deno.test("promises that are kept by half have a slope of a half, tenth by tenth", () => {
  const promised = Float64Array.from({ length: 100 }, (_, i) => i - 40);
  const { tenths, slope } = keptPromise(promised, promised.map((value) => value / 2));
  assertEquals(slope, 0.5);
  assertEquals(tenths.length, 10);
  // The least promised ten are −40 to −31.
  assertEquals(tenths[0], { n: 10, promised: -35.5, realised: -17.75 });
  assertEquals(tenths[9], { n: 10, promised: 54.5, realised: 27.25 });
});

Deno.test("few decisions make few tenths, and where nothing was promised there is no slope", () => {
  const { tenths, slope } = keptPromise(Float64Array.of(0, 0, 0), Float64Array.of(1, 2, 3));
  assertEquals([tenths.length, slope], [3, null]);
  assertAlmostEquals(tenths.reduce((sum, { n }) => sum + n, 0), 3);
  assertThrows(() => keptPromise(Float64Array.of(1), Float64Array.of()), RangeError, "got 1 and 0");
});
