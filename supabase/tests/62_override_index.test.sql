begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(18);

create function pg_temp.groups(p_pattern_key text) returns setof learning.override_index_groups language sql as $$
  select * from learning.override_index_groups index_group where index_group.pattern_key = p_pattern_key;
$$;

delete from pm_overrides where true;

-- What enters a sizing ---------------------------------------------------------------------------------------------

insert into pm_overrides (
  id, override_type, pattern_key, action_category, scope_subset, multiplier, dir_a, dir_e, edge_raw, n, variance,
  confidence_score, last_evidence_at, half_life_hours
) values
  (100001, 'pm_strength', 'pm.a', 'entry', '{}', 1.5, 0.25, -0.5, 0.2, 25, 1, null, null, null),
  (100002, 'pm_strength', 'pm.a', 'entry', '{"chain": "solana", "timeframe": "1h"}', null, 0, 0, -0.3, 50, 0, 0.7,
    '2025-01-01T00:00:00.000001Z', 2);
create function pg_temp.near(have float8, want float8) returns boolean language sql as $$
  select abs(have - want) <= 1e-15 * abs(want);
$$;
select results_eq(
  $$ select multiplier, dir_a, dir_e, edge, confidence, specificity, evidence_us, decay_us, scope_mask
    from learning.override_index_entries where override_id = 100001 $$,
  $$ values (1.5::float8, 0.25::float8, -0.5::float8, 0.2::float8, 0.5::float8, 1::float8, 'infinity'::float8,
    30 * 24 * 3600 * 1e6::float8, 0) $$,
  'Where nothing is said: half the confidence, evidence that never ages, 30 days'
);
select ok(pg_temp.near(support, (1 - exp(-1::float8)) / 2), 'Support is trust from trades and their variance')
from learning.override_index_entries where override_id = 100001;
select results_eq(
  $$ select multiplier, edge, confidence, evidence_us, decay_us, scope_mask
    from learning.override_index_entries where override_id = 100002 $$,
  $$ values (1::float8, -0.3::float8, 0.7::float8, 1735689600000001::float8, 2 * 3600 * 1e6::float8, 514) $$,
  'No multiplier is 1, times are in microseconds, dimensions are bits'
);
select ok(pg_temp.near(support, 1 - exp(-2::float8)), 'Support without variance is all from trades')
from learning.override_index_entries where override_id = 100002;
select ok(pg_temp.near(specificity, power(3, 1.5)), 'Specificity grows with the pairs')
from learning.override_index_entries where override_id = 100002;
update pm_overrides set n = 2147483647, variance = 1e12 where id = 100001;
select ok(pg_temp.near(support, 1 / (1 + 1e12)), 'However many the trades and however far apart')
from learning.override_index_entries where override_id = 100001;
select set_eq(
  'select override_id, identity_hash, multiplier, support, evidence_us from learning.override_index_entries',
  'select override_id, identity_hash, multiplier, support, evidence_us from learning.override_terms',
  'An entry has what the override has'
);

-- Pairs and buckets ------------------------------------------------------------------------------------------------

create function pg_temp.key_of(bucket bigint) returns bigint[] language sql as $$
  select array[bucket >> 40, bucket >> 20 & 1048575, bucket & 1048575];
$$;
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
select 'pm_strength', 'pm.b', 'entry', scope::jsonb
from unnest(array['{}', '{"chain": "c"}', '{"chain": "c", "intent": "i"}', '{"chain": "c", "intent": "j"}']) as scope;
select results_eq(
  $$ select index_pair.pair, index_pair.number, index_pair.uses
    from learning.override_index_pairs index_pair
    where index_pair.group_id = (select id from pg_temp.groups('pm.b')) order by index_pair.number $$,
  $$ values ('chain=c' collate "C", 1, 3), ('intent=i', 2, 1), ('intent=j', 3, 1) $$,
  'Pairs are numbered by how often they are used'
);
create temp view entries as
select override.scope_subset, pg_temp.key_of(index_entry.bucket) as key, index_entry.pairs_1, index_entry.pairs_2
from pg_temp.groups('pm.b') index_group
join learning.override_index_entries index_entry on index_entry.bucket >> 40 = index_group.id
join pm_overrides override on override.id = index_entry.override_id;
select results_eq(
  $$ select scope_subset, key[2:3], pairs_1, pairs_2 from entries order by scope_subset $$,
  $$ values ('{}'::jsonb, '{0,0}'::bigint[], 0::bigint, 0::bigint), ('{"chain": "c"}', '{1,0}', 1, 0),
    ('{"chain": "c", "intent": "i"}', '{2,0}', 3, 0), ('{"chain": "c", "intent": "j"}', '{3,0}', 5, 0) $$,
  'The rarest pair is the key, and the bits say which there are'
);
select is(key[1], index_group.id::bigint, 'Its group is in a bucket')
from pg_temp.groups('pm.b') index_group, (select key from entries limit 1) as entry;
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
values ('pm_strength', 'pm.b', 'entry', '{"intent": "k", "chain": "c", "curator": "x"}');
select results_eq(
  $$ select pair, number, uses from learning.override_index_pairs
    where group_id = (select id from pg_temp.groups('pm.b')) and number > 3 order by number $$,
  $$ values ('curator=x' collate "C", 4, 1), ('intent=k', 5, 1) $$,
  'Pairs that are new take the next numbers, those that are known are not counted again'
);

-- Keys of two pairs: which are rarest is said by uses, then by number.
select is(learning.rarest_two(pairs), want, format('Of %s the rarest two', coalesce(pairs::text, 'none')))
from (values
  (null::bigint[], 0::bigint), (array[7::bigint << 20 | 3], 3::bigint << 20),
  (array[7::bigint << 20 | 3, 9::bigint << 20 | 1], 1::bigint << 20 | 3),
  (array[7::bigint << 20 | 3, 9::bigint << 20 | 1, 8::bigint << 20 | 2], 2::bigint << 20 | 3),
  (array[1::bigint << 20 | 1048575, 1::bigint << 20 | 5, 1::bigint << 20 | 4], 4::bigint << 20 | 5)
) as given(pairs, want);

-- More pairs than there are bits.
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
select 'pm_strength', 'pm.wide', 'entry', jsonb_build_object('curator', 'v' || place) from generate_series(1, 200) as place;
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
values ('pm_strength', 'pm.wide', 'entry', '{"intent": "i", "chain": "c", "timeframe": "1h"}');
select is((select count(*) from learning.override_index_entries where pairs_2 < 0), 1::bigint,
  'An entry with pairs beyond the bits and its key says so');
select is(array_agg(override.scope_subset -> 'intent'), '{"\"i\""}'::jsonb[], 'and no other does')
from learning.override_index_entries index_entry
join pm_overrides override on override.id = index_entry.override_id
where index_entry.pairs_2 < 0;

select * from finish();
rollback;
