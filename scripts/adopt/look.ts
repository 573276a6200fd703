/** What is in a database before it is adopted: nothing here writes. */

import type { Database } from "../stack/database.ts";
import { findTenancy, type OwnNames, readOwnNames } from "../stack/guests.ts";

/** A relation that has a name of ours. */
export interface GuestRelation {
  readonly name: string;
  readonly kind: string;
  readonly owner: string;
  readonly mayMove: boolean;
  readonly rows: number;
  /** Roles that may insert, beside the owner. */
  readonly writers: readonly string[];
}

/** A key of a context, and how often it is filled. */
export interface CountedKey {
  readonly source: "entry" | "action" | "regime";
  readonly key: string;
  readonly n: number;
  readonly values: number;
}

/** What hangs on the guest's tables. */
export interface Hanger {
  readonly kind: "view" | "trigger" | "foreign key" | "publication";
  readonly on: string;
  readonly name: string;
}

/** Everything that a plan is made from. */
export interface Look {
  readonly relations: readonly GuestRelation[];
  readonly newestStrand: string | null;
  readonly keys: readonly CountedKey[];
  readonly strandsCounted: number;
  readonly allocations: {
    readonly n: number;
    readonly median: number | null;
    readonly greatest: number | null;
  };
  readonly hangers: readonly Hanger[];
  /** Who is connected now, by role and application. */
  readonly sessions: readonly { readonly role: string; readonly application: string; readonly n: number }[];
  /** Migrations of the guest's own that the CLI knows of. */
  readonly migrations: number;
  /** Why the database cannot be adopted as it is. */
  readonly obstacles: readonly string[];
}

/** Strands whose scopes are counted. */
const COUNTED_STRANDS = 10_000;

/** Looks at the database; writes nothing. */
export async function look(sql: Database): Promise<Look> {
  const names = await readOwnNames();
  const tenancy = await findTenancy(sql);
  const relations = await readRelations(sql, names);
  const has = (name: string): boolean => relations.some((relation) => relation.name === name);
  const [newest] = has("ad_strands")
    ? await sql<{ at: string | null }[]>`select max(strand.created_at) as at from public.ad_strands strand`
    : [];
  const keys = has("ad_strands") ? await countKeys(sql) : { keys: [], strands: 0 };
  return {
    relations,
    newestStrand: newest?.at ?? null,
    keys: [
      ...keys.keys,
      ...(has("lowcap_positions")
        ? await countColumn(sql, "lowcap_positions", "entry_context", "entry")
        : []),
      ...(has("pattern_episode_events")
        ? await countColumn(sql, "pattern_episode_events", "scope", "action")
        : []),
    ],
    strandsCounted: keys.strands,
    allocations: has("lowcap_positions")
      ? await readAllocations(sql)
      : { n: 0, median: null, greatest: null },
    hangers: await readHangers(sql, relations.map(({ name }) => name)),
    sessions: [
      ...await sql<{ role: string; application: string; n: number }[]>`
        select coalesce(activity.usename::text, '?') as role, coalesce(activity.application_name, '') as application,
          count(*)::integer as n
        from pg_catalog.pg_stat_activity activity
        where activity.datname = current_database() and activity.pid <> pg_backend_pid()
          and activity.application_name is distinct from 'adopt'
        group by 1, 2 order by 3 desc, 1, 2`,
    ],
    migrations: await countMigrations(sql),
    obstacles: await findObstacles(sql, names, relations, tenancy.isOurs),
  };
}

async function readRelations(sql: Database, names: OwnNames): Promise<GuestRelation[]> {
  const found = await sql<Omit<GuestRelation, "rows">[]>`
    select relation.relname::text as name,
      case relation.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table'
        else 'table' end as kind,
      pg_get_userbyid(relation.relowner)::text as owner,
      pg_has_role(relation.relowner, 'member') as "mayMove",
      array(
        select distinct case granted.grantee when 0 then 'public' else pg_get_userbyid(granted.grantee)::text end
        from aclexplode(relation.relacl) granted
        where granted.privilege_type = 'INSERT' and granted.grantee <> relation.relowner
        order by 1
      ) as writers
    from pg_catalog.pg_class relation
    where relation.relnamespace = 'public'::regnamespace
      and relation.relkind in ('r', 'p', 'v', 'm', 'f')
      and relation.relname = any (${[...names.tables, ...names.views]})
    order by relation.relname`;
  const relations: GuestRelation[] = [];
  for (const relation of found) {
    const [row] = await sql<{ rows: number }[]>`select count(*) as rows from public.${sql(relation.name)}`;
    relations.push({ ...relation, rows: row?.rows ?? 0 });
  }
  return relations;
}

async function countKeys(sql: Database): Promise<{ keys: CountedKey[]; strands: number }> {
  const keys = await sql<CountedKey[]>`
    with newest as materialized (
      select to_jsonb(strand) -> 'content' as content, to_jsonb(strand) -> 'regime_context' as regime
      from public.ad_strands strand
      order by strand.created_at desc nulls last limit ${COUNTED_STRANDS}
    )
    select context.source, entry.key, count(*)::integer as n, count(distinct entry.value)::integer as values
    from newest
    cross join lateral (
      values ('action', newest.content -> 'scope'), ('entry', newest.content -> 'entry_context'),
        ('regime', newest.regime)
    ) as context(source, document)
    cross join lateral jsonb_each(
      case jsonb_typeof(context.document) when 'object' then context.document else '{}' end
    ) as entry
    where jsonb_typeof(entry.value) in ('string', 'number', 'boolean')
    group by context.source, entry.key
    order by context.source, n desc, entry.key`;
  const [row] = await sql<{ strands: number }[]>`
    select count(*)::integer as strands
    from (select from public.ad_strands limit ${COUNTED_STRANDS}) as counted`;
  return { keys: [...keys], strands: row?.strands ?? 0 };
}

async function countColumn(
  sql: Database,
  table: string,
  column: string,
  source: CountedKey["source"],
): Promise<CountedKey[]> {
  return [
    ...await sql<CountedKey[]>`
      select ${source}::text as source, entry.key, count(*)::integer as n,
        count(distinct entry.value)::integer as values
      from public.${sql(table)} as guest
      cross join lateral jsonb_each(
        case jsonb_typeof(to_jsonb(guest) -> ${column}::text) when 'object' then to_jsonb(guest) -> ${column}::text
          else '{}' end
      ) as entry
      where jsonb_typeof(entry.value) in ('string', 'number', 'boolean')
      group by entry.key order by n desc, entry.key`,
  ];
}

async function readAllocations(sql: Database): Promise<Look["allocations"]> {
  const [row] = await sql<{ n: number; median: number | null; greatest: number | null }[]>`
    select count(*)::integer as n, percentile_disc(0.5) within group (order by position.allocation) as median,
      max(position.allocation) as greatest
    from (
      select (to_jsonb(guest) ->> 'total_allocation_pct')::float8 as allocation from public.lowcap_positions guest
    ) as position
    where position.allocation > 0`;
  return row ?? { n: 0, median: null, greatest: null };
}

/** What hangs on relations of `public`: views on views, too. */
export async function readHangers(sql: Database, relations: readonly string[]): Promise<Hanger[]> {
  return [
    ...await sql<Hanger[]>`
      with recursive ours as (
        select relation.oid from pg_catalog.pg_class relation
        where relation.relnamespace = 'public'::regnamespace and relation.relname = any (${[...relations]})
      ),
      hanging as (
        select ours.oid, ours.oid as on_oid from ours
        union
        select rule.ev_class, hanging.oid
        from hanging
        join pg_catalog.pg_depend dependency
          on dependency.refclassid = 'pg_class'::regclass and dependency.refobjid = hanging.oid
          and dependency.classid = 'pg_rewrite'::regclass
        join pg_catalog.pg_rewrite rule on rule.oid = dependency.objid and rule.ev_class <> hanging.oid
      )
      select distinct 'view' as kind, relation.relname::text as on, hanging.oid::regclass::text as name
      from hanging join pg_catalog.pg_class relation on relation.oid = hanging.on_oid
      where hanging.oid <> hanging.on_oid
      union all
      select 'trigger', relation.relname::text, tg.tgname::text
      from ours join pg_catalog.pg_class relation using (oid)
      join pg_catalog.pg_trigger tg on tg.tgrelid = relation.oid and not tg.tgisinternal
      union all
      select 'foreign key', relation.relname::text, key.conrelid::regclass || '.' || key.conname
      from ours join pg_catalog.pg_class relation using (oid)
      join pg_catalog.pg_constraint key on key.contype = 'f' and key.confrelid = relation.oid
        and key.conrelid not in (select ours.oid from ours)
      union all
      select 'publication', relation.relname::text, publication.pubname::text
      from ours join pg_catalog.pg_class relation using (oid)
      join pg_catalog.pg_publication_rel published on published.prrelid = relation.oid
      join pg_catalog.pg_publication publication on publication.oid = published.prpubid
      order by 1, 2, 3`,
  ];
}

async function countMigrations(sql: Database): Promise<number> {
  const [there] = await sql<{ there: boolean }[]>`
    select to_regclass('supabase_migrations.schema_migrations') is not null as there`;
  if (there?.there !== true) return 0;
  const [row] = await sql<{ n: number }[]>`
    select count(*)::integer as n from supabase_migrations.schema_migrations`;
  return row?.n ?? 0;
}

async function findObstacles(
  sql: Database,
  names: OwnNames,
  relations: readonly GuestRelation[],
  hasLearning: boolean,
): Promise<string[]> {
  const functions = await sql<{ name: string }[]>`
    select routine.oid::regprocedure::text as name from pg_catalog.pg_proc routine
    where routine.pronamespace = 'public'::regnamespace and routine.proname = any (${[...names.functions]})
    union all
    select 'type ' || type.oid::regtype from pg_catalog.pg_type type
    where type.typnamespace = 'public'::regnamespace and type.typname = any (${[...names.types]})
    order by 1`;
  const [archive] = await sql<{ there: boolean }[]>`
    select to_regnamespace('before_edgeloop') is not null as there`;
  const [rights] = await sql<{ may_create: boolean }[]>`
    select has_database_privilege(current_database(), 'create') as may_create`;
  return [
    ...(hasLearning ? ["A schema named learning is there that is no release of Edgeloop; rename it."] : []),
    ...(archive?.there === true ? ["A schema named before_edgeloop is there already; rename it."] : []),
    ...(rights?.may_create === true ? [] : ["The role of the address may not create schemas here."]),
    ...relations.filter(({ mayMove }) => !mayMove).map(({ name, owner }) =>
      `Table public.${name} belongs to ${owner}; connect as that role, or give it to yours.`
    ),
    ...relations.filter(({ kind }) => kind === "foreign table").map(({ name }) =>
      `public.${name} is a foreign table, which is not moved; rename it.`
    ),
    ...functions.map(({ name }) => `public's ${name} has a name that Edgeloop needs; rename it.`),
  ];
}
