begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(25);

-- Rows of a dump --------------------------------------------------------------------------------------------

create temporary table settings_before as select * from learning.settings;
create temporary table dimensions_before as select * from scope_dimensions;
create temporary table levers_before as select * from learning_levers;
-- As in a new database, in which nothing was learned and nobody has restored anything.
alter sequence learning.scope_values_code_seq restart;
select set_config('edgeloop.cleared_seeds', '', false);
delete from ad_strands where true;

set local session_replication_role = replica;
insert into scope_dimensions (dim, bit, source, weight, aliases) values
  ('curator', 0, 'entry', 4, '{}'), ('chain', 1, 'entry', 1, '{}');
insert into scope_dimensions (dim, bit, source) values ('own', 2, 'entry');
select set_eq('select dim || bit || weight from scope_dimensions', $$ values ('curator04'), ('chain11'), ('own21') $$,
  'In a new database a dump''s dimensions take the place of those that the push wrote, however many statements');
select is(learning.normal_scope_mask('{"own": "x", "curator": "y"}'), 5, 'Masks know them at once');
select is(learning.normal_scope_mask('{"timeframe": "x"}'), null, 'And no others');
insert into learning_levers (lever, kind, neutral, lower_bound, upper_bound, description)
values ('size_mult', 'multiplier', 1, 0.5, 2, 'Restored.');
select results_eq('select lever, upper_bound from learning_levers', $$ values ('size_mult', 2::float8) $$,
  'So do its levers');
reset session_replication_role;
select nextval('learning.scope_values_code_seq');
select set_config('edgeloop.cleared_seeds', '', false);
set local session_replication_role = replica;
insert into scope_dimensions (dim, bit, source, weight) values ('chain', 2, 'entry', 7);
select set_eq('select dim || bit || weight from scope_dimensions', $$ values ('curator04'), ('chain27') $$,
  'Where something was learned already a row takes the place of what has its name or its bit, and no other');

insert into learning_configs (module_id, config_data, version) values ('pm', '{"n_min": 40}', 120);
select results_eq($$ select config ->> 'n_min', version from learning.effective_configs where module_id = 'pm' $$,
  $$ values ('40', 120) $$, 'A restored configuration is in force at once');
insert into learning_configs (module_id, config_data, version) values ('pm', '{"n_min": 50}', 121);
select results_eq($$ select config ->> 'n_min', version from learning.effective_configs where module_id = 'pm' $$,
  $$ values ('50', 121) $$, 'Also over one that is there');
insert into learning.mining_cycles (family, cycle) values ('strength', 77);
insert into learning.allocation_replay (goes_on_from) values ('2026-01-01');
insert into learning.receipt_search (searched_to) values ('x');
insert into learning.effective_configs (module_id, config, version) values ('decision_maker', '{}', 9);
insert into learning.exposure_masks (mask, dims, bits, weight) values (1, '{curator}', '{0}', 0.5);
insert into learning_log (id, level, component, event, message) overriding system value
values (-1, 'INFO', 'x', 'first', 'x');
insert into learning_log (id, level, component, event, message) overriding system value
values (-1, 'INFO', 'x', 'second', 'x');
select results_eq(
  $$ select (select cycle from learning.mining_cycles where family = 'strength'),
    (select goes_on_from from learning.allocation_replay), (select searched_to from learning.receipt_search),
    (select version::integer from learning.effective_configs where module_id = 'decision_maker'),
    (select weight from learning.exposure_masks where mask = 1), (select event from learning_log where id = -1) $$,
  $$ values (77::bigint, '2026-01-01'::timestamptz, 'x', 9, 0.5::float8, 'second') $$,
  'No other row that is there before a restore stands in its way');
insert into learning.settings (module_id, path, kind, default_value, minimum, maximum, description)
select module_id, path, kind, '7', 1, 9, 'Of an older release.' from settings_before where path = 'n_min';
select set_eq('select * from learning.settings', 'select * from settings_before',
  'What may be configured is the release''s to say');
insert into learning.doorbells (id, function_name, request_id) overriding system value values (1, 'elsewhere', 1);
select is((select count(*)::integer from learning.doorbells where function_name = 'elsewhere'), 0,
  'What another database rang is not taken over');
select lives_ok($$ insert into learning.releases values ('0.1.0', '2026-11-30') $$, 'A release that is here is fine');
select throws_ok($$ insert into learning.releases values ('99.0.0', '2030-01-01') $$, '55000',
  format('The dump comes from release 99.0.0, which this database was not brought to: it is at %s',
    learning.release()), 'The dump of a newer release is refused');
select throws_ok('select * from learning.rebuild()', '55000', null, 'Nothing is rebuilt while triggers are off');

-- Rebuild ---------------------------------------------------------------------------------------------------

delete from scope_dimensions where true;
insert into scope_dimensions select * from dimensions_before;
delete from learning_levers where true;
insert into learning_levers select * from levers_before;
reset session_replication_role;
update learning_configs set config_data = '{"n_min": 45, "exposure": {"masks": ["singles"]}}' where module_id = 'pm';
delete from learning.closed_trades where true;
delete from pattern_trade_events where true;
delete from pattern_episode_events where true;
delete from pm_overrides where true;
delete from lowcap_positions where true;
update learning.allocation_replay set began_from = null, goes_on_from = null where true;
insert into ad_strands (id, kind, module, timeframe, content, created_at)
select trade || ' entry', 'pm_action', 'pm', '1h', jsonb_build_object('trade_id', trade, 'pattern_key', 'pm.a',
  'action_category', 'entry', 'scope', jsonb_build_object('timeframe', '1h', 'chain', 'c' || trade)),
  '2026-01-01'::timestamptz from unnest('{A,B,C}'::text[]) as trade
union all
select trade || ' close', 'position_closed', 'pm', case trade when 'B' then '4h' else '1h' end,
  jsonb_build_object('trade_id', trade, 'entry_context', '{}'::jsonb, 'trade_summary', jsonb_build_object('rr', 1,
    'rpnl_pct', ascii(trade) - 66, 'entry_timestamp', '2026-01-01', 'exit_timestamp', '2026-01-02')),
  '2026-01-02' from unnest('{A,B,C}'::text[]) as trade
union all
select 'window', 'episode_window', 'pm', null, '{"episode_id": "E", "pattern_key": "pm.a",
  "scope": {"chain": "w"}, "decision": "skipped", "factors": {}}', '2026-01-01';
select apply_strands((select jsonb_agg(jsonb_build_object('id', strand_id, 'revision', revision))
  from strand_receipts), '[]');
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, confidence_score)
values ('pm_strength', 'pm.a', 'entry', '{"timeframe": "1h"}', 1.2, 0.7),
  ('pm_strength', 'pm.a', 'entry', '{"chain": "cA"}', 0.8, 0.6);
insert into lowcap_positions (token_chain, token_contract, timeframe, status, total_allocation_pct)
values ('cA', 'x', '1h', 'active', 0.05);
create function pg_temp.derived() returns setof text language sql as $$
  select 'event ' || (to_jsonb(event) - 'id' - 'created_at' - 'scope_codes')::text
    || (learning.encode_scope(scope) = scope_codes)::text from pattern_trade_events event
  union all select 'window ' || (to_jsonb(episode) - 'id' - 'scope_codes')::text
    || (learning.encode_scope(scope) = scope_codes)::text from pattern_episode_events episode
  union all select 'trade ' || trade from learning.closed_trades trade
  union all select 'step ' || step from timeframe_allocation_steps step
  union all select 'config ' || effective_config from learning.effective_configs effective_config
  union all select 'mask ' || exposure_mask from learning.exposure_masks exposure_mask
  union all select 'cell ' || cell from learning.exposure_cells cell
  union all select 'position ' || position_scope from learning.position_scopes position_scope
  union all select 'entry ' || (to_jsonb(index_entry) - 'bucket')::text from learning.override_index_entries index_entry
  union all select 'group ' || module || pattern_key || action_category from learning.mining_groups
  union all select 'function ' || prosrc from pg_proc where proname in ('normal_scope_mask', 'scopes_within')
$$;
create temporary table derived_before as select line from pg_temp.derived() as line;
create temporary table sized_before as
select pm_strength, exposure_skew, size_frac from get_pm_sizing('pm.a', 'entry', '{"timeframe": "1h", "chain": "cA"}');

select results_eq('select * from learning.rebuild() where how_many > 0',
  $$ values ('modules with their configuration in force', 2::bigint), ('exposure masks', 17),
    ('positions that count as exposure', 1), ('exposure cells', 4), ('override index entries', 2),
    ('allocation steps', 3) $$, 'Where nothing is missing it derives anew and finds nothing');
select set_eq('select * from pg_temp.derived()', 'select line from derived_before', 'And comes to the same');

set local session_replication_role = replica;
delete from strand_receipts where strand_id in ('A entry', 'window');
delete from learning.closed_trades where trade_id = 'B';
delete from pattern_trade_events where action_strand_id = 'C entry';
delete from pattern_episode_events where true;
delete from learning.scope_values where true;
delete from learning.mining_groups where true;
update learning.effective_configs set config = '{}', version = 0 where true;
delete from learning.exposure_masks where true;
delete from learning.position_scopes where true;
update learning.exposure_cells set exposure = 1 where true;
delete from learning.override_index_entries where true;
delete from learning.override_index_groups where true;
delete from timeframe_allocation_steps where true;
create or replace function learning.normal_scope_mask(scope jsonb) returns integer language sql as $$ select 0 $$;
reset session_replication_role;

create temporary table report as select * from learning.rebuild();
select is((select how_many from report where what = 'receipts given to strands without one'), 2::bigint,
  'Strands without a receipt get one');
select is((select how_many from report where what = 'trades that had no events'), 2::bigint,
  'Trades without closed trade or event get theirs');
select is((select how_many from report where what = 'scope values that the dictionary lacked'), 4::bigint,
  'The dictionary gets the values of the events: a timeframe and three chains');
select is((select how_many from report where what = 'events whose scope was coded otherwise'), 2::bigint,
  'The two events that are there, coded by the former one, are coded anew');
select is((select status from strand_receipts where strand_id = 'window'), 'pending',
  'A window that is gone is due again');
select apply_strands((select jsonb_agg(jsonb_build_object('id', strand_id, 'revision', revision))
  from strand_receipts where status = 'pending'), '[]');
select set_eq('select * from pg_temp.derived()', 'select line from derived_before',
  'Everything that was lost is as it was');
select results_eq(
  $$ select pm_strength, exposure_skew, size_frac
    from get_pm_sizing('pm.a', 'entry', '{"timeframe": "1h", "chain": "cA"}') $$,
  'select * from sized_before', 'A size is what it was');
select results_eq($$ select how_many from learning.rebuild() where what like '%without%' or what like '%that%' $$,
  $$ values (0::bigint), (0), (0), (0), (0), (1) $$, 'A second time nothing is missing');
select is((select count(*)::integer from learning.mining_groups where run is null), 2,
  'Groups that were lost are known, and mined in their hour');

-- A kilobyte that would be more than a gigabyte as text.
insert into ad_strands (id, kind, content) select 'monster', 'dm_action', jsonb_build_object('trade_id',
  ('[' || repeat('1e131071,', 8999) || '1e131071]')::jsonb);
update strand_receipts set status = 'done', processed_at = now(), next_attempt_at = null where strand_id = 'monster';
select lives_ok('select learning.apply_what_is_missing()', 'A trade that is no text is not looked for');

select * from finish();
rollback;
