import { assert, assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { normal } from "../../../scripts/testing/lessons/groups.ts";
import { uniform } from "../../../scripts/testing/slices/oracle.ts";
import { type ExperimentColumns, experimentOf } from "./uplift.ts";

const WEEK_MS = 7 * 86_400_000;
/** A Monday. */
const START = Date.UTC(2024, 0, 1);

/** Rows of week, outcome, size, strength, and whether it is held out. */
function columnsOf(rows: readonly (readonly [number, number, number, number, boolean])[]): ExperimentColumns {
  return {
    outcomes: Float64Array.from(rows, ([, outcome]) => outcome),
    sizes: Float64Array.from(rows, ([, , size]) => size),
    strengths: Float64Array.from(rows, ([, , , strength]) => strength),
    heldOut: Int32Array.from(rows, ([, , , , held]) => held ? 1 : 0),
    actedAt: Float64Array.from(rows, ([week]) => START + week * WEEK_MS),
  };
}

Deno.test("an experiment's difference, evidence and promise are what a calculation by hand gives", () => {
  const found = experimentOf(
    columnsOf([
      [0, 0.1, 3, 1.5, false],
      [0, -0.1, 1, 0.5, false],
      [0, 0.1, 1, 1.5, true],
      [0, -0.1, 1, 0.5, true],
      [1, 0.1, 2, 1, false],
      [1, -0.1, 2, 1, true],
    ]),
    10,
  );
  // Learned: (0.3 − 0.1 + 0.2)/6; held out: (0.1 − 0.1 − 0.2)/4.
  assertAlmostEquals(found.difference ?? NaN, 0.4 / 6 + 0.2 / 4, 1e-12);
  // Weeks: (0.05 − 0) · 2 · 2/4 = 0.05 and (0.1 + 0.1) · 1/2 = 0.1. S = 0.15, V = 0.0125, ρ = 10 · 0.01 = 0.1.
  assertAlmostEquals(found.eValue, Math.sqrt(0.1 / 0.1125) * Math.exp(0.0225 / 0.225), 1e-9);
  // Strengths 1.5, 0.5, 1.5, 0.5, 1, 1: mean 1, variance 1/6.
  assertAlmostEquals(found.promised ?? NaN, 1 / 6, 1e-12);
  assertEquals([found.learned, found.heldOut, found.weeks], [3, 3, 2]);
});

Deno.test("while an arm has no decision nothing is told", () => {
  const none = { difference: null, low: null, high: null, eValue: 1, weeksToKnow: null };
  assertEquals(experimentOf(columnsOf([]), 33), {
    learned: 0,
    heldOut: 0,
    weeks: 0,
    promised: null,
    ...none,
  });
  const alone = experimentOf(columnsOf([[0, 0.1, 1, 1, false], [1, 0.2, 1, 1, false]]), 33);
  assertEquals({ ...alone, promised: null }, { learned: 2, heldOut: 0, weeks: 2, promised: null, ...none });
});

/** Two years of ten decisions a week, half held out; learning enlarges what does better by so much. */
function experiment(seed: number, effect: number): ExperimentColumns {
  const random = uniform(seed);
  const draw = normal(random);
  return columnsOf(
    Array.from({ length: 1_040 }, (_, i) => {
      const good = random() < 0.5 ? 1 : -1;
      const held = random() < 0.5;
      const strength = 1 + 0.5 * good;
      return [Math.floor(i / 10), effect * good + draw() * 0.1, held ? 1 : strength, strength, held] as const;
    }),
  );
}

Deno.test("sizes that follow what does better are seen to pay, and what is luck is not", () => {
  let covered = 0;
  let refuted = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const luck = experimentOf(experiment(seed, 0), 33);
    if ((luck.low ?? 1) <= 0 && (luck.high ?? -1) >= 0) covered++;
    if (luck.eValue >= 20) refuted++;
  }
  assert(covered >= 17, `${covered} of 20 intervals of luck hold 0`);
  assertEquals(refuted, 0);
  const paying = experimentOf(experiment(1, 0.1), 33);
  assert((paying.low ?? 0) > 0 && paying.eValue > 20, JSON.stringify(paying));
  // 0.1 · 0.5 more of each unit: 0.05 ± 0.02.
  assertAlmostEquals(paying.difference ?? NaN, 0.05, 0.02);
});

Deno.test("how long it will take follows the error and what is promised", () => {
  const { low, high, promised, weeks, weeksToKnow } = experimentOf(experiment(3, 0.02), 33);
  const error = ((high ?? NaN) - (low ?? NaN)) / (2 * 1.96);
  const expected = (2.8 * error / (promised ?? NaN)) ** 2 * weeks;
  assert(
    Math.abs((weeksToKnow ?? NaN) - expected) <= Math.max(1, expected * 0.15),
    `${weeksToKnow}, ${expected}`,
  );
});
