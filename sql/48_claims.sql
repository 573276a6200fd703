-- Claims: due strands are leased to an edge function, and read in pieces that it can take.

create function learning.choose_due_strands(most_strands integer)
returns text[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  due record;
  chosen text[] := '{}'::text[];
  company integer := most_strands;
begin
  for due in
    select receipt.strand_id, receipt.attempts
    from public.strand_receipts receipt
    where receipt.status = 'pending' and receipt.next_attempt_at <= clock_timestamp()
    order by receipt.next_attempt_at, receipt.event_at, receipt.strand_id
    limit most_strands
    for update skip locked
  loop
    -- Each time that a strand was claimed in vain it travels with an eighth of the company, and in the end
    -- alone: in case it is what brings its company down.
    company := least(company,
      case when due.attempts < 3 then greatest(1, most_strands >> 3 * due.attempts) else 1 end,
      -- One that will be refused for its id does not add it to those of a whole claim.
      case when length(due.strand_id) > learning.size_limit('id_characters') then 1 end);
    exit when cardinality(chosen) >= company;
    chosen := chosen || due.strand_id;
  end loop;
  return chosen;
end
$$;
comment on function learning.choose_due_strands(integer) is
  'The due strands that are claimed next, their receipts locked.';

create function public.claim_strands(p_limit integer default 500)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
-- Plans are kept as long as a connection lives, and one made while the tables were empty would scan them for
-- ever.
set enable_seqscan = off
set jit = off
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
      'id', leased.strand_id, 'revision', leased.revision, 'attempts', leased.attempts
    ) order by leased.event_at, leased.strand_id), '[]')
    from learning.lease_receipts(learning.choose_due_strands(p_limit)) as leased
  );
end
$$;
comment on function public.claim_strands(integer) is
  'Leases due strands to the caller and returns which, with the revision that a verdict must name and how '
  'often they were claimed; a lease that is not answered lapses, each time later. Looks into no strand, so '
  'that none keeps its own attempts from being counted. For the edge functions.';

create function public.read_claimed_strands(p_claims jsonb)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
-- Times are handed out in UTC, whatever the session says: offsets of long ago have seconds.
set timezone = 'UTC'
set enable_seqscan = off
set jit = off
as $$
declare
  deadline constant timestamptz := clock_timestamp() + interval '1 second';
  claimed record;
  measured record;
  faults jsonb;
  bytes bigint := 0;
  fitting text[] := '{}'::text[];
  unfit jsonb := '[]'::jsonb;
  last_place bigint := 0;
begin
  -- One after the other, because unpacking documents only to find that they are too many takes longer than a
  -- statement may.
  for claimed in
    select claim.place, claim.revision, strand.id, strand.module, strand.kind, strand.symbol,
      strand.timeframe, strand.content, strand.regime_context
    from rows from (jsonb_to_recordset(p_claims) as (id text, revision integer)) with ordinality
      as claim(id, revision, place)
    join public.strand_receipts receipt
      on receipt.strand_id = claim.id and receipt.revision = claim.revision and receipt.status = 'pending'
    join public.ad_strands strand on strand.id = claim.id
    order by claim.place
  loop
    exit when last_place > 0 and clock_timestamp() > deadline;
    measured := learning.measure_strand(claimed.content, claimed.regime_context);
    faults := measured.faults || learning.label_faults(claimed.id, claimed.module, claimed.kind,
      claimed.symbol, claimed.timeframe);
    if faults <> '[]' then
      unfit := unfit || jsonb_build_object('id', claimed.id, 'revision', claimed.revision, 'errors', faults);
    else
      exit when fitting <> '{}' and bytes + measured.bytes > learning.size_limit('claim_bytes');
      bytes := bytes + measured.bytes;
      fitting := fitting || claimed.id;
    end if;
    last_place := claimed.place;
  end loop;
  if unfit <> '[]' then
    -- By the way of every refusal, because an earlier form of the strand may have taken effect.
    perform public.apply_strands('[]', unfit);
  end if;
  perform learning.return_strands(
    jsonb_path_query_array(p_claims, format('$[%s to last]', last_place)::jsonpath)
  )
  where last_place < jsonb_array_length(p_claims);
  return (
    -- Documents as text, so that they arrive as they are: what carries them may not be able to hold their
    -- numbers.
    select coalesce(jsonb_agg(jsonb_build_object(
      'id', strand.id, 'revision', receipt.revision, 'kind', strand.kind, 'module', strand.module,
      'created_at', strand.created_at, 'content', strand.content::text,
      'regime_context', strand.regime_context::text, 'received_at', receipt.received_at
    ) order by receipt.event_at, strand.id), '[]')
    from public.ad_strands strand
    join public.strand_receipts receipt on receipt.strand_id = strand.id
    where strand.id = any (fitting)
  );
end
$$;
comment on function public.read_claimed_strands(jsonb) is
  'What of some claimed strands fits a batch, their documents as text; of the rest, what is too large for '
  'any is rejected and the others are given back. Claims are {id, revision}. For the edge functions.';
