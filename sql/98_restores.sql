-- Restores: the rows of a dump (supabase db dump --data-only) take the place of those that a push makes, and
-- learning.rebuild() derives what is derived.
--
-- A dump is restored with session_replication_role = replica, under which ordinary triggers are silent. Those
-- that are enabled here for a replica are the only ones that a restore sets off; nothing else does.

create function learning.give_way()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  key text;
begin
  foreach key in array tg_argv loop
    execute format('delete from %s as held where held.%I = ($1).%I', tg_relid::regclass, key, key) using new;
  end loop;
  return new;
end
$$;
comment on function learning.give_way() is
  'Lets a restored row take the place of the row that has its key; the arguments are columns that are '
  'unique.';

create function learning.keep_what_was_pushed()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_relid = 'learning.releases'::regclass then
    if not exists (select from learning.releases release where release.version = new.version) then
      raise exception using
        errcode = '55000',
        message = format(
          'The dump comes from release %s, which this database was not brought to: it is at %s',
          new.version, coalesce(learning.release(), 'none')),
        hint = 'Push that release first, then restore.';
    end if;
  end if;
  return null;
end
$$;
comment on function learning.keep_what_was_pushed() is
  'Leaves a row of a dump out: what the release says, and whom this database rang, is not the dump''s to '
  'say. Refuses the dump of a release that this database was not brought to.';

create function learning.clear_seeds()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  cleared constant text := coalesce(current_setting('edgeloop.cleared_seeds', true), '');
begin
  -- Nothing was ever learned here, and this session has not begun to restore the table.
  if pg_sequence_last_value('learning.scope_values_code_seq'::regclass) is null
    and strpos(cleared, tg_table_name) = 0 then
    execute format('delete from %s where true', tg_relid::regclass);
    perform set_config('edgeloop.cleared_seeds', concat_ws(' ', cleared, tg_table_name), false);
  end if;
  return null;
end
$$;
comment on function learning.clear_seeds() is
  'Empties a registry before a dump is restored into a new database, so that what was taken out of it before '
  'the dump does not come back.';

do $$
declare
  seeded record;
begin
  for seeded in
    select given.relation, given.keys, given.is_registry
    from (values
      ('public.scope_dimensions'::regclass, '{dim,bit}'::text[], true),
      ('public.learning_levers'::regclass, '{lever}', true),
      ('public.learning_configs'::regclass, '{module_id}', false),
      ('public.exposure_history'::regclass, '{id}', false),
      ('public.learning_log'::regclass, '{id}', false),
      ('public.learning_alerts'::regclass, '{id}', false), ('learning.errands', '{name}', false),
      ('learning.effective_configs'::regclass, '{module_id}', false),
      ('learning.exposure_masks'::regclass, '{mask}', true),
      ('learning.mining_cycles'::regclass, '{family}', false),
      ('learning.allocation_replay'::regclass, '{is_only}', false),
      ('learning.receipt_search'::regclass, '{is_only}', false),
      ('learning.strength_reconciliation'::regclass, '{single}', false)
    ) as given(relation, keys, is_registry)
  loop
    execute format(
      'create trigger give_way before insert on %s for each row execute function learning.give_way(%s)',
      seeded.relation, (select string_agg(quote_literal(key), ', ') from unnest(seeded.keys) as key)
    );
    execute format('alter table %s enable replica trigger give_way', seeded.relation);
    execute format('comment on trigger give_way on %s is %L', seeded.relation,
      'While a dump is restored: its row takes the place of what is there.');
    if seeded.is_registry then
      execute format(
        'create trigger clear_seeds before insert on %s for each statement '
          'execute function learning.clear_seeds()',
        seeded.relation
      );
      execute format('alter table %s enable replica trigger clear_seeds', seeded.relation);
      execute format('comment on trigger clear_seeds on %s is %L', seeded.relation,
        'While a dump is restored: what a push wrote makes room for what the dump holds.');
    end if;
  end loop;
  for seeded in
    select given.relation
    from unnest(array[
      'learning.releases', 'learning.settings', 'learning.doorbells', 'learning.alert_requests'
    ]::regclass[])
      as given(relation)
  loop
    execute format(
      'create trigger keep_what_was_pushed before insert on %s for each row '
        'execute function learning.keep_what_was_pushed()',
      seeded.relation
    );
    execute format('alter table %s enable replica trigger keep_what_was_pushed', seeded.relation);
    execute format('comment on trigger keep_what_was_pushed on %s is %L', seeded.relation,
      'While a dump is restored: what this database says of itself stays.');
  end loop;
end
$$;

-- What a restored registry or configuration comes to holds at once.
alter table public.scope_dimensions enable always trigger derive_scope_functions;
alter table public.learning_configs enable always trigger keep_effective_configuration;

create function learning.recode_scopes(out events bigint, out windows bigint)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  perform learning.register_scope_values(array(
    select event.scope from public.pattern_trade_events event
    union
    select episode.scope from public.pattern_episode_events episode
  ));
  with coded as materialized (
    select seen.scope, learning.scope_mask(seen.scope) as mask, learning.encode_scope(seen.scope) as codes
    from (select distinct event.scope from public.pattern_trade_events event) as seen
  )
  update public.pattern_trade_events event
  set scope_mask = coded.mask, scope_codes = coded.codes
  from coded
  where event.scope = coded.scope
    and (event.scope_mask, event.scope_codes) is distinct from (coded.mask, coded.codes);
  get diagnostics events = row_count;
  with coded as materialized (
    select seen.scope, learning.scope_mask(seen.scope) as mask, learning.encode_scope(seen.scope) as codes
    from (select distinct episode.scope from public.pattern_episode_events episode) as seen
  )
  update public.pattern_episode_events episode
  set scope_mask = coded.mask, scope_codes = coded.codes
  from coded
  where episode.scope = coded.scope
    and (episode.scope_mask, episode.scope_codes) is distinct from (coded.mask, coded.codes);
  get diagnostics windows = row_count;
end
$$;
comment on function learning.recode_scopes() is
  'Brings masks and codes of events and windows in line with the registry and the dictionary, which gets '
  'what it lacks; returns how many of each were not.';

create function learning.apply_what_is_missing(out trades bigint, out episodes bigint)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
-- A timestamp without an offset is UTC, whatever the session says.
set timezone = 'UTC'
set jit = off
as $$
declare
  missing record;
  applied record;
  changed_groups learning.group_key[] := '{}'::learning.group_key[];
begin
  trades := 0;
  episodes := 0;
  perform learning.register_scope_values(array_agg(context.content))
  from learning.accepted_strands strand
  cross join lateral (
    values (strand.content -> 'entry_context'), (strand.content -> 'scope'), (strand.regime_context)
  ) as context(content)
  where not learning.has_effect(strand.id);
  for missing in
    select distinct 'trade' as kind, learning.text_of(strand.content, 'trade_id') as subject
    from learning.accepted_strands strand
    left join learning.closed_trades trade on trade.trade_id = learning.text_of(strand.content, 'trade_id')
    left join public.pattern_trade_events event on event.action_strand_id = strand.id
    where case
      when strand.kind = 'position_closed' then trade.trade_id is null
      else strand.kind in ('pm_action', 'dm_action') and trade.trade_id is not null
        and event.action_strand_id is null
    end
    union all
    select distinct 'episode', learning.text_of(strand.content, 'episode_id')
    from learning.accepted_strands strand
    left join public.pattern_episode_events episode on episode.strand_id = strand.id
    where episode.strand_id is null
      and (
        strand.kind = 'episode_window'
        or strand.kind = 'pm_action' and learning.is_shadow_window(strand.content)
      )
    union
    select distinct 'episode', learning.text_of(strand.content, 'episode_id')
    from learning.accepted_strands strand
    left join public.pattern_episode_events episode on episode.summary_strand_id = strand.id
    where strand.kind = 'uptrend_episode_summary' and episode.summary_strand_id is null
      and learning.text_of(strand.content, 'episode_id') is not null
    order by 1, 2
  loop
    continue when learning.is_pruned(missing.kind, missing.subject);
    applied := learning.take_back(missing.kind, missing.subject);
    changed_groups := changed_groups || applied.changed_groups;
    trades := trades + (missing.kind = 'trade')::integer;
    episodes := episodes + (missing.kind = 'episode')::integer;
  end loop;
  perform learning.mark_groups_changed(changed_groups);
end
$$;
comment on function learning.apply_what_is_missing() is
  'Makes events, closed trades and windows of accepted strands that have none, and returns of how many '
  'trades and episodes.';

create function learning.register_missing_groups()
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  missing constant learning.group_key[] := array(
    select (held.module, held.pattern_key, held.action_category)::learning.group_key
    from (
      select event.module, event.pattern_key, event.action_category from public.pattern_trade_events event
      union
      select 'pm', episode.pattern_key, 'tuning' from public.pattern_episode_events episode
    ) as held
    where not exists (
      select from learning.mining_groups mining_group
      where mining_group.module = held.module and mining_group.pattern_key = held.pattern_key
        and mining_group.action_category = held.action_category
    )
  );
begin
  perform learning.mark_groups_changed(missing);
  return cardinality(missing);
end
$$;
comment on function learning.register_missing_groups() is
  'Registers the groups of events and windows that are not known yet, so that they are mined; returns how '
  'many.';

create function learning.rebuild_exposure()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Alone: its writers share the lock.
  perform pg_advisory_xact_lock(hashtextextended('exposure', 0));
  delete from learning.position_scopes position_scope where true;
  delete from learning.exposure_cells cell where true;
  delete from learning.exposure_masks exposure_mask where true;
  -- The triggers of the registry derive the masks, and the functions that know the dimensions, after any
  -- statement.
  delete from public.scope_dimensions dimension where false;
  perform learning.hold_positions(array(select position.id from public.lowcap_positions position));
end
$$;
comment on function learning.rebuild_exposure() is
  'Derives the functions that know the dimensions, the masks, the scopes of positions and the exposure cells '
  'anew.';

create function learning.rebuild_override_index()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  lock table public.pm_overrides in share row exclusive mode;
  delete from learning.override_index_entries index_entry where true;
  delete from learning.override_index_pairs index_pair where true;
  delete from learning.override_index_groups index_group where true;
  perform learning.index_overrides((
    select array_agg(override.id) from public.pm_overrides override where override.enabled
  ));
end
$$;
comment on function learning.rebuild_override_index() is
  'Makes the index of all enabled overrides anew, with their weights.';

create function learning.rebuild()
returns table (what text, how_many bigint)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  counted_values bigint;
  recoded record;
  applied record;
begin
  if current_setting('session_replication_role') <> 'origin' then
    raise exception using
      errcode = '55000',
      message = format('Cannot rebuild while session_replication_role is %s: triggers do part of the work',
        current_setting('session_replication_role')),
      hint = 'reset session_replication_role; a dump of the Supabase CLI does so at its end.';
  end if;
  perform learning.await_stillness();
  -- The triggers of the configuration merge it with the defaults after any statement.
  update public.learning_configs written_config set notes = written_config.notes where false;
  perform learning.rebuild_exposure();
  perform learning.rebuild_override_index();

  what := 'receipts given to strands without one';
  update learning.receipt_search search set searched_to = '' where search.is_only;
  how_many := learning.find_lost_receipts('100 years');
  return next;
  select count(*) into counted_values from learning.scope_values scope_value;
  applied := learning.apply_what_is_missing();
  recoded := learning.recode_scopes();
  return query values
    ('trades that had no events', applied.trades),
    ('episodes that had no windows', applied.episodes),
    ('scope values that the dictionary lacked',
      (select count(*) from learning.scope_values scope_value) - counted_values),
    ('events whose scope was coded otherwise', recoded.events),
    ('windows whose scope was coded otherwise', recoded.windows),
    ('mining groups that were not known', learning.register_missing_groups());
  perform learning.replay_allocation('-infinity', '100 years');
  return query values
    ('modules with their configuration in force',
      (select count(*) from learning.effective_configs effective_config)),
    ('exposure masks', (select count(*) from learning.exposure_masks exposure_mask)),
    ('positions that count as exposure', (select count(*) from learning.position_scopes position_scope)),
    ('exposure cells', (select count(*) from learning.exposure_cells cell)),
    ('override index entries', (select count(*) from learning.override_index_entries index_entry)),
    ('allocation steps', (select count(*) from public.timeframe_allocation_steps step));
end
$$;
comment on function learning.rebuild() is
  'Derives everything that is derived anew: what is in force, masks, cells, index, receipts, groups and '
  'allocation; returns what it made, or found missing, and how many. For after a restore; it may be called '
  'at any time, by the owner of the database: it waits for a moment in which nobody writes, and whoever '
  'writes anything but strands waits for it.';
