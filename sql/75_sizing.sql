-- Sizing: how large the next action should be, from what was learned and what is held, and why.

create type public.pm_sizing as (
  mode text,
  base_alloc_pct float8,
  timeframe_share float8,
  size_frac_raw float8,
  pm_strength float8,
  exposure_skew float8,
  size_frac float8,
  max_alloc_pct float8,
  a_final float8,
  e_final float8,
  confidence float8,
  steer_max float8,
  overrides jsonb,
  exposure jsonb,
  shadow jsonb,
  config_version integer,
  computed_at timestamptz
);
comment on type public.pm_sizing is 'Answer of get_pm_sizing: how large the action should be, and why.';
comment on column public.pm_sizing.mode is 'How learned strength acted: posture, multiplier or edge_weighted.';
comment on column public.pm_sizing.base_alloc_pct is 'Fraction of the book that the token gets before anything learned, over all its timeframes.';
comment on column public.pm_sizing.timeframe_share is 'Share of the candidate''s timeframe in it; null for a timeframe without a share.';
comment on column public.pm_sizing.size_frac_raw is 'Size before anything learned, from the appetite alone: 0.10 to 0.60.';
comment on column public.pm_sizing.pm_strength is 'Factor from what was learned; 1 is neutral and always for trims and exits.';
comment on column public.pm_sizing.exposure_skew is 'Factor from crowding, 0.33 to 1.33; 1 for trims and exits.';
comment on column public.pm_sizing.size_frac is 'Size to use: size_frac_raw times both factors, 0 to 1.';
comment on column public.pm_sizing.max_alloc_pct is 'base_alloc_pct times both factors.';
comment on column public.pm_sizing.a_final is 'Appetite to add after steering, 0 to 1.';
comment on column public.pm_sizing.e_final is 'Assertiveness to exit after steering, 0 to 1.';
comment on column public.pm_sizing.confidence is 'Confidence of the overrides that acted, blended by their weights; 0 where none did.';
comment on column public.pm_sizing.steer_max is 'Furthest that the posture could have been steered; 0 where nothing steers.';
comment on column public.pm_sizing.overrides is 'The overrides that acted, heaviest first: id, scope_subset, weight, share, pull; beyond 50 one entry for the rest.';
comment on column public.pm_sizing.exposure is 'Concentration and the masks that made it.';
comment on column public.pm_sizing.shadow is 'What the other two modes would have said, by mode.';
comment on column public.pm_sizing.config_version is 'Version of the configuration that held.';
comment on column public.pm_sizing.computed_at is 'When the answer was computed.';

create type public.pm_sizing_in_batch as (
  mode text,
  base_alloc_pct float8,
  timeframe_share float8,
  size_frac_raw float8,
  pm_strength float8,
  exposure_skew float8,
  size_frac float8,
  max_alloc_pct float8,
  a_final float8,
  e_final float8,
  confidence float8,
  steer_max float8,
  overrides jsonb,
  exposure jsonb,
  shadow jsonb,
  config_version integer,
  computed_at timestamptz,
  "position" integer,
  error jsonb
);
comment on type public.pm_sizing_in_batch is 'One answer of get_pm_sizing_batch: the columns of pm_sizing, and whose answer it is.';
comment on column public.pm_sizing_in_batch.position is 'Place of the candidate in the batch, from 1.';
comment on column public.pm_sizing_in_batch.error is 'Why the candidate could not be sized, as code, message, detail and hint; null where it was.';

create type public.pm_override_match as (
  id bigint,
  scope_subset jsonb,
  specificity float8,
  weight float8,
  share float8,
  acts boolean,
  confidence_score float8,
  multiplier float8,
  dir_a float8,
  dir_e float8,
  edge_raw float8,
  n integer,
  last_evidence_at timestamptz
);
comment on type public.pm_override_match is 'One answer of match_pm_overrides.';
comment on column public.pm_override_match.id is 'The override.';
comment on column public.pm_override_match.scope_subset is 'Its scope.';
comment on column public.pm_override_match.specificity is 'Dimensions of the scope plus one, to the power of 1.5.';
comment on column public.pm_override_match.weight is 'Its weight in the configured mode.';
comment on column public.pm_override_match.share is 'Its part of all weight that acts; 0 where it does not act.';
comment on column public.pm_override_match.acts is 'Whether it acts; false where it is set aside: for low confidence beside a higher one, for low weight, or because overrides are switched off.';
comment on column public.pm_override_match.confidence_score is 'Its confidence, 0.5 where none was given.';
comment on column public.pm_override_match.multiplier is 'Its multiplier after fading.';
comment on column public.pm_override_match.dir_a is 'Its direction for the appetite after fading.';
comment on column public.pm_override_match.dir_e is 'Its direction for the assertiveness after fading.';
comment on column public.pm_override_match.edge_raw is 'Its edge.';
comment on column public.pm_override_match.n is 'Trades it rests on.';
comment on column public.pm_override_match.last_evidence_at is 'Close of the newest trade behind it.';

create type learning.candidate as (
  pattern_key text,
  action_category text,
  scope jsonb,
  scope_mask integer,
  a_value float8,
  e_value float8,
  previous_strength float8,
  as_of timestamptz,
  as_of_us float8
);
comment on type learning.candidate is 'What a size is asked for, checked and in its normal form.';

create type learning.sizing_context as (
  config jsonb,
  config_version integer,
  base_alloc_pct float8,
  timeframes text[],
  timeframe_shares float8[],
  size_mult public.learning_levers
);
comment on type learning.sizing_context is 'What every candidate of a call has in common.';

create type learning.contribution as (
  id bigint,
  scope_subset jsonb,
  weight float8,
  share float8,
  pull float8
);
comment on type learning.contribution is 'What one override contributed to a size.';

create type learning.crowded_mask as (
  scope jsonb,
  weight float8,
  exposure float8,
  pattern_exposure float8
);
comment on type learning.crowded_mask is 'What one mask contributed to a candidate''s crowding.';

create type learning.strength_blend as (
  posture_confidence float8,
  steer float8,
  delta_a float8,
  delta_e float8,
  multiplier float8,
  log_multiplier float8,
  confidence float8,
  overrides integer,
  weight float8,
  pull float8,
  weight_unit float8,
  move_unit float8,
  edge_unit float8,
  least_weight float8,
  least_confidence float8,
  override_ids bigint[],
  scope_masks integer[],
  weights float8[],
  moves float8[]
);
comment on type learning.strength_blend is
  'What the overrides that a candidate contains say together, by mode; null where none acts. Of those that act in the configured mode: their confidence, number, weight and pull. Where asked for, one by one: id, mask of its scope, weight, and how far times weight it moves; what a unit of these and of its edge is worth; and the least weight and confidence to act.';

create type learning.light_edge as (weight float8, multiplier float8, confidence float8);
comment on type learning.light_edge is 'An override whose edge may weigh too little to act.';

create function learning.quoted(value text)
returns text
language sql
immutable
set search_path = ''
as $$
  select quote_literal(case when length(value) > 60 then left(value, 60) || '…' else value end);
$$;
comment on function learning.quoted(text) is 'A value as an error message quotes it, shortened.';

create function learning.without_dust(value float8)
returns float8
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case when abs(value) < 1e-50 then 0 else value end;
end
$$;
comment on function learning.without_dust(float8) is
  'A number, or 0 where it is next to nothing: a product of such leaves the range of numbers, which Postgres refuses.';

create function learning.check_candidate(
  pattern_key text, action_category text, scope jsonb, a_value float8, e_value float8, previous_strength float8, as_of timestamptz
)
returns learning.candidate
language plpgsql
stable
set search_path = ''
as $$
declare
  argument text;
  expected text;
  given text;
  candidate learning.candidate;
begin
  if pattern_key is null or btrim(pattern_key) = '' then
    argument := 'pattern_key'; expected := 'a behaviour such as pm.uptrend.S1.buy_flag'; given := pattern_key;
  elsif action_category is null or action_category not in ('entry', 'add', 'trim', 'exit') then
    argument := 'action_category'; expected := 'entry, add, trim or exit'; given := action_category;
  elsif scope is null or jsonb_typeof(scope) <> 'object' then
    argument := 'scope'; expected := 'an object of dimensions and texts'; given := left(scope::text, 61);
  elsif not a_value between 0 and 1 then
    argument := 'a_value'; expected := 'a number from 0 to 1'; given := a_value::text;
  elsif not e_value between 0 and 1 then
    argument := 'e_value'; expected := 'a number from 0 to 1'; given := e_value::text;
  elsif not (previous_strength > 0 and previous_strength <= 1e6) then
    argument := 'previous_strength'; expected := 'a number greater than 0 and at most 1e6'; given := previous_strength::text;
  elsif not isfinite(as_of) then
    argument := 'as_of'; expected := 'a finite time'; given := as_of::text;
  end if;
  if argument is not null then
    raise exception using
      errcode = '22023',
      message = format('Argument %s must be %s and is %s', argument, expected, coalesce(learning.quoted(given), 'null')),
      hint = format('Correct %s and ask again; nothing else was looked at.', argument);
  end if;
  candidate.pattern_key := case when pattern_key ^@ 'module=' or pattern_key <> btrim(pattern_key)
    then learning.dotted_pattern_key(pattern_key) else pattern_key end;
  candidate.action_category := action_category;
  candidate.scope := scope;
  candidate.scope_mask := learning.normal_scope_mask(scope);
  if candidate.scope_mask is null then
    candidate.scope := public.unified_scope(null, scope, null);
    candidate.scope_mask := learning.scope_mask(candidate.scope);
  end if;
  candidate.a_value := learning.without_dust(coalesce(a_value, 0.5));
  candidate.e_value := learning.without_dust(coalesce(e_value, 0.5));
  candidate.previous_strength := greatest(1e-50, coalesce(previous_strength, 1));
  candidate.as_of := coalesce(as_of, now());
  candidate.as_of_us := (extract(epoch from candidate.as_of) * 1000000)::float8;
  return candidate;
end
$$;
comment on function learning.check_candidate(text, text, jsonb, float8, float8, float8, timestamptz) is
  'Refuses malformed arguments with 22023 and a hint that names the argument; fills in what was left out and returns the rest in its normal form.';

create function learning.sizing_context()
returns learning.sizing_context
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  context learning.sizing_context;
begin
  select pm.config, pm.version, learning.without_dust((maker.config ->> 'default_allocation_pct')::float8), size_mult
  into context.config, context.config_version, context.base_alloc_pct, context.size_mult
  from learning.effective_configs pm
  left join learning.effective_configs maker on maker.module_id = 'decision_maker'
  left join public.learning_levers size_mult on size_mult.lever = 'size_mult'
  where pm.module_id = 'pm';
  select state.timeframes, state.shares into context.timeframes, context.timeframe_shares
  from learning.allocation_state() as state;
  return context;
end
$$;
comment on function learning.sizing_context() is 'Configuration, base allocation and learned shares, read once for a call.';

create function learning.overrides_act(scope jsonb, config jsonb)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
declare
  regimes constant jsonb := config #> '{flags,learning_overrides_enabled_regimes}';
begin
  return (config #>> '{flags,learning_overrides_enabled}')::boolean
    and (regimes = 'null'::jsonb or coalesce(regimes ? (scope ->> 'macro_phase'), false));
end
$$;
comment on function learning.overrides_act(jsonb, jsonb) is 'Whether strength overrides act at all in a scope''s macro phase.';

create function learning.steering_strength(confidence float8, steering jsonb)
returns float8
language plpgsql
immutable
set search_path = ''
as $$
begin
  return learning.without_dust(least((steering ->> 'max')::float8,
    (steering ->> 'base')::float8 + learning.without_dust((steering ->> 'gain')::float8) * confidence));
end
$$;
comment on function learning.steering_strength(float8, jsonb) is 'How far overrides of this confidence may steer the posture.';

create function learning.with_headroom(value float8, delta float8)
returns float8
language plpgsql
immutable
set search_path = ''
as $$
begin
  return greatest(0, least(1, case when delta >= 0 then value + delta * (1 - value) else value + delta * value end));
end
$$;
comment on function learning.with_headroom(float8, float8) is 'Moves a value in 0 to 1 by a share of the room left in that direction.';

-- In one pass: to keep for others what the first finds takes half as long as to find it. Planned once, for tables however large.
create function learning.blend_overrides(candidate learning.candidate, config jsonb, one_by_one boolean, even_resting boolean default false)
returns learning.strength_blend
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  by_posture constant boolean := config ->> 'strength_mode' = 'posture';
  by_multiplier constant boolean := config ->> 'strength_mode' = 'multiplier';
  by_edge constant boolean := config ->> 'strength_mode' = 'edge_weighted';
  adds constant boolean := candidate.action_category in ('entry', 'add');
  base_bias constant float8 := learning.without_dust((config #>> '{steering,base_bias}')::float8);
  biased constant boolean := base_bias <> 0;
  edge_scale constant float8 := greatest(1e-50, (config ->> 'edge_scale')::float8);
  fade_rate constant float8 := ln(2::float8) / (3.6e9 * greatest(1e-9, (config ->> 'staleness_half_life_hours')::float8));
  as_of_us constant float8 := candidate.as_of_us;
  -- Without any confidence an override has no weight.
  least_confidence float8 := greatest((config #>> '{steering,confidence_min}')::float8, 1e-50);
  probe learning.override_probe;
  buckets bigint[];
  lacking_1 bigint;
  lacking_2 bigint;
  surely_enough float8;
  sums record;
  light record;
  blend learning.strength_blend;
begin
  if not even_resting and not learning.overrides_act(candidate.scope, config) then
    return null;
  end if;
  probe := learning.probe_overrides('pm_strength', candidate.pattern_key, candidate.action_category, candidate.scope);
  buckets := probe.buckets;
  lacking_1 := probe.lacking_1;
  lacking_2 := probe.lacking_2;
  surely_enough := 0.02 * probe.most_specificity;

  loop
    select max(matches.specificity) as specificity, sum(matches.weight) as weight,
      sum(matches.faded_weight * (matches.multiplier - 1)) as gain,
      sum(case when by_edge then matches.edged_weight else matches.weight end * matches.confidence)
        filter (where by_multiplier or (by_edge and matches.edged_weight >= surely_enough)) as confidence,
      sum(matches.weight) filter (where matches.confident) as posture_weight,
      sum(matches.faded_weight * matches.dir_a) filter (where matches.confident) as dir_a,
      sum(matches.faded_weight * matches.dir_e) filter (where matches.confident) as dir_e,
      sum(matches.weight * matches.confidence) filter (where matches.confident) as posture_confidence,
      sum(matches.weight * matches.edge) filter (where biased and matches.confident) as edge,
      -- Which edges weigh enough is known when the most specific override is, and those that only may are kept until then.
      sum(matches.edged_weight) filter (where matches.edged_weight >= surely_enough) as edged_weight,
      sum(matches.edged_weight * ln(matches.multiplier)) filter (where matches.edged_weight >= surely_enough) as log_multiplier,
      array_agg(row(matches.edged_weight, matches.multiplier, matches.confidence)::learning.light_edge)
        filter (where matches.edged_weight < surely_enough and matches.edged_weight >= 0.02 * matches.specificity) as light,
      array_agg(matches.override_id) filter (where matches.listed) as override_ids,
      array_agg(matches.scope_mask) filter (where matches.listed) as scope_masks,
      array_agg(case when by_edge then matches.edged_weight else matches.weight end) filter (where matches.listed) as weights,
      array_agg(case
        when by_multiplier then matches.faded_weight * (matches.multiplier - 1)
        when by_edge then matches.edged_weight * ln(matches.multiplier)
        when adds then matches.faded_weight * matches.dir_a
        else matches.faded_weight * matches.dir_e
      end) filter (where matches.listed) as moves
    into sums
    from (
      select held.override_id, held.scope_mask, held.specificity, held.confidence, held.edge, held.multiplier, held.dir_a, held.dir_e,
        held.confidence >= least_confidence as confident,
        one_by_one and (even_resting or by_edge or held.confidence >= case when by_posture then least_confidence else 1e-50 end) as listed,
        held.specificity * held.confidence as weight,
        held.specificity * held.confidence * exp(greatest(-115, least(0, (held.evidence_us - as_of_us) * fade_rate))) as faded_weight,
        held.specificity * held.support * tanh(abs(held.edge) / edge_scale)
          * exp(greatest(-115, least(0, (held.evidence_us - as_of_us) / held.decay_us))) as edged_weight
      from learning.override_filings held
      where held.bucket = any (buckets)
        and held.pairs_1 & lacking_1 = 0 and held.pairs_2 & lacking_2 = 0
        and (held.pairs_2 >= 0 or learning.contains_override(candidate.scope, held.override_id))
      -- Keeps each from being computed once per use.
      offset 0
    ) as matches;
    -- Where none is confident, all are heeded.
    exit when sums.posture_weight > 0 or coalesce(sums.weight, 0) = 0;
    least_confidence := 1e-50;
  end loop;
  if sums.specificity is null then
    return null;
  end if;

  blend.least_weight := 0.02 * sums.specificity;
  if blend.least_weight < surely_enough then
    select sum(one.weight) as weight, sum(one.weight * ln(one.multiplier)) as log_multiplier, sum(one.weight * one.confidence) as confidence
    into light
    from unnest(sums.light) as one
    where one.weight >= blend.least_weight and one.weight > 0;
    if light.weight > 0 then
      sums.edged_weight := coalesce(sums.edged_weight, 0) + light.weight;
      sums.log_multiplier := coalesce(sums.log_multiplier, 0) + light.log_multiplier;
      if by_edge then
        sums.confidence := coalesce(sums.confidence, 0) + light.confidence;
      end if;
    end if;
  end if;

  blend.override_ids := sums.override_ids;
  blend.scope_masks := sums.scope_masks;
  blend.weights := sums.weights;
  blend.moves := sums.moves;
  blend.overrides := cardinality(sums.override_ids);
  blend.weight_unit := 1;
  blend.move_unit := 1;
  blend.edge_unit := 0;
  blend.log_multiplier := sums.log_multiplier / sums.edged_weight;
  if sums.posture_weight > 0 then
    blend.multiplier := 1 + sums.gain / sums.weight;
    blend.posture_confidence := sums.posture_confidence / sums.posture_weight;
    blend.steer := learning.steering_strength(blend.posture_confidence, config -> 'steering');
    blend.delta_a := blend.steer * (sums.dir_a / sums.posture_weight) + base_bias * coalesce(sums.edge / sums.posture_weight, 0);
    blend.delta_e := blend.steer * (sums.dir_e / sums.posture_weight);
  end if;
  if by_edge then
    blend.weight := sums.edged_weight;
    blend.confidence := sums.confidence / sums.edged_weight;
    blend.pull := blend.log_multiplier;
    blend.overrides := (select count(*) from unnest(sums.weights) as one(weight) where one.weight >= blend.least_weight and one.weight > 0);
    blend.weight_unit := sums.specificity;
    blend.least_confidence := 0;
    return blend;
  end if;
  blend.least_weight := 0;
  if by_multiplier then
    blend.weight := nullif(sums.weight, 0);
    blend.confidence := sums.confidence / blend.weight;
    blend.pull := blend.multiplier - 1;
    blend.least_confidence := 0;
  else
    blend.weight := nullif(sums.posture_weight, 0);
    blend.confidence := blend.posture_confidence;
    blend.move_unit := blend.steer;
    blend.edge_unit := case when adds then base_bias else 0 end;
    blend.pull := case when adds then blend.delta_a else blend.delta_e end;
    blend.least_confidence := least_confidence;
  end if;
  return blend;
end
$$;
comment on function learning.blend_overrides(learning.candidate, jsonb, boolean, boolean) is
  'Blends the overrides that a candidate contains, in every mode; null where there are none, and where they rest in its macro phase unless asked for even so.';

create function learning.list_contributions(blend learning.strength_blend, scope jsonb, at_most integer)
returns jsonb
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  -- Once and not for every override.
  override_ids constant bigint[] := blend.override_ids;
  scope_masks constant integer[] := blend.scope_masks;
  weights constant float8[] := blend.weights;
  moves constant float8[] := blend.moves;
  least_weight constant float8 := greatest(blend.least_weight, 1e-300);
  total_weight constant float8 := blend.weight;
  weight_unit constant float8 := blend.weight_unit;
  move_unit constant float8 := blend.move_unit;
  edge_unit constant float8 := blend.edge_unit;
  listed record;
  scopes jsonb[];
  contributions learning.contribution[];
begin
  if coalesce(total_weight, 0) = 0 then
    return '[]'::jsonb;
  end if;
  select array_agg(heaviest.override_id) as override_ids, array_agg(heaviest.scope_mask) as scope_masks,
    array_agg(heaviest.weight) as weights, array_agg(heaviest.pull) as pulls, sum(heaviest.weight) as weight, sum(heaviest.pull) as pull
  into listed
  from (
    select acting.override_id, acting.scope_mask, acting.weight,
      (acting.move * move_unit + case
        when edge_unit = 0 then 0
        else edge_unit * acting.weight
          * (select terms.edge from learning.override_terms terms where terms.override_id = acting.override_id)
      end) / total_weight as pull
    from (
      select unnest(override_ids) as override_id, unnest(scope_masks) as scope_mask, unnest(weights) as weight, unnest(moves) as move
    ) as acting
    where acting.weight >= least_weight
    order by acting.weight desc, acting.override_id
    limit at_most
  ) as heaviest;
  scopes := learning.scopes_within(scope, listed.scope_masks);
  select array_agg(
    row(one.override_id, one.scope_subset, one.weight / weight_unit, one.weight / total_weight, one.pull)::learning.contribution
  ) into contributions
  from (
    select unnest(listed.override_ids) as override_id, unnest(scopes) as scope_subset, unnest(listed.weights) as weight,
      unnest(listed.pulls) as pull
  ) as one;
  return to_jsonb(contributions) || case when blend.overrides > at_most
    then jsonb_build_object('rest', blend.overrides - at_most, 'weight', (total_weight - listed.weight) / weight_unit,
      'share', 1 - listed.weight / total_weight, 'pull', blend.pull - listed.pull)
    else '[]' end;
end
$$;
comment on function learning.list_contributions(learning.strength_blend, jsonb, integer) is
  'The heaviest of the overrides that act in a blend of those that the scope contains, and the rest in one entry: multiplied out, what the blend says.';

create function learning.matched_overrides(candidate learning.candidate, config jsonb)
returns table (override_id bigint, weight float8, share float8)
language plpgsql
stable
set search_path = ''
as $$
declare
  blend constant learning.strength_blend := learning.blend_overrides(candidate, config, true, true);
begin
  return query
  select one.override_id, one.weight / blend.weight_unit,
    case when one.weight > 0 and one.weight >= blend.least_weight and terms.confidence >= blend.least_confidence
      then one.weight / blend.weight else 0 end
  from unnest(blend.override_ids, blend.weights) as one(override_id, weight)
  join learning.override_terms terms on terms.override_id = one.override_id;
end
$$;
comment on function learning.matched_overrides(learning.candidate, jsonb) is
  'The enabled strength overrides that a candidate contains, with their weight in the configured mode and their share of all weight that acts: 0 where they are set aside.';

create function learning.measure_exposure(candidates learning.candidate[], config jsonb)
returns learning.exposure_measure[]
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
declare
  alpha constant float8 := greatest(1e-50, (config #>> '{exposure,alpha}')::float8);
  beta constant float8 := learning.without_dust((config #>> '{exposure,beta}')::float8);
  log_pattern_weight constant float8 := case when beta > 0 then ln(beta) - ln(alpha) end;
  cap constant float8 := (config #>> '{exposure,cap}')::float8;
  enabled constant boolean := (config #>> '{flags,exposure_skew_enabled}')::boolean;
  full_counts constant boolean := learning.full_scope_counts(config);
  candidate learning.candidate;
  candidate_scope jsonb;
  candidate_key text;
  filled integer;
  total float8;
  held_mask integer;
  full_at float8;
  full_adds boolean;
  full_exposure float8;
  full_pattern_exposure float8;
  full_log_weight float8;
  log_scale float8;
  weight_sum float8;
  found learning.scope_cells;
  masks integer[];
  log_weights float8[];
  places bigint[];
  overlap float8;
  crowded_masks bigint;
  listed_overlap float8;
  heaviest learning.crowded_mask[];
  crowding float8;
  measure learning.exposure_measure;
  measures learning.exposure_measure[] := array[]::learning.exposure_measure[];
begin
  select coalesce(sum(held.exposure), 0), coalesce(bit_or(held.scope_mask), 0) into total, held_mask from learning.position_scopes held;
  full_at := greatest(1e-50, least(total, cap));

  foreach candidate in array candidates loop
    if candidate.action_category not in ('entry', 'add') then
      measures := measures || row(1, '{"enabled": false, "masks": []}'::jsonb)::learning.exposure_measure;
      continue;
    end if;
    candidate_scope := candidate.scope;
    candidate_key := candidate.pattern_key;
    filled := candidate.scope_mask;

    found := learning.cells_of(candidate_scope, filled, filled & held_mask, candidate_key, false);
    full_adds := full_counts and filled <> 0 and not coalesce(found.full_is_configured, false);
    full_log_weight := case when full_adds then learning.mask_log_weight(filled, config) end;
    log_scale := greatest(found.log_scale, full_log_weight);
    if log_scale > -30 then
      log_scale := 0;
      weight_sum := coalesce(found.weight_sum, 0);
    else
      -- What a large exponent makes of a weight by itself is out of the range of numbers: by the heaviest one, then.
      select coalesce(sum(exp(greatest(-115, known.log_weight - log_scale))), 0) into weight_sum
      from learning.exposure_masks known
      where known.mask & filled = known.mask;
    end if;
    weight_sum := weight_sum + case when full_adds then exp(greatest(-115, full_log_weight - log_scale)) else 0 end;

    full_exposure := null;
    full_pattern_exposure := null;
    if full_adds and filled & held_mask = filled then
      select sum(held.exposure), sum(held.exposure) filter (where held.pattern_key = candidate_key)
      into full_exposure, full_pattern_exposure
      from learning.position_scopes held
      where held.scope_mask & filled = filled and held.scope @> candidate_scope;
    end if;

    masks := found.masks;
    log_weights := found.log_weights;
    places := found.places || found.pattern_places;
    select coalesce(sum(ranked.part), 0), count(*), coalesce(sum(ranked.part) filter (where ranked.rank <= 20), 0),
      array_agg(
        row(case when ranked.cell is null then candidate_scope else ('{' || ranked.cell || '}')::jsonb end,
          exp(greatest(-700, ranked.log_weight)), ranked.exposure, ranked.pattern_exposure)::learning.crowded_mask
        order by ranked.rank
      ) filter (where ranked.rank <= 20)
    into overlap, crowded_masks, listed_overlap, heaviest
    from (
      select counted.*, row_number() over (order by counted.part desc, counted.cell) as rank
      from (
        select crowded.*,
          -- Nothing where it is next to nothing, and no more than fills any book: beyond, products leave the range of numbers.
          case when crowded.log_weight - log_scale > -320 then exp(crowded.log_weight - log_scale) * crowded.exposure else 0 end
            + case
                when crowded.log_weight - log_scale + log_pattern_weight > -320
                  then exp(least(230, crowded.log_weight - log_scale + log_pattern_weight)) * crowded.pattern_exposure
                else 0
              end as part
        from (
          select held.cell, held.exposure, held.pattern_exposure, made.log_weight
          from (
            select cell.mask, max(cell.cell) as cell, coalesce(sum(cell.exposure) filter (where cell.pattern_key is null), 0) as exposure,
              coalesce(sum(cell.exposure) filter (where cell.pattern_key is not null), 0) as pattern_exposure
            from learning.exposure_cells cell
            where cell.place = any (places)
            group by cell.mask
          ) as held
          join (select unnest(masks) as mask, unnest(log_weights) as log_weight) as made on made.mask = held.mask
          union all
          select null, full_exposure, coalesce(full_pattern_exposure, 0), full_log_weight
          where full_exposure > 0
        ) as crowded
      ) as counted
    ) as ranked;

    -- Where nothing is held, what the cells sum up to is a rounding error.
    crowding := case when weight_sum > 0 then case when total > 0 then greatest(0, least(1, overlap / (weight_sum * full_at))) else 0 end end;
    measure.skew := case when enabled and crowding is not null then greatest(0.33, least(1.33, 1.33 - crowding)) else 1 end;
    measure.explanation := jsonb_build_object(
      'enabled', enabled, 'alpha', alpha, 'beta', beta, 'total', total, 'cap', cap,
      'weight_sum', case when weight_sum > 0 then weight_sum * exp(greatest(-115, log_scale)) else 0 end,
      'concentration', case when weight_sum > 0 then alpha * overlap * exp(greatest(-115, log_scale)) else 0 end,
      'crowding', crowding,
      'masks', coalesce(to_jsonb(heaviest), '[]') || case when crowded_masks > 20
        then jsonb_build_object('rest', crowded_masks - 20, 'concentration', alpha * (overlap - listed_overlap) * exp(greatest(-115, log_scale)))
        else '[]' end
    );
    measures := measures || measure;
  end loop;
  return measures;
end
$$;
comment on function learning.measure_exposure(learning.candidate[], jsonb) is
  'Crowding of each candidate''s scope by what is held: the skew of its size and the masks that made it, the 20 heaviest and the rest in one entry.';

-- As its owner: to ask for each table it reads whether the user may read it took a pm a sixth of the whole call.
create function learning.size_candidates(candidates learning.candidate[])
returns public.pm_sizing[]
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  context constant learning.sizing_context := learning.sizing_context();
  config constant jsonb := context.config;
  configured constant text := config ->> 'strength_mode';
  size_mult constant public.learning_levers := context.size_mult;
  crowdings learning.exposure_measure[];
  sizings public.pm_sizing[] := array[]::public.pm_sizing[];
  candidate learning.candidate;
  blend learning.strength_blend;
  crowding learning.exposure_measure;
  sizing public.pm_sizing;
  mode text;
  strength float8;
  steer float8;
  a_steered float8;
  e_steered float8;
  shadow jsonb;
begin
  perform learning.require_pm();
  crowdings := learning.measure_exposure(candidates, config);
  for place in 1 .. cardinality(candidates) loop
    candidate := candidates[place];
    blend := learning.blend_overrides(candidate, config, true);
    sizing.mode := configured;
    sizing.base_alloc_pct := context.base_alloc_pct;
    sizing.timeframe_share := context.timeframe_shares[array_position(context.timeframes, candidate.scope ->> 'timeframe')];
    sizing.size_frac_raw := 0.10 + 0.50 * candidate.a_value;
    sizing.overrides := learning.list_contributions(blend, candidate.scope, 50);
    crowding := crowdings[place];
    sizing.exposure_skew := crowding.skew;
    sizing.exposure := crowding.explanation;

    shadow := '{}'::jsonb;
    foreach mode in array array['posture', 'multiplier', 'edge_weighted'] loop
      a_steered := candidate.a_value;
      e_steered := candidate.e_value;
      steer := 0;
      strength := 1;
      if mode = 'posture' then
        if blend.posture_confidence is not null then
          steer := blend.steer;
          a_steered := learning.with_headroom(candidate.a_value, blend.delta_a);
          e_steered := learning.with_headroom(candidate.e_value, blend.delta_e);
          strength := (0.10 + 0.50 * a_steered) / sizing.size_frac_raw;
        end if;
      elsif mode = 'multiplier' then
        strength := greatest(0.3, least(3.0, coalesce(blend.multiplier, 1)));
      elsif blend.log_multiplier is not null and size_mult.lever is not null then
        strength := exp(greatest(-700, least(700, blend.log_multiplier)));
        strength := greatest(candidate.previous_strength / (1 + size_mult.max_step),
          least(candidate.previous_strength * (1 + size_mult.max_step), strength));
        strength := greatest(size_mult.lower_bound, least(size_mult.upper_bound, strength));
      end if;
      if candidate.action_category not in ('entry', 'add') then
        strength := 1;
      end if;
      if mode = configured then
        sizing.pm_strength := strength;
        sizing.size_frac := greatest(0, least(1, sizing.size_frac_raw * strength * sizing.exposure_skew));
        sizing.max_alloc_pct := sizing.base_alloc_pct * strength * sizing.exposure_skew;
        sizing.a_final := a_steered;
        sizing.e_final := e_steered;
        sizing.confidence := coalesce(blend.confidence, 0);
        sizing.steer_max := steer;
      else
        shadow := shadow || jsonb_build_object(mode, jsonb_build_object(
          'pm_strength', strength,
          'size_frac', greatest(0, least(1, sizing.size_frac_raw * strength * sizing.exposure_skew)),
          'max_alloc_pct', sizing.base_alloc_pct * strength * sizing.exposure_skew,
          'a_final', a_steered,
          'e_final', e_steered
        ));
      end if;
    end loop;
    sizing.shadow := shadow;
    sizing.config_version := context.config_version;
    sizing.computed_at := now();
    sizings[place] := sizing;
  end loop;
  return sizings;
end
$$;
comment on function learning.size_candidates(learning.candidate[]) is 'Sizes candidates, in their order; for those who may ask, whatever they may read.';

create function public.get_pm_sizing(
  pattern_key text, action_category text, scope jsonb, a_value float8 default 0.5, e_value float8 default 0.5,
  previous_strength float8 default 1.0, as_of timestamptz default now()
)
returns public.pm_sizing
language plpgsql
stable
set search_path = ''
as $$
declare
  sizings public.pm_sizing[];
begin
  perform learning.require_pm();
  sizings := learning.size_candidates(
    array[learning.check_candidate(pattern_key, action_category, scope, a_value, e_value, previous_strength, as_of)]
  );
  return sizings[1];
end
$$;
comment on function public.get_pm_sizing(text, text, jsonb, float8, float8, float8, timestamptz) is
  'How large the next action should be: learned strength and crowding applied to the size that the appetite asks for.';

create function learning.read_candidate(given jsonb)
returns learning.candidate
language plpgsql
stable
set search_path = ''
as $$
declare
  arguments constant text[] := array['pattern_key', 'action_category', 'scope', 'a_value', 'e_value', 'previous_strength', 'as_of'];
  argument text;
  a_value float8;
  e_value float8;
  previous_strength float8;
  as_of timestamptz;
begin
  if jsonb_typeof(given) <> 'object' then
    raise exception using
      errcode = '22023',
      message = format('A candidate must be an object and is %s', learning.quoted(left(given::text, 61))),
      hint = 'Give each of candidates the arguments of get_pm_sizing by name.';
  end if;
  if given - arguments <> '{}'::jsonb then
    select min(unknown.name) into argument from jsonb_object_keys(given - arguments) as unknown(name);
    raise exception using
      errcode = '22023',
      message = format('A candidate has no argument %s', learning.quoted(argument)),
      hint = 'The arguments are ' || array_to_string(arguments, ', ') || '.';
  end if;
  begin
    argument := 'a_value';
    a_value := (given ->> argument)::float8;
    argument := 'e_value';
    e_value := (given ->> argument)::float8;
    argument := 'previous_strength';
    previous_strength := (given ->> argument)::float8;
    argument := 'as_of';
    as_of := (given ->> argument)::timestamptz;
  exception when data_exception then
    raise exception using
      errcode = '22023',
      message = format('Argument %s must be a %s and is %s', argument, case argument when 'as_of' then 'time' else 'number' end,
        learning.quoted(given ->> argument)),
      hint = format('Correct %s and ask again; nothing else was looked at.', argument);
  end;
  return learning.check_candidate(given ->> 'pattern_key', given ->> 'action_category', given -> 'scope', a_value, e_value,
    previous_strength, as_of);
end
$$;
comment on function learning.read_candidate(jsonb) is 'A candidate of a batch, checked.';

create function public.get_pm_sizing_batch(candidates jsonb)
returns setof public.pm_sizing_in_batch
language plpgsql
stable
set search_path = ''
as $$
declare
  asked learning.candidate[] := array[]::learning.candidate[];
  places integer[] := array[]::integer[];
  errors jsonb := '{}'::jsonb;
  sizings public.pm_sizing[];
  fault_state text;
  fault_message text;
  fault_detail text;
  fault_hint text;
begin
  perform learning.require_pm();
  if candidates is null or jsonb_typeof(candidates) <> 'array' or jsonb_array_length(candidates) > 1000 then
    raise exception using
      errcode = '22023',
      message = format('Argument candidates must be an array of at most 1000 objects and is %s',
        case jsonb_typeof(candidates) when 'array' then 'an array of ' || jsonb_array_length(candidates)
          else coalesce(learning.quoted(left(candidates::text, 61)), 'null') end),
      hint = 'Split candidates into several calls.';
  end if;
  for place in 1 .. jsonb_array_length(candidates) loop
    begin
      asked := asked || learning.read_candidate(candidates -> place - 1);
      places := places || place;
    exception when data_exception then
      get stacked diagnostics fault_state = returned_sqlstate, fault_message = message_text, fault_detail = pg_exception_detail,
        fault_hint = pg_exception_hint;
      errors := errors || jsonb_build_object(place, jsonb_build_object('code', fault_state, 'message', fault_message,
        'details', nullif(fault_detail, ''), 'hint', nullif(fault_hint, '')));
    end;
  end loop;
  sizings := learning.size_candidates(asked);
  return query
  select sizing.mode, sizing.base_alloc_pct, sizing.timeframe_share, sizing.size_frac_raw, sizing.pm_strength, sizing.exposure_skew,
    sizing.size_frac, sizing.max_alloc_pct, sizing.a_final, sizing.e_final, sizing.confidence, sizing.steer_max, sizing.overrides,
    sizing.exposure, sizing.shadow, sizing.config_version, sizing.computed_at, answer.place, errors -> answer.place::text
  from generate_series(1, jsonb_array_length(candidates)) as answer(place)
  left join (
    select answered.place, sized.*
    from unnest(places) with ordinality as answered(place, rank)
    join unnest(sizings) with ordinality as sized(mode, base_alloc_pct, timeframe_share, size_frac_raw, pm_strength, exposure_skew,
      size_frac, max_alloc_pct, a_final, e_final, confidence, steer_max, overrides, exposure, shadow, config_version, computed_at, rank)
      on sized.rank = answered.rank
  ) as sizing on sizing.place = answer.place
  order by answer.place;
end
$$;
comment on function public.get_pm_sizing_batch(jsonb) is
  'get_pm_sizing for up to 1000 candidates at once, in their order; a candidate that cannot be sized says why in its own row.';

create function public.match_pm_overrides(pattern_key text, action_category text, scope jsonb)
returns setof public.pm_override_match
language plpgsql
stable
set search_path = ''
as $$
declare
  config constant jsonb := learning.config();
  candidate learning.candidate;
  acts boolean;
begin
  perform learning.require_pm();
  candidate := learning.check_candidate(pattern_key, action_category, scope, null, null, null, null);
  acts := learning.overrides_act(candidate.scope, config);
  return query
  select matched.override_id, made.scope_subset, terms.specificity, matched.weight, case when acts then matched.share else 0 end,
    acts and matched.share > 0, terms.confidence, 1 + (terms.multiplier - 1) * faded.fade, terms.dir_a * faded.fade,
    terms.dir_e * faded.fade, made.edge_raw, made.n, made.last_evidence_at
  from learning.matched_overrides(candidate, config) as matched
  join public.pm_overrides made on made.id = matched.override_id
  join learning.override_terms terms on terms.override_id = matched.override_id
  cross join lateral (
    select learning.fade(candidate.as_of, made.last_evidence_at, (config ->> 'staleness_half_life_hours')::float8) as fade offset 0
  ) as faded
  order by matched.weight desc, matched.override_id;
end
$$;
comment on function public.match_pm_overrides(text, text, jsonb) is
  'The enabled overrides that a scope contains, heaviest first, with the weight they have in the configured mode.';

create function learning.rounded(value float8)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  return trim_scale(round(value::numeric, 6))::text;
end
$$;
comment on function learning.rounded(float8) is 'A number for a person to read.';

create function learning.near_misses(candidate learning.candidate, at_most integer)
returns table (override_id bigint, scope_subset jsonb, dim text, given text, wanted text)
language plpgsql
stable
set search_path = ''
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
    from learning.override_filings held
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
set search_path = ''
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
  acts := learning.overrides_act(candidate.scope, config);
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

create function public.get_pm_config()
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  perform learning.require_pm();
  return learning.config() || jsonb_build_object('release', learning.release());
end
$$;
comment on function public.get_pm_config() is 'The configuration that holds for the PM, defaults included, and the release.';

create function learning.finite_number(value jsonb)
returns float8
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case when jsonb_typeof(value) = 'number' and abs(value::numeric) < 1e300 then value::float8 end;
end
$$;
comment on function learning.finite_number(jsonb) is 'A number of a message; null where it holds something else.';

create view public.pm_sizing_audit
with (security_invoker = true)
as
select action.id as action_strand_id, action.created_at as acted_at, action.content ->> 'trade_id' as trade_id,
  action.position_id, action.symbol, action.timeframe,
  learning.dotted_pattern_key(action.content ->> 'pattern_key') as pattern_key, action.content ->> 'action_category' as action_category,
  learning.finite_number(action.content -> 'a_value') as a_value, learning.finite_number(action.content -> 'e_value') as e_value,
  learning.finite_number(action.content #> '{reasons,pm_strength_applied}') as pm_strength_applied,
  learning.finite_number(action.content #> '{reasons,exposure_skew_applied}') as exposure_skew_applied,
  learning.finite_number(action.content -> 'size_frac') as size_frac,
  trade.trade_id is not null as closed, trade.roi, trade.rr, trade.pnl_usd, trade.exit_at
from public.ad_strands action
left join learning.closed_trades trade on trade.trade_id = action.content ->> 'trade_id'
where action.kind = 'pm_action';
comment on view public.pm_sizing_audit is 'What was applied to the size of each action, beside how its trade ended.';
comment on column public.pm_sizing_audit.action_strand_id is 'The action.';
comment on column public.pm_sizing_audit.acted_at is 'When it happened.';
comment on column public.pm_sizing_audit.trade_id is 'Trade that it belongs to.';
comment on column public.pm_sizing_audit.position_id is 'Position that it concerns.';
comment on column public.pm_sizing_audit.symbol is 'Token.';
comment on column public.pm_sizing_audit.timeframe is 'Timeframe of the position.';
comment on column public.pm_sizing_audit.pattern_key is 'Behaviour that acted, dotted.';
comment on column public.pm_sizing_audit.action_category is 'entry, add, trim or exit.';
comment on column public.pm_sizing_audit.a_value is 'Appetite to add, as the action says.';
comment on column public.pm_sizing_audit.e_value is 'Assertiveness to exit, as the action says.';
comment on column public.pm_sizing_audit.pm_strength_applied is 'Factor from what was learned, as the action says; null where it says nothing.';
comment on column public.pm_sizing_audit.exposure_skew_applied is 'Factor from crowding, as the action says; null where it says nothing.';
comment on column public.pm_sizing_audit.size_frac is 'Size used, as the action says.';
comment on column public.pm_sizing_audit.closed is 'Whether the trade is closed.';
comment on column public.pm_sizing_audit.roi is 'Return of the trade as a fraction; null while it is open.';
comment on column public.pm_sizing_audit.rr is 'Reward over risk of the trade; null while it is open.';
comment on column public.pm_sizing_audit.pnl_usd is 'Realised profit of the trade in USD.';
comment on column public.pm_sizing_audit.exit_at is 'When the trade was closed.';
