begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
-- As where a configuration is written: compiling the check takes half a second, checking a millisecond.
set local jit = off;
select plan(179);

create function pg_temp.fault(given_path text, value jsonb) returns text language sql as $$
  select learning.setting_fault(setting, value)
  from learning.settings setting
  where setting.path = given_path;
$$;
create function pg_temp.accepts(path text, value jsonb) returns text language sql as $$
  select is(pg_temp.fault(path, value), null, path || ' takes ' || left(value::text, 60));
$$;
create function pg_temp.refuses(path text, value jsonb, wanted text) returns text language sql as $$
  select is(
    pg_temp.fault(path, value), 'must be ' || wanted || ', not ' || value, path || ' refuses ' || value
  );
$$;

-- Numbers ------------------------------------------------------------------------------------------------

select pg_temp.accepts('edge_min', value) from unnest('{0,0.5,1e6,0e0,-1e-13,1e-400}'::jsonb[]) as value;
select pg_temp.refuses('edge_min', value, 'a number from 0 to 1000000')
from unnest(array[
  '-0.01', '1000001', '"0.05"', 'true', '[1]', '{"a": 1}', 'null', '1e40', '-1e40'
]::jsonb[]) as value;
select is(
  pg_temp.fault('edge_min', '1e400'),
  'must be a number from 0 to 1000000, not 1' || repeat('0', 59) || '…',
  'What was given is told, as much of it as can be read'
);
-- The ends of what may be set, and what lies right beyond them.
select pg_temp.accepts(range.path, to_jsonb(bound))
from (values
  ('outcome_scale', 1e-6, 1e6), ('edge_scale', 1e-6, 1e6), ('steering.roi_scale', 1e-6, 1e6),
  ('staleness_half_life_hours', 1, 1e9), ('tuning.lookback_days', 0.001, 36500),
  ('exposure.alpha', 1e-6, 1e6), ('exposure.beta', 0, 1e6), ('exposure.weight_exponent', 0, 10),
  ('exposure.cap', 1e-6, 1e6), ('steering.base_bias', -1, 1), ('default_allocation_pct', 1e-6, 1)
) as range(path, lowest, highest)
cross join lateral unnest(array[range.lowest, range.highest]) as bound;
select pg_temp.refuses(range.path, beyond, range.wanted)
from (values
  ('outcome_scale', '{0,-1,9e-7,1000001}', 'a number from 1e-06 to 1000000, or auto'),
  ('edge_scale', '{0,9e-7,1000001}', 'a number from 1e-06 to 1000000'),
  ('steering.roi_scale', '{0,9e-7,1000001}', 'a number from 1e-06 to 1000000'),
  ('staleness_half_life_hours', '{0,0.99,1000000001}', 'a number from 1 to 1000000000'),
  ('tuning.lookback_days', '{0,0.0009,36501}', 'a number from 0.001 to 36500'),
  ('exposure.alpha', '{0,9e-7,1000001}', 'a number from 1e-06 to 1000000'),
  ('exposure.beta', '{-1,1000001}', 'a number from 0 to 1000000'),
  ('exposure.weight_exponent', '{-1,10.1}', 'a number from 0 to 10'),
  ('exposure.cap', '{0,9e-7,1000001}', 'a number from 1e-06 to 1000000, or null'),
  ('default_allocation_pct', '{0,9e-7,1.1}', 'a number from 1e-06 to 1')
) as range(path, values, wanted)
cross join lateral unnest(range.values::jsonb[]) as beyond;
select pg_temp.accepts('max_q_value', value) from unnest('{0,1,"null"}'::jsonb[]) as value;
select pg_temp.refuses('max_q_value', value, 'a number from 0 to 1, or null')
from unnest('{-0.1,1.01}'::jsonb[]) as value;
select pg_temp.accepts('outcome_scale', '"auto"');
select pg_temp.accepts('near_misses', value) from unnest('{0,200,"null"}'::jsonb[]) as value;
select pg_temp.refuses('near_misses', value, 'a whole number from 0 to 100000, or null')
from unnest('{-1,0.5,100001}'::jsonb[]) as value;
select pg_temp.accepts('incremental_min', value) from unnest('{0,0.02,"null"}'::jsonb[]) as value;

select pg_temp.accepts('n_min', value) from unnest('{2,33.0,1000000}'::jsonb[]) as value;
select pg_temp.refuses('n_min', value, 'a whole number from 2 to 1000000')
from unnest(array['33.5', '1', '1000001', 'null', '"33"']::jsonb[]) as value;
select pg_temp.refuses('max_lessons_per_group', value, 'a whole number from 1 to 100000')
from unnest('{0,100001}'::jsonb[]) as value;
select pg_temp.refuses('mining_workers', '65', 'a whole number from 1 to 64');
select pg_temp.refuses('cpu_budget_ms', '49', 'a whole number from 50 to 10000');

-- Other kinds --------------------------------------------------------------------------------------------

select pg_temp.accepts(path, 'true')
from unnest(array[
  'steering.relative', 'tuning.confirm', 'flags.dm_alloc_overrides_enabled', 'representatives_only',
  'refuse_selected'
]) as path;
select pg_temp.refuses('steering.relative', value, 'true or false')
from unnest(array['1', '"true"', 'null', '[true]']::jsonb[]) as value;

select pg_temp.accepts(choice.path, to_jsonb(value))
from (values
  ('strength_mode', '{posture,multiplier,edge_weighted,calibrated}'::text[]), ('cluster', '{week,day,span,none,auto}'),
  ('outcome', '{roi,rr}'), ('baseline', '{global,category}'), ('selection', '{distinct,exhaustive}'),
  ('decay.source', '{events,history}'), ('add_outcome', '{own,trade}'), ('trim_outcome', '{own,trade}'),
  ('exit_outcome', '{regret,trade}'), ('fdr', '{by,bh}'), ('memory', '{auto,none}')
) as choice(path, values)
cross join lateral unnest(choice.values) as value;
select pg_temp.refuses('strength_mode', value, 'one of posture, multiplier, edge_weighted, calibrated')
from unnest(array['"Posture"', '3', '["posture"]', 'null']::jsonb[]) as value;

select pg_temp.accepts('flags.learning_overrides_enabled_regimes', value)
from unnest(array['null', '[]', '["bull", "recover"]']::jsonb[]) as value;
select pg_temp.refuses('flags.learning_overrides_enabled_regimes', value, 'a list of texts, or null')
from unnest(array['["bull", 3]', '[["bull"]]', '"bull"']::jsonb[]) as value;

select pg_temp.accepts('regime_dimensions', value)
from unnest(array['[]', '["macro_phase"]', '["chain", "micro_phase"]']::jsonb[]) as value;
select pg_temp.refuses('regime_dimensions', value, 'a list of registered dimensions')
from unnest(array['["colour"]', '["chain", 3]', '"chain"', 'null', '["bucket"]']::jsonb[]) as value;

select pg_temp.accepts('exposure.masks', value)
from unnest(array['null', '["singles"]', '["pairs", ["chain", "timeframe"], ["bucket"]]']::jsonb[]) as value;
select pg_temp.refuses(
  'exposure.masks', value, 'a list of dimension lists, or of singles, pairs and full, or null'
)
from unnest(array['[]', '"full"', '{}']::jsonb[]) as value;
select is(
  pg_temp.fault('exposure.masks', jsonb_build_array('full', entry)),
  'has an entry that is neither a list of registered dimensions nor singles, pairs or full: ' || entry::text,
  'exposure.masks refuses the entry ' || entry::text
)
from unnest(array['"triples"', '[]', '["chain", "colour"]', '["chain", 3]', '7']::jsonb[]) as entry;

select pg_temp.accepts('start_shares', '{"5m": 0.04, "1d": 0.96}');
select pg_temp.refuses(
  'start_shares', value, 'fractions from 0.02 to 0.96 by timeframe that sum to 1'
)
from unnest(array[
  '{"5m": 0.01, "1d": 0.99}', '{"5m": 0.5, "1d": 0.4}', '{"1h": 1}', '{}', '{"1h": "0.5", "4h": 0.5}',
  '{"1h": 1e-40, "4h": 1}', '[0.5, 0.5]', '0.5'
]::jsonb[]) as value;

select pg_temp.accepts('exposure.masks', jsonb_agg('["chain"]'::jsonb)) from generate_series(1, 500);
select is(
  pg_temp.fault('exposure.masks', jsonb_agg('["chain"]'::jsonb)),
  'must stand for at most 500 masks and stands for 501', '501 masks are too many'
)
from generate_series(1, 501);
-- 17 dimensions make 136 pairs.
select is(
  pg_temp.fault('exposure.masks', '["singles", "pairs"]' || jsonb_agg('["chain"]'::jsonb)),
  'must stand for at most 500 masks and stands for 501', 'Singles and pairs count as what they stand for'
)
from generate_series(1, 500 - 17 - 136 + 1);
select is(
  pg_temp.fault('outcome_scale', '[1e131071]'), 'must be a number from 1e-06 to 1000000, or auto, not array of more than 65536 bytes',
  'What is long is not written out to be refused'
);

-- Defaults ------------------------------------------------------------------------------------------------

select throws_ok(
  format('update learning.settings set default_value = %L where path = %L', refused.value, refused.path), '23514',
  'new row for relation "settings" violates check constraint "settings_defaults_fit"',
  format('A default of %s for %s is refused', refused.value, refused.path)
)
from (values
  ('n_min', '1'), ('n_min', '2.5'), ('edge_min', 'null'), ('strength_mode', '"bold"'), ('tuning.confirm', '1'),
  ('start_shares', '{"1h": 1}')
) as refused(path, value);

delete from public.scope_dimensions where dim = 'macro_phase';
select is(pg_temp.fault('regime_dimensions', '["macro_phase"]'), null,
  'A default holds even where its dimension was taken out');

select * from finish();
rollback;
