-- Episodes: what the entry gates saw, what was done, and how it would have ended.

create table public.pattern_episode_events (
  id bigint generated always as identity primary key,
  strand_id text not null unique,
  episode_id text not null,
  pattern_key text not null,
  scope jsonb not null,
  scope_mask integer not null,
  decision text not null check (decision in ('acted', 'skipped')),
  outcome text check (outcome in ('success', 'failure', 'neutral')),
  factors jsonb not null,
  blocked_by text[] not null default '{}',
  trade_id text,
  occurred_at timestamptz not null,
  scope_codes integer[] not null,
  gates float8[],
  summary_strand_id text
);
create index pattern_episode_events_episode_idx on public.pattern_episode_events (episode_id);
create index pattern_episode_events_pattern_idx
on public.pattern_episode_events (pattern_key, occurred_at, id)
where outcome is not null;
create index pattern_episode_events_decided_idx on public.pattern_episode_events (occurred_at)
where outcome is not null;
create index pattern_episode_events_summary_idx on public.pattern_episode_events (summary_strand_id)
where summary_strand_id is not null;
alter table public.pattern_episode_events enable row level security;
comment on table public.pattern_episode_events is
  'One row per episode window: what the entry gates saw and how it would have ended.';
comment on column public.pattern_episode_events.id is 'Identity.';
comment on column public.pattern_episode_events.strand_id is
  'The window; of one in a summary of its episode, the summary, # and its number.';
comment on column public.pattern_episode_events.episode_id is 'The episode it belongs to.';
comment on column public.pattern_episode_events.pattern_key is 'Behaviour whose gates these are, dotted.';
comment on column public.pattern_episode_events.scope is 'Context of the window.';
comment on column public.pattern_episode_events.scope_mask is 'Dimensions of the scope as bits.';
comment on column public.pattern_episode_events.decision is 'Whether the PM acted or skipped.';
comment on column public.pattern_episode_events.outcome is
  'How the episode ended; null until its outcome strand has arrived.';
comment on column public.pattern_episode_events.factors is
  'What the gates saw: scores and thresholds, their flags, and of an acted window the representative sample '
  'as ts_score_acted, halo_distance_acted, slope_acted.';
comment on column public.pattern_episode_events.blocked_by is
  'Gates that held a skipped window back, as given or else derived from the factors.';
comment on column public.pattern_episode_events.trade_id is 'Trade that an acted window led to.';
comment on column public.pattern_episode_events.occurred_at is 'When the window was seen.';
comment on column public.pattern_episode_events.scope_codes is
  'The scope in codes of learning.scope_values, by bit; 0 where a dimension is absent.';
comment on column public.pattern_episode_events.gates is
  'What the movable gates compared: ts_score, ts_min, halo_distance, halo_max, slope, slope_min; null where '
  'any of them is missing.';
comment on column public.pattern_episode_events.summary_strand_id is
  'The summary of the episode that the window stood in; null where it came by itself.';

create function learning.factor(factors jsonb, key text)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  given jsonb := factors -> key;
begin
  if jsonb_typeof(given) = 'object' then
    given := given -> 'median';
  end if;
  -- Keys that are let through unjudged may hold anything.
  return case
    when jsonb_typeof(given) = 'number' and abs(given::numeric) <= 1e12
      then learning.number_of_decimal(given::numeric)
  end;
end
$$;
comment on function learning.factor(jsonb, text) is
  'A number among a window''s factors, or the median of several; null where there is none.';

create function learning.slope_names()
returns text[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return array['slope', 'ema60_slope', 'ema144_slope'];
end
$$;
comment on function learning.slope_names() is
  'What the slope of a window may be called among its factors; the first that is there counts.';

create function learning.slope_of(factors jsonb)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  slope float8;
  name text;
begin
  foreach name in array learning.slope_names() loop
    slope := learning.factor(factors, name);
    exit when slope is not null;
  end loop;
  return slope;
end
$$;
comment on function learning.slope_of(jsonb) is
  'The slope among a window''s factors; null where there is none.';

create function learning.episode_factors(content jsonb)
returns jsonb
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  flags constant jsonb := content -> 'flags';
  sample constant jsonb := case when content ->> 'decision' = 'acted' then content -> 'sample' end;
  slope jsonb;
  name text;
begin
  if sample is not null then
    foreach name in array learning.slope_names() loop
      slope := case when jsonb_typeof(sample -> name) = 'number' then sample -> name end;
      exit when slope is not null;
    end loop;
  end if;
  return jsonb_strip_nulls(jsonb_build_object(
    'ts_ok', case when jsonb_typeof(flags -> 'ts_ok') = 'boolean' then flags -> 'ts_ok' end,
    'slope_ok', case when jsonb_typeof(flags -> 'slope_ok') = 'boolean' then flags -> 'slope_ok' end,
    'entry_zone_ok',
    case when jsonb_typeof(flags -> 'entry_zone_ok') = 'boolean' then flags -> 'entry_zone_ok' end,
    'ts_score_acted', case when jsonb_typeof(sample -> 'ts_score') = 'number' then sample -> 'ts_score' end,
    'halo_distance_acted',
    case when jsonb_typeof(sample -> 'halo_distance') = 'number' then sample -> 'halo_distance' end,
    'slope_acted', slope
  )) || jsonb_strip_nulls(coalesce(content -> 'factors', '{}'::jsonb));
end
$$;
comment on function learning.episode_factors(jsonb) is
  'What the gates of a window saw: its factors, and from the rest of the content its flags and the sample '
  'it acted on, where the factors do not say.';

create function learning.episode_gates(decision text, factors jsonb)
returns float8[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- An acted window's factors sum up what was seen until then; its sample is what the gates let through.
  return array[
    coalesce(
      case decision when 'acted' then learning.factor(factors, 'ts_score_acted') end,
      learning.factor(factors, 'ts_score')
    ),
    learning.factor(factors, 'ts_min'),
    coalesce(
      case decision when 'acted' then learning.factor(factors, 'halo_distance_acted') end,
      learning.factor(factors, 'halo_distance')
    ),
    learning.factor(factors, 'halo_max'),
    coalesce(
      case decision when 'acted' then learning.factor(factors, 'slope_acted') end,
      learning.slope_of(factors)
    ),
    learning.factor(factors, 'slope_min')
  ];
end
$$;
comment on function learning.episode_gates(text, jsonb) is
  'What the movable gates of a window compared: ts_score, ts_min, halo_distance, halo_max, slope, '
  'slope_min; null each where it is missing.';

create function learning.gate_levers()
returns text[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return array['tuning_ts_min', 'tuning_halo', 'tuning_slope'];
end
$$;
comment on function learning.gate_levers() is
  'The levers that move the gates, in the order of learning.episode_gates.';

create function learning.gates_pass(
  gates float8[], moves float8[], place integer default null, move float8 default null
)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if place is not null then
    moves[place] := move;
  end if;
  return gates[1] >= gates[2] + moves[1] and gates[3] <= gates[4] + moves[2]
    and gates[5] >= gates[6] + moves[3];
end
$$;
comment on function learning.gates_pass(float8[], float8[], integer, float8) is
  'Whether a window passes its recorded gates, moved as given; but the one at place, if given, by move.';

create function learning.missing_gates(gates float8[])
returns text[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  names constant text[] := array['ts_score', 'ts_min', 'halo_distance', 'halo_max', 'slope', 'slope_min'];
  missing text[] := array[]::text[];
begin
  for place in 1 .. cardinality(names) loop
    if gates[place] is null then
      missing := missing || names[place];
    end if;
  end loop;
  return missing;
end
$$;
comment on function learning.missing_gates(float8[]) is
  'Names of the factors that a window lacks for simulation.';

create function learning.episode_half(episode_id text)
returns integer
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select get_byte(decode(md5(episode_id), 'hex'), 0) & 1;
$$;
comment on function learning.episode_half(text) is
  'Half that an episode belongs to: 0 chooses a move of the gates, 1 confirms it.';

create function learning.episode_blockers(content jsonb, factors jsonb, gates float8[])
returns text[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  gate_names jsonb;
  failed_ts boolean;
  failed_slope boolean;
  failed_dx boolean;
  failed_halo boolean;
begin
  if content ->> 'decision' <> 'skipped' then
    return '{}'::text[];
  end if;
  gate_names := coalesce(nullif(content -> 'blocked_by', 'null'::jsonb), factors -> 'blocked_by');
  if jsonb_typeof(gate_names) = 'array'
    and not jsonb_path_exists(gate_names, '$[*] ? (@.type() != "string")') then
    return array(select btrim(gate.name) from jsonb_array_elements_text(gate_names) as gate(name));
  end if;
  failed_ts := coalesce(factors -> 'ts_ok' = 'false'::jsonb, false) or coalesce(gates[1] < gates[2], false);
  failed_slope :=
    coalesce(factors -> 'slope_ok' = 'false'::jsonb, false) or coalesce(gates[5] < gates[6], false);
  failed_dx := coalesce(learning.factor(factors, 'dx') < learning.factor(factors, 'dx_min'), false);
  -- The entry zone is every gate together: it tells of the halo only where no other gate explains it.
  failed_halo := not failed_ts and not failed_slope and (
    coalesce(gates[3] > gates[4], false)
    or coalesce(factors -> 'entry_zone_ok' = 'false'::jsonb, false) and not failed_dx
  );
  return array_remove(array[
    case when failed_ts then 'ts' end, case when failed_slope then 'slope' end,
    case when failed_halo then 'halo' end, case when failed_dx then 'dx' end
  ], null);
end
$$;
comment on function learning.episode_blockers(jsonb, jsonb, float8[]) is
  'Gates that held a skipped window back: as given, else those whose flag or comparison says so; halo only '
  'when ts and slope passed.';

create function learning.window_outcome(told text, decision text)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when told in ('success', 'failure', 'neutral') then told
    when decision <> 'skipped' then null
    when told = 'missed' then 'success'
    when told = 'correct_skip' then 'failure'
  end;
end
$$;
comment on function learning.window_outcome(text, text) is
  'How a window would have ended, by what is told of its episode: what was missed is success and what was '
  'rightly skipped failure, of skipped windows; null where that says nothing of it.';
