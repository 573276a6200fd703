-- Blend: what the overrides that a candidate contains say together, in every mode.

create type learning.light_edge as (weight float8, multiplier float8, confidence float8);
comment on type learning.light_edge is 'An override whose edge may weigh too little to act.';
comment on column learning.light_edge.weight is 'What it weighs by its edge.';
comment on column learning.light_edge.multiplier is 'Its multiplier.';
comment on column learning.light_edge.confidence is 'Its confidence.';

create type learning.match_sums as (
  specificity float8,
  weight float8,
  gain float8,
  confidence float8,
  posture_weight float8,
  dir_a float8,
  dir_e float8,
  posture_confidence float8,
  edge float8,
  edged_weight float8,
  log_multiplier float8,
  light learning.light_edge[],
  hand_weight float8,
  hand_gain float8,
  override_ids bigint[],
  scope_masks integer[],
  weights float8[],
  moves float8[]
);
comment on type learning.match_sums is
  'Sums over the overrides that a candidate contains, and where asked for all of them one by one.';
comment on column learning.match_sums.specificity is 'Specificity of the most specific one.';
comment on column learning.match_sums.weight is 'Weight by specificity and confidence.';
comment on column learning.match_sums.gain is 'What multipliers add, faded, times weight.';
comment on column learning.match_sums.confidence is
  'Confidence times weight in the configured mode; the posture has its own.';
comment on column learning.match_sums.posture_weight is
  'Weight of those that steer the posture; null where none does.';
comment on column learning.match_sums.dir_a is 'Their directions for the appetite, faded, times weight.';
comment on column learning.match_sums.dir_e is 'Their directions for the assertiveness, faded, times weight.';
comment on column learning.match_sums.posture_confidence is 'Their confidence times weight.';
comment on column learning.match_sums.edge is
  'Their edges times weight, where the posture is biased by them.';
comment on column learning.match_sums.edged_weight is
  'Weight by edge of those that surely weigh enough to act.';
comment on column learning.match_sums.log_multiplier is 'Logarithms of their multipliers times that weight.';
comment on column learning.match_sums.light is
  'Those of which it depends on the most specific one whether they weigh enough.';
comment on column learning.match_sums.hand_weight is
  'Weight by specificity and confidence of those that a person made or pinned.';
comment on column learning.match_sums.hand_gain is 'What their multipliers add, faded, times weight.';
comment on column learning.match_sums.override_ids is 'All that may be listed.';
comment on column learning.match_sums.scope_masks is 'Dimensions of their scopes as bits.';
comment on column learning.match_sums.weights is 'Their weights in the configured mode.';
comment on column learning.match_sums.moves is 'How far they move what that mode moves, times weight.';

create type learning.strength_blend as (
  posture_confidence float8,
  steer float8,
  delta_a float8,
  delta_e float8,
  multiplier float8,
  log_multiplier float8,
  hand_multiplier float8,
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
  'What the overrides that a candidate contains say together, in every mode; null where none acts.';
comment on column learning.strength_blend.posture_confidence is 'Confidence of those that steer the posture.';
comment on column learning.strength_blend.steer is 'How far they may steer it.';
comment on column learning.strength_blend.delta_a is 'Where they steer the appetite.';
comment on column learning.strength_blend.delta_e is 'Where they steer the assertiveness.';
comment on column learning.strength_blend.multiplier is 'Mean of the faded multipliers.';
comment on column learning.strength_blend.log_multiplier is 'Mean of their logarithms by edge.';
comment on column learning.strength_blend.hand_multiplier is
  'Mean of the faded multipliers that a person set.';
comment on column learning.strength_blend.confidence is
  'Confidence of those that act in the configured mode.';
comment on column learning.strength_blend.overrides is 'How many those are.';
comment on column learning.strength_blend.weight is 'What they weigh together; null where none acts.';
comment on column learning.strength_blend.pull is 'What they say together: the sum of their pulls.';
comment on column learning.strength_blend.weight_unit is 'By what a weight is divided where it is shown.';
comment on column learning.strength_blend.move_unit is 'What a unit of moves is worth as a pull.';
comment on column learning.strength_blend.edge_unit is 'What a unit of edge is worth as a pull.';
comment on column learning.strength_blend.least_weight is 'The least weight to act.';
comment on column learning.strength_blend.least_confidence is 'The least confidence to act.';
comment on column learning.strength_blend.override_ids is 'All that may be listed, where asked for.';
comment on column learning.strength_blend.scope_masks is 'Dimensions of their scopes as bits.';
comment on column learning.strength_blend.weights is 'Their weights.';
comment on column learning.strength_blend.moves is 'How far they move what the mode moves, times weight.';

-- Long because one query sums for all modes: to keep for others what the first finds takes half as long as to
-- find it. Planned once, for tables however large. Fading stands here as arithmetic: a call of learning.fade
-- for each override makes finding and fading six times as long (task bench --only sizing, the metric
-- fading_by_call_ratio_to_inline).
create function learning.sum_matches(
  candidate learning.candidate, config jsonb, probe learning.override_probe, least_confidence float8,
  one_by_one boolean, even_resting boolean
)
returns learning.match_sums
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  mode constant text := config ->> 'strength_mode';
  by_multiplier constant boolean := mode = 'multiplier';
  by_edge constant boolean := mode = 'edge_weighted';
  by_slices constant boolean := mode = 'calibrated';
  adds constant boolean := candidate.action_category in ('entry', 'add');
  biased constant boolean := (config #> '{steering,base_bias}')::float8 <> 0;
  edge_scale constant float8 := (config -> 'edge_scale')::float8;
  fade_rate constant float8 := ln(2::float8) / 3.6e9 / (config -> 'staleness_half_life_hours')::float8;
  as_of_us constant float8 := candidate.as_of_us;
  candidate_scope constant jsonb := candidate.scope;
  buckets constant bigint[] := probe.buckets;
  lacking_1 constant bigint := probe.lacking_1;
  lacking_2 constant bigint := probe.lacking_2;
  surely_enough constant float8 := learning.least_edge_weight(probe.most_specificity);
  least_share constant float8 := learning.least_edge_weight(1);
  -- One comparison for each override: three take a twentieth of the whole.
  listed_from constant float8 := case
    when not one_by_one then 'infinity'
    when even_resting or by_edge then 0
    when by_multiplier or by_slices then learning.dust()
    else least_confidence
  end;
  sums learning.match_sums;
begin
  select max(match.specificity), sum(match.weight), sum(match.faded_weight * (match.multiplier - 1)),
    sum(case when by_edge then match.edged_weight else match.weight end * match.confidence)
      filter (where by_multiplier or (by_edge and match.edged_weight >= surely_enough)),
    sum(match.weight) filter (where match.confident),
    sum(match.faded_weight * match.dir_a) filter (where match.confident),
    sum(match.faded_weight * match.dir_e) filter (where match.confident),
    sum(match.weight * match.confidence) filter (where match.confident),
    sum(match.weight * match.edge) filter (where biased and match.confident),
    -- Which edges weigh enough is known when the most specific override is: those that only may are kept.
    sum(match.edged_weight) filter (where match.edged_weight >= surely_enough),
    sum(match.edged_weight * ln(match.multiplier)) filter (where match.edged_weight >= surely_enough),
    array_agg(row(match.edged_weight, match.multiplier, match.confidence)::learning.light_edge)
      filter (
        where match.edged_weight < surely_enough and match.edged_weight >= least_share * match.specificity
      ),
    sum(match.weight) filter (where match.by_hand),
    sum(match.faded_weight * (match.multiplier - 1)) filter (where match.by_hand),
    array_agg(match.override_id) filter (where match.listed),
    array_agg(match.scope_mask) filter (where match.listed),
    array_agg(case
      when by_edge then match.edged_weight
      when match.by_hand or not by_slices then match.weight
      else 0
    end) filter (where match.listed),
    array_agg(case
      when by_multiplier or by_slices then match.faded_weight * (match.multiplier - 1)
      when by_edge then match.edged_weight * ln(match.multiplier)
      when adds then match.faded_weight * match.dir_a
      else match.faded_weight * match.dir_e
    end) filter (where match.listed)
  into sums
  from (
    select index_entry.override_id, index_entry.scope_mask, index_entry.specificity, index_entry.confidence,
      index_entry.edge, index_entry.multiplier, index_entry.dir_a, index_entry.dir_e,
      index_entry.confidence >= least_confidence as confident,
      index_entry.confidence >= listed_from and (index_entry.by_hand or even_resting or not by_slices)
        as listed,
      index_entry.by_hand,
      index_entry.specificity * index_entry.confidence as weight,
      index_entry.specificity * index_entry.confidence
        * exp(greatest(-500, least(0, (index_entry.evidence_us - as_of_us) * fade_rate))) as faded_weight,
      index_entry.specificity * index_entry.support * tanh(abs(index_entry.edge) / edge_scale)
        * exp(greatest(-500, least(0, (index_entry.evidence_us - as_of_us) / index_entry.decay_us)))
        as edged_weight
    from learning.override_index_entries index_entry
    where index_entry.bucket = any (buckets)
      and index_entry.pairs_1 & lacking_1 = 0 and index_entry.pairs_2 & lacking_2 = 0
      and (
        index_entry.pairs_2 >= 0 or learning.contains_override(candidate_scope, index_entry.override_id)
      )
    -- Keeps each from being computed once per use.
    offset 0
  ) as match;
  return sums;
end
$$;
comment on function learning.sum_matches(
  learning.candidate, jsonb, learning.override_probe, float8, boolean, boolean
) is
  'Sums over the overrides that a candidate contains what each mode blends; for the posture over those of a '
  'confidence alone.';

create function learning.with_light_edges(sums learning.match_sums, least_weight float8, by_edge boolean)
returns learning.match_sums
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  acting record;
begin
  select sum(light_edge.weight) as weight,
    sum(light_edge.weight * ln(light_edge.multiplier)) as log_multiplier,
    sum(light_edge.weight * light_edge.confidence) as confidence
  into acting
  from unnest(sums.light) as light_edge
  where light_edge.weight >= least_weight;
  if acting.weight is not null then
    sums.edged_weight := coalesce(sums.edged_weight, 0) + acting.weight;
    sums.log_multiplier := coalesce(sums.log_multiplier, 0) + acting.log_multiplier;
    if by_edge then
      sums.confidence := coalesce(sums.confidence, 0) + acting.confidence;
    end if;
  end if;
  return sums;
end
$$;
comment on function learning.with_light_edges(learning.match_sums, float8, boolean) is
  'Adds those of the light edges that weigh enough after all.';

create function learning.blend_of_sums(
  sums learning.match_sums, steering jsonb, mode text, adds boolean, least_confidence float8
)
returns learning.strength_blend
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  base_bias constant float8 := (steering -> 'base_bias')::float8;
  blend learning.strength_blend;
begin
  blend.log_multiplier := sums.log_multiplier / sums.edged_weight;
  blend.hand_multiplier := 1 + sums.hand_gain / nullif(sums.hand_weight, 0);
  if sums.posture_weight is not null then
    blend.multiplier := 1 + sums.gain / sums.weight;
    blend.posture_confidence := sums.posture_confidence / sums.posture_weight;
    blend.steer := learning.steering_strength(blend.posture_confidence, steering);
    blend.delta_a := blend.steer * sums.dir_a / sums.posture_weight
      + base_bias * coalesce(sums.edge / sums.posture_weight, 0);
    blend.delta_e := blend.steer * sums.dir_e / sums.posture_weight;
  end if;

  -- What the configured mode says of each override, and in which units.
  blend.override_ids := sums.override_ids;
  blend.scope_masks := sums.scope_masks;
  blend.weights := sums.weights;
  blend.moves := sums.moves;
  blend.overrides := cardinality(sums.override_ids);
  blend.weight_unit := 1;
  blend.move_unit := 1;
  blend.edge_unit := 0;
  blend.least_weight := 0;
  blend.least_confidence := 0;
  case mode
    when 'edge_weighted' then
      blend.weight := sums.edged_weight;
      blend.confidence := sums.confidence / sums.edged_weight;
      blend.pull := blend.log_multiplier;
      blend.weight_unit := sums.specificity;
      blend.least_weight := learning.least_edge_weight(sums.specificity);
      blend.overrides := (
        select count(*) from unnest(sums.weights) as listed(weight) where listed.weight >= blend.least_weight
      );
    when 'multiplier' then
      blend.weight := nullif(sums.weight, 0);
      blend.confidence := sums.confidence / blend.weight;
      blend.pull := blend.multiplier - 1;
    when 'calibrated' then
      blend.weight := nullif(sums.hand_weight, 0);
      blend.confidence := blend.posture_confidence;
      blend.pull := blend.hand_multiplier - 1;
    else
      blend.weight := sums.posture_weight;
      blend.confidence := blend.posture_confidence;
      blend.pull := case when adds then blend.delta_a else blend.delta_e end;
      blend.move_unit := blend.steer;
      blend.edge_unit := case when adds then base_bias else 0 end;
      blend.least_confidence := least_confidence;
  end case;
  return blend;
end
$$;
comment on function learning.blend_of_sums(learning.match_sums, jsonb, text, boolean, float8) is
  'The means that each mode takes of the sums, and what the configured one says of each override.';

create function learning.blend_overrides(
  candidate learning.candidate, config jsonb, one_by_one boolean, even_resting boolean default false
)
returns learning.strength_blend
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  mode constant text := config ->> 'strength_mode';
  steering constant jsonb := config -> 'steering';
  -- Nearer to 0 there is no confidence, and without any an override has no weight.
  least_confidence float8 := greatest(learning.dust(), (steering -> 'confidence_min')::float8);
  probe learning.override_probe;
  sums learning.match_sums;
begin
  if not even_resting and not learning.overrides_act('pm_strength', candidate.scope, config) then
    return null;
  end if;
  probe := learning.probe_overrides(
    'pm_strength', candidate.pattern_key, candidate.action_category, candidate.scope
  );
  if probe.buckets is null then
    return null;
  end if;
  sums := learning.sum_matches(candidate, config, probe, least_confidence, one_by_one, even_resting);
  if sums.specificity is null then
    return null;
  end if;
  if sums.posture_weight is null and sums.weight > 0 then
    -- Where none is confident, all are heeded.
    least_confidence := learning.dust();
    sums := learning.sum_matches(candidate, config, probe, least_confidence, one_by_one, even_resting);
  end if;
  if sums.specificity < probe.most_specificity and sums.light is not null then
    sums := learning.with_light_edges(
      sums, learning.least_edge_weight(sums.specificity), mode = 'edge_weighted'
    );
  end if;
  return learning.blend_of_sums(
    sums, steering, mode, candidate.action_category in ('entry', 'add'), least_confidence
  );
end
$$;
comment on function learning.blend_overrides(learning.candidate, jsonb, boolean, boolean) is
  'Blends the overrides that a candidate contains, in every mode; null where there are none, and where they '
  'rest in its macro phase unless asked for even so.';
