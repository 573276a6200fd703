/**
 * Runs the jobs of the stand-in for pg_cron by the clock, in UTC.
 *
 * A job never overlaps itself: a run that comes due during one of the same job waits for it, as under pg_cron.
 */

import { Cron } from "croner";
import type { Database } from "./database.ts";

interface Job {
  readonly jobid: number;
  readonly schedule: string;
  readonly command: string;
  readonly username: string;
}

interface Progress {
  /** Runs that came due and have not started. */
  pending: number;
  running: Promise<void> | undefined;
  lastDue: Date;
}

/** A running scheduler. */
export interface CronScheduler {
  /** Starts what came due since the last tick; `start` calls it by the clock, a test by hand. */
  tick(now: Date): Promise<void>;
  /** Resolves once no run is going on or waiting. */
  idle(): Promise<void>;
  /** Starts nothing more and waits for what runs. */
  close(): Promise<void>;
}

const INTERVAL = /^\s*(\d{1,2})\s+seconds?\s*$/i;

/**
 * The first time after `after` at which the schedule is due: five fields read as cron does, in UTC, or "N seconds".
 * Null when there is none. Throws for a schedule that cannot be understood.
 */
export function nextDue(schedule: string, after: Date): Date | null {
  const interval = INTERVAL.exec(schedule)?.[1];
  if (interval !== undefined) return new Date(after.getTime() + Number(interval) * 1_000);
  // pg_cron writes the last day of the month as $.
  const pattern = schedule.trim().replace(/^(\S+\s+\S+\s+)\$/, "$1L");
  return new Cron(pattern, { timezone: "UTC", paused: true }).nextRun(after);
}

/** A scheduler that moves only when it is told the time. `from` is the moment before which nothing is due. */
export async function createCronScheduler(
  sql: Database,
  from: Date,
  onError: (error: unknown) => void,
): Promise<CronScheduler> {
  const progress = new Map<number, Progress>();
  let closed = false;
  // Runs that a previous process left behind will not end any more.
  await sql`
    update cron.job_run_details set status = 'failed', return_message = 'server restarted', end_time = now()
    where status in ('starting', 'running')`;

  const drain = async (job: Job, state: Progress): Promise<void> => {
    while (state.pending > 0 && !closed) {
      state.pending -= 1;
      await runJob(sql, job);
    }
  };

  const scheduler: CronScheduler = {
    async tick(now: Date): Promise<void> {
      if (closed) return;
      const jobs = await sql<
        Job[]
      >`select jobid, schedule, command, username from cron.job where active order by jobid`;
      const known = new Set(jobs.map((job) => job.jobid));
      for (const id of progress.keys()) if (!known.has(id)) progress.delete(id);
      for (const job of jobs) {
        const state = progress.get(job.jobid) ?? { pending: 0, running: undefined, lastDue: from };
        progress.set(job.jobid, state);
        for (let due = nextDue(job.schedule, state.lastDue); due !== null && due <= now;) {
          state.pending += 1;
          state.lastDue = due;
          due = nextDue(job.schedule, due);
        }
        if (state.pending > 0 && state.running === undefined) {
          state.running = drain(job, state).catch(onError).finally(() => {
            state.running = undefined;
          });
        }
      }
    },
    async idle(): Promise<void> {
      while (true) {
        const running = [...progress.values()].flatMap((state) =>
          state.running === undefined ? [] : [state.running]
        );
        if (running.length === 0) return;
        await Promise.all(running);
      }
    },
    async close(): Promise<void> {
      closed = true;
      await scheduler.idle();
    },
  };
  return scheduler;
}

/** A scheduler that follows the clock. */
export async function startCronScheduler(
  sql: Database,
  onError: (error: unknown) => void,
): Promise<CronScheduler> {
  const scheduler = await createCronScheduler(sql, new Date(), onError);
  let ticking = Promise.resolve();
  const timer = setInterval(() => {
    ticking = ticking.then(() => scheduler.tick(new Date())).catch(onError);
  }, 1_000);
  return {
    ...scheduler,
    async close(): Promise<void> {
      clearInterval(timer);
      await ticking;
      await scheduler.close();
    },
  };
}

async function runJob(sql: Database, job: Job): Promise<void> {
  const [run] = await sql<{ runid: number }[]>`
    insert into cron.job_run_details (jobid, database, username, command, status, start_time)
    values (${job.jobid}, current_database(), ${job.username}, ${job.command}, 'running', clock_timestamp())
    returning runid`;
  if (run === undefined) throw new Error(`The run of job ${job.jobid} was not recorded.`);
  let status = "succeeded";
  let message: string;
  try {
    message = await execute(sql, job);
  } catch (error) {
    status = "failed";
    message = `ERROR: ${error instanceof Error ? error.message : String(error)}`;
  }
  await sql`
    update cron.job_run_details set status = ${status}, return_message = ${message}, end_time = clock_timestamp()
    where runid = ${run.runid}`;
}

/** Runs the command as the job's owner and says what it did. */
async function execute(sql: Database, job: Job): Promise<string> {
  return await sql.begin(async (transaction) => {
    await transaction`select set_config('role', ${job.username}, true)`;
    const result = await transaction.unsafe(job.command).simple();
    // Of several statements the last one answers.
    const last = Array.isArray(result[0]) ? result.at(-1) : result;
    const { command, count } = last as unknown as { command: string | null; count: number | null };
    return command === null ? "" : `${command}${count === null ? "" : ` ${count}`}`;
  });
}
