begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(8);

delete from learning_log where true;
delete from learning.doorbells where true;
delete from net._http_response where true;
delete from cron.job_run_details where true;
delete from vault.secrets where name in ('project_url', 'edge_function_secret_key');
select vault.create_secret('http://project.test', 'project_url');
select vault.create_secret('sb_secret_test', 'edge_function_secret_key');

-- The whole ---------------------------------------------------------------------------------------------

select is(
  (select array_agg(stage) from learning_health),
  '{doorbell,inbox,mine-lessons,mine-tuning,materialize-overrides,schedule,prune}',
  'The stages come in the order in which data passes through'
);
select is(
  (select string_agg(problem, '; ') from learning_health), null, 'An empty database with its secrets is well'
);
select is(
  (select array_agg(distinct release) from learning_health), array[learning.release()],
  'Each stage tells the release'
);
select is((select sum(backlog + failures)::integer from learning_health), 0, 'And nothing waits or failed');

-- Who may look ------------------------------------------------------------------------------------------

set local role authenticated;
select set_config(
  'request.jwt.claims', '{"role": "authenticated", "app_metadata": {"learning_role": "viewer"}}', true
);
select is((select count(*)::integer from learning_health), 7, 'A viewer sees the stages');
select set_config(
  'request.jwt.claims', '{"role": "authenticated", "user_metadata": {"learning_role": "viewer"}}', true
);
select is(
  (select count(*)::integer from learning_health), 0, 'Without a learning role there is nothing to see'
);
select is((select count(*)::integer from learning.health()), 0, 'By no way');
reset role;
set local role service_role;
select is((select count(*)::integer from learning_health), 7, 'The service role sees them');
reset role;

select * from finish();
rollback;
