-- Allocation of a token to a timeframe: base, learned share and the overrides of the decision maker.

create type public.dm_allocation as (
  base float8,
  share float8,
  multiplier float8,
  product float8,
  overrides jsonb,
  config_version integer,
  computed_at timestamptz
);
comment on type public.dm_allocation is
  'Answer of get_dm_allocation: what an approved token gets on one timeframe, and why.';
comment on column public.dm_allocation.base is
  'Fraction of the book that an approved token gets over all its timeframes.';
comment on column public.dm_allocation.share is
  'The timeframe''s learned share of it; null for a timeframe without a share.';
comment on column public.dm_allocation.multiplier is
  'Factor from learned and hand-made dm_alloc overrides, 0.7 to 1.3; 1 is neutral.';
comment on column public.dm_allocation.product is
  'base times share times multiplier, a fraction of the book; null for a timeframe without a share.';
comment on column public.dm_allocation.overrides is
  'The overrides that acted, heaviest first: id, pattern_key, scope_subset, weight, share, pull; beyond 50 '
  'one entry for the rest.';
comment on column public.dm_allocation.config_version is
  'Version of the decision maker''s configuration that held.';
comment on column public.dm_allocation.computed_at is 'When the answer was computed.';

create function learning.blend_allocation_overrides(
  scope jsonb, as_of timestamptz, config jsonb, out multiplier float8, out contributions jsonb
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  fade_half_life constant float8 := (config -> 'staleness_half_life_hours')::float8;
begin
  multiplier := 1;
  contributions := '[]';
  if not learning.overrides_act('dm_alloc', scope, config) then
    return;
  end if;
  with matches as (
    select override.id, override.pattern_key, override.scope_subset, index_entry.multiplier,
      learning.fade(as_of, override.last_evidence_at, fade_half_life) as fade,
      index_entry.specificity * index_entry.confidence as weight
    from learning.override_index_groups index_group
    cross join lateral learning.contained_overrides(index_group, scope) as index_entry
    join public.pm_overrides override on override.id = index_entry.override_id
    where index_group.override_type = 'dm_alloc' and index_group.action_category = 'allocation'
      and index_entry.confidence > 0
  ),
  pulls as (
    select match.id, match.pattern_key, match.scope_subset, match.weight, mean.share,
      mean.share * (match.multiplier - 1) * match.fade as pull,
      row_number() over (order by match.weight desc, match.id) as rank
    from matches as match
    cross join (select sum(matches.weight) as weight from matches) as total
    cross join lateral (select match.weight / total.weight as share) as mean
  ),
  listed as (
    select pull.rank, jsonb_build_object(
      'id', pull.id, 'pattern_key', pull.pattern_key, 'scope_subset', pull.scope_subset,
      'weight', pull.weight, 'share', pull.share, 'pull', pull.pull
    ) as entry
    from pulls as pull
    where pull.rank <= 50
    union all
    select 51, jsonb_build_object(
      'rest', count(*), 'weight', sum(pull.weight), 'share', sum(pull.share), 'pull', sum(pull.pull)
    )
    from pulls as pull
    where pull.rank > 50
    having count(*) > 0
  )
  select
    learning.multiplier_within_bounds('dm_alloc', 1 + coalesce((select sum(pulls.pull) from pulls), 0)),
    coalesce((select jsonb_agg(listed.entry order by listed.rank) from listed), '[]')
  into multiplier, contributions;
end
$$;
comment on function learning.blend_allocation_overrides(jsonb, timestamptz, jsonb) is
  'Blends the faded multipliers of all dm_alloc overrides that a scope contains, whatever their pattern key, '
  'weighed by specificity and confidence; neutral where they rest.';

create function public.get_dm_allocation(timeframe text, scope jsonb default '{}'::jsonb)
returns public.dm_allocation
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  answer public.dm_allocation;
begin
  perform learning.require_pm();
  if timeframe is null or btrim(timeframe) = '' then
    perform learning.refuse_argument('timeframe', 'a timeframe such as 1h', timeframe);
  end if;
  perform learning.check_scope(scope);
  timeframe := btrim(timeframe);
  scope := public.unified_scope(null, scope || jsonb_build_object('timeframe', timeframe), null);

  select (effective_config.config ->> 'default_allocation_pct')::float8, effective_config.version
  into answer.base, answer.config_version
  from learning.effective_configs effective_config
  where effective_config.module_id = 'decision_maker';
  select allocation.current_allocation into answer.share
  from public.timeframe_allocation allocation
  where allocation.timeframe = get_dm_allocation.timeframe;
  select blend.multiplier, blend.contributions into answer.multiplier, answer.overrides
  from learning.blend_allocation_overrides(scope, now(), learning.config()) as blend;
  answer.product := answer.base * answer.share * answer.multiplier;
  answer.computed_at := clock_timestamp();
  return answer;
end
$$;
comment on function public.get_dm_allocation(text, jsonb) is
  'What an approved token gets on one timeframe: base, learned share, multiplier from dm_alloc overrides and '
  'their product. The timeframe given counts as the scope''s. Read-only; malformed arguments are refused '
  'with 22023.';
