begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(18);

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

select * from finish();
rollback;
