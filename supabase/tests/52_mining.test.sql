begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(58);

delete from ad_strands where true;
delete from pattern_trade_events where true;
delete from learning.closed_trades where true;
delete from learning_lessons where true;
delete from learning.mining_groups where true;
delete from learning.baselines where true;
delete from learning_configs where true;
delete from learning_log where true;

create function pg_temp.configure(config_data jsonb) returns void language sql as $$
  insert into public.learning_configs (module_id, config_data) values ('pm', config_data)
  on conflict (module_id) do update set config_data = excluded.config_data;
$$;

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

-- What is due -----------------------------------------------------------------------------------------------

select pg_temp.trade('t' || i, i / 100::float8, jsonb_build_object('chain', 'c' || i % 3), 'pm.a/entry',
  'pm.b/exit') from generate_series(1, 50) i;
select is(start_mining('strength'), 2, 'A cycle begins with the groups whose events changed');
select is(pg_temp.due(), '{pm.a/entry,pm.b/exit}', 'They are due');
select is(start_mining('tuning'), 0, 'Each family has its own cycle');
select pg_temp.mine_all();
select is(pg_temp.due(), '{}', 'What was mined is not due');
select is((select count(*)::integer from learning.mining_groups where run is not null
  or lease_token is not null or progress is not null), 0, 'And nobody is at work');

select pg_temp.trade('late', 0.255, '{}', 'pm.a/entry');
select is(pg_temp.due(), '{}', 'Events that come after a cycle began wait for the next');
select is(start_mining('strength'), 1, 'Which has them');
select pg_temp.mine_all();
select start_mining('strength');
select is(pg_temp.due(), '{}', 'Once mined they are not due again');

select pg_temp.configure('{"strength_mode": "multiplier", "steering": {"max": 0.3}, "exposure": {"alpha": 2},
  "mining_workers": 2, "cpu_budget_ms": 900, "representatives_only": false}');
select is(pg_temp.due(), '{}', 'A configuration that mining does not depend on changes nothing');
create function pg_temp.due_after(config_data jsonb) returns integer language plpgsql as $$
begin
  delete from public.learning_configs where true;
  perform pg_temp.mine_all();
  perform pg_temp.configure(config_data);
  return cardinality(pg_temp.due());
end
$$;
select is(pg_temp.due_after(config_data), 2, 'Mining depends on ' || config_data::text) from unnest(array[
  '{"outcome": "rr"}', '{"outcome_scale": 0.1}', '{"n_min": 20}', '{"edge_min": 0.02}',
    '{"incremental_min": 0.01}', '{"max_q_value": null}', '{"cluster": "day"}', '{"fdr": "bh"}',
  '{"add_outcome": "trade"}', '{"trim_outcome": "trade"}', '{"exit_outcome": "trade"}',
    '{"refuse_selected": false}', '{"near_misses": null}', '{"memory": "none"}',
    '{"regime_dimensions": ["chain"]}',
  '{"baseline": "global"}', '{"selection": "exhaustive"}', '{"max_lessons_per_group": 10}',
    '{"decay": {"source": "history"}}',
  '{"steering": {"roi_scale": 0.2}}', '{"steering": {"relative": false}}']::jsonb[]) as config_data;
delete from learning_configs where true;
select pg_temp.mine_all();
insert into scope_dimensions (dim, bit, source) values ('session', 17, 'action');
select is(cardinality(pg_temp.due()), 2, 'And on the registry');
select pg_temp.mine_all();
update scope_dimensions set weight = 3 where dim = 'session';
select is(cardinality(pg_temp.due()), 0, 'But not on weights');
delete from scope_dimensions where dim = 'session';
select pg_temp.mine_all();

update learning.baselines set mean = mean + 0.009 * sigma where true;
select is(cardinality(pg_temp.due()), 0, 'A baseline that moves a little makes nothing due');
update learning.baselines set mean = mean + 0.002 * sigma where true;
select is(cardinality(pg_temp.due()), 2, 'One that moved by more than a hundredth of its deviation does');
update learning.baselines set mean = mean - 0.022 * sigma where true;
select is(cardinality(pg_temp.due()), 2, 'Either way');
select pg_temp.mine_all();
update learning.baselines set sigma = sigma * 1.009 where true;
select is(cardinality(pg_temp.due()), 0, 'Nor does a deviation that moves a little');
update learning.baselines set sigma = sigma * 1.002 where true;
select is(cardinality(pg_temp.due()), 2, 'One that moved by more than a hundredth of itself does');
select pg_temp.mine_all();
insert into learning_configs (module_id, config_data) values ('pm', '{"baseline": "global"}');
select pg_temp.mine_all();
update learning.baselines set sigma = sigma * 1.02 where action_category = '';
select is(cardinality(pg_temp.due()), 0, 'Edges are in deviations of the category, whatever it is compared with');
update learning.baselines set sigma = sigma * 1.02 where action_category <> '';
select is(cardinality(pg_temp.due()), 2, 'So that this one makes it due');
delete from learning_configs where true;
select pg_temp.mine_all();
update learning.mining_groups set mined_at = now() - interval '25 days' where true;
select is(pg_temp.due(), '{}', 'That days went by makes nothing due');

-- Leases ----------------------------------------------------------------------------------------------------

select pg_temp.trade('again', 0.255, '{"chain": "c1"}', 'pm.a/entry', 'pm.b/exit');
select start_mining('strength');
create temporary table claims (name text, claim jsonb);
insert into claims select 'first', claim_mining_group('strength');
insert into claims select 'second', claim_mining_group('strength');
select isnt((select claim -> 'group_id' from claims where name = 'first'),
  (select claim -> 'group_id' from claims where name = 'second'), 'Two workers get two groups');
select is(claim_mining_group('strength'), null, 'A third gets none');
select is((select array_agg(distinct key order by key) from claims
  cross join lateral jsonb_object_keys(claim) as key),
  '{action_category,group_id,lease_token,lesson_type,module,pattern_key,progress,run}',
    'A claim says what is to be mined');
select is((select claim -> 'run' -> 'baseline' from claims where name = 'first'),
  (select to_jsonb(held) - '{action_category,measured_at}'::text[] from learning.baselines held
    where held.action_category = (select claim ->> 'action_category' from claims where name = 'first')),
  'With the baseline');
select is((select claim -> 'run' -> 'config' from claims where name = 'first'), get_pm_config() - 'release',
  'The configuration');
select is((select jsonb_array_length(claim -> 'run' -> 'dimensions') from claims where name = 'first'), 17,
  'And the registry');

create function pg_temp.group_of(name text) returns bigint language sql as $$
  select (claim ->> 'group_id')::bigint from claims where claims.name = group_of.name
$$;
create function pg_temp.lease_of(name text) returns uuid language sql as $$
  select (claim ->> 'lease_token')::uuid from claims where claims.name = lease_of.name
$$;
select save_mining_progress(pg_temp.group_of('first'), pg_temp.lease_of('first'), '{"at": 7}');
select throws_ok($$ select save_mining_progress(pg_temp.group_of('first'), pg_temp.lease_of('first'),
  '{"at": 8}') $$, '55P03', null, 'Who saved progress has given the lease back');
insert into claims select 'goes on', claim_mining_group('strength');
select is((select claim -> 'progress' from claims where name = 'goes on'), '{"at": 7}',
  'Whoever comes next goes on from there');
select is((select claim -> 'run' from claims where name = 'goes on'),
  (select claim -> 'run' from claims where name = 'first'), 'In the same run');
update learning.mining_groups set leased_until = clock_timestamp() - interval '1 second'
  where id = pg_temp.group_of('second');
insert into claims select 'takes over', claim_mining_group('strength');
select is(pg_temp.group_of('takes over'), pg_temp.group_of('second'), 'A lease that lapsed is taken over');
select throws_ok($$ select finish_mining_group(pg_temp.group_of('second'), pg_temp.lease_of('second'),
  '[]') $$, '55P03', null, 'Who lost it can write no lessons');
select throws_ok($$ select restart_mining_group(pg_temp.group_of('second'), pg_temp.lease_of('second')) $$,
  '55P03', null, 'Nor begin anew');
select ok((select leased_until between clock_timestamp() + interval '50 seconds'
  and clock_timestamp() + interval '61 seconds' from learning.mining_groups
  where id = pg_temp.group_of('takes over')),
  'A lease is for a minute');
select pg_temp.configure('{"n_min": 20}');
select restart_mining_group(pg_temp.group_of('goes on'), pg_temp.lease_of('goes on'));
insert into claims select 'anew', claim_mining_group('strength');
select is(pg_temp.group_of('anew'), pg_temp.group_of('first'), 'A run that was given up is due again');
select is((select claim -> 'progress' from claims where name = 'anew'), 'null', 'From the beginning');
select is((select claim #> '{run,config,n_min}' from claims where name = 'anew'), '20',
  'With what holds now');
update learning.mining_groups set leased_until = clock_timestamp() - interval '1 second'
  where id = pg_temp.group_of('takes over');
insert into claims select 'fresh', claim_mining_group('strength');
select is((select claim #> '{run,config,n_min}' from claims where name = 'fresh'), '20',
  'As does one that died before it had any progress');
select finish_mining_group(pg_temp.group_of(name), pg_temp.lease_of(name), '[]')
  from unnest('{anew,fresh}'::text[]) as name;
select is(pg_temp.due(), '{}', 'Both are done');
delete from learning_configs where true;
select pg_temp.mine_all();

select * from finish();
rollback;
