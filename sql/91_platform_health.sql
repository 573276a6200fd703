-- Health of what the platform does for the loop: requests that are sent, jobs that run, and what is pruned.

create type learning.stage_health as (
  stage text,
  backlog bigint,
  oldest_waiting_at timestamptz,
  last_success_at timestamptz,
  failures bigint,
  problem text
);
comment on type learning.stage_health is
  'How one stage of the loop is doing; the view learning_health says more.';
comment on column learning.stage_health.stage is 'Name of the stage.';
comment on column learning.stage_health.backlog is 'How much waits.';
comment on column learning.stage_health.oldest_waiting_at is 'Since when the oldest of it waits.';
comment on column learning.stage_health.last_success_at is 'When the stage last did its work.';
comment on column learning.stage_health.failures is 'How often it failed of late.';
comment on column learning.stage_health.problem is
  'What is wrong, for a person to read; null where nothing is.';

create function learning.failures_of(p_component text, out failures bigint, out newest text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select count(*),
    (array_agg(
      format('failed at %s: %s', learning.moment(log_line.at), left(log_line.message, 300))
      order by log_line.at desc, log_line.id desc
    ))[1]
  from public.learning_log log_line
  where log_line.at > now() - interval '1 day'
    and log_line.level = 'ERROR'
    and log_line.component = p_component
    -- The stage doorbell tells of these.
    and log_line.event <> 'doorbell_failed';
$$;
comment on function learning.failures_of(text) is
  'How often something went wrong in a component within a day, and what did last; null where nothing did.';

create function learning.missing_secrets()
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select string_agg(wanted.name, ' and none named ' order by wanted.name desc)
  from (values ('project_url'), ('edge_function_secret_key')) as wanted(name)
  where not exists (
    select from vault.decrypted_secrets secret
    where secret.name = wanted.name and secret.decrypted_secret is not null
  );
$$;
comment on function learning.missing_secrets() is
  'Names of the secrets that Vault lacks, without which no edge function can be rung; null where it has '
  'them.';

create function learning.answer_fault(
  function_name text, status_code integer, answered_at timestamptz, reason text
)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when status_code in (401, 403) then format(
      '%s refused the key at %s: edge_function_secret_key in Vault is not a secret key of the project',
      function_name, learning.moment(answered_at)
    )
    when status_code = 404 then format(
      '%s was not found at %s: is it deployed, and is project_url in Vault right?',
      function_name, learning.moment(answered_at)
    )
    else format(
      '%s answered %s at %s: %s',
      function_name, coalesce(status_code::text, 'nothing'), learning.moment(answered_at), reason
    )
  end;
$$;
comment on function learning.answer_fault(text, integer, timestamptz, text) is
  'What a bad answer of an edge function means, for a person to read.';

create function learning.doorbell_health()
returns learning.stage_health
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  health learning.stage_health;
  missing_secrets constant text := learning.missing_secrets();
  newest_rung_at timestamptz;
  newest_answered_rung_at timestamptz;
  fault text;
begin
  health.stage := 'doorbell';
  with rings as materialized (
    select doorbell.function_name, doorbell.rung_at, response.created as answered_at, response.status_code,
      coalesce(response.error_msg, left(response.content, 200)) as reason,
      response.id is null and doorbell.rung_at > now() - interval '5 minutes' as is_waiting,
      coalesce(response.status_code between 200 and 299, false) as is_success,
      coalesce(response.timed_out, false) as timed_out
    from learning.doorbells doorbell
    left join net._http_response response
      on response.id = doorbell.request_id and response.created >= doorbell.rung_at
    where doorbell.rung_at > now() - interval '6 hours'
  ),
  -- Work that takes longer than the request waits for it is not lost.
  bad_rings as (
    select rings.*
    from rings
    where rings.answered_at is not null and not rings.is_success and not rings.timed_out
  ),
  newest_rings as (
    select distinct on (rings.function_name) rings.*
    from rings
    where rings.answered_at is not null
    order by rings.function_name, rings.rung_at desc
  )
  select count(*) filter (where rings.is_waiting),
    min(rings.rung_at) filter (where rings.is_waiting),
    max(rings.answered_at) filter (where rings.is_success),
    (select count(*) from bad_rings),
    max(rings.rung_at),
    max(rings.rung_at) filter (where rings.answered_at is not null),
    (
      select learning.answer_fault(
        newest_rings.function_name, newest_rings.status_code, newest_rings.answered_at, newest_rings.reason
      )
      from newest_rings
      where not newest_rings.is_success and not newest_rings.timed_out
      order by newest_rings.answered_at desc
      limit 1
    )
  into health.backlog, health.oldest_waiting_at, health.last_success_at, health.failures,
    newest_rung_at, newest_answered_rung_at, fault
  from rings;

  health.problem := case
    when missing_secrets is not null
      then format('Vault has no secret named %s: store it with vault.create_secret', missing_secrets)
    -- What was rung before a crash is never answered; what is rung after it is.
    when newest_rung_at < now() - interval '2 minutes'
      and newest_rung_at > coalesce(newest_answered_rung_at, '-infinity')
      then 'no request is sent: is the worker of pg_net running?'
    else fault
  end;
  return health;
end
$$;
comment on function learning.doorbell_health() is
  'Whether the edge functions can be reached: rings of the last six hours and their answers.';

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
      when runs.last_status = 'failed' then format('%s failed at %s: %s', expected.name,
        learning.moment(runs.last_run_at), left(runs.last_message, 200))
      when runs.last_run_at < now() - expected.longest_gap then
        format('%s has not run since %s', expected.name, learning.moment(runs.last_run_at))
    end, '; ' order by expected.name)
  into health.backlog, health.last_success_at, health.failures, newest_run_at, job_problems
  from learning.jobs() as expected
  left join cron.job job on job.jobname = expected.name
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
  'Jobs of the loop: the backlog is those that are not scheduled or switched off.';

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
