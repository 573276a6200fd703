begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(49);

delete from pm_overrides where true;
delete from pm_override_history where true;

-- One that the loop learned.
create function pg_temp.learned(p_scope jsonb, p_lesson_id bigint default 7) returns bigint language plpgsql as $$
declare
  made bigint;
begin
  perform learning.act_as('loop', 'strength 3');
  insert into public.pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, dir_a, lesson_id, n)
  values ('pm_strength', 'pm.a', 'entry', p_scope, 1.2, 0.3, p_lesson_id, 40) returning id into made;
  perform learning.act_as('');
  return made;
end
$$;
create function pg_temp.stands(p_scope jsonb) returns text language sql as $$
  select concat_ws(' ', override.control, override.enabled, override.disabled_by, override.lesson_id)
  from public.pm_overrides override where override.scope_subset = p_scope;
$$;
create function pg_temp.back() returns void language sql as $$
  select learning.act_as('loop');
  update public.pm_overrides set control = 'auto', enabled = true, multiplier = 1.2, dir_a = 0.3 where scope_subset = '{}';
  select learning.act_as('');
$$;
create temporary table learned as select pg_temp.learned('{}') as id;

-- Whose word it is --------------------------------------------------------------------------------------------

select is(pg_temp.stands('{}'), 'auto t 7', 'What the loop learned is its own');
update pm_overrides set multiplier = 1.2 where true;
select is(pg_temp.stands('{}'), 'auto t 7', 'Whoever changes nothing has said nothing');
update pm_overrides set multiplier = 1.5 where true;
select is(pg_temp.stands('{}'), 'pinned t 7', 'What a person edits is pinned');
select pg_temp.back();
update pm_overrides set enabled = false where true;
select is(pg_temp.stands('{}'), 'off f user 7', 'What a person switches off is off');
update pm_overrides set disabled_reason = 'too risky' where true;
select is(pg_temp.stands('{}'), 'off f user 7', 'A reason alone switches nothing on');
update pm_overrides set enabled = true where true;
select is(pg_temp.stands('{}'), 'pinned t 7', 'What a person switches on is his word');
update pm_overrides set control = 'off' where true;
select is(pg_temp.stands('{}'), 'off f user 7', 'Whoever sets control to off switches it off');
update pm_overrides set control = 'pinned' where true;
select is(pg_temp.stands('{}'), 'pinned t 7', 'Whoever pins it switches it on');
update pm_overrides set control = 'pinned', enabled = false where true;
select is(pg_temp.stands('{}'), 'off f user 7', 'Off is what a person switches off, whatever else he says');
update pm_overrides set control = 'auto' where true;
select is(pg_temp.stands('{}'), 'auto f loop 7', 'Given back it is the loop''s to switch on');
select pg_temp.back();
update pm_overrides set multiplier = 3, control = 'auto' where true;
select is(pg_temp.stands('{}'), 'pinned t 7', 'One that was auto and is edited is pinned, control named or not');
select throws_ok($$ update pm_overrides set control = 'mine' $$, '23514', null, 'Another control is refused');
select pg_temp.back();
select learning.act_as('loop');
update pm_overrides set multiplier = 1.3 where true;
select learning.act_as('');
select is(pg_temp.stands('{}'), 'auto t 7', 'What the loop changes stays its own');
insert into scope_dimensions (dim, bit, source) values ('session', 17, 'entry');
select is(pg_temp.stands('{}'), 'auto t 7', 'A dimension more is nobody''s edit');

-- Made by hand ------------------------------------------------------------------------------------------------

insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, enabled)
values ('pm_strength', 'pm.a', 'entry', '{"chain": "on"}', true), ('pm_strength', 'pm.a', 'entry', '{"chain": "off"}', false);
select is(pg_temp.stands('{"chain": "on"}'), 'pinned t', 'What a person makes is pinned');
select is(pg_temp.stands('{"chain": "off"}'), 'off f user', 'Or off, as he says');
update pm_overrides set control = 'auto' where lesson_id is null;
select is(array[pg_temp.stands('{"chain": "on"}'), pg_temp.stands('{"chain": "off"}')], '{pinned t,pinned t}',
  'There is no loop to give it to');
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, lesson_id, enabled, disabled_by)
values ('pm_strength', 'pm.a', 'entry', '{"chain": "back on"}', 8, true, null),
  ('pm_strength', 'pm.a', 'entry', '{"chain": "back off"}', 9, false, 'loop'),
  ('pm_strength', 'pm.a', 'entry', '{"chain": "back user"}', 10, false, 'user');
select is(array[pg_temp.stands('{"chain": "back on"}'), pg_temp.stands('{"chain": "back off"}'),
  pg_temp.stands('{"chain": "back user"}')], '{auto t 8,auto f loop 9,off f user 10}',
  'One that names its lesson is the loop''s, put back as it was');

-- Made by hand where one was learned --------------------------------------------------------------------------

create temporary table taken as
with taken_over as (
  insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier)
  values ('pm_strength', 'pm.a', 'entry', '{}', 0.8) returning id
)
select id from taken_over;
select is((select id from taken), (select id from learned), 'One made by hand takes the place of the learned one');
select is(pg_temp.stands('{}'), 'pinned t 7', 'Which is pinned');
select is((select (multiplier, dir_a, n)::text from pm_overrides where scope_subset = '{}'), '(0.8,0,0)',
  'And says what the person said');
select is((select multiplier from learning.override_index_entries join learned on learned.id = override_id), 0.8::float8,
  'At once');
select results_eq($$ select old -> 'multiplier', old -> 'control', new -> 'multiplier', new -> 'control'
    from pm_override_history where override_id = (select id from learned) order by id desc limit 1 $$,
  $$ values ('1.3'::jsonb, '"auto"'::jsonb, '0.8'::jsonb, '"pinned"'::jsonb) $$, 'The history has it as one change');
select throws_ok($$ insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
  values ('pm_strength', 'pm.a', 'entry', '{"chain": "on"}') $$, '23505', null, 'Two made by hand are still one too many');
select pg_temp.back();
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier)
values ('pm_strength', 'pm.a', 'entry', '{}', 0.7)
on conflict (override_type, pattern_key, action_category, scope_digest) do update set multiplier = excluded.multiplier;
select is((select (id, control, multiplier, dir_a)::text from pm_overrides where scope_subset = '{}'),
  (select (id, 'pinned', 0.7, 0.3)::text from learned), 'An upsert changes what it says it changes, and pins it');
update pm_overrides set n = 5 where scope_subset = '{"chain": "on"}';
select pg_temp.back();
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier)
values ('pm_strength', 'pm.a', 'entry', '{}', 0.6);
select is((select multiplier from pm_overrides where scope_subset = '{}'), 0.6::float8,
  'Whatever statements came before');
select learning.act_as('loop');
select throws_ok($$ insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, lesson_id)
  values ('pm_strength', 'pm.a', 'entry', '{}', 9) $$, '23505', null, 'The loop takes nothing over');
select learning.act_as('');

-- History -----------------------------------------------------------------------------------------------------

delete from pm_overrides where true;
delete from pm_override_history where true;
create temporary table watched as select pg_temp.learned('{"chain": "watched"}') as id;
select results_eq($$ select override_id, at, actor, run, reason, old, new -> 'multiplier', new -> 'lesson_id' from pm_override_history $$,
  $$ select id, now(), 'loop', 'strength 3', null::text, null::jsonb, '1.2'::jsonb, '7'::jsonb from watched $$,
  'What the loop makes is written down, with its run');
delete from pm_override_history where true;
select set_config('learning.reason', 'fees rose', true);
update pm_overrides set multiplier = 0.9 where true;
select results_eq($$ select actor, run, reason, old, new from pm_override_history $$,
  $$ values (session_user::text collate "default", null::text, 'fees rose', '{"multiplier": 1.2, "control": "auto"}'::jsonb,
    '{"multiplier": 0.9, "control": "pinned"}'::jsonb) $$, 'So is who changed it, why, what was before and what is');
select set_config('learning.reason', '', true);
delete from pm_override_history where true;
select set_config('request.jwt.claims', '{"role": "authenticated", "sub": "2f3b", "email": "ann@example.com"}', true);
update pm_overrides set enabled = false where true;
select results_eq($$ select actor, reason, new from pm_override_history $$, $$ values ('ann@example.com', null::text,
  '{"control": "off", "enabled": false, "disabled_by": "user"}'::jsonb) $$, 'Whoever signed in goes by his name');
select set_config('request.jwt.claims', '{"role": "service_role"}', true);
set local role service_role;
update pm_overrides set enabled = true where true;
reset role;
select is((select actor from pm_override_history order by id desc limit 1), 'service_role', 'A program by its role');
select set_config('request.jwt.claims', '', true);
delete from pm_override_history where true;
update pm_overrides set n = n, proposed = '{"n": 3}' where true;
select is_empty('select * from pm_override_history', 'What does not act is no change');
-- As it was: the present row with what changed put over it.
create temporary table before_edits as select to_jsonb(override) - array['last_updated_at', 'proposed'] as row from pm_overrides override;
update pm_overrides set multiplier = 2, n = 99 where true;
update pm_overrides set scope_subset = '{"chain": "moved"}' where true;
select is(
  (select to_jsonb(override) - array['last_updated_at', 'proposed'] from pm_overrides override)
    || (select old from pm_override_history order by id desc limit 1)
    || (select old from pm_override_history order by id limit 1)
    || jsonb_build_object('scope_digest', md5('{"chain": "watched"}')),
  (select row from before_edits), 'From the history an override can be put back as it was');
delete from pm_overrides where true;
select is((select old -> 'multiplier' || jsonb_build_array(new) from pm_override_history order by id desc limit 1), '[2, null]',
  'What is deleted is kept');
select pg_temp.learned('{"chain": "gone"}');
delete from pm_override_history where true;
truncate pm_overrides;
select is((select array_agg(old -> 'scope_subset') from pm_override_history), '{"{\"chain\": \"gone\"}"}', 'Truncated or not');
-- Every column but those that do not act is compared.
select pg_temp.learned('{"chain": "all"}');
delete from pm_override_history where true;
select learning.act_as('loop');
update pm_overrides set override_type = 'dm_alloc', pattern_key = 'pm.b', action_category = 'add', scope_subset = '{"intent": "x"}',
  multiplier = 2, dir_a = 1, dir_e = 1, value = 1, edge_raw = 1, n = 2, variance = 1, confidence_score = 1, decay_state = 'stable',
  half_life_hours = 2, lesson_id = 9, enabled = false, disabled_reason = 'x', first_active_at = '2020-01-01',
  last_evidence_at = '2020-01-01', control = 'pinned', approved_at = '2020-01-01', approved_by = 'x' where true;
select learning.act_as('');
select is((select array_agg(key order by key) from pm_override_history, jsonb_object_keys(new) as key),
  (select array_agg(attname::text order by attname::text) from pg_attribute
    where attrelid = 'pm_overrides'::regclass and attnum > 0 and not attisdropped
      and attname not in ('id', 'last_updated_at', 'scope_digest', 'proposed', 'evidence_from', 'promised', 'baseline',
        'baseline_sigma')), 'No column is left out');
select is((select count(*)::integer from pm_override_history), 1, 'A statement writes one line of each override');

-- The loop's own RPCs name it, and no longer --------------------------------------------------------------------

delete from pm_overrides where true;
select pg_temp.learned('{"chain": "lapsed"}');
select learning.mark_groups_changed(array[('pm', 'pm.a', 'entry')::learning.group_key]);
delete from pm_override_history where true;
select reconcile_overrides();
select results_eq($$ select actor, run like 'strength %', new -> 'disabled_by' from pm_override_history $$,
  $$ values ('loop', true, '"loop"'::jsonb) $$, 'Reconciliation is the loop''s');
select is(learning.acts_as_loop(), false, 'What follows in its transaction is not');
select pg_temp.learned('{"chain": "gate"}', -5);
update pm_overrides set override_type = 'pm_tuning', control = 'auto' where scope_subset = '{"chain": "gate"}';
update pm_overrides set control = 'auto' where true;
delete from pm_override_history where true;
select reconcile_tuning_overrides();
select results_eq($$ select actor, run, new -> 'disabled_by' from pm_override_history $$,
  $$ values ('loop', 'tuning', '"loop"'::jsonb) $$, 'So is that of the gates');
select is(learning.acts_as_loop(), false, 'Nor there');

-- Who may see it ----------------------------------------------------------------------------------------------

set local role authenticated;
select is_empty('select * from pm_override_history', 'Without a learning role nobody sees it');
select set_config('request.jwt.claims', '{"role": "authenticated", "app_metadata": {"learning_role": "viewer"}}', true);
select isnt_empty('select * from pm_override_history', 'A viewer does');
select throws_ok('delete from pm_override_history', '42501', null, 'And changes nothing in it');
reset role;

-- What a person says of promises --------------------------------------------------------------------------------

select pg_temp.learned('{"chain": "promised"}');
delete from pm_override_history where true;
update pm_overrides set evidence_from = '2020-01-01', promised = 1, baseline = 1, baseline_sigma = 1
where scope_subset = '{"chain": "promised"}';
select is((select array_agg(key order by key) from pm_override_history, jsonb_object_keys(new) as key),
  '{baseline,baseline_sigma,control,evidence_from,promised}', 'What a person says an override promises is remembered');

-- When an override was enabled --------------------------------------------------------------------------------

delete from pm_override_history where true;
select is(learning.enabled_spans(1, true), '{(,)}', 'Where nothing is remembered, it always was as it is');
select is(learning.enabled_spans(1, false), '{}', 'Enabled or not');
insert into pm_override_history (override_id, at, actor, old, new) values
  (1, '2025-01-02Z', 'x', null, '{"enabled": true}'), (1, '2025-01-03Z', 'x', '{"n": 1}', '{"n": 2}'),
  (1, '2025-01-04Z', 'x', '{"enabled": true}', '{"enabled": false}'), (2, '2025-01-05Z', 'x', '{"enabled": false}',
    '{"enabled": true}'), (1, '2025-01-06Z', 'x', '{"enabled": false}', '{"enabled": true}'),
  (1, '2025-01-07Z', 'x', '{"enabled": true}', null);
select is(learning.enabled_spans(1, true), tstzmultirange(tstzrange('-infinity', '2025-01-04Z'),
  tstzrange('2025-01-06Z', '2025-01-07Z')), 'It was enabled between its switches');
select is(learning.enabled_spans(2, true), tstzmultirange(tstzrange('2025-01-05Z', 'infinity')),
  'Before the first as that says');

select * from finish();
rollback;
