begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(44);

delete from vault.secrets where name = 'alert_webhook_url';
delete from net.http_request_queue where true;
delete from learning.alert_requests where true;
delete from learning_log where true;
delete from pm_overrides where true;

-- Addresses ---------------------------------------------------------------------------------------------------

select is(learning.webhook_fault('https://hooks.slack.com/services/T/B/x'), null, 'A webhook of Slack is one');
select is(learning.webhook_fault(E' http://127.0.0.1:8787/hook\n'), null, 'So is another, with blanks around it');
select is(learning.webhook_fault(''), 'is blank', 'Nothing is none');
select is(learning.webhook_fault(E' \n'), 'is blank', 'Nor are blanks');
select is(learning.webhook_fault('hooks.slack.com/services'), 'does not begin with https://', 'Nor what has no scheme');
select is(learning.webhook_fault('ftp://hooks.slack.com'), 'does not begin with https://', 'Or another one');
select is(learning.webhook_fault('https:///services'), 'names no host', 'Nor what has no host');
select is(learning.webhook_fault('https://hooks.slack.com/a b'), 'has blanks in it', 'Nor what has blanks within');
select is(learning.webhook_fault(null), null, 'None at all is no fault');

-- Messages ----------------------------------------------------------------------------------------------------

select is(learning.webhook_payload('a <!channel> & <@1>'),
  '{"text": "a &lt;!channel&gt; &amp; &lt;@1&gt;", "content": "a <!channel> & <@1>", "allowed_mentions": {"parse": []}}',
  'One message for Slack and for Discord, which mentions nobody in either');
select is(length(learning.webhook_payload(repeat('ä', 2000)) ->> 'content'), 2000, '2,000 characters fit');
select is(learning.webhook_payload(repeat('ä', 2000)) ->> 'content', repeat('ä', 2000), 'As they are');
select is(length(learning.webhook_payload(repeat('ä', 2001)) ->> 'content'), 2000, 'More do not');
select matches(learning.webhook_payload(repeat('ä', 2001)) ->> 'content',
  '^ä+\n… \(shortened, learning_alerts has all of it\)$', 'Which is said');

-- Sending -----------------------------------------------------------------------------------------------------

select is(learning.send_to_webhook('hello'), false, 'Without a webhook nothing is sent');
select is_empty('select * from net.http_request_queue', 'To nobody');
select is_empty('select * from learning_log', 'And nothing is wrong');
select vault.create_secret('hooks.example/secret-path', 'alert_webhook_url');
select is(learning.send_to_webhook('hello'), false, 'To what is no address neither');
select is(learning.send_to_webhook('hello'), false, 'However often');
select results_eq('select level, component, event, message from learning_log',
  $$ values ('ERROR', 'alerts', 'alert_not_sent', 'Nothing can be sent: alert_webhook_url in Vault does not begin with https://') $$,
  'Which is told once an hour, without the address');
select is(learning.stored_webhook_fault(), 'does not begin with https://', 'And for as long as it stands there');
select vault.update_secret((select id from vault.secrets where name = 'alert_webhook_url'), E'https://hooks.example/secret-path\n');
select is(learning.stored_webhook_fault(), null, 'Until it is put right');
select is(learning.send_to_webhook('hello'), true, 'To an address it is sent');
select results_eq($$ select method::text, url, headers ->> 'Content-Type', convert_from(body, 'UTF8')::jsonb, timeout_milliseconds
    from net.http_request_queue $$,
  $$ values ('POST', 'https://hooks.example/secret-path', 'application/json', learning.webhook_payload('hello'), 10000) $$,
  'As it is, with a body for both');
select is((select request_id from learning.alert_requests), (select max(id) from net.http_request_queue),
  'Its number is remembered');

delete from learning_log where true;
alter table learning.alert_requests rename to alert_requests_gone;
select is(learning.send_to_webhook('hello'), false, 'What keeps it from being sent is not raised');
select matches((select message from learning_log where event = 'alert_not_sent'),
  '^A message could not be sent, which is tried again: .*alert_requests', 'But told');
alter table learning.alert_requests_gone rename to alert_requests;
delete from learning_log where true;
create function pg_temp.tells_all() returns trigger language plpgsql as $$
begin
  raise exception 'no route to %', (select decrypted_secret from vault.decrypted_secrets where name = 'alert_webhook_url');
end
$$;
select vault.update_secret((select id from vault.secrets where name = 'alert_webhook_url'), 'https://hooks.example/secret-path');
create trigger tells_all before insert on learning.alert_requests for each row execute function pg_temp.tells_all();
select is(learning.send_to_webhook('hello'), false, 'Whatever it is');
select is((select message from learning_log where event = 'alert_not_sent'),
  'A message could not be sent, which is tried again: no route to alert_webhook_url', 'Without the address, even where the words have it');
drop trigger tells_all on learning.alert_requests;

-- Broadcasts --------------------------------------------------------------------------------------------------

delete from learning_log where true;
create function pg_temp.learned(p_value text) returns bigint language plpgsql as $$
declare
  made bigint;
begin
  insert into public.pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier)
  values ('pm_strength', 'pm.a', 'entry', jsonb_build_object('chain', p_value), 1.2) returning id into made;
  return made;
end
$$;
-- Where the platform has Realtime it is somebody else's, and stays as it is.
create function pg_temp.is_ours() returns boolean language sql as $$
  select current_setting('test.realtime') = 'ours';
$$;
create function pg_temp.stand_in_for_realtime() returns setof text language plpgsql as $$
begin
  perform set_config('test.realtime', case when to_regnamespace('realtime') is null then 'ours' else '' end, true);
  if not pg_temp.is_ours() then
    return next skip('this platform has Realtime', 2);
    return;
  end if;
  return next is(learning.broadcasts(), false, 'Without Realtime nothing is broadcast');
  return next is(learning.admit_listeners(), false, 'And nobody listens');
  create schema realtime;
  create table realtime.messages (topic text, event text, payload jsonb, private boolean, extension text);
  alter table realtime.messages enable row level security;
  create function realtime.topic() returns text language sql stable
    as 'select nullif(current_setting(''realtime.topic'', true), '''')';
  -- As the platform's, which runs with the rights of whoever calls it.
  create function realtime.send(payload jsonb, event text, topic text, private boolean default true) returns void
    language sql as 'insert into realtime.messages values (topic, event, payload, private, ''broadcast'')';
  grant usage on schema realtime to authenticated;
  grant select on realtime.messages to authenticated;
  grant execute on function realtime.topic() to authenticated;
end
$$;
create function pg_temp.forget() returns void language plpgsql as $$
begin
  if pg_temp.is_ours() then
    delete from realtime.messages where true;
  end if;
end
$$;
create function pg_temp.unless_the_platforms(test text) returns setof text language plpgsql as $$
begin
  if pg_temp.is_ours() then
    return query execute test;
  else
    return next skip('this platform has Realtime');
  end if;
end
$$;
create function pg_temp.hears(p_role text, p_topic text) returns bigint language plpgsql as $$
declare
  heard bigint;
begin
  perform set_config('request.jwt.claims', jsonb_build_object('app_metadata', jsonb_build_object('learning_role', p_role))::text, true);
  perform set_config('realtime.topic', p_topic, true);
  set local role authenticated;
  select count(*) into heard from realtime.messages;
  reset role;
  return heard;
end
$$;
select pg_temp.learned('early');
select pg_temp.stand_in_for_realtime();
create temporary table made as select pg_temp.learned('solana') as id;
select pg_temp.unless_the_platforms($test$
  select is((
    select array_agg(format('%s %s %s %s', topic, event, payload, private) order by (payload ->> 'version')::bigint)
    from realtime.messages
  ), array[(
    select format('edgeloop:overrides overrides_changed {"ids": [%s], "version": %s} t', id, (select max(id) from pm_override_history))
    from made
  )], 'A new override is told of by its id and the newest change, on a private topic') $test$);
select pg_temp.forget();
update pm_overrides set multiplier = 1.2 where true;
select pg_temp.unless_the_platforms($test$
  select is_empty('select from realtime.messages', 'What does not change is not') $test$);
update pm_overrides set multiplier = 1.3 where true;
select pg_temp.unless_the_platforms($test$
  select is((select (count(*), max(jsonb_array_length(payload -> 'ids')))::text from realtime.messages), '(1,2)',
    'What changes in a statement is told of in one message') $test$);
select pg_temp.unless_the_platforms($test$
  select is((select (payload - 'ids' - 'version')::text from realtime.messages), '{}', 'Of nothing else') $test$);
select pg_temp.forget();
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier)
select 'pm_strength', 'pm.b' || i, 'entry', '{}', 1.2 from generate_series(1, 1001) i;
select pg_temp.unless_the_platforms($test$
  select is((select array_agg(jsonb_array_length(payload -> 'ids') order by payload ->> 'version') from realtime.messages),
    '{1000,1}', 'Of 1,000 at most') $test$);
select pg_temp.forget();
truncate pm_overrides;
select pg_temp.unless_the_platforms($test$
  select is((
    select count(distinct id) from realtime.messages cross join lateral jsonb_array_elements(payload -> 'ids') as id
  ), 1003::bigint, 'Those that are gone are told of, too') $test$);

select pg_temp.unless_the_platforms($test$
  select is(learning.admit_listeners(), true, 'Where Realtime has come listeners are let in') $test$);
select pg_temp.unless_the_platforms($test$ select is(learning.admit_listeners(), true, 'Once') $test$);
select pg_temp.unless_the_platforms($test$
  select results_eq(
    $$ select role, pg_temp.hears(role, 'edgeloop:overrides') > 0 from unnest('{viewer,pm,operator,admin}'::text[]) as role $$,
    $$ values ('viewer', true), ('pm', true), ('operator', true), ('admin', false) $$, 'viewer, pm and operator hear it') $test$);
select pg_temp.unless_the_platforms($test$
  select is(pg_temp.hears('viewer', 'another'), 0::bigint, 'Of other topics they hear nothing by this') $test$);

do $do$
begin
  if pg_temp.is_ours() then
    create or replace function realtime.send(payload jsonb, event text, topic text, private boolean default true) returns void
      language plpgsql as $$ begin raise exception 'Realtime is down'; end $$;
  end if;
end
$do$;
select lives_ok($$ select pg_temp.learned('base') $$, 'What cannot be broadcast is written all the same');
select is((select count(*) from pm_overrides), 1::bigint, 'It is there');
select pg_temp.unless_the_platforms($test$
  select is((select (component, event, message)::text from learning_log where level = 'ERROR'),
    '(alerts,broadcast_failed,"That overrides changed could not be broadcast: Realtime is down")', 'And the failure is told') $test$);

select * from finish();
rollback;
