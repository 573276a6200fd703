begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(7);

delete from learning_lessons where true;

insert into learning_lessons (module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n,
  stats, edge_raw, status)
values ('pm', 'pm.a', 'entry', '{}', 0, 'pm_strength', 40, '{"avg": 0.1}', 0.2, 'active'),
  ('pm', 'pm.a', 'entry', '{"chain": "base"}', 2, 'pm_strength', 50, '{"avg": 0.3}', 0.1, 'candidate'),
  ('pm', 'pm.a', 'exit', '{}', 0, 'pm_strength', 60, '{}', 0.2, 'deprecated'),
  ('pm', 'pm.a', 'tuning', '{}', 0, 'tuning_rates', 70, '{}', null, 'active'),
  ('dm', 'dm.a', 'allocation', '{}', 0, 'dm_alloc', 80, '{}', 0.2, 'active');
select results_eq($$ select module, pattern_key, action_category, scope_mask, scope_values, n, stats
    from pattern_scope_stats order by n $$,
  $$ values ('pm', 'pm.a', 'entry', 0, '{}'::jsonb, 40, '{"avg": 0.1}'::jsonb),
    ('pm', 'pm.a', 'entry', 2, '{"chain": "base"}', 50, '{"avg": 0.3}'),
    ('dm', 'dm.a', 'allocation', 0, '{}', 80, '{}') $$,
  'The view shows lessons about trades that hold');
select throws_ok($$ insert into learning_lessons (module, pattern_key, action_category, scope_subset,
  scope_mask,
    lesson_type, n, stats, status) values ('pm', 'pm.a', 'entry', '{"chain": "base"}', 2, 'pm_strength', 1,
      '{}',
    'active') $$, '23505', null, 'There is one lesson for each scope');

create function pg_temp.lesson_of(n integer) returns bigint language sql as $$
  select lesson.id from public.learning_lessons lesson where lesson.n = lesson_of.n;
$$;
insert into learning_edge_history (lesson_id, ts, edge, n)
select pg_temp.lesson_of(given.n), '2025-01-01'::timestamptz + place * interval '1 hour', place, place
from (values (40, 503), (50, 500), (80, 510)) as given(n, snapshots),
  generate_series(1, given.snapshots) as place;
select is(learning.prune_edge_history(array[pg_temp.lesson_of(40), pg_temp.lesson_of(50)]), 3,
  'Of each lesson the last 500 snapshots are kept');
select results_eq($$ select lesson.n, count(*), min(snapshot.n) from learning_edge_history snapshot
    join learning_lessons lesson on lesson.id = snapshot.lesson_id group by lesson.n order by lesson.n $$,
  $$ values (40, 500::bigint, 4), (50, 500, 1), (80, 510, 1) $$, 'The oldest go, and others'' stay');
select is(learning.prune_edge_history('{}'), 0, 'There may be none to look at');
delete from learning_lessons where n = 80;
select is((select count(*) from learning_edge_history), 1000::bigint, 'A lesson takes its history with it');

select is((select array_agg(learning.scale_of_lesson(stats) order by place)
    from unnest(array['{}', '{"scale": 0.25}']::jsonb[]) with ordinality as given(stats, place)), '{1,0.25}',
  'Edges are in the unit of the outcome where a lesson does not say otherwise');

select * from finish();
rollback;
