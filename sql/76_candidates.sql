-- Candidates: what a size is asked for, checked and in its normal form.

create type learning.candidate as (
  pattern_key text,
  action_category text,
  scope jsonb,
  scope_mask integer,
  a_value float8,
  e_value float8,
  previous_strength float8,
  as_of timestamptz,
  as_of_us float8
);
comment on type learning.candidate is 'What a size is asked for, checked and in its normal form.';
comment on column learning.candidate.pattern_key is 'Behaviour, dotted.';
comment on column learning.candidate.action_category is 'entry, add, trim or exit.';
comment on column learning.candidate.scope is 'Its scope, of registered dimensions alone.';
comment on column learning.candidate.scope_mask is 'Dimensions of the scope as bits.';
comment on column learning.candidate.a_value is 'Appetite to add, 0 to 1.';
comment on column learning.candidate.e_value is 'Assertiveness to exit, 0 to 1.';
comment on column learning.candidate.previous_strength is
  'Strength of the call before, from which mode edge_weighted takes its step.';
comment on column learning.candidate.as_of is 'Time that ages count up to.';
comment on column learning.candidate.as_of_us is 'The same in microseconds since 1970.';

create function learning.refuse_argument(argument text, expected text, given text)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = '22023',
    message = format(
      'Argument %s must be %s and is %s', argument, expected, coalesce(learning.quoted(given), 'null')
    ),
    hint = format('Correct %s and ask again; nothing else was looked at.', argument);
end
$$;
comment on function learning.refuse_argument(text, text, text) is
  'Refuses an argument with 22023: says its name, what it must be and what it is.';

create function learning.check_candidate(
  pattern_key text, action_category text, scope jsonb, a_value float8, e_value float8,
  previous_strength float8, as_of timestamptz
)
returns learning.candidate
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  candidate learning.candidate;
begin
  if pattern_key is null or btrim(pattern_key) = '' then
    perform learning.refuse_argument(
      'pattern_key', 'a behaviour such as pm.uptrend.S1.buy_flag', pattern_key
    );
  elsif action_category is null or action_category not in ('entry', 'add', 'trim', 'exit') then
    perform learning.refuse_argument('action_category', 'entry, add, trim or exit', action_category);
  elsif scope is null or jsonb_typeof(scope) <> 'object' then
    perform learning.refuse_argument('scope', 'an object of dimensions and texts', left(scope::text, 61));
  elsif not a_value between 0 and 1 then
    perform learning.refuse_argument('a_value', 'a number from 0 to 1', a_value::text);
  elsif not e_value between 0 and 1 then
    perform learning.refuse_argument('e_value', 'a number from 0 to 1', e_value::text);
  elsif not (previous_strength > 0 and previous_strength <= 1e6) then
    perform learning.refuse_argument(
      'previous_strength', 'a number greater than 0 and at most 1e6', previous_strength::text
    );
  elsif not isfinite(as_of) then
    perform learning.refuse_argument('as_of', 'a finite time', as_of::text);
  end if;
  candidate.pattern_key := case when pattern_key ^@ 'module=' or pattern_key <> btrim(pattern_key)
    then learning.dotted_pattern_key(pattern_key) else pattern_key end;
  candidate.action_category := action_category;
  candidate.scope := scope;
  candidate.scope_mask := learning.normal_scope_mask(scope);
  if candidate.scope_mask is null then
    candidate.scope := public.unified_scope(null, scope, null);
    candidate.scope_mask := learning.scope_mask(candidate.scope);
  end if;
  candidate.a_value := learning.without_dust(coalesce(a_value, 0.5));
  candidate.e_value := learning.without_dust(coalesce(e_value, 0.5));
  candidate.previous_strength := greatest(1e-12, coalesce(previous_strength, 1));
  candidate.as_of := coalesce(as_of, now());
  candidate.as_of_us := (extract(epoch from candidate.as_of) * 1000000)::float8;
  return candidate;
end
$$;
comment on function learning.check_candidate(text, text, jsonb, float8, float8, float8, timestamptz) is
  'A candidate in its normal form, with what was left out filled in; malformed arguments are refused with '
  '22023 and a hint.';

create function learning.read_candidate(given jsonb)
returns learning.candidate
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  arguments constant text[] := array[
    'pattern_key', 'action_category', 'scope', 'a_value', 'e_value', 'previous_strength', 'as_of'
  ];
  argument text;
  a_value float8;
  e_value float8;
  previous_strength float8;
  as_of timestamptz;
begin
  if jsonb_typeof(given) <> 'object' then
    raise exception using
      errcode = '22023',
      message = format('A candidate must be an object and is %s', learning.quoted(left(given::text, 61))),
      hint = 'Give each of candidates the arguments of get_pm_sizing by name.';
  end if;
  if given - arguments <> '{}'::jsonb then
    select min(stranger.name) into argument from jsonb_object_keys(given - arguments) as stranger(name);
    raise exception using
      errcode = '22023',
      message = format('A candidate has no argument %s', learning.quoted(argument)),
      hint = 'The arguments are ' || array_to_string(arguments, ', ') || '.';
  end if;
  begin
    argument := 'a_value';
    a_value := (given ->> argument)::float8;
    argument := 'e_value';
    e_value := (given ->> argument)::float8;
    argument := 'previous_strength';
    previous_strength := (given ->> argument)::float8;
    argument := 'as_of';
    as_of := (given ->> argument)::timestamptz;
  exception when data_exception then
    perform learning.refuse_argument(
      argument, case argument when 'as_of' then 'a time' else 'a number' end, given ->> argument
    );
  end;
  return learning.check_candidate(
    given ->> 'pattern_key', given ->> 'action_category', given -> 'scope', a_value, e_value,
    previous_strength, as_of
  );
end
$$;
comment on function learning.read_candidate(jsonb) is 'A candidate of a batch, checked.';
