import { assertEquals } from "@std/assert/mod.js";
import { CallFailure, ScriptedDatabase } from "../../../scripts/testing/store/scripted_database.ts";
import { mineTuning } from "./mine.ts";

const CONFIG = { cpu_budget_ms: 1200, mining_workers: 4 };
const RUN = {
  config: { n_min: 2, selection: "distinct", max_lessons_per_group: 5000 },
  baseline: null,
  dimensions: [{ bit: 9, dim: "timeframe" }],
};

const claim = (progress: unknown = null): object => ({
  group_id: 5,
  lease_token: "lease",
  lesson_type: "tuning_rates",
  module: "pm",
  pattern_key: "pm.x",
  action_category: "tuning",
  run: RUN,
  progress,
});

/** Three windows: acted and won, acted and lost, skipped and missed; the first two on 15m. */
const WINDOWS = {
  rows: 3,
  next: null,
  looks_back_to: "2026-01-01T00:00:00+00:00",
  // 1e12, 2e12 and 3e12 + 0.125 milliseconds after 1970.
  occurred_at: "Qm0alKIAAABCfRqUogAAAEKF0+95gAEA",
  flags: "AAAAAwAAAAUAAAAC",
  gates: null,
  code_bytes: 4,
  dimensions: { "9": "AAAABwAAAAcAAAAA" },
};

const database = (
  progress: unknown,
  cpu_budget_ms = 1200,
  finish: () => unknown = () => null,
): ScriptedDatabase =>
  new ScriptedDatabase({
    get_pm_config: () => ({ ...CONFIG, cpu_budget_ms }),
    start_tuning: () => 1,
    claim_mining_group: (_, times) => times === 0 ? claim(progress) : null,
    read_tuning_windows: () => WINDOWS,
    read_scope_values: () => ({ "7": "15m" }),
    save_mining_progress: () => null,
    restart_mining_group: () => null,
    finish_tuning_group: finish,
    ring_edge_function: () => null,
  });

Deno.test("a group's rates become lessons that hold, with the look-back they rest on", async () => {
  const answers = database(null);
  const report = await mineTuning(answers.store, false);
  assertEquals(report, { groups: 1, events: 3, lessons: 2, active: 2, failed: 0, handedOver: false });
  const [finished] = answers.argsOf("finish_tuning_group") as {
    p_group_id: number;
    p_looks_back_to: string;
    p_lessons: Record<string, unknown>[];
  }[];
  assertEquals([finished?.p_group_id, finished?.p_looks_back_to], [5, "2026-01-01T00:00:00+00:00"]);
  const [fifteen] = finished?.p_lessons.filter(({ n }) => n === 2) ?? [];
  assertEquals(fifteen, {
    scope_subset: { timeframe: "15m" },
    n: 2,
    stats: {
      n: 2,
      acted_success: 1,
      acted_failure: 1,
      skipped_success: 0,
      skipped_failure: 0,
      neutral: 0,
      wr: 0.5,
      fpr: 0.5,
      mr: null,
      dr: null,
    },
    edge_raw: null,
    p_value: null,
    q_value: null,
    decay_halflife_hours: null,
    status: "active",
    family_scope: null,
    last_evidence_at: "2033-05-18T03:33:20.000000Z",
  });
});

Deno.test("the schedule's invocation begins the cycle, others join it", async () => {
  const first = database(null);
  await mineTuning(first.store, false);
  assertEquals(first.argsOf("start_tuning").length, 1);
  const joining = database(null);
  await mineTuning(joining.store, true);
  assertEquals(joining.argsOf("start_tuning"), []);
});

Deno.test("a run that pauses goes on with the look-back it began with", async () => {
  const pausing = database(null, 0);
  const report = await mineTuning(pausing.store, true);
  assertEquals([report.groups, report.handedOver], [0, true]);
  const [saved] = pausing.argsOf("save_mining_progress") as { p_progress: string }[];
  assertEquals(JSON.parse(saved?.p_progress ?? "").looksBackTo, "2026-01-01T00:00:00+00:00");

  const going = database(saved?.p_progress);
  assertEquals((await mineTuning(going.store, true)).lessons, 2);
  assertEquals(going.argsOf("read_tuning_windows"), [
    { p_group_id: 5, p_looks_back_to: "2026-01-01T00:00:00+00:00", p_gates: false },
  ]);
});

Deno.test("a run whose windows changed under way begins anew", async () => {
  const pausing = database(null, 0);
  await mineTuning(pausing.store, true);
  const [saved] = pausing.argsOf("save_mining_progress") as { p_progress: string }[];
  const progress = JSON.parse(saved?.p_progress ?? "") as { miner: object };
  // As a document, which is how an earlier release stored it.
  const changed = database({ ...progress, miner: { ...progress.miner, windows: 1 } });
  const report = await mineTuning(changed.store, true);
  assertEquals([report.groups, report.failed], [0, 0]);
  assertEquals(changed.argsOf("restart_mining_group").length, 1);
});

Deno.test("a lease that passed on is nothing to speak of", async () => {
  const lost = database(null, 1200, () => {
    throw new CallFailure("55P03", "Lease on mining group 5 is no longer held");
  });
  const report = await mineTuning(lost.store, true);
  assertEquals([report.groups, report.failed], [0, 0]);
});
