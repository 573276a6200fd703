begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(37);

-- Where a dimension is read from ------------------------------------------------------------------------

select is(
  unified_scope('{"chain": "a"}', '{"chain": "b"}', '{"chain": "c"}'), '{"chain": "a"}',
  'An entry dimension is read from the entry context first'
);
select is(
  unified_scope('{"timeframe": "a"}', '{"timeframe": "b"}', '{"timeframe": "c"}'), '{"timeframe": "b"}',
  'An action dimension from the action''s scope'
);
select is(
  unified_scope('{"macro_phase": "a"}', '{"macro_phase": "b"}', '{"macro_phase": "c"}'),
  '{"macro_phase": "c"}', 'A regime dimension from the regime context'
);
select is(
  unified_scope('{}', '{"chain": "b"}', '{"chain": "c"}'), '{"chain": "b"}', 'Then from the others, in order'
);
select is(unified_scope('{}', '{}', '{"chain": "c"}'), '{"chain": "c"}', 'Down to the last');
select is(
  unified_scope('{"macro_phase": "a"}', '{"macro_phase": "b"}', '{}'), '{"macro_phase": "a"}',
  'A regime dimension falls back to the entry context'
);
select is(
  unified_scope('{"chain": ""}', '{"chain": "b"}', '{}'), '{"chain": "b"}',
  'What is empty at its source is absent there'
);
select is(unified_scope('{"chain": null}', '{}', '{"chain": "c"}'), '{"chain": "c"}', 'And so is null');
select is(unified_scope(null, null, null), '{}', 'Without a context there is no scope');
select is(unified_scope('[1]', '"x"', '3'), '{}', 'What is no object holds no dimension');

-- Aliases -----------------------------------------------------------------------------------------------

select is(
  unified_scope('{"bucket": "micro"}', '{}', '{}'), '{"mcap_bucket": "micro"}', 'An alias is never stored'
);
select is(
  unified_scope('{"bucket": "micro", "mcap_bucket": "mid"}', '{}', '{}'), '{"mcap_bucket": "mid"}',
  'The canonical name wins where both are there'
);
select is(
  unified_scope('{"bucket": "micro", "mcap_bucket": " "}', '{}', '{}'), '{"mcap_bucket": "micro"}',
  'Unless it is empty'
);
select is(
  unified_scope('{"bucket": "micro"}', '{"mcap_bucket": "mid"}', '{}'), '{"mcap_bucket": "micro"}',
  'The source comes before the name'
);

-- Values ------------------------------------------------------------------------------------------------

select is(
  unified_scope(jsonb_build_object('intent', E' \t\r\n breakout \f\x0B ', 'curator', E'\n'), '{}', '{}'),
  '{"intent": "breakout"}', 'Values are trimmed'
);
select is(
  unified_scope(
    '{"vol_bucket": 1.50, "age_bucket": 3, "intent": 0.0, "curator": -2e3, "chain": 1e-7}', '{}', '{}'
  ),
  '{"vol_bucket": "1.5", "age_bucket": "3", "intent": "0", "curator": "-2000", "chain": "0.0000001"}',
  'Numbers are written without needless zeros'
);
select is(
  unified_scope('{"vol_bucket": true, "age_bucket": false}', '{}', '{}'),
  '{"vol_bucket": "true", "age_bucket": "false"}', 'Booleans become words'
);
select is(
  unified_scope('{"curator": "Ünïcødé 🚀", "intent": "null"}', '{}', '{}'),
  '{"curator": "Ünïcødé 🚀", "intent": "null"}', 'Text stays as it is written'
);
select is(
  unified_scope('{"colour": "red", "constructor": "x", "Chain": "y"}', '{"chain": "z"}', '{}'),
  '{"chain": "z"}', 'Unregistered keys are dropped, whatever they hold'
);
select is(
  unified_scope('{"colour": {"deep": [1]}}', '{}', '{}'), '{}', 'Nested values under unregistered keys too'
);
select is(
  unified_scope(jsonb_build_object('curator', repeat('é', 200)), '{}', '{}'),
  jsonb_build_object('curator', repeat('é', 200)), '200 characters fit'
);
select is(
  unified_scope(jsonb_build_object('curator', repeat(' ', 500) || 'x'), '{}', '{}'), '{"curator": "x"}',
  'Blanks around a value do not count'
);
select throws_ok(
  $$ select unified_scope(jsonb_build_object('curator', repeat('x', 201)), '{}', '{}') $$, '22023',
  'Scope is not valid: curator must have at most 200 characters and has 201', '201 characters do not'
);
select throws_ok(
  $$ select unified_scope('{}', '{"timeframe": ["1h"]}', '{"macro_phase": {"is": "x"}}') $$, '22023',
  'Scope is not valid: timeframe must be a text, a number or a boolean; '
  'macro_phase must be a text, a number or a boolean',
  'Nested values are refused, all of them named'
);
select throws_ok(
  $$ select unified_scope('{"chain": 1e300}', '{}', '{}') $$, '22023', null,
  'A number of 301 digits is too long'
);

-- More dimensions, masks and keys -----------------------------------------------------------------------

insert into scope_dimensions (dim, bit, source, aliases)
values ('session', 17, 'action', '{"trading session"}');
select is(
  unified_scope('{"trading session": "asia"}', '{"session": 2}', '{}'), '{"session": "2"}',
  'A dimension is registered by inserting a row'
);
select is(
  learning.scope_faults('{"trading session": [1], "chain": {}, "colour": []}'),
  '[{"path": "chain", "message": "must be a text, a number or a boolean"},
    {"path": "trading session", "message": "must be a text, a number or a boolean"}]',
  'Every fault has the path under which it was given'
);
select is(
  learning.scope_mask('{"curator": "a", "mcap_bucket": "b", "session": "c"}'), 1 + 4 + 131072,
  'A mask has the bits of the dimensions'
);
select is(learning.scope_mask('{}'), 0, 'The mask of the empty scope is 0');
insert into scope_dimensions (dim, bit, source) values ('last', 30, 'action');
select is(learning.scope_mask('{"last": "x"}'), 1073741824, 'The last bit fits in a mask');

select results_eq(
  $$ select learning.dotted_pattern_key(given) from unnest(array[
    'pm.uptrend.S1.buy_flag', 'module=pm|pattern_key=uptrend.S1.buy_flag', ' module=dm|pattern_key=pm.x ',
    'module=pm|pattern_key=pm.uptrend',
    '  pm.x ', 'module=pm', 'pattern_key=x']) as given $$,
  $$ values ('pm.uptrend.S1.buy_flag'), ('pm.uptrend.S1.buy_flag'), ('dm.pm.x'), ('pm.uptrend'), ('pm.x'),
       ('module=pm'), ('pattern_key=x') $$,
  'Both forms of a pattern key are the same key, and a key is prefixed once'
);

-- Sizes ---------------------------------------------------------------------------------------------------

select throws_ok(
  $$ select unified_scope(null, null, (
    select jsonb_object_agg('k' || place, '1e131071'::jsonb) from generate_series(1, 1900) as place
  )) $$, '22023', 'Scope is not valid: regime_context must have at most 256 keys and has 1900',
  'A context with too many keys is refused, whatever they hold'
);
select throws_ok(
  $$ select unified_scope('{"colour": 1e131071, "chain": ["x"]}', '{"timeframe": ["1h"]}', null) $$, '22023',
  'Scope is not valid: entry_context must have at most 65536 bytes and has 131072 or more; '
  'timeframe must be a text, a number or a boolean',
  'So is one that is long as text, and the faults of others are named beside it'
);
select is(
  learning.scope_faults('{"a": 0e-16383, "b": 0e-16383, "c": 0e-16383, "chain": 0e-16383, "d": 0e-16383}'),
  '[{"path": "", "message": "must have at most 65536 bytes and has 81925 or more"}]', 'Decimals count, too'
);
select lives_ok(
  $$ select unified_scope((
    select jsonb_object_agg('k' || place, repeat('x', 200)) from generate_series(1, 255) as place
  ) || '{"chain": "a"}', null, null) $$, '256 keys are taken'
);
select is(
  unified_scope('{"vol_bucket": 1e60, "age_bucket": 1.5e-60, "colour": 1e1000}', null, null),
  jsonb_build_object('vol_bucket', '1' || repeat('0', 60), 'age_bucket', '0.' || repeat('0', 59) || '15'),
  'A long number that fits is taken'
);
select is(
  learning.scope_faults(jsonb_build_object('colour', (repeat('[', 64) || repeat(']', 64))::jsonb)),
  '[{"path": "", "message": "must be nested at most 64 deep and is nested deeper"}]',
  'A fault of the whole context has no path of its own'
);

select * from finish();
rollback;
