/**
 * Databases for tests, on every kind of database there is on this machine. What many tests begin with is built once for each
 * state of `sql/` and copied from then on: an embedded one from a file, one on a server from a template.
 *
 * @module
 */

import { encodeHex } from "@std/encoding/hex.js";
import { ADVISORY_LOCKS } from "../stack/advisory_locks.ts";
import { connect, type Database } from "../stack/database.ts";
import { type EmbeddedDatabase, startEmbedded } from "../stack/embedded.ts";
import { MIGRATIONS_DIRECTORY, readSqlFiles, runSqlFiles, SQL_DIRECTORY } from "../stack/schema_sources.ts";
import { createScratchDatabase } from "../stack/scratch.ts";
import { type Stack, type StackOptions, startStack } from "../stack/stack.ts";
import { installStandIns, STAND_INS_DIRECTORY } from "../stack/standins.ts";
import { push } from "../supabase_cli.ts";

/** Address of a Postgres whose role may create databases and roles; without it, tests on a real server are skipped. */
export const TEST_DATABASE_VARIABLE = "EDGELOOP_TEST_DB";

/** Address of the one database of a server in which pg_cron lives; tests of the real schedule empty it first. */
export const CRON_DATABASE_VARIABLE = "EDGELOOP_TEST_CRON_DB";

export type Target = "embedded" | "postgres";

/** What a database holds when a test gets it: nothing, or the stand-ins and `sql/`, or the stand-ins and the migrations as the CLI pushes them. */
export type Contents = "nothing" | "sql" | "migrations";

export interface TestDatabase extends AsyncDisposable {
  readonly databaseUrl: string;
  /** As owner. */
  readonly sql: Database;
}

export interface TestDatabaseOptions {
  /** Makes `create extension pgtap` possible where the database is embedded. */
  readonly pgtap?: boolean;
}

/** Registers the test once per target; the name says on which it runs. */
export function testOnEachTarget(name: string, test: (target: Target) => Promise<void>): void {
  Deno.test(`${name} (embedded)`, () => test("embedded"));
  testOnRealPostgres(name, () => test("postgres"));
}

/** Registers a test that needs several connections at once, which the embedded database takes one after the other. */
export function testOnRealPostgres(name: string, test: () => Promise<void>): void {
  Deno.test({
    name: `${name} (real Postgres)`,
    ignore: Deno.env.get(TEST_DATABASE_VARIABLE) === undefined,
    fn: test,
  });
}

/** A database of the test's own, gone after it. */
export async function createTestDatabase(
  target: Target,
  contents: Contents = "nothing",
  options: TestDatabaseOptions = {},
): Promise<TestDatabase> {
  await using cleanup = new AsyncDisposableStack();
  const databaseUrl = target === "embedded"
    ? cleanup.use(disposable(await startEmbeddedWith(contents, options))).databaseUrl
    : await createServerDatabase(cleanup, contents);
  const sql = connect(databaseUrl);
  cleanup.defer(() => sql.end({ timeout: 5 }));
  const owned = cleanup.move();
  return { databaseUrl, sql, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** A database on the test server; dropped by `cleanup`. */
export async function createServerDatabase(
  cleanup: AsyncDisposableStack,
  contents: Contents = "nothing",
): Promise<string> {
  const server = testServer();
  return await createScratchDatabase(
    server,
    cleanup,
    contents === "nothing" ? undefined : await templateWith(server, contents),
  );
}

/** A whole stack on a database of the test's own that has the migrations; both are gone after it. */
export async function startTestStack(
  target: Target,
  cleanup: AsyncDisposableStack,
  options: Omit<StackOptions, "databaseUrl" | "push"> = {},
): Promise<Stack> {
  const { databaseUrl } = cleanup.use(await createTestDatabase(target, "migrations"));
  const stack = await startStack({ ...options, databaseUrl, push: false });
  cleanup.defer(() => stack.close());
  return stack;
}

function testServer(): string {
  const server = Deno.env.get(TEST_DATABASE_VARIABLE);
  if (server === undefined) throw new Error(`${TEST_DATABASE_VARIABLE} is not set.`);
  return server;
}

function disposable(embedded: EmbeddedDatabase): EmbeddedDatabase & AsyncDisposable {
  return { ...embedded, [Symbol.asyncDispose]: () => embedded.close() };
}

async function fill(databaseUrl: string, contents: Exclude<Contents, "nothing">): Promise<void> {
  const sql = connect(databaseUrl, { max: 1 });
  try {
    await installStandIns(sql);
    if (contents === "sql") await runSqlFiles(sql, await readSqlFiles(SQL_DIRECTORY));
    else await push(databaseUrl);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Names a state of everything that a filled database depends on. */
async function digestOf(contents: Contents): Promise<string> {
  const files = contents === "nothing" ? [] : [
    ...await readSqlFiles(STAND_INS_DIRECTORY),
    ...await readSqlFiles(contents === "sql" ? SQL_DIRECTORY : MIGRATIONS_DIRECTORY),
  ];
  const text = JSON.stringify([await Deno.readTextFile(DEPENDENCIES), files]);
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return encodeHex(bytes).slice(0, 12);
}

// Embedded ones.

/** Which PGlite it is that wrote a dump. */
const DEPENDENCIES = new URL("../../deno.json", import.meta.url);
const DUMPS = new URL("../../.edgeloop/test-databases/", import.meta.url);
const dumps = new Map<Contents, Promise<Blob>>();

async function startEmbeddedWith(
  contents: Contents,
  options: TestDatabaseOptions,
): Promise<EmbeddedDatabase> {
  return await startEmbedded({ ...options, copyOf: await dumpOf(contents) });
}

function dumpOf(contents: Contents): Promise<Blob> {
  const known = dumps.get(contents) ?? readOrMakeDump(contents);
  dumps.set(contents, known);
  return known;
}

async function readOrMakeDump(contents: Contents): Promise<Blob> {
  const name = `${contents}-${await digestOf(contents)}.tar`;
  const file = new URL(name, DUMPS);
  const made = await readIfThere(file);
  if (made !== undefined) return made;
  await Deno.mkdir(DUMPS, { recursive: true });
  // Tests run side by side: the first makes it, the others wait.
  using lock = await Deno.open(new URL(`${contents}.lock`, DUMPS), { create: true, write: true });
  await lock.lock(true);
  const madeMeanwhile = await readIfThere(file);
  if (madeMeanwhile !== undefined) return madeMeanwhile;
  await using embedded = disposable(
    await startEmbedded(contents === "nothing" ? {} : { copyOf: await dumpOf("nothing") }),
  );
  if (contents !== "nothing") await fill(embedded.databaseUrl, contents);
  const dump = await embedded.dump();
  for await (const { name: other } of Deno.readDir(DUMPS)) {
    if (other.startsWith(`${contents}-`)) await Deno.remove(new URL(other, DUMPS));
  }
  // Under another name first, so that one that was left half-written is never read.
  const partial = new URL(`${name}.partial`, DUMPS);
  await Deno.writeFile(partial, new Uint8Array(await dump.arrayBuffer()));
  await Deno.rename(partial, file);
  return dump;
}

async function readIfThere(file: URL): Promise<Blob | undefined> {
  try {
    return new Blob([await Deno.readFile(file)]);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

// Those on a server.

const TEMPLATE_PREFIX = "edgeloop_template_";
const templates = new Map<Contents, Promise<string>>();

function templateWith(server: string, contents: Exclude<Contents, "nothing">): Promise<string> {
  const known = templates.get(contents) ?? makeTemplate(server, contents);
  templates.set(contents, known);
  return known;
}

async function templateName(contents: Contents): Promise<string> {
  return `${TEMPLATE_PREFIX}${contents}_${await digestOf(contents)}`;
}

async function makeTemplate(server: string, contents: Exclude<Contents, "nothing">): Promise<string> {
  const template = await templateName(contents);
  const admin = connect(server, { max: 1 });
  try {
    await admin`select pg_advisory_lock(${ADVISORY_LOCKS.template})`;
    const [made] = await admin`select from pg_catalog.pg_database where datname = ${template}`;
    if (made !== undefined) return template;
    // Under another name first, so that one that was left half-filled is never copied.
    await using cleanup = new AsyncDisposableStack();
    const filling = await createScratchDatabase(server, cleanup);
    await fill(filling, contents);
    await admin.unsafe(`alter database ${new URL(filling).pathname.slice(1)} rename to ${template}`);
    await admin.unsafe(`comment on database ${template} is '${new Date().toISOString()}'`);
    return template;
  } finally {
    await admin.end({ timeout: 5 });
  }
}

/** Drops this checkout's templates on the test server, where there is one, and what earlier runs left there a day ago. */
export async function dropTemplates(): Promise<void> {
  const server = Deno.env.get(TEST_DATABASE_VARIABLE);
  if (server === undefined) return;
  const own = await Promise.all((["sql", "migrations"] as const).map(templateName));
  const admin = connect(server, { max: 1 });
  try {
    const left = await admin<{ name: string; made_at: string | null }[]>`
      select datname as name, shobj_description(oid, 'pg_database') as made_at
      from pg_catalog.pg_database where starts_with(datname, ${TEMPLATE_PREFIX})`;
    const yesterday = new Date(Date.now() - 86_400_000).toISOString();
    for (const { name, made_at } of left) {
      if (own.includes(name) || (made_at ?? "") < yesterday) {
        await admin.unsafe(`drop database if exists ${name}`);
      }
    }
  } finally {
    await admin.end({ timeout: 5 });
  }
}
