begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(5);

delete from learning.mining_groups where true;

create function pg_temp.mark(variadic keys learning.group_key[]) returns void language sql as $$
  select learning.mark_groups_changed(keys);
$$;

select pg_temp.mark(('pm', 'pm.a', 'entry'), ('dm', 'dm.a', 'allocation'), ('pm', 'pm.a', 'tuning'),
  ('scout', 'pm.a', 'allocation'), ('dm', 'dm.a', 'entry'));
select set_eq($$ select module, pattern_key, action_category, family, lesson_type
  from learning.mining_groups $$,
  $$ values ('pm', 'pm.a', 'entry', 'strength', 'pm_strength'),
    ('dm', 'dm.a', 'allocation', 'strength', 'dm_alloc'),
    ('pm', 'pm.a', 'tuning', 'tuning', 'tuning_rates'),
      ('scout', 'pm.a', 'allocation', 'strength', 'pm_strength'),
    ('dm', 'dm.a', 'entry', 'strength', 'pm_strength') $$,
  'A group is mined with those of its family, to lessons of its type');
select is((select array_agg(distinct (evidence_version, mined_version)::text) from learning.mining_groups),
  '{"(1,0)"}', 'What is new was not mined yet');
select pg_temp.mark(('pm', 'pm.a', 'entry'), ('pm', 'pm.a', 'entry'), ('pm', 'pm.b', 'entry'));
select results_eq($$ select pattern_key, evidence_version from learning.mining_groups
  where module = 'pm' and action_category = 'entry' order by pattern_key $$,
  $$ values ('pm.a', 2::bigint), ('pm.b', 1) $$, 'Its evidence is of a new version with each change, once');
select lives_ok($$ select learning.mark_groups_changed('{}') $$, 'Nothing need have changed');
select set_eq($$ select family, cycle from learning.mining_cycles $$,
  $$ values ('strength', 0::bigint), ('tuning', 0) $$, 'Each family has its own cycles');

select * from finish();
rollback;
