/** What a push does to a database that is in use: nothing is lost, and the loop goes on. */

import { assertEquals } from "@std/assert/mod.js";
import { arrivalsOf, generateHistory } from "./guarantees/history.ts";
import { differences, type Outcome, readOutcome } from "./guarantees/outcome.ts";
import { Rig } from "./guarantees/rig.ts";
import { nextMigration } from "./release/next_migration.ts";
import { MIGRATIONS_DIRECTORY, readSqlFiles, SQL_DIRECTORY, type SqlFile } from "./stack/schema_sources.ts";
import { snapshotSchema } from "./stack/schema_snapshot.ts";
import { installStandIns } from "./stack/standins.ts";
import { createTestDatabase, testOnEachTarget } from "./stack/testing.ts";
import { push } from "./supabase_cli.ts";

/** What a later release may bring. */
const LATER = {
  name: "99_later.sql",
  text: `
    alter table public.pm_overrides add column reviewed_at timestamptz;
    comment on column public.pm_overrides.reviewed_at is 'When a person looked at it.';
    alter table public.strand_receipts alter column attempts set default 0;
    create index strand_receipts_received_idx on public.strand_receipts (received_at);
    create or replace function learning.retry_delay(attempts integer)
    returns interval language sql immutable set search_path = ''
    as $$ select interval '10 seconds' * power(2, least(attempts, 7)); $$;
    comment on function learning.retry_delay(integer) is 'Shorter than before.';
    create view public.later with (security_invoker = true) as select dim from public.scope_dimensions;
    comment on view public.later is 'New.';
    insert into public.scope_dimensions (dim, bit, source) values ('later', 30, 'entry');
    select cron.schedule('edgeloop-later', '30 4 * * *', $$select 1$$);`,
};

testOnEachTarget(
  "a push onto the first release brings what is new, keeps what is there, and the loop goes on",
  async (target) => {
    await using cleanup = new AsyncDisposableStack();
    const database = cleanup.use(await createTestDatabase(target));
    await installStandIns(database.sql);
    const migrations = await readSqlFiles(MIGRATIONS_DIRECTORY);
    const workdir = await createWorkdir(cleanup);
    const release = async (files: readonly SqlFile[]): Promise<void> => {
      for (const { name, text } of files) {
        await Deno.writeTextFile(`${workdir}/supabase/migrations/${name}`, text);
      }
      await push(database.databaseUrl, { workdir });
    };
    await release(migrations.slice(0, 1));

    const history = generateHistory(11, 40);
    const deliveries = arrivalsOf(history, 1);
    const half = Math.ceil(deliveries.length / 2);
    let before: Outcome;
    {
      await using rig = await Rig.start({ databaseUrl: database.databaseUrl });
      await rig.feed(deliveries.slice(0, half));
      await rig.drain();
      before = await readOutcome(rig.stack.query);
    }

    const sources = await readSqlFiles(SQL_DIRECTORY);
    const next = await nextMigration([...sources, LATER], migrations);
    assertEquals(next?.destroys, []);
    await release([...migrations.slice(1), { name: "99990101000000_later.sql", text: next?.sql ?? "" }]);
    await using rig = await Rig.start({ databaseUrl: database.databaseUrl });
    assertEquals(differences(before, await readOutcome(rig.stack.query)), []);
    assertEquals(await rig.query("select dim from public.later where dim = 'later'"), [{ dim: "later" }]);
    assertEquals(await rig.query("select jobname from cron.job where jobname = 'edgeloop-later'"), [{
      jobname: "edgeloop-later",
    }]);

    await rig.feed(deliveries.slice(half));
    await rig.drain();
    const after = await readOutcome(rig.stack.query);
    assertEquals(after.get("receipts")?.length, history.strands.length);

    const schema = await snapshotSchema(database.sql);
    await push(database.databaseUrl, { workdir });
    assertEquals(await snapshotSchema(database.sql), schema);
  },
);

/** A project with nothing in it but its configuration. */
async function createWorkdir(cleanup: AsyncDisposableStack): Promise<string> {
  const workdir = await Deno.makeTempDir({ prefix: "edgeloop_upgrade_" });
  cleanup.defer(() => Deno.remove(workdir, { recursive: true }));
  await Deno.mkdir(`${workdir}/supabase/migrations`, { recursive: true });
  await Deno.copyFile(new URL("../supabase/config.toml", import.meta.url), `${workdir}/supabase/config.toml`);
  return workdir;
}
