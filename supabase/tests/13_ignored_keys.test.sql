begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(21);

-- Edits ---------------------------------------------------------------------------------------------------

select is(learning.edit_distance(a, b, most), distance, format('%L is %s from %L', a, coalesce(distance || ' edits', 'far'), b))
from (values
  ('', '', 2, 0), ('', 'ab', 2, 2), ('', 'abc', 2, null), ('chain', 'chain', 2, 0), ('chain', 'chian', 2, 1),
  ('chain', 'hain', 2, 1), ('chain', 'chaine', 2, 1), ('chain', 'chaos', 2, 2), ('chain', 'chaos', 1, null),
  ('kitten', 'sitting', 3, 3), ('time_frame', 'timeframes', 2, 2)
) as pair(a, b, most, distance);

-- The nearest dimension -----------------------------------------------------------------------------------

select is(learning.ignored_keys('{"chain": "a", "bucket": "b"}'), '{}', 'Dimensions and aliases are not ignored');
select is(
  learning.ignored_keys('{"time_frame": "1h", "Chain": "a", "mcap_bukcet": "x", "buckt": 1, "B_mode": "x",
    "colour": {"deep": 1}, "regime": null}'),
  '{"time_frame": "timeframe", "Chain": "chain", "mcap_bukcet": "mcap_bucket", "buckt": "mcap_bucket", "B_mode": "A_mode",
    "colour": null, "regime": null}',
  'Each ignored key has the nearest dimension, by name or alias, or none'
);
select is(learning.ignored_keys(jsonb_object_agg('chain' || place, 'x') || '{"chian": 1}') ->> 'chian', 'chain', 'Of 32 the nearest are looked for')
from generate_series(11, 41) as place;
select is(learning.ignored_keys(jsonb_object_agg('chain' || place, 'x') || '{"chian": 1}') -> 'chian', 'null', 'Of more they are not')
from generate_series(11, 42) as place;
select is(learning.ignored_in_words('{"time_frame": "timeframe", "colour": null}'), '''colour'', ''time_frame'' (is timeframe meant?)', 'In words');
select is(learning.ignored_in_words('{}'), null, 'Where nothing is ignored there are none');

-- In the log ----------------------------------------------------------------------------------------------

delete from learning_log where true;
select learning.log_ignored_keys(array['{"chain": "a"}', '7', null]::jsonb[]);
select is((select count(*) from learning_log), 0::bigint, 'Where no key is ignored there is no line');
select learning.log_ignored_keys(array['{"chain": "a", "time_frame": "1h"}', '{"time_frame": "1h", "colour": "red"}']::jsonb[]);
select learning.log_ignored_keys(array['{"shade": "dark"}']::jsonb[]);
select results_eq('select level, event, message, details from learning_log',
  $$ values ('INFO', 'scope_keys_ignored', '2 keys of contexts are no dimension and left out of scopes: ''colour'', ''time_frame'' (is timeframe meant?)',
    '{"keys": 2, "contexts": {"colour": 1, "time_frame": 2}}'::jsonb) $$,
  'The keys that are left out are logged with their counts, and once an hour');
update learning_log set at = now() - interval '61 minutes' where true;
select learning.log_ignored_keys(array_agg(jsonb_build_object('k' || lpad(place::text, 2, '0'), place)))
from generate_series(1, 60) as place;
select is((select message from learning_log where at = now()),
  '60 keys of contexts are no dimension and left out of scopes: ''k01'', ''k02'', ''k03'', ''k04'', ''k05'', ''k06'', ''k07'', ''k08'', ''k09'', ''k10'' and 50 more',
  'Ten are named');
select is((select count(*) from learning_log, jsonb_object_keys(details -> 'contexts') where at = now()), 50::bigint, 'And fifty counted');

select * from finish();
rollback;
