/**
 * Columns that were renamed. No comparison can tell a new name from a new column, so the column's line in `sql/` says it:
 *
 *     size_frac float8 not null, -- renamed from: size
 *
 * A release takes the remark off again.
 */

import { parse } from "@libpg-query/parser";
import type { Database } from "../stack/database.ts";
import { OUR_SCHEMAS } from "../stack/schema_snapshot.ts";
import type { SqlFile } from "../stack/schema_sources.ts";

const REMARK = /[ \t]*-- renamed from: *("[^"]+"|[A-Za-z_][A-Za-z0-9_]*)[ \t]*$/m;

/** The text without the remarks that a release has dealt with. */
export function withoutRenames(text: string): string {
  return text.replaceAll(new RegExp(REMARK, "gm"), "");
}

interface Rename {
  readonly schema: string;
  readonly table: string;
  readonly from: string;
  readonly to: string;
}

/**
 * The statements that rename columns, with the constraints, indexes and sequences that are named after them. The current
 * database is changed accordingly. Throws for a remark about a column that is in neither database.
 */
export async function renameColumns(
  sources: readonly SqlFile[],
  current: Database,
  wanted: Database,
): Promise<string[]> {
  const statements: string[] = [];
  const run = async (sql: string): Promise<void> => {
    await current.unsafe(sql);
    statements.push(sql);
  };
  const tables = new Set<string>();
  for (const { schema, table, from, to } of await readRenames(sources)) {
    const columns = await columnsOf(current, schema, table);
    if (columns.has(to)) continue;
    if (!columns.has(from)) {
      throw new Error(
        `Column "${to}" of ${schema}.${table} is said to be renamed from "${from}", and the newest release has no such ` +
          "column; correct the remark in sql/ or take it away.",
      );
    }
    await run(`alter table ${quote(schema)}.${quote(table)} rename column ${quote(from)} to ${quote(to)};`);
    tables.add(`${quote(schema)}.${quote(table)}`);
  }
  for (const table of tables) {
    const known = await named(current, table);
    const goal = await named(wanted, table);
    for (const [name, { definition, kind }] of known) {
      if (goal.has(name)) continue;
      const now = [...goal].find(([other, each]) => !known.has(other) && each.definition === definition)?.[0];
      if (now === undefined) continue;
      const schema = table.split(".")[0];
      await run(
        kind === "constraint"
          ? `alter table ${table} rename constraint ${quote(name)} to ${quote(now)};`
          : `alter ${kind} ${schema}.${quote(name)} rename to ${quote(now)};`,
      );
    }
  }
  return statements;
}

async function readRenames(files: readonly SqlFile[]): Promise<Rename[]> {
  const found: Rename[] = [];
  for (const { name, text } of files) {
    const remarks = [...text.matchAll(new RegExp(REMARK, "gm"))];
    if (remarks.length === 0) continue;
    const { stmts = [] } = await parse(text);
    const columns = stmts.flatMap(({ stmt }) => columnDefinitions(stmt));
    for (const { index, 1: from = "" } of remarks) {
      const start = bytesIn(text.slice(0, text.lastIndexOf("\n", index - 1) + 1));
      const end = bytesIn(text.slice(0, index));
      // Of several on one line it is about the last.
      const column = columns.findLast(({ location }) => location >= start && location < end);
      if (column === undefined) {
        throw new Error(
          `The remark "renamed from: ${from}" in sql/${name} does not stand on the line of a table's column; move it there.`,
        );
      }
      found.push({
        schema: column.schema,
        table: column.table,
        from: from.replaceAll('"', ""),
        to: column.column,
      });
    }
  }
  return found;
}

function bytesIn(text: string): number {
  return new TextEncoder().encode(text).length;
}

interface ColumnDefinition {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  /** In bytes. */
  readonly location: number;
}

/** The columns that a statement defines, in `create table` or `alter table … add column`. */
function columnDefinitions(statement: unknown): ColumnDefinition[] {
  const tree = statement as {
    CreateStmt?: { relation?: RangeVar; tableElts?: { ColumnDef?: ColumnNode }[] };
    AlterTableStmt?: {
      relation?: RangeVar;
      cmds?: { AlterTableCmd?: { def?: { ColumnDef?: ColumnNode } } }[];
    };
  };
  const relation = tree.CreateStmt?.relation ?? tree.AlterTableStmt?.relation;
  if (relation?.relname === undefined) return [];
  const columns = [
    ...(tree.CreateStmt?.tableElts ?? []).map(({ ColumnDef }) => ColumnDef),
    ...(tree.AlterTableStmt?.cmds ?? []).map(({ AlterTableCmd }) => AlterTableCmd?.def?.ColumnDef),
  ];
  return columns.flatMap((column) =>
    column?.colname === undefined ? [] : [{
      schema: relation.schemaname ?? "public",
      table: relation.relname ?? "",
      column: column.colname,
      location: column.location ?? 0,
    }]
  );
}

interface RangeVar {
  readonly schemaname?: string;
  readonly relname?: string;
}

interface ColumnNode {
  readonly colname?: string;
  readonly location?: number;
}

async function columnsOf(sql: Database, schema: string, table: string): Promise<ReadonlySet<string>> {
  if (!OUR_SCHEMAS.some((ours) => ours === schema)) return new Set();
  const rows = await sql<{ attname: string }[]>`
    select attname::text from pg_attribute
    where attrelid = to_regclass(format('%I.%I', ${schema}::text, ${table}::text)) and attnum > 0 and not attisdropped`;
  return new Set(rows.map(({ attname }) => attname));
}

interface Named {
  readonly definition: string;
  readonly kind: "constraint" | "index" | "sequence";
}

/** What belongs to a table and has a name of its own, with what it is apart from that name. */
async function named(sql: Database, table: string): Promise<ReadonlyMap<string, Named>> {
  const rows = await sql.unsafe<(Named & { name: string })[]>(
    `select k.conname::text as name, pg_get_constraintdef(k.oid) as definition, 'constraint' as kind
     from pg_constraint k where k.conrelid = $1::text::regclass
     union all
     select c.relname::text, replace(pg_get_indexdef(c.oid), format(' INDEX %I ', c.relname), ' INDEX '), 'index'
     from pg_index i join pg_class c on c.oid = i.indexrelid
     where i.indrelid = $1::text::regclass and not exists (select from pg_constraint k where k.conindid = c.oid)
     union all
     select c.relname::text, format('of %s', a.attname), 'sequence'
     from pg_depend d
       join pg_class c on c.oid = d.objid and c.relkind = 'S'
       join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
     where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = $1::text::regclass
       and d.deptype in ('a', 'i')
     order by kind, name`,
    [table],
  );
  return new Map(rows.map(({ name, definition, kind }) => [name, { definition, kind }]));
}

function quote(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
