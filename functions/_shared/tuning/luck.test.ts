/**
 * What tuning makes of luck, and of a gate that is wrong: whole runs, from windows with scopes through every slice to the
 * moves that stand up among all lessons.
 */

import { assert } from "@std/assert/mod.js";
import { mersenne } from "pure-rand/generator/mersenne";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { prepare } from "../slices/mod.ts";
import { largestBeyondLuck } from "./materialize.ts";
import { mineTuningGroup } from "./mine_group.ts";
import { GateSimulator } from "./simulate.ts";
import type { SimulationSettings } from "./settings.ts";
import { columnsOf, PASSING, type Window } from "../../../scripts/testing/tuning/windows.ts";
import type { TuningWindows } from "./windows.ts";

/** Enough to notice a test that has gone soft. */
const RUNS = 40;
const SETTINGS: SimulationSettings = {
  min_ratio: 2,
  min_gain: 3,
  cautious_dodge_rate: 0.9,
  cautious_ratio: 4,
  confirm: true,
};
const DIMENSIONS = [3, 4, 2, 3, 5, 2];

type Draw = () => number;

function drawWith(seed: number): Draw {
  const generator = mersenne(seed);
  return () => uniformFloat64(generator);
}

/** Scores spread around thresholds; what passes is acted on. `successRate` may look at all of it. */
function drawWindows(n: number, draw: Draw, successRate: (window: Window) => number): Window[] {
  return Array.from({ length: n }, () => {
    const seen: Window = {
      ...PASSING,
      acted: false,
      outcome: "neutral",
      ts: 0.45 + 0.4 * draw(),
      halo: 1.3 * draw(),
      slope: 0.008 + 0.01 * draw(),
      half: draw() < 0.5 ? 0 : 1,
    };
    const acted = seen.ts >= seen.tsMin && seen.halo <= seen.haloMax && seen.slope >= seen.slopeMin;
    return { ...seen, acted, outcome: draw() < successRate({ ...seen, acted }) ? "success" : "failure" };
  });
}

/** How many lessons there are, and the moves that stand up among them, as steps of ts, halo and slope. */
function run(windows: readonly Window[], draw: Draw): { lessons: number; moves: (readonly number[])[] } {
  const columns = columnsOf(windows);
  const tuning: TuningWindows = {
    ...columns,
    looksBackTo: null,
    occurredAt: new Float64Array(columns.rows),
    dimensions: DIMENSIONS.map((cardinality, bit) => ({
      bit,
      name: `d${bit}`,
      cardinality,
      dictionary: Array.from({ length: cardinality }, (_, value) => value + 1),
      values: Array.from({ length: cardinality }, (_, value) => `v${value}`),
      codes: Int32Array.from({ length: columns.rows }, () => 1 + Math.floor(draw() * cardinality)),
    })),
  };
  const step = mineTuningGroup(
    tuning,
    { n_min: 33, selection: "distinct", max_lessons_per_group: 5000 },
    null,
    () => false,
  );
  if (!("lessons" in step)) throw new Error("The run paused although nobody asked it to");
  const enumeration = prepare({
    rows: tuning.rows,
    dimensions: tuning.dimensions,
    measures: [],
    minSupport: 1,
    selection: "exhaustive",
  });
  const simulator = new GateSimulator(columns);
  const simulations = step.lessons.map(({ scope, stats }) => {
    const conjunction = Int32Array.from(
      tuning.dimensions,
      ({ name, values }) => 1 + values.indexOf(scope[name] ?? ""),
    );
    return simulator.simulate(enumeration.rowsOf(conjunction), stats.dr, SETTINGS);
  });
  const pValues = Float64Array.from(simulations, ({ confirmation }) => confirmation?.pValue ?? 1);
  const largest = largestBeyondLuck(pValues, 0.1) ?? -1;
  const moves = simulations.flatMap(({ verdict, candidate }, i) =>
    verdict === "move" && candidate !== null && pValues[i]! <= largest ? [candidate.steps] : []
  );
  return { lessons: simulations.length, moves };
}

for (const n of [33, 60, 150, 500]) {
  Deno.test(`Of ${n} windows whose outcomes are luck, at most one run in ten makes an override`, () => {
    const draw = drawWith(n);
    let runsWithMoves = 0;
    let lessons = 0;
    for (let i = 0; i < RUNS; i++) {
      const found = run(drawWindows(n, draw, () => 0.5), draw);
      lessons += found.lessons;
      if (found.moves.length > 0) runsWithMoves++;
    }
    // Three standard deviations of a share of one in ten on top, so that the canary does not cry at its own luck.
    const allowed = RUNS * 0.1 + 3 * Math.sqrt(RUNS * 0.09);
    const said = `${runsWithMoves} of ${RUNS} runs with ${Math.round(lessons / RUNS)} lessons each`;
    assert(runsWithMoves <= allowed, said);
  });
}

Deno.test("A gate that is too strict is found in at least nine runs of ten at 500 windows", () => {
  const draw = drawWith(1);
  let found = 0;
  for (let i = 0; i < RUNS; i++) {
    // Just below the bar for ts, a sixth of all windows, nine of ten that the PM skips for it would have done well.
    const windows = drawWindows(500, draw, ({ ts, tsMin, halo, haloMax, slope, slopeMin }) => {
      const onlyTsFails = ts < tsMin && halo <= haloMax && slope >= slopeMin;
      return onlyTsFails && ts >= tsMin - 0.1 ? 0.9 : 0.5;
    });
    if (run(windows, draw).moves.some(([ts]) => ts! > 0)) found++;
  }
  assert(found >= 0.9 * RUNS, `Found in ${found} of ${RUNS} runs`);
});

Deno.test("Gates that are right are left where they are", () => {
  const draw = drawWith(2);
  let moved = 0;
  for (let i = 0; i < RUNS; i++) {
    const windows = drawWindows(500, draw, ({ acted }) => acted ? 0.7 : 0.3);
    if (run(windows, draw).moves.length > 0) moved++;
  }
  assert(moved <= RUNS * 0.1 + 3 * Math.sqrt(RUNS * 0.09), `Moved in ${moved} of ${RUNS} runs`);
});
