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
comment on table learning.tuning_simulations is
  'What moving the gates would have changed for each tuning lesson, and why its gates are moved or not.';
comment on column learning.tuning_simulations.lesson_id is 'The lesson.';
comment on column learning.tuning_simulations.verdict is
  'move where one is good enough; else nothing to gain, too little gain, too low a ratio, or refuted by the '
  'other half of the episodes (confirmation).';
comment on column learning.tuning_simulations.tested is 'Combinations looked at.';
comment on column learning.tuning_simulations.skipped is
  'Combinations that could not have helped; with those looked at, 124.';
comment on column learning.tuning_simulations.moves is
  'Of the best move: by lever, value (the change) and multiplier (new by old at the median threshold, null '
  'where that is not positive).';
comment on column learning.tuning_simulations.confidence is
  'Share of gain in gain and cost, on the windows that speak for the move.';
comment on column learning.tuning_simulations.p_value is
  'One-sided p value that the move does more good than harm; 1 where there is no move, null with '
  'confirmation off.';
comment on column learning.tuning_simulations.admitted is
  'Whether the p value stood up among all lessons; null until that was judged, and where there is no move.';
comment on column learning.tuning_simulations.summary is 'The result for a person to read.';
comment on column learning.tuning_simulations.details is 'The counts behind it.';
comment on column learning.tuning_simulations.simulated_at is 'When the result last changed.';

create function learning.tuning_settings_digest()
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select md5((learning.config() -> 'tuning')::text);
$$;
comment on function learning.tuning_settings_digest() is
  'Digest of the configuration that simulation depends on.';

create function public.claim_tuning_simulation()
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  claimed learning.tuning_groups;
begin
  -- Due groups are marked, so that the sweep finds those that no invocation came to.
  update learning.tuning_groups tuning_group
  set run = '{}'::jsonb
  where tuning_group.group_id in (
    select due_tuning_group.group_id
    from learning.tuning_groups due_tuning_group
    where due_tuning_group.run is null
      and (due_tuning_group.lessons_version > due_tuning_group.simulated_version
        or due_tuning_group.simulated_settings
          is distinct from (select learning.tuning_settings_digest()))
    -- Another invocation that holds one of them marks it itself.
    for update skip locked
  );
  select tuning_group.* into claimed
  from learning.tuning_groups tuning_group
  where tuning_group.run is not null and learning.is_leased(tuning_group.leased_until) is not true
  -- One that failed comes last, so that it does not hold back the others.
  order by tuning_group.leased_until nulls first, tuning_group.group_id
  limit 1
  for update skip locked;
  if claimed.group_id is null then
    return null;
  end if;
  update learning.tuning_groups tuning_group
  set lease_token = gen_random_uuid(), leased_until = learning.lease_end(),
    run = coalesce(nullif(tuning_group.run, '{}'::jsonb), jsonb_build_object(
      'lessons_version', tuning_group.lessons_version, 'settings', learning.tuning_settings_digest(),
      'tuning', learning.config() -> 'tuning', 'after', 0
    ))
  where tuning_group.group_id = claimed.group_id
  returning tuning_group.* into claimed;
  return jsonb_build_object(
    'group_id', claimed.group_id, 'lease_token', claimed.lease_token,
    'pattern_key', (
      select mining_group.pattern_key
      from learning.mining_groups mining_group
      where mining_group.id = claimed.group_id
    ),
    'looks_back_to', claimed.looks_back_to, 'tuning', claimed.run -> 'tuning',
    'after', claimed.run -> 'after', 'dimensions', learning.registered_dimensions()
  );
end
$$;
comment on function public.claim_tuning_simulation() is
  'Leases one group whose lessons or configuration changed since it was simulated, with the lesson to go on '
  'after; null where none is left. For the edge functions.';

create function learning.require_simulation_lease(p_group_id bigint, p_lease_token uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from learning.tuning_groups tuning_group
  where tuning_group.group_id = p_group_id and tuning_group.lease_token = p_lease_token
  for update;
  if not found then
    perform learning.refuse_lost_lease(p_lease_token, format('the simulation of group %s', p_group_id));
  end if;
end
$$;
comment on function learning.require_simulation_lease(bigint, uuid) is
  'An error where the lease on the simulation of a group passed on.';

create function public.read_tuning_lessons(p_group_id bigint, p_after bigint, p_limit integer default 5000)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(
    jsonb_build_object('id', batch.id, 'scope_subset', batch.scope_subset, 'dr', batch.stats -> 'dr')
    order by batch.id
  ), '[]'::jsonb)
  from (
    select lesson.id, lesson.scope_subset, lesson.stats
    from learning.mining_groups mining_group
    join public.learning_lessons lesson using (module, pattern_key, action_category)
    where mining_group.id = p_group_id and lesson.status = 'active' and lesson.id > p_after
    order by lesson.id
    limit p_limit
  ) as batch;
$$;
comment on function public.read_tuning_lessons(bigint, bigint, integer) is
  'The next active lessons of a tuning group, by id. For the edge functions.';

create function learning.write_simulations(results jsonb)
returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  otherwise_moved bigint[];
begin
  with written as (
    insert into learning.tuning_simulations as simulation (
      lesson_id, verdict, tested, skipped, moves, confidence, p_value, summary, details
    )
    select result.lesson_id, result.verdict, result.tested, result.skipped, result.moves, result.confidence,
      result.p_value, result.summary, result.details
    from jsonb_to_recordset(results) as result(
      lesson_id bigint, verdict text, tested integer, skipped integer, moves jsonb, confidence float8,
      p_value float8, summary text, details jsonb
    )
    -- A lesson that was dropped under way has nothing to say any more.
    join public.learning_lessons lesson on lesson.id = result.lesson_id
    on conflict (lesson_id) do update set
      verdict = excluded.verdict, tested = excluded.tested, skipped = excluded.skipped,
      moves = excluded.moves, confidence = excluded.confidence, p_value = excluded.p_value,
      summary = excluded.summary, details = excluded.details, simulated_at = now(),
      admitted = case
        when (simulation.verdict, simulation.moves) = (excluded.verdict, excluded.moves)
          then simulation.admitted
      end
    where (simulation.verdict, simulation.tested, simulation.skipped, simulation.moves, simulation.confidence,
        simulation.p_value, simulation.summary, simulation.details)
      is distinct from (excluded.verdict, excluded.tested, excluded.skipped, excluded.moves,
        excluded.confidence, excluded.p_value, excluded.summary, excluded.details)
    returning simulation.lesson_id, simulation.verdict, simulation.moves
  )
  select coalesce(array_agg(written.lesson_id order by written.lesson_id), '{}') into otherwise_moved
  from written
  -- The row as it was before this statement, which is all that its other parts see.
  left join learning.tuning_simulations former_simulation on former_simulation.lesson_id = written.lesson_id
  where (former_simulation.verdict, former_simulation.moves)
    is distinct from (written.verdict, written.moves);
  return otherwise_moved;
end
$$;
comment on function learning.write_simulations(jsonb) is
  'Writes down the results of simulated lessons as far as they changed; returns the lessons whose gates '
  'would now be moved otherwise.';

create function learning.log_simulations(p_pattern_key text, lesson_ids bigint[])
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  with news as materialized (
    select simulation.*, lesson.scope_subset
    from learning.tuning_simulations simulation
    join public.learning_lessons lesson on lesson.id = simulation.lesson_id
    where simulation.lesson_id = any (lesson_ids)
    order by simulation.lesson_id
  ),
  verdicts as (
    select news.verdict, count(*) as lessons from news group by news.verdict
  )
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'materialize-overrides', 'lesson_simulated',
    format('Simulated %s in %s: tested=%s skipped=%s, %s', p_pattern_key, news.scope_subset, news.tested,
      news.skipped, news.summary),
    jsonb_build_object('lesson_id', news.lesson_id, 'pattern_key', p_pattern_key,
      'scope_subset', news.scope_subset, 'verdict', news.verdict, 'tested', news.tested,
      'skipped', news.skipped, 'moves', news.moves) || news.details
  from news
  where (select count(*) from news) <= 20
  union all
  select 'INFO', 'materialize-overrides', 'lessons_simulated',
    format('Simulated %s lessons of %s with a new result: %s', count(*), p_pattern_key,
      (select string_agg(format('%s %s', verdicts.verdict, verdicts.lessons), ', ' order by verdicts.verdict)
        from verdicts)),
    jsonb_build_object('pattern_key', p_pattern_key, 'lessons', count(*), 'tested', sum(news.tested),
      'skipped', sum(news.skipped),
      'verdicts', (select jsonb_object_agg(verdicts.verdict, verdicts.lessons) from verdicts))
  from news
  having count(*) > 20;
$$;
comment on function learning.log_simulations(text, bigint[]) is
  'Tells what the simulation of lessons resulted in, in one line where there are many.';

create function public.save_tuning_simulations(
  p_group_id bigint,
  p_lease_token uuid,
  p_results jsonb,
  p_after bigint,
  p_state text
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_state is null or p_state not in ('under way', 'paused', 'finished') then
    raise exception using
      errcode = '22023',
      message = format('Simulation cannot be %L', p_state),
      hint = 'Say under way, paused or finished.';
  end if;
  perform learning.require_simulation_lease(p_group_id, p_lease_token);
  perform learning.log_simulations(mining_group.pattern_key, learning.write_simulations(p_results))
  from learning.mining_groups mining_group
  where mining_group.id = p_group_id;
  if p_state = 'finished' then
    update learning.tuning_groups tuning_group
    set simulated_version = (tuning_group.run ->> 'lessons_version')::bigint,
      simulated_settings = tuning_group.run ->> 'settings', simulated_at = now(),
      run = null, lease_token = null, leased_until = null
    where tuning_group.group_id = p_group_id;
  else
    update learning.tuning_groups tuning_group
    set run = tuning_group.run || jsonb_build_object('after', p_after),
      lease_token = case p_state when 'under way' then tuning_group.lease_token end,
      leased_until = case p_state when 'under way' then learning.lease_end() end
    where tuning_group.group_id = p_group_id;
  end if;
end
$$;
comment on function public.save_tuning_simulations(bigint, uuid, jsonb, bigint, text) is
  'Writes down simulated lessons and the last one of them; p_state is under way, paused (another invocation '
  'may go on) or finished. For the edge functions.';

create function public.read_tuning_p_values()
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'lessons', count(*),
    'p_values', learning.packed(
      string_agg(float8send(simulation.p_value), ''::bytea) filter (where simulation.p_value < 1)
    )
  )
  from learning.tuning_simulations simulation
  join public.learning_lessons lesson on lesson.id = simulation.lesson_id and lesson.status = 'active';
$$;
comment on function public.read_tuning_p_values() is
  'How many tuning lessons are simulated, and the p values of those with one below 1, packed. For the edge '
  'functions.';

create function learning.live_windows(p_pattern_key text, after_override bigint)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with watched as materialized (
    select override.*
    from public.pm_overrides override
    where override.override_type = 'pm_tuning' and override.pattern_key = p_pattern_key
      and override.action_category = any (learning.gate_levers()) and override.id > after_override
      and (override.enabled or learning.has_broken_promise(override))
    order by override.id
    limit 500
  ),
  lived as materialized (
    select decided.override_id, count(*) as rows, jsonb_build_object(
      'outcome', learning.packed(
        string_agg(float8send(decided.gain), ''::bytea order by decided.occurred_at, decided.window_id)
      ),
      'acted_at', learning.packed(
        string_agg(float8send(extract(epoch from decided.occurred_at)::float8 * 1000), ''::bytea
          order by decided.occurred_at, decided.window_id)
      )
    ) as columns
    from learning.decided_windows(p_pattern_key, after_override) as decided
    group by decided.override_id
  )
  select jsonb_build_object(
    'last_override', case when count(*) = 500 then max(watched.id) end,
    'rows', coalesce(sum(lived.rows), 0)::integer,
    'overrides', coalesce(jsonb_agg(jsonb_build_object('id', watched.id, 'promised', watched.promised,
      'baseline', watched.baseline, 'sigma', watched.baseline_sigma,
      'broken', learning.has_broken_promise(watched),
      'decisions', coalesce(lived.columns, '{"outcome": "", "acted_at": ""}')) order by watched.id), '[]')
  )
  from watched
  left join lived on lived.override_id = watched.id;
$$;
comment on function learning.live_windows(text, bigint) is
  'The next overrides of a behaviour that move a gate or broke their promise, with the windows that each '
  'alone decided, packed: their outcome is 1 for a gain and 0 for a cost.';
