begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(24);

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
  select sum(exposure)::numeric(12, 4) from learning.position_scopes;
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

update lowcap_positions set entry_context = (
  select jsonb_object_agg('k' || place, 'x') from generate_series(1, 300) as place
) || jsonb_build_object('intent', 1e200::numeric, 'curator', repeat(' ', 70000) || 'c', 'age_bucket', 3)
where token_contract = 'b';
select is(pg_temp.scope_on_base(), '{"chain": "base", "timeframe": "1h", "curator": "c", "age_bucket": "3"}',
  'However large a context is, what fits is taken of it');

create temporary table given on commit drop as
select (
  '{"curator": "c", ' || string_agg(format('"k%s": 1e131071', place), ', ') || '}'
)::jsonb as context
from generate_series(1, 9000) as place;
create temporary table begun on commit drop as select clock_timestamp() as at;
update lowcap_positions set entry_context = given.context from given where token_contract = 'b';
select cmp_ok(
  (select clock_timestamp() - begun.at from begun), '<', interval '2 seconds',
  'Numbers of keys that nobody registered are not written out'
);
select is(pg_temp.scope_on_base(), '{"chain": "base", "timeframe": "1h", "curator": "c"}',
  'And hide nothing of what is registered');
update lowcap_positions set entry_context = jsonb_build_object(
  'intent', 1e131071, 'curator', (repeat('9', 200))::numeric, 'age_bucket', ('1.' || repeat('0', 300))::numeric
) || '{"session": true}' where token_contract = 'b';
select is(
  pg_temp.scope_on_base(), jsonb_build_object('chain', 'base', 'timeframe', '1h', 'curator', repeat('9', 200),
    'age_bucket', '1', 'session', 'true'),
  'A number of a registered key is taken where it fits as text'
);

truncate lowcap_positions cascade;
select is_empty(
  $$ select * from learning.position_scopes $$, 'Where the positions are emptied nothing is held'
);


-- Units and measures -----------------------------------------------------------------------------------------

insert into lowcap_positions
  (token_chain, token_contract, timeframe, status, total_allocation_pct, current_usd_value, state, book_id)
values
  ('base', 'u1', '1h', 'active', 5, 300, 'S1', 'social'),
  ('base', 'u2', '1h', 'watchlist', 3, null, 'S2', 'onchain'),
  ('base', 'u3', '1h', 'watchlist', 3, -4, null, null),
  ('base', 'u4', '1h', 'shadow', 50, 1000, 'S1', 'social'),
  ('base', 'u5', '1h', 'regime_driver', 50, 1000, 'S1', 'social');
select is(pg_temp.exposure_held(), 11.0, 'Shadows and drivers of regimes hold nothing');
insert into learning_configs (module_id, config_data)
values ('decision_maker', '{"allocation_unit": "percent"}');
select is(pg_temp.exposure_held(), 0.11, 'Percentages are fractions of the book as soon as the setting says so');
insert into lowcap_positions (token_chain, token_contract, timeframe, status, total_allocation_pct)
values ('base', 'u6', '1h', 'active', 2);
select is(pg_temp.exposure_held(), 0.13, 'Positions that come later, too');
insert into learning_configs (module_id, config_data) values ('pm', '{"exposure": {"measure": "value"}}');
select is(pg_temp.exposure_held(), 300.0, 'By value a position counts with what it holds, at least nothing');
update lowcap_positions set current_usd_value = 350 where token_contract = 'u1';
select is(pg_temp.exposure_held(), 350.0, 'And follows it');
delete from learning_configs where module_id = 'pm';
select is(pg_temp.exposure_held(), 0.13, 'Intended capital counts again when the setting is gone');

select is(
  (select count(*)::integer from learning.position_scopes where scope ?| '{state,book_id}'), 0,
  'State and book are no part of a scope'
);
insert into scope_dimensions (dim, bit, source) values ('state', 28, 'action'), ('book_id', 29, 'action');
select is(
  (
    select jsonb_agg(scope - 'chain' - 'timeframe' order by scope ->> 'state')
    from learning.position_scopes where scope ?| '{state,book_id}'
  ),
  '[{"state": "S1", "book_id": "social"}, {"state": "S2", "book_id": "onchain"}]',
  'Until they are registered as dimensions'
);
update lowcap_positions set state = 'S3' where token_contract = 'u1';
select ok(
  exists (select from learning.position_scopes where scope ->> 'state' = 'S3'),
  'The scope follows the state'
);

select * from finish();
rollback;
