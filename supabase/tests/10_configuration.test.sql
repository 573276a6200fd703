begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
-- As where a configuration is written: compiling the check takes half a second, checking a millisecond.
set local jit = off;
select plan(123);

create function pg_temp.configure(config_data jsonb, module_id text default 'pm') returns void language sql as $$
  insert into public.learning_configs (module_id, config_data) values (configure.module_id, configure.config_data)
  on conflict (module_id) do update set config_data = excluded.config_data;
$$;
-- Puts a value at a dotted path and tells the fault, if any.
create function pg_temp.fault(path text, value jsonb, module_id text default 'pm') returns text language plpgsql as $$
declare
  keys text[] := string_to_array(path, '.');
  document jsonb := value;
begin
  for place in reverse cardinality(keys)..1 loop
    document := jsonb_build_object(keys[place], document);
  end loop;
  return array_to_string(learning.configuration_faults(module_id, document), '; ');
end
$$;
create function pg_temp.accepts(path text, value jsonb, module_id text default 'pm') returns text language sql as $$
  select is(pg_temp.fault(path, value, module_id), '', path || ' takes ' || value);
$$;
create function pg_temp.refuses(path text, value jsonb, reason text, module_id text default 'pm') returns text language sql as $$
  select is(pg_temp.fault(path, value, module_id), path || ' ' || reason, path || ' refuses ' || left(value::text, 60));
$$;
delete from learning_configs where true;

-- Defaults, as the specification lists them ------------------------------------------------------------------------------

select is(learning.config('pm'), '{
  "strength_mode": "posture", "outcome": "roi", "outcome_scale": 1.0, "n_min": 33, "edge_min": 0.05, "incremental_min": null,
  "max_q_value": 0.10, "cluster": "auto", "baseline": "global", "selection": "distinct", "max_lessons_per_group": 5000,
  "decay": {"source": "events"}, "staleness_half_life_hours": 720, "cpu_budget_ms": 1200, "mining_workers": 4, "edge_scale": 0.10,
  "steering": {"base": 0.03, "gain": 0.20, "max": 0.22, "confidence_min": 0.40, "roi_scale": 0.10, "base_bias": 0, "relative": false},
  "exposure": {"masks": ["singles", "pairs", "full"], "alpha": 1.0, "beta": 0.5, "weight_exponent": 0.5, "cap": null},
  "tuning": {"lookback_days": 90, "min_ratio": 2.0, "min_gain": 3, "cautious_dodge_rate": 0.90, "cautious_ratio": 4.0, "confirm": true},
  "flags": {"learning_overrides_enabled": true, "learning_overrides_enabled_regimes": null, "tuning_overrides_enabled": true,
    "exposure_skew_enabled": true, "dm_alloc_overrides_enabled": false, "ae_v2_enabled": true}
}'::jsonb, 'Without a row every key has its default');
select is(learning.config('decision_maker'), '{"default_allocation_pct": 0.10, "start_shares": {"15m": 0.15, "1h": 0.50, "4h": 0.35}}'::jsonb,
  'The decision maker''s too');
select is((select version from learning.effective_configs where module_id = 'pm'), 0, 'Without a row the version is 0');
select is_empty($$ select path from learning.settings where description = '' $$, 'Every key is described');
select is_empty($$ select path from learning.settings known where learning.setting_fault(known, default_value) is not null $$, 'Every default is valid');

-- Each kind of value -------------------------------------------------------------------------------------------------------

select unnest(array[pg_temp.accepts('edge_min', '0'), pg_temp.accepts('edge_min', '0.5'), pg_temp.accepts('edge_min', '1e15')]);
select unnest(array[pg_temp.refuses('edge_min', '-0.01', 'must be at least 0'), pg_temp.refuses('edge_min', '"0.05"', 'must be a number'),
  pg_temp.refuses('edge_min', 'true', 'must be a number'), pg_temp.refuses('edge_min', '[1]', 'must be a number'),
  pg_temp.refuses('edge_min', '{"a": 1}', 'must be a number'), pg_temp.refuses('edge_min', 'null', 'must not be null'),
  pg_temp.refuses('edge_min', '1e16', 'must be at most 1e15'), pg_temp.refuses('edge_min', '1e400', 'must be at most 1e15'),
  pg_temp.refuses('edge_min', '-1e400', 'must be at most 1e15')]);
select unnest(array[pg_temp.accepts('outcome_scale', '0.001'), pg_temp.refuses('outcome_scale', '0', 'must be greater than 0'),
  pg_temp.refuses('outcome_scale', '-1', 'must be greater than 0'), pg_temp.refuses('outcome_scale', '1e-400', 'must be greater than 0')]);
select unnest(array[pg_temp.accepts('max_q_value', '0'), pg_temp.accepts('max_q_value', '1'), pg_temp.accepts('max_q_value', 'null'),
  pg_temp.refuses('max_q_value', '1.01', 'must be at most 1'), pg_temp.refuses('max_q_value', '-0.1', 'must be at least 0')]);
select unnest(array[pg_temp.accepts('incremental_min', 'null'), pg_temp.accepts('incremental_min', '0.02'), pg_temp.refuses('incremental_min', '-1', 'must be at least 0')]);

select unnest(array[pg_temp.accepts('n_min', '2'), pg_temp.accepts('n_min', '33.0'), pg_temp.refuses('n_min', '33.5', 'must be a whole number'),
  pg_temp.refuses('n_min', '1', 'must be at least 2'), pg_temp.refuses('n_min', 'null', 'must not be null'), pg_temp.refuses('n_min', '"33"', 'must be a number')]);
select unnest(array[pg_temp.accepts('max_lessons_per_group', '100000'), pg_temp.refuses('max_lessons_per_group', '100001', 'must be at most 100000'),
  pg_temp.refuses('max_lessons_per_group', '0', 'must be at least 1')]);
select unnest(array[pg_temp.accepts('mining_workers', '64'), pg_temp.refuses('mining_workers', '65', 'must be at most 64')]);
select unnest(array[pg_temp.accepts('cpu_budget_ms', '50'), pg_temp.refuses('cpu_budget_ms', '49', 'must be at least 50')]);

select unnest(array[pg_temp.accepts('steering.relative', 'true'), pg_temp.refuses('steering.relative', '1', 'must be true or false'),
  pg_temp.refuses('steering.relative', '"true"', 'must be true or false'), pg_temp.refuses('steering.relative', 'null', 'must not be null')]);
select unnest(array[pg_temp.accepts('tuning.confirm', 'false'), pg_temp.accepts('flags.dm_alloc_overrides_enabled', 'true'),
  pg_temp.refuses('flags.exposure_skew_enabled', '"off"', 'must be true or false')]);

select pg_temp.accepts('strength_mode', to_jsonb(mode)) from unnest('{posture,multiplier,edge_weighted}'::text[]) as mode;
select unnest(array[pg_temp.refuses('strength_mode', '"Posture"', 'must be one of posture, multiplier, edge_weighted'),
  pg_temp.refuses('strength_mode', '3', 'must be one of posture, multiplier, edge_weighted'),
  pg_temp.refuses('strength_mode', '["posture"]', 'must be one of posture, multiplier, edge_weighted')]);
select pg_temp.accepts('cluster', to_jsonb(choice)) from unnest('{auto,week,day,none}'::text[]) as choice;
select unnest(array[pg_temp.accepts('outcome', '"rr"'), pg_temp.accepts('baseline', '"category"'), pg_temp.accepts('selection', '"exhaustive"'),
  pg_temp.accepts('decay.source', '"history"'), pg_temp.refuses('decay.source', '"snapshots"', 'must be one of events, history')]);

select unnest(array[pg_temp.accepts('flags.learning_overrides_enabled_regimes', 'null'), pg_temp.accepts('flags.learning_overrides_enabled_regimes', '[]'),
  pg_temp.accepts('flags.learning_overrides_enabled_regimes', '["bull", "recover"]'),
  pg_temp.refuses('flags.learning_overrides_enabled_regimes', '["bull", 3]', 'must be a list of texts'),
  pg_temp.refuses('flags.learning_overrides_enabled_regimes', '"bull"', 'must be a list of texts')]);

select unnest(array[pg_temp.accepts('exposure.masks', 'null'), pg_temp.accepts('exposure.masks', '["singles"]'),
  pg_temp.accepts('exposure.masks', '["pairs", ["chain", "timeframe"], ["bucket"]]')]);
select unnest(array[pg_temp.refuses('exposure.masks', '[]', 'must be a list of dimension lists, or of singles, pairs and full'),
  pg_temp.refuses('exposure.masks', '"full"', 'must be a list of dimension lists, or of singles, pairs and full'),
  pg_temp.refuses('exposure.masks', '["triples"]', 'has an entry that is neither a list of registered dimensions nor singles, pairs or full: "triples"'),
  pg_temp.refuses('exposure.masks', '["full", []]', 'has an entry that is neither a list of registered dimensions nor singles, pairs or full: []'),
  pg_temp.refuses('exposure.masks', '[["chain", "colour"]]', 'has an entry that is neither a list of registered dimensions nor singles, pairs or full: ["chain", "colour"]'),
  pg_temp.refuses('exposure.masks', '[["chain", 3]]', 'has an entry that is neither a list of registered dimensions nor singles, pairs or full: ["chain", 3]'),
  pg_temp.refuses('exposure.masks', '[7]', 'has an entry that is neither a list of registered dimensions nor singles, pairs or full: 7')]);
select unnest(array[pg_temp.accepts('exposure.cap', 'null'), pg_temp.refuses('exposure.cap', '0', 'must be greater than 0'),
  pg_temp.refuses('exposure.alpha', '0', 'must be greater than 0'), pg_temp.accepts('exposure.beta', '0')]);

select unnest(array[pg_temp.accepts('start_shares', '{"5m": 0.04, "1d": 0.96}', 'decision_maker'),
  pg_temp.refuses('start_shares', '{"5m": 0.01, "1d": 0.99}', 'has a fraction outside 0.02 to 0.96', 'decision_maker'),
  pg_temp.refuses('start_shares', '{"5m": 0.5, "1d": 0.4}', 'has fractions that do not sum to 1', 'decision_maker'),
  pg_temp.refuses('start_shares', '{"1h": 1}', 'has a fraction outside 0.02 to 0.96', 'decision_maker'),
  pg_temp.refuses('start_shares', '{}', 'must map each timeframe to a fraction', 'decision_maker'),
  pg_temp.refuses('start_shares', '{"1h": "0.5", "4h": 0.5}', 'must map each timeframe to a fraction', 'decision_maker'),
  pg_temp.refuses('start_shares', '{"1h": 1e-400, "4h": 1}', 'has a fraction outside 0.02 to 0.96', 'decision_maker'),
  pg_temp.refuses('start_shares', '[0.5, 0.5]', 'must map each timeframe to a fraction', 'decision_maker')]);
select unnest(array[pg_temp.accepts('default_allocation_pct', '1', 'decision_maker'),
  pg_temp.refuses('default_allocation_pct', '0', 'must be greater than 0', 'decision_maker'),
  pg_temp.refuses('default_allocation_pct', '1.1', 'must be at most 1', 'decision_maker')]);

-- Keys ---------------------------------------------------------------------------------------------------------------------

select is(pg_temp.fault('n_mim', '33'), 'n_mim is not a known key', 'An unknown key is named');
select is(pg_temp.fault('steering.bias', '0'), 'steering.bias is not a known key', 'A nested one by its path');
select is(pg_temp.fault('steering', '3'), 'steering must be an object', 'A section is an object');
select is(pg_temp.fault('steering', 'null'), 'steering must be an object', 'Not even null');
select is(pg_temp.fault('steering', '{}'), '', 'An empty section says nothing');
select is(learning.configuration_faults('pm', '{"steering.base": 0.1}'), '{steering.base is not a known key}', 'A path is no key');
select is(learning.configuration_faults('pm', '{"decay": {"source": {"x": 1}}}'), '{"decay.source must be one of events, history"}', 'What is within a value is the value''s');
select is(learning.configuration_faults('pm', '{"start_shares": {"1h": 1}}'),
  '{start_shares is not a known key,start_shares.1h is not a known key}', 'A key of another module is unknown');
select is(learning.configuration_faults('pm', '[]'), '{config_data must be an object}', 'A configuration is an object');
select is(learning.configuration_faults('trader', '{}'), array['module_id must be one of ''decision_maker'', ''pm'''], 'The modules are two');
select is(learning.configuration_faults('pm', '{"timeframe_weights": {"1h": 3}, "feature_flags": [1]}'), '{}', 'Legacy keys are let through, whatever they hold');
select is(learning.configuration_faults('pm', '{"n_min": 1, "steering": {"max": 2, "x": 1}, "y": null}'),
  '{n_min must be at least 2,steering.max must be at most 1,steering.x is not a known key,y is not a known key}', 'Every reason is told');

-- Writing ------------------------------------------------------------------------------------------------------------------

select throws_ok($$ select pg_temp.configure('{"n_min": 1, "y": 2}') $$, '22023',
  'Configuration ''pm'' is not valid: n_min must be at least 2; y is not a known key', 'A bad configuration is refused');
select is((select count(*)::integer from learning_configs), 0, 'And leaves nothing behind');

select pg_temp.configure('{"n_min": 40, "steering": {"max": 0.3}, "feature_flags": {"old": 1}}');
select is(get_pm_config() -> 'n_min', '40', 'A configured key holds at the next call');
select is(get_pm_config() #> '{steering,max}', '0.3', 'A nested one too');
select is(get_pm_config() ->> 'release', learning.release(), 'The release is told along');
select is(get_pm_config() #> '{steering,gain}', '0.20', 'Its neighbours keep their defaults');
select is(get_pm_config() -> 'feature_flags', null, 'Legacy keys have no effect');
select is((select version from learning_configs where module_id = 'pm'), 1, 'The first version is 1');
select is((select version from learning.effective_configs where module_id = 'pm'), 1, 'The effective one is the same');

update learning_configs set updated_at = '2020-01-01', notes = 'why' where module_id = 'pm';
select is((select (version, updated_at)::text from learning_configs), (1, '2020-01-01'::timestamptz)::text, 'A note is no change of configuration');
select throws_ok($$ update learning_configs set config_data = '{"edge_min": -1}' where module_id = 'pm' $$, '22023', null, 'A bad change is refused');
select is(get_pm_config() -> 'n_min', '40', 'What held before holds still');
update learning_configs set config_data = '{"n_min": 50}', version = 1 where module_id = 'pm';
select is((select (version, updated_at)::text from learning_configs), (2, now())::text, 'A change counts as a version, whatever the writer says');
select is(get_pm_config() #> '{steering,max}', '0.22', 'A key that is gone has its default again');

select pg_temp.configure('{"default_allocation_pct": 0.2}', 'decision_maker');
select is(learning.config('decision_maker') -> 'default_allocation_pct', '0.2', 'Modules are configured on their own');
delete from learning_configs where module_id = 'pm';
select is(learning.config('pm') -> 'n_min', '33', 'Without its row a module is back at its defaults');
update learning.settings set default_value = '44' where path = 'n_min';
select is(learning.config('pm') -> 'n_min', '44', 'A changed default holds at once');

select * from finish();
rollback;
