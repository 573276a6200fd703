begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(33);

delete from vault.secrets where name in ('project_url', 'edge_function_secret_key');
delete from net.http_request_queue where true;
delete from learning_log where true;

create function pg_temp.rung() returns integer language sql
  as $$ select count(*)::integer from net.http_request_queue $$;
-- As if the doorbell had been silent for some time.
create function pg_temp.silence(milliseconds bigint) returns bigint language sql as $$
  select setval('learning.doorbell_rung_at_ms',
    floor(extract(epoch from clock_timestamp()) * 1000)::bigint - milliseconds)
$$;

-- Receipts --------------------------------------------------------------------------------------------------

insert into ad_strands (id, kind, content) values
  ('entry', 'pm_action', '{}'), ('allocation', 'dm_action', '{}'), ('close', 'position_closed', '{}'),
  ('window', 'episode_window', '{}'), ('outcome', 'episode_outcome', '{}'), ('note', 'note', '{}'),
    ('empty', '', '{}');
select results_eq(
  $$ select strand_id, status, attempts, errors, revision,
    next_attempt_at <= clock_timestamp() from strand_receipts order by strand_id $$,
  $$ values ('allocation', 'pending', 0, '[]'::jsonb, 1, true), ('close', 'pending', 0, '[]', 1, true),
    ('entry', 'pending', 0, '[]', 1, true),
    ('outcome', 'pending', 0, '[]', 1, true), ('window', 'pending', 0, '[]', 1, true) $$,
  'Strands of the five learned kinds get a receipt that is due, others none');

update strand_receipts set status = 'done', attempts = 3, next_attempt_at = null, processed_at = now(),
  errors = '[1]' where true;
update ad_strands set symbol = 'BONK', tags = '["x"]', position_id = 'p', trade_id = 't',
  parent_id = 'note' where true;
select is((select count(*)::integer from strand_receipts where status = 'done'), 5,
  'A change of what learning does not read makes nothing due');
update ad_strands set content = content where true;
select is((select count(*)::integer from strand_receipts where status = 'done'), 5,
  'Nor does a change that changes nothing');
update ad_strands set content = '{"trade_id": "t"}' where id in ('entry', 'note');
select results_eq($$ select strand_id, status, attempts, errors, revision,
  processed_at from strand_receipts where revision > 1 $$,
  $$ values ('entry', 'pending', 0, '[]'::jsonb, 2, null::timestamptz) $$,
    'A changed strand is due again, as if it had just come');
update ad_strands set module = 'm' where id = 'allocation';
update ad_strands set regime_context = '{"macro_phase": "bull"}' where id = 'close';
update ad_strands set created_at = '2025-01-01' where id = 'window';
update ad_strands set timeframe = '1h' where id = 'outcome';
select is((select array_agg(revision order by strand_id) from strand_receipts), '{2,2,2,2,2}',
  'Whatever of it learning reads');
update ad_strands set kind = 'note' where id = 'entry';
select is((select revision from strand_receipts where strand_id = 'entry'), 3,
  'Also when it is of no learned kind any more');
update ad_strands set kind = 'pm_action' where id = 'note';
select is((select status from strand_receipts where strand_id = 'note'), 'pending',
  'And when it has become one');
delete from ad_strands where id = 'entry';
select is((select count(*)::integer from strand_receipts where strand_id = 'entry'), 0,
  'A strand takes its receipt with it');
-- The doorbell ----------------------------------------------------------------------------------------------

select vault.create_secret('http://project.test/', 'project_url');
select vault.create_secret('sb_secret_test', 'edge_function_secret_key');
select pg_temp.silence(2000);
insert into ad_strands (id, kind) select 'ring ' || i, 'pm_action' from generate_series(1, 100) i;
select is(pg_temp.rung(), 1, 'A statement rings once');
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
-- Whatever is wrong with it, the strand is stored -----------------------------------------------------------

delete from learning_log where true;
alter table learning.doorbells rename to doorbells_gone;
select pg_temp.silence(2000);
select lives_ok($$ insert into ad_strands (id, kind) values ('no ring', 'pm_action') $$,
  'A strand is stored where rings cannot be remembered');
select is((select count(*)::integer from strand_receipts where strand_id = 'no ring'), 1, 'With its receipt');
select is((select count(*)::integer from learning_log where event = 'doorbell_failed'
  and details ->> 'sqlstate' = '42P01'), 1, 'And why it did not ring is told');
select pg_temp.silence(2000);
insert into ad_strands (id, kind) values ('no ring either', 'pm_action');
select is((select count(*)::integer from learning_log where event = 'doorbell_failed'), 1, 'Once an hour');
alter table learning.doorbells_gone rename to doorbells;
create function pg_temp.lives_without(schema_name text, statement text, description text) returns text
language plpgsql as $$
declare
  verdict text;
begin
  begin
    execute format('alter schema %I rename to %I', schema_name, schema_name || '_gone');
  exception when insufficient_privilege then
    return skip(format('schema %s is the platform''s, which alone can take it away', schema_name), 1);
  end;
  verdict := lives_ok(statement, description);
  execute format('alter schema %I rename to %I', schema_name || '_gone', schema_name);
  return verdict;
end
$$;
select pg_temp.silence(2000);
select pg_temp.lives_without('net', $$ insert into ad_strands (id, kind) values ('no net', 'pm_action') $$,
  'Nor does it need the net');
select pg_temp.silence(2000);
select pg_temp.lives_without('vault', $$ insert into ad_strands (id, kind) values ('no vault', 'pm_action') $$,
  'Nor the Vault');

-- Who writes strands needs no right to what is behind them --------------------------------------------------

create role strand_writer;
grant strand_writer to current_user;
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
select is(pg_temp.as_writer($$ insert into public.ad_strands (id, kind) values ('foreign', 'pm_action') $$),
  'done',
  'A writer of strands needs no right to receipts, log or secrets');
select is(pg_temp.as_writer($$ select * from public.strand_receipts $$), '42501', 'And has none');
select is((select count(*)::integer from strand_receipts where strand_id = 'foreign'), 1,
  'Its strand has a receipt');

-- Leases ----------------------------------------------------------------------------------------------------

delete from ad_strands where true;
insert into ad_strands (id, kind) values ('a', 'pm_action'), ('b', 'pm_action'), ('c', 'pm_action');
create function pg_temp.receipt(id text) returns text language sql as $$
  select concat_ws(' ', receipt.status, receipt.attempts, receipt.next_attempt_at > clock_timestamp(),
    receipt.processed_at is not null, receipt.errors -> 0 ->> 'message')
  from public.strand_receipts receipt where receipt.strand_id = $1;
$$;
select results_eq($$ select strand_id,
  revision from learning.lease_receipts('{a,b,nobody}') order by strand_id $$,
  $$ values ('a', 1), ('b', 1) $$, 'A lease names the revision that is judged');
select is(pg_temp.receipt('a') || ', ' || pg_temp.receipt('c'), 'pending 1 t f, pending 0 f f',
  'What is leased waits, what is not is still due');
select is(learning.return_receipts('{a}'), 1, 'A lease may be given back');
select is(pg_temp.receipt('a'), 'pending 0 f f', 'As if it had never been');
update strand_receipts set status = 'done', processed_at = now(),
  next_attempt_at = null where strand_id = 'b';
select is((select array_agg(id) from learning.accepted_strands), '{b}', 'What is done takes effect');
select is(learning.retry_receipts('{a,b}', 'out of luck'), 1, 'What was accepted may have to be tried again');
select is(pg_temp.receipt('b') || ', ' || pg_temp.receipt('a'), 'pending 1 t f out of luck, pending 0 f f',
  'Later, and with the reason; what was not is left alone');
select is((select count(*)::integer from learning.accepted_strands), 0, 'Until then it has no effect');
select results_eq($$ select learning.retry_delay(attempts) from generate_series(0, 9) as attempts $$,
  $$ values (interval '30 seconds'), (interval '1 minute'), (interval '2 minutes'), (interval '4 minutes'),
    (interval '8 minutes'), (interval '16 minutes'),
    (interval '32 minutes'), (interval '64 minutes'), (interval '64 minutes'), (interval '64 minutes') $$,
      'Each time it takes twice as long, up to an hour or so');

select * from finish();
rollback;
