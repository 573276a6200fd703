begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(17);

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
  did_trim, reached_s3, could_enter_better, could_exit_better, acted_at, traded_at)
select id, trade, 'pm', 'pm.r', 'add', scope, 0, learning.encode_scope(scope), roi, 2 * roi, 10 * roi, s3,
  roi < 0, roi > 0, enter, 0.5, acted::timestamptz, closed::timestamptz
from (values
  ('e4', 'T2', '{"chain": "y"}'::jsonb, -0.25::float8, null::float8, null::float8, '2025-01-02',
    '2025-01-05T00:00:00.0005Z'),
  ('e3', 'T1', '{"chain": "y"}', 0.5, 1.5, 0.25, '2025-01-03', '2025-01-06'),
  ('e2', 'T1', '{"chain": "x", "timeframe": "1h"}', 0.5, 1.5, 0.25, '2025-01-02T00:00:00.000001Z',
    '2025-01-06'),
  ('e1', 'T1', '{"chain": "y"}', 0.5, 1.5, 0.25, '2025-01-02T00:00:00.000001Z', '2025-01-06'),
  ('E0', 'T3', '{}', 0.125, 1, 3, '2025-01-01', '2025-01-05T00:00:00.0005Z')
) as given(id, trade, scope, roi, s3, enter, acted, closed);
insert into pattern_trade_events (action_strand_id, trade_id, module, pattern_key, action_category, scope,
  scope_mask, scope_codes, roi, rr, duration_hours, did_trim, reached_s3, acted_at, traded_at)
values ('other', 'T9', 'pm', 'pm.r', 'exit', '{}', 0, '{}', 9, 9, 9, true, true, now(), now()),
  ('foreign', 'T8', 'dm', 'pm.r', 'add', '{}', 0, '{}', 9, 9, 9, true, true, now(), now());
select learning.mark_groups_changed(array[('pm', 'pm.r', 'add')::learning.group_key]);
select start_mining('strength');
insert into claims select 'reader', claim_mining_group('strength');
create temporary table packed as select read_mining_group(pg_temp.group_of('reader')) as columns;
select is((select (columns ->> 'rows')::integer from packed), 3, 'A trade counts once in a group');
select is((select pg_temp.unpack(columns ->> 'roi') from packed), '{-0.25,0.125,0.5}',
  'Trades come oldest close first, of one moment by their id');
select is((select pg_temp.unpack(columns ->> 'rr') from packed), '{-0.5,0.25,1}', 'With their outcomes');
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
select is((select pg_temp.unpack(read_module_trades('pm') ->> 'roi')), '{0.5,-0.25,0.125,9}',
  'A module''s trades are read once each, whatever the group');
select is((select pg_temp.unpack_integers(read_module_trades('dm') ->> 'did_trim')), '{1}',
  'Each module has its own');

-- Earlier edges ---------------------------------------------------------------------------------------------

insert into learning_lessons (module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n,
  stats, edge_raw, status)
values ('pm', 'pm.r', 'add', '{}', 0, 'pm_strength', 40, '{}', 0.2, 'active'),
  ('pm', 'pm.r', 'exit', '{}', 0, 'pm_strength', 40, '{}', 0.2, 'active'),
  ('pm', 'pm.r', 'add', '{"chain": "y"}', 2, 'pm_strength', 40, '{}', 0.2, 'candidate');
select is(read_edge_history(pg_temp.group_of('reader')), '[]', 'A group may have no earlier edges');
insert into learning_edge_history (lesson_id, ts, edge, n)
select lesson.id, '1970-01-01T00:00:00Z'::timestamptz + hour * interval '1 hour', hour / 10.0, 40
from learning_lessons lesson, unnest('{3,1,2}'::integer[]) as hour where lesson.scope_subset = '{}';
select is(read_edge_history(pg_temp.group_of('reader')),
  '[{"scope_subset": {}, "ts": [3600000, 7200000, 10800000], "edge": [0.1, 0.2, 0.3]}]',
  'Those of each lesson are read oldest first');

select * from finish();
rollback;
