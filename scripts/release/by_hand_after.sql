-- Statements that the next migration ends with, written by a person: they see everything else in place, for example to
-- work out anew what is kept of data in use. A release takes them over and empties this file. Leave a line free below.

-- Closed trades and their steps say now whose they are; trades of a module other than pm are known by their events.
update learning.closed_trades trade
set module = event.module
from public.pattern_trade_events event
where event.trade_id = trade.trade_id and event.module <> trade.module and event.action_category <> 'allocation'
  and not exists (
    select from public.pattern_trade_events own_event
    where own_event.trade_id = trade.trade_id and own_event.module = trade.module
  );
update public.timeframe_allocation_steps step
set module = trade.module
from learning.closed_trades trade
where trade.trade_id = step.trade_id and trade.exit_at = step.exit_at and trade.module <> step.module;

-- Modules that shared a trade's id got one outcome: their strands are applied anew.
with shared as (
  select event.trade_id
  from public.pattern_trade_events event
  where event.action_category <> 'allocation'
  group by event.trade_id
  having count(distinct event.module) > 1
)
update public.strand_receipts receipt
set status = 'pending', attempts = 0, next_attempt_at = now(), processed_at = null, revision = receipt.revision + 1
from learning.closed_trades trade
join shared using (trade_id)
where receipt.strand_id = trade.close_strand_id and receipt.status = 'done';

-- Strands of impossible times were accepted until now.
select learning.doubt_impossible_times();

grant usage, select, update on all sequences in schema learning to service_role;

-- Whose word an override is: a person's where he switched it off or made it by hand. What he edited of a learned one
-- the loop has undone by now, so that all others are the loop's.
select set_config('learning.reason', 'Upgrade: switched off or made by hand before this was written down', true);
update public.pm_overrides set control = 'off' where disabled_by = 'user';
update public.pm_overrides set control = 'pinned'
where lesson_id is null and disabled_by is distinct from 'user';
select set_config('learning.reason', '', true);

-- What decisions will be judged by, of trades that were closed before it was kept; and what is read from more places
-- than before.
update learning.closed_trades trade
set entry_price = learning.positive_number(strand.content #> '{trade_summary,entry_price}'),
  exit_price = learning.positive_number(strand.content #> '{trade_summary,exit_price}'),
  fees = learning.finite_number(learning.trade_value(strand.content, 'fees')),
  pnl_usd = learning.pnl_usd(strand.content -> 'trade_summary')
from public.ad_strands strand
where strand.id = trade.close_strand_id;
update public.pattern_trade_events event
set fill_price = learning.fill_of_action(told.content, 'price'),
  fill_quantity = learning.fill_of_action(told.content, 'quantity'),
  side = coalesce(learning.side_of(told.content), learning.side_of_trade(told.closing)),
  leverage = coalesce(learning.positive_number(told.content -> 'leverage'),
    learning.positive_number(learning.trade_value(told.closing, 'leverage')), 1),
  time_to_s3_hours = told.time_to_s3_hours, reached_s3 = told.reached_s3,
  pnl_usd = learning.pnl_usd(told.closing -> 'trade_summary')
from (
  select told_event.id, strand.content, closing.content as closing, timed.time_to_s3_hours,
    coalesce(
      (closing.content #>> '{trade_summary,reached_s3}')::boolean,
      case when timed.time_to_s3_hours is not null then true end,
      bool_or(told_event.acted_at <= told_event.traded_at and learning.acted_in_s3(strand.content))
        over (partition by told_event.trade_id, owned.module)
    ) as reached_s3
  from public.pattern_trade_events told_event
  join public.ad_strands strand on strand.id = told_event.action_strand_id
  cross join lateral (
    -- The decision maker's actions belong to the trade that was closed last.
    select trade.module, trade.close_strand_id
    from learning.closed_trades trade
    where trade.trade_id = told_event.trade_id
    order by trade.module = told_event.module desc, trade.exit_at desc
    limit 1
  ) as owned
  join public.ad_strands closing on closing.id = owned.close_strand_id
  cross join lateral (
    select learning.time_to_s3_hours(closing.content -> 'trade_summary') as time_to_s3_hours
  ) as timed
) as told
where told.id = event.id;
update public.pattern_trade_events event
set own_roi = judged.own_roi, own_rr = judged.own_rr
from (
  select own.event_id, own.own_roi, own.own_rr
  from (
    select trade.roi, trade.rr, trade.entry_price, trade.exit_price, trade.fees,
      array_agg(told_event.id order by told_event.acted_at, told_event.action_strand_id collate "C") as event_ids,
      array_agg(told_event.action_category order by told_event.acted_at, told_event.action_strand_id collate "C")
        as categories,
      array_agg(told_event.fill_price order by told_event.acted_at, told_event.action_strand_id collate "C") as prices,
      array_agg(told_event.fill_quantity order by told_event.acted_at, told_event.action_strand_id collate "C")
        as quantities,
      array_agg(told_event.side order by told_event.acted_at, told_event.action_strand_id collate "C") as sides,
      array_agg(told_event.leverage order by told_event.acted_at, told_event.action_strand_id collate "C") as leverages,
      min(told_event.could_exit_better) as missed_at_exit
    from public.pattern_trade_events told_event
    cross join lateral (
      -- The decision maker's actions belong to the trade that was closed last.
      select owned_trade.*
      from learning.closed_trades owned_trade
      where owned_trade.trade_id = told_event.trade_id
      order by owned_trade.module = told_event.module desc, owned_trade.exit_at desc
      limit 1
    ) as trade
    group by trade.trade_id, trade.module, trade.roi, trade.rr, trade.entry_price, trade.exit_price, trade.fees
  ) as acted
  cross join lateral learning.own_outcomes(
    acted.categories, acted.prices, acted.quantities, acted.sides, acted.leverages, acted.roi, acted.rr,
    acted.entry_price, acted.exit_price, acted.fees, acted.missed_at_exit
  ) as own_outcomes
  cross join lateral unnest(acted.event_ids, own_outcomes.own_roi, own_outcomes.own_rr)
    as own(event_id, own_roi, own_rr)
) as judged
where judged.event_id = event.id;

-- Outcomes were divided by their scale, so that is what edges were measured in.
update public.learning_edge_history snapshot
set scale = (written_config.config_data ->> 'outcome_scale')::float8
from public.learning_configs written_config
where written_config.module_id = 'pm' and jsonb_typeof(written_config.config_data -> 'outcome_scale') = 'number';
select learning.measure_baselines();

-- More shapes are read than before: what was rejected is judged anew. Nobody is at work on it, so that its revision stands.
update public.strand_receipts
set status = 'pending', errors = '[]', attempts = 0, next_attempt_at = now(), processed_at = null
where status = 'rejected';

-- The index of overrides knows now which of them a person made or pinned.
update learning.override_index_entries index_entry
set by_hand = true
from learning.override_terms terms
where terms.override_id = index_entry.override_id and terms.by_hand;

-- What a run under way works with and has saved is of a form that no function reads any more: it begins again.
update learning.mining_groups
set run = '{}', progress = null, lease_token = null, leased_until = null
where run is not null;

-- Whoever may read may listen to what changes, where the platform has Realtime.
select learning.admit_listeners();
