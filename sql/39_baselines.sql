-- Baselines: what slices are compared with.

create table learning.baselines (
  action_category text primary key,
  n integer not null,
  mean float8 not null,
  winsorised_mean float8 not null,
  sigma float8 not null,
  lower_bound float8 not null,
  upper_bound float8 not null,
  measured_at timestamptz not null default now(),
  lowest float8 not null,
  highest float8 not null
);
alter table learning.baselines enable row level security;
comment on table learning.baselines is 'What slices are compared with, measured at the start of each cycle.';
comment on column learning.baselines.action_category is
  'Category whose decisions it covers, by what they are judged by; empty for all trades.';
comment on column learning.baselines.n is 'Decisions, or distinct trades.';
comment on column learning.baselines.mean is 'Mean outcome.';
comment on column learning.baselines.winsorised_mean is 'Mean of the winsorised outcomes.';
comment on column learning.baselines.sigma is 'Population standard deviation of the winsorised outcomes.';
comment on column learning.baselines.lower_bound is '2 % quantile of the outcomes.';
comment on column learning.baselines.upper_bound is '98 % quantile of the outcomes.';
comment on column learning.baselines.measured_at is 'When it was measured.';
comment on column learning.baselines.lowest is 'Smallest outcome.';
comment on column learning.baselines.highest is 'Largest outcome.';

create table learning.group_decisions (
  group_id bigint primary key references learning.mining_groups (id) on delete cascade,
  evidence_version bigint not null,
  outcome_read text not null,
  outcome float8[] not null,
  steering_roi float8[] not null,
  did_trim boolean[] not null,
  reached_s3 boolean[] not null,
  acted_at timestamptz[] not null,
  traded_at timestamptz[] not null
);
alter table learning.group_decisions enable row level security;
comment on table learning.group_decisions is
  'The decisions of each mining group in columns, by trade in the order of bytes: what is measured over all '
  'decisions at the start of each cycle reads numbers, and of the events only those of groups that changed.';
comment on column learning.group_decisions.group_id is 'The group.';
comment on column learning.group_decisions.evidence_version is 'Evidence version of the group they are of.';
comment on column learning.group_decisions.outcome_read is
  'What they are judged by: learning.outcome_read().';
comment on column learning.group_decisions.outcome is 'What each is judged by; null where that is not known.';
comment on column learning.group_decisions.steering_roi is 'The return that directions follow.';
comment on column learning.group_decisions.did_trim is 'Whether its trade trimmed.';
comment on column learning.group_decisions.reached_s3 is 'Whether its trade reached S3.';
comment on column learning.group_decisions.acted_at is 'When it was made.';
comment on column learning.group_decisions.traded_at is 'When its trade closed.';

create function learning.write_group_decisions(changed learning.mining_groups, config jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format(
    $query$
      insert into learning.group_decisions (
        group_id, evidence_version, outcome_read, outcome, steering_roi, did_trim, reached_s3, acted_at,
        traded_at
      )
      select $1, $2, $3, coalesce(array_agg(decision.outcome), '{}'),
        coalesce(array_agg(decision.steering_roi), '{}'),
        coalesce(array_agg(decision.did_trim), '{}'), coalesce(array_agg(decision.reached_s3), '{}'),
        coalesce(array_agg(decision.acted_at), '{}'), coalesce(array_agg(decision.traded_at), '{}')
      from (
        -- In the order of bytes, which takes a third of the time of any other.
        select distinct on (event.trade_id collate "C") event.%I as outcome, event.%I as steering_roi,
          event.did_trim, event.reached_s3, event.acted_at, event.traded_at
        from public.pattern_trade_events event
        where event.module = $4 and event.pattern_key = $5 and event.action_category = $6
        order by event.trade_id collate "C", event.acted_at, event.action_strand_id collate "C"
      ) as decision
      on conflict (group_id) do update set
        evidence_version = excluded.evidence_version, outcome_read = excluded.outcome_read,
        outcome = excluded.outcome, steering_roi = excluded.steering_roi, did_trim = excluded.did_trim,
        reached_s3 = excluded.reached_s3, acted_at = excluded.acted_at, traded_at = excluded.traded_at
    $query$,
    learning.outcome_column(changed.action_category, config),
    learning.steering_column(changed.action_category, config)
  )
  using changed.id, changed.evidence_version, learning.outcome_read(config), changed.module,
    changed.pattern_key, changed.action_category;
end
$$;
comment on function learning.write_group_decisions(learning.mining_groups, jsonb) is
  'Puts the decisions of a group into columns, each trade by its first action.';

create function learning.refresh_decisions(deadline timestamptz default 'infinity')
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  config constant jsonb := learning.config();
  changed learning.mining_groups;
  refreshed integer := 0;
  stale bigint[];
begin
  -- Two that do the same work would take the rows in each other's way.
  perform pg_advisory_xact_lock(hashtextextended('decisions of groups', 0));
  stale := array(
    select mining_group.id
    from learning.mining_groups mining_group
    left join learning.group_decisions group_decision on group_decision.group_id = mining_group.id
    where mining_group.family = 'strength'
      and (group_decision.evidence_version, group_decision.outcome_read)
        is distinct from (mining_group.evidence_version, learning.outcome_read(config))
    order by mining_group.id
  );
  for changed in
    select mining_group.* from learning.mining_groups mining_group where mining_group.id = any (stale)
  loop
    exit when clock_timestamp() > deadline;
    perform learning.write_group_decisions(changed, config);
    refreshed := refreshed + 1;
  end loop;
  return cardinality(stale) - refreshed;
end
$$;
comment on function learning.refresh_decisions(timestamptz) is
  'Brings the columns of decisions of groups that changed up to date, until the deadline; returns how many '
  'groups are left.';

create type learning.decision as (
  module text,
  action_category text,
  acted_at timestamptz,
  outcome float8
);
comment on type learning.decision is 'A trade by its first action of a behaviour and category.';
comment on column learning.decision.module is 'Who acted.';
comment on column learning.decision.action_category is 'Category of the action.';
comment on column learning.decision.acted_at is 'When.';
comment on column learning.decision.outcome is 'What it is judged by; null where that is not known.';

create function learning.decisions()
returns setof learning.decision
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.refresh_decisions();
  return query
  select in_order.module, in_order.action_category, least(decision.acted_at, now()), decision.outcome
  from (
    -- So that the same decisions are summed to the same last digit wherever they are stored.
    select mining_group.module, mining_group.action_category, group_decision.outcome, group_decision.acted_at
    from learning.group_decisions group_decision
    join learning.mining_groups mining_group on mining_group.id = group_decision.group_id
    order by mining_group.module collate "C", mining_group.action_category collate "C",
      mining_group.pattern_key collate "C"
  ) as in_order
  cross join lateral unnest(in_order.outcome, in_order.acted_at) as decision(outcome, acted_at);
end
$$;
comment on function learning.decisions() is
  'All decisions with what the configuration judges them by; null where that is not known. Brings their '
  'columns up to date first.';

create function learning.measure_baselines()
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  config constant jsonb := learning.config();
  unknown jsonb;
begin
  with populations as materialized (
    select '' as action_category, case config ->> 'outcome' when 'rr' then trade.rr else trade.roi end as y
    from learning.closed_trades trade
    where trade.action_categories <> '{}'
    union all
    select decision.action_category, decision.outcome from learning.decisions() as decision
  ),
  bounds as (
    select populations.action_category, count(*)::integer as n, avg(populations.y) as mean,
      min(populations.y) as lowest, max(populations.y) as highest,
      percentile_cont(array[0.02, 0.98]) within group (order by populations.y) as bound
    from populations
    where populations.y is not null
    group by populations.action_category
  ),
  spread as (
    select bounds.action_category,
      avg(least(greatest(populations.y, bounds.bound[1]), bounds.bound[2])) as winsorised_mean,
      coalesce(stddev_pop(least(greatest(populations.y, bounds.bound[1]), bounds.bound[2])), 0) as sigma
    from bounds
    join populations using (action_category)
    where populations.y is not null
    group by bounds.action_category
  ),
  measured as (
    select bounds.*, spread.winsorised_mean, spread.sigma from bounds join spread using (action_category)
  ),
  removed as (
    delete from learning.baselines baseline
    where not exists (select from measured where measured.action_category = baseline.action_category)
  ),
  written as (
    insert into learning.baselines (
      action_category, n, mean, winsorised_mean, sigma, lower_bound, upper_bound, lowest, highest
    )
    select measured.action_category, measured.n, measured.mean, measured.winsorised_mean, measured.sigma,
      measured.bound[1], measured.bound[2], measured.lowest, measured.highest
    from measured
    on conflict (action_category) do update set
      n = excluded.n, mean = excluded.mean, winsorised_mean = excluded.winsorised_mean,
      sigma = excluded.sigma, lower_bound = excluded.lower_bound, upper_bound = excluded.upper_bound,
      measured_at = now(), lowest = excluded.lowest, highest = excluded.highest
  )
  select jsonb_object_agg(lacking.action_category, lacking.decisions) into unknown
  from (
    select populations.action_category, count(*) as decisions
    from populations
    where populations.y is null
    group by populations.action_category
  ) as lacking;
  return coalesce(unknown, '{}'::jsonb);
end
$$;
comment on function learning.measure_baselines() is
  'Measures the baseline of each category over its decisions of known outcome, and that of all trades that '
  'have an event; returns how many decisions of each category have an outcome that is not known. In one '
  'piece because what is known and what is not are told apart in one pass over all decisions.';

create function learning.warn_of_unknown_outcomes(unknown jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  in_words constant text := (
    select string_agg(format('%s of %s', category.decisions, category.name), ', ' order by category.name)
    from jsonb_each_text(unknown) as category(name, decisions)
  );
begin
  if in_words is not null then
    perform learning.write_log_once_in(
      interval '1 day', 'WARNING', 'mine-lessons', 'outcome_unknown',
      format('Nothing is learned of decisions whose own outcome is not known: %s. An add and a trim need the '
        'price of their fill and of what was sold later or exit_price, an exit needs could_exit_better; '
        'add_outcome, trim_outcome and exit_outcome let them be judged by the whole trade.', in_words),
      jsonb_build_object('decisions', unknown)
    );
  end if;
end
$$;
comment on function learning.warn_of_unknown_outcomes(jsonb) is
  'Warns once a day of decisions that nothing can be learned of, with how many there are of each category.';

create function learning.baseline_of(group_category text)
returns learning.baselines
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select baseline.action_category, baseline.n, baseline.mean, baseline.winsorised_mean, baseline.sigma,
    baseline.lower_bound, baseline.upper_bound, baseline.measured_at,
    coalesce(category_baseline.lowest, baseline.lowest), coalesce(category_baseline.highest, baseline.highest)
  from learning.baselines baseline
  left join learning.baselines category_baseline on category_baseline.action_category = group_category
  where baseline.action_category
    = case learning.config() ->> 'baseline' when 'category' then group_category else '' end;
$$;
comment on function learning.baseline_of(text) is
  'The baseline that a group of the given category is compared with; the lowest and the highest outcome are '
  'those of the category in any case.';
