import { type MinedGroup, type MiningReport, runMiningCycle } from "../mining/cycle.ts";
import { timestampOf } from "../mining/timestamp.ts";
import type { Budget } from "../runtime/budget.ts";
import type { StoredLesson } from "../store/lesson_store.ts";
import type { ClaimedGroup } from "../store/mining_store.ts";
import type { Store } from "../store/store.ts";
import { mineTuningGroup, type TuningLesson, type TuningProgress } from "./mine_group.ts";
import { tuningMiningSettings } from "./settings.ts";
import { readWindows } from "./windows.ts";

/** Progress of a group as it is stored between invocations. */
interface StoredProgress {
  readonly looksBackTo: string | null;
  readonly miner: TuningProgress;
}

/**
 * Mines due tuning groups until none is left or the budget is spent (functions/README.md, "Tuning").
 *
 * @param continues False for the invocation that the schedule rings: it begins the cycle and calls the other workers.
 */
export async function mineTuning(store: Store, continues: boolean): Promise<MiningReport> {
  return await runMiningCycle(store, {
    family: "tuning",
    component: "mine-tuning",
    events: "windows",
    mine: (group, budget) => mineClaimed(store, budget, group),
  }, continues);
}

async function mineClaimed(store: Store, budget: Budget, group: ClaimedGroup): Promise<MinedGroup | null> {
  const stored = group.progress as unknown as StoredProgress | null;
  const windows = await readWindows(store, {
    groupId: group.group_id,
    looksBackTo: stored?.looksBackTo ?? null,
    dimensions: group.run.dimensions ?? [],
  });
  const step = mineTuningGroup(
    windows,
    tuningMiningSettings(group.run.config),
    stored?.miner ?? null,
    () => budget.spent,
  );
  if ("progress" in step) {
    const progress: StoredProgress = { looksBackTo: windows.looksBackTo, miner: step.progress };
    await store.mining.saveProgress(group, progress);
    return null;
  }
  await store.tuning.finishGroup(group, step.lessons.map(storedLesson), windows.looksBackTo);
  return { events: windows.rows, lessons: step.lessons.length, active: step.lessons.length };
}

/** Rates are facts: a tuning lesson holds as long as it is found. */
function storedLesson({ scope, stats, lastEvidenceAt }: TuningLesson): StoredLesson {
  return {
    scope_subset: scope,
    n: stats.n,
    stats,
    edge_raw: null,
    p_value: null,
    q_value: null,
    decay_halflife_hours: null,
    status: "active",
    last_evidence_at: timestampOf(lastEvidenceAt),
  };
}
