-- Schedule (UTC): the sweep, mining, materialisation, watching and pruning.

create function learning.jobs()
returns table (name text, schedule text, command text, function_name text, family text, longest_gap interval)
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query values
    ('edgeloop-sweep', '2-59/5 * * * *', 'select learning.sweep()',
      'aggregate-strands', null, interval '20 minutes'),
    ('edgeloop-mine-lessons', '8 * * * *', 'select learning.ring_or_log(''mine-lessons'')',
      'mine-lessons', 'strength', interval '3 hours'),
    ('edgeloop-mine-tuning', '9 * * * *', 'select learning.ring_or_log(''mine-tuning'')',
      'mine-tuning', 'tuning', interval '3 hours'),
    ('edgeloop-materialize-overrides', '10 * * * *', 'select learning.ring_or_log(''materialize-overrides'')',
      'materialize-overrides', null, interval '3 hours'),
    ('edgeloop-watch', '4-59/5 * * * *', 'select learning.run_errand(''watch'')', null, null,
      interval '20 minutes'),
    ('edgeloop-digest', '0 7 * * 1', 'select learning.run_errand(''digest'')', null, null,
      interval '8 days'),
    ('edgeloop-prune', '17 3 * * *', 'select public.prune_learning()', null, null, interval '50 hours');
end
$$;
comment on function learning.jobs() is
  'The one register of what runs when: name, schedule and command of each job, the edge function that it '
  'rings, the mining cycle that this function works on, and how long after its last run the job is missed.';

create function learning.sweep()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if not pg_try_advisory_xact_lock(hashtextextended('sweep', 0)) then
    return;
  end if;
  perform learning.ring_or_log('aggregate-strands');
  begin
    perform learning.find_lost_receipts();
    perform learning.withdraw_effects();
  exception when others then
    perform learning.write_log_hourly('ERROR', 'aggregate-strands', 'withdrawal_failed',
      format('Deleted strands and lost receipts could not be seen to, which is tried again: %s', sqlerrm),
      jsonb_build_object('sqlstate', sqlstate));
  end;
  begin
    -- Of what is deleted still the next portions would replay it all over again.
    if not learning.awaits_withdrawal() then
      perform learning.replay_allocation(patience => interval '1 second');
    end if;
  exception when others then
    -- It is tried again; whoever waits to be rung must not wait for it.
    perform learning.write_log_hourly('ERROR', 'allocation', 'replay_failed',
      format('The allocation could not be replayed and is tried again: %s', sqlerrm),
      jsonb_build_object('sqlstate', sqlstate));
  end;
  begin
    perform learning.record_exposure();
  exception when others then
    perform learning.write_log_hourly('ERROR', 'exposure', 'exposure_not_recorded',
      format('What is held could not be written down, which is tried again: %s', sqlerrm),
      jsonb_build_object('sqlstate', sqlstate));
  end;
  -- Work whose invocations died goes on without waiting for the next hour.
  perform learning.ring_or_log(work.function_name, '{"continue": true}'::jsonb)
  from (
    select job.function_name, mining_group.run, mining_group.leased_until
    from learning.mining_groups mining_group
    join learning.jobs() as job on job.family = mining_group.family
    union all
    select 'materialize-overrides', tuning_group.run, tuning_group.leased_until
    from learning.tuning_groups tuning_group
    union all
    select 'materialize-overrides', to_jsonb(reconciliation.run), reconciliation.leased_until
    from learning.strength_reconciliation reconciliation
    where reconciliation.started_at is not null and reconciliation.finished_at is null
    union all
    -- What was mined is calibrated by whoever finds no group left.
    select 'mine-lessons', to_jsonb(due_sum.action_category), null
    from learning.sums_to_calibrate() as due_sum
  ) as work
  group by work.function_name
  having bool_or(work.run is not null)
    and not coalesce(bool_or(learning.is_leased(work.leased_until)), false);
end
$$;
comment on function learning.sweep() is
  'Finds the strands whose doorbell or receipt was lost, and the mining, simulating and reconciling whose '
  'invocations died, takes the effect of deleted strands back, goes on with a replay that paused, and writes '
  'down once a day what is held; does nothing while another one does.';

create function learning.prune_history(p_batch integer)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  changes integer;
  config_changes integer;
begin
  delete from public.pm_override_history change
  where change.id in (
    select old_change.id
    from public.pm_override_history old_change
    where old_change.at < now() - learning.history_retention()
    order by old_change.at
    limit p_batch
  );
  get diagnostics changes = row_count;

  delete from public.learning_config_history config_change
  where config_change.id in (
    select old_config_change.id
    from public.learning_config_history old_config_change
    where old_config_change.at < now() - learning.history_retention()
    order by old_config_change.at
    limit p_batch
  );
  get diagnostics config_changes = row_count;
  return changes + config_changes + learning.prune_alerts(p_batch);
end
$$;
comment on function learning.prune_history(integer) is
  'Deletes changes of overrides and configuration, and alerts, that are older than they are kept, at most '
  'p_batch of each; returns how many.';

create function learning.prune_sizings(p_batch integer)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  sizings integer;
begin
  delete from public.exposure_history past_exposure
  where past_exposure.day < (now() - learning.history_retention())::date;
  delete from public.pm_sizings sizing
  where sizing.id in (
    select old_sizing.id
    from public.pm_sizings old_sizing
    where old_sizing.taken_at < now() - learning.sizing_retention()
    order by old_sizing.taken_at
    limit p_batch
  );
  get diagnostics sizings = row_count;
  return sizings;
end
$$;
comment on function learning.prune_sizings(integer) is
  'Deletes recorded sizings that are older than they are kept, at most p_batch, and what was held on days '
  'beyond the history; returns how many sizings.';

create function public.prune_learning(p_batch integer default 1000000)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  log_lines integer := 0;
  run_details integer := 0;
  doorbells integer := 0;
  snapshots integer := 0;
  changes integer := 0;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('prune', 0)) then
    return jsonb_build_object('skipped', 'another run is under way');
  end if;

  delete from public.learning_log log_line
  where log_line.id in (
    select old_log_line.id
    from public.learning_log old_log_line
    where old_log_line.at < now() - learning.log_retention()
    order by old_log_line.at
    limit p_batch
  );
  get diagnostics log_lines = row_count;

  delete from learning.doorbells doorbell
  where doorbell.id in (
    select old_doorbell.id
    from learning.doorbells old_doorbell
    where old_doorbell.rung_at < now() - interval '1 day'
    order by old_doorbell.rung_at
    limit p_batch
  );
  get diagnostics doorbells = row_count;

  changes := learning.prune_history(p_batch);
  snapshots := learning.prune_edge_history(array(
    select snapshot.lesson_id
    from public.learning_edge_history snapshot
    group by snapshot.lesson_id
    having count(*) > 500
  ));

  begin
    delete from cron.job_run_details run
    where run.runid in (
      select old_run.runid
      from cron.job_run_details old_run
      -- Details of other jobs are their owners' business.
      join cron.job job on job.jobid = old_run.jobid and starts_with(job.jobname, 'edgeloop-')
      where old_run.end_time < now() - learning.log_retention()
      order by old_run.runid
      limit p_batch
    );
    get diagnostics run_details = row_count;
  exception when insufficient_privilege then
    perform learning.write_log_hourly('WARNING', 'prune', 'run_details_kept',
      'Run details of pg_cron could not be pruned: ' || sqlerrm);
  end;
  return jsonb_build_object(
    'log_lines', log_lines, 'run_details', run_details, 'doorbells', doorbells, 'snapshots', snapshots,
    'changes', changes, 'sizings', learning.prune_sizings(p_batch)
  );
end
$$;
comment on function public.prune_learning(integer) is
  'Deletes log lines and run details older than 30 days, doorbells older than a day, changes of overrides '
  'and configuration older than 400 days and recorded sizings older than 90, at most p_batch of each at a '
  'time, and all but the last 500 snapshots of each lesson; does nothing while another run does. '
  'For the schedule.';

select cron.schedule(job.name, job.schedule, job.command) from learning.jobs() as job;
