/** A database for the screen to show: some trades of the sample, and what learning would have made of many more. */

import { generateEpisodes } from "../../sample/episodes.ts";
import { generateSample } from "../../sample/sample.ts";
import type { Stack } from "../../stack/stack.ts";

const SEED = 7;
const FED_STRANDS = 420;
const FED_WINDOWS = 160;

/** Trades, windows and positions come in as a PM sends them; lessons, snapshots and overrides are written by hand. */
export async function fillMarket(stack: Stack): Promise<void> {
  const asOf = new Date();
  const sample = generateSample({ seed: SEED, asOf });
  const strands = [
    ...sample.strands.slice(-FED_STRANDS),
    ...generateEpisodes({ seed: SEED, asOf }).strands.slice(-FED_WINDOWS),
  ];
  await stack.query(
    `insert into lowcap_positions (id, token_chain, token_contract, token_ticker, timeframe, status, total_allocation_pct,
       pattern_key, entry_context)
     select id, token_chain, token_contract, token_ticker, timeframe, status, total_allocation_pct, pattern_key, entry_context
     from jsonb_populate_recordset(null::lowcap_positions, $1::jsonb)`,
    [JSON.stringify(sample.positions)],
  );
  await stack.query(
    `insert into ad_strands (id, module, kind, trade_id, symbol, timeframe, content, regime_context, created_at)
     select id, module, kind, trade_id, symbol, timeframe, content, coalesce(regime_context, '{}'), created_at
     from jsonb_populate_recordset(null::ad_strands, $1::jsonb)`,
    [JSON.stringify(strands)],
  );
  await stack.settle();
  for (const statement of LEARNED) await stack.query(statement);
}

/** Three families of which one is proven and one young, their overrides, and gates. */
const LEARNED = [
  `insert into learning_calibration (module, action_category, mean, sigma, kappa, tau2, n, weeks, regimes_act)
   values ('pm', 'entry', 0.015, 0.11, 0.41, 0.05, 1881, 39, false)`,
  `insert into learning_lessons (module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n, stats,
     edge_raw, p_value, q_value, status, first_active_at, last_evidence_at, family_scope)
   select 'pm', said.pattern_key, 'entry', said.scope, 0, 'pm_strength', said.n,
     jsonb_build_object('effect', said.effect, 'effect_low', said.effect - 0.02, 'effect_high', said.effect + 0.02,
       'effect_error2', 0.04, 'weeks', said.weeks, 'proven', said.proven, 'z', said.effect * 90, 'scale', 0.11),
     said.effect * 20, 0.0001, 0.001, 'active', now() - interval '20 days', now() - interval '1 day', said.family
   from (values
     ('pm.uptrend.S1.buy_flag', '{"curator": "0xdetective", "timeframe": "1h"}'::jsonb, 105, 0.115, 36, true,
       '{"curator": "0xdetective", "timeframe": "1h"}'::jsonb),
     ('pm.uptrend.S1.buy_flag', '{"curator": "0xdetective"}', 254, 0.045, 39, true,
       '{"curator": "0xdetective", "timeframe": "1h"}'),
     ('pm.uptrend.S2.dip', '{"age_bucket": "<1d"}', 112, -0.082, 36, false, '{"age_bucket": "<1d"}'),
     ('pm.uptrend.S3.retest', '{"timeframe": "15m"}', 48, 0.051, 14, false, '{"timeframe": "15m"}')
   ) as said (pattern_key, scope, n, effect, weeks, proven, family)`,
  `insert into learning_lessons (module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n, stats,
     status, first_active_at)
   values ('pm', 'pm.uptrend.S1.buy_flag', 'tuning', '{}', 0, 'tuning_rates', 1200,
     '{"wr": 0.62, "fpr": 0.38, "mr": 0.33, "dr": 0.67}', 'active', now())`,
  `insert into learning_edge_history (lesson_id, ts, edge, n, scale)
   select lesson.id, now() - interval '1 day' * day, 1 - day * 0.02, lesson.n - day, 0.11
   from learning_lessons lesson cross join generate_series(1, 20) as day where lesson.lesson_type = 'pm_strength'`,
  `insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, dir_a, dir_e, edge_raw, n,
     confidence_score, lesson_id, last_evidence_at)
   select 'pm_strength', lesson.pattern_key, 'entry', lesson.scope_subset, least(3, greatest(0.3, 1 + lesson.edge_raw * 0.11)),
     0.6 * sign(lesson.edge_raw), -0.3 * sign(lesson.edge_raw), lesson.edge_raw, lesson.n, 0.8, lesson.id, now()
   from learning_lessons lesson where lesson.lesson_type = 'pm_strength' and lesson.family_scope = lesson.scope_subset`,
  `insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, value, n, confidence_score)
   values ('pm_tuning', 'pm.uptrend.S1.buy_flag', 'tuning_halo', '{"timeframe": "1h"}', 1.1, 0.1, 439, 0.9)`,
  `update pm_overrides set enabled = false where pattern_key = 'pm.uptrend.S3.retest'`,
  `insert into learning_log (level, component, event, message)
   values ('WARNING', 'mine-lessons', 'outcome_unknown', 'Of 12 adds no fill price is known')`,
];

/** As many overrides as somebody might have who lets every wording of an effect act. */
export async function fillOverrides(stack: Stack, count: number): Promise<void> {
  // Without triggers, which would index each for sizing: the screen only reads the table.
  await stack.query(
    `do $$
     begin
       set local session_replication_role = replica;
       insert into public.pm_overrides
         (override_type, pattern_key, action_category, scope_subset, multiplier, n, confidence_score, last_updated_at)
       select 'pm_strength', 'pm.large.S' || n % 5 || '.motif_' || n % 97, 'entry',
         jsonb_build_object('timeframe', (array['15m', '1h', '4h'])[1 + n % 3], 'curator', 'curator_' || n),
         0.5 + n % 100 / 100.0, 33 + n % 500, (n % 100) / 100.0, now() - interval '1 second' * n
       from generate_series(1, ${Math.trunc(count)}) as n;
     end
     $$`,
  );
}
