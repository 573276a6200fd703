begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
-- As where a configuration is written: compiling the check takes half a second, checking a millisecond.
set local jit = off;
select plan(51);

create function pg_temp.configure(config_data jsonb, module_id text default 'pm')
returns void language sql as $$
  insert into public.learning_configs (module_id, config_data)
  values (configure.module_id, configure.config_data)
  on conflict (module_id) do update set config_data = excluded.config_data;
$$;
delete from learning_configs where true;

-- Defaults, as the specification lists them ----------------------------------------------------------------

select is(learning.config('pm'), '{
  "strength_mode": "posture", "outcome": "roi", "outcome_scale": "auto", "n_min": 33, "edge_min": 0.05,
  "incremental_min": null, "max_q_value": 0.10, "cluster": "week", "baseline": "category",
  "add_outcome": "own", "trim_outcome": "own", "exit_outcome": "regret", "fdr": "by",
  "representatives_only": true, "near_misses": 200, "regime_dimensions": ["macro_phase"],
  "refuse_selected": true, "memory": "auto", "approval": "none", "record_sizings": "off", "experiment": {"holdout": 0, "salt": ""},
  "selection": "distinct", "max_lessons_per_group": 5000, "decay": {"source": "events"},
  "staleness_half_life_hours": 720, "cpu_budget_ms": 1200, "mining_workers": 4, "edge_scale": 1.0,
  "steering": {
    "base": 0.03, "gain": 0.20, "max": 0.22, "confidence_min": 0.40, "roi_scale": 0.10, "base_bias": 0,
    "relative": true
  },
  "exposure": {
    "masks": ["singles", "pairs", "full"], "alpha": 1.0, "beta": 0.5, "weight_exponent": 0.5, "cap": null,
    "measure": "allocation", "empty": 1.33
  },
  "tuning": {
    "lookback_days": 90, "min_ratio": 2.0, "min_gain": 3, "cautious_dodge_rate": 0.90,
    "cautious_ratio": 4.0, "confirm": true, "ts_min": null, "halo_max": null, "slope_min": null
  },
  "flags": {
    "learning_overrides_enabled": true, "learning_overrides_enabled_regimes": null,
    "tuning_overrides_enabled": true, "exposure_skew_enabled": true, "dm_alloc_overrides_enabled": false,
    "rescale_positions": true, "require_proof": false, "ae_v2_enabled": true
  }
}'::jsonb, 'Without a row every key has its default');
select is(
  learning.config('decision_maker'),
  '{
    "default_allocation_pct": 0.10, "allocation_unit": "fraction",
    "start_shares": {"15m": 0.15, "1h": 0.50, "4h": 0.35}
  }'::jsonb,
  'The decision maker''s too'
);
select is(
  (select version from learning.effective_configs where module_id = 'pm'), 0, 'Without a row the version is 0'
);
select pg_temp.configure('{"cluster": "auto"}');
select is(learning.config() ->> 'cluster', 'week', 'The cluster auto of earlier releases is read as week');
select pg_temp.configure('{"cluster": "span"}');
select is(learning.config() ->> 'cluster', 'span', 'What it meant is span');
delete from learning_configs where true;

-- Faults -------------------------------------------------------------------------------------------------

select is(
  array_to_string(learning.configuration_faults('pm', given.config_data), '; '), given.fault, given.why
)
from (values
  ('{}'::jsonb, '', 'Every key may be left out'),
  ('{"n_min": 33, "steering": {"base": 0.1}}', '', 'Keys may be nested'),
  ('{"steering": {}}', '', 'An empty section says nothing'),
  ('{"n_mim": 33}', 'n_mim is not a known key', 'An unknown key is named'),
  ('{"steering": {"bias": 0}}', 'steering.bias is not a known key', 'A nested one by its path'),
  ('{"steering.base": 0.1}', 'steering.base is not a known key', 'A path is no key'),
  ('{"steering": 3}', 'steering must be an object, not 3', 'A section is an object'),
  ('{"steering": null}', 'steering must be an object, not null', 'Not even null'),
  ('{"decay": {"source": {"x": 1}}}', 'decay.source must be one of events, history, not {"x": 1}',
    'What is within a value is the value''s'),
  ('{"start_shares": {"1h": 1}}', 'start_shares is not a known key; start_shares.1h is not a known key',
    'A key of another module is unknown'),
  ('[]', 'config_data must be an object, not []', 'A configuration is an object'),
  ('{"timeframe_weights": {"1h": 3}, "feature_flags": [1]}', '',
    'Legacy keys are let through, whatever they hold'),
  ('{"n_min": 1, "steering": {"max": 2, "x": 1}, "y": null}',
    'n_min must be a whole number from 2 to 1000000, not 1; '
    'steering.max must be a number from 0 to 1, not 2; steering.x is not a known key; y is not a known key',
    'Every reason is told, with the range and what was given')
) as given(config_data, fault, why);
select pg_temp.configure('{"n_min": "what it likes"}', 'trader');
select is(
  (select config_data from learning_configs where module_id = 'trader'), '{"n_min": "what it likes"}',
  'What another module keeps is stored'
);
select is(learning.config('trader'), null, 'And not read');
delete from learning_configs where module_id = 'trader';
select is(
  learning.configuration_faults('trader', (
    select jsonb_object_agg('k' || place, 1) from generate_series(1, 257) as place
  )),
  '{config_data must have at most 256 keys and has 257}', 'But has no more keys than the loop''s own may have'
);
select is(
  learning.configuration_faults('trader', (repeat('[', 65) || repeat(']', 65))::jsonb),
  '{config_data must be nested at most 64 deep and is nested deeper}', 'Is nested no deeper'
);
select throws_like(
  format($$ select pg_temp.configure(%L, 'trader') $$,
    '{"x": [' || (select string_agg('1e131071', ', ') from generate_series(1, 9000)) || ']}'),
  '%config_data must have at most 4194304 bytes and has % or more', 'And has no more bytes'
);
select is(
  learning.configuration_faults('decision_maker', '{
    "timeframe_weights": 1, "feature_flags": {}, "global_rr": {"x": 1}, "global_roi": 2,
    "timeframe_allocation": [], "N_MIN": "12", "exposure_skew": null, "bucket_order_multipliers": {},
    "N_MAX": 1
  }'), '{N_MAX is not a known key}', 'Keys of earlier systems are let through, and no others'
);
select is(
  learning.configuration_faults('decision_maker', '{"start_shares": {"1h": 0.5, "4h": 0.5}}'), '{}',
  'Each has its own keys'
);

-- Writing ------------------------------------------------------------------------------------------------

select throws_ok(
  $$ select pg_temp.configure('{"n_min": 1, "y": 2}') $$, '22023',
  'Configuration ''pm'' is not valid: n_min must be a whole number from 2 to 1000000, not 1; '
  'y is not a known key', 'A bad configuration is refused'
);
select is((select count(*)::integer from learning_configs), 0, 'And leaves nothing behind');

select pg_temp.configure('{"n_min": 40, "steering": {"max": 0.3}, "feature_flags": {"old": 1}}');
select is(get_pm_config() -> 'n_min', '40', 'A configured key holds at the next call');
select is(get_pm_config() #> '{steering,max}', '0.3', 'A nested one too');
select is(get_pm_config() ->> 'release', learning.release(), 'The release is told along');
select is(get_pm_config() #> '{steering,gain}', '0.20', 'Its neighbours keep their defaults');
select is(get_pm_config() -> 'feature_flags', null, 'Legacy keys have no effect');
select is((select version from learning_configs where module_id = 'pm'), 1, 'The first version is 1');
select is(
  (select version from learning.effective_configs where module_id = 'pm'), 1, 'The effective one is the same'
);

update learning_configs set updated_at = '2020-01-01', notes = 'why' where module_id = 'pm';
select is(
  (select (version, updated_at)::text from learning_configs), (1, '2020-01-01'::timestamptz)::text,
  'A note is no change of configuration'
);
select throws_ok(
  $$ update learning_configs set config_data = '{"edge_min": -1}' where module_id = 'pm' $$, '22023', null,
  'A bad change is refused'
);
select is(get_pm_config() -> 'n_min', '40', 'What held before holds still');
update learning_configs set config_data = '{"n_min": 50}', version = 1 where module_id = 'pm';
select is(
  (select (version, updated_at)::text from learning_configs), (2, now())::text,
  'A change counts as a version, whatever the writer says'
);
select is(get_pm_config() #> '{steering,max}', '0.22', 'A key that is gone has its default again');

select pg_temp.configure('{
  "edge_min": 9e-13, "max_q_value": 1e-400, "steering": {"base_bias": -1e-13, "gain": 1e-12}
}');
select is(
  array[get_pm_config() -> 'edge_min', get_pm_config() -> 'max_q_value',
    get_pm_config() #> '{steering,base_bias}'],
  '{0,0,0}', 'A number nearer to 0 than 1e-12 counts as 0'
);
select is(get_pm_config() #> '{steering,gain}', '1e-12', 'One that is not counts');
select is(
  (select config_data -> 'edge_min' from learning_configs), '9e-13',
  'What was written stays as it was written'
);
select pg_temp.configure('{"max_q_value": null}');
select is(get_pm_config() -> 'max_q_value', 'null', 'Null is no number and stays null');

select pg_temp.configure('{"default_allocation_pct": 0.2}', 'decision_maker');
select is(
  learning.config('decision_maker') -> 'default_allocation_pct', '0.2', 'Modules are configured on their own'
);
delete from learning_configs where module_id = 'pm';
select is(learning.config('pm') -> 'n_min', '33', 'Without its row a module is back at its defaults');
update learning.settings set default_value = '44' where path = 'n_min';
select is(learning.config('pm') -> 'n_min', '44', 'A changed default holds at once');
set local role authenticated;
select throws_ok('select get_pm_config()', '42501', null, 'Who has no learning role is not told');
reset role;

-- Numbers that formulas can take -------------------------------------------------------------------------

select pg_temp.configure(
  (select learning.merge_configuration('pm', '{}') ||
    jsonb_build_object('outcome_scale', 1e-6, 'edge_scale', 1e-6, 'staleness_half_life_hours', 1))
);
select is(
  learning.config() ->> 'outcome_scale', '0.000001', 'What holds may be written back as it is'
);

select is(learning.configuration_faults('pm', (
    select jsonb_object_agg('k' || place, '1e131071'::jsonb) from generate_series(1, 257) as place
  )), '{config_data must have at most 256 keys and has 257}', 'A configuration has at most 256 keys');
select matches((learning.configuration_faults('pm', jsonb_build_object('feature_flags', (
    select jsonb_agg('1e131071'::jsonb) from generate_series(1, 100)
  ))))[1], '^config_data must have at most 4194304 bytes and has \d+ or more$', 'And 4 MB as text, legacy keys included');
select is(learning.configuration_faults('pm', jsonb_build_object('feature_flags',
    (repeat('[', 64) || repeat(']', 64))::jsonb
  )), '{config_data must be nested at most 64 deep and is nested deeper}', 'And is nested at most 64 deep');

select * from finish();
rollback;
