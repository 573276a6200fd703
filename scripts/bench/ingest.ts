/**
 * Strands to events: rows per second into the inbox and through the function, against a bare insert and against the floor,
 * which is copying what came of them into bare tables (README.md, "What it costs").
 *
 * @module
 */

import { readStrandFile, type StrandRow, strandRow } from "../strand_file.ts";
import { generateSample, SAMPLE_SEED } from "../sample/sample.ts";
import type { Stack } from "../stack/stack.ts";
import { copySeconds } from "./copy.ts";
import { startScratchStack } from "./scratch_stack.ts";
import type { BenchRow } from "./types.ts";

/** Strands that are written, so many of them by a statement. */
interface Load {
  readonly size: number;
  readonly strands: readonly string[];
}

/** Strands a statement carries, and how many of the sample are written that way altogether. */
const BATCHES: readonly (readonly [size: number, strands: number])[] = [[1, 1_000], [100, 10_000], [
  10_000,
  20_000,
]];
/** Strands a statement carries where they come from a file. */
const FILE_BATCH = 1_000;

const COLUMNS = "id, module, kind, trade_id, timeframe, content, regime_context, created_at";

/** What is written for strands until they are events. */
const WRITTEN: readonly string[] = [
  "public.ad_strands",
  "public.strand_receipts",
  "public.pattern_trade_events",
  "public.pattern_episode_events",
  "learning.closed_trades",
  "public.timeframe_allocation_steps",
];

/**
 * @param serverUrl Server for a scratch database; null for the embedded one.
 * @param strandsFile Strands to write, as `start --strands` takes them; without one they are the sample's.
 */
export async function benchIngest(serverUrl: string | null, strandsFile?: string): Promise<BenchRow[]> {
  await using cleanup = new AsyncDisposableStack();
  const stack = await startScratchStack(serverUrl, cleanup);
  await stack.query(`create table public.bare (like public.ad_strands including defaults including indexes)`);
  const rows: BenchRow[] = [];
  for (const load of strandsFile === undefined ? ofSample() : [await ofFile(strandsFile)]) {
    rows.push(...await measure(stack, load));
  }
  return rows;
}

async function measure(stack: Stack, { size, strands }: Load): Promise<BenchRow[]> {
  const bare = await insertSeconds(stack, "public.bare", strands, size);
  const from = performance.now();
  const inbox = await insertSeconds(stack, "public.ad_strands", strands, size);
  await stack.query("select learning.sweep()");
  await stack.settle();
  const toEvents = (performance.now() - from) / 1000;
  const [left] = await stack.query<{ pending: number }>(
    "select count(*)::integer as pending from strand_receipts where status = 'pending'",
  );
  if (left?.pending !== 0) {
    throw new Error(`${left?.pending} strands were not drained; the figures would be wrong.`);
  }
  const floor = await copySeconds(stack, WRITTEN);
  // That it is meant has to be said; nobody needs to take back what is gone.
  await stack.query(
    `do $$ begin
       set local learning.withdraw = 'on';
       truncate public.bare, ${WRITTEN.join(", ")} cascade;
       truncate learning.withdrawn_strands;
     end $$`,
  );
  const row = (metric: string, value: number, unit: string): BenchRow => ({
    bench: "ingest",
    size,
    metric,
    value,
    unit,
  });
  return [
    row("insert_rows_per_s", strands.length / inbox, "rows/s"),
    row("ratio_to_bare_insert", inbox / bare, "×"),
    row("to_events_rows_per_s", strands.length / toEvents, "rows/s"),
    row("floor_rows_per_s", strands.length / floor, "rows/s"),
    row("ratio_to_floor", toEvents / floor, "×"),
  ];
}

/** The sample as often as it takes, each time under other names. */
function ofSample(): Load[] {
  const sample = generateSample({ seed: SAMPLE_SEED, asOf: new Date() }).strands;
  const strands: string[] = [];
  for (let round = 0; strands.length < Math.max(...BATCHES.map(([, total]) => total)); round++) {
    for (const strand of sample) {
      const row = strandRow(strand);
      const content = row.content as { readonly trade_id?: string };
      strands.push(JSON.stringify({
        ...row,
        id: `${row.id}-${round}`,
        content: content.trade_id === undefined
          ? content
          : { ...content, trade_id: `${content.trade_id}-${round}` },
      }));
    }
  }
  return BATCHES.map(([size, total]) => ({ size, strands: strands.slice(0, total) }));
}

async function ofFile(path: string): Promise<Load> {
  const rows: StrandRow[] = [];
  for await (const { strand } of readStrandFile(path)) rows.push(strandRow(strand));
  return { size: FILE_BATCH, strands: rows.map((row) => JSON.stringify(row)) };
}

async function insertSeconds(
  stack: Stack,
  table: string,
  strands: readonly string[],
  size: number,
): Promise<number> {
  const from = performance.now();
  for (let start = 0; start < strands.length; start += size) {
    await stack.query(
      `insert into ${table} (${COLUMNS})
       select ${COLUMNS} from jsonb_populate_recordset(null::public.ad_strands, $1::jsonb)`,
      [`[${strands.slice(start, start + size).join(",")}]`],
    );
  }
  return (performance.now() - from) / 1000;
}
