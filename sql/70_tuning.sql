-- Tuning: lessons about the entry gates, from the windows that episodes left.

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
comment on table learning.tuning_groups is 'Mined tuning groups: which windows their lessons rest on, which await simulation and who is at work.';
comment on column learning.tuning_groups.group_id is 'The group.';
comment on column learning.tuning_groups.looks_back_to is 'Oldest time of the windows behind its lessons; null where there is none.';
comment on column learning.tuning_groups.lessons_version is 'Grows when it was mined on changed evidence or settings.';
comment on column learning.tuning_groups.simulated_version is 'Version of the lessons that was simulated last.';
comment on column learning.tuning_groups.simulated_settings is 'Digest of the configuration it was simulated under.';
comment on column learning.tuning_groups.simulated_at is 'When it was simulated last.';
comment on column learning.tuning_groups.run is 'What the simulation under way works with and the lesson it has got to, empty before its first claim; null between simulations.';
comment on column learning.tuning_groups.lease_token is 'Invocation that simulates the group.';
comment on column learning.tuning_groups.leased_until is 'When another invocation may take over.';

create function learning.tuning_lookback()
returns timestamptz
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select max(episode.occurred_at) - make_interval(secs => (learning.config() #>> '{tuning,lookback_days}')::float8 * 86400)
  from public.pattern_episode_events episode
  where episode.outcome is not null;
$$;
comment on function learning.tuning_lookback() is
  'Oldest time that tuning looks at: so many days before the newest window with an outcome; null where there is none.';

create function learning.episode_half(episode_id text)
returns integer
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select get_byte(decode(md5(episode_id), 'hex'), 0) & 1;
$$;
comment on function learning.episode_half(text) is 'Half that an episode belongs to: 0 chooses a move of the gates, 1 confirms it.';

create function learning.packed_codes(code_bytes integer)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(string_agg(format(
    '%L, learning.packed(string_agg(%s(coalesce(event.scope_codes[%s], 0)%s), ''''::bytea))', known.bit,
    case code_bytes when 2 then 'int2send' else 'int4send' end, known.bit + 1, case code_bytes when 2 then '::smallint' else '' end
  ), ', ' order by known.bit), '')
  from public.scope_dimensions known;
$$;
comment on function learning.packed_codes(integer) is
  'Arguments for jsonb_build_object that pack each dimension''s codes of rows named event in so many bytes each; one pass over the rows does them all.';

create function public.start_tuning()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  lookback timestamptz := learning.tuning_lookback();
begin
  -- Windows leave the look-back, and come back to it, without a change of their own.
  perform from learning.mining_groups held
  where held.family = 'tuning'
  order by held.module, held.pattern_key, held.action_category
  for update;
  update learning.mining_groups held
  set evidence_version = held.evidence_version + 1
  from learning.tuning_groups mined
  where mined.group_id = held.id
    and exists (
      select from public.pattern_episode_events episode
      where episode.pattern_key = held.pattern_key and episode.outcome is not null
        and episode.occurred_at >= least(mined.looks_back_to, lookback)
        and episode.occurred_at < greatest(mined.looks_back_to, lookback)
    );
  return public.start_mining('tuning');
end
$$;
comment on function public.start_tuning() is 'Begins a mining cycle of tuning and returns how many groups are due. For the edge functions.';

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
  held learning.mining_groups;
  looks_back_to timestamptz := coalesce(p_looks_back_to, learning.tuning_lookback());
  code_bytes integer := case when (select max(held_value.code) from learning.scope_values held_value) >= 32768 then 4 else 2 end;
  packed jsonb;
begin
  select known.* into held from learning.mining_groups known where known.id = p_group_id;
  execute format($query$
    with event as materialized (
      select episode.*
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
        select jsonb_build_object('occurred_at', newest.occurred_at, 'id', newest.id)
        from event newest order by newest.occurred_at desc, newest.id desc limit 1
      ) end,
      'occurred_at', learning.packed(string_agg(float8send(extract(epoch from event.occurred_at)::float8 * 1000), ''::bytea)),
      'flags', learning.packed(string_agg(int4send(
        (event.decision = 'acted')::integer + 2 * (event.outcome = 'success')::integer + 4 * (event.outcome = 'failure')::integer
        + 8 * (not event.blocked_by <@ array['ts', 'slope', 'halo'])::integer + 16 * learning.episode_half(event.episode_id)
      ), ''::bytea)),
      'gates', %s,
      'dimensions', jsonb_build_object(%s)
    )
    from event
  $query$, case when p_gates then (
      select format('jsonb_build_array(%s)', string_agg(format(
        'learning.packed(string_agg(float8send(coalesce(event.gates[%s], ''NaN'')), ''''::bytea))', place.number
      ), ', ' order by place.number))
      from generate_series(1, 6) as place(number)
    ) else 'null::jsonb' end, learning.packed_codes(code_bytes))
  into packed
  using held.pattern_key, coalesce(looks_back_to, 'infinity'), coalesce((p_after ->> 'occurred_at')::timestamptz, '-infinity'),
    coalesce((p_after ->> 'id')::bigint, 0),
    coalesce((held.run ->> 'last_event_id')::bigint, 9223372036854775807), p_limit;
  return packed || jsonb_build_object('looks_back_to', looks_back_to, 'code_bytes', code_bytes);
end
$$;
comment on function public.read_tuning_windows(bigint, timestamptz, jsonb, integer, boolean) is
  'A tuning group''s windows with an outcome in packed columns (base64 of big-endian values), oldest first, in pieces: next is where the next one begins. For the edge functions.';

create function public.finish_tuning_group(p_group_id bigint, p_lease_token uuid, p_lessons jsonb, p_looks_back_to timestamptz default null)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  held learning.mining_groups := learning.require_lease(p_group_id, p_lease_token);
  lapsed bigint[];
  outcome jsonb;
  has_changed boolean;
begin
  select array_agg(lesson.id) into lapsed
  from public.learning_lessons lesson
  where lesson.module = held.module and lesson.pattern_key = held.pattern_key and lesson.action_category = held.action_category
    and lesson.status = 'deprecated';
  outcome := public.finish_mining_group(p_group_id, p_lease_token, p_lessons);

  has_changed := (held.run ->> 'evidence_version')::bigint > held.mined_version or (outcome ->> 'written')::integer > 0
    or (outcome ->> 'deprecated')::integer > 0;
  insert into learning.tuning_groups as mined (group_id, looks_back_to, lessons_version)
  values (p_group_id, p_looks_back_to, 1)
  on conflict (group_id) do update set
    looks_back_to = excluded.looks_back_to,
    lessons_version = mined.lessons_version
      + (has_changed or mined.looks_back_to is distinct from excluded.looks_back_to)::integer;

  with changes as materialized (
    select case when lesson.status = 'active' then 'lesson_activated' else 'lesson_deprecated' end as event, lesson.id, lesson.scope_subset,
      lesson.n, lesson.stats
    from public.learning_lessons lesson
    where lesson.module = held.module and lesson.pattern_key = held.pattern_key and lesson.action_category = held.action_category
      and lesson.updated_at = now()
      and case lesson.status
        when 'active' then lesson.first_active_at = now() or lesson.id = any (lapsed)
        else lesson.id <> all (coalesce(lapsed, '{}'))
      end
  )
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'mine-tuning', changes.event,
    format('%s %s tuning in %s: n=%s wr=%s fpr=%s mr=%s dr=%s', case changes.event when 'lesson_activated' then 'Active' else 'No longer found' end,
      held.pattern_key, changes.scope_subset, changes.n, learning.rate(changes.stats, 'wr'), learning.rate(changes.stats, 'fpr'),
      learning.rate(changes.stats, 'mr'), learning.rate(changes.stats, 'dr')),
    jsonb_build_object('lesson_id', changes.id, 'pattern_key', held.pattern_key, 'scope_subset', changes.scope_subset, 'n', changes.n,
      'stats', changes.stats)
  from changes
  where (select count(*) from changes) <= 20
  union all
  select 'INFO', 'mine-tuning', 'lessons_changed',
    format('Lessons of %s tuning: %s became active, %s are no longer found', held.pattern_key,
      count(*) filter (where changes.event = 'lesson_activated'), count(*) filter (where changes.event = 'lesson_deprecated')),
    jsonb_build_object('pattern_key', held.pattern_key, 'activated', count(*) filter (where changes.event = 'lesson_activated'),
      'deprecated', count(*) filter (where changes.event = 'lesson_deprecated'))
  from changes
  having count(*) > 20;
  return outcome;
end
$$;
comment on function public.finish_tuning_group(bigint, uuid, jsonb, timestamptz) is
  'Writes the lessons of a finished tuning run all at once and notes whether they must be simulated. For the edge functions.';
