begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(18);

delete from ad_strands where true;
delete from learning.withdrawn_strands where true;
delete from learning.closed_trades where true;
delete from pattern_trade_events where true;
delete from pattern_episode_events where true;
delete from learning_log where true;
update learning.receipt_search set searched_to = '', found = 0, found_at = null where true;

insert into ad_strands (id, kind, module, content, created_at) values
  ('entry', 'pm_action', 'pm', '{"trade_id": "T", "pattern_key": "pm.a", "action_category": "entry",
    "scope": {}}', '2026-01-01'),
  ('close', 'position_closed', 'pm', '{"trade_id": "T", "entry_context": {}, "trade_summary": {"rr": 1,
    "rpnl_pct": 5, "entry_timestamp": "2026-01-01", "exit_timestamp": "2026-01-02"}}', '2026-01-02'),
  ('open', 'pm_action', 'pm', '{"trade_id": "U", "pattern_key": "pm.a", "action_category": "entry",
    "scope": {}}', '2026-01-03'),
  ('window', 'episode_window', 'pm', '{"episode_id": "E", "pattern_key": "pm.a", "scope": {},
    "decision": "skipped", "factors": {}}', '2026-01-03'),
  ('', 'pm_action', 'pm', '{}', '2026-01-03'),
  ('note', 'note', 'pm', '{}', '2026-01-03');
select apply_strands((select jsonb_agg(jsonb_build_object('id', strand_id, 'revision', revision))
  from strand_receipts where strand_id <> ''), '[]');
select is(learning.find_lost_receipts(), 0::bigint, 'Where every strand has its receipt nothing is found');
create temporary table events_before as select * from pattern_trade_events;
select is((select problem from learning.inbox_gaps()), null, 'And health has nothing to say');

truncate strand_receipts;
select is((select missing_receipts from learning.inbox_gaps()), 5::bigint,
  'Health counts those that lost theirs, the empty id included, and not what learning does not read');
select is((select problem from learning.inbox_gaps()),
  '5 of the newest strands have no receipt; the sweep gives them one', 'And says so');
select learning.sweep();
select results_eq(
  $$ select strand_id, status, next_attempt_at is not null, processed_at is not null, event_at
    from strand_receipts order by strand_id $$,
  $$ values ('', 'pending', true, false, '2026-01-03'::timestamptz), ('close', 'done', false, true, '2026-01-02'),
    ('entry', 'done', false, true, '2026-01-01'), ('open', 'pending', true, false, '2026-01-03'),
    ('window', 'done', false, true, '2026-01-03') $$,
  'The sweep gives each a receipt: done where its effect stands, due where it has to be judged');
select matches((select problem from learning_health where stage = 'inbox'),
  '5 strands were found without a receipt', 'Health tells for a day that it happened');
select results_eq($$ select level, event, (details ->> 'strands')::integer from learning_log
    where event = 'receipts_missing' $$,
  $$ values ('WARNING', 'receipts_missing', 5) $$, 'So does the log');
select apply_strands((select jsonb_agg(jsonb_build_object('id', strand_id, 'revision', revision))
  from strand_receipts where strand_id = 'open'), '[]');
select results_eq('select * from pattern_trade_events', 'select * from events_before',
  'No event was made twice, or made anew');

-- A strand that never got one, as with triggers off.
alter table ad_strands disable trigger receive_new_strands;
insert into ad_strands (id, kind, module, content, created_at) values
  ('unseen', 'pm_action', 'pm', '{"trade_id": "T", "pattern_key": "pm.b", "action_category": "add",
    "scope": {}}', '2026-01-01 12:00');
alter table ad_strands enable trigger receive_new_strands;
select learning.sweep();
select is((select status from strand_receipts where strand_id = 'unseen'), 'pending', 'It is found');
select apply_strands((select jsonb_agg(jsonb_build_object('id', strand_id, 'revision', revision))
  from strand_receipts where strand_id = 'unseen'), '[]');
select is((select count(*)::integer from pattern_trade_events where trade_id = 'T'), 2, 'And takes effect');

-- Slices ----------------------------------------------------------------------------------------------------

delete from strand_receipts where true;
select results_eq($$ select * from learning.give_receipts('', 3) $$, $$ values ('entry', 3, 3) $$,
  'A slice is looked at from an id on, in their order');
select results_eq($$ select * from learning.give_receipts('entry', 3) $$, $$ values ('open', 3, 1) $$,
  'The next one begins where it ended');
delete from strand_receipts where strand_id = 'close';
update learning.receipt_search set searched_to = 'open' where true;
select is(learning.find_lost_receipts(), 2::bigint, 'A search goes on where it came to');
select is((select searched_to from learning.receipt_search), '', 'Its end is the next one''s beginning');
select is(learning.find_lost_receipts(), 1::bigint, 'Which finds what lies before');
update ad_strands set kind = 'note' where id = 'open';
delete from strand_receipts where strand_id = 'open';
select is(learning.find_lost_receipts(), 0::bigint, 'A strand of another kind needs none');
update learning.receipt_search set found_at = now() - interval '25 hours' where true;
delete from learning.withdrawn_strands where true;
insert into learning.withdrawn_strands (strand_id, kind, subject, withdrawn_at)
values ('x', 'trade', 'X', now() - interval '20 minutes');
select matches((select problem from learning.inbox_gaps()),
  '^the effect of 1 strand deleted since .* is not taken back yet; select learning.withdraw_effects',
  'Health says when the effect of deleted strands is not taken back');

-- Windows of other strands ----------------------------------------------------------------------------------

delete from ad_strands where true;
insert into ad_strands (id, kind, content, created_at) values
  ('held back', 'pm_action', '{"episode_id": "H", "trade_id": null, "decision_type": "shadow_entry",
    "pattern_key": "pm.a", "scope": {}, "blocked_by": ["ts"], "gate_margins": {}}', '2026-01-01'),
  ('summary', 'uptrend_episode_summary', '{"episode_id": "H", "pattern_key": "pm.a", "scope": {},
    "outcome": "success", "windows": [{"decision": "skipped"}]}', '2026-01-02');
select apply_strands((select jsonb_agg(jsonb_build_object('id', strand_id, 'revision', revision))
  from strand_receipts), '[]');
delete from strand_receipts where true;
select learning.find_lost_receipts();
select set_eq('select strand_id, status from strand_receipts',
  $$ values ('held back', 'done'), ('summary', 'done') $$,
  'An entry that was held back and a summary are done where their windows stand');

select * from finish();
rollback;
