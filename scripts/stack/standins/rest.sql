-- The data API keeps the schema in memory and hears of changes over the channel "pgrst". Watching takes a
-- superuser; without one, a change of the schema needs a restart of the stack.
create or replace function extensions.pgrst_ddl_watch() returns event_trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_catalog.pg_notify('pgrst', 'reload schema');
end
$$;
comment on function extensions.pgrst_ddl_watch() is 'Tells the data API that the schema has changed.';

do $$
begin
  create event trigger pgrst_ddl_watch on ddl_command_end execute function extensions.pgrst_ddl_watch();
  create event trigger pgrst_drop_watch on sql_drop execute function extensions.pgrst_ddl_watch();
exception when insufficient_privilege then
  null;
end
$$;
