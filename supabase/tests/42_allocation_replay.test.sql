begin;
create extension if not exists pgtap with schema extensions;
set local search_path = extensions;
select plan(39);

create function pg_temp.close_trade(strand_id text, trade_id text, timeframe text, rpnl_pct float8,
  exit_at timestamptz)
returns void
language sql
as $$
  insert into public.ad_strands (id, kind, module, timeframe, created_at, content)
  values (strand_id, 'position_closed', 'pm', timeframe, exit_at, jsonb_build_object(
    'trade_id', trade_id, 'entry_context', '{}'::jsonb, 'completed_trades', '[]'::jsonb,
    'trade_summary', jsonb_build_object('rr', 1, 'pnl_usd', 1, 'rpnl_pct', rpnl_pct, 'entry_price', 1,
      'exit_price', 1,
      'entry_timestamp', exit_at, 'exit_timestamp', exit_at)
  ));
$$;

-- What aggregate-strands does: claims what is due and lets it take effect.
create function pg_temp.aggregate()
returns void
language sql
as $$
  select public.apply_strands(jsonb_agg(jsonb_build_object('id', claimed -> 'id', 'revision',
    claimed -> 'revision')), '[]'::jsonb)
  from jsonb_array_elements(public.claim_strands()) as claimed;
$$;

create function pg_temp.shares()
returns text
language sql
as $$
  select string_agg(allocation.timeframe || ' ' || round((allocation.current_allocation * 100)::numeric, 4),
    ', ' order by allocation.timeframe collate "C")
  from public.timeframe_allocation allocation;
$$;

create function pg_temp.rounded(shares float8[])
returns numeric[]
language sql
as $$
  select array_agg(round(share::numeric, 9) order by place) from unnest(shares) with ordinality
    as given(share, place);
$$;

-- Before any trade.
insert into public.lowcap_positions (token_chain, token_contract, timeframe, status, total_allocation_pct)
  values
  ('solana', 'A', '15m', 'active', 0.015), ('solana', 'A', '1h', 'watchlist', 0.05),
    ('solana', 'A', '4h', 'dormant', 0.035),
  ('solana', 'A', '1m', 'active', 0.01),
  ('solana', 'B', '15m', 'watchlist', 0.02), ('solana', 'B', '4h', 'watchlist', 0.03),
    ('solana', 'B', '1h', 'archived', 0.07),
  ('base', 'B', '1h', 'active', 0.04), ('base', 'B', '4h', 'paused', 0.05);

-- The worked example, one close at a time, through trigger and inbox.
select pg_temp.close_trade('c1', 't1', '15m', 5, '2026-01-01 00:00Z');
select pg_temp.aggregate();
select is(pg_temp.shares(), '15m 15.0000, 1h 50.0000, 4h 35.0000',
  'one traded timeframe alone moves nothing');
select is(
  (select message from public.learning_log where event = 'allocation_unchanged'),
  'Allocation unchanged by 15m trade t1 (5 %): fewer than two timeframes have closed trades',
  'the log says why nothing moved'
);
select is(
  (select array_agg(total_allocation_pct order by token_chain, token_contract, timeframe collate "C")
    from public.lowcap_positions),
  array[0.04, 0.05, 0.015, 0.05, 0.01, 0.035, 0.02, 0.07, 0.03]::float8[],
  'positions stay as they are while the shares do'
);
select pg_temp.close_trade('c2', 't2', '1h', -2, '2026-01-01 01:00Z');
select pg_temp.aggregate();
select is(pg_temp.shares(), '15m 15.0600, 1h 49.9400, 4h 35.0000',
  'the second traded timeframe starts the movement');
select is(
  (select message from public.learning_log where event = 'allocation_moved'),
  'Allocation moved by 1h trade t2 (-2 %): 15m from 15 % to 15.06 %, 1h from 50 % to 49.94 %; positions '
    'rescaled: 4',
  'the log says what moved, and by which trade'
);
select is(
  (select message from public.learning_log where event = 'roi_updated' order by id desc limit 1),
  'ROI after 1h trade t2 (-2 %): 1h short -2 %, long -2 %, n=1; all short 1.4948 %, long 1.4992 %, n=2',
  'the log tells the ROI of the timeframe and of all trades'
);
select pg_temp.close_trade('c3', 't3', '4h', 3, '2026-01-01 02:00Z');
select pg_temp.aggregate();
select is(pg_temp.shares(), '15m 15.0900, 1h 49.8800, 4h 35.0300',
  'the larger side, here the gains, is scaled down to the smaller one');

-- Positions follow, each token's total kept.
select is(
  (select pg_temp.rounded(array_agg(total_allocation_pct order by timeframe collate "C"))
    from public.lowcap_positions where token_contract = 'A'),
  array[0.015090000, 0.049880000, 0.010000000, 0.035030000],
  'a token''s positions are split by the shares; one on a timeframe without a share is left alone'
);
select is(
  (select pg_temp.rounded(array_agg(total_allocation_pct order by timeframe collate "C"))
    from public.lowcap_positions where token_contract = 'B' and token_chain = 'solana'),
  -- 0.05 times 0.1509 and 0.3503 over 0.5012; the archived one neither gives nor takes.
  array[0.015053871, 0.070000000, 0.034946129],
  'a token on two timeframes is split by their two shares'
);
select is(
  (select array_agg(total_allocation_pct order by timeframe) from public.lowcap_positions
    where token_contract = 'B' and token_chain = 'base'),
  array[0.04, 0.05]::float8[],
  'a single position keeps everything, the same contract on another chain is another token'
);

-- A close without a share, and one that is late.
select pg_temp.close_trade('c5', 't5', '1m', 40, '2026-01-01 03:00Z');
select pg_temp.aggregate();
select is(pg_temp.shares(), '15m 15.0900, 1h 49.8800, 4h 35.0300',
  'a timeframe without a share moves nothing');
select results_eq(
  $$select outcome, n from public.timeframe_allocation_steps where trade_id = 't5'$$,
  $$values ('no_share', array[1, 1, 1, 4])$$,
  'but its trade counts for the global ROI'
);
select is(
  (select message from public.learning_log where event = 'allocation_unchanged' order by id desc limit 1),
  'Allocation unchanged by 1m trade t5 (40 %): 1m has no share and counts for the global ROI only',
  'and the log says so'
);
select pg_temp.close_trade('c4', 't4', '4h', -1, '2026-01-01 00:30Z');
select pg_temp.aggregate();
-- t1 nothing; t4 +6, 0, -6; t2 +6, -3, -3; t3, its mean with t4 now 1.0045 %, +6, -3, -3 (in hundredths of a
-- percent).
select is(pg_temp.shares(), '15m 15.1800, 1h 49.9400, 4h 34.8800', 'a late close replays from its place');
select is(
  (select round(roi_short::numeric, 9) from public.timeframe_allocation where timeframe = '4h'), 0.010044643,
    'the older trade of two weighs a little less'
);
select is(
  (select array_agg(trade_id order by exit_at, trade_id) from public.timeframe_allocation_steps),
    '{t1,t4,t2,t3,t5}', 'the steps are in the order of the exits'
);
select is(
  (select details ->> 'closes' from public.learning_log where event = 'allocation_moved' order by id desc
    limit 1), '4', 'the log says how many closes were replayed'
);
select is(
  (select pg_temp.rounded(array_agg(total_allocation_pct order by timeframe collate "C"))
    from public.lowcap_positions
    where token_contract = 'A' and timeframe <> '1m'),
  array[0.015180000, 0.049940000, 0.034880000],
  'positions follow a replay too'
);

-- A corrected close, a withdrawn one, and the same ones again in another order.
update public.ad_strands set content = jsonb_set(content, '{trade_summary,rpnl_pct}', '2') where id = 'c2';
select pg_temp.aggregate();
-- t2 now wants 15m and 1h up, 4h down: softmax(0.5, 0.2, -0.1) = 0.4368, 0.3236, 0.2397; so 1h falls all the
-- same.
select is(
  (select round(roi_short::numeric, 6) from public.timeframe_allocation where timeframe = '1h'), 0.020000,
    'a corrected close takes the place of the former one'
);
update public.ad_strands set kind = 'note' where id in ('c4', 'c5');
update public.ad_strands set content = jsonb_set(content, '{trade_summary,rpnl_pct}', '-2') where id = 'c2';
select pg_temp.aggregate();
select is(pg_temp.shares(), '15m 15.0900, 1h 49.8800, 4h 35.0300',
  'withdrawn closes leave no trace in the shares');
select is((select count(*) from public.timeframe_allocation_steps), 3::bigint, 'nor in the steps');
create temporary table kept on commit drop as select * from public.timeframe_allocation_steps;
select learning.replay_allocation('-infinity');
select results_eq('table public.timeframe_allocation_steps', 'table kept',
  'a replay from the beginning finds the very same numbers');

-- The start shares are part of the state.
insert into public.learning_configs (module_id, config_data) values
  ('decision_maker', '{"start_shares": {"15m": 0.2, "1h": 0.4, "4h": 0.2, "1d": 0.2},
    "timeframe_weights": {"1m": 1}}');
select is(pg_temp.shares(), '15m 20.0900, 1d 20.0000, 1h 39.8800, 4h 20.0300',
  'changed start shares replay from the beginning; legacy weights are ignored');
select is(
  (select pg_temp.rounded(array[sum(total_allocation_pct)]) from public.lowcap_positions
    where token_contract = 'A' and timeframe <> '1m'),
  array[0.100000000], 'the token''s total is kept'
);
select is((select count(*) from public.learning_log where event = 'start_shares_changed'), 1::bigint,
  'the change is logged');
delete from public.learning_configs where module_id = 'decision_maker';
select is(pg_temp.shares(), '15m 15.0900, 1h 49.8800, 4h 35.0300', 'and can be taken back');

-- A replay that is too long for one transaction.
delete from learning.closed_trades where true;
delete from public.timeframe_allocation_steps where true;
delete from public.learning_log where true;
insert into learning.closed_trades (trade_id, close_strand_id, timeframe, roi, rr, exit_at)
select 'long-' || i, 'long-close-' || i, (array['15m', '1h', '4h'])[1 + i % 3], 0.1 * sin(i), 1,
  timestamptz '2026-01-01 00:00Z' + i * interval '1 minute'
from generate_series(1, 2001) i;
select learning.replay_allocation('-infinity', '1 day');
select is((select count(*) from public.timeframe_allocation_steps), 2001::bigint,
  'a long history is replayed in one go where there is time');
create temporary table stale on commit drop as select * from public.timeframe_allocation_steps;
update learning.closed_trades set roi = 0.5 where trade_id in ('long-1', 'long-2', 'long-4');
select learning.replay_allocation(timestamptz '2026-01-01 00:01Z', '0', trades_at_a_time => 1000);
select is((select (began_from, goes_on_from)::text from learning.allocation_replay),
  (timestamptz '2026-01-01 00:01Z', timestamptz '2026-01-01 16:41Z')::text,
  'without time it pauses after as many trades as are gone through at a time');
select is(
  (select string_agg(distinct case when step = stale then 'as before' else 'anew' end || case
    when step.exit_at < '2026-01-01 16:41Z' then ' there' else ' beyond' end, ', ')
    from public.timeframe_allocation_steps step join stale using (trade_id)),
  'anew there, as before beyond', 'what lies beyond stays as it was'
);
select is((select count(*) from public.learning_log
  where event in ('allocation_moved', 'allocation_unchanged')), 1::bigint,
  'what it comes to is not told before it is known');
update learning.closed_trades set roi = -0.5 where trade_id = 'long-1500';
select learning.replay_allocation(timestamptz '2026-01-02 01:00Z', '0', trades_at_a_time => 1000);
select is((select (began_from, goes_on_from)::text from learning.allocation_replay),
  (timestamptz '2026-01-01 00:01Z', timestamptz '2026-01-02 09:21Z')::text,
  'a close beyond it lets it go on from where it was');
select learning.sweep();
select is((select (began_from, goes_on_from)::text from learning.allocation_replay), '(,)',
  'the sweep brings it to its end');
create temporary table pieced on commit drop as select * from public.timeframe_allocation_steps;
select learning.replay_allocation('-infinity', '1 day');
select bag_eq('table public.timeframe_allocation_steps', 'table pieced',
  'in pieces it comes to the very same steps');
select is((select count(*) from public.learning_log
  where event in ('allocation_moved', 'allocation_unchanged')), 3::bigint, 'and tells so once');
select learning.replay_allocation();
select is((select count(*) from public.learning_log
  where event in ('allocation_moved', 'allocation_unchanged')), 3::bigint,
  'where nothing is left there is nothing to do');


-- Positions that are not to be rescaled ------------------------------------------------------------------

insert into public.lowcap_positions (token_chain, token_contract, timeframe, status, total_allocation_pct)
values ('solana', 'still', '15m', 'active', 0.05), ('solana', 'still', '1h', 'active', 0.05);
insert into public.learning_configs (module_id, config_data)
values ('pm', '{"flags": {"rescale_positions": false}}')
on conflict (module_id) do update set config_data = excluded.config_data;
select is(
  learning.rescale_positions('{15m,1h}', '{0.8,0.2}'), 0, 'No position is rescaled where the flag is off'
);
select is(
  (
    select array_agg(total_allocation_pct order by timeframe) from public.lowcap_positions
    where token_contract = 'still'
  ), '{0.05,0.05}', 'Whatever the shares are'
);
update public.learning_configs set config_data = '{}' where module_id = 'pm';
select ok(learning.rescale_positions('{15m,1h}', '{0.8,0.2}') > 0, 'Until it is on');
select is(
  (
    select array_agg(total_allocation_pct::numeric(6, 4) order by timeframe) from public.lowcap_positions
    where token_contract = 'still'
  ), '{0.0800,0.0200}', 'Then they follow the shares'
);

select * from finish();
rollback;
