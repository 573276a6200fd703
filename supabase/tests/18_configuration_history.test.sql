begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
set local jit = off;
select plan(8);

delete from learning_configs where true;
delete from learning_config_history where true;

insert into learning_configs (module_id, config_data) values ('pm', '{"n_min": 40}');
select results_eq($$ select module_id, at, actor, run, reason, old, new -> 'config_data' from learning_config_history $$,
  $$ values ('pm', now(), session_user::text collate "default", null::text, null::text, null::jsonb, '{"n_min": 40}'::jsonb) $$,
  'What is configured is written down, with who did it');
delete from learning_config_history where true;
select set_config('learning.reason', 'fewer trades', true);
select set_config('request.jwt.claims', '{"role": "authenticated", "sub": "2f3b"}', true);
update learning_configs set config_data = '{"n_min": 50}' where module_id = 'pm';
select results_eq($$ select actor, reason, old -> 'config_data', old -> 'version', new -> 'config_data', new -> 'version'
    from learning_config_history $$,
  $$ values ('2f3b', 'fewer trades', '{"n_min": 40}'::jsonb, '1'::jsonb, '{"n_min": 50}'::jsonb, '2'::jsonb) $$,
  'So is what it was before, and why it changed');
update learning_configs set config_data = config_data where module_id = 'pm';
select is((select count(*)::integer from learning_config_history), 1, 'No change is none');
select throws_ok($$ update learning_configs set config_data = '{"n_min": 1}' where module_id = 'pm' $$, '22023');
select is((select count(*)::integer from learning_config_history), 1, 'What is refused is none either');
delete from learning_config_history where true;
delete from learning_configs where module_id = 'pm';
select results_eq($$ select old -> 'config_data', new from learning_config_history $$,
  $$ values ('{"n_min": 50}'::jsonb, null::jsonb) $$, 'What is deleted is kept');
insert into learning_configs (module_id, config_data) values ('decision_maker', '{}');
delete from learning_config_history where true;
truncate learning_configs;
select results_eq($$ select module_id, new from learning_config_history $$,
  $$ values ('decision_maker', null::jsonb) $$, 'Truncated or not');
set local role authenticated;
select is_empty('select * from learning_config_history', 'Without a learning role nobody sees it');
reset role;

select * from finish();
rollback;
