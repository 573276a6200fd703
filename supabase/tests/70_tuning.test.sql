begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(37);

delete from pm_overrides where true;
delete from pattern_episode_events where true;
delete from learning_lessons where true;
delete from learning.mining_groups where true;
delete from learning.scope_values where true;
delete from learning_configs where true;
delete from learning_log where true;

create function pg_temp.decided(id text, key text, at timestamptz, decision text default 'skipped',
  outcome text default 'success',
  blockers text[] default '{ts}', gates float8[] default '{0.55,0.6,0.8,1,0.002,0}')
    returns void language sql as $$
  insert into public.pattern_episode_events (strand_id, episode_id, pattern_key, scope, scope_mask, decision,
    outcome, factors, blocked_by,
    occurred_at, scope_codes, gates)
  values (id, 'episode of ' || id, key, '{"timeframe": "15m"}', 512, decision, outcome, '{}', blockers, at,
    learning.encode_scope('{"timeframe": "15m"}'), gates);
$$;

create function pg_temp.floats(packed text) returns float8[] language sql as $$
  -- Whole numbers and halves are enough to see that bytes are in their places.
  select coalesce(array_agg(case when bits = 0 then 0 when bits = 9221120237041090560 then 'NaN'::float8
    else (case when bits < 0 then -1 else 1 end) * power(2::float8,
      ((bits >> 52) & 2047)::int - 1023) * (1 + (bits & 4503599627370495)::float8 / 4503599627370496) end
      order by i), '{}')
  from (select i, ('x' || encode(substr(decode(packed, 'base64'), i * 8 + 1, 8),
    'hex'))::bit(64)::bigint as bits
    from generate_series(0, length(decode(packed, 'base64')) / 8 - 1) i) as b;
$$;

create function pg_temp.integers(packed text, width integer) returns integer[] language sql as $$
  select coalesce(array_agg(('x'
    || lpad(encode(substr(decode(packed, 'base64'), i * width + 1, width), 'hex'), 8, '0'))::bit(32)::integer
    order by i), '{}')
  from generate_series(0, length(decode(packed, 'base64')) / width - 1) i;
$$;

create function pg_temp.lesson(scope jsonb, n integer default 40, dr float8 default 0.5)
  returns jsonb language sql as $$
  select jsonb_build_object('scope_subset', scope, 'n', n, 'stats',
    jsonb_build_object('n', n, 'wr', 0.25, 'fpr', 0.75, 'mr', null, 'dr', dr),
    'status', 'active', 'last_evidence_at', '2026-06-01T00:00:00Z');
$$;

create function pg_temp.lines(event text) returns setof text language sql as $$
  select line.message from public.learning_log line where line.event = lines.event order by line.id;
$$;

create function pg_temp.mine(lessons jsonb) returns jsonb language plpgsql as $$
declare claimed jsonb;
begin
  perform public.start_tuning();
  claimed := public.claim_mining_group('tuning');
  return public.finish_tuning_group((claimed ->> 'group_id')::bigint, (claimed ->> 'lease_token')::uuid,
    lessons, learning.tuning_lookback());
end $$;

-- The look-back ends with the newest window that has an outcome, of whatever key.
select is(learning.tuning_lookback(), null, 'Without outcomes there is nothing to look back from');
select is(public.start_tuning(), 0, 'and nothing to mine');
select pg_temp.decided('f0', 'pm.f', '2099-01-01', 'acted', 'success');
select is(learning.tuning_lookback(), now() - interval '90 days', 'Where all are in the future it ends now');
delete from pattern_episode_events where strand_id = 'f0';
select learning.register_scope_values(array['{"timeframe": "15m"}'::jsonb]);
select pg_temp.decided('a1', 'pm.a', '2026-01-01', 'acted', 'success', '{}', '{0.5,1,2,4,8,0}');
select pg_temp.decided('a2', 'pm.a', '2026-03-03', 'acted', 'failure', '{}', null);
select pg_temp.decided('a3', 'pm.a', '2026-03-03', 'skipped', 'neutral', '{ts,halo}', '{-2,1,2,4,8,0}');
select pg_temp.decided('a4', 'pm.a', '2026-06-01', 'skipped', 'success', '{cooldown}');
select pg_temp.decided('a5', 'pm.a', '2026-07-01', 'skipped', null);
select learning.mark_groups_changed(array[('pm', 'pm.a', 'tuning')::learning.group_key]);
select is(learning.tuning_lookback(), '2026-03-03'::timestamptz,
  'It goes back 90 days from the newest window with an outcome');
select is(public.start_tuning(), 1, 'A group with windows is due');
select pg_temp.decided('f1', 'pm.f', '2099-01-01', 'acted', 'success');
select is(learning.tuning_lookback(), '2026-03-03'::timestamptz, 'A window in the future does not move it');
select learning.mark_groups_changed(array[('pm', 'pm.f', 'tuning')::learning.group_key]);
select is((select array_agg(round(at)) from learning.mining_groups held,
  unnest(pg_temp.floats(public.read_tuning_windows(held.id) ->> 'occurred_at')) as at
  where held.pattern_key = 'pm.f'), array[round((extract(epoch from now()) * 1000)::float8)], 'It is read as one of now');
delete from pattern_episode_events where strand_id = 'f1';
delete from learning.mining_groups where pattern_key = 'pm.f';

create temp table piece as select public.read_tuning_windows(held.id, p_gates => true) as packed
  from learning.mining_groups held;
select is((packed ->> 'rows')::integer, 3, 'What is read is in the look-back and has an outcome') from piece;
select is(pg_temp.integers(packed ->> 'flags', 4), array[1 + 4, 0, 2 + 8],
  'Flags tell decision, outcome and other blockers')
from (select packed || jsonb_build_object('flags', replace(encode((
  select string_agg(int4send(bits & 15), ''::bytea)
    from unnest(pg_temp.integers(packed ->> 'flags', 4)) as bits), 'base64'), E'\n', '')) as packed
    from piece) masked;
select is((select array_agg(bits >> 4) from unnest(pg_temp.integers(packed ->> 'flags', 4)) bits),
  (select array_agg(learning.episode_half(episode_id) order by occurred_at, id) from pattern_episode_events
    where strand_id in ('a2', 'a3', 'a4')),
  'and the half of the episode') from piece;
select is(pg_temp.floats(packed -> 'gates' ->> 0), array['NaN'::float8, -2, 0.55],
  'Gates are in their columns, NaN where a window lacks any') from piece;
select is(pg_temp.floats(packed -> 'gates' ->> 3), array['NaN'::float8, 4, 1], 'every one of them')
  from piece;
select is(pg_temp.integers(packed -> 'dimensions' ->> '9', 2),
  (select array_fill(code, array[3]) from learning.scope_values), 'Scopes come in codes of two bytes')
  from piece;
select is(packed ->> 'next', null, 'One piece holds them all') from piece;
select is((public.read_tuning_windows(held.id, p_limit => 2)) -> 'next' ->> 'occurred_at',
  '2026-03-03T00:00:00+00:00', 'A smaller one says where the next begins') from learning.mining_groups held;
select is((public.read_tuning_windows(held.id,
  p_after => public.read_tuning_windows(held.id, p_limit => 2) -> 'next', p_limit => 2) ->> 'rows')::integer,
  1,
  'which has the rest') from learning.mining_groups held;
select is((public.read_tuning_windows(held.id, '2026-01-01') ->> 'rows')::integer, 4,
  'A run keeps the look-back that it began with') from learning.mining_groups held;
insert into learning.scope_values (code, dim, value) overriding system value values (40000, 'chain', 'far');
select is((public.read_tuning_windows(held.id) ->> 'code_bytes')::integer, 4,
  'Four bytes once the dictionary is large') from learning.mining_groups held;
delete from learning.scope_values where code = 40000;
select cmp_ok(count(*) filter (where learning.episode_half('episode ' || i) = 0), '>', 450::bigint,
  'Episodes fall into halves') from generate_series(1, 1000) i;
select cmp_ok(count(*) filter (where learning.episode_half('episode ' || i) = 1), '>', 450::bigint,
  'of about the same size') from generate_series(1, 1000) i;

-- Lessons are written with their look-back.
select pg_temp.mine(jsonb_build_array(pg_temp.lesson('{}'), pg_temp.lesson('{"timeframe": "15m"}')));
select results_eq($$ select lesson_type, status, n, scope_subset, edge_raw from learning_lessons
  order by id $$,
  $$ values ('tuning_rates', 'active', 40, '{}'::jsonb, null::float8),
    ('tuning_rates', 'active', 40, '{"timeframe": "15m"}', null) $$, 'Lessons that are found are active');
select results_eq($$ select * from pg_temp.lines('lesson_activated') order by 1 $$,
  $$ values ('Active pm.a tuning in {"timeframe": "15m"}: n=40 wr=0.250 fpr=0.750 mr=none dr=0.500'),
    ('Active pm.a tuning in {}: n=40 wr=0.250 fpr=0.750 mr=none dr=0.500') $$,
      'The log has each with its rates');

-- Windows leave the look-back without a change of their own.
update learning.mining_groups set mined_settings = 'others';
select pg_temp.mine(jsonb_build_array(pg_temp.lesson('{}'), pg_temp.lesson('{"timeframe": "15m"}')));
select is((select lessons_version from learning.tuning_groups), 1::bigint,
  'A group that was mined again on the same evidence is not to be simulated again');
select pg_temp.decided('b1', 'pm.b', '2026-06-20', 'skipped', null);
update pattern_episode_events set outcome = 'failure', occurred_at = '2026-08-31' where strand_id = 'b1';
select is(public.start_tuning(), 1,
  'A group whose windows leave the look-back because of another group''s is mined again');

-- Times that are none, as were accepted once.
delete from pattern_episode_events where true;
select pg_temp.decided('before all time', 'pm.c', '-infinity'), pg_temp.decided('after it', 'pm.c', 'infinity');
select is(isfinite(learning.tuning_lookback()), true, 'No look-back begins before all time');

-- Windows that a moved gate decided -------------------------------------------------------------------------

-- Recorded 0.6, 1 and 0.
select results_eq($$ select learning.gates_pass('{0.6,0.6,1,1,0,0}', '{0,0,0}'),
    learning.gates_pass('{0.55,0.6,1,1,0,0}', '{0,0,0}'), learning.gates_pass('{0.55,0.6,1,1,0,0}', '{-0.05,0,0}'),
    learning.gates_pass('{0.6,0.6,1.1,1,0,0}', '{0,0.1,0}'), learning.gates_pass('{0.6,0.6,1,1,0.001,0}', '{0,0,0.002}'),
    learning.gates_pass('{0.55,0.6,1,1,0,0}', '{0,0,0}', 1, -0.1),
    learning.gates_pass('{0.55,0.6,1,1,0,0}', '{-0.1,0,0}', 1, 0) $$,
  $$ values (true, false, true, true, false, true, false) $$,
  'Gates pass at their threshold and beyond, wherever it was moved to, or one of them by itself');

delete from pattern_episode_events where true;
delete from pm_overrides where true;
delete from pm_override_history where true;
select learning.register_scope_values(array['{"timeframe": "1h"}'::jsonb]);
create function pg_temp.move(lever text, value float8, scope jsonb default '{"timeframe": "15m"}',
  confidence float8 default 0.9) returns bigint language plpgsql as $$
declare moved bigint;
begin
  perform learning.act_as('loop');
  insert into public.pm_overrides (override_type, pattern_key, action_category, scope_subset, value, lesson_id,
    confidence_score, first_active_at, evidence_from, promised, baseline, baseline_sigma)
  values ('pm_tuning', 'pm.g', lever, scope, value, 1, confidence, '2026-01-01', '2026-02-01', 0.5, 0, 0.5)
  returning id into moved;
  delete from public.pm_override_history where true;
  perform learning.act_as('');
  return moved;
end $$;
-- What was decided by each lever, gains as +, costs as -.
create function pg_temp.decisions() returns setof text language sql as $$
  select concat(override.action_category, ' ', override.scope_subset ->> 'timeframe', ' ', episode.strand_id,
    case decided.gain when 1 then ' +' else ' -' end)
  from learning.decided_windows('pm.g', 0) as decided
  join public.pm_overrides override on override.id = decided.override_id
  join public.pattern_episode_events episode on episode.id = decided.window_id
  order by 1
$$;

-- ts 0.6 is asked for, then 0.55.
select pg_temp.move('tuning_ts_min', -0.05);
select pg_temp.decided('let in, success', 'pm.g', '2026-03-01', 'acted', 'success', '{}', '{0.56,0.6,1,1,0,0}');
select pg_temp.decided('let in, failure', 'pm.g', '2026-03-01', 'acted', 'failure', '{}', '{0.55,0.6,1,1,0,0}');
select pg_temp.decided('not entered', 'pm.g', '2026-03-02', 'skipped', 'success', '{ts}', '{0.57,0.6,1,1,0,0}');
select pg_temp.decided('blocked', 'pm.g', '2026-03-02', 'skipped', 'success', '{ts,cooldown}', '{0.57,0.6,1,1,0,0}');
select pg_temp.decided('neutral', 'pm.g', '2026-03-02', 'acted', 'neutral', '{}', '{0.57,0.6,1,1,0,0}');
select pg_temp.decided('open', 'pm.g', '2026-03-02', 'acted', null, '{}', '{0.57,0.6,1,1,0,0}');
select pg_temp.decided('without figures', 'pm.g', '2026-03-02', 'acted', 'success', '{}', null);
select pg_temp.decided('passes anyway', 'pm.g', '2026-03-02', 'acted', 'success', '{}', '{0.6,0.6,1,1,0,0}');
select pg_temp.decided('fails anyway', 'pm.g', '2026-03-02', 'skipped', 'success', '{ts}', '{0.54,0.6,1,1,0,0}');
select pg_temp.decided('halo fails', 'pm.g', '2026-03-02', 'skipped', 'success', '{ts}', '{0.57,0.6,1.1,1,0,0}');
select pg_temp.decided('before', 'pm.g', '2026-01-31', 'acted', 'success', '{}', '{0.57,0.6,1,1,0,0}');
select pg_temp.decided('another key', 'pm.h', '2026-03-02', 'acted', 'success', '{}', '{0.57,0.6,1,1,0,0}');
select results_eq('select * from pg_temp.decisions()', $$ values ('tuning_ts_min 15m let in, failure -'),
  ('tuning_ts_min 15m let in, success +'), ('tuning_ts_min 15m not entered +') $$,
  'A loosened gate decides what it alone let in, of known outcome: it catches successes and failures');
update pattern_episode_events set scope = '{"timeframe": "1h"}' where strand_id = 'not entered';
select is((select count(*)::integer from pg_temp.decisions()), 2, 'Not in scopes that it does not contain');

-- ts 0.65 is asked for instead of 0.6.
delete from pattern_episode_events where true;
select learning.act_as('loop');
update pm_overrides set value = 0.05 where true;
select learning.act_as('');
delete from pm_override_history where true;
select pg_temp.decided('kept out, failure', 'pm.g', '2026-03-01', 'skipped', 'failure', '{ts}', '{0.6,0.6,1,1,0,0}');
select pg_temp.decided('kept out, success', 'pm.g', '2026-03-01', 'skipped', 'success', '{}', '{0.64,0.6,1,1,0,0}');
select pg_temp.decided('entered', 'pm.g', '2026-03-01', 'acted', 'failure', '{}', '{0.64,0.6,1,1,0,0}');
select pg_temp.decided('passes still', 'pm.g', '2026-03-01', 'acted', 'failure', '{}', '{0.66,0.6,1,1,0,0}');
select results_eq('select * from pg_temp.decisions()', $$ values ('tuning_ts_min 15m entered +'),
  ('tuning_ts_min 15m kept out, failure +'), ('tuning_ts_min 15m kept out, success -') $$,
  'A tightened one what it alone kept out: it drops failures and successes');

-- Several: ts 0.55 for 0.6, halo 0.9 for 1 within 15m; within 1h ts 0.55 and halo 1.1.
delete from pattern_episode_events where true;
delete from pm_overrides where true;
select pg_temp.move('tuning_ts_min', -0.05, '{}'), pg_temp.move('tuning_halo', -0.1),
  pg_temp.move('tuning_halo', 0.1, '{"timeframe": "1h"}');
select pg_temp.decided('ts alone', 'pm.g', '2026-03-01', 'acted', 'success', '{}', '{0.57,0.6,0.9,1,0,0}');
select pg_temp.decided('kept out by halo', 'pm.g', '2026-03-01', 'skipped', 'success', '{}', '{0.57,0.6,0.95,1,0,0}');
select pg_temp.decided('halo alone', 'pm.g', '2026-03-01', 'skipped', 'failure', '{}', '{0.6,0.6,0.95,1,0,0}');
select pg_temp.decided('both', 'pm.g', '2026-03-01', 'acted', 'failure', '{}', '{0.57,0.6,1.05,1,0,0}');
update pattern_episode_events set scope = '{"timeframe": "1h"}' where strand_id = 'both';
-- What ts lets in the halo keeps out: ts decides nothing, and the halo does.
select results_eq('select * from pg_temp.decisions()', $$ values ('tuning_halo 15m halo alone +'),
  ('tuning_halo 15m kept out by halo -'), ('tuning_halo 1h both -'), ('tuning_ts_min  both -'),
  ('tuning_ts_min  ts alone +') $$,
  'Of several moved at once each decides what would be otherwise without it, the others as they are');

-- The most specific alone moves a gate: within 15m ts 0.5, elsewhere 0.55.
delete from pattern_episode_events where true;
delete from pm_overrides where true;
select pg_temp.move('tuning_ts_min', -0.05, '{}'), pg_temp.move('tuning_ts_min', -0.1);
select pg_temp.decided('inside', 'pm.g', '2026-03-01', 'acted', 'success', '{}', '{0.57,0.6,1,1,0,0}');
select pg_temp.decided('outside', 'pm.g', '2026-03-01', 'acted', 'success', '{}', '{0.57,0.6,1,1,0,0}');
update pattern_episode_events set scope = '{}' where strand_id = 'outside';
select results_eq('select * from pg_temp.decisions()',
  $$ values ('tuning_ts_min  outside +'), ('tuning_ts_min 15m inside +') $$,
  'A window is decided by the override that moved its gate, not by a wider one');

-- By history.
select learning.act_as('loop');
update pm_overrides set enabled = false, disabled_by = 'loop', disabled_reason = 'lapsed'
where scope_subset <> '{}';
select learning.act_as('');
update pm_override_history set at = '2026-02-20' where true;
select results_eq('select * from pg_temp.decisions()',
  $$ values ('tuning_ts_min  inside +'), ('tuning_ts_min  outside +') $$,
  'While the narrow one is off the wider one moves the gate');
update pattern_episode_events set occurred_at = '2026-02-19' where strand_id = 'inside';
select results_eq('select * from pg_temp.decisions()', $$ values ('tuning_ts_min  outside +') $$,
  'And while it was on it did not');
insert into pm_override_history (override_id, at, actor, old, new)
select id, '2026-02-10', 'loop', '{"value": 0.05}', '{"value": -0.05}' from pm_overrides where scope_subset = '{}';
update pattern_episode_events set scope = '{}', occurred_at = '2026-02-09' where strand_id = 'inside';
select results_eq('select * from pg_temp.decisions()', $$ values ('tuning_ts_min  outside +') $$,
  'A window is judged by the move of its time: asked for 0.65, 0.57 fails anyway');
update pattern_episode_events set gates = '{0.62,0.6,1,1,0,0}' where strand_id = 'inside';
select results_eq('select * from pg_temp.decisions()',
  $$ values ('tuning_ts_min  inside -'), ('tuning_ts_min  outside +') $$, 'And 0.62 is kept out, a success');

-- One that was switched off for what it cost is held against what it would have decided since.
select learning.act_as('loop');
update pm_overrides set enabled = false, disabled_by = 'loop', disabled_reason = 'stopped adding value: told',
  evidence_from = '2026-02-25' where scope_subset = '{}';
select learning.act_as('');
select results_eq('select * from pg_temp.decisions()', $$ values ('tuning_ts_min  outside +') $$,
  'What broke its promise is held against what it would have decided since');
delete from pm_override_history where true;
select learning.act_as('loop');
update pm_overrides set enabled = true where scope_subset <> '{}';
select learning.act_as('');
delete from pm_override_history where true;
update pattern_episode_events set scope = '{"timeframe": "15m"}', gates = '{0.57,0.6,1,1,0,0}' where true;
update pattern_episode_events set occurred_at = '2026-03-02' where strand_id = 'inside';
select results_eq('select * from pg_temp.decisions()',
  $$ values ('tuning_ts_min 15m inside +'), ('tuning_ts_min 15m outside +') $$,
  'Not where a narrower one moves the gate all the same');

select * from finish();
rollback;
