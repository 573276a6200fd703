begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(4);

delete from ad_strands where true;

insert into ad_strands (id, kind, content, created_at) values
  ('p1', 'pm_action', '{"trade_id": "P", "pattern_key": "pm.x", "action_category": "entry"}', '2025-01-15'),
  ('p2', 'position_closed', '{"trade_id": "P"}', '2025-01-16'),
  ('q1', 'pm_action', '{"trade_id": "Q", "pattern_key": "pm.x", "action_category": "trim"}', '2025-01-15'),
  ('q2', 'position_closed', '{"trade_id": "Q"}', '2025-01-16');
update ad_strands set content = content
  || '{"trade_summary": {"rr": 1, "rpnl_pct": 5, "entry_timestamp": "2025-01-15",
    "exit_timestamp": "2025-01-16"}}'
where kind = 'position_closed';
update strand_receipts set status = 'done' where true;
select learning.apply_trade('P'), learning.apply_trade('Q');
update ad_strands set content = jsonb_set(content, '{trade_id}', '"Q"') where id = 'p1';
-- Subjects --------------------------------------------------------------------------------------------------

insert into ad_strands (id, kind, content) values ('w', 'episode_window', '{"episode_id": "E"}'),
  ('o', 'episode_outcome', '{"episode_id": "E"}'), ('n', 'note', '{}');
select results_eq($$ select kind, subject,
  strand_ids from learning.touched_subjects('[{"id": "q1"}, {"id": "p1"}, {"id": "p2"}, {"id": "w"},
  {"id": "o"}]', '[{"id": "q2"}]') $$,
  $$ values ('episode', 'E', '{w,o}'::text[]), ('trade', 'P', '{p2}'), ('trade', 'Q', '{q1,p1}') $$,
    'Judged strands touch the trades and episodes they belong to');
update ad_strands set content = '{"trade_id": "R"}' where id in ('q1', 'p2');
select results_eq($$ select kind, subject,
  strand_ids from learning.touched_subjects('[{"id": "q1"}]', '[{"id": "p2"}]') $$,
  $$ values ('trade', 'P', '{}'::text[]), ('trade', 'Q', '{}'), ('trade', 'R', '{q1}') $$,
    'And those they belonged to');

-- Locks -----------------------------------------------------------------------------------------------------

select ok(learning.lock_subjects('[{"id": "q1"}]', '[{"id": "p2"}]'),
  'What nobody else holds is locked at once');
select is((select count(*)::integer from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()), 3,
  'Every subject that the verdicts touch');

select * from finish();
rollback;
