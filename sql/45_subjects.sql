-- Subjects: the trades and episodes that verdicts touch, locked in one order and applied one by one.

create function learning.retry_after_failure(strand_ids text[], subject text, failed_with text, reason text)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.write_log('ERROR', 'aggregate-strands', 'strands_failed',
    format('%s could not be applied and is tried again: %s', subject, reason),
    jsonb_build_object('subject', subject, 'strand_ids', to_jsonb(strand_ids), 'sqlstate', failed_with));
  return learning.retry_receipts(strand_ids, format('%s (SQLSTATE %s)', reason, failed_with));
end
$$;
comment on function learning.retry_after_failure(text[], text, text, text) is
  'Lets the strands of one trade or episode that could not take effect be tried again, and logs why; '
  'returns how many.';

create function learning.touched_subjects(accepted jsonb, rejected jsonb)
returns table (kind text, subject text, strand_ids text[])
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with accepted_verdict as (
    select verdict.id from jsonb_to_recordset(accepted) as verdict(id text)
  ),
  judged as (
    select accepted_verdict.id from accepted_verdict
    union all
    select verdict.id from jsonb_to_recordset(rejected) as verdict(id text)
  )
  select named.kind, named.subject, coalesce(array_agg(named.id) filter (where named.id is not null), '{}')
  from (
    select case when strand.kind = any (learning.episode_kinds()) then 'episode' else 'trade' end,
      case
        when strand.kind = any (learning.trade_kinds()) then strand.content ->> 'trade_id'
        when strand.kind = any (learning.episode_kinds()) then strand.content ->> 'episode_id'
        -- A strand that is of no learned kind any more takes effect by no longer having any.
        else ''
      end,
      accepted_verdict.id
    from accepted_verdict
    join public.ad_strands strand on strand.id = accepted_verdict.id
    union all
    -- What the strands were part of when they last took effect.
    select 'trade', event.trade_id, null
    from judged join public.pattern_trade_events event on event.action_strand_id = judged.id
    union all
    select 'trade', trade.trade_id, null
    from judged join learning.closed_trades trade on trade.close_strand_id = judged.id
    union all
    select 'episode', episode.episode_id, null
    from judged join public.pattern_episode_events episode on episode.strand_id = judged.id
  ) as named(kind, subject, id)
  group by named.kind, named.subject
  order by named.kind, named.subject;
$$;
comment on function learning.touched_subjects(jsonb, jsonb) is
  'The trades and episodes that some judged strands belong to or belonged to, with the accepted strands of '
  'each.';

create function learning.lock_subjects(accepted jsonb, rejected jsonb)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  deadline constant timestamptz := clock_timestamp() + interval '2 seconds';
  touched record;
begin
  for touched in
    select subject.kind, subject.subject from learning.touched_subjects(accepted, rejected) as subject
  loop
    while not pg_try_advisory_xact_lock(hashtextextended(touched.kind || ' ' || touched.subject, 0)) loop
      if clock_timestamp() > deadline then
        return false;
      end if;
      perform pg_sleep(0.01);
    end loop;
  end loop;
  return true;
end
$$;
comment on function learning.lock_subjects(jsonb, jsonb) is
  'Locks the trades and episodes that some verdicts touch, in one order, so that two batches that share '
  'some wait for each other instead of deadlocking. False where that would take longer than two seconds: '
  'where several batches queue for the same trades, the last one would run into the statement timeout.';

create function learning.apply_subjects(
  accepted jsonb, rejected jsonb, deadline timestamptz,
  out failed integer, out postponed text[],
  out changed_groups learning.group_key[], out changed_from timestamptz
)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  touched record;
  applied record;
begin
  failed := 0;
  postponed := '{}';
  changed_groups := '{}';
  for touched in
    select subject.* from learning.touched_subjects(accepted, rejected) as subject
  loop
    -- Better a part of the batch than a statement timeout and none of it. What a strand has left must not
    -- wait: nothing would remember it.
    if clock_timestamp() > deadline and touched.strand_ids <> '{}' then
      postponed := postponed || touched.strand_ids;
      continue;
    end if;
    begin
      if touched.kind = 'trade' then
        applied := learning.apply_trade(touched.subject);
        changed_groups := changed_groups || applied.changed_groups;
        changed_from := least(changed_from, applied.changed_from);
      else
        changed_groups := changed_groups || learning.apply_episode(touched.subject);
      end if;
    exception when others then
      if touched.strand_ids = '{}' then
        -- No strand of it can be tried again but by trying the whole batch.
        raise;
      end if;
      failed := failed + learning.retry_after_failure(
        touched.strand_ids, touched.kind || ' ' || touched.subject, sqlstate, sqlerrm);
    end;
  end loop;
  perform learning.return_receipts(postponed);
end
$$;
comment on function learning.apply_subjects(jsonb, jsonb, timestamptz) is
  'Brings every trade and episode that some verdicts touch in line with its accepted strands, each in its '
  'own subtransaction: how many strands failed, which were given back because time was up, whose events '
  'changed and from when on allocation must be replayed.';
