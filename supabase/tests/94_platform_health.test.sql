begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(34);

delete from learning_log where true;
delete from learning.doorbells where true;
delete from net._http_response where true;
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
select pg_temp.rung('aggregate-strands', '21 seconds', 500, 'somebody''s secret');
select is((learning.doorbell_health()).problem like '%withheld%' and (learning.doorbell_health()).problem not like '%secret%',
  true, 'What does not say that it is the function''s own is not quoted');
select pg_temp.rung('aggregate-strands', '20 seconds', 500, '{"error": "out of luck"}');
update net._http_response set headers = '{"X-Edgeloop-Function": "aggregate-strands"}' where content like '%out of luck%';
select matches(
  (learning.doorbell_health()).problem, '^aggregate-strands answered 500 at .*: \{"error": "out of luck"\}$',
  'And one that fails, with what it says'
);
select pg_temp.rung('mine-tuning', '15 seconds', null, null, 'Couldn''t resolve host name secret.internal');
select matches(
  (learning.doorbell_health()).problem,
  '^mine-tuning answered nothing at .*: it could not be connected to; is project_url in Vault right\?$',
  'The newest failure counts, without the host, which may be another program''s'
);
select is_empty($$ select from learning.answered_rings() where reason like '%30000%' or reason like '%secret%' $$,
  'No ring quotes what failed requests say');
select pg_temp.rung('mine-tuning', '12 seconds', 200, '{}');
select pg_temp.rung('aggregate-strands', '10 seconds', 200, '{}');
select is((learning.doorbell_health()).problem, null, 'Until the same functions answer well again');
-- An address that pg_net does not take: nothing is queued, and nothing will ever be answered.
select vault.update_secret((select id from vault.secrets where name = 'project_url'), 'project.test');
select learning.ring_or_log('aggregate-strands');
select matches(
  (learning.doorbell_health()).problem,
  '^aggregate-strands could not be rung at .* UTC: .+; is project_url in Vault an address such as https://',
  'An address without scheme is told, though nothing was sent that could be answered'
);
select is(split_part(pg_temp.told(learning.doorbell_health()), ' ', 4), '6', 'And counted');
select vault.update_secret((select id from vault.secrets where name = 'project_url'), 'https://project. test');
select learning.ring_or_log('mine-lessons');
select matches((learning.doorbell_health()).problem, '^mine-lessons could not be rung at ', 'So is one with a blank');
select vault.update_secret((select id from vault.secrets where name = 'project_url'), 'http://project.test');
select learning.ring('mine-lessons');
select matches((learning.doorbell_health()).problem, '^aggregate-strands could not be rung at ',
  'A function that has been rung since is well again');
select learning.ring('aggregate-strands');
select is((learning.doorbell_health()).problem, null, 'And when all have, nothing is wrong');
-- The worker of pg_net is gone, and every minute somebody rings.
delete from learning.doorbells where true;
delete from net._http_response where true;
select pg_temp.rung('aggregate-strands', '8 minutes', 200, '{}');
select pg_temp.rung('aggregate-strands', make_interval(secs => ago)) from generate_series(450, 10, -60) as ago;
select is((learning.doorbell_health()).problem, 'no request is sent: is the worker of pg_net running?',
  'However young the newest ring, what goes unanswered for two minutes is told');
select pg_temp.rung('aggregate-strands', '5 seconds', 200, '{}');
select is((learning.doorbell_health()).problem, null, 'Until something is answered again');
-- Numbers began anew after a crash: an answer is that of the newest ring with its number before it.
delete from learning.doorbells where true;
delete from net._http_response where true;
insert into learning.doorbells (function_name, request_id, rung_at) values
  ('mine-lessons', 7, now() - interval '7 minutes 30 seconds'), ('mine-tuning', 7, now() - interval '4 minutes'),
  ('aggregate-strands', 7, now() - interval '1 minute');
insert into net._http_response (id, status_code, created) values (7, 500, now() - interval '3 minutes');
select results_eq($$ select function_name from learning.answered_rings() where answered_at is not null $$,
  $$ values ('mine-tuning') $$, 'An answer is that of one ring alone: the newest that it can be of');
select is(split_part(pg_temp.told(learning.doorbell_health()), ' ', 4), '1', 'And is counted once');
delete from learning.doorbells where function_name <> 'mine-lessons';
update net._http_response set created = now() - interval '2 minutes' where true;
select is_empty($$ select from learning.answered_rings() where answered_at is not null $$,
  'One that comes long after the ring is somebody else''s');
update net._http_response set created = now() - interval '7 minutes', headers = '{"X-Edgeloop-Function": "mine-tuning"}'
where true;
select is(split_part(pg_temp.told(learning.doorbell_health()), ' ', 4), '0',
  'One that another function says it gave is no failure of this one');
delete from net._http_response where true;
delete from learning.doorbells where true;
insert into learning.doorbells (function_name, request_id, rung_at)
values ('aggregate-strands', 8, now() - interval '1 minute');
insert into net._http_response (id, status_code, timed_out, created) values (5, 500, false, now());
select is((learning.doorbell_health()).problem, null, 'What others in the database ask is their business');
select is(
  learning.answer_fault('mine-lessons', 403, '2026-03-01 12:00+00', 'x'),
  'mine-lessons refused the key at 2026-03-01 12:00 UTC: edge_function_secret_key in Vault is not a secret '
  'key of the project',
  'A refused key may be forbidden, too'
);

-- Platform ----------------------------------------------------------------------------------------------

select is((learning.platform_health()).problem, null, 'With its extensions, and every table closed, all is well');
alter table ad_strands disable row level security;
alter table learning.doorbells disable row level security;
create table public.of_somebody_else ();
select is(
  (learning.platform_health()).problem,
  'row level security is off for learning.doorbells, public.ad_strands, so whoever is granted a table reads all of it: '
  'alter table … enable row level security', 'Tables that anybody may open are named, and no others'
);
select is((learning.platform_health()).backlog, 2::bigint, 'And counted');
alter table ad_strands enable row level security;
alter table learning.doorbells enable row level security;
create function pg_temp.managed(statement text) returns boolean language plpgsql as $$
begin
  execute statement;
  return true;
exception when insufficient_privilege then
  return false;
end
$$;
create temporary table managed as select pg_temp.managed('alter schema net rename to net_gone') as gone;
select case when managed.gone then is(
  (learning.platform_health()).problem, 'what the extension pg_net brings is missing: create it anew',
  'An extension that is gone is named'
) else skip('extensions are the platform''s to take away', 1) end from managed;
select case when managed.gone then pg_temp.managed('alter schema net_gone rename to net') end from managed;

select * from finish();
rollback;
