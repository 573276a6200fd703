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
  as_of_us float8,
  ignored jsonb
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
comment on column learning.candidate.ignored is
  'Keys of the scope that was given which are no dimension, each with the nearest registered one or null.';

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

create function learning.check_scope(scope jsonb)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  fault text;
begin
  if scope is null or jsonb_typeof(scope) <> 'object' then
    perform learning.refuse_argument(
      'scope', 'an object of dimensions and texts', learning.beginning(scope)
    );
  end if;
  if learning.is_plain(scope) then
    return;
  end if;
  fault := learning.size_fault(scope, learning.size_limit('scope_bytes'));
  perform learning.refuse_scope(case
    when fault is null then learning.value_faults(scope, true)
    else jsonb_build_array(jsonb_build_object('path', 'scope', 'message', fault))
  end);
end
$$;
comment on function learning.check_scope(jsonb) is
  'Refuses a scope that is no object, too large, nested or has a value that is too long, under a key that is '
  'no dimension as well.';

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
  most_characters constant integer := learning.size_limit('pattern_key_characters');
  candidate learning.candidate;
begin
  if pattern_key is null or btrim(pattern_key) = '' then
    perform learning.refuse_argument(
      'pattern_key', 'a behaviour such as pm.uptrend.S1.buy_flag', pattern_key
    );
  elsif octet_length(pattern_key) > most_characters and length(btrim(pattern_key)) > most_characters then
    perform learning.refuse_argument(
      'pattern_key',
      format('at most %s characters long, not %s,', most_characters, length(btrim(pattern_key))), pattern_key
    );
  elsif action_category is null or action_category not in ('entry', 'add', 'trim', 'exit') then
    perform learning.refuse_argument('action_category', 'entry, add, trim or exit', action_category);
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
  candidate.ignored := '{}';
  -- As nearly all are. What takes so few bytes and holds texts alone is within every limit.
  if jsonb_typeof(scope) = 'object' and pg_column_size(scope #> '{}') <= 8 * learning.size_limit('scope_keys')
    and not jsonb_path_exists(scope, 'strict $.* ? (@.type() != "string")') then
    candidate.scope_mask := learning.normal_scope_mask(scope);
  end if;
  if candidate.scope_mask is null then
    perform learning.check_scope(scope);
    candidate.scope := learning.merged_scope(null, scope, null);
    candidate.scope_mask := learning.scope_mask(candidate.scope);
    candidate.ignored := learning.ignored_keys(scope);
  end if;
  candidate.a_value := learning.without_dust(coalesce(a_value, 0.5));
  candidate.e_value := learning.without_dust(coalesce(e_value, 0.5));
  candidate.previous_strength := greatest(learning.dust(), coalesce(previous_strength, 1));
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
      message = format('A candidate must be an object and is %s', learning.quoted(learning.beginning(given))),
      hint = 'Give each of candidates the arguments of get_pm_sizing by name.';
  end if;
  if given - arguments <> '{}'::jsonb then
    select min(stranger.name) into argument from jsonb_object_keys(given - arguments) as stranger(name);
    raise exception using
      errcode = '22023',
      message = format('A candidate has no argument %s', learning.quoted(argument)),
      hint = 'The arguments are ' || array_to_string(arguments, ', ') || '.';
  end if;
  -- What is long as text alone is not written out to be looked at.
  select min(pair.key) into argument
  from jsonb_each(given - 'scope') as pair
  where case jsonb_typeof(pair.value)
    when 'number' then abs(pair.value::numeric) >= 1e300 or scale(pair.value::numeric) > 300
    else jsonb_typeof(pair.value) in ('object', 'array')
  end;
  if argument is not null then
    perform learning.refuse_argument(
      argument, 'a text or a number of at most 300 digits', learning.beginning(given -> argument)
    );
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
