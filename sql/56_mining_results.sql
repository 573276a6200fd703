-- Mining results: the lessons of a finished run, written all at once.

create type learning.lesson_change as (
  outcome text,
  lesson_id bigint,
  event text,
  has_new_evidence boolean
);
comment on type learning.lesson_change is 'What a finished run did to one lesson.';
comment on column learning.lesson_change.outcome is
  'written where it was found and is new or changed; deprecated or deleted where it was no longer found.';
comment on column learning.lesson_change.lesson_id is 'The lesson.';
comment on column learning.lesson_change.event is
  'lesson_activated, lesson_deprecated, or null where it is as active as it was.';
comment on column learning.lesson_change.has_new_evidence is
  'Whether its edge is to be remembered: it is or was active, and other trades are behind it than before.';

create function learning.status_of_found(status text, first_active_at timestamptz)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when status = 'candidate' and first_active_at is not null then 'deprecated' else status end;
end
$$;
comment on function learning.status_of_found(text, timestamptz) is
  'Status of a lesson that was found again: one that was active once is no candidate any more.';

create function learning.write_lessons(leased_group learning.mining_groups, lessons jsonb)
returns setof learning.lesson_change
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  with found as materialized (
    select given.*, md5(given.scope_subset::text) as scope_digest
    from jsonb_to_recordset(lessons) as given(
      scope_subset jsonb, n integer, stats jsonb, edge_raw float8, p_value float8, q_value float8,
      decay_halflife_hours float8, status text, family_scope jsonb, last_evidence_at timestamptz
    )
  ),
  -- Not in rather than not exists: it is hashed however few rows are expected, and the other would compare
  -- all with all.
  missing as materialized (
    select lesson.id, lesson.status
    from public.learning_lessons lesson
    where (lesson.module, lesson.pattern_key, lesson.action_category)
      = (leased_group.module, leased_group.pattern_key, leased_group.action_category)
      and lesson.scope_digest not in (select found.scope_digest from found)
  ),
  written as (
    insert into public.learning_lessons as lesson (
      module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n, stats, edge_raw,
      p_value, q_value, decay_halflife_hours, status, first_active_at, last_evidence_at, family_scope
    )
    select leased_group.module, leased_group.pattern_key, leased_group.action_category, found.scope_subset,
      learning.scope_mask(found.scope_subset), leased_group.lesson_type, found.n, found.stats, found.edge_raw,
      found.p_value, found.q_value, found.decay_halflife_hours, found.status,
      case when found.status = 'active' then now() end, found.last_evidence_at, found.family_scope
    from found
    on conflict (module, pattern_key, action_category, scope_digest) do update set
      n = excluded.n, stats = excluded.stats, edge_raw = excluded.edge_raw, p_value = excluded.p_value,
      q_value = excluded.q_value, decay_halflife_hours = excluded.decay_halflife_hours,
      status = learning.status_of_found(excluded.status, lesson.first_active_at),
      first_active_at = coalesce(lesson.first_active_at, excluded.first_active_at),
      last_evidence_at = excluded.last_evidence_at, family_scope = excluded.family_scope, updated_at = now()
    where (lesson.n, lesson.stats, lesson.edge_raw, lesson.p_value, lesson.q_value,
        lesson.decay_halflife_hours, lesson.last_evidence_at, lesson.family_scope, lesson.status)
      is distinct from (excluded.n, excluded.stats, excluded.edge_raw, excluded.p_value, excluded.q_value,
        excluded.decay_halflife_hours, excluded.last_evidence_at, excluded.family_scope,
        learning.status_of_found(excluded.status, lesson.first_active_at))
    -- Not all of it: what is carried on here is kept aside.
    returning lesson.id, lesson.status, lesson.n, lesson.first_active_at, lesson.last_evidence_at,
      lesson.stats ? 'edge_before_decay' as has_edge, lesson.stats -> 'avg' as average
  ),
  deprecated as (
    update public.learning_lessons lesson
    set status = 'deprecated', family_scope = null, updated_at = now()
    from missing
    where lesson.id = missing.id and missing.status = 'active'
    returning lesson.id
  ),
  deleted as (
    delete from public.learning_lessons lesson
    using missing
    where lesson.id = missing.id and missing.status = 'candidate'
    returning lesson.id
  )
  select 'written', written.id,
    case
      when written.status = 'active' and former_lesson.status is distinct from 'active'
        then 'lesson_activated'
      when written.status = 'deprecated' and former_lesson.status = 'active' then 'lesson_deprecated'
    end,
    written.first_active_at is not null and written.has_edge
      and (former_lesson.first_active_at is null
        or (former_lesson.n, former_lesson.last_evidence_at, former_lesson.stats -> 'avg')
          is distinct from (written.n, written.last_evidence_at, written.average))
  from written
  -- The row as it was before this statement, which is all that its other parts see.
  left join public.learning_lessons former_lesson on former_lesson.id = written.id
  union all
  select 'deprecated', deprecated.id, 'lesson_deprecated', false from deprecated
  union all
  select 'deleted', deleted.id, null, false from deleted;
end
$$;
comment on function learning.write_lessons(learning.mining_groups, jsonb) is
  'Writes the lessons that a run found, as far as they changed, takes back those it did not find, and '
  'returns what it did.';

create function learning.remember_edges(changes learning.lesson_change[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  remembered bigint[];
begin
  with snapshots as (
    insert into public.learning_edge_history as snapshot (lesson_id, ts, edge, n, scale)
    select lesson.id, now(), (lesson.stats ->> 'edge_before_decay')::float8, lesson.n,
      learning.scale_of_lesson(lesson.stats)
    from unnest(changes) as change
    join public.learning_lessons lesson on lesson.id = change.lesson_id
    where change.has_new_evidence
    on conflict (lesson_id, ts) do nothing
    returning snapshot.lesson_id
  )
  select coalesce(array_agg(snapshots.lesson_id), '{}') into remembered from snapshots;
  perform learning.prune_edge_history(remembered);
  return cardinality(remembered);
end
$$;
comment on function learning.remember_edges(learning.lesson_change[]) is
  'Takes a snapshot of the edge of each lesson with new evidence; returns of how many.';

create function learning.log_lessons(changes learning.lesson_change[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  logged integer;
begin
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'mine-lessons', change.event,
    format('%s %s %s in %s: n=%s edge=%s q=%s',
      case change.event when 'lesson_activated' then 'Active' else 'No longer active' end,
      lesson.pattern_key, lesson.action_category, lesson.scope_subset, lesson.n,
      round(lesson.edge_raw::numeric, 4), lesson.q_value),
    jsonb_build_object('pattern_key', lesson.pattern_key, 'action_category', lesson.action_category,
      'scope_subset', lesson.scope_subset, 'n', lesson.n, 'edge_raw', lesson.edge_raw,
      'q_value', lesson.q_value)
  from unnest(changes) as change
  join public.learning_lessons lesson on lesson.id = change.lesson_id
  where change.event is not null;
  get diagnostics logged = row_count;
  return logged;
end
$$;
comment on function learning.log_lessons(learning.lesson_change[]) is
  'Tells which lessons became active and which no longer are; returns how many.';

create function learning.end_run(leased_group learning.mining_groups)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  ended_run constant jsonb := leased_group.run;
  last_event_id constant bigint := (ended_run ->> 'last_event_id')::bigint;
  has_later_events boolean;
begin
  -- Events that came between the beginning of the cycle and that of the run are not in it and keep the group
  -- due.
  has_later_events := case leased_group.family
    when 'tuning' then exists (
      select from public.pattern_episode_events episode
      where episode.pattern_key = leased_group.pattern_key and episode.id > last_event_id
    )
    else exists (
      select from public.pattern_trade_events event
      where event.module = leased_group.module and event.pattern_key = leased_group.pattern_key
        and event.action_category = leased_group.action_category and event.id > last_event_id
    )
  end;
  update learning.mining_groups mining_group
  set mined_version = (ended_run ->> 'evidence_version')::bigint - has_later_events::integer,
    mined_cycle = (ended_run ->> 'cycle')::bigint, mined_at = now(),
    mined_settings = ended_run ->> 'settings',
    mined_baseline = (ended_run #>> '{baseline,mean}')::float8,
    mined_sigma = (ended_run #>> '{category,sigma}')::float8,
    first_sigma = (ended_run ->> 'first_sigma')::float8,
    first_outcome = learning.outcome_read(ended_run -> 'config'),
    run = null, progress = null, lease_token = null, leased_until = null,
    lagging_since = coalesce(mining_group.lagging_since, now())
  where mining_group.id = leased_group.id;
end
$$;
comment on function learning.end_run(learning.mining_groups) is
  'Notes what a group was mined on and gives it back.';

create function learning.count_outcomes(changes learning.lesson_change[])
returns jsonb
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'written', count(*) filter (where change.outcome = 'written'),
    'deprecated', count(*) filter (where change.outcome = 'deprecated'),
    'deleted', count(*) filter (where change.outcome = 'deleted')
  )
  from unnest(changes) as change;
$$;
comment on function learning.count_outcomes(learning.lesson_change[]) is
  'How many lessons a run wrote, deprecated and deleted.';

create function public.finish_mining_group(
  p_group_id bigint, p_lease_token uuid, p_lessons jsonb, p_effects jsonb default null
)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  leased_group constant learning.mining_groups := learning.require_lease(p_group_id, p_lease_token);
  changes learning.lesson_change[];
  snapshots integer;
  logged integer;
begin
  changes := array(
    select change
    from learning.write_lessons(leased_group, case jsonb_typeof(p_lessons)
      when 'string' then (p_lessons #>> '{}')::jsonb
      else p_lessons
    end) as change
  );
  snapshots := learning.remember_edges(changes);
  logged := learning.log_lessons(changes);
  -- A miner of before there were effects gives none; one that measured nothing gives none of anything.
  if p_effects is not null then
    perform learning.write_effects(leased_group, p_effects);
  end if;
  perform learning.end_run(leased_group);
  return learning.count_outcomes(changes) || jsonb_build_object('snapshots', snapshots, 'logged', logged);
end
$$;
comment on function public.finish_mining_group(bigint, uuid, jsonb, jsonb) is
  'Writes the lessons and effects of a finished run all at once, drops what was no longer found and ends the '
  'lease. Lessons are a document or its text. For the edge functions.';
