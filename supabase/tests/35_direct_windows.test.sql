begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(25);

create function pg_temp.tuning_due() returns text language sql as $$
  select string_agg(pattern_key || ' ' || evidence_version, ', ' order by pattern_key)
  from learning.mining_groups where action_category = 'tuning';
$$;
create function pg_temp.configure(config_data jsonb) returns void language sql as $$
  insert into public.learning_configs (module_id, config_data) values ('pm', config_data)
  on conflict (module_id) do update set config_data = excluded.config_data;
$$;

-- As a data API writes it, with the column of a guest.
alter table pattern_episode_events add column "timestamp" timestamptz default now();
set local role service_role;
insert into pattern_episode_events (scope, pattern_key, episode_id, decision, factors, outcome, "timestamp")
values ('{"timeframe": " 4h ", "chain": "solana", "who": "knows"}', 'module=pm|pattern_key=uptrend.S1.entry', 'e1',
  'skipped', '{"ts_score": 0.52, "halo_distance": 0.7, "slope": 0.001}', null, '2026-01-10 13:00+00');
reset role;
select is(
  to_jsonb(e) - array['id', 'timestamp', 'scope_codes', 'strand_id', 'summary_strand_id'], $$ {
    "episode_id": "e1", "pattern_key": "pm.uptrend.S1.entry", "scope": {"timeframe": "4h", "chain": "solana"},
    "scope_mask": 514, "decision": "skipped", "outcome": null, "trade_id": null, "blocked_by": [], "gates": null,
    "factors": {"ts_score": 0.52, "halo_distance": 0.7, "slope": 0.001}
  } $$::jsonb || jsonb_build_object('occurred_at', '2026-01-10 13:00+00'::timestamptz),
  'A row that a system wrote itself is a window'
)
from pattern_episode_events e;
select is(strand_id, 'pattern_episode_events/' || id, 'Its row stands for the strand') from pattern_episode_events;
select is(
  scope_codes, learning.encode_scope(scope), 'Mining reads its scope'
) from pattern_episode_events;
select isnt(scope_codes[2], 0, 'in codes of its values') from pattern_episode_events;
select is(pg_temp.tuning_due(), 'pm.uptrend.S1.entry 1', 'Its group awaits mining');
select results_eq(
  $$ select level, message from learning_log where component = 'direct-windows' $$,
  format($$ values ('WARNING', '1 window is left out of simulation; the first, window %s of episode e1, '
    'lacks ts_min, halo_max, slope_min') $$, (select id from pattern_episode_events)),
  'What it lacks for simulation is told'
);

set local role service_role;
update pattern_episode_events set outcome = 'success' where episode_id = 'e1';
reset role;
select is(outcome, 'success', 'Its outcome is set by whoever wrote it') from pattern_episode_events;
select ok(pg_temp.tuning_due() ~ ' [2-9]$', 'And awaits mining again');
update pattern_episode_events set outcome = 'missed' where episode_id = 'e1';
select is(outcome, 'success', 'What a skip missed is a success') from pattern_episode_events;
update pattern_episode_events set outcome = 'correct_skip' where episode_id = 'e1';
select is(outcome, 'failure', 'What it rightly left is a failure') from pattern_episode_events;
select throws_ok(
  $$ update pattern_episode_events set decision = 'acted', outcome = 'missed' where episode_id = 'e1' $$, '23514', null,
  'Of what was acted on neither is known'
);
select throws_ok(
  $$ insert into pattern_episode_events (scope, pattern_key, episode_id, decision, factors)
     values ('{"chain": ["a"]}', 'pm.a', 'e', 'skipped', '{}') $$, '22023',
  'Scope is not valid: chain must be a text, a number or a boolean', 'A scope that is none is refused'
);

-- Thresholds that are configured.
select pg_temp.configure('{"tuning": {"ts_min": 0.6, "halo_max": 1, "slope_min": 0}}');
insert into pattern_episode_events (scope, pattern_key, episode_id, decision, factors) values
  ('{}', 'pm.a', 'e2', 'skipped', '{"ts_score": 0.52, "halo_distance": 0.7, "slope": 0.001}'),
  ('{}', 'pm.a', 'e3', 'skipped', '{"ts_score": 0.52, "ts_min": 0.5, "halo_distance": 1.2, "slope": 0.001}');
select is(
  gates, '{0.52,0.6,0.7,1,0.001,0}', 'A window that names no thresholds takes the configured ones'
) from pattern_episode_events where episode_id = 'e2';
select is(blocked_by, '{ts}', 'And was held back by them') from pattern_episode_events where episode_id = 'e2';
select is(
  gates, '{0.52,0.5,1.2,1,0.001,0}', 'Its own go before'
) from pattern_episode_events where episode_id = 'e3';
update pattern_episode_events set factors = factors || '{"ts_score": 0.4}' where episode_id = 'e3';
select is(gates[1], 0.4::float8, 'It is judged anew when its factors change')
from pattern_episode_events where episode_id = 'e3';

-- Beside windows of strands.
insert into ad_strands (id, module, kind, created_at, content) values
  ('w', 'pm', 'episode_window', '2026-01-01', '{"episode_id": "e2", "pattern_key": "pm.a", "scope": {},
    "decision": "skipped", "factors": {}}'),
  ('o', 'pm', 'episode_outcome', '2026-01-02', '{"episode_id": "e2", "outcome": "neutral"}');
select public.apply_strands((
  select jsonb_agg(jsonb_build_object('id', strand_id, 'revision', revision)) from strand_receipts
), '[]');
select results_eq(
  $$ select strand_id = 'w', outcome from pattern_episode_events where episode_id = 'e2' order by 1 $$,
  $$ values (false, null), (true, 'neutral') $$, 'Strands of the same episode leave it alone'
);
delete from ad_strands where id = 'w';
select public.apply_strands('[]', '[]');
select is(
  (select count(*)::integer from pattern_episode_events where episode_id = 'e2' and strand_id <> 'w'), 1,
  'And so does a strand that is gone'
);
select pg_temp.configure('{}');
create temp table due as select pg_temp.tuning_due() as before;
delete from pattern_episode_events where episode_id = 'e3';
select isnt(pg_temp.tuning_due(), before, 'A window that is deleted makes its group due') from due;
insert into pattern_episode_events (scope, pattern_key, episode_id, decision, factors)
values ('{}', 'pm.a', 'e4', 'acted', '{}');
select is(occurred_at, now(), 'Without a time it happened now')
from pattern_episode_events where episode_id = 'e4';

-- Times that no event can have.
create function pg_temp.seen_at(id text, at timestamptz) returns void language sql as $$
  insert into pattern_episode_events (scope, pattern_key, episode_id, decision, factors, outcome, occurred_at)
  values ('{}', 'pm.a', id, 'skipped', '{}', 'failure', at);
$$;
set local timezone = 'UTC';
select throws_ok($$ select pg_temp.seen_at('t1', '1999-12-31 23:59:59') $$, '22023',
  'occurred_at is 1999-12-31 23:59:59+00: expected a time from 2000-01-01 00:00:00+00 to a day from now',
  'A window from before 2000 is refused');
select throws_ok($$ select pg_temp.seen_at('t1', now() + interval '25 hours') $$, '22023', null,
  'So is one of the day after tomorrow');
select throws_ok($$ select pg_temp.seen_at('t1', 'infinity') $$, '22023', null, 'and one of no time at all');
select pg_temp.seen_at('t2', '2000-01-01'), pg_temp.seen_at('t3', now() + interval '23 hours');
select throws_ok($$ update pattern_episode_events set occurred_at = '-infinity' where episode_id = 't2' $$, '22023', null,
  'Nor is one moved there');
set local session_replication_role = replica;
update pattern_episode_events set occurred_at = '2199-01-01' where episode_id = 't3';
reset session_replication_role;
select lives_ok($$ update pattern_episode_events set outcome = 'success' where episode_id = 't3' $$,
  'One that is there already keeps its place and may still end');

select * from finish();
rollback;
