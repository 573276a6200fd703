import { assertEquals } from "@std/assert/mod.js";
import { createTestDatabase, testOnEachTarget } from "../testing/databases.ts";
import { createCronScheduler, nextDue } from "./cron_scheduler.ts";
import { installStandIns } from "./standins.ts";

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
