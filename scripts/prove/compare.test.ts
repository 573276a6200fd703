/** Figures of ways, held against sums written out by hand or taken one by one. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { Random } from "../sample/random.ts";
import { type Answer, earnedBy, figuresOf, movement, promisesOf, waysOf } from "./compare.ts";

const DAY = 86_400_000;
const START = Date.UTC(2024, 0, 1);

function drawAnswers(n: number): Answer[] {
  const random = new Random(12);
  return Array.from({ length: n }, (_, i): Answer => {
    const strengths = [0, 1, 2, 3].map(() => 0.7 + 0.6 * random.uniform());
    const raw = 0.1 + 0.5 * random.uniform();
    const skew = 0.33 + random.uniform();
    return {
      module: "pm",
      pattern_key: random.pick([["pm.a", 1], ["pm.b", 1]]),
      action_category: random.pick([["entry", 2], ["add", 1]]),
      timeframe: random.pick([["1h", 1], ["4h", 1]]),
      at: START + i * DAY,
      mode: "posture",
      raw,
      sizes: strengths.map((strength) => raw * strength),
      crowded: [...strengths, 1].map((strength) => raw * strength * skew),
      outcome: random.chance(0.1) ? null : random.normal(),
      share: 0.5 + random.uniform(),
      promised: 0.1 * random.normal(),
    };
  });
}

Deno.test("every way's figures are those of taking its decisions one by one", () => {
  const answers = drawAnswers(300);
  const { ways } = figuresOf(waysOf(answers, []), answers, answers);
  assertEquals(ways.map(({ name }) => name), [
    "base",
    "equal",
    "trailing",
    "allocation",
    "exposure alone",
    "posture",
    "posture + exposure",
    "multiplier",
    "multiplier + exposure",
    "edge_weighted",
    "edge_weighted + exposure",
    "calibrated",
    "calibrated + exposure",
  ]);
  const known = answers.filter(({ outcome }) => outcome !== null);
  const sizeOf: Readonly<Record<string, (answer: Answer) => number>> = {
    base: ({ raw }) => raw,
    equal: () => 1,
    trailing: ({ raw }) => raw,
    allocation: ({ raw, share }) => raw * (share ?? NaN),
    "exposure alone": ({ crowded }) => crowded[4] ?? NaN,
    multiplier: ({ sizes }) => sizes[1] ?? NaN,
    "calibrated + exposure": ({ crowded }) => crowded[3] ?? NaN,
  };
  for (const [name, size] of Object.entries(sizeOf)) {
    const way = ways.find((one) => one.name === name);
    let [earned, capital, won, lost] = [0, 0, 0, 0];
    const weeks = new Array<number>(Math.ceil(300 / 7)).fill(0);
    for (const answer of known) capital += size(answer);
    for (const answer of known) {
      const result = size(answer) * (answer.outcome ?? NaN);
      earned += result;
      if (result > 0) won += result;
      else lost -= result;
      // The first day is a Monday.
      const week = Math.floor((answer.at - START) / (7 * DAY));
      weeks[week] = (weeks[week] ?? NaN) + result / capital;
    }
    assertAlmostEquals(way?.roi.per_unit ?? NaN, earned / capital, 1e-12, name);
    assertAlmostEquals(way?.profit_factor ?? NaN, won / lost, 1e-9, name);
    const mean = weeks.reduce((sum, value) => sum + value, 0) / weeks.length;
    const variance = weeks.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (weeks.length - 1);
    assertAlmostEquals(way?.sharpe ?? NaN, mean / Math.sqrt(variance), 1e-9, name);
    const downside = Math.sqrt(weeks.reduce((sum, value) => sum + Math.min(0, value) ** 2, 0) / weeks.length);
    assertAlmostEquals(way?.sortino ?? NaN, mean / downside, 1e-9, name);
    let drawdown = 0;
    const levels = weeks.map((_, last) => weeks.slice(0, last + 1).reduce((sum, value) => sum + value, 0));
    for (const [i, level] of levels.entries()) {
      for (const before of [0, ...levels.slice(0, i)]) drawdown = Math.max(drawdown, before - level);
    }
    assertAlmostEquals(way?.drawdown ?? NaN, drawdown, 1e-9, name);
  }
});

Deno.test("trailing sizes are the base times what its timeframe did better than all", () => {
  // 50 closes of 1 on the hour and 50 of 0 on four: mean ½, σ ½, so 1 ± 50/100 · ½ / ½.
  const closes = Array.from({ length: 100 }, (_, i) => ({
    timeframe: i % 2 === 0 ? "1h" : "4h",
    exitAt: START - DAY,
    knownAt: START - DAY,
    outcome: i % 2 === 0 ? 1 : 0,
  }));
  const answers = drawAnswers(30);
  const trailing = waysOf(answers, closes).find(({ name }) => name === "trailing");
  for (const [i, { raw, timeframe }] of answers.entries()) {
    assertAlmostEquals(trailing?.sizes[i] ?? NaN, raw * (timeframe === "1h" ? 1.5 : 0.5), 1e-12);
  }
});

Deno.test("sizes that depend on key and timeframe alone are a level and nothing else", () => {
  const answers = drawAnswers(200).map((answer): Answer => ({ ...answer, raw: 0.5 }));
  const tilted = Float64Array.from(answers, ({ pattern_key }) => pattern_key === "pm.a" ? 0.8 : 0.4);
  const { uplift, level } = earnedBy(tilted, answers);
  if (uplift === null) throw new Error("Nothing was earned");
  assert(Math.abs(uplift.difference) > 1e-6);
  assertAlmostEquals(level?.difference ?? NaN, uplift.difference, 1e-12);
  assertAlmostEquals(level?.low ?? NaN, uplift.low ?? NaN, 1e-12);
});

Deno.test("movement is the share of sizes that differ and the deviation of their factors", () => {
  const { moved, spread } = movement(Float64Array.of(0.5, 0.6, 0.4, 0.5), new Float64Array(4).fill(0.5));
  assertEquals(moved, 0.5);
  // Factors 1, 1.2, 0.8, 1.
  assertAlmostEquals(spread, Math.sqrt(0.08 / 4), 1e-12);
});

Deno.test("what is realised is what was earned more than the category did", () => {
  const answers = drawAnswers(100).map((answer): Answer => ({
    ...answer,
    promised: answer.pattern_key === "pm.a" ? 0.1 : -0.1,
    outcome: (answer.pattern_key === "pm.a" ? 0.05 : -0.05) + (answer.action_category === "add" ? 7 : 0),
  }));
  // Keys are not evenly spread over categories, which moves the means a little.
  assertAlmostEquals(promisesOf(answers).slope ?? NaN, 0.5, 0.02);
});
