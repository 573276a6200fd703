import { assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert/mod.js";
import { delay } from "@std/async/delay.js";
import {
  createTestDatabase,
  type Target,
  testOnEachTarget,
  testOnRealPostgres,
} from "../testing/databases.ts";
import { connect, type Database } from "./database.ts";
import { claimDoorbell, type Doorbell } from "./doorbell.ts";
import { installStandIns, storeSecret } from "./standins.ts";

const OURS = { project_url: "http://127.0.0.1:1", edge_function_secret_key: "sb_secret_ours" };
const THEIRS = { project_url: "https://live.supabase.co", edge_function_secret_key: "sb_secret_live" };

interface World {
  readonly sql: Database;
  readonly said: string[];
  /** As another stack would: with connections of its own. */
  claim(options?: { own?: boolean; takeOver?: boolean }): Promise<Doorbell>;
  /** Ends every connection of the last claim, as a kill does. */
  kill(): Promise<void>;
  vault(): Promise<Record<string, string>>;
}

async function world(target: Target, cleanup: AsyncDisposableStack): Promise<World> {
  const { databaseUrl, sql } = cleanup.use(await createTestDatabase(target));
  await installStandIns(sql);
  const said: string[] = [];
  let last: { sql: Database; doorbell: Doorbell } | undefined;
  return {
    sql,
    said,
    async claim({ own = false, takeOver = false } = {}): Promise<Doorbell> {
      const own_sql = connect(databaseUrl);
      cleanup.defer(() => own_sql.end({ timeout: 5 }));
      const doorbell = await claimDoorbell(own_sql, databaseUrl, {
        own,
        takeOver,
        onProgress: (line) => said.push(line),
      });
      cleanup.defer(() => doorbell.release());
      last = { sql: own_sql, doorbell };
      return doorbell;
    },
    async kill(): Promise<void> {
      await last?.sql.end({ timeout: 5 });
      await last?.doorbell.release();
    },
    async vault(): Promise<Record<string, string>> {
      const rows = await sql<{ name: string; secret: string }[]>`
        select name, decrypted_secret as secret from vault.decrypted_secrets`;
      return Object.fromEntries(rows.map(({ name, secret }) => [name, secret]));
    },
  };
}

async function storeTheirs(sql: Database): Promise<void> {
  for (const [name, secret] of Object.entries(THEIRS)) await storeSecret(sql, name, secret, "Theirs.");
}

testOnEachTarget("a doorbell that rang nobody rings nobody again afterwards", async (target) => {
  await using cleanup = new AsyncDisposableStack();
  const { claim, vault } = await world(target, cleanup);
  const doorbell = await claim();
  await doorbell.borrow(OURS);
  const { project_url, edge_function_secret_key } = await vault();
  assertEquals({ project_url, edge_function_secret_key }, OURS);
  await doorbell.putBack();
  assertEquals(await vault(), {});
});

testOnEachTarget("secrets of others are refused by name, and nothing is changed", async (target) => {
  await using cleanup = new AsyncDisposableStack();
  const { sql, claim, vault } = await world(target, cleanup);
  await storeSecret(sql, "project_url", THEIRS.project_url, "");
  await assertRejects(
    () => claim(),
    Error,
    "The Vault of this database holds project_url (https://live.supabase.co) of somebody else; --take-over-doorbell",
  );
  await storeTheirs(sql);
  const error = await assertRejects(() => claim(), Error, "project_url and edge_function_secret_key");
  assertEquals(error.message.includes(THEIRS.edge_function_secret_key), false);
  assertEquals(await vault(), THEIRS);
});

testOnEachTarget("secrets of others that came after the claim are refused as well", async (target) => {
  await using cleanup = new AsyncDisposableStack();
  const { sql, claim, vault } = await world(target, cleanup);
  const doorbell = await claim();
  await storeTheirs(sql);
  await assertRejects(() => doorbell.borrow(OURS), Error, "of somebody else");
  assertEquals(await vault(), THEIRS);
});

testOnEachTarget("what is taken over is put back as it was, under its own ids", async (target) => {
  await using cleanup = new AsyncDisposableStack();
  const { sql, claim, vault } = await world(target, cleanup);
  await storeTheirs(sql);
  const rows = (): Promise<unknown> => sql`select id, name, description from vault.secrets order by name`;
  const before = await rows();
  const doorbell = await claim({ takeOver: true });
  assertEquals(await vault(), THEIRS);
  await doorbell.borrow(OURS);
  assertEquals((await vault())["project_url"], OURS.project_url);
  await doorbell.putBack();
  assertEquals(await vault(), THEIRS);
  assertEquals(await rows(), before);
  // A second time does no harm.
  await doorbell.putBack();
  assertEquals(await vault(), THEIRS);
});

testOnEachTarget(
  "a stack that was killed is cleaned up after by the next one on its database",
  async (target) => {
    await using cleanup = new AsyncDisposableStack();
    const { sql, said, claim, kill, vault } = await world(target, cleanup);
    await storeTheirs(sql);
    await (await claim({ takeOver: true })).borrow(OURS);
    await kill();
    assertEquals((await vault())["project_url"], OURS.project_url);
    // On the embedded database, which has but one session, only its own stack can know that the other is gone.
    const own = target === "embedded";
    if (own) await claim({ own });
    else await assertRejects(() => claim(), Error, "of somebody else");
    assertEquals(said, ["Putting back the doorbell that an earlier stack was killed with"]);
    assertEquals(await vault(), THEIRS);
  },
);

testOnEachTarget(
  "a database has one stack at a time, whatever the second one may replace",
  async (target) => {
    await using cleanup = new AsyncDisposableStack();
    const { claim, vault } = await world(target, cleanup);
    const first = await claim();
    if (target === "postgres") {
      await assertRejects(() => claim(), Error, "Another stack is running on this database;");
    }
    await first.borrow(OURS);
    for (const takeOver of [false, true]) {
      await assertRejects(
        () => claim({ takeOver }),
        Error,
        "Another stack is running on this database, reached at http://127.0.0.1:1; stop it first",
      );
    }
    assertEquals((await vault())["project_url"], OURS.project_url);
    await first.putBack();
    await first.release();
    await (await claim()).borrow(OURS);
  },
);

testOnRealPostgres(
  "a stack whose connections were cut off soon has its database to itself again",
  async () => {
    await using cleanup = new AsyncDisposableStack();
    const { sql, claim } = await world("postgres", cleanup);
    await claim();
    const holder = async (): Promise<unknown> =>
      (await sql<{ pid: number }[]>`select pid from pg_locks where locktype = 'advisory' and granted
      and database = (select oid from pg_database where datname = current_database())`)[0]?.pid;
    const before = await holder();
    await sql`select pg_terminate_backend(${String(before)}::integer)`;
    let after: unknown;
    for (let attempt = 0; attempt < 100 && (after === undefined || after === before); attempt++) {
      await delay(100);
      after = await holder();
    }
    assertNotEquals(after, before);
    assertEquals(typeof after, "number");
    await assertRejects(() => claim({ takeOver: true }), Error, "Another stack is running on this database;");
  },
);

testOnEachTarget("what somebody changed while the stack ran stays, and is told of", async (target) => {
  await using cleanup = new AsyncDisposableStack();
  const { sql, said, claim, vault } = await world(target, cleanup);
  await storeTheirs(sql);
  const doorbell = await claim({ takeOver: true });
  await doorbell.borrow(OURS);
  await storeSecret(sql, "edge_function_secret_key", "sb_secret_rotated", "");
  await doorbell.putBack();
  assertEquals(await vault(), { ...THEIRS, edge_function_secret_key: "sb_secret_rotated" });
  assertEquals(said.length, 1);
  assertMatch(said[0] ?? "", /^edge_function_secret_key was changed while the stack ran/);
});
