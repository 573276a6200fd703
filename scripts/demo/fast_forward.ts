import { Cron } from "croner";
import type { Stack } from "../stack/stack.ts";

/** A scheduled job of the learning loop. */
interface Job {
  readonly jobname: string;
  readonly schedule: string;
  readonly command: string;
}

/** Any midnight will do: jobs are ordered by when they first run after it. */
const MIDNIGHT = new Date("2000-01-01T00:00:00Z");

/**
 * Runs every job of the loop once, by its own command, in the order in which the schedule would run them in a day, and waits
 * for the edge functions each has rung.
 */
export async function fastForward(stack: Stack, onProgress: (jobname: string) => void): Promise<void> {
  const jobs = await stack.query<Job>(
    "select jobname, schedule, command from cron.job where starts_with(jobname, 'edgeloop-')",
  );
  const ordered = jobs
    .map((job) => ({ job, at: new Cron(job.schedule, { timezone: "UTC", paused: true }).nextRun(MIDNIGHT) }))
    .sort((a, b) => (a.at?.getTime() ?? 0) - (b.at?.getTime() ?? 0));
  for (const { job } of ordered) {
    onProgress(job.jobname);
    await stack.query(job.command);
    await stack.settle();
  }
}
