begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(5);

select learning.register_scope_values(array[
  '{"chain": "red", "colour": "blue", "timeframe": " 15m "}',
    '{"chain": "green", "macro_phase": null, "A_mode": []}',
  '{"bucket": 7, "chain": "red"}', '7', null
]::jsonb[]);
select results_eq(
  $$ select dim, value from learning.scope_values where value in ('red', 'blue', 'green', '15m', ' 15m ', '7')
    order by 1, 2 $$,
  $$ values ('chain', 'green'), ('chain', 'red'), ('mcap_bucket', '7'), ('timeframe', '15m') $$,
  'Whatever a scope may hold has a code, under the dimension''s own name');
create temporary table former as select * from learning.scope_values;
select learning.register_scope_values(array['{"chain": "red"}']::jsonb[]);
select results_eq('select * from learning.scope_values order by code', 'select * from former order by code',
  'A value has one code, and keeps it');
select is(learning.encode_scope('{"chain": "unheard", "timeframe": "15m"}'),
  (
    select array_agg(case dimension.bit when 9 then scope_value.code else 0 end order by dimension.bit)
    from scope_dimensions dimension
    cross join (select code from learning.scope_values where dim = 'timeframe' and value = '15m')
      as scope_value
  ),
  'A scope is coded by bit; a value without a code counts as none');
select is(learning.encode_scope('{}'), array_fill(0, array[17]), 'So does a dimension that is absent');

select is((select count(*) from learning_log where event = 'scope_keys_ignored'), 1::bigint,
  'Keys that are no dimension are logged');

select * from finish();
rollback;
