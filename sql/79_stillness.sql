-- Stillness: whoever derives everything anew writes alone.

create function learning.lock_or_raise()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  lock table public.learning_configs, learning.effective_configs, public.scope_dimensions,
    learning.receipt_search, learning.scope_values, learning.closed_trades, public.pattern_trade_events,
    public.pattern_episode_events, learning.mining_groups, public.pm_overrides
    in exclusive mode nowait;
  -- Strands that name a position are taken meanwhile.
  lock table public.lowcap_positions in share row exclusive mode nowait;
  if not pg_try_advisory_xact_lock(hashtextextended('allocation', 0))
    or not pg_try_advisory_xact_lock(hashtextextended('exposure', 0)) then
    raise exception using
      errcode = '55P03',
      message = 'Allocation or exposure is being derived',
      hint = 'Try again when that is over.';
  end if;
end
$$;
comment on function learning.lock_or_raise() is
  'Takes all that holds back who writes what is derived, or what it is derived from, except strands; raises '
  '55P03 at once where somebody is writing it.';

create function learning.await_stillness(patience interval default '1 minute')
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  deadline constant timestamptz := clock_timestamp() + patience;
begin
  loop
    begin
      perform learning.lock_or_raise();
      return;
    exception when lock_not_available then
      -- What was taken is let go. Whoever writes several things may do so in any order, so that holding one
      -- while waiting for another would end in a deadlock with some of them.
      if clock_timestamp() > deadline then
        raise exception using
          errcode = '55P03',
          message = format('Somebody is writing all the time, and was waited for for %s: %s', patience,
            sqlerrm),
          hint = 'Nothing was changed. Stop what writes positions, overrides and configuration, or end the '
            || 'transactions that pg_stat_activity shows as idle, and try again.';
      end if;
    end;
    perform pg_sleep(0.05);
  end loop;
end
$$;
comment on function learning.await_stillness(interval) is
  'Waits until nobody writes what is derived, or what it is derived from, and keeps everybody from doing so '
  'until the transaction ends. Strands are taken meanwhile; they take effect afterwards.';
