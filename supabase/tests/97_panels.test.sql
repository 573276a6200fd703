begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
set local jit = off;
select plan(24);

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

-- The week in words --------------------------------------------------------------------------------------------

delete from learning_log where true;
delete from learning.doorbells where true;
delete from pm_override_history where true;
delete from learning.uplift_figures where true;
delete from vault.secrets where name in ('project_url', 'edge_function_secret_key', 'alert_webhook_url');
select vault.create_secret('http://project.test', 'project_url');
select vault.create_secret('sb_secret_test', 'edge_function_secret_key');
insert into learning_log (at, level, component, event, message) values
  (now() - interval '1 day', 'INFO', 'mine-lessons', 'lesson_activated', 'x'), (now() - interval '2 days', 'INFO', 'mine-lessons', 'lesson_activated', 'x'),
  (now() - interval '8 days', 'INFO', 'mine-lessons', 'lesson_activated', 'x'), (now() - interval '1 day', 'INFO', 'mine-lessons', 'lesson_deprecated', 'x');
insert into pm_override_history (override_id, at, actor, old, new) values
  (-1, now() - interval '1 day', 'loop', '{}', '{"enabled": false, "disabled_reason": "stopped adding value: 40 decisions"}'),
  (-1, now() - interval '9 days', 'loop', '{}', '{"enabled": false, "disabled_reason": "stopped adding value: 40 decisions"}');
insert into learning.uplift_figures (action_category, figures) values ('entry', '{"learned": 40, "held_out": 40, "weeks": 6, "difference": 0.012,
  "low": -0.004, "high": 0.028, "e_value": 1.25}');
delete from learning_proofs where true;
insert into learning_proofs (source, from_at, to_at, decisions, config, config_version, release, ways, verdict, report)
select 'test', now(), now(), 10, '{}', effective_config.version, learning.release(), '[]', 'shown', '{"sentence": "It paid."}'
from learning.effective_configs effective_config where effective_config.module_id = 'pm';
select results_eq($$ select line from regexp_split_to_table(learning.digest(now() - interval '7 days'), '\n') as line offset 1 $$,
  $$ values ('Lessons: 2 came to be believed, 1 were dropped'), ('Overrides: 1 override switched off by evidence'),
    ('Sizes: 3 sizes answered and recorded, 1 of them moved by more than 0.5 % and 1 held out; the PM told of 2 actions'),
    ('Live experiment: entry +1.2 points a unit of size [-0.4, +2.8] over 6 weeks (e = 1.3)'), ('Proof: It paid.'),
    ('Health: all stages are well') $$, 'The week in words');
delete from net.http_request_queue where true;
select lives_ok($$ select learning.run_errand('digest') $$, 'Without a webhook nobody is told');
select is_empty($$ select * from net.http_request_queue $$, 'And nothing is sent');
select vault.create_secret('https://example.test/hook', 'alert_webhook_url');
delete from learning.errands where true;
select learning.run_errand('digest');
select learning.run_errand('digest');
select is((select array_agg(convert_from(body, 'UTF8')::jsonb ->> 'content' = learning.digest(now() - interval '7 days')) from net.http_request_queue),
  '{t}', 'With one it is sent, once however often it is called for');
update learning.errands set called_at = called_at - interval '7 days' where name = 'watch';
update learning.uplift_figures set figures = '{"learned": 1}' where true;
delete from vault.secrets where name = 'project_url';
select matches(learning.digest(now()), 'Live experiment: nothing to tell yet\n.*Health: \ndoorbell is not well: Vault has no secret named project_url',
  'What is not well is told, and what cannot be told yet');

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
