-- Positions: what the book holds and intends to hold.

create table public.lowcap_positions (
  id uuid primary key default gen_random_uuid(),
  token_chain text not null,
  token_contract text not null,
  token_ticker text,
  timeframe text not null,
  status text not null default 'dormant'
    check (status in ('dormant', 'watchlist', 'active', 'paused', 'archived', 'shadow', 'regime_driver')),
  state text check (state in ('S0', 'S1', 'S2', 'S3', 'S4')),
  current_trade_id text,
  total_allocation_pct float8 not null default 0 check (total_allocation_pct between 0 and 100),
  pattern_key text,
  entry_context jsonb not null default '{}'::jsonb,
  completed_trades jsonb not null default '[]'::jsonb,
  updated_at timestamptz not null default now(),
  book_id text,
  current_usd_value float8 check (current_usd_value between -1e12 and 1e12),
  unique (token_contract, token_chain, timeframe)
);
create index lowcap_positions_status_idx on public.lowcap_positions (status);
alter table public.lowcap_positions enable row level security;

comment on table public.lowcap_positions is
  'One position per token and timeframe: what the book holds and intends to hold.';
comment on column public.lowcap_positions.id is 'Identity.';
comment on column public.lowcap_positions.token_chain is 'Chain of the token.';
comment on column public.lowcap_positions.token_contract is 'Contract of the token.';
comment on column public.lowcap_positions.token_ticker is 'Ticker, for people.';
comment on column public.lowcap_positions.timeframe is 'Timeframe the position is traded on.';
comment on column public.lowcap_positions.status is
  'Watchlist and active positions count as exposure; dormant ones share in reallocation; '
  'paused, archived, shadow and regime_driver ones do neither.';
comment on column public.lowcap_positions.state is 'State of the trend, S0 to S4.';
comment on column public.lowcap_positions.current_trade_id is 'Open trade, if any.';
comment on column public.lowcap_positions.total_allocation_pct is
  'Intended capital, whatever is filled, in the unit that allocation_unit of the decision maker names: a '
  'fraction of the book or a percentage; nearer to 0 than 1e-12 it is 0.';
comment on column public.lowcap_positions.pattern_key is 'Behaviour that holds the position, dotted.';
comment on column public.lowcap_positions.entry_context is 'Context when the token was approved.';
comment on column public.lowcap_positions.completed_trades is
  'Closed trades of the position, as the writer keeps them.';
comment on column public.lowcap_positions.updated_at is 'When the row changed last.';
comment on column public.lowcap_positions.book_id is
  'Book that holds the position; part of its scope where book_id is a dimension.';
comment on column public.lowcap_positions.current_usd_value is
  'What the position holds in USD, if known: its exposure where exposure.measure is value.';

create function learning.refuse_pattern_key()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = '22023',
    message = format('A pattern_key must have at most %s characters and has %s: %s',
      learning.size_limit('pattern_key_characters'), length(new.pattern_key),
      learning.quoted(new.pattern_key)),
    hint = 'Shorten the pattern_key; the row was not written.';
end
$$;
comment on function learning.refuse_pattern_key() is 'Refuses a row whose pattern key is too long.';
create trigger guard_new_pattern_key before insert on public.lowcap_positions
for each row when (length(new.pattern_key) > learning.size_limit('pattern_key_characters'))
execute function learning.refuse_pattern_key();
comment on trigger guard_new_pattern_key on public.lowcap_positions is 'No pattern key is too long.';
create trigger guard_changed_pattern_key before update on public.lowcap_positions
for each row when (
  new.pattern_key is distinct from old.pattern_key
  and length(new.pattern_key) > learning.size_limit('pattern_key_characters')
)
execute function learning.refuse_pattern_key();
comment on trigger guard_changed_pattern_key on public.lowcap_positions is
  'No pattern key becomes too long; one that was written before there was a limit stays.';

create function learning.normalise_position()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.pattern_key := learning.dotted_pattern_key(new.pattern_key);
  -- A writer that sends every column sends null where it knows nothing.
  new.total_allocation_pct := coalesce(learning.without_dust(new.total_allocation_pct), 0);
  new.entry_context := coalesce(new.entry_context, '{}');
  new.completed_trades := coalesce(new.completed_trades, '[]');
  new.updated_at := coalesce(new.updated_at, now());
  if tg_op = 'UPDATE' and new is distinct from old then
    new.updated_at := now();
  end if;
  return new;
end
$$;
comment on function learning.normalise_position() is
  'Stores pattern keys dotted, no allocation that is next to nothing and no nulls, and notes when a position '
  'changed.';
create trigger normalise_position before insert or update on public.lowcap_positions
for each row execute function learning.normalise_position();
comment on trigger normalise_position on public.lowcap_positions is
  'Stores pattern keys dotted, no allocation that is next to nothing and no nulls, and notes when a position '
  'changed.';
