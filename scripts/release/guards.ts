/** What a migration does before a change that the rows of a database in use may not allow. */

import type { Action } from "@supabase/pg-delta/plan";
import { quoted, terminated } from "./statements.ts";

/**
 * The statements of an action: in front of a new CHECK or NOT NULL on a table that is there already the rows that break it
 * are counted, so that a push that cannot go through says how many there are and where. Throws for a column that no
 * row could have a value of.
 */
export function guardedStatements(action: Action, existingTables: ReadonlySet<string>): string[] {
  const statement = terminated(action.sql);
  const [, table, change] = /^ALTER TABLE ((?:"(?:[^"]|"")+"|[^\s".]+)\.(?:"(?:[^"]|"")+"|[^\s".]+)) (.*)$/s
    .exec(action.sql) ?? [];
  if (table === undefined || change === undefined || !existingTables.has(unquoted(table))) return [statement];

  const [, constraint, condition] = /^ADD CONSTRAINT (\S+) CHECK \((.*)\)(?: NOT VALID)?$/s.exec(change) ??
    [];
  if (constraint !== undefined && condition !== undefined) {
    return [
      guard(table, `not (${condition})`, "23514", `break the new constraint ${constraint}, ${condition}`),
      statement,
    ];
  }
  const [, required] = /^ALTER COLUMN (\S+) SET NOT NULL$/.exec(change) ?? [];
  if (required !== undefined) {
    return [
      guard(table, `${required} is null`, "23502", `have no ${required}, which must not be null any more`),
      statement,
    ];
  }
  const [, column, definition = ""] = /^ADD COLUMN (\S+) (.*)$/s.exec(change) ?? [];
  if (column !== undefined && / NOT NULL/.test(definition) && !/ (DEFAULT|GENERATED) /.test(definition)) {
    const type = definition.replace(/ NOT NULL.*$/s, "");
    throw new Error(
      `Column ${column} of ${table} is new, not null and without a default, so rows that are there already would have ` +
        `no value. Give it a default in sql/, or write by hand where its values come from:\n` +
        `alter table ${table} add column ${column} ${type};\n` +
        `update ${table} set ${column} = … where ${column} is null;\n` +
        `alter table ${table} alter column ${column} set not null;`,
    );
  }
  return [statement];
}

/** The tables that a guard may be needed on are known by their plain names. */
function unquoted(name: string): string {
  return name.replaceAll(/"((?:[^"]|"")+)"/g, (_whole, inside: string) => inside.replaceAll('""', '"'));
}

function guard(table: string, broken: string, errcode: string, complaint: string): string {
  const select = `select * from ${table} where ${broken}`;
  return `do $guard$
declare
  broken bigint;
begin
  select count(*) into broken from ${table} where ${broken};
  if broken > 0 then
    raise exception using
      errcode = ${quoted(errcode)},
      message = format('%s of ${table.replaceAll("'", "''")} ${
    complaint.replaceAll("'", "''").replaceAll("%", "%%")
  }', case broken when 1 then '1 row' else broken || ' rows' end),
      hint = ${
    quoted(`Look at them with "${select};", correct or delete them, and push again; nothing was changed.`)
  };
  end if;
end
$guard$;`;
}
