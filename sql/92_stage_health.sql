-- Health of the stages that data passes through: the inbox, mining and materialisation.

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

  health.failures := rejected + retried + aggregation.failures + allocation.failures;
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
    select lesson.updated_at as since
    from public.learning_lessons lesson
    where lesson.status = 'active' and lesson.lesson_type <> 'tuning_rates'
      and not exists (
        select from public.pm_overrides override
        where override.override_type = lesson.lesson_type
          and override.pattern_key = lesson.pattern_key
          and override.action_category = lesson.action_category
          and override.scope_digest = lesson.scope_digest
          -- What a person made or switched off is not touched.
          and (override.lesson_id is null or override.enabled or override.disabled_by is distinct from 'loop')
      )
    union all
    select coalesce(lesson.updated_at, override.last_updated_at)
    from public.pm_overrides override
    left join public.learning_lessons lesson on lesson.id = override.lesson_id
    where override.lesson_id is not null and override.enabled and lesson.status is distinct from 'active'
    union all
    select coalesce(mining_group.mined_at, now())
    from learning.tuning_groups tuning_group
    join learning.mining_groups mining_group on mining_group.id = tuning_group.group_id
    where tuning_group.run is not null
      or tuning_group.lessons_version > tuning_group.simulated_version
      or tuning_group.simulated_settings is distinct from (select learning.tuning_settings_digest())
  )
  select count(*), min(waiting.since) into health.backlog, health.oldest_waiting_at from waiting;

  select max(response.created) into health.last_success_at
  from learning.doorbells doorbell
  join net._http_response response
    on response.id = doorbell.request_id and response.created >= doorbell.rung_at
  where doorbell.function_name = 'materialize-overrides' and response.status_code between 200 and 299;

  health.failures := materialization.failures;
  health.problem := nullif(concat_ws('; ',
    case
      when health.oldest_waiting_at < now() - interval '3 hours'
        then format('%s not been taken over since %s',
          learning.counted(health.backlog, 'change of lessons has', 'changes of lessons have'),
          learning.moment(health.oldest_waiting_at))
    end,
    materialization.newest
  ), '');
  return health;
end
$$;
comment on function learning.materialization_health() is
  'Lessons on their way to overrides: active ones without, overrides whose lesson is no longer active, and '
  'tuning groups that await simulation.';
