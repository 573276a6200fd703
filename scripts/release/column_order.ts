/** Columns that stand elsewhere in a table that was upgraded than in `sql/`, and what would mistake one for another. */

import type { Database } from "../stack/database.ts";
import { OUR_SCHEMAS } from "../stack/schema_snapshot.ts";

/**
 * One sentence for each table whose columns stand in another order than the sources have them. Throws where a function
 * takes its rows apart or puts them together by place.
 */
export async function explainColumnOrder(upgraded: Database, wanted: Database): Promise<string[]> {
  const there = await readOrders(upgraded);
  const notes: string[] = [];
  for (const [table, columns] of await readOrders(wanted)) {
    const now = there.get(table) ?? [];
    if (now.join() === columns.join()) continue;
    const moved = movedColumns(now, columns);
    const users = await usersByPlace(wanted, table);
    if (users.length > 0) {
      throw new Error(
        `Column ${
          moved.join(", ")
        } does not stand at the end of ${table} in sql/, where an upgrade puts it, and ` +
          `${users.join(", ")} may read rows of ${table} by the place of a column. Put it last in sql/, too.`,
      );
    }
    notes.push(
      `Column ${moved.join(", ")} stands in the middle of ${table} in sql/, and at its end after an upgrade.`,
    );
  }
  return notes;
}

/** The columns after which the order is another. */
function movedColumns(now: readonly string[], wanted: readonly string[]): readonly string[] {
  let place = 0;
  const kept = new Set<string>();
  for (const column of now) {
    const found = wanted.indexOf(column, place);
    if (found === -1) continue;
    kept.add(column);
    place = found + 1;
  }
  return wanted.filter((column) => !kept.has(column));
}

async function readOrders(sql: Database): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await sql.unsafe<{ name: string; columns: string[] }[]>(
    `select format('%I.%I', n.nspname, c.relname) as name, array_agg(a.attname::text order by a.attnum) as columns
     from pg_class c
       join pg_namespace n on n.oid = c.relnamespace
       join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relkind in ('r', 'p') and n.nspname = any ($1)
     group by n.nspname, c.relname
     order by n.nspname, c.relname`,
    [[...OUR_SCHEMAS]],
  );
  return new Map(rows.map(({ name, columns }) => [name, columns]));
}

/** Functions that return rows of the table, make one of a list of values, or insert into it without naming its columns. */
async function usersByPlace(sql: Database, table: string): Promise<string[]> {
  const rows = await sql.unsafe<{ name: string }[]>(
    `select p.oid::regprocedure::text as name
     from pg_proc p
       join pg_namespace n on n.oid = p.pronamespace
       join pg_class c on c.oid = $1::text::regclass
       join pg_type t on t.oid = c.reltype
     where n.nspname = any ($2) and (
       p.prorettype in (t.oid, t.typarray)
       or p.prosrc ~* ('\\m' || $3 || '(%rowtype)?(\\[\\])?\\s*(:=|;|default\\M)')
       or p.prosrc ~* ('::\\s*' || $3 || '\\M(?!\\s*\\[)')
       or p.prosrc ~* ('\\minsert\\s+into\\s+' || $3 || '(\\s+as\\s+\\w+)?\\s+(values|select|with|table|execute)\\M'))
     order by name`,
    [table, [...OUR_SCHEMAS], table.replaceAll(".", "\\.")],
  );
  return rows.map(({ name }) => name);
}
