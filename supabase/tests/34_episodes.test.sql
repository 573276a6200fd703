begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(18);

-- The sample that a window acted on.
select is(learning.episode_factors('{"decision": "acted", "factors": {"ts_score": 0.5, "slope_ok": false,
  "dx": null},
  "flags": {"ts_ok": true, "slope_ok": true, "entry_zone_ok": "yes"},
  "sample": {"ts_score": 0.71, "halo_distance": null, "dx": 1}}'),
  '{"ts_score": 0.5, "slope_ok": false, "ts_ok": true, "ts_score_acted": 0.71}',
  'Flags and the sample acted on are kept; the factors'' own flags win');
select is(learning.episode_factors('{"decision": "skipped", "sample": {"ts_score": 0.71}}'), '{}',
  'A window without factors has none, and one that was skipped no sample');
select is(learning.episode_gates('skipped', '{"ts_score": 0.5, "ts_score_acted": 0.9}'),
  '{0.5,null,null,null,null,null}'::float8[],
  'A skipped window has no sample it acted on');
select is(learning.episode_gates('acted',
  '{"ts_score": 0.5, "ts_score_acted": "high", "slope_acted": 1e300, "slope": 0.1}'),
  '{0.5,null,null,null,0.1,null}'::float8[], 'A sample that is no usable number is none');

select is(learning.missing_gates('{0.5,null,1,1,null,0}'), '{ts_min,slope}',
  'What simulation lacks has a name');
select is(learning.missing_gates('{0.5,0.6,1,1,0,0}'), '{}', 'Where nothing is missing nothing is named');
select is((learning.factor('{"x": 1e12}', 'x'), learning.factor('{"x": 2e12}', 'x'),
  learning.factor('{"x": "1"}', 'x'))::text,
  (1e12::float8, null::float8, null::float8)::text, 'A factor is a number of a usable size');

-- Blockers that were not given are derived.
create function pg_temp.derived(factors jsonb) returns text[] language sql as $$
  select learning.episode_blockers(jsonb_build_object('decision', 'skipped', 'factors', factors), factors,
    learning.episode_gates('skipped', factors));
$$;
select is(pg_temp.derived('{"ts_score": 0.5, "ts_min": 0.6, "slope": 0, "slope_min": 0}'), '{ts}',
  'A score below its threshold blocks');
select is(pg_temp.derived('{"ts_score": 0.6, "ts_min": 0.6, "slope": -0.001, "slope_min": 0}'), '{slope}',
  'One at its threshold does not');
select is(pg_temp.derived('{"ts_ok": false, "slope_ok": false}'), '{ts,slope}', 'Flags say it too');
select is(pg_temp.derived('{"ts_ok": true, "slope_ok": true, "halo_distance": 1.1, "halo_max": 1.0}'),
  '{halo}', 'The halo blocks when ts and slope pass');
select is(pg_temp.derived('{"ts_ok": true, "slope_ok": true, "entry_zone_ok": false}'), '{halo}',
  'and so does an entry zone that nothing else explains');
select is(pg_temp.derived('{"ts_ok": false, "slope_ok": true, "entry_zone_ok": false, "halo_distance": 1.1,
  "halo_max": 1.0}'), '{ts}', 'The halo is not asked when ts or slope fail');
select is(pg_temp.derived('{"ts_ok": true, "slope_ok": true, "entry_zone_ok": false, "dx": 0.2,
  "dx_min": 0.3}'), '{dx}', 'In S3 too small a discount blocks');
select is(pg_temp.derived('{}'), '{}', 'Where nothing is known nothing is derived');
select is(learning.episode_blockers('{"decision": "skipped", "blocked_by": []}', '{"ts_ok": false}', '{}'),
  '{}', 'An empty list is taken as given');
select is(learning.episode_blockers('{"decision": "skipped", "blocked_by": null}',
  '{"blocked_by": [" halo "]}', '{}'), '{halo}', 'A list among the factors counts as given');
select is(learning.episode_blockers('{"decision": "skipped"}', '{"blocked_by": [1], "ts_ok": false}', '{}'),
  '{ts}', 'One that names no gates does not');

select * from finish();
rollback;
