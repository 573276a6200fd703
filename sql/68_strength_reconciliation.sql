-- Strength reconciliation: overrides of sizes and allocation follow the active lessons.

create function learning.strength_overrides(group_ids bigint[])
returns setof learning.wanted_override
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  -- Several modules may have learned about one key: the lesson that rests on most speaks for all of them.
  select distinct on (lesson.lesson_type, lesson.pattern_key, lesson.action_category, lesson.scope_digest)
    lesson.lesson_type, lesson.pattern_key, lesson.action_category, lesson.scope_subset,
    least(bounds.highest, greatest(bounds.lowest, 1 + lesson.edge_raw)),
    null::float8,
    (lesson.stats ->> 'dirA')::float8, (lesson.stats ->> 'dirE')::float8, lesson.edge_raw, lesson.n,
    (lesson.stats ->> 'variance')::float8, (lesson.stats ->> 'confidence')::float8,
    lesson.stats #>> '{decay,state}', lesson.decay_halflife_hours, lesson.id, lesson.first_active_at,
    lesson.last_evidence_at, lesson.scope_digest, null
  from (
    select distinct mining_group.lesson_type, mining_group.pattern_key, mining_group.action_category
    from learning.mining_groups mining_group
    where mining_group.id = any (group_ids)
  ) as key
  join learning.mining_groups mining_group using (lesson_type, pattern_key, action_category)
  join public.learning_lessons lesson using (module, pattern_key, action_category)
  cross join lateral learning.multiplier_bounds(key.lesson_type) as bounds
  where lesson.status = 'active'
  order by lesson.lesson_type, lesson.pattern_key, lesson.action_category, lesson.scope_digest, lesson.n desc,
    lesson.id;
$$;
comment on function learning.strength_overrides(bigint[]) is
  'The overrides that the active lessons under the keys of some groups want, each once.';

create function learning.strength_lapse_reason(p_lesson_id bigint)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    (
      select format('Its lesson is no longer active: n=%s edge=%s q=%s', lesson.n,
        round(lesson.edge_raw::numeric, 4), round(lesson.q_value::numeric, 4))
      from public.learning_lessons lesson
      where lesson.id = p_lesson_id
    ),
    'Its lesson is no longer found'
  );
$$;
comment on function learning.strength_lapse_reason(bigint) is
  'Why the override of a lesson is no longer wanted, for a person to read.';

create function public.reconcile_overrides(p_after bigint default 0, p_limit integer default 50)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
-- Most lessons are not active: reading those that are, by their index, is most of what there is to do.
set enable_seqscan = off
set jit = off
as $$
declare
  group_ids constant bigint[] := array(
    select mining_group.id
    from learning.mining_groups mining_group
    where mining_group.family = 'strength' and mining_group.id > p_after
    order by mining_group.id
    limit p_limit
  );
  wanted_overrides learning.wanted_override[];
  lapsed_overrides learning.lapsed_override[];
begin
  -- In one statement, so that both are of one moment: else an override that another run makes in between
  -- would seem to have lapsed.
  with wanted as materialized (
    select wanted.* from learning.strength_overrides(group_ids) as wanted
  ),
  keys as materialized (
    select distinct mining_group.lesson_type as override_type, mining_group.pattern_key,
      mining_group.action_category
    from learning.mining_groups mining_group
    where mining_group.id = any (group_ids)
  )
  select array(select wanted::learning.wanted_override from wanted),
    array(
      select (override.id, learning.strength_lapse_reason(override.lesson_id))::learning.lapsed_override
      from keys
      join public.pm_overrides override using (override_type, pattern_key, action_category)
      where override.lesson_id is not null and override.enabled
        -- Not in rather than not exists: it is hashed however few rows are expected, and the other would
        -- compare all with all.
        and (override.override_type, override.pattern_key, override.action_category, override.scope_digest)
          not in (
            select wanted.override_type, wanted.pattern_key, wanted.action_category, wanted.scope_digest
            from wanted
          )
    )
  into wanted_overrides, lapsed_overrides;
  return jsonb_build_object('next', case when cardinality(group_ids) = p_limit then group_ids[p_limit] end)
    || learning.reconcile(wanted_overrides, lapsed_overrides);
end
$$;
comment on function public.reconcile_overrides(bigint, integer) is
  'Brings the strength and allocation overrides of the next groups in line with their active lessons; next '
  'is null after the last one. For the edge functions.';
