begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(22);

insert into lowcap_positions (token_chain, token_contract, timeframe, pattern_key)
values ('solana', 'a', '1h', 'module=pm|pattern_key=uptrend.S1.entry');
select is(
  (select pattern_key from lowcap_positions), 'pm.uptrend.S1.entry', 'A pattern key is stored dotted'
);
select is(
  (
    select (status, total_allocation_pct, entry_context, completed_trades, updated_at)::text
    from lowcap_positions
  ),
  ('dormant', 0::float8, '{}'::jsonb, '[]'::jsonb, now())::text, 'A position begins dormant and empty'
);
update lowcap_positions set pattern_key = 'module=pm|pattern_key=uptrend.S2.dip', status = 'active'
where true;
select is((select pattern_key from lowcap_positions), 'pm.uptrend.S2.dip', 'Also when it changes');

update lowcap_positions set status = 'active', updated_at = '2020-01-01' where true;
select is(
  (select updated_at from lowcap_positions), now(), 'Every change is dated now, whatever the writer says'
);
alter table lowcap_positions disable trigger user;
update lowcap_positions set updated_at = '2020-01-01' where true;
alter table lowcap_positions enable trigger user;
update lowcap_positions set status = 'active' where true;
select is(
  (select updated_at from lowcap_positions), '2020-01-01'::timestamptz,
  'Writing what is there changes nothing'
);
update lowcap_positions set state = 'S3' where true;
select is((select updated_at from lowcap_positions), now(), 'A change of anything is one');

select throws_ok(
  $$ insert into lowcap_positions (token_chain, token_contract, timeframe) values ('solana', 'a', '1h') $$,
  '23505', null, 'A token has one position per timeframe'
);
select lives_ok(
  $$ insert into lowcap_positions (token_chain, token_contract, timeframe)
     values ('base', 'a', '1h'), ('solana', 'a', '4h') $$,
  'On another chain or timeframe it has another'
);

create function pg_temp.refuses(assignment text, description text) returns text language sql as $$
  select throws_ok('update lowcap_positions set ' || assignment || ' where true', '23514', null, description);
$$;
create function pg_temp.stored(allocation float8) returns float8 language sql as $$
  update lowcap_positions set total_allocation_pct = allocation where token_chain = 'base'
  returning total_allocation_pct;
$$;
select pg_temp.refuses($$ status = 'sleeping' $$, 'The statuses are five');
select pg_temp.refuses($$ state = 'S5' $$, 'The states are S0 to S4');
select pg_temp.refuses($$ total_allocation_pct = -0.1 $$, 'An allocation is not below 0');
select pg_temp.refuses($$ total_allocation_pct = 100.1 $$, 'Nor a hundred books and more');
select pg_temp.refuses($$ total_allocation_pct = 'NaN' $$, 'It is a number');
select pg_temp.refuses($$ total_allocation_pct = 'Infinity' $$, 'A finite one');
select is(pg_temp.stored(100), 100::float8, 'A hundred books can be allocated');
select is(pg_temp.stored(1e-12), 1e-12::float8, 'And next to nothing');
select is(pg_temp.stored(9e-13), 0::float8, 'What is less than that counts as nothing');

select throws_ok(
  format($$ insert into lowcap_positions (token_chain, token_contract, timeframe, pattern_key)
    values ('solana', 'too long', '1h', %L) $$, repeat('x', 201)), '22023',
  'A pattern_key must have at most 200 characters and has 201: ''' || repeat('x', 60) || '…''',
  'A position''s pattern key has at most 200 characters'
);
insert into lowcap_positions (token_chain, token_contract, timeframe, pattern_key)
values ('solana', 'long', '1h', repeat('x', 200));
select throws_ok(
  $$ update lowcap_positions set pattern_key = pattern_key || 'x' where token_contract = 'long' $$, '22023', null,
  'And stays so'
);

-- What other systems write ------------------------------------------------------------------------------------

select lives_ok(
  $$ insert into lowcap_positions (token_chain, token_contract, timeframe, status)
     values ('solana', 'z', '1d', 'shadow'), ('solana', 'y', '45m', 'regime_driver') $$,
  'A position may be a shadow or a regime''s driver, on any timeframe'
);
insert into lowcap_positions
  (token_chain, token_contract, timeframe, total_allocation_pct, entry_context, completed_trades, updated_at)
values ('solana', 'x', '1h', null, null, null, null);
select is(
  (
    select (total_allocation_pct, entry_context, completed_trades, updated_at)::text
    from lowcap_positions where token_contract = 'x'
  ),
  (0::float8, '{}'::jsonb, '[]'::jsonb, now())::text, 'A null stands for what holds where nothing is written'
);
select throws_ok(
  $$ update lowcap_positions set current_usd_value = 'NaN' where token_contract = 'x' $$, '23514', null,
  'A value in USD is a number'
);

select * from finish();
rollback;
