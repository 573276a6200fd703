-- Sizes: how large a document is as text, which is how it travels, before anything writes it out.

create function learning.number_bytes(value numeric)
returns integer
language plpgsql
immutable
strict
set search_path = pg_catalog, pg_temp
as $$
declare
  -- How many digits to base 10,000 there are, the power of the first, the sign, how many decimals: two bytes
  -- each, and so are the digits.
  sent constant bytea := numeric_send(value);
  unsigned_power constant integer := get_byte(sent, 2) << 8 | get_byte(sent, 3);
  power constant integer := case when unsigned_power < 32768 then unsigned_power else -1 end;
  decimals constant integer := get_byte(sent, 6) << 8 | get_byte(sent, 7);
  first_digit constant integer :=
    case when length(sent) > 8 and power >= 0 then get_byte(sent, 8) << 8 | get_byte(sent, 9) else 0 end;
begin
  return (value < 0)::integer + length(first_digit::text) + 4 * greatest(power, 0)
    + case when decimals > 0 then 1 + decimals else 0 end;
end
$$;
comment on function learning.number_bytes(numeric) is
  'How long a decimal is as text, without writing it out: four bytes may stand for 131,072 digits.';

create function learning.text_bytes(document jsonb, most integer)
returns bigint
language plpgsql
immutable
strict
set search_path = pg_catalog, pg_temp
as $$
declare
  -- The path takes it out of its compressed form: a megabyte may be stored in a few thousand bytes.
  unpacked constant jsonb := document #> '{}';
  unpacked_bytes constant bigint := pg_column_size(unpacked);
  long_numbers_bytes bigint;
begin
  -- The shortest that there is for what it takes are digits in an array, 3 bytes for 12; 8 are its head.
  if (unpacked_bytes - 8) / 4 > most then
    return (unpacked_bytes - 8) / 4;
  end if;
  -- The longest are numbers: 147,457 bytes for 16. Other text grows sixfold at most.
  if unpacked_bytes > most / 9217 then
    -- Of many digits to few bytes there are powers of ten, large or small, and zeros with decimals. Not
    -- jsonb_path_query, which moves all that is left with each row that it hands out.
    select sum(learning.number_bytes(number.value::numeric)) into long_numbers_bytes
    from jsonb_array_elements(jsonb_path_query_array(
      unpacked, 'strict $.** ? (@ >= 1e60 || @ <= -1e60 || @ < 1e-60 && @ > -1e-60)'
    )) as number(value)
    where number.value::numeric <> 0 or scale(number.value::numeric) > 60;
    if long_numbers_bytes > most then
      return long_numbers_bytes;
    end if;
  end if;
  return octet_length(unpacked::text);
end
$$;
comment on function learning.text_bytes(jsonb, integer) is
  'Bytes of a document as text. Of one that has more than the most that is asked about, a number that it has '
  'at least: writing it out could take all memory. It is to be nested no deeper than a strand may be.';

create function learning.is_nested_too_deep(document jsonb)
returns boolean
language plpgsql
immutable
strict
set search_path = pg_catalog, pg_temp
as $$
declare
  most_nested constant integer := learning.size_limit('nesting');
begin
  -- Each object or list takes 8 bytes of the one around it, and nearly every document is too small.
  return pg_column_size(document #> '{}') > 8 * most_nested and jsonb_path_exists(
    document,
    -- What lies within as many as may be nested, and is one more.
    format('strict $.**{%s} ? (@.type() == "object" || @.type() == "array")', most_nested)::jsonpath
  );
end
$$;
comment on function learning.is_nested_too_deep(jsonb) is
  'Whether more objects and lists are nested in a document than anything that comes in may have.';

create function learning.beginning(document jsonb)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  most constant integer := learning.size_limit('scope_bytes');
begin
  return case
    when learning.is_nested_too_deep(document)
      then format('%s nested more than %s deep', jsonb_typeof(document), learning.size_limit('nesting'))
    when learning.text_bytes(document, most) > most
      then format('%s of more than %s bytes', jsonb_typeof(document), most)
    else left(document::text, 61)
  end;
end
$$;
comment on function learning.beginning(jsonb) is
  'The beginning of a document for an error message; of a large or deep one, what it is instead.';

create function learning.size_fault(document jsonb, most_bytes integer)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  most_keys constant integer := learning.size_limit('scope_keys');
  keys bigint;
  bytes bigint;
begin
  -- A pair takes eight bytes at least.
  if jsonb_typeof(document) = 'object' and pg_column_size(document #> '{}') > 8 * most_keys then
    select count(*) into keys from jsonb_object_keys(document);
    if keys > most_keys then
      return format('must have at most %s keys and has %s', most_keys, keys);
    end if;
  end if;
  if learning.is_nested_too_deep(document) then
    return format('must be nested at most %s deep and is nested deeper', learning.size_limit('nesting'));
  end if;
  bytes := learning.text_bytes(document, most_bytes);
  if bytes > most_bytes then
    return format('must have at most %s bytes and has %s or more', most_bytes, bytes);
  end if;
  return null;
end
$$;
comment on function learning.size_fault(jsonb, integer) is
  'Says which limit a document is beyond, of keys, nesting or bytes, and what was given; null where it is '
  'within all. What is beyond one is not looked at further.';
