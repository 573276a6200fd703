/** The first steps of an adoption: what is in the way goes into the archive, and Edgeloop is pushed. */

import { delay } from "@std/async/delay.js";
import type { Database } from "../stack/database.ts";
import { installStandIns } from "../stack/standins.ts";
import { MIGRATIONS_DIRECTORY, readSqlFiles } from "../stack/schema_sources.ts";
import { push } from "../supabase_cli.ts";
import type { Look } from "./look.ts";
import {
  beginAdoption,
  counted,
  finishStep,
  inTurn,
  leaveBehind,
  type Plan,
  quoted,
  readState,
  type Transaction,
  type Workplace,
} from "./state.ts";

/** Statements that move a relation, by its kind. */
const MOVERS: Readonly<Record<string, string>> = {
  table: "table",
  view: "view",
  "materialized view": "materialized view",
};

/** Moves what is in the way into schema `before_edgeloop`, rights kept. */
export async function archive(work: Workplace, plan: Plan, seen: Look): Promise<void> {
  const moved = await inTurn(work, "archive", async (transaction) => {
    // Another adoption may have begun while this one looked.
    if (await readState(transaction) !== null) return null;
    await beginAdoption(transaction, plan);
    await rememberRelations(transaction, seen.relations.map(({ name }) => name));
    await dropForeignKeys(transaction);
    const relations = await transaction<{ name: string; kind: string }[]>`
      select relation.name, relation.kind from before_edgeloop.adoption_relations relation order by relation.name`;
    for (const { name, kind } of relations) {
      const mover = MOVERS[kind];
      if (mover === undefined) throw new Error(`public.${name} is a ${kind}, which is not moved; rename it.`);
      await transaction.unsafe(`alter ${mover} public.${quoted(name)} set schema before_edgeloop`);
    }
    await transaction`
      do $rights$
      declare
        role_name name;
      begin
        for role_name in
          select distinct pg_get_userbyid(granted.grantee)
          from pg_catalog.pg_class relation
          cross join lateral aclexplode(relation.relacl) granted
          where relation.relnamespace = 'before_edgeloop'::regnamespace and granted.grantee <> 0
        loop
          execute format('grant usage on schema before_edgeloop to %I', role_name);
        end loop;
      end
      $rights$`;
    await archiveHistory(transaction);
    for (const hanger of seen.hangers) {
      if (hanger.kind === "trigger") {
        await leaveBehind(transaction, "trigger", hanger.name, `it stays on before_edgeloop.${hanger.on}`);
      } else if (hanger.kind === "publication") {
        await leaveBehind(
          transaction,
          "publication",
          hanger.name,
          `it publishes before_edgeloop.${hanger.on}; add public.${hanger.on} where you need it`,
        );
      }
    }
    await finishStep(transaction, "archive");
    return relations;
  });
  if (moved === null) return;
  const views = moved.filter(({ kind }) => kind !== "table").length;
  work.say(
    `Archived ${counted(moved.length - views, "table")} and ${
      counted(views, "view")
    } in schema before_edgeloop, rights kept.`,
  );
}

/** Brings Edgeloop into the database, and the platform's surface where it is not there. */
export async function pushRelease(work: Workplace): Promise<void> {
  const [platform] = await work.sql<{ complete: boolean }[]>`
    select to_regnamespace('auth') is not null and to_regnamespace('extensions') is not null
      and (select count(*) = 3 from pg_catalog.pg_roles where rolname in ('anon', 'authenticated', 'service_role'))
      and not exists (
        select from unnest('{net,cron,vault}'::text[], '{pg_net,pg_cron,supabase_vault}'::text[]) as part(schema, extension)
        where to_regnamespace(part.schema) is null and not exists (
          select from pg_catalog.pg_available_extensions available where available.name = part.extension
        )
      ) as complete`;
  if (platform?.complete !== true) await installStandIns(work.sql);
  await pushBesideAnother(work);
  await inTurn(work, "push", (transaction) => finishStep(transaction, "push"));
  work.say("Pushed Edgeloop.");
}

/** A run that was killed may have left its push at work; what that applied meanwhile is no reason to stop. */
async function pushBesideAnother(work: Workplace): Promise<void> {
  for (;;) {
    const before = await countMigrations(work.sql);
    try {
      await push(work.databaseUrl);
      return;
    } catch (error) {
      await otherSchemaChangesEnded(work.sql);
      if (await countMigrations(work.sql) <= before) throw error;
      work.progress("migrations were applied meanwhile; going on with the rest");
    }
  }
}

async function countMigrations(sql: Database): Promise<number> {
  const [history] = await sql<{ there: boolean }[]>`
    select to_regclass('supabase_migrations.schema_migrations') is not null as there`;
  if (history?.there !== true) return 0;
  const [counted] = await sql<{ migrations: number }[]>`
    select count(*)::integer as migrations from supabase_migrations.schema_migrations`;
  return counted?.migrations ?? 0;
}

/** Waits, a minute at most, while another session of the database holds what only changes of its schema hold. */
async function otherSchemaChangesEnded(sql: Database): Promise<void> {
  for (let attempt = 0; attempt < 240; attempt++) {
    const [held] = await sql<{ held: boolean }[]>`
      select exists (
        select from pg_catalog.pg_locks
        where granted and mode = 'AccessExclusiveLock' and locktype = 'relation' and pid <> pg_backend_pid()
          and database = (select oid from pg_catalog.pg_database where datname = current_database())
      ) as held`;
    if (held?.held !== true) return;
    await delay(250);
  }
}

/** What hangs on the relations goes with them, in whatever schema the archive is. */
async function rememberRelations(transaction: Transaction, names: readonly string[]): Promise<void> {
  await transaction`
    with recursive moved as (
      select relation.oid from pg_catalog.pg_class relation
      where relation.relnamespace = 'public'::regnamespace and relation.relname = any (${[...names]})
      union
      select rule.ev_class
      from moved
      join pg_catalog.pg_depend dependency
        on dependency.refclassid = 'pg_class'::regclass and dependency.refobjid = moved.oid
        and dependency.classid = 'pg_rewrite'::regclass
      join pg_catalog.pg_rewrite rule on rule.oid = dependency.objid
      join pg_catalog.pg_class viewing on viewing.oid = rule.ev_class
      where viewing.relnamespace = 'public'::regnamespace
    )
    insert into before_edgeloop.adoption_relations (name, kind, definition, grants)
    select relation.relname, case relation.relkind when 'v' then 'view' when 'm' then 'materialized view'
        when 'f' then 'foreign table' else 'table' end,
      case when relation.relkind in ('v', 'm') then pg_get_viewdef(relation.oid) end,
      coalesce((
        select jsonb_agg(jsonb_build_object(
          'role', case granted.grantee when 0 then 'public' else pg_get_userbyid(granted.grantee)::text end,
          'right', granted.privilege_type
        ))
        from aclexplode(relation.relacl) granted where granted.grantee <> relation.relowner
      ), '[]')
    from moved join pg_catalog.pg_class relation using (oid)`;
}

/** Foreign keys of tables that stay would point into the archive; they are made anew once the rows are there. */
async function dropForeignKeys(transaction: Transaction): Promise<void> {
  const keys = await transaction<{ child: string; name: string; definition: string }[]>`
    insert into before_edgeloop.adoption_foreign_keys (child, name, definition)
    select key.conrelid::regclass::text, key.conname, pg_get_constraintdef(key.oid)
    from pg_catalog.pg_constraint key
    join pg_catalog.pg_class parent on parent.oid = key.confrelid and parent.relnamespace = 'public'::regnamespace
    join before_edgeloop.adoption_relations moved on moved.name = parent.relname
    where key.contype = 'f' and key.conparentid = 0 and not exists (
      select from before_edgeloop.adoption_relations other
      join pg_catalog.pg_class child on child.relname = other.name and child.relnamespace = 'public'::regnamespace
      where child.oid = key.conrelid
    )
    returning child, name, definition`;
  for (const { child, name } of keys) {
    await transaction.unsafe(`alter table ${child} drop constraint ${quoted(name)}`);
  }
}

/** The CLI refuses to push where it finds migrations that it does not have. */
async function archiveHistory(transaction: Transaction): Promise<void> {
  const [history] = await transaction<{ there: boolean }[]>`
    select to_regclass('supabase_migrations.schema_migrations') is not null as there`;
  const there = history?.there === true;
  await transaction`insert into before_edgeloop.adoption_histories (had_schema) values (${there})`;
  if (!there) return;
  await transaction`
    create table before_edgeloop.adoption_migrations as select * from supabase_migrations.schema_migrations`;
  await transaction`
    delete from supabase_migrations.schema_migrations migration
    where migration.version <> all (${await ownVersions()})`;
}

/** Versions of the migrations in this checkout. */
export async function ownVersions(): Promise<string[]> {
  return (await readSqlFiles(MIGRATIONS_DIRECTORY)).map(({ name }) => name.split("_")[0] ?? name);
}
