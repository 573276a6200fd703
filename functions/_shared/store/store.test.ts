import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert/mod.js";
import { Stopwatch } from "../runtime/budget.ts";
import { StoreError } from "./errors.ts";
import { CallFailure, ScriptedDatabase } from "../../../scripts/testing/store/scripted_database.ts";
import type { ClaimedGroup } from "./mining_store.ts";

const GROUP: ClaimedGroup = {
  group_id: 7,
  lease_token: "8a0d6d8e-5a1a-4b62-9a87-0a4c6f3f0d11",
  lesson_type: "pm_strength",
  module: "pm",
  pattern_key: "pm.a",
  action_category: "entry",
  run: { config: {}, baseline: null, effects: null, dimensions: null },
  progress: null,
};

Deno.test("a claimed strand's documents travel as text, whatever numbers and depth they have", async () => {
  const deep = `${"[".repeat(20_000)}1e400${"]".repeat(20_000)}`;
  const database = new ScriptedDatabase({
    read_claimed_strands: () => [{
      id: "s",
      revision: 2,
      kind: "note",
      content: `{"a": 1e400, "b": ${deep}}`,
      regime_context: "null",
      received_at: "2025-01-15T10:30:00+00:00",
    }],
  });
  const [strand] = await database.store.strands.read([{ id: "s", revision: 2 }]) as unknown as [
    Record<string, unknown>,
  ];
  assertEquals(database.argsOf("read_claimed_strands"), [{ p_claims: [{ id: "s", revision: 2 }] }]);
  assertEquals([strand["id"], strand["revision"], strand["regime_context"]], ["s", 2, null]);
  assertEquals((strand["content"] as { a: number }).a, Infinity);
});

Deno.test("only what identifies a strand goes back with its verdict", async () => {
  const database = new ScriptedDatabase({
    apply_strands: () => ({ accepted: 1, rejected: 1, failed: 0, postponed: 0 }),
  });
  const strand = { id: "s", revision: 3, content: { large: "x" } };
  await database.store.strands.apply([strand], [{
    ...strand,
    id: "r",
    errors: [{ path: "p", message: "m" }],
  }]);
  assertEquals(database.argsOf("apply_strands"), [{
    p_accepted: [{ id: "s", revision: 3 }],
    p_rejected: [{ id: "r", revision: 3, errors: [{ path: "p", message: "m" }] }],
  }]);
});

Deno.test("a strand's subject is the trade or episode that it tells of, else itself", async () => {
  const told: [kind: string, content: unknown, subject: string][] = [
    ["pm_action", { trade_id: "t", episode_id: "e" }, "t"],
    ["pm_action", { trade_id: null, episode_id: "e", decision_type: "shadow_entry" }, "e"],
    ["position_closed", { trade_id: "t" }, "t"],
    ["episode_window", { trade_id: "t", episode_id: "e" }, "e"],
    ["episode_outcome", { episode_id: "e" }, "e"],
    ["uptrend_episode_summary", { trade_id: "t", episode_id: "e" }, "e"],
    ["pm_action", { trade_id: 7 }, "5"],
    ["pm_action", "text", "5"],
    ["pm_action", null, "5"],
  ];
  for (const [kind, content, subject] of told) {
    const database = new ScriptedDatabase({
      read_claimed_strands: () => [{
        id: "5",
        revision: 1,
        kind,
        module: "pm",
        created_at: "2025-01-15T10:30:00+00:00",
        received_at: "2025-01-15T10:31:00+00:00",
        content: JSON.stringify(content),
        regime_context: "{}",
      }],
    });
    const [strand] = await database.store.strands.read([{ id: "5", revision: 1 }]);
    assertEquals(
      [strand?.subject, strand?.characters],
      [subject, JSON.stringify(content).length + 2],
      JSON.stringify([kind, content]),
    );
  }
});

Deno.test("what codes stand for is asked for once and comes by number", async () => {
  const database = new ScriptedDatabase({ read_scope_values: () => ({ 12: "solana", 3: "" }) });
  assertEquals([...await database.store.mining.readScopeValues([12, 3])], [[3, ""], [12, "solana"]]);
  assertEquals(database.argsOf("read_scope_values"), [{ p_codes: [12, 3] }]);
});

Deno.test("a claimed group is answered under its lease", async () => {
  const database = new ScriptedDatabase({
    save_mining_progress: () => null,
    restart_mining_group: () => null,
    finish_mining_group: () => null,
  });
  await database.store.mining.saveProgress(GROUP, { at: 1 });
  await database.store.mining.restartGroup(GROUP);
  await database.store.lessons.finishGroup(GROUP, [], null);
  const lease = { p_group_id: 7, p_lease_token: GROUP.lease_token };
  assertEquals(database.calls.map(({ args }) => args), [
    { ...lease, p_progress: '{"at":1}' },
    lease,
    { ...lease, p_lessons: "[]", p_effects: {} },
  ]);
});

Deno.test("what is asked for arrives as it was asked", async () => {
  const nothing = (): null => null;
  const none = (): [] => [];
  const reconciled = (): object => ({ next: null, created: 0, changed: 0, disabled: 0 });
  const windows = { rows: 0, next: null, looks_back_to: null, occurred_at: "", flags: "", gates: null };
  const database = new ScriptedDatabase({
    claim_strands: none,
    save_mining_progress: nothing,
    finish_mining_group: nothing,
    read_edge_history: none,
    read_category_decisions: () => ({ steering_roi: "", did_trim: "", reached_s3: "" }),
    save_own_direction: nothing,
    read_tuning_windows: () => ({ ...windows, code_bytes: 2, dimensions: {} }),
    finish_tuning_group: nothing,
    read_tuning_lessons: none,
    save_tuning_simulations: nothing,
    reconcile_overrides: reconciled,
    reconcile_tuning_overrides: reconciled,
    ring_edge_function: nothing,
    "insert learning_log": nothing,
  });
  const { store } = database;
  const lease = { p_group_id: 7, p_lease_token: GROUP.lease_token };
  const simulation = { ...lease, group_id: 7, lease_token: GROUP.lease_token, pattern_key: "pm.a" };
  const line = { level: "INFO", component: "c", event: "e", message: "m", details: { of: 1 } } as const;
  await store.strands.claim(9);
  await store.mining.saveProgress(GROUP, { at: 2 });
  await store.lessons.finishGroup(GROUP, [], null);
  await store.lessons.readEdgeHistory(7);
  await store.lessons.readCategoryDecisions("dm", "add");
  await store.lessons.saveOwnDirection(7, { dirA: 0.5, dirE: -0.25 });
  await store.tuning.readWindows(7, "2025-01-01", { occurred_at: "2025-02-01", id: 3 }, false);
  await store.tuning.finishGroup(GROUP, [], "2025-01-01");
  await store.tuning.readLessons(7, 4, 10);
  await store.tuning.saveSimulations(
    { ...simulation, looks_back_to: null, tuning: {}, after: 0, dimensions: null },
    [],
    5,
    "paused",
  );
  await store.overrides.reconcile(6);
  await store.overrides.reconcileTuning(6, 10, 0.01, 40);
  await store.ring("mine-lessons", { continue: true }, 3);
  await store.log([line]);
  assertEquals(database.calls.map(({ args }) => args), [
    { p_limit: 9 },
    { ...lease, p_progress: '{"at":2}' },
    { ...lease, p_lessons: "[]", p_effects: {} },
    { p_group_id: 7 },
    { p_module: "dm", p_action_category: "add" },
    { p_group_id: 7, p_dir_a: 0.5, p_dir_e: -0.25 },
    {
      p_group_id: 7,
      p_looks_back_to: "2025-01-01",
      p_after: { occurred_at: "2025-02-01", id: 3 },
      p_gates: false,
    },
    { ...lease, p_lessons: [], p_looks_back_to: "2025-01-01" },
    { p_group_id: 7, p_after: 4, p_limit: 10 },
    { ...lease, p_results: [], p_after: 5, p_state: "paused" },
    { p_after: 6 },
    { p_after: 6, p_limit: 10, p_largest_p_value: 0.01, p_lessons: 40 },
    { p_name: "mine-lessons", p_body: { continue: true }, p_times: 3 },
    [line],
  ]);
});

Deno.test("a failing call throws with its name, whichever it is", async () => {
  const fail = (): never => {
    throw new CallFailure("XX000", "broken");
  };
  const database = new ScriptedDatabase({
    get_pm_config: fail,
    claim_mining_group: fail,
    reconcile_overrides: fail,
    "insert learning_log": fail,
  });
  const { store } = database;
  await assertRejects(() => store.readConfig(), StoreError, "get_pm_config failed: broken");
  await assertRejects(
    () => store.mining.claimGroup("strength"),
    StoreError,
    "claim_mining_group failed: broken",
  );
  await assertRejects(
    () => store.overrides.reconcile(0),
    StoreError,
    "reconcile_overrides failed: broken",
  );
  await assertRejects(() => store.log([]), StoreError, "Writing the learning log failed: broken");
});

Deno.test("an answer of another shape is refused with the call, the place and what to do, and never believed", async () => {
  const { store } = new ScriptedDatabase({
    reconcile_overrides: () => ({ next: "soon", created: 1, changed: 0 }),
    claim_mining_group: () => ({ group_id: 7 }),
  });
  const error = await assertRejects(() => store.overrides.reconcile(0), StoreError);
  assertStringIncludes(error.message, "reconcile_overrides failed: the answer was not understood");
  assertStringIncludes(error.message, "next:");
  assertStringIncludes(error.message, "disabled:");
  assertStringIncludes(error.message, "Deploy the functions");
  await assertRejects(() => store.mining.claimGroup("strength"), StoreError, "lease_token");
});

Deno.test("the time until an answer comes is waited, not worked", async () => {
  const clock = { now: 0 };
  const { store } = new ScriptedDatabase({
    get_pm_config: () => {
      clock.now += 300;
      return {};
    },
  }, new Stopwatch(() => clock.now));
  await store.readConfig();
  clock.now += 20;
  assertEquals([store.stopwatch.elapsedMs, store.stopwatch.workedMs], [320, 20]);
});
