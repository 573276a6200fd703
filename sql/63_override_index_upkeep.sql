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
      decay_us = terms.decay_us, by_hand = terms.by_hand
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
