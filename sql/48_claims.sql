-- Claims: due strands are leased to an edge function, as many as it can take.

create function learning.document_bytes(document jsonb)
returns integer
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  -- The path takes it out of its compressed form: a megabyte may be stored in a few thousand bytes.
  select pg_column_size(document #> '{}');
$$;
comment on function learning.document_bytes(jsonb) is 'How large a document is once it is unpacked.';

create function learning.choose_due_strands(most_strands integer, out chosen text[], out oversized jsonb)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  -- What one invocation takes at a time, and what it can take at all within its 256 MB.
  batch_bytes constant integer := 4000000;
  most_bytes constant integer := 16000000;
  due record;
  travels_alone boolean;
  size integer;
  bytes integer := 0;
begin
  chosen := '{}';
  oversized := '[]';
  -- One after the other, because unpacking documents only to find that they are too many takes longer than a
  -- statement may.
  for due in
    select receipt.strand_id, receipt.attempts, receipt.revision
    from public.strand_receipts receipt
    where receipt.status = 'pending' and receipt.next_attempt_at <= clock_timestamp()
    order by receipt.next_attempt_at, receipt.event_at, receipt.strand_id
    limit most_strands
    for update skip locked
  loop
    -- Claimed in vain three times: in case it is what brings its company down.
    travels_alone := due.attempts >= 3;
    exit when travels_alone and chosen <> '{}';
    select learning.document_bytes(strand.content) + learning.document_bytes(strand.regime_context) into size
    from public.ad_strands strand
    where strand.id = due.strand_id;
    if size > most_bytes then
      oversized := oversized || jsonb_build_object('id', due.strand_id, 'revision', due.revision,
        'errors', jsonb_build_array(jsonb_build_object('path', 'content', 'message',
          format('Too big: expected content and regime_context to have at most %s bytes and they have %s',
            most_bytes, size))));
      exit when jsonb_array_length(oversized) >= 20;
      continue;
    end if;
    exit when chosen <> '{}' and bytes + size > batch_bytes;
    bytes := bytes + size;
    chosen := chosen || due.strand_id;
    exit when travels_alone;
  end loop;
end
$$;
comment on function learning.choose_due_strands(integer) is
  'The due strands that the next batch takes, their receipts locked, and those that are too large for any, '
  'as verdicts.';

create function public.claim_strands(p_limit integer default 500)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
-- Times are handed out in UTC, whatever the session says: offsets of long ago have seconds.
set timezone = 'UTC'
-- Plans are kept as long as a connection lives, and one made while the tables were empty would scan them for
-- ever.
set enable_seqscan = off
set jit = off
as $$
declare
  due constant record := learning.choose_due_strands(p_limit);
begin
  if due.oversized <> '[]' then
    -- By the way of every refusal, because an earlier form of the strand may have taken effect.
    perform public.apply_strands('[]', due.oversized);
  end if;
  return (
    -- Documents as text, so that they arrive as they are: what carries them may not be able to hold their
    -- numbers or their depth.
    select coalesce(jsonb_agg(jsonb_build_object(
      'id', strand.id, 'revision', leased.revision, 'kind', strand.kind, 'module', strand.module,
      'created_at', strand.created_at, 'content', strand.content::text,
      'regime_context', strand.regime_context::text
    )), '[]')
    from learning.lease_receipts(due.chosen) as leased
    join public.ad_strands strand on strand.id = leased.strand_id
  );
end
$$;
comment on function public.claim_strands(integer) is
  'Leases due strands to the caller and returns them, their documents as text; a lease that is not answered '
  'lapses, each time later. For the edge functions.';
