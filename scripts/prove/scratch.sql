-- What a proof keeps in its scratch database beside the schema: the history in the order in which it became known, and what
-- each run made of it. Installed by scripts/prove/scratch.ts; no part of what is pushed.

create schema prove;

-- How far it has come, so that one that was interrupted goes on.
create table prove.progress (step text primary key, done jsonb not null);
create table prove.clock (cut integer not null);
insert into prove.clock values (0);

create table prove.cuts (cut integer primary key, at timestamptz not null);

-- What a cut changed of events and closed trades; null where it took them away.
create table prove.event_changes (
  cut integer, action_strand_id text collate "C", event public.pattern_trade_events,
  primary key (cut, action_strand_id)
);
create table prove.trade_changes (
  cut integer, module text collate "C", trade_id text collate "C", trade learning.closed_trades,
  primary key (cut, module, trade_id)
);
create table prove.shares (cut integer, timeframe text, share float8, primary key (cut, timeframe));

create table prove.decisions (
  place integer primary key, action_strand_id text collate "C" not null unique, trade_id text, module text,
  pattern_key text, action_category text, scope jsonb, timeframe text, a_value float8, e_value float8,
  acted_at timestamptz, cut integer, event public.pattern_trade_events
);
create index decisions_cut_idx on prove.decisions (cut, place);

create table prove.holdings (
  position uuid primary key, pattern_key text, entry_context jsonb, timeframe text, chain text, opened timestamptz,
  closed timestamptz, allocation float8, scope jsonb, scope_mask integer, cells learning.scope_cells,
  state text not null default 'waits'
);
create index holdings_waiting_idx on prove.holdings (opened) where state = 'waits';
create index holdings_held_idx on prove.holdings (closed) where state = 'held';

-- Closes with the moment from which each was known.
create table prove.closes (
  timeframe text, exit_at timestamptz, known_at timestamptz, roi float8, rr float8
);

create table prove.skews (book text, place integer, skew float8, primary key (book, place));
create table prove.donors (run text, action_strand_id text collate "C", donor text collate "C",
  primary key (run, action_strand_id));
create table prove.sizes (
  run text, place integer, mode text, raw float8, posture float8, multiplier float8, edge_weighted float8,
  calibrated float8, error text, primary key (run, place)
);
create table prove.believed (
  run text, cut integer, pattern_key text, action_category text, scope_subset jsonb, sign integer
);
create table prove.calibrations (
  run text, cut integer, module text, action_category text, mean float8, sigma float8, kappa float8,
  primary key (run, cut, module, action_category)
);

-- Ingest: whatever a cut changes is noted.

create function prove.note_event() returns trigger language plpgsql as $$
begin
  insert into prove.event_changes (cut, action_strand_id, event)
  select clock.cut, coalesce(new.action_strand_id, old.action_strand_id), case tg_op when 'DELETE' then null else new end
  from prove.clock clock
  on conflict (cut, action_strand_id) do update set event = excluded.event;
  return null;
end
$$;
create function prove.note_trade() returns trigger language plpgsql as $$
begin
  insert into prove.trade_changes (cut, module, trade_id, trade)
  select clock.cut, coalesce(new.module, old.module), coalesce(new.trade_id, old.trade_id),
    case tg_op when 'DELETE' then null else new end
  from prove.clock clock
  on conflict (cut, module, trade_id) do update set trade = excluded.trade;
  return null;
end
$$;

create function prove.begin_ingest() returns void language plpgsql as $$
begin
  create trigger prove_note after insert or update or delete on public.pattern_trade_events
  for each row execute function prove.note_event();
  create trigger prove_note after insert or update or delete on learning.closed_trades
  for each row execute function prove.note_trade();
end
$$;

create function prove.note_shares(p_cut integer) returns void language sql as $$
  insert into prove.shares (cut, timeframe, share)
  select p_cut, slot.timeframe, slot.share
  from learning.allocation_state() as state
  cross join lateral unnest(state.timeframes, state.shares) as slot(timeframe, share)
  on conflict (cut, timeframe) do update set share = excluded.share;
$$;

-- Decisions are the entries and adds that ended up in a closed trade; holdings are all trades, closed or not.
create function prove.end_ingest(p_embargo interval) returns void language plpgsql as $$
begin
  drop trigger if exists prove_note on public.pattern_trade_events;
  drop trigger if exists prove_note on learning.closed_trades;
  insert into prove.closes (timeframe, exit_at, known_at, roi, rr)
  select trade.timeframe, trade.exit_at, greatest(trade.exit_at, strand.created_at) + p_embargo, trade.roi, trade.rr
  from learning.closed_trades trade
  join public.ad_strands strand on strand.id = trade.close_strand_id;
  insert into prove.decisions
  select row_number() over (order by event.acted_at, event.action_strand_id collate "C"), event.action_strand_id,
    event.trade_id, event.module, event.pattern_key, event.action_category, event.scope,
    event.scope ->> 'timeframe',
    coalesce(learning.number_of(strand.content, 'a_value'), 0.5),
    coalesce(learning.number_of(strand.content, 'e_value'), 0.5),
    event.acted_at, (select max(cut.cut) from prove.cuts cut where cut.at <= event.acted_at), event
  from public.pattern_trade_events event
  left join public.ad_strands strand on strand.id = event.action_strand_id
  where event.action_category in ('entry', 'add');

  insert into prove.holdings (position, pattern_key, entry_context, timeframe, chain, opened, closed, allocation)
  select gen_random_uuid(), first_action.pattern_key, first_action.context, first_action.timeframe,
    coalesce(first_action.context ->> 'chain', ''), first_action.opened, first_action.closed,
    base.allocation * coalesce(share.share, 1)
  from (
    select distinct on (strand.content ->> 'trade_id', coalesce(strand.module, ''))
      learning.dotted_pattern_key(strand.content ->> 'pattern_key') as pattern_key,
      coalesce(
        nullif(closing.content -> 'entry_context', '{}'),
        learning.merged_scope('{}', strand.content -> 'scope', strand.regime_context)
      ) as context,
      coalesce(strand.timeframe, strand.content #>> '{scope,timeframe}', '') as timeframe,
      strand.created_at as opened, coalesce(trade.exit_at, 'infinity') as closed
    from public.ad_strands strand
    join public.strand_receipts receipt on receipt.strand_id = strand.id and receipt.status = 'done'
    left join learning.closed_trades trade
      on trade.trade_id = strand.content ->> 'trade_id'
      and trade.module = learning.acting_module(strand.kind, strand.module)
    left join public.ad_strands closing on closing.id = trade.close_strand_id
    where strand.kind = 'pm_action' and strand.content ->> 'trade_id' is not null
    order by strand.content ->> 'trade_id', coalesce(strand.module, ''), strand.created_at,
      strand.id collate "C"
  ) as first_action
  cross join (
    select (learning.config('decision_maker') ->> 'default_allocation_pct')::float8 as allocation
  ) as base
  left join prove.shares share
    on share.timeframe = first_action.timeframe
    and share.cut = (select max(cut.cut) from prove.cuts cut where cut.at <= first_action.opened);
end
$$;

-- Exposure: the book as it was when each decision was made, measured by the function that sizes are measured by. The cells
-- are those that positions make, kept without the triggers, which would look at one position a statement.

create function prove.open_book() returns void language plpgsql as $$
begin
  alter table learning.position_scopes disable trigger user;
  update prove.holdings holding set scope = learning.position_scope(
    holding.entry_context, holding.timeframe, holding.chain, null, null
  ) where holding.scope is null;
  update prove.holdings holding set scope_mask = learning.scope_mask(holding.scope), cells = learning.cells_of(
    holding.scope, learning.scope_mask(holding.scope), learning.scope_mask(holding.scope),
    coalesce(holding.pattern_key, ''), false
  ) where holding.position is not null;
  perform prove.empty_book();
end
$$;
create function prove.empty_book() returns void language plpgsql as $$
begin
  truncate learning.position_scopes, learning.exposure_cells;
  update prove.holdings holding set state = 'waits' where holding.state <> 'waits';
end
$$;
create function prove.close_book() returns void language plpgsql as $$
begin
  perform prove.empty_book();
  alter table learning.position_scopes enable trigger user;
end
$$;

create function prove.move_position(holding prove.holdings, direction integer) returns void language plpgsql as $$
declare
  places constant bigint[] := (holding.cells).places || (holding.cells).pattern_places;
begin
  if direction > 0 then
    insert into learning.position_scopes (position_id, pattern_key, scope, scope_mask, exposure)
    values (holding.position, holding.pattern_key, holding.scope, holding.scope_mask, holding.allocation);
    insert into learning.exposure_cells (place, cell, pattern_key, mask, exposure, positions)
    select moved.place, '"place":' || moved.place,
      case when moved.number > cardinality((holding.cells).masks) then coalesce(holding.pattern_key, '') end,
      ((holding.cells).masks || (holding.cells).masks)[moved.number], 0, 0
    from unnest(places) with ordinality as moved(place, number)
    where not exists (select from learning.exposure_cells cell where cell.place = moved.place);
  else
    delete from learning.position_scopes position_scope where position_scope.position_id = holding.position;
  end if;
  update learning.exposure_cells cell
  set exposure = cell.exposure + direction * holding.allocation, positions = cell.positions + direction
  where cell.place = any (places);
  if direction < 0 then
    delete from learning.exposure_cells cell where cell.place = any (places) and cell.positions = 0;
  end if;
end
$$;

-- Few at a time: the cells of a popular scope are written with each position, and only what former transactions left
-- behind is cleared away.
create function prove.measure_skews(p_book text, p_after integer, p_count integer) returns void language plpgsql
set enable_seqscan = off set jit = off as $$
declare
  decision prove.decisions;
  holding prove.holdings;
  measures learning.exposure_measure[];
begin
  for decision in
    select d.* from prove.decisions d where d.place > p_after and d.place <= p_after + p_count order by d.place
  loop
    for holding in
      select h.* from prove.holdings h where h.state = 'held' and h.closed <= decision.acted_at
    loop
      perform prove.move_position(holding, -1);
      update prove.holdings h set state = 'gone' where h.position = holding.position;
    end loop;
    for holding in
      select h.* from prove.holdings h where h.state = 'waits' and h.opened < decision.acted_at
    loop
      if holding.closed > decision.acted_at then
        perform prove.move_position(holding, 1);
      end if;
      update prove.holdings h set state = case when holding.closed > decision.acted_at then 'held' else 'gone' end
      where h.position = holding.position;
    end loop;
    measures := learning.measure_exposure(array[learning.check_candidate(
      decision.pattern_key, decision.action_category, decision.scope, decision.a_value, decision.e_value, 1,
      decision.acted_at
    )], learning.config());
    insert into prove.skews (book, place, skew) values (p_book, decision.place, measures[1].skew)
    on conflict (book, place) do update set skew = excluded.skew;
  end loop;
end
$$;

-- Runs: the loop begins with nothing, and what became known is let in cut by cut. Of events only entries and adds, as
-- nothing that is learned from trims and exits bears on their sizes.

create function prove.forget() returns void language plpgsql as $$
begin
  truncate public.pattern_trade_events, learning.closed_trades, learning.mining_groups,
    public.learning_effect_groups, learning.effect_cells, public.learning_effects, learning.baselines,
    learning.effect_bases, public.learning_lessons, public.learning_edge_history, learning.category_days,
    learning.group_decisions, learning.category_directions, learning.live_records, learning.watched_groups,
    public.learning_calibration, public.learning_regime_weights, learning.calibrated_sums,
    public.pm_overrides, public.pm_override_history, learning.strength_reconciliation cascade;
  insert into learning.strength_reconciliation default values;
  update learning.mining_cycles cycle set cycle = 0, last_event_id = 0, started_at = null
  where cycle.family is not null;
end
$$;

create function prove.with_outcome(event public.pattern_trade_events, donor public.pattern_trade_events)
returns public.pattern_trade_events language plpgsql immutable as $$
begin
  if donor.id is not null then
    event.roi := donor.roi;
    event.rr := donor.rr;
    event.pnl_usd := donor.pnl_usd;
    event.own_roi := donor.own_roi;
    event.own_rr := donor.own_rr;
    event.did_trim := donor.did_trim;
    event.reached_s3 := donor.reached_s3;
    event.time_to_s3_hours := donor.time_to_s3_hours;
    event.could_enter_better := donor.could_enter_better;
    event.could_exit_better := donor.could_exit_better;
  end if;
  return event;
end
$$;

create function prove.let_in(p_run text, p_cut integer) returns void language plpgsql as $$
declare
  changed learning.group_key[];
begin
  changed := array(
    select distinct row(event.module, event.pattern_key, event.action_category)::learning.group_key
    from (
      select (change.event).module, (change.event).pattern_key, (change.event).action_category
      from prove.event_changes change
      where change.cut = p_cut and (change.event).action_category in ('entry', 'add')
      union all
      select former.module, former.pattern_key, former.action_category
      from prove.event_changes change
      join public.pattern_trade_events former on former.action_strand_id = change.action_strand_id
      where change.cut = p_cut
    ) as event
  );
  delete from public.pattern_trade_events event
  using prove.event_changes change
  where change.cut = p_cut and change.action_strand_id = event.action_strand_id;
  insert into public.pattern_trade_events overriding system value
  select event.*
  from prove.event_changes change
  left join prove.donors donor on donor.run = p_run and donor.action_strand_id = change.action_strand_id
  left join prove.decisions giver on giver.action_strand_id = donor.donor
  cross join lateral prove.with_outcome(change.event, giver.event) as event
  where change.cut = p_cut and (change.event).action_category in ('entry', 'add');
  delete from learning.closed_trades trade
  using prove.trade_changes change
  where change.cut = p_cut and change.module = trade.module and change.trade_id = trade.trade_id;
  insert into learning.closed_trades
  select (change.trade).*
  from prove.trade_changes change
  where change.cut = p_cut and (change.trade).trade_id is not null;
  perform learning.mark_groups_changed(changed);
end
$$;

create function prove.size_decisions(p_run text, p_cut integer) returns void language plpgsql as $$
declare
  batch record;
begin
  for batch in
    select array_agg(asked.place order by asked.place) as places, jsonb_agg(asked.candidate order by asked.place) as candidates
    from (
      select decision.place, (row_number() over (order by decision.place) - 1) / 500 as number, jsonb_build_object(
        'pattern_key', decision.pattern_key, 'action_category', decision.action_category, 'scope', decision.scope,
        'a_value', decision.a_value, 'e_value', decision.e_value, 'as_of', decision.acted_at
      ) as candidate
      from prove.decisions decision
      where decision.cut = p_cut
    ) as asked
    group by asked.number
  loop
    insert into prove.sizes (run, place, mode, raw, posture, multiplier, edge_weighted, calibrated, error)
    select p_run, batch.places[answer.position], answer.mode, answer.size_frac_raw,
      said.strength[1], said.strength[2], said.strength[3], said.strength[4], answer.error ->> 'message'
    from public.get_pm_sizing_batch(batch.candidates) as answer
    cross join lateral (
      select array_agg(
        case when mode.name = answer.mode then answer.pm_strength
          else (answer.shadow #>> array[mode.name, 'pm_strength'])::float8 end
        order by mode.place
      ) as strength
      from unnest(array['posture', 'multiplier', 'edge_weighted', 'calibrated']) with ordinality as mode(name, place)
    ) as said
    on conflict (run, place) do update set mode = excluded.mode, raw = excluded.raw, posture = excluded.posture,
      multiplier = excluded.multiplier, edge_weighted = excluded.edge_weighted,
      calibrated = excluded.calibrated, error = excluded.error;
  end loop;
  delete from prove.believed believed where believed.run = p_run and believed.cut = p_cut;
  insert into prove.believed (run, cut, pattern_key, action_category, scope_subset, sign)
  select p_run, p_cut, lesson.pattern_key, lesson.action_category, lesson.scope_subset, sign(lesson.edge_raw)
  from public.learning_lessons lesson
  where lesson.status = 'active' and lesson.action_category in ('entry', 'add');
  delete from prove.calibrations calibration where calibration.run = p_run and calibration.cut = p_cut;
  insert into prove.calibrations (run, cut, module, action_category, mean, sigma, kappa)
  select p_run, p_cut, calibration.module, calibration.action_category, calibration.mean, calibration.sigma,
    calibration.kappa
  from public.learning_calibration calibration;
end
$$;

-- What a run answered, one row for each decision, with the outcome it was judged by (that of its donor in a placebo).
create function prove.answers(p_run text, p_book text, p_outcome text)
returns table (
  place integer, module text, pattern_key text, action_category text, timeframe text, cut integer, acted_at timestamptz,
  mode text, raw float8, skew float8, sizes float8[], crowded float8[], outcome float8, share float8, promised float8
)
language sql stable as $$
  select decision.place, decision.module, decision.pattern_key, decision.action_category, decision.timeframe,
    decision.cut, decision.acted_at, size.mode, size.raw, skew.skew,
    array[learning.applied_size(size.raw, size.posture, 1), learning.applied_size(size.raw, size.multiplier, 1),
      learning.applied_size(size.raw, size.edge_weighted, 1), learning.applied_size(size.raw, size.calibrated, 1)],
    array[learning.applied_size(size.raw, size.posture, skew.skew),
      learning.applied_size(size.raw, size.multiplier, skew.skew),
      learning.applied_size(size.raw, size.edge_weighted, skew.skew),
      learning.applied_size(size.raw, size.calibrated, skew.skew),
      learning.applied_size(size.raw, 1, skew.skew)],
    case judged.by when 'roi' then (judged.event).roi when 'rr' then (judged.event).rr
      when 'own_roi' then (judged.event).own_roi when 'own_rr' then (judged.event).own_rr end,
    share.share / begun.share,
    (size.calibrated - 1) * calibration.sigma
  from prove.decisions decision
  join prove.sizes size on size.run = p_run and size.place = decision.place and size.error is null
  left join prove.skews skew on skew.book = p_book and skew.place = decision.place
  left join prove.donors donor on donor.run = p_run and donor.action_strand_id = decision.action_strand_id
  left join prove.decisions giver on giver.action_strand_id = donor.donor
  cross join lateral (
    select coalesce(giver.event, decision.event) as event, learning.outcome_column(
      decision.action_category, learning.config() || jsonb_build_object('outcome', p_outcome)
    ) as by
  ) as judged
  left join prove.shares share on share.cut = decision.cut and share.timeframe = decision.timeframe
  left join prove.shares begun on begun.cut = 0 and begun.timeframe = decision.timeframe
  left join prove.calibrations calibration on calibration.run = p_run and calibration.cut = decision.cut
    and calibration.module = decision.module and calibration.action_category = decision.action_category
  order by decision.place;
$$;
