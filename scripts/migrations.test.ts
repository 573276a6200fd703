import {
  assert,
  assertEquals,
  assertNotEquals,
  assertObjectMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert/mod.js";
import { nextMigration } from "./release/next_migration.ts";
import { compareSnapshots, snapshotSchema } from "./stack/schema_snapshot.ts";
import { readSqlFiles, runSqlFiles, SQL_DIRECTORY } from "./stack/schema_sources.ts";
import { installStandIns } from "./stack/standins.ts";
import { createTestDatabase, testOnEachTarget } from "./testing/databases.ts";
import { push } from "./supabase_cli.ts";

testOnEachTarget(
  "the pushed migrations and sql/ make the same database, and a second push changes nothing",
  async (target) => {
    await using migrated = await createTestDatabase(target);
    await using declared = await createTestDatabase(target);
    await installStandIns(migrated.sql);
    await installStandIns(declared.sql);
    await push(migrated.databaseUrl);
    await runSqlFiles(declared.sql, await readSqlFiles(SQL_DIRECTORY));
    const after = await snapshotSchema(migrated.sql);
    assertEquals(compareSnapshots(after, await snapshotSchema(declared.sql)), []);
    assert(after.some((line) => line.startsWith("job ")));
    assert(after.some((line) => line.startsWith("row of public.scope_dimensions ")));

    const again = await push(migrated.databaseUrl);
    assertStringIncludes(again.stdout + again.stderr, "up to date");
    assertEquals(await snapshotSchema(migrated.sql), after);
  },
);

/** One change of every kind that a migration has to carry. */
const CHANGES: readonly string[] = [
  "comment on table public.ad_strands is 'Something else.'",
  "comment on column public.ad_strands.kind is 'Something else.'",
  "comment on function public.unified_scope(jsonb, jsonb, jsonb) is 'Something else.'",
  "alter table public.ad_strands add column extra text not null default 'x' check (extra <> '')",
  "alter table public.ad_strands alter column extra set default 'y'",
  "create index ad_strands_extra on public.ad_strands (extra) where extra <> 'x'",
  "create table public.extra (id bigint generated always as identity primary key, strand text references public.ad_strands)",
  "comment on table public.extra is 'An extra table.'",
  "alter table public.extra enable row level security",
  "revoke all on public.extra from anon, authenticated, service_role",
  "create policy readers on public.extra for select to authenticated using ((select auth.uid()) is not null)",
  "comment on policy readers on public.extra is 'Who reads.'",
  "alter policy readers on public.extra using (true)",
  "grant select on public.extra to authenticated",
  "grant update (strand) on public.extra to service_role",
  "create view public.extras with (security_invoker = true) as select id from public.extra",
  "comment on view public.extras is 'An extra view.'",
  "alter view public.extras set (security_barrier = true)",
  "revoke all on public.extras from anon, authenticated, service_role",
  `create function learning.extra() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
     begin return new; end $$`,
  "comment on function learning.extra() is 'An extra function.'",
  "revoke all on function learning.extra() from public, anon, authenticated, service_role",
  "grant execute on function learning.extra() to service_role",
  "alter function learning.extra() stable",
  "create trigger extra before insert on public.extra for each row execute function learning.extra()",
  "comment on trigger extra on public.extra is 'An extra trigger.'",
  "alter table public.extra disable trigger extra",
  "create type learning.extra_pair as (left_side int, right_side int)",
  "comment on type learning.extra_pair is 'An extra pair.'",
  "comment on column learning.extra_pair.left_side is 'The left side.'",
  "insert into public.scope_dimensions (dim, bit, source) values ('extra', 30, 'entry')",
  "select cron.schedule('extra', '5 * * * *', 'select 1')",
];

Deno.test("the snapshot notices a change of every kind", async () => {
  await using database = await createTestDatabase("embedded");
  await installStandIns(database.sql);
  await runSqlFiles(database.sql, await readSqlFiles(SQL_DIRECTORY));
  let before = await snapshotSchema(database.sql);
  for (const change of CHANGES) {
    await database.sql.unsafe(change);
    const after = await snapshotSchema(database.sql);
    // The platform's default privileges may have left nothing to revoke.
    if (!change.startsWith("revoke")) assertNotEquals(compareSnapshots(before, after), [], change);
    before = after;
  }
});

Deno.test("a change of every kind finds its way into the next migration, and out of it again", async () => {
  const sources = await readSqlFiles(SQL_DIRECTORY);
  const extra = { name: "99_extra.sql", text: CHANGES.map((change) => `${change};\n`).join("") };
  const there = await nextMigration([...sources, extra], sources);
  assertEquals(there?.destroys, []);

  const back = await nextMigration(sources, [...sources, extra]);
  assertStringIncludes(back?.sql ?? "", "select cron.unschedule('extra');");
  assertStringIncludes(back?.sql ?? "", "delete from public.scope_dimensions where");
  assert((back?.destroys.length ?? 0) > 0);
});

Deno.test("a database that holds a draft from before the first release is refused in one sentence, with the way out", async () => {
  await using database = await createTestDatabase("embedded");
  await installStandIns(database.sql);
  await database.sql.unsafe("create schema learning");
  const [first] = await readSqlFiles(SQL_DIRECTORY);
  const refusal = await assertRejects(() => database.sql.unsafe(first?.text ?? "").simple().execute());
  assertObjectMatch(refusal as unknown as Record<string, unknown>, {
    code: "55000",
    detail: "Schema learning is there, and has no table of releases.",
  });
  const { message, hint } = refusal as unknown as { message: string; hint: string };
  assertStringIncludes(
    message,
    "holds a draft of Edgeloop from before 0.1.0, which cannot be upgraded: push to a new project",
  );
  assertStringIncludes(hint, "drop schema learning cascade");
});
