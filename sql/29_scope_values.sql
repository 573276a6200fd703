-- Scope values: a dictionary, so that mining reads packed integers instead of texts.

create table learning.scope_values (
  code integer generated always as identity primary key,
  dim text not null references public.scope_dimensions (dim) on delete cascade,
  value text not null
);
create unique index scope_values_dim_value_idx on learning.scope_values (dim, md5(value));
alter table learning.scope_values enable row level security;
comment on table learning.scope_values is 'Dictionary of scope values: each has a number of its own.';
comment on column learning.scope_values.code is 'Number that stands for the value.';
comment on column learning.scope_values.dim is 'Dimension.';
comment on column learning.scope_values.value is 'Value.';

create function learning.codes_by_bit(bits integer[], codes integer[], dimensions integer)
returns integer[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  placed integer[] := array_fill(0, array[dimensions]);
begin
  for place in 1 .. coalesce(cardinality(bits), 0) loop
    placed[bits[place] + 1] := codes[place];
  end loop;
  return placed;
end
$$;
comment on function learning.codes_by_bit(integer[], integer[], integer) is
  'Codes at the places of their dimensions'' bits; 0 at all others.';

create function learning.encoded_scopes(scopes jsonb[])
returns table (place bigint, scope_mask integer, scope_codes integer[])
language plpgsql
stable
rows 100
set search_path = pg_catalog, pg_temp
-- Sorting thousands of pairs takes several times as long.
set enable_mergejoin = off
as $$
declare
  dimensions constant integer := (select max(dimension.bit) + 1 from public.scope_dimensions dimension);
begin
  return query
  with pair as materialized (
    select given.place, entry.key, entry.value
    from unnest(scopes) with ordinality as given(scope, place)
    cross join lateral jsonb_each(given.scope) as entry
  ),
  -- Thousands of scopes share a few hundred values.
  known as materialized (
    select seen.key, seen.value, dimension.bit::integer as at_bit, scope_value.code
    from (select distinct pair.key, pair.value from pair) as seen
    join public.scope_dimensions dimension on dimension.dim = seen.key
    left join learning.scope_values scope_value
      on scope_value.dim = seen.key and md5(scope_value.value) = md5(seen.value #>> '{}')
      and scope_value.value = seen.value #>> '{}'
  ),
  gathered as (
    select pair.place, bit_or(1 << known.at_bit) as filled,
      array_agg(known.at_bit) filter (where known.code is not null) as bits,
      array_agg(known.code) filter (where known.code is not null) as codes
    from pair
    join known on known.key = pair.key and known.value = pair.value
    group by pair.place
  )
  select given.place, coalesce(gathered.filled, 0),
    learning.codes_by_bit(gathered.bits, gathered.codes, dimensions)
  from generate_series(1, coalesce(cardinality(scopes), 0)::bigint) as given(place)
  left join gathered using (place);
end
$$;
comment on function learning.encoded_scopes(jsonb[]) is
  'The dimensions that scopes fill, as bits, and the scopes in codes of learning.scope_values, by bit; 0 '
  'where a dimension is absent. By their places in the list.';

create function learning.encode_scope(scope jsonb)
returns integer[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select encoded.scope_codes from learning.encoded_scopes(array[scope]) as encoded);
end
$$;
comment on function learning.encode_scope(jsonb) is
  'A scope in codes of learning.scope_values, by bit; 0 where a dimension is absent.';

create function learning.register_scope_values(contexts jsonb[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.log_ignored_keys(contexts);
  insert into learning.scope_values (dim, value)
  select distinct given.dim, given.value
  from (
    select dimension.dim, learning.scope_value(seen.value) as value
    from (
      select distinct entry.key, entry.value
      from (
        select distinct given_context.content
        from unnest(contexts) as given_context(content)
        where jsonb_typeof(given_context.content) = 'object'
      ) as context
      cross join lateral jsonb_each(context.content) as entry
      -- Distinct first: thousands of contexts share a few hundred values.
      offset 0
    ) as seen
    join public.scope_dimensions dimension on dimension.dim = seen.key or seen.key = any (dimension.aliases)
    offset 0
  ) as given
  where given.value is not null
    and not exists (
      select from learning.scope_values scope_value
      where scope_value.dim = given.dim and md5(scope_value.value) = md5(given.value)
        and scope_value.value = given.value
    )
  -- Two writers that register the same values take them in the same order and cannot deadlock.
  order by 1, 2
  on conflict (dim, md5(value)) do nothing;
end
$$;
comment on function learning.register_scope_values(jsonb[]) is
  'Puts the values of some contexts into the dictionary.';
