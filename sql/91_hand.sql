-- A hand on the wheel: what an operator may change of what was learned and of the configuration, each with a
-- reason, and how it is put back.

-- All RPCs here run as their owner: an operator changes overrides and configuration by these alone.

create function learning.take_wheel(reason text)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  former constant text := coalesce(current_setting('learning.reason', true), '');
begin
  perform learning.require_operator();
  if reason is null or btrim(reason) = '' or length(reason) > 1000 then
    perform learning.refuse_argument('reason', 'a text of at most 1000 characters that says why',
      left(reason, 100));
  end if;
  perform set_config('learning.reason', reason, true);
  return former;
end
$$;
comment on function learning.take_wheel(text) is
  'Lets an operator with a reason go on, which is written along with what he changes; returns the reason '
  'that held before.';

create function learning.override_by_hand(p_id bigint)
returns public.pm_overrides
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  found_override public.pm_overrides;
begin
  select override.* into found_override
  from public.pm_overrides override
  where override.id = p_id
  for update;
  if found_override.id is null then
    perform learning.refuse_argument('id', 'the id of an override', p_id::text);
  end if;
  return found_override;
end
$$;
comment on function learning.override_by_hand(bigint) is
  'The override of an id, held until the transaction ends; refuses an id that none has.';

create function public.pin_override(id bigint, patch jsonb, reason text)
returns public.pm_overrides
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  editable constant text[] := array[
    'multiplier', 'dir_a', 'dir_e', 'value', 'edge_raw', 'confidence_score', 'half_life_hours'
  ];
  former constant text := learning.take_wheel(reason);
  edited public.pm_overrides := learning.override_by_hand(id);
  stranger text;
begin
  if patch is null or jsonb_typeof(patch) <> 'object' then
    perform learning.refuse_argument('patch', 'an object of figures', learning.beginning(patch));
  end if;
  select min(pair.key) into stranger
  from jsonb_each(patch) as pair
  where pair.key <> all (editable) or jsonb_typeof(pair.value) not in ('number', 'null');
  if stranger is not null then
    perform learning.refuse_argument('patch', 'numbers of ' || array_to_string(editable, ', '), stranger);
  end if;
  edited := jsonb_populate_record(edited, patch);
  update public.pm_overrides override
  set control = 'pinned', enabled = true, multiplier = edited.multiplier, dir_a = edited.dir_a,
    dir_e = edited.dir_e, value = edited.value, edge_raw = edited.edge_raw,
    confidence_score = edited.confidence_score, half_life_hours = edited.half_life_hours
  where override.id = edited.id
  returning override.* into edited;
  perform set_config('learning.reason', former, true);
  return edited;
end
$$;
comment on function public.pin_override(bigint, jsonb, text) is
  'Pins an override, so that the loop leaves it as it is, with the figures that patch names: multiplier, '
  'dir_a, dir_e, value, edge_raw, confidence_score, half_life_hours. For operators.';

create function public.release_override(id bigint, reason text)
returns public.pm_overrides
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  former constant text := learning.take_wheel(reason);
  released public.pm_overrides := learning.override_by_hand(id);
begin
  if released.lesson_id is null then
    raise exception using
      errcode = '22023',
      message = format('Override %s was made by hand: the loop has nothing to say of it', released.id),
      hint = 'Switch it off, or delete it.';
  end if;
  update public.pm_overrides override
  set control = 'auto',
    disabled_reason = case when not override.enabled then 'Given back to the loop' end
  where override.id = released.id
  returning override.* into released;
  perform set_config('learning.reason', former, true);
  return released;
end
$$;
comment on function public.release_override(bigint, text) is
  'Gives a learned override back to the loop, which says at its next pass what it is. For operators.';

create function public.switch_override(id bigint, enabled boolean, reason text)
returns public.pm_overrides
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  former constant text := learning.take_wheel(reason);
  switched public.pm_overrides := learning.override_by_hand(id);
begin
  if switch_override.enabled is null then
    perform learning.refuse_argument('enabled', 'true or false', switch_override.enabled::text);
  end if;
  update public.pm_overrides override
  set control = case when switch_override.enabled then 'pinned' else 'off' end,
    enabled = switch_override.enabled,
    disabled_reason = case when not switch_override.enabled then switch_override.reason end
  where override.id = switched.id
  returning override.* into switched;
  perform set_config('learning.reason', former, true);
  return switched;
end
$$;
comment on function public.switch_override(bigint, boolean, text) is
  'Switches an override off or on, and so it stays until it is released. For operators.';

create function public.approve_override(id bigint, reason text)
returns public.pm_overrides
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  former constant text := learning.take_wheel(reason);
  approved public.pm_overrides := learning.override_by_hand(id);
begin
  if approved.control <> 'auto' or not coalesce(approved.proposed ? 'multiplier', false) then
    raise exception using
      errcode = '22023',
      message = format('Override %s does not wait for approval', approved.id),
      hint = 'Release one that is pinned or off to let the loop''s word hold.';
  end if;
  approved := jsonb_populate_record(approved, approved.proposed);
  update public.pm_overrides override
  set multiplier = approved.multiplier, value = approved.value, dir_a = approved.dir_a,
    dir_e = approved.dir_e, edge_raw = approved.edge_raw, n = approved.n, variance = approved.variance,
    confidence_score = approved.confidence_score, decay_state = approved.decay_state,
    half_life_hours = approved.half_life_hours, lesson_id = approved.lesson_id,
    last_evidence_at = approved.last_evidence_at, enabled = true, proposed = null,
    approved_at = clock_timestamp(), approved_by = learning.actor()
  where override.id = approved.id
  returning override.* into approved;
  perform set_config('learning.reason', former, true);
  return approved;
end
$$;
comment on function public.approve_override(bigint, text) is
  'Lets what the loop proposes of an override that waits for approval hold. For operators.';

create function learning.overrides_as_of(
  as_of timestamptz, p_pattern_key text default null, p_action_category text default null
)
returns table (override_id bigint, existed boolean, state jsonb)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  with later as materialized (
    select change.override_id, change.id, change.at, change.old
    from public.pm_override_history change
    where change.at > as_of
  ),
  -- Of all later changes of a column the oldest says what it was.
  former as (
    select column_then.override_id, jsonb_object_agg(column_then.key, column_then.value) as columns
    from (
      select distinct on (later.override_id, pair.key) later.override_id, pair.key, pair.value
      from later
      cross join lateral jsonb_each(later.old) as pair
      order by later.override_id, pair.key, later.at, later.id
    ) as column_then
    group by column_then.override_id
  ),
  beginnings as (
    select distinct on (later.override_id) later.override_id, later.old is not null as existed
    from later
    order by later.override_id, later.at, later.id
  )
  select beginnings.override_id, beginnings.existed,
    coalesce(to_jsonb(override), '{}') || coalesce(former.columns, '{}')
  from beginnings
  left join former on former.override_id = beginnings.override_id
  left join public.pm_overrides override on override.id = beginnings.override_id
  where (p_pattern_key is null or coalesce(former.columns ->> 'pattern_key', override.pattern_key)
      = p_pattern_key)
    and (p_action_category is null or coalesce(former.columns ->> 'action_category', override.action_category)
      = p_action_category);
end
$$;
comment on function learning.overrides_as_of(timestamptz, text, text) is
  'The overrides that changed after a time, of all keys or one, whether each existed then, and as what.';

create function public.restore_overrides(as_of timestamptz, reason text)
returns jsonb
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  former constant text := learning.take_wheel(reason);
  came bigint[];
  rows_then public.pm_overrides[];
  restored integer;
  set_off integer;
  put_back integer;
begin
  if not coalesce(as_of between now() - learning.history_retention() and now(), false) then
    perform learning.refuse_argument('as_of',
      format('a time within the last %s days', extract(day from learning.history_retention())), as_of::text);
  end if;
  select array_agg(former_override.override_id) filter (where not former_override.existed),
    array_agg(jsonb_populate_record(null::public.pm_overrides, former_override.state))
      filter (where former_override.existed)
  into came, rows_then
  from learning.overrides_as_of(as_of) as former_override;

  update public.pm_overrides override
  set control = 'off', enabled = false, disabled_reason = reason
  where override.id = any (came) and override.control <> 'off';
  get diagnostics set_off = row_count;

  update public.pm_overrides override
  set control = case when past.enabled then 'pinned' else 'off' end,
    enabled = past.enabled,
    disabled_reason = case
      when not past.enabled then coalesce(past.disabled_reason, reason)
    end,
    multiplier = past.multiplier, dir_a = past.dir_a, dir_e = past.dir_e, value = past.value,
    edge_raw = past.edge_raw, n = past.n, variance = past.variance, confidence_score = past.confidence_score,
    decay_state = past.decay_state, half_life_hours = past.half_life_hours, lesson_id = past.lesson_id,
    last_evidence_at = past.last_evidence_at
  from unnest(rows_then) as past
  where override.id = past.id
    and (override.enabled, override.multiplier, override.dir_a, override.dir_e, override.value,
        override.edge_raw, override.confidence_score, override.half_life_hours)
      is distinct from (past.enabled, past.multiplier, past.dir_a, past.dir_e, past.value, past.edge_raw,
        past.confidence_score, past.half_life_hours);
  get diagnostics restored = row_count;

  insert into public.pm_overrides (
    id, override_type, pattern_key, action_category, scope_subset, multiplier, dir_a, dir_e, value, edge_raw,
    n, variance, confidence_score, decay_state, half_life_hours, lesson_id, enabled, disabled_reason,
    first_active_at, last_evidence_at, control, evidence_from, promised, baseline, baseline_sigma
  )
  select past.id, past.override_type, past.pattern_key, past.action_category, past.scope_subset,
    past.multiplier, past.dir_a, past.dir_e, past.value, past.edge_raw, past.n, past.variance,
    past.confidence_score, past.decay_state, past.half_life_hours, past.lesson_id, past.enabled,
    past.disabled_reason, past.first_active_at, past.last_evidence_at,
    case when past.enabled then 'pinned' else 'off' end, past.evidence_from, past.promised, past.baseline,
    past.baseline_sigma
  from unnest(rows_then) as past
  where not exists (
    select from public.pm_overrides override
    where override.id = past.id or (override.override_type, override.pattern_key,
        override.action_category, override.scope_subset)
      = (past.override_type, past.pattern_key, past.action_category, past.scope_subset)
  );
  get diagnostics put_back = row_count;
  perform set_config('learning.reason', former, true);
  return jsonb_build_object('restored', restored, 'set_off', set_off, 'put_back', put_back);
end
$$;
comment on function public.restore_overrides(timestamptz, text) is
  'Brings all overrides back to what they were: those that changed since are pinned as they were, or set off '
  'where they did not act, those that came since are set off, those that were deleted are put back; so they '
  'stay until released. Returns how many of each. For operators.';

create function learning.patched(base jsonb, patch jsonb, p_module_id text, keys text[])
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  result jsonb := case jsonb_typeof(base) when 'object' then base else '{}' end;
  entry record;
begin
  for entry in
    select pair.key, pair.value, setting.path is not null as is_setting, setting.nullable
    from jsonb_each(patch) as pair
    left join learning.settings setting
      on setting.module_id = p_module_id and setting.keys = patched.keys || pair.key
  loop
    result := case
      when entry.value = 'null' and entry.is_setting and not entry.nullable then result - entry.key
      when jsonb_typeof(entry.value) = 'object' and not entry.is_setting then result || jsonb_build_object(
        entry.key, learning.patched(result -> entry.key, entry.value, p_module_id, keys || entry.key)
      )
      else result || jsonb_build_object(entry.key, entry.value)
    end;
  end loop;
  return result;
end
$$;
comment on function learning.patched(jsonb, jsonb, text, text[]) is
  'A configuration with the keys that a patch names as it names them; null takes a key back to its default '
  'where null is no value of it.';

create function public.set_config(module text, patch jsonb, reason text)
returns jsonb
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  former constant text := learning.take_wheel(reason);
begin
  if not exists (select from learning.settings setting where setting.module_id = module) then
    perform learning.refuse_argument('module', 'pm or decision_maker', module);
  elsif patch is null or jsonb_typeof(patch) <> 'object'
    or learning.size_fault(patch, learning.size_limit('scope_bytes')) is not null then
    perform learning.refuse_argument('patch', 'an object of settings', learning.beginning(patch));
  end if;
  insert into public.learning_configs as written_config (module_id, config_data, updated_by)
  values (module, learning.patched('{}', patch, module, '{}'), learning.actor())
  on conflict (module_id) do update
  set config_data = learning.patched(written_config.config_data, patch, module, '{}'),
    updated_by = excluded.updated_by;
  perform set_config('learning.reason', former, true);
  return learning.config(module);
end
$$;
comment on function public.set_config(text, jsonb, text) is
  'Changes the settings that patch names and leaves all others; null takes one back to its default. Returns '
  'the configuration that holds. For operators.';
