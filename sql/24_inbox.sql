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
create index strand_receipts_due_idx on public.strand_receipts (next_attempt_at, event_at, strand_id) where status = 'pending';
create index strand_receipts_processed_idx on public.strand_receipts (status, processed_at) where processed_at is not null;
alter table public.strand_receipts enable row level security;

comment on table public.strand_receipts is 'The durable inbox: what has become of each strand that learning reads.';
comment on column public.strand_receipts.strand_id is 'The strand.';
comment on column public.strand_receipts.status is 'pending until it took effect (done) or was refused (rejected).';
comment on column public.strand_receipts.attempts is 'How often it was claimed.';
comment on column public.strand_receipts.errors is 'Every reason of a refusal or the last failure, as a list of {path, message}.';
comment on column public.strand_receipts.next_attempt_at is 'When it may be claimed next; null once it is processed.';
comment on column public.strand_receipts.received_at is 'When it arrived.';
comment on column public.strand_receipts.processed_at is 'When it was done or rejected.';
comment on column public.strand_receipts.revision is 'Grows when the strand changes, so that a verdict on its earlier content does not stand.';
comment on column public.strand_receipts.event_at is
  'When the event happened: what came together is claimed in this order, for every late close replays the allocation from its place.';

create function learning.retry_delay(attempts integer)
returns interval
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select interval '30 seconds' * power(2, least(attempts, 7));
$$;
comment on function learning.retry_delay(integer) is 'How long a strand stays leased, and waits after a failure: 30 seconds at first, an hour at most.';

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

create function learning.has_effect(p_strand_id text)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select receipt.status = 'done' from public.strand_receipts receipt where receipt.strand_id = p_strand_id);
end
$$;
comment on function learning.has_effect(text) is 'Whether a strand was accepted.';

-- Runs as its owner: whoever may write strands need not be able to write receipts.
create function learning.receive_strands()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  now_ms bigint := floor(extract(epoch from clock_timestamp()) * 1000);
  received integer;
begin
  if tg_op = 'INSERT' then
    insert into public.strand_receipts (strand_id, event_at)
    select strand.id, strand.created_at from new_strands strand
    where strand.kind in ('pm_action', 'dm_action', 'position_closed', 'episode_window', 'episode_outcome');
  else
    insert into public.strand_receipts as receipt (strand_id, event_at)
    select changed.id, changed.created_at
    from new_strands changed
    join old_strands former using (id)
    where (changed.kind in ('pm_action', 'dm_action', 'position_closed', 'episode_window', 'episode_outcome')
        or former.kind in ('pm_action', 'dm_action', 'position_closed', 'episode_window', 'episode_outcome'))
      and (changed.kind, changed.module, changed.timeframe, changed.content, changed.regime_context, changed.created_at)
        is distinct from (former.kind, former.module, former.timeframe, former.content, former.regime_context, former.created_at)
    order by changed.id
    on conflict (strand_id) do update set
      status = 'pending', attempts = 0, errors = '[]'::jsonb, next_attempt_at = now(), processed_at = null,
      revision = receipt.revision + 1, event_at = excluded.event_at;
  end if;
  get diagnostics received = row_count;
  -- A clock that was set back must not silence it.
  if received > 0 and now_ms - (select rung.last_value from learning.doorbell_rung_at_ms rung) not between 0 and 999 then
    perform setval('learning.doorbell_rung_at_ms', now_ms);
    perform learning.ring_or_log('aggregate-strands');
  end if;
  return null;
end
$$;
comment on function learning.receive_strands() is 'Writes the receipts of new and changed strands and rings aggregate-strands at most once a second.';

create trigger receive_new_strands after insert on public.ad_strands
referencing new table as new_strands
for each statement execute function learning.receive_strands();
comment on trigger receive_new_strands on public.ad_strands is 'Gives each new strand its receipt.';

create trigger receive_changed_strands after update on public.ad_strands
referencing new table as new_strands old table as old_strands
for each statement execute function learning.receive_strands();
comment on trigger receive_changed_strands on public.ad_strands is 'Makes changed strands due again.';
