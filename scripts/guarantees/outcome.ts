/** What a database has come to, as lines that two databases can be compared by: all but ids and arrival times. */

import type { Stack } from "../stack/stack.ts";
import type { ExpectedEvent } from "./history.ts";

type Query = Stack["query"];

/** Sorted lines by what they are about. */
export type Outcome = ReadonlyMap<string, readonly string[]>;

const PARTS: Readonly<Record<string, string>> = {
  events: `
    select to_jsonb(event) - array['id', 'created_at', 'scope_codes'] || jsonb_build_object('decoded', (
      select jsonb_object_agg(held.dim, held.value)
      from unnest(event.scope_codes) as used(code) join learning.scope_values held on held.code = used.code
    )) as line
    from public.pattern_trade_events event`,
  episodes: `
    select to_jsonb(episode) - array['id', 'scope_codes'] as line from public.pattern_episode_events episode`,
  closes: "select to_jsonb(trade) as line from learning.closed_trades trade",
  "allocation steps": "select to_jsonb(step) as line from public.timeframe_allocation_steps step",
  "allocation now": "select to_jsonb(held) as line from public.timeframe_allocation held",
  // Each rescaling rounds; how many there were depends on the batches.
  positions: `
    select jsonb_build_object('id', position.id, 'allocation', round(position.total_allocation_pct::numeric, 12)) as line
    from public.lowcap_positions position`,
  receipts: `
    select jsonb_build_object('strand', receipt.strand_id, 'status', receipt.status, 'errors', receipt.errors,
      'revision', receipt.revision, 'due', receipt.next_attempt_at is not null, 'processed', receipt.processed_at is not null) as line
    from public.strand_receipts receipt`,
};

/** Reads all of it. */
export async function readOutcome(query: Query): Promise<Outcome> {
  const outcome = new Map<string, string[]>();
  for (const [part, sql] of Object.entries(PARTS)) {
    const rows = await query<{ line: string }>(`select line::text as line from (${sql}) as described`);
    outcome.set(part, rows.map(({ line }) => line).sort());
  }
  return outcome;
}

/** What one outcome has and the other has not; empty when they are the same. */
export function differences(wanted: Outcome, found: Outcome): string[] {
  return [...wanted].flatMap(([part, lines]) => {
    const other = new Set(found.get(part));
    const own = new Set(lines);
    const missing = lines.filter((line) => !other.has(line)).map((line) => `${part}, missing: ${line}`);
    const surplus = [...other].filter((line) => !own.has(line)).map((line) => `${part}, surplus: ${line}`);
    return [
      ...missing.slice(0, 5),
      ...surplus.slice(0, 5),
      ...sameCount(part, lines.length, found.get(part)?.length ?? 0),
    ];
  });
}

function sameCount(part: string, wanted: number, found: number): string[] {
  return wanted === found ? [] : [`${part}: ${wanted} lines wanted, ${found} found`];
}

/** The events that are there, as far as a history says what they must be. */
export async function readEvents(query: Query): Promise<ExpectedEvent[]> {
  return await query<ExpectedEvent>(`
    select action_strand_id, trade_id, module, pattern_key, action_category, roi, rr, did_trim, reached_s3,
      (extract(epoch from traded_at) * 1000)::float8 as traded_at
    from public.pattern_trade_events
    order by action_strand_id collate "C"`);
}
