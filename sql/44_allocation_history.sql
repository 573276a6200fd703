-- Allocation history: how shares came about, for a person to read.

create view public.timeframe_allocation_history
with (security_invoker = true)
as
select step.exit_at, step.trade_id, step.timeframe as trade_timeframe, step.roi as trade_roi, slot.timeframe,
  step.shares[slot.place] as allocation,
  step.shares[slot.place]
    - coalesce(earlier.shares[array_position(earlier.timeframes, slot.timeframe)], start.share) as change,
  step.desired[slot.place] as desired_allocation, step.roi_short[slot.place] as roi_short,
  step.roi_long[slot.place] as roi_long, step.n[slot.place] as n, step.outcome,
  case
    when step.n[slot.place] = 0 then 'no closed trades yet: its share stays'
    else learning.allocation_reason(step.outcome, step.timeframe)
  end as reason, step.module
from public.timeframe_allocation_steps step
cross join lateral unnest(step.timeframes) with ordinality as slot(timeframe, place)
left join lateral (
  select earlier_step.timeframes, earlier_step.shares
  from public.timeframe_allocation_steps earlier_step
  where earlier_step.exit_at <= step.exit_at
    and (
      earlier_step.exit_at < step.exit_at
      or (earlier_step.trade_id collate "C", earlier_step.module collate "C")
        < (step.trade_id collate "C", step.module collate "C")
    )
  order by earlier_step.exit_at desc, earlier_step.trade_id collate "C" desc,
    earlier_step.module collate "C" desc
  limit 1
) as earlier on true
left join lateral (
  select begun.shares[array_position(begun.timeframes, slot.timeframe)] as share
  from learning.start_shares() as begun
) as start on earlier.shares is null;
comment on view public.timeframe_allocation_history is
  'Allocation over time: for each closed trade and timeframe the share after it, where it was heading, and '
  'why it moved or not.';
comment on column public.timeframe_allocation_history.exit_at is 'When the trade was closed.';
comment on column public.timeframe_allocation_history.trade_id is 'The trade.';
comment on column public.timeframe_allocation_history.trade_timeframe is 'Timeframe of the trade.';
comment on column public.timeframe_allocation_history.trade_roi is 'Return of the trade, a fraction.';
comment on column public.timeframe_allocation_history.timeframe is 'Timeframe whose share the row is about.';
comment on column public.timeframe_allocation_history.allocation is 'Its share after the trade.';
comment on column public.timeframe_allocation_history.change is 'By how much the trade moved it.';
comment on column public.timeframe_allocation_history.desired_allocation is 'The share it is heading for.';
comment on column public.timeframe_allocation_history.roi_short is
  'Mean ROI of its trades with a memory of 14 days.';
comment on column public.timeframe_allocation_history.roi_long is
  'Mean ROI of its trades with a memory of 90 days.';
comment on column public.timeframe_allocation_history.n is 'Its closed trades so far.';
comment on column public.timeframe_allocation_history.outcome is
  'moved, or why the shares stayed, as a stable name.';
comment on column public.timeframe_allocation_history.reason is 'The same for a person to read.';
comment on column public.timeframe_allocation_history.module is 'Whose trade it is.';

create view public.timeframe_allocation_outlook
with (security_invoker = true)
as
select allocation.timeframe, allocation.current_allocation, allocation.desired_allocation,
  allocation.desired_allocation - allocation.current_allocation as distance,
  allocation.roi_short, allocation.roi_long, allocation.n, newest.change as last_change,
  newest.trade_id as last_trade_id, newest.exit_at as last_exit_at, newest.outcome,
  coalesce(newest.reason, learning.allocation_reason(null, null)) as reason
from public.timeframe_allocation allocation
left join (
  select past_allocation.*
  from (
    select step.exit_at, step.trade_id, step.module
    from public.timeframe_allocation_steps step
    order by step.exit_at desc, step.trade_id collate "C" desc, step.module collate "C" desc
    limit 1
  ) as newest_step
  join public.timeframe_allocation_history past_allocation
    on (past_allocation.exit_at, past_allocation.trade_id, past_allocation.module)
      = (newest_step.exit_at, newest_step.trade_id, newest_step.module)
) as newest on newest.timeframe = allocation.timeframe;
comment on view public.timeframe_allocation_outlook is
  'Each timeframe''s share, ROI and number of trades, beside where it is heading and why the newest close '
  'moved it or not.';
comment on column public.timeframe_allocation_outlook.timeframe is 'Timeframe.';
comment on column public.timeframe_allocation_outlook.current_allocation is 'Its share now.';
comment on column public.timeframe_allocation_outlook.desired_allocation is 'The share it is heading for.';
comment on column public.timeframe_allocation_outlook.distance is 'How far it has to go.';
comment on column public.timeframe_allocation_outlook.roi_short is
  'Mean ROI of its trades with a memory of 14 days; null before any trade.';
comment on column public.timeframe_allocation_outlook.roi_long is
  'Mean ROI of its trades with a memory of 90 days; null before any trade.';
comment on column public.timeframe_allocation_outlook.n is 'Its closed trades.';
comment on column public.timeframe_allocation_outlook.last_change is
  'By how much the newest close moved it; null before any.';
comment on column public.timeframe_allocation_outlook.last_trade_id is
  'The trade of the newest close; null before any.';
comment on column public.timeframe_allocation_outlook.last_exit_at is 'When it was closed.';
comment on column public.timeframe_allocation_outlook.outcome is
  'moved, or why the shares stayed, as a stable name; null before any close.';
comment on column public.timeframe_allocation_outlook.reason is 'The same for a person to read.';
