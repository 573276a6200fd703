import { assertEquals, assertRejects } from "@std/assert/mod.js";
import { StoreError } from "../store/errors.ts";
import { CallFailure, ScriptedDatabase } from "../../../scripts/testing/store/scripted_database.ts";
import { materializeOverrides } from "./materialize.ts";

const NOTHING_TO_TUNE = {
  read_live_decisions: () => ({ keys: [], now: 0, next: null }),
  read_experiment: () => [],
  get_pm_config: () => ({ max_q_value: 0.1 }),
  claim_tuning_simulation: () => null,
  read_tuning_p_values: () => ({ lessons: 0, p_values: "" }),
  reconcile_tuning_overrides: () => ({ next: null, created: 0, changed: 0, disabled: 0 }),
};

Deno.test("a pass is reconciled piece after piece, and the counts added up", async () => {
  const steps = [
    { next: 7, created: 3, changed: 1, disabled: 0 },
    { next: 7, created: 0, changed: 2, disabled: 1 },
    { next: null, created: 1, changed: 0, disabled: 4 },
  ];
  const database = new ScriptedDatabase({
    ...NOTHING_TO_TUNE,
    reconcile_overrides: (_, times) => steps[times],
  });
  const { created, changed, disabled, handedOver } = await materializeOverrides(database.store);
  assertEquals({ created, changed, disabled, handedOver }, {
    created: 4,
    changed: 3,
    disabled: 5,
    handedOver: false,
  });
  assertEquals(
    database.argsOf("reconcile_overrides").map((args) => (args as { p_after: number }).p_after),
    [0, 7, 7],
  );
});

Deno.test("an invocation whose budget is spent rings the next one, which takes the pass up", async () => {
  const database = new ScriptedDatabase({
    reconcile_overrides: () => ({ next: 7, created: 3, changed: 0, disabled: 0 }),
    ring_edge_function: () => null,
  });
  const report = await materializeOverrides(database.store, { cpuMs: 1200, wallMs: 0 });
  assertEquals(report, { created: 3, changed: 0, disabled: 0, handedOver: true, live: null, tuning: null });
  assertEquals(database.argsOf("reconcile_overrides").length, 1);
  assertEquals(
    database.argsOf("ring_edge_function").map((args) => (args as { p_name: string }).p_name),
    ["materialize-overrides"],
  );
});

Deno.test("a piece that fails ends the run with its reason", async () => {
  const database = new ScriptedDatabase({
    reconcile_overrides: (_, times) => {
      if (times === 0) return { next: 7, created: 3, changed: 0, disabled: 0 };
      throw new CallFailure("57014", "canceling statement due to statement timeout");
    },
  });
  await assertRejects(() => materializeOverrides(database.store), StoreError, "reconcile_overrides failed");
});
