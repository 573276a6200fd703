/** Rows that tables start with, and jobs of the schedule: what a release changes of them, and what it leaves alone. */

import { parse } from "@libpg-query/parser";
import type { Database } from "../stack/database.ts";
import type { SqlFile } from "../stack/schema_sources.ts";
import { quoted } from "./statements.ts";

/** A row by column, each value as text; null where there is none. */
type Row = Readonly<Record<string, string | null>>;

interface SeededTable {
  /** Qualified and quoted. */
  readonly name: string;
  readonly key: readonly string[];
  readonly columns: readonly string[];
}

/**
 * The statements that bring the rows of the seeded tables, and what is derived from them, to what `wanted` starts with.
 * A table is seeded where the sources write values into it; what they select from elsewhere is derived, by a trigger of
 * the table it comes from. Only what is still as the former release made it is changed or deleted: the rest is the user's.
 */
export async function changeRows(
  sources: readonly SqlFile[],
  current: Database,
  wanted: Database,
): Promise<string[]> {
  const inserts: string[] = [];
  const deletes: string[] = [];
  const touches: string[] = [];
  for (const table of await readSeededTables(sources, wanted)) {
    const former = await readRows(current, table);
    const goal = await readRows(wanted, table);
    for (const [key, row] of goal) {
      const before = former.get(key);
      if (before === undefined) inserts.push(insertRow(table, row));
      else inserts.push(...updateRow(table, before, row));
    }
    for (const [key, row] of former) {
      if (!goal.has(key)) deletes.unshift(`delete from ${table.name} where ${equal(row, table.columns)};`);
    }
    // Rows are not all that what is derived comes from: a function may have changed.
    if (await hasStatementTrigger(wanted, table.name)) touches.push(`delete from ${table.name} where false;`);
  }
  return [...deletes, ...inserts, ...touches];
}

/** The statements that make the schedule the wanted one; a job that did not change is not touched. */
export async function changeJobs(current: Database, wanted: Database): Promise<string[]> {
  const former = await readJobs(current);
  const goal = await readJobs(wanted);
  return [
    ...[...former.keys()].filter((name) => !goal.has(name)).map((name) =>
      `select cron.unschedule(${quoted(name)});`
    ),
    ...[...goal].filter(([name, job]) => former.get(name) !== job).map(([name, job]) =>
      `select cron.schedule(${quoted(name)}, ${job});`
    ),
  ];
}

/** In the order in which the sources fill them, which is the one that references ask for. */
async function readSeededTables(sources: readonly SqlFile[], wanted: Database): Promise<SeededTable[]> {
  const names = new Set<string>();
  for (const { text } of sources) {
    const { stmts = [] } = await parse(text);
    for (const { stmt } of stmts) {
      const insert = (stmt as { InsertStmt?: InsertNode } | undefined)?.InsertStmt;
      const select = insert?.selectStmt?.SelectStmt;
      if (insert === undefined || (select !== undefined && select.valuesLists === undefined)) continue;
      names.add(`${insert.relation?.schemaname ?? "public"}.${insert.relation?.relname ?? ""}`);
    }
  }
  const tables: SeededTable[] = [];
  for (const name of names) {
    const [table] = await wanted.unsafe<SeededTable[]>(
      `select c.oid::regclass::text as name,
              (select array_agg(a.attname::text order by a.attnum) from pg_index i
                 join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
               where i.indrelid = c.oid and i.indisprimary) as key,
              array_agg(a.attname::text order by a.attnum) filter (where a.attidentity = '' and a.attgenerated = ''
                and coalesce(pg_get_expr(d.adbin, d.adrelid), '') !~ '(now|clock_timestamp|gen_random_uuid|nextval)\\(') as columns
       from pg_class c
         join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
       where c.oid = to_regclass($1)
       group by c.oid`,
      [name],
    );
    if (table === undefined) continue;
    if (table.key === null || !table.key.every((column) => table.columns.includes(column))) {
      throw new Error(
        `sql/ writes rows into ${name}, which has no primary key to know them by again; give it one.`,
      );
    }
    // Nothing is on the path.
    tables.push({ ...table, name: table.name.includes(".") ? table.name : `public.${table.name}` });
  }
  return tables;
}

interface InsertNode {
  readonly relation?: { readonly schemaname?: string; readonly relname?: string };
  readonly selectStmt?: { readonly SelectStmt?: { readonly valuesLists?: unknown } };
}

async function readRows(sql: Database, table: SeededTable): Promise<ReadonlyMap<string, Row>> {
  const columns = table.columns.map((column) => `${quoted(column)}, ${ident(column)}::text`).join(", ");
  const key = table.key.map(ident).join(", ");
  const rows = await sql.unsafe<{ row: Record<string, string | null> }[]>(
    `select jsonb_build_object(${columns}) as row from ${table.name} order by ${key}`,
  );
  return new Map(rows.map(({ row }) => [JSON.stringify(table.key.map((column) => row[column])), row]));
}

/** A row of that key that somebody made is his. */
function insertRow(table: SeededTable, row: Row): string {
  const columns = table.columns.filter((column) => row[column] !== null);
  return `insert into ${table.name} (${columns.map(ident).join(", ")}) values (${
    columns.map((column) => literal(row[column])).join(", ")
  }) on conflict (${table.key.map(ident).join(", ")}) do nothing;`;
}

function updateRow(table: SeededTable, before: Row, row: Row): string[] {
  return table.columns.filter((column) => before[column] !== row[column]).map((column) =>
    `update ${table.name} set ${ident(column)} = ${literal(row[column])} where ${equal(row, table.key)} and ${
      equal(before, [column])
    };`
  );
}

function equal(row: Row, columns: readonly string[]): string {
  return columns.map((column) =>
    row[column] === null ? `${ident(column)} is null` : `${ident(column)} = ${literal(row[column])}`
  ).join(" and ");
}

async function hasStatementTrigger(sql: Database, table: string): Promise<boolean> {
  // Of the type's bits 1 is for each row, 8 is on delete.
  const [found] = await sql.unsafe(
    `select from pg_trigger where tgrelid = $1::text::regclass and not tgisinternal and tgtype & 1 = 0 and tgtype & 8 <> 0`,
    [table],
  );
  return found !== undefined;
}

async function readJobs(sql: Database): Promise<ReadonlyMap<string, string>> {
  const rows = await sql<{ jobname: string; schedule: string; command: string }[]>`
    select jobname, schedule, command from cron.job where database = current_database() order by jobname`;
  return new Map(
    rows.map(({ jobname, schedule, command }) => [jobname, `${quoted(schedule)}, ${quoted(command)}`]),
  );
}

function literal(value: string | null | undefined): string {
  return value === null || value === undefined ? "null" : quoted(value);
}

function ident(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
