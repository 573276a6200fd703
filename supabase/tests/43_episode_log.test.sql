begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(6);

-- Lets everything take effect that is due, as aggregate-strands does with strands it finds no fault in.
create function pg_temp.settle() returns jsonb language sql as $$
  select public.apply_strands(coalesce(jsonb_agg(jsonb_build_object('id', receipt.strand_id, 'revision',
    receipt.revision)), '[]'), '[]')
  from public.strand_receipts receipt where receipt.status = 'pending';
$$;
create function pg_temp.episode_window(id text, episode text, content jsonb,
  at timestamptz default '2026-01-01') returns void language sql as $$
  insert into public.ad_strands (id, module, kind, created_at, regime_context, content)
  values (id, 'pm', 'episode_window', at, '{"macro_phase": "dip"}',
    jsonb_build_object('episode_id', episode, 'pattern_key', 'pm.uptrend.S1.entry',
    'scope', jsonb_build_object('timeframe', '15m'), 'decision', 'skipped', 'factors', '{}'::jsonb)
      || content);
$$;
create function pg_temp.outcome(id text, episode text, outcome text, at timestamptz default '2026-01-02')
  returns void language sql as $$
  insert into public.ad_strands (id, module, kind, created_at, content)
  values (id, 'pm', 'episode_outcome', at, jsonb_build_object('episode_id', episode, 'outcome', outcome));
$$;
create function pg_temp.lines(event text) returns setof text language sql as $$
  select line.message from public.learning_log line where line.event = lines.event order by line.id;
$$;

-- A bulk load is summed up.
select pg_temp.episode_window('bulk' || i, 'many' || i / 2,
  case when i % 4 = 0 then '{"decision": "acted"}' else '{"flags": {"ts_ok": false}}' end::jsonb)
from generate_series(1, 30) i;
select pg_temp.outcome('bulk-outcome' || i, 'many' || i,
  case when i % 2 = 0 then 'success' else 'failure' end) from generate_series(0, 24) i;
select pg_temp.settle();
select results_eq($$ select * from pg_temp.lines('episodes_recorded') $$,
  $$ values ('Recorded 30 windows of 16 episodes: 7 acted, 23 skipped') $$,
  'Many windows at a time are one line with the numbers');
select is(details, '{"windows": 30, "episodes": 16, "by_pattern_key": {"pm.uptrend.S1.entry": 30},
  "blocked_by": {"ts": 23}}'::jsonb, 'and what they were')
from learning_log where event = 'episodes_recorded';
select is((select count(*) from pg_temp.lines('episode_outcome_set') line where line like '%many%'),
  16::bigint, 'Few outcomes still have a line each');
select is((select details -> 'missing' ->> 'ts_min' from learning_log where event = 'episodes_incomplete'),
  '30', 'Incomplete windows are counted by what they lack');
select is((select jsonb_array_length(details -> 'strand_ids') from learning_log
  where event = 'episodes_incomplete'), 30, 'and named');

select pg_temp.settle();
select is((select count(*) from learning_log where event ~ '^episode'), 18::bigint,
  'What changes nothing says nothing');

select * from finish();
rollback;
