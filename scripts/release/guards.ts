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
  const withdrawal = defaultGrantsWithdrawn(action.sql);
  if (withdrawal !== null) return withdrawal;
  const [, table, change] = /^ALTER TABLE ((?:"(?:[^"]|"")+"|[^\s".]+)\.(?:"(?:[^"]|"")+"|[^\s".]+)) (.*)$/s
    .exec(action.sql) ?? [];
  if (table === undefined || change === undefined || !existingTables.has(unquoted(table))) return [statement];

  const [, constraint, condition] = /^ADD CONSTRAINT (\S+) CHECK \((.*)\)(?: NOT VALID)?$/s.exec(change) ??
    [];
  if (constraint !== undefined && condition !== undefined) {
    const complaint = `The new constraint ${plain(constraint)} of ${
      plain(table)
    }, CHECK (${condition}), is broken by `;
    return [guard(table, `not (${condition})`, "23514", complaint), statement];
  }
  const [, required] = /^ALTER COLUMN (\S+) SET NOT NULL$/.exec(change) ?? [];
  if (required !== undefined) {
    const complaint = `Column ${plain(required)} of ${plain(table)} must not be null any more and is so in `;
    return [guard(table, `${required} is null`, "23502", complaint), statement];
  }
  const [, column, definition = ""] = /^ADD COLUMN (\S+) (.*)$/s.exec(change) ?? [];
  if (column !== undefined && / NOT NULL/.test(definition) && !/ (DEFAULT|GENERATED) /.test(definition)) {
    const type = definition.replace(/ NOT NULL.*$/s, "");
    const [columnName, tableName] = [plain(column), plain(table)];
    throw new Error(
      `Column ${columnName} of ${tableName} is new, not null and without a default, so rows that are there already would have ` +
        `no value. Give it a default in sql/, or write by hand where its values come from:\n` +
        `alter table ${tableName} add column ${columnName} ${type};\n` +
        `update ${tableName} set ${columnName} = … where ${columnName} is null;\n` +
        `alter table ${tableName} alter column ${columnName} set not null;`,
    );
  }
  return [statement];
}

const CLIENTS = `"anon", "authenticated", "service_role"`;

/**
 * What a new object needs so that it has no more grants in a project whose defaults give everything new in `public` away;
 * those that it is to have come after it. Null for what makes no such object.
 */
function defaultGrantsWithdrawn(sql: string): string[] | null {
  if (/^REVOKE ALL ON FUNCTION .* FROM PUBLIC;?$/s.test(sql)) {
    return [terminated(sql.replace(/ FROM PUBLIC;?$/, ` FROM PUBLIC, ${CLIENTS}`))];
  }
  const [, name, table] = /^CREATE (?:TABLE|VIEW) ("public"\."((?:[^"]|"")+)")/.exec(sql) ?? [];
  if (name === undefined || table === undefined) return null;
  const sequences = [...sql.matchAll(/"((?:[^"]|"")+)" \w+ GENERATED (?:ALWAYS|BY DEFAULT) AS IDENTITY/g)]
    .map(([, column]) => `"public"."${table}_${column}_seq"`);
  return [
    terminated(sql),
    `REVOKE ALL ON TABLE ${name} FROM PUBLIC, ${CLIENTS};`,
    ...sequences.map((sequence) => `REVOKE ALL ON SEQUENCE ${sequence} FROM PUBLIC, ${CLIENTS};`),
  ];
}

/** The tables that a guard may be needed on are known by their bare names. */
function unquoted(name: string): string {
  return name.replaceAll(/"((?:[^"]|"")+)"/g, (_whole, inside: string) => inside.replaceAll('""', '"'));
}

/** As a person would write the name. */
function plain(name: string): string {
  return name.replaceAll(/"([a-z_][a-z0-9_]*)"/g, "$1");
}

function guard(table: string, broken: string, errcode: string, complaint: string): string {
  const select = `select * from ${plain(table)} where ${plain(broken)}`;
  return `do $guard$
declare
  broken bigint;
begin
  select count(*) into broken from ${table} where ${broken};
  if broken > 0 then
    raise exception using
      errcode = ${quoted(errcode)},
      message = ${quoted(complaint)} || case broken when 1 then '1 row' else broken || ' rows' end,
      hint = ${
    quoted(`Look at them with: ${select}; correct or delete them, and push again. Nothing was changed.`)
  };
  end if;
end
$guard$;`;
}
