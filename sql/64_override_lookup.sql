-- Look-up of overrides: those that a scope contains, by the index alone.

create type learning.override_probe as (
  buckets bigint[],
  lacking_1 bigint,
  lacking_2 bigint,
  most_specificity float8
);
comment on type learning.override_probe is
  'What a scope looks for in learning.override_index_entries: an override that it contains is in one of the '
  'buckets and has none of the lacking pairs.';
comment on column learning.override_probe.buckets is 'Where an override that the scope contains can be.';
comment on column learning.override_probe.lacking_1 is 'Which of the pairs 1 to 64 the scope lacks, as bits.';
comment on column learning.override_probe.lacking_2 is
  'Which of the pairs 65 to 127 the scope lacks, as bits.';
comment on column learning.override_probe.most_specificity is 'No override of the group is more specific.';

create function learning.probe_overrides(
  p_override_type text, p_pattern_key text, p_action_category text, scope jsonb
)
returns learning.override_probe
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  group_bits bigint;
  key_pairs smallint;
  most_pairs smallint;
  own_pairs bigint[];
  probe learning.override_probe;
begin
  select index_group.id::bigint << 40, index_group.key_pairs, index_group.most_pairs, own.numbers,
    own.buckets, own.lacking_1, own.lacking_2
  into group_bits, key_pairs, most_pairs, own_pairs, probe.buckets, probe.lacking_1, probe.lacking_2
  from learning.override_index_groups index_group
  cross join lateral (
    select array_agg(pair.number::bigint) as numbers,
      -- The empty scope's, and each pair's.
      (index_group.id::bigint << 40)
        || coalesce(array_agg((index_group.id::bigint << 40) | (pair.number::bigint << 20)), '{}') as buckets,
      ~coalesce(bit_or(1::bigint << (pair.number - 1)) filter (where pair.number <= 64), 0) as lacking_1,
      ~(coalesce(bit_or(1::bigint << (pair.number - 65)) filter (where pair.number between 65 and 127), 0)
        | (1::bigint << 63)) as lacking_2
    from (
      -- A join may read all of a group's pairs instead of looking for each.
      select (
        select index_pair.number from learning.override_index_pairs index_pair
        where index_pair.group_id = index_group.id and index_pair.pair = given.key || '=' || given.value
      ) as number
      from jsonb_each_text(scope) as given
      offset 0
    ) as pair
    where pair.number is not null
  ) as own
  where index_group.override_type = p_override_type and index_group.pattern_key = p_pattern_key
    and index_group.action_category = p_action_category;
  if group_bits is null then
    return null;
  end if;
  probe.most_specificity := learning.specificity(most_pairs);
  if key_pairs = 2 then
    probe.buckets := probe.buckets || array(
      select group_bits | (smaller.pair << 20) | larger.pair
      from unnest(own_pairs) as smaller(pair)
      join unnest(own_pairs) as larger(pair) on smaller.pair < larger.pair
    );
  end if;
  return probe;
end
$$;
comment on function learning.probe_overrides(text, text, text, jsonb) is
  'Where the index has the overrides that a scope contains; null where there can be none.';

create function learning.contains_override(scope jsonb, override_id bigint)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select override.scope_subset <@ scope from public.pm_overrides override
    where override.id = contains_override.override_id
  );
end
$$;
comment on function learning.contains_override(jsonb, bigint) is
  'Whether a scope contains an override with pairs that its index entry does not name.';

create function learning.contained_overrides(index_group learning.override_index_groups, scope jsonb)
returns setof learning.override_index_entries
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  probe constant learning.override_probe := learning.probe_overrides(
    index_group.override_type, index_group.pattern_key, index_group.action_category, scope
  );
begin
  return query
  select index_entry.*
  from learning.override_index_entries index_entry
  where index_entry.bucket = any (probe.buckets)
    and index_entry.pairs_1 & probe.lacking_1 = 0 and index_entry.pairs_2 & probe.lacking_2 = 0
    and (index_entry.pairs_2 >= 0 or learning.contains_override(scope, index_entry.override_id));
end
$$;
comment on function learning.contained_overrides(learning.override_index_groups, jsonb) is
  'The entries of a group''s overrides that a scope contains.';
