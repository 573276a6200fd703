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
import { dissolveCompanies, inCompany } from "./testing/companies.ts";
import { FAST_LANE_VARIABLE, LONG_TESTS } from "./testing/lanes.ts";
import {
  createTestDatabase,
  CRON_DATABASE_VARIABLE,
  dropTemplates,
  type Target,
  TEST_DATABASE_VARIABLE,
} from "./testing/databases.ts";
import { findSqlTests, runSqlTest, SQL_TESTS } from "./testing/sql_tests.ts";

/** A run that takes longer hangs. */
const PATIENCE_MS = 45 * 60_000;

/** What is repeated of a failure below the whole run. */
const FAULT_LINES = 12;

const REPOSITORY = new URL("../", import.meta.url);

const TEST_FOLDERS = ["functions", "scripts", "supabase"];

interface Counts {
  passed: number;
  /** Name and message of each test that failed. */
  failed: string[];
  /** Reason of each test that was not run. */
  skipped: string[];
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

async function runDenoTests(
  paths: readonly string[],
  filter: string | undefined,
  isFast: boolean,
  counts: Counts,
): Promise<void> {
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const tests = new Deno.Command(Deno.execPath(), {
      args: [
        "test",
        "--allow-all",
        "--no-check",
        // Much of a test's time is waiting for a doorbell or a schedule.
        "--parallel",
        `--junit-path=${report}`,
        ...(filter === undefined ? [] : [`--filter=${filter}`]),
        ...paths,
      ],
      cwd: REPOSITORY,
      env: { [FAST_LANE_VARIABLE]: isFast ? "1" : "0" },
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
    // Interrupted, Deno names the tests that were running.
    const interrupt = setTimeout(() => tests.kill("SIGINT"), PATIENCE_MS);
    const kill = setTimeout(() => tests.kill("SIGKILL"), PATIENCE_MS + 30_000);
    const { code } = await tests.status;
    clearTimeout(interrupt);
    clearTimeout(kill);
    const before = counts.failed.length;
    readJunit(await Deno.readTextFile(report), filter, counts);
    if (code !== 0 && counts.failed.length === before) {
      counts.failed.push(
        `a module that could not be loaded, or a run that was stopped: deno test ended with ${code}`,
      );
    }
  } finally {
    await Deno.remove(report);
  }
}

function readJunit(xml: string, filter: string | undefined, counts: Counts): void {
  for (
    const [, attributes = "", body = ""] of xml.matchAll(
      /<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g,
    )
  ) {
    const name = unescape(/\bname="([^"]*)"/.exec(attributes)?.[1] ?? "");
    const fault = /<(?:failure|error)\b[^>]*>([\s\S]*?)<\/(?:failure|error)>/.exec(body)?.[1];
    if (body.includes("<skipped")) {
      // What the filter leaves out is reported alike, and was not asked for.
      if (isMeant(name, filter)) counts.skipped.push(reasonToSkip(name));
    } else if (fault !== undefined) {
      const file = unescape(/\bclassname="([^"]*)"/.exec(attributes)?.[1] ?? "");
      counts.failed.push(`${file} => ${name}\n${firstLines(unescape(fault))}`);
    } else counts.passed += 1;
  }
}

/** As Deno reads a filter: a text that the name has in it, or a pattern between slashes. */
function isMeant(name: string, filter: string | undefined): boolean {
  if (filter === undefined) return true;
  const pattern = /^\/(.*)\/$/.exec(filter)?.[1];
  return pattern === undefined ? name.includes(filter) : new RegExp(pattern).test(name);
}

/** Enough to see what went wrong; the whole stands where the test ran. */
function firstLines(fault: string): string {
  return fault.trim().split("\n").slice(0, FAULT_LINES).map((line) => `  ${line}`).join("\n");
}

/** A test that is ignored says what it needs in parentheses at the end of its name. */
function reasonToSkip(name: string): string {
  const needed = /\(([^()]*)\)$/.exec(name)?.[1];
  if (needed === "real Postgres") return `${TEST_DATABASE_VARIABLE} is not set`;
  if (needed === "real pg_cron") return `${CRON_DATABASE_VARIABLE} is not set`;
  return needed === undefined ? `"${name}" cannot run here` : `needs ${needed}`;
}

/** Returns what there is to print: the lines of other tests go to the terminal meanwhile. */
async function runSqlTests(target: Target, files: readonly string[], counts: Counts): Promise<string[]> {
  if (files.length === 0) return [];
  const where = target === "embedded" ? "embedded" : "real Postgres";
  if (target === "postgres" && Deno.env.get(TEST_DATABASE_VARIABLE) === undefined) {
    for (const _ of files) counts.skipped.push(`${TEST_DATABASE_VARIABLE} is not set`);
    return [];
  }
  const lines = [dim(`\nran ${files.length} SQL tests (${where})`)];
  await using database = await createTestDatabase(target, "migrations", { pgtap: true });
  const available = await database.sql`select from pg_catalog.pg_available_extensions where name = 'pgtap'`;
  if (available.length === 0) {
    for (const _ of files) counts.skipped.push("the server does not have the extension pgtap");
    return [];
  }
  // Each file creates it where it is missing, and rolling that back takes longer than most files.
  await database.sql`create extension if not exists pgtap with schema extensions`;
  for (const file of files) {
    const began = performance.now();
    const result = await runSqlTest(database.databaseUrl, file);
    counts.passed += result.passed;
    counts.failed.push(
      ...result.failures.map((failure) => `${file.replace(SQL_TESTS, "")} (${where}) => ${failure}`),
    );
    counts.skipped.push(...result.skipped);
    const verdict = result.failures.length === 0 ? green("ok") : red("FAILED");
    const took = dim(`(${Math.round(performance.now() - began)}ms)`);
    lines.push(`${file.replace(SQL_TESTS, "")} (${where}) ... ${result.passed} passed ${verdict} ${took}`);
    for (const failure of result.failures) lines.push(red(failure.replaceAll(/^/gm, "    ")));
  }
  return lines;
}

class UnknownPath extends Error {
  constructor(path: string) {
    super(`There is no "${path}": name test files or folders from the folder of this project.`);
  }
}

/** The test files of folders, and the files among the paths: Deno finds none in a folder that holds a workspace of its own. */
async function filesOf(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const { isDirectory } = await Deno.stat(new URL(path, REPOSITORY)).catch((error: unknown) => {
      if (error instanceof Deno.errors.NotFound) throw new UnknownPath(path);
      throw error;
    });
    if (!isDirectory) files.push(path);
    else {
      const folder = path.replace(/\/*$/, "/");
      const entries = await Array.fromAsync(Deno.readDir(new URL(folder, REPOSITORY)));
      const tests = entries.filter(({ name, isDirectory }) =>
        isDirectory || /\.test\.(?:ts|sql)$/.test(name)
      );
      files.push(...await filesOf(tests.map(({ name }) => folder + name).sort()));
    }
  }
  return files;
}

/** The long ones first, each by itself: what begins last is then short. */
async function allDenoTests(isFast: boolean): Promise<string[]> {
  const files = (await filesOf(TEST_FOLDERS)).filter((file) => file.endsWith(".ts"));
  const short = files.filter((file) => LONG_TESTS[file] === undefined);
  const long = files.filter((file) => LONG_TESTS[file] !== undefined);
  return [...(isFast ? [] : long), ...await inCompany(short)];
}

async function runTests(
  paths: readonly string[],
  filter: string | undefined,
  isFast: boolean,
  counts: Counts,
): Promise<void> {
  const sqlFiles = paths.length === 0
    ? filter === undefined ? await findSqlTests() : []
    : paths.filter((path) => path.endsWith(".sql"));
  const denoPaths = paths.length === 0
    ? await allDenoTests(isFast)
    : paths.filter((path) => !path.endsWith(".sql"));
  const runSql = async (): Promise<string[]> => [
    // One after the other: the embedded database holds this process up while it is at work.
    ...await runSqlTests("embedded", sqlFiles, counts),
    ...await runSqlTests("postgres", sqlFiles, counts),
  ];
  const [lines] = await Promise.all([
    runSql(),
    denoPaths.length > 0 ? runDenoTests(denoPaths, filter, isFast, counts) : undefined,
  ]);
  for (const line of lines) print(line);
}

async function main(): Promise<number> {
  const options = parseArgs(Deno.args, { string: ["filter"], boolean: ["all"] });
  const paths = await filesOf(options._.map(String));
  const counts: Counts = { passed: 0, failed: [], skipped: [] };
  const isFast = !options.all && paths.length === 0 && options.filter === undefined;
  try {
    await runTests(paths, options.filter, isFast, counts);
  } finally {
    await dissolveCompanies();
    await dropTemplates();
  }
  if (isFast) {
    print(yellow("\nLeft to the long lane (deno task test --all):"));
    for (const [path, reason] of Object.entries(LONG_TESTS)) print(`  ${path}\n    ${dim(reason)}`);
  }
  if (counts.skipped.length > 0) {
    const reasons = Object.entries(Object.groupBy(counts.skipped, (reason) => reason));
    print(yellow("\nSkipped:"));
    for (const [reason, tests = []] of reasons) print(`  ${String(tests.length).padStart(4)}  ${reason}`);
  }
  if (counts.failed.length > 0) {
    print(red("\nFailed:"));
    for (const failure of counts.failed) print(failure.replaceAll(/^/gm, "  "));
  }
  print(`\n${counts.passed} passed, ${counts.failed.length} failed, ${counts.skipped.length} skipped`);
  return counts.failed.length === 0 ? 0 : 1;
}

if (import.meta.main) {
  try {
    Deno.exit(await main());
  } catch (error) {
    if (!(error instanceof UnknownPath)) throw error;
    print(error.message);
    Deno.exit(2);
  }
}
