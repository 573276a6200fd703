-- Explanation: a size in readable lines.

create function learning.near_misses(candidate learning.candidate, at_most integer)
returns table (override_id bigint, scope_subset jsonb, dim text, given text, wanted text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  probe constant learning.override_probe :=
    learning.probe_overrides('pm_strength', candidate.pattern_key, candidate.action_category, candidate.scope);
  group_bits constant bigint := (probe.buckets[1] >> 40) << 40;
begin
  return query
  select near.override_id, near.scope_subset, pair.key, candidate.scope ->> pair.key, pair.value
  from (
    select held.override_id, made.scope_subset, held.specificity * held.confidence as weight
    from learning.override_index_entries held
    join public.pm_overrides made on made.id = held.override_id
    where held.bucket between group_bits and group_bits + (1::bigint << 40) - 1
      and bit_count((held.pairs_1 & probe.lacking_1)::bit(64)) + bit_count((held.pairs_2 & probe.lacking_2)::bit(64)) <= 1
      and (
        select count(*) from jsonb_each_text(made.scope_subset) as own where candidate.scope ->> own.key is distinct from own.value
      ) = 1
    order by held.specificity * held.confidence desc, held.override_id
    limit at_most
  ) as near
  cross join lateral jsonb_each_text(near.scope_subset) as pair
  where candidate.scope ->> pair.key is distinct from pair.value
  order by near.weight desc, near.override_id;
end
$$;
comment on function learning.near_misses(learning.candidate, integer) is
  'The heaviest enabled overrides that a candidate contains but for one pair, and what it has in its place.';

create function public.explain_pm_sizing(
  pattern_key text, action_category text, scope jsonb, a_value float8 default 0.5, e_value float8 default 0.5,
  previous_strength float8 default 1.0, as_of timestamptz default now()
)
returns setof text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  context learning.sizing_context;
  config jsonb;
  candidate learning.candidate;
  sizings public.pm_sizing[];
  sizing public.pm_sizing;
  acts boolean;
  adds boolean;
begin
  perform learning.require_pm();
  context := learning.sizing_context();
  config := context.config;
  candidate := learning.check_candidate(pattern_key, action_category, scope, a_value, e_value, previous_strength, as_of);
  sizings := learning.size_candidates(array[candidate]);
  sizing := sizings[1];
  acts := learning.overrides_act('pm_strength', candidate.scope, config);
  adds := candidate.action_category in ('entry', 'add');

  return next format('%s %s in %s as of %s', candidate.pattern_key, candidate.action_category, candidate.scope, candidate.as_of);
  return next format('Size %s = %s (0.10 + 0.50 × appetite %s) × strength %s × exposure skew %s%s',
    learning.rounded(sizing.size_frac), learning.rounded(sizing.size_frac_raw), learning.rounded(candidate.a_value),
    learning.rounded(sizing.pm_strength), learning.rounded(sizing.exposure_skew),
    case when sizing.size_frac_raw * sizing.pm_strength * sizing.exposure_skew > 1 then ', at most 1' end);
  return next format('Allocation at most %s = base %s × strength × exposure skew; %s',
    learning.rounded(sizing.max_alloc_pct), learning.rounded(sizing.base_alloc_pct),
    case when sizing.timeframe_share is null then 'its timeframe has no share of its own'
      else format('timeframe %s has %s of it', candidate.scope ->> 'timeframe', learning.rounded(sizing.timeframe_share)) end);
  if not adds then
    return next format('An action of category %s is steered, but neither scaled nor skewed', candidate.action_category);
  end if;

  return next case
    when not (config #>> '{flags,learning_overrides_enabled}')::boolean then 'Overrides are switched off by flags.learning_overrides_enabled'
    when not acts then format('Overrides rest: macro_phase %s is not among flags.learning_overrides_enabled_regimes',
      coalesce(learning.quoted(candidate.scope ->> 'macro_phase'), 'unknown'))
    when sizing.overrides = '[]'::jsonb then 'No override acts'
    when sizing.mode = 'posture' then format('Mode posture: confidence %s steers by up to %s; appetite %s → %s, assertiveness %s → %s',
      learning.rounded(sizing.confidence), learning.rounded(sizing.steer_max), learning.rounded(candidate.a_value),
      learning.rounded(sizing.a_final), learning.rounded(candidate.e_value), learning.rounded(sizing.e_final))
    when sizing.mode = 'multiplier' then 'Mode multiplier: the strength is 1 and what each override adds, from 0.3 to 3'
    else format('Mode edge_weighted: the strength is e to the sum of the pulls, within %s of the previous %s and from %s to %s',
      learning.rounded((context.size_mult).max_step), learning.rounded(candidate.previous_strength),
      learning.rounded((context.size_mult).lower_bound), learning.rounded((context.size_mult).upper_bound))
  end;
  return query
  select case when one.entry ? 'rest'
    then format('  and %s more: weight %s, share %s, pull %s', one.entry ->> 'rest', numbers.weight, numbers.share, numbers.pull)
    else format('  override %s in %s: weight %s, share %s, pull %s', one.entry ->> 'id', one.entry -> 'scope_subset', numbers.weight,
      numbers.share, numbers.pull) end
  from jsonb_array_elements(sizing.overrides) with ordinality as one(entry, place)
  cross join lateral (
    select learning.rounded((one.entry ->> 'weight')::float8) as weight, learning.rounded((one.entry ->> 'share')::float8) as share,
      case when (one.entry ->> 'pull')::float8 >= 0 then '+' else '' end || learning.rounded((one.entry ->> 'pull')::float8) as pull
  ) as numbers
  order by one.place;
  return query
  select format('  set aside: override %s in %s, %s', made.id, made.scope_subset, case
    when sizing.mode = 'edge_weighted' then format('its weight %s is below 0.02', learning.rounded(matched.weight))
    when terms.confidence = 0 then 'it has no confidence'
    else format('its confidence %s is below %s and another''s is not', learning.rounded(terms.confidence),
      config #>> '{steering,confidence_min}')
  end)
  from learning.matched_overrides(candidate, config) as matched
  join public.pm_overrides made on made.id = matched.override_id
  join learning.override_terms terms on terms.override_id = matched.override_id
  where acts and matched.share = 0
  order by matched.weight desc, made.id
  limit 10;
  return query
  select format('  nearly matched: override %s in %s, but %s is %s and not %s', near.override_id, near.scope_subset, near.dim,
    coalesce(learning.quoted(near.given), 'unknown'), learning.quoted(near.wanted))
  from learning.near_misses(candidate, 10) as near;
  return query
  select format('  switched off: override %s in %s, by %s%s', made.id, made.scope_subset, made.disabled_by,
    coalesce(': ' || made.disabled_reason, ''))
  from public.pm_overrides made
  where made.override_type = 'pm_strength' and made.pattern_key = candidate.pattern_key
    and made.action_category = candidate.action_category and not made.enabled and made.scope_subset <@ candidate.scope
  order by made.scope_mask desc, made.id
  limit 10;

  if adds then
    return next case
      when not (sizing.exposure ->> 'enabled')::boolean then 'Crowding is switched off by flags.exposure_skew_enabled'
      when sizing.exposure -> 'crowding' = 'null'::jsonb then 'A scope that fills no mask is not skewed'
      else format('Exposure skew %s = 1.33 - crowding %s, from 0.33 to 1.33; crowding = concentration %s / (alpha %s × weights %s × %s), at most 1',
        learning.rounded(sizing.exposure_skew), learning.rounded((sizing.exposure ->> 'crowding')::float8),
        learning.rounded((sizing.exposure ->> 'concentration')::float8), sizing.exposure ->> 'alpha',
        learning.rounded((sizing.exposure ->> 'weight_sum')::float8),
        case when (sizing.exposure ->> 'cap')::float8 < (sizing.exposure ->> 'total')::float8
          then 'cap ' || (sizing.exposure ->> 'cap') else 'all that is held, ' || learning.rounded((sizing.exposure ->> 'total')::float8) end)
    end;
    return query
    select case when one.entry ? 'rest'
      then format('  and %s masks more: concentration %s', one.entry ->> 'rest', learning.rounded((one.entry ->> 'concentration')::float8))
      else format('  %s held in %s, %s by the same behaviour; weight %s', learning.rounded((one.entry ->> 'exposure')::float8),
        one.entry -> 'scope', learning.rounded((one.entry ->> 'pattern_exposure')::float8),
        learning.rounded((one.entry ->> 'weight')::float8)) end
    from jsonb_array_elements(sizing.exposure -> 'masks') with ordinality as one(entry, place)
    order by one.place;
  end if;

  return query
  select format('Mode %s would have said: strength %s, size %s, appetite %s, assertiveness %s', other.key,
    learning.rounded((other.value ->> 'pm_strength')::float8), learning.rounded((other.value ->> 'size_frac')::float8),
    learning.rounded((other.value ->> 'a_final')::float8), learning.rounded((other.value ->> 'e_final')::float8))
  from jsonb_each(sizing.shadow) as other
  order by other.key desc;
  return next format('Configuration version %s', sizing.config_version);
end
$$;
comment on function public.explain_pm_sizing(text, text, jsonb, float8, float8, float8, timestamptz) is
  'get_pm_sizing in readable lines, with the overrides that nearly matched and what kept them from it.';
