import type { Budget } from "../runtime/budget.ts";
import { type MinedGroup, type MiningReport, runMiningCycle } from "../mining/cycle.ts";
import { readDimensions } from "../mining/read_dimensions.ts";
import { scopeKey } from "../mining/scope_key.ts";
import { timestampOf } from "../mining/timestamp.ts";
import type { StoredLesson } from "../store/lesson_store.ts";
import type { ClaimedGroup, StoredBaseline } from "../store/mining_store.ts";
import { unpackFloats, unpackIntegers } from "../store/packed.ts";
import type { Store } from "../store/store.ts";
import type { Baseline } from "../statistics/baseline.ts";
import { computePosture, type Direction } from "../statistics/posture.ts";
import type { EdgeHistory } from "../statistics/strength.ts";
import type { GroupTrades } from "./group_trades.ts";
import { type GroupProgress, type MinedLesson, mineGroup } from "./mine_group.ts";
import { type MiningSettings, miningSettings } from "./settings.ts";

export type { MiningReport };

/** Progress of a group as it is stored between invocations. */
interface StoredProgress {
  readonly ownDirection: Direction | null;
  readonly miner: GroupProgress;
}

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
    mine: (group, budget) => mineClaimed(store, budget, group),
  }, continues);
}

async function mineClaimed(store: Store, budget: Budget, group: ClaimedGroup): Promise<MinedGroup | null> {
  const settings = miningSettings(group.run.config);
  const trades = await readTrades(store, group);
  const stored = group.progress as unknown as StoredProgress | null;
  if (trades.rows === 0 || group.run.baseline === null) {
    await store.lessons.finishGroup(group, []);
    return { events: 0, lessons: 0, active: 0 };
  }
  const ownDirection = stored?.ownDirection ??
    (settings.steering.relative ? await readOwnDirection(store, group, settings) : null);
  const history = settings.decay.source === "history" ? await readHistory(store, group) : null;
  const step = mineGroup(
    { trades, baseline: baselineOf(group.run.baseline, trades.rows), settings, ownDirection, history },
    stored?.miner ?? null,
    () => budget.spent,
  );
  if ("progress" in step) {
    await store.mining.saveProgress(group, { ownDirection, miner: step.progress });
    return null;
  }
  await store.lessons.finishGroup(group, step.lessons.map(storedLesson));
  return {
    events: trades.rows,
    lessons: step.lessons.length,
    active: step.lessons.filter((lesson) => lesson.active).length,
  };
}

async function readTrades(store: Store, group: ClaimedGroup): Promise<GroupTrades> {
  const packed = await store.lessons.readGroup(group.group_id);
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
    roi: unpackFloats(packed.roi),
    rr: unpackFloats(packed.rr),
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

async function readOwnDirection(
  store: Store,
  group: ClaimedGroup,
  settings: MiningSettings,
): Promise<Direction> {
  const packed = await store.lessons.readModuleTrades(group.module);
  const { dirA, dirE } = computePosture({
    roi: unpackFloats(packed.roi),
    didTrim: Uint8Array.from(unpackIntegers(packed.did_trim)),
    reachedS3: Uint8Array.from(unpackIntegers(packed.reached_s3)),
  }, settings.steering.roi_scale);
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

function baselineOf(stored: StoredBaseline, rows: number): Baseline {
  return {
    // Trades that took effect while it was measured are in the group already, and no slice may hold more than all.
    n: Math.max(stored.n, rows),
    mean: stored.mean,
    winsorisedMean: stored.winsorised_mean,
    sigma: stored.sigma,
    bounds: { lower: stored.lower_bound, upper: stored.upper_bound },
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
    last_evidence_at: timestampOf(lesson.lastEvidenceAt),
  };
}
