/**
 * What the book's commands for a restore lead to: rows of a database in use, dumped as the CLI dumps them, in a database
 * that was only pushed (README.md, "Restore").
 */

import { assertEquals, assertMatch } from "@std/assert/mod.js";
import { learn, readLearned } from "./guarantees/learning.ts";
import { differences, readOutcome } from "./guarantees/outcome.ts";
import { Rig } from "./guarantees/rig.ts";
import { dataDumpScript } from "./supabase_cli.ts";
import { createTestDatabase, type TestDatabase, testOnRealPostgres } from "./testing/databases.ts";

const SCHEMAS = ["public", "learning"];

/** What is in use besides what was learned, and what a person changed of what the push wrote. */
const BY_HAND = `
  update learning_configs set config_data = config_data || '{"edge_min": 0.02}' where module_id = 'pm';
  insert into learning_configs (module_id, config_data)
  values ('decision_maker', '{"start_shares": {"15m": 0.2, "1h": 0.4, "4h": 0.4}}');
  delete from scope_dimensions where dim = 'bucket_leader';
  insert into scope_dimensions (dim, bit, source, weight) values ('own', 15, 'entry', 2);
  delete from learning_levers where lever = 'panic_trigger_mult';
  insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, dir_a, dir_e, confidence_score)
  values ('pm_strength', 'pm.uptrend.S1.buy_flag', 'entry', '{"own": "yes"}', 1.2, 0.6, -0.3, 0.8);
  insert into lowcap_positions (token_chain, token_contract, timeframe, status, total_allocation_pct, entry_context)
  values ('solana', 'a', '15m', 'active', 0.02, '{"curator": "x", "own": "yes"}'), ('base', 'b', '1h', 'active', 0.03, '{}');`;

/** Every row that a dump holds, by table. */
async function rowsOf({ sql }: TestDatabase): Promise<Map<string, string[]>> {
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'learning') order by 1`;
  const rows = new Map<string, string[]>();
  for (const { name } of tables) {
    const found = await sql.unsafe<{ line: string }[]>(`select held::text as line from ${name} held`);
    rows.set(name, found.map(({ line }) => line).sort());
  }
  return rows;
}

const SIZED = `
  select to_jsonb(sized) - 'computed_at' as row
  from get_pm_sizing_batch((
    select jsonb_agg(jsonb_build_object('pattern_key', held.pattern_key, 'action_category', held.action_category,
      'scope', held.scope || '{"own": "yes"}', 'as_of', '2026-07-01T00:00:00Z') 
      order by held.pattern_key, held.action_category, held.scope::text)
    from (select distinct pattern_key, action_category, scope from pattern_trade_events where module = 'pm') as held
  )) as sized`;

async function sizesOf({ sql }: TestDatabase): Promise<string[]> {
  const rows = await sql.unsafe<{ row: unknown }[]>(SIZED);
  return rows.map(({ row }) => JSON.stringify(row));
}

async function shell(script: string): Promise<string> {
  const output = await new Deno.Command("bash", {
    args: ["-c", script],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  if (output.code !== 0) throw new Error(decoder.decode(output.stderr));
  return decoder.decode(output.stdout);
}

/** Dumps one database and restores it into another, by the commands of the book. */
async function restore(from: TestDatabase, to: TestDatabase, flags: readonly string[]): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "edgeloop_dump_" });
  try {
    const dump = await shell(await dataDumpScript(from.databaseUrl, SCHEMAS, flags));
    await Deno.writeTextFile(`${folder}/data.sql`, dump);
    await shell(
      `psql --no-psqlrc --single-transaction --variable ON_ERROR_STOP=1 --file ${folder}/data.sql '${to.databaseUrl}'`,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const [form, flags] of [["copies", ["--use-copy"]], ["inserts", []]] as const) {
  testOnRealPostgres(
    `a dump of data that ${form} goes into a fresh push, which goes on from there`,
    async () => {
      await using former = await createTestDatabase("postgres", "migrations");
      {
        await using rig = await Rig.start({ databaseUrl: former.databaseUrl });
        await learn(rig, 60, "none");
        await rig.query("delete from ad_strands where id like 'trade-1-%'");
        await rig.sweep();
        await rig.settle();
      }
      await former.sql.unsafe(BY_HAND).simple();
      const [pruned] = await former.sql<{ report: { strands: number } }[]>`
      select public.prune_strands('2026-03-01') as report`;
      assertEquals((pruned?.report.strands ?? 0) > 0, true);

      await using fresh = await createTestDatabase("postgres", "migrations");
      // A fresh push does not stand still: its schedule writes log lines of its own.
      await fresh.sql`select learning.sweep()`;
      const ownRings = (await rowsOf(fresh)).get("learning.doorbells") ?? [];
      await restore(former, fresh, flags);

      const [wanted, found] = [await rowsOf(former), await rowsOf(fresh)];
      // Whom the former database rang is none of the new one's business.
      assertEquals(found.get("learning.doorbells"), ownRings);
      wanted.set("learning.doorbells", ownRings);
      assertEquals(differences(wanted, found), []);
      assertEquals(await sizesOf(fresh), await sizesOf(former));

      const outcome = await readOutcome((query) => fresh.sql.unsafe(query));
      const report = await fresh.sql<{ what: string; how_many: string }[]>`select * from learning.rebuild()`;
      const counts = new Map(report.map(({ what, how_many }) => [what, Number(how_many)]));
      assertEquals(counts.get("receipts given to strands without one"), 0);
      assertEquals(counts.get("events whose scope was coded otherwise"), 0);
      assertEquals(counts.get("modules with their configuration in force"), 2);
      assertEquals(counts.get("allocation steps"), wanted.get("public.timeframe_allocation_steps")?.length);
      assertEquals(counts.get("positions that count as exposure"), 2);
      assertEquals(differences(outcome, await readOutcome((query) => fresh.sql.unsafe(query))), []);
      assertEquals(await sizesOf(fresh), await sizesOf(former));

      await using rig = await Rig.start({ databaseUrl: fresh.databaseUrl });
      const learned = await readLearned(rig);
      await rig.query(`
      insert into ad_strands (id, kind, module, content, created_at) values ('after', 'pm_action', 'pm',
        '{"trade_id": "after", "pattern_key": "pm.after", "action_category": "entry", "scope": {"chain": "never seen"}}', now())`);
      await rig.drain();
      const [receipt] = await rig.query<{ status: string }>(
        "select status from strand_receipts where strand_id = 'after'",
      );
      assertEquals(receipt?.status, "done");
      assertEquals(differences(await readLearned(rig), learned), []);
    },
  );
}

testOnRealPostgres("what a dump lacks is derived: receipts, dictionary, closed trades, shares", async () => {
  await using former = await createTestDatabase("postgres", "migrations");
  {
    await using rig = await Rig.start({ databaseUrl: former.databaseUrl });
    await learn(rig, 60, "none");
  }
  await using fresh = await createTestDatabase("postgres", "migrations");
  const folder = await Deno.makeTempDir({ prefix: "edgeloop_dump_" });
  try {
    // Only what people know of.
    const dump = await shell(
      await dataDumpScript(former.databaseUrl, ["public"], ["--exclude=public.strand_receipts"]),
    );
    await Deno.writeTextFile(`${folder}/data.sql`, dump);
    await shell(
      `psql --no-psqlrc --single-transaction --variable ON_ERROR_STOP=1 --file ${folder}/data.sql '${fresh.databaseUrl}'`,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  await fresh.sql`select * from learning.rebuild()`;
  await using rig = await Rig.start({ databaseUrl: fresh.databaseUrl });
  await rig.drain();
  await fresh.sql`select * from learning.rebuild()`;
  const [wanted, found] = await Promise.all([
    readOutcome((query) => former.sql.unsafe(query)),
    readOutcome((query) => fresh.sql.unsafe(query)),
  ]);
  const parts = ["events", "episodes", "closes", "allocation steps", "allocation now"];
  const only = (outcome: typeof wanted): typeof wanted =>
    new Map([...outcome].filter(([part]) => parts.includes(part)));
  assertEquals(differences(only(wanted), only(found)), []);
  assertEquals(await sizesOf(fresh), await sizesOf(former));
});

testOnRealPostgres("the dump of a release that was not pushed is refused, and says so", async () => {
  await using former = await createTestDatabase("postgres", "migrations");
  await former.sql`insert into learning.releases (version, released_at) values ('99.0.0', now())`;
  await using fresh = await createTestDatabase("postgres", "migrations");
  const refusal = await restore(former, fresh, []).then(() => "", (error: Error) => error.message);
  assertMatch(refusal, /The dump comes from release 99\.0\.0/);
});
