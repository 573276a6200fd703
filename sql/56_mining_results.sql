-- Mining results: the lessons of a finished run, written all at once.

create function public.finish_mining_group(p_group_id bigint, p_lease_token uuid, p_lessons jsonb)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  held learning.mining_groups := learning.require_lease(p_group_id, p_lease_token);
  outcome jsonb;
begin
  with found as materialized (
    select lesson.scope_subset, md5(lesson.scope_subset::text) as scope_digest, lesson.n, lesson.stats, lesson.edge_raw, lesson.p_value,
      lesson.q_value, lesson.decay_halflife_hours, lesson.status, lesson.last_evidence_at
    from jsonb_to_recordset(p_lessons) as lesson(
      scope_subset jsonb, n integer, stats jsonb, edge_raw float8, p_value float8, q_value float8, decay_halflife_hours float8,
      status text, last_evidence_at timestamptz
    )
  ),
  -- Not in rather than not exists: it is hashed however few rows are expected, and the other would compare all with all.
  gone as materialized (
    select lesson.id, lesson.status
    from public.learning_lessons lesson
    where lesson.module = held.module and lesson.pattern_key = held.pattern_key and lesson.action_category = held.action_category
      and lesson.scope_digest not in (select found.scope_digest from found)
  ),
  written as (
    insert into public.learning_lessons as lesson (
      module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n, stats, edge_raw, p_value, q_value,
      decay_halflife_hours, status, first_active_at, last_evidence_at
    )
    select held.module, held.pattern_key, held.action_category, found.scope_subset, learning.scope_mask(found.scope_subset),
      held.lesson_type, found.n, found.stats, found.edge_raw, found.p_value, found.q_value, found.decay_halflife_hours, found.status,
      case when found.status = 'active' then now() end, found.last_evidence_at
    from found
    on conflict (module, pattern_key, action_category, scope_digest) do update set
      n = excluded.n, stats = excluded.stats, edge_raw = excluded.edge_raw, p_value = excluded.p_value, q_value = excluded.q_value,
      decay_halflife_hours = excluded.decay_halflife_hours,
      status = case when excluded.status = 'candidate' and lesson.first_active_at is not null then 'deprecated' else excluded.status end,
      first_active_at = coalesce(lesson.first_active_at, excluded.first_active_at),
      last_evidence_at = excluded.last_evidence_at, updated_at = now()
    where (lesson.n, lesson.stats, lesson.edge_raw, lesson.p_value, lesson.q_value, lesson.decay_halflife_hours, lesson.last_evidence_at,
        lesson.status)
      is distinct from (excluded.n, excluded.stats, excluded.edge_raw, excluded.p_value, excluded.q_value, excluded.decay_halflife_hours,
        excluded.last_evidence_at,
        case when excluded.status = 'candidate' and lesson.first_active_at is not null then 'deprecated' else excluded.status end)
    returning lesson.id, lesson.scope_subset, lesson.scope_digest, lesson.n, lesson.stats, lesson.edge_raw, lesson.q_value, lesson.status,
      lesson.first_active_at, lesson.last_evidence_at
  ),
  lapsed as (
    update public.learning_lessons lesson
    set status = 'deprecated', updated_at = now()
    from gone
    where lesson.id = gone.id and gone.status = 'active'
    returning lesson.id, lesson.scope_subset, lesson.n, lesson.edge_raw, lesson.q_value
  ),
  dropped as (
    delete from public.learning_lessons lesson
    using gone
    where lesson.id = gone.id and gone.status = 'candidate'
    returning lesson.id
  ),
  -- A former lesson is the row as it was before this statement, which is all that its other parts see.
  snapshots as (
    insert into public.learning_edge_history (lesson_id, ts, edge, n)
    select written.id, now(), (written.stats ->> 'edge_before_decay')::float8, written.n
    from written
    left join public.learning_lessons former on former.id = written.id
    where written.first_active_at is not null
      and written.stats ? 'edge_before_decay'
      and (former.id is null or former.first_active_at is null
        or (former.n, former.last_evidence_at, former.stats -> 'avg') is distinct from (written.n, written.last_evidence_at, written.stats -> 'avg'))
    on conflict (lesson_id, ts) do nothing
    returning lesson_id
  ),
  changes as (
    select 'lesson_activated' as event, written.scope_subset, written.n, written.edge_raw, written.q_value
    from written
    left join public.learning_lessons former on former.id = written.id
    where written.status = 'active' and former.status is distinct from 'active'
    union all
    select 'lesson_deprecated', written.scope_subset, written.n, written.edge_raw, written.q_value
    from written
    join public.learning_lessons former on former.id = written.id
    where written.status = 'deprecated' and former.status = 'active'
    union all
    select 'lesson_deprecated', lapsed.scope_subset, lapsed.n, lapsed.edge_raw, lapsed.q_value from lapsed
  ),
  logged as (
    insert into public.learning_log (level, component, event, message, details)
    select 'INFO', case held.lesson_type when 'tuning_rates' then 'mine-tuning' else 'mine-lessons' end, changes.event,
      format('%s %s %s in %s: n=%s edge=%s q=%s', case changes.event when 'lesson_activated' then 'Active' else 'No longer active' end,
        held.pattern_key, held.action_category, changes.scope_subset, changes.n, round(changes.edge_raw::numeric, 4), changes.q_value),
      jsonb_build_object('pattern_key', held.pattern_key, 'action_category', held.action_category, 'scope_subset', changes.scope_subset,
        'n', changes.n, 'edge_raw', changes.edge_raw, 'q_value', changes.q_value)
    from changes
    where held.lesson_type <> 'tuning_rates'
    returning event
  )
  select jsonb_build_object(
    'written', (select count(*) from written), 'deprecated', (select count(*) from lapsed), 'deleted', (select count(*) from dropped),
    'snapshots', (select count(*) from snapshots), 'logged', (select count(*) from logged)
  )
  into outcome;

  perform learning.prune_edge_history(array(
    select lesson.id
    from public.learning_lessons lesson
    where lesson.module = held.module and lesson.pattern_key = held.pattern_key and lesson.action_category = held.action_category
      and lesson.first_active_at is not null
  ));

  update learning.mining_groups mined
  set mined_version = (held.run ->> 'evidence_version')::bigint - later.events, mined_cycle = (held.run ->> 'cycle')::bigint, mined_at = now(), mined_settings = held.run ->> 'settings',
    mined_baseline = (held.run #>> '{baseline,mean}')::float8, run = null, progress = null, lease_token = null, leased_until = null
  from (
    -- Events that came between the beginning of the cycle and that of the run are not in it and keep the group due.
    select exists (
      select from public.pattern_trade_events event
      where held.family = 'strength' and event.module = held.module and event.pattern_key = held.pattern_key
        and event.action_category = held.action_category and event.id > (held.run ->> 'last_event_id')::bigint
      union all
      select from public.pattern_episode_events episode
      where held.family = 'tuning' and episode.pattern_key = held.pattern_key and episode.id > (held.run ->> 'last_event_id')::bigint
    )::integer as events
  ) as later
  where mined.id = held.id;
  return outcome;
end
$$;
comment on function public.finish_mining_group(bigint, uuid, jsonb) is
  'Writes the lessons of a finished run all at once, drops what was no longer found and ends the lease. For the edge functions.';
