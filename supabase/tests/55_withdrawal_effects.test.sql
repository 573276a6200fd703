begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(23);

delete from ad_strands where true;
delete from learning.withdrawn_strands where true;
delete from learning.closed_trades where true;
delete from pattern_trade_events where true;
delete from pattern_episode_events where true;
delete from timeframe_allocation_steps where true;
delete from learning.mining_groups where true;
delete from learning_log where true;
update learning.allocation_replay set began_from = null, goes_on_from = null where true;

create function pg_temp.accept_all() returns void language sql as $$
  select apply_strands((
    select jsonb_agg(jsonb_build_object('id', strand_id, 'revision', revision))
    from strand_receipts where status = 'pending'
  ), '[]');
$$;
create function pg_temp.tell(trade text, timeframe text, roi_pct float8, day integer) returns void
language sql as $$
  insert into ad_strands (id, kind, module, timeframe, content, created_at) values
    (trade || ' entry', 'pm_action', 'pm', timeframe, jsonb_build_object('trade_id', trade,
      'pattern_key', 'pm.a.S1.x', 'action_category', 'entry', 'scope', '{}'::jsonb),
      make_timestamptz(2026, 1, day, 0, 0, 0, 'UTC')),
    (trade || ' close', 'position_closed', 'pm', timeframe, jsonb_build_object('trade_id', trade,
      'entry_context', '{}'::jsonb, 'completed_trades', '[]'::jsonb, 'trade_summary', jsonb_build_object(
        'rr', 1, 'rpnl_pct', roi_pct, 'entry_timestamp', make_timestamptz(2026, 1, day, 0, 0, 0, 'UTC'),
        'exit_timestamp', make_timestamptz(2026, 1, day, 5, 0, 0, 'UTC'))),
      make_timestamptz(2026, 1, day, 5, 0, 0, 'UTC'));
$$;
create function pg_temp.steps() returns text[] language sql as $$
  select array_agg(trade_id || ' ' || n[4] || ' ' || shares::numeric(8, 6)[]::text order by exit_at)
  from timeframe_allocation_steps
$$;
create temporary table wanted as select null::text[] as steps;

-- A trade ---------------------------------------------------------------------------------------------------

-- What it comes to without the second trade.
select pg_temp.tell('A', '15m', 5, 1);
select pg_temp.tell('C', '4h', -2, 3);
select pg_temp.tell('D', '15m', 7, 4);
select pg_temp.accept_all();
update wanted set steps = pg_temp.steps();
select pg_temp.tell('B', '1h', 30, 2);
select pg_temp.accept_all();
select isnt(pg_temp.steps(), (select steps from wanted), 'A trade changes every step after it');
update learning.mining_groups set mined_version = evidence_version where true;

delete from ad_strands where id = 'B close';
select is((select count(*)::integer from pattern_trade_events where trade_id = 'B'), 1,
  'What was learned from a deleted strand stands until the sweep');
select is(learning.withdraw_effects(), 1, 'The sweep takes it back');
select is((select count(*)::integer from pattern_trade_events where trade_id = 'B'), 0, 'Its events');
select is((select count(*)::integer from learning.closed_trades where trade_id = 'B'), 0, 'The closed trade');
select is((select goes_on_from from learning.allocation_replay), '2026-01-02 05:00+00',
  'And leaves the replay from the place of the trade to what follows it');
select learning.replay_allocation();
select is(pg_temp.steps(), (select steps from wanted), 'Which comes to the steps as if it had never been');
select ok((select evidence_version > mined_version from learning.mining_groups where pattern_key = 'pm.a.S1.x'),
  'Its group is mined anew');
select is((select count(*)::integer from learning.withdrawn_strands), 0, 'That is over then');
select is((select array_agg(event) from learning_log where event = 'strands_withdrawn'), '{strands_withdrawn}',
  'The log says so');
select pg_temp.tell('E', '1h', 3, 6);
select pg_temp.accept_all();
delete from ad_strands where id = 'D entry';
select learning.withdraw_effects();
select is((select array_agg(trade_id order by trade_id) from pattern_trade_events), '{A,C,E}',
  'An action takes its event along');
select is((select array_agg(trade_id order by trade_id) from learning.closed_trades), '{A,C,D,E}',
  'Not its trade');
select is(learning.withdraw_effects(), 0, 'Where nothing was deleted nothing is done');

-- A strand that comes back before the sweep -----------------------------------------------------------------

delete from ad_strands where id in ('E entry', 'E close');
select pg_temp.tell('E', '1h', 3, 6);
select learning.withdraw_effects();
select is((select count(*)::integer from pattern_trade_events where trade_id = 'E'), 0,
  'What was deleted and written anew waits for its verdict');
select pg_temp.accept_all();
select is((select count(*)::integer from pattern_trade_events where trade_id = 'E'), 1, 'And counts again');
update ad_strands set content = content || '{"trade_id": "F"}' where id = 'E entry';
delete from ad_strands where id = 'E entry';
select learning.withdraw_effects();
select is((select count(*)::integer from pattern_trade_events where trade_id = 'E'), 0,
  'One that named another trade before it was deleted leaves the one that it counted for');

-- An episode ------------------------------------------------------------------------------------------------

insert into ad_strands (id, kind, content, created_at) values
  ('w1', 'episode_window', '{"episode_id": "E", "pattern_key": "pm.a.S1.x", "scope": {},
    "decision": "skipped", "factors": {}}', '2026-01-01'),
  ('w2', 'episode_window', '{"episode_id": "E", "pattern_key": "pm.a.S1.x", "scope": {},
    "decision": "skipped", "factors": {}}', '2026-01-02'),
  ('o1', 'episode_outcome', '{"episode_id": "E", "outcome": "failure"}', '2026-01-03'),
  ('o2', 'episode_outcome', '{"episode_id": "E", "outcome": "success"}', '2026-01-04');
select pg_temp.accept_all();
select is((select array_agg(distinct outcome) from pattern_episode_events), '{success}', 'The newest outcome holds');
delete from ad_strands where id in ('o2', 'w2');
select is(learning.withdraw_effects(), 2, 'A window and an outcome');
select is((select array_agg(strand_id || ' ' || outcome) from pattern_episode_events), '{"w1 failure"}',
  'The window goes, and the outcome before it holds again');
update ad_strands set content = '{"episode_id": "E", "outcome": "nonsense"}' where id = 'o1';
select apply_strands('[]', (select jsonb_agg(jsonb_build_object('id', strand_id, 'revision', revision,
  'errors', '[{"path": "content.outcome", "message": "no"}]'::jsonb)) from strand_receipts
  where strand_id = 'o1'));
select learning.withdraw_effects();
select is((select array_agg(strand_id || ' ' || coalesce(outcome, 'open')) from pattern_episode_events),
  '{"w1 open"}', 'An outcome that became nonsense is taken back');

-- Pieces and failures ---------------------------------------------------------------------------------------

delete from ad_strands where id in ('A entry', 'C entry');
select is(learning.withdraw_effects('0 seconds'), 1, 'Without patience one trade is done');
select is((select count(*)::integer from learning.withdrawn_strands), 1, 'The other is left for the next time');
create function pg_temp.fail() returns trigger language plpgsql as $$ begin raise 'disk on fire'; end $$;
create trigger fail before delete on pattern_trade_events for each row execute function pg_temp.fail();
select learning.withdraw_effects();
drop trigger fail on pattern_trade_events;
select results_eq(
  $$ select attempts, next_attempt_at > clock_timestamp() from learning.withdrawn_strands $$,
  $$ values (1, true) $$, 'What fails is tried again later');

select * from finish();
rollback;
