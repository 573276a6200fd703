-- Scopes: how a context becomes a scope, and how keys and scopes look in their normal form.

-- The functions from here on are called for every event: plpgsql keeps their plans, language sql would plan
-- each call anew.
create function learning.scope_value(value jsonb)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return nullif(btrim(case jsonb_typeof(value)
    when 'string' then value #>> '{}'
    when 'number' then trim_scale((value #>> '{}')::numeric)::text
    when 'null' then null
    else value #>> '{}'
  end, E' \t\n\r\f\x0B'), '');
end
$$;
comment on function learning.scope_value(jsonb) is
  'A context''s value as a scope holds it: trimmed text, null where it is empty.';

create function learning.scope_faults(context jsonb)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Nearly every context is sound, and what is short as JSON is short as text.
  if jsonb_typeof(context) is distinct from 'object' or not exists (
    select from jsonb_each(context) as entry
    where jsonb_typeof(entry.value) in ('object', 'array') or length(entry.value::text) > 200
      or jsonb_typeof(entry.value) = 'number'
  ) then
    return '[]'::jsonb;
  end if;
  return (
    select coalesce(
      jsonb_agg(jsonb_build_object('path', fault.path, 'message', fault.message) order by fault.path),
      '[]'::jsonb
    )
    from (
      select entry.key as path, case
        when jsonb_typeof(entry.value) in ('object', 'array') then 'must be a text, a number or a boolean'
        when length(learning.scope_value(entry.value)) > 200 then
          'must have at most 200 characters and has ' || length(learning.scope_value(entry.value))
      end as message
      from jsonb_each(context) as entry
      where exists (
        select from public.scope_dimensions dimension
        where dimension.dim = entry.key or entry.key = any (dimension.aliases)
      )
    ) as fault
    where fault.message is not null
  );
end
$$;
comment on function learning.scope_faults(jsonb) is
  'Why a context''s registered dimensions cannot be taken into a scope, as a list of {path, message}; empty '
  'where they can.';

create function public.unified_scope(entry_context jsonb, action_scope jsonb, regime_context jsonb)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  faults constant jsonb := learning.scope_faults(entry_context)
    || learning.scope_faults(action_scope)
    || learning.scope_faults(regime_context);
begin
  if faults <> '[]'::jsonb then
    raise exception using
      errcode = '22023',
      message = 'Scope is not valid: ' || (
        select string_agg(fault.path || ' ' || fault.message, '; ')
        from jsonb_to_recordset(faults) as fault(path text, message text)
      ),
      hint = 'Shorten or flatten the named dimensions of the scope.';
  end if;
  return (
    select coalesce(jsonb_object_agg(found.dim, found.value), '{}'::jsonb)
    from (
      select distinct on (dimension.dim) dimension.dim, given.value
      from (
        values ('entry', 1, entry_context), ('action', 2, action_scope), ('regime', 3, regime_context)
      ) as context(source, rank, content)
      cross join lateral (
        select entry.key, learning.scope_value(entry.value) as value
        from jsonb_each(
          case jsonb_typeof(context.content) when 'object' then context.content else '{}'::jsonb end
        ) as entry
        -- Keeps the value from being computed once per use.
        offset 0
      ) as given
      join public.scope_dimensions dimension
        on dimension.dim = given.key or given.key = any (dimension.aliases)
      where given.value is not null
      order by dimension.dim, dimension.source <> context.source, context.rank,
        dimension.dim <> given.key, given.key
    ) as found
  );
end
$$;
comment on function public.unified_scope(jsonb, jsonb, jsonb) is
  'One flat scope from the three contexts: each registered dimension from its own source first, then from '
  'the others, as trimmed text.';

create function learning.scope_mask(scope jsonb)
returns integer
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(bit_or(1 << dimension.bit), 0)
    from public.scope_dimensions dimension
    where scope ? dimension.dim
  );
end
$$;
comment on function learning.scope_mask(jsonb) is 'The dimensions that a scope fills, as bits.';

create function learning.dotted_pattern_key(pattern_key text)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  parts text[];
begin
  if not starts_with(btrim(pattern_key), 'module=') then
    return btrim(pattern_key);
  end if;
  parts := regexp_match(btrim(pattern_key), '^module=([^|]+)\|pattern_key=(.+)$');
  return case
    when parts is null then btrim(pattern_key)
    when starts_with(parts[2], parts[1] || '.') then parts[2]
    else parts[1] || '.' || parts[2]
  end;
end
$$;
comment on function learning.dotted_pattern_key(text) is
  'A pattern key as it is stored: module=pm|pattern_key=a.b.c becomes pm.a.b.c, dotted keys stay as they '
  'are.';
