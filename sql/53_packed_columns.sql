-- Packed columns: what crosses the wire is a column of rows as one text, not an object a row.

create function learning.packed(bytes bytea)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select replace(encode(coalesce(bytes, ''::bytea), 'base64'), E'\n', '');
$$;
comment on function learning.packed(bytea) is 'Bytes as one line of base64.';

create function learning.packing(value_type text, expression text)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select format('learning.packed(string_agg(%s, ''''::bytea))', format(
    case value_type
      when 'float8' then 'float8send(coalesce(%s, ''NaN''))'
      when 'timestamptz' then 'float8send(extract(epoch from %s)::float8 * 1000)'
      when 'boolean' then 'int4send(%s::integer)'
      when 'integer' then 'int4send(coalesce(%s, 0))'
      when 'smallint' then 'int2send(coalesce(%s, 0)::smallint)'
    end,
    expression
  ));
$$;
comment on function learning.packing(text, text) is
  'The SQL that packs an expression of the rows of a query, as big-endian values one after the other: floats '
  '(unknown as NaN), times as milliseconds in floats, flags and whole numbers (unknown as 0) in four bytes, '
  'small ones in two. Written out for each column, because a call for each value would take longer than all '
  'the rest.';

create function learning.packed_columns(value_type text, names text[])
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select string_agg(
    format('%L, %s', name, learning.packing(value_type, 'packed_row.' || name)), ', ' order by place
  )
  from unnest(names) with ordinality as packed_column(name, place);
$$;
comment on function learning.packed_columns(text, text[]) is
  'Arguments for jsonb_build_object that pack columns of one type, of rows named packed_row; one pass over '
  'the rows does them all.';

create function learning.packed_codes(value_type text)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(string_agg(
    format('%L, %s', dimension.bit,
      learning.packing(value_type, format('packed_row.scope_codes[%s]', dimension.bit + 1))),
    ', ' order by dimension.bit
  ), '')
  from public.scope_dimensions dimension;
$$;
comment on function learning.packed_codes(text) is
  'Arguments for jsonb_build_object that pack each dimension''s codes of rows named packed_row, under its '
  'bit.';

create function public.read_scope_values(p_codes integer[])
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_object_agg(scope_value.code, scope_value.value), '{}'::jsonb)
  from learning.scope_values scope_value
  where scope_value.code = any (p_codes);
$$;
comment on function public.read_scope_values(integer[]) is
  'What the codes in packed columns stand for. For the edge functions.';
