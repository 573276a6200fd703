begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(26);

create function pg_temp.configure(config_data jsonb) returns void language sql as $$
  insert into public.learning_configs (module_id, config_data) values ('pm', config_data)
  on conflict (module_id) do update set config_data = excluded.config_data;
$$;
create function pg_temp.skew(pattern_key text, scope jsonb, want float8, description text) returns text language sql as $$
  select ok(abs(s.exposure_skew - want) < 1e-9, description) || case when abs(s.exposure_skew - want) < 1e-9 then '' else
    format(E'\n# have %s, want %s', s.exposure_skew, want) end
  from public.get_pm_sizing(pattern_key, 'entry', scope) s;
$$;

insert into lowcap_positions (token_chain, token_contract, timeframe, status, total_allocation_pct, pattern_key) values
  ('solana', 'a', '1h', 'active', 0.06, 'module=pm|pattern_key=uptrend.S1.entry'),
  ('base', 'b', '1h', 'watchlist', 0.04, 'pm.uptrend.S1.entry'),
  ('solana', 'c', '1h', 'dormant', 0.5, 'pm.uptrend.S1.entry'),
  ('solana', 'd', '1h', 'archived', 0.5, 'pm.uptrend.S1.entry'),
  ('solana', 'e', '1h', 'paused', 0.5, 'pm.uptrend.S1.entry');

select is((select count(*)::integer from learning.position_scopes), 2, 'Only watchlist and active positions are exposure');
select is((select array_agg(distinct pattern_key) from learning.position_scopes), '{pm.uptrend.S1.entry}', 'Pattern keys are held dotted');
select results_eq(
  $$ select scope, exposure, positions from scope_exposure order by exposure desc, scope::text collate "C" $$,
  $$ values ('{"timeframe": "1h"}'::jsonb, 0.1::float8, 2), ('{"chain": "solana", "timeframe": "1h"}', 0.06, 1),
       ('{"chain": "solana"}', 0.06, 1), ('{"chain": "base", "timeframe": "1h"}', 0.04, 1), ('{"chain": "base"}', 0.04, 1) $$,
  'The view sums each scope''s exposure');
select ok((select abs(weighted_exposure - 0.1 * sqrt(1.0 / 17)) < 1e-12 from scope_exposure where scope = '{"timeframe": "1h"}'),
  'The view weighs a single dimension with the root of its share');
select is((select sum(positions)::integer from pattern_scope_exposure where pattern_key = 'pm.uptrend.S1.entry'), 6, 'The other view tells them by behaviour');

-- Masks chain, timeframe and both, weights 1 : 1 : √2; exposure 0.06, 0.10, 0.06 of 0.10.
-- (0.16 + 0.06 √2)/((2 + √2) · 0.10) = 0.7171572875.
select pg_temp.skew('pm.other', '{"chain": "solana", "timeframe": "1h"}', 1.33 - (0.16 + 0.06 * sqrt(2)) / (0.2 + 0.1 * sqrt(2)),
  'Partial overlap takes its share');
select pg_temp.skew('pm.other', '{"chain": "eth", "timeframe": "4h"}', 1.33, 'Without overlap the size grows by a third');
select pg_temp.skew('pm.other', '{"timeframe": "1h"}', 0.33, 'All exposure in the candidate''s own scope leaves a third');
select pg_temp.skew('pm.other', '{"curator": "known", "chain": "eth", "timeframe": "1h"}',
  -- Three singles, three pairs and the full scope, of which one single holds everything.
  1.33 - 1 / (3 + 3 * sqrt(2) + sqrt(3)), 'Every mask that the scope fills counts, the full scope with them');
insert into lowcap_positions (token_chain, token_contract, timeframe, status, total_allocation_pct, pattern_key)
values ('eth', 'f', '4h', 'active', 0.1, null);
-- Same behaviour: 0.06, 0.10, 0.06 count half again. (0.16 + 0.06 √2) · 1.5/((2 + √2) · 0.20).
select pg_temp.skew('pm.uptrend.S1.entry', '{"chain": "solana", "timeframe": "1h"}', 1.33 - 1.5 * (0.16 + 0.06 * sqrt(2)) / (0.4 + 0.2 * sqrt(2)),
  'Exposure under the same pattern key counts half again');
select pg_temp.configure('{"exposure": {"cap": 0.15}}');
select pg_temp.skew('pm.other', '{"chain": "solana", "timeframe": "1h"}', 1.33 - (0.16 + 0.06 * sqrt(2)) / (0.3 + 0.15 * sqrt(2)),
  'A cap below the total reads as full crowding');
select pg_temp.configure('{"exposure": {"masks": [["bucket", "chain"], ["chain", "timeframe"], ["chain", "timeframe", "chain"]]}}');
select pg_temp.skew('pm.other', '{"chain": "solana", "timeframe": "1h"}', 1.33 - 0.06 / 0.2, 'Configured masks take the place of the default ones');
select pg_temp.configure('{"exposure": {"masks": [["chain"], "singles", ["chain"]]}}');
select pg_temp.skew('pm.other', '{"chain": "solana", "timeframe": "1h"}', 1.33 - 0.16 / (2 * 0.2), 'A mask that is named twice counts once');
select pg_temp.configure('{"exposure": {"masks": ["singles"], "alpha": 2, "beta": 3, "weight_exponent": 0}}');
select pg_temp.skew('pm.uptrend.S1.entry', '{"chain": "solana", "timeframe": "1h"}', 1.33 - least(1, (2 * 0.16 + 3 * 0.16) / (2 * 2 * 0.2)),
  'Alpha, beta and the exponent are configured');
select pg_temp.configure('{"exposure": {"masks": ["singles"]}}');
update scope_dimensions set weight = 4 where dim = 'chain';
select pg_temp.skew('pm.other', '{"chain": "solana", "timeframe": "1h"}', 1.33 - (2 * 0.06 + 0.10) / (3 * 0.2), 'Heavier dimensions count more');
select pg_temp.configure('{"exposure": {"masks": ["singles"], "weight_exponent": 100, "alpha": 1e-40, "beta": 1e15}}');
select pg_temp.skew('pm.uptrend.S1.entry', '{"chain": "avax", "timeframe": "1h"}', 1.33 - power(4::float8, -100) * 1e55 * 0.10 / 0.2,
  'A weight next to nothing counts where the same behaviour counts as much more');
select pg_temp.configure('{"flags": {"exposure_skew_enabled": false}}');
select pg_temp.skew('pm.other', '{"chain": "solana", "timeframe": "1h"}', 1, 'With the flag off size is not skewed');
select pg_temp.configure('{}');

update lowcap_positions set status = 'archived' where token_contract = 'a';
select is((select array_agg(scope ->> 'chain' order by scope ->> 'chain') from learning.position_scopes), '{base,eth}', 'A position that is archived stops counting');
update lowcap_positions set status = 'active', total_allocation_pct = 0.02 where token_contract in ('c', 'd');
select is((select sum(exposure)::numeric(6, 4) from learning.position_scopes), 0.18, 'Positions that become active count with what they hold now');
delete from lowcap_positions where token_contract = 'f';
select is((select sum(exposure)::numeric(6, 4) from learning.position_scopes), 0.08, 'A deleted position stops counting');
insert into scope_dimensions (dim, bit, source) values ('session', 20, 'entry');
update lowcap_positions set entry_context = '{"session": "asia", "curator": {"bad": 1}, "bucket": "micro"}' where token_contract = 'b';
select is((select scope from learning.position_scopes where scope ->> 'chain' = 'base'),
  '{"chain": "base", "session": "asia", "timeframe": "1h", "mcap_bucket": "micro"}', 'A context that no scope can take is left out of a position''s');
insert into scope_dimensions (dim, bit, source, aliases) values ('desk', 21, 'entry', '{side}');
update lowcap_positions set entry_context = '{"weather": "dry"}' where token_contract = 'b';
insert into scope_dimensions (dim, bit, source, aliases) values ('sky', 22, 'entry', '{weather}');
select is((select scope ->> 'sky' from learning.position_scopes where scope ->> 'chain' = 'base'), 'dry', 'A dimension registered later is found in positions held already');
select is_empty($$ select * from learning.position_scopes where exposure is null $$, 'Every position has an exposure');

create function pg_temp.reads_of_all_cells() returns bigint language sql as $$
  select seq_scan from pg_catalog.pg_stat_xact_all_tables where relid = 'learning.exposure_cells'::regclass;
$$;
create temp table scans as select pg_temp.reads_of_all_cells() as before;
update lowcap_positions set total_allocation_pct = 0.05 where token_contract = 'b';
select is(pg_temp.reads_of_all_cells() - before, 0::bigint, 'A position that is written is counted without reading all cells') from scans;

-- Only the position's chain is asked for, so that all there is lies in the candidate's own scope.
delete from lowcap_positions where token_contract <> 'b';
truncate scope_dimensions cascade;
insert into scope_dimensions (dim, bit, source) values ('timeframe', 1, 'action'), ('chain', 9, 'entry');
select pg_temp.skew('pm.other', '{"chain": "base"}', 0.33, 'Dimensions that are registered anew under each other''s bits keep their meaning');

with gone as (delete from scope_dimensions where dim = 'chain' returning bit)
insert into scope_dimensions (dim, bit, source) select 'desk', gone.bit, 'entry' from gone;
update lowcap_positions set entry_context = '{"desk": "night"}' where token_contract = 'b';
select pg_temp.skew('pm.other', '{"desk": "night"}', 0.33, 'A dimension that takes over a bit in one statement is seen in what is held');

select * from finish();
rollback;
