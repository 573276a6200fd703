begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(24);

-- Actions ---------------------------------------------------------------------------------------------------

select is((learning.acting_module('pm_action', ' lab '), learning.acting_module('pm_action', ' '),
  learning.acting_module('dm_action', null))::text, '(lab,pm,dm)', 'Who wrote a strand says so, or its kind does');
select is(array(select learning.reason(content, 'state') from (values
    ('{"reasons": {"state": "S1", "ordered": [{"name": "state", "value": "S2"}]}}'::jsonb),
    ('{"reasons": {"state": null, "ordered": [{"name": "flag", "value": 1}, {"name": "state", "value": "S2"}]}}'),
    ('{"reasons": {"ordered": [["state", "S3"], ["state", "S4"], "state", 7, null, []]}}'),
    ('{"reasons": {"ordered": {"name": "state"}}}'), ('{"reasons": ["state"]}'), ('{"reasons": 7}'), ('[]')
  ) as given(content)),
  '{"\"S1\"","\"S2\"","\"S3\"",NULL,NULL,NULL,NULL}'::jsonb[],
  'A reason stands by its name, or else in a pair');
select is(array(select learning.action_category(content) from (values
    ('{"action_category": "trim", "decision_type": "entry"}'::jsonb), ('{"decision_type": "emergency_exit"}'),
    ('{"action_category": null, "decision_type": "add"}'), ('{"action_category": "emergency_exit"}'),
    ('{"decision_type": "shadow_entry"}'), ('{"action_category": 7}'), ('{}'), ('7')
  ) as given(content)), '{trim,exit,add,exit,NULL,NULL,NULL,NULL}'::text[],
  'What an action did, it says itself or its decision does');
select is(array(select learning.acted_in_s3('{"pattern_key": "pm.uptrend.S1.x"}' || content) from (values
    ('{"state": "S3"}'::jsonb), ('{"reasons": {"state": "S3"}}'),
    ('{"reasons": {"ordered": [{"name": "state", "value": "S3"}]}}'), ('{"pattern_key": "pm.uptrend.S3.dx"}'),
    ('{"pattern_key": "module=pm|pattern_key=uptrend.S3.dx"}'), ('{}'), ('{"state": "S4"}'),
    ('{"pattern_key": "pm.S3.S1.dx"}'), ('{"pattern_key": "S3"}'), ('{"state": 3, "reasons": {"state": "s3"}}')
  ) as given(content)), '{t,t,t,t,t,f,f,f,f,f}'::boolean[],
  'An action was in S3 by its state, that among its reasons or that of its key');
select is(learning.multiplier_applied(
  '{"pm_strength_applied": 1.1, "reasons": {"pm_strength_applied": 1.2}}', 'pm_strength'), 1.1::float8,
  'A multiplier is what the action says was applied');
select is(learning.multiplier_applied('{"pm_strength_applied": null, "reasons": {"pm_strength": 1.3,
  "pm_strength_applied": 1.2}}', 'pm_strength'), 1.2::float8, 'or what its reasons do');
select is(learning.multiplier_applied('{"reasons": {"ordered": [{"name": "exposure_skew", "value": 0.9}]},
  "learning_multipliers": {"exposure_skew": 0.8}}', 'exposure_skew'), 0.9::float8, 'by its name alone, too');
select is(learning.multiplier_applied('{"learning_multipliers": {"exposure_skew": 0.8, "pm_strength": "1"}}',
  'exposure_skew'), 0.8::float8, 'or what stands among the multipliers');
select is(learning.multiplier_applied('{"learning_multipliers": {"exposure_skew": 0.8, "pm_strength": "1"}}',
  'pm_strength'), null, 'A text is none');
select is(learning.fill_of_action('{"price": 2.5, "execution_result": {"price": 3}}', 'price'), 2.5::float8,
  'An action is filled at its price');
select is(learning.fill_of_action('{"quantity": null, "execution_result": {"quantity": 3e-20}}', 'quantity'),
  3e-20::float8, 'or that of its execution, however small');
select is(array(select learning.fill_of_action(content, 'price') from (values
    ('{"price": 0, "execution_result": {"price": 3}}'::jsonb), ('{"price": -1}'), ('{"price": "1"}'),
    ('{"price": 1e400}'), ('{"execution_result": {"price": null}}'), ('{"execution_result": 1}'), ('{}')
  ) as given(content)), array_fill(null::float8, array[7]), 'A price that is none is unknown');
select is(array(select learning.side_of(content) from (values
    ('{"side": "SHORT", "is_short": false}'::jsonb), ('{"side": "sell", "is_short": true}'),
    ('{"is_short": false}'), ('{"is_short": "true"}'), ('{}')
  ) as given(content)), '{short,short,long,NULL,NULL}'::text[], 'A side has a name, or is short or not');

-- Closes ----------------------------------------------------------------------------------------------------

select is(learning.side_of_trade('{"trade_summary": {}, "entry_context": {"side": "short"}}'), 'short',
  'The context of the entry tells a trade''s side where the close does not');
select is(learning.side_of_trade('{"trade_summary": {"is_short": false}, "entry_context": {"side": "short"}}'),
  'long', 'and not where it does');
select is(learning.side_of_trade('{}'), 'long', 'Without a word it is long');
select is(learning.trade_value('{"trade_summary": {"fees": null}, "fees": 0.002, "entry_context": {"fees": 1}}',
  'fees'), '0.002', 'A figure stands in the summary or beside it');
select is(learning.time_to_s3_hours('{"time_to_s3_hours": 5, "time_to_s3": 1}'), 5::float8,
  'The time to S3 is told in hours');
select is(learning.time_to_s3_hours('{"time_to_s3_hours": null, "time_to_s3": 0.75}'), 18::float8,
  'or in days');
select is(learning.time_to_s3_hours('{}'), null, 'or not');
select is(learning.missed_rr('{"could_exit_better": 1.2}', 'could_exit_better'), 1.2::float8,
  'What was missed is a number');
select is(learning.missed_rr('{"could_exit_better": {"missed_rr": 0.4}}', 'could_exit_better'), 0.4::float8,
  'or told with more');
select is((learning.missed_rr('{"x": {"missed_rr": null}}', 'x'), learning.missed_rr('{"x": null}', 'x'),
  learning.missed_rr('{"x": {}}', 'x'))::text, '(,,)', 'or unknown');
select is(array(select learning.pnl_usd(content) from (values
    ('{"pnl_usd": 1, "rpnl_usd": 2, "total_pnl_usd": 3}'::jsonb), ('{"pnl_usd": null, "rpnl_usd": 2}'),
    ('{"total_pnl_usd": 3}'), ('{}')
  ) as given(content)), '{1,2,3,NULL}'::float8[], 'Profit goes by three names');

select * from finish();
rollback;
