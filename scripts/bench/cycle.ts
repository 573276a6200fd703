/**
 * A full hourly cycle, mining and materialisation, cold and with one group in a hundred changed, beside the floor, which is
 * reading the columns, enumerating their slices and copying what is kept of them (README.md, "What it costs").
 *
 * @module
 */

import { prepare, type SliceDimension } from "../../functions/_shared/slices/mod.ts";
import type { Stack } from "../stack/stack.ts";
import { copySeconds } from "./copy.ts";
import { startScratchStack } from "./scratch_stack.ts";
import type { BenchRow } from "./types.ts";

const SIZES = [10_000, 100_000, 1_000_000];
const GROUPS = 100;
const N_MIN = 33;
/** Rows written per statement, within the embedded database's memory. */
const CHUNK = 50_000;

/**
 * @param serverUrl Server for a scratch database; null for the embedded one.
 * @param sizes Numbers of events.
 */
export async function benchCycle(
  serverUrl: string | null,
  sizes: readonly number[] = SIZES,
): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const size of sizes) {
    await using cleanup = new AsyncDisposableStack();
    const stack = await startScratchStack(serverUrl, cleanup);
    await fill(stack, size, GROUPS);
    const cold = await cycleSeconds(stack);
    const [mined] = await stack.query<{ lessons: number; due: number }>(
      `select (select count(*)::integer from learning_lessons) as lessons,
        (select count(*)::integer from learning.mining_groups where run is not null) as due`,
    );
    if (mined === undefined || mined.lessons === 0 || mined.due > 0) {
      throw new Error(
        `The cold cycle over ${size} events left ${mined?.due} groups and ${mined?.lessons} lessons.`,
      );
    }
    const floor = await floorSeconds(stack);
    const idle = await cycleSeconds(stack);
    await changeOneGroup(stack, size);
    const changed = await cycleSeconds(stack);
    const row = (metric: string, value: number, unit: string): BenchRow => ({
      bench: "cycle",
      size,
      metric,
      value,
      unit,
    });
    rows.push(
      row("cold_s", cold, "s"),
      row("floor_s", floor, "s"),
      row("ratio_to_floor", cold / floor, "×"),
      row("lessons", mined.lessons, "lessons"),
      row("unchanged_s", idle, "s"),
      row("one_percent_changed_s", changed, "s"),
      row("ratio_changed_to_cold", changed / cold, "×"),
    );
  }
  return rows;
}

async function cycleSeconds(stack: Stack): Promise<number> {
  const from = performance.now();
  await stack.query("select learning.ring('mine-lessons')");
  await stack.settle();
  await stack.query("select learning.ring('materialize-overrides')");
  await stack.settle();
  return (performance.now() - from) / 1000;
}

/** What a cold cycle cannot do without: reading each group, finding its slices, and writing what is kept. */
async function floorSeconds(stack: Stack): Promise<number> {
  const from = performance.now();
  const groups = await stack.query<{ pattern_key: string }>(
    "select distinct pattern_key from pattern_trade_events order by 1",
  );
  for (const { pattern_key } of groups) {
    const [columns] = await stack.query<{ outcome: number[]; codes: number[][] }>(
      `select array_agg(roi order by id) as outcome, array_agg(scope_codes order by id) as codes
       from pattern_trade_events where pattern_key = $1`,
      [pattern_key],
    );
    if (columns === undefined) continue;
    const dimensions = columns.codes[0]?.map((_, bit) =>
      dense(columns.codes.map((codes) => codes[bit]!), bit)
    );
    prepare({
      rows: columns.outcome.length,
      dimensions: dimensions ?? [],
      measures: [Float64Array.from(columns.outcome)],
      minSupport: N_MIN,
      selection: "distinct",
    }).run(() => {});
  }
  const found = (performance.now() - from) / 1000;
  return found + await copySeconds(stack, ["public.learning_lessons", "public.learning_effects"]);
}

/** The dictionary's codes of one dimension as those of a column, 1 to its number of values. */
function dense(codes: readonly number[], bit: number): SliceDimension {
  const places = new Map([...new Set(codes)].map((code, place) => [code, place + 1]));
  return { bit, cardinality: places.size, codes: Int32Array.from(codes, (code) => places.get(code)!) };
}

/**
 * Events of closed trades as the function would have written them: one action a trade, seventeen dimensions of which some
 * follow others, heavy-tailed outcomes, and an effect in a tenth of the trades.
 */
async function fill(stack: Stack, events: number, groups: number): Promise<void> {
  await stack.query(`
    insert into learning.scope_values (dim, value)
    select known.dim, 'v' || place from scope_dimensions known cross join generate_series(1, 2 + known.bit % 6) as place`);
  await stack.query("select setseed(0.25)");
  for (let start = 0; start < events; start += CHUNK) {
    await insertEvents(stack, start, Math.min(start + CHUNK, events), groups);
  }
  await stack.query(`
    insert into learning.closed_trades (trade_id, close_strand_id, roi, rr, exit_at, action_categories)
    select trade_id, 'close ' || trade_id, roi, rr, traded_at, array[action_category] from pattern_trade_events`);
  await stack.query(`
    select learning.mark_groups_changed(array_agg(distinct (module, pattern_key, action_category)::learning.group_key))
    from pattern_trade_events`);
  await stack.query("analyze");
}

async function insertEvents(stack: Stack, from: number, to: number, groups: number): Promise<void> {
  await stack.query(
    `
    with dictionary as materialized (
      select known.dim, known.bit, array_agg(held.value order by held.code) as values, array_agg(held.code order by held.code) as codes
      from scope_dimensions known join learning.scope_values held using (dim) group by known.dim, known.bit
    ),
    trades as materialized (
      select number, random() as regime, random() as token, (random() + random() + random() - 1.5) ^ 3 as luck
      from generate_series($1::integer, $2::integer - 1) as number
    ),
    drawn as (
      select trades.number, dictionary.dim, dictionary.bit, dictionary.values, dictionary.codes,
        1 + floor(cardinality(dictionary.codes) * power(
          case when random() < 0.5 then case when dictionary.bit < 8 then trades.token else trades.regime end else random() end, 1.7
        ))::integer as place
      from trades cross join dictionary
    ),
    scoped as (
      select drawn.number, jsonb_object_agg(drawn.dim, drawn.values[drawn.place]) as scope,
        array_agg(drawn.codes[drawn.place] order by drawn.bit) as codes
      from drawn group by drawn.number
    )
    insert into pattern_trade_events (action_strand_id, trade_id, module, pattern_key, action_category, scope, scope_mask, roi, rr,
      duration_hours, did_trim, reached_s3, acted_at, traded_at, scope_codes)
    select 'action ' || trades.number, 'trade ' || trades.number, 'pm', 'pm.bench.S1.g' || trades.number % $3::integer, 'entry',
      scoped.scope, 131071,
      trades.luck / 10 + case when trades.number % 10 = 0 and scoped.scope ->> 'chain' = 'v1' then 0.08 else 0 end, 1, 5,
      trades.regime < 0.3, trades.token < 0.3,
      timestamptz '2025-01-01' + trades.number % 8000 * interval '1 hour',
      timestamptz '2025-01-01' + trades.number % 8000 * interval '1 hour' + interval '5 hours', scoped.codes
    from trades join scoped using (number)`,
    [from, to, groups],
  );
}

async function changeOneGroup(stack: Stack, events: number): Promise<void> {
  await insertEvents(stack, events + GROUPS, events + GROUPS + 1, GROUPS);
  await stack.query(`
    select learning.mark_groups_changed(array_agg(('pm', pattern_key, 'entry')::learning.group_key))
    from (select pattern_key from pattern_trade_events order by id desc limit 1) as newest`);
}
