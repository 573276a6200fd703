begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(16);

delete from learning_log where true;
delete from learning.doorbells where true;
delete from net._http_response where true;

create function pg_temp.told(health learning.stage_health) returns text language sql as $$
  select concat_ws(' ', health.backlog, coalesce((now() - health.oldest_waiting_at)::text, '-'),
    coalesce((now() - health.last_success_at)::text, '-'), health.failures);
$$;

-- Inbox -------------------------------------------------------------------------------------------------

insert into ad_strands (id, kind) values ('a', 'pm_action'), ('b', 'pm_action'), ('c', 'position_closed'),
  ('d', 'note');
update strand_receipts set received_at = now() - interval '1 hour' where strand_id = 'a';
update strand_receipts
set status = 'done', next_attempt_at = null, processed_at = now() - interval '10 minutes'
where strand_id = 'b';
select is(pg_temp.told(learning.inbox_health()), '2 01:00:00 00:10:00 0', 'Strands without an effect wait');
select is((learning.inbox_health()).problem, null, 'As long as others are dealt with they are only late');
update strand_receipts set processed_at = now() - interval '20 minutes' where strand_id = 'b';
select matches(
  (learning.inbox_health()).problem, '^2 strands wait since .* UTC and nobody comes for them$',
  'When none is they are stuck'
);
update strand_receipts
set received_at = now(), errors = '[{"path": "", "message": "Out of space (SQLSTATE 53100)"}]'
where strand_id = 'a';
select is(
  (learning.inbox_health()).problem,
  '1 strand could not be applied and will be tried again, the last one: Out of space (SQLSTATE 53100)',
  'A failure is told with its reason'
);
update strand_receipts set errors = '[]' where strand_id = 'a';
update strand_receipts
set status = 'rejected', processed_at = now(), next_attempt_at = null,
  errors = '[{"path": "content.trade_id", "message": "Required"}, {"path": "x", "message": "y"}]'
where strand_id = 'c';
select is(
  (learning.inbox_health()).problem,
  '1 strand was rejected within a day, the last one c: content.trade_id Required; '
  'strand_receipts has every reason',
  'So is a refusal'
);
select is(split_part(pg_temp.told(learning.inbox_health()), ' ', 4), '1', 'Which counts as a failure');
update strand_receipts set processed_at = now() - interval '25 hours' where strand_id = 'c';
select is((learning.inbox_health()).problem, null, 'For a day');
select learning.write_log('ERROR', 'aggregate-strands', 'invocation_failed', 'claim_strands failed: no');
select matches(
  (learning.inbox_health()).problem, '^aggregate-strands failed at .*: claim_strands failed: no$',
  'A function that failed is heard'
);
delete from learning_log where true;

-- Mining and materialisation ----------------------------------------------------------------------------

insert into pattern_trade_events (
  action_strand_id, trade_id, module, pattern_key, action_category, scope, scope_mask, roi, rr,
  duration_hours, did_trim, reached_s3, acted_at, traded_at, created_at, scope_codes
)
values (
  'b', 't', 'pm', 'pm.a', 'entry', '{}', 0, 0.1, 1, 1, false, false, now(), now(),
  now() - interval '30 minutes', '{}'
);
select learning.mark_groups_changed(array[('pm', 'pm.a', 'entry')]::learning.group_key[]);
update learning.mining_cycles set cycle = cycle + 1 where family = 'strength';
select is(
  pg_temp.told(learning.mining_health('strength', 'mine-lessons')), '1 00:30:00 - 0',
  'A group that was never mined waits since its first event'
);
update pattern_trade_events set created_at = now() - interval '4 hours' where true;
select matches(
  (learning.mining_health('strength', 'mine-lessons')).problem,
  '^1 group was not mined in time, the oldest since ', 'Too long is too long'
);
update learning.mining_groups set mined_at = now() - interval '26 hours' where pattern_key = 'pm.a';
select is(
  pg_temp.told(learning.mining_health('strength', 'mine-lessons')), '1 1 day 02:00:00 1 day 02:00:00 0',
  'One that was mined waits since then'
);
select is(
  (learning.mining_health('strength', 'mine-lessons')).problem, null,
  'A day is what it has to wait without a change'
);
select learning.write_log('ERROR', 'mine-lessons', 'mining_failed', 'pm.a entry could not be mined');
select matches(
  (learning.mining_health('strength', 'mine-lessons')).problem,
  '^failed at .*: pm.a entry could not be mined$', 'A failure is told'
);

insert into learning_lessons (
  module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n, stats, status, updated_at
)
values ('pm', 'pm.a', 'entry', '{}', 0, 'pm_strength', 40, '{}', 'active', now() - interval '4 hours');
select matches(
  (learning.materialization_health()).problem, '^1 change of lessons has not been taken over since ',
  'A lesson without its override waits'
);
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, lesson_id)
select 'pm_strength', 'pm.a', 'entry', '{}', lesson.id from learning_lessons lesson
where lesson.pattern_key = 'pm.a';
select is(pg_temp.told(learning.materialization_health()), '0 - - 0', 'With it nothing waits');
update learning_lessons set status = 'deprecated' where pattern_key = 'pm.a';
select is(
  pg_temp.told(learning.materialization_health()), '1 04:00:00 - 0',
  'An override waits for the end of its lesson to be taken over'
);

select * from finish();
rollback;
