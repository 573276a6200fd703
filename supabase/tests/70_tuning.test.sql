begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(56);

create function pg_temp.decided(id text, key text, at timestamptz, decision text default 'skipped', outcome text default 'success',
  blockers text[] default '{ts}', gates float8[] default '{0.55,0.6,0.8,1,0.002,0}') returns void language sql as $$
  insert into public.pattern_episode_events (strand_id, episode_id, pattern_key, scope, scope_mask, decision, outcome, factors, blocked_by,
    occurred_at, scope_codes, gates)
  values (id, 'episode of ' || id, key, '{"timeframe": "15m"}', 512, decision, outcome, '{}', blockers, at,
    learning.encode_scope('{"timeframe": "15m"}'), gates);
$$;
create function pg_temp.floats(packed text) returns float8[] language sql as $$
  -- Whole numbers and halves are enough to see that bytes are in their places.
  select coalesce(array_agg(case when bits = 0 then 0 when bits = 9221120237041090560 then 'NaN'::float8
    else (case when bits < 0 then -1 else 1 end) * power(2::float8, ((bits >> 52) & 2047)::int - 1023) * (1 + (bits & 4503599627370495)::float8 / 4503599627370496) end order by i), '{}')
  from (select i, ('x' || encode(substr(decode(packed, 'base64'), i * 8 + 1, 8), 'hex'))::bit(64)::bigint as bits
    from generate_series(0, length(decode(packed, 'base64')) / 8 - 1) i) as b;
$$;
create function pg_temp.integers(packed text, width integer) returns integer[] language sql as $$
  select coalesce(array_agg(('x' || lpad(encode(substr(decode(packed, 'base64'), i * width + 1, width), 'hex'), 8, '0'))::bit(32)::integer order by i), '{}')
  from generate_series(0, length(decode(packed, 'base64')) / width - 1) i;
$$;
create function pg_temp.lesson(scope jsonb, n integer default 40, dr float8 default 0.5) returns jsonb language sql as $$
  select jsonb_build_object('scope_subset', scope, 'n', n, 'stats', jsonb_build_object('n', n, 'wr', 0.25, 'fpr', 0.75, 'mr', null, 'dr', dr),
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
  return public.finish_tuning_group((claimed ->> 'group_id')::bigint, (claimed ->> 'lease_token')::uuid, lessons, learning.tuning_lookback());
end $$;
create function pg_temp.lesson_id(scope jsonb) returns bigint language sql as $$
  select lesson.id from public.learning_lessons lesson where lesson.scope_subset = scope;
$$;
create function pg_temp.result(scope jsonb, verdict text, moves jsonb, p_value float8, confidence float8 default 0.9) returns jsonb language sql as $$
  select jsonb_build_object('lesson_id', pg_temp.lesson_id(scope), 'verdict', verdict, 'tested', 4, 'skipped', 120, 'moves', moves,
    'confidence', confidence, 'p_value', p_value, 'summary', 'summary of ' || verdict, 'details', '{}'::jsonb);
$$;
create function pg_temp.simulate(results jsonb) returns void language plpgsql as $$
declare claimed jsonb := public.claim_tuning_simulation();
begin
  perform public.save_tuning_simulations((claimed ->> 'group_id')::bigint, (claimed ->> 'lease_token')::uuid, results, 0, 'finished');
end $$;

-- The look-back ends with the newest window that has an outcome, of whatever key.
select is(learning.tuning_lookback(), null, 'Without outcomes there is nothing to look back from');
select is(public.start_tuning(), 0, 'and nothing to mine');
select learning.register_scope_values(array['{"timeframe": "15m"}'::jsonb]);
select pg_temp.decided('a1', 'pm.a', '2026-01-01', 'acted', 'success', '{}', '{0.5,1,2,4,8,0}');
select pg_temp.decided('a2', 'pm.a', '2026-03-03', 'acted', 'failure', '{}', null);
select pg_temp.decided('a3', 'pm.a', '2026-03-03', 'skipped', 'neutral', '{ts,halo}', '{-2,1,2,4,8,0}');
select pg_temp.decided('a4', 'pm.a', '2026-06-01', 'skipped', 'success', '{cooldown}');
select pg_temp.decided('a5', 'pm.a', '2026-07-01', 'skipped', null);
select learning.mark_groups_changed(array[('pm', 'pm.a', 'tuning')::learning.group_key]);
select is(learning.tuning_lookback(), '2026-03-03'::timestamptz, 'It goes back 90 days from the newest window with an outcome');
select is(public.start_tuning(), 1, 'A group with windows is due');

create temp table piece as select public.read_tuning_windows(held.id, p_gates => true) as packed from learning.mining_groups held;
select is((packed ->> 'rows')::integer, 3, 'What is read is in the look-back and has an outcome') from piece;
select is(pg_temp.integers(packed ->> 'flags', 4), array[1 + 4, 0, 2 + 8], 'Flags tell decision, outcome and other blockers')
from (select packed || jsonb_build_object('flags', replace(encode((
  select string_agg(int4send(bits & 15), ''::bytea) from unnest(pg_temp.integers(packed ->> 'flags', 4)) as bits), 'base64'), E'\n', '')) as packed from piece) masked;
select is((select array_agg(bits >> 4) from unnest(pg_temp.integers(packed ->> 'flags', 4)) bits),
  (select array_agg(learning.episode_half(episode_id) order by occurred_at, id) from pattern_episode_events where strand_id in ('a2', 'a3', 'a4')),
  'and the half of the episode') from piece;
select is(pg_temp.floats(packed -> 'gates' ->> 0), array['NaN'::float8, -2, 0.55], 'Gates are in their columns, NaN where a window lacks any') from piece;
select is(pg_temp.floats(packed -> 'gates' ->> 3), array['NaN'::float8, 4, 1], 'every one of them') from piece;
select is(pg_temp.integers(packed -> 'dimensions' ->> '9', 2), (select array_fill(code, array[3]) from learning.scope_values), 'Scopes come in codes of two bytes') from piece;
select is(packed ->> 'next', null, 'One piece holds them all') from piece;
select is((public.read_tuning_windows(held.id, p_limit => 2)) -> 'next' ->> 'occurred_at', '2026-03-03T00:00:00+00:00', 'A smaller one says where the next begins') from learning.mining_groups held;
select is((public.read_tuning_windows(held.id, p_after => public.read_tuning_windows(held.id, p_limit => 2) -> 'next', p_limit => 2) ->> 'rows')::integer, 1,
  'which has the rest') from learning.mining_groups held;
select is((public.read_tuning_windows(held.id, '2026-01-01') ->> 'rows')::integer, 4, 'A run keeps the look-back that it began with') from learning.mining_groups held;
insert into learning.scope_values (code, dim, value) overriding system value values (40000, 'chain', 'far');
select is((public.read_tuning_windows(held.id) ->> 'code_bytes')::integer, 4, 'Four bytes once the dictionary is large') from learning.mining_groups held;
delete from learning.scope_values where code = 40000;
select cmp_ok(count(*) filter (where learning.episode_half('episode ' || i) = 0), '>', 450::bigint, 'Episodes fall into halves') from generate_series(1, 1000) i;
select cmp_ok(count(*) filter (where learning.episode_half('episode ' || i) = 1), '>', 450::bigint, 'of about the same size') from generate_series(1, 1000) i;

-- Lessons are written with their look-back, and awaited by simulation.
select is(public.claim_tuning_simulation(), null, 'Nothing awaits simulation before it is mined');
select pg_temp.mine(jsonb_build_array(pg_temp.lesson('{}'), pg_temp.lesson('{"timeframe": "15m"}')));
select results_eq($$ select lesson_type, status, n, scope_subset, edge_raw from learning_lessons order by id $$,
  $$ values ('tuning_rates', 'active', 40, '{}'::jsonb, null::float8), ('tuning_rates', 'active', 40, '{"timeframe": "15m"}', null) $$, 'Lessons that are found are active');
select results_eq($$ select * from pg_temp.lines('lesson_activated') order by 1 $$,
  $$ values ('Active pm.a tuning in {"timeframe": "15m"}: n=40 wr=0.250 fpr=0.750 mr=none dr=0.500'),
    ('Active pm.a tuning in {}: n=40 wr=0.250 fpr=0.750 mr=none dr=0.500') $$, 'The log has each with its rates');
create temp table claim as select public.claim_tuning_simulation() as claimed;
select is(claimed - array['group_id', 'lease_token', 'dimensions'],
  '{"pattern_key": "pm.a", "looks_back_to": "2026-03-03T00:00:00+00:00", "after": 0,
    "tuning": {"lookback_days": 90, "min_ratio": 2.0, "min_gain": 3, "cautious_dodge_rate": 0.90, "cautious_ratio": 4.0, "confirm": true}}'::jsonb,
  'A group whose lessons are new is simulated') from claim;
select is(public.claim_tuning_simulation(), null, 'by one at a time');
select is(public.read_tuning_lessons((claimed ->> 'group_id')::bigint, 0),
  jsonb_build_array(jsonb_build_object('id', pg_temp.lesson_id('{}'), 'scope_subset', '{}'::jsonb, 'dr', 0.5),
    jsonb_build_object('id', pg_temp.lesson_id('{"timeframe": "15m"}'), 'scope_subset', '{"timeframe": "15m"}'::jsonb, 'dr', 0.5)), 'which reads its lessons') from claim;
select is(jsonb_array_length(public.read_tuning_lessons((claimed ->> 'group_id')::bigint, pg_temp.lesson_id('{}'))), 1, 'from where it got to') from claim;
select public.save_tuning_simulations((claimed ->> 'group_id')::bigint, (claimed ->> 'lease_token')::uuid,
  jsonb_build_array(pg_temp.result('{}', 'ratio', '{}', 1)), pg_temp.lesson_id('{}'), 'paused') from claim;
select throws_like($$ select public.save_tuning_simulations((claimed ->> 'group_id')::bigint, (claimed ->> 'lease_token')::uuid, '[]', 0, 'finished') from claim $$,
  'Lease % on the simulation of group % is no longer held', 'A lease that was given back does not write');
select throws_ok($$ select public.save_tuning_simulations(1, gen_random_uuid(), '[]', 0, 'done') $$, '22023', null, 'A simulation is under way, paused or finished');
select is((public.claim_tuning_simulation() ->> 'after')::bigint, pg_temp.lesson_id('{}'), 'A paused one goes on where it was');
update learning.tuning_groups set leased_until = now() - interval '1 second';
select pg_temp.simulate(jsonb_build_array(pg_temp.result('{"timeframe": "15m"}', 'move',
  '{"tuning_ts_min": {"value": -0.05, "multiplier": 0.9}, "tuning_slope": {"value": -0.001, "multiplier": null}}', 0.01)));
select is(public.claim_tuning_simulation(), null, 'A lease that lapsed is taken over, and then nothing is left to do');
select results_eq($$ select * from pg_temp.lines('lesson_simulated') $$,
  $$ values ('Simulated pm.a in {}: tested=4 skipped=120, summary of ratio'), ('Simulated pm.a in {"timeframe": "15m"}: tested=4 skipped=120, summary of move') $$,
  'The log has each result');
select is(public.read_tuning_p_values() -> 'lessons', '2', 'All lessons count among the p values');

-- Overrides follow those whose p value stands up.
select is(public.reconcile_tuning_overrides() - 'next', '{"judged": 1, "created": 0, "changed": 0, "disabled": 0}', 'None follows where no p is beyond luck');
select results_eq($$ select * from pg_temp.lines('lesson_not_confirmed') $$,
  $$ values ('No override for pm.a in {"timeframe": "15m"}: summary of move; among 0 lessons no p is beyond luck') $$, 'The log says why');
select is(public.reconcile_tuning_overrides(0, 500, 0.01, 2) - 'next', '{"judged": 1, "created": 2, "changed": 0, "disabled": 0}', 'One per moved lever where it is');
select results_eq($$ select override_type, pattern_key, action_category, scope_subset, value, multiplier, n, confidence_score, enabled, last_evidence_at
    from pm_overrides order by action_category $$,
  $$ values ('pm_tuning', 'pm.a', 'tuning_slope', '{"timeframe": "15m"}'::jsonb, -0.001::float8, null::float8, 40, 0.9::float8, true, '2026-06-01'::timestamptz),
    ('pm_tuning', 'pm.a', 'tuning_ts_min', '{"timeframe": "15m"}', -0.05, 0.9, 40, 0.9, true, '2026-06-01') $$, 'with the change, its factor, and what it rests on');
select results_eq($$ select * from pg_temp.lines('override_created') order by 1 limit 1 $$,
  $$ values ('Override for pm.a tuning_slope in {"timeframe": "15m"} created: value=-0.001 multiplier=none confidence=0.900, summary of move') $$, 'The log has them');
select is(public.reconcile_tuning_overrides(0, 500, 0.01, 2) - 'next', '{"judged": 0, "created": 0, "changed": 0, "disabled": 0}', 'Unchanged ones are not written again');

-- A user's word stands.
update pm_overrides set enabled = false, disabled_reason = 'too risky' where action_category = 'tuning_slope';
update pm_overrides set enabled = false, disabled_by = 'loop' where action_category = 'tuning_ts_min';
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, value) values ('pm_tuning', 'pm.a', 'tuning_halo', '{"timeframe": "15m"}', 0.15);
update learning.tuning_groups set lessons_version = lessons_version + 1;
select pg_temp.simulate(jsonb_build_array(pg_temp.result('{"timeframe": "15m"}', 'move',
  '{"tuning_ts_min": {"value": -0.1, "multiplier": 0.8}, "tuning_slope": {"value": -0.002, "multiplier": 0.5}, "tuning_halo": {"value": 0.1, "multiplier": 1.1}}', 0.01)));
select is(public.reconcile_tuning_overrides(0, 500, 0.01, 2) - 'next', '{"judged": 1, "created": 0, "changed": 2, "disabled": 0}', 'Those of the loop follow the new result');
select results_eq($$ select action_category, value, enabled, disabled_by, lesson_id is null from pm_overrides order by 1 $$,
  $$ values ('tuning_halo', 0.15::float8, true, null::text, true), ('tuning_slope', -0.002, false, 'user', false), ('tuning_ts_min', -0.1, true, null, false) $$,
  'One switched off by a user stays off, one by the loop is switched on, one made by hand is not touched');

-- What no longer holds is switched off with the reason.
update learning.tuning_groups set lessons_version = lessons_version + 1;
select pg_temp.simulate(jsonb_build_array(pg_temp.result('{"timeframe": "15m"}', 'ratio', '{}', 1)));
select is(public.reconcile_tuning_overrides(0, 500, 0.01, 2) - 'next', '{"judged": 0, "created": 0, "changed": 0, "disabled": 1}', 'A gate that is no longer moved loses its override');
select results_eq($$ select disabled_by, disabled_reason from pm_overrides where action_category = 'tuning_ts_min' $$,
  $$ values ('loop', 'Its gate is no longer moved: summary of ratio') $$, 'with the reason');
select results_eq($$ select disabled_by, disabled_reason from pm_overrides where action_category = 'tuning_slope' $$, $$ values ('user', 'too risky') $$, 'A user''s reason is left alone');
update learning.tuning_groups set lessons_version = lessons_version + 1;
select pg_temp.simulate(jsonb_build_array(pg_temp.result('{"timeframe": "15m"}', 'move', '{"tuning_ts_min": {"value": -0.1, "multiplier": 0.8}}', null)));
select is(public.reconcile_tuning_overrides() - 'next', '{"judged": 1, "created": 0, "changed": 1, "disabled": 0}', 'Without confirmation there is no p to judge, and it acts again');
-- As if all of it had been written at another time than what follows.
update learning_lessons set first_active_at = '2026-01-01', updated_at = '2026-01-01';
select pg_temp.decided('a6', 'pm.a', '2026-08-01');
select learning.mark_groups_changed(array[('pm', 'pm.a', 'tuning')::learning.group_key]);
select pg_temp.mine(jsonb_build_array(pg_temp.lesson('{}')));
select is((select status from learning_lessons where scope_subset = '{"timeframe": "15m"}'), 'deprecated', 'A lesson that is no longer found is deprecated');
select results_eq($$ select * from pg_temp.lines('lesson_deprecated') $$,
  $$ values ('No longer found pm.a tuning in {"timeframe": "15m"}: n=40 wr=0.250 fpr=0.750 mr=none dr=0.500') $$, 'which the log says');
select is((public.reconcile_tuning_overrides() ->> 'disabled')::integer, 1, 'and its override is disabled');
select is(disabled_reason, 'Its lesson is no longer found', 'with that reason') from pm_overrides where action_category = 'tuning_ts_min';
select is(public.read_tuning_p_values() -> 'lessons', '1', 'It no longer counts among the p values');
update learning_lessons set updated_at = '2026-01-01';
select pg_temp.decided('a7', 'pm.a', '2026-08-02');
select learning.mark_groups_changed(array[('pm', 'pm.a', 'tuning')::learning.group_key]);
select pg_temp.mine(jsonb_build_array(pg_temp.lesson('{}'), pg_temp.lesson('{"timeframe": "15m"}')));
select is((select count(*) from pg_temp.lines('lesson_activated')), 3::bigint, 'Found again, it is active again');

select is(public.reconcile_tuning_overrides(p_limit => 1) -> 'next', to_jsonb(pg_temp.lesson_id('{}')), 'A batch says where the next begins');
select is(public.reconcile_tuning_overrides(pg_temp.lesson_id('{}'), 1) -> 'next', to_jsonb(pg_temp.lesson_id('{"timeframe": "15m"}')), 'which goes on there');
select is(public.reconcile_tuning_overrides(pg_temp.lesson_id('{"timeframe": "15m"}'), 1) -> 'next', 'null', 'to the end');
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, value, lesson_id) values ('pm_tuning', 'pm.z', 'tuning_halo', '{}', 0.1, -1);
select is((public.reconcile_tuning_overrides() ->> 'disabled')::integer, 1, 'An override whose lesson is gone altogether is disabled too');

-- When a group is mined and simulated again.
select pg_temp.simulate('[]');
update learning.mining_groups set mined_at = now() - interval '2 days';
select pg_temp.mine(jsonb_build_array(pg_temp.lesson('{}'), pg_temp.lesson('{"timeframe": "15m"}')));
select is(public.claim_tuning_simulation(), null, 'A group that was mined again on the same evidence is not simulated again');
select pg_temp.decided('b1', 'pm.b', '2026-06-20', 'skipped', null);
update pattern_episode_events set outcome = 'failure', occurred_at = '2026-08-31' where strand_id = 'b1';
select is(public.start_tuning(), 1, 'A group whose windows leave the look-back because of another group''s is mined again');
insert into learning_configs (module_id, config_data) values ('pm', '{"tuning": {"min_gain": 5}}');
select is(public.claim_tuning_simulation() -> 'tuning' ->> 'min_gain', '5', 'A group is simulated again when the configuration of tuning changes');

select is(array(select learning.short(n) from unnest('{0,-0.001,0.05,0.1,1.2e-7,-3e-10}'::float8[]) n), '{0,-0.001,0.05,0.1,1.2e-07,-3.0e-10}', 'Small numbers are written to be read');

select * from finish();
rollback;
