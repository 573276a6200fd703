/**
 * The configurations in supabase/presets/. Under that of the seeds the loop comes to what their worked examples come
 * to, in the database where they are about sizes and in the miner where they are about lessons.
 */

import { assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { z } from "zod";
import { groupInput, mineAll, trade } from "./testing/lessons/groups.ts";
import { miningSettings } from "../functions/_shared/lessons/settings.ts";
import { simulationSettings } from "../functions/_shared/tuning/settings.ts";
import type { Database } from "./stack/database.ts";
import { createTestDatabase, testOnEachTarget } from "./testing/databases.ts";

const SEEDS = JSON.parse(
  await Deno.readTextFile(new URL("../supabase/presets/seeds.json", import.meta.url)),
);

async function configure(sql: Database, config: unknown): Promise<unknown> {
  await sql`
    insert into public.learning_configs (module_id, config_data) values ('pm', ${sql.json(config as never)})
    on conflict (module_id) do update set config_data = excluded.config_data`;
  const [row] = await sql<{ config: unknown }[]>`select learning.config() as config`;
  return row?.config;
}

Deno.test("the seeds' preset is what differs from the defaults, and no more", () => {
  assertEquals(SEEDS, {
    steering: { relative: false },
    cluster: "span",
    fdr: "bh",
    max_q_value: null,
    selection: "exhaustive",
    baseline: "global",
    outcome_scale: 1,
    edge_scale: 0.1,
    representatives_only: false,
    add_outcome: "trade",
    trim_outcome: "trade",
    exit_outcome: "trade",
    refuse_selected: false,
    near_misses: null,
    memory: "none",
    tuning: { confirm: false },
  });
});

testOnEachTarget(
  "under the seeds' preset edges become the multipliers of the seeds, and blend as theirs do",
  async (target) => {
    await using database = await createTestDatabase(target, "sql");
    const { sql } = database;
    await configure(sql, { ...SEEDS, strength_mode: "multiplier" });
    // What a lesson's edge of 0.5, -0.3, 0.05 and -0.05 makes of a size, and that nothing leaves 0.3 to 3.
    await sql`
    insert into public.learning_lessons (module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n,
      stats, edge_raw, status)
    select 'pm', 'pm.uptrend.S1.buy_flag', 'entry', jsonb_build_object('chain', place::text), 2, 'pm_strength', 40,
      '{"scale": 1}', edge, 'active'
    from unnest('{0.5,-0.3,0.05,-0.05,-2,9}'::float8[]) with ordinality as given(edge, place)`;
    await sql`select learning.mark_groups_changed(array[('pm', 'pm.uptrend.S1.buy_flag', 'entry')::learning.group_key])`;
    const multipliers = await sql<{ multiplier: number }[]>`
    select wanted.multiplier from learning.strength_overrides(array(select id from learning.mining_groups), '', null)
      as wanted order by wanted.scope_subset ->> 'chain'`;
    assertEquals(multipliers.map(({ multiplier }) => multiplier), [1.5, 0.7, 1.05, 0.95, 0.3, 3]);

    // 1.1 in general at 0.8, 1.15 for 15m at 0.9: (1.1 · 0.8 + 1.15 · 2.83 · 0.9)/(0.8 + 2.83 · 0.9).
    await sql`
    insert into public.pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier,
      confidence_score)
    values ('pm_strength', 'pm.blend', 'entry', '{}', 1.1, 0.8),
      ('pm_strength', 'pm.blend', 'entry', '{"timeframe": "15m"}', 1.15, 0.9),
      ('pm_strength', 'pm.blend', 'entry', '{"timeframe": "1h"}', 3, 0.9)`;
    const strengthOf = async (scope: object): Promise<number> => {
      const [sizing] = await sql<{ pm_strength: number }[]>`
      select pm_strength from public.get_pm_sizing('pm.blend', 'entry', ${sql.json(scope as never)})`;
      return sizing?.pm_strength ?? NaN;
    };
    assertEquals((await strengthOf({ timeframe: "15m", mcap_bucket: "micro" })).toFixed(2), "1.14");
    assertAlmostEquals(
      await strengthOf({ timeframe: "15m" }),
      (1.1 * 0.8 + 1.15 * 0.9 * 2 ** 1.5) / (0.8 + 0.9 * 2 ** 1.5),
      1e-12,
    );

    // Confidence of 0.2, 0.6 and 0.9 steers by 0.07, 0.15 and 0.21.
    const steering = await sql<{ steered: number }[]>`
    select learning.steering_strength(confidence, learning.config() -> 'steering') as steered
    from unnest('{0.2,0.6,0.9}'::float8[]) with ordinality as given(confidence, place) order by place`;
    for (const [place, wanted] of [0.07, 0.15, 0.21].entries()) {
      assertAlmostEquals(steering[place]?.steered ?? NaN, wanted, 1e-12);
    }
  },
);

testOnEachTarget(
  "under the seeds' preset every action is judged by the whole trade, against all trades",
  async (target) => {
    await using database = await createTestDatabase(target, "sql");
    const { sql } = database;
    const config = await configure(sql, SEEDS);
    // Two trades of +10 % and -5 %, each entered, added to, trimmed and left; fills say otherwise of the adds.
    await sql`
    insert into public.ad_strands (id, kind, module, created_at, content)
    select concat_ws(' ', trade.id, step.category), step.kind, 'pm', '2026-01-01'::timestamptz + step.hour * interval '1 hour',
      jsonb_build_object('trade_id', trade.id) || case step.kind
        when 'pm_action' then jsonb_build_object('pattern_key', 'pm.a', 'action_category', step.category, 'price',
          step.price, 'quantity', 1)
        else jsonb_build_object('entry_context', '{}'::jsonb, 'trade_summary', jsonb_build_object('rr', 1, 'rpnl_pct',
          trade.pct, 'entry_price', 100, 'exit_price', 90, 'could_exit_better', 2, 'entry_timestamp', '2026-01-01',
          'exit_timestamp', '2026-01-02'))
      end
    from (values ('won', 10), ('lost', -5)) as trade(id, pct)
    cross join (values ('pm_action', 'entry', 1, 100), ('pm_action', 'add', 2, 120), ('pm_action', 'trim', 3, 110),
      ('pm_action', 'exit', 4, 90), ('position_closed', 'close', 5, null)) as step(kind, category, hour, price)`;
    await sql`update public.strand_receipts set status = 'done' where true`;
    await sql`select learning.apply_trade(id) from unnest('{won,lost}'::text[]) as id`;
    await sql`select learning.mark_groups_changed(array(
    select ('pm', 'pm.a', category)::learning.group_key from unnest('{entry,add,trim,exit}'::text[]) as category))`;
    const [begun] = await sql<{ due: number }[]>`select public.start_mining('strength') as due`;
    assertEquals(begun?.due, 4);
    for (let group = 0; group < 4; group++) {
      const [claim] = await sql<{ id: number; mean: number; n: number }[]>`
      select (claimed.claim ->> 'group_id')::integer as id, (claimed.claim #> '{run,baseline,mean}')::float8 as mean,
        (claimed.claim #> '{run,baseline,n}')::integer as n
      from (select public.claim_mining_group('strength') as claim offset 0) as claimed`;
      const [packed] = await sql<{ outcomes: string }[]>`
      select public.read_mining_group(${claim?.id ?? 0}) ->> 'outcome' as outcomes`;
      const bytes = Uint8Array.from(atob(packed?.outcomes ?? ""), (character) => character.charCodeAt(0));
      const read = new DataView(bytes.buffer);
      assertEquals([read.getFloat64(0), read.getFloat64(8)].sort(), [-0.05, 0.1]);
      assertAlmostEquals(claim?.mean ?? NaN, 0.025, 1e-12);
      assertEquals(claim?.n, 2);
    }
    assertEquals(miningSettings(config).selection, "exhaustive");
    assertEquals(
      simulationSettings(z.looseObject({ tuning: z.unknown() }).parse(config).tuning).confirm,
      false,
    );

    // 50 trades of 20 % among 150 of 10 % on average: no spread within, so edge and confidence follow from n alone.
    const trades = Array.from(
      { length: 150 },
      (_, i) => trade({ scope: { timeframe: i % 3 === 0 ? "15m" : "1h" }, roi: i % 3 === 0 ? 0.2 : 0.05 }),
    );
    const lesson = mineAll(groupInput(trades, ["timeframe"], miningSettings(config)))
      .find(({ scope }) => scope["timeframe"] === "15m");
    const support = 1 - Math.exp(-1);
    const reliability = 1 / (1 + 0.25 / 50);
    assertAlmostEquals(lesson?.stats.delta ?? NaN, 0.1, 1e-12);
    assertAlmostEquals(lesson?.stats.confidence ?? NaN, support * reliability, 1e-12);
    assertAlmostEquals(
      lesson?.stats.edge_before_decay ?? NaN,
      0.1 * reliability * (support + 1 / (1 + Math.exp(-0.2)) + 1 + 1),
      1e-12,
    );
    assertEquals([lesson?.stats.dirA, lesson?.stats.scale, lesson?.active], [0, 1, true]);
  },
);
