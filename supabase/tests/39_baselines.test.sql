begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(30);

delete from ad_strands where true;
delete from pattern_trade_events where true;
delete from learning.closed_trades where true;
delete from learning.mining_groups where true;
delete from learning.baselines where true;
delete from learning_configs where true;
delete from learning_log where true;

create function pg_temp.configure(config_data jsonb) returns void language sql as $$
  insert into public.learning_configs (module_id, config_data) values ('pm', config_data)
  on conflict (module_id) do update set config_data = excluded.config_data;
$$;

-- An action of a trade: key, category and hour, what the trade came to and what the action did by itself.
create function pg_temp.acted(
  p_trade_id text, key text, category text, hour integer, p_roi float8, own float8, module text default 'pm'
) returns void language sql as $$
  insert into learning.closed_trades (trade_id, close_strand_id, roi, rr, exit_at, action_categories, module)
  values (p_trade_id, 'close of ' || p_trade_id, p_roi, 10 * p_roi, '2025-01-16', array[category], module)
  on conflict (trade_id, module) do update
    set action_categories = learning.closed_trades.action_categories || excluded.action_categories;
  insert into public.pattern_trade_events (action_strand_id, trade_id, module, pattern_key, action_category,
    scope, scope_mask, scope_codes, roi, rr, duration_hours, did_trim, reached_s3, acted_at, traded_at, own_roi,
    own_rr)
  values (concat_ws(' ', module, p_trade_id, key, category, hour), p_trade_id, module, key, category, '{}', 0, '{}',
    p_roi, 10 * p_roi, 1, false, false, '2025-01-15'::timestamptz + hour * interval '1 hour', '2025-01-16', own,
    100 * own);
  select learning.mark_groups_changed(array[(module, key, category)::learning.group_key]);
$$;
create function pg_temp.measured(category text) returns text language sql as $$
  select concat_ws(' ', n, round(mean::numeric, 4), lowest, highest)
  from learning.baselines baseline where baseline.action_category = category;
$$;

select is(learning.measure_baselines(), '{}', 'Without trades nothing is unknown');
select is_empty($$ select * from learning.baselines $$, 'And there is nothing to compare with');
select pg_temp.acted('t' || i, 'pm.a', 'entry', 0, i, i), pg_temp.acted('t' || i, 'pm.a', 'exit', 1, i, -i / 2.0)
from generate_series(1, 100) i;
insert into learning.closed_trades (trade_id, close_strand_id, roi, rr, exit_at)
  values ('bare', 'bare', 1e6, 1, now());
select learning.measure_baselines();
-- Of 1 … 100 the 2 % and 98 % quantiles are 2.98 and 98.02; clamped, one outcome below and one more becomes
-- 2.98, and so on.
select is((select (n, mean, lower_bound, upper_bound, lowest, highest)::text from learning.baselines
  where action_category = ''), (100, 50.5::float8, 2.98::float8, 98.02::float8, 1, 100)::text,
  'All trades that have an event are measured, each once');
select ok((select abs(winsorised_mean - 50.5) < 1e-12 and abs(sigma - sqrt((
    select sum((least(greatest(y, 2.98), 98.02) - 50.5) ^ 2) / 100
      from generate_series(1, 100) as y))) < 1e-12
  from learning.baselines where action_category = ''),
  'Their mean and deviation are those of the winsorised outcomes');
select is(pg_temp.measured('entry'), '100 50.5000 1 100', 'And the decisions of each category');
select is(pg_temp.measured('exit'), '100 -25.2500 -50 -0.5', 'By what they are judged by');
select is(learning.measure_baselines(), '{}', 'All of them are known');

-- Two adds under one key are one decision, by the first; one under another key, or of another module, is its own.
select pg_temp.acted('t1', 'pm.a', 'add', 3, 1, 9), pg_temp.acted('t1', 'pm.a', 'add', 2, 1, 2),
  pg_temp.acted('t1', 'pm.b', 'add', 4, 1, 4), pg_temp.acted('t1', 'x.a', 'add', 2, -1, -3, 'x'),
  pg_temp.acted('t2', 'pm.a', 'add', 2, 2, null), pg_temp.acted('t2', 'pm.a', 'add', 3, 2, 50);
select is(learning.measure_baselines(), '{"add": 1}', 'What is not known by its first action is counted');
select is(pg_temp.measured('add'), '3 1.0000 -3 4', 'And left out: an observation is a decision');
select is(pg_temp.measured(''), '101 49.9901 -1 100', 'All trades are all trades of all modules');
select is((learning.baseline_of('add')).mean, 1::float8, 'A group is compared with its category');
select is((learning.baseline_of('trim')).n, null, 'Where nothing is known there is nothing to compare with');
delete from pattern_trade_events where trade_id = 't1' and action_category = 'add' and module = 'x'
  or pattern_key = 'pm.b';
select learning.mark_groups_changed(array_agg((module, pattern_key, action_category)::learning.group_key))
from learning.mining_groups where action_category = 'add';
select learning.measure_baselines();
select is((select sigma from learning.baselines where action_category = 'add'), 0::float8,
  'A single decision does not deviate');

select pg_temp.configure('{"outcome": "rr"}');
select learning.measure_baselines();
select is(pg_temp.measured('add'), '1 200.0000 200 200', 'In R where that is configured');
select is(pg_temp.measured('entry'), '100 505.0000 10 1000', 'Of the whole trade for entries');
select pg_temp.configure('{"add_outcome": "trade", "exit_outcome": "trade", "outcome_scale": 5}');
select is(learning.measure_baselines(), '{}', 'The outcome of whole trades is always known');
select is(pg_temp.measured('add'), '2 1.5000 1 2', 'Decisions may be judged by it');
select is(pg_temp.measured('exit'), '100 50.5000 1 100', 'Exits too; no scale divides an outcome');

select pg_temp.configure('{"baseline": "global"}');
select learning.measure_baselines();
select is((select concat_ws(' ', n, round(mean::numeric, 4), lowest, highest) from learning.baseline_of('exit')),
  '101 49.9901 -50 -0.5', 'Or a group is compared with all trades, and its signs with those of its category');
delete from pattern_trade_events where action_category = 'exit';
select learning.mark_groups_changed(array_agg((module, pattern_key, action_category)::learning.group_key))
from learning.mining_groups;
select learning.measure_baselines();
select is(pg_temp.measured('exit'), null, 'A category without decisions has no baseline');

-- Decisions in columns ---------------------------------------------------------------------------------------

select pg_temp.acted('u' || i, 'pm.u' || i, 'entry', 0, i, i) from generate_series(1, 3) i;
select is(learning.refresh_decisions('-infinity'), 3, 'Nothing is done after the deadline');
select is(learning.refresh_decisions(), 0, 'And everything before it');
select is((select (group_decision.outcome, group_decision.acted_at)::text
    from learning.group_decisions group_decision
    join learning.mining_groups mining_group on mining_group.id = group_decision.group_id
    where mining_group.pattern_key = 'pm.u2'), (array[2::float8], array['2025-01-15'::timestamptz])::text,
  'A group''s decisions stand in columns');
update pattern_trade_events set roi = 7 where pattern_key = 'pm.u2';
select learning.mark_groups_changed(array[('pm', 'pm.u2', 'entry')::learning.group_key]);
select is(learning.refresh_decisions('-infinity'), 1, 'Only those of a group that changed are made anew');
select pg_temp.configure('{"outcome": "rr"}');
select is(learning.refresh_decisions('-infinity'), (select count(*)::integer from learning.mining_groups),
  'Or all, where decisions are judged by something else');
delete from pattern_trade_events where pattern_key like 'pm.u%';
delete from learning.mining_groups where pattern_key like 'pm.u%';
select pg_temp.configure('{"baseline": "global"}');

-- What is not known -----------------------------------------------------------------------------------------

select learning.warn_of_unknown_outcomes('{}');
select is((select count(*)::integer from learning_log where event = 'outcome_unknown'), 0,
  'Where all is known nobody is warned');
select start_mining('strength');
select matches((select message from learning_log where event = 'outcome_unknown'),
  '^Nothing is learned of decisions whose own outcome is not known: 1 of add[.] .*price.*add_outcome',
  'Else the log says of how many decisions nothing is learned, why, and what may be done');
select is((select details from learning_log where event = 'outcome_unknown'), '{"decisions": {"add": 1}}',
  'By category');
select learning.warn_of_unknown_outcomes('{"exit": 3, "add": 2}');
select is((select count(*)::integer from learning_log where event = 'outcome_unknown'), 1, 'Once a day');
update learning_log set at = now() - interval '25 hours' where event = 'outcome_unknown';
select learning.warn_of_unknown_outcomes('{"exit": 3, "add": 2}');
select matches((select max(message) from learning_log where event = 'outcome_unknown'), '2 of add, 3 of exit[.]',
  'And again the day after');

select * from finish();
rollback;
