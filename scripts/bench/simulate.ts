/**
 * Lessons simulated per second (README.md, "What it costs"), and how that compares with trying every
 * combination on every window.
 *
 * @module
 */

import { GATES, MOVES, RECORDED, type Steps } from "../../functions/_shared/tuning/gates.ts";
import { GateSimulator, type SimulatedWindows } from "../../functions/_shared/tuning/simulate.ts";
import type { SimulationSettings } from "../../functions/_shared/tuning/settings.ts";
import { Random } from "../sample/random.ts";
import type { BenchRow } from "./types.ts";

const WINDOWS = 200_000;
const SIZES = [33, 100, 500, 5_000, 50_000];
const MEASURED_MS = 1_000;
const SETTINGS: SimulationSettings = {
  min_ratio: 2,
  min_gain: 3,
  cautious_dodge_rate: 0.9,
  cautious_ratio: 4,
  confirm: true,
};

/** Scores around their thresholds; outcomes are luck. */
function drawWindows(random: Random): SimulatedWindows {
  const numbers = (draw: () => number): Float64Array => Float64Array.from({ length: WINDOWS }, draw);
  const flags = (draw: () => boolean): Uint8Array =>
    Uint8Array.from({ length: WINDOWS }, () => draw() ? 1 : 0);
  const tsScore = numbers(() => random.between(0.45, 0.85));
  const haloDistance = numbers(() => random.between(0.5, 1.4));
  const slope = numbers(() => random.between(-0.003, 0.007));
  const success = flags(() => random.chance(0.5));
  return {
    rows: WINDOWS,
    acted: Uint8Array.from(tsScore, (ts, i) => ts >= 0.6 && haloDistance[i]! <= 1 && slope[i]! >= 0 ? 1 : 0),
    success,
    failure: success.map((won) => 1 - won),
    otherwiseBlocked: flags(() => random.chance(0.05)),
    half: flags(() => random.chance(0.5)),
    tsScore,
    tsMin: numbers(() => 0.6),
    haloDistance,
    haloMax: numbers(() => 1),
    slope,
    slopeMin: numbers(() => 0),
  };
}

/** Calls `work` on one lesson after the other for about a second; returns lessons a second. */
function rateOf(lessons: readonly Uint32Array[], work: (rows: Uint32Array) => unknown): number {
  // Compiled by now: what is measured is a run that has been going for a while.
  for (const rows of lessons.slice(0, 20)) work(rows);
  const startedAt = performance.now();
  let done = 0;
  while (performance.now() - startedAt < MEASURED_MS) {
    work(lessons[done % lessons.length]!);
    done++;
  }
  return done / (performance.now() - startedAt) * 1_000;
}

/** What is compared with: every combination on every window of either half. */
function tryEverything(windows: SimulatedWindows, rows: Uint32Array): number {
  const passes = (row: number, [ts, halo, slope]: Steps): boolean =>
    windows.tsScore[row]! >= windows.tsMin[row]! + GATES[0].deltas[RECORDED + ts]! &&
    windows.haloDistance[row]! <= windows.haloMax[row]! + GATES[1].deltas[RECORDED + halo]! &&
    windows.slope[row]! >= windows.slopeMin[row]! + GATES[2].deltas[RECORDED + slope]!;
  let best = 0;
  for (const { steps } of MOVES) {
    let gain = 0;
    let cost = 0;
    for (const row of rows) {
      const recorded = passes(row, [0, 0, 0]);
      const moved = passes(row, steps);
      const caught = windows.acted[row] === 0 && !recorded && moved && windows.otherwiseBlocked[row] === 0;
      const dropped = windows.acted[row] === 1 && recorded && !moved;
      if (caught ? windows.success[row] === 1 : dropped && windows.failure[row] === 1) gain++;
      else if (caught || dropped) cost++;
    }
    best = Math.max(best, gain / Math.max(cost, 1));
  }
  return best;
}

/** Measures simulation by windows per lesson. */
export function benchSimulate(): Promise<BenchRow[]> {
  const random = new Random(11);
  const windows = drawWindows(random);
  const startedAt = performance.now();
  const simulator = new GateSimulator(windows);
  const rows: BenchRow[] = [{
    bench: "simulate",
    size: WINDOWS,
    metric: "windows_filed_per_s",
    value: WINDOWS / (performance.now() - startedAt) * 1_000,
    unit: "1/s",
  }];
  for (const size of SIZES) {
    const lessons = Array.from(
      { length: Math.min(200, Math.ceil(1_000_000 / size)) },
      () => Uint32Array.from({ length: size }, () => Math.floor(random.between(0, WINDOWS))).sort(),
    );
    const perSecond = rateOf(lessons, (lesson) => simulator.simulate(lesson, 0.5, SETTINGS));
    const plain = rateOf(lessons.slice(0, 5), (lesson) => tryEverything(windows, lesson));
    rows.push(
      { bench: "simulate", size, metric: "lessons_per_s", value: perSecond, unit: "1/s" },
      { bench: "simulate", size, metric: "ratio_to_plain", value: perSecond / plain, unit: "x" },
    );
  }
  return Promise.resolve(rows);
}
