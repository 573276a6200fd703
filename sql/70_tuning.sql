-- Tuning: lessons about the entry gates, from the windows that episodes left, and what moved gates decided.

create table learning.tuning_groups (
  group_id bigint primary key references learning.mining_groups (id) on delete cascade,
  looks_back_to timestamptz,
  lessons_version bigint not null default 0,
  simulated_version bigint not null default 0,
  simulated_settings text,
  simulated_at timestamptz,
  run jsonb,
  lease_token uuid,
  leased_until timestamptz
);
alter table learning.tuning_groups enable row level security;
comment on table learning.tuning_groups is
  'Mined tuning groups: which windows their lessons rest on, which await simulation and who is at work.';
comment on column learning.tuning_groups.group_id is 'The group.';
comment on column learning.tuning_groups.looks_back_to is
  'Oldest time of the windows behind its lessons; null where there is none.';
comment on column learning.tuning_groups.lessons_version is
  'Grows when it was mined on changed evidence or settings.';
comment on column learning.tuning_groups.simulated_version is
  'Version of the lessons that was simulated last.';
comment on column learning.tuning_groups.simulated_settings is
  'Digest of the configuration it was simulated under.';
comment on column learning.tuning_groups.simulated_at is 'When it was simulated last.';
comment on column learning.tuning_groups.run is
  'What the simulation under way works with and the lesson it has got to, empty before its first claim; null '
  'between simulations.';
comment on column learning.tuning_groups.lease_token is 'Invocation that simulates the group.';
comment on column learning.tuning_groups.leased_until is 'When another invocation may take over.';

create function learning.tuning_lookback()
returns timestamptz
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  -- A window that a clock has put into the future must not move the look-back past all others; where there is
  -- none but such, it counts as now.
  select coalesce(
    (
      select max(episode.occurred_at) from public.pattern_episode_events episode
      where episode.outcome is not null and episode.occurred_at <= now()
        and episode.occurred_at > '-infinity'
    ),
    (select now() where exists (
      select from public.pattern_episode_events episode where episode.outcome is not null
    ))
  ) - make_interval(secs => (learning.config() #>> '{tuning,lookback_days}')::float8 * 86400);
$$;
comment on function learning.tuning_lookback() is
  'Oldest time that tuning looks at: so many days before the newest window with an outcome, of those that '
  'are neither in the future nor before all time; null where there is none.';

create function public.start_tuning()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  lookback timestamptz := learning.tuning_lookback();
begin
  -- Windows leave the look-back, and come back to it, without a change of their own.
  perform from learning.mining_groups mining_group
  where mining_group.family = 'tuning'
  order by mining_group.module, mining_group.pattern_key, mining_group.action_category
  for update;
  update learning.mining_groups mining_group
  set evidence_version = mining_group.evidence_version + 1
  from learning.tuning_groups tuning_group
  where tuning_group.group_id = mining_group.id
    and exists (
      select from public.pattern_episode_events episode
      where episode.pattern_key = mining_group.pattern_key and episode.outcome is not null
        and episode.occurred_at >= least(tuning_group.looks_back_to, lookback)
        and episode.occurred_at < greatest(tuning_group.looks_back_to, lookback)
    );
  return public.start_mining('tuning');
end
$$;
comment on function public.start_tuning() is
  'Begins a mining cycle of tuning and returns how many groups are due. For the edge functions.';

create function public.read_tuning_windows(
  p_group_id bigint,
  p_looks_back_to timestamptz default null,
  p_after jsonb default null,
  p_limit integer default 25000,
  p_gates boolean default false
)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  read_group learning.mining_groups;
  looks_back_to timestamptz := coalesce(p_looks_back_to, learning.tuning_lookback());
  code_bytes integer := case
    when (select max(scope_value.code) from learning.scope_values scope_value) >= 32768 then 4
    else 2
  end;
  packed_gates text := (
    select string_agg(learning.packing('float8', format('packed_row.gates[%s]', place)), ', ' order by place)
    from generate_series(1, 6) as place
  );
  packed jsonb;
begin
  select mining_group.* into read_group
  from learning.mining_groups mining_group
  where mining_group.id = p_group_id;
  execute format(
    $query$
      with packed_row as materialized (
        select episode.id, episode.occurred_at as place, least(episode.occurred_at, $7) as occurred_at,
          episode.scope_codes, episode.gates,
          (episode.decision = 'acted')::integer + 2 * (episode.outcome = 'success')::integer
            + 4 * (episode.outcome = 'failure')::integer
            + 8 * (not episode.blocked_by <@ array['ts', 'slope', 'halo'])::integer
            + 16 * learning.episode_half(episode.episode_id) as flags
        from public.pattern_episode_events episode
        where episode.pattern_key = $1 and episode.outcome is not null
          and episode.occurred_at >= $2
          and (episode.occurred_at, episode.id) > ($3, $4)
          and episode.id <= $5
        order by episode.occurred_at, episode.id
        limit $6
      )
      select jsonb_build_object(
        'rows', count(*)::integer,
        'next', case when count(*) = $6 then (
          select jsonb_build_object('occurred_at', newest_row.place, 'id', newest_row.id)
          from packed_row newest_row order by newest_row.place desc, newest_row.id desc limit 1
        ) end,
        'gates', %s,
        'dimensions', jsonb_build_object(%s),
        %s, %s
      )
      from packed_row
    $query$,
    case when p_gates then format('jsonb_build_array(%s)', packed_gates) else 'null::jsonb' end,
    learning.packed_codes(case code_bytes when 2 then 'smallint' else 'integer' end),
    learning.packed_columns('timestamptz', array['occurred_at']),
    learning.packed_columns('integer', array['flags'])
  )
  into packed
  using read_group.pattern_key, coalesce(looks_back_to, 'infinity'),
    coalesce((p_after ->> 'occurred_at')::timestamptz, '-infinity'), coalesce((p_after ->> 'id')::bigint, 0),
    coalesce((read_group.run ->> 'last_event_id')::bigint, 9223372036854775807), p_limit,
    coalesce((read_group.run ->> 'started_at')::timestamptz, now());
  return packed || jsonb_build_object('looks_back_to', looks_back_to, 'code_bytes', code_bytes);
end
$$;
comment on function public.read_tuning_windows(bigint, timestamptz, jsonb, integer, boolean) is
  'A tuning group''s windows with an outcome in packed columns, oldest first and none later than the run, in '
  'pieces: next is where the next one begins. For the edge functions.';

create function learning.log_tuning_lessons(p_pattern_key text, changes learning.lesson_change[])
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  with news as materialized (
    select change.event, lesson.id, lesson.scope_subset, lesson.n, lesson.stats
    from unnest(changes) as change
    join public.learning_lessons lesson on lesson.id = change.lesson_id
    where change.event is not null
  )
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'mine-tuning', news.event,
    format('%s %s tuning in %s: n=%s wr=%s fpr=%s mr=%s dr=%s',
      case news.event when 'lesson_activated' then 'Active' else 'No longer found' end,
      p_pattern_key, news.scope_subset, news.n, learning.rate(news.stats, 'wr'),
      learning.rate(news.stats, 'fpr'), learning.rate(news.stats, 'mr'), learning.rate(news.stats, 'dr')),
    jsonb_build_object('lesson_id', news.id, 'pattern_key', p_pattern_key, 'scope_subset', news.scope_subset,
      'n', news.n, 'stats', news.stats)
  from news
  where (select count(*) from news) <= 20
  union all
  select 'INFO', 'mine-tuning', 'lessons_changed',
    format('Lessons of %s tuning: %s became active, %s are no longer found', p_pattern_key,
      count(*) filter (where news.event = 'lesson_activated'),
      count(*) filter (where news.event = 'lesson_deprecated')),
    jsonb_build_object('pattern_key', p_pattern_key,
      'activated', count(*) filter (where news.event = 'lesson_activated'),
      'deprecated', count(*) filter (where news.event = 'lesson_deprecated'))
  from news
  having count(*) > 20;
$$;
comment on function learning.log_tuning_lessons(text, learning.lesson_change[]) is
  'Tells which tuning lessons became active and which are no longer found, in one line where there are many.';

create function public.finish_tuning_group(
  p_group_id bigint,
  p_lease_token uuid,
  p_lessons jsonb,
  p_looks_back_to timestamptz default null
)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  leased_group constant learning.mining_groups := learning.require_lease(p_group_id, p_lease_token);
  changes learning.lesson_change[];
  has_changed boolean;
begin
  changes := array(select change from learning.write_lessons(leased_group, p_lessons) as change);
  perform learning.end_run(leased_group);
  has_changed := (leased_group.run ->> 'evidence_version')::bigint > leased_group.mined_version
    or exists (select from unnest(changes) as change where change.outcome <> 'deleted');
  insert into learning.tuning_groups as tuning_group (group_id, looks_back_to, lessons_version)
  values (p_group_id, p_looks_back_to, 1)
  on conflict (group_id) do update set
    looks_back_to = excluded.looks_back_to,
    lessons_version = tuning_group.lessons_version
      + (has_changed or tuning_group.looks_back_to is distinct from excluded.looks_back_to)::integer;
  perform learning.log_tuning_lessons(leased_group.pattern_key, changes);
  return learning.count_outcomes(changes) || '{"snapshots": 0, "logged": 0}';
end
$$;
comment on function public.finish_tuning_group(bigint, uuid, jsonb, timestamptz) is
  'Writes the lessons of a finished tuning run all at once and notes whether they must be simulated. For the '
  'edge functions.';

create function learning.move_spells(override public.pm_overrides)
returns table (move float8, during tstzmultirange)
language plpgsql
stable
rows 2
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select coalesce(spell.value, 0),
    tstzmultirange(tstzrange(lag(spell.until) over (order by spell.until, spell.id), spell.until))
  from (
    select change.at as until, change.id, (change.old ->> 'value')::float8 as value
    from public.pm_override_history change
    where change.override_id = override.id and change.old ? 'value'
    union all
    select null, null, override.value
  ) as spell;
end
$$;
comment on function learning.move_spells(public.pm_overrides) is 'How far it moved its gate, and when.';

create function learning.gate_movers(p_pattern_key text)
returns table (
  id bigint, place integer, scope_subset jsonb, move float8, precedence float8[], watched boolean,
  since timestamptz, acted_in tstzmultirange, watched_in tstzmultirange
)
language plpgsql
stable
rows 50
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select override.id, array_position(learning.gate_levers(), override.action_category),
    override.scope_subset, spell.move,
    -- A gate is moved by the most specific override alone, of these the most confident, then the newest.
    array[(select count(*) from jsonb_object_keys(override.scope_subset)),
      learning.confidence_or_default(override.confidence_score), override.id]::float8[],
    override.enabled or own.broken, coalesce(override.evidence_from, override.first_active_at),
    own.acted_in * spell.during, case when own.broken then spell.during else own.acted_in * spell.during end
  from public.pm_overrides override
  cross join lateral learning.move_spells(override) as spell
  cross join lateral (
    select learning.has_broken_promise(override) as broken,
      learning.enabled_spans(override.id, override.enabled) as acted_in
  ) as own
  where override.override_type = 'pm_tuning' and override.pattern_key = p_pattern_key
    and override.action_category = any (learning.gate_levers());
end
$$;
comment on function learning.gate_movers(text) is
  'What moves gates of a behaviour, a row for each move of an override: what goes before what, whether and '
  'since when it is watched, while it acted, or did not because it broke its promise.';

create function learning.decided_windows(p_pattern_key text, after_override bigint)
returns table (override_id bigint, occurred_at timestamptz, window_id bigint, gain float8)
language plpgsql
stable
rows 1000
set search_path = pg_catalog, pg_temp
-- Thousands of rows of what is expected to have few would be compared with each other.
set enable_nestloop = off
set jit = off
as $$
begin
  return query
  with mover as materialized (select gate_mover.* from learning.gate_movers(p_pattern_key) as gate_mover),
  reach as materialized (
    select array[least(0, min(mover.move) filter (where mover.place = 1)),
        greatest(0, max(mover.move) filter (where mover.place = 2)),
        least(0, min(mover.move) filter (where mover.place = 3))] as loosest,
      array[greatest(0, max(mover.move) filter (where mover.place = 1)),
        least(0, min(mover.move) filter (where mover.place = 2)),
        greatest(0, max(mover.move) filter (where mover.place = 3))] as tightest,
      min(mover.since) filter (where mover.watched and mover.id > after_override) as earliest
    from mover
  ),
  near_window as materialized (
    select episode.id, least(episode.occurred_at, now()) as seen_at, episode.scope, episode.gates,
      episode.outcome = 'success' as succeeded
    from public.pattern_episode_events episode
    cross join reach
    where episode.pattern_key = p_pattern_key and episode.outcome in ('success', 'failure')
      and episode.occurred_at >= reach.earliest
      and (episode.decision = 'acted' or episode.blocked_by <@ array['ts', 'slope', 'halo'])
      -- What the loosest gates keep out, or the tightest let in, no move decides.
      and learning.gates_pass(episode.gates, reach.loosest)
      and not learning.gates_pass(episode.gates, reach.tightest)
  ),
  standing as materialized (
    select distinct on (near_window.id, mover.place) near_window.id, mover.place, mover.move, mover.precedence
    from near_window
    join mover on near_window.scope @> mover.scope_subset and mover.acted_in @> near_window.seen_at
    order by near_window.id, mover.place, mover.precedence desc
  ),
  stood as materialized (
    select near_window.id, array[
      coalesce(max(standing.move) filter (where standing.place = 1), 0),
      coalesce(max(standing.move) filter (where standing.place = 2), 0),
      coalesce(max(standing.move) filter (where standing.place = 3), 0)
    ] as moves
    from near_window
    left join standing using (id)
    group by near_window.id
  )
  select mover.id, near_window.seen_at, near_window.id,
    (with_it.pass = near_window.succeeded)::integer::float8
  from mover
  join near_window on near_window.scope @> mover.scope_subset and near_window.seen_at >= mover.since
    and mover.watched_in @> near_window.seen_at
  left join standing on standing.id = near_window.id and standing.place = mover.place
  join stood on stood.id = near_window.id
  cross join lateral (
    select learning.gates_pass(near_window.gates, stood.moves, mover.place, mover.move) as pass
  ) as with_it
  where mover.watched and mover.id > after_override
    and (standing.id is null or standing.precedence <= mover.precedence)
    and with_it.pass <> learning.gates_pass(near_window.gates, stood.moves, mover.place, 0);
end
$$;
comment on function learning.decided_windows(text, bigint) is
  'Windows that the move of an override alone let in or kept out, the other gates as they stood: gain is 1 '
  'where it caught a success or dropped a failure, 0 where it caught a failure or dropped a success.';
