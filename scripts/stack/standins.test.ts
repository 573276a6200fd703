import { assert, assertEquals, assertRejects } from "@std/assert/mod.js";
import { createCronScheduler } from "./cron_scheduler.ts";
import { startNetWorker } from "./net_worker.ts";
import { findStandIns, installStandIns, storeSecret } from "./standins.ts";
import { createTestDatabase, testOnEachTarget } from "../testing/databases.ts";

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
