begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(11);

-- Overrides of one behaviour that a scope contains: by looking at each, and by the index.
create function pg_temp.contained(p_pattern_key text, scope jsonb) returns bigint[] language sql as $$
  select array_agg(override.id order by override.id)
  from public.pm_overrides override
  where override.pattern_key = p_pattern_key and override.enabled and override.scope_subset <@ scope;
$$;
create function pg_temp.found(p_pattern_key text, scope jsonb) returns bigint[] language sql as $$
  select array_agg(contained.override_id order by contained.override_id)
  from learning.override_index_groups index_group
  cross join lateral learning.contained_overrides(index_group, scope) as contained
  where index_group.pattern_key = p_pattern_key;
$$;
create function pg_temp.groups(p_pattern_key text) returns setof learning.override_index_groups language sql as $$
  select * from learning.override_index_groups index_group where index_group.pattern_key = p_pattern_key;
$$;

select is(learning.probe_overrides('pm_strength', 'pm.none', 'entry', '{"chain": "solana"}'), null,
  'For a behaviour without overrides there is nowhere to look');
insert into pm_overrides (id, override_type, pattern_key, action_category, scope_subset) values
  (100001, 'pm_strength', 'pm.a', 'entry', '{}'),
  (100002, 'pm_strength', 'pm.a', 'entry', '{"chain": "solana"}'),
  (100003, 'pm_strength', 'pm.a', 'entry', '{"chain": "solana", "timeframe": "1h"}'),
  (100004, 'pm_strength', 'pm.a', 'entry', '{"chain": "base", "timeframe": "1h"}'),
  (100005, 'pm_strength', 'pm.b', 'entry', '{"chain": "solana"}');
select is(pg_temp.found('pm.a', '{"chain": "solana", "timeframe": "1h", "curator": "known"}'), '{100001,100002,100003}',
  'A scope finds what it contains, the general one with it');
select is(pg_temp.found('pm.a', '{"chain": "eth"}'), '{100001}', 'A scope finds nothing of other values');
select is(pg_temp.found('pm.a', '{}'), '{100001}', 'The empty scope finds the general one');
select is((learning.probe_overrides('pm_strength', 'pm.a', 'entry', '{"chain": "eth"}')).most_specificity,
  learning.specificity(2), 'None is more specific than the one of most pairs');

-- Overrides in several statements, of more pairs than there are bits.
create function pg_temp.scope(depth integer) returns jsonb language sql as $$
  select coalesce(jsonb_object_agg(drawn.dim, 'v' || floor(40 * random() ^ 4)), '{}')
  from (select dimension.dim from public.scope_dimensions dimension order by random() limit depth) as drawn;
$$;
create function pg_temp.add_overrides(count integer, depths integer) returns void language sql as $$
  insert into public.pm_overrides (override_type, pattern_key, action_category, scope_subset, enabled)
  select 'pm_strength', 'pm.many', 'entry', pg_temp.scope(place % depths), random() < 0.9
  from generate_series(1, count) as place
  on conflict do nothing;
$$;
select setseed(0.4);
select pg_temp.add_overrides(100, 4);
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
select 'pm_strength', 'pm.many', 'entry', jsonb_build_object('curator', 'v' || place)
from generate_series(1, 300) as place
on conflict do nothing;
select pg_temp.add_overrides(400, 4);
create temp table candidates as
select case when place % 3 = 0 then jsonb_build_object('curator', 'v' || place) else '{}'::jsonb end
  || pg_temp.scope(10 + place % 7) as scope
from generate_series(1, 200) as place;
select ok(max(index_pair.number) > 256, 'The behaviour has more pairs than bits')
from learning.override_index_pairs index_pair
where index_pair.group_id = (select id from pg_temp.groups('pm.many'));
select cmp_ok((select sum(cardinality(pg_temp.contained('pm.many', scope))) from candidates), '>', 1000::bigint,
  'The candidates contain many of them');
select is_empty(
  $$ select scope from candidates
    where pg_temp.found('pm.many', scope) is distinct from pg_temp.contained('pm.many', scope) $$,
  'By keys of one pair, every scope finds what it contains and nothing else'
);
select is((select key_pairs::integer from pg_temp.groups('pm.many')), 1, 'A group of this size has such keys');
update learning.override_index_groups set entry_count = entry_count + 30000 where pattern_key = 'pm.many';
select learning.reindex_group((select id from pg_temp.groups('pm.many')), '{}');
select is((select key_pairs::integer from pg_temp.groups('pm.many')), 2, 'A large group has keys of two');
select pg_temp.add_overrides(200, 5);
select is_empty(
  $$ select scope from candidates
    where pg_temp.found('pm.many', scope) is distinct from pg_temp.contained('pm.many', scope) $$,
  'By keys of two pairs, every scope finds what it contains and nothing else'
);

select * from finish();
rollback;
