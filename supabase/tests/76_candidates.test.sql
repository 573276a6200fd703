begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(33);

-- What is refused, and what is filled in.
select throws_ok($$ select get_pm_sizing('pm.a', 'entry', '{}', 1.1) $$, '22023', 'Argument a_value must be a number from 0 to 1 and is ''1.1''', 'An appetite above 1 is refused');
select throws_ok($$ select get_pm_sizing('pm.a', 'buy', '{}') $$, '22023', null, 'An unknown category is refused');
select throws_ok($$ select get_pm_sizing('pm.a', 'entry', '[]') $$, '22023', null, 'A scope that is no object is refused');
select throws_ok(format('select get_pm_sizing(%s)', arguments), '22023', null, arguments || ' is refused') from unnest(array[
  $$null, 'entry', '{}'$$, $$' ', 'entry', '{}'$$, $$'pm.a', null, '{}'$$, $$'pm.a', 'entry', null$$, $$'pm.a', 'entry', '3'$$,
  $$'pm.a', 'entry', '{}', 'NaN'$$, $$'pm.a', 'entry', '{}', e_value => 'Infinity'$$, $$'pm.a', 'entry', '{}', previous_strength => 'NaN'$$,
  $$'pm.a', 'entry', '{}', previous_strength => 0$$, $$'pm.a', 'entry', '{}', as_of => '-infinity'$$]) as arguments;
select is(s.a_final, 0.5::float8, 'An appetite that is not given is 0.5') from get_pm_sizing('pm.a', 'entry', '{}', null, null, null, null) s;

-- What is nearer to 0 than 1e-12 counts as 0, and a strength has a smallest value: no formula looks out for less.
select is((c.a_value, c.e_value, c.previous_strength)::text, '(0,0,1e-12)', 'Next to nothing is nothing')
from learning.check_candidate('pm.a', 'entry', '{}', 9e-13, 5e-324, 5e-324, null) c;
select is((c.a_value, c.e_value, c.previous_strength)::text, '(1e-12,1,1000000)', 'The least and the most of each are taken as they are')
from learning.check_candidate('pm.a', 'entry', '{}', 1e-12, 1, 1e6, null) c;
select results_eq($$ select c.pattern_key, c.scope, c.as_of = now() from learning.check_candidate(
    'module=pm|pattern_key=uptrend.S1.x', 'entry', '{"bucket": " micro ", "unknown": 1}', null, null, null, null) c $$,
  $$ values ('pm.uptrend.S1.x', '{"mcap_bucket": "micro"}'::jsonb, true) $$, 'A candidate is in its normal form');
select throws_ok($$ select learning.refuse_argument('place', 'a number', repeat('x', 99)) $$, '22023',
  'Argument place must be a number and is ''' || repeat('x', 60) || '…''', 'What is refused is quoted, shortened');

-- How much is looked at.
create function pg_temp.keys(how_many integer, value jsonb) returns jsonb language sql as $$
  select jsonb_object_agg('k' || place, value) from generate_series(1, how_many) as place;
$$;
create function pg_temp.refusal(p_query text) returns text language plpgsql as $$
begin
  execute p_query;
  return 'nothing';
exception when invalid_parameter_value then
  return sqlerrm;
end $$;
select is(pg_temp.refusal(format(asked.query, 'pg_temp.keys(1900, ''1e131071'')')), asked.refusal, 'Keys are counted first: ' || asked.query)
from (values
  ('select get_pm_sizing(''pm.a'', ''entry'', %s)', 'Scope is not valid: scope must have at most 256 keys and has 1900'),
  ('select explain_pm_sizing(''pm.a'', ''entry'', %s)', 'Scope is not valid: scope must have at most 256 keys and has 1900'),
  ('select get_pm_levers(''pm.a'', ''entry'', %s)', 'Scope is not valid: scope must have at most 256 keys and has 1900'),
  ('select match_pm_overrides(''pm.a'', ''entry'', %s)', 'Scope is not valid: scope must have at most 256 keys and has 1900'),
  ('select get_dm_allocation(''1h'', %s)', 'Scope is not valid: scope must have at most 256 keys and has 1900'),
  ('select unified_scope(null, %s, null)', 'Scope is not valid: action_scope must have at most 256 keys and has 1900')
) as asked(query, refusal);
select is(pg_temp.refusal($$ select get_pm_sizing('pm.a', 'entry', '{"chain": 1e131071}') $$),
  'Scope is not valid: scope must have at most 65536 bytes and has 131072 or more', 'Then bytes as text');
select is(pg_temp.refusal($$ select get_pm_sizing('pm.a', 'entry', '[1e131071, 1e131071]') $$),
  'Argument scope must be an object of dimensions and texts and is ''array of more than 65536 bytes''', 'What is no object is not written out either');
select is(pg_temp.refusal($$ select get_pm_sizing('pm.a', 'entry', jsonb_build_object('chain', '[]'::jsonb, 'colour', '{"deep": 1}'::jsonb, 'shade', repeat('x', 201))) $$),
  'Scope is not valid: chain must be a text, a number or a boolean; colour must be a text, a number or a boolean; shade must have at most 200 characters and has 201',
  'A scope is flat and its values short, under keys that are no dimension as well');
select is(pg_temp.refusal(format($$ select get_pm_sizing(%L, 'entry', '{}') $$, repeat('x', 201))),
  'Argument pattern_key must be at most 200 characters long, not 201, and is ''' || repeat('x', 60) || '…''', 'A pattern key has at most 200 characters');
select is((learning.check_candidate(' ' || repeat('é', 200), 'entry', pg_temp.keys(256, '"x"'), null, null, null, null)).pattern_key,
  repeat('é', 200), '200 characters and 256 keys are taken');
select is(pg_temp.refusal(format('select learning.read_candidate(%L)', given)), refusal, 'No argument of a batch but the scope is nested, or long as text alone: ' || left(given, 40))
from (values
  ('{"pattern_key": {"a": [1e131071]}}', 'Argument pattern_key must be a text or a number of at most 300 digits and is ''object of more than 65536 bytes'''),
  ('{"pattern_key": "pm.a", "a_value": [0.5]}', 'Argument a_value must be a text or a number of at most 300 digits and is ''[0.5]'''),
  ('{"pattern_key": "pm.a", "e_value": 1e131071}', 'Argument e_value must be a text or a number of at most 300 digits and is ''number of more than 65536 bytes'''),
  ('{"pattern_key": "pm.a", "e_value": 0e-301}', 'Argument e_value must be a text or a number of at most 300 digits and is ''0.' || repeat('0', 58) || '…''')) as given(given, refusal);

select * from finish();
rollback;
