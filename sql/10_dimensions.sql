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
