-- Allocation replay: a late or corrected trade replays from its place, and positions follow the shares.

create function learning.rescale_positions(p_timeframes text[], p_shares float8[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
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
  'Splits what each token''s watchlist, active and dormant positions hold together by their timeframes'' '
  'shares; the token''s total is kept. Returns how many positions changed.';

create function learning.allocation_reason(outcome text, trade_timeframe text)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
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
comment on function learning.allocation_reason(text, text) is
  'Why a close moved the shares or did not, for a person to read.';

create function learning.log_allocation(
  former public.timeframe_allocation_steps, reached public.timeframe_allocation_steps, p_from timestamptz, rescaled integer
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
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

create function learning.replay_allocation(p_from timestamptz default null, p_patience interval default '2 seconds')
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
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
  'Brings steps, shares and positions in line with the closed trades from the given exit on, or goes on '
  'with a replay that paused; called once for each batch that changed any, and by the sweep. One that takes '
  'longer than its patience pauses.';

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
when (old.module_id = 'decision_maker' and old.config -> 'start_shares' is distinct from new.config -> 'start_shares')
execute function learning.restart_allocation();
comment on trigger restart_allocation on learning.effective_configs is
  'The shares are a function of the trades and of what they start from.';
