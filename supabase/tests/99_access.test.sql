begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(17);

-- scripts/access_matrix.ts says what each role may do with every object; this is how the policies decide.
create function pg_temp.comes(claims jsonb) returns void language sql as $$
  select set_config('request.jwt.claims', claims::text, true);
$$;
create function pg_temp.sees() returns boolean[] language sql as $$
  select array[
    exists (select from public.scope_dimensions), exists (select from learning.settings),
    exists (select from public.learning_health)
  ];
$$;

-- One policy for all -------------------------------------------------------------------------------------

select is(
  (
    select array_agg(distinct concat_ws(' ', policyname, roles::text, cmd, permissive, qual, with_check))
    from pg_policies
    where schemaname in ('public', 'learning')
  ),
  array['read_with_learning_role {authenticated} SELECT PERMISSIVE ( SELECT learning.may_read() AS may_read)'],
  'Every policy lets those with a learning role read, and asks for it once a query'
);
select is_empty(
  $$ select relation.oid::regclass from pg_class relation
     where relation.relnamespace in ('public'::regnamespace, 'learning'::regnamespace)
       and relation.relkind in ('r', 'p') and has_table_privilege('authenticated', relation.oid, 'select')
       and not exists (select from pg_policy policy where policy.polrelid = relation.oid) $$,
  'Every table that users may read has it'
);
select is_empty(
  $$ select relation.oid::regclass from pg_class relation
     where relation.relnamespace in ('public'::regnamespace, 'learning'::regnamespace)
       and relation.relkind in ('r', 'p', 'v')
       and has_table_privilege('authenticated', relation.oid, 'insert, update, delete, truncate') $$,
  'None can be written by users'
);
create function pg_temp.plan_of(query text) returns text language plpgsql as $$
declare
  line text;
  lines text := '';
begin
  for line in execute 'explain ' || query loop
    lines := lines || line || E'\n';
  end loop;
  return lines;
end
$$;
grant execute on all functions in schema pg_temp to public;
set local role authenticated;
select matches(
  pg_temp.plan_of('select from public.ad_strands'), 'InitPlan 1',
  'The role is found out once, not for every row'
);

-- Who comes ----------------------------------------------------------------------------------------------

select pg_temp.comes('{"app_metadata": {"learning_role": "viewer"}}');
select is(pg_temp.sees(), '{t,t,t}', 'A viewer sees tables and views');
select throws_ok($$ select get_pm_config() $$, '42501', null, 'But does not ask');
select throws_ok(
  $$ update public.scope_dimensions set weight = 2 where dim = 'chain' $$, '42501', null, 'Nor write'
);
select pg_temp.comes('{"app_metadata": {"learning_role": "pm"}}');
select is(pg_temp.sees(), '{t,t,t}', 'So does a pm');
select lives_ok($$ select get_pm_config() $$, 'Who asks');
select throws_ok(
  $$ insert into public.learning_configs (module_id) values ('pm') $$, '42501', null,
  'And does not write either'
);
select throws_ok($$ select start_mining('strength') $$, '42501', null, 'Nor do the work of the loop');
select throws_ok(
  $$ select from learning.doorbells $$, '42501', null, 'What is for the loop itself is not shown'
);
select pg_temp.comes('{"user_metadata": {"learning_role": "pm"}}');
select is(pg_temp.sees(), '{f,f,f}', 'Who says so himself sees nothing');
select throws_ok($$ select get_pm_config() $$, '42501', null, 'And is told nothing');

set local role anon;
select throws_ok(
  $$ select from public.scope_dimensions $$, '42501', null, 'Who has not signed in is refused'
);
reset role;
set local role service_role;
select pg_temp.comes('{}');
select is(pg_temp.sees(), '{t,t,t}', 'The service role sees everything');
select lives_ok(
  $$ update public.scope_dimensions set weight = 2 where dim = 'chain' $$, 'And writes'
);
reset role;

select * from finish();
rollback;
