-- Generated from sql/ by `deno task db:migrate`; edit sql/ instead.

-- sql/00_schemas.sql

-- The schemas: `public` is the interface, `learning` the inside that the data API does not expose.

-- A draft from before the first release is nothing that an upgrade starts from.
do $refuse_drafts$
begin
  if to_regnamespace('learning') is not null and not exists (
    select
    from pg_catalog.pg_class relation
    where relation.relnamespace = to_regnamespace('learning') and relation.relname = 'releases'
  ) then
    raise exception using
      errcode = '55000',
      message = 'This database holds a draft of Edgeloop from before 0.1.0, which cannot be upgraded: '
        || 'push to a new project and write your strands, positions and configuration there, '
        || 'from which everything else is learned again',
      detail = 'Schema learning is there, and has no table of releases.',
      hint = 'To stay in this database, copy ad_strands, lowcap_positions, learning_configs and hand-made '
        || 'pm_overrides, run "drop schema learning cascade", drop what Edgeloop made in public, and push '
        || 'again.';
  end if;
end
$refuse_drafts$;

create schema if not exists learning;
comment on schema learning is
  'Inside of Edgeloop: helpers and working tables that no client calls or builds on.';

-- Only where the extension can be created here: pg_cron, for one, lives in a single database of a server.
do $create_extensions$
begin
  if to_regnamespace('cron') is null
    and exists (select from pg_catalog.pg_available_extensions where name = 'pg_cron')
    and current_setting('cron.database_name', true) = current_database() then
    create extension pg_cron with schema pg_catalog;
  end if;
  if to_regnamespace('net') is null
    and exists (select from pg_catalog.pg_available_extensions where name = 'pg_net') then
    create extension pg_net with schema extensions;
  end if;
  if to_regnamespace('vault') is null
    and exists (select from pg_catalog.pg_available_extensions where name = 'supabase_vault') then
    create extension supabase_vault cascade;
  end if;
end
$create_extensions$;

-- sql/01_releases.sql

-- Which releases made this database. `deno task release` adds a row at the end of this file.

create table learning.releases (
  version text primary key
    check (version ~ '^(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})$'),
  released_at timestamptz not null
);
alter table learning.releases enable row level security;
comment on table learning.releases is
  'The releases of Edgeloop that this database was brought to, one after the other.';
comment on column learning.releases.version is 'Version, three numbers, as in CHANGELOG.md.';
comment on column learning.releases.released_at is 'Day of the release.';

create function learning.release()
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select release.version
    from learning.releases release
    order by string_to_array(release.version, '.')::integer[] desc
    limit 1
  );
end
$$;
comment on function learning.release() is
  'The newest release this database was brought to; null before the first.';

insert into learning.releases (version, released_at) values ('0.1.0', '2026-11-30 00:00:00+00');

-- sql/03_values.sql

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

create function learning.without_dust(value float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when abs(value) < 1e-12 then 0 else value end;
end
$$;
comment on function learning.without_dust(float8) is
  'A number, or 0 where it is nearer to 0 than 1e-12: products of such leave the range of numbers, which '
  'Postgres refuses.';

create function learning.number_of_decimal(value numeric)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when abs(value) < 1e-12 then 0 else value::float8 end;
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
  return case when abs(value) < 1e-12 then 0 else value::float8 end;
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

-- sql/05_log.sql

-- What the loop did and why, as structured lines a person can read in Studio.

create table public.learning_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  level text not null check (level in ('INFO', 'WARNING', 'ERROR')),
  component text not null,
  event text not null,
  message text not null,
  details jsonb not null default '{}'::jsonb
);
create index learning_log_at_idx on public.learning_log (at);
create index learning_log_event_at_idx on public.learning_log (event, at);
alter table public.learning_log enable row level security;

comment on table public.learning_log is 'What the learning loop did and why; kept for 30 days.';
comment on column public.learning_log.id is 'Order of writing.';
comment on column public.learning_log.at is 'When it happened.';
comment on column public.learning_log.level is
  'INFO for normal operation, WARNING for data that was missing or refused, ERROR for a failure.';
comment on column public.learning_log.component is 'Which part spoke, for example mine-lessons.';
comment on column public.learning_log.event is
  'What happened, as a stable name, for example lesson_activated.';
comment on column public.learning_log.message is 'The same for a person to read.';
comment on column public.learning_log.details is 'The same for a program to read.';

create function learning.log_retention()
returns interval
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return interval '30 days';
end
$$;
comment on function learning.log_retention() is
  'How long lines of the learning log are kept, and the details of the runs of the loop''s own jobs.';

create function learning.write_log(
  level text, component text, event text, message text, details jsonb default '{}'::jsonb
)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into public.learning_log (level, component, event, message, details)
  values (level, component, event, message, details);
$$;
comment on function learning.write_log(text, text, text, text, jsonb) is
  'Writes one line of the learning log.';

create function learning.write_log_hourly(
  level text, p_component text, p_event text, message text, details jsonb default '{}'::jsonb
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (
    select from public.learning_log log_line
    where log_line.event = p_event
      and log_line.component = p_component
      and log_line.at > now() - interval '1 hour'
  ) then
    perform learning.write_log(level, p_component, p_event, message, details);
  end if;
end
$$;
comment on function learning.write_log_hourly(text, text, text, text, jsonb) is
  'Writes one line of the learning log unless the same component reported the same event less than an hour '
  'ago.';

-- sql/07_roles.sql

-- Roles: as whom somebody asks, and whether he may.

create function learning.learning_role()
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return auth.jwt() -> 'app_metadata' ->> 'learning_role';
end
$$;
comment on function learning.learning_role() is
  'Role of the signed-in user in the learning loop: viewer reads, pm reads and asks; anything else may do '
  'nothing.';

create function learning.asks_as_user()
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  -- As whom somebody came, whoever a function runs as.
  asking constant name := coalesce(nullif(current_setting('role', true), 'none'), session_user);
begin
  -- Nearly all come as one of three.
  return case
    when asking in ('anon', 'authenticated') then true
    when asking = 'service_role' then false
    else not pg_has_role(asking, 'service_role', 'usage')
      and not pg_has_role(asking, (
        select namespace.nspowner from pg_catalog.pg_namespace namespace where namespace.nspname = 'learning'
      ), 'usage')
  end;
end
$$;
comment on function learning.asks_as_user() is
  'Whether whoever asks has the rights of neither service_role nor the owner, so that the learning role '
  'decides what he may know; roles made from authenticated are users, too.';

create function learning.may_read()
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(learning.learning_role() in ('viewer', 'pm'), false);
end
$$;
comment on function learning.may_read() is
  'Whether the learning role of the signed-in user lets him read: the one list of such roles, for every '
  'policy.';

create function learning.require_pm()
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if learning.asks_as_user() and learning.learning_role() is distinct from 'pm' then
    raise exception using
      errcode = '42501',
      message = 'Only users with the learning role pm may ask this',
      hint = 'Set learning_role to pm in the user''s app_metadata, then sign in again.';
  end if;
end
$$;
comment on function learning.require_pm() is
  'Refuses signed-in users whose learning role is not pm; service_role and the owner may always ask.';

-- sql/10_dimensions.sql

-- Dimensions: what a scope may name, registered by inserting a row.

create table public.scope_dimensions (
  dim text primary key check (dim ~ '^[A-Za-z][A-Za-z0-9_]{0,62}$'),
  bit integer not null unique check (bit between 0 and 30),
  source text not null check (source in ('entry', 'action', 'regime')),
  weight float8 not null default 1.0 check (weight between 1e-6 and 1e6),
  aliases text[] not null default '{}'
);
alter table public.scope_dimensions enable row level security;
comment on table public.scope_dimensions is
  'The dimensions a scope may have. Inserting a row registers one; no code changes.';
comment on column public.scope_dimensions.dim is 'Name of the dimension, the key in a scope.';
comment on column public.scope_dimensions.bit is 'Bit of the dimension in scope_mask, fixed once given.';
comment on column public.scope_dimensions.source is
  'Context the dimension is read from first: entry, action or regime.';
comment on column public.scope_dimensions.weight is 'How much the dimension counts in exposure, 1e-6 to 1e6.';
comment on column public.scope_dimensions.aliases is
  'Other names the dimension is known by in contexts; never stored.';

create function learning.guard_scope_dimension()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'UPDATE' and (new.dim, new.bit) is distinct from (old.dim, old.bit) then
    raise exception using
      errcode = '22023',
      message = format('Dimension %L (bit %s) cannot become %L (bit %s)', old.dim, old.bit, new.dim, new.bit),
      hint = 'What was learned names the dimension and its bit. Register a new one with a free bit instead.';
  end if;
  if exists (
    select from public.scope_dimensions other_dimension
    where other_dimension.dim <> new.dim
      and (other_dimension.dim = any (new.aliases)
        or new.dim = any (other_dimension.aliases)
        or other_dimension.aliases && new.aliases)
  ) or new.dim = any (new.aliases) then
    raise exception using
      errcode = '22023',
      message = format(
        'A name of dimension %L is taken: %s', new.dim, array_to_string(new.dim || new.aliases, ', ')
      ),
      hint = 'Every name and alias must belong to one dimension.';
  end if;
  return new;
end
$$;
comment on function learning.guard_scope_dimension() is 'Keeps dimension names unambiguous and bits fixed.';
create trigger guard_scope_dimension before insert or update on public.scope_dimensions
for each row execute function learning.guard_scope_dimension();
comment on trigger guard_scope_dimension on public.scope_dimensions is
  'Keeps dimension names unambiguous and bits fixed.';

create function learning.queue_registrations()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('scope_dimensions', 0));
  return null;
end
$$;
comment on function learning.queue_registrations() is
  'Lets one at a time change the dimensions: of two at once each would leave the other''s out of what is '
  'derived from them.';
create trigger queue_registrations before insert or delete or truncate on public.scope_dimensions
for each statement execute function learning.queue_registrations();
comment on trigger queue_registrations on public.scope_dimensions is 'One at a time changes the dimensions.';

create function learning.normal_scope_mask_expression()
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  lengths text;
  bits text;
  dims text[];
begin
  select string_agg(format('length(scope ->> %L)', dimension.dim), ', ' order by dimension.bit),
    string_agg(
      format('case when scope ? %L then %s else 0 end', dimension.dim, 1 << dimension.bit), ' | '
      order by dimension.bit
    ),
    array_agg(dimension.dim order by dimension.bit)
  into lengths, bits, dims
  from public.scope_dimensions dimension;
  return format(
    -- A value that starts or ends in a space, is empty, no text, escaped (as all other white space is) or
    -- long, or looks like any of that.
    $expression$
      case
        when written ~ '\\|": ([^"]|"[" ])| "[,}]' or (length(written) > 200 and %s > 200) then null
        when scope - %L::text[] = '{}'::jsonb then %s
      end
    $expression$,
    coalesce('greatest(' || lengths || ')', '0'), coalesce(dims, '{}'), coalesce(bits, '0')
  );
end
$$;
comment on function learning.normal_scope_mask_expression() is
  'The SQL for the mask of a scope in its normal form, null where it may not be, with the registered '
  'dimensions written out: reading them there took half of its time. It is about a scope and the same '
  'written as text.';

create function learning.derive_scope_functions()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $derive$
declare
  lacking_dims text;
begin
  execute format(
    $definition$
      create or replace function learning.normal_scope_mask(scope jsonb)
      returns integer
      language plpgsql
      stable
      set search_path = pg_catalog, pg_temp
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

  select string_agg(
    format('case when mask & %s = 0 then %L end', 1 << dimension.bit, dimension.dim), ', '
    order by dimension.bit
  )
  into lacking_dims
  from public.scope_dimensions dimension;
  execute format(
    $definition$
      create or replace function learning.scopes_within(scope jsonb, masks integer[])
      returns jsonb[]
      language plpgsql
      immutable
      set search_path = pg_catalog, pg_temp
      as $within$
      begin
        return array(select scope - array[%s]::text[] from unnest(masks) as mask);
      end
      $within$
    $definition$,
    coalesce(lacking_dims, '')
  );
  return null;
end
$derive$;
comment on function learning.derive_scope_functions() is
  'Writes the registered dimensions into learning.normal_scope_mask and learning.scopes_within.';
create trigger derive_scope_functions after insert or delete or truncate on public.scope_dimensions
for each statement execute function learning.derive_scope_functions();
comment on trigger derive_scope_functions on public.scope_dimensions is
  'Masks know a dimension as soon as it is registered.';

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
  'Mask of a scope that is in its normal form, as most are; null where it may not be. Ten times as fast as '
  'bringing it there.';
comment on function learning.scopes_within(jsonb, integer[]) is
  'For each mask the pairs of the scope whose dimensions are in it; all at once, for a call takes as long '
  'as its work.';

-- sql/12_scopes.sql

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

-- sql/14_shares.sql

-- Shares of timeframes: the bounds within which a share moves and may be configured.

create function learning.least_share()
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return 0.02;
end
$$;
comment on function learning.least_share() is
  'Smallest share of a token''s allocation that a timeframe may have.';

create function learning.greatest_share()
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return 0.96;
end
$$;
comment on function learning.greatest_share() is
  'Largest share of a token''s allocation that a timeframe may have.';

-- sql/15_settings.sql

-- Settings: what may be configured, with defaults and ranges in one table.

create table learning.settings (
  module_id text not null,
  path text not null,
  keys text[] not null generated always as (string_to_array(path, '.')) stored,
  kind text not null check (kind in ('number', 'integer', 'boolean', 'choice', 'texts', 'masks', 'shares')),
  default_value jsonb not null,
  nullable boolean not null default false,
  minimum float8,
  maximum float8,
  choices text[],
  description text not null,
  primary key (module_id, path),
  -- Formulas take what is configured as it is: between these bounds they stay within the range of float8.
  constraint settings_numbers_have_a_range check (
    (kind in ('number', 'integer')) = (minimum is not null and maximum is not null and minimum < maximum)
  ),
  constraint settings_ranges_are_finite check (minimum > '-infinity' and maximum < 'infinity'),
  constraint settings_choices_are_listed check ((kind = 'choice') = (choices is not null))
);
alter table learning.settings enable row level security;
comment on table learning.settings is
  'Every configuration key with its default, type and range: the one place that says what may be configured.';
comment on column learning.settings.module_id is 'Row of learning_configs that the key belongs to.';
comment on column learning.settings.path is 'Key, dotted where it is nested.';
comment on column learning.settings.keys is 'The same as the keys on the way to it.';
comment on column learning.settings.kind is
  'Type of the value; masks is a list of dimension lists or of singles, pairs and full; shares maps '
  'timeframes to fractions that sum to 1.';
comment on column learning.settings.default_value is 'Value that holds while the key is not set.';
comment on column learning.settings.nullable is 'Whether null may be set.';
comment on column learning.settings.minimum is 'Smallest number accepted; every number has one.';
comment on column learning.settings.maximum is 'Largest number accepted; every number has one.';
comment on column learning.settings.choices is 'Texts accepted, for a choice.';
comment on column learning.settings.description is 'What the key does.';

insert into learning.settings
  (module_id, path, kind, default_value, nullable, minimum, maximum, description) values
  ('pm', 'outcome_scale', 'number', '1.0', false, 1e-6, 1e6,
    'What one unit of outcome means to this strategy; a scalper sets it small.'),
  ('pm', 'n_min', 'integer', '33', false, 2, 1e6,
    'Fewest trades that make a slice.'),
  ('pm', 'edge_min', 'number', '0.05', false, 0, 1e6,
    'Smallest absolute edge of an active lesson.'),
  ('pm', 'incremental_min', 'number', 'null', true, 0, 1e6,
    'Smallest absolute edge beyond the best parent scope; null asks for none.'),
  ('pm', 'max_q_value', 'number', '0.10', true, 0, 1,
    'Largest false discovery rate of an active lesson; null switches the test off.'),
  ('pm', 'max_lessons_per_group', 'integer', '5000', false, 1, 100000,
    'Most lessons kept for one group; scopes of at most one dimension are always kept.'),
  ('pm', 'staleness_half_life_hours', 'number', '720', false, 1, 1e9,
    'Hours without new evidence after which an override acts half as much.'),
  ('pm', 'cpu_budget_ms', 'integer', '1200', false, 50, 10000,
    'CPU time after which an invocation saves its place and hands over.'),
  ('pm', 'mining_workers', 'integer', '4', false, 1, 64,
    'Invocations that mine side by side.'),
  ('pm', 'edge_scale', 'number', '0.10', false, 1e-6, 1e6,
    'Edge at which edge-weighted blending gives about three quarters of the full weight.'),
  ('pm', 'steering.base', 'number', '0.03', false, 0, 1,
    'Steering strength at zero confidence.'),
  ('pm', 'steering.gain', 'number', '0.20', false, 0, 1,
    'Steering strength gained at full confidence.'),
  ('pm', 'steering.max', 'number', '0.22', false, 0, 1,
    'Largest steering strength.'),
  ('pm', 'steering.confidence_min', 'number', '0.40', false, 0, 1,
    'Overrides below this confidence are ignored where one at or above it matches.'),
  ('pm', 'steering.roi_scale', 'number', '0.10', false, 1e-6, 1e6,
    'ROI at which a trade has about three quarters of the full weight in the posture directions.'),
  ('pm', 'steering.base_bias', 'number', '0', false, -1, 1,
    'Share of the blended edge added to the appetite.'),
  ('pm', 'exposure.alpha', 'number', '1.0', false, 1e-6, 1e6,
    'Weight of exposure in the same scope.'),
  ('pm', 'exposure.beta', 'number', '0.5', false, 0, 1e6,
    'Weight of exposure in the same scope under the same pattern key.'),
  ('pm', 'exposure.weight_exponent', 'number', '0.5', false, 0, 10,
    'How much more a mask of heavier dimensions counts.'),
  ('pm', 'exposure.cap', 'number', 'null', true, 1e-6, 1e6,
    'Exposure that reads as full crowding where the total is larger; null: the total.'),
  ('pm', 'tuning.lookback_days', 'number', '90', false, 0.001, 36500,
    'Days before the newest episode that tuning looks at.'),
  ('pm', 'tuning.min_ratio', 'number', '2.0', false, 0, 1e6,
    'Smallest gain per cost of a gate move.'),
  ('pm', 'tuning.min_gain', 'integer', '3', false, 0, 1e6,
    'Smallest gain of a gate move.'),
  ('pm', 'tuning.cautious_dodge_rate', 'number', '0.90', false, 0, 1,
    'Dodge rate from which loosening needs the cautious ratio.'),
  ('pm', 'tuning.cautious_ratio', 'number', '4.0', false, 0, 1e6,
    'Smallest gain per cost of loosening where the dodge rate is high.'),
  ('decision_maker', 'default_allocation_pct', 'number', '0.10', false, 1e-6, 1,
    'Fraction of the book that an approved token gets.');

insert into learning.settings (module_id, path, kind, default_value, choices, description) values
  ('pm', 'strength_mode', 'choice', '"posture"', '{posture,multiplier,edge_weighted}',
    'How learned strength acts on the size.'),
  ('pm', 'outcome', 'choice', '"roi"', '{roi,rr}',
    'What a trade is judged by.'),
  ('pm', 'cluster', 'choice', '"auto"', '{auto,week,day,none}',
    'Trades of the same week or day share the market''s luck and are tested as one cluster.'),
  ('pm', 'baseline', 'choice', '"global"', '{global,category}',
    'What a slice is compared with: all trades, or those with an action of the same category.'),
  ('pm', 'selection', 'choice', '"distinct"', '{distinct,exhaustive}',
    'One lesson for each distinct set of trades, or one for each scope subset.'),
  ('pm', 'decay.source', 'choice', '"events"', '{events,history}',
    'Series that decay is fitted to: trades, or earlier snapshots of the edge.');

insert into learning.settings (module_id, path, kind, default_value, nullable, description) values
  ('pm', 'steering.relative', 'boolean', 'false', false,
    'Whether directions are measured against the module''s own.'),
  ('pm', 'tuning.confirm', 'boolean', 'true', false,
    'Whether a gate move must prove itself on episodes it was not chosen on.'),
  ('pm', 'exposure.masks', 'masks', '["singles", "pairs", "full"]', true,
    'Dimension sets that crowding is measured on.'),
  ('pm', 'flags.learning_overrides_enabled', 'boolean', 'true', false,
    'Whether strength overrides act.'),
  ('pm', 'flags.learning_overrides_enabled_regimes', 'texts', 'null', true,
    'Macro phases in which overrides act; null: all.'),
  ('pm', 'flags.tuning_overrides_enabled', 'boolean', 'true', false,
    'Whether tuning overrides act.'),
  ('pm', 'flags.exposure_skew_enabled', 'boolean', 'true', false,
    'Whether crowding acts on the size.'),
  ('pm', 'flags.dm_alloc_overrides_enabled', 'boolean', 'false', false,
    'Whether learned allocation multipliers act.'),
  ('pm', 'flags.ae_v2_enabled', 'boolean', 'true', false,
    'Tells the PM to compute its posture from flags.'),
  ('decision_maker', 'start_shares', 'shares', '{"15m": 0.15, "1h": 0.50, "4h": 0.35}', false,
    'The timeframes and the shares they start from.');

create function learning.accepted_values(setting learning.settings)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case setting.kind
    when 'number' then format('a number from %s to %s', setting.minimum, setting.maximum)
    when 'integer' then format('a whole number from %s to %s', setting.minimum, setting.maximum)
    when 'boolean' then 'true or false'
    when 'choice' then 'one of ' || array_to_string(setting.choices, ', ')
    when 'texts' then 'a list of texts'
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
    case when abs(number) < 1e-12 then 0 else number end between lowest::numeric and highest::numeric, false
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
      when 'integer' then case
        when learning.is_number_within(value, setting.minimum, setting.maximum)
          then value::numeric = trunc(value::numeric)
        else false
      end
      when 'boolean' then jsonb_typeof(value) = 'boolean'
      when 'choice' then jsonb_typeof(value) = 'string' and value #>> '{}' = any (setting.choices)
      when 'texts' then jsonb_typeof(value) = 'array'
        and not jsonb_path_exists(value, 'strict $[*] ? (@.type() != "string")')
      when 'masks' then jsonb_typeof(value) = 'array' and value <> '[]'::jsonb
      when 'shares' then learning.are_shares(value)
    end
  end;
  unknown_mask jsonb;
begin
  if not fits then
    return format('must be %s, not %s', learning.accepted_values(setting), learning.shortened(value::text));
  end if;
  if setting.kind = 'masks' and value <> 'null'::jsonb then
    unknown_mask := learning.unknown_mask(value);
  end if;
  return 'has an entry that is neither a list of registered dimensions nor singles, pairs or full: '
    || learning.shortened(unknown_mask::text);
end
$$;
comment on function learning.setting_fault(learning.settings, jsonb) is
  'Says what is wrong with a configured value, which range holds and what was given; null where nothing is '
  'wrong.';

-- sql/17_configuration.sql

-- Configuration: what the user configured, checked on write, merged with the defaults and effective at once.

create table public.learning_configs (
  module_id text primary key,
  config_data jsonb not null default '{}'::jsonb,
  version integer not null default 1,
  updated_at timestamptz not null default now(),
  updated_by text,
  notes text
);
alter table public.learning_configs enable row level security;
comment on table public.learning_configs is
  'What the user configured, checked on write and effective at the next call. Keys left out keep their '
  'defaults.';
comment on column public.learning_configs.module_id is 'pm or decision_maker.';
comment on column public.learning_configs.config_data is 'The keys that differ from the defaults, nested.';
comment on column public.learning_configs.version is 'Grows by one with each change of config_data.';
comment on column public.learning_configs.updated_at is 'When config_data changed last.';
comment on column public.learning_configs.updated_by is 'Who changed it, as told by the writer.';
comment on column public.learning_configs.notes is 'Why, as told by the writer.';

create table learning.effective_configs (
  module_id text primary key,
  config jsonb not null,
  version integer not null
);
alter table learning.effective_configs enable row level security;
comment on table learning.effective_configs is
  'Defaults and configured keys merged, so that a sizing call reads one row. Kept by triggers.';
comment on column learning.effective_configs.module_id is 'pm or decision_maker.';
comment on column learning.effective_configs.config is 'Every key with the value that holds.';
comment on column learning.effective_configs.version is
  'Version of the row in learning_configs, 0 where there is none.';

create function learning.configuration_faults(p_module_id text, config_data jsonb)
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  modules constant text := (
    select string_agg(distinct quote_literal(setting.module_id), ', ') from learning.settings setting
  );
begin
  if not exists (select from learning.settings setting where setting.module_id = p_module_id) then
    return array[format('module_id must be one of %s, not %s', modules, learning.quoted(p_module_id))];
  end if;
  if jsonb_typeof(config_data) <> 'object' then
    return array['config_data must be an object, not ' || learning.shortened(config_data::text)];
  end if;
  return array(
    with recursive entries (keys, value) as (
      select array[entry.key], entry.value
      from jsonb_each(config_data) as entry
      -- Legacy keys of earlier systems are let through.
      where entry.key not in ('timeframe_weights', 'feature_flags')
      union all
      select entries.keys || nested.key, nested.value
      from entries
      cross join lateral jsonb_each(
        case jsonb_typeof(entries.value) when 'object' then entries.value else '{}'::jsonb end
      ) as nested
      -- What is within the value of a setting is the setting's.
      where not exists (
        select from learning.settings setting
        where setting.module_id = p_module_id and setting.keys = entries.keys
      )
    ),
    judged as (
      select entries.keys, case
        when setting.path is not null then learning.setting_fault(setting, entries.value)
        when not exists (
          select from learning.settings nested_setting
          where nested_setting.module_id = p_module_id
            and nested_setting.keys[1:cardinality(entries.keys)] = entries.keys
        ) then 'is not a known key'
        when jsonb_typeof(entries.value) <> 'object'
          then 'must be an object, not ' || learning.shortened(entries.value::text)
      end as fault
      from entries
      left join learning.settings setting
        on setting.module_id = p_module_id and setting.keys = entries.keys
    )
    select array_to_string(judged.keys, '.') || ' ' || judged.fault
    from judged
    where judged.fault is not null
    order by 1
  );
end
$$;
comment on function learning.configuration_faults(text, jsonb) is
  'Every reason why a configuration cannot be accepted, each with its path; empty where there is none.';

create function learning.configured_value(setting learning.settings, config_data jsonb)
returns jsonb
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  value constant jsonb := coalesce(config_data #> setting.keys, setting.default_value);
begin
  return case
    when jsonb_typeof(value) = 'number' and learning.number_of_decimal(value::numeric) = 0 then '0'::jsonb
    else value
  end;
end
$$;
comment on function learning.configured_value(learning.settings, jsonb) is
  'What holds of a key: what is configured, where nothing is its default; a number nearer to 0 than 1e-12 '
  'counts as 0.';

create function learning.merge_configuration(p_module_id text, config_data jsonb)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  merged jsonb := '{}'::jsonb;
  entry record;
begin
  for entry in
    select setting.keys, learning.configured_value(setting, config_data) as value
    from learning.settings setting
    where setting.module_id = p_module_id
  loop
    if cardinality(entry.keys) > 1 and not merged ? entry.keys[1] then
      merged := jsonb_set(merged, entry.keys[1:1], '{}'::jsonb);
    end if;
    merged := jsonb_set(merged, entry.keys, entry.value);
  end loop;
  return merged;
end
$$;
comment on function learning.merge_configuration(text, jsonb) is
  'A module''s configuration with the defaults filled in.';

create function learning.check_configuration()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
-- Compiling the check would take longer than checking.
set jit = off
as $$
declare
  faults constant text[] := learning.configuration_faults(new.module_id, new.config_data);
begin
  if cardinality(faults) > 0 then
    raise exception using
      errcode = '22023',
      message = format('Configuration %L is not valid: %s', new.module_id, array_to_string(faults, '; ')),
      detail = to_jsonb(faults)::text,
      hint = 'Correct the named keys; nothing was changed. '
        || 'The table learning.settings lists every key with its range.';
  end if;
  if tg_op = 'UPDATE' then
    if new.config_data is distinct from old.config_data then
      new.version := old.version + 1;
      new.updated_at := now();
    else
      new.version := old.version;
    end if;
  end if;
  return new;
end
$$;
comment on function learning.check_configuration() is
  'Refuses a configuration that is not valid, with every reason, and counts its versions.';

create trigger check_configuration before insert or update on public.learning_configs
for each row execute function learning.check_configuration();
comment on trigger check_configuration on public.learning_configs is
  'A bad configuration never takes effect.';

-- Runs as its owner: whoever may write a configuration need not be able to write the merged copy.
create function learning.keep_effective_configuration()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Whoever writes another module at the same time is waited for, and then seen.
  lock table learning.effective_configs in share row exclusive mode;
  insert into learning.effective_configs as effective_config (module_id, config, version)
  select module.module_id,
    learning.merge_configuration(module.module_id, coalesce(written_config.config_data, '{}'::jsonb)),
    coalesce(written_config.version, 0)
  from (select distinct setting.module_id from learning.settings setting) as module
  left join public.learning_configs written_config using (module_id)
  on conflict (module_id) do update set config = excluded.config, version = excluded.version
  where (effective_config.config, effective_config.version)
    is distinct from (excluded.config, excluded.version);
  return null;
end
$$;
comment on function learning.keep_effective_configuration() is
  'Merges configuration and defaults whenever either changes.';

create trigger keep_effective_configuration after insert or update or delete on public.learning_configs
for each statement execute function learning.keep_effective_configuration();
comment on trigger keep_effective_configuration on public.learning_configs is
  'Makes a change of configuration effective at the next call.';

create trigger keep_effective_configuration after insert or update or delete on learning.settings
for each statement execute function learning.keep_effective_configuration();
comment on trigger keep_effective_configuration on learning.settings is
  'Makes a change of defaults effective at the next call.';

insert into learning.effective_configs (module_id, config, version)
select setting.module_id, learning.merge_configuration(setting.module_id, '{}'::jsonb), 0
from learning.settings setting
group by setting.module_id;

create function learning.config(p_module_id text default 'pm')
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select effective_config.config
    from learning.effective_configs effective_config
    where effective_config.module_id = p_module_id
  );
end
$$;
comment on function learning.config(text) is 'A module''s effective configuration.';

create function public.get_pm_config()
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.require_pm();
  return learning.config() || jsonb_build_object('release', learning.release());
end
$$;
comment on function public.get_pm_config() is
  'The configuration that holds for the PM, defaults included, and the release.';

-- sql/20_strands.sql

-- Strands: the messages of the trading system.

create table public.ad_strands (
  id text primary key default gen_random_uuid()::text,
  module text,
  kind text not null,
  position_id text,
  trade_id text,
  parent_id text,
  symbol text,
  timeframe text,
  content jsonb not null default '{}'::jsonb,
  regime_context jsonb not null default '{}'::jsonb,
  tags jsonb not null default '[]'::jsonb,
  created_at timestamptz not null default now()
);
-- Hash indexes, because a strand with an over-long identifier must be stored and rejected, not fail the
-- insert of others. Their kinds are written out, for an index that asked learning.trade_kinds() would keep to
-- the list of the day it was built.
create index ad_strands_trade_idx on public.ad_strands using hash ((content ->> 'trade_id'))
where kind in ('pm_action', 'dm_action', 'position_closed');
create index ad_strands_episode_idx on public.ad_strands using hash ((content ->> 'episode_id'))
where kind in ('episode_window', 'episode_outcome');
create index ad_strands_created_at_idx on public.ad_strands (created_at);
alter table public.ad_strands enable row level security;

comment on table public.ad_strands is
  'Immutable messages of the trading system: every step taken and every trade closed.';
comment on column public.ad_strands.id is
  'Identity given by the writer; writing it twice is writing it once.';
comment on column public.ad_strands.module is 'Who wrote it: pm or dm.';
comment on column public.ad_strands.kind is
  'pm_action, dm_action, position_closed, episode_window and episode_outcome are learned from; any other '
  'kind passes through untouched.';
comment on column public.ad_strands.position_id is 'Position it concerns.';
comment on column public.ad_strands.trade_id is
  'Trade it concerns, for people; learning reads the one in content.';
comment on column public.ad_strands.parent_id is 'Strand that it answers.';
comment on column public.ad_strands.symbol is 'Token, for people.';
comment on column public.ad_strands.timeframe is 'Timeframe of the position.';
comment on column public.ad_strands.content is 'The message itself; its shape depends on the kind.';
comment on column public.ad_strands.regime_context is 'Market regime at the time of the event.';
comment on column public.ad_strands.tags is 'Free labels.';
comment on column public.ad_strands.created_at is 'When the event happened.';

-- Lists rather than a test of one kind: as constants they are part of a plan and cost nothing for each row.
create function learning.trade_kinds()
returns text[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return array['pm_action', 'dm_action', 'position_closed'];
end
$$;
comment on function learning.trade_kinds() is
  'Kinds of the strands that tell of a trade, which they name in content.';

create function learning.episode_kinds()
returns text[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return array['episode_window', 'episode_outcome'];
end
$$;
comment on function learning.episode_kinds() is
  'Kinds of the strands that tell of an episode, which they name in content.';

create function learning.learned_kinds()
returns text[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return learning.trade_kinds() || learning.episode_kinds();
end
$$;
comment on function learning.learned_kinds() is
  'Kinds of the strands that learning reads; any other kind passes through untouched.';

-- sql/22_doorbell.sql

-- Doorbell: how the database asks for an invocation of an edge function.

-- Outside the transaction on purpose: reading and setting it waits for no lock, however many write.
create sequence learning.doorbell_rung_at_ms minvalue 0 start 0;
comment on sequence learning.doorbell_rung_at_ms is
  'When a strand last rang aggregate-strands, in milliseconds since 1970.';

create table learning.doorbells (
  id bigint generated always as identity primary key,
  function_name text not null,
  request_id bigint not null,
  rung_at timestamptz not null default clock_timestamp()
);
create index doorbells_rung_at_idx on learning.doorbells (rung_at);
alter table learning.doorbells enable row level security;
comment on table learning.doorbells is
  'Which edge function was rung when, so that its answer is known from those that others in the database '
  'wait for; kept for a day.';
comment on column learning.doorbells.id is 'Identity.';
comment on column learning.doorbells.function_name is 'The edge function.';
comment on column learning.doorbells.request_id is 'The request in net; numbers begin anew after a crash.';
comment on column learning.doorbells.rung_at is 'When it was rung.';

-- Runs as its owner: clients that write strands may not read the secret key.
create function learning.ring(function_name text, body jsonb default '{}'::jsonb)
returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  project_url text;
  secret_key text;
  request_id bigint;
begin
  select secret.decrypted_secret into project_url
  from vault.decrypted_secrets secret where secret.name = 'project_url';
  select secret.decrypted_secret into secret_key
  from vault.decrypted_secrets secret where secret.name = 'edge_function_secret_key';
  if project_url is null or secret_key is null then
    raise exception using
      errcode = '55000',
      message = format('Cannot ring %s: Vault has no secret named %s', function_name,
        array_to_string(array_remove(array[
          case when project_url is null then 'project_url' end,
          case when secret_key is null then 'edge_function_secret_key' end
        ], null), ' and none named ')),
      hint = 'Store it with select vault.create_secret(''...'', ''project_url''); '
        'strands wait in the meantime and nothing is lost.';
  end if;
  begin
    request_id := net.http_post(
      url := rtrim(project_url, '/') || '/functions/v1/' || function_name,
      body := ring.body,
      params := '{}'::jsonb,
      headers := jsonb_build_object('Content-Type', 'application/json', 'apikey', secret_key),
      timeout_milliseconds := 30000
    );
  exception when others then
    -- Without its detail, which may show the whole request and the key in it.
    raise exception using errcode = sqlstate, message = sqlerrm;
  end;
  insert into learning.doorbells (function_name, request_id) values (ring.function_name, request_id);
  return request_id;
end
$$;
comment on function learning.ring(text, jsonb) is
  'Asks for one invocation of an edge function; the request leaves when the transaction commits.';

-- Runs as its owner: clients that write strands may neither write the log nor ring.
create function learning.ring_or_log(function_name text, body jsonb default '{}'::jsonb)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.ring(function_name, body);
exception when others then
  -- A strand must be stored whatever is wrong with its doorbell; the sweep finds it.
  perform learning.write_log_hourly('ERROR', function_name, 'doorbell_failed',
    format('%s could not be rung: %s', function_name, sqlerrm), jsonb_build_object('sqlstate', sqlstate));
end
$$;
comment on function learning.ring_or_log(text, jsonb) is
  'Asks for one invocation of an edge function; a failure is logged once an hour instead of being raised.';

create function public.ring_edge_function(
  p_name text, p_body jsonb default '{}'::jsonb, p_times integer default 1
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  for ring in 1..p_times loop
    perform learning.ring(p_name, p_body);
  end loop;
end
$$;
comment on function public.ring_edge_function(text, jsonb, integer) is
  'Asks for invocations of an edge function. For the edge functions, which go on after their budget that '
  'way.';

-- sql/24_inbox.sql

-- Inbox: whatever learning reads is written down in a receipt, in the strand's own transaction.

create table public.strand_receipts (
  strand_id text primary key references public.ad_strands (id) on delete cascade,
  status text not null default 'pending' check (status in ('pending', 'done', 'rejected')),
  attempts integer not null default 0,
  errors jsonb not null default '[]'::jsonb,
  next_attempt_at timestamptz default now(),
  received_at timestamptz not null default now(),
  processed_at timestamptz,
  revision integer not null default 1,
  event_at timestamptz not null default now()
);
create index strand_receipts_due_idx on public.strand_receipts (next_attempt_at, event_at, strand_id)
where status = 'pending';
create index strand_receipts_processed_idx on public.strand_receipts (status, processed_at)
where processed_at is not null;
alter table public.strand_receipts enable row level security;

comment on table public.strand_receipts is
  'The durable inbox: what has become of each strand that learning reads.';
comment on column public.strand_receipts.strand_id is 'The strand.';
comment on column public.strand_receipts.status is
  'pending until it took effect (done) or was refused (rejected).';
comment on column public.strand_receipts.attempts is 'How often it was claimed.';
comment on column public.strand_receipts.errors is
  'Every reason of a refusal or the last failure, as a list of {path, message}.';
comment on column public.strand_receipts.next_attempt_at is
  'When it may be claimed next; null once it is processed.';
comment on column public.strand_receipts.received_at is 'When it arrived.';
comment on column public.strand_receipts.processed_at is 'When it was done or rejected.';
comment on column public.strand_receipts.revision is
  'Grows when the strand changes, so that a verdict on its earlier content does not stand.';
comment on column public.strand_receipts.event_at is
  'When the event happened: what came together is claimed in this order, for every late close replays the '
  'allocation from its place.';

create view learning.accepted_strands
with (security_invoker = true)
as
select strand.id, strand.kind, strand.module, strand.timeframe, strand.content, strand.regime_context,
  strand.created_at
from public.ad_strands strand
join public.strand_receipts receipt on receipt.strand_id = strand.id and receipt.status = 'done';
comment on view learning.accepted_strands is
  'The strands that take effect, with what learning reads of them.';
comment on column learning.accepted_strands.id is 'Identity given by the writer.';
comment on column learning.accepted_strands.kind is 'One of the kinds that learning reads.';
comment on column learning.accepted_strands.module is 'Who wrote it: pm or dm.';
comment on column learning.accepted_strands.timeframe is 'Timeframe of the position.';
comment on column learning.accepted_strands.content is 'The message itself.';
comment on column learning.accepted_strands.regime_context is 'Market regime at the time of the event.';
comment on column learning.accepted_strands.created_at is 'When the event happened.';

create function learning.retry_delay(attempts integer)
returns interval
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select interval '30 seconds' * power(2, least(attempts, 7));
$$;
comment on function learning.retry_delay(integer) is
  'How long a strand stays leased, and waits after a failure: 30 seconds at first, an hour at most.';

create function learning.lease_receipts(strand_ids text[])
returns table (strand_id text, revision integer)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  update public.strand_receipts receipt
  set attempts = receipt.attempts + 1,
    next_attempt_at = clock_timestamp() + learning.retry_delay(receipt.attempts)
  where receipt.strand_id = any (strand_ids)
  returning receipt.strand_id, receipt.revision;
end
$$;
comment on function learning.lease_receipts(text[]) is
  'Leases strands to whoever asks, until they are due again; returns them with the revision that a verdict '
  'must name.';

create function learning.return_receipts(strand_ids text[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  returned integer;
begin
  update public.strand_receipts receipt
  set status = 'pending', processed_at = null, attempts = receipt.attempts - 1,
    next_attempt_at = clock_timestamp()
  where receipt.strand_id = any (strand_ids);
  get diagnostics returned = row_count;
  return returned;
end
$$;
comment on function learning.return_receipts(text[]) is
  'Gives leased strands back as if they had never been claimed; returns how many. The caller has locked '
  'them.';

create function learning.retry_receipts(strand_ids text[], reason text)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  retried integer;
begin
  update public.strand_receipts receipt
  set status = 'pending', processed_at = null,
    next_attempt_at = clock_timestamp() + learning.retry_delay(receipt.attempts),
    errors = jsonb_build_array(jsonb_build_object('path', '', 'message', reason))
  where receipt.strand_id = any (strand_ids) and receipt.status = 'done';
  get diagnostics retried = row_count;
  return retried;
end
$$;
comment on function learning.retry_receipts(text[], text) is
  'Makes strands that were accepted wait for another attempt, with the reason; returns how many.';

-- Runs as its owner: whoever may write strands need not be able to write receipts.
create function learning.receive_strands()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  now_ms bigint := floor(extract(epoch from clock_timestamp()) * 1000);
  received integer;
begin
  if tg_op = 'INSERT' then
    insert into public.strand_receipts (strand_id, event_at)
    select new_strand.id, new_strand.created_at
    from new_strands new_strand
    where new_strand.kind = any (learning.learned_kinds());
  else
    insert into public.strand_receipts as receipt (strand_id, event_at)
    select new_strand.id, new_strand.created_at
    from new_strands new_strand
    join old_strands old_strand using (id)
    where (new_strand.kind = any (learning.learned_kinds())
        or old_strand.kind = any (learning.learned_kinds()))
      and (new_strand.kind, new_strand.module, new_strand.timeframe, new_strand.content,
          new_strand.regime_context, new_strand.created_at)
        is distinct from (old_strand.kind, old_strand.module, old_strand.timeframe, old_strand.content,
          old_strand.regime_context, old_strand.created_at)
    order by new_strand.id
    on conflict (strand_id) do update set
      status = 'pending', attempts = 0, errors = '[]'::jsonb, next_attempt_at = now(), processed_at = null,
      revision = receipt.revision + 1, event_at = excluded.event_at;
  end if;
  get diagnostics received = row_count;
  -- A clock that was set back must not silence it.
  if received > 0
    and now_ms - (select rung.last_value from learning.doorbell_rung_at_ms rung) not between 0 and 999 then
    perform setval('learning.doorbell_rung_at_ms', now_ms);
    perform learning.ring_or_log('aggregate-strands');
  end if;
  return null;
end
$$;
comment on function learning.receive_strands() is
  'Writes the receipts of new and changed strands and rings aggregate-strands at most once a second.';

create trigger receive_new_strands after insert on public.ad_strands
referencing new table as new_strands
for each statement execute function learning.receive_strands();
comment on trigger receive_new_strands on public.ad_strands is 'Gives each new strand its receipt.';

create trigger receive_changed_strands after update on public.ad_strands
referencing new table as new_strands old table as old_strands
for each statement execute function learning.receive_strands();
comment on trigger receive_changed_strands on public.ad_strands is 'Makes changed strands due again.';

-- sql/26_positions.sql

-- Positions: what the book holds and intends to hold.

create table public.lowcap_positions (
  id uuid primary key default gen_random_uuid(),
  token_chain text not null,
  token_contract text not null,
  token_ticker text,
  timeframe text not null,
  status text not null default 'dormant'
    check (status in ('dormant', 'watchlist', 'active', 'paused', 'archived')),
  state text check (state in ('S0', 'S1', 'S2', 'S3', 'S4')),
  current_trade_id text,
  total_allocation_pct float8 not null default 0 check (total_allocation_pct between 0 and 100),
  pattern_key text,
  entry_context jsonb not null default '{}'::jsonb,
  completed_trades jsonb not null default '[]'::jsonb,
  updated_at timestamptz not null default now(),
  unique (token_contract, token_chain, timeframe)
);
create index lowcap_positions_status_idx on public.lowcap_positions (status);
alter table public.lowcap_positions enable row level security;

comment on table public.lowcap_positions is
  'One position per token and timeframe: what the book holds and intends to hold.';
comment on column public.lowcap_positions.id is 'Identity.';
comment on column public.lowcap_positions.token_chain is 'Chain of the token.';
comment on column public.lowcap_positions.token_contract is 'Contract of the token.';
comment on column public.lowcap_positions.token_ticker is 'Ticker, for people.';
comment on column public.lowcap_positions.timeframe is 'Timeframe the position is traded on.';
comment on column public.lowcap_positions.status is
  'Watchlist and active positions count as exposure; dormant ones share in reallocation; '
  'paused and archived ones do neither.';
comment on column public.lowcap_positions.state is 'State of the trend, S0 to S4.';
comment on column public.lowcap_positions.current_trade_id is 'Open trade, if any.';
comment on column public.lowcap_positions.total_allocation_pct is
  'Intended capital as a fraction of the book, whatever is filled; nearer to 0 than 1e-12 it is 0.';
comment on column public.lowcap_positions.pattern_key is 'Behaviour that holds the position, dotted.';
comment on column public.lowcap_positions.entry_context is 'Context when the token was approved.';
comment on column public.lowcap_positions.completed_trades is
  'Closed trades of the position, as the writer keeps them.';
comment on column public.lowcap_positions.updated_at is 'When the row changed last.';

create function learning.normalise_position()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.pattern_key := learning.dotted_pattern_key(new.pattern_key);
  new.total_allocation_pct := learning.without_dust(new.total_allocation_pct);
  if tg_op = 'UPDATE' and new is distinct from old then
    new.updated_at := now();
  end if;
  return new;
end
$$;
comment on function learning.normalise_position() is
  'Stores pattern keys dotted and no allocation that is next to nothing, and notes when a position changed.';
create trigger normalise_position before insert or update on public.lowcap_positions
for each row execute function learning.normalise_position();
comment on trigger normalise_position on public.lowcap_positions is
  'Stores pattern keys dotted and no allocation that is next to nothing, and notes when a position changed.';

-- sql/28_leases.sql

-- Leases: of many invocations one works on a group. It writes a token and an end into the group's row
-- (lease_token, leased_until), shows the token whenever it writes, and what it has not finished by then is
-- another's.

create function learning.lease_end()
returns timestamptz
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  return clock_timestamp() + interval '60 seconds';
end
$$;
comment on function learning.lease_end() is
  'Until when a lease holds that is taken or prolonged now: a minute.';

create function learning.is_leased(leased_until timestamptz)
returns boolean
language plpgsql
volatile
-- Nearly all are null: they are not even called about.
strict
set search_path = pg_catalog, pg_temp
as $$
begin
  return leased_until > clock_timestamp();
end
$$;
comment on function learning.is_leased(timestamptz) is
  'Whether somebody is at work under a lease that ends then; null where it was given back.';

create function learning.refuse_lost_lease(lease_token uuid, work text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = '55P03',
    message = format('Lease %s on %s is no longer held', lease_token, work),
    hint = 'Another invocation took the group over; stop and claim another one.';
end
$$;
comment on function learning.refuse_lost_lease(uuid, text) is
  'Refuses what an invocation writes whose lease passed on; work names the group.';

-- sql/29_scope_values.sql

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

-- sql/30_mining_groups.sql

-- Mining groups: the groups of events that are mined together, and which of them changed.

create type learning.group_key as (module text, pattern_key text, action_category text);
comment on type learning.group_key is 'A group of events that is mined together.';
comment on column learning.group_key.module is 'Who acted.';
comment on column learning.group_key.pattern_key is 'Behaviour, dotted.';
comment on column learning.group_key.action_category is 'Category of the action, or tuning.';

create table learning.mining_cycles (
  family text primary key check (family in ('strength', 'tuning')),
  cycle bigint not null default 0,
  last_event_id bigint not null default 0,
  started_at timestamptz
);
alter table learning.mining_cycles enable row level security;
comment on table learning.mining_cycles is
  'The mining cycle under way: every group of it is mined on the events that were there when it began.';
comment on column learning.mining_cycles.family is
  'strength for lessons from trades, tuning for lessons from episodes.';
comment on column learning.mining_cycles.cycle is 'Number of the cycle.';
comment on column learning.mining_cycles.last_event_id is 'Newest event of the cycle.';
comment on column learning.mining_cycles.started_at is 'When the cycle began.';
insert into learning.mining_cycles (family) values ('strength'), ('tuning');

create table learning.mining_groups (
  id bigint generated always as identity primary key,
  family text not null references learning.mining_cycles (family),
  lesson_type text not null,
  module text not null,
  pattern_key text not null,
  action_category text not null,
  evidence_version bigint not null default 1,
  mined_version bigint not null default 0,
  mined_cycle bigint not null default 0,
  mined_at timestamptz,
  mined_settings text,
  mined_baseline float8,
  run jsonb,
  progress jsonb,
  lease_token uuid,
  leased_until timestamptz,
  unique (module, pattern_key, action_category)
);
create index mining_groups_family_idx on learning.mining_groups (family);
alter table learning.mining_groups enable row level security;
comment on table learning.mining_groups is 'The groups that are mined, what is due and who is at work.';
comment on column learning.mining_groups.id is 'Identity.';
comment on column learning.mining_groups.family is 'Cycle that the group is mined in.';
comment on column learning.mining_groups.lesson_type is 'Type of the lessons that come from the group.';
comment on column learning.mining_groups.module is 'Who acted.';
comment on column learning.mining_groups.pattern_key is 'Behaviour, dotted.';
comment on column learning.mining_groups.action_category is 'Category of the action, or tuning.';
comment on column learning.mining_groups.evidence_version is 'Grows with each change of the group''s events.';
comment on column learning.mining_groups.mined_version is 'Evidence version that the lessons rest on.';
comment on column learning.mining_groups.mined_cycle is 'Cycle in which it was mined last.';
comment on column learning.mining_groups.mined_at is 'When it was mined last.';
comment on column learning.mining_groups.mined_settings is
  'Digest of the configuration and the registry it was mined under.';
comment on column learning.mining_groups.mined_baseline is 'Baseline mean it was mined against.';
comment on column learning.mining_groups.run is
  'What the run under way works with: events, settings, baseline; empty while a due group waits for it, null '
  'between runs.';
comment on column learning.mining_groups.progress is
  'Where the run under way has got to, in the miner''s own terms; null at its beginning.';
comment on column learning.mining_groups.lease_token is 'Invocation that holds the group.';
comment on column learning.mining_groups.leased_until is 'When another invocation may take over.';

create function learning.mark_groups_changed(changed learning.group_key[])
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into learning.mining_groups as mining_group (
    family, lesson_type, module, pattern_key, action_category
  )
  select distinct
    case when key.action_category = 'tuning' then 'tuning' else 'strength' end,
    case
      when key.action_category = 'tuning' then 'tuning_rates'
      when key.module = 'dm' and key.action_category = 'allocation' then 'dm_alloc'
      else 'pm_strength'
    end,
    key.module, key.pattern_key, key.action_category
  from unnest(changed) as key
  -- Every writer takes the rows in the same order and none deadlocks.
  order by 3, 4, 5
  on conflict (module, pattern_key, action_category) do update set
    evidence_version = mining_group.evidence_version + 1;
$$;
comment on function learning.mark_groups_changed(learning.group_key[]) is
  'Notes that the events of some groups changed.';

-- sql/32_trades.sql

-- Trades: a closed trade becomes one row per action, exactly once, however often and in whatever order its
-- strands arrive.

create table learning.closed_trades (
  trade_id text primary key,
  close_strand_id text not null,
  timeframe text,
  roi float8 not null,
  rr float8 not null,
  pnl_usd float8,
  exit_at timestamptz not null,
  action_categories text[] not null default '{}'
);
create unique index closed_trades_close_strand_idx on learning.closed_trades (close_strand_id);
create index closed_trades_exit_idx on learning.closed_trades (exit_at, trade_id);
alter table learning.closed_trades enable row level security;
comment on table learning.closed_trades is
  'One row per closed trade, by the close that holds: what the baseline and the allocation are computed '
  'from.';
comment on column learning.closed_trades.trade_id is 'The trade.';
comment on column learning.closed_trades.close_strand_id is 'The position_closed strand that holds.';
comment on column learning.closed_trades.timeframe is
  'Timeframe of the close strand, else of its entry context, else null.';
comment on column learning.closed_trades.roi is 'Return as a fraction.';
comment on column learning.closed_trades.rr is 'Reward over risk.';
comment on column learning.closed_trades.pnl_usd is 'Realised profit in USD.';
comment on column learning.closed_trades.exit_at is 'When the trade was closed.';
comment on column learning.closed_trades.action_categories is
  'Categories of its actions with an event; empty where it has none.';

create table public.pattern_trade_events (
  id bigint generated always as identity primary key,
  action_strand_id text not null unique,
  trade_id text not null,
  module text not null,
  pattern_key text not null,
  action_category text not null,
  scope jsonb not null,
  scope_mask integer not null,
  roi float8 not null,
  rr float8 not null,
  pnl_usd float8,
  duration_hours float8 not null,
  time_to_s3_hours float8,
  did_trim boolean not null,
  reached_s3 boolean not null,
  could_enter_better float8,
  could_exit_better float8,
  acted_at timestamptz not null,
  traded_at timestamptz not null,
  created_at timestamptz not null default now(),
  scope_codes integer[] not null
);
create index pattern_trade_events_trade_idx on public.pattern_trade_events (trade_id);
create index pattern_trade_events_group_idx
on public.pattern_trade_events (module, pattern_key, action_category, id);
alter table public.pattern_trade_events enable row level security;
comment on table public.pattern_trade_events is 'One row per action of a closed trade: what mining reads.';
comment on column public.pattern_trade_events.id is 'Identity.';
comment on column public.pattern_trade_events.action_strand_id is 'The action.';
comment on column public.pattern_trade_events.trade_id is 'The trade it belongs to.';
comment on column public.pattern_trade_events.module is 'Who acted: pm or dm.';
comment on column public.pattern_trade_events.pattern_key is 'Behaviour that acted, dotted.';
comment on column public.pattern_trade_events.action_category is 'entry, add, trim, exit or allocation.';
comment on column public.pattern_trade_events.scope is 'Context of the action.';
comment on column public.pattern_trade_events.scope_mask is 'Dimensions of the scope as bits.';
comment on column public.pattern_trade_events.roi is 'Return of the whole trade, a fraction.';
comment on column public.pattern_trade_events.rr is 'Reward over risk of the whole trade.';
comment on column public.pattern_trade_events.pnl_usd is 'Realised profit of the whole trade in USD.';
comment on column public.pattern_trade_events.duration_hours is 'Hours from the first entry to the close.';
comment on column public.pattern_trade_events.time_to_s3_hours is
  'Hours until the trade reached S3; null where unknown.';
comment on column public.pattern_trade_events.did_trim is 'Whether any action of the trade was a trim.';
comment on column public.pattern_trade_events.reached_s3 is 'Whether the trade reached S3.';
comment on column public.pattern_trade_events.could_enter_better is
  'R/R missed at the entry, 0 or more; null where unknown.';
comment on column public.pattern_trade_events.could_exit_better is
  'R/R missed at the exit, 0 or more; null where unknown.';
comment on column public.pattern_trade_events.acted_at is 'When the action happened.';
comment on column public.pattern_trade_events.traded_at is 'When the trade was closed.';
comment on column public.pattern_trade_events.created_at is 'When the row was first written.';
comment on column public.pattern_trade_events.scope_codes is
  'The scope in codes of learning.scope_values, by bit; 0 where a dimension is absent.';

create function learning.standing_close(p_trade_id text)
returns learning.accepted_strands
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  standing learning.accepted_strands;
begin
  select closing.* into standing
  from (
    select accepted_strand.*
    from learning.accepted_strands accepted_strand
    where accepted_strand.kind = 'position_closed' and accepted_strand.content ->> 'trade_id' = p_trade_id
    -- Keeps the planner from walking all strands by time to find the newest of this trade.
    offset 0
  ) as closing
  order by closing.created_at desc, closing.id collate "C" desc
  limit 1;
  return standing;
end
$$;
comment on function learning.standing_close(text) is
  'The close of a trade that holds: the newest that was accepted; nothing but nulls where there is none.';

create function learning.trade_of_close(closing learning.accepted_strands)
returns learning.closed_trades
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  summary constant jsonb := closing.content -> 'trade_summary';
  trade learning.closed_trades;
begin
  trade.trade_id := closing.content ->> 'trade_id';
  trade.close_strand_id := closing.id;
  trade.timeframe := learning.scope_value(to_jsonb(
    coalesce(nullif(btrim(closing.timeframe), ''), closing.content #>> '{entry_context,timeframe}')
  ));
  trade.roi := learning.number_of(summary, 'rpnl_pct') / 100;
  trade.rr := learning.number_of(summary, 'rr');
  trade.pnl_usd := learning.number_of(summary, 'pnl_usd');
  trade.exit_at := (summary ->> 'exit_timestamp')::timestamptz;
  return trade;
end
$$;
comment on function learning.trade_of_close(learning.accepted_strands) is
  'What a close says of its trade; without the categories of its actions.';

create function learning.events_of_close(
  closing learning.accepted_strands, closed_trade learning.closed_trades
)
returns table (
  action_strand_id text, module text, pattern_key text, action_category text, scope jsonb,
  duration_hours float8, time_to_s3_hours float8, did_trim boolean, reached_s3 boolean,
  could_enter_better float8, could_exit_better float8, acted_at timestamptz
)
language plpgsql
stable
-- Of a thousand, which is what is expected of a function unless it says so, all events would be read.
rows 5
set search_path = pg_catalog, pg_temp
as $$
declare
  entry_context constant jsonb := closing.content -> 'entry_context';
  summary constant jsonb := closing.content -> 'trade_summary';
  entered_at constant timestamptz := (summary ->> 'entry_timestamp')::timestamptz;
begin
  return query
  select action_strand.id,
    coalesce(
      nullif(btrim(action_strand.module), ''),
      case action_strand.kind when 'dm_action' then 'dm' else 'pm' end
    ),
    learning.dotted_pattern_key(action_strand.content ->> 'pattern_key'),
    action_strand.content ->> 'action_category',
    public.unified_scope(entry_context, action_strand.content -> 'scope', action_strand.regime_context),
    extract(epoch from closed_trade.exit_at - entered_at)::float8 / 3600,
    learning.number_of(summary, 'time_to_s3_hours'),
    bool_or(action_strand.content ->> 'action_category' = 'trim') over (),
    coalesce(
      (summary ->> 'reached_s3')::boolean,
      bool_or(coalesce(action_strand.content ->> 'state' = 'S3', false)) over ()
    ),
    learning.number_of(summary, 'could_enter_better'), learning.number_of(summary, 'could_exit_better'),
    action_strand.created_at
  from learning.accepted_strands action_strand
  where action_strand.kind in ('pm_action', 'dm_action')
    and action_strand.content ->> 'trade_id' = closed_trade.trade_id;
end
$$;
comment on function learning.events_of_close(learning.accepted_strands, learning.closed_trades) is
  'The events that a close makes of its trade''s accepted actions; none without a close.';

create function learning.write_events(
  p_trade_id text, closing learning.accepted_strands, closed_trade learning.closed_trades
)
returns learning.group_key[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  changed_groups learning.group_key[];
begin
  with standing as materialized (
    select event_of_close.* from learning.events_of_close(closing, closed_trade) as event_of_close
  ),
  written as (
    insert into public.pattern_trade_events as event (
      action_strand_id, trade_id, module, pattern_key, action_category, scope, scope_mask, scope_codes,
      roi, rr, pnl_usd, duration_hours, time_to_s3_hours, did_trim, reached_s3,
      could_enter_better, could_exit_better, acted_at, traded_at
    )
    select standing.action_strand_id, p_trade_id, standing.module, standing.pattern_key,
      standing.action_category, standing.scope, learning.scope_mask(standing.scope),
      learning.encode_scope(standing.scope), closed_trade.roi, closed_trade.rr, closed_trade.pnl_usd,
      standing.duration_hours, standing.time_to_s3_hours, standing.did_trim, standing.reached_s3,
      standing.could_enter_better, standing.could_exit_better, standing.acted_at, closed_trade.exit_at
    from standing
    on conflict (action_strand_id) do update set
      trade_id = excluded.trade_id, module = excluded.module, pattern_key = excluded.pattern_key,
      action_category = excluded.action_category, scope = excluded.scope, scope_mask = excluded.scope_mask,
      scope_codes = excluded.scope_codes, roi = excluded.roi, rr = excluded.rr, pnl_usd = excluded.pnl_usd,
      duration_hours = excluded.duration_hours, time_to_s3_hours = excluded.time_to_s3_hours,
      did_trim = excluded.did_trim, reached_s3 = excluded.reached_s3,
      could_enter_better = excluded.could_enter_better, could_exit_better = excluded.could_exit_better,
      acted_at = excluded.acted_at, traded_at = excluded.traded_at
    where (event.trade_id, event.module, event.pattern_key, event.action_category, event.scope,
        event.scope_codes, event.roi, event.rr, event.pnl_usd, event.duration_hours, event.time_to_s3_hours,
        event.did_trim, event.reached_s3, event.could_enter_better, event.could_exit_better, event.acted_at,
        event.traded_at)
      is distinct from (excluded.trade_id, excluded.module, excluded.pattern_key, excluded.action_category,
        excluded.scope, excluded.scope_codes, excluded.roi, excluded.rr, excluded.pnl_usd,
        excluded.duration_hours, excluded.time_to_s3_hours, excluded.did_trim, excluded.reached_s3,
        excluded.could_enter_better, excluded.could_exit_better, excluded.acted_at, excluded.traded_at)
    returning event.module, event.pattern_key, event.action_category
  ),
  former as (
    select event.module, event.pattern_key, event.action_category
    from public.pattern_trade_events event
    where event.trade_id = p_trade_id
    union
    select event.module, event.pattern_key, event.action_category
    from standing
    join public.pattern_trade_events event on event.action_strand_id = standing.action_strand_id
  ),
  removed as (
    delete from public.pattern_trade_events event
    where event.trade_id = p_trade_id
      and not exists (select from standing where standing.action_strand_id = event.action_strand_id)
    returning event.module, event.pattern_key, event.action_category
  )
  select array_agg(distinct
    (touched.module, touched.pattern_key, touched.action_category)::learning.group_key)
  into changed_groups
  from (
    select * from written
    union all
    select * from removed
    union all
    -- An action that changed its key leaves a group behind; an unchanged trade touches none.
    select * from former where exists (select from written)
  ) as touched;
  return coalesce(changed_groups, '{}');
end
$$;
comment on function learning.write_events(text, learning.accepted_strands, learning.closed_trades) is
  'Brings a trade''s events in line with its close and its accepted actions; returns the groups whose '
  'events changed.';

create function learning.write_trade(p_trade_id text, closed_trade learning.closed_trades)
returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  former_trade learning.closed_trades;
begin
  select trade.* into former_trade from learning.closed_trades trade where trade.trade_id = p_trade_id;
  if closed_trade.trade_id is null then
    delete from learning.closed_trades trade where trade.trade_id = p_trade_id;
  else
    select coalesce(array_agg(distinct event.action_category order by event.action_category), '{}')
    into closed_trade.action_categories
    from public.pattern_trade_events event
    where event.trade_id = p_trade_id;

    insert into learning.closed_trades as trade
    values (closed_trade.*)
    on conflict (trade_id) do update set
      close_strand_id = excluded.close_strand_id, timeframe = excluded.timeframe, roi = excluded.roi,
      rr = excluded.rr, pnl_usd = excluded.pnl_usd, exit_at = excluded.exit_at,
      action_categories = excluded.action_categories;
  end if;
  return case
    when (former_trade.timeframe, former_trade.roi, former_trade.exit_at)
      is distinct from (closed_trade.timeframe, closed_trade.roi, closed_trade.exit_at)
      then least(former_trade.exit_at, closed_trade.exit_at)
  end;
end
$$;
comment on function learning.write_trade(text, learning.closed_trades) is
  'Brings a closed trade''s row in line with its close, after its events; returns the time from which '
  'allocation must be replayed, or null where neither its place nor its outcome changed.';

create function learning.apply_trade(
  p_trade_id text, out changed_groups learning.group_key[], out changed_from timestamptz
)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  closing constant learning.accepted_strands := learning.standing_close(p_trade_id);
  closed_trade constant learning.closed_trades := learning.trade_of_close(closing);
begin
  changed_groups := learning.write_events(p_trade_id, closing, closed_trade);
  changed_from := learning.write_trade(p_trade_id, closed_trade);
end
$$;
comment on function learning.apply_trade(text) is
  'Brings a trade''s events and its closed_trades row in line with its accepted strands; returns the groups '
  'whose events changed and, where the trade''s place or outcome did, the time from which allocation must '
  'be replayed.';

-- sql/34_episodes.sql

-- Episodes: what the entry gates saw, what was done, and how it would have ended.

create table public.pattern_episode_events (
  id bigint generated always as identity primary key,
  strand_id text not null unique,
  episode_id text not null,
  pattern_key text not null,
  scope jsonb not null,
  scope_mask integer not null,
  decision text not null check (decision in ('acted', 'skipped')),
  outcome text check (outcome in ('success', 'failure', 'neutral')),
  factors jsonb not null,
  blocked_by text[] not null default '{}',
  trade_id text,
  occurred_at timestamptz not null,
  scope_codes integer[] not null,
  gates float8[]
);
create index pattern_episode_events_episode_idx on public.pattern_episode_events (episode_id);
create index pattern_episode_events_pattern_idx
on public.pattern_episode_events (pattern_key, occurred_at, id)
where outcome is not null;
create index pattern_episode_events_decided_idx on public.pattern_episode_events (occurred_at)
where outcome is not null;
alter table public.pattern_episode_events enable row level security;
comment on table public.pattern_episode_events is
  'One row per episode window: what the entry gates saw and how it would have ended.';
comment on column public.pattern_episode_events.id is 'Identity.';
comment on column public.pattern_episode_events.strand_id is 'The window.';
comment on column public.pattern_episode_events.episode_id is 'The episode it belongs to.';
comment on column public.pattern_episode_events.pattern_key is 'Behaviour whose gates these are, dotted.';
comment on column public.pattern_episode_events.scope is 'Context of the window.';
comment on column public.pattern_episode_events.scope_mask is 'Dimensions of the scope as bits.';
comment on column public.pattern_episode_events.decision is 'Whether the PM acted or skipped.';
comment on column public.pattern_episode_events.outcome is
  'How the episode ended; null until its outcome strand has arrived.';
comment on column public.pattern_episode_events.factors is
  'What the gates saw: scores and thresholds, their flags, and of an acted window the representative sample '
  'as ts_score_acted, halo_distance_acted, slope_acted.';
comment on column public.pattern_episode_events.blocked_by is
  'Gates that held a skipped window back, as given or else derived from the factors.';
comment on column public.pattern_episode_events.trade_id is 'Trade that an acted window led to.';
comment on column public.pattern_episode_events.occurred_at is 'When the window was seen.';
comment on column public.pattern_episode_events.scope_codes is
  'The scope in codes of learning.scope_values, by bit; 0 where a dimension is absent.';
comment on column public.pattern_episode_events.gates is
  'What the movable gates compared: ts_score, ts_min, halo_distance, halo_max, slope, slope_min; null where '
  'any of them is missing.';

create function learning.factor(factors jsonb, key text)
returns float8
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  -- Keys that are let through unjudged may hold anything.
  select case when jsonb_typeof(factors -> key) = 'number' then
    case when abs((factors ->> key)::numeric) <= 1e12 then learning.number_of(factors, key) end
  end;
$$;
comment on function learning.factor(jsonb, text) is
  'A number among a window''s factors; null where there is none.';

create function learning.episode_factors(content jsonb)
returns jsonb
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce((
      select jsonb_object_agg(flag.name, content #> array['flags', flag.name])
      from (values ('ts_ok'), ('slope_ok'), ('entry_zone_ok')) as flag(name)
      where jsonb_typeof(content #> array['flags', flag.name]) = 'boolean'
    ), '{}'::jsonb)
    || case when content ->> 'decision' = 'acted' then coalesce((
      select jsonb_object_agg(score.name || '_acted', content #> array['sample', score.name])
      from (values ('ts_score'), ('halo_distance'), ('slope')) as score(name)
      where jsonb_typeof(content #> array['sample', score.name]) = 'number'
    ), '{}'::jsonb) else '{}'::jsonb end
    || jsonb_strip_nulls(coalesce(content -> 'factors', '{}'::jsonb));
$$;
comment on function learning.episode_factors(jsonb) is
  'What the gates of a window saw: its factors, and from the rest of the content its flags and the sample '
  'it acted on, where the factors do not say.';

create function learning.episode_gates(decision text, factors jsonb)
returns float8[]
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  -- An acted window's factors sum up what was seen until then; its sample is what the gates let through.
  select array[
    coalesce(
      case decision when 'acted' then learning.factor(factors, 'ts_score_acted') end,
      learning.factor(factors, 'ts_score')
    ),
    learning.factor(factors, 'ts_min'),
    coalesce(
      case decision when 'acted' then learning.factor(factors, 'halo_distance_acted') end,
      learning.factor(factors, 'halo_distance')
    ),
    learning.factor(factors, 'halo_max'),
    coalesce(
      case decision when 'acted' then learning.factor(factors, 'slope_acted') end,
      learning.factor(factors, 'slope')
    ),
    learning.factor(factors, 'slope_min')
  ];
$$;
comment on function learning.episode_gates(text, jsonb) is
  'What the movable gates of a window compared: ts_score, ts_min, halo_distance, halo_max, slope, '
  'slope_min; null each where it is missing.';

create function learning.missing_gates(gates float8[])
returns text[]
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(gate.name order by gate.place) filter (where gate.number is null), '{}')
  from unnest('{ts_score,ts_min,halo_distance,halo_max,slope,slope_min}'::text[], gates) with ordinality
    as gate(name, number, place);
$$;
comment on function learning.missing_gates(float8[]) is
  'Names of the factors that a window lacks for simulation.';

create function learning.episode_blockers(content jsonb, factors jsonb, gates float8[])
returns text[]
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when content ->> 'decision' <> 'skipped' then '{}'
    when jsonb_typeof(given.gate_names) = 'array'
      and not jsonb_path_exists(given.gate_names, '$[*] ? (@.type() != "string")')
      then array(select btrim(gate.name) from jsonb_array_elements_text(given.gate_names) as gate(name))
    else array_remove(array[
      case when failed.ts then 'ts' end,
      case when failed.slope then 'slope' end,
      -- The entry zone is every gate together: it tells of the halo only where no other gate explains it.
      case
        when not failed.ts and not failed.slope and (failed.halo or failed.entry_zone and not failed.dx)
          then 'halo'
      end,
      case when failed.dx then 'dx' end
    ], null)
  end
  from (
    select coalesce(nullif(content -> 'blocked_by', 'null'::jsonb), factors -> 'blocked_by') as gate_names
  ) as given,
  (
    select coalesce(factors -> 'ts_ok' = 'false'::jsonb, false) or coalesce(gates[1] < gates[2], false) as ts,
      coalesce(gates[3] > gates[4], false) as halo,
      coalesce(factors -> 'slope_ok' = 'false'::jsonb, false)
        or coalesce(gates[5] < gates[6], false) as slope,
      coalesce(factors -> 'entry_zone_ok' = 'false'::jsonb, false) as entry_zone,
      coalesce(learning.factor(factors, 'dx') < learning.factor(factors, 'dx_min'), false) as dx
  ) as failed;
$$;
comment on function learning.episode_blockers(jsonb, jsonb, float8[]) is
  'Gates that held a skipped window back: as given, else those whose flag or comparison says so; halo only '
  'when ts and slope passed.';

-- sql/36_episode_effects.sql

-- Effects of episodes: what becomes of windows and outcomes, exactly once, and what the log says of it.

create function learning.note_episode(note jsonb)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select set_config('edgeloop.episode_notes',
    concat_ws(',', nullif(current_setting('edgeloop.episode_notes', true), ''), note::text), true);
$$;
comment on function learning.note_episode(jsonb) is
  'Remembers until the end of the batch what was done to an episode; what is rolled back is forgotten with '
  'it.';

create function learning.outcome_of_episode(episode_id text)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select accepted_strand.content ->> 'outcome'
    from learning.accepted_strands accepted_strand
    where accepted_strand.kind = 'episode_outcome' and accepted_strand.content ->> 'episode_id' = episode_id
    order by accepted_strand.created_at desc, accepted_strand.id collate "C" desc
    limit 1
  );
end
$$;
comment on function learning.outcome_of_episode(text) is
  'How an episode ended, by the newest outcome that was accepted; null where none was.';

create function learning.windows_of_episode(episode_id text)
returns table (
  strand_id text, pattern_key text, scope jsonb, decision text, factors jsonb, blocked_by text[],
  trade_id text, occurred_at timestamptz, gates float8[], missing text[]
)
language plpgsql
stable
rows 20
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select accepted_strand.id, learning.dotted_pattern_key(accepted_strand.content ->> 'pattern_key'),
    public.unified_scope('{}', accepted_strand.content -> 'scope', accepted_strand.regime_context),
    accepted_strand.content ->> 'decision', seen.factors,
    learning.episode_blockers(accepted_strand.content, seen.factors, compared.gates),
    accepted_strand.content ->> 'trade_id', accepted_strand.created_at, compared.gates, lacking.missing
  from learning.accepted_strands accepted_strand
  cross join lateral (
    select learning.episode_factors(accepted_strand.content) as factors
    -- Keeps what follows from being computed once per use.
    offset 0
  ) as seen
  cross join lateral (
    select learning.episode_gates(accepted_strand.content ->> 'decision', seen.factors) as gates offset 0
  ) as compared
  cross join lateral (select learning.missing_gates(compared.gates) as missing offset 0) as lacking
  where accepted_strand.kind = 'episode_window' and accepted_strand.content ->> 'episode_id' = episode_id;
end
$$;
comment on function learning.windows_of_episode(text) is
  'What the accepted windows of an episode come to: what the gates saw and compared, and what is missing '
  'for simulation.';

create function learning.apply_episode(p_episode_id text)
returns learning.group_key[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  ended constant text := learning.outcome_of_episode(p_episode_id);
  changed_groups learning.group_key[];
  note jsonb;
begin
  with standing as materialized (
    select window_of_episode.* from learning.windows_of_episode(p_episode_id) as window_of_episode
  ),
  former as materialized (
    select episode.strand_id, episode.pattern_key, episode.outcome, episode.factors
    from public.pattern_episode_events episode
    where episode.episode_id = p_episode_id or episode.strand_id in (select standing.strand_id from standing)
  ),
  written as (
    insert into public.pattern_episode_events as episode (
      strand_id, episode_id, pattern_key, scope, scope_mask, scope_codes, decision, outcome, factors,
      blocked_by, trade_id, occurred_at, gates
    )
    select standing.strand_id, p_episode_id, standing.pattern_key, standing.scope,
      learning.scope_mask(standing.scope), learning.encode_scope(standing.scope), standing.decision, ended,
      standing.factors, standing.blocked_by, standing.trade_id, standing.occurred_at,
      case when standing.missing = '{}' then standing.gates end
    from standing
    on conflict (strand_id) do update set
      episode_id = excluded.episode_id, pattern_key = excluded.pattern_key, scope = excluded.scope,
      scope_mask = excluded.scope_mask, scope_codes = excluded.scope_codes, decision = excluded.decision,
      outcome = excluded.outcome, factors = excluded.factors, blocked_by = excluded.blocked_by,
      trade_id = excluded.trade_id, occurred_at = excluded.occurred_at, gates = excluded.gates
    where (episode.episode_id, episode.pattern_key, episode.scope, episode.scope_codes, episode.decision,
        episode.outcome, episode.factors, episode.blocked_by, episode.trade_id, episode.occurred_at,
        episode.gates)
      is distinct from (excluded.episode_id, excluded.pattern_key, excluded.scope, excluded.scope_codes,
        excluded.decision, excluded.outcome, excluded.factors, excluded.blocked_by, excluded.trade_id,
        excluded.occurred_at, excluded.gates)
    returning episode.strand_id, episode.pattern_key, episode.decision, episode.outcome, episode.factors,
      episode.blocked_by
  ),
  removed as (
    delete from public.pattern_episode_events episode
    where episode.episode_id = p_episode_id
      and not exists (select from standing where standing.strand_id = episode.strand_id)
    returning episode.pattern_key
  ),
  touched as (
    select written.pattern_key from written
    union all
    select removed.pattern_key from removed
    union all
    select former.pattern_key from former where exists (select from written)
  ),
  news as (
    select written.strand_id, written.pattern_key, written.decision, written.blocked_by,
      former.strand_id is null as is_new,
      written.outcome is not null and written.outcome is distinct from former.outcome as has_ended,
      case when written.factors is distinct from former.factors then standing.missing else '{}' end as missing
    from written
    join standing using (strand_id)
    left join former using (strand_id)
  )
  select
    (
      select coalesce(array_agg(distinct ('pm', touched.pattern_key, 'tuning')::learning.group_key), '{}')
      from touched
    ),
    (
      select jsonb_build_object(
        'episode_id', p_episode_id, 'outcome', ended, 'ended', count(*) filter (where news.has_ended),
        'recorded', coalesce(jsonb_agg(to_jsonb(news)) filter (where news.is_new), '[]'),
        'incomplete', coalesce(jsonb_agg(to_jsonb(news)) filter (where news.missing <> '{}'), '[]')
      )
      from news
      where news.is_new or news.has_ended or news.missing <> '{}'
      having count(*) > 0
    )
  into changed_groups, note;
  if note is not null then
    perform learning.note_episode(note);
  end if;
  return changed_groups;
end
$$;
comment on function learning.apply_episode(text) is
  'Brings an episode''s windows and their outcome in line with its accepted strands; returns the groups '
  'whose windows changed. Long because one statement writes the windows, removes those that are gone and '
  'tells both from what was there before.';

create function learning.most_episode_lines()
returns integer
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return 20;
end
$$;
comment on function learning.most_episode_lines() is
  'Most lines of one kind that a batch writes about episodes; what says more, as a bulk load does, is one '
  'line with the numbers.';

create function learning.log_recorded_windows(notes jsonb)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  with recorded as materialized (
    select note.value ->> 'episode_id' as episode_id, new_window.strand_id, new_window.pattern_key,
      new_window.decision, array(select jsonb_array_elements_text(new_window.blocked_by)) as blocked_by
    from jsonb_array_elements(notes) as note(value)
    cross join lateral jsonb_to_recordset(note.value -> 'recorded')
      as new_window(strand_id text, pattern_key text, decision text, blocked_by jsonb)
  ),
  tally as (
    select count(*) as windows, count(distinct recorded.episode_id) as episodes,
      count(*) filter (where recorded.decision = 'acted') as acted,
      count(*) filter (where recorded.decision = 'skipped') as skipped
    from recorded
  )
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'aggregate-strands', 'episode_recorded',
    format('Episode %s: a window of %s was recorded, %s%s', recorded.episode_id, recorded.pattern_key,
      recorded.decision, ', blocked by ' || nullif(array_to_string(recorded.blocked_by, ', '), '')),
    to_jsonb(recorded)
  from recorded, tally
  where tally.windows <= learning.most_episode_lines()
  union all
  select 'INFO', 'aggregate-strands', 'episodes_recorded',
    format('Recorded %s windows of %s episodes: %s acted, %s skipped', tally.windows, tally.episodes,
      tally.acted, tally.skipped),
    jsonb_build_object('windows', tally.windows, 'episodes', tally.episodes,
      'by_pattern_key', (
        select jsonb_object_agg(counted.pattern_key, counted.windows)
        from (
          select recorded.pattern_key, count(*) as windows from recorded group by recorded.pattern_key
        ) as counted
      ),
      'blocked_by', (
        select jsonb_object_agg(counted.gate, counted.windows)
        from (
          select gate.name as gate, count(*) as windows
          from recorded, unnest(recorded.blocked_by) as gate(name)
          group by gate.name
        ) as counted
      ))
  from tally
  where tally.windows > learning.most_episode_lines();
$$;
comment on function learning.log_recorded_windows(jsonb) is
  'Logs the windows that a batch of strands recorded.';

create function learning.log_ended_episodes(notes jsonb)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  with ended as materialized (
    select note.value ->> 'episode_id' as episode_id, note.value ->> 'outcome' as outcome,
      (note.value ->> 'ended')::integer as windows
    from jsonb_array_elements(notes) as note(value)
    where (note.value ->> 'ended')::integer > 0
  ),
  tally as (
    select count(*) as episodes, sum(ended.windows) as windows from ended
  )
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'aggregate-strands', 'episode_outcome_set',
    format('Episode %s ended in %s: windows_updated=%s', ended.episode_id, ended.outcome, ended.windows),
    to_jsonb(ended)
  from ended, tally
  where tally.episodes <= learning.most_episode_lines()
  union all
  select 'INFO', 'aggregate-strands', 'episode_outcomes_set',
    format('Set the outcomes of %s episodes: windows_updated=%s', tally.episodes, tally.windows),
    jsonb_build_object('episodes', tally.episodes, 'windows', tally.windows, 'by_outcome', (
      select jsonb_object_agg(counted.outcome, counted.episodes)
      from (select ended.outcome, count(*) as episodes from ended group by ended.outcome) as counted
    ))
  from tally
  where tally.episodes > learning.most_episode_lines();
$$;
comment on function learning.log_ended_episodes(jsonb) is 'Logs the outcomes that a batch of strands set.';

create function learning.log_incomplete_windows(notes jsonb)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  with incomplete as materialized (
    select note.value ->> 'episode_id' as episode_id, lacking.strand_id, lacking.pattern_key,
      array(select jsonb_array_elements_text(lacking.missing)) as missing
    from jsonb_array_elements(notes) as note(value)
    cross join lateral jsonb_to_recordset(note.value -> 'incomplete')
      as lacking(strand_id text, pattern_key text, missing jsonb)
  ),
  tally as (
    select count(*) as windows, count(distinct incomplete.episode_id) as episodes,
      jsonb_agg(incomplete.strand_id) as strand_ids
    from incomplete
  )
  insert into public.learning_log (level, component, event, message, details)
  select 'WARNING', 'aggregate-strands', 'episode_incomplete',
    format('Episode %s: window %s of %s is left out of simulation, it lacks %s', incomplete.episode_id,
      incomplete.strand_id, incomplete.pattern_key, array_to_string(incomplete.missing, ', ')),
    to_jsonb(incomplete)
  from incomplete, tally
  where tally.windows <= learning.most_episode_lines()
  union all
  select 'WARNING', 'aggregate-strands', 'episodes_incomplete',
    format('%s windows of %s episodes are left out of simulation, they lack scores or thresholds',
      tally.windows, tally.episodes),
    jsonb_build_object('windows', tally.windows, 'strand_ids', tally.strand_ids, 'missing', (
      select jsonb_object_agg(counted.factor, counted.windows)
      from (
        select factor.name as factor, count(*) as windows
        from incomplete, unnest(incomplete.missing) as factor(name)
        group by factor.name
      ) as counted
    ))
  from tally
  where tally.windows > learning.most_episode_lines();
$$;
comment on function learning.log_incomplete_windows(jsonb) is
  'Warns of the windows of a batch that lack what simulation needs.';

create function learning.log_episodes()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  notes constant jsonb := format('[%s]', current_setting('edgeloop.episode_notes', true))::jsonb;
begin
  if notes <> '[]' then
    perform set_config('edgeloop.episode_notes', '', true);
    perform learning.log_recorded_windows(notes);
    perform learning.log_ended_episodes(notes);
    perform learning.log_incomplete_windows(notes);
  end if;
  return null;
end
$$;
comment on function learning.log_episodes() is
  'Writes to the log what a batch of strands did to episodes, one line each or, where that would be many, '
  'one line for all.';
create trigger log_episodes after insert on learning.mining_groups
for each statement execute function learning.log_episodes();
comment on trigger log_episodes on learning.mining_groups is
  'A batch of strands ends by marking the groups it changed; that is when it is known how much there is to '
  'say about its episodes.';

-- sql/40_allocation_steps.sql

-- Allocation between timeframes: a function of the closed trades, in the order of their exits, and of the
-- shares they start from.

create table public.timeframe_allocation_steps (
  exit_at timestamptz not null,
  trade_id text not null,
  timeframe text,
  roi float8 not null,
  outcome text not null check (outcome in ('moved', 'no_share', 'one_timeframe', 'at_bound', 'settled')),
  timeframes text[] not null,
  shares float8[] not null,
  desired float8[] not null,
  n integer[] not null,
  last_exit_at timestamptz[] not null,
  roi_short float8[] not null,
  roi_long float8[] not null,
  weight_short float8[] not null,
  weight_long float8[] not null,
  primary key (exit_at, trade_id)
);
alter table public.timeframe_allocation_steps enable row level security;
comment on table public.timeframe_allocation_steps is
  'One row per closed trade in order, with the whole state after it, so that a late or corrected trade '
  'replays from its place. Arrays have one element per timeframe; n, last_exit_at, the ROIs and their '
  'weights have one more, for all trades together.';
comment on column public.timeframe_allocation_steps.exit_at is 'When the trade was closed.';
comment on column public.timeframe_allocation_steps.trade_id is
  'The trade; decides, in byte order, between trades closed at the same time.';
comment on column public.timeframe_allocation_steps.timeframe is
  'Timeframe of the trade; null where unknown.';
comment on column public.timeframe_allocation_steps.roi is 'Return of the trade, a fraction.';
comment on column public.timeframe_allocation_steps.outcome is
  'moved; or why the shares stayed: no_share (the trade''s timeframe has none), one_timeframe (fewer than '
  'two have closed trades), at_bound (the floor or the ceiling is in the way), settled (every share is '
  'where it is heading).';
comment on column public.timeframe_allocation_steps.timeframes is 'The timeframes that have a share.';
comment on column public.timeframe_allocation_steps.shares is 'Their shares; they sum to 1.';
comment on column public.timeframe_allocation_steps.desired is
  'The shares they are heading for; its own where a timeframe has no trades.';
comment on column public.timeframe_allocation_steps.n is 'Closed trades so far.';
comment on column public.timeframe_allocation_steps.last_exit_at is
  'When the newest of them was closed; null before any.';
comment on column public.timeframe_allocation_steps.roi_short is
  'Mean ROI with a memory of 14 days, a fraction; null before any trade.';
comment on column public.timeframe_allocation_steps.roi_long is
  'Mean ROI with a memory of 90 days, a fraction; null before any trade.';
comment on column public.timeframe_allocation_steps.weight_short is
  'Weight of the trades in roi_short as of last_exit_at; the newest counts 1.';
comment on column public.timeframe_allocation_steps.weight_long is
  'Weight of the trades in roi_long as of last_exit_at; the newest counts 1.';

create function learning.start_shares(out timeframes text[], out shares float8[])
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Configured shares may miss 1 by a rounding error; from here on they never do. Whoever may not read the
  -- configuration gets nothing.
  select array_agg(start.timeframe order by start.timeframe),
    array_agg(start.share + case start.rank when 1 then 1 - start.total else 0 end order by start.timeframe)
  into timeframes, shares
  from (
    select configured.key collate "C" as timeframe, configured.value::float8 as share,
      sum(configured.value::float8) over () as total,
      row_number() over (order by configured.value::float8 desc, configured.key collate "C") as rank
    from jsonb_each_text(learning.config('decision_maker') -> 'start_shares') as configured
  ) as start;
end
$$;
comment on function learning.start_shares() is
  'The timeframes that have a share and the shares they start from.';

create view public.timeframe_allocation
with (security_invoker = true)
as
with newest as (
  select step.*
  from public.timeframe_allocation_steps step
  order by step.exit_at desc, step.trade_id collate "C" desc
  limit 1
)
select slot.timeframe, newest.shares[slot.place] as current_allocation,
  newest.desired[slot.place] as desired_allocation, newest.roi_short[slot.place] as roi_short,
  newest.roi_long[slot.place] as roi_long, newest.n[slot.place] as n,
  newest.last_exit_at[slot.place] as updated_at
from newest
cross join lateral unnest(newest.timeframes) with ordinality as slot(timeframe, place)
union all
select slot.timeframe, slot.share, slot.share, null, null, 0, null
from learning.start_shares() as start
cross join lateral unnest(start.timeframes, start.shares) as slot(timeframe, share)
where not exists (select from newest);
comment on view public.timeframe_allocation is 'How the allocation of a token is split over timeframes now.';
comment on column public.timeframe_allocation.timeframe is 'Timeframe.';
comment on column public.timeframe_allocation.current_allocation is
  'Its share of a token''s allocation, a fraction; all sum to 1.';
comment on column public.timeframe_allocation.desired_allocation is 'The share it is heading for.';
comment on column public.timeframe_allocation.roi_short is
  'Mean ROI of its trades with a memory of 14 days; null before any trade.';
comment on column public.timeframe_allocation.roi_long is
  'Mean ROI of its trades with a memory of 90 days; null before any trade.';
comment on column public.timeframe_allocation.n is 'Its closed trades.';
comment on column public.timeframe_allocation.updated_at is
  'When its newest trade was closed; null before any trade.';

create function learning.desired_shares(shares float8[], roi_short float8[], traded integer[])
returns float8[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  temperature constant float8 := 0.10;
  desired float8[] := shares;
  place integer;
  mass float8 := 0;
  best float8;
  pull float8 := 0;
begin
  foreach place in array traded loop
    mass := mass + shares[place];
    best := greatest(best, roi_short[place]);
  end loop;
  foreach place in array traded loop
    desired[place] := exp(greatest((roi_short[place] - best) / temperature, -700));
    pull := pull + desired[place];
  end loop;
  foreach place in array traded loop
    desired[place] := mass * desired[place] / pull;
  end loop;
  return desired;
end
$$;
comment on function learning.desired_shares(float8[], float8[], integer[]) is
  'The shares that the ROI asks for: what the timeframes with trades hold together, by the softmax of their '
  'ROI; the others keep theirs.';

create function learning.shares_after(shares float8[], changes float8[])
returns float8[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  next_shares float8[] := shares;
  change float8;
  gain float8 := 0;
  loss float8 := 0;
  largest integer;
  missing float8 := 1;
begin
  foreach change in array changes loop
    gain := gain + greatest(change, 0);
    loss := loss - least(change, 0);
  end loop;
  if gain = 0 or loss = 0 then
    return shares;
  end if;
  for place in 1 .. cardinality(shares) loop
    change := changes[place];
    next_shares[place] := shares[place] + case
      when change > 0 and gain > loss then change * (loss / gain)
      when change < 0 and loss > gain then change * (gain / loss)
      else change
    end;
    missing := missing - next_shares[place];
    if change <> 0 and (largest is null or next_shares[place] > next_shares[largest]) then
      largest := place;
    end if;
  end loop;
  -- However many steps there are, their rounding errors never add up.
  next_shares[largest] := next_shares[largest] + missing;
  return next_shares;
end
$$;
comment on function learning.shares_after(float8[], float8[]) is
  'Shares after changes of which the larger side, gains or losses, is scaled down to the smaller one.';

create function learning.next_allocation(
  shares float8[], roi_short float8[], n integer[],
  out next_shares float8[], out desired float8[], out outcome text
)
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  largest_step constant float8 := 0.003;
  trades_for_whole_steps constant float8 := 5;
  traded integer[] := array[]::integer[];
  fewest_trades integer;
  place integer;
  reach float8;
  wish float8;
  changes float8[] := array_fill(0::float8, array[cardinality(shares)]);
  bounded boolean := false;
begin
  for place in 1 .. cardinality(shares) loop
    if n[place] > 0 then
      traded := traded || place;
      fewest_trades := least(fewest_trades, n[place]);
    end if;
  end loop;
  if cardinality(traded) < 2 then
    next_shares := shares;
    desired := shares;
    outcome := 'one_timeframe';
    return;
  end if;

  desired := learning.desired_shares(shares, roi_short, traded);
  reach := largest_step * least(1, fewest_trades / trades_for_whole_steps);
  foreach place in array traded loop
    wish := greatest(-reach, least(reach, desired[place] - shares[place]));
    changes[place] := greatest(learning.least_share() - shares[place],
      least(learning.greatest_share() - shares[place], wish));
    bounded := bounded or changes[place] <> wish;
  end loop;
  next_shares := learning.shares_after(shares, changes);
  outcome := case when next_shares <> shares then 'moved' when bounded then 'at_bound' else 'settled' end;
end
$$;
comment on function learning.next_allocation(float8[], float8[], integer[]) is
  'The shares after a close: over the timeframes with trades, a small zero-sum step towards the softmax of '
  'their ROI; the others keep theirs.';

create function learning.allocation_state(before timestamptz default null)
returns public.timeframe_allocation_steps
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  state public.timeframe_allocation_steps;
  places integer[];
begin
  select step.* into state
  from public.timeframe_allocation_steps step
  where step.exit_at < coalesce(before, 'infinity')
  order by step.exit_at desc, step.trade_id collate "C" desc
  limit 1;
  if state.trade_id is null then
    select start.timeframes, start.shares, start.shares into state.timeframes, state.shares, state.desired
    from learning.start_shares() as start;
    places := array[cardinality(state.timeframes) + 1];
    state.n := array_fill(0, places);
    state.last_exit_at := array_fill(null::timestamptz, places);
    state.roi_short := array_fill(null::float8, places);
    state.roi_long := state.roi_short;
    state.weight_short := array_fill(0::float8, places);
    state.weight_long := state.weight_short;
  end if;
  return state;
end
$$;
comment on function learning.allocation_state(timestamptz) is
  'The newest step before a time, or of all; where there is none the state before any trade, without a '
  'trade.';

create function learning.replayed_steps(
  state_before public.timeframe_allocation_steps, replay_from timestamptz, replay_until timestamptz
)
returns setof public.timeframe_allocation_steps
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  short_memory_days constant float8 := 14;
  long_memory_days constant float8 := 90;
  -- A gap that is smaller is none: Postgres raises an error where a quotient is too small for a number.
  smallest_gap constant float8 := 1e-12;
  state public.timeframe_allocation_steps := state_before;
  -- Arrays of their own: an element of a row's array cannot be changed without copying the row.
  n integer[] := state_before.n;
  last_exit_at timestamptz[] := state_before.last_exit_at;
  roi_short float8[] := state_before.roi_short;
  roi_long float8[] := state_before.roi_long;
  weight_short float8[] := state_before.weight_short;
  weight_long float8[] := state_before.weight_long;
  all_trades constant integer := cardinality(state_before.timeframes) + 1;
  next_trade record;
  own integer;
  place integer;
  elapsed_days float8;
  gap float8;
  allocation record;
begin
  for next_trade in
    select trade.trade_id, trade.timeframe, trade.roi, trade.exit_at
    from learning.closed_trades trade
    where trade.exit_at >= replay_from and trade.exit_at < coalesce(replay_until, 'infinity')
    order by trade.exit_at, trade.trade_id collate "C"
  loop
    own := array_position(state.timeframes, next_trade.timeframe);
    foreach place in array case when own is null then array[all_trades] else array[own, all_trades] end loop
      elapsed_days := coalesce(date_part('epoch', next_trade.exit_at - last_exit_at[place]) / 86400, 0);
      -- With S ← S·e^(−Δ/τ) + roi and W ← W·e^(−Δ/τ) + 1 the mean S/W moves by the W-th part of its gap.
      weight_short[place] := weight_short[place] * exp(greatest(-elapsed_days / short_memory_days, -700)) + 1;
      gap := next_trade.roi - coalesce(roi_short[place], 0);
      roi_short[place] := coalesce(roi_short[place], 0)
        + case when abs(gap) < smallest_gap then 0 else gap / weight_short[place] end;

      weight_long[place] := weight_long[place] * exp(greatest(-elapsed_days / long_memory_days, -700)) + 1;
      gap := next_trade.roi - coalesce(roi_long[place], 0);
      roi_long[place] := coalesce(roi_long[place], 0)
        + case when abs(gap) < smallest_gap then 0 else gap / weight_long[place] end;

      n[place] := n[place] + 1;
      last_exit_at[place] := next_trade.exit_at;
    end loop;
    if own is null then
      state.outcome := 'no_share';
    else
      allocation := learning.next_allocation(state.shares, roi_short, n);
      state.shares := allocation.next_shares;
      state.desired := allocation.desired;
      state.outcome := allocation.outcome;
    end if;
    state.exit_at := next_trade.exit_at;
    state.trade_id := next_trade.trade_id;
    state.timeframe := next_trade.timeframe;
    state.roi := next_trade.roi;
    state.n := n;
    state.last_exit_at := last_exit_at;
    state.roi_short := roi_short;
    state.roi_long := roi_long;
    state.weight_short := weight_short;
    state.weight_long := weight_long;
    return next state;
  end loop;
end
$$;
comment on function learning.replayed_steps(public.timeframe_allocation_steps, timestamptz, timestamptz) is
  'The steps of all trades closed from a time on and before another, if one is given, in order, from the '
  'state before them.';

-- sql/42_allocation_replay.sql

-- Allocation replay: a late or corrected trade replays from its place, and positions follow the shares.

create function learning.rescale_positions(timeframes text[], shares float8[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  rescaled integer;
begin
  -- Locked before they are read: a token's total must not change in between. In one order, so that nobody
  -- deadlocks.
  perform
  from public.lowcap_positions position
  where position.status in ('watchlist', 'active', 'dormant') and position.timeframe = any (timeframes)
  order by position.id
  for no key update;

  with target as (
    select position.id, position.total_allocation_pct as current_pct,
      sum(position.total_allocation_pct) over token as token_pct,
      slot.share / sum(slot.share) over token as part
    from public.lowcap_positions position
    join unnest(timeframes, shares) as slot(timeframe, share) on slot.timeframe = position.timeframe
    where position.status in ('watchlist', 'active', 'dormant')
    window token as (partition by position.token_chain, position.token_contract)
  )
  update public.lowcap_positions position
  set total_allocation_pct = target.token_pct * target.part
  from target
  where position.id = target.id
    -- A difference this small is the rounding of the product, not a new share.
    and abs(target.token_pct * target.part - target.current_pct) > 1e-15 * target.token_pct;
  get diagnostics rescaled = row_count;
  return rescaled;
end
$$;
comment on function learning.rescale_positions(text[], float8[]) is
  'Splits what each token''s watchlist, active and dormant positions hold together by their timeframes'' '
  'shares; the token''s total is kept. Returns how many positions changed.';

create function learning.allocation_reason(outcome text, trade_timeframe text)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select case outcome
    when 'moved' then 'moved towards what the ROI asks for'
    when 'no_share' then
      coalesce(trade_timeframe, 'the trade''s timeframe')
        || ' has no share and counts for the global ROI only'
    when 'one_timeframe' then 'fewer than two timeframes have closed trades'
    when 'at_bound' then 'what would have to give or take is at its floor or ceiling'
    when 'settled' then 'every share is where it is heading'
    else 'no trade has closed yet'
  end;
$$;
comment on function learning.allocation_reason(text, text) is
  'Why a close moved the shares or did not, for a person to read.';

create function learning.replayed_closes(
  replayed_from timestamptz, out closes bigint, out outcomes jsonb, out reasons text
)
returns record
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  select coalesce(sum(tally.closes), 0), coalesce(jsonb_object_agg(tally.outcome, tally.closes), '{}'),
    string_agg(format('%s: %s', tally.closes, learning.allocation_reason(tally.outcome, null)), '; '
      order by tally.closes desc, tally.outcome)
  into closes, outcomes, reasons
  from (
    select step.outcome, count(*) as closes
    from public.timeframe_allocation_steps step
    where step.exit_at >= replayed_from
    group by step.outcome
  ) as tally;
end
$$;
comment on function learning.replayed_closes(timestamptz) is
  'How many steps there are from a time on, by outcome, and their reasons for a person to read.';

create function learning.measured_roi(state public.timeframe_allocation_steps)
returns table (place bigint, timeframe text, line text, roi jsonb)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select slot.place, slot.timeframe,
    case
      when slot.n = 0 then slot.timeframe || ' has no trades'
      else format('%s short %s, long %s, n=%s', slot.timeframe, learning.in_percent(slot.roi_short),
        learning.in_percent(slot.roi_long), slot.n)
    end,
    jsonb_build_object('roi_short', slot.roi_short, 'roi_long', slot.roi_long, 'n', slot.n)
  from unnest(state.timeframes || text 'all', state.roi_short, state.roi_long, state.n) with ordinality
    as slot(timeframe, roi_short, roi_long, n, place);
$$;
comment on function learning.measured_roi(public.timeframe_allocation_steps) is
  'The ROI of each timeframe and of all trades after a step, for a person and for a program to read.';

create function learning.shares_by_timeframe(timeframes text[], shares float8[])
returns jsonb
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_object_agg(slot.timeframe, slot.share)
  from unnest(timeframes, shares) as slot(timeframe, share);
$$;
comment on function learning.shares_by_timeframe(text[], float8[]) is 'Shares for a program to read.';

create function learning.share_moves(
  former public.timeframe_allocation_steps, reached public.timeframe_allocation_steps
)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select string_agg(
    format('%s from %s to %s', coalesce(after.timeframe, before.timeframe),
      coalesce(learning.in_percent(before.share), 'none'),
      coalesce(learning.in_percent(after.share), 'none')),
    ', ' order by coalesce(after.timeframe, before.timeframe) collate "C")
  from unnest(former.timeframes, former.shares) as before(timeframe, share)
  full join unnest(reached.timeframes, reached.shares) as after(timeframe, share)
    on after.timeframe = before.timeframe
  where after.share is distinct from before.share;
$$;
comment on function learning.share_moves(
  public.timeframe_allocation_steps, public.timeframe_allocation_steps
) is
  'Which shares moved between two steps, for a person to read; null where none did.';

create function learning.log_allocation(
  former public.timeframe_allocation_steps, reached public.timeframe_allocation_steps,
  replayed_from timestamptz, rescaled integer
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  replayed constant record := learning.replayed_closes(replayed_from);
  is_single constant boolean := replayed.closes = 1;
  moves constant text := learning.share_moves(former, reached);
  subject text;
  reasons text;
  details jsonb;
begin
  if is_single then
    subject := format('%s trade %s (%s)', coalesce(reached.timeframe, 'the'), reached.trade_id,
      learning.in_percent(reached.roi));
    reasons := learning.allocation_reason(reached.outcome, reached.timeframe);
  else
    subject := case replayed.closes when 0 then 'no closes' else replayed.closes || ' closes' end
      || format(' from %s on',
        case when isfinite(replayed_from) then replayed_from::text else 'the beginning' end);
    reasons := coalesce(replayed.reasons, 'none is left there');
  end if;
  details := jsonb_build_object('closes', replayed.closes, 'from', replayed_from,
    'trade_id', case when is_single then reached.trade_id end,
    'trade_roi', case when is_single then reached.roi end);

  perform learning.write_log('INFO', 'allocation', 'roi_updated',
    format('ROI after %s: %s', subject, string_agg(measured.line, '; ' order by measured.place)
      -- A single close touches its own timeframe and the whole.
      filter (where not is_single or measured.timeframe in ('all', reached.timeframe))),
    details || jsonb_build_object('roi', jsonb_object_agg(measured.timeframe, measured.roi)))
  from learning.measured_roi(reached) as measured;

  perform learning.write_log('INFO', 'allocation',
    case when moves is null then 'allocation_unchanged' else 'allocation_moved' end,
    case
      when moves is null then format('Allocation unchanged by %s: %s', subject, reasons)
      else format('Allocation moved by %s: %s; positions rescaled: %s', subject, moves, rescaled)
        || case when is_single then '' else format(' (%s)', reasons) end
    end,
    details || jsonb_build_object(
      'former', learning.shares_by_timeframe(former.timeframes, former.shares),
      'current', learning.shares_by_timeframe(reached.timeframes, reached.shares),
      'desired', learning.shares_by_timeframe(reached.timeframes, reached.desired),
      'outcomes', replayed.outcomes, 'positions', rescaled
    ));
end
$$;
comment on function learning.log_allocation(
  public.timeframe_allocation_steps, public.timeframe_allocation_steps, timestamptz, integer
) is
  'Logs what a replay did to ROI and shares and why: a line each, however many closes it went through, and '
  'how many that were.';

create table learning.allocation_replay (
  is_only boolean primary key default true check (is_only),
  began_from timestamptz,
  goes_on_from timestamptz
);
alter table learning.allocation_replay enable row level security;
insert into learning.allocation_replay default values;
comment on table learning.allocation_replay is
  'One row: the replay that was too long for the transaction of its trade, and where it goes on.';
comment on column learning.allocation_replay.is_only is 'Keeps it one row.';
comment on column learning.allocation_replay.began_from is
  'Exit from which on steps were out of date; null where none are.';
comment on column learning.allocation_replay.goes_on_from is 'Exit from which on they still are.';

create function learning.end_of_portion(place timestamptz)
returns timestamptz
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  trades_at_a_time constant integer := 10000;
  portion_end timestamptz;
begin
  select trade.exit_at into portion_end
  from learning.closed_trades trade
  where trade.exit_at >= place
  order by trade.exit_at
  offset trades_at_a_time
  limit 1;
  if portion_end = place then
    select min(trade.exit_at) into portion_end from learning.closed_trades trade where trade.exit_at > place;
  end if;
  return portion_end;
end
$$;
comment on function learning.end_of_portion(timestamptz) is
  'Exit before which a replay that has come to a place stops to look at the clock; trades closed at one '
  'time are not parted. Null where it can go on to the end.';

create function learning.replay_allocation(
  replay_from timestamptz default null, patience interval default '2 seconds'
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  deadline constant timestamptz := clock_timestamp() + patience;
  unfinished learning.allocation_replay;
  outdated_from timestamptz;
  place timestamptz;
  portion_end timestamptz;
  former public.timeframe_allocation_steps;
  reached public.timeframe_allocation_steps;
  rescaled integer := 0;
begin
  -- One replay at a time, from before its first look at the steps until its transaction ends. The next one
  -- then sees this one's trades.
  perform pg_advisory_xact_lock(hashtextextended('allocation', 0));
  select replay.* into unfinished from learning.allocation_replay replay;
  outdated_from := least(replay_from, unfinished.began_from);
  place := least(replay_from, unfinished.goes_on_from);
  if place is null then
    return;
  end if;
  former := learning.allocation_state();
  loop
    portion_end := learning.end_of_portion(place);
    delete from public.timeframe_allocation_steps step
    where step.exit_at >= place and step.exit_at < coalesce(portion_end, 'infinity');
    insert into public.timeframe_allocation_steps
    select step.* from learning.replayed_steps(learning.allocation_state(place), place, portion_end) as step;
    exit when portion_end is null;
    place := portion_end;
    if clock_timestamp() > deadline then
      -- The steps from here on are those of before, and what they come to holds until the sweep or the next
      -- close has got there.
      update learning.allocation_replay replay
      set began_from = outdated_from, goes_on_from = place
      where replay.is_only;
      perform learning.write_log('INFO', 'allocation', 'replay_paused',
        format('Replay of the closes from %s on has come to %s and goes on with the next sweep or close',
          outdated_from, place),
        jsonb_build_object('from', outdated_from, 'goes_on_from', place));
      return;
    end if;
  end loop;
  update learning.allocation_replay replay
  set began_from = null, goes_on_from = null
  where replay.is_only and replay.began_from is not null;
  reached := learning.allocation_state();
  if unfinished.began_from is not null
    or (former.timeframes, former.shares) is distinct from (reached.timeframes, reached.shares) then
    rescaled := learning.rescale_positions(reached.timeframes, reached.shares);
  end if;
  perform learning.log_allocation(former, reached, outdated_from, rescaled);
end
$$;
comment on function learning.replay_allocation(timestamptz, interval) is
  'Brings steps, shares and positions in line with the closed trades from the given exit on, or goes on '
  'with a replay that paused; called once for each batch that changed any, and by the sweep. One that takes '
  'longer than its patience pauses.';

create function learning.restart_allocation()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  state public.timeframe_allocation_steps;
begin
  perform learning.write_log('INFO', 'allocation', 'start_shares_changed',
    format('Start shares changed from %s to %s', old.config -> 'start_shares', new.config -> 'start_shares'),
    jsonb_build_object('former', old.config -> 'start_shares', 'current', new.config -> 'start_shares'));
  perform learning.replay_allocation('-infinity');
  -- Before any trade the replay finds nothing changed: the start shares are the state.
  state := learning.allocation_state();
  perform learning.rescale_positions(state.timeframes, state.shares);
  return null;
end
$$;
comment on function learning.restart_allocation() is
  'Replays the allocation from its beginning when the start shares change.';
create trigger restart_allocation after update on learning.effective_configs
for each row
when (
  old.module_id = 'decision_maker'
  and old.config -> 'start_shares' is distinct from new.config -> 'start_shares'
)
execute function learning.restart_allocation();
comment on trigger restart_allocation on learning.effective_configs is
  'The shares are a function of the trades and of what they start from.';

-- sql/44_allocation_history.sql

-- Allocation history: how shares came about, for a person to read.

create view public.timeframe_allocation_history
with (security_invoker = true)
as
select step.exit_at, step.trade_id, step.timeframe as trade_timeframe, step.roi as trade_roi, slot.timeframe,
  step.shares[slot.place] as allocation,
  step.shares[slot.place]
    - coalesce(earlier.shares[array_position(earlier.timeframes, slot.timeframe)], start.share) as change,
  step.desired[slot.place] as desired_allocation, step.roi_short[slot.place] as roi_short,
  step.roi_long[slot.place] as roi_long, step.n[slot.place] as n, step.outcome,
  case
    when step.n[slot.place] = 0 then 'no closed trades yet: its share stays'
    else learning.allocation_reason(step.outcome, step.timeframe)
  end as reason
from public.timeframe_allocation_steps step
cross join lateral unnest(step.timeframes) with ordinality as slot(timeframe, place)
left join lateral (
  select earlier_step.timeframes, earlier_step.shares
  from public.timeframe_allocation_steps earlier_step
  where earlier_step.exit_at <= step.exit_at
    and (earlier_step.exit_at < step.exit_at or earlier_step.trade_id collate "C" < step.trade_id collate "C")
  order by earlier_step.exit_at desc, earlier_step.trade_id collate "C" desc
  limit 1
) as earlier on true
left join lateral (
  select begun.shares[array_position(begun.timeframes, slot.timeframe)] as share
  from learning.start_shares() as begun
) as start on earlier.shares is null;
comment on view public.timeframe_allocation_history is
  'Allocation over time: for each closed trade and timeframe the share after it, where it was heading, and '
  'why it moved or not.';
comment on column public.timeframe_allocation_history.exit_at is 'When the trade was closed.';
comment on column public.timeframe_allocation_history.trade_id is 'The trade.';
comment on column public.timeframe_allocation_history.trade_timeframe is 'Timeframe of the trade.';
comment on column public.timeframe_allocation_history.trade_roi is 'Return of the trade, a fraction.';
comment on column public.timeframe_allocation_history.timeframe is 'Timeframe whose share the row is about.';
comment on column public.timeframe_allocation_history.allocation is 'Its share after the trade.';
comment on column public.timeframe_allocation_history.change is 'By how much the trade moved it.';
comment on column public.timeframe_allocation_history.desired_allocation is 'The share it is heading for.';
comment on column public.timeframe_allocation_history.roi_short is
  'Mean ROI of its trades with a memory of 14 days.';
comment on column public.timeframe_allocation_history.roi_long is
  'Mean ROI of its trades with a memory of 90 days.';
comment on column public.timeframe_allocation_history.n is 'Its closed trades so far.';
comment on column public.timeframe_allocation_history.outcome is
  'moved, or why the shares stayed, as a stable name.';
comment on column public.timeframe_allocation_history.reason is 'The same for a person to read.';

create view public.timeframe_allocation_outlook
with (security_invoker = true)
as
select allocation.timeframe, allocation.current_allocation, allocation.desired_allocation,
  allocation.desired_allocation - allocation.current_allocation as distance,
  allocation.roi_short, allocation.roi_long, allocation.n, newest.change as last_change,
  newest.trade_id as last_trade_id, newest.exit_at as last_exit_at, newest.outcome,
  coalesce(newest.reason, learning.allocation_reason(null, null)) as reason
from public.timeframe_allocation allocation
left join (
  select past_allocation.*
  from (
    select step.exit_at, step.trade_id
    from public.timeframe_allocation_steps step
    order by step.exit_at desc, step.trade_id collate "C" desc
    limit 1
  ) as newest_step
  join public.timeframe_allocation_history past_allocation
    on past_allocation.exit_at = newest_step.exit_at and past_allocation.trade_id = newest_step.trade_id
) as newest on newest.timeframe = allocation.timeframe;
comment on view public.timeframe_allocation_outlook is
  'Each timeframe''s share, ROI and number of trades, beside where it is heading and why the newest close '
  'moved it or not.';
comment on column public.timeframe_allocation_outlook.timeframe is 'Timeframe.';
comment on column public.timeframe_allocation_outlook.current_allocation is 'Its share now.';
comment on column public.timeframe_allocation_outlook.desired_allocation is 'The share it is heading for.';
comment on column public.timeframe_allocation_outlook.distance is 'How far it has to go.';
comment on column public.timeframe_allocation_outlook.roi_short is
  'Mean ROI of its trades with a memory of 14 days; null before any trade.';
comment on column public.timeframe_allocation_outlook.roi_long is
  'Mean ROI of its trades with a memory of 90 days; null before any trade.';
comment on column public.timeframe_allocation_outlook.n is 'Its closed trades.';
comment on column public.timeframe_allocation_outlook.last_change is
  'By how much the newest close moved it; null before any.';
comment on column public.timeframe_allocation_outlook.last_trade_id is
  'The trade of the newest close; null before any.';
comment on column public.timeframe_allocation_outlook.last_exit_at is 'When it was closed.';
comment on column public.timeframe_allocation_outlook.outcome is
  'moved, or why the shares stayed, as a stable name; null before any close.';
comment on column public.timeframe_allocation_outlook.reason is 'The same for a person to read.';

-- sql/45_subjects.sql

-- Subjects: the trades and episodes that verdicts touch, locked in one order and applied one by one.

create function learning.retry_after_failure(strand_ids text[], subject text, failed_with text, reason text)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.write_log('ERROR', 'aggregate-strands', 'strands_failed',
    format('%s could not be applied and is tried again: %s', subject, reason),
    jsonb_build_object('subject', subject, 'strand_ids', to_jsonb(strand_ids), 'sqlstate', failed_with));
  return learning.retry_receipts(strand_ids, format('%s (SQLSTATE %s)', reason, failed_with));
end
$$;
comment on function learning.retry_after_failure(text[], text, text, text) is
  'Lets the strands of one trade or episode that could not take effect be tried again, and logs why; '
  'returns how many.';

create function learning.touched_subjects(accepted jsonb, rejected jsonb)
returns table (kind text, subject text, strand_ids text[])
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with accepted_verdict as (
    select verdict.id from jsonb_to_recordset(accepted) as verdict(id text)
  ),
  judged as (
    select accepted_verdict.id from accepted_verdict
    union all
    select verdict.id from jsonb_to_recordset(rejected) as verdict(id text)
  )
  select named.kind, named.subject, coalesce(array_agg(named.id) filter (where named.id is not null), '{}')
  from (
    select case when strand.kind = any (learning.episode_kinds()) then 'episode' else 'trade' end,
      case
        when strand.kind = any (learning.trade_kinds()) then strand.content ->> 'trade_id'
        when strand.kind = any (learning.episode_kinds()) then strand.content ->> 'episode_id'
        -- A strand that is of no learned kind any more takes effect by no longer having any.
        else ''
      end,
      accepted_verdict.id
    from accepted_verdict
    join public.ad_strands strand on strand.id = accepted_verdict.id
    union all
    -- What the strands were part of when they last took effect.
    select 'trade', event.trade_id, null
    from judged join public.pattern_trade_events event on event.action_strand_id = judged.id
    union all
    select 'trade', trade.trade_id, null
    from judged join learning.closed_trades trade on trade.close_strand_id = judged.id
    union all
    select 'episode', episode.episode_id, null
    from judged join public.pattern_episode_events episode on episode.strand_id = judged.id
  ) as named(kind, subject, id)
  group by named.kind, named.subject
  order by named.kind, named.subject;
$$;
comment on function learning.touched_subjects(jsonb, jsonb) is
  'The trades and episodes that some judged strands belong to or belonged to, with the accepted strands of '
  'each.';

create function learning.lock_subjects(accepted jsonb, rejected jsonb)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  deadline constant timestamptz := clock_timestamp() + interval '2 seconds';
  touched record;
begin
  for touched in
    select subject.kind, subject.subject from learning.touched_subjects(accepted, rejected) as subject
  loop
    while not pg_try_advisory_xact_lock(hashtextextended(touched.kind || ' ' || touched.subject, 0)) loop
      if clock_timestamp() > deadline then
        return false;
      end if;
      perform pg_sleep(0.01);
    end loop;
  end loop;
  return true;
end
$$;
comment on function learning.lock_subjects(jsonb, jsonb) is
  'Locks the trades and episodes that some verdicts touch, in one order, so that two batches that share '
  'some wait for each other instead of deadlocking. False where that would take longer than two seconds: '
  'where several batches queue for the same trades, the last one would run into the statement timeout.';

create function learning.apply_subjects(
  accepted jsonb, rejected jsonb, deadline timestamptz,
  out failed integer, out postponed text[],
  out changed_groups learning.group_key[], out changed_from timestamptz
)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  touched record;
  applied record;
begin
  failed := 0;
  postponed := '{}';
  changed_groups := '{}';
  for touched in
    select subject.* from learning.touched_subjects(accepted, rejected) as subject
  loop
    -- Better a part of the batch than a statement timeout and none of it. What a strand has left must not
    -- wait: nothing would remember it.
    if clock_timestamp() > deadline and touched.strand_ids <> '{}' then
      postponed := postponed || touched.strand_ids;
      continue;
    end if;
    begin
      if touched.kind = 'trade' then
        applied := learning.apply_trade(touched.subject);
        changed_groups := changed_groups || applied.changed_groups;
        changed_from := least(changed_from, applied.changed_from);
      else
        changed_groups := changed_groups || learning.apply_episode(touched.subject);
      end if;
    exception when others then
      if touched.strand_ids = '{}' then
        -- No strand of it can be tried again but by trying the whole batch.
        raise;
      end if;
      failed := failed + learning.retry_after_failure(
        touched.strand_ids, touched.kind || ' ' || touched.subject, sqlstate, sqlerrm);
    end;
  end loop;
  perform learning.return_receipts(postponed);
end
$$;
comment on function learning.apply_subjects(jsonb, jsonb, timestamptz) is
  'Brings every trade and episode that some verdicts touch in line with its accepted strands, each in its '
  'own subtransaction: how many strands failed, which were given back because time was up, whose events '
  'changed and from when on allocation must be replayed.';

-- sql/46_verdicts.sql

-- Verdicts: what an edge function judged of its leased strands takes effect.

create function learning.reject_strands(rejected jsonb)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  rejections integer;
begin
  with refused as (
    update public.strand_receipts receipt
    set status = 'rejected', errors = verdict.errors, next_attempt_at = null, processed_at = now()
    from jsonb_to_recordset(rejected) as verdict(id text, revision integer, errors jsonb)
    where receipt.strand_id = verdict.id and receipt.revision = verdict.revision
      and receipt.status = 'pending'
    returning receipt.strand_id, receipt.errors
  ),
  logged as (
    insert into public.learning_log (level, component, event, message, details)
    select 'WARNING', 'aggregate-strands', 'strand_rejected',
      format('Strand %s (%s) was rejected: %s', refused.strand_id, strand.kind, (
        select string_agg(concat_ws(' ', nullif(reason.path, ''), reason.message), '; ')
        from jsonb_to_recordset(refused.errors) as reason(path text, message text)
      )),
      jsonb_build_object('strand_id', refused.strand_id, 'kind', strand.kind, 'errors', refused.errors)
    from refused
    join public.ad_strands strand on strand.id = refused.strand_id
    returning 1
  )
  select count(*) into rejections from logged;
  return rejections;
end
$$;
comment on function learning.reject_strands(jsonb) is
  'Marks strands rejected with every reason and logs each; returns how many.';

create function learning.return_strands(verdicts jsonb)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  returned text[];
begin
  select array_agg(judged.strand_id) into returned
  from (
    select receipt.strand_id
    from jsonb_to_recordset(verdicts) as verdict(id text, revision integer)
    join public.strand_receipts receipt
      on receipt.strand_id = verdict.id and receipt.revision = verdict.revision
      and receipt.status = 'pending'
    for update of receipt
  ) as judged;
  return learning.return_receipts(returned);
end
$$;
comment on function learning.return_strands(jsonb) is
  'Gives the strands of some verdicts back as if they had never been claimed, where nobody else has '
  'answered or changed them; returns how many.';

create function learning.await_claims(verdicts jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  locked integer;
begin
  for attempt in 1..8 loop
    perform
    from public.strand_receipts receipt
    where receipt.strand_id in (select verdict.id from jsonb_to_recordset(verdicts) as verdict(id text))
      and receipt.status = 'pending'
    for update skip locked;
    get diagnostics locked = row_count;
    exit when locked = (
      select count(*)
      from public.strand_receipts receipt
      where receipt.strand_id in (select verdict.id from jsonb_to_recordset(verdicts) as verdict(id text))
        and receipt.status = 'pending'
    );
    perform pg_sleep(0.005 * power(2, attempt - 1));
  end loop;
end
$$;
comment on function learning.await_claims(jsonb) is
  'Locks the receipts of some verdicts and waits for a moment where another claim, which looked at them '
  'just as they were leased, holds on to them until it commits.';

create function learning.standing_verdicts(
  accepted jsonb, rejected jsonb, out standing_accepted jsonb, out standing_rejected jsonb
)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  with verdicts as (
    select verdict.id, verdict.revision, null::jsonb as errors
    from jsonb_to_recordset(accepted) as verdict(id text, revision integer)
    union all
    select verdict.id, verdict.revision, verdict.errors
    from jsonb_to_recordset(rejected) as verdict(id text, revision integer, errors jsonb)
  ),
  -- A verdict stands while its strand is as it was judged and nobody else has answered it. Who is just
  -- changing the strand is not waited for: its lease lapses and it is judged anew.
  standing as materialized (
    select verdicts.id, verdicts.revision, verdicts.errors
    from verdicts
    join public.strand_receipts receipt
      on receipt.strand_id = verdicts.id and receipt.revision = verdicts.revision
      and receipt.status = 'pending'
    order by receipt.strand_id
    for update of receipt skip locked
  ),
  -- A context that cannot be taken into a scope is refused here, where scopes are made.
  final as (
    select standing.id, standing.revision, coalesce(standing.errors, (
      select jsonb_agg(jsonb_build_object(
        'path', context.path || '.' || fault.path, 'message', fault.message
      ))
      from (values
        ('content.entry_context', strand.content -> 'entry_context'),
        ('content.scope', strand.content -> 'scope'),
        ('regime_context', strand.regime_context)
      ) as context(path, content)
      cross join lateral jsonb_to_recordset(learning.scope_faults(context.content))
        as fault(path text, message text)
    )) as errors
    from standing
    join public.ad_strands strand on strand.id = standing.id
  )
  select
    coalesce(jsonb_agg(to_jsonb(final) - 'errors') filter (where final.errors is null), '[]'),
    coalesce(jsonb_agg(to_jsonb(final)) filter (where final.errors is not null), '[]')
  into standing_accepted, standing_rejected
  from final;
end
$$;
comment on function learning.standing_verdicts(jsonb, jsonb) is
  'The verdicts that stand, their receipts locked; what was accepted but cannot be taken into a scope is '
  'among the rejected.';

create function learning.accept_strands(accepted jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.register_scope_values(array_agg(context.content))
  from jsonb_to_recordset(accepted) as verdict(id text)
  join public.ad_strands strand on strand.id = verdict.id
  cross join lateral (
    values (strand.content -> 'entry_context'), (strand.content -> 'scope'), (strand.regime_context)
  ) as context(content);

  update public.strand_receipts receipt
  set status = 'done', errors = '[]'::jsonb, next_attempt_at = null, processed_at = now()
  from jsonb_to_recordset(accepted) as verdict(id text)
  where receipt.strand_id = verdict.id;
end
$$;
comment on function learning.accept_strands(jsonb) is
  'Marks strands done, their values in the dictionary; what they change is applied next.';

create function public.apply_strands(p_accepted jsonb, p_rejected jsonb)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
-- A timestamp without an offset is UTC, whatever the session says.
set timezone = 'UTC'
-- Plans are kept as long as a connection lives, and one made while the tables were empty would scan them for
-- ever.
set enable_seqscan = off
set jit = off
as $$
declare
  deadline timestamptz;
  verdicts record;
  rejections integer;
  applied record;
begin
  if not learning.lock_subjects(p_accepted, p_rejected) then
    return jsonb_build_object('accepted', 0, 'rejected', 0, 'failed', 0,
      'postponed', learning.return_strands(p_accepted || p_rejected), 'contended', true);
  end if;
  deadline := clock_timestamp() + interval '3 seconds';
  perform learning.await_claims(p_accepted || p_rejected);
  verdicts := learning.standing_verdicts(p_accepted, p_rejected);
  rejections := learning.reject_strands(verdicts.standing_rejected);
  perform learning.accept_strands(verdicts.standing_accepted);
  applied := learning.apply_subjects(verdicts.standing_accepted, verdicts.standing_rejected, deadline);
  if applied.changed_from is not null then
    perform learning.replay_allocation(applied.changed_from);
  end if;
  perform learning.mark_groups_changed(applied.changed_groups);
  return jsonb_build_object(
    'accepted',
    jsonb_array_length(verdicts.standing_accepted) - applied.failed - cardinality(applied.postponed),
    'rejected', rejections, 'failed', applied.failed, 'postponed', cardinality(applied.postponed)
  );
end
$$;
comment on function public.apply_strands(jsonb, jsonb) is
  'Lets validated strands take effect, each trade in its own subtransaction, and marks refused ones '
  'rejected; contended where other batches hold their trades for so long that none was touched. For the '
  'edge functions.';

-- sql/48_claims.sql

-- Claims: due strands are leased to an edge function, as many as it can take.

create function learning.document_bytes(document jsonb)
returns integer
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  -- The path takes it out of its compressed form: a megabyte may be stored in a few thousand bytes.
  select pg_column_size(document #> '{}');
$$;
comment on function learning.document_bytes(jsonb) is 'How large a document is once it is unpacked.';

create function learning.choose_due_strands(most_strands integer, out chosen text[], out oversized jsonb)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  -- What one invocation takes at a time, and what it can take at all within its 256 MB.
  batch_bytes constant integer := 4000000;
  most_bytes constant integer := 16000000;
  due record;
  travels_alone boolean;
  size integer;
  bytes integer := 0;
begin
  chosen := '{}';
  oversized := '[]';
  -- One after the other, because unpacking documents only to find that they are too many takes longer than a
  -- statement may.
  for due in
    select receipt.strand_id, receipt.attempts, receipt.revision
    from public.strand_receipts receipt
    where receipt.status = 'pending' and receipt.next_attempt_at <= clock_timestamp()
    order by receipt.next_attempt_at, receipt.event_at, receipt.strand_id
    limit most_strands
    for update skip locked
  loop
    -- Claimed in vain three times: in case it is what brings its company down.
    travels_alone := due.attempts >= 3;
    exit when travels_alone and chosen <> '{}';
    select learning.document_bytes(strand.content) + learning.document_bytes(strand.regime_context) into size
    from public.ad_strands strand
    where strand.id = due.strand_id;
    if size > most_bytes then
      oversized := oversized || jsonb_build_object('id', due.strand_id, 'revision', due.revision,
        'errors', jsonb_build_array(jsonb_build_object('path', 'content', 'message',
          format('Too big: expected content and regime_context to have at most %s bytes and they have %s',
            most_bytes, size))));
      exit when jsonb_array_length(oversized) >= 20;
      continue;
    end if;
    exit when chosen <> '{}' and bytes + size > batch_bytes;
    bytes := bytes + size;
    chosen := chosen || due.strand_id;
    exit when travels_alone;
  end loop;
end
$$;
comment on function learning.choose_due_strands(integer) is
  'The due strands that the next batch takes, their receipts locked, and those that are too large for any, '
  'as verdicts.';

create function public.claim_strands(p_limit integer default 500)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
-- Times are handed out in UTC, whatever the session says: offsets of long ago have seconds.
set timezone = 'UTC'
-- Plans are kept as long as a connection lives, and one made while the tables were empty would scan them for
-- ever.
set enable_seqscan = off
set jit = off
as $$
declare
  due constant record := learning.choose_due_strands(p_limit);
begin
  if due.oversized <> '[]' then
    -- By the way of every refusal, because an earlier form of the strand may have taken effect.
    perform public.apply_strands('[]', due.oversized);
  end if;
  return (
    -- Documents as text, so that they arrive as they are: what carries them may not be able to hold their
    -- numbers or their depth.
    select coalesce(jsonb_agg(jsonb_build_object(
      'id', strand.id, 'revision', leased.revision, 'kind', strand.kind, 'module', strand.module,
      'created_at', strand.created_at, 'content', strand.content::text,
      'regime_context', strand.regime_context::text
    )), '[]')
    from learning.lease_receipts(due.chosen) as leased
    join public.ad_strands strand on strand.id = leased.strand_id
  );
end
$$;
comment on function public.claim_strands(integer) is
  'Leases due strands to the caller and returns them, their documents as text; a lease that is not answered '
  'lapses, each time later. For the edge functions.';

-- sql/50_lessons.sql

-- Lessons: what was learned, and how its edge developed.

create table public.learning_lessons (
  id bigint generated always as identity primary key,
  module text not null,
  pattern_key text not null,
  action_category text not null,
  scope_subset jsonb not null,
  scope_mask integer not null,
  lesson_type text not null check (lesson_type in ('pm_strength', 'tuning_rates', 'dm_alloc')),
  n integer not null,
  stats jsonb not null,
  edge_raw float8,
  p_value float8,
  q_value float8,
  decay_halflife_hours float8,
  status text not null check (status in ('candidate', 'active', 'deprecated')),
  first_active_at timestamptz,
  last_evidence_at timestamptz,
  updated_at timestamptz not null default now(),
  scope_digest text not null generated always as (md5(scope_subset::text)) stored,
  unique (module, pattern_key, action_category, scope_digest)
);
create index learning_lessons_active_idx on public.learning_lessons (module, pattern_key, action_category)
where status = 'active';
create index learning_lessons_status_idx on public.learning_lessons (lesson_type, status, id);
alter table public.learning_lessons enable row level security;
comment on table public.learning_lessons is 'What was learned: the statistics of one behaviour in one scope.';
comment on column public.learning_lessons.id is 'Identity.';
comment on column public.learning_lessons.module is 'Who acted: pm or dm.';
comment on column public.learning_lessons.pattern_key is 'Behaviour, dotted.';
comment on column public.learning_lessons.action_category is
  'entry, add, trim, exit, allocation, or tuning for gates.';
comment on column public.learning_lessons.scope_subset is
  'The scope: every trade behind the lesson contains it.';
comment on column public.learning_lessons.scope_mask is 'Dimensions of scope_subset as bits.';
comment on column public.learning_lessons.lesson_type is 'pm_strength, dm_alloc or tuning_rates.';
comment on column public.learning_lessons.n is 'Trades (for tuning: windows) behind it.';
comment on column public.learning_lessons.stats is
  'All statistics; outcomes in units of outcome_scale, times in hours.';
comment on column public.learning_lessons.edge_raw is
  'Edge against the baseline after decay; null for tuning.';
comment on column public.learning_lessons.p_value is
  'Two-sided p value of the difference to the baseline; null for tuning.';
comment on column public.learning_lessons.q_value is
  'Benjamini-Hochberg false discovery rate within the group; null for tuning.';
comment on column public.learning_lessons.decay_halflife_hours is
  'Half-life of the edge; null where it is stable or unknown.';
comment on column public.learning_lessons.status is
  'candidate; active when large and beyond luck; deprecated once it was active and no longer is.';
comment on column public.learning_lessons.first_active_at is 'When it first became active.';
comment on column public.learning_lessons.last_evidence_at is 'Close of the newest trade behind it.';
comment on column public.learning_lessons.updated_at is 'When the row changed last.';
comment on column public.learning_lessons.scope_digest is 'Short form of scope_subset for uniqueness.';

create table public.learning_edge_history (
  lesson_id bigint not null references public.learning_lessons (id) on delete cascade,
  ts timestamptz not null,
  edge float8 not null,
  n integer not null,
  primary key (lesson_id, ts)
);
alter table public.learning_edge_history enable row level security;
comment on table public.learning_edge_history is
  'How the edge of lessons that are or were active developed: one snapshot per run in which the evidence '
  'changed, the last 500 each.';
comment on column public.learning_edge_history.lesson_id is 'The lesson.';
comment on column public.learning_edge_history.ts is 'When the snapshot was taken.';
comment on column public.learning_edge_history.edge is 'Edge before decay.';
comment on column public.learning_edge_history.n is 'Trades behind it.';

create view public.pattern_scope_stats
with (security_invoker = true)
as
select lesson.id as lesson_id, lesson.module, lesson.pattern_key, lesson.action_category, lesson.scope_mask,
  lesson.scope_subset as scope_values, lesson.n, lesson.stats, lesson.updated_at
from public.learning_lessons lesson
where lesson.lesson_type <> 'tuning_rates' and lesson.status <> 'deprecated';
comment on view public.pattern_scope_stats is 'Lessons that hold, as mask, values, n and statistics.';
comment on column public.pattern_scope_stats.lesson_id is 'The lesson.';
comment on column public.pattern_scope_stats.module is 'Who acted: pm or dm.';
comment on column public.pattern_scope_stats.pattern_key is 'Behaviour, dotted.';
comment on column public.pattern_scope_stats.action_category is 'Category of the action.';
comment on column public.pattern_scope_stats.scope_mask is 'Dimensions of the scope as bits.';
comment on column public.pattern_scope_stats.scope_values is 'The scope.';
comment on column public.pattern_scope_stats.n is 'Trades behind it.';
comment on column public.pattern_scope_stats.stats is 'All statistics.';
comment on column public.pattern_scope_stats.updated_at is 'When the lesson changed last.';

create function learning.prune_edge_history(lesson_ids bigint[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  pruned integer;
begin
  delete from public.learning_edge_history snapshot
  using (
    select any_snapshot.lesson_id, any_snapshot.ts,
      row_number() over (partition by any_snapshot.lesson_id order by any_snapshot.ts desc) as age
    from public.learning_edge_history any_snapshot
    where any_snapshot.lesson_id = any (lesson_ids)
  ) as ranked
  where snapshot.lesson_id = ranked.lesson_id and snapshot.ts = ranked.ts and ranked.age > 500;
  get diagnostics pruned = row_count;
  return pruned;
end
$$;
comment on function learning.prune_edge_history(bigint[]) is
  'Deletes all but the last 500 snapshots of some lessons; returns how many.';

-- sql/52_mining.sql

-- Mining: which groups are due, what they are compared with, and who is at work on them.

create table learning.baselines (
  action_category text primary key,
  n integer not null,
  mean float8 not null,
  winsorised_mean float8 not null,
  sigma float8 not null,
  lower_bound float8 not null,
  upper_bound float8 not null,
  measured_at timestamptz not null default now()
);
alter table learning.baselines enable row level security;
comment on table learning.baselines is 'What slices are compared with, measured at the start of each cycle.';
comment on column learning.baselines.action_category is
  'Category whose trades it covers; empty for all trades.';
comment on column learning.baselines.n is 'Distinct trades.';
comment on column learning.baselines.mean is 'Mean outcome.';
comment on column learning.baselines.winsorised_mean is 'Mean of the winsorised outcomes.';
comment on column learning.baselines.sigma is 'Population standard deviation of the winsorised outcomes.';
comment on column learning.baselines.lower_bound is '2 % quantile of the outcomes.';
comment on column learning.baselines.upper_bound is '98 % quantile of the outcomes.';
comment on column learning.baselines.measured_at is 'When it was measured.';

create function learning.mining_settings_digest()
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select md5(concat_ws(' ',
    (
      select jsonb_build_object(
        'outcome', effective_config.config -> 'outcome',
        'outcome_scale', effective_config.config -> 'outcome_scale',
        'n_min', effective_config.config -> 'n_min',
        'edge_min', effective_config.config -> 'edge_min',
        'incremental_min', effective_config.config -> 'incremental_min',
        'max_q_value', effective_config.config -> 'max_q_value',
        'cluster', effective_config.config -> 'cluster',
        'baseline', effective_config.config -> 'baseline',
        'selection', effective_config.config -> 'selection',
        'max_lessons_per_group', effective_config.config -> 'max_lessons_per_group',
        'decay', effective_config.config -> 'decay',
        'roi_scale', effective_config.config #> '{steering,roi_scale}',
        'relative', effective_config.config #> '{steering,relative}',
        'lookback_days', effective_config.config #> '{tuning,lookback_days}'
      )::text
      from learning.effective_configs effective_config
      where effective_config.module_id = 'pm'
    ),
    (
      select string_agg(dimension.dim || '=' || dimension.bit, ',' order by dimension.bit)
      from public.scope_dimensions dimension
    )
  ));
$$;
comment on function learning.mining_settings_digest() is
  'Digest of all that mining depends on besides the events: its configuration and the registry.';

create function learning.measure_baselines()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  config jsonb := learning.config();
begin
  with outcomes as materialized (
    select trade.action_categories,
      case config ->> 'outcome' when 'rr' then trade.rr else trade.roi end
        / (config ->> 'outcome_scale')::float8 as y
    from learning.closed_trades trade
    where trade.action_categories <> '{}'
  ),
  populations as (
    select '' as action_category, outcomes.y from outcomes
    union all
    select category.name, outcomes.y
    from outcomes
    cross join lateral unnest(outcomes.action_categories) as category(name)
    where config ->> 'baseline' = 'category'
  ),
  bounds as (
    select populations.action_category, count(*)::integer as n, avg(populations.y) as mean,
      percentile_cont(array[0.02, 0.98]) within group (order by populations.y) as bound
    from populations
    group by populations.action_category
  ),
  measured as (
    select bounds.action_category, bounds.n, bounds.mean, bounds.bound,
      avg(least(greatest(populations.y, bounds.bound[1]), bounds.bound[2])) as winsorised_mean,
      coalesce(stddev_pop(least(greatest(populations.y, bounds.bound[1]), bounds.bound[2])), 0) as sigma
    from bounds
    join populations using (action_category)
    group by bounds.action_category, bounds.n, bounds.mean, bounds.bound
  ),
  removed as (
    delete from learning.baselines baseline
    where not exists (select from measured where measured.action_category = baseline.action_category)
  )
  insert into learning.baselines (
    action_category, n, mean, winsorised_mean, sigma, lower_bound, upper_bound
  )
  select measured.action_category, measured.n, measured.mean, measured.winsorised_mean, measured.sigma,
    measured.bound[1], measured.bound[2]
  from measured
  on conflict (action_category) do update set
    n = excluded.n, mean = excluded.mean, winsorised_mean = excluded.winsorised_mean, sigma = excluded.sigma,
    lower_bound = excluded.lower_bound, upper_bound = excluded.upper_bound, measured_at = now();
end
$$;
comment on function learning.measure_baselines() is
  'Measures the baselines over all distinct trades that have an event.';

create function learning.baseline_of(group_category text)
returns learning.baselines
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select baseline.*
  from learning.baselines baseline
  where baseline.action_category
    = case learning.config() ->> 'baseline' when 'category' then group_category else '' end;
$$;
comment on function learning.baseline_of(text) is
  'The baseline that a group of the given category is compared with.';

create function learning.due_groups(p_family text)
returns setof bigint
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select mining_group.id
  from learning.mining_groups mining_group
  join learning.mining_cycles cycle on cycle.family = mining_group.family
  left join lateral learning.baseline_of(mining_group.action_category) as baseline
    on mining_group.family = 'strength'
  where mining_group.family = p_family
    and (
      mining_group.run is not null
      -- Events that came after the cycle began wait for the next one.
      or mining_group.mined_version < mining_group.evidence_version and mining_group.mined_cycle < cycle.cycle
      or mining_group.mined_settings is distinct from (select learning.mining_settings_digest())
      or abs(baseline.mean - mining_group.mined_baseline) > 0.01 * baseline.sigma
      or mining_group.mined_at < now() - interval '1 day'
    );
$$;
comment on function learning.due_groups(text) is
  'Groups whose run is under way or whose events, configuration, registry or baseline changed, or that were '
  'not mined for a day.';

create function public.start_mining(p_family text)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  due bigint[];
begin
  -- Holding the row keeps a second cycle from beginning on baselines that are being measured.
  update learning.mining_cycles cycle
  set cycle = cycle.cycle + 1, started_at = now()
  where cycle.family = p_family;
  update learning.mining_cycles cycle
  set last_event_id = case p_family
    when 'tuning' then (select coalesce(max(episode.id), 0) from public.pattern_episode_events episode)
    else (select coalesce(max(event.id), 0) from public.pattern_trade_events event)
  end
  where cycle.family = p_family;
  if p_family = 'strength' then
    perform learning.measure_baselines();
  end if;
  -- Due groups are marked, so that the sweep finds those that no invocation came to. Every writer takes the
  -- rows in the same order and none deadlocks.
  due := array(
    select mining_group.id from learning.mining_groups mining_group
    where mining_group.id in (select learning.due_groups(p_family))
    order by mining_group.module, mining_group.pattern_key, mining_group.action_category
    for update
  );
  update learning.mining_groups mining_group
  set run = coalesce(mining_group.run, '{}'::jsonb)
  where mining_group.id = any (due);
  return cardinality(due);
end
$$;
comment on function public.start_mining(text) is
  'Begins a mining cycle: measures the baselines, marks the groups that are due and returns how many. For '
  'the edge functions.';

create function learning.registered_dimensions()
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_agg(jsonb_build_object('bit', dimension.bit, 'dim', dimension.dim) order by dimension.bit)
  from public.scope_dimensions dimension;
$$;
comment on function learning.registered_dimensions() is
  'The registry as a run keeps it from beginning to end: bit and name of each dimension.';

create function learning.begin_run(mining_group learning.mining_groups)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'started_at', now(),
    'cycle', cycle.cycle,
    'last_event_id', cycle.last_event_id,
    'evidence_version', mining_group.evidence_version,
    'settings', learning.mining_settings_digest(),
    'config', learning.config(),
    'baseline', (
      select to_jsonb(baseline) - 'action_category' - 'measured_at'
      from learning.baseline_of(mining_group.action_category) as baseline
      where baseline.n is not null
    ),
    'dimensions', learning.registered_dimensions()
  )
  from learning.mining_cycles cycle
  where cycle.family = mining_group.family;
$$;
comment on function learning.begin_run(learning.mining_groups) is
  'What a run of a group works with from beginning to end, however many invocations it takes.';

create function public.claim_mining_group(p_family text)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  claimed learning.mining_groups;
begin
  select mining_group.* into claimed
  from learning.mining_groups mining_group
  where mining_group.id in (select learning.due_groups(p_family))
    and learning.is_leased(mining_group.leased_until) is not true
  order by mining_group.progress is null, mining_group.mined_at nulls first, mining_group.id
  limit 1
  for update skip locked;
  if claimed.id is null then
    return null;
  end if;
  update learning.mining_groups mining_group
  set lease_token = gen_random_uuid(),
    leased_until = learning.lease_end(),
    -- Without progress there is nothing to go on with: it begins with what holds now.
    run = case
      when mining_group.progress is null then learning.begin_run(mining_group)
      else mining_group.run
    end
  where mining_group.id = claimed.id
  returning mining_group.* into claimed;
  return jsonb_build_object(
    'group_id', claimed.id, 'lease_token', claimed.lease_token, 'lesson_type', claimed.lesson_type,
    'module', claimed.module, 'pattern_key', claimed.pattern_key, 'action_category', claimed.action_category,
    'run', claimed.run, 'progress', claimed.progress
  );
end
$$;
comment on function public.claim_mining_group(text) is
  'Leases one due group to the caller, with what its run works with and where it has got to; null where none '
  'is left. For the edge functions.';

create function learning.require_lease(p_group_id bigint, p_lease_token uuid)
returns learning.mining_groups
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  leased_group learning.mining_groups;
begin
  select mining_group.* into leased_group
  from learning.mining_groups mining_group
  where mining_group.id = p_group_id and mining_group.lease_token = p_lease_token
  for update;
  if leased_group.id is null then
    perform learning.refuse_lost_lease(p_lease_token, format('mining group %s', p_group_id));
  end if;
  return leased_group;
end
$$;
comment on function learning.require_lease(bigint, uuid) is
  'The group that is leased for mining, or an error where the lease passed on.';

create function public.save_mining_progress(p_group_id bigint, p_lease_token uuid, p_progress jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.require_lease(p_group_id, p_lease_token);
  update learning.mining_groups mining_group
  set progress = p_progress, lease_token = null, leased_until = null
  where mining_group.id = p_group_id;
end
$$;
comment on function public.save_mining_progress(bigint, uuid, jsonb) is
  'Writes down where a run has got to and gives the group back for the next invocation. For the edge '
  'functions.';

create function public.restart_mining_group(p_group_id bigint, p_lease_token uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.require_lease(p_group_id, p_lease_token);
  update learning.mining_groups mining_group
  set run = '{}'::jsonb, progress = null, lease_token = null, leased_until = null
  where mining_group.id = p_group_id;
end
$$;
comment on function public.restart_mining_group(bigint, uuid) is
  'Gives up a run whose events were corrected under way; the group is due again from the beginning. For the '
  'edge functions.';

-- sql/53_packed_columns.sql

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

-- sql/54_mining_reads.sql

-- Mining reads: a group's events in packed columns, and what earlier runs found.

create function public.read_mining_group(p_group_id bigint)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  read_group learning.mining_groups;
  packed jsonb;
begin
  select mining_group.* into read_group
  from learning.mining_groups mining_group
  where mining_group.id = p_group_id;
  execute format(
    $query$
      select jsonb_build_object('rows', count(*)::integer, %s, %s, %s, 'dimensions', jsonb_build_object(%s))
      from (
        select first_event.*
        from (
          select distinct on (event.trade_id) event.*
          from public.pattern_trade_events event
          where event.module = $1 and event.pattern_key = $2 and event.action_category = $3 and event.id <= $4
          order by event.trade_id, event.acted_at, event.action_strand_id collate "C"
        ) as first_event
        order by first_event.traded_at, first_event.trade_id collate "C"
      ) as packed_row
    $query$,
    learning.packed_columns('float8', array[
      'roi', 'rr', 'duration_hours', 'time_to_s3_hours', 'could_enter_better', 'could_exit_better'
    ]),
    learning.packed_columns('timestamptz', array['acted_at', 'traded_at']),
    learning.packed_columns('boolean', array['did_trim', 'reached_s3']),
    learning.packed_codes('integer')
  )
  into packed
  using read_group.module, read_group.pattern_key, read_group.action_category,
    (read_group.run ->> 'last_event_id')::bigint;
  return packed;
end
$$;
comment on function public.read_mining_group(bigint) is
  'A group''s trades in packed columns, one row per trade by its first action, oldest close first. For the '
  'edge functions.';

create function public.read_module_trades(p_module text)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  packed jsonb;
begin
  execute format(
    $query$
      select jsonb_build_object(%s, %s)
      from (
        select distinct on (event.trade_id) event.roi, event.did_trim, event.reached_s3
        from public.pattern_trade_events event
        where event.module = $1
        order by event.trade_id
      ) as packed_row
    $query$,
    learning.packed_columns('float8', array['roi']),
    learning.packed_columns('boolean', array['did_trim', 'reached_s3'])
  )
  into packed
  using p_module;
  return packed;
end
$$;
comment on function public.read_module_trades(text) is
  'What posture is judged by, of every distinct trade of a module, in packed columns. For the edge '
  'functions.';

create function public.read_edge_history(p_group_id bigint)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(
    jsonb_build_object('scope_subset', series.scope_subset, 'ts', series.ts, 'edge', series.edge)
  ), '[]'::jsonb)
  from (
    select lesson.scope_subset,
      jsonb_agg(extract(epoch from snapshot.ts)::float8 * 1000 order by snapshot.ts) as ts,
      jsonb_agg(snapshot.edge order by snapshot.ts) as edge
    from learning.mining_groups mining_group
    join public.learning_lessons lesson using (module, pattern_key, action_category)
    join public.learning_edge_history snapshot on snapshot.lesson_id = lesson.id
    where mining_group.id = p_group_id
    group by lesson.id, lesson.scope_subset
  ) as series;
$$;
comment on function public.read_edge_history(bigint) is
  'Earlier snapshots of the edges of a group''s lessons, oldest first. For the edge functions.';

-- sql/56_mining_results.sql

-- Mining results: the lessons of a finished run, written all at once.

create type learning.lesson_change as (
  outcome text,
  lesson_id bigint,
  event text,
  has_new_evidence boolean
);
comment on type learning.lesson_change is 'What a finished run did to one lesson.';
comment on column learning.lesson_change.outcome is
  'written where it was found and is new or changed; deprecated or deleted where it was no longer found.';
comment on column learning.lesson_change.lesson_id is 'The lesson.';
comment on column learning.lesson_change.event is
  'lesson_activated, lesson_deprecated, or null where it is as active as it was.';
comment on column learning.lesson_change.has_new_evidence is
  'Whether its edge is to be remembered: it is or was active, and other trades are behind it than before.';

create function learning.status_of_found(status text, first_active_at timestamptz)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when status = 'candidate' and first_active_at is not null then 'deprecated' else status end;
end
$$;
comment on function learning.status_of_found(text, timestamptz) is
  'Status of a lesson that was found again: one that was active once is no candidate any more.';

create function learning.write_lessons(leased_group learning.mining_groups, lessons jsonb)
returns setof learning.lesson_change
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  with found as materialized (
    select given.*, md5(given.scope_subset::text) as scope_digest
    from jsonb_to_recordset(lessons) as given(
      scope_subset jsonb, n integer, stats jsonb, edge_raw float8, p_value float8, q_value float8,
      decay_halflife_hours float8, status text, last_evidence_at timestamptz
    )
  ),
  -- Not in rather than not exists: it is hashed however few rows are expected, and the other would compare
  -- all with all.
  missing as materialized (
    select lesson.id, lesson.status
    from public.learning_lessons lesson
    where (lesson.module, lesson.pattern_key, lesson.action_category)
      = (leased_group.module, leased_group.pattern_key, leased_group.action_category)
      and lesson.scope_digest not in (select found.scope_digest from found)
  ),
  written as (
    insert into public.learning_lessons as lesson (
      module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n, stats, edge_raw,
      p_value, q_value, decay_halflife_hours, status, first_active_at, last_evidence_at
    )
    select leased_group.module, leased_group.pattern_key, leased_group.action_category, found.scope_subset,
      learning.scope_mask(found.scope_subset), leased_group.lesson_type, found.n, found.stats, found.edge_raw,
      found.p_value, found.q_value, found.decay_halflife_hours, found.status,
      case when found.status = 'active' then now() end, found.last_evidence_at
    from found
    on conflict (module, pattern_key, action_category, scope_digest) do update set
      n = excluded.n, stats = excluded.stats, edge_raw = excluded.edge_raw, p_value = excluded.p_value,
      q_value = excluded.q_value, decay_halflife_hours = excluded.decay_halflife_hours,
      status = learning.status_of_found(excluded.status, lesson.first_active_at),
      first_active_at = coalesce(lesson.first_active_at, excluded.first_active_at),
      last_evidence_at = excluded.last_evidence_at, updated_at = now()
    where (lesson.n, lesson.stats, lesson.edge_raw, lesson.p_value, lesson.q_value,
        lesson.decay_halflife_hours, lesson.last_evidence_at, lesson.status)
      is distinct from (excluded.n, excluded.stats, excluded.edge_raw, excluded.p_value, excluded.q_value,
        excluded.decay_halflife_hours, excluded.last_evidence_at,
        learning.status_of_found(excluded.status, lesson.first_active_at))
    returning lesson.*
  ),
  deprecated as (
    update public.learning_lessons lesson
    set status = 'deprecated', updated_at = now()
    from missing
    where lesson.id = missing.id and missing.status = 'active'
    returning lesson.id
  ),
  deleted as (
    delete from public.learning_lessons lesson
    using missing
    where lesson.id = missing.id and missing.status = 'candidate'
    returning lesson.id
  )
  select 'written', written.id,
    case
      when written.status = 'active' and former_lesson.status is distinct from 'active'
        then 'lesson_activated'
      when written.status = 'deprecated' and former_lesson.status = 'active' then 'lesson_deprecated'
    end,
    written.first_active_at is not null and written.stats ? 'edge_before_decay'
      and (former_lesson.first_active_at is null
        or (former_lesson.n, former_lesson.last_evidence_at, former_lesson.stats -> 'avg')
          is distinct from (written.n, written.last_evidence_at, written.stats -> 'avg'))
  from written
  -- The row as it was before this statement, which is all that its other parts see.
  left join public.learning_lessons former_lesson on former_lesson.id = written.id
  union all
  select 'deprecated', deprecated.id, 'lesson_deprecated', false from deprecated
  union all
  select 'deleted', deleted.id, null, false from deleted;
end
$$;
comment on function learning.write_lessons(learning.mining_groups, jsonb) is
  'Writes the lessons that a run found, as far as they changed, takes back those it did not find, and '
  'returns what it did.';

create function learning.remember_edges(changes learning.lesson_change[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  remembered bigint[];
begin
  with snapshots as (
    insert into public.learning_edge_history as snapshot (lesson_id, ts, edge, n)
    select lesson.id, now(), (lesson.stats ->> 'edge_before_decay')::float8, lesson.n
    from unnest(changes) as change
    join public.learning_lessons lesson on lesson.id = change.lesson_id
    where change.has_new_evidence
    on conflict (lesson_id, ts) do nothing
    returning snapshot.lesson_id
  )
  select coalesce(array_agg(snapshots.lesson_id), '{}') into remembered from snapshots;
  perform learning.prune_edge_history(remembered);
  return cardinality(remembered);
end
$$;
comment on function learning.remember_edges(learning.lesson_change[]) is
  'Takes a snapshot of the edge of each lesson with new evidence; returns of how many.';

create function learning.log_lessons(changes learning.lesson_change[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  logged integer;
begin
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'mine-lessons', change.event,
    format('%s %s %s in %s: n=%s edge=%s q=%s',
      case change.event when 'lesson_activated' then 'Active' else 'No longer active' end,
      lesson.pattern_key, lesson.action_category, lesson.scope_subset, lesson.n,
      round(lesson.edge_raw::numeric, 4), lesson.q_value),
    jsonb_build_object('pattern_key', lesson.pattern_key, 'action_category', lesson.action_category,
      'scope_subset', lesson.scope_subset, 'n', lesson.n, 'edge_raw', lesson.edge_raw,
      'q_value', lesson.q_value)
  from unnest(changes) as change
  join public.learning_lessons lesson on lesson.id = change.lesson_id
  where change.event is not null;
  get diagnostics logged = row_count;
  return logged;
end
$$;
comment on function learning.log_lessons(learning.lesson_change[]) is
  'Tells which lessons became active and which no longer are; returns how many.';

create function learning.end_run(leased_group learning.mining_groups)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  ended_run constant jsonb := leased_group.run;
  last_event_id constant bigint := (ended_run ->> 'last_event_id')::bigint;
  has_later_events boolean;
begin
  -- Events that came between the beginning of the cycle and that of the run are not in it and keep the group
  -- due.
  has_later_events := case leased_group.family
    when 'tuning' then exists (
      select from public.pattern_episode_events episode
      where episode.pattern_key = leased_group.pattern_key and episode.id > last_event_id
    )
    else exists (
      select from public.pattern_trade_events event
      where event.module = leased_group.module and event.pattern_key = leased_group.pattern_key
        and event.action_category = leased_group.action_category and event.id > last_event_id
    )
  end;
  update learning.mining_groups mining_group
  set mined_version = (ended_run ->> 'evidence_version')::bigint - has_later_events::integer,
    mined_cycle = (ended_run ->> 'cycle')::bigint, mined_at = now(),
    mined_settings = ended_run ->> 'settings',
    mined_baseline = (ended_run #>> '{baseline,mean}')::float8,
    run = null, progress = null, lease_token = null, leased_until = null
  where mining_group.id = leased_group.id;
end
$$;
comment on function learning.end_run(learning.mining_groups) is
  'Notes what a group was mined on and gives it back.';

create function learning.count_outcomes(changes learning.lesson_change[])
returns jsonb
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'written', count(*) filter (where change.outcome = 'written'),
    'deprecated', count(*) filter (where change.outcome = 'deprecated'),
    'deleted', count(*) filter (where change.outcome = 'deleted')
  )
  from unnest(changes) as change;
$$;
comment on function learning.count_outcomes(learning.lesson_change[]) is
  'How many lessons a run wrote, deprecated and deleted.';

create function public.finish_mining_group(p_group_id bigint, p_lease_token uuid, p_lessons jsonb)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  leased_group constant learning.mining_groups := learning.require_lease(p_group_id, p_lease_token);
  changes learning.lesson_change[];
  snapshots integer;
  logged integer;
begin
  changes := array(select change from learning.write_lessons(leased_group, p_lessons) as change);
  snapshots := learning.remember_edges(changes);
  logged := learning.log_lessons(changes);
  perform learning.end_run(leased_group);
  return learning.count_outcomes(changes) || jsonb_build_object('snapshots', snapshots, 'logged', logged);
end
$$;
comment on function public.finish_mining_group(bigint, uuid, jsonb) is
  'Writes the lessons of a finished run all at once, drops what was no longer found and ends the lease. For '
  'the edge functions.';

-- sql/60_overrides.sql

-- Overrides: lessons made actionable, and the ones a person sets by hand.

-- Numbers are refused where the formulas would leave the range of float8; NaN lies above every bound.

create table public.pm_overrides (
  id bigint generated by default as identity primary key,
  override_type text not null check (override_type in ('pm_strength', 'pm_tuning', 'dm_alloc')),
  pattern_key text not null check (pattern_key <> ''),
  action_category text not null check (action_category <> ''),
  scope_subset jsonb not null check (jsonb_typeof(scope_subset) = 'object'),
  scope_mask integer not null default 0,
  multiplier float8 default 1.0 check (multiplier between 1e-6 and 1e6),
  dir_a float8 not null default 0 check (dir_a between -2 and 2),
  dir_e float8 not null default 0 check (dir_e between -2 and 2),
  value float8 check (value between -1e6 and 1e6),
  edge_raw float8 not null default 0 check (edge_raw between -1e6 and 1e6),
  n integer not null default 0 check (n >= 0),
  variance float8 not null default 0 check (variance between 0 and 1e12),
  confidence_score float8 check (confidence_score between 0 and 1),
  decay_state text not null default 'insufficient'
    check (decay_state in ('insufficient', 'stable', 'improving', 'decaying')),
  half_life_hours float8 check (half_life_hours between 1 and 1e9),
  lesson_id bigint,
  enabled boolean not null default true,
  disabled_by text check (disabled_by in ('loop', 'user')),
  disabled_reason text,
  first_active_at timestamptz not null default now(),
  last_evidence_at timestamptz check (isfinite(last_evidence_at)),
  last_updated_at timestamptz not null default now(),
  scope_digest text not null generated always as (md5(scope_subset::text)) stored,
  unique (override_type, pattern_key, action_category, scope_digest)
)
-- Room in each page: the hourly changes of values touch no index then.
with (fillfactor = 85);
create index pm_overrides_lesson_idx on public.pm_overrides (lesson_id) where lesson_id is not null;
alter table public.pm_overrides enable row level security;

comment on table public.pm_overrides is
  'What sizing acts on: active lessons made actionable, and overrides set by hand.';
comment on column public.pm_overrides.id is 'Identity; larger is newer.';
comment on column public.pm_overrides.override_type is
  'pm_strength steers sizes, pm_tuning moves gates and levers, dm_alloc moves allocation.';
comment on column public.pm_overrides.pattern_key is 'Behaviour it applies to, dotted.';
comment on column public.pm_overrides.action_category is
  'Action it applies to; for tuning the lever, for example tuning_halo.';
comment on column public.pm_overrides.scope_subset is 'Applies to every candidate whose scope contains this.';
comment on column public.pm_overrides.scope_mask is 'Dimensions of scope_subset as bits; kept by a trigger.';
comment on column public.pm_overrides.multiplier is 'Factor on the size, or on the lever; from 1e-6 to 1e6.';
comment on column public.pm_overrides.dir_a is
  'Direction for the appetite to add, -1 to 1; -2 to 2 where it is measured against the module''s own.';
comment on column public.pm_overrides.dir_e is
  'Direction for the assertiveness to exit, -1 to 1; -2 to 2 where it is measured against the module''s own.';
comment on column public.pm_overrides.value is
  'Additive change or target of the lever; from -1e6 to 1e6.';
comment on column public.pm_overrides.edge_raw is 'Edge it rests on; from -1e6 to 1e6.';
comment on column public.pm_overrides.n is 'Trades it rests on.';
comment on column public.pm_overrides.variance is 'Variance of their outcomes; up to 1e12.';
comment on column public.pm_overrides.confidence_score is 'Trust in it, 0 to 1; null counts 0.5.';
comment on column public.pm_overrides.decay_state is 'Whether the edge is stable, improving or decaying.';
comment on column public.pm_overrides.half_life_hours is
  'Half-life of the edge, from 1 hour to 1e9; null where unknown.';
comment on column public.pm_overrides.lesson_id is
  'Lesson it was made from; null: made by hand and never touched by the loop.';
comment on column public.pm_overrides.enabled is 'Whether it acts.';
comment on column public.pm_overrides.disabled_by is
  'Who switched it off: the loop, or a user, whose word stands.';
comment on column public.pm_overrides.disabled_reason is 'Why it was switched off.';
comment on column public.pm_overrides.first_active_at is 'When it first acted.';
comment on column public.pm_overrides.last_evidence_at is
  'Close of the newest trade behind it; it fades from there.';
comment on column public.pm_overrides.last_updated_at is 'When the row was written last.';
comment on column public.pm_overrides.scope_digest is 'Short form of scope_subset for uniqueness.';

create function learning.override_scope(pattern_key text, scope jsonb)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  unknown text;
begin
  select string_agg(quote_literal(pair.key), ', ') into unknown
  from jsonb_object_keys(scope) as pair(key)
  where not exists (
    select from public.scope_dimensions dimension
    where dimension.dim = pair.key or pair.key = any (dimension.aliases)
  );
  -- Dropping a dimension would widen the override to candidates it was never meant for.
  if unknown is not null then
    raise exception using
      errcode = '22023',
      message = format('Override for %L names unregistered dimensions: %s', pattern_key, unknown),
      hint = 'Register them in scope_dimensions first, or leave them out of scope_subset.';
  end if;
  return public.unified_scope(scope, null, null);
end
$$;
comment on function learning.override_scope(text, jsonb) is
  'The scope of an override in its normal form; refuses unregistered dimensions.';

create function learning.write_normalise_override()
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $write$
begin
  execute format(
    $definition$
      create or replace function learning.normalise_override()
      returns trigger
      language plpgsql
      set search_path = pg_catalog, pg_temp
      as $normalise$
      begin
        if tg_op = 'UPDATE' then
          new.last_updated_at := now();
          -- Nearly every update writes other values only.
          if (
            new.scope_subset, new.scope_mask, new.pattern_key, new.enabled, new.disabled_by,
            new.disabled_reason, new.id
          ) is not distinct from (
            old.scope_subset, old.scope_mask, old.pattern_key, old.enabled, old.disabled_by,
            old.disabled_reason, old.id
          ) then
            return new;
          end if;
          if new.id is distinct from old.id then
            raise exception using
              errcode = '22023',
              message = format('Override %%s cannot become %%s', old.id, new.id),
              hint = 'What was logged of it names its id. Insert another override instead.';
          end if;
        end if;
        declare
          scope constant jsonb := new.scope_subset;
          written constant text := scope::text;
        begin
          new.scope_mask := %s;
          -- Nearly every row is in its normal form, and each further look into one of so many columns costs.
          if new.scope_mask is not null and new.enabled and new.disabled_by is null
            and new.disabled_reason is null
            and not new.pattern_key ^@ 'module=' and new.pattern_key = btrim(new.pattern_key) then
            return new;
          end if;
          -- No scope at all is refused by its column; the empty one would be every candidate's.
          if new.scope_mask is null and scope is not null then
            -- One that stays may name dimensions that were taken out: it can be switched off all the same.
            if tg_op = 'INSERT' or scope is distinct from old.scope_subset then
              new.scope_subset := learning.override_scope(new.pattern_key, scope);
            end if;
            new.scope_mask := learning.scope_mask(new.scope_subset);
          end if;
        end;
        new.pattern_key := learning.dotted_pattern_key(new.pattern_key);
        if new.enabled then
          new.disabled_by := null;
          new.disabled_reason := null;
        elsif new.disabled_by is null then
          new.disabled_by := 'user';
        end if;
        return new;
      end
      $normalise$
    $definition$,
    learning.normal_scope_mask_expression()
  );
end
$write$;
comment on function learning.write_normalise_override() is
  'Writes learning.normalise_override with the registered dimensions in it: it is called for every row, and '
  'a call within it took a fifth of its time.';
do $$
begin
  perform learning.write_normalise_override();
end
$$;
comment on function learning.normalise_override() is
  'Stores key and scope in their normal form, and notes who disabled an override and when it was written.';
create trigger normalise_override before insert or update on public.pm_overrides
for each row execute function learning.normalise_override();
comment on trigger normalise_override on public.pm_overrides is
  'Stores key and scope in their normal form, and notes who disabled an override and when it was written.';

create function learning.clear_override_of_dust()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.dir_a := learning.without_dust(new.dir_a);
  new.dir_e := learning.without_dust(new.dir_e);
  new.value := learning.without_dust(new.value);
  new.edge_raw := learning.without_dust(new.edge_raw);
  new.variance := learning.without_dust(new.variance);
  new.confidence_score := learning.without_dust(new.confidence_score);
  return new;
end
$$;
comment on function learning.clear_override_of_dust() is 'Stores numbers that are next to nothing as 0.';
-- In the condition, which takes nothing that could be measured: the same look at the six columns within
-- learning.normalise_override took a twentieth of an upsert.
create trigger clear_override_of_dust before insert or update on public.pm_overrides
for each row
when (
  least(
    nullif(abs(new.dir_a), 0), nullif(abs(new.dir_e), 0), nullif(abs(new.value), 0),
    nullif(abs(new.edge_raw), 0), nullif(new.variance, 0), nullif(new.confidence_score, 0)
  ) < 1e-12
)
execute function learning.clear_override_of_dust();
comment on trigger clear_override_of_dust on public.pm_overrides is
  'A number nearer to 0 than 1e-12 counts as 0, or products of such would leave the range of numbers.';

create function learning.adapt_overrides()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Whoever is writing overrides has put into their masks what was registered before.
  lock table public.pm_overrides in share row exclusive mode;
  perform learning.write_normalise_override();
  if tg_op = 'INSERT' then
    -- A dimension that was taken out and registered anew may have another bit.
    update public.pm_overrides override
    set scope_mask = learning.scope_mask(override.scope_subset)
    where override.scope_subset ?| array(select dimension.dim from new_dimensions dimension)
      and override.scope_mask <> learning.scope_mask(override.scope_subset);
  end if;
  return null;
end
$$;
comment on function learning.adapt_overrides() is
  'Brings what knows the overrides'' dimensions in line with those that are registered.';
create trigger adapt_overrides_to_new_dimensions after insert on public.scope_dimensions
referencing new table as new_dimensions
for each statement execute function learning.adapt_overrides();
comment on trigger adapt_overrides_to_new_dimensions on public.scope_dimensions is
  'Overrides know a dimension as soon as it is registered.';
create trigger adapt_overrides_to_fewer_dimensions after delete or truncate on public.scope_dimensions
for each statement execute function learning.adapt_overrides();
comment on trigger adapt_overrides_to_fewer_dimensions on public.scope_dimensions is
  'Overrides know a dimension no longer once it is taken out.';

-- sql/61_override_weights.sql

-- Weights of overrides: how much one counts, how it fades, where it acts, and what it makes of a size.

create function learning.specificity(pairs integer)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return power(pairs + 1::float8, 1.5);
end
$$;
comment on function learning.specificity(integer) is 'How much an override counts for naming so many pairs.';

create function learning.confidence_or_default(confidence float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(confidence, 0.5);
end
$$;
comment on function learning.confidence_or_default(float8) is
  'Confidence of an override; what it counts where none was given.';

create function learning.fade(as_of timestamptz, last_evidence_at timestamptz, half_life_hours float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Not the difference of the times: between the first and the last that Postgres knows there is none.
  age_seconds constant float8 :=
    extract(epoch from as_of)::float8 - extract(epoch from last_evidence_at)::float8;
begin
  -- What is left at -500 no answer shows, and times the least of weights it is within the range of numbers.
  -- Of an unknown age least and greatest take no notice.
  return exp(greatest(-500, least(0, -ln(2::float8) * age_seconds / 3600 / half_life_hours)));
end
$$;
comment on function learning.fade(timestamptz, timestamptz, float8) is
  'How much of an override still acts: 1 while its evidence is new or its age unknown, halved with each '
  'half-life since.';

create function learning.faded(value float8, neutral float8, fade float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return neutral + (value - neutral) * fade;
end
$$;
comment on function learning.faded(float8, float8, float8) is
  'What an override says once it has faded: the rest of the way from neutral.';

create function learning.overrides_enabled(override_type text, config jsonb)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (config -> 'flags' -> case override_type
    when 'pm_strength' then 'learning_overrides_enabled'
    when 'pm_tuning' then 'tuning_overrides_enabled'
    when 'dm_alloc' then 'dm_alloc_overrides_enabled'
  end)::boolean;
end
$$;
comment on function learning.overrides_enabled(text, jsonb) is 'Whether overrides of a type are switched on.';

create function learning.overrides_act(override_type text, scope jsonb, config jsonb)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  regimes constant jsonb := config -> 'flags' -> 'learning_overrides_enabled_regimes';
begin
  return learning.overrides_enabled(override_type, config)
    and (regimes = 'null' or coalesce(regimes ? (scope ->> 'macro_phase'), false));
end
$$;
comment on function learning.overrides_act(text, jsonb, jsonb) is
  'Whether overrides of a type act in a scope: they are switched on, and its macro phase is one in which '
  'overrides act.';

create function learning.multiplier_bounds(override_type text, out lowest float8, out highest float8)
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  case override_type
    when 'pm_strength' then lowest := 0.3; highest := 3;
    when 'dm_alloc' then lowest := 0.7; highest := 1.3;
  end case;
end
$$;
comment on function learning.multiplier_bounds(text) is
  'Between what the factor of overrides of a type stays: of one as of all together.';

create function learning.multiplier_within_bounds(override_type text, multiplier float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  bounds constant record := learning.multiplier_bounds(override_type);
begin
  return learning.clamp(multiplier, bounds.lowest, bounds.highest);
end
$$;
comment on function learning.multiplier_within_bounds(text, float8) is
  'A factor, kept within the bounds of its type.';

create function learning.least_edge_weight(most_specificity float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return 0.02 * most_specificity;
end
$$;
comment on function learning.least_edge_weight(float8) is
  'The least that an override weighs by its edge to act beside one so specific.';

create function learning.size_of_appetite(appetite float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return 0.10 + 0.50 * appetite;
end
$$;
comment on function learning.size_of_appetite(float8) is
  'The size that an appetite to add asks for, a fraction of the allocation.';

create function learning.skew_of_crowding(crowding float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  free constant float8 := 1.33;
  crowded constant float8 := 0.33;
begin
  return learning.clamp(free - crowding, crowded, free);
end
$$;
comment on function learning.skew_of_crowding(float8) is
  'What crowding makes of a size: more where a scope is free, less the more of the book is in it.';

create function learning.steering_strength(confidence float8, steering jsonb)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return least(
    (steering -> 'max')::float8, (steering -> 'base')::float8 + (steering -> 'gain')::float8 * confidence
  );
end
$$;
comment on function learning.steering_strength(float8, jsonb) is
  'How far overrides of this confidence may steer the posture.';

create function learning.with_headroom(value float8, delta float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return learning.clamp(value + delta * case when delta >= 0 then 1 - value else value end, 0, 1);
end
$$;
comment on function learning.with_headroom(float8, float8) is
  'Moves a value in 0 to 1 by a share of the room left in that direction.';

-- sql/62_override_index.sql

-- Override index: an inverted index from pairs to the overrides whose scopes have them.
--
--   group      overrides of one type, pattern key and action category; a candidate asks one of them
--   pair       a dimension and its value, the index's term; numbered in its group, the most used first
--   entry      one enabled override, with all of it that enters a sizing
--   key pairs  the rarest of an entry's pairs: one, in a large group two
--   bucket     the entries with the same key pairs, a posting list; a candidate reads those of its own pairs
--
-- So a candidate finds what it contains without looking at the rest: of 20,000 overrides under one pattern
-- key it looks at about 2,000 to find 340. Comparing each one's scope_subset takes more than 20 times as long
-- (task bench --only sizing) and, under row level security, no index of Postgres' own may help with it.

create table learning.override_index_groups (
  id integer generated always as identity (maxvalue 8388607) primary key,
  override_type text collate "C" not null,
  pattern_key text collate "C" not null,
  action_category text collate "C" not null,
  entry_count integer not null,
  entry_count_at_reindex integer not null,
  most_pairs smallint not null,
  key_pairs smallint not null default 1 check (key_pairs in (1, 2)),
  best_key_pairs smallint not null
    generated always as (case when entry_count > 30000 then 2 else 1 end) stored,
  unique (override_type, pattern_key, action_category)
);
alter table learning.override_index_groups enable row level security;
comment on table learning.override_index_groups is
  'Groups of the override index: overrides of one type, pattern key and action category.';
comment on column learning.override_index_groups.id is 'Identity; a bucket has room for 2^23 of them.';
comment on column learning.override_index_groups.override_type is 'Type of the overrides.';
comment on column learning.override_index_groups.pattern_key is 'Behaviour, dotted.';
comment on column learning.override_index_groups.action_category is 'Category of the action, or lever.';
comment on column learning.override_index_groups.entry_count is 'How many entries it has.';
comment on column learning.override_index_groups.entry_count_at_reindex is
  'How many it had when the uses of its pairs were counted last.';
comment on column learning.override_index_groups.most_pairs is 'No entry has more pairs.';
comment on column learning.override_index_groups.key_pairs is
  'How many of its pairs are the key of an entry.';
comment on column learning.override_index_groups.best_key_pairs is
  'How many should be: by one, a candidate looks through a tenth of the group; by two, through a fortieth, '
  'in 150 buckets.';

create table learning.override_index_pairs (
  group_id integer not null,
  pair text collate "C" not null,
  number integer not null check (number between 1 and 1048575),
  uses integer not null,
  primary key (group_id, pair) include (number)
);
alter table learning.override_index_pairs enable row level security;
comment on table learning.override_index_pairs is
  'Pairs of dimension and value that the overrides of an index group have, numbered.';
comment on column learning.override_index_pairs.group_id is 'The group.';
comment on column learning.override_index_pairs.pair is 'Dimension, an equals sign and value.';
comment on column learning.override_index_pairs.number is 'Number of the pair in its group.';
comment on column learning.override_index_pairs.uses is
  'How many of the group''s overrides had it when they were counted last.';

create table learning.override_index_entries (
  override_id bigint primary key,
  identity_hash bigint not null,
  bucket bigint not null,
  pairs_1 bigint not null,
  pairs_2 bigint not null,
  scope_mask integer not null,
  specificity float8 not null,
  confidence float8 not null,
  multiplier float8 not null,
  dir_a float8 not null,
  dir_e float8 not null,
  edge float8 not null,
  support float8 not null,
  evidence_us float8 not null,
  decay_us float8 not null
)
-- An index-only scan is worth as much as the visibility map is up to date.
with (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 2000
);
create index override_index_entries_bucket_idx on learning.override_index_entries (bucket) include (
  pairs_1, pairs_2, override_id, scope_mask, specificity, confidence, multiplier, dir_a, dir_e, edge, support,
  evidence_us, decay_us
);
alter table learning.override_index_entries enable row level security;
comment on table learning.override_index_entries is
  'Every enabled override as a sizing needs it, in the bucket of its key pairs. Kept by triggers, read from '
  'its index alone.';
comment on column learning.override_index_entries.override_id is 'The override.';
comment on column learning.override_index_entries.identity_hash is
  'Hash of the type, pattern key, category and scope of the entry: an override with another one has moved.';
comment on column learning.override_index_entries.bucket is
  'The group times 2^40 plus the smaller key pair times 2^20 plus the larger; one that it lacks counts 0.';
comment on column learning.override_index_entries.pairs_1 is 'Which of the pairs 1 to 64 it has, as bits.';
comment on column learning.override_index_entries.pairs_2 is
  'Which of the pairs 65 to 127 it has, as bits; below 0 where it has further ones beside its key, which is '
  'rare, as they are.';
comment on column learning.override_index_entries.scope_mask is
  'Dimensions of its scope as bits: with them a candidate that contains it knows its scope without reading '
  'pm_overrides.';
comment on column learning.override_index_entries.specificity is
  'How much it counts for naming so many pairs (learning.specificity).';
comment on column learning.override_index_entries.confidence is
  'Confidence, or what counts where none was given (learning.confidence_or_default).';
comment on column learning.override_index_entries.multiplier is 'Multiplier; 1 where none was given.';
comment on column learning.override_index_entries.dir_a is 'Direction for the appetite.';
comment on column learning.override_index_entries.dir_e is 'Direction for the assertiveness.';
comment on column learning.override_index_entries.edge is 'Edge.';
comment on column learning.override_index_entries.support is
  'Trust from the number of trades and their variance: (1 - e^(-n/25))/(1 + variance).';
comment on column learning.override_index_entries.evidence_us is
  'Close of the newest trade behind it in microseconds since 1970; infinity where there is none.';
comment on column learning.override_index_entries.decay_us is
  'Half-life of the edge in microseconds; 30 days where unknown.';

create function learning.override_terms_query(overrides text)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return format($terms$
    select override.id as override_id, override.enabled,
      hashtextextended(override.scope_digest, hashtextextended(override.action_category,
        hashtextextended(override.pattern_key, hashtextextended(override.override_type, override.scope_mask))
      )) as identity_hash,
      override.scope_mask,
      learning.specificity(bit_count(override.scope_mask::bit(32))::integer) as specificity,
      learning.confidence_or_default(override.confidence_score) as confidence,
      coalesce(override.multiplier, 1) as multiplier, override.dir_a, override.dir_e,
      override.edge_raw as edge,
      (1 - exp(greatest(-700, -override.n / 25::float8))) / (1 + override.variance) as support,
      coalesce(extract(epoch from override.last_evidence_at)::float8 * 1e6, 'infinity') as evidence_us,
      coalesce(override.half_life_hours, 30 * 24) * 3.6e9 as decay_us
    from %s override
  $terms$, overrides);
end
$$;
comment on function learning.override_terms_query(text) is
  'The query for what of overrides enters a sizing, apart from their pairs; they are read from the given '
  'relation, which has the columns of pm_overrides.';

do $$
begin
  execute 'create view learning.override_terms with (security_invoker = true) as '
    || learning.override_terms_query('public.pm_overrides');
end
$$;
comment on view learning.override_terms is 'What of an override enters a sizing, apart from its scope.';
comment on column learning.override_terms.override_id is 'The override.';
comment on column learning.override_terms.enabled is 'Whether it acts.';
comment on column learning.override_terms.identity_hash is
  'Hash of its type, pattern key, category and scope.';
comment on column learning.override_terms.scope_mask is 'Dimensions of its scope as bits.';
comment on column learning.override_terms.specificity is
  'How much it counts for naming so many pairs (learning.specificity).';
comment on column learning.override_terms.confidence is
  'Confidence, or what counts where none was given (learning.confidence_or_default).';
comment on column learning.override_terms.multiplier is 'Multiplier; 1 where none was given.';
comment on column learning.override_terms.dir_a is 'Direction for the appetite.';
comment on column learning.override_terms.dir_e is 'Direction for the assertiveness.';
comment on column learning.override_terms.edge is 'Edge.';
comment on column learning.override_terms.support is 'Trust from the number of trades and their variance.';
comment on column learning.override_terms.evidence_us is
  'Close of the newest trade behind it in microseconds since 1970; infinity where there is none.';
comment on column learning.override_terms.decay_us is
  'Half-life of the edge in microseconds; 30 days where unknown.';

create function learning.rarest_two(uses_and_numbers bigint[])
returns bigint
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  pair bigint;
  rarest bigint;
  next_rarest bigint;
begin
  foreach pair in array coalesce(uses_and_numbers, '{}') loop
    if rarest is null or pair < rarest then
      next_rarest := rarest;
      rarest := pair;
    elsif next_rarest is null or pair < next_rarest then
      next_rarest := pair;
    end if;
  end loop;
  rarest := rarest & 1048575;
  next_rarest := next_rarest & 1048575;
  return case
    when rarest is null then 0
    when next_rarest is null then rarest << 20
    else least(rarest, next_rarest) << 20 | greatest(rarest, next_rarest)
  end;
end
$$;
comment on function learning.rarest_two(bigint[]) is
  'The key pairs'' part of a bucket where two are the key; each pair is given as its uses times 2^20 plus '
  'its number.';

-- Both run as their owner: whoever may write overrides need not be able to write their index. Thousands of
-- entries are made by joining whole tables; those that changed are looked for one by one. What depends on how
-- many overrides there are is planned anew each time: a plan made for one would be kept for ten thousand.
create function learning.number_index_pairs(ids bigint[])
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = on
set enable_hashjoin = on
set enable_mergejoin = on
set jit = off
as $$
begin
  execute $number_new_pairs$
    with new_pairs as materialized (
      select index_group.id as group_id, own.pair, count(*) as uses
      from public.pm_overrides override
      join learning.override_index_groups index_group using (override_type, pattern_key, action_category)
      cross join lateral (
        select given.key || '=' || given.value as pair from jsonb_each_text(override.scope_subset) as given
      ) as own
      left join learning.override_index_pairs index_pair
        on index_pair.group_id = index_group.id and index_pair.pair = own.pair
      where override.id = any ($1) and index_pair.number is null
      group by index_group.id, own.pair
    ),
    last_numbers as materialized (
      select growing.group_id, (
        select max(index_pair.number) from learning.override_index_pairs index_pair
        where index_pair.group_id = growing.group_id
      ) as number
      from (select distinct new_pairs.group_id from new_pairs) as growing
    )
    insert into learning.override_index_pairs (group_id, pair, number, uses)
    select new_pairs.group_id, new_pairs.pair,
      coalesce(last_numbers.number, 0)
        + row_number() over (partition by new_pairs.group_id order by new_pairs.uses desc, new_pairs.pair),
      new_pairs.uses
    from new_pairs
    join last_numbers using (group_id)
  $number_new_pairs$ using ids;
end
$$;
comment on function learning.number_index_pairs(bigint[]) is
  'Numbers the pairs of overrides that are new in their index groups.';

create function learning.insert_index_entries(ids bigint[])
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = on
set enable_hashjoin = on
set enable_mergejoin = on
set jit = off
as $$
begin
  perform learning.number_index_pairs(ids);
  execute $insert_entries$
    insert into learning.override_index_entries (
      override_id, identity_hash, bucket, pairs_1, pairs_2, scope_mask, specificity, confidence, multiplier,
      dir_a, dir_e, edge, support, evidence_us, decay_us
    )
    select posting.id, terms.identity_hash, posting.bucket, posting.pairs_1,
      case
        when posting.more_pairs <@ array[posting.bucket >> 20 & 1048575, posting.bucket & 1048575] is false
          then posting.pairs_2 | (1::bigint << 63)
        else posting.pairs_2
      end,
      terms.scope_mask, terms.specificity, terms.confidence, terms.multiplier, terms.dir_a, terms.dir_e,
      terms.edge, terms.support, terms.evidence_us, terms.decay_us
    from (
      select override.id,
        index_group.id::bigint << 40 | case index_group.key_pairs
          when 1 then coalesce(min(index_pair.uses::bigint << 20 | index_pair.number) & 1048575, 0) << 20
          else learning.rarest_two(
            array_agg(index_pair.uses::bigint << 20 | index_pair.number)
              filter (where index_pair.number is not null)
          )
        end as bucket,
        coalesce(bit_or(1::bigint << (index_pair.number - 1))
          filter (where index_pair.number <= 64), 0) as pairs_1,
        coalesce(bit_or(1::bigint << (index_pair.number - 65))
          filter (where index_pair.number between 65 and 127), 0) as pairs_2,
        array_agg(index_pair.number::bigint) filter (where index_pair.number > 127) as more_pairs
      from public.pm_overrides override
      join learning.override_index_groups index_group using (override_type, pattern_key, action_category)
      left join lateral jsonb_each_text(override.scope_subset) as own on true
      left join learning.override_index_pairs index_pair
        on index_pair.group_id = index_group.id and index_pair.pair = own.key || '=' || own.value
      where override.id = any ($1)
      group by override.id, index_group.id, index_group.key_pairs
    ) as posting
    join learning.override_terms terms on terms.override_id = posting.id and terms.override_id = any ($1)
    -- Neighbours in the index arrive together, which fills its pages and keeps them few.
    order by posting.bucket
  $insert_entries$ using ids;
end
$$;
comment on function learning.insert_index_entries(bigint[]) is
  'Makes the index entries of overrides whose groups are there.';

-- sql/63_override_index_upkeep.sql

-- Upkeep of the override index: triggers bring it in line with every change of pm_overrides.
--
-- All of it runs as its owner: whoever may write overrides need not be able to write their index. Writers of
-- a group hold its row, and take the rows of several in the order of their ids. Who only changes values holds
-- none, and changes entries in the order of their overrides' ids.

create function learning.reindex_group(p_group_id integer, arriving bigint[])
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  first_bucket constant bigint := p_group_id::bigint << 40;
  last_bucket constant bigint := ((p_group_id::bigint + 1) << 40) - 1;
  former bigint[];
  remaining bigint[];
begin
  -- In the order in which values are changed: who changes them meanwhile is waited for.
  former := array(
    select index_entry.override_id from learning.override_index_entries index_entry
    where index_entry.bucket between first_bucket and last_bucket
    order by index_entry.override_id for update
  );
  delete from learning.override_index_entries index_entry
  where index_entry.bucket between first_bucket and last_bucket;
  delete from learning.override_index_pairs index_pair where index_pair.group_id = p_group_id;
  -- Not all that are enabled: some may have changed in the statement that is under way, and are indexed in
  -- their turn.
  remaining := array(
    select override.id
    from public.pm_overrides override
    join learning.override_index_groups index_group using (override_type, pattern_key, action_category)
    where index_group.id = p_group_id and override.id = any (former || arriving)
  );
  update learning.override_index_groups index_group
  set entry_count = index_group.entry_count
    - (select count(*) from (select unnest(former) except select unnest(remaining)) as gone)
  where index_group.id = p_group_id;
  update learning.override_index_groups index_group
  set entry_count_at_reindex = index_group.entry_count, key_pairs = index_group.best_key_pairs
  where index_group.id = p_group_id;
  perform learning.insert_index_entries(remaining);
end
$$;
comment on function learning.reindex_group(integer, bigint[]) is
  'Counts and numbers a group''s pairs anew, and makes its entries and those that arrive by what is rare '
  'now.';

create function learning.index_overrides(ids bigint[])
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  outgrown integer[];
  group_id integer;
begin
  if ids is null then
    return;
  end if;
  -- Writers of the same groups queue up here, in one order.
  perform from learning.override_index_groups index_group
  join (
    select override.override_type, override.pattern_key, override.action_category
    from public.pm_overrides override
    where override.id = any (ids)
    group by override.override_type, override.pattern_key, override.action_category
  ) as growing using (override_type, pattern_key, action_category)
  order by index_group.id for update of index_group;
  with arrivals as (
    select override.override_type, override.pattern_key, override.action_category, count(*) as overrides,
      max(bit_count(override.scope_mask::bit(32))) as most_pairs
    from public.pm_overrides override
    where override.id = any (ids)
    group by override.override_type, override.pattern_key, override.action_category
  ),
  grown_groups as (
    update learning.override_index_groups index_group
    set entry_count = index_group.entry_count + arrivals.overrides,
      most_pairs = greatest(index_group.most_pairs, arrivals.most_pairs)
    from arrivals
    where (index_group.override_type, index_group.pattern_key, index_group.action_category)
      = (arrivals.override_type, arrivals.pattern_key, arrivals.action_category)
    returning index_group.*
  ),
  -- Those that are there are left out, because a row that is inserted takes an id even where it becomes an
  -- update.
  new_groups as (
    insert into learning.override_index_groups as index_group (override_type, pattern_key, action_category,
      entry_count, entry_count_at_reindex, most_pairs)
    select arrivals.override_type, arrivals.pattern_key, arrivals.action_category, arrivals.overrides,
      arrivals.overrides, arrivals.most_pairs
    from arrivals
    left join grown_groups using (override_type, pattern_key, action_category)
    where grown_groups.id is null
    order by arrivals.override_type, arrivals.pattern_key, arrivals.action_category
    on conflict (override_type, pattern_key, action_category) do update set
      entry_count = index_group.entry_count + excluded.entry_count,
      most_pairs = greatest(index_group.most_pairs, excluded.most_pairs)
    returning index_group.*
  )
  -- What was rare when there were half as many need not be any more.
  select coalesce(array_agg(index_group.id), '{}') into outgrown
  from (select grown_groups.* from grown_groups union all select new_groups.* from new_groups) as index_group
  where index_group.entry_count > 2 * index_group.entry_count_at_reindex + 500
    or index_group.key_pairs < index_group.best_key_pairs;
  foreach group_id in array outgrown loop
    perform learning.reindex_group(group_id, ids);
  end loop;
  perform learning.insert_index_entries(case when cardinality(outgrown) = 0 then ids else array(
    select override.id
    from public.pm_overrides override
    join learning.override_index_groups index_group using (override_type, pattern_key, action_category)
    where override.id = any (ids) and index_group.id <> all (outgrown)
  ) end);
end
$$;
comment on function learning.index_overrides(bigint[]) is 'Indexes enabled overrides that have no entry yet.';

create function learning.unindex_overrides(ids bigint[])
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  group_ids constant integer[] := array(
    select distinct (index_entry.bucket >> 40)::integer
    from learning.override_index_entries index_entry
    where index_entry.override_id = any (ids)
  );
begin
  -- Who reindexes a group holds its row: until then there are its former entries and its new ones, and only
  -- these stay.
  perform from learning.override_index_groups index_group
  where index_group.id = any (group_ids)
  order by index_group.id for update;
  with removed_entries as (
    delete from learning.override_index_entries index_entry
    where index_entry.override_id = any (ids)
    returning (index_entry.bucket >> 40)::integer as group_id
  ),
  departures as (
    select removed_entries.group_id, count(*) as overrides
    from removed_entries
    group by removed_entries.group_id
  )
  update learning.override_index_groups index_group
  set entry_count = index_group.entry_count - departures.overrides
  from departures
  where index_group.id = departures.group_id;
end
$$;
comment on function learning.unindex_overrides(bigint[]) is
  'Takes the entries of overrides that were deleted, disabled or moved out of the index.';

create function learning.index_new_overrides()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.index_overrides(
    (select array_agg(new_override.id) from new_overrides new_override where new_override.enabled)
  );
  return null;
end
$$;
comment on function learning.index_new_overrides() is 'Indexes the overrides that a statement inserted.';

create function learning.index_changed_overrides()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
  changed_ids constant bigint[] := array(select new_override.id from new_overrides new_override);
  change_in_place constant text := format($change$
    update learning.override_index_entries index_entry
    set confidence = terms.confidence, multiplier = terms.multiplier, dir_a = terms.dir_a,
      dir_e = terms.dir_e, edge = terms.edge, support = terms.support, evidence_us = terms.evidence_us,
      decay_us = terms.decay_us
    from (%s order by override_id) as terms
    where index_entry.override_id = terms.override_id and index_entry.identity_hash = terms.identity_hash
      and terms.enabled
  $change$, learning.override_terms_query('new_overrides'));
  changed_in_place integer;
  departing_ids bigint[];
  arriving_ids bigint[];
begin
  begin
    execute change_in_place;
    get diagnostics changed_in_place = row_count;
    if changed_in_place = cardinality(changed_ids) then
      return null;
    end if;
    raise exception using errcode = 'EL001', message = 'Some overrides were moved, enabled or disabled.';
  exception when sqlstate 'EL001' then
    -- Rare. What was changed is undone: who holds one of the groups may be waiting for it, while its groups
    -- are waited for next.
    null;
  end;
  -- The groups that overrides leave and those they enter, at once and in one order.
  execute $lock_groups$
    select from learning.override_index_groups index_group
    where index_group.id in (
      select entered_index_group.id
      from public.pm_overrides override
      join learning.override_index_groups entered_index_group
        using (override_type, pattern_key, action_category)
      where override.id = any ($1)
      union
      select (index_entry.bucket >> 40)::integer
      from learning.override_index_entries index_entry
      where index_entry.override_id = any ($1)
    )
    order by index_group.id for update
  $lock_groups$ using changed_ids;
  execute change_in_place;
  execute $find_moved$
    select array_agg(index_entry.override_id) filter (where index_entry.override_id is not null),
      array_agg(terms.override_id) filter (where terms.enabled)
    from learning.override_terms terms
    left join learning.override_index_entries index_entry
      on index_entry.override_id = terms.override_id and index_entry.override_id = any ($1)
    where terms.override_id = any ($1)
      and (terms.enabled and terms.identity_hash = index_entry.identity_hash) is not true
  $find_moved$ into departing_ids, arriving_ids using changed_ids;
  perform learning.unindex_overrides(departing_ids);
  perform learning.index_overrides(arriving_ids);
  return null;
end
$$;
comment on function learning.index_changed_overrides() is
  'Indexes the overrides that a statement changed: in a new entry where they moved, in their entry where '
  'only values did.';

create function learning.unindex_deleted_overrides()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'TRUNCATE' then
    truncate learning.override_index_entries, learning.override_index_pairs, learning.override_index_groups;
  else
    perform learning.unindex_overrides((select array_agg(old_override.id) from old_overrides old_override));
  end if;
  return null;
end
$$;
comment on function learning.unindex_deleted_overrides() is
  'Takes the overrides that a statement deleted out of the index.';

create trigger index_new_overrides after insert on public.pm_overrides
referencing new table as new_overrides
for each statement execute function learning.index_new_overrides();
comment on trigger index_new_overrides on public.pm_overrides is 'New overrides act at once.';
create trigger index_changed_overrides after update on public.pm_overrides
referencing new table as new_overrides
for each statement execute function learning.index_changed_overrides();
comment on trigger index_changed_overrides on public.pm_overrides is
  'Changed overrides act as changed at once.';
create trigger unindex_deleted_overrides after delete on public.pm_overrides
referencing old table as old_overrides
for each statement execute function learning.unindex_deleted_overrides();
comment on trigger unindex_deleted_overrides on public.pm_overrides is
  'Deleted overrides stop acting at once.';
create trigger unindex_truncated_overrides after truncate on public.pm_overrides
for each statement execute function learning.unindex_deleted_overrides();
comment on trigger unindex_truncated_overrides on public.pm_overrides is
  'Deleted overrides stop acting at once.';

-- sql/64_override_lookup.sql

-- Look-up of overrides: those that a scope contains, by the index alone.

create type learning.override_probe as (
  buckets bigint[],
  lacking_1 bigint,
  lacking_2 bigint,
  most_specificity float8
);
comment on type learning.override_probe is
  'What a scope looks for in learning.override_index_entries: an override that it contains is in one of the '
  'buckets and has none of the lacking pairs.';
comment on column learning.override_probe.buckets is 'Where an override that the scope contains can be.';
comment on column learning.override_probe.lacking_1 is 'Which of the pairs 1 to 64 the scope lacks, as bits.';
comment on column learning.override_probe.lacking_2 is
  'Which of the pairs 65 to 127 the scope lacks, as bits.';
comment on column learning.override_probe.most_specificity is 'No override of the group is more specific.';

create function learning.probe_overrides(
  p_override_type text, p_pattern_key text, p_action_category text, scope jsonb
)
returns learning.override_probe
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  group_bits bigint;
  key_pairs smallint;
  most_pairs smallint;
  own_pairs bigint[];
  probe learning.override_probe;
begin
  select index_group.id::bigint << 40, index_group.key_pairs, index_group.most_pairs, own.numbers,
    own.buckets, own.lacking_1, own.lacking_2
  into group_bits, key_pairs, most_pairs, own_pairs, probe.buckets, probe.lacking_1, probe.lacking_2
  from learning.override_index_groups index_group
  cross join lateral (
    select array_agg(pair.number::bigint) as numbers,
      -- The empty scope's, and each pair's.
      (index_group.id::bigint << 40)
        || coalesce(array_agg((index_group.id::bigint << 40) | (pair.number::bigint << 20)), '{}') as buckets,
      ~coalesce(bit_or(1::bigint << (pair.number - 1)) filter (where pair.number <= 64), 0) as lacking_1,
      ~(coalesce(bit_or(1::bigint << (pair.number - 65)) filter (where pair.number between 65 and 127), 0)
        | (1::bigint << 63)) as lacking_2
    from (
      -- A join may read all of a group's pairs instead of looking for each.
      select (
        select index_pair.number from learning.override_index_pairs index_pair
        where index_pair.group_id = index_group.id and index_pair.pair = given.key || '=' || given.value
      ) as number
      from jsonb_each_text(scope) as given
      offset 0
    ) as pair
    where pair.number is not null
  ) as own
  where index_group.override_type = p_override_type and index_group.pattern_key = p_pattern_key
    and index_group.action_category = p_action_category;
  if group_bits is null then
    return null;
  end if;
  probe.most_specificity := learning.specificity(most_pairs);
  if key_pairs = 2 then
    probe.buckets := probe.buckets || array(
      select group_bits | (smaller.pair << 20) | larger.pair
      from unnest(own_pairs) as smaller(pair)
      join unnest(own_pairs) as larger(pair) on smaller.pair < larger.pair
    );
  end if;
  return probe;
end
$$;
comment on function learning.probe_overrides(text, text, text, jsonb) is
  'Where the index has the overrides that a scope contains; null where there can be none.';

create function learning.contains_override(scope jsonb, override_id bigint)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select override.scope_subset <@ scope from public.pm_overrides override
    where override.id = contains_override.override_id
  );
end
$$;
comment on function learning.contains_override(jsonb, bigint) is
  'Whether a scope contains an override with pairs that its index entry does not name.';

create function learning.contained_overrides(index_group learning.override_index_groups, scope jsonb)
returns setof learning.override_index_entries
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  probe constant learning.override_probe := learning.probe_overrides(
    index_group.override_type, index_group.pattern_key, index_group.action_category, scope
  );
begin
  return query
  select index_entry.*
  from learning.override_index_entries index_entry
  where index_entry.bucket = any (probe.buckets)
    and index_entry.pairs_1 & probe.lacking_1 = 0 and index_entry.pairs_2 & probe.lacking_2 = 0
    and (index_entry.pairs_2 >= 0 or learning.contains_override(scope, index_entry.override_id));
end
$$;
comment on function learning.contained_overrides(learning.override_index_groups, jsonb) is
  'The entries of a group''s overrides that a scope contains.';

-- sql/66_reconciliation.sql

-- Reconciliation: the loop's own overrides follow what is wanted of them, and nothing else does.

create type learning.wanted_override as (
  override_type text,
  pattern_key text,
  action_category text,
  scope_subset jsonb,
  multiplier float8,
  value float8,
  dir_a float8,
  dir_e float8,
  edge_raw float8,
  n integer,
  variance float8,
  confidence_score float8,
  decay_state text,
  half_life_hours float8,
  lesson_id bigint,
  first_active_at timestamptz,
  last_evidence_at timestamptz,
  scope_digest text,
  remark text
);
comment on type learning.wanted_override is
  'An override as a lesson wants it, in the shape of pm_overrides; null where the lesson does not say.';
comment on column learning.wanted_override.override_type is 'What it acts on.';
comment on column learning.wanted_override.pattern_key is 'Behaviour it applies to, dotted.';
comment on column learning.wanted_override.action_category is 'Action it applies to; for tuning the lever.';
comment on column learning.wanted_override.scope_subset is 'Scope of the lesson.';
comment on column learning.wanted_override.multiplier is 'Factor on the size, or on the lever.';
comment on column learning.wanted_override.value is 'Additive change of the lever.';
comment on column learning.wanted_override.dir_a is 'Direction for the appetite to add.';
comment on column learning.wanted_override.dir_e is 'Direction for the assertiveness to exit.';
comment on column learning.wanted_override.edge_raw is 'Edge it rests on.';
comment on column learning.wanted_override.n is 'Trades or windows it rests on.';
comment on column learning.wanted_override.variance is 'Variance of their outcomes.';
comment on column learning.wanted_override.confidence_score is 'Trust in it, 0 to 1.';
comment on column learning.wanted_override.decay_state is
  'Whether the edge is stable, improving or decaying.';
comment on column learning.wanted_override.half_life_hours is 'Half-life of the edge.';
comment on column learning.wanted_override.lesson_id is 'The lesson.';
comment on column learning.wanted_override.first_active_at is 'When the lesson first became active.';
comment on column learning.wanted_override.last_evidence_at is 'Newest evidence behind it.';
comment on column learning.wanted_override.scope_digest is 'Short form of scope_subset.';
comment on column learning.wanted_override.remark is 'What the log says of it besides its figures.';

create type learning.lapsed_override as (override_id bigint, reason text);
comment on type learning.lapsed_override is 'An override of the loop that is no longer wanted.';
comment on column learning.lapsed_override.override_id is 'The override.';
comment on column learning.lapsed_override.reason is 'Why, for a person to read.';

create function learning.override_figures(override public.pm_overrides)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case override.override_type
    when 'pm_tuning' then format('value=%s multiplier=%s', learning.short(override.value),
      coalesce(round(override.multiplier::numeric, 4)::text, 'none'))
    else format('multiplier=%s dir_a=%s dir_e=%s', round(override.multiplier::numeric, 4),
      round(override.dir_a::numeric, 3), round(override.dir_e::numeric, 3))
  end || format(' confidence=%s', round(override.confidence_score::numeric, 3));
end
$$;
comment on function learning.override_figures(public.pm_overrides) is
  'What an override says, for a person to read: what counts for its type.';

create function learning.write_overrides(
  wanted_overrides learning.wanted_override[],
  registered text[],
  out created bigint[],
  out changed bigint[]
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  with written as (
    insert into public.pm_overrides as override (
      override_type, pattern_key, action_category, scope_subset, multiplier, value, dir_a, dir_e, edge_raw, n,
      variance, confidence_score, decay_state, half_life_hours, lesson_id, first_active_at, last_evidence_at
    )
    -- Within what the table lets in: a lesson may lie outside, and one row refused would stop all the others.
    -- Written out, because calls of learning.clamp would take a seventh of the time when nothing changed.
    select wanted.override_type, wanted.pattern_key, wanted.action_category, wanted.scope_subset,
      case when wanted.multiplier is not null then greatest(1e-6, least(1e6, wanted.multiplier)) end,
      wanted.value, coalesce(wanted.dir_a, 0), coalesce(wanted.dir_e, 0),
      greatest(-1e6, least(1e6, coalesce(wanted.edge_raw, 0))), wanted.n,
      least(1e12, coalesce(wanted.variance, 0)), wanted.confidence_score,
      coalesce(wanted.decay_state, 'insufficient'),
      case when wanted.half_life_hours > 0 then greatest(1, least(1e9, wanted.half_life_hours)) end,
      wanted.lesson_id, coalesce(wanted.first_active_at, now()), wanted.last_evidence_at
    from unnest(wanted_overrides) as wanted
    -- One with a dimension that was taken out since has no candidate, and no override.
    where wanted.scope_subset - registered = '{}'
    on conflict (override_type, pattern_key, action_category, scope_digest) do update set
      multiplier = excluded.multiplier, value = excluded.value, dir_a = excluded.dir_a,
      dir_e = excluded.dir_e, edge_raw = excluded.edge_raw, n = excluded.n, variance = excluded.variance,
      confidence_score = excluded.confidence_score, decay_state = excluded.decay_state,
      half_life_hours = excluded.half_life_hours, lesson_id = excluded.lesson_id,
      last_evidence_at = excluded.last_evidence_at,
      enabled = override.enabled or override.disabled_by = 'loop'
    -- One made by hand is a person's word and is not overwritten; one a user switched off stays off.
    where override.lesson_id is not null
      and (override.multiplier, override.value, override.dir_a, override.dir_e, override.edge_raw, override.n,
          override.variance, override.confidence_score, override.decay_state, override.half_life_hours,
          override.lesson_id, override.last_evidence_at, override.enabled)
        is distinct from (excluded.multiplier, excluded.value, excluded.dir_a, excluded.dir_e,
          excluded.edge_raw, excluded.n, excluded.variance, excluded.confidence_score, excluded.decay_state,
          excluded.half_life_hours, excluded.lesson_id, excluded.last_evidence_at,
          override.enabled or override.disabled_by = 'loop')
    returning override.id
  )
  select array_agg(written.id) filter (where former_override.id is null),
    array_agg(written.id) filter (where former_override.id is not null)
  into created, changed
  from written
  -- The row as it was before this statement, which is all that its other parts see.
  left join public.pm_overrides former_override on former_override.id = written.id;
end
$$;
comment on function learning.write_overrides(learning.wanted_override[], text[]) is
  'Writes wanted overrides that name registered dimensions only, as far as they are new or changed; returns '
  'which are created and which are changed.';

create function learning.log_overrides(override_ids bigint[], p_event text, change text, remarks jsonb)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  logged integer;
begin
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'materialize-overrides', p_event,
    format('Override for %s %s in %s %s: %s', override.pattern_key, override.action_category,
      override.scope_subset, change,
      concat_ws(', ', learning.override_figures(override),
        remarks ->> concat_ws(' ', override.lesson_id, override.action_category))),
    jsonb_build_object('id', override.id, 'override_type', override.override_type,
      'pattern_key', override.pattern_key, 'action_category', override.action_category,
      'scope_subset', override.scope_subset, 'multiplier', override.multiplier, 'value', override.value,
      'dir_a', override.dir_a, 'dir_e', override.dir_e, 'edge_raw', override.edge_raw, 'n', override.n,
      'confidence_score', override.confidence_score, 'lesson_id', override.lesson_id)
  from public.pm_overrides override
  where override.id = any (override_ids)
  order by override.id;
  get diagnostics logged = row_count;
  return logged;
end
$$;
comment on function learning.log_overrides(bigint[], text, text, jsonb) is
  'Tells what overrides say that were created or changed, with the remark of each by lesson and category; '
  'returns how many.';

create function learning.disable_overrides(lapsed_overrides learning.lapsed_override[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  number_disabled integer;
begin
  with disabled as (
    update public.pm_overrides override
    set enabled = false, disabled_by = 'loop', disabled_reason = lapsed.reason
    from unnest(lapsed_overrides) as lapsed
    where override.id = lapsed.override_id and override.enabled
    returning override.*
  )
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'materialize-overrides', 'override_disabled',
    format('Override for %s %s in %s disabled: %s', disabled.pattern_key, disabled.action_category,
      disabled.scope_subset, disabled.disabled_reason),
    jsonb_build_object('id', disabled.id, 'override_type', disabled.override_type,
      'pattern_key', disabled.pattern_key, 'action_category', disabled.action_category,
      'scope_subset', disabled.scope_subset, 'disabled_reason', disabled.disabled_reason)
  from disabled;
  get diagnostics number_disabled = row_count;
  return number_disabled;
end
$$;
comment on function learning.disable_overrides(learning.lapsed_override[]) is
  'Switches overrides off and says why; returns how many.';

create function learning.reconcile(
  wanted_overrides learning.wanted_override[],
  lapsed_overrides learning.lapsed_override[]
)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  registered constant text[] := array(select dimension.dim from public.scope_dimensions dimension);
  remarks constant jsonb := (
    select jsonb_object_agg(concat_ws(' ', wanted.lesson_id, wanted.action_category), wanted.remark)
    from unnest(wanted_overrides) as wanted
    where wanted.remark is not null
  );
  unregistered learning.lapsed_override[];
  written record;
begin
  -- There are none, nearly always: looked for before anything is compared with each of them.
  with refused as materialized (
    select wanted.* from unnest(wanted_overrides) as wanted where wanted.scope_subset - registered <> '{}'
  )
  select array_agg(
    (override.id, 'It names a dimension that is no longer registered')::learning.lapsed_override
  )
  into unregistered
  from refused
  join public.pm_overrides override using (override_type, pattern_key, action_category, scope_digest)
  where override.lesson_id is not null;
  written := learning.write_overrides(wanted_overrides, registered);
  return jsonb_build_object(
    'created', learning.log_overrides(written.created, 'override_created', 'created', remarks),
    'changed', learning.log_overrides(written.changed, 'override_changed', 'changed', remarks),
    'disabled', learning.disable_overrides(lapsed_overrides || unregistered)
  );
end
$$;
comment on function learning.reconcile(learning.wanted_override[], learning.lapsed_override[]) is
  'Brings the loop''s overrides in line with what is wanted of them; returns how many are created, changed '
  'and disabled. Unchanged rows are not written.';

-- sql/68_strength_reconciliation.sql

-- Strength reconciliation: overrides of sizes and allocation follow the active lessons.

create function learning.strength_overrides(group_ids bigint[])
returns setof learning.wanted_override
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  -- Several modules may have learned about one key: the lesson that rests on most speaks for all of them.
  select distinct on (lesson.lesson_type, lesson.pattern_key, lesson.action_category, lesson.scope_digest)
    lesson.lesson_type, lesson.pattern_key, lesson.action_category, lesson.scope_subset,
    least(bounds.highest, greatest(bounds.lowest, 1 + lesson.edge_raw)),
    null::float8,
    (lesson.stats ->> 'dirA')::float8, (lesson.stats ->> 'dirE')::float8, lesson.edge_raw, lesson.n,
    (lesson.stats ->> 'variance')::float8, (lesson.stats ->> 'confidence')::float8,
    lesson.stats #>> '{decay,state}', lesson.decay_halflife_hours, lesson.id, lesson.first_active_at,
    lesson.last_evidence_at, lesson.scope_digest, null
  from (
    select distinct mining_group.lesson_type, mining_group.pattern_key, mining_group.action_category
    from learning.mining_groups mining_group
    where mining_group.id = any (group_ids)
  ) as key
  join learning.mining_groups mining_group using (lesson_type, pattern_key, action_category)
  join public.learning_lessons lesson using (module, pattern_key, action_category)
  cross join lateral learning.multiplier_bounds(key.lesson_type) as bounds
  where lesson.status = 'active'
  order by lesson.lesson_type, lesson.pattern_key, lesson.action_category, lesson.scope_digest, lesson.n desc,
    lesson.id;
$$;
comment on function learning.strength_overrides(bigint[]) is
  'The overrides that the active lessons under the keys of some groups want, each once.';

create function learning.strength_lapse_reason(p_lesson_id bigint)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    (
      select format('Its lesson is no longer active: n=%s edge=%s q=%s', lesson.n,
        round(lesson.edge_raw::numeric, 4), round(lesson.q_value::numeric, 4))
      from public.learning_lessons lesson
      where lesson.id = p_lesson_id
    ),
    'Its lesson is no longer found'
  );
$$;
comment on function learning.strength_lapse_reason(bigint) is
  'Why the override of a lesson is no longer wanted, for a person to read.';

create function public.reconcile_overrides(p_after bigint default 0, p_limit integer default 50)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
-- Most lessons are not active: reading those that are, by their index, is most of what there is to do.
set enable_seqscan = off
set jit = off
as $$
declare
  group_ids constant bigint[] := array(
    select mining_group.id
    from learning.mining_groups mining_group
    where mining_group.family = 'strength' and mining_group.id > p_after
    order by mining_group.id
    limit p_limit
  );
  wanted_overrides learning.wanted_override[];
  lapsed_overrides learning.lapsed_override[];
begin
  -- In one statement, so that both are of one moment: else an override that another run makes in between
  -- would seem to have lapsed.
  with wanted as materialized (
    select wanted.* from learning.strength_overrides(group_ids) as wanted
  ),
  keys as materialized (
    select distinct mining_group.lesson_type as override_type, mining_group.pattern_key,
      mining_group.action_category
    from learning.mining_groups mining_group
    where mining_group.id = any (group_ids)
  )
  select array(select wanted::learning.wanted_override from wanted),
    array(
      select (override.id, learning.strength_lapse_reason(override.lesson_id))::learning.lapsed_override
      from keys
      join public.pm_overrides override using (override_type, pattern_key, action_category)
      where override.lesson_id is not null and override.enabled
        -- Not in rather than not exists: it is hashed however few rows are expected, and the other would
        -- compare all with all.
        and (override.override_type, override.pattern_key, override.action_category, override.scope_digest)
          not in (
            select wanted.override_type, wanted.pattern_key, wanted.action_category, wanted.scope_digest
            from wanted
          )
    )
  into wanted_overrides, lapsed_overrides;
  return jsonb_build_object('next', case when cardinality(group_ids) = p_limit then group_ids[p_limit] end)
    || learning.reconcile(wanted_overrides, lapsed_overrides);
end
$$;
comment on function public.reconcile_overrides(bigint, integer) is
  'Brings the strength and allocation overrides of the next groups in line with their active lessons; next '
  'is null after the last one. For the edge functions.';

-- sql/70_tuning.sql

-- Tuning: lessons about the entry gates, from the windows that episodes left.

create table learning.tuning_groups (
  group_id bigint primary key references learning.mining_groups (id) on delete cascade,
  looks_back_to timestamptz,
  lessons_version bigint not null default 0,
  simulated_version bigint not null default 0,
  simulated_settings text,
  simulated_at timestamptz,
  run jsonb,
  lease_token uuid,
  leased_until timestamptz
);
alter table learning.tuning_groups enable row level security;
comment on table learning.tuning_groups is
  'Mined tuning groups: which windows their lessons rest on, which await simulation and who is at work.';
comment on column learning.tuning_groups.group_id is 'The group.';
comment on column learning.tuning_groups.looks_back_to is
  'Oldest time of the windows behind its lessons; null where there is none.';
comment on column learning.tuning_groups.lessons_version is
  'Grows when it was mined on changed evidence or settings.';
comment on column learning.tuning_groups.simulated_version is
  'Version of the lessons that was simulated last.';
comment on column learning.tuning_groups.simulated_settings is
  'Digest of the configuration it was simulated under.';
comment on column learning.tuning_groups.simulated_at is 'When it was simulated last.';
comment on column learning.tuning_groups.run is
  'What the simulation under way works with and the lesson it has got to, empty before its first claim; null '
  'between simulations.';
comment on column learning.tuning_groups.lease_token is 'Invocation that simulates the group.';
comment on column learning.tuning_groups.leased_until is 'When another invocation may take over.';

create function learning.tuning_lookback()
returns timestamptz
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select max(episode.occurred_at)
    - make_interval(secs => (learning.config() #>> '{tuning,lookback_days}')::float8 * 86400)
  from public.pattern_episode_events episode
  where episode.outcome is not null;
$$;
comment on function learning.tuning_lookback() is
  'Oldest time that tuning looks at: so many days before the newest window with an outcome; null where there '
  'is none.';

create function learning.episode_half(episode_id text)
returns integer
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select get_byte(decode(md5(episode_id), 'hex'), 0) & 1;
$$;
comment on function learning.episode_half(text) is
  'Half that an episode belongs to: 0 chooses a move of the gates, 1 confirms it.';

create function public.start_tuning()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  lookback timestamptz := learning.tuning_lookback();
begin
  -- Windows leave the look-back, and come back to it, without a change of their own.
  perform from learning.mining_groups mining_group
  where mining_group.family = 'tuning'
  order by mining_group.module, mining_group.pattern_key, mining_group.action_category
  for update;
  update learning.mining_groups mining_group
  set evidence_version = mining_group.evidence_version + 1
  from learning.tuning_groups tuning_group
  where tuning_group.group_id = mining_group.id
    and exists (
      select from public.pattern_episode_events episode
      where episode.pattern_key = mining_group.pattern_key and episode.outcome is not null
        and episode.occurred_at >= least(tuning_group.looks_back_to, lookback)
        and episode.occurred_at < greatest(tuning_group.looks_back_to, lookback)
    );
  return public.start_mining('tuning');
end
$$;
comment on function public.start_tuning() is
  'Begins a mining cycle of tuning and returns how many groups are due. For the edge functions.';

create function public.read_tuning_windows(
  p_group_id bigint,
  p_looks_back_to timestamptz default null,
  p_after jsonb default null,
  p_limit integer default 25000,
  p_gates boolean default false
)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  read_group learning.mining_groups;
  looks_back_to timestamptz := coalesce(p_looks_back_to, learning.tuning_lookback());
  code_bytes integer := case
    when (select max(scope_value.code) from learning.scope_values scope_value) >= 32768 then 4
    else 2
  end;
  packed_gates text := (
    select string_agg(learning.packing('float8', format('packed_row.gates[%s]', place)), ', ' order by place)
    from generate_series(1, 6) as place
  );
  packed jsonb;
begin
  select mining_group.* into read_group
  from learning.mining_groups mining_group
  where mining_group.id = p_group_id;
  execute format(
    $query$
      with packed_row as materialized (
        select episode.id, episode.occurred_at, episode.scope_codes, episode.gates,
          (episode.decision = 'acted')::integer + 2 * (episode.outcome = 'success')::integer
            + 4 * (episode.outcome = 'failure')::integer
            + 8 * (not episode.blocked_by <@ array['ts', 'slope', 'halo'])::integer
            + 16 * learning.episode_half(episode.episode_id) as flags
        from public.pattern_episode_events episode
        where episode.pattern_key = $1 and episode.outcome is not null
          and episode.occurred_at >= $2
          and (episode.occurred_at, episode.id) > ($3, $4)
          and episode.id <= $5
        order by episode.occurred_at, episode.id
        limit $6
      )
      select jsonb_build_object(
        'rows', count(*)::integer,
        'next', case when count(*) = $6 then (
          select jsonb_build_object('occurred_at', newest_row.occurred_at, 'id', newest_row.id)
          from packed_row newest_row order by newest_row.occurred_at desc, newest_row.id desc limit 1
        ) end,
        'gates', %s,
        'dimensions', jsonb_build_object(%s),
        %s, %s
      )
      from packed_row
    $query$,
    case when p_gates then format('jsonb_build_array(%s)', packed_gates) else 'null::jsonb' end,
    learning.packed_codes(case code_bytes when 2 then 'smallint' else 'integer' end),
    learning.packed_columns('timestamptz', array['occurred_at']),
    learning.packed_columns('integer', array['flags'])
  )
  into packed
  using read_group.pattern_key, coalesce(looks_back_to, 'infinity'),
    coalesce((p_after ->> 'occurred_at')::timestamptz, '-infinity'), coalesce((p_after ->> 'id')::bigint, 0),
    coalesce((read_group.run ->> 'last_event_id')::bigint, 9223372036854775807), p_limit;
  return packed || jsonb_build_object('looks_back_to', looks_back_to, 'code_bytes', code_bytes);
end
$$;
comment on function public.read_tuning_windows(bigint, timestamptz, jsonb, integer, boolean) is
  'A tuning group''s windows with an outcome in packed columns, oldest first, in pieces: next is where the '
  'next one begins. For the edge functions.';

create function learning.log_tuning_lessons(p_pattern_key text, changes learning.lesson_change[])
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  with news as materialized (
    select change.event, lesson.id, lesson.scope_subset, lesson.n, lesson.stats
    from unnest(changes) as change
    join public.learning_lessons lesson on lesson.id = change.lesson_id
    where change.event is not null
  )
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'mine-tuning', news.event,
    format('%s %s tuning in %s: n=%s wr=%s fpr=%s mr=%s dr=%s',
      case news.event when 'lesson_activated' then 'Active' else 'No longer found' end,
      p_pattern_key, news.scope_subset, news.n, learning.rate(news.stats, 'wr'),
      learning.rate(news.stats, 'fpr'), learning.rate(news.stats, 'mr'), learning.rate(news.stats, 'dr')),
    jsonb_build_object('lesson_id', news.id, 'pattern_key', p_pattern_key, 'scope_subset', news.scope_subset,
      'n', news.n, 'stats', news.stats)
  from news
  where (select count(*) from news) <= 20
  union all
  select 'INFO', 'mine-tuning', 'lessons_changed',
    format('Lessons of %s tuning: %s became active, %s are no longer found', p_pattern_key,
      count(*) filter (where news.event = 'lesson_activated'),
      count(*) filter (where news.event = 'lesson_deprecated')),
    jsonb_build_object('pattern_key', p_pattern_key,
      'activated', count(*) filter (where news.event = 'lesson_activated'),
      'deprecated', count(*) filter (where news.event = 'lesson_deprecated'))
  from news
  having count(*) > 20;
$$;
comment on function learning.log_tuning_lessons(text, learning.lesson_change[]) is
  'Tells which tuning lessons became active and which are no longer found, in one line where there are many.';

create function public.finish_tuning_group(
  p_group_id bigint,
  p_lease_token uuid,
  p_lessons jsonb,
  p_looks_back_to timestamptz default null
)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  leased_group constant learning.mining_groups := learning.require_lease(p_group_id, p_lease_token);
  changes learning.lesson_change[];
  has_changed boolean;
begin
  changes := array(select change from learning.write_lessons(leased_group, p_lessons) as change);
  perform learning.end_run(leased_group);
  has_changed := (leased_group.run ->> 'evidence_version')::bigint > leased_group.mined_version
    or exists (select from unnest(changes) as change where change.outcome <> 'deleted');
  insert into learning.tuning_groups as tuning_group (group_id, looks_back_to, lessons_version)
  values (p_group_id, p_looks_back_to, 1)
  on conflict (group_id) do update set
    looks_back_to = excluded.looks_back_to,
    lessons_version = tuning_group.lessons_version
      + (has_changed or tuning_group.looks_back_to is distinct from excluded.looks_back_to)::integer;
  perform learning.log_tuning_lessons(leased_group.pattern_key, changes);
  return learning.count_outcomes(changes) || '{"snapshots": 0, "logged": 0}';
end
$$;
comment on function public.finish_tuning_group(bigint, uuid, jsonb, timestamptz) is
  'Writes the lessons of a finished tuning run all at once and notes whether they must be simulated. For the '
  'edge functions.';

-- sql/72_tuning_simulations.sql

-- Tuning simulations: what moving the gates would have changed, and whether it stands up.

create table learning.tuning_simulations (
  lesson_id bigint primary key references public.learning_lessons (id) on delete cascade,
  verdict text not null check (verdict in ('move', 'nothing', 'gain', 'ratio', 'confirmation')),
  tested integer not null,
  skipped integer not null,
  moves jsonb not null,
  confidence float8,
  p_value float8,
  admitted boolean,
  summary text not null,
  details jsonb not null,
  simulated_at timestamptz not null default now()
);
create index tuning_simulations_p_value_idx on learning.tuning_simulations (p_value) where p_value < 1;
alter table learning.tuning_simulations enable row level security;
comment on table learning.tuning_simulations is
  'What moving the gates would have changed for each tuning lesson, and why its gates are moved or not.';
comment on column learning.tuning_simulations.lesson_id is 'The lesson.';
comment on column learning.tuning_simulations.verdict is
  'move where one is good enough; else nothing to gain, too little gain, too low a ratio, or refuted by the '
  'other half of the episodes (confirmation).';
comment on column learning.tuning_simulations.tested is 'Combinations looked at.';
comment on column learning.tuning_simulations.skipped is
  'Combinations that could not have helped; with those looked at, 124.';
comment on column learning.tuning_simulations.moves is
  'Of the best move: by lever, value (the change) and multiplier (new by old at the median threshold, null '
  'where that is not positive).';
comment on column learning.tuning_simulations.confidence is
  'Share of gain in gain and cost, on the windows that speak for the move.';
comment on column learning.tuning_simulations.p_value is
  'One-sided p value that the move does more good than harm; 1 where there is no move, null with '
  'confirmation off.';
comment on column learning.tuning_simulations.admitted is
  'Whether the p value stood up among all lessons; null until that was judged, and where there is no move.';
comment on column learning.tuning_simulations.summary is 'The result for a person to read.';
comment on column learning.tuning_simulations.details is 'The counts behind it.';
comment on column learning.tuning_simulations.simulated_at is 'When the result last changed.';

create function learning.tuning_settings_digest()
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select md5((learning.config() -> 'tuning')::text);
$$;
comment on function learning.tuning_settings_digest() is
  'Digest of the configuration that simulation depends on.';

create function public.claim_tuning_simulation()
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  claimed learning.tuning_groups;
begin
  -- Due groups are marked, so that the sweep finds those that no invocation came to.
  update learning.tuning_groups tuning_group
  set run = '{}'::jsonb
  where tuning_group.group_id in (
    select due_tuning_group.group_id
    from learning.tuning_groups due_tuning_group
    where due_tuning_group.run is null
      and (due_tuning_group.lessons_version > due_tuning_group.simulated_version
        or due_tuning_group.simulated_settings
          is distinct from (select learning.tuning_settings_digest()))
    -- Another invocation that holds one of them marks it itself.
    for update skip locked
  );
  select tuning_group.* into claimed
  from learning.tuning_groups tuning_group
  where tuning_group.run is not null and learning.is_leased(tuning_group.leased_until) is not true
  -- One that failed comes last, so that it does not hold back the others.
  order by tuning_group.leased_until nulls first, tuning_group.group_id
  limit 1
  for update skip locked;
  if claimed.group_id is null then
    return null;
  end if;
  update learning.tuning_groups tuning_group
  set lease_token = gen_random_uuid(), leased_until = learning.lease_end(),
    run = coalesce(nullif(tuning_group.run, '{}'::jsonb), jsonb_build_object(
      'lessons_version', tuning_group.lessons_version, 'settings', learning.tuning_settings_digest(),
      'tuning', learning.config() -> 'tuning', 'after', 0
    ))
  where tuning_group.group_id = claimed.group_id
  returning tuning_group.* into claimed;
  return jsonb_build_object(
    'group_id', claimed.group_id, 'lease_token', claimed.lease_token,
    'pattern_key', (
      select mining_group.pattern_key
      from learning.mining_groups mining_group
      where mining_group.id = claimed.group_id
    ),
    'looks_back_to', claimed.looks_back_to, 'tuning', claimed.run -> 'tuning',
    'after', claimed.run -> 'after', 'dimensions', learning.registered_dimensions()
  );
end
$$;
comment on function public.claim_tuning_simulation() is
  'Leases one group whose lessons or configuration changed since it was simulated, with the lesson to go on '
  'after; null where none is left. For the edge functions.';

create function learning.require_simulation_lease(p_group_id bigint, p_lease_token uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from learning.tuning_groups tuning_group
  where tuning_group.group_id = p_group_id and tuning_group.lease_token = p_lease_token
  for update;
  if not found then
    perform learning.refuse_lost_lease(p_lease_token, format('the simulation of group %s', p_group_id));
  end if;
end
$$;
comment on function learning.require_simulation_lease(bigint, uuid) is
  'An error where the lease on the simulation of a group passed on.';

create function public.read_tuning_lessons(p_group_id bigint, p_after bigint, p_limit integer default 5000)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(
    jsonb_build_object('id', batch.id, 'scope_subset', batch.scope_subset, 'dr', batch.stats -> 'dr')
    order by batch.id
  ), '[]'::jsonb)
  from (
    select lesson.id, lesson.scope_subset, lesson.stats
    from learning.mining_groups mining_group
    join public.learning_lessons lesson using (module, pattern_key, action_category)
    where mining_group.id = p_group_id and lesson.status = 'active' and lesson.id > p_after
    order by lesson.id
    limit p_limit
  ) as batch;
$$;
comment on function public.read_tuning_lessons(bigint, bigint, integer) is
  'The next active lessons of a tuning group, by id. For the edge functions.';

create function learning.write_simulations(results jsonb)
returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  otherwise_moved bigint[];
begin
  with written as (
    insert into learning.tuning_simulations as simulation (
      lesson_id, verdict, tested, skipped, moves, confidence, p_value, summary, details
    )
    select result.lesson_id, result.verdict, result.tested, result.skipped, result.moves, result.confidence,
      result.p_value, result.summary, result.details
    from jsonb_to_recordset(results) as result(
      lesson_id bigint, verdict text, tested integer, skipped integer, moves jsonb, confidence float8,
      p_value float8, summary text, details jsonb
    )
    -- A lesson that was dropped under way has nothing to say any more.
    join public.learning_lessons lesson on lesson.id = result.lesson_id
    on conflict (lesson_id) do update set
      verdict = excluded.verdict, tested = excluded.tested, skipped = excluded.skipped,
      moves = excluded.moves, confidence = excluded.confidence, p_value = excluded.p_value,
      summary = excluded.summary, details = excluded.details, simulated_at = now(),
      admitted = case
        when (simulation.verdict, simulation.moves) = (excluded.verdict, excluded.moves)
          then simulation.admitted
      end
    where (simulation.verdict, simulation.tested, simulation.skipped, simulation.moves, simulation.confidence,
        simulation.p_value, simulation.summary, simulation.details)
      is distinct from (excluded.verdict, excluded.tested, excluded.skipped, excluded.moves,
        excluded.confidence, excluded.p_value, excluded.summary, excluded.details)
    returning simulation.lesson_id, simulation.verdict, simulation.moves
  )
  select coalesce(array_agg(written.lesson_id order by written.lesson_id), '{}') into otherwise_moved
  from written
  -- The row as it was before this statement, which is all that its other parts see.
  left join learning.tuning_simulations former_simulation on former_simulation.lesson_id = written.lesson_id
  where (former_simulation.verdict, former_simulation.moves)
    is distinct from (written.verdict, written.moves);
  return otherwise_moved;
end
$$;
comment on function learning.write_simulations(jsonb) is
  'Writes down the results of simulated lessons as far as they changed; returns the lessons whose gates '
  'would now be moved otherwise.';

create function learning.log_simulations(p_pattern_key text, lesson_ids bigint[])
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  with news as materialized (
    select simulation.*, lesson.scope_subset
    from learning.tuning_simulations simulation
    join public.learning_lessons lesson on lesson.id = simulation.lesson_id
    where simulation.lesson_id = any (lesson_ids)
    order by simulation.lesson_id
  ),
  verdicts as (
    select news.verdict, count(*) as lessons from news group by news.verdict
  )
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'materialize-overrides', 'lesson_simulated',
    format('Simulated %s in %s: tested=%s skipped=%s, %s', p_pattern_key, news.scope_subset, news.tested,
      news.skipped, news.summary),
    jsonb_build_object('lesson_id', news.lesson_id, 'pattern_key', p_pattern_key,
      'scope_subset', news.scope_subset, 'verdict', news.verdict, 'tested', news.tested,
      'skipped', news.skipped, 'moves', news.moves) || news.details
  from news
  where (select count(*) from news) <= 20
  union all
  select 'INFO', 'materialize-overrides', 'lessons_simulated',
    format('Simulated %s lessons of %s with a new result: %s', count(*), p_pattern_key,
      (select string_agg(format('%s %s', verdicts.verdict, verdicts.lessons), ', ' order by verdicts.verdict)
        from verdicts)),
    jsonb_build_object('pattern_key', p_pattern_key, 'lessons', count(*), 'tested', sum(news.tested),
      'skipped', sum(news.skipped),
      'verdicts', (select jsonb_object_agg(verdicts.verdict, verdicts.lessons) from verdicts))
  from news
  having count(*) > 20;
$$;
comment on function learning.log_simulations(text, bigint[]) is
  'Tells what the simulation of lessons resulted in, in one line where there are many.';

create function public.save_tuning_simulations(
  p_group_id bigint,
  p_lease_token uuid,
  p_results jsonb,
  p_after bigint,
  p_state text
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_state is null or p_state not in ('under way', 'paused', 'finished') then
    raise exception using
      errcode = '22023',
      message = format('Simulation cannot be %L', p_state),
      hint = 'Say under way, paused or finished.';
  end if;
  perform learning.require_simulation_lease(p_group_id, p_lease_token);
  perform learning.log_simulations(mining_group.pattern_key, learning.write_simulations(p_results))
  from learning.mining_groups mining_group
  where mining_group.id = p_group_id;
  if p_state = 'finished' then
    update learning.tuning_groups tuning_group
    set simulated_version = (tuning_group.run ->> 'lessons_version')::bigint,
      simulated_settings = tuning_group.run ->> 'settings', simulated_at = now(),
      run = null, lease_token = null, leased_until = null
    where tuning_group.group_id = p_group_id;
  else
    update learning.tuning_groups tuning_group
    set run = tuning_group.run || jsonb_build_object('after', p_after),
      lease_token = case p_state when 'under way' then tuning_group.lease_token end,
      leased_until = case p_state when 'under way' then learning.lease_end() end
    where tuning_group.group_id = p_group_id;
  end if;
end
$$;
comment on function public.save_tuning_simulations(bigint, uuid, jsonb, bigint, text) is
  'Writes down simulated lessons and the last one of them; p_state is under way, paused (another invocation '
  'may go on) or finished. For the edge functions.';

create function public.read_tuning_p_values()
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'lessons', count(*),
    'p_values', learning.packed(
      string_agg(float8send(simulation.p_value), ''::bytea) filter (where simulation.p_value < 1)
    )
  )
  from learning.tuning_simulations simulation
  join public.learning_lessons lesson on lesson.id = simulation.lesson_id and lesson.status = 'active';
$$;
comment on function public.read_tuning_p_values() is
  'How many tuning lessons are simulated, and the p values of those with one below 1, packed. For the edge '
  'functions.';

-- sql/74_tuning_reconciliation.sql

-- Tuning reconciliation: overrides of the gates follow the simulations.

create function learning.luck_among(lessons integer, largest_p_value float8)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select format('among %s lessons %s', lessons, case
    when largest_p_value is null then 'no p is beyond luck'
    else format('only p up to %s is beyond luck', learning.short(largest_p_value))
  end);
$$;
comment on function learning.luck_among(integer, float8) is
  'Which p values stand up among so many lessons, for a person to read.';

create function learning.is_admitted(verdict text, p_value float8, largest_p_value float8)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Without confirmation there is no p value to judge by.
  return case verdict when 'move' then p_value is null or coalesce(p_value <= largest_p_value, false) end;
end
$$;
comment on function learning.is_admitted(text, float8, float8) is
  'Whether a simulation''s p value stands up; null where it moves nothing.';

create function learning.judge_simulations(lesson_ids bigint[], p_lessons integer, largest_p_value float8)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  judged_count bigint;
begin
  with judged as materialized (
    update learning.tuning_simulations simulation
    set admitted = learning.is_admitted(simulation.verdict, simulation.p_value, largest_p_value)
    from public.learning_lessons lesson
    where simulation.lesson_id = any (lesson_ids)
      and lesson.id = simulation.lesson_id and lesson.status = 'active'
      and simulation.admitted
        is distinct from learning.is_admitted(simulation.verdict, simulation.p_value, largest_p_value)
    returning simulation.lesson_id, simulation.admitted, simulation.p_value, simulation.summary,
      lesson.pattern_key, lesson.scope_subset
  ),
  turned_down as (
    select judged.* from judged where not judged.admitted
  ),
  logged as (
    insert into public.learning_log (level, component, event, message, details)
    select 'INFO', 'materialize-overrides', 'lesson_not_confirmed',
      format('No override for %s in %s: %s; %s', turned_down.pattern_key, turned_down.scope_subset,
        turned_down.summary, learning.luck_among(p_lessons, largest_p_value)),
      jsonb_build_object('lesson_id', turned_down.lesson_id, 'pattern_key', turned_down.pattern_key,
        'scope_subset', turned_down.scope_subset, 'p_value', turned_down.p_value,
        'largest_p_value', largest_p_value, 'lessons', p_lessons)
    from turned_down
    where (select count(*) from turned_down) <= 20
    union all
    select 'INFO', 'materialize-overrides', 'lessons_not_confirmed',
      format('No override for %s lessons: %s', count(*), learning.luck_among(p_lessons, largest_p_value)),
      jsonb_build_object('not_confirmed', count(*), 'largest_p_value', largest_p_value, 'lessons', p_lessons)
    from turned_down
    having count(*) > 20
  )
  select count(*) into judged_count from judged;
  return judged_count;
end
$$;
comment on function learning.judge_simulations(bigint[], integer, float8) is
  'Notes of simulated lessons whether their p value stands up among all, and tells whose does not; returns '
  'of how many that is new.';

create function learning.tuning_overrides(lesson_ids bigint[])
returns setof learning.wanted_override
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select 'pm_tuning', lesson.pattern_key, move.lever, lesson.scope_subset,
    (move.change ->> 'multiplier')::float8, (move.change ->> 'value')::float8,
    null::float8, null::float8, null::float8, lesson.n, null::float8, simulation.confidence, null,
    null::float8, lesson.id, null::timestamptz, lesson.last_evidence_at, lesson.scope_digest,
    simulation.summary
  from learning.tuning_simulations simulation
  join public.learning_lessons lesson on lesson.id = simulation.lesson_id
  cross join lateral jsonb_each(simulation.moves) as move(lever, change)
  where simulation.lesson_id = any (lesson_ids) and lesson.status = 'active' and simulation.admitted
  order by lesson.id, move.lever;
$$;
comment on function learning.tuning_overrides(bigint[]) is
  'The overrides that some lessons want whose simulation stood up: one for each gate it moves.';

create function learning.tuning_lapse_reason(p_lesson_id bigint, luck text)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    (
      select 'Its gate is no longer moved: ' || simulation.summary
        || case when simulation.admitted = false then '; ' || luck else '' end
      from learning.tuning_simulations simulation
      join public.learning_lessons lesson on lesson.id = simulation.lesson_id
      where lesson.id = p_lesson_id and lesson.status = 'active'
    ),
    'Its lesson is no longer found'
  );
$$;
comment on function learning.tuning_lapse_reason(bigint, text) is
  'Why the override of a lesson is no longer wanted, for a person to read; luck says which p values stand '
  'up.';

create function public.reconcile_tuning_overrides(
  p_after bigint default 0,
  p_limit integer default 500,
  p_largest_p_value float8 default null,
  p_lessons integer default 0
)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  lesson_ids constant bigint[] := array(
    select lesson.id
    from public.learning_lessons lesson
    where lesson.lesson_type = 'tuning_rates' and lesson.id > p_after
    order by lesson.id
    limit p_limit
  );
  is_last constant boolean := cardinality(lesson_ids) < p_limit;
  luck constant text := learning.luck_among(p_lessons, p_largest_p_value);
  judged bigint;
  wanted_overrides learning.wanted_override[];
  lapsed_overrides learning.lapsed_override[];
begin
  judged := learning.judge_simulations(lesson_ids, p_lessons, p_largest_p_value);
  -- In one statement, so that both are of one moment.
  with wanted as materialized (
    select wanted.* from learning.tuning_overrides(lesson_ids) as wanted
  ),
  former as (
    select override.* from public.pm_overrides override
    where override.override_type = 'pm_tuning' and override.lesson_id = any (lesson_ids)
    union all
    -- Those of lessons that are gone altogether, once everything else is done.
    select override.* from public.pm_overrides override
    where override.override_type = 'pm_tuning' and override.lesson_id is not null and is_last
      and not exists (select from public.learning_lessons lesson where lesson.id = override.lesson_id)
  )
  select array(select wanted::learning.wanted_override from wanted),
    array(
      select (former.id, learning.tuning_lapse_reason(former.lesson_id, luck))::learning.lapsed_override
      from former
      where former.enabled
        and (former.pattern_key, former.action_category, former.scope_digest)
          not in (select wanted.pattern_key, wanted.action_category, wanted.scope_digest from wanted)
    )
  into wanted_overrides, lapsed_overrides;
  return jsonb_build_object('next', case when not is_last then lesson_ids[p_limit] end, 'judged', judged)
    || learning.reconcile(wanted_overrides, lapsed_overrides);
end
$$;
comment on function public.reconcile_tuning_overrides(bigint, integer, float8, integer) is
  'Brings the tuning overrides of the next lessons in line with their simulations, where the p value is at '
  'most the largest one beyond luck; next is null after the last lesson. For the edge functions.';

-- sql/76_candidates.sql

-- Candidates: what a size is asked for, checked and in its normal form.

create type learning.candidate as (
  pattern_key text,
  action_category text,
  scope jsonb,
  scope_mask integer,
  a_value float8,
  e_value float8,
  previous_strength float8,
  as_of timestamptz,
  as_of_us float8
);
comment on type learning.candidate is 'What a size is asked for, checked and in its normal form.';
comment on column learning.candidate.pattern_key is 'Behaviour, dotted.';
comment on column learning.candidate.action_category is 'entry, add, trim or exit.';
comment on column learning.candidate.scope is 'Its scope, of registered dimensions alone.';
comment on column learning.candidate.scope_mask is 'Dimensions of the scope as bits.';
comment on column learning.candidate.a_value is 'Appetite to add, 0 to 1.';
comment on column learning.candidate.e_value is 'Assertiveness to exit, 0 to 1.';
comment on column learning.candidate.previous_strength is
  'Strength of the call before, from which mode edge_weighted takes its step.';
comment on column learning.candidate.as_of is 'Time that ages count up to.';
comment on column learning.candidate.as_of_us is 'The same in microseconds since 1970.';

create function learning.refuse_argument(argument text, expected text, given text)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = '22023',
    message = format(
      'Argument %s must be %s and is %s', argument, expected, coalesce(learning.quoted(given), 'null')
    ),
    hint = format('Correct %s and ask again; nothing else was looked at.', argument);
end
$$;
comment on function learning.refuse_argument(text, text, text) is
  'Refuses an argument with 22023: says its name, what it must be and what it is.';

create function learning.check_candidate(
  pattern_key text, action_category text, scope jsonb, a_value float8, e_value float8,
  previous_strength float8, as_of timestamptz
)
returns learning.candidate
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  candidate learning.candidate;
begin
  if pattern_key is null or btrim(pattern_key) = '' then
    perform learning.refuse_argument(
      'pattern_key', 'a behaviour such as pm.uptrend.S1.buy_flag', pattern_key
    );
  elsif action_category is null or action_category not in ('entry', 'add', 'trim', 'exit') then
    perform learning.refuse_argument('action_category', 'entry, add, trim or exit', action_category);
  elsif scope is null or jsonb_typeof(scope) <> 'object' then
    perform learning.refuse_argument('scope', 'an object of dimensions and texts', left(scope::text, 61));
  elsif not a_value between 0 and 1 then
    perform learning.refuse_argument('a_value', 'a number from 0 to 1', a_value::text);
  elsif not e_value between 0 and 1 then
    perform learning.refuse_argument('e_value', 'a number from 0 to 1', e_value::text);
  elsif not (previous_strength > 0 and previous_strength <= 1e6) then
    perform learning.refuse_argument(
      'previous_strength', 'a number greater than 0 and at most 1e6', previous_strength::text
    );
  elsif not isfinite(as_of) then
    perform learning.refuse_argument('as_of', 'a finite time', as_of::text);
  end if;
  candidate.pattern_key := case when pattern_key ^@ 'module=' or pattern_key <> btrim(pattern_key)
    then learning.dotted_pattern_key(pattern_key) else pattern_key end;
  candidate.action_category := action_category;
  candidate.scope := scope;
  candidate.scope_mask := learning.normal_scope_mask(scope);
  if candidate.scope_mask is null then
    candidate.scope := public.unified_scope(null, scope, null);
    candidate.scope_mask := learning.scope_mask(candidate.scope);
  end if;
  candidate.a_value := learning.without_dust(coalesce(a_value, 0.5));
  candidate.e_value := learning.without_dust(coalesce(e_value, 0.5));
  candidate.previous_strength := greatest(1e-12, coalesce(previous_strength, 1));
  candidate.as_of := coalesce(as_of, now());
  candidate.as_of_us := (extract(epoch from candidate.as_of) * 1000000)::float8;
  return candidate;
end
$$;
comment on function learning.check_candidate(text, text, jsonb, float8, float8, float8, timestamptz) is
  'A candidate in its normal form, with what was left out filled in; malformed arguments are refused with '
  '22023 and a hint.';

create function learning.read_candidate(given jsonb)
returns learning.candidate
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  arguments constant text[] := array[
    'pattern_key', 'action_category', 'scope', 'a_value', 'e_value', 'previous_strength', 'as_of'
  ];
  argument text;
  a_value float8;
  e_value float8;
  previous_strength float8;
  as_of timestamptz;
begin
  if jsonb_typeof(given) <> 'object' then
    raise exception using
      errcode = '22023',
      message = format('A candidate must be an object and is %s', learning.quoted(left(given::text, 61))),
      hint = 'Give each of candidates the arguments of get_pm_sizing by name.';
  end if;
  if given - arguments <> '{}'::jsonb then
    select min(stranger.name) into argument from jsonb_object_keys(given - arguments) as stranger(name);
    raise exception using
      errcode = '22023',
      message = format('A candidate has no argument %s', learning.quoted(argument)),
      hint = 'The arguments are ' || array_to_string(arguments, ', ') || '.';
  end if;
  begin
    argument := 'a_value';
    a_value := (given ->> argument)::float8;
    argument := 'e_value';
    e_value := (given ->> argument)::float8;
    argument := 'previous_strength';
    previous_strength := (given ->> argument)::float8;
    argument := 'as_of';
    as_of := (given ->> argument)::timestamptz;
  exception when data_exception then
    perform learning.refuse_argument(
      argument, case argument when 'as_of' then 'a time' else 'a number' end, given ->> argument
    );
  end;
  return learning.check_candidate(
    given ->> 'pattern_key', given ->> 'action_category', given -> 'scope', a_value, e_value,
    previous_strength, as_of
  );
end
$$;
comment on function learning.read_candidate(jsonb) is 'A candidate of a batch, checked.';

-- sql/77_dm_allocation.sql

-- Allocation of a token to a timeframe: base, learned share and the overrides of the decision maker.

create type public.dm_allocation as (
  base float8,
  share float8,
  multiplier float8,
  product float8,
  overrides jsonb,
  config_version integer,
  computed_at timestamptz
);
comment on type public.dm_allocation is
  'Answer of get_dm_allocation: what an approved token gets on one timeframe, and why.';
comment on column public.dm_allocation.base is
  'Fraction of the book that an approved token gets over all its timeframes.';
comment on column public.dm_allocation.share is
  'The timeframe''s learned share of it; null for a timeframe without a share.';
comment on column public.dm_allocation.multiplier is
  'Factor from learned and hand-made dm_alloc overrides, 0.7 to 1.3; 1 is neutral.';
comment on column public.dm_allocation.product is
  'base times share times multiplier, a fraction of the book; null for a timeframe without a share.';
comment on column public.dm_allocation.overrides is
  'The overrides that acted, heaviest first: id, pattern_key, scope_subset, weight, share, pull; beyond 50 '
  'one entry for the rest.';
comment on column public.dm_allocation.config_version is
  'Version of the decision maker''s configuration that held.';
comment on column public.dm_allocation.computed_at is 'When the answer was computed.';

create function learning.blend_allocation_overrides(
  scope jsonb, as_of timestamptz, config jsonb, out multiplier float8, out contributions jsonb
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  fade_half_life constant float8 := (config -> 'staleness_half_life_hours')::float8;
begin
  multiplier := 1;
  contributions := '[]';
  if not learning.overrides_act('dm_alloc', scope, config) then
    return;
  end if;
  with matches as (
    select override.id, override.pattern_key, override.scope_subset, index_entry.multiplier,
      learning.fade(as_of, override.last_evidence_at, fade_half_life) as fade,
      index_entry.specificity * index_entry.confidence as weight
    from learning.override_index_groups index_group
    cross join lateral learning.contained_overrides(index_group, scope) as index_entry
    join public.pm_overrides override on override.id = index_entry.override_id
    where index_group.override_type = 'dm_alloc' and index_group.action_category = 'allocation'
      and index_entry.confidence > 0
  ),
  pulls as (
    select match.id, match.pattern_key, match.scope_subset, match.weight, mean.share,
      mean.share * (match.multiplier - 1) * match.fade as pull,
      row_number() over (order by match.weight desc, match.id) as rank
    from matches as match
    cross join (select sum(matches.weight) as weight from matches) as total
    cross join lateral (select match.weight / total.weight as share) as mean
  ),
  listed as (
    select pull.rank, jsonb_build_object(
      'id', pull.id, 'pattern_key', pull.pattern_key, 'scope_subset', pull.scope_subset,
      'weight', pull.weight, 'share', pull.share, 'pull', pull.pull
    ) as entry
    from pulls as pull
    where pull.rank <= 50
    union all
    select 51, jsonb_build_object(
      'rest', count(*), 'weight', sum(pull.weight), 'share', sum(pull.share), 'pull', sum(pull.pull)
    )
    from pulls as pull
    where pull.rank > 50
    having count(*) > 0
  )
  select
    learning.multiplier_within_bounds('dm_alloc', 1 + coalesce((select sum(pulls.pull) from pulls), 0)),
    coalesce((select jsonb_agg(listed.entry order by listed.rank) from listed), '[]')
  into multiplier, contributions;
end
$$;
comment on function learning.blend_allocation_overrides(jsonb, timestamptz, jsonb) is
  'Blends the faded multipliers of all dm_alloc overrides that a scope contains, whatever their pattern key, '
  'weighed by specificity and confidence; neutral where they rest.';

create function public.get_dm_allocation(timeframe text, scope jsonb default '{}'::jsonb)
returns public.dm_allocation
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  answer public.dm_allocation;
begin
  perform learning.require_pm();
  if timeframe is null or btrim(timeframe) = '' then
    perform learning.refuse_argument('timeframe', 'a timeframe such as 1h', timeframe);
  elsif scope is null or jsonb_typeof(scope) <> 'object' then
    perform learning.refuse_argument('scope', 'an object of dimensions and texts', left(scope::text, 61));
  end if;
  timeframe := btrim(timeframe);
  scope := public.unified_scope(null, scope || jsonb_build_object('timeframe', timeframe), null);

  select (effective_config.config ->> 'default_allocation_pct')::float8, effective_config.version
  into answer.base, answer.config_version
  from learning.effective_configs effective_config
  where effective_config.module_id = 'decision_maker';
  select allocation.current_allocation into answer.share
  from public.timeframe_allocation allocation
  where allocation.timeframe = get_dm_allocation.timeframe;
  select blend.multiplier, blend.contributions into answer.multiplier, answer.overrides
  from learning.blend_allocation_overrides(scope, now(), learning.config()) as blend;
  answer.product := answer.base * answer.share * answer.multiplier;
  answer.computed_at := clock_timestamp();
  return answer;
end
$$;
comment on function public.get_dm_allocation(text, jsonb) is
  'What an approved token gets on one timeframe: base, learned share, multiplier from dm_alloc overrides and '
  'their product. The timeframe given counts as the scope''s. Read-only; malformed arguments are refused '
  'with 22023.';

-- sql/78_position_scopes.sql

-- Scopes of positions: what each position that counts as exposure is held in.

create table learning.position_scopes (
  position_id uuid primary key,
  pattern_key text,
  scope jsonb not null,
  scope_mask integer not null,
  exposure float8 not null
);
alter table learning.position_scopes enable row level security;
comment on table learning.position_scopes is
  'Scope and exposure of each watchlist and active position, so that a sizing call derives none. '
  'Kept by triggers.';
comment on column learning.position_scopes.position_id is 'The position.';
comment on column learning.position_scopes.pattern_key is
  'Behaviour that holds it, dotted; null where unknown.';
comment on column learning.position_scopes.scope is 'Its scope: entry context, timeframe and chain.';
comment on column learning.position_scopes.scope_mask is 'Dimensions of the scope as bits.';
comment on column learning.position_scopes.exposure is 'Intended capital as a fraction of the book.';

create function learning.position_scope(entry_context jsonb, timeframe text, token_chain text)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  -- A position is held whatever its context looks like: what no scope can take is left out instead of raised.
  select public.unified_scope(
    (
      select jsonb_object_agg(entry.key, entry.value)
      from jsonb_each(case when jsonb_typeof(entry_context) = 'object' then entry_context end) as entry
      where jsonb_typeof(entry.value) not in ('object', 'array')
        and length(learning.scope_value(entry.value)) <= 200
    ),
    jsonb_build_object('timeframe', left(timeframe, 200), 'chain', left(token_chain, 200)),
    null
  );
$$;
comment on function learning.position_scope(jsonb, text, text) is 'The scope a position is held in.';

create view learning.held_positions
with (security_invoker = true)
as
select position.id as position_id, position.pattern_key,
  learning.position_scope(position.entry_context, position.timeframe, position.token_chain) as scope,
  position.total_allocation_pct as exposure
from public.lowcap_positions position
where position.status in ('watchlist', 'active');
comment on view learning.held_positions is 'The positions that count as exposure.';
comment on column learning.held_positions.position_id is 'The position.';
comment on column learning.held_positions.pattern_key is
  'Behaviour that holds it, dotted; null where unknown.';
comment on column learning.held_positions.scope is 'Its scope: entry context, timeframe and chain.';
comment on column learning.held_positions.exposure is 'Intended capital as a fraction of the book.';

-- What keeps the table runs as its owner: whoever may write positions need not be able to write what follows.
create function learning.hold_positions(ids uuid[])
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into learning.position_scopes as position_scope
    (position_id, pattern_key, scope, scope_mask, exposure)
  select held_position.position_id, held_position.pattern_key, held_position.scope,
    learning.scope_mask(held_position.scope), held_position.exposure
  from learning.held_positions held_position
  where held_position.position_id = any (ids)
  on conflict (position_id) do update set
    pattern_key = excluded.pattern_key, scope = excluded.scope, scope_mask = excluded.scope_mask,
    exposure = excluded.exposure
  where (position_scope.pattern_key, position_scope.scope, position_scope.exposure)
    is distinct from (excluded.pattern_key, excluded.scope, excluded.exposure);
end
$$;
comment on function learning.hold_positions(uuid[]) is
  'Brings scope and exposure of positions that count in line with them.';

create function learning.keep_position_scopes()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('exposure', 0));
  if tg_op = 'TRUNCATE' then
    delete from learning.position_scopes position_scope where position_scope.position_id is not null;
  elsif tg_op = 'INSERT' then
    perform learning.hold_positions(array(
      select position.id from new_positions position where position.status in ('watchlist', 'active')
    ));
  elsif tg_op = 'DELETE' then
    delete from learning.position_scopes position_scope
    where position_scope.position_id = any (array(select position.id from old_positions position));
  else
    delete from learning.position_scopes position_scope
    where position_scope.position_id = any (array(
      select position.id from old_positions position
      except all
      select position.id from new_positions position where position.status in ('watchlist', 'active')
    ));
    -- Of what the PM writes at every tick little bears on exposure.
    perform learning.hold_positions(array(
      select changed_position.id
      from (
        select position.id, position.pattern_key, position.entry_context, position.timeframe,
          position.token_chain, position.total_allocation_pct, position.status
        from new_positions position
        where position.status in ('watchlist', 'active')
        except
        select position.id, position.pattern_key, position.entry_context, position.timeframe,
          position.token_chain, position.total_allocation_pct, position.status
        from old_positions position
      ) as changed_position
    ));
  end if;
  return null;
end
$$;
comment on function learning.keep_position_scopes() is
  'Brings learning.position_scopes in line with the positions that a statement changed.';

create trigger keep_scopes_of_new_positions after insert on public.lowcap_positions
referencing new table as new_positions
for each statement execute function learning.keep_position_scopes();
comment on trigger keep_scopes_of_new_positions on public.lowcap_positions is
  'New positions count as exposure at once.';
create trigger keep_scopes_of_changed_positions after update on public.lowcap_positions
referencing old table as old_positions new table as new_positions
for each statement execute function learning.keep_position_scopes();
comment on trigger keep_scopes_of_changed_positions on public.lowcap_positions is
  'Changed positions change the exposure at once.';
create trigger keep_scopes_of_deleted_positions after delete on public.lowcap_positions
referencing old table as old_positions
for each statement execute function learning.keep_position_scopes();
comment on trigger keep_scopes_of_deleted_positions on public.lowcap_positions is
  'Deleted positions stop counting as exposure.';
create trigger keep_scopes_of_truncated_positions after truncate on public.lowcap_positions
for each statement execute function learning.keep_position_scopes();
comment on trigger keep_scopes_of_truncated_positions on public.lowcap_positions is
  'Deleted positions stop counting as exposure.';

-- sql/80_exposure_cells.sql

-- Exposure cells: what the configured masks make of the scopes that are held.

create table learning.exposure_masks (
  mask integer primary key,
  dims text[] not null,
  bits integer[] not null,
  weight float8 not null
);
alter table learning.exposure_masks enable row level security;
comment on table learning.exposure_masks is
  'The configured dimension sets that crowding is measured on; the full scope of a candidate comes on top. '
  'Kept by triggers.';
comment on column learning.exposure_masks.mask is 'Its dimensions as bits.';
comment on column learning.exposure_masks.dims is 'Its dimensions by name, in the order of their bits.';
comment on column learning.exposure_masks.bits is 'Its dimensions as bit numbers, ascending.';
comment on column learning.exposure_masks.weight is
  'w(m), its share of all registered weights to the configured power.';

create table learning.exposure_cells (
  place bigint not null,
  cell text collate "C" not null,
  pattern_key text,
  mask integer not null,
  exposure float8 not null,
  positions integer not null
)
with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create index exposure_cells_place_idx on learning.exposure_cells (place);
alter table learning.exposure_cells enable row level security;
comment on table learning.exposure_cells is
  'Exposure in each scope that the masks make of the positions, a sum over all rows of a cell, so that a '
  'candidate reads it at 50 places instead of going through the positions. Kept by triggers.';
comment on column learning.exposure_cells.place is
  'The hashes of its values, and of the behaviour where there is one, each seeded by its dimension and all '
  'combined by xor. A number is found at 100 places in a quarter of the time a text takes; that two cells '
  'share one of the 2^64 is left to chance.';
comment on column learning.exposure_cells.cell is 'The scope: its pairs as JSON, by bit, without the braces.';
comment on column learning.exposure_cells.mask is 'Its dimensions as bits.';
comment on column learning.exposure_cells.pattern_key is
  'Behaviour of the positions, empty where unknown; null for all of them together.';
comment on column learning.exposure_cells.exposure is
  'Intended capital that came (above 0) or went (below 0), as a fraction of the book.';
comment on column learning.exposure_cells.positions is 'Positions that came or went.';

create function learning.mask_weight(
  mask integer, exponent float8 default (learning.config() #>> '{exposure,weight_exponent}')::float8
)
returns float8
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select power(
      sum(dimension.weight) filter (where mask & (1 << dimension.bit) <> 0) / sum(dimension.weight),
      exponent
    )
    from public.scope_dimensions dimension
  );
end
$$;
comment on function learning.mask_weight(integer, float8) is
  'w(m): the mask''s share of all registered dimension weights, to the configured power.';

create function learning.configured_masks()
returns table (mask integer, dims text[], bits integer[])
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with entries as (
    select distinct entry.value,
      case jsonb_typeof(entry.value) when 'array' then 'list' else entry.value #>> '{}' end as kind
    from jsonb_array_elements(
      coalesce(nullif(learning.config() #> '{exposure,masks}', 'null'), '["singles", "pairs", "full"]')
    ) as entry(value)
  )
  select 1 << dimension.bit, array[dimension.dim], array[dimension.bit]
  from public.scope_dimensions dimension
  where exists (select from entries where entries.kind = 'singles')
  union
  select (1 << dimension.bit) | (1 << other_dimension.bit), array[dimension.dim, other_dimension.dim],
    array[dimension.bit, other_dimension.bit]
  from public.scope_dimensions dimension
  join public.scope_dimensions other_dimension on dimension.bit < other_dimension.bit
  where exists (select from entries where entries.kind = 'pairs')
  union
  select bit_or(1 << dimension.bit), array_agg(dimension.dim order by dimension.bit),
    array_agg(dimension.bit order by dimension.bit)
  from entries
  join public.scope_dimensions dimension on exists (
    select
    from jsonb_array_elements_text(case entries.kind when 'list' then entries.value end) as named(dim)
    where named.dim = dimension.dim or named.dim = any (dimension.aliases)
  )
  where entries.kind = 'list'
  group by entries.value;
$$;
comment on function learning.configured_masks() is
  'The dimension sets that are configured for exposure, each once and in the order of the bits, '
  'without the full scope.';

create type learning.scope_cells as (
  weight_sum float8,
  full_is_configured boolean,
  masks integer[],
  weights float8[],
  places bigint[],
  pattern_places bigint[],
  cells text[]
);
comment on type learning.scope_cells is
  'The configured masks within a scope''s dimensions: the sum of their weights, and whether one is the whole '
  'scope. Of those within the reach of what is held: mask, weight, and where the cell lies that it makes of '
  'the scope, of all behaviours and of one; where asked for, what the cell is.';
comment on column learning.scope_cells.weight_sum is
  'Sum of the weights of the masks within the scope''s dimensions; null where there is none.';
comment on column learning.scope_cells.full_is_configured is 'Whether one of these masks is the whole scope.';
comment on column learning.scope_cells.masks is 'Of those within the reach of what is held: the mask.';
comment on column learning.scope_cells.weights is 'Its weight.';
comment on column learning.scope_cells.places is
  'Where the cell lies that it makes of the scope, of all behaviours.';
comment on column learning.scope_cells.pattern_places is 'Where the cell lies of the one behaviour.';
comment on column learning.scope_cells.cells is 'What the cell is, where that was asked for.';

create function learning.cells_of(
  scope jsonb, scope_mask integer, reach integer, pattern_key text, with_names boolean
)
returns learning.scope_cells
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  pattern constant bigint := hashtextextended(pattern_key, 31);
  cells learning.scope_cells;
begin
  select sum(cell.weight), bool_or(cell.mask = scope_mask),
    array_agg(cell.mask) filter (where cell.place is not null),
    array_agg(cell.weight) filter (where cell.place is not null),
    array_agg(cell.place) filter (where cell.place is not null),
    array_agg(cell.place # pattern) filter (where cell.place is not null),
    array_agg((
      select string_agg('"' || pair.dim || '":' || (scope -> pair.dim), ',' order by pair.place)
      from unnest(cell.dims) with ordinality as pair(dim, place)
    )) filter (where with_names and cell.place is not null)
  into cells
  from (
    select exposure_mask.mask, exposure_mask.dims, exposure_mask.weight,
      case when exposure_mask.mask & reach = exposure_mask.mask then
        -- Nearly all masks are of one or two: a subselect for each of them takes 1.18 times as long in all.
        case cardinality(exposure_mask.dims)
          when 1 then hashtextextended(scope ->> exposure_mask.dims[1], exposure_mask.bits[1])
          when 2 then hashtextextended(scope ->> exposure_mask.dims[1], exposure_mask.bits[1])
            # hashtextextended(scope ->> exposure_mask.dims[2], exposure_mask.bits[2])
          else (
            select bit_xor(hashtextextended(scope ->> pair.dim, pair.bit))
            from unnest(exposure_mask.dims, exposure_mask.bits) as pair(dim, bit)
          )
        end
      end as place
    from learning.exposure_masks exposure_mask
    where exposure_mask.mask & scope_mask = exposure_mask.mask
    -- Keeps each from being computed once per use.
    offset 0
  ) as cell;
  return cells;
end
$$;
comment on function learning.cells_of(jsonb, integer, integer, text, boolean) is
  'Weights and cells that the configured masks make of a scope.';

-- Where nobody has counted the cells yet, as where no autovacuum runs, it would read all of them for each
-- position that is written.
create function learning.add_exposure(came learning.position_scopes[], went learning.position_scopes[])
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  -- Who finds another at work leaves his part beside the rest: writers never wait for each other here.
  sums_up constant boolean := pg_try_advisory_xact_lock(hashtextextended('exposure_cells', 0));
begin
  with moved as materialized (
    select counted.place, cell.name as cell, cell.mask, counted.pattern_key,
      sum(position_scope.exposure) as exposure, sum(position_scope.positions)::integer as positions
    from (
      select scope.pattern_key, scope.scope, scope.scope_mask, scope.exposure, 1 as positions
      from unnest(came) as scope
      union all
      select scope.pattern_key, scope.scope, scope.scope_mask, -scope.exposure, -1
      from unnest(went) as scope
    ) as position_scope
    cross join lateral learning.cells_of(
      position_scope.scope, position_scope.scope_mask, position_scope.scope_mask,
      coalesce(position_scope.pattern_key, ''), true
    ) as scope_cells
    cross join lateral unnest(
      scope_cells.masks, scope_cells.places, scope_cells.pattern_places, scope_cells.cells
    ) as cell(mask, place, pattern_place, name)
    cross join lateral (
      values (cell.pattern_place, coalesce(position_scope.pattern_key, '')), (cell.place, null)
    ) as counted(place, pattern_key)
    group by counted.place, cell.name, cell.mask, counted.pattern_key
  ),
  former as (
    delete from learning.exposure_cells cell
    where sums_up and cell.place in (select moved.place from moved)
    returning cell.*
  )
  insert into learning.exposure_cells (place, cell, mask, pattern_key, exposure, positions)
  select part.place, part.cell, part.mask, part.pattern_key, sum(part.exposure), sum(part.positions)
  from (
    select moved.place, moved.cell, moved.mask, moved.pattern_key, moved.exposure, moved.positions from moved
    union all
    select former.place, former.cell, former.mask, former.pattern_key, former.exposure, former.positions
    from former
  ) as part
  group by part.place, part.cell, part.mask, part.pattern_key
  -- What is left when the last position went is a rounding error.
  having sum(part.positions) <> 0 or abs(sum(part.exposure)) > 1e-9 * sum(abs(part.exposure));
end
$$;
comment on function learning.add_exposure(learning.position_scopes[], learning.position_scopes[]) is
  'Adds the exposure of positions that came to its cells and takes away that of those that went.';

create function learning.keep_exposure_cells()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  came learning.position_scopes[] := array[]::learning.position_scopes[];
  went learning.position_scopes[] := array[]::learning.position_scopes[];
begin
  if tg_op in ('INSERT', 'UPDATE') then
    came := array(select position_scope from new_scopes position_scope);
  end if;
  if tg_op in ('UPDATE', 'DELETE') then
    went := array(select position_scope from old_scopes position_scope);
  end if;
  if cardinality(came) + cardinality(went) > 0 then
    perform learning.add_exposure(came, went);
  end if;
  return null;
end
$$;
comment on function learning.keep_exposure_cells() is
  'Brings learning.exposure_cells in line with the scopes and exposures that a statement changed.';
create trigger keep_cells_of_new_scopes after insert on learning.position_scopes
referencing new table as new_scopes
for each statement execute function learning.keep_exposure_cells();
comment on trigger keep_cells_of_new_scopes on learning.position_scopes is 'Adds what came.';
create trigger keep_cells_of_changed_scopes after update on learning.position_scopes
referencing old table as old_scopes new table as new_scopes
for each statement execute function learning.keep_exposure_cells();
comment on trigger keep_cells_of_changed_scopes on learning.position_scopes is
  'Adds what came and takes away what went.';
create trigger keep_cells_of_deleted_scopes after delete on learning.position_scopes
referencing old table as old_scopes
for each statement execute function learning.keep_exposure_cells();
comment on trigger keep_cells_of_deleted_scopes on learning.position_scopes is 'Takes away what went.';

create function learning.dims_of_masks()
returns text[]
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select array_agg(exposure_mask.mask || ' ' || exposure_mask.dims::text order by exposure_mask.mask)
  from learning.exposure_masks exposure_mask;
$$;
comment on function learning.dims_of_masks() is
  'What the cells were made of: each mask with the names of its dimensions, for one that was taken out may '
  'have left its bit to another.';

create function learning.derive_exposure()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  former text[];
begin
  -- Alone: a position written meanwhile would be counted by the former dimensions and masks. Its writers
  -- share the lock.
  perform pg_advisory_xact_lock(hashtextextended('exposure', 0));
  former := learning.dims_of_masks();
  delete from learning.exposure_masks exposure_mask
  where exposure_mask.mask not in (select wanted.mask from learning.configured_masks() as wanted);
  insert into learning.exposure_masks as exposure_mask (mask, dims, bits, weight)
  select wanted.mask, wanted.dims, wanted.bits, learning.mask_weight(wanted.mask)
  from learning.configured_masks() as wanted
  on conflict (mask) do update set dims = excluded.dims, weight = excluded.weight
  where (exposure_mask.dims, exposure_mask.weight) is distinct from (excluded.dims, excluded.weight);
  if learning.dims_of_masks() is distinct from former then
    delete from learning.exposure_cells cell where cell.cell is not null;
    perform learning.add_exposure(
      array(select position_scope from learning.position_scopes position_scope),
      array[]::learning.position_scopes[]
    );
  end if;
  if tg_table_name = 'scope_dimensions' then
    perform learning.hold_positions(
      array(select position_scope.position_id from learning.position_scopes position_scope)
    );
  end if;
  return null;
end
$$;
comment on function learning.derive_exposure() is
  'Derives masks, scopes and cells anew when the dimensions or the configured masks change.';
create trigger derive_exposure after insert or update or delete or truncate on public.scope_dimensions
for each statement execute function learning.derive_exposure();
comment on trigger derive_exposure on public.scope_dimensions is
  'A dimension registered later is found in the positions held already.';
create trigger derive_exposure after update on learning.effective_configs
for each row when (
  new.module_id = 'pm' and new.config -> 'exposure' is distinct from old.config -> 'exposure'
)
execute function learning.derive_exposure();
comment on trigger derive_exposure on learning.effective_configs is
  'Configured masks and weights act at once.';
insert into learning.exposure_masks (mask, dims, bits, weight)
select wanted.mask, wanted.dims, wanted.bits, learning.mask_weight(wanted.mask)
from learning.configured_masks() as wanted;

-- sql/81_exposure.sql

-- Exposure: how much of the book is held in each scope.

create function learning.full_scope_counts(config jsonb)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return config #> '{exposure,masks}' = 'null'::jsonb or config #> '{exposure,masks}' ? 'full';
end
$$;
comment on function learning.full_scope_counts(jsonb) is
  'Whether crowding is measured on a candidate''s full scope, too.';

create view public.pattern_scope_exposure
with (security_invoker = true)
as
with scopes as (
  select cell.pattern_key, cell.mask, ('{' || cell.cell || '}')::jsonb as scope, cell.exposure, cell.positions
  from learning.exposure_cells cell
  where cell.pattern_key is not null
  union all
  -- A position's full scope, where no configured mask makes it a cell: whatever contains it is in it.
  select position_scope.pattern_key, full_scope.scope_mask, full_scope.scope, position_scope.exposure, 1
  from (
    select distinct position_scope.scope_mask, position_scope.scope
    from learning.position_scopes position_scope
    where position_scope.scope_mask <> 0
      and position_scope.scope_mask not in (
        select exposure_mask.mask from learning.exposure_masks exposure_mask
      )
      and learning.full_scope_counts(learning.config())
  ) as full_scope
  join learning.position_scopes position_scope on position_scope.scope @> full_scope.scope
)
select nullif(scopes.pattern_key, '') as pattern_key, scopes.mask, scopes.scope,
  sum(scopes.exposure) as exposure,
  sum(scopes.exposure) * learning.mask_weight(scopes.mask) as weighted_exposure,
  sum(scopes.positions)::integer as positions
from scopes
group by nullif(scopes.pattern_key, ''), scopes.mask, scopes.scope
having sum(scopes.positions) > 0;
comment on view public.pattern_scope_exposure is 'How much of the book each behaviour holds in each scope.';
comment on column public.pattern_scope_exposure.pattern_key is 'The behaviour, dotted; null where unknown.';
comment on column public.pattern_scope_exposure.mask is 'Dimensions of the scope as bits.';
comment on column public.pattern_scope_exposure.scope is 'The scope.';
comment on column public.pattern_scope_exposure.exposure is
  'Intended capital of the behaviour''s positions in it, as a fraction of the book.';
comment on column public.pattern_scope_exposure.weighted_exposure is 'The same, weighted by the mask.';
comment on column public.pattern_scope_exposure.positions is 'How many positions that is.';

create view public.scope_exposure
with (security_invoker = true)
as
select pattern_exposure.mask, pattern_exposure.scope, sum(pattern_exposure.exposure) as exposure,
  sum(pattern_exposure.weighted_exposure) as weighted_exposure,
  sum(pattern_exposure.positions)::integer as positions
from public.pattern_scope_exposure pattern_exposure
group by pattern_exposure.mask, pattern_exposure.scope;
comment on view public.scope_exposure is 'How much of the book is held in each scope.';
comment on column public.scope_exposure.mask is 'Dimensions of the scope as bits.';
comment on column public.scope_exposure.scope is 'The scope.';
comment on column public.scope_exposure.exposure is
  'Intended capital of the positions in it, as a fraction of the book.';
comment on column public.scope_exposure.weighted_exposure is 'The same, weighted by the mask.';
comment on column public.scope_exposure.positions is 'How many positions that is.';

-- sql/82_crowding.sql

-- Crowding: how full a candidate's scope is, and the skew of its size that follows. Over the masks m that the
-- scope fills, with the weight w(m):
--
--   concentration = alpha · Σ w(m) · exposure(m) + beta · Σ w(m) · exposure of the same behaviour(m)
--   crowding      = concentration / (alpha · Σ w(m) · least(total, cap)), from 0 to 1
--
-- No product leaves the range of numbers: w(m) is above 1e-135 (weights of dimensions lie within 1e-6 and
-- 1e6, the exponent is at most 10), sums of allocations above 1e-28 (each is at least 1e-12) or 0.

create type learning.exposure_measure as (skew float8, explanation jsonb);
comment on type learning.exposure_measure is 'How crowding acts on a candidate, and why.';
comment on column learning.exposure_measure.skew is 'Factor on the size.';
comment on column learning.exposure_measure.explanation is
  'What it rests on, as the row of a sizing tells it.';

create type learning.crowding_context as (
  enabled boolean,
  full_scope_counts boolean,
  weight_exponent float8,
  alpha float8,
  beta float8,
  cap float8,
  total float8,
  full_exposure float8,
  mask integer
);
comment on type learning.crowding_context is
  'What all candidates are measured by: the configuration, the exposure of the book, how much of it in one '
  'scope reads as full crowding, and the dimensions that any position fills as bits.';
comment on column learning.crowding_context.enabled is 'Whether crowding acts on sizes.';
comment on column learning.crowding_context.full_scope_counts is
  'Whether the candidate''s full scope counts, too.';
comment on column learning.crowding_context.weight_exponent is 'Power of a mask''s share of all weights.';
comment on column learning.crowding_context.alpha is 'Weight of exposure in the same scope.';
comment on column learning.crowding_context.beta is
  'Weight of exposure in the same scope under the same pattern key.';
comment on column learning.crowding_context.cap is
  'Exposure that reads as full crowding where the total is larger; null: the total.';
comment on column learning.crowding_context.total is 'Exposure of the whole book.';
comment on column learning.crowding_context.full_exposure is 'How much of it in one scope reads as full.';
comment on column learning.crowding_context.mask is 'Dimensions of anything held, as bits.';

create type learning.crowded_mask as (
  scope jsonb,
  weight float8,
  exposure float8,
  pattern_exposure float8
);
comment on type learning.crowded_mask is
  'A scope that one mask makes of a candidate''s, its weight, and what is held in it, by all and by the same '
  'behaviour.';
comment on column learning.crowded_mask.scope is 'What the mask makes of the candidate''s scope.';
comment on column learning.crowded_mask.weight is 'Weight of the mask.';
comment on column learning.crowded_mask.exposure is 'What is held in it.';
comment on column learning.crowded_mask.pattern_exposure is 'What the same behaviour holds in it.';

create type learning.concentration as (
  weight_sum float8,
  concentration float8,
  heaviest learning.crowded_mask[],
  rest bigint,
  rest_concentration float8
);
comment on type learning.concentration is
  'Weights of the masks that a candidate fills, the exposure in them by weight, the masks that made most of '
  'it, and how many more there are with how much of it.';
comment on column learning.concentration.weight_sum is
  'Sum of the weights of the masks that the candidate fills.';
comment on column learning.concentration.concentration is 'Exposure in them, by weight.';
comment on column learning.concentration.heaviest is 'The masks that made most of it.';
comment on column learning.concentration.rest is 'How many more there are.';
comment on column learning.concentration.rest_concentration is 'How much of it they made.';

create function learning.crowding_context(config jsonb)
returns learning.crowding_context
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  context learning.crowding_context;
begin
  context.enabled := (config #>> '{flags,exposure_skew_enabled}')::boolean;
  context.full_scope_counts := learning.full_scope_counts(config);
  context.weight_exponent := (config #>> '{exposure,weight_exponent}')::float8;
  context.alpha := (config #>> '{exposure,alpha}')::float8;
  context.beta := (config #>> '{exposure,beta}')::float8;
  context.cap := (config #>> '{exposure,cap}')::float8;
  select coalesce(sum(position_scope.exposure), 0), coalesce(bit_or(position_scope.scope_mask), 0)
  into context.total, context.mask
  from learning.position_scopes position_scope;
  context.full_exposure := least(context.total, context.cap);
  return context;
end
$$;
comment on function learning.crowding_context(jsonb) is
  'What all candidates are measured by, read once for a call.';

create function learning.crowded_full_scope(candidate learning.candidate, context learning.crowding_context)
returns learning.crowded_mask
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  crowded_mask learning.crowded_mask;
begin
  crowded_mask.scope := candidate.scope;
  crowded_mask.weight := learning.mask_weight(candidate.scope_mask, context.weight_exponent);
  if candidate.scope_mask & context.mask = candidate.scope_mask then
    select sum(position_scope.exposure), sum(
      case when position_scope.pattern_key = candidate.pattern_key then position_scope.exposure else 0 end
    )
    into crowded_mask.exposure, crowded_mask.pattern_exposure
    from learning.position_scopes position_scope
    where position_scope.scope_mask & candidate.scope_mask = candidate.scope_mask
      and position_scope.scope @> candidate.scope;
  end if;
  return crowded_mask;
end
$$;
comment on function learning.crowded_full_scope(learning.candidate, learning.crowding_context) is
  'The candidate''s full scope as a mask, its exposure null where nothing is held in it.';

create function learning.concentration(candidate learning.candidate, context learning.crowding_context)
returns learning.concentration
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  cells constant learning.scope_cells := learning.cells_of(
    candidate.scope, candidate.scope_mask, candidate.scope_mask & context.mask, candidate.pattern_key, false
  );
  places constant bigint[] := cells.places || cells.pattern_places;
  full_scope learning.crowded_mask;
  full_concentration float8;
  concentration learning.concentration;
begin
  if context.full_scope_counts and candidate.scope_mask <> 0 and cells.full_is_configured is not true then
    full_scope := learning.crowded_full_scope(candidate, context);
  end if;
  concentration.weight_sum := coalesce(cells.weight_sum, 0) + coalesce(full_scope.weight, 0);
  full_concentration := nullif(context.alpha * concentration.weight_sum * context.full_exposure, 0);

  select coalesce(sum(ranked.concentration), 0), greatest(0, count(*) - 20),
    coalesce(sum(ranked.concentration) filter (where ranked.rank > 20), 0),
    array_agg(
      row(
        case when ranked.cell is null then full_scope.scope else ('{' || ranked.cell || '}')::jsonb end,
        ranked.weight, ranked.exposure, ranked.pattern_exposure
      )::learning.crowded_mask
      order by ranked.rank
    ) filter (where ranked.rank <= 20)
  into concentration.concentration, concentration.rest, concentration.rest_concentration,
    concentration.heaviest
  from (
    select crowded.*,
      -- By name where they crowd alike, for sums of floats are noise in their last digits.
      row_number() over (
        order by round(crowded.concentration / full_concentration * 1e9) desc, crowded.cell
      ) as rank
    from (
      select held.*,
        held.weight * (context.alpha * held.exposure + context.beta * held.pattern_exposure) as concentration
      from (
        select cell_exposure.cell, weighed.weight, cell_exposure.exposure, cell_exposure.pattern_exposure
        from (
          select cell.mask, max(cell.cell) as cell,
            coalesce(sum(cell.exposure) filter (where cell.pattern_key is null), 0) as exposure,
            coalesce(sum(cell.exposure) filter (where cell.pattern_key is not null), 0) as pattern_exposure
          from learning.exposure_cells cell
          where cell.place = any (places)
          group by cell.mask
        ) as cell_exposure
        join unnest(cells.masks, cells.weights) as weighed(mask, weight) on weighed.mask = cell_exposure.mask
        union all
        select null, full_scope.weight, full_scope.exposure, full_scope.pattern_exposure
        where full_scope.exposure > 0
      ) as held
    ) as crowded
  ) as ranked;
  return concentration;
end
$$;
comment on function learning.concentration(learning.candidate, learning.crowding_context) is
  'How much is held in the scopes that the masks make of a candidate''s, by weight.';

create function learning.crowding(concentration learning.concentration, context learning.crowding_context)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when concentration.weight_sum = 0 then null
    -- Where nothing is held, what the cells sum up to is a rounding error.
    when context.total = 0 then 0
    else learning.clamp(
      concentration.concentration / (context.alpha * concentration.weight_sum * context.full_exposure), 0, 1
    )
  end;
end
$$;
comment on function learning.crowding(learning.concentration, learning.crowding_context) is
  'How full a candidate''s scope is, from 0 to 1; null where it fills no mask.';

create function learning.measure_exposure(candidates learning.candidate[], config jsonb)
returns learning.exposure_measure[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
declare
  context constant learning.crowding_context := learning.crowding_context(config);
  candidate learning.candidate;
  concentration learning.concentration;
  crowding float8;
  measure learning.exposure_measure;
  measures learning.exposure_measure[] := array[]::learning.exposure_measure[];
begin
  foreach candidate in array candidates loop
    if candidate.action_category in ('entry', 'add') then
      concentration := learning.concentration(candidate, context);
      crowding := learning.crowding(concentration, context);
      measure.skew := case when context.enabled and crowding is not null
        then learning.skew_of_crowding(crowding) else 1 end;
      measure.explanation := jsonb_build_object(
        'enabled', context.enabled, 'alpha', context.alpha, 'beta', context.beta,
        'total', context.total, 'cap', context.cap,
        'weight_sum', concentration.weight_sum, 'concentration', concentration.concentration,
        'crowding', crowding,
        'masks', coalesce(to_jsonb(concentration.heaviest), '[]') || case when concentration.rest > 0
          then jsonb_build_object(
            'rest', concentration.rest, 'concentration', concentration.rest_concentration
          )
          else '[]' end
      );
    else
      measure := row(1, '{"enabled": false, "masks": []}'::jsonb)::learning.exposure_measure;
    end if;
    measures := measures || measure;
  end loop;
  return measures;
end
$$;
comment on function learning.measure_exposure(learning.candidate[], jsonb) is
  'Crowding of each candidate''s scope by what is held: the skew of its size and the masks that made it, the '
  '20 heaviest and the rest in one entry.';

-- sql/83_levers.sql

-- Levers: the numbers the PM lets learning move, how far, and where each stands for a candidate.

create table public.learning_levers (
  lever text primary key,
  kind text not null check (kind in ('multiplier', 'additive', 'target')),
  neutral float8,
  lower_bound float8 not null,
  upper_bound float8 not null,
  max_step float8 check (max_step > 0),
  action_categories text[],
  description text not null,
  check (lower_bound <= upper_bound),
  check (neutral between lower_bound and upper_bound),
  check ((neutral is null) = (kind = 'target'))
);
alter table public.learning_levers enable row level security;
comment on table public.learning_levers is
  'Every number the PM lets learning move, with its bounds. A hand-made pm_tuning override names the lever '
  'as its action_category.';
comment on column public.learning_levers.lever is 'Name of the lever.';
comment on column public.learning_levers.kind is
  'multiplier: a factor on the PM''s own number; additive: added to it; target: takes its place.';
comment on column public.learning_levers.neutral is
  'Where the lever stands when nothing is known; null for a target: the PM''s own number holds.';
comment on column public.learning_levers.lower_bound is 'The lever never goes below this.';
comment on column public.learning_levers.upper_bound is 'The lever never goes above this.';
comment on column public.learning_levers.max_step is
  'Furthest that one call moves it from neutral in edge_weighted mode, for a factor as a ratio; null: no '
  'limit but its bounds.';
comment on column public.learning_levers.action_categories is
  'Actions the lever belongs to; null: it stands whatever the action, as a gate does.';
comment on column public.learning_levers.description is 'What the lever does.';

insert into public.learning_levers
  (lever, kind, neutral, lower_bound, upper_bound, max_step, action_categories, description) values
  ('size_mult', 'multiplier', 1, 0.7, 1.3, 0.02, '{entry,add}', 'Scales the size of the position.'),
  ('entry_aggression_mult', 'multiplier', 1, 0.8, 1.2, 0.02, '{entry,add}',
    'Scales the appetite to enter and add.'),
  ('exit_aggression_mult', 'multiplier', 1, 0.8, 1.2, 0.02, '{trim,exit}',
    'Scales the assertiveness to trim and exit.'),
  ('entry_delay_bars', 'additive', 0, 0, 3, 0.2, '{entry,add}', 'Bars to wait before the next entry or add.'),
  ('phase1_frac_mult', 'multiplier', 1, 0.7, 1.3, 0.02, '{entry}', 'Scales the first part of an entry.'),
  ('trim_delay_mult', 'multiplier', 1, 0.8, 1.25, 0.02, '{trim}', 'Stretches the time between trims.'),
  ('trail_mult', 'multiplier', 1, 0.8, 1.25, 0.02, '{trim,exit}',
    'Scales the distance of the trailing stop.'),
  ('min_ts_for_add', 'target', null, 0, 1, 0.05, '{add}', 'Trend strength an add asks for.'),
  ('min_ox_for_trim', 'target', null, 0, 1, 0.05, '{trim}', 'Overextension a trim asks for.'),
  ('min_dx_for_add', 'target', null, 0, 1, 0.05, '{add}', 'Discount an add asks for.'),
  ('max_edx_for_add', 'target', null, 0, 1, 0.05, '{add}', 'Exhaustion above which nothing is added.'),
  ('wait_for_signal_x', 'target', null, 0, 1, 0.05, '{entry,add}',
    'Signal strength to wait for before acting.'),
  ('phase_scaling_s1_mult', 'multiplier', 1, 0.8, 1.25, 0.02, '{entry,add}',
    'Scales adds in trend state S1.'),
  ('phase_scaling_s2_mult', 'multiplier', 1, 0.8, 1.25, 0.02, '{entry,add}',
    'Scales adds in trend state S2.'),
  ('phase_scaling_s3_mult', 'multiplier', 1, 0.8, 1.25, 0.02, '{entry,add}',
    'Scales adds in trend state S3.'),
  ('panic_trigger_mult', 'multiplier', 1, 0.8, 1.25, 0.02, '{exit}',
    'Scales the threshold of the emergency exit.'),
  ('wait_n_bars_after_trim', 'additive', 0, 0, 5, 0.2, '{entry,add}',
    'Bars to wait after a trim before buying again.'),
  ('tuning_ts_min', 'additive', 0, -0.1, 0.1, null, null,
    'Added to the trend strength that the entry gate asks for.'),
  ('tuning_halo', 'additive', 0, -0.2, 0.2, null, null,
    'Added to the distance from the average that the entry gate allows.'),
  ('tuning_slope', 'additive', 0, -0.002, 0.002, null, null,
    'Added to the slope that the entry gate asks for.'),
  ('tuning_dx_min', 'additive', 0, -0.1, 0.1, null, null, 'Added to the discount that the S3 gate asks for.');

create type public.pm_lever as (
  lever text,
  multiplier float8,
  value float8,
  override_id bigint,
  scope_subset jsonb
);
comment on type public.pm_lever is
  'One answer of get_pm_levers: where a lever stands, and which override put it there.';
comment on column public.pm_lever.lever is 'Name of the lever.';
comment on column public.pm_lever.multiplier is
  'Factor on the PM''s own number; for additive levers and targets the factor their value amounted to, where '
  'known.';
comment on column public.pm_lever.value is
  'Change of an additive lever or value of a target; null where the lever is a factor, or a target that '
  'nothing sets.';
comment on column public.pm_lever.override_id is 'The override that set it; null where the lever is neutral.';
comment on column public.pm_lever.scope_subset is 'Scope of that override.';

create function learning.within_step(lever public.learning_levers, stood float8, wanted float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when lever.max_step is null then wanted
    when lever.kind = 'multiplier'
      then learning.clamp(wanted, stood / (1 + lever.max_step), stood * (1 + lever.max_step))
    else learning.clamp(wanted, stood - lever.max_step, stood + lever.max_step)
  end;
end
$$;
comment on function learning.within_step(public.learning_levers, float8, float8) is
  'As far towards what is wanted as one step of a lever leads from where it stood.';

create function learning.within_bounds(lever public.learning_levers, wanted float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return learning.clamp(wanted, lever.lower_bound, lever.upper_bound);
end
$$;
comment on function learning.within_bounds(public.learning_levers, float8) is
  'What is wanted of a lever, kept within its bounds.';

create function learning.learned_levers(
  edge float8, fade float8, missed_at_entry float8, missed_at_exit float8
)
returns table (lever text, multiplier float8, value float8)
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select learned.lever, learned.multiplier, learned.value
  from (values
    ('size_mult', 1 + edge, null),
    ('entry_aggression_mult', 1 + edge, null),
    ('exit_aggression_mult', 1 + edge, null),
    ('entry_delay_bars', null, missed_at_entry),
    ('phase1_frac_mult', 1 - 0.1 * missed_at_entry, null),
    ('trim_delay_mult', 1 - missed_at_exit / 15, null),
    ('trail_mult', case when edge > 0 then 1.05 when edge < 0 then 0.95 end, null),
    -- A target has no way between it and nothing: it lapses when what is left of the edge calls for none.
    ('min_ts_for_add', null, case when edge * fade > 0.3 then 0.55 end),
    ('min_ox_for_trim', null, case when edge * fade > 0.3 then 0.40 end)
  ) as learned(lever, multiplier, value)
  where learned.multiplier is not null or learned.value is not null;
$$;
comment on function learning.learned_levers(float8, float8, float8, float8) is
  'What a lesson says of the levers, from its edge and the mean buckets of what its trades missed at entry '
  'and exit (0 to 3, null where unknown); bounds and fading come after.';

create function learning.offered_levers(candidate learning.candidate, config jsonb)
returns table (
  lever text, override_id bigint, scope_subset jsonb, specificity float8, confidence float8, fade float8,
  multiplier float8, value float8
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  strength_acts constant boolean := learning.overrides_act('pm_strength', candidate.scope, config);
  tuning_acts constant boolean := learning.overrides_act('pm_tuning', candidate.scope, config);
  fade_half_life constant float8 := (config -> 'staleness_half_life_hours')::float8;
begin
  return query
  with containing as (
    select override.*, index_entry.specificity, index_entry.confidence, index_entry.edge,
      learning.fade(candidate.as_of, override.last_evidence_at, fade_half_life) as fade
    from learning.override_index_groups index_group
    cross join lateral learning.contained_overrides(index_group, candidate.scope) as index_entry
    join public.pm_overrides override on override.id = index_entry.override_id
    where index_group.pattern_key = candidate.pattern_key
      and case index_group.override_type
        when 'pm_strength' then strength_acts and index_group.action_category = candidate.action_category
        when 'pm_tuning' then tuning_acts
      end
  )
  select containing.action_category, containing.id, containing.scope_subset, containing.specificity,
    containing.confidence, containing.fade, containing.multiplier, containing.value
  from containing
  where containing.override_type = 'pm_tuning'
  union all
  select learned.lever, containing.id, containing.scope_subset, containing.specificity, containing.confidence,
    containing.fade, learned.multiplier, learned.value
  from containing
  left join public.learning_lessons lesson on lesson.id = containing.lesson_id
  cross join lateral learning.learned_levers(
    containing.edge, containing.fade, (lesson.stats ->> 'm_e')::float8, (lesson.stats ->> 'm_x')::float8
  ) as learned
  where containing.override_type = 'pm_strength'
    and (lesson.id is null or lesson.status = 'active')
    -- One made by hand that names no edge is about the size alone.
    and (lesson.id is not null or containing.edge <> 0);
end
$$;
comment on function learning.offered_levers(learning.candidate, jsonb) is
  'What each override that a candidate contains says of the levers, before bounds and fading.';

create function learning.lever_stand(
  lever public.learning_levers, said_multiplier float8, said_value float8, fade float8, by_step boolean,
  out multiplier float8, out value float8
)
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if fade is null then
    multiplier := case lever.kind when 'multiplier' then lever.neutral else 1 end;
    value := case lever.kind when 'additive' then lever.neutral end;
  elsif lever.kind = 'multiplier' then
    multiplier := learning.faded(
      learning.within_bounds(lever, coalesce(said_multiplier, lever.neutral)), lever.neutral, fade
    );
    if by_step then
      multiplier := learning.within_step(lever, lever.neutral, multiplier);
    end if;
  elsif lever.kind = 'additive' then
    multiplier := learning.faded(said_multiplier, 1, fade);
    value := learning.faded(
      learning.within_bounds(lever, coalesce(said_value, lever.neutral)), lever.neutral, fade
    );
    if by_step then
      value := learning.within_step(lever, lever.neutral, value);
    end if;
  else
    multiplier := learning.faded(said_multiplier, 1, fade);
    value := learning.within_bounds(lever, said_value);
  end if;
end
$$;
comment on function learning.lever_stand(public.learning_levers, float8, float8, float8, boolean) is
  'Where a lever stands by what an override says of it, faded; neutral where fade is null, because none says '
  'anything.';

create function public.get_pm_levers(pattern_key text, action_category text, scope jsonb)
returns setof public.pm_lever
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  config constant jsonb := learning.config();
  by_step constant boolean := config ->> 'strength_mode' = 'edge_weighted';
  candidate learning.candidate;
begin
  perform learning.require_pm();
  candidate := learning.check_candidate(pattern_key, action_category, scope, null, null, null, null);
  return query
  with chosen as (
    select distinct on (offered.lever) offered.*
    from learning.offered_levers(candidate, config) as offered
    join public.learning_levers lever on lever.lever = offered.lever
    where (lever.action_categories is null or candidate.action_category = any (lever.action_categories))
      and (lever.kind = 'multiplier' or offered.multiplier is not null or offered.value is not null)
      and (lever.kind <> 'target' or offered.value is not null)
    order by offered.lever, offered.specificity desc, offered.confidence desc, offered.override_id desc
  )
  select lever.lever, stand.multiplier, stand.value, chosen.override_id, chosen.scope_subset
  from public.learning_levers lever
  left join chosen on chosen.lever = lever.lever
  cross join lateral learning.lever_stand(
    lever.*, chosen.multiplier, chosen.value, chosen.fade, by_step
  ) as stand
  order by lever.lever;
end
$$;
comment on function public.get_pm_levers(text, text, jsonb) is
  'Where every lever stands for a candidate: set by the most specific override that speaks of it, alone, and '
  'neutral where none does.';

-- sql/84_blend.sql

-- Blend: what the overrides that a candidate contains say together, in every mode.

create type learning.light_edge as (weight float8, multiplier float8, confidence float8);
comment on type learning.light_edge is 'An override whose edge may weigh too little to act.';
comment on column learning.light_edge.weight is 'What it weighs by its edge.';
comment on column learning.light_edge.multiplier is 'Its multiplier.';
comment on column learning.light_edge.confidence is 'Its confidence.';

create type learning.match_sums as (
  specificity float8,
  weight float8,
  gain float8,
  confidence float8,
  posture_weight float8,
  dir_a float8,
  dir_e float8,
  posture_confidence float8,
  edge float8,
  edged_weight float8,
  log_multiplier float8,
  light learning.light_edge[],
  override_ids bigint[],
  scope_masks integer[],
  weights float8[],
  moves float8[]
);
comment on type learning.match_sums is
  'Sums over the overrides that a candidate contains, and where asked for all of them one by one.';
comment on column learning.match_sums.specificity is 'Specificity of the most specific one.';
comment on column learning.match_sums.weight is 'Weight by specificity and confidence.';
comment on column learning.match_sums.gain is 'What multipliers add, faded, times weight.';
comment on column learning.match_sums.confidence is
  'Confidence times weight in the configured mode; the posture has its own.';
comment on column learning.match_sums.posture_weight is
  'Weight of those that steer the posture; null where none does.';
comment on column learning.match_sums.dir_a is 'Their directions for the appetite, faded, times weight.';
comment on column learning.match_sums.dir_e is 'Their directions for the assertiveness, faded, times weight.';
comment on column learning.match_sums.posture_confidence is 'Their confidence times weight.';
comment on column learning.match_sums.edge is
  'Their edges times weight, where the posture is biased by them.';
comment on column learning.match_sums.edged_weight is
  'Weight by edge of those that surely weigh enough to act.';
comment on column learning.match_sums.log_multiplier is 'Logarithms of their multipliers times that weight.';
comment on column learning.match_sums.light is
  'Those of which it depends on the most specific one whether they weigh enough.';
comment on column learning.match_sums.override_ids is 'All that may be listed.';
comment on column learning.match_sums.scope_masks is 'Dimensions of their scopes as bits.';
comment on column learning.match_sums.weights is 'Their weights in the configured mode.';
comment on column learning.match_sums.moves is 'How far they move what that mode moves, times weight.';

create type learning.strength_blend as (
  posture_confidence float8,
  steer float8,
  delta_a float8,
  delta_e float8,
  multiplier float8,
  log_multiplier float8,
  confidence float8,
  overrides integer,
  weight float8,
  pull float8,
  weight_unit float8,
  move_unit float8,
  edge_unit float8,
  least_weight float8,
  least_confidence float8,
  override_ids bigint[],
  scope_masks integer[],
  weights float8[],
  moves float8[]
);
comment on type learning.strength_blend is
  'What the overrides that a candidate contains say together, in every mode; null where none acts.';
comment on column learning.strength_blend.posture_confidence is 'Confidence of those that steer the posture.';
comment on column learning.strength_blend.steer is 'How far they may steer it.';
comment on column learning.strength_blend.delta_a is 'Where they steer the appetite.';
comment on column learning.strength_blend.delta_e is 'Where they steer the assertiveness.';
comment on column learning.strength_blend.multiplier is 'Mean of the faded multipliers.';
comment on column learning.strength_blend.log_multiplier is 'Mean of their logarithms by edge.';
comment on column learning.strength_blend.confidence is
  'Confidence of those that act in the configured mode.';
comment on column learning.strength_blend.overrides is 'How many those are.';
comment on column learning.strength_blend.weight is 'What they weigh together; null where none acts.';
comment on column learning.strength_blend.pull is 'What they say together: the sum of their pulls.';
comment on column learning.strength_blend.weight_unit is 'By what a weight is divided where it is shown.';
comment on column learning.strength_blend.move_unit is 'What a unit of moves is worth as a pull.';
comment on column learning.strength_blend.edge_unit is 'What a unit of edge is worth as a pull.';
comment on column learning.strength_blend.least_weight is 'The least weight to act.';
comment on column learning.strength_blend.least_confidence is 'The least confidence to act.';
comment on column learning.strength_blend.override_ids is 'All that may be listed, where asked for.';
comment on column learning.strength_blend.scope_masks is 'Dimensions of their scopes as bits.';
comment on column learning.strength_blend.weights is 'Their weights.';
comment on column learning.strength_blend.moves is 'How far they move what the mode moves, times weight.';

-- Long because one query sums for all modes: to keep for others what the first finds takes half as long as to
-- find it. Planned once, for tables however large. Fading stands here as arithmetic: a call of learning.fade
-- for each override makes finding and fading six times as long (task bench --only sizing, the metric
-- fading_by_call_ratio_to_inline).
create function learning.sum_matches(
  candidate learning.candidate, config jsonb, probe learning.override_probe, least_confidence float8,
  one_by_one boolean, even_resting boolean
)
returns learning.match_sums
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  mode constant text := config ->> 'strength_mode';
  by_multiplier constant boolean := mode = 'multiplier';
  by_edge constant boolean := mode = 'edge_weighted';
  adds constant boolean := candidate.action_category in ('entry', 'add');
  biased constant boolean := (config #> '{steering,base_bias}')::float8 <> 0;
  edge_scale constant float8 := (config -> 'edge_scale')::float8;
  fade_rate constant float8 := ln(2::float8) / 3.6e9 / (config -> 'staleness_half_life_hours')::float8;
  as_of_us constant float8 := candidate.as_of_us;
  candidate_scope constant jsonb := candidate.scope;
  buckets constant bigint[] := probe.buckets;
  lacking_1 constant bigint := probe.lacking_1;
  lacking_2 constant bigint := probe.lacking_2;
  surely_enough constant float8 := learning.least_edge_weight(probe.most_specificity);
  least_share constant float8 := learning.least_edge_weight(1);
  -- One comparison for each override: three take a twentieth of the whole.
  listed_from constant float8 := case
    when not one_by_one then 'infinity'
    when even_resting or by_edge then 0
    when by_multiplier then 1e-12
    else least_confidence
  end;
  sums learning.match_sums;
begin
  select max(match.specificity), sum(match.weight), sum(match.faded_weight * (match.multiplier - 1)),
    sum(case when by_edge then match.edged_weight else match.weight end * match.confidence)
      filter (where by_multiplier or (by_edge and match.edged_weight >= surely_enough)),
    sum(match.weight) filter (where match.confident),
    sum(match.faded_weight * match.dir_a) filter (where match.confident),
    sum(match.faded_weight * match.dir_e) filter (where match.confident),
    sum(match.weight * match.confidence) filter (where match.confident),
    sum(match.weight * match.edge) filter (where biased and match.confident),
    -- Which edges weigh enough is known when the most specific override is: those that only may are kept.
    sum(match.edged_weight) filter (where match.edged_weight >= surely_enough),
    sum(match.edged_weight * ln(match.multiplier)) filter (where match.edged_weight >= surely_enough),
    array_agg(row(match.edged_weight, match.multiplier, match.confidence)::learning.light_edge)
      filter (
        where match.edged_weight < surely_enough and match.edged_weight >= least_share * match.specificity
      ),
    array_agg(match.override_id) filter (where match.listed),
    array_agg(match.scope_mask) filter (where match.listed),
    array_agg(case when by_edge then match.edged_weight else match.weight end) filter (where match.listed),
    array_agg(case
      when by_multiplier then match.faded_weight * (match.multiplier - 1)
      when by_edge then match.edged_weight * ln(match.multiplier)
      when adds then match.faded_weight * match.dir_a
      else match.faded_weight * match.dir_e
    end) filter (where match.listed)
  into sums
  from (
    select index_entry.override_id, index_entry.scope_mask, index_entry.specificity, index_entry.confidence,
      index_entry.edge, index_entry.multiplier, index_entry.dir_a, index_entry.dir_e,
      index_entry.confidence >= least_confidence as confident,
      index_entry.confidence >= listed_from as listed,
      index_entry.specificity * index_entry.confidence as weight,
      index_entry.specificity * index_entry.confidence
        * exp(greatest(-500, least(0, (index_entry.evidence_us - as_of_us) * fade_rate))) as faded_weight,
      index_entry.specificity * index_entry.support * tanh(abs(index_entry.edge) / edge_scale)
        * exp(greatest(-500, least(0, (index_entry.evidence_us - as_of_us) / index_entry.decay_us)))
        as edged_weight
    from learning.override_index_entries index_entry
    where index_entry.bucket = any (buckets)
      and index_entry.pairs_1 & lacking_1 = 0 and index_entry.pairs_2 & lacking_2 = 0
      and (
        index_entry.pairs_2 >= 0 or learning.contains_override(candidate_scope, index_entry.override_id)
      )
    -- Keeps each from being computed once per use.
    offset 0
  ) as match;
  return sums;
end
$$;
comment on function learning.sum_matches(
  learning.candidate, jsonb, learning.override_probe, float8, boolean, boolean
) is
  'Sums over the overrides that a candidate contains what each mode blends; for the posture over those of a '
  'confidence alone.';

create function learning.with_light_edges(sums learning.match_sums, least_weight float8, by_edge boolean)
returns learning.match_sums
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  acting record;
begin
  select sum(light_edge.weight) as weight,
    sum(light_edge.weight * ln(light_edge.multiplier)) as log_multiplier,
    sum(light_edge.weight * light_edge.confidence) as confidence
  into acting
  from unnest(sums.light) as light_edge
  where light_edge.weight >= least_weight;
  if acting.weight is not null then
    sums.edged_weight := coalesce(sums.edged_weight, 0) + acting.weight;
    sums.log_multiplier := coalesce(sums.log_multiplier, 0) + acting.log_multiplier;
    if by_edge then
      sums.confidence := coalesce(sums.confidence, 0) + acting.confidence;
    end if;
  end if;
  return sums;
end
$$;
comment on function learning.with_light_edges(learning.match_sums, float8, boolean) is
  'Adds those of the light edges that weigh enough after all.';

create function learning.blend_of_sums(
  sums learning.match_sums, steering jsonb, mode text, adds boolean, least_confidence float8
)
returns learning.strength_blend
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  base_bias constant float8 := (steering -> 'base_bias')::float8;
  blend learning.strength_blend;
begin
  blend.log_multiplier := sums.log_multiplier / sums.edged_weight;
  if sums.posture_weight is not null then
    blend.multiplier := 1 + sums.gain / sums.weight;
    blend.posture_confidence := sums.posture_confidence / sums.posture_weight;
    blend.steer := learning.steering_strength(blend.posture_confidence, steering);
    blend.delta_a := blend.steer * sums.dir_a / sums.posture_weight
      + base_bias * coalesce(sums.edge / sums.posture_weight, 0);
    blend.delta_e := blend.steer * sums.dir_e / sums.posture_weight;
  end if;

  -- What the configured mode says of each override, and in which units.
  blend.override_ids := sums.override_ids;
  blend.scope_masks := sums.scope_masks;
  blend.weights := sums.weights;
  blend.moves := sums.moves;
  blend.overrides := cardinality(sums.override_ids);
  blend.weight_unit := 1;
  blend.move_unit := 1;
  blend.edge_unit := 0;
  blend.least_weight := 0;
  blend.least_confidence := 0;
  case mode
    when 'edge_weighted' then
      blend.weight := sums.edged_weight;
      blend.confidence := sums.confidence / sums.edged_weight;
      blend.pull := blend.log_multiplier;
      blend.weight_unit := sums.specificity;
      blend.least_weight := learning.least_edge_weight(sums.specificity);
      blend.overrides := (
        select count(*) from unnest(sums.weights) as listed(weight) where listed.weight >= blend.least_weight
      );
    when 'multiplier' then
      blend.weight := nullif(sums.weight, 0);
      blend.confidence := sums.confidence / blend.weight;
      blend.pull := blend.multiplier - 1;
    else
      blend.weight := sums.posture_weight;
      blend.confidence := blend.posture_confidence;
      blend.pull := case when adds then blend.delta_a else blend.delta_e end;
      blend.move_unit := blend.steer;
      blend.edge_unit := case when adds then base_bias else 0 end;
      blend.least_confidence := least_confidence;
  end case;
  return blend;
end
$$;
comment on function learning.blend_of_sums(learning.match_sums, jsonb, text, boolean, float8) is
  'The means that each mode takes of the sums, and what the configured one says of each override.';

create function learning.blend_overrides(
  candidate learning.candidate, config jsonb, one_by_one boolean, even_resting boolean default false
)
returns learning.strength_blend
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  mode constant text := config ->> 'strength_mode';
  steering constant jsonb := config -> 'steering';
  -- Nearer to 0 there is no confidence, and without any an override has no weight.
  least_confidence float8 := greatest(1e-12, (steering -> 'confidence_min')::float8);
  probe learning.override_probe;
  sums learning.match_sums;
begin
  if not even_resting and not learning.overrides_act('pm_strength', candidate.scope, config) then
    return null;
  end if;
  probe := learning.probe_overrides(
    'pm_strength', candidate.pattern_key, candidate.action_category, candidate.scope
  );
  if probe.buckets is null then
    return null;
  end if;
  sums := learning.sum_matches(candidate, config, probe, least_confidence, one_by_one, even_resting);
  if sums.specificity is null then
    return null;
  end if;
  if sums.posture_weight is null and sums.weight > 0 then
    -- Where none is confident, all are heeded.
    least_confidence := 1e-12;
    sums := learning.sum_matches(candidate, config, probe, least_confidence, one_by_one, even_resting);
  end if;
  if sums.specificity < probe.most_specificity and sums.light is not null then
    sums := learning.with_light_edges(
      sums, learning.least_edge_weight(sums.specificity), mode = 'edge_weighted'
    );
  end if;
  return learning.blend_of_sums(
    sums, steering, mode, candidate.action_category in ('entry', 'add'), least_confidence
  );
end
$$;
comment on function learning.blend_overrides(learning.candidate, jsonb, boolean, boolean) is
  'Blends the overrides that a candidate contains, in every mode; null where there are none, and where they '
  'rest in its macro phase unless asked for even so.';

-- sql/85_override_matches.sql

-- Matches: the overrides of a blend one by one, as a size lists them and as a person asks for them.

create type learning.contribution as (
  id bigint,
  scope_subset jsonb,
  weight float8,
  share float8,
  pull float8
);
comment on type learning.contribution is 'What one override contributed to a size.';
comment on column learning.contribution.id is 'The override.';
comment on column learning.contribution.scope_subset is 'Its scope.';
comment on column learning.contribution.weight is 'Its weight in the configured mode.';
comment on column learning.contribution.share is 'Its part of all weight that acts.';
comment on column learning.contribution.pull is 'What it adds to what all say together.';

create function learning.list_contributions(blend learning.strength_blend, scope jsonb, at_most integer)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  -- Once and not for every override.
  override_ids constant bigint[] := blend.override_ids;
  scope_masks constant integer[] := blend.scope_masks;
  weights constant float8[] := blend.weights;
  moves constant float8[] := blend.moves;
  least_weight constant float8 := blend.least_weight;
  total_weight constant float8 := blend.weight;
  weight_unit constant float8 := blend.weight_unit;
  move_unit constant float8 := blend.move_unit;
  edge_unit constant float8 := blend.edge_unit;
  listed record;
  scopes jsonb[];
  contributions learning.contribution[];
begin
  if total_weight is null then
    return '[]'::jsonb;
  end if;
  select array_agg(heaviest.override_id) as override_ids, array_agg(heaviest.scope_mask) as scope_masks,
    array_agg(heaviest.weight) as weights, array_agg(heaviest.pull) as pulls,
    sum(heaviest.weight) as weight, sum(heaviest.pull) as pull
  into listed
  from (
    select acting.override_id, acting.scope_mask, acting.weight,
      (acting.move * move_unit + case
        when edge_unit = 0 then 0
        else edge_unit * acting.weight * (
          select terms.edge from learning.override_terms terms where terms.override_id = acting.override_id
        )
      end) / total_weight as pull
    from (
      select unnest(override_ids) as override_id, unnest(scope_masks) as scope_mask,
        unnest(weights) as weight, unnest(moves) as move
    ) as acting
    where acting.weight >= least_weight
    order by acting.weight desc, acting.override_id
    limit at_most
  ) as heaviest;
  scopes := learning.scopes_within(scope, listed.scope_masks);
  select array_agg(
    row(
      heaviest.override_id, heaviest.scope_subset, heaviest.weight / weight_unit,
      heaviest.weight / total_weight, heaviest.pull
    )::learning.contribution
  ) into contributions
  from (
    select unnest(listed.override_ids) as override_id, unnest(scopes) as scope_subset,
      unnest(listed.weights) as weight, unnest(listed.pulls) as pull
  ) as heaviest;
  return to_jsonb(contributions) || case when blend.overrides > at_most
    then jsonb_build_object('rest', blend.overrides - at_most,
      'weight', (total_weight - listed.weight) / weight_unit,
      'share', 1 - listed.weight / total_weight, 'pull', blend.pull - listed.pull)
    else '[]' end;
end
$$;
comment on function learning.list_contributions(learning.strength_blend, jsonb, integer) is
  'The heaviest of the overrides that act in a blend of those that the scope contains, and the rest in one '
  'entry: multiplied out, what the blend says.';

create function learning.matched_overrides(candidate learning.candidate, config jsonb)
returns table (override_id bigint, weight float8, share float8)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  blend constant learning.strength_blend := learning.blend_overrides(candidate, config, true, true);
begin
  return query
  select match.override_id, match.weight / blend.weight_unit,
    case
      when match.weight > 0 and match.weight >= blend.least_weight
        and terms.confidence >= blend.least_confidence then match.weight / blend.weight
      else 0
    end
  from unnest(blend.override_ids, blend.weights) as match(override_id, weight)
  join learning.override_terms terms on terms.override_id = match.override_id;
end
$$;
comment on function learning.matched_overrides(learning.candidate, jsonb) is
  'The enabled strength overrides that a candidate contains, with their weight in the configured mode and '
  'their share of all weight that acts: 0 where they are set aside.';

create type public.pm_override_match as (
  id bigint,
  scope_subset jsonb,
  specificity float8,
  weight float8,
  share float8,
  acts boolean,
  confidence_score float8,
  multiplier float8,
  dir_a float8,
  dir_e float8,
  edge_raw float8,
  n integer,
  last_evidence_at timestamptz
);
comment on type public.pm_override_match is 'One answer of match_pm_overrides.';
comment on column public.pm_override_match.id is 'The override.';
comment on column public.pm_override_match.scope_subset is 'Its scope.';
comment on column public.pm_override_match.specificity is
  'Dimensions of the scope plus one, to the power of 1.5.';
comment on column public.pm_override_match.weight is 'Its weight in the configured mode.';
comment on column public.pm_override_match.share is
  'Its part of all weight that acts; 0 where it does not act.';
comment on column public.pm_override_match.acts is
  'Whether it acts; false where it is set aside: for low confidence beside a higher one, for low weight, or '
  'because overrides are switched off.';
comment on column public.pm_override_match.confidence_score is 'Its confidence, 0.5 where none was given.';
comment on column public.pm_override_match.multiplier is 'Its multiplier after fading.';
comment on column public.pm_override_match.dir_a is 'Its direction for the appetite after fading.';
comment on column public.pm_override_match.dir_e is 'Its direction for the assertiveness after fading.';
comment on column public.pm_override_match.edge_raw is 'Its edge.';
comment on column public.pm_override_match.n is 'Trades it rests on.';
comment on column public.pm_override_match.last_evidence_at is 'Close of the newest trade behind it.';

create function public.match_pm_overrides(pattern_key text, action_category text, scope jsonb)
returns setof public.pm_override_match
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  config constant jsonb := learning.config();
  candidate learning.candidate;
  acts boolean;
begin
  perform learning.require_pm();
  candidate := learning.check_candidate(pattern_key, action_category, scope, null, null, null, null);
  acts := learning.overrides_act('pm_strength', candidate.scope, config);
  return query
  select match.override_id, override.scope_subset, terms.specificity, match.weight,
    case when acts then match.share else 0 end, acts and match.share > 0, terms.confidence,
    learning.faded(terms.multiplier, 1, age.fade), learning.faded(terms.dir_a, 0, age.fade),
    learning.faded(terms.dir_e, 0, age.fade), override.edge_raw, override.n, override.last_evidence_at
  from learning.matched_overrides(candidate, config) as match
  join public.pm_overrides override on override.id = match.override_id
  join learning.override_terms terms on terms.override_id = match.override_id
  cross join lateral (
    select learning.fade(
      candidate.as_of, override.last_evidence_at, (config -> 'staleness_half_life_hours')::float8
    ) as fade offset 0
  ) as age
  order by match.weight desc, match.override_id;
end
$$;
comment on function public.match_pm_overrides(text, text, jsonb) is
  'The enabled overrides that a scope contains, heaviest first, with the weight they have in the configured '
  'mode.';

-- sql/86_sizing.sql

-- Sizing: how large the next action should be, from what was learned and what is held, and why.

create type public.pm_sizing as (
  mode text,
  base_alloc_pct float8,
  timeframe_share float8,
  size_frac_raw float8,
  pm_strength float8,
  exposure_skew float8,
  size_frac float8,
  max_alloc_pct float8,
  a_final float8,
  e_final float8,
  confidence float8,
  steer_max float8,
  overrides jsonb,
  exposure jsonb,
  shadow jsonb,
  config_version integer,
  computed_at timestamptz
);
comment on type public.pm_sizing is 'Answer of get_pm_sizing: how large the action should be, and why.';
comment on column public.pm_sizing.mode is
  'How learned strength acted: posture, multiplier or edge_weighted.';
comment on column public.pm_sizing.base_alloc_pct is
  'Fraction of the book that the token gets before anything learned, over all its timeframes.';
comment on column public.pm_sizing.timeframe_share is
  'Share of the candidate''s timeframe in it; null for a timeframe without a share.';
comment on column public.pm_sizing.size_frac_raw is
  'Size before anything learned, from the appetite alone: 0.10 to 0.60.';
comment on column public.pm_sizing.pm_strength is
  'Factor from what was learned; 1 is neutral and always for trims and exits.';
comment on column public.pm_sizing.exposure_skew is
  'Factor from crowding, 0.33 to 1.33; 1 for trims and exits.';
comment on column public.pm_sizing.size_frac is 'Size to use: size_frac_raw times both factors, 0 to 1.';
comment on column public.pm_sizing.max_alloc_pct is 'base_alloc_pct times both factors.';
comment on column public.pm_sizing.a_final is 'Appetite to add after steering, 0 to 1.';
comment on column public.pm_sizing.e_final is 'Assertiveness to exit after steering, 0 to 1.';
comment on column public.pm_sizing.confidence is
  'Confidence of the overrides that acted, blended by their weights; 0 where none did.';
comment on column public.pm_sizing.steer_max is
  'Furthest that the posture could have been steered; 0 where nothing steers.';
comment on column public.pm_sizing.overrides is
  'The overrides that acted, heaviest first: id, scope_subset, weight, share, pull; beyond 50 one entry for '
  'the rest.';
comment on column public.pm_sizing.exposure is 'Concentration and the masks that made it.';
comment on column public.pm_sizing.shadow is 'What the other two modes would have said, by mode.';
comment on column public.pm_sizing.config_version is 'Version of the configuration that held.';
comment on column public.pm_sizing.computed_at is 'When the answer was computed.';

create type learning.sizing_context as (
  config jsonb,
  config_version integer,
  base_alloc_pct float8,
  timeframes text[],
  timeframe_shares float8[],
  size_mult public.learning_levers
);
comment on type learning.sizing_context is 'What every candidate of a call has in common.';
comment on column learning.sizing_context.config is 'Effective configuration of the PM.';
comment on column learning.sizing_context.config_version is 'Its version.';
comment on column learning.sizing_context.base_alloc_pct is
  'Fraction of the book that a token gets before anything learned.';
comment on column learning.sizing_context.timeframes is 'Timeframes that have a share.';
comment on column learning.sizing_context.timeframe_shares is 'Their shares, in that order.';
comment on column learning.sizing_context.size_mult is 'The lever that mode edge_weighted moves.';

create function learning.sizing_context()
returns learning.sizing_context
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  context learning.sizing_context;
begin
  select pm_effective_config.config, pm_effective_config.version,
    (dm_effective_config.config -> 'default_allocation_pct')::float8, size_lever
  into context.config, context.config_version, context.base_alloc_pct, context.size_mult
  from learning.effective_configs pm_effective_config
  left join learning.effective_configs dm_effective_config
    on dm_effective_config.module_id = 'decision_maker'
  left join public.learning_levers size_lever on size_lever.lever = 'size_mult'
  where pm_effective_config.module_id = 'pm';
  select state.timeframes, state.shares into context.timeframes, context.timeframe_shares
  from learning.allocation_state() as state;
  return context;
end
$$;
comment on function learning.sizing_context() is
  'Configuration, base allocation and learned shares, read once for a call.';

create function learning.edge_strength(
  log_multiplier float8, previous_strength float8, size_mult public.learning_levers
)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if log_multiplier is null or size_mult.lever is null then
    return 1;
  end if;
  return learning.within_bounds(
    size_mult, learning.within_step(size_mult, previous_strength, exp(log_multiplier))
  );
end
$$;
comment on function learning.edge_strength(float8, float8, public.learning_levers) is
  'The strength in mode edge_weighted: a step of size_mult from the previous one, within its bounds.';

create function learning.applied_size(size_frac_raw float8, strength float8, skew float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return greatest(0, least(1, size_frac_raw * strength * skew));
end
$$;
comment on function learning.applied_size(float8, float8, float8) is
  'The size to use, with both factors applied.';

create function learning.mode_outcome(
  strength float8, a_final float8, e_final float8, size_frac_raw float8, base_alloc_pct float8, skew float8
)
returns jsonb
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'pm_strength', strength, 'size_frac', learning.applied_size(size_frac_raw, strength, skew),
    'max_alloc_pct', base_alloc_pct * strength * skew, 'a_final', a_final, 'e_final', e_final
  );
end
$$;
comment on function learning.mode_outcome(float8, float8, float8, float8, float8, float8) is
  'What a mode makes of a candidate, for the shadow.';

create function learning.size_candidate(
  candidate learning.candidate, crowding learning.exposure_measure, context learning.sizing_context
)
returns public.pm_sizing
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  blend constant learning.strength_blend := learning.blend_overrides(candidate, context.config, true);
  mode constant text := context.config ->> 'strength_mode';
  skew constant float8 := crowding.skew;
  base constant float8 := context.base_alloc_pct;
  a constant float8 := candidate.a_value;
  e constant float8 := candidate.e_value;
  a_steered float8 := a;
  e_steered float8 := e;
  raw constant float8 := learning.size_of_appetite(a);
  by_posture float8 := 1;
  by_multiplier float8 := 1;
  by_edge float8 := 1;
  sizing public.pm_sizing;
begin
  if blend.steer is not null then
    a_steered := learning.with_headroom(a, blend.delta_a);
    e_steered := learning.with_headroom(e, blend.delta_e);
  end if;
  if not blend is null and candidate.action_category in ('entry', 'add') then
    by_posture := learning.size_of_appetite(a_steered) / raw;
    by_multiplier := learning.multiplier_within_bounds('pm_strength', coalesce(blend.multiplier, 1));
    by_edge := learning.edge_strength(blend.log_multiplier, candidate.previous_strength, context.size_mult);
  end if;

  sizing.mode := mode;
  sizing.base_alloc_pct := base;
  sizing.timeframe_share :=
    context.timeframe_shares[array_position(context.timeframes, candidate.scope ->> 'timeframe')];
  sizing.size_frac_raw := raw;
  sizing.pm_strength := case mode
    when 'posture' then by_posture when 'multiplier' then by_multiplier else by_edge
  end;
  sizing.exposure_skew := skew;
  sizing.size_frac := learning.applied_size(raw, sizing.pm_strength, skew);
  sizing.max_alloc_pct := base * sizing.pm_strength * skew;
  sizing.a_final := case mode when 'posture' then a_steered else a end;
  sizing.e_final := case mode when 'posture' then e_steered else e end;
  sizing.confidence := coalesce(blend.confidence, 0);
  sizing.steer_max := case mode when 'posture' then coalesce(blend.steer, 0) else 0 end;
  sizing.overrides := learning.list_contributions(blend, candidate.scope, 50);
  sizing.exposure := crowding.explanation;
  sizing.shadow := jsonb_build_object(
    'posture', learning.mode_outcome(by_posture, a_steered, e_steered, raw, base, skew),
    'multiplier', learning.mode_outcome(by_multiplier, a, e, raw, base, skew),
    'edge_weighted', learning.mode_outcome(by_edge, a, e, raw, base, skew)
  ) - mode;
  sizing.config_version := context.config_version;
  sizing.computed_at := now();
  return sizing;
end
$$;
comment on function learning.size_candidate(
  learning.candidate, learning.exposure_measure, learning.sizing_context
) is 'A candidate''s size from what overrides and crowding say of it, in every mode.';

-- As its owner: to ask for each table it reads whether a pm may read it took a sixth of the whole call.
create function learning.size_candidates(candidates learning.candidate[])
returns public.pm_sizing[]
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  context constant learning.sizing_context := learning.sizing_context();
  crowdings learning.exposure_measure[];
  sizings public.pm_sizing[] := array[]::public.pm_sizing[];
begin
  perform learning.require_pm();
  crowdings := learning.measure_exposure(candidates, context.config);
  for place in 1 .. cardinality(candidates) loop
    sizings[place] := learning.size_candidate(candidates[place], crowdings[place], context);
  end loop;
  return sizings;
end
$$;
comment on function learning.size_candidates(learning.candidate[]) is
  'Sizes candidates, in their order; for those who may ask, whatever they may read.';

create function public.get_pm_sizing(
  pattern_key text, action_category text, scope jsonb, a_value float8 default 0.5, e_value float8 default 0.5,
  previous_strength float8 default 1.0, as_of timestamptz default now()
)
returns public.pm_sizing
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  sizings public.pm_sizing[];
begin
  perform learning.require_pm();
  sizings := learning.size_candidates(
    array[learning.check_candidate(
      pattern_key, action_category, scope, a_value, e_value, previous_strength, as_of
    )]
  );
  return sizings[1];
end
$$;
comment on function public.get_pm_sizing(text, text, jsonb, float8, float8, float8, timestamptz) is
  'How large the next action should be: learned strength and crowding applied to the size that the appetite '
  'asks for.';

-- sql/87_sizing_batch.sql

-- Batch: many sizes in one call.

create type public.pm_sizing_in_batch as (
  mode text,
  base_alloc_pct float8,
  timeframe_share float8,
  size_frac_raw float8,
  pm_strength float8,
  exposure_skew float8,
  size_frac float8,
  max_alloc_pct float8,
  a_final float8,
  e_final float8,
  confidence float8,
  steer_max float8,
  overrides jsonb,
  exposure jsonb,
  shadow jsonb,
  config_version integer,
  computed_at timestamptz,
  "position" integer,
  error jsonb
);
comment on type public.pm_sizing_in_batch is
  'One answer of get_pm_sizing_batch: the columns of pm_sizing, and whose answer it is.';
do $$
declare
  attribute record;
begin
  for attribute in
    select attribute_name::text,
      col_description('public.pm_sizing'::regclass, ordinal_position) as description
    from information_schema.attributes
    where udt_schema = 'public' and udt_name = 'pm_sizing'
  loop
    execute format(
      'comment on column public.pm_sizing_in_batch.%I is %L', attribute.attribute_name, attribute.description
    );
  end loop;
end
$$;
comment on column public.pm_sizing_in_batch.position is 'Place of the candidate in the batch, from 1.';
comment on column public.pm_sizing_in_batch.error is
  'Why the candidate could not be sized, as code, message, detail and hint; null where it was.';

create function learning.read_candidates(
  candidates jsonb, out readable learning.candidate[], out places integer[], out errors jsonb
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  error_code text;
  error_message text;
  error_detail text;
  error_hint text;
begin
  readable := '{}';
  places := '{}';
  errors := '{}';
  for place in 1 .. jsonb_array_length(candidates) loop
    begin
      readable := readable || learning.read_candidate(candidates -> place - 1);
      places := places || place;
    exception when data_exception then
      get stacked diagnostics error_code = returned_sqlstate, error_message = message_text,
        error_detail = pg_exception_detail, error_hint = pg_exception_hint;
      errors := errors || jsonb_build_object(place, jsonb_build_object('code', error_code,
        'message', error_message, 'details', nullif(error_detail, ''), 'hint', nullif(error_hint, '')));
    end;
  end loop;
end
$$;
comment on function learning.read_candidates(jsonb) is
  'The candidates of a batch that can be sized with their places in it, and by place why others cannot.';

create function public.get_pm_sizing_batch(candidates jsonb)
returns setof public.pm_sizing_in_batch
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  batch record;
  sizings public.pm_sizing[];
begin
  perform learning.require_pm();
  if candidates is null or jsonb_typeof(candidates) <> 'array' or jsonb_array_length(candidates) > 1000 then
    raise exception using
      errcode = '22023',
      message = format('Argument candidates must be an array of at most 1000 objects and is %s',
        case jsonb_typeof(candidates)
          when 'array' then 'an array of ' || jsonb_array_length(candidates)
          else coalesce(learning.quoted(left(candidates::text, 61)), 'null')
        end),
      hint = 'Split candidates into several calls.';
  end if;
  batch := learning.read_candidates(candidates);
  sizings := learning.size_candidates(batch.readable);
  return query
  select sizing.mode, sizing.base_alloc_pct, sizing.timeframe_share, sizing.size_frac_raw, sizing.pm_strength,
    sizing.exposure_skew, sizing.size_frac, sizing.max_alloc_pct, sizing.a_final, sizing.e_final,
    sizing.confidence, sizing.steer_max, sizing.overrides, sizing.exposure, sizing.shadow,
    sizing.config_version, sizing.computed_at, answer.place, batch.errors -> answer.place::text
  from generate_series(1, jsonb_array_length(candidates)) as answer(place)
  left join unnest(batch.places, sizings) as sizing(place) on sizing.place = answer.place
  order by answer.place;
end
$$;
comment on function public.get_pm_sizing_batch(jsonb) is
  'get_pm_sizing for up to 1000 candidates at once, in their order; a candidate that cannot be sized says '
  'why in its own row.';

-- sql/88_explanation.sql

-- Explanation: a size in readable lines, its figures from the formulas themselves.

create function learning.near_misses(candidate learning.candidate, at_most integer)
returns table (override_id bigint, scope_subset jsonb, dim text, given text, wanted text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  probe constant learning.override_probe := learning.probe_overrides(
    'pm_strength', candidate.pattern_key, candidate.action_category, candidate.scope
  );
  group_bits constant bigint := (probe.buckets[1] >> 40) << 40;
begin
  return query
  select near.override_id, near.scope_subset, pair.key, candidate.scope ->> pair.key, pair.value
  from (
    select index_entry.override_id, override.scope_subset,
      index_entry.specificity * index_entry.confidence as weight
    from learning.override_index_entries index_entry
    join public.pm_overrides override on override.id = index_entry.override_id
    where index_entry.bucket between group_bits and group_bits + (1::bigint << 40) - 1
      and bit_count((index_entry.pairs_1 & probe.lacking_1)::bit(64))
        + bit_count((index_entry.pairs_2 & probe.lacking_2)::bit(64)) <= 1
      and (
        select count(*)
        from jsonb_each_text(override.scope_subset) as pair
        where candidate.scope ->> pair.key is distinct from pair.value
      ) = 1
    order by index_entry.specificity * index_entry.confidence desc, index_entry.override_id
    limit at_most
  ) as near
  cross join lateral jsonb_each_text(near.scope_subset) as pair
  where candidate.scope ->> pair.key is distinct from pair.value
  order by near.weight desc, near.override_id;
end
$$;
comment on function learning.near_misses(learning.candidate, integer) is
  'The heaviest enabled overrides that a candidate contains but for one pair, and what it has in its place.';

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

create function learning.explain_size(candidate learning.candidate, sizing public.pm_sizing)
returns setof text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  least_size constant float8 := learning.size_of_appetite(0);
begin
  return next format('%s %s in %s as of %s',
    candidate.pattern_key, candidate.action_category, candidate.scope, candidate.as_of);
  return next format('Size %s = %s (%s + %s × appetite %s) × strength %s × exposure skew %s%s',
    learning.rounded(sizing.size_frac), learning.rounded(sizing.size_frac_raw),
    learning.figure(least_size), learning.figure(learning.size_of_appetite(1) - least_size),
    learning.rounded(candidate.a_value), learning.rounded(sizing.pm_strength),
    learning.rounded(sizing.exposure_skew),
    case when sizing.size_frac_raw * sizing.pm_strength * sizing.exposure_skew > 1 then ', at most 1' end);
  return next format('Allocation at most %s = base %s × strength × exposure skew; %s',
    learning.rounded(sizing.max_alloc_pct), learning.rounded(sizing.base_alloc_pct),
    case
      when sizing.timeframe_share is null then 'its timeframe has no share of its own'
      else format('timeframe %s has %s of it',
        candidate.scope ->> 'timeframe', learning.rounded(sizing.timeframe_share))
    end);
end
$$;
comment on function learning.explain_size(learning.candidate, public.pm_sizing) is
  'What was asked, and how its size and its allocation come about.';

create function learning.explain_strength(
  candidate learning.candidate, sizing public.pm_sizing, context learning.sizing_context
)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  size_mult constant public.learning_levers := context.size_mult;
  bounds constant record := learning.multiplier_bounds('pm_strength');
begin
  return case
    when not learning.overrides_enabled('pm_strength', context.config)
      then 'Overrides are switched off by flags.learning_overrides_enabled'
    when not learning.overrides_act('pm_strength', candidate.scope, context.config)
      then format('Overrides rest: macro_phase %s is not among flags.learning_overrides_enabled_regimes',
        coalesce(learning.quoted(candidate.scope ->> 'macro_phase'), 'unknown'))
    when sizing.overrides = '[]' then 'No override acts'
    when sizing.mode = 'posture'
      then format('Mode posture: confidence %s steers by up to %s; '
        'appetite %s → %s, assertiveness %s → %s',
        learning.rounded(sizing.confidence), learning.rounded(sizing.steer_max),
        learning.rounded(candidate.a_value), learning.rounded(sizing.a_final),
        learning.rounded(candidate.e_value), learning.rounded(sizing.e_final))
    when sizing.mode = 'multiplier'
      then format('Mode multiplier: the strength is 1 and what each override adds, from %s to %s',
        learning.rounded(bounds.lowest), learning.rounded(bounds.highest))
    else format('Mode edge_weighted: the strength is e to the sum of the pulls, within %s of the previous %s '
      'and from %s to %s',
      learning.rounded(size_mult.max_step), learning.rounded(candidate.previous_strength),
      learning.rounded(size_mult.lower_bound), learning.rounded(size_mult.upper_bound))
  end;
end
$$;
comment on function learning.explain_strength(
  learning.candidate, public.pm_sizing, learning.sizing_context
) is 'How the strength of a size comes about, in one line.';

create function learning.explain_contributions(contributions jsonb)
returns setof text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select case
    when contribution.entry ? 'rest'
      then format('  and %s more: weight %s, share %s, pull %s',
        contribution.entry ->> 'rest', number.weight, number.share, number.pull)
    else format('  override %s in %s: weight %s, share %s, pull %s',
      contribution.entry ->> 'id', contribution.entry -> 'scope_subset', number.weight, number.share,
      number.pull)
  end
  from jsonb_array_elements(contributions) with ordinality as contribution(entry, place)
  cross join lateral (
    select learning.rounded((contribution.entry ->> 'weight')::float8) as weight,
      learning.rounded((contribution.entry ->> 'share')::float8) as share,
      case when (contribution.entry ->> 'pull')::float8 >= 0 then '+' else '' end
        || learning.rounded((contribution.entry ->> 'pull')::float8) as pull
  ) as number
  order by contribution.place;
end
$$;
comment on function learning.explain_contributions(jsonb) is
  'The overrides that acted on a size, a line each.';

create function learning.explain_idle_overrides(candidate learning.candidate, config jsonb, at_most integer)
returns setof text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  act constant boolean := learning.overrides_act('pm_strength', candidate.scope, config);
begin
  return query
  select format('  set aside: override %s in %s, %s', override.id, override.scope_subset, case
    when config ->> 'strength_mode' = 'edge_weighted'
      then format('its weight %s is below %s',
        learning.rounded(match.weight), learning.figure(learning.least_edge_weight(1)))
    when terms.confidence = 0 then 'it has no confidence'
    else format('its confidence %s is below %s and another''s is not',
      learning.rounded(terms.confidence), config #>> '{steering,confidence_min}')
  end)
  from learning.matched_overrides(candidate, config) as match
  join public.pm_overrides override on override.id = match.override_id
  join learning.override_terms terms on terms.override_id = match.override_id
  where act and match.share = 0
  order by match.weight desc, override.id
  limit at_most;
  return query
  select format('  nearly matched: override %s in %s, but %s is %s and not %s',
    near.override_id, near.scope_subset, near.dim, coalesce(learning.quoted(near.given), 'unknown'),
    learning.quoted(near.wanted))
  from learning.near_misses(candidate, at_most) as near;
  return query
  select format('  switched off: override %s in %s, by %s%s',
    override.id, override.scope_subset, override.disabled_by, coalesce(': ' || override.disabled_reason, ''))
  from public.pm_overrides override
  where override.override_type = 'pm_strength' and override.pattern_key = candidate.pattern_key
    and override.action_category = candidate.action_category and not override.enabled
    and override.scope_subset <@ candidate.scope
  order by override.scope_mask desc, override.id
  limit at_most;
end
$$;
comment on function learning.explain_idle_overrides(learning.candidate, jsonb, integer) is
  'The overrides that did not act on a size and could have: set aside, nearly matched or switched off.';

create function learning.explain_crowding(exposure jsonb, skew float8)
returns setof text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  free constant text := learning.figure(learning.skew_of_crowding(0));
  crowded constant text := learning.figure(learning.skew_of_crowding(1));
begin
  return next case
    when not (exposure ->> 'enabled')::boolean then 'Crowding is switched off by flags.exposure_skew_enabled'
    when exposure -> 'crowding' = 'null' then 'A scope that fills no mask is not skewed'
    else format('Exposure skew %s = %s - crowding %s, from %s to %s; crowding = concentration %s / '
      '(alpha %s × weights %s × %s), at most 1',
      learning.rounded(skew), free, learning.rounded((exposure ->> 'crowding')::float8), crowded, free,
      learning.rounded((exposure ->> 'concentration')::float8), exposure ->> 'alpha',
      learning.rounded((exposure ->> 'weight_sum')::float8),
      case
        when (exposure ->> 'cap')::float8 < (exposure ->> 'total')::float8 then 'cap ' || (exposure ->> 'cap')
        else 'all that is held, ' || learning.rounded((exposure ->> 'total')::float8)
      end)
  end;
  return query
  select case
    when crowded_mask.entry ? 'rest'
      then format('  and %s masks more: concentration %s', crowded_mask.entry ->> 'rest',
        learning.rounded((crowded_mask.entry ->> 'concentration')::float8))
    else format('  %s held in %s, %s by the same behaviour; weight %s',
      learning.rounded((crowded_mask.entry ->> 'exposure')::float8), crowded_mask.entry -> 'scope',
      learning.rounded((crowded_mask.entry ->> 'pattern_exposure')::float8),
      learning.rounded((crowded_mask.entry ->> 'weight')::float8))
  end
  from jsonb_array_elements(exposure -> 'masks') with ordinality as crowded_mask(entry, place)
  order by crowded_mask.place;
end
$$;
comment on function learning.explain_crowding(jsonb, float8) is
  'How the skew of a size comes about, and the masks that made it.';

create function public.explain_pm_sizing(
  pattern_key text, action_category text, scope jsonb, a_value float8 default 0.5, e_value float8 default 0.5,
  previous_strength float8 default 1.0, as_of timestamptz default now()
)
returns setof text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  context learning.sizing_context;
  candidate learning.candidate;
  sizings public.pm_sizing[];
  sizing public.pm_sizing;
  adds constant boolean := action_category in ('entry', 'add');
begin
  perform learning.require_pm();
  context := learning.sizing_context();
  candidate := learning.check_candidate(
    pattern_key, action_category, scope, a_value, e_value, previous_strength, as_of
  );
  sizings := learning.size_candidates(array[candidate]);
  sizing := sizings[1];

  return query select * from learning.explain_size(candidate, sizing);
  if not adds then
    return next format(
      'An action of category %s is steered, but neither scaled nor skewed', candidate.action_category
    );
  end if;
  return next learning.explain_strength(candidate, sizing, context);
  return query select * from learning.explain_contributions(sizing.overrides);
  return query select * from learning.explain_idle_overrides(candidate, context.config, 10);
  if adds then
    return query select * from learning.explain_crowding(sizing.exposure, sizing.exposure_skew);
  end if;
  return query
  select format('Mode %s would have said: strength %s, size %s, appetite %s, assertiveness %s', shadow.mode,
    learning.rounded((shadow.outcome ->> 'pm_strength')::float8),
    learning.rounded((shadow.outcome ->> 'size_frac')::float8),
    learning.rounded((shadow.outcome ->> 'a_final')::float8),
    learning.rounded((shadow.outcome ->> 'e_final')::float8))
  from jsonb_each(sizing.shadow) as shadow(mode, outcome)
  order by shadow.mode desc;
  return next format('Configuration version %s', sizing.config_version);
end
$$;
comment on function public.explain_pm_sizing(text, text, jsonb, float8, float8, float8, timestamptz) is
  'get_pm_sizing in readable lines, with the overrides that nearly matched and what kept them from it.';

-- sql/89_audit.sql

-- Audit: what was applied to the size of each action, beside how its trade ended.

create view public.pm_sizing_audit
with (security_invoker = true)
as
select strand.id as action_strand_id, strand.created_at as acted_at,
  strand.content ->> 'trade_id' as trade_id,
  strand.position_id, strand.symbol, strand.timeframe,
  learning.dotted_pattern_key(strand.content ->> 'pattern_key') as pattern_key,
  strand.content ->> 'action_category' as action_category,
  learning.finite_number(strand.content -> 'a_value') as a_value,
  learning.finite_number(strand.content -> 'e_value') as e_value,
  learning.finite_number(strand.content #> '{reasons,pm_strength_applied}') as pm_strength_applied,
  learning.finite_number(strand.content #> '{reasons,exposure_skew_applied}') as exposure_skew_applied,
  learning.finite_number(strand.content -> 'size_frac') as size_frac,
  trade.trade_id is not null as closed, trade.roi, trade.rr, trade.pnl_usd, trade.exit_at
from public.ad_strands strand
left join learning.closed_trades trade on trade.trade_id = strand.content ->> 'trade_id'
where strand.kind = 'pm_action';
comment on view public.pm_sizing_audit is
  'What was applied to the size of each action, beside how its trade ended.';
comment on column public.pm_sizing_audit.action_strand_id is 'The action.';
comment on column public.pm_sizing_audit.acted_at is 'When it happened.';
comment on column public.pm_sizing_audit.trade_id is 'Trade that it belongs to.';
comment on column public.pm_sizing_audit.position_id is 'Position that it concerns.';
comment on column public.pm_sizing_audit.symbol is 'Token.';
comment on column public.pm_sizing_audit.timeframe is 'Timeframe of the position.';
comment on column public.pm_sizing_audit.pattern_key is 'Behaviour that acted, dotted.';
comment on column public.pm_sizing_audit.action_category is 'entry, add, trim or exit.';
comment on column public.pm_sizing_audit.a_value is 'Appetite to add, as the action says.';
comment on column public.pm_sizing_audit.e_value is 'Assertiveness to exit, as the action says.';
comment on column public.pm_sizing_audit.pm_strength_applied is
  'Factor from what was learned, as the action says; null where it says nothing.';
comment on column public.pm_sizing_audit.exposure_skew_applied is
  'Factor from crowding, as the action says; null where it says nothing.';
comment on column public.pm_sizing_audit.size_frac is 'Size used, as the action says.';
comment on column public.pm_sizing_audit.closed is 'Whether the trade is closed.';
comment on column public.pm_sizing_audit.roi is 'Return of the trade as a fraction; null while it is open.';
comment on column public.pm_sizing_audit.rr is 'Reward over risk of the trade; null while it is open.';
comment on column public.pm_sizing_audit.pnl_usd is 'Realised profit of the trade in USD.';
comment on column public.pm_sizing_audit.exit_at is 'When the trade was closed.';

-- sql/90_schedule.sql

-- Schedule (UTC): the sweep, mining, materialisation and pruning.

create function learning.jobs()
returns table (name text, schedule text, command text, function_name text, family text, longest_gap interval)
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query values
    ('edgeloop-sweep', '2-59/5 * * * *', 'select learning.sweep()',
      'aggregate-strands', null, interval '20 minutes'),
    ('edgeloop-mine-lessons', '8 * * * *', 'select learning.ring_or_log(''mine-lessons'')',
      'mine-lessons', 'strength', interval '3 hours'),
    ('edgeloop-mine-tuning', '9 * * * *', 'select learning.ring_or_log(''mine-tuning'')',
      'mine-tuning', 'tuning', interval '3 hours'),
    ('edgeloop-materialize-overrides', '10 * * * *', 'select learning.ring_or_log(''materialize-overrides'')',
      'materialize-overrides', null, interval '3 hours'),
    ('edgeloop-prune', '17 3 * * *', 'select public.prune_learning()', null, null, interval '50 hours');
end
$$;
comment on function learning.jobs() is
  'The one register of what runs when: name, schedule and command of each job, the edge function that it '
  'rings, the mining cycle that this function works on, and how long after its last run the job is missed.';

create function learning.sweep()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if not pg_try_advisory_xact_lock(hashtextextended('sweep', 0)) then
    return;
  end if;
  perform learning.ring_or_log('aggregate-strands');
  begin
    perform learning.replay_allocation();
  exception when others then
    -- It is tried again; whoever waits to be rung must not wait for it.
    perform learning.write_log_hourly('ERROR', 'allocation', 'replay_failed',
      format('The allocation could not be replayed and is tried again: %s', sqlerrm),
      jsonb_build_object('sqlstate', sqlstate));
  end;
  -- Work whose invocations died goes on without waiting for the next hour.
  perform learning.ring_or_log(work.function_name, '{"continue": true}'::jsonb)
  from (
    select job.function_name, mining_group.run, mining_group.leased_until
    from learning.mining_groups mining_group
    join learning.jobs() as job on job.family = mining_group.family
    union all
    select 'materialize-overrides', tuning_group.run, tuning_group.leased_until
    from learning.tuning_groups tuning_group
  ) as work
  group by work.function_name
  having bool_or(work.run is not null)
    and not coalesce(bool_or(learning.is_leased(work.leased_until)), false);
end
$$;
comment on function learning.sweep() is
  'Finds the strands whose doorbell was lost, and the mining and simulating whose invocations died, and '
  'goes on with a replay that paused; does nothing while another one does.';

create function public.prune_learning(p_batch integer default 1000000)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  log_lines integer := 0;
  run_details integer := 0;
  doorbells integer := 0;
  snapshots integer := 0;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('prune', 0)) then
    return jsonb_build_object('skipped', 'another run is under way');
  end if;

  delete from public.learning_log log_line
  where log_line.id in (
    select old_log_line.id
    from public.learning_log old_log_line
    where old_log_line.at < now() - learning.log_retention()
    order by old_log_line.at
    limit p_batch
  );
  get diagnostics log_lines = row_count;

  delete from learning.doorbells doorbell
  where doorbell.id in (
    select old_doorbell.id
    from learning.doorbells old_doorbell
    where old_doorbell.rung_at < now() - interval '1 day'
    order by old_doorbell.rung_at
    limit p_batch
  );
  get diagnostics doorbells = row_count;

  snapshots := learning.prune_edge_history(array(
    select snapshot.lesson_id
    from public.learning_edge_history snapshot
    group by snapshot.lesson_id
    having count(*) > 500
  ));

  begin
    delete from cron.job_run_details run
    where run.runid in (
      select old_run.runid
      from cron.job_run_details old_run
      -- Details of other jobs are their owners' business.
      join cron.job job on job.jobid = old_run.jobid and starts_with(job.jobname, 'edgeloop-')
      where old_run.end_time < now() - learning.log_retention()
      order by old_run.runid
      limit p_batch
    );
    get diagnostics run_details = row_count;
  exception when insufficient_privilege then
    perform learning.write_log_hourly('WARNING', 'prune', 'run_details_kept',
      'Run details of pg_cron could not be pruned: ' || sqlerrm);
  end;
  return jsonb_build_object(
    'log_lines', log_lines, 'run_details', run_details, 'doorbells', doorbells, 'snapshots', snapshots
  );
end
$$;
comment on function public.prune_learning(integer) is
  'Deletes log lines and run details older than 30 days and doorbells older than a day, at most p_batch of '
  'each at a time, and all but the last 500 snapshots of each lesson; does nothing while another run does. '
  'For the schedule.';

select cron.schedule(job.name, job.schedule, job.command) from learning.jobs() as job;

-- sql/91_platform_health.sql

-- Health of what the platform does for the loop: requests that are sent, jobs that run, and what is pruned.

create type learning.stage_health as (
  stage text,
  backlog bigint,
  oldest_waiting_at timestamptz,
  last_success_at timestamptz,
  failures bigint,
  problem text
);
comment on type learning.stage_health is
  'How one stage of the loop is doing; the view learning_health says more.';
comment on column learning.stage_health.stage is 'Name of the stage.';
comment on column learning.stage_health.backlog is 'How much waits.';
comment on column learning.stage_health.oldest_waiting_at is 'Since when the oldest of it waits.';
comment on column learning.stage_health.last_success_at is 'When the stage last did its work.';
comment on column learning.stage_health.failures is 'How often it failed of late.';
comment on column learning.stage_health.problem is
  'What is wrong, for a person to read; null where nothing is.';

create function learning.failures_of(p_component text, out failures bigint, out newest text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select count(*),
    (array_agg(
      format('failed at %s: %s', learning.moment(log_line.at), left(log_line.message, 300))
      order by log_line.at desc, log_line.id desc
    ))[1]
  from public.learning_log log_line
  where log_line.at > now() - interval '1 day'
    and log_line.level = 'ERROR'
    and log_line.component = p_component
    -- The stage doorbell tells of these.
    and log_line.event <> 'doorbell_failed';
$$;
comment on function learning.failures_of(text) is
  'How often something went wrong in a component within a day, and what did last; null where nothing did.';

create function learning.missing_secrets()
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select string_agg(wanted.name, ' and none named ' order by wanted.name desc)
  from (values ('project_url'), ('edge_function_secret_key')) as wanted(name)
  where not exists (
    select from vault.decrypted_secrets secret
    where secret.name = wanted.name and secret.decrypted_secret is not null
  );
$$;
comment on function learning.missing_secrets() is
  'Names of the secrets that Vault lacks, without which no edge function can be rung; null where it has '
  'them.';

create function learning.answer_fault(
  function_name text, status_code integer, answered_at timestamptz, reason text
)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when status_code in (401, 403) then format(
      '%s refused the key at %s: edge_function_secret_key in Vault is not a secret key of the project',
      function_name, learning.moment(answered_at)
    )
    when status_code = 404 then format(
      '%s was not found at %s: is it deployed, and is project_url in Vault right?',
      function_name, learning.moment(answered_at)
    )
    else format(
      '%s answered %s at %s: %s',
      function_name, coalesce(status_code::text, 'nothing'), learning.moment(answered_at), reason
    )
  end;
$$;
comment on function learning.answer_fault(text, integer, timestamptz, text) is
  'What a bad answer of an edge function means, for a person to read.';

create function learning.doorbell_health()
returns learning.stage_health
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  health learning.stage_health;
  missing_secrets constant text := learning.missing_secrets();
  newest_rung_at timestamptz;
  newest_answered_rung_at timestamptz;
  fault text;
begin
  health.stage := 'doorbell';
  with rings as materialized (
    select doorbell.function_name, doorbell.rung_at, response.created as answered_at, response.status_code,
      coalesce(response.error_msg, left(response.content, 200)) as reason,
      response.id is null and doorbell.rung_at > now() - interval '5 minutes' as is_waiting,
      coalesce(response.status_code between 200 and 299, false) as is_success,
      coalesce(response.timed_out, false) as timed_out
    from learning.doorbells doorbell
    left join net._http_response response
      on response.id = doorbell.request_id and response.created >= doorbell.rung_at
    where doorbell.rung_at > now() - interval '6 hours'
  ),
  -- Work that takes longer than the request waits for it is not lost.
  bad_rings as (
    select rings.*
    from rings
    where rings.answered_at is not null and not rings.is_success and not rings.timed_out
  ),
  newest_rings as (
    select distinct on (rings.function_name) rings.*
    from rings
    where rings.answered_at is not null
    order by rings.function_name, rings.rung_at desc
  )
  select count(*) filter (where rings.is_waiting),
    min(rings.rung_at) filter (where rings.is_waiting),
    max(rings.answered_at) filter (where rings.is_success),
    (select count(*) from bad_rings),
    max(rings.rung_at),
    max(rings.rung_at) filter (where rings.answered_at is not null),
    (
      select learning.answer_fault(
        newest_rings.function_name, newest_rings.status_code, newest_rings.answered_at, newest_rings.reason
      )
      from newest_rings
      where not newest_rings.is_success and not newest_rings.timed_out
      order by newest_rings.answered_at desc
      limit 1
    )
  into health.backlog, health.oldest_waiting_at, health.last_success_at, health.failures,
    newest_rung_at, newest_answered_rung_at, fault
  from rings;

  health.problem := case
    when missing_secrets is not null
      then format('Vault has no secret named %s: store it with vault.create_secret', missing_secrets)
    -- What was rung before a crash is never answered; what is rung after it is.
    when newest_rung_at < now() - interval '2 minutes'
      and newest_rung_at > coalesce(newest_answered_rung_at, '-infinity')
      then 'no request is sent: is the worker of pg_net running?'
    else fault
  end;
  return health;
end
$$;
comment on function learning.doorbell_health() is
  'Whether the edge functions can be reached: rings of the last six hours and their answers.';

create function learning.schedule_health()
returns learning.stage_health
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  health learning.stage_health;
  newest_run_at timestamptz;
  job_problems text;
begin
  health.stage := 'schedule';
  select count(*) filter (where job.jobid is null or not job.active), max(runs.last_success_at),
    coalesce(sum(runs.failures), 0), max(runs.last_run_at),
    string_agg(case
      when job.jobid is null then expected.name || ' is not scheduled'
      when not job.active then expected.name || ' is switched off'
      when runs.last_status = 'failed' then format('%s failed at %s: %s', expected.name,
        learning.moment(runs.last_run_at), left(runs.last_message, 200))
      when runs.last_run_at < now() - expected.longest_gap then
        format('%s has not run since %s', expected.name, learning.moment(runs.last_run_at))
    end, '; ' order by expected.name)
  into health.backlog, health.last_success_at, health.failures, newest_run_at, job_problems
  from learning.jobs() as expected
  left join cron.job job on job.jobname = expected.name
  left join lateral (
    select max(run.end_time) filter (where run.status = 'succeeded') as last_success_at,
      max(run.start_time) as last_run_at,
      count(*) filter (where run.status = 'failed' and run.start_time > now() - interval '1 day') as failures,
      (
        array_agg(run.return_message order by run.runid desc)
          filter (where run.status in ('succeeded', 'failed'))
      )[1] as last_message,
      (
        array_agg(run.status order by run.runid desc) filter (where run.status in ('succeeded', 'failed'))
      )[1] as last_status
    from cron.job_run_details run
    where run.jobid = job.jobid
  ) as runs on true;

  health.problem := nullif(concat_ws('; ',
    job_problems,
    case
      -- Before the first hour is over there may be nothing to tell.
      when newest_run_at is null and exists (
        select from public.ad_strands strand
        join public.strand_receipts receipt on receipt.strand_id = strand.id
        where receipt.received_at < now() - interval '2 hours'
      ) then 'no run was recorded: does the scheduler of pg_cron run, with cron.log_run on?'
    end
  ), '');
  return health;
end
$$;
comment on function learning.schedule_health() is
  'Jobs of the loop: the backlog is those that are not scheduled or switched off.';

create function learning.pruning_health()
returns learning.stage_health
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  health learning.stage_health;
  log_lines bigint;
  run_details bigint;
begin
  health.stage := 'prune';
  with own_runs as materialized (
    select run.status, run.start_time, run.end_time, job.jobname
    from cron.job_run_details run
    join cron.job job on job.jobid = run.jobid and starts_with(job.jobname, 'edgeloop-')
  ),
  past_their_time as (
    select log_line.at, true as is_log
    from public.learning_log log_line
    where log_line.at < now() - learning.log_retention()
    union all
    select own_runs.end_time, false
    from own_runs
    where own_runs.end_time < now() - learning.log_retention()
  )
  select count(*), min(past_their_time.at),
    count(*) filter (where past_their_time.is_log), count(*) filter (where not past_their_time.is_log),
    (
      select max(own_runs.end_time) from own_runs
      where own_runs.jobname = 'edgeloop-prune' and own_runs.status = 'succeeded'
    ),
    (
      select count(*) from own_runs
      where own_runs.jobname = 'edgeloop-prune' and own_runs.status = 'failed'
        and own_runs.start_time > now() - interval '7 days'
    )
  into health.backlog, health.oldest_waiting_at, log_lines, run_details,
    health.last_success_at, health.failures
  from past_their_time;

  health.problem := case
    when health.oldest_waiting_at < now() - learning.log_retention() - interval '3 days'
      then format('%s should be gone, the oldest since %s',
        concat_ws(' and ',
          case
            when log_lines > 0 then learning.counted(log_lines, 'line of the log', 'lines of the log')
          end,
          case
            when run_details > 0 then learning.counted(
              run_details, 'run in cron.job_run_details', 'runs in cron.job_run_details'
            )
          end
        ),
        learning.moment(health.oldest_waiting_at + learning.log_retention()))
  end;
  return health;
end
$$;
comment on function learning.pruning_health() is
  'Log lines and run details that are older than they are kept.';

-- sql/92_stage_health.sql

-- Health of the stages that data passes through: the inbox, mining and materialisation.

create function learning.inbox_health()
returns learning.stage_health
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  health learning.stage_health;
  aggregation constant record := learning.failures_of('aggregate-strands');
  allocation constant record := learning.failures_of('allocation');
  retried bigint;
  newest_retry text;
  rejected bigint;
  newest_rejection text;
begin
  health.stage := 'inbox';
  select count(*), min(receipt.received_at), count(*) filter (where receipt.errors <> '[]'::jsonb),
    (
      array_agg(receipt.errors #>> '{0,message}' order by receipt.next_attempt_at desc)
        filter (where receipt.errors <> '[]'::jsonb)
    )[1]
  into health.backlog, health.oldest_waiting_at, retried, newest_retry
  from public.strand_receipts receipt
  where receipt.status = 'pending';

  select max(receipt.processed_at) into health.last_success_at
  from public.strand_receipts receipt
  where receipt.status = 'done';

  select count(*),
    (
      array_agg(
        receipt.strand_id || ': '
          || concat_ws(' ', nullif(receipt.errors #>> '{0,path}', ''), receipt.errors #>> '{0,message}')
        order by receipt.processed_at desc
      )
    )[1]
  into rejected, newest_rejection
  from public.strand_receipts receipt
  where receipt.status = 'rejected' and receipt.processed_at > now() - interval '1 day';

  health.failures := rejected + retried + aggregation.failures + allocation.failures;
  health.problem := nullif(concat_ws('; ',
    case
      when health.oldest_waiting_at < now() - interval '15 minutes'
        and coalesce(health.last_success_at, '-infinity') < now() - interval '15 minutes'
        then format('%s since %s and nobody comes for them',
          learning.counted(health.backlog, 'strand waits', 'strands wait'),
          learning.moment(health.oldest_waiting_at))
    end,
    case
      when retried > 0
        then format('%s not be applied and will be tried again, the last one: %s',
          learning.counted(retried, 'strand could', 'strands could'), newest_retry)
    end,
    case
      when rejected > 0
        then format('%s rejected within a day, the last one %s; strand_receipts has every reason',
          learning.counted(rejected, 'strand was', 'strands were'), newest_rejection)
    end,
    'aggregate-strands ' || aggregation.newest,
    'allocation ' || allocation.newest
  ), '');
  return health;
end
$$;
comment on function learning.inbox_health() is 'Strands on their way to their effect.';

create function learning.mining_health(p_family text, component text)
returns learning.stage_health
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  health learning.stage_health;
  mining constant record := learning.failures_of(component);
  overdue bigint;
begin
  health.stage := component;
  with waiting as (
    select mining_group.mined_at, coalesce(mining_group.mined_at, case p_family
      when 'strength' then (
        select event.created_at
        from public.pattern_trade_events event
        where event.module = mining_group.module
          and event.pattern_key = mining_group.pattern_key
          and event.action_category = mining_group.action_category
        order by event.id
        limit 1
      )
      else (
        select receipt.received_at
        from public.pattern_episode_events episode
        join public.strand_receipts receipt on receipt.strand_id = episode.strand_id
        where episode.pattern_key = mining_group.pattern_key and episode.outcome is not null
        order by episode.occurred_at, episode.id
        limit 1
      )
    end) as since
    from learning.mining_groups mining_group
    where mining_group.id in (select learning.due_groups(p_family))
  )
  select count(*), min(waiting.since),
    count(*) filter (
      -- A group without a change is mined once a day, one with a change within the hour.
      where waiting.since < now() - case
        when waiting.mined_at is null then interval '3 hours'
        else interval '27 hours'
      end
    )
  into health.backlog, health.oldest_waiting_at, overdue
  from waiting;

  select max(mining_group.mined_at) into health.last_success_at
  from learning.mining_groups mining_group
  where mining_group.family = p_family;

  health.failures := mining.failures;
  health.problem := nullif(concat_ws('; ',
    case
      when overdue > 0
        then format('%s not mined in time, the oldest since %s',
          learning.counted(overdue, 'group was', 'groups were'), learning.moment(health.oldest_waiting_at))
    end,
    mining.newest
  ), '');
  return health;
end
$$;
comment on function learning.mining_health(text, text) is
  'Groups on their way to their lessons; one that waits does so since it was last mined, or since its first '
  'event.';

create function learning.materialization_health()
returns learning.stage_health
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  health learning.stage_health;
  materialization constant record := learning.failures_of('materialize-overrides');
begin
  health.stage := 'materialize-overrides';
  with waiting as (
    select lesson.updated_at as since
    from public.learning_lessons lesson
    where lesson.status = 'active' and lesson.lesson_type <> 'tuning_rates'
      and not exists (
        select from public.pm_overrides override
        where override.override_type = lesson.lesson_type
          and override.pattern_key = lesson.pattern_key
          and override.action_category = lesson.action_category
          and override.scope_digest = lesson.scope_digest
          -- What a person made or switched off is not touched.
          and (override.lesson_id is null or override.enabled or override.disabled_by is distinct from 'loop')
      )
    union all
    select coalesce(lesson.updated_at, override.last_updated_at)
    from public.pm_overrides override
    left join public.learning_lessons lesson on lesson.id = override.lesson_id
    where override.lesson_id is not null and override.enabled and lesson.status is distinct from 'active'
    union all
    select coalesce(mining_group.mined_at, now())
    from learning.tuning_groups tuning_group
    join learning.mining_groups mining_group on mining_group.id = tuning_group.group_id
    where tuning_group.run is not null
      or tuning_group.lessons_version > tuning_group.simulated_version
      or tuning_group.simulated_settings is distinct from (select learning.tuning_settings_digest())
  )
  select count(*), min(waiting.since) into health.backlog, health.oldest_waiting_at from waiting;

  select max(response.created) into health.last_success_at
  from learning.doorbells doorbell
  join net._http_response response
    on response.id = doorbell.request_id and response.created >= doorbell.rung_at
  where doorbell.function_name = 'materialize-overrides' and response.status_code between 200 and 299;

  health.failures := materialization.failures;
  health.problem := nullif(concat_ws('; ',
    case
      when health.oldest_waiting_at < now() - interval '3 hours'
        then format('%s not been taken over since %s',
          learning.counted(health.backlog, 'change of lessons has', 'changes of lessons have'),
          learning.moment(health.oldest_waiting_at))
    end,
    materialization.newest
  ), '');
  return health;
end
$$;
comment on function learning.materialization_health() is
  'Lessons on their way to overrides: active ones without, overrides whose lesson is no longer active, and '
  'tuning groups that await simulation.';

-- sql/93_health.sql

-- Health: how far each stage of the loop has come, what waits, and in words what is wrong.

-- Runs as its owner: signed-in users may not read what net, cron and Vault hold. It tells of them no more
-- than counts, times, and the answers of the loop's own functions.
create function learning.health()
returns setof learning.stage_health
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  stages constant text[] := array[
    'doorbell', 'inbox', 'mine-lessons', 'mine-tuning', 'materialize-overrides', 'schedule', 'prune'
  ];
  stage text;
  health learning.stage_health;
begin
  if learning.asks_as_user() and not learning.may_read() then
    return;
  end if;
  foreach stage in array stages loop
    begin
      health := case stage
        when 'doorbell' then learning.doorbell_health()
        when 'inbox' then learning.inbox_health()
        when 'mine-lessons' then learning.mining_health('strength', stage)
        when 'mine-tuning' then learning.mining_health('tuning', stage)
        when 'materialize-overrides' then learning.materialization_health()
        when 'schedule' then learning.schedule_health()
        when 'prune' then learning.pruning_health()
      end;
    exception when others then
      -- What keeps one stage from being looked at must not hide the others.
      health := row(stage, null, null, null, null, 'cannot be looked at: ' || sqlerrm);
    end;
    return next health;
  end loop;
end
$$;
comment on function learning.health() is
  'The rows of learning_health; none for signed-in users without a learning role.';

create view public.learning_health
with (security_invoker = true)
as
select health.stage, health.backlog, health.oldest_waiting_at, health.last_success_at, health.failures,
  health.problem, (select learning.release()) as release
from learning.health() as health;
comment on view public.learning_health is
  'How each stage of the loop is doing, in the order in which data passes through; a stage is well when '
  'problem is null.';
comment on column public.learning_health.stage is
  'doorbell, inbox, mine-lessons, mine-tuning, materialize-overrides, schedule or prune.';
comment on column public.learning_health.backlog is
  'What waits: unanswered rings, strands, groups to be mined, lessons to be taken over, jobs that do not '
  'run, log lines and run details past their time.';
comment on column public.learning_health.oldest_waiting_at is
  'Since when the oldest of it waits; null where nothing does.';
comment on column public.learning_health.last_success_at is
  'When the stage last did its work; null where that is not known. Answers of edge functions are known for '
  'six hours.';
comment on column public.learning_health.failures is
  'Failures and refusals within a day; of the doorbell within six hours, of pruning within a week.';
comment on column public.learning_health.problem is
  'What is wrong, for a person to read; null where nothing is.';
comment on column public.learning_health.release is 'Release of the database, the same in each row.';

-- sql/95_access.sql

-- Access: who may do what. Everything is revoked first, then granted by name.

-- Only what this project made: other tables of the database keep their grants. Defaults of older projects
-- grant new objects to anon and authenticated, those of newer ones to nobody; after this both are the same.
revoke all on schema learning from public, anon, authenticated, service_role;
revoke all on all tables in schema learning from public, anon, authenticated, service_role;
revoke all on all sequences in schema learning from public, anon, authenticated, service_role;
revoke all on all functions in schema learning from public, anon, authenticated, service_role;
grant usage on schema learning to authenticated, service_role;
grant usage on schema public to authenticated, service_role;

do $grant_tables$
declare
  -- Users with a learning role read these; the edge functions and the trading system write them.
  shown_tables constant regclass[] := array[
    'public.ad_strands',
    'public.learning_configs',
    'public.learning_edge_history',
    'public.learning_lessons',
    'public.learning_levers',
    'public.learning_log',
    'public.lowcap_positions',
    'public.pattern_episode_events',
    'public.pattern_trade_events',
    'public.pm_overrides',
    'public.scope_dimensions',
    'public.strand_receipts',
    'public.timeframe_allocation_steps'
  ]::regclass[];
  views constant regclass[] := array[
    'public.learning_health',
    'public.pattern_scope_exposure',
    'public.pattern_scope_stats',
    'public.pm_sizing_audit',
    'public.scope_exposure',
    'public.timeframe_allocation',
    'public.timeframe_allocation_history',
    'public.timeframe_allocation_outlook'
  ]::regclass[];
  -- What the RPCs and views read on behalf of a user with a learning role.
  inner_tables constant regclass[] := array[
    'learning.closed_trades',
    'learning.effective_configs',
    'learning.exposure_cells',
    'learning.exposure_masks',
    'learning.override_index_entries',
    'learning.override_index_groups',
    'learning.override_index_pairs',
    'learning.position_scopes',
    'learning.releases',
    'learning.settings'
  ]::regclass[];
  inner_views constant regclass[] := array['learning.override_terms']::regclass[];
  relation regclass;
begin
  foreach relation in array shown_tables || views loop
    execute format('revoke all on %s from public, anon, authenticated, service_role', relation);
  end loop;
  -- Identity columns need no rights on their sequences, but older projects grant them all the same.
  for relation in
    select owned.objid::regclass
    from pg_catalog.pg_depend owned
    join pg_catalog.pg_class sequence on sequence.oid = owned.objid and sequence.relkind = 'S'
    where owned.deptype = 'i' and owned.refobjid = any (shown_tables::oid[])
  loop
    execute format('revoke all on sequence %s from public, anon, authenticated, service_role', relation);
  end loop;

  foreach relation in array shown_tables || views || inner_tables || inner_views loop
    execute format('grant select on %s to authenticated', relation);
  end loop;
  foreach relation in array shown_tables || inner_tables loop
    execute format(
      'create policy read_with_learning_role on %s for select to authenticated '
        'using ((select learning.may_read()))',
      relation
    );
  end loop;
  foreach relation in array shown_tables loop
    execute format('grant select, insert, update, delete on %s to service_role', relation);
  end loop;
  foreach relation in array views loop
    execute format('grant select on %s to service_role', relation);
  end loop;
end
$grant_tables$;
grant select, insert, update, delete on all tables in schema learning to service_role;
grant usage, select, update on all sequences in schema learning to service_role;

do $grant_functions$
declare
  -- They ask for the learning role themselves.
  questions constant regprocedure[] := array[
    'public.explain_pm_sizing(text, text, jsonb, float8, float8, float8, timestamptz)',
    'public.get_dm_allocation(text, jsonb)',
    'public.get_pm_config()',
    'public.get_pm_levers(text, text, jsonb)',
    'public.get_pm_sizing(text, text, jsonb, float8, float8, float8, timestamptz)',
    'public.get_pm_sizing_batch(jsonb)',
    'public.match_pm_overrides(text, text, jsonb)',
    'public.unified_scope(jsonb, jsonb, jsonb)'
  ]::regprocedure[];
  inner_questions constant regprocedure[] := array[
    'learning.health()',
    'learning.size_candidates(learning.candidate[])'
  ]::regprocedure[];
  -- For the edge functions and the schedule alone.
  services constant regprocedure[] := array[
    'public.apply_strands(jsonb, jsonb)',
    'public.claim_mining_group(text)',
    'public.claim_strands(integer)',
    'public.claim_tuning_simulation()',
    'public.finish_mining_group(bigint, uuid, jsonb)',
    'public.finish_tuning_group(bigint, uuid, jsonb, timestamptz)',
    'public.prune_learning(integer)',
    'public.read_edge_history(bigint)',
    'public.read_mining_group(bigint)',
    'public.read_module_trades(text)',
    'public.read_scope_values(integer[])',
    'public.read_tuning_lessons(bigint, bigint, integer)',
    'public.read_tuning_p_values()',
    'public.read_tuning_windows(bigint, timestamptz, jsonb, integer, boolean)',
    'public.reconcile_overrides(bigint, integer)',
    'public.reconcile_tuning_overrides(bigint, integer, float8, integer)',
    'public.restart_mining_group(bigint, uuid)',
    'public.ring_edge_function(text, jsonb, integer)',
    'public.save_mining_progress(bigint, uuid, jsonb)',
    'public.save_tuning_simulations(bigint, uuid, jsonb, bigint, text)',
    'public.start_mining(text)',
    'public.start_tuning()'
  ]::regprocedure[];
  -- The inner functions that only read: the RPCs call them with the caller's rights.
  readers constant regprocedure[] := array(
    select inner_function.oid::regprocedure
    from pg_catalog.pg_proc inner_function
    where inner_function.pronamespace = 'learning'::regnamespace
      and inner_function.provolatile <> 'v' and not inner_function.prosecdef
  );
  routine regprocedure;
begin
  foreach routine in array questions || services loop
    execute format('revoke all on function %s from public, anon, authenticated, service_role', routine);
  end loop;
  foreach routine in array questions || inner_questions || readers loop
    execute format('grant execute on function %s to authenticated', routine);
  end loop;
  foreach routine in array questions || services loop
    execute format('grant execute on function %s to service_role', routine);
  end loop;
end
$grant_functions$;
grant execute on all functions in schema learning to service_role;
