-- Health: how far each stage of the loop has come, what waits, and in words what is wrong.

create type learning.stage_health as (
  stage text,
  backlog bigint,
  oldest_waiting_at timestamptz,
  last_success_at timestamptz,
  failures bigint,
  problem text
);
comment on type learning.stage_health is 'One row of learning_health.';

create function learning.moment(at timestamptz)
returns text
language sql
stable
set search_path = ''
as $$
  select to_char(at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"');
$$;
comment on function learning.moment(timestamptz) is 'A time for a person to read.';

create function learning.counted(number bigint, singular text, plural text)
returns text
language sql
immutable
set search_path = ''
as $$
  select number || ' ' || case number when 1 then singular else plural end;
$$;
comment on function learning.counted(bigint, text, text) is 'A number of things for a person to read.';

create function learning.newest_failure(p_component text)
returns text
language sql
stable
set search_path = ''
as $$
  select format('failed at %s: %s', learning.moment(line.at), left(line.message, 300))
  from public.learning_log line
  where line.at > now() - interval '1 day' and line.level = 'ERROR' and line.component = p_component and line.event <> 'doorbell_failed'
  order by line.at desc, line.id desc
  limit 1;
$$;
comment on function learning.newest_failure(text) is 'What went wrong last in a component within a day; null where nothing did.';

create function learning.failures_of(p_component text)
returns bigint
language sql
stable
set search_path = ''
as $$
  select count(*)
  from public.learning_log line
  where line.at > now() - interval '1 day' and line.level = 'ERROR' and line.component = p_component and line.event <> 'doorbell_failed';
$$;
comment on function learning.failures_of(text) is 'How often something went wrong in a component within a day.';

create function learning.doorbell_health()
returns learning.stage_health
language plpgsql
stable
set search_path = ''
as $$
declare
  health learning.stage_health;
  missing text;
  is_silent boolean;
  refusal text;
begin
  health.stage := 'doorbell';
  with answered as materialized (
    select rung.function_name, rung.rung_at, answer.created, answer.status_code, coalesce(answer.error_msg, left(answer.content, 200)) as reason,
      -- Work that takes longer than the request waits for it is not lost.
      coalesce(answer.status_code between 200 and 299, false) or coalesce(answer.timed_out, false) as is_good
    from learning.doorbells rung
    left join net._http_response answer on answer.id = rung.request_id and answer.created >= rung.rung_at
    where rung.rung_at > now() - interval '6 hours'
  ),
  newest as (
    select distinct on (answered.function_name) answered.*
    from answered
    where answered.created is not null
    order by answered.function_name, answered.rung_at desc
  )
  select count(*) filter (where answered.created is null and answered.rung_at > now() - interval '5 minutes'),
    min(answered.rung_at) filter (where answered.created is null and answered.rung_at > now() - interval '5 minutes'),
    max(answered.created) filter (where answered.status_code between 200 and 299),
    count(*) filter (where answered.created is not null and not answered.is_good),
    -- What was rung before a crash is never answered; what is rung after it is.
    coalesce(max(answered.rung_at) < now() - interval '2 minutes'
      and max(answered.rung_at) > coalesce(max(answered.rung_at) filter (where answered.created is not null), '-infinity'), false),
    (
      select case
        when newest.status_code in (401, 403) then
          format('%s refused the key at %s: edge_function_secret_key in Vault is not a secret key of the project', newest.function_name,
            learning.moment(newest.created))
        when newest.status_code = 404 then
          format('%s was not found at %s: is it deployed, and is project_url in Vault right?', newest.function_name, learning.moment(newest.created))
        else
          format('%s answered %s at %s: %s', newest.function_name, coalesce(newest.status_code::text, 'nothing'), learning.moment(newest.created),
            newest.reason)
      end
      from newest
      where not newest.is_good
      order by newest.created desc
      limit 1
    )
  into health.backlog, health.oldest_waiting_at, health.last_success_at, health.failures, is_silent, refusal
  from answered;

  select string_agg(wanted.name, ' and none named ' order by wanted.name desc) into missing
  from (values ('project_url'), ('edge_function_secret_key')) as wanted(name)
  where not exists (select from vault.decrypted_secrets secret where secret.name = wanted.name and secret.decrypted_secret is not null);
  health.problem := case
    when missing is not null then format('Vault has no secret named %s: store it with vault.create_secret', missing)
    when is_silent then 'no request is sent: is the worker of pg_net running?'
    else refusal
  end;
  return health;
end
$$;
comment on function learning.doorbell_health() is 'Whether the edge functions can be reached: rings of the last six hours and their answers.';

create function learning.inbox_health()
returns learning.stage_health
language plpgsql
stable
set search_path = ''
as $$
declare
  health learning.stage_health;
  retried bigint;
  rejected bigint;
  newest record;
  newest_retry text;
begin
  health.stage := 'inbox';
  select count(*), min(receipt.received_at), count(*) filter (where receipt.errors <> '[]'::jsonb),
    (array_agg(receipt.errors #>> '{0,message}' order by receipt.next_attempt_at desc) filter (where receipt.errors <> '[]'::jsonb))[1]
  into health.backlog, health.oldest_waiting_at, retried, newest_retry
  from public.strand_receipts receipt
  where receipt.status = 'pending';
  select max(receipt.processed_at) into health.last_success_at from public.strand_receipts receipt where receipt.status = 'done';
  select count(*) into rejected
  from public.strand_receipts receipt
  where receipt.status = 'rejected' and receipt.processed_at > now() - interval '1 day';
  select receipt.strand_id, receipt.errors -> 0 as reason into newest
  from public.strand_receipts receipt
  where receipt.status = 'rejected' and receipt.processed_at > now() - interval '1 day'
  order by receipt.processed_at desc
  limit 1;
  health.failures := rejected + retried + learning.failures_of('aggregate-strands') + learning.failures_of('allocation');
  health.problem := nullif(concat_ws('; ',
    case when health.oldest_waiting_at < now() - interval '15 minutes' and coalesce(health.last_success_at, '-infinity') < now() - interval '15 minutes' then
      format('%s since %s and nobody comes for them', learning.counted(health.backlog, 'strand waits', 'strands wait'), learning.moment(health.oldest_waiting_at)) end,
    case when retried > 0 then
      format('%s not be applied and will be tried again, the last one: %s', learning.counted(retried, 'strand could', 'strands could'), newest_retry) end,
    case when rejected > 0 then
      format('%s rejected within a day, the last one %s: %s; strand_receipts has every reason', learning.counted(rejected, 'strand was', 'strands were'),
        newest.strand_id, concat_ws(' ', nullif(newest.reason ->> 'path', ''), newest.reason ->> 'message')) end,
    'aggregate-strands ' || learning.newest_failure('aggregate-strands'),
    'allocation ' || learning.newest_failure('allocation')
  ), '');
  return health;
end
$$;
comment on function learning.inbox_health() is 'Strands on their way to their effect.';

create function learning.mining_health(p_family text, p_component text)
returns learning.stage_health
language plpgsql
stable
set search_path = ''
as $$
declare
  health learning.stage_health;
  overdue bigint;
begin
  health.stage := p_component;
  with waiting as (
    select held.mined_at, coalesce(held.mined_at, case p_family
      when 'strength' then (
        select event.created_at
        from public.pattern_trade_events event
        where event.module = held.module and event.pattern_key = held.pattern_key and event.action_category = held.action_category
        order by event.id
        limit 1
      )
      else (
        select receipt.received_at
        from public.pattern_episode_events episode
        join public.strand_receipts receipt on receipt.strand_id = episode.strand_id
        where episode.pattern_key = held.pattern_key and episode.outcome is not null
        order by episode.occurred_at, episode.id
        limit 1
      )
    end) as since
    from learning.mining_groups held
    where held.id in (select learning.due_groups(p_family))
  )
  -- A group without a change is mined once a day, one with a change within the hour.
  select count(*), min(waiting.since),
    count(*) filter (where waiting.since < now() - case when waiting.mined_at is null then interval '3 hours' else interval '27 hours' end)
  into health.backlog, health.oldest_waiting_at, overdue
  from waiting;
  select max(held.mined_at) into health.last_success_at from learning.mining_groups held where held.family = p_family;
  health.failures := learning.failures_of(p_component);
  health.problem := nullif(concat_ws('; ',
    case when overdue > 0 then format('%s not mined in time, the oldest since %s', learning.counted(overdue, 'group was', 'groups were'),
      learning.moment(health.oldest_waiting_at)) end,
    learning.newest_failure(p_component)
  ), '');
  return health;
end
$$;
comment on function learning.mining_health(text, text) is 'Groups on their way to their lessons; one that waits does so since it was last mined, or since its first event.';

create function learning.materialization_health()
returns learning.stage_health
language plpgsql
stable
set search_path = ''
as $$
declare
  health learning.stage_health;
begin
  health.stage := 'materialize-overrides';
  with waiting as (
    select lesson.updated_at as since
    from public.learning_lessons lesson
    where lesson.status = 'active' and lesson.lesson_type <> 'tuning_rates'
      and not exists (
        select from public.pm_overrides held
        where held.override_type = lesson.lesson_type and held.pattern_key = lesson.pattern_key
          and held.action_category = lesson.action_category and held.scope_digest = lesson.scope_digest
          -- What a person made or switched off is not touched.
          and (held.lesson_id is null or held.enabled or held.disabled_by is distinct from 'loop')
      )
    union all
    select coalesce(lesson.updated_at, held.last_updated_at)
    from public.pm_overrides held
    left join public.learning_lessons lesson on lesson.id = held.lesson_id
    where held.lesson_id is not null and held.enabled and lesson.status is distinct from 'active'
    union all
    select coalesce(mining.mined_at, now())
    from learning.tuning_groups mined
    join learning.mining_groups mining on mining.id = mined.group_id
    where mined.run is not null or mined.lessons_version > mined.simulated_version
      or mined.simulated_settings is distinct from (select learning.tuning_settings())
  )
  select count(*), min(waiting.since) into health.backlog, health.oldest_waiting_at from waiting;
  select max(answer.created) into health.last_success_at
  from learning.doorbells rung
  join net._http_response answer on answer.id = rung.request_id and answer.created >= rung.rung_at
  where rung.function_name = 'materialize-overrides' and answer.status_code between 200 and 299;
  health.failures := learning.failures_of(health.stage);
  health.problem := nullif(concat_ws('; ',
    case when health.oldest_waiting_at < now() - interval '3 hours' then format('%s not been taken over since %s',
      learning.counted(health.backlog, 'change of lessons has', 'changes of lessons have'), learning.moment(health.oldest_waiting_at)) end,
    learning.newest_failure(health.stage)
  ), '');
  return health;
end
$$;
comment on function learning.materialization_health() is
  'Lessons on their way to overrides: active ones without, overrides whose lesson is no longer active, and tuning groups that await simulation.';

create function learning.schedule_health()
returns learning.stage_health
language plpgsql
stable
set search_path = ''
as $$
declare
  health learning.stage_health;
begin
  health.stage := 'schedule';
  with jobs as (
    select wanted.name, wanted.longest_gap, scheduled.jobid, scheduled.active
    from (values
      ('edgeloop-sweep', interval '20 minutes'), ('edgeloop-mine-lessons', interval '3 hours'), ('edgeloop-mine-tuning', interval '3 hours'),
      ('edgeloop-materialize-overrides', interval '3 hours'), ('edgeloop-prune', interval '50 hours')
    ) as wanted(name, longest_gap)
    left join cron.job scheduled on scheduled.jobname = wanted.name
  ),
  runs as (
    select jobs.name, jobs.longest_gap, jobs.jobid, jobs.active, newest.*
    from jobs
    left join lateral (
      select max(detail.end_time) filter (where detail.status = 'succeeded') as last_success_at, max(detail.start_time) as last_run_at,
        count(*) filter (where detail.status = 'failed' and detail.start_time > now() - interval '1 day') as failures,
        (array_agg(detail.return_message order by detail.runid desc) filter (where detail.status in ('succeeded', 'failed')))[1] as last_message,
        (array_agg(detail.status order by detail.runid desc) filter (where detail.status in ('succeeded', 'failed')))[1] as last_status
      from cron.job_run_details detail
      where detail.jobid = jobs.jobid
    ) as newest on true
  )
  select count(*) filter (where runs.jobid is null or not runs.active), max(runs.last_success_at), coalesce(sum(runs.failures), 0),
    nullif(concat_ws('; ',
      string_agg(case
        when runs.jobid is null then runs.name || ' is not scheduled'
        when not runs.active then runs.name || ' is switched off'
        when runs.last_status = 'failed' then format('%s failed at %s: %s', runs.name, learning.moment(runs.last_run_at), left(runs.last_message, 200))
        when runs.last_run_at < now() - runs.longest_gap then format('%s has not run since %s', runs.name, learning.moment(runs.last_run_at))
      end, '; ' order by runs.name),
      -- Before the first hour is over there may be nothing to tell.
      case when max(runs.last_run_at) is null and exists (
        select from public.ad_strands strand
        join public.strand_receipts receipt on receipt.strand_id = strand.id
        where receipt.received_at < now() - interval '2 hours'
      ) then 'no run was recorded: does the scheduler of pg_cron run, with cron.log_run on?' end
    ), '')
  into health.backlog, health.last_success_at, health.failures, health.problem
  from runs;
  return health;
end
$$;
comment on function learning.schedule_health() is 'Jobs of the loop: the backlog is those that are not scheduled or switched off.';

create function learning.pruning_health()
returns learning.stage_health
language plpgsql
stable
set search_path = ''
as $$
declare
  health learning.stage_health;
  log_lines bigint;
  run_details bigint;
begin
  health.stage := 'prune';
  with own_runs as materialized (
    select detail.status, detail.start_time, detail.end_time, scheduled.jobname
    from cron.job_run_details detail
    join cron.job scheduled on scheduled.jobid = detail.jobid and starts_with(scheduled.jobname, 'edgeloop-')
  ),
  old as (
    select line.at, true as is_log from public.learning_log line where line.at < now() - interval '30 days'
    union all
    select run.end_time, false from own_runs run where run.end_time < now() - interval '30 days'
  )
  select count(*), min(old.at), count(*) filter (where old.is_log), count(*) filter (where not old.is_log),
    (select max(run.end_time) from own_runs run where run.jobname = 'edgeloop-prune' and run.status = 'succeeded'),
    (
      select count(*) from own_runs run
      where run.jobname = 'edgeloop-prune' and run.status = 'failed' and run.start_time > now() - interval '7 days'
    )
  into health.backlog, health.oldest_waiting_at, log_lines, run_details, health.last_success_at, health.failures
  from old;
  health.problem := case when health.oldest_waiting_at < now() - interval '33 days' then
    format('%s should be gone, the oldest since %s', concat_ws(' and ',
      case when log_lines > 0 then learning.counted(log_lines, 'line of the log', 'lines of the log') end,
      case when run_details > 0 then learning.counted(run_details, 'run in cron.job_run_details', 'runs in cron.job_run_details') end
    ), learning.moment(health.oldest_waiting_at + interval '30 days')) end;
  return health;
end
$$;
comment on function learning.pruning_health() is 'Log lines and run details that are older than they are kept.';

-- Runs as its owner: signed-in users may not read what net, cron and Vault hold. It tells of them no more than counts, times,
-- and the answers of the loop's own functions.
create function learning.health()
returns setof learning.stage_health
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  health learning.stage_health;
  name text;
begin
  if learning.asks_as_user() and coalesce(learning.learning_role() not in ('viewer', 'pm'), true) then
    return;
  end if;
  foreach name in array array['doorbell', 'inbox', 'mine-lessons', 'mine-tuning', 'materialize-overrides', 'schedule', 'prune'] loop
    begin
      health := case name
        when 'doorbell' then learning.doorbell_health()
        when 'inbox' then learning.inbox_health()
        when 'mine-lessons' then learning.mining_health('strength', name)
        when 'mine-tuning' then learning.mining_health('tuning', name)
        when 'materialize-overrides' then learning.materialization_health()
        when 'schedule' then learning.schedule_health()
        else learning.pruning_health()
      end;
    exception when others then
      -- What keeps one stage from being looked at must not hide the others.
      health := (name, null, null, null, null, format('cannot be looked at: %s', sqlerrm))::learning.stage_health;
    end;
    return next health;
  end loop;
end
$$;
comment on function learning.health() is 'The rows of learning_health; none for signed-in users without a learning role.';

create view public.learning_health
with (security_invoker = true)
as
select health.stage, health.backlog, health.oldest_waiting_at, health.last_success_at, health.failures, health.problem,
  (select learning.release()) as release
from learning.health() as health;
comment on view public.learning_health is 'How each stage of the loop is doing, in the order in which data passes through; a stage is well when problem is null.';
comment on column public.learning_health.stage is 'doorbell, inbox, mine-lessons, mine-tuning, materialize-overrides, schedule or prune.';
comment on column public.learning_health.backlog is
  'What waits: unanswered rings, strands, groups to be mined, lessons to be taken over, jobs that do not run, log lines and run details past their time.';
comment on column public.learning_health.oldest_waiting_at is 'Since when the oldest of it waits; null where nothing does.';
comment on column public.learning_health.last_success_at is 'When the stage last did its work; null where that is not known. Answers of edge functions are known for six hours.';
comment on column public.learning_health.failures is 'Failures and refusals within a day; of the doorbell within six hours, of pruning within a week.';
comment on column public.learning_health.problem is 'What is wrong, for a person to read; null where nothing is.';
comment on column public.learning_health.release is 'Release of the database, the same in each row.';
