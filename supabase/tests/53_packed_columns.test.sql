begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(12);

delete from learning.scope_values where true;

create temporary table numbers (place integer, f float8, t timestamptz, b boolean, i integer,
  scope_codes integer[]);
insert into numbers values (1, 1, '1970-01-01T00:00:00.5Z', true, 7, '{258}'),
  (2, null, '1970-01-01T00:00:00.001Z', false, -1, '{}');
create function pg_temp.hex(packing text) returns text language plpgsql as $$
declare
  packed text;
begin
  execute format('select %s from (select * from pg_temp.numbers order by place) as packed_row',
    packing) into packed;
  return encode(decode(packed, 'base64'), 'hex');
end
$$;

-- As floats 1 is 3ff0… and 500 is 407f4000…: big-endian, one after the other.
select is(pg_temp.hex(learning.packing('float8', 'packed_row.f')), '3ff0000000000000' || '7ff8000000000000',
  'Floats take eight bytes, unknown ones are no number');
select is(pg_temp.hex(learning.packing('timestamptz', 'packed_row.t')), '407f400000000000'
  || '3ff0000000000000',
  'Times are milliseconds since 1970');
select is(pg_temp.hex(learning.packing('boolean', 'packed_row.b')), '00000001' || '00000000',
  'Flags take four bytes');
select is(pg_temp.hex(learning.packing('integer', 'packed_row.i')), '00000007' || 'ffffffff',
  'Whole numbers too');
select is(pg_temp.hex(learning.packing('integer', 'packed_row.scope_codes[1]')), '00000102' || '00000000',
  'Unknown ones are 0');
select is(pg_temp.hex(learning.packing('smallint', 'packed_row.scope_codes[1]')), '0102' || '0000',
  'Small ones take two');
select is(pg_temp.hex($$ jsonb_build_object($$ || learning.packed_columns('integer', '{place,i}')
  || $$) ->> 'i' $$),
  '00000007' || 'ffffffff', 'Columns are packed under their names');
select is(pg_temp.hex($$ jsonb_build_object($$ || learning.packed_codes('smallint') || $$) ->> '0' $$),
  '0102' || '0000', 'Codes under the bits of their dimensions');
select is(learning.packed(null), '', 'No rows make no bytes');
select is(learning.packed(decode(repeat('00', 90), 'hex')), repeat('A', 120),
  'A column is one line, however long');

insert into learning.scope_values (dim, value) values ('chain', 'x'), ('chain', 'y'), ('intent', 'y');
select is((select read_scope_values(array_agg(code)) from learning.scope_values where value = 'y'),
  (select jsonb_object_agg(code, value) from learning.scope_values where value = 'y'),
  'Codes are told apart by their dictionary');
select is(read_scope_values('{}'), '{}', 'Of no codes nothing is told');

select * from finish();
rollback;
