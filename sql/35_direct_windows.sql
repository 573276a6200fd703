-- Direct windows: a system that keeps episodes in rows of its own writes them here itself, sets their outcome
-- by id, and each such row is a window like any other.

create function learning.direct_window_id(window_id bigint)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return 'pattern_episode_events/' || window_id;
end
$$;
comment on function learning.direct_window_id(bigint) is
  'What stands for the strand of a window that came as a row and not as a strand.';

create function learning.assumed_thresholds()
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  tuning constant jsonb := learning.config() -> 'tuning';
begin
  return jsonb_strip_nulls(jsonb_build_object(
    'ts_min', tuning -> 'ts_min', 'halo_max', tuning -> 'halo_max', 'slope_min', tuning -> 'slope_min'
  ));
end
$$;
comment on function learning.assumed_thresholds() is
  'The thresholds that are configured for windows that name none.';

create function learning.require_possible_time(occurred_at timestamptz)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if occurred_at not between learning.earliest_event() and now() + interval '1 day' then
    raise exception using
      errcode = '22023',
      message = format('occurred_at is %s: expected a time from %s to a day from now', occurred_at,
        learning.earliest_event()),
      hint = 'occurred_at';
  end if;
end
$$;
comment on function learning.require_possible_time(timestamptz) is
  'Refuses a window at a time that no event can have, as strands with such a time are refused.';

create function learning.complete_direct_window()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  compared float8[];
begin
  new.strand_id := learning.direct_window_id(new.id);
  -- What says nothing of it is left for the check to refuse.
  new.outcome := coalesce(learning.window_outcome(new.outcome, new.decision), new.outcome);
  if tg_op = 'UPDATE' and new.occurred_at is distinct from old.occurred_at then
    perform learning.require_possible_time(new.occurred_at);
  end if;
  -- Most that is written later is the outcome alone.
  if tg_op = 'UPDATE' and (new.pattern_key, new.scope, new.decision, new.factors, new.blocked_by)
    is not distinct from (old.pattern_key, old.scope, old.decision, old.factors, old.blocked_by) then
    return new;
  end if;
  perform learning.register_scope_values(array[new.scope]);
  new.pattern_key := learning.dotted_pattern_key(new.pattern_key);
  new.scope := public.unified_scope('{}', new.scope, '{}');
  new.scope_mask := learning.scope_mask(new.scope);
  new.scope_codes := learning.encode_scope(new.scope);
  -- The column of a guest, where there is one.
  new.occurred_at := coalesce(new.occurred_at, (to_jsonb(new) ->> 'timestamp')::timestamptz, now());
  if tg_op = 'INSERT' then
    perform learning.require_possible_time(new.occurred_at);
  end if;
  new.factors := learning.assumed_thresholds() || coalesce(new.factors, '{}');
  compared := learning.episode_gates(new.decision, new.factors);
  new.gates := case when learning.missing_gates(compared) = '{}' then compared end;
  new.blocked_by := learning.episode_blockers(
    jsonb_build_object('decision', new.decision, 'blocked_by', to_jsonb(nullif(new.blocked_by, '{}'))),
    new.factors, compared
  );
  return new;
end
$$;
comment on function learning.complete_direct_window() is
  'Makes a window of a row that a system wrote itself: scope, gates and what else follows from it.';
create trigger complete_new_direct_window before insert on public.pattern_episode_events
for each row when (new.strand_id is null)
execute function learning.complete_direct_window();
comment on trigger complete_new_direct_window on public.pattern_episode_events is
  'A row without a strand is a window all the same.';
create trigger complete_changed_direct_window before update on public.pattern_episode_events
for each row when (old.strand_id = learning.direct_window_id(old.id))
execute function learning.complete_direct_window();
comment on trigger complete_changed_direct_window on public.pattern_episode_events is
  'An outcome that a system sets by id is the outcome of its window.';

-- Runs as its owner: whoever may write windows need not be able to mark what is due.
create function learning.follow_direct_windows()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  changed learning.group_key[] := array[]::learning.group_key[];
  incomplete record;
begin
  if tg_op in ('INSERT', 'UPDATE') then
    changed := array(
      select distinct ('pm', new_window.pattern_key, 'tuning')::learning.group_key
      from new_windows new_window
      where new_window.strand_id = learning.direct_window_id(new_window.id)
    );
  end if;
  if tg_op in ('UPDATE', 'DELETE') then
    changed := changed || array(
      select distinct ('pm', old_window.pattern_key, 'tuning')::learning.group_key
      from old_windows old_window
      where old_window.strand_id = learning.direct_window_id(old_window.id)
    );
  end if;
  if changed = '{}' then
    return null;
  end if;
  perform learning.mark_groups_changed(changed);
  if tg_op = 'INSERT' then
    select new_window.id, new_window.episode_id, count(*) over () as windows,
      learning.missing_gates(learning.episode_gates(new_window.decision, new_window.factors)) as missing
    into incomplete
    from new_windows new_window
    where new_window.gates is null and new_window.strand_id = learning.direct_window_id(new_window.id)
    order by new_window.id
    limit 1;
    if found then
      perform learning.write_log_hourly('WARNING', 'direct-windows', 'episode_incomplete',
        format('%s left out of simulation; the first, window %s of episode %s, lacks %s',
          learning.counted(incomplete.windows, 'window is', 'windows are'), incomplete.id,
          incomplete.episode_id, array_to_string(incomplete.missing, ', ')),
        jsonb_build_object('id', incomplete.id, 'missing', to_jsonb(incomplete.missing)));
    end if;
  end if;
  return null;
end
$$;
comment on function learning.follow_direct_windows() is
  'Makes the groups of windows that changed due for mining, and warns once an hour of those that lack what '
  'simulation needs.';
create trigger follow_new_direct_windows after insert on public.pattern_episode_events
referencing new table as new_windows
for each statement execute function learning.follow_direct_windows();
comment on trigger follow_new_direct_windows on public.pattern_episode_events is
  'Their groups are mined anew.';
create trigger follow_changed_direct_windows after update on public.pattern_episode_events
referencing new table as new_windows old table as old_windows
for each statement execute function learning.follow_direct_windows();
comment on trigger follow_changed_direct_windows on public.pattern_episode_events is
  'Their groups are mined anew.';
create trigger follow_deleted_direct_windows after delete on public.pattern_episode_events
referencing old table as old_windows
for each statement execute function learning.follow_direct_windows();
comment on trigger follow_deleted_direct_windows on public.pattern_episode_events is
  'Their groups are mined anew.';
