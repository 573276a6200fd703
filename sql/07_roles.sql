-- Roles: as whom somebody asks, and whether he may.

create function learning.learning_role()
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  -- As in learning.asks_as_user.
  asking constant name := coalesce(nullif(current_setting('role', true), 'none'), session_user);
begin
  if asking not in ('anon', 'authenticated', 'service_role') then
    -- A program that signs in to the database itself, such as Grafana, brings no token, and may not read one.
    if exists (
      select from pg_auth_members membership
      join pg_roles viewers on viewers.oid = membership.roleid and viewers.rolname = 'edgeloop_viewer'
      join pg_roles member on member.oid = membership.member and member.rolname = asking
    ) then
      return 'viewer';
    end if;
  end if;
  return auth.jwt() -> 'app_metadata' ->> 'learning_role';
end
$$;
comment on function learning.learning_role() is
  'Role in the learning loop: viewer reads, pm reads and asks, operator steers besides; anything else may do '
  'nothing. It is what the token of the signed-in user says, and viewer for a member of the database role '
  'edgeloop_viewer.';

create function learning.asks_as_user()
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  -- As whom somebody came, whoever a function runs as.
  asking constant name := coalesce(nullif(current_setting('role', true), 'none'), session_user);
begin
  -- Nearly all come as one of three.
  return case
    when asking in ('anon', 'authenticated') then true
    when asking = 'service_role' then false
    else not pg_has_role(asking, 'service_role', 'usage')
      and not pg_has_role(asking, (
        select namespace.nspowner from pg_catalog.pg_namespace namespace where namespace.nspname = 'learning'
      ), 'usage')
  end;
end
$$;
comment on function learning.asks_as_user() is
  'Whether whoever asks has the rights of neither service_role nor the owner, so that the learning role '
  'decides what he may know; roles made from authenticated are users, too.';

create function learning.may_read()
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(learning.learning_role() in ('viewer', 'pm', 'operator'), false);
end
$$;
comment on function learning.may_read() is
  'Whether the learning role of the signed-in user lets him read: the one list of such roles, for every '
  'policy.';

create function learning.require_pm()
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if learning.asks_as_user() and coalesce(learning.learning_role(), '') not in ('pm', 'operator') then
    raise exception using
      errcode = '42501',
      message = 'Only users with the learning role pm may ask this',
      hint = 'Set learning_role to pm in the user''s app_metadata, then sign in again.';
  end if;
end
$$;
comment on function learning.require_pm() is
  'Refuses signed-in users whose learning role is neither pm nor operator; service_role and the owner may '
  'always ask.';

create function learning.require_operator()
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if learning.asks_as_user() and learning.learning_role() is distinct from 'operator' then
    raise exception using
      errcode = '42501',
      message = 'Only users with the learning role operator may change this',
      hint = 'Set learning_role to operator in the user''s app_metadata, then sign in again.';
  end if;
end
$$;
comment on function learning.require_operator() is
  'Refuses signed-in users whose learning role is not operator; service_role and the owner may always change '
  'what an operator may.';
