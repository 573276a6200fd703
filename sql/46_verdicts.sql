-- Verdicts: due strands are leased to an edge function, and what it judged takes effect.

create function learning.reject_strands(p_rejected jsonb)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  rejected integer;
begin
  with verdicts as (
    select verdict.id, verdict.revision, verdict.errors
    from jsonb_to_recordset(p_rejected) as verdict(id text, revision integer, errors jsonb)
  ),
  refused as (
    update public.strand_receipts receipt
    set status = 'rejected', errors = verdicts.errors, next_attempt_at = null, processed_at = now()
    from verdicts
    where receipt.strand_id = verdicts.id and receipt.revision = verdicts.revision and receipt.status = 'pending'
    returning receipt.strand_id, receipt.errors
  ),
  logged as (
    insert into public.learning_log (level, component, event, message, details)
    select 'WARNING', 'aggregate-strands', 'strand_rejected',
      format('Strand %s (%s) was rejected: %s', refused.strand_id, strand.kind, (
        select string_agg(concat_ws(' ', nullif(reason.path, ''), reason.message), '; ')
        from jsonb_to_recordset(refused.errors) as reason(path text, message text)
      )),
      jsonb_build_object('strand_id', refused.strand_id, 'kind', strand.kind, 'errors', refused.errors)
    from refused
    join public.ad_strands strand on strand.id = refused.strand_id
    returning 1
  )
  select count(*) into rejected from logged;
  return rejected;
end
$$;
comment on function learning.reject_strands(jsonb) is
  'Marks strands rejected with every reason and logs each.';

create function learning.report_failure(p_ids text[], p_subject text, p_sqlstate text, p_message text)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  postponed integer;
begin
  update public.strand_receipts receipt
  set status = 'pending', processed_at = null,
    next_attempt_at = clock_timestamp() + learning.retry_delay(receipt.attempts),
    errors = jsonb_build_array(jsonb_build_object('path', '', 'message', format('%s (SQLSTATE %s)', p_message, p_sqlstate)))
  where receipt.strand_id = any (p_ids) and receipt.status = 'done';
  get diagnostics postponed = row_count;
  perform learning.write_log('ERROR', 'aggregate-strands', 'strands_failed',
    format('%s could not be applied and is tried again: %s', p_subject, p_message),
    jsonb_build_object('subject', p_subject, 'strand_ids', to_jsonb(p_ids), 'sqlstate', p_sqlstate));
  return postponed;
end
$$;
comment on function learning.report_failure(text[], text, text, text) is
  'Takes back the receipts of one trade or episode whose strands could not take effect, with the reason; '
  'they are tried again.';

create function learning.touched_subjects(p_accepted jsonb, p_rejected jsonb)
returns table (kind text, subject text, ids text[])
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with accepted as (
    select verdict.id from jsonb_to_recordset(p_accepted) as verdict(id text)
  ),
  judged as (
    select accepted.id from accepted
    union all
    select verdict.id from jsonb_to_recordset(p_rejected) as verdict(id text)
  )
  select named.kind, named.subject, coalesce(array_agg(named.id) filter (where named.id is not null), '{}')
  from (
    select case when strand.kind in ('episode_window', 'episode_outcome') then 'episode' else 'trade' end,
      case
        when strand.kind in ('pm_action', 'dm_action', 'position_closed') then strand.content ->> 'trade_id'
        when strand.kind in ('episode_window', 'episode_outcome') then strand.content ->> 'episode_id'
        -- A strand that is of no learned kind any more takes effect by no longer having any.
        else ''
      end,
      accepted.id
    from accepted
    join public.ad_strands strand on strand.id = accepted.id
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

create function public.apply_strands(p_accepted jsonb, p_rejected jsonb)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
-- A timestamp without an offset is UTC, whatever the session says.
set timezone = 'UTC'
-- Plans are kept as long as a connection lives, and one made while the tables were empty would scan them for ever.
set enable_seqscan = off
set jit = off
as $$
declare
  accepted jsonb;
  refused jsonb;
  rejected integer;
  failed integer := 0;
  touched record;
  applied record;
  patience constant timestamptz := clock_timestamp() + interval '2 seconds';
  deadline timestamptz;
  held integer;
  postponed text[] := array[]::text[];
  changed learning.group_key[] := array[]::learning.group_key[];
  changed_from timestamptz;
begin
  -- All locks first and in one order, so that two batches that share trades wait for each other instead of deadlocking.
  for touched in select subject.kind, subject.subject from learning.touched_subjects(p_accepted, p_rejected) as subject loop
    while not pg_try_advisory_xact_lock(hashtextextended(touched.kind || ' ' || touched.subject, 0)) loop
      if clock_timestamp() > patience then
        -- Where several batches queue for the same trades the last one would run into the statement timeout.
        update public.strand_receipts receipt
        set attempts = receipt.attempts - 1, next_attempt_at = clock_timestamp()
        from jsonb_to_recordset(p_accepted || p_rejected) as verdict(id text, revision integer)
        where receipt.strand_id = verdict.id and receipt.revision = verdict.revision and receipt.status = 'pending';
        get diagnostics held = row_count;
        return jsonb_build_object('accepted', 0, 'rejected', 0, 'failed', 0, 'postponed', held, 'contended', true);
      end if;
      perform pg_sleep(0.01);
    end loop;
  end loop;
  deadline := clock_timestamp() + interval '3 seconds';

  -- A claim that looked at these strands just as they were leased holds on to them for the moment it takes to commit.
  for attempt in 1..8 loop
    perform
    from public.strand_receipts receipt
    where receipt.strand_id in (select verdict.id from jsonb_to_recordset(p_accepted || p_rejected) as verdict(id text))
      and receipt.status = 'pending'
    for update skip locked;
    get diagnostics held = row_count;
    exit when held = (
      select count(*)
      from public.strand_receipts receipt
      where receipt.strand_id in (select verdict.id from jsonb_to_recordset(p_accepted || p_rejected) as verdict(id text))
        and receipt.status = 'pending'
    );
    perform pg_sleep(0.005 * power(2, attempt - 1));
  end loop;

  with verdicts as (
    select verdict.id, verdict.revision, null::jsonb as errors
    from jsonb_to_recordset(p_accepted) as verdict(id text, revision integer)
    union all
    select verdict.id, verdict.revision, verdict.errors
    from jsonb_to_recordset(p_rejected) as verdict(id text, revision integer, errors jsonb)
  ),
  -- A verdict stands while its strand is as it was judged and nobody else has answered it. Who is just changing the strand
  -- is not waited for: its lease lapses and it is judged anew.
  standing as materialized (
    select verdicts.id, verdicts.revision, verdicts.errors
    from verdicts
    join public.strand_receipts receipt
      on receipt.strand_id = verdicts.id and receipt.revision = verdicts.revision and receipt.status = 'pending'
    order by receipt.strand_id
    for update of receipt skip locked
  ),
  -- A context that cannot be taken into a scope is refused here, where scopes are made.
  final as (
    select standing.id, standing.revision, coalesce(standing.errors, (
      select jsonb_agg(jsonb_build_object('path', context.path || '.' || fault.path, 'message', fault.message))
      from (values
        ('content.entry_context', strand.content -> 'entry_context'),
        ('content.scope', strand.content -> 'scope'),
        ('regime_context', strand.regime_context)
      ) as context(path, content)
      cross join lateral jsonb_to_recordset(learning.scope_faults(context.content)) as fault(path text, message text)
    )) as errors
    from standing
    join public.ad_strands strand on strand.id = standing.id
  )
  select coalesce(jsonb_agg(jsonb_build_object('id', final.id, 'revision', final.revision)) filter (where final.errors is null), '[]'::jsonb),
    coalesce(jsonb_agg(to_jsonb(final)) filter (where final.errors is not null), '[]'::jsonb)
  into accepted, refused
  from final;

  rejected := learning.reject_strands(refused);
  perform learning.register_scope_values(array_agg(context.content))
  from jsonb_to_recordset(accepted) as claimed(id text)
  join public.ad_strands strand on strand.id = claimed.id
  cross join lateral (values (strand.content -> 'entry_context'), (strand.content -> 'scope'), (strand.regime_context)) as context(content);

  update public.strand_receipts receipt
  set status = 'done', errors = '[]'::jsonb, next_attempt_at = null, processed_at = now()
  from jsonb_to_recordset(accepted) as verdict(id text, revision integer)
  where receipt.strand_id = verdict.id;

  for touched in select * from learning.touched_subjects(accepted, refused) loop
    -- Better a part of the batch than a statement timeout and none of it. What a strand has left must not wait: nothing would
    -- remember it.
    if clock_timestamp() > deadline and touched.ids <> '{}' then
      postponed := postponed || touched.ids;
      continue;
    end if;
    begin
      if touched.kind = 'trade' then
        applied := learning.apply_trade(touched.subject);
        changed := changed || applied.changed_groups;
        changed_from := least(changed_from, applied.changed_from);
      else
        changed := changed || learning.apply_episode(touched.subject);
      end if;
    exception when others then
      if touched.ids = '{}' then
        -- No strand of it can be tried again but by trying the whole batch.
        raise;
      end if;
      failed := failed + learning.report_failure(touched.ids, touched.kind || ' ' || touched.subject, sqlstate, sqlerrm);
    end;
  end loop;

  update public.strand_receipts receipt
  set status = 'pending', processed_at = null, attempts = receipt.attempts - 1, next_attempt_at = clock_timestamp()
  where receipt.strand_id = any (postponed);
  if changed_from is not null then
    perform learning.replay_allocation(changed_from);
  end if;
  perform learning.mark_groups_changed(changed);
  return jsonb_build_object('accepted', jsonb_array_length(accepted) - failed - cardinality(postponed),
    'rejected', rejected, 'failed', failed, 'postponed', cardinality(postponed));
end
$$;
comment on function public.apply_strands(jsonb, jsonb) is
  'Lets validated strands take effect, each trade in its own subtransaction, and marks refused ones '
  'rejected; contended where other batches hold their trades for so long that none was touched. For the '
  'edge functions.';

create function public.claim_strands(p_limit integer default 500)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
-- Times are handed out in UTC, whatever the session says: offsets of long ago have seconds.
set timezone = 'UTC'
-- Plans are kept as long as a connection lives, and one made while the tables were empty would scan them for ever.
set enable_seqscan = off
set jit = off
as $$
declare
  -- What one invocation takes at a time, and what it can take at all within its 256 MB.
  batch_bytes constant integer := 4000000;
  most_bytes constant integer := 16000000;
  due record;
  size integer;
  bytes integer := 0;
  chosen text[] := array[]::text[];
  oversized jsonb := '[]'::jsonb;
  claimed jsonb;
begin
  -- One after the other, because unpacking documents only to find that they are too many takes longer than a statement may.
  for due in
    select receipt.strand_id, receipt.attempts, receipt.revision
    from public.strand_receipts receipt
    where receipt.status = 'pending' and receipt.next_attempt_at <= clock_timestamp()
    order by receipt.next_attempt_at, receipt.event_at, receipt.strand_id
    limit p_limit
    for update skip locked
  loop
    -- A strand that was claimed in vain three times travels alone, in case it is what brings its company down.
    exit when due.attempts >= 3 and chosen <> '{}';
    select learning.document_bytes(strand.content) + learning.document_bytes(strand.regime_context) into size
    from public.ad_strands strand
    where strand.id = due.strand_id;
    if size > most_bytes then
      oversized := oversized || jsonb_build_object('id', due.strand_id, 'revision', due.revision, 'errors', jsonb_build_array(jsonb_build_object(
        'path', 'content', 'message', format('Too big: expected content and regime_context to have at most %s bytes and they have %s', most_bytes, size)
      )));
      exit when jsonb_array_length(oversized) >= 20;
      continue;
    end if;
    exit when chosen <> '{}' and bytes + size > batch_bytes;
    bytes := bytes + size;
    chosen := chosen || due.strand_id;
    exit when due.attempts >= 3;
  end loop;
  if oversized <> '[]'::jsonb then
    -- By the way of every refusal, because an earlier form of the strand may have taken effect.
    perform public.apply_strands('[]'::jsonb, oversized);
  end if;

  with leased as (
    update public.strand_receipts receipt
    set attempts = receipt.attempts + 1,
      next_attempt_at = clock_timestamp() + learning.retry_delay(receipt.attempts)
    where receipt.strand_id = any (chosen)
    returning receipt.strand_id, receipt.revision
  )
  -- Documents as text, so that they arrive as they are: what carries them may not be able to hold their numbers or their depth.
  select coalesce(jsonb_agg(jsonb_build_object(
    'id', strand.id, 'revision', leased.revision, 'kind', strand.kind, 'module', strand.module,
    'created_at', strand.created_at, 'content', strand.content::text, 'regime_context', strand.regime_context::text
  )), '[]'::jsonb)
  into claimed
  from leased
  join public.ad_strands strand on strand.id = leased.strand_id;
  return claimed;
end
$$;
comment on function public.claim_strands(integer) is
  'Leases due strands to the caller and returns them, their documents as text; a lease that is not answered '
  'lapses, each time later. For the edge functions.';
