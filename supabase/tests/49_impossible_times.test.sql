begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(2);

delete from ad_strands where true;
delete from pattern_trade_events where true;
delete from learning.closed_trades where true;
insert into ad_strands (id, kind, content, created_at)
select closing.id, 'position_closed', jsonb_build_object('trade_id', closing.id, 'trade_summary',
  jsonb_build_object('rr', 1, 'rpnl_pct', 5, 'entry_timestamp', closing.entered, 'exit_timestamp', closing.exited)),
  closing.created_at
from (values
  ('sound', '2025-01-15', '2025-01-16', '2025-01-16'::timestamptz),
  ('ahead', '2025-01-15', (now() + interval '23 hours')::text, now()),
  ('closed in the future', '2025-01-15', '2199-01-16', '2025-01-16'),
  ('entered long ago', '1970-01-01', '2025-01-16', '2025-01-16'),
  ('of the future', '2025-01-15', '2025-01-16', '2099-01-16'),
  ('refused', '2025-01-15', '2025-01-16', '2099-01-16')
) as closing(id, entered, exited, created_at);
insert into ad_strands (id, kind, content, created_at)
select 'action ' || strand.id, 'pm_action', jsonb_build_object('trade_id', strand.id, 'pattern_key', 'pm.x',
  'action_category', 'entry', 'scope', '{}'::jsonb), '2025-01-15'
from ad_strands strand where strand.id not in ('of the future', 'refused');
insert into ad_strands (id, kind, content, created_at) values
  ('window', 'episode_window', '{"episode_id": "e"}', now() + interval '2 days');
update strand_receipts set status = case strand_id when 'refused' then 'rejected' else 'done' end,
  next_attempt_at = null, processed_at = now() where true;
select learning.apply_trade(strand.id) from ad_strands strand where strand.kind = 'position_closed';

select is(learning.doubt_impossible_times(), 4, 'What took effect with a time that no event can have is counted');
select is((select array_agg(concat_ws(' ', strand_id, revision, next_attempt_at <= now()) order by strand_id)
  from strand_receipts where status = 'pending'),
  '{"closed in the future 2 t","entered long ago 2 t","of the future 2 t","window 2 t"}', 'And judged anew');

select * from finish();
rollback;
