-- Shares of timeframes: the bounds within which a share moves and may be configured.

create function learning.least_share()
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return 0.02;
end
$$;
comment on function learning.least_share() is
  'Smallest share of a token''s allocation that a timeframe may have.';

create function learning.greatest_share()
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return 0.96;
end
$$;
comment on function learning.greatest_share() is
  'Largest share of a token''s allocation that a timeframe may have.';
