-- Receipt search: a strand whose receipt was lost is found by the sweep and takes effect after all.

create table learning.receipt_search (
  is_only boolean primary key default true check (is_only),
  searched_to text not null default '',
  found bigint not null default 0,
  found_at timestamptz
);
alter table learning.receipt_search enable row level security;
insert into learning.receipt_search default values;
comment on table learning.receipt_search is
  'One row: how far the strands were searched for such without a receipt, round after round, and what was '
  'found last.';
comment on column learning.receipt_search.is_only is 'Keeps it one row.';
comment on column learning.receipt_search.searched_to is
  'Id up to which this round has come; empty at its beginning.';
comment on column learning.receipt_search.found is 'How many were found when some were found last.';
comment on column learning.receipt_search.found_at is 'When that was; null before any.';

create function learning.has_effect(p_strand_id text)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (select from public.pattern_trade_events event where event.action_strand_id = p_strand_id)
    or exists (select from learning.closed_trades trade where trade.close_strand_id = p_strand_id)
    or exists (select from public.pattern_episode_events episode where episode.strand_id = p_strand_id)
    or exists (
      select from public.pattern_episode_events episode where episode.summary_strand_id = p_strand_id
    );
end
$$;
comment on function learning.has_effect(text) is
  'Whether an event, a closed trade or a window rests on a strand.';

create function learning.give_receipts(
  after_id text, most_strands integer, out last_id text, out looked_at integer, out given integer
)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
begin
  with slice as materialized (
    select strand.id, strand.kind, strand.created_at
    from public.ad_strands strand
    -- From it on: an id may be empty.
    where strand.id >= after_id
    order by strand.id
    limit most_strands
  ),
  lost as materialized (
    select slice.id, slice.created_at, learning.has_effect(slice.id) as has_effect
    from slice
    where slice.kind = any (learning.learned_kinds())
      and not exists (select from public.strand_receipts receipt where receipt.strand_id = slice.id)
  ),
  written as (
    -- What stands must not be taken back meanwhile because other strands of its trade wait for their turn.
    insert into public.strand_receipts (strand_id, status, next_attempt_at, processed_at, event_at)
    select lost.id, case when lost.has_effect then 'done' else 'pending' end,
      case when not lost.has_effect then now() end, case when lost.has_effect then now() end, lost.created_at
    from lost
    on conflict (strand_id) do nothing
    returning 1
  )
  select (select max(slice.id) from slice), (select count(*) from slice), (select count(*) from written)
  into last_id, looked_at, given;
end
$$;
comment on function learning.give_receipts(text, integer) is
  'Looks at the strands from an id on and gives those that learning reads and that have no receipt one: '
  'done where their effect stands, else pending.';

create function learning.find_lost_receipts(patience interval default '300 milliseconds')
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  deadline constant timestamptz := clock_timestamp() + patience;
  strands_at_a_time constant integer := 5000;
  place text;
  slice record;
  given bigint := 0;
begin
  select search.searched_to into place from learning.receipt_search search for update;
  loop
    slice := learning.give_receipts(place, strands_at_a_time);
    given := given + slice.given;
    place := case when slice.looked_at < strands_at_a_time then '' else slice.last_id end;
    exit when place = '' or clock_timestamp() > deadline;
  end loop;
  update learning.receipt_search search
  set searched_to = place,
    found = case when given > 0 then given else search.found end,
    found_at = case when given > 0 then now() else search.found_at end
  where search.is_only;
  if given > 0 then
    perform learning.write_log('WARNING', 'aggregate-strands', 'receipts_missing',
      format('%s no receipt and got one: was strand_receipts emptied, or were triggers off?',
        learning.counted(given, 'strand had', 'strands had')),
      jsonb_build_object('strands', given));
  end if;
  return given;
end
$$;
comment on function learning.find_lost_receipts(interval) is
  'Goes on with the search for strands without a receipt as far as it gets within its patience, and returns '
  'how many got one.';

create function learning.inbox_gaps(out missing_receipts bigint, out problem text)
returns record
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Health is looked at often, and an inbox that was emptied shows in its newest strands.
  newest_strands constant integer := 2000;
  waiting bigint;
  waiting_since timestamptz;
  last_search learning.receipt_search;
begin
  select count(*) into missing_receipts
  from (
    select strand.id, strand.kind
    from public.ad_strands strand
    order by strand.created_at desc
    limit newest_strands
  ) as newest
  where newest.kind = any (learning.learned_kinds())
    and not exists (select from public.strand_receipts receipt where receipt.strand_id = newest.id);
  select count(*), min(withdrawn_strand.withdrawn_at) into waiting, waiting_since
  from learning.withdrawn_strands withdrawn_strand;
  select search.* into last_search from learning.receipt_search search;
  problem := nullif(concat_ws('; ',
    case
      when missing_receipts > 0
        then format('%s of the newest %s no receipt; the sweep gives them one', missing_receipts,
          case missing_receipts when 1 then 'strands has' else 'strands have' end)
    end,
    case
      when last_search.found_at > now() - interval '1 day'
        then format('%s found without a receipt at %s and got one: was strand_receipts emptied?',
          learning.counted(last_search.found, 'strand was', 'strands were'),
          learning.moment(last_search.found_at))
    end,
    case
      when waiting_since < now() - interval '15 minutes'
        then format('the effect of %s since %s is not taken back yet; '
            'select learning.withdraw_effects(''1 minute'') goes on with it at once',
          learning.counted(waiting, 'strand deleted', 'strands deleted'), learning.moment(waiting_since))
    end
  ), '');
end
$$;
comment on function learning.inbox_gaps() is
  'What is missing between strands and their receipts, for health: strands without one, and deleted ones '
  'whose effect still stands.';
