begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(24);

create function pg_temp.near(have float8, want float8, description text) returns text language sql as $$
  select ok(abs(have - want) < 1e-9, description) || case when abs(have - want) < 1e-9 then '' else
    format(E'\n# have %s, want %s', have, want) end;
$$;

create function pg_temp.configure(config_data jsonb) returns void language sql as $$
  insert into public.learning_configs (module_id, config_data) values ('pm', config_data)
  on conflict (module_id) do update set config_data = excluded.config_data;
$$;
create function pg_temp.size(scope jsonb, as_of timestamptz default '2025-01-01') returns public.pm_sizing language sql as $$
  select public.get_pm_sizing('pm.a', 'entry', scope, 0.5, 0.5, 1, as_of);
$$;

-- Mean 0.1, sigma 0.5. Slices: {} of 100 with a total of 15, solana of 50 with 10, solana on 1h of 40 with 12. Excesses:
-- (15 - 10)/0.5 = 10, (10 - 5)/0.5 = 10, (12 - 4)/0.5 = 16.
insert into learning.scope_values (code, dim, value) overriding system value
values (900001, 'chain', 'solana'), (900002, 'timeframe', '1h'), (900003, 'macro_phase', 'bull');
insert into learning_effect_groups (group_id, module, pattern_key, action_category, n, mean, sigma, kappa_above, kappa_below,
  tau_above, tau_below, last_evidence_at, run, sigma_first, sums_digest)
values (1, 'pm', 'pm.a', 'entry', 100, 0.1, 0.5, 0, 0, 0, 0, '2025-01-01', 1, 0.5, '');
insert into learning_effects (group_id, module, pattern_key, action_category, dim_1, code_1, dim_2, code_2, scope_mask, n,
  total, faded_n, faded_total)
values (1, 'pm', 'pm.a', 'entry', null, 0, null, 0, 0, 100, 15, '{50,25,10}', '{10,5,1}'),
  (1, 'pm', 'pm.a', 'entry', 'chain', 900001, null, 0, 2, 50, 10, '{20,10,5}', '{4,2,1}'),
  (1, 'pm', 'pm.a', 'entry', 'chain', 900001, 'timeframe', 900002, 514, 40, 12, '{20,10,5}', '{4,2,1}');
insert into learning_calibration (module, action_category, mean, sigma, kappa, tau2, half_life_weeks, n, weeks, regimes_act)
values ('pm', 'entry', 0.1, 0.5, 0.5, 0.02, null, 300, 30, false);
insert into learning_regime_weights (module, action_category, regime_signature, kappa, n, weeks, confidence)
values ('pm', 'entry', 'bull', 1, 100, 10, 0.6), ('pm', 'entry', 'bull|solana', 0.25, 100, 10, 0.6);

select pg_temp.near((pg_temp.size('{"chain": "solana"}')).pm_strength, 1, 'Posture is not moved by slices');
select pg_temp.near(((pg_temp.size('{"chain": "solana"}')).shadow #>> '{calibrated,pm_strength}')::float8,
  1 + 0.5 * 20 / 150, 'The shadow says what calibrated would have said');
select pg_temp.configure('{"strength_mode": "calibrated"}');
select pg_temp.near((pg_temp.size('{}')).pm_strength, 1 + 0.5 * 10 / 100, 'The empty slice speaks for every scope');
select pg_temp.near((pg_temp.size('{"timeframe": "1h", "chain": "solana", "intent": "retest"}')).pm_strength,
  1 + 0.5 * 36 / 190, 'Slices speak by their decisions, in whatever order a scope is written');
select pg_temp.near((pg_temp.size('{"timeframe": "1h"}')).pm_strength, 1 + 0.5 * 10 / 100, 'Those alone that contain it');
select pg_temp.near((public.get_pm_sizing('pm.a', 'add', '{}')).pm_strength, 1, 'A category that was not calibrated is neutral');
select pg_temp.near((pg_temp.size('{}', '2025-01-31')).pm_strength, 1 + 0.5 * 10 / 100 / 2, 'It fades by the newest evidence');
select is((pg_temp.size('{"timeframe": "1h", "chain": "solana"}')).overrides #> '{0,scope_subset}',
  '{"chain": "solana", "timeframe": "1h"}', 'The slice that pulls most comes first');
select pg_temp.near(sum((entry ->> 'pull')::float8), 0.5 * 36 / 190, 'Pulls sum to what is kept')
from jsonb_array_elements((pg_temp.size('{"timeframe": "1h", "chain": "solana"}')).overrides) as entry;
select is(jsonb_array_length(learning.list_slices(learning.ask_slices('pm.a', 'entry',
  '{"timeframe": "1h", "chain": "solana"}', '2025-01-01', learning.config(), true), 2)), 3, 'The rest is one entry');

-- Memory and regimes.
update learning_calibration set half_life_weeks = 26;
-- Of 25, 10 and 10: (5 - 2.5)/0.5 = 5, (2 - 1)/0.5 = 2 and 2.
select pg_temp.near((pg_temp.size('{"timeframe": "1h", "chain": "solana"}')).pm_strength, 1 + 0.5 * 9 / 45,
  'What is remembered counts, where a memory was chosen');
update learning_calibration set half_life_weeks = null;
select pg_temp.near((pg_temp.size('{"macro_phase": "bull"}')).pm_strength, 1 + 0.5 * 10 / 100, 'Regimes that did not hold do not act');
update learning_calibration set regimes_act = true;
select pg_temp.near((pg_temp.size('{"macro_phase": "bull"}')).pm_strength, 1 + 1 * 10.0 / 100, 'Those that held do');
select pg_temp.near((pg_temp.size('{"macro_phase": "bear"}')).pm_strength, 1 + 0.5 * 10 / 100, 'One that never was is as all');
select pg_temp.near((pg_temp.size('{}')).pm_strength, 1 + 0.5 * 10 / 100, 'and so is a scope without one');
select pg_temp.configure('{"strength_mode": "calibrated", "regime_dimensions": ["macro_phase", "chain"]}');
select pg_temp.near((pg_temp.size('{"macro_phase": "bull", "chain": "solana"}')).pm_strength, 1 + 0.25 * 20 / 150,
  'Several dimensions make a regime together');
select pg_temp.configure('{"strength_mode": "calibrated"}');
update learning_calibration set regimes_act = false;

-- By hand: 1 · 0.8 and 2^1.5 · 0.5 weigh 0.8 and 1.414213562.
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, confidence_score, lesson_id)
values ('pm_strength', 'pm.a', 'entry', '{}', 1.5, 0.8, null),
  ('pm_strength', 'pm.a', 'entry', '{"chain": "solana"}', 0.9, 0.5, null),
  ('pm_strength', 'pm.a', 'entry', '{"intent": "retest"}', 3, 1, 77);
select pg_temp.near((pg_temp.size('{"chain": "solana", "intent": "retest"}')).pm_strength,
  (1 + 0.5 * 20 / 150) * (1.5 * 0.8 + 0.9 * sqrt(2)) / (0.8 + sqrt(2)), 'What was set by hand multiplies; what was learned does not');
update pm_overrides set control = 'pinned' where lesson_id = 77;
select ok((pg_temp.size('{"chain": "solana", "intent": "retest"}')).pm_strength > 1.5, 'until it is pinned');
delete from pm_overrides;

-- Believed lessons.
insert into learning_lessons (module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n, stats, edge_raw, status)
values ('pm', 'pm.a', 'entry', '{"chain": "solana", "timeframe": "1h", "intent": "retest"}', 0, 'pm_strength', 40, '{}', -0.3, 'active'),
  ('pm', 'pm.a', 'entry', '{"curator": "k"}', 0, 'pm_strength', 40, '{}', 0.3, 'active'),
  ('pm', 'pm.a', 'entry', '{"chain": "solana"}', 0, 'pm_strength', 40, '{}', 0.3, 'candidate');
select pg_temp.near((pg_temp.size('{"chain": "solana", "timeframe": "1h", "intent": "retest"}')).pm_strength, 1,
  'Against all that is believed of a scope nothing is kept');
select is((pg_temp.size('{"chain": "solana", "timeframe": "1h", "intent": "retest"}')).overrides #>> '{0,pull}', '0',
  'and no slice pulls');
select pg_temp.near((pg_temp.size('{"chain": "solana", "timeframe": "1h", "intent": "retest", "curator": "k"}')).pm_strength,
  1 + 0.5 * 36 / 190, 'Where some of it agrees, slices speak');

-- Flags, and words.
select results_eq(
  $$ select line from public.explain_pm_sizing('pm.a', 'entry', '{"chain": "solana"}', as_of => '2025-01-01') as line
    where line like 'Of what%' or line like '  they%' $$,
  array['Of what the slices say, 50 % held in weeks they had not seen (300 decisions in 30 weeks)',
    '  they say 0.133333 standard deviations; kept, faded to 100 %: 0.066667'],
  'A person reads how much held, and what is kept'
);
select pg_temp.configure('{"strength_mode": "calibrated", "flags": {"learning_overrides_enabled_regimes": ["bear"]}}');
select pg_temp.near((pg_temp.size('{"macro_phase": "bull"}')).pm_strength, 1, 'It rests in macro phases in which overrides rest');
select pg_temp.configure('{"strength_mode": "calibrated", "flags": {"learning_overrides_enabled": false}}');
select pg_temp.near((pg_temp.size('{}')).pm_strength, 1, 'and where they are switched off');

select * from finish();
rollback;
