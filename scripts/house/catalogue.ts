/**
 * What a database says of its own schema: relations, functions and how they hang together. Foreign keys and views are in
 * Postgres's catalogue as such; what a function reads and writes is read from its body, and so is what it has others do.
 *
 * @module
 */

import { type Passage, passagesOfBody, qualifiedNames } from "../sql/house.ts";
import type { Database } from "../stack/database.ts";
import { OUR_SCHEMAS } from "../stack/schema_snapshot.ts";

export interface Relation {
  /** With its schema. */
  readonly name: string;
  readonly kind: "table" | "view";
  readonly comment: string;
}

export interface ForeignKey {
  readonly from: string;
  readonly to: string;
  readonly columns: readonly string[];
}

export interface Trigger {
  readonly table: string;
  readonly name: string;
  /** With its schema. */
  readonly function: string;
  readonly comment: string;
}

export interface Routine {
  /** With its schema. */
  readonly name: string;
  readonly arguments: string;
  readonly result: string;
  readonly comment: string;
  /** Database roles beside the owner that may call it. */
  readonly callers: readonly string[];
  readonly body: string;
}

export interface RowType {
  /** With its schema. */
  readonly name: string;
  readonly comment: string;
  readonly attributes: readonly { readonly name: string; readonly type: string; readonly comment: string }[];
}

export interface Setting {
  readonly module_id: string;
  readonly path: string;
  readonly kind: string;
  readonly default_value: unknown;
  readonly nullable: boolean;
  readonly minimum: number | null;
  readonly maximum: number | null;
  readonly choices: readonly string[] | null;
  readonly description: string;
}

export interface Constraint {
  readonly table: string;
  readonly name: string;
  readonly condition: string;
}

export interface Job {
  readonly name: string;
  readonly schedule: string;
  readonly command: string;
}

export interface Catalogue {
  readonly relations: readonly Relation[];
  readonly foreignKeys: readonly ForeignKey[];
  readonly triggers: readonly Trigger[];
  /** What each view takes from, one pair a row. */
  readonly viewSources: readonly { readonly view: string; readonly source: string }[];
  readonly routines: readonly Routine[];
  /** Row types of `public`. */
  readonly rowTypes: readonly RowType[];
  readonly settings: readonly Setting[];
  /** CHECK constraints of the tables in `public`. */
  readonly constraints: readonly Constraint[];
  readonly jobs: readonly Job[];
}

/** Reads the catalogue, everything in an order that depends on nothing but names. */
export async function readCatalogue(sql: Database): Promise<Catalogue> {
  const schemas = [...OUR_SCHEMAS];
  const relations = await sql<Relation[]>`
    select n.nspname || '.' || c.relname as name, case c.relkind when 'v' then 'view' else 'table' end as kind,
      coalesce(obj_description(c.oid, 'pg_class'), '') as comment
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any (${schemas}) and c.relkind in ('r', 'p', 'v') and not exists (
      select from pg_depend d where d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype = 'e')
    order by n.nspname collate "C" desc, c.relname collate "C"`;
  const foreignKeys = await sql<ForeignKey[]>`
    select fn.nspname || '.' || f.relname as from, tn.nspname || '.' || t.relname as to, array(
      select a.attname::text from pg_attribute a where a.attrelid = k.conrelid and a.attnum = any (k.conkey)
      order by array_position(k.conkey, a.attnum)) as columns
    from pg_constraint k
      join pg_class f on f.oid = k.conrelid join pg_namespace fn on fn.oid = f.relnamespace
      join pg_class t on t.oid = k.confrelid join pg_namespace tn on tn.oid = t.relnamespace
    where k.contype = 'f' and fn.nspname = any (${schemas})
    order by f.relname collate "C", t.relname collate "C", k.conname collate "C"`;
  const triggers = await sql<Trigger[]>`
    select n.nspname || '.' || c.relname as table, g.tgname as name, pn.nspname || '.' || p.proname as function,
      coalesce(obj_description(g.oid, 'pg_trigger'), '') as comment
    from pg_trigger g
      join pg_class c on c.oid = g.tgrelid join pg_namespace n on n.oid = c.relnamespace
      join pg_proc p on p.oid = g.tgfoid join pg_namespace pn on pn.oid = p.pronamespace
    where not g.tgisinternal and n.nspname = any (${schemas})
    order by n.nspname collate "C" desc, c.relname collate "C", g.tgname collate "C"`;
  const viewSources = await sql<{ view: string; source: string }[]>`
    select distinct vn.nspname || '.' || v.relname collate "C" as view,
      sn.nspname || '.' || s.relname collate "C" as source
    from pg_rewrite r
      join pg_class v on v.oid = r.ev_class join pg_namespace vn on vn.oid = v.relnamespace
      join pg_depend d on d.objid = r.oid and d.classid = 'pg_rewrite'::regclass
        and d.refclassid = 'pg_class'::regclass
      join pg_class s on s.oid = d.refobjid and s.oid <> v.oid and s.relkind in ('r', 'p', 'v')
      join pg_namespace sn on sn.oid = s.relnamespace
    where vn.nspname = any (${schemas}) and sn.nspname = any (${schemas})
    order by 1, 2`;
  const routines = await sql<Routine[]>`
    select n.nspname || '.' || p.proname as name, pg_get_function_arguments(p.oid) as arguments,
      pg_get_function_result(p.oid) as result, coalesce(obj_description(p.oid, 'pg_proc'), '') as comment, array(
        select role.rolname::text from pg_roles role
        where role.rolname in ('anon', 'authenticated', 'service_role')
          and has_function_privilege(role.oid, p.oid, 'execute')
        order by role.rolname collate "C") as callers, p.prosrc as body
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = any (${schemas}) and not exists (
      select from pg_depend d where d.objid = p.oid and d.classid = 'pg_proc'::regclass and d.deptype = 'e')
    order by n.nspname collate "C" desc, p.proname collate "C", 2`;
  const rowTypes = await sql<RowType[]>`
    select n.nspname || '.' || c.relname as name, coalesce(obj_description(c.oid, 'pg_class'),
      obj_description(c.reltype, 'pg_type'), '') as comment, (
        select jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
          'comment', coalesce(col_description(c.oid, a.attnum), '')) order by a.attnum)
        from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as attributes
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind = 'c'
    order by c.relname collate "C"`;
  const settings = await sql<Setting[]>`
    select module_id, path, kind, default_value, nullable, minimum, maximum, choices, description
    from learning.settings order by module_id collate "C" desc, path collate "C"`;
  const constraints = await sql<Constraint[]>`
    select n.nspname || '.' || c.relname as table, k.conname as name, pg_get_expr(k.conbin, k.conrelid, true) as condition
    from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
    where k.contype = 'c' and n.nspname = 'public'
    order by c.relname collate "C", k.conname collate "C"`;
  const jobs = await sql<Job[]>`
    select jobname as name, schedule, command from cron.job where database = current_database()
    order by jobname collate "C"`;
  return {
    relations,
    foreignKeys,
    triggers,
    viewSources,
    routines,
    rowTypes,
    settings,
    constraints,
    jobs,
  };
}

/** What a function does to relations, itself or through the functions that it calls. */
export interface Effects {
  readonly reads: ReadonlySet<string>;
  readonly writes: ReadonlySet<string>;
  /** The functions it calls, and itself. */
  readonly calls: ReadonlySet<string>;
}

/** The effects of every function by its name; functions of one name count as one. */
export function effectsOf({ routines, relations }: Catalogue): (name: string) => Effects {
  const known = new Set(relations.map(({ name }) => name));
  const direct = new Map<string, { reads: Set<string>; writes: Set<string>; calls: Set<string> }>();
  for (const { name, body } of routines) {
    const own = direct.get(name) ?? { reads: new Set(), writes: new Set(), calls: new Set() };
    direct.set(name, own);
    for (const passage of passagesOfBody(body)) {
      for (const { name: used, place } of qualifiedNames(passage)) {
        if (!known.has(used)) own.calls.add(used);
        else if (isWritten(passage, place)) own.writes.add(used);
        else own.reads.add(used);
      }
    }
  }
  return (name) => {
    const effects = { reads: new Set<string>(), writes: new Set<string>(), calls: new Set<string>() };
    const waiting = [name];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const own = direct.get(next);
      if (own === undefined || effects.calls.has(next)) continue;
      effects.calls.add(next);
      for (const relation of own.reads) effects.reads.add(relation);
      for (const relation of own.writes) effects.writes.add(relation);
      waiting.push(...own.calls);
    }
    return effects;
  };
}

/** Whether the relation at this place is inserted into, updated, merged into, emptied or deleted from. */
function isWritten(passage: Passage, place: number): boolean {
  const [before, last] = [passage[place - 2]?.text, passage[place - 1]?.text];
  if (last === "into") return before === "insert" || before === "merge";
  if (last === "from") return before === "delete";
  // "for update" locks rows, and names their alias after "of".
  return last === "update" || last === "truncate" || (last === "table" && before === "truncate");
}
