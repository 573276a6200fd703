-- Scattered dimensions: those whose values are so many that nothing can be learned of any.

create function learning.scattered_dimensions(n_min integer)
returns table (dim text, "values" bigint, trades bigint, most_trades bigint)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- What is asked for below holds of no dimension with 40 values or fewer, and the events are many.
  if not exists (
    select from learning.scope_values scope_value group by scope_value.dim having count(*) > 40
  ) then
    return;
  end if;
  return query
  with filled as (
    select event.scope_mask, count(*) as events
    from public.pattern_trade_events event
    group by event.scope_mask
  ),
  -- Events are read only where there are values enough, with up to ten events a trade.
  suspected as (
    select dimension.dim, dimension.bit
    from public.scope_dimensions dimension
    where (
      select count(*) from learning.scope_values scope_value where scope_value.dim = dimension.dim
    ) * n_min > (
      select sum(filled.events) from filled where filled.scope_mask & (1 << dimension.bit) <> 0
    )
  )
  select suspected.dim, counted."values", counted.trades, counted.most_trades
  from suspected
  cross join lateral (
    select count(*) as "values", sum(of_value.trades)::bigint as trades, max(of_value.trades) as most_trades
    from (
      select count(distinct event.trade_id) as trades
      from public.pattern_trade_events event
      where event.scope_mask & (1 << suspected.bit) <> 0
      group by event.scope_codes[suspected.bit + 1]
    ) as of_value
  ) as counted
  where counted.most_trades < n_min
    -- Ten times as many trades would not bring the mean value there either, and this is more than a start.
    and counted.trades * 10 < counted."values" * n_min and counted.trades >= 4 * n_min
  order by suspected.bit;
end
$$;
comment on function learning.scattered_dimensions(integer) is
  'Dimensions none of whose values has the fewest trades that make a slice and whose mean value would need '
  'more than ten times as many, once there are four times as many trades as make a slice.';

create function learning.warn_of_scattered_dimensions()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  n_min constant integer := (learning.config() ->> 'n_min')::integer;
  warning record;
begin
  select string_agg(
      format('%s has %s values in %s trades, at most %s each',
        scattered.dim, scattered."values", scattered.trades, scattered.most_trades),
      '; ' order by scattered.dim
    ) as in_words,
    jsonb_agg(to_jsonb(scattered) order by scattered.dim) as dimensions
  into warning
  from learning.scattered_dimensions(n_min) as scattered;
  if warning.in_words is not null then
    perform learning.write_log_hourly(
      'WARNING', 'mine-lessons', 'dimension_scattered',
      format('Nothing can be learned of a value with fewer than %s trades (n_min): %s. Put the values into '
        'buckets before they are written, such as low, mid and high.', n_min, warning.in_words),
      jsonb_build_object('n_min', n_min, 'dimensions', warning.dimensions)
    );
  end if;
end
$$;
comment on function learning.warn_of_scattered_dimensions() is
  'Warns once an hour of dimensions whose values never reach the fewest trades that make a slice.';
