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
comment on column public.pm_sizing.mode is
  'How learned strength acted: posture, multiplier or edge_weighted.';
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
  'the rest.';
comment on column public.pm_sizing.exposure is 'Concentration and the masks that made it.';
comment on column public.pm_sizing.shadow is 'What the other two modes would have said, by mode.';
comment on column public.pm_sizing.config_version is 'Version of the configuration that held.';
comment on column public.pm_sizing.computed_at is 'When the answer was computed.';

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

create type learning.sizing_outcome as (
  pm_strength float8,
  size_frac float8,
  max_alloc_pct float8,
  a_final float8,
  e_final float8
);
comment on type learning.sizing_outcome is 'What a mode makes of a candidate.';
comment on column learning.sizing_outcome.pm_strength is 'Factor from what was learned.';
comment on column learning.sizing_outcome.size_frac is 'Size to use.';
comment on column learning.sizing_outcome.max_alloc_pct is 'Base allocation times both factors.';
comment on column learning.sizing_outcome.a_final is 'Appetite after steering.';
comment on column learning.sizing_outcome.e_final is 'Assertiveness after steering.';

create function learning.sizing_outcome(
  strength float8, a_final float8, e_final float8, size_frac_raw float8, base_alloc_pct float8, skew float8
)
returns learning.sizing_outcome
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return row(
    strength, learning.clamp(size_frac_raw * strength * skew, 0, 1), base_alloc_pct * strength * skew,
    a_final, e_final
  )::learning.sizing_outcome;
end
$$;
comment on function learning.sizing_outcome(float8, float8, float8, float8, float8, float8) is
  'Size and allocation with a strength and the skew of crowding applied.';

create function learning.size_candidate(
  candidate learning.candidate, blend learning.strength_blend, crowding learning.exposure_measure,
  context learning.sizing_context
)
returns public.pm_sizing
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  adds constant boolean := candidate.action_category in ('entry', 'add');
  a_value constant float8 := candidate.a_value;
  e_value constant float8 := candidate.e_value;
  raw constant float8 := learning.size_of_appetite(a_value);
  base constant float8 := context.base_alloc_pct;
  a_steered constant float8 := coalesce(learning.with_headroom(a_value, blend.delta_a), a_value);
  e_steered constant float8 := coalesce(learning.with_headroom(e_value, blend.delta_e), e_value);
  strength float8 := 1;
  posture learning.sizing_outcome;
  multiplier learning.sizing_outcome;
  edge_weighted learning.sizing_outcome;
  outcome learning.sizing_outcome;
  sizing public.pm_sizing;
begin
  sizing.mode := context.config ->> 'strength_mode';
  if adds then
    strength := learning.size_of_appetite(a_steered) / raw;
  end if;
  posture := learning.sizing_outcome(strength, a_steered, e_steered, raw, base, crowding.skew);
  if adds then
    strength := learning.multiplier_within_bounds('pm_strength', coalesce(blend.multiplier, 1));
  end if;
  multiplier := learning.sizing_outcome(strength, a_value, e_value, raw, base, crowding.skew);
  if adds then
    strength := learning.edge_strength(
      blend.log_multiplier, candidate.previous_strength, context.size_mult
    );
  end if;
  edge_weighted := learning.sizing_outcome(strength, a_value, e_value, raw, base, crowding.skew);
  outcome := case sizing.mode
    when 'posture' then posture when 'multiplier' then multiplier else edge_weighted
  end;

  sizing.base_alloc_pct := base;
  sizing.timeframe_share :=
    context.timeframe_shares[array_position(context.timeframes, candidate.scope ->> 'timeframe')];
  sizing.size_frac_raw := raw;
  sizing.pm_strength := outcome.pm_strength;
  sizing.exposure_skew := crowding.skew;
  sizing.size_frac := outcome.size_frac;
  sizing.max_alloc_pct := outcome.max_alloc_pct;
  sizing.a_final := outcome.a_final;
  sizing.e_final := outcome.e_final;
  sizing.confidence := coalesce(blend.confidence, 0);
  sizing.steer_max := case when sizing.mode = 'posture' then coalesce(blend.steer, 0) else 0 end;
  sizing.overrides := learning.list_contributions(blend, candidate.scope, 50);
  sizing.exposure := crowding.explanation;
  sizing.shadow := jsonb_build_object(
    'posture', posture, 'multiplier', multiplier, 'edge_weighted', edge_weighted
  ) - sizing.mode;
  sizing.config_version := context.config_version;
  sizing.computed_at := now();
  return sizing;
end
$$;
comment on function learning.size_candidate(
  learning.candidate, learning.strength_blend, learning.exposure_measure, learning.sizing_context
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
  sizings public.pm_sizing[] := '{}';
begin
  perform learning.require_pm();
  crowdings := learning.measure_exposure(candidates, context.config);
  for place in 1 .. cardinality(candidates) loop
    sizings[place] := learning.size_candidate(
      candidates[place], learning.blend_overrides(candidates[place], context.config, true),
      crowdings[place], context
    );
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
