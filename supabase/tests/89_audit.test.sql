begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(1);

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

select * from finish();
rollback;
