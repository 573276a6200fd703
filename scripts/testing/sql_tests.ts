/**
 * The SQL tests (pgTAP) in `supabase/tests/`, each file in a transaction that it rolls back.
 *
 * @module
 */

import { connect, type Database } from "../stack/database.ts";

const REPOSITORY = new URL("../../", import.meta.url);

/** Where they are. */
export const SQL_TESTS = "supabase/tests/";

/** What became of the tests of a file. */
export interface TapResult {
  readonly passed: number;
  readonly failures: readonly string[];
  readonly skipped: readonly string[];
}

/** Reads what a TAP producer printed; a plan that was not kept, or none, is a failure too. */
export function readTap(lines: readonly string[]): TapResult {
  let passed = 0;
  let planned: number | undefined;
  const failures: string[] = [];
  const skipped: string[] = [];
  for (const line of lines) {
    const plan = /^1\.\.(\d+)/.exec(line)?.[1];
    if (plan !== undefined) planned = Number(plan);
    const result = /^(not )?ok\b\s*\d*\s*-?\s*(.*)/.exec(line);
    if (result === null) {
      // What follows a failure explains it.
      if (line.startsWith("#") && failures.length > 0) failures.push(`${failures.pop()}\n  ${line}`);
      continue;
    }
    const [, negation, description = ""] = result;
    const directive = /#\s*(skip|todo)\b\s*(.*)/i.exec(description);
    if (directive !== null) skipped.push(directive[2] || description);
    else if (negation === undefined) passed += 1;
    else failures.push(description);
  }
  const ran = passed + failures.length + skipped.length;
  if (planned === undefined) {
    failures.push("There was no plan: select plan(n) is missing, or the script ended early.");
  } else if (planned !== ran) failures.push(`Planned ${planned} tests and ran ${ran}.`);
  return { passed, failures, skipped };
}

/** Runs one file, which leaves nothing behind, as whoever the address names. */
export async function runSqlTest(databaseUrl: string, file: string): Promise<TapResult> {
  const text = await Deno.readTextFile(new URL(file, REPOSITORY));
  if (!/^(?:\s|--[^\n]*\n)*begin\s*;/i.test(text) || !/rollback\s*;\s*$/i.test(text)) {
    const failure =
      "The file must start with begin; and end with rollback; so that it leaves nothing behind.";
    return { passed: 0, failures: [failure], skipped: [] };
  }
  const sql: Database = connect(databaseUrl, { max: 1 });
  try {
    const results: unknown = await sql.unsafe(text).simple();
    const sets = Array.isArray(results) ? results : [];
    const lines = sets.flatMap((rows: unknown) => Array.isArray(rows) ? rows : [rows])
      .flatMap((row: unknown) =>
        typeof row === "object" && row !== null ? Object.values(row).slice(0, 1) : []
      )
      .flatMap((value: unknown) => typeof value === "string" ? value.split("\n") : []);
    return readTap(lines);
  } catch (error) {
    const { position } = error as { position?: string };
    const line = position === undefined ? "" : `line ${text.slice(0, Number(position)).split("\n").length}: `;
    const message = error instanceof Error ? error.message : String(error);
    return { passed: 0, failures: [`${line}${message}`], skipped: [] };
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Every SQL test by its path in the repository, sorted. */
export async function findSqlTests(): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(new URL(SQL_TESTS, REPOSITORY))) {
    if (entry.name.endsWith(".test.sql")) files.push(SQL_TESTS + entry.name);
  }
  return files.sort();
}
