import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert/mod.js";
import { createCronScheduler, nextDue } from "./cron_scheduler.ts";
import { startNetWorker } from "./net_worker.ts";
import { findStandIns, installStandIns, storeSecret } from "./standins.ts";
import {
  createTestDatabase,
  type Target,
  type TestDatabase,
  testOnEachTarget,
} from "../testing/databases.ts";

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

testOnEachTarget("a posted request leaves after commit, and not at all after a rollback", async (target) => {
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
  assertEquals(
    [...await sql`select id, status_code, content::jsonb as content, timed_out, error_msg from net._http_response`],
    [{ id: 1, status_code: 200, content: { seen: "/kept" }, timed_out: false, error_msg: null }],
  );
});

testOnEachTarget(
  "a request that fails, hangs or finds nobody is answered once and never repeated",
  async (target) => {
    await using net = await startNet(target);
    const { sql } = net.database;
    await sql`select net.http_post(${net.url + "/broken"})`;
    await sql`select net.http_post(url := ${net.url + "/hang"}, timeout_milliseconds := 100)`;
    await sql`select net.http_post('http://127.0.0.1:1/nobody')`;
    await net.idle();
    assertEquals(net.received.map(({ url }) => url).toSorted(), ["/broken", "/hang"]);
    const rows = await sql<{ status_code: number | null; timed_out: boolean; error_msg: string | null }[]>`
    select status_code, timed_out, error_msg from net._http_response order by id`;
    assertEquals(rows.map((row) => [row.status_code, row.timed_out]), [[500, false], [null, true], [
      null,
      false,
    ]]);
    assertMatch(rows[1]?.error_msg ?? "", /100 ms/);
    assert(rows[2]?.error_msg);
  },
);

testOnEachTarget("more requests than a batch holds all leave, each once", async (target) => {
  await using net = await startNet(target);
  await net.database.sql`select net.http_post(${net.url} || '/' || i) from generate_series(1, 450) as i`;
  await net.idle();
  assertEquals(new Set(net.received.map(({ url }) => url)).size, 450);
  assertEquals(net.received.length, 450);
});

testOnEachTarget("responses are kept for six hours", async (target) => {
  await using cleanup = new AsyncDisposableStack();
  const { sql } = cleanup.use(await createTestDatabase(target));
  await installStandIns(sql);
  await sql`
    insert into net._http_response (id, created)
    values (1, now() - interval '6 hours 1 minute'), (2, now() - interval '5 hours 59 minutes')`;
  const worker = await startNetWorker(sql, (error) => {
    throw error;
  });
  cleanup.defer(() => worker.close());
  await worker.idle();
  assertEquals([...await sql`select id from net._http_response`], [{ id: 2 }]);
});

testOnEachTarget("a request that is no JSON is refused where it is made", async (target) => {
  await using database = await createTestDatabase(target);
  await installStandIns(database.sql);
  await assertRejects(
    () => database.sql`select net.http_post('http://127.0.0.1', headers := '{"content-type": "text/plain"}')`,
    Error,
    'Content-Type header must be "application/json", not "text/plain"',
  );
});

testOnEachTarget("a secret is stored, replaced by name, and read in the clear", async (target) => {
  await using database = await createTestDatabase(target);
  const { sql } = database;
  await installStandIns(sql);
  await storeSecret(sql, "project_url", "http://first", "Where.");
  await storeSecret(sql, "project_url", "http://second", "Where.");
  assertEquals([...await sql`select name, decrypted_secret, description from vault.decrypted_secrets`], [
    { name: "project_url", decrypted_secret: "http://second", description: "Where." },
  ]);
  await assertRejects(() => sql`select vault.create_secret('x', 'project_url')`, Error, "duplicate key");
  await assertRejects(
    () =>
      sql.begin(async (transaction) => {
        await transaction`set local role authenticated`;
        await transaction`select * from vault.decrypted_secrets`;
      }),
    Error,
    "permission denied",
  );
});

testOnEachTarget(
  "installing a second time changes nothing, and what is there already stays",
  async (target) => {
    await using database = await createTestDatabase(target);
    const { sql } = database;
    await sql`create schema vault`;
    await sql`create table vault.secrets (own int)`;
    await installStandIns(sql);
    await sql`select cron.schedule('kept', '* * * * *', 'select 1')`;
    await installStandIns(sql);
    assertEquals([...await sql`select jobname from cron.job`], [{ jobname: "kept" }]);
    assertEquals([...await sql`select * from vault.secrets`], []);
    assertEquals((await findStandIns(sql)).net, true);
  },
);

const VALID = [
  "* * * * *",
  "2-59/5 * * * *",
  "8 * * * *",
  "17 3 * * *",
  "0,30 9-17 1,15 jan-jun mon-fri",
  "*/5 */2 * * 7",
  "0 0 $ * *",
  "1 seconds",
  "59 seconds",
  "@hourly",
];
const INVALID = [
  "",
  "* * * *",
  "* * * * * *",
  "60 * * * *",
  "* 24 * * *",
  "* * 0 * *",
  "5/10 * * * *",
  "*/0 * * * *",
  "0 seconds",
  "60 seconds",
  "5-1 * * * *",
  "often",
  "* * * foo *",
];

testOnEachTarget("a schedule that cannot be understood is refused where it is made", async (target) => {
  await using database = await createTestDatabase(target);
  const { sql } = database;
  await installStandIns(sql);
  for (const schedule of VALID) await sql`select cron.schedule(${schedule}, ${schedule}, 'select 1')`;
  assertEquals((await sql`select from cron.job`).length, VALID.length);
  for (const schedule of INVALID) {
    await assertRejects(
      () => sql`select cron.schedule('bad', ${schedule}, 'select 1')`,
      Error,
      "invalid schedule",
      `"${schedule}" was accepted`,
    );
  }
});

testOnEachTarget(
  "a job of the same name is replaced and keeps its id; an unknown one cannot be taken off",
  async (target) => {
    await using database = await createTestDatabase(target);
    const { sql } = database;
    await installStandIns(sql);
    const [first] = await sql`select cron.schedule('sweep', '* * * * *', 'select 1') as id`;
    const [second] = await sql`select cron.schedule('sweep', '*/5 * * * *', 'select 2') as id`;
    assertEquals(second, first);
    assertEquals([...await sql`select schedule, command, active from cron.job`], [
      { schedule: "*/5 * * * *", command: "select 2", active: true },
    ]);
    await sql`select cron.unschedule('sweep')`;
    assertEquals([...await sql`select jobname from cron.job`], []);
    await assertRejects(
      () => sql`select cron.unschedule('sweep')`,
      Error,
      "could not find valid entry for job 'sweep'",
    );
  },
);

Deno.test("a schedule is read as cron reads it, in UTC", () => {
  const after = new Date("2026-02-28T23:58:30Z");
  const due = (schedule: string): string | undefined => nextDue(schedule, after)?.toISOString();
  assertEquals(due("* * * * *"), "2026-02-28T23:59:00.000Z");
  assertEquals(due("2-59/5 * * * *"), "2026-03-01T00:02:00.000Z");
  assertEquals(due("8 * * * *"), "2026-03-01T00:08:00.000Z");
  assertEquals(due("17 3 * * *"), "2026-03-01T03:17:00.000Z");
  assertEquals(due("0 0 $ * *"), "2026-03-31T00:00:00.000Z");
  // Both days given: either will do. The 13th of March 2026 is a Friday, the first Monday the 2nd.
  assertEquals(due("0 12 13 * mon"), "2026-03-02T12:00:00.000Z");
  assertEquals(due("30 seconds"), "2026-02-28T23:59:00.000Z");
});

testOnEachTarget(
  "jobs run when they come due, each in its own transaction, and say how it went",
  async (target) => {
    await using database = await createTestDatabase(target);
    const { sql } = database;
    await installStandIns(sql);
    await sql`create table ran (at timestamptz)`;
    await sql`select cron.schedule('good', '*/5 * * * *', 'insert into ran values (now()); select 1')`;
    await sql`select cron.schedule('bad', '3 * * * *', 'insert into ran values (now()); select 1/0')`;
    await sql`select cron.schedule('daily', '0 3 * * *', 'select 1')`;
    const scheduler = await createCronScheduler(sql, new Date("2026-01-01T00:00:30Z"), (error) => {
      throw error;
    });
    for (let minute = 1; minute <= 10; minute++) {
      await scheduler.tick(new Date(Date.UTC(2026, 0, 1, 0, minute)));
      await scheduler.idle();
    }
    await scheduler.close();
    assertEquals((await sql`select from ran`).length, 2);
    assertEquals(
      [
        ...await sql`
      select job.jobname, run.status, run.return_message, run.end_time >= run.start_time as ended
      from cron.job_run_details run join cron.job using (jobid) order by run.runid`,
      ],
      [
        { jobname: "bad", status: "failed", return_message: "ERROR: division by zero", ended: true },
        { jobname: "good", status: "succeeded", return_message: "SELECT 1", ended: true },
        { jobname: "good", status: "succeeded", return_message: "SELECT 1", ended: true },
      ],
    );
  },
);

testOnEachTarget("a run that comes due during one of the same job waits for it", async (target) => {
  await using database = await createTestDatabase(target);
  const { sql } = database;
  await installStandIns(sql);
  await sql`select cron.schedule('slow', '* * * * *', 'select pg_sleep(0.2)')`;
  const scheduler = await createCronScheduler(sql, new Date("2026-01-01T00:00:30Z"), (error) => {
    throw error;
  });
  await scheduler.tick(new Date("2026-01-01T00:01:00Z"));
  await scheduler.tick(new Date("2026-01-01T00:02:00Z"));
  await scheduler.tick(new Date("2026-01-01T00:03:00Z"));
  await scheduler.idle();
  const runs = await sql<{ start_time: string; end_time: string }[]>`
    select start_time, end_time from cron.job_run_details order by start_time`;
  assertEquals(runs.length, 3);
  for (const [place, run] of runs.entries()) {
    const before = runs[place - 1];
    assert(before === undefined || before.end_time <= run.start_time, "Two runs overlapped.");
  }
  await scheduler.close();
});
