begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(53);

delete from learning_log where true;
delete from learning.mining_groups where true;
delete from net.http_request_queue where true;
delete from vault.secrets where name in ('project_url', 'edge_function_secret_key');

-- Jobs --------------------------------------------------------------------------------------------------

select results_eq(
  $$ select jobname::text collate "default", schedule, command from cron.job
     where jobname like 'edgeloop-%' order by jobname $$,
  $$ values
       ('edgeloop-digest', '0 7 * * 1', 'select learning.run_errand(''digest'')'),
       ('edgeloop-materialize-overrides', '10 * * * *',
         'select learning.ring_or_log(''materialize-overrides'')'),
       ('edgeloop-mine-lessons', '8 * * * *', 'select learning.ring_or_log(''mine-lessons'')'),
       ('edgeloop-mine-tuning', '9 * * * *', 'select learning.ring_or_log(''mine-tuning'')'),
       ('edgeloop-prune', '17 3 * * *', 'select public.prune_learning()'),
       ('edgeloop-sweep', '2-59/5 * * * *', 'select learning.sweep()'),
       ('edgeloop-watch', '4-59/5 * * * *', 'select learning.run_errand(''watch'')') $$,
  'Seven jobs are on the schedule'
);

create function pg_temp.rung() returns text[] language sql as $$
  select coalesce(
    array_agg(split_part(url, '/', 6) || ' ' || convert_from(body, 'UTF8') order by url), '{}'
  ) from net.http_request_queue;
$$;
create function pg_temp.run_all() returns void language plpgsql as $$
declare
  command text;
begin
  for command in select job.command from cron.job where jobname like 'edgeloop-%' order by jobname loop
    execute command;
  end loop;
end
$$;

select set_eq(
  $$ select name from learning.jobs() $$,
  $$ select jobname::text from cron.job where jobname like 'edgeloop-%' $$,
  'They are those whose absence is noticed'
);
select lives_ok($$ select pg_temp.run_all() $$, 'Without secrets no job fails');
select set_eq(
  $$ select component, event from learning_log $$,
  $$ values ('aggregate-strands', 'doorbell_failed'), ('mine-lessons', 'doorbell_failed'),
     ('mine-tuning', 'doorbell_failed'),
  ('materialize-overrides', 'doorbell_failed') $$,
  'Each says what is missing'
);
select pg_temp.run_all();
select is((select count(*)::integer from learning_log), 4, 'Once an hour');
select vault.create_secret('http://project.test', 'project_url');
select vault.create_secret('sb_secret_test', 'edge_function_secret_key');
select pg_temp.run_all();
select is(
  (select array_agg(distinct headers ->> 'apikey') from net.http_request_queue), '{sb_secret_test}',
  'With secrets they ring with the key'
);
select is(
  pg_temp.rung(), '{"aggregate-strands {}","materialize-overrides {}","mine-lessons {}","mine-tuning {}"}',
  'Each its function'
);
delete from net.http_request_queue where true;

-- The sweep ---------------------------------------------------------------------------------------------

select learning.sweep();
select is(pg_temp.rung(), '{"aggregate-strands {}"}', 'The sweep rings for strands whose doorbell was lost');
delete from net.http_request_queue where true;

select learning.mark_groups_changed(
  array[('pm', 'pm.a', 'entry'), ('pm', 'pm.b', 'entry'), ('pm', 'pm.c', 'tuning')]::learning.group_key[]
);
select learning.sweep();
select is(pg_temp.rung(), '{"aggregate-strands {}"}', 'Not for groups that wait for their hour');
delete from net.http_request_queue where true;
select start_mining('strength');
select learning.sweep();
select is(
  pg_temp.rung(), '{"aggregate-strands {}","mine-lessons {\"continue\": true}"}',
  'But for a cycle that nobody works on'
);
delete from net.http_request_queue where true;
create temporary table claimed as select claim_mining_group('strength') as claim;
select learning.sweep();
select is(
  pg_temp.rung(), '{"aggregate-strands {}"}', 'Not for one that somebody works on: he will come to the rest'
);
delete from net.http_request_queue where true;
update learning.mining_groups set leased_until = clock_timestamp() - interval '1 second'
where lease_token is not null;
select learning.sweep();
select is(
  pg_temp.rung(), '{"aggregate-strands {}","mine-lessons {\"continue\": true}"}',
  'Again when his lease has lapsed'
);
delete from net.http_request_queue where true;
update learning.mining_groups set leased_until = clock_timestamp() + interval '1 minute'
where lease_token is not null;
select save_mining_progress((claim ->> 'group_id')::bigint, (claim ->> 'lease_token')::uuid, '{}')
from claimed;
select learning.sweep();
select is(
  pg_temp.rung(), '{"aggregate-strands {}","mine-lessons {\"continue\": true}"}',
  'Or his successor was not rung'
);
delete from net.http_request_queue where true;
select start_mining('tuning');
select learning.sweep();
select is(
  pg_temp.rung(),
  '{"aggregate-strands {}","mine-lessons {\"continue\": true}","mine-tuning {\"continue\": true}"}',
  'Each family has its own function'
);
update learning.mining_groups set run = null, progress = null where true;
delete from net.http_request_queue where true;
select learning.sweep();
select is(pg_temp.rung(), '{"aggregate-strands {}"}', 'When all are mined it is quiet');
delete from net.http_request_queue where true;

insert into learning.tuning_groups (group_id, lessons_version) select id, 1 from learning.mining_groups
where pattern_key in ('pm.b', 'pm.c');
select learning.sweep();
select is(pg_temp.rung(), '{"aggregate-strands {}"}', 'Nor for a simulation that waits for its hour');
delete from net.http_request_queue where true;
create temporary table simulated as select claim_tuning_simulation() as claim;
select learning.sweep();
select is(pg_temp.rung(), '{"aggregate-strands {}"}', 'Or that somebody works on');
delete from net.http_request_queue where true;
update learning.tuning_groups set leased_until = clock_timestamp() - interval '1 second'
where lease_token is not null;
select learning.sweep();
select is(
  pg_temp.rung(), '{"aggregate-strands {}","materialize-overrides {\"continue\": true}"}',
  'A simulation whose lease has lapsed goes on'
);
delete from net.http_request_queue where true;
select save_tuning_simulations(
  (claim ->> 'group_id')::bigint, (claim ->> 'lease_token')::uuid, '[]', 0, 'finished'
) from simulated;
select learning.sweep();
select is(
  pg_temp.rung(), '{"aggregate-strands {}","materialize-overrides {\"continue\": true}"}',
  'So do the groups that nobody came to after it'
);
delete from net.http_request_queue where true;
select save_tuning_simulations(
  (claim ->> 'group_id')::bigint, (claim ->> 'lease_token')::uuid, '[]', 0, 'finished'
) from claim_tuning_simulation() as claim;
select learning.sweep();
select is(pg_temp.rung(), '{"aggregate-strands {}"}', 'When all are simulated it is quiet again');

create function pg_temp.broken() returns trigger language plpgsql as $$
begin
  raise exception 'out of space';
end
$$;
create trigger break_replay before insert on timeframe_allocation_steps
  for each statement execute function pg_temp.broken();
update learning.allocation_replay set began_from = '-infinity', goes_on_from = '-infinity' where true;
delete from net.http_request_queue where true;
delete from learning_log where true;
select learning.sweep();
select is(pg_temp.rung(), '{"aggregate-strands {}"}', 'A replay that fails keeps nobody from being rung');
select is(
  (select (component, event, message)::text from learning_log),
  '(allocation,replay_failed,"The allocation could not be replayed and is tried again: out of space")',
  'Which is told'
);
select matches(
  (select problem from learning_health where stage = 'inbox'),
  'allocation failed at .*: The allocation could not be replayed and is tried again: out of space$',
  'And shown'
);
drop trigger break_replay on timeframe_allocation_steps;
select learning.sweep();
select is(
  (select (began_from, goes_on_from)::text from learning.allocation_replay), '(,)',
  'The next sweep tries again'
);

-- Pruning -----------------------------------------------------------------------------------------------

delete from learning_log where true;
insert into learning_log (at, level, component, event, message)
select now() - i * interval '1 day', 'INFO', 'x', 'x', i::text from generate_series(1, 60) i;
delete from cron.job_run_details where true;
insert into cron.job_run_details (jobid, runid, status, start_time, end_time)
select 1, 1000000 + i, 'succeeded', now() - i * interval '1 day', now() - i * interval '1 day'
from generate_series(1, 60) i;
insert into cron.job_run_details (jobid, runid, status, start_time, end_time)
values (1, 999999, 'running', now() - interval '90 days', null);
select is(
  prune_learning(10), '{"log_lines": 10, "run_details": 10, "doorbells": 0, "snapshots": 0, "changes": 0, "sizings": 0}',
  'Pruning tells what it did'
);
select is(
  (select count(*)::integer from learning_log where component = 'x'), 50,
  'No more log lines go at a time than are asked for'
);
select is(
  (select array_agg(message::integer order by id) from learning_log where message::integer > 48
    and component = 'x'),
  '{49,50}', 'The oldest first'
);
select is(
  (select count(*)::integer from cron.job_run_details where end_time is not null), 50, 'Nor more run details'
);
select prune_learning();
select is(
  (select max(message::integer) from learning_log where component = 'x'), 30, 'Log lines are kept for 30 days'
);
select is((select count(*)::integer from learning_log where component = 'x'), 30, 'All of them');
select is(
  (select (count(*), min(end_time) = now() - interval '30 days')::text from cron.job_run_details
    where end_time is not null),
  '(30,t)', 'So are run details'
);
select is(
  (select count(*)::integer from cron.job_run_details where end_time is null), 1,
  'A run that has not ended stays'
);
select is(
  (select (r ->> 'log_lines', r ->> 'run_details')::text from prune_learning() as r), '(0,0)',
  'A second run finds nothing'
);

create function pg_temp.forbidden() returns trigger language plpgsql as $$
begin
  if current_setting('edgeloop.test_may_prune', true) = 'true' then
    return old;
  end if;
  raise exception 'permission denied for table job_run_details' using errcode = '42501';
end
$$;
insert into cron.job_run_details (jobid, runid, status, start_time, end_time)
values (1, 999998, 'succeeded', now() - interval '90 days', now() - interval '90 days');
create trigger forbid before delete on cron.job_run_details for each row execute function pg_temp.forbidden();
insert into learning_log (at, level, component, event, message)
values (now() - interval '40 days', 'INFO', 'x', 'x', 'old');
select is(
  (select (r ->> 'log_lines', r ->> 'run_details')::text from prune_learning() as r), '(1,0)',
  'Where run details may not be pruned the log still is'
);
select is(
  (select (level, event)::text from learning_log where component = 'prune'), '(WARNING,run_details_kept)',
  'Which is told'
);
select prune_learning();
select is((select count(*)::integer from learning_log where component = 'prune'), 1, 'Once an hour');
select is(
  (select count(*)::integer from learning_log where at < now() - interval '30 days'), 0,
  'Nothing older than 30 days is left in the log'
);

insert into cron.job_run_details (jobid, runid, status, start_time, end_time)
values (
  (select cron.schedule('someone else', '* * * * *', 'select 1')), 999997, 'succeeded',
  now() - interval '90 days', now() - interval '90 days'
);
select set_config('edgeloop.test_may_prune', 'true', true);
select prune_learning();
select is(
  (select array_agg(runid::integer order by runid) from cron.job_run_details
    where end_time < now() - interval '30 days'),
  '{999997}', 'Run details of others stay'
);

insert into learning.doorbells (function_name, request_id, rung_at)
values ('x', 1, now() - interval '25 hours'), ('x', 2, now() - interval '23 hours');
select is(
  (select (r ->> 'doorbells')::integer from prune_learning() as r), 1, 'Doorbells are kept for a day'
);
insert into learning_lessons (
  module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n, stats, status,
  first_active_at
)
values ('pm', 'pm.long', 'entry', '{}', 0, 'pm_strength', 40, '{}', 'deprecated', now()),
  ('pm', 'pm.short', 'entry', '{}', 0, 'pm_strength', 40, '{}', 'active', now());
insert into learning_edge_history (lesson_id, ts, edge, n)
select lesson.id, now() - i * interval '1 hour', 0, 40
from learning_lessons lesson
cross join lateral generate_series(1, case lesson.pattern_key when 'pm.long' then 503 else 500 end) i;
select is(
  (select (r ->> 'snapshots')::integer from prune_learning() as r), 3,
  'What is beyond the last 500 snapshots of a lesson goes'
);
select is(
  (select (count(*), min(ts) = now() - interval '500 hours')::text from learning_edge_history
    where lesson_id = (select id from learning_lessons where pattern_key = 'pm.long')),
  '(500,t)', 'The oldest'
);

-- History of overrides and configuration ------------------------------------------------------------------

delete from pm_override_history where true;
delete from learning_config_history where true;
insert into pm_override_history (override_id, at, actor)
values (1, now() - interval '401 days', 'x'), (2, now() - interval '399 days', 'x');
insert into learning_config_history (module_id, at, actor)
values ('pm', now() - interval '401 days', 'x'), ('pm', now() - interval '399 days', 'x');
select is(prune_learning() -> 'changes', '2', 'Changes are pruned when they are older than 400 days');
select is((select (select count(*) from pm_override_history) + (select count(*) from learning_config_history)), 2::bigint,
  'And not before');

delete from learning_alerts where true;
delete from learning.alert_requests where true;
insert into learning_alerts (kind, opened_at, closed_at, message)
values ('x', now() - interval '401 days', now(), 'old'), ('x', now() - interval '399 days', now(), 'kept'),
  ('x', now() - interval '401 days', null, 'open');
insert into learning.alert_requests (request_id, sent_at)
values (1, now() - interval '25 hours'), (2, now() - interval '23 hours');
select is(prune_learning() -> 'changes', '1', 'So are alerts that are over');
select is((select array_agg(message order by message) from learning_alerts), '{kept,open}', 'What lasts stays');
select is((select array_agg(request_id) from learning.alert_requests), '{2}', 'Requests to the webhook are kept for a day');

-- A reconciliation whose invocation died ------------------------------------------------------------------

create function pg_temp.rings_after_sweep() returns bigint language sql as $$
  delete from net.http_request_queue where true;
  select learning.sweep();
  select count(*) from net.http_request_queue where url like '%materialize-overrides';
$$;
select vault.create_secret('http://project.test', 'project_url') where not exists (
  select from vault.decrypted_secrets where name = 'project_url');
select vault.create_secret('sb_secret_test', 'edge_function_secret_key') where not exists (
  select from vault.decrypted_secrets where name = 'edge_function_secret_key');
update learning.tuning_groups set run = null, leased_until = null where true;
update learning.strength_reconciliation set run = 3, started_at = now(), finished_at = null,
  leased_until = clock_timestamp() + interval '1 minute' where true;
select is(pg_temp.rings_after_sweep(), 0::bigint, 'A pass that somebody works on is left to him');
update learning.strength_reconciliation set leased_until = now() - interval '1 second' where true;
select is(pg_temp.rings_after_sweep(), 1::bigint, 'One that was left is gone on with by the sweep');
update learning.strength_reconciliation set finished_at = now() where true;
select is(pg_temp.rings_after_sweep(), 0::bigint, 'One that is over is not');

-- A calibration whose invocation died ---------------------------------------------------------------------

create function pg_temp.mine_lessons_rung() returns boolean language sql as $$
  delete from net.http_request_queue where true;
  select learning.sweep();
  select exists (select from net.http_request_queue where url like '%mine-lessons');
$$;
delete from learning.mining_groups where true;
delete from learning.effect_bases where true;
delete from learning.calibrated_sums where true;
select ok(not pg_temp.mine_lessons_rung(), 'Where all is calibrated nobody is rung');
insert into learning.effect_bases values ('pm', 'entry', 40, 0.1, 2, -1, 1, '{1,2}');
select ok(pg_temp.mine_lessons_rung(), 'What was mined and not calibrated is calibrated without waiting for the hour');
select learning.mark_groups_changed(array[('pm', 'pm.a', 'entry')::learning.group_key]);
update learning.mining_groups set run = '{}', leased_until = clock_timestamp() + interval '1 minute' where true;
select ok(not pg_temp.mine_lessons_rung(), 'While groups are mined it is left to who mines them');
update learning.mining_groups set run = null, leased_until = null where true;
insert into learning.calibrated_sums select module, action_category, sums_digest from learning.sums_to_calibrate();
select ok(not pg_temp.mine_lessons_rung(), 'What is calibrated stays as it is');

select * from finish();
rollback;
