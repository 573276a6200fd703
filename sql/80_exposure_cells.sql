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
