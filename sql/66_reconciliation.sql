-- Reconciliation: the loop's own overrides follow the active lessons, and nothing else does.

create function public.reconcile_overrides(p_after bigint default 0, p_limit integer default 50)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
-- Most lessons are not active: reading those that are, by their index, is most of what there is to do.
set enable_seqscan = off
set jit = off
as $$
declare
  outcome jsonb;
begin
  with batch as materialized (
    select held.id, held.lesson_type, held.pattern_key, held.action_category
    from learning.mining_groups held
    where held.family = 'strength' and held.id > p_after
    order by held.id
    limit p_limit
  ),
  keys as materialized (
    select distinct batch.lesson_type, batch.pattern_key, batch.action_category from batch
  ),
  -- Several modules may have learned about one key: the lesson that rests on most speaks for all of them.
  wanted as materialized (
    select distinct on (lesson.lesson_type, lesson.pattern_key, lesson.action_category, lesson.scope_digest)
      lesson.id as lesson_id, lesson.lesson_type as override_type, lesson.pattern_key, lesson.action_category, lesson.scope_subset,
      lesson.scope_digest,
      case lesson.lesson_type
        when 'dm_alloc' then least(greatest(1 + lesson.edge_raw, 0.7), 1.3)
        else least(greatest(1 + lesson.edge_raw, 0.3), 3.0)
      end as multiplier,
      (lesson.stats ->> 'dirA')::float8 as dir_a, (lesson.stats ->> 'dirE')::float8 as dir_e, lesson.edge_raw, lesson.n,
      (lesson.stats ->> 'variance')::float8 as variance, (lesson.stats ->> 'confidence')::float8 as confidence_score,
      lesson.stats #>> '{decay,state}' as decay_state, nullif(lesson.decay_halflife_hours, 0) as half_life_hours,
      lesson.first_active_at, lesson.last_evidence_at
    from keys
    join learning.mining_groups mined using (lesson_type, pattern_key, action_category)
    join public.learning_lessons lesson
      on lesson.module = mined.module and lesson.pattern_key = mined.pattern_key and lesson.action_category = mined.action_category
    cross join (select coalesce(array_agg(known.dim), '{}') as dims from public.scope_dimensions known) as registered
    where lesson.status = 'active'
      -- One with a dimension that was taken out since has no candidate, and no override.
      and lesson.scope_subset - registered.dims = '{}'
    order by lesson.lesson_type, lesson.pattern_key, lesson.action_category, lesson.scope_digest, lesson.n desc, lesson.id
  ),
  former as materialized (
    select held.id, held.override_type, held.pattern_key, held.action_category, held.scope_subset, held.scope_digest, held.enabled,
      held.lesson_id
    from keys
    join public.pm_overrides held
      on held.override_type = keys.lesson_type and held.pattern_key = keys.pattern_key and held.action_category = keys.action_category
    where held.lesson_id is not null
  ),
  written as (
    insert into public.pm_overrides as held (
      override_type, pattern_key, action_category, scope_subset, multiplier, dir_a, dir_e, edge_raw, n, variance, confidence_score,
      decay_state, half_life_hours, lesson_id, first_active_at, last_evidence_at
    )
    select wanted.override_type, wanted.pattern_key, wanted.action_category, wanted.scope_subset, wanted.multiplier, wanted.dir_a,
      wanted.dir_e, wanted.edge_raw, wanted.n, wanted.variance, wanted.confidence_score, wanted.decay_state, wanted.half_life_hours,
      wanted.lesson_id, wanted.first_active_at, wanted.last_evidence_at
    from wanted
    on conflict (override_type, pattern_key, action_category, scope_digest) do update set
      multiplier = excluded.multiplier, dir_a = excluded.dir_a, dir_e = excluded.dir_e, edge_raw = excluded.edge_raw, n = excluded.n,
      variance = excluded.variance, confidence_score = excluded.confidence_score, decay_state = excluded.decay_state,
      half_life_hours = excluded.half_life_hours, lesson_id = excluded.lesson_id, last_evidence_at = excluded.last_evidence_at,
      enabled = held.enabled or held.disabled_by = 'loop'
    -- One made by hand is a person's word and is not overwritten; one a user switched off stays off.
    where held.lesson_id is not null
      and (held.multiplier, held.dir_a, held.dir_e, held.edge_raw, held.n, held.variance, held.confidence_score, held.decay_state,
          held.half_life_hours, held.lesson_id, held.last_evidence_at, held.enabled)
        is distinct from (excluded.multiplier, excluded.dir_a, excluded.dir_e, excluded.edge_raw, excluded.n, excluded.variance,
          excluded.confidence_score, excluded.decay_state, excluded.half_life_hours, excluded.lesson_id, excluded.last_evidence_at,
          held.enabled or held.disabled_by = 'loop')
    returning held.id, held.override_type, held.pattern_key, held.action_category, held.scope_subset, held.multiplier, held.edge_raw,
      held.n, held.dir_a, held.dir_e, held.confidence_score
  ),
  disabled as (
    update public.pm_overrides held
    set enabled = false, disabled_by = 'loop',
      disabled_reason = coalesce(
        (
          select case lesson.status
            when 'active' then 'It names a dimension that is no longer registered'
            else format('Its lesson is no longer active: n=%s edge=%s q=%s', lesson.n, round(lesson.edge_raw::numeric, 4),
              round(lesson.q_value::numeric, 4))
          end
          from public.learning_lessons lesson
          where lesson.id = former.lesson_id
        ),
        'Its lesson is no longer found'
      )
    from former
    where held.id = former.id and former.enabled
      -- Not in rather than not exists: it is hashed however few rows are expected, and the other would compare all with all.
      and (former.override_type, former.pattern_key, former.action_category, former.scope_digest) not in (
        select wanted.override_type, wanted.pattern_key, wanted.action_category, wanted.scope_digest from wanted
      )
    returning held.id, held.override_type, held.pattern_key, held.action_category, held.scope_subset, held.disabled_reason
  ),
  logged as (
    insert into public.learning_log (level, component, event, message, details)
    select 'INFO', 'materialize-overrides', case when former.id is null then 'override_created' else 'override_changed' end,
      format('Override for %s %s in %s %s: multiplier=%s dir_a=%s dir_e=%s confidence=%s', written.pattern_key, written.action_category,
        written.scope_subset, case when former.id is null then 'created' else 'changed' end, round(written.multiplier::numeric, 4),
        round(written.dir_a::numeric, 3), round(written.dir_e::numeric, 3), round(written.confidence_score::numeric, 3)),
      to_jsonb(written)
    from written
    -- The row as it was before this statement, which is all that its other parts see.
    left join public.pm_overrides former on former.id = written.id
    union all
    select 'INFO', 'materialize-overrides', 'override_disabled',
      format('Override for %s %s in %s disabled: %s', disabled.pattern_key, disabled.action_category, disabled.scope_subset,
        disabled.disabled_reason),
      to_jsonb(disabled)
    from disabled
    returning event
  )
  select jsonb_build_object(
    'next', case when (select count(*) from batch) = p_limit then (select max(batch.id) from batch) end,
    'created', (select count(*) from logged where logged.event = 'override_created'),
    'changed', (select count(*) from logged where logged.event = 'override_changed'),
    'disabled', (select count(*) from logged where logged.event = 'override_disabled')
  )
  into outcome;
  return outcome;
end
$$;
comment on function public.reconcile_overrides(bigint, integer) is
  'Brings the strength and allocation overrides of the next groups in line with their active lessons; next is null after the last one. For the edge functions.';
