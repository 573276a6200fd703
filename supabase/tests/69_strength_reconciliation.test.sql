begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(60);

delete from pm_overrides where true;
delete from learning_lessons where true;
delete from learning.mining_groups where true;
delete from learning_log where true;

create function pg_temp.learn(p_key text, p_category text, p_scope jsonb, p_edge float8,
  p_status text default 'active', p_module text default 'pm', p_n integer default 40)
  returns void language sql as $$
  select learning.mark_groups_changed(array[(p_module, p_key, p_category)::learning.group_key]);
  insert into public.learning_lessons as held (module, pattern_key, action_category, scope_subset,
    scope_mask, lesson_type, n, stats, edge_raw, p_value, q_value, decay_halflife_hours,
    status, first_active_at, last_evidence_at)
  values (p_module, p_key, p_category, p_scope, learning.scope_mask(p_scope), case p_module when 'dm'
    then 'dm_alloc' else 'pm_strength' end, p_n, jsonb_build_object(
      'dirA', 0.25, 'dirE', -0.5, 'variance', 0.04, 'confidence', 0.6, 'decay',
        '{"state": "improving"}'::jsonb), p_edge, 0.001, 0.0125, 48, p_status, '2025-01-10', '2025-01-16')
  on conflict (module, pattern_key, action_category,
    scope_digest) do update set edge_raw = excluded.edge_raw, status = excluded.status, n = excluded.n;
$$;
-- Reconciles everything.
create function pg_temp.reconcile(p_limit integer default 50, p_budget_ms integer default 1200)
returns jsonb language plpgsql as $$
declare
  step jsonb := '{"next": 0}';
  created integer := 0;
  changed integer := 0;
  disabled integer := 0;
begin
  while step -> 'next' <> 'null' loop
    step := public.reconcile_overrides((step ->> 'next')::bigint, p_limit, p_budget_ms);
    created := created + (step ->> 'created')::integer;
    changed := changed + (step ->> 'changed')::integer;
    disabled := disabled + (step ->> 'disabled')::integer;
  end loop;
  return jsonb_build_object('created', created, 'changed', changed, 'disabled', disabled);
end
$$;
create temporary table former (id bigint, place tid);
create function pg_temp.remember() returns void language sql as $$
  delete from pg_temp.former where true;
  insert into pg_temp.former select id, ctid from public.pm_overrides;
$$;
create function pg_temp.rewritten() returns integer language sql as $$
  select count(*)::integer from public.pm_overrides held left join pg_temp.former using (id)
    where former.id is null or held.ctid <> former.place;
$$;

select is(pg_temp.reconcile(), '{"created": 0, "changed": 0, "disabled": 0}',
  'Without lessons there is nothing to do');

-- Created ---------------------------------------------------------------------------------------------------

select pg_temp.learn('pm.a', 'entry', '{"chain": "solana"}', 0.2),
  pg_temp.learn('pm.a', 'entry', '{}', -0.1), pg_temp.learn('pm.a', 'exit', '{}', 0.3),
  pg_temp.learn('pm.a', 'entry', '{"chain": "base"}', 0.5, 'candidate'),
    pg_temp.learn('pm.b', 'add', '{}', 0.5, 'deprecated');
select is(pg_temp.reconcile(), '{"created": 3, "changed": 0, "disabled": 0}',
  'Active lessons become overrides, others do not');
select results_eq($$ select override_type, pattern_key, action_category, scope_subset, scope_mask,
  multiplier, dir_a, dir_e, value, edge_raw, n, variance, confidence_score, decay_state,
    half_life_hours, enabled, disabled_by, first_active_at, last_evidence_at from pm_overrides
      where scope_subset = '{"chain": "solana"}' $$,
  $$ values ('pm_strength', 'pm.a', 'entry', '{"chain": "solana"}'::jsonb, 2, 1.2::float8, 0.25::float8,
    -0.5::float8, null::float8, 0.2::float8, 40, 0.04::float8, 0.6::float8, 'improving',
    48::float8, true, null, '2025-01-10'::timestamptz, '2025-01-16'::timestamptz) $$,
      'With all that the lesson knows');
select is((select count(*)::integer from pm_overrides held
  join learning_lessons lesson on lesson.id = held.lesson_id and lesson.scope_subset = held.scope_subset
  and lesson.action_category = held.action_category),
  3, 'Each knows its lesson');
select set_eq($$ select level, component, event, message from learning_log where message like '%solana%' $$,
  $$ values ('INFO', 'materialize-overrides', 'override_created',
    'Override for pm.a entry in {"chain": "solana"} created: '
    'multiplier=1.2000 dir_a=0.250 dir_e=-0.500 confidence=0.600') $$, 'Which is told');

select pg_temp.learn('pm.c', 'entry', jsonb_build_object('intent', edge::text), edge)
  from unnest('{-5,-0.71,-0.69,1.99,2.01,40}'::float8[]) as edge;
select pg_temp.learn('dm.a', 'allocation', jsonb_build_object('intent', edge::text), edge, 'active', 'dm')
  from unnest('{-5,-0.31,-0.29,0.29,0.31,40}'::float8[]) as edge;
select pg_temp.reconcile();
select is((select array_agg(round(multiplier::numeric, 6) order by edge_raw) from pm_overrides
  where pattern_key = 'pm.c'), '{0.3,0.3,0.31,2.99,3,3}', 'A multiplier is 1 + edge, from 0.3 to 3');
select is((select array_agg(round(multiplier::numeric, 6) order by edge_raw) from pm_overrides
  where pattern_key = 'dm.a'), '{0.7,0.7,0.71,1.29,1.3,1.3}', 'From 0.7 to 1.3 for allocation');
select is((select array_agg(distinct override_type) from pm_overrides where pattern_key = 'dm.a'),
  '{dm_alloc}', 'Which has its own type');

-- Unchanged and changed -------------------------------------------------------------------------------------

select pg_temp.remember();
delete from learning_log where true;
select is(pg_temp.reconcile(), '{"created": 0, "changed": 0, "disabled": 0}', 'A second run changes nothing');
select is(pg_temp.rewritten(), 0, 'Not a row is rewritten');
select is_empty($$ select * from learning_log $$, 'And nothing is told');
select pg_temp.learn('pm.a', 'entry', '{"chain": "solana"}', 0.25, 'active', 'pm', 44);
select is(pg_temp.reconcile(), '{"created": 0, "changed": 1, "disabled": 0}',
  'A lesson that changed changes its override');
select is(pg_temp.rewritten(), 1, 'And no other');
select is((select (multiplier, edge_raw, n)::text from pm_overrides
  where scope_subset = '{"chain": "solana"}'), (1.25::float8, 0.25::float8, 44)::text,
  'To what it knows now');
select is((select array_agg(event) from learning_log), '{override_changed}', 'Which is told');
update learning_lessons set stats = stats || '{"z": 3}' where true;
select pg_temp.remember();
select is(pg_temp.reconcile(), '{"created": 0, "changed": 0, "disabled": 0}',
  'What an override does not hold does not change it');

-- Disabled --------------------------------------------------------------------------------------------------

delete from learning_log where true;
select pg_temp.learn('pm.a', 'entry', '{"chain": "solana"}', 0.01, 'deprecated', 'pm', 45);
delete from learning_lessons where pattern_key = 'pm.a' and action_category = 'exit';
select is(pg_temp.reconcile(), '{"created": 0, "changed": 0, "disabled": 2}',
  'An override whose lesson does not hold any more or is gone is disabled');
select results_eq($$ select action_category, enabled, disabled_by, disabled_reason from pm_overrides
  where not enabled order by action_category $$,
  $$ values ('entry', false, 'loop', 'Its lesson is no longer active: n=45 edge=0.0100 q=0.0125'),
    ('exit', false, 'loop', 'Its lesson is no longer found') $$, 'With the reason');
select is((select (multiplier, n)::text from pm_overrides where scope_subset = '{"chain": "solana"}'),
  (1.25::float8, 44)::text, 'It keeps what it said');
select set_eq($$ select event, message from learning_log $$, $$ values
  ('override_disabled', 'Override for pm.a entry in {"chain": "solana"} disabled: '
    'Its lesson is no longer active: n=45 edge=0.0100 q=0.0125'),
  ('override_disabled', 'Override for pm.a exit in {} disabled: Its lesson is no longer found') $$,
    'Which is told');
select pg_temp.remember();
select is(pg_temp.reconcile(), '{"created": 0, "changed": 0, "disabled": 0}', 'Once');
select is(pg_temp.rewritten(), 0, 'It is not disabled again');

select pg_temp.learn('pm.a', 'entry', '{"chain": "solana"}', 0.25, 'active', 'pm', 44);
select is(pg_temp.reconcile() -> 'changed', '1', 'When its lesson holds again');
select is((select (enabled, disabled_by, disabled_reason)::text from pm_overrides
  where scope_subset = '{"chain": "solana"}'), '(t,,)', 'It is enabled again');
select pg_temp.learn('pm.a', 'exit', '{}', 0.3);
select pg_temp.reconcile();
select is((select (enabled, lesson_id = (select id from learning_lessons
  where action_category = 'exit'))::text from pm_overrides where action_category = 'exit'), '(t,t)',
  'Also from a lesson found anew');

-- A person's word -------------------------------------------------------------------------------------------

update pm_overrides set enabled = false, disabled_reason = 'I do not trust it'
  where scope_subset = '{"chain": "solana"}';
select is((select disabled_by from pm_overrides where scope_subset = '{"chain": "solana"}'), 'user',
  'What a user switches off is marked so');
select pg_temp.remember();
select is(pg_temp.reconcile(), '{"created": 0, "changed": 0, "disabled": 0}', 'The loop leaves it off');
select pg_temp.learn('pm.a', 'entry', '{"chain": "solana"}', 0.3, 'active', 'pm', 50);
select is(pg_temp.reconcile() -> 'changed', '0', 'Also when its lesson says something else');
select is((select (enabled, disabled_by, disabled_reason, n, proposed -> 'n')::text from pm_overrides
  where scope_subset = '{"chain": "solana"}'), '(f,user,"I do not trust it",44,50)',
  'Which stands beside it as what the loop would say');
select pg_temp.learn('pm.a', 'entry', '{"chain": "solana"}', 0, 'deprecated');
select pg_temp.reconcile();
select pg_temp.learn('pm.a', 'entry', '{"chain": "solana"}', 0.3, 'active', 'pm', 51);
select pg_temp.reconcile();
select is((select (enabled, disabled_by, n)::text from pm_overrides
  where scope_subset = '{"chain": "solana"}'), '(f,user,44)', 'Also when its lesson comes and goes');
update pm_overrides set enabled = true where scope_subset = '{"chain": "solana"}';
select is((select (disabled_by, disabled_reason)::text from pm_overrides
  where scope_subset = '{"chain": "solana"}'), '(,)', 'Whoever switches it on again takes it back');

insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier)
  values ('pm_strength', 'pm.a', 'entry', '{"chain": "base"}', 0.5),
  ('pm_strength', 'pm.hand', 'entry', '{}', 2), ('pm_tuning', 'pm.a', 'entry', '{}', 1.1);
select pg_temp.learn('pm.a', 'entry', '{"chain": "base"}', 0.4);
select pg_temp.remember();
select is(pg_temp.reconcile(), '{"created": 0, "changed": 0, "disabled": 0}',
  'One made by hand is not overwritten by a lesson');
select is((select (multiplier, lesson_id)::text from pm_overrides where scope_subset = '{"chain": "base"}'),
  '(0.5,)', 'It stays what it is');
select pg_temp.learn('pm.a', 'entry', '{"chain": "base"}', 0.4, 'deprecated');
select pg_temp.reconcile();
select is((select count(*)::integer from pm_overrides where lesson_id is null and enabled), 3,
  'Nor disabled without one');
select is((select jsonb_object_agg(scope_subset::text, (multiplier, proposed)::text) from pm_overrides
  where lesson_id is null), '{"{}": "(1.1,)", "{\"chain\": \"base\"}": "(0.5,)"}',
  'Nor does the loop say anything of one that no lesson is about');

-- Several modules under one key -----------------------------------------------------------------------------

select pg_temp.learn('pm.shared', 'entry', '{}', 0.1, 'active', 'pm', 40),
  pg_temp.learn('pm.shared', 'entry', '{}', 0.2, 'active', 'scout', 60),
  pg_temp.learn('pm.shared', 'entry', '{"chain": "base"}', 0.3, 'active', 'scout');
select is(pg_temp.reconcile(), '{"created": 2, "changed": 0, "disabled": 0}',
  'What several modules learned under one key becomes one override a scope');
select is((select multiplier from pm_overrides where pattern_key = 'pm.shared' and scope_subset = '{}'),
  1.2::float8, 'By the lesson that rests on most');
select is(pg_temp.reconcile(1), '{"created": 0, "changed": 0, "disabled": 0}',
  'However the groups are taken');
select pg_temp.learn('pm.shared', 'entry', '{}', 0.1, 'deprecated', 'scout', 61);
select is(pg_temp.reconcile(1), '{"created": 0, "changed": 1, "disabled": 0}',
  'When it no longer holds the other does');

-- Directions against the module's own reach from -2 to 2 ----------------------------------------------------

select pg_temp.learn('pm.relative', 'entry', '{}', 0.2);
update learning_lessons set stats = stats || '{"dirA": -1.75, "dirE": 1.5}' where pattern_key = 'pm.relative';
select lives_ok($$ select pg_temp.reconcile() $$, 'Relative directions are larger than others');
select is((select (dir_a, dir_e)::text from pm_overrides where pattern_key = 'pm.relative'), '(-1.75,1.5)',
  'And held as they are');

-- In steps --------------------------------------------------------------------------------------------------

select pg_temp.learn('pm.many', 'entry ' || i, '{}', 0.2) from generate_series(1, 7) i;
select is(pg_temp.reconcile(3, 0) -> 'created', '7', 'Keys are reconciled in pieces, none left out');
update learning.mining_groups set mined_at = now(), lagging_since = now() where pattern_key = 'pm.many';
select pg_temp.learn('pm.many', 'entry ' || i, '{}', 0.3) from generate_series(1, 7) i;
create temporary table piece as select public.reconcile_overrides(0, 3, 0) as answer;
select is((select answer -> 'next' from piece),
  (select to_jsonb(run) from learning.strength_reconciliation), 'A piece says which pass goes on');
select is((select finished_at is null and leased_until > now() from learning.strength_reconciliation), true,
  'Which is under way');
select is((reconcile_overrides((select run - 1 from learning.strength_reconciliation), 3, 0)),
  '{"next": null, "created": 0, "changed": 0, "disabled": 0}', 'A pass that is over has nothing left to do');
-- As if whoever worked on it had died: another begins without knowing how far it got.
select is((select (answer ->> 'changed')::integer from piece) + (pg_temp.reconcile(3, 0) ->> 'changed')::integer, 7,
  'The next one takes it up where it was left');
select is((select run from learning.strength_reconciliation) , (select (answer -> 'next')::bigint from piece),
  'In the same pass');
select isnt((select finished_at from learning.strength_reconciliation), null, 'Which is then over');
select is((select count(*)::integer from learning.mining_groups where pattern_key = 'pm.many' and lagging_since is not null),
  0, 'What acts is then what was learned');
update learning.mining_groups set lagging_since = now() where pattern_key = 'pm.many';
select learning.after_span((select reconciliation from learning.strength_reconciliation reconciliation),
  (array(select id from learning.mining_groups where pattern_key = 'pm.many'),
    array(select mined_at - interval '1 second' from learning.mining_groups where pattern_key = 'pm.many'),
    0, 'whole', '', null)::learning.key_span);
select is((select count(*)::integer from learning.mining_groups where pattern_key = 'pm.many' and lagging_since is not null),
  7, 'One that was mined again meanwhile is still ahead');

-- A key too large for a statement -----------------------------------------------------------------------------

select pg_temp.learn('pm.large', 'entry', jsonb_build_object('intent', 'i' || i), 0.2, 'active', case i % 3 when 0 then 'scout' else 'pm' end)
from generate_series(1, 40) i;
select is(pg_temp.reconcile(7, 0) -> 'created', '40', 'Of a large key nothing is left out');
select is(pg_temp.reconcile(7, 0) - 'next', '{"created": 0, "changed": 0, "disabled": 0}', 'And nothing written twice');
select is((reconcile_overrides(0, 7, 100000)) -> 'next' <> 'null', true, 'It begins in a piece of its own');
select pg_temp.reconcile(7, 100000);
-- Its lessons go by other names now.
update learning_lessons set status = 'deprecated' where pattern_key = 'pm.large';
select pg_temp.learn('pm.large', 'entry', jsonb_build_object('chain', 'c' || i), 0.2) from generate_series(1, 40) i;
create function pg_temp.in_force() returns integer language sql as $$
  select count(*)::integer from public.pm_overrides override where override.pattern_key = 'pm.large' and override.enabled;
$$;
create function pg_temp.seen_between_pieces() returns integer[] language plpgsql as $$
declare
  step jsonb := '{"next": 0}';
  seen integer[] := '{}';
begin
  while step -> 'next' <> 'null' loop
    step := public.reconcile_overrides((step ->> 'next')::bigint, 7, 0);
    seen := seen || pg_temp.in_force();
  end loop;
  return seen;
end
$$;
create temporary table between_pieces as select pg_temp.seen_between_pieces() as seen;
select cmp_ok((select max(number) from between_pieces, unnest(seen) as number), '<=', 40,
  'At no time do the former names and the new ones act together');
select is((select seen[cardinality(seen)] from between_pieces), 40, 'In the end all new ones do');
select is((select bool_and(scope_subset ? 'chain') from pm_overrides where pattern_key = 'pm.large' and enabled), true,
  'And none of the others');
select is((select count(*)::integer from pm_overrides where last_updated_at is null
  or first_active_at is null), 0, 'Every override says since when');

-- Dimensions that are taken out -----------------------------------------------------------------------------

insert into scope_dimensions (dim, bit, source) values ('session', 17, 'entry');
select pg_temp.learn('pm.taken', 'entry', '{"session": "asia"}', 0.4),
  pg_temp.learn('pm.taken', 'entry', '{"chain": "solana"}', 0.4);
select pg_temp.reconcile();
delete from scope_dimensions where dim = 'session';
select pg_temp.learn('pm.taken', 'entry', '{"chain": "solana"}', 0.5);
select is(pg_temp.reconcile() - 'created', '{"changed": 1, "disabled": 1}',
  'A lesson about a dimension that was taken out holds nothing up');
select is(disabled_reason, 'It names a dimension that is no longer registered',
  'Its override is switched off and says why') from pm_overrides where pattern_key = 'pm.taken'
  and not enabled;
insert into scope_dimensions (dim, bit, source) values ('session', 18, 'entry');
select pg_temp.learn('pm.taken', 'entry', '{"session": "asia"}', 0.4);
select pg_temp.reconcile();
select results_eq($$ select enabled, scope_mask from pm_overrides
  where scope_subset = '{"session": "asia"}' $$, 'values (true, 262144)',
  'It acts again when the dimension is back');

select * from finish();
rollback;
