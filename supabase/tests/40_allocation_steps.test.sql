begin;
create extension if not exists pgtap with schema extensions;
set local search_path = extensions;
select plan(16);

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
select is(pg_temp.shares(), '15m 15.0000, 1h 50.0000, 4h 35.0000',
  'before any trade the shares are the start shares');
select results_eq(
  'select timeframe, desired_allocation, roi_short, roi_long, n, updated_at from public.timeframe_allocation '
    'where timeframe = ''1h''',
  $$values ('1h', 0.5::float8, null::float8, null::float8, 0, null::timestamptz)$$,
  'a timeframe without trades has no ROI and heads nowhere else'
);

-- One step, by hand.
create function pg_temp.next(shares float8[], roi float8[], n integer[])
returns numeric[]
language sql
as $$ select pg_temp.rounded((learning.next_allocation(shares, roi, n)).next_shares) $$;
select is(pg_temp.next('{0.15,0.5,0.35}', '{0.05,-0.02,0.03,0}', '{5,5,5,15}'),
  array[0.1515, 0.497, 0.3515]::numeric(10, 9)[],
  'from five trades each on, a share moves by up to 0.3 points');
select is(pg_temp.next('{0.15,0.5,0.35}', '{0.05,-0.02,0.03,0}', '{3,9,5,17}'),
  array[0.1509, 0.4982, 0.3509]::numeric(10, 9)[],
  'the timeframe with the fewest trades slows all');
select is(pg_temp.next('{0.15,0.5,0.35}', '{0.05,-0.02,null,0}', '{9,9,0,18}'),
  array[0.153, 0.497, 0.35]::numeric(10, 9)[],
  'an untraded timeframe never moves');
select is(pg_temp.rounded((learning.next_allocation('{0.15,0.5,0.35}', '{-0.1,-0.3,null,0}',
  '{5,5,0,10}')).desired),
  -- softmax(-1, -3) = 0.88079708, 0.11920292 of the 65 % they hold
  array[0.572518101, 0.077481899, 0.350000000], 'the smaller loss gets the larger desired share');
select is(pg_temp.next('{0.021,0.629,0.35}', '{-0.5,0.5,null,0}', '{5,5,0,10}'),
  array[0.02, 0.63, 0.35]::numeric(10, 9)[],
  'nothing falls below its floor, and gains shrink to what is given');
select is(pg_temp.next('{0.959,0.041}', '{0.5,-0.5,0}', '{5,5,10}'), array[0.96, 0.04]::numeric(10, 9)[],
  'nothing rises above its ceiling, and losses shrink to what is taken');
select is((learning.next_allocation('{0.02,0.63,0.35}', '{-0.5,0.5,null,0}', '{5,5,0,10}')).outcome,
  'at_bound', 'a share at its floor gives nothing');
select is((learning.next_allocation('{0.25,0.25,0.5}', '{0.01,0.01,null,0}', '{5,5,0,10}')).outcome,
  'settled', 'equal ROI and equal shares are settled');
select is(pg_temp.next('{0.15,0.5,0.35}', '{10000,-10000,0,0}', '{5,5,5,15}'),
  array[0.153, 0.4985, 0.3485]::numeric(10, 9)[],
  'an extreme ROI is one small step like any other');

-- Means that forget.
create function pg_temp.mean_after(rois float8[], gap interval) returns float8 language plpgsql as $$
declare
  mean float8;
begin
  delete from learning.closed_trades where true;
  insert into learning.closed_trades (trade_id, close_strand_id, timeframe, roi, rr, exit_at)
  select 'trade ' || place, 'close ' || place, '1h', roi, 1, timestamptz '2026-01-01 00:00Z' + (place - cardinality(rois)) * gap
  from unnest(rois) with ordinality as given(roi, place);
  select step.roi_short[2] into mean
  from learning.replayed_steps(learning.allocation_state('-infinity'), '-infinity', null) as step
  order by step.exit_at desc
  limit 1;
  return mean;
end
$$;
select is(round(pg_temp.mean_after('{0.1,0.2}', '14 days')::numeric, 12),
  -- (0.1/e + 0.2)/(1/e + 1)
  0.173105857863, 'a return weighs e times less after fourteen days');
select is(round(pg_temp.mean_after('{0.1,-0.3}', '1000 years')::numeric, 12), -0.3,
  'after an age it weighs nothing');
select ok(abs(pg_temp.mean_after(array[10000] || array_fill(0::float8, array[3000]), '200 hours')) < 1e-12,
  'thousands of closes without a return leave next to nothing of the largest, and no number too small');

create function pg_temp.mean_with(exits timestamptz[]) returns numeric language plpgsql as $$
begin
  delete from learning.closed_trades where true;
  insert into learning.closed_trades (trade_id, close_strand_id, timeframe, roi, rr, exit_at)
  select 'trade ' || place, 'close ' || place, '1h', 0.1 * place, 1, exit_at
  from unnest(exits) with ordinality as given(exit_at, place);
  return (
    select round(step.roi_short[2]::numeric, 9)
    from learning.replayed_steps(learning.allocation_state('-infinity'), '-infinity', null) as step
    order by step.exit_at desc
    limit 1
  );
end
$$;
select is(pg_temp.mean_with(array[now() - interval '14 days', '2199-01-01']), pg_temp.mean_with(array[
  now() - interval '14 days', now()]), 'a close in the future counts as one of now');
select is(pg_temp.mean_with(array[now() - interval '14 days', '2199-01-01', '2299-01-01']),
  -- (0.1/e + 0.2 + 0.3)/(1/e + 1 + 1)
  0.226695639, 'also beside another one of the future');

select * from finish();
rollback;
