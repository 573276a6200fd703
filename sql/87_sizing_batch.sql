-- Batch: many sizes in one call.

create type public.pm_sizing_in_batch as (
  mode text,
  base_alloc_pct float8,
  timeframe_share float8,
  size_frac_raw float8,
  pm_strength float8,
  exposure_skew float8,
  size_frac float8,
  max_alloc_pct float8,
  a_final float8,
  e_final float8,
  confidence float8,
  steer_max float8,
  overrides jsonb,
  exposure jsonb,
  shadow jsonb,
  config_version integer,
  computed_at timestamptz,
  "position" integer,
  error jsonb
);
comment on type public.pm_sizing_in_batch is
  'One answer of get_pm_sizing_batch: the columns of pm_sizing, and whose answer it is.';
do $$
declare
  attribute record;
begin
  for attribute in
    select attribute_name::text,
      col_description('public.pm_sizing'::regclass, ordinal_position) as description
    from information_schema.attributes
    where udt_schema = 'public' and udt_name = 'pm_sizing'
  loop
    execute format(
      'comment on column public.pm_sizing_in_batch.%I is %L', attribute.attribute_name, attribute.description
    );
  end loop;
end
$$;
comment on column public.pm_sizing_in_batch.position is 'Place of the candidate in the batch, from 1.';
comment on column public.pm_sizing_in_batch.error is
  'Why the candidate could not be sized, as code, message, detail and hint; null where it was.';

create function learning.read_candidates(
  candidates jsonb, out readable learning.candidate[], out places integer[], out errors jsonb
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  error_code text;
  error_message text;
  error_detail text;
  error_hint text;
begin
  readable := '{}';
  places := '{}';
  errors := '{}';
  for place in 1 .. jsonb_array_length(candidates) loop
    begin
      readable := readable || learning.read_candidate(candidates -> place - 1);
      places := places || place;
    exception when data_exception then
      get stacked diagnostics error_code = returned_sqlstate, error_message = message_text,
        error_detail = pg_exception_detail, error_hint = pg_exception_hint;
      errors := errors || jsonb_build_object(place, jsonb_build_object('code', error_code,
        'message', error_message, 'details', nullif(error_detail, ''), 'hint', nullif(error_hint, '')));
    end;
  end loop;
end
$$;
comment on function learning.read_candidates(jsonb) is
  'The candidates of a batch that can be sized with their places in it, and by place why others cannot.';

create function public.get_pm_sizing_batch(candidates jsonb)
returns setof public.pm_sizing_in_batch
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  batch record;
  sizings public.pm_sizing[];
begin
  perform learning.require_pm();
  if candidates is null or jsonb_typeof(candidates) <> 'array' or jsonb_array_length(candidates) > 1000 then
    raise exception using
      errcode = '22023',
      message = format('Argument candidates must be an array of at most 1000 objects and is %s',
        case jsonb_typeof(candidates)
          when 'array' then 'an array of ' || jsonb_array_length(candidates)
          else coalesce(learning.quoted(left(candidates::text, 61)), 'null')
        end),
      hint = 'Split candidates into several calls.';
  end if;
  batch := learning.read_candidates(candidates);
  sizings := learning.size_candidates(batch.readable);
  return query
  select sizing.mode, sizing.base_alloc_pct, sizing.timeframe_share, sizing.size_frac_raw, sizing.pm_strength,
    sizing.exposure_skew, sizing.size_frac, sizing.max_alloc_pct, sizing.a_final, sizing.e_final,
    sizing.confidence, sizing.steer_max, sizing.overrides, sizing.exposure, sizing.shadow,
    sizing.config_version, sizing.computed_at, answer.place, batch.errors -> answer.place::text
  from generate_series(1, jsonb_array_length(candidates)) as answer(place)
  left join unnest(batch.places, sizings) as sizing(place) on sizing.place = answer.place
  order by answer.place;
end
$$;
comment on function public.get_pm_sizing_batch(jsonb) is
  'get_pm_sizing for up to 1000 candidates at once, in their order; a candidate that cannot be sized says '
  'why in its own row.';
