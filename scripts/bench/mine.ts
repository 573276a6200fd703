/**
 * What one invocation of `mine-lessons` takes on one large group: CPU time and memory, each in a fresh
 * process (functions/README.md, "Budget").
 *
 * Alone: `deno run -A scripts/bench/mine.ts`
 *
 * @module
 */

import { createClient } from "@supabase/supabase-js";
import { mineLessons, type MiningReport } from "../../functions/_shared/lessons/mine.ts";
import type { Database } from "../../functions/_shared/store/database.types.ts";
import { Store } from "../../functions/_shared/store/store.ts";
import type { Stack } from "../stack/stack.ts";
import { startScratchStack } from "./scratch_stack.ts";
import { correlatedTrades, type TradeColumns } from "./correlated_trades.ts";
import { cpuSeconds, oneCore, peakMb } from "./process.ts";
import type { BenchRow } from "./types.ts";

const SIZES = [5_000, 100_000];
/** Rows written per statement. */
const CHUNK = 20_000;
const HEAP_MB = 128;

/** What one process measures. */
interface Invocation {
  readonly report: MiningReport;
  readonly cpuSeconds: number;
  readonly peakMb: number;
}

/**
 * @param serverUrl Server for a scratch database; null for the embedded one.
 * @param sizes Trades of the group.
 */
export async function benchMine(
  serverUrl: string | null,
  sizes: readonly number[] = SIZES,
): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const size of sizes) {
    await using cleanup = new AsyncDisposableStack();
    const stack = await startScratchStack(serverUrl, cleanup);
    await fill(stack, correlatedTrades(size));
    const invocations: Invocation[] = [];
    do {
      invocations.push(await invoke(stack.apiUrl, stack.secretKey, invocations.length > 0));
    } while (invocations.at(-1)?.report.handedOver);
    const row = (metric: string, value: number, unit: string): BenchRow => ({
      bench: "mine",
      size,
      metric,
      value,
      unit,
    });
    const [mined] = await stack.query<{ lessons: number }>(
      "select count(*)::integer as lessons from learning_lessons",
    );
    rows.push(
      row("lessons", mined?.lessons ?? 0, "lessons"),
      row("invocations", invocations.length, "invocations"),
      row("largest_cpu_s", Math.max(...invocations.map(({ cpuSeconds }) => cpuSeconds)), "s"),
      row("largest_peak_mb", Math.max(...invocations.map(({ peakMb }) => peakMb)), "MB"),
    );
  }
  return rows;
}

/** One group of events of closed trades, one action each, as the function would have written them. */
async function fill(stack: Stack, { rows, dimensions, outcomes }: TradeColumns): Promise<void> {
  await stack.query(
    `insert into learning.scope_values (dim, value)
    select known.dim, 'v' || place
    from scope_dimensions known join unnest($1::integer[], $2::integer[]) as own(bit, cardinality) using (bit)
    cross join generate_series(1, own.cardinality) as place`,
    [dimensions.map(({ bit }) => bit), dimensions.map(({ cardinality }) => cardinality)],
  );
  for (let start = 0; start < rows; start += CHUNK) {
    const trades = Array.from({ length: Math.min(CHUNK, rows - start) }, (_, i) => ({
      number: start + i,
      roi: outcomes[start + i]!,
      // Element b is what the trade says in the dimension of bit b.
      codes: dimensions.toSorted((a, b) => a.bit - b.bit).map(({ codes }) => codes[start + i]!),
    }));
    await stack.query(
      `with drawn as (
        select trade.number, trade.roi, own.code, known.bit, known.dim
        from jsonb_to_recordset($1) as trade(number integer, roi float8, codes integer[])
        cross join unnest(trade.codes) with ordinality as own(code, place)
        join scope_dimensions known on known.bit = own.place - 1
      )
      insert into pattern_trade_events (action_strand_id, trade_id, module, pattern_key, action_category, scope, scope_mask, roi, rr,
        duration_hours, did_trim, reached_s3, acted_at, traded_at, scope_codes)
      select 'action ' || drawn.number, 'trade ' || drawn.number, 'pm', 'pm.bench.S1.mine', 'entry',
        coalesce(jsonb_object_agg(drawn.dim, 'v' || drawn.code) filter (where drawn.code > 0), '{}'),
        coalesce(sum(1 << drawn.bit) filter (where drawn.code > 0), 0),
        drawn.roi, 1, 5, drawn.number % 3 = 0, drawn.number % 4 = 0,
        timestamptz '2025-01-01' + drawn.number % 8000 * interval '1 hour',
        timestamptz '2025-01-01' + drawn.number % 8000 * interval '1 hour' + interval '5 hours',
        array_agg(held.code order by drawn.bit)
      from drawn
      left join learning.scope_values held on held.dim = drawn.dim and held.value = 'v' || drawn.code
      group by drawn.number, drawn.roi`,
      [trades],
    );
  }
  await stack.query(`
    insert into learning.closed_trades (trade_id, close_strand_id, roi, rr, exit_at, action_categories)
    select trade_id, 'close ' || trade_id, roi, rr, traded_at, array[action_category] from pattern_trade_events`);
  await stack.query(`
    select learning.mark_groups_changed(array_agg(distinct (module, pattern_key, action_category)::learning.group_key))
    from pattern_trade_events`);
  await stack.query("analyze");
}

async function invoke(apiUrl: string, secretKey: string, continues: boolean): Promise<Invocation> {
  // Collects garbage by the limit of an isolate on the platform, not by what this machine has.
  const deno = [Deno.execPath(), "run", "--allow-all", `--v8-flags=--max-heap-size=${HEAP_MB}`];
  const [program, ...args] = [
    ...oneCore(),
    ...deno,
    import.meta.url,
    apiUrl,
    secretKey,
    String(continues),
  ];
  const { success, stdout, stderr } = await new Deno.Command(program!, { args }).output();
  if (!success) throw new Error(`An invocation failed: ${new TextDecoder().decode(stderr).trim()}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** What a fresh process does: one invocation that rings no other. */
async function runOnce(apiUrl: string, secretKey: string, continues: boolean): Promise<Invocation> {
  class Alone extends Store {
    override ring(): Promise<void> {
      return Promise.resolve();
    }
  }
  const store = new Alone(createClient<Database>(apiUrl, secretKey, { auth: { persistSession: false } }));
  const before = cpuSeconds();
  const report = await mineLessons(store, continues);
  return { report, cpuSeconds: cpuSeconds() - before, peakMb: peakMb() };
}

if (import.meta.main) {
  const [apiUrl, secretKey, continues] = Deno.args;
  const encode = (value: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  if (apiUrl !== undefined && secretKey !== undefined) {
    Deno.stdout.writeSync(encode(await runOnce(apiUrl, secretKey, continues === "true")));
  } else for (const row of await benchMine(null)) Deno.stdout.writeSync(encode(row));
}
