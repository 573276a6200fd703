begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(41);

-- Own returns (or R) of a trade's actions, given as category:price:quantity, rounded.
create function pg_temp.judged(
  acts text[], trade jsonb, in_r boolean default false, digits integer default 6
) returns text language sql as $$
  select string_agg(coalesce(round(
      (case when in_r then outcome.own_rr else outcome.own_roi end)::numeric, digits
    )::text, '?'), ' ' order by outcome.place)
  from (
    select array_agg(split_part(act, ':', 1) order by place) as categories,
      array_agg(nullif(split_part(act, ':', 2), '')::float8 order by place) as prices,
      array_agg(nullif(split_part(act, ':', 3), '')::float8 order by place) as quantities,
      array_agg(coalesce(trade ->> 'side', 'long') order by place) as sides,
      array_agg(coalesce((trade -> 'leverage')::float8, 1) order by place) as leverages
    from unnest(acts) with ordinality as given(act, place)
  ) as acted
  cross join lateral learning.own_outcomes(acted.categories, acted.prices, acted.quantities, acted.sides,
    acted.leverages, (trade -> 'roi')::float8, coalesce(trade -> 'rr', '1')::float8,
    (trade -> 'entry_price')::float8, (trade -> 'exit_price')::float8, (trade -> 'fees')::float8,
    (trade -> 'missed')::float8) as outcomes
  cross join lateral unnest(outcomes.own_roi, outcomes.own_rr) with ordinality as outcome(own_roi, own_rr, place);
$$;

-- Adds ------------------------------------------------------------------------------------------------------

-- 260/220 - 1 = 0.181818 is what the fills earned, and what the trade did: no costs. 130/120 - 1.
select is(pg_temp.judged('{entry:100:1,add:120:1,exit:130:2}', '{"roi": 0.18181818181818181}'),
  '0.181818 0.083333 ?', 'An add earns from its own fill to the exit');
select is(pg_temp.judged('{entry:100:2,trim:150:1,add:120:1,exit:90:2}', '{"roi": 0.03125}'),
  '0.031250 0.400000 -0.250000 ?', 'What was sold before an add is not its own; the trim saved 1 - 90/150');
select is(pg_temp.judged('{entry:105:1,add:100:1,exit:95:2}', '{"roi": 9, "side": "short", "leverage": 3}'),
  '9.000000 0.150000 ?', 'A short at three times the stake earns 15 % from 100 to 95');
-- Half out at 120, half at 90: 105 on average.
select is(pg_temp.judged('{entry:100:1,add:84:1,trim:120:1,exit:90:1}', '{"roi": 0.1413043478260870}'),
  '0.141304 0.250000 0.250000 ?', 'What is sold later counts by its quantity');
select is(pg_temp.judged('{entry:100:1,add:84:1,trim:120:3,exit:90:1}', '{"roi": 9}'),
  '9.000000 0.339286 0.250000 ?', 'By its quantity: 112.5/84 - 1');
select is(pg_temp.judged('{entry:100:1,add:100:1,exit:110:}', '{"roi": 0.1, "exit_price": 104}'),
  '0.100000 0.040000 ?', 'Where a later sale lacks a figure, the exit price counts');
select is(pg_temp.judged('{entry:100:1,add:100:1,trim:80:1,exit::1}', '{"roi": 0.1, "exit_price": 104}'),
  '0.100000 0.040000 -0.300000 ?', 'For all that comes before it');
select is(pg_temp.judged('{entry:100:1,add:100:1}', '{"roi": 0.1, "exit_price": 104}'),
  '0.100000 0.040000', 'And where nothing was sold later');
select is(pg_temp.judged('{entry:100:1,add:100:1,exit:110:}', '{"roi": 0.1}'), '0.100000 ? ?',
  'Without either nothing is known');
select is(pg_temp.judged('{entry:100:1,add::1,exit:110:1}', '{"roi": 0.1}'), '0.100000 ? ?',
  'Nor without the price of the add');
select is(pg_temp.judged('{entry:100:1,add:100:,exit:110:2}', '{"roi": 0.1}'), '0.100000 0.100000 ?',
  'Its quantity is not asked for');

-- Costs -----------------------------------------------------------------------------------------------------

create function pg_temp.add_of(trade jsonb) returns text language sql as $$
  select split_part(pg_temp.judged('{entry:100:1,add:100:1,exit:110:2}', trade), ' ', 2);
$$;
select is(pg_temp.add_of('{"roi": 0.09, "fees": 0.004}'), '0.096000', 'Costs are as they are stated');
select is(pg_temp.add_of('{"roi": 0.09}'), '0.090000', 'Else what the fills earned beyond the trade');
select is(pg_temp.add_of('{"roi": 0.079}'), '0.100000', 'Above two per cent it is something else');
select is(pg_temp.add_of('{"roi": 0.101}'), '0.100000', 'And below 0');
select is(pg_temp.add_of('{"roi": 0.26, "leverage": 3}'), '0.260000',
  'Of three times the stake four per cent may be costs');
select is(pg_temp.add_of('{"roi": -0.31, "leverage": 3, "side": "short"}'), '-0.310000',
  'A short that lost 30 % lost 31 with them');
select is(split_part(pg_temp.judged('{entry:100:,add:100:1,exit:110:2}', '{"roi": 0.09}'), ' ', 2), '0.100000',
  'Where a fill lacks a figure there are none');
select is(split_part(pg_temp.judged('{entry:100:1,add:100:1}', '{"roi": 0.09, "exit_price": 110}'), ' ', 2),
  '0.100000', 'Nor where nothing was sold');

-- R ---------------------------------------------------------------------------------------------------------

-- 2 R for 18.18 %: 11 R for all of it, so 8.33 % are 0.9167 R.
select is(pg_temp.judged('{entry:100:1,add:120:1,exit:130:2}', '{"roi": 0.18181818181818181, "rr": 2}', true, 4),
  '2.0000 0.9167 ?', 'A return in R is what R is to the trade''s');
select is(pg_temp.judged('{entry:100:1,add:100:1,exit:110:2}', terms::jsonb, true), wanted, 'R: ' || terms)
from (values
  ('{"roi": 0.1, "rr": -1}', '-1.000000 ? ?'), ('{"roi": 0.0009, "rr": 1}', '1.000000 ? ?'),
  ('{"roi": 0, "rr": 0}', '0.000000 ? ?'), ('{"roi": 0.1, "rr": 0}', '0.000000 ? ?'),
  ('{"roi": -0.001, "rr": -0.5}', '-0.500000 50.000000 ?')
) as given(terms, wanted);

-- Trims -----------------------------------------------------------------------------------------------------

-- The rest went half at 120 and half at 90: 1 - 105/150 = 0.3; 5.5 R for 27.5 %: 6 R.
select is(pg_temp.judged('{entry:100:4,trim:150:2,trim:120:1,exit:90:1}',
  '{"roi": 0.275, "rr": 5.5, "entry_price": 100}'), '0.275000 0.300000 0.250000 ?',
  'A trim saved what the rest was sold for less');
select is(pg_temp.judged('{entry:100:4,trim:150:2,trim:120:1,exit:90:1}',
  '{"roi": 0.275, "rr": 5.5, "entry_price": 100}', true), '5.500000 6.000000 5.000000 ?', 'In R as an add');
select is(pg_temp.judged('{entry:100:4,trim:150:2,exit:90:2}', '{"roi": 0.2, "rr": 4}', true),
  '4.000000 ? ?', 'Unknown in R without the price of the entry');
select is(pg_temp.judged('{entry:100:4,trim:150:2,exit:90:2}', '{"roi": 0.2, "fees": 0.01}'),
  '0.200000 0.400000 ?', 'Costs do not change what a trim saved');

-- Exits, and all others -------------------------------------------------------------------------------------

select is(pg_temp.judged('{entry::,exit::}', '{"roi": 0.2, "rr": 3, "missed": 2.5}'), '0.200000 -2.500000',
  'An exit regrets what it missed');
select is(pg_temp.judged('{entry::,exit::}', '{"roi": 0.2, "rr": 3, "missed": 2.5}', true), '3.000000 -2.500000',
  'Which is in R');
select is(pg_temp.judged('{allocation::,entry::}', '{"roi": 0.2}'), '0.200000 0.200000',
  'An allocation and an entry have the whole trade''s outcome');
select is(pg_temp.judged(null, '{"roi": 0.2}'), null, 'A trade without actions has none');
select is(pg_temp.judged('{entry:1e60:1e60,add:1e-60:1e60,exit:1e60:1e60}', '{"roi": 0.2, "leverage": 1e60}'),
  '0.200000 ? ?', 'What no trade can earn is unknown');

-- Which outcome holds ---------------------------------------------------------------------------------------

select is(
  (select string_agg(learning.outcome_column(category, config), ' ' order by place)
    from unnest('{entry,add,trim,exit,allocation}'::text[]) with ordinality as given(category, place)),
  wanted, 'Judged by: ' || config::text
)
from (values
  ('{"outcome": "roi", "add_outcome": "own", "trim_outcome": "own", "exit_outcome": "regret"}'::jsonb,
    'roi own_roi own_roi own_roi roi'),
  ('{"outcome": "rr", "add_outcome": "own", "trim_outcome": "trade", "exit_outcome": "regret"}',
    'rr own_rr rr own_rr rr'),
  ('{"outcome": "roi", "add_outcome": "trade", "trim_outcome": "trade", "exit_outcome": "trade"}',
    'roi roi roi roi roi')
) as given(config, wanted);
select is(
  (select string_agg(category, ' ' order by place)
    from unnest('{entry,add,trim,exit,allocation}'::text[]) with ordinality as given(category, place)
    where learning.is_judged_in_r(category, config)),
  wanted, 'In R: ' || config::text
)
from (values
  ('{"outcome": "roi", "exit_outcome": "regret"}'::jsonb, 'exit'),
  ('{"outcome": "rr", "exit_outcome": "trade"}', 'entry add trim exit allocation')
) as given(config, wanted);
select is(
  (select string_agg(learning.steering_column(category, config), ' ' order by place)
    from unnest('{entry,add,trim,exit,allocation}'::text[]) with ordinality as given(category, place)),
  wanted, 'Steered by: ' || config::text
)
from (values
  ('{"outcome": "rr", "add_outcome": "own"}'::jsonb, 'roi own_roi roi roi roi'),
  ('{"outcome": "rr", "add_outcome": "trade"}', 'roi roi roi roi roi')
) as given(config, wanted);

select * from finish();
rollback;
