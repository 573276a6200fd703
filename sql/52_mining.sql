-- Mining: which groups are due, and who is at work on them.

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
        'add_outcome', effective_config.config -> 'add_outcome',
        'trim_outcome', effective_config.config -> 'trim_outcome',
        'exit_outcome', effective_config.config -> 'exit_outcome',
        'refuse_selected', effective_config.config -> 'refuse_selected',
        'n_min', effective_config.config -> 'n_min',
        'edge_min', effective_config.config -> 'edge_min',
        'incremental_min', effective_config.config -> 'incremental_min',
        'max_q_value', effective_config.config -> 'max_q_value',
        'fdr', effective_config.config -> 'fdr',
        'cluster', effective_config.config -> 'cluster',
        'baseline', effective_config.config -> 'baseline',
        'selection', effective_config.config -> 'selection',
        'max_lessons_per_group', effective_config.config -> 'max_lessons_per_group',
        'near_misses', effective_config.config -> 'near_misses',
        'regime_dimensions', effective_config.config -> 'regime_dimensions',
        'memory', effective_config.config -> 'memory',
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
  left join learning.baselines category_baseline
    on category_baseline.action_category = mining_group.action_category and mining_group.family = 'strength'
  where mining_group.family = p_family
    and (
      mining_group.run is not null
      -- Events that came after the cycle began wait for the next one.
      or mining_group.mined_version < mining_group.evidence_version and mining_group.mined_cycle < cycle.cycle
      or mining_group.mined_settings is distinct from (select learning.mining_settings_digest())
      or abs(baseline.mean - mining_group.mined_baseline) > 0.01 * baseline.sigma
      or abs(category_baseline.sigma - mining_group.mined_sigma) > 0.01 * mining_group.mined_sigma
      or mining_group.family = 'strength'
        and learning.effect_basis_moved(mining_group.id, mining_group.module, mining_group.action_category)
    );
$$;
comment on function learning.due_groups(text) is
  'Groups whose run is under way or whose events, configuration, registry or baseline changed.';

create function public.prepare_mining(p_seconds float8)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  return learning.refresh_decisions(clock_timestamp() + p_seconds * interval '1 second');
end
$$;
comment on function public.prepare_mining(float8) is
  'Brings up to date for some seconds what a mining cycle of trades is measured over; returns how many '
  'groups are left. start_mining() does the rest. For the edge functions.';

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
    perform learning.warn_of_unknown_outcomes(learning.measure_baselines());
    perform learning.measure_effect_bases();
    perform learning.warn_of_scattered_dimensions();
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
    'category', (
      select jsonb_build_object('n', category_baseline.n, 'sigma', category_baseline.sigma)
      from learning.baselines category_baseline
      where category_baseline.action_category = mining_group.action_category
    ),
    'first_sigma', coalesce(
      case when mining_group.first_outcome = learning.outcome_read(learning.config())
        then nullif(mining_group.first_sigma, 0)
      end,
      (select baseline.sigma from learning.baseline_of(mining_group.action_category) as baseline)
    ),
    'effects', (
      select to_jsonb(basis) - 'module' - 'action_category'
      from learning.effect_bases basis
      where basis.module = mining_group.module and basis.action_category = mining_group.action_category
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
  -- Those that are due were marked when the cycle began.
  where mining_group.family = p_family and mining_group.run is not null
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
