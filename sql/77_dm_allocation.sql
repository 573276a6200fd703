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
comment on type public.dm_allocation is 'Answer of get_dm_allocation: what an approved token gets on one timeframe, and why.';
comment on column public.dm_allocation.base is 'Fraction of the book that an approved token gets over all its timeframes.';
comment on column public.dm_allocation.share is 'The timeframe''s learned share of it; null for a timeframe without a share.';
comment on column public.dm_allocation.multiplier is 'Factor from learned and hand-made dm_alloc overrides, 0.7 to 1.3; 1 is neutral.';
comment on column public.dm_allocation.product is 'base times share times multiplier, a fraction of the book; null for a timeframe without a share.';
comment on column public.dm_allocation.overrides is 'The overrides that acted, heaviest first: id, pattern_key, scope_subset, weight, share, pull; beyond 50 one entry for the rest.';
comment on column public.dm_allocation.config_version is 'Version of the decision maker''s configuration that held.';
comment on column public.dm_allocation.computed_at is 'When the answer was computed.';

create function learning.blend_allocation_overrides(
  scope jsonb, as_of timestamptz, half_life_hours float8, out multiplier float8, out contributions jsonb
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  with containing as (
    select held.id, held.pattern_key, held.scope_subset,
      -- Beyond these bounds the answer stays the same, but products would leave the range of numbers.
      power(cardinality(array(select jsonb_object_keys(held.scope_subset))) + 1, 1.5)
        * case when held.confidence_score < 1e-100 then 0 else coalesce(held.confidence_score, 0.5) end as weight,
      (least(1e100, greatest(1e-100, coalesce(held.multiplier, 1))) - 1)
        * learning.fade(as_of, held.last_evidence_at, blend_allocation_overrides.half_life_hours) as faded
    from public.pm_overrides held
    where held.override_type = 'dm_alloc' and held.action_category = 'allocation' and held.enabled
      and held.scope_subset <@ blend_allocation_overrides.scope
  ),
  pulls as (
    select containing.*, containing.weight / sum(containing.weight) over () as share,
      containing.weight / sum(containing.weight) over () * containing.faded as pull,
      row_number() over (order by containing.weight desc, containing.id) as rank
    from containing
    where containing.weight > 0
  ),
  listed as (
    select pulls.rank, jsonb_build_object('id', pulls.id, 'pattern_key', pulls.pattern_key, 'scope_subset', pulls.scope_subset,
      'weight', pulls.weight, 'share', pulls.share, 'pull', pulls.pull) as entry
    from pulls
    where pulls.rank <= 50
    union all
    select 51, jsonb_build_object('rest', count(*), 'weight', sum(pulls.weight), 'share', sum(pulls.share), 'pull', sum(pulls.pull))
    from pulls
    where pulls.rank > 50
    having count(*) > 0
  )
  select least(greatest(1 + coalesce((select sum(pulls.pull) from pulls), 0), 0.7), 1.3),
    coalesce((select jsonb_agg(listed.entry order by listed.rank) from listed), '[]'::jsonb)
  into multiplier, contributions;
end
$$;
comment on function learning.blend_allocation_overrides(jsonb, timestamptz, float8) is
  'Blends the faded multipliers of all dm_alloc overrides that a scope contains, whatever their pattern key, weighed by specificity and confidence.';

create function public.get_dm_allocation(timeframe text, scope jsonb default '{}'::jsonb)
returns public.dm_allocation
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  answer public.dm_allocation;
  argument text;
  expected text;
  given text;
begin
  perform learning.require_pm();
  if timeframe is null or btrim(timeframe) = '' then
    argument := 'timeframe'; expected := 'a timeframe such as 1h'; given := timeframe;
  elsif scope is null or jsonb_typeof(scope) <> 'object' then
    argument := 'scope'; expected := 'an object of dimensions and texts'; given := left(scope::text, 61);
  end if;
  if argument is not null then
    raise exception using
      errcode = '22023',
      message = format('Argument %s must be %s and is %s', argument, expected, coalesce(learning.quoted(given), 'null')),
      hint = format('Correct %s and ask again; nothing else was looked at.', argument);
  end if;
  timeframe := btrim(timeframe);
  scope := public.unified_scope(null, scope || jsonb_build_object('timeframe', timeframe), null);

  select (held.config ->> 'default_allocation_pct')::float8, held.version into answer.base, answer.config_version
  from learning.effective_configs held
  where held.module_id = 'decision_maker';
  select held.current_allocation into answer.share
  from public.timeframe_allocation held
  where held.timeframe = get_dm_allocation.timeframe;
  answer.multiplier := 1;
  answer.overrides := '[]'::jsonb;
  if (learning.config() #>> '{flags,dm_alloc_overrides_enabled}')::boolean then
    select blend.multiplier, blend.contributions into answer.multiplier, answer.overrides
    from learning.blend_allocation_overrides(scope, now(), (learning.config() ->> 'staleness_half_life_hours')::float8) as blend;
  end if;
  answer.product := answer.base * answer.share * answer.multiplier;
  answer.computed_at := clock_timestamp();
  return answer;
end
$$;
comment on function public.get_dm_allocation(text, jsonb) is
  'What an approved token gets on one timeframe: base, learned share, multiplier from dm_alloc overrides and their product. The timeframe given counts as the scope''s. Read-only; malformed arguments are refused with 22023.';
