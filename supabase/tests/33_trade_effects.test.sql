begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(15);

delete from learning_log where true;
select learning.write_log('ERROR', 'aggregate-strands', 'doorbell_failed',
  'The doorbell is not the subject here');

-- Modules that use one id ------------------------------------------------------------------------------------

delete from ad_strands where true;
delete from pattern_trade_events where true;
delete from learning.closed_trades where true;
delete from learning_log where event <> 'doorbell_failed';
create function pg_temp.told(id text, kind text, module text, day date, rpnl_pct numeric default null,
  trade_id text default 'shared') returns void language sql as $$
  insert into public.ad_strands (id, kind, module, content, created_at) values (id, kind, module,
    jsonb_build_object('trade_id', trade_id, 'pattern_key', 'pm.x', 'scope', '{}'::jsonb, 'action_category',
      case kind when 'dm_action' then 'allocation' when 'pm_action' then
        case when id like '%trim%' then 'trim' else 'entry' end end)
    || case kind when 'position_closed' then jsonb_build_object('trade_summary', jsonb_build_object('rr', 1,
      'rpnl_pct', rpnl_pct, 'entry_timestamp', '2025-01-01', 'exit_timestamp', day)) else '{}' end, day);
  update public.strand_receipts set status = 'done' where strand_id = id;
$$;
create function pg_temp.outcomes() returns text language sql as $$
  select string_agg(concat_ws(' ', action_strand_id, module, roi, did_trim), ', ' order by action_strand_id)
  from public.pattern_trade_events;
$$;
create function pg_temp.closed() returns text language sql as $$
  select string_agg(concat_ws(' ', module, roi, close_strand_id, action_categories), ', ' order by module)
  from learning.closed_trades;
$$;
select pg_temp.told('a', 'pm_action', 'pm', '2025-01-02'), pg_temp.told('b', 'pm_action', 'scalper', '2025-01-02'),
  pg_temp.told('b trim', 'pm_action', 'scalper', '2025-01-03'), pg_temp.told('d', 'dm_action', 'dm', '2025-01-02'),
  pg_temp.told('close a', 'position_closed', null, '2025-01-05', 5);
select learning.apply_trade('shared');
select is(pg_temp.outcomes(), 'a pm 0.05 f, d dm 0.05 f', 'Of two modules that use one id only whose trade closed has events');
select is((select array_agg(message) from learning_log where event = 'trade_id_shared'),
  array['Trade id shared is used by the modules pm and scalper: each is taken for a trade of its own; give every '
    'trade an id that no other module uses'], 'A warning names both');
select is((select level from learning_log where event = 'trade_id_shared'), 'WARNING', 'It is one');
select pg_temp.told('close b', 'position_closed', 'scalper', '2025-01-04', -3);
select is((learning.apply_trade('shared')).changed_from, '2025-01-04'::timestamptz,
  'Allocation is replayed from the second one on');
select is(pg_temp.outcomes(), 'a pm 0.05 f, b scalper -0.03 t, b trim scalper -0.03 t, d dm 0.05 f',
  'Each has the outcome of its own close, the decision maker that of the last one');
select is(pg_temp.closed(), 'pm 0.05 close a {allocation,entry}, scalper -0.03 close b {entry,trim}',
  'And each counts as a trade');
select is((learning.apply_trade('shared')).changed_from, null, 'Applied again, nothing changes');
update ad_strands set content = jsonb_set(content, '{trade_summary,exit_timestamp}', '"2025-01-05"')
where id = 'close b';
update strand_receipts set status = 'done' where strand_id = 'close b';
select learning.apply_trade('shared');
delete from timeframe_allocation_steps where true;
select learning.replay_allocation('-infinity');
select is((select string_agg(concat_ws(' ', trade_id, module, roi), ', ' order by exit_at, module)
  from timeframe_allocation_steps where trade_id = 'shared'), 'shared pm 0.05, shared scalper -0.03',
  'Closed at one time each has its step');
select is((select string_agg(concat_ws(' ', audited_action.action_strand_id, audited_action.roi), ', '
  order by audited_action.action_strand_id) from pm_sizing_audit as audited_action),
  'a 0.05, b -0.03, b trim -0.03', 'The audit shows each its own');
update strand_receipts set status = 'rejected' where strand_id = 'close b';
select learning.apply_trade('shared');
select is(pg_temp.closed(), 'pm 0.05 close a {allocation,entry}', 'A close that is taken back takes back its own');

delete from ad_strands where true;
select pg_temp.told('e', 'pm_action', 'pm', '2025-01-02', trade_id => 'other'),
  pg_temp.told('f', 'position_closed', 'executor', '2025-01-04', 7, 'other');
select learning.apply_trade('shared'), learning.apply_trade('other');
select is(pg_temp.outcomes(), 'e pm 0.07 f', 'Who only closes does so for whoever acted');
select pg_temp.told('g', 'position_closed', 'pm', '2025-01-03', 1, 'other');
select learning.apply_trade('other');
select is(pg_temp.closed(), 'pm 0.07 f {entry}', 'The newest close of them holds');
select is((select count(*)::integer from learning_log where event = 'trade_id_shared'
  and details ->> 'trade_id' = 'other'), 0, 'And nobody is warned');

-- Own outcomes -----------------------------------------------------------------------------------------------

delete from ad_strands where true;
delete from pattern_trade_events where true;
create function pg_temp.filled(
  id text, hour integer, category text, price float8, quantity float8, terms jsonb default '{}'
) returns void language sql as $$
  insert into public.ad_strands (id, kind, module, created_at, content)
  values (id, 'pm_action', 'pm', '2025-01-01'::timestamptz + hour * interval '1 hour', jsonb_build_object(
    'trade_id', 'own', 'pattern_key', 'pm.x', 'action_category', category, 'price', price,
    'execution_result', jsonb_build_object('quantity', quantity)) || terms);
$$;
create function pg_temp.own() returns text language sql as $$
  select string_agg(concat_ws(' ', action_strand_id, coalesce(round(own_roi::numeric, 4)::text, '?'),
    coalesce(round(own_rr::numeric, 4)::text, '?')), ', ' order by acted_at, action_strand_id collate "C")
  from public.pattern_trade_events;
$$;
-- In at 100 and 120, out of a third at 150 and of the rest at 130; 2 R for 30 %.
-- Add: (150 + 2 * 130)/3 = 136.67 of 120 is 13.89 %, less 0.5 % of costs. Trim: 1 - 130/150. Both times 2/0.3.
select pg_temp.filled('d exit', 4, 'exit', 130, 2), pg_temp.filled('c trim', 3, 'trim', 150, 1),
  pg_temp.filled('b add', 2, 'add', 120, 1), pg_temp.filled('a entry', 1, 'entry', 100, 2);
insert into ad_strands (id, kind, module, created_at, content) values ('closed', 'position_closed', 'pm', '2025-01-02',
  '{"trade_id": "own", "fees": 0.005, "trade_summary": {"rr": 2, "rpnl_pct": 30, "entry_price": 100, "exit_price": 130,
    "could_exit_better": {"missed_rr": 0.5}, "entry_timestamp": "2025-01-01", "exit_timestamp": "2025-01-02"}}');
update strand_receipts set status = 'done' where true;
select learning.apply_trade('own');
select is(pg_temp.own(), 'a entry 0.3000 2.0000, b add 0.1339 0.8926, c trim 0.1333 0.8889, d exit -0.5000 -0.5000',
  'Each action has its own outcome, in the order of what happened');
update ad_strands set content = content || '{"price": null}' where id = 'd exit';
update ad_strands set content = jsonb_set(content, '{trade_summary}',
  (content -> 'trade_summary') - 'exit_price' - 'could_exit_better') where id = 'closed';
update strand_receipts set status = 'done' where true;
select learning.apply_trade('own');
select is(pg_temp.own(), 'a entry 0.3000 2.0000, b add ? ?, c trim ? ?, d exit ? ?',
  'What is no longer told is no longer known');

select * from finish();
rollback;
