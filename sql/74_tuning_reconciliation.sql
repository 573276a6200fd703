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

create function learning.orphaned_tuning_overrides(p_limit integer)
returns bigint[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return array(
    select override.id
    from public.pm_overrides override
    cross join lateral (
      select coalesce((override.proposed ->> 'lesson_id')::bigint, override.lesson_id) as lesson_id
    ) as own
    where override.override_type = 'pm_tuning' and own.lesson_id is not null
      and (override.control <> 'auto' or override.enabled)
      and override.proposed -> 'enabled' is distinct from 'false'
      and not exists (select from public.learning_lessons lesson where lesson.id = own.lesson_id)
    order by override.id
    limit p_limit
  );
end
$$;
comment on function learning.orphaned_tuning_overrides(integer) is
  'Tuning overrides whose lesson is gone altogether, as far as nothing was done about that.';

create function learning.promise_of_moves(lesson_ids bigint[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Of gain 1 and cost 0, none is the baseline; half each, as by luck, deviate by a half.
  update public.pm_overrides override
  set evidence_from = now(), promised = 0.5, baseline = 0, baseline_sigma = 0.5
  where override.override_type = 'pm_tuning' and override.lesson_id = any (lesson_ids)
    and override.action_category = any (learning.gate_levers())
    and override.evidence_from is null and override.enabled;
end
$$;
comment on function learning.promise_of_moves(bigint[]) is
  'Writes down what the gates promise that some lessons have begun to move: that at least half of the '
  'windows that a move decides are gains.';

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
  luck constant text := learning.luck_among(p_lessons, p_largest_p_value);
  -- Those of lessons that are gone altogether, once everything else is done.
  orphaned_ids bigint[] := '{}'::bigint[];
  next_id bigint := lesson_ids[p_limit];
  judged bigint;
  wanted_overrides learning.wanted_override[];
  lapsed_overrides learning.lapsed_override[];
  done jsonb;
begin
  perform learning.act_as('loop', 'tuning');
  judged := learning.judge_simulations(lesson_ids, p_lessons, p_largest_p_value);
  if next_id is null then
    orphaned_ids := learning.orphaned_tuning_overrides(p_limit);
    -- As many as it takes may be left.
    if cardinality(orphaned_ids) = p_limit then
      next_id := coalesce(lesson_ids[cardinality(lesson_ids)], p_after);
    end if;
  end if;
  -- In one statement, so that both are of one moment.
  with wanted as materialized (
    select wanted.* from learning.tuning_overrides(lesson_ids) as wanted
  ),
  former as (
    select override.* from public.pm_overrides override
    where override.override_type = 'pm_tuning'
      and (override.lesson_id = any (lesson_ids) or override.id = any (orphaned_ids))
    union
    select override.* from public.pm_overrides override
    where override.override_type = 'pm_tuning' and override.control <> 'auto'
      and (override.proposed ->> 'lesson_id')::bigint = any (lesson_ids)
  )
  select array(select wanted::learning.wanted_override from wanted),
    array(
      select (former.id, learning.tuning_lapse_reason(former.lesson_id, luck))::learning.lapsed_override
      from former
      where (former.pattern_key, former.action_category, former.scope_digest)
          not in (select wanted.pattern_key, wanted.action_category, wanted.scope_digest from wanted)
        and (former.control <> 'auto' or former.enabled)
    )
  into wanted_overrides, lapsed_overrides;
  done := learning.reconcile(wanted_overrides, lapsed_overrides);
  perform learning.promise_of_moves(lesson_ids);
  if next_id is null then
    -- What was learned since then waits for its simulation.
    update learning.mining_groups mining_group
    set lagging_since = null
    from learning.tuning_groups tuning_group
    where tuning_group.group_id = mining_group.id and mining_group.lagging_since is not null
      and tuning_group.run is null and tuning_group.lessons_version = tuning_group.simulated_version;
  end if;
  perform learning.act_as('');
  return jsonb_build_object('next', next_id, 'judged', judged) || done;
end
$$;
comment on function public.reconcile_tuning_overrides(bigint, integer, float8, integer) is
  'Brings the tuning overrides of the next lessons in line with their simulations, where the p value is at '
  'most the largest one beyond luck; next is null after the last lesson. For the edge functions.';
