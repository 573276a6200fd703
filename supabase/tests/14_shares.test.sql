begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(4);

select is(learning.least_share(), 0.02::float8, 'No timeframe has less than two percent of a token');
select is(learning.greatest_share(), 0.96::float8, 'Nor more than ninety-six');
select is(learning.greatest_share() + 2 * learning.least_share(), 1::float8,
  'Of three timeframes one may have all that the others need not have');
select is(
  (
    select bool_and(start.value::float8 between learning.least_share() and learning.greatest_share())
    from jsonb_each_text(learning.config('decision_maker') -> 'start_shares') as start
  ),
  true, 'The shares that timeframes start from are within');

select * from finish();
rollback;
