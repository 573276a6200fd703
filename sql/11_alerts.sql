-- Alerts: what is told to people who do not look, over a webhook; and to screens that listen, by broadcast.

create table public.learning_alerts (
  id bigint generated always as identity primary key,
  kind text not null,
  opened_at timestamptz not null default clock_timestamp(),
  closed_at timestamptz,
  sent_at timestamptz,
  message text not null,
  details jsonb not null default '{}'::jsonb,
  check (closed_at >= opened_at)
);
create index learning_alerts_opened_at_idx on public.learning_alerts (opened_at);
create index learning_alerts_kind_idx on public.learning_alerts (kind, sent_at);
create index learning_alerts_open_idx on public.learning_alerts (kind) where closed_at is null;
alter table public.learning_alerts enable row level security;
comment on table public.learning_alerts is
  'What went wrong, when it was over, and when that was told; kept for 400 days.';
comment on column public.learning_alerts.id is 'Order of writing.';
comment on column public.learning_alerts.kind is
  'A stage of learning_health that is not well, silence (nothing arrived for a day) or overrides (switched '
  'off because they stopped adding value).';
comment on column public.learning_alerts.opened_at is 'When it was found.';
comment on column public.learning_alerts.closed_at is
  'When it was over; null while it lasts. What only happened is over at once.';
comment on column public.learning_alerts.sent_at is
  'When the newest message about it left for the webhook; null where none did.';
comment on column public.learning_alerts.message is 'What is wrong, or happened, for a person to read.';
comment on column public.learning_alerts.details is 'The same for a program to read.';

create table learning.alert_requests (
  id bigint generated always as identity primary key,
  request_id bigint not null,
  sent_at timestamptz not null default clock_timestamp()
);
create index alert_requests_sent_at_idx on learning.alert_requests (sent_at);
alter table learning.alert_requests enable row level security;
comment on table learning.alert_requests is
  'Which requests went to the webhook when, so that its answers are known from those that others in the '
  'database wait for; kept for a day.';
comment on column learning.alert_requests.id is 'Identity.';
comment on column learning.alert_requests.request_id is
  'The request in net; numbers begin anew after a crash.';
comment on column learning.alert_requests.sent_at is 'When it was queued.';

create table learning.errands (
  name text primary key,
  called_at timestamptz not null
);
alter table learning.errands enable row level security;
comment on table learning.errands is
  'What the schedule calls for that is known further down alone: a trigger there does the work. Health knows '
  'the register of jobs, so that the register cannot name whoever reads health.';
comment on column learning.errands.name is 'watch or digest.';
comment on column learning.errands.called_at is 'When it was called for last.';

create function learning.run_errand(p_name text)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into learning.errands as errand (name, called_at) values (p_name, clock_timestamp())
  on conflict (name) do update set called_at = excluded.called_at;
$$;
comment on function learning.run_errand(text) is
  'Does what the schedule calls for, watch or digest; whoever comes while another does it waits for him.';

create function learning.webhook_fault(url text)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when btrim(url, E' \t\r\n') = '' then 'is blank'
    when btrim(url, E' \t\r\n') ~ '[[:space:][:cntrl:]]' then 'has blanks in it'
    when btrim(url, E' \t\r\n') !~* '^https?://' then 'does not begin with https://'
    when btrim(url, E' \t\r\n') !~* '^https?://[^/?#]+' then 'names no host'
  end;
end
$$;
comment on function learning.webhook_fault(text) is
  'What keeps an address from being a webhook''s, without the address itself, which is a secret; null where '
  'nothing does.';

create function learning.stored_webhook_fault()
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select learning.webhook_fault(secret.decrypted_secret)
  from vault.decrypted_secrets secret where secret.name = 'alert_webhook_url';
$$;
comment on function learning.stored_webhook_fault() is
  'What is wrong with the secret alert_webhook_url in Vault; null where nothing is, or there is none.';

create function learning.webhook_payload(message text)
returns jsonb
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  longest constant integer := 2000;
  note constant text := E'\n… (shortened, learning_alerts has all of it)';
  shown constant text := case
    when length(message) > longest then left(message, longest - length(note)) || note
    else message
  end;
begin
  return jsonb_build_object(
    'text', replace(replace(replace(shown, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'),
    'content', shown,
    'allowed_mentions', '{"parse": []}'::jsonb
  );
end
$$;
comment on function learning.webhook_payload(text) is
  'A message as Slack (text, in which &, < and > are written out, or they would mention and link) and '
  'Discord (content, of at most 2,000 characters, which mentions nobody) both take it: each ignores the '
  'other''s.';

create function learning.send_to_webhook(message text)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  url text;
  fault text;
  request_id bigint;
begin
  select btrim(secret.decrypted_secret, E' \t\r\n'), learning.webhook_fault(secret.decrypted_secret)
  into url, fault
  from vault.decrypted_secrets secret where secret.name = 'alert_webhook_url';
  if url is null then
    return false;
  end if;
  if fault is null then
    request_id := net.http_post(
      url := url, body := learning.webhook_payload(message), params := '{}'::jsonb,
      headers := '{"Content-Type": "application/json"}'::jsonb, timeout_milliseconds := 10000
    );
    insert into learning.alert_requests (request_id) values (request_id);
    return true;
  end if;
  perform learning.write_log_hourly('ERROR', 'alerts', 'alert_not_sent',
    format('Nothing can be sent: alert_webhook_url in Vault %s', fault));
  return false;
exception when others then
  -- Whoever watches goes on; the address, which is a secret, may stand in the words.
  perform learning.write_log_hourly('ERROR', 'alerts', 'alert_not_sent',
    format('A message could not be sent, which is tried again: %s',
      replace(sqlerrm, coalesce(nullif(url, ''), 'alert_webhook_url'), 'alert_webhook_url')),
    jsonb_build_object('sqlstate', sqlstate));
  return false;
end
$$;
comment on function learning.send_to_webhook(text) is
  'Sends a message to the address in Vault''s secret alert_webhook_url when the transaction commits; returns '
  'whether it could be queued. Without the secret nothing happens; a fault is logged once an hour.';

create function learning.prune_alerts(p_batch integer)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  alerts integer;
begin
  delete from learning.alert_requests request where request.sent_at < now() - interval '1 day';
  delete from public.learning_alerts alert
  where alert.id in (
    select old_alert.id
    from public.learning_alerts old_alert
    where old_alert.opened_at < now() - learning.history_retention() and old_alert.closed_at is not null
    order by old_alert.opened_at
    limit p_batch
  );
  get diagnostics alerts = row_count;
  return alerts;
end
$$;
comment on function learning.prune_alerts(integer) is
  'Deletes alerts that are over and older than they are kept, at most p_batch, and requests older than a '
  'day; returns how many alerts.';

-- To screens that listen ----------------------------------------------------------------------------------

create function learning.broadcasts()
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  -- In the catalogue, which tells of a schema that one may not use, too.
  select exists (
    select from pg_proc routine
    join pg_namespace namespace on namespace.oid = routine.pronamespace and namespace.nspname = 'realtime'
    where routine.proname = 'send' and oidvectortypes(routine.proargtypes) = 'jsonb, text, text, boolean'
  );
$$;
comment on function learning.broadcasts() is
  'Whether the platform has realtime.send, which Realtime makes when it is first used.';

-- Runs as its owner: whoever may write overrides need not be able to broadcast.
create function learning.broadcast_overrides()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  piece record;
begin
  if not learning.broadcasts() then
    return null;
  end if;
  begin
    for piece in
      select jsonb_agg(changed.override_id order by changed.override_id) as ids,
        max(changed.version) as version
      from (
        select change.override_id, max(change.id) as version,
          (row_number() over (order by change.override_id) - 1) / 1000 as place
        from new_changes change
        group by change.override_id
      ) as changed
      group by changed.place
      order by changed.place
    loop
      execute 'select realtime.send($1, $2, $3, true)'
      using jsonb_build_object('ids', piece.ids, 'version', piece.version), 'overrides_changed',
        'edgeloop:overrides';
    end loop;
  exception when others then
    -- An override must be written whoever cannot be told of it.
    perform learning.write_log_hourly('ERROR', 'alerts', 'broadcast_failed',
      format('That overrides changed could not be broadcast: %s', sqlerrm),
      jsonb_build_object('sqlstate', sqlstate));
  end;
  return null;
end
$$;
comment on function learning.broadcast_overrides() is
  'Tells whoever listens to the private topic edgeloop:overrides which overrides changed, at most 1,000 a '
  'message: {ids, version}, version the newest id of pm_override_history among them.';

create function learning.admit_listeners()
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  policy constant text := 'edgeloop_overrides';
  condition constant text := 'extension = ''broadcast'' '
    'and (select realtime.topic()) = ''edgeloop:overrides'' and (select learning.may_read())';
begin
  if not learning.broadcasts() or exists (
    select from pg_policies listed
    where listed.schemaname = 'realtime' and listed.tablename = 'messages' and listed.policyname = policy
  ) then
    return learning.broadcasts();
  end if;
  execute format(
    'create policy %I on realtime.messages for select to authenticated using (%s)', policy, condition
  );
  return true;
exception when others then
  perform learning.write_log_once_in(interval '1 day', 'WARNING', 'alerts', 'listeners_not_admitted',
    format(
      'Nobody can listen to edgeloop:overrides, as the policy %s could not be made: %s', policy, sqlerrm
    ), jsonb_build_object('sqlstate', sqlstate, 'condition', condition));
  return false;
end
$$;
comment on function learning.admit_listeners() is
  'Lets viewer, pm and operator listen to the topic edgeloop:overrides where the platform has Realtime; '
  'returns whether they may. Where the right to do so is missing it says so in the log once a day.';
do $$
begin
  perform learning.admit_listeners();
end
$$;
