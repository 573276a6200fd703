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

create function learning.encode_scope(scope jsonb)
returns integer[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  dimensions constant integer := (select max(dimension.bit) + 1 from public.scope_dimensions dimension);
  codes integer[] := array_fill(0, array[dimensions]);
  pair record;
begin
  for pair in
    select dimension.bit, scope_value.code
    from jsonb_each_text(scope) as given
    join public.scope_dimensions dimension on dimension.dim = given.key
    join learning.scope_values scope_value
      on scope_value.dim = given.key and md5(scope_value.value) = md5(given.value)
      and scope_value.value = given.value
  loop
    codes[pair.bit + 1] := pair.code;
  end loop;
  return codes;
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
  insert into learning.scope_values (dim, value)
  select distinct given.dim, given.value
  from (
    select dimension.dim, learning.scope_value(seen.value) as value
    from (
      select distinct entry.key, entry.value
      from unnest(contexts) as context(content)
      cross join lateral jsonb_each(
        case jsonb_typeof(context.content) when 'object' then context.content else '{}'::jsonb end
      ) as entry
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
