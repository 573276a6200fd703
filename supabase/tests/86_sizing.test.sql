begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(20);

create function pg_temp.configure(config_data jsonb) returns void language sql as $$
  insert into public.learning_configs (module_id, config_data) values ('pm', config_data)
  on conflict (module_id) do update set config_data = excluded.config_data;
$$;
create function pg_temp.near(have float8, want float8, description text) returns text language sql as $$
  select ok(abs(have - want) < 1e-9, description) || case when abs(have - want) < 1e-9 then '' else
    format(E'\n# have %s, want %s', have, want) end;
$$;

-- Nothing learned, nothing held.
select is(s.mode, 'posture', 'Posture is the mode unless another is configured') from get_pm_sizing('pm.a', 'entry', '{}') s;
select pg_temp.near(s.size_frac_raw, 0.35, 'An appetite of 0.5 asks for a size of 0.35') from get_pm_sizing('pm.a', 'entry', '{}') s;
select pg_temp.near(s.pm_strength, 1, 'Strength is neutral where no override matches') from get_pm_sizing('pm.a', 'entry', '{}') s;
select pg_temp.near(s.exposure_skew, 1, 'A candidate without a scope is not skewed') from get_pm_sizing('pm.a', 'entry', '{}') s;
select pg_temp.near(s.exposure_skew, 1.33, 'With nothing held every scope is free') from get_pm_sizing('pm.a', 'entry', '{"chain": "solana"}') s;
select pg_temp.near(s.size_frac, 0.35 * 1.33, 'Size is raw size times both factors') from get_pm_sizing('pm.a', 'entry', '{"chain": "solana"}') s;
select pg_temp.near(s.max_alloc_pct, 0.133, 'Allocation is the base times both factors') from get_pm_sizing('pm.a', 'entry', '{"chain": "solana"}') s;
select pg_temp.near(s.size_frac, 0.6 * 1.33, 'A full appetite asks for 0.60') from get_pm_sizing('pm.a', 'entry', '{"chain": "solana"}', 1) s;
select pg_temp.near(s.confidence, 0, 'Confidence is 0 where nothing acts') from get_pm_sizing('pm.a', 'entry', '{}') s;
select is(s.overrides, '[]', 'No override is listed where none acts') from get_pm_sizing('pm.a', 'entry', '{}') s;
select pg_temp.near(s.timeframe_share, 0.5, 'The share of the timeframe is told') from get_pm_sizing('pm.a', 'entry', '{"timeframe": "1h"}') s;
select is(s.timeframe_share, null, 'A timeframe without a share has none') from get_pm_sizing('pm.a', 'entry', '{"timeframe": "1m"}') s;
select is(s.config_version, 0, 'The version is 0 while nothing is configured') from get_pm_sizing('pm.a', 'entry', '{}') s;

-- Exits.
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, dir_a, dir_e, confidence_score, last_evidence_at) values
  ('pm_strength', 'pm.stale', 'entry', '{}', 1.2, 0.62, -0.38, 0.75, '2025-01-01T00:00:00Z'),
  ('pm_strength', 'pm.stale', 'exit', '{}', 1.2, 0.62, -0.38, 0.75, '2025-01-01T00:00:00Z');
select pg_temp.near(s.pm_strength, 1, 'Exits are not scaled') from get_pm_sizing('pm.stale', 'exit', '{"chain": "solana"}', as_of => '2025-01-01') s;
select pg_temp.near(s.exposure_skew, 1, 'Exits are not skewed') from get_pm_sizing('pm.stale', 'exit', '{"chain": "solana"}', as_of => '2025-01-01') s;
select pg_temp.near(s.e_final, 0.4658, 'Exits are steered') from get_pm_sizing('pm.stale', 'exit', '{}', as_of => '2025-01-01') s;
select pg_temp.near(s.size_frac, 0.35, 'An exit''s size is the raw one') from get_pm_sizing('pm.stale', 'exit', '{}', as_of => '2025-01-01') s;

-- Flags.
select pg_temp.configure('{"flags": {"learning_overrides_enabled": false, "exposure_skew_enabled": false}}');
select pg_temp.near(s.size_frac, 0.35, 'With both flags off the size is the raw one') from get_pm_sizing('pm.stale', 'entry', '{"chain": "solana"}', as_of => '2025-01-01') s;

-- What was ignored.
select is((get_pm_sizing('pm.told', 'entry', '{"chain": "solana"}')).ignored, '{}', 'A scope of dimensions leaves nothing out');
select is((get_pm_sizing('pm.told', 'entry', '{"chian": "solana", "colour": "red", "bucket": "micro"}')).ignored, '{"chian": "chain", "colour": null}',
  'Keys that are no dimension are told, with the nearest that is');

select * from finish();
rollback;
