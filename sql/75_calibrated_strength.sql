-- Calibrated strength: what the slices that contain a scope say of it, as far as it held in weeks they had
-- not seen. A scope finds each of them by its key: codes of one value, or of two, of one group.

create type learning.said_by_slices as (
  module text,
  kappa float8,
  regime text,
  expected float8,
  is_opposed boolean,
  fade float8,
  sigma float8,
  weight float8,
  codes_1 integer[],
  codes_2 integer[],
  weights float8[],
  excesses float8[]
);
comment on type learning.said_by_slices is
  'What the slices that contain a scope say together; null where none does.';
comment on column learning.said_by_slices.module is 'Whose decisions they are.';
comment on column learning.said_by_slices.kappa is
  'How much of what they say held in weeks they had not seen.';
comment on column learning.said_by_slices.regime is
  'The regime whose weight kappa is; null where it is that of all decisions.';
comment on column learning.said_by_slices.expected is
  'What they say on average over their decisions, in standard deviations of the outcome, opposed or not.';
comment on column learning.said_by_slices.is_opposed is
  'Whether every believed lesson that contains the scope says the opposite, so that none of it acts.';
comment on column learning.said_by_slices.fade is
  'How much of it still acts, by the group''s newest evidence.';
comment on column learning.said_by_slices.sigma is 'Standard deviation of the outcome.';
comment on column learning.said_by_slices.weight is 'Their decisions, as they weigh.';
comment on column learning.said_by_slices.codes_1 is 'Code of the first pair of each.';
comment on column learning.said_by_slices.codes_2 is 'Code of the second pair of each.';
comment on column learning.said_by_slices.weights is 'Decisions of each, as they weigh.';
comment on column learning.said_by_slices.excesses is
  'By how much the outcomes of each exceed the mean, in standard deviations, summed.';

create function learning.regime_of(scope jsonb, regime_dimensions jsonb)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  dim text;
  signature text;
begin
  for dim in select jsonb_array_elements_text(regime_dimensions) loop
    if scope ->> dim is null then
      return null;
    end if;
    signature := concat_ws('|', signature, scope ->> dim);
  end loop;
  return signature;
end
$$;
comment on function learning.regime_of(jsonb, jsonb) is
  'The regime of a scope: its values of the dimensions that make one; null where it lacks one of them.';

create function learning.is_opposed(
  p_pattern_key text, p_action_category text, scope jsonb, p_expected float8
)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
as $$
begin
  -- One that does not oppose settles it, and is looked for first.
  return not exists (
    select from public.learning_effect_groups effect_group
    join public.learning_lessons lesson
      on lesson.module = effect_group.module and lesson.pattern_key = effect_group.pattern_key
      and lesson.action_category = effect_group.action_category
    where effect_group.pattern_key = p_pattern_key and effect_group.action_category = p_action_category
      and lesson.status = 'active' and lesson.edge_raw * p_expected >= 0 and lesson.scope_subset <@ scope
  ) and exists (
    select from public.learning_effect_groups effect_group
    join public.learning_lessons lesson
      on lesson.module = effect_group.module and lesson.pattern_key = effect_group.pattern_key
      and lesson.action_category = effect_group.action_category
    where effect_group.pattern_key = p_pattern_key and effect_group.action_category = p_action_category
      and lesson.status = 'active' and lesson.scope_subset <@ scope
  );
end
$$;
comment on function learning.is_opposed(text, text, jsonb, float8) is
  'Whether there are believed lessons that contain a scope, and all say the opposite of what is expected.';

create type learning.standing_calibration as (
  said learning.said_by_slices, group_id bigint, mean float8, memory integer
);
comment on type learning.standing_calibration is 'The calibration that holds for a behaviour in a scope.';
comment on column learning.standing_calibration.said is 'What is known before slices are asked.';
comment on column learning.standing_calibration.group_id is 'Group whose slices are asked; null: none.';
comment on column learning.standing_calibration.mean is 'Mean outcome that slices are held against.';
comment on column learning.standing_calibration.memory is 'Place among the memories; null: all is kept.';

create function learning.calibration_of(
  p_pattern_key text, p_action_category text, scope jsonb, as_of timestamptz, config jsonb
)
returns learning.standing_calibration
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  found_calibration record;
  said learning.said_by_slices;
begin
  -- Several modules may have learned about one key: the one that rests on most speaks for all of them.
  select effect_group.group_id, effect_group.module, effect_group.last_evidence_at, calibration.mean,
    calibration.sigma, calibration.kappa, calibration.half_life_weeks, calibration.regimes_act
  into found_calibration
  from public.learning_effect_groups effect_group
  join public.learning_calibration calibration using (module, action_category)
  where effect_group.pattern_key = p_pattern_key and effect_group.action_category = p_action_category
  order by effect_group.n desc, effect_group.group_id
  limit 1;
  if found_calibration.group_id is null then
    return null;
  end if;
  said.module := found_calibration.module;
  said.sigma := found_calibration.sigma;
  said.kappa := found_calibration.kappa;
  if found_calibration.regimes_act then
    select regime_weight.kappa, regime_weight.regime_signature into said.kappa, said.regime
    from public.learning_regime_weights regime_weight
    where regime_weight.module = found_calibration.module
      and regime_weight.action_category = p_action_category
      and regime_weight.regime_signature = learning.regime_of(scope, config -> 'regime_dimensions');
    said.kappa := coalesce(said.kappa, found_calibration.kappa);
  end if;
  said.fade := learning.fade(as_of, found_calibration.last_evidence_at,
    (config -> 'staleness_half_life_hours')::float8);
  return (
    said, found_calibration.group_id, found_calibration.mean,
    array_position(array[52, 26, 13]::float8[], found_calibration.half_life_weeks)
  );
end
$$;
comment on function learning.calibration_of(text, text, jsonb, timestamptz, jsonb) is
  'How much of what the slices of a behaviour say is kept, before they are asked; null: nothing is known.';

create function learning.ask_slices(
  p_pattern_key text, p_action_category text, scope jsonb, as_of timestamptz, config jsonb, even_luck boolean
)
returns learning.said_by_slices
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
  calibration learning.standing_calibration;
  said learning.said_by_slices;
  codes integer[];
  group_mean float8;
  group_sigma float8;
  faded_place integer;
begin
  calibration := learning.calibration_of(p_pattern_key, p_action_category, scope, as_of, config);
  said := calibration.said;
  if calibration.group_id is null or (said.kappa = 0 and not even_luck) then
    return null;
  end if;
  group_mean := calibration.mean;
  group_sigma := said.sigma;
  faded_place := calibration.memory;
  codes := array(
    select scope_value.code
    from jsonb_each_text(scope) as given
    join learning.scope_values scope_value
      on scope_value.dim = given.key and md5(scope_value.value) = md5(given.value)
      and scope_value.value = given.value
    order by given.key collate "C"
  );
  select sum(slice.weight), sum(slice.excess) / nullif(sum(slice.weight), 0), array_agg(slice.code_1),
    array_agg(slice.code_2), array_agg(slice.weight), array_agg(slice.excess)
  into said.weight, said.expected, said.codes_1, said.codes_2, said.weights, said.excesses
  from (
    select effect.code_1, effect.code_2, weighed.n as weight,
      (weighed.total - weighed.n * group_mean) / group_sigma as excess
    from (
      select 0 as code_1, 0 as code_2
      union all
      select unnest(codes), 0
      union all
      select codes[one], codes[other]
      from generate_subscripts(codes, 1) as one
      cross join lateral generate_series(one + 1, cardinality(codes)) as other
    ) as key
    join public.learning_effects effect
      on effect.group_id = calibration.group_id and effect.code_1 = key.code_1 and effect.code_2 = key.code_2
    cross join lateral (
      select case when faded_place is null then effect.n else effect.faded_n[faded_place] end as n,
        case when faded_place is null then effect.total else effect.faded_total[faded_place] end as total
    ) as weighed
  ) as slice;
  if said.expected is null then
    return null;
  end if;
  said.is_opposed := said.expected <> 0
    and learning.is_opposed(p_pattern_key, p_action_category, scope, said.expected);
  return said;
end
$$;
comment on function learning.ask_slices(text, text, jsonb, timestamptz, jsonb, boolean) is
  'What the slices that contain a scope say of it; null where none does, and where nothing would be kept '
  'unless asked for even so.';

create function learning.kept_of(said learning.said_by_slices)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when said.is_opposed then 0 else coalesce(said.kappa * said.expected * said.fade, 0) end;
end
$$;
comment on function learning.kept_of(learning.said_by_slices) is
  'What is kept of what slices say, in standard deviations: as much as held, faded, and nothing against all '
  'that is believed.';

create function learning.calibrated_strength(said learning.said_by_slices, multiplier_by_hand float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return learning.multiplier_within_bounds(
    'pm_strength', (1 + learning.kept_of(said)) * coalesce(multiplier_by_hand, 1)
  );
end
$$;
comment on function learning.calibrated_strength(learning.said_by_slices, float8) is
  'The strength in mode calibrated: what is kept of what slices say, times what was set by hand.';

create function learning.list_slices(said learning.said_by_slices, at_most integer)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with slices as (
    select slice.weight, slice.weight / said.weight as share,
      case when said.is_opposed then 0 else said.kappa * said.fade * slice.excess / said.weight end as pull,
      row_number() over (order by abs(slice.excess) desc, slice.code_1, slice.code_2) as place,
      slice.code_1, slice.code_2
    from unnest(said.codes_1, said.codes_2, said.weights, said.excesses)
      as slice(code_1, code_2, weight, excess)
  )
  select coalesce(
    (
      select jsonb_agg(jsonb_build_object('scope_subset', (
        select coalesce(jsonb_object_agg(scope_value.dim, scope_value.value), '{}'::jsonb)
        from learning.scope_values scope_value
        where scope_value.code in (slices.code_1, slices.code_2)
      ), 'weight', slices.weight, 'share', slices.share, 'pull', slices.pull) order by slices.place)
      from slices
      where slices.place <= at_most
    ), '[]'::jsonb
  ) || coalesce(
    (
      select jsonb_build_array(jsonb_build_object('rest', count(*), 'weight', sum(slices.weight),
        'share', sum(slices.share), 'pull', sum(slices.pull)))
      from slices
      where slices.place > at_most
      having count(*) > 0
    ), '[]'::jsonb
  );
$$;
comment on function learning.list_slices(learning.said_by_slices, integer) is
  'The slices that pull a strength most, and one entry for the rest.';

create function learning.trailing_mean(
  timeframe text, as_of timestamptz, by_risk boolean, out n bigint, out excess float8
)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select count(*) filter (where trade.timeframe = trailing_mean.timeframe),
    avg(outcome.y) filter (where trade.timeframe = trailing_mean.timeframe) - avg(outcome.y)
  from learning.closed_trades trade
  cross join lateral (select case when by_risk then trade.rr else trade.roi end as y) as outcome
  where trade.exit_at > as_of - interval '8 weeks' and trade.exit_at <= as_of;
$$;
comment on function learning.trailing_mean(text, timestamptz, boolean) is
  'How many trades of a timeframe were closed in the eight weeks before, and by how much they did better '
  'than all: what calibrated strength has to beat.';

create function learning.explain_calibration(
  p_pattern_key text, p_action_category text, scope jsonb, as_of timestamptz, config jsonb
)
returns setof text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  said constant learning.said_by_slices :=
    learning.ask_slices(p_pattern_key, p_action_category, scope, as_of, config, true);
  learned public.learning_calibration;
  recent constant record :=
    learning.trailing_mean(scope ->> 'timeframe', as_of, config ->> 'outcome' = 'rr');
begin
  if said.weight is null then
    return;
  end if;
  select calibration.* into learned
  from public.learning_calibration calibration
  where calibration.module = said.module and calibration.action_category = p_action_category;
  return next format('Of what the slices say, %s held in weeks they had not seen (%s in %s)%s%s',
    round((100 * said.kappa)::numeric) || ' %', learning.counted(learned.n, 'decision', 'decisions'),
    learning.counted(learned.weeks, 'week', 'weeks'), ' in regime ' || said.regime,
    '; what is ' || learned.half_life_weeks || ' weeks old counts half');
  return next format('  they say %s standard deviations; kept, faded to %s: %s',
    learning.rounded(said.expected), round((100 * said.fade)::numeric) || ' %', case
      when said.is_opposed then 'nothing, as every believed lesson that contains the scope says the opposite'
      else learning.rounded(learning.kept_of(said))
    end);
  return query
  select format('  by regime, which %s: %s',
    case when learned.regimes_act then 'acts' else 'does not act, as it did not hold' end,
    string_agg(format('%s %s in %s', regime_weight.regime_signature,
      round((100 * regime_weight.kappa)::numeric) || ' %',
      learning.counted(regime_weight.weeks, 'week', 'weeks')), ', ' order by regime_weight.regime_signature))
  from public.learning_regime_weights regime_weight
  where regime_weight.module = said.module and regime_weight.action_category = p_action_category
  having count(*) > 0;
  if recent.n > 0 then
    return next format('  beside it the mean of %s over eight weeks, %s: strength %s', scope ->> 'timeframe',
      learning.counted(recent.n, 'trade', 'trades'), learning.rounded(learning.multiplier_within_bounds(
        'pm_strength', 1 + recent.n / (recent.n + 50.0::float8) * recent.excess / said.sigma)));
  end if;
end
$$;
comment on function learning.explain_calibration(text, text, jsonb, timestamptz, jsonb) is
  'What the slices that contain a scope say of it and how much of that is kept, and beside it the trailing '
  'mean of its timeframe, in sentences.';
