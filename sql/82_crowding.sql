-- Crowding: how full a candidate's scope is, and the skew of its size that follows.

create type learning.exposure_measure as (skew float8, explanation jsonb);
comment on type learning.exposure_measure is 'How crowding acts on a candidate, and why.';

create type learning.crowded_mask as (
  scope jsonb,
  weight float8,
  exposure float8,
  pattern_exposure float8
);
comment on type learning.crowded_mask is 'What one mask contributed to a candidate''s crowding.';

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
