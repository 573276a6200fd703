-- Matches: the overrides that a scope contains, with their weights.

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
comment on column public.pm_override_match.specificity is 'Dimensions of the scope plus one, to the power of 1.5.';
comment on column public.pm_override_match.weight is 'Its weight in the configured mode.';
comment on column public.pm_override_match.share is 'Its part of all weight that acts; 0 where it does not act.';
comment on column public.pm_override_match.acts is 'Whether it acts; false where it is set aside: for low confidence beside a higher one, for low weight, or because overrides are switched off.';
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
  select matched.override_id, made.scope_subset, terms.specificity, matched.weight, case when acts then matched.share else 0 end,
    acts and matched.share > 0, terms.confidence, 1 + (terms.multiplier - 1) * faded.fade, terms.dir_a * faded.fade,
    terms.dir_e * faded.fade, made.edge_raw, made.n, made.last_evidence_at
  from learning.matched_overrides(candidate, config) as matched
  join public.pm_overrides made on made.id = matched.override_id
  join learning.override_terms terms on terms.override_id = matched.override_id
  cross join lateral (
    select learning.fade(candidate.as_of, made.last_evidence_at, (config ->> 'staleness_half_life_hours')::float8) as fade offset 0
  ) as faded
  order by matched.weight desc, matched.override_id;
end
$$;
comment on function public.match_pm_overrides(text, text, jsonb) is
  'The enabled overrides that a scope contains, heaviest first, with the weight they have in the configured mode.';
