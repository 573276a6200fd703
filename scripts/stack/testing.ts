/** Runs one test against every kind of database there is on this machine. */

import { connect, type Database } from "./database.ts";
import { startEmbedded } from "./embedded.ts";
import { createScratchDatabase } from "./scratch.ts";

/** Address of a Postgres whose role may create databases and roles; without it, tests on a real server are skipped. */
export const TEST_DATABASE_VARIABLE = "EDGELOOP_TEST_DB";

/** Address of the one database of a server in which pg_cron lives; tests of the real schedule empty it first. */
export const CRON_DATABASE_VARIABLE = "EDGELOOP_TEST_CRON_DB";

export type Target = "embedded" | "postgres";

export interface TestDatabase extends AsyncDisposable {
  readonly databaseUrl: string;
  /** As owner. */
  readonly sql: Database;
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

/** An empty database, gone after the test. */
export async function createTestDatabase(
  target: Target,
  options: { pgtap?: boolean } = {},
): Promise<TestDatabase> {
  const cleanup = new AsyncDisposableStack();
  let databaseUrl: string;
  if (target === "embedded") {
    const embedded = await startEmbedded(options);
    cleanup.defer(() => embedded.close());
    databaseUrl = embedded.databaseUrl;
  } else {
    databaseUrl = await createServerDatabase(cleanup);
  }
  const sql = connect(databaseUrl);
  cleanup.defer(() => sql.end({ timeout: 5 }));
  return { databaseUrl, sql, [Symbol.asyncDispose]: () => cleanup.disposeAsync() };
}

/** A fresh database on the test server; dropped by `cleanup`. */
export async function createServerDatabase(cleanup: AsyncDisposableStack): Promise<string> {
  const server = Deno.env.get(TEST_DATABASE_VARIABLE);
  if (server === undefined) throw new Error(`${TEST_DATABASE_VARIABLE} is not set.`);
  return await createScratchDatabase(server, cleanup);
}
