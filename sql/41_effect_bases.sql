-- Effect bases: what the effects of a module and category are measured against.

create table learning.effect_bases (
  module text not null,
  action_category text not null,
  n integer not null,
  mean float8 not null,
  sigma float8 not null,
  lower_bound float8 not null,
  upper_bound float8 not null,
  weeks integer[] not null,
  primary key (module, action_category)
);
alter table learning.effect_bases enable row level security;
comment on table learning.effect_bases is
  'Mean and spread of the winsorised outcomes of all decisions of a module and category, and their weeks; '
  'measured at the start of each cycle.';
comment on column learning.effect_bases.module is 'Who acted.';
comment on column learning.effect_bases.action_category is 'Category of the actions.';
comment on column learning.effect_bases.n is 'Decisions: trades by their first action of a behaviour.';
comment on column learning.effect_bases.mean is 'Mean of the winsorised outcomes.';
comment on column learning.effect_bases.sigma is 'Their population standard deviation.';
comment on column learning.effect_bases.lower_bound is '2 % quantile of the outcomes.';
comment on column learning.effect_bases.upper_bound is '98 % quantile of the outcomes.';
comment on column learning.effect_bases.weeks is
  'The UTC weeks of the decisions, ascending, counted from the one of 1970-01-01.';

create function learning.utc_week(at timestamptz)
returns integer
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- The first of January 1970 was the fourth day of its week.
  return floor((extract(epoch from at) / 86400 + 3) / 7)::integer;
end
$$;
comment on function learning.utc_week(timestamptz) is
  'The week, Monday to Sunday in UTC, of a moment, counted from the one of 1970-01-01.';

create function learning.measure_effect_bases()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  with decisions as materialized (
    select decision.* from learning.decisions() as decision
    where decision.outcome is not null
  ),
  bounds as (
    select decisions.module, decisions.action_category, count(*)::integer as n,
      percentile_cont(array[0.02, 0.98]) within group (order by decisions.outcome) as bound,
      -- Of each day once: a call for each decision would take longer than all the rest.
      array_agg(distinct date_trunc('day', decisions.acted_at at time zone 'UTC')) as days
    from decisions
    group by decisions.module, decisions.action_category
  ),
  measured as (
    select decisions.module, decisions.action_category,
      -- In order, so that the same decisions give the same to the last digit wherever they are stored.
      avg(least(greatest(decisions.outcome, bounds.bound[1]), bounds.bound[2]) order by decisions.outcome)
        as mean,
      stddev_pop(
        least(greatest(decisions.outcome, bounds.bound[1]), bounds.bound[2]) order by decisions.outcome
      ) as sigma
    from bounds
    join decisions using (module, action_category)
    -- By nothing else: the bounds and the days of a category would be compared for each of its decisions.
    group by decisions.module, decisions.action_category
  ),
  removed as (
    delete from learning.effect_bases basis
    where not exists (
      select from measured
      where measured.module = basis.module and measured.action_category = basis.action_category
    )
  )
  insert into learning.effect_bases as basis (
    module, action_category, n, mean, sigma, lower_bound, upper_bound, weeks
  )
  select bounds.module, bounds.action_category, bounds.n, measured.mean, measured.sigma, bounds.bound[1],
    bounds.bound[2],
    array(
      select distinct learning.utc_week(acted_day.at at time zone 'UTC') as week
      from unnest(bounds.days) as acted_day(at)
      order by week
    )
  from bounds
  join measured using (module, action_category)
  order by bounds.module, bounds.action_category
  on conflict (module, action_category) do update set
    n = excluded.n, mean = excluded.mean, sigma = excluded.sigma, lower_bound = excluded.lower_bound,
    upper_bound = excluded.upper_bound, weeks = excluded.weeks
  where basis is distinct from excluded;
end
$$;
comment on function learning.measure_effect_bases() is
  'Measures what effects are measured against, over all decisions.';

create function learning.effect_basis_moved(
  p_group_id bigint, p_module text, p_action_category text
)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(bool_or(
    abs(basis.mean - effect_group.mean) > 0.01 * basis.sigma
    or abs(basis.sigma - effect_group.sigma) > 0.01 * basis.sigma
  ), false)
  from public.learning_effect_groups effect_group
  join learning.effect_bases basis on basis.module = p_module and basis.action_category = p_action_category
  where effect_group.group_id = p_group_id;
$$;
comment on function learning.effect_basis_moved(bigint, text, text) is
  'Whether the mean or the spread that a group''s effects were measured against moved by more than a '
  'hundredth of the spread since.';
