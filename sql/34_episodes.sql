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
  gates float8[]
);
create index pattern_episode_events_episode_idx on public.pattern_episode_events (episode_id);
create index pattern_episode_events_pattern_idx
on public.pattern_episode_events (pattern_key, occurred_at, id)
where outcome is not null;
create index pattern_episode_events_decided_idx on public.pattern_episode_events (occurred_at)
where outcome is not null;
alter table public.pattern_episode_events enable row level security;
comment on table public.pattern_episode_events is
  'One row per episode window: what the entry gates saw and how it would have ended.';
comment on column public.pattern_episode_events.id is 'Identity.';
comment on column public.pattern_episode_events.strand_id is 'The window.';
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

create function learning.factor(factors jsonb, key text)
returns float8
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  -- Keys that are let through unjudged may hold anything.
  select case when jsonb_typeof(factors -> key) = 'number' then
    case when abs((factors ->> key)::numeric) <= 1e12 then learning.number_of(factors, key) end
  end;
$$;
comment on function learning.factor(jsonb, text) is
  'A number among a window''s factors; null where there is none.';

create function learning.episode_factors(content jsonb)
returns jsonb
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce((
      select jsonb_object_agg(flag.name, content #> array['flags', flag.name])
      from (values ('ts_ok'), ('slope_ok'), ('entry_zone_ok')) as flag(name)
      where jsonb_typeof(content #> array['flags', flag.name]) = 'boolean'
    ), '{}'::jsonb)
    || case when content ->> 'decision' = 'acted' then coalesce((
      select jsonb_object_agg(score.name || '_acted', content #> array['sample', score.name])
      from (values ('ts_score'), ('halo_distance'), ('slope')) as score(name)
      where jsonb_typeof(content #> array['sample', score.name]) = 'number'
    ), '{}'::jsonb) else '{}'::jsonb end
    || jsonb_strip_nulls(coalesce(content -> 'factors', '{}'::jsonb));
$$;
comment on function learning.episode_factors(jsonb) is
  'What the gates of a window saw: its factors, and from the rest of the content its flags and the sample '
  'it acted on, where the factors do not say.';

create function learning.episode_gates(decision text, factors jsonb)
returns float8[]
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  -- An acted window's factors sum up what was seen until then; its sample is what the gates let through.
  select array[
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
      learning.factor(factors, 'slope')
    ),
    learning.factor(factors, 'slope_min')
  ];
$$;
comment on function learning.episode_gates(text, jsonb) is
  'What the movable gates of a window compared: ts_score, ts_min, halo_distance, halo_max, slope, '
  'slope_min; null each where it is missing.';

create function learning.missing_gates(gates float8[])
returns text[]
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(gate.name order by gate.place) filter (where gate.number is null), '{}')
  from unnest('{ts_score,ts_min,halo_distance,halo_max,slope,slope_min}'::text[], gates) with ordinality
    as gate(name, number, place);
$$;
comment on function learning.missing_gates(float8[]) is
  'Names of the factors that a window lacks for simulation.';

create function learning.episode_blockers(content jsonb, factors jsonb, gates float8[])
returns text[]
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when content ->> 'decision' <> 'skipped' then '{}'
    when jsonb_typeof(given.gate_names) = 'array'
      and not jsonb_path_exists(given.gate_names, '$[*] ? (@.type() != "string")')
      then array(select btrim(gate.name) from jsonb_array_elements_text(given.gate_names) as gate(name))
    else array_remove(array[
      case when failed.ts then 'ts' end,
      case when failed.slope then 'slope' end,
      -- The entry zone is every gate together: it tells of the halo only where no other gate explains it.
      case
        when not failed.ts and not failed.slope and (failed.halo or failed.entry_zone and not failed.dx)
          then 'halo'
      end,
      case when failed.dx then 'dx' end
    ], null)
  end
  from (
    select coalesce(nullif(content -> 'blocked_by', 'null'::jsonb), factors -> 'blocked_by') as gate_names
  ) as given,
  (
    select coalesce(factors -> 'ts_ok' = 'false'::jsonb, false) or coalesce(gates[1] < gates[2], false) as ts,
      coalesce(gates[3] > gates[4], false) as halo,
      coalesce(factors -> 'slope_ok' = 'false'::jsonb, false)
        or coalesce(gates[5] < gates[6], false) as slope,
      coalesce(factors -> 'entry_zone_ok' = 'false'::jsonb, false) as entry_zone,
      coalesce(learning.factor(factors, 'dx') < learning.factor(factors, 'dx_min'), false) as dx
  ) as failed;
$$;
comment on function learning.episode_blockers(jsonb, jsonb, float8[]) is
  'Gates that held a skipped window back: as given, else those whose flag or comparison says so; halo only '
  'when ts and slope passed.';
