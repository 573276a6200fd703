-- Allocation between timeframes: a function of the closed trades in the order of their exits and of the start shares.

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
  primary key (exit_at, trade_id)
);
alter table public.timeframe_allocation_steps enable row level security;
comment on table public.timeframe_allocation_steps is
  'One row per closed trade in order, with the whole state after it, so that a late or corrected trade replays from its place. Arrays have one element per timeframe; n, last_exit_at, the ROIs and their weights have one more, for all trades together.';
comment on column public.timeframe_allocation_steps.exit_at is 'When the trade was closed.';
comment on column public.timeframe_allocation_steps.trade_id is 'The trade; decides, in byte order, between trades closed at the same time.';
comment on column public.timeframe_allocation_steps.timeframe is 'Timeframe of the trade; null where unknown.';
comment on column public.timeframe_allocation_steps.roi is 'Return of the trade, a fraction.';
comment on column public.timeframe_allocation_steps.outcome is
  'moved; or why the shares stayed: no_share (the trade''s timeframe has none), one_timeframe (fewer than two have closed trades), at_bound (the floor or the ceiling is in the way), settled (every share is where it is heading).';
comment on column public.timeframe_allocation_steps.timeframes is 'The timeframes that have a share.';
comment on column public.timeframe_allocation_steps.shares is 'Their shares; they sum to 1.';
comment on column public.timeframe_allocation_steps.desired is 'The shares they are heading for; its own where a timeframe has no trades.';
comment on column public.timeframe_allocation_steps.n is 'Closed trades so far.';
comment on column public.timeframe_allocation_steps.last_exit_at is 'When the newest of them was closed; null before any.';
comment on column public.timeframe_allocation_steps.roi_short is 'Mean ROI with a memory of 14 days, a fraction; null before any trade.';
comment on column public.timeframe_allocation_steps.roi_long is 'Mean ROI with a memory of 90 days, a fraction; null before any trade.';
comment on column public.timeframe_allocation_steps.weight_short is 'Weight of the trades in roi_short as of last_exit_at; the newest counts 1.';
comment on column public.timeframe_allocation_steps.weight_long is 'Weight of the trades in roi_long as of last_exit_at; the newest counts 1.';

create function learning.start_shares(out timeframes text[], out shares float8[])
language plpgsql
stable
set search_path = ''
as $$
begin
  -- Configured shares may miss 1 by a rounding error; from here on they never do. Whoever may not read the configuration gets nothing.
  select array_agg(start.timeframe order by start.timeframe),
    array_agg(start.share + case when start.rank = 1 then 1 - start.total else 0 end order by start.timeframe)
  into timeframes, shares
  from (
    select configured.key collate "C" as timeframe, configured.value::float8 as share, sum(configured.value::float8) over () as total,
      row_number() over (order by configured.value::float8 desc, configured.key collate "C") as rank
    from jsonb_each_text(learning.config('decision_maker') -> 'start_shares') as configured
  ) as start;
end
$$;
comment on function learning.start_shares() is 'The timeframes that have a share and the shares they start from.';

create view public.timeframe_allocation
with (security_invoker = true)
as
with newest as (
  select step.*
  from public.timeframe_allocation_steps step
  order by step.exit_at desc, step.trade_id collate "C" desc
  limit 1
)
select held.timeframe, newest.shares[held.place] as current_allocation, newest.desired[held.place] as desired_allocation,
  newest.roi_short[held.place] as roi_short, newest.roi_long[held.place] as roi_long, newest.n[held.place] as n,
  newest.last_exit_at[held.place] as updated_at
from newest
cross join lateral unnest(newest.timeframes) with ordinality as held(timeframe, place)
union all
select held.timeframe, held.share, held.share, null, null, 0, null
from learning.start_shares() as start
cross join lateral unnest(start.timeframes, start.shares) as held(timeframe, share)
where not exists (select from newest);
comment on view public.timeframe_allocation is 'How the allocation of a token is split over timeframes now.';
comment on column public.timeframe_allocation.timeframe is 'Timeframe.';
comment on column public.timeframe_allocation.current_allocation is 'Its share of a token''s allocation, a fraction; all sum to 1.';
comment on column public.timeframe_allocation.desired_allocation is 'The share it is heading for.';
comment on column public.timeframe_allocation.roi_short is 'Mean ROI of its trades with a memory of 14 days; null before any trade.';
comment on column public.timeframe_allocation.roi_long is 'Mean ROI of its trades with a memory of 90 days; null before any trade.';
comment on column public.timeframe_allocation.n is 'Its closed trades.';
comment on column public.timeframe_allocation.updated_at is 'When its newest trade was closed; null before any trade.';

create function learning.next_allocation(
  shares float8[], roi_short float8[], n integer[], out next_shares float8[], out desired float8[], out outcome text
)
language plpgsql
immutable
set search_path = ''
as $$
declare
  floor_share constant float8 := float8 '0.02';
  ceiling_share constant float8 := float8 '0.96';
  traded integer[] := array[]::integer[];
  place integer;
  largest integer;
  best float8;
  mass float8 := float8 '0';
  pulls float8[] := array_fill(0::float8, array[cardinality(shares)]);
  pull float8 := float8 '0';
  reach float8;
  change float8;
  changes float8[] := array_fill(0::float8, array[cardinality(shares)]);
  gain float8 := float8 '0';
  loss float8 := float8 '0';
  bounded boolean := false;
  missing float8;
  share float8;
begin
  next_shares := shares;
  desired := shares;
  for place in 1 .. cardinality(shares) loop
    if n[place] > 0 then
      traded := traded || place;
      best := greatest(best, roi_short[place]);
      reach := least(reach, 0.003 * least(1, n[place] / 5.0));
      mass := mass + shares[place];
    end if;
  end loop;
  if cardinality(traded) < 2 then
    outcome := 'one_timeframe';
    return;
  end if;
  foreach place in array traded loop
    pulls[place] := exp(greatest((roi_short[place] - best) / 0.10, -700));
    pull := pull + pulls[place];
  end loop;
  foreach place in array traded loop
    desired[place] := mass * pulls[place] / pull;
    change := greatest(least(desired[place] - shares[place], reach), -reach);
    changes[place] := greatest(least(change, ceiling_share - shares[place]), floor_share - shares[place]);
    bounded := bounded or changes[place] <> change;
    gain := gain + greatest(changes[place], 0);
    loss := loss - least(changes[place], 0);
  end loop;
  if gain > 0 and loss > 0 then
    foreach place in array traded loop
      change := changes[place];
      next_shares[place] := shares[place]
        + case when change > 0 and gain > loss then change * (loss / gain)
            when change < 0 and loss > gain then change * (gain / loss)
            else change end;
      if largest is null or next_shares[place] > next_shares[largest] then
        largest := place;
      end if;
    end loop;
    -- However many steps there are, their rounding errors never add up.
    missing := float8 '1';
    foreach share in array next_shares loop
      missing := missing - share;
    end loop;
    next_shares[largest] := next_shares[largest] + missing;
  end if;
  outcome := case when next_shares <> shares then 'moved' when bounded then 'at_bound' else 'settled' end;
end
$$;
comment on function learning.next_allocation(float8[], float8[], integer[]) is
  'The shares after a close: over the timeframes with trades, a small zero-sum step towards the softmax of their ROI; the others keep theirs.';

create function learning.allocation_state(p_before timestamptz default null)
returns public.timeframe_allocation_steps
language plpgsql
stable
set search_path = ''
as $$
declare
  state public.timeframe_allocation_steps;
  places integer[];
begin
  select step.* into state
  from public.timeframe_allocation_steps step
  where step.exit_at < coalesce(p_before, 'infinity')
  order by step.exit_at desc, step.trade_id collate "C" desc
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
comment on function learning.allocation_state(timestamptz) is 'The newest step before a time, or of all; where there is none the state before any trade, without a trade.';

create function learning.replayed_steps(p_before public.timeframe_allocation_steps, p_from timestamptz, p_until timestamptz)
returns setof public.timeframe_allocation_steps
language plpgsql
stable
set search_path = ''
as $$
declare
  step public.timeframe_allocation_steps := p_before;
  -- Arrays of their own: an element of a row's array cannot be changed without copying the row.
  n integer[] := p_before.n;
  last_exit_at timestamptz[] := p_before.last_exit_at;
  roi_short float8[] := p_before.roi_short;
  roi_long float8[] := p_before.roi_long;
  weight_short float8[] := p_before.weight_short;
  weight_long float8[] := p_before.weight_long;
  all_trades constant integer := cardinality(p_before.timeframes) + 1;
  trade record;
  own integer;
  place integer;
  elapsed_days float8;
  gap float8;
  allocation record;
begin
  for trade in
    select closed.trade_id, closed.timeframe, closed.roi, closed.exit_at
    from learning.closed_trades closed
    where closed.exit_at >= p_from and closed.exit_at < coalesce(p_until, 'infinity')
    order by closed.exit_at, closed.trade_id collate "C"
  loop
    own := array_position(step.timeframes, trade.timeframe);
    foreach place in array case when own is null then array[all_trades] else array[own, all_trades] end loop
      elapsed_days := coalesce(date_part('epoch', trade.exit_at - last_exit_at[place]) / 86400, 0);
      weight_short[place] := weight_short[place] * exp(greatest(-elapsed_days / 14, -700)) + 1;
      weight_long[place] := weight_long[place] * exp(greatest(-elapsed_days / 90, -700)) + 1;
      -- Postgres raises an error where a quotient of numbers this small vanishes.
      gap := trade.roi - coalesce(roi_short[place], 0);
      roi_short[place] := coalesce(roi_short[place], 0) + case when abs(gap) > 1e-200 then gap / weight_short[place] else 0 end;
      gap := trade.roi - coalesce(roi_long[place], 0);
      roi_long[place] := coalesce(roi_long[place], 0) + case when abs(gap) > 1e-200 then gap / weight_long[place] else 0 end;
      n[place] := n[place] + 1;
      last_exit_at[place] := trade.exit_at;
    end loop;
    if own is null then
      step.outcome := 'no_share';
    else
      allocation := learning.next_allocation(step.shares, roi_short, n);
      step.shares := allocation.next_shares;
      step.desired := allocation.desired;
      step.outcome := allocation.outcome;
    end if;
    step.exit_at := trade.exit_at;
    step.trade_id := trade.trade_id;
    step.timeframe := trade.timeframe;
    step.roi := trade.roi;
    step.n := n;
    step.last_exit_at := last_exit_at;
    step.roi_short := roi_short;
    step.roi_long := roi_long;
    step.weight_short := weight_short;
    step.weight_long := weight_long;
    return next step;
  end loop;
end
$$;
comment on function learning.replayed_steps(public.timeframe_allocation_steps, timestamptz, timestamptz) is
  'The steps of all trades closed from a time on and before another, if one is given, in order, from the state before them.';

create function learning.rescale_positions(p_timeframes text[], p_shares float8[])
returns integer
language plpgsql
set search_path = ''
as $$
declare
  rescaled integer;
begin
  -- Locked before they are read: a token's total must not change in between. In one order, so that nobody deadlocks.
  perform
  from public.lowcap_positions position
  where position.status in ('watchlist', 'active', 'dormant') and position.timeframe = any (p_timeframes)
  order by position.id
  for no key update;

  with target as (
    select position.id, position.total_allocation_pct as held, sum(position.total_allocation_pct) over token as total,
      configured.share / sum(configured.share) over token as part
    from public.lowcap_positions position
    join unnest(p_timeframes, p_shares) as configured(timeframe, share) on configured.timeframe = position.timeframe
    where position.status in ('watchlist', 'active', 'dormant')
    window token as (partition by position.token_chain, position.token_contract)
  )
  update public.lowcap_positions position
  set total_allocation_pct = target.total * target.part
  from target
  -- A difference this small is the rounding of the product, not a new share.
  where position.id = target.id and abs(target.total * target.part - target.held) > 1e-15 * target.total;
  get diagnostics rescaled = row_count;
  return rescaled;
end
$$;
comment on function learning.rescale_positions(text[], float8[]) is
  'Splits what each token''s watchlist, active and dormant positions hold together by their timeframes'' shares; the token''s total is kept. Returns how many positions changed.';

create function learning.in_percent(fraction float8)
returns text
language sql
immutable
set search_path = ''
as $$
  select trim_scale(round((fraction * 100)::numeric, 4)) || ' %';
$$;
comment on function learning.in_percent(float8) is 'A fraction for a person to read.';

create function learning.allocation_reason(outcome text, trade_timeframe text)
returns text
language sql
immutable
set search_path = ''
as $$
  select case outcome
    when 'moved' then 'moved towards what the ROI asks for'
    when 'no_share' then coalesce(trade_timeframe, 'the trade''s timeframe') || ' has no share and counts for the global ROI only'
    when 'one_timeframe' then 'fewer than two timeframes have closed trades'
    when 'at_bound' then 'what would have to give or take is at its floor or ceiling'
    when 'settled' then 'every share is where it is heading'
    else 'no trade has closed yet'
  end;
$$;
comment on function learning.allocation_reason(text, text) is 'Why a close moved the shares or did not, for a person to read.';

create function learning.log_allocation(
  former public.timeframe_allocation_steps, reached public.timeframe_allocation_steps, p_from timestamptz, rescaled integer
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  closes bigint;
  outcomes jsonb;
  reasons text;
  subject text;
  moves text;
  details jsonb;
begin
  select coalesce(sum(tally.closes), 0)::bigint, coalesce(jsonb_object_agg(tally.outcome, tally.closes), '{}'::jsonb),
    string_agg(format('%s: %s', tally.closes, learning.allocation_reason(tally.outcome, null)), '; ' order by tally.closes desc, tally.outcome)
  into closes, outcomes, reasons
  from (
    select step.outcome, count(*) as closes
    from public.timeframe_allocation_steps step
    where step.exit_at >= p_from
    group by step.outcome
  ) as tally;
  if closes = 1 then
    subject := format('%s trade %s (%s)', coalesce(reached.timeframe, 'the'), reached.trade_id, learning.in_percent(reached.roi));
    reasons := learning.allocation_reason(reached.outcome, reached.timeframe);
  else
    subject := case closes when 0 then 'no closes' else closes || ' closes' end
      || case when isfinite(p_from) then ' from ' || p_from || ' on' else ' from the beginning on' end;
    reasons := coalesce(reasons, 'none is left there');
  end if;
  details := jsonb_build_object('closes', closes, 'from', p_from, 'trade_id', case when closes = 1 then reached.trade_id end,
    'trade_roi', case when closes = 1 then reached.roi end);

  perform learning.write_log('INFO', 'allocation', 'roi_updated',
    format('ROI after %s: %s', subject, string_agg(measured.line, '; ' order by measured.place)
      -- A single close touches its own timeframe and the whole.
      filter (where closes <> 1 or measured.timeframe = 'all' or measured.timeframe = reached.timeframe)),
    details || jsonb_build_object('roi', jsonb_object_agg(measured.timeframe, measured.roi)))
  from (
    select entry.place, entry.timeframe,
      case when entry.n = 0 then entry.timeframe || ' has no trades'
        else format('%s short %s, long %s, n=%s', entry.timeframe, learning.in_percent(entry.roi_short), learning.in_percent(entry.roi_long), entry.n)
      end as line,
      jsonb_build_object('roi_short', entry.roi_short, 'roi_long', entry.roi_long, 'n', entry.n) as roi
    from unnest(reached.timeframes || text 'all', reached.roi_short, reached.roi_long, reached.n) with ordinality
      as entry(timeframe, roi_short, roi_long, n, place)
  ) as measured;

  select string_agg(format('%s from %s to %s', coalesce(after.timeframe, before.timeframe), coalesce(learning.in_percent(before.share), 'none'),
    coalesce(learning.in_percent(after.share), 'none')), ', ' order by coalesce(after.timeframe, before.timeframe) collate "C")
  into moves
  from unnest(former.timeframes, former.shares) as before(timeframe, share)
  full join unnest(reached.timeframes, reached.shares) as after(timeframe, share) on after.timeframe = before.timeframe
  where after.share is distinct from before.share;
  details := details || jsonb_build_object(
    'former', (select jsonb_object_agg(held.timeframe, held.share) from unnest(former.timeframes, former.shares) as held(timeframe, share)),
    'current', (select jsonb_object_agg(held.timeframe, held.share) from unnest(reached.timeframes, reached.shares) as held(timeframe, share)),
    'desired', (select jsonb_object_agg(held.timeframe, held.share) from unnest(reached.timeframes, reached.desired) as held(timeframe, share)),
    'outcomes', outcomes, 'positions', rescaled
  );
  if moves is null then
    perform learning.write_log('INFO', 'allocation', 'allocation_unchanged', format('Allocation unchanged by %s: %s', subject, reasons), details);
  else
    perform learning.write_log('INFO', 'allocation', 'allocation_moved',
      format('Allocation moved by %s: %s; positions rescaled: %s', subject, moves, rescaled)
        || case when closes = 1 then '' else format(' (%s)', reasons) end,
      details);
  end if;
end
$$;
comment on function learning.log_allocation(public.timeframe_allocation_steps, public.timeframe_allocation_steps, timestamptz, integer) is
  'Logs what a replay did to ROI and shares and why: a line each, however many closes it went through, and how many that were.';

create table learning.allocation_replay (
  is_only boolean primary key default true check (is_only),
  began_from timestamptz,
  goes_on_from timestamptz
);
alter table learning.allocation_replay enable row level security;
insert into learning.allocation_replay default values;
comment on table learning.allocation_replay is 'One row: the replay that was too long for the transaction of its trade, and where it goes on.';
comment on column learning.allocation_replay.is_only is 'Keeps it one row.';
comment on column learning.allocation_replay.began_from is 'Exit from which on steps were out of date; null where none are.';
comment on column learning.allocation_replay.goes_on_from is 'Exit from which on they still are.';

create function learning.replay_allocation(p_from timestamptz default null, p_patience interval default '2 seconds')
returns void
language plpgsql
set search_path = ''
as $$
declare
  trades_at_a_time constant integer := 10000;
  deadline constant timestamptz := clock_timestamp() + p_patience;
  unfinished learning.allocation_replay;
  outdated_from timestamptz;
  place timestamptz;
  until timestamptz;
  former public.timeframe_allocation_steps;
  reached public.timeframe_allocation_steps;
  rescaled integer := 0;
begin
  -- One replay at a time, from before its first look at the steps until its transaction ends. The next one then sees this one's trades.
  perform pg_advisory_xact_lock(hashtextextended('allocation', 0));
  select held.* into unfinished from learning.allocation_replay held;
  outdated_from := least(p_from, unfinished.began_from);
  place := least(p_from, unfinished.goes_on_from);
  if place is null then
    return;
  end if;
  former := learning.allocation_state();
  loop
    select closed.exit_at into until
    from learning.closed_trades closed
    where closed.exit_at >= place
    order by closed.exit_at
    offset trades_at_a_time
    limit 1;
    if until = place then
      select min(closed.exit_at) into until from learning.closed_trades closed where closed.exit_at > place;
    end if;
    delete from public.timeframe_allocation_steps step where step.exit_at >= place and step.exit_at < coalesce(until, 'infinity');
    insert into public.timeframe_allocation_steps
    select step.* from learning.replayed_steps(learning.allocation_state(place), place, until) as step;
    exit when until is null;
    place := until;
    if clock_timestamp() > deadline then
      -- The steps from here on are those of before, and what they come to holds until the sweep or the next close has got there.
      update learning.allocation_replay held
      set began_from = outdated_from, goes_on_from = place
      where held.is_only;
      perform learning.write_log('INFO', 'allocation', 'replay_paused',
        format('Replay of the closes from %s on has come to %s and goes on with the next sweep or close', outdated_from, place),
        jsonb_build_object('from', outdated_from, 'goes_on_from', place));
      return;
    end if;
  end loop;
  update learning.allocation_replay held
  set began_from = null, goes_on_from = null
  where held.is_only and held.began_from is not null;
  reached := learning.allocation_state();
  if unfinished.began_from is not null or (former.timeframes, former.shares) is distinct from (reached.timeframes, reached.shares) then
    rescaled := learning.rescale_positions(reached.timeframes, reached.shares);
  end if;
  perform learning.log_allocation(former, reached, outdated_from, rescaled);
end
$$;
comment on function learning.replay_allocation(timestamptz, interval) is
  'Brings steps, shares and positions in line with the closed trades from the given exit on, or goes on with a replay that paused; called once for each batch that changed any, and by the sweep. One that takes longer than its patience pauses.';

create function learning.restart_allocation()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  state public.timeframe_allocation_steps;
begin
  perform learning.write_log('INFO', 'allocation', 'start_shares_changed',
    format('Start shares changed from %s to %s', old.config -> 'start_shares', new.config -> 'start_shares'),
    jsonb_build_object('former', old.config -> 'start_shares', 'current', new.config -> 'start_shares'));
  perform learning.replay_allocation('-infinity');
  -- Before any trade the replay finds nothing changed: the start shares are the state.
  state := learning.allocation_state();
  perform learning.rescale_positions(state.timeframes, state.shares);
  return null;
end
$$;
comment on function learning.restart_allocation() is 'Replays the allocation from its beginning when the start shares change.';
create trigger restart_allocation after update on learning.effective_configs
for each row
when (old.module_id = 'decision_maker' and old.config -> 'start_shares' is distinct from new.config -> 'start_shares')
execute function learning.restart_allocation();
comment on trigger restart_allocation on learning.effective_configs is 'The shares are a function of the trades and of what they start from.';

create view public.timeframe_allocation_history
with (security_invoker = true)
as
select step.exit_at, step.trade_id, step.timeframe as trade_timeframe, step.roi as trade_roi, held.timeframe,
  step.shares[held.place] as allocation,
  step.shares[held.place] - coalesce(earlier.shares[array_position(earlier.timeframes, held.timeframe)], start.share) as change,
  step.desired[held.place] as desired_allocation, step.roi_short[held.place] as roi_short, step.roi_long[held.place] as roi_long,
  step.n[held.place] as n, step.outcome,
  case when step.n[held.place] = 0 then 'no closed trades yet: its share stays'
    else learning.allocation_reason(step.outcome, step.timeframe) end as reason
from public.timeframe_allocation_steps step
cross join lateral unnest(step.timeframes) with ordinality as held(timeframe, place)
left join lateral (
  select before.timeframes, before.shares
  from public.timeframe_allocation_steps before
  where before.exit_at <= step.exit_at
    and (before.exit_at < step.exit_at or before.trade_id collate "C" < step.trade_id collate "C")
  order by before.exit_at desc, before.trade_id collate "C" desc
  limit 1
) as earlier on true
left join lateral (
  select begun.shares[array_position(begun.timeframes, held.timeframe)] as share
  from learning.start_shares() as begun
) as start on earlier.shares is null;
comment on view public.timeframe_allocation_history is 'Allocation over time: for each closed trade and timeframe the share after it, where it was heading, and why it moved or not.';
comment on column public.timeframe_allocation_history.exit_at is 'When the trade was closed.';
comment on column public.timeframe_allocation_history.trade_id is 'The trade.';
comment on column public.timeframe_allocation_history.trade_timeframe is 'Timeframe of the trade.';
comment on column public.timeframe_allocation_history.trade_roi is 'Return of the trade, a fraction.';
comment on column public.timeframe_allocation_history.timeframe is 'Timeframe whose share the row is about.';
comment on column public.timeframe_allocation_history.allocation is 'Its share after the trade.';
comment on column public.timeframe_allocation_history.change is 'By how much the trade moved it.';
comment on column public.timeframe_allocation_history.desired_allocation is 'The share it is heading for.';
comment on column public.timeframe_allocation_history.roi_short is 'Mean ROI of its trades with a memory of 14 days.';
comment on column public.timeframe_allocation_history.roi_long is 'Mean ROI of its trades with a memory of 90 days.';
comment on column public.timeframe_allocation_history.n is 'Its closed trades so far.';
comment on column public.timeframe_allocation_history.outcome is 'moved, or why the shares stayed, as a stable name.';
comment on column public.timeframe_allocation_history.reason is 'The same for a person to read.';

create view public.timeframe_allocation_outlook
with (security_invoker = true)
as
select held.timeframe, held.current_allocation, held.desired_allocation, held.desired_allocation - held.current_allocation as distance,
  held.roi_short, held.roi_long, held.n, newest.change as last_change, newest.trade_id as last_trade_id, newest.exit_at as last_exit_at,
  newest.outcome, coalesce(newest.reason, learning.allocation_reason(null, null)) as reason
from public.timeframe_allocation held
left join (
  select past.*
  from (
    select step.exit_at, step.trade_id
    from public.timeframe_allocation_steps step
    order by step.exit_at desc, step.trade_id collate "C" desc
    limit 1
  ) as last_step
  join public.timeframe_allocation_history past on past.exit_at = last_step.exit_at and past.trade_id = last_step.trade_id
) as newest on newest.timeframe = held.timeframe;
comment on view public.timeframe_allocation_outlook is 'Each timeframe''s share, ROI and number of trades, beside where it is heading and why the newest close moved it or not.';
comment on column public.timeframe_allocation_outlook.timeframe is 'Timeframe.';
comment on column public.timeframe_allocation_outlook.current_allocation is 'Its share now.';
comment on column public.timeframe_allocation_outlook.desired_allocation is 'The share it is heading for.';
comment on column public.timeframe_allocation_outlook.distance is 'How far it has to go.';
comment on column public.timeframe_allocation_outlook.roi_short is 'Mean ROI of its trades with a memory of 14 days; null before any trade.';
comment on column public.timeframe_allocation_outlook.roi_long is 'Mean ROI of its trades with a memory of 90 days; null before any trade.';
comment on column public.timeframe_allocation_outlook.n is 'Its closed trades.';
comment on column public.timeframe_allocation_outlook.last_change is 'By how much the newest close moved it; null before any.';
comment on column public.timeframe_allocation_outlook.last_trade_id is 'The trade of the newest close; null before any.';
comment on column public.timeframe_allocation_outlook.last_exit_at is 'When it was closed.';
comment on column public.timeframe_allocation_outlook.outcome is 'moved, or why the shares stayed, as a stable name; null before any close.';
comment on column public.timeframe_allocation_outlook.reason is 'The same for a person to read.';

create type public.dm_allocation as (
  base float8,
  share float8,
  multiplier float8,
  product float8,
  overrides jsonb,
  config_version integer,
  computed_at timestamptz
);
comment on type public.dm_allocation is 'Answer of get_dm_allocation: what an approved token gets on one timeframe, and why.';
comment on column public.dm_allocation.base is 'Fraction of the book that an approved token gets over all its timeframes.';
comment on column public.dm_allocation.share is 'The timeframe''s learned share of it; null for a timeframe without a share.';
comment on column public.dm_allocation.multiplier is 'Factor from learned and hand-made dm_alloc overrides, 0.7 to 1.3; 1 is neutral.';
comment on column public.dm_allocation.product is 'base times share times multiplier, a fraction of the book; null for a timeframe without a share.';
comment on column public.dm_allocation.overrides is 'The overrides that acted, heaviest first: id, pattern_key, scope_subset, weight, share, pull; beyond 50 one entry for the rest.';
comment on column public.dm_allocation.config_version is 'Version of the decision maker''s configuration that held.';
comment on column public.dm_allocation.computed_at is 'When the answer was computed.';

create function learning.blend_allocation_overrides(
  scope jsonb, as_of timestamptz, half_life_hours float8, out multiplier float8, out contributions jsonb
)
language plpgsql
stable
set search_path = ''
as $$
begin
  with containing as (
    select held.id, held.pattern_key, held.scope_subset,
      -- Beyond these bounds the answer stays the same, but products would leave the range of numbers.
      power(cardinality(array(select jsonb_object_keys(held.scope_subset))) + 1, 1.5)
        * case when held.confidence_score < 1e-100 then 0 else coalesce(held.confidence_score, 0.5) end as weight,
      (least(1e100, greatest(1e-100, coalesce(held.multiplier, 1))) - 1)
        * learning.fade(as_of, held.last_evidence_at, blend_allocation_overrides.half_life_hours) as faded
    from public.pm_overrides held
    where held.override_type = 'dm_alloc' and held.action_category = 'allocation' and held.enabled
      and held.scope_subset <@ blend_allocation_overrides.scope
  ),
  pulls as (
    select containing.*, containing.weight / sum(containing.weight) over () as share,
      containing.weight / sum(containing.weight) over () * containing.faded as pull,
      row_number() over (order by containing.weight desc, containing.id) as rank
    from containing
    where containing.weight > 0
  ),
  listed as (
    select pulls.rank, jsonb_build_object('id', pulls.id, 'pattern_key', pulls.pattern_key, 'scope_subset', pulls.scope_subset,
      'weight', pulls.weight, 'share', pulls.share, 'pull', pulls.pull) as entry
    from pulls
    where pulls.rank <= 50
    union all
    select 51, jsonb_build_object('rest', count(*), 'weight', sum(pulls.weight), 'share', sum(pulls.share), 'pull', sum(pulls.pull))
    from pulls
    where pulls.rank > 50
    having count(*) > 0
  )
  select least(greatest(1 + coalesce((select sum(pulls.pull) from pulls), 0), 0.7), 1.3),
    coalesce((select jsonb_agg(listed.entry order by listed.rank) from listed), '[]'::jsonb)
  into multiplier, contributions;
end
$$;
comment on function learning.blend_allocation_overrides(jsonb, timestamptz, float8) is
  'Blends the faded multipliers of all dm_alloc overrides that a scope contains, whatever their pattern key, weighed by specificity and confidence.';

create function public.get_dm_allocation(timeframe text, scope jsonb default '{}'::jsonb)
returns public.dm_allocation
language plpgsql
stable
set search_path = ''
as $$
declare
  answer public.dm_allocation;
  argument text;
  expected text;
  given text;
begin
  perform learning.require_pm();
  if timeframe is null or btrim(timeframe) = '' then
    argument := 'timeframe'; expected := 'a timeframe such as 1h'; given := timeframe;
  elsif scope is null or jsonb_typeof(scope) <> 'object' then
    argument := 'scope'; expected := 'an object of dimensions and texts'; given := left(scope::text, 61);
  end if;
  if argument is not null then
    raise exception using
      errcode = '22023',
      message = format('Argument %s must be %s and is %s', argument, expected, coalesce(learning.quoted(given), 'null')),
      hint = format('Correct %s and ask again; nothing else was looked at.', argument);
  end if;
  timeframe := btrim(timeframe);
  scope := public.unified_scope(null, scope || jsonb_build_object('timeframe', timeframe), null);

  select (held.config ->> 'default_allocation_pct')::float8, held.version into answer.base, answer.config_version
  from learning.effective_configs held
  where held.module_id = 'decision_maker';
  select held.current_allocation into answer.share
  from public.timeframe_allocation held
  where held.timeframe = get_dm_allocation.timeframe;
  answer.multiplier := 1;
  answer.overrides := '[]'::jsonb;
  if (learning.config() #>> '{flags,dm_alloc_overrides_enabled}')::boolean then
    select blend.multiplier, blend.contributions into answer.multiplier, answer.overrides
    from learning.blend_allocation_overrides(scope, now(), (learning.config() ->> 'staleness_half_life_hours')::float8) as blend;
  end if;
  answer.product := answer.base * answer.share * answer.multiplier;
  answer.computed_at := clock_timestamp();
  return answer;
end
$$;
comment on function public.get_dm_allocation(text, jsonb) is
  'What an approved token gets on one timeframe: base, learned share, multiplier from dm_alloc overrides and their product. The timeframe given counts as the scope''s. Read-only; malformed arguments are refused with 22023.';
