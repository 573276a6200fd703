/** What a database of the newest release needs to become what `sql/` says. */

import { buildDatabase, type BuiltDatabase } from "./built_database.ts";
import { explainColumnOrder } from "./column_order.ts";
import { guardedStatements } from "./guards.ts";
import { PATHS, type StatementsByHand } from "./project.ts";
import { renameColumns } from "./renames.ts";
import { changeJobs, changeRows } from "./rows.ts";
import { dropReshapedTypes, newAttributeComments, planSchemaChanges } from "./schema_changes.ts";
import { isEmpty } from "./statements.ts";
import { compareSnapshots, OUR_SCHEMAS, snapshotSchema } from "../stack/schema_snapshot.ts";
import type { SqlFile } from "../stack/schema_sources.ts";

const HEADER = "-- Generated from sql/ by `deno task db:migrate`; edit sql/ instead.\n";
const NOTHING_BY_HAND: StatementsByHand = { before: "", after: "" };

/** A migration that no release has frozen yet. */
export interface NextMigration {
  readonly sql: string;
  /** What a person should know of it, a sentence each. */
  readonly notes: readonly string[];
  /** Objects it would drop with the data in them. */
  readonly destroys: readonly string[];
}

/** The first migration: the files in order. */
export function initialMigration(sources: readonly SqlFile[]): string {
  return [HEADER, ...sources.map((file) => `-- sql/${file.name}\n\n${file.text.trim()}\n`)].join("\n");
}

/**
 * The SQL that takes a database of the released migrations to the state of the sources, null when it is there already.
 * Throws with what is missing, and what a person can write by hand, when there is no way that leads there.
 */
export async function nextMigration(
  sources: readonly SqlFile[],
  released: readonly SqlFile[],
  byHand: StatementsByHand = NOTHING_BY_HAND,
  build: typeof buildDatabase = buildDatabase,
): Promise<NextMigration | null> {
  await using cleanup = new AsyncDisposableStack();
  const current = await build(cleanup, released);
  const wanted = await build(cleanup, sources);
  const goal = await snapshotSchema(wanted.sql);
  const before = await isEmpty(byHand.before) ? [] : [byHand.before.trim()];
  const after = await isEmpty(byHand.after) ? [] : [byHand.after.trim()];
  const isThere = compareSnapshots(await snapshotSchema(current.sql), goal).length === 0;
  if (isThere && before.length === 0 && after.length === 0) return null;

  const found = await findStatements(sources, current, wanted, before);
  const body = [...found.statements, ...after].join("\n").trimEnd() + "\n";
  const upgraded = await build(cleanup, [...released, { name: "the next migration", text: body }]);
  const notes = await verify(body, upgraded, wanted, goal);
  return {
    sql: [...HEADER.trimEnd().split("\n"), ...notes.map((note) => `-- ${note}`), "", body].join("\n"),
    notes,
    destroys: found.destroys,
  };
}

interface FoundStatements {
  readonly statements: readonly string[];
  readonly destroys: readonly string[];
}

/** Looks for the statements while bringing the current database there step by step. */
async function findStatements(
  sources: readonly SqlFile[],
  current: BuiltDatabase,
  wanted: BuiltDatabase,
  before: readonly string[],
): Promise<FoundStatements> {
  const statements: string[] = [];
  const run = async (next: readonly string[]): Promise<void> => {
    for (const statement of next) {
      try {
        await current.sql.begin((transaction) =>
          transaction.unsafe(`set local check_function_bodies = off;\n${statement}`).simple()
        );
      } catch (error) {
        throw new Error(
          `The migration that was found fails (${
            error instanceof Error ? error.message : String(error)
          }) at\n${statement}\n` +
            `Write by hand in ${PATHS.before} what is to happen instead; what it does is not looked for any more.`,
          { cause: error },
        );
      }
    }
    statements.push(...next);
  };
  await run(before);
  statements.push(...await renameColumns(sources, current.sql, wanted.sql));
  await run(await dropReshapedTypes(current.sql, wanted.sql));
  const tables = await readTables(current);
  const actions = await planSchemaChanges(current.databaseUrl, wanted.databaseUrl);
  await run(actions.flatMap((action) => guardedStatements(action, tables)));
  await run(await newAttributeComments(current.sql, wanted.sql));
  await run(await changeRows(sources, current.sql, wanted.sql));
  await run(await changeJobs(current.sql, wanted.sql));
  if (statements.length > 0) statements.unshift("set local check_function_bodies = off;");
  return {
    statements,
    destroys: actions.filter((action) => action.dataLoss === "destructive").map(({ sql }) => sql),
  };
}

/** Returns what there is to say of a database of the newest release to which the whole was applied. */
async function verify(
  text: string,
  upgraded: BuiltDatabase,
  wanted: BuiltDatabase,
  goal: readonly string[],
): Promise<string[]> {
  const difference = compareSnapshots(await snapshotSchema(upgraded.sql), goal);
  if (difference.length > 0) {
    throw new Error(
      `The migration that was found does not lead to sql/. Write by hand, in ${PATHS.before} or ${PATHS.after}, what ` +
        `brings about the rest:\n${difference.join("\n")}\n\nThe migration:\n${text}`,
    );
  }
  return await explainColumnOrder(upgraded.sql, wanted.sql);
}

async function readTables({ sql }: BuiltDatabase): Promise<ReadonlySet<string>> {
  const rows = await sql.unsafe<{ name: string }[]>(
    `select n.nspname || '.' || c.relname as name
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and n.nspname = any ($1)`,
    [[...OUR_SCHEMAS]],
  );
  return new Set(rows.map(({ name }) => name));
}
