begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
set local jit = off;
select plan(5);

select bag_has($$ select name, kind from learning_interface $$,
  $$ values ('pm_overrides', 'relation'), ('lesson_families', 'relation'), ('get_pm_sizing', 'rpc') $$,
  'Tables, views and RPCs are named');

set local role authenticated;
select is_empty('select * from learning_interface', 'Without a learning role nothing is');
select set_config('request.jwt.claims', '{"app_metadata": {"learning_role": "viewer"}}', true);
select bag_has($$ select name from learning_interface $$, $$ values ('pm_overrides'), ('get_pm_sizing') $$,
  'A viewer is told of what he may read, and of RPCs that ask for the role themselves');
select is_empty($$ select * from learning_interface where name in ('apply_strands', 'prune_strands') $$,
  'He is not told of what is for the loop alone');
select is_empty($$ select * from learning_interface where kind = 'relation' and name like 'pg%' $$,
  'Nor of what is not in schema public');
reset role;

select * from finish();
rollback;
