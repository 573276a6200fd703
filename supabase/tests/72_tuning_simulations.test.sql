begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(18);

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

-- Lessons that were mined await simulation.
select is(public.claim_tuning_simulation(), null, 'Nothing awaits simulation before it is mined');
select pg_temp.mine(jsonb_build_array(pg_temp.lesson('{}'), pg_temp.lesson('{"timeframe": "15m"}')));

create temp table claim as select public.claim_tuning_simulation() as claimed;
select is(claimed - array['group_id', 'lease_token', 'dimensions'],
  '{"pattern_key": "pm.a", "looks_back_to": "2026-03-03T00:00:00+00:00", "after": 0,
    "tuning": {"lookback_days": 90, "min_ratio": 2.0, "min_gain": 3, "cautious_dodge_rate": 0.90,
      "cautious_ratio": 4.0, "confirm": true, "ts_min": null, "halo_max": null, "slope_min": null}}'::jsonb,
  'A group whose lessons are new is simulated') from claim;
select is(public.claim_tuning_simulation(), null, 'by one at a time');
select is(public.read_tuning_lessons((claimed ->> 'group_id')::bigint, 0),
  jsonb_build_array(jsonb_build_object('id', pg_temp.lesson_id('{}'), 'scope_subset', '{}'::jsonb, 'dr', 0.5),
    jsonb_build_object('id', pg_temp.lesson_id('{"timeframe": "15m"}'), 'scope_subset',
      '{"timeframe": "15m"}'::jsonb, 'dr', 0.5)), 'which reads its lessons') from claim;
select is(jsonb_array_length(public.read_tuning_lessons((claimed ->> 'group_id')::bigint,
  pg_temp.lesson_id('{}'))), 1, 'from where it got to') from claim;
select public.save_tuning_simulations((claimed ->> 'group_id')::bigint, (claimed ->> 'lease_token')::uuid,
  jsonb_build_array(pg_temp.result('{}', 'ratio', '{}', 1)), pg_temp.lesson_id('{}'), 'paused') from claim;
select throws_like($$ select public.save_tuning_simulations((claimed ->> 'group_id')::bigint,
  (claimed ->> 'lease_token')::uuid, '[]', 0, 'finished') from claim $$,
  'Lease % on the simulation of group % is no longer held', 'A lease that was given back does not write');
select throws_ok($$ select public.save_tuning_simulations(1, gen_random_uuid(), '[]', 0, 'done') $$, '22023',
  null, 'A simulation is under way, paused or finished');
select is((public.claim_tuning_simulation() ->> 'after')::bigint, pg_temp.lesson_id('{}'),
  'A paused one goes on where it was');
update learning.tuning_groups set leased_until = now() - interval '1 second';
select pg_temp.simulate(jsonb_build_array(pg_temp.result('{"timeframe": "15m"}', 'move',
  '{"tuning_ts_min": {"value": -0.05, "multiplier": 0.9},
    "tuning_slope": {"value": -0.001, "multiplier": null}}', 0.01)));
select is(public.claim_tuning_simulation(), null,
  'A lease that lapsed is taken over, and then nothing is left to do');
select results_eq($$ select * from pg_temp.lines('lesson_simulated') $$,
  $$ values ('Simulated pm.a in {}: tested=4 skipped=120, summary of ratio'),
    ('Simulated pm.a in {"timeframe": "15m"}: tested=4 skipped=120, summary of move') $$,
  'The log has each result');
select is(public.read_tuning_p_values() -> 'lessons', '2', 'All lessons count among the p values');

-- When a group is mined and simulated again.
update learning.mining_groups set mined_settings = 'others';
select pg_temp.mine(jsonb_build_array(pg_temp.lesson('{}'), pg_temp.lesson('{"timeframe": "15m"}')));
select is(public.claim_tuning_simulation(), null,
  'A group that was mined again on the same evidence is not simulated again');
insert into learning_configs (module_id, config_data) values ('pm', '{"tuning": {"min_gain": 5}}');
select is(public.claim_tuning_simulation() -> 'tuning' ->> 'min_gain', '5',
  'A group is simulated again when the configuration of tuning changes');

-- Windows that moves decided, override by override.
delete from pm_overrides where true;
delete from pattern_episode_events where true;
select is(learning.live_windows('pm.g', 0), '{"rows": 0, "last_override": null, "overrides": []}',
  'Where nothing moves a gate nothing is read');
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, value, enabled, first_active_at)
select 'pm_tuning', 'pm.g', lever, '{}', move, acts, '2026-01-01'
from (values ('tuning_ts_min', -0.1, true), ('tuning_halo', 0.2, true), ('tuning_slope', 0.001, false),
  ('entry_delay_bars', 1, true)) as given(lever, move, acts);
delete from pm_override_history where true;
insert into pattern_episode_events (strand_id, episode_id, pattern_key, scope, scope_mask, decision, outcome, factors,
  occurred_at, scope_codes, gates)
values ('g2', 'g2', 'pm.g', '{}', 0, 'acted', 'failure', '{}', '2026-02-02', '{}', '{0.5,0.6,1,1,0,0}'),
  ('g1', 'g1', 'pm.g', '{}', 0, 'acted', 'success', '{}', '2026-02-01', '{}', '{0.5,0.6,1,1,0,0}'),
  ('g3', 'g3', 'pm.g', '{}', 0, 'acted', 'success', '{}', '2026-02-03', '{}', '{0.5,0.6,1.1,1,0,0}');
create temporary table live as select learning.live_windows('pm.g', 0) as piece;
select is((piece ->> 'rows')::integer, 4, 'Each gate has the windows it decided') from live;
select results_eq($$ select action_category, decided -> 'promised', length(decode(decided #>> '{decisions,outcome}', 'base64')) / 8
    from live cross join jsonb_array_elements(piece -> 'overrides') as decided
    join pm_overrides on id = (decided ->> 'id')::bigint order by id $$,
  $$ values ('tuning_ts_min', 'null'::jsonb, 3), ('tuning_halo', 'null', 1) $$,
  'Only gates that are moved are read, those made by hand as well, which promised nothing');
select is(decided #>> '{decisions,outcome}', learning.packed(float8send(1) || float8send(0) || float8send(1)),
  'Oldest first')
from live cross join jsonb_array_elements(piece -> 'overrides') with ordinality as found(decided, place)
where place = 1;
select is(jsonb_array_length(learning.live_windows('pm.g', (
  select id from pm_overrides where action_category = 'tuning_ts_min')) -> 'overrides'), 1,
  'What is read goes on after an override');

select * from finish();
rollback;
