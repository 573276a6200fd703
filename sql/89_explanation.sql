-- Explanation: a size in readable lines, its figures from the formulas themselves.

create function learning.near_misses(candidate learning.candidate, at_most integer)
returns table (override_id bigint, scope_subset jsonb, dim text, given text, wanted text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  probe constant learning.override_probe := learning.probe_overrides(
    'pm_strength', candidate.pattern_key, candidate.action_category, candidate.scope
  );
  group_bits constant bigint := (probe.buckets[1] >> 40) << 40;
begin
  return query
  select near.override_id, near.scope_subset, pair.key, candidate.scope ->> pair.key, pair.value
  from (
    select index_entry.override_id, override.scope_subset,
      index_entry.specificity * index_entry.confidence as weight
    from learning.override_index_entries index_entry
    join public.pm_overrides override on override.id = index_entry.override_id
    where index_entry.bucket between group_bits and group_bits + (1::bigint << 40) - 1
      and bit_count((index_entry.pairs_1 & probe.lacking_1)::bit(64))
        + bit_count((index_entry.pairs_2 & probe.lacking_2)::bit(64)) <= 1
      and (
        select count(*)
        from jsonb_each_text(override.scope_subset) as pair
        where candidate.scope ->> pair.key is distinct from pair.value
      ) = 1
    order by index_entry.specificity * index_entry.confidence desc, index_entry.override_id
    limit at_most
  ) as near
  cross join lateral jsonb_each_text(near.scope_subset) as pair
  where candidate.scope ->> pair.key is distinct from pair.value
  order by near.weight desc, near.override_id;
end
$$;
comment on function learning.near_misses(learning.candidate, integer) is
  'The heaviest enabled overrides that a candidate contains but for one pair, and what it has in its place.';

create function learning.size_in_steps(sizing public.pm_sizing)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select format('base %s → learned %s → %s → %s %s → %s',
    learning.percent(sizing.size_frac_raw), learning.change_by(sizing.pm_strength),
    learning.percent(sizing.size_frac_raw * sizing.pm_strength),
    case when sizing.exposure_skew < 1 then 'crowded book' else 'room in the book' end,
    learning.change_by(sizing.exposure_skew), learning.percent(sizing.size_frac));
$$;
comment on function learning.size_in_steps(public.pm_sizing) is
  'What each factor makes of a size, one after the other.';

create function learning.explain_size(candidate learning.candidate, sizing public.pm_sizing)
returns setof text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  least_size constant float8 := learning.size_of_appetite(0);
begin
  return next format('%s %s in %s as of %s',
    candidate.pattern_key, candidate.action_category, candidate.scope, candidate.as_of);
  return next format('Size %s = %s (%s + %s × appetite %s) × strength %s × exposure skew %s%s',
    learning.rounded(sizing.size_frac), learning.rounded(sizing.size_frac_raw),
    learning.figure(least_size), learning.figure(learning.size_of_appetite(1) - least_size),
    learning.rounded(candidate.a_value), learning.rounded(sizing.pm_strength),
    learning.rounded(sizing.exposure_skew),
    case when sizing.size_frac_raw * sizing.pm_strength * sizing.exposure_skew > 1 then ', at most 1' end);
  if candidate.action_category in ('entry', 'add') then
    return next 'In steps: ' || learning.size_in_steps(sizing);
  end if;
  return next format('Allocation at most %s = base %s × strength × exposure skew; %s',
    learning.rounded(sizing.max_alloc_pct), learning.rounded(sizing.base_alloc_pct),
    case
      when sizing.timeframe_share is null then 'its timeframe has no share of its own'
      else format('timeframe %s has %s of it',
        candidate.scope ->> 'timeframe', learning.rounded(sizing.timeframe_share))
    end);
end
$$;
comment on function learning.explain_size(learning.candidate, public.pm_sizing) is
  'What was asked, and how its size and its allocation come about.';

create function learning.explain_strength(
  candidate learning.candidate, sizing public.pm_sizing, context learning.sizing_context
)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  size_mult constant public.learning_levers := context.size_mult;
  bounds constant record := learning.multiplier_bounds('pm_strength');
begin
  return case
    when not learning.overrides_enabled('pm_strength', context.config)
      then 'Overrides are switched off by flags.learning_overrides_enabled'
    when not learning.proof_allows(context.config)
      then 'Overrides rest: flags.require_proof is on and no proof of this configuration was shown'
    when not learning.overrides_act('pm_strength', candidate.scope, context.config)
      then format('Overrides rest: macro_phase %s is not among flags.learning_overrides_enabled_regimes',
        coalesce(learning.quoted(candidate.scope ->> 'macro_phase'), 'unknown'))
    when sizing.overrides = '[]' and sizing.mode = 'calibrated' then 'No slice says anything'
    when sizing.overrides = '[]' then 'No override acts'
    when sizing.mode = 'posture'
      then format('Mode posture: confidence %s steers by up to %s; '
        'appetite %s → %s, assertiveness %s → %s',
        learning.rounded(sizing.confidence), learning.rounded(sizing.steer_max),
        learning.rounded(candidate.a_value), learning.rounded(sizing.a_final),
        learning.rounded(candidate.e_value), learning.rounded(sizing.e_final))
    when sizing.mode = 'calibrated'
      then format('Mode calibrated: the strength is 1 and what is kept of each slice, times what was set by '
        'hand, from %s to %s; appetite %s → %s, assertiveness %s → %s',
        learning.rounded(bounds.lowest), learning.rounded(bounds.highest),
        learning.rounded(candidate.a_value), learning.rounded(sizing.a_final),
        learning.rounded(candidate.e_value), learning.rounded(sizing.e_final))
    when sizing.mode = 'multiplier'
      then format('Mode multiplier: the strength is 1 and what each override adds, from %s to %s',
        learning.rounded(bounds.lowest), learning.rounded(bounds.highest))
    else format('Mode edge_weighted: the strength is e to the sum of the pulls, within %s of the previous %s '
      'and from %s to %s',
      learning.rounded(size_mult.max_step), learning.rounded(candidate.previous_strength),
      learning.rounded(size_mult.lower_bound), learning.rounded(size_mult.upper_bound))
  end;
end
$$;
comment on function learning.explain_strength(
  learning.candidate, public.pm_sizing, learning.sizing_context
) is 'How the strength of a size comes about, in one line.';

create function learning.explain_contributions(contributions jsonb, config jsonb)
returns setof text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select case
    when contribution.entry ? 'rest'
      then format('  and %s more: weight %s, share %s, pull %s',
        contribution.entry ->> 'rest', number.weight, number.share, number.pull)
    when not contribution.entry ? 'id'
      then format('  slice %s: %s decisions, share %s, pull %s', contribution.entry -> 'scope_subset',
        number.weight, number.share, number.pull)
    else format('  override %s in %s: weight %s, share %s, pull %s%s',
      contribution.entry ->> 'id', contribution.entry -> 'scope_subset', number.weight, number.share,
      number.pull, (
        select '; ' || concat_ws(', ', learning.lesson_in_words(lesson, config), (
          select 'for a family of ' || learning.counted(count(*), 'lesson', 'lessons')
          from public.learning_lessons member_lesson
          where member_lesson.module = lesson.module
            and member_lesson.pattern_key = lesson.pattern_key
            and member_lesson.action_category = lesson.action_category and member_lesson.status = 'active'
            and member_lesson.family_scope = lesson.scope_subset
          having count(*) > 1
        ))
        from public.pm_overrides override
        join public.learning_lessons lesson on lesson.id = override.lesson_id
        where override.id = (contribution.entry ->> 'id')::bigint
      ))
  end
  from jsonb_array_elements(contributions) with ordinality as contribution(entry, place)
  cross join lateral (
    select learning.rounded((contribution.entry ->> 'weight')::float8) as weight,
      learning.rounded((contribution.entry ->> 'share')::float8) as share,
      case when (contribution.entry ->> 'pull')::float8 >= 0 then '+' else '' end
        || learning.rounded((contribution.entry ->> 'pull')::float8) as pull
  ) as number
  order by contribution.place;
end
$$;
comment on function learning.explain_contributions(jsonb, jsonb) is
  'The overrides that acted on a size, a line each.';

create function learning.explain_idle_overrides(candidate learning.candidate, config jsonb, at_most integer)
returns setof text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  act constant boolean := learning.overrides_act('pm_strength', candidate.scope, config);
begin
  return query
  select format('  set aside: override %s in %s, %s', override.id, override.scope_subset, case
    when config ->> 'strength_mode' = 'edge_weighted'
      then format('its weight %s is below %s',
        learning.rounded(match.weight), learning.figure(learning.least_edge_weight(1)))
    when terms.confidence = 0 then 'it has no confidence'
    when config ->> 'strength_mode' = 'calibrated' then 'the slices speak for what was learned'
    else format('its confidence %s is below %s and another''s is not',
      learning.rounded(terms.confidence), config #>> '{steering,confidence_min}')
  end)
  from learning.matched_overrides(candidate, config) as match
  join public.pm_overrides override on override.id = match.override_id
  join learning.override_terms terms on terms.override_id = match.override_id
  where act and match.share = 0
  order by match.weight desc, override.id
  limit at_most;
  return query
  select format('  nearly matched: override %s in %s, but %s is %s and not %s',
    near.override_id, near.scope_subset, near.dim, coalesce(learning.quoted(near.given), 'unknown'),
    learning.quoted(near.wanted))
  from learning.near_misses(candidate, at_most) as near;
  return query
  select format('  switched off: override %s in %s, by %s%s',
    override.id, override.scope_subset, override.disabled_by, coalesce(': ' || override.disabled_reason, ''))
  from public.pm_overrides override
  where override.override_type = 'pm_strength' and override.pattern_key = candidate.pattern_key
    and override.action_category = candidate.action_category and not override.enabled
    and override.scope_subset <@ candidate.scope
  order by override.scope_mask desc, override.id
  limit at_most;
end
$$;
comment on function learning.explain_idle_overrides(learning.candidate, jsonb, integer) is
  'The overrides that did not act on a size and could have: set aside, nearly matched or switched off.';

create function learning.explain_crowding(exposure jsonb, skew float8)
returns setof text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  free constant text := learning.figure(learning.skew_of_crowding(0));
  crowded constant text := learning.figure(learning.skew_of_crowding(1));
begin
  return next case
    when not (exposure ->> 'enabled')::boolean then 'Crowding is switched off by flags.exposure_skew_enabled'
    when exposure -> 'crowding' = 'null' then 'A scope that fills no mask is not skewed'
    when (exposure ->> 'total')::float8 = 0
      then format('Exposure skew %s, as exposure.empty says of a book that holds nothing',
        learning.rounded(skew))
    else format('Exposure skew %s = %s - crowding %s, from %s to %s; crowding = concentration %s / '
      '(alpha %s × weights %s × %s), at most 1',
      learning.rounded(skew), free, learning.rounded((exposure ->> 'crowding')::float8), crowded, free,
      learning.rounded((exposure ->> 'concentration')::float8), exposure ->> 'alpha',
      learning.rounded((exposure ->> 'weight_sum')::float8),
      case
        when (exposure ->> 'cap')::float8 < (exposure ->> 'total')::float8 then 'cap ' || (exposure ->> 'cap')
        else 'all that is held, ' || learning.rounded((exposure ->> 'total')::float8)
      end)
  end;
  return query
  select case
    when crowded_mask.entry ? 'rest'
      then format('  and %s masks more: concentration %s', crowded_mask.entry ->> 'rest',
        learning.rounded((crowded_mask.entry ->> 'concentration')::float8))
    else format('  %s held in %s, %s by the same behaviour; weight %s',
      learning.rounded((crowded_mask.entry ->> 'exposure')::float8), crowded_mask.entry -> 'scope',
      learning.rounded((crowded_mask.entry ->> 'pattern_exposure')::float8),
      learning.rounded((crowded_mask.entry ->> 'weight')::float8))
  end
  from jsonb_array_elements(exposure -> 'masks') with ordinality as crowded_mask(entry, place)
  order by crowded_mask.place;
end
$$;
comment on function learning.explain_crowding(jsonb, float8) is
  'How the skew of a size comes about, and the masks that made it.';

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
  candidate learning.candidate;
  sizings public.pm_sizing[];
  sizing public.pm_sizing;
  adds constant boolean := action_category in ('entry', 'add');
begin
  perform learning.require_pm();
  context := learning.sizing_context();
  candidate := learning.check_candidate(
    pattern_key, action_category, scope, a_value, e_value, previous_strength, as_of
  );
  sizings := learning.size_candidates(array[candidate]);
  sizing := sizings[1];

  return query select * from learning.explain_size(candidate, sizing);
  if sizing.ignored <> '{}' then
    return next 'Ignored, as no dimension has that name: ' || learning.ignored_in_words(sizing.ignored);
  end if;
  if not adds then
    return next format(
      'An action of category %s is steered, but neither scaled nor skewed', candidate.action_category
    );
  end if;
  return next learning.explain_strength(candidate, sizing, context);
  return query select * from learning.explain_calibration(
    candidate.pattern_key, candidate.action_category, candidate.scope, candidate.as_of, context.config
  );
  return query select * from learning.explain_contributions(sizing.overrides, context.config);
  return query select * from learning.explain_idle_overrides(candidate, context.config, 10);
  if adds then
    return query select * from learning.explain_crowding(sizing.exposure, sizing.exposure_skew);
  end if;
  return query
  select format('Mode %s would have said: strength %s, size %s, appetite %s, assertiveness %s', shadow.mode,
    learning.rounded((shadow.outcome ->> 'pm_strength')::float8),
    learning.rounded((shadow.outcome ->> 'size_frac')::float8),
    learning.rounded((shadow.outcome ->> 'a_final')::float8),
    learning.rounded((shadow.outcome ->> 'e_final')::float8))
  from jsonb_each(sizing.shadow) as shadow(mode, outcome)
  order by shadow.mode desc;
  return next format('Configuration version %s', sizing.config_version);
end
$$;
comment on function public.explain_pm_sizing(text, text, jsonb, float8, float8, float8, timestamptz) is
  'get_pm_sizing in readable lines, with the overrides that nearly matched and what kept them from it.';
