-- Health of the stages that data passes through, of the jobs that set them to work, and of pruning.

create function learning.inbox_health()
returns learning.stage_health
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  health learning.stage_health;
  aggregation constant record := learning.failures_of('aggregate-strands');
  allocation constant record := learning.failures_of('allocation');
  gaps constant record := learning.inbox_gaps();
  retried bigint;
  newest_retry text;
  rejected bigint;
  newest_rejection text;
begin
  health.stage := 'inbox';
  select count(*), min(receipt.received_at), count(*) filter (where receipt.errors <> '[]'::jsonb),
    (
      array_agg(receipt.errors #>> '{0,message}' order by receipt.next_attempt_at desc)
        filter (where receipt.errors <> '[]'::jsonb)
    )[1]
  into health.backlog, health.oldest_waiting_at, retried, newest_retry
  from public.strand_receipts receipt
  where receipt.status = 'pending';

  select max(receipt.processed_at) into health.last_success_at
  from public.strand_receipts receipt
  where receipt.status = 'done';

  select count(*),
    (
      array_agg(
        receipt.strand_id || ': '
          || concat_ws(' ', nullif(receipt.errors #>> '{0,path}', ''), receipt.errors #>> '{0,message}')
        order by receipt.processed_at desc
      )
    )[1]
  into rejected, newest_rejection
  from public.strand_receipts receipt
  where receipt.status = 'rejected' and receipt.processed_at > now() - interval '1 day';

  health.failures := rejected + retried + gaps.missing_receipts + aggregation.failures + allocation.failures;
  health.problem := nullif(concat_ws('; ',
    case
      when health.oldest_waiting_at < now() - interval '15 minutes'
        and coalesce(health.last_success_at, '-infinity') < now() - interval '15 minutes'
        then format('%s since %s and nobody comes for them',
          learning.counted(health.backlog, 'strand waits', 'strands wait'),
          learning.moment(health.oldest_waiting_at))
    end,
    case
      when retried > 0
        then format('%s not be applied and will be tried again, the last one: %s',
          learning.counted(retried, 'strand could', 'strands could'), newest_retry)
    end,
    case
      when rejected > 0
        then format('%s rejected within a day, the last one %s; strand_receipts has every reason',
          learning.counted(rejected, 'strand was', 'strands were'), newest_rejection)
    end,
    gaps.problem,
    'aggregate-strands ' || aggregation.newest,
    'allocation ' || allocation.newest
  ), '');
  return health;
end
$$;
comment on function learning.inbox_health() is 'Strands on their way to their effect.';

create function learning.mining_health(p_family text, component text)
returns learning.stage_health
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  health learning.stage_health;
  mining constant record := learning.failures_of(component);
  overdue bigint;
begin
  health.stage := component;
  with waiting as (
    select mining_group.mined_at, coalesce(mining_group.mined_at, case p_family
      when 'strength' then (
        select event.created_at
        from public.pattern_trade_events event
        where event.module = mining_group.module
          and event.pattern_key = mining_group.pattern_key
          and event.action_category = mining_group.action_category
        order by event.id
        limit 1
      )
      else (
        select receipt.received_at
        from public.pattern_episode_events episode
        join public.strand_receipts receipt on receipt.strand_id = episode.strand_id
        where episode.pattern_key = mining_group.pattern_key and episode.outcome is not null
        order by episode.occurred_at, episode.id
        limit 1
      )
    end) as since
    from learning.mining_groups mining_group
    where mining_group.id in (select learning.due_groups(p_family))
  )
  select count(*), min(waiting.since),
    count(*) filter (
      -- A group without a change is mined once a day, one with a change within the hour.
      where waiting.since < now() - case
        when waiting.mined_at is null then interval '3 hours'
        else interval '27 hours'
      end
    )
  into health.backlog, health.oldest_waiting_at, overdue
  from waiting;

  select max(mining_group.mined_at) into health.last_success_at
  from learning.mining_groups mining_group
  where mining_group.family = p_family;

  health.failures := mining.failures;
  health.problem := nullif(concat_ws('; ',
    case
      when overdue > 0
        then format('%s not mined in time, the oldest since %s',
          learning.counted(overdue, 'group was', 'groups were'), learning.moment(health.oldest_waiting_at))
    end,
    mining.newest
  ), '');
  return health;
end
$$;
comment on function learning.mining_health(text, text) is
  'Groups on their way to their lessons; one that waits does so since it was last mined, or since its first '
  'event.';

create function learning.materialization_health()
returns learning.stage_health
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  health learning.stage_health;
  materialization constant record := learning.failures_of('materialize-overrides');
begin
  health.stage := 'materialize-overrides';
  with waiting as (
    select coalesce(mining_group.lagging_since, mining_group.mined_at, now()) as since
    from learning.mining_groups mining_group
    left join learning.tuning_groups tuning_group on tuning_group.group_id = mining_group.id
    where mining_group.lagging_since is not null
      or tuning_group.run is not null
      or tuning_group.lessons_version > tuning_group.simulated_version
      or tuning_group.simulated_settings is distinct from learning.tuning_settings_digest()
        and tuning_group.group_id is not null
  )
  select count(*), min(waiting.since) into health.backlog, health.oldest_waiting_at from waiting;

  select max(ring.answered_at) into health.last_success_at
  from learning.answered_rings() as ring
  where ring.function_name = 'materialize-overrides' and ring.is_success;

  health.failures := materialization.failures;
  health.problem := nullif(concat_ws('; ',
    case
      when health.oldest_waiting_at < now() - interval '3 hours'
        then format('what is in force is older than what was learned: %s not been taken over since %s',
          learning.counted(health.backlog, 'group has', 'groups have'),
          learning.moment(health.oldest_waiting_at))
    end,
    materialization.newest
  ), '');
  return health;
end
$$;
comment on function learning.materialization_health() is
  'Groups whose lessons are not in force yet, because they await simulation or reconciliation.';

create function learning.schedule_health()
returns learning.stage_health
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  health learning.stage_health;
  newest_run_at timestamptz;
  job_problems text;
begin
  health.stage := 'schedule';
  select count(*) filter (where job.jobid is null or not job.active), max(runs.last_success_at),
    coalesce(sum(runs.failures), 0), max(runs.last_run_at),
    string_agg(case
      when job.jobid is null then expected.name || ' is not scheduled'
      when not job.active then expected.name || ' is switched off'
      when job.username <> current_user then format('%1$s belongs to %2$s and not to %3$s: unschedule it as '
        '%2$s, and schedule it as %3$s', expected.name, job.username, current_user)
      when runs.last_status = 'failed' then format('%s failed at %s: %s', expected.name,
        learning.moment(runs.last_run_at), left(runs.last_message, 200))
      when runs.last_run_at < now() - expected.longest_gap then
        format('%s has not run since %s', expected.name, learning.moment(runs.last_run_at))
    end, '; ' order by expected.name)
  into health.backlog, health.last_success_at, health.failures, newest_run_at, job_problems
  from learning.jobs() as expected
  left join lateral (
    select named_job.*
    from cron.job named_job
    where named_job.jobname = expected.name
    order by named_job.username = current_user desc, named_job.jobid
    limit 1
  ) as job on true
  left join lateral (
    select max(run.end_time) filter (where run.status = 'succeeded') as last_success_at,
      max(run.start_time) as last_run_at,
      count(*) filter (where run.status = 'failed' and run.start_time > now() - interval '1 day') as failures,
      (
        array_agg(run.return_message order by run.runid desc)
          filter (where run.status in ('succeeded', 'failed'))
      )[1] as last_message,
      (
        array_agg(run.status order by run.runid desc) filter (where run.status in ('succeeded', 'failed'))
      )[1] as last_status
    from cron.job_run_details run
    where run.jobid = job.jobid
  ) as runs on true;

  health.problem := nullif(concat_ws('; ',
    job_problems,
    case
      -- Before the first hour is over there may be nothing to tell.
      when newest_run_at is null and exists (
        select from public.ad_strands strand
        join public.strand_receipts receipt on receipt.strand_id = strand.id
        where receipt.received_at < now() - interval '2 hours'
      ) then 'no run was recorded: does the scheduler of pg_cron run, with cron.log_run on?'
    end
  ), '');
  return health;
end
$$;
comment on function learning.schedule_health() is
  'Jobs of the loop: the backlog is those that are not scheduled or switched off. Only what runs as the '
  'owner of the loop may do its work.';

create function learning.pruning_health()
returns learning.stage_health
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  health learning.stage_health;
  log_lines bigint;
  run_details bigint;
begin
  health.stage := 'prune';
  with own_runs as materialized (
    select run.status, run.start_time, run.end_time, job.jobname
    from cron.job_run_details run
    join cron.job job on job.jobid = run.jobid and starts_with(job.jobname, 'edgeloop-')
  ),
  past_their_time as (
    select log_line.at, true as is_log
    from public.learning_log log_line
    where log_line.at < now() - learning.log_retention()
    union all
    select own_runs.end_time, false
    from own_runs
    where own_runs.end_time < now() - learning.log_retention()
  )
  select count(*), min(past_their_time.at),
    count(*) filter (where past_their_time.is_log), count(*) filter (where not past_their_time.is_log),
    (
      select max(own_runs.end_time) from own_runs
      where own_runs.jobname = 'edgeloop-prune' and own_runs.status = 'succeeded'
    ),
    (
      select count(*) from own_runs
      where own_runs.jobname = 'edgeloop-prune' and own_runs.status = 'failed'
        and own_runs.start_time > now() - interval '7 days'
    )
  into health.backlog, health.oldest_waiting_at, log_lines, run_details,
    health.last_success_at, health.failures
  from past_their_time;

  health.problem := case
    when health.oldest_waiting_at < now() - learning.log_retention() - interval '3 days'
      then format('%s should be gone, the oldest since %s',
        concat_ws(' and ',
          case
            when log_lines > 0 then learning.counted(log_lines, 'line of the log', 'lines of the log')
          end,
          case
            when run_details > 0 then learning.counted(
              run_details, 'run in cron.job_run_details', 'runs in cron.job_run_details'
            )
          end
        ),
        learning.moment(health.oldest_waiting_at + learning.log_retention()))
  end;
  return health;
end
$$;
comment on function learning.pruning_health() is
  'Log lines and run details that are older than they are kept.';
