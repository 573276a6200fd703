begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(38);

delete from pm_overrides where true;
delete from learning_log where true;
-- As within its own RPCs.
select learning.act_as('loop');

-- What a lesson wants, given by its scope; the rest as given.
create function pg_temp.wants(scope jsonb, more jsonb default '{}') returns learning.wanted_override
  language sql as $$
  select jsonb_populate_record(null::learning.wanted_override, jsonb_build_object(
    'override_type', 'pm_strength', 'pattern_key', 'pm.a', 'action_category', 'entry',
    'scope_subset', scope, 'scope_digest', md5(scope::text), 'multiplier', 1.5, 'n', 40, 'confidence_score',
      0.6, 'decay_state', 'stable', 'lesson_id', 7,
    'first_active_at', '2025-01-10', 'last_evidence_at', '2025-01-16') || more);
$$;
create function pg_temp.lapse(scope jsonb, reason text) returns learning.lapsed_override language sql as $$
  select (override.id, reason)::learning.lapsed_override
  from public.pm_overrides override where override.scope_subset = scope;
$$;
create function pg_temp.figures(scope jsonb) returns text language sql as $$
  select concat_ws(' ', override.multiplier, override.edge_raw, override.variance, override.half_life_hours)
  from public.pm_overrides override where override.scope_subset = scope;
$$;

select is(learning.reconcile('{}', '{}'), '{"created": 0, "changed": 0, "disabled": 0}',
  'Where nothing is wanted there is nothing to do');

-- Written ---------------------------------------------------------------------------------------------------

select is(learning.reconcile(array[pg_temp.wants('{}'),
  pg_temp.wants('{"chain": "base"}', '{"lesson_id": 8}')],
  '{}'), '{"created": 2, "changed": 0, "disabled": 0}', 'What is wanted is written');
select results_eq($$ select multiplier, value, dir_a, dir_e, edge_raw, n, variance, confidence_score,
  decay_state,
    half_life_hours, lesson_id, enabled, first_active_at, last_evidence_at
    from pm_overrides where scope_subset = '{}' $$,
  $$ values (1.5::float8, null::float8, 0::float8, 0::float8, 0::float8, 40, 0::float8, 0.6::float8, 'stable',
    null::float8, 7::bigint, true, '2025-01-10'::timestamptz, '2025-01-16'::timestamptz) $$,
  'What a lesson does not say is neutral');
create temporary table former as select id, ctid as place from pm_overrides;
select is(learning.reconcile(array[pg_temp.wants('{}'), pg_temp.wants('{"chain": "base"}',
  '{"lesson_id": 8, "multiplier": 2, "remark": "as is told"}')], '{}'),
  '{"created": 0, "changed": 1, "disabled": 0}', 'What changed is changed');
select is((select array_agg(override.scope_subset) from pm_overrides override
  join former on former.id = override.id and former.place <> override.ctid),
  array['{"chain": "base"}'::jsonb], 'And nothing else is written');
select set_eq($$ select event, message, details -> 'lesson_id' from learning_log order by id $$, $$ values
  ('override_created',
    'Override for pm.a entry in {} created: multiplier=1.5000 dir_a=0.000 dir_e=0.000 confidence=0.600',
      '7'::jsonb),
  ('override_created', 'Override for pm.a entry in {"chain": "base"} created: '
    'multiplier=1.5000 dir_a=0.000 dir_e=0.000 confidence=0.600', '8'),
  ('override_changed', 'Override for pm.a entry in {"chain": "base"} changed: '
    'multiplier=2.0000 dir_a=0.000 dir_e=0.000 confidence=0.600, as is told', '8') $$, 'Each is told');

-- Within bounds ---------------------------------------------------------------------------------------------

select lives_ok($$ select learning.reconcile(array[
    pg_temp.wants('{"chain": "high"}', '{"lesson_id": 9, "multiplier": 1e8, "edge_raw": 1e9, "variance": 1e15,
      "half_life_hours": 1e12}'),
    pg_temp.wants('{"chain": "low"}', '{"lesson_id": 10, "multiplier": 1e-9, "edge_raw": -1e9,
      "half_life_hours": 0.01}'),
    pg_temp.wants('{"chain": "none"}', '{"lesson_id": 11, "override_type": "pm_tuning", "multiplier": null,
      "value": 0.1, "half_life_hours": 0}')], '{}') $$, 'A lesson may lie outside of what the table lets in');
select is(pg_temp.figures('{"chain": "high"}'), '1000000 1000000 1000000000000 1000000000',
  'Its override is as far as it may be');
select is(pg_temp.figures('{"chain": "low"}'), '1e-06 -1000000 0 1', 'To either side');
select is(pg_temp.figures('{"chain": "none"}'), '0 0', 'And what is unknown stays unknown');

-- Lapsed ----------------------------------------------------------------------------------------------------

delete from learning_log where true;
select is(learning.reconcile('{}', array[pg_temp.lapse('{}', 'It is so')]),
  '{"created": 0, "changed": 0, "disabled": 1}', 'What is no longer wanted is switched off');
select results_eq($$ select enabled, disabled_by, disabled_reason, n from pm_overrides
  where scope_subset = '{}' $$,
  $$ values (false, 'loop', 'It is so', 40) $$, 'With the reason, and what it said');
select set_eq($$ select event, message from learning_log $$,
  $$ values ('override_disabled', 'Override for pm.a entry in {} disabled: It is so') $$, 'Which is told');
select is(learning.reconcile('{}', array[pg_temp.lapse('{}', 'It is so')]) -> 'disabled', '0', 'Once');
select is(learning.reconcile(array[pg_temp.wants('{}')], '{}') -> 'changed', '1', 'Wanted again');
select is((select (enabled, disabled_by, disabled_reason)::text from pm_overrides where scope_subset = '{}'),
  '(t,,)', 'It acts again');

-- A person's word -------------------------------------------------------------------------------------------

select learning.act_as('');
update pm_overrides set enabled = false where scope_subset = '{}';
update pm_overrides set multiplier = 1.1 where scope_subset = '{"chain": "base"}';
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier)
  values ('pm_strength', 'pm.a', 'entry', '{"intent": "hand"}', 0.5);
select learning.act_as('loop');
select is(learning.reconcile(array[pg_temp.wants('{}', '{"n": 50}'),
    pg_temp.wants('{"chain": "base"}', '{"lesson_id": 8, "multiplier": 1.7}'),
    pg_temp.wants('{"intent": "hand"}', '{"lesson_id": 12}')], '{}'),
  '{"created": 0, "changed": 0, "disabled": 0}', 'What a person edited, made or switched off stays as it is');
select results_eq($$ select multiplier, n, enabled, disabled_by, control from pm_overrides
    where scope_subset in ('{}', '{"chain": "base"}', '{"intent": "hand"}') order by scope_subset::text $$,
  $$ values (1.1::float8, 40, true, null::text, 'pinned'), (0.5, 0, true, null, 'pinned'),
    (1.5, 40, false, 'user', 'off') $$, 'In every figure');
select results_eq($$ select proposed from pm_overrides
    where scope_subset in ('{}', '{"chain": "base"}', '{"intent": "hand"}') order by scope_subset::text $$,
  $$ select '{"multiplier": 1.5, "value": null, "dir_a": 0, "dir_e": 0, "edge_raw": 0, "n": 40, "variance": 0,
    "confidence_score": 0.6, "decay_state": "stable", "half_life_hours": null}'::jsonb
    || jsonb_build_object('last_evidence_at', '2025-01-16'::timestamptz) || more
    from (values ('{"multiplier": 1.7, "lesson_id": 8}'::jsonb), ('{"lesson_id": 12}'),
      ('{"n": 50, "lesson_id": 7}')) as given(more) $$, 'Beside it stands what the loop would say');
select is(learning.reconcile('{}', array[pg_temp.lapse('{"chain": "base"}', 'It is so'),
    pg_temp.lapse('{"intent": "hand"}', 'It is so')]), '{"created": 0, "changed": 0, "disabled": 0}',
  'Nor is it switched off when its lesson lapses');
select results_eq($$ select enabled, proposed from pm_overrides
    where scope_subset in ('{"chain": "base"}', '{"intent": "hand"}') order by scope_subset::text $$,
  $$ values (true, '{"enabled": false, "disabled_reason": "It is so"}'::jsonb), (true, null) $$,
  'The loop would; of one made by hand it says nothing');
select learning.act_as('');
update pm_overrides set control = 'auto' where scope_subset in ('{}', '{"chain": "base"}');
select learning.act_as('loop');
select is(learning.reconcile(array[pg_temp.wants('{}', '{"n": 50}'),
    pg_temp.wants('{"chain": "base"}', '{"lesson_id": 8, "multiplier": 1.7}')], '{}') -> 'changed', '2',
  'Given back to the loop, they are its own again');
select results_eq($$ select multiplier, n, enabled, disabled_by, control, proposed from pm_overrides
    where scope_subset in ('{}', '{"chain": "base"}') order by scope_subset::text $$,
  $$ values (1.7::float8, 40, true, null::text, 'auto', null::jsonb), (1.5, 50, true, null, 'auto', null) $$,
  'And say what it says');

-- Figures that are no numbers -------------------------------------------------------------------------------

delete from learning_log where true;
select is(learning.reconcile(array[
    pg_temp.wants('{"chain": "nan"}', '{"lesson_id": 20}'), pg_temp.wants('{"chain": "fine"}', '{"lesson_id": 21}')],
  '{}') -> 'created', '2', 'Two that are well');
delete from learning_log where true;
select is(learning.reconcile(array[pg_temp.wants('{"chain": "nan"}', format('{"lesson_id": 20, "%s": "NaN"}', name)::jsonb),
    pg_temp.wants('{"chain": "fine"}', '{"lesson_id": 21}')], '{}') ->> 'disabled',
  case name when 'multiplier' then '1' else '0' end, format('NaN as %s is not written as the largest number there is', name))
from unnest('{multiplier,edge_raw,variance,half_life_hours,confidence_score,dir_a,dir_e,value}'::text[]) as name;
select results_eq($$ select multiplier, enabled, disabled_reason from pm_overrides where scope_subset = '{"chain": "nan"}' $$,
  $$ values (1.5::float8, false, 'A figure of its lesson is not a number') $$, 'Its override is switched off and says why');
select is((select count(*)::integer from learning_log where level = 'WARNING' and event = 'figures_refused'
    and message = '1 lesson has no override, because a figure is not a number, the first lesson 20'), 8, 'Which is told');
select learning.reconcile(array[pg_temp.wants('{"chain": "fine"}', '{"lesson_id": 21, "variance": 1e15}'),
  pg_temp.wants('{"chain": "cut"}', '{"lesson_id": 22, "edge_raw": -1e9, "multiplier": 1e-9}')], '{}');
select results_eq($$ select level, message, details from learning_log where event = 'figures_cut' $$,
  $$ values ('WARNING', 'Overrides of 2 lessons hold a figure cut to what pm_overrides lets in, the first of lesson 21',
    '{"lessons": 2, "first_lesson_ids": [21, 22]}'::jsonb) $$, 'A figure that is cut is told, with how many there are');
delete from learning_log where true;
select learning.reconcile(array[pg_temp.wants('{"chain": "fine"}', '{"lesson_id": 21, "variance": 1e15}')], '{}');
select is_empty($$ select * from learning_log $$, 'Once');

-- Dimensions that are taken out -----------------------------------------------------------------------------

insert into scope_dimensions (dim, bit, source) values ('session', 17, 'entry');
select learning.reconcile(array[pg_temp.wants('{"session": "asia"}', '{"lesson_id": 13}')], '{}');
delete from scope_dimensions where dim = 'session';
select is(learning.reconcile(array[pg_temp.wants('{"session": "asia"}', '{"lesson_id": 13}'),
  pg_temp.wants('{"session": "europe"}', '{"lesson_id": 14}')], '{}'),
  '{"created": 0, "changed": 0, "disabled": 1}', 'A dimension that was taken out has no override');
select is((select disabled_reason from pm_overrides where lesson_id = 13),
  'It names a dimension that is no longer registered', 'What it had is switched off and says why');

select * from finish();
rollback;
