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
  computed_at timestamptz,
  ignored jsonb
);
comment on type public.pm_sizing is 'Answer of get_pm_sizing: how large the action should be, and why.';
comment on column public.pm_sizing.mode is
  'How learned strength acted: posture, multiplier, edge_weighted or calibrated.';
comment on column public.pm_sizing.base_alloc_pct is
  'Fraction of the book that the token gets before anything learned, over all its timeframes.';
comment on column public.pm_sizing.timeframe_share is
  'Share of the candidate''s timeframe in it; null for a timeframe without a share.';
comment on column public.pm_sizing.size_frac_raw is
  'Size before anything learned, from the appetite alone: 0.10 to 0.60.';
comment on column public.pm_sizing.pm_strength is
  'Factor from what was learned; 1 is neutral and always for trims and exits.';
comment on column public.pm_sizing.exposure_skew is
  'Factor from crowding, 0.33 to 1.33; 1 for trims and exits.';
comment on column public.pm_sizing.size_frac is 'Size to use: size_frac_raw times both factors, 0 to 1.';
comment on column public.pm_sizing.max_alloc_pct is 'base_alloc_pct times both factors.';
comment on column public.pm_sizing.a_final is 'Appetite to add after steering, 0 to 1.';
comment on column public.pm_sizing.e_final is 'Assertiveness to exit after steering, 0 to 1.';
comment on column public.pm_sizing.confidence is
  'Confidence of the overrides that acted, blended by their weights; 0 where none did.';
comment on column public.pm_sizing.steer_max is
  'Furthest that the posture could have been steered; 0 where nothing steers.';
comment on column public.pm_sizing.overrides is
  'The overrides that acted, heaviest first: id, scope_subset, weight, share, pull; beyond 50 one entry for '
  'the rest. In mode calibrated before them the ten slices that pull most, which have no id, and one for the '
  'rest.';
comment on column public.pm_sizing.exposure is 'Concentration and the masks that made it.';
comment on column public.pm_sizing.shadow is 'What the other modes would have said, by mode.';
comment on column public.pm_sizing.config_version is 'Version of the configuration that held.';
comment on column public.pm_sizing.computed_at is 'When the answer was computed.';
comment on column public.pm_sizing.ignored is
  'Keys of the scope that are no dimension and had no effect, each with the nearest registered name or null; '
  'of more than 32 the nearest are not looked for.';

create type learning.sizing_context as (
  config jsonb,
  config_version integer,
  base_alloc_pct float8,
  timeframes text[],
  timeframe_shares float8[],
  size_mult public.learning_levers
);
comment on type learning.sizing_context is 'What every candidate of a call has in common.';
comment on column learning.sizing_context.config is 'Effective configuration of the PM.';
comment on column learning.sizing_context.config_version is 'Its version.';
comment on column learning.sizing_context.base_alloc_pct is
  'Fraction of the book that a token gets before anything learned.';
comment on column learning.sizing_context.timeframes is 'Timeframes that have a share.';
comment on column learning.sizing_context.timeframe_shares is 'Their shares, in that order.';
comment on column learning.sizing_context.size_mult is 'The lever that mode edge_weighted moves.';

create function learning.sizing_context()
returns learning.sizing_context
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  context learning.sizing_context;
begin
  select pm_effective_config.config, pm_effective_config.version,
    (dm_effective_config.config -> 'default_allocation_pct')::float8, size_lever
  into context.config, context.config_version, context.base_alloc_pct, context.size_mult
  from learning.effective_configs pm_effective_config
  left join learning.effective_configs dm_effective_config
    on dm_effective_config.module_id = 'decision_maker'
  left join public.learning_levers size_lever on size_lever.lever = 'size_mult'
  where pm_effective_config.module_id = 'pm';
  select state.timeframes, state.shares into context.timeframes, context.timeframe_shares
  from learning.allocation_state() as state;
  return context;
end
$$;
comment on function learning.sizing_context() is
  'Configuration, base allocation and learned shares, read once for a call.';

create function learning.edge_strength(
  log_multiplier float8, previous_strength float8, size_mult public.learning_levers
)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if log_multiplier is null or size_mult.lever is null then
    return 1;
  end if;
  return learning.within_bounds(
    size_mult, learning.within_step(size_mult, previous_strength, exp(log_multiplier))
  );
end
$$;
comment on function learning.edge_strength(float8, float8, public.learning_levers) is
  'The strength in mode edge_weighted: a step of size_mult from the previous one, within its bounds.';

create function learning.applied_size(size_frac_raw float8, strength float8, skew float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return greatest(0, least(1, size_frac_raw * strength * skew));
end
$$;
comment on function learning.applied_size(float8, float8, float8) is
  'The size to use, with both factors applied.';

create function learning.mode_outcome(
  strength float8, a_final float8, e_final float8, size_frac_raw float8, base_alloc_pct float8, skew float8
)
returns jsonb
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'pm_strength', strength, 'size_frac', learning.applied_size(size_frac_raw, strength, skew),
    'max_alloc_pct', base_alloc_pct * strength * skew, 'a_final', a_final, 'e_final', e_final
  );
end
$$;
comment on function learning.mode_outcome(float8, float8, float8, float8, float8, float8) is
  'What a mode makes of a candidate, for the shadow.';

create function learning.size_candidate(
  candidate learning.candidate, crowding learning.exposure_measure, context learning.sizing_context
)
returns public.pm_sizing
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  blend constant learning.strength_blend := learning.blend_overrides(candidate, context.config, true);
  mode constant text := context.config ->> 'strength_mode';
  skew constant float8 := crowding.skew;
  base constant float8 := context.base_alloc_pct;
  a constant float8 := candidate.a_value;
  e constant float8 := candidate.e_value;
  a_steered float8 := a;
  e_steered float8 := e;
  raw constant float8 := learning.size_of_appetite(a);
  by_posture float8 := 1;
  by_multiplier float8 := 1;
  by_edge float8 := 1;
  by_slices float8 := 1;
  said learning.said_by_slices;
  sizing public.pm_sizing;
begin
  if blend.steer is not null then
    a_steered := learning.with_headroom(a, blend.delta_a);
    e_steered := learning.with_headroom(e, blend.delta_e);
  end if;
  if candidate.action_category in ('entry', 'add')
    and learning.overrides_act('pm_strength', candidate.scope, context.config) then
    said := learning.ask_slices(candidate.pattern_key, candidate.action_category, candidate.scope,
      candidate.as_of, context.config, mode = 'calibrated');
    by_slices := learning.calibrated_strength(said, blend.hand_multiplier);
  end if;
  if not blend is null and candidate.action_category in ('entry', 'add') then
    by_posture := learning.size_of_appetite(a_steered) / raw;
    by_multiplier := learning.multiplier_within_bounds('pm_strength', coalesce(blend.multiplier, 1));
    by_edge := learning.edge_strength(blend.log_multiplier, candidate.previous_strength, context.size_mult);
  end if;

  sizing.mode := mode;
  sizing.base_alloc_pct := base;
  sizing.timeframe_share :=
    context.timeframe_shares[array_position(context.timeframes, candidate.scope ->> 'timeframe')];
  sizing.size_frac_raw := raw;
  sizing.pm_strength := case mode
    when 'posture' then by_posture when 'multiplier' then by_multiplier when 'calibrated' then by_slices
    else by_edge
  end;
  sizing.exposure_skew := skew;
  sizing.size_frac := learning.applied_size(raw, sizing.pm_strength, skew);
  sizing.max_alloc_pct := base * sizing.pm_strength * skew;
  sizing.a_final := case when mode in ('posture', 'calibrated') then a_steered else a end;
  sizing.e_final := case when mode in ('posture', 'calibrated') then e_steered else e end;
  sizing.confidence := coalesce(blend.confidence, 0);
  sizing.steer_max := case when mode in ('posture', 'calibrated') then coalesce(blend.steer, 0) else 0 end;
  sizing.overrides := learning.list_contributions(blend, candidate.scope, 50);
  if mode = 'calibrated' and said.weight is not null then
    sizing.overrides := learning.list_slices(said, 10) || sizing.overrides;
  end if;
  sizing.exposure := crowding.explanation;
  sizing.shadow := jsonb_build_object(
    'posture', learning.mode_outcome(by_posture, a_steered, e_steered, raw, base, skew),
    'multiplier', learning.mode_outcome(by_multiplier, a, e, raw, base, skew),
    'edge_weighted', learning.mode_outcome(by_edge, a, e, raw, base, skew),
    'calibrated', learning.mode_outcome(by_slices, a_steered, e_steered, raw, base, skew)
  ) - mode;
  sizing.config_version := context.config_version;
  sizing.computed_at := now();
  sizing.ignored := candidate.ignored;
  return sizing;
end
$$;
comment on function learning.size_candidate(
  learning.candidate, learning.exposure_measure, learning.sizing_context
) is 'A candidate''s size from what overrides and crowding say of it, in every mode.';

-- As its owner: to ask for each table it reads whether a pm may read it took a sixth of the whole call.
create function learning.size_candidates(candidates learning.candidate[])
returns public.pm_sizing[]
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  context constant learning.sizing_context := learning.sizing_context();
  crowdings learning.exposure_measure[];
  sizings public.pm_sizing[] := array[]::public.pm_sizing[];
begin
  perform learning.require_pm();
  crowdings := learning.measure_exposure(candidates, context.config);
  for place in 1 .. cardinality(candidates) loop
    sizings[place] := learning.size_candidate(candidates[place], crowdings[place], context);
  end loop;
  return sizings;
end
$$;
comment on function learning.size_candidates(learning.candidate[]) is
  'Sizes candidates, in their order; for those who may ask, whatever they may read.';

create function public.get_pm_sizing(
  pattern_key text, action_category text, scope jsonb, a_value float8 default 0.5, e_value float8 default 0.5,
  previous_strength float8 default 1.0, as_of timestamptz default now()
)
returns public.pm_sizing
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  sizings public.pm_sizing[];
begin
  perform learning.require_pm();
  sizings := learning.size_candidates(
    array[learning.check_candidate(
      pattern_key, action_category, scope, a_value, e_value, previous_strength, as_of
    )]
  );
  return sizings[1];
end
$$;
comment on function public.get_pm_sizing(text, text, jsonb, float8, float8, float8, timestamptz) is
  'How large the next action should be: learned strength and crowding applied to the size that the appetite '
  'asks for.';
