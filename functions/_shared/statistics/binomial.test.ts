import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import fc from "fast-check";
import { binomialUpperTail } from "./binomial.ts";

/** The tail by whole numbers: every binomial coefficient, added up. */
function exactTail(successes: number, trials: number): number {
  let coefficient = 1n;
  let sum = successes <= 0 ? 1n : 0n;
  for (let k = 1; k <= trials; k++) {
    coefficient = coefficient * BigInt(trials - k + 1) / BigInt(k);
    if (k >= successes) sum += coefficient;
  }
  const shift = BigInt(Math.max(sum.toString(2).length - 80, 0));
  return Number(sum >> shift) * 2 ** (Number(shift) - trials);
}

Deno.test("small numbers of throws are those of the textbook", () => {
  assertAlmostEquals(binomialUpperTail(1, 1), 0.5, 1e-16);
  assertAlmostEquals(binomialUpperTail(3, 4), 5 / 16, 1e-15);
  assertAlmostEquals(binomialUpperTail(8, 10), 56 / 1024, 1e-16);
  assertAlmostEquals(binomialUpperTail(10, 10), 1 / 1024, 1e-18);
});

Deno.test("the tail equals the sum of whole binomial coefficients", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1000 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, share) => {
      const k = Math.round(n * share);
      const expected = exactTail(k, n);
      assertAlmostEquals(binomialUpperTail(k, n), expected, 1e-13 * expected, `P(X >= ${k} | ${n})`);
    }),
  );
});

Deno.test("up to a million throws the tail is right to 12 digits", () => {
  // By the ratios of probabilities in arithmetic with 700 digits.
  const table: [successes: number, trials: number, p: number][] = [
    [50_000, 100_000, 0.50126156310709836994],
    [51_000, 100_000, 1.2943580191734489421e-10],
    [55_000, 100_000, 4.3001708228573480954e-220],
    [499_000, 1_000_000, 0.97730383204532787195],
    [505_000, 1_000_000, 7.6907775219536759468e-24],
    [510_000, 1_000_000, 2.7721816438496123017e-89],
    [518_000, 1_000_000, 3.7694958097349926029e-284],
  ];
  for (const [successes, trials, p] of table) {
    assertAlmostEquals(
      binomialUpperTail(successes, trials),
      p,
      1e-12 * p,
      `P(X >= ${successes} | ${trials})`,
    );
  }
  assertEquals(binomialUpperTail(1_000_000, 1_000_000), 0);
});

Deno.test("no success is certain, more successes than throws impossible", () => {
  assertEquals(binomialUpperTail(0, 0), 1);
  assertEquals(binomialUpperTail(0, 10), 1);
  assertEquals(binomialUpperTail(-3, 10), 1);
  assertEquals(binomialUpperTail(11, 10), 0);
  assertEquals(binomialUpperTail(1, 0), 0);
});

Deno.test("the coin is fair: heads and tails share the certainty, and more successes are less likely", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 50_000 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    (n, share) => {
      const k = Math.round(n * share);
      const p = binomialUpperTail(k, n);
      assert(p >= 0 && p <= 1);
      assertAlmostEquals(p + binomialUpperTail(n - k + 1, n), 1, 1e-12);
      assert(binomialUpperTail(k + 1, n) <= p);
    },
  ));
});

Deno.test("what cannot be counted is refused with what was given", () => {
  assertThrows(() => binomialUpperTail(1, 2.5), RangeError, "2.5");
  assertThrows(() => binomialUpperTail(0.5, 2), RangeError, "0.5");
  assertThrows(() => binomialUpperTail(1, -1), RangeError, "-1");
  assertThrows(() => binomialUpperTail(NaN, 3), RangeError, "NaN");
});
