import { assert, assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import fc from "fast-check";
import { cases } from "../../../scripts/testing/lanes.ts";
import { binomialUpperTail } from "../statistics/binomial.ts";
import { quantile } from "../statistics/quantile.ts";
import { MOVES } from "./gates.ts";
import { costOf, gainOf, GateSimulator, ratioOf, type Simulation } from "./simulate.ts";
import type { SimulationSettings } from "./settings.ts";
import {
  allRows,
  columnsOf,
  dodgeRateOf,
  PASSING,
  type Window,
} from "../../../scripts/testing/tuning/windows.ts";

const SETTINGS: SimulationSettings = {
  min_ratio: 2,
  min_gain: 3,
  cautious_dodge_rate: 0.9,
  cautious_ratio: 4,
  confirm: false,
};

function simulate(windows: readonly Window[], settings: SimulationSettings = SETTINGS): Simulation {
  const columns = columnsOf(windows);
  return new GateSimulator(columns).simulate(allRows(columns), dodgeRateOf(windows), settings);
}

const times = (n: number, window: Window): Window[] => Array.from({ length: n }, () => window);
/** Skipped for its halo alone; one step of 0.1 would have let it in. */
const tooFar = (outcome: Window["outcome"]): Window => ({ ...PASSING, acted: false, outcome, halo: 1.05 });
/** Skipped with every gate open: no move of a gate changes it. */
const elsewhere = (outcome: Window["outcome"]): Window => ({ ...PASSING, acted: false, outcome });

Deno.test("Every combination that moves something is a move, each once", () => {
  assertEquals(MOVES.length, 124);
  assertEquals(new Set(MOVES.map(({ steps }) => steps.join())).size, 124);
});

Deno.test("Equal moves are preferred by gates, steps, ts before halo before slope, then tightness", () => {
  const order = (...moves: readonly string[]): void => {
    const places = moves.map((move) => MOVES.findIndex(({ steps }) => steps.join() === move));
    assertEquals(places, places.toSorted((a, b) => a - b), moves.join(" before "));
    assert(!places.includes(-1));
  };
  order("2,0,0", "1,1,0");
  order("0,0,1", "2,0,0");
  order("1,0,0", "0,-1,0", "0,0,-1");
  order("-1,0,0", "1,0,0");
  order("1,1,0", "-1,0,-1", "0,-1,-1");
  order("-2,0,-1", "2,0,-1");
  order("1,2,0", "2,1,0");
});

Deno.test("Five misses caught for one failure added is taken, and it is the halo that moves", () => {
  const found = simulate([...times(5, tooFar("success")), tooFar("failure")]);
  assertEquals(found.verdict, "move");
  assertEquals(found.candidate?.steps, [0, 1, 0]);
  assertEquals(found.candidate?.tally, {
    caughtSuccesses: 5,
    droppedFailures: 0,
    caughtFailures: 1,
    droppedSuccesses: 0,
  });
  assertEquals(found.confirmation, null);
  // Nothing was acted on, so only looser halos by one step are of use.
  assertEquals([found.tested, found.skipped], [1, 123]);
});

Deno.test("Four for three is not taken, and the answer says how close it was", () => {
  const found = simulate([...times(4, tooFar("success")), ...times(3, tooFar("failure"))]);
  assertEquals(found.verdict, "ratio");
  assertEquals(found.candidate?.steps, [0, 1, 0]);
  assertAlmostEquals(ratioOf(found.candidate?.tally ?? assertNever()), 4 / 3);
});

Deno.test("A dodge rate of 0.918 asks for a ratio of four before a gate is loosened", () => {
  // 5 of 61 skipped windows were misses: 56 / 61 = 0.918.
  const dodged = [
    ...times(5, tooFar("success")),
    ...times(2, tooFar("failure")),
    ...times(54, elsewhere("failure")),
  ];
  assertAlmostEquals(dodgeRateOf(dodged) ?? NaN, 0.918, 5e-4);
  assertEquals(simulate(dodged).verdict, "ratio");
  assertEquals(simulate(dodged).candidate?.requiredRatio, 4);

  const clearer = [...times(5, tooFar("success")), tooFar("failure"), ...times(55, elsewhere("failure"))];
  assertEquals(simulate(clearer).verdict, "move");
});

Deno.test("Tightening needs no caution where the dodge rate is high", () => {
  const barely = (outcome: Window["outcome"]): Window => ({ ...PASSING, acted: true, outcome, ts: 0.62 });
  const windows = [
    ...times(6, barely("failure")),
    ...times(3, barely("success")),
    ...times(50, elsewhere("failure")),
  ];
  const found = simulate(windows);
  assertEquals(found.verdict, "move");
  assertEquals(found.candidate?.steps, [-1, 0, 0]);
  assertEquals(found.candidate?.tally, {
    caughtSuccesses: 0,
    droppedFailures: 6,
    caughtFailures: 0,
    droppedSuccesses: 3,
  });
});

Deno.test("No cost counts as one", () => {
  const found = simulate(times(3, tooFar("success")));
  assertEquals(found.verdict, "move");
  assertEquals(ratioOf(found.candidate?.tally ?? assertNever()), 3);
});

Deno.test("A gain of two is too little", () => {
  const found = simulate(times(2, tooFar("success")));
  assertEquals(found.verdict, "gain");
  assertEquals(found.candidate?.tally.caughtSuccesses, 2);
});

Deno.test("A window that something else blocked is not caught by moving gates", () => {
  assertEquals(simulate(times(9, { ...tooFar("success"), otherwiseBlocked: true })).verdict, "nothing");
});

Deno.test("Windows without thresholds and neutral windows change nothing", () => {
  const missing = {
    ...tooFar("success"),
    ts: NaN,
    tsMin: NaN,
    halo: NaN,
    haloMax: NaN,
    slope: NaN,
    slopeMin: NaN,
  };
  const found = simulate([...times(9, missing), ...times(9, tooFar("neutral"))]);
  assertEquals([found.verdict, found.tested, found.candidate], ["nothing", 0, null]);
});

Deno.test("A move that was chosen on one half is confirmed or refuted on the other", () => {
  const half = (n: number, outcome: Window["outcome"]): Window[] => times(n, { ...tooFar(outcome), half: 1 });
  const chosen = [...times(5, tooFar("success")), tooFar("failure")];
  const confirm = { ...SETTINGS, confirm: true };

  const confirmed = simulate([...chosen, ...half(8, "success"), ...half(1, "failure")], confirm);
  assertEquals(confirmed.verdict, "move");
  assertEquals(confirmed.candidate?.tally.caughtSuccesses, 5);
  assertEquals(confirmed.confirmation?.tally.caughtSuccesses, 8);
  // 8 or more heads of 9: (9 + 1) / 512.
  assertAlmostEquals(confirmed.confirmation?.pValue ?? NaN, 10 / 512);

  const refuted = simulate([...chosen, ...half(3, "success"), ...half(2, "failure")], confirm);
  assertEquals(refuted.verdict, "confirmation");
  const unseen = simulate(chosen, confirm);
  assertEquals([unseen.verdict, unseen.confirmation?.pValue], ["confirmation", 1]);
  assertEquals(simulate(half(9, "success"), confirm).verdict, "nothing");
});

Deno.test("The median threshold of a gate is that of the windows with thresholds", () => {
  const at = (haloMax: number): Window => ({ ...tooFar("success"), haloMax });
  const missing = { ...tooFar("success"), tsMin: NaN, haloMax: NaN, slopeMin: NaN };
  const simulator = new GateSimulator(columnsOf([at(1.2), at(1), at(5), at(1), missing, at(-1)]));
  assertAlmostEquals(simulator.medianThreshold(Uint32Array.of(0, 1, 2, 3, 4), 1) ?? NaN, 1.1);
  assertEquals(simulator.medianThreshold(Uint32Array.of(0, 1, 2, 3, 4, 5), 1), 1);
  assertEquals(simulator.medianThreshold(Uint32Array.of(5), 1), -1);
  assertEquals(simulator.medianThreshold(Uint32Array.of(4), 1), null);
  assertEquals(simulator.medianThreshold(Uint32Array.of(0, 1), 0), 0.6);
  assertEquals(simulator.medianThreshold(Uint32Array.of(0, 1), 2), 0.01);
});

Deno.test("The median threshold is what sorting gives", () => {
  const thresholds = fc.array(fc.constantFrom(-0.5, 0, 0.3, 0.6, 0.61, 0.7), { minLength: 1, maxLength: 30 });
  fc.assert(fc.property(thresholds, (values) => {
    const columns = columnsOf(values.map((tsMin) => ({ ...tooFar("success"), tsMin })));
    assertAlmostEquals(
      new GateSimulator(columns).medianThreshold(allRows(columns), 0) ?? NaN,
      quantile(Float64Array.from(values), 0.5),
    );
  }));
});

Deno.test("Every combination on every window leads to the same move, gain and cost", () => {
  // Scores on a coarse grid make ties common; thresholds vary within a lesson.
  const window = (half: boolean): fc.Arbitrary<Window> =>
    fc.record({
      acted: fc.boolean(),
      outcome: fc.constantFrom<Window["outcome"]>("success", "success", "failure", "failure", "neutral"),
      ts: fc.oneof(
        { weight: 20, arbitrary: fc.integer({ min: 48, max: 72 }).map((v) => v / 100) },
        fc.constant(NaN),
      ),
      tsMin: fc.constantFrom(0.6, 0.6, 0.55),
      halo: fc.integer({ min: 80, max: 130 }).map((v) => v / 100),
      haloMax: fc.constantFrom(1, 1, 1.1),
      slope: fc.integer({ min: -25, max: 40 }).map((v) => v / 10_000),
      slopeMin: fc.constantFrom(0, 0, 0.001),
      otherwiseBlocked: fc.constantFrom(false, false, false, false, true),
      half: half ? fc.constantFrom<0 | 1>(0, 1) : fc.constant<0>(0),
    }).map((drawn) => Number.isNaN(drawn.ts) ? { ...drawn, tsMin: NaN } : drawn);
  const lesson = fc.oneof(
    fc.array(window(false), { maxLength: 60 }),
    fc.array(window(true), { minLength: 20, maxLength: 150 }),
    // Gates that are mostly wrong.
    fc.array(
      window(true).map((drawn): Window => ({ ...drawn, outcome: drawn.acted ? "failure" : "success" })),
      {
        maxLength: 40,
      },
    ).chain((wrong) => fc.array(window(true), { maxLength: 20 }).map((other) => [...wrong, ...other])),
    // One-sided: nothing skipped, nothing acted, nothing but success.
    fc.array(window(true).map((drawn) => ({ ...drawn, acted: true })), { maxLength: 60 }),
    fc.array(window(true).map((drawn) => ({ ...drawn, acted: false, otherwiseBlocked: false })), {
      maxLength: 60,
    }),
    fc.array(window(true).map((drawn): Window => ({ ...drawn, outcome: "success" })), { maxLength: 60 }),
  );
  const settings = fc.record({
    min_ratio: fc.constantFrom(0.5, 1, 2),
    min_gain: fc.constantFrom(0, 1, 3),
    cautious_dodge_rate: fc.constantFrom(0.5, 0.9),
    cautious_ratio: fc.constantFrom(2, 4),
    confirm: fc.boolean(),
  });
  let moves = 0;
  fc.assert(
    fc.property(lesson, settings, (windows, asked) => {
      const found = simulate(windows, asked);
      const expected = tryEverything(windows, asked);
      assertEquals(found.verdict === "move" || found.verdict === "confirmation", expected !== null);
      if (expected === null || found.candidate === null) return;
      moves++;
      assertEquals(found.candidate.steps, expected.steps);
      assertEquals([gainOf(found.candidate.tally), costOf(found.candidate.tally)], [
        expected.gain,
        expected.cost,
      ]);
      assertEquals(found.tested + found.skipped, 124);
      if (!asked.confirm) return;
      assertEquals(found.verdict === "move", expected.confirmed);
      assertAlmostEquals(found.confirmation?.pValue ?? NaN, expected.pValue);
    }),
    { numRuns: cases(4_000) },
  );
  assert(moves > cases(1_000), `Only ${moves} of the lessons had a move to compare`);
});

Deno.test("Which lesson the windows belong to is told by rows alone", () => {
  const windows = [
    ...times(5, tooFar("success")),
    ...times(5, elsewhere("failure")),
    ...times(5, tooFar("failure")),
  ];
  const simulator = new GateSimulator(columnsOf(windows));
  const first = simulator.simulate(Uint32Array.from([0, 1, 2, 3, 4, 5, 6]), null, SETTINGS);
  assertEquals(first.verdict, "move");
  assertEquals(simulator.simulate(Uint32Array.from([0, 1, 10, 11]), null, SETTINGS).verdict, "gain");
  assertEquals(simulator.simulate(Uint32Array.from([0, 1, 2, 3, 4, 5, 6]), null, SETTINGS), first);
});

interface Tried {
  readonly steps: readonly [number, number, number];
  readonly gain: number;
  readonly cost: number;
  readonly confirmed: boolean;
  readonly pValue: number;
}

/** The definition itself: every combination on every window, one after the other. */
function tryEverything(all: readonly Window[], asked: SimulationSettings): Tried | null {
  const complete = all.filter((window) => !Number.isNaN(window.tsMin) && window.outcome !== "neutral");
  const chosenOn = asked.confirm ? complete.filter(({ half }) => half === 0) : complete;
  const dodgeRate = dodgeRateOf(all);

  const passes = (window: Window, [ts, halo, slope]: readonly [number, number, number]): boolean =>
    window.ts >= window.tsMin + -ts * 0.05 && window.halo <= window.haloMax + halo * 0.1 &&
    window.slope >= window.slopeMin + -slope * 0.001;
  const count = (windows: readonly Window[], steps: readonly [number, number, number]): [number, number] => {
    let gain = 0;
    let cost = 0;
    for (const window of windows) {
      const recorded = passes(window, [0, 0, 0]);
      const moved = passes(window, steps);
      if (!window.acted && !recorded && moved && !window.otherwiseBlocked) {
        if (window.outcome === "success") gain++;
        else cost++;
      }
      if (window.acted && recorded && !moved) {
        if (window.outcome === "failure") gain++;
        else cost++;
      }
    }
    return [gain, cost];
  };

  const anyActedFailure = chosenOn.some(({ acted, outcome }) => acted && outcome === "failure");
  const tried: (Tried & { readonly key: readonly number[] })[] = [];
  for (const ts of [-2, -1, 0, 1, 2]) {
    for (const halo of [-2, -1, 0, 1, 2]) {
      for (const slope of [-2, -1, 0, 1, 2]) {
        const steps = [ts, halo, slope] as const;
        if (steps.every((step) => step === 0)) continue;
        // Loosening that no miss needs is no better than doing without, so that trying it changes nothing here.
        if (!anyActedFailure && steps.some((step) => step < 0)) continue;
        const [gain, cost] = count(chosenOn, steps);
        const loosens = steps.some((step) => step > 0);
        const required = loosens && dodgeRate !== null && dodgeRate >= asked.cautious_dodge_rate
          ? asked.cautious_ratio
          : asked.min_ratio;
        const ratio = gain / Math.max(cost, 1);
        if (gain < Math.max(asked.min_gain, 1) || ratio < required) continue;
        const [heldGain, heldCost] = count(complete.filter(({ half }) => half === 1), steps);
        tried.push({
          steps,
          gain,
          cost,
          confirmed: heldGain / Math.max(heldCost, 1) >= required,
          pValue: binomialUpperTail(heldGain, heldGain + heldCost),
          key: [
            -ratio,
            steps.filter((step) => step !== 0).length,
            steps.reduce<number>((sum, step) => sum + Math.abs(step), 0),
            ts === 0 ? 1 : 0,
            halo === 0 ? 1 : 0,
            slope === 0 ? 1 : 0,
            ts + halo + slope,
            ts,
            halo,
            slope,
          ],
        });
      }
    }
  }
  tried.sort((a, b) => {
    for (const [i, part] of a.key.entries()) if (part !== b.key[i]) return part - b.key[i]!;
    return 0;
  });
  return tried[0] ?? null;
}

function assertNever(): never {
  throw new Error("Expected a candidate");
}
