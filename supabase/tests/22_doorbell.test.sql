begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(17);

delete from vault.secrets where name in ('project_url', 'edge_function_secret_key');
delete from net.http_request_queue where true;
delete from learning_log where true;

create function pg_temp.rung() returns integer language sql
  as $$ select count(*)::integer from net.http_request_queue $$;

-- What is missing is told -----------------------------------------------------------------------------------

select learning.ring_or_log('aggregate-strands');
select is(pg_temp.rung(), 0, 'Without secrets nothing rings');
select results_eq($$ select level, component, event, message from learning_log $$,
  $$ values ('ERROR', 'aggregate-strands', 'doorbell_failed',
    'aggregate-strands could not be rung: Cannot ring aggregate-strands: Vault has no secret named '
      'project_url and none named edge_function_secret_key') $$,
  'Which is told');
select learning.ring_or_log('aggregate-strands');
select is((select count(*)::integer from learning_log), 1, 'Once an hour');
select vault.create_secret('http://project.test/', 'project_url');
delete from learning_log where true;
select learning.ring_or_log('aggregate-strands');
select is((select message from learning_log),
  'aggregate-strands could not be rung: Cannot ring aggregate-strands: Vault has no secret named '
  'edge_function_secret_key',
  'The missing secret is named');
select ok((select message from learning_log) !~ 'project.test', 'The other one is not told');

-- Ringing ---------------------------------------------------------------------------------------------------

select vault.create_secret('sb_secret_test', 'edge_function_secret_key');
create temporary table request as select learning.ring('aggregate-strands') as id;
select is((select id from request), (select max(id) from net.http_request_queue),
  'Ringing gives the number of the request');
select results_eq(
  $$ select method::text, url, headers ->> 'apikey', headers ->> 'Content-Type',
    convert_from(body, 'UTF8')::jsonb, timeout_milliseconds from net.http_request_queue $$,
  $$ values ('POST', 'http://project.test/functions/v1/aggregate-strands', 'sb_secret_test',
    'application/json', '{}'::jsonb, 30000) $$,
  'It asks with the secret key and an empty body');
select is((select (function_name, request_id)::text from learning.doorbells order by id desc limit 1),
  (select ('aggregate-strands', max(id))::text from net.http_request_queue), 'Which is remembered');
select vault.update_secret((select id from vault.secrets where name = 'edge_function_secret_key'),
  'sb_secret_new');
select learning.ring('aggregate-strands');
select is((select headers ->> 'apikey' from net.http_request_queue order by id desc limit 1), 'sb_secret_new',
  'A new key is used at once');
select ring_edge_function('mine-lessons', '{"continue": true}', 3);
select is((select count(*)::integer from net.http_request_queue
  where url = 'http://project.test/functions/v1/mine-lessons'
  and convert_from(body, 'UTF8')::jsonb = '{"continue": true}'), 3,
    'Edge functions ask for as many invocations as they need');
select ring_edge_function('mine-lessons', '{}', 0);
select is(pg_temp.rung(), 5, 'Also for none');


-- Whatever is wrong with it ---------------------------------------------------------------------------------

delete from learning_log where true;
alter table learning.doorbells rename to doorbells_gone;
select lives_ok($$ select learning.ring_or_log('aggregate-strands') $$,
  'Where rings cannot be remembered nothing fails');
select is((select count(*)::integer from learning_log where event = 'doorbell_failed'
  and details ->> 'sqlstate' = '42P01'), 1, 'And why it did not ring is told');
select throws_ok($$ select ring_edge_function('mine-lessons') $$, '42P01', null,
  'Whoever rings on purpose is told');
alter table learning.doorbells_gone rename to doorbells;
create function pg_temp.lives_without(schema_name text, statement text, description text) returns text
language plpgsql as $$
declare
  verdict text;
begin
  begin
    execute format('alter schema %I rename to %I', schema_name, schema_name || '_gone');
  exception when insufficient_privilege then
    return skip(format('schema %s is the platform''s, which alone can take it away', schema_name), 1);
  end;
  verdict := lives_ok(statement, description);
  execute format('alter schema %I rename to %I', schema_name || '_gone', schema_name);
  return verdict;
end
$$;
select pg_temp.lives_without('net', $$ select learning.ring_or_log('aggregate-strands') $$, 'Nor without the net');
select pg_temp.lives_without('vault', $$ select learning.ring_or_log('aggregate-strands') $$, 'Nor without the Vault');
delete from vault.secrets where name = 'project_url';
select throws_ok($$ select ring_edge_function('mine-lessons') $$, '55000',
  'Cannot ring mine-lessons: Vault has no secret named project_url', 'And what is missing');

select * from finish();
rollback;
