import { assertEquals, assertObjectMatch, assertRejects, assertStringIncludes } from "@std/assert/mod.js";
import { buildDatabase } from "./built_database.ts";
import { nextMigration } from "./next_migration.ts";
import { changeRegistries, TRIAL_AFTER, TRIAL_BEFORE } from "./trial.ts";
import type { Database } from "../stack/database.ts";
import { compareSnapshots, snapshotSchema } from "../stack/schema_snapshot.ts";
import { readSqlFiles, runSqlFiles, SQL_DIRECTORY, type SqlFile } from "../stack/schema_sources.ts";

/** Rows of a database in use; what a user made his own is not a release's to change. */
async function fill(sql: Database, size: "size" | "quantity"): Promise<void> {
  await sql.unsafe(`
    insert into learning.trial_orders (symbol, ${size}, amount, note)
    values ('A', 1, '10', null), ('A', 2, '20.5', 'fine'), ('B', 3, '30', 'good');
    insert into public.scope_dimensions (dim, bit, source, weight) values ('own', 30, 'entry', 4);
    update public.scope_dimensions set weight = 3 where dim = 'chain';
    update public.scope_dimensions set aliases = '{mine}' where dim = 'timeframe';
    insert into public.learning_configs (module_id, config_data) values ('pm', '{"edge_min": 0.07}');
    insert into public.lowcap_positions (id, token_chain, token_contract, timeframe, status, total_allocation_pct, pattern_key, entry_context)
    values ('00000000-0000-0000-0000-000000000001', 'solana', 'x', '15m', 'active', 2, 'pm.uptrend.S1.entry', '{"own": "yes", "chain": "solana"}');
  `).simple();
}

const ANSWERS = [
  "select id, symbol, venue, quantity, amount, note from learning.trial_orders order by id",
  "select * from public.trial_amounts order by id",
  "select * from public.trial_scales order by id",
  "select * from public.trial_totals",
  "select * from public.trial_pairs",
  "select * from public.trial_row()",
  "select * from learning.trial_scaled(2)",
  'select learning.normal_scope_mask(\'{"own": "yes", "chain": "solana"}\')',
  "select public.get_pm_config()",
  `select to_jsonb(sizing) - 'computed_at' as sizing
   from public.get_pm_sizing('pm.uptrend.S1.entry', 'entry', '{"own": "yes", "chain": "solana"}') as sizing`,
  "select to_jsonb(lever) from public.get_pm_levers('pm.uptrend.S1.entry', 'entry', '{\"own\": \"yes\"}') as lever",
];

async function answers(sql: Database): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const question of ANSWERS) found.push([question, ...await sql.unsafe(question)]);
  return found;
}

Deno.test("a database with rows that was given a change of every kind is and answers what a fresh one does", async () => {
  await using cleanup = new AsyncDisposableStack();
  const sources = await readSqlFiles(SQL_DIRECTORY);
  const released = [...sources, TRIAL_BEFORE];
  const later = [...changeRegistries(sources), TRIAL_AFTER];
  const next = await nextMigration(later, released);
  assertEquals(next?.destroys, []);
  assertEquals(next?.notes, [
    "Column venue stands in the middle of learning.trial_orders in sql/, and at its end after an upgrade.",
  ]);
  assertStringIncludes(next?.sql ?? "", `-- ${next?.notes[0]}`);

  const upgraded = await buildDatabase(cleanup, released);
  await fill(upgraded.sql, "size");
  await runSqlFiles(upgraded.sql, [{ name: "next", text: next?.sql ?? "" }]);
  const fresh = await buildDatabase(cleanup, later);
  await fill(fresh.sql, "quantity");
  assertEquals(compareSnapshots(await snapshotSchema(upgraded.sql), await snapshotSchema(fresh.sql)), []);
  assertEquals(await answers(upgraded.sql), await answers(fresh.sql));
  const overloaded = await upgraded.sql`
    select proname from pg_proc where pronamespace in ('public'::regnamespace, 'learning'::regnamespace)
    group by pronamespace, proname having count(*) > 1`;
  assertEquals([...overloaded], []);
});

/** A schema of a few lines, so that what is refused is refused quickly. */
function small(text: string): SqlFile[] {
  return [{
    name: "01_small.sql",
    text: `create schema learning;
create table learning.orders (id integer primary key, size integer, note text, kind text not null default 'a');
comment on table learning.orders is 'Orders.';
create type learning.pair as (first text, second text);
${text}`,
  }];
}

const ROWS = "insert into learning.orders (id, size, note) values (1, -1, ''), (2, -2, 'x'), (3, null, '4');";

/** What a push of the next migration onto rows says. */
async function pushOntoRows(released: readonly SqlFile[], migration: string): Promise<unknown> {
  await using cleanup = new AsyncDisposableStack();
  const { sql } = await buildDatabase(cleanup, released);
  await sql.unsafe(ROWS);
  try {
    await sql.begin((transaction) => transaction.unsafe(migration).simple());
  } catch (error) {
    return error;
  }
  return await sql`select * from learning.orders order by id`.then((rows) => [...rows]);
}

Deno.test("rows that break a new constraint are counted by the migration, and mended by hand they pass", async () => {
  const released = small("");
  const sources = small("alter table learning.orders add constraint sized check (size > 0);");
  const next = await nextMigration(sources, released);
  const refused = await pushOntoRows(released, next?.sql ?? "");
  assertObjectMatch(refused as Record<string, unknown>, {
    code: "23514",
    message: "The new constraint sized of learning.orders, CHECK ((size > 0)), is broken by 2 rows",
    hint:
      "Look at them with: select * from learning.orders where not ((size > 0)); correct or delete them, and push again. Nothing was changed.",
  });
  const mended = await nextMigration(sources, released, {
    before: "-- Sizes had a sign.\nupdate learning.orders set size = -size where size < 0;",
    after: "",
  });
  assertObjectMatch({ rows: await pushOntoRows(released, mended?.sql ?? "") }, {
    rows: [{ id: 1, size: 1 }, { id: 2, size: 2 }, { id: 3, size: null }],
  });
});

Deno.test("rows without a value that must be there are counted by the migration", async () => {
  const released = small("");
  const next = await nextMigration(
    small("alter table learning.orders alter column size set not null;"),
    released,
  );
  assertObjectMatch(await pushOntoRows(released, next?.sql ?? "") as Record<string, unknown>, {
    code: "23502",
    message: "Column size of learning.orders must not be null any more and is so in 1 row",
  });
});

Deno.test("a new column that rows could have no value of is refused with what to write by hand, which is accepted", async () => {
  const released = small("");
  const sources = small("alter table learning.orders add column venue text not null;");
  const refusal = await assertRejects(
    () => nextMigration(sources, released),
    Error,
    "not null and without a default",
  );
  const [statements = ""] = /^alter table[^]*/m.exec(refusal.message) ?? [];
  assertEquals(
    statements,
    "alter table learning.orders add column venue text;\n" +
      "update learning.orders set venue = … where venue is null;\n" +
      "alter table learning.orders alter column venue set not null;",
  );
  const next = await nextMigration(sources, released, { before: statements.replace("…", "kind"), after: "" });
  assertObjectMatch({ rows: await pushOntoRows(released, next?.sql ?? "") }, {
    rows: [{ id: 1, venue: "a" }, { id: 2, venue: "a" }, { id: 3, venue: "a" }],
  });
});

Deno.test("a type that cannot be cast is refused with the statement, and accepted when it is written by hand", async () => {
  const released = small("");
  const sources = small("alter table learning.orders drop column size, add column size date;");
  await assertRejects(() => nextMigration(sources, released), Error, "cannot cast type integer to date");
  const next = await nextMigration(sources, released, {
    before: "alter table learning.orders alter column size type date using date '2026-01-01' + size;",
    after: "",
  });
  assertObjectMatch({ rows: await pushOntoRows(released, next?.sql ?? "") }, {
    rows: [{ id: 1, size: "2025-12-31" }],
  });
});

Deno.test("a column is renamed with its data only where its line says so, and a wrong remark is refused", async () => {
  const released = small("");
  const text = small("")[0]?.text ?? "";
  const renamed = (remark: string): SqlFile[] => [{
    name: "01_small.sql",
    text: text.replace("size integer, note text, kind", `\n  quantity integer, ${remark}\n  note text, kind`),
  }];
  const lost = await nextMigration(renamed(""), released);
  assertEquals(lost?.destroys, ['ALTER TABLE "learning"."orders" DROP COLUMN "size"']);
  const kept = await nextMigration(renamed("-- renamed from: size"), released);
  assertEquals(kept?.destroys, []);
  assertObjectMatch({ rows: await pushOntoRows(released, kept?.sql ?? "") }, {
    rows: [{ id: 1, quantity: -1 }],
  });
  await assertRejects(
    () => nextMigration(renamed("-- renamed from: magnitude"), released),
    Error,
    'Column "quantity" of learning.orders is said to be renamed from "magnitude"',
  );
});

Deno.test("a column in the middle is refused where rows are read by the place of a column", async () => {
  const reader = `create function learning.all_orders() returns setof learning.orders language sql stable
    set search_path = pg_catalog, pg_temp as $$ select * from learning.orders $$;`;
  const text = small(reader)[0]?.text ?? "";
  const changed = [{
    name: "01_small.sql",
    text: text.replace("size integer,", "size integer, venue text,"),
  }];
  await assertRejects(
    () => nextMigration(changed, small(reader)),
    Error,
    "Column venue does not stand at the end of learning.orders in sql/, where an upgrade puts it, and learning.all_orders() " +
      "may read rows of learning.orders by the place of a column. Put it last in sql/, too.",
  );
});

Deno.test("a composite type that a table keeps values of cannot be reshaped, and it is said", async () => {
  const kept = "alter table learning.orders add column pair learning.pair;";
  const text = small(kept)[0]?.text ?? "";
  const changed = [{
    name: "01_small.sql",
    text: text.replace("(first text,", "(between text, first text,"),
  }];
  await assertRejects(
    () => nextMigration(changed, small(kept)),
    Error,
    "The attributes of learning.pair were changed otherwise than at their end, and table column learning.orders.pair uses",
  );
});

Deno.test("where nothing changed there is no migration, and the same change always makes the same one", async () => {
  const released = small("");
  assertEquals(await nextMigration(released, released), null);
  const sources = small(
    "create index orders_kind on learning.orders (kind); create view learning.kinds as select kind from learning.orders;",
  );
  assertEquals(await nextMigration(sources, released), await nextMigration(sources, released));
});

Deno.test("what is new in public is granted to nobody else where a project's defaults give everything away", async () => {
  await using cleanup = new AsyncDisposableStack();
  const sources = await readSqlFiles(SQL_DIRECTORY);
  const next = await nextMigration([...sources, {
    name: "99_new.sql",
    text: `
      create table public.new_notes (id bigint generated always as identity primary key, note text);
      comment on table public.new_notes is 'New.';
      alter table public.new_notes enable row level security;
      create view public.new_view with (security_invoker = true) as select note from public.new_notes;
      comment on view public.new_view is 'New.';
      create function public.new_answer() returns integer language sql set search_path = pg_catalog, pg_temp as 'select 42';
      comment on function public.new_answer() is 'New.';
      revoke all on function public.new_answer() from public;
      grant select on public.new_notes to service_role;
      grant execute on function public.new_answer() to service_role;`,
  }], sources);
  const { sql } = await buildDatabase(cleanup, sources);
  await sql.unsafe(`
    alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
    alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
    alter default privileges in schema public grant all on functions to anon, authenticated, service_role;`)
    .simple();
  await runSqlFiles(sql, [{ name: "next", text: next?.sql ?? "" }]);
  const granted = await sql.unsafe<{ role: string; granted: string[] }[]>(`
    select role, array_remove(array[
      case when has_table_privilege(role, 'public.new_notes', 'select') then 'notes' end,
      case when has_table_privilege(role, 'public.new_notes', 'insert') then 'writes' end,
      case when has_table_privilege(role, 'public.new_view', 'select') then 'view' end,
      case when has_sequence_privilege(role, 'public.new_notes_id_seq', 'usage') then 'sequence' end,
      case when has_function_privilege(role, 'public.new_answer()', 'execute') then 'answer' end
    ], null) as granted
    from unnest('{anon,authenticated,service_role}'::text[]) as role`);
  assertEquals([...granted], [
    { role: "anon", granted: [] },
    { role: "authenticated", granted: [] },
    { role: "service_role", granted: ["notes", "answer"] },
  ]);
});
