begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(12);

insert into ad_strands (id, kind, module, timeframe, content) values
  ('sized', 'pm_action', 'pm', '1h', '{"trade_id": "t1", "pattern_key": "module=pm|pattern_key=uptrend.S1.x", "action_category": "entry", "size_frac": 0.4,
    "a_value": 0.6, "reasons": {"pm_strength_applied": 1.1, "exposure_skew_applied": 0.9}}'),
  ('silent', 'pm_action', 'pm', '1h', '{"trade_id": "t2", "pattern_key": "pm.x", "action_category": "exit", "size_frac": "all", "a_value": 1e999, "reasons": [1]}'),
  ('other', 'dm_action', 'dm', '1h', '{"trade_id": "t1"}');
insert into learning.closed_trades (trade_id, close_strand_id, roi, rr, pnl_usd, exit_at) values ('t1', 'close', 0.05, 1.5, 100, '2025-01-02');
select results_eq(
  $$ select action_strand_id, pattern_key, size_frac, pm_strength_applied, exposure_skew_applied, closed, roi, rr from pm_sizing_audit
     where action_strand_id in ('sized', 'silent', 'other') order by action_strand_id desc $$,
  $$ values ('sized', 'pm.uptrend.S1.x', 0.4::float8, 1.1::float8, 0.9::float8, true, 0.05::float8, 1.5::float8),
    ('silent', 'pm.x', null, null, null, false, null, null) $$,
  'The audit shows what each action says was applied and how its trade ended');

insert into ad_strands (id, kind, module, content) values ('elsewhere', 'pm_action', 'pm', '{"trade_id": "t1",
  "pattern_key": "pm.x", "decision_type": "emergency_exit", "reasons": {"ordered": [{"name": "pm_strength", "value": 1.2}]},
  "learning_multipliers": {"exposure_skew": 0.8}}');
select results_eq(
  $$ select action_category, pm_strength_applied, exposure_skew_applied from pm_sizing_audit
     where action_strand_id = 'elsewhere' $$,
  $$ values ('exit', 1.2::float8, 0.8::float8) $$, 'wherever it says so');

-- What was answered -----------------------------------------------------------------------------------------

delete from pm_sizings where true;
insert into pm_sizings (taken_at, subject, holdout, held_out, pattern_key, action_category, scope, a_value, e_value, mode, size_frac_raw,
  pm_strength, learned_strength, exposure_skew, size_frac, max_alloc_pct, a_final, e_final, overrides, config_version)
select taken_at, subject, 0.5, false, key, category, '{}', 0.5, 0.5, 'posture', 0.35, strength, strength, 1.33, 0.4, 0.1, 0.5, 0.5, '[]', 3
from (values ('2025-01-01Z'::timestamptz, 'TOK', 'pm.x', 'entry', 1.1), ('2025-01-02Z', 'TOK', 'pm.x', 'entry', 1.2),
  ('2025-01-04Z', 'TOK', 'pm.x', 'entry', 1.3), ('2025-01-02Z', 'TOK', 'pm.x', 'add', 1.4), ('2025-01-01Z', 'p1', 'pm.y', 'entry', 1.5),
  ('2025-01-01Z', 't9', 'pm.z', 'entry', 1.6)) as given(taken_at, subject, key, category, strength);
insert into ad_strands (id, kind, module, symbol, position_id, created_at, content)
select given.id, 'pm_action', 'pm', given.symbol, given.position_id, '2025-01-03Z', given.content || '{"action_category": "entry"}'
from (values ('by token', 'TOK', null, '{"trade_id": "t8", "pattern_key": "pm.x"}'::jsonb),
  ('by position', 'ELSE', 'p1', '{"trade_id": "t8", "pattern_key": "pm.y"}'),
  ('by trade', null, null, '{"trade_id": "t9", "pattern_key": "pm.z"}'),
  ('by id', 'TOK', null, jsonb_build_object('trade_id', 't8', 'pattern_key', 'pm.x', 'sizing_id',
    (select id from pm_sizings where pm_strength = 1.4))),
  ('by no id', 'TOK', null, '{"trade_id": "t8", "pattern_key": "pm.x", "sizing_id": 1e300}')) as given(id, symbol, position_id, content);
select results_eq(
  $$ select action_strand_id, pm_strength_answered from pm_sizing_audit where action_strand_id like 'by %' order by 1 $$,
  $$ values ('by id', 1.4::float8), ('by no id', 1.2), ('by position', 1.5), ('by token', 1.2), ('by trade', 1.6) $$,
  'An action belongs to the sizing that it names, else to the newest before it of its subject, key and category');
select results_eq(
  $$ select mode_answered, held_out, holdout, exposure_skew_answered, size_frac_answered, config_version, subject from pm_sizing_audit
     where action_strand_id = 'by token' $$,
  $$ values ('posture', false, 0.5::float8, 1.33::float8, 0.4::float8, 3, 'TOK') $$, 'With all that was answered');
insert into pattern_trade_events (action_strand_id, trade_id, module, pattern_key, action_category, scope, scope_mask, roi, rr,
  duration_hours, did_trim, reached_s3, acted_at, traded_at, scope_codes, own_roi, own_rr)
values ('by token', 't8', 'pm', 'pm.x', 'entry', '{}', 0, 0.1, 1, 1, false, false, '2025-01-03', '2025-01-04', '{}', 0.07, 0.8);
select is((select (own_roi, own_rr)::text from pm_sizing_audit where action_strand_id = 'by token'), '(0.07,0.8)',
  'And what it came to by itself');
select is((select count(*)::integer from pm_sizing_audit where action_strand_id = 'elsewhere'), 1,
  'What was never recorded is shown without');

-- The experiment ----------------------------------------------------------------------------------------------

create temporary table read_now as select public.read_experiment() as read;
select is(jsonb_array_length(read), 2, 'An experiment is read by category') from read_now;
select is(read #>> '{0,outcome}', '', 'A trade that closed too long ago is not in it') from read_now;
update pattern_trade_events set traded_at = now() where action_strand_id = 'by token';
select is((select public.read_experiment() #>> '{0,outcome}'), learning.packed(float8send(0.1)), 'One that closed since is, by its outcome');
select is((select public.read_experiment() #>> '{0,size}'), learning.packed(float8send(0.4)), 'With the size that was answered where it says none');
select is(public.save_uplift('{"entry": {"learned": 3, "held_out": 2, "weeks": 2, "difference": 0.02, "low": null, "high": 0.05, "e_value": 1.5,
  "promised": 0.01, "weeks_to_know": 40}}'), 1, 'What it shows is written');
select results_eq('select action_category, unit, learned, held_out, difference, low, high, e_value, weeks_to_know from learning_uplift',
  $$ values ('entry', 'points', 3, 2, 0.02::float8, null::float8, 0.05::float8, 1.5::float8, 40) $$, 'And told');

select * from finish();
rollback;
