-- Health: how far each stage of the loop has come, what waits, and in words what is wrong.

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
    'platform'
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
  'doorbell, inbox, mine-lessons, mine-tuning, materialize-overrides, proof, schedule, prune or platform.';
comment on column public.learning_health.backlog is
  'What waits: unanswered rings, strands, groups to be mined, groups whose lessons are to be taken over, '
  'jobs that do not run, log lines and run details past their time, missing extensions and open tables.';
comment on column public.learning_health.oldest_waiting_at is
  'Since when the oldest of it waits; null where nothing does.';
comment on column public.learning_health.last_success_at is
  'When the stage last did its work; null where that is not known. Answers of edge functions are known for '
  'six hours.';
comment on column public.learning_health.failures is
  'Failures and refusals within a day; of the doorbell within six hours, of pruning within a week.';
comment on column public.learning_health.problem is
  'What is wrong, for a person to read; null where nothing is.';
comment on column public.learning_health.release is 'Release of the database, the same in each row.';
