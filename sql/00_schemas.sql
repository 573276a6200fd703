-- The schemas: `public` is the interface, `learning` the inside that the data API does not expose.

-- A draft from before the first release is nothing that an upgrade starts from.
do $refuse_drafts$
begin
  if to_regnamespace('learning') is not null and not exists (
    select
    from pg_catalog.pg_class relation
    where relation.relnamespace = to_regnamespace('learning') and relation.relname = 'releases'
  ) then
    raise exception using
      errcode = '55000',
      message = 'This database holds a draft of Edgeloop from before 0.1.0, which cannot be upgraded: '
        || 'push to a new project and write your strands, positions and configuration there, '
        || 'from which everything else is learned again',
      detail = 'Schema learning is there, and has no table of releases.',
      hint = 'To stay in this database, copy ad_strands, lowcap_positions, learning_configs and hand-made '
        || 'pm_overrides, run "drop schema learning cascade", drop what Edgeloop made in public, and push '
        || 'again.';
  end if;
end
$refuse_drafts$;

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
