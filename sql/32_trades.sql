-- Trades: a closed trade becomes one row per action, exactly once, however often and in whatever order its strands arrive.

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
comment on table learning.closed_trades is 'One row per closed trade, by the close that holds: what the baseline and the allocation are computed from.';
comment on column learning.closed_trades.trade_id is 'The trade.';
comment on column learning.closed_trades.close_strand_id is 'The position_closed strand that holds.';
comment on column learning.closed_trades.timeframe is 'Timeframe of the close strand, else of its entry context, else null.';
comment on column learning.closed_trades.roi is 'Return as a fraction.';
comment on column learning.closed_trades.rr is 'Reward over risk.';
comment on column learning.closed_trades.pnl_usd is 'Realised profit in USD.';
comment on column learning.closed_trades.exit_at is 'When the trade was closed.';
comment on column learning.closed_trades.action_categories is 'Categories of its actions with an event; empty where it has none.';

create table learning.scope_values (
  code integer generated always as identity primary key,
  dim text not null references public.scope_dimensions (dim) on delete cascade,
  value text not null
);
create unique index scope_values_dim_value_idx on learning.scope_values (dim, md5(value));
alter table learning.scope_values enable row level security;
comment on table learning.scope_values is 'Dictionary of scope values, so that mining reads packed integers.';
comment on column learning.scope_values.code is 'Number that stands for the value.';
comment on column learning.scope_values.dim is 'Dimension.';
comment on column learning.scope_values.value is 'Value.';

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
create index pattern_trade_events_group_idx on public.pattern_trade_events (module, pattern_key, action_category, id);
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
comment on column public.pattern_trade_events.time_to_s3_hours is 'Hours until the trade reached S3; null where unknown.';
comment on column public.pattern_trade_events.did_trim is 'Whether any action of the trade was a trim.';
comment on column public.pattern_trade_events.reached_s3 is 'Whether the trade reached S3.';
comment on column public.pattern_trade_events.could_enter_better is 'R/R missed at the entry, 0 or more; null where unknown.';
comment on column public.pattern_trade_events.could_exit_better is 'R/R missed at the exit, 0 or more; null where unknown.';
comment on column public.pattern_trade_events.acted_at is 'When the action happened.';
comment on column public.pattern_trade_events.traded_at is 'When the trade was closed.';
comment on column public.pattern_trade_events.created_at is 'When the row was first written.';
comment on column public.pattern_trade_events.scope_codes is 'The scope in codes of learning.scope_values, by bit; 0 where a dimension is absent.';

create function learning.encode_scope(scope jsonb)
returns integer[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  codes integer[] := array_fill(0, array[(select max(known.bit) + 1 from public.scope_dimensions known)]);
  pair record;
begin
  for pair in
    select known.bit, held.code
    from jsonb_each_text(scope) as given
    join public.scope_dimensions known on known.dim = given.key
    join learning.scope_values held on held.dim = given.key and md5(held.value) = md5(given.value) and held.value = given.value
  loop
    codes[pair.bit + 1] := pair.code;
  end loop;
  return codes;
end
$$;
comment on function learning.encode_scope(jsonb) is 'A scope in codes of learning.scope_values, by bit; 0 where a dimension is absent.';

create function learning.register_scope_values(contexts jsonb[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into learning.scope_values (dim, value)
  select distinct given.dim, given.value
  from (
    select known.dim, learning.scope_value(seen.value) as value
    from (
      select distinct entry.key, entry.value
      from unnest(contexts) as context(content)
      cross join lateral jsonb_each(case jsonb_typeof(context.content) when 'object' then context.content else '{}'::jsonb end) as entry
      -- Distinct first: thousands of contexts share a few hundred values.
      offset 0
    ) as seen
    join public.scope_dimensions known on known.dim = seen.key or seen.key = any (known.aliases)
    offset 0
  ) as given
  where given.value is not null
    and not exists (
      select from learning.scope_values held
      where held.dim = given.dim and md5(held.value) = md5(given.value) and held.value = given.value
    )
  -- Two writers that register the same values take them in the same order and cannot deadlock.
  order by 1, 2
  on conflict (dim, md5(value)) do nothing;
end
$$;
comment on function learning.register_scope_values(jsonb[]) is 'Puts the values of some contexts into the dictionary.';

create function learning.apply_trade(p_trade_id text, out changed_groups learning.group_key[], out changed_from timestamptz)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  closing public.ad_strands;
  summary jsonb;
  entry_context jsonb;
  former_trade learning.closed_trades;
  current_trade learning.closed_trades;
begin
  select candidate.* into closing
  from (
    select strand.*
    from public.ad_strands strand
    where strand.kind = 'position_closed' and strand.content ->> 'trade_id' = p_trade_id and learning.has_effect(strand.id)
    -- Keeps the planner from walking all strands by time to find the newest of this trade.
    offset 0
  ) as candidate
  order by candidate.created_at desc, candidate.id collate "C" desc
  limit 1;
  summary := closing.content -> 'trade_summary';
  entry_context := closing.content -> 'entry_context';

  with actions as (
    select strand.id, strand.created_at, strand.content, strand.regime_context,
      coalesce(nullif(btrim(strand.module), ''), case strand.kind when 'dm_action' then 'dm' else 'pm' end) as module,
      bool_or(strand.content ->> 'action_category' = 'trim') over () as did_trim,
      bool_or(coalesce(strand.content ->> 'state' = 'S3', false)) over () as saw_s3
    from public.ad_strands strand
    where strand.kind in ('pm_action', 'dm_action')
      and strand.content ->> 'trade_id' = p_trade_id
      and learning.has_effect(strand.id)
      and closing.id is not null
  ),
  scoped as (
    select actions.*, public.unified_scope(entry_context, actions.content -> 'scope', actions.regime_context) as scope
    from actions
  ),
  written as (
    insert into public.pattern_trade_events as event (
      action_strand_id, trade_id, module, pattern_key, action_category, scope, scope_mask, roi, rr, pnl_usd, duration_hours,
      time_to_s3_hours, did_trim, reached_s3, could_enter_better, could_exit_better, acted_at, traded_at, scope_codes
    )
    select scoped.id, p_trade_id, scoped.module, learning.dotted_pattern_key(scoped.content ->> 'pattern_key'),
      scoped.content ->> 'action_category', scoped.scope, learning.scope_mask(scoped.scope),
      learning.number_of(summary, 'rpnl_pct') / 100, learning.number_of(summary, 'rr'), learning.number_of(summary, 'pnl_usd'),
      extract(epoch from (summary ->> 'exit_timestamp')::timestamptz - (summary ->> 'entry_timestamp')::timestamptz)::float8 / 3600,
      learning.number_of(summary, 'time_to_s3_hours'), scoped.did_trim,
      coalesce((summary ->> 'reached_s3')::boolean, scoped.saw_s3),
      learning.number_of(summary, 'could_enter_better'), learning.number_of(summary, 'could_exit_better'),
      scoped.created_at, (summary ->> 'exit_timestamp')::timestamptz, learning.encode_scope(scoped.scope)
    from scoped
    on conflict (action_strand_id) do update set
      trade_id = excluded.trade_id, module = excluded.module, pattern_key = excluded.pattern_key,
      action_category = excluded.action_category, scope = excluded.scope, scope_mask = excluded.scope_mask,
      roi = excluded.roi, rr = excluded.rr, pnl_usd = excluded.pnl_usd, duration_hours = excluded.duration_hours,
      time_to_s3_hours = excluded.time_to_s3_hours, did_trim = excluded.did_trim, reached_s3 = excluded.reached_s3,
      could_enter_better = excluded.could_enter_better, could_exit_better = excluded.could_exit_better,
      acted_at = excluded.acted_at, traded_at = excluded.traded_at, scope_codes = excluded.scope_codes
    where (event.trade_id, event.module, event.pattern_key, event.action_category, event.scope, event.roi, event.rr, event.pnl_usd,
        event.duration_hours, event.time_to_s3_hours, event.did_trim, event.reached_s3, event.could_enter_better,
        event.could_exit_better, event.acted_at, event.traded_at, event.scope_codes)
      is distinct from (excluded.trade_id, excluded.module, excluded.pattern_key, excluded.action_category, excluded.scope, excluded.roi,
        excluded.rr, excluded.pnl_usd, excluded.duration_hours, excluded.time_to_s3_hours, excluded.did_trim, excluded.reached_s3,
        excluded.could_enter_better, excluded.could_exit_better, excluded.acted_at, excluded.traded_at, excluded.scope_codes)
    returning event.module, event.pattern_key, event.action_category
  ),
  former as (
    select event.action_strand_id, event.module, event.pattern_key, event.action_category
    from public.pattern_trade_events event
    where event.trade_id = p_trade_id
    union
    select event.action_strand_id, event.module, event.pattern_key, event.action_category
    from actions
    join public.pattern_trade_events event on event.action_strand_id = actions.id
  ),
  removed as (
    delete from public.pattern_trade_events event
    where event.trade_id = p_trade_id and not exists (select from actions where actions.id = event.action_strand_id)
    returning event.module, event.pattern_key, event.action_category
  )
  select coalesce(array_agg(distinct (touched.module, touched.pattern_key, touched.action_category)::learning.group_key), '{}')
  into changed_groups
  from (
    select * from written
    union all
    select * from removed
    union all
    -- An action that changed its key leaves a group behind; an unchanged trade touches none.
    select former.module, former.pattern_key, former.action_category from former where exists (select from written)
  ) as touched;

  select trade.* into former_trade from learning.closed_trades trade where trade.trade_id = p_trade_id;
  if closing.id is null then
    delete from learning.closed_trades trade where trade.trade_id = p_trade_id;
  else
    insert into learning.closed_trades as trade (trade_id, close_strand_id, timeframe, roi, rr, pnl_usd, exit_at, action_categories)
    select p_trade_id, closing.id,
      learning.scope_value(to_jsonb(coalesce(nullif(btrim(closing.timeframe), ''), entry_context ->> 'timeframe'))),
      learning.number_of(summary, 'rpnl_pct') / 100, learning.number_of(summary, 'rr'), learning.number_of(summary, 'pnl_usd'),
      (summary ->> 'exit_timestamp')::timestamptz,
      (select coalesce(array_agg(distinct event.action_category order by event.action_category), '{}')
        from public.pattern_trade_events event where event.trade_id = p_trade_id)
    on conflict (trade_id) do update set
      close_strand_id = excluded.close_strand_id, timeframe = excluded.timeframe, roi = excluded.roi, rr = excluded.rr,
      pnl_usd = excluded.pnl_usd, exit_at = excluded.exit_at, action_categories = excluded.action_categories
    returning trade.* into current_trade;
  end if;
  if (former_trade.timeframe, former_trade.roi, former_trade.exit_at)
    is distinct from (current_trade.timeframe, current_trade.roi, current_trade.exit_at) then
    changed_from := least(former_trade.exit_at, current_trade.exit_at);
  end if;
end
$$;
comment on function learning.apply_trade(text) is
  'Brings a trade''s events and its closed_trades row in line with its accepted strands; returns the groups whose events changed and, where the trade''s place or outcome did, the time from which allocation must be replayed.';
