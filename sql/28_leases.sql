-- Leases: of many invocations one works on a group. It writes a token and an end into the group's row
-- (lease_token, leased_until), shows the token whenever it writes, and what it has not finished by then is
-- another's.

create function learning.lease_end()
returns timestamptz
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  return clock_timestamp() + interval '60 seconds';
end
$$;
comment on function learning.lease_end() is
  'Until when a lease holds that is taken or prolonged now: a minute.';

create function learning.is_leased(leased_until timestamptz)
returns boolean
language plpgsql
volatile
-- Nearly all are null: they are not even called about.
strict
set search_path = pg_catalog, pg_temp
as $$
begin
  return leased_until > clock_timestamp();
end
$$;
comment on function learning.is_leased(timestamptz) is
  'Whether somebody is at work under a lease that ends then; null where it was given back.';

create function learning.refuse_lost_lease(lease_token uuid, work text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = '55P03',
    message = format('Lease %s on %s is no longer held', lease_token, work),
    hint = 'Another invocation took the group over; stop and claim another one.';
end
$$;
comment on function learning.refuse_lost_lease(uuid, text) is
  'Refuses what an invocation writes whose lease passed on; work names the group.';
