-- Actors: who changes what people and the loop both may change.

create function learning.act_as(actor text, run text default '')
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform set_config('learning.actor', actor, true);
  perform set_config('learning.run', run, true);
end
$$;
comment on function learning.act_as(text, text) is
  'Names who changes things from here on in this transaction, and in which run: loop within the loop''s own '
  'RPCs, which give it back as '''' when they end. Whoever is not named is a person.';

create function learning.acts_as_loop()
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return current_setting('learning.actor', true) is not distinct from 'loop';
end
$$;
comment on function learning.acts_as_loop() is 'Whether the loop has named itself; anybody else is a person.';

create function learning.actor()
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(
    nullif(current_setting('learning.actor', true), ''),
    nullif(auth.jwt() ->> 'email', ''),
    nullif(auth.jwt() ->> 'sub', ''),
    -- As whom somebody came, whoever a function runs as.
    nullif(current_setting('role', true), 'none'),
    session_user
  );
end
$$;
comment on function learning.actor() is
  'Who is at work: loop, else the signed-in user''s mail address or id, else the role of the database.';

create function learning.actor_note(setting text)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return nullif(current_setting('learning.' || setting, true), '');
end
$$;
comment on function learning.actor_note(text) is
  'What whoever is at work says of it in this transaction: the run (learning.run) or the reason '
  '(learning.reason); null where he says nothing.';

create function learning.history_retention()
returns interval
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return interval '400 days';
end
$$;
comment on function learning.history_retention() is
  'How long it is kept who changed overrides and configuration.';
