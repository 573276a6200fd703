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

create type learning.sizing_context as (
  config jsonb,
  config_version integer,
  base_alloc_pct float8,
  timeframes text[],
  timeframe_shares float8[],
  size_mult public.learning_levers
);
comment on type learning.sizing_context is 'What every candidate of a call has in common.';

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

-- As its owner: to ask for each table it reads whether the user may read it took a pm a sixth of the whole call.
create function learning.size_candidates(candidates learning.candidate[])
returns public.pm_sizing[]
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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

create function public.get_pm_sizing_batch(candidates jsonb)
returns setof public.pm_sizing_in_batch
language plpgsql
stable
set search_path = pg_catalog, pg_temp
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
