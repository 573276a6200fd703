begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(99);

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
create function pg_temp.trade(p_trade_id text, p_roi float8, p_scope jsonb, variadic p_groups text[]) returns void language plpgsql as $$
declare
  given text;
begin
  perform learning.register_scope_values(array[p_scope]);
  insert into learning.closed_trades (trade_id, close_strand_id, roi, rr, exit_at, action_categories)
  values (p_trade_id, 'close of ' || p_trade_id, p_roi, 10 * p_roi, '2025-01-16', (select array_agg(distinct split_part(name, '/', 2)) from unnest(p_groups) as name))
  on conflict (trade_id) do update set action_categories = excluded.action_categories;
  foreach given in array p_groups loop
    insert into public.pattern_trade_events (action_strand_id, trade_id, module, pattern_key, action_category, scope, scope_mask, scope_codes, roi, rr,
      duration_hours, did_trim, reached_s3, acted_at, traded_at)
    values (p_trade_id || ' ' || given, p_trade_id, 'pm', split_part(given, '/', 1), split_part(given, '/', 2), p_scope, learning.scope_mask(p_scope), learning.encode_scope(p_scope),
      p_roi, 10 * p_roi, 1, false, false, '2025-01-15', '2025-01-16');
    perform learning.mark_groups_changed(array[('pm', split_part(given, '/', 1), split_part(given, '/', 2))::learning.group_key]);
  end loop;
end
$$;
create function pg_temp.due() returns text[] language sql as $$
  select coalesce(array_agg(held.pattern_key || '/' || held.action_category order by held.pattern_key), '{}')
  from learning.mining_groups held where held.id in (select learning.due_groups('strength'));
$$;
create function pg_temp.lesson(scope jsonb, status text default 'candidate', n integer default 40, edge float8 default 0.2, evidence text default '2025-01-16', more jsonb default '{}') returns jsonb language sql as $$
  select jsonb_build_object('scope_subset', scope, 'n', n, 'stats', jsonb_build_object('edge_before_decay', edge, 'avg', edge / 2) || more, 'edge_raw', edge, 'p_value', 0.001,
    'q_value', 0.01, 'decay_halflife_hours', null, 'status', status, 'last_evidence_at', evidence);
$$;
-- Mines the next group to the given lessons.
create function pg_temp.mine(variadic lessons jsonb[]) returns jsonb language plpgsql as $$
declare
  claimed jsonb := public.claim_mining_group('strength');
begin
  return public.finish_mining_group((claimed ->> 'group_id')::bigint, (claimed ->> 'lease_token')::uuid, to_jsonb(lessons));
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
    perform public.finish_mining_group((claimed ->> 'group_id')::bigint, (claimed ->> 'lease_token')::uuid, '[]');
  end loop;
end
$$;
-- The numbers of a packed column.
create function pg_temp.unpack(packed text) returns float8[] language sql as $$
  select array_agg(case when exponent = 2047 then 'NaN' else sign * (1 + mantissa / 2::float8 ^ 52) * 2::float8 ^ (exponent - 1023) end order by place)
  from (
    select place, case when get_bit(eight, 7) = 1 then -1 else 1 end as sign, (get_byte(eight, 0) & 127) * 16 + (get_byte(eight, 1) >> 4) as exponent,
      (get_byte(eight, 1) & 15)::float8 * 2::float8 ^ 48 + get_byte(eight, 2) * 2::float8 ^ 40 + get_byte(eight, 3) * 2::float8 ^ 32 + get_byte(eight, 4) * 2::float8 ^ 24
        + get_byte(eight, 5) * 2::float8 ^ 16 + get_byte(eight, 6) * 2::float8 ^ 8 + get_byte(eight, 7) as mantissa
    from generate_series(0, length(decode(packed, 'base64')) / 8 - 1) as place
    cross join lateral substring(decode(packed, 'base64') from place * 8 + 1 for 8) as eight
  ) as read;
$$;
create function pg_temp.unpack_integers(packed text) returns integer[] language sql as $$
  select array_agg(get_byte(four, 0) << 24 | get_byte(four, 1) << 16 | get_byte(four, 2) << 8 | get_byte(four, 3) order by place)
  from generate_series(0, length(decode(packed, 'base64')) / 4 - 1) as place
  cross join lateral substring(decode(packed, 'base64') from place * 4 + 1 for 4) as four;
$$;

-- Baselines ----------------------------------------------------------------------------------------------------------------

select learning.measure_baselines();
select is_empty($$ select * from learning.baselines $$, 'Without trades there is nothing to compare with');
select pg_temp.trade('t' || i, i, '{"chain": "solana"}', 'pm.a/entry', 'pm.a/exit') from generate_series(1, 100) i;
insert into learning.closed_trades (trade_id, close_strand_id, roi, rr, exit_at) values ('bare', 'bare', 1e6, 1, now());
select learning.measure_baselines();
-- Of 1 … 100 the 2 % and 98 % quantiles are 2.98 and 98.02; clamped, one outcome below and one more becomes 2.98, and so on.
select is((select (n, mean, lower_bound, upper_bound)::text from learning.baselines where action_category = ''), (100, 50.5::float8, 2.98::float8, 98.02::float8)::text,
  'The baseline is over all trades that have an event, each once');
select ok((select abs(winsorised_mean - 50.5) < 1e-12 and abs(sigma - sqrt((
    select sum((least(greatest(y, 2.98), 98.02) - 50.5) ^ 2) / 100 from generate_series(1, 100) as y))) < 1e-12
  from learning.baselines), 'Its mean and deviation are those of the winsorised outcomes');
select is((select count(*)::integer from learning.baselines), 1, 'There is one baseline');
select pg_temp.trade('u1', -7, '{}', 'pm.b/add');
select pg_temp.configure('{"baseline": "category"}');
select learning.measure_baselines();
select results_eq($$ select action_category, n, mean from learning.baselines order by action_category collate "C" $$,
  $$ values ('', 101, (5050 - 7) / 101::float8), ('add', 1, -7), ('entry', 100, 50.5), ('exit', 100, 50.5) $$, 'Or one for each category');
select is((select sigma from learning.baselines where action_category = 'add'), 0::float8, 'A single trade does not deviate');
select is((learning.baseline_of('add')).mean, -7::float8, 'A group is then compared with its category');
select pg_temp.configure('{"outcome": "rr", "outcome_scale": 5}');
select learning.measure_baselines();
select ok((select abs(mean - 2 * (5050 - 7) / 101::float8) < 1e-9 from learning.baselines), 'Outcomes are in units of the scale');
select is((select count(*)::integer from learning.baselines), 1, 'Baselines that nobody needs are gone');
select is((learning.baseline_of('add')).n, 101, 'A group is otherwise compared with all');
delete from learning_configs where true;
delete from pattern_trade_events where true;
delete from learning.closed_trades where true;
delete from learning.mining_groups where true;

-- What is due --------------------------------------------------------------------------------------------------------------

select pg_temp.trade('t' || i, i / 100::float8, jsonb_build_object('chain', 'c' || i % 3), 'pm.a/entry', 'pm.b/exit') from generate_series(1, 50) i;
select is(start_mining('strength'), 2, 'A cycle begins with the groups whose events changed');
select is(pg_temp.due(), '{pm.a/entry,pm.b/exit}', 'They are due');
select is(start_mining('tuning'), 0, 'Each family has its own cycle');
select pg_temp.mine_all();
select is(pg_temp.due(), '{}', 'What was mined is not due');
select is((select count(*)::integer from learning.mining_groups where run is not null or lease_token is not null or progress is not null), 0, 'And nobody is at work');

select pg_temp.trade('late', 0.255, '{}', 'pm.a/entry');
select is(pg_temp.due(), '{}', 'Events that come after a cycle began wait for the next');
select is(start_mining('strength'), 1, 'Which has them');
select pg_temp.mine_all();
select start_mining('strength');
select is(pg_temp.due(), '{}', 'Once mined they are not due again');

select pg_temp.configure('{"strength_mode": "multiplier", "steering": {"max": 0.3}, "exposure": {"alpha": 2}, "mining_workers": 2, "cpu_budget_ms": 900}');
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
  '{"outcome": "rr"}', '{"outcome_scale": 0.1}', '{"n_min": 20}', '{"edge_min": 0.02}', '{"incremental_min": 0.01}', '{"max_q_value": null}', '{"cluster": "day"}',
  '{"baseline": "category"}', '{"selection": "exhaustive"}', '{"max_lessons_per_group": 10}', '{"decay": {"source": "history"}}',
  '{"steering": {"roi_scale": 0.2}}', '{"steering": {"relative": true}}']::jsonb[]) as config_data;
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
update learning.mining_groups set mined_at = now() - interval '23 hours' where pattern_key = 'pm.a';
select is(pg_temp.due(), '{}', 'What was mined today is not due');
update learning.mining_groups set mined_at = now() - interval '25 hours' where pattern_key = 'pm.a';
select is(pg_temp.due(), '{pm.a/entry}', 'After a day it is');
select pg_temp.mine_all();

-- Leases -------------------------------------------------------------------------------------------------------------------

select pg_temp.trade('again', 0.255, '{"chain": "c1"}', 'pm.a/entry', 'pm.b/exit');
select start_mining('strength');
create temporary table claims (name text, claim jsonb);
insert into claims select 'first', claim_mining_group('strength');
insert into claims select 'second', claim_mining_group('strength');
select isnt((select claim -> 'group_id' from claims where name = 'first'), (select claim -> 'group_id' from claims where name = 'second'), 'Two workers get two groups');
select is(claim_mining_group('strength'), null, 'A third gets none');
select is((select array_agg(distinct key order by key) from claims cross join lateral jsonb_object_keys(claim) as key),
  '{action_category,group_id,lease_token,lesson_type,module,pattern_key,progress,run}', 'A claim says what is to be mined');
select is((select claim -> 'run' -> 'baseline' from claims where name = 'first'), (select to_jsonb(held) - '{action_category,measured_at}'::text[] from learning.baselines held), 'With the baseline');
select is((select claim -> 'run' -> 'config' from claims where name = 'first'), get_pm_config() - 'release', 'The configuration');
select is((select jsonb_array_length(claim -> 'run' -> 'dimensions') from claims where name = 'first'), 17, 'And the registry');

create function pg_temp.group_of(name text) returns bigint language sql as $$ select (claim ->> 'group_id')::bigint from claims where claims.name = group_of.name $$;
create function pg_temp.lease_of(name text) returns uuid language sql as $$ select (claim ->> 'lease_token')::uuid from claims where claims.name = lease_of.name $$;
select save_mining_progress(pg_temp.group_of('first'), pg_temp.lease_of('first'), '{"at": 7}');
select throws_ok($$ select save_mining_progress(pg_temp.group_of('first'), pg_temp.lease_of('first'), '{"at": 8}') $$, '55P03', null, 'Who saved progress has given the lease back');
insert into claims select 'goes on', claim_mining_group('strength');
select is((select claim -> 'progress' from claims where name = 'goes on'), '{"at": 7}', 'Whoever comes next goes on from there');
select is((select claim -> 'run' from claims where name = 'goes on'), (select claim -> 'run' from claims where name = 'first'), 'In the same run');
update learning.mining_groups set leased_until = clock_timestamp() - interval '1 second' where id = pg_temp.group_of('second');
insert into claims select 'takes over', claim_mining_group('strength');
select is(pg_temp.group_of('takes over'), pg_temp.group_of('second'), 'A lease that lapsed is taken over');
select throws_ok($$ select finish_mining_group(pg_temp.group_of('second'), pg_temp.lease_of('second'), '[]') $$, '55P03', null, 'Who lost it can write no lessons');
select throws_ok($$ select restart_mining_group(pg_temp.group_of('second'), pg_temp.lease_of('second')) $$, '55P03', null, 'Nor begin anew');
select ok((select leased_until between clock_timestamp() + interval '50 seconds' and clock_timestamp() + interval '61 seconds' from learning.mining_groups where id = pg_temp.group_of('takes over')),
  'A lease is for a minute');
select pg_temp.configure('{"n_min": 20}');
select restart_mining_group(pg_temp.group_of('goes on'), pg_temp.lease_of('goes on'));
insert into claims select 'anew', claim_mining_group('strength');
select is(pg_temp.group_of('anew'), pg_temp.group_of('first'), 'A run that was given up is due again');
select is((select claim -> 'progress' from claims where name = 'anew'), 'null', 'From the beginning');
select is((select claim #> '{run,config,n_min}' from claims where name = 'anew'), '20', 'With what holds now');
update learning.mining_groups set leased_until = clock_timestamp() - interval '1 second' where id = pg_temp.group_of('takes over');
insert into claims select 'fresh', claim_mining_group('strength');
select is((select claim #> '{run,config,n_min}' from claims where name = 'fresh'), '20', 'As does one that died before it had any progress');
select finish_mining_group(pg_temp.group_of(name), pg_temp.lease_of(name), '[]') from unnest('{anew,fresh}'::text[]) as name;
select is(pg_temp.due(), '{}', 'Both are done');
delete from learning_configs where true;
select pg_temp.mine_all();

-- Events that come between the beginning of a cycle and that of a run are not in it.
select pg_temp.trade('before', 0.255, '{}', 'pm.a/entry');
select start_mining('strength');
select pg_temp.trade('between', 0.255, '{}', 'pm.a/entry');
insert into claims select 'gap', claim_mining_group('strength');
select is((read_mining_group(pg_temp.group_of('gap')) ->> 'rows')::integer, 53, 'A run reads the events that were there when its cycle began');
select finish_mining_group(pg_temp.group_of('gap'), pg_temp.lease_of('gap'), '[]');
select is(pg_temp.due(), '{}', 'Its group waits for the next cycle');
select is(start_mining('strength'), 1, 'Where it is due');
select is(start_mining('strength'), 1, 'And stays so until it is mined');
select pg_temp.mine_all();

-- What a run reads ---------------------------------------------------------------------------------------------------------

delete from pattern_trade_events where true;
delete from learning.mining_groups where true;
select learning.register_scope_values(array['{"chain": "x", "timeframe": "1h"}', '{"chain": "y"}']::jsonb[]);
insert into pattern_trade_events (action_strand_id, trade_id, module, pattern_key, action_category, scope, scope_mask, scope_codes, roi, rr, duration_hours, time_to_s3_hours,
  did_trim, reached_s3, could_enter_better, could_exit_better, acted_at, traded_at)
select id, trade, 'pm', 'pm.r', 'add', scope, 0, learning.encode_scope(scope), roi, 2 * roi, 10 * roi, s3, roi < 0, roi > 0, enter, 0.5, acted::timestamptz, closed::timestamptz
from (values
  ('e4', 'T2', '{"chain": "y"}'::jsonb, -0.25::float8, null::float8, null::float8, '2025-01-02', '2025-01-05T00:00:00.0005Z'),
  ('e3', 'T1', '{"chain": "y"}', 0.5, 1.5, 0.25, '2025-01-03', '2025-01-06'),
  ('e2', 'T1', '{"chain": "x", "timeframe": "1h"}', 0.5, 1.5, 0.25, '2025-01-02T00:00:00.000001Z', '2025-01-06'),
  ('e1', 'T1', '{"chain": "y"}', 0.5, 1.5, 0.25, '2025-01-02T00:00:00.000001Z', '2025-01-06'),
  ('E0', 'T3', '{}', 0.125, 1, 3, '2025-01-01', '2025-01-05T00:00:00.0005Z')
) as given(id, trade, scope, roi, s3, enter, acted, closed);
insert into pattern_trade_events (action_strand_id, trade_id, module, pattern_key, action_category, scope, scope_mask, scope_codes, roi, rr, duration_hours, did_trim, reached_s3, acted_at, traded_at)
values ('other', 'T9', 'pm', 'pm.r', 'exit', '{}', 0, '{}', 9, 9, 9, true, true, now(), now()), ('foreign', 'T8', 'dm', 'pm.r', 'add', '{}', 0, '{}', 9, 9, 9, true, true, now(), now());
select learning.mark_groups_changed(array[('pm', 'pm.r', 'add')::learning.group_key]);
select start_mining('strength');
insert into claims select 'reader', claim_mining_group('strength');
create temporary table packed as select read_mining_group(pg_temp.group_of('reader')) as columns;
select is((select (columns ->> 'rows')::integer from packed), 3, 'A trade counts once in a group');
select is((select pg_temp.unpack(columns ->> 'roi') from packed), '{-0.25,0.125,0.5}', 'Trades come oldest close first, of one moment by their id');
select is((select pg_temp.unpack(columns ->> 'rr') from packed), '{-0.5,0.25,1}', 'With their outcomes');
select is((select pg_temp.unpack(columns ->> 'duration_hours') from packed), '{-2.5,1.25,5}', 'Their durations');
select is((select pg_temp.unpack(columns ->> 'traded_at') from packed), array[extract(epoch from '2025-01-05'::timestamptz) * 1000 + 0.5, extract(epoch from '2025-01-05'::timestamptz) * 1000 + 0.5,
  extract(epoch from '2025-01-06'::timestamptz) * 1000]::float8[], 'Their closes in milliseconds with a fraction');
select is((select pg_temp.unpack(columns ->> 'acted_at') from packed), array[extract(epoch from '2025-01-02'::timestamptz) * 1000, extract(epoch from '2025-01-01'::timestamptz) * 1000,
  extract(epoch from '2025-01-02'::timestamptz) * 1000 + 0.001]::float8[], 'Their first actions');
select is((select pg_temp.unpack(columns ->> 'time_to_s3_hours') from packed), '{NaN,1,1.5}', 'What is unknown is no number');
select is((select pg_temp.unpack(columns ->> 'could_enter_better') from packed), '{NaN,3,0.25}', 'Here too');
select is((select pg_temp.unpack(columns ->> 'could_exit_better') from packed), '{0.5,0.5,0.5}', 'What is known is there');
select is((select pg_temp.unpack_integers(columns ->> 'did_trim') from packed), '{1,0,0}', 'Trims are flags');
select is((select pg_temp.unpack_integers(columns ->> 'reached_s3') from packed), '{0,1,1}', 'So is S3');
select is((select array_agg(coalesce(held.value, '-') order by place) from packed, unnest(pg_temp.unpack_integers(columns #>> '{dimensions,1}')) with ordinality as coded(code, place)
  left join learning.scope_values held using (code)), '{y,-,y}', 'A trade is counted where its first action was, of one moment the first in byte order');
select is((select array_agg(key order by key::integer) from packed, jsonb_object_keys(columns -> 'dimensions') as key), (select array_agg(bit::text order by bit) from scope_dimensions), 'Every registered dimension is packed');
select is((select read_scope_values(array_agg(code)) from learning.scope_values where value = 'y'), (select jsonb_object_agg(code, value) from learning.scope_values where value = 'y'), 'Codes are told apart by their dictionary');
select is(read_scope_values('{}'), '{}', 'Of no codes nothing is told');
select is((select pg_temp.unpack(read_module_trades('pm') ->> 'roi')), '{0.5,-0.25,0.125,9}', 'A module''s trades are read once each, whatever the group');
select is((select pg_temp.unpack_integers(read_module_trades('dm') ->> 'did_trim')), '{1}', 'Each module has its own');

-- What a run writes --------------------------------------------------------------------------------------------------------

delete from learning_log where true;
select is(finish_mining_group(pg_temp.group_of('reader'), pg_temp.lease_of('reader'), jsonb_build_array(
    pg_temp.lesson('{}'), pg_temp.lesson('{"chain": "y"}', 'active', 50, 0.4), pg_temp.lesson('{"chain": "x", "timeframe": "1h"}', 'active', 40, -0.3))),
  '{"written": 3, "deprecated": 0, "deleted": 0, "snapshots": 2, "logged": 2}', 'Lessons are written all at once');
select results_eq($$ select module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n, edge_raw, p_value, q_value, status, first_active_at, last_evidence_at from learning_lessons order by n, edge_raw $$,
  $$ values ('pm', 'pm.r', 'add', '{"chain": "x", "timeframe": "1h"}'::jsonb, 514, 'pm_strength', 40, -0.3::float8, 0.001::float8, 0.01::float8, 'active', now(), '2025-01-16'::timestamptz),
    ('pm', 'pm.r', 'add', '{}', 0, 'pm_strength', 40, 0.2, 0.001, 0.01, 'candidate', null, '2025-01-16'), ('pm', 'pm.r', 'add', '{"chain": "y"}', 2, 'pm_strength', 50, 0.4, 0.001, 0.01, 'active', now(), '2025-01-16') $$,
  'With all that was found');
select set_eq($$ select level, event, message from learning_log $$, $$ values
  ('INFO', 'lesson_activated', 'Active pm.r add in {"chain": "y"}: n=50 edge=0.4000 q=0.01'), ('INFO', 'lesson_activated', 'Active pm.r add in {"chain": "x", "timeframe": "1h"}: n=40 edge=-0.3000 q=0.01') $$,
  'Each that became active is told');
select is((select array_agg((edge, n)::text order by n) from learning_edge_history), '{"(-0.3,40)","(0.4,50)"}', 'And its edge remembered');
select is((select count(*)::integer from pattern_scope_stats where pattern_key = 'pm.r'), 3, 'The view shows them');

-- As if these had been written some time ago: within one transaction it is always now.
create function pg_temp.age() returns void language sql as $$
  update public.learning_edge_history set ts = ts - interval '1 hour' where true;
  update public.learning_lessons set updated_at = updated_at - interval '1 hour' where true;
  update learning.mining_groups set evidence_version = evidence_version + 1 where true;
  select public.start_mining('strength');
$$;
select pg_temp.age();
create temporary table lessons_before as select id, ctid as place, updated_at from learning_lessons;
select is(pg_temp.mine(pg_temp.lesson('{}'), pg_temp.lesson('{"chain": "y"}', 'active', 50, 0.4), pg_temp.lesson('{"chain": "x", "timeframe": "1h"}', 'active', 40, -0.3)),
  '{"written": 0, "deprecated": 0, "deleted": 0, "snapshots": 0, "logged": 0}', 'What did not change is not written');
select is_empty($$ select from learning_lessons held join lessons_before former using (id) where held.ctid <> former.place $$, 'Not a row of it');
select pg_temp.age();
select is(pg_temp.mine(pg_temp.lesson('{}', 'candidate', 41), pg_temp.lesson('{"chain": "y"}', 'active', 50, 0.39, '2025-01-16', '{"avg": 0.2}'), pg_temp.lesson('{"chain": "x", "timeframe": "1h"}', 'active', 42, -0.3)),
  '{"written": 3, "deprecated": 0, "deleted": 0, "snapshots": 1, "logged": 0}', 'An edge is remembered when its evidence changed, not when only the baseline moved');
select pg_temp.age();
delete from learning_log where true;
select is(pg_temp.mine(pg_temp.lesson('{}', 'active'), pg_temp.lesson('{"chain": "y"}', 'candidate', 51, 0.01)),
  '{"written": 2, "deprecated": 1, "deleted": 0, "snapshots": 2, "logged": 3}', 'A lesson that no longer holds or is no longer found is deprecated');
select results_eq($$ select scope_subset, status, n from learning_lessons order by n $$,
  $$ values ('{}'::jsonb, 'active', 40), ('{"chain": "x", "timeframe": "1h"}', 'deprecated', 42), ('{"chain": "y"}', 'deprecated', 51) $$, 'With what is known of it');
select set_eq($$ select event, details -> 'scope_subset' as scope from learning_log $$,
  $$ values ('lesson_activated', '{}'::jsonb), ('lesson_deprecated', '{"chain": "y"}'), ('lesson_deprecated', '{"chain": "x", "timeframe": "1h"}') $$, 'Which is told');
select is((select count(*)::integer from pattern_scope_stats where pattern_key = 'pm.r'), 1, 'And the view shows what holds');
select pg_temp.age();
select is(pg_temp.mine(pg_temp.lesson('{"chain": "y"}', 'active', 52, 0.4), pg_temp.lesson('{"chain": "z"}')) - 'snapshots',
  '{"written": 2, "deprecated": 1, "deleted": 0, "logged": 2}', 'A lesson can come back');
select is((select first_active_at from learning_lessons where scope_subset = '{"chain": "y"}'), now(), 'It was active since it first was');
select pg_temp.age();
select is(pg_temp.mine(pg_temp.lesson('{"chain": "y"}', 'active', 52, 0.4)) - 'snapshots', '{"written": 0, "deprecated": 0, "deleted": 1, "logged": 0}', 'A candidate that is no longer found is deleted');
select pg_temp.age();
select is(pg_temp.mine(pg_temp.lesson('{"chain": "x", "timeframe": "1h"}', 'candidate', 44), pg_temp.lesson('{"chain": "y"}', 'active', 52, 0.4)) -> 'snapshots', '1', 'What was once active is remembered on');
select is((select status from learning_lessons where n = 44), 'deprecated', 'And is no candidate again');

insert into learning_edge_history (lesson_id, ts, edge, n)
select id, '2024-01-01'::timestamptz + i * interval '1 hour', i, i from learning_lessons, generate_series(1, 600) as i where scope_subset = '{"chain": "y"}';
select pg_temp.age();
select pg_temp.mine(pg_temp.lesson('{"chain": "y"}', 'active', 53, 0.4));
select is((select (count(*), max(n), bool_and(edge <> 100))::text from learning_edge_history where lesson_id = (select id from learning_lessons where scope_subset = '{"chain": "y"}')), (500, 600, true)::text,
  'The last 500 edges are kept');
select is((select count(*)::integer from learning_edge_history where lesson_id <> (select id from learning_lessons where scope_subset = '{"chain": "y"}')), 4, 'Those of other lessons too');
select ok((select jsonb_array_length(series -> 'ts') = 500 and (series -> 'edge' ->> 0)::float8 < (series -> 'edge' ->> 300)::float8 and jsonb_array_length(series -> 'edge') = 500
  from jsonb_array_elements(read_edge_history(pg_temp.group_of('reader'))) as series where series -> 'scope_subset' = '{"chain": "y"}'), 'They are read oldest first');
delete from learning_lessons where scope_subset = '{"chain": "y"}';
select is((select count(*)::integer from learning_edge_history where n = 600), 0, 'A lesson takes its history with it');

select * from finish();
rollback;
