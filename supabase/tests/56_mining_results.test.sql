begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(35);

delete from ad_strands where true;
delete from pattern_trade_events where true;
delete from learning.closed_trades where true;
delete from learning_lessons where true;
delete from learning.mining_groups where true;
delete from learning.baselines where true;
delete from learning_configs where true;
delete from learning_log where true;

-- A trade with one event per group given as key/category.
create function pg_temp.trade(p_trade_id text, p_roi float8, p_scope jsonb, variadic p_groups text[])
  returns void language plpgsql as $$
declare
  given text;
begin
  perform learning.register_scope_values(array[p_scope]);
  insert into learning.closed_trades (trade_id, close_strand_id, roi, rr, exit_at, action_categories)
  values (p_trade_id, 'close of ' || p_trade_id, p_roi, 10 * p_roi, '2025-01-16',
    (select array_agg(distinct split_part(name, '/', 2)) from unnest(p_groups) as name))
  on conflict (trade_id, module) do update set action_categories = excluded.action_categories;
  foreach given in array p_groups loop
    insert into public.pattern_trade_events (action_strand_id, trade_id, module, pattern_key,
      action_category, scope, scope_mask, scope_codes, roi, rr,
      duration_hours, did_trim, reached_s3, acted_at, traded_at, own_roi, own_rr)
    values (p_trade_id || ' ' || given, p_trade_id, 'pm', split_part(given, '/', 1),
      split_part(given, '/', 2), p_scope, learning.scope_mask(p_scope), learning.encode_scope(p_scope),
      p_roi, 10 * p_roi, 1, false, false, '2025-01-15', '2025-01-16', p_roi, 10 * p_roi);
    perform learning.mark_groups_changed(array[('pm', split_part(given, '/', 1),
      split_part(given, '/', 2))::learning.group_key]);
  end loop;
end
$$;

create function pg_temp.due() returns text[] language sql as $$
  select coalesce(array_agg(held.pattern_key || '/' || held.action_category order by held.pattern_key), '{}')
  from learning.mining_groups held where held.id in (select learning.due_groups('strength'));
$$;

create function pg_temp.lesson(scope jsonb, status text default 'candidate', n integer default 40,
  edge float8 default 0.2, evidence text default '2025-01-16', more jsonb default '{}')
  returns jsonb language sql as $$
  select jsonb_build_object('scope_subset', scope, 'n', n, 'stats',
    jsonb_build_object('edge_before_decay', edge, 'avg', edge / 2, 'scale', 0.25) || more, 'edge_raw', edge, 'p_value',
    0.001,
    'q_value', 0.01, 'decay_halflife_hours', null, 'status', status, 'last_evidence_at', evidence);
$$;

-- Mines the next group to the given lessons, told as text.
create function pg_temp.mine(variadic lessons jsonb[]) returns jsonb language plpgsql as $$
declare
  claimed jsonb := public.claim_mining_group('strength');
begin
  return public.finish_mining_group((claimed ->> 'group_id')::bigint, (claimed ->> 'lease_token')::uuid,
    to_jsonb(to_jsonb(lessons)::text));
end
$$;

create function pg_temp.mine_all() returns void language plpgsql as $$
declare
  claimed jsonb;
begin
  perform public.start_mining('strength');
  loop
    claimed := public.claim_mining_group('strength');
    exit when claimed is null;
    perform public.finish_mining_group((claimed ->> 'group_id')::bigint, (claimed ->> 'lease_token')::uuid,
      '[]');
  end loop;
end
$$;

create temporary table claims (name text, claim jsonb);
create function pg_temp.group_of(name text) returns bigint language sql as $$
  select (claim ->> 'group_id')::bigint from claims where claims.name = group_of.name
$$;
create function pg_temp.lease_of(name text) returns uuid language sql as $$
  select (claim ->> 'lease_token')::uuid from claims where claims.name = lease_of.name
$$;

-- The end of a run ------------------------------------------------------------------------------------------

select pg_temp.trade('t' || i, i / 100::float8, jsonb_build_object('chain', 'c' || i % 3), 'pm.a/entry',
  'pm.b/exit')
  from generate_series(1, 50) i;
select pg_temp.mine_all();

-- Events that come between the beginning of a cycle and that of a run are not in it.
select pg_temp.trade('before', 0.255, '{}', 'pm.a/entry');
select start_mining('strength');
select pg_temp.trade('between', 0.255, '{}', 'pm.a/entry');
insert into claims select 'gap', claim_mining_group('strength');
select is((read_mining_group(pg_temp.group_of('gap')) ->> 'rows')::integer, 51,
  'A run reads the events that were there when its cycle began');
select finish_mining_group(pg_temp.group_of('gap'), pg_temp.lease_of('gap'), '[]');
select is(pg_temp.due(), '{}', 'Its group waits for the next cycle');
select is(start_mining('strength'), 1, 'Where it is due');
select is(start_mining('strength'), 1, 'And stays so until it is mined');
select pg_temp.mine_all();

-- What a run writes -----------------------------------------------------------------------------------------

delete from learning.mining_groups where true;
select learning.register_scope_values(array['{"chain": "x", "timeframe": "1h"}', '{"chain": "y"}']::jsonb[]);
select pg_temp.trade('read', 0.1, '{"chain": "y"}', 'pm.r/add');
select start_mining('strength');
insert into claims select 'reader', claim_mining_group('strength');
delete from learning_log where true;
select is(finish_mining_group(pg_temp.group_of('reader'), pg_temp.lease_of('reader'), jsonb_build_array(
    pg_temp.lesson('{}'), pg_temp.lesson('{"chain": "y"}', 'active', 50, 0.4),
      pg_temp.lesson('{"chain": "x", "timeframe": "1h"}', 'active', 40, -0.3))),
  '{"written": 3, "deprecated": 0, "deleted": 0, "snapshots": 2, "logged": 2}',
    'Lessons are written all at once');
select results_eq($$ select module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n,
  edge_raw, p_value, q_value, status, first_active_at, last_evidence_at from learning_lessons order by n,
  edge_raw $$,
  $$ values ('pm', 'pm.r', 'add', '{"chain": "x", "timeframe": "1h"}'::jsonb, 514, 'pm_strength', 40,
    -0.3::float8, 0.001::float8, 0.01::float8, 'active', now(), '2025-01-16'::timestamptz),
    ('pm', 'pm.r', 'add', '{}', 0, 'pm_strength', 40, 0.2, 0.001, 0.01, 'candidate', null, '2025-01-16'),
      ('pm', 'pm.r', 'add', '{"chain": "y"}', 2, 'pm_strength', 50, 0.4, 0.001, 0.01, 'active', now(),
      '2025-01-16') $$,
  'With all that was found');
select set_eq($$ select level, event, message from learning_log $$, $$ values
  ('INFO', 'lesson_activated', 'Active pm.r add in {"chain": "y"}: n=50 edge=0.4000 q=0.01'),
    ('INFO', 'lesson_activated',
    'Active pm.r add in {"chain": "x", "timeframe": "1h"}: n=40 edge=-0.3000 q=0.01') $$,
  'Each that became active is told');
select is((select array_agg((edge, n)::text order by n) from learning_edge_history),
  '{"(-0.3,40)","(0.4,50)"}', 'And its edge remembered');
select is((select array_agg(scale order by n) from learning_edge_history), '{0.25,0.25}',
  'With what it was measured in');
select is((select mined_sigma from learning.mining_groups where pattern_key = 'pm.r'),
  (select sigma from learning.baselines where action_category = 'add'), 'The deviation it was mined against is noted');
select is((select count(*)::integer from pattern_scope_stats where pattern_key = 'pm.r'), 3,
  'The view shows them');

-- As if these had been written some time ago: within one transaction it is always now.
create function pg_temp.age() returns void language sql as $$
  update public.learning_edge_history set ts = ts - interval '1 hour' where true;
  update public.learning_lessons set updated_at = updated_at - interval '1 hour' where true;
  update learning.mining_groups set evidence_version = evidence_version + 1 where true;
  select public.start_mining('strength');
$$;
select pg_temp.age();
create temporary table lessons_before as select id, ctid as place, updated_at from learning_lessons;
select is(pg_temp.mine(pg_temp.lesson('{}'), pg_temp.lesson('{"chain": "y"}', 'active', 50, 0.4),
  pg_temp.lesson('{"chain": "x", "timeframe": "1h"}', 'active', 40, -0.3)),
  '{"written": 0, "deprecated": 0, "deleted": 0, "snapshots": 0, "logged": 0}',
    'What did not change is not written');
select is_empty($$ select from learning_lessons held join lessons_before former using (id)
  where held.ctid <> former.place $$, 'Not a row of it');
select pg_temp.age();
select is(pg_temp.mine(pg_temp.lesson('{}', 'candidate', 41),
  pg_temp.lesson('{"chain": "y"}', 'active', 50, 0.39, '2025-01-16', '{"avg": 0.2}'),
  pg_temp.lesson('{"chain": "x", "timeframe": "1h"}', 'active', 42, -0.3)),
  '{"written": 3, "deprecated": 0, "deleted": 0, "snapshots": 1, "logged": 0}',
    'An edge is remembered when its evidence changed, not when only the baseline moved');
select pg_temp.age();
delete from learning_log where true;
select is(pg_temp.mine(pg_temp.lesson('{}', 'active'),
  pg_temp.lesson('{"chain": "y"}', 'candidate', 51, 0.01)),
  '{"written": 2, "deprecated": 1, "deleted": 0, "snapshots": 2, "logged": 3}',
    'A lesson that no longer holds or is no longer found is deprecated');
select results_eq($$ select scope_subset, status, n from learning_lessons order by n $$,
  $$ values ('{}'::jsonb, 'active', 40), ('{"chain": "x", "timeframe": "1h"}', 'deprecated', 42),
    ('{"chain": "y"}', 'deprecated', 51) $$, 'With what is known of it');
select set_eq($$ select event, details -> 'scope_subset' as scope from learning_log $$,
  $$ values ('lesson_activated', '{}'::jsonb), ('lesson_deprecated', '{"chain": "y"}'),
    ('lesson_deprecated', '{"chain": "x", "timeframe": "1h"}') $$, 'Which is told');
select is((select count(*)::integer from pattern_scope_stats where pattern_key = 'pm.r'), 1,
  'And the view shows what holds');
select pg_temp.age();
select is(pg_temp.mine(pg_temp.lesson('{"chain": "y"}', 'active', 52, 0.4),
  pg_temp.lesson('{"chain": "z"}')) - 'snapshots',
  '{"written": 2, "deprecated": 1, "deleted": 0, "logged": 2}', 'A lesson can come back');
select is((select first_active_at from learning_lessons where scope_subset = '{"chain": "y"}'), now(),
  'It was active since it first was');
select pg_temp.age();
select is(pg_temp.mine(pg_temp.lesson('{"chain": "y"}', 'active', 52, 0.4)) - 'snapshots',
  '{"written": 0, "deprecated": 0, "deleted": 1, "logged": 0}',
  'A candidate that is no longer found is deleted');
select pg_temp.age();
select is(pg_temp.mine(pg_temp.lesson('{"chain": "x", "timeframe": "1h"}', 'candidate', 44),
  pg_temp.lesson('{"chain": "y"}', 'active', 52, 0.4)) -> 'snapshots', '1',
  'What was once active is remembered on');
select is((select status from learning_lessons where n = 44), 'deprecated', 'And is no candidate again');

insert into learning_edge_history (lesson_id, ts, edge, n)
select id, '2024-01-01'::timestamptz + i * interval '1 hour', i, i from learning_lessons,
  generate_series(1, 600) as i where scope_subset = '{"chain": "y"}';
select pg_temp.age();
select pg_temp.mine(pg_temp.lesson('{"chain": "y"}', 'active', 53, 0.4));
select is((select (count(*), max(n), bool_and(edge <> 100))::text from learning_edge_history
  where lesson_id = (select id from learning_lessons where scope_subset = '{"chain": "y"}')),
  (500, 600, true)::text,
  'The last 500 edges are kept');
select is((select count(*)::integer from learning_edge_history
  where lesson_id <> (select id from learning_lessons where scope_subset = '{"chain": "y"}')), 4,
  'Those of other lessons too');

-- Families --------------------------------------------------------------------------------------------------

create function pg_temp.member(scope jsonb, family jsonb, status text default 'active') returns jsonb
language sql as $$
  select pg_temp.lesson(scope, status) || jsonb_build_object('family_scope', family);
$$;
select pg_temp.age();
select pg_temp.mine(pg_temp.member('{}', '{"chain": "y"}'), pg_temp.member('{"chain": "y"}', '{"chain": "y"}'),
  pg_temp.member('{"chain": "z"}', null, 'candidate'));
select results_eq($$ select scope_subset, family_scope from learning_lessons where status <> 'deprecated'
    order by scope_subset::text $$,
  $$ values ('{"chain": "y"}'::jsonb, '{"chain": "y"}'::jsonb), ('{"chain": "z"}', null),
    ('{}', '{"chain": "y"}') $$,
  'What is believed knows who represents it');
select pg_temp.age();
truncate lessons_before;
insert into lessons_before select id, ctid, updated_at from learning_lessons;
select is(pg_temp.mine(pg_temp.member('{}', '{}'), pg_temp.member('{"chain": "y"}', '{"chain": "y"}'),
  pg_temp.member('{"chain": "z"}', null, 'candidate')) -> 'written', '1',
  'A lesson whose representative is another is written');
select is((select array_agg(held.scope_subset) from learning_lessons held join lessons_before former using (id)
  where held.ctid <> former.place), '{"{}"}', 'And no other');
select pg_temp.age();
select pg_temp.mine(pg_temp.member('{"chain": "z"}', null, 'candidate'));
select is((select count(*) from learning_lessons where family_scope is not null), 0::bigint,
  'What is no longer found has no family');

-- What evidence is weighed by ------------------------------------------------------------------------------

create function pg_temp.sigma_of_run() returns float8 language sql as $$
  select (mining_group.run ->> 'first_sigma')::float8 from learning.mining_groups mining_group
  where mining_group.pattern_key = 'pm.r';
$$;
delete from learning.mining_groups where true;
select learning.mark_groups_changed(array[('pm', 'pm.r', 'add')::learning.group_key]);
select start_mining('strength');
update learning.baselines set sigma = 0.25 where true;
insert into claims select 'sigma', claim_mining_group('strength');
select is(pg_temp.sigma_of_run(), 0.25::float8, 'A group that is mined first takes the baseline''s deviation');
select finish_mining_group(pg_temp.group_of('sigma'), pg_temp.lease_of('sigma'), '[]');
select is((select (first_sigma, first_outcome)::text from learning.mining_groups), '(0.25,"roi own own regret")',
  'Which is kept with it');
update learning.mining_groups set evidence_version = evidence_version + 1 where true;
select start_mining('strength');
update learning.baselines set sigma = 0.5 where true;
insert into claims select 'again', claim_mining_group('strength');
select is(pg_temp.sigma_of_run(), 0.25::float8, 'Whatever becomes of the baseline');
select finish_mining_group(pg_temp.group_of('again'), pg_temp.lease_of('again'), '[]');
insert into learning_configs (module_id, config_data) values ('pm', '{"outcome": "rr"}');
select start_mining('strength');
update learning.baselines set sigma = 2 where true;
insert into claims select 'other', claim_mining_group('strength');
select is(pg_temp.sigma_of_run(), 2::float8, 'By another outcome the group is mined first again');
select finish_mining_group(pg_temp.group_of('other'), pg_temp.lease_of('other'), '[]');
select is((select (first_sigma, first_outcome)::text from learning.mining_groups), '(2,"rr own own regret")', 'And keeps that');
select is(learning.outcome_read('{"outcome": "rr", "add_outcome": "own", "exit_outcome": "regret"}'), 'rr own regret',
  'Outcomes differ by what decisions of each category are judged by');

select * from finish();
rollback;
