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
