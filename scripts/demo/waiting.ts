import { delay } from "@std/async/delay.js";
import type { Stack } from "../stack/stack.ts";

const EVERY_MS = 3_000;

/** What waits, and what has been done. */
interface Wait {
  readonly strands: number;
  readonly mined: number;
  readonly groups: number;
  readonly lessons: number;
}

const WAIT = `
  select (select count(*) from public.strand_receipts where status = 'pending')::integer as strands,
         (select count(*) from learning.mining_groups where mined_at is not null)::integer as mined,
         (select count(*) from learning.mining_groups)::integer as groups,
         (select count(*) from public.learning_lessons)::integer as lessons`;

/** A line about what a wait has come to. */
export function waitingLine({ strands, mined, groups, lessons }: Wait): string {
  const n = (value: number, what: string): string =>
    `${value.toLocaleString("en")} ${what}${value === 1 ? "" : "s"}`;
  return `${n(strands, "strand")} left, ${mined.toLocaleString("en")} of ${n(groups, "group")} mined, ${
    n(lessons, "lesson")
  }`;
}

/** Tells every few seconds how far the functions have come, until the function that is returned is called. */
export function tellWaiting(
  query: Stack["query"],
  onLine: (line: string) => void,
  everyMs = EVERY_MS,
): () => Promise<void> {
  const stop = new AbortController();
  const telling = (async (): Promise<void> => {
    while (await unlessAborted(everyMs, stop.signal)) {
      try {
        const [wait] = await query<Wait>(WAIT);
        if (wait !== undefined && !stop.signal.aborted) onLine(waitingLine(wait));
      } catch (error) {
        onLine(
          `How far it has come cannot be told: ${error instanceof Error ? error.message : String(error)}`,
        );
        return;
      }
    }
  })();
  return async (): Promise<void> => {
    stop.abort();
    await telling;
  };
}

/** Whether the time went by without an abort. */
async function unlessAborted(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(milliseconds, { signal });
    return true;
  } catch {
    return false;
  }
}
