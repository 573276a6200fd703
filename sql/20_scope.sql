-- Scope: which dimensions exist, how a context becomes a scope, how a scope becomes a mask.

create table public.scope_dimensions (
  dim text primary key check (dim ~ '^[A-Za-z][A-Za-z0-9_]{0,62}$'),
  bit integer not null unique check (bit between 0 and 30),
  source text not null check (source in ('entry', 'action', 'regime')),
  weight float8 not null default 1.0 check (weight > 0 and weight <= 1e9),
  aliases text[] not null default '{}'
);
alter table public.scope_dimensions enable row level security;
comment on table public.scope_dimensions is 'The dimensions a scope may have. Inserting a row registers one; no code changes.';
comment on column public.scope_dimensions.dim is 'Name of the dimension, the key in a scope.';
comment on column public.scope_dimensions.bit is 'Bit of the dimension in scope_mask, fixed once given.';
comment on column public.scope_dimensions.source is 'Context the dimension is read from first: entry, action or regime.';
comment on column public.scope_dimensions.weight is 'How much the dimension counts in exposure.';
comment on column public.scope_dimensions.aliases is 'Other names the dimension is known by in contexts; never stored.';

create function learning.guard_scope_dimension()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if tg_op = 'UPDATE' and (new.dim, new.bit) is distinct from (old.dim, old.bit) then
    raise exception using
      errcode = '22023',
      message = format('Dimension %L (bit %s) cannot become %L (bit %s)', old.dim, old.bit, new.dim, new.bit),
      hint = 'What was learned names the dimension and its bit. Register a new dimension with a free bit instead.';
  end if;
  if exists (
    select from public.scope_dimensions other
    where other.dim <> new.dim
      and (other.dim = any (new.aliases) or new.dim = any (other.aliases) or other.aliases && new.aliases)
  ) or new.dim = any (new.aliases) then
    raise exception using
      errcode = '22023',
      message = format('A name of dimension %L is taken: %s', new.dim, array_to_string(new.dim || new.aliases, ', ')),
      hint = 'Every name and alias must belong to one dimension.';
  end if;
  return new;
end
$$;
comment on function learning.guard_scope_dimension() is 'Keeps dimension names unambiguous and bits fixed.';
create trigger guard_scope_dimension before insert or update on public.scope_dimensions
for each row execute function learning.guard_scope_dimension();
comment on trigger guard_scope_dimension on public.scope_dimensions is 'Keeps dimension names unambiguous and bits fixed.';

create function learning.queue_registrations()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('scope_dimensions', 0));
  return null;
end
$$;
comment on function learning.queue_registrations() is
  'Lets one at a time change the dimensions: of two at once each would leave the other''s out of what is derived from them.';
create trigger queue_registrations before insert or delete or truncate on public.scope_dimensions
for each statement execute function learning.queue_registrations();
comment on trigger queue_registrations on public.scope_dimensions is 'One at a time changes the dimensions.';

create function learning.normal_scope_mask_expression()
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select format(
      -- A value that starts or ends in a space, is empty, no text, escaped (as all other white space is) or long, or looks like any of that.
      $expression$
        case
          when written ~ '\\|": ([^"]|"[" ])| "[,}]' or (length(written) > 200 and %s > 200) then null
          when scope - %L::text[] = '{}'::jsonb then %s
        end
      $expression$,
      -- By operator, because format makes a text of what is null.
      coalesce('greatest(' || string_agg(format('length(scope ->> %L)', known.dim), ', ' order by known.bit) || ')', '0'),
      coalesce(array_agg(known.dim order by known.bit), '{}'),
      coalesce(string_agg(format('case when scope ? %L then %s else 0 end', known.dim, 1 << known.bit), ' | ' order by known.bit), '0')
    )
    from public.scope_dimensions known
  );
end
$$;
comment on function learning.normal_scope_mask_expression() is
  'The SQL for the mask of a scope in its normal form, null where it may not be, with the registered dimensions written out: reading them there took half of its time. It is about a scope and the same written as text.';

create function learning.derive_scope_functions()
returns trigger
language plpgsql
security definer
set search_path = ''
as $derive$
begin
  execute format(
    $definition$
      create or replace function learning.normal_scope_mask(scope jsonb)
      returns integer
      language plpgsql
      stable
      set search_path = ''
      as $mask$
      declare
        written constant text := scope::text;
      begin
        return %s;
      end
      $mask$
    $definition$,
    learning.normal_scope_mask_expression()
  );
  execute (
    select format(
      $definition$
        create or replace function learning.scopes_within(scope jsonb, masks integer[])
        returns jsonb[]
        language plpgsql
        immutable
        set search_path = ''
        as $within$
        begin
          return array(select scope - array[%s]::text[] from unnest(masks) as mask);
        end
        $within$
      $definition$,
      coalesce(string_agg(format('case when mask & %s = 0 then %L end', 1 << known.bit, known.dim), ', ' order by known.bit), '')
    )
    from public.scope_dimensions known
  );
  return null;
end
$derive$;
comment on function learning.derive_scope_functions() is
  'Writes the registered dimensions into learning.normal_scope_mask and learning.scopes_within.';
create trigger derive_scope_functions after insert or delete or truncate on public.scope_dimensions
for each statement execute function learning.derive_scope_functions();
comment on trigger derive_scope_functions on public.scope_dimensions is 'Masks know a dimension as soon as it is registered.';

insert into public.scope_dimensions (dim, bit, source, aliases) values
  ('curator', 0, 'entry', '{}'),
  ('chain', 1, 'entry', '{}'),
  ('mcap_bucket', 2, 'entry', '{bucket}'),
  ('vol_bucket', 3, 'entry', '{}'),
  ('age_bucket', 4, 'entry', '{}'),
  ('intent', 5, 'entry', '{}'),
  ('mapping_confidence', 6, 'entry', '{}'),
  ('mcap_vol_ratio_bucket', 7, 'entry', '{}'),
  ('market_family', 8, 'action', '{}'),
  ('timeframe', 9, 'action', '{}'),
  ('A_mode', 10, 'action', '{}'),
  ('E_mode', 11, 'action', '{}'),
  ('macro_phase', 12, 'regime', '{}'),
  ('meso_phase', 13, 'regime', '{}'),
  ('micro_phase', 14, 'regime', '{}'),
  ('bucket_leader', 15, 'regime', '{}'),
  ('bucket_rank_position', 16, 'regime', '{}');

comment on function learning.normal_scope_mask(jsonb) is
  'Mask of a scope that is in its normal form, as most are; null where it may not be. Ten times as fast as bringing it there.';
comment on function learning.scopes_within(jsonb, integer[]) is
  'For each mask the pairs of the scope whose dimensions are in it; all at once, for a call takes as long as its work.';

-- The functions from here on are called for every event: plpgsql keeps their plans, language sql would plan each call anew.
create function learning.scope_value(value jsonb)
returns text
language plpgsql
immutable
set search_path = ''
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
comment on function learning.scope_value(jsonb) is 'A context''s value as a scope holds it: trimmed text, null where it is empty.';

create function learning.scope_faults(context jsonb)
returns jsonb
language plpgsql
stable
set search_path = ''
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
    select coalesce(jsonb_agg(jsonb_build_object('path', fault.path, 'message', fault.message) order by fault.path), '[]'::jsonb)
    from (
      select entry.key as path, case
        when jsonb_typeof(entry.value) in ('object', 'array') then 'must be a text, a number or a boolean'
        when length(learning.scope_value(entry.value)) > 200 then
          'must have at most 200 characters and has ' || length(learning.scope_value(entry.value))
      end as message
      from jsonb_each(context) as entry
      where exists (
        select from public.scope_dimensions known where known.dim = entry.key or entry.key = any (known.aliases)
      )
    ) as fault
    where fault.message is not null
  );
end
$$;
comment on function learning.scope_faults(jsonb) is
  'Why a context''s registered dimensions cannot be taken into a scope, as a list of {path, message}; empty where they can.';

create function public.unified_scope(entry_context jsonb, action_scope jsonb, regime_context jsonb)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  faults jsonb := learning.scope_faults(entry_context) || learning.scope_faults(action_scope) || learning.scope_faults(regime_context);
begin
  if faults <> '[]'::jsonb then
    raise exception using
      errcode = '22023',
      message = 'Scope is not valid: ' || (
        select string_agg(fault.path || ' ' || fault.message, '; ') from jsonb_to_recordset(faults) as fault(path text, message text)
      ),
      hint = 'Shorten or flatten the named dimensions of the scope.';
  end if;
  return (
    select coalesce(jsonb_object_agg(found.dim, found.value), '{}'::jsonb)
    from (
      select distinct on (known.dim) known.dim, given.value
      from (values ('entry', 1, entry_context), ('action', 2, action_scope), ('regime', 3, regime_context)) as context(source, rank, content)
      cross join lateral (
        select entry.key, learning.scope_value(entry.value) as value
        from jsonb_each(case jsonb_typeof(context.content) when 'object' then context.content else '{}'::jsonb end) as entry
        -- Keeps the value from being computed once per use.
        offset 0
      ) as given
      join public.scope_dimensions known on known.dim = given.key or given.key = any (known.aliases)
      where given.value is not null
      order by known.dim, known.source <> context.source, context.rank, known.dim <> given.key, given.key
    ) as found
  );
end
$$;
comment on function public.unified_scope(jsonb, jsonb, jsonb) is
  'One flat scope from the three contexts: each registered dimension from its own source first, then from the others, as trimmed text.';

create function learning.scope_mask(scope jsonb)
returns integer
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select coalesce(bit_or(1 << known.bit), 0)
    from public.scope_dimensions known
    where scope ? known.dim
  );
end
$$;
comment on function learning.scope_mask(jsonb) is 'The dimensions that a scope fills, as bits.';

create function learning.dotted_pattern_key(pattern_key text)
returns text
language plpgsql
immutable
set search_path = ''
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
  'A pattern key as it is stored: module=pm|pattern_key=a.b.c becomes pm.a.b.c, dotted keys stay as they are.';
