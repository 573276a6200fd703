begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(35);

-- Overrides of one behaviour that a scope contains, by looking at each and by looking where they are filed.
create function pg_temp.contained(pattern_key text, scope jsonb) returns bigint[] language sql as $$
  select array_agg(made.id order by made.id)
  from public.pm_overrides made
  where made.override_type = 'pm_strength' and made.pattern_key = contained.pattern_key and made.action_category = 'entry' and made.enabled
    and made.scope_subset <@ contained.scope;
$$;
create function pg_temp.found(pattern_key text, scope jsonb) returns bigint[] language sql as $$
  select array_agg(weighed.override_id order by weighed.override_id)
  from learning.matched_overrides(learning.check_candidate(found.pattern_key, 'entry', found.scope, 0.5, 0.5, 1, now()), learning.config()) as weighed;
$$;
create function pg_temp.groups(pattern_key text) returns setof learning.override_index_groups language sql as $$
  select * from learning.override_index_groups filed where filed.pattern_key = groups.pattern_key;
$$;

select is(pg_temp.found('pm.none', '{"chain": "solana"}'), null, 'A behaviour without overrides has none filed');

insert into pm_overrides (id, override_type, pattern_key, action_category, scope_subset, multiplier, n, variance, edge_raw, confidence_score) values
  (1, 'pm_strength', 'pm.a', 'entry', '{}', 1.5, 25, 1, 0.2, null),
  (2, 'pm_strength', 'pm.a', 'entry', '{"chain": "solana"}', null, 25, 0, 0.2, 0.7),
  (3, 'pm_strength', 'pm.a', 'entry', '{"chain": "solana", "timeframe": "1h"}', 1.2, 25, 0, 0.2, 0.7),
  (4, 'pm_strength', 'pm.a', 'entry', '{"chain": "base", "timeframe": "1h"}', 1.2, 25, 0, 0.2, 0.7),
  (5, 'pm_strength', 'pm.b', 'entry', '{"chain": "solana"}', 1.2, 25, 0, 0.2, 0.7);
insert into pm_overrides (id, override_type, pattern_key, action_category, scope_subset, enabled) values
  (6, 'pm_strength', 'pm.a', 'entry', '{"timeframe": "4h"}', false);
select is(pg_temp.found('pm.a', '{"chain": "solana", "timeframe": "1h", "curator": "known"}'), '{1,2,3}', 'A scope finds what it contains, the general one with it');
select is(pg_temp.found('pm.a', '{"chain": "eth"}'), '{1}', 'A scope finds nothing of other values');
select is(pg_temp.found('pm.a', '{"timeframe": "4h"}'), '{1}', 'Disabled overrides are not filed');
select is((select filed_count from pg_temp.groups('pm.a')), 4, 'A group knows how many are filed');
select ok((select multiplier = 1 and confidence = 0.7 and support = 1 - exp(-1::float8) from learning.override_index_entries where override_id = 2),
  'What was left out is filed as what it counts for');
select ok((select confidence = 0.5 and support = (1 - exp(-1::float8)) / 2 and specificity = 1 from learning.override_index_entries where override_id = 1),
  'Support is trust from trades and variance, specificity grows with the pairs');

update pm_overrides set enabled = true where id = 6;
select is(pg_temp.found('pm.a', '{"timeframe": "4h"}'), '{1,6}', 'An override that is switched on acts');
update pm_overrides set scope_subset = '{"bucket": "micro"}' where id = 6;
select is(pg_temp.found('pm.a', '{"timeframe": "4h"}'), '{1}', 'An override that moves to another scope leaves its own');
select is(pg_temp.found('pm.a', '{"mcap_bucket": "micro"}'), '{1,6}', 'An override that moves to another scope acts there');
update pm_overrides set pattern_key = 'pm.b' where id = 6;
select is(pg_temp.found('pm.a', '{"mcap_bucket": "micro"}'), '{1}', 'An override that moves to another behaviour leaves its own');
select is(pg_temp.found('pm.b', '{"mcap_bucket": "micro"}'), '{6}', 'An override that moves to another behaviour acts there');
update pm_overrides set enabled = false where id in (1, 6);
select is(pg_temp.found('pm.a', '{"mcap_bucket": "micro"}'), null, 'An override that is switched off rests');
update pm_overrides set multiplier = 1.9, confidence_score = 0.1, last_evidence_at = '2025-01-01T00:00:00.000001Z' where id = 3;
select ok((select multiplier = 1.9 and confidence = 0.1 and evidence_us = 1735689600000001 from learning.override_index_entries where override_id = 3),
  'Changed values act as changed');
update pm_overrides set last_evidence_at = 'infinity' where id = 3;
select ok((select evidence_us > 1e18 from learning.override_index_entries where override_id = 3), 'Evidence without an end never fades');
insert into pm_overrides (id, override_type, pattern_key, action_category, scope_subset, multiplier) values
  (7, 'pm_strength', 'pm.a', 'entry', '{"chain": "solana"}', 1.7)
on conflict (override_type, pattern_key, action_category, scope_digest) do update set multiplier = excluded.multiplier;
select ok((select multiplier = 1.7 from learning.override_index_entries where override_id = 2), 'An upsert changes what is there');
insert into scope_dimensions (dim, bit, source) values ('session', 17, 'entry'), ('venue', 18, 'entry');
insert into pm_overrides (id, override_type, pattern_key, action_category, scope_subset) values (8, 'pm_strength', 'pm.c', 'entry', '{"session": "asia"}');
delete from scope_dimensions where dim in ('session', 'venue');
select is(pg_temp.found('pm.c', '{"session": "asia"}'), null, 'What names a dimension that was taken out rests');
insert into scope_dimensions (dim, bit, source) values ('session', 18, 'entry'), ('venue', 17, 'entry');
select is(pg_temp.found('pm.c', '{"session": "asia", "venue": "dex"}'), '{8}', 'It acts again when the dimension is back, with another bit too');
select is((get_pm_sizing('pm.c', 'entry', '{"session": "asia", "venue": "dex"}')).overrides -> 0 -> 'scope_subset', '{"session": "asia"}', 'and its own scope is said of it');
delete from pm_overrides where id in (3, 4);
select is(pg_temp.found('pm.a', '{"chain": "solana", "timeframe": "1h"}'), '{2}', 'A deleted override is filed nowhere');
select is((select filed_count from pg_temp.groups('pm.a')), 1, 'A group knows how many are left');

-- Four hundred overrides in several statements, of more pairs than there are bits.
create function pg_temp.scope(depth integer) returns jsonb language sql as $$
  select coalesce(jsonb_object_agg(drawn.dim, 'v' || floor(40 * random() ^ 4)), '{}')
  from (select known.dim from public.scope_dimensions known order by random() limit depth) as drawn;
$$;
select setseed(0.4);
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, enabled)
select 'pm_strength', 'pm.many', 'entry', pg_temp.scope((place % 4)::integer), random() < 0.9 from generate_series(1, 100) as place on conflict do nothing;
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
select 'pm_strength', 'pm.many', 'entry', jsonb_build_object('curator', 'v' || place) from generate_series(1, 300) as place on conflict do nothing;
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, enabled)
select 'pm_strength', 'pm.many', 'entry', pg_temp.scope((place % 4)::integer), random() < 0.9 from generate_series(1, 400) as place on conflict do nothing;
create temp table candidates as
select case when place % 3 = 0 then jsonb_build_object('curator', 'v' || place) else '{}'::jsonb end || pg_temp.scope(10 + place % 7) as scope
from generate_series(1, 200) as place;
select ok((select max(number) > 256 from learning.override_index_pairs join learning.override_index_groups filed on filed.id = group_id where pattern_key = 'pm.many'),
  'The behaviour has more pairs than bits');
select cmp_ok((select sum(cardinality(pg_temp.contained('pm.many', scope))) from candidates), '>', 1000::bigint, 'The candidates contain many of them');
select is_empty($$
  select scope from candidates where pg_temp.found('pm.many', scope) is distinct from pg_temp.contained('pm.many', scope)
$$, 'Filed by one pair, every scope finds what it contains and nothing else');
select is((select filed_by::integer from pg_temp.groups('pm.many')), 1, 'A group of this size is filed by one pair');
update learning.override_index_groups set filed_count = filed_count + 30000 where pattern_key = 'pm.many';
select learning.refile_group((select id from pg_temp.groups('pm.many')), '{}');
select is((select filed_by::integer from pg_temp.groups('pm.many')), 2, 'A large group is filed by two');
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, enabled)
select 'pm_strength', 'pm.many', 'entry', pg_temp.scope((place % 5)::integer), random() < 0.9 from generate_series(1, 200) as place on conflict do nothing;
select is_empty($$
  select scope from candidates where pg_temp.found('pm.many', scope) is distinct from pg_temp.contained('pm.many', scope)
$$, 'Filed by two pairs, every scope finds what it contains and nothing else');

-- Uses are counted anew when a group has doubled.
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
select 'pm_strength', 'pm.grown', 'entry', jsonb_build_object('curator', 'v' || place % 10, 'intent', 'i' || place) from generate_series(1, 10) as place;
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
select 'pm_strength', 'pm.grown', 'entry', jsonb_build_object('curator', 'v' || place, 'chain', 'c' || place % 7) from generate_series(11, 1000) as place;
select is((select array[filed_count, counted_at] from pg_temp.groups('pm.grown')), '{1000,1000}', 'A group that has doubled is counted anew');
select is((select uses from learning.override_index_pairs join learning.override_index_groups filed on filed.id = group_id where pattern_key = 'pm.grown' and pair = 'chain=c1'),
  141, 'Its pairs are counted with it');

-- A bucket has room for so many groups and no more.
create temp table numbers as select last_value as taken from learning.override_index_groups_id_seq;
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset) values ('pm_strength', 'pm.grown', 'entry', '{}'), ('pm_strength', 'pm.new', 'entry', '{}');
select is((select last_value - taken from learning.override_index_groups_id_seq, numbers), 1::bigint, 'Only a group that is new takes a number');

truncate pm_overrides cascade;
select is_empty('select override_id from learning.override_index_entries', 'Truncated overrides are filed nowhere');

select setval(pg_get_serial_sequence('pm_overrides', 'id'), 100000);
-- A group outgrows its files in the statement that also brings overrides which its other trigger has yet to file.
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset) values ('pm_strength', 'pm.grown', 'entry', '{}');
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, enabled)
select 'pm_strength', 'pm.grown', 'entry', jsonb_build_object('curator', 'c' || place), false from generate_series(1, 600) place;
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
select 'pm_strength', 'pm.grown', 'entry', jsonb_build_object('curator', 'c' || place) from generate_series(1, 1200) place
on conflict (override_type, pattern_key, action_category, scope_digest) do update set enabled = true;
select results_eq($$ select filed_count from pg_temp.groups('pm.grown') $$, 'values (1201)', 'Overrides that are switched on while a group outgrows its files are filed once');
with moved as (
  update pm_overrides set pattern_key = 'pm.shrunk' where pattern_key = 'pm.grown' and scope_subset = '{}' returning id
)
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
select 'pm_strength', 'pm.grown', 'entry', jsonb_build_object('curator', 'd' || place) from generate_series(1, 3000) place, moved;
select results_eq($$ select filed_count from learning.override_index_groups where pattern_key in ('pm.grown', 'pm.shrunk') order by pattern_key $$, 'values (4200), (1)', 'One that leaves meanwhile is filed where it goes');
select is(pg_temp.found('pm.shrunk', '{"chain": "solana"}'), (select array[id] from pm_overrides where pattern_key = 'pm.shrunk'), 'and acts there');
delete from pm_overrides where pattern_key in ('pm.grown', 'pm.shrunk');
select is((select sum(filed_count) from learning.override_index_groups where pattern_key in ('pm.grown', 'pm.shrunk')), 0::bigint, 'Groups know when nothing is left');

select * from finish();
rollback;
