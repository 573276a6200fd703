begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(27);

select is((select array_agg(number) from unnest('{0, 0.000, 0e-16383, 1, -1, 9999, 10000, -10000.10, 99999999,
  100000000, 1e131071, -1e131071, 1e-16383, -0.5, 12345.67, 0.00010001, 9999999999999999}'::numeric[]) as number
  where learning.number_bytes(number) <> length(number::text)), null,
  'A decimal is as long as Postgres writes it');
select is((select count(*)::integer from generate_series(1, 2000) as place
  cross join lateral (select (random() - 0.5)::numeric * power(10::numeric, place % 80 - 40)) as drawn(number)
  where learning.number_bytes(number) <> length(number::text)), 0, 'Whatever its digits');
select is(learning.number_bytes(null), null, 'Of none there is no length');

select is(learning.text_bytes('{"a": [1, "ü", null]}', 100), 22::bigint, 'A document has the bytes of its text');
select is(learning.text_bytes(jsonb_build_object('a', repeat(chr(1), 1000)), 100000), 6009::bigint,
  'A character may be six');
select is(learning.text_bytes(jsonb_build_array(1e131071::numeric, 1), 1000000), 131077::bigint,
  'A number as many as it has digits');
select is((select array_agg(learning.text_bytes(jsonb_build_object('k', jsonb_build_array(array_fill(number,
  array[2000]))), 16777216)) from unnest('{1e131071, -1e131071, 1e-16383, 0e-16383}'::jsonb[]) as number),
  '{262144000, 262146000, 32770000, 32770000}',
  'Of one that is larger than asked about it is known how large it is at least, however deep the numbers lie');
select ok(learning.text_bytes((select jsonb_object_agg('k' || i, '1e131071'::jsonb)
  from generate_series(1, 1900) as i), 65536) > 65536, 'Or under how many keys');
select is(learning.text_bytes((select jsonb_agg(7) from generate_series(1, 100000)), 300000), 300000::bigint,
  'Many small ones are counted as they are written');
select ok(not learning.is_nested_too_deep((repeat('[', 64) || '1' || repeat(']', 64))::jsonb)
  and not learning.is_nested_too_deep((repeat('{"a":', 64) || '{}' || repeat('}', 64))::jsonb #> '{a}'),
  'Sixty-four may be nested');
select ok(learning.is_nested_too_deep((repeat('[', 65) || repeat(']', 65))::jsonb)
  and learning.is_nested_too_deep((repeat('{"a":', 65) || '1' || repeat('}', 65))::jsonb)
  and learning.is_nested_too_deep(jsonb_build_object('a', 1, 'b', (repeat('[', 64) || repeat(']', 64))::jsonb)),
  'One more is too many, wherever it is');

-- Bytes as text -------------------------------------------------------------------------------------------

select is(learning.text_bytes(document, 65536), octet_length(document::text)::bigint,
  'The bytes of ' || left(document::text, 40) || ' are those of its text')
from unnest(array[
  '{}', '"é\n\u0001"', '{"a": 1e45, "b": [-1e-45, 0e-90, 1.5]}', '{"a": {"b": [true, null, "x"]}}', '1e20000'
]::jsonb[]) as document;
create temporary table large (name text primary key, document jsonb);
insert into large
select 'numbers', jsonb_object_agg('k' || place, '1e131071'::jsonb) from generate_series(1, 1900) as place
union all
select 'small', jsonb_object_agg('k' || place, '1e-16383'::jsonb) from generate_series(1, 200) as place
union all
select 'zeros', jsonb_object_agg('k' || place, '0e-16383'::jsonb) from generate_series(1, 200) as place
union all select 'text', jsonb_build_object('a', repeat('x', 70000))
union all select 'compressed', jsonb_build_object('a', repeat('x', 65000), 'b', repeat('y', 65000));
select ok(learning.text_bytes(large.document, 65536) > 65536, 'More than 64 kB are found in ' || large.name)
from large order by large.name;

-- What is said of it --------------------------------------------------------------------------------------

select is(learning.beginning('{"a": 1}'), '{"a": 1}', 'A short document is shown');
select is(learning.beginning(large.document), 'object of more than 65536 bytes', 'Of a long one is said what it is')
from large where large.name = 'small';
select is(learning.size_fault(large.document, 65536), 'must have at most 256 keys and has 1900',
  'Keys are counted first')
from large where large.name = 'numbers';
select matches(learning.size_fault(large.document, 65536),
  '^must have at most 65536 bytes and has 7\d+ or more$', 'Then bytes')
from large where large.name = 'text';
select is(learning.size_fault((repeat('[', 64) || repeat(']', 64))::jsonb, 65536),
  null, '64 lists, each within the one before, are taken');
select is(learning.size_fault((repeat('[', 65) || repeat(']', 65))::jsonb, 65536),
  'must be nested at most 64 deep and is nested deeper', 'Then nesting');

select * from finish();
rollback;
