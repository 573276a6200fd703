-- Mining reads: a group's decisions in packed columns, and what earlier runs found.

create function public.read_category_decisions(p_module text, p_action_category text)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  packed jsonb;
begin
  execute format(
    $query$
      select jsonb_build_object(%s, %s)
      from (
        select decision.steering_roi, decision.did_trim, decision.reached_s3
        from (
          select group_decision.*
          from learning.group_decisions group_decision
          join learning.mining_groups mining_group on mining_group.id = group_decision.group_id
          where mining_group.module = $1 and mining_group.action_category = $2
          order by mining_group.pattern_key collate "C"
        ) as in_order
        cross join lateral unnest(
          in_order.outcome, in_order.steering_roi, in_order.did_trim, in_order.reached_s3
        ) as decision(outcome, steering_roi, did_trim, reached_s3)
        where decision.outcome is not null
      ) as packed_row
    $query$,
    learning.packed_columns('float8', array['steering_roi']),
    learning.packed_columns('boolean', array['did_trim', 'reached_s3'])
  )
  into packed
  using p_module, p_action_category;
  return packed;
end
$$;
comment on function public.read_category_decisions(text, text) is
  'What posture is judged by, of every decision of known outcome of a module and category when the cycle '
  'began, in packed columns. For the edge functions.';

create table learning.category_directions (
  module text not null,
  action_category text not null,
  cycle bigint not null,
  settings text not null,
  dir_a float8 not null,
  dir_e float8 not null,
  primary key (module, action_category)
);
alter table learning.category_directions enable row level security;
comment on table learning.category_directions is
  'Direction of all decisions of a module and category, measured once in a cycle for all of its groups.';
comment on column learning.category_directions.module is 'Who acted.';
comment on column learning.category_directions.action_category is 'Category of the decisions.';
comment on column learning.category_directions.cycle is 'Cycle that it was measured in.';
comment on column learning.category_directions.settings is
  'Digest of the configuration it was measured under.';
comment on column learning.category_directions.dir_a is 'Appetite to add.';
comment on column learning.category_directions.dir_e is 'Assertiveness to exit.';

create function public.read_own_direction(p_group_id bigint)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('dir_a', category_direction.dir_a, 'dir_e', category_direction.dir_e)
  from learning.mining_groups mining_group
  join learning.category_directions category_direction using (module, action_category)
  where mining_group.id = p_group_id
    and category_direction.cycle = (mining_group.run ->> 'cycle')::bigint
    and category_direction.settings = mining_group.run ->> 'settings';
$$;
comment on function public.read_own_direction(bigint) is
  'Direction of all decisions of a claimed group''s module and category, null until it is measured in its '
  'cycle. For the edge functions.';

create function public.save_own_direction(p_group_id bigint, p_dir_a float8, p_dir_e float8)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into learning.category_directions as category_direction (
    module, action_category, cycle, settings, dir_a, dir_e
  )
  select mining_group.module, mining_group.action_category, (mining_group.run ->> 'cycle')::bigint,
    mining_group.run ->> 'settings', p_dir_a, p_dir_e
  from learning.mining_groups mining_group
  where mining_group.id = p_group_id and mining_group.run ? 'cycle'
  on conflict (module, action_category) do update set
    cycle = excluded.cycle, settings = excluded.settings, dir_a = excluded.dir_a, dir_e = excluded.dir_e
  -- A run that is left from an earlier cycle takes nothing from those of this one.
  where category_direction.cycle <= excluded.cycle;
$$;
comment on function public.save_own_direction(bigint, float8, float8) is
  'Keeps the direction that was measured for a claimed group for the others of its module, category and '
  'cycle. For the edge functions.';

create table learning.category_days (
  module text not null,
  action_category text not null,
  cycle bigint not null,
  settings text not null,
  packed jsonb not null,
  primary key (module, action_category)
);
alter table learning.category_days enable row level security;
comment on table learning.category_days is
  'What a category''s decisions of one day were worth on average, measured once a cycle for all its groups.';
comment on column learning.category_days.module is 'Who acted.';
comment on column learning.category_days.action_category is 'Category of the decisions.';
comment on column learning.category_days.cycle is 'Cycle that it was measured in.';
comment on column learning.category_days.settings is 'Digest of the configuration it was measured under.';
comment on column learning.category_days.packed is 'Days and means in packed columns.';

create function learning.measure_category_days(read_group learning.mining_groups)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  lower_bound constant float8 := (read_group.run #>> '{baseline,lower_bound}')::float8;
  upper_bound constant float8 := (read_group.run #>> '{baseline,upper_bound}')::float8;
  started_at constant timestamptz := (read_group.run ->> 'started_at')::timestamptz;
  measured jsonb;
begin
  execute format(
    $query$
      select jsonb_build_object(%s, %s)
      from (
        select decision_day.day, avg(least(greatest(decision_day.outcome, $4), $5)) as mean
        from (
          select decision.outcome,
            floor(extract(epoch from least(decision.traded_at, $3)) / 86400)::integer as day
          from (
            -- So that the same decisions are summed to the same last digit wherever they are stored.
            select group_decision.outcome, group_decision.traded_at
            from learning.group_decisions group_decision
            join learning.mining_groups mining_group on mining_group.id = group_decision.group_id
            where mining_group.module = $1 and mining_group.action_category = $2
            order by mining_group.pattern_key collate "C"
          ) as in_order
          cross join lateral unnest(in_order.outcome, in_order.traded_at) as decision(outcome, traded_at)
          where decision.outcome is not null
        ) as decision_day
        group by decision_day.day
      ) as packed_row
    $query$,
    learning.packed_columns('integer', array['day']), learning.packed_columns('float8', array['mean'])
  )
  into measured
  using read_group.module, read_group.action_category, started_at, lower_bound, upper_bound;
  return measured;
end
$$;
comment on function learning.measure_category_days(learning.mining_groups) is
  'UTC days, counted from 1970-01-01, and the mean winsorised outcome of all decisions of a group''s module '
  'and category that closed on each, in packed columns.';

create function public.read_category_days(p_group_id bigint)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  read_group learning.mining_groups;
  known jsonb;
begin
  select mining_group.* into read_group
  from learning.mining_groups mining_group
  where mining_group.id = p_group_id;
  -- Without a run there is nothing to keep.
  if read_group.run ->> 'cycle' is null then
    return learning.measure_category_days(read_group);
  end if;
  for attempt in 1..2 loop
    select category_day.packed into known
    from learning.category_days category_day
    where category_day.module = read_group.module
      and category_day.action_category = read_group.action_category
      and category_day.cycle = (read_group.run ->> 'cycle')::bigint
      and category_day.settings = read_group.run ->> 'settings';
    exit when known is not null or attempt = 2;
    -- One measures, and the others wait for it.
    perform pg_advisory_xact_lock(
      hashtextextended('category days ' || read_group.module || ' ' || read_group.action_category, 0)
    );
  end loop;
  if known is null then
    known := learning.measure_category_days(read_group);
    insert into learning.category_days as category_day (module, action_category, cycle, settings, packed)
    values (read_group.module, read_group.action_category, (read_group.run ->> 'cycle')::bigint,
      read_group.run ->> 'settings', known)
    on conflict (module, action_category) do update set
      cycle = excluded.cycle, settings = excluded.settings, packed = excluded.packed
    -- A run that is left from an earlier cycle takes nothing from those of this one.
    where category_day.cycle <= excluded.cycle;
  end if;
  return known;
end
$$;
comment on function public.read_category_days(bigint) is
  'Mean winsorised outcomes by the UTC day of the close, of all decisions of a claimed group''s module and '
  'category, in packed columns. For the edge functions.';

create function public.read_mining_group(p_group_id bigint)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  read_group learning.mining_groups;
  config jsonb;
  packed jsonb;
begin
  select mining_group.* into read_group
  from learning.mining_groups mining_group
  where mining_group.id = p_group_id;
  config := coalesce(read_group.run -> 'config', learning.config());
  execute format(
    $query$
      select jsonb_build_object('rows', count(*)::integer, %s, %s, %s, 'dimensions', jsonb_build_object(%s))
      from (
        select first_event.%I as outcome, first_event.%I as steering_roi, first_event.duration_hours,
          first_event.time_to_s3_hours, first_event.could_enter_better, first_event.could_exit_better,
          first_event.did_trim, first_event.reached_s3, first_event.scope_codes,
          least(first_event.acted_at, $5) as acted_at, least(first_event.traded_at, $5) as traded_at
        from (
          select distinct on (event.trade_id) event.*
          from public.pattern_trade_events event
          where event.module = $1 and event.pattern_key = $2 and event.action_category = $3 and event.id <= $4
          order by event.trade_id, event.acted_at, event.action_strand_id collate "C"
        ) as first_event
        where first_event.%I is not null
        order by first_event.traded_at, first_event.trade_id collate "C"
      ) as packed_row
    $query$,
    learning.packed_columns('float8', array[
      'outcome', 'steering_roi', 'duration_hours', 'time_to_s3_hours', 'could_enter_better',
      'could_exit_better'
    ]),
    learning.packed_columns('timestamptz', array['acted_at', 'traded_at']),
    learning.packed_columns('boolean', array['did_trim', 'reached_s3']),
    learning.packed_codes('integer'),
    learning.outcome_column(read_group.action_category, config),
    learning.steering_column(read_group.action_category, config),
    learning.outcome_column(read_group.action_category, config)
  )
  into packed
  using read_group.module, read_group.pattern_key, read_group.action_category,
    (read_group.run ->> 'last_event_id')::bigint,
    coalesce((read_group.run ->> 'started_at')::timestamptz, now());
  return packed || jsonb_build_object(
    'own_direction', public.read_own_direction(p_group_id),
    'category_days', public.read_category_days(p_group_id)
  );
end
$$;
comment on function public.read_mining_group(bigint) is
  'A group''s decisions of known outcome in packed columns, one row per trade by its first action, oldest '
  'close first and no time later than the run: the outcome by which they are judged, and the return that '
  'directions follow. With them what all groups of the module and category share: their direction, null '
  'until it is measured in the cycle, and their days. For the edge functions.';

create function public.read_edge_history(p_group_id bigint)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(
    jsonb_build_object('scope_subset', series.scope_subset, 'ts', series.ts, 'edge', series.edge)
  ), '[]'::jsonb)
  from (
    select lesson.scope_subset,
      jsonb_agg(extract(epoch from snapshot.ts)::float8 * 1000 order by snapshot.ts) as ts,
      jsonb_agg(snapshot.edge * snapshot.scale order by snapshot.ts) as edge
    from learning.mining_groups mining_group
    join public.learning_lessons lesson using (module, pattern_key, action_category)
    join public.learning_edge_history snapshot on snapshot.lesson_id = lesson.id
    where mining_group.id = p_group_id
    group by lesson.id, lesson.scope_subset
  ) as series;
$$;
comment on function public.read_edge_history(bigint) is
  'Earlier snapshots of the edges of a group''s lessons in the unit of the outcome, oldest first. For the '
  'edge functions.';
