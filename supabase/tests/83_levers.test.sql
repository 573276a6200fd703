begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(52);

select is((select count(*)::integer from learning_levers), 21, 'Every lever is registered');
select is_empty($$ select lever from learning_levers where description = '' $$, 'Every lever is described');
select set_eq(
  $$ select lever, kind, neutral, lower_bound, upper_bound, max_step from learning_levers $$,
  $$ values
    ('size_mult', 'multiplier', 1::float8, 0.7::float8, 1.3::float8, 0.02::float8),
    ('entry_aggression_mult', 'multiplier', 1, 0.8, 1.2, 0.02),
    ('exit_aggression_mult', 'multiplier', 1, 0.8, 1.2, 0.02),
    ('entry_delay_bars', 'additive', 0, 0, 3, 0.2),
    ('phase1_frac_mult', 'multiplier', 1, 0.7, 1.3, 0.02),
    ('phase_scaling_s1_mult', 'multiplier', 1, 0.8, 1.25, 0.02),
    ('phase_scaling_s2_mult', 'multiplier', 1, 0.8, 1.25, 0.02),
    ('phase_scaling_s3_mult', 'multiplier', 1, 0.8, 1.25, 0.02),
    ('wait_for_signal_x', 'target', null, 0, 1, 0.05),
    ('min_ts_for_add', 'target', null, 0, 1, 0.05),
    ('min_dx_for_add', 'target', null, 0, 1, 0.05),
    ('trim_delay_mult', 'multiplier', 1, 0.8, 1.25, 0.02),
    ('min_ox_for_trim', 'target', null, 0, 1, 0.05),
    ('max_edx_for_add', 'target', null, 0, 1, 0.05),
    ('trail_mult', 'multiplier', 1, 0.8, 1.25, 0.02),
    ('panic_trigger_mult', 'multiplier', 1, 0.8, 1.25, 0.02),
    ('wait_n_bars_after_trim', 'additive', 0, 0, 5, 0.2),
    ('tuning_ts_min', 'additive', 0, -0.1, 0.1, null),
    ('tuning_halo', 'additive', 0, -0.2, 0.2, null),
    ('tuning_slope', 'additive', 0, -0.002, 0.002, null),
    ('tuning_dx_min', 'additive', 0, -0.1, 0.1, null) $$,
  'The registry is the lever map, bounds and steps included'
);
select is((select count(*)::integer from get_pm_levers('pm.a', 'entry', '{}')), 21, 'Every lever is answered once');
select is_empty($$
  select answer.lever from get_pm_levers('pm.a', 'entry', '{}') answer join learning_levers using (lever)
  where (answer.multiplier, answer.override_id) is distinct from (1::float8, null::bigint)
    or answer.value is distinct from case when kind = 'additive' then neutral end
$$, 'Levers are neutral where nothing was learned');

-- Three overrides of one gate: in general 1.1, on 15m 1.05, on 15m and micro 1.3; the most specific one acts alone.
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, value) values
  ('pm_tuning', 'pm.uptrend.S1.entry', 'tuning_halo', '{}', 1.1, 0.1),
  ('pm_tuning', 'pm.uptrend.S1.entry', 'tuning_halo', '{"timeframe": "15m"}', 1.05, 0.05),
  ('pm_tuning', 'pm.uptrend.S1.entry', 'tuning_halo', '{"timeframe": "15m", "bucket": "micro"}', 1.3, 0.3);
create function pg_temp.halo(scope jsonb, category text default 'entry') returns setof pm_lever language sql as $$
  select * from public.get_pm_levers('pm.uptrend.S1.entry', category, scope) where lever = 'tuning_halo';
$$;
select is(multiplier::numeric, 1.3, 'The most specific override wins') from pg_temp.halo('{"timeframe": "15m", "mcap_bucket": "micro"}');
select is(multiplier::numeric, 1.05, 'A less specific one acts where that one does not apply') from pg_temp.halo('{"timeframe": "15m", "mcap_bucket": "large"}');
select is(multiplier::numeric, 1.1, 'The general one acts elsewhere') from pg_temp.halo('{"timeframe": "1h"}');
select is(value::numeric, 0.2, 'No lever leaves its bounds') from pg_temp.halo('{"timeframe": "15m", "mcap_bucket": "micro"}');
select is(value::numeric, 0.1, 'Gates stand whatever the action') from pg_temp.halo('{}', 'exit');
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, value, confidence_score) values
  ('pm_tuning', 'pm.uptrend.S1.entry', 'tuning_halo', '{"chain": "solana"}', -0.07, 0.9),
  ('pm_tuning', 'pm.uptrend.S1.entry', 'tuning_halo', '{"chain": "base"}', -0.08, 0.5);
select is(value::numeric, -0.07, 'Of two as specific the more confident one acts') from pg_temp.halo('{"chain": "solana", "timeframe": "15m"}');
select is(value::numeric, -0.08, 'Of two as specific and confident the newer one acts') from pg_temp.halo('{"chain": "base", "timeframe": "15m"}');
update pm_overrides set enabled = false where value = -0.08;
select is(value::numeric, 0.05, 'A disabled override does not act') from pg_temp.halo('{"chain": "base", "timeframe": "15m"}');
update pm_overrides set last_evidence_at = now() - interval '720 hours' where value = 0.05;
select is(value::numeric, 0.025, 'A lever fades back while no evidence comes') from pg_temp.halo('{"timeframe": "15m"}');

insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, edge_raw) values
  ('pm_strength', 'pm.uptrend.S1.entry', 'add', '{}', 1.25, 0.25);
select is((select multiplier::numeric from get_pm_levers('pm.uptrend.S1.entry', 'add', '{}') where lever = 'size_mult'), 1.25, 'Size follows the edge');
select is((select multiplier::numeric from get_pm_levers('pm.uptrend.S1.entry', 'add', '{}') where lever = 'entry_aggression_mult'), 1.2, 'Aggression follows it within its own bounds');
select is((select multiplier::numeric from get_pm_levers('pm.uptrend.S1.entry', 'add', '{}') where lever = 'exit_aggression_mult'), 1.0, 'A lever of other actions stays neutral');
insert into learning_configs (module_id, config_data) values ('pm', '{"flags": {"tuning_overrides_enabled": false}}');
select is(value::numeric, 0::numeric, 'With the flag off no gate moves') from pg_temp.halo('{}');

delete from learning_configs where module_id = 'pm';

-- Lessons: an entry in general, one narrower that is poor and of which no trade tells what it missed, and one that lapsed.
insert into learning_lessons (module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n, stats, edge_raw, status)
select 'pm', 'pm.map', category, scope, 0, 'pm_strength', 50, stats, edge, status
from (values
  ('entry', '{}'::jsonb, '{"m_e": 2, "m_x": 1.5}'::jsonb, 0.5, 'active'),
  ('entry', '{"chain": "base"}', '{"m_e": null, "m_x": null}', -0.1, 'active'),
  ('entry', '{"chain": "tron"}', '{"m_e": 1, "m_x": 1}', 0.4, 'deprecated'),
  ('add', '{}', '{"m_e": 0.25, "m_x": 0}', 0.31, 'active'),
  ('trim', '{}', '{"m_e": 2, "m_x": 1.5}', 0.4, 'active')
) as lesson(category, scope, stats, edge, status);
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, edge_raw, lesson_id)
select 'pm_strength', 'pm.map', action_category, scope_subset, 1 + edge_raw, edge_raw, id from learning_lessons where pattern_key = 'pm.map';
create function pg_temp.lever(category text, lever text, scope jsonb default '{}') returns numeric language sql as $$
  select round(coalesce(value, multiplier)::numeric, 6) from public.get_pm_levers('pm.map', category, scope) as answer where answer.lever = lever.lever;
$$;
select is(pg_temp.lever('entry', 'size_mult'), 1.3, 'Size follows the lesson''s edge within its bounds');
select is(pg_temp.lever('entry', 'entry_aggression_mult'), 1.2, 'so does aggression');
select is(pg_temp.lever('entry', 'entry_delay_bars'), 2.0, 'Entries wait as many bars as the mean bucket of what was missed');
select is(pg_temp.lever('entry', 'phase1_frac_mult'), 0.8, 'the first part shrinks by a tenth for each bucket');
select is(pg_temp.lever('add', 'entry_delay_bars'), 0.25, 'adds have their own lesson');
select is(pg_temp.lever('add', 'min_ts_for_add'), 0.55, 'An add asks for trend strength where the edge is above 0.3');
select is(pg_temp.lever('trim', 'trim_delay_mult'), 0.9, 'Trims come earlier by a fifteenth for each bucket missed at the exit');
select is(pg_temp.lever('trim', 'trail_mult'), 1.05, 'the trail is wider where there is an edge');
select is(pg_temp.lever('trim', 'min_ox_for_trim'), 0.4, 'and a trim asks for overextension');
select is(pg_temp.lever('trim', 'exit_aggression_mult'), 1.2, 'Assertiveness to exit follows the edge of trims');
select is(pg_temp.lever('entry', 'trim_delay_mult'), 1.0, 'A lesson about entries says nothing of trims');
select is(pg_temp.lever('entry', 'size_mult', '{"chain": "base"}'), 0.9, 'The narrower lesson acts alone');
select is(pg_temp.lever('entry', 'entry_delay_bars', '{"chain": "base"}'), 2.0, 'but where it does not know, the general one speaks');
select is(pg_temp.lever('entry', 'entry_delay_bars', '{"chain": "tron"}'), 2.0, 'A lesson that is no longer active is silent');

update learning_lessons set stats = stats || '{"scale": 0.2}' where pattern_key = 'pm.map';
-- 0.5 times 0.2; 0.31 times 0.2 is not above 0.3.
select is(pg_temp.lever('entry', 'size_mult'), 1.1, 'An edge counts in the unit of the outcome');
select is(pg_temp.lever('trim', 'exit_aggression_mult'), 1.08, 'for what leaves, too');
select is((select value from get_pm_levers('pm.map', 'add', '{}') where lever = 'min_ts_for_add'), null, 'and for targets');
update learning_lessons set stats = stats - 'scale' where pattern_key = 'pm.map';

-- A person's word on levers that nothing learns, and on those that something does.
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, value) values
  ('pm_tuning', 'pm.map', 'max_edx_for_add', '{}', 1, 1.7),
  ('pm_tuning', 'pm.map', 'phase_scaling_s2_mult', '{}', 1.1, null),
  ('pm_tuning', 'pm.map', 'entry_delay_bars', '{"timeframe": "1h"}', 1, 0.5);
select is(pg_temp.lever('add', 'max_edx_for_add'), 1.0, 'A target set by hand stays within its bounds');
select is(pg_temp.lever('add', 'phase_scaling_s2_mult'), 1.1, 'a factor set by hand acts');
select is(pg_temp.lever('entry', 'entry_delay_bars', '{"timeframe": "1h"}'), 0.5, 'and the more specific of a lesson and a hand-made override wins');

-- Fading: half a life without evidence for everything.
update pm_overrides set last_evidence_at = now() - interval '720 hours' where pattern_key = 'pm.map' and override_type = 'pm_strength';
select is(pg_temp.lever('entry', 'entry_delay_bars'), 1.0, 'What was learned fades to neutral');
select is((select value from get_pm_levers('pm.map', 'add', '{}') where lever = 'min_ts_for_add'), null, 'A target lapses with the edge that called for it');
update pm_overrides set last_evidence_at = null where last_evidence_at is not null;

-- Step by step.
insert into learning_configs (module_id, config_data) values ('pm', '{"strength_mode": "edge_weighted"}');
select is((select array_agg(pg_temp.lever('entry', lever) order by lever) from unnest('{size_mult,entry_delay_bars,phase1_frac_mult}'::text[]) as lever),
  -- 0 + 0.2, 1 / 1.02, 1.02
  array[0.2, 0.980392, 1.02], 'In edge_weighted mode a lever is one step from neutral at most');
select is(value::numeric, 0.05, 'Gates have no step') from pg_temp.halo('{"timeframe": "15m"}');

-- Bounds that are no numbers.
select throws_ok(format('update learning_levers set %I = %L where lever = %L', refused.name, refused.value, 'size_mult'), '23514',
  null, format('%s %s is refused', refused.name, refused.value))
from (values ('lower_bound', '-Infinity'), ('lower_bound', 'NaN'), ('upper_bound', 'Infinity'), ('upper_bound', 'NaN'),
  ('neutral', 'NaN'), ('neutral', 'Infinity'), ('max_step', 'NaN'), ('max_step', 'Infinity')) as refused(name, value);

-- One that is pinned speaks whatever became of its lesson.
delete from pm_overrides where true;
insert into learning_lessons (module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n, stats, status)
values ('pm', 'pm.kept', 'entry', '{}', 0, 'pm_strength', 40, '{}', 'deprecated');
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, edge_raw, lesson_id)
select 'pm_strength', 'pm.kept', 'entry', '{}', 0.01, lesson.id from learning_lessons lesson where lesson.pattern_key = 'pm.kept';
delete from learning_configs where true;
select is((select multiplier from get_pm_levers('pm.kept', 'entry', '{}') where lever = 'size_mult'), 1::float8,
  'A lesson that is no longer active says nothing of the levers');
update pm_overrides set edge_raw = 0.02 where true;
select is((select multiplier from get_pm_levers('pm.kept', 'entry', '{}') where lever = 'size_mult'), 1.02::float8,
  'Whoever edits its override does');

select * from finish();
rollback;
