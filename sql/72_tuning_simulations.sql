-- Tuning simulations: what moving the gates would have changed, and whether it stands up.

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

create function learning.tuning_settings()
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select md5((learning.config() -> 'tuning')::text);
$$;
comment on function learning.tuning_settings() is 'Digest of the configuration that simulation depends on.';

create function public.claim_tuning_simulation()
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
