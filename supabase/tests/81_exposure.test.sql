begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(6);

insert into lowcap_positions
  (token_chain, token_contract, timeframe, status, total_allocation_pct, pattern_key)
values
  ('solana', 'a', '1h', 'active', 0.06, 'pm.uptrend.S1.entry'),
  ('base', 'b', '1h', 'watchlist', 0.04, 'pm.uptrend.S1.entry'),
  ('solana', 'c', '1h', 'dormant', 0.5, 'pm.uptrend.S1.entry');

select results_eq(
  $$ select scope, exposure, positions from scope_exposure order by exposure desc, scope::text collate "C" $$,
  $$ values ('{"timeframe": "1h"}'::jsonb, 0.1::float8, 2),
       ('{"chain": "solana", "timeframe": "1h"}', 0.06, 1), ('{"chain": "solana"}', 0.06, 1),
       ('{"chain": "base", "timeframe": "1h"}', 0.04, 1), ('{"chain": "base"}', 0.04, 1) $$,
  'The view sums each scope''s exposure'
);
select ok(
  (
    select abs(weighted_exposure - 0.1 * sqrt(1.0 / 17)) < 1e-12
    from scope_exposure
    where scope = '{"timeframe": "1h"}'
  ),
  'The view weighs a single dimension with the root of its share'
);
select is(
  (select sum(positions)::integer from pattern_scope_exposure where pattern_key = 'pm.uptrend.S1.entry'), 6,
  'The other view tells them by behaviour'
);

update lowcap_positions set entry_context = '{"curator": "known"}' where token_contract = 'a';
select results_eq(
  $$ select scope, exposure, weighted_exposure::numeric(12, 10), positions from scope_exposure
     where scope ->> 'curator' = 'known' and scope ->> 'chain' = 'solana' and scope ->> 'timeframe' = '1h' $$,
  $$ values ('{"chain": "solana", "curator": "known", "timeframe": "1h"}'::jsonb, 0.06::float8,
       (0.06 * sqrt(3.0 / 17))::numeric(12, 10), 1) $$,
  'A position''s full scope is shown, too'
);
insert into learning_configs (module_id, config_data) values ('pm', '{"exposure": {"masks": ["singles"]}}');
select is_empty(
  $$ select * from scope_exposure where (select count(*) from jsonb_object_keys(scope)) > 1 $$,
  'Unless it is not configured'
);
update lowcap_positions set pattern_key = null where token_contract = 'b';
select results_eq(
  $$ select pattern_key, exposure::numeric(9, 6) from pattern_scope_exposure
     where scope = '{"timeframe": "1h"}' order by pattern_key $$,
  $$ values ('pm.uptrend.S1.entry', 0.06::numeric(9, 6)), (null, 0.04) $$,
  'Whoever holds without a behaviour is shown without one'
);

select * from finish();
rollback;
