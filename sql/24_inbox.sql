-- Inbox: whatever learning reads is written down in a receipt, in the strand's own transaction.

create table public.strand_receipts (
  strand_id text primary key references public.ad_strands (id) on delete cascade,
  status text not null default 'pending' check (status in ('pending', 'done', 'rejected')),
  attempts integer not null default 0,
  errors jsonb not null default '[]'::jsonb,
  next_attempt_at timestamptz default now(),
  received_at timestamptz not null default now(),
  processed_at timestamptz,
  revision integer not null default 1,
  event_at timestamptz not null default now()
);
create index strand_receipts_due_idx on public.strand_receipts (next_attempt_at, event_at, strand_id)
where status = 'pending';
create index strand_receipts_processed_idx on public.strand_receipts (status, processed_at)
where processed_at is not null;
alter table public.strand_receipts enable row level security;

comment on table public.strand_receipts is
  'The durable inbox: what has become of each strand that learning reads.';
comment on column public.strand_receipts.strand_id is 'The strand.';
comment on column public.strand_receipts.status is
  'pending until it took effect (done) or was refused (rejected).';
comment on column public.strand_receipts.attempts is 'How often it was claimed.';
comment on column public.strand_receipts.errors is
  'Every reason of a refusal or the last failure, as a list of {path, message}.';
comment on column public.strand_receipts.next_attempt_at is
  'When it may be claimed next; null once it is processed.';
comment on column public.strand_receipts.received_at is 'When it arrived as it is now.';
comment on column public.strand_receipts.processed_at is 'When it was done or rejected.';
comment on column public.strand_receipts.revision is
  'Grows when the strand changes, so that a verdict on its earlier content does not stand.';
comment on column public.strand_receipts.event_at is
  'When the event happened: what came together is claimed in this order, for every late close replays the '
  'allocation from its place.';

create view learning.accepted_strands
with (security_invoker = true)
as
select strand.id, strand.kind, strand.module, strand.timeframe, strand.content, strand.regime_context,
  strand.created_at
from public.ad_strands strand
join public.strand_receipts receipt on receipt.strand_id = strand.id and receipt.status = 'done';
comment on view learning.accepted_strands is
  'The strands that take effect, with what learning reads of them.';
comment on column learning.accepted_strands.id is 'Identity given by the writer.';
comment on column learning.accepted_strands.kind is 'One of the kinds that learning reads.';
comment on column learning.accepted_strands.module is 'Who wrote it: pm or dm.';
comment on column learning.accepted_strands.timeframe is 'Timeframe of the position.';
comment on column learning.accepted_strands.content is 'The message itself.';
comment on column learning.accepted_strands.regime_context is 'Market regime at the time of the event.';
comment on column learning.accepted_strands.created_at is 'When the event happened.';

create function learning.retry_delay(attempts integer)
returns interval
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select interval '30 seconds' * power(2, least(attempts, 7));
$$;
comment on function learning.retry_delay(integer) is
  'How long a strand stays leased, and waits after a failure: 30 seconds at first, an hour at most.';

create function learning.lease_receipts(strand_ids text[])
returns table (strand_id text, revision integer, attempts integer, event_at timestamptz)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  update public.strand_receipts receipt
  set attempts = receipt.attempts + 1,
    next_attempt_at = clock_timestamp() + learning.retry_delay(receipt.attempts)
  where receipt.strand_id = any (strand_ids)
  returning receipt.strand_id, receipt.revision, receipt.attempts, receipt.event_at;
end
$$;
comment on function learning.lease_receipts(text[]) is
  'Leases strands to whoever asks, until they are due again; returns them with the revision that a verdict '
  'must name, how often they were leased and when they happened.';

create function learning.return_receipts(strand_ids text[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  returned integer;
begin
  update public.strand_receipts receipt
  set status = 'pending', processed_at = null, attempts = receipt.attempts - 1,
    next_attempt_at = clock_timestamp()
  where receipt.strand_id = any (strand_ids);
  get diagnostics returned = row_count;
  return returned;
end
$$;
comment on function learning.return_receipts(text[]) is
  'Gives leased strands back as if they had never been claimed; returns how many. The caller has locked '
  'them.';

create function learning.retry_receipts(strand_ids text[], reason text)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  retried integer;
begin
  update public.strand_receipts receipt
  set status = 'pending', processed_at = null,
    next_attempt_at = clock_timestamp() + learning.retry_delay(receipt.attempts),
    errors = jsonb_build_array(jsonb_build_object('path', '', 'message', reason))
  where receipt.strand_id = any (strand_ids) and receipt.status = 'done';
  get diagnostics retried = row_count;
  return retried;
end
$$;
comment on function learning.retry_receipts(text[], text) is
  'Makes strands that were accepted wait for another attempt, with the reason; returns how many.';

create function learning.ring_for_strands()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  now_ms bigint := floor(extract(epoch from clock_timestamp()) * 1000);
begin
  -- A clock that was set back must not silence it.
  if now_ms - (select rung.last_value from learning.doorbell_rung_at_ms rung) not between 0 and 999 then
    perform setval('learning.doorbell_rung_at_ms', now_ms);
    perform learning.ring_or_log('aggregate-strands');
  end if;
end
$$;
comment on function learning.ring_for_strands() is 'Rings aggregate-strands at most once a second.';

-- Runs as its owner: whoever may write strands need not be able to write receipts.
create function learning.receive_strands()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  received integer;
begin
  if tg_op = 'INSERT' then
    insert into public.strand_receipts (strand_id, event_at)
    select new_strand.id, new_strand.created_at
    from new_strands new_strand
    where new_strand.kind = any (learning.learned_kinds());
  else
    insert into public.strand_receipts as receipt (strand_id, event_at)
    select new_strand.id, new_strand.created_at
    from new_strands new_strand
    join old_strands old_strand using (id)
    where (new_strand.kind = any (learning.learned_kinds())
        or old_strand.kind = any (learning.learned_kinds()))
      and (new_strand.kind, new_strand.module, new_strand.timeframe, new_strand.content,
          new_strand.regime_context, new_strand.created_at)
        is distinct from (old_strand.kind, old_strand.module, old_strand.timeframe, old_strand.content,
          old_strand.regime_context, old_strand.created_at)
    order by new_strand.id
    on conflict (strand_id) do update set
      status = 'pending', attempts = 0, errors = '[]'::jsonb, next_attempt_at = now(), processed_at = null,
      revision = receipt.revision + 1, event_at = excluded.event_at, received_at = excluded.received_at;
  end if;
  get diagnostics received = row_count;
  if received > 0 then
    perform learning.ring_for_strands();
  end if;
  return null;
end
$$;
comment on function learning.receive_strands() is
  'Writes the receipts of new and changed strands and rings for them.';

create trigger receive_new_strands after insert on public.ad_strands
referencing new table as new_strands
for each statement execute function learning.receive_strands();
comment on trigger receive_new_strands on public.ad_strands is 'Gives each new strand its receipt.';

create trigger receive_changed_strands after update on public.ad_strands
referencing new table as new_strands old table as old_strands
for each statement execute function learning.receive_strands();
comment on trigger receive_changed_strands on public.ad_strands is 'Makes changed strands due again.';
