-- Impossible times: what took effect before such strands were refused.

create function learning.doubt_impossible_times()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  earliest constant timestamptz := learning.earliest_event();
  doubted integer;
begin
  -- Whether they are indeed impossible is judged where every strand is.
  update public.strand_receipts receipt
  set status = 'pending', attempts = 0, errors = '[]'::jsonb, next_attempt_at = now(), processed_at = null,
    revision = receipt.revision + 1
  where receipt.status = 'done' and (
    receipt.event_at not between earliest and receipt.received_at + interval '1 day'
    or receipt.strand_id in (
      select trade.close_strand_id
      from learning.closed_trades trade
      join public.strand_receipts close_receipt on close_receipt.strand_id = trade.close_strand_id
      where trade.exit_at not between earliest and close_receipt.received_at + interval '1 day'
    )
    or receipt.strand_id in (
      select trade.close_strand_id
      from public.pattern_trade_events event
      join learning.closed_trades trade on trade.trade_id = event.trade_id
      where extract(epoch from event.traded_at)::float8 - event.duration_hours * 3600
        < extract(epoch from earliest)::float8
    )
  );
  get diagnostics doubted = row_count;
  return doubted;
end
$$;
comment on function learning.doubt_impossible_times() is
  'Has strands judged anew that took effect with a time that no event can have, before 2000 or later than a '
  'day after they arrived: they are refused and their effect is taken back. Returns how many.';
