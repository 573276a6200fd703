begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(23);

delete from ad_strands where true;
delete from learning.withdrawn_strands where true;

create function pg_temp.withdrawn() returns text[] language sql as $$
  select coalesce(array_agg(strand_id || ' ' || kind || ' ' || subject order by strand_id), '{}')
  from learning.withdrawn_strands
$$;

-- Deleted strands -------------------------------------------------------------------------------------------

insert into ad_strands (id, kind, content) values
  ('action', 'pm_action', '{"trade_id": "T"}'), ('close', 'position_closed', '{"trade_id": "T"}'),
  ('allocation', 'dm_action', '{"trade_id": "T"}'), ('window', 'episode_window', '{"episode_id": "E"}'),
  ('outcome', 'episode_outcome', '{"episode_id": "E"}'), ('note', 'note', '{"trade_id": "T"}'),
  ('nameless', 'pm_action', '{}');
insert into learning.pruned_subjects (kind, subject) values ('trade', 'P');
insert into ad_strands (id, kind, content) values ('late', 'pm_action', '{"trade_id": "P"}');
delete from ad_strands where true;
select is(pg_temp.withdrawn(),
  '{"action trade T","allocation trade T","close trade T","outcome episode E","window episode E"}',
  'What is deleted is remembered with its trade or episode, but for what has none and what was pruned');
select is((select count(*)::integer from strand_receipts), 0, 'The delete itself does no more than that');
select is((select count(*)::integer from pattern_trade_events where trade_id = 'T'), 0, 'Nor does it make any');
delete from learning.withdrawn_strands where true;

-- Many at once ----------------------------------------------------------------------------------------------

insert into ad_strands (id, kind, content)
select 'many ' || i, 'pm_action', '{"trade_id": "M"}' from generate_series(1, 1001) i;
select throws_ok($$ delete from ad_strands where id like 'many%' $$, '55000',
  'Refused to delete 1001 strands in one statement: it would take back everything that was learned from them',
  'More than a thousand are not deleted by mistake');
select is((select count(*)::integer from ad_strands where id like 'many%'), 1001, 'All are still there');
create function pg_temp.hint_of(statement text) returns text language plpgsql as $$
declare
  hint text;
begin
  execute statement;
  return null;
exception when others then
  get stacked diagnostics hint = pg_exception_hint;
  return hint;
end
$$;
select matches(pg_temp.hint_of($$ delete from ad_strands where id like 'many%' $$),
  'set local learning.withdraw = ''on''.*select prune_strands', 'The hint says both ways out');
select throws_ok($$ truncate ad_strands cascade $$, '55000',
  'Refused to truncate the strands: it would take back everything that was learned from them',
  'Nor is the table emptied by mistake');
delete from ad_strands where id = 'many 1';
select is(pg_temp.withdrawn(), '{"many 1 trade M"}', 'One of them is');
select lives_ok($$ delete from ad_strands where id like 'many%' $$, 'And a thousand are');
delete from learning.withdrawn_strands where true;
insert into ad_strands (id, kind, content)
select 'many ' || i, 'pm_action', '{"trade_id": "M"}' from generate_series(1, 1001) i;
set local learning.withdraw = 'off';
select throws_ok($$ delete from ad_strands where id like 'many%' $$, '55000', null, 'off is not on');
set local learning.withdraw = 'on';
select lives_ok($$ delete from ad_strands where id like 'many%' $$, 'Whoever says that he means it may');
select is((select count(*)::integer from learning.withdrawn_strands), 1001, 'All of them are remembered');
delete from learning.withdrawn_strands where true;
insert into ad_strands (id, kind, content) values ('action', 'pm_action', '{"trade_id": "T"}');
truncate ad_strands cascade;
select is(pg_temp.withdrawn(), '{"action trade T"}', 'So is what was truncated');
reset learning.withdraw;
delete from learning.withdrawn_strands where true;

-- Changed strands -------------------------------------------------------------------------------------------

insert into ad_strands (id, kind, content) values
  ('outcome', 'episode_outcome', '{"episode_id": "E"}'), ('close', 'position_closed', '{"trade_id": "T"}'),
  ('action', 'pm_action', '{"trade_id": "T"}');
update ad_strands set symbol = 'X' where true;
update ad_strands set content = '{"trade_id": "U"}' where id = 'action';
select is(pg_temp.withdrawn(), '{}', 'A strand that tells of another trade is found by what rests on it');
update ad_strands set content = '{"episode_id": "F"}' where id = 'outcome';
select is(pg_temp.withdrawn(), '{"outcome episode E"}', 'Nothing rests on an outcome: its episode is remembered');
update ad_strands set content = '{}' where id = 'close';
update ad_strands set kind = 'note' where id = 'action';
select is(pg_temp.withdrawn(), '{"action trade U","close trade T","outcome episode E"}',
  'So is the trade of one that names none any more');
select is((select count(*)::integer from learning.withdrawn_strands where next_attempt_at <= now()), 3,
  'Their turn is the next one');

-- Names that are none ---------------------------------------------------------------------------------------

-- A kilobyte that would be more than a gigabyte as text.
create function pg_temp.monster(key text) returns jsonb language sql as $$
  select jsonb_build_object(key, ('[' || repeat('1e131071,', 8999) || '1e131071]')::jsonb);
$$;
delete from ad_strands where true;
delete from learning.withdrawn_strands where true;
insert into ad_strands (id, kind, content, created_at) values
  ('m1', 'pm_action', pg_temp.monster('trade_id'), '2025-01-01'),
  ('m2', 'episode_outcome', pg_temp.monster('episode_id'), '2025-01-01'),
  ('m3', 'position_closed', pg_temp.monster('trade_id'), '2025-01-01'),
  ('m4', 'dm_action', pg_temp.monster('trade_id'), '2025-01-01');
select lives_ok($$ update ad_strands set content = content || '{"a": 1}' where id ~ '^m' $$,
  'A strand whose trade or episode is no text can be changed');
select is((select array_agg(kind || ' ' || subject || ' ' || strand_ids::text order by kind)
  from learning.touched_subjects('[{"id": "m1"}]', '[{"id": "m2"}]')), '{"trade  {m1}"}', 'names none');
select lives_ok($$ delete from ad_strands where id in ('m1', 'm2') $$, 'can be deleted');
update strand_receipts set status = 'done', next_attempt_at = null, processed_at = now() where strand_id = 'm3';
select is(prune_strands('2025-06-01') ->> 'strands', '1', 'or pruned');
set local learning.withdraw = 'on';
select lives_ok('truncate ad_strands cascade', 'and keeps nobody from emptying the table');
reset learning.withdraw;
select is((learning.subject_of_strand('pm_action', jsonb_build_object('trade_id', repeat('x', 1000))) is null,
  learning.subject_of_strand('pm_action', jsonb_build_object('trade_id', repeat('x', 1001))) is null,
  learning.subject_of_strand('pm_action', '{"trade_id": 5}') is null)::text, '(f,t,t)',
  'Nor is one a name that is longer than an id may be');

select * from finish();
rollback;
