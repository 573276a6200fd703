/**
 * Everything that can be said about the project without running it.
 *
 *     deno task check [--db URL]
 *
 * The database checks run on the embedded Postgres, or on a scratch database of the server at URL, whose role must be
 * allowed to create one.
 */

import { parseArgs } from "@std/cli/parse_args.js";
import { bold, dim, green, red, yellow } from "@std/fmt/colors.js";
import { formatted, generateTypes, TYPES_FILE } from "./gen_types.ts";
import { staleSections } from "./house/atlas.ts";
import { generateOpenApi, OPENAPI_FILE } from "./openapi.ts";
import { PATHS, readProject } from "./release/project.ts";
import { unreleasedMigration } from "./release/unreleased.ts";
import { connect, type Database } from "./stack/database.ts";
import { startEmbedded } from "./stack/embedded.ts";
import { createScratchDatabase } from "./stack/scratch.ts";
import { OUR_SCHEMAS } from "./stack/schema_snapshot.ts";
import { installStandIns } from "./stack/standins.ts";
import { advisors, lint, push } from "./supabase_cli.ts";

const REPOSITORY = new URL("../", import.meta.url);

/** What a check found: nothing, findings to read, or a reason why it could not run. */
type Outcome = { readonly findings: readonly string[] } | { readonly skipped: string };

interface Check {
  readonly name: string;
  run(database: PushedDatabase): Promise<Outcome>;
}

interface PushedDatabase {
  readonly databaseUrl: string;
  readonly sql: Database;
}

const CHECKS: readonly Check[] = [
  { name: "format", run: () => deno("fmt", "--check") },
  { name: "lint", run: () => deno("lint", "--quiet") },
  { name: "types", run: () => deno("check", "--quiet") },
  { name: "migrations equal sql/", run: checkMigrations },
  { name: "generated types", run: ({ databaseUrl }) => checkGeneratedTypes(databaseUrl) },
  { name: "OpenAPI", run: ({ sql }) => checkOpenApi(sql) },
  { name: "book", run: ({ sql }) => checkBook(sql) },
  { name: "SQL lint", run: checkSqlLint },
  { name: "advisors", run: ({ databaseUrl }) => checkAdvisors(databaseUrl) },
];

async function deno(...args: string[]): Promise<Outcome> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: REPOSITORY,
    env: { NO_COLOR: "1" },
  }).output();
  if (success) return { findings: [] };
  const decoder = new TextDecoder();
  const said = `${decoder.decode(stdout)}${decoder.decode(stderr)}`;
  return { findings: [said.replace(/^Stack backtrace:[\s\S]*/m, "").trim()] };
}

async function checkMigrations(): Promise<Outcome> {
  const project = await readProject();
  const next = await unreleasedMigration(project);
  if (next?.sql === project.unreleased?.text) return { findings: [] };
  const found = project.unreleased === null
    ? "no unreleased migration"
    : PATHS.migrations + project.unreleased.name;
  return {
    findings: [`sql/ has moved on from ${found}; "deno task db:migrate" writes it anew.`],
  };
}

async function checkGeneratedTypes(databaseUrl: string): Promise<Outcome> {
  if (await generateTypes(databaseUrl) === await Deno.readTextFile(TYPES_FILE)) return { findings: [] };
  return {
    findings: [
      `functions/_shared/store/database.types.ts is out of date; "deno task gen:types" writes it anew.`,
    ],
  };
}

async function checkOpenApi(sql: Database): Promise<Outcome> {
  const generated = await formatted(await generateOpenApi(sql), "json");
  if (generated === await Deno.readTextFile(OPENAPI_FILE)) return { findings: [] };
  return {
    findings: [`supabase/clients/openapi.json is out of date; "deno task gen:types" writes it anew.`],
  };
}

async function checkBook(sql: Database): Promise<Outcome> {
  return {
    findings: (await staleSections(sql)).map((section) =>
      `"${section}" in supabase/README.md is out of date; "deno run -A scripts/house/atlas.ts" writes it anew.`
    ),
  };
}

interface LintedFunction {
  readonly function: string;
  readonly issues: readonly {
    readonly level: string;
    readonly message: string;
    readonly detail?: string;
    readonly hint?: string;
    readonly context?: string;
    readonly statement?: { readonly lineNumber: string; readonly text: string };
  }[];
}

async function checkSqlLint({ databaseUrl, sql }: PushedDatabase): Promise<Outcome> {
  const available = await sql`select from pg_catalog.pg_available_extensions where name = 'plpgsql_check'`;
  if (available.length === 0) return { skipped: "needs the extension plpgsql_check; see --db" };
  const result = await lint(databaseUrl, OUR_SCHEMAS);
  if (result.code !== 0) return { findings: [result.stderr.trim()] };
  const functions: LintedFunction[] = result.stdout.trim() === "" ? [] : JSON.parse(result.stdout) ?? [];
  return {
    findings: functions.flatMap((linted) =>
      linted.issues.map((issue) =>
        [
          `${linted.function}, line ${issue.statement?.lineNumber ?? "?"}: ${issue.message}`,
          ...[issue.detail, issue.context, issue.hint].filter((part) => part !== undefined && part !== ""),
        ].join("\n  ")
      )
    ),
  };
}

interface Advice {
  readonly name: string;
  readonly level: string;
  readonly detail: string;
  readonly remediation: string;
}

async function checkAdvisors(databaseUrl: string): Promise<Outcome> {
  const result = await advisors(databaseUrl);
  if (result.code !== 0) return { findings: [result.stderr.trim()] };
  const advice: Advice[] = result.stdout.trim() === "" ? [] : JSON.parse(result.stdout) ?? [];
  return {
    findings: advice.map((each) => `${each.level} ${each.name}: ${each.detail}\n  ${each.remediation}`),
  };
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

async function main(): Promise<number> {
  const options = parseArgs(Deno.args, { string: ["db"] });
  await using cleanup = new AsyncDisposableStack();
  let databaseUrl: string;
  if (options.db === undefined) {
    const embedded = await startEmbedded();
    cleanup.defer(() => embedded.close());
    databaseUrl = embedded.databaseUrl;
  } else {
    databaseUrl = await createScratchDatabase(options.db, cleanup);
  }
  const sql = connect(databaseUrl, { max: 1 });
  cleanup.defer(() => sql.end({ timeout: 5 }));
  await installStandIns(sql);
  await push(databaseUrl);

  const width = Math.max(...CHECKS.map(({ name }) => name.length));
  let failed = 0;
  for (const check of CHECKS) {
    const began = performance.now();
    let outcome: Outcome;
    try {
      outcome = await check.run({ databaseUrl, sql });
    } catch (error) {
      outcome = { findings: [error instanceof Error ? error.message : String(error)] };
    }
    const took = dim(`${((performance.now() - began) / 1_000).toFixed(1).padStart(6)} s`);
    const name = check.name.padEnd(width);
    if ("skipped" in outcome) {
      print(`${name} ${took}  ${yellow("skipped")}: ${outcome.skipped}`);
    } else if (outcome.findings.length === 0) {
      print(`${name} ${took}  ${green("ok")}`);
    } else {
      failed += 1;
      print(`${name} ${took}  ${red(bold("failed"))}`);
      for (const finding of outcome.findings) print(finding.replaceAll(/^/gm, "    "));
    }
  }
  return failed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
