begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(19);

delete from pm_overrides where true;
delete from learning_lessons where true;
delete from learning.mining_groups where true;

create function pg_temp.learn(p_key text, p_scope jsonb, p_edge float8 default 0.2, p_module text default 'pm', p_n integer default 40)
returns void language sql as $$
  select learning.mark_groups_changed(array[(p_module, p_key, 'entry')::learning.group_key]);
  insert into public.learning_lessons (module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n, stats, edge_raw, status)
  values (p_module, p_key, 'entry', p_scope, learning.scope_mask(p_scope), 'pm_strength', p_n, '{"dirA": 0.5}', p_edge, 'active');
$$;
create function pg_temp.groups_of(p_key text) returns bigint[] language sql as $$
  select array_agg(mining_group.id order by mining_group.id) from learning.mining_groups mining_group where mining_group.pattern_key = p_key;
$$;

select is((learning.next_keys(0, 10)).group_ids, null, 'Without groups there is no key');
select pg_temp.learn('pm.a', jsonb_build_object('chain', i::text)) from generate_series(1, 3) i;
select pg_temp.learn('pm.b', jsonb_build_object('chain', i::text)) from generate_series(1, 4) i;
select pg_temp.learn('pm.a', '{"chain": "1"}', 0.4, 'scout', 60);
select pg_temp.learn('pm.c', jsonb_build_object('chain', i::text)) from generate_series(1, 20) i;

select is((span.group_ids, span.step)::text, (pg_temp.groups_of('pm.a') || pg_temp.groups_of('pm.b'), 'whole')::text,
  'Keys are taken together as long as they have no more rows than given, each with the groups of all its modules')
from learning.next_keys(0, 10) as span;
select is((span.group_ids, span.step)::text, (pg_temp.groups_of('pm.a'), 'whole')::text, 'One row more is one too many')
from learning.next_keys(0, 7) as span;
select is((span.group_ids, span.step, span.after_digest)::text, (pg_temp.groups_of('pm.c'), 'lapse', '')::text,
  'A key that alone has more is taken in parts') from learning.next_keys((pg_temp.groups_of('pm.b'))[1], 10) as span;
select is((span.group_ids)::text, (pg_temp.groups_of('pm.c'))::text, 'A key is not met again at its other groups')
from learning.next_keys((pg_temp.groups_of('pm.b'))[1], 100) as span;

create function pg_temp.part(p_step text, p_after text) returns learning.key_span language sql as $$
  select (pg_temp.groups_of('pm.c'), null, 0, p_step, p_after, null)::learning.key_span;
$$;
select is(learning.end_of_span(pg_temp.part('take', ''), 8),
  (select scope_digest from learning_lessons where pattern_key = 'pm.c' order by 1 offset 7 limit 1),
  'A part ends with the last scope that it has room for');
select is(learning.end_of_span(pg_temp.part('take',
    (select scope_digest from learning_lessons where pattern_key = 'pm.c' order by 1 offset 12 limit 1)), 8), null,
  'The last one has all that are left');
select is(learning.end_of_span(pg_temp.part('lapse', ''), 8), null, 'What lapsed is looked for among the overrides');
select is((learning.end_of_span((pg_temp.groups_of('pm.a'), null, 0, 'whole', '', null)::learning.key_span, 2)), null,
  'Whole keys have no end within');

select set_eq($$ select scope_subset ->> 'chain', multiplier, n from learning.strength_overrides(pg_temp.groups_of('pm.a'), '', null) $$,
  $$ values ('1', 1.4::float8, 60), ('2', 1.2, 40), ('3', 1.2, 40) $$, 'The lesson that rests on most speaks for all modules');
select is((select count(*)::integer from learning.strength_overrides(pg_temp.groups_of('pm.c'),
    (select scope_digest from learning_lessons where pattern_key = 'pm.c' order by 1 offset 4 limit 1),
    (select scope_digest from learning_lessons where pattern_key = 'pm.c' order by 1 offset 9 limit 1))), 5,
  'A part holds the scopes after its first and to its last');
update learning_lessons set edge_raw = -1.5, stats = stats || '{"scale": 0.2}' where pattern_key = 'pm.a' and n = 60;
select is((select multiplier from learning.strength_overrides(pg_temp.groups_of('pm.a'), '', null) where n = 60), 0.7::float8,
  'A multiplier is 1 and the edge in the unit of the outcome');
update learning_lessons set edge_raw = 40 where pattern_key = 'pm.a';
select is((select max(multiplier) from learning.strength_overrides(pg_temp.groups_of('pm.a'), '', null)),
  (select highest from learning.multiplier_bounds('pm_strength')), 'A multiplier stays within the bounds of its type');

-- Who acts --------------------------------------------------------------------------------------------------

delete from learning_configs where true;
update learning_lessons set family_scope = '{"chain": "3"}', edge_raw = 0.2 where pattern_key = 'pm.b';
create function pg_temp.wanted() returns text[] language sql as $$
  select coalesce(array_agg(wanted.scope_subset ->> 'chain' order by wanted.scope_subset ->> 'chain'), '{}')
  from learning.strength_overrides(pg_temp.groups_of('pm.b'), '', null) as wanted;
$$;
select is(pg_temp.wanted(), '{3}', 'Of a family the lesson that represents it acts');
insert into learning_configs (module_id, config_data) values ('pm', '{"representatives_only": false}');
select is(pg_temp.wanted(), '{1,2,3,4}', 'All do where that is configured');
delete from learning_configs where true;
update learning_lessons set family_scope = null where pattern_key = 'pm.b' and scope_subset <> '{"chain": "3"}';
select is(pg_temp.wanted(), '{1,2,3,4}', 'What was not sorted into a family yet speaks for itself');
update learning_lessons set status = 'candidate' where pattern_key = 'pm.b' and scope_subset = '{"chain": "1"}';
select is(pg_temp.wanted(), '{2,3,4}', 'What is not believed does not');

create function pg_temp.reason(p_scope jsonb) returns text language sql as $$
  select learning.strength_lapse_reason(lesson.id) from public.learning_lessons lesson
  where lesson.pattern_key = 'pm.b' and lesson.scope_subset = p_scope;
$$;
update learning_lessons set family_scope = '{"chain": "3"}', q_value = 0.5 where pattern_key = 'pm.b';
select is(pg_temp.reason('{"chain": "2"}'), 'The lesson in {"chain": "3"} represents its family and acts for it',
  'Why one that is represented does not act is said in words');
select is(pg_temp.reason('{"chain": "1"}'), 'Its lesson is no longer active: n=40 edge=0.2000 q=0.5000',
  'So is that it is not believed');

select * from finish();
rollback;
