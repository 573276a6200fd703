begin;
create extension if not exists pgtap with schema extensions;
set local search_path = extensions;
select plan(6);

-- Before any trade.
select is((select count(*) from public.timeframe_allocation_history), 0::bigint,
  'the history begins with the first close');
select is((select min(reason) from public.timeframe_allocation_outlook), 'no trade has closed yet',
  'the outlook says that nothing has closed');


-- The worked example.
create function pg_temp.close_trades() returns void language sql as $$
  insert into learning.closed_trades (trade_id, close_strand_id, timeframe, roi, rr, exit_at) values
    ('t1', 'c1', '15m', 0.05, 1, '2026-01-01 00:00Z'), ('t2', 'c2', '1h', -0.02, 1, '2026-01-01 01:00Z'),
    ('t3', 'c3', '4h', 0.03, 1, '2026-01-01 02:00Z');
  select learning.replay_allocation('-infinity');
$$;
select pg_temp.close_trades();
select results_eq(
  $$select timeframe, round(change::numeric, 6), outcome,
    reason from public.timeframe_allocation_history where trade_id = 't2' order by timeframe collate "C"$$,
  $$values ('15m', 0.000600, 'moved', 'moved towards what the ROI asks for'),
    ('1h', -0.000600, 'moved', 'moved towards what the ROI asks for'),
    ('4h', 0.000000, 'moved', 'no closed trades yet: its share stays')$$,
  'the history tells each timeframe''s change and why'
);
select results_eq(
  $$select timeframe, n, round(distance::numeric, 4), round(last_change::numeric, 6), last_trade_id
    from public.timeframe_allocation_outlook order by timeframe collate "C"$$,
  -- softmax(0.5, -0.2, 0.3) = 0.4319, 0.2145, 0.3536
  $$values ('15m', 1, 0.2810, 0.000300, 't3'), ('1h', 1, -0.2843, -0.000600, 't3'),
    ('4h', 1, 0.0033, 0.000300, 't3')$$,
  'the outlook tells where each timeframe is heading'
);


-- Who may look.
create function pg_temp.asked_by(app_metadata text, query text)
returns text
language plpgsql
as $$
declare
  answer text;
begin
  perform set_config('request.jwt.claims',
    format('{"app_metadata": %s, "user_metadata": {"learning_role": "pm"}}', app_metadata), true);
  set local role authenticated;
  execute query into answer;
  reset role;
  return answer;
exception when others then
  return sqlstate;
end
$$;
select is(pg_temp.asked_by('{"learning_role": "viewer"}',
  'select count(*) from public.timeframe_allocation_outlook'), '3', 'a viewer reads the outlook');
select is(pg_temp.asked_by('{}', 'select count(*) from public.timeframe_allocation'), '0',
  'a user without a learning role sees nothing');

select * from finish();
rollback;
