import { assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import fc from "fast-check";
import { measurePerformance, weeklyReturns } from "./performance.ts";

/** Four decisions: +10 % and −4 % in week 7, nothing in 8, −6 % at double size in 9, +20 % in 10. */
const FOUR = {
  sizes: Float64Array.of(1, 1, 2, 1),
  outcomes: Float64Array.of(0.1, -0.04, -0.06, 0.2),
  weeks: Int32Array.of(7, 7, 9, 10),
};

Deno.test("weeks earn what their decisions earned of one unit of capital, and nothing without decisions", () => {
  const returns = [...weeklyReturns(FOUR)];
  // 5 units in all: 0.06/5, 0, −0.12/5, 0.2/5.
  for (const [i, expected] of [0.012, 0, -0.024, 0.04].entries()) {
    assertAlmostEquals(returns[i]!, expected, 1e-15);
  }
  assertEquals(weeklyReturns({ ...FOUR, sizes: new Float64Array(4) }).length, 0);
});

Deno.test("a record's figures are those of a calculation by hand", () => {
  const { profitFactor, drawdown, sharpe, sortino } = measurePerformance(FOUR);
  // Won 0.1 + 0.2, lost 0.04 + 0.12.
  assertAlmostEquals(profitFactor ?? NaN, 0.3 / 0.16, 1e-12);
  // From 0.012 down to −0.012.
  assertAlmostEquals(drawdown, 0.024, 1e-15);
  // Mean 0.007; deviations 0.005, −0.007, −0.031, 0.033: squares sum to 0.002124.
  assertAlmostEquals(sharpe ?? NaN, 0.007 / Math.sqrt(0.002124 / 3), 1e-12);
  assertAlmostEquals(sortino ?? NaN, 0.007 / Math.sqrt(0.024 ** 2 / 4), 1e-12);
});

Deno.test("a record without a loss has no profit factor and no Sortino ratio, one of a week no Sharpe ratio", () => {
  assertEquals(
    measurePerformance({
      sizes: Float64Array.of(1),
      outcomes: Float64Array.of(0.1),
      weeks: Int32Array.of(0),
    }),
    { profitFactor: null, drawdown: 0, sharpe: null, sortino: null },
  );
});

Deno.test("no figure but the capital's share depends on the unit of sizes", () => {
  const decision = fc.tuple(
    fc.double({ min: 0.01, max: 1, noNaN: true }),
    fc.integer({ min: -100, max: 200 }),
  );
  fc.assert(fc.property(fc.array(decision, { minLength: 3, maxLength: 40 }), (decisions) => {
    const sized = (unit: number) => ({
      sizes: Float64Array.from(decisions, ([size]) => size * unit),
      outcomes: Float64Array.from(decisions, ([, percent]) => percent / 100),
      weeks: Int32Array.from(decisions.keys()),
    });
    const [one, other] = [measurePerformance(sized(1)), measurePerformance(sized(8))];
    for (const figure of ["drawdown", "sharpe", "sortino", "profitFactor"] as const) {
      const [a, b] = [one[figure] ?? 0, other[figure] ?? 0];
      assertAlmostEquals(a, b, 1e-9 * (1 + Math.abs(a)));
    }
  }));
});
