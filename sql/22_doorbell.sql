-- Doorbell: how the database asks for an invocation of an edge function.

-- Outside the transaction on purpose: reading and setting it waits for no lock, however many write.
create sequence learning.doorbell_rung_at_ms minvalue 0 start 0;
comment on sequence learning.doorbell_rung_at_ms is
  'When a strand last rang aggregate-strands, in milliseconds since 1970.';

create table learning.doorbells (
  id bigint generated always as identity primary key,
  function_name text not null,
  request_id bigint,
  rung_at timestamptz not null default clock_timestamp(),
  failure text
);
create index doorbells_rung_at_idx on learning.doorbells (rung_at);
alter table learning.doorbells enable row level security;
comment on table learning.doorbells is
  'Which edge function was rung when, so that its answer is known from those that others in the database '
  'wait for; kept for a day.';
comment on column learning.doorbells.id is 'Identity.';
comment on column learning.doorbells.function_name is 'The edge function.';
comment on column learning.doorbells.request_id is
  'The request in net; numbers begin anew after a crash. Null where it could not be rung.';
comment on column learning.doorbells.rung_at is 'When it was rung.';
comment on column learning.doorbells.failure is 'Why it could not be rung; null where it was.';

-- Runs as its owner: clients that write strands may not read the secret key.
create function learning.ring(function_name text, body jsonb default '{}'::jsonb)
returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  project_url text;
  secret_key text;
  request_id bigint;
begin
  select secret.decrypted_secret into project_url
  from vault.decrypted_secrets secret where secret.name = 'project_url';
  select secret.decrypted_secret into secret_key
  from vault.decrypted_secrets secret where secret.name = 'edge_function_secret_key';
  if project_url is null or secret_key is null then
    raise exception using
      errcode = '55000',
      message = format('Cannot ring %s: Vault has no secret named %s', function_name,
        array_to_string(array_remove(array[
          case when project_url is null then 'project_url' end,
          case when secret_key is null then 'edge_function_secret_key' end
        ], null), ' and none named ')),
      hint = 'Store it with select vault.create_secret(''...'', ''project_url''); '
        'strands wait in the meantime and nothing is lost.';
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
comment on function learning.ring(text, jsonb) is
  'Asks for one invocation of an edge function; the request leaves when the transaction commits.';

create function learning.remember_failed_ring(function_name text, reason text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into learning.doorbells (function_name, failure) values (remember_failed_ring.function_name, reason);
exception when others then
  -- Whoever stores a strand must not be kept from it by this either.
  perform learning.write_log_hourly('ERROR', function_name, 'failed_ring_forgotten',
    format('A ring of %s that failed could not be remembered: %s', function_name, sqlerrm),
    jsonb_build_object('sqlstate', sqlstate));
end
$$;
comment on function learning.remember_failed_ring(text, text) is
  'Remembers a ring that came to nothing, for the health of the doorbell.';

-- Runs as its owner: clients that write strands may neither write the log nor ring.
create function learning.ring_or_log(function_name text, body jsonb default '{}'::jsonb)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.ring(function_name, body);
exception when others then
  -- A strand must be stored whatever is wrong with its doorbell; the sweep finds it.
  perform learning.write_log_hourly('ERROR', function_name, 'doorbell_failed',
    format('%s could not be rung: %s', function_name, sqlerrm), jsonb_build_object('sqlstate', sqlstate));
  perform learning.remember_failed_ring(function_name, sqlerrm);
end
$$;
comment on function learning.ring_or_log(text, jsonb) is
  'Asks for one invocation of an edge function; a failure is logged once an hour instead of being raised.';

create function public.ring_edge_function(
  p_name text, p_body jsonb default '{}'::jsonb, p_times integer default 1
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  for ring in 1..p_times loop
    perform learning.ring(p_name, p_body);
  end loop;
end
$$;
comment on function public.ring_edge_function(text, jsonb, integer) is
  'Asks for invocations of an edge function. For the edge functions, which go on after their budget that '
  'way.';
