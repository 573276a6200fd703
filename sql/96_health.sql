-- Health: how far each stage of the loop has come, what waits, in words what is wrong, and who is told.

create function learning.proof_health()
returns learning.stage_health
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  config constant jsonb := learning.config();
  proof constant public.learning_proofs := learning.newest_proof();
  acting bigint := 0;
  health learning.stage_health;
begin
  health.stage := 'proof';
  health.backlog := 0;
  health.failures := 0;
  health.last_success_at := proof.at;
  if learning.overrides_enabled('pm_strength', config) and learning.proof_allows(config) then
    select count(*) into acting
    from public.pm_overrides override
    where override.override_type = 'pm_strength' and override.enabled and override.lesson_id is not null;
    if config ->> 'strength_mode' = 'calibrated' then
      acting := acting + (
        select count(*) from public.learning_calibration calibration where calibration.kappa > 0
      );
    end if;
  end if;
  health.problem := case
    when acting = 0 or proof.verdict = 'shown' then null
    when proof.verdict is null then 'sizes act without a proof on history of this configuration and release; '
      'deno task prove --db URL --keep makes one'
    else format('sizes act against the proof of %s, which says: %s', learning.moment(proof.at),
      coalesce(proof.report ->> 'sentence', proof.verdict))
  end;
  return health;
end
$$;
comment on function learning.proof_health() is
  'Whether what was learned acts on sizes without a proof of its configuration, or against one.';

create function learning.alert_health()
returns learning.stage_health
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  health learning.stage_health;
  url_fault constant text := learning.stored_webhook_fault();
  answer_fault text;
begin
  health.stage := 'alerts';
  with answers as (
    select http_response.created as answered_at,
      coalesce(http_response.status_code between 200 and 299, false) as is_success,
      -- What a webhook says may hold its address, which is a secret.
      case
        when http_response.timed_out then 'did not answer in time'
        when http_response.status_code is null then 'could not be connected to'
        else 'answered ' || http_response.status_code
      end as words
    from learning.alert_requests request
    join net._http_response http_response on http_response.id = request.request_id
      and http_response.created between request.sent_at - interval '1 second'
        and request.sent_at + interval '5 minutes'
    where request.sent_at > now() - interval '6 hours'
  )
  select max(answers.answered_at) filter (where answers.is_success),
    count(*) filter (where not answers.is_success),
    (array_agg(case when not answers.is_success then format('the webhook in alert_webhook_url %s at %s',
      answers.words, learning.moment(answers.answered_at)) end order by answers.answered_at desc))[1]
  into health.last_success_at, health.failures, answer_fault
  from answers;
  select count(*), min(alert.opened_at) into health.backlog, health.oldest_waiting_at
  from public.learning_alerts alert
  where alert.closed_at is null and alert.sent_at is null and alert.kind <> 'alerts'
    and exists (select from vault.decrypted_secrets secret where secret.name = 'alert_webhook_url');
  health.problem := coalesce('alert_webhook_url in Vault ' || url_fault || ': store an address such as '
    'https://hooks.slack.com/services/… with vault.update_secret', answer_fault);
  return health;
end
$$;
comment on function learning.alert_health() is
  'Whether alerts reach the webhook, by its answers of the last six hours; well where none is set.';

-- Runs as its owner: signed-in users may not read what net, cron and Vault hold. It tells of them no more
-- than counts, times, and the answers of the loop's own functions.
create function learning.health()
returns setof learning.stage_health
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  stages constant text[] := array[
    'doorbell', 'inbox', 'mine-lessons', 'mine-tuning', 'materialize-overrides', 'proof', 'schedule', 'prune',
    'platform', 'alerts'
  ];
  stage text;
  health learning.stage_health;
begin
  if learning.asks_as_user() and not learning.may_read() then
    return;
  end if;
  foreach stage in array stages loop
    begin
      health := case stage
        when 'doorbell' then learning.doorbell_health()
        when 'inbox' then learning.inbox_health()
        when 'mine-lessons' then learning.mining_health('strength', stage)
        when 'mine-tuning' then learning.mining_health('tuning', stage)
        when 'materialize-overrides' then learning.materialization_health()
        when 'proof' then learning.proof_health()
        when 'schedule' then learning.schedule_health()
        when 'prune' then learning.pruning_health()
        when 'platform' then learning.platform_health()
        when 'alerts' then learning.alert_health()
      end;
    exception when others then
      -- What keeps one stage from being looked at must not hide the others.
      health := row(stage, null, null, null, null, 'cannot be looked at: ' || sqlerrm);
    end;
    return next health;
  end loop;
end
$$;
comment on function learning.health() is
  'The rows of learning_health; none for signed-in users without a learning role.';

create view public.learning_health
with (security_invoker = true)
as
select health.stage, health.backlog, health.oldest_waiting_at, health.last_success_at, health.failures,
  health.problem, (select learning.release()) as release
from learning.health() as health;
comment on view public.learning_health is
  'How each stage of the loop is doing, in the order in which data passes through; a stage is well when '
  'problem is null.';
comment on column public.learning_health.stage is
  'doorbell, inbox, mine-lessons, mine-tuning, materialize-overrides, proof, schedule, prune, platform or '
  'alerts.';
comment on column public.learning_health.backlog is
  'What waits: unanswered rings, strands, groups to be mined, groups whose lessons are to be taken over, '
  'jobs that do not run, log lines and run details past their time, missing extensions and open tables, '
  'alerts that were not sent.';
comment on column public.learning_health.oldest_waiting_at is
  'Since when the oldest of it waits; null where nothing does.';
comment on column public.learning_health.last_success_at is
  'When the stage last did its work; null where that is not known. Answers of edge functions are known for '
  'six hours.';
comment on column public.learning_health.failures is
  'Failures and refusals within a day; of doorbell and alerts within six hours, of pruning within a week.';
comment on column public.learning_health.problem is
  'What is wrong, for a person to read; null where nothing is.';
comment on column public.learning_health.release is 'Release of the database, the same in each row.';

-- Who is told ---------------------------------------------------------------------------------------------

create function learning.last_arrival()
returns timestamptz
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  -- By indexes: when the newest was done or rejected, or since when the newest has waited.
  select greatest(
    (select max(receipt.processed_at) from public.strand_receipts receipt where receipt.status = 'done'),
    (select max(receipt.processed_at) from public.strand_receipts receipt where receipt.status = 'rejected'),
    (select max(receipt.received_at) from public.strand_receipts receipt where receipt.status = 'pending')
  );
$$;
comment on function learning.last_arrival() is
  'When the newest strand was taken in; null where none ever was.';

create function learning.what_is_wrong()
returns table (kind text, message text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select health.stage, format('%s is not well: %s', health.stage, health.problem)
  from learning.health() as health
  where health.problem is not null
  union all
  select 'silence',
    format('nothing arrived for a day, the last strand came at %s', learning.moment(arrival.at))
  from learning.last_arrival() as arrival(at)
  where arrival.at < now() - interval '1 day';
$$;
comment on function learning.what_is_wrong() is
  'What an alert is open for as long as it lasts: stages that are not well, and silence.';

create function learning.note_alerts()
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  with wrong as materialized (
    select what.kind, what.message from learning.what_is_wrong() as what
  ),
  over as (
    update public.learning_alerts alert
    set closed_at = clock_timestamp()
    where alert.closed_at is null and not exists (select from wrong where wrong.kind = alert.kind)
  ),
  reworded as (
    update public.learning_alerts alert
    set message = wrong.message
    from wrong
    where wrong.kind = alert.kind and alert.closed_at is null and alert.sent_at is null
      and alert.message <> wrong.message
  )
  insert into public.learning_alerts (kind, message)
  select wrong.kind, wrong.message
  from wrong
  where not exists (
    select from public.learning_alerts alert where alert.kind = wrong.kind and alert.closed_at is null
  );
$$;
comment on function learning.note_alerts() is
  'Opens an alert for what is wrong and has none, and closes those of what no longer is.';

create function learning.note_switched_off()
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  with told as materialized (select clock_timestamp() as at)
  insert into public.learning_alerts (kind, opened_at, closed_at, message, details)
  select 'overrides', told.at, told.at,
    format('%s switched off: %s', learning.counted(count(*), 'override was', 'overrides were'), string_agg(
      format('%s %s %s', coalesce(override.pattern_key, 'override ' || change.override_id),
        override.action_category, change.new ->> 'disabled_reason'), '; ' order by change.id)),
    jsonb_build_object('changes', jsonb_agg(change.id order by change.id))
  from public.pm_override_history change
  cross join told
  left join public.pm_overrides override on override.id = change.override_id
  where change.at > now() - interval '1 day' and change.actor = 'loop' and change.new ->> 'enabled' = 'false'
    and starts_with(change.new ->> 'disabled_reason', 'stopped adding value')
    -- Not by time, as what is told may commit after what is newer.
    and not exists (
      select from public.learning_alerts told_alert
      where told_alert.kind = 'overrides' and told_alert.opened_at > now() - interval '2 days'
        and told_alert.details -> 'changes' @> to_jsonb(change.id)
    )
    -- What comes within an hour waits for the next message.
    and not exists (
      select from public.learning_alerts newest_alert
      where newest_alert.kind = 'overrides' and newest_alert.opened_at > told.at - interval '1 hour'
    )
  group by told.at;
$$;
comment on function learning.note_switched_off() is
  'Opens and closes an alert for the overrides that evidence switched off since the last one, once an hour.';

create function learning.send_alerts()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  due record;
  sent integer := 0;
begin
  for due in
    select alert.id, case
      when alert.kind = 'overrides' or alert.closed_at is null then 'Edgeloop: ' || alert.message
      else format('Edgeloop: over since %s, after %s: %s', learning.moment(alert.closed_at),
        learning.counted(ceil(extract(epoch from alert.closed_at - alert.opened_at) / 60)::bigint,
          'minute', 'minutes'), alert.message)
    end as message
    from public.learning_alerts alert
    where case
        -- A webhook that does not work cannot say so.
        when alert.kind = 'alerts' then false
        when alert.kind = 'overrides' then
          alert.sent_at is null and alert.opened_at > now() - interval '1 day'
        when alert.closed_at is null then alert.sent_at is null
        -- What was over before it was told is not told.
        else alert.sent_at < alert.closed_at and alert.closed_at > now() - interval '1 day'
      end
      and (alert.sent_at is not null or not exists (
        select from public.learning_alerts told_alert
        where told_alert.kind = alert.kind and told_alert.sent_at > clock_timestamp() - interval '1 hour'
      ))
    order by alert.id
  loop
    exit when not learning.send_to_webhook(due.message);
    update public.learning_alerts alert set sent_at = clock_timestamp() where alert.id = due.id;
    sent := sent + 1;
  end loop;
  return sent;
end
$$;
comment on function learning.send_alerts() is
  'Sends what was not told: that something is wrong, at most once an hour of a kind, and that it is over. '
  'Without a webhook nothing; returns how many messages.';

create function learning.watch()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.note_alerts();
  perform learning.note_switched_off();
  perform learning.send_alerts();
  perform learning.admit_listeners();
  return null;
end
$$;
comment on function learning.watch() is
  'Writes down what is wrong and what no longer is, and tells it; lets listeners in where Realtime has come.';
create trigger watch after insert or update on learning.errands
for each row when (new.name = 'watch') execute function learning.watch();
comment on trigger watch on learning.errands is 'The errand watch.';
