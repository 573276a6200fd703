-- Reconciliation: the loop's own overrides follow what is wanted of them, and nothing else does.

create function learning.override_figures(override public.pm_overrides)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case override.override_type
    when 'pm_tuning' then format('value=%s multiplier=%s', learning.short(override.value),
      coalesce(round(override.multiplier::numeric, 4)::text, 'none'))
    else format('multiplier=%s dir_a=%s dir_e=%s', round(override.multiplier::numeric, 4),
      round(override.dir_a::numeric, 3), round(override.dir_e::numeric, 3))
  end || format(' confidence=%s', round(override.confidence_score::numeric, 3));
end
$$;
comment on function learning.override_figures(public.pm_overrides) is
  'What an override says, for a person to read: what counts for its type.';

create function learning.change_overrides(writable learning.wanted_override[])
returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  changed bigint[];
begin
  with written as (
    update public.pm_overrides override
    set multiplier = wanted.multiplier, value = wanted.value, dir_a = wanted.dir_a, dir_e = wanted.dir_e,
      edge_raw = wanted.edge_raw, n = wanted.n, variance = wanted.variance,
      confidence_score = wanted.confidence_score, decay_state = wanted.decay_state,
      half_life_hours = wanted.half_life_hours, lesson_id = wanted.lesson_id,
      last_evidence_at = wanted.last_evidence_at, enabled = true, proposed = null
    from unnest(writable) as wanted
    where (override.override_type, override.pattern_key, override.action_category, override.scope_digest)
      = (wanted.override_type, wanted.pattern_key, wanted.action_category, wanted.scope_digest)
      -- A person's word stands.
      and override.control = 'auto'
      and (override.enabled or not learning.has_broken_promise(override))
      and (override.multiplier, override.value, override.dir_a, override.dir_e, override.edge_raw, override.n,
          override.variance, override.confidence_score, override.decay_state, override.half_life_hours,
          override.lesson_id, override.last_evidence_at, override.enabled, override.proposed)
        is distinct from (wanted.multiplier, wanted.value, wanted.dir_a, wanted.dir_e, wanted.edge_raw,
          wanted.n, wanted.variance, wanted.confidence_score, wanted.decay_state, wanted.half_life_hours,
          wanted.lesson_id, wanted.last_evidence_at, true, null)
    returning override.id
  )
  select array_agg(written.id) into changed from written;
  return changed;
end
$$;
comment on function learning.change_overrides(learning.wanted_override[]) is
  'Brings the overrides that are there in line with what is wanted, as far as they differ, no person has a '
  'word in them and none broke its promise; returns which changed.';

create function learning.create_overrides(writable learning.wanted_override[])
returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  created bigint[];
begin
  with written as (
    insert into public.pm_overrides as override (
      override_type, pattern_key, action_category, scope_subset, multiplier, value, dir_a, dir_e, edge_raw, n,
      variance, confidence_score, decay_state, half_life_hours, lesson_id, first_active_at, last_evidence_at
    )
    select wanted.override_type, wanted.pattern_key, wanted.action_category, wanted.scope_subset,
      wanted.multiplier, wanted.value, wanted.dir_a, wanted.dir_e, wanted.edge_raw, wanted.n,
      wanted.variance, wanted.confidence_score, wanted.decay_state, wanted.half_life_hours, wanted.lesson_id,
      wanted.first_active_at, wanted.last_evidence_at
    from unnest(writable) as wanted
    -- Looked for first: to insert and find that it is there takes ten times as long. One by one, by the
    -- index: where many are new no plan knows it, and all there are would be read for each piece.
    left join lateral (
      select true as is_there
      from public.pm_overrides former_override
      where former_override.override_type = wanted.override_type
        and former_override.pattern_key = wanted.pattern_key
        and former_override.action_category = wanted.action_category
        and former_override.scope_digest = wanted.scope_digest
      limit 1
    ) as former on true
    where former.is_there is null
    -- One that somebody else made meanwhile is looked at in the next pass.
    on conflict (override_type, pattern_key, action_category, scope_digest) do nothing
    returning override.id
  )
  select array_agg(written.id) into created from written;
  return created;
end
$$;
comment on function learning.create_overrides(learning.wanted_override[]) is
  'Makes the wanted overrides that are not there; returns which.';

create function learning.await_approval(writable learning.wanted_override[])
returns learning.wanted_override[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  waiting learning.wanted_override[];
  created bigint[];
begin
  select array_agg(wanted) into waiting
  from unnest(writable) as wanted
  left join public.pm_overrides override using (override_type, pattern_key, action_category, scope_digest)
  where override.id is null
    or (override.control = 'auto' and (
      (not override.enabled and override.disabled_reason = 'waits for approval')
      or learning.is_larger_move(override.multiplier - 1, wanted.multiplier - 1)
      or learning.is_larger_move(override.value, wanted.value)
    ));
  if waiting is null then
    return writable;
  end if;
  created := learning.create_overrides(waiting);
  update public.pm_overrides override
  set enabled = false, disabled_by = 'loop', disabled_reason = 'waits for approval'
  where override.id = any (created);
  perform learning.log_overrides(created, 'override_waits', 'waits for approval', null);
  update public.pm_overrides override
  set proposed = learning.figures_wanted(wanted)
  from unnest(waiting) as wanted
  where (override.override_type, override.pattern_key, override.action_category, override.scope_digest)
    = (wanted.override_type, wanted.pattern_key, wanted.action_category, wanted.scope_digest)
    and override.control = 'auto' and override.proposed is distinct from learning.figures_wanted(wanted);
  return array(
    select wanted from unnest(writable) as wanted
    where (wanted.override_type, wanted.pattern_key, wanted.action_category, wanted.scope_digest) not in (
      select late.override_type, late.pattern_key, late.action_category, late.scope_digest
      from unnest(waiting) as late
    )
  );
end
$$;
comment on function learning.await_approval(learning.wanted_override[]) is
  'Lets what is new, pulls the other way or half as hard again wait in proposed; returns the rest.';

create function learning.propose_overrides(
  writable learning.wanted_override[],
  lapsed_overrides learning.lapsed_override[]
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  said record;
begin
  -- There are few, and mostly none: looked for first and written one by one. After many were deleted no plan
  -- knows how few, and all overrides would be read for each piece.
  for said in
    with handled as materialized (
      select override.id, override.override_type, override.pattern_key, override.action_category,
        override.scope_digest
      from public.pm_overrides override
      where override.control <> 'auto'
    )
    select handled.id, learning.figures_wanted(wanted) as proposed
    from handled
    join unnest(writable) as wanted using (override_type, pattern_key, action_category, scope_digest)
    union all
    select former.id,
      case
        when former.lesson_id is not null and former.control <> 'auto'
          then jsonb_build_object('enabled', false, 'disabled_reason', lapsed.reason)
      end
    from unnest(lapsed_overrides) as lapsed
    cross join lateral (
      select override.id, override.lesson_id, override.control, override.proposed
      from public.pm_overrides override
      where override.id = lapsed.override_id
      limit 1
    ) as former
    where former.control <> 'auto' or former.proposed is not null
  loop
    update public.pm_overrides override
    set proposed = said.proposed
    where override.id = said.id and override.proposed is distinct from said.proposed;
  end loop;
end
$$;
comment on function learning.propose_overrides(learning.wanted_override[], learning.lapsed_override[]) is
  'Notes with overrides that are pinned or off what the loop would say of them.';

create function learning.is_reconciled(override public.pm_overrides)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case override.control
    when 'auto' then override.lesson_id is not null and (override.enabled or override.proposed is not null)
    else override.lesson_id is not null or override.proposed is not null
  end;
end
$$;
comment on function learning.is_reconciled(public.pm_overrides) is
  'Whether the loop has something to say once no lesson wants an override: it acts by the loop''s word, or '
  'tells what the loop would say.';

create function learning.log_overrides(override_ids bigint[], p_event text, change text, remarks jsonb)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  logged integer;
begin
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'materialize-overrides', p_event,
    format('Override for %s %s in %s %s: %s', override.pattern_key, override.action_category,
      override.scope_subset, change,
      concat_ws(', ', learning.override_figures(override),
        remarks ->> concat_ws(' ', override.lesson_id, override.action_category))),
    jsonb_build_object('id', override.id, 'override_type', override.override_type,
      'pattern_key', override.pattern_key, 'action_category', override.action_category,
      'scope_subset', override.scope_subset, 'multiplier', override.multiplier, 'value', override.value,
      'dir_a', override.dir_a, 'dir_e', override.dir_e, 'edge_raw', override.edge_raw, 'n', override.n,
      'confidence_score', override.confidence_score, 'lesson_id', override.lesson_id)
  from public.pm_overrides override
  where override.id = any (override_ids)
  order by override.id;
  get diagnostics logged = row_count;
  return logged;
end
$$;
comment on function learning.log_overrides(bigint[], text, text, jsonb) is
  'Tells what overrides say that were created or changed, with the remark of each by lesson and category; '
  'returns how many.';

create function learning.disable_overrides(lapsed_overrides learning.lapsed_override[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  number_disabled integer;
begin
  with disabled as (
    update public.pm_overrides override
    set enabled = false, disabled_by = 'loop', disabled_reason = lapsed.reason
    from unnest(lapsed_overrides) as lapsed
    where override.id = lapsed.override_id and override.enabled and override.control = 'auto'
    returning override.*
  )
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'materialize-overrides', 'override_disabled',
    format('Override for %s %s in %s disabled: %s', disabled.pattern_key, disabled.action_category,
      disabled.scope_subset, disabled.disabled_reason),
    jsonb_build_object('id', disabled.id, 'override_type', disabled.override_type,
      'pattern_key', disabled.pattern_key, 'action_category', disabled.action_category,
      'scope_subset', disabled.scope_subset, 'disabled_reason', disabled.disabled_reason)
  from disabled;
  get diagnostics number_disabled = row_count;
  return number_disabled;
end
$$;
comment on function learning.disable_overrides(learning.lapsed_override[]) is
  'Switches overrides off that are the loop''s to switch, and says why; returns how many.';

create function learning.log_figures(cut bigint[], written bigint[], refused learning.wanted_override[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.learning_log (level, component, event, message, details)
  select 'WARNING', 'materialize-overrides', told.event, told.message,
    jsonb_build_object('lessons', told.lessons, 'first_lesson_ids', told.first_lesson_ids)
  from (
    select 'figures_cut' as event, count(*) as lessons,
      (array_agg(override.lesson_id))[1:20] as first_lesson_ids,
      format('Overrides of %s hold a figure cut to what pm_overrides lets in, the first of lesson %s',
        learning.counted(count(*), 'lesson', 'lessons'), min(override.lesson_id)) as message
    from public.pm_overrides override
    where override.id = any (written) and override.lesson_id = any (cut)
    union all
    select 'figures_refused', count(*), (array_agg(wanted.lesson_id))[1:20],
      format('%s no override, because a figure is not a number, the first lesson %s',
        learning.counted(count(*), 'lesson has', 'lessons have'), min(wanted.lesson_id))
    from unnest(refused) as wanted
    where wanted.remark like 'A figure%'
  ) as told
  where told.lessons > 0;
end
$$;
comment on function learning.log_figures(bigint[], bigint[], learning.wanted_override[]) is
  'Tells of how many lessons a figure was cut as it was written, and how many have one that cannot be '
  'written.';

create function learning.reconcile(
  wanted_overrides learning.wanted_override[],
  lapsed_overrides learning.lapsed_override[]
)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  remarks constant jsonb := (
    select jsonb_object_agg(concat_ws(' ', wanted.lesson_id, wanted.action_category), wanted.remark)
    from unnest(wanted_overrides) as wanted
    where wanted.remark is not null
  );
  judged constant record := learning.writable_overrides(wanted_overrides);
  lapsed learning.lapsed_override[] := lapsed_overrides;
  acting learning.wanted_override[] := judged.writable;
  created bigint[];
  changed bigint[];
begin
  -- There are none, nearly always: looked for before anything is compared with each of them.
  if judged.refused is not null then
    lapsed := lapsed || array(
      select (override.id, wanted.remark)::learning.lapsed_override
      from unnest(judged.refused) as wanted
      join public.pm_overrides override using (override_type, pattern_key, action_category, scope_digest)
      where learning.is_reconciled(override)
    );
  end if;
  if learning.config() ->> 'approval' = 'required' then
    acting := learning.await_approval(acting);
  end if;
  changed := learning.change_overrides(acting);
  created := learning.create_overrides(acting);
  perform learning.propose_overrides(judged.writable, lapsed);
  if judged.cut is not null or judged.refused is not null then
    perform learning.log_figures(judged.cut, created || changed, judged.refused);
  end if;
  return jsonb_build_object(
    'created', learning.log_overrides(created, 'override_created', 'created', remarks),
    'changed', learning.log_overrides(changed, 'override_changed', 'changed', remarks),
    'disabled', learning.disable_overrides(lapsed)
  );
end
$$;
comment on function learning.reconcile(learning.wanted_override[], learning.lapsed_override[]) is
  'Brings the loop''s overrides in line with what is wanted of them; returns how many are created, changed '
  'and disabled. Unchanged rows are not written, and what a person decided is left as it is. Whoever calls '
  'it has named itself the loop (learning.act_as).';
