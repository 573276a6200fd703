begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(44);

delete from learning_log where true;
delete from learning.doorbells where true;
delete from net._http_response where true;
delete from cron.job_run_details where true;
delete from vault.secrets where name in ('project_url', 'edge_function_secret_key');

create function pg_temp.health(of_stage text) returns text language sql as $$
  select concat_ws(' ', backlog, coalesce((now() - oldest_waiting_at)::text, '-'), coalesce((now() - last_success_at)::text, '-'), failures)
  from learning_health where stage = of_stage;
$$;
create function pg_temp.problem(of_stage text) returns text language sql as $$ select problem from learning_health where stage = of_stage $$;

-- The whole ----------------------------------------------------------------------------------------------------------------

select is((select array_agg(stage) from learning_health), '{doorbell,inbox,mine-lessons,mine-tuning,materialize-overrides,schedule,prune}',
  'The stages come in the order in which data passes through');
select is(pg_temp.problem('doorbell'), 'Vault has no secret named project_url and none named edge_function_secret_key: store it with vault.create_secret',
  'Missing secrets are named');
select vault.create_secret('http://project.test', 'project_url');
select is(pg_temp.problem('doorbell'), 'Vault has no secret named edge_function_secret_key: store it with vault.create_secret', 'One is enough to say so');
select vault.create_secret('sb_secret_test', 'edge_function_secret_key');
select is((select array_agg(distinct release) from learning_health), array[learning.release()], 'Each stage tells the release');
select is((select string_agg(problem, '; ') from learning_health), null, 'An empty database with its secrets is well');
select is((select sum(backlog + failures)::integer from learning_health), 0, 'And nothing waits or failed');

-- Who may look -------------------------------------------------------------------------------------------------------------

set local role authenticated;
select set_config('request.jwt.claims', '{"role": "authenticated", "app_metadata": {"learning_role": "viewer"}}', true);
select is((select count(*)::integer from learning_health), 7, 'A viewer sees the stages');
select set_config('request.jwt.claims', '{"role": "authenticated", "user_metadata": {"learning_role": "viewer"}}', true);
select is((select count(*)::integer from learning_health), 0, 'Without a learning role there is nothing to see');
select is((select count(*)::integer from learning.health()), 0, 'By no way');
reset role;
set local role service_role;
select is((select count(*)::integer from learning_health), 7, 'The service role sees them');
reset role;

-- Doorbell -----------------------------------------------------------------------------------------------------------------

create function pg_temp.rung(function_name text, ago interval, status integer default null, content text default null, error text default null, timed_out boolean default false)
returns void language plpgsql as $$
declare
  request bigint := 1000000 + (select count(*) from learning.doorbells);
begin
  insert into learning.doorbells (function_name, request_id, rung_at) values (function_name, request, now() - ago);
  if status is not null or error is not null then
    insert into net._http_response (id, status_code, content, error_msg, timed_out, created) values (request, status, content, error, timed_out, now() - ago + interval '1 second');
  end if;
end
$$;
select pg_temp.rung('aggregate-strands', '10 seconds');
select is(pg_temp.health('doorbell'), '1 00:00:10 - 0', 'A ring without an answer waits');
select is(pg_temp.problem('doorbell'), null, 'Which is nothing to worry about at first');
update learning.doorbells set rung_at = now() - interval '3 minutes' where true;
select is(pg_temp.problem('doorbell'), 'no request is sent: is the worker of pg_net running?', 'Only when it goes on');
select pg_temp.rung('aggregate-strands', '61 seconds', 200, '{}');
select is(pg_temp.health('doorbell'), '1 00:03:00 00:01:00 0', 'A later answer shows that the worker runs');
select is(pg_temp.problem('doorbell'), null, 'The lost one is found by the sweep');
select pg_temp.rung('mine-lessons', '5 minutes', 200, '{}');
select pg_temp.rung('mine-lessons', '50 seconds', null, null, 'Timeout of 30000 ms reached', true);
select is(pg_temp.problem('doorbell'), null, 'Work that takes longer than the request is no failure');
select pg_temp.rung('aggregate-strands', '40 seconds', 401, '{}');
select matches(pg_temp.problem('doorbell'), '^aggregate-strands refused the key at .* UTC: edge_function_secret_key in Vault is not a secret key', 'A refused key is named');
select is(split_part(pg_temp.health('doorbell'), ' ', 4), '1', 'And counted');
select pg_temp.rung('aggregate-strands', '30 seconds', 404, 'nothing here');
select matches(pg_temp.problem('doorbell'), '^aggregate-strands was not found at .*is it deployed', 'So is a function that is not there');
select pg_temp.rung('aggregate-strands', '20 seconds', 500, '{"error": "out of luck"}');
select matches(pg_temp.problem('doorbell'), '^aggregate-strands answered 500 at .*: \{"error": "out of luck"\}$', 'And one that fails, with what it says');
select pg_temp.rung('mine-tuning', '15 seconds', null, null, 'Couldn''t resolve host name');
select matches(pg_temp.problem('doorbell'), '^mine-tuning answered nothing at .*: Couldn''t resolve host name$', 'The newest failure counts');
select pg_temp.rung('mine-tuning', '12 seconds', 200, '{}'), pg_temp.rung('aggregate-strands', '10 seconds', 200, '{}');
select is(pg_temp.problem('doorbell'), null, 'Until the same functions answer well again');
insert into net._http_response (id, status_code, timed_out, created) values (5, 500, false, now());
select is(pg_temp.problem('doorbell'), null, 'What others in the database ask is their business');
delete from learning.doorbells where true;

-- Inbox --------------------------------------------------------------------------------------------------------------------

insert into ad_strands (id, kind) values ('a', 'pm_action'), ('b', 'pm_action'), ('c', 'position_closed'), ('d', 'note');
update strand_receipts set received_at = now() - interval '1 hour' where strand_id = 'a';
update strand_receipts set status = 'done', next_attempt_at = null, processed_at = now() - interval '10 minutes' where strand_id = 'b';
select is(pg_temp.health('inbox'), '2 01:00:00 00:10:00 0', 'Strands without an effect wait');
select is(pg_temp.problem('inbox'), null, 'As long as others are dealt with they are only late');
update strand_receipts set processed_at = now() - interval '20 minutes' where strand_id = 'b';
select matches(pg_temp.problem('inbox'), '^2 strands wait since .* UTC and nobody comes for them$', 'When none is they are stuck');
update strand_receipts set received_at = now(), errors = '[{"path": "", "message": "Out of space (SQLSTATE 53100)"}]' where strand_id = 'a';
select is(pg_temp.problem('inbox'), '1 strand could not be applied and will be tried again, the last one: Out of space (SQLSTATE 53100)', 'A failure is told with its reason');
update strand_receipts set errors = '[]' where strand_id = 'a';
update strand_receipts set status = 'rejected', processed_at = now(), next_attempt_at = null, errors = '[{"path": "content.trade_id", "message": "Required"}, {"path": "x", "message": "y"}]' where strand_id = 'c';
select is(pg_temp.problem('inbox'), '1 strand was rejected within a day, the last one c: content.trade_id Required; strand_receipts has every reason', 'So is a refusal');
select is(split_part(pg_temp.health('inbox'), ' ', 4), '1', 'Which counts as a failure');
update strand_receipts set processed_at = now() - interval '25 hours' where strand_id = 'c';
select is(pg_temp.problem('inbox'), null, 'For a day');
select learning.write_log('ERROR', 'aggregate-strands', 'invocation_failed', 'claim_strands failed: no');
select matches(pg_temp.problem('inbox'), '^aggregate-strands failed at .*: claim_strands failed: no$', 'A function that failed is heard');
delete from learning_log where true;

-- Mining and materialisation -----------------------------------------------------------------------------------------------

insert into pattern_trade_events (action_strand_id, trade_id, module, pattern_key, action_category, scope, scope_mask, roi, rr, duration_hours, did_trim, reached_s3,
  acted_at, traded_at, created_at, scope_codes)
values ('b', 't', 'pm', 'pm.a', 'entry', '{}', 0, 0.1, 1, 1, false, false, now(), now(), now() - interval '30 minutes', '{}');
select learning.mark_groups_changed(array[('pm', 'pm.a', 'entry')]::learning.group_key[]);
update learning.mining_cycles set cycle = cycle + 1 where family = 'strength';
select is(pg_temp.health('mine-lessons'), '1 00:30:00 - 0', 'A group that was never mined waits since its first event');
update pattern_trade_events set created_at = now() - interval '4 hours' where true;
select matches(pg_temp.problem('mine-lessons'), '^1 group was not mined in time, the oldest since ', 'Too long is too long');
update learning.mining_groups set mined_at = now() - interval '26 hours' where pattern_key = 'pm.a';
select is(pg_temp.health('mine-lessons'), '1 1 day 02:00:00 1 day 02:00:00 0', 'One that was mined waits since then');
select is(pg_temp.problem('mine-lessons'), null, 'A day is what it has to wait without a change');
select learning.write_log('ERROR', 'mine-lessons', 'mining_failed', 'pm.a entry could not be mined');
select matches(pg_temp.problem('mine-lessons'), '^failed at .*: pm.a entry could not be mined$', 'A failure is told');

insert into learning_lessons (module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n, stats, status, updated_at)
values ('pm', 'pm.a', 'entry', '{}', 0, 'pm_strength', 40, '{}', 'active', now() - interval '4 hours');
select matches(pg_temp.problem('materialize-overrides'), '^1 change of lessons has not been taken over since ', 'A lesson without its override waits');
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, lesson_id)
select 'pm_strength', 'pm.a', 'entry', '{}', lesson.id from learning_lessons lesson where lesson.pattern_key = 'pm.a';
select is(pg_temp.health('materialize-overrides'), '0 - - 0', 'With it nothing waits');
update learning_lessons set status = 'deprecated' where pattern_key = 'pm.a';
select is(pg_temp.health('materialize-overrides'), '1 04:00:00 - 0', 'An override waits for the end of its lesson to be taken over');

-- Schedule and pruning -----------------------------------------------------------------------------------------------------

insert into cron.job_run_details (jobid, runid, status, return_message, start_time, end_time)
select jobid, 1000 + jobid, 'succeeded', '1 row', now() - interval '5 minutes', now() - interval '4 minutes' from cron.job where jobname like 'edgeloop-%';
select is(pg_temp.problem('schedule'), null, 'Jobs that run are well');
update cron.job_run_details set start_time = now() - interval '1 hour' where jobid = (select jobid from cron.job where jobname = 'edgeloop-sweep');
insert into cron.job_run_details (jobid, runid, status, return_message, start_time, end_time)
select jobid, 9000, 'failed', 'ERROR: no', now(), now() from cron.job where jobname = 'edgeloop-mine-tuning';
select cron.unschedule('edgeloop-prune');
select matches(pg_temp.problem('schedule'), '^edgeloop-mine-tuning failed at .*: ERROR: no; edgeloop-prune is not scheduled; edgeloop-sweep has not run since .* UTC$',
  'Those that do not are named');
insert into learning_log (at, level, component, event, message) values (now() - interval '34 days', 'INFO', 'x', 'x', 'x');
select matches(pg_temp.problem('prune'), '^1 line of the log should be gone, the oldest since ', 'What should have been pruned is missed');
insert into cron.job_run_details (jobid, runid, status, start_time, end_time)
select jobid, 9001 + i, 'succeeded', now() - interval '35 days', now() - interval '35 days' from cron.job, generate_series(1, 2) i where jobname = 'edgeloop-sweep';
select matches(pg_temp.problem('prune'), '^1 line of the log and 2 runs in cron.job_run_details should be gone, the oldest since ', 'So are details of the loop''s own runs');
delete from learning_log where true;
update cron.job_run_details set end_time = now() - interval '32 days' where runid > 9001;
select is(split_part(pg_temp.health('prune'), ' ', 1) || coalesce(pg_temp.problem('prune'), ''), '2', 'A few days late is only late');

select * from finish();
rollback;
