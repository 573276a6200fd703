-- Generated from sql/ by `deno task db:migrate`; edit sql/ instead.

-- sql/00_schemas.sql

-- The rooms of the house: `public` is the interface, `learning` the inside that the data API does not expose.

create schema if not exists learning;
comment on schema learning is 'Inside of Edgeloop: helpers and working tables that no client calls or builds on.';

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

-- sql/03_values.sql

-- Values: numbers that documents hold, and numbers, times and texts for a person to read.

create function learning.without_dust(value float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when abs(value) < 1e-50 then 0 else value end;
end
$$;
comment on function learning.without_dust(float8) is
  'A number, or 0 where it is next to nothing: a product of such leaves the range of numbers, which Postgres refuses.';

create function learning.number_of(document jsonb, key text)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- By way of numeric, because a number too small for float8 is an error there and zero here.
  return round((document ->> key)::numeric, 40)::float8;
end
$$;
comment on function learning.number_of(jsonb, text) is 'A number of a validated document; null where it is absent.';

create function learning.finite_number(value jsonb)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when jsonb_typeof(value) = 'number' and abs(value::numeric) < 1e300 then value::float8 end;
end
$$;
comment on function learning.finite_number(jsonb) is 'A number of a message; null where it holds something else.';

create function learning.quoted(value text)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select quote_literal(case when length(value) > 60 then left(value, 60) || '…' else value end);
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
  select case when number = 0 or abs(number) >= 0.0001 then number::numeric(30, 6)::float8::text else btrim(to_char(number, '9.9EEEE')) end;
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
comment on function learning.counted(bigint, text, text) is 'A number of things for a person to read.';

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
comment on column public.learning_log.level is 'INFO for normal operation, WARNING for data that was missing or refused, ERROR for a failure.';
comment on column public.learning_log.component is 'Which part spoke, for example mine-lessons.';
comment on column public.learning_log.event is 'What happened, as a stable name, for example lesson_activated.';
comment on column public.learning_log.message is 'The same for a person to read.';
comment on column public.learning_log.details is 'The same for a program to read.';

create function learning.write_log(level text, component text, event text, message text, details jsonb default '{}'::jsonb)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into public.learning_log (level, component, event, message, details)
  values (level, component, event, message, details);
$$;
comment on function learning.write_log(text, text, text, text, jsonb) is 'Writes one line of the learning log.';

create function learning.write_log_hourly(level text, component text, event text, message text, details jsonb default '{}'::jsonb)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into public.learning_log (level, component, event, message, details)
  select write_log_hourly.level, write_log_hourly.component, write_log_hourly.event, write_log_hourly.message, write_log_hourly.details
  where not exists (
    select from public.learning_log line
    where line.event = write_log_hourly.event
      and line.component = write_log_hourly.component
      and line.at > now() - interval '1 hour'
  );
$$;
comment on function learning.write_log_hourly(text, text, text, text, jsonb) is
  'Writes one line of the learning log unless the same component reported the same event less than an hour ago.';

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
  'Role of the signed-in user in the learning loop: viewer reads, pm reads and asks; anything else may do nothing.';

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
      and not pg_has_role(asking, (select room.nspowner from pg_catalog.pg_namespace room where room.nspname = 'learning'), 'usage')
  end;
end
$$;
comment on function learning.asks_as_user() is
  'Whether whoever asks has the rights of neither service_role nor the owner, so that the learning role decides what he may know; roles made from authenticated are users, too.';

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
comment on function learning.require_pm() is 'Refuses signed-in users whose learning role is not pm; service_role and the owner may always ask.';

-- sql/10_dimensions.sql

-- Dimensions: what a scope may name, registered by inserting a row.

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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
as $derive$
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
  execute (
    select format(
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

-- sql/12_scopes.sql

-- Scopes: how a context becomes a scope, and how keys and scopes look in their normal form.

-- The functions from here on are called for every event: plpgsql keeps their plans, language sql would plan each call anew.
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
comment on function learning.scope_value(jsonb) is 'A context''s value as a scope holds it: trimmed text, null where it is empty.';

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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
  'A pattern key as it is stored: module=pm|pattern_key=a.b.c becomes pm.a.b.c, dotted keys stay as they are.';

-- sql/15_settings.sql

-- Settings: what may be configured, with defaults and bounds in one table.

create table learning.settings (
  module_id text not null,
  path text not null,
  kind text not null check (kind in ('number', 'integer', 'boolean', 'choice', 'texts', 'masks', 'shares')),
  default_value jsonb not null,
  nullable boolean not null default false,
  minimum float8,
  maximum float8,
  above float8,
  choices text[],
  description text not null,
  primary key (module_id, path)
);
alter table learning.settings enable row level security;
comment on table learning.settings is 'Every configuration key with its default, type and range: the one place that says what may be configured.';
comment on column learning.settings.module_id is 'Row of learning_configs that the key belongs to.';
comment on column learning.settings.path is 'Key, dotted where it is nested.';
comment on column learning.settings.kind is 'Type of the value; masks is a list of dimension lists or of singles, pairs and full; shares maps timeframes to fractions that sum to 1.';
comment on column learning.settings.default_value is 'Value that holds while the key is not set.';
comment on column learning.settings.nullable is 'Whether null may be set.';
comment on column learning.settings.minimum is 'Smallest number accepted.';
comment on column learning.settings.maximum is 'Largest number accepted.';
comment on column learning.settings.above is 'Numbers must be greater than this.';
comment on column learning.settings.choices is 'Texts accepted, for a choice.';
comment on column learning.settings.description is 'What the key does.';

insert into learning.settings (module_id, path, kind, default_value, nullable, minimum, maximum, above, choices, description) values
  ('pm', 'strength_mode', 'choice', '"posture"', false, null, null, null, '{posture,multiplier,edge_weighted}', 'How learned strength acts on the size.'),
  ('pm', 'outcome', 'choice', '"roi"', false, null, null, null, '{roi,rr}', 'What a trade is judged by.'),
  ('pm', 'outcome_scale', 'number', '1.0', false, null, null, 0, null, 'What one unit of outcome means to this strategy; a scalper sets it small.'),
  ('pm', 'n_min', 'integer', '33', false, 2, null, null, null, 'Fewest trades that make a slice.'),
  ('pm', 'edge_min', 'number', '0.05', false, 0, null, null, null, 'Smallest absolute edge of an active lesson.'),
  ('pm', 'incremental_min', 'number', 'null', true, 0, null, null, null, 'Smallest absolute edge beyond the best parent scope; null asks for none.'),
  ('pm', 'max_q_value', 'number', '0.10', true, 0, 1, null, null, 'Largest false discovery rate of an active lesson; null switches the test off.'),
  ('pm', 'cluster', 'choice', '"auto"', false, null, null, null, '{auto,week,day,none}', 'Trades of the same week or day share the market''s luck and are tested as one cluster.'),
  ('pm', 'baseline', 'choice', '"global"', false, null, null, null, '{global,category}', 'What a slice is compared with: all trades, or those with an action of the same category.'),
  ('pm', 'selection', 'choice', '"distinct"', false, null, null, null, '{distinct,exhaustive}', 'One lesson for each distinct set of trades, or one for each scope subset.'),
  ('pm', 'max_lessons_per_group', 'integer', '5000', false, 1, 100000, null, null, 'Most lessons kept for one group; scopes of at most one dimension are always kept.'),
  ('pm', 'decay.source', 'choice', '"events"', false, null, null, null, '{events,history}', 'Series that decay is fitted to: trades, or earlier snapshots of the edge.'),
  ('pm', 'staleness_half_life_hours', 'number', '720', false, null, null, 0, null, 'Hours without new evidence after which an override acts half as much.'),
  ('pm', 'cpu_budget_ms', 'integer', '1200', false, 50, 10000, null, null, 'CPU time after which an invocation saves its place and hands over.'),
  ('pm', 'mining_workers', 'integer', '4', false, 1, 64, null, null, 'Invocations that mine side by side.'),
  ('pm', 'edge_scale', 'number', '0.10', false, null, null, 0, null, 'Edge at which edge-weighted blending gives about three quarters of the full weight.'),
  ('pm', 'steering.base', 'number', '0.03', false, 0, 1, null, null, 'Steering strength at zero confidence.'),
  ('pm', 'steering.gain', 'number', '0.20', false, 0, 1, null, null, 'Steering strength gained at full confidence.'),
  ('pm', 'steering.max', 'number', '0.22', false, 0, 1, null, null, 'Largest steering strength.'),
  ('pm', 'steering.confidence_min', 'number', '0.40', false, 0, 1, null, null, 'Overrides below this confidence are ignored where one at or above it matches.'),
  ('pm', 'steering.roi_scale', 'number', '0.10', false, null, null, 0, null, 'ROI at which a trade has about three quarters of the full weight in the posture directions.'),
  ('pm', 'steering.base_bias', 'number', '0', false, -1, 1, null, null, 'Share of the blended edge added to the appetite.'),
  ('pm', 'steering.relative', 'boolean', 'false', false, null, null, null, null, 'Whether directions are measured against the module''s own.'),
  ('pm', 'exposure.masks', 'masks', '["singles", "pairs", "full"]', true, null, null, null, null, 'Dimension sets that crowding is measured on.'),
  ('pm', 'exposure.alpha', 'number', '1.0', false, null, null, 0, null, 'Weight of exposure in the same scope.'),
  ('pm', 'exposure.beta', 'number', '0.5', false, 0, null, null, null, 'Weight of exposure in the same scope under the same pattern key.'),
  ('pm', 'exposure.weight_exponent', 'number', '0.5', false, 0, null, null, null, 'How much more a mask of heavier dimensions counts.'),
  ('pm', 'exposure.cap', 'number', 'null', true, null, null, 0, null, 'Exposure that reads as full crowding where the total is larger; null: the total.'),
  ('pm', 'tuning.lookback_days', 'number', '90', false, null, null, 0, null, 'Days before the newest episode that tuning looks at.'),
  ('pm', 'tuning.min_ratio', 'number', '2.0', false, 0, null, null, null, 'Smallest gain per cost of a gate move.'),
  ('pm', 'tuning.min_gain', 'integer', '3', false, 0, null, null, null, 'Smallest gain of a gate move.'),
  ('pm', 'tuning.cautious_dodge_rate', 'number', '0.90', false, 0, 1, null, null, 'Dodge rate from which loosening needs the cautious ratio.'),
  ('pm', 'tuning.cautious_ratio', 'number', '4.0', false, 0, null, null, null, 'Smallest gain per cost of loosening where the dodge rate is high.'),
  ('pm', 'tuning.confirm', 'boolean', 'true', false, null, null, null, null, 'Whether a gate move must prove itself on episodes it was not chosen on.'),
  ('pm', 'flags.learning_overrides_enabled', 'boolean', 'true', false, null, null, null, null, 'Whether strength overrides act.'),
  ('pm', 'flags.learning_overrides_enabled_regimes', 'texts', 'null', true, null, null, null, null, 'Macro phases in which overrides act; null: all.'),
  ('pm', 'flags.tuning_overrides_enabled', 'boolean', 'true', false, null, null, null, null, 'Whether tuning overrides act.'),
  ('pm', 'flags.exposure_skew_enabled', 'boolean', 'true', false, null, null, null, null, 'Whether crowding acts on the size.'),
  ('pm', 'flags.dm_alloc_overrides_enabled', 'boolean', 'false', false, null, null, null, null, 'Whether learned allocation multipliers act.'),
  ('pm', 'flags.ae_v2_enabled', 'boolean', 'true', false, null, null, null, null, 'Tells the PM to compute its posture from flags.'),
  ('decision_maker', 'default_allocation_pct', 'number', '0.10', false, null, 1, 0, null, 'Fraction of the book that an approved token gets.'),
  ('decision_maker', 'start_shares', 'shares', '{"15m": 0.15, "1h": 0.50, "4h": 0.35}', false, null, null, null, null, 'The timeframes and the shares they start from.');

create function learning.setting_fault(setting learning.settings, value jsonb)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  number float8;
begin
  if value = 'null'::jsonb then
    return case when not setting.nullable then 'must not be null' end;
  end if;
  case setting.kind
    when 'boolean' then
      return case when jsonb_typeof(value) <> 'boolean' then 'must be true or false' end;
    when 'choice' then
      return case when jsonb_typeof(value) <> 'string' or (value #>> '{}') <> all (setting.choices)
        then 'must be one of ' || array_to_string(setting.choices, ', ') end;
    when 'texts' then
      return case when jsonb_typeof(value) <> 'array' or jsonb_path_exists(value, '$[*] ? (@.type() != "string")')
        then 'must be a list of texts' end;
    when 'masks' then
      return case when jsonb_typeof(value) <> 'array' or jsonb_array_length(value) = 0
        then 'must be a list of dimension lists, or of singles, pairs and full'
        else (
          select 'has an entry that is neither a list of registered dimensions nor singles, pairs or full: ' || entry.value::text
          from jsonb_array_elements(value) as entry(value)
          where case jsonb_typeof(entry.value)
            when 'string' then entry.value #>> '{}' not in ('singles', 'pairs', 'full')
            when 'array' then jsonb_array_length(entry.value) = 0 or exists (
              select from jsonb_array_elements(entry.value) as named(dim)
              where not exists (
                select from public.scope_dimensions known
                where jsonb_typeof(named.dim) = 'string'
                  and (known.dim = named.dim #>> '{}' or (named.dim #>> '{}') = any (known.aliases))
              )
            )
            else true
          end
          limit 1
        ) end;
    when 'shares' then
      if jsonb_typeof(value) <> 'object' or value = '{}'::jsonb
        or exists (select from jsonb_each(value) as share where jsonb_typeof(share.value) <> 'number') then
        return 'must map each timeframe to a fraction';
      end if;
      return (
        select case
          when min(share.value::numeric) < 0.02 or max(share.value::numeric) > 0.96 then 'has a fraction outside 0.02 to 0.96'
          when abs(sum(share.value::numeric) - 1) > 1e-9 then 'has fractions that do not sum to 1'
        end
        from jsonb_each_text(value) as share
      );
    else
      if jsonb_typeof(value) <> 'number' then
        return 'must be a number';
      end if;
      if abs(value::text::numeric) > 1e15 then
        return 'must be at most 1e15';
      end if;
      -- By way of numeric, because a number too small for float8 is an error there and zero here.
      number := round(value::text::numeric, 40)::float8;
      return case
        when setting.kind = 'integer' and number <> floor(number) then 'must be a whole number'
        when setting.minimum is not null and number < setting.minimum then 'must be at least ' || setting.minimum
        when setting.maximum is not null and number > setting.maximum then 'must be at most ' || setting.maximum
        when setting.above is not null and number <= setting.above then 'must be greater than ' || setting.above
      end;
  end case;
end
$$;
comment on function learning.setting_fault(learning.settings, jsonb) is 'Says what is wrong with a configured value, or null.';

create function learning.configuration_faults(module_id text, config_data jsonb)
returns text[]
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with recursive entries (keys, value) as (
    select array[entry.key], entry.value from jsonb_each(case jsonb_typeof(config_data) when 'object' then config_data else '{}'::jsonb end) as entry
    -- Legacy keys of earlier systems are let through.
    where entry.key not in ('timeframe_weights', 'feature_flags')
    union all
    select entries.keys || nested.key, nested.value
    from entries
    cross join lateral jsonb_each(case jsonb_typeof(entries.value) when 'object' then entries.value else '{}'::jsonb end) as nested
    where not exists (
      select from learning.settings known
      where known.module_id = configuration_faults.module_id and string_to_array(known.path, '.') = entries.keys
    )
  ),
  faults as (
    select 'config_data must be an object' as fault where jsonb_typeof(config_data) <> 'object'
    union all
    select 'module_id must be one of ' || string_agg(distinct quote_literal(known.module_id), ', ')
    from learning.settings known
    having not bool_or(known.module_id = configuration_faults.module_id)
    union all
    select known.path || ' ' || learning.setting_fault(known, entries.value)
    from entries
    join learning.settings known
      on known.module_id = configuration_faults.module_id and string_to_array(known.path, '.') = entries.keys
    where learning.setting_fault(known, entries.value) is not null
    union all
    select array_to_string(entries.keys, '.') || case
      when not section.is_known then ' is not a known key'
      when jsonb_typeof(entries.value) <> 'object' then ' must be an object'
    end
    from entries
    cross join lateral (
      select bool_or(string_to_array(known.path, '.') = entries.keys) as is_setting,
        -- A key written with its dots inside is another key.
        bool_or((string_to_array(known.path, '.'))[1:cardinality(entries.keys)] = entries.keys) as is_known
      from learning.settings known
      where known.module_id = configuration_faults.module_id
    ) as section
    where not section.is_setting and not (section.is_known and jsonb_typeof(entries.value) = 'object')
  )
  select coalesce(array_agg(faults.fault order by faults.fault), '{}') from faults;
$$;
comment on function learning.configuration_faults(text, jsonb) is 'Every reason why a configuration cannot be accepted, each with its path; empty where there is none.';

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
comment on table public.learning_configs is 'What the user configured, checked on write and effective at the next call. Keys left out keep their defaults.';
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
comment on table learning.effective_configs is 'Defaults and configured keys merged, so that a sizing call reads one row. Kept by triggers.';
comment on column learning.effective_configs.module_id is 'pm or decision_maker.';
comment on column learning.effective_configs.config is 'Every key with the value that holds.';
comment on column learning.effective_configs.version is 'Version of the row in learning_configs, 0 where there is none.';

create function learning.merge_configuration(module_id text, config_data jsonb)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  merged jsonb := '{}'::jsonb;
  setting record;
  keys text[];
begin
  for setting in select known.path, known.default_value from learning.settings known where known.module_id = merge_configuration.module_id loop
    keys := string_to_array(setting.path, '.');
    if cardinality(keys) > 1 and not merged ? keys[1] then
      merged := jsonb_set(merged, keys[1:1], '{}'::jsonb);
    end if;
    merged := jsonb_set(merged, keys, coalesce(config_data #> keys, setting.default_value));
  end loop;
  return merged;
end
$$;
comment on function learning.merge_configuration(text, jsonb) is 'A module''s configuration with the defaults filled in.';

create function learning.check_configuration()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
-- Compiling the check would take longer than checking.
set jit = off
as $$
declare
  faults text[] := learning.configuration_faults(new.module_id, new.config_data);
begin
  if cardinality(faults) > 0 then
    raise exception using
      errcode = '22023',
      message = format('Configuration %L is not valid: %s', new.module_id, array_to_string(faults, '; ')),
      detail = to_jsonb(faults)::text,
      hint = 'Correct the named keys; nothing was changed. The table learning.settings lists every key with its range.';
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
comment on function learning.check_configuration() is 'Refuses a configuration that is not valid, with every reason, and counts its versions.';

create trigger check_configuration before insert or update on public.learning_configs
for each row execute function learning.check_configuration();
comment on trigger check_configuration on public.learning_configs is 'A bad configuration never takes effect.';

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
  insert into learning.effective_configs as kept (module_id, config, version)
  select module.module_id, learning.merge_configuration(module.module_id, coalesce(written.config_data, '{}'::jsonb)), coalesce(written.version, 0)
  from (select distinct known.module_id from learning.settings known) as module
  left join public.learning_configs written using (module_id)
  on conflict (module_id) do update set config = excluded.config, version = excluded.version
  where (kept.config, kept.version) is distinct from (excluded.config, excluded.version);
  return null;
end
$$;
comment on function learning.keep_effective_configuration() is 'Merges configuration and defaults whenever either changes.';

create trigger keep_effective_configuration after insert or update or delete on public.learning_configs
for each statement execute function learning.keep_effective_configuration();
comment on trigger keep_effective_configuration on public.learning_configs is 'Makes a change of configuration effective at the next call.';

create trigger keep_effective_configuration after insert or update or delete on learning.settings
for each statement execute function learning.keep_effective_configuration();
comment on trigger keep_effective_configuration on learning.settings is 'Makes a change of defaults effective at the next call.';

insert into learning.effective_configs (module_id, config, version)
select known.module_id, learning.merge_configuration(known.module_id, '{}'::jsonb), 0
from learning.settings known
group by known.module_id;

create function learning.config(module_id text default 'pm')
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select held.config from learning.effective_configs held where held.module_id = config.module_id);
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
  return learning.config();
end
$$;
comment on function public.get_pm_config() is 'The configuration that holds for the PM, defaults included.';

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
-- Hash indexes, because a strand with an over-long identifier must be stored and rejected, not fail the insert of others.
create index ad_strands_trade_idx on public.ad_strands using hash ((content ->> 'trade_id'))
where kind in ('pm_action', 'dm_action', 'position_closed');
create index ad_strands_episode_idx on public.ad_strands using hash ((content ->> 'episode_id'))
where kind in ('episode_window', 'episode_outcome');
create index ad_strands_created_at_idx on public.ad_strands (created_at);
alter table public.ad_strands enable row level security;

comment on table public.ad_strands is 'Immutable messages of the trading system: every step taken and every trade closed.';
comment on column public.ad_strands.id is 'Identity given by the writer; writing it twice is writing it once.';
comment on column public.ad_strands.module is 'Who wrote it: pm or dm.';
comment on column public.ad_strands.kind is 'pm_action, dm_action, position_closed, episode_window and episode_outcome are learned from; any other kind passes through untouched.';
comment on column public.ad_strands.position_id is 'Position it concerns.';
comment on column public.ad_strands.trade_id is 'Trade it concerns, for people; learning reads the one in content.';
comment on column public.ad_strands.parent_id is 'Strand that it answers.';
comment on column public.ad_strands.symbol is 'Token, for people.';
comment on column public.ad_strands.timeframe is 'Timeframe of the position.';
comment on column public.ad_strands.content is 'The message itself; its shape depends on the kind.';
comment on column public.ad_strands.regime_context is 'Market regime at the time of the event.';
comment on column public.ad_strands.tags is 'Free labels.';
comment on column public.ad_strands.created_at is 'When the event happened.';

-- sql/22_doorbell.sql

-- Doorbell: how the database asks for an invocation of an edge function.

-- Outside the transaction on purpose: reading and setting it waits on no lock, however many writers there are.
create sequence learning.doorbell_rung_at_ms minvalue 0 start 0;
comment on sequence learning.doorbell_rung_at_ms is 'When a strand last rang aggregate-strands, in milliseconds since 1970.';

create table learning.doorbells (
  id bigint generated always as identity primary key,
  function_name text not null,
  request_id bigint not null,
  rung_at timestamptz not null default clock_timestamp()
);
create index doorbells_rung_at_idx on learning.doorbells (rung_at);
alter table learning.doorbells enable row level security;
comment on table learning.doorbells is 'Which edge function was rung when, so that its answer is known from those that others in the database wait for; kept for a day.';
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
  select secret.decrypted_secret into project_url from vault.decrypted_secrets secret where secret.name = 'project_url';
  select secret.decrypted_secret into secret_key from vault.decrypted_secrets secret where secret.name = 'edge_function_secret_key';
  if project_url is null or secret_key is null then
    raise exception using
      errcode = '55000',
      message = format('Cannot ring %s: Vault has no secret named %s', function_name,
        array_to_string(array_remove(array[
          case when project_url is null then 'project_url' end,
          case when secret_key is null then 'edge_function_secret_key' end
        ], null), ' and none named ')),
      hint = 'Store it with select vault.create_secret(''...'', ''project_url''); strands wait in the meantime and nothing is lost.';
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
comment on function learning.ring(text, jsonb) is 'Asks for one invocation of an edge function; the request leaves when the transaction commits.';

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
comment on function learning.ring_or_log(text, jsonb) is 'Asks for one invocation of an edge function; a failure is logged once an hour instead of being raised.';

create function public.ring_edge_function(p_name text, p_body jsonb default '{}'::jsonb, p_times integer default 1)
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
  'Asks for invocations of an edge function. For the edge functions, which go on after their budget that way.';

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
create index strand_receipts_due_idx on public.strand_receipts (next_attempt_at, event_at, strand_id) where status = 'pending';
create index strand_receipts_processed_idx on public.strand_receipts (status, processed_at) where processed_at is not null;
alter table public.strand_receipts enable row level security;

comment on table public.strand_receipts is 'The durable inbox: what has become of each strand that learning reads.';
comment on column public.strand_receipts.strand_id is 'The strand.';
comment on column public.strand_receipts.status is 'pending until it took effect (done) or was refused (rejected).';
comment on column public.strand_receipts.attempts is 'How often it was claimed.';
comment on column public.strand_receipts.errors is 'Every reason of a refusal or the last failure, as a list of {path, message}.';
comment on column public.strand_receipts.next_attempt_at is 'When it may be claimed next; null once it is processed.';
comment on column public.strand_receipts.received_at is 'When it arrived.';
comment on column public.strand_receipts.processed_at is 'When it was done or rejected.';
comment on column public.strand_receipts.revision is 'Grows when the strand changes, so that a verdict on its earlier content does not stand.';
comment on column public.strand_receipts.event_at is
  'When the event happened: what came together is claimed in this order, for every late close replays the allocation from its place.';

create function learning.retry_delay(attempts integer)
returns interval
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select interval '30 seconds' * power(2, least(attempts, 7));
$$;
comment on function learning.retry_delay(integer) is 'How long a strand stays leased, and waits after a failure: 30 seconds at first, an hour at most.';

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

create function learning.has_effect(p_strand_id text)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select receipt.status = 'done' from public.strand_receipts receipt where receipt.strand_id = p_strand_id);
end
$$;
comment on function learning.has_effect(text) is 'Whether a strand was accepted.';

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
    select strand.id, strand.created_at from new_strands strand
    where strand.kind in ('pm_action', 'dm_action', 'position_closed', 'episode_window', 'episode_outcome');
  else
    insert into public.strand_receipts as receipt (strand_id, event_at)
    select changed.id, changed.created_at
    from new_strands changed
    join old_strands former using (id)
    where (changed.kind in ('pm_action', 'dm_action', 'position_closed', 'episode_window', 'episode_outcome')
        or former.kind in ('pm_action', 'dm_action', 'position_closed', 'episode_window', 'episode_outcome'))
      and (changed.kind, changed.module, changed.timeframe, changed.content, changed.regime_context, changed.created_at)
        is distinct from (former.kind, former.module, former.timeframe, former.content, former.regime_context, former.created_at)
    order by changed.id
    on conflict (strand_id) do update set
      status = 'pending', attempts = 0, errors = '[]'::jsonb, next_attempt_at = now(), processed_at = null,
      revision = receipt.revision + 1, event_at = excluded.event_at;
  end if;
  get diagnostics received = row_count;
  -- A clock that was set back must not silence it.
  if received > 0 and now_ms - (select rung.last_value from learning.doorbell_rung_at_ms rung) not between 0 and 999 then
    perform setval('learning.doorbell_rung_at_ms', now_ms);
    perform learning.ring_or_log('aggregate-strands');
  end if;
  return null;
end
$$;
comment on function learning.receive_strands() is 'Writes the receipts of new and changed strands and rings aggregate-strands at most once a second.';

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
  status text not null default 'dormant' check (status in ('dormant', 'watchlist', 'active', 'paused', 'archived')),
  state text check (state in ('S0', 'S1', 'S2', 'S3', 'S4')),
  current_trade_id text,
  total_allocation_pct float8 not null default 0
    check (total_allocation_pct >= 0 and total_allocation_pct < 'Infinity'::float8),
  pattern_key text,
  entry_context jsonb not null default '{}'::jsonb,
  completed_trades jsonb not null default '[]'::jsonb,
  updated_at timestamptz not null default now(),
  unique (token_contract, token_chain, timeframe)
);
create index lowcap_positions_status_idx on public.lowcap_positions (status);
alter table public.lowcap_positions enable row level security;

comment on table public.lowcap_positions is 'One position per token and timeframe: what the book holds and intends to hold.';
comment on column public.lowcap_positions.id is 'Identity.';
comment on column public.lowcap_positions.token_chain is 'Chain of the token.';
comment on column public.lowcap_positions.token_contract is 'Contract of the token.';
comment on column public.lowcap_positions.token_ticker is 'Ticker, for people.';
comment on column public.lowcap_positions.timeframe is 'Timeframe the position is traded on.';
comment on column public.lowcap_positions.status is 'Watchlist and active positions count as exposure; dormant ones share in reallocation; paused and archived ones do neither.';
comment on column public.lowcap_positions.state is 'State of the trend, S0 to S4.';
comment on column public.lowcap_positions.current_trade_id is 'Open trade, if any.';
comment on column public.lowcap_positions.total_allocation_pct is 'Intended capital as a fraction of the book, whatever is filled.';
comment on column public.lowcap_positions.pattern_key is 'Behaviour that holds the position, dotted.';
comment on column public.lowcap_positions.entry_context is 'Context when the token was approved.';
comment on column public.lowcap_positions.completed_trades is 'Closed trades of the position, as the writer keeps them.';
comment on column public.lowcap_positions.updated_at is 'When the row changed last.';

create function learning.normalise_position()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.pattern_key := learning.dotted_pattern_key(new.pattern_key);
  if tg_op = 'UPDATE' and new is distinct from old then
    new.updated_at := now();
  end if;
  return new;
end
$$;
comment on function learning.normalise_position() is 'Stores pattern keys dotted and notes when a position changed.';
create trigger normalise_position before insert or update on public.lowcap_positions
for each row execute function learning.normalise_position();
comment on trigger normalise_position on public.lowcap_positions is 'Stores pattern keys dotted and notes when a position changed.';

-- sql/30_mining_groups.sql

-- Mining groups: the groups of events that are mined together, and which of them changed.

create type learning.group_key as (module text, pattern_key text, action_category text);
comment on type learning.group_key is 'A group of events that is mined together.';

create table learning.mining_cycles (
  family text primary key check (family in ('strength', 'tuning')),
  cycle bigint not null default 0,
  last_event_id bigint not null default 0,
  started_at timestamptz
);
alter table learning.mining_cycles enable row level security;
comment on table learning.mining_cycles is 'The mining cycle under way: every group of it is mined on the events that were there when it began.';
comment on column learning.mining_cycles.family is 'strength for lessons from trades, tuning for lessons from episodes.';
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
comment on column learning.mining_groups.mined_settings is 'Digest of the configuration and the registry it was mined under.';
comment on column learning.mining_groups.mined_baseline is 'Baseline mean it was mined against.';
comment on column learning.mining_groups.run is 'What the run under way works with: events, settings, baseline; empty while a due group waits for it, null between runs.';
comment on column learning.mining_groups.progress is 'Where the run under way has got to, in the miner''s own terms; null at its beginning.';
comment on column learning.mining_groups.lease_token is 'Invocation that holds the group.';
comment on column learning.mining_groups.leased_until is 'When another invocation may take over.';

create function learning.mark_groups_changed(changed learning.group_key[])
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into learning.mining_groups as held (family, lesson_type, module, pattern_key, action_category)
  select distinct
    case when marked.action_category = 'tuning' then 'tuning' else 'strength' end,
    case
      when marked.action_category = 'tuning' then 'tuning_rates'
      when marked.module = 'dm' and marked.action_category = 'allocation' then 'dm_alloc'
      else 'pm_strength'
    end,
    marked.module, marked.pattern_key, marked.action_category
  from unnest(changed) as marked
  -- Every writer takes the rows in the same order and none deadlocks.
  order by 3, 4, 5
  on conflict (module, pattern_key, action_category) do update set evidence_version = held.evidence_version + 1;
$$;
comment on function learning.mark_groups_changed(learning.group_key[]) is 'Notes that the events of some groups changed.';

-- sql/32_trades.sql

-- Trades: a closed trade becomes one row per action, exactly once, however often and in whatever order its strands arrive.

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
comment on table learning.closed_trades is 'One row per closed trade, by the close that holds: what the baseline and the allocation are computed from.';
comment on column learning.closed_trades.trade_id is 'The trade.';
comment on column learning.closed_trades.close_strand_id is 'The position_closed strand that holds.';
comment on column learning.closed_trades.timeframe is 'Timeframe of the close strand, else of its entry context, else null.';
comment on column learning.closed_trades.roi is 'Return as a fraction.';
comment on column learning.closed_trades.rr is 'Reward over risk.';
comment on column learning.closed_trades.pnl_usd is 'Realised profit in USD.';
comment on column learning.closed_trades.exit_at is 'When the trade was closed.';
comment on column learning.closed_trades.action_categories is 'Categories of its actions with an event; empty where it has none.';

create table learning.scope_values (
  code integer generated always as identity primary key,
  dim text not null references public.scope_dimensions (dim) on delete cascade,
  value text not null
);
create unique index scope_values_dim_value_idx on learning.scope_values (dim, md5(value));
alter table learning.scope_values enable row level security;
comment on table learning.scope_values is 'Dictionary of scope values, so that mining reads packed integers.';
comment on column learning.scope_values.code is 'Number that stands for the value.';
comment on column learning.scope_values.dim is 'Dimension.';
comment on column learning.scope_values.value is 'Value.';

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
create index pattern_trade_events_group_idx on public.pattern_trade_events (module, pattern_key, action_category, id);
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
comment on column public.pattern_trade_events.time_to_s3_hours is 'Hours until the trade reached S3; null where unknown.';
comment on column public.pattern_trade_events.did_trim is 'Whether any action of the trade was a trim.';
comment on column public.pattern_trade_events.reached_s3 is 'Whether the trade reached S3.';
comment on column public.pattern_trade_events.could_enter_better is 'R/R missed at the entry, 0 or more; null where unknown.';
comment on column public.pattern_trade_events.could_exit_better is 'R/R missed at the exit, 0 or more; null where unknown.';
comment on column public.pattern_trade_events.acted_at is 'When the action happened.';
comment on column public.pattern_trade_events.traded_at is 'When the trade was closed.';
comment on column public.pattern_trade_events.created_at is 'When the row was first written.';
comment on column public.pattern_trade_events.scope_codes is 'The scope in codes of learning.scope_values, by bit; 0 where a dimension is absent.';

create function learning.encode_scope(scope jsonb)
returns integer[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  codes integer[] := array_fill(0, array[(select max(known.bit) + 1 from public.scope_dimensions known)]);
  pair record;
begin
  for pair in
    select known.bit, held.code
    from jsonb_each_text(scope) as given
    join public.scope_dimensions known on known.dim = given.key
    join learning.scope_values held on held.dim = given.key and md5(held.value) = md5(given.value) and held.value = given.value
  loop
    codes[pair.bit + 1] := pair.code;
  end loop;
  return codes;
end
$$;
comment on function learning.encode_scope(jsonb) is 'A scope in codes of learning.scope_values, by bit; 0 where a dimension is absent.';

create function learning.register_scope_values(contexts jsonb[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into learning.scope_values (dim, value)
  select distinct given.dim, given.value
  from (
    select known.dim, learning.scope_value(seen.value) as value
    from (
      select distinct entry.key, entry.value
      from unnest(contexts) as context(content)
      cross join lateral jsonb_each(case jsonb_typeof(context.content) when 'object' then context.content else '{}'::jsonb end) as entry
      -- Distinct first: thousands of contexts share a few hundred values.
      offset 0
    ) as seen
    join public.scope_dimensions known on known.dim = seen.key or seen.key = any (known.aliases)
    offset 0
  ) as given
  where given.value is not null
    and not exists (
      select from learning.scope_values held
      where held.dim = given.dim and md5(held.value) = md5(given.value) and held.value = given.value
    )
  -- Two writers that register the same values take them in the same order and cannot deadlock.
  order by 1, 2
  on conflict (dim, md5(value)) do nothing;
end
$$;
comment on function learning.register_scope_values(jsonb[]) is 'Puts the values of some contexts into the dictionary.';

create function learning.apply_trade(p_trade_id text, out changed_groups learning.group_key[], out changed_from timestamptz)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  closing public.ad_strands;
  summary jsonb;
  entry_context jsonb;
  former_trade learning.closed_trades;
  current_trade learning.closed_trades;
begin
  select candidate.* into closing
  from (
    select strand.*
    from public.ad_strands strand
    where strand.kind = 'position_closed' and strand.content ->> 'trade_id' = p_trade_id and learning.has_effect(strand.id)
    -- Keeps the planner from walking all strands by time to find the newest of this trade.
    offset 0
  ) as candidate
  order by candidate.created_at desc, candidate.id collate "C" desc
  limit 1;
  summary := closing.content -> 'trade_summary';
  entry_context := closing.content -> 'entry_context';

  with actions as (
    select strand.id, strand.created_at, strand.content, strand.regime_context,
      coalesce(nullif(btrim(strand.module), ''), case strand.kind when 'dm_action' then 'dm' else 'pm' end) as module,
      bool_or(strand.content ->> 'action_category' = 'trim') over () as did_trim,
      bool_or(coalesce(strand.content ->> 'state' = 'S3', false)) over () as saw_s3
    from public.ad_strands strand
    where strand.kind in ('pm_action', 'dm_action')
      and strand.content ->> 'trade_id' = p_trade_id
      and learning.has_effect(strand.id)
      and closing.id is not null
  ),
  scoped as (
    select actions.*, public.unified_scope(entry_context, actions.content -> 'scope', actions.regime_context) as scope
    from actions
  ),
  written as (
    insert into public.pattern_trade_events as event (
      action_strand_id, trade_id, module, pattern_key, action_category, scope, scope_mask, roi, rr, pnl_usd, duration_hours,
      time_to_s3_hours, did_trim, reached_s3, could_enter_better, could_exit_better, acted_at, traded_at, scope_codes
    )
    select scoped.id, p_trade_id, scoped.module, learning.dotted_pattern_key(scoped.content ->> 'pattern_key'),
      scoped.content ->> 'action_category', scoped.scope, learning.scope_mask(scoped.scope),
      learning.number_of(summary, 'rpnl_pct') / 100, learning.number_of(summary, 'rr'), learning.number_of(summary, 'pnl_usd'),
      extract(epoch from (summary ->> 'exit_timestamp')::timestamptz - (summary ->> 'entry_timestamp')::timestamptz)::float8 / 3600,
      learning.number_of(summary, 'time_to_s3_hours'), scoped.did_trim,
      coalesce((summary ->> 'reached_s3')::boolean, scoped.saw_s3),
      learning.number_of(summary, 'could_enter_better'), learning.number_of(summary, 'could_exit_better'),
      scoped.created_at, (summary ->> 'exit_timestamp')::timestamptz, learning.encode_scope(scoped.scope)
    from scoped
    on conflict (action_strand_id) do update set
      trade_id = excluded.trade_id, module = excluded.module, pattern_key = excluded.pattern_key,
      action_category = excluded.action_category, scope = excluded.scope, scope_mask = excluded.scope_mask,
      roi = excluded.roi, rr = excluded.rr, pnl_usd = excluded.pnl_usd, duration_hours = excluded.duration_hours,
      time_to_s3_hours = excluded.time_to_s3_hours, did_trim = excluded.did_trim, reached_s3 = excluded.reached_s3,
      could_enter_better = excluded.could_enter_better, could_exit_better = excluded.could_exit_better,
      acted_at = excluded.acted_at, traded_at = excluded.traded_at, scope_codes = excluded.scope_codes
    where (event.trade_id, event.module, event.pattern_key, event.action_category, event.scope, event.roi, event.rr, event.pnl_usd,
        event.duration_hours, event.time_to_s3_hours, event.did_trim, event.reached_s3, event.could_enter_better,
        event.could_exit_better, event.acted_at, event.traded_at, event.scope_codes)
      is distinct from (excluded.trade_id, excluded.module, excluded.pattern_key, excluded.action_category, excluded.scope, excluded.roi,
        excluded.rr, excluded.pnl_usd, excluded.duration_hours, excluded.time_to_s3_hours, excluded.did_trim, excluded.reached_s3,
        excluded.could_enter_better, excluded.could_exit_better, excluded.acted_at, excluded.traded_at, excluded.scope_codes)
    returning event.module, event.pattern_key, event.action_category
  ),
  former as (
    select event.action_strand_id, event.module, event.pattern_key, event.action_category
    from public.pattern_trade_events event
    where event.trade_id = p_trade_id
    union
    select event.action_strand_id, event.module, event.pattern_key, event.action_category
    from actions
    join public.pattern_trade_events event on event.action_strand_id = actions.id
  ),
  removed as (
    delete from public.pattern_trade_events event
    where event.trade_id = p_trade_id and not exists (select from actions where actions.id = event.action_strand_id)
    returning event.module, event.pattern_key, event.action_category
  )
  select coalesce(array_agg(distinct (touched.module, touched.pattern_key, touched.action_category)::learning.group_key), '{}')
  into changed_groups
  from (
    select * from written
    union all
    select * from removed
    union all
    -- An action that changed its key leaves a group behind; an unchanged trade touches none.
    select former.module, former.pattern_key, former.action_category from former where exists (select from written)
  ) as touched;

  select trade.* into former_trade from learning.closed_trades trade where trade.trade_id = p_trade_id;
  if closing.id is null then
    delete from learning.closed_trades trade where trade.trade_id = p_trade_id;
  else
    insert into learning.closed_trades as trade (trade_id, close_strand_id, timeframe, roi, rr, pnl_usd, exit_at, action_categories)
    select p_trade_id, closing.id,
      learning.scope_value(to_jsonb(coalesce(nullif(btrim(closing.timeframe), ''), entry_context ->> 'timeframe'))),
      learning.number_of(summary, 'rpnl_pct') / 100, learning.number_of(summary, 'rr'), learning.number_of(summary, 'pnl_usd'),
      (summary ->> 'exit_timestamp')::timestamptz,
      (select coalesce(array_agg(distinct event.action_category order by event.action_category), '{}')
        from public.pattern_trade_events event where event.trade_id = p_trade_id)
    on conflict (trade_id) do update set
      close_strand_id = excluded.close_strand_id, timeframe = excluded.timeframe, roi = excluded.roi, rr = excluded.rr,
      pnl_usd = excluded.pnl_usd, exit_at = excluded.exit_at, action_categories = excluded.action_categories
    returning trade.* into current_trade;
  end if;
  if (former_trade.timeframe, former_trade.roi, former_trade.exit_at)
    is distinct from (current_trade.timeframe, current_trade.roi, current_trade.exit_at) then
    changed_from := least(former_trade.exit_at, current_trade.exit_at);
  end if;
end
$$;
comment on function learning.apply_trade(text) is
  'Brings a trade''s events and its closed_trades row in line with its accepted strands; returns the groups whose events changed and, where the trade''s place or outcome did, the time from which allocation must be replayed.';

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
create index pattern_episode_events_pattern_idx on public.pattern_episode_events (pattern_key, occurred_at, id) where outcome is not null;
create index pattern_episode_events_decided_idx on public.pattern_episode_events (occurred_at) where outcome is not null;
alter table public.pattern_episode_events enable row level security;
comment on table public.pattern_episode_events is 'One row per episode window: what the entry gates saw and how it would have ended.';
comment on column public.pattern_episode_events.id is 'Identity.';
comment on column public.pattern_episode_events.strand_id is 'The window.';
comment on column public.pattern_episode_events.episode_id is 'The episode it belongs to.';
comment on column public.pattern_episode_events.pattern_key is 'Behaviour whose gates these are, dotted.';
comment on column public.pattern_episode_events.scope is 'Context of the window.';
comment on column public.pattern_episode_events.scope_mask is 'Dimensions of the scope as bits.';
comment on column public.pattern_episode_events.decision is 'Whether the PM acted or skipped.';
comment on column public.pattern_episode_events.outcome is 'How the episode ended; null until its outcome strand has arrived.';
comment on column public.pattern_episode_events.factors is
  'What the gates saw: scores and thresholds, their flags, and of an acted window the representative sample as ts_score_acted, halo_distance_acted, slope_acted.';
comment on column public.pattern_episode_events.blocked_by is 'Gates that held a skipped window back, as given or else derived from the factors.';
comment on column public.pattern_episode_events.trade_id is 'Trade that an acted window led to.';
comment on column public.pattern_episode_events.occurred_at is 'When the window was seen.';
comment on column public.pattern_episode_events.scope_codes is 'The scope in codes of learning.scope_values, by bit; 0 where a dimension is absent.';
comment on column public.pattern_episode_events.gates is
  'What the movable gates compared: ts_score, ts_min, halo_distance, halo_max, slope, slope_min; null where any of them is missing.';

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
comment on function learning.factor(jsonb, text) is 'A number among a window''s factors; null where there is none.';

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
  'What the gates of a window saw: its factors, and from the rest of the content its flags and the sample it acted on, where the factors do not say.';

create function learning.episode_gates(decision text, factors jsonb)
returns float8[]
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  -- An acted window's factors sum up what was seen until then; its sample is what the gates let through.
  select array[
    coalesce(case decision when 'acted' then learning.factor(factors, 'ts_score_acted') end, learning.factor(factors, 'ts_score')),
    learning.factor(factors, 'ts_min'),
    coalesce(case decision when 'acted' then learning.factor(factors, 'halo_distance_acted') end, learning.factor(factors, 'halo_distance')),
    learning.factor(factors, 'halo_max'),
    coalesce(case decision when 'acted' then learning.factor(factors, 'slope_acted') end, learning.factor(factors, 'slope')),
    learning.factor(factors, 'slope_min')
  ];
$$;
comment on function learning.episode_gates(text, jsonb) is
  'What the movable gates of a window compared: ts_score, ts_min, halo_distance, halo_max, slope, slope_min; null each where it is missing.';

create function learning.missing_gates(gates float8[])
returns text[]
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(seen.name order by seen.place) filter (where seen.number is null), '{}')
  from unnest('{ts_score,ts_min,halo_distance,halo_max,slope,slope_min}'::text[], gates) with ordinality as seen(name, number, place);
$$;
comment on function learning.missing_gates(float8[]) is 'Names of the factors that a window lacks for simulation.';

create function learning.episode_blockers(content jsonb, factors jsonb, gates float8[])
returns text[]
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when content ->> 'decision' <> 'skipped' then '{}'
    when jsonb_typeof(given.gate_names) = 'array' and not jsonb_path_exists(given.gate_names, '$[*] ? (@.type() != "string")') then
      array(select btrim(gate.name) from jsonb_array_elements_text(given.gate_names) as gate(name))
    else array_remove(array[
      case when failed.ts then 'ts' end,
      case when failed.slope then 'slope' end,
      -- The entry zone is every gate together: it tells of the halo only where no other gate explains it.
      case when not failed.ts and not failed.slope
        and (coalesce(gates[3] > gates[4], false) or factors -> 'entry_zone_ok' = 'false'::jsonb and not failed.dx) then 'halo' end,
      case when failed.dx then 'dx' end
    ], null)
  end
  from (
    select coalesce(nullif(content -> 'blocked_by', 'null'::jsonb), factors -> 'blocked_by') as gate_names
  ) as given,
  (
    select coalesce(factors -> 'ts_ok' = 'false'::jsonb, false) or coalesce(gates[1] < gates[2], false) as ts,
      coalesce(factors -> 'slope_ok' = 'false'::jsonb, false) or coalesce(gates[5] < gates[6], false) as slope,
      coalesce(learning.factor(factors, 'dx') < learning.factor(factors, 'dx_min'), false) as dx
  ) as failed;
$$;
comment on function learning.episode_blockers(jsonb, jsonb, float8[]) is
  'Gates that held a skipped window back: as given, else those whose flag or comparison says so; halo only when ts and slope passed.';

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
  'Remembers until the end of the batch what was done to an episode; what is rolled back is forgotten with it.';

create function learning.apply_episode(p_episode_id text)
returns learning.group_key[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  ended text;
  changed learning.group_key[];
  note jsonb;
begin
  select strand.content ->> 'outcome' into ended
  from public.ad_strands strand
  join public.strand_receipts receipt on receipt.strand_id = strand.id and receipt.status = 'done'
  where strand.kind = 'episode_outcome' and strand.content ->> 'episode_id' = p_episode_id
  order by strand.created_at desc, strand.id collate "C" desc
  limit 1;

  with windows as materialized (
    select strand.id, strand.created_at, strand.content, learning.dotted_pattern_key(strand.content ->> 'pattern_key') as pattern_key,
      public.unified_scope('{}'::jsonb, strand.content -> 'scope', strand.regime_context) as scope, seen.factors,
      learning.episode_gates(strand.content ->> 'decision', seen.factors) as gates
    from public.ad_strands strand
    join public.strand_receipts receipt on receipt.strand_id = strand.id and receipt.status = 'done'
    cross join lateral (select learning.episode_factors(strand.content) as factors) as seen
    where strand.kind = 'episode_window' and strand.content ->> 'episode_id' = p_episode_id
  ),
  former as materialized (
    select episode.strand_id, episode.pattern_key, episode.outcome, episode.factors from public.pattern_episode_events episode
    where episode.episode_id = p_episode_id or episode.strand_id in (select windows.id from windows)
  ),
  written as (
    insert into public.pattern_episode_events as episode (
      strand_id, episode_id, pattern_key, scope, scope_mask, decision, outcome, factors, blocked_by, trade_id, occurred_at, scope_codes,
      gates
    )
    select windows.id, p_episode_id, windows.pattern_key, windows.scope, learning.scope_mask(windows.scope),
      windows.content ->> 'decision', ended, windows.factors,
      learning.episode_blockers(windows.content, windows.factors, windows.gates), windows.content ->> 'trade_id', windows.created_at,
      learning.encode_scope(windows.scope),
      case when cardinality(learning.missing_gates(windows.gates)) = 0 then windows.gates end
    from windows
    on conflict (strand_id) do update set
      episode_id = excluded.episode_id, pattern_key = excluded.pattern_key, scope = excluded.scope, scope_mask = excluded.scope_mask,
      decision = excluded.decision, outcome = excluded.outcome, factors = excluded.factors, blocked_by = excluded.blocked_by,
      trade_id = excluded.trade_id, occurred_at = excluded.occurred_at, scope_codes = excluded.scope_codes, gates = excluded.gates
    where (episode.episode_id, episode.pattern_key, episode.scope, episode.decision, episode.outcome, episode.factors, episode.blocked_by,
        episode.trade_id, episode.occurred_at, episode.scope_codes, episode.gates)
      is distinct from (excluded.episode_id, excluded.pattern_key, excluded.scope, excluded.decision, excluded.outcome, excluded.factors,
        excluded.blocked_by, excluded.trade_id, excluded.occurred_at, excluded.scope_codes, excluded.gates)
    returning episode.strand_id, episode.pattern_key, episode.decision, episode.outcome, episode.factors, episode.blocked_by
  ),
  removed as (
    delete from public.pattern_episode_events episode
    where episode.episode_id = p_episode_id and not exists (select from windows where windows.id = episode.strand_id)
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
    select written.*, former.strand_id is null as is_new,
      written.outcome is not null and written.outcome is distinct from former.outcome as has_ended,
      case when written.factors is distinct from former.factors then learning.missing_gates(windows.gates) else '{}' end as missing
    from written
    join windows on windows.id = written.strand_id
    left join former on former.strand_id = written.strand_id
  )
  select
    (select coalesce(array_agg(distinct ('pm', touched.pattern_key, 'tuning')::learning.group_key), '{}') from touched),
    (
      select jsonb_build_object(
        'episode_id', p_episode_id, 'outcome', ended, 'ended', count(*) filter (where news.has_ended),
        'recorded', coalesce(jsonb_agg(jsonb_build_object('strand_id', news.strand_id, 'pattern_key', news.pattern_key,
          'decision', news.decision, 'blocked_by', news.blocked_by)) filter (where news.is_new), '[]'::jsonb),
        'incomplete', coalesce(jsonb_agg(jsonb_build_object('strand_id', news.strand_id, 'pattern_key', news.pattern_key,
          'missing', news.missing)) filter (where cardinality(news.missing) > 0), '[]'::jsonb)
      )
      from news
      where news.is_new or news.has_ended or cardinality(news.missing) > 0
      having count(*) > 0
    )
  into changed, note;
  if note is not null then
    perform learning.note_episode(note);
  end if;
  return changed;
end
$$;
comment on function learning.apply_episode(text) is
  'Brings an episode''s windows and their outcome in line with its accepted strands; returns the groups whose windows changed.';

create function learning.log_episodes()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  notes jsonb := ('[' || coalesce(current_setting('edgeloop.episode_notes', true), '') || ']')::jsonb;
begin
  if notes = '[]'::jsonb then
    return null;
  end if;
  perform set_config('edgeloop.episode_notes', '', true);

  with recorded as materialized (
    select note.value ->> 'episode_id' as episode_id, episode_window.strand_id, episode_window.pattern_key, episode_window.decision,
      array(select jsonb_array_elements_text(episode_window.blocked_by)) as blocked_by
    from jsonb_array_elements(notes) as note(value)
    cross join lateral jsonb_to_recordset(note.value -> 'recorded')
      as episode_window(strand_id text, pattern_key text, decision text, blocked_by jsonb)
  ),
  ended as materialized (
    select note.value ->> 'episode_id' as episode_id, note.value ->> 'outcome' as outcome, (note.value ->> 'ended')::integer as windows
    from jsonb_array_elements(notes) as note(value)
    where (note.value ->> 'ended')::integer > 0
  ),
  incomplete as materialized (
    select note.value ->> 'episode_id' as episode_id, episode_window.strand_id, episode_window.pattern_key,
      array(select jsonb_array_elements_text(episode_window.missing)) as missing
    from jsonb_array_elements(notes) as note(value)
    cross join lateral jsonb_to_recordset(note.value -> 'incomplete') as episode_window(strand_id text, pattern_key text, missing jsonb)
  ),
  -- A batch that says more than this of one kind, as a bulk load does, says it in one line with the numbers.
  lengthy as (
    select (select count(*) from recorded) > 20 as recorded, (select count(*) from ended) > 20 as ended,
      (select count(*) from incomplete) > 20 as incomplete
  )
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'aggregate-strands', 'episode_recorded',
    format('Episode %s: a window of %s was recorded, %s%s', recorded.episode_id, recorded.pattern_key, recorded.decision,
      case when recorded.blocked_by <> '{}' then ', blocked by ' || array_to_string(recorded.blocked_by, ', ') else '' end),
    to_jsonb(recorded)
  from recorded, lengthy where not lengthy.recorded
  union all
  select 'INFO', 'aggregate-strands', 'episodes_recorded',
    format('Recorded %s windows of %s episodes: %s acted, %s skipped', count(*), count(distinct recorded.episode_id),
      count(*) filter (where recorded.decision = 'acted'), count(*) filter (where recorded.decision = 'skipped')),
    jsonb_build_object('windows', count(*), 'episodes', count(distinct recorded.episode_id), 'by_pattern_key', (
      select jsonb_object_agg(counted.pattern_key, counted.windows)
      from (select other.pattern_key, count(*) as windows from recorded other group by other.pattern_key) as counted
    ), 'blocked_by', (
      select jsonb_object_agg(counted.gate, counted.windows)
      from (select gate.name as gate, count(*) as windows from recorded other, unnest(other.blocked_by) as gate(name) group by gate.name) as counted
    ))
  from recorded, lengthy where lengthy.recorded having count(*) > 0
  union all
  select 'INFO', 'aggregate-strands', 'episode_outcome_set',
    format('Episode %s ended in %s: windows_updated=%s', ended.episode_id, ended.outcome, ended.windows), to_jsonb(ended)
  from ended, lengthy where not lengthy.ended
  union all
  select 'INFO', 'aggregate-strands', 'episode_outcomes_set',
    format('Set the outcomes of %s episodes: windows_updated=%s', count(*), sum(ended.windows)),
    jsonb_build_object('episodes', count(*), 'windows', sum(ended.windows), 'by_outcome', (
      select jsonb_object_agg(counted.outcome, counted.episodes)
      from (select other.outcome, count(*) as episodes from ended other group by other.outcome) as counted
    ))
  from ended, lengthy where lengthy.ended having count(*) > 0
  union all
  select 'WARNING', 'aggregate-strands', 'episode_incomplete',
    format('Episode %s: window %s of %s is left out of simulation, it lacks %s', incomplete.episode_id, incomplete.strand_id,
      incomplete.pattern_key, array_to_string(incomplete.missing, ', ')),
    to_jsonb(incomplete)
  from incomplete, lengthy where not lengthy.incomplete
  union all
  select 'WARNING', 'aggregate-strands', 'episodes_incomplete',
    format('%s windows of %s episodes are left out of simulation, they lack scores or thresholds', count(*),
      count(distinct incomplete.episode_id)),
    jsonb_build_object('windows', count(*), 'strand_ids', jsonb_agg(incomplete.strand_id), 'missing', (
      select jsonb_object_agg(counted.factor, counted.windows)
      from (select factor.name as factor, count(*) as windows from incomplete other, unnest(other.missing) as factor(name) group by factor.name) as counted
    ))
  from incomplete, lengthy where lengthy.incomplete having count(*) > 0;
  return null;
end
$$;
comment on function learning.log_episodes() is
  'Writes to the log what a batch of strands did to episodes, one line each or, where that would be many, one line for all.';

-- Tuning: lessons about the entry gates, what moving the gates would have changed, and the overrides that follow.

create trigger log_episodes after insert on learning.mining_groups
for each statement execute function learning.log_episodes();
comment on trigger log_episodes on learning.mining_groups is
  'A batch of strands ends by marking the groups it changed; that is when it is known how much there is to say about its episodes.';

-- sql/40_allocation_steps.sql

-- Allocation between timeframes: a function of the closed trades in the order of their exits and of the start shares.

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
  'One row per closed trade in order, with the whole state after it, so that a late or corrected trade replays from its place. Arrays have one element per timeframe; n, last_exit_at, the ROIs and their weights have one more, for all trades together.';
comment on column public.timeframe_allocation_steps.exit_at is 'When the trade was closed.';
comment on column public.timeframe_allocation_steps.trade_id is 'The trade; decides, in byte order, between trades closed at the same time.';
comment on column public.timeframe_allocation_steps.timeframe is 'Timeframe of the trade; null where unknown.';
comment on column public.timeframe_allocation_steps.roi is 'Return of the trade, a fraction.';
comment on column public.timeframe_allocation_steps.outcome is
  'moved; or why the shares stayed: no_share (the trade''s timeframe has none), one_timeframe (fewer than two have closed trades), at_bound (the floor or the ceiling is in the way), settled (every share is where it is heading).';
comment on column public.timeframe_allocation_steps.timeframes is 'The timeframes that have a share.';
comment on column public.timeframe_allocation_steps.shares is 'Their shares; they sum to 1.';
comment on column public.timeframe_allocation_steps.desired is 'The shares they are heading for; its own where a timeframe has no trades.';
comment on column public.timeframe_allocation_steps.n is 'Closed trades so far.';
comment on column public.timeframe_allocation_steps.last_exit_at is 'When the newest of them was closed; null before any.';
comment on column public.timeframe_allocation_steps.roi_short is 'Mean ROI with a memory of 14 days, a fraction; null before any trade.';
comment on column public.timeframe_allocation_steps.roi_long is 'Mean ROI with a memory of 90 days, a fraction; null before any trade.';
comment on column public.timeframe_allocation_steps.weight_short is 'Weight of the trades in roi_short as of last_exit_at; the newest counts 1.';
comment on column public.timeframe_allocation_steps.weight_long is 'Weight of the trades in roi_long as of last_exit_at; the newest counts 1.';

create function learning.start_shares(out timeframes text[], out shares float8[])
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Configured shares may miss 1 by a rounding error; from here on they never do. Whoever may not read the configuration gets nothing.
  select array_agg(start.timeframe order by start.timeframe),
    array_agg(start.share + case when start.rank = 1 then 1 - start.total else 0 end order by start.timeframe)
  into timeframes, shares
  from (
    select configured.key collate "C" as timeframe, configured.value::float8 as share, sum(configured.value::float8) over () as total,
      row_number() over (order by configured.value::float8 desc, configured.key collate "C") as rank
    from jsonb_each_text(learning.config('decision_maker') -> 'start_shares') as configured
  ) as start;
end
$$;
comment on function learning.start_shares() is 'The timeframes that have a share and the shares they start from.';

create view public.timeframe_allocation
with (security_invoker = true)
as
with newest as (
  select step.*
  from public.timeframe_allocation_steps step
  order by step.exit_at desc, step.trade_id collate "C" desc
  limit 1
)
select held.timeframe, newest.shares[held.place] as current_allocation, newest.desired[held.place] as desired_allocation,
  newest.roi_short[held.place] as roi_short, newest.roi_long[held.place] as roi_long, newest.n[held.place] as n,
  newest.last_exit_at[held.place] as updated_at
from newest
cross join lateral unnest(newest.timeframes) with ordinality as held(timeframe, place)
union all
select held.timeframe, held.share, held.share, null, null, 0, null
from learning.start_shares() as start
cross join lateral unnest(start.timeframes, start.shares) as held(timeframe, share)
where not exists (select from newest);
comment on view public.timeframe_allocation is 'How the allocation of a token is split over timeframes now.';
comment on column public.timeframe_allocation.timeframe is 'Timeframe.';
comment on column public.timeframe_allocation.current_allocation is 'Its share of a token''s allocation, a fraction; all sum to 1.';
comment on column public.timeframe_allocation.desired_allocation is 'The share it is heading for.';
comment on column public.timeframe_allocation.roi_short is 'Mean ROI of its trades with a memory of 14 days; null before any trade.';
comment on column public.timeframe_allocation.roi_long is 'Mean ROI of its trades with a memory of 90 days; null before any trade.';
comment on column public.timeframe_allocation.n is 'Its closed trades.';
comment on column public.timeframe_allocation.updated_at is 'When its newest trade was closed; null before any trade.';

create function learning.next_allocation(
  shares float8[], roi_short float8[], n integer[], out next_shares float8[], out desired float8[], out outcome text
)
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  floor_share constant float8 := float8 '0.02';
  ceiling_share constant float8 := float8 '0.96';
  traded integer[] := array[]::integer[];
  place integer;
  largest integer;
  best float8;
  mass float8 := float8 '0';
  pulls float8[] := array_fill(0::float8, array[cardinality(shares)]);
  pull float8 := float8 '0';
  reach float8;
  change float8;
  changes float8[] := array_fill(0::float8, array[cardinality(shares)]);
  gain float8 := float8 '0';
  loss float8 := float8 '0';
  bounded boolean := false;
  missing float8;
  share float8;
begin
  next_shares := shares;
  desired := shares;
  for place in 1 .. cardinality(shares) loop
    if n[place] > 0 then
      traded := traded || place;
      best := greatest(best, roi_short[place]);
      reach := least(reach, 0.003 * least(1, n[place] / 5.0));
      mass := mass + shares[place];
    end if;
  end loop;
  if cardinality(traded) < 2 then
    outcome := 'one_timeframe';
    return;
  end if;
  foreach place in array traded loop
    pulls[place] := exp(greatest((roi_short[place] - best) / 0.10, -700));
    pull := pull + pulls[place];
  end loop;
  foreach place in array traded loop
    desired[place] := mass * pulls[place] / pull;
    change := greatest(least(desired[place] - shares[place], reach), -reach);
    changes[place] := greatest(least(change, ceiling_share - shares[place]), floor_share - shares[place]);
    bounded := bounded or changes[place] <> change;
    gain := gain + greatest(changes[place], 0);
    loss := loss - least(changes[place], 0);
  end loop;
  if gain > 0 and loss > 0 then
    foreach place in array traded loop
      change := changes[place];
      next_shares[place] := shares[place]
        + case when change > 0 and gain > loss then change * (loss / gain)
            when change < 0 and loss > gain then change * (gain / loss)
            else change end;
      if largest is null or next_shares[place] > next_shares[largest] then
        largest := place;
      end if;
    end loop;
    -- However many steps there are, their rounding errors never add up.
    missing := float8 '1';
    foreach share in array next_shares loop
      missing := missing - share;
    end loop;
    next_shares[largest] := next_shares[largest] + missing;
  end if;
  outcome := case when next_shares <> shares then 'moved' when bounded then 'at_bound' else 'settled' end;
end
$$;
comment on function learning.next_allocation(float8[], float8[], integer[]) is
  'The shares after a close: over the timeframes with trades, a small zero-sum step towards the softmax of their ROI; the others keep theirs.';

create function learning.allocation_state(p_before timestamptz default null)
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
  where step.exit_at < coalesce(p_before, 'infinity')
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
comment on function learning.allocation_state(timestamptz) is 'The newest step before a time, or of all; where there is none the state before any trade, without a trade.';

create function learning.replayed_steps(p_before public.timeframe_allocation_steps, p_from timestamptz, p_until timestamptz)
returns setof public.timeframe_allocation_steps
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  step public.timeframe_allocation_steps := p_before;
  -- Arrays of their own: an element of a row's array cannot be changed without copying the row.
  n integer[] := p_before.n;
  last_exit_at timestamptz[] := p_before.last_exit_at;
  roi_short float8[] := p_before.roi_short;
  roi_long float8[] := p_before.roi_long;
  weight_short float8[] := p_before.weight_short;
  weight_long float8[] := p_before.weight_long;
  all_trades constant integer := cardinality(p_before.timeframes) + 1;
  trade record;
  own integer;
  place integer;
  elapsed_days float8;
  gap float8;
  allocation record;
begin
  for trade in
    select closed.trade_id, closed.timeframe, closed.roi, closed.exit_at
    from learning.closed_trades closed
    where closed.exit_at >= p_from and closed.exit_at < coalesce(p_until, 'infinity')
    order by closed.exit_at, closed.trade_id collate "C"
  loop
    own := array_position(step.timeframes, trade.timeframe);
    foreach place in array case when own is null then array[all_trades] else array[own, all_trades] end loop
      elapsed_days := coalesce(date_part('epoch', trade.exit_at - last_exit_at[place]) / 86400, 0);
      weight_short[place] := weight_short[place] * exp(greatest(-elapsed_days / 14, -700)) + 1;
      weight_long[place] := weight_long[place] * exp(greatest(-elapsed_days / 90, -700)) + 1;
      -- Postgres raises an error where a quotient of numbers this small vanishes.
      gap := trade.roi - coalesce(roi_short[place], 0);
      roi_short[place] := coalesce(roi_short[place], 0) + case when abs(gap) > 1e-200 then gap / weight_short[place] else 0 end;
      gap := trade.roi - coalesce(roi_long[place], 0);
      roi_long[place] := coalesce(roi_long[place], 0) + case when abs(gap) > 1e-200 then gap / weight_long[place] else 0 end;
      n[place] := n[place] + 1;
      last_exit_at[place] := trade.exit_at;
    end loop;
    if own is null then
      step.outcome := 'no_share';
    else
      allocation := learning.next_allocation(step.shares, roi_short, n);
      step.shares := allocation.next_shares;
      step.desired := allocation.desired;
      step.outcome := allocation.outcome;
    end if;
    step.exit_at := trade.exit_at;
    step.trade_id := trade.trade_id;
    step.timeframe := trade.timeframe;
    step.roi := trade.roi;
    step.n := n;
    step.last_exit_at := last_exit_at;
    step.roi_short := roi_short;
    step.roi_long := roi_long;
    step.weight_short := weight_short;
    step.weight_long := weight_long;
    return next step;
  end loop;
end
$$;
comment on function learning.replayed_steps(public.timeframe_allocation_steps, timestamptz, timestamptz) is
  'The steps of all trades closed from a time on and before another, if one is given, in order, from the state before them.';

-- sql/42_allocation_replay.sql

-- Allocation replay: a late or corrected trade replays from its place, and positions follow the shares.

create function learning.rescale_positions(p_timeframes text[], p_shares float8[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  rescaled integer;
begin
  -- Locked before they are read: a token's total must not change in between. In one order, so that nobody deadlocks.
  perform
  from public.lowcap_positions position
  where position.status in ('watchlist', 'active', 'dormant') and position.timeframe = any (p_timeframes)
  order by position.id
  for no key update;

  with target as (
    select position.id, position.total_allocation_pct as held, sum(position.total_allocation_pct) over token as total,
      configured.share / sum(configured.share) over token as part
    from public.lowcap_positions position
    join unnest(p_timeframes, p_shares) as configured(timeframe, share) on configured.timeframe = position.timeframe
    where position.status in ('watchlist', 'active', 'dormant')
    window token as (partition by position.token_chain, position.token_contract)
  )
  update public.lowcap_positions position
  set total_allocation_pct = target.total * target.part
  from target
  -- A difference this small is the rounding of the product, not a new share.
  where position.id = target.id and abs(target.total * target.part - target.held) > 1e-15 * target.total;
  get diagnostics rescaled = row_count;
  return rescaled;
end
$$;
comment on function learning.rescale_positions(text[], float8[]) is
  'Splits what each token''s watchlist, active and dormant positions hold together by their timeframes'' shares; the token''s total is kept. Returns how many positions changed.';

create function learning.allocation_reason(outcome text, trade_timeframe text)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select case outcome
    when 'moved' then 'moved towards what the ROI asks for'
    when 'no_share' then coalesce(trade_timeframe, 'the trade''s timeframe') || ' has no share and counts for the global ROI only'
    when 'one_timeframe' then 'fewer than two timeframes have closed trades'
    when 'at_bound' then 'what would have to give or take is at its floor or ceiling'
    when 'settled' then 'every share is where it is heading'
    else 'no trade has closed yet'
  end;
$$;
comment on function learning.allocation_reason(text, text) is 'Why a close moved the shares or did not, for a person to read.';

create function learning.log_allocation(
  former public.timeframe_allocation_steps, reached public.timeframe_allocation_steps, p_from timestamptz, rescaled integer
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  closes bigint;
  outcomes jsonb;
  reasons text;
  subject text;
  moves text;
  details jsonb;
begin
  select coalesce(sum(tally.closes), 0)::bigint, coalesce(jsonb_object_agg(tally.outcome, tally.closes), '{}'::jsonb),
    string_agg(format('%s: %s', tally.closes, learning.allocation_reason(tally.outcome, null)), '; ' order by tally.closes desc, tally.outcome)
  into closes, outcomes, reasons
  from (
    select step.outcome, count(*) as closes
    from public.timeframe_allocation_steps step
    where step.exit_at >= p_from
    group by step.outcome
  ) as tally;
  if closes = 1 then
    subject := format('%s trade %s (%s)', coalesce(reached.timeframe, 'the'), reached.trade_id, learning.in_percent(reached.roi));
    reasons := learning.allocation_reason(reached.outcome, reached.timeframe);
  else
    subject := case closes when 0 then 'no closes' else closes || ' closes' end
      || case when isfinite(p_from) then ' from ' || p_from || ' on' else ' from the beginning on' end;
    reasons := coalesce(reasons, 'none is left there');
  end if;
  details := jsonb_build_object('closes', closes, 'from', p_from, 'trade_id', case when closes = 1 then reached.trade_id end,
    'trade_roi', case when closes = 1 then reached.roi end);

  perform learning.write_log('INFO', 'allocation', 'roi_updated',
    format('ROI after %s: %s', subject, string_agg(measured.line, '; ' order by measured.place)
      -- A single close touches its own timeframe and the whole.
      filter (where closes <> 1 or measured.timeframe = 'all' or measured.timeframe = reached.timeframe)),
    details || jsonb_build_object('roi', jsonb_object_agg(measured.timeframe, measured.roi)))
  from (
    select entry.place, entry.timeframe,
      case when entry.n = 0 then entry.timeframe || ' has no trades'
        else format('%s short %s, long %s, n=%s', entry.timeframe, learning.in_percent(entry.roi_short), learning.in_percent(entry.roi_long), entry.n)
      end as line,
      jsonb_build_object('roi_short', entry.roi_short, 'roi_long', entry.roi_long, 'n', entry.n) as roi
    from unnest(reached.timeframes || text 'all', reached.roi_short, reached.roi_long, reached.n) with ordinality
      as entry(timeframe, roi_short, roi_long, n, place)
  ) as measured;

  select string_agg(format('%s from %s to %s', coalesce(after.timeframe, before.timeframe), coalesce(learning.in_percent(before.share), 'none'),
    coalesce(learning.in_percent(after.share), 'none')), ', ' order by coalesce(after.timeframe, before.timeframe) collate "C")
  into moves
  from unnest(former.timeframes, former.shares) as before(timeframe, share)
  full join unnest(reached.timeframes, reached.shares) as after(timeframe, share) on after.timeframe = before.timeframe
  where after.share is distinct from before.share;
  details := details || jsonb_build_object(
    'former', (select jsonb_object_agg(held.timeframe, held.share) from unnest(former.timeframes, former.shares) as held(timeframe, share)),
    'current', (select jsonb_object_agg(held.timeframe, held.share) from unnest(reached.timeframes, reached.shares) as held(timeframe, share)),
    'desired', (select jsonb_object_agg(held.timeframe, held.share) from unnest(reached.timeframes, reached.desired) as held(timeframe, share)),
    'outcomes', outcomes, 'positions', rescaled
  );
  if moves is null then
    perform learning.write_log('INFO', 'allocation', 'allocation_unchanged', format('Allocation unchanged by %s: %s', subject, reasons), details);
  else
    perform learning.write_log('INFO', 'allocation', 'allocation_moved',
      format('Allocation moved by %s: %s; positions rescaled: %s', subject, moves, rescaled)
        || case when closes = 1 then '' else format(' (%s)', reasons) end,
      details);
  end if;
end
$$;
comment on function learning.log_allocation(public.timeframe_allocation_steps, public.timeframe_allocation_steps, timestamptz, integer) is
  'Logs what a replay did to ROI and shares and why: a line each, however many closes it went through, and how many that were.';

create table learning.allocation_replay (
  is_only boolean primary key default true check (is_only),
  began_from timestamptz,
  goes_on_from timestamptz
);
alter table learning.allocation_replay enable row level security;
insert into learning.allocation_replay default values;
comment on table learning.allocation_replay is 'One row: the replay that was too long for the transaction of its trade, and where it goes on.';
comment on column learning.allocation_replay.is_only is 'Keeps it one row.';
comment on column learning.allocation_replay.began_from is 'Exit from which on steps were out of date; null where none are.';
comment on column learning.allocation_replay.goes_on_from is 'Exit from which on they still are.';

create function learning.replay_allocation(p_from timestamptz default null, p_patience interval default '2 seconds')
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  trades_at_a_time constant integer := 10000;
  deadline constant timestamptz := clock_timestamp() + p_patience;
  unfinished learning.allocation_replay;
  outdated_from timestamptz;
  place timestamptz;
  until timestamptz;
  former public.timeframe_allocation_steps;
  reached public.timeframe_allocation_steps;
  rescaled integer := 0;
begin
  -- One replay at a time, from before its first look at the steps until its transaction ends. The next one then sees this one's trades.
  perform pg_advisory_xact_lock(hashtextextended('allocation', 0));
  select held.* into unfinished from learning.allocation_replay held;
  outdated_from := least(p_from, unfinished.began_from);
  place := least(p_from, unfinished.goes_on_from);
  if place is null then
    return;
  end if;
  former := learning.allocation_state();
  loop
    select closed.exit_at into until
    from learning.closed_trades closed
    where closed.exit_at >= place
    order by closed.exit_at
    offset trades_at_a_time
    limit 1;
    if until = place then
      select min(closed.exit_at) into until from learning.closed_trades closed where closed.exit_at > place;
    end if;
    delete from public.timeframe_allocation_steps step where step.exit_at >= place and step.exit_at < coalesce(until, 'infinity');
    insert into public.timeframe_allocation_steps
    select step.* from learning.replayed_steps(learning.allocation_state(place), place, until) as step;
    exit when until is null;
    place := until;
    if clock_timestamp() > deadline then
      -- The steps from here on are those of before, and what they come to holds until the sweep or the next close has got there.
      update learning.allocation_replay held
      set began_from = outdated_from, goes_on_from = place
      where held.is_only;
      perform learning.write_log('INFO', 'allocation', 'replay_paused',
        format('Replay of the closes from %s on has come to %s and goes on with the next sweep or close', outdated_from, place),
        jsonb_build_object('from', outdated_from, 'goes_on_from', place));
      return;
    end if;
  end loop;
  update learning.allocation_replay held
  set began_from = null, goes_on_from = null
  where held.is_only and held.began_from is not null;
  reached := learning.allocation_state();
  if unfinished.began_from is not null or (former.timeframes, former.shares) is distinct from (reached.timeframes, reached.shares) then
    rescaled := learning.rescale_positions(reached.timeframes, reached.shares);
  end if;
  perform learning.log_allocation(former, reached, outdated_from, rescaled);
end
$$;
comment on function learning.replay_allocation(timestamptz, interval) is
  'Brings steps, shares and positions in line with the closed trades from the given exit on, or goes on with a replay that paused; called once for each batch that changed any, and by the sweep. One that takes longer than its patience pauses.';

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
comment on function learning.restart_allocation() is 'Replays the allocation from its beginning when the start shares change.';
create trigger restart_allocation after update on learning.effective_configs
for each row
when (old.module_id = 'decision_maker' and old.config -> 'start_shares' is distinct from new.config -> 'start_shares')
execute function learning.restart_allocation();
comment on trigger restart_allocation on learning.effective_configs is 'The shares are a function of the trades and of what they start from.';

-- sql/44_allocation_history.sql

-- Allocation history: how shares came about, for a person to read.

create view public.timeframe_allocation_history
with (security_invoker = true)
as
select step.exit_at, step.trade_id, step.timeframe as trade_timeframe, step.roi as trade_roi, held.timeframe,
  step.shares[held.place] as allocation,
  step.shares[held.place] - coalesce(earlier.shares[array_position(earlier.timeframes, held.timeframe)], start.share) as change,
  step.desired[held.place] as desired_allocation, step.roi_short[held.place] as roi_short, step.roi_long[held.place] as roi_long,
  step.n[held.place] as n, step.outcome,
  case when step.n[held.place] = 0 then 'no closed trades yet: its share stays'
    else learning.allocation_reason(step.outcome, step.timeframe) end as reason
from public.timeframe_allocation_steps step
cross join lateral unnest(step.timeframes) with ordinality as held(timeframe, place)
left join lateral (
  select before.timeframes, before.shares
  from public.timeframe_allocation_steps before
  where before.exit_at <= step.exit_at
    and (before.exit_at < step.exit_at or before.trade_id collate "C" < step.trade_id collate "C")
  order by before.exit_at desc, before.trade_id collate "C" desc
  limit 1
) as earlier on true
left join lateral (
  select begun.shares[array_position(begun.timeframes, held.timeframe)] as share
  from learning.start_shares() as begun
) as start on earlier.shares is null;
comment on view public.timeframe_allocation_history is 'Allocation over time: for each closed trade and timeframe the share after it, where it was heading, and why it moved or not.';
comment on column public.timeframe_allocation_history.exit_at is 'When the trade was closed.';
comment on column public.timeframe_allocation_history.trade_id is 'The trade.';
comment on column public.timeframe_allocation_history.trade_timeframe is 'Timeframe of the trade.';
comment on column public.timeframe_allocation_history.trade_roi is 'Return of the trade, a fraction.';
comment on column public.timeframe_allocation_history.timeframe is 'Timeframe whose share the row is about.';
comment on column public.timeframe_allocation_history.allocation is 'Its share after the trade.';
comment on column public.timeframe_allocation_history.change is 'By how much the trade moved it.';
comment on column public.timeframe_allocation_history.desired_allocation is 'The share it is heading for.';
comment on column public.timeframe_allocation_history.roi_short is 'Mean ROI of its trades with a memory of 14 days.';
comment on column public.timeframe_allocation_history.roi_long is 'Mean ROI of its trades with a memory of 90 days.';
comment on column public.timeframe_allocation_history.n is 'Its closed trades so far.';
comment on column public.timeframe_allocation_history.outcome is 'moved, or why the shares stayed, as a stable name.';
comment on column public.timeframe_allocation_history.reason is 'The same for a person to read.';

create view public.timeframe_allocation_outlook
with (security_invoker = true)
as
select held.timeframe, held.current_allocation, held.desired_allocation, held.desired_allocation - held.current_allocation as distance,
  held.roi_short, held.roi_long, held.n, newest.change as last_change, newest.trade_id as last_trade_id, newest.exit_at as last_exit_at,
  newest.outcome, coalesce(newest.reason, learning.allocation_reason(null, null)) as reason
from public.timeframe_allocation held
left join (
  select past.*
  from (
    select step.exit_at, step.trade_id
    from public.timeframe_allocation_steps step
    order by step.exit_at desc, step.trade_id collate "C" desc
    limit 1
  ) as last_step
  join public.timeframe_allocation_history past on past.exit_at = last_step.exit_at and past.trade_id = last_step.trade_id
) as newest on newest.timeframe = held.timeframe;
comment on view public.timeframe_allocation_outlook is 'Each timeframe''s share, ROI and number of trades, beside where it is heading and why the newest close moved it or not.';
comment on column public.timeframe_allocation_outlook.timeframe is 'Timeframe.';
comment on column public.timeframe_allocation_outlook.current_allocation is 'Its share now.';
comment on column public.timeframe_allocation_outlook.desired_allocation is 'The share it is heading for.';
comment on column public.timeframe_allocation_outlook.distance is 'How far it has to go.';
comment on column public.timeframe_allocation_outlook.roi_short is 'Mean ROI of its trades with a memory of 14 days; null before any trade.';
comment on column public.timeframe_allocation_outlook.roi_long is 'Mean ROI of its trades with a memory of 90 days; null before any trade.';
comment on column public.timeframe_allocation_outlook.n is 'Its closed trades.';
comment on column public.timeframe_allocation_outlook.last_change is 'By how much the newest close moved it; null before any.';
comment on column public.timeframe_allocation_outlook.last_trade_id is 'The trade of the newest close; null before any.';
comment on column public.timeframe_allocation_outlook.last_exit_at is 'When it was closed.';
comment on column public.timeframe_allocation_outlook.outcome is 'moved, or why the shares stayed, as a stable name; null before any close.';
comment on column public.timeframe_allocation_outlook.reason is 'The same for a person to read.';

-- sql/46_verdicts.sql

-- Verdicts: due strands are leased to an edge function, and what it judged takes effect.

create function learning.reject_strands(p_rejected jsonb)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  rejected integer;
begin
  with verdicts as (
    select verdict.id, verdict.revision, verdict.errors
    from jsonb_to_recordset(p_rejected) as verdict(id text, revision integer, errors jsonb)
  ),
  refused as (
    update public.strand_receipts receipt
    set status = 'rejected', errors = verdicts.errors, next_attempt_at = null, processed_at = now()
    from verdicts
    where receipt.strand_id = verdicts.id and receipt.revision = verdicts.revision and receipt.status = 'pending'
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
  select count(*) into rejected from logged;
  return rejected;
end
$$;
comment on function learning.reject_strands(jsonb) is 'Marks strands rejected with every reason and logs each.';

create function learning.report_failure(p_ids text[], p_subject text, p_sqlstate text, p_message text)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  postponed integer;
begin
  update public.strand_receipts receipt
  set status = 'pending', processed_at = null,
    next_attempt_at = clock_timestamp() + learning.retry_delay(receipt.attempts),
    errors = jsonb_build_array(jsonb_build_object('path', '', 'message', format('%s (SQLSTATE %s)', p_message, p_sqlstate)))
  where receipt.strand_id = any (p_ids) and receipt.status = 'done';
  get diagnostics postponed = row_count;
  perform learning.write_log('ERROR', 'aggregate-strands', 'strands_failed',
    format('%s could not be applied and is tried again: %s', p_subject, p_message),
    jsonb_build_object('subject', p_subject, 'strand_ids', to_jsonb(p_ids), 'sqlstate', p_sqlstate));
  return postponed;
end
$$;
comment on function learning.report_failure(text[], text, text, text) is
  'Takes back the receipts of one trade or episode whose strands could not take effect, with the reason; they are tried again.';

create function learning.touched_subjects(p_accepted jsonb, p_rejected jsonb)
returns table (kind text, subject text, ids text[])
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with accepted as (
    select verdict.id from jsonb_to_recordset(p_accepted) as verdict(id text)
  ),
  judged as (
    select accepted.id from accepted
    union all
    select verdict.id from jsonb_to_recordset(p_rejected) as verdict(id text)
  )
  select named.kind, named.subject, coalesce(array_agg(named.id) filter (where named.id is not null), '{}')
  from (
    select case when strand.kind in ('episode_window', 'episode_outcome') then 'episode' else 'trade' end,
      case
        when strand.kind in ('pm_action', 'dm_action', 'position_closed') then strand.content ->> 'trade_id'
        when strand.kind in ('episode_window', 'episode_outcome') then strand.content ->> 'episode_id'
        -- A strand that is of no learned kind any more takes effect by no longer having any.
        else ''
      end,
      accepted.id
    from accepted
    join public.ad_strands strand on strand.id = accepted.id
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
  'The trades and episodes that some judged strands belong to or belonged to, with the accepted strands of each.';

create function public.apply_strands(p_accepted jsonb, p_rejected jsonb)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
-- A timestamp without an offset is UTC, whatever the session says.
set timezone = 'UTC'
-- Plans are kept as long as a connection lives, and one made while the tables were empty would scan them for ever.
set enable_seqscan = off
set jit = off
as $$
declare
  accepted jsonb;
  refused jsonb;
  rejected integer;
  failed integer := 0;
  touched record;
  applied record;
  patience constant timestamptz := clock_timestamp() + interval '2 seconds';
  deadline timestamptz;
  held integer;
  postponed text[] := array[]::text[];
  changed learning.group_key[] := array[]::learning.group_key[];
  changed_from timestamptz;
begin
  -- All locks first and in one order, so that two batches that share trades wait for each other instead of deadlocking.
  for touched in select subject.kind, subject.subject from learning.touched_subjects(p_accepted, p_rejected) as subject loop
    while not pg_try_advisory_xact_lock(hashtextextended(touched.kind || ' ' || touched.subject, 0)) loop
      if clock_timestamp() > patience then
        -- Where several batches queue for the same trades the last one would run into the statement timeout.
        update public.strand_receipts receipt
        set attempts = receipt.attempts - 1, next_attempt_at = clock_timestamp()
        from jsonb_to_recordset(p_accepted || p_rejected) as verdict(id text, revision integer)
        where receipt.strand_id = verdict.id and receipt.revision = verdict.revision and receipt.status = 'pending';
        get diagnostics held = row_count;
        return jsonb_build_object('accepted', 0, 'rejected', 0, 'failed', 0, 'postponed', held, 'contended', true);
      end if;
      perform pg_sleep(0.01);
    end loop;
  end loop;
  deadline := clock_timestamp() + interval '3 seconds';

  -- A claim that looked at these strands just as they were leased holds on to them for the moment it takes to commit.
  for attempt in 1..8 loop
    perform
    from public.strand_receipts receipt
    where receipt.strand_id in (select verdict.id from jsonb_to_recordset(p_accepted || p_rejected) as verdict(id text))
      and receipt.status = 'pending'
    for update skip locked;
    get diagnostics held = row_count;
    exit when held = (
      select count(*)
      from public.strand_receipts receipt
      where receipt.strand_id in (select verdict.id from jsonb_to_recordset(p_accepted || p_rejected) as verdict(id text))
        and receipt.status = 'pending'
    );
    perform pg_sleep(0.005 * power(2, attempt - 1));
  end loop;

  with verdicts as (
    select verdict.id, verdict.revision, null::jsonb as errors
    from jsonb_to_recordset(p_accepted) as verdict(id text, revision integer)
    union all
    select verdict.id, verdict.revision, verdict.errors
    from jsonb_to_recordset(p_rejected) as verdict(id text, revision integer, errors jsonb)
  ),
  -- A verdict stands while its strand is as it was judged and nobody else has answered it. Who is just changing the strand
  -- is not waited for: its lease lapses and it is judged anew.
  standing as materialized (
    select verdicts.id, verdicts.revision, verdicts.errors
    from verdicts
    join public.strand_receipts receipt
      on receipt.strand_id = verdicts.id and receipt.revision = verdicts.revision and receipt.status = 'pending'
    order by receipt.strand_id
    for update of receipt skip locked
  ),
  -- A context that cannot be taken into a scope is refused here, where scopes are made.
  final as (
    select standing.id, standing.revision, coalesce(standing.errors, (
      select jsonb_agg(jsonb_build_object('path', context.path || '.' || fault.path, 'message', fault.message))
      from (values
        ('content.entry_context', strand.content -> 'entry_context'),
        ('content.scope', strand.content -> 'scope'),
        ('regime_context', strand.regime_context)
      ) as context(path, content)
      cross join lateral jsonb_to_recordset(learning.scope_faults(context.content)) as fault(path text, message text)
    )) as errors
    from standing
    join public.ad_strands strand on strand.id = standing.id
  )
  select coalesce(jsonb_agg(jsonb_build_object('id', final.id, 'revision', final.revision)) filter (where final.errors is null), '[]'::jsonb),
    coalesce(jsonb_agg(to_jsonb(final)) filter (where final.errors is not null), '[]'::jsonb)
  into accepted, refused
  from final;

  rejected := learning.reject_strands(refused);
  perform learning.register_scope_values(array_agg(context.content))
  from jsonb_to_recordset(accepted) as claimed(id text)
  join public.ad_strands strand on strand.id = claimed.id
  cross join lateral (values (strand.content -> 'entry_context'), (strand.content -> 'scope'), (strand.regime_context)) as context(content);

  update public.strand_receipts receipt
  set status = 'done', errors = '[]'::jsonb, next_attempt_at = null, processed_at = now()
  from jsonb_to_recordset(accepted) as verdict(id text, revision integer)
  where receipt.strand_id = verdict.id;

  for touched in select * from learning.touched_subjects(accepted, refused) loop
    -- Better a part of the batch than a statement timeout and none of it. What a strand has left must not wait: nothing would
    -- remember it.
    if clock_timestamp() > deadline and touched.ids <> '{}' then
      postponed := postponed || touched.ids;
      continue;
    end if;
    begin
      if touched.kind = 'trade' then
        applied := learning.apply_trade(touched.subject);
        changed := changed || applied.changed_groups;
        changed_from := least(changed_from, applied.changed_from);
      else
        changed := changed || learning.apply_episode(touched.subject);
      end if;
    exception when others then
      if touched.ids = '{}' then
        -- No strand of it can be tried again but by trying the whole batch.
        raise;
      end if;
      failed := failed + learning.report_failure(touched.ids, touched.kind || ' ' || touched.subject, sqlstate, sqlerrm);
    end;
  end loop;

  update public.strand_receipts receipt
  set status = 'pending', processed_at = null, attempts = receipt.attempts - 1, next_attempt_at = clock_timestamp()
  where receipt.strand_id = any (postponed);
  if changed_from is not null then
    perform learning.replay_allocation(changed_from);
  end if;
  perform learning.mark_groups_changed(changed);
  return jsonb_build_object('accepted', jsonb_array_length(accepted) - failed - cardinality(postponed),
    'rejected', rejected, 'failed', failed, 'postponed', cardinality(postponed));
end
$$;
comment on function public.apply_strands(jsonb, jsonb) is
  'Lets validated strands take effect, each trade in its own subtransaction, and marks refused ones rejected; contended where other batches hold their trades for so long that none was touched. For the edge functions.';

create function public.claim_strands(p_limit integer default 500)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
-- Times are handed out in UTC, whatever the session says: offsets of long ago have seconds.
set timezone = 'UTC'
-- Plans are kept as long as a connection lives, and one made while the tables were empty would scan them for ever.
set enable_seqscan = off
set jit = off
as $$
declare
  -- What one invocation takes at a time, and what it can take at all within its 256 MB.
  batch_bytes constant integer := 4000000;
  most_bytes constant integer := 16000000;
  due record;
  size integer;
  bytes integer := 0;
  chosen text[] := array[]::text[];
  oversized jsonb := '[]'::jsonb;
  claimed jsonb;
begin
  -- One after the other, because unpacking documents only to find that they are too many takes longer than a statement may.
  for due in
    select receipt.strand_id, receipt.attempts, receipt.revision
    from public.strand_receipts receipt
    where receipt.status = 'pending' and receipt.next_attempt_at <= clock_timestamp()
    order by receipt.next_attempt_at, receipt.event_at, receipt.strand_id
    limit p_limit
    for update skip locked
  loop
    -- A strand that was claimed in vain three times travels alone, in case it is what brings its company down.
    exit when due.attempts >= 3 and chosen <> '{}';
    select learning.document_bytes(strand.content) + learning.document_bytes(strand.regime_context) into size
    from public.ad_strands strand
    where strand.id = due.strand_id;
    if size > most_bytes then
      oversized := oversized || jsonb_build_object('id', due.strand_id, 'revision', due.revision, 'errors', jsonb_build_array(jsonb_build_object(
        'path', 'content', 'message', format('Too big: expected content and regime_context to have at most %s bytes and they have %s', most_bytes, size)
      )));
      exit when jsonb_array_length(oversized) >= 20;
      continue;
    end if;
    exit when chosen <> '{}' and bytes + size > batch_bytes;
    bytes := bytes + size;
    chosen := chosen || due.strand_id;
    exit when due.attempts >= 3;
  end loop;
  if oversized <> '[]'::jsonb then
    -- By the way of every refusal, because an earlier form of the strand may have taken effect.
    perform public.apply_strands('[]'::jsonb, oversized);
  end if;

  with leased as (
    update public.strand_receipts receipt
    set attempts = receipt.attempts + 1,
      next_attempt_at = clock_timestamp() + learning.retry_delay(receipt.attempts)
    where receipt.strand_id = any (chosen)
    returning receipt.strand_id, receipt.revision
  )
  -- Documents as text, so that they arrive as they are: what carries them may not be able to hold their numbers or their depth.
  select coalesce(jsonb_agg(jsonb_build_object(
    'id', strand.id, 'revision', leased.revision, 'kind', strand.kind, 'module', strand.module,
    'created_at', strand.created_at, 'content', strand.content::text, 'regime_context', strand.regime_context::text
  )), '[]'::jsonb)
  into claimed
  from leased
  join public.ad_strands strand on strand.id = leased.strand_id;
  return claimed;
end
$$;
comment on function public.claim_strands(integer) is
  'Leases due strands to the caller and returns them, their documents as text; a lease that is not answered lapses, each time later. For the edge functions.';

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
create index learning_lessons_active_idx on public.learning_lessons (module, pattern_key, action_category) where status = 'active';
create index learning_lessons_status_idx on public.learning_lessons (lesson_type, status, id);
alter table public.learning_lessons enable row level security;
comment on table public.learning_lessons is 'What was learned: the statistics of one behaviour in one scope.';
comment on column public.learning_lessons.id is 'Identity.';
comment on column public.learning_lessons.module is 'Who acted: pm or dm.';
comment on column public.learning_lessons.pattern_key is 'Behaviour, dotted.';
comment on column public.learning_lessons.action_category is 'entry, add, trim, exit, allocation, or tuning for gates.';
comment on column public.learning_lessons.scope_subset is 'The scope: every trade behind the lesson contains it.';
comment on column public.learning_lessons.scope_mask is 'Dimensions of scope_subset as bits.';
comment on column public.learning_lessons.lesson_type is 'pm_strength, dm_alloc or tuning_rates.';
comment on column public.learning_lessons.n is 'Trades (for tuning: windows) behind it.';
comment on column public.learning_lessons.stats is 'All statistics; outcomes in units of outcome_scale, times in hours.';
comment on column public.learning_lessons.edge_raw is 'Edge against the baseline after decay; null for tuning.';
comment on column public.learning_lessons.p_value is 'Two-sided p value of the difference to the baseline; null for tuning.';
comment on column public.learning_lessons.q_value is 'Benjamini-Hochberg false discovery rate within the group; null for tuning.';
comment on column public.learning_lessons.decay_halflife_hours is 'Half-life of the edge; null where it is stable or unknown.';
comment on column public.learning_lessons.status is 'candidate; active when large and beyond luck; deprecated once it was active and no longer is.';
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
comment on table public.learning_edge_history is 'How the edge of lessons that are or were active developed: one snapshot per run in which the evidence changed, the last 500 each.';
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
    select kept.lesson_id, kept.ts, row_number() over (partition by kept.lesson_id order by kept.ts desc) as age
    from public.learning_edge_history kept
    where kept.lesson_id = any (lesson_ids)
  ) as aged
  where snapshot.lesson_id = aged.lesson_id and snapshot.ts = aged.ts and aged.age > 500;
  get diagnostics pruned = row_count;
  return pruned;
end
$$;
comment on function learning.prune_edge_history(bigint[]) is 'Deletes all but the last 500 snapshots of some lessons; returns how many.';

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
comment on column learning.baselines.action_category is 'Category whose trades it covers; empty for all trades.';
comment on column learning.baselines.n is 'Distinct trades.';
comment on column learning.baselines.mean is 'Mean outcome.';
comment on column learning.baselines.winsorised_mean is 'Mean of the winsorised outcomes.';
comment on column learning.baselines.sigma is 'Population standard deviation of the winsorised outcomes.';
comment on column learning.baselines.lower_bound is '2 % quantile of the outcomes.';
comment on column learning.baselines.upper_bound is '98 % quantile of the outcomes.';
comment on column learning.baselines.measured_at is 'When it was measured.';

create function learning.mining_settings()
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select md5(concat_ws(' ',
    (select jsonb_build_object('outcome', held.config -> 'outcome', 'outcome_scale', held.config -> 'outcome_scale', 'n_min', held.config -> 'n_min',
        'edge_min', held.config -> 'edge_min', 'incremental_min', held.config -> 'incremental_min', 'max_q_value', held.config -> 'max_q_value',
        'cluster', held.config -> 'cluster', 'baseline', held.config -> 'baseline', 'selection', held.config -> 'selection',
        'max_lessons_per_group', held.config -> 'max_lessons_per_group', 'decay', held.config -> 'decay',
        'roi_scale', held.config #> '{steering,roi_scale}', 'relative', held.config #> '{steering,relative}',
        'lookback_days', held.config #> '{tuning,lookback_days}')::text
      from learning.effective_configs held where held.module_id = 'pm'),
    (select string_agg(known.dim || '=' || known.bit, ',' order by known.bit) from public.scope_dimensions known)
  ));
$$;
comment on function learning.mining_settings() is 'Digest of all that mining depends on besides the events: its configuration and the registry.';

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
      case config ->> 'outcome' when 'rr' then trade.rr else trade.roi end / (config ->> 'outcome_scale')::float8 as y
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
  gone as (
    delete from learning.baselines held
    where not exists (select from measured where measured.action_category = held.action_category)
  )
  insert into learning.baselines (action_category, n, mean, winsorised_mean, sigma, lower_bound, upper_bound)
  select measured.action_category, measured.n, measured.mean, measured.winsorised_mean, measured.sigma, measured.bound[1], measured.bound[2]
  from measured
  on conflict (action_category) do update set
    n = excluded.n, mean = excluded.mean, winsorised_mean = excluded.winsorised_mean, sigma = excluded.sigma,
    lower_bound = excluded.lower_bound, upper_bound = excluded.upper_bound, measured_at = now();
end
$$;
comment on function learning.measure_baselines() is 'Measures the baselines over all distinct trades that have an event.';

create function learning.baseline_of(group_category text)
returns learning.baselines
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select held.*
  from learning.baselines held
  where held.action_category = case learning.config() ->> 'baseline' when 'category' then group_category else '' end;
$$;
comment on function learning.baseline_of(text) is 'The baseline that a group of the given category is compared with.';

create function learning.due_groups(p_family text)
returns setof bigint
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select due.id
  from learning.mining_groups due
  join learning.mining_cycles current_cycle on current_cycle.family = due.family
  left join lateral learning.baseline_of(due.action_category) as baseline on due.family = 'strength'
  where due.family = p_family
    and (
      due.run is not null
      -- Events that came after the cycle began wait for the next one.
      or due.mined_version < due.evidence_version and due.mined_cycle < current_cycle.cycle
      or due.mined_settings is distinct from (select learning.mining_settings())
      or abs(baseline.mean - due.mined_baseline) > 0.01 * baseline.sigma
      or due.mined_at < now() - interval '1 day'
    );
$$;
comment on function learning.due_groups(text) is
  'Groups whose run is under way or whose events, configuration, registry or baseline changed, or that were not mined for a day.';

create function public.start_mining(p_family text)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  due bigint[];
begin
  -- Holding the row keeps a second cycle from beginning on baselines that are being measured.
  update learning.mining_cycles begun
  set cycle = begun.cycle + 1, started_at = now()
  where begun.family = p_family;
  update learning.mining_cycles begun
  set last_event_id = case p_family
    when 'tuning' then (select coalesce(max(episode.id), 0) from public.pattern_episode_events episode)
    else (select coalesce(max(event.id), 0) from public.pattern_trade_events event)
  end
  where begun.family = p_family;
  if p_family = 'strength' then
    perform learning.measure_baselines();
  end if;
  -- Due groups are marked, so that the sweep finds those that no invocation came to. Every writer takes the rows in the
  -- same order and none deadlocks.
  due := array(
    select held.id from learning.mining_groups held
    where held.id in (select learning.due_groups(p_family))
    order by held.module, held.pattern_key, held.action_category
    for update
  );
  update learning.mining_groups held set run = coalesce(held.run, '{}'::jsonb) where held.id = any (due);
  return cardinality(due);
end
$$;
comment on function public.start_mining(text) is
  'Begins a mining cycle: measures the baselines, marks the groups that are due and returns how many. For the edge functions.';

create function learning.begin_run(p_group learning.mining_groups)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'started_at', now(),
    'cycle', current_cycle.cycle,
    'last_event_id', current_cycle.last_event_id,
    'evidence_version', p_group.evidence_version,
    'settings', learning.mining_settings(),
    'config', learning.config(),
    'baseline', (
      select to_jsonb(baseline) - 'action_category' - 'measured_at'
      from learning.baseline_of(p_group.action_category) as baseline
      where baseline.n is not null
    ),
    'dimensions', (
      select jsonb_agg(jsonb_build_object('bit', known.bit, 'dim', known.dim) order by known.bit) from public.scope_dimensions known
    )
  )
  from learning.mining_cycles current_cycle
  where current_cycle.family = p_group.family;
$$;
comment on function learning.begin_run(learning.mining_groups) is 'What a run of a group works with from beginning to end, however many invocations it takes.';

create function public.claim_mining_group(p_family text)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  claimed learning.mining_groups;
begin
  select held.* into claimed
  from learning.mining_groups held
  where held.id in (select learning.due_groups(p_family))
    and (held.leased_until is null or held.leased_until < clock_timestamp())
  order by held.progress is null, held.mined_at nulls first, held.id
  limit 1
  for update skip locked;
  if claimed.id is null then
    return null;
  end if;
  update learning.mining_groups held
  set lease_token = gen_random_uuid(),
    leased_until = clock_timestamp() + interval '60 seconds',
    -- Without progress there is nothing to go on with: it begins with what holds now.
    run = case when held.progress is null then learning.begin_run(held) else held.run end
  where held.id = claimed.id
  returning held.* into claimed;
  return jsonb_build_object(
    'group_id', claimed.id, 'lease_token', claimed.lease_token, 'lesson_type', claimed.lesson_type, 'module', claimed.module,
    'pattern_key', claimed.pattern_key, 'action_category', claimed.action_category, 'run', claimed.run, 'progress', claimed.progress
  );
end
$$;
comment on function public.claim_mining_group(text) is
  'Leases one due group to the caller, with what its run works with and where it has got to; null where none is left. For the edge functions.';

create function learning.require_lease(p_group_id bigint, p_lease_token uuid)
returns learning.mining_groups
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  held learning.mining_groups;
begin
  select leased.* into held from learning.mining_groups leased where leased.id = p_group_id and leased.lease_token = p_lease_token for update;
  if held.id is null then
    raise exception using
      errcode = '55P03',
      message = format('Lease %s on mining group %s is no longer held', p_lease_token, p_group_id),
      hint = 'Another invocation took the group over; stop and claim another one.';
  end if;
  return held;
end
$$;
comment on function learning.require_lease(bigint, uuid) is 'The leased group, or an error where the lease passed on.';

create function public.save_mining_progress(p_group_id bigint, p_lease_token uuid, p_progress jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.require_lease(p_group_id, p_lease_token);
  update learning.mining_groups held
  set progress = p_progress, lease_token = null, leased_until = null
  where held.id = p_group_id;
end
$$;
comment on function public.save_mining_progress(bigint, uuid, jsonb) is
  'Writes down where a run has got to and gives the group back for the next invocation. For the edge functions.';

create function public.restart_mining_group(p_group_id bigint, p_lease_token uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.require_lease(p_group_id, p_lease_token);
  update learning.mining_groups held
  set run = '{}'::jsonb, progress = null, lease_token = null, leased_until = null
  where held.id = p_group_id;
end
$$;
comment on function public.restart_mining_group(bigint, uuid) is
  'Gives up a run whose events were corrected under way; the group is due again from the beginning. For the edge functions.';

-- sql/54_mining_reads.sql

-- Mining reads: a group's events in packed columns, which is what crosses the wire.

create function learning.packed(chunks bytea)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select replace(encode(coalesce(chunks, ''::bytea), 'base64'), E'\n', '');
$$;
comment on function learning.packed(bytea) is 'Bytes as one line of base64.';

create function learning.packed_dimensions()
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(string_agg(format(
    '%L, learning.packed(string_agg(int4send(coalesce(event.scope_codes[%s], 0)), ''''::bytea))', known.bit, known.bit + 1
  ), ', ' order by known.bit), '')
  from public.scope_dimensions known;
$$;
comment on function learning.packed_dimensions() is
  'Arguments for jsonb_build_object that pack each dimension''s codes of rows named event; one pass over the rows does them all.';

create function public.read_mining_group(p_group_id bigint)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  held learning.mining_groups;
  packed jsonb;
begin
  select known.* into held from learning.mining_groups known where known.id = p_group_id;
  execute format($query$
    select jsonb_build_object(
      'rows', count(*)::integer,
      'roi', learning.packed(string_agg(float8send(event.roi), ''::bytea)),
      'rr', learning.packed(string_agg(float8send(event.rr), ''::bytea)),
      'acted_at', learning.packed(string_agg(float8send(extract(epoch from event.acted_at)::float8 * 1000), ''::bytea)),
      'traded_at', learning.packed(string_agg(float8send(extract(epoch from event.traded_at)::float8 * 1000), ''::bytea)),
      'duration_hours', learning.packed(string_agg(float8send(event.duration_hours), ''::bytea)),
      'time_to_s3_hours', learning.packed(string_agg(float8send(coalesce(event.time_to_s3_hours, 'NaN')), ''::bytea)),
      'could_enter_better', learning.packed(string_agg(float8send(coalesce(event.could_enter_better, 'NaN')), ''::bytea)),
      'could_exit_better', learning.packed(string_agg(float8send(coalesce(event.could_exit_better, 'NaN')), ''::bytea)),
      'did_trim', learning.packed(string_agg(int4send(event.did_trim::integer), ''::bytea)),
      'reached_s3', learning.packed(string_agg(int4send(event.reached_s3::integer), ''::bytea)),
      'dimensions', jsonb_build_object(%s)
    )
    from (
      select first_action.*
      from (
        select distinct on (action.trade_id) action.*
        from public.pattern_trade_events action
        where action.module = $1 and action.pattern_key = $2 and action.action_category = $3 and action.id <= $4
        order by action.trade_id, action.acted_at, action.action_strand_id collate "C"
      ) as first_action
      order by first_action.traded_at, first_action.trade_id collate "C"
    ) as event
  $query$, learning.packed_dimensions())
  into packed
  using held.module, held.pattern_key, held.action_category, (held.run ->> 'last_event_id')::bigint;
  return packed;
end
$$;
comment on function public.read_mining_group(bigint) is
  'A group''s trades in packed columns (base64 of big-endian values), one row per trade by its first action, oldest close first. For the edge functions.';

create function public.read_module_trades(p_module text)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'roi', learning.packed(string_agg(float8send(trade.roi), ''::bytea)),
    'did_trim', learning.packed(string_agg(int4send(trade.did_trim::integer), ''::bytea)),
    'reached_s3', learning.packed(string_agg(int4send(trade.reached_s3::integer), ''::bytea))
  )
  from (
    select distinct on (event.trade_id) event.roi, event.did_trim, event.reached_s3
    from public.pattern_trade_events event
    where event.module = p_module
    order by event.trade_id
  ) as trade;
$$;
comment on function public.read_module_trades(text) is
  'What posture is judged by, of every distinct trade of a module, in packed columns. For the edge functions.';

create function public.read_scope_values(p_codes integer[])
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_object_agg(held.code, held.value), '{}'::jsonb)
  from learning.scope_values held
  where held.code = any (p_codes);
$$;
comment on function public.read_scope_values(integer[]) is 'What the codes in packed columns stand for. For the edge functions.';

create function public.read_edge_history(p_group_id bigint)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(jsonb_build_object('scope_subset', series.scope_subset, 'ts', series.ts, 'edge', series.edge)), '[]'::jsonb)
  from (
    select lesson.scope_subset,
      jsonb_agg(extract(epoch from snapshot.ts)::float8 * 1000 order by snapshot.ts) as ts,
      jsonb_agg(snapshot.edge order by snapshot.ts) as edge
    from learning.mining_groups held
    join public.learning_lessons lesson using (module, pattern_key, action_category)
    join public.learning_edge_history snapshot on snapshot.lesson_id = lesson.id
    where held.id = p_group_id
    group by lesson.id, lesson.scope_subset
  ) as series;
$$;
comment on function public.read_edge_history(bigint) is 'Earlier snapshots of the edges of a group''s lessons, oldest first. For the edge functions.';

-- sql/56_mining_results.sql

-- Mining results: the lessons of a finished run, written all at once.

create function public.finish_mining_group(p_group_id bigint, p_lease_token uuid, p_lessons jsonb)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  held learning.mining_groups := learning.require_lease(p_group_id, p_lease_token);
  outcome jsonb;
begin
  with found as materialized (
    select lesson.scope_subset, md5(lesson.scope_subset::text) as scope_digest, lesson.n, lesson.stats, lesson.edge_raw, lesson.p_value,
      lesson.q_value, lesson.decay_halflife_hours, lesson.status, lesson.last_evidence_at
    from jsonb_to_recordset(p_lessons) as lesson(
      scope_subset jsonb, n integer, stats jsonb, edge_raw float8, p_value float8, q_value float8, decay_halflife_hours float8,
      status text, last_evidence_at timestamptz
    )
  ),
  -- Not in rather than not exists: it is hashed however few rows are expected, and the other would compare all with all.
  gone as materialized (
    select lesson.id, lesson.status
    from public.learning_lessons lesson
    where lesson.module = held.module and lesson.pattern_key = held.pattern_key and lesson.action_category = held.action_category
      and lesson.scope_digest not in (select found.scope_digest from found)
  ),
  written as (
    insert into public.learning_lessons as lesson (
      module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n, stats, edge_raw, p_value, q_value,
      decay_halflife_hours, status, first_active_at, last_evidence_at
    )
    select held.module, held.pattern_key, held.action_category, found.scope_subset, learning.scope_mask(found.scope_subset),
      held.lesson_type, found.n, found.stats, found.edge_raw, found.p_value, found.q_value, found.decay_halflife_hours, found.status,
      case when found.status = 'active' then now() end, found.last_evidence_at
    from found
    on conflict (module, pattern_key, action_category, scope_digest) do update set
      n = excluded.n, stats = excluded.stats, edge_raw = excluded.edge_raw, p_value = excluded.p_value, q_value = excluded.q_value,
      decay_halflife_hours = excluded.decay_halflife_hours,
      status = case when excluded.status = 'candidate' and lesson.first_active_at is not null then 'deprecated' else excluded.status end,
      first_active_at = coalesce(lesson.first_active_at, excluded.first_active_at),
      last_evidence_at = excluded.last_evidence_at, updated_at = now()
    where (lesson.n, lesson.stats, lesson.edge_raw, lesson.p_value, lesson.q_value, lesson.decay_halflife_hours, lesson.last_evidence_at,
        lesson.status)
      is distinct from (excluded.n, excluded.stats, excluded.edge_raw, excluded.p_value, excluded.q_value, excluded.decay_halflife_hours,
        excluded.last_evidence_at,
        case when excluded.status = 'candidate' and lesson.first_active_at is not null then 'deprecated' else excluded.status end)
    returning lesson.id, lesson.scope_subset, lesson.scope_digest, lesson.n, lesson.stats, lesson.edge_raw, lesson.q_value, lesson.status,
      lesson.first_active_at, lesson.last_evidence_at
  ),
  lapsed as (
    update public.learning_lessons lesson
    set status = 'deprecated', updated_at = now()
    from gone
    where lesson.id = gone.id and gone.status = 'active'
    returning lesson.id, lesson.scope_subset, lesson.n, lesson.edge_raw, lesson.q_value
  ),
  dropped as (
    delete from public.learning_lessons lesson
    using gone
    where lesson.id = gone.id and gone.status = 'candidate'
    returning lesson.id
  ),
  -- A former lesson is the row as it was before this statement, which is all that its other parts see.
  snapshots as (
    insert into public.learning_edge_history (lesson_id, ts, edge, n)
    select written.id, now(), (written.stats ->> 'edge_before_decay')::float8, written.n
    from written
    left join public.learning_lessons former on former.id = written.id
    where written.first_active_at is not null
      and written.stats ? 'edge_before_decay'
      and (former.id is null or former.first_active_at is null
        or (former.n, former.last_evidence_at, former.stats -> 'avg') is distinct from (written.n, written.last_evidence_at, written.stats -> 'avg'))
    on conflict (lesson_id, ts) do nothing
    returning lesson_id
  ),
  changes as (
    select 'lesson_activated' as event, written.scope_subset, written.n, written.edge_raw, written.q_value
    from written
    left join public.learning_lessons former on former.id = written.id
    where written.status = 'active' and former.status is distinct from 'active'
    union all
    select 'lesson_deprecated', written.scope_subset, written.n, written.edge_raw, written.q_value
    from written
    join public.learning_lessons former on former.id = written.id
    where written.status = 'deprecated' and former.status = 'active'
    union all
    select 'lesson_deprecated', lapsed.scope_subset, lapsed.n, lapsed.edge_raw, lapsed.q_value from lapsed
  ),
  logged as (
    insert into public.learning_log (level, component, event, message, details)
    select 'INFO', case held.lesson_type when 'tuning_rates' then 'mine-tuning' else 'mine-lessons' end, changes.event,
      format('%s %s %s in %s: n=%s edge=%s q=%s', case changes.event when 'lesson_activated' then 'Active' else 'No longer active' end,
        held.pattern_key, held.action_category, changes.scope_subset, changes.n, round(changes.edge_raw::numeric, 4), changes.q_value),
      jsonb_build_object('pattern_key', held.pattern_key, 'action_category', held.action_category, 'scope_subset', changes.scope_subset,
        'n', changes.n, 'edge_raw', changes.edge_raw, 'q_value', changes.q_value)
    from changes
    where held.lesson_type <> 'tuning_rates'
    returning event
  )
  select jsonb_build_object(
    'written', (select count(*) from written), 'deprecated', (select count(*) from lapsed), 'deleted', (select count(*) from dropped),
    'snapshots', (select count(*) from snapshots), 'logged', (select count(*) from logged)
  )
  into outcome;

  perform learning.prune_edge_history(array(
    select lesson.id
    from public.learning_lessons lesson
    where lesson.module = held.module and lesson.pattern_key = held.pattern_key and lesson.action_category = held.action_category
      and lesson.first_active_at is not null
  ));

  update learning.mining_groups mined
  set mined_version = (held.run ->> 'evidence_version')::bigint - later.events, mined_cycle = (held.run ->> 'cycle')::bigint, mined_at = now(), mined_settings = held.run ->> 'settings',
    mined_baseline = (held.run #>> '{baseline,mean}')::float8, run = null, progress = null, lease_token = null, leased_until = null
  from (
    -- Events that came between the beginning of the cycle and that of the run are not in it and keep the group due.
    select exists (
      select from public.pattern_trade_events event
      where held.family = 'strength' and event.module = held.module and event.pattern_key = held.pattern_key
        and event.action_category = held.action_category and event.id > (held.run ->> 'last_event_id')::bigint
      union all
      select from public.pattern_episode_events episode
      where held.family = 'tuning' and episode.pattern_key = held.pattern_key and episode.id > (held.run ->> 'last_event_id')::bigint
    )::integer as events
  ) as later
  where mined.id = held.id;
  return outcome;
end
$$;
comment on function public.finish_mining_group(bigint, uuid, jsonb) is
  'Writes the lessons of a finished run all at once, drops what was no longer found and ends the lease. For the edge functions.';

-- sql/60_overrides.sql

-- Overrides: lessons made actionable, and the ones a person sets by hand.

create table public.pm_overrides (
  id bigint generated by default as identity primary key,
  override_type text not null check (override_type in ('pm_strength', 'pm_tuning', 'dm_alloc')),
  pattern_key text not null check (pattern_key <> ''),
  action_category text not null check (action_category <> ''),
  scope_subset jsonb not null check (jsonb_typeof(scope_subset) = 'object'),
  scope_mask integer not null default 0,
  multiplier float8 default 1.0 check (multiplier > 0 and multiplier < 'Infinity'::float8),
  dir_a float8 not null default 0 check (dir_a between -2 and 2),
  dir_e float8 not null default 0 check (dir_e between -2 and 2),
  value float8 check (value > '-Infinity'::float8 and value < 'Infinity'::float8),
  edge_raw float8 not null default 0 check (edge_raw > '-Infinity'::float8 and edge_raw < 'Infinity'::float8),
  n integer not null default 0 check (n >= 0),
  variance float8 not null default 0 check (variance >= 0 and variance < 'Infinity'::float8),
  confidence_score float8 check (confidence_score between 0 and 1),
  decay_state text not null default 'insufficient'
    check (decay_state in ('insufficient', 'stable', 'improving', 'decaying')),
  half_life_hours float8 check (half_life_hours > 0),
  lesson_id bigint,
  enabled boolean not null default true,
  disabled_by text check (disabled_by in ('loop', 'user')),
  disabled_reason text,
  first_active_at timestamptz not null default now(),
  last_evidence_at timestamptz,
  last_updated_at timestamptz not null default now(),
  scope_digest text not null generated always as (md5(scope_subset::text)) stored,
  unique (override_type, pattern_key, action_category, scope_digest)
)
-- Room in each page: the hourly changes of values touch no index then.
with (fillfactor = 85);
create index pm_overrides_lesson_idx on public.pm_overrides (lesson_id) where lesson_id is not null;
alter table public.pm_overrides enable row level security;

comment on table public.pm_overrides is 'What sizing acts on: active lessons made actionable, and overrides set by hand.';
comment on column public.pm_overrides.id is 'Identity; larger is newer.';
comment on column public.pm_overrides.override_type is 'pm_strength steers sizes, pm_tuning moves gates and levers, dm_alloc moves allocation.';
comment on column public.pm_overrides.pattern_key is 'Behaviour it applies to, dotted.';
comment on column public.pm_overrides.action_category is 'Action it applies to; for tuning the lever, for example tuning_halo.';
comment on column public.pm_overrides.scope_subset is 'Applies to every candidate whose scope contains this.';
comment on column public.pm_overrides.scope_mask is 'Dimensions of scope_subset as bits; kept by a trigger.';
comment on column public.pm_overrides.multiplier is 'Factor on the size, or on the lever.';
comment on column public.pm_overrides.dir_a is 'Direction for the appetite to add, -1 to 1; -2 to 2 where it is measured against the module''s own.';
comment on column public.pm_overrides.dir_e is 'Direction for the assertiveness to exit, -1 to 1; -2 to 2 where it is measured against the module''s own.';
comment on column public.pm_overrides.value is 'Additive change or target of the lever.';
comment on column public.pm_overrides.edge_raw is 'Edge it rests on.';
comment on column public.pm_overrides.n is 'Trades it rests on.';
comment on column public.pm_overrides.variance is 'Variance of their outcomes.';
comment on column public.pm_overrides.confidence_score is 'Trust in it, 0 to 1; null counts 0.5.';
comment on column public.pm_overrides.decay_state is 'Whether the edge is stable, improving or decaying.';
comment on column public.pm_overrides.half_life_hours is 'Half-life of the edge; null where unknown.';
comment on column public.pm_overrides.lesson_id is 'Lesson it was made from; null: made by hand and never touched by the loop.';
comment on column public.pm_overrides.enabled is 'Whether it acts.';
comment on column public.pm_overrides.disabled_by is 'Who switched it off: the loop, or a user, whose word stands.';
comment on column public.pm_overrides.disabled_reason is 'Why it was switched off.';
comment on column public.pm_overrides.first_active_at is 'When it first acted.';
comment on column public.pm_overrides.last_evidence_at is 'Close of the newest trade behind it; it fades from there.';
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
  select string_agg(quote_literal(entry.key), ', ') into unknown
  from jsonb_object_keys(scope) as entry(key)
  where not exists (
    select from public.scope_dimensions registered where registered.dim = entry.key or entry.key = any (registered.aliases)
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
comment on function learning.override_scope(text, jsonb) is 'The scope of an override in its normal form; refuses unregistered dimensions.';

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
          if (new.scope_subset, new.scope_mask, new.pattern_key, new.enabled, new.disabled_by, new.disabled_reason, new.id)
            is not distinct from
            (old.scope_subset, old.scope_mask, old.pattern_key, old.enabled, old.disabled_by, old.disabled_reason, old.id) then
            return new;
          end if;
          if new.id is distinct from old.id then
            raise exception using
              errcode = '22023',
              message = format('Override %%s cannot become %%s', old.id, new.id),
              hint = 'What was logged and filed of it names its id. Insert another override instead.';
          end if;
        end if;
        declare
          scope constant jsonb := new.scope_subset;
          written constant text := scope::text;
        begin
          new.scope_mask := %s;
          -- Nearly every row is in its normal form, and each further look into one of so many columns costs.
          if new.scope_mask is not null and new.enabled and new.disabled_by is null and new.disabled_reason is null
            and not new.pattern_key ^@ 'module=' and new.pattern_key = btrim(new.pattern_key) then
            return new;
          end if;
          -- No scope at all is refused by its column; the empty one would be every candidate's.
          if new.scope_mask is null and scope is not null then
            -- One that stays may name dimensions that were taken out since: it can be switched off all the same.
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
  'Writes learning.normalise_override with the registered dimensions in it: it is called for every row, and a call within it took a fifth of its time.';
do $$
begin
  perform learning.write_normalise_override();
end
$$;
comment on function learning.normalise_override() is
  'Stores key and scope in their normal form, and notes who disabled an override and when it was written last.';
create trigger normalise_override before insert or update on public.pm_overrides
for each row execute function learning.normalise_override();
comment on trigger normalise_override on public.pm_overrides is
  'Stores key and scope in their normal form, and notes who disabled an override and when it was written last.';

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
    update public.pm_overrides made
    set scope_mask = learning.scope_mask(made.scope_subset)
    where made.scope_subset ?| array(select registered.dim from registered)
      and made.scope_mask <> learning.scope_mask(made.scope_subset);
  end if;
  return null;
end
$$;
comment on function learning.adapt_overrides() is 'Brings what knows the overrides'' dimensions in line with those that are registered.';
create trigger adapt_overrides_to_new_dimensions after insert on public.scope_dimensions
referencing new table as registered
for each statement execute function learning.adapt_overrides();
comment on trigger adapt_overrides_to_new_dimensions on public.scope_dimensions is 'Overrides know a dimension as soon as it is registered.';
create trigger adapt_overrides_to_fewer_dimensions after delete or truncate on public.scope_dimensions
for each statement execute function learning.adapt_overrides();
comment on trigger adapt_overrides_to_fewer_dimensions on public.scope_dimensions is 'Overrides know a dimension no longer once it is taken out.';

-- sql/61_override_weights.sql

-- Weights of overrides: how much one counts, how it fades, and where it acts.

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

create function learning.fade(as_of timestamptz, last_evidence_at timestamptz, half_life_hours float8)
returns float8
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select case when last_evidence_at < as_of then exp(greatest(-115, -ln(2::float8)
    * (extract(epoch from as_of)::float8 - extract(epoch from last_evidence_at)::float8) / 3600 / greatest(half_life_hours, 1e-9))) else 1 end;
$$;
comment on function learning.fade(timestamptz, timestamptz, float8) is
  'How much of an override still acts: 1 while its evidence is new, halved with each half-life since.';

create function learning.overrides_act(scope jsonb, config jsonb)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  regimes constant jsonb := config #> '{flags,learning_overrides_enabled_regimes}';
begin
  return (config #>> '{flags,learning_overrides_enabled}')::boolean
    and (regimes = 'null'::jsonb or coalesce(regimes ? (scope ->> 'macro_phase'), false));
end
$$;
comment on function learning.overrides_act(jsonb, jsonb) is 'Whether strength overrides act at all in a scope''s macro phase.';

create function learning.steering_strength(confidence float8, steering jsonb)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return learning.without_dust(least((steering ->> 'max')::float8,
    (steering ->> 'base')::float8 + learning.without_dust((steering ->> 'gain')::float8) * confidence));
end
$$;
comment on function learning.steering_strength(float8, jsonb) is 'How far overrides of this confidence may steer the posture.';

create function learning.with_headroom(value float8, delta float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return greatest(0, least(1, case when delta >= 0 then value + delta * (1 - value) else value + delta * value end));
end
$$;
comment on function learning.with_headroom(float8, float8) is 'Moves a value in 0 to 1 by a share of the room left in that direction.';

-- sql/62_override_index.sql

-- Filing: each override lies under its rarest pairs, so that a candidate finds those it contains without looking at the others.
-- Of 20,000 overrides under one pattern key a candidate looks at about 2,000 to find 340; comparing each one's scope_subset takes
-- more than 20 times as long (task bench --only sizing) and, under row level security, no index may help with it.

create table learning.override_index_groups (
  id integer generated always as identity (maxvalue 8388607) primary key,
  override_type text collate "C" not null,
  pattern_key text collate "C" not null,
  action_category text collate "C" not null,
  filed_count integer not null,
  counted_at integer not null,
  most_pairs smallint not null,
  filed_by smallint not null default 1 check (filed_by in (1, 2)),
  best_filed_by smallint not null generated always as (case when filed_count > 30000 then 2 else 1 end) stored,
  unique (override_type, pattern_key, action_category)
);
alter table learning.override_index_groups enable row level security;
comment on table learning.override_index_groups is 'The groups in which overrides are filed.';
comment on column learning.override_index_groups.id is 'Identity.';
comment on column learning.override_index_groups.override_type is 'Type of the overrides.';
comment on column learning.override_index_groups.pattern_key is 'Behaviour, dotted.';
comment on column learning.override_index_groups.action_category is 'Category of the action, or lever.';
comment on column learning.override_index_groups.filed_count is 'How many overrides are filed.';
comment on column learning.override_index_groups.counted_at is 'How many there were when the uses of their pairs were counted last.';
comment on column learning.override_index_groups.most_pairs is 'No override that is filed has more pairs.';
comment on column learning.override_index_groups.filed_by is 'By how many of its rarest pairs each is filed.';
comment on column learning.override_index_groups.best_filed_by is
  'By how many it should be: by one, a candidate looks through a tenth of the group; by two, through a fortieth, at 150 places.';

create table learning.override_index_pairs (
  group_id integer not null,
  pair text collate "C" not null,
  number integer not null check (number between 1 and 1048575),
  uses integer not null,
  primary key (group_id, pair) include (number)
);
alter table learning.override_index_pairs enable row level security;
comment on table learning.override_index_pairs is 'The pairs of dimension and value that a group''s overrides have, numbered.';
comment on column learning.override_index_pairs.group_id is 'The group.';
comment on column learning.override_index_pairs.pair is 'Dimension, an equals sign and value.';
comment on column learning.override_index_pairs.number is 'Number of the pair in its group.';
comment on column learning.override_index_pairs.uses is 'How many of the group''s overrides had it when they were counted last.';

create table learning.override_index_entries (
  override_id bigint primary key,
  filed_as bigint not null,
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
  pairs_1, pairs_2, override_id, scope_mask, specificity, confidence, multiplier, dir_a, dir_e, edge, support, evidence_us, decay_us
);
alter table learning.override_index_entries enable row level security;
comment on table learning.override_index_entries is 'Every enabled override as a sizing call needs it, filed under its rarest pairs. Kept by triggers, read from its index alone.';
comment on column learning.override_index_entries.override_id is 'The override.';
comment on column learning.override_index_entries.filed_as is
  'Hash of the type, pattern key, category and scope that it was filed for: an override with another one has moved.';
comment on column learning.override_index_entries.bucket is 'Where it is filed: the group times 2^40 plus the smaller pair times 2^20 plus the larger; pairs it is not filed by count 0.';
comment on column learning.override_index_entries.pairs_1 is 'Which of the pairs 1 to 64 it has, as bits.';
comment on column learning.override_index_entries.pairs_2 is
  'Which of the pairs 65 to 127 it has, as bits; below 0 where it has others beside those it is filed by, which is rare, as they are.';
comment on column learning.override_index_entries.scope_mask is
  'Dimensions of its scope as bits: with them a candidate that contains it knows its scope without reading pm_overrides.';
comment on column learning.override_index_entries.specificity is 'Number of its pairs plus one, to the power of 1.5.';
comment on column learning.override_index_entries.confidence is 'Confidence; 0.5 where none was given.';
comment on column learning.override_index_entries.multiplier is 'Multiplier; 1 where none was given.';
comment on column learning.override_index_entries.dir_a is 'Direction for the appetite.';
comment on column learning.override_index_entries.dir_e is 'Direction for the assertiveness.';
comment on column learning.override_index_entries.edge is 'Edge.';
comment on column learning.override_index_entries.support is 'Trust from the number of trades and their variance: (1 - e^(-n/25))/(1 + variance).';
comment on column learning.override_index_entries.evidence_us is 'Close of the newest trade behind it in microseconds since 1970; far in the future where there is none.';
comment on column learning.override_index_entries.decay_us is 'Half-life of the edge in microseconds; 30 days where unknown.';

create function learning.override_terms_query(overrides text)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return format($terms$
    select held.id as override_id, held.enabled,
      hashtextextended(held.scope_digest, hashtextextended(held.action_category, hashtextextended(held.pattern_key,
        hashtextextended(held.override_type, held.scope_mask)))) as filed_as,
      held.scope_mask, learning.specificity(bit_count(held.scope_mask::bit(32))::integer) as specificity,
      -- Beyond these bounds nothing changes in an answer, but products would leave the range of numbers.
      case when held.confidence_score < 1e-50 then 0 else coalesce(held.confidence_score, 0.5) end as confidence,
      greatest(1e-50, least(1e50, coalesce(held.multiplier, 1))) as multiplier,
      case when abs(held.dir_a) < 1e-50 then 0 else held.dir_a end as dir_a,
      case when abs(held.dir_e) < 1e-50 then 0 else held.dir_e end as dir_e,
      case when abs(held.edge_raw) < 1e-50 then 0 else greatest(-1e50, least(1e50, held.edge_raw)) end as edge,
      (1 - exp(greatest(-700, -held.n / 25::float8))) / (1 + least(1e50, held.variance)) as support,
      case
        when isfinite(held.last_evidence_at) then (extract(epoch from held.last_evidence_at) * 1000000)::float8
        when held.last_evidence_at = '-infinity' then -1e100
        else 1e100
      end as evidence_us,
      3.6e9 * greatest(1e-9, least(1e50, coalesce(held.half_life_hours, 720))) as decay_us
    from %s held
  $terms$, overrides);
end
$$;
comment on function learning.override_terms_query(text) is
  'The query for what of overrides enters a sizing, apart from their pairs; they are read from the given relation, which has the columns of pm_overrides.';

do $$
begin
  execute 'create view learning.override_terms with (security_invoker = true) as ' || learning.override_terms_query('public.pm_overrides');
end
$$;
comment on view learning.override_terms is 'What of an override enters a sizing, apart from its scope.';
comment on column learning.override_terms.override_id is 'The override.';
comment on column learning.override_terms.enabled is 'Whether it acts.';
comment on column learning.override_terms.filed_as is 'Hash of its type, pattern key, category and scope.';
comment on column learning.override_terms.scope_mask is 'Dimensions of its scope as bits.';
comment on column learning.override_terms.specificity is 'Number of its pairs plus one, to the power of 1.5.';
comment on column learning.override_terms.confidence is 'Confidence; 0.5 where none was given.';
comment on column learning.override_terms.multiplier is 'Multiplier; 1 where none was given.';
comment on column learning.override_terms.dir_a is 'Direction for the appetite.';
comment on column learning.override_terms.dir_e is 'Direction for the assertiveness.';
comment on column learning.override_terms.edge is 'Edge.';
comment on column learning.override_terms.support is 'Trust from the number of trades and their variance.';
comment on column learning.override_terms.evidence_us is 'Close of the newest trade behind it in microseconds since 1970; far in the future where there is none.';
comment on column learning.override_terms.decay_us is 'Half-life of the edge in microseconds; 30 days where unknown.';

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
  'The pairs'' part of a bucket for an override that is filed by two; each pair is given as its uses times 2^20 plus its number.';

-- All of these run as their owner: whoever may write overrides need not be able to write where they are filed.
-- Thousands of overrides are placed by joining whole tables; those that changed are looked for one by one.
-- What depends on how many overrides there are is planned anew each time: a plan made for one would be kept for ten thousand.
create function learning.place_overrides(ids bigint[])
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
  execute $unknown_pairs$
    with fresh as materialized (
      select filed.id as group_id, own.pair, count(*) as uses
      from public.pm_overrides made
      join learning.override_index_groups filed using (override_type, pattern_key, action_category)
      cross join lateral (select given.key || '=' || given.value as pair from jsonb_each_text(made.scope_subset) as given) as own
      left join learning.override_index_pairs known on known.group_id = filed.id and known.pair = own.pair
      where made.id = any ($1) and known.number is null
      group by filed.id, own.pair
    ),
    numbered as materialized (
      select concerned.group_id, (select max(pair.number) from learning.override_index_pairs pair where pair.group_id = concerned.group_id) as last
      from (select distinct fresh.group_id from fresh) as concerned
    )
    insert into learning.override_index_pairs (group_id, pair, number, uses)
    select fresh.group_id, fresh.pair,
      coalesce(numbered.last, 0) + row_number() over (partition by fresh.group_id order by fresh.uses desc, fresh.pair), fresh.uses
    from fresh
    join numbered using (group_id)
  $unknown_pairs$ using ids;

  execute $filings$
    insert into learning.override_index_entries (override_id, filed_as, bucket, pairs_1, pairs_2, scope_mask, specificity, confidence, multiplier,
      dir_a, dir_e, edge, support, evidence_us, decay_us)
    select placed.id, terms.filed_as, placed.bucket, placed.pairs_1,
      case when placed.more_pairs <@ array[placed.bucket >> 20 & 1048575, placed.bucket & 1048575] is not false then placed.pairs_2
        else placed.pairs_2 | (1::bigint << 63) end,
      terms.scope_mask, terms.specificity, terms.confidence, terms.multiplier, terms.dir_a, terms.dir_e, terms.edge, terms.support,
      terms.evidence_us, terms.decay_us
    from (
      select made.id,
        filed.id::bigint << 40 | case filed.filed_by
          when 1 then coalesce(min(pair.uses::bigint << 20 | pair.number) & 1048575, 0) << 20
          else learning.rarest_two(array_agg(pair.uses::bigint << 20 | pair.number) filter (where pair.number is not null))
        end as bucket,
        coalesce(bit_or(1::bigint << (pair.number - 1)) filter (where pair.number <= 64), 0) as pairs_1,
        coalesce(bit_or(1::bigint << (pair.number - 65)) filter (where pair.number between 65 and 127), 0) as pairs_2,
        array_agg(pair.number::bigint) filter (where pair.number > 127) as more_pairs
      from public.pm_overrides made
      join learning.override_index_groups filed using (override_type, pattern_key, action_category)
      left join lateral jsonb_each_text(made.scope_subset) as own on true
      left join learning.override_index_pairs pair on pair.group_id = filed.id and pair.pair = own.key || '=' || own.value
      where made.id = any ($1)
      group by made.id, filed.id, filed.filed_by
    ) as placed
    join learning.override_terms terms on terms.override_id = placed.id and terms.override_id = any ($1)
    -- Neighbours in the index arrive together, which fills its pages and keeps them few.
    order by placed.bucket
  $filings$ using ids;
end
$$;
comment on function learning.place_overrides(bigint[]) is 'Files overrides whose groups are there, numbering the pairs that are new.';

-- sql/63_override_index_upkeep.sql

-- Upkeep of the override index: triggers bring it in line with every change of pm_overrides.

create function learning.refile_group(group_id integer, arriving bigint[])
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  first_bucket constant bigint := refile_group.group_id::bigint << 40;
  last_bucket constant bigint := ((refile_group.group_id::bigint + 1) << 40) - 1;
  former bigint[];
  filing bigint[];
begin
  -- In the order in which values are changed: who changes them meanwhile is waited for.
  former := array(
    select held.override_id from learning.override_index_entries held where held.bucket between first_bucket and last_bucket
    order by held.override_id for update
  );
  delete from learning.override_index_entries held where held.bucket between first_bucket and last_bucket;
  delete from learning.override_index_pairs pair where pair.group_id = refile_group.group_id;
  -- Not all that are enabled: some may have changed in the statement that is under way, and are filed when their turn comes.
  filing := array(
    select made.id
    from public.pm_overrides made
    join learning.override_index_groups filed using (override_type, pattern_key, action_category)
    where filed.id = refile_group.group_id and made.id = any (former || arriving)
  );
  update learning.override_index_groups filed
  set filed_count = filed.filed_count - (select count(*) from (select unnest(former) except select unnest(filing)) as gone)
  where filed.id = refile_group.group_id;
  update learning.override_index_groups filed
  set counted_at = filed.filed_count, filed_by = filed.best_filed_by
  where filed.id = refile_group.group_id;
  perform learning.place_overrides(filing);
end
$$;
comment on function learning.refile_group(integer, bigint[]) is
  'Counts and numbers a group''s pairs anew and files what was filed in it, and what arrives, by what is rare now.';

create function learning.file_overrides(ids bigint[])
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
  perform from learning.override_index_groups filed
  join (
    select made.override_type, made.pattern_key, made.action_category
    from public.pm_overrides made
    where made.id = any (ids)
    group by made.override_type, made.pattern_key, made.action_category
  ) as concerned using (override_type, pattern_key, action_category)
  order by filed.id for update of filed;
  with arrived as (
    select made.override_type, made.pattern_key, made.action_category, count(*) as overrides,
      max(bit_count(made.scope_mask::bit(32))) as most_pairs
    from public.pm_overrides made
    where made.id = any (ids)
    group by made.override_type, made.pattern_key, made.action_category
  ),
  known as (
    update learning.override_index_groups filed
    set filed_count = filed.filed_count + arrived.overrides, most_pairs = greatest(filed.most_pairs, arrived.most_pairs)
    from arrived
    where (filed.override_type, filed.pattern_key, filed.action_category)
      = (arrived.override_type, arrived.pattern_key, arrived.action_category)
    returning filed.*
  ),
  -- A row that is inserted costs a number even where there is one already, and a bucket has room for 2^23 of them.
  fresh as (
    insert into learning.override_index_groups as filed (override_type, pattern_key, action_category, filed_count, counted_at, most_pairs)
    select arrived.override_type, arrived.pattern_key, arrived.action_category, arrived.overrides, arrived.overrides, arrived.most_pairs
    from arrived
    left join known using (override_type, pattern_key, action_category)
    where known.id is null
    order by arrived.override_type, arrived.pattern_key, arrived.action_category
    on conflict (override_type, pattern_key, action_category) do update set
      filed_count = filed.filed_count + excluded.filed_count, most_pairs = greatest(filed.most_pairs, excluded.most_pairs)
    returning filed.*
  ),
  touched as (
    select known.* from known union all select fresh.* from fresh
  )
  -- What was rare when there were half as many need not be any more.
  select coalesce(array_agg(touched.id), '{}') into outgrown
  from touched
  where touched.filed_count > 2 * touched.counted_at + 500 or touched.filed_by < touched.best_filed_by;
  foreach group_id in array outgrown loop
    perform learning.refile_group(group_id, ids);
  end loop;
  perform learning.place_overrides(case when cardinality(outgrown) = 0 then ids else array(
    select made.id
    from public.pm_overrides made
    join learning.override_index_groups filed using (override_type, pattern_key, action_category)
    where made.id = any (ids) and filed.id <> all (outgrown)
  ) end);
end
$$;
comment on function learning.file_overrides(bigint[]) is 'Files enabled overrides that are filed nowhere yet.';

create function learning.unfile_overrides(ids bigint[])
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  groups constant integer[] := array(
    select distinct (held.bucket >> 40)::integer from learning.override_index_entries held where held.override_id = any (ids)
  );
begin
  -- Who files a group anew holds its row: until then its overrides lie in two places, and only one of them stays.
  perform from learning.override_index_groups filed where filed.id = any (groups) order by filed.id for update;
  with unfiled as (
    delete from learning.override_index_entries held where held.override_id = any (ids) returning (held.bucket >> 40)::integer as group_id
  ),
  lost as (
    select unfiled.group_id, count(*) as overrides from unfiled group by unfiled.group_id
  )
  update learning.override_index_groups filed
  set filed_count = filed.filed_count - lost.overrides
  from lost
  where filed.id = lost.group_id;
end
$$;
comment on function learning.unfile_overrides(bigint[]) is 'Takes overrides that were deleted, disabled or moved out of the files.';

create function learning.file_new_overrides()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.file_overrides((select array_agg(made.id) from new_overrides made where made.enabled));
  return null;
end
$$;
comment on function learning.file_new_overrides() is 'Files the overrides that a statement inserted.';

create function learning.file_changed_overrides()
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
  changed_ids constant bigint[] := array(select changed.id from new_overrides changed);
  change_in_place constant text := format($stayed$
    update learning.override_index_entries held
    set confidence = terms.confidence, multiplier = terms.multiplier, dir_a = terms.dir_a, dir_e = terms.dir_e, edge = terms.edge,
      support = terms.support, evidence_us = terms.evidence_us, decay_us = terms.decay_us
    from (%s order by override_id) as terms
    where held.override_id = terms.override_id and held.filed_as = terms.filed_as and terms.enabled
  $stayed$, learning.override_terms_query('new_overrides'));
  stayed integer;
  moved bigint[];
  arrived bigint[];
begin
  begin
    execute change_in_place;
    get diagnostics stayed = row_count;
    if stayed = cardinality(changed_ids) then
      return null;
    end if;
    raise exception using errcode = 'EL001', message = 'Some overrides were moved, enabled or disabled.';
  exception when sqlstate 'EL001' then
    -- Rare. What was changed is undone: who holds one of the groups may be waiting for it, while its groups are waited for next.
    null;
  end;
  -- The groups that overrides leave and those they enter, at once and in one order.
  execute $concerned$
    select from learning.override_index_groups filed
    where filed.id in (
      select held.id from public.pm_overrides changed join learning.override_index_groups held using (override_type, pattern_key, action_category)
      where changed.id = any ($1)
      union
      select (held.bucket >> 40)::integer from learning.override_index_entries held where held.override_id = any ($1)
    )
    order by filed.id for update
  $concerned$ using changed_ids;
  execute change_in_place;
  execute $moved$
    select array_agg(held.override_id) filter (where held.override_id is not null),
      array_agg(terms.override_id) filter (where terms.enabled)
    from learning.override_terms terms
    left join learning.override_index_entries held on held.override_id = terms.override_id and held.override_id = any ($1)
    where terms.override_id = any ($1) and (terms.enabled and terms.filed_as = held.filed_as) is not true
  $moved$ into moved, arrived using changed_ids;
  perform learning.unfile_overrides(moved);
  perform learning.file_overrides(arrived);
  return null;
end
$$;
comment on function learning.file_changed_overrides() is 'Files the overrides that a statement changed: anew where they moved, in their place where only their values did.';

create function learning.unfile_deleted_overrides()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'TRUNCATE' then
    truncate learning.override_index_entries, learning.override_index_pairs, learning.override_index_groups;
  else
    perform learning.unfile_overrides((select array_agg(former.id) from old_overrides former));
  end if;
  return null;
end
$$;
comment on function learning.unfile_deleted_overrides() is 'Takes the overrides that a statement deleted out of the files.';

create trigger file_new_overrides after insert on public.pm_overrides
referencing new table as new_overrides
for each statement execute function learning.file_new_overrides();
comment on trigger file_new_overrides on public.pm_overrides is 'New overrides act at once.';
create trigger file_changed_overrides after update on public.pm_overrides
referencing new table as new_overrides
for each statement execute function learning.file_changed_overrides();
comment on trigger file_changed_overrides on public.pm_overrides is 'Changed overrides act as changed at once.';
create trigger unfile_deleted_overrides after delete on public.pm_overrides
referencing old table as old_overrides
for each statement execute function learning.unfile_deleted_overrides();
comment on trigger unfile_deleted_overrides on public.pm_overrides is 'Deleted overrides stop acting at once.';
create trigger unfile_truncated_overrides after truncate on public.pm_overrides
for each statement execute function learning.unfile_deleted_overrides();
comment on trigger unfile_truncated_overrides on public.pm_overrides is 'Deleted overrides stop acting at once.';

-- sql/64_override_lookup.sql

-- Look-up of overrides: those that a scope contains, by the index alone.

create type learning.override_probe as (
  buckets bigint[],
  lacking_1 bigint,
  lacking_2 bigint,
  most_specificity float8
);
comment on type learning.override_probe is
  'What to look for in learning.override_index_entries: an override lies in one of the buckets and has none of the lacking pairs. None is more specific than most_specificity.';

create function learning.probe_overrides(override_type text, pattern_key text, action_category text, scope jsonb)
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
  filed_by smallint;
  most_pairs smallint;
  own_pairs bigint[];
  probe learning.override_probe;
begin
  select filed.id::bigint << 40, filed.filed_by, filed.most_pairs, own.numbers, own.buckets, own.lacking_1, own.lacking_2
  into group_bits, filed_by, most_pairs, own_pairs, probe.buckets, probe.lacking_1, probe.lacking_2
  from learning.override_index_groups filed
  cross join lateral (
    select array_agg(pair.number::bigint) as numbers,
      -- The empty scope, and each pair.
      (filed.id::bigint << 40) || coalesce(array_agg((filed.id::bigint << 40) | (pair.number::bigint << 20)), '{}') as buckets,
      ~coalesce(bit_or(1::bigint << (pair.number - 1)) filter (where pair.number <= 64), 0) as lacking_1,
      ~(coalesce(bit_or(1::bigint << (pair.number - 65)) filter (where pair.number between 65 and 127), 0) | (1::bigint << 63)) as lacking_2
    from (
      -- A join may read all of a group's pairs instead of looking for each.
      select (
        select known.number from learning.override_index_pairs known where known.group_id = filed.id and known.pair = given.key || '=' || given.value
      ) as number
      from jsonb_each_text(scope) as given
      offset 0
    ) as pair
    where pair.number is not null
  ) as own
  where filed.override_type = probe_overrides.override_type and filed.pattern_key = probe_overrides.pattern_key
    and filed.action_category = probe_overrides.action_category;
  if group_bits is null then
    return null;
  end if;
  probe.most_specificity := learning.specificity(most_pairs);
  if filed_by = 2 then
    probe.buckets := probe.buckets || array(
      select group_bits | (one.pair << 20) | other.pair
      from unnest(own_pairs) as one(pair)
      join unnest(own_pairs) as other(pair) on one.pair < other.pair
    );
  end if;
  return probe;
end
$$;
comment on function learning.probe_overrides(text, text, text, jsonb) is 'Where the overrides that a scope contains are filed; null where there can be none.';

create function learning.contains_override(scope jsonb, override_id bigint)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select made.scope_subset <@ scope from public.pm_overrides made where made.id = contains_override.override_id);
end
$$;
comment on function learning.contains_override(jsonb, bigint) is 'Whether a scope contains an override that has pairs which its filing does not name.';

create function learning.contained_overrides(filed learning.override_index_groups, scope jsonb)
returns setof learning.override_index_entries
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  probe constant learning.override_probe :=
    learning.probe_overrides(filed.override_type, filed.pattern_key, filed.action_category, scope);
begin
  return query
  select held.*
  from learning.override_index_entries held
  where held.bucket = any (probe.buckets)
    and held.pairs_1 & probe.lacking_1 = 0 and held.pairs_2 & probe.lacking_2 = 0
    and (held.pairs_2 >= 0 or learning.contains_override(scope, held.override_id));
end
$$;
comment on function learning.contained_overrides(learning.override_index_groups, jsonb) is 'The overrides of a group that a scope contains, as they are filed.';

-- sql/66_reconciliation.sql

-- Reconciliation: the loop's own overrides follow the active lessons, and nothing else does.

create function public.reconcile_overrides(p_after bigint default 0, p_limit integer default 50)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
-- Most lessons are not active: reading those that are, by their index, is most of what there is to do.
set enable_seqscan = off
set jit = off
as $$
declare
  outcome jsonb;
begin
  with batch as materialized (
    select held.id, held.lesson_type, held.pattern_key, held.action_category
    from learning.mining_groups held
    where held.family = 'strength' and held.id > p_after
    order by held.id
    limit p_limit
  ),
  keys as materialized (
    select distinct batch.lesson_type, batch.pattern_key, batch.action_category from batch
  ),
  -- Several modules may have learned about one key: the lesson that rests on most speaks for all of them.
  wanted as materialized (
    select distinct on (lesson.lesson_type, lesson.pattern_key, lesson.action_category, lesson.scope_digest)
      lesson.id as lesson_id, lesson.lesson_type as override_type, lesson.pattern_key, lesson.action_category, lesson.scope_subset,
      lesson.scope_digest,
      case lesson.lesson_type
        when 'dm_alloc' then least(greatest(1 + lesson.edge_raw, 0.7), 1.3)
        else least(greatest(1 + lesson.edge_raw, 0.3), 3.0)
      end as multiplier,
      (lesson.stats ->> 'dirA')::float8 as dir_a, (lesson.stats ->> 'dirE')::float8 as dir_e, lesson.edge_raw, lesson.n,
      (lesson.stats ->> 'variance')::float8 as variance, (lesson.stats ->> 'confidence')::float8 as confidence_score,
      lesson.stats #>> '{decay,state}' as decay_state, nullif(lesson.decay_halflife_hours, 0) as half_life_hours,
      lesson.first_active_at, lesson.last_evidence_at
    from keys
    join learning.mining_groups mined using (lesson_type, pattern_key, action_category)
    join public.learning_lessons lesson
      on lesson.module = mined.module and lesson.pattern_key = mined.pattern_key and lesson.action_category = mined.action_category
    cross join (select coalesce(array_agg(known.dim), '{}') as dims from public.scope_dimensions known) as registered
    where lesson.status = 'active'
      -- One with a dimension that was taken out since has no candidate, and no override.
      and lesson.scope_subset - registered.dims = '{}'
    order by lesson.lesson_type, lesson.pattern_key, lesson.action_category, lesson.scope_digest, lesson.n desc, lesson.id
  ),
  former as materialized (
    select held.id, held.override_type, held.pattern_key, held.action_category, held.scope_subset, held.scope_digest, held.enabled,
      held.lesson_id
    from keys
    join public.pm_overrides held
      on held.override_type = keys.lesson_type and held.pattern_key = keys.pattern_key and held.action_category = keys.action_category
    where held.lesson_id is not null
  ),
  written as (
    insert into public.pm_overrides as held (
      override_type, pattern_key, action_category, scope_subset, multiplier, dir_a, dir_e, edge_raw, n, variance, confidence_score,
      decay_state, half_life_hours, lesson_id, first_active_at, last_evidence_at
    )
    select wanted.override_type, wanted.pattern_key, wanted.action_category, wanted.scope_subset, wanted.multiplier, wanted.dir_a,
      wanted.dir_e, wanted.edge_raw, wanted.n, wanted.variance, wanted.confidence_score, wanted.decay_state, wanted.half_life_hours,
      wanted.lesson_id, wanted.first_active_at, wanted.last_evidence_at
    from wanted
    on conflict (override_type, pattern_key, action_category, scope_digest) do update set
      multiplier = excluded.multiplier, dir_a = excluded.dir_a, dir_e = excluded.dir_e, edge_raw = excluded.edge_raw, n = excluded.n,
      variance = excluded.variance, confidence_score = excluded.confidence_score, decay_state = excluded.decay_state,
      half_life_hours = excluded.half_life_hours, lesson_id = excluded.lesson_id, last_evidence_at = excluded.last_evidence_at,
      enabled = held.enabled or held.disabled_by = 'loop'
    -- One made by hand is a person's word and is not overwritten; one a user switched off stays off.
    where held.lesson_id is not null
      and (held.multiplier, held.dir_a, held.dir_e, held.edge_raw, held.n, held.variance, held.confidence_score, held.decay_state,
          held.half_life_hours, held.lesson_id, held.last_evidence_at, held.enabled)
        is distinct from (excluded.multiplier, excluded.dir_a, excluded.dir_e, excluded.edge_raw, excluded.n, excluded.variance,
          excluded.confidence_score, excluded.decay_state, excluded.half_life_hours, excluded.lesson_id, excluded.last_evidence_at,
          held.enabled or held.disabled_by = 'loop')
    returning held.id, held.override_type, held.pattern_key, held.action_category, held.scope_subset, held.multiplier, held.edge_raw,
      held.n, held.dir_a, held.dir_e, held.confidence_score
  ),
  disabled as (
    update public.pm_overrides held
    set enabled = false, disabled_by = 'loop',
      disabled_reason = coalesce(
        (
          select case lesson.status
            when 'active' then 'It names a dimension that is no longer registered'
            else format('Its lesson is no longer active: n=%s edge=%s q=%s', lesson.n, round(lesson.edge_raw::numeric, 4),
              round(lesson.q_value::numeric, 4))
          end
          from public.learning_lessons lesson
          where lesson.id = former.lesson_id
        ),
        'Its lesson is no longer found'
      )
    from former
    where held.id = former.id and former.enabled
      -- Not in rather than not exists: it is hashed however few rows are expected, and the other would compare all with all.
      and (former.override_type, former.pattern_key, former.action_category, former.scope_digest) not in (
        select wanted.override_type, wanted.pattern_key, wanted.action_category, wanted.scope_digest from wanted
      )
    returning held.id, held.override_type, held.pattern_key, held.action_category, held.scope_subset, held.disabled_reason
  ),
  logged as (
    insert into public.learning_log (level, component, event, message, details)
    select 'INFO', 'materialize-overrides', case when former.id is null then 'override_created' else 'override_changed' end,
      format('Override for %s %s in %s %s: multiplier=%s dir_a=%s dir_e=%s confidence=%s', written.pattern_key, written.action_category,
        written.scope_subset, case when former.id is null then 'created' else 'changed' end, round(written.multiplier::numeric, 4),
        round(written.dir_a::numeric, 3), round(written.dir_e::numeric, 3), round(written.confidence_score::numeric, 3)),
      to_jsonb(written)
    from written
    -- The row as it was before this statement, which is all that its other parts see.
    left join public.pm_overrides former on former.id = written.id
    union all
    select 'INFO', 'materialize-overrides', 'override_disabled',
      format('Override for %s %s in %s disabled: %s', disabled.pattern_key, disabled.action_category, disabled.scope_subset,
        disabled.disabled_reason),
      to_jsonb(disabled)
    from disabled
    returning event
  )
  select jsonb_build_object(
    'next', case when (select count(*) from batch) = p_limit then (select max(batch.id) from batch) end,
    'created', (select count(*) from logged where logged.event = 'override_created'),
    'changed', (select count(*) from logged where logged.event = 'override_changed'),
    'disabled', (select count(*) from logged where logged.event = 'override_disabled')
  )
  into outcome;
  return outcome;
end
$$;
comment on function public.reconcile_overrides(bigint, integer) is
  'Brings the strength and allocation overrides of the next groups in line with their active lessons; next is null after the last one. For the edge functions.';

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
comment on table learning.tuning_groups is 'Mined tuning groups: which windows their lessons rest on, which await simulation and who is at work.';
comment on column learning.tuning_groups.group_id is 'The group.';
comment on column learning.tuning_groups.looks_back_to is 'Oldest time of the windows behind its lessons; null where there is none.';
comment on column learning.tuning_groups.lessons_version is 'Grows when it was mined on changed evidence or settings.';
comment on column learning.tuning_groups.simulated_version is 'Version of the lessons that was simulated last.';
comment on column learning.tuning_groups.simulated_settings is 'Digest of the configuration it was simulated under.';
comment on column learning.tuning_groups.simulated_at is 'When it was simulated last.';
comment on column learning.tuning_groups.run is 'What the simulation under way works with and the lesson it has got to, empty before its first claim; null between simulations.';
comment on column learning.tuning_groups.lease_token is 'Invocation that simulates the group.';
comment on column learning.tuning_groups.leased_until is 'When another invocation may take over.';

create function learning.tuning_lookback()
returns timestamptz
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select max(episode.occurred_at) - make_interval(secs => (learning.config() #>> '{tuning,lookback_days}')::float8 * 86400)
  from public.pattern_episode_events episode
  where episode.outcome is not null;
$$;
comment on function learning.tuning_lookback() is
  'Oldest time that tuning looks at: so many days before the newest window with an outcome; null where there is none.';

create function learning.episode_half(episode_id text)
returns integer
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select get_byte(decode(md5(episode_id), 'hex'), 0) & 1;
$$;
comment on function learning.episode_half(text) is 'Half that an episode belongs to: 0 chooses a move of the gates, 1 confirms it.';

create function learning.packed_codes(code_bytes integer)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(string_agg(format(
    '%L, learning.packed(string_agg(%s(coalesce(event.scope_codes[%s], 0)%s), ''''::bytea))', known.bit,
    case code_bytes when 2 then 'int2send' else 'int4send' end, known.bit + 1, case code_bytes when 2 then '::smallint' else '' end
  ), ', ' order by known.bit), '')
  from public.scope_dimensions known;
$$;
comment on function learning.packed_codes(integer) is
  'Arguments for jsonb_build_object that pack each dimension''s codes of rows named event in so many bytes each; one pass over the rows does them all.';

create function public.start_tuning()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  lookback timestamptz := learning.tuning_lookback();
begin
  -- Windows leave the look-back, and come back to it, without a change of their own.
  perform from learning.mining_groups held
  where held.family = 'tuning'
  order by held.module, held.pattern_key, held.action_category
  for update;
  update learning.mining_groups held
  set evidence_version = held.evidence_version + 1
  from learning.tuning_groups mined
  where mined.group_id = held.id
    and exists (
      select from public.pattern_episode_events episode
      where episode.pattern_key = held.pattern_key and episode.outcome is not null
        and episode.occurred_at >= least(mined.looks_back_to, lookback)
        and episode.occurred_at < greatest(mined.looks_back_to, lookback)
    );
  return public.start_mining('tuning');
end
$$;
comment on function public.start_tuning() is 'Begins a mining cycle of tuning and returns how many groups are due. For the edge functions.';

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
  held learning.mining_groups;
  looks_back_to timestamptz := coalesce(p_looks_back_to, learning.tuning_lookback());
  code_bytes integer := case when (select max(held_value.code) from learning.scope_values held_value) >= 32768 then 4 else 2 end;
  packed jsonb;
begin
  select known.* into held from learning.mining_groups known where known.id = p_group_id;
  execute format($query$
    with event as materialized (
      select episode.*
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
        select jsonb_build_object('occurred_at', newest.occurred_at, 'id', newest.id)
        from event newest order by newest.occurred_at desc, newest.id desc limit 1
      ) end,
      'occurred_at', learning.packed(string_agg(float8send(extract(epoch from event.occurred_at)::float8 * 1000), ''::bytea)),
      'flags', learning.packed(string_agg(int4send(
        (event.decision = 'acted')::integer + 2 * (event.outcome = 'success')::integer + 4 * (event.outcome = 'failure')::integer
        + 8 * (not event.blocked_by <@ array['ts', 'slope', 'halo'])::integer + 16 * learning.episode_half(event.episode_id)
      ), ''::bytea)),
      'gates', %s,
      'dimensions', jsonb_build_object(%s)
    )
    from event
  $query$, case when p_gates then (
      select format('jsonb_build_array(%s)', string_agg(format(
        'learning.packed(string_agg(float8send(coalesce(event.gates[%s], ''NaN'')), ''''::bytea))', place.number
      ), ', ' order by place.number))
      from generate_series(1, 6) as place(number)
    ) else 'null::jsonb' end, learning.packed_codes(code_bytes))
  into packed
  using held.pattern_key, coalesce(looks_back_to, 'infinity'), coalesce((p_after ->> 'occurred_at')::timestamptz, '-infinity'),
    coalesce((p_after ->> 'id')::bigint, 0),
    coalesce((held.run ->> 'last_event_id')::bigint, 9223372036854775807), p_limit;
  return packed || jsonb_build_object('looks_back_to', looks_back_to, 'code_bytes', code_bytes);
end
$$;
comment on function public.read_tuning_windows(bigint, timestamptz, jsonb, integer, boolean) is
  'A tuning group''s windows with an outcome in packed columns (base64 of big-endian values), oldest first, in pieces: next is where the next one begins. For the edge functions.';

create function public.finish_tuning_group(p_group_id bigint, p_lease_token uuid, p_lessons jsonb, p_looks_back_to timestamptz default null)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  held learning.mining_groups := learning.require_lease(p_group_id, p_lease_token);
  lapsed bigint[];
  outcome jsonb;
  has_changed boolean;
begin
  select array_agg(lesson.id) into lapsed
  from public.learning_lessons lesson
  where lesson.module = held.module and lesson.pattern_key = held.pattern_key and lesson.action_category = held.action_category
    and lesson.status = 'deprecated';
  outcome := public.finish_mining_group(p_group_id, p_lease_token, p_lessons);

  has_changed := (held.run ->> 'evidence_version')::bigint > held.mined_version or (outcome ->> 'written')::integer > 0
    or (outcome ->> 'deprecated')::integer > 0;
  insert into learning.tuning_groups as mined (group_id, looks_back_to, lessons_version)
  values (p_group_id, p_looks_back_to, 1)
  on conflict (group_id) do update set
    looks_back_to = excluded.looks_back_to,
    lessons_version = mined.lessons_version
      + (has_changed or mined.looks_back_to is distinct from excluded.looks_back_to)::integer;

  with changes as materialized (
    select case when lesson.status = 'active' then 'lesson_activated' else 'lesson_deprecated' end as event, lesson.id, lesson.scope_subset,
      lesson.n, lesson.stats
    from public.learning_lessons lesson
    where lesson.module = held.module and lesson.pattern_key = held.pattern_key and lesson.action_category = held.action_category
      and lesson.updated_at = now()
      and case lesson.status
        when 'active' then lesson.first_active_at = now() or lesson.id = any (lapsed)
        else lesson.id <> all (coalesce(lapsed, '{}'))
      end
  )
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'mine-tuning', changes.event,
    format('%s %s tuning in %s: n=%s wr=%s fpr=%s mr=%s dr=%s', case changes.event when 'lesson_activated' then 'Active' else 'No longer found' end,
      held.pattern_key, changes.scope_subset, changes.n, learning.rate(changes.stats, 'wr'), learning.rate(changes.stats, 'fpr'),
      learning.rate(changes.stats, 'mr'), learning.rate(changes.stats, 'dr')),
    jsonb_build_object('lesson_id', changes.id, 'pattern_key', held.pattern_key, 'scope_subset', changes.scope_subset, 'n', changes.n,
      'stats', changes.stats)
  from changes
  where (select count(*) from changes) <= 20
  union all
  select 'INFO', 'mine-tuning', 'lessons_changed',
    format('Lessons of %s tuning: %s became active, %s are no longer found', held.pattern_key,
      count(*) filter (where changes.event = 'lesson_activated'), count(*) filter (where changes.event = 'lesson_deprecated')),
    jsonb_build_object('pattern_key', held.pattern_key, 'activated', count(*) filter (where changes.event = 'lesson_activated'),
      'deprecated', count(*) filter (where changes.event = 'lesson_deprecated'))
  from changes
  having count(*) > 20;
  return outcome;
end
$$;
comment on function public.finish_tuning_group(bigint, uuid, jsonb, timestamptz) is
  'Writes the lessons of a finished tuning run all at once and notes whether they must be simulated. For the edge functions.';

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
comment on table learning.tuning_simulations is 'What moving the gates would have changed for each tuning lesson, and why its gates are moved or not.';
comment on column learning.tuning_simulations.lesson_id is 'The lesson.';
comment on column learning.tuning_simulations.verdict is
  'move where one is good enough; else nothing to gain, too little gain, too low a ratio, or refuted by the other half of the episodes (confirmation).';
comment on column learning.tuning_simulations.tested is 'Combinations looked at.';
comment on column learning.tuning_simulations.skipped is 'Combinations that could not have helped; with those looked at, 124.';
comment on column learning.tuning_simulations.moves is 'Of the best move: by lever, value (the change) and multiplier (new by old at the median threshold, null where that is not positive).';
comment on column learning.tuning_simulations.confidence is 'Share of gain in gain and cost, on the windows that speak for the move.';
comment on column learning.tuning_simulations.p_value is 'One-sided p value that the move does more good than harm; 1 where there is no move, null with confirmation off.';
comment on column learning.tuning_simulations.admitted is 'Whether the p value stood up among all lessons; null until that was judged, and where there is no move.';
comment on column learning.tuning_simulations.summary is 'The result for a person to read.';
comment on column learning.tuning_simulations.details is 'The counts behind it.';
comment on column learning.tuning_simulations.simulated_at is 'When the result last changed.';

create function learning.tuning_settings()
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select md5((learning.config() -> 'tuning')::text);
$$;
comment on function learning.tuning_settings() is 'Digest of the configuration that simulation depends on.';

create function public.claim_tuning_simulation()
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  claimed learning.tuning_groups;
  claimed_key text;
begin
  -- Due groups are marked, so that the sweep finds those that no invocation came to.
  update learning.tuning_groups mined
  set run = '{}'::jsonb
  where mined.group_id in (
    select due.group_id
    from learning.tuning_groups due
    where due.run is null
      and (due.lessons_version > due.simulated_version or due.simulated_settings is distinct from (select learning.tuning_settings()))
    -- Another invocation that holds one of them marks it itself.
    for update skip locked
  );
  select mined.* into claimed
  from learning.tuning_groups mined
  where mined.run is not null and (mined.leased_until is null or mined.leased_until < clock_timestamp())
  -- One that failed comes last, so that it does not hold back the others.
  order by mined.leased_until nulls first, mined.group_id
  limit 1
  for update skip locked;
  if claimed.group_id is null then
    return null;
  end if;
  update learning.tuning_groups mined
  set lease_token = gen_random_uuid(), leased_until = clock_timestamp() + interval '60 seconds',
    run = coalesce(nullif(mined.run, '{}'::jsonb), jsonb_build_object(
      'lessons_version', mined.lessons_version, 'settings', learning.tuning_settings(), 'tuning', learning.config() -> 'tuning', 'after', 0))
  where mined.group_id = claimed.group_id
  returning mined.* into claimed;
  select held.pattern_key into claimed_key from learning.mining_groups held where held.id = claimed.group_id;
  return jsonb_build_object(
    'group_id', claimed.group_id, 'lease_token', claimed.lease_token, 'pattern_key', claimed_key, 'looks_back_to', claimed.looks_back_to,
    'tuning', claimed.run -> 'tuning', 'after', claimed.run -> 'after', 'dimensions', (
      select jsonb_agg(jsonb_build_object('bit', known.bit, 'dim', known.dim) order by known.bit) from public.scope_dimensions known
    )
  );
end
$$;
comment on function public.claim_tuning_simulation() is
  'Leases one group whose lessons or configuration changed since it was simulated, with the lesson to go on after; null where none is left. For the edge functions.';

create function public.read_tuning_lessons(p_group_id bigint, p_after bigint, p_limit integer default 5000)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(jsonb_build_object('id', batch.id, 'scope_subset', batch.scope_subset, 'dr', batch.stats -> 'dr') order by batch.id),
    '[]'::jsonb)
  from (
    select lesson.id, lesson.scope_subset, lesson.stats
    from learning.mining_groups held
    join public.learning_lessons lesson using (module, pattern_key, action_category)
    where held.id = p_group_id and lesson.status = 'active' and lesson.id > p_after
    order by lesson.id
    limit p_limit
  ) as batch;
$$;
comment on function public.read_tuning_lessons(bigint, bigint, integer) is 'The next active lessons of a tuning group, by id. For the edge functions.';

create function public.save_tuning_simulations(p_group_id bigint, p_lease_token uuid, p_results jsonb, p_after bigint, p_state text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  held record;
begin
  if p_state is null or p_state not in ('under way', 'paused', 'finished') then
    raise exception using
      errcode = '22023',
      message = format('Simulation cannot be %L', p_state),
      hint = 'Say under way, paused or finished.';
  end if;
  select mined.group_id, mining.pattern_key into held
  from learning.tuning_groups mined
  join learning.mining_groups mining on mining.id = mined.group_id
  where mined.group_id = p_group_id and mined.lease_token = p_lease_token
  for update of mined;
  if held.group_id is null then
    raise exception using
      errcode = '55P03',
      message = format('Lease %s on the simulation of group %s is no longer held', p_lease_token, p_group_id),
      hint = 'Another invocation took the group over; stop and claim another one.';
  end if;

  with result as materialized (
    select given.*, lesson.scope_subset
    from jsonb_to_recordset(p_results) as given(
      lesson_id bigint, verdict text, tested integer, skipped integer, moves jsonb, confidence float8, p_value float8, summary text,
      details jsonb
    )
    -- A lesson that was dropped under way has nothing to say any more.
    join public.learning_lessons lesson on lesson.id = given.lesson_id
  ),
  former as materialized (
    select simulation.lesson_id, simulation.verdict, simulation.moves
    from learning.tuning_simulations simulation
    join result on result.lesson_id = simulation.lesson_id
  ),
  written as (
    insert into learning.tuning_simulations as simulation (
      lesson_id, verdict, tested, skipped, moves, confidence, p_value, summary, details
    )
    select result.lesson_id, result.verdict, result.tested, result.skipped, result.moves, result.confidence, result.p_value, result.summary,
      result.details
    from result
    on conflict (lesson_id) do update set
      verdict = excluded.verdict, tested = excluded.tested, skipped = excluded.skipped, moves = excluded.moves,
      confidence = excluded.confidence, p_value = excluded.p_value, summary = excluded.summary, details = excluded.details,
      simulated_at = now(),
      admitted = case when (simulation.verdict, simulation.moves) = (excluded.verdict, excluded.moves) then simulation.admitted end
    where (simulation.verdict, simulation.tested, simulation.skipped, simulation.moves, simulation.confidence, simulation.p_value,
        simulation.summary, simulation.details)
      is distinct from (excluded.verdict, excluded.tested, excluded.skipped, excluded.moves, excluded.confidence, excluded.p_value,
        excluded.summary, excluded.details)
    returning simulation.*
  ),
  -- What a person would want to read of: lessons whose gates would now be moved otherwise.
  changes as materialized (
    select written.*, result.scope_subset
    from written
    join result on result.lesson_id = written.lesson_id
    left join former on former.lesson_id = written.lesson_id
    where (former.verdict, former.moves) is distinct from (written.verdict, written.moves)
  )
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'materialize-overrides', 'lesson_simulated',
    format('Simulated %s in %s: tested=%s skipped=%s, %s', held.pattern_key, changes.scope_subset, changes.tested, changes.skipped,
      changes.summary),
    jsonb_build_object('lesson_id', changes.lesson_id, 'pattern_key', held.pattern_key, 'scope_subset', changes.scope_subset,
      'verdict', changes.verdict, 'tested', changes.tested, 'skipped', changes.skipped, 'moves', changes.moves) || changes.details
  from changes
  where (select count(*) from changes) <= 20
  union all
  select 'INFO', 'materialize-overrides', 'lessons_simulated',
    format('Simulated %s lessons of %s with a new result: %s', count(*), held.pattern_key, (
      select string_agg(format('%s %s', counted.verdict, counted.lessons), ', ' order by counted.verdict)
      from (select other.verdict, count(*) as lessons from changes other group by other.verdict) as counted
    )),
    jsonb_build_object('pattern_key', held.pattern_key, 'lessons', count(*), 'tested', sum(changes.tested), 'skipped', sum(changes.skipped),
      'verdicts', (
        select jsonb_object_agg(counted.verdict, counted.lessons)
        from (select other.verdict, count(*) as lessons from changes other group by other.verdict) as counted
      ))
  from changes
  having count(*) > 20;

  update learning.tuning_groups mined
  set simulated_version = case p_state when 'finished' then (mined.run ->> 'lessons_version')::bigint else mined.simulated_version end,
    simulated_settings = case p_state when 'finished' then mined.run ->> 'settings' else mined.simulated_settings end,
    simulated_at = case p_state when 'finished' then now() else mined.simulated_at end,
    run = case when p_state <> 'finished' then mined.run || jsonb_build_object('after', p_after) end,
    lease_token = case p_state when 'under way' then mined.lease_token end,
    leased_until = case p_state when 'under way' then clock_timestamp() + interval '60 seconds' end
  where mined.group_id = p_group_id;
end
$$;
comment on function public.save_tuning_simulations(bigint, uuid, jsonb, bigint, text) is
  'Writes down simulated lessons and the last one of them; p_state is under way, paused (another invocation may go on) or finished. For the edge functions.';

create function public.read_tuning_p_values()
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'lessons', count(*),
    'p_values', learning.packed(string_agg(float8send(simulation.p_value), ''::bytea) filter (where simulation.p_value < 1))
  )
  from learning.tuning_simulations simulation
  join public.learning_lessons lesson on lesson.id = simulation.lesson_id and lesson.status = 'active';
$$;
comment on function public.read_tuning_p_values() is
  'How many tuning lessons are simulated, and the p values of those with one below 1, packed. For the edge functions.';

-- sql/74_tuning_reconciliation.sql

-- Tuning reconciliation: overrides of the gates follow the simulations.

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
  outcome jsonb;
begin
  with batch as materialized (
    select lesson.id, lesson.status
    from public.learning_lessons lesson
    where lesson.lesson_type = 'tuning_rates' and lesson.id > p_after
    order by lesson.id
    limit p_limit
  ),
  simulated as materialized (
    select lesson.id as lesson_id, lesson.pattern_key, lesson.scope_subset, lesson.scope_digest, lesson.n, lesson.last_evidence_at,
      simulation.moves, simulation.confidence, simulation.p_value, simulation.admitted as former_admitted, simulation.summary,
      case when simulation.verdict = 'move' then
        simulation.p_value is null or coalesce(simulation.p_value <= p_largest_p_value, false)
      end as admitted
    from batch
    join public.learning_lessons lesson on lesson.id = batch.id
    join learning.tuning_simulations simulation on simulation.lesson_id = batch.id
    where batch.status = 'active'
  ),
  judged as (
    update learning.tuning_simulations simulation
    set admitted = simulated.admitted
    from simulated
    where simulation.lesson_id = simulated.lesson_id and simulated.admitted is distinct from simulated.former_admitted
    returning simulation.lesson_id
  ),
  turned_down as materialized (
    select simulated.*, format('%s; among %s lessons %s', simulated.summary, p_lessons,
        case when p_largest_p_value is null then 'no p is beyond luck'
          else format('only p up to %s is beyond luck', learning.short(p_largest_p_value)) end) as reason
    from simulated
    where simulated.admitted = false
  ),
  wanted as materialized (
    select simulated.lesson_id, simulated.pattern_key, moved.lever as action_category, simulated.scope_subset, simulated.scope_digest,
      (moved.change ->> 'value')::float8 as value, (moved.change ->> 'multiplier')::float8 as multiplier, simulated.n, simulated.confidence,
      simulated.last_evidence_at, simulated.summary
    from simulated
    cross join lateral jsonb_each(simulated.moves) as moved(lever, change)
    where simulated.admitted
  ),
  former as materialized (
    select held.id, held.pattern_key, held.action_category, held.scope_digest, held.enabled
    from batch
    join public.pm_overrides held on held.lesson_id = batch.id
    where held.override_type = 'pm_tuning'
    union all
    -- Those of lessons that are gone altogether, once everything else is done.
    select held.id, held.pattern_key, held.action_category, held.scope_digest, held.enabled
    from public.pm_overrides held
    where held.override_type = 'pm_tuning' and held.lesson_id is not null and held.enabled
      and (select count(*) from batch) < p_limit
      and not exists (select from public.learning_lessons lesson where lesson.id = held.lesson_id)
  ),
  existing as materialized (
    select held.id
    from wanted
    join public.pm_overrides held
      on held.override_type = 'pm_tuning' and held.pattern_key = wanted.pattern_key and held.action_category = wanted.action_category
        and held.scope_digest = wanted.scope_digest
  ),
  written as (
    insert into public.pm_overrides as held (
      override_type, pattern_key, action_category, scope_subset, multiplier, value, n, confidence_score, lesson_id, first_active_at,
      last_evidence_at
    )
    select 'pm_tuning', wanted.pattern_key, wanted.action_category, wanted.scope_subset, wanted.multiplier, wanted.value, wanted.n,
      wanted.confidence, wanted.lesson_id, now(), wanted.last_evidence_at
    from wanted
    on conflict (override_type, pattern_key, action_category, scope_digest) do update set
      multiplier = excluded.multiplier, value = excluded.value, n = excluded.n, confidence_score = excluded.confidence_score,
      lesson_id = excluded.lesson_id, last_evidence_at = excluded.last_evidence_at, enabled = held.enabled or held.disabled_by = 'loop'
    -- One made by hand is a person's word and is not overwritten; one a user switched off stays off.
    where held.lesson_id is not null
      and (held.multiplier, held.value, held.n, held.confidence_score, held.lesson_id, held.last_evidence_at, held.enabled)
        is distinct from (excluded.multiplier, excluded.value, excluded.n, excluded.confidence_score, excluded.lesson_id,
          excluded.last_evidence_at, held.enabled or held.disabled_by = 'loop')
    returning held.id, held.pattern_key, held.action_category, held.scope_subset, held.multiplier, held.value, held.n, held.confidence_score,
      held.lesson_id
  ),
  disabled as (
    update public.pm_overrides held
    set enabled = false, disabled_by = 'loop',
      disabled_reason = coalesce(
        (select 'Its gate is no longer moved: ' || turned_down.reason from turned_down where turned_down.lesson_id = held.lesson_id),
        (select 'Its gate is no longer moved: ' || simulated.summary from simulated where simulated.lesson_id = held.lesson_id),
        'Its lesson is no longer found'
      )
    from former
    where held.id = former.id and former.enabled
      and not exists (
        select from wanted
        where (wanted.pattern_key, wanted.action_category, wanted.scope_digest)
          = (former.pattern_key, former.action_category, former.scope_digest)
      )
    returning held.id, held.pattern_key, held.action_category, held.scope_subset, held.disabled_reason
  ),
  lines as materialized (
    select case when existing.id is null then 'override_created' else 'override_changed' end as event,
      format('Override for %s %s in %s %s: value=%s multiplier=%s confidence=%s, %s', written.pattern_key, written.action_category,
        written.scope_subset, case when existing.id is null then 'created' else 'changed' end, learning.short(written.value),
        coalesce(round(written.multiplier::numeric, 4)::text, 'none'), round(written.confidence_score::numeric, 3), wanted.summary) as message,
      to_jsonb(written) as details
    from written
    join wanted on wanted.lesson_id = written.lesson_id and wanted.action_category = written.action_category
    left join existing on existing.id = written.id
    union all
    select 'override_disabled',
      format('Override for %s %s in %s disabled: %s', disabled.pattern_key, disabled.action_category, disabled.scope_subset,
        disabled.disabled_reason),
      to_jsonb(disabled)
    from disabled
    union all
    select 'lesson_not_confirmed',
      format('No override for %s in %s: %s', turned_down.pattern_key, turned_down.scope_subset, turned_down.reason),
      jsonb_build_object('lesson_id', turned_down.lesson_id, 'pattern_key', turned_down.pattern_key,
        'scope_subset', turned_down.scope_subset, 'p_value', turned_down.p_value, 'largest_p_value', p_largest_p_value,
        'lessons', p_lessons)
    from turned_down
    where turned_down.former_admitted is distinct from turned_down.admitted
      and (select count(*) from turned_down other where other.former_admitted is distinct from other.admitted) <= 20
    union all
    select 'lessons_not_confirmed',
      format('No override for %s lessons: among %s lessons %s', count(*), p_lessons,
        case when p_largest_p_value is null then 'no p is beyond luck'
          else format('only p up to %s is beyond luck', learning.short(p_largest_p_value)) end),
      jsonb_build_object('not_confirmed', count(*), 'largest_p_value', p_largest_p_value, 'lessons', p_lessons)
    from turned_down
    where turned_down.former_admitted is distinct from turned_down.admitted
    having count(*) > 20
  ),
  logged as (
    insert into public.learning_log (level, component, event, message, details)
    select 'INFO', 'materialize-overrides', lines.event, lines.message, lines.details from lines
    returning event
  )
  select jsonb_build_object(
    'next', case when (select count(*) from batch) = p_limit then (select max(batch.id) from batch) end,
    'judged', (select count(*) from judged),
    'created', (select count(*) from logged where logged.event = 'override_created'),
    'changed', (select count(*) from logged where logged.event = 'override_changed'),
    'disabled', (select count(*) from logged where logged.event = 'override_disabled')
  )
  into outcome;
  return outcome;
end
$$;
comment on function public.reconcile_tuning_overrides(bigint, integer, float8, integer) is
  'Brings the tuning overrides of the next lessons in line with their simulations, where the p value is at most the largest one beyond luck; next is null after the last lesson. For the edge functions.';

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

create function learning.check_candidate(
  pattern_key text, action_category text, scope jsonb, a_value float8, e_value float8, previous_strength float8, as_of timestamptz
)
returns learning.candidate
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  argument text;
  expected text;
  given text;
  candidate learning.candidate;
begin
  if pattern_key is null or btrim(pattern_key) = '' then
    argument := 'pattern_key'; expected := 'a behaviour such as pm.uptrend.S1.buy_flag'; given := pattern_key;
  elsif action_category is null or action_category not in ('entry', 'add', 'trim', 'exit') then
    argument := 'action_category'; expected := 'entry, add, trim or exit'; given := action_category;
  elsif scope is null or jsonb_typeof(scope) <> 'object' then
    argument := 'scope'; expected := 'an object of dimensions and texts'; given := left(scope::text, 61);
  elsif not a_value between 0 and 1 then
    argument := 'a_value'; expected := 'a number from 0 to 1'; given := a_value::text;
  elsif not e_value between 0 and 1 then
    argument := 'e_value'; expected := 'a number from 0 to 1'; given := e_value::text;
  elsif not (previous_strength > 0 and previous_strength <= 1e6) then
    argument := 'previous_strength'; expected := 'a number greater than 0 and at most 1e6'; given := previous_strength::text;
  elsif not isfinite(as_of) then
    argument := 'as_of'; expected := 'a finite time'; given := as_of::text;
  end if;
  if argument is not null then
    raise exception using
      errcode = '22023',
      message = format('Argument %s must be %s and is %s', argument, expected, coalesce(learning.quoted(given), 'null')),
      hint = format('Correct %s and ask again; nothing else was looked at.', argument);
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
  candidate.previous_strength := greatest(1e-50, coalesce(previous_strength, 1));
  candidate.as_of := coalesce(as_of, now());
  candidate.as_of_us := (extract(epoch from candidate.as_of) * 1000000)::float8;
  return candidate;
end
$$;
comment on function learning.check_candidate(text, text, jsonb, float8, float8, float8, timestamptz) is
  'Refuses malformed arguments with 22023 and a hint that names the argument; fills in what was left out and returns the rest in its normal form.';

create function learning.read_candidate(given jsonb)
returns learning.candidate
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  arguments constant text[] := array['pattern_key', 'action_category', 'scope', 'a_value', 'e_value', 'previous_strength', 'as_of'];
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
    select min(unknown.name) into argument from jsonb_object_keys(given - arguments) as unknown(name);
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
    raise exception using
      errcode = '22023',
      message = format('Argument %s must be a %s and is %s', argument, case argument when 'as_of' then 'time' else 'number' end,
        learning.quoted(given ->> argument)),
      hint = format('Correct %s and ask again; nothing else was looked at.', argument);
  end;
  return learning.check_candidate(given ->> 'pattern_key', given ->> 'action_category', given -> 'scope', a_value, e_value,
    previous_strength, as_of);
end
$$;
comment on function learning.read_candidate(jsonb) is 'A candidate of a batch, checked.';

-- sql/78_position_scopes.sql

-- Exposure: how crowded each scope is with what the book already holds.

create table learning.position_scopes (
  position_id uuid primary key,
  pattern_key text,
  scope jsonb not null,
  scope_mask integer not null,
  exposure float8 not null
);
alter table learning.position_scopes enable row level security;
comment on table learning.position_scopes is 'Scope and exposure of each watchlist and active position, so that a sizing call derives none. Kept by triggers.';
comment on column learning.position_scopes.position_id is 'The position.';
comment on column learning.position_scopes.pattern_key is 'Behaviour that holds it, dotted; null where unknown.';
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
      from jsonb_each(case jsonb_typeof(entry_context) when 'object' then entry_context else '{}'::jsonb end) as entry
      where jsonb_typeof(entry.value) not in ('object', 'array') and length(learning.scope_value(entry.value)) <= 200
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
  -- Beyond these bounds no answer changes, but products would leave the range of numbers.
  case when position.total_allocation_pct < 1e-50 then 0 else least(1e50, position.total_allocation_pct) end as exposure
from public.lowcap_positions position
where position.status in ('watchlist', 'active');
comment on view learning.held_positions is 'The positions that count as exposure.';
comment on column learning.held_positions.position_id is 'The position.';
comment on column learning.held_positions.pattern_key is 'Behaviour that holds it, dotted; null where unknown.';
comment on column learning.held_positions.scope is 'Its scope: entry context, timeframe and chain.';
comment on column learning.held_positions.exposure is 'Intended capital as a fraction of the book.';

-- What keeps the tables below runs as its owner: whoever may write positions need not be able to write what is derived from them.
create function learning.hold_positions(ids uuid[])
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into learning.position_scopes as held (position_id, pattern_key, scope, scope_mask, exposure)
  select position.position_id, position.pattern_key, position.scope, learning.scope_mask(position.scope), position.exposure
  from learning.held_positions position
  where position.position_id = any (ids)
  on conflict (position_id) do update set
    pattern_key = excluded.pattern_key, scope = excluded.scope, scope_mask = excluded.scope_mask, exposure = excluded.exposure
  where (held.pattern_key, held.scope, held.exposure) is distinct from (excluded.pattern_key, excluded.scope, excluded.exposure);
end
$$;
comment on function learning.hold_positions(uuid[]) is 'Brings scope and exposure of positions that count in line with them.';

create function learning.keep_position_scopes()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('exposure', 0));
  if tg_op = 'TRUNCATE' then
    delete from learning.position_scopes held where held.position_id is not null;
  elsif tg_op = 'INSERT' then
    perform learning.hold_positions((select array_agg(fresh.id) from new_positions fresh where fresh.status in ('watchlist', 'active')));
  elsif tg_op = 'DELETE' then
    delete from learning.position_scopes held where held.position_id = any (array(select former.id from old_positions former));
  else
    delete from learning.position_scopes held
    where held.position_id = any (array(
      select former.id from old_positions former
      except all
      select changed.id from new_positions changed where changed.status in ('watchlist', 'active')
    ));
    -- Of what the PM writes at every tick little bears on exposure.
    perform learning.hold_positions(array(
      select kept.id
      from (
        select changed.id, changed.pattern_key, changed.entry_context, changed.timeframe, changed.token_chain,
          changed.total_allocation_pct, changed.status
        from new_positions changed
        where changed.status in ('watchlist', 'active')
        except
        select former.id, former.pattern_key, former.entry_context, former.timeframe, former.token_chain, former.total_allocation_pct,
          former.status
        from old_positions former
      ) as kept
    ));
  end if;
  return null;
end
$$;
comment on function learning.keep_position_scopes() is 'Brings learning.position_scopes in line with the positions that a statement changed.';

create trigger keep_scopes_of_new_positions after insert on public.lowcap_positions
referencing new table as new_positions
for each statement execute function learning.keep_position_scopes();
comment on trigger keep_scopes_of_new_positions on public.lowcap_positions is 'New positions count as exposure at once.';
create trigger keep_scopes_of_changed_positions after update on public.lowcap_positions
referencing old table as old_positions new table as new_positions
for each statement execute function learning.keep_position_scopes();
comment on trigger keep_scopes_of_changed_positions on public.lowcap_positions is 'Changed positions change the exposure at once.';
create trigger keep_scopes_of_deleted_positions after delete on public.lowcap_positions
referencing old table as old_positions
for each statement execute function learning.keep_position_scopes();
comment on trigger keep_scopes_of_deleted_positions on public.lowcap_positions is 'Deleted positions stop counting as exposure.';
create trigger keep_scopes_of_truncated_positions after truncate on public.lowcap_positions
for each statement execute function learning.keep_position_scopes();
comment on trigger keep_scopes_of_truncated_positions on public.lowcap_positions is 'Deleted positions stop counting as exposure.';

-- sql/80_exposure_cells.sql

-- Exposure cells: what the configured masks make of the scopes that are held.

create table learning.exposure_masks (
  mask integer primary key,
  dims text[] not null,
  bits integer[] not null,
  weight float8 not null,
  log_weight float8 not null
);
alter table learning.exposure_masks enable row level security;
comment on table learning.exposure_masks is 'The configured dimension sets that crowding is measured on; the full scope of a candidate comes on top. Kept by triggers.';
comment on column learning.exposure_masks.mask is 'Its dimensions as bits.';
comment on column learning.exposure_masks.dims is 'Its dimensions by name, in the order of their bits.';
comment on column learning.exposure_masks.bits is 'Its dimensions as bit numbers, ascending.';
comment on column learning.exposure_masks.weight is 'w(m), its share of all registered weights to the configured power; where that is below e^-115, so much.';
comment on column learning.exposure_masks.log_weight is 'Logarithm of w(m), however small.';

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
  'Exposure in each scope that the masks make of the positions, a sum over all rows of a cell, so that a candidate reads it at 50 places instead of going through the positions. Kept by triggers.';
comment on column learning.exposure_cells.place is
  'The hashes of its values, and of the behaviour where there is one, each seeded by its dimension and all combined by xor. A number is found at 100 places in a quarter of the time a text takes; that two cells share one of the 2^64 is left to chance.';
comment on column learning.exposure_cells.cell is 'The scope: its pairs as JSON, by bit, without the braces.';
comment on column learning.exposure_cells.mask is 'Its dimensions as bits.';
comment on column learning.exposure_cells.pattern_key is 'Behaviour of the positions, empty where unknown; null for all of them together.';
comment on column learning.exposure_cells.exposure is 'Intended capital that came (above 0) or went (below 0), as a fraction of the book.';
comment on column learning.exposure_cells.positions is 'Positions that came or went.';

create function learning.mask_log_weight(mask integer, config jsonb default learning.config())
returns float8
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  exponent constant float8 := (config #>> '{exposure,weight_exponent}')::float8;
begin
  -- As a logarithm, because a large exponent takes the weight itself out of the range of numbers.
  return (
    select case when exponent < 1e-50 then 0 else exponent end
      * (ln(sum(known.weight) filter (where mask & (1 << known.bit) <> 0)) - ln(sum(known.weight)))
    from public.scope_dimensions known
  );
end
$$;
comment on function learning.mask_log_weight(integer, jsonb) is
  'Logarithm of w(m): the mask''s share of all registered dimension weights, to the configured power.';

create function learning.configured_masks()
returns table (mask integer, dims text[], bits integer[])
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with entries as (
    select distinct entry.value, case jsonb_typeof(entry.value) when 'array' then 'list' else entry.value #>> '{}' end as kind
    from jsonb_array_elements(
      coalesce(nullif(learning.config() #> '{exposure,masks}', 'null'::jsonb), '["singles", "pairs", "full"]'::jsonb)
    ) as entry(value)
  )
  select 1 << one.bit, array[one.dim], array[one.bit]
  from public.scope_dimensions one
  where exists (select from entries where entries.kind = 'singles')
  union
  select (1 << one.bit) | (1 << other.bit), array[one.dim, other.dim], array[one.bit, other.bit]
  from public.scope_dimensions one
  join public.scope_dimensions other on one.bit < other.bit
  where exists (select from entries where entries.kind = 'pairs')
  union
  select bit_or(1 << known.bit), array_agg(known.dim order by known.bit), array_agg(known.bit order by known.bit)
  from entries
  join public.scope_dimensions known on exists (
    select
    from jsonb_array_elements_text(case entries.kind when 'list' then entries.value else '[]'::jsonb end) as named(dim)
    where named.dim = known.dim or named.dim = any (known.aliases)
  )
  where entries.kind = 'list'
  group by entries.value;
$$;
comment on function learning.configured_masks() is 'The dimension sets that are configured for exposure, each once and in the order of the bits, without the full scope.';

create function learning.weighed_masks()
returns table (mask integer, dims text[], bits integer[], weight float8, log_weight float8)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select wanted.mask, wanted.dims, wanted.bits, exp(greatest(-115, weighed.log_weight)), weighed.log_weight
  from learning.configured_masks() as wanted
  cross join lateral (select learning.mask_log_weight(wanted.mask) as log_weight offset 0) as weighed;
$$;
comment on function learning.weighed_masks() is 'The configured masks with their weights.';

create type learning.scope_cells as (
  weight_sum float8,
  log_scale float8,
  full_is_configured boolean,
  masks integer[],
  log_weights float8[],
  places bigint[],
  pattern_places bigint[],
  cells text[]
);
comment on type learning.scope_cells is
  'The configured masks within a scope''s dimensions: the sum of their weights, the largest logarithm, and whether one is the whole scope. Of those within the reach of what is held: mask, logarithm of the weight, and where the cell lies that it makes of the scope, of all behaviours and of one; where asked for, what the cell is.';

create function learning.cells_of(scope jsonb, filled integer, reach integer, pattern_key text, named boolean)
returns learning.scope_cells
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  pattern constant bigint := hashtextextended(pattern_key, 31);
  found learning.scope_cells;
begin
  select sum(made.weight), max(made.log_weight), bool_or(made.mask = filled), array_agg(made.mask) filter (where made.place is not null),
    array_agg(made.log_weight) filter (where made.place is not null), array_agg(made.place) filter (where made.place is not null),
    array_agg(made.place # pattern) filter (where made.place is not null),
    array_agg((
      select string_agg('"' || part.dim || '":' || (scope -> part.dim), ',' order by part.place)
      from unnest(made.dims) with ordinality as part(dim, place)
    )) filter (where named and made.place is not null)
  into found
  from (
    select known.mask, known.dims, known.weight, known.log_weight,
      case when known.mask & reach = known.mask then
        case cardinality(known.bits)
          when 1 then hashtextextended(scope ->> known.dims[1], known.bits[1])
          when 2 then hashtextextended(scope ->> known.dims[1], known.bits[1]) # hashtextextended(scope ->> known.dims[2], known.bits[2])
          else (select bit_xor(hashtextextended(scope ->> part.dim, part.bit)) from unnest(known.dims, known.bits) as part(dim, bit))
        end
      end as place
    from learning.exposure_masks known
    where known.mask & filled = known.mask
    -- Keeps each from being computed once per use.
    offset 0
  ) as made;
  return found;
end
$$;
comment on function learning.cells_of(jsonb, integer, integer, text, boolean) is 'Weights and cells that the configured masks make of a scope.';

-- Where nobody has counted the cells yet, as where no autovacuum runs, it would read all of them for each position that is written.
create function learning.add_exposure(came learning.position_scopes[], went learning.position_scopes[])
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  -- Who finds another at work leaves his part beside the rest: writers of positions never wait for each other here.
  sums_up constant boolean := pg_try_advisory_xact_lock(hashtextextended('exposure_cells', 0));
begin
  with moved as materialized (
    select counted.place, made.cell, made.mask, counted.pattern_key, sum(position.exposure) as exposure,
      sum(position.positions)::integer as positions
    from (
      select one.pattern_key, one.scope, one.scope_mask, one.exposure, 1 as positions from unnest(came) as one
      union all
      select one.pattern_key, one.scope, one.scope_mask, -one.exposure, -1 from unnest(went) as one
    ) as position
    cross join lateral learning.cells_of(position.scope, position.scope_mask, position.scope_mask, coalesce(position.pattern_key, ''), true) as found
    cross join lateral unnest(found.masks, found.places, found.pattern_places, found.cells) as made(mask, place, pattern_place, cell)
    cross join lateral (
      values (made.pattern_place, coalesce(position.pattern_key, '')), (made.place, null)
    ) as counted(place, pattern_key)
    group by counted.place, made.cell, made.mask, counted.pattern_key
  ),
  former as (
    delete from learning.exposure_cells held
    where sums_up and held.place in (select moved.place from moved)
    returning held.*
  )
  insert into learning.exposure_cells (place, cell, mask, pattern_key, exposure, positions)
  select part.place, part.cell, part.mask, part.pattern_key, sum(part.exposure), sum(part.positions)
  from (
    select moved.place, moved.cell, moved.mask, moved.pattern_key, moved.exposure, moved.positions from moved
    union all
    select former.place, former.cell, former.mask, former.pattern_key, former.exposure, former.positions from former
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
    came := array(select fresh from new_scopes fresh);
  end if;
  if tg_op in ('UPDATE', 'DELETE') then
    went := array(select former from old_scopes former);
  end if;
  if cardinality(came) + cardinality(went) > 0 then
    perform learning.add_exposure(came, went);
  end if;
  return null;
end
$$;
comment on function learning.keep_exposure_cells() is 'Brings learning.exposure_cells in line with the scopes and exposures that a statement changed.';
create trigger keep_cells_of_new_scopes after insert on learning.position_scopes
referencing new table as new_scopes
for each statement execute function learning.keep_exposure_cells();
comment on trigger keep_cells_of_new_scopes on learning.position_scopes is 'Adds what came.';
create trigger keep_cells_of_changed_scopes after update on learning.position_scopes
referencing old table as old_scopes new table as new_scopes
for each statement execute function learning.keep_exposure_cells();
comment on trigger keep_cells_of_changed_scopes on learning.position_scopes is 'Adds what came and takes away what went.';
create trigger keep_cells_of_deleted_scopes after delete on learning.position_scopes
referencing old table as old_scopes
for each statement execute function learning.keep_exposure_cells();
comment on trigger keep_cells_of_deleted_scopes on learning.position_scopes is 'Takes away what went.';

create function learning.derive_exposure()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  former text[];
begin
  -- Alone: a position written meanwhile would be counted by the former dimensions and masks. Its writers share the lock.
  perform pg_advisory_xact_lock(hashtextextended('exposure', 0));
  former := array(select known.mask || ' ' || known.dims::text from learning.exposure_masks known order by known.mask);
  delete from learning.exposure_masks known where known.mask not in (select wanted.mask from learning.configured_masks() as wanted);
  insert into learning.exposure_masks as known (mask, dims, bits, weight, log_weight)
  select weighed.* from learning.weighed_masks() as weighed
  on conflict (mask) do update set dims = excluded.dims, weight = excluded.weight, log_weight = excluded.log_weight
  where (known.dims, known.log_weight) is distinct from (excluded.dims, excluded.log_weight);
  -- A dimension that was taken out may have left its bit to another.
  if former <> array(select known.mask || ' ' || known.dims::text from learning.exposure_masks known order by known.mask) then
    delete from learning.exposure_cells cell where cell.cell is not null;
    perform learning.add_exposure(array(select held from learning.position_scopes held), array[]::learning.position_scopes[]);
  end if;
  if tg_table_name = 'scope_dimensions' then
    perform learning.hold_positions(array(select held.position_id from learning.position_scopes held));
  end if;
  return null;
end
$$;
comment on function learning.derive_exposure() is 'Derives masks, scopes and cells anew when the dimensions or the configured masks change.';
create trigger derive_exposure after insert or update or delete or truncate on public.scope_dimensions
for each statement execute function learning.derive_exposure();
comment on trigger derive_exposure on public.scope_dimensions is 'A dimension registered later is found in the positions held already.';
create trigger derive_exposure after update on learning.effective_configs
for each row when (new.module_id = 'pm' and new.config -> 'exposure' is distinct from old.config -> 'exposure')
execute function learning.derive_exposure();
comment on trigger derive_exposure on learning.effective_configs is 'Configured masks and weights act at once.';
insert into learning.exposure_masks (mask, dims, bits, weight, log_weight)
select weighed.* from learning.weighed_masks() as weighed;

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
comment on function learning.full_scope_counts(jsonb) is 'Whether crowding is measured on a candidate''s full scope, too.';

create view public.pattern_scope_exposure
with (security_invoker = true)
as
with cells as (
  select cell.pattern_key, cell.mask, ('{' || cell.cell || '}')::jsonb as scope, cell.exposure, cell.positions
  from learning.exposure_cells cell
  where cell.pattern_key is not null
  union all
  -- A position's full scope, where no configured mask makes it a cell: whatever contains it is in it.
  select position.pattern_key, whole.scope_mask, whole.scope, position.exposure, 1
  from (
    select distinct held.scope_mask, held.scope
    from learning.position_scopes held
    where held.scope_mask <> 0 and held.scope_mask not in (select known.mask from learning.exposure_masks known)
      and learning.full_scope_counts(learning.config())
  ) as whole
  join learning.position_scopes position on position.scope @> whole.scope
)
select nullif(cells.pattern_key, '') as pattern_key, cells.mask, cells.scope, sum(cells.exposure) as exposure,
  sum(cells.exposure) * exp(greatest(-115, learning.mask_log_weight(cells.mask))) as weighted_exposure,
  sum(cells.positions)::integer as positions
from cells
group by nullif(cells.pattern_key, ''), cells.mask, cells.scope
having sum(cells.positions) > 0;
comment on view public.pattern_scope_exposure is 'How much of the book each behaviour holds in each scope.';
comment on column public.pattern_scope_exposure.pattern_key is 'The behaviour, dotted; null where unknown.';
comment on column public.pattern_scope_exposure.mask is 'Dimensions of the scope as bits.';
comment on column public.pattern_scope_exposure.scope is 'The scope.';
comment on column public.pattern_scope_exposure.exposure is 'Intended capital of the behaviour''s positions in it, as a fraction of the book.';
comment on column public.pattern_scope_exposure.weighted_exposure is 'The same, weighted by the mask.';
comment on column public.pattern_scope_exposure.positions is 'How many positions that is.';

create view public.scope_exposure
with (security_invoker = true)
as
select held.mask, held.scope, sum(held.exposure) as exposure, sum(held.weighted_exposure) as weighted_exposure,
  sum(held.positions)::integer as positions
from public.pattern_scope_exposure held
group by held.mask, held.scope;
comment on view public.scope_exposure is 'How much of the book is held in each scope.';
comment on column public.scope_exposure.mask is 'Dimensions of the scope as bits.';
comment on column public.scope_exposure.scope is 'The scope.';
comment on column public.scope_exposure.exposure is 'Intended capital of the positions in it, as a fraction of the book.';
comment on column public.scope_exposure.weighted_exposure is 'The same, weighted by the mask.';
comment on column public.scope_exposure.positions is 'How many positions that is.';

-- sql/82_crowding.sql

-- Crowding: how full a candidate's scope is, and the skew of its size that follows.

create type learning.exposure_measure as (skew float8, explanation jsonb);
comment on type learning.exposure_measure is 'How crowding acts on a candidate, and why.';

create type learning.crowded_mask as (
  scope jsonb,
  weight float8,
  exposure float8,
  pattern_exposure float8
);
comment on type learning.crowded_mask is 'What one mask contributed to a candidate''s crowding.';

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
  alpha constant float8 := greatest(1e-50, (config #>> '{exposure,alpha}')::float8);
  beta constant float8 := learning.without_dust((config #>> '{exposure,beta}')::float8);
  log_pattern_weight constant float8 := case when beta > 0 then ln(beta) - ln(alpha) end;
  cap constant float8 := (config #>> '{exposure,cap}')::float8;
  enabled constant boolean := (config #>> '{flags,exposure_skew_enabled}')::boolean;
  full_counts constant boolean := learning.full_scope_counts(config);
  candidate learning.candidate;
  candidate_scope jsonb;
  candidate_key text;
  filled integer;
  total float8;
  held_mask integer;
  full_at float8;
  full_adds boolean;
  full_exposure float8;
  full_pattern_exposure float8;
  full_log_weight float8;
  log_scale float8;
  weight_sum float8;
  found learning.scope_cells;
  masks integer[];
  log_weights float8[];
  places bigint[];
  overlap float8;
  crowded_masks bigint;
  listed_overlap float8;
  heaviest learning.crowded_mask[];
  crowding float8;
  measure learning.exposure_measure;
  measures learning.exposure_measure[] := array[]::learning.exposure_measure[];
begin
  select coalesce(sum(held.exposure), 0), coalesce(bit_or(held.scope_mask), 0) into total, held_mask from learning.position_scopes held;
  full_at := greatest(1e-50, least(total, cap));

  foreach candidate in array candidates loop
    if candidate.action_category not in ('entry', 'add') then
      measures := measures || row(1, '{"enabled": false, "masks": []}'::jsonb)::learning.exposure_measure;
      continue;
    end if;
    candidate_scope := candidate.scope;
    candidate_key := candidate.pattern_key;
    filled := candidate.scope_mask;

    found := learning.cells_of(candidate_scope, filled, filled & held_mask, candidate_key, false);
    full_adds := full_counts and filled <> 0 and not coalesce(found.full_is_configured, false);
    full_log_weight := case when full_adds then learning.mask_log_weight(filled, config) end;
    log_scale := greatest(found.log_scale, full_log_weight);
    if log_scale > -30 then
      log_scale := 0;
      weight_sum := coalesce(found.weight_sum, 0);
    else
      -- What a large exponent makes of a weight by itself is out of the range of numbers: by the heaviest one, then.
      select coalesce(sum(exp(greatest(-115, known.log_weight - log_scale))), 0) into weight_sum
      from learning.exposure_masks known
      where known.mask & filled = known.mask;
    end if;
    weight_sum := weight_sum + case when full_adds then exp(greatest(-115, full_log_weight - log_scale)) else 0 end;

    full_exposure := null;
    full_pattern_exposure := null;
    if full_adds and filled & held_mask = filled then
      select sum(held.exposure), sum(held.exposure) filter (where held.pattern_key = candidate_key)
      into full_exposure, full_pattern_exposure
      from learning.position_scopes held
      where held.scope_mask & filled = filled and held.scope @> candidate_scope;
    end if;

    masks := found.masks;
    log_weights := found.log_weights;
    places := found.places || found.pattern_places;
    select coalesce(sum(ranked.part), 0), count(*), coalesce(sum(ranked.part) filter (where ranked.rank <= 20), 0),
      array_agg(
        row(case when ranked.cell is null then candidate_scope else ('{' || ranked.cell || '}')::jsonb end,
          exp(greatest(-700, ranked.log_weight)), ranked.exposure, ranked.pattern_exposure)::learning.crowded_mask
        order by ranked.rank
      ) filter (where ranked.rank <= 20)
    into overlap, crowded_masks, listed_overlap, heaviest
    from (
      select counted.*, row_number() over (order by counted.part desc, counted.cell) as rank
      from (
        select crowded.*,
          -- Nothing where it is next to nothing, and no more than fills any book: beyond, products leave the range of numbers.
          case when crowded.log_weight - log_scale > -320 then exp(crowded.log_weight - log_scale) * crowded.exposure else 0 end
            + case
                when crowded.log_weight - log_scale + log_pattern_weight > -320
                  then exp(least(230, crowded.log_weight - log_scale + log_pattern_weight)) * crowded.pattern_exposure
                else 0
              end as part
        from (
          select held.cell, held.exposure, held.pattern_exposure, made.log_weight
          from (
            select cell.mask, max(cell.cell) as cell, coalesce(sum(cell.exposure) filter (where cell.pattern_key is null), 0) as exposure,
              coalesce(sum(cell.exposure) filter (where cell.pattern_key is not null), 0) as pattern_exposure
            from learning.exposure_cells cell
            where cell.place = any (places)
            group by cell.mask
          ) as held
          join (select unnest(masks) as mask, unnest(log_weights) as log_weight) as made on made.mask = held.mask
          union all
          select null, full_exposure, coalesce(full_pattern_exposure, 0), full_log_weight
          where full_exposure > 0
        ) as crowded
      ) as counted
    ) as ranked;

    -- Where nothing is held, what the cells sum up to is a rounding error.
    crowding := case when weight_sum > 0 then case when total > 0 then greatest(0, least(1, overlap / (weight_sum * full_at))) else 0 end end;
    measure.skew := case when enabled and crowding is not null then greatest(0.33, least(1.33, 1.33 - crowding)) else 1 end;
    measure.explanation := jsonb_build_object(
      'enabled', enabled, 'alpha', alpha, 'beta', beta, 'total', total, 'cap', cap,
      'weight_sum', case when weight_sum > 0 then weight_sum * exp(greatest(-115, log_scale)) else 0 end,
      'concentration', case when weight_sum > 0 then alpha * overlap * exp(greatest(-115, log_scale)) else 0 end,
      'crowding', crowding,
      'masks', coalesce(to_jsonb(heaviest), '[]') || case when crowded_masks > 20
        then jsonb_build_object('rest', crowded_masks - 20, 'concentration', alpha * (overlap - listed_overlap) * exp(greatest(-115, log_scale)))
        else '[]' end
    );
    measures := measures || measure;
  end loop;
  return measures;
end
$$;
comment on function learning.measure_exposure(learning.candidate[], jsonb) is
  'Crowding of each candidate''s scope by what is held: the skew of its size and the masks that made it, the 20 heaviest and the rest in one entry.';

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
comment on table public.learning_levers is 'Every number the PM lets learning move, with its bounds. A hand-made pm_tuning override names the lever as its action_category.';
comment on column public.learning_levers.lever is 'Name of the lever.';
comment on column public.learning_levers.kind is 'multiplier: a factor on the PM''s own number; additive: added to it; target: takes its place.';
comment on column public.learning_levers.neutral is 'Where the lever stands when nothing is known; null for a target: the PM''s own number holds.';
comment on column public.learning_levers.lower_bound is 'The lever never goes below this.';
comment on column public.learning_levers.upper_bound is 'The lever never goes above this.';
comment on column public.learning_levers.max_step is 'Furthest that one call moves it from neutral in edge_weighted mode, for a factor as a ratio; null: no limit but its bounds.';
comment on column public.learning_levers.action_categories is 'Actions the lever belongs to; null: it stands whatever the action, as a gate does.';
comment on column public.learning_levers.description is 'What the lever does.';

insert into public.learning_levers (lever, kind, neutral, lower_bound, upper_bound, max_step, action_categories, description) values
  ('size_mult', 'multiplier', 1, 0.7, 1.3, 0.02, '{entry,add}', 'Scales the size of the position.'),
  ('entry_aggression_mult', 'multiplier', 1, 0.8, 1.2, 0.02, '{entry,add}', 'Scales the appetite to enter and add.'),
  ('exit_aggression_mult', 'multiplier', 1, 0.8, 1.2, 0.02, '{trim,exit}', 'Scales the assertiveness to trim and exit.'),
  ('entry_delay_bars', 'additive', 0, 0, 3, 0.2, '{entry,add}', 'Bars to wait before the next entry or add.'),
  ('phase1_frac_mult', 'multiplier', 1, 0.7, 1.3, 0.02, '{entry}', 'Scales the first part of an entry.'),
  ('trim_delay_mult', 'multiplier', 1, 0.8, 1.25, 0.02, '{trim}', 'Stretches the time between trims.'),
  ('trail_mult', 'multiplier', 1, 0.8, 1.25, 0.02, '{trim,exit}', 'Scales the distance of the trailing stop.'),
  ('min_ts_for_add', 'target', null, 0, 1, 0.05, '{add}', 'Trend strength an add asks for.'),
  ('min_ox_for_trim', 'target', null, 0, 1, 0.05, '{trim}', 'Overextension a trim asks for.'),
  ('min_dx_for_add', 'target', null, 0, 1, 0.05, '{add}', 'Discount an add asks for.'),
  ('max_edx_for_add', 'target', null, 0, 1, 0.05, '{add}', 'Exhaustion above which nothing is added.'),
  ('wait_for_signal_x', 'target', null, 0, 1, 0.05, '{entry,add}', 'Signal strength to wait for before acting.'),
  ('phase_scaling_s1_mult', 'multiplier', 1, 0.8, 1.25, 0.02, '{entry,add}', 'Scales adds in trend state S1.'),
  ('phase_scaling_s2_mult', 'multiplier', 1, 0.8, 1.25, 0.02, '{entry,add}', 'Scales adds in trend state S2.'),
  ('phase_scaling_s3_mult', 'multiplier', 1, 0.8, 1.25, 0.02, '{entry,add}', 'Scales adds in trend state S3.'),
  ('panic_trigger_mult', 'multiplier', 1, 0.8, 1.25, 0.02, '{exit}', 'Scales the threshold of the emergency exit.'),
  ('wait_n_bars_after_trim', 'additive', 0, 0, 5, 0.2, '{entry,add}', 'Bars to wait after a trim before buying again.'),
  ('tuning_ts_min', 'additive', 0, -0.1, 0.1, null, null, 'Added to the trend strength that the entry gate asks for.'),
  ('tuning_halo', 'additive', 0, -0.2, 0.2, null, null, 'Added to the distance from the average that the entry gate allows.'),
  ('tuning_slope', 'additive', 0, -0.002, 0.002, null, null, 'Added to the slope that the entry gate asks for.'),
  ('tuning_dx_min', 'additive', 0, -0.1, 0.1, null, null, 'Added to the discount that the S3 gate asks for.');

create type public.pm_lever as (
  lever text,
  multiplier float8,
  value float8,
  override_id bigint,
  scope_subset jsonb
);
comment on type public.pm_lever is 'One answer of get_pm_levers: where a lever stands, and which override put it there.';
comment on column public.pm_lever.lever is 'Name of the lever.';
comment on column public.pm_lever.multiplier is 'Factor on the PM''s own number; for additive levers and targets the factor their value amounted to, where known.';
comment on column public.pm_lever.value is 'Change of an additive lever or value of a target; null where the lever is a factor, or a target that nothing sets.';
comment on column public.pm_lever.override_id is 'The override that set it; null where the lever is neutral.';
comment on column public.pm_lever.scope_subset is 'Scope of that override.';

create function learning.learned_levers(edge float8, fade float8, missed_at_entry float8, missed_at_exit float8)
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
    -- A target has no way between it and nothing: it lapses when what is left of the edge no longer calls for it.
    ('min_ts_for_add', null, case when edge * fade > 0.3 then 0.55 end),
    ('min_ox_for_trim', null, case when edge * fade > 0.3 then 0.40 end)
  ) as learned(lever, multiplier, value)
  where learned.multiplier is not null or learned.value is not null;
$$;
comment on function learning.learned_levers(float8, float8, float8, float8) is
  'What a lesson says of the levers, from its edge and the mean buckets of what its trades missed at entry and exit (0 to 3, null where unknown); bounds and fading come after.';

create function public.get_pm_levers(pattern_key text, action_category text, scope jsonb)
returns setof public.pm_lever
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  config jsonb := learning.config();
  candidate record;
  regimes jsonb := config #> '{flags,learning_overrides_enabled_regimes}';
  in_regime boolean;
begin
  perform learning.require_pm();
  candidate := learning.check_candidate(pattern_key, action_category, scope, 0.5, 0.5, 1, now());
  in_regime := regimes = 'null'::jsonb or coalesce(regimes ? (candidate.scope ->> 'macro_phase'), false);
  return query
  with containing as (
    select held.id, held.scope_subset, held.override_type, held.action_category, held.multiplier, learning.without_dust(held.value) as value,
      found.edge as edge_raw, held.lesson_id, cardinality(array(select jsonb_object_keys(held.scope_subset))) as dims, found.confidence,
      learning.fade(now(), held.last_evidence_at, (config ->> 'staleness_half_life_hours')::float8) as fade
    from learning.override_index_groups filed
    cross join lateral learning.contained_overrides(filed, candidate.scope) as found
    join public.pm_overrides held on held.id = found.override_id
    where filed.pattern_key = candidate.pattern_key
      and in_regime
      and case filed.override_type
        when 'pm_strength' then filed.action_category = get_pm_levers.action_category
          and (config #>> '{flags,learning_overrides_enabled}')::boolean
        when 'pm_tuning' then (config #>> '{flags,tuning_overrides_enabled}')::boolean
      end
  ),
  offered as (
    select containing.action_category as lever, containing.id, containing.scope_subset, containing.dims, containing.confidence,
      containing.fade, containing.multiplier, containing.value
    from containing
    where containing.override_type = 'pm_tuning'
    union all
    select learned.lever, containing.id, containing.scope_subset, containing.dims, containing.confidence, containing.fade,
      learned.multiplier, learned.value
    from containing
    left join public.learning_lessons lesson on lesson.id = containing.lesson_id
    cross join lateral learning.learned_levers(containing.edge_raw, containing.fade, (lesson.stats ->> 'm_e')::float8,
      (lesson.stats ->> 'm_x')::float8) as learned
    where containing.override_type = 'pm_strength'
      and (lesson.id is null or lesson.status = 'active')
      -- One made by hand that names no edge is about the size alone.
      and (lesson.id is not null or containing.edge_raw <> 0)
  ),
  chosen as (
    select distinct on (offered.lever) offered.*
    from offered
    join public.learning_levers known on known.lever = offered.lever
    where (known.action_categories is null or get_pm_levers.action_category = any (known.action_categories))
      and (known.kind = 'multiplier' or offered.multiplier is not null or offered.value is not null)
      and (known.kind <> 'target' or offered.value is not null)
    order by offered.lever, offered.dims desc, offered.confidence desc, offered.id desc
  ),
  standing as (
    select known.*, chosen.id, chosen.scope_subset,
      case known.kind
        when 'multiplier' then known.neutral
          + (greatest(known.lower_bound, least(known.upper_bound, coalesce(chosen.multiplier, known.neutral))) - known.neutral) * coalesce(chosen.fade, 1)
        else case when chosen.id is null then 1 else 1 + (chosen.multiplier - 1) * chosen.fade end
      end as multiplier,
      case known.kind
        when 'additive' then known.neutral
          + (greatest(known.lower_bound, least(known.upper_bound, coalesce(chosen.value, known.neutral))) - known.neutral) * coalesce(chosen.fade, 1)
        when 'target' then case when chosen.value is not null then greatest(known.lower_bound, least(known.upper_bound, chosen.value)) end
      end as value,
      config ->> 'strength_mode' = 'edge_weighted' and known.max_step is not null and known.neutral is not null as stepwise
    from public.learning_levers known
    left join chosen on chosen.lever = known.lever
  )
  select standing.lever,
    case when standing.stepwise and standing.kind = 'multiplier'
      then greatest(standing.neutral / (1 + standing.max_step), least(standing.neutral * (1 + standing.max_step), standing.multiplier))
      else standing.multiplier end,
    case when standing.stepwise and standing.kind = 'additive'
      then greatest(standing.neutral - standing.max_step, least(standing.neutral + standing.max_step, standing.value))
      else standing.value end,
    standing.id, standing.scope_subset
  from standing
  order by standing.lever;
end
$$;
comment on function public.get_pm_levers(text, text, jsonb) is
  'Where every lever stands for a candidate: set by the most specific override that speaks of it, alone, and neutral where none does.';

-- sql/84_blend.sql

-- Blend: what the overrides that a candidate contains say together, in every mode.

create type learning.contribution as (
  id bigint,
  scope_subset jsonb,
  weight float8,
  share float8,
  pull float8
);
comment on type learning.contribution is 'What one override contributed to a size.';

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
  'What the overrides that a candidate contains say together, by mode; null where none acts. Of those that act in the configured mode: their confidence, number, weight and pull. Where asked for, one by one: id, mask of its scope, weight, and how far times weight it moves; what a unit of these and of its edge is worth; and the least weight and confidence to act.';

create type learning.light_edge as (weight float8, multiplier float8, confidence float8);
comment on type learning.light_edge is 'An override whose edge may weigh too little to act.';

-- In one pass: to keep for others what the first finds takes half as long as to find it. Planned once, for tables however large.
create function learning.blend_overrides(candidate learning.candidate, config jsonb, one_by_one boolean, even_resting boolean default false)
returns learning.strength_blend
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  by_posture constant boolean := config ->> 'strength_mode' = 'posture';
  by_multiplier constant boolean := config ->> 'strength_mode' = 'multiplier';
  by_edge constant boolean := config ->> 'strength_mode' = 'edge_weighted';
  adds constant boolean := candidate.action_category in ('entry', 'add');
  base_bias constant float8 := learning.without_dust((config #>> '{steering,base_bias}')::float8);
  biased constant boolean := base_bias <> 0;
  edge_scale constant float8 := greatest(1e-50, (config ->> 'edge_scale')::float8);
  fade_rate constant float8 := ln(2::float8) / (3.6e9 * greatest(1e-9, (config ->> 'staleness_half_life_hours')::float8));
  as_of_us constant float8 := candidate.as_of_us;
  -- Without any confidence an override has no weight.
  least_confidence float8 := greatest((config #>> '{steering,confidence_min}')::float8, 1e-50);
  probe learning.override_probe;
  buckets bigint[];
  lacking_1 bigint;
  lacking_2 bigint;
  surely_enough float8;
  sums record;
  light record;
  blend learning.strength_blend;
begin
  if not even_resting and not learning.overrides_act(candidate.scope, config) then
    return null;
  end if;
  probe := learning.probe_overrides('pm_strength', candidate.pattern_key, candidate.action_category, candidate.scope);
  buckets := probe.buckets;
  lacking_1 := probe.lacking_1;
  lacking_2 := probe.lacking_2;
  surely_enough := 0.02 * probe.most_specificity;

  loop
    select max(matches.specificity) as specificity, sum(matches.weight) as weight,
      sum(matches.faded_weight * (matches.multiplier - 1)) as gain,
      sum(case when by_edge then matches.edged_weight else matches.weight end * matches.confidence)
        filter (where by_multiplier or (by_edge and matches.edged_weight >= surely_enough)) as confidence,
      sum(matches.weight) filter (where matches.confident) as posture_weight,
      sum(matches.faded_weight * matches.dir_a) filter (where matches.confident) as dir_a,
      sum(matches.faded_weight * matches.dir_e) filter (where matches.confident) as dir_e,
      sum(matches.weight * matches.confidence) filter (where matches.confident) as posture_confidence,
      sum(matches.weight * matches.edge) filter (where biased and matches.confident) as edge,
      -- Which edges weigh enough is known when the most specific override is, and those that only may are kept until then.
      sum(matches.edged_weight) filter (where matches.edged_weight >= surely_enough) as edged_weight,
      sum(matches.edged_weight * ln(matches.multiplier)) filter (where matches.edged_weight >= surely_enough) as log_multiplier,
      array_agg(row(matches.edged_weight, matches.multiplier, matches.confidence)::learning.light_edge)
        filter (where matches.edged_weight < surely_enough and matches.edged_weight >= 0.02 * matches.specificity) as light,
      array_agg(matches.override_id) filter (where matches.listed) as override_ids,
      array_agg(matches.scope_mask) filter (where matches.listed) as scope_masks,
      array_agg(case when by_edge then matches.edged_weight else matches.weight end) filter (where matches.listed) as weights,
      array_agg(case
        when by_multiplier then matches.faded_weight * (matches.multiplier - 1)
        when by_edge then matches.edged_weight * ln(matches.multiplier)
        when adds then matches.faded_weight * matches.dir_a
        else matches.faded_weight * matches.dir_e
      end) filter (where matches.listed) as moves
    into sums
    from (
      select held.override_id, held.scope_mask, held.specificity, held.confidence, held.edge, held.multiplier, held.dir_a, held.dir_e,
        held.confidence >= least_confidence as confident,
        one_by_one and (even_resting or by_edge or held.confidence >= case when by_posture then least_confidence else 1e-50 end) as listed,
        held.specificity * held.confidence as weight,
        held.specificity * held.confidence * exp(greatest(-115, least(0, (held.evidence_us - as_of_us) * fade_rate))) as faded_weight,
        held.specificity * held.support * tanh(abs(held.edge) / edge_scale)
          * exp(greatest(-115, least(0, (held.evidence_us - as_of_us) / held.decay_us))) as edged_weight
      from learning.override_index_entries held
      where held.bucket = any (buckets)
        and held.pairs_1 & lacking_1 = 0 and held.pairs_2 & lacking_2 = 0
        and (held.pairs_2 >= 0 or learning.contains_override(candidate.scope, held.override_id))
      -- Keeps each from being computed once per use.
      offset 0
    ) as matches;
    -- Where none is confident, all are heeded.
    exit when sums.posture_weight > 0 or coalesce(sums.weight, 0) = 0;
    least_confidence := 1e-50;
  end loop;
  if sums.specificity is null then
    return null;
  end if;

  blend.least_weight := 0.02 * sums.specificity;
  if blend.least_weight < surely_enough then
    select sum(one.weight) as weight, sum(one.weight * ln(one.multiplier)) as log_multiplier, sum(one.weight * one.confidence) as confidence
    into light
    from unnest(sums.light) as one
    where one.weight >= blend.least_weight and one.weight > 0;
    if light.weight > 0 then
      sums.edged_weight := coalesce(sums.edged_weight, 0) + light.weight;
      sums.log_multiplier := coalesce(sums.log_multiplier, 0) + light.log_multiplier;
      if by_edge then
        sums.confidence := coalesce(sums.confidence, 0) + light.confidence;
      end if;
    end if;
  end if;

  blend.override_ids := sums.override_ids;
  blend.scope_masks := sums.scope_masks;
  blend.weights := sums.weights;
  blend.moves := sums.moves;
  blend.overrides := cardinality(sums.override_ids);
  blend.weight_unit := 1;
  blend.move_unit := 1;
  blend.edge_unit := 0;
  blend.log_multiplier := sums.log_multiplier / sums.edged_weight;
  if sums.posture_weight > 0 then
    blend.multiplier := 1 + sums.gain / sums.weight;
    blend.posture_confidence := sums.posture_confidence / sums.posture_weight;
    blend.steer := learning.steering_strength(blend.posture_confidence, config -> 'steering');
    blend.delta_a := blend.steer * (sums.dir_a / sums.posture_weight) + base_bias * coalesce(sums.edge / sums.posture_weight, 0);
    blend.delta_e := blend.steer * (sums.dir_e / sums.posture_weight);
  end if;
  if by_edge then
    blend.weight := sums.edged_weight;
    blend.confidence := sums.confidence / sums.edged_weight;
    blend.pull := blend.log_multiplier;
    blend.overrides := (select count(*) from unnest(sums.weights) as one(weight) where one.weight >= blend.least_weight and one.weight > 0);
    blend.weight_unit := sums.specificity;
    blend.least_confidence := 0;
    return blend;
  end if;
  blend.least_weight := 0;
  if by_multiplier then
    blend.weight := nullif(sums.weight, 0);
    blend.confidence := sums.confidence / blend.weight;
    blend.pull := blend.multiplier - 1;
    blend.least_confidence := 0;
  else
    blend.weight := nullif(sums.posture_weight, 0);
    blend.confidence := blend.posture_confidence;
    blend.move_unit := blend.steer;
    blend.edge_unit := case when adds then base_bias else 0 end;
    blend.pull := case when adds then blend.delta_a else blend.delta_e end;
    blend.least_confidence := least_confidence;
  end if;
  return blend;
end
$$;
comment on function learning.blend_overrides(learning.candidate, jsonb, boolean, boolean) is
  'Blends the overrides that a candidate contains, in every mode; null where there are none, and where they rest in its macro phase unless asked for even so.';

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
  least_weight constant float8 := greatest(blend.least_weight, 1e-300);
  total_weight constant float8 := blend.weight;
  weight_unit constant float8 := blend.weight_unit;
  move_unit constant float8 := blend.move_unit;
  edge_unit constant float8 := blend.edge_unit;
  listed record;
  scopes jsonb[];
  contributions learning.contribution[];
begin
  if coalesce(total_weight, 0) = 0 then
    return '[]'::jsonb;
  end if;
  select array_agg(heaviest.override_id) as override_ids, array_agg(heaviest.scope_mask) as scope_masks,
    array_agg(heaviest.weight) as weights, array_agg(heaviest.pull) as pulls, sum(heaviest.weight) as weight, sum(heaviest.pull) as pull
  into listed
  from (
    select acting.override_id, acting.scope_mask, acting.weight,
      (acting.move * move_unit + case
        when edge_unit = 0 then 0
        else edge_unit * acting.weight
          * (select terms.edge from learning.override_terms terms where terms.override_id = acting.override_id)
      end) / total_weight as pull
    from (
      select unnest(override_ids) as override_id, unnest(scope_masks) as scope_mask, unnest(weights) as weight, unnest(moves) as move
    ) as acting
    where acting.weight >= least_weight
    order by acting.weight desc, acting.override_id
    limit at_most
  ) as heaviest;
  scopes := learning.scopes_within(scope, listed.scope_masks);
  select array_agg(
    row(one.override_id, one.scope_subset, one.weight / weight_unit, one.weight / total_weight, one.pull)::learning.contribution
  ) into contributions
  from (
    select unnest(listed.override_ids) as override_id, unnest(scopes) as scope_subset, unnest(listed.weights) as weight,
      unnest(listed.pulls) as pull
  ) as one;
  return to_jsonb(contributions) || case when blend.overrides > at_most
    then jsonb_build_object('rest', blend.overrides - at_most, 'weight', (total_weight - listed.weight) / weight_unit,
      'share', 1 - listed.weight / total_weight, 'pull', blend.pull - listed.pull)
    else '[]' end;
end
$$;
comment on function learning.list_contributions(learning.strength_blend, jsonb, integer) is
  'The heaviest of the overrides that act in a blend of those that the scope contains, and the rest in one entry: multiplied out, what the blend says.';

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
  select one.override_id, one.weight / blend.weight_unit,
    case when one.weight > 0 and one.weight >= blend.least_weight and terms.confidence >= blend.least_confidence
      then one.weight / blend.weight else 0 end
  from unnest(blend.override_ids, blend.weights) as one(override_id, weight)
  join learning.override_terms terms on terms.override_id = one.override_id;
end
$$;
comment on function learning.matched_overrides(learning.candidate, jsonb) is
  'The enabled strength overrides that a candidate contains, with their weight in the configured mode and their share of all weight that acts: 0 where they are set aside.';

-- sql/85_override_matches.sql

-- Matches: the overrides that a scope contains, with their weights.

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
comment on column public.pm_override_match.specificity is 'Dimensions of the scope plus one, to the power of 1.5.';
comment on column public.pm_override_match.weight is 'Its weight in the configured mode.';
comment on column public.pm_override_match.share is 'Its part of all weight that acts; 0 where it does not act.';
comment on column public.pm_override_match.acts is 'Whether it acts; false where it is set aside: for low confidence beside a higher one, for low weight, or because overrides are switched off.';
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
  acts := learning.overrides_act(candidate.scope, config);
  return query
  select matched.override_id, made.scope_subset, terms.specificity, matched.weight, case when acts then matched.share else 0 end,
    acts and matched.share > 0, terms.confidence, 1 + (terms.multiplier - 1) * faded.fade, terms.dir_a * faded.fade,
    terms.dir_e * faded.fade, made.edge_raw, made.n, made.last_evidence_at
  from learning.matched_overrides(candidate, config) as matched
  join public.pm_overrides made on made.id = matched.override_id
  join learning.override_terms terms on terms.override_id = matched.override_id
  cross join lateral (
    select learning.fade(candidate.as_of, made.last_evidence_at, (config ->> 'staleness_half_life_hours')::float8) as fade offset 0
  ) as faded
  order by matched.weight desc, matched.override_id;
end
$$;
comment on function public.match_pm_overrides(text, text, jsonb) is
  'The enabled overrides that a scope contains, heaviest first, with the weight they have in the configured mode.';

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
comment on column public.pm_sizing.mode is 'How learned strength acted: posture, multiplier or edge_weighted.';
comment on column public.pm_sizing.base_alloc_pct is 'Fraction of the book that the token gets before anything learned, over all its timeframes.';
comment on column public.pm_sizing.timeframe_share is 'Share of the candidate''s timeframe in it; null for a timeframe without a share.';
comment on column public.pm_sizing.size_frac_raw is 'Size before anything learned, from the appetite alone: 0.10 to 0.60.';
comment on column public.pm_sizing.pm_strength is 'Factor from what was learned; 1 is neutral and always for trims and exits.';
comment on column public.pm_sizing.exposure_skew is 'Factor from crowding, 0.33 to 1.33; 1 for trims and exits.';
comment on column public.pm_sizing.size_frac is 'Size to use: size_frac_raw times both factors, 0 to 1.';
comment on column public.pm_sizing.max_alloc_pct is 'base_alloc_pct times both factors.';
comment on column public.pm_sizing.a_final is 'Appetite to add after steering, 0 to 1.';
comment on column public.pm_sizing.e_final is 'Assertiveness to exit after steering, 0 to 1.';
comment on column public.pm_sizing.confidence is 'Confidence of the overrides that acted, blended by their weights; 0 where none did.';
comment on column public.pm_sizing.steer_max is 'Furthest that the posture could have been steered; 0 where nothing steers.';
comment on column public.pm_sizing.overrides is 'The overrides that acted, heaviest first: id, scope_subset, weight, share, pull; beyond 50 one entry for the rest.';
comment on column public.pm_sizing.exposure is 'Concentration and the masks that made it.';
comment on column public.pm_sizing.shadow is 'What the other two modes would have said, by mode.';
comment on column public.pm_sizing.config_version is 'Version of the configuration that held.';
comment on column public.pm_sizing.computed_at is 'When the answer was computed.';

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
comment on type public.pm_sizing_in_batch is 'One answer of get_pm_sizing_batch: the columns of pm_sizing, and whose answer it is.';
comment on column public.pm_sizing_in_batch.position is 'Place of the candidate in the batch, from 1.';
comment on column public.pm_sizing_in_batch.error is 'Why the candidate could not be sized, as code, message, detail and hint; null where it was.';

create type learning.sizing_context as (
  config jsonb,
  config_version integer,
  base_alloc_pct float8,
  timeframes text[],
  timeframe_shares float8[],
  size_mult public.learning_levers
);
comment on type learning.sizing_context is 'What every candidate of a call has in common.';

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
  select pm.config, pm.version, learning.without_dust((maker.config ->> 'default_allocation_pct')::float8), size_mult
  into context.config, context.config_version, context.base_alloc_pct, context.size_mult
  from learning.effective_configs pm
  left join learning.effective_configs maker on maker.module_id = 'decision_maker'
  left join public.learning_levers size_mult on size_mult.lever = 'size_mult'
  where pm.module_id = 'pm';
  select state.timeframes, state.shares into context.timeframes, context.timeframe_shares
  from learning.allocation_state() as state;
  return context;
end
$$;
comment on function learning.sizing_context() is 'Configuration, base allocation and learned shares, read once for a call.';

-- As its owner: to ask for each table it reads whether the user may read it took a pm a sixth of the whole call.
create function learning.size_candidates(candidates learning.candidate[])
returns public.pm_sizing[]
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  context constant learning.sizing_context := learning.sizing_context();
  config constant jsonb := context.config;
  configured constant text := config ->> 'strength_mode';
  size_mult constant public.learning_levers := context.size_mult;
  crowdings learning.exposure_measure[];
  sizings public.pm_sizing[] := array[]::public.pm_sizing[];
  candidate learning.candidate;
  blend learning.strength_blend;
  crowding learning.exposure_measure;
  sizing public.pm_sizing;
  mode text;
  strength float8;
  steer float8;
  a_steered float8;
  e_steered float8;
  shadow jsonb;
begin
  perform learning.require_pm();
  crowdings := learning.measure_exposure(candidates, config);
  for place in 1 .. cardinality(candidates) loop
    candidate := candidates[place];
    blend := learning.blend_overrides(candidate, config, true);
    sizing.mode := configured;
    sizing.base_alloc_pct := context.base_alloc_pct;
    sizing.timeframe_share := context.timeframe_shares[array_position(context.timeframes, candidate.scope ->> 'timeframe')];
    sizing.size_frac_raw := 0.10 + 0.50 * candidate.a_value;
    sizing.overrides := learning.list_contributions(blend, candidate.scope, 50);
    crowding := crowdings[place];
    sizing.exposure_skew := crowding.skew;
    sizing.exposure := crowding.explanation;

    shadow := '{}'::jsonb;
    foreach mode in array array['posture', 'multiplier', 'edge_weighted'] loop
      a_steered := candidate.a_value;
      e_steered := candidate.e_value;
      steer := 0;
      strength := 1;
      if mode = 'posture' then
        if blend.posture_confidence is not null then
          steer := blend.steer;
          a_steered := learning.with_headroom(candidate.a_value, blend.delta_a);
          e_steered := learning.with_headroom(candidate.e_value, blend.delta_e);
          strength := (0.10 + 0.50 * a_steered) / sizing.size_frac_raw;
        end if;
      elsif mode = 'multiplier' then
        strength := greatest(0.3, least(3.0, coalesce(blend.multiplier, 1)));
      elsif blend.log_multiplier is not null and size_mult.lever is not null then
        strength := exp(greatest(-700, least(700, blend.log_multiplier)));
        strength := greatest(candidate.previous_strength / (1 + size_mult.max_step),
          least(candidate.previous_strength * (1 + size_mult.max_step), strength));
        strength := greatest(size_mult.lower_bound, least(size_mult.upper_bound, strength));
      end if;
      if candidate.action_category not in ('entry', 'add') then
        strength := 1;
      end if;
      if mode = configured then
        sizing.pm_strength := strength;
        sizing.size_frac := greatest(0, least(1, sizing.size_frac_raw * strength * sizing.exposure_skew));
        sizing.max_alloc_pct := sizing.base_alloc_pct * strength * sizing.exposure_skew;
        sizing.a_final := a_steered;
        sizing.e_final := e_steered;
        sizing.confidence := coalesce(blend.confidence, 0);
        sizing.steer_max := steer;
      else
        shadow := shadow || jsonb_build_object(mode, jsonb_build_object(
          'pm_strength', strength,
          'size_frac', greatest(0, least(1, sizing.size_frac_raw * strength * sizing.exposure_skew)),
          'max_alloc_pct', sizing.base_alloc_pct * strength * sizing.exposure_skew,
          'a_final', a_steered,
          'e_final', e_steered
        ));
      end if;
    end loop;
    sizing.shadow := shadow;
    sizing.config_version := context.config_version;
    sizing.computed_at := now();
    sizings[place] := sizing;
  end loop;
  return sizings;
end
$$;
comment on function learning.size_candidates(learning.candidate[]) is 'Sizes candidates, in their order; for those who may ask, whatever they may read.';

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
    array[learning.check_candidate(pattern_key, action_category, scope, a_value, e_value, previous_strength, as_of)]
  );
  return sizings[1];
end
$$;
comment on function public.get_pm_sizing(text, text, jsonb, float8, float8, float8, timestamptz) is
  'How large the next action should be: learned strength and crowding applied to the size that the appetite asks for.';

create function public.get_pm_sizing_batch(candidates jsonb)
returns setof public.pm_sizing_in_batch
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  asked learning.candidate[] := array[]::learning.candidate[];
  places integer[] := array[]::integer[];
  errors jsonb := '{}'::jsonb;
  sizings public.pm_sizing[];
  fault_state text;
  fault_message text;
  fault_detail text;
  fault_hint text;
begin
  perform learning.require_pm();
  if candidates is null or jsonb_typeof(candidates) <> 'array' or jsonb_array_length(candidates) > 1000 then
    raise exception using
      errcode = '22023',
      message = format('Argument candidates must be an array of at most 1000 objects and is %s',
        case jsonb_typeof(candidates) when 'array' then 'an array of ' || jsonb_array_length(candidates)
          else coalesce(learning.quoted(left(candidates::text, 61)), 'null') end),
      hint = 'Split candidates into several calls.';
  end if;
  for place in 1 .. jsonb_array_length(candidates) loop
    begin
      asked := asked || learning.read_candidate(candidates -> place - 1);
      places := places || place;
    exception when data_exception then
      get stacked diagnostics fault_state = returned_sqlstate, fault_message = message_text, fault_detail = pg_exception_detail,
        fault_hint = pg_exception_hint;
      errors := errors || jsonb_build_object(place, jsonb_build_object('code', fault_state, 'message', fault_message,
        'details', nullif(fault_detail, ''), 'hint', nullif(fault_hint, '')));
    end;
  end loop;
  sizings := learning.size_candidates(asked);
  return query
  select sizing.mode, sizing.base_alloc_pct, sizing.timeframe_share, sizing.size_frac_raw, sizing.pm_strength, sizing.exposure_skew,
    sizing.size_frac, sizing.max_alloc_pct, sizing.a_final, sizing.e_final, sizing.confidence, sizing.steer_max, sizing.overrides,
    sizing.exposure, sizing.shadow, sizing.config_version, sizing.computed_at, answer.place, errors -> answer.place::text
  from generate_series(1, jsonb_array_length(candidates)) as answer(place)
  left join (
    select answered.place, sized.*
    from unnest(places) with ordinality as answered(place, rank)
    join unnest(sizings) with ordinality as sized(mode, base_alloc_pct, timeframe_share, size_frac_raw, pm_strength, exposure_skew,
      size_frac, max_alloc_pct, a_final, e_final, confidence, steer_max, overrides, exposure, shadow, config_version, computed_at, rank)
      on sized.rank = answered.rank
  ) as sizing on sizing.place = answer.place
  order by answer.place;
end
$$;
comment on function public.get_pm_sizing_batch(jsonb) is
  'get_pm_sizing for up to 1000 candidates at once, in their order; a candidate that cannot be sized says why in its own row.';

-- sql/87_explanation.sql

-- Explanation: a size in readable lines.

create function learning.near_misses(candidate learning.candidate, at_most integer)
returns table (override_id bigint, scope_subset jsonb, dim text, given text, wanted text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  probe constant learning.override_probe :=
    learning.probe_overrides('pm_strength', candidate.pattern_key, candidate.action_category, candidate.scope);
  group_bits constant bigint := (probe.buckets[1] >> 40) << 40;
begin
  return query
  select near.override_id, near.scope_subset, pair.key, candidate.scope ->> pair.key, pair.value
  from (
    select held.override_id, made.scope_subset, held.specificity * held.confidence as weight
    from learning.override_index_entries held
    join public.pm_overrides made on made.id = held.override_id
    where held.bucket between group_bits and group_bits + (1::bigint << 40) - 1
      and bit_count((held.pairs_1 & probe.lacking_1)::bit(64)) + bit_count((held.pairs_2 & probe.lacking_2)::bit(64)) <= 1
      and (
        select count(*) from jsonb_each_text(made.scope_subset) as own where candidate.scope ->> own.key is distinct from own.value
      ) = 1
    order by held.specificity * held.confidence desc, held.override_id
    limit at_most
  ) as near
  cross join lateral jsonb_each_text(near.scope_subset) as pair
  where candidate.scope ->> pair.key is distinct from pair.value
  order by near.weight desc, near.override_id;
end
$$;
comment on function learning.near_misses(learning.candidate, integer) is
  'The heaviest enabled overrides that a candidate contains but for one pair, and what it has in its place.';

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
  config jsonb;
  candidate learning.candidate;
  sizings public.pm_sizing[];
  sizing public.pm_sizing;
  acts boolean;
  adds boolean;
begin
  perform learning.require_pm();
  context := learning.sizing_context();
  config := context.config;
  candidate := learning.check_candidate(pattern_key, action_category, scope, a_value, e_value, previous_strength, as_of);
  sizings := learning.size_candidates(array[candidate]);
  sizing := sizings[1];
  acts := learning.overrides_act(candidate.scope, config);
  adds := candidate.action_category in ('entry', 'add');

  return next format('%s %s in %s as of %s', candidate.pattern_key, candidate.action_category, candidate.scope, candidate.as_of);
  return next format('Size %s = %s (0.10 + 0.50 × appetite %s) × strength %s × exposure skew %s%s',
    learning.rounded(sizing.size_frac), learning.rounded(sizing.size_frac_raw), learning.rounded(candidate.a_value),
    learning.rounded(sizing.pm_strength), learning.rounded(sizing.exposure_skew),
    case when sizing.size_frac_raw * sizing.pm_strength * sizing.exposure_skew > 1 then ', at most 1' end);
  return next format('Allocation at most %s = base %s × strength × exposure skew; %s',
    learning.rounded(sizing.max_alloc_pct), learning.rounded(sizing.base_alloc_pct),
    case when sizing.timeframe_share is null then 'its timeframe has no share of its own'
      else format('timeframe %s has %s of it', candidate.scope ->> 'timeframe', learning.rounded(sizing.timeframe_share)) end);
  if not adds then
    return next format('An action of category %s is steered, but neither scaled nor skewed', candidate.action_category);
  end if;

  return next case
    when not (config #>> '{flags,learning_overrides_enabled}')::boolean then 'Overrides are switched off by flags.learning_overrides_enabled'
    when not acts then format('Overrides rest: macro_phase %s is not among flags.learning_overrides_enabled_regimes',
      coalesce(learning.quoted(candidate.scope ->> 'macro_phase'), 'unknown'))
    when sizing.overrides = '[]'::jsonb then 'No override acts'
    when sizing.mode = 'posture' then format('Mode posture: confidence %s steers by up to %s; appetite %s → %s, assertiveness %s → %s',
      learning.rounded(sizing.confidence), learning.rounded(sizing.steer_max), learning.rounded(candidate.a_value),
      learning.rounded(sizing.a_final), learning.rounded(candidate.e_value), learning.rounded(sizing.e_final))
    when sizing.mode = 'multiplier' then 'Mode multiplier: the strength is 1 and what each override adds, from 0.3 to 3'
    else format('Mode edge_weighted: the strength is e to the sum of the pulls, within %s of the previous %s and from %s to %s',
      learning.rounded((context.size_mult).max_step), learning.rounded(candidate.previous_strength),
      learning.rounded((context.size_mult).lower_bound), learning.rounded((context.size_mult).upper_bound))
  end;
  return query
  select case when one.entry ? 'rest'
    then format('  and %s more: weight %s, share %s, pull %s', one.entry ->> 'rest', numbers.weight, numbers.share, numbers.pull)
    else format('  override %s in %s: weight %s, share %s, pull %s', one.entry ->> 'id', one.entry -> 'scope_subset', numbers.weight,
      numbers.share, numbers.pull) end
  from jsonb_array_elements(sizing.overrides) with ordinality as one(entry, place)
  cross join lateral (
    select learning.rounded((one.entry ->> 'weight')::float8) as weight, learning.rounded((one.entry ->> 'share')::float8) as share,
      case when (one.entry ->> 'pull')::float8 >= 0 then '+' else '' end || learning.rounded((one.entry ->> 'pull')::float8) as pull
  ) as numbers
  order by one.place;
  return query
  select format('  set aside: override %s in %s, %s', made.id, made.scope_subset, case
    when sizing.mode = 'edge_weighted' then format('its weight %s is below 0.02', learning.rounded(matched.weight))
    when terms.confidence = 0 then 'it has no confidence'
    else format('its confidence %s is below %s and another''s is not', learning.rounded(terms.confidence),
      config #>> '{steering,confidence_min}')
  end)
  from learning.matched_overrides(candidate, config) as matched
  join public.pm_overrides made on made.id = matched.override_id
  join learning.override_terms terms on terms.override_id = matched.override_id
  where acts and matched.share = 0
  order by matched.weight desc, made.id
  limit 10;
  return query
  select format('  nearly matched: override %s in %s, but %s is %s and not %s', near.override_id, near.scope_subset, near.dim,
    coalesce(learning.quoted(near.given), 'unknown'), learning.quoted(near.wanted))
  from learning.near_misses(candidate, 10) as near;
  return query
  select format('  switched off: override %s in %s, by %s%s', made.id, made.scope_subset, made.disabled_by,
    coalesce(': ' || made.disabled_reason, ''))
  from public.pm_overrides made
  where made.override_type = 'pm_strength' and made.pattern_key = candidate.pattern_key
    and made.action_category = candidate.action_category and not made.enabled and made.scope_subset <@ candidate.scope
  order by made.scope_mask desc, made.id
  limit 10;

  if adds then
    return next case
      when not (sizing.exposure ->> 'enabled')::boolean then 'Crowding is switched off by flags.exposure_skew_enabled'
      when sizing.exposure -> 'crowding' = 'null'::jsonb then 'A scope that fills no mask is not skewed'
      else format('Exposure skew %s = 1.33 - crowding %s, from 0.33 to 1.33; crowding = concentration %s / (alpha %s × weights %s × %s), at most 1',
        learning.rounded(sizing.exposure_skew), learning.rounded((sizing.exposure ->> 'crowding')::float8),
        learning.rounded((sizing.exposure ->> 'concentration')::float8), sizing.exposure ->> 'alpha',
        learning.rounded((sizing.exposure ->> 'weight_sum')::float8),
        case when (sizing.exposure ->> 'cap')::float8 < (sizing.exposure ->> 'total')::float8
          then 'cap ' || (sizing.exposure ->> 'cap') else 'all that is held, ' || learning.rounded((sizing.exposure ->> 'total')::float8) end)
    end;
    return query
    select case when one.entry ? 'rest'
      then format('  and %s masks more: concentration %s', one.entry ->> 'rest', learning.rounded((one.entry ->> 'concentration')::float8))
      else format('  %s held in %s, %s by the same behaviour; weight %s', learning.rounded((one.entry ->> 'exposure')::float8),
        one.entry -> 'scope', learning.rounded((one.entry ->> 'pattern_exposure')::float8),
        learning.rounded((one.entry ->> 'weight')::float8)) end
    from jsonb_array_elements(sizing.exposure -> 'masks') with ordinality as one(entry, place)
    order by one.place;
  end if;

  return query
  select format('Mode %s would have said: strength %s, size %s, appetite %s, assertiveness %s', other.key,
    learning.rounded((other.value ->> 'pm_strength')::float8), learning.rounded((other.value ->> 'size_frac')::float8),
    learning.rounded((other.value ->> 'a_final')::float8), learning.rounded((other.value ->> 'e_final')::float8))
  from jsonb_each(sizing.shadow) as other
  order by other.key desc;
  return next format('Configuration version %s', sizing.config_version);
end
$$;
comment on function public.explain_pm_sizing(text, text, jsonb, float8, float8, float8, timestamptz) is
  'get_pm_sizing in readable lines, with the overrides that nearly matched and what kept them from it.';

-- sql/88_audit.sql

-- Audit: what was applied to the size of each action, beside how its trade ended.

create view public.pm_sizing_audit
with (security_invoker = true)
as
select action.id as action_strand_id, action.created_at as acted_at, action.content ->> 'trade_id' as trade_id,
  action.position_id, action.symbol, action.timeframe,
  learning.dotted_pattern_key(action.content ->> 'pattern_key') as pattern_key, action.content ->> 'action_category' as action_category,
  learning.finite_number(action.content -> 'a_value') as a_value, learning.finite_number(action.content -> 'e_value') as e_value,
  learning.finite_number(action.content #> '{reasons,pm_strength_applied}') as pm_strength_applied,
  learning.finite_number(action.content #> '{reasons,exposure_skew_applied}') as exposure_skew_applied,
  learning.finite_number(action.content -> 'size_frac') as size_frac,
  trade.trade_id is not null as closed, trade.roi, trade.rr, trade.pnl_usd, trade.exit_at
from public.ad_strands action
left join learning.closed_trades trade on trade.trade_id = action.content ->> 'trade_id'
where action.kind = 'pm_action';
comment on view public.pm_sizing_audit is 'What was applied to the size of each action, beside how its trade ended.';
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
comment on column public.pm_sizing_audit.pm_strength_applied is 'Factor from what was learned, as the action says; null where it says nothing.';
comment on column public.pm_sizing_audit.exposure_skew_applied is 'Factor from crowding, as the action says; null where it says nothing.';
comment on column public.pm_sizing_audit.size_frac is 'Size used, as the action says.';
comment on column public.pm_sizing_audit.closed is 'Whether the trade is closed.';
comment on column public.pm_sizing_audit.roi is 'Return of the trade as a fraction; null while it is open.';
comment on column public.pm_sizing_audit.rr is 'Reward over risk of the trade; null while it is open.';
comment on column public.pm_sizing_audit.pnl_usd is 'Realised profit of the trade in USD.';
comment on column public.pm_sizing_audit.exit_at is 'When the trade was closed.';

-- sql/89_dm_allocation.sql

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
comment on type public.dm_allocation is 'Answer of get_dm_allocation: what an approved token gets on one timeframe, and why.';
comment on column public.dm_allocation.base is 'Fraction of the book that an approved token gets over all its timeframes.';
comment on column public.dm_allocation.share is 'The timeframe''s learned share of it; null for a timeframe without a share.';
comment on column public.dm_allocation.multiplier is 'Factor from learned and hand-made dm_alloc overrides, 0.7 to 1.3; 1 is neutral.';
comment on column public.dm_allocation.product is 'base times share times multiplier, a fraction of the book; null for a timeframe without a share.';
comment on column public.dm_allocation.overrides is 'The overrides that acted, heaviest first: id, pattern_key, scope_subset, weight, share, pull; beyond 50 one entry for the rest.';
comment on column public.dm_allocation.config_version is 'Version of the decision maker''s configuration that held.';
comment on column public.dm_allocation.computed_at is 'When the answer was computed.';

create function learning.blend_allocation_overrides(
  scope jsonb, as_of timestamptz, half_life_hours float8, out multiplier float8, out contributions jsonb
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  with containing as (
    select held.id, held.pattern_key, held.scope_subset,
      -- Beyond these bounds the answer stays the same, but products would leave the range of numbers.
      power(cardinality(array(select jsonb_object_keys(held.scope_subset))) + 1, 1.5)
        * case when held.confidence_score < 1e-100 then 0 else coalesce(held.confidence_score, 0.5) end as weight,
      (least(1e100, greatest(1e-100, coalesce(held.multiplier, 1))) - 1)
        * learning.fade(as_of, held.last_evidence_at, blend_allocation_overrides.half_life_hours) as faded
    from public.pm_overrides held
    where held.override_type = 'dm_alloc' and held.action_category = 'allocation' and held.enabled
      and held.scope_subset <@ blend_allocation_overrides.scope
  ),
  pulls as (
    select containing.*, containing.weight / sum(containing.weight) over () as share,
      containing.weight / sum(containing.weight) over () * containing.faded as pull,
      row_number() over (order by containing.weight desc, containing.id) as rank
    from containing
    where containing.weight > 0
  ),
  listed as (
    select pulls.rank, jsonb_build_object('id', pulls.id, 'pattern_key', pulls.pattern_key, 'scope_subset', pulls.scope_subset,
      'weight', pulls.weight, 'share', pulls.share, 'pull', pulls.pull) as entry
    from pulls
    where pulls.rank <= 50
    union all
    select 51, jsonb_build_object('rest', count(*), 'weight', sum(pulls.weight), 'share', sum(pulls.share), 'pull', sum(pulls.pull))
    from pulls
    where pulls.rank > 50
    having count(*) > 0
  )
  select least(greatest(1 + coalesce((select sum(pulls.pull) from pulls), 0), 0.7), 1.3),
    coalesce((select jsonb_agg(listed.entry order by listed.rank) from listed), '[]'::jsonb)
  into multiplier, contributions;
end
$$;
comment on function learning.blend_allocation_overrides(jsonb, timestamptz, float8) is
  'Blends the faded multipliers of all dm_alloc overrides that a scope contains, whatever their pattern key, weighed by specificity and confidence.';

create function public.get_dm_allocation(timeframe text, scope jsonb default '{}'::jsonb)
returns public.dm_allocation
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  answer public.dm_allocation;
  argument text;
  expected text;
  given text;
begin
  perform learning.require_pm();
  if timeframe is null or btrim(timeframe) = '' then
    argument := 'timeframe'; expected := 'a timeframe such as 1h'; given := timeframe;
  elsif scope is null or jsonb_typeof(scope) <> 'object' then
    argument := 'scope'; expected := 'an object of dimensions and texts'; given := left(scope::text, 61);
  end if;
  if argument is not null then
    raise exception using
      errcode = '22023',
      message = format('Argument %s must be %s and is %s', argument, expected, coalesce(learning.quoted(given), 'null')),
      hint = format('Correct %s and ask again; nothing else was looked at.', argument);
  end if;
  timeframe := btrim(timeframe);
  scope := public.unified_scope(null, scope || jsonb_build_object('timeframe', timeframe), null);

  select (held.config ->> 'default_allocation_pct')::float8, held.version into answer.base, answer.config_version
  from learning.effective_configs held
  where held.module_id = 'decision_maker';
  select held.current_allocation into answer.share
  from public.timeframe_allocation held
  where held.timeframe = get_dm_allocation.timeframe;
  answer.multiplier := 1;
  answer.overrides := '[]'::jsonb;
  if (learning.config() #>> '{flags,dm_alloc_overrides_enabled}')::boolean then
    select blend.multiplier, blend.contributions into answer.multiplier, answer.overrides
    from learning.blend_allocation_overrides(scope, now(), (learning.config() ->> 'staleness_half_life_hours')::float8) as blend;
  end if;
  answer.product := answer.base * answer.share * answer.multiplier;
  answer.computed_at := clock_timestamp();
  return answer;
end
$$;
comment on function public.get_dm_allocation(text, jsonb) is
  'What an approved token gets on one timeframe: base, learned share, multiplier from dm_alloc overrides and their product. The timeframe given counts as the scope''s. Read-only; malformed arguments are refused with 22023.';

-- sql/90_health.sql

-- Health: how far each stage of the loop has come, what waits, and in words what is wrong.

create type learning.stage_health as (
  stage text,
  backlog bigint,
  oldest_waiting_at timestamptz,
  last_success_at timestamptz,
  failures bigint,
  problem text
);
comment on type learning.stage_health is 'One row of learning_health.';

create function learning.newest_failure(p_component text)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select format('failed at %s: %s', learning.moment(line.at), left(line.message, 300))
  from public.learning_log line
  where line.at > now() - interval '1 day' and line.level = 'ERROR' and line.component = p_component and line.event <> 'doorbell_failed'
  order by line.at desc, line.id desc
  limit 1;
$$;
comment on function learning.newest_failure(text) is 'What went wrong last in a component within a day; null where nothing did.';

create function learning.failures_of(p_component text)
returns bigint
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select count(*)
  from public.learning_log line
  where line.at > now() - interval '1 day' and line.level = 'ERROR' and line.component = p_component and line.event <> 'doorbell_failed';
$$;
comment on function learning.failures_of(text) is 'How often something went wrong in a component within a day.';

create function learning.doorbell_health()
returns learning.stage_health
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  health learning.stage_health;
  missing text;
  is_silent boolean;
  refusal text;
begin
  health.stage := 'doorbell';
  with answered as materialized (
    select rung.function_name, rung.rung_at, answer.created, answer.status_code, coalesce(answer.error_msg, left(answer.content, 200)) as reason,
      -- Work that takes longer than the request waits for it is not lost.
      coalesce(answer.status_code between 200 and 299, false) or coalesce(answer.timed_out, false) as is_good
    from learning.doorbells rung
    left join net._http_response answer on answer.id = rung.request_id and answer.created >= rung.rung_at
    where rung.rung_at > now() - interval '6 hours'
  ),
  newest as (
    select distinct on (answered.function_name) answered.*
    from answered
    where answered.created is not null
    order by answered.function_name, answered.rung_at desc
  )
  select count(*) filter (where answered.created is null and answered.rung_at > now() - interval '5 minutes'),
    min(answered.rung_at) filter (where answered.created is null and answered.rung_at > now() - interval '5 minutes'),
    max(answered.created) filter (where answered.status_code between 200 and 299),
    count(*) filter (where answered.created is not null and not answered.is_good),
    -- What was rung before a crash is never answered; what is rung after it is.
    coalesce(max(answered.rung_at) < now() - interval '2 minutes'
      and max(answered.rung_at) > coalesce(max(answered.rung_at) filter (where answered.created is not null), '-infinity'), false),
    (
      select case
        when newest.status_code in (401, 403) then
          format('%s refused the key at %s: edge_function_secret_key in Vault is not a secret key of the project', newest.function_name,
            learning.moment(newest.created))
        when newest.status_code = 404 then
          format('%s was not found at %s: is it deployed, and is project_url in Vault right?', newest.function_name, learning.moment(newest.created))
        else
          format('%s answered %s at %s: %s', newest.function_name, coalesce(newest.status_code::text, 'nothing'), learning.moment(newest.created),
            newest.reason)
      end
      from newest
      where not newest.is_good
      order by newest.created desc
      limit 1
    )
  into health.backlog, health.oldest_waiting_at, health.last_success_at, health.failures, is_silent, refusal
  from answered;

  select string_agg(wanted.name, ' and none named ' order by wanted.name desc) into missing
  from (values ('project_url'), ('edge_function_secret_key')) as wanted(name)
  where not exists (select from vault.decrypted_secrets secret where secret.name = wanted.name and secret.decrypted_secret is not null);
  health.problem := case
    when missing is not null then format('Vault has no secret named %s: store it with vault.create_secret', missing)
    when is_silent then 'no request is sent: is the worker of pg_net running?'
    else refusal
  end;
  return health;
end
$$;
comment on function learning.doorbell_health() is 'Whether the edge functions can be reached: rings of the last six hours and their answers.';

create function learning.inbox_health()
returns learning.stage_health
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  health learning.stage_health;
  retried bigint;
  rejected bigint;
  newest record;
  newest_retry text;
begin
  health.stage := 'inbox';
  select count(*), min(receipt.received_at), count(*) filter (where receipt.errors <> '[]'::jsonb),
    (array_agg(receipt.errors #>> '{0,message}' order by receipt.next_attempt_at desc) filter (where receipt.errors <> '[]'::jsonb))[1]
  into health.backlog, health.oldest_waiting_at, retried, newest_retry
  from public.strand_receipts receipt
  where receipt.status = 'pending';
  select max(receipt.processed_at) into health.last_success_at from public.strand_receipts receipt where receipt.status = 'done';
  select count(*) into rejected
  from public.strand_receipts receipt
  where receipt.status = 'rejected' and receipt.processed_at > now() - interval '1 day';
  select receipt.strand_id, receipt.errors -> 0 as reason into newest
  from public.strand_receipts receipt
  where receipt.status = 'rejected' and receipt.processed_at > now() - interval '1 day'
  order by receipt.processed_at desc
  limit 1;
  health.failures := rejected + retried + learning.failures_of('aggregate-strands') + learning.failures_of('allocation');
  health.problem := nullif(concat_ws('; ',
    case when health.oldest_waiting_at < now() - interval '15 minutes' and coalesce(health.last_success_at, '-infinity') < now() - interval '15 minutes' then
      format('%s since %s and nobody comes for them', learning.counted(health.backlog, 'strand waits', 'strands wait'), learning.moment(health.oldest_waiting_at)) end,
    case when retried > 0 then
      format('%s not be applied and will be tried again, the last one: %s', learning.counted(retried, 'strand could', 'strands could'), newest_retry) end,
    case when rejected > 0 then
      format('%s rejected within a day, the last one %s: %s; strand_receipts has every reason', learning.counted(rejected, 'strand was', 'strands were'),
        newest.strand_id, concat_ws(' ', nullif(newest.reason ->> 'path', ''), newest.reason ->> 'message')) end,
    'aggregate-strands ' || learning.newest_failure('aggregate-strands'),
    'allocation ' || learning.newest_failure('allocation')
  ), '');
  return health;
end
$$;
comment on function learning.inbox_health() is 'Strands on their way to their effect.';

create function learning.mining_health(p_family text, p_component text)
returns learning.stage_health
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  health learning.stage_health;
  overdue bigint;
begin
  health.stage := p_component;
  with waiting as (
    select held.mined_at, coalesce(held.mined_at, case p_family
      when 'strength' then (
        select event.created_at
        from public.pattern_trade_events event
        where event.module = held.module and event.pattern_key = held.pattern_key and event.action_category = held.action_category
        order by event.id
        limit 1
      )
      else (
        select receipt.received_at
        from public.pattern_episode_events episode
        join public.strand_receipts receipt on receipt.strand_id = episode.strand_id
        where episode.pattern_key = held.pattern_key and episode.outcome is not null
        order by episode.occurred_at, episode.id
        limit 1
      )
    end) as since
    from learning.mining_groups held
    where held.id in (select learning.due_groups(p_family))
  )
  -- A group without a change is mined once a day, one with a change within the hour.
  select count(*), min(waiting.since),
    count(*) filter (where waiting.since < now() - case when waiting.mined_at is null then interval '3 hours' else interval '27 hours' end)
  into health.backlog, health.oldest_waiting_at, overdue
  from waiting;
  select max(held.mined_at) into health.last_success_at from learning.mining_groups held where held.family = p_family;
  health.failures := learning.failures_of(p_component);
  health.problem := nullif(concat_ws('; ',
    case when overdue > 0 then format('%s not mined in time, the oldest since %s', learning.counted(overdue, 'group was', 'groups were'),
      learning.moment(health.oldest_waiting_at)) end,
    learning.newest_failure(p_component)
  ), '');
  return health;
end
$$;
comment on function learning.mining_health(text, text) is 'Groups on their way to their lessons; one that waits does so since it was last mined, or since its first event.';

create function learning.materialization_health()
returns learning.stage_health
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  health learning.stage_health;
begin
  health.stage := 'materialize-overrides';
  with waiting as (
    select lesson.updated_at as since
    from public.learning_lessons lesson
    where lesson.status = 'active' and lesson.lesson_type <> 'tuning_rates'
      and not exists (
        select from public.pm_overrides held
        where held.override_type = lesson.lesson_type and held.pattern_key = lesson.pattern_key
          and held.action_category = lesson.action_category and held.scope_digest = lesson.scope_digest
          -- What a person made or switched off is not touched.
          and (held.lesson_id is null or held.enabled or held.disabled_by is distinct from 'loop')
      )
    union all
    select coalesce(lesson.updated_at, held.last_updated_at)
    from public.pm_overrides held
    left join public.learning_lessons lesson on lesson.id = held.lesson_id
    where held.lesson_id is not null and held.enabled and lesson.status is distinct from 'active'
    union all
    select coalesce(mining.mined_at, now())
    from learning.tuning_groups mined
    join learning.mining_groups mining on mining.id = mined.group_id
    where mined.run is not null or mined.lessons_version > mined.simulated_version
      or mined.simulated_settings is distinct from (select learning.tuning_settings())
  )
  select count(*), min(waiting.since) into health.backlog, health.oldest_waiting_at from waiting;
  select max(answer.created) into health.last_success_at
  from learning.doorbells rung
  join net._http_response answer on answer.id = rung.request_id and answer.created >= rung.rung_at
  where rung.function_name = 'materialize-overrides' and answer.status_code between 200 and 299;
  health.failures := learning.failures_of(health.stage);
  health.problem := nullif(concat_ws('; ',
    case when health.oldest_waiting_at < now() - interval '3 hours' then format('%s not been taken over since %s',
      learning.counted(health.backlog, 'change of lessons has', 'changes of lessons have'), learning.moment(health.oldest_waiting_at)) end,
    learning.newest_failure(health.stage)
  ), '');
  return health;
end
$$;
comment on function learning.materialization_health() is
  'Lessons on their way to overrides: active ones without, overrides whose lesson is no longer active, and tuning groups that await simulation.';

create function learning.schedule_health()
returns learning.stage_health
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  health learning.stage_health;
begin
  health.stage := 'schedule';
  with jobs as (
    select wanted.name, wanted.longest_gap, scheduled.jobid, scheduled.active
    from (values
      ('edgeloop-sweep', interval '20 minutes'), ('edgeloop-mine-lessons', interval '3 hours'), ('edgeloop-mine-tuning', interval '3 hours'),
      ('edgeloop-materialize-overrides', interval '3 hours'), ('edgeloop-prune', interval '50 hours')
    ) as wanted(name, longest_gap)
    left join cron.job scheduled on scheduled.jobname = wanted.name
  ),
  runs as (
    select jobs.name, jobs.longest_gap, jobs.jobid, jobs.active, newest.*
    from jobs
    left join lateral (
      select max(detail.end_time) filter (where detail.status = 'succeeded') as last_success_at, max(detail.start_time) as last_run_at,
        count(*) filter (where detail.status = 'failed' and detail.start_time > now() - interval '1 day') as failures,
        (array_agg(detail.return_message order by detail.runid desc) filter (where detail.status in ('succeeded', 'failed')))[1] as last_message,
        (array_agg(detail.status order by detail.runid desc) filter (where detail.status in ('succeeded', 'failed')))[1] as last_status
      from cron.job_run_details detail
      where detail.jobid = jobs.jobid
    ) as newest on true
  )
  select count(*) filter (where runs.jobid is null or not runs.active), max(runs.last_success_at), coalesce(sum(runs.failures), 0),
    nullif(concat_ws('; ',
      string_agg(case
        when runs.jobid is null then runs.name || ' is not scheduled'
        when not runs.active then runs.name || ' is switched off'
        when runs.last_status = 'failed' then format('%s failed at %s: %s', runs.name, learning.moment(runs.last_run_at), left(runs.last_message, 200))
        when runs.last_run_at < now() - runs.longest_gap then format('%s has not run since %s', runs.name, learning.moment(runs.last_run_at))
      end, '; ' order by runs.name),
      -- Before the first hour is over there may be nothing to tell.
      case when max(runs.last_run_at) is null and exists (
        select from public.ad_strands strand
        join public.strand_receipts receipt on receipt.strand_id = strand.id
        where receipt.received_at < now() - interval '2 hours'
      ) then 'no run was recorded: does the scheduler of pg_cron run, with cron.log_run on?' end
    ), '')
  into health.backlog, health.last_success_at, health.failures, health.problem
  from runs;
  return health;
end
$$;
comment on function learning.schedule_health() is 'Jobs of the loop: the backlog is those that are not scheduled or switched off.';

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
    select detail.status, detail.start_time, detail.end_time, scheduled.jobname
    from cron.job_run_details detail
    join cron.job scheduled on scheduled.jobid = detail.jobid and starts_with(scheduled.jobname, 'edgeloop-')
  ),
  old as (
    select line.at, true as is_log from public.learning_log line where line.at < now() - interval '30 days'
    union all
    select run.end_time, false from own_runs run where run.end_time < now() - interval '30 days'
  )
  select count(*), min(old.at), count(*) filter (where old.is_log), count(*) filter (where not old.is_log),
    (select max(run.end_time) from own_runs run where run.jobname = 'edgeloop-prune' and run.status = 'succeeded'),
    (
      select count(*) from own_runs run
      where run.jobname = 'edgeloop-prune' and run.status = 'failed' and run.start_time > now() - interval '7 days'
    )
  into health.backlog, health.oldest_waiting_at, log_lines, run_details, health.last_success_at, health.failures
  from old;
  health.problem := case when health.oldest_waiting_at < now() - interval '33 days' then
    format('%s should be gone, the oldest since %s', concat_ws(' and ',
      case when log_lines > 0 then learning.counted(log_lines, 'line of the log', 'lines of the log') end,
      case when run_details > 0 then learning.counted(run_details, 'run in cron.job_run_details', 'runs in cron.job_run_details') end
    ), learning.moment(health.oldest_waiting_at + interval '30 days')) end;
  return health;
end
$$;
comment on function learning.pruning_health() is 'Log lines and run details that are older than they are kept.';

-- Runs as its owner: signed-in users may not read what net, cron and Vault hold. It tells of them no more than counts, times,
-- and the answers of the loop's own functions.
create function learning.health()
returns setof learning.stage_health
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  health learning.stage_health;
  name text;
begin
  if learning.asks_as_user() and coalesce(learning.learning_role() not in ('viewer', 'pm'), true) then
    return;
  end if;
  foreach name in array array['doorbell', 'inbox', 'mine-lessons', 'mine-tuning', 'materialize-overrides', 'schedule', 'prune'] loop
    begin
      health := case name
        when 'doorbell' then learning.doorbell_health()
        when 'inbox' then learning.inbox_health()
        when 'mine-lessons' then learning.mining_health('strength', name)
        when 'mine-tuning' then learning.mining_health('tuning', name)
        when 'materialize-overrides' then learning.materialization_health()
        when 'schedule' then learning.schedule_health()
        else learning.pruning_health()
      end;
    exception when others then
      -- What keeps one stage from being looked at must not hide the others.
      health := (name, null, null, null, null, format('cannot be looked at: %s', sqlerrm))::learning.stage_health;
    end;
    return next health;
  end loop;
end
$$;
comment on function learning.health() is 'The rows of learning_health; none for signed-in users without a learning role.';

create view public.learning_health
with (security_invoker = true)
as
select health.stage, health.backlog, health.oldest_waiting_at, health.last_success_at, health.failures, health.problem
from learning.health() as health;
comment on view public.learning_health is 'How each stage of the loop is doing, in the order in which data passes through; a stage is well when problem is null.';
comment on column public.learning_health.stage is 'doorbell, inbox, mine-lessons, mine-tuning, materialize-overrides, schedule or prune.';
comment on column public.learning_health.backlog is
  'What waits: unanswered rings, strands, groups to be mined, lessons to be taken over, jobs that do not run, log lines and run details past their time.';
comment on column public.learning_health.oldest_waiting_at is 'Since when the oldest of it waits; null where nothing does.';
comment on column public.learning_health.last_success_at is 'When the stage last did its work; null where that is not known. Answers of edge functions are known for six hours.';
comment on column public.learning_health.failures is 'Failures and refusals within a day; of the doorbell within six hours, of pruning within a week.';
comment on column public.learning_health.problem is 'What is wrong, for a person to read; null where nothing is.';

-- sql/92_schedule.sql

-- Schedule (UTC): the sweep, mining, materialisation and pruning.

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
      format('The allocation could not be replayed and is tried again: %s', sqlerrm), jsonb_build_object('sqlstate', sqlstate));
  end;
  -- Work whose invocations died goes on without waiting for the next hour.
  perform learning.ring_or_log(work.function_name, '{"continue": true}'::jsonb)
  from (
    select case mined.family when 'tuning' then 'mine-tuning' else 'mine-lessons' end as function_name, mined.run, mined.leased_until
    from learning.mining_groups mined
    union all
    select 'materialize-overrides', simulated.run, simulated.leased_until
    from learning.tuning_groups simulated
  ) as work
  group by work.function_name
  having bool_or(work.run is not null) and not coalesce(bool_or(work.leased_until > clock_timestamp()), false);
end
$$;
comment on function learning.sweep() is
  'Finds the strands whose doorbell was lost, and the mining and simulating whose invocations died, and goes on with a replay that paused; does nothing while another one does.';

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
  delete from public.learning_log line
  where line.id in (select old.id from public.learning_log old where old.at < now() - interval '30 days' order by old.at limit p_batch);
  get diagnostics log_lines = row_count;
  delete from learning.doorbells rung
  where rung.id in (select old.id from learning.doorbells old where old.rung_at < now() - interval '1 day' order by old.rung_at limit p_batch);
  get diagnostics doorbells = row_count;
  snapshots := learning.prune_edge_history(array(
    select kept.lesson_id from public.learning_edge_history kept group by kept.lesson_id having count(*) > 500
  ));
  begin
    delete from cron.job_run_details detail
    where detail.runid in (
      select old.runid
      from cron.job_run_details old
      -- Details of other jobs are their owners' business.
      join cron.job scheduled on scheduled.jobid = old.jobid and starts_with(scheduled.jobname, 'edgeloop-')
      where old.end_time < now() - interval '30 days'
      order by old.runid
      limit p_batch
    );
    get diagnostics run_details = row_count;
  exception when insufficient_privilege then
    perform learning.write_log_hourly('WARNING', 'prune', 'run_details_kept', 'Run details of pg_cron could not be pruned: ' || sqlerrm);
  end;
  return jsonb_build_object('log_lines', log_lines, 'run_details', run_details, 'doorbells', doorbells, 'snapshots', snapshots);
end
$$;
comment on function public.prune_learning(integer) is
  'Deletes log lines and run details older than 30 days and doorbells older than a day, at most p_batch of each at a time, and all but the last 500 snapshots of each lesson; does nothing while another run does. For the schedule.';

select cron.schedule('edgeloop-sweep', '2-59/5 * * * *', $$select learning.sweep()$$);
select cron.schedule('edgeloop-mine-lessons', '8 * * * *', $$select learning.ring_or_log('mine-lessons')$$);
select cron.schedule('edgeloop-mine-tuning', '9 * * * *', $$select learning.ring_or_log('mine-tuning')$$);
select cron.schedule('edgeloop-materialize-overrides', '10 * * * *', $$select learning.ring_or_log('materialize-overrides')$$);
select cron.schedule('edgeloop-prune', '17 3 * * *', $$select public.prune_learning()$$);

-- sql/95_access.sql

-- Access: who may do what. Everything is revoked first, then granted by name.

-- Only what this project made: other tables of the database keep their grants. Defaults of older projects grant new objects
-- to anon and authenticated, those of newer ones to nobody; after this both are the same.
revoke all on schema learning from public, anon, authenticated, service_role;
revoke all on all tables in schema learning from public, anon, authenticated, service_role;
revoke all on all sequences in schema learning from public, anon, authenticated, service_role;
revoke all on all functions in schema learning from public, anon, authenticated, service_role;
grant usage on schema learning to authenticated, service_role;
grant usage on schema public to authenticated, service_role;

do $grant_tables$
declare
  relation regclass;
begin
  -- Users with a learning role read these; the edge functions and the trading system, as service_role, write them.
  foreach relation in array array[
    'public.ad_strands', 'public.strand_receipts', 'public.lowcap_positions', 'public.scope_dimensions', 'public.pattern_trade_events',
    'public.pattern_episode_events', 'public.learning_lessons', 'public.learning_edge_history', 'public.pm_overrides',
    'public.timeframe_allocation_steps', 'public.learning_levers', 'public.learning_configs', 'public.learning_log'
  ]::regclass[] loop
    execute format('revoke all on %s from public, anon, authenticated, service_role', relation);
    execute format('grant select on %s to authenticated', relation);
    execute format('grant select, insert, update, delete on %s to service_role', relation);
    execute format(
      'create policy read_with_learning_role on %s for select to authenticated using ((select learning.learning_role()) in (''viewer'', ''pm''))',
      relation);
  end loop;

  -- Identity columns need no rights on their sequences, but older projects grant them all the same.
  for relation in
    select owned.objid::regclass
    from pg_catalog.pg_depend owned
    join pg_catalog.pg_class sequence on sequence.oid = owned.objid and sequence.relkind = 'S'
    where owned.deptype = 'i' and owned.refobjid = any (array[
      'public.pattern_trade_events', 'public.pattern_episode_events', 'public.learning_lessons', 'public.pm_overrides', 'public.learning_log'
    ]::regclass[]::oid[])
  loop
    execute format('revoke all on sequence %s from public, anon, authenticated, service_role', relation);
  end loop;

  foreach relation in array array[
    'public.pattern_scope_stats', 'public.scope_exposure', 'public.pattern_scope_exposure', 'public.timeframe_allocation',
    'public.timeframe_allocation_history', 'public.timeframe_allocation_outlook', 'public.learning_health', 'public.pm_sizing_audit'
  ]::regclass[] loop
    execute format('revoke all on %s from public, anon, authenticated, service_role', relation);
    execute format('grant select on %s to authenticated, service_role', relation);
  end loop;

  -- What the RPCs and views read on behalf of a user with a learning role.
  foreach relation in array array[
    'learning.closed_trades', 'learning.effective_configs', 'learning.exposure_cells', 'learning.exposure_masks', 'learning.override_index_entries',
    'learning.override_index_groups', 'learning.override_index_pairs', 'learning.position_scopes', 'learning.settings'
  ]::regclass[] loop
    execute format('grant select on %s to authenticated', relation);
    execute format(
      'create policy read_with_learning_role on %s for select to authenticated using ((select learning.learning_role()) in (''viewer'', ''pm''))',
      relation);
  end loop;
end
$grant_tables$;

grant select on learning.override_terms to authenticated;
grant select, insert, update, delete on all tables in schema learning to service_role;
grant usage, select, update on all sequences in schema learning to service_role;

do $grant_functions$
declare
  routine regprocedure;
begin
  foreach routine in array array[
    'public.unified_scope(jsonb, jsonb, jsonb)',
    'public.get_pm_sizing(text, text, jsonb, float8, float8, float8, timestamptz)',
    'public.get_pm_sizing_batch(jsonb)',
    'public.explain_pm_sizing(text, text, jsonb, float8, float8, float8, timestamptz)',
    'public.match_pm_overrides(text, text, jsonb)',
    'public.get_pm_levers(text, text, jsonb)',
    'public.get_pm_config()',
    'public.get_dm_allocation(text, jsonb)'
  ]::regprocedure[] loop
    execute format('revoke all on function %s from public, anon, authenticated, service_role', routine);
    execute format('grant execute on function %s to authenticated, service_role', routine);
  end loop;

  -- For the edge functions alone.
  foreach routine in array array[
    'public.ring_edge_function(text, jsonb, integer)',
    'public.claim_strands(integer)',
    'public.apply_strands(jsonb, jsonb)',
    'public.start_mining(text)',
    'public.claim_mining_group(text)',
    'public.read_mining_group(bigint)',
    'public.read_module_trades(text)',
    'public.read_scope_values(integer[])',
    'public.read_edge_history(bigint)',
    'public.save_mining_progress(bigint, uuid, jsonb)',
    'public.restart_mining_group(bigint, uuid)',
    'public.finish_mining_group(bigint, uuid, jsonb)',
    'public.reconcile_overrides(bigint, integer)',
    'public.start_tuning()',
    'public.read_tuning_windows(bigint, timestamptz, jsonb, integer, boolean)',
    'public.finish_tuning_group(bigint, uuid, jsonb, timestamptz)',
    'public.claim_tuning_simulation()',
    'public.read_tuning_lessons(bigint, bigint, integer)',
    'public.save_tuning_simulations(bigint, uuid, jsonb, bigint, text)',
    'public.read_tuning_p_values()',
    'public.reconcile_tuning_overrides(bigint, integer, float8, integer)',
    'public.prune_learning(integer)'
  ]::regprocedure[] loop
    execute format('revoke all on function %s from public, anon, authenticated, service_role', routine);
    execute format('grant execute on function %s to service_role', routine);
  end loop;

  -- They ask for the learning role themselves.
  grant execute on function learning.health() to authenticated;
  grant execute on function learning.size_candidates(learning.candidate[]) to authenticated;

  -- The inner functions that only read: the RPCs call them with the caller's rights.
  for routine in
    select inner_function.oid::regprocedure
    from pg_catalog.pg_proc inner_function
    where inner_function.pronamespace = 'learning'::regnamespace
      and inner_function.provolatile <> 'v' and not inner_function.prosecdef
  loop
    execute format('grant execute on function %s to authenticated', routine);
  end loop;
end
$grant_functions$;
grant execute on all functions in schema learning to service_role;
