-- Taken sizings: sizes that a PM is about to use, answered as those it asks for, recorded, and for a share of
-- subjects held out of what was learned, so that the difference can be seen.

create table public.pm_sizings (
  id bigint generated always as identity primary key,
  taken_at timestamptz not null default now(),
  subject text,
  holdout float8 not null,
  held_out boolean not null,
  pattern_key text not null,
  action_category text not null,
  scope jsonb not null,
  a_value float8 not null,
  e_value float8 not null,
  mode text not null,
  size_frac_raw float8 not null,
  pm_strength float8 not null,
  learned_strength float8 not null,
  exposure_skew float8 not null,
  size_frac float8 not null,
  max_alloc_pct float8 not null,
  a_final float8 not null,
  e_final float8 not null,
  overrides jsonb not null,
  config_version integer not null
);
create index pm_sizings_taken_at_idx on public.pm_sizings (taken_at);
create index pm_sizings_subject_idx on public.pm_sizings (subject, pattern_key, action_category, taken_at)
where subject is not null;
alter table public.pm_sizings enable row level security;
comment on table public.pm_sizings is
  'Answers of take_pm_sizing and take_pm_sizing_batch, as far as record_sizings asks for; kept for 90 days.';
comment on column public.pm_sizings.id is 'The sizing_id of the answer.';
comment on column public.pm_sizings.taken_at is 'When it was answered.';
comment on column public.pm_sizings.subject is
  'Token, position or trade that it was asked for; null where none was named.';
comment on column public.pm_sizings.holdout is 'Share of subjects that were held out then; 0: no experiment.';
comment on column public.pm_sizings.held_out is
  'Whether nothing learned acted, because its subject is held out.';
comment on column public.pm_sizings.pattern_key is 'Behaviour, dotted.';
comment on column public.pm_sizings.action_category is 'entry, add, trim or exit.';
comment on column public.pm_sizings.scope is 'Scope, of registered dimensions alone.';
comment on column public.pm_sizings.a_value is 'Appetite to add that was given.';
comment on column public.pm_sizings.e_value is 'Assertiveness to exit that was given.';
comment on column public.pm_sizings.mode is 'How learned strength acted; holdout where it did not.';
comment on column public.pm_sizings.size_frac_raw is 'Size before anything learned.';
comment on column public.pm_sizings.pm_strength is 'Factor from what was learned, as answered.';
comment on column public.pm_sizings.learned_strength is 'The same had the subject not been held out.';
comment on column public.pm_sizings.exposure_skew is 'Factor from crowding, as answered.';
comment on column public.pm_sizings.size_frac is 'Size to use, as answered.';
comment on column public.pm_sizings.max_alloc_pct is 'Largest allocation, as answered.';
comment on column public.pm_sizings.a_final is 'Appetite after steering, as answered.';
comment on column public.pm_sizings.e_final is 'Assertiveness after steering, as answered.';
comment on column public.pm_sizings.overrides is 'The overrides that acted, as answered.';
comment on column public.pm_sizings.config_version is 'Version of the configuration that held.';

create function learning.sizing_retention()
returns interval
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return interval '90 days';
end
$$;
comment on function learning.sizing_retention() is 'How long it is kept what sizes were answered.';

create function learning.share_of_text(given text)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Four bytes, as a whole number without sign.
  return (('x' || left(encode(sha256(convert_to(given, 'UTF8')), 'hex'), 8))::bit(32)::bigint)
    / 4294967296::float8;
end
$$;
comment on function learning.share_of_text(text) is
  'A number from 0 to below 1 that a text always has, spread evenly over texts: its sha256''s first 8 hex '
  'digits over 2^32.';

create function learning.is_held_out(subject text, config jsonb)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(
    learning.share_of_text(subject || (config #>> '{experiment,salt}'))
      < (config #> '{experiment,holdout}')::float8,
    false
  );
end
$$;
comment on function learning.is_held_out(text, jsonb) is
  'Whether a subject''s sizes stay as they were before anything learned; without a subject never.';

create function learning.is_recorded(subject text, candidate learning.candidate, config jsonb)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case config ->> 'record_sizings'
    when 'all' then true
    -- All sizings of a subject or none, so that what is kept of it is whole.
    when 'sampled' then learning.share_of_text(coalesce(subject,
      candidate.pattern_key || candidate.action_category || candidate.scope)) < 0.01
    else false
  end;
end
$$;
comment on function learning.is_recorded(text, learning.candidate, jsonb) is
  'Whether the answer for a candidate is kept.';

create function learning.hold_out(sizing public.pm_sizing, candidate learning.candidate)
returns public.pm_sizing
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  sizing.shadow := sizing.shadow || jsonb_build_object(sizing.mode, learning.mode_outcome(
    sizing.pm_strength, sizing.a_final, sizing.e_final, sizing.size_frac_raw, sizing.base_alloc_pct,
    sizing.exposure_skew
  ));
  sizing.mode := 'holdout';
  sizing.pm_strength := 1;
  sizing.size_frac := learning.applied_size(sizing.size_frac_raw, 1, sizing.exposure_skew);
  sizing.max_alloc_pct := sizing.base_alloc_pct * sizing.exposure_skew;
  sizing.a_final := candidate.a_value;
  sizing.e_final := candidate.e_value;
  sizing.confidence := 0;
  sizing.steer_max := 0;
  sizing.overrides := '[]';
  return sizing;
end
$$;
comment on function learning.hold_out(public.pm_sizing, learning.candidate) is
  'A size without anything learned, exposure as always; what the configured mode would have said is in its '
  'shadow.';

create function learning.take_sizings(
  candidates learning.candidate[], subjects text[],
  out sizings public.pm_sizing[], out sizing_ids bigint[]
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  config constant jsonb := learning.config();
  held_out boolean;
  learned_strength float8;
  sizing public.pm_sizing;
  sizing_id bigint;
begin
  sizings := learning.size_candidates(candidates);
  sizing_ids := array_fill(null::bigint, array[cardinality(candidates)]);
  for place in 1 .. cardinality(candidates) loop
    sizing := sizings[place];
    learned_strength := sizing.pm_strength;
    held_out := learning.is_held_out(subjects[place], config);
    if held_out then
      sizing := learning.hold_out(sizing, candidates[place]);
      sizings[place] := sizing;
    end if;
    if learning.is_recorded(subjects[place], candidates[place], config) then
      insert into public.pm_sizings (
        subject, holdout, held_out, pattern_key, action_category, scope, a_value, e_value, mode,
        size_frac_raw, pm_strength, learned_strength, exposure_skew, size_frac, max_alloc_pct, a_final,
        e_final, overrides, config_version
      ) values (
        subjects[place], (config #> '{experiment,holdout}')::float8, held_out, candidates[place].pattern_key,
        candidates[place].action_category, candidates[place].scope, candidates[place].a_value,
        candidates[place].e_value, sizing.mode, sizing.size_frac_raw, sizing.pm_strength, learned_strength,
        sizing.exposure_skew, sizing.size_frac, sizing.max_alloc_pct, sizing.a_final, sizing.e_final,
        sizing.overrides, sizing.config_version
      )
      returning id into sizing_id;
      sizing_ids[place] := sizing_id;
    end if;
  end loop;
end
$$;
comment on function learning.take_sizings(learning.candidate[], text[]) is
  'Sizes candidates, holds those out whose subject is, and records as far as that is asked for; an id is '
  'null where nothing was recorded.';

create type public.pm_taken_sizing as (
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
  ignored jsonb,
  sizing_id bigint
);
create type public.pm_taken_sizing_in_batch as (
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
  ignored jsonb,
  sizing_id bigint
);
comment on type public.pm_taken_sizing is
  'Answer of take_pm_sizing: the columns of pm_sizing, and under which id it was recorded.';
comment on type public.pm_taken_sizing_in_batch is
  'One answer of take_pm_sizing_batch: the columns of pm_sizing_in_batch, and under which id it was '
  'recorded.';
do $$
declare
  attribute record;
begin
  for attribute in
    select taken.type_name, described.attribute_name::text,
      col_description(format('public.%I', described.udt_name)::regclass, described.ordinal_position) as words
    from (values ('pm_taken_sizing', 'pm_sizing'), ('pm_taken_sizing_in_batch', 'pm_sizing_in_batch'))
      as taken(type_name, base_name)
    join information_schema.attributes described
      on described.udt_schema = 'public' and described.udt_name = taken.base_name
  loop
    execute format('comment on column public.%I.%I is %L', attribute.type_name, attribute.attribute_name,
      attribute.words
        || case attribute.attribute_name when 'mode' then ' holdout: nothing learned acted.' else '' end);
  end loop;
end
$$;
comment on column public.pm_taken_sizing.sizing_id is
  'Where it is recorded in pm_sizings; null where record_sizings does not ask for it.';
comment on column public.pm_taken_sizing_in_batch.sizing_id is
  'Where it is recorded in pm_sizings; null where record_sizings does not ask for it.';

-- As its owner, as the one below: a pm writes pm_sizings by taking a size and in no other way.
create function public.take_pm_sizing(
  pattern_key text, action_category text, scope jsonb, a_value float8 default 0.5, e_value float8 default 0.5,
  previous_strength float8 default 1.0, as_of timestamptz default now(), subject text default null
)
returns public.pm_taken_sizing
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  taken record;
  answer public.pm_taken_sizing;
begin
  perform learning.require_pm();
  taken := learning.take_sizings(
    array[learning.check_candidate(
      pattern_key, action_category, scope, a_value, e_value, previous_strength, as_of
    )],
    array[learning.read_subject(to_jsonb(subject))]
  );
  select sizing.*, taken.sizing_ids[1] into answer from unnest(taken.sizings) as sizing;
  return answer;
end
$$;
comment on function public.take_pm_sizing(
  text, text, jsonb, float8, float8, float8, timestamptz, text
) is
  'get_pm_sizing for a size that will be used: the answer is kept as record_sizings says, and neutral where '
  'its subject (token, position or trade) is held out.';

create function public.take_pm_sizing_batch(candidates jsonb)
returns setof public.pm_taken_sizing_in_batch
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  batch record;
  taken record;
begin
  perform learning.require_pm();
  perform learning.check_batch(candidates);
  batch := learning.read_candidates(candidates, true);
  taken := learning.take_sizings(batch.readable, batch.subjects);
  return query
  select sizing.mode, sizing.base_alloc_pct, sizing.timeframe_share, sizing.size_frac_raw, sizing.pm_strength,
    sizing.exposure_skew, sizing.size_frac, sizing.max_alloc_pct, sizing.a_final, sizing.e_final,
    sizing.confidence, sizing.steer_max, sizing.overrides, sizing.exposure, sizing.shadow,
    sizing.config_version, sizing.computed_at, answer.place, batch.errors -> answer.place::text,
    sizing.ignored, sizing_id.id
  from generate_series(1, jsonb_array_length(candidates)) as answer(place)
  left join unnest(batch.places, taken.sizings) as sizing(place) on sizing.place = answer.place
  left join unnest(batch.places, taken.sizing_ids) as sizing_id(place, id) on sizing_id.place = answer.place
  order by answer.place;
end
$$;
comment on function public.take_pm_sizing_batch(jsonb) is
  'take_pm_sizing for up to 1000 candidates at once, in their order, each with its subject; a candidate that '
  'cannot be sized says why in its own row.';
