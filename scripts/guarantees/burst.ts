/** More strands at once than are worked off as they come (README.md, "Guarantees"). */

import { delay } from "@std/async/delay.js";
import { arrivalsOf, generateHistory } from "./history.ts";
import type { Rig } from "./rig.ts";

/** How a burst went. */
export interface BurstReport {
  readonly strands: number;
  readonly insertSeconds: number;
  /** The same strands into a table with the same columns and indexes, and no trigger. */
  readonly bareSeconds: number;
  /** Doorbells that the inserts rang. */
  readonly rings: number;
  /** Shortest time between two of them, in seconds; null where there were fewer than two. */
  readonly shortestSilence: number | null;
  readonly drainSeconds: number;
  readonly invocations: number;
  readonly slowestInvocationMs: number;
  /** Answers of the functions by status. */
  readonly answers: Readonly<Record<number, number>>;
  /** What `learning_health` said of the inbox while it was worked off. */
  readonly progress: readonly Progress[];
}

/** What `learning_health` says of the inbox. */
export interface Progress {
  readonly backlog: number;
  readonly oldest_waiting_at: string | null;
}

const COLUMNS = "id, module, kind, trade_id, timeframe, content, regime_context, created_at";
const SELECT = `select ${COLUMNS} from jsonb_populate_recordset(null::public.ad_strands, $1::jsonb)`;

/**
 * Writes strands all in one statement, or each in its own, while nobody works them off; then lets one sweep ring.
 *
 * @param sampleMs How often to look at the progress.
 */
export async function burst(
  rig: Rig,
  options: {
    readonly strands: number;
    readonly shape: "one statement" | "single statements";
    readonly sampleMs: number;
  },
): Promise<BurstReport> {
  const history = generateHistory(options.strands, Math.ceil(options.strands / 3));
  // Every strand once, in no order.
  const arrivals = arrivalsOf({ ...history, drafts: new Map() }, 1).map(({ strand }) =>
    [strand.id, strand] as const
  );
  const unique = [...new Map(arrivals).values()].slice(0, options.strands);
  const statements = options.shape === "one statement"
    ? [JSON.stringify(unique)]
    : unique.map((row) => JSON.stringify([row]));

  const write = async (table: string): Promise<number> => {
    const from = performance.now();
    for (const statement of statements) {
      await rig.query(`insert into ${table} (${COLUMNS}) ${SELECT}`, [statement]);
    }
    return (performance.now() - from) / 1000;
  };
  const writeBare = async (): Promise<number> => {
    await rig.query("create table public.bare (like public.ad_strands including defaults including indexes)");
    const seconds = await write("public.bare");
    await rig.query("drop table public.bare");
    return seconds;
  };
  const before = await writeBare();
  // Nobody comes until all are there.
  rig.doorbells.fate = (): "lose" => "lose";
  const insertSeconds = await write("public.ad_strands");
  // Before and after, because what comes first finds everything cold.
  const bareSeconds = (before + await writeBare()) / 2;
  await rig.settle();
  const [rung] = await rig.query<{ rings: number; silence: number | null }>(`
    select count(*)::integer as rings, min(silence)::float8 as silence
    from (select extract(epoch from rung_at - lag(rung_at) over (order by rung_at)) as silence from learning.doorbells) as rung`);

  rig.doorbells.fate = (): "deliver" => "deliver";
  const requestsBefore = rig.doorbells.traffic.requests;
  const progress: Progress[] = [];
  const from = performance.now();
  await rig.sweep();
  let isDone = false;
  const settled = rig.settle().finally(() => {
    isDone = true;
  });
  settled.catch(() => {});
  while (!isDone) {
    progress.push(await readProgress(rig));
    await delay(options.sampleMs);
  }
  await settled;
  progress.push(await readProgress(rig));
  const { requests, slowestMs, statuses } = rig.doorbells.traffic;
  return {
    strands: unique.length,
    insertSeconds,
    bareSeconds,
    rings: rung?.rings ?? 0,
    shortestSilence: rung?.silence ?? null,
    drainSeconds: (performance.now() - from) / 1000,
    invocations: requests - requestsBefore,
    slowestInvocationMs: slowestMs,
    answers: statuses,
    progress,
  };
}

/** What is not as it must be; nothing, if all is well. */
export function burstFaults({ strands, shortestSilence, answers, progress }: BurstReport): string[] {
  const backlogs = progress.map(({ backlog }) => backlog);
  const grows = backlogs.some((backlog, place) => backlog > (backlogs[place - 1] ?? Infinity));
  const isAgeless = progress.some(({ backlog, oldest_waiting_at }) =>
    (oldest_waiting_at === null) !== (backlog === 0)
  );
  return [
    // The rings' own times are a little later than the second that is counted.
    ...(shortestSilence === null || shortestSilence > 0.9 ? [] : [`Two rings within ${shortestSilence} s.`]),
    ...(Object.keys(answers).join() === "200" ? [] : [`Answers: ${JSON.stringify(answers)}`]),
    ...(backlogs[0] === strands
      ? []
      : [`${backlogs[0]} strands waited at first, and ${strands} were written.`]),
    ...(backlogs.at(-1) === 0 ? [] : [`${backlogs.at(-1)} strands were left.`]),
    ...(grows ? [`The backlog grew: ${backlogs.join(", ")}`] : []),
    ...(isAgeless ? ["Something waited since never, or nothing since some time."] : []),
  ];
}

async function readProgress(rig: Rig): Promise<Progress> {
  const [row] = await rig.query<Progress>(
    "select backlog, oldest_waiting_at from public.learning_health where stage = 'inbox'",
  );
  if (row === undefined) throw new Error("learning_health has no row for the inbox.");
  return row;
}
