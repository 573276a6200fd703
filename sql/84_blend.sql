-- Blend: what the overrides that a candidate contains say together, in every mode.

create type learning.contribution as (
  id bigint,
  scope_subset jsonb,
  weight float8,
  share float8,
  pull float8
);
comment on type learning.contribution is 'What one override contributed to a size.';

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

-- In one pass: to keep for others what the first finds takes half as long as to find it. Planned once, for tables however large.
create function learning.blend_overrides(candidate learning.candidate, config jsonb, one_by_one boolean, even_resting boolean default false)
returns learning.strength_blend
language plpgsql
stable
set search_path = pg_catalog, pg_temp
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
  if not even_resting and not learning.overrides_act('pm_strength', candidate.scope, config) then
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
      from learning.override_index_entries held
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
