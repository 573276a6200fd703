-- Effects of trades: what the strands under a trade's id come to, exactly once.

create function learning.judged_events(
  closings learning.accepted_strands[], closed_trades learning.closed_trades[], are_newest boolean[]
)
returns table (
  trade_place bigint, action_strand_id text, module text, pattern_key text, action_category text,
  scope jsonb, duration_hours float8, time_to_s3_hours float8, did_trim boolean, reached_s3 boolean,
  could_enter_better float8, could_exit_better float8, acted_at timestamptz, fill_price float8,
  fill_quantity float8, side text, leverage float8, own_roi float8, own_rr float8
)
language plpgsql
stable
rows 500
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  with told as materialized (
    select event_of_close.*, row_number() over (
      partition by event_of_close.trade_place
      order by event_of_close.acted_at, event_of_close.action_strand_id collate "C"
    ) as place
    from learning.events_of_closes(closings, closed_trades, are_newest) as event_of_close
  ),
  acted as (
    select told.trade_place, array_agg(told.action_category order by told.place) as categories,
      array_agg(told.fill_price order by told.place) as prices,
      array_agg(told.fill_quantity order by told.place) as quantities,
      array_agg(told.side order by told.place) as sides,
      array_agg(told.leverage order by told.place) as leverages,
      -- Every event of a trade has what its close says of the exit.
      min(told.could_exit_better) as missed_at_exit
    from told
    group by told.trade_place
  ),
  judged as materialized (
    select acted.trade_place, own_outcome.own_roi, own_outcome.own_rr
    from acted
    join unnest(closed_trades) with ordinality as closed_trade(
      trade_id, close_strand_id, timeframe, roi, rr, pnl_usd, exit_at, action_categories, module,
      entry_price, exit_price, fees, place
    ) on closed_trade.place = acted.trade_place
    cross join lateral learning.own_outcomes(
      acted.categories, acted.prices, acted.quantities, acted.sides, acted.leverages, closed_trade.roi,
      closed_trade.rr, closed_trade.entry_price, closed_trade.exit_price, closed_trade.fees,
      acted.missed_at_exit
    ) as own_outcome
  )
  select told.trade_place, told.action_strand_id, told.module, told.pattern_key, told.action_category,
    told.scope, told.duration_hours, told.time_to_s3_hours, told.did_trim, told.reached_s3,
    told.could_enter_better, told.could_exit_better, told.acted_at, told.fill_price, told.fill_quantity,
    told.side, told.leverage, judged.own_roi[told.place], judged.own_rr[told.place]
  from told
  join judged using (trade_place)
  order by told.trade_place, told.place;
end
$$;
comment on function learning.judged_events(
  learning.accepted_strands[], learning.closed_trades[], boolean[]
) is
  'The events that closes make of their trades'' accepted actions, each with what it came to by itself.';

create function learning.write_events(
  p_trade_ids text[], closings learning.accepted_strands[], closed_trades learning.closed_trades[],
  are_newest boolean[]
)
returns table (touched_trade text, changed_group learning.group_key)
language plpgsql
rows 100
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  with judged as materialized (
    select judged_event.*, row_number() over () as place
    from learning.judged_events(closings, closed_trades, are_newest) as judged_event
  ),
  standing as materialized (
    select judged.*, encoded.scope_mask, encoded.scope_codes, closed_trade.trade_id, closed_trade.roi,
      closed_trade.rr, closed_trade.pnl_usd, closed_trade.exit_at
    from judged
    join learning.encoded_scopes(
      array(select judged.scope from judged order by judged.place)
    ) as encoded on encoded.place = judged.place
    join unnest(closed_trades) with ordinality as closed_trade(
      trade_id, close_strand_id, timeframe, roi, rr, pnl_usd, exit_at, action_categories, module,
      entry_price, exit_price, fees, place
    ) on closed_trade.place = judged.trade_place
  ),
  written as (
    insert into public.pattern_trade_events as event (
      action_strand_id, trade_id, module, pattern_key, action_category, scope, scope_mask, scope_codes,
      roi, rr, pnl_usd, duration_hours, time_to_s3_hours, did_trim, reached_s3,
      could_enter_better, could_exit_better, acted_at, traded_at, fill_price, fill_quantity, side, leverage,
      own_roi, own_rr
    )
    select standing.action_strand_id, standing.trade_id, standing.module, standing.pattern_key,
      standing.action_category, standing.scope, standing.scope_mask, standing.scope_codes, standing.roi,
      standing.rr, standing.pnl_usd, standing.duration_hours, standing.time_to_s3_hours, standing.did_trim,
      standing.reached_s3, standing.could_enter_better, standing.could_exit_better, standing.acted_at,
      standing.exit_at, standing.fill_price, standing.fill_quantity, standing.side, standing.leverage,
      standing.own_roi, standing.own_rr
    from standing
    order by standing.place
    on conflict (action_strand_id) do update set
      trade_id = excluded.trade_id, module = excluded.module, pattern_key = excluded.pattern_key,
      action_category = excluded.action_category, scope = excluded.scope, scope_mask = excluded.scope_mask,
      scope_codes = excluded.scope_codes, roi = excluded.roi, rr = excluded.rr, pnl_usd = excluded.pnl_usd,
      duration_hours = excluded.duration_hours, time_to_s3_hours = excluded.time_to_s3_hours,
      did_trim = excluded.did_trim, reached_s3 = excluded.reached_s3,
      could_enter_better = excluded.could_enter_better, could_exit_better = excluded.could_exit_better,
      acted_at = excluded.acted_at, traded_at = excluded.traded_at, fill_price = excluded.fill_price,
      fill_quantity = excluded.fill_quantity, side = excluded.side, leverage = excluded.leverage,
      own_roi = excluded.own_roi, own_rr = excluded.own_rr
    where (event.trade_id, event.module, event.pattern_key, event.action_category, event.scope,
        event.scope_codes, event.roi, event.rr, event.pnl_usd, event.duration_hours, event.time_to_s3_hours,
        event.did_trim, event.reached_s3, event.could_enter_better, event.could_exit_better, event.acted_at,
        event.traded_at, event.fill_price, event.fill_quantity, event.side, event.leverage, event.own_roi,
        event.own_rr)
      is distinct from (excluded.trade_id, excluded.module, excluded.pattern_key, excluded.action_category,
        excluded.scope, excluded.scope_codes, excluded.roi, excluded.rr, excluded.pnl_usd,
        excluded.duration_hours, excluded.time_to_s3_hours, excluded.did_trim, excluded.reached_s3,
        excluded.could_enter_better, excluded.could_exit_better, excluded.acted_at, excluded.traded_at,
        excluded.fill_price, excluded.fill_quantity, excluded.side, excluded.leverage, excluded.own_roi,
        excluded.own_rr)
    returning event.trade_id, event.module, event.pattern_key, event.action_category
  ),
  former as (
    select event.trade_id, event.module, event.pattern_key, event.action_category
    from public.pattern_trade_events event
    where event.trade_id = any (p_trade_ids)
    union
    select standing.trade_id, event.module, event.pattern_key, event.action_category
    from standing
    -- One by one, or a plan from when there were few events would read all of them for ever.
    cross join lateral (
      select found_event.module, found_event.pattern_key, found_event.action_category
      from public.pattern_trade_events found_event
      where found_event.action_strand_id = standing.action_strand_id
      offset 0
    ) as event
  ),
  removed as (
    delete from public.pattern_trade_events event
    where event.trade_id = any (p_trade_ids)
      and event.action_strand_id not in (select standing.action_strand_id from standing)
    returning event.trade_id, event.module, event.pattern_key, event.action_category
  )
  select distinct touched.trade_id,
    (touched.module, touched.pattern_key, touched.action_category)::learning.group_key
  from (
    select * from written
    union all
    select * from removed
    union all
    -- An action that changed its key leaves a group behind; an unchanged trade touches none.
    select * from former where former.trade_id in (select written.trade_id from written)
  ) as touched;
end
$$;
comment on function learning.write_events(
  text[], learning.accepted_strands[], learning.closed_trades[], boolean[]
) is
  'Brings the events under some trades'' ids in line with their closes and accepted actions; returns the '
  'trades whose events changed, each with the groups of these. Long because one statement writes events, '
  'removes those that are gone and names the columns of each.';

create function learning.write_trades(
  p_trade_ids text[], closed_trades learning.closed_trades[], are_newest boolean[]
)
returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  changed_from timestamptz;
begin
  -- What its place and its outcome are made of; the row in the table is still the former one.
  select min(least(former_trade.exit_at, standing.exit_at)) into changed_from
  from (
    select trade.* from learning.closed_trades trade where trade.trade_id = any (p_trade_ids)
  ) as former_trade
  full join unnest(closed_trades) as standing using (trade_id, module)
  where (former_trade.timeframe, former_trade.roi, former_trade.exit_at)
    is distinct from (standing.timeframe, standing.roi, standing.exit_at);

  delete from learning.closed_trades trade
  where trade.trade_id = any (p_trade_ids)
    and not exists (
      select from unnest(closed_trades) as standing
      where standing.trade_id = trade.trade_id and standing.module = trade.module
    );
  with standing as materialized (
    select closed_trade.*, newest.is_newest
    from unnest(closed_trades) with ordinality as closed_trade(
      trade_id, close_strand_id, timeframe, roi, rr, pnl_usd, exit_at, action_categories, module,
      entry_price, exit_price, fees, place
    )
    join unnest(are_newest) with ordinality as newest(is_newest, place) using (place)
  )
  insert into learning.closed_trades as trade
  select standing.trade_id, standing.close_strand_id, standing.timeframe, standing.roi, standing.rr,
    standing.pnl_usd, standing.exit_at,
    coalesce((
      select array_agg(distinct event.action_category order by event.action_category)
      from public.pattern_trade_events event
      where event.trade_id = standing.trade_id
        and (
          event.module = standing.module
          -- The decision maker's belong to the one that was closed last.
          or standing.is_newest and not exists (
            select from standing any_trade
            where any_trade.trade_id = standing.trade_id and any_trade.module = event.module
          )
        )
    ), '{}'), standing.module, standing.entry_price, standing.exit_price, standing.fees
  from standing
  on conflict (trade_id, module) do update set
    close_strand_id = excluded.close_strand_id, timeframe = excluded.timeframe, roi = excluded.roi,
    rr = excluded.rr, pnl_usd = excluded.pnl_usd, exit_at = excluded.exit_at,
    action_categories = excluded.action_categories, entry_price = excluded.entry_price,
    exit_price = excluded.exit_price, fees = excluded.fees;
  return changed_from;
end
$$;
comment on function learning.write_trades(text[], learning.closed_trades[], boolean[]) is
  'Brings the rows of closed trades in line with their closes, after their events; returns the time from '
  'which allocation must be replayed, or null where neither a place nor an outcome changed.';

create function learning.warn_of_shared_id(trade_id text, acting text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.write_log('WARNING', 'aggregate-strands', 'trade_id_shared',
    format('Trade id %s is used by the modules %s: each is taken for a trade of its own; give every trade '
      'an id that no other module uses', trade_id,
      (select string_agg(module, ' and ' order by module) from unnest(acting) as module)),
    jsonb_build_object('trade_id', trade_id, 'modules', to_jsonb(acting)));
end
$$;
comment on function learning.warn_of_shared_id(text, text[]) is
  'Warns of a trade''s id that several modules use.';

create function learning.apply_trades(
  p_trade_ids text[], out changed_groups learning.group_key[], out changed_from timestamptz
)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  closings learning.accepted_strands[];
  closed_trades learning.closed_trades[];
  are_newest boolean[];
  shared jsonb;
  changed_trades text[];
begin
  select coalesce(array_agg(standing.closing order by standing.place), '{}'),
    coalesce(array_agg(
      learning.trade_of_close(standing.closing, standing.module) order by standing.place
    ), '{}'),
    coalesce(array_agg(standing.is_newest order by standing.place), '{}'),
    jsonb_object_agg(standing.trade_id, standing.acting)
      filter (where standing.is_newest and cardinality(standing.acting) > 1)
  into closings, closed_trades, are_newest, shared
  from (
    select standing_close.*, row_number() over () as place
    from learning.standing_closes(p_trade_ids) as standing_close
  ) as standing;

  select coalesce(array_agg(distinct written.changed_group), '{}'), array_agg(written.touched_trade)
  into changed_groups, changed_trades
  from learning.write_events(p_trade_ids, closings, closed_trades, are_newest) as written;
  changed_from := learning.write_trades(p_trade_ids, closed_trades, are_newest);
  if shared is not null then
    perform learning.warn_of_shared_id(id.key, array(select jsonb_array_elements_text(id.value)))
    from jsonb_each(shared) as id
    where id.key = any (changed_trades);
  end if;
end
$$;
comment on function learning.apply_trades(text[]) is
  'Brings the events and the closed_trades rows under some trades'' ids in line with their accepted strands; '
  'returns the groups whose events changed and, where a trade''s place or outcome did, the time from which '
  'allocation must be replayed. Warns of an id that several modules use.';

create function learning.apply_trade(
  p_trade_id text, out changed_groups learning.group_key[], out changed_from timestamptz
)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  applied constant record := learning.apply_trades(array[p_trade_id]);
begin
  changed_groups := applied.changed_groups;
  changed_from := applied.changed_from;
end
$$;
comment on function learning.apply_trade(text) is 'learning.apply_trades of one.';
