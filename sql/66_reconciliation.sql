-- Reconciliation: the loop's own overrides follow what is wanted of them, and nothing else does.

create type learning.wanted_override as (
  override_type text,
  pattern_key text,
  action_category text,
  scope_subset jsonb,
  multiplier float8,
  value float8,
  dir_a float8,
  dir_e float8,
  edge_raw float8,
  n integer,
  variance float8,
  confidence_score float8,
  decay_state text,
  half_life_hours float8,
  lesson_id bigint,
  first_active_at timestamptz,
  last_evidence_at timestamptz,
  scope_digest text,
  remark text
);
comment on type learning.wanted_override is
  'An override as a lesson wants it, in the shape of pm_overrides; null where the lesson does not say.';
comment on column learning.wanted_override.override_type is 'What it acts on.';
comment on column learning.wanted_override.pattern_key is 'Behaviour it applies to, dotted.';
comment on column learning.wanted_override.action_category is 'Action it applies to; for tuning the lever.';
comment on column learning.wanted_override.scope_subset is 'Scope of the lesson.';
comment on column learning.wanted_override.multiplier is 'Factor on the size, or on the lever.';
comment on column learning.wanted_override.value is 'Additive change of the lever.';
comment on column learning.wanted_override.dir_a is 'Direction for the appetite to add.';
comment on column learning.wanted_override.dir_e is 'Direction for the assertiveness to exit.';
comment on column learning.wanted_override.edge_raw is 'Edge it rests on.';
comment on column learning.wanted_override.n is 'Trades or windows it rests on.';
comment on column learning.wanted_override.variance is 'Variance of their outcomes.';
comment on column learning.wanted_override.confidence_score is 'Trust in it, 0 to 1.';
comment on column learning.wanted_override.decay_state is
  'Whether the edge is stable, improving or decaying.';
comment on column learning.wanted_override.half_life_hours is 'Half-life of the edge.';
comment on column learning.wanted_override.lesson_id is 'The lesson.';
comment on column learning.wanted_override.first_active_at is 'When the lesson first became active.';
comment on column learning.wanted_override.last_evidence_at is 'Newest evidence behind it.';
comment on column learning.wanted_override.scope_digest is 'Short form of scope_subset.';
comment on column learning.wanted_override.remark is 'What the log says of it besides its figures.';

create type learning.lapsed_override as (override_id bigint, reason text);
comment on type learning.lapsed_override is 'An override of the loop that is no longer wanted.';
comment on column learning.lapsed_override.override_id is 'The override.';
comment on column learning.lapsed_override.reason is 'Why, for a person to read.';

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

create function learning.write_overrides(
  wanted_overrides learning.wanted_override[],
  registered text[],
  out created bigint[],
  out changed bigint[]
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  with written as (
    insert into public.pm_overrides as override (
      override_type, pattern_key, action_category, scope_subset, multiplier, value, dir_a, dir_e, edge_raw, n,
      variance, confidence_score, decay_state, half_life_hours, lesson_id, first_active_at, last_evidence_at
    )
    -- Within what the table lets in: a lesson may lie outside, and one row refused would stop all the others.
    -- Written out, because calls of learning.clamp would take a seventh of the time when nothing changed.
    select wanted.override_type, wanted.pattern_key, wanted.action_category, wanted.scope_subset,
      case when wanted.multiplier is not null then greatest(1e-6, least(1e6, wanted.multiplier)) end,
      wanted.value, coalesce(wanted.dir_a, 0), coalesce(wanted.dir_e, 0),
      greatest(-1e6, least(1e6, coalesce(wanted.edge_raw, 0))), wanted.n,
      least(1e12, coalesce(wanted.variance, 0)), wanted.confidence_score,
      coalesce(wanted.decay_state, 'insufficient'),
      case when wanted.half_life_hours > 0 then greatest(1, least(1e9, wanted.half_life_hours)) end,
      wanted.lesson_id, coalesce(wanted.first_active_at, now()), wanted.last_evidence_at
    from unnest(wanted_overrides) as wanted
    -- One with a dimension that was taken out since has no candidate, and no override.
    where wanted.scope_subset - registered = '{}'
    on conflict (override_type, pattern_key, action_category, scope_digest) do update set
      multiplier = excluded.multiplier, value = excluded.value, dir_a = excluded.dir_a,
      dir_e = excluded.dir_e, edge_raw = excluded.edge_raw, n = excluded.n, variance = excluded.variance,
      confidence_score = excluded.confidence_score, decay_state = excluded.decay_state,
      half_life_hours = excluded.half_life_hours, lesson_id = excluded.lesson_id,
      last_evidence_at = excluded.last_evidence_at,
      enabled = override.enabled or override.disabled_by = 'loop'
    -- One made by hand is a person's word and is not overwritten; one a user switched off stays off.
    where override.lesson_id is not null
      and (override.multiplier, override.value, override.dir_a, override.dir_e, override.edge_raw, override.n,
          override.variance, override.confidence_score, override.decay_state, override.half_life_hours,
          override.lesson_id, override.last_evidence_at, override.enabled)
        is distinct from (excluded.multiplier, excluded.value, excluded.dir_a, excluded.dir_e,
          excluded.edge_raw, excluded.n, excluded.variance, excluded.confidence_score, excluded.decay_state,
          excluded.half_life_hours, excluded.lesson_id, excluded.last_evidence_at,
          override.enabled or override.disabled_by = 'loop')
    returning override.id
  )
  select array_agg(written.id) filter (where former_override.id is null),
    array_agg(written.id) filter (where former_override.id is not null)
  into created, changed
  from written
  -- The row as it was before this statement, which is all that its other parts see.
  left join public.pm_overrides former_override on former_override.id = written.id;
end
$$;
comment on function learning.write_overrides(learning.wanted_override[], text[]) is
  'Writes wanted overrides that name registered dimensions only, as far as they are new or changed; returns '
  'which are created and which are changed.';

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
    where override.id = lapsed.override_id and override.enabled
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
  'Switches overrides off and says why; returns how many.';

create function learning.reconcile(
  wanted_overrides learning.wanted_override[],
  lapsed_overrides learning.lapsed_override[]
)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  registered constant text[] := array(select dimension.dim from public.scope_dimensions dimension);
  remarks constant jsonb := (
    select jsonb_object_agg(concat_ws(' ', wanted.lesson_id, wanted.action_category), wanted.remark)
    from unnest(wanted_overrides) as wanted
    where wanted.remark is not null
  );
  unregistered learning.lapsed_override[];
  written record;
begin
  -- There are none, nearly always: looked for before anything is compared with each of them.
  with refused as materialized (
    select wanted.* from unnest(wanted_overrides) as wanted where wanted.scope_subset - registered <> '{}'
  )
  select array_agg(
    (override.id, 'It names a dimension that is no longer registered')::learning.lapsed_override
  )
  into unregistered
  from refused
  join public.pm_overrides override using (override_type, pattern_key, action_category, scope_digest)
  where override.lesson_id is not null;
  written := learning.write_overrides(wanted_overrides, registered);
  return jsonb_build_object(
    'created', learning.log_overrides(written.created, 'override_created', 'created', remarks),
    'changed', learning.log_overrides(written.changed, 'override_changed', 'changed', remarks),
    'disabled', learning.disable_overrides(lapsed_overrides || unregistered)
  );
end
$$;
comment on function learning.reconcile(learning.wanted_override[], learning.lapsed_override[]) is
  'Brings the loop''s overrides in line with what is wanted of them; returns how many are created, changed '
  'and disabled. Unchanged rows are not written.';
