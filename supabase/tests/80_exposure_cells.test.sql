begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(14);

create function pg_temp.configure(exposure jsonb) returns void language sql as $$
  insert into learning_configs (module_id, config_data)
  values ('pm', jsonb_build_object('exposure', exposure))
  on conflict (module_id) do update set config_data = excluded.config_data;
$$;
create function pg_temp.masks() returns text[] language sql as $$
  select array_agg(array_to_string(dims, '+') order by mask) from learning.exposure_masks;
$$;
create function pg_temp.cells() returns text[] language sql as $$
  select array_agg(format('%s: %s', cell, exposure::numeric(6, 4)) order by cell)
  from learning.exposure_cells
  where pattern_key is null;
$$;
create function pg_temp.weighs(dims text[], weight float8, description text) returns text language sql as $$
  select ok(abs(exposure_mask.weight / weighs.weight - 1) < 1e-12, description)
  from learning.exposure_masks exposure_mask
  where exposure_mask.dims = weighs.dims;
$$;

-- Seventeen dimensions, of weight 1.
select is(
  (select count(*)::integer from learning.exposure_masks), 17 + 17 * 16 / 2, 'Singles and pairs are masks'
);
select pg_temp.weighs('{chain}', sqrt(1.0 / 17), 'A mask weighs the root of its share of all weights');
select pg_temp.weighs('{chain,timeframe}', sqrt(2.0 / 17), 'A pair has the share of both');

select pg_temp.configure(
  '{"masks": [["bucket", "chain"], ["timeframe", "chain"], ["chain", "timeframe", "chain"], ["A_mode"]]}'
);
select is(
  pg_temp.masks(), '{chain+mcap_bucket,chain+timeframe,A_mode}',
  'Configured masks take the place of the default ones, each once and by the dimensions'' names'
);
select pg_temp.configure('{"masks": ["full", ["chain"]], "weight_exponent": 0}');
select is(pg_temp.masks(), '{chain}', 'The full scope is each candidate''s own and no mask of all');
select pg_temp.weighs('{chain}', 1, 'Without an exponent all masks weigh the same');
select pg_temp.configure('{"masks": ["singles"], "weight_exponent": 10}');
update scope_dimensions set weight = case dim when 'chain' then 1e-6 else 1e6 end where true;
select pg_temp.weighs(
  '{chain}', power(1e-6::float8 / (16e6 + 1e-6), 10), 'The lightest mask that can be has a weight of its own'
);

insert into lowcap_positions
  (token_chain, token_contract, timeframe, status, total_allocation_pct, pattern_key, entry_context)
values
  ('solana', 'a', '1h', 'active', 0.06, 'pm.uptrend.S1.entry', '{"desk": "night"}'),
  ('base', 'b', '1h', 'watchlist', 0.04, null, '{"desk": "night"}');
select is(
  pg_temp.cells(),
  array['"chain":"base": 0.0400', '"chain":"solana": 0.0600', '"timeframe":"1h": 0.1000'],
  'A cell has the exposure of all that is held in it'
);
select results_eq(
  $$ select pattern_key, exposure, positions from learning.exposure_cells
     where cell = '"timeframe":"1h"' order by pattern_key nulls last $$,
  $$ values ('', 0.04::float8, 1), ('pm.uptrend.S1.entry', 0.06, 1), (null, 0.1, 2) $$,
  'And that of each behaviour, the unknown one among them'
);

create function pg_temp.reads_of_all_cells() returns bigint language sql as $$
  select seq_scan from pg_catalog.pg_stat_xact_all_tables where relid = 'learning.exposure_cells'::regclass;
$$;
create temp table scans as select pg_temp.reads_of_all_cells() as before;
update lowcap_positions set total_allocation_pct = 0.05 where token_contract = 'b';
select is(
  pg_temp.reads_of_all_cells() - before, 0::bigint,
  'A position that is written is counted without reading all cells'
)
from scans;
select is(
  pg_temp.cells(),
  array['"chain":"base": 0.0500', '"chain":"solana": 0.0600', '"timeframe":"1h": 0.1100'],
  'A position that changes is counted as it is now'
);
with gone as (delete from scope_dimensions where dim = 'chain' returning bit)
insert into scope_dimensions (dim, bit, source) select 'desk', gone.bit, 'entry' from gone;
select is(
  pg_temp.cells(), array['"desk":"night": 0.1100', '"timeframe":"1h": 0.1100'],
  'A dimension that takes over a bit in one statement is seen in what is held'
);
delete from lowcap_positions where token_contract = 'a';
select is(
  pg_temp.cells(), array['"desk":"night": 0.0500', '"timeframe":"1h": 0.0500'],
  'A position that goes is taken away'
);
delete from lowcap_positions where true;
select is_empty($$ select * from learning.exposure_cells $$, 'When all have gone nothing is left');

select * from finish();
rollback;
