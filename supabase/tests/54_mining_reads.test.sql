begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(39);

delete from ad_strands where true;
delete from pattern_trade_events where true;
delete from learning.closed_trades where true;
delete from learning_lessons where true;
delete from learning.mining_groups where true;
delete from learning.baselines where true;
delete from learning_configs where true;
delete from learning_log where true;

-- The numbers of a packed column.
create function pg_temp.unpack(packed text) returns float8[] language sql as $$
  select array_agg(case when exponent = 2047 then 'NaN'
    else sign * (1 + mantissa / 2::float8 ^ 52) * 2::float8 ^ (exponent - 1023) end order by place)
  from (
    select place, case when get_bit(eight, 7) = 1 then -1 else 1 end as sign,
      (get_byte(eight, 0) & 127) * 16 + (get_byte(eight, 1) >> 4) as exponent,
      (get_byte(eight, 1) & 15)::float8 * 2::float8 ^ 48 + get_byte(eight,
        2) * 2::float8 ^ 40 + get_byte(eight, 3) * 2::float8 ^ 32 + get_byte(eight, 4) * 2::float8 ^ 24
        + get_byte(eight, 5) * 2::float8 ^ 16 + get_byte(eight, 6) * 2::float8 ^ 8 + get_byte(eight,
          7) as mantissa
    from generate_series(0, length(decode(packed, 'base64')) / 8 - 1) as place
    cross join lateral substring(decode(packed, 'base64') from place * 8 + 1 for 8) as eight
  ) as read;
$$;

create function pg_temp.unpack_integers(packed text) returns integer[] language sql as $$
  select array_agg(get_byte(four, 0) << 24 | get_byte(four, 1) << 16 | get_byte(four,
    2) << 8 | get_byte(four, 3) order by place)
  from generate_series(0, length(decode(packed, 'base64')) / 4 - 1) as place
  cross join lateral substring(decode(packed, 'base64') from place * 4 + 1 for 4) as four;
$$;

create temporary table claims (name text, claim jsonb);
create function pg_temp.group_of(name text) returns bigint language sql as $$
  select (claim ->> 'group_id')::bigint from claims where claims.name = group_of.name
$$;
create function pg_temp.lease_of(name text) returns uuid language sql as $$
  select (claim ->> 'lease_token')::uuid from claims where claims.name = lease_of.name
$$;

-- What a run reads ------------------------------------------------------------------------------------------

delete from pattern_trade_events where true;
delete from learning.mining_groups where true;
select learning.register_scope_values(array['{"chain": "x", "timeframe": "1h"}', '{"chain": "y"}']::jsonb[]);
insert into pattern_trade_events (action_strand_id, trade_id, module, pattern_key, action_category, scope,
  scope_mask, scope_codes, roi, rr, duration_hours, time_to_s3_hours,
  did_trim, reached_s3, could_enter_better, could_exit_better, acted_at, traded_at, own_roi, own_rr)
select id, trade, 'pm', 'pm.r', 'add', scope, 0, learning.encode_scope(scope), roi, 2 * roi, 10 * roi, s3,
  roi < 0, roi > 0, enter, 0.5, acted::timestamptz, closed::timestamptz, own, 4 * own
from (values
  ('e4', 'T2', '{"chain": "y"}'::jsonb, -0.25::float8, null::float8, null::float8, '2025-01-02',
    '2025-01-05T00:00:00.0005Z', 0.0625::float8),
  ('e3', 'T1', '{"chain": "y"}', 0.5, 1.5, 0.25, '2025-01-03', '2025-01-06', -1),
  ('e2', 'T1', '{"chain": "x", "timeframe": "1h"}', 0.5, 1.5, 0.25, '2025-01-02T00:00:00.000001Z',
    '2025-01-06', -2),
  ('e1', 'T1', '{"chain": "y"}', 0.5, 1.5, 0.25, '2025-01-02T00:00:00.000001Z', '2025-01-06', 0.75),
  ('E0', 'T3', '{}', 0.125, 1, 3, '2025-01-01', '2025-01-05T00:00:00.0005Z', -0.5),
  ('e5', 'T4', '{}', 0.125, 1, 3, '2025-01-01', '2025-01-04', null),
  ('e6', 'T4', '{}', 0.125, 1, 3, '2025-01-02', '2025-01-04', 7)
) as given(id, trade, scope, roi, s3, enter, acted, closed, own);
insert into pattern_trade_events (action_strand_id, trade_id, module, pattern_key, action_category, scope,
  scope_mask, scope_codes, roi, rr, duration_hours, did_trim, reached_s3, acted_at, traded_at)
values ('other', 'T9', 'pm', 'pm.r', 'exit', '{}', 0, '{}', 9, 9, 9, true, true, now(), now()),
  ('foreign', 'T8', 'dm', 'pm.r', 'add', '{}', 0, '{}', 9, 9, 9, true, true, now(), now());
select learning.mark_groups_changed(array[('pm', 'pm.r', 'add')::learning.group_key]);
select start_mining('strength');
insert into claims select 'reader', claim_mining_group('strength');
create temporary table packed as select read_mining_group(pg_temp.group_of('reader')) as columns;
select is((select (columns ->> 'rows')::integer from packed), 3,
  'A trade counts once in a group, and not where the outcome of its first action is not known');
select is((select pg_temp.unpack(columns ->> 'outcome') from packed), '{0.0625,-0.5,0.75}',
  'Decisions come oldest close first, of one moment by their trade''s id, adds with their own return');
select is((select pg_temp.unpack(columns ->> 'steering_roi') from packed), '{0.0625,-0.5,0.75}',
  'Which directions follow, too');
update learning.mining_groups set run = jsonb_set(run, '{config}', (run -> 'config') || '{"outcome": "rr"}')
where id = pg_temp.group_of('reader');
select is((select pg_temp.unpack(columns ->> 'outcome') from read_mining_group(pg_temp.group_of('reader')) columns),
  '{0.25,-2,3}', 'In R where the run''s configuration says so');
select is((select pg_temp.unpack(columns ->> 'steering_roi')
    from read_mining_group(pg_temp.group_of('reader')) columns), '{0.0625,-0.5,0.75}', 'Directions follow returns');
update learning.mining_groups
set run = jsonb_set(run, '{config}', (run -> 'config') || '{"outcome": "roi", "add_outcome": "trade"}')
where id = pg_temp.group_of('reader');
select is((select array[pg_temp.unpack(columns ->> 'outcome'), pg_temp.unpack(columns ->> 'steering_roi')]
    from read_mining_group(pg_temp.group_of('reader')) columns),
  '{{0.125,-0.25,0.125,0.5},{0.125,-0.25,0.125,0.5}}', 'Or those of whole trades, which are always known');
update learning.mining_groups
set run = jsonb_set(run, '{config}', (run -> 'config') || '{"add_outcome": "own"}')
where id = pg_temp.group_of('reader');
select is((select pg_temp.unpack(columns ->> 'duration_hours') from packed), '{-2.5,1.25,5}',
  'Their durations');
select is((select pg_temp.unpack(columns ->> 'traded_at') from packed),
  array[extract(epoch from '2025-01-05'::timestamptz) * 1000 + 0.5,
  extract(epoch from '2025-01-05'::timestamptz) * 1000 + 0.5,
  extract(epoch from '2025-01-06'::timestamptz) * 1000]::float8[],
    'Their closes in milliseconds with a fraction');
select is((select pg_temp.unpack(columns ->> 'acted_at') from packed),
  array[extract(epoch from '2025-01-02'::timestamptz) * 1000,
  extract(epoch from '2025-01-01'::timestamptz) * 1000,
  extract(epoch from '2025-01-02'::timestamptz) * 1000 + 0.001]::float8[], 'Their first actions');
select is((select pg_temp.unpack(columns ->> 'time_to_s3_hours') from packed), '{NaN,1,1.5}',
  'What is unknown is no number');
select is((select pg_temp.unpack(columns ->> 'could_enter_better') from packed), '{NaN,3,0.25}', 'Here too');
select is((select pg_temp.unpack(columns ->> 'could_exit_better') from packed), '{0.5,0.5,0.5}',
  'What is known is there');
select is((select pg_temp.unpack_integers(columns ->> 'did_trim') from packed), '{1,0,0}', 'Trims are flags');
select is((select pg_temp.unpack_integers(columns ->> 'reached_s3') from packed), '{0,1,1}', 'So is S3');
select is((select array_agg(coalesce(held.value, '-') order by place) from packed,
  unnest(pg_temp.unpack_integers(columns #>> '{dimensions,1}')) with ordinality as coded(code, place)
  left join learning.scope_values held using (code)), '{y,-,y}',
    'A trade is counted where its first action was, of one moment the first in byte order');
select is((select array_agg(key order by key::integer) from packed,
  jsonb_object_keys(columns -> 'dimensions') as key),
  (select array_agg(bit::text order by bit) from scope_dimensions), 'Every registered dimension is packed');
insert into pattern_trade_events (action_strand_id, trade_id, module, pattern_key, action_category, scope,
  scope_mask, scope_codes, roi, rr, duration_hours, did_trim, reached_s3, acted_at, traded_at, own_roi)
values ('s1', 'T1', 'pm', 'pm.s', 'add', '{}', 0, '{}', 9, 9, 9, true, true, now(), now(), 2);
select learning.mark_groups_changed(array[('pm', 'pm.s', 'add')::learning.group_key]);
select learning.refresh_decisions();
select is((select pg_temp.unpack(read_category_decisions('pm', 'add') ->> 'steering_roi')),
  '{0.75,0.0625,-0.5,2}', 'All decisions of a category are read together, each by its first action');
select is((select pg_temp.unpack_integers(read_category_decisions('pm', 'add') ->> 'did_trim')), '{0,1,0,1}',
  'With what directions are made of');
select is((select pg_temp.unpack(read_category_decisions('pm', 'exit') ->> 'steering_roi')), null,
  'Of an exit whose regret is not known nothing is said');
select is((select pg_temp.unpack(read_category_decisions('dm', 'add') ->> 'steering_roi')), null,
  'Each module has its own');
delete from pattern_trade_events where pattern_key = 'pm.s';

update pattern_trade_events set acted_at = '2099-01-01', traded_at = '2199-01-01' where trade_id = 'T3';
select is((select round((pg_temp.unpack(columns ->> name))[3])
    from read_mining_group(pg_temp.group_of('reader')) as columns),
  (select round((extract(epoch from (mining_group.run ->> 'started_at')::timestamptz) * 1000)::float8)
    from learning.mining_groups mining_group where mining_group.id = pg_temp.group_of('reader')),
  format('What is in the future counts as of when the run began: %s', name))
from unnest('{acted_at,traded_at}'::text[]) as name;

-- What closed on the same day -----------------------------------------------------------------------------

delete from pattern_trade_events where true;
delete from learning.mining_groups where true;
insert into pattern_trade_events (action_strand_id, trade_id, module, pattern_key, action_category, scope,
  scope_mask, scope_codes, roi, rr, duration_hours, did_trim, reached_s3, acted_at, traded_at)
select strand, trade, module, 'pm.' || key, category, '{}', 0, '{}', roi, 2 * roi, 1, false, false,
  '2025-01-01', closed::timestamptz
from (values
  -- Two days after 2025-01-01, which is the 20,089th; bounds are -0.5 and 0.5.
  ('d1', 'T1', 'pm', 'r', 'add', 0.4375::float8, '2025-01-03T23:59:59.9Z'),
  ('d2', 'T1', 'pm', 'r', 'add', 0.4375, '2025-01-03T23:59:59.9Z'),
  ('d3', 'T1', 'pm', 'other', 'add', 0.4375, '2025-01-03T23:59:59.9Z'),
  ('d4', 'T2', 'pm', 'other', 'add', -4, '2025-01-03T00:00:00Z'),
  ('d5', 'T3', 'pm', 'r', 'add', 0.25, '2025-01-04T00:00:00Z'),
  ('d6', 'T4', 'pm', 'r', 'exit', 9, '2025-01-04T00:00:00Z'),
  ('d7', 'T5', 'dm', 'r', 'add', 9, '2025-01-04T00:00:00Z')
) as given(strand, trade, module, key, category, roi, closed);
select learning.mark_groups_changed(array_agg((module, pattern_key, action_category)::learning.group_key))
from pattern_trade_events;
insert into learning_configs (module_id, config_data) values ('pm', '{"add_outcome": "trade"}')
on conflict (module_id) do update set config_data = '{"add_outcome": "trade"}';
select start_mining('strength');
update learning.mining_groups set run = null where (module, pattern_key, action_category) <> ('pm', 'pm.r', 'add');
delete from claims where true;
insert into claims select 'reader', claim_mining_group('strength');
update learning.mining_groups
set run = run || '{"baseline": {"lower_bound": -0.5, "upper_bound": 0.5}}'
where id = pg_temp.group_of('reader');
create temporary table category_days as select read_category_days(pg_temp.group_of('reader')) as columns;
-- (0.4375 + 0.4375 - 0.5)/3 on the 20,091st day: a trade counts once for each key, and what is far out is brought in.
select is((select (pg_temp.unpack_integers(columns ->> 'day'), pg_temp.unpack(columns ->> 'mean'))::text
  from category_days), ('{20091,20092}'::integer[], '{0.125,0.25}'::float8[])::text,
  'Of each day the mean of all decisions of the module and category that closed on it');
create function pg_temp.come_to(given float8) returns void language sql as $$
  update public.pattern_trade_events set roi = given where true;
  select learning.mark_groups_changed(array_agg((module, pattern_key, action_category)::learning.group_key))
  from public.pattern_trade_events;
  select learning.refresh_decisions();
$$;
select pg_temp.come_to(0.5);
select is(read_category_days(pg_temp.group_of('reader')), (select columns from category_days),
  'It is measured once a cycle');
update learning.mining_groups set run = run || '{"settings": "others"}' where id = pg_temp.group_of('reader');
select is((select pg_temp.unpack(read_category_days(pg_temp.group_of('reader')) ->> 'mean')), '{0.5,0.5}',
  'And anew where the configuration is another');
update learning.mining_groups set run = run || '{"cycle": 0}' where id = pg_temp.group_of('reader');
select pg_temp.come_to(0.25);
select is((select pg_temp.unpack(read_category_days(pg_temp.group_of('reader')) ->> 'mean')), '{0.25,0.25}',
  'A run that is left from an earlier cycle has its own');
select is((select array_agg(cycle > 0) from learning.category_days), '{t}', 'And leaves this one''s');
select is(read_category_days(-1), '{"day": "", "mean": ""}', 'A group that is not there has no days');

-- Where all of them steer ---------------------------------------------------------------------------------

update learning.mining_groups set run = coalesce(run, '{}') || '{"cycle": 7, "settings": "these"}'
where family = 'strength';
select is(read_own_direction(pg_temp.group_of('reader')), null, 'Nothing is known until somebody measured it');
select save_own_direction(pg_temp.group_of('reader'), 0.5, -0.25);
select is(read_own_direction(id), case when (module, action_category) = ('pm', 'add')
    then '{"dir_a": 0.5, "dir_e": -0.25}'::jsonb end,
  format('Then all groups of the module and category know it: %s %s %s', module, pattern_key, action_category))
from learning.mining_groups where pattern_key in ('pm.r', 'pm.other') order by id;
select is(read_mining_group(pg_temp.group_of('reader')) -> 'own_direction', '{"dir_a": 0.5, "dir_e": -0.25}',
  'It comes with what a group reads');
select is(read_mining_group(pg_temp.group_of('reader')) -> 'category_days',
  read_category_days(pg_temp.group_of('reader')), 'And so do the days');
update learning.mining_groups set run = run || '{"cycle": 6}' where id = pg_temp.group_of('reader');
select save_own_direction(pg_temp.group_of('reader'), 1, 1);
select is((select (cycle, dir_a)::text from learning.category_directions), '(7,0.5)',
  'A run that is left from an earlier cycle leaves it alone');
update learning.mining_groups set run = run || '{"cycle": 7, "settings": "others"}'
where id = pg_temp.group_of('reader');
select is(read_own_direction(pg_temp.group_of('reader')), null,
  'Under another configuration it is measured anew');

-- Earlier edges ---------------------------------------------------------------------------------------------

insert into learning_lessons (module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n,
  stats, edge_raw, status)
values ('pm', 'pm.r', 'add', '{}', 0, 'pm_strength', 40, '{}', 0.2, 'active'),
  ('pm', 'pm.r', 'exit', '{}', 0, 'pm_strength', 40, '{}', 0.2, 'active'),
  ('pm', 'pm.r', 'add', '{"chain": "y"}', 2, 'pm_strength', 40, '{}', 0.2, 'candidate');
select is(read_edge_history(pg_temp.group_of('reader')), '[]', 'A group may have no earlier edges');
insert into learning_edge_history (lesson_id, ts, edge, n, scale)
select lesson.id, '1970-01-01T00:00:00Z'::timestamptz + hour * interval '1 hour', hour / 2.0, 40, hour * 0.5
from learning_lessons lesson, unnest('{3,1,2}'::integer[]) as hour where lesson.scope_subset = '{}';
select is(read_edge_history(pg_temp.group_of('reader')),
  '[{"scope_subset": {}, "ts": [3600000, 7200000, 10800000], "edge": [0.25, 1, 2.25]}]',
  'Those of each lesson are read oldest first, in the unit of the outcome');

select * from finish();
rollback;
