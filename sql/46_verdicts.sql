-- Verdicts: what an edge function judged of its leased strands takes effect.

create function learning.reject_strands(rejected jsonb)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  rejections integer;
begin
  with refused as (
    update public.strand_receipts receipt
    set status = 'rejected', errors = verdict.errors, next_attempt_at = null, processed_at = now()
    from jsonb_to_recordset(rejected) as verdict(id text, revision integer, errors jsonb)
    where receipt.strand_id = verdict.id and receipt.revision = verdict.revision
      and receipt.status = 'pending'
    returning receipt.strand_id, receipt.errors
  ),
  logged as (
    insert into public.learning_log (level, component, event, message, details)
    select 'WARNING', 'aggregate-strands', 'strand_rejected',
      -- Neither may be as long as what it was refused for.
      format('Strand %s (%s) was rejected: %s',
        left(refused.strand_id, learning.size_limit('id_characters')), learning.shortened(strand.kind), (
        select string_agg(concat_ws(' ', nullif(reason.path, ''), reason.message), '; ')
        from jsonb_to_recordset(refused.errors) as reason(path text, message text)
      )),
      jsonb_build_object('strand_id', refused.strand_id, 'kind', learning.shortened(strand.kind),
        'errors', refused.errors)
    from refused
    join public.ad_strands strand on strand.id = refused.strand_id
    returning 1
  )
  select count(*) into rejections from logged;
  return rejections;
end
$$;
comment on function learning.reject_strands(jsonb) is
  'Marks strands rejected with every reason and logs each; returns how many.';

create function learning.return_strands(verdicts jsonb)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  returned text[];
begin
  select array_agg(judged.strand_id) into returned
  from (
    select receipt.strand_id
    from jsonb_to_recordset(verdicts) as verdict(id text, revision integer)
    join public.strand_receipts receipt
      on receipt.strand_id = verdict.id and receipt.revision = verdict.revision
      and receipt.status = 'pending'
    for update of receipt
  ) as judged;
  return learning.return_receipts(returned);
end
$$;
comment on function learning.return_strands(jsonb) is
  'Gives the strands of some verdicts back as if they had never been claimed, where nobody else has '
  'answered or changed them; returns how many.';

create function learning.await_claims(verdicts jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  locked integer;
begin
  for attempt in 1..8 loop
    perform
    from public.strand_receipts receipt
    where receipt.strand_id in (select verdict.id from jsonb_to_recordset(verdicts) as verdict(id text))
      and receipt.status = 'pending'
    for update skip locked;
    get diagnostics locked = row_count;
    exit when locked = (
      select count(*)
      from public.strand_receipts receipt
      where receipt.strand_id in (select verdict.id from jsonb_to_recordset(verdicts) as verdict(id text))
        and receipt.status = 'pending'
    );
    perform pg_sleep(0.005 * power(2, attempt - 1));
  end loop;
end
$$;
comment on function learning.await_claims(jsonb) is
  'Locks the receipts of some verdicts and waits for a moment where another claim, which looked at them '
  'just as they were leased, holds on to them until it commits.';

create function learning.standing_verdicts(
  accepted jsonb, rejected jsonb, out standing_accepted jsonb, out standing_rejected jsonb,
  out contexts jsonb[]
)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  with verdicts as (
    select verdict.id, verdict.revision, null::jsonb as errors
    from jsonb_to_recordset(accepted) as verdict(id text, revision integer)
    union all
    select verdict.id, verdict.revision, verdict.errors
    from jsonb_to_recordset(rejected) as verdict(id text, revision integer, errors jsonb)
  ),
  -- A verdict stands while its strand is as it was judged and nobody else has answered it. Who is just
  -- changing the strand is not waited for: its lease lapses and it is judged anew.
  standing as materialized (
    select verdicts.id, verdicts.revision, verdicts.errors
    from verdicts
    join public.strand_receipts receipt
      on receipt.strand_id = verdicts.id and receipt.revision = verdicts.revision
      and receipt.status = 'pending'
    order by receipt.strand_id
    for update of receipt skip locked
  ),
  context as materialized (
    select standing.id, context.path, context.content
    from standing
    join public.ad_strands strand on strand.id = standing.id
    cross join lateral (values
      ('content.entry_context', strand.content -> 'entry_context'),
      ('content.scope', strand.content -> 'scope'),
      ('regime_context', strand.regime_context)
    ) as context(path, content)
    where standing.errors is null and jsonb_typeof(context.content) = 'object'
  ),
  -- A context that cannot be taken into a scope is refused here, where scopes are made. Many share one.
  refused as materialized (
    select distinct_context.content, learning.scope_faults(distinct_context.content) as faults
    from (
      -- Distinct first: judging one takes longer than comparing it.
      select distinct context.content from context offset 0
    ) as distinct_context
    where not learning.is_plain(distinct_context.content)
  ),
  faulty as materialized (
    select context.id, jsonb_agg(jsonb_build_object(
      'path', concat_ws('.', context.path, nullif(fault.path, '')), 'message', fault.message
    )) as errors
    from context
    join refused on refused.content = context.content
    cross join lateral jsonb_to_recordset(refused.faults) as fault(path text, message text)
    group by context.id
  ),
  final as (
    select standing.id, standing.revision, coalesce(standing.errors, faulty.errors) as errors
    from standing
    left join faulty using (id)
  )
  select
    coalesce(jsonb_agg(to_jsonb(final) - 'errors') filter (where final.errors is null), '[]'),
    coalesce(jsonb_agg(to_jsonb(final)) filter (where final.errors is not null), '[]'),
    (select array_agg(context.content) from context where context.id not in (select faulty.id from faulty))
  into standing_accepted, standing_rejected, contexts
  from final;
end
$$;
comment on function learning.standing_verdicts(jsonb, jsonb) is
  'The verdicts that stand, their receipts locked, and the contexts of what was accepted; what was accepted '
  'but cannot be taken into a scope is among the rejected.';

create function learning.accept_strands(accepted jsonb, contexts jsonb[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.register_scope_values(contexts);

  update public.strand_receipts receipt
  set status = 'done', errors = '[]'::jsonb, next_attempt_at = null, processed_at = now()
  from jsonb_to_recordset(accepted) as verdict(id text)
  where receipt.strand_id = verdict.id;
end
$$;
comment on function learning.accept_strands(jsonb, jsonb[]) is
  'Marks strands done, their values in the dictionary; what they change is applied next.';

create function public.apply_strands(p_accepted jsonb, p_rejected jsonb)
returns jsonb
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
  deadline timestamptz;
  verdicts record;
  rejections integer;
  applied record;
begin
  if not learning.lock_subjects(p_accepted, p_rejected) then
    return jsonb_build_object('accepted', 0, 'rejected', 0, 'failed', 0,
      'postponed', learning.return_strands(p_accepted || p_rejected), 'contended', true);
  end if;
  deadline := clock_timestamp() + interval '3 seconds';
  verdicts := learning.standing_verdicts(p_accepted, p_rejected);
  if jsonb_array_length(verdicts.standing_accepted || verdicts.standing_rejected)
    < jsonb_array_length(p_accepted || p_rejected) then
    perform learning.await_claims(p_accepted || p_rejected);
    verdicts := learning.standing_verdicts(p_accepted, p_rejected);
  end if;
  rejections := learning.reject_strands(verdicts.standing_rejected);
  perform learning.accept_strands(verdicts.standing_accepted, verdicts.contexts);
  applied := learning.apply_subjects(verdicts.standing_accepted, verdicts.standing_rejected, deadline);
  if applied.changed_from is not null then
    perform learning.replay_allocation(applied.changed_from);
  end if;
  perform learning.mark_groups_changed(applied.changed_groups);
  return jsonb_build_object(
    'accepted',
    jsonb_array_length(verdicts.standing_accepted) - applied.failed - cardinality(applied.postponed),
    'rejected', rejections, 'failed', applied.failed, 'postponed', cardinality(applied.postponed)
  ) || case when applied.failed > 0 then jsonb_build_object('failures', applied.failures) else '{}' end;
end
$$;
comment on function public.apply_strands(jsonb, jsonb) is
  'Lets validated strands take effect, each trade in its own subtransaction, and marks refused ones '
  'rejected; contended where other batches hold their trades for so long that none was touched. For the '
  'edge functions.';
