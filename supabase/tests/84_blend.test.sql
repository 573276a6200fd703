begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(33);

create function pg_temp.configure(config_data jsonb) returns void language sql as $$
  insert into public.learning_configs (module_id, config_data) values ('pm', config_data)
  on conflict (module_id) do update set config_data = excluded.config_data;
$$;
create function pg_temp.near(have float8, want float8, description text) returns text language sql as $$
  select ok(abs(have - want) < 1e-9, description) || case when abs(have - want) < 1e-9 then '' else
    format(E'\n# have %s, want %s', have, want) end;
$$;

-- Two overrides of one behaviour: 1.1 in general and 1.15 on 15m, confidence 0.8 and 0.9.
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, confidence_score) values
  ('pm_strength', 'pm.uptrend.S1.buy_flag', 'entry', '{}', 1.1, 0.8),
  ('pm_strength', 'module=pm|pattern_key=uptrend.S1.buy_flag', 'entry', '{"timeframe": "15m"}', 1.15, 0.9),
  ('pm_strength', 'pm.uptrend.S1.buy_flag', 'entry', '{"timeframe": "1h"}', 3.0, 0.9),
  ('pm_strength', 'pm.uptrend.S1.buy_flag', 'add', '{}', 3.0, 0.9),
  ('pm_strength', 'pm.uptrend.S1.sell_flag', 'entry', '{}', 3.0, 0.9);
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, confidence_score, enabled) values
  ('pm_strength', 'pm.uptrend.S1.buy_flag', 'entry', '{"chain": "solana"}', 3.0, 0.9, false);
select pg_temp.configure('{"strength_mode": "multiplier"}');
-- Weights 1^1.5 · 0.8 = 0.8 and 2^1.5 · 0.9 = 2.545584; (1.1 · 0.8 + 1.15 · 2.545584)/3.345584 = 1.138044.
select ok(abs(s.pm_strength - 1.138044) < 5e-7, 'Multipliers are blended by specificity and confidence: 1.14')
from get_pm_sizing('pm.uptrend.S1.buy_flag', 'entry', '{"timeframe": "15m", "chain": "solana"}') s;
select ok(abs(s.pm_strength - 1.138044) < 5e-7, 'The long form of a pattern key means the same')
from get_pm_sizing('module=pm|pattern_key=uptrend.S1.buy_flag', 'entry', '{"timeframe": "15m"}') s;
select pg_temp.near(s.pm_strength, 1.1, 'Only containing overrides match')
from get_pm_sizing('pm.uptrend.S1.buy_flag', 'entry', '{"timeframe": "4h"}') s;
select pg_temp.near(s.a_final, 0.5, 'Multipliers leave the posture alone')
from get_pm_sizing('pm.uptrend.S1.buy_flag', 'entry', '{"timeframe": "15m"}') s;
select pg_temp.near(sum((o ->> 'pull')::float8) + 1, max(s.pm_strength), 'The pulls of the listed overrides add up to the strength')
from get_pm_sizing('pm.uptrend.S1.buy_flag', 'entry', '{"timeframe": "15m"}') s, jsonb_array_elements(s.overrides) o;
update pm_overrides set multiplier = 50 where action_category = 'add';
select pg_temp.near(s.pm_strength, 3, 'Strength never exceeds 3') from get_pm_sizing('pm.uptrend.S1.buy_flag', 'add', '{}') s;
update pm_overrides set multiplier = 0.01 where action_category = 'add';
select pg_temp.near(s.pm_strength, 0.3, 'Strength never falls below 0.3') from get_pm_sizing('pm.uptrend.S1.buy_flag', 'add', '{}') s;
update pm_overrides set confidence_score = 0 where action_category = 'add';
select pg_temp.near(s.pm_strength, 1, 'Overrides without any confidence are neutral') from get_pm_sizing('pm.uptrend.S1.buy_flag', 'add', '{}') s;

-- Staleness: half a life of 720 hours after its evidence 1.2 acts as 1.1.
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, dir_a, dir_e, confidence_score, last_evidence_at) values
  ('pm_strength', 'pm.stale', 'entry', '{}', 1.2, 0.62, -0.38, 0.75, '2025-01-01T00:00:00Z'),
  ('pm_strength', 'pm.stale', 'exit', '{}', 1.2, 0.62, -0.38, 0.75, '2025-01-01T00:00:00Z');
select pg_temp.near(s.pm_strength, 1.1, 'An override acts half after one half-life')
from get_pm_sizing('pm.stale', 'entry', '{}', as_of => '2025-01-31T00:00:00Z') s;
select pg_temp.near(s.pm_strength, 1.2, 'An override whose evidence is yet to come does not fade')
from get_pm_sizing('pm.stale', 'entry', '{}', as_of => '2024-01-31T00:00:00Z') s;
select pg_temp.configure('{"strength_mode": "multiplier", "staleness_half_life_hours": 360}');
select pg_temp.near(s.pm_strength, 1.05, 'The half-life is configured, and hot')
from get_pm_sizing('pm.stale', 'entry', '{}', as_of => '2025-01-31T00:00:00Z') s;

-- Posture: dir 0.62 and -0.38 at confidence 0.75 steer by 0.03 + 0.20 · 0.75 = 0.18.
select pg_temp.configure('{}');
-- A: 0.5 + 0.18 · 0.62 · 0.5 = 0.5558; E: 0.5 - 0.18 · 0.38 · 0.5 = 0.4658; strength (0.10 + 0.50 · 0.5558)/0.35.
select pg_temp.near(s.steer_max, 0.18, 'Steering grows with confidence') from get_pm_sizing('pm.stale', 'entry', '{}', as_of => '2025-01-01') s;
select pg_temp.near(s.a_final, 0.5558, 'The appetite moves by a share of its headroom') from get_pm_sizing('pm.stale', 'entry', '{}', as_of => '2025-01-01') s;
select pg_temp.near(s.e_final, 0.4658, 'The assertiveness moves by a share of its headroom') from get_pm_sizing('pm.stale', 'entry', '{}', as_of => '2025-01-01') s;
select pg_temp.near(s.pm_strength, 0.3779 / 0.35, 'Strength is the steered size over the raw one') from get_pm_sizing('pm.stale', 'entry', '{}', as_of => '2025-01-01') s;
select pg_temp.near(s.a_final, 0.5279, 'Directions fade with their evidence') from get_pm_sizing('pm.stale', 'entry', '{}', as_of => '2025-01-31') s;
select pg_temp.near(s.a_final, 0.8 + 0.18 * 0.62 * 0.2, 'Less headroom, less movement') from get_pm_sizing('pm.stale', 'entry', '{}', 0.8, as_of => '2025-01-01') s;
select pg_temp.near((s.shadow #>> '{multiplier,pm_strength}')::float8, 1.2, 'The shadow tells what a multiplier would have done')
from get_pm_sizing('pm.stale', 'entry', '{}', as_of => '2025-01-01') s;

insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, dir_a, confidence_score, edge_raw) values
  ('pm_strength', 'pm.trust', 'entry', '{}', 1, 0.2, 0.4),
  ('pm_strength', 'pm.trust', 'entry', '{"chain": "solana"}', -1, 0.39, 0.4),
  ('pm_strength', 'pm.trust', 'entry', '{"timeframe": "1h"}', 0.5, 0.6, 0.4),
  ('pm_strength', 'pm.trust', 'entry', '{"timeframe": "4h"}', 0.5, 1.0, 0.4),
  ('pm_strength', 'pm.trust', 'entry', '{"curator": "known"}', 1, null, 0.4);
select pg_temp.near(s.a_final, 0.5 + 0.15 * 0.5 * 0.5, 'Overrides of low confidence are ignored beside one that is trusted')
from get_pm_sizing('pm.trust', 'entry', '{"chain": "solana", "timeframe": "1h"}') s;
-- Weights 1 · 0.2 and 2.828427 · 0.39 = 1.103087: dir -0.693035, confidence 0.360839, steer 0.102168, A 0.5 - 0.070806 · 0.5.
select ok(abs(s.a_final - 0.464597) < 5e-7, 'Without a trusted one they all count')
from get_pm_sizing('pm.trust', 'entry', '{"chain": "solana"}') s;
select pg_temp.near(s.steer_max, 0.22, 'Steering has a ceiling') from get_pm_sizing('pm.trust', 'entry', '{"timeframe": "4h"}') s;
select pg_temp.near(s.confidence, 0.5, 'A confidence that was not given counts 0.5') from get_pm_sizing('pm.trust', 'entry', '{"curator": "known"}') s;
select pg_temp.configure('{"steering": {"base_bias": 0.01}}');
select pg_temp.near(s.a_final, 0.5 + (0.22 * 0.5 + 0.01 * 0.4) * 0.5, 'The bias adds a share of the blended edge')
from get_pm_sizing('pm.trust', 'entry', '{"timeframe": "4h"}') s;

-- Edge-weighted: an edge of 0.10 weighs tanh(1), 25 trades 1 - 1/e, fewer dimensions less.
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, edge_raw, n, last_evidence_at) values
  ('pm_strength', 'pm.edge', 'entry', '{}', 1.1, 0.1, 25, '2025-01-01T00:00:00Z'),
  ('pm_strength', 'pm.edge', 'entry', '{"chain": "solana"}', 0.9, -0.1, 25, '2025-01-01T00:00:00Z'),
  ('pm_strength', 'pm.edge', 'entry', '{"chain": "base"}', 2, 0.002, 25, '2025-01-01T00:00:00Z'),
  ('pm_strength', 'pm.edge', 'entry', '{"chain": "base", "timeframe": "1h"}', 1.5, 1, 100000, '2025-01-01T00:00:00Z');
select pg_temp.configure('{"strength_mode": "edge_weighted", "edge_scale": 0.10}');
select pg_temp.near(s.pm_strength, 1.02, 'A call moves the strength by at most 2 percent') from get_pm_sizing('pm.edge', 'entry', '{}', as_of => '2025-01-01') s;
select pg_temp.near(s.pm_strength, 1.1, 'The strength arrives where the overrides point')
from get_pm_sizing('pm.edge', 'entry', '{}', previous_strength => 1.09, as_of => '2025-01-01') s;
select pg_temp.near((s.overrides #>> '{0,weight}')::float8, tanh(1) * (1 - exp(-1)), 'Weight is edge times support')
from get_pm_sizing('pm.edge', 'entry', '{}', as_of => '2025-01-01') s;
select pg_temp.near((s.overrides #>> '{0,weight}')::float8, tanh(1) * (1 - exp(-1)) * exp(-1), 'Weight fades with an unknown half-life of 30 days')
from get_pm_sizing('pm.edge', 'entry', '{}', as_of => '2025-01-31') s;
-- (0.5^1.5 · ln 1.1 + ln 0.9)/(0.5^1.5 + 1) = -0.0529446.
select ok(abs(s.pm_strength - 0.948433) < 5e-7, 'Multipliers are blended as logarithms by specificity')
from get_pm_sizing('pm.edge', 'entry', '{"chain": "solana"}', previous_strength => 0.95, as_of => '2025-01-01') s;
select is(jsonb_array_length(s.overrides), 2, 'Weights below 0.02 are ignored')
from get_pm_sizing('pm.edge', 'entry', '{"chain": "base", "timeframe": "1h"}', as_of => '2025-01-01') s;
select pg_temp.near(s.pm_strength, 1.3, 'Strength stays within the bounds of size_mult')
from get_pm_sizing('pm.edge', 'entry', '{"chain": "base", "timeframe": "1h"}', previous_strength => 1.4, as_of => '2025-01-01') s;

-- Flags.
select pg_temp.configure('{"strength_mode": "multiplier", "flags": {"learning_overrides_enabled_regimes": ["recover"]}}');
select pg_temp.near(s.pm_strength, 1, 'Overrides rest in a phase that is not configured') from get_pm_sizing('pm.stale', 'entry', '{"macro_phase": "dip"}', as_of => '2025-01-01') s;
select pg_temp.near(s.pm_strength, 1, 'Overrides rest where the phase is unknown') from get_pm_sizing('pm.stale', 'entry', '{}', as_of => '2025-01-01') s;
select pg_temp.near(s.pm_strength, 1.2, 'Overrides act in a configured phase') from get_pm_sizing('pm.stale', 'entry', '{"macro_phase": "recover"}', as_of => '2025-01-01') s;

select * from finish();
rollback;
