/**
 * Strands to events: rows per second into the inbox and through the function, against a bare insert
 * (README.md, "What it costs").
 *
 * @module
 */

import { strandRow } from "../strand_file.ts";
import { generateSample, SAMPLE_SEED } from "../sample/sample.ts";
import type { Stack } from "../stack/stack.ts";
import { startScratchStack } from "./scratch_stack.ts";
import type { BenchRow } from "./types.ts";

/** Strands a statement carries, and how many are written that way altogether. */
const BATCHES: readonly (readonly [size: number, strands: number])[] = [[1, 1_000], [100, 10_000], [
  10_000,
  20_000,
]];

const COLUMNS = "id, module, kind, trade_id, timeframe, content, regime_context, created_at";

/** @param serverUrl Server for a scratch database; null for the embedded one. */
export async function benchIngest(serverUrl: string | null): Promise<BenchRow[]> {
  await using cleanup = new AsyncDisposableStack();
  const stack = await startScratchStack(serverUrl, cleanup);
  await stack.query(`create table public.bare (like public.ad_strands including defaults including indexes)`);
  const strands = manyStrands(Math.max(...BATCHES.map(([, total]) => total)));

  const rows: BenchRow[] = [];
  for (const [size, total] of BATCHES) {
    const bare = await insertSeconds(stack, "public.bare", strands.slice(0, total), size);
    const inbox = await insertSeconds(stack, "public.ad_strands", strands.slice(0, total), size);
    const from = performance.now();
    await stack.query("select learning.sweep()");
    await stack.settle();
    const drained = (performance.now() - from) / 1000;
    const [left] = await stack.query<{ pending: number }>(
      "select count(*)::integer as pending from strand_receipts where status = 'pending'",
    );
    if (left?.pending !== 0) {
      throw new Error(`${left?.pending} strands were not drained; the figures would be wrong.`);
    }
    const row = (metric: string, value: number, unit: string): BenchRow => ({
      bench: "ingest",
      size,
      metric,
      value,
      unit,
    });
    rows.push(
      row("insert_rows_per_s", total / inbox, "rows/s"),
      row("ratio_to_bare_insert", inbox / bare, "×"),
      row("to_events_rows_per_s", total / (inbox + drained), "rows/s"),
    );
    await stack.query("truncate public.bare");
    await stack.query(
      "truncate public.ad_strands, public.pattern_trade_events, learning.closed_trades cascade",
    );
  }
  return rows;
}

/** The sample as often as it takes, each time under other names. */
function manyStrands(count: number): string[] {
  const sample = generateSample({ seed: SAMPLE_SEED, asOf: new Date() }).strands;
  const strands: string[] = [];
  for (let round = 0; strands.length < count; round++) {
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
  return strands.slice(0, count);
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
