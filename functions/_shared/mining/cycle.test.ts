import { assertEquals } from "@std/assert/mod.js";
import { Stopwatch } from "../runtime/budget.ts";
import type { ClaimedGroup } from "../store/mining_store.ts";
import { ScriptedDatabase } from "../../../scripts/testing/store/scripted_database.ts";
import { runMiningCycle } from "./cycle.ts";

/** How many groups of some length an invocation mines before it hands over, of so many that are due. */
async function minedOf(due: number, groupMs: number): Promise<[groups: number, handedOver: boolean]> {
  const clock = { now: 0 };
  const claim = (id: number): ClaimedGroup => ({
    group_id: id,
    lease_token: "lease",
    lesson_type: "pm_strength",
    module: "pm",
    pattern_key: "pm.key",
    action_category: "entry",
    run: { config: {}, baseline: null, effects: null, dimensions: null },
    progress: null,
  });
  const database = new ScriptedDatabase({
    get_pm_config: () => ({ cpu_budget_ms: 1000, mining_workers: 1 }),
    claim_mining_group: (_, times) => times < due ? claim(times) : null,
    ring_edge_function: () => null,
  }, new Stopwatch(() => clock.now));
  const report = await runMiningCycle(database.store, {
    family: "strength",
    component: "mine-lessons",
    events: "trades",
    mine: () => {
      clock.now += groupMs;
      return Promise.resolve({ events: 1, lessons: 1, active: 0 });
    },
  }, true);
  return [report.groups, report.handedOver];
}

Deno.test("an invocation begins no group where one as long as the longest so far would not fit its budget", async () => {
  // Of 1,000 ms it may work 850.
  assertEquals(await minedOf(9, 500), [1, true]);
  assertEquals(await minedOf(9, 300), [2, true]);
  assertEquals(await minedOf(9, 200), [4, true]);
  assertEquals(await minedOf(3, 200), [3, false]);
  assertEquals(await minedOf(2, 5_000), [1, true]);
});
