import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert/mod.js";
import {
  createTestDatabase,
  type Target,
  type TestDatabase,
  testOnEachTarget,
} from "../testing/databases.ts";
import { startNetWorker } from "./net_worker.ts";
import { installStandIns } from "./standins.ts";

interface Received {
  readonly url: string;
  readonly body: string;
  readonly apikey: string | null;
}

/** A database with the stand-ins, the worker that sends, and a server that takes down what arrives. */
async function startNet(target: Target): Promise<
  AsyncDisposable & { database: TestDatabase; url: string; received: Received[]; idle(): Promise<void> }
> {
  const cleanup = new AsyncDisposableStack();
  const database = cleanup.use(await createTestDatabase(target));
  await installStandIns(database.sql);
  const received: Received[] = [];
  const hanging = Promise.withResolvers<Response>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: (): void => {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    received.push({
      url: pathname + search,
      body: await request.text(),
      apikey: request.headers.get("apikey"),
    });
    if (pathname === "/hang") return await hanging.promise;
    return Response.json({ seen: pathname }, { status: pathname === "/broken" ? 500 : 200 });
  });
  cleanup.defer(() => server.shutdown());
  cleanup.defer(() => hanging.resolve(new Response()));
  const worker = await startNetWorker(database.sql, (error) => {
    throw error;
  });
  cleanup.defer(() => worker.close());
  return {
    database,
    url: `http://127.0.0.1:${server.addr.port}`,
    received,
    idle: () => worker.idle(),
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

/** What became of the requests since the last time it was asked. */
async function answers({ sql }: TestDatabase): Promise<readonly Record<string, unknown>[]> {
  return await sql`
    with taken as (delete from net._http_response where true returning *)
    select status_code, content::jsonb as content, timed_out, error_msg from taken order by id`;
}

testOnEachTarget(
  "a posted request leaves after commit, once, and not at all after a rollback",
  async (target) => {
    await using net = await startNet(target);
    const { sql } = net.database;
    await sql.begin(async (transaction) => {
      await transaction`
      select net.http_post(${net.url + "/kept"}, '{"a": 1}', '{"q": "x y&z"}', '{"apikey": "secret"}')`;
      // The worker must not have seen it: what it takes from the queue would be gone for the rest of this transaction.
      await transaction`select pg_sleep(0.05)`;
      assertEquals(net.received, []);
    });
    await assertRejects(() =>
      sql.begin(async (transaction) => {
        await transaction`select net.http_post(${net.url + "/lost"})`;
        throw new Error("rolled back");
      })
    );
    await net.idle();
    assertEquals(net.received, [{ url: "/kept?q=x%20y%26z", body: '{"a": 1}', apikey: "secret" }]);
    assertEquals([...await answers(net.database)], [
      { status_code: 200, content: { seen: "/kept" }, timed_out: false, error_msg: null },
    ]);

    // One that fails, hangs or finds nobody is answered and never repeated.
    net.received.length = 0;
    await sql`select net.http_post(${net.url + "/broken"})`;
    await sql`select net.http_post(url := ${net.url + "/hang"}, timeout_milliseconds := 100)`;
    await sql`select net.http_post('http://127.0.0.1:1/nobody')`;
    await net.idle();
    assertEquals(net.received.map(({ url }) => url).toSorted(), ["/broken", "/hang"]);
    const failed = await answers(net.database);
    assertEquals(failed.map((row) => [row["status_code"], row["timed_out"]]), [[500, false], [null, true], [
      null,
      false,
    ]]);
    assertMatch(String(failed[1]?.["error_msg"]), /100 ms/);
    assert(failed[2]?.["error_msg"]);

    // More than a batch holds.
    net.received.length = 0;
    await sql`select net.http_post(${net.url} || '/' || i) from generate_series(1, 450) as i`;
    await net.idle();
    assertEquals([new Set(net.received.map(({ url }) => url)).size, net.received.length], [450, 450]);
  },
);
