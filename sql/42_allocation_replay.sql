-- Allocation replay: a late or corrected trade replays from its place, and positions follow the shares.

create function learning.rescale_positions(timeframes text[], shares float8[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  rescaled integer;
begin
  if not (learning.config() #>> '{flags,rescale_positions}')::boolean then
    return 0;
  end if;
  -- Locked before they are read: a token's total must not change in between. In one order, so that nobody
  -- deadlocks.
  perform
  from public.lowcap_positions position
  where position.status in ('watchlist', 'active', 'dormant') and position.timeframe = any (timeframes)
  order by position.id
  for no key update;

  with target as (
    select position.id, position.total_allocation_pct as current_pct,
      sum(position.total_allocation_pct) over token as token_pct,
      slot.share / sum(slot.share) over token as part
    from public.lowcap_positions position
    join unnest(timeframes, shares) as slot(timeframe, share) on slot.timeframe = position.timeframe
    where position.status in ('watchlist', 'active', 'dormant')
    window token as (partition by position.token_chain, position.token_contract)
  )
  update public.lowcap_positions position
  set total_allocation_pct = target.token_pct * target.part
  from target
  where position.id = target.id
    -- A difference this small is the rounding of the product, not a new share.
    and abs(target.token_pct * target.part - target.current_pct) > 1e-15 * target.token_pct;
  get diagnostics rescaled = row_count;
  return rescaled;
end
$$;
comment on function learning.rescale_positions(text[], float8[]) is
  'Splits what each token''s watchlist, active and dormant positions hold together by their timeframes'' '
  'shares; the token''s total is kept. Returns how many positions changed, none where '
  'flags.rescale_positions is off.';

create function learning.allocation_reason(outcome text, trade_timeframe text)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select case outcome
    when 'moved' then 'moved towards what the ROI asks for'
    when 'no_share' then
      coalesce(trade_timeframe, 'the trade''s timeframe')
        || ' has no share and counts for the global ROI only'
    when 'one_timeframe' then 'fewer than two timeframes have closed trades'
    when 'at_bound' then 'what would have to give or take is at its floor or ceiling'
    when 'settled' then 'every share is where it is heading'
    else 'no trade has closed yet'
  end;
$$;
comment on function learning.allocation_reason(text, text) is
  'Why a close moved the shares or did not, for a person to read.';

create function learning.replayed_closes(
  replayed_from timestamptz, out closes bigint, out outcomes jsonb, out reasons text
)
returns record
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  select coalesce(sum(tally.closes), 0), coalesce(jsonb_object_agg(tally.outcome, tally.closes), '{}'),
    string_agg(format('%s: %s', tally.closes, learning.allocation_reason(tally.outcome, null)), '; '
      order by tally.closes desc, tally.outcome)
  into closes, outcomes, reasons
  from (
    select step.outcome, count(*) as closes
    from public.timeframe_allocation_steps step
    where step.exit_at >= replayed_from
    group by step.outcome
  ) as tally;
end
$$;
comment on function learning.replayed_closes(timestamptz) is
  'How many steps there are from a time on, by outcome, and their reasons for a person to read.';

create function learning.measured_roi(state public.timeframe_allocation_steps)
returns table (place bigint, timeframe text, line text, roi jsonb)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select slot.place, slot.timeframe,
    case
      when slot.n = 0 then slot.timeframe || ' has no trades'
      else format('%s short %s, long %s, n=%s', slot.timeframe, learning.in_percent(slot.roi_short),
        learning.in_percent(slot.roi_long), slot.n)
    end,
    jsonb_build_object('roi_short', slot.roi_short, 'roi_long', slot.roi_long, 'n', slot.n)
  from unnest(state.timeframes || text 'all', state.roi_short, state.roi_long, state.n) with ordinality
    as slot(timeframe, roi_short, roi_long, n, place);
$$;
comment on function learning.measured_roi(public.timeframe_allocation_steps) is
  'The ROI of each timeframe and of all trades after a step, for a person and for a program to read.';

create function learning.shares_by_timeframe(timeframes text[], shares float8[])
returns jsonb
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_object_agg(slot.timeframe, slot.share)
  from unnest(timeframes, shares) as slot(timeframe, share);
$$;
comment on function learning.shares_by_timeframe(text[], float8[]) is 'Shares for a program to read.';

create function learning.share_moves(
  former public.timeframe_allocation_steps, reached public.timeframe_allocation_steps
)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select string_agg(
    format('%s from %s to %s', coalesce(after.timeframe, before.timeframe),
      coalesce(learning.in_percent(before.share), 'none'),
      coalesce(learning.in_percent(after.share), 'none')),
    ', ' order by coalesce(after.timeframe, before.timeframe) collate "C")
  from unnest(former.timeframes, former.shares) as before(timeframe, share)
  full join unnest(reached.timeframes, reached.shares) as after(timeframe, share)
    on after.timeframe = before.timeframe
  where after.share is distinct from before.share;
$$;
comment on function learning.share_moves(
  public.timeframe_allocation_steps, public.timeframe_allocation_steps
) is
  'Which shares moved between two steps, for a person to read; null where none did.';

create function learning.log_allocation(
  former public.timeframe_allocation_steps, reached public.timeframe_allocation_steps,
  replayed_from timestamptz, rescaled integer
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  replayed constant record := learning.replayed_closes(replayed_from);
  is_single constant boolean := replayed.closes = 1;
  moves constant text := learning.share_moves(former, reached);
  subject text;
  reasons text;
  details jsonb;
begin
  if is_single then
    subject := format('%s trade %s (%s)', coalesce(reached.timeframe, 'the'), reached.trade_id,
      learning.in_percent(reached.roi));
    reasons := learning.allocation_reason(reached.outcome, reached.timeframe);
  else
    subject := case replayed.closes when 0 then 'no closes' else replayed.closes || ' closes' end
      || format(' from %s on',
        case when isfinite(replayed_from) then replayed_from::text else 'the beginning' end);
    reasons := coalesce(replayed.reasons, 'none is left there');
  end if;
  details := jsonb_build_object('closes', replayed.closes, 'from', replayed_from,
    'trade_id', case when is_single then reached.trade_id end,
    'trade_roi', case when is_single then reached.roi end);

  perform learning.write_log('INFO', 'allocation', 'roi_updated',
    format('ROI after %s: %s', subject, string_agg(measured.line, '; ' order by measured.place)
      -- A single close touches its own timeframe and the whole.
      filter (where not is_single or measured.timeframe in ('all', reached.timeframe))),
    details || jsonb_build_object('roi', jsonb_object_agg(measured.timeframe, measured.roi)))
  from learning.measured_roi(reached) as measured;

  perform learning.write_log('INFO', 'allocation',
    case when moves is null then 'allocation_unchanged' else 'allocation_moved' end,
    case
      when moves is null then format('Allocation unchanged by %s: %s', subject, reasons)
      else format('Allocation moved by %s: %s; positions rescaled: %s', subject, moves, rescaled)
        || case when is_single then '' else format(' (%s)', reasons) end
    end,
    details || jsonb_build_object(
      'former', learning.shares_by_timeframe(former.timeframes, former.shares),
      'current', learning.shares_by_timeframe(reached.timeframes, reached.shares),
      'desired', learning.shares_by_timeframe(reached.timeframes, reached.desired),
      'outcomes', replayed.outcomes, 'positions', rescaled
    ));
end
$$;
comment on function learning.log_allocation(
  public.timeframe_allocation_steps, public.timeframe_allocation_steps, timestamptz, integer
) is
  'Logs what a replay did to ROI and shares and why: a line each, however many closes it went through, and '
  'how many that were.';

create table learning.allocation_replay (
  is_only boolean primary key default true check (is_only),
  began_from timestamptz,
  goes_on_from timestamptz
);
alter table learning.allocation_replay enable row level security;
insert into learning.allocation_replay default values;
comment on table learning.allocation_replay is
  'One row: the replay that was too long for the transaction of its trade, and where it goes on.';
comment on column learning.allocation_replay.is_only is 'Keeps it one row.';
comment on column learning.allocation_replay.began_from is
  'Exit from which on steps were out of date; null where none are.';
comment on column learning.allocation_replay.goes_on_from is 'Exit from which on they still are.';

create function learning.end_of_portion(place timestamptz, most_trades integer)
returns timestamptz
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  portion_end timestamptz;
begin
  select trade.exit_at into portion_end
  from learning.closed_trades trade
  where trade.exit_at >= place
  order by trade.exit_at
  offset most_trades
  limit 1;
  if portion_end = place then
    select min(trade.exit_at) into portion_end from learning.closed_trades trade where trade.exit_at > place;
  end if;
  return portion_end;
end
$$;
comment on function learning.end_of_portion(timestamptz, integer) is
  'Exit before which a replay that has come to a place stops to look at the clock; trades closed at one '
  'time are not parted. Null where it can go on to the end.';

create function learning.replay_allocation(
  replay_from timestamptz default null, patience interval default '2 seconds',
  trades_at_a_time integer default 10000
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  deadline constant timestamptz := clock_timestamp() + patience;
  unfinished learning.allocation_replay;
  outdated_from timestamptz;
  place timestamptz;
  portion_end timestamptz;
  former public.timeframe_allocation_steps;
  reached public.timeframe_allocation_steps;
  rescaled integer := 0;
begin
  -- One replay at a time, from before its first look at the steps until its transaction ends. The next one
  -- then sees this one's trades.
  perform pg_advisory_xact_lock(hashtextextended('allocation', 0));
  select replay.* into unfinished from learning.allocation_replay replay;
  outdated_from := least(replay_from, unfinished.began_from);
  place := least(replay_from, unfinished.goes_on_from);
  if place is null then
    return;
  end if;
  former := learning.allocation_state();
  loop
    portion_end := learning.end_of_portion(place, trades_at_a_time);
    delete from public.timeframe_allocation_steps step
    where step.exit_at >= place and step.exit_at < coalesce(portion_end, 'infinity');
    insert into public.timeframe_allocation_steps
    select step.* from learning.replayed_steps(learning.allocation_state(place), place, portion_end) as step;
    exit when portion_end is null;
    place := portion_end;
    if clock_timestamp() > deadline then
      -- The steps from here on are those of before, and what they come to holds until the sweep or the next
      -- close has got there.
      update learning.allocation_replay replay
      set began_from = outdated_from, goes_on_from = place
      where replay.is_only;
      perform learning.write_log('INFO', 'allocation', 'replay_paused',
        format('Replay of the closes from %s on has come to %s and goes on with the next sweep or close',
          outdated_from, place),
        jsonb_build_object('from', outdated_from, 'goes_on_from', place));
      return;
    end if;
  end loop;
  update learning.allocation_replay replay
  set began_from = null, goes_on_from = null
  where replay.is_only and replay.began_from is not null;
  reached := learning.allocation_state();
  if unfinished.began_from is not null
    or (former.timeframes, former.shares) is distinct from (reached.timeframes, reached.shares) then
    rescaled := learning.rescale_positions(reached.timeframes, reached.shares);
  end if;
  perform learning.log_allocation(former, reached, outdated_from, rescaled);
end
$$;
comment on function learning.replay_allocation(timestamptz, interval, integer) is
  'Brings steps, shares and positions in line with the closed trades from the given exit on, or goes on '
  'with a replay that paused; called once for each batch that changed any, and by the sweep. One that takes '
  'longer than its patience pauses; it looks at the clock after so many trades.';

create function learning.restart_allocation()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
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
comment on function learning.restart_allocation() is
  'Replays the allocation from its beginning when the start shares change.';
create trigger restart_allocation after update on learning.effective_configs
for each row
when (
  old.module_id = 'decision_maker'
  and old.config -> 'start_shares' is distinct from new.config -> 'start_shares'
)
execute function learning.restart_allocation();
comment on trigger restart_allocation on learning.effective_configs is
  'The shares are a function of the trades and of what they start from.';
