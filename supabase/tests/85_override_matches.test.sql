begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(21);

create function pg_temp.configure(config_data jsonb) returns void language sql as $$
  insert into public.learning_configs (module_id, config_data) values ('pm', config_data)
  on conflict (module_id) do update set config_data = excluded.config_data;
$$;
create function pg_temp.near(have float8, want float8, description text) returns text language sql as $$
  select ok(abs(have - want) < 1e-9, description) || case when abs(have - want) < 1e-9 then '' else
    format(E'\n# have %s, want %s', have, want) end;
$$;

-- All of them, for a person.
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, confidence_score) values
  ('pm_strength', 'pm.uptrend.S1.buy_flag', 'entry', '{}', 1.1, 0.8),
  ('pm_strength', 'module=pm|pattern_key=uptrend.S1.buy_flag', 'entry', '{"timeframe": "15m"}', 1.15, 0.9),
  ('pm_strength', 'pm.uptrend.S1.buy_flag', 'entry', '{"timeframe": "1h"}', 3.0, 0.9),
  ('pm_strength', 'pm.uptrend.S1.buy_flag', 'add', '{}', 3.0, 0.9),
  ('pm_strength', 'pm.uptrend.S1.sell_flag', 'entry', '{}', 3.0, 0.9);
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, confidence_score, enabled) values
  ('pm_strength', 'pm.uptrend.S1.buy_flag', 'entry', '{"chain": "solana"}', 3.0, 0.9, false);
select pg_temp.configure('{"strength_mode": "multiplier"}');
select results_eq(
  $$ select specificity::numeric(6, 3), weight::numeric(6, 3) from match_pm_overrides('pm.uptrend.S1.buy_flag', 'entry', '{"timeframe": "15m"}') $$,
  $$ values (2.828, 2.546), (1.000, 0.800) $$,
  'Matches are listed heaviest first with specificity and weight');

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
select set_eq($$ select jsonb_object_keys(shadow) from crowd $$, array['posture', 'edge_weighted', 'calibrated'], 'The shadow holds the modes that are not configured');
-- Of the 64 scopes 6 have one pair.
update pm_overrides set confidence_score = 0 where pattern_key = 'pm.crowd' and bit_count(scope_mask::bit(32)) = 1;
select is(array[jsonb_array_length(s.overrides), (s.overrides #>> '{50,rest}')::integer], '{51,8}', 'What has no confidence does not act and is not among the rest')
from get_pm_sizing('pm.crowd', 'entry', '{"chain": "c", "curator": "k", "intent": "i", "timeframe": "1h", "A_mode": "a", "E_mode": "e"}') s;
update pm_overrides set confidence_score = 0 where pattern_key = 'pm.crowd' and bit_count(scope_mask::bit(32)) = 2;
select is(array[jsonb_array_length(s.overrides), (select count(*) from jsonb_array_elements(s.overrides) o where o ? 'rest')], '{43,0}', 'Where all that act are listed there is no rest')
from get_pm_sizing('pm.crowd', 'entry', '{"chain": "c", "curator": "k", "intent": "i", "timeframe": "1h", "A_mode": "a", "E_mode": "e"}') s;
select pg_temp.configure('{}');
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, dir_e, confidence_score) values
  ('pm_strength', 'pm.stale', 'exit', '{}', -0.38, 0.75);
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
select pg_temp.configure('{"strength_mode": "edge_weighted", "edge_scale": 0.10}');
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

select * from finish();
rollback;
