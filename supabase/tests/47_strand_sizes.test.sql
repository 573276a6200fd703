begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(7);

select is(learning.measure_strand('{"a": 1}', '{}'), row(10::bigint, '[]'::jsonb), 'A strand has the bytes of both documents');
select is((learning.measure_strand(jsonb_build_object('x', repeat('x', 16777205)), '{}')).faults, '[]',
  'It may have 16 MB');
select is((learning.measure_strand(jsonb_build_object('x', repeat('x', 16777206)), '{}')).faults,
  '[{"path": "content", "message": "Too big: expected content and regime_context to have at most 16777216 '
    'bytes as text and they have 16777217"}]', 'And not one more');
select is((learning.measure_strand('{}', jsonb_build_object('x', ('[' || repeat('1e131071,', 8999) || '1e131071]')::jsonb))).faults, '[{"path": "content", "message": "Too big: expected content and regime_context to '
    'have at most 16777216 bytes as text and they have 1179648002 or more"}]', 'In whichever document');
select is((learning.measure_strand((repeat('[', 3000) || repeat(']', 3000))::jsonb,
  (repeat('[', 65) || repeat(']', 65))::jsonb)).faults,
  '[{"path": "content", "message": "Too deep: expected at most 64 objects and lists within each other"},
    {"path": "regime_context", "message": "Too deep: expected at most 64 objects and lists within each other"}]',
  'What is nested too deep is named');

select is(learning.label_faults(repeat('i', 1000), repeat('m', 200), repeat('k', 200), null, repeat('t', 200)), '[]',
  'An id may have a thousand characters, what else stands beside the documents two hundred');
select is(learning.label_faults(repeat('i', 1001), repeat('m', 201), repeat('k', 202), repeat('s', 203), repeat('t', 204)),
  '[{"path": "id", "message": "Too big: expected at most 1000 characters and it has 1001"},
    {"path": "module", "message": "Too big: expected at most 200 characters and it has 201"},
    {"path": "kind", "message": "Too big: expected at most 200 characters and it has 202"},
    {"path": "symbol", "message": "Too big: expected at most 200 characters and it has 203"},
    {"path": "timeframe", "message": "Too big: expected at most 200 characters and it has 204"}]',
  'And none of them more');

select * from finish();
rollback;
