import { prepare } from "../slices/mod.ts";
import { falseDiscoveryQ } from "../statistics/false_discovery.ts";
import { type Allowance, Budget } from "../runtime/budget.ts";
import { StoreError } from "../store/errors.ts";
import type { ReconciledOverrides } from "../store/override_store.ts";
import type { LogLine, Store } from "../store/store.ts";
import type { ClaimedSimulation, StoredSimulation, TuningLesson } from "../store/tuning_store.ts";
import { GATES, RECORDED } from "./gates.ts";
import { costOf, gainOf, GateSimulator, type Simulation } from "./simulate.ts";
import { type SimulationSettings, simulationSettings } from "./settings.ts";
import { summarise } from "./summary.ts";
import { readGatedWindows, type TuningWindows } from "./windows.ts";

/** Lessons read and written at a time. */
const LESSONS = 1_000;
/** Lessons simulated between two looks at the clock; also what every invocation at least gets done. */
const STRIDE = 100;
/** Lessons whose overrides are reconciled at a time: few enough to fit the database's statement timeout. */
const RECONCILED = 500;

/** What one invocation did for tuning. */
export interface TuningMaterialization {
  /** Groups that were simulated to the end. */
  groups: number;
  /** Lessons that were simulated, and those of them with a good enough move. */
  lessons: number;
  moves: number;
  created: number;
  changed: number;
  disabled: number;
  /** Groups that could not be simulated. */
  failed: number;
  /** Whether the budget was spent while work was left, so that another invocation was rung. */
  handedOver: boolean;
}

/**
 * Simulates the tuning lessons whose evidence or configuration changed and, when none is left, brings the
 * tuning overrides in line with all of them (functions/README.md, "Simulation"). Goes on in another
 * invocation when the budget is spent.
 */
export async function materializeTuning(
  store: Store,
  allowance: Allowance,
): Promise<TuningMaterialization> {
  const budget = new Budget(store.stopwatch, allowance);
  const report: TuningMaterialization = {
    groups: 0,
    lessons: 0,
    moves: 0,
    created: 0,
    changed: 0,
    disabled: 0,
    failed: 0,
    handedOver: false,
  };
  while (true) {
    const claimed = await store.tuning.claimSimulation();
    if (claimed === null) break;
    try {
      await simulateGroup(store, budget, claimed, report);
    } catch (error) {
      if (!(error instanceof StoreError && error.isLeaseLost)) {
        // Groups are independent: what is wrong with one keeps no other from being simulated.
        report.failed++;
        await store.log([failureLine(claimed, error)]);
      }
    }
    if (budget.spent) {
      await store.ring("materialize-overrides", { continue: true });
      report.handedOver = true;
      break;
    }
  }
  if (!report.handedOver) await reconcile(store, report);
  if (report.groups + report.created + report.changed + report.disabled > 0) {
    await store.log([{
      level: "INFO",
      component: "materialize-overrides",
      event: "tuning_materialized",
      message: `Simulated ${report.lessons} tuning lessons, ${report.groups} groups to the end: ` +
        `${report.moves} moves are good enough; overrides ${report.created} created, ` +
        `${report.changed} changed, ${report.disabled} disabled`,
      details: { ...report, duration_ms: Math.round(store.stopwatch.elapsedMs) },
    }]);
  }
  return report;
}

function failureLine({ pattern_key }: ClaimedSimulation, error: unknown): LogLine {
  const reason = error instanceof Error ? error.message : String(error);
  return {
    level: "ERROR",
    component: "materialize-overrides",
    event: "simulation_failed",
    message: `The gates of ${pattern_key} could not be simulated and are tried again: ${reason}`,
    details: { pattern_key, stack: error instanceof Error ? error.stack ?? null : null },
  };
}

/** Simulates a group as far as the budget goes. */
async function simulateGroup(
  store: Store,
  budget: Budget,
  claimed: ClaimedSimulation,
  report: TuningMaterialization,
): Promise<void> {
  const settings = simulationSettings(claimed.tuning);
  const windows = await readGatedWindows(store, {
    groupId: claimed.group_id,
    looksBackTo: claimed.looks_back_to,
    dimensions: claimed.dimensions ?? [],
  });
  const simulator = new GateSimulator(windows);
  const rowsOf = lessonRows(windows);
  const simulate = (lesson: TuningLesson): StoredSimulation => {
    const rows = rowsOf(lesson);
    const simulation = simulator.simulate(rows, lesson.dr, settings);
    return storedSimulation(lesson, simulation, (gate) => simulator.medianThreshold(rows, gate), settings);
  };

  let after = claimed.after;
  while (true) {
    const lessons = await store.tuning.readLessons(claimed.group_id, after, LESSONS);
    const results: StoredSimulation[] = [];
    for (const lesson of lessons) {
      results.push(simulate(lesson));
      if (results.length % STRIDE === 0 && budget.spent) break;
    }
    after = lessons[results.length - 1]?.id ?? after;
    const state = results.length < lessons.length
      ? "paused"
      : lessons.length < LESSONS
      ? "finished"
      : "under way";
    await store.tuning.saveSimulations(claimed, results, after, state);
    report.lessons += results.length;
    report.moves += results.filter(({ verdict }) => verdict === "move").length;
    if (state === "finished") report.groups++;
    if (state !== "under way") return;
  }
}

/** Finds the windows that a lesson rests on. */
function lessonRows(windows: TuningWindows): (lesson: TuningLesson) => Uint32Array {
  const enumeration = prepare({
    rows: windows.rows,
    dimensions: windows.dimensions,
    measures: [],
    minSupport: 1,
    selection: "exhaustive",
  });
  const codes = new Map(windows.dimensions.map(({ name, values }, index) => [
    name,
    { index, codes: new Map(values.map((value, i) => [value, i + 1])) },
  ]));
  return ({ scope_subset }) => {
    const conjunction = new Int32Array(windows.dimensions.length);
    for (const [name, value] of Object.entries(scope_subset)) {
      const dimension = codes.get(name);
      const code = dimension?.codes.get(value);
      // Its last window was taken back since it was mined.
      if (dimension === undefined || code === undefined) return new Uint32Array(0);
      conjunction[dimension.index] = code;
    }
    return enumeration.rowsOf(conjunction);
  };
}

function storedSimulation(
  lesson: TuningLesson,
  simulation: Simulation,
  medianThreshold: (gate: number) => number | null,
  settings: SimulationSettings,
): StoredSimulation {
  const { candidate, confirmation, verdict, tested, skipped } = simulation;
  const evidence = confirmation?.tally ?? candidate?.tally;
  const moves = Object.fromEntries(
    (verdict === "move" ? candidate?.steps ?? [] : []).flatMap((step, gate) => {
      if (step === 0) return [];
      const { lever, deltas } = GATES[gate]!;
      const value = deltas[RECORDED + step]!;
      const median = medianThreshold(gate) ?? NaN;
      const multiplier = (median + value) / median;
      return [[lever, { value, multiplier: median > 0 && multiplier > 0 ? multiplier : null }]];
    }),
  );
  return {
    lesson_id: lesson.id,
    verdict,
    tested,
    skipped,
    moves,
    confidence: verdict === "move" && evidence !== undefined
      ? gainOf(evidence) / (gainOf(evidence) + costOf(evidence))
      : null,
    p_value: settings.confirm ? confirmation?.pValue ?? 1 : null,
    summary: summarise(simulation, settings.min_gain),
    details: {
      steps: candidate?.steps ?? null,
      required_ratio: candidate?.requiredRatio ?? null,
      chosen_on: candidate?.tally ?? null,
      confirmed_on: confirmation?.tally ?? null,
    },
  };
}

/** Judges every simulated lesson among all of them, then follows up with the overrides. */
async function reconcile(store: Store, report: TuningMaterialization): Promise<void> {
  const level = (await store.readConfig())["max_q_value"];
  const pValues = await store.tuning.readPValues();
  const largest = typeof level === "number" ? largestBeyondLuck(pValues, level) : 1;
  let after: number | null = 0;
  while (after !== null) {
    const step: ReconciledOverrides = await store.overrides.reconcileTuning(
      after,
      RECONCILED,
      largest,
      pValues.length,
    );
    report.created += step.created;
    report.changed += step.changed;
    report.disabled += step.disabled;
    after = step.next;
  }
}

/** The largest p whose q is at most the level; everything up to it is beyond luck. `null` where none is. */
export function largestBeyondLuck(pValues: Float64Array, level: number): number | null {
  const q = falseDiscoveryQ(pValues, "bh");
  let largest = -1;
  for (const [i, p] of pValues.entries()) if (q[i]! <= level && p > largest) largest = p;
  return largest < 0 ? null : largest;
}
