begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(50);

delete from ad_strands where true;
delete from pattern_trade_events where true;
delete from learning.closed_trades where true;
delete from learning_log where true;
select learning.write_log('ERROR', 'aggregate-strands', 'doorbell_failed',
  'The doorbell is not the subject here');

-- Accepts strands as they are now.
create function pg_temp.accept(variadic ids text[]) returns jsonb language sql as $$
  select public.apply_strands(jsonb_agg(jsonb_build_object('id', receipt.strand_id, 'revision',
    receipt.revision)), '[]')
  from public.strand_receipts receipt where receipt.strand_id = any (ids);
$$;
create function pg_temp.receipt(id text) returns text language sql as $$
  select concat_ws(' ', receipt.status, receipt.attempts,
    case when receipt.next_attempt_at <= clock_timestamp() then 'due' when receipt.next_attempt_at is not null
    then 'later' end,
    case when receipt.processed_at is not null then 'processed' end)
  from public.strand_receipts receipt where receipt.strand_id = $1;
$$;
create function pg_temp.action(id text, trade_id text, category text default 'entry',
  content jsonb default '{}') returns void language sql as $$
  insert into public.ad_strands (id, kind, content, created_at) values (id, 'pm_action', jsonb_build_object(
    'trade_id', trade_id, 'pattern_key', 'pm.x', 'action_category', category, 'scope',
      '{"timeframe": "1h"}'::jsonb) || content, '2025-01-15')
  on conflict on constraint ad_strands_pkey do update set content = excluded.content;
$$;
create function pg_temp.closing(id text, trade_id text, rpnl_pct numeric default 5) returns void language sql
  as $$
  insert into public.ad_strands (id, kind, content, created_at)
    values (id, 'position_closed', jsonb_build_object('trade_id', trade_id, 'trade_summary',
    jsonb_build_object('rr', 1, 'rpnl_pct', rpnl_pct, 'entry_timestamp', '2025-01-15', 'exit_timestamp',
      '2025-01-16')), '2025-01-16')
  on conflict on constraint ad_strands_pkey do update set content = excluded.content;
$$;

-- Verdicts --------------------------------------------------------------------------------------------------

delete from ad_strands where true;
select pg_temp.action('good', 'T'), pg_temp.action('bad', 'T'), pg_temp.closing('close', 'T');
select is(apply_strands('[{"id": "good", "revision": 1}, {"id": "close", "revision": 1}]',
  '[{"id": "bad", "revision": 1, "errors": [{"path": "content.trade_id", "message": "Required"}, {"path": "",
    "message": "Odd"}]}]'),
  '{"accepted": 2, "rejected": 1, "failed": 0, "postponed": 0}', 'Verdicts are counted');
select is(pg_temp.receipt('good'), 'done 0 processed', 'What took effect is done');
select is(pg_temp.receipt('bad'), 'rejected 0 processed', 'What was refused is rejected');
select is((select errors from strand_receipts where strand_id = 'bad'),
  '[{"path": "content.trade_id", "message": "Required"}, {"path": "", "message": "Odd"}]',
  'With every reason');
select results_eq($$ select level, component, event, message,
  details from learning_log where event = 'strand_rejected' $$,
  $$ values ('WARNING', 'aggregate-strands', 'strand_rejected',
    'Strand bad (pm_action) was rejected: content.trade_id Required; Odd',
    '{"kind": "pm_action", "strand_id": "bad", "errors": [{"path": "content.trade_id", "message": "Required"},
      {"path": "", "message": "Odd"}]}'::jsonb) $$,
  'Which is told');
select is((select array_agg(action_strand_id) from pattern_trade_events), '{good}', 'And has no effect');
select is(claim_strands(), '[]', 'Neither is due again');
select is(pg_temp.accept('good', 'close'), '{"accepted": 0, "rejected": 0, "failed": 0, "postponed": 0}',
  'A verdict that comes twice counts once');
select is(apply_strands('[]', '[{"id": "good", "revision": 1, "errors": []}]') ->> 'rejected', '0',
  'What took effect is not refused any more');
select is(apply_strands('[{"id": "nobody", "revision": 1}]',
  '[{"id": "noone", "revision": 1, "errors": []}]'),
  '{"accepted": 0, "rejected": 0, "failed": 0, "postponed": 0}',
  'Of strands that are gone nothing is said');
select is(apply_strands('[]', '[]'), '{"accepted": 0, "rejected": 0, "failed": 0, "postponed": 0}',
  'Nor of none');

select pg_temp.action('good', 'T', 'add');
select is(apply_strands('[{"id": "good", "revision": 1}]', '[]') ->> 'accepted', '0',
  'A verdict on what a strand was before does not stand');
select is(apply_strands('[]', '[{"id": "good", "revision": 1, "errors": []}]') ->> 'rejected', '0',
  'Neither does a refusal');
select is(pg_temp.receipt('good'), 'pending 0 due', 'It is due again');
select is((select action_category from pattern_trade_events), 'entry', 'And has the effect it had');
select pg_temp.accept('good');
select is((select action_category from pattern_trade_events), 'add', 'Until it is judged as it is now');
select pg_temp.action('bad', 'T');
select is(pg_temp.receipt('bad'), 'rejected 0 processed',
  'A refused strand that is written again as it was stays refused');
select pg_temp.action('bad', 'T', 'trim');
select is((select (status, errors)::text from strand_receipts where strand_id = 'bad'),
  ('pending', '[]'::jsonb)::text, 'A refused strand that is changed is due again');
select pg_temp.accept('bad');
select is((select count(*)::integer from pattern_trade_events), 2, 'And arrives');

-- What cannot be made a scope is refused where scopes are made ----------------------------------------------

select pg_temp.action('long', 'T', 'trim',
  jsonb_build_object('scope',
  jsonb_build_object('timeframe', repeat('x', 201), 'A_mode', '[]'::jsonb, 'colour', '{}'::jsonb)));
update ad_strands set regime_context = '{"macro_phase": {}}' where id = 'long';
select is(pg_temp.accept('long'), '{"accepted": 0, "rejected": 1, "failed": 0, "postponed": 0}',
  'A scope that is too long is refused');
select set_eq($$ select reason ->> 'path' as path,
  reason ->> 'message' as message from strand_receipts cross join lateral jsonb_array_elements(errors)
  as reason where strand_id = 'long' $$,
  $$ values ('content.scope.timeframe', 'must have at most 200 characters and has 201'),
    ('content.scope.A_mode', 'must be a text, a number or a boolean'),
    ('regime_context.macro_phase', 'must be a text, a number or a boolean') $$,
      'With every reason and its path');
select pg_temp.action('many', 'T', 'trim', jsonb_build_object('scope', (
  select jsonb_object_agg('k' || place, 'x') from generate_series(1, 257) as place)));
select pg_temp.accept('many');
select is((select errors from strand_receipts where strand_id = 'many'),
  '[{"path": "content.scope", "message": "must have at most 256 keys and has 257"}]',
  'What is wrong with a scope as a whole has its path');
select pg_temp.closing('close', 'T', 6);
update ad_strands set content = jsonb_set(content, '{entry_context}', '{"chain": [1]}') where id = 'close';
select pg_temp.accept('close');
select is((select errors -> 0 ->> 'path' from strand_receipts where strand_id = 'close'),
  'content.entry_context.chain', 'An entry context too');
select is((select count(*)::integer from pattern_trade_events), 0,
  'A close that is refused has no effect any more');
select pg_temp.closing('close', 'T', 6);
select pg_temp.accept('close');
select is((select array_agg(distinct roi) from pattern_trade_events), '{0.06}', 'Until it is mended');

-- One trade that fails keeps no other from arriving ---------------------------------------------------------

create function pg_temp.spoil() returns trigger language plpgsql as $$
begin
  if exists (select from pg_temp.spoilt where trade_id = coalesce(new.trade_id, old.trade_id)) then
    raise exception 'out of luck' using errcode = '54001';
  end if;
  return coalesce(new, old);
end
$$;
create temporary table spoilt (trade_id text);
create trigger spoil before insert or update or delete
  on pattern_trade_events for each row execute function pg_temp.spoil();
delete from learning_log where event <> 'doorbell_failed';
insert into spoilt values ('P');
select pg_temp.action('p1', 'P'), pg_temp.closing('p2', 'P'), pg_temp.action('q1', 'Q'),
  pg_temp.closing('q2', 'Q');
select is(pg_temp.accept('p1', 'p2', 'q1', 'q2'),
  '{"accepted": 2, "rejected": 0, "failed": 2, "postponed": 0,
    "failures": [{"code": "54001", "reason": "out of luck"}]}', 'A trade that cannot be applied is counted');
select is((select array_agg(trade_id) from pattern_trade_events where trade_id in ('P', 'Q')), '{Q}',
  'The others arrive');
select is(pg_temp.receipt('p1') || ', ' || pg_temp.receipt('p2'), 'pending 0 later, pending 0 later',
  'Its strands are tried again later');
select is((select errors from strand_receipts where strand_id = 'p1'),
  '[{"path": "", "message": "out of luck (SQLSTATE 54001)"}]', 'With the reason');
select is((select (level, event, message, details ->> 'sqlstate')::text from learning_log
  where event = 'strands_failed'),
  ('ERROR', 'strands_failed', 'trade P could not be applied and is tried again: out of luck', '54001')::text,
    'Which is told');
select is((select count(*)::integer from learning.closed_trades where trade_id = 'P'), 0,
  'Nothing of it is left behind');
delete from spoilt where true;
select pg_temp.accept('p1', 'p2');
select is(pg_temp.receipt('p1') || ', ' || (select count(*) from pattern_trade_events where trade_id = 'P'),
  'done 0 processed, 1', 'When it works again it arrives');

insert into spoilt values ('P');
select pg_temp.action('p1', 'Q');
select throws_ok($$ select pg_temp.accept('p1') $$, '54001', 'out of luck',
  'A trade that is left by its strand is not left behind: the whole batch is tried again');
select is(pg_temp.receipt('p1'), 'pending 0 due', 'So that its strand is still due');
update ad_strands set content = '{}' where id = 'p1';
select throws_ok($$ select apply_strands('[]', '[{"id": "p1", "revision": 3, "errors": []}]') $$, '54001',
  'out of luck', 'Nor one whose strand is refused');
delete from spoilt where true;
select pg_temp.action('p1', 'Q', 'trim');
select pg_temp.accept('p1');
select is((select array_agg((trade_id, did_trim)::text order by action_strand_id) from pattern_trade_events
  where trade_id in ('P', 'Q')), '{"(Q,t)","(Q,t)"}', 'When it works again the strand has moved');
select is((select action_categories from learning.closed_trades where trade_id = 'P'), '{}',
  'And both trades know');

-- When time is up the rest waits, but for what nothing would remember ---------------------------------------

-- Each trade in a go of its own, as if there were hundreds between them.
create function pg_temp.go_by(size integer) returns void language plpgsql as $$
begin
  execute format('create or replace function learning.most_in_one_go() returns integer language plpgsql
    immutable set search_path = pg_catalog, pg_temp as $body$ begin return %s; end $body$', size);
end
$$;
select pg_temp.go_by(1);
discard plans;
create function pg_temp.slow() returns trigger language plpgsql as $$
begin
  perform pg_sleep(3.1);
  return new;
end
$$;
create trigger slow before insert on pattern_trade_events for each row
  when (new.trade_id = 'A slow one' and new.action_category = 'entry') execute function pg_temp.slow();
select pg_temp.action('s1', 'So it was'), pg_temp.action('s2', 'So it was', 'trim'),
  pg_temp.closing('s3', 'So it was');
select pg_temp.accept('s1', 's2', 's3');
select pg_temp.action('s2', 'A slow one', 'trim'), pg_temp.action('t1', 'The next'),
  pg_temp.closing('t2', 'The next'), pg_temp.action('s4', 'A slow one'), pg_temp.closing('s5', 'A slow one');
select claim_strands();
select is(pg_temp.accept('s2', 's4', 's5', 't1', 't2'),
  '{"accepted": 3, "rejected": 0, "failed": 0, "postponed": 2}', 'What there is no time for is counted');
select is((select count(*)::integer from pattern_trade_events where trade_id = 'A slow one'), 2,
  'What was begun is done');
select is(pg_temp.receipt('t1') || ', ' || pg_temp.receipt('t2'), 'pending 0 due, pending 0 due',
  'The rest is due at once, as if it had not been claimed');
select is((select array_agg((action_strand_id, did_trim)::text) from pattern_trade_events
  where trade_id = 'So it was'), '{"(s1,f)"}', 'What a strand has left knows of it');

-- A trade that runs into the statement timeout is known -----------------------------------------------------

create function pg_temp.stuck() returns trigger language plpgsql as $$
begin
  -- As the server says it; the embedded one has no clock that could.
  raise exception using errcode = '57014', message = 'canceling statement due to statement timeout';
end
$$;
create trigger stuck before insert on pattern_trade_events for each row
  when (new.trade_id = 'B stuck') execute function pg_temp.stuck();
select pg_temp.action('u1', 'A before'), pg_temp.closing('u2', 'A before'), pg_temp.action('v1', 'B stuck'),
  pg_temp.closing('v2', 'B stuck'), pg_temp.action('w1', 'C behind'), pg_temp.closing('w2', 'C behind');
select claim_strands();
create temporary table timed_out as select pg_temp.accept('u1', 'u2', 'v1', 'v2', 'w1', 'w2') as answer;
select is((select answer from timed_out), '{"accepted": 2, "rejected": 0, "failed": 2, "postponed": 2,
  "failures": [{"code": "57014", "reason": "canceling statement due to statement timeout"}]}',
  'What was done before it stands, what comes after it waits for the next batch');
select is(pg_temp.receipt('u1') || ', ' || pg_temp.receipt('v1') || ', ' || pg_temp.receipt('w1'),
  'done 1 processed, pending 1 later, pending 0 due', 'And it is tried again later');

select pg_temp.go_by(250);
discard plans;
select pg_temp.accept('v1', 'v2', 'w1', 'w2') ->> 'failed' as failed into temporary timed_out_together;
select is((select failed from timed_out_together) || ', ' || pg_temp.receipt('w1'), '4, pending 0 later',
  'What was brought in line in one go with it is tried again, too, in smaller company');
select is((select message from learning_log where event = 'strands_failed' order by id desc limit 1),
  'trade B stuck or one of 1 more could not be applied and is tried again: canceling statement due to '
  'statement timeout', 'Which is told');

-- What ended an episode and is refused --------------------------------------------------------------------

create function pg_temp.refuse(id text) returns jsonb language sql as $$
  select public.apply_strands('[]', jsonb_agg(jsonb_build_object('id', receipt.strand_id, 'revision',
    receipt.revision, 'errors', '[{"path": "created_at", "message": "No"}]'::jsonb)))
  from public.strand_receipts receipt where receipt.strand_id = $1;
$$;
create function pg_temp.ended() returns text language sql as $$
  select outcome from pattern_episode_events where strand_id = 'w';
$$;
delete from ad_strands where true;
delete from pattern_episode_events where true;
insert into ad_strands (id, kind, content, created_at) values
  ('w', 'episode_window', '{"episode_id": "E", "pattern_key": "pm.x", "scope": {}, "decision": "skipped",
    "factors": {}}', '2026-01-01'),
  ('o1', 'episode_outcome', '{"episode_id": "E", "outcome": "failure"}', '2026-01-02'),
  ('o2', 'episode_outcome', '{"episode_id": "E", "outcome": "success"}', '2099-01-01');
select pg_temp.accept('w', 'o1', 'o2');
select is(pg_temp.ended(), 'success', 'An outcome of the future held when nobody refused it');
select learning.doubt_impossible_times();
select pg_temp.refuse('o2');
select is(pg_temp.ended(), 'failure', 'Refused, it leaves the episode to the outcome before it');
update ad_strands set created_at = '2026-01-03' where id = 'o2';
select pg_temp.accept('o2');
update ad_strands set created_at = '2099-01-01' where id = 'o2';
select pg_temp.refuse('o2');
select is(pg_temp.ended(), 'failure', 'So does a sound one that was moved there');
update ad_strands set created_at = '2026-01-03' where id = 'o2';
select pg_temp.accept('o2');
update ad_strands set module = repeat('m', 101) where id = 'o2';
select pg_temp.refuse('o2');
select is(pg_temp.ended(), 'failure', 'or changed in anything else');
insert into ad_strands (id, kind, content, created_at) values ('s', 'uptrend_episode_summary',
  '{"episode_id": "E", "pattern_key": "pm.x", "scope": {}, "outcome": "success", "windows": []}', '2026-01-04');
select pg_temp.accept('s');
update ad_strands set regime_context = '{"macro_phase": {}}' where id = 's';
select pg_temp.accept('s');
select is(pg_temp.ended(), 'failure', 'and a summary that ended the windows of others');

select * from finish();
rollback;
