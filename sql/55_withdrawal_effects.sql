-- Effects of withdrawal: the sweep brings trades and episodes in line with the strands that are left.

create function learning.withdrawn_subjects(most_strands integer)
returns table (kind text, subject text, ids bigint[])
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with due as materialized (
    select withdrawn_strand.*
    from learning.withdrawn_strands withdrawn_strand
    where withdrawn_strand.next_attempt_at <= clock_timestamp()
    order by withdrawn_strand.id
    limit most_strands
  )
  select named.kind, named.subject, array_agg(named.id)
  from (
    select due.kind, due.subject, due.id from due
    union all
    -- What it was part of when it last took effect, where it was changed before it went.
    select 'trade', event.trade_id, due.id
    from due join public.pattern_trade_events event on event.action_strand_id = due.strand_id
    union all
    select 'trade', trade.trade_id, due.id
    from due join learning.closed_trades trade on trade.close_strand_id = due.strand_id
    union all
    select 'episode', episode.episode_id, due.id
    from due join public.pattern_episode_events episode on episode.strand_id = due.strand_id
    union all
    select 'episode', episode.episode_id, due.id
    from due join public.pattern_episode_events episode on episode.summary_strand_id = due.strand_id
  ) as named
  group by named.kind, named.subject
  order by min(named.id);
$$;
comment on function learning.withdrawn_subjects(integer) is
  'The trades and episodes of withdrawn strands whose turn it is, each with these strands.';

create function learning.retry_withdrawal(ids bigint[], subject text, failed_with text, reason text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.write_log('ERROR', 'aggregate-strands', 'withdrawal_failed',
    format('The effect of deleted strands of %s could not be taken back and is tried again: %s', subject,
      reason),
    jsonb_build_object('subject', subject, 'sqlstate', failed_with));
  update learning.withdrawn_strands withdrawn_strand
  set attempts = withdrawn_strand.attempts + 1,
    next_attempt_at = clock_timestamp() + learning.retry_delay(withdrawn_strand.attempts)
  where withdrawn_strand.id = any (ids);
end
$$;
comment on function learning.retry_withdrawal(bigint[], text, text, text) is
  'Lets withdrawn strands whose effect could not be taken back wait for another attempt, and logs why.';

create function learning.take_back(
  p_kind text, p_subject text, out changed_groups learning.group_key[], out changed_from timestamptz
)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  applied record;
begin
  if learning.is_pruned(p_kind, p_subject) then
    changed_groups := '{}';
  elsif p_kind = 'episode' then
    changed_groups := learning.apply_episode(p_subject);
  else
    applied := learning.apply_trade(p_subject);
    changed_groups := applied.changed_groups;
    changed_from := applied.changed_from;
  end if;
end
$$;
comment on function learning.take_back(text, text) is
  'Brings a trade or episode in line with the strands that are left of it.';

create function learning.outdate_allocation(outdated_from timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Who replays holds it from before its first look at the trades.
  perform pg_advisory_xact_lock(hashtextextended('allocation', 0));
  update learning.allocation_replay replay
  set began_from = least(replay.began_from, outdated_from),
    goes_on_from = least(replay.goes_on_from, outdated_from)
  where replay.is_only;
end
$$;
comment on function learning.outdate_allocation(timestamptz) is
  'Notes that steps from a time on are out of date; the next close or sweep replays from there.';

create function learning.withdraw_effects(patience interval default '1 second')
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
-- A timestamp without an offset is UTC, whatever the session says.
set timezone = 'UTC'
-- Plans are kept as long as a connection lives, and one made while the tables were empty would scan them for
-- ever.
set enable_seqscan = off
set jit = off
as $$
declare
  deadline constant timestamptz := clock_timestamp() + patience;
  most_strands constant integer := 5000;
  touched record;
  applied record;
  attempted bigint[] := '{}'::bigint[];
  unfinished bigint[] := '{}'::bigint[];
  changed_groups learning.group_key[] := '{}'::learning.group_key[];
  changed_from timestamptz;
  finished integer;
begin
  for touched in select withdrawn.* from learning.withdrawn_subjects(most_strands) as withdrawn loop
    -- A first one always, or it would never come to an end.
    if attempted <> '{}' and clock_timestamp() > deadline
      -- Who is at work on it would be waited for; it comes back to it with the next sweep.
      or not pg_try_advisory_xact_lock(hashtextextended(touched.kind || ' ' || touched.subject, 0)) then
      unfinished := unfinished || touched.ids;
      continue;
    end if;
    attempted := attempted || touched.ids;
    begin
      applied := learning.take_back(touched.kind, touched.subject);
      changed_groups := changed_groups || applied.changed_groups;
      changed_from := least(changed_from, applied.changed_from);
    exception when others then
      unfinished := unfinished || touched.ids;
      perform learning.retry_withdrawal(touched.ids, touched.kind || ' ' || touched.subject, sqlstate,
        sqlerrm);
    end;
  end loop;
  if changed_from is not null then
    perform learning.outdate_allocation(changed_from);
  end if;
  perform learning.mark_groups_changed(changed_groups);
  delete from learning.withdrawn_strands withdrawn_strand
  where withdrawn_strand.id in (select unnest(attempted) except select unnest(unfinished));
  get diagnostics finished = row_count;
  if finished > 0 then
    perform learning.write_log('INFO', 'aggregate-strands', 'strands_withdrawn',
      format('The effect of %s was taken back; groups whose evidence changed: %s',
        learning.counted(finished, 'deleted or changed strand', 'deleted or changed strands'),
        (select count(distinct changed) from unnest(changed_groups) as changed)),
      jsonb_build_object('strands', finished, 'replay_from', changed_from));
  end if;
  return finished;
end
$$;
comment on function learning.withdraw_effects(interval) is
  'Takes back the effect of deleted strands as far as it gets within its patience, and returns of how many. '
  'What follows from trades and episodes follows as from a correction: shares are replayed, groups mined '
  'anew.';

create function learning.awaits_withdrawal()
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select from learning.withdrawn_strands withdrawn_strand
    where withdrawn_strand.next_attempt_at <= clock_timestamp()
  );
end
$$;
comment on function learning.awaits_withdrawal() is
  'Whether the effect of deleted strands waits to be taken back next.';
