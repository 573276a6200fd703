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
comment on column learning.position_scopes.scope is
  'Its scope: entry context, timeframe, chain, state and book.';
comment on column learning.position_scopes.scope_mask is 'Dimensions of the scope as bits.';
comment on column learning.position_scopes.exposure is
  'Intended capital as a fraction of the book, or USD held where exposure.measure is value.';

create function learning.position_scope(
  entry_context jsonb, timeframe text, token_chain text, state text, book_id text
)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  -- A position is held whatever its context looks like: what no scope can take is left out instead of raised,
  -- and what no dimension is named by is not looked at, as there may be any amount of it.
  select learning.merged_scope(
    (
      select jsonb_object_agg(entry.key, learning.scope_value(entry.value))
      from (
        select named.key, given.context -> named.key as value
        -- Taken out of its compressed form once.
        from (select entry_context #> '{}' as context offset 0) as given
        cross join public.scope_dimensions dimension
        cross join lateral unnest(dimension.aliases || dimension.dim) as named(key)
        offset 0
      ) as entry
      where case jsonb_typeof(entry.value)
        when 'string' then length(learning.scope_value(entry.value))
        -- Four bytes may stand for 131,072 digits, so it is measured before it is written out.
        when 'number' then learning.number_bytes(trim_scale(entry.value::numeric))
        when 'boolean' then 0
      end <= learning.size_limit('value_characters')
    ),
    jsonb_build_object(
      'timeframe', left(timeframe, learning.size_limit('value_characters')),
      'chain', left(token_chain, learning.size_limit('value_characters')),
      'state', left(state, learning.size_limit('value_characters')),
      'book_id', left(book_id, learning.size_limit('value_characters'))
    ),
    null
  );
$$;
comment on function learning.position_scope(jsonb, text, text, text, text) is
  'The scope a position is held in.';

create function learning.position_exposure(
  allocation float8, usd_value float8, measure text, allocation_unit text
)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return learning.without_dust(case
    when measure = 'value' then greatest(coalesce(usd_value, 0), 0)
    when allocation_unit = 'percent' then allocation / 100
    else allocation
  end);
end
$$;
comment on function learning.position_exposure(float8, float8, text, text) is
  'What a position counts as exposure: a fraction of the book, or USD where exposure.measure is value. The '
  'one place that knows the unit of allocations.';

create view learning.held_positions
with (security_invoker = true)
as
select position.id as position_id, position.pattern_key,
  learning.position_scope(
    position.entry_context, position.timeframe, position.token_chain, position.state, position.book_id
  ) as scope,
  learning.position_exposure(
    position.total_allocation_pct, position.current_usd_value, measured.measure, measured.allocation_unit
  ) as exposure
from public.lowcap_positions position
cross join (
  select learning.config() #>> '{exposure,measure}' as measure,
    learning.config('decision_maker') ->> 'allocation_unit' as allocation_unit
  -- Keeps them from being read once per position.
  offset 0
) as measured
where position.status in ('watchlist', 'active');
comment on view learning.held_positions is 'The positions that count as exposure.';
comment on column learning.held_positions.position_id is 'The position.';
comment on column learning.held_positions.pattern_key is
  'Behaviour that holds it, dotted; null where unknown.';
comment on column learning.held_positions.scope is
  'Its scope: entry context, timeframe, chain, state and book.';
comment on column learning.held_positions.exposure is
  'Intended capital as a fraction of the book, or USD held where exposure.measure is value.';

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
declare
  counts_value constant boolean := learning.config() #>> '{exposure,measure}' = 'value';
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
          position.token_chain, position.total_allocation_pct, position.status, position.state,
          position.book_id, case when counts_value then position.current_usd_value end
        from new_positions position
        where position.status in ('watchlist', 'active')
        except
        select position.id, position.pattern_key, position.entry_context, position.timeframe,
          position.token_chain, position.total_allocation_pct, position.status, position.state,
          position.book_id, case when counts_value then position.current_usd_value end
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

create function learning.measure_positions_anew()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Alone: a position written meanwhile would count in the former measure. Its writers share the lock.
  perform pg_advisory_xact_lock(hashtextextended('exposure', 0));
  perform learning.hold_positions(
    array(select position_scope.position_id from learning.position_scopes position_scope)
  );
  return null;
end
$$;
comment on function learning.measure_positions_anew() is
  'Measures what is held anew when the measure or the unit of allocations changes.';
create trigger measure_positions_anew after update on learning.effective_configs
for each row when (
  new.config #> '{exposure,measure}' is distinct from old.config #> '{exposure,measure}'
  or new.config -> 'allocation_unit' is distinct from old.config -> 'allocation_unit'
)
execute function learning.measure_positions_anew();
comment on trigger measure_positions_anew on learning.effective_configs is
  'Another measure or unit of exposure acts at once.';
