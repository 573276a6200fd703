-- Tuning: lessons about the entry gates, what moving the gates would have changed, and the overrides that follow.

create trigger log_episodes after insert on learning.mining_groups
for each statement execute function learning.log_episodes();
comment on trigger log_episodes on learning.mining_groups is
  'A batch of strands ends by marking the groups it changed; that is when it is known how much there is to say about its episodes.';

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

create table learning.tuning_simulations (
  lesson_id bigint primary key references public.learning_lessons (id) on delete cascade,
  verdict text not null check (verdict in ('move', 'nothing', 'gain', 'ratio', 'confirmation')),
  tested integer not null,
  skipped integer not null,
  moves jsonb not null,
  confidence float8,
  p_value float8,
  admitted boolean,
  summary text not null,
  details jsonb not null,
  simulated_at timestamptz not null default now()
);
create index tuning_simulations_p_value_idx on learning.tuning_simulations (p_value) where p_value < 1;
alter table learning.tuning_simulations enable row level security;
comment on table learning.tuning_simulations is 'What moving the gates would have changed for each tuning lesson, and why its gates are moved or not.';
comment on column learning.tuning_simulations.lesson_id is 'The lesson.';
comment on column learning.tuning_simulations.verdict is
  'move where one is good enough; else nothing to gain, too little gain, too low a ratio, or refuted by the other half of the episodes (confirmation).';
comment on column learning.tuning_simulations.tested is 'Combinations looked at.';
comment on column learning.tuning_simulations.skipped is 'Combinations that could not have helped; with those looked at, 124.';
comment on column learning.tuning_simulations.moves is 'Of the best move: by lever, value (the change) and multiplier (new by old at the median threshold, null where that is not positive).';
comment on column learning.tuning_simulations.confidence is 'Share of gain in gain and cost, on the windows that speak for the move.';
comment on column learning.tuning_simulations.p_value is 'One-sided p value that the move does more good than harm; 1 where there is no move, null with confirmation off.';
comment on column learning.tuning_simulations.admitted is 'Whether the p value stood up among all lessons; null until that was judged, and where there is no move.';
comment on column learning.tuning_simulations.summary is 'The result for a person to read.';
comment on column learning.tuning_simulations.details is 'The counts behind it.';
comment on column learning.tuning_simulations.simulated_at is 'When the result last changed.';

create function learning.tuning_lookback()
returns timestamptz
language sql
stable
set search_path = ''
as $$
  select max(episode.occurred_at) - make_interval(secs => (learning.config() #>> '{tuning,lookback_days}')::float8 * 86400)
  from public.pattern_episode_events episode
  where episode.outcome is not null;
$$;
comment on function learning.tuning_lookback() is
  'Oldest time that tuning looks at: so many days before the newest window with an outcome; null where there is none.';

create function learning.tuning_settings()
returns text
language sql
stable
set search_path = ''
as $$
  select md5((learning.config() -> 'tuning')::text);
$$;
comment on function learning.tuning_settings() is 'Digest of the configuration that simulation depends on.';

create function learning.episode_half(episode_id text)
returns integer
language sql
immutable
set search_path = ''
as $$
  select get_byte(decode(md5(episode_id), 'hex'), 0) & 1;
$$;
comment on function learning.episode_half(text) is 'Half that an episode belongs to: 0 chooses a move of the gates, 1 confirms it.';

create function learning.rate(stats jsonb, key text)
returns text
language sql
immutable
set search_path = ''
as $$
  select coalesce(round((stats ->> key)::numeric, 3)::text, 'none');
$$;
comment on function learning.rate(jsonb, text) is 'A rate for a person to read.';

create function learning.short(number float8)
returns text
language sql
immutable
set search_path = ''
as $$
  select case when number = 0 or abs(number) >= 0.0001 then number::numeric(30, 6)::float8::text else btrim(to_char(number, '9.9EEEE')) end;
$$;
comment on function learning.short(float8) is 'A small number for a person to read.';

create function learning.packed_codes(code_bytes integer)
returns text
language sql
stable
set search_path = ''
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
set search_path = ''
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
set search_path = ''
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
set search_path = ''
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

create function public.claim_tuning_simulation()
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  claimed learning.tuning_groups;
  claimed_key text;
begin
  -- Due groups are marked, so that the sweep finds those that no invocation came to.
  update learning.tuning_groups mined
  set run = '{}'::jsonb
  where mined.group_id in (
    select due.group_id
    from learning.tuning_groups due
    where due.run is null
      and (due.lessons_version > due.simulated_version or due.simulated_settings is distinct from (select learning.tuning_settings()))
    -- Another invocation that holds one of them marks it itself.
    for update skip locked
  );
  select mined.* into claimed
  from learning.tuning_groups mined
  where mined.run is not null and (mined.leased_until is null or mined.leased_until < clock_timestamp())
  -- One that failed comes last, so that it does not hold back the others.
  order by mined.leased_until nulls first, mined.group_id
  limit 1
  for update skip locked;
  if claimed.group_id is null then
    return null;
  end if;
  update learning.tuning_groups mined
  set lease_token = gen_random_uuid(), leased_until = clock_timestamp() + interval '60 seconds',
    run = coalesce(nullif(mined.run, '{}'::jsonb), jsonb_build_object(
      'lessons_version', mined.lessons_version, 'settings', learning.tuning_settings(), 'tuning', learning.config() -> 'tuning', 'after', 0))
  where mined.group_id = claimed.group_id
  returning mined.* into claimed;
  select held.pattern_key into claimed_key from learning.mining_groups held where held.id = claimed.group_id;
  return jsonb_build_object(
    'group_id', claimed.group_id, 'lease_token', claimed.lease_token, 'pattern_key', claimed_key, 'looks_back_to', claimed.looks_back_to,
    'tuning', claimed.run -> 'tuning', 'after', claimed.run -> 'after', 'dimensions', (
      select jsonb_agg(jsonb_build_object('bit', known.bit, 'dim', known.dim) order by known.bit) from public.scope_dimensions known
    )
  );
end
$$;
comment on function public.claim_tuning_simulation() is
  'Leases one group whose lessons or configuration changed since it was simulated, with the lesson to go on after; null where none is left. For the edge functions.';

create function public.read_tuning_lessons(p_group_id bigint, p_after bigint, p_limit integer default 5000)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_agg(jsonb_build_object('id', batch.id, 'scope_subset', batch.scope_subset, 'dr', batch.stats -> 'dr') order by batch.id),
    '[]'::jsonb)
  from (
    select lesson.id, lesson.scope_subset, lesson.stats
    from learning.mining_groups held
    join public.learning_lessons lesson using (module, pattern_key, action_category)
    where held.id = p_group_id and lesson.status = 'active' and lesson.id > p_after
    order by lesson.id
    limit p_limit
  ) as batch;
$$;
comment on function public.read_tuning_lessons(bigint, bigint, integer) is 'The next active lessons of a tuning group, by id. For the edge functions.';

create function public.save_tuning_simulations(p_group_id bigint, p_lease_token uuid, p_results jsonb, p_after bigint, p_state text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  held record;
begin
  if p_state is null or p_state not in ('under way', 'paused', 'finished') then
    raise exception using
      errcode = '22023',
      message = format('Simulation cannot be %L', p_state),
      hint = 'Say under way, paused or finished.';
  end if;
  select mined.group_id, mining.pattern_key into held
  from learning.tuning_groups mined
  join learning.mining_groups mining on mining.id = mined.group_id
  where mined.group_id = p_group_id and mined.lease_token = p_lease_token
  for update of mined;
  if held.group_id is null then
    raise exception using
      errcode = '55P03',
      message = format('Lease %s on the simulation of group %s is no longer held', p_lease_token, p_group_id),
      hint = 'Another invocation took the group over; stop and claim another one.';
  end if;

  with result as materialized (
    select given.*, lesson.scope_subset
    from jsonb_to_recordset(p_results) as given(
      lesson_id bigint, verdict text, tested integer, skipped integer, moves jsonb, confidence float8, p_value float8, summary text,
      details jsonb
    )
    -- A lesson that was dropped under way has nothing to say any more.
    join public.learning_lessons lesson on lesson.id = given.lesson_id
  ),
  former as materialized (
    select simulation.lesson_id, simulation.verdict, simulation.moves
    from learning.tuning_simulations simulation
    join result on result.lesson_id = simulation.lesson_id
  ),
  written as (
    insert into learning.tuning_simulations as simulation (
      lesson_id, verdict, tested, skipped, moves, confidence, p_value, summary, details
    )
    select result.lesson_id, result.verdict, result.tested, result.skipped, result.moves, result.confidence, result.p_value, result.summary,
      result.details
    from result
    on conflict (lesson_id) do update set
      verdict = excluded.verdict, tested = excluded.tested, skipped = excluded.skipped, moves = excluded.moves,
      confidence = excluded.confidence, p_value = excluded.p_value, summary = excluded.summary, details = excluded.details,
      simulated_at = now(),
      admitted = case when (simulation.verdict, simulation.moves) = (excluded.verdict, excluded.moves) then simulation.admitted end
    where (simulation.verdict, simulation.tested, simulation.skipped, simulation.moves, simulation.confidence, simulation.p_value,
        simulation.summary, simulation.details)
      is distinct from (excluded.verdict, excluded.tested, excluded.skipped, excluded.moves, excluded.confidence, excluded.p_value,
        excluded.summary, excluded.details)
    returning simulation.*
  ),
  -- What a person would want to read of: lessons whose gates would now be moved otherwise.
  changes as materialized (
    select written.*, result.scope_subset
    from written
    join result on result.lesson_id = written.lesson_id
    left join former on former.lesson_id = written.lesson_id
    where (former.verdict, former.moves) is distinct from (written.verdict, written.moves)
  )
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'materialize-overrides', 'lesson_simulated',
    format('Simulated %s in %s: tested=%s skipped=%s, %s', held.pattern_key, changes.scope_subset, changes.tested, changes.skipped,
      changes.summary),
    jsonb_build_object('lesson_id', changes.lesson_id, 'pattern_key', held.pattern_key, 'scope_subset', changes.scope_subset,
      'verdict', changes.verdict, 'tested', changes.tested, 'skipped', changes.skipped, 'moves', changes.moves) || changes.details
  from changes
  where (select count(*) from changes) <= 20
  union all
  select 'INFO', 'materialize-overrides', 'lessons_simulated',
    format('Simulated %s lessons of %s with a new result: %s', count(*), held.pattern_key, (
      select string_agg(format('%s %s', counted.verdict, counted.lessons), ', ' order by counted.verdict)
      from (select other.verdict, count(*) as lessons from changes other group by other.verdict) as counted
    )),
    jsonb_build_object('pattern_key', held.pattern_key, 'lessons', count(*), 'tested', sum(changes.tested), 'skipped', sum(changes.skipped),
      'verdicts', (
        select jsonb_object_agg(counted.verdict, counted.lessons)
        from (select other.verdict, count(*) as lessons from changes other group by other.verdict) as counted
      ))
  from changes
  having count(*) > 20;

  update learning.tuning_groups mined
  set simulated_version = case p_state when 'finished' then (mined.run ->> 'lessons_version')::bigint else mined.simulated_version end,
    simulated_settings = case p_state when 'finished' then mined.run ->> 'settings' else mined.simulated_settings end,
    simulated_at = case p_state when 'finished' then now() else mined.simulated_at end,
    run = case when p_state <> 'finished' then mined.run || jsonb_build_object('after', p_after) end,
    lease_token = case p_state when 'under way' then mined.lease_token end,
    leased_until = case p_state when 'under way' then clock_timestamp() + interval '60 seconds' end
  where mined.group_id = p_group_id;
end
$$;
comment on function public.save_tuning_simulations(bigint, uuid, jsonb, bigint, text) is
  'Writes down simulated lessons and the last one of them; p_state is under way, paused (another invocation may go on) or finished. For the edge functions.';

create function public.read_tuning_p_values()
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'lessons', count(*),
    'p_values', learning.packed(string_agg(float8send(simulation.p_value), ''::bytea) filter (where simulation.p_value < 1))
  )
  from learning.tuning_simulations simulation
  join public.learning_lessons lesson on lesson.id = simulation.lesson_id and lesson.status = 'active';
$$;
comment on function public.read_tuning_p_values() is
  'How many tuning lessons are simulated, and the p values of those with one below 1, packed. For the edge functions.';

create function public.reconcile_tuning_overrides(
  p_after bigint default 0,
  p_limit integer default 500,
  p_largest_p_value float8 default null,
  p_lessons integer default 0
)
returns jsonb
language plpgsql
set search_path = ''
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
