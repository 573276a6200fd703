begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(25);

delete from learning_log where true;
delete from learning.doorbells where true;
delete from net._http_response where true;
delete from cron.job_run_details where true;

create function pg_temp.told(health learning.stage_health) returns text language sql as $$
  select concat_ws(' ', health.backlog, coalesce((now() - health.oldest_waiting_at)::text, '-'),
    coalesce((now() - health.last_success_at)::text, '-'), health.failures);
$$;

-- Inbox -------------------------------------------------------------------------------------------------

insert into ad_strands (id, kind) values ('a', 'pm_action'), ('b', 'pm_action'), ('c', 'position_closed'),
  ('d', 'note');
update strand_receipts set received_at = now() - interval '1 hour' where strand_id = 'a';
update strand_receipts
set status = 'done', next_attempt_at = null, processed_at = now() - interval '10 minutes'
where strand_id = 'b';
select is(pg_temp.told(learning.inbox_health()), '2 01:00:00 00:10:00 0', 'Strands without an effect wait');
select is((learning.inbox_health()).problem, null, 'As long as others are dealt with they are only late');
update strand_receipts set processed_at = now() - interval '20 minutes' where strand_id = 'b';
select matches(
  (learning.inbox_health()).problem, '^2 strands wait since .* UTC and nobody comes for them$',
  'When none is they are stuck'
);
update strand_receipts
set received_at = now(), errors = '[{"path": "", "message": "Out of space (SQLSTATE 53100)"}]'
where strand_id = 'a';
select is(
  (learning.inbox_health()).problem,
  '1 strand could not be applied and will be tried again, the last one: Out of space (SQLSTATE 53100)',
  'A failure is told with its reason'
);
update strand_receipts set errors = '[]' where strand_id = 'a';
update strand_receipts
set status = 'rejected', processed_at = now(), next_attempt_at = null,
  errors = '[{"path": "content.trade_id", "message": "Required"}, {"path": "x", "message": "y"}]'
where strand_id = 'c';
select is(
  (learning.inbox_health()).problem,
  '1 strand was rejected within a day, the last one c: content.trade_id Required; '
  'strand_receipts has every reason',
  'So is a refusal'
);
select is(split_part(pg_temp.told(learning.inbox_health()), ' ', 4), '1', 'Which counts as a failure');
update strand_receipts set processed_at = now() - interval '25 hours' where strand_id = 'c';
select is((learning.inbox_health()).problem, null, 'For a day');
select learning.write_log('ERROR', 'aggregate-strands', 'invocation_failed', 'claim_strands failed: no');
select matches(
  (learning.inbox_health()).problem, '^aggregate-strands failed at .*: claim_strands failed: no$',
  'A function that failed is heard'
);
delete from learning_log where true;

-- Mining and materialisation ----------------------------------------------------------------------------

insert into pattern_trade_events (
  action_strand_id, trade_id, module, pattern_key, action_category, scope, scope_mask, roi, rr,
  duration_hours, did_trim, reached_s3, acted_at, traded_at, created_at, scope_codes
)
values (
  'b', 't', 'pm', 'pm.a', 'entry', '{}', 0, 0.1, 1, 1, false, false, now(), now(),
  now() - interval '30 minutes', '{}'
);
select learning.mark_groups_changed(array[('pm', 'pm.a', 'entry')]::learning.group_key[]);
update learning.mining_cycles set cycle = cycle + 1 where family = 'strength';
select is(
  pg_temp.told(learning.mining_health('strength', 'mine-lessons')), '1 00:30:00 - 0',
  'A group that was never mined waits since its first event'
);
update pattern_trade_events set created_at = now() - interval '4 hours' where true;
select matches(
  (learning.mining_health('strength', 'mine-lessons')).problem,
  '^1 group was not mined in time, the oldest since ', 'Too long is too long'
);
update learning.mining_groups set mined_at = now() - interval '26 hours' where pattern_key = 'pm.a';
select is(
  pg_temp.told(learning.mining_health('strength', 'mine-lessons')), '1 1 day 02:00:00 1 day 02:00:00 0',
  'One that was mined waits since then'
);
select is(
  (learning.mining_health('strength', 'mine-lessons')).problem, null,
  'A day is what it has to wait without a change'
);
select learning.write_log('ERROR', 'mine-lessons', 'mining_failed', 'pm.a entry could not be mined');
select matches(
  (learning.mining_health('strength', 'mine-lessons')).problem,
  '^failed at .*: pm.a entry could not be mined$', 'A failure is told'
);

update learning.mining_groups set lagging_since = now() - interval '4 hours' where pattern_key = 'pm.a';
select matches(
  (learning.materialization_health()).problem,
  '^what is in force is older than what was learned: 1 group has not been taken over since ',
  'What was learned and does not act yet is told'
);
select is(pg_temp.told(learning.materialization_health()), '1 04:00:00 - 0', 'With its age');
update learning.mining_groups set lagging_since = now() - interval '1 hour' where pattern_key = 'pm.a';
select is((learning.materialization_health()).problem, null, 'Until the next hour it is only late');
do $$
begin
  while public.reconcile_overrides() -> 'next' <> 'null' loop
  end loop;
end
$$;
select is(pg_temp.told(learning.materialization_health()), '0 - - 0', 'After a pass nothing waits');
update learning.mining_groups set run = '{"evidence_version": 1, "cycle": 1, "last_event_id": 0}'
where pattern_key = 'pm.a';
select learning.end_run(mining_group) from learning.mining_groups mining_group where mining_group.pattern_key = 'pm.a';
select is(pg_temp.told(learning.materialization_health()), '1 00:00:00 - 0', 'What is mined waits for the next');
update learning.mining_groups
set lagging_since = now() - interval '2 hours', run = '{"evidence_version": 1, "cycle": 1, "last_event_id": 0}'
where pattern_key = 'pm.a';
select learning.end_run(mining_group) from learning.mining_groups mining_group where mining_group.pattern_key = 'pm.a';
select is(pg_temp.told(learning.materialization_health()), '1 02:00:00 - 0',
  'However often it is mined, since the first time that was not taken over');

-- Schedule ----------------------------------------------------------------------------------------------

insert into cron.job_run_details (jobid, runid, status, return_message, start_time, end_time)
select jobid, 1000 + jobid, 'succeeded', '1 row', now() - interval '5 minutes', now() - interval '4 minutes'
from cron.job where jobname like 'edgeloop-%';
select is((learning.schedule_health()).problem, null, 'Jobs that run are well');
update cron.job_run_details set start_time = now() - interval '1 hour'
where jobid = (select jobid from cron.job where jobname = 'edgeloop-sweep');
insert into cron.job_run_details (jobid, runid, status, return_message, start_time, end_time)
select jobid, 9000, 'failed', 'ERROR: no', now(), now() from cron.job where jobname = 'edgeloop-mine-tuning';
select cron.unschedule('edgeloop-prune');
select matches(
  (learning.schedule_health()).problem,
  '^edgeloop-mine-tuning failed at .*: ERROR: no; edgeloop-prune is not scheduled; '
  'edgeloop-sweep has not run since .* UTC$',
  'Those that do not are named'
);

create function pg_temp.managed(statement text) returns boolean language plpgsql as $$
begin
  execute statement;
  return true;
exception when insufficient_privilege then
  return false;
end
$$;
create temporary table managed as select
  pg_temp.managed($$ update cron.job set active = false where jobname = 'edgeloop-mine-lessons' $$)
  and pg_temp.managed($$ update cron.job set username = 'service_role' where jobname = 'edgeloop-sweep' $$) as jobs;
select case when managed.jobs then matches(
  (learning.schedule_health()).problem,
  'edgeloop-mine-lessons is switched off.*edgeloop-sweep belongs to service_role and not to ' || current_user
    || ': unschedule it as service_role, and schedule it as ' || current_user,
  'So are those that are paused or run as somebody else'
) else skip('jobs are the platform''s to change', 1) end from managed;

-- Pruning -----------------------------------------------------------------------------------------------

insert into learning_log (at, level, component, event, message)
values (now() - interval '34 days', 'INFO', 'x', 'x', 'x');
select matches(
  (learning.pruning_health()).problem, '^1 line of the log should be gone, the oldest since ',
  'What should have been pruned is missed'
);
insert into cron.job_run_details (jobid, runid, status, start_time, end_time)
select jobid, 9001 + i, 'succeeded', now() - interval '35 days', now() - interval '35 days'
from cron.job, generate_series(1, 2) i where jobname = 'edgeloop-sweep';
select matches(
  (learning.pruning_health()).problem,
  '^1 line of the log and 2 runs in cron.job_run_details should be gone, the oldest since ',
  'So are details of the loop''s own runs'
);
delete from learning_log where true;
update cron.job_run_details set end_time = now() - interval '32 days' where runid > 9001;
select is(
  split_part(pg_temp.told(learning.pruning_health()), ' ', 1)
    || coalesce((learning.pruning_health()).problem, ''),
  '2', 'A few days late is only late'
);

select * from finish();
rollback;
