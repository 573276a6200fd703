begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(25);

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
create function pg_temp.factors(changes jsonb default '{}') returns jsonb language sql as $$
  select jsonb_build_object('factors',
    '{"ts_score": 0.55, "ts_min": 0.6, "halo_distance": 0.8, "halo_max": 1.0, "slope": 0.002,
    "slope_min": 0.0}'::jsonb || changes);
$$;

-- A window is recorded with its context, and what was missed is told.
select pg_temp.episode_window('w1', 'e1',
  pg_temp.factors() || '{"blocked_by": ["ts", "cooldown"], "trade_id": null}', '2026-01-01 10:00');
select is(pg_temp.settle() ->> 'accepted', '1', 'A window takes effect');
select is(to_jsonb(e) - array['id', 'scope_codes'], $$ {
  "strand_id": "w1", "episode_id": "e1", "pattern_key": "pm.uptrend.S1.entry", "scope": {"timeframe": "15m",
    "macro_phase": "dip"},
  "scope_mask": 4608, "decision": "skipped", "outcome": null, "blocked_by": ["ts", "cooldown"],
    "trade_id": null,
  "factors": {"ts_score": 0.55, "ts_min": 0.6, "halo_distance": 0.8, "halo_max": 1.0, "slope": 0.002,
    "slope_min": 0.0},
  "gates": [0.55, 0.6, 0.8, 1, 0.002, 0], "summary_strand_id": null
} $$::jsonb || jsonb_build_object('occurred_at', '2026-01-01 10:00'::timestamptz),
  'A window is recorded as it was seen, its blockers as given')
from pattern_episode_events e;
select results_eq($$ select * from pg_temp.lines('episode_recorded') $$,
  $$ values ('Episode e1: a window of pm.uptrend.S1.entry was recorded, skipped, blocked by ts, cooldown') $$,
    'The log says so');
select is((select evidence_version from learning.mining_groups where action_category = 'tuning'), 1::bigint,
  'Its group awaits mining');

-- The outcome, late, twice, corrected; windows before and after it.
select pg_temp.outcome('o1', 'e1', 'failure', '2026-01-03');
select pg_temp.settle();
select is(outcome, 'failure', 'The outcome of an episode sets that of its window')
  from pattern_episode_events;
select results_eq($$ select * from pg_temp.lines('episode_outcome_set') $$,
  $$ values ('Episode e1 ended in failure: windows_updated=1') $$,
    'The log says that, and how many windows it changed');
select is((select evidence_version from learning.mining_groups), 2::bigint,
  'and the group awaits mining again');
select pg_temp.episode_window('w2', 'e1',
  pg_temp.factors('{"ts_score": 0.7}') || '{"decision": "acted", "trade_id": "t1"}', '2026-01-01 11:00');
select pg_temp.settle();
select is(array_agg(outcome order by strand_id), '{failure,failure}',
  'A window that comes after its outcome has it at once') from pattern_episode_events;
select pg_temp.outcome('o2', 'e1', 'success', '2026-01-02');
select pg_temp.settle();
select is((select evidence_version from learning.mining_groups), 3::bigint,
  'An outcome that was overtaken by a later one changes nothing');
select pg_temp.outcome('o3', 'e1', 'neutral', '2026-01-04');
select pg_temp.settle();
select is(array_agg(outcome order by strand_id), '{neutral,neutral}', 'The newest outcome holds')
  from pattern_episode_events;
update ad_strands set tags = '["seen"]' where id = 'w1';
update ad_strands set content = content || '{"note": "again"}' where id = 'w1';
select pg_temp.settle();
select is((select count(*) from pg_temp.lines('episode_recorded')), 2::bigint,
  'A window that comes again is not recorded again');
select is((select evidence_version from learning.mining_groups), 4::bigint, 'and is no new evidence');
update ad_strands set content
  = jsonb_set(content, '{pattern_key}', '"module=pm|pattern_key=uptrend.S2.entry"') where id = 'w2';
select pg_temp.settle();
select results_eq($$ select strand_id, pattern_key from pattern_episode_events order by 1 $$,
  $$ values ('w1', 'pm.uptrend.S1.entry'), ('w2', 'pm.uptrend.S2.entry') $$,
    'A window may change its pattern key');
select results_eq($$ select pattern_key, evidence_version from learning.mining_groups order by 1 $$,
  $$ values ('pm.uptrend.S1.entry', 5::bigint), ('pm.uptrend.S2.entry', 1::bigint) $$,
    'which both groups notice');

-- Flags and the representative sample.
select pg_temp.episode_window('w3', 'e3', pg_temp.factors('{"slope_ok": false, "dx": null}')
  || '{"decision": "acted", "flags": {"ts_ok": true, "slope_ok": true, "entry_zone_ok": "yes"},
    "sample": {"ts_score": 0.71, "slope": 0.004, "halo_distance": null}, "blocked_by": ["ts"]}');
select pg_temp.settle();
select is(factors, '{"ts_score": 0.55, "ts_min": 0.6, "halo_distance": 0.8, "halo_max": 1.0, "slope": 0.002,
  "slope_min": 0.0,
  "ts_ok": true, "slope_ok": false, "ts_score_acted": 0.71, "slope_acted": 0.004}'::jsonb,
    'Flags and the sample acted on are kept; the factors'' own flags win')
from pattern_episode_events where strand_id = 'w3';
select is(gates, '{0.71,0.6,0.8,1,0.004,0}'::float8[],
  'The gates of an acted window are judged by its sample where there is one') from pattern_episode_events
  where strand_id = 'w3';
select is(blocked_by, '{}', 'Nothing blocks what was acted on') from pattern_episode_events
  where strand_id = 'w3';
-- Windows that lack what simulation needs.
select pg_temp.episode_window('w4', 'e4',
  '{"factors": {"ts_score": 0.55, "halo_distance": 0.8, "slope": 0.002, "slope_min": 0},
  "blocked_by": ["ts"]}');
select pg_temp.settle();
select is(gates, null, 'A window without all thresholds is stored, but not for simulation')
  from pattern_episode_events where strand_id = 'w4';
select results_eq($$ select level, message from learning_log where event = 'episode_incomplete' $$,
  $$ values ('WARNING', 'Episode e4: window w4 of pm.uptrend.S1.entry is left out of simulation, it lacks '
    'ts_min, halo_max') $$, 'A warning says what is missing');
select pg_temp.outcome('o4', 'e4', 'success');
select pg_temp.settle();
select is((select count(*) from pg_temp.lines('episode_incomplete')), 1::bigint,
  'once, however often the window is looked at');

-- What did not take effect is not in the log, and one bad episode holds back no other.
create function pg_temp.refuse() returns trigger language plpgsql
  as $$ begin raise exception 'not this one'; end $$;
create trigger refuse before insert on pattern_episode_events for each row
  when (new.episode_id = 'bad') execute function pg_temp.refuse();
select pg_temp.episode_window('w5', 'bad', pg_temp.factors()),
  pg_temp.episode_window('w6', 'good', pg_temp.factors());
select is(pg_temp.settle() ->> 'failed', '1', 'An episode that fails is counted');
select is((select count(*) from pg_temp.lines('episode_recorded') line where line like 'Episode bad%'),
  0::bigint, 'it leaves no line');
select is((select count(*) from pg_temp.lines('episode_recorded') line where line like 'Episode good%'),
  1::bigint, 'and the others theirs');
select is((select status from strand_receipts where strand_id = 'w5'), 'pending', 'It is tried again');
drop trigger refuse on pattern_episode_events;
update strand_receipts set next_attempt_at = now() where strand_id = 'w5';
select pg_temp.settle();
select is((select count(*) from pattern_episode_events where episode_id = 'bad'), 1::bigint,
  'until it takes effect');

select * from finish();
rollback;
