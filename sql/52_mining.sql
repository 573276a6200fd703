-- Mining: which groups are due, what they are compared with, and who is at work on them.

create table learning.baselines (
  action_category text primary key,
  n integer not null,
  mean float8 not null,
  winsorised_mean float8 not null,
  sigma float8 not null,
  lower_bound float8 not null,
  upper_bound float8 not null,
  measured_at timestamptz not null default now()
);
alter table learning.baselines enable row level security;
comment on table learning.baselines is 'What slices are compared with, measured at the start of each cycle.';
comment on column learning.baselines.action_category is
  'Category whose trades it covers; empty for all trades.';
comment on column learning.baselines.n is 'Distinct trades.';
comment on column learning.baselines.mean is 'Mean outcome.';
comment on column learning.baselines.winsorised_mean is 'Mean of the winsorised outcomes.';
comment on column learning.baselines.sigma is 'Population standard deviation of the winsorised outcomes.';
comment on column learning.baselines.lower_bound is '2 % quantile of the outcomes.';
comment on column learning.baselines.upper_bound is '98 % quantile of the outcomes.';
comment on column learning.baselines.measured_at is 'When it was measured.';

create function learning.mining_settings_digest()
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select md5(concat_ws(' ',
    (
      select jsonb_build_object(
        'outcome', effective_config.config -> 'outcome',
        'outcome_scale', effective_config.config -> 'outcome_scale',
        'n_min', effective_config.config -> 'n_min',
        'edge_min', effective_config.config -> 'edge_min',
        'incremental_min', effective_config.config -> 'incremental_min',
        'max_q_value', effective_config.config -> 'max_q_value',
        'cluster', effective_config.config -> 'cluster',
        'baseline', effective_config.config -> 'baseline',
        'selection', effective_config.config -> 'selection',
        'max_lessons_per_group', effective_config.config -> 'max_lessons_per_group',
        'decay', effective_config.config -> 'decay',
        'roi_scale', effective_config.config #> '{steering,roi_scale}',
        'relative', effective_config.config #> '{steering,relative}',
        'lookback_days', effective_config.config #> '{tuning,lookback_days}'
      )::text
      from learning.effective_configs effective_config
      where effective_config.module_id = 'pm'
    ),
    (
      select string_agg(dimension.dim || '=' || dimension.bit, ',' order by dimension.bit)
      from public.scope_dimensions dimension
    )
  ));
$$;
comment on function learning.mining_settings_digest() is
  'Digest of all that mining depends on besides the events: its configuration and the registry.';

create function learning.measure_baselines()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  config jsonb := learning.config();
begin
  with outcomes as materialized (
    select trade.action_categories,
      case config ->> 'outcome' when 'rr' then trade.rr else trade.roi end
        / (config ->> 'outcome_scale')::float8 as y
    from learning.closed_trades trade
    where trade.action_categories <> '{}'
  ),
  populations as (
    select '' as action_category, outcomes.y from outcomes
    union all
    select category.name, outcomes.y
    from outcomes
    cross join lateral unnest(outcomes.action_categories) as category(name)
    where config ->> 'baseline' = 'category'
  ),
  bounds as (
    select populations.action_category, count(*)::integer as n, avg(populations.y) as mean,
      percentile_cont(array[0.02, 0.98]) within group (order by populations.y) as bound
    from populations
    group by populations.action_category
  ),
  measured as (
    select bounds.action_category, bounds.n, bounds.mean, bounds.bound,
      avg(least(greatest(populations.y, bounds.bound[1]), bounds.bound[2])) as winsorised_mean,
      coalesce(stddev_pop(least(greatest(populations.y, bounds.bound[1]), bounds.bound[2])), 0) as sigma
    from bounds
    join populations using (action_category)
    group by bounds.action_category, bounds.n, bounds.mean, bounds.bound
  ),
  removed as (
    delete from learning.baselines baseline
    where not exists (select from measured where measured.action_category = baseline.action_category)
  )
  insert into learning.baselines (
    action_category, n, mean, winsorised_mean, sigma, lower_bound, upper_bound
  )
  select measured.action_category, measured.n, measured.mean, measured.winsorised_mean, measured.sigma,
    measured.bound[1], measured.bound[2]
  from measured
  on conflict (action_category) do update set
    n = excluded.n, mean = excluded.mean, winsorised_mean = excluded.winsorised_mean, sigma = excluded.sigma,
    lower_bound = excluded.lower_bound, upper_bound = excluded.upper_bound, measured_at = now();
end
$$;
comment on function learning.measure_baselines() is
  'Measures the baselines over all distinct trades that have an event.';

create function learning.baseline_of(group_category text)
returns learning.baselines
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select baseline.*
  from learning.baselines baseline
  where baseline.action_category
    = case learning.config() ->> 'baseline' when 'category' then group_category else '' end;
$$;
comment on function learning.baseline_of(text) is
  'The baseline that a group of the given category is compared with.';

create function learning.due_groups(p_family text)
returns setof bigint
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select mining_group.id
  from learning.mining_groups mining_group
  join learning.mining_cycles cycle on cycle.family = mining_group.family
  left join lateral learning.baseline_of(mining_group.action_category) as baseline
    on mining_group.family = 'strength'
  where mining_group.family = p_family
    and (
      mining_group.run is not null
      -- Events that came after the cycle began wait for the next one.
      or mining_group.mined_version < mining_group.evidence_version and mining_group.mined_cycle < cycle.cycle
      or mining_group.mined_settings is distinct from (select learning.mining_settings_digest())
      or abs(baseline.mean - mining_group.mined_baseline) > 0.01 * baseline.sigma
      or mining_group.mined_at < now() - interval '1 day'
    );
$$;
comment on function learning.due_groups(text) is
  'Groups whose run is under way or whose events, configuration, registry or baseline changed, or that were '
  'not mined for a day.';

create function public.start_mining(p_family text)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  due bigint[];
begin
  -- Holding the row keeps a second cycle from beginning on baselines that are being measured.
  update learning.mining_cycles cycle
  set cycle = cycle.cycle + 1, started_at = now()
  where cycle.family = p_family;
  update learning.mining_cycles cycle
  set last_event_id = case p_family
    when 'tuning' then (select coalesce(max(episode.id), 0) from public.pattern_episode_events episode)
    else (select coalesce(max(event.id), 0) from public.pattern_trade_events event)
  end
  where cycle.family = p_family;
  if p_family = 'strength' then
    perform learning.measure_baselines();
  end if;
  -- Due groups are marked, so that the sweep finds those that no invocation came to. Every writer takes the
  -- rows in the same order and none deadlocks.
  due := array(
    select mining_group.id from learning.mining_groups mining_group
    where mining_group.id in (select learning.due_groups(p_family))
    order by mining_group.module, mining_group.pattern_key, mining_group.action_category
    for update
  );
  update learning.mining_groups mining_group
  set run = coalesce(mining_group.run, '{}'::jsonb)
  where mining_group.id = any (due);
  return cardinality(due);
end
$$;
comment on function public.start_mining(text) is
  'Begins a mining cycle: measures the baselines, marks the groups that are due and returns how many. For '
  'the edge functions.';

create function learning.registered_dimensions()
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_agg(jsonb_build_object('bit', dimension.bit, 'dim', dimension.dim) order by dimension.bit)
  from public.scope_dimensions dimension;
$$;
comment on function learning.registered_dimensions() is
  'The registry as a run keeps it from beginning to end: bit and name of each dimension.';

create function learning.begin_run(mining_group learning.mining_groups)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'started_at', now(),
    'cycle', cycle.cycle,
    'last_event_id', cycle.last_event_id,
    'evidence_version', mining_group.evidence_version,
    'settings', learning.mining_settings_digest(),
    'config', learning.config(),
    'baseline', (
      select to_jsonb(baseline) - 'action_category' - 'measured_at'
      from learning.baseline_of(mining_group.action_category) as baseline
      where baseline.n is not null
    ),
    'dimensions', learning.registered_dimensions()
  )
  from learning.mining_cycles cycle
  where cycle.family = mining_group.family;
$$;
comment on function learning.begin_run(learning.mining_groups) is
  'What a run of a group works with from beginning to end, however many invocations it takes.';

create function public.claim_mining_group(p_family text)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  claimed learning.mining_groups;
begin
  select mining_group.* into claimed
  from learning.mining_groups mining_group
  where mining_group.id in (select learning.due_groups(p_family))
    and learning.is_leased(mining_group.leased_until) is not true
  order by mining_group.progress is null, mining_group.mined_at nulls first, mining_group.id
  limit 1
  for update skip locked;
  if claimed.id is null then
    return null;
  end if;
  update learning.mining_groups mining_group
  set lease_token = gen_random_uuid(),
    leased_until = learning.lease_end(),
    -- Without progress there is nothing to go on with: it begins with what holds now.
    run = case
      when mining_group.progress is null then learning.begin_run(mining_group)
      else mining_group.run
    end
  where mining_group.id = claimed.id
  returning mining_group.* into claimed;
  return jsonb_build_object(
    'group_id', claimed.id, 'lease_token', claimed.lease_token, 'lesson_type', claimed.lesson_type,
    'module', claimed.module, 'pattern_key', claimed.pattern_key, 'action_category', claimed.action_category,
    'run', claimed.run, 'progress', claimed.progress
  );
end
$$;
comment on function public.claim_mining_group(text) is
  'Leases one due group to the caller, with what its run works with and where it has got to; null where none '
  'is left. For the edge functions.';

create function learning.require_lease(p_group_id bigint, p_lease_token uuid)
returns learning.mining_groups
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  leased_group learning.mining_groups;
begin
  select mining_group.* into leased_group
  from learning.mining_groups mining_group
  where mining_group.id = p_group_id and mining_group.lease_token = p_lease_token
  for update;
  if leased_group.id is null then
    perform learning.refuse_lost_lease(p_lease_token, format('mining group %s', p_group_id));
  end if;
  return leased_group;
end
$$;
comment on function learning.require_lease(bigint, uuid) is
  'The group that is leased for mining, or an error where the lease passed on.';

create function public.save_mining_progress(p_group_id bigint, p_lease_token uuid, p_progress jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.require_lease(p_group_id, p_lease_token);
  update learning.mining_groups mining_group
  set progress = p_progress, lease_token = null, leased_until = null
  where mining_group.id = p_group_id;
end
$$;
comment on function public.save_mining_progress(bigint, uuid, jsonb) is
  'Writes down where a run has got to and gives the group back for the next invocation. For the edge '
  'functions.';

create function public.restart_mining_group(p_group_id bigint, p_lease_token uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.require_lease(p_group_id, p_lease_token);
  update learning.mining_groups mining_group
  set run = '{}'::jsonb, progress = null, lease_token = null, leased_until = null
  where mining_group.id = p_group_id;
end
$$;
comment on function public.restart_mining_group(bigint, uuid) is
  'Gives up a run whose events were corrected under way; the group is due again from the beginning. For the '
  'edge functions.';
