/** A database's schema as sorted lines of text, so that two databases can be compared and the difference read. */

import type postgres from "postgres";
import type { Database } from "./database.ts";

/** The schemas that are ours. */
export const OUR_SCHEMAS = ["public", "learning"] as const;

/** Tables whose rows hold whole rows of others, with the moments they were written at: they tell no two databases apart. */
const JOURNALS = new Set(["public.learning_config_history", "public.pm_override_history"]);

/**
 * One row per fact: what it is about, and all that matters of it. Of a column's options only those that a person can set
 * count: Debian's Postgres 15.20 keeps a stamp of its own among them, pg_attver, different for every table.
 */
const FACTS: readonly string[] = [
  // Schemas and extensions.
  `select 'schema ' || n.nspname as subject,
          jsonb_build_object('comment', obj_description(n.oid, 'pg_namespace'),
            'grants', pg_temp.grants(coalesce(n.nspacl, acldefault('n', n.nspowner)))) as fact
     from pg_namespace n where n.nspname = any ($1)`,
  `select concat('default privileges ', coalesce(n.nspname, 'everywhere'), ' ', d.defaclobjtype, ' by ',
            d.defaclrole::regrole),
          jsonb_build_object('grants', pg_temp.grants(d.defaclacl))
     from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace
     where d.defaclnamespace = 0 or n.nspname = any ($1)`,

  // Tables, views, sequences, indexes, composite types.
  `select concat('relation ', c.oid::regclass),
          jsonb_build_object('kind', c.relkind, 'persistence', c.relpersistence, 'owner', c.relowner::regrole,
            'options', (select jsonb_agg(option order by option) from unnest(c.reloptions) as option), 'row security', c.relrowsecurity, 'forced', c.relforcerowsecurity,
            'replica identity', c.relreplident, 'comment', obj_description(c.oid, 'pg_class'),
            'partition', pg_get_expr(c.relpartbound, c.oid), 'partitioned by', pg_get_partkeydef(c.oid),
            'view', case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end,
            'index', case when c.relkind in ('i', 'I') then pg_get_indexdef(c.oid) end,
            'grants', case when c.relkind not in ('i', 'I', 'c')
              then pg_temp.grants(coalesce(c.relacl,
                acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner))) end)
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any ($1) and c.relkind <> 't' and not pg_temp.of_extension('pg_class', c.oid)`,
  `select concat('column ', c.oid::regclass, '.', a.attname),
          jsonb_build_object('place', case when c.relkind not in ('r', 'p') then row_number() over (partition by c.oid order by a.attnum) end,
            'type', format_type(a.atttypid, a.atttypmod), 'not null', a.attnotnull, 'identity', a.attidentity,
            'generated', a.attgenerated, 'default', pg_get_expr(d.adbin, d.adrelid),
            'collation', nullif(a.attcollation, t.typcollation)::regcollation, 'storage', a.attstorage,
            'compression', a.attcompression, 'statistics', nullif(a.attstattarget, -1),
            'options', (select jsonb_agg(option order by option) from unnest(a.attoptions) as option
              where option like 'n_distinct%'), 'comment', col_description(c.oid, a.attnum),
            'grants', pg_temp.grants(a.attacl))
     from pg_attribute a
       join pg_class c on c.oid = a.attrelid
       join pg_namespace n on n.oid = c.relnamespace
       join pg_type t on t.oid = a.atttypid
       left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
     where n.nspname = any ($1) and c.relkind in ('r', 'p', 'v', 'm', 'c', 'f') and a.attnum > 0
       and not a.attisdropped and not pg_temp.of_extension('pg_class', c.oid)`,
  `select concat('constraint ',
            case k.conrelid when 0 then k.contypid::regtype::text else k.conrelid::regclass::text end, ' ', k.conname),
          jsonb_build_object('definition', pg_get_constraintdef(k.oid), 'valid', k.convalidated,
            'comment', obj_description(k.oid, 'pg_constraint'))
     from pg_constraint k join pg_namespace n on n.oid = k.connamespace
     where n.nspname = any ($1)`,
  `select concat('sequence ', s.seqrelid::regclass),
          jsonb_build_object('type', s.seqtypid::regtype, 'start', s.seqstart, 'increment', s.seqincrement,
            'from', s.seqmin, 'to', s.seqmax, 'cache', s.seqcache, 'cycles', s.seqcycle,
            'owned by', (select concat(d.refobjid::regclass, '.', d.refobjsubid) from pg_depend d
              where d.objid = s.seqrelid and d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')
                and d.refclassid = 'pg_class'::regclass))
     from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any ($1)`,
  `select 'statistics ' || s.stxname,
          jsonb_build_object('definition', pg_get_statisticsobjdef(s.oid),
            'comment', obj_description(s.oid, 'pg_statistic_ext'))
     from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace
     where n.nspname = any ($1)`,

  // What watches the tables.
  `select concat('trigger ', t.tgrelid::regclass, ' ', t.tgname),
          jsonb_build_object('definition', pg_get_triggerdef(t.oid), 'enabled', t.tgenabled,
            'comment', obj_description(t.oid, 'pg_trigger'))
     from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any ($1) and not t.tgisinternal`,
  `select concat('policy ', p.polrelid::regclass, ' ', p.polname),
          jsonb_build_object('command', p.polcmd, 'permissive', p.polpermissive,
            'roles', (select jsonb_agg(case r when 0 then 'public' else r::regrole::text end order by 1)
              from unnest(p.polroles) r),
            'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid),
            'comment', obj_description(p.oid, 'pg_policy'))
     from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any ($1)`,
  `select concat('rule ', r.ev_class::regclass, ' ', r.rulename), jsonb_build_object('definition', pg_get_ruledef(r.oid))
     from pg_rewrite r join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any ($1) and r.rulename <> '_RETURN'`,
  `select 'event trigger ' || e.evtname,
          jsonb_build_object('event', e.evtevent, 'function', e.evtfoid::regproc, 'tags', to_jsonb(e.evttags))
     from pg_event_trigger e join pg_proc p on p.oid = e.evtfoid join pg_namespace n on n.oid = p.pronamespace
     where n.nspname = any ($1)`,

  // Functions and types.
  `select concat('function ', p.oid::regprocedure),
          jsonb_build_object('definition', case when p.prokind in ('f', 'p') then pg_get_functiondef(p.oid) end,
            'kind', p.prokind, 'owner', p.proowner::regrole, 'comment', obj_description(p.oid, 'pg_proc'),
            'grants', pg_temp.grants(coalesce(p.proacl, acldefault('f', p.proowner))))
     from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname = any ($1) and not pg_temp.of_extension('pg_proc', p.oid)`,
  `select concat('type ', t.oid::regtype),
          jsonb_build_object('kind', t.typtype, 'base', nullif(t.typbasetype, 0)::regtype, 'not null', t.typnotnull,
            'default', t.typdefault, 'comment', obj_description(t.oid, 'pg_type'),
            'labels', (select jsonb_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid),
            'range', (select r.rngsubtype::regtype from pg_range r where r.rngtypid = t.oid),
            'grants', pg_temp.grants(coalesce(t.typacl, acldefault('T', t.typowner))))
     from pg_type t join pg_namespace n on n.oid = t.typnamespace
     where n.nspname = any ($1) and t.typtype in ('c', 'd', 'e', 'r') and not pg_temp.of_extension('pg_type', t.oid)
       and (t.typrelid = 0 or exists (select from pg_class c where c.oid = t.typrelid and c.relkind = 'c'))`,
];

const HELPERS = `
  create or replace function pg_temp.grants(acl aclitem[]) returns jsonb language sql as $$
    select jsonb_agg(entry order by entry) from (
      select (case grantee when 0 then 'public' else grantee::regrole::text end) || ' ' || privilege_type
               || case when is_grantable then ' grantable' else '' end as entry
      from aclexplode(acl)
    ) as entries
  $$;
  create or replace function pg_temp.of_extension(catalog regclass, id oid) returns boolean language sql as $$
    select exists (select from pg_depend where classid = catalog and objid = id and deptype = 'e')
  $$;`;

/**
 * Everything a migration can bring about in our schemas, as lines sorted by what they are about: objects with their
 * definitions, options, comments and privileges, the rows that tables start with, and the jobs of cron. In which order a
 * table has its columns is left out: an upgrade can only add to the end. So is what a guest needs, in a database that was
 * adopted: its columns and views, and the defaults it gave to columns of ours.
 */
export async function snapshotSchema(sql: Database): Promise<string[]> {
  return await sql.begin(async (transaction) => {
    // Names are printed with their schema when no schema is on the path.
    await transaction.unsafe(`${HELPERS} set local search_path = pg_catalog;`).simple();
    const lines: string[] = [];
    const guests = await readGuests(transaction);
    for (const facts of FACTS) {
      const rows = await transaction.unsafe<{ subject: string; fact: Record<string, unknown> }[]>(
        `select subject, fact from (${facts}) as facts(subject, fact)`,
        [[...OUR_SCHEMAS]],
      );
      for (const { subject, fact } of rows) {
        if (guests.isTheirs(subject)) continue;
        const former = guests.formerDefaults.get(subject);
        lines.push(...describe(subject, former === undefined ? fact : { ...fact, default: former }));
      }
    }
    const tables = await transaction.unsafe<{ name: string; columns: string[] }[]>(
      // Columns that differ in every database say nothing about how it was built.
      `select c.oid::regclass::text as name,
              array_agg(a.attname::text order by a.attnum) filter (where a.attidentity = ''
                and coalesce(pg_get_expr(d.adbin, d.adrelid), '')
                  !~ '(now|clock_timestamp|gen_random_uuid|nextval)\\(') as columns
       from pg_class c
         join pg_namespace n on n.oid = c.relnamespace
         join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
       where n.nspname = any ($1) and c.relkind in ('r', 'p')
       group by c.oid`,
      [[...OUR_SCHEMAS]],
    );
    for (const { name, columns } of tables) {
      if (JOURNALS.has(name)) continue;
      const kept = columns.map((column) => `"${column.replaceAll('"', '""')}"`).join(", ");
      const rows = await transaction.unsafe<{ row: unknown }[]>(
        `select to_jsonb(kept) as row from (select ${kept} from ${name}) as kept`,
      );
      for (const { row } of rows) lines.push(`row of ${name} ${JSON.stringify(row)}`);
    }
    const [cron] = await transaction.unsafe<{ present: boolean }[]>(
      `select to_regclass('cron.job') is not null as present`,
    );
    if (cron?.present === true) {
      const jobs = await transaction.unsafe<{ jobname: string; job: Record<string, unknown> }[]>(
        `select jobname, jsonb_build_object('schedule', schedule, 'command', command, 'active', active) as job from cron.job
         where database = current_database()`,
      );
      for (const { jobname, job } of jobs) lines.push(...describe(`job ${jobname}`, job));
    }
    return lines.sort();
  });
}

/** What of the schema is a guest's, by subjects of facts. */
interface Guests {
  readonly isTheirs: (subject: string) => boolean;
  /** Defaults of the release where the guest gave another; null for none. */
  readonly formerDefaults: ReadonlyMap<string, string | null>;
}

async function readGuests(transaction: postgres.TransactionSql): Promise<Guests> {
  const [known] = await transaction<{ columns: boolean; views: boolean }[]>`
    select to_regclass('learning.guest_columns') is not null as columns,
      to_regclass('before_edgeloop.adoption_relations') is not null as views`;
  const columns = known?.columns !== true ? [] : await transaction<
    { subject: string; is_guest: boolean; former_default: string | null }[]
  >`
    select concat('column public.', guest.relation, '.', guest.column_name) as subject, guest.is_guest,
      guest.former_default
    from learning.guest_columns guest`;
  const views = known?.views !== true ? [] : await transaction<{ name: string }[]>`
    select relation.name from before_edgeloop.adoption_relations relation where relation.made_anew`;
  const theirs = new Set([
    ...columns.filter(({ is_guest }) => is_guest).map(({ subject }) => subject),
    ...views.map(({ name }) => `relation public.${name}`),
  ]);
  const ofViews = views.map(({ name }) => `column public.${name}.`);
  return {
    isTheirs: (subject) => theirs.has(subject) || ofViews.some((prefix) => subject.startsWith(prefix)),
    formerDefaults: new Map(
      columns.filter(({ is_guest }) => !is_guest).map((
        { subject, former_default },
      ) => [subject, former_default]),
    ),
  };
}

/** Lines that only one of two snapshots has, the first's with "-" and the second's with "+". */
export function compareSnapshots(first: readonly string[], second: readonly string[]): string[] {
  const inFirst = new Set(first);
  const inSecond = new Set(second);
  return [
    ...first.filter((line) => !inSecond.has(line)).map((line) => `- ${line}`),
    ...second.filter((line) => !inFirst.has(line)).map((line) => `+ ${line}`),
  ].sort((a, b) => a.slice(2) < b.slice(2) ? -1 : a.slice(2) > b.slice(2) ? 1 : 0);
}

function describe(subject: string, fact: Readonly<Record<string, unknown>>): string[] {
  const lines = Object.entries(fact)
    .filter(([, value]) => value !== null && value !== "" && value !== false)
    .map(([name, value]) =>
      `${subject}: ${name} ${typeof value === "string" ? value : JSON.stringify(value)}`
    );
  return lines.length === 0 ? [subject] : lines;
}
