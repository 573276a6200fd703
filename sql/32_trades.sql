-- Trades: a closed trade becomes one row per action, exactly once, however often and in whatever order its
-- strands arrive.

create table learning.closed_trades (
  trade_id text not null,
  close_strand_id text not null,
  timeframe text,
  roi float8 not null,
  rr float8 not null,
  pnl_usd float8,
  exit_at timestamptz not null,
  action_categories text[] not null default '{}',
  module text not null default 'pm',
  entry_price float8,
  exit_price float8,
  fees float8,
  primary key (trade_id, module)
);
create index closed_trades_close_strand_idx on learning.closed_trades (close_strand_id);
create index closed_trades_exit_idx on learning.closed_trades (exit_at, trade_id);
alter table learning.closed_trades enable row level security;
comment on table learning.closed_trades is
  'One row per closed trade, by the close that holds: what the baseline and the allocation are computed '
  'from. Where modules use one id, each has a trade of its own.';
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
comment on column learning.closed_trades.module is 'Who acted; where nobody did, who closed it.';
comment on column learning.closed_trades.entry_price is 'Price it was entered at; null where unknown.';
comment on column learning.closed_trades.exit_price is 'Price it was left at; null where unknown.';
comment on column learning.closed_trades.fees is
  'What it cost, a fraction of its capital; null where the close does not say.';

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
  scope_codes integer[] not null,
  fill_price float8,
  fill_quantity float8,
  side text check (side in ('long', 'short')),
  leverage float8,
  own_roi float8,
  own_rr float8
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
comment on column public.pattern_trade_events.fill_price is
  'Price that the action was filled at; null where it does not say.';
comment on column public.pattern_trade_events.fill_quantity is
  'Quantity that was filled; null where the action does not say.';
comment on column public.pattern_trade_events.side is
  'long or short, by the action or its trade; null in events of before it was kept.';
comment on column public.pattern_trade_events.leverage is
  'Leverage of the action or its trade, 1 where neither says; null in events of before it was kept.';

comment on column public.pattern_trade_events.own_roi is
  'What the action came to by itself: an add''s own return, what a trim saved, what an exit missed, negative '
  'and in R; else the return of the whole trade. Null where unknown.';
comment on column public.pattern_trade_events.own_rr is 'The same in R; null where unknown.';

create function learning.strands_of_trades(p_trade_ids text[])
returns table (trade_id text, strand learning.accepted_strands)
language plpgsql
stable
rows 1000
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select named.trade_id, accepted.strand
  from unnest(p_trade_ids) as named(trade_id)
  -- For each trade by itself: statistics of before the inbox was drained say that no receipt is done, and the
  -- planner would begin with all that are.
  cross join lateral (
    select accepted_strand as strand
    from learning.accepted_strands accepted_strand
    where accepted_strand.content -> 'trade_id' = to_jsonb(named.trade_id)
      and accepted_strand.kind in ('pm_action', 'dm_action', 'position_closed')
    offset 0
  ) as accepted;
end
$$;
comment on function learning.strands_of_trades(text[]) is
  'The accepted strands that tell of some trades.';

create function learning.standing_closes(p_trade_ids text[])
returns table (
  trade_id text, module text, closing learning.accepted_strands, is_newest boolean, acting text[]
)
language plpgsql
stable
rows 100
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  with told as materialized (
    select told_strand.trade_id, told_strand.strand, (told_strand.strand).kind, (told_strand.strand).id,
      (told_strand.strand).created_at,
      learning.acting_module((told_strand.strand).kind, (told_strand.strand).module) as teller
    from learning.strands_of_trades(p_trade_ids) as told_strand
    where (told_strand.strand).kind in ('pm_action', 'position_closed')
  ),
  actor as (
    select distinct on (told.trade_id, told.teller) told.trade_id, told.teller, told.created_at, told.id
    from told
    where told.kind = 'pm_action'
    order by told.trade_id, told.teller, told.created_at desc, told.id collate "C" desc
  ),
  crew as (
    select actor.trade_id,
      array_agg(actor.teller order by actor.created_at desc, actor.id collate "C" desc) as acting
    from actor
    group by actor.trade_id
  ),
  newest as (
    select distinct on (told.trade_id, taker.module) told.trade_id, taker.module, told.strand,
      told.created_at, told.id, taker.place, crew.acting
    from told
    left join crew using (trade_id)
    cross join lateral unnest(
      -- Who only closes does so for all who acted.
      case when told.teller <> all (crew.acting) then crew.acting else array[told.teller] end
    ) with ordinality as taker(module, place)
    where told.kind = 'position_closed'
    order by told.trade_id, taker.module, told.created_at desc, told.id collate "C" desc
  ),
  ranked as (
    select newest.*, row_number() over (
      partition by newest.trade_id
      order by newest.created_at desc, newest.id collate "C" desc, newest.place
    ) as rank
    from newest
  )
  select ranked.trade_id, ranked.module, ranked.strand, ranked.rank = 1, coalesce(ranked.acting, '{}')
  from ranked
  -- Where nobody acted there is one trade, of whoever closed it last.
  where ranked.acting is not null or ranked.rank = 1
  order by ranked.trade_id, ranked.rank;
end
$$;
comment on function learning.standing_closes(text[]) is
  'The trades that go by some ids, of each id one for each module that acted or, where none did, of whoever '
  'closed it, the last one closed first: the newest close of each that was accepted, whether it is the one '
  'that was closed last, to which the decision maker''s allocations belong, and which modules acted.';

create function learning.trade_of_close(closing learning.accepted_strands, acting_module text)
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
  trade.pnl_usd := learning.pnl_usd(summary);
  trade.exit_at := (summary ->> 'exit_timestamp')::timestamptz;
  trade.module := acting_module;
  trade.entry_price := learning.positive_number(summary -> 'entry_price');
  trade.exit_price := learning.positive_number(summary -> 'exit_price');
  trade.fees := learning.finite_number(learning.trade_value(closing.content, 'fees'));
  return trade;
end
$$;
comment on function learning.trade_of_close(learning.accepted_strands, text) is
  'What a close says of a module''s trade; without the categories of its actions.';

create function learning.events_of_closes(
  closings learning.accepted_strands[], closed_trades learning.closed_trades[], are_newest boolean[]
)
returns table (
  trade_place bigint, action_strand_id text, module text, pattern_key text, action_category text,
  scope jsonb, duration_hours float8, time_to_s3_hours float8, did_trim boolean, reached_s3 boolean,
  could_enter_better float8, could_exit_better float8, acted_at timestamptz, fill_price float8,
  fill_quantity float8, side text, leverage float8
)
language plpgsql
stable
rows 500
set search_path = pg_catalog, pg_temp
as $$
declare
  lists constant learning.dimension_lists := learning.listed_dimensions();
begin
  return query
  with close as materialized (
    select given.place, given.trade_id, given.module, given.exit_at, given.is_newest,
      given.content -> 'entry_context' as entry_context,
      extract(epoch from
        given.exit_at - (given.content #>> '{trade_summary,entry_timestamp}')::timestamptz
      )::float8 / 3600 as hours,
      learning.time_to_s3_hours(given.content -> 'trade_summary') as hours_to_s3,
      (given.content #>> '{trade_summary,reached_s3}')::boolean as flag,
      learning.side_of_trade(given.content) as side,
      coalesce(learning.positive_number(learning.trade_value(given.content, 'leverage')), 1) as leverage,
      learning.missed_rr(given.content -> 'trade_summary', 'could_enter_better') as missed_at_entry,
      learning.missed_rr(given.content -> 'trade_summary', 'could_exit_better') as missed_at_exit
    from (
      select closing.place, closing.content, closed_trade.trade_id, closed_trade.module,
        closed_trade.exit_at, newest.is_newest
      from unnest(closings) with ordinality
        as closing(id, kind, module, timeframe, content, regime_context, created_at, place)
      join unnest(closed_trades) with ordinality as closed_trade(
        trade_id, close_strand_id, timeframe, roi, rr, pnl_usd, exit_at, action_categories, module,
        entry_price, exit_price, fees, place
      ) using (place)
      join unnest(are_newest) with ordinality as newest(is_newest, place) using (place)
    ) as given
  ),
  done as materialized (
    select told_strand.trade_id, action_strand.*,
      learning.acting_module(action_strand.kind, action_strand.module) as actor,
      learning.action_category(action_strand.content) as category
    from learning.strands_of_trades(
      array(select closed_trade.trade_id from unnest(closed_trades) as closed_trade group by 1)
    ) as told_strand
    cross join lateral (select (told_strand.strand).*) as action_strand
    where action_strand.kind in ('pm_action', 'dm_action')
  )
  select close.place, done.id, done.actor, learning.dotted_pattern_key(done.content ->> 'pattern_key'),
    done.category,
    learning.merged_scope(close.entry_context, done.content -> 'scope', done.regime_context, lists),
    close.hours, close.hours_to_s3, bool_or(done.category = 'trim') over of_trade,
    coalesce(close.flag, case when close.hours_to_s3 is not null then true end, bool_or(
      close.flag is null and close.hours_to_s3 is null and done.created_at <= close.exit_at
        and learning.acted_in_s3(done.content)
    ) over of_trade),
    close.missed_at_entry, close.missed_at_exit, done.created_at,
    -- Most say little of this, and a call that finds nothing costs as much as one that does.
    case when done.content ?| '{price,execution_result}'
      then learning.fill_of_action(done.content, 'price') end,
    case when done.content ?| '{quantity,execution_result}'
      then learning.fill_of_action(done.content, 'quantity') end,
    case when done.content ?| '{side,is_short}'
      then coalesce(learning.side_of(done.content), close.side) else close.side end,
    case when done.content ? 'leverage'
      then coalesce(learning.positive_number(done.content -> 'leverage'), close.leverage)
      else close.leverage end
  from close
  join done on done.trade_id = close.trade_id
    and case done.kind when 'dm_action' then close.is_newest else done.actor = close.module end
  window of_trade as (partition by close.place);
end
$$;
comment on function learning.events_of_closes(
  learning.accepted_strands[], learning.closed_trades[], boolean[]
) is
  'The events that closes make of their trades'' accepted actions; the decision maker''s belong to the '
  'newest close of an id. By the places of the closes.';
