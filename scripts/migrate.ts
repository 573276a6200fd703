/**
 * Writes the next migration from `sql/`, the one place where a person edits SQL.
 *
 *     deno task db:migrate [name]      what has changed since the last migration
 *     deno task db:migrate --initial   everything, into the first migration (only before the first release)
 *
 * The first migration is the ordered `sql/` itself. A later one comes from comparing two databases, one built from the
 * migrations and one from `sql/`; statements of `sql/` that write data (registry rows, cron jobs) are appended when no
 * migration has them yet. Before a migration is kept it is applied, and the result must equal `sql/`.
 */

import { parseArgs } from "@std/cli/parse_args.js";
import { parse } from "@libpg-query/parser";
import { segmentActions } from "@supabase/pg-delta/apply";
import { extract } from "@supabase/pg-delta/extract";
import { type Action, plan } from "@supabase/pg-delta/plan";
import pg from "pg";
import { connect, type Database } from "./stack/database.ts";
import { startEmbedded } from "./stack/embedded.ts";
import { compareSnapshots, OUR_SCHEMAS, snapshotSchema } from "./stack/schema_snapshot.ts";
import {
  MIGRATIONS_DIRECTORY,
  readSqlFiles,
  runSqlFiles,
  SQL_DIRECTORY,
  type SqlFile,
} from "./stack/schema_sources.ts";
import { installStandIns } from "./stack/standins.ts";

const HEADER = "-- Generated from sql/ by `deno task db:migrate`; edit sql/ instead.\n";

/** What the next migration would hold. */
export interface NextMigration {
  readonly sql: string;
  readonly statements: readonly string[];
  /** Objects it would drop with the data in them. */
  readonly destroys: readonly string[];
}

/** The first migration: the files in order. */
export function initialMigration(sources: readonly SqlFile[]): string {
  return [HEADER, ...sources.map((file) => `-- sql/${file.name}\n\n${file.text.trim()}\n`)].join("\n");
}

/**
 * The SQL that takes a database built from the migrations to the state of the sources, null when it is there already.
 * Throws with the difference when the SQL that was found does not bring it there.
 */
export async function nextMigration(
  sources: readonly SqlFile[],
  migrations: readonly SqlFile[],
): Promise<NextMigration | null> {
  await using cleanup = new AsyncDisposableStack();
  const current = await build(cleanup, migrations);
  const wanted = await build(cleanup, sources);
  const before = await snapshotSchema(current.sql);
  const goal = await snapshotSchema(wanted.sql);
  if (compareSnapshots(before, goal).length === 0) return null;

  const actions = await compareSchemas(current.databaseUrl, wanted.databaseUrl);
  const statements = actions.map((action) => terminated(action.sql));
  if (statements.length > 0) statements.unshift("set local check_function_bodies = off;");
  statements.push(...await newAttributeComments(current.sql, wanted.sql));
  statements.push(...await newDataStatements(sources, migrations));
  statements.push(...retiredJobs(before, goal));
  const text = [HEADER, ...statements].join("\n").trimEnd() + "\n";

  await runSqlFiles(current.sql, [{ name: "the next migration", text }]);
  const difference = compareSnapshots(await snapshotSchema(current.sql), goal);
  if (difference.length > 0) {
    throw new Error(
      "The migration that was found does not lead to sql/. A column added anywhere but at the end of its table, or a row " +
        `taken out of an insert, needs a hand in sql/. What remains:\n${
          difference.join("\n")
        }\n\nThe migration:\n${text}`,
    );
  }
  return {
    sql: text,
    statements,
    destroys: actions.filter((action) => action.dataLoss === "destructive").map(({ sql }) => sql),
  };
}

interface BuiltDatabase {
  readonly databaseUrl: string;
  readonly sql: Database;
}

async function build(cleanup: AsyncDisposableStack, files: readonly SqlFile[]): Promise<BuiltDatabase> {
  const embedded = await startEmbedded();
  cleanup.defer(() => embedded.close());
  const sql = connect(embedded.databaseUrl, { max: 1 });
  cleanup.defer(() => sql.end({ timeout: 5 }));
  await installStandIns(sql);
  await runSqlFiles(sql, files);
  return { databaseUrl: embedded.databaseUrl, sql };
}

/** The ordered statements that change the first database's schema into the second's. */
async function compareSchemas(currentUrl: string, wantedUrl: string): Promise<Action[]> {
  const [current, wanted] = await Promise.all([currentUrl, wantedUrl].map(async (connectionString) => {
    const pool = new pg.Pool({ connectionString, max: 1 });
    try {
      return await extract(pool);
    } finally {
      await pool.end();
    }
  }));
  if (current === undefined || wanted === undefined) throw new Error("A database could not be read.");
  const unmodeled = wanted.diagnostics.filter((diagnostic) => diagnostic.code === "unmodeled_kind");
  if (unmodeled.length > 0) {
    throw new Error(
      `The comparison does not cover everything: ${unmodeled.map((each) => each.message).join("; ")}`,
    );
  }
  const ours = [...OUR_SCHEMAS];
  const { actions } = plan(current.factBase, wanted.factBase, {
    policy: {
      id: "edgeloop",
      filter: [
        // Everything belongs to whoever pushes, whose own privileges need no grants.
        {
          match: { all: [{ kind: "acl" }, { idField: { field: "grantee", glob: "postgres" } }] },
          action: "exclude",
        },
        {
          match: { all: [{ verb: ["link", "unlink"] }, { edgeTo: { edgeKind: "owner" } }] },
          action: "exclude",
        },
        {
          match: {
            not: {
              any: [
                { all: [{ kind: "schema" }, { name: ours }] },
                { schema: ours },
                { target: { schema: ours } },
                { target: { kind: "schema", name: ours } },
              ],
            },
          },
          action: "exclude",
        },
      ],
      assumedRoles: ["postgres", "anon", "authenticated", "service_role"],
      assumedSchemas: ["auth", "cron", "extensions", "net", "vault"],
    },
  });
  for (const segment of segmentActions(actions)) {
    if (segment.transactional) continue;
    const statement = actions[segment.start]?.sql ?? "";
    throw new Error(`A migration runs in one transaction, and this cannot: ${statement}`);
  }
  return actions;
}

/** The comparison knows the attributes of composite types, but not their comments. */
async function newAttributeComments(current: Database, wanted: Database): Promise<string[]> {
  const read = async (sql: Database): Promise<string[]> => {
    const rows = await sql.unsafe<{ statement: string }[]>(
      `select format('comment on column %I.%I.%I is %L;', n.nspname, c.relname, a.attname, col_description(c.oid, a.attnum))
              as statement
       from pg_class c
         join pg_namespace n on n.oid = c.relnamespace
         join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       where c.relkind = 'c' and n.nspname = any ($1) and col_description(c.oid, a.attnum) is not null
       order by c.oid, a.attnum`,
      [[...OUR_SCHEMAS]],
    );
    return rows.map(({ statement }) => statement);
  };
  const known = new Set(await read(current));
  return (await read(wanted)).filter((statement) => !known.has(statement));
}

/** Statements of the sources that write data and stand in no migration yet. */
async function newDataStatements(
  sources: readonly SqlFile[],
  migrations: readonly SqlFile[],
): Promise<string[]> {
  const known = new Set((await dataStatements(migrations)).map(withoutSpacing));
  return (await dataStatements(sources)).filter((statement) => !known.has(withoutSpacing(statement)));
}

const DATA_STATEMENTS = new Set([
  "InsertStmt",
  "UpdateStmt",
  "DeleteStmt",
  "MergeStmt",
  "SelectStmt",
  "DoStmt",
]);

async function dataStatements(files: readonly SqlFile[]): Promise<string[]> {
  const found: string[] = [];
  for (const file of files) {
    const bytes = new TextEncoder().encode(file.text);
    const { stmts = [] } = await parse(file.text);
    // Places and lengths count bytes.
    for (const { stmt = {}, stmt_location: from = 0, stmt_len: length } of stmts) {
      if (!Object.keys(stmt).some((kind) => DATA_STATEMENTS.has(kind))) continue;
      const text = new TextDecoder().decode(
        bytes.subarray(from, length === undefined ? undefined : from + length),
      );
      found.push(terminated(withoutLeadingComments(text)));
    }
  }
  return found;
}

function withoutLeadingComments(statement: string): string {
  return statement.replace(/^(?:\s+|--[^\n]*\n|\/\*[\s\S]*?\*\/)+/, "").trimEnd();
}

function withoutSpacing(statement: string): string {
  return statement.replace(/\s+/g, " ");
}

function terminated(statement: string): string {
  return statement.trimEnd().replace(/;?$/, ";");
}

/** Jobs that only the migrations know are taken off the schedule. */
function retiredJobs(before: readonly string[], goal: readonly string[]): string[] {
  const names = (snapshot: readonly string[]): Set<string> =>
    new Set(snapshot.flatMap((line) => /^job (.*): schedule /.exec(line)?.[1] ?? []));
  const kept = names(goal);
  return [...names(before)]
    .filter((name) => !kept.has(name))
    .map((name) => `select cron.unschedule('${name.replaceAll("'", "''")}');`);
}

if (import.meta.main) {
  const options = parseArgs(Deno.args, { boolean: ["initial"] });
  const print = (text: string): void => {
    Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
  };
  const sources = await readSqlFiles(SQL_DIRECTORY);
  const migrations = await readSqlFiles(MIGRATIONS_DIRECTORY);
  const name = String(options._[0] ?? "edgeloop").toLowerCase().replace(/[^a-z0-9]+/g, "_");
  const version = new Date().toISOString().replace(/\D/g, "").slice(0, 14);
  const first = migrations[0];
  if (options.initial === true && migrations.length > 1) {
    print(`There are ${migrations.length} migrations already; --initial would rewrite history.`);
    Deno.exit(1);
  }
  if (options.initial === true || first === undefined) {
    const file = first?.name ?? `${version}_${name}.sql`;
    await Deno.writeTextFile(new URL(file, MIGRATIONS_DIRECTORY), initialMigration(sources));
    print(`Wrote supabase/migrations/${file}`);
  } else {
    const next = await nextMigration(sources, migrations);
    if (next === null) {
      print("Nothing to migrate: the migrations and sql/ make the same database.");
    } else {
      const file = `${version}_${name}.sql`;
      await Deno.writeTextFile(new URL(file, MIGRATIONS_DIRECTORY), next.sql);
      print(`Wrote supabase/migrations/${file}`);
      for (const statement of next.destroys) print(`Loses data: ${statement}`);
    }
  }
}
