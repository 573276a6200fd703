/** The way back: everything is put where it was, while nothing newer would be lost. */

import { type OwnNames, readOwnNames } from "../stack/guests.ts";
import { ownVersions } from "./archive.ts";
import { digestOf } from "./carry.ts";
import { counted, inTurn, isArchived, quoted, readState, type Transaction, type Workplace } from "./state.ts";

/** Puts everything back; returns what would be lost instead, where something would and `discard` does not say so. */
export async function undo(work: Workplace, options: { readonly discard: boolean }): Promise<string[]> {
  const names = await readOwnNames();
  const versions = await ownVersions();
  return await inTurn(work, "undo", async (transaction) => {
    if (await readState(transaction) === null) throw new Error("Nothing was adopted here.");
    const losses = await findLosses(transaction);
    if (losses.length > 0 && !options.discard) return losses;
    const relations = await transaction<{ name: string; kind: string; made_anew: boolean }[]>`
      select relation.name, relation.kind, relation.made_anew
      from before_edgeloop.adoption_relations relation order by relation.name`;
    await dropOurs(transaction, names);
    await putBack(transaction, relations);
    await restoreHistory(transaction, versions);
    await transaction`drop index if exists public.adoption_order_idx`;
    await transaction`
      drop table before_edgeloop.adoption, before_edgeloop.adoption_steps, before_edgeloop.adoption_progress,
        before_edgeloop.adoption_left_behind, before_edgeloop.adoption_relations,
        before_edgeloop.adoption_foreign_keys, before_edgeloop.adoption_digests,
        before_edgeloop.adoption_made_strands, before_edgeloop.adoption_histories`;
    await transaction`drop schema before_edgeloop`;
    await transaction`notify pgrst, 'reload schema'`;
    work.say(`Put ${counted(relations.length, "relation")} back into public; Edgeloop is gone from here.`);
    return [];
  });
}

/** What the archive does not have: nobody writes while it is counted and until it is gone. */
async function findLosses(transaction: Transaction): Promise<string[]> {
  const [there] = await transaction<{ tables: string[] }[]>`
    select array(
      select relation.relname::text from pg_catalog.pg_class relation
      where relation.relnamespace = 'public'::regnamespace and relation.relkind = 'r'
        and relation.relname in ('ad_strands', 'lowcap_positions', 'pattern_episode_events', 'pm_overrides',
          'learning_configs')
        and exists (
          select from pg_catalog.pg_class inside
          where inside.relnamespace = to_regnamespace('learning') and inside.relname = 'guest_columns'
        )
      order by relation.relname
    ) as tables`;
  const tables = there?.tables ?? [];
  if (tables.length < 5) return [];
  await transaction.unsafe(
    `lock table ${tables.map((table) => `public.${table}`).join(", ")} in access exclusive mode`,
  );
  const losses: string[] = [];
  const count = async (sql: string, sentence: (n: number) => string): Promise<void> => {
    const [row] = await transaction.unsafe<{ n: number }[]>(sql);
    if ((row?.n ?? 0) > 0) losses.push(sentence(row?.n ?? 0));
  };
  const inArchive = async (table: string, row: string): Promise<string> =>
    await isArchived(transaction, table)
      ? `exists (select from before_edgeloop.${table} archived where archived.id::text = ${row})`
      : "false";
  await count(
    `select count(*) as n from public.ad_strands strand
     where not ${await inArchive("ad_strands", "strand.id")}
       and not exists (select from before_edgeloop.adoption_made_strands made where made.id = strand.id)`,
    (n) => `${counted(n, "strand")} that came since`,
  );
  await count(
    `select count(*) as n from public.strand_receipts receipt
     where receipt.revision > 1 and ${await inArchive("ad_strands", "receipt.strand_id")}`,
    (n) => `${counted(n, "strand")} that changed since`,
  );
  for (
    const [table, what, condition] of [
      ["lowcap_positions", "position", "true"],
      ["pattern_episode_events", "episode row", "written.strand_id = learning.direct_window_id(written.id)"],
    ] as const
  ) {
    await count(
      `select count(*) as n from public.${table} written where ${condition} and not exists (
         select from before_edgeloop.adoption_digests digest
         where digest.relation = '${table}' and digest.id = written.id::text
       )`,
      (n) => `${counted(n, what)} that came since`,
    );
    await count(
      `select count(*) as n from before_edgeloop.adoption_digests digest
       left join public.${table} written on written.id::text = digest.id
       where digest.relation = '${table}' and (written.id is null or digest.digest <> ${digestOf(table)})`,
      (n) => `${counted(n, what)} that changed since or went`,
    );
  }
  await count(
    `select count(*) as n from public.learning_configs config where not exists (
       select from before_edgeloop.adoption_digests digest
       where digest.relation = 'learning_configs' and digest.id = config.module_id
         and digest.digest = md5(config.config_data::text)
     )`,
    (n) => `${counted(n, "configuration")} that changed since`,
  );
  await count(
    `select count(*) as n from public.pm_overrides override where override.lesson_id is null`,
    (n) => `${counted(n, "override")} made by hand`,
  );
  return losses;
}

/** Drops what Edgeloop made, by name: what else hangs on it makes this fail, and nothing is lost. */
async function dropOurs(transaction: Transaction, names: OwnNames): Promise<void> {
  const keys = await transaction<{ child: string; name: string }[]>`
    select foreign_key.child, foreign_key.name from before_edgeloop.adoption_foreign_keys foreign_key
    where foreign_key.made_anew`;
  for (const { child, name } of keys) {
    await transaction.unsafe(`alter table ${child} drop constraint if exists ${quoted(name)}`);
  }
  const views = await transaction<{ name: string }[]>`
    select made.relname::text as name
    from before_edgeloop.adoption_relations relation
    join pg_catalog.pg_class made
      on made.relname = relation.name and made.relnamespace = 'public'::regnamespace and made.relkind = 'v'
    where relation.made_anew order by made.oid desc`;
  for (const { name } of views) await transaction.unsafe(`drop view public.${quoted(name)}`);

  const [inside] = await transaction<{ there: boolean }[]>`
    select to_regnamespace('learning') is not null as there`;
  if (inside?.there !== true) return;
  await transaction.unsafe(`
    do $jobs$
    begin
      if to_regclass('cron.job') is not null and to_regproc('learning.jobs') is not null then
        perform cron.unschedule(job.jobname) from cron.job job
        where job.jobname in (select ours.name from learning.jobs() as ours);
      end if;
    end
    $jobs$;
    set local client_min_messages = warning;
    drop schema learning cascade`).simple();
  const left = await transaction<{ kind: string; names: string }[]>`
    select found.kind, string_agg(found.name, ', ') as names
    from (
      select 1 as place, 'view' as kind, relation.oid::regclass::text as name
      from pg_catalog.pg_class relation
      where relation.relnamespace = 'public'::regnamespace and relation.relkind = 'v'
        and relation.relname = any (${[...names.views]})
      union all
      select 2, 'function', routine.oid::regprocedure::text from pg_catalog.pg_proc routine
      where routine.pronamespace = 'public'::regnamespace and routine.proname = any (${[...names.functions]})
      union all
      select 3, 'table', relation.oid::regclass::text from pg_catalog.pg_class relation
      where relation.relnamespace = 'public'::regnamespace and relation.relkind = 'r'
        and relation.relname = any (${[...names.tables]})
      union all
      select 4, 'type', type.oid::regtype::text from pg_catalog.pg_type type
      where type.typnamespace = 'public'::regnamespace and type.typname = any (${[...names.types]})
    ) as found
    group by found.place, found.kind order by found.place`;
  for (const { kind, names: dropped } of left) await transaction.unsafe(`drop ${kind} ${dropped}`);
}

async function putBack(
  transaction: Transaction,
  relations: readonly { readonly name: string; readonly kind: string }[],
): Promise<void> {
  for (const { name, kind } of relations) {
    await transaction.unsafe(`alter ${kind} before_edgeloop.${quoted(name)} set schema public`);
  }
  const keys = await transaction<{ child: string; name: string; definition: string }[]>`
    select foreign_key.child, foreign_key.name, foreign_key.definition
    from before_edgeloop.adoption_foreign_keys foreign_key`;
  for (const { child, name, definition } of keys) {
    await transaction.unsafe(`alter table ${child} add constraint ${quoted(name)} ${definition}`);
  }
}

/** The CLI's history is what it was. */
async function restoreHistory(transaction: Transaction, versions: readonly string[]): Promise<void> {
  const [history] = await transaction<{ had_schema: boolean; there: boolean }[]>`
    select history.had_schema, to_regclass('supabase_migrations.schema_migrations') is not null as there
    from before_edgeloop.adoption_histories history`;
  if (history?.there !== true) return;
  if (!history.had_schema) {
    await transaction`drop schema supabase_migrations cascade`;
    return;
  }
  await transaction`
    delete from supabase_migrations.schema_migrations migration
    where migration.version = any (${[...versions]})`;
  await transaction`
    insert into supabase_migrations.schema_migrations select * from before_edgeloop.adoption_migrations
    on conflict do nothing`;
  await transaction`drop table before_edgeloop.adoption_migrations`;
}
