-- Crowding: how full a candidate's scope is, and the skew of its size that follows. Over the masks m that the
-- scope fills, with the weight w(m):
--
--   concentration = alpha · Σ w(m) · exposure(m) + beta · Σ w(m) · exposure of the same behaviour(m)
--   crowding      = concentration / (alpha · Σ w(m) · least(total, cap)), from 0 to 1
--
-- No product leaves the range of numbers: w(m) is above 1e-135 (weights of dimensions lie within 1e-6 and
-- 1e6, the exponent is at most 10), sums of allocations above 1e-28 (each is at least 1e-12) or 0.

create type learning.exposure_measure as (skew float8, explanation jsonb);
comment on type learning.exposure_measure is 'How crowding acts on a candidate, and why.';
comment on column learning.exposure_measure.skew is 'Factor on the size.';
comment on column learning.exposure_measure.explanation is
  'What it rests on, as the row of a sizing tells it.';

create type learning.crowding_context as (
  enabled boolean,
  full_scope_counts boolean,
  weight_exponent float8,
  alpha float8,
  beta float8,
  cap float8,
  total float8,
  full_exposure float8,
  mask integer,
  empty_skew float8
);
comment on type learning.crowding_context is
  'What all candidates are measured by: the configuration, the exposure of the book, how much of it in one '
  'scope reads as full crowding, and the dimensions that any position fills as bits.';
comment on column learning.crowding_context.enabled is 'Whether crowding acts on sizes.';
comment on column learning.crowding_context.full_scope_counts is
  'Whether the candidate''s full scope counts, too.';
comment on column learning.crowding_context.weight_exponent is 'Power of a mask''s share of all weights.';
comment on column learning.crowding_context.alpha is 'Weight of exposure in the same scope.';
comment on column learning.crowding_context.beta is
  'Weight of exposure in the same scope under the same pattern key.';
comment on column learning.crowding_context.cap is
  'Exposure that reads as full crowding where the total is larger; null: the total.';
comment on column learning.crowding_context.total is 'Exposure of the whole book.';
comment on column learning.crowding_context.full_exposure is 'How much of it in one scope reads as full.';
comment on column learning.crowding_context.mask is 'Dimensions of anything held, as bits.';
comment on column learning.crowding_context.empty_skew is 'Exposure skew while nothing is held.';

create type learning.crowded_mask as (
  scope jsonb,
  weight float8,
  exposure float8,
  pattern_exposure float8
);
comment on type learning.crowded_mask is
  'A scope that one mask makes of a candidate''s, its weight, and what is held in it, by all and by the same '
  'behaviour.';
comment on column learning.crowded_mask.scope is 'What the mask makes of the candidate''s scope.';
comment on column learning.crowded_mask.weight is 'Weight of the mask.';
comment on column learning.crowded_mask.exposure is 'What is held in it.';
comment on column learning.crowded_mask.pattern_exposure is 'What the same behaviour holds in it.';

create type learning.concentration as (
  weight_sum float8,
  concentration float8,
  heaviest learning.crowded_mask[],
  rest bigint,
  rest_concentration float8
);
comment on type learning.concentration is
  'Weights of the masks that a candidate fills, the exposure in them by weight, the masks that made most of '
  'it, and how many more there are with how much of it.';
comment on column learning.concentration.weight_sum is
  'Sum of the weights of the masks that the candidate fills.';
comment on column learning.concentration.concentration is 'Exposure in them, by weight.';
comment on column learning.concentration.heaviest is 'The masks that made most of it.';
comment on column learning.concentration.rest is 'How many more there are.';
comment on column learning.concentration.rest_concentration is 'How much of it they made.';

create function learning.crowding_context(config jsonb)
returns learning.crowding_context
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  context learning.crowding_context;
begin
  context.enabled := (config #>> '{flags,exposure_skew_enabled}')::boolean;
  context.full_scope_counts := learning.full_scope_counts(config);
  context.weight_exponent := (config #>> '{exposure,weight_exponent}')::float8;
  context.alpha := (config #>> '{exposure,alpha}')::float8;
  context.beta := (config #>> '{exposure,beta}')::float8;
  context.cap := (config #>> '{exposure,cap}')::float8;
  context.empty_skew := (config #>> '{exposure,empty}')::float8;
  select coalesce(sum(position_scope.exposure), 0), coalesce(bit_or(position_scope.scope_mask), 0)
  into context.total, context.mask
  from learning.position_scopes position_scope;
  context.full_exposure := least(context.total, context.cap);
  return context;
end
$$;
comment on function learning.crowding_context(jsonb) is
  'What all candidates are measured by, read once for a call.';

create function learning.crowded_full_scope(candidate learning.candidate, context learning.crowding_context)
returns learning.crowded_mask
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  crowded_mask learning.crowded_mask;
begin
  crowded_mask.scope := candidate.scope;
  crowded_mask.weight := learning.mask_weight(candidate.scope_mask, context.weight_exponent);
  if candidate.scope_mask & context.mask = candidate.scope_mask then
    select sum(position_scope.exposure), sum(
      case when position_scope.pattern_key = candidate.pattern_key then position_scope.exposure else 0 end
    )
    into crowded_mask.exposure, crowded_mask.pattern_exposure
    from learning.position_scopes position_scope
    where position_scope.scope_mask & candidate.scope_mask = candidate.scope_mask
      and position_scope.scope @> candidate.scope;
  end if;
  return crowded_mask;
end
$$;
comment on function learning.crowded_full_scope(learning.candidate, learning.crowding_context) is
  'The candidate''s full scope as a mask, its exposure null where nothing is held in it.';

create function learning.concentration(candidate learning.candidate, context learning.crowding_context)
returns learning.concentration
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  cells constant learning.scope_cells := learning.cells_of(
    candidate.scope, candidate.scope_mask, candidate.scope_mask & context.mask, candidate.pattern_key, false
  );
  places constant bigint[] := cells.places || cells.pattern_places;
  full_scope learning.crowded_mask;
  full_concentration float8;
  concentration learning.concentration;
begin
  if context.full_scope_counts and candidate.scope_mask <> 0 and cells.full_is_configured is not true then
    full_scope := learning.crowded_full_scope(candidate, context);
  end if;
  concentration.weight_sum := coalesce(cells.weight_sum, 0) + coalesce(full_scope.weight, 0);
  full_concentration := nullif(context.alpha * concentration.weight_sum * context.full_exposure, 0);

  select coalesce(sum(ranked.concentration), 0), greatest(0, count(*) - 20),
    coalesce(sum(ranked.concentration) filter (where ranked.rank > 20), 0),
    array_agg(
      row(
        case when ranked.cell is null then full_scope.scope else ('{' || ranked.cell || '}')::jsonb end,
        ranked.weight, ranked.exposure, ranked.pattern_exposure
      )::learning.crowded_mask
      order by ranked.rank
    ) filter (where ranked.rank <= 20)
  into concentration.concentration, concentration.rest, concentration.rest_concentration,
    concentration.heaviest
  from (
    select crowded.*,
      -- By name where they crowd alike, for sums of floats are noise in their last digits.
      row_number() over (
        order by round(crowded.concentration / full_concentration * 1e9) desc, crowded.cell
      ) as rank
    from (
      select held.*,
        held.weight * (context.alpha * held.exposure + context.beta * held.pattern_exposure) as concentration
      from (
        select cell_exposure.cell, weighed.weight, cell_exposure.exposure, cell_exposure.pattern_exposure
        from (
          select cell.mask, max(cell.cell) as cell,
            coalesce(sum(cell.exposure) filter (where cell.pattern_key is null), 0) as exposure,
            coalesce(sum(cell.exposure) filter (where cell.pattern_key is not null), 0) as pattern_exposure
          from learning.exposure_cells cell
          where cell.place = any (places)
          group by cell.mask
        ) as cell_exposure
        join unnest(cells.masks, cells.weights) as weighed(mask, weight) on weighed.mask = cell_exposure.mask
        union all
        select null, full_scope.weight, full_scope.exposure, full_scope.pattern_exposure
        where full_scope.exposure > 0
      ) as held
    ) as crowded
  ) as ranked;
  return concentration;
end
$$;
comment on function learning.concentration(learning.candidate, learning.crowding_context) is
  'How much is held in the scopes that the masks make of a candidate''s, by weight.';

create function learning.crowding(concentration learning.concentration, context learning.crowding_context)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when concentration.weight_sum = 0 then null
    -- Where nothing is held, what the cells sum up to is a rounding error.
    when context.total = 0 then 0
    else learning.clamp(
      concentration.concentration / (context.alpha * concentration.weight_sum * context.full_exposure), 0, 1
    )
  end;
end
$$;
comment on function learning.crowding(learning.concentration, learning.crowding_context) is
  'How full a candidate''s scope is, from 0 to 1; null where it fills no mask.';

create function learning.measure_exposure(candidates learning.candidate[], config jsonb)
returns learning.exposure_measure[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
declare
  context constant learning.crowding_context := learning.crowding_context(config);
  candidate learning.candidate;
  concentration learning.concentration;
  crowding float8;
  measure learning.exposure_measure;
  measures learning.exposure_measure[] := array[]::learning.exposure_measure[];
begin
  foreach candidate in array candidates loop
    if candidate.action_category in ('entry', 'add') then
      concentration := learning.concentration(candidate, context);
      crowding := learning.crowding(concentration, context);
      measure.skew := case
        when not context.enabled or crowding is null then 1
        when context.total = 0 then context.empty_skew
        else learning.skew_of_crowding(crowding)
      end;
      measure.explanation := jsonb_build_object(
        'enabled', context.enabled, 'alpha', context.alpha, 'beta', context.beta,
        'total', context.total, 'cap', context.cap,
        'weight_sum', concentration.weight_sum, 'concentration', concentration.concentration,
        'crowding', crowding,
        'masks', coalesce(to_jsonb(concentration.heaviest), '[]') || case when concentration.rest > 0
          then jsonb_build_object(
            'rest', concentration.rest, 'concentration', concentration.rest_concentration
          )
          else '[]' end
      );
    else
      measure := row(1, '{"enabled": false, "masks": []}'::jsonb)::learning.exposure_measure;
    end if;
    measures := measures || measure;
  end loop;
  return measures;
end
$$;
comment on function learning.measure_exposure(learning.candidate[], jsonb) is
  'Crowding of each candidate''s scope by what is held: the skew of its size and the masks that made it, the '
  '20 heaviest and the rest in one entry.';
