begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(56);

delete from ad_strands where true;
delete from pattern_trade_events where true;
delete from learning.closed_trades where true;
delete from learning.mining_groups where true;

-- Writes strands and lets them take effect, in one batch.
create function pg_temp.arrive(variadic strands jsonb[]) returns jsonb language plpgsql as $$
declare
  outcome jsonb;
begin
  insert into public.ad_strands (id, kind, module, timeframe, content, regime_context, created_at)
  select given ->> 'id', given ->> 'kind', given ->> 'module', given ->> 'timeframe', given -> 'content',
    coalesce(given -> 'regime_context', '{}'), (given ->> 'at')::timestamptz
  from unnest(strands) as given
  on conflict (id) do update set kind = excluded.kind, module = excluded.module,
    timeframe = excluded.timeframe,
    content = excluded.content, regime_context = excluded.regime_context, created_at = excluded.created_at;
  select public.apply_strands(jsonb_agg(jsonb_build_object('id', receipt.strand_id, 'revision',
    receipt.revision)), '[]')
  into outcome
  from public.strand_receipts receipt
  where receipt.strand_id in (select given ->> 'id' from unnest(strands) as given);
  return outcome;
end
$$;
create function pg_temp.action(id text, trade_id text, category text, at text, content jsonb default '{}',
  rest jsonb default '{}') returns jsonb language sql as $$
  select jsonb_build_object('id', id, 'kind', 'pm_action', 'at', at, 'content', jsonb_build_object(
    'trade_id', trade_id, 'pattern_key', 'pm.uptrend.S1.' || category, 'action_category', category, 'scope',
      '{"timeframe": "1h"}'::jsonb) || content) || rest;
$$;
create function pg_temp.closing(id text, trade_id text, at text, rpnl_pct numeric, summary jsonb default '{}',
  rest jsonb default '{}') returns jsonb language sql as $$
  select jsonb_build_object('id', id, 'kind', 'position_closed', 'at', at, 'content', jsonb_build_object(
    'trade_id', trade_id, 'entry_context', '{"chain": "solana"}'::jsonb, 'trade_summary',
      jsonb_build_object('rr', 2, 'rpnl_pct', rpnl_pct,
      'entry_timestamp', '2025-01-15T10:00:00Z', 'exit_timestamp', '2025-01-16T11:30:00Z') || summary))
        || rest;
$$;
-- All that is known of a trade, but for identities.
create function pg_temp.state(p_trade_id text) returns jsonb language sql as $$
  select jsonb_build_object(
    'events', (select jsonb_agg(to_jsonb(event) - '{id,trade_id,created_at,action_strand_id}'::text[]
      || jsonb_build_object('strand', split_part(event.action_strand_id, '/', 2)) order by event.acted_at)
      from public.pattern_trade_events event where event.trade_id = p_trade_id),
    'closed', (select to_jsonb(trade) - 'trade_id'
      || jsonb_build_object('close_strand_id', split_part(trade.close_strand_id, '/', 2))
      from learning.closed_trades trade where trade.trade_id = p_trade_id));
$$;

-- From strands to events ------------------------------------------------------------------------------------

select is(pg_temp.arrive(
  pg_temp.action('a1', 'A', 'entry', '2025-01-15T10:00:00.000001Z',
    '{"scope": {"timeframe": "15m", "A_mode": "normal", "colour": "red"}, "state": "S1"}',
    '{"regime_context": {"macro_phase": "bull", "chain": "never"}, "module": " pm "}'),
  pg_temp.action('a2', 'A', 'trim', '2025-01-15T18:00:00Z',
    '{"pattern_key": "module=pm|pattern_key=uptrend.S3.trim", "state": "S3"}'),
  pg_temp.action('a3', 'A', 'exit', '2025-01-16T11:30:00Z'),
  pg_temp.closing('a4', 'A', '2025-01-16T11:30:01Z', 3.2,
    '{"pnl_usd": 12.5, "time_to_s3_hours": 2.5, "could_enter_better": 0.4, "could_exit_better": 1.2}')
), '{"accepted": 4, "rejected": 0, "failed": 0, "postponed": 0}', 'A closed trade arrives');
select results_eq(
  $$ select action_strand_id, module, pattern_key, action_category, scope, scope_mask,
    acted_at from pattern_trade_events where trade_id = 'A' order by acted_at $$,
  $$ values
    ('a1', 'pm', 'pm.uptrend.S1.entry', 'entry',
      '{"chain": "solana", "A_mode": "normal", "timeframe": "15m", "macro_phase": "bull"}'::jsonb,
      2 + 512 + 1024 + 4096, '2025-01-15T10:00:00.000001Z'::timestamptz),
    ('a2', 'pm', 'pm.uptrend.S3.trim', 'trim', '{"chain": "solana", "timeframe": "1h"}', 2 + 512,
      '2025-01-15T18:00:00Z'),
    ('a3', 'pm', 'pm.uptrend.S1.exit', 'exit', '{"chain": "solana", "timeframe": "1h"}', 2 + 512,
      '2025-01-16T11:30:00Z') $$,
  'Each action becomes one event, with its own key and scope');
select results_eq(
  $$ select distinct roi, rr, pnl_usd, duration_hours, time_to_s3_hours, could_enter_better,
    could_exit_better, did_trim, reached_s3, traded_at from pattern_trade_events $$,
  $$ values (0.032::float8, 2::float8, 12.5::float8, 25.5::float8, 2.5::float8, 0.4::float8, 1.2::float8,
    true, true, '2025-01-16T11:30:00Z'::timestamptz) $$,
  'And what became of the trade, the same for all');
select is((
    select array_agg(dimension.dim || '=' || scope_value.value order by dimension.bit)
    from pattern_trade_events event
    cross join lateral unnest(event.scope_codes) with ordinality as coded(code, place)
    join learning.scope_values scope_value on scope_value.code = coded.code
    join scope_dimensions dimension on dimension.bit = coded.place - 1 and dimension.dim = scope_value.dim
    where event.action_strand_id = 'a1'
  ),
  '{chain=solana,timeframe=15m,A_mode=normal,macro_phase=bull}', 'Codes by bit stand for the same scope');
select results_eq($$ select trade_id, close_strand_id, timeframe, roi, rr, pnl_usd, exit_at,
  action_categories from learning.closed_trades $$,
  $$ values ('A', 'a4', null, 0.032::float8, 2::float8, 12.5::float8, '2025-01-16T11:30:00Z'::timestamptz,
    '{entry,exit,trim}'::text[]) $$,
  'The trade itself is written down once');
select results_eq($$ select module, pattern_key, action_category, lesson_type, family, evidence_version,
  mined_version from learning.mining_groups order by action_category $$,
  $$ values ('pm', 'pm.uptrend.S1.entry', 'entry', 'pm_strength', 'strength', 1::bigint, 0::bigint),
    ('pm', 'pm.uptrend.S1.exit', 'exit', 'pm_strength', 'strength', 1, 0),
    ('pm', 'pm.uptrend.S3.trim', 'trim', 'pm_strength', 'strength', 1, 0) $$,
  'Its groups are due for mining');

select pg_temp.arrive(pg_temp.action('b1', 'B', 'entry', '2025-01-15T10:00:00Z', '{}', '{"module": "scout"}'),
  pg_temp.closing('b2', 'B', '2025-01-16T12:00:00Z', -7));
select is((select (module, roi, did_trim, reached_s3, pnl_usd, time_to_s3_hours, could_enter_better)::text
  from pattern_trade_events where trade_id = 'B'),
  ('scout', -0.07::float8, false, false, null::float8, null::float8, null::float8)::text,
    'A module speaks for itself, and what is not said is unknown');
select pg_temp.arrive(pg_temp.action('c1', 'C', 'entry', '2025-01-15T10:00:00Z', '{"state": "S3"}'),
  pg_temp.closing('c2', 'C', '2025-01-16T12:00:00Z', 1, '{"reached_s3": false}'));
select is((select reached_s3 from pattern_trade_events where trade_id = 'C'), false,
  'The summary''s own word on S3 comes first');
select pg_temp.arrive(pg_temp.action('d1', 'D', 'entry', '2025-01-15T10:00:00Z'),
  pg_temp.closing('d2', 'D', '2025-01-16T12:00:00Z', 1, '{"reached_s3": true}'));
select is((select reached_s3 from pattern_trade_events where trade_id = 'D'), true,
  'Also when no action saw it');
select pg_temp.arrive(
  pg_temp.action('s1', 'S', 'entry', '2025-01-15T10:00:00Z', '{"pattern_key": "pm.uptrend.S3.retest"}'),
  pg_temp.closing('s2', 'S', '2025-01-16T12:00:00Z', 1));
select is((select reached_s3 from pattern_trade_events where trade_id = 'S'), true,
  'Without its word, a key of an action does');
update ad_strands set created_at = '2025-01-16T11:30:00.000001Z' where id = 's1';
update strand_receipts set status = 'done' where strand_id = 's1';
select learning.apply_trade('S');
select is((select reached_s3 from pattern_trade_events where trade_id = 'S'), false,
  'unless the trade was over by then');
update ad_strands set content = jsonb_set(content, '{trade_summary,time_to_s3}', '0.75') where id = 's2';
update strand_receipts set status = 'done' where strand_id = 's2';
select learning.apply_trade('S');
select is((select (reached_s3, time_to_s3_hours)::text from pattern_trade_events where trade_id = 'S'),
  (true, 18::float8)::text, 'A time to S3 tells of it as well');

-- What a decision is judged by is kept.
select pg_temp.arrive(
  pg_temp.action('f1', 'F', 'entry', '2025-01-15T10:00:00Z', '{"price": 100, "quantity": 2, "side": "long"}'),
  pg_temp.action('f2', 'F', 'x', '2025-01-15T11:00:00Z', '{"action_category": null, "leverage": 5,
    "decision_type": "emergency_exit", "execution_result": {"price": 90, "quantity": 0}}'),
  pg_temp.closing('f3', 'F', '2025-01-16T12:00:00Z', 1, '{"entry_price": 100, "exit_price": 90,
    "is_short": true, "leverage": 3, "fees": 0.002, "rpnl_usd": 7,
    "could_enter_better": {"missed_rr": 0.4}, "could_exit_better": {"missed_rr": null}}'));
select results_eq($$ select action_category, fill_price, fill_quantity, side, leverage, pnl_usd, could_enter_better,
    could_exit_better from pattern_trade_events where trade_id = 'F' order by acted_at $$,
  $$ values ('entry', 100::float8, 2::float8, 'long', 3::float8, 7::float8, 0.4::float8, null::float8),
    ('exit', 90, null, 'short', 5, 7, 0.4, null) $$,
  'An action has its fill, its side and leverage, or those of its trade');
select results_eq($$ select entry_price, exit_price, fees, pnl_usd from learning.closed_trades where trade_id = 'F' $$,
  $$ values (100::float8, 90::float8, 0.002::float8, 7::float8) $$, 'A trade has its prices and what it cost');
update ad_strands set content = content || '{"price": 101}' where id = 'f1';
update strand_receipts set status = 'done' where strand_id = 'f1';
select is((learning.apply_trade('F')).changed_groups,
  array[('pm', 'pm.uptrend.S1.entry', 'entry'), ('pm', 'pm.uptrend.S1.x', 'exit')]::learning.group_key[],
  'A corrected fill makes its groups due');
select pg_temp.arrive(
  jsonb_build_object('id', 'e1', 'kind', 'dm_action', 'at', '2025-01-15T09:00:00Z', 'content',
    '{"trade_id": "E", "pattern_key": "dm.allocate", "action_category": "allocation",
      "scope": {"timeframe": "4h"}}'::jsonb),
  pg_temp.closing('e2', 'E', '2025-01-16T12:00:00Z', 1e-320,
    '{"pnl_usd": 1e-400, "exit_timestamp": "2025-01-16", "entry_timestamp": "2025-01-16T00:00:00"}',
    '{"timeframe": " 4h "}'));
select is((select (module, action_category, roi, pnl_usd, duration_hours, traded_at)::text
  from pattern_trade_events where trade_id = 'E'),
  ('dm', 'allocation', 0::float8, 0::float8, 0::float8, '2025-01-16T00:00:00Z'::timestamptz)::text,
  'A decision maker''s action is an event too; too small a number is none, and a time without offset is UTC');
select is((select lesson_type from learning.mining_groups where module = 'dm'), 'dm_alloc',
  'Its lessons are about allocation');
select is((select timeframe from learning.closed_trades where trade_id = 'E'), '4h',
  'A trade''s timeframe is the close strand''s');
select pg_temp.arrive(pg_temp.closing('f1', 'F', '2025-01-16T12:00:00Z', 1, '{}', '{"timeframe": "  "}')
  #- '{content,entry_context}' || '{}', pg_temp.closing('f2', 'F2', '2025-01-16T12:00:00Z', 1) || '{}');
select is((select array_agg((timeframe, action_categories)::text order by trade_id)
  from learning.closed_trades where trade_id like 'F%'), '{"(,{})","(,{})"}',
  'Without one it has none, and without actions no categories');
select pg_temp.arrive(jsonb_set(pg_temp.closing('g1', 'G', '2025-01-16T12:00:00Z', 1),
  '{content,entry_context,timeframe}', '" 15m "'));
select is((select timeframe from learning.closed_trades where trade_id = 'G'), '15m',
  'Else it is its entry context''s');
set local timezone = 'America/New_York';
select pg_temp.arrive(pg_temp.action('h1', 'H', 'entry', '2025-01-15T10:00:00Z'),
  pg_temp.closing('h2', 'H', '2025-01-16T12:00:00Z', 1, '{"exit_timestamp": "2025-01-17 08:00"}'));
select is((select traded_at from pattern_trade_events where trade_id = 'H'),
  '2025-01-17T08:00:00Z'::timestamptz, 'Whatever the session''s time zone');
set local timezone = 'UTC';

-- Order -----------------------------------------------------------------------------------------------------

select pg_temp.arrive(pg_temp.action('i1', 'I', 'entry', '2025-01-15T10:00:00Z'));
select is((select (status, attempts)::text from strand_receipts where strand_id = 'i1'), '(done,0)',
  'An action whose trade is still open is done');
select is(pg_temp.state('I'), '{"events": null, "closed": null}', 'And has no event');
select pg_temp.arrive(pg_temp.closing('i2', 'I', '2025-01-16T12:00:00Z', 5));
select is((select array_agg(roi) from pattern_trade_events where trade_id = 'I'), '{0.05}',
  'The close makes it');
select pg_temp.arrive(pg_temp.action('i3', 'I', 'trim', '2025-01-15T12:00:00Z'));
select results_eq($$ select action_strand_id, did_trim,
  roi from pattern_trade_events where trade_id = 'I' order by acted_at $$,
  $$ values ('i1', true, 0.05::float8), ('i3', true, 0.05) $$,
    'An action that comes late makes its own, and is known to the others');
select is((select action_categories from learning.closed_trades where trade_id = 'I'), '{entry,trim}',
  'And to the trade');

-- Every order of five strands: all trades at once, one strand of each after the other.
create temporary table orders as
with recursive orders (places) as (
  select '{}'::integer[]
  union all
  select orders.places || place from orders cross join generate_series(1, 5) as place
    where place <> all (orders.places)
)
select row_number() over (order by places) as number, places from orders where cardinality(places) = 5;
create function pg_temp.strand(number bigint, place integer) returns jsonb language sql as $$
  select (array[
    pg_temp.action(number || '/entry', 'order ' || number, 'entry', '2025-01-15T10:00:00Z'),
    pg_temp.action(number || '/trim', 'order ' || number, 'trim', '2025-01-15T11:00:00Z'),
    pg_temp.action(number || '/exit', 'order ' || number, 'exit', '2025-01-15T12:00:00Z', '{"state": "S3"}'),
    pg_temp.closing(number || '/close', 'order ' || number, '2025-01-16T12:00:00Z', 5),
    pg_temp.closing(number || '/corrected', 'order ' || number, '2025-01-16T12:00:01Z', 12, '{"rr": 3}')
  ])[place]
$$;
do $$
begin
  for step in 1..5 loop
    -- A batch that takes more than three seconds postpones the rest of it.
    perform pg_temp.arrive(variadic array_agg(pg_temp.strand(orders.number, orders.places[step])))
    from orders
    group by orders.number % 8;
  end loop;
end
$$;
select is((select count(*)::integer from orders), 120, 'Five strands have 120 orders');
select is((select count(distinct pg_temp.state('order ' || number))::integer from orders), 1,
  'All of them end in the same events');
select results_eq(
  $$ select action_strand_id, roi, rr, did_trim,
    reached_s3 from pattern_trade_events where trade_id = 'order 77' order by acted_at $$,
  $$ values ('77/entry', 0.12::float8, 3::float8, true, true), ('77/trim', 0.12, 3, true, true),
    ('77/exit', 0.12, 3, true, true) $$,
  'Which are those of the corrected close');
select is((select (close_strand_id, roi)::text from learning.closed_trades where trade_id = 'order 77'),
  ('77/corrected', 0.12::float8)::text, 'As is the trade');
select pg_temp.arrive(
  pg_temp.closing('0/corrected', 'order 0', '2025-01-16T12:00:01Z', 12, '{"rr": 3}'),
    pg_temp.action('0/exit', 'order 0', 'exit', '2025-01-15T12:00:00Z', '{"state": "S3"}'),
  pg_temp.closing('0/close', 'order 0', '2025-01-16T12:00:00Z', 5),
    pg_temp.action('0/entry', 'order 0', 'entry', '2025-01-15T10:00:00Z'),
  pg_temp.action('0/trim', 'order 0', 'trim', '2025-01-15T11:00:00Z'));
select is(pg_temp.state('order 0'), pg_temp.state('order 1'), 'So does a single batch');
select is((select count(*)::integer from pattern_trade_events where trade_id like 'order %'), 3 * 121,
  'No event is there twice');

-- Several closes --------------------------------------------------------------------------------------------

select pg_temp.arrive(pg_temp.action('j1', 'J', 'entry', '2025-01-15T10:00:00Z'),
  pg_temp.closing('j-B', 'J', '2025-01-16T12:00:00Z', 1),
    pg_temp.closing('j-a', 'J', '2025-01-16T12:00:00Z', 2),
    pg_temp.closing('j-z', 'J', '2025-01-16T11:59:59Z', 3));
select is((select roi from pattern_trade_events where trade_id = 'J'), 0.02::float8,
  'Of several closes the newest holds, of those of one moment the one with the greatest id in byte order');
select pg_temp.arrive(pg_temp.closing('j-a', 'J', '2025-01-16T12:00:00Z', 9));
select is((select roi from pattern_trade_events where trade_id = 'J'), 0.09::float8,
  'A close that is corrected holds as it is corrected');
select pg_temp.arrive(pg_temp.closing('j-a', 'J', '2025-01-16T11:00:00Z', 9));
select is((select (close_strand_id, roi)::text from learning.closed_trades where trade_id = 'J'),
  ('j-B', 0.01::float8)::text, 'One that turns out older gives way');
update ad_strands set content = '{"trade_id": "J"}' where id = 'j-B';
select apply_strands('[]',
  '[{"id": "j-B", "revision": 2, "errors": [{"path": "content.trade_summary", "message": "Required"}]}]');
select is((select roi from pattern_trade_events where trade_id = 'J'), 0.03::float8,
  'As does one that is refused');
select pg_temp.arrive(jsonb_set(pg_temp.closing('j-z', 'J2', '2025-01-16T11:59:59Z', 3),
  '{content,entry_context}', '{}'), pg_temp.closing('j-a', 'J2', '2025-01-16T11:00:00Z', 9));
select is((select count(*)::integer from pattern_trade_events where trade_id = 'J'), 0,
  'A trade that has no close any more is open again');
select is((select count(*)::integer from learning.closed_trades where trade_id = 'J'), 0,
  'And not among the closed ones');
select is((select (close_strand_id, roi)::text from learning.closed_trades where trade_id = 'J2'),
  ('j-z', 0.03::float8)::text, 'The closes hold for the trade they belong to now');
select is(pg_temp.arrive(pg_temp.closing('j-B', 'J', '2025-01-16T12:00:00Z', 4)) ->> 'accepted', '1',
  'A refused close may come back');
select is((select roi from pattern_trade_events where trade_id = 'J'), 0.04::float8, 'And holds');

-- Actions that change ---------------------------------------------------------------------------------------

select pg_temp.arrive(pg_temp.action('k1', 'K', 'entry', '2025-01-15T10:00:00Z'),
  pg_temp.action('k2', 'K', 'trim', '2025-01-15T11:00:00Z'),
  pg_temp.closing('k3', 'K', '2025-01-16T12:00:00Z', 4),
    pg_temp.closing('l3', 'L', '2025-01-16T12:00:00Z', -4));
select pg_temp.arrive(pg_temp.action('k2', 'L', 'trim', '2025-01-15T11:00:00Z'));
select results_eq($$ select trade_id, action_strand_id, roi,
  did_trim from pattern_trade_events where trade_id in ('K', 'L') order by 1 $$,
  $$ values ('K', 'k1', 0.04::float8, false), ('L', 'k2', -0.04, true) $$,
    'An action that turns out another trade''s moves there');
select is((select array_agg(action_categories::text order by trade_id) from learning.closed_trades
  where trade_id in ('K', 'L')), '{"{entry}","{trim}"}', 'Both trades know');
update ad_strands set kind = 'note' where id = 'k2';
select apply_strands('[{"id": "k2", "revision": 3}]', '[]');
select is((select count(*)::integer from pattern_trade_events where trade_id = 'L'), 0,
  'One that is of no learned kind any more has no event');
update ad_strands set content = '{}' where id = 'k1';
select apply_strands('[]', '[{"id": "k1", "revision": 2, "errors": []}]');
select is((select count(*)::integer from pattern_trade_events where trade_id = 'K'), 0,
  'Nor has one that is refused');
select is((select action_categories from learning.closed_trades where trade_id = 'K'), '{}',
  'And its trade knows');

-- What does not change is not written -----------------------------------------------------------------------

select pg_temp.arrive(pg_temp.action('m1', 'M', 'entry', '2025-01-15T10:00:00Z',
  '{"pattern_key": "pm.before"}'),
  pg_temp.action('m2', 'M', 'exit', '2025-01-15T11:00:00Z', '{"pattern_key": "pm.other"}'),
  pg_temp.closing('m3', 'M', '2025-01-16T12:00:00Z', 4));
update pattern_trade_events set created_at = '2020-01-01' where trade_id = 'M';
create temporary table former as select id, ctid as place from pattern_trade_events where trade_id = 'M';
select pg_temp.arrive(pg_temp.action('m1', 'M', 'entry', '2025-01-15T10:00:00Z',
  '{"pattern_key": "pm.before", "a_value": 0.9}'));
select is_empty($$ select event.id from pattern_trade_events event join former using (id)
  where event.ctid <> former.place $$, 'Events that stay the same are not rewritten');
select is((select array_agg(evidence_version) from learning.mining_groups
  where pattern_key in ('pm.before', 'pm.other')), '{1,1}', 'And their groups are not due');
select pg_temp.arrive(pg_temp.action('m1', 'M', 'entry', '2025-01-15T10:00:00Z',
  '{"pattern_key": "pm.after"}'));
select results_eq($$ select pattern_key,
  evidence_version from learning.mining_groups where pattern_key in ('pm.before', 'pm.after', 'pm.other')
  order by 1 $$,
  $$ values ('pm.after', 1::bigint), ('pm.before', 2), ('pm.other', 2) $$,
    'An action that changed its key makes the group it left due too');
select is((select (id in (select id from former), created_at)::text from pattern_trade_events
  where action_strand_id = 'm1'), (true, '2020-01-01'::timestamptz)::text,
  'A corrected event stays the event it was');

-- Allocation hears of what matters to it --------------------------------------------------------------------

select is((learning.apply_trade('M')).changed_from, null, 'A trade that is as it was is not replayed');
update ad_strands set content = jsonb_set(content, '{trade_summary,exit_timestamp}', '"2025-01-10T00:00:00Z"')
  where id = 'm3';
update strand_receipts set status = 'done' where strand_id = 'm3';
select is((learning.apply_trade('M')).changed_from, '2025-01-10T00:00:00Z'::timestamptz,
  'One that moves is replayed from its earlier place');
update ad_strands set content = jsonb_set(content, '{trade_summary,exit_timestamp}', '"2025-01-12T00:00:00Z"')
  where id = 'm3';
update strand_receipts set status = 'done' where strand_id = 'm3';
select is((learning.apply_trade('M')).changed_from, '2025-01-10T00:00:00Z'::timestamptz,
  'Whichever way it moves');
update ad_strands set content = jsonb_set(content, '{trade_summary,rpnl_pct}', '5') where id = 'm3';
update strand_receipts set status = 'done' where strand_id = 'm3';
select is((learning.apply_trade('M')).changed_from, '2025-01-12T00:00:00Z'::timestamptz,
  'One that turns out otherwise is replayed from where it is');
update strand_receipts set status = 'rejected' where strand_id = 'm3';
select is((learning.apply_trade('M')).changed_from, '2025-01-12T00:00:00Z'::timestamptz,
  'And one that is gone from where it was');
select is((learning.apply_trade('nobody''s')).changed_groups, '{}',
  'A trade that nobody knows changes nothing');

select * from finish();
rollback;
