-- Matches: the overrides of a blend one by one, as a size lists them and as a person asks for them.

create type learning.contribution as (
  id bigint,
  scope_subset jsonb,
  weight float8,
  share float8,
  pull float8
);
comment on type learning.contribution is 'What one override contributed to a size.';
comment on column learning.contribution.id is 'The override.';
comment on column learning.contribution.scope_subset is 'Its scope.';
comment on column learning.contribution.weight is 'Its weight in the configured mode.';
comment on column learning.contribution.share is 'Its part of all weight that acts.';
comment on column learning.contribution.pull is 'What it adds to what all say together.';

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
  least_weight constant float8 := blend.least_weight;
  total_weight constant float8 := blend.weight;
  weight_unit constant float8 := blend.weight_unit;
  move_unit constant float8 := blend.move_unit;
  edge_unit constant float8 := blend.edge_unit;
  listed record;
  scopes jsonb[];
  contributions learning.contribution[];
begin
  if total_weight is null then
    return '[]'::jsonb;
  end if;
  select array_agg(heaviest.override_id) as override_ids, array_agg(heaviest.scope_mask) as scope_masks,
    array_agg(heaviest.weight) as weights, array_agg(heaviest.pull) as pulls,
    sum(heaviest.weight) as weight, sum(heaviest.pull) as pull
  into listed
  from (
    select acting.override_id, acting.scope_mask, acting.weight,
      (acting.move * move_unit + case
        when edge_unit = 0 then 0
        else edge_unit * acting.weight * (
          select terms.edge from learning.override_terms terms where terms.override_id = acting.override_id
        )
      end) / total_weight as pull
    from (
      select unnest(override_ids) as override_id, unnest(scope_masks) as scope_mask,
        unnest(weights) as weight, unnest(moves) as move
    ) as acting
    where acting.weight >= least_weight
    order by acting.weight desc, acting.override_id
    limit at_most
  ) as heaviest;
  scopes := learning.scopes_within(scope, listed.scope_masks);
  select array_agg(
    row(
      heaviest.override_id, heaviest.scope_subset, heaviest.weight / weight_unit,
      heaviest.weight / total_weight, heaviest.pull
    )::learning.contribution
  ) into contributions
  from (
    select unnest(listed.override_ids) as override_id, unnest(scopes) as scope_subset,
      unnest(listed.weights) as weight, unnest(listed.pulls) as pull
  ) as heaviest;
  return to_jsonb(contributions) || case when blend.overrides > at_most
    then jsonb_build_object('rest', blend.overrides - at_most,
      'weight', (total_weight - listed.weight) / weight_unit,
      'share', 1 - listed.weight / total_weight, 'pull', blend.pull - listed.pull)
    else '[]' end;
end
$$;
comment on function learning.list_contributions(learning.strength_blend, jsonb, integer) is
  'The heaviest of the overrides that act in a blend of those that the scope contains, and the rest in one '
  'entry: multiplied out, what the blend says.';

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
  select match.override_id, match.weight / blend.weight_unit,
    case
      when match.weight > 0 and match.weight >= blend.least_weight
        and terms.confidence >= blend.least_confidence then match.weight / blend.weight
      else 0
    end
  from unnest(blend.override_ids, blend.weights) as match(override_id, weight)
  join learning.override_terms terms on terms.override_id = match.override_id;
end
$$;
comment on function learning.matched_overrides(learning.candidate, jsonb) is
  'The enabled strength overrides that a candidate contains, with their weight in the configured mode and '
  'their share of all weight that acts: 0 where they are set aside.';

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
comment on column public.pm_override_match.specificity is
  'Dimensions of the scope plus one, to the power of 1.5.';
comment on column public.pm_override_match.weight is 'Its weight in the configured mode.';
comment on column public.pm_override_match.share is
  'Its part of all weight that acts; 0 where it does not act.';
comment on column public.pm_override_match.acts is
  'Whether it acts; false where it is set aside: for low confidence beside a higher one, for low weight, or '
  'because overrides are switched off.';
comment on column public.pm_override_match.confidence_score is 'Its confidence, 0.5 where none was given.';
comment on column public.pm_override_match.multiplier is 'Its multiplier after fading.';
comment on column public.pm_override_match.dir_a is 'Its direction for the appetite after fading.';
comment on column public.pm_override_match.dir_e is 'Its direction for the assertiveness after fading.';
comment on column public.pm_override_match.edge_raw is 'Its edge.';
comment on column public.pm_override_match.n is 'Trades it rests on.';
comment on column public.pm_override_match.last_evidence_at is 'Close of the newest trade behind it.';

create function public.match_pm_overrides(pattern_key text, action_category text, scope jsonb)
returns setof public.pm_override_match
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  config constant jsonb := learning.config();
  candidate learning.candidate;
  acts boolean;
begin
  perform learning.require_pm();
  candidate := learning.check_candidate(pattern_key, action_category, scope, null, null, null, null);
  acts := learning.overrides_act('pm_strength', candidate.scope, config);
  return query
  select match.override_id, override.scope_subset, terms.specificity, match.weight,
    case when acts then match.share else 0 end, acts and match.share > 0, terms.confidence,
    learning.faded(terms.multiplier, 1, age.fade), learning.faded(terms.dir_a, 0, age.fade),
    learning.faded(terms.dir_e, 0, age.fade), override.edge_raw, override.n, override.last_evidence_at
  from learning.matched_overrides(candidate, config) as match
  join public.pm_overrides override on override.id = match.override_id
  join learning.override_terms terms on terms.override_id = match.override_id
  cross join lateral (
    select learning.fade(
      candidate.as_of, override.last_evidence_at, (config -> 'staleness_half_life_hours')::float8
    ) as fade offset 0
  ) as age
  order by match.weight desc, match.override_id;
end
$$;
comment on function public.match_pm_overrides(text, text, jsonb) is
  'The enabled overrides that a scope contains, heaviest first, with the weight they have in the configured '
  'mode.';
