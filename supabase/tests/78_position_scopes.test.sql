begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(11);

insert into lowcap_positions
  (token_chain, token_contract, timeframe, status, total_allocation_pct, pattern_key)
values
  ('solana', 'a', '1h', 'active', 0.06, 'module=pm|pattern_key=uptrend.S1.entry'),
  ('base', 'b', '1h', 'watchlist', 0.04, 'pm.uptrend.S1.entry'),
  ('solana', 'c', '1h', 'dormant', 0.5, 'pm.uptrend.S1.entry'),
  ('solana', 'd', '1h', 'archived', 0.5, 'pm.uptrend.S1.entry'),
  ('solana', 'e', '1h', 'paused', 0.5, 'pm.uptrend.S1.entry'),
  ('eth', 'f', '4h', 'active', 0.1, null);

create function pg_temp.exposure_held() returns numeric language sql as $$
  select sum(exposure)::numeric(6, 4) from learning.position_scopes;
$$;
create function pg_temp.scope_on_base() returns jsonb language sql as $$
  select scope from learning.position_scopes where scope ->> 'chain' = 'base';
$$;

select is(
  (select array_agg(scope ->> 'chain' order by scope ->> 'chain') from learning.position_scopes),
  '{base,eth,solana}', 'Only watchlist and active positions are exposure'
);
select is(
  (select array_agg(distinct pattern_key) from learning.position_scopes where pattern_key is not null),
  '{pm.uptrend.S1.entry}', 'Pattern keys are held dotted'
);
select is(pg_temp.exposure_held(), 0.20, 'Each counts with its allocation');

update lowcap_positions set status = 'archived' where token_contract = 'a';
select is(pg_temp.exposure_held(), 0.14, 'A position that is archived stops counting');
update lowcap_positions set status = 'active', total_allocation_pct = 0.02 where token_contract in ('c', 'd');
select is(pg_temp.exposure_held(), 0.18, 'Positions that become active count with what they hold now');
delete from lowcap_positions where token_contract = 'f';
select is(pg_temp.exposure_held(), 0.08, 'A deleted position stops counting');

insert into scope_dimensions (dim, bit, source) values ('session', 20, 'entry');
update lowcap_positions
set entry_context = '{"session": "asia", "curator": {"bad": 1}, "bucket": "micro"}'
where token_contract = 'b';
select is(
  pg_temp.scope_on_base(), '{"chain": "base", "session": "asia", "timeframe": "1h", "mcap_bucket": "micro"}',
  'A context that no scope can take is left out of a position''s'
);
update lowcap_positions set entry_context = '{"weather": "dry"}' where token_contract = 'b';
insert into scope_dimensions (dim, bit, source, aliases) values ('sky', 22, 'entry', '{weather}');
select is(
  pg_temp.scope_on_base() ->> 'sky', 'dry', 'A dimension registered later is found in positions held already'
);
update lowcap_positions set entry_context = '["no", "object"]' where token_contract = 'b';
select is(
  pg_temp.scope_on_base(), '{"chain": "base", "timeframe": "1h"}',
  'A context that is no object leaves timeframe and chain'
);
update lowcap_positions set total_allocation_pct = 1e-13 where token_contract = 'b';
select is(
  (select exposure from learning.position_scopes where scope ->> 'chain' = 'base'), 0::float8,
  'Next to nothing is no exposure'
);

truncate lowcap_positions cascade;
select is_empty(
  $$ select * from learning.position_scopes $$, 'Where the positions are emptied nothing is held'
);

select * from finish();
rollback;
