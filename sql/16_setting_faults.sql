-- Setting faults: what a configured value may be, and what is wrong with one that may not.

create function learning.accepted_values(setting learning.settings)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case setting.kind
    when 'number' then format('a number from %s to %s', setting.minimum, setting.maximum)
    when 'number_or_auto' then format('a number from %s to %s, or auto', setting.minimum, setting.maximum)
    when 'integer' then format('a whole number from %s to %s', setting.minimum, setting.maximum)
    when 'boolean' then 'true or false'
    when 'choice' then 'one of ' || array_to_string(setting.choices, ', ')
    when 'text' then 'a text of at most 200 characters'
    when 'texts' then 'a list of texts'
    when 'dimensions' then 'a list of registered dimensions'
    when 'masks' then 'a list of dimension lists, or of singles, pairs and full'
    when 'shares' then format(
      'fractions from %s to %s by timeframe that sum to 1', learning.least_share(), learning.greatest_share()
    )
  end || case when setting.nullable then ', or null' else '' end;
end
$$;
comment on function learning.accepted_values(learning.settings) is
  'What a configuration key may hold, in words.';

create function learning.is_number_within(value jsonb, lowest float8, highest float8)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  -- As a decimal, because not every number of JSON is one of float8.
  number constant numeric := case when jsonb_typeof(value) = 'number' then value::numeric end;
begin
  return coalesce(
    case when abs(number) < learning.dust()::numeric then 0 else number end
      between lowest::numeric and highest::numeric,
    false
  );
end
$$;
comment on function learning.is_number_within(jsonb, float8, float8) is
  'Whether a value is a number between two bounds, where what is nearer to 0 than 1e-12 counts as 0.';

create function learning.are_shares(value jsonb)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if jsonb_typeof(value) <> 'object' then
    return false;
  end if;
  if exists (
    select from jsonb_each(value) as share
    where not learning.is_number_within(share.value, learning.least_share(), learning.greatest_share())
  ) then
    return false;
  end if;
  return (
    select coalesce(abs(sum(share.value::numeric) - 1) <= 1e-9, false) from jsonb_each(value) as share
  );
end
$$;
comment on function learning.are_shares(jsonb) is 'Whether a value maps timeframes to shares of one book.';

create function learning.unknown_mask(masks jsonb)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select entry.value
    from jsonb_array_elements(masks) with ordinality as entry(value, place)
    where case jsonb_typeof(entry.value)
      when 'string' then entry.value #>> '{}' not in ('singles', 'pairs', 'full')
      when 'array' then entry.value = '[]'::jsonb or exists (
        select from jsonb_array_elements(entry.value) as named(dim)
        where jsonb_typeof(named.dim) <> 'string' or not exists (
          select from public.scope_dimensions dimension
          where dimension.dim = named.dim #>> '{}' or named.dim #>> '{}' = any (dimension.aliases)
        )
      )
      else true
    end
    order by entry.place
    limit 1
  );
end
$$;
comment on function learning.unknown_mask(jsonb) is
  'First entry of a list that is neither a list of registered dimensions nor singles, pairs or full; null '
  'where there is none.';

create function learning.mask_count(masks jsonb)
returns bigint
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  dimensions constant bigint := (select count(*) from public.scope_dimensions);
begin
  return (
    select sum(case entry.value
      when '"singles"' then dimensions
      when '"pairs"' then dimensions * (dimensions - 1) / 2
      else 1
    end)
    from jsonb_array_elements(masks) as entry(value)
  );
end
$$;
comment on function learning.mask_count(jsonb) is
  'How many masks a list stands for, singles and pairs counted out.';

create function learning.are_dimensions(value jsonb)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_typeof(value) = 'array' and not exists (
    select from jsonb_array_elements(value) as named(dim)
    where not exists (
      select from public.scope_dimensions dimension where to_jsonb(dimension.dim) = named.dim
    )
  );
end
$$;
comment on function learning.are_dimensions(jsonb) is 'Whether a value is a list of registered dimensions.';

create function learning.setting_fault(setting learning.settings, value jsonb)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  fits constant boolean := case
    when value = 'null'::jsonb then setting.nullable
    else case setting.kind
      when 'number' then learning.is_number_within(value, setting.minimum, setting.maximum)
      when 'number_or_auto' then value = '"auto"'::jsonb
        or learning.is_number_within(value, setting.minimum, setting.maximum)
      when 'integer' then case
        when learning.is_number_within(value, setting.minimum, setting.maximum)
          then value::numeric = trunc(value::numeric)
        else false
      end
      when 'boolean' then jsonb_typeof(value) = 'boolean'
      when 'choice' then jsonb_typeof(value) = 'string' and value #>> '{}' = any (setting.choices)
      when 'text' then jsonb_typeof(value) = 'string' and length(value #>> '{}') <= 200
      when 'texts' then jsonb_typeof(value) = 'array'
        and not jsonb_path_exists(value, 'strict $[*] ? (@.type() != "string")')
      -- A default holds whatever is registered: a dump may bring it before the registry.
      when 'dimensions' then value = setting.default_value or learning.are_dimensions(value)
      when 'masks' then jsonb_typeof(value) = 'array' and value <> '[]'::jsonb
      when 'shares' then learning.are_shares(value)
    end
  end;
  masks bigint;
  unknown_mask jsonb;
begin
  if not fits then
    return format(
      'must be %s, not %s', learning.accepted_values(setting), learning.shortened(learning.beginning(value))
    );
  end if;
  if setting.kind = 'masks' and value <> 'null'::jsonb then
    masks := learning.mask_count(value);
    if masks > learning.size_limit('masks') then
      return format('must stand for at most %s masks and stands for %s', learning.size_limit('masks'), masks);
    end if;
    unknown_mask := learning.unknown_mask(value);
  end if;
  return 'has an entry that is neither a list of registered dimensions nor singles, pairs or full: '
    || learning.shortened(learning.beginning(unknown_mask));
end
$$;
comment on function learning.setting_fault(learning.settings, jsonb) is
  'Says what is wrong with a configured value, which range holds and what was given; null where nothing is '
  'wrong.';

-- Here rather than in the table, because what fits is known by now.
alter table learning.settings add constraint settings_defaults_fit
check (learning.setting_fault(settings, default_value) is null);
