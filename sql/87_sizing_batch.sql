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
  error jsonb,
  ignored jsonb
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

create function learning.read_subject(given jsonb)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if jsonb_typeof(given) not in ('string', 'null') or length(given #>> '{}') > 200 then
    perform learning.refuse_argument(
      'subject', 'a text of at most 200 characters', learning.beginning(given)
    );
  end if;
  return given #>> '{}';
end
$$;
comment on function learning.read_subject(jsonb) is
  'What a size is asked for: a token, a position or a trade; refuses what is no text.';

create function learning.read_candidates(
  candidates jsonb, with_subjects boolean, out readable learning.candidate[], out places integer[],
  out subjects text[], out errors jsonb
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  given jsonb;
  subject text;
  error_code text;
  error_message text;
  error_detail text;
  error_hint text;
begin
  readable := '{}';
  places := '{}';
  subjects := '{}';
  errors := '{}';
  for place in 1 .. jsonb_array_length(candidates) loop
    given := candidates -> place - 1;
    begin
      if with_subjects and jsonb_typeof(given) = 'object' then
        subject := learning.read_subject(given -> 'subject');
        given := given - 'subject';
      end if;
      readable := readable || learning.read_candidate(given);
      places := places || place;
      subjects := array_append(subjects, subject);
    exception when data_exception then
      get stacked diagnostics error_code = returned_sqlstate, error_message = message_text,
        error_detail = pg_exception_detail, error_hint = pg_exception_hint;
      errors := errors || jsonb_build_object(place, jsonb_build_object('code', error_code,
        'message', error_message, 'details', nullif(error_detail, ''), 'hint', nullif(error_hint, '')));
    end;
  end loop;
end
$$;
comment on function learning.read_candidates(jsonb, boolean) is
  'The candidates of a batch that can be sized with their places in it and, where they may have them, their '
  'subjects, and by place why others cannot.';

create function learning.check_batch(candidates jsonb)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  most_candidates constant integer := learning.size_limit('batch_candidates');
  most_bytes constant integer := learning.size_limit('batch_bytes');
begin
  if candidates is null or jsonb_typeof(candidates) <> 'array'
    or jsonb_array_length(candidates) > most_candidates then
    raise exception using
      errcode = '22023',
      message = format(
        'Argument candidates must be an array of at most %s objects and is %s', most_candidates,
        case jsonb_typeof(candidates)
          when 'array' then 'an array of ' || jsonb_array_length(candidates)
          else coalesce(learning.quoted(learning.beginning(candidates)), 'null')
        end
      ),
      hint = 'Split candidates into several calls.';
  elsif pg_column_size(candidates #> '{}') > most_bytes then
    raise exception using
      errcode = '22023',
      message = format('Argument candidates must have at most %s bytes in memory and has %s', most_bytes,
        pg_column_size(candidates #> '{}')),
      hint = 'Split candidates into several calls.';
  end if;
end
$$;
comment on function learning.check_batch(jsonb) is
  'Refuses what is no array of candidates, or too large a one.';

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
  perform learning.check_batch(candidates);
  batch := learning.read_candidates(candidates, false);
  sizings := learning.size_candidates(batch.readable);
  return query
  select sizing.mode, sizing.base_alloc_pct, sizing.timeframe_share, sizing.size_frac_raw, sizing.pm_strength,
    sizing.exposure_skew, sizing.size_frac, sizing.max_alloc_pct, sizing.a_final, sizing.e_final,
    sizing.confidence, sizing.steer_max, sizing.overrides, sizing.exposure, sizing.shadow,
    sizing.config_version, sizing.computed_at, answer.place, batch.errors -> answer.place::text,
    sizing.ignored
  from generate_series(1, jsonb_array_length(candidates)) as answer(place)
  left join unnest(batch.places, sizings) as sizing(place) on sizing.place = answer.place
  order by answer.place;
end
$$;
comment on function public.get_pm_sizing_batch(jsonb) is
  'get_pm_sizing for up to 1000 candidates at once, in their order; a candidate that cannot be sized says '
  'why in its own row.';
