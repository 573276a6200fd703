-- The schemas: `public` is the interface, `learning` the inside that the data API does not expose.

create schema if not exists learning;
comment on schema learning is
  'Inside of Edgeloop: helpers and working tables that no client calls or builds on.';

-- Only where the extension can be created here: pg_cron, for one, lives in a single database of a server.
do $create_extensions$
begin
  if to_regnamespace('cron') is null
    and exists (select from pg_catalog.pg_available_extensions where name = 'pg_cron')
    and current_setting('cron.database_name', true) = current_database() then
    create extension pg_cron with schema pg_catalog;
  end if;
  if to_regnamespace('net') is null
    and exists (select from pg_catalog.pg_available_extensions where name = 'pg_net') then
    create extension pg_net with schema extensions;
  end if;
  if to_regnamespace('vault') is null
    and exists (select from pg_catalog.pg_available_extensions where name = 'supabase_vault') then
    create extension supabase_vault cascade;
  end if;
end
$create_extensions$;
