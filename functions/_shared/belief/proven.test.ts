import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import fc from "fast-check";
import {
  evidenceByBruteForce,
  type OracleDecision,
  provenByBruteForce,
} from "../../../scripts/testing/belief/proven_oracle.ts";
import { depthClass, type EvidenceColumns, logEvidenceOf, selectProven } from "./proven.ts";

Deno.test("evidence is the mean of that of days and that of weeks, by hand", () => {
  // Days: u = 1 + 1, 2 − 1, 1: S = 4, V = 4 + 1 + 1 = 6. Weeks: u = 0.5 + 0.5 + 1, −1 + 1: S = 2, V = 4. ρ = 2.
  const columns: EvidenceColumns = {
    dayDeviations: Float64Array.of(1, 1, 2, -1, 1, 100),
    days: Int32Array.of(0, 0, 1, 1, 2, 2),
    dayCount: 3,
    weekDeviations: Float64Array.of(0.5, 0.5, 1, -1, 1, 100),
    weeks: Int32Array.of(0, 0, 0, 1, 1, 1),
    weekCount: 2,
  };
  // √(2/8) · e^(16/16) = 1.3591; √(2/6) · e^(4/12) = 0.8057; their mean 1.0824.
  const expected = (Math.E / 2 + Math.exp(1 / 3) / Math.sqrt(3)) / 2;
  assertAlmostEquals(logEvidenceOf(columns, Uint32Array.of(0, 1, 2, 3, 4), 2), Math.log(expected), 1e-15);
});

Deno.test("evidence is that of the plainest reading", () => {
  const decision = fc.record({
    outcome: fc.integer({ min: -30, max: 30 }).map((tenths) => tenths / 10),
    day: fc.integer({ min: 0, max: 20 }),
    mine: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(decision, { minLength: 1, maxLength: 60 }),
      fc.double({ min: 0.1, max: 50, noNaN: true }),
      (drawn, rho) => {
        const all = drawn.map(({ outcome, day }): OracleDecision => ({
          outcome,
          closedOn: `day ${day}`,
          week: `week ${Math.floor(day / 7)}`,
        }));
        const mean = drawn.reduce((sum, { outcome }) => sum + outcome, 0) / drawn.length;
        const mine = drawn.flatMap(({ mine }, row) => mine ? [row] : []);
        const dayMean = (day: number): number => {
          const alike = drawn.filter((other) => other.day === day);
          return alike.reduce((sum, { outcome }) => sum + outcome, 0) / alike.length;
        };
        const logE = logEvidenceOf(
          {
            dayDeviations: Float64Array.from(drawn, ({ outcome, day }) => outcome - dayMean(day)),
            days: Int32Array.from(drawn, ({ day }) => day),
            dayCount: 21,
            weekDeviations: Float64Array.from(drawn, ({ outcome }) => outcome - mean),
            weeks: Int32Array.from(drawn, ({ day }) => Math.floor(day / 7)),
            weekCount: 3,
          },
          Uint32Array.from(mine),
          rho,
        );
        assertAlmostEquals(logE, Math.log(evidenceByBruteForce(all, mine, mean, rho)), 1e-10);
      },
    ),
  );
});

Deno.test("what is proven is chosen by its weight and its rank, by hand", () => {
  // 10 tests: 1 of depth 0, 4 of 1, 5 of 2 pairs: D = 3, w = 10/3, 10/12, 10/15. Level 0.1: k = 1 asks for 100, 2 for 50.
  const tests = [1, 4, 5, 0, 0];
  const candidate = (e: number, depth: number): { logE: number; depth: number } => ({
    logE: Math.log(e),
    depth,
  });
  // 31 · 10/3 = 103.3.
  assertEquals(selectProven([candidate(31, 0), candidate(31, 1)], tests, 0.1), [true, false]);
  // 20 · 10/3 = 66.7 and 61 · 10/12 = 50.8: neither reaches 100, both 50. 45 · 10/15 = 30 is below 33.3, 51 · 10/15 = 34 not.
  const two = [candidate(61, 1), candidate(20, 0)];
  assertEquals(selectProven([...two, candidate(45, 2)], tests, 0.1), [true, true, false]);
  assertEquals(selectProven([...two, candidate(51, 2)], tests, 0.1), [true, true, true]);
  // 59 · 10/12 = 49.2 does not.
  assertEquals(selectProven([candidate(59, 1), candidate(20, 0)], tests, 0.1), [false, false]);
  assertEquals(selectProven([], tests, 0.1), []);
});

Deno.test("what is proven is what trying every k gives, deep scopes being of one class", () => {
  const test = fc.record({
    e: fc.double({ min: -3, max: 9, noNaN: true }).map(Math.exp),
    depth: fc.integer({ min: 0, max: 7 }),
  });
  assertEquals([0, 1, 3, 4, 5, 9].map(depthClass), [0, 1, 3, 4, 4, 4]);
  fc.assert(
    fc.property(fc.array(test, { maxLength: 40 }), fc.constantFrom(0.05, 0.1, 0.5), (tests, level) => {
      const classes = [0, 0, 0, 0, 0];
      for (const { depth } of tests) classes[depthClass(depth)] = (classes[depthClass(depth)] ?? 0) + 1;
      const proven = selectProven(
        tests.map(({ e, depth }) => ({ logE: Math.log(e), depth })),
        classes,
        level,
      );
      assertEquals(proven.flatMap((is, place) => is ? [place] : []), provenByBruteForce(tests, level));
    }),
  );
});

Deno.test("evidence beyond all doubles is compared as well", () => {
  assertEquals(selectProven([{ logE: 5000, depth: 1 }, { logE: -5000, depth: 1 }], [0, 2], 0.1), [
    true,
    false,
  ]);
});

Deno.test("a level or a depth that cannot be is refused", () => {
  assertThrows(() => selectProven([], [1], 0), RangeError, "got 0");
  assertThrows(() => selectProven([{ logE: 0, depth: 9 }], [1, 1, 1, 1, 0], 0.1), RangeError, "9 pairs");
});
