begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(6);

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
  array(select id from unnest(strand_ids) as id order by id desc)
  from learning.touched_subjects('[{"id": "q1"}, {"id": "p1"}, {"id": "p2"}, {"id": "w"},
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

-- A set of trades and episodes comes to what each of them does by itself ------------------------------------

-- What a number and a word make of 0 to most - 1, the same every time.
create function pg_temp.pick(place integer, word text, most integer) returns integer language sql as $$
  select (('x' || left(md5(word || place), 7))::bit(28)::integer) % most;
$$;
create function pg_temp.drawn_content(place integer, kind text) returns jsonb language sql as $$
  select jsonb_strip_nulls(case kind
    when 'position_closed' then jsonb_build_object('trade_id', 'trade ' || pg_temp.pick(place, 'trade', 7),
      'entry_context', jsonb_build_object('chain', ' c' || pg_temp.pick(place, 'chain', 3), 'bucket', 'b'),
      'trade_summary', jsonb_build_object('rr', pg_temp.pick(place, 'rr', 9) - 4, 'rpnl_pct',
        pg_temp.pick(place, 'rr', 9) - 4, 'entry_price', 100, 'exit_price', 110, 'entry_timestamp',
        '2025-01-01', 'exit_timestamp', '2025-02-0' || 1 + pg_temp.pick(place, 'exit', 9)))
    when 'episode_outcome' then jsonb_build_object('episode_id', 'episode ' || pg_temp.pick(place, 'e', 8),
      'outcome', (array['success', 'failure', 'missed'])[1 + pg_temp.pick(place, 'outcome', 3)])
    when 'episode_window' then jsonb_build_object('episode_id', 'episode ' || pg_temp.pick(place, 'e', 8),
      'pattern_key', 'pm.w', 'scope', jsonb_build_object('timeframe', pg_temp.pick(place, 'tf', 2)),
      'decision', (array['acted', 'skipped'])[1 + pg_temp.pick(place, 'decision', 2)], 'factors',
      jsonb_build_object('ts_score', 0.5, 'ts_min', 0.6, 'slope_ok', false))
    when 'uptrend_episode_summary' then jsonb_build_object('episode_id', 'summed ' || pg_temp.pick(place,
      'e', 4), 'position_id', pg_temp.pick(place, 'position', 2), 'pattern_key', 'pm.w', 'scope',
      jsonb_build_object('timeframe', '1'), 'outcome', 'failure', 'windows', jsonb_build_array(
        jsonb_build_object('window_id', 'episode ' || pg_temp.pick(place, 'window', 8), 'entered', true),
        jsonb_build_object('window_id', 'own ' || place)))
    else jsonb_build_object('trade_id', 'trade ' || pg_temp.pick(place, 'trade', 7), 'pattern_key',
      'pm.k' || pg_temp.pick(place, 'key', 2), 'action_category', case kind when 'dm_action'
        then 'allocation' else (array['entry', 'add', 'trim', 'exit'])[1 + pg_temp.pick(place, 'do', 4)] end,
      'scope', jsonb_build_object('timeframe', '1h', 'A_mode', nullif(pg_temp.pick(place, 'a', 3), 0)),
      'price', 100 + place, 'quantity', 1 + pg_temp.pick(place, 'q', 3), 'state',
      (array['S1', 'S3'])[1 + pg_temp.pick(place, 's3', 2)])
  end);
$$;
create function pg_temp.draw(word text) returns void language sql as $$
  insert into public.ad_strands (id, kind, module, content, regime_context, created_at)
  select 'strand ' || place, kind, case pg_temp.pick(place, 'module', 4) when 0 then 'scalper' end,
    pg_temp.drawn_content(place + length(word), kind), '{"macro_phase": "dip"}',
    '2025-01-01'::timestamptz + pg_temp.pick(place, 'at', 40) * interval '1 day'
  from generate_series(1, 90) as place
  cross join lateral (select (array['position_closed', 'position_closed', 'pm_action', 'pm_action',
    'pm_action', 'dm_action', 'episode_window', 'episode_window', 'episode_outcome',
    'uptrend_episode_summary'])[1 + pg_temp.pick(place, 'kind', 10)] as kind) as drawn
  on conflict on constraint ad_strands_pkey do update set content = excluded.content
    where pg_temp.pick(length(excluded.id), excluded.id, 3) = 0;
$$;
-- Lets what is due take effect, so many strands at a time, in an order that the word says.
create function pg_temp.take(most integer, word text) returns void language plpgsql as $$
declare
  verdicts jsonb;
begin
  for batch in 1 .. 500 loop
    select jsonb_agg(jsonb_build_object('id', due.strand_id, 'revision', due.revision)) into verdicts
    from (
      select receipt.* from public.strand_receipts receipt
      where receipt.status = 'pending' order by md5(word || receipt.strand_id) limit most
    ) as due;
    exit when verdicts is null;
    perform public.apply_strands(verdicts, '[]');
  end loop;
end
$$;
create function pg_temp.outcome_of(most integer, in_one_go integer, word text) returns setof jsonb
language plpgsql as $$
begin
  execute format('create or replace function learning.most_in_one_go() returns integer language plpgsql
    immutable set search_path = pg_catalog, pg_temp as $body$ begin return %s; end $body$', in_one_go);
  delete from public.ad_strands where true;
  delete from public.pattern_trade_events where true;
  delete from public.pattern_episode_events where true;
  delete from learning.closed_trades where true;
  delete from learning.withdrawn_strands where true;
  perform pg_temp.draw('');
  perform pg_temp.take(most, word);
  -- A third of them are others now, of other trades and episodes.
  perform pg_temp.draw('x');
  perform pg_temp.take(most, word);
  perform learning.withdraw_effects('1 minute');
  perform pg_temp.take(most, word);
  return query
  select to_jsonb(event) - array['id', 'created_at'] from public.pattern_trade_events event
  union all select to_jsonb(episode) - 'id' from public.pattern_episode_events episode
  union all select to_jsonb(trade) from learning.closed_trades trade
  union all select to_jsonb(step) from public.timeframe_allocation_steps step
  union all select jsonb_build_array(receipt.strand_id, receipt.status)
    from public.strand_receipts receipt;
end
$$;
discard plans;
create temporary table alone as select outcome from pg_temp.outcome_of(20, 1, 'one by one') as outcome;
discard plans;
create temporary table together as select outcome from pg_temp.outcome_of(90, 250, 'at once') as outcome;
select set_eq('select outcome from alone', 'select outcome from together',
  'Strands that come together come to what they do one by one, in another order');
select results_eq($$ select count(*) filter (where outcome ? 'action_strand_id') > 15,
  count(*) filter (where outcome ? 'summary_strand_id') > 15,
  count(*) filter (where outcome ->> 1 = 'done') from together $$,
  $$ values (true, true, 90::bigint) $$, 'Which is not nothing');

select * from finish();
rollback;
