begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(124);

delete from pm_overrides where true;

create function pg_temp.set_by_hand(p_scope jsonb, p_key text default 'pm.a') returns bigint language sql as $$
  insert into public.pm_overrides (override_type, pattern_key, action_category, scope_subset) values ('pm_strength', p_key, 'entry', p_scope) returning id;
$$;
create function pg_temp.scope_of(p_id bigint) returns jsonb language sql as $$ select scope_subset from public.pm_overrides where id = p_id $$;

-- What is left out ---------------------------------------------------------------------------------------------------------

select pg_temp.set_by_hand('{}');
select results_eq($$ select scope_mask, multiplier, dir_a, dir_e, value, edge_raw, n, variance, confidence_score, decay_state, half_life_hours, lesson_id, enabled, disabled_by, disabled_reason,
    first_active_at, last_evidence_at, last_updated_at from pm_overrides $$,
  $$ values (0, 1::float8, 0::float8, 0::float8, null::float8, 0::float8, 0, 0::float8, null::float8, 'insufficient', null::float8, null::bigint, true, null, null,
    now(), null::timestamptz, now()) $$, 'Whatever is not said is neutral');

-- Normal form --------------------------------------------------------------------------------------------------------------

select is(pg_temp.scope_of(pg_temp.set_by_hand('{"bucket": " micro ", "chain": "solana"}')), '{"chain": "solana", "mcap_bucket": "micro"}', 'A scope is stored in its normal form');
select is(pg_temp.scope_of(pg_temp.set_by_hand(scope)), wanted, scope::text || ' is stored in its normal form') from (values
  ('{"chain": 3}'::jsonb, '{"chain": "3"}'::jsonb), ('{"chain": 1.50}', '{"chain": "1.5"}'), ('{"chain": true}', '{"chain": "true"}'), ('{"chain": false}', '{"chain": "false"}'),
  ('{"intent": null, "chain": "n"}', '{"chain": "n"}'), ('{"intent": "", "chain": "e"}', '{"chain": "e"}'), ('{"intent": "  ", "chain": "b"}', '{"chain": "b"}'),
  ('{"chain": " l"}', '{"chain": "l"}'), ('{"chain": "r "}', '{"chain": "r"}'), ('{"chain": "\tt\n"}', '{"chain": "t"}'), ('{"chain": "a", "intent": "i "}', '{"chain": "a", "intent": "i"}'),
  ('{"chain": "in  side"}', '{"chain": "in  side"}'), ('{"chain": "quo\"te\\"}', '{"chain": "quo\"te\\"}'), ('{"chain": "\": 3}"}', '{"chain": "\": 3}"}'), ('{"chain": "{}[],:"}', '{"chain": "{}[],:"}'),
  ('{"chain": "ünï🚀"}', '{"chain": "ünï🚀"}'), ('{"chain": "\u0001"}', '{"chain": "\u0001"}')) as given(scope, wanted);
select is(pg_temp.scope_of(pg_temp.set_by_hand(jsonb_build_object('chain', repeat('x', 200), 'intent', repeat('y', 200)))), jsonb_build_object('chain', repeat('x', 200), 'intent', repeat('y', 200)), '200 characters fit');
select throws_ok($$ select pg_temp.set_by_hand(jsonb_build_object('chain', repeat('x', 201))) $$, '22023', null, '201 do not');
select throws_ok($$ select pg_temp.set_by_hand('{"chain": ["a"]}') $$, '22023', null, 'A list is no value');
select throws_ok($$ select pg_temp.set_by_hand('{"chain": {"a": "b"}}') $$, '22023', null, 'Nor is an object');
select throws_ok($$ select pg_temp.set_by_hand('{"chain": "a", "colour": "red", "size": 3}') $$, '22023', 'Override for ''pm.a'' names unregistered dimensions: ''size'', ''colour''',
  'A dimension that nobody knows is refused: without it the override would act more widely');
select throws_ok($$ select pg_temp.set_by_hand('["chain"]') $$, null, null, 'A scope is an object');
select throws_ok($$ select pg_temp.set_by_hand('"chain"') $$, null, null, 'And nothing else');
select throws_ok('select pg_temp.set_by_hand(null)', '23502', null, 'No scope is not the empty one, which every candidate contains');
select throws_ok($$ update pm_overrides set scope_subset = null where scope_subset = '{"chain": "solana", "mcap_bucket": "micro"}' $$, '23502', null, 'Nor does it become that later');
select throws_ok($$ select pg_temp.set_by_hand('{"mcap_bucket": "micro", "chain": " solana"}') $$, '23505', null, 'What is the same in its normal form is the same override');

select is((select scope_mask from pm_overrides where scope_subset = '{"chain": "solana", "mcap_bucket": "micro"}'), 6, 'The mask follows the scope');
update pm_overrides set scope_mask = 77 where scope_subset = '{"chain": "solana", "mcap_bucket": "micro"}';
select is((select scope_mask from pm_overrides where scope_subset = '{"chain": "solana", "mcap_bucket": "micro"}'), 6, 'Whatever is written into it');
update pm_overrides set scope_subset = '{"intent": " dip"}' where scope_subset = '{"chain": "solana", "mcap_bucket": "micro"}';
select is((select scope_mask from pm_overrides where scope_subset = '{"intent": "dip"}'), 32, 'Also when the scope changes');
select pg_temp.set_by_hand('{"chain": "k"}', 'module=pm|pattern_key=uptrend.S1.x');
select is((select pattern_key from pm_overrides where scope_subset = '{"chain": "k"}'), 'pm.uptrend.S1.x', 'A key is stored dotted');
update pm_overrides set pattern_key = ' module=pm|pattern_key=uptrend.S2.y ' where pattern_key = 'pm.uptrend.S1.x';
select is((select count(*)::integer from pm_overrides where pattern_key = 'pm.uptrend.S2.y'), 1, 'Also when it changes');

create temporary table begun on commit drop as select clock_timestamp() as at;
select throws_ok(format($$ select pg_temp.set_by_hand(%L) $$, given.scope), '22023', 'Scope is not valid: scope_subset ' || given.fault, 'Refused: ' || given.fault) from (values
  ('{' || (select string_agg(format('"k%s": 1e131071', place), ', ') from generate_series(1, 1900) as place) || '}', 'must have at most 256 keys and has 1900'),
  ('{"x": [' || (select string_agg('1e131071', ', ') from generate_series(1, 9000)) || ']}', 'must have at most 65536 bytes and has 1179648000 or more'),
  ('{"x": ' || repeat('[', 64) || repeat(']', 64) || '}', 'must be nested at most 64 deep and is nested deeper')) as given(scope, fault);
select cmp_ok((select clock_timestamp() - begun.at from begun), '<', interval '3 seconds', 'A scope is counted before it is written out');

-- Ranges -------------------------------------------------------------------------------------------------------

select throws_ok(
  format('update pm_overrides set %I = %L where scope_subset = %L', columns.name, refused.value, '{}'),
  '23514', format('new row for relation "pm_overrides" violates check constraint "pm_overrides_%s_check"', columns.name),
  format('%s %s is refused by the name of its column', columns.name, refused.value)
)
from (values
  ('multiplier', '{0,-1,0.9e-6,1.1e6,NaN,Infinity}'), ('dir_a', '{-2.01,2.01,NaN}'), ('dir_e', '{-2.01,2.01,NaN}'),
  ('value', '{-1.1e6,1.1e6,NaN,Infinity}'), ('edge_raw', '{-1.1e6,1.1e6,NaN,-Infinity}'),
  ('variance', '{-0.1,1.1e12,NaN}'), ('half_life_hours', '{0,0.99,1.1e9,NaN}'), ('confidence_score', '{-0.1,1.1,NaN}'),
  ('n', '{-1}'), ('last_evidence_at', '{infinity,-infinity}'), ('decay_state', '{rising}'), ('override_type', '{other}')
) as columns(name, refused)
cross join unnest(columns.refused::text[]) as refused(value);
select throws_ok($$ update pm_overrides set disabled_by = 'someone', enabled = false where scope_subset = '{}' $$,
  '23514', null, 'Nobody else switches an override off');
select lives_ok(format('update pm_overrides set %I = %L where scope_subset = %L', columns.name, taken.value, '{}'),
  format('%s %s is taken', columns.name, taken.value))
from (values
  ('multiplier', '{1e-6,1e6}'), ('dir_a', '{-2,2}'), ('dir_e', '{-2,2}'), ('value', '{-1e6,1e6}'),
  ('edge_raw', '{-1e6,1e6}'), ('variance', '{0,1e12}'), ('half_life_hours', '{1,1e9}'), ('confidence_score', '{0,1}'),
  ('last_evidence_at', '{4713-01-01 BC,294276-12-31}')
) as columns(name, taken)
cross join unnest(columns.taken::text[]) as taken(value);

insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, dir_a, dir_e, value, edge_raw, variance,
  confidence_score)
values ('pm_strength', 'pm.dust', 'entry', '{"intent": "dust"}', 0.9e-12, 1, null, -0.9e-12, 0.2, null);
select results_eq(
  $$ select dir_a, dir_e, value, edge_raw, variance, confidence_score from pm_overrides where pattern_key = 'pm.dust' $$,
  'values (0::float8, 1::float8, null::float8, 0::float8, 0.2::float8, null::float8)',
  'A number nearer to 0 than 1e-12 is written as 0, and no other'
);
create function pg_temp.written(name text, value float8) returns float8 language plpgsql as $$
declare
  written float8;
begin
  execute format('update public.pm_overrides set %I = $1 where pattern_key = %L returning %1$I', name, 'pm.dust')
  into written using value;
  return written;
end
$$;
select is(array(select pg_temp.written(name, value) from unnest('{0,1.1e-12,0.9e-12,5e-324,0.5}'::float8[]) as value),
  '{0,1.1e-12,0,0,0.5}', format('Also when %s changes', name))
from unnest('{dir_a,dir_e,value,edge_raw,variance,confidence_score}'::text[]) as name;
select is(array(select pg_temp.written(name, value) from unnest('{-1.1e-12,-0.9e-12,-5e-324}'::float8[]) as value),
  '{-1.1e-12,0,0}', format('and is below 0 in %s', name))
from unnest('{dir_a,dir_e,value,edge_raw}'::text[]) as name;
select is(pg_temp.written('variance', -0.9e-12), 0::float8, 'A variance that rounding left below 0 is none');

-- Who switched it off ------------------------------------------------------------------------------------------------------

update pm_overrides set enabled = false where scope_subset = '{}';
select is((select (disabled_by, disabled_reason)::text from pm_overrides where scope_subset = '{}'), '(user,)', 'Whoever switches an override off is a user unless he says otherwise');
update pm_overrides set enabled = true where scope_subset = '{}';
update pm_overrides set enabled = false, disabled_by = 'loop', disabled_reason = 'why' where scope_subset = '{}';
select is((select (disabled_by, disabled_reason)::text from pm_overrides where scope_subset = '{}'), '(user,why)', 'Whatever he says');
update pm_overrides set lesson_id = 1, enabled = true, control = 'auto' where scope_subset = '{}';
select learning.act_as('loop');
update pm_overrides set enabled = false, disabled_reason = 'why' where scope_subset = '{}';
select learning.act_as('');
select is((select (disabled_by, disabled_reason)::text from pm_overrides where scope_subset = '{}'), '(loop,why)', 'The loop names itself');
update pm_overrides set disabled_by = 'user' where scope_subset = '{}';
select is((select (enabled, disabled_by)::text from pm_overrides where scope_subset = '{}'), '(f,user)', 'A user may make it his own word');
update pm_overrides set enabled = true, disabled_by = 'user', disabled_reason = 'x' where scope_subset = '{}';
select is((select (disabled_by, disabled_reason)::text from pm_overrides where scope_subset = '{}'), '(,)', 'What is on is switched off by nobody');

update pm_overrides set disabled_reason = 'y' where scope_subset = '{}';
select is((select disabled_reason from pm_overrides where scope_subset = '{}'), null, 'Nor for a reason');

-- When it was written ------------------------------------------------------------------------------------------------------

insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, last_updated_at) values ('pm_strength', 'pm.stamped', 'entry', '{}', '2020-01-01');
select is((select last_updated_at from pm_overrides where pattern_key = 'pm.stamped'), '2020-01-01', 'A first writing may have been earlier');
update pm_overrides set n = 5 where pattern_key = 'pm.stamped';
select is((select last_updated_at from pm_overrides where pattern_key = 'pm.stamped'), now(), 'Every later one is now');
update pm_overrides set last_updated_at = '2020-01-01', enabled = false where pattern_key = 'pm.stamped';
select is((select last_updated_at from pm_overrides where pattern_key = 'pm.stamped'), now(), 'Whatever is said of it');

-- Dimensions that are taken out ------------------------------------------------------------------------------------------------

delete from pm_overrides where true;
insert into scope_dimensions (dim, bit, source) values ('session', 17, 'entry'), ('venue', 18, 'entry');
create temp table made as select pg_temp.set_by_hand('{"session": "asia", "venue": "dex"}') as id;
delete from scope_dimensions where dim in ('session', 'venue');
update pm_overrides set enabled = false where id = (select id from made);
select results_eq('select enabled, scope_subset from pm_overrides', $$ values (false, '{"venue": "dex", "session": "asia"}'::jsonb) $$,
  'An override that names dimensions which were taken out can be switched off');
select throws_ok($$ update pm_overrides set scope_subset = '{"session": "asia"}' $$, '22023', null, 'and is given no other such scope');
insert into scope_dimensions (dim, bit, source) values ('venue', 17, 'entry');
select is(scope_mask, 131072, 'It knows the ones that are back') from pm_overrides;
insert into scope_dimensions (dim, bit, source) values ('session', 18, 'entry');
select is(scope_mask, 131072 + 262144, 'one after the other') from pm_overrides;
select throws_ok('update pm_overrides set id = id + 1', '22023', null, 'An id is fixed');

select throws_ok(
  format($$ insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
    values ('pm_strength', %L, 'entry', '{}') $$, repeat('x', 201)), '22023',
  'A pattern_key must have at most 200 characters and has 201: ''' || repeat('x', 60) || '…''',
  'An override''s pattern key has at most 200 characters'
);
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
values ('pm_strength', repeat('x', 200), 'entry', '{}');
select throws_ok(
  $$ update pm_overrides set pattern_key = pattern_key || 'x' where pattern_key like 'xxxx%' $$, '22023', null,
  'And stays so'
);


delete from pm_overrides where true;
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, enabled, disabled_by, disabled_reason, lesson_id)
values ('pm_strength', 'pm.p', 'entry', '{"intent": "a"}', false, 'loop', 'stopped adding value: x', 1),
  ('pm_strength', 'pm.p', 'entry', '{"intent": "b"}', false, 'loop', 'Its lesson is no longer found', 1),
  ('pm_strength', 'pm.p', 'entry', '{"intent": "c"}', false, 'loop', null, 1),
  ('pm_strength', 'pm.p', 'entry', '{"intent": "d"}', true, null, null, 1);
select is((select array_agg(scope_subset ->> 'intent') from pm_overrides held where learning.has_broken_promise(held)), '{a}',
  'A promise was broken where that is why the loop switched it off');
select throws_ok($$ update pm_overrides set evidence_from = 'infinity' $$, '23514', null, 'Evidence begins at a finite time');
select throws_ok($$ update pm_overrides set promised = 'NaN' $$, '23514', null, 'A promise is a number');
select throws_ok($$ update pm_overrides set baseline_sigma = -1 $$, '23514', null, 'A deviation is not below 0');

select * from finish();
rollback;
