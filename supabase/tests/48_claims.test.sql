begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(29);

delete from ad_strands where true;
delete from pattern_trade_events where true;
delete from learning.closed_trades where true;
delete from learning_log where true;
select learning.write_log('ERROR', 'aggregate-strands', 'doorbell_failed',
  'The doorbell is not the subject here');

create function pg_temp.ids(claimed jsonb) returns text[] language sql as $$
  select coalesce(array_agg(strand ->> 'id' order by strand ->> 'id'), '{}')
    from jsonb_array_elements(claimed) as strand;
$$;
create function pg_temp.receipt(id text) returns text language sql as $$
  select concat_ws(' ', receipt.status, receipt.attempts,
    case when receipt.next_attempt_at <= clock_timestamp() then 'due' when receipt.next_attempt_at is not null
    then 'later' end,
    case when receipt.processed_at is not null then 'processed' end)
  from public.strand_receipts receipt where receipt.strand_id = $1;
$$;

select is(claim_strands(), '[]', 'Of nothing, nothing is claimed');
insert into ad_strands (id, kind, module, content, regime_context, created_at) values
  ('c', 'pm_action', 'pm', '{"trade_id": "t"}', '{"macro_phase": "bull"}',
    '2025-07-15T10:30:00.123456+02:00'), ('a', 'note', null, '{}', '{}', now());
set local timezone = 'Europe/Amsterdam';
create temporary table claimed as select claim_strands() as strands;
select is((select strands from claimed), '[{"id": "c", "revision": 1, "attempts": 1}]',
  'What is due is claimed, with what a verdict must name');
update strand_receipts set received_at = '2025-07-15T10:31:00+02:00' where strand_id = 'c';
select is(read_claimed_strands((select strands from claimed)),
  '[{"id": "c", "revision": 1, "kind": "pm_action", "module": "pm",
  "created_at": "2025-07-15T08:30:00.123456+00:00", "received_at": "2025-07-15T08:31:00+00:00",
  "content": "{\"trade_id\": \"t\"}", "regime_context": "{\"macro_phase\": \"bull\"}"}]',
    'And read with all that is judged, in UTC');
select is(read_claimed_strands('[{"id": "c", "revision": 2}, {"id": "nobody", "revision": 1}]'), '[]',
  'But not as it was or will be, nor what is gone');
set local timezone = 'UTC';
select is(pg_temp.receipt('c'), 'pending 1 later', 'A claimed strand is leased');
select is(claim_strands(), '[]', 'And not claimed again');
select ok((select next_attempt_at between clock_timestamp() + interval '25 seconds'
  and clock_timestamp() + interval '30 seconds' from strand_receipts where strand_id = 'c'),
  'The first lease is for half a minute');
update strand_receipts set next_attempt_at = clock_timestamp() where true;
select is(pg_temp.ids(claim_strands()), '{c}', 'A lease that is not answered lapses');
select is(pg_temp.receipt('c'), 'pending 2 later', 'Which is counted');

delete from ad_strands where true;
insert into ad_strands (id, kind) select 's' || i, 'pm_action' from generate_series(1, 9) i;
update strand_receipts set next_attempt_at = now() - right(strand_id, 1)::integer * interval '1 second'
  where true;
select is(pg_temp.ids(claim_strands(3)), '{s7,s8,s9}',
  'No more are claimed than are asked for, and those that wait longest');
select is(pg_temp.ids(claim_strands(4)), '{s3,s4,s5,s6}', 'Then the next');
select is(pg_temp.ids(claim_strands()), '{s1,s2}', 'Then the rest');

delete from ad_strands where true;
create temporary table noise as select string_agg(md5(j::text), '') as text from generate_series(1, 280000) j;
insert into ad_strands (id, kind, content) select 'large ' || i, 'pm_action',
  jsonb_build_object('x', i || left(noise.text, 3200000)) from noise, generate_series(1, 5) i;
update strand_receipts set event_at = now() - interval '1 hour' + right(strand_id, 1)::integer * interval '1 s'
  where true;
create function pg_temp.claim_and_read() returns text[] language sql as $$
  select pg_temp.ids(read_claimed_strands(claim_strands()));
$$;
-- A busy machine may have no time for the second within a second.
create temporary table fitting as select pg_temp.claim_and_read() as ids;
select ok((select ids in ('{large 1,large 2}', '{large 1}') from fitting), 'A batch has 8 MB at most');
select is((select string_agg(pg_temp.receipt(strand_id), ', ' order by strand_id) from strand_receipts),
  (select string_agg(case when 'large ' || i = any (ids) then 'pending 1 later' else 'pending 0 due' end, ', '
    order by i) from fitting, generate_series(1, 5) i),
  'The rest is given back as if it had not been claimed');
insert into ad_strands (id, kind, content)
select 'huge', 'pm_action', jsonb_build_object('x', noise.text) from noise;
update strand_receipts set next_attempt_at = now() - interval '1 minute', event_at = '-infinity'
  where strand_id = 'huge';
select is(pg_temp.claim_and_read(), '{huge}', 'What is larger by itself travels alone');
delete from ad_strands where true;
insert into ad_strands (id, kind, content) select 'flat ' || i, 'pm_action',
  jsonb_build_object('x', repeat('x', 2000000)) from generate_series(1, 9) i;
select ok(cardinality(pg_temp.claim_and_read()) between 1 and 4,
  'However well they are compressed, what counts is their size on the way');

-- What is larger than an edge function can take is rejected and holds nothing up ----------------------------

delete from ad_strands where true;
insert into ad_strands (id, kind, content)
  values ('beyond', 'pm_action', jsonb_build_object('x', repeat('x', 16777206))),
  ('at most', 'pm_action', jsonb_build_object('x', repeat('x', 16777205))),
  ('within', 'pm_action', '{}'), ('deep', 'pm_action', (repeat('[', 3000) || repeat(']', 3000))::jsonb),
  ('long', 'pm_action', jsonb_build_object('x', ('[' || repeat('1e131071,', 8999) || '1e131071]')::jsonb));
update ad_strands set regime_context = '{}' where id = 'beyond';
update strand_receipts set event_at = '-infinity' where strand_id in ('beyond', 'deep', 'long');
-- What a busy machine has no time for within a second is given back and comes with the next claim.
create temporary table fates as select pg_temp.claim_and_read() || pg_temp.claim_and_read() as ids;
select ok((select ids && '{within,"at most"}' from fates), 'What is beyond all limits holds nothing up');
select results_eq($$ select strand_id, attempts, status || ': ' || (errors -> 0 ->> 'path') || ' '
  || (errors -> 0 ->> 'message') from strand_receipts where status = 'rejected' order by strand_id $$,
  $$ values ('beyond', 1, 'rejected: content Too big: expected content and regime_context to have at most '
    '16777216 bytes as text and they have 16777217'),
  ('deep', 1, 'rejected: content Too deep: expected at most 64 objects and lists within each other'),
  ('long', 1, 'rejected: content Too big: expected content and regime_context to have at most '
    '16777216 bytes as text and they have 1179648002 or more') $$,
  'It is rejected with the reason, the limit and what was given, and never written out');
delete from learning_log where true;

delete from ad_strands where true;
insert into ad_strands (id, kind) select 's' || i, 'pm_action' from generate_series(1, 6) i;
update strand_receipts set next_attempt_at
  = now() - interval '10 seconds' + right(strand_id, 1)::integer * interval '1 second',
  attempts = case strand_id when 's3' then 3 when 's4' then 2 else 0 end where true;
select is(pg_temp.ids(claim_strands()), '{s1,s2}', 'What was claimed in vain three times is not taken along');
select is(pg_temp.ids(claim_strands()), '{s3}', 'But travels alone');
select is(pg_temp.ids(claim_strands()), '{s4,s5,s6}', 'And holds nobody back');
delete from ad_strands where true;
insert into ad_strands (id, kind) select 's' || i, 'pm_action' from generate_series(1, 100) i;
update strand_receipts set attempts = 1 where true;
select is(cardinality(pg_temp.ids(claim_strands())), 62, 'What was claimed in vain has an eighth of the company');
update strand_receipts set attempts = 2, next_attempt_at = clock_timestamp() where true;
select is(cardinality(pg_temp.ids(claim_strands())), 7, 'Each time');
update strand_receipts set attempts = 2, next_attempt_at = clock_timestamp() where true;
select is(cardinality(pg_temp.ids(claim_strands(4000))), 62, 'Of a larger claim, too');
update strand_receipts set attempts = 3, next_attempt_at = clock_timestamp() where true;
select is(cardinality(pg_temp.ids(claim_strands(4000))), 1, 'And comes alone in the end, however many are asked for');

-- What stands beside the documents --------------------------------------------------------------------------

delete from ad_strands where true;
insert into ad_strands (id, kind, module) values ('sound', 'pm_action', 'pm'),
  ('named at length', 'pm_action', repeat('m', 3000000)), (repeat('i', 1001), 'pm_action', 'pm');
update strand_receipts set event_at = case strand_id when 'sound' then '2025-01-02' when 'named at length' then
  '2025-01-01' else '2025-01-03' end::timestamptz where true;
select is(pg_temp.claim_and_read(), '{sound}', 'A module that is too long does not travel');
select is(pg_temp.ids(claim_strands()), array[repeat('i', 1001)], 'An id that is too long is claimed alone');
select is(read_claimed_strands(jsonb_build_array(jsonb_build_object('id', repeat('i', 1001), 'revision', 1))), '[]',
  'and goes no further');
select results_eq($$ select left(strand_id, 5), status, errors #>> '{0,path}', errors #>> '{0,message}'
  from strand_receipts where status = 'rejected' order by 1 $$, $$ values
  ('iiiii', 'rejected', 'id', 'Too big: expected at most 1000 characters and it has 1001'),
  ('named', 'rejected', 'module', 'Too big: expected at most 200 characters and it has 3000000') $$,
  'Both are rejected with the limit');

select * from finish();
rollback;
