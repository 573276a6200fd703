-- Strands: the messages of the trading system.

create table public.ad_strands (
  id text primary key default gen_random_uuid()::text,
  module text,
  kind text not null,
  position_id text,
  trade_id text,
  parent_id text,
  symbol text,
  timeframe text,
  content jsonb not null default '{}'::jsonb,
  regime_context jsonb not null default '{}'::jsonb,
  tags jsonb not null default '[]'::jsonb,
  created_at timestamptz not null default now()
);
-- Hash indexes, because a strand with an over-long identifier must be stored and rejected, not fail the
-- insert of others, and of documents, because a number in one may be a hundred thousand digits as text. Their
-- kinds are written out, for an index that asked learning.trade_kinds() would keep to the list of the day it
-- was built.
create index ad_strands_trade_idx on public.ad_strands using hash ((content -> 'trade_id'))
where kind in ('pm_action', 'dm_action', 'position_closed');
create index ad_strands_episode_idx on public.ad_strands using hash ((content -> 'episode_id'))
where kind in ('episode_window', 'episode_outcome', 'uptrend_episode_summary')
  or kind = 'pm_action' and content -> 'decision_type' = '"shadow_entry"'::jsonb;
create index ad_strands_created_at_idx on public.ad_strands (created_at);
alter table public.ad_strands enable row level security;

comment on table public.ad_strands is
  'Immutable messages of the trading system: every step taken and every trade closed.';
comment on column public.ad_strands.id is
  'Identity given by the writer; writing it twice is writing it once.';
comment on column public.ad_strands.module is 'Who wrote it: pm or dm.';
comment on column public.ad_strands.kind is
  'pm_action, dm_action, position_closed, episode_window, episode_outcome and uptrend_episode_summary are '
  'learned from; any other kind passes through untouched.';
comment on column public.ad_strands.position_id is 'Position it concerns.';
comment on column public.ad_strands.trade_id is
  'Trade it concerns, for people; learning reads the one in content.';
comment on column public.ad_strands.parent_id is 'Strand that it answers.';
comment on column public.ad_strands.symbol is 'Token, for people.';
comment on column public.ad_strands.timeframe is 'Timeframe of the position.';
comment on column public.ad_strands.content is 'The message itself; its shape depends on the kind.';
comment on column public.ad_strands.regime_context is 'Market regime at the time of the event.';
comment on column public.ad_strands.tags is 'Free labels.';
comment on column public.ad_strands.created_at is 'When the event happened.';

-- Lists rather than a test of one kind: as constants they are part of a plan and cost nothing for each row.
create function learning.trade_kinds()
returns text[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return array['pm_action', 'dm_action', 'position_closed'];
end
$$;
comment on function learning.trade_kinds() is
  'Kinds of the strands that tell of a trade, which they name in content.';

create function learning.episode_kinds()
returns text[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return array['episode_window', 'episode_outcome', 'uptrend_episode_summary'];
end
$$;
comment on function learning.episode_kinds() is
  'Kinds of the strands that tell of an episode, which they name in content.';

create function learning.learned_kinds()
returns text[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return learning.trade_kinds() || learning.episode_kinds();
end
$$;
comment on function learning.learned_kinds() is
  'Kinds of the strands that learning reads; any other kind passes through untouched.';

create function learning.earliest_event()
returns timestamptz
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return '2000-01-01T00:00:00Z'::timestamptz;
end
$$;
comment on function learning.earliest_event() is
  'Time before which nothing that is learned from can have happened.';
