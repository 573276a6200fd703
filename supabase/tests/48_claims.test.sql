begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(18);

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
select is((select strands from claimed),
  '[{"id": "c", "revision": 1, "kind": "pm_action", "module": "pm",
  "created_at": "2025-07-15T08:30:00.123456+00:00",
  "content": "{\"trade_id\": \"t\"}", "regime_context": "{\"macro_phase\": \"bull\"}"}]',
    'What is due is claimed, with all that is judged, in UTC');
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
insert into ad_strands (id, kind, content) select 'large ' || i, 'pm_action',
  jsonb_build_object('x', (select string_agg(md5(j::text || i), '') from generate_series(1, 50000) j))
  from generate_series(1, 5) i;
update strand_receipts set next_attempt_at
  = now() - interval '10 seconds' + right(strand_id, 1)::integer * interval '1 second' where true;
select is(pg_temp.ids(claim_strands()), '{"large 1","large 2"}',
  'A batch is no larger than an edge function can take');
insert into ad_strands (id, kind, content) select 'huge', 'pm_action',
  jsonb_build_object('x', (select string_agg(md5(j::text), '') from generate_series(1, 140000) j));
update strand_receipts set next_attempt_at = now() - interval '1 minute' where strand_id = 'huge';
select is(pg_temp.ids(claim_strands()), '{huge}', 'What is larger by itself travels alone');
delete from ad_strands where true;
insert into ad_strands (id, kind, content) select 'flat ' || i, 'pm_action',
  jsonb_build_object('x', repeat('x', 1000000)) from generate_series(1, 9) i;
select is(cardinality(pg_temp.ids(claim_strands())), 3,
  'However well they are compressed, what counts is their size on the way');
insert into ad_strands (id, kind, content)
  values ('beyond', 'pm_action', jsonb_build_object('x', repeat('x', 16000000))),
  ('within', 'pm_action', '{}');
update strand_receipts set next_attempt_at = now() - interval '1 minute'
  where strand_id in ('beyond', 'within');
select ok('within' = any (pg_temp.ids(claim_strands())),
  'What is larger than an edge function can take holds nothing up');
select is((select status || ': ' || (errors -> 0 ->> 'path') || ' ' || (errors -> 0 ->> 'message')
  from strand_receipts where strand_id = 'beyond'),
  'rejected: content Too big: expected content and regime_context to have at most 16000000 bytes and they '
    'have 16000025', 'It is rejected with the reason');
delete from learning_log where true;

delete from ad_strands where true;
insert into ad_strands (id, kind) select 's' || i, 'pm_action' from generate_series(1, 6) i;
update strand_receipts set next_attempt_at
  = now() - interval '10 seconds' + right(strand_id, 1)::integer * interval '1 second',
  attempts = case strand_id when 's3' then 3 when 's4' then 2 else 0 end where true;
select is(pg_temp.ids(claim_strands()), '{s1,s2}', 'What was claimed in vain three times is not taken along');
select is(pg_temp.ids(claim_strands()), '{s3}', 'But travels alone');
select is(pg_temp.ids(claim_strands()), '{s4,s5,s6}', 'And holds nobody back');

select * from finish();
rollback;
