import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import fc from "fast-check";
import { packDecisions, randomDecisions } from "../../../scripts/testing/belief/calibration_groups.ts";
import {
  calibrateByBruteForce,
  calibratedStrength,
  type OracleDecision,
  type OracleInput,
  workedExample,
} from "../../../scripts/testing/belief/calibration_oracle.ts";
import { uniform } from "../../../scripts/testing/slices/oracle.ts";
import { calibrate, type Calibration, type CalibrationSums, memoryWeight } from "./calibration.ts";
import { type GroupEffect, measureGroupEffects } from "./group_effects.ts";

/** Effects by the names of their slices, as sizing looks them up. */
type NamedEffect = Omit<GroupEffect, "pairs"> & {
  readonly patternKey: string;
  readonly pairs: [string, string][];
};

interface Learned {
  readonly calibration: Calibration;
  readonly effects: readonly NamedEffect[];
  readonly sums: readonly CalibrationSums[];
  readonly place: number;
  readonly mean: number;
  readonly sigma: number;
}

function learn(input: OracleInput): Learned {
  const { groups, context } = packDecisions(input);
  const measured = groups.map(({ patternKey, group }) => ({
    patternKey,
    group,
    ...measureGroupEffects(group, context),
  }));
  const sums = measured.map((group) => group.sums);
  const calibration = calibrate(sums);
  return {
    calibration,
    sums,
    place: context.memories.indexOf(calibration.halfLife),
    mean: context.mean,
    sigma: context.sigma,
    effects: measured.flatMap(({ patternKey, group, effects }) =>
      effects.map((effect) => ({
        ...effect,
        patternKey,
        pairs: effect.pairs.map(({ dimension, code }): [string, string] => {
          const { name = "", values = [] } = group.dimensions[dimension] ?? {};
          return [name, values[code - 1] ?? ""];
        }),
      }))
    ),
  };
}

/** p of a candidate: ΣS/Σn of the slices that contain it. */
function expected(
  { effects, place, mean, sigma }: Learned,
  patternKey: string,
  scope: Record<string, string>,
): number {
  let [S, n] = [0, 0];
  for (const effect of effects) {
    if (effect.patternKey !== patternKey || !effect.pairs.every(([name, value]) => scope[name] === value)) {
      continue;
    }
    n += effect.n[place] ?? NaN;
    S += ((effect.total[place] ?? NaN) - (effect.n[place] ?? NaN) * mean) / sigma;
  }
  return n === 0 ? 0 : S / n;
}

const EXAMPLE: OracleInput = {
  decisions: workedExample(),
  nMin: 33,
  regimeDimensions: ["macro_phase"],
  memory: "auto",
};

Deno.test("the worked example: all of it held, and sizes move by what it says", () => {
  const learned = learn(EXAMPLE);
  const { kappa, tau2, halfLife, n, weeks, regimes } = learned.calibration;
  assertEquals([kappa, halfLife, n, weeks, regimes], [1, null, 240, 20, []]);
  assertAlmostEquals(tau2, 0.3535991091438881, 1e-12);
  assertAlmostEquals(learned.sigma, 1.1867310375799376, 1e-12);
  const strength = (scope: Record<string, string>): number =>
    calibratedStrength({
      kappa,
      p: expected(learned, "pm.uptrend.S1.retest", scope),
      fading: 1,
      byHand: 1,
      believed: [],
    });
  assertAlmostEquals(strength({ a: "y", b: "p" }), 1.2847457898765076, 1e-12);
  assertAlmostEquals(strength({ a: "x" }), 0.7181800813717099, 1e-12);
});

function assertSame(actual: number, wanted: number, what: string): void {
  assertAlmostEquals(actual, wanted, 1e-9 * Math.max(1, Math.abs(wanted)), what);
}

Deno.test("slices, their weights, κ, τ², regimes and memory are those of the plainest reading", () => {
  const seen = { memories: 0, kappas: 0, regimes: 0 };
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e6 }), (seed) => {
      const input = randomDecisions(seed);
      const wanted = calibrateByBruteForce(input);
      if (wanted === null) return;
      const learned = learn(input);
      const { calibration, effects, place } = learned;
      assertEquals(
        effects.map(({ patternKey, pairs }) => JSON.stringify([patternKey, pairs])).sort(),
        wanted.slices.map(({ patternKey, pairs }) => JSON.stringify([patternKey, pairs])).sort(),
      );
      assertEquals(calibration.halfLife, wanted.halfLife);
      for (const effect of effects) {
        const name = JSON.stringify([effect.patternKey, effect.pairs]);
        const j = wanted.slices.findIndex(({ patternKey, pairs }) =>
          JSON.stringify([patternKey, pairs]) === name
        );
        assertSame(effect.n[place] ?? NaN, wanted.effects[j]?.n ?? NaN, name);
        assertSame(effect.total[place] ?? NaN, wanted.effects[j]?.total ?? NaN, name);
      }
      assertSame(calibration.kappa, wanted.kappa, "κ");
      assertSame(calibration.tau2, wanted.tau2, "τ²");
      const { gain, least } = wanted.regimesGain;
      if (Math.abs(gain - least) > 1e-9) {
        assertEquals(calibration.regimesAct, gain > least, `${gain} ${least}`);
      }
      assertEquals(calibration.regimes.map(({ signature }) => signature), Object.keys(wanted.regimes).sort());
      for (const { signature, kappa, n, weeks, confidence } of calibration.regimes) {
        const regime = wanted.regimes[signature];
        assertEquals([n, weeks], [regime?.n, regime?.weeks]);
        assertSame(kappa, regime?.kappa ?? NaN, signature);
        assertSame(confidence, regime?.confidence ?? NaN, signature);
      }
      if (calibration.halfLife !== null) seen.memories++;
      if (calibration.kappa > 0 && calibration.kappa < 1) seen.kappas++;
      if (calibration.regimes.some(({ kappa }) => kappa !== calibration.kappa)) seen.regimes++;
    }),
    { numRuns: 40, seed: 16 },
  );
  assert(Object.values(seen).every((count) => count >= 1), JSON.stringify(seen));
});

Deno.test("groups measured in any order, and put together in any pieces, calibrate as all at once", () => {
  const seeds = fc.integer({ min: 0, max: 1e6 });
  fc.assert(
    fc.property(seeds, (seed) => {
      const input = randomDecisions(seed);
      if (new Set(input.decisions.map(({ outcome }) => outcome)).size < 5) return;
      const shuffled = input.decisions.map((decision, i) => ({ decision, at: uniform(seed + i)() }))
        .sort((a, b) => a.at - b.at).map(({ decision }) => decision);
      const [one, other] = [learn(input), learn({ ...input, decisions: shuffled })];
      const stored = JSON.parse(JSON.stringify(other.sums.toReversed()));
      const again = calibrate(stored);
      assertEquals(again.halfLife, one.calibration.halfLife);
      assertAlmostEquals(again.kappa, one.calibration.kappa, 1e-9);
      assertAlmostEquals(again.tau2, one.calibration.tau2, 1e-9);
      assertEquals([again.n, again.weeks], [one.calibration.n, one.calibration.weeks]);
      const names = ({ effects }: Learned): string[] =>
        effects.map(({ patternKey, pairs }) => JSON.stringify([patternKey, pairs])).sort();
      assertEquals(names(other), names(one));
    }),
    { numRuns: 15 },
  );
});

Deno.test("decisions of fewer than ten weeks, and slices that say nothing, keep nothing", () => {
  const nine = EXAMPLE.decisions.filter(({ week }) => week < 9);
  const told = learn({ ...EXAMPLE, decisions: nine });
  assertEquals([told.calibration.kappa, told.calibration.weeks], [0, 9]);
  assert(told.calibration.tau2 > 0.1);
  assertEquals(
    learn({ ...EXAMPLE, decisions: EXAMPLE.decisions.filter(({ week }) => week < 10) }).calibration.kappa,
    1,
  );
  const none = learn({ ...EXAMPLE, nMin: 241 });
  assertEquals([none.effects.length, none.calibration.kappa, none.calibration.tau2], [0, 0, 0]);
  assertEquals(calibrate([]), {
    kappa: 0,
    tau2: 0,
    halfLife: null,
    n: 0,
    weeks: 0,
    regimes: [],
    regimesAct: false,
  });
});

Deno.test("what was luck is not kept: the weeks of an effect that ends take κ to 0", () => {
  // The effect of `a` turns over after half of the weeks.
  const turned = EXAMPLE.decisions.map((decision): OracleDecision =>
    decision.week < 10 ? decision : { ...decision, outcome: -decision.outcome }
  );
  assertEquals(learn({ ...EXAMPLE, decisions: turned, memory: "none" }).calibration.kappa, 0);
});

/** Forty weeks of twelve decisions; the effect of `a` holds in regime up alone, or, where it `ends`, in late weeks alone. */
function regimes(ends: boolean): OracleDecision[] {
  const random = uniform(5);
  return Array.from({ length: 480 }, (_, i): OracleDecision => {
    const week = Math.floor(i / 12);
    const phase = Math.floor(week / 5) % 2 === 0 ? "up" : "down";
    const value = i % 2 === 0 ? "x" : "y";
    const holds = ends ? week >= 28 : phase === "up";
    return {
      patternKey: "k",
      scope: { a: value, macro_phase: phase },
      outcome: (holds ? value === "x" ? 1 : -1 : 0) + 2 * (random() - 0.5),
      week,
    };
  });
}

Deno.test("a regime in which the slices hold keeps more of them than one in which they do not", () => {
  const { calibration } = learn({ ...EXAMPLE, decisions: regimes(false), memory: "none" });
  const [down, up] = calibration.regimes;
  assertEquals([down?.signature, up?.signature], ["down", "up"]);
  assertEquals([down?.n, down?.weeks, up?.n, up?.weeks], [240, 20, 240, 20]);
  assert((up?.kappa ?? 0) > (down?.kappa ?? 1) + 0.1, JSON.stringify(calibration));
});

Deno.test("weights of regimes act where telling regimes apart held in weeks that were left out, and not where they are alike", () => {
  const random = uniform(7);
  const drawn = (effects: Readonly<Record<string, number>>): OracleInput => ({
    decisions: Array.from({ length: 1560 }, (_, i): OracleDecision => {
      const week = Math.floor(i / 15);
      const phase = Math.floor(week / 5) % 2 === 0 ? "up" : "down";
      const value = i % 2 === 0 ? "x" : "y";
      const gauss = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      const effect = effects[phase] ?? 0;
      return {
        patternKey: "k",
        scope: { a: value, macro_phase: phase },
        outcome: gauss + (value === "x" ? effect : -effect),
        week,
      };
    }),
    nMin: 33,
    regimeDimensions: ["macro_phase"],
    memory: "none",
  });
  for (const [effects, act] of [[{ up: 1 }, true], [{ up: 0.3, down: 0.3 }, false], [{}, false]] as const) {
    assertEquals(learn(drawn(effects)).calibration.regimesAct, act, JSON.stringify(effects));
  }
});

Deno.test("weights of regimes act from the tenth week on, as κ does", () => {
  // What slices say is borne out whole in one regime and turned round in the other, every week alike.
  const act = (weeks: number): boolean => {
    const cells = Array.from({ length: weeks }, (_, week) => week).flatMap((week) => [
      { week, regime: "up", n: 10, told: 0.5, squares: 0.5 },
      { week, regime: "down", n: 10, told: -0.5, squares: 0.5 },
    ]);
    return calibrate([{
      n: 20 * weeks,
      cells,
      memories: [{
        halfLife: null,
        told: cells.map(({ told }) => told),
        squares: cells.map(({ squares }) => squares),
        tauAbove: 0,
        tauBelow: 0,
      }],
    }]).regimesAct;
  };
  assertEquals([act(9), act(10)], [false, true]);
});

Deno.test("what a regime keeps is drawn towards what all keep, by hand", () => {
  // Ten weeks, Σp² = 4, Σpe = 2: κ = 0.5. λ = 4/2: (3 + 1)/(3 + 2) and (−1 + 1)/(1 + 2); confidence 3/5 and 1/3.
  const weeks = Array.from({ length: 10 }, (_, week) => week);
  const up = weeks.slice(4).map((week) => ({ week, regime: "up|big", n: 10, told: 0.5, squares: 0.5 }));
  const down = weeks.map((week) => ({ week, regime: "down|big", n: 3, told: -0.1, squares: 0.1 }));
  const cells = [...up, ...down, { week: 3, regime: null, n: 10, told: 0, squares: 0 }];
  const sums: CalibrationSums = {
    n: 100,
    cells,
    memories: [{
      halfLife: null,
      tauAbove: 3,
      tauBelow: 12,
      told: cells.map(({ told }) => told),
      squares: cells.map(({ squares }) => squares),
    }],
  };
  const { kappa, tau2, regimes: [falling, rising] } = calibrate([sums]);
  assertAlmostEquals(kappa, 0.5, 1e-12);
  assertEquals(tau2, 0.25);
  assertEquals([rising?.signature, rising?.n, rising?.weeks], ["up|big", 60, 6]);
  assertAlmostEquals(rising?.kappa ?? NaN, 0.8, 1e-12);
  assertAlmostEquals(rising?.confidence ?? NaN, 0.6, 1e-12);
  assertEquals([falling?.signature, falling?.n, falling?.weeks], ["down|big", 30, 10]);
  assertAlmostEquals(falling?.kappa ?? NaN, 0, 1e-12);
  assertAlmostEquals(falling?.confidence ?? NaN, 1 / 3, 1e-12);
});

Deno.test("a memory is taken where what is older misleads, and not where it does not", () => {
  const late = learn({ ...EXAMPLE, decisions: regimes(true), memory: "auto" });
  assert(late.calibration.halfLife !== null, JSON.stringify(late.calibration));
  // A decision of the newest week weighs 1, one that is a half-life older half.
  assertEquals([memoryWeight(0, 26), memoryWeight(26, 26), memoryWeight(500, null)], [1, 0.5, 1]);
  assertEquals(learn({ ...EXAMPLE, decisions: regimes(false), memory: "auto" }).calibration.halfLife, null);
});

Deno.test("groups under different memories, and weeks without a place, are refused", () => {
  const auto = learn(EXAMPLE).sums;
  const none = learn({ ...EXAMPLE, memory: "none" }).sums;
  assertThrows(() => calibrate([...auto, ...none]), RangeError, "the same memories");
  const { groups, context } = packDecisions(EXAMPLE);
  const group = groups[0]?.group;
  if (group === undefined) throw new Error("The example has no group.");
  assertThrows(
    () => measureGroupEffects(group, { ...context, calendar: Int32Array.of(0) }),
    RangeError,
    "Week 1 ",
  );
  assertThrows(() => measureGroupEffects(group, { ...context, sigma: 0 }), RangeError, "got 0");
});

/** A year of twenty decisions a week: outcomes are luck, with something added where `a` is high or low. */
function planted(seed: number, effect: number): OracleInput {
  const random = uniform(seed);
  const decisions = Array.from({ length: 1040 }, (_, i): OracleDecision => {
    const value = ["high", "none", "low"][i % 3] ?? "";
    const gauss = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const added = value === "high" ? effect : value === "low" ? -effect : 0;
    return { patternKey: "k", scope: { a: value }, outcome: gauss + added, week: Math.floor(i / 20) };
  });
  return { decisions, nMin: 33, regimeDimensions: ["macro_phase"], memory: "auto" };
}

Deno.test("an effect moves sizes to its side by at least half of what it is worth, and luck hardly at all", () => {
  // Of the decisions that contain a candidate, 347 + 1,040, 347 are 0.3 σ off: p = 0.3 · 347/1,387 = 0.075.
  const half = 0.3 * 347 / 1387 / 2;
  let moved = 0;
  const luck: number[] = [];
  for (let seed = 1; seed <= 20; seed++) {
    const found = learn(planted(seed, 0.3));
    const pull = (learned: Learned, a: string): number =>
      learned.calibration.kappa * expected(learned, "k", { a });
    if (pull(found, "high") >= half && pull(found, "low") <= -half) moved++;
    const nothing = learn(planted(seed, 0));
    luck.push(pull(nothing, "high"), pull(nothing, "none"), pull(nothing, "low"));
  }
  assert(moved >= 19, `${moved} of 20 runs moved`);
  const spread = Math.sqrt(luck.reduce((sum, pull) => sum + pull * pull, 0) / luck.length);
  assert(spread < 0.005, `Luck moves sizes by ${100 * spread} %`);
});
