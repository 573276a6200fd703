begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(13);

insert into lowcap_positions (token_chain, token_contract, timeframe, pattern_key) values ('solana', 'a', '1h', 'module=pm|pattern_key=uptrend.S1.entry');
select is((select pattern_key from lowcap_positions), 'pm.uptrend.S1.entry', 'A pattern key is stored dotted');
select is((select (status, total_allocation_pct, entry_context, completed_trades, updated_at)::text from lowcap_positions),
  ('dormant', 0::float8, '{}'::jsonb, '[]'::jsonb, now())::text, 'A position begins dormant and empty');
update lowcap_positions set pattern_key = 'module=pm|pattern_key=uptrend.S2.dip', status = 'active' where true;
select is((select pattern_key from lowcap_positions), 'pm.uptrend.S2.dip', 'Also when it changes');

update lowcap_positions set status = 'active', updated_at = '2020-01-01' where true;
select is((select updated_at from lowcap_positions), now(), 'Every change is dated now, whatever the writer says');
alter table lowcap_positions disable trigger user;
update lowcap_positions set updated_at = '2020-01-01' where true;
alter table lowcap_positions enable trigger user;
update lowcap_positions set status = 'active' where true;
select is((select updated_at from lowcap_positions), '2020-01-01'::timestamptz, 'Writing what is there changes nothing');
update lowcap_positions set state = 'S3' where true;
select is((select updated_at from lowcap_positions), now(), 'A change of anything is one');

select throws_ok($$ insert into lowcap_positions (token_chain, token_contract, timeframe) values ('solana', 'a', '1h') $$, '23505', null, 'A token has one position per timeframe');
select lives_ok($$ insert into lowcap_positions (token_chain, token_contract, timeframe) values ('base', 'a', '1h'), ('solana', 'a', '4h') $$, 'On another chain or timeframe it has another');
select throws_ok($$ update lowcap_positions set status = 'sleeping' where true $$, '23514', null, 'The statuses are five');
select throws_ok($$ update lowcap_positions set state = 'S5' where true $$, '23514', null, 'The states are S0 to S4');
select throws_ok($$ update lowcap_positions set total_allocation_pct = -0.1 where true $$, '23514', null, 'An allocation is not below 0');
select throws_ok($$ update lowcap_positions set total_allocation_pct = 'NaN' where true $$, '23514', null, 'And a number');
select throws_ok($$ update lowcap_positions set total_allocation_pct = 'Infinity' where true $$, '23514', null, 'A finite one');

select * from finish();
rollback;
