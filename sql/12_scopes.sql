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
    when 'number' then trim_scale(value::numeric)::text
    when 'null' then null
    else value #>> '{}'
  end, E' \t\n\r\f\x0B'), '');
end
$$;
comment on function learning.scope_value(jsonb) is
  'A context''s value as a scope holds it: trimmed text, null where it is empty.';

create function learning.value_faults(context jsonb, of_any_key boolean)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  most constant integer := learning.size_limit('value_characters');
begin
  return (
    select coalesce(
      jsonb_agg(jsonb_build_object('path', fault.path, 'message', fault.message) order by fault.path),
      '[]'::jsonb
    )
    from (
      select entry.key as path, case
        when jsonb_typeof(entry.value) in ('object', 'array') then 'must be a text, a number or a boolean'
        when length(learning.scope_value(entry.value)) > most then format(
          'must have at most %s characters and has %s', most, length(learning.scope_value(entry.value))
        )
      end as message
      from jsonb_each(context) as entry
      where of_any_key or exists (
        select from public.scope_dimensions dimension
        where dimension.dim = entry.key or entry.key = any (dimension.aliases)
      )
    ) as fault
    where fault.message is not null
  );
end
$$;
comment on function learning.value_faults(jsonb, boolean) is
  'Why values of a context cannot be those of a scope, as a list of {path, message}: of its registered '
  'dimensions, or of any of its keys.';

create function learning.is_plain(context jsonb)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- A pair takes eight bytes at least, and so many bytes without a number that is longer as text are short.
  return pg_column_size(context #> '{}') <= 8 * learning.size_limit('scope_keys') and not exists (
    select from jsonb_each(context) as entry
    where case jsonb_typeof(entry.value)
      when 'string' then length(entry.value::text) > learning.size_limit('value_characters')
      when 'number' then abs(entry.value::numeric) >= 1e40 or scale(entry.value::numeric) > 40
      else jsonb_typeof(entry.value) in ('object', 'array')
    end
  );
end
$$;
comment on function learning.is_plain(jsonb) is
  'Whether an object is plainly within all limits and each of its values could be one of a scope, as nearly '
  'every context is; where not, a closer look tells.';

create function learning.scope_faults(context jsonb)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  fault text;
begin
  if jsonb_typeof(context) is distinct from 'object' or learning.is_plain(context) then
    return '[]'::jsonb;
  end if;
  fault := learning.size_fault(context, learning.size_limit('scope_bytes'));
  return case
    when fault is null then learning.value_faults(context, false)
    else jsonb_build_array(jsonb_build_object('path', '', 'message', fault))
  end;
end
$$;
comment on function learning.scope_faults(jsonb) is
  'Why a context cannot be taken into a scope, as a list of {path, message}; empty where it can. The path is '
  'the registered dimension, or empty where the context as a whole is too large.';

create function learning.refuse_scope(faults jsonb)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if faults <> '[]'::jsonb then
    raise exception using
      errcode = '22023',
      message = 'Scope is not valid: ' || (
        select string_agg(learning.shortened(fault.path) || ' ' || fault.message, '; ')
        from jsonb_to_recordset(faults) as fault(path text, message text)
      ),
      hint = 'Leave out, shorten or flatten what is named.';
  end if;
end
$$;
comment on function learning.refuse_scope(jsonb) is
  'Refuses a scope with 22023 and every fault of a list of {path, message}; does nothing where it is empty.';

create type learning.dimension_lists as (
  every_dim text[], no_entry text[], no_action text[], no_regime text[], entry text[], action text[],
  regime text[]
);
comment on type learning.dimension_lists is
  'The registered dimensions by where they come from first, read once for many scopes.';
comment on column learning.dimension_lists.every_dim is 'All of them.';
comment on column learning.dimension_lists.no_entry is 'Those that do not come from the entry.';
comment on column learning.dimension_lists.no_action is 'Those that do not come from the action.';
comment on column learning.dimension_lists.no_regime is 'Those that do not come from the regime.';
comment on column learning.dimension_lists.entry is 'Those that come from the entry.';
comment on column learning.dimension_lists.action is 'Those that come from the action.';
comment on column learning.dimension_lists.regime is 'Those that come from the regime.';

create function learning.listed_dimensions()
returns learning.dimension_lists
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  lists learning.dimension_lists;
begin
  select array_agg(dimension.dim),
    coalesce(array_agg(dimension.dim) filter (where dimension.source <> 'entry'), '{}'),
    coalesce(array_agg(dimension.dim) filter (where dimension.source <> 'action'), '{}'),
    coalesce(array_agg(dimension.dim) filter (where dimension.source <> 'regime'), '{}'),
    coalesce(array_agg(dimension.dim) filter (where dimension.source = 'entry'), '{}'),
    coalesce(array_agg(dimension.dim) filter (where dimension.source = 'action'), '{}'),
    coalesce(array_agg(dimension.dim) filter (where dimension.source = 'regime'), '{}')
  into lists
  from public.scope_dimensions dimension;
  return lists;
end
$$;
comment on function learning.listed_dimensions() is
  'The registered dimensions by where they come from first.';

create function learning.known_pairs(context jsonb, every_dim text[])
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if jsonb_typeof(context) is distinct from 'object' or context = '{}' then
    return '{}'::jsonb;
  end if;
  -- Nearly every context already is what is looked for: dimensions by their own names, and as values texts
  -- without blanks at either end or anything that JSON escapes.
  if context - every_dim = '{}' and context::text !~ '\\|": (?:"\s|[^"]|"")|\s"(?:, "|\})' then
    return context;
  end if;
  return (
    select coalesce(jsonb_object_agg(found.dim, found.value), '{}'::jsonb)
    from (
      select distinct on (given.dim) given.dim, given.value
      from (
        select dimension.dim, dimension.dim <> entry.key as by_alias, entry.key,
          learning.scope_value(entry.value) as value
        from jsonb_each(context) as entry
        join public.scope_dimensions dimension
          on dimension.dim = entry.key or entry.key = any (dimension.aliases)
        -- Keeps the value from being computed once per use, and that of an unregistered key from being
        -- computed at all.
        offset 0
      ) as given
      where given.value is not null
      order by given.dim, given.by_alias, given.key
    ) as found
  );
end
$$;
comment on function learning.known_pairs(jsonb, text[]) is
  'What of one context can be in a scope: each registered dimension that it fills, by its own name before an '
  'alias, as trimmed text.';

create function learning.merged_scope(
  entry_context jsonb, action_scope jsonb, regime_context jsonb,
  lists learning.dimension_lists default learning.listed_dimensions()
)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  entry constant jsonb := learning.known_pairs(entry_context, lists.every_dim);
  action constant jsonb := learning.known_pairs(action_scope, lists.every_dim);
  regime constant jsonb := learning.known_pairs(regime_context, lists.every_dim);
begin
  if entry = '{}' then
    -- The same without what would be nothing: windows have no entry context.
    return (regime - lists.regime) || action || (regime - lists.no_regime);
  end if;
  -- What comes later holds: each dimension from its own source, else from the entry, the action, the regime.
  return (regime - lists.regime) || (action - lists.action) || (entry - lists.entry)
    || (entry - lists.no_entry) || (action - lists.no_action) || (regime - lists.no_regime);
end
$$;
comment on function learning.merged_scope(jsonb, jsonb, jsonb, learning.dimension_lists) is
  'public.unified_scope of contexts that were found sound; who makes many hands over the dimensions.';

create function public.unified_scope(entry_context jsonb, action_scope jsonb, regime_context jsonb)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  entry_faults constant jsonb := learning.scope_faults(entry_context);
  action_faults constant jsonb := learning.scope_faults(action_scope);
  regime_faults constant jsonb := learning.scope_faults(regime_context);
begin
  if entry_faults || action_faults || regime_faults <> '[]'::jsonb then
    perform learning.refuse_scope((
      select jsonb_agg(
        case fault.said ->> 'path' when '' then fault.said || jsonb_build_object('path', argument.name)
        else fault.said end
      )
      from (values
        ('entry_context', entry_faults), ('action_scope', action_faults), ('regime_context', regime_faults)
      ) as argument(name, faults)
      cross join lateral jsonb_array_elements(argument.faults) as fault(said)
    ));
  end if;
  return learning.merged_scope(entry_context, action_scope, regime_context);
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
