-- Tuning reconciliation: overrides of the gates follow the simulations.

create function public.reconcile_tuning_overrides(
  p_after bigint default 0,
  p_limit integer default 500,
  p_largest_p_value float8 default null,
  p_lessons integer default 0
)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  outcome jsonb;
begin
  with batch as materialized (
    select lesson.id, lesson.status
    from public.learning_lessons lesson
    where lesson.lesson_type = 'tuning_rates' and lesson.id > p_after
    order by lesson.id
    limit p_limit
  ),
  simulated as materialized (
    select lesson.id as lesson_id, lesson.pattern_key, lesson.scope_subset, lesson.scope_digest, lesson.n, lesson.last_evidence_at,
      simulation.moves, simulation.confidence, simulation.p_value, simulation.admitted as former_admitted, simulation.summary,
      case when simulation.verdict = 'move' then
        simulation.p_value is null or coalesce(simulation.p_value <= p_largest_p_value, false)
      end as admitted
    from batch
    join public.learning_lessons lesson on lesson.id = batch.id
    join learning.tuning_simulations simulation on simulation.lesson_id = batch.id
    where batch.status = 'active'
  ),
  judged as (
    update learning.tuning_simulations simulation
    set admitted = simulated.admitted
    from simulated
    where simulation.lesson_id = simulated.lesson_id and simulated.admitted is distinct from simulated.former_admitted
    returning simulation.lesson_id
  ),
  turned_down as materialized (
    select simulated.*, format('%s; among %s lessons %s', simulated.summary, p_lessons,
        case when p_largest_p_value is null then 'no p is beyond luck'
          else format('only p up to %s is beyond luck', learning.short(p_largest_p_value)) end) as reason
    from simulated
    where simulated.admitted = false
  ),
  wanted as materialized (
    select simulated.lesson_id, simulated.pattern_key, moved.lever as action_category, simulated.scope_subset, simulated.scope_digest,
      (moved.change ->> 'value')::float8 as value, (moved.change ->> 'multiplier')::float8 as multiplier, simulated.n, simulated.confidence,
      simulated.last_evidence_at, simulated.summary
    from simulated
    cross join lateral jsonb_each(simulated.moves) as moved(lever, change)
    where simulated.admitted
  ),
  former as materialized (
    select held.id, held.pattern_key, held.action_category, held.scope_digest, held.enabled
    from batch
    join public.pm_overrides held on held.lesson_id = batch.id
    where held.override_type = 'pm_tuning'
    union all
    -- Those of lessons that are gone altogether, once everything else is done.
    select held.id, held.pattern_key, held.action_category, held.scope_digest, held.enabled
    from public.pm_overrides held
    where held.override_type = 'pm_tuning' and held.lesson_id is not null and held.enabled
      and (select count(*) from batch) < p_limit
      and not exists (select from public.learning_lessons lesson where lesson.id = held.lesson_id)
  ),
  existing as materialized (
    select held.id
    from wanted
    join public.pm_overrides held
      on held.override_type = 'pm_tuning' and held.pattern_key = wanted.pattern_key and held.action_category = wanted.action_category
        and held.scope_digest = wanted.scope_digest
  ),
  written as (
    insert into public.pm_overrides as held (
      override_type, pattern_key, action_category, scope_subset, multiplier, value, n, confidence_score, lesson_id, first_active_at,
      last_evidence_at
    )
    select 'pm_tuning', wanted.pattern_key, wanted.action_category, wanted.scope_subset, wanted.multiplier, wanted.value, wanted.n,
      wanted.confidence, wanted.lesson_id, now(), wanted.last_evidence_at
    from wanted
    on conflict (override_type, pattern_key, action_category, scope_digest) do update set
      multiplier = excluded.multiplier, value = excluded.value, n = excluded.n, confidence_score = excluded.confidence_score,
      lesson_id = excluded.lesson_id, last_evidence_at = excluded.last_evidence_at, enabled = held.enabled or held.disabled_by = 'loop'
    -- One made by hand is a person's word and is not overwritten; one a user switched off stays off.
    where held.lesson_id is not null
      and (held.multiplier, held.value, held.n, held.confidence_score, held.lesson_id, held.last_evidence_at, held.enabled)
        is distinct from (excluded.multiplier, excluded.value, excluded.n, excluded.confidence_score, excluded.lesson_id,
          excluded.last_evidence_at, held.enabled or held.disabled_by = 'loop')
    returning held.id, held.pattern_key, held.action_category, held.scope_subset, held.multiplier, held.value, held.n, held.confidence_score,
      held.lesson_id
  ),
  disabled as (
    update public.pm_overrides held
    set enabled = false, disabled_by = 'loop',
      disabled_reason = coalesce(
        (select 'Its gate is no longer moved: ' || turned_down.reason from turned_down where turned_down.lesson_id = held.lesson_id),
        (select 'Its gate is no longer moved: ' || simulated.summary from simulated where simulated.lesson_id = held.lesson_id),
        'Its lesson is no longer found'
      )
    from former
    where held.id = former.id and former.enabled
      and not exists (
        select from wanted
        where (wanted.pattern_key, wanted.action_category, wanted.scope_digest)
          = (former.pattern_key, former.action_category, former.scope_digest)
      )
    returning held.id, held.pattern_key, held.action_category, held.scope_subset, held.disabled_reason
  ),
  lines as materialized (
    select case when existing.id is null then 'override_created' else 'override_changed' end as event,
      format('Override for %s %s in %s %s: value=%s multiplier=%s confidence=%s, %s', written.pattern_key, written.action_category,
        written.scope_subset, case when existing.id is null then 'created' else 'changed' end, learning.short(written.value),
        coalesce(round(written.multiplier::numeric, 4)::text, 'none'), round(written.confidence_score::numeric, 3), wanted.summary) as message,
      to_jsonb(written) as details
    from written
    join wanted on wanted.lesson_id = written.lesson_id and wanted.action_category = written.action_category
    left join existing on existing.id = written.id
    union all
    select 'override_disabled',
      format('Override for %s %s in %s disabled: %s', disabled.pattern_key, disabled.action_category, disabled.scope_subset,
        disabled.disabled_reason),
      to_jsonb(disabled)
    from disabled
    union all
    select 'lesson_not_confirmed',
      format('No override for %s in %s: %s', turned_down.pattern_key, turned_down.scope_subset, turned_down.reason),
      jsonb_build_object('lesson_id', turned_down.lesson_id, 'pattern_key', turned_down.pattern_key,
        'scope_subset', turned_down.scope_subset, 'p_value', turned_down.p_value, 'largest_p_value', p_largest_p_value,
        'lessons', p_lessons)
    from turned_down
    where turned_down.former_admitted is distinct from turned_down.admitted
      and (select count(*) from turned_down other where other.former_admitted is distinct from other.admitted) <= 20
    union all
    select 'lessons_not_confirmed',
      format('No override for %s lessons: among %s lessons %s', count(*), p_lessons,
        case when p_largest_p_value is null then 'no p is beyond luck'
          else format('only p up to %s is beyond luck', learning.short(p_largest_p_value)) end),
      jsonb_build_object('not_confirmed', count(*), 'largest_p_value', p_largest_p_value, 'lessons', p_lessons)
    from turned_down
    where turned_down.former_admitted is distinct from turned_down.admitted
    having count(*) > 20
  ),
  logged as (
    insert into public.learning_log (level, component, event, message, details)
    select 'INFO', 'materialize-overrides', lines.event, lines.message, lines.details from lines
    returning event
  )
  select jsonb_build_object(
    'next', case when (select count(*) from batch) = p_limit then (select max(batch.id) from batch) end,
    'judged', (select count(*) from judged),
    'created', (select count(*) from logged where logged.event = 'override_created'),
    'changed', (select count(*) from logged where logged.event = 'override_changed'),
    'disabled', (select count(*) from logged where logged.event = 'override_disabled')
  )
  into outcome;
  return outcome;
end
$$;
comment on function public.reconcile_tuning_overrides(bigint, integer, float8, integer) is
  'Brings the tuning overrides of the next lessons in line with their simulations, where the p value is at most the largest one beyond luck; next is null after the last lesson. For the edge functions.';
