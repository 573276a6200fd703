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
comment on column learning.baselines.action_category is 'Category whose trades it covers; empty for all trades.';
comment on column learning.baselines.n is 'Distinct trades.';
comment on column learning.baselines.mean is 'Mean outcome.';
comment on column learning.baselines.winsorised_mean is 'Mean of the winsorised outcomes.';
comment on column learning.baselines.sigma is 'Population standard deviation of the winsorised outcomes.';
comment on column learning.baselines.lower_bound is '2 % quantile of the outcomes.';
comment on column learning.baselines.upper_bound is '98 % quantile of the outcomes.';
comment on column learning.baselines.measured_at is 'When it was measured.';

create function learning.mining_settings()
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select md5(concat_ws(' ',
    (select jsonb_build_object('outcome', held.config -> 'outcome', 'outcome_scale', held.config -> 'outcome_scale', 'n_min', held.config -> 'n_min',
        'edge_min', held.config -> 'edge_min', 'incremental_min', held.config -> 'incremental_min', 'max_q_value', held.config -> 'max_q_value',
        'cluster', held.config -> 'cluster', 'baseline', held.config -> 'baseline', 'selection', held.config -> 'selection',
        'max_lessons_per_group', held.config -> 'max_lessons_per_group', 'decay', held.config -> 'decay',
        'roi_scale', held.config #> '{steering,roi_scale}', 'relative', held.config #> '{steering,relative}',
        'lookback_days', held.config #> '{tuning,lookback_days}')::text
      from learning.effective_configs held where held.module_id = 'pm'),
    (select string_agg(known.dim || '=' || known.bit, ',' order by known.bit) from public.scope_dimensions known)
  ));
$$;
comment on function learning.mining_settings() is 'Digest of all that mining depends on besides the events: its configuration and the registry.';

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
      case config ->> 'outcome' when 'rr' then trade.rr else trade.roi end / (config ->> 'outcome_scale')::float8 as y
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
  gone as (
    delete from learning.baselines held
    where not exists (select from measured where measured.action_category = held.action_category)
  )
  insert into learning.baselines (action_category, n, mean, winsorised_mean, sigma, lower_bound, upper_bound)
  select measured.action_category, measured.n, measured.mean, measured.winsorised_mean, measured.sigma, measured.bound[1], measured.bound[2]
  from measured
  on conflict (action_category) do update set
    n = excluded.n, mean = excluded.mean, winsorised_mean = excluded.winsorised_mean, sigma = excluded.sigma,
    lower_bound = excluded.lower_bound, upper_bound = excluded.upper_bound, measured_at = now();
end
$$;
comment on function learning.measure_baselines() is 'Measures the baselines over all distinct trades that have an event.';

create function learning.baseline_of(group_category text)
returns learning.baselines
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select held.*
  from learning.baselines held
  where held.action_category = case learning.config() ->> 'baseline' when 'category' then group_category else '' end;
$$;
comment on function learning.baseline_of(text) is 'The baseline that a group of the given category is compared with.';

create function learning.due_groups(p_family text)
returns setof bigint
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select due.id
  from learning.mining_groups due
  join learning.mining_cycles current_cycle on current_cycle.family = due.family
  left join lateral learning.baseline_of(due.action_category) as baseline on due.family = 'strength'
  where due.family = p_family
    and (
      due.run is not null
      -- Events that came after the cycle began wait for the next one.
      or due.mined_version < due.evidence_version and due.mined_cycle < current_cycle.cycle
      or due.mined_settings is distinct from (select learning.mining_settings())
      or abs(baseline.mean - due.mined_baseline) > 0.01 * baseline.sigma
      or due.mined_at < now() - interval '1 day'
    );
$$;
comment on function learning.due_groups(text) is
  'Groups whose run is under way or whose events, configuration, registry or baseline changed, or that were not mined for a day.';

create function public.start_mining(p_family text)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  due bigint[];
begin
  -- Holding the row keeps a second cycle from beginning on baselines that are being measured.
  update learning.mining_cycles begun
  set cycle = begun.cycle + 1, started_at = now()
  where begun.family = p_family;
  update learning.mining_cycles begun
  set last_event_id = case p_family
    when 'tuning' then (select coalesce(max(episode.id), 0) from public.pattern_episode_events episode)
    else (select coalesce(max(event.id), 0) from public.pattern_trade_events event)
  end
  where begun.family = p_family;
  if p_family = 'strength' then
    perform learning.measure_baselines();
  end if;
  -- Due groups are marked, so that the sweep finds those that no invocation came to. Every writer takes the rows in the
  -- same order and none deadlocks.
  due := array(
    select held.id from learning.mining_groups held
    where held.id in (select learning.due_groups(p_family))
    order by held.module, held.pattern_key, held.action_category
    for update
  );
  update learning.mining_groups held set run = coalesce(held.run, '{}'::jsonb) where held.id = any (due);
  return cardinality(due);
end
$$;
comment on function public.start_mining(text) is
  'Begins a mining cycle: measures the baselines, marks the groups that are due and returns how many. For the edge functions.';

create function learning.begin_run(p_group learning.mining_groups)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'started_at', now(),
    'cycle', current_cycle.cycle,
    'last_event_id', current_cycle.last_event_id,
    'evidence_version', p_group.evidence_version,
    'settings', learning.mining_settings(),
    'config', learning.config(),
    'baseline', (
      select to_jsonb(baseline) - 'action_category' - 'measured_at'
      from learning.baseline_of(p_group.action_category) as baseline
      where baseline.n is not null
    ),
    'dimensions', (
      select jsonb_agg(jsonb_build_object('bit', known.bit, 'dim', known.dim) order by known.bit) from public.scope_dimensions known
    )
  )
  from learning.mining_cycles current_cycle
  where current_cycle.family = p_group.family;
$$;
comment on function learning.begin_run(learning.mining_groups) is 'What a run of a group works with from beginning to end, however many invocations it takes.';

create function public.claim_mining_group(p_family text)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  claimed learning.mining_groups;
begin
  select held.* into claimed
  from learning.mining_groups held
  where held.id in (select learning.due_groups(p_family))
    and (held.leased_until is null or held.leased_until < clock_timestamp())
  order by held.progress is null, held.mined_at nulls first, held.id
  limit 1
  for update skip locked;
  if claimed.id is null then
    return null;
  end if;
  update learning.mining_groups held
  set lease_token = gen_random_uuid(),
    leased_until = clock_timestamp() + interval '60 seconds',
    -- Without progress there is nothing to go on with: it begins with what holds now.
    run = case when held.progress is null then learning.begin_run(held) else held.run end
  where held.id = claimed.id
  returning held.* into claimed;
  return jsonb_build_object(
    'group_id', claimed.id, 'lease_token', claimed.lease_token, 'lesson_type', claimed.lesson_type, 'module', claimed.module,
    'pattern_key', claimed.pattern_key, 'action_category', claimed.action_category, 'run', claimed.run, 'progress', claimed.progress
  );
end
$$;
comment on function public.claim_mining_group(text) is
  'Leases one due group to the caller, with what its run works with and where it has got to; null where none is left. For the edge functions.';

create function learning.require_lease(p_group_id bigint, p_lease_token uuid)
returns learning.mining_groups
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  held learning.mining_groups;
begin
  select leased.* into held from learning.mining_groups leased where leased.id = p_group_id and leased.lease_token = p_lease_token for update;
  if held.id is null then
    raise exception using
      errcode = '55P03',
      message = format('Lease %s on mining group %s is no longer held', p_lease_token, p_group_id),
      hint = 'Another invocation took the group over; stop and claim another one.';
  end if;
  return held;
end
$$;
comment on function learning.require_lease(bigint, uuid) is 'The leased group, or an error where the lease passed on.';

create function public.save_mining_progress(p_group_id bigint, p_lease_token uuid, p_progress jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.require_lease(p_group_id, p_lease_token);
  update learning.mining_groups held
  set progress = p_progress, lease_token = null, leased_until = null
  where held.id = p_group_id;
end
$$;
comment on function public.save_mining_progress(bigint, uuid, jsonb) is
  'Writes down where a run has got to and gives the group back for the next invocation. For the edge functions.';

create function public.restart_mining_group(p_group_id bigint, p_lease_token uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.require_lease(p_group_id, p_lease_token);
  update learning.mining_groups held
  set run = '{}'::jsonb, progress = null, lease_token = null, leased_until = null
  where held.id = p_group_id;
end
$$;
comment on function public.restart_mining_group(bigint, uuid) is
  'Gives up a run whose events were corrected under way; the group is due again from the beginning. For the edge functions.';
