-- Strength overrides: what the active lessons want of sizes and allocation, in spans of bounded size.

create type learning.key_span as (
  group_ids bigint[],
  mined_at timestamptz[],
  last_group_id bigint,
  step text,
  after_digest text,
  last_digest text
);
comment on type learning.key_span is
  'What one statement of a pass brings in line: some whole keys, or a part of one.';
comment on column learning.key_span.group_ids is 'The mining groups of the keys.';
comment on column learning.key_span.mined_at is
  'When each of them was mined, as it was read before its lessons.';
comment on column learning.key_span.last_group_id is 'How far the pass has got when they are done.';
comment on column learning.key_span.step is
  'whole for whole keys; of a part of one, lapse where what lapsed goes, then take where the rest follows.';
comment on column learning.key_span.after_digest is 'Scopes after this one, in the order of their digests.';
comment on column learning.key_span.last_digest is 'To this one; null to the last.';

create view learning.acting_lessons
with (security_invoker = true)
as
select lesson.id, lesson.module, lesson.pattern_key, lesson.action_category, lesson.scope_subset,
  lesson.lesson_type, lesson.n, lesson.stats, lesson.edge_raw, lesson.decay_halflife_hours,
  lesson.first_active_at, lesson.last_evidence_at, lesson.scope_digest
from public.learning_lessons lesson
where lesson.status = 'active'
  -- One that was not sorted into a family yet speaks for itself.
  and (coalesce(lesson.family_scope, lesson.scope_subset) = lesson.scope_subset
    or not (select (learning.config() ->> 'representatives_only')::boolean));
comment on view learning.acting_lessons is
  'The lessons that want overrides: those that are believed and, with representatives_only, represent their '
  'family.';
comment on column learning.acting_lessons.id is 'The lesson.';
comment on column learning.acting_lessons.module is 'Who acted.';
comment on column learning.acting_lessons.pattern_key is 'Behaviour, dotted.';
comment on column learning.acting_lessons.action_category is 'Category of the action.';
comment on column learning.acting_lessons.scope_subset is 'The scope.';
comment on column learning.acting_lessons.lesson_type is 'pm_strength, dm_alloc or tuning_rates.';
comment on column learning.acting_lessons.n is 'Trades behind it.';
comment on column learning.acting_lessons.stats is 'All statistics.';
comment on column learning.acting_lessons.edge_raw is 'Edge against the baseline after decay.';
comment on column learning.acting_lessons.decay_halflife_hours is 'Half-life of the edge.';
comment on column learning.acting_lessons.first_active_at is 'When it first became active.';
comment on column learning.acting_lessons.last_evidence_at is 'Close of the newest trade behind it.';
comment on column learning.acting_lessons.scope_digest is 'Short form of the scope.';

create function learning.strength_overrides(group_ids bigint[], after_digest text, last_digest text)
returns setof learning.wanted_override
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  -- Several modules may have learned about one key: the lesson that rests on most speaks for all of them.
  select distinct on (lesson.lesson_type, lesson.pattern_key, lesson.action_category, lesson.scope_digest)
    lesson.lesson_type, lesson.pattern_key, lesson.action_category, lesson.scope_subset,
    learning.multiplier_within_bounds(
      lesson.lesson_type, 1 + lesson.edge_raw * learning.scale_of_lesson(lesson.stats)
    ), null::float8,
    (lesson.stats ->> 'dirA')::float8, (lesson.stats ->> 'dirE')::float8, lesson.edge_raw, lesson.n,
    (lesson.stats ->> 'variance')::float8, (lesson.stats ->> 'confidence')::float8,
    lesson.stats #>> '{decay,state}', lesson.decay_halflife_hours, lesson.id, lesson.first_active_at,
    lesson.last_evidence_at, lesson.scope_digest, null
  from learning.mining_groups mining_group
  cross join lateral (
    select acting_lesson.* from learning.acting_lessons acting_lesson
    where acting_lesson.module = mining_group.module
      and acting_lesson.pattern_key = mining_group.pattern_key
      and acting_lesson.action_category = mining_group.action_category
      -- No digest is larger than z.
      and acting_lesson.scope_digest > after_digest
      and acting_lesson.scope_digest <= coalesce(last_digest, 'z')
  ) as lesson
  where mining_group.id = any (group_ids)
  order by lesson.lesson_type, lesson.pattern_key, lesson.action_category, lesson.scope_digest, lesson.n desc,
    lesson.id;
$$;
comment on function learning.strength_overrides(bigint[], text, text) is
  'The overrides that the acting lessons of some keys, given by all of their groups, want in a range of '
  'scopes, each once.';

create function learning.strength_lapse_reason(p_lesson_id bigint)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    (
      select case
        when lesson.status = 'active' and lesson.family_scope <> lesson.scope_subset
          then format('The lesson in %s represents its family and acts for it', lesson.family_scope)
        else format('Its lesson is no longer active: n=%s edge=%s q=%s', lesson.n,
          round(lesson.edge_raw::numeric, 4), round(lesson.q_value::numeric, 4))
      end
      from public.learning_lessons lesson
      where lesson.id = p_lesson_id
    ),
    'Its lesson is no longer found'
  );
$$;
comment on function learning.strength_lapse_reason(bigint) is
  'Why the override of a lesson is no longer wanted, for a person to read.';

create function learning.next_keys(p_after bigint, p_rows integer)
returns learning.key_span
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  span learning.key_span;
  next_group record;
  own record;
  held bigint;
  rows_so_far bigint := 0;
begin
  span.step := 'whole';
  span.after_digest := '';
  for next_group in
    select mining_group.id, mining_group.lesson_type, mining_group.pattern_key, mining_group.action_category
    from learning.mining_groups mining_group
    where mining_group.family = 'strength' and mining_group.id > p_after
    -- A key stands where its first group does.
      and not exists (
        select from learning.mining_groups earlier_mining_group
        where (earlier_mining_group.lesson_type, earlier_mining_group.pattern_key,
            earlier_mining_group.action_category)
          = (mining_group.lesson_type, mining_group.pattern_key, mining_group.action_category)
          and earlier_mining_group.id < mining_group.id
      )
    order by mining_group.id
    limit 100
  loop
    -- One key after the other: to count the rows of all that follow, for each piece anew, takes longer than
    -- the piece.
    select array_agg(mining_group.id) as group_ids, array_agg(mining_group.mined_at) as mined_at,
      sum(lessons.number) as lessons
    into own
    from learning.mining_groups mining_group
    cross join lateral (
      select count(*) as number from (
        select from public.learning_lessons lesson
        where lesson.module = mining_group.module and lesson.pattern_key = mining_group.pattern_key
          and lesson.action_category = mining_group.action_category and lesson.status = 'active'
        limit p_rows + 1
      ) as counted
    ) as lessons
    where (mining_group.lesson_type, mining_group.pattern_key, mining_group.action_category)
      = (next_group.lesson_type, next_group.pattern_key, next_group.action_category);
    select count(*) into held from (
      select from public.pm_overrides override
      where (override.override_type, override.pattern_key, override.action_category)
        = (next_group.lesson_type, next_group.pattern_key, next_group.action_category)
      limit p_rows + 1
    ) as counted;
    rows_so_far := rows_so_far + greatest(own.lessons, held);
    exit when span.group_ids is not null and rows_so_far > p_rows;
    span.group_ids := span.group_ids || own.group_ids;
    span.mined_at := span.mined_at || own.mined_at;
    span.last_group_id := next_group.id;
    if rows_so_far > p_rows then
      span.step := 'lapse';
      exit;
    end if;
  end loop;
  return span;
end
$$;
comment on function learning.next_keys(bigint, integer) is
  'The next keys that together have no more rows than given, or the next one where it has more; without '
  'groups after the last.';

create function learning.end_of_span(span learning.key_span, p_rows integer)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  digests text[];
begin
  digests := case span.step
    when 'lapse' then array(
      select near.scope_digest
      from (
        select distinct mining_group.lesson_type, mining_group.pattern_key, mining_group.action_category
        from learning.mining_groups mining_group
        where mining_group.id = any (span.group_ids)
      ) as key
      cross join lateral (
        select override.scope_digest from public.pm_overrides override
        where override.override_type = key.lesson_type and override.pattern_key = key.pattern_key
          and override.action_category = key.action_category and override.scope_digest > span.after_digest
        order by override.scope_digest
        limit p_rows
      ) as near
      order by near.scope_digest
    )
    when 'take' then array(
      select near.scope_digest
      from learning.mining_groups mining_group
      cross join lateral (
        select lesson.scope_digest from public.learning_lessons lesson
        where lesson.module = mining_group.module and lesson.pattern_key = mining_group.pattern_key
          and lesson.action_category = mining_group.action_category and lesson.status = 'active'
          and lesson.scope_digest > span.after_digest
        order by lesson.scope_digest
        limit p_rows
      ) as near
      where mining_group.id = any (span.group_ids)
      order by near.scope_digest
      limit p_rows
    )
  end;
  return digests[p_rows];
end
$$;
comment on function learning.end_of_span(learning.key_span, integer) is
  'The last scope that a statement takes of a key, so that it has no more rows than given; null for all that '
  'are left.';
