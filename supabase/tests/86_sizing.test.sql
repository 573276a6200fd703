begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(98);

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
select results_eq(
  $$ select specificity::numeric(6, 3), weight::numeric(6, 3) from match_pm_overrides('pm.uptrend.S1.buy_flag', 'entry', '{"timeframe": "15m"}') $$,
  $$ values (2.828, 2.546), (1.000, 0.800) $$,
  'Matches are listed heaviest first with specificity and weight');
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
select pg_temp.near(s.pm_strength, 1, 'Exits are not scaled') from get_pm_sizing('pm.stale', 'exit', '{"chain": "solana"}', as_of => '2025-01-01') s;
select pg_temp.near(s.exposure_skew, 1, 'Exits are not skewed') from get_pm_sizing('pm.stale', 'exit', '{"chain": "solana"}', as_of => '2025-01-01') s;
select pg_temp.near(s.e_final, 0.4658, 'Exits are steered') from get_pm_sizing('pm.stale', 'exit', '{}', as_of => '2025-01-01') s;
select pg_temp.near(s.size_frac, 0.35, 'An exit''s size is the raw one') from get_pm_sizing('pm.stale', 'exit', '{}', as_of => '2025-01-01') s;

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
select pg_temp.configure('{"strength_mode": "edge_weighted"}');
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
select pg_temp.configure('{"flags": {"learning_overrides_enabled": false, "exposure_skew_enabled": false}}');
select pg_temp.near(s.size_frac, 0.35, 'With both flags off the size is the raw one') from get_pm_sizing('pm.stale', 'entry', '{"chain": "solana"}', as_of => '2025-01-01') s;

-- Malformed arguments.
select throws_ok($$ select get_pm_sizing('pm.a', 'entry', '{}', 1.1) $$, '22023', 'Argument a_value must be a number from 0 to 1 and is ''1.1''', 'An appetite above 1 is refused');
select throws_ok($$ select get_pm_sizing('pm.a', 'buy', '{}') $$, '22023', null, 'An unknown category is refused');
select throws_ok($$ select get_pm_sizing('pm.a', 'entry', '[]') $$, '22023', null, 'A scope that is no object is refused');

-- Batch.
select results_eq(
  $$ select position, error ->> 'code', size_frac::numeric(6, 4) from get_pm_sizing_batch('[
    {"pattern_key": "pm.a", "action_category": "entry", "scope": {}},
    {"pattern_key": "pm.a", "action_category": "entry", "scope": {}, "a_value": "x"},
    7,
    {"pattern_key": "pm.a", "action_category": "entry", "scope": {}, "a_value": 1}]') $$,
  $$ values (1, null, 0.3500), (2, '22023', null), (3, '22023', null), (4, null, 0.6000) $$,
  'A batch keeps its order and answers a bad candidate in its own row');

select throws_ok($$ select * from get_pm_sizing_batch('{}') $$, '22023', 'Argument candidates must be an array of at most 1000 objects and is ''{}''', 'A batch that is no list is refused');
select throws_ok($$ select * from get_pm_sizing_batch((select jsonb_agg('{}'::jsonb) from generate_series(1, 1001))) $$, '22023',
  'Argument candidates must be an array of at most 1000 objects and is an array of 1001', 'A batch that is too long is refused');
select is_empty($$ select * from get_pm_sizing_batch('[]') $$, 'An empty batch has no answers');
select results_eq(
  $$ select error ->> 'message' from get_pm_sizing_batch('[
    {"pattern_key": "pm.a", "action_category": "entry", "scope": {}, "apetite": 1},
    {"pattern_key": "pm.a", "action_category": "entry", "scope": {}, "as_of": "soon"},
    {"pattern_key": "pm.a", "action_category": "entry", "scope": {"chain": {"name": "solana"}}},
    {"action_category": "entry", "scope": {}}]') $$,
  $$ values ('A candidate has no argument ''apetite'''), ('Argument as_of must be a time and is ''soon'''),
    ('Scope is not valid: chain must be a text, a number or a boolean'),
    ('Argument pattern_key must be a behaviour such as pm.uptrend.S1.buy_flag and is null') $$,
  'Each bad candidate says what is wrong with it');
select is((select error ->> 'hint' from get_pm_sizing_batch('[{"pattern_key": "pm.a", "action_category": "entry", "scope": {}, "as_of": "soon"}]')),
  'Correct as_of and ask again; nothing else was looked at.', 'And what to correct');
select throws_ok(format('select get_pm_sizing(%s)', arguments), '22023', null, arguments || ' is refused') from unnest(array[
  $$null, 'entry', '{}'$$, $$' ', 'entry', '{}'$$, $$'pm.a', null, '{}'$$, $$'pm.a', 'entry', null$$, $$'pm.a', 'entry', '3'$$,
  $$'pm.a', 'entry', '{}', 'NaN'$$, $$'pm.a', 'entry', '{}', e_value => 'Infinity'$$, $$'pm.a', 'entry', '{}', previous_strength => 'NaN'$$,
  $$'pm.a', 'entry', '{}', previous_strength => 0$$, $$'pm.a', 'entry', '{}', as_of => '-infinity'$$]) as arguments;
select is(s.a_final, 0.5::float8, 'An appetite that is not given is 0.5') from get_pm_sizing('pm.a', 'entry', '{}', null, null, null, null) s;

-- What the row says of itself.
select pg_temp.configure('{"strength_mode": "multiplier"}');
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, confidence_score)
select 'pm_strength', 'pm.crowd', 'entry', jsonb_strip_nulls(jsonb_build_object('chain', case when place & 1 > 0 then 'c' end,
  'curator', case when place & 2 > 0 then 'k' end, 'intent', case when place & 4 > 0 then 'i' end, 'timeframe', case when place & 8 > 0 then '1h' end,
  'A_mode', case when place & 16 > 0 then 'a' end, 'E_mode', case when place & 32 > 0 then 'e' end)), 1 + place / 100.0, 0.5
from generate_series(0, 63) as place;
create temp table crowd as
select s.* from get_pm_sizing('pm.crowd', 'entry', '{"chain": "c", "curator": "k", "intent": "i", "timeframe": "1h", "A_mode": "a", "E_mode": "e"}') s;
select is(jsonb_array_length(overrides), 51, 'The 50 heaviest overrides are listed and one entry for the rest') from crowd;
select is(overrides #>> '{50,rest}', '14', 'The last entry says how many are left') from crowd;
select is(overrides #> '{0,scope_subset}', '{"chain": "c", "A_mode": "a", "E_mode": "e", "intent": "i", "curator": "k", "timeframe": "1h"}', 'The heaviest comes first') from crowd;
select pg_temp.near(sum((o ->> 'share')::float8), 1, 'Shares sum to one, the rest included') from crowd, jsonb_array_elements(overrides) o;
select pg_temp.near(1 + sum((o ->> 'pull')::float8), max(pm_strength), 'Pulls sum to the strength, the rest included') from crowd, jsonb_array_elements(overrides) o;
-- Number of scopes with k pairs: 6 choose k; each weighs (k + 1)^1.5 · 0.5.
select pg_temp.near(sum((o ->> 'weight')::float8), (0.5 * (1 + 6 * 2 ^ 1.5 + 15 * 3 ^ 1.5 + 20 * 8 + 15 * 5 ^ 1.5 + 6 * 6 ^ 1.5 + 7 ^ 1.5))::float8, 'Weights are all there')
from crowd, jsonb_array_elements(overrides) o;
select set_eq($$ select jsonb_object_keys(shadow) from crowd $$, array['posture', 'edge_weighted'], 'The shadow holds the modes that are not configured');
-- Of the 64 scopes 6 have one pair.
update pm_overrides set confidence_score = 0 where pattern_key = 'pm.crowd' and bit_count(scope_mask::bit(32)) = 1;
select is(array[jsonb_array_length(s.overrides), (s.overrides #>> '{50,rest}')::integer], '{51,8}', 'What has no confidence does not act and is not among the rest')
from get_pm_sizing('pm.crowd', 'entry', '{"chain": "c", "curator": "k", "intent": "i", "timeframe": "1h", "A_mode": "a", "E_mode": "e"}') s;
update pm_overrides set confidence_score = 0 where pattern_key = 'pm.crowd' and bit_count(scope_mask::bit(32)) = 2;
select is(array[jsonb_array_length(s.overrides), (select count(*) from jsonb_array_elements(s.overrides) o where o ? 'rest')], '{43,0}', 'Where all that act are listed there is no rest')
from get_pm_sizing('pm.crowd', 'entry', '{"chain": "c", "curator": "k", "intent": "i", "timeframe": "1h", "A_mode": "a", "E_mode": "e"}') s;
select pg_temp.configure('{}');
select pg_temp.near(sum((o ->> 'pull')::float8), -0.0684, 'For an exit a pull is one on the assertiveness')
from get_pm_sizing('pm.stale', 'exit', '{}', as_of => '2025-01-01') s, jsonb_array_elements(s.overrides) o;

-- One by one. Weights: general 0.8, by chain 2^1.5 · 0.5 = √2; the third is less confident than 0.40 and the others are not.
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, dir_a, dir_e, multiplier, edge_raw, n, variance, confidence_score) values
  ('pm_strength', 'pm.pulled', 'entry', '{}', 1, 0, 0.9, 0.2, 25, 0, 0.8),
  ('pm_strength', 'pm.pulled', 'entry', '{"chain": "c"}', -0.5, 0.5, 1.2, -0.1, 25, 1, 0.5),
  ('pm_strength', 'pm.pulled', 'entry', '{"chain": "c", "timeframe": "1h"}', 1, 1, 3, 0.001, 25, 0, 0.3),
  ('pm_strength', 'pm.pulled', 'exit', '{}', 1, 0.5, 1, 0.2, 25, 0, 0.8);
create function pg_temp.pulled(category text default 'entry') returns setof jsonb language sql as $$
  select entry from public.get_pm_sizing('pm.pulled', category, '{"chain": "c", "timeframe": "1h"}') s, jsonb_array_elements(s.overrides) entry;
$$;
create function pg_temp.matched() returns setof public.pm_override_match language sql as $$
  select * from public.match_pm_overrides('pm.pulled', 'entry', '{"chain": "c", "timeframe": "1h"}');
$$;
select pg_temp.configure('{"steering": {"base_bias": 0.5}}');
-- Confidence (0.64 + √2/2)/(0.8 + √2), steer 0.03 + 0.20 of that; each pulls its share of steer · dir_a + 0.5 · edge.
create temp table sums as select 0.8 + sqrt(2::float8) as weight, 0.03 + 0.20 * (0.64 + sqrt(2::float8) / 2) / (0.8 + sqrt(2::float8)) as steer;
select pg_temp.near((p ->> 'pull')::float8, 0.8 / weight * (steer + 0.1), 'A pull is a share of direction and bias') from pg_temp.pulled() p, sums where p -> 'scope_subset' = '{}';
select pg_temp.near((p ->> 'pull')::float8, sqrt(2::float8) / weight * (-0.5 * steer - 0.05), 'One against it as well') from pg_temp.pulled() p, sums where p -> 'scope_subset' <> '{}';
select pg_temp.near((p ->> 'pull')::float8, 0.5 * (0.03 + 0.20 * 0.8), 'The bias is one to add and has no part in an exit') from pg_temp.pulled('exit') p;
select results_eq('select scope_subset, acts, round(weight::numeric, 9), round(share::numeric, 9) from pg_temp.matched()', $$
  select given.scope::jsonb, given.acts, round(given.weight::numeric, 9), round(case when given.acts then given.weight / sums.weight else 0 end::numeric, 9)
  from sums, (values ('{"chain": "c", "timeframe": "1h"}', false, 3 ^ 1.5 * 0.3), ('{"chain": "c"}', true, sqrt(2::float8)), ('{}', true, 0.8)) as given(scope, acts, weight)
$$, 'A match says whether it acts and with what share: not beside more confident ones');
select pg_temp.configure('{"flags": {"learning_overrides_enabled": false}}');
select results_eq('select acts, share, round(weight::numeric, 9) from pg_temp.matched()', $$
  select false, 0::float8, round(weight::numeric, 9) from unnest(array[3 ^ 1.5 * 0.3, sqrt(2::float8), 0.8]) as weight
$$, 'Where overrides are switched off none acts, and each keeps its weight');
select is_empty('select pg_temp.pulled()', 'Nor does one pull');
select pg_temp.configure('{"strength_mode": "edge_weighted"}');
-- By the most specific match, of two pairs, though that itself weighs tanh(0.01) · (1 - 1/e) = 0.006 and is set aside.
create temp table edges as select tanh(2) * (1 - exp(-1)) * (1 / 3.0) ^ 1.5 as general, tanh(1) * (1 - exp(-1)) / 2 * (2 / 3.0) ^ 1.5 as by_chain;
select results_eq('select scope_subset, acts, round(weight::numeric, 9), round(share::numeric, 9) from pg_temp.matched()', $$
  select given.scope::jsonb, given.acts, round(given.weight::numeric, 9), round(case when given.acts then given.weight / (general + by_chain) else 0 end::numeric, 9)
  from edges, lateral (values ('{"chain": "c"}', true, by_chain), ('{}', true, general), ('{"chain": "c", "timeframe": "1h"}', false, tanh(0.01) * (1 - exp(-1)))) as given(scope, acts, weight)
$$, 'By edge a match weighs what its edge is worth, and acts from 0.02');
select pg_temp.near((p ->> 'pull')::float8, by_chain / (general + by_chain) * ln(1.2), 'By edge a pull is a share of a logarithm') from pg_temp.pulled() p, edges where p -> 'scope_subset' <> '{}';
-- A group once knew an override of four pairs: what it weighed against is gone with it.
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset) values ('pm_strength', 'pm.pulled', 'entry', '{"chain": "c", "timeframe": "1h", "curator": "k", "intent": "i"}');
delete from pm_overrides where pattern_key = 'pm.pulled' and (scope_mask = 0 or bit_count(scope_mask::bit(32)) > 1) and action_category = 'entry';
update pm_overrides set edge_raw = 0.005, variance = 0, n = 2147483647 where pattern_key = 'pm.pulled' and action_category = 'entry';
-- Alone it is the most specific and weighs tanh(0.05) = 0.04996; beside one of four pairs it would weigh 0.0126.
select pg_temp.near((p ->> 'weight')::float8, tanh(0.05), 'A light edge acts where no more specific override is left') from pg_temp.pulled() p;
select pg_temp.near(s.confidence, 0.5, 'Its confidence counts') from get_pm_sizing('pm.pulled', 'entry', '{"chain": "c", "timeframe": "1h"}') s;
select pg_temp.configure('{}');

-- The same for a person.
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, dir_a, confidence_score, enabled, disabled_reason) values
  ('pm_strength', 'pm.told', 'entry', '{}', 0.5, 0.8, true, null),
  ('pm_strength', 'pm.told', 'entry', '{"chain": "solana"}', 0.5, 0.3, true, null),
  ('pm_strength', 'pm.told', 'entry', '{"chain": "base", "timeframe": "1h"}', 0.5, 0.9, true, null),
  ('pm_strength', 'pm.told', 'entry', '{"curator": "known", "timeframe": "1h"}', 0.5, 0.7, true, null),
  ('pm_strength', 'pm.told', 'entry', '{"curator": "known", "chain": "base"}', 0.5, 0.7, true, null),
  ('pm_strength', 'pm.told', 'entry', '{"timeframe": "1h"}', 0.5, 0.7, false, 'too good to be true');
create temp table told as
select regexp_replace(line, 'override \d+', 'override') as line from explain_pm_sizing('pm.told', 'entry', '{"chain": "solana", "timeframe": "1h"}') as line;
-- 0.5 moves by 0.19 · 0.5 of its headroom to 0.5475: 0.37375/0.35 = 1.067857.
select ok(exists (select from told where line = 'Size 0.497088 = 0.35 (0.10 + 0.50 × appetite 0.5) × strength 1.067857 × exposure skew 1.33'), 'The size is spelt out');
select ok(exists (select from told where line = '  override in {}: weight 0.8, share 1, pull +0.095'), 'What acted is named');
select ok(exists (select from told where line like '  set aside: override in {"chain": "solana"}, its confidence 0.3 is below 0.4%'), 'What was set aside is named with the reason');
select set_eq($$ select line from told where line like '  nearly matched%' $$, array[
  $$  nearly matched: override in {"chain": "base", "timeframe": "1h"}, but chain is 'solana' and not 'base'$$,
  $$  nearly matched: override in {"curator": "known", "timeframe": "1h"}, but curator is unknown and not 'known'$$],
  'What failed on one dimension alone is named with the dimension');
select ok(exists (select from told where line = '  switched off: override in {"timeframe": "1h"}, by user: too good to be true'), 'What is switched off is named with the reason');

-- What was applied, beside how it ended.
insert into ad_strands (id, kind, module, timeframe, content) values
  ('sized', 'pm_action', 'pm', '1h', '{"trade_id": "t1", "pattern_key": "module=pm|pattern_key=uptrend.S1.x", "action_category": "entry", "size_frac": 0.4,
    "a_value": 0.6, "reasons": {"pm_strength_applied": 1.1, "exposure_skew_applied": 0.9}}'),
  ('silent', 'pm_action', 'pm', '1h', '{"trade_id": "t2", "pattern_key": "pm.x", "action_category": "exit", "size_frac": "all", "a_value": 1e999, "reasons": [1]}'),
  ('other', 'dm_action', 'dm', '1h', '{"trade_id": "t1"}');
insert into learning.closed_trades (trade_id, close_strand_id, roi, rr, pnl_usd, exit_at) values ('t1', 'close', 0.05, 1.5, 100, '2025-01-02');
select results_eq(
  $$ select action_strand_id, pattern_key, size_frac, pm_strength_applied, exposure_skew_applied, closed, roi, rr from pm_sizing_audit
     where action_strand_id in ('sized', 'silent', 'other') order by action_strand_id desc $$,
  $$ values ('sized', 'pm.uptrend.S1.x', 0.4::float8, 1.1::float8, 0.9::float8, true, 0.05::float8, 1.5::float8),
    ('silent', 'pm.x', null, null, null, false, null, null) $$,
  'The audit shows what each action says was applied and how its trade ended');

select * from finish();
rollback;
