import { assertEquals, assertRejects } from "@std/assert/mod.js";
import { StoreError } from "../store/errors.ts";
import { CallFailure, ScriptedDatabase } from "../../../scripts/testing/store/scripted_database.ts";
import { materializeOverrides } from "./materialize.ts";

Deno.test("groups are reconciled batch after batch, and the counts added up", async () => {
  const steps = [
    { next: 50, created: 3, changed: 1, disabled: 0 },
    { next: 93, created: 0, changed: 2, disabled: 1 },
    { next: null, created: 1, changed: 0, disabled: 4 },
  ];
  const database = new ScriptedDatabase({
    reconcile_overrides: (_, times) => steps[times],
    get_pm_config: () => ({ max_q_value: 0.1 }),
    claim_tuning_simulation: () => null,
    read_tuning_p_values: () => ({ lessons: 0, p_values: "" }),
    reconcile_tuning_overrides: () => ({ next: null, created: 0, changed: 0, disabled: 0 }),
  });
  const { created, changed, disabled } = await materializeOverrides(database.store);
  assertEquals({ created, changed, disabled }, { created: 4, changed: 3, disabled: 5 });
  assertEquals(
    database.argsOf("reconcile_overrides").map((args) => (args as { p_after: number }).p_after),
    [0, 50, 93],
  );
});

Deno.test("a batch that fails ends the run with its reason", async () => {
  const database = new ScriptedDatabase({
    reconcile_overrides: (_, times) => {
      if (times === 0) return { next: 50, created: 3, changed: 0, disabled: 0 };
      throw new CallFailure("57014", "canceling statement due to statement timeout");
    },
  });
  await assertRejects(() => materializeOverrides(database.store), StoreError, "reconcile_overrides failed");
});
