begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(21);

create function pg_temp.comes(claims jsonb) returns void language sql as $$
  select set_config('request.jwt.claims', claims::text, true);
$$;
create role somebody;
create role somebody_signed_in;
grant authenticated to somebody_signed_in;
create role trader;
grant service_role to trader;
-- An owner without superuser's rights becomes only whom it is a member of.
grant somebody, somebody_signed_in, trader to current_user;
grant usage on schema learning to somebody, somebody_signed_in, trader;
grant execute on all functions in schema learning to somebody, somebody_signed_in, trader;
create function pg_temp.asks_as(role_name text) returns boolean language plpgsql as $$
declare
  answer boolean;
begin
  execute format('set local role %I', role_name);
  answer := learning.asks_as_user();
  reset role;
  return answer;
end
$$;
grant execute on all functions in schema pg_temp to public;

-- Whose word it is ---------------------------------------------------------------------------------------

select is(learning.asks_as_user(), false, 'The owner is no user');
set local role service_role;
select is(learning.asks_as_user(), false, 'Nor is the service role');
set local role trader;
select is(learning.asks_as_user(), false, 'Nor is a role that has its rights');
set local role authenticated;
select is(learning.asks_as_user(), true, 'Who has signed in is');
set local role somebody_signed_in;
select is(learning.asks_as_user(), true, 'So is a role made from that');
reset role;
select is(pg_temp.asks_as('somebody'), true, 'And whoever else it may be');

-- Learning roles -----------------------------------------------------------------------------------------

select pg_temp.comes('{"app_metadata": {"learning_role": "viewer"}}');
select is((learning.learning_role(), learning.may_read())::text, '(viewer,t)', 'A viewer reads');
select pg_temp.comes('{"app_metadata": {"learning_role": "pm"}}');
select is((learning.learning_role(), learning.may_read())::text, '(pm,t)', 'A pm reads');
select pg_temp.comes('{"app_metadata": {"learning_role": "admin"}}');
select is((learning.learning_role(), learning.may_read())::text, '(admin,f)', 'Another role does not');
select pg_temp.comes('{"user_metadata": {"learning_role": "pm"}}');
select is((learning.learning_role(), learning.may_read())::text, '(,f)',
  'Nor what users may write themselves');
select pg_temp.comes('{}');
select is((learning.learning_role(), learning.may_read())::text, '(,f)', 'Nor none at all');

-- A program without a token.
create function pg_temp.role_of(role_name text) returns text language plpgsql as $$
declare
  answer text;
begin
  execute format('set local role %I', role_name);
  answer := learning.learning_role();
  reset role;
  return answer;
end
$$;
select pg_temp.comes('{"app_metadata": {"learning_role": "operator"}}');
do $$ begin
  if to_regrole('edgeloop_viewer') is null then
    create role edgeloop_viewer;
  end if;
end $$;
grant edgeloop_viewer to somebody, authenticated;
select is(pg_temp.role_of('somebody'), 'viewer', 'A login that is a member of edgeloop_viewer is a viewer, whatever token it made up');
select is(pg_temp.role_of('authenticated'), 'operator', 'Of who comes by the data API the token says it');
revoke edgeloop_viewer from somebody, authenticated;
select is(pg_temp.role_of('somebody_signed_in'), 'operator', 'As of who is no member');
select pg_temp.comes('{}');

-- Who may ask --------------------------------------------------------------------------------------------

select lives_ok('select learning.require_pm()', 'The owner may ask');
set local role service_role;
select lives_ok('select learning.require_pm()', 'So may the service role');
set local role authenticated;
select throws_ok(
  'select learning.require_pm()', '42501', 'Only users with the learning role pm may ask this',
  'Users without a role may not'
);
select pg_temp.comes('{"app_metadata": {"learning_role": "viewer"}}');
select throws_ok('select learning.require_pm()', '42501', null, 'Nor may viewers');
select pg_temp.comes('{"app_metadata": {"learning_role": "pm"}}');
select lives_ok('select learning.require_pm()', 'A pm may');
set local role somebody_signed_in;
select lives_ok('select learning.require_pm()', 'Through whatever role he comes');
select pg_temp.comes('{}');
select throws_ok('select learning.require_pm()', '42501', null, 'Which by itself gives nothing');
reset role;

select * from finish();
rollback;
