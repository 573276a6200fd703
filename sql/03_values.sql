-- Values: numbers that documents hold, and numbers, times and texts for a person to read.

create function learning.clamp(value float8, lowest float8, highest float8)
returns float8
language plpgsql
immutable
strict
set search_path = pg_catalog, pg_temp
as $$
begin
  return greatest(lowest, least(highest, value));
end
$$;
comment on function learning.clamp(float8, float8, float8) is
  'A number, or the nearest bound where it lies outside; null where one of them is.';

create function learning.dust()
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return 1e-12;
end
$$;
comment on function learning.dust() is
  'What is nearer to 0 counts as 0: products of such numbers leave the range of numbers, which Postgres '
  'refuses. A constant wherever it is planned.';

create function learning.without_dust(value float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when abs(value) < learning.dust() then 0 else value end;
end
$$;
comment on function learning.without_dust(float8) is
  'A number, or 0 where it is nearer to 0 than dust.';

create function learning.number_of_decimal(value numeric)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when abs(value) < learning.dust()::numeric then 0 else value::float8 end;
end
$$;
comment on function learning.number_of_decimal(numeric) is
  'A decimal as a number, without dust: JSON holds numbers nearer to 0 than float8 can, and casting them is '
  'an error.';

create function learning.number_of(document jsonb, key text)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  value constant numeric := (document ->> key)::numeric;
begin
  -- As learning.number_of_decimal, whose call would add half to the time; it is asked eight times a trade.
  return case when abs(value) < learning.dust()::numeric then 0 else value::float8 end;
end
$$;
comment on function learning.number_of(jsonb, text) is
  'A number of a validated document, without dust; null where it is absent.';

create function learning.finite_number(value jsonb)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when jsonb_typeof(value) = 'number' and abs(value::numeric) < 1e300
      then learning.number_of_decimal(value::numeric)
  end;
end
$$;
comment on function learning.finite_number(jsonb) is
  'A number of a message; null where it holds something else.';

create function learning.text_of(document jsonb, key text)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Of anything else the text may be too long for memory.
  return case when jsonb_typeof(document -> key) = 'string' then document ->> key end;
end
$$;
comment on function learning.text_of(jsonb, text) is
  'A text of a message; null where it holds something else.';

create function learning.shortened(value text)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when length(value) > 60 then left(value, 60) || '…' else value end;
end
$$;
comment on function learning.shortened(text) is
  'The beginning of a value, as much of it as an error message shows.';

create function learning.quoted(value text)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select quote_literal(learning.shortened(value));
$$;
comment on function learning.quoted(text) is 'A value as an error message quotes it, shortened.';

create function learning.rounded(value float8)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return trim_scale(round(value::numeric, 6))::text;
end
$$;
comment on function learning.rounded(float8) is 'A number for a person to read.';

create function learning.short(number float8)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when number = 0 or abs(number) >= 0.0001 then number::numeric(30, 6)::float8::text
    else btrim(to_char(number, '9.9EEEE'))
  end;
$$;
comment on function learning.short(float8) is 'A small number for a person to read.';

create function learning.rate(stats jsonb, key text)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(round((stats ->> key)::numeric, 3)::text, 'none');
$$;
comment on function learning.rate(jsonb, text) is 'A rate for a person to read.';

create function learning.in_percent(fraction float8)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select trim_scale(round((fraction * 100)::numeric, 4)) || ' %';
$$;
comment on function learning.in_percent(float8) is 'A fraction for a person to read.';

create function learning.moment(at timestamptz)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select to_char(at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"');
$$;
comment on function learning.moment(timestamptz) is 'A time for a person to read.';

create function learning.counted(number bigint, singular text, plural text)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select number || ' ' || case number when 1 then singular else plural end;
$$;
comment on function learning.counted(bigint, text, text) is
  'How many things there are, for a person to read.';

create function learning.figure(number float8)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  rounded constant numeric := trim_scale(round(number::numeric, 6));
begin
  return round(rounded, greatest(2, scale(rounded)))::text;
end
$$;
comment on function learning.figure(float8) is
  'A constant of a formula for a person to read: a number with two decimals at least.';

create function learning.percent(fraction float8)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select round((fraction * 100)::numeric, 1) || ' %';
$$;
comment on function learning.percent(float8) is 'A fraction as a person reads it.';

create function learning.change_by(factor float8)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select translate(to_char(round((factor * 100 - 100)::numeric), 'SGFM999999'), '-', '−') || ' %';
$$;
comment on function learning.change_by(float8) is 'By how much a factor changes what it is applied to.';
