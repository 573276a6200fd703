-- Allocation between timeframes: a function of the closed trades, in the order of their exits, and of the
-- shares they start from.

create table public.timeframe_allocation_steps (
  exit_at timestamptz not null,
  trade_id text not null,
  timeframe text,
  roi float8 not null,
  outcome text not null check (outcome in ('moved', 'no_share', 'one_timeframe', 'at_bound', 'settled')),
  timeframes text[] not null,
  shares float8[] not null,
  desired float8[] not null,
  n integer[] not null,
  last_exit_at timestamptz[] not null,
  roi_short float8[] not null,
  roi_long float8[] not null,
  weight_short float8[] not null,
  weight_long float8[] not null,
  module text not null default 'pm',
  primary key (exit_at, trade_id, module)
);
alter table public.timeframe_allocation_steps enable row level security;
comment on table public.timeframe_allocation_steps is
  'One row per closed trade in order, with the whole state after it, so that a late or corrected trade '
  'replays from its place. Arrays have one element per timeframe; n, last_exit_at, the ROIs and their '
  'weights have one more, for all trades together.';
comment on column public.timeframe_allocation_steps.exit_at is 'When the trade was closed.';
comment on column public.timeframe_allocation_steps.trade_id is
  'The trade; decides, in byte order, between trades closed at the same time.';
comment on column public.timeframe_allocation_steps.timeframe is
  'Timeframe of the trade; null where unknown.';
comment on column public.timeframe_allocation_steps.roi is 'Return of the trade, a fraction.';
comment on column public.timeframe_allocation_steps.outcome is
  'moved; or why the shares stayed: no_share (the trade''s timeframe has none), one_timeframe (fewer than '
  'two have closed trades), at_bound (the floor or the ceiling is in the way), settled (every share is '
  'where it is heading).';
comment on column public.timeframe_allocation_steps.timeframes is 'The timeframes that have a share.';
comment on column public.timeframe_allocation_steps.shares is 'Their shares; they sum to 1.';
comment on column public.timeframe_allocation_steps.desired is
  'The shares they are heading for; its own where a timeframe has no trades.';
comment on column public.timeframe_allocation_steps.n is 'Closed trades so far.';
comment on column public.timeframe_allocation_steps.last_exit_at is
  'When the newest of them was closed; null before any.';
comment on column public.timeframe_allocation_steps.roi_short is
  'Mean ROI with a memory of 14 days, a fraction; null before any trade.';
comment on column public.timeframe_allocation_steps.roi_long is
  'Mean ROI with a memory of 90 days, a fraction; null before any trade.';
comment on column public.timeframe_allocation_steps.weight_short is
  'Weight of the trades in roi_short as of last_exit_at; the newest counts 1.';
comment on column public.timeframe_allocation_steps.weight_long is
  'Weight of the trades in roi_long as of last_exit_at; the newest counts 1.';

comment on column public.timeframe_allocation_steps.module is
  'Whose trade it is; decides, in byte order, between modules that use one id.';

create function learning.start_shares(out timeframes text[], out shares float8[])
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Configured shares may miss 1 by a rounding error; from here on they never do. Whoever may not read the
  -- configuration gets nothing.
  select array_agg(start.timeframe order by start.timeframe),
    array_agg(start.share + case start.rank when 1 then 1 - start.total else 0 end order by start.timeframe)
  into timeframes, shares
  from (
    select configured.key collate "C" as timeframe, configured.value::float8 as share,
      sum(configured.value::float8) over () as total,
      row_number() over (order by configured.value::float8 desc, configured.key collate "C") as rank
    from jsonb_each_text(learning.config('decision_maker') -> 'start_shares') as configured
  ) as start;
end
$$;
comment on function learning.start_shares() is
  'The timeframes that have a share and the shares they start from.';

create view public.timeframe_allocation
with (security_invoker = true)
as
with newest as (
  select step.*
  from public.timeframe_allocation_steps step
  order by step.exit_at desc, step.trade_id collate "C" desc, step.module collate "C" desc
  limit 1
)
select slot.timeframe, newest.shares[slot.place] as current_allocation,
  newest.desired[slot.place] as desired_allocation, newest.roi_short[slot.place] as roi_short,
  newest.roi_long[slot.place] as roi_long, newest.n[slot.place] as n,
  newest.last_exit_at[slot.place] as updated_at
from newest
cross join lateral unnest(newest.timeframes) with ordinality as slot(timeframe, place)
union all
select slot.timeframe, slot.share, slot.share, null, null, 0, null
from learning.start_shares() as start
cross join lateral unnest(start.timeframes, start.shares) as slot(timeframe, share)
where not exists (select from newest);
comment on view public.timeframe_allocation is 'How the allocation of a token is split over timeframes now.';
comment on column public.timeframe_allocation.timeframe is 'Timeframe.';
comment on column public.timeframe_allocation.current_allocation is
  'Its share of a token''s allocation, a fraction; all sum to 1.';
comment on column public.timeframe_allocation.desired_allocation is 'The share it is heading for.';
comment on column public.timeframe_allocation.roi_short is
  'Mean ROI of its trades with a memory of 14 days; null before any trade.';
comment on column public.timeframe_allocation.roi_long is
  'Mean ROI of its trades with a memory of 90 days; null before any trade.';
comment on column public.timeframe_allocation.n is 'Its closed trades.';
comment on column public.timeframe_allocation.updated_at is
  'When its newest trade was closed; null before any trade.';

create function learning.desired_shares(shares float8[], roi_short float8[], traded integer[])
returns float8[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  temperature constant float8 := 0.10;
  desired float8[] := shares;
  place integer;
  mass float8 := 0;
  best float8;
  pull float8 := 0;
begin
  foreach place in array traded loop
    mass := mass + shares[place];
    best := greatest(best, roi_short[place]);
  end loop;
  foreach place in array traded loop
    desired[place] := exp(greatest((roi_short[place] - best) / temperature, -700));
    pull := pull + desired[place];
  end loop;
  foreach place in array traded loop
    desired[place] := mass * desired[place] / pull;
  end loop;
  return desired;
end
$$;
comment on function learning.desired_shares(float8[], float8[], integer[]) is
  'The shares that the ROI asks for: what the timeframes with trades hold together, by the softmax of their '
  'ROI; the others keep theirs.';

create function learning.shares_after(shares float8[], changes float8[])
returns float8[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  next_shares float8[] := shares;
  change float8;
  gain float8 := 0;
  loss float8 := 0;
  largest integer;
  missing float8 := 1;
begin
  foreach change in array changes loop
    gain := gain + greatest(change, 0);
    loss := loss - least(change, 0);
  end loop;
  if gain = 0 or loss = 0 then
    return shares;
  end if;
  for place in 1 .. cardinality(shares) loop
    change := changes[place];
    next_shares[place] := shares[place] + case
      when change > 0 and gain > loss then change * (loss / gain)
      when change < 0 and loss > gain then change * (gain / loss)
      else change
    end;
    missing := missing - next_shares[place];
    if change <> 0 and (largest is null or next_shares[place] > next_shares[largest]) then
      largest := place;
    end if;
  end loop;
  -- However many steps there are, their rounding errors never add up.
  next_shares[largest] := next_shares[largest] + missing;
  return next_shares;
end
$$;
comment on function learning.shares_after(float8[], float8[]) is
  'Shares after changes of which the larger side, gains or losses, is scaled down to the smaller one.';

create function learning.next_allocation(
  shares float8[], roi_short float8[], n integer[],
  out next_shares float8[], out desired float8[], out outcome text
)
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  largest_step constant float8 := 0.003;
  trades_for_whole_steps constant float8 := 5;
  traded integer[] := array[]::integer[];
  fewest_trades integer;
  place integer;
  reach float8;
  wish float8;
  changes float8[] := array_fill(0::float8, array[cardinality(shares)]);
  bounded boolean := false;
begin
  for place in 1 .. cardinality(shares) loop
    if n[place] > 0 then
      traded := traded || place;
      fewest_trades := least(fewest_trades, n[place]);
    end if;
  end loop;
  if cardinality(traded) < 2 then
    next_shares := shares;
    desired := shares;
    outcome := 'one_timeframe';
    return;
  end if;

  desired := learning.desired_shares(shares, roi_short, traded);
  reach := largest_step * least(1, fewest_trades / trades_for_whole_steps);
  foreach place in array traded loop
    wish := greatest(-reach, least(reach, desired[place] - shares[place]));
    changes[place] := greatest(learning.least_share() - shares[place],
      least(learning.greatest_share() - shares[place], wish));
    bounded := bounded or changes[place] <> wish;
  end loop;
  next_shares := learning.shares_after(shares, changes);
  outcome := case when next_shares <> shares then 'moved' when bounded then 'at_bound' else 'settled' end;
end
$$;
comment on function learning.next_allocation(float8[], float8[], integer[]) is
  'The shares after a close: over the timeframes with trades, a small zero-sum step towards the softmax of '
  'their ROI; the others keep theirs.';

create function learning.allocation_state(before timestamptz default null)
returns public.timeframe_allocation_steps
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  state public.timeframe_allocation_steps;
  places integer[];
begin
  select step.* into state
  from public.timeframe_allocation_steps step
  where step.exit_at < coalesce(before, 'infinity')
  order by step.exit_at desc, step.trade_id collate "C" desc, step.module collate "C" desc
  limit 1;
  if state.trade_id is null then
    select start.timeframes, start.shares, start.shares into state.timeframes, state.shares, state.desired
    from learning.start_shares() as start;
    places := array[cardinality(state.timeframes) + 1];
    state.n := array_fill(0, places);
    state.last_exit_at := array_fill(null::timestamptz, places);
    state.roi_short := array_fill(null::float8, places);
    state.roi_long := state.roi_short;
    state.weight_short := array_fill(0::float8, places);
    state.weight_long := state.weight_short;
  end if;
  return state;
end
$$;
comment on function learning.allocation_state(timestamptz) is
  'The newest step before a time, or of all; where there is none the state before any trade, without a '
  'trade.';

create function learning.replayed_steps(
  state_before public.timeframe_allocation_steps, replay_from timestamptz, replay_until timestamptz
)
returns setof public.timeframe_allocation_steps
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  short_memory_days constant float8 := 14;
  long_memory_days constant float8 := 90;
  -- A gap that is smaller is none: Postgres raises an error where a quotient is too small for a number.
  smallest_gap constant float8 := 1e-12;
  state public.timeframe_allocation_steps := state_before;
  -- Arrays of their own: an element of a row's array cannot be changed without copying the row.
  n integer[] := state_before.n;
  last_exit_at timestamptz[] := state_before.last_exit_at;
  roi_short float8[] := state_before.roi_short;
  roi_long float8[] := state_before.roi_long;
  weight_short float8[] := state_before.weight_short;
  weight_long float8[] := state_before.weight_long;
  all_trades constant integer := cardinality(state_before.timeframes) + 1;
  next_trade record;
  own integer;
  place integer;
  counted_at timestamptz;
  elapsed_days float8;
  gap float8;
  allocation record;
begin
  for next_trade in
    select trade.trade_id, trade.module, trade.timeframe, trade.roi, trade.exit_at
    from learning.closed_trades trade
    where trade.exit_at >= replay_from and trade.exit_at < coalesce(replay_until, 'infinity')
    order by trade.exit_at, trade.trade_id collate "C", trade.module collate "C"
  loop
    own := array_position(state.timeframes, next_trade.timeframe);
    -- A close in the future must not make all others old.
    counted_at := least(next_trade.exit_at, now());
    foreach place in array case when own is null then array[all_trades] else array[own, all_trades] end loop
      elapsed_days := coalesce(date_part('epoch', counted_at - last_exit_at[place]) / 86400, 0);
      -- With S ← S·e^(−Δ/τ) + roi and W ← W·e^(−Δ/τ) + 1 the mean S/W moves by the W-th part of its gap.
      weight_short[place] := weight_short[place] * exp(greatest(-elapsed_days / short_memory_days, -700)) + 1;
      gap := next_trade.roi - coalesce(roi_short[place], 0);
      roi_short[place] := coalesce(roi_short[place], 0)
        + case when abs(gap) < smallest_gap then 0 else gap / weight_short[place] end;

      weight_long[place] := weight_long[place] * exp(greatest(-elapsed_days / long_memory_days, -700)) + 1;
      gap := next_trade.roi - coalesce(roi_long[place], 0);
      roi_long[place] := coalesce(roi_long[place], 0)
        + case when abs(gap) < smallest_gap then 0 else gap / weight_long[place] end;

      n[place] := n[place] + 1;
      last_exit_at[place] := counted_at;
    end loop;
    if own is null then
      state.outcome := 'no_share';
    else
      allocation := learning.next_allocation(state.shares, roi_short, n);
      state.shares := allocation.next_shares;
      state.desired := allocation.desired;
      state.outcome := allocation.outcome;
    end if;
    state.exit_at := next_trade.exit_at;
    state.trade_id := next_trade.trade_id;
    state.module := next_trade.module;
    state.timeframe := next_trade.timeframe;
    state.roi := next_trade.roi;
    state.n := n;
    state.last_exit_at := last_exit_at;
    state.roi_short := roi_short;
    state.roi_long := roi_long;
    state.weight_short := weight_short;
    state.weight_long := weight_long;
    return next state;
  end loop;
end
$$;
comment on function learning.replayed_steps(public.timeframe_allocation_steps, timestamptz, timestamptz) is
  'The steps of all trades closed from a time on and before another, if one is given, in order, from the '
  'state before them; one in the future counts as closed now.';
