begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
set local jit = off;
select plan(19);

delete from pm_sizings where true;
update lowcap_positions set status = 'archived' where true;

select set_eq('select stage from health_now', 'select stage from learning_health', 'Each stage has a row');
select is_empty('select * from health_now where well <> (problem is null)', 'That is well where nothing is wrong');

-- Sizes -------------------------------------------------------------------------------------------------------

delete from ad_strands where true;
insert into ad_strands (id, kind, module, created_at, content) values
  ('s1', 'pm_action', 'pm', now() - interval '1 day', '{"trade_id": "t1", "pattern_key": "pm.x", "action_category": "entry", "size_frac": 0.4,
    "pm_strength_applied": 1.2, "exposure_skew_applied": 1}'),
  ('s2', 'pm_action', 'pm', now() - interval '1 day', '{"trade_id": "t2", "pattern_key": "pm.x", "action_category": "entry", "size_frac": 0.2,
    "pm_strength_applied": 1.0}'),
  ('s3', 'pm_action', 'pm', now() - interval '100 days', '{"trade_id": "t3", "pattern_key": "pm.x", "action_category": "entry"}');
insert into pm_sizings (taken_at, holdout, held_out, pattern_key, action_category, scope, a_value, e_value, mode, size_frac_raw,
  pm_strength, learned_strength, exposure_skew, size_frac, max_alloc_pct, a_final, e_final, overrides, config_version)
select now() - interval '1 day', 0.5, held_out, 'pm.x', category, '{}', 0.5, 0.5, 'posture', 0.35, strength, 1.2, 1, 0.4, 0.1, 0.5, 0.5, '[]', 3
from (values (true, 'entry', 1.0), (false, 'entry', 1.2), (false, 'add', 1.0)) as given(held_out, category, strength);
select results_eq($$ select action_category, actions, round(strength_applied::numeric, 6), skew_applied, round(size_applied::numeric, 6),
    sizings, held_out, moved, round(strength_answered::numeric, 6) from sizing_daily order by action_category $$,
  $$ values ('add', 0, null::numeric, null::float8, null::numeric, 1, 0, 0, 1.000000),
    ('entry', 2, 1.100000, 1::float8, 0.300000, 2, 1, 1, 1.100000) $$, 'Sizes by day, applied and answered, of the last 90 days');
select is((select max(day) from sizing_daily), ((now() - interval '1 day') at time zone 'UTC')::date, 'By the day of UTC');

-- Allocation --------------------------------------------------------------------------------------------------

delete from timeframe_allocation_steps where true;
select is_empty('select * from allocation_daily', 'Without a closed trade nothing is allocated anew');
insert into timeframe_allocation_steps (exit_at, trade_id, timeframe, roi, outcome, timeframes, shares, desired, n, last_exit_at,
  roi_short, roi_long, weight_short, weight_long)
select exit_at, trade, timeframe, roi, 'moved', '{15m,1h,4h}', shares, shares, '{1,1,1,3}', array_fill(exit_at, array[4]), '{0.01,0.02,0.03,0}',
  '{0.04,0.05,0.06,0}', '{1,1,1,1}', '{1,1,1,1}'
from (values ('2025-01-01T10:00Z'::timestamptz, 't1', '15m', 0.05, '{0.15,0.5,0.35}'::float8[]),
  ('2025-01-01T12:00Z', 't2', '1h', -0.02, '{0.16,0.49,0.35}'), ('2025-01-02T01:00Z', 't3', '15m', 0.1, '{0.17,0.48,0.35}'))
  as given(exit_at, trade, timeframe, roi, shares);
select results_eq($$ select day, timeframe, allocation, start_allocation, roi_short, roi_long, trades, round(earned_at_learned::numeric, 9),
    round(earned_at_start::numeric, 9) from allocation_daily where timeframe <> '4h' order by day, timeframe $$,
  $$ values ('2025-01-01'::date, '15m', 0.16::float8, 0.15::float8, 0.01::float8, 0.04::float8, 1, 0.0075, 0.0075),
    ('2025-01-01', '1h', 0.49, 0.5, 0.02, 0.05, 1, -0.01, -0.01), ('2025-01-02', '15m', 0.17, 0.15, 0.01, 0.04, 1, 0.016, 0.015),
    ('2025-01-02', '1h', 0.48, 0.5, 0.02, 0.05, 0, 0, 0) $$,
  'Shares at the end of each day, and what was earned at the share before each trade and at the first');

-- Exposure ----------------------------------------------------------------------------------------------------

select is_empty('select * from exposure_now', 'Where nothing is held nothing is shown');
insert into lowcap_positions (id, token_chain, token_contract, timeframe, status, total_allocation_pct, pattern_key)
values (gen_random_uuid(), 'solana', 'c1', '1h', 'active', 0.06, 'pm.c'), (gen_random_uuid(), 'base', 'c2', '1h', 'watchlist', 0.02, null);
select results_eq($$ select dimension, value, round(exposure::numeric, 6), round(share::numeric, 6), positions from exposure_now
    where dimension in ('all', 'chain', 'timeframe', 'pattern_key') order by 1, 2 $$,
  $$ values ('all', 'all', 0.080000, 1.000000, 2), ('chain', 'base', 0.020000, 0.250000, 1), ('chain', 'solana', 0.060000, 0.750000, 1),
    ('pattern_key', 'pm.c', 0.060000, 0.750000, 1), ('pattern_key', null, 0.020000, 0.250000, 1), ('timeframe', '1h', 0.080000, 1.000000, 2) $$,
  'What is held by each value of each dimension');

-- Settings ----------------------------------------------------------------------------------------------------

delete from learning_configs where true;
insert into learning_configs (module_id, config_data) values ('pm', '{"steering": {"gain": 0.1}}');
select results_eq($$ select path, value, default_value, is_set from learning_settings
    where module_id = 'pm' and path in ('n_min', 'steering.gain') order by path $$,
  $$ values ('n_min', '33'::jsonb, '33'::jsonb, false), ('steering.gain', '0.1'::jsonb, '0.20'::jsonb, true) $$,
  'A key has the value that holds, beside its default, configured or not');
select is((select accepts from learning_settings where module_id = 'pm' and path = 'max_q_value'),
  'a number from 0 to 1, or null', 'What it takes is said in words');
select is((select count(*) from learning_settings), (select count(*) from learning.settings),
  'No key is left out, and none comes twice');

-- Who may see them --------------------------------------------------------------------------------------------

set local role authenticated;
select is_empty('select * from exposure_now', 'Without a learning role nothing is seen');
select is_empty('select * from sizing_daily', 'Of sizes neither');
select is_empty('select * from learning_settings', 'Nor of settings');
select set_config('request.jwt.claims', '{"role": "authenticated", "app_metadata": {"learning_role": "viewer"}}', true);
select isnt_empty('select * from exposure_now', 'A viewer sees what is held');
select isnt_empty('select * from sizing_daily', 'And sizes');
select lives_ok('select * from allocation_daily', 'Allocation');
select isnt_empty('select * from health_now', 'Health');
select isnt_empty('select * from learning_settings', 'And settings');

select * from finish();
rollback;
