-- Strands and their receipts: whatever learning reads is written down in a durable inbox, in the strand's own transaction.

create table public.ad_strands (
  id text primary key default gen_random_uuid()::text,
  module text,
  kind text not null,
  position_id text,
  trade_id text,
  parent_id text,
  symbol text,
  timeframe text,
  content jsonb not null default '{}'::jsonb,
  regime_context jsonb not null default '{}'::jsonb,
  tags jsonb not null default '[]'::jsonb,
  created_at timestamptz not null default now()
);
-- Hash indexes, because a strand with an over-long identifier must be stored and rejected, not fail the insert of others.
create index ad_strands_trade_idx on public.ad_strands using hash ((content ->> 'trade_id'))
where kind in ('pm_action', 'dm_action', 'position_closed');
create index ad_strands_episode_idx on public.ad_strands using hash ((content ->> 'episode_id'))
where kind in ('episode_window', 'episode_outcome');
create index ad_strands_created_at_idx on public.ad_strands (created_at);
alter table public.ad_strands enable row level security;

comment on table public.ad_strands is 'Immutable messages of the trading system: every step taken and every trade closed.';
comment on column public.ad_strands.id is 'Identity given by the writer; writing it twice is writing it once.';
comment on column public.ad_strands.module is 'Who wrote it: pm or dm.';
comment on column public.ad_strands.kind is 'pm_action, dm_action, position_closed, episode_window and episode_outcome are learned from; any other kind passes through untouched.';
comment on column public.ad_strands.position_id is 'Position it concerns.';
comment on column public.ad_strands.trade_id is 'Trade it concerns, for people; learning reads the one in content.';
comment on column public.ad_strands.parent_id is 'Strand that it answers.';
comment on column public.ad_strands.symbol is 'Token, for people.';
comment on column public.ad_strands.timeframe is 'Timeframe of the position.';
comment on column public.ad_strands.content is 'The message itself; its shape depends on the kind.';
comment on column public.ad_strands.regime_context is 'Market regime at the time of the event.';
comment on column public.ad_strands.tags is 'Free labels.';
comment on column public.ad_strands.created_at is 'When the event happened.';

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

-- Outside the transaction on purpose: reading and setting it waits on no lock, however many writers there are.
create sequence learning.doorbell_rung_at_ms minvalue 0 start 0;
comment on sequence learning.doorbell_rung_at_ms is 'When a strand last rang aggregate-strands, in milliseconds since 1970.';

create table learning.doorbells (
  id bigint generated always as identity primary key,
  function_name text not null,
  request_id bigint not null,
  rung_at timestamptz not null default clock_timestamp()
);
create index doorbells_rung_at_idx on learning.doorbells (rung_at);
alter table learning.doorbells enable row level security;
comment on table learning.doorbells is 'Which edge function was rung when, so that its answer is known from those that others in the database wait for; kept for a day.';
comment on column learning.doorbells.id is 'Identity.';
comment on column learning.doorbells.function_name is 'The edge function.';
comment on column learning.doorbells.request_id is 'The request in net; numbers begin anew after a crash.';
comment on column learning.doorbells.rung_at is 'When it was rung.';

-- Runs as its owner: clients that write strands may not read the secret key.
create function learning.ring(function_name text, body jsonb default '{}'::jsonb)
returns bigint
language plpgsql
security definer
set search_path = ''
as $$
declare
  project_url text;
  secret_key text;
  request_id bigint;
begin
  select secret.decrypted_secret into project_url from vault.decrypted_secrets secret where secret.name = 'project_url';
  select secret.decrypted_secret into secret_key from vault.decrypted_secrets secret where secret.name = 'edge_function_secret_key';
  if project_url is null or secret_key is null then
    raise exception using
      errcode = '55000',
      message = format('Cannot ring %s: Vault has no secret named %s', function_name,
        array_to_string(array_remove(array[
          case when project_url is null then 'project_url' end,
          case when secret_key is null then 'edge_function_secret_key' end
        ], null), ' and none named ')),
      hint = 'Store it with select vault.create_secret(''...'', ''project_url''); strands wait in the meantime and nothing is lost.';
  end if;
  begin
    request_id := net.http_post(
      url := rtrim(project_url, '/') || '/functions/v1/' || function_name,
      body := ring.body,
      params := '{}'::jsonb,
      headers := jsonb_build_object('Content-Type', 'application/json', 'apikey', secret_key),
      timeout_milliseconds := 30000
    );
  exception when others then
    -- Without its detail, which may show the whole request and the key in it.
    raise exception using errcode = sqlstate, message = sqlerrm;
  end;
  insert into learning.doorbells (function_name, request_id) values (ring.function_name, request_id);
  return request_id;
end
$$;
comment on function learning.ring(text, jsonb) is 'Asks for one invocation of an edge function; the request leaves when the transaction commits.';

-- Runs as its owner: clients that write strands may neither write the log nor ring.
create function learning.ring_or_log(function_name text, body jsonb default '{}'::jsonb)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform learning.ring(function_name, body);
exception when others then
  -- A strand must be stored whatever is wrong with its doorbell; the sweep finds it.
  perform learning.write_log_hourly('ERROR', function_name, 'doorbell_failed',
    format('%s could not be rung: %s', function_name, sqlerrm), jsonb_build_object('sqlstate', sqlstate));
end
$$;
comment on function learning.ring_or_log(text, jsonb) is 'Asks for one invocation of an edge function; a failure is logged once an hour instead of being raised.';

-- Runs as its owner: whoever may write strands need not be able to write receipts.
create function learning.receive_strands()
returns trigger
language plpgsql
security definer
set search_path = ''
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

create function public.ring_edge_function(p_name text, p_body jsonb default '{}'::jsonb, p_times integer default 1)
returns void
language plpgsql
set search_path = ''
as $$
begin
  for ring in 1..p_times loop
    perform learning.ring(p_name, p_body);
  end loop;
end
$$;
comment on function public.ring_edge_function(text, jsonb, integer) is
  'Asks for invocations of an edge function. For the edge functions, which go on after their budget that way.';
