begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(26);

-- Overrides of one behaviour that a scope finds; what it says of unregistered dimensions is no part of it.
create function pg_temp.found(p_pattern_key text, scope jsonb) returns bigint[] language sql as $$
  select array_agg(contained.override_id order by contained.override_id)
  from learning.override_index_groups index_group
  cross join lateral learning.contained_overrides(index_group, public.unified_scope(scope, null, null)) as contained
  where index_group.pattern_key = p_pattern_key;
$$;
create function pg_temp.groups(p_pattern_key text) returns setof learning.override_index_groups language sql as $$
  select * from learning.override_index_groups index_group where index_group.pattern_key = p_pattern_key;
$$;

-- Every change -----------------------------------------------------------------------------------------------------

insert into pm_overrides (id, override_type, pattern_key, action_category, scope_subset, multiplier, enabled) values
  (1, 'pm_strength', 'pm.a', 'entry', '{}', 1.5, true),
  (2, 'pm_strength', 'pm.a', 'entry', '{"chain": "solana"}', 1.1, true),
  (3, 'pm_strength', 'pm.a', 'entry', '{"chain": "solana", "timeframe": "1h"}', 1.2, true),
  (4, 'pm_strength', 'pm.a', 'entry', '{"chain": "base", "timeframe": "1h"}', 1.2, true),
  (5, 'pm_strength', 'pm.b', 'entry', '{"chain": "solana"}', 1.2, true),
  (6, 'pm_strength', 'pm.a', 'entry', '{"timeframe": "4h"}', 1, false);
select is(pg_temp.found('pm.a', '{"chain": "solana", "timeframe": "1h"}'), '{1,2,3}', 'New overrides are found');
select is(pg_temp.found('pm.a', '{"timeframe": "4h"}'), '{1}', 'Disabled ones have no entry');
select is((select entry_count from pg_temp.groups('pm.a')), 4, 'A group knows how many entries it has');
update pm_overrides set enabled = true where id = 6;
select is(pg_temp.found('pm.a', '{"timeframe": "4h"}'), '{1,6}', 'An override that is switched on acts');
update pm_overrides set scope_subset = '{"bucket": "micro"}' where id = 6;
select is(pg_temp.found('pm.a', '{"timeframe": "4h"}'), '{1}',
  'An override that moves to another scope leaves its own');
select is(pg_temp.found('pm.a', '{"mcap_bucket": "micro"}'), '{1,6}', 'and acts there');
update pm_overrides set pattern_key = 'pm.b' where id = 6;
select is(pg_temp.found('pm.a', '{"mcap_bucket": "micro"}'), '{1}',
  'An override that moves to another behaviour leaves its own');
select is(pg_temp.found('pm.b', '{"mcap_bucket": "micro"}'), '{6}', 'and acts there');
select is(array[a.entry_count, b.entry_count], '{4,2}', 'Both groups know how many entries they have')
from pg_temp.groups('pm.a') a, pg_temp.groups('pm.b') b;
update pm_overrides set enabled = false where id in (1, 6);
select is(pg_temp.found('pm.a', '{"mcap_bucket": "micro"}'), null, 'An override that is switched off rests');
update pm_overrides
set multiplier = 1.9, dir_a = 0.1, dir_e = -0.1, edge_raw = 0.3, n = 25, variance = 3, confidence_score = 0.1,
  half_life_hours = 2, last_evidence_at = '2025-01-01T00:00:00.000001Z'
where id = 3;
select results_eq(
  $$ select multiplier, dir_a, dir_e, edge, round(support::numeric, 12), confidence, decay_us, evidence_us
    from learning.override_index_entries where override_id = 3 $$,
  $$ values (1.9::float8, 0.1::float8, -0.1::float8, 0.3::float8, round((1 - exp(-1::numeric)) / 4, 12),
    0.1::float8, 7.2e9::float8, 1735689600000001::float8) $$,
  'Changed values act as changed'
);
update pm_overrides set multiplier = 1.3 where id in (2, 3, 6);
select set_eq(
  'select override_id, multiplier from learning.override_index_entries where override_id in (2, 3, 6)',
  'values (2::bigint, 1.3::float8), (3, 1.3)', 'Also beside one that is off'
);
insert into pm_overrides (id, override_type, pattern_key, action_category, scope_subset, multiplier) values
  (7, 'pm_strength', 'pm.a', 'entry', '{"chain": "solana"}', 1.7)
on conflict (override_type, pattern_key, action_category, scope_digest) do update set multiplier = excluded.multiplier;
select is((select multiplier from learning.override_index_entries where override_id = 2), 1.7::float8,
  'An upsert changes what is there');
delete from pm_overrides where id in (3, 4);
select is(pg_temp.found('pm.a', '{"chain": "solana", "timeframe": "1h"}'), '{2}', 'A deleted override has no entry');
select is((select entry_count from pg_temp.groups('pm.a')), 1, 'A group knows how many are left');

-- Dimensions that are taken out ------------------------------------------------------------------------------------

insert into scope_dimensions (dim, bit, source) values ('session', 17, 'entry'), ('venue', 18, 'entry');
insert into pm_overrides (id, override_type, pattern_key, action_category, scope_subset)
values (8, 'pm_strength', 'pm.c', 'entry', '{"session": "asia"}');
delete from scope_dimensions where dim in ('session', 'venue');
select is(pg_temp.found('pm.c', '{"session": "asia"}'), null, 'What names a dimension that was taken out rests');
insert into scope_dimensions (dim, bit, source) values ('session', 18, 'entry'), ('venue', 17, 'entry');
select is(pg_temp.found('pm.c', '{"session": "asia", "venue": "dex"}'), '{8}', 'It acts again when the dimension is back');
select is((select scope_mask from learning.override_index_entries where override_id = 8), 1 << 18,
  'with another bit, too');

-- Reindexing -------------------------------------------------------------------------------------------------------

insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
select 'pm_strength', 'pm.grown', 'entry',
  jsonb_build_object('curator', 'v' || place % 10, 'intent', 'i' || place) from generate_series(101, 110) as place;
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
select 'pm_strength', 'pm.grown', 'entry',
  jsonb_build_object('curator', 'v' || place, 'chain', 'c' || place % 7) from generate_series(11, 1000) as place;
select is((select array[entry_count, entry_count_at_reindex] from pg_temp.groups('pm.grown')), '{1000,1000}',
  'A group that has doubled is reindexed');
select is(index_pair.uses, 141, 'Its pairs are counted with it')
from learning.override_index_pairs index_pair
where index_pair.group_id = (select id from pg_temp.groups('pm.grown')) and index_pair.pair = 'chain=c1';

-- A bucket has room for so many groups and no more.
create temp table numbers as select last_value as taken from learning.override_index_groups_id_seq;
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
values ('pm_strength', 'pm.grown', 'entry', '{}'), ('pm_strength', 'pm.new', 'entry', '{}');
select is((select last_value - taken from learning.override_index_groups_id_seq, numbers), 1::bigint,
  'Only a group that is new takes a number');

truncate pm_overrides cascade;
select is_empty(
  $$ select override_id from learning.override_index_entries
    union all select group_id from learning.override_index_pairs
    union all select id from learning.override_index_groups $$,
  'Nothing is left of what was truncated'
);

-- A group doubles in the statement that also brings overrides which its other trigger has yet to index.
select setval(pg_get_serial_sequence('pm_overrides', 'id'), 100000);
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
values ('pm_strength', 'pm.grown', 'entry', '{}');
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, enabled)
select 'pm_strength', 'pm.grown', 'entry', jsonb_build_object('curator', 'c' || place), false
from generate_series(1, 600) place;
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
select 'pm_strength', 'pm.grown', 'entry', jsonb_build_object('curator', 'c' || place)
from generate_series(1, 1200) place
on conflict (override_type, pattern_key, action_category, scope_digest) do update set enabled = true;
select results_eq($$ select entry_count from pg_temp.groups('pm.grown') $$, 'values (1201)',
  'Overrides that are switched on while a group is reindexed get one entry');
with moved as (
  update pm_overrides set pattern_key = 'pm.shrunk'
  where pattern_key = 'pm.grown' and scope_subset = '{}'
  returning id
)
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
select 'pm_strength', 'pm.grown', 'entry', jsonb_build_object('curator', 'd' || place)
from generate_series(1, 3000) place, moved;
select results_eq(
  $$ select entry_count from learning.override_index_groups
    where pattern_key in ('pm.grown', 'pm.shrunk') order by pattern_key $$,
  'values (4200), (1)', 'One that leaves meanwhile has its entry where it goes'
);
select is(pg_temp.found('pm.shrunk', '{"chain": "solana"}'),
  (select array[id] from pm_overrides where pattern_key = 'pm.shrunk'), 'and acts there');
delete from pm_overrides where pattern_key in ('pm.grown', 'pm.shrunk');
select is(
  (select sum(entry_count) from learning.override_index_groups where pattern_key in ('pm.grown', 'pm.shrunk')),
  0::bigint, 'Groups know when nothing is left'
);

select * from finish();
rollback;
