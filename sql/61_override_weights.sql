-- Weights of overrides: how much one counts, how it fades, and where it acts.

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

create function learning.fade(as_of timestamptz, last_evidence_at timestamptz, half_life_hours float8)
returns float8
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select case when last_evidence_at < as_of then exp(greatest(-115, -ln(2::float8)
    * (extract(epoch from as_of)::float8 - extract(epoch from last_evidence_at)::float8) / 3600 / greatest(half_life_hours, 1e-9))) else 1 end;
$$;
comment on function learning.fade(timestamptz, timestamptz, float8) is
  'How much of an override still acts: 1 while its evidence is new, halved with each half-life since.';

create function learning.overrides_act(scope jsonb, config jsonb)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
as $$
begin
  return greatest(0, least(1, case when delta >= 0 then value + delta * (1 - value) else value + delta * value end));
end
$$;
comment on function learning.with_headroom(float8, float8) is 'Moves a value in 0 to 1 by a share of the room left in that direction.';
