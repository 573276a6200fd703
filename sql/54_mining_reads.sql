-- Mining reads: a group's events in packed columns, which is what crosses the wire.

create function learning.packed(chunks bytea)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select replace(encode(coalesce(chunks, ''::bytea), 'base64'), E'\n', '');
$$;
comment on function learning.packed(bytea) is 'Bytes as one line of base64.';

create function learning.packed_dimensions()
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(string_agg(format(
    '%L, learning.packed(string_agg(int4send(coalesce(event.scope_codes[%s], 0)), ''''::bytea))', known.bit, known.bit + 1
  ), ', ' order by known.bit), '')
  from public.scope_dimensions known;
$$;
comment on function learning.packed_dimensions() is
  'Arguments for jsonb_build_object that pack each dimension''s codes of rows named event; one pass over the rows does them all.';

create function public.read_mining_group(p_group_id bigint)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  held learning.mining_groups;
  packed jsonb;
begin
  select known.* into held from learning.mining_groups known where known.id = p_group_id;
  execute format($query$
    select jsonb_build_object(
      'rows', count(*)::integer,
      'roi', learning.packed(string_agg(float8send(event.roi), ''::bytea)),
      'rr', learning.packed(string_agg(float8send(event.rr), ''::bytea)),
      'acted_at', learning.packed(string_agg(float8send(extract(epoch from event.acted_at)::float8 * 1000), ''::bytea)),
      'traded_at', learning.packed(string_agg(float8send(extract(epoch from event.traded_at)::float8 * 1000), ''::bytea)),
      'duration_hours', learning.packed(string_agg(float8send(event.duration_hours), ''::bytea)),
      'time_to_s3_hours', learning.packed(string_agg(float8send(coalesce(event.time_to_s3_hours, 'NaN')), ''::bytea)),
      'could_enter_better', learning.packed(string_agg(float8send(coalesce(event.could_enter_better, 'NaN')), ''::bytea)),
      'could_exit_better', learning.packed(string_agg(float8send(coalesce(event.could_exit_better, 'NaN')), ''::bytea)),
      'did_trim', learning.packed(string_agg(int4send(event.did_trim::integer), ''::bytea)),
      'reached_s3', learning.packed(string_agg(int4send(event.reached_s3::integer), ''::bytea)),
      'dimensions', jsonb_build_object(%s)
    )
    from (
      select first_action.*
      from (
        select distinct on (action.trade_id) action.*
        from public.pattern_trade_events action
        where action.module = $1 and action.pattern_key = $2 and action.action_category = $3 and action.id <= $4
        order by action.trade_id, action.acted_at, action.action_strand_id collate "C"
      ) as first_action
      order by first_action.traded_at, first_action.trade_id collate "C"
    ) as event
  $query$, learning.packed_dimensions())
  into packed
  using held.module, held.pattern_key, held.action_category, (held.run ->> 'last_event_id')::bigint;
  return packed;
end
$$;
comment on function public.read_mining_group(bigint) is
  'A group''s trades in packed columns (base64 of big-endian values), one row per trade by its first action, oldest close first. For the edge functions.';

create function public.read_module_trades(p_module text)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'roi', learning.packed(string_agg(float8send(trade.roi), ''::bytea)),
    'did_trim', learning.packed(string_agg(int4send(trade.did_trim::integer), ''::bytea)),
    'reached_s3', learning.packed(string_agg(int4send(trade.reached_s3::integer), ''::bytea))
  )
  from (
    select distinct on (event.trade_id) event.roi, event.did_trim, event.reached_s3
    from public.pattern_trade_events event
    where event.module = p_module
    order by event.trade_id
  ) as trade;
$$;
comment on function public.read_module_trades(text) is
  'What posture is judged by, of every distinct trade of a module, in packed columns. For the edge functions.';

create function public.read_scope_values(p_codes integer[])
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_object_agg(held.code, held.value), '{}'::jsonb)
  from learning.scope_values held
  where held.code = any (p_codes);
$$;
comment on function public.read_scope_values(integer[]) is 'What the codes in packed columns stand for. For the edge functions.';

create function public.read_edge_history(p_group_id bigint)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(jsonb_build_object('scope_subset', series.scope_subset, 'ts', series.ts, 'edge', series.edge)), '[]'::jsonb)
  from (
    select lesson.scope_subset,
      jsonb_agg(extract(epoch from snapshot.ts)::float8 * 1000 order by snapshot.ts) as ts,
      jsonb_agg(snapshot.edge order by snapshot.ts) as edge
    from learning.mining_groups held
    join public.learning_lessons lesson using (module, pattern_key, action_category)
    join public.learning_edge_history snapshot on snapshot.lesson_id = lesson.id
    where held.id = p_group_id
    group by lesson.id, lesson.scope_subset
  ) as series;
$$;
comment on function public.read_edge_history(bigint) is 'Earlier snapshots of the edges of a group''s lessons, oldest first. For the edge functions.';
