/** SQL as text. */

import { parse } from "@libpg-query/parser";

/** The statement with the semicolon at its end. */
export function terminated(statement: string): string {
  return statement.trimEnd().replace(/;?$/, ";");
}

/** Whether nothing but comments and space stands in the text. */
export async function isEmpty(sql: string): Promise<boolean> {
  // The parser refuses a text of nothing.
  if (sql.trim() === "") return true;
  const { stmts = [] } = await parse(sql);
  return stmts.length === 0;
}

/** The text as a literal of SQL. */
export function quoted(text: string): string {
  const doubled = text.replaceAll("'", "''");
  return doubled.includes("\\") ? `E'${doubled.replaceAll("\\", "\\\\")}'` : `'${doubled}'`;
}
