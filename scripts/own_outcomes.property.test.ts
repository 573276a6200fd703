/** What decisions come to by themselves, as the database keeps it, beside a plain reading of the same strands. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { Random } from "./sample/random.ts";
import type { Strand } from "./strand_file.ts";
import { createTestDatabase, testOnEachTarget } from "./testing/databases.ts";
import { outcomesOf } from "./testing/outcomes_oracle.ts";

const TRADES = 400;

/** A figure that is usually there, in either of the places where it may stand. */
function fill(random: Random, price: number): Record<string, unknown> {
  const known = random.chance(0.85);
  const quantity = random.chance(0.9) ? random.between(0.5, 5) : random.chance(0.5) ? null : 0;
  const figures = { price: known ? price : null, quantity };
  return random.chance(0.7) ? figures : { execution_result: figures };
}

function sideAndLeverage(random: Random): Record<string, unknown> {
  return {
    ...(random.chance(0.3) ? { side: random.chance(0.5) ? "short" : "long" } : {}),
    ...(random.chance(0.2) ? { is_short: random.chance(0.5) } : {}),
    ...(random.chance(0.3) ? { leverage: random.chance(0.2) ? null : random.between(1, 5) } : {}),
  };
}

/** A trade with up to nine actions, some of them at one moment, and all its strands in any order. */
function randomTrade(random: Random, number: number): Strand[] {
  const tradeId = `trade ${number}`;
  const begin = Date.UTC(2025, 0, 1) + number * 86_400_000;
  const entryPrice = random.between(50, 150);
  const between = Array.from(
    { length: Math.floor(random.between(0, 8)) },
    () => random.chance(0.5) ? "add" : "trim",
  );
  const steps = ["entry", ...between, "exit"];
  let hour = 0;
  const actions = steps.map((category, place): Strand => ({
    id: `${number} ${random.uniform()} ${place}`,
    module: "pm",
    kind: "pm_action",
    created_at: new Date(begin + (hour += random.chance(0.2) ? 0 : 1) * 3_600_000).toISOString(),
    content: {
      trade_id: tradeId,
      pattern_key: random.chance(0.5) ? "pm.a" : "pm.b",
      ...(random.chance(0.8) ? { action_category: category } : { decision_type: category }),
      ...fill(random, entryPrice * random.between(0.7, 1.4)),
      ...(random.chance(0.1) ? sideAndLeverage(random) : {}),
    },
  }));
  const roi = random.chance(0.1) ? 0 : random.between(-0.4, 0.5);
  const close: Strand = {
    id: `close ${number}`,
    module: "pm",
    kind: "position_closed",
    created_at: new Date(begin + 50 * 3_600_000).toISOString(),
    content: {
      trade_id: tradeId,
      entry_context: sideAndLeverage(random),
      ...(random.chance(0.2) ? sideAndLeverage(random) : {}),
      trade_summary: {
        rr: random.chance(0.8) ? roi * random.between(2, 20) : random.between(-2, 2),
        rpnl_pct: roi * 100,
        entry_price: random.chance(0.9) ? entryPrice : null,
        ...(random.chance(0.9) ? { exit_price: entryPrice * random.between(0.7, 1.4) } : {}),
        ...(random.chance(0.2) ? { fees: random.between(0, 0.01) } : {}),
        ...(random.chance(0.7)
          ? {
            could_exit_better: random.chance(0.5)
              ? random.between(0, 4)
              : { missed_rr: random.between(0, 4) },
          }
          : {}),
        entry_timestamp: new Date(begin).toISOString(),
        exit_timestamp: new Date(begin + 49 * 3_600_000).toISOString(),
      },
      completed_trades: [],
    },
  };
  return [...actions, close];
}

testOnEachTarget(
  "a decision's own outcome is that of a plain reading of its trade's strands",
  async (target) => {
    await using database = await createTestDatabase(target, "sql");
    const { sql } = database;
    const random = new Random(27);
    const strands = Array.from({ length: TRADES }, (_, number) => randomTrade(random, number)).flat();
    await sql`
    insert into public.ad_strands (id, module, kind, created_at, content)
    select strand.* from jsonb_to_recordset(${sql.json(strands as unknown as never)}) as strand(
      id text, module text, kind text, created_at timestamptz, content jsonb
    )`;
    await sql`update public.strand_receipts set status = 'done' where true`;
    await sql`select learning.apply_trade('trade ' || number) from generate_series(0, ${
      TRADES - 1
    }) as number`;
    const events = await sql<{ id: string; own_roi: number | null; own_rr: number | null }[]>`
    select action_strand_id as id, own_roi, own_rr from public.pattern_trade_events`;
    const found = new Map(events.map((event) => [event.id, event]));
    const wanted = outcomesOf(strands);
    assertEquals(found.size, wanted.length);
    const unknown = { roi: 0, rr: 0 };
    for (const { strandId, roi, rr } of wanted) {
      const event = found.get(strandId);
      for (const [own, plain] of [[event?.own_roi, roi], [event?.own_rr, rr]] as const) {
        if (plain === null) assertEquals(own, null, strandId);
        else assertAlmostEquals(own ?? NaN, plain, 1e-9 * Math.max(1, Math.abs(plain)), strandId);
      }
      if (roi === null) unknown.roi++;
      if (rr === null) unknown.rr++;
    }
    assert(unknown.roi > 100 && unknown.rr > 100 && unknown.rr < wanted.length / 2, JSON.stringify(unknown));
  },
);
