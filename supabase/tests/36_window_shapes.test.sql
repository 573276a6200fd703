begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(48);

-- Lets everything take effect that is due, as aggregate-strands does with strands it finds no fault in.
create function pg_temp.settle() returns jsonb language sql as $$
  select public.apply_strands(coalesce(jsonb_agg(jsonb_build_object('id', receipt.strand_id, 'revision',
    receipt.revision)), '[]'), '[]')
  from public.strand_receipts receipt where receipt.status = 'pending';
$$;
create function pg_temp.write(id text, kind text, content jsonb, at timestamptz default '2026-01-10 18:00')
returns void language sql as $$
  insert into public.ad_strands (id, module, kind, created_at, regime_context, content)
  values (id, 'pm', kind, at, '{"macro_phase": "dip"}',
    '{"pattern_key": "module=pm|pattern_key=uptrend.S1.entry", "scope": {"timeframe": "4h"}}'::jsonb || content);
$$;
create function pg_temp.summary(id text, content jsonb, at timestamptz default '2026-01-10 18:00')
returns void language sql as $$
  select pg_temp.write(id, 'uptrend_episode_summary', '{"episode_id": "e1", "position_id": "p1",
    "outcome": "missed"}'::jsonb || content, at);
$$;
create function pg_temp.shadow(id text, content jsonb) returns void language sql as $$
  select pg_temp.write(id, 'pm_action', '{"decision_type": "shadow_entry", "trade_id": null,
    "blocked_by": ["ts"]}'::jsonb || content, '2026-01-10 12:00');
$$;
create function pg_temp.warnings() returns bigint language sql as $$
  select count(*) from public.learning_log line where line.level = 'WARNING';
$$;
create temporary table former_warnings on commit drop as select pg_temp.warnings() as lines;

-- Outcomes --------------------------------------------------------------------------------------------------

select is(array(select learning.window_outcome(told, 'skipped')
    from unnest('{success,failure,neutral,missed,correct_skip,odd,null}'::text[]) as told),
  '{success,failure,neutral,success,failure,NULL,NULL}', 'What was skipped was missed or rightly so');
select is(array(select learning.window_outcome(told, 'acted')
    from unnest('{success,failure,neutral,missed,correct_skip}'::text[]) as told),
  '{success,failure,neutral,NULL,NULL}', 'which says nothing of what was acted on');

-- Summaries of episodes -------------------------------------------------------------------------------------

select pg_temp.summary('s1', '{"windows": [
  {"window_id": "w1", "entered": false, "started_at": "2026-01-10T12:00:00Z", "ended_at": "2026-01-10T13:00:00Z",
    "samples": [{"ts_score": 0.1, "ts_ok": true}, {"ts_score": 0.5, "ts_ok": false, "slope_ok": true, "ema60_slope": 0.2}],
    "summary": {"sample_count": 2, "ts_score": {"min": 0.1, "max": 0.6, "median": 0.52}, "ema60_slope": {"median": 0.1}}},
  {"window_id": "w2", "entered": true, "trade_id": "t1", "started_at": "2026-01-10T14:00:00Z", "ended_at": null,
    "samples": [{"ts_score": 0.7, "halo_distance": 0.2, "ema144_slope": 0.3, "slope": null}],
    "summary": {"ts_score": {"median": 0.65}, "ts_min": 0.6, "halo_distance": 0.4, "halo_max": 1, "slope_min": 0}}
]}');
select is(pg_temp.settle() ->> 'accepted', '1', 'A summary of an episode takes effect');
select results_eq($$ select strand_id, episode_id, pattern_key, scope, decision, outcome, blocked_by, trade_id,
    occurred_at, summary_strand_id from pattern_episode_events order by strand_id $$, $$ values
  ('s1#1', 'e1', 'pm.uptrend.S1.entry', '{"timeframe": "4h", "macro_phase": "dip"}'::jsonb, 'skipped', 'success',
    '{ts}'::text[], null, '2026-01-10T13:00:00Z'::timestamptz, 's1'),
  ('s1#2', 'e1', 'pm.uptrend.S1.entry', '{"timeframe": "4h", "macro_phase": "dip"}', 'acted', null, '{}', 't1',
    '2026-01-10T14:00:00Z', 's1') $$,
  'It counts as its windows and their outcome: blocked as its last sample says, seen when it ended');
select is(factors, '{"sample_count": 2, "ts_score": {"min": 0.1, "max": 0.6, "median": 0.52},
  "ema60_slope": {"median": 0.1}, "ts_ok": false, "slope_ok": true}', 'Its factors are kept as they are told')
from pattern_episode_events where strand_id = 's1#1';
select is(gates, null, 'Without thresholds it is left out of simulation')
from pattern_episode_events where strand_id = 's1#1';
select is(gates, '{0.7,0.6,0.2,1,0.3,0}', 'With them the sample that was acted on is compared, the slope by any name')
from pattern_episode_events where strand_id = 's1#2';
select is(pg_temp.warnings(), (select lines from former_warnings), 'Which is nothing to warn of');
select results_eq($$ select level, message from learning_log where event = 'episode_incomplete' $$, $$ values
  ('INFO', 'Episode e1: window s1#1 of pm.uptrend.S1.entry is left out of simulation, it lacks ts_min, ' ||
  'halo_distance, halo_max, slope_min') $$, 'and is said');

select pg_temp.summary('s2', '{"outcome": "correct_skip", "windows": [{"summary": {"ts_score": 0.2}}]}',
  '2026-01-10 19:00');
select pg_temp.summary('other', '{"position_id": "p2", "windows": [{"decision": "skipped"}]}', '2026-01-10 20:00');
select pg_temp.settle();
select results_eq($$ select strand_id, outcome, occurred_at from pattern_episode_events order by strand_id $$, $$ values
  ('other#1', 'success', '2026-01-10 20:00'::timestamptz), ('s2#1', 'failure', '2026-01-10 19:00') $$,
  'Of several summaries of one episode the newest holds; another position counts for itself');
update ad_strands set content = content || '{"windows": []}' where id = 's2';
select pg_temp.settle();
select results_eq('select strand_id from pattern_episode_events', $$ values ('other#1') $$,
  'A summary without windows has none any more');
update ad_strands set content = content || '{"episode_id": "e2"}' where id = 'other';
select pg_temp.settle();
select results_eq('select strand_id, episode_id from pattern_episode_events', $$ values ('other#1', 'e2') $$,
  'One that names another episode moves there');
update ad_strands set kind = 'note' where id = 'other';
select pg_temp.settle();
select is_empty('select from pattern_episode_events', 'and one that is none any more takes its windows along');

select pg_temp.write('by itself', 'episode_window', '{"episode_id": "w9", "decision": "skipped", "factors": {}}');
select pg_temp.settle();
select pg_temp.summary('late', '{"episode_id": "e9", "windows": [{"window_id": "w9"}, {"window_id": "w10"}]}');
select pg_temp.settle();
select results_eq('select strand_id from pattern_episode_events order by strand_id',
  $$ values ('by itself'), ('late#2') $$, 'A window that came by itself is not counted a second time');

select pg_temp.summary('elsewhere', '{"episode_id": "e9", "position_id": "p2", "scope": {"timeframe": "15m"},
  "windows": [{"window_id": "w9"}]}');
select pg_temp.settle();
select results_eq('select strand_id from pattern_episode_events order by strand_id',
  $$ values ('by itself'), ('elsewhere#1'), ('late#2') $$, 'Another position''s of the same name is');

-- The other way round: a window that comes by itself after the summary that holds it.
create function pg_temp.counted(episodes text[]) returns setof text language sql as $$
  select coalesce(episode.summary_strand_id || ' of ' || episode.episode_id, 'itself')
  from public.pattern_episode_events episode where episode.episode_id = any (episodes) order by episode.id;
$$;
create function pg_temp.guest_writes(episode text, timeframe text) returns void language sql as $$
  insert into public.pattern_episode_events (scope, pattern_key, episode_id, decision, factors)
  values (jsonb_build_object('timeframe', timeframe), 'pm.uptrend.S1.entry', episode, 'skipped', '{}');
$$;
grant execute on function pg_temp.guest_writes(text, text) to service_role;
select pg_temp.summary('early', '{"episode_id": "e40", "windows": [{"window_id": "w41"}, {"window_id": "w42"}]}');
select pg_temp.settle();
set local role service_role;
select pg_temp.guest_writes('w41', '15m');
reset role;
select pg_temp.settle();
select results_eq($$ select pg_temp.counted('{e40,w41}') $$,
  $$ values ('early of e40'), ('early of e40'), ('itself') $$, 'A row in another scope is another position''s window');
update pattern_episode_events set scope = '{"timeframe": "4h", "macro_phase": "dip"}' where episode_id = 'w41';
select is((select status from strand_receipts where strand_id = 'early'), 'pending',
  'One that turns out the very window has the summary judged anew');
select pg_temp.settle();
select results_eq($$ select pg_temp.counted('{e40,w41}') $$, $$ values ('early of e40'), ('itself') $$,
  'and is not counted a second time, though it came later');
select pg_temp.guest_writes('w42', '4h');
select pg_temp.settle();
select results_eq($$ select pg_temp.counted('{e40,w41,w42}') $$, $$ values ('itself'), ('itself') $$,
  'Nor is one that is so from the first');
update pattern_episode_events set outcome = 'success' where episode_id = 'w42';
select is((select status from strand_receipts where strand_id = 'early'), 'done', 'How it ends changes nothing of that');
delete from pattern_episode_events where episode_id = 'w41';
select pg_temp.settle();
select results_eq($$ select pg_temp.counted('{e40,w41,w42}') $$, $$ values ('itself'), ('early of e40') $$,
  'One that is gone is counted in its summary again');
delete from pattern_episode_events where episode_id in ('w42');
select pg_temp.write('latecomer', 'episode_window', '{"episode_id": "w42", "decision": "skipped", "factors": {}}');
select pg_temp.settle();
select pg_temp.settle();
select results_eq($$ select pg_temp.counted('{e40,w42}') $$, $$ values ('early of e40'), ('itself') $$,
  'A strand of one that comes later counts in its place, too');
insert into ad_strands (id, kind, content) values ('named at length', 'uptrend_episode_summary',
  jsonb_build_object('windows', jsonb_build_array(jsonb_build_object('window_id',
    (select string_agg(md5(i::text), '') from generate_series(1, 1000) i)))));
select ok(learning.summary_window_digests(content) <> '{}', 'A summary whose windows have long ids is stored')
from ad_strands where id = 'named at length';
delete from ad_strands where id in ('named at length', 'early', 'latecomer');
truncate pattern_episode_events;

select pg_temp.summary('own id', '{"episode_id": "e7", "windows": [{"window_id": "e7"}]}');
select pg_temp.settle();
update ad_strands set content = content || '{"outcome": "correct_skip"}' where id = 'own id';
select pg_temp.settle();
select results_eq($$ select strand_id, outcome from pattern_episode_events where episode_id = 'e7' $$,
  $$ values ('own id#1', 'failure') $$, 'A window of a summary does not stand in its own way');

select pg_temp.write('plain', 'episode_window', '{"episode_id": "e8", "decision": "skipped", "factors": {}}');
select pg_temp.summary('plain end', '{"episode_id": "e8", "windows": null}');
select pg_temp.settle();
select is(outcome, 'success', 'A summary ends the windows that came by themselves')
from pattern_episode_events where strand_id = 'plain';
select pg_temp.write('plain outcome', 'episode_outcome', '{"episode_id": "e8", "outcome": "correct_skip"}',
  '2026-01-11');
select pg_temp.settle();
select is(outcome, 'failure', 'and so does an outcome, if it is newer')
from pattern_episode_events where strand_id = 'plain';

-- Entries that were held back -------------------------------------------------------------------------------

select is(array(select learning.is_shadow_window('{"decision_type": "shadow_entry", "blocked_by": [], "gate_margins": {},
    "pattern_key": "pm.x", "episode_id": "e"}'::jsonb || change) from unnest(array['{}', '{"trade_id": null}',
    '{"trade_id": "t"}', '{"decision_type": "entry"}', '{"blocked_by": null}', '{"gate_margins": null}',
    '{"pattern_key": null}', '{"episode_id": null}']::jsonb[]) as change),
  '{t,t,f,f,f,f,f,f}'::boolean[], 'An entry that was held back is a window where it says all of it');
select is((shadow_window.told -> 'factors', shadow_window.assumed)::text,
  ('{"ts_score": -3.5, "ts_min": 0, "halo_distance": -0.2, "halo_max": 0, "slope": 1, "slope_min": 0}'::jsonb,
    '{ts_min,halo_max,slope_min}'::text[])::text, 'Its figures are margins against 0')
from learning.shadow_window('{"gate_margins": {"ts_margin": -3.5, "halo_margin": 0.2, "slope_margin": 1.0}}');
select is((shadow_window.told -> 'factors', shadow_window.assumed)::text,
  ('{"ts_score": 0.55, "ts_min": 0.6, "halo_distance": 0.8, "halo_max": 1, "slope": 0.002, "slope_min": 0.001}'::jsonb,
    '{}'::text[])::text, 'or figures, where thresholds are given')
from learning.shadow_window('{"gate_margins": {"ts_margin": -0.05, "halo_margin": 0.2, "slope_margin": 0.001},
  "thresholds": {"ts_min": 0.6, "halo_max": 1.0}, "factors": {"slope_min": 0.001, "ts_min": 9}}');

truncate pattern_episode_events;
delete from learning_log where true;
select pg_temp.shadow('h1', '{"episode_id": "h", "gate_margins": {"ts_margin": -3.5, "halo_margin": 0.2,
  "slope_margin": 1.0}}');
select pg_temp.shadow('h2', '{"episode_id": "h", "gate_margins": {"ts_margin": -0.05, "halo_margin": 0.2,
  "slope_margin": 0.001}, "thresholds": {"ts_min": 0.6, "halo_max": 1.0, "slope_min": 0.001}}');
select pg_temp.shadow('h3', '{"gate_margins": {"ts_margin": -3.5}}');
select pg_temp.write('failed', 'pm_action', '{"trade_id": null, "decision_type": "entry", "episode_id": "h"}');
select is(pg_temp.settle(), '{"accepted": 4, "rejected": 0, "failed": 0, "postponed": 0}',
  'Actions that led to no trade are done');
select results_eq($$ select strand_id, episode_id, pattern_key, decision, outcome, blocked_by, trade_id, gates,
    occurred_at from pattern_episode_events order by strand_id $$, $$ values
  ('h1', 'h', 'pm.uptrend.S1.entry', 'skipped', null::text, '{ts}'::text[], null::text, null::float8[],
    '2026-01-10 12:00'::timestamptz),
  ('h2', 'h', 'pm.uptrend.S1.entry', 'skipped', null, '{ts}', null, '{0.55,0.6,0.8,1,0.002,0.001}',
    '2026-01-10 12:00') $$, 'Of these the entries that were held back are skipped windows');
select is_empty('select from pattern_trade_events', 'Nothing is taught of trades');
-- A busy machine takes so long that the doorbell is tried again.
select results_eq($$ select distinct level from learning_log where event <> 'doorbell_failed' $$,
  $$ values ('INFO') $$, 'and nothing is warned of');
select results_eq($$ select message from learning_log where event = 'episode_incomplete' $$, $$ values
  ('Episode h: window h1 of pm.uptrend.S1.entry is left out of simulation, it lacks ts_min, halo_max, slope_min') $$,
  'What margins lack is said');
select pg_temp.write('h end', 'episode_outcome', '{"episode_id": "h", "outcome": "missed"}', '2026-01-11');
select pg_temp.settle();
select is(array_agg(outcome), '{success,success}', 'Their episode''s outcome is theirs') from pattern_episode_events;
update ad_strands set content = content || '{"trade_id": "t7", "action_category": "entry"}' where id = 'h1';
select pg_temp.settle();
select results_eq('select strand_id from pattern_episode_events', $$ values ('h2') $$,
  'An entry that led to a trade after all is no window any more');

-- Subjects --------------------------------------------------------------------------------------------------

select results_eq($$ select kind, subject, array(select unnest(strand_ids) order by 1) from learning.touched_subjects('[{"id": "h2"}, {"id": "h3"},
    {"id": "failed"}, {"id": "plain end"}]', '[]') $$, $$ values
  ('episode', 'e8', '{"plain end"}'::text[]), ('episode', 'h', '{h2}'), ('trade', '', '{failed,h3}') $$,
  'Each strand names its episode, its trade or neither');
select ok(learning.lock_subjects('[{"id": "h3"}]', '[]'), 'What belongs to neither waits for nothing');
select is_empty($$ select from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()
  and (classid::bigint << 32 | objid::bigint) = hashtextextended('trade ', 0) $$, 'and keeps nobody waiting');

-- What is taken back, restored and pruned --------------------------------------------------------------------

delete from learning.withdrawn_strands where true;
truncate pattern_episode_events;
select pg_temp.summary('gone', '{"episode_id": "e20", "windows": [{}, {}]}');
select pg_temp.shadow('gone too', '{"episode_id": "e21", "gate_margins": {}}');
select pg_temp.settle();
select is((learning.has_effect('gone'), learning.has_effect('gone too'), learning.has_effect('h3'))::text,
  '(t,t,f)', 'A summary and an entry that was held back have their windows as effect');
delete from pattern_episode_events where true;
select is((learning.apply_what_is_missing()).episodes >= 2, true, 'Windows that are missing are made again');
select results_eq($$ select strand_id from pattern_episode_events where episode_id in ('e20', 'e21') order by 1 $$,
  $$ values ('gone too'), ('gone#1'), ('gone#2') $$, 'all of them');
select results_eq($$ select strand_id from learning.strands_of_subject('episode', 'e20') union all
    select strand_id from learning.strands_of_subject('episode', 'e21') $$,
  $$ values ('gone'), ('gone too') $$, 'They belong to their episode when it is pruned');
delete from ad_strands where id in ('gone', 'gone too', 'failed');
select results_eq('select strand_id, kind, subject from learning.withdrawn_strands order by 1', $$ values
  ('gone', 'episode', 'e20'), ('gone too', 'episode', 'e21') $$, 'Deleted, they are withdrawn from it');
select is(learning.withdraw_effects() >= 0, true, 'by the sweep');
select is_empty($$ select from pattern_episode_events where episode_id in ('e20', 'e21') $$,
  'which takes their windows back');

select pg_temp.summary('moved', '{"episode_id": "e30", "windows": [{}]}');
select pg_temp.settle();
update ad_strands set content = content || '{"episode_id": "e31"}' where id = 'moved';
delete from ad_strands where id = 'moved';
delete from learning.withdrawn_strands withdrawn_strand where withdrawn_strand.subject = 'e30';
select learning.withdraw_effects();
select is_empty($$ select from pattern_episode_events where episode_id = 'e30' $$,
  'A summary that was changed before it went leaves no window where it was');
select pg_temp.write('left', 'episode_window', '{"episode_id": "e32", "decision": "skipped", "factors": {}}');
select pg_temp.summary('ended', '{"episode_id": "e32", "windows": []}');
select pg_temp.settle();
update ad_strands set content = content || '{"episode_id": "e33"}' where id = 'ended';
select pg_temp.settle();
select learning.withdraw_effects();
select is(outcome, null, 'nor an outcome with the windows that it ended')
from pattern_episode_events where strand_id = 'left';

select * from finish();
rollback;
