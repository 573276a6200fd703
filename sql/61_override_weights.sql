-- Weights of overrides: how much one counts, how it fades, where it acts, and what it makes of a size.

create function learning.specificity(pairs integer)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return power(pairs + 1::float8, 1.5);
end
$$;
comment on function learning.specificity(integer) is 'How much an override counts for naming so many pairs.';

create function learning.confidence_or_default(confidence float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(confidence, 0.5);
end
$$;
comment on function learning.confidence_or_default(float8) is
  'Confidence of an override; what it counts where none was given.';

create function learning.fade(as_of timestamptz, last_evidence_at timestamptz, half_life_hours float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Not the difference of the times: between the first and the last that Postgres knows there is none.
  age_seconds constant float8 :=
    extract(epoch from as_of)::float8 - extract(epoch from last_evidence_at)::float8;
begin
  -- What is left at -500 no answer shows, and times the least of weights it is within the range of numbers.
  -- Of an unknown age least and greatest take no notice.
  return exp(greatest(-500, least(0, -ln(2::float8) * age_seconds / 3600 / half_life_hours)));
end
$$;
comment on function learning.fade(timestamptz, timestamptz, float8) is
  'How much of an override still acts: 1 while its evidence is new or its age unknown, halved with each '
  'half-life since.';

create function learning.faded(value float8, neutral float8, fade float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return neutral + (value - neutral) * fade;
end
$$;
comment on function learning.faded(float8, float8, float8) is
  'What an override says once it has faded: the rest of the way from neutral.';

create function learning.overrides_enabled(override_type text, config jsonb)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (config -> 'flags' -> case override_type
    when 'pm_strength' then 'learning_overrides_enabled'
    when 'pm_tuning' then 'tuning_overrides_enabled'
    when 'dm_alloc' then 'dm_alloc_overrides_enabled'
  end)::boolean;
end
$$;
comment on function learning.overrides_enabled(text, jsonb) is 'Whether overrides of a type are switched on.';

create function learning.overrides_act(override_type text, scope jsonb, config jsonb)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  regimes constant jsonb := config -> 'flags' -> 'learning_overrides_enabled_regimes';
begin
  return learning.overrides_enabled(override_type, config)
    and (regimes = 'null' or coalesce(regimes ? (scope ->> 'macro_phase'), false))
    and (override_type = 'dm_alloc' or learning.proof_allows(config));
end
$$;
comment on function learning.overrides_act(text, jsonb, jsonb) is
  'Whether overrides of a type act in a scope: they are switched on, its macro phase is one in which '
  'overrides act, and those of strength and levers are not kept from it for want of a proof.';

create function learning.multiplier_bounds(override_type text, out lowest float8, out highest float8)
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  case override_type
    when 'pm_strength' then lowest := 0.3; highest := 3;
    when 'dm_alloc' then lowest := 0.7; highest := 1.3;
  end case;
end
$$;
comment on function learning.multiplier_bounds(text) is
  'Between what the factor of overrides of a type stays: of one as of all together.';

create function learning.multiplier_within_bounds(override_type text, multiplier float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  bounds constant record := learning.multiplier_bounds(override_type);
begin
  return learning.clamp(multiplier, bounds.lowest, bounds.highest);
end
$$;
comment on function learning.multiplier_within_bounds(text, float8) is
  'A factor, kept within the bounds of its type.';

create function learning.least_edge_weight(most_specificity float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return 0.02 * most_specificity;
end
$$;
comment on function learning.least_edge_weight(float8) is
  'The least that an override weighs by its edge to act beside one so specific.';

create function learning.size_of_appetite(appetite float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return 0.10 + 0.50 * appetite;
end
$$;
comment on function learning.size_of_appetite(float8) is
  'The size that an appetite to add asks for, a fraction of the allocation.';

create function learning.skew_of_crowding(crowding float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  free constant float8 := 1.33;
  crowded constant float8 := 0.33;
begin
  return learning.clamp(free - crowding, crowded, free);
end
$$;
comment on function learning.skew_of_crowding(float8) is
  'What crowding makes of a size: more where a scope is free, less the more of the book is in it.';

create function learning.steering_strength(confidence float8, steering jsonb)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return least(
    (steering -> 'max')::float8, (steering -> 'base')::float8 + (steering -> 'gain')::float8 * confidence
  );
end
$$;
comment on function learning.steering_strength(float8, jsonb) is
  'How far overrides of this confidence may steer the posture.';

create function learning.with_headroom(value float8, delta float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return learning.clamp(value + delta * case when delta >= 0 then 1 - value else value end, 0, 1);
end
$$;
comment on function learning.with_headroom(float8, float8) is
  'Moves a value in 0 to 1 by a share of the room left in that direction.';
