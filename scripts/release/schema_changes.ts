/** The statements that make one database's schema like another's. */

import { segmentActions } from "@supabase/pg-delta/apply";
import { extract } from "@supabase/pg-delta/extract";
import { type Action, plan } from "@supabase/pg-delta/plan";
import pg from "pg";
import type { Database } from "../stack/database.ts";
import { OUR_SCHEMAS } from "../stack/schema_snapshot.ts";
import { PATHS } from "./project.ts";

/** The ordered actions that change the first database's schema into the second's. */
export async function planSchemaChanges(currentUrl: string, wantedUrl: string): Promise<Action[]> {
  const [current, wanted] = await Promise.all([currentUrl, wantedUrl].map(async (connectionString) => {
    const pool = new pg.Pool({ connectionString, max: 1 });
    try {
      return await extract(pool);
    } finally {
      await pool.end();
    }
  }));
  if (current === undefined || wanted === undefined) throw new Error("A database could not be read.");
  const unmodeled = wanted.diagnostics.filter((diagnostic) => diagnostic.code === "unmodeled_kind");
  if (unmodeled.length > 0) {
    throw new Error(
      `The comparison does not cover everything: ${unmodeled.map((each) => each.message).join("; ")}`,
    );
  }
  const ours = [...OUR_SCHEMAS];
  const { actions } = plan(current.factBase, wanted.factBase, {
    policy: {
      id: "edgeloop",
      filter: [
        // Everything belongs to whoever pushes, whose own privileges need no grants.
        {
          match: { all: [{ kind: "acl" }, { idField: { field: "grantee", glob: "postgres" } }] },
          action: "exclude",
        },
        {
          match: { all: [{ verb: ["link", "unlink"] }, { edgeTo: { edgeKind: "owner" } }] },
          action: "exclude",
        },
        {
          match: {
            not: {
              any: [
                { all: [{ kind: "schema" }, { name: ours }] },
                { schema: ours },
                { target: { schema: ours } },
                { target: { kind: "schema", name: ours } },
              ],
            },
          },
          action: "exclude",
        },
      ],
      assumedRoles: ["postgres", "anon", "authenticated", "service_role"],
      assumedSchemas: ["auth", "cron", "extensions", "net", "vault"],
    },
  });
  for (const segment of segmentActions(actions)) {
    if (segment.transactional) continue;
    const statement = actions[segment.start]?.sql ?? "";
    throw new Error(`A migration runs in one transaction, and this cannot: ${statement}`);
  }
  return actions;
}

/** The comparison knows the attributes of composite types and makes views anew, but not the comments of their columns. */
export async function newAttributeComments(current: Database, wanted: Database): Promise<string[]> {
  const read = async (sql: Database): Promise<string[]> => {
    const rows = await sql.unsafe<{ statement: string }[]>(
      `select format('comment on column %I.%I.%I is %L;', n.nspname, c.relname, a.attname, col_description(c.oid, a.attnum))
              as statement
       from pg_class c
         join pg_namespace n on n.oid = c.relnamespace
         join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       where c.relkind in ('c', 'v') and n.nspname = any ($1) and col_description(c.oid, a.attnum) is not null
       order by n.nspname, c.relname, a.attnum`,
      [[...OUR_SCHEMAS]],
    );
    return rows.map(({ statement }) => statement);
  };
  const known = new Set(await read(current));
  return (await read(wanted)).filter((statement) => !known.has(statement));
}

/**
 * Drops the composite types whose attributes cannot become the wanted ones by adding to their end, and what depends on
 * them; the comparison makes all of it anew. Refuses a type that a table keeps values of.
 */
export async function dropReshapedTypes(current: Database, wanted: Database): Promise<string[]> {
  const former = await readTypes(current);
  const reshaped = [...await readTypes(wanted)].flatMap(([name, attributes]) => {
    const before = former.get(name);
    const grew = before?.every((attribute, place) => attribute === attributes[place]) ?? true;
    return grew ? [] : [name];
  });
  if (reshaped.length === 0) return [];
  const dependents = await current.unsafe<{ kind: string; identity: string }[]>(
    `with recursive dependent (classid, objid, objsubid, depth) as (
       select 'pg_type'::regclass::oid, t.oid, 0, 0 from pg_type t where t.oid::regtype::text = any ($1)
       union
       select found.classid, found.objid, found.objsubid, dependent.depth + 1
       from dependent
       cross join lateral (
         select d.classid, d.objid, d.objsubid from pg_depend d
         where d.refclassid = dependent.classid and d.refobjid = dependent.objid and d.deptype in ('n', 'a')
         union
         -- What depends on a type may say so of its array or of its columns.
         select d.classid, d.objid, d.objsubid from pg_depend d join pg_type t on t.oid = dependent.objid
         where dependent.classid = 'pg_type'::regclass and d.deptype in ('n', 'a')
           and ((d.refclassid = 'pg_type'::regclass and d.refobjid = t.typarray)
             or (d.refclassid = 'pg_class'::regclass and d.refobjid = t.typrelid))
       ) as depending
       -- A view depends by its rule, a composite type by its columns.
       cross join lateral (
         select 'pg_class'::regclass::oid as classid, r.ev_class as objid, 0 as objsubid from pg_rewrite r
         where depending.classid = 'pg_rewrite'::regclass and r.oid = depending.objid
         union all
         select 'pg_type'::regclass::oid, c.reltype, 0 from pg_class c
         where depending.classid = 'pg_class'::regclass and c.oid = depending.objid and c.relkind = 'c'
         union all
         select depending.classid, depending.objid, depending.objsubid
         where depending.classid <> 'pg_rewrite'::regclass and not exists (
           select from pg_class c where depending.classid = 'pg_class'::regclass and c.oid = depending.objid and c.relkind = 'c')
       ) as found
       where (found.classid, found.objid) is distinct from (dependent.classid, dependent.objid)
         -- A table's column is as far as it goes.
         and not (dependent.classid = 'pg_class'::regclass and dependent.objsubid > 0)
     )
     select identified.type as kind, identified.identity
     from dependent
     cross join lateral pg_identify_object(dependent.classid, dependent.objid, dependent.objsubid) as identified
     group by identified.type, identified.identity
     order by max(dependent.depth) desc, identified.type, identified.identity`,
    [reshaped],
  );
  const keeper = dependents.find(({ kind }) => kind === "table column") ??
    dependents.find(({ kind }) => !(kind in DROPPED_AS));
  if (keeper !== undefined) {
    throw new Error(
      `The attributes of ${
        reshaped.join(", ")
      } were changed otherwise than at their end, and ${keeper.kind} ` +
        `${keeper.identity} uses them. Put new attributes last in sql/, or write by hand in ${PATHS.before} how ` +
        `${keeper.identity} gets over it, beginning with another name: alter type ${
          reshaped[0]
        } rename to …;`,
    );
  }
  return dependents.map(({ kind, identity }) => `drop ${DROPPED_AS[kind]} ${identity};`);
}

/** What holds no data and can be dropped to be made anew. */
const DROPPED_AS: Readonly<Record<string, string>> = {
  "function": "function",
  "view": "view",
  "type": "type",
  "composite type": "type",
};

/** The composite types with their attributes, each by name and type. */
async function readTypes(sql: Database): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await sql.unsafe<{ name: string; attributes: string[] }[]>(
    `select c.reltype::regtype::text as name,
            array_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) order by a.attnum) as attributes
     from pg_class c
       join pg_namespace n on n.oid = c.relnamespace
       join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relkind = 'c' and n.nspname = any ($1)
     group by c.reltype`,
    [[...OUR_SCHEMAS]],
  );
  return new Map(rows.map(({ name, attributes }) => [name, attributes]));
}
