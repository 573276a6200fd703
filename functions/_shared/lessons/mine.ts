import { z } from "zod";
import type { Budget } from "../runtime/budget.ts";
import { type MinedGroup, type MiningReport, runMiningCycle } from "../mining/cycle.ts";
import { parseProgress } from "../mining/progress_schemas.ts";
import { readDimensions } from "../mining/read_dimensions.ts";
import { scopeKey } from "../mining/scope_key.ts";
import { timestampOf } from "../mining/timestamp.ts";
import type { PackedCategoryDays, PackedTrades, StoredLesson } from "../store/lesson_store.ts";
import type { ClaimedGroup, StoredBaseline } from "../store/mining_store.ts";
import { unpackFloats, unpackIntegers } from "../store/packed.ts";
import type { Store } from "../store/store.ts";
import { type Baseline, deltaScale } from "../statistics/baseline.ts";
import { computePosture, type Direction } from "../statistics/posture.ts";
import type { EdgeHistory } from "../statistics/strength.ts";
import { calibrateCategories } from "./calibrate.ts";
import { effectsProgress, measureEffects, takesLong } from "./effects.ts";
import type { GroupTrades } from "./group_trades.ts";
import { type MinedLesson, mineGroup } from "./mine_group.ts";
import { groupProgress } from "./progress.ts";
import { type MiningSettings, miningSettings } from "./settings.ts";

export type { MiningReport };

/** Progress of a group as it is stored between invocations. */
const storedProgress = z.object({
  ownDirection: z.object({ dirA: z.number(), dirE: z.number() }).nullable(),
  effects: effectsProgress.nullable(),
  /** `null` until effects are measured. */
  miner: groupProgress.nullable(),
});

/**
 * Mines due groups until none is left or the budget is spent (functions/README.md, "Slices and their names").
 *
 * @param continues False for the invocation that the schedule rings: it begins the cycle and calls the other workers.
 */
export async function mineLessons(store: Store, continues: boolean): Promise<MiningReport> {
  return await runMiningCycle(store, {
    family: "strength",
    component: "mine-lessons",
    events: "trades",
    prepare: () => store.mining.prepare(),
    mine: (group, budget, isFirst) => mineClaimed(store, budget, group, isFirst),
    conclude: () => calibrateCategories(store),
  }, continues);
}

async function mineClaimed(
  store: Store,
  budget: Budget,
  group: ClaimedGroup,
  isFirst: boolean,
): Promise<MinedGroup | null> {
  const settings = miningSettings(group.run.config);
  const packed = await store.lessons.readGroup(group.group_id);
  const trades = await unpackTrades(store, group, packed);
  const stored = parseProgress(storedProgress, group.progress);
  if (trades.rows === 0 || group.run.baseline === null) {
    await store.lessons.finishGroup(group, [], null);
    return { events: 0, lessons: 0, active: 0 };
  }
  const ownDirection = stored?.ownDirection ??
    (settings.steering.relative
      ? packed.own_direction ?? await measureOwnDirection(store, group, settings)
      : null);
  const effects = takesLong(trades) && !isFirst && (stored?.miner ?? null) === null
    ? { progress: stored?.effects ?? null }
    : measureEffects(trades, group.run.effects, settings, stored?.effects ?? null);
  if ("progress" in effects) {
    await store.mining.saveProgress(group, { ownDirection, effects: effects.progress, miner: null });
    budget.close();
    return null;
  }
  const history = settings.decay.source === "history" ? await readHistory(store, group) : null;
  const baseline = baselineOf(group.run.baseline, trades.rows);
  const input = {
    trades,
    baseline,
    settings,
    category: group.action_category,
    scale: deltaScale(settings.outcome_scale, group.run.category ?? baseline, settings.n_min),
    ownDirection,
    history,
    firstSigma: group.run.first_sigma ?? group.run.baseline.sigma,
    categoryDays: unpackDays(packed.category_days),
  };
  const step = mineGroup(input, stored?.miner ?? null, (aheadMs = 0) => budget.spentWithin(aheadMs));
  if ("progress" in step) {
    await store.mining.saveProgress(group, {
      ownDirection,
      effects: effects.measured,
      miner: step.progress,
    });
    return null;
  }
  await store.lessons.finishGroup(group, step.lessons.map(storedLesson), effects.stored);
  return {
    events: trades.rows,
    lessons: step.lessons.length,
    active: step.lessons.filter((lesson) => lesson.active).length,
  };
}

async function unpackTrades(store: Store, group: ClaimedGroup, packed: PackedTrades): Promise<GroupTrades> {
  const dimensions = await readDimensions(
    store,
    (group.run.dimensions ?? []).map(({ bit, dim }) => ({
      bit,
      dim,
      codes: unpackIntegers(packed.dimensions[bit] ?? ""),
    })),
  );
  return {
    rows: packed.rows,
    dimensions,
    outcome: unpackFloats(packed.outcome),
    steeringRoi: unpackFloats(packed.steering_roi),
    actedAt: unpackFloats(packed.acted_at),
    tradedAt: unpackFloats(packed.traded_at),
    durationHours: unpackFloats(packed.duration_hours),
    timeToS3Hours: unpackFloats(packed.time_to_s3_hours),
    couldEnterBetter: unpackFloats(packed.could_enter_better),
    couldExitBetter: unpackFloats(packed.could_exit_better),
    didTrim: Uint8Array.from(unpackIntegers(packed.did_trim)),
    reachedS3: Uint8Array.from(unpackIntegers(packed.reached_s3)),
  };
}

async function measureOwnDirection(
  store: Store,
  group: ClaimedGroup,
  settings: MiningSettings,
): Promise<Direction> {
  const packed = await store.lessons.readCategoryDecisions(group.module, group.action_category);
  const { dirA, dirE } = computePosture({
    roi: unpackFloats(packed.steering_roi),
    didTrim: Uint8Array.from(unpackIntegers(packed.did_trim)),
    reachedS3: Uint8Array.from(unpackIntegers(packed.reached_s3)),
  }, settings.steering.roi_scale);
  await store.lessons.saveOwnDirection(group.group_id, { dirA, dirE });
  return { dirA, dirE };
}

async function readHistory(
  store: Store,
  group: ClaimedGroup,
): Promise<ReadonlyMap<string, EdgeHistory>> {
  const series = await store.lessons.readEdgeHistory(group.group_id);
  return new Map(series.map(({ scope_subset, ts, edge }) => [
    scopeKey(scope_subset),
    { times: Float64Array.from(ts), edges: Float64Array.from(edge) },
  ]));
}

function unpackDays({ day, mean }: PackedCategoryDays): ReadonlyMap<number, number> {
  const means = unpackFloats(mean);
  return new Map(Array.from(unpackIntegers(day), (each, i) => [each, means[i] ?? NaN]));
}

function baselineOf(stored: StoredBaseline, rows: number): Baseline {
  return {
    // Decisions that came while it was measured are in the group already, and no slice may hold more than all.
    n: Math.max(stored.n, rows),
    mean: stored.mean,
    winsorisedMean: stored.winsorised_mean,
    sigma: stored.sigma,
    bounds: { lower: stored.lower_bound, upper: stored.upper_bound },
    lowest: stored.lowest,
    highest: stored.highest,
  };
}

function storedLesson(lesson: MinedLesson): StoredLesson {
  return {
    scope_subset: lesson.scope,
    n: lesson.stats.n,
    stats: lesson.stats,
    edge_raw: lesson.stats.edge_raw,
    p_value: lesson.pValue,
    q_value: lesson.qValue,
    decay_halflife_hours: lesson.stats.decay.half_life_hours,
    status: lesson.active ? "active" : "candidate",
    family_scope: lesson.familyScope,
    last_evidence_at: timestampOf(lesson.lastEvidenceAt),
  };
}
