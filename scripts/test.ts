/**
 * Runs the tests that this machine can run.
 *
 *     deno task test                       the fast lane: everything that a change usually breaks
 *     deno task test --all                 everything
 *     deno task test PATH ... [--filter TEXT]   these, whichever lane they are in
 *
 * Deno tests stand beside what they test; SQL tests (pgTAP) stand in `supabase/tests/`, each file in a transaction
 * that it rolls back. With EDGELOOP_TEST_DB, the address of a Postgres whose role may create databases and roles, all
 * that touches a database runs there as well as on the embedded one.
 */

import { unescape } from "@std/html/entities.js";
import { parseArgs } from "@std/cli/parse_args.js";
import { dim, green, red, yellow } from "@std/fmt/colors.js";
import { connect, type Database } from "./stack/database.ts";
import { LONG_TESTS } from "./testing/lanes.ts";
import {
  createTestDatabase,
  CRON_DATABASE_VARIABLE,
  dropTemplates,
  type Target,
  TEST_DATABASE_VARIABLE,
} from "./testing/databases.ts";

const REPOSITORY = new URL("../", import.meta.url);
const SQL_TESTS = "supabase/tests/";

interface Counts {
  passed: number;
  failed: number;
  /** Reason of each test that was not run. */
  skipped: string[];
}

interface TapResult {
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

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

async function runDenoTests(
  paths: readonly string[],
  filter: string | undefined,
  leftOut: readonly string[],
  counts: Counts,
): Promise<void> {
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: [
        "test",
        "--allow-all",
        "--no-check",
        `--junit-path=${report}`,
        ...(filter === undefined ? [] : [`--filter=${filter}`]),
        ...(leftOut.length === 0 ? [] : [`--ignore=${leftOut.join(",")}`]),
        ...paths,
      ],
      cwd: REPOSITORY,
      stdout: "inherit",
      stderr: "inherit",
    }).spawn().status;
    const before = counts.failed;
    readJunit(await Deno.readTextFile(report), counts);
    // A module that cannot be loaded fails without being a test.
    if (code !== 0 && counts.failed === before) counts.failed += 1;
  } finally {
    await Deno.remove(report);
  }
}

function readJunit(xml: string, counts: Counts): void {
  for (
    const [, attributes = "", body = ""] of xml.matchAll(
      /<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g,
    )
  ) {
    if (body.includes("<skipped")) {
      counts.skipped.push(reasonToSkip(unescape(/\bname="([^"]*)"/.exec(attributes)?.[1] ?? "")));
    } else if (body.includes("<failure") || body.includes("<error")) counts.failed += 1;
    else counts.passed += 1;
  }
}

/** A test that is ignored says what it needs in parentheses at the end of its name. */
function reasonToSkip(name: string): string {
  const needed = /\(([^()]*)\)$/.exec(name)?.[1];
  if (needed === "real Postgres") return `${TEST_DATABASE_VARIABLE} is not set`;
  if (needed === "real pg_cron") return `${CRON_DATABASE_VARIABLE} is not set`;
  return needed === undefined ? `"${name}" cannot run here` : `needs ${needed}`;
}

async function runSqlTests(target: Target, files: readonly string[], counts: Counts): Promise<void> {
  if (files.length === 0) return;
  const where = target === "embedded" ? "embedded" : "real Postgres";
  if (target === "postgres" && Deno.env.get(TEST_DATABASE_VARIABLE) === undefined) {
    for (const _ of files) counts.skipped.push(`${TEST_DATABASE_VARIABLE} is not set`);
    return;
  }
  print(dim(`\nrunning ${files.length} SQL tests (${where})`));
  await using database = await createTestDatabase(target, "migrations", { pgtap: true });
  const available = await database.sql`select from pg_catalog.pg_available_extensions where name = 'pgtap'`;
  if (available.length === 0) {
    for (const _ of files) counts.skipped.push("the server does not have the extension pgtap");
    return;
  }
  for (const file of files) {
    const began = performance.now();
    const result = await runSqlTest(database.databaseUrl, file);
    counts.passed += result.passed;
    counts.failed += result.failures.length;
    counts.skipped.push(...result.skipped);
    const verdict = result.failures.length === 0 ? green("ok") : red("FAILED");
    const took = dim(`(${Math.round(performance.now() - began)}ms)`);
    print(`${file.replace(SQL_TESTS, "")} (${where}) ... ${result.passed} passed ${verdict} ${took}`);
    for (const failure of result.failures) print(red(failure.replaceAll(/^/gm, "    ")));
  }
}

async function runSqlTest(databaseUrl: string, file: string): Promise<TapResult> {
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

async function findSqlTests(): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(new URL(SQL_TESTS, REPOSITORY))) {
    if (entry.name.endsWith(".test.sql")) files.push(SQL_TESTS + entry.name);
  }
  return files.sort();
}

async function runTests(
  paths: readonly string[],
  filter: string | undefined,
  leftOut: readonly string[],
  counts: Counts,
): Promise<void> {
  const sqlFiles = paths.length === 0
    ? filter === undefined ? await findSqlTests() : []
    : paths.filter((path) => path.endsWith(".sql"));
  for (const target of ["embedded", "postgres"] as const) await runSqlTests(target, sqlFiles, counts);
  const denoPaths = paths.filter((path) => !path.endsWith(".sql"));
  if (paths.length === 0 || denoPaths.length > 0) {
    await runDenoTests(denoPaths, filter, leftOut, counts);
  }
}

async function main(): Promise<number> {
  const options = parseArgs(Deno.args, { string: ["filter"], boolean: ["all"] });
  const paths: string[] = options._.map(String);
  const counts: Counts = { passed: 0, failed: 0, skipped: [] };
  const isFast = !options.all && paths.length === 0 && options.filter === undefined;
  const leftOut = isFast ? Object.keys(LONG_TESTS) : [];
  try {
    await runTests(paths, options.filter, leftOut, counts);
  } finally {
    await dropTemplates();
  }
  if (leftOut.length > 0) {
    print(yellow("\nLeft to the long lane (deno task test --all):"));
    for (const [path, reason] of Object.entries(LONG_TESTS)) print(`  ${path}\n    ${dim(reason)}`);
  }
  if (counts.skipped.length > 0) {
    const reasons = Object.entries(Object.groupBy(counts.skipped, (reason) => reason));
    print(yellow("\nSkipped:"));
    for (const [reason, tests = []] of reasons) print(`  ${String(tests.length).padStart(4)}  ${reason}`);
  }
  print(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped.length} skipped`);
  return counts.failed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
