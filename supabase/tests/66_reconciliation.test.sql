begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(20);

delete from pm_overrides where true;
delete from learning_log where true;

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
select results_eq($$ select event, message, details -> 'lesson_id' from learning_log order by id $$, $$ values
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

update pm_overrides set enabled = false where scope_subset = '{}';
select learning.reconcile(array[pg_temp.wants('{}', '{"n": 50}')], '{}');
select is((select (enabled, disabled_by, n)::text from pm_overrides where scope_subset = '{}'), '(f,user,50)',
  'What a person switched off stays off, and hears what its lesson knows');
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier)
  values ('pm_strength', 'pm.a', 'entry', '{"intent": "hand"}', 0.5);
select is(learning.reconcile(array[pg_temp.wants('{"intent": "hand"}', '{"lesson_id": 12}')], '{}'),
  '{"created": 0, "changed": 0, "disabled": 0}', 'What a person made is not overwritten');

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
