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
