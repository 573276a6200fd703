begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(50);

-- Registry ---------------------------------------------------------------------------------------------------------------

select results_eq(
  $$ select source, array_agg(dim order by bit), min(bit), max(bit) from scope_dimensions group by source order by min(bit) $$,
  $$ values
    ('entry', '{curator,chain,mcap_bucket,vol_bucket,age_bucket,intent,mapping_confidence,mcap_vol_ratio_bucket}'::text[], 0, 7),
    ('action', '{market_family,timeframe,A_mode,E_mode}', 8, 11),
    ('regime', '{macro_phase,meso_phase,micro_phase,bucket_leader,bucket_rank_position}', 12, 16) $$,
  'Seventeen dimensions are registered, bits in order');
select is((select array_agg(distinct weight) from scope_dimensions), '{1}', 'Every dimension weighs 1');
select throws_ok($$ insert into scope_dimensions (dim, bit, source) values ('session', 31, 'action') $$, '23514', null, 'Bits end at 30');
select throws_ok($$ insert into scope_dimensions (dim, bit, source) values ('session', -1, 'action') $$, '23514', null, 'Bits begin at 0');
select throws_ok($$ insert into scope_dimensions (dim, bit, source) values ('session', 16, 'action') $$, '23505', null, 'A bit belongs to one dimension');
select throws_ok($$ insert into scope_dimensions (dim, bit, source) values ('my session', 17, 'action') $$, '23514', null, 'A name is one word');
select throws_ok($$ insert into scope_dimensions (dim, bit, source, weight) values ('session', 17, 'action', 0) $$, '23514', null, 'A weight is above 0');
select throws_ok($$ insert into scope_dimensions (dim, bit, source) values ('session', 17, 'exit') $$, '23514', null, 'A source is one of the three');
select throws_ok($$ insert into scope_dimensions (dim, bit, source, aliases) values ('session', 17, 'action', '{chain}') $$, '22023', null,
  'An alias must not be another dimension''s name');
select throws_ok($$ insert into scope_dimensions (dim, bit, source, aliases) values ('session', 17, 'action', '{bucket}') $$, '22023', null,
  'An alias must not be another dimension''s alias');
select throws_ok($$ insert into scope_dimensions (dim, bit, source) values ('bucket', 17, 'action') $$, '22023', null,
  'A name must not be another dimension''s alias');
select throws_ok($$ insert into scope_dimensions (dim, bit, source, aliases) values ('session', 17, 'action', '{session}') $$, '22023', null,
  'An alias must not be the name itself');
select throws_ok($$ update scope_dimensions set bit = 20 where dim = 'chain' $$, '22023', null, 'A bit stays what it is');
select throws_ok($$ update scope_dimensions set dim = 'network' where dim = 'chain' $$, '22023', null, 'A name stays what it is');
select lives_ok($$ update scope_dimensions set weight = 2, source = 'action', aliases = '{network}' where dim = 'chain' $$, 'Everything else may change');
update scope_dimensions set weight = 1, source = 'entry', aliases = '{}' where dim = 'chain';

-- Where a dimension is read from -------------------------------------------------------------------------------------------

select is(unified_scope('{"chain": "a"}', '{"chain": "b"}', '{"chain": "c"}'), '{"chain": "a"}', 'An entry dimension is read from the entry context first');
select is(unified_scope('{"timeframe": "a"}', '{"timeframe": "b"}', '{"timeframe": "c"}'), '{"timeframe": "b"}', 'An action dimension from the action''s scope');
select is(unified_scope('{"macro_phase": "a"}', '{"macro_phase": "b"}', '{"macro_phase": "c"}'), '{"macro_phase": "c"}', 'A regime dimension from the regime context');
select is(unified_scope('{}', '{"chain": "b"}', '{"chain": "c"}'), '{"chain": "b"}', 'Then from the others, in order');
select is(unified_scope('{}', '{}', '{"chain": "c"}'), '{"chain": "c"}', 'Down to the last');
select is(unified_scope('{"macro_phase": "a"}', '{"macro_phase": "b"}', '{}'), '{"macro_phase": "a"}', 'A regime dimension falls back to the entry context');
select is(unified_scope('{"chain": ""}', '{"chain": "b"}', '{}'), '{"chain": "b"}', 'What is empty at its source is absent there');
select is(unified_scope('{"chain": null}', '{}', '{"chain": "c"}'), '{"chain": "c"}', 'And so is null');
select is(unified_scope(null, null, null), '{}', 'Without a context there is no scope');
select is(unified_scope('[1]', '"x"', '3'), '{}', 'What is no object holds no dimension');

-- Aliases ------------------------------------------------------------------------------------------------------------------

select is(unified_scope('{"bucket": "micro"}', '{}', '{}'), '{"mcap_bucket": "micro"}', 'An alias is never stored');
select is(unified_scope('{"bucket": "micro", "mcap_bucket": "mid"}', '{}', '{}'), '{"mcap_bucket": "mid"}', 'The canonical name wins where both are there');
select is(unified_scope('{"bucket": "micro", "mcap_bucket": " "}', '{}', '{}'), '{"mcap_bucket": "micro"}', 'Unless it is empty');
select is(unified_scope('{"bucket": "micro"}', '{"mcap_bucket": "mid"}', '{}'), '{"mcap_bucket": "micro"}', 'The source comes before the name');

-- Values -------------------------------------------------------------------------------------------------------------------

select is(unified_scope(jsonb_build_object('intent', E' \t\r\n breakout \f\x0B ', 'curator', E'\n'), '{}', '{}'), '{"intent": "breakout"}', 'Values are trimmed');
select is(unified_scope('{"vol_bucket": 1.50, "age_bucket": 3, "intent": 0.0, "curator": -2e3, "chain": 1e-7}', '{}', '{}'),
  '{"vol_bucket": "1.5", "age_bucket": "3", "intent": "0", "curator": "-2000", "chain": "0.0000001"}', 'Numbers are written without needless zeros');
select is(unified_scope('{"vol_bucket": true, "age_bucket": false}', '{}', '{}'), '{"vol_bucket": "true", "age_bucket": "false"}', 'Booleans become words');
select is(unified_scope('{"curator": "Ünïcødé 🚀", "intent": "null"}', '{}', '{}'), '{"curator": "Ünïcødé 🚀", "intent": "null"}', 'Text stays as it is written');
select is(unified_scope('{"colour": "red", "constructor": "x", "Chain": "y"}', '{"chain": "z"}', '{}'), '{"chain": "z"}', 'Unregistered keys are dropped, whatever they hold');
select is(unified_scope('{"colour": {"deep": [1]}}', '{}', '{}'), '{}', 'Nested values under unregistered keys too');
select is(unified_scope(jsonb_build_object('curator', repeat('é', 200)), '{}', '{}'), jsonb_build_object('curator', repeat('é', 200)), '200 characters fit');
select is(unified_scope(jsonb_build_object('curator', repeat(' ', 500) || 'x'), '{}', '{}'), '{"curator": "x"}', 'Blanks around a value do not count');
select throws_ok($$ select unified_scope(jsonb_build_object('curator', repeat('x', 201)), '{}', '{}') $$, '22023',
  'Scope is not valid: curator must have at most 200 characters and has 201', '201 characters do not');
select throws_ok($$ select unified_scope('{}', '{"timeframe": ["1h"]}', '{"macro_phase": {"is": "x"}}') $$, '22023',
  'Scope is not valid: timeframe must be a text, a number or a boolean; macro_phase must be a text, a number or a boolean', 'Nested values are refused, all of them named');
select throws_ok($$ select unified_scope('{"chain": 1e300}', '{}', '{}') $$, '22023', null, 'A number of 301 digits is too long');

-- More dimensions, masks and keys ------------------------------------------------------------------------------------------

insert into scope_dimensions (dim, bit, source, aliases) values ('session', 17, 'action', '{"trading session"}');
select is(unified_scope('{"trading session": "asia"}', '{"session": 2}', '{}'), '{"session": "2"}', 'A dimension is registered by inserting a row');
select is(learning.scope_faults('{"trading session": [1], "chain": {}, "colour": []}'),
  '[{"path": "chain", "message": "must be a text, a number or a boolean"}, {"path": "trading session", "message": "must be a text, a number or a boolean"}]',
  'Every fault has the path under which it was given');
select is(learning.scope_mask('{"curator": "a", "mcap_bucket": "b", "session": "c"}'), 1 + 4 + 131072, 'A mask has the bits of the dimensions');
select is(learning.scope_mask('{}'), 0, 'The mask of the empty scope is 0');
insert into scope_dimensions (dim, bit, source) values ('last', 30, 'action');
select is(learning.scope_mask('{"last": "x"}'), 1073741824, 'The last bit fits in a mask');
select is(learning.normal_scope_mask('{"curator": "a", "session": "b", "last": "c"}'), 1 + 131072 + 1073741824, 'The mask of a normal scope knows a dimension as soon as it is registered');
select is(array[learning.normal_scope_mask('{}'), learning.normal_scope_mask('{"trading session": "a"}'), learning.normal_scope_mask('{"chain": " a"}'), learning.normal_scope_mask(null)],
  array[0, null, null, null], 'A scope that is not in its normal form has no such mask');
delete from scope_dimensions where dim = 'last';
select is(array[learning.normal_scope_mask('{"last": "x"}'), learning.normal_scope_mask('{"session": "x"}')], array[null, 131072], 'Nor has one with a dimension that is no longer registered');delete from scope_dimensions where true;
select is(array[learning.normal_scope_mask('{}'), learning.normal_scope_mask('{"chain": "x"}')], array[0, null], 'Where none is registered, only the empty scope is normal');

select results_eq(
  $$ select learning.dotted_pattern_key(given) from unnest(array[
    'pm.uptrend.S1.buy_flag', 'module=pm|pattern_key=uptrend.S1.buy_flag', ' module=dm|pattern_key=pm.x ', 'module=pm|pattern_key=pm.uptrend',
    '  pm.x ', 'module=pm', 'pattern_key=x']) as given $$,
  $$ values ('pm.uptrend.S1.buy_flag'), ('pm.uptrend.S1.buy_flag'), ('dm.pm.x'), ('pm.uptrend'), ('pm.x'), ('module=pm'), ('pattern_key=x') $$,
  'Both forms of a pattern key are the same key, and a key is prefixed once');

select * from finish();
rollback;
