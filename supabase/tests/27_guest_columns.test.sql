begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(2);

select is_empty($$ select * from learning.guest_columns $$, 'A database that was not adopted has no guests');
set local role authenticated;
select throws_ok(
  $$ select * from learning.guest_columns $$, '42501', null, 'Whose columns there are is for the loop to know'
);
reset role;

select * from finish();
rollback;
