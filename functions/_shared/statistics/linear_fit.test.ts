import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import fc from "fast-check";
import { fitLine } from "./linear_fit.ts";

Deno.test("slope, t and R² are those of a regression by hand", () => {
  // x 0 1 2 3, y 0 1 1 2: means 1.5 and 1, Σdx² = 5, Σdxdy = 3, b = 0.6; residuals −0.1, 0.3, −0.3, 0.1,
  // their squares 0.2; standard error sqrt(0.2/2/5), t = 0.6/sqrt(0.02) = 3√2; R² = 1 − 0.2/2.
  const fit = fitLine(Float64Array.of(0, 1, 2, 3), Float64Array.of(0, 1, 1, 2));
  assertAlmostEquals(fit.slope, 0.6, 1e-15);
  assertAlmostEquals(fit.t, 3 * Math.SQRT2, 1e-13);
  assertAlmostEquals(fit.rSquared, 0.9, 1e-15);
  assertEquals(fit.meanY, 1);
  assertEquals(fit.spreadX, 5);
});

Deno.test("a perfect line has an infinite t with the sign of its slope", () => {
  const x = Float64Array.of(0, 1, 2, 3, 4);
  assertEquals(fitLine(x, x.map((value) => 7 - 2 * value)).t, -Infinity);
  assertEquals(fitLine(x, x.map((value) => 2 * value)).t, Infinity);
});

Deno.test("no variation in y is no slope, and none in x is none either", () => {
  const flat = fitLine(Float64Array.of(0, 1, 3), new Float64Array(3).fill(0.1));
  assertEquals([flat.slope, flat.t, flat.rSquared], [0, 0, 0]);
  const upright = fitLine(new Float64Array(3).fill(5), Float64Array.of(0, 1, 3));
  assertEquals([upright.slope, upright.t, upright.spreadX], [0, 0, 0]);
});

Deno.test("moving the points changes nothing, mirroring them turns slope and t", () => {
  const number = fc.integer({ min: -1000, max: 1000 });
  fc.assert(fc.property(
    fc.array(fc.tuple(number, number), { minLength: 3, maxLength: 60 }),
    number,
    number,
    (points, right, up) => {
      const x = Float64Array.from(points, ([px]) => px);
      const y = Float64Array.from(points, ([, py]) => py);
      const fit = fitLine(x, y);
      const moved = fitLine(x.map((value) => value + right), y.map((value) => value + up));
      const mirrored = fitLine(x, y.map((value) => -value));
      assertAlmostEquals(moved.slope, fit.slope, 1e-9 * (1 + Math.abs(fit.slope)));
      assertEquals(mirrored.slope, fit.slope === 0 ? 0 : -fit.slope);
      assertEquals(mirrored.t, fit.t === 0 ? 0 : -fit.t);
      assert(fit.rSquared >= 0 && fit.rSquared <= 1);
    },
  ));
});

Deno.test("no points have no line", () => {
  assertThrows(() => fitLine(new Float64Array(), new Float64Array()), RangeError, "at least one value");
});
