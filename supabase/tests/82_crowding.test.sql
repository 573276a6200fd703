begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(26);

create function pg_temp.configure(config_data jsonb) returns void language sql as $$
  insert into public.learning_configs (module_id, config_data) values ('pm', config_data)
  on conflict (module_id) do update set config_data = excluded.config_data;
$$;
create function pg_temp.skew(pattern_key text, scope jsonb, want float8, description text)
returns text language sql as $$
  select ok(abs(sizing.exposure_skew - want) < 1e-9, description) || case
    when abs(sizing.exposure_skew - want) < 1e-9 then ''
    else format(E'\n# have %s, want %s', sizing.exposure_skew, want)
  end
  from public.get_pm_sizing(pattern_key, 'entry', scope) sizing;
$$;
create function pg_temp.explanation(pattern_key text, scope jsonb) returns jsonb language sql as $$
  select sizing.exposure from public.get_pm_sizing(pattern_key, 'entry', scope) sizing;
$$;

-- An empty book --------------------------------------------------------------------------------------------

select pg_temp.skew('pm.other', '{"chain": "solana"}', 1.33, 'Nothing held leaves room for a third more');
select pg_temp.configure('{"exposure": {"empty": 1}}');
select pg_temp.skew('pm.other', '{"chain": "solana"}', 1, 'Or is neutral, where that is configured');
select ok(
  (
    select array_agg(line) @> '{"Exposure skew 1, as exposure.empty says of a book that holds nothing"}'
    from explain_pm_sizing('pm.other', 'entry', '{"chain": "solana"}') as line
  ), 'And said so'
);
insert into lowcap_positions (token_chain, token_contract, timeframe, status, total_allocation_pct)
values ('base', 'b', '4h', 'active', 0.1);
select pg_temp.skew('pm.other', '{"chain": "solana"}', 1.33, 'A book that holds something is measured');
delete from lowcap_positions where true;
select pg_temp.configure('{}');

-- A book that holds something -----------------------------------------------------------------------------

insert into lowcap_positions
  (token_chain, token_contract, timeframe, status, total_allocation_pct, pattern_key)
values
  ('solana', 'a', '1h', 'active', 0.06, 'pm.uptrend.S1.entry'),
  ('base', 'b', '1h', 'watchlist', 0.04, 'pm.uptrend.S1.entry');

-- Masks chain, timeframe and both, weights 1 : 1 : √2; exposure 0.06, 0.10, 0.06 of 0.10.
-- (0.16 + 0.06 √2)/((2 + √2) · 0.10) = 0.7171572875.
select pg_temp.skew(
  'pm.other', '{"chain": "solana", "timeframe": "1h"}',
  1.33 - (0.16 + 0.06 * sqrt(2)) / (0.2 + 0.1 * sqrt(2)), 'Partial overlap takes its share'
);
select pg_temp.skew(
  'pm.other', '{"chain": "eth", "timeframe": "4h"}', 1.33, 'Without overlap the size grows by a third'
);
select pg_temp.skew(
  'pm.other', '{"timeframe": "1h"}', 0.33, 'All exposure in the candidate''s own scope leaves a third'
);
select pg_temp.skew('pm.other', '{}', 1, 'A scope that fills no mask is not skewed');
select pg_temp.skew(
  'pm.other', '{"curator": "known", "chain": "eth", "timeframe": "1h"}',
  -- Three singles, three pairs and the full scope, of which one single holds everything.
  1.33 - 1 / (3 + 3 * sqrt(2) + sqrt(3)),
  'Every mask that the scope fills counts, the full scope with them'
);
insert into lowcap_positions
  (token_chain, token_contract, timeframe, status, total_allocation_pct, pattern_key)
values ('eth', 'f', '4h', 'active', 0.1, null);
-- Same behaviour: 0.06, 0.10, 0.06 count half again. (0.16 + 0.06 √2) · 1.5/((2 + √2) · 0.20).
select pg_temp.skew(
  'pm.uptrend.S1.entry', '{"chain": "solana", "timeframe": "1h"}',
  1.33 - 1.5 * (0.16 + 0.06 * sqrt(2)) / (0.4 + 0.2 * sqrt(2)),
  'Exposure under the same pattern key counts half again'
);

select pg_temp.configure('{"exposure": {"cap": 0.15}}');
select pg_temp.skew(
  'pm.other', '{"chain": "solana", "timeframe": "1h"}',
  1.33 - (0.16 + 0.06 * sqrt(2)) / (0.3 + 0.15 * sqrt(2)), 'A cap below the total reads as full crowding'
);
select pg_temp.configure('{"exposure": {"masks": [["bucket", "chain"], ["chain", "timeframe"]]}}');
select pg_temp.skew(
  'pm.other', '{"chain": "solana", "timeframe": "1h"}', 1.33 - 0.06 / 0.2,
  'Configured masks take the place of the default ones'
);
select pg_temp.configure('{"exposure": {"masks": [["chain"], "singles", ["chain"]]}}');
select pg_temp.skew(
  'pm.other', '{"chain": "solana", "timeframe": "1h"}', 1.33 - 0.16 / (2 * 0.2),
  'A mask that is named twice counts once'
);
select pg_temp.configure('{"exposure": {"masks": ["singles"], "alpha": 2, "beta": 3, "weight_exponent": 0}}');
select pg_temp.skew(
  'pm.uptrend.S1.entry', '{"chain": "solana", "timeframe": "1h"}',
  1.33 - least(1, (2 * 0.16 + 3 * 0.16) / (2 * 2 * 0.2)), 'Alpha, beta and the exponent are configured'
);
select pg_temp.configure('{"exposure": {"masks": ["singles"]}}');
update scope_dimensions set weight = 4 where dim = 'chain';
select pg_temp.skew(
  'pm.other', '{"chain": "solana", "timeframe": "1h"}', 1.33 - (2 * 0.06 + 0.10) / (3 * 0.2),
  'Heavier dimensions count more'
);
select pg_temp.configure('{"exposure": {"masks": ["singles"], "weight_exponent": 10, "beta": 1e6}}');
-- The timeframe weighs 4^-10 of the chain, in which nothing is held.
select pg_temp.skew(
  'pm.uptrend.S1.entry', '{"chain": "avax", "timeframe": "1h"}',
  1.33 - least(1, power(4.0, -10) * (1 + 1e6) * 0.10 / ((1 + power(4.0, -10)) * 0.2)),
  'A weight next to nothing counts where the same behaviour counts as much more'
);

-- The least that all the doors let in: 1e-6 of sixteen dimensions of 1e6, to the tenth, of 1e-12 of the book.
update scope_dimensions set weight = case dim when 'timeframe' then 1e-6 else 1e6 end where true;
create temp table former_positions as select * from lowcap_positions;
-- Emptied, for what is kept is a running sum, as exact as the most that was ever held.
update former_positions set total_allocation_pct = 1e-12 where true;
truncate lowcap_positions cascade;
insert into lowcap_positions select * from former_positions;
select pg_temp.configure(
  '{"exposure": {"masks": ["singles"], "weight_exponent": 10, "alpha": 1e-6, "beta": 1e-12, "cap": 1e-6}}'
);
select pg_temp.skew(
  'pm.other', '{"timeframe": "4h"}', 1.33 - 1.0 / 3, 'The least by all bounds still is a third of the book'
);
select is(
  (pg_temp.explanation('pm.other', '{"chain": "avax", "timeframe": "4h"}') ->> 'crowding')::float8 > 0, true,
  'Beside what weighs most it is not nothing'
);
update lowcap_positions set total_allocation_pct = 100 where true;
select pg_temp.skew('pm.other', '{"timeframe": "4h"}', 0.33, 'And most by all bounds fills any book');
update scope_dimensions set weight = 1 where true;
update lowcap_positions set total_allocation_pct = 0.1 where true;

select pg_temp.configure('{"flags": {"exposure_skew_enabled": false}}');
select pg_temp.skew(
  'pm.other', '{"chain": "solana", "timeframe": "1h"}', 1, 'With the flag off size is not skewed'
);
select pg_temp.configure('{}');
insert into lowcap_positions
  (token_chain, token_contract, timeframe, status, total_allocation_pct, entry_context)
values
  ('avax', 'g', '15m', 'active', 0.1, '{"curator": "kim", "bucket": "micro"}'),
  ('sui', 'h', '15m', 'active', 0.2, '{"curator": "kim", "bucket": "micro"}'),
  ('ton', 'i', '15m', 'active', 0.3, '{"intent": "x", "A_mode": "y", "E_mode": "z", "vol_bucket": "v"}');
-- 0.1 + 0.2 is more than 0.3, for a float.
select is(
  (
    select array_agg(entry.mask ->> 'scope' order by entry.place)
    from jsonb_array_elements(
      pg_temp.explanation('pm.other', '{"curator": "kim", "chain": "ton", "timeframe": "1h"}') -> 'masks'
    ) with ordinality as entry(mask, place)
  ),
  array['{"chain": "ton"}', '{"curator": "kim"}', '{"timeframe": "1h"}'],
  'The masks that crowd most come first, by name where they crowd alike'
);
-- Of five dimensions five masks are of one, ten of two and one is the full scope; of six, 6, 15 and 1.
select results_eq(
  $$ select jsonb_array_length(exposure -> 'masks'), (exposure #>> '{masks,20,rest}')::integer,
       (exposure #>> '{masks,20,concentration}')::numeric(9, 6)
     from pg_temp.explanation(
       'pm.other',
       '{"intent": "x", "A_mode": "y", "E_mode": "z", "chain": "ton", "timeframe": "15m"}'
     ) as exposure $$,
  $$ values (16, null::integer, null::numeric) $$,
  'Up to twenty masks are listed each by itself'
);
select results_eq(
  $$ select jsonb_array_length(exposure -> 'masks'), (exposure #>> '{masks,20,rest}')::integer,
       (exposure #>> '{masks,20,concentration}')::float8::numeric(9, 6)
     from pg_temp.explanation(
       'pm.other',
       '{"intent": "x", "A_mode": "y", "E_mode": "z", "chain": "ton", "timeframe": "15m", "vol_bucket": "v"}'
     ) as exposure $$,
  $$ values (21, 2, (2 * 0.3 * sqrt(1.0 / 17))::numeric(9, 6)) $$,
  'The twenty that crowd most are listed, the rest in one entry'
);
update lowcap_positions set total_allocation_pct = 0 where true;
select pg_temp.skew('pm.other', '{"timeframe": "4h"}', 1.33, 'Positions without capital crowd nobody');

-- Only the position's chain is asked for, so that all there is lies in the candidate's own scope.
delete from lowcap_positions where token_contract <> 'b';
update lowcap_positions set total_allocation_pct = 0.05 where true;
truncate scope_dimensions cascade;
insert into scope_dimensions (dim, bit, source) values ('timeframe', 1, 'action'), ('chain', 9, 'entry');
select pg_temp.skew(
  'pm.other', '{"chain": "base"}', 0.33,
  'Dimensions that are registered anew under each other''s bits keep their meaning'
);
with gone as (delete from scope_dimensions where dim = 'chain' returning bit)
insert into scope_dimensions (dim, bit, source) select 'desk', gone.bit, 'entry' from gone;
update lowcap_positions set entry_context = '{"desk": "night"}' where token_contract = 'b';
select pg_temp.skew(
  'pm.other', '{"desk": "night"}', 0.33,
  'A dimension that takes over a bit in one statement is seen in what is held'
);

select * from finish();
rollback;
