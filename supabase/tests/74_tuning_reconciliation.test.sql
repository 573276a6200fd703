begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(24);

delete from pm_overrides where true;
delete from pattern_episode_events where true;
delete from learning_lessons where true;
delete from learning.mining_groups where true;
delete from learning.scope_values where true;
delete from learning_configs where true;
delete from learning_log where true;

create function pg_temp.decided(id text, key text, at timestamptz, decision text default 'skipped',
  outcome text default 'success',
  blockers text[] default '{ts}', gates float8[] default '{0.55,0.6,0.8,1,0.002,0}')
    returns void language sql as $$
  insert into public.pattern_episode_events (strand_id, episode_id, pattern_key, scope, scope_mask, decision,
    outcome, factors, blocked_by,
    occurred_at, scope_codes, gates)
  values (id, 'episode of ' || id, key, '{"timeframe": "15m"}', 512, decision, outcome, '{}', blockers, at,
    learning.encode_scope('{"timeframe": "15m"}'), gates);
$$;

create function pg_temp.lesson(scope jsonb, n integer default 40, dr float8 default 0.5)
  returns jsonb language sql as $$
  select jsonb_build_object('scope_subset', scope, 'n', n, 'stats',
    jsonb_build_object('n', n, 'wr', 0.25, 'fpr', 0.75, 'mr', null, 'dr', dr),
    'status', 'active', 'last_evidence_at', '2026-06-01T00:00:00Z');
$$;

create function pg_temp.lines(event text) returns setof text language sql as $$
  select line.message from public.learning_log line where line.event = lines.event order by line.id;
$$;

create function pg_temp.mine(lessons jsonb) returns jsonb language plpgsql as $$
declare claimed jsonb;
begin
  perform public.start_tuning();
  claimed := public.claim_mining_group('tuning');
  return public.finish_tuning_group((claimed ->> 'group_id')::bigint, (claimed ->> 'lease_token')::uuid,
    lessons, learning.tuning_lookback());
end $$;

create function pg_temp.lesson_id(scope jsonb) returns bigint language sql as $$
  select lesson.id from public.learning_lessons lesson where lesson.scope_subset = scope;
$$;

create function pg_temp.result(scope jsonb, verdict text, moves jsonb, p_value float8,
  confidence float8 default 0.9) returns jsonb language sql as $$
  select jsonb_build_object('lesson_id', pg_temp.lesson_id(scope), 'verdict', verdict, 'tested', 4,
    'skipped', 120, 'moves', moves,
    'confidence', confidence, 'p_value', p_value, 'summary', 'summary of ' || verdict, 'details',
      '{}'::jsonb);
$$;

create function pg_temp.simulate(results jsonb) returns void language plpgsql as $$
declare claimed jsonb := public.claim_tuning_simulation();
begin
  perform public.save_tuning_simulations((claimed ->> 'group_id')::bigint, (claimed ->> 'lease_token')::uuid,
    results, 0, 'finished');
end $$;

select learning.register_scope_values(array['{"timeframe": "15m"}'::jsonb]);
select pg_temp.decided('a2', 'pm.a', '2026-03-03');
select pg_temp.decided('a4', 'pm.a', '2026-06-01');
select learning.mark_groups_changed(array[('pm', 'pm.a', 'tuning')::learning.group_key]);
select pg_temp.mine(jsonb_build_array(pg_temp.lesson('{}'), pg_temp.lesson('{"timeframe": "15m"}')));
select pg_temp.simulate(jsonb_build_array(pg_temp.result('{}', 'ratio', '{}', 1),
  pg_temp.result('{"timeframe": "15m"}', 'move', '{"tuning_ts_min": {"value": -0.05, "multiplier": 0.9},
    "tuning_slope": {"value": -0.001, "multiplier": null}}', 0.01)));

-- Overrides follow those whose p value stands up.
select is(public.reconcile_tuning_overrides() - 'next',
  '{"judged": 1, "created": 0, "changed": 0, "disabled": 0}', 'None follows where no p is beyond luck');
select results_eq($$ select * from pg_temp.lines('lesson_not_confirmed') $$,
  $$ values ('No override for pm.a in {"timeframe": "15m"}: summary of move; '
    'among 0 lessons no p is beyond luck') $$, 'The log says why');
select is(public.reconcile_tuning_overrides(0, 500, 0.01, 2) - 'next',
  '{"judged": 1, "created": 2, "changed": 0, "disabled": 0}', 'One per moved lever where it is');
select results_eq($$ select override_type, pattern_key, action_category, scope_subset, value, multiplier, n,
  confidence_score, enabled, last_evidence_at
    from pm_overrides order by action_category $$,
  $$ values ('pm_tuning', 'pm.a', 'tuning_slope', '{"timeframe": "15m"}'::jsonb, -0.001::float8,
    null::float8, 40, 0.9::float8, true, '2026-06-01'::timestamptz),
    ('pm_tuning', 'pm.a', 'tuning_ts_min', '{"timeframe": "15m"}', -0.05, 0.9, 40, 0.9, true,
      '2026-06-01') $$, 'with the change, its factor, and what it rests on');
select results_eq($$ select * from pg_temp.lines('override_created') order by 1 limit 1 $$,
  $$ values ('Override for pm.a tuning_slope in {"timeframe": "15m"} created: '
    'value=-0.001 multiplier=none confidence=0.900, summary of move') $$, 'The log has them');
select is(public.reconcile_tuning_overrides(0, 500, 0.01, 2) - 'next',
  '{"judged": 0, "created": 0, "changed": 0, "disabled": 0}', 'Unchanged ones are not written again');

-- A user's word stands.
update pm_overrides set enabled = false, disabled_reason = 'too risky' where action_category = 'tuning_slope';
select learning.act_as('loop');
update pm_overrides set enabled = false where action_category = 'tuning_ts_min';
select learning.act_as('');
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, value)
  values ('pm_tuning', 'pm.a', 'tuning_halo', '{"timeframe": "15m"}', 0.15);
update learning.tuning_groups set lessons_version = lessons_version + 1;
select pg_temp.simulate(jsonb_build_array(pg_temp.result('{"timeframe": "15m"}', 'move',
  '{"tuning_ts_min": {"value": -0.1, "multiplier": 0.8}, "tuning_slope": {"value": -0.002, "multiplier": 0.5},
    "tuning_halo": {"value": 0.1, "multiplier": 1.1}}', 0.01)));
select is(public.reconcile_tuning_overrides(0, 500, 0.01, 2) - 'next',
  '{"judged": 1, "created": 0, "changed": 1, "disabled": 0}', 'That of the loop follows the new result');
select results_eq($$ select action_category, value, enabled, disabled_by, lesson_id is null from pm_overrides
  order by 1 $$,
  $$ values ('tuning_halo', 0.15::float8, true, null::text, true),
    ('tuning_slope', -0.001, false, 'user', false), ('tuning_ts_min', -0.1, true, null, false) $$,
  'One switched off by a user stays off, one by the loop is switched on, one made by hand is not touched');
select results_eq($$ select action_category, proposed -> 'value' from pm_overrides order by 1 $$,
  $$ values ('tuning_halo', '0.1'::jsonb), ('tuning_slope', '-0.002'), ('tuning_ts_min', null) $$,
  'Beside what a person decided stands what the loop would say');

select results_eq($$ select action_category, evidence_from, promised, baseline, baseline_sigma from pm_overrides
  order by 1 $$,
  $$ values ('tuning_halo', null::timestamptz, null::float8, null::float8, null::float8),
    ('tuning_slope', now(), 0.5, 0, 0.5), ('tuning_ts_min', now(), 0.5, 0, 0.5) $$,
  'What was learned promises half gains from when it began to act, what a person made promises nothing');

-- What no longer holds is switched off with the reason.
update learning.tuning_groups set lessons_version = lessons_version + 1;
select pg_temp.simulate(jsonb_build_array(pg_temp.result('{"timeframe": "15m"}', 'ratio', '{}', 1)));
select is(public.reconcile_tuning_overrides(0, 500, 0.01, 2) - 'next',
  '{"judged": 0, "created": 0, "changed": 0, "disabled": 1}',
  'A gate that is no longer moved loses its override');
select results_eq($$ select disabled_by, disabled_reason from pm_overrides
  where action_category = 'tuning_ts_min' $$,
  $$ values ('loop', 'Its gate is no longer moved: summary of ratio') $$, 'with the reason');
select results_eq($$ select disabled_by, disabled_reason from pm_overrides
  where action_category = 'tuning_slope' $$, $$
  values ('user', 'too risky') $$, 'A user''s reason is left alone');
update learning.tuning_groups set lessons_version = lessons_version + 1;
select pg_temp.simulate(jsonb_build_array(pg_temp.result('{"timeframe": "15m"}', 'move',
  '{"tuning_ts_min": {"value": -0.1, "multiplier": 0.8}}', null)));
select is(public.reconcile_tuning_overrides() - 'next',
  '{"judged": 1, "created": 0, "changed": 1, "disabled": 0}',
  'Without confirmation there is no p to judge, and it acts again');
-- As if all of it had been written at another time than what follows.
update learning_lessons set first_active_at = '2026-01-01', updated_at = '2026-01-01';
select pg_temp.decided('a6', 'pm.a', '2026-08-01');
select learning.mark_groups_changed(array[('pm', 'pm.a', 'tuning')::learning.group_key]);
select pg_temp.mine(jsonb_build_array(pg_temp.lesson('{}')));
select is((select status from learning_lessons where scope_subset = '{"timeframe": "15m"}'), 'deprecated',
  'A lesson that is no longer found is deprecated');
select results_eq($$ select * from pg_temp.lines('lesson_deprecated') $$,
  $$ values ('No longer found pm.a tuning in {"timeframe": "15m"}: '
    'n=40 wr=0.250 fpr=0.750 mr=none dr=0.500') $$, 'which the log says');
select is((public.reconcile_tuning_overrides() ->> 'disabled')::integer, 1, 'and its override is disabled');
select is(disabled_reason, 'Its lesson is no longer found', 'with that reason') from pm_overrides
  where action_category = 'tuning_ts_min';
select is(public.read_tuning_p_values() -> 'lessons', '1', 'It no longer counts among the p values');
update learning_lessons set updated_at = '2026-01-01';
select pg_temp.decided('a7', 'pm.a', '2026-08-02');
select learning.mark_groups_changed(array[('pm', 'pm.a', 'tuning')::learning.group_key]);
select pg_temp.mine(jsonb_build_array(pg_temp.lesson('{}'), pg_temp.lesson('{"timeframe": "15m"}')));
select is((select count(*) from pg_temp.lines('lesson_activated')), 3::bigint,
  'Found again, it is active again');

select is(public.reconcile_tuning_overrides(p_limit => 1) -> 'next', to_jsonb(pg_temp.lesson_id('{}')),
  'A batch says where the next begins');
select is(public.reconcile_tuning_overrides(pg_temp.lesson_id('{}'), 1) -> 'next',
  to_jsonb(pg_temp.lesson_id('{"timeframe": "15m"}')), 'which goes on there');
select is(public.reconcile_tuning_overrides(pg_temp.lesson_id('{"timeframe": "15m"}'), 1) -> 'next', 'null',
  'to the end');
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, value, lesson_id)
  values ('pm_tuning', 'pm.z', 'tuning_halo', '{}', 0.1, -1);
select is((public.reconcile_tuning_overrides() ->> 'disabled')::integer, 1,
  'An override whose lesson is gone altogether is disabled too');

select * from finish();
rollback;
