begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(40);

delete from vault.secrets where name in ('project_url', 'edge_function_secret_key');
delete from net.http_request_queue where true;
delete from learning_log where true;

create function pg_temp.rung() returns integer language sql as $$ select count(*)::integer from net.http_request_queue $$;
-- As if the doorbell had been silent for some time.
create function pg_temp.silence(milliseconds bigint) returns bigint language sql as $$
  select setval('learning.doorbell_rung_at_ms', floor(extract(epoch from clock_timestamp()) * 1000)::bigint - milliseconds)
$$;

-- Receipts -----------------------------------------------------------------------------------------------------------------

insert into ad_strands (id, kind, content) values
  ('entry', 'pm_action', '{}'), ('allocation', 'dm_action', '{}'), ('close', 'position_closed', '{}'),
  ('window', 'episode_window', '{}'), ('outcome', 'episode_outcome', '{}'), ('note', 'note', '{}'), ('empty', '', '{}');
select results_eq(
  $$ select strand_id, status, attempts, errors, revision, next_attempt_at <= clock_timestamp() from strand_receipts order by strand_id $$,
  $$ values ('allocation', 'pending', 0, '[]'::jsonb, 1, true), ('close', 'pending', 0, '[]', 1, true), ('entry', 'pending', 0, '[]', 1, true),
    ('outcome', 'pending', 0, '[]', 1, true), ('window', 'pending', 0, '[]', 1, true) $$,
  'Strands of the five learned kinds get a receipt that is due, others none');
select is((select count(*)::integer from ad_strands), 7, 'Every strand is stored');

update strand_receipts set status = 'done', attempts = 3, next_attempt_at = null, processed_at = now(), errors = '[1]' where true;
update ad_strands set symbol = 'BONK', tags = '["x"]', position_id = 'p', trade_id = 't', parent_id = 'note' where true;
select is((select count(*)::integer from strand_receipts where status = 'done'), 5, 'A change of what learning does not read makes nothing due');
update ad_strands set content = content where true;
select is((select count(*)::integer from strand_receipts where status = 'done'), 5, 'Nor does a change that changes nothing');
update ad_strands set content = '{"trade_id": "t"}' where id in ('entry', 'note');
select results_eq($$ select strand_id, status, attempts, errors, revision, processed_at from strand_receipts where revision > 1 $$,
  $$ values ('entry', 'pending', 0, '[]'::jsonb, 2, null::timestamptz) $$, 'A changed strand is due again, as if it had just come');
update ad_strands set module = 'm' where id = 'allocation';
update ad_strands set regime_context = '{"macro_phase": "bull"}' where id = 'close';
update ad_strands set created_at = '2025-01-01' where id = 'window';
update ad_strands set timeframe = '1h' where id = 'outcome';
select is((select array_agg(revision order by strand_id) from strand_receipts), '{2,2,2,2,2}', 'Whatever of it learning reads');
update ad_strands set kind = 'note' where id = 'entry';
select is((select revision from strand_receipts where strand_id = 'entry'), 3, 'Also when it is of no learned kind any more');
update ad_strands set kind = 'pm_action' where id = 'note';
select is((select status from strand_receipts where strand_id = 'note'), 'pending', 'And when it has become one');
delete from ad_strands where id = 'entry';
select is((select count(*)::integer from strand_receipts where strand_id = 'entry'), 0, 'A strand takes its receipt with it');
select throws_ok($$ insert into ad_strands (id, kind) values ('note', 'note') $$, '23505', null, 'Writing a strand twice is an error');
select lives_ok($$ insert into ad_strands (id, kind) values ('note', 'pm_action'), ('new', 'pm_action') on conflict (id) do nothing $$, 'Unless the writer says it is none');
select is((select (revision, status)::text from strand_receipts where strand_id = 'note'), '(1,pending)', 'Which changes nothing for the one that was there');
insert into ad_strands (kind) values ('bare');
select matches((select id from ad_strands where kind = 'bare'), '^[0-9a-f]{8}-[0-9a-f-]{27}$', 'Identities may be left to the database');
select is((select (content, regime_context, tags, created_at)::text from ad_strands where kind = 'bare'),
  ('{}'::jsonb, '{}'::jsonb, '[]'::jsonb, now())::text, 'What a writer leaves out has a default');
select lives_ok($$ insert into ad_strands (id, kind, content) values
  ('odd 1', 'pm_action', '[]'), ('odd 2', 'position_closed', '"x"'), ('odd 3', 'episode_window', 'null'), ('odd 4', 'pm_action', '7') $$,
  'Content of any shape is stored');
select lives_ok($$ insert into ad_strands (id, kind, content) select 'long', 'pm_action', jsonb_build_object('trade_id', string_agg(md5(i::text), '')) from generate_series(1, 1000) i $$,
  'So is an identifier of any length within it');

-- The doorbell -------------------------------------------------------------------------------------------------------------

select is(pg_temp.rung(), 0, 'Without secrets nothing rings');
select results_eq($$ select level, component, event, message from learning_log $$,
  $$ values ('ERROR', 'aggregate-strands', 'doorbell_failed',
    'aggregate-strands could not be rung: Cannot ring aggregate-strands: Vault has no secret named project_url and none named edge_function_secret_key') $$,
  'Which is told, once an hour');

select vault.create_secret('http://project.test/', 'project_url');
delete from learning_log where true;
select pg_temp.silence(2000);
insert into ad_strands (id, kind) values ('half', 'pm_action');
select is((select message from learning_log), 'aggregate-strands could not be rung: Cannot ring aggregate-strands: Vault has no secret named edge_function_secret_key',
  'The missing secret is named');
select ok((select message from learning_log) !~ 'project.test', 'The other one is not told');

select vault.create_secret('sb_secret_test', 'edge_function_secret_key');
select pg_temp.silence(2000);
insert into ad_strands (id, kind) select 'ring ' || i, 'pm_action' from generate_series(1, 100) i;
select results_eq(
  $$ select method::text, url, headers ->> 'apikey', headers ->> 'Content-Type', convert_from(body, 'UTF8')::jsonb, timeout_milliseconds from net.http_request_queue $$,
  $$ values ('POST', 'http://project.test/functions/v1/aggregate-strands', 'sb_secret_test', 'application/json', '{}'::jsonb, 30000) $$,
  'A statement rings once, with the secret key and an empty body');
insert into ad_strands (id, kind) values ('second', 'pm_action');
update ad_strands set content = '{"x": 1}' where id = 'second';
select is(pg_temp.rung(), 1, 'Not again within a second');
select pg_temp.silence(300);
insert into ad_strands (id, kind) values ('third', 'pm_action');
select is(pg_temp.rung(), 1, 'Nor when the last one is some time ago');
select pg_temp.silence(1000);
insert into ad_strands (id, kind) values ('fourth', 'pm_action');
select is(pg_temp.rung(), 2, 'Again after a second');
select pg_temp.silence(2000);
update ad_strands set content = '{"x": 2}' where id = 'second';
select is(pg_temp.rung(), 3, 'A changed strand rings too');
select pg_temp.silence(2000);
insert into ad_strands (id, kind) values ('unlearned', 'note');
update ad_strands set symbol = 'X' where id = 'second';
insert into ad_strands (id, kind) values ('second', 'pm_action') on conflict (id) do nothing;
insert into ad_strands (id, kind) select 'nothing', 'pm_action' where false;
select is(pg_temp.rung(), 3, 'What gives nothing to do rings nothing');
select pg_temp.silence(-3600000);
insert into ad_strands (id, kind) values ('clock', 'pm_action');
select is(pg_temp.rung(), 4, 'A clock that was set back does not silence it');
update vault.secrets set name = name where true;
select vault.update_secret((select id from vault.secrets where name = 'edge_function_secret_key'), 'sb_secret_new');
select pg_temp.silence(2000);
insert into ad_strands (id, kind) values ('rotated', 'pm_action');
select is((select headers ->> 'apikey' from net.http_request_queue order by id desc limit 1), 'sb_secret_new', 'A new key is used at once');

select ring_edge_function('mine-lessons', '{"continue": true}', 3);
select is((select count(*)::integer from net.http_request_queue where url = 'http://project.test/functions/v1/mine-lessons'
  and convert_from(body, 'UTF8')::jsonb = '{"continue": true}'), 3, 'Edge functions ask for as many invocations as they need');
select ring_edge_function('mine-lessons', '{}', 0);
select is(pg_temp.rung(), 8, 'Also for none');

-- Whatever is wrong with it, the strand is stored --------------------------------------------------------------------------

delete from learning_log where true;
alter schema net rename to net_gone;
select pg_temp.silence(2000);
select lives_ok($$ insert into ad_strands (id, kind) values ('no net', 'pm_action') $$, 'A strand is stored without the net');
select is((select count(*)::integer from strand_receipts where strand_id = 'no net'), 1, 'With its receipt');
select is((select count(*)::integer from learning_log where event = 'doorbell_failed' and details ->> 'sqlstate' like '3F%'), 1, 'And why it did not ring is told');
select pg_temp.silence(2000);
insert into ad_strands (id, kind) values ('no net either', 'pm_action');
select is((select count(*)::integer from learning_log where event = 'doorbell_failed'), 1, 'Once an hour');
alter schema net_gone rename to net;
alter schema vault rename to vault_gone;
select pg_temp.silence(2000);
select lives_ok($$ insert into ad_strands (id, kind) values ('no vault', 'pm_action') $$, 'A strand is stored without the Vault');
select throws_ok($$ select ring_edge_function('mine-lessons') $$, null, null, 'Whoever rings on purpose is told');
alter schema vault_gone rename to vault;
delete from vault.secrets where name = 'project_url';
select throws_ok($$ select ring_edge_function('mine-lessons') $$, '55000', 'Cannot ring mine-lessons: Vault has no secret named project_url', 'And what is missing');

-- Who writes strands needs no right to what is behind them -----------------------------------------------------------------

create role strand_writer;
grant usage on schema public to strand_writer;
grant select, insert on ad_strands to strand_writer;
create policy write_strands on ad_strands to strand_writer using (true) with check (true);
select pg_temp.silence(2000);
create function pg_temp.as_writer(statement text) returns text language plpgsql as $$
begin
  set local role strand_writer;
  execute statement;
  reset role;
  return 'done';
exception when others then
  return sqlstate;
end
$$;
select is(pg_temp.as_writer($$ insert into public.ad_strands (id, kind) values ('foreign', 'pm_action') $$), 'done',
  'A writer of strands needs no right to receipts, log or secrets');
select is(pg_temp.as_writer($$ select * from public.strand_receipts $$), '42501', 'And has none');
select is((select count(*)::integer from strand_receipts where strand_id = 'foreign'), 1, 'Its strand has a receipt');

select * from finish();
rollback;
