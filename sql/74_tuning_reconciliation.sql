-- Tuning reconciliation: overrides of the gates follow the simulations.

create function learning.luck_among(lessons integer, largest_p_value float8)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select format('among %s lessons %s', lessons, case
    when largest_p_value is null then 'no p is beyond luck'
    else format('only p up to %s is beyond luck', learning.short(largest_p_value))
  end);
$$;
comment on function learning.luck_among(integer, float8) is
  'Which p values stand up among so many lessons, for a person to read.';

create function learning.is_admitted(verdict text, p_value float8, largest_p_value float8)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Without confirmation there is no p value to judge by.
  return case verdict when 'move' then p_value is null or coalesce(p_value <= largest_p_value, false) end;
end
$$;
comment on function learning.is_admitted(text, float8, float8) is
  'Whether a simulation''s p value stands up; null where it moves nothing.';

create function learning.judge_simulations(lesson_ids bigint[], p_lessons integer, largest_p_value float8)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  judged_count bigint;
begin
  with judged as materialized (
    update learning.tuning_simulations simulation
    set admitted = learning.is_admitted(simulation.verdict, simulation.p_value, largest_p_value)
    from public.learning_lessons lesson
    where simulation.lesson_id = any (lesson_ids)
      and lesson.id = simulation.lesson_id and lesson.status = 'active'
      and simulation.admitted
        is distinct from learning.is_admitted(simulation.verdict, simulation.p_value, largest_p_value)
    returning simulation.lesson_id, simulation.admitted, simulation.p_value, simulation.summary,
      lesson.pattern_key, lesson.scope_subset
  ),
  turned_down as (
    select judged.* from judged where not judged.admitted
  ),
  logged as (
    insert into public.learning_log (level, component, event, message, details)
    select 'INFO', 'materialize-overrides', 'lesson_not_confirmed',
      format('No override for %s in %s: %s; %s', turned_down.pattern_key, turned_down.scope_subset,
        turned_down.summary, learning.luck_among(p_lessons, largest_p_value)),
      jsonb_build_object('lesson_id', turned_down.lesson_id, 'pattern_key', turned_down.pattern_key,
        'scope_subset', turned_down.scope_subset, 'p_value', turned_down.p_value,
        'largest_p_value', largest_p_value, 'lessons', p_lessons)
    from turned_down
    where (select count(*) from turned_down) <= 20
    union all
    select 'INFO', 'materialize-overrides', 'lessons_not_confirmed',
      format('No override for %s lessons: %s', count(*), learning.luck_among(p_lessons, largest_p_value)),
      jsonb_build_object('not_confirmed', count(*), 'largest_p_value', largest_p_value, 'lessons', p_lessons)
    from turned_down
    having count(*) > 20
  )
  select count(*) into judged_count from judged;
  return judged_count;
end
$$;
comment on function learning.judge_simulations(bigint[], integer, float8) is
  'Notes of simulated lessons whether their p value stands up among all, and tells whose does not; returns '
  'of how many that is new.';

create function learning.tuning_overrides(lesson_ids bigint[])
returns setof learning.wanted_override
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select 'pm_tuning', lesson.pattern_key, move.lever, lesson.scope_subset,
    (move.change ->> 'multiplier')::float8, (move.change ->> 'value')::float8,
    null::float8, null::float8, null::float8, lesson.n, null::float8, simulation.confidence, null,
    null::float8, lesson.id, null::timestamptz, lesson.last_evidence_at, lesson.scope_digest,
    simulation.summary
  from learning.tuning_simulations simulation
  join public.learning_lessons lesson on lesson.id = simulation.lesson_id
  cross join lateral jsonb_each(simulation.moves) as move(lever, change)
  where simulation.lesson_id = any (lesson_ids) and lesson.status = 'active' and simulation.admitted
  order by lesson.id, move.lever;
$$;
comment on function learning.tuning_overrides(bigint[]) is
  'The overrides that some lessons want whose simulation stood up: one for each gate it moves.';

create function learning.tuning_lapse_reason(p_lesson_id bigint, luck text)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    (
      select 'Its gate is no longer moved: ' || simulation.summary
        || case when simulation.admitted = false then '; ' || luck else '' end
      from learning.tuning_simulations simulation
      join public.learning_lessons lesson on lesson.id = simulation.lesson_id
      where lesson.id = p_lesson_id and lesson.status = 'active'
    ),
    'Its lesson is no longer found'
  );
$$;
comment on function learning.tuning_lapse_reason(bigint, text) is
  'Why the override of a lesson is no longer wanted, for a person to read; luck says which p values stand '
  'up.';

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
  lesson_ids constant bigint[] := array(
    select lesson.id
    from public.learning_lessons lesson
    where lesson.lesson_type = 'tuning_rates' and lesson.id > p_after
    order by lesson.id
    limit p_limit
  );
  is_last constant boolean := cardinality(lesson_ids) < p_limit;
  luck constant text := learning.luck_among(p_lessons, p_largest_p_value);
  judged bigint;
  wanted_overrides learning.wanted_override[];
  lapsed_overrides learning.lapsed_override[];
begin
  judged := learning.judge_simulations(lesson_ids, p_lessons, p_largest_p_value);
  -- In one statement, so that both are of one moment.
  with wanted as materialized (
    select wanted.* from learning.tuning_overrides(lesson_ids) as wanted
  ),
  former as (
    select override.* from public.pm_overrides override
    where override.override_type = 'pm_tuning' and override.lesson_id = any (lesson_ids)
    union all
    -- Those of lessons that are gone altogether, once everything else is done.
    select override.* from public.pm_overrides override
    where override.override_type = 'pm_tuning' and override.lesson_id is not null and is_last
      and not exists (select from public.learning_lessons lesson where lesson.id = override.lesson_id)
  )
  select array(select wanted::learning.wanted_override from wanted),
    array(
      select (former.id, learning.tuning_lapse_reason(former.lesson_id, luck))::learning.lapsed_override
      from former
      where former.enabled
        and (former.pattern_key, former.action_category, former.scope_digest)
          not in (select wanted.pattern_key, wanted.action_category, wanted.scope_digest from wanted)
    )
  into wanted_overrides, lapsed_overrides;
  return jsonb_build_object('next', case when not is_last then lesson_ids[p_limit] end, 'judged', judged)
    || learning.reconcile(wanted_overrides, lapsed_overrides);
end
$$;
comment on function public.reconcile_tuning_overrides(bigint, integer, float8, integer) is
  'Brings the tuning overrides of the next lessons in line with their simulations, where the p value is at '
  'most the largest one beyond luck; next is null after the last lesson. For the edge functions.';
