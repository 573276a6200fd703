-- Trades: a closed trade becomes one row per action, exactly once, however often and in whatever order its
-- strands arrive.

create table learning.closed_trades (
  trade_id text primary key,
  close_strand_id text not null,
  timeframe text,
  roi float8 not null,
  rr float8 not null,
  pnl_usd float8,
  exit_at timestamptz not null,
  action_categories text[] not null default '{}'
);
create unique index closed_trades_close_strand_idx on learning.closed_trades (close_strand_id);
create index closed_trades_exit_idx on learning.closed_trades (exit_at, trade_id);
alter table learning.closed_trades enable row level security;
comment on table learning.closed_trades is
  'One row per closed trade, by the close that holds: what the baseline and the allocation are computed '
  'from.';
comment on column learning.closed_trades.trade_id is 'The trade.';
comment on column learning.closed_trades.close_strand_id is 'The position_closed strand that holds.';
comment on column learning.closed_trades.timeframe is
  'Timeframe of the close strand, else of its entry context, else null.';
comment on column learning.closed_trades.roi is 'Return as a fraction.';
comment on column learning.closed_trades.rr is 'Reward over risk.';
comment on column learning.closed_trades.pnl_usd is 'Realised profit in USD.';
comment on column learning.closed_trades.exit_at is 'When the trade was closed.';
comment on column learning.closed_trades.action_categories is
  'Categories of its actions with an event; empty where it has none.';

create table public.pattern_trade_events (
  id bigint generated always as identity primary key,
  action_strand_id text not null unique,
  trade_id text not null,
  module text not null,
  pattern_key text not null,
  action_category text not null,
  scope jsonb not null,
  scope_mask integer not null,
  roi float8 not null,
  rr float8 not null,
  pnl_usd float8,
  duration_hours float8 not null,
  time_to_s3_hours float8,
  did_trim boolean not null,
  reached_s3 boolean not null,
  could_enter_better float8,
  could_exit_better float8,
  acted_at timestamptz not null,
  traded_at timestamptz not null,
  created_at timestamptz not null default now(),
  scope_codes integer[] not null
);
create index pattern_trade_events_trade_idx on public.pattern_trade_events (trade_id);
create index pattern_trade_events_group_idx
on public.pattern_trade_events (module, pattern_key, action_category, id);
alter table public.pattern_trade_events enable row level security;
comment on table public.pattern_trade_events is 'One row per action of a closed trade: what mining reads.';
comment on column public.pattern_trade_events.id is 'Identity.';
comment on column public.pattern_trade_events.action_strand_id is 'The action.';
comment on column public.pattern_trade_events.trade_id is 'The trade it belongs to.';
comment on column public.pattern_trade_events.module is 'Who acted: pm or dm.';
comment on column public.pattern_trade_events.pattern_key is 'Behaviour that acted, dotted.';
comment on column public.pattern_trade_events.action_category is 'entry, add, trim, exit or allocation.';
comment on column public.pattern_trade_events.scope is 'Context of the action.';
comment on column public.pattern_trade_events.scope_mask is 'Dimensions of the scope as bits.';
comment on column public.pattern_trade_events.roi is 'Return of the whole trade, a fraction.';
comment on column public.pattern_trade_events.rr is 'Reward over risk of the whole trade.';
comment on column public.pattern_trade_events.pnl_usd is 'Realised profit of the whole trade in USD.';
comment on column public.pattern_trade_events.duration_hours is 'Hours from the first entry to the close.';
comment on column public.pattern_trade_events.time_to_s3_hours is
  'Hours until the trade reached S3; null where unknown.';
comment on column public.pattern_trade_events.did_trim is 'Whether any action of the trade was a trim.';
comment on column public.pattern_trade_events.reached_s3 is 'Whether the trade reached S3.';
comment on column public.pattern_trade_events.could_enter_better is
  'R/R missed at the entry, 0 or more; null where unknown.';
comment on column public.pattern_trade_events.could_exit_better is
  'R/R missed at the exit, 0 or more; null where unknown.';
comment on column public.pattern_trade_events.acted_at is 'When the action happened.';
comment on column public.pattern_trade_events.traded_at is 'When the trade was closed.';
comment on column public.pattern_trade_events.created_at is 'When the row was first written.';
comment on column public.pattern_trade_events.scope_codes is
  'The scope in codes of learning.scope_values, by bit; 0 where a dimension is absent.';

create function learning.standing_close(p_trade_id text)
returns learning.accepted_strands
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  standing learning.accepted_strands;
begin
  select closing.* into standing
  from (
    select accepted_strand.*
    from learning.accepted_strands accepted_strand
    where accepted_strand.kind = 'position_closed' and accepted_strand.content ->> 'trade_id' = p_trade_id
    -- Keeps the planner from walking all strands by time to find the newest of this trade.
    offset 0
  ) as closing
  order by closing.created_at desc, closing.id collate "C" desc
  limit 1;
  return standing;
end
$$;
comment on function learning.standing_close(text) is
  'The close of a trade that holds: the newest that was accepted; nothing but nulls where there is none.';

create function learning.trade_of_close(closing learning.accepted_strands)
returns learning.closed_trades
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  summary constant jsonb := closing.content -> 'trade_summary';
  trade learning.closed_trades;
begin
  trade.trade_id := closing.content ->> 'trade_id';
  trade.close_strand_id := closing.id;
  trade.timeframe := learning.scope_value(to_jsonb(
    coalesce(nullif(btrim(closing.timeframe), ''), closing.content #>> '{entry_context,timeframe}')
  ));
  trade.roi := learning.number_of(summary, 'rpnl_pct') / 100;
  trade.rr := learning.number_of(summary, 'rr');
  trade.pnl_usd := learning.number_of(summary, 'pnl_usd');
  trade.exit_at := (summary ->> 'exit_timestamp')::timestamptz;
  return trade;
end
$$;
comment on function learning.trade_of_close(learning.accepted_strands) is
  'What a close says of its trade; without the categories of its actions.';

create function learning.events_of_close(
  closing learning.accepted_strands, closed_trade learning.closed_trades
)
returns table (
  action_strand_id text, module text, pattern_key text, action_category text, scope jsonb,
  duration_hours float8, time_to_s3_hours float8, did_trim boolean, reached_s3 boolean,
  could_enter_better float8, could_exit_better float8, acted_at timestamptz
)
language plpgsql
stable
-- Of a thousand, which is what is expected of a function unless it says so, all events would be read.
rows 5
set search_path = pg_catalog, pg_temp
as $$
declare
  entry_context constant jsonb := closing.content -> 'entry_context';
  summary constant jsonb := closing.content -> 'trade_summary';
  entered_at constant timestamptz := (summary ->> 'entry_timestamp')::timestamptz;
begin
  return query
  select action_strand.id,
    coalesce(
      nullif(btrim(action_strand.module), ''),
      case action_strand.kind when 'dm_action' then 'dm' else 'pm' end
    ),
    learning.dotted_pattern_key(action_strand.content ->> 'pattern_key'),
    action_strand.content ->> 'action_category',
    public.unified_scope(entry_context, action_strand.content -> 'scope', action_strand.regime_context),
    extract(epoch from closed_trade.exit_at - entered_at)::float8 / 3600,
    learning.number_of(summary, 'time_to_s3_hours'),
    bool_or(action_strand.content ->> 'action_category' = 'trim') over (),
    coalesce(
      (summary ->> 'reached_s3')::boolean,
      bool_or(coalesce(action_strand.content ->> 'state' = 'S3', false)) over ()
    ),
    learning.number_of(summary, 'could_enter_better'), learning.number_of(summary, 'could_exit_better'),
    action_strand.created_at
  from learning.accepted_strands action_strand
  where action_strand.kind in ('pm_action', 'dm_action')
    and action_strand.content ->> 'trade_id' = closed_trade.trade_id;
end
$$;
comment on function learning.events_of_close(learning.accepted_strands, learning.closed_trades) is
  'The events that a close makes of its trade''s accepted actions; none without a close.';

create function learning.write_events(
  p_trade_id text, closing learning.accepted_strands, closed_trade learning.closed_trades
)
returns learning.group_key[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  changed_groups learning.group_key[];
begin
  with standing as materialized (
    select event_of_close.* from learning.events_of_close(closing, closed_trade) as event_of_close
  ),
  written as (
    insert into public.pattern_trade_events as event (
      action_strand_id, trade_id, module, pattern_key, action_category, scope, scope_mask, scope_codes,
      roi, rr, pnl_usd, duration_hours, time_to_s3_hours, did_trim, reached_s3,
      could_enter_better, could_exit_better, acted_at, traded_at
    )
    select standing.action_strand_id, p_trade_id, standing.module, standing.pattern_key,
      standing.action_category, standing.scope, learning.scope_mask(standing.scope),
      learning.encode_scope(standing.scope), closed_trade.roi, closed_trade.rr, closed_trade.pnl_usd,
      standing.duration_hours, standing.time_to_s3_hours, standing.did_trim, standing.reached_s3,
      standing.could_enter_better, standing.could_exit_better, standing.acted_at, closed_trade.exit_at
    from standing
    on conflict (action_strand_id) do update set
      trade_id = excluded.trade_id, module = excluded.module, pattern_key = excluded.pattern_key,
      action_category = excluded.action_category, scope = excluded.scope, scope_mask = excluded.scope_mask,
      scope_codes = excluded.scope_codes, roi = excluded.roi, rr = excluded.rr, pnl_usd = excluded.pnl_usd,
      duration_hours = excluded.duration_hours, time_to_s3_hours = excluded.time_to_s3_hours,
      did_trim = excluded.did_trim, reached_s3 = excluded.reached_s3,
      could_enter_better = excluded.could_enter_better, could_exit_better = excluded.could_exit_better,
      acted_at = excluded.acted_at, traded_at = excluded.traded_at
    where (event.trade_id, event.module, event.pattern_key, event.action_category, event.scope,
        event.scope_codes, event.roi, event.rr, event.pnl_usd, event.duration_hours, event.time_to_s3_hours,
        event.did_trim, event.reached_s3, event.could_enter_better, event.could_exit_better, event.acted_at,
        event.traded_at)
      is distinct from (excluded.trade_id, excluded.module, excluded.pattern_key, excluded.action_category,
        excluded.scope, excluded.scope_codes, excluded.roi, excluded.rr, excluded.pnl_usd,
        excluded.duration_hours, excluded.time_to_s3_hours, excluded.did_trim, excluded.reached_s3,
        excluded.could_enter_better, excluded.could_exit_better, excluded.acted_at, excluded.traded_at)
    returning event.module, event.pattern_key, event.action_category
  ),
  former as (
    select event.module, event.pattern_key, event.action_category
    from public.pattern_trade_events event
    where event.trade_id = p_trade_id
    union
    select event.module, event.pattern_key, event.action_category
    from standing
    join public.pattern_trade_events event on event.action_strand_id = standing.action_strand_id
  ),
  removed as (
    delete from public.pattern_trade_events event
    where event.trade_id = p_trade_id
      and not exists (select from standing where standing.action_strand_id = event.action_strand_id)
    returning event.module, event.pattern_key, event.action_category
  )
  select array_agg(distinct
    (touched.module, touched.pattern_key, touched.action_category)::learning.group_key)
  into changed_groups
  from (
    select * from written
    union all
    select * from removed
    union all
    -- An action that changed its key leaves a group behind; an unchanged trade touches none.
    select * from former where exists (select from written)
  ) as touched;
  return coalesce(changed_groups, '{}');
end
$$;
comment on function learning.write_events(text, learning.accepted_strands, learning.closed_trades) is
  'Brings a trade''s events in line with its close and its accepted actions; returns the groups whose '
  'events changed.';

create function learning.write_trade(p_trade_id text, closed_trade learning.closed_trades)
returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  former_trade learning.closed_trades;
begin
  select trade.* into former_trade from learning.closed_trades trade where trade.trade_id = p_trade_id;
  if closed_trade.trade_id is null then
    delete from learning.closed_trades trade where trade.trade_id = p_trade_id;
  else
    select coalesce(array_agg(distinct event.action_category order by event.action_category), '{}')
    into closed_trade.action_categories
    from public.pattern_trade_events event
    where event.trade_id = p_trade_id;

    insert into learning.closed_trades as trade
    values (closed_trade.*)
    on conflict (trade_id) do update set
      close_strand_id = excluded.close_strand_id, timeframe = excluded.timeframe, roi = excluded.roi,
      rr = excluded.rr, pnl_usd = excluded.pnl_usd, exit_at = excluded.exit_at,
      action_categories = excluded.action_categories;
  end if;
  return case
    when (former_trade.timeframe, former_trade.roi, former_trade.exit_at)
      is distinct from (closed_trade.timeframe, closed_trade.roi, closed_trade.exit_at)
      then least(former_trade.exit_at, closed_trade.exit_at)
  end;
end
$$;
comment on function learning.write_trade(text, learning.closed_trades) is
  'Brings a closed trade''s row in line with its close, after its events; returns the time from which '
  'allocation must be replayed, or null where neither its place nor its outcome changed.';

create function learning.apply_trade(
  p_trade_id text, out changed_groups learning.group_key[], out changed_from timestamptz
)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  closing constant learning.accepted_strands := learning.standing_close(p_trade_id);
  closed_trade constant learning.closed_trades := learning.trade_of_close(closing);
begin
  changed_groups := learning.write_events(p_trade_id, closing, closed_trade);
  changed_from := learning.write_trade(p_trade_id, closed_trade);
end
$$;
comment on function learning.apply_trade(text) is
  'Brings a trade''s events and its closed_trades row in line with its accepted strands; returns the groups '
  'whose events changed and, where the trade''s place or outcome did, the time from which allocation must '
  'be replayed.';
