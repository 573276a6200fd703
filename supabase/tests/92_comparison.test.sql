begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(22);

delete from pm_overrides where true;
delete from learning_configs where true;
delete from exposure_history where true;
update lowcap_positions set status = 'archived' where true;
delete from pm_override_history where true;
delete from learning_config_history where true;

create function pg_temp.compare(p_then timestamptz, p_now timestamptz default now()) returns jsonb language sql as $$
  select public.compare_pm_sizing('pm.c', 'entry', '{"chain": "solana"}', p_then, p_now)
$$;
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, confidence_score)
values ('pm_strength', 'pm.c', 'entry', '{}', 1.2, 0.8), ('pm_strength', 'pm.c', 'entry', '{"chain": "solana"}', 1.5, 0.8),
  ('pm_strength', 'pm.other', 'entry', '{}', 1.2, 0.8);
insert into learning_configs (module_id, config_data) values ('pm', '{"strength_mode": "multiplier"}');
update pm_override_history set at = now() - interval '10 days' where true;
update learning_config_history set at = now() - interval '10 days' where true;
create temporary table at_first as select get_pm_sizing('pm.c', 'entry', '{"chain": "solana"}') as sizing;

-- What is held ------------------------------------------------------------------------------------------------

select is(learning.record_exposure(), 1, 'A book that holds nothing is written down');
select results_eq('select exposure, positions, scope from exposure_history', $$ values (0::float8, 0, '{}'::jsonb) $$, 'As such');
select is(learning.record_exposure(), 0, 'Once a day');
update exposure_history set day = day - 5 where true;
insert into lowcap_positions (id, token_chain, token_contract, timeframe, status, total_allocation_pct, pattern_key)
values (gen_random_uuid(), 'solana', 'c1', '1h', 'active', 0.05, 'pm.c'), (gen_random_uuid(), 'solana', 'c2', '1h', 'active', 0.03, 'pm.c');
select is(learning.record_exposure(), 1, 'Positions of one behaviour and scope are one row');
select results_eq('select exposure, positions, pattern_key from exposure_history where positions > 0',
  $$ values (0.08::float8, 2, 'pm.c') $$, 'With what they hold');

-- Overrides ---------------------------------------------------------------------------------------------------

update pm_overrides set multiplier = 1.1 where scope_subset = '{"chain": "solana"}';
delete from pm_overrides where scope_subset = '{}' and pattern_key = 'pm.c';
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, confidence_score)
values ('pm_strength', 'pm.c', 'entry', '{"timeframe": "1h"}', 1.2, 0.8);
update pm_override_history set at = now() - interval '1 day' where at = now();
select is((pg_temp.compare(now() - interval '2 days') #>> '{before,pm_strength}')::float8, (select (sizing).pm_strength from at_first),
  'A size is what it was, with the overrides as they were');
select is((pg_temp.compare(now() - interval '2 days') #>> '{after,pm_strength}')::float8,
  (select pm_strength from get_pm_sizing('pm.c', 'entry', '{"chain": "solana"}')), 'And what it is');
select is((pg_temp.compare(now() - interval '2 days') #>> '{before,exposure_skew}')::float8, 1.33::float8,
  'With the book as it was');
select ok((pg_temp.compare(now() - interval '2 days') #>> '{after,exposure_skew}')::float8 < 1, 'And is');
create temporary table compared as select pg_temp.compare(now() - interval '2 days') as answer;
select results_eq($$ select difference ->> 'kind', difference ->> 'change' from compared, jsonb_array_elements(answer -> 'differences') as difference
    order by 1, 2 $$,
  $$ values ('exposure', 'changed'), ('override', 'changed'), ('override', 'went') $$,
  'What made the difference is named');
select is((select array_agg(abs((difference ->> 'effect')::float8) order by place)
    from compared, jsonb_array_elements(answer -> 'differences') with ordinality as each(difference, place)),
  (select array_agg(abs((difference ->> 'effect')::float8) order by abs((difference ->> 'effect')::float8) desc)
    from compared, jsonb_array_elements(answer -> 'differences') as difference), 'The largest first');
select is((select round((answer ->> 'difference')::numeric, 9) from compared),
  (select round(((answer #>> '{after,size_frac}')::float8 - (answer #>> '{before,size_frac}')::float8)::numeric, 9) from compared),
  'Beside the whole');
select is((select answer -> 'as_now' from compared), '["shares of timeframes", "dimensions"]', 'And what is taken as it is now');

-- Nothing of it stays -----------------------------------------------------------------------------------------

select is((select count(*)::integer from pm_overrides where pattern_key = 'pm.c'), 2, 'Overrides are as they were before the question');
select is((select sum(exposure) from learning.position_scopes), 0.08::float8, 'So is what is held');
select is((select count(*)::integer from pm_override_history where actor = 'loop'), 0, 'And history');
select is(learning.acts_as_loop(), false, 'Whoever asks is himself again');

-- Configuration -----------------------------------------------------------------------------------------------

update learning_configs set config_data = '{"strength_mode": "calibrated"}' where true;
update learning_config_history set at = now() - interval '1 day' where at = now();
select is(pg_temp.compare(now() - interval '2 days') #>> '{before,mode}', 'multiplier', 'The configuration is as it was');
select ok(pg_temp.compare(now() - interval '2 days') -> 'differences' @> '[{"kind": "configuration", "what": "strength_mode",
  "before": "multiplier", "after": "calibrated"}]', 'And what changed in it is named');
select throws_like($$ select pg_temp.compare(now() - interval '401 days') $$, 'Argument t1 must be a time within the last 400 days%',
  'Beyond what is remembered nothing can be compared');
select throws_like($$ select pg_temp.compare(now() - interval '1 day', now() + interval '2 days') $$, 'Argument t2 must be%', 'Nor the future');
set local role authenticated;
select set_config('request.jwt.claims', '{"role": "authenticated", "app_metadata": {"learning_role": "viewer"}}', true);
select throws_ok($$ select compare_pm_sizing('pm.c', 'entry', '{}', now(), now()) $$, '42501', null, 'A viewer asks for no size');

select * from finish();
rollback;
