begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(20);

delete from ad_strands where true;
delete from learning.withdrawn_strands where true;
delete from learning.pruned_subjects where true;
delete from learning.closed_trades where true;
delete from pattern_trade_events where true;
delete from pattern_episode_events where true;
delete from timeframe_allocation_steps where true;
delete from learning_log where true;

create function pg_temp.accept_all() returns integer language plpgsql as $$
declare
  answer jsonb;
  accepted integer := 0;
begin
  -- A batch that takes more than three seconds postpones the rest of it.
  loop
    answer := apply_strands((
      select coalesce(jsonb_agg(jsonb_build_object('id', strand_id, 'revision', revision)), '[]')
      from strand_receipts where status = 'pending' and strand_id not like 'waiting%'
    ), '[]');
    accepted := accepted + (answer ->> 'accepted')::integer;
    exit when answer ->> 'postponed' = '0';
  end loop;
  return accepted;
end
$$;
create function pg_temp.tell(trade text, entered date, closed date) returns void language sql as $$
  insert into ad_strands (id, kind, module, timeframe, content, created_at) values
    (trade || ' entry', 'pm_action', 'pm', '1h', jsonb_build_object('trade_id', trade, 'pattern_key', 'pm.a',
      'action_category', 'entry', 'scope', '{}'::jsonb), entered),
    (trade || ' close', 'position_closed', 'pm', '1h', jsonb_build_object('trade_id', trade,
      'entry_context', '{}'::jsonb, 'trade_summary', jsonb_build_object('rr', 1, 'rpnl_pct', 5,
        'entry_timestamp', entered, 'exit_timestamp', closed)), closed);
$$;
create function pg_temp.effect() returns setof text language sql as $$
  select event::text from pattern_trade_events event
  union all select trade::text from learning.closed_trades trade
  union all select episode::text from pattern_episode_events episode
  union all select step::text from timeframe_allocation_steps step
$$;

select pg_temp.tell('old', '2025-01-01', '2025-01-02');
select pg_temp.tell('across', '2025-05-31', '2025-06-02');
select pg_temp.tell('corrected', '2025-01-01', '2025-01-03');
select pg_temp.tell('new', '2025-07-01', '2025-07-02');
select pg_temp.tell('told late', '2025-01-01', '2025-01-02');
update ad_strands set created_at = '2025-06-15' where id = 'told late entry';
insert into ad_strands (id, kind, module, content, created_at) values
  ('open entry', 'pm_action', 'pm', '{"trade_id": "open", "pattern_key": "pm.a", "action_category": "entry",
    "scope": {}}', '2025-01-01'),
  ('window', 'episode_window', 'pm', '{"episode_id": "E", "pattern_key": "pm.a", "scope": {},
    "decision": "skipped", "factors": {}}', '2025-01-01'),
  ('outcome', 'episode_outcome', 'pm', '{"episode_id": "E", "outcome": "success"}', '2025-01-02'),
  ('open window', 'episode_window', 'pm', '{"episode_id": "F", "pattern_key": "pm.a", "scope": {},
    "decision": "skipped", "factors": {}}', '2025-01-01'),
  ('note', 'note', 'pm', '{}', '2025-01-01'), ('new note', 'note', 'pm', '{}', '2025-07-01'),
  ('bad', 'pm_action', 'pm', '{"trade_id": "bad"}', '2025-01-01'),
  ('waiting note', 'pm_action', 'pm', '{"trade_id": "old"}', '2025-07-01');
select apply_strands('[]', (select jsonb_agg(jsonb_build_object('id', strand_id, 'revision', revision,
  'errors', '[{"path": "", "message": "no"}]'::jsonb)) from strand_receipts where strand_id = 'bad'));
select pg_temp.accept_all();
delete from ad_strands where id = 'waiting note';
insert into ad_strands (id, kind, module, content, created_at)
values ('waiting', 'pm_action', 'pm', '{"trade_id": "corrected"}', '2025-01-01');
delete from learning.withdrawn_strands where true;
create temporary table effect_before as select * from pg_temp.effect() as line;

-- What goes and what stays ----------------------------------------------------------------------------------

select is(prune_strands('2025-06-01'),
  '{"strands": 6, "trades": 1, "episodes": 1, "more": false}',
  'Strands older than the time are removed');
select set_eq('select id from ad_strands',
  $$ values ('across entry'), ('across close'), ('new entry'), ('new close'), ('open entry'),
    ('open window'), ('new note'), ('told late entry'), ('told late close'), ('corrected entry'), ('corrected close'), ('waiting') $$,
  'Not those of a trade that goes on later, is open or waits for a verdict, nor of an episode without an outcome');
select is(learning.withdraw_effects(), 1, 'Only the refused one, on which nothing rests, is looked at again');
select set_eq('select * from pg_temp.effect()', 'select line from effect_before',
  'What was learned stays: events, trades, windows, steps');
select is(prune_strands('2025-06-01') ->> 'strands', '0', 'A second time there is nothing to remove');
delete from ad_strands where id = 'waiting';
delete from learning.withdrawn_strands where true;
select is(prune_strands('2025-06-01'),
  '{"strands": 2, "trades": 1, "episodes": 0, "more": false}',
  'A trade whose strands have all been judged is');

-- What comes late -------------------------------------------------------------------------------------------

delete from learning_log where true;
select pg_temp.tell('old', '2025-01-01', '2025-01-05');
insert into ad_strands (id, kind, module, content, created_at) values
  ('late outcome', 'episode_outcome', 'pm', '{"episode_id": "E", "outcome": "failure"}', '2025-08-02');
select is(pg_temp.accept_all(), 3, 'A strand of a pruned trade or episode is done');
select set_eq('select * from pg_temp.effect()', 'select line from effect_before', 'And changes nothing');
select results_eq($$ select level, message from learning_log where event = 'strands_late' $$,
  $$ values ('WARNING', '3 strands tell of trades or episodes whose strands were pruned and changed nothing: '
    'late outcome, old close, old entry') $$, 'Which is said');
delete from ad_strands where id like 'old %';
select is((select count(*)::integer from learning.withdrawn_strands), 0, 'Nor does their going');
select learning.replay_allocation('-infinity');
select set_eq('select * from pg_temp.effect()', 'select line from effect_before',
  'A replay from the beginning knows the pruned trades');

-- Bounds ----------------------------------------------------------------------------------------------------

select throws_ok('select prune_strands(null)', '22023', null, 'Before what is to be said');
insert into ad_strands (id, kind, module, content, created_at)
select 'many ' || i, 'pm_action', 'pm', '{"trade_id": "many", "pattern_key": "pm.a",
  "action_category": "add", "scope": {}}'::jsonb, '2025-01-01' from generate_series(1, 1050) i;
select pg_temp.tell('many', '2025-01-01', '2025-01-02');
insert into ad_strands (id, kind, created_at)
select 'note ' || i, 'note', '2025-01-01' from generate_series(1, 1050) i;
select pg_temp.accept_all();
create function pg_temp.prune_all(before timestamptz) returns bigint language plpgsql as $$
declare
  pruned jsonb;
  strands bigint := 0;
begin
  loop
    pruned := prune_strands(before);
    strands := strands + (pruned ->> 'strands')::bigint;
    exit when not (pruned ->> 'more')::boolean;
  end loop;
  return strands;
end
$$;
select is(pg_temp.prune_all('2025-06-01'), 2102::bigint,
  'More than a thousand go as well, for nothing is lost with them');
select is((select count(*)::integer from pattern_trade_events where trade_id = 'many'), 1051, 'Their events stay');
select is((select count(*)::integer from learning.pruned_subjects), 4, 'What was pruned is remembered');
select ok(has_function_privilege('service_role', 'prune_strands(timestamptz)', 'execute')
  and not has_function_privilege('authenticated', 'prune_strands(timestamptz)', 'execute'),
  'It is for the service role alone');

-- Windows of other strands ----------------------------------------------------------------------------------

insert into ad_strands (id, kind, module, content, created_at) values
  ('held back', 'pm_action', 'pm', '{"episode_id": "H", "trade_id": null, "decision_type": "shadow_entry",
    "pattern_key": "pm.a", "scope": {}, "blocked_by": ["ts"], "gate_margins": {}}', '2025-01-01'),
  ('its summary', 'uptrend_episode_summary', 'pm', '{"episode_id": "H", "pattern_key": "pm.a", "scope": {},
    "outcome": "success", "windows": [{"decision": "skipped"}]}', '2025-01-02'),
  ('held back later', 'pm_action', 'pm', '{"episode_id": "I", "trade_id": null, "decision_type": "shadow_entry",
    "pattern_key": "pm.a", "scope": {}, "blocked_by": ["ts"], "gate_margins": {}}', '2025-07-01'),
  ('its older summary', 'uptrend_episode_summary', 'pm', '{"episode_id": "I", "pattern_key": "pm.a",
    "scope": {}, "outcome": "success", "windows": [{"decision": "skipped"}]}', '2025-01-02');
select pg_temp.accept_all();
delete from effect_before where true;
insert into effect_before select * from pg_temp.effect();
select is(prune_strands('2025-06-01'), '{"strands": 2, "trades": 0, "episodes": 1, "more": false}',
  'An entry that was held back and a summary go with their episode');
select set_eq($$ select id from ad_strands where content ->> 'episode_id' in ('H', 'I') $$,
  $$ values ('held back later'), ('its older summary') $$, 'one of it that came later keeps them all');
select is(learning.withdraw_effects(), 0, 'They are not withdrawn');
select set_eq('select * from pg_temp.effect()', 'select line from effect_before', 'and their windows stay');

select * from finish();
rollback;
