/** Deleting strands takes back what was learned from them, through the whole stack; pruning them does not. */

import { assert, assertEquals } from "@std/assert/mod.js";
import { createClient } from "@supabase/supabase-js";
import { arrivalsOf, generateHistory, type History } from "./guarantees/history.ts";
import { learn } from "./guarantees/learning.ts";
import { differences, type Outcome, readOutcome } from "./guarantees/outcome.ts";
import { Rig } from "./guarantees/rig.ts";
import { createTestDatabase, type Target, testOnEachTarget } from "./testing/databases.ts";

const TRADES: Readonly<Record<Target, number>> = { embedded: 80, postgres: 150 };
/** A trade or an episode in four. */
const IS_DELETED = /^(?:trade|episode)-\d*[37]-|^(?:trade|episode)-[37]-/;

async function startRig(target: Target, cleanup: AsyncDisposableStack): Promise<Rig> {
  const database = cleanup.use(await createTestDatabase(target, "migrations"));
  return cleanup.use(await Rig.start({ databaseUrl: database.databaseUrl }));
}

/** Sweeps until nothing waits: neither a strand nor what was deleted nor a replay. */
async function sweepUp(rig: Rig): Promise<void> {
  for (let round = 0; round < 50; round++) {
    await rig.sweep();
    await rig.drain();
    const left = await rig.query("select from learning.withdrawn_strands");
    if (left.length === 0 && !await rig.isReplaying()) return;
  }
  throw new Error("What was deleted still waits after 50 sweeps.");
}

/** Mines and materialises as the next hours would. */
async function learnAnew(rig: Rig): Promise<void> {
  for (const component of ["mine-lessons", "mine-tuning", "materialize-overrides"]) {
    for (let round = 0; round < 3; round++) {
      await rig.query("select learning.ring($1)", [component]);
      await rig.settle();
    }
  }
}

/** The lessons that are believed, with what they rest on, and the overrides that act. */
async function beliefs(rig: Rig): Promise<Outcome> {
  const read = async (sql: string): Promise<string[]> =>
    (await rig.query<{ line: string }>(sql)).map(({ line }) => line).sort();
  return new Map([
    [
      "lessons",
      await read(`
        select concat_ws(' ', pattern_key, action_category, scope_subset, n, round(edge_raw::numeric, 9)) as line
        from public.learning_lessons where status = 'active'`),
    ],
    [
      "overrides",
      await read(`
        select concat_ws(' ', override_type, pattern_key, action_category, scope_subset, n, round(edge_raw::numeric, 9)) as line
        from public.pm_overrides where enabled and override_type = 'pm_strength'`),
    ],
  ]);
}

function without(history: History): History {
  return { ...history, strands: history.strands.filter(({ id }) => !IS_DELETED.test(id)) };
}

testOnEachTarget(
  "what is deleted leaves no trace in what is believed, held or shared out",
  async (target) => {
    await using cleanup = new AsyncDisposableStack();
    const history = generateHistory(TRADES[target], TRADES[target]);
    const rig = await startRig(target, cleanup);
    await learn(rig, TRADES[target], "none");
    const client = createClient(rig.stack.apiUrl, rig.stack.secretKey, { auth: { persistSession: false } });
    const doomed = history.strands.map(({ id }) => id).filter((id) => IS_DELETED.test(id));
    assert(doomed.length > 50, `${doomed.length} strands`);
    for (let from = 0; from < doomed.length; from += 50) {
      const { error } = await client.from("ad_strands").delete().in("id", doomed.slice(from, from + 50));
      assertEquals(error, null);
    }
    const held = await rig.query("select from learning.closed_trades where trade_id like '%7'");
    assert(held.length > 0, "the delete itself takes nothing back");
    await sweepUp(rig);
    await learnAnew(rig);

    const other = await startRig(target, cleanup);
    await other.query("insert into public.learning_configs (module_id, config_data) select 'pm', $1::jsonb", [
      JSON.stringify(
        (await rig.query<{ config_data: unknown }>("select config_data from public.learning_configs"))[0]
          ?.config_data,
      ),
    ]);
    await other.feed(arrivalsOf(without(history), 1));
    await other.drain();
    await learnAnew(other);

    assertEquals(
      differences(
        await readOutcome((sql) => other.query(sql)),
        await readOutcome((sql) => rig.query(sql)),
      ).filter((line) => !line.startsWith("positions") && !line.startsWith("receipts")),
      [],
    );
    const [wanted, found] = [await beliefs(other), await beliefs(rig)];
    assert((wanted.get("lessons")?.length ?? 0) > 0, "there is something to believe");
    assertEquals(differences(wanted, found), []);
  },
);

testOnEachTarget(
  "pruned strands are gone, and what was learned from them is mined as before",
  async (target) => {
    await using cleanup = new AsyncDisposableStack();
    const rig = await startRig(target, cleanup);
    await learn(rig, TRADES[target], "none");
    const before = await readOutcome((sql) => rig.query(sql));
    const believed = await beliefs(rig);
    const client = createClient(rig.stack.apiUrl, rig.stack.secretKey, { auth: { persistSession: false } });
    let removed = 0;
    for (let more = true; more;) {
      const { data, error } = await client.rpc("prune_strands", { before: "2026-09-01T00:00:00Z" });
      assertEquals(error, null);
      removed += data.strands;
      more = data.more;
    }
    assert(removed > 50, `${removed} strands`);
    await sweepUp(rig);
    await rig.query("update learning.mining_groups set evidence_version = evidence_version + 1 where id > 0");
    await learnAnew(rig);
    const parts = (outcome: Outcome): Outcome =>
      new Map([...outcome].filter(([part]) => part !== "receipts"));
    assertEquals(differences(parts(before), parts(await readOutcome((sql) => rig.query(sql)))), []);
    assertEquals(differences(believed, await beliefs(rig)), []);
  },
);

testOnEachTarget("an emptied inbox is noticed, and every strand is where it was", async (target) => {
  await using cleanup = new AsyncDisposableStack();
  const rig = await startRig(target, cleanup);
  await learn(rig, TRADES[target], "none");
  const before = await readOutcome((sql) => rig.query(sql));
  await rig.query("truncate public.strand_receipts");
  const problem = async (): Promise<string> =>
    (await rig.query<{ problem: string | null }>(
      "select problem from public.learning_health where stage = 'inbox'",
    ))[0]
      ?.problem ?? "";
  assert((await problem()).includes("no receipt"), await problem());
  await sweepUp(rig);
  const parts = (outcome: Outcome): Outcome =>
    new Map([...outcome].map(([part, lines]) => [
      part,
      // How often a strand had changed is told by its receipt alone.
      part === "receipts" ? lines.map((line) => line.replace(/"revision": \d+/, "")) : lines,
    ]));
  assertEquals(differences(parts(before), parts(await readOutcome((sql) => rig.query(sql)))), []);
  assert((await problem()).includes("found without a receipt"), await problem());
});
