-- Look-up of overrides: those that a scope contains, by the index alone.

create type learning.override_probe as (
  buckets bigint[],
  lacking_1 bigint,
  lacking_2 bigint,
  most_specificity float8
);
comment on type learning.override_probe is
  'What to look for in learning.override_index_entries: an override lies in one of the buckets and has none of the lacking pairs. None is more specific than most_specificity.';

create function learning.probe_overrides(override_type text, pattern_key text, action_category text, scope jsonb)
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
  filed_by smallint;
  most_pairs smallint;
  own_pairs bigint[];
  probe learning.override_probe;
begin
  select filed.id::bigint << 40, filed.filed_by, filed.most_pairs, own.numbers, own.buckets, own.lacking_1, own.lacking_2
  into group_bits, filed_by, most_pairs, own_pairs, probe.buckets, probe.lacking_1, probe.lacking_2
  from learning.override_index_groups filed
  cross join lateral (
    select array_agg(pair.number::bigint) as numbers,
      -- The empty scope, and each pair.
      (filed.id::bigint << 40) || coalesce(array_agg((filed.id::bigint << 40) | (pair.number::bigint << 20)), '{}') as buckets,
      ~coalesce(bit_or(1::bigint << (pair.number - 1)) filter (where pair.number <= 64), 0) as lacking_1,
      ~(coalesce(bit_or(1::bigint << (pair.number - 65)) filter (where pair.number between 65 and 127), 0) | (1::bigint << 63)) as lacking_2
    from (
      -- A join may read all of a group's pairs instead of looking for each.
      select (
        select known.number from learning.override_index_pairs known where known.group_id = filed.id and known.pair = given.key || '=' || given.value
      ) as number
      from jsonb_each_text(scope) as given
      offset 0
    ) as pair
    where pair.number is not null
  ) as own
  where filed.override_type = probe_overrides.override_type and filed.pattern_key = probe_overrides.pattern_key
    and filed.action_category = probe_overrides.action_category;
  if group_bits is null then
    return null;
  end if;
  probe.most_specificity := learning.specificity(most_pairs);
  if filed_by = 2 then
    probe.buckets := probe.buckets || array(
      select group_bits | (one.pair << 20) | other.pair
      from unnest(own_pairs) as one(pair)
      join unnest(own_pairs) as other(pair) on one.pair < other.pair
    );
  end if;
  return probe;
end
$$;
comment on function learning.probe_overrides(text, text, text, jsonb) is 'Where the overrides that a scope contains are filed; null where there can be none.';

create function learning.contains_override(scope jsonb, override_id bigint)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select made.scope_subset <@ scope from public.pm_overrides made where made.id = contains_override.override_id);
end
$$;
comment on function learning.contains_override(jsonb, bigint) is 'Whether a scope contains an override that has pairs which its filing does not name.';

create function learning.contained_overrides(filed learning.override_index_groups, scope jsonb)
returns setof learning.override_index_entries
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  probe constant learning.override_probe :=
    learning.probe_overrides(filed.override_type, filed.pattern_key, filed.action_category, scope);
begin
  return query
  select held.*
  from learning.override_index_entries held
  where held.bucket = any (probe.buckets)
    and held.pairs_1 & probe.lacking_1 = 0 and held.pairs_2 & probe.lacking_2 = 0
    and (held.pairs_2 >= 0 or learning.contains_override(scope, held.override_id));
end
$$;
comment on function learning.contained_overrides(learning.override_index_groups, jsonb) is 'The overrides of a group that a scope contains, as they are filed.';
