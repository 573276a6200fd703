-- A login for Grafana that reads what a viewer reads, and can write nothing. As the owner of the project, in the SQL
-- editor; to be run again after each release, which may bring tables and views. Then give it a password:
--
--     alter role grafana password '…';

do $$
declare
  granted record;
begin
  if to_regrole('edgeloop_viewer') is null then
    create role edgeloop_viewer nologin;
  end if;
  -- It comes without a token, so that no policy lets it in; what it may read is granted below, by name.
  if to_regrole('grafana') is null then
    create role grafana login bypassrls;
  end if;
  grant edgeloop_viewer to grafana;
  alter role grafana set default_transaction_read_only = on;
  alter role grafana set statement_timeout = '20s';

  grant usage on schema public, learning to edgeloop_viewer;
  for granted in
    select relation.oid::regclass as name
    from pg_class relation
    where relation.relkind in ('r', 'v') and relation.relnamespace in ('public'::regnamespace, 'learning'::regnamespace)
      -- What users with a learning role read: tables of ours, and views of ours.
      and (
        exists (
          select from pg_policy policy
          where policy.polrelid = relation.oid and policy.polname = 'read_with_learning_role'
        )
        or relation.oid = any (array[
          'public.allocation_daily', 'public.exposure_now', 'public.health_now', 'public.learning_health',
          'public.lesson_families', 'public.override_performance', 'public.sizing_daily',
          'public.timeframe_allocation_history', 'learning.override_terms'
        ]::regclass[])
      )
  loop
    execute format('grant select on %s to edgeloop_viewer', granted.name);
  end loop;
  for granted in
    select routine.oid::regprocedure as name
    from pg_proc routine
    where routine.pronamespace = 'learning'::regnamespace
      and has_function_privilege('authenticated', routine.oid, 'execute')
  loop
    execute format('grant execute on function %s to edgeloop_viewer', granted.name);
  end loop;
end
$$;
