begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(8);

-- The table ----------------------------------------------------------------------------------------------

select is_empty($$ select path from learning.settings where description = '' $$, 'Every key is described');
select is_empty(
  $$ select path from learning.settings setting
     where learning.setting_fault(setting, default_value) is not null $$,
  'Every default is valid'
);
select is_empty(
  $$ select path from learning.settings
     where kind in ('number', 'number_or_auto', 'integer') and (minimum is null or maximum is null) $$,
  'Every number has a smallest and a largest value'
);
select throws_ok(
  $$ update learning.settings set maximum = null where path = 'n_min' $$, '23514', null,
  'And cannot be without'
);
select throws_ok(
  $$ update learning.settings set maximum = 1 where path = 'n_min' $$, '23514', null, 'Nor without a range'
);
select throws_ok(
  $$ update learning.settings set minimum = 0, maximum = 1 where path = 'outcome' $$, '23514', null,
  'What is no number has none'
);
select throws_ok(
  $$ update learning.settings set choices = null where path = 'outcome' $$, '23514', null,
  'A choice has choices'
);
select results_eq(
  $$ select path, keys from learning.settings where path in ('n_min', 'steering.base') order by path $$,
  $$ values ('n_min', '{n_min}'::text[]), ('steering.base', '{steering,base}') $$,
  'A path is known as its keys, too'
);

select * from finish();
rollback;
