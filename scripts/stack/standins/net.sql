create schema net;
comment on schema net is 'Stand-in for pg_net: requests queue in a table and leave after commit.';

create unlogged table net.http_request_queue (
  id bigserial primary key,
  method text not null,
  url text not null,
  headers jsonb not null,
  body bytea,
  timeout_milliseconds integer not null
);
comment on table net.http_request_queue is
  'Requests not sent yet. A row leaves when its request is sent, whatever becomes of it.';

create unlogged table net._http_response (
  id bigint,
  status_code integer,
  content_type text,
  headers jsonb,
  content text,
  timed_out boolean,
  error_msg text,
  created timestamptz not null default now()
);
create index on net._http_response (created);
comment on table net._http_response is
  'What came back, kept for six hours. status_code is null when there was no answer; error_msg says why.';

create function net._encode_uri_component(part text) returns text
language sql immutable strict set search_path = pg_catalog, pg_temp
as $$
  select string_agg(
    case
      when char ~ '[A-Za-z0-9_.~-]' then char
      else regexp_replace(upper(encode(convert_to(char, 'UTF8'), 'hex')), '(..)', '%\1', 'g')
    end, '' order by place)
  from regexp_split_to_table(part, '') with ordinality as characters(char, place)
$$;
comment on function net._encode_uri_component(text) is 'Percent-encodes a query parameter.';

create function net.http_post(
  url text,
  body jsonb default '{}',
  params jsonb default '{}',
  headers jsonb default '{"Content-Type": "application/json"}',
  timeout_milliseconds integer default 5000
) returns bigint
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  content_type text;
  query text;
  request_id bigint;
begin
  if http_post.url is null or http_post.url = '' then
    raise exception 'A request needs a URL' using errcode = '22023', hint = 'Pass url.';
  end if;
  -- As libcurl says it, through which pg_net looks at an address before it queues the request.
  if http_post.url ~ '[[:space:][:cntrl:]]' then
    raise exception 'Malformed input to a URL function';
  elsif http_post.url !~* '^[a-z][a-z0-9+.-]*://' then
    raise exception 'Bad scheme';
  end if;
  select header.value into content_type
    from jsonb_each_text(coalesce(http_post.headers, '{}')) as header
    where lower(header.key) = 'content-type'
    limit 1;
  if content_type is not null and content_type !~* '^application/json' then
    raise exception 'Content-Type header must be "application/json", not "%"', content_type
      using errcode = '22023';
  end if;
  select string_agg(
    net._encode_uri_component(param.key) || '=' || net._encode_uri_component(param.value), '&'
  )
    into query
    from jsonb_each_text(coalesce(http_post.params, '{}')) as param;
  insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
  values (
    'POST',
    http_post.url || case
      when query is null then ''
      when http_post.url like '%?%' then '&' || query
      else '?' || query
    end,
    coalesce(http_post.headers, '{}')
      || case when content_type is null then '{"Content-Type": "application/json"}'::jsonb else '{}' end,
    convert_to(http_post.body::text, 'UTF8'),
    http_post.timeout_milliseconds
  )
  returning id into request_id;
  -- The notification is delivered at commit, and not at all when the transaction is rolled back.
  perform pg_catalog.pg_notify('net_http_request_queue', '');
  return request_id;
end
$$;
comment on function net.http_post(text, jsonb, jsonb, jsonb, integer) is
  'Queues a POST request that leaves once this transaction commits; returns the id of its response row.';

revoke all on all functions in schema net from public;
grant usage on schema net to anon, authenticated, service_role;
grant execute on function net.http_post(text, jsonb, jsonb, jsonb, integer)
  to anon, authenticated, service_role;
