import { z } from "zod";
import { type MinedGroup, type MiningReport, runMiningCycle } from "../mining/cycle.ts";
import { keptSlices, parseProgress, sliceCursor, storedSlices } from "../mining/progress_schemas.ts";
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

const share = z.number().nullable();
const tuningLesson: z.ZodType<TuningLesson> = z.object({
  scope: z.record(z.string(), z.string()),
  stats: z.object({
    n: z.number(),
    acted_success: z.number(),
    acted_failure: z.number(),
    skipped_success: z.number(),
    skipped_failure: z.number(),
    neutral: z.number(),
    wr: share,
    fpr: share,
    mr: share,
    dr: share,
  }),
  lastEvidenceAt: z.number(),
});
const storedProgress: z.ZodType<StoredProgress> = z.object({
  looksBackTo: z.string().nullable(),
  miner: z.discriminatedUnion("pass", [
    z.object({
      pass: z.literal("count"),
      windows: z.number(),
      cursor: sliceCursor,
      strongest: storedSlices,
    }),
    z.object({
      pass: z.literal("describe"),
      windows: z.number(),
      kept: keptSlices,
      done: z.number(),
      described: z.array(tuningLesson),
    }),
  ]),
});

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
  const stored = parseProgress(storedProgress, group.progress);
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
    family_scope: null,
    last_evidence_at: timestampOf(lastEvidenceAt),
  };
}
