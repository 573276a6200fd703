begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(9);

select results_eq(
  $$ select position, error ->> 'code', size_frac::numeric(6, 4) from get_pm_sizing_batch('[
    {"pattern_key": "pm.a", "action_category": "entry", "scope": {}},
    {"pattern_key": "pm.a", "action_category": "entry", "scope": {}, "a_value": "x"},
    7,
    {"pattern_key": "pm.a", "action_category": "entry", "scope": {}, "a_value": 1}]') $$,
  $$ values (1, null, 0.3500), (2, '22023', null), (3, '22023', null), (4, null, 0.6000) $$,
  'A batch keeps its order and answers a bad candidate in its own row');

select throws_ok($$ select * from get_pm_sizing_batch('{}') $$, '22023', 'Argument candidates must be an array of at most 1000 objects and is ''{}''', 'A batch that is no list is refused');
select throws_ok($$ select * from get_pm_sizing_batch((select jsonb_agg('{}'::jsonb) from generate_series(1, 1001))) $$, '22023',
  'Argument candidates must be an array of at most 1000 objects and is an array of 1001', 'A batch that is too long is refused');
select is_empty($$ select * from get_pm_sizing_batch('[]') $$, 'An empty batch has no answers');
select results_eq(
  $$ select error ->> 'message' from get_pm_sizing_batch('[
    {"pattern_key": "pm.a", "action_category": "entry", "scope": {}, "apetite": 1},
    {"pattern_key": "pm.a", "action_category": "entry", "scope": {}, "as_of": "soon"},
    {"pattern_key": "pm.a", "action_category": "entry", "scope": {"chain": {"name": "solana"}}},
    {"action_category": "entry", "scope": {}}]') $$,
  $$ values ('A candidate has no argument ''apetite'''), ('Argument as_of must be a time and is ''soon'''),
    ('Scope is not valid: chain must be a text, a number or a boolean'),
    ('Argument pattern_key must be a behaviour such as pm.uptrend.S1.buy_flag and is null') $$,
  'Each bad candidate says what is wrong with it');
select is((select error ->> 'hint' from get_pm_sizing_batch('[{"pattern_key": "pm.a", "action_category": "entry", "scope": {}, "as_of": "soon"}]')),
  'Correct as_of and ask again; nothing else was looked at.', 'And what to correct');

-- What was ignored, and how much is taken.
select results_eq($$ select "position", ignored, error ->> 'message' from get_pm_sizing_batch(jsonb_build_array(
    '{"pattern_key": "pm.a", "action_category": "entry", "scope": {"chian": "solana"}}'::jsonb,
    jsonb_build_object('pattern_key', 'pm.a', 'action_category', 'entry', 'scope',
      (select jsonb_object_agg('k' || place, place) from generate_series(1, 2000) as place)),
    '{"pattern_key": "pm.a", "action_category": "entry", "scope": {"chain": "solana"}}'::jsonb)) $$,
  $$ values (1, '{"chian": "chain"}'::jsonb, null::text), (2, null, 'Scope is not valid: scope must have at most 256 keys and has 2000'), (3, '{}', null) $$,
  'Each candidate tells what of its scope was ignored, and one that is too large why it was not sized');
select throws_like($$ select * from get_pm_sizing_batch((select jsonb_agg(jsonb_build_object('pattern_key', repeat('x', 5000))) from generate_series(1, 1000))) $$,
  'Argument candidates must have at most 4194304 bytes in memory and has 50%', 'A batch has at most 4 MB');
select throws_ok($$ select * from get_pm_sizing_batch('1e131071') $$, '22023',
  'Argument candidates must be an array of at most 1000 objects and is ''number of more than 65536 bytes''', 'What is no list is not written out');

select * from finish();
rollback;
