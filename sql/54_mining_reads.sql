-- Mining reads: a group's events in packed columns, and what earlier runs found.

create function public.read_mining_group(p_group_id bigint)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  read_group learning.mining_groups;
  packed jsonb;
begin
  select mining_group.* into read_group
  from learning.mining_groups mining_group
  where mining_group.id = p_group_id;
  execute format(
    $query$
      select jsonb_build_object('rows', count(*)::integer, %s, %s, %s, 'dimensions', jsonb_build_object(%s))
      from (
        select first_event.*
        from (
          select distinct on (event.trade_id) event.*
          from public.pattern_trade_events event
          where event.module = $1 and event.pattern_key = $2 and event.action_category = $3 and event.id <= $4
          order by event.trade_id, event.acted_at, event.action_strand_id collate "C"
        ) as first_event
        order by first_event.traded_at, first_event.trade_id collate "C"
      ) as packed_row
    $query$,
    learning.packed_columns('float8', array[
      'roi', 'rr', 'duration_hours', 'time_to_s3_hours', 'could_enter_better', 'could_exit_better'
    ]),
    learning.packed_columns('timestamptz', array['acted_at', 'traded_at']),
    learning.packed_columns('boolean', array['did_trim', 'reached_s3']),
    learning.packed_codes('integer')
  )
  into packed
  using read_group.module, read_group.pattern_key, read_group.action_category,
    (read_group.run ->> 'last_event_id')::bigint;
  return packed;
end
$$;
comment on function public.read_mining_group(bigint) is
  'A group''s trades in packed columns, one row per trade by its first action, oldest close first. For the '
  'edge functions.';

create function public.read_module_trades(p_module text)
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
        select distinct on (event.trade_id) event.roi, event.did_trim, event.reached_s3
        from public.pattern_trade_events event
        where event.module = $1
        order by event.trade_id
      ) as packed_row
    $query$,
    learning.packed_columns('float8', array['roi']),
    learning.packed_columns('boolean', array['did_trim', 'reached_s3'])
  )
  into packed
  using p_module;
  return packed;
end
$$;
comment on function public.read_module_trades(text) is
  'What posture is judged by, of every distinct trade of a module, in packed columns. For the edge '
  'functions.';

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
      jsonb_agg(snapshot.edge order by snapshot.ts) as edge
    from learning.mining_groups mining_group
    join public.learning_lessons lesson using (module, pattern_key, action_category)
    join public.learning_edge_history snapshot on snapshot.lesson_id = lesson.id
    where mining_group.id = p_group_id
    group by lesson.id, lesson.scope_subset
  ) as series;
$$;
comment on function public.read_edge_history(bigint) is
  'Earlier snapshots of the edges of a group''s lessons, oldest first. For the edge functions.';
