begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(22);

delete from learning_log where true;
delete from learning.doorbells where true;
delete from net._http_response where true;
delete from cron.job_run_details where true;
delete from vault.secrets where name in ('project_url', 'edge_function_secret_key');

create function pg_temp.told(health learning.stage_health) returns text language sql as $$
  select concat_ws(' ', health.backlog, coalesce((now() - health.oldest_waiting_at)::text, '-'),
    coalesce((now() - health.last_success_at)::text, '-'), health.failures);
$$;

-- Doorbell ----------------------------------------------------------------------------------------------

select is(
  (learning.doorbell_health()).problem,
  'Vault has no secret named project_url and none named edge_function_secret_key: '
  'store it with vault.create_secret',
  'Missing secrets are named'
);
select vault.create_secret('http://project.test', 'project_url');
select is(
  (learning.doorbell_health()).problem,
  'Vault has no secret named edge_function_secret_key: store it with vault.create_secret',
  'One is enough to say so'
);
select vault.create_secret('sb_secret_test', 'edge_function_secret_key');
select is((learning.doorbell_health()).problem, null, 'With both all is well');
create function pg_temp.rung(
  function_name text, ago interval, status integer default null, content text default null,
  error text default null, timed_out boolean default false
)
returns void language plpgsql as $$
declare
  request bigint := 1000000 + (select count(*) from learning.doorbells);
begin
  insert into learning.doorbells (function_name, request_id, rung_at)
  values (function_name, request, now() - ago);
  if status is not null or error is not null then
    insert into net._http_response (id, status_code, content, error_msg, timed_out, created)
    values (request, status, content, error, timed_out, now() - ago + interval '1 second');
  end if;
end
$$;
select pg_temp.rung('aggregate-strands', '10 seconds');
select is(pg_temp.told(learning.doorbell_health()), '1 00:00:10 - 0', 'A ring without an answer waits');
select is((learning.doorbell_health()).problem, null, 'Which is nothing to worry about at first');
update learning.doorbells set rung_at = now() - interval '3 minutes' where true;
select is(
  (learning.doorbell_health()).problem, 'no request is sent: is the worker of pg_net running?',
  'Only when it goes on'
);
select pg_temp.rung('aggregate-strands', '61 seconds', 200, '{}');
select is(
  pg_temp.told(learning.doorbell_health()), '1 00:03:00 00:01:00 0',
  'A later answer shows that the worker runs'
);
select is((learning.doorbell_health()).problem, null, 'The lost one is found by the sweep');
select pg_temp.rung('mine-lessons', '5 minutes', 200, '{}');
select pg_temp.rung('mine-lessons', '50 seconds', null, null, 'Timeout of 30000 ms reached', true);
select is(
  (learning.doorbell_health()).problem, null, 'Work that takes longer than the request is no failure'
);
select pg_temp.rung('aggregate-strands', '40 seconds', 401, '{}');
select matches(
  (learning.doorbell_health()).problem,
  '^aggregate-strands refused the key at .* UTC: edge_function_secret_key in Vault is not a secret key',
  'A refused key is named'
);
select is(split_part(pg_temp.told(learning.doorbell_health()), ' ', 4), '1', 'And counted');
select pg_temp.rung('aggregate-strands', '30 seconds', 404, 'nothing here');
select matches(
  (learning.doorbell_health()).problem, '^aggregate-strands was not found at .*is it deployed',
  'So is a function that is not there'
);
select pg_temp.rung('aggregate-strands', '20 seconds', 500, '{"error": "out of luck"}');
select matches(
  (learning.doorbell_health()).problem, '^aggregate-strands answered 500 at .*: \{"error": "out of luck"\}$',
  'And one that fails, with what it says'
);
select pg_temp.rung('mine-tuning', '15 seconds', null, null, 'Couldn''t resolve host name');
select matches(
  (learning.doorbell_health()).problem, '^mine-tuning answered nothing at .*: Couldn''t resolve host name$',
  'The newest failure counts'
);
select pg_temp.rung('mine-tuning', '12 seconds', 200, '{}');
select pg_temp.rung('aggregate-strands', '10 seconds', 200, '{}');
select is((learning.doorbell_health()).problem, null, 'Until the same functions answer well again');
insert into net._http_response (id, status_code, timed_out, created) values (5, 500, false, now());
select is((learning.doorbell_health()).problem, null, 'What others in the database ask is their business');
select is(
  learning.answer_fault('mine-lessons', 403, '2026-03-01 12:00+00', 'x'),
  'mine-lessons refused the key at 2026-03-01 12:00 UTC: edge_function_secret_key in Vault is not a secret '
  'key of the project',
  'A refused key may be forbidden, too'
);

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
