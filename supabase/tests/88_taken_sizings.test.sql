begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(34);

delete from pm_overrides where true;
delete from pm_sizings where true;
update lowcap_positions set status = 'archived' where true;
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, dir_a, dir_e,
  confidence_score) values ('pm_strength', 'pm.taken', 'entry', '{"chain": "solana"}', 1.15, 0.62, -0.38, 0.75);
create function pg_temp.configure(p_config jsonb) returns void language sql as $$
  insert into public.learning_configs (module_id, config_data) values ('pm', p_config)
  on conflict (module_id) do update set config_data = excluded.config_data
$$;
create function pg_temp.take(p_subject text default null, p_category text default 'entry')
  returns public.pm_taken_sizing language sql as $$
  select public.take_pm_sizing('pm.taken', p_category, '{"chain": "solana"}', 0.5, 0.5, subject => p_subject)
$$;

-- Shares ----------------------------------------------------------------------------------------------------

-- sha256('abc') = ba7816bf…: 0xba7816bf/2^32 = 3128432319/4294967296.
select is(learning.share_of_text('abc'), 3128432319 / 4294967296::float8, 'A text has a share by its sha256');
select ok((select avg(learning.share_of_text('token' || number)) between 0.48 and 0.52
  from generate_series(1, 2000) as number), 'And texts are spread evenly');
select is(learning.is_held_out('abc', '{"experiment": {"holdout": 0.5, "salt": ""}}'), false,
  'A subject whose share is beyond the holdout is not held out');
select is(learning.is_held_out('ab', '{"experiment": {"holdout": 0.5, "salt": "c"}}'), false,
  'The salt is part of the text');
select is((select count(*)::integer between 440 and 560 from generate_series(1, 2000) as number
  where learning.is_held_out('t' || number, '{"experiment": {"holdout": 0.25, "salt": "x"}}')), true,
  'A quarter of subjects is held out where a quarter is asked for');
select is(learning.is_held_out(null, '{"experiment": {"holdout": 0.5, "salt": ""}}'), false,
  'Without a subject nothing is held out');

-- Answers ---------------------------------------------------------------------------------------------------

select pg_temp.configure('{}');
select is((select to_jsonb(taken) - 'sizing_id' from pg_temp.take('s') as taken),
  (select to_jsonb(asked) from get_pm_sizing('pm.taken', 'entry', '{"chain": "solana"}') as asked),
  'Without an experiment what is taken is what would be asked for');
select is((select sizing_id from pg_temp.take('s') as taken), null, 'And unless it is asked for nothing is recorded');
select is((select count(*)::integer from pm_sizings), 0, 'Indeed');

select pg_temp.configure('{"record_sizings": "all", "experiment": {"holdout": 0.5}}');
create temporary table subjects as
select (select 'a' || number from generate_series(1, 50) as number
    where learning.is_held_out('a' || number, learning.config()) limit 1) as held_out,
  (select 'a' || number from generate_series(1, 50) as number
    where not learning.is_held_out('a' || number, learning.config()) limit 1) as learned;
create temporary table answers as
select 'held out' as arm, taken.* from subjects, pg_temp.take(held_out) as taken
union all select 'learned', taken.* from subjects, pg_temp.take(learned) as taken;
select results_eq($$ select mode, pm_strength, a_final, e_final, overrides, confidence, steer_max from answers
    where arm = 'held out' $$,
  $$ values ('holdout', 1::float8, 0.5::float8, 0.5::float8, '[]'::jsonb, 0::float8, 0::float8) $$,
  'For one that is held out nothing learned acts');
select is((select round(size_frac::numeric, 6) from answers where arm = 'held out'),
  (select round((size_frac_raw * exposure_skew)::numeric, 6) from answers where arm = 'learned'),
  'But exposure does');
select is((select round((max_alloc_pct / base_alloc_pct - exposure_skew)::numeric, 9) from answers
  where arm = 'held out'), 0.000000000, 'On the largest allocation, too');
select is((select shadow #> '{posture,pm_strength}' from answers where arm = 'held out'),
  (select to_jsonb(pm_strength) from answers where arm = 'learned'),
  'What would have been said is in the shadow');
select is((select mode from answers where arm = 'learned'), 'posture', 'The other is sized as learned');

-- Recorded --------------------------------------------------------------------------------------------------

select results_eq($$ select held_out, holdout, mode, pm_strength = 1, learned_strength > 1, subject is not null,
    pattern_key, action_category, scope, a_value from pm_sizings order by id $$,
  $$ values (true, 0.5::float8, 'holdout', true, true, true, 'pm.taken', 'entry', '{"chain": "solana"}'::jsonb,
      0.5::float8),
    (false, 0.5::float8, 'posture', false, true, true, 'pm.taken', 'entry', '{"chain": "solana"}', 0.5) $$,
  'Both are recorded, with what learning said');
select set_eq('select sizing_id from answers', 'select id from pm_sizings', 'Under the id that was answered');
select pg_temp.configure('{"record_sizings": "sampled"}');
delete from pm_sizings where true;
select pg_temp.take('s' || number) from generate_series(1, 300) as number;
select is((select array_agg(subject order by id) from pm_sizings),
  (select array_agg('s' || number order by number) from generate_series(1, 300) as number
    where learning.share_of_text('s' || number) < 0.01),
  'Sampled are those of one subject in a hundred');
select pg_temp.configure('{"record_sizings": "all"}');
delete from pm_sizings where true;
select get_pm_sizing('pm.taken', 'entry', '{}'), get_pm_sizing_batch('[]');
select is((select count(*)::integer from pm_sizings), 0, 'To ask never writes');
select is((select provolatile::text from pg_proc where proname = 'get_pm_sizing'), 's', 'And may not');

-- Batches ---------------------------------------------------------------------------------------------------

select pg_temp.configure('{"record_sizings": "all", "experiment": {"holdout": 0.5}}');
create temporary table batch as
select * from take_pm_sizing_batch((select jsonb_build_array(
  jsonb_build_object('pattern_key', 'pm.taken', 'action_category', 'entry', 'scope', '{"chain": "solana"}'::jsonb,
    'subject', held_out),
  '{"pattern_key": "pm.taken", "action_category": "no", "scope": {}}'::jsonb,
  '{"pattern_key": "pm.taken", "action_category": "entry", "scope": {}, "subject": 7}'::jsonb,
  jsonb_build_object('pattern_key', 'pm.taken', 'action_category', 'entry', 'scope', '{"chain": "solana"}'::jsonb,
    'subject', learned), '"none"'::jsonb) from subjects));
select results_eq('select position, mode, sizing_id is not null, error ->> ''code'' from batch',
  $$ values (1, 'holdout', true, null), (2, null, false, '22023'), (3, null, false, '22023'),
    (4, 'posture', true, null), (5, null, false, '22023') $$, 'Each of a batch is answered in its place');
select matches((select error ->> 'message' from batch where position = 3),
  'Argument subject must be a text of at most 200 characters', 'A subject is a text');
select is((select array_agg(attribute_name::text order by ordinal_position)
    from information_schema.attributes where udt_name = 'pm_taken_sizing'),
  (select array_agg(attribute_name::text order by ordinal_position) || 'sizing_id'::text
    from information_schema.attributes where udt_name = 'pm_sizing'), 'The row is that of get_pm_sizing');
select is((select array_agg(attribute_name::text order by ordinal_position)
    from information_schema.attributes where udt_name = 'pm_taken_sizing_in_batch'),
  (select array_agg(attribute_name::text order by ordinal_position) || 'sizing_id'::text
    from information_schema.attributes where udt_name = 'pm_sizing_in_batch'), 'That of a batch as well');
select throws_ok($$ select get_pm_sizing_batch('7') $$, '22023', null, 'No batch is refused');
select throws_ok($$ select take_pm_sizing_batch('7') $$, '22023', null, 'Taken or asked for');
select throws_like($$ select take_pm_sizing('pm.taken', 'entry', '{}', subject => repeat('x', 201)) $$,
  'Argument subject must be a text of at most 200 characters%', 'A subject has a length');

-- Settings --------------------------------------------------------------------------------------------------

select throws_ok($$ select pg_temp.configure('{"experiment": {"holdout": 0.6}}') $$, '22023', null,
  'At most half may be held out');
select throws_ok($$ select pg_temp.configure('{"experiment": {"salt": 7}}') $$, '22023', null, 'A salt is a text');
select throws_ok($$ select pg_temp.configure('{"record_sizings": "some"}') $$, '22023', null,
  'Sizings are recorded in one of three ways');

-- Who may ---------------------------------------------------------------------------------------------------

set local role authenticated;
select set_config('request.jwt.claims', '{"role": "authenticated", "app_metadata": {"learning_role": "viewer"}}',
  true);
select throws_ok($$ select take_pm_sizing('pm.taken', 'entry', '{}') $$, '42501', null, 'A viewer takes no size');
select isnt_empty('select * from pm_sizings', 'But sees what was taken');
select set_config('request.jwt.claims', '{"role": "authenticated", "app_metadata": {"learning_role": "pm"}}', true);
select isnt((select sizing_id from take_pm_sizing('pm.taken', 'entry', '{}', subject => 'x')), null, 'A pm does');
select throws_ok('delete from pm_sizings', '42501', null, 'And writes in no other way');
select set_config('request.jwt.claims', '{"role": "authenticated", "app_metadata": {"learning_role": "operator"}}',
  true);
select isnt((select sizing_id from take_pm_sizing('pm.taken', 'entry', '{}', subject => 'x')), null,
  'An operator may what a pm may');

select * from finish();
rollback;
