-- Access: who may do what. Everything is revoked first, then granted by name.

create function learning.learning_role()
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return auth.jwt() -> 'app_metadata' ->> 'learning_role';
end
$$;
comment on function learning.learning_role() is
  'Role of the signed-in user in the learning loop: viewer reads, pm reads and asks; anything else may do nothing.';

create function learning.asks_as_user()
returns boolean
language plpgsql
stable
set search_path = ''
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
      and not pg_has_role(asking, (select held.relowner from pg_catalog.pg_class held where held.oid = 'public.pm_overrides'::regclass), 'usage')
  end;
end
$$;
comment on function learning.asks_as_user() is
  'Whether whoever asks has the rights of neither service_role nor the owner, so that the learning role decides what he may know; roles made from authenticated are users, too.';

create function learning.require_pm()
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if learning.asks_as_user() and learning.learning_role() is distinct from 'pm' then
    raise exception using
      errcode = '42501',
      message = 'Only users with the learning role pm may ask this',
      hint = 'Set learning_role to pm in the user''s app_metadata, then sign in again.';
  end if;
end
$$;
comment on function learning.require_pm() is 'Refuses signed-in users whose learning role is not pm; service_role and the owner may always ask.';

-- Only what this project made: other tables of the database keep their grants. Defaults of older projects grant new objects
-- to anon and authenticated, those of newer ones to nobody; after this both are the same.
revoke all on schema learning from public, anon, authenticated, service_role;
revoke all on all tables in schema learning from public, anon, authenticated, service_role;
revoke all on all sequences in schema learning from public, anon, authenticated, service_role;
revoke all on all functions in schema learning from public, anon, authenticated, service_role;
grant usage on schema learning to authenticated, service_role;
grant usage on schema public to authenticated, service_role;

do $grant_tables$
declare
  relation regclass;
begin
  -- Users with a learning role read these; the edge functions and the trading system, as service_role, write them.
  foreach relation in array array[
    'public.ad_strands', 'public.strand_receipts', 'public.lowcap_positions', 'public.scope_dimensions', 'public.pattern_trade_events',
    'public.pattern_episode_events', 'public.learning_lessons', 'public.learning_edge_history', 'public.pm_overrides',
    'public.timeframe_allocation_steps', 'public.learning_levers', 'public.learning_configs', 'public.learning_log'
  ]::regclass[] loop
    execute format('revoke all on %s from public, anon, authenticated, service_role', relation);
    execute format('grant select on %s to authenticated', relation);
    execute format('grant select, insert, update, delete on %s to service_role', relation);
    execute format(
      'create policy read_with_learning_role on %s for select to authenticated using ((select learning.learning_role()) in (''viewer'', ''pm''))',
      relation);
  end loop;

  -- Identity columns need no rights on their sequences, but older projects grant them all the same.
  for relation in
    select owned.objid::regclass
    from pg_catalog.pg_depend owned
    join pg_catalog.pg_class sequence on sequence.oid = owned.objid and sequence.relkind = 'S'
    where owned.deptype = 'i' and owned.refobjid = any (array[
      'public.pattern_trade_events', 'public.pattern_episode_events', 'public.learning_lessons', 'public.pm_overrides', 'public.learning_log'
    ]::regclass[]::oid[])
  loop
    execute format('revoke all on sequence %s from public, anon, authenticated, service_role', relation);
  end loop;

  foreach relation in array array[
    'public.pattern_scope_stats', 'public.scope_exposure', 'public.pattern_scope_exposure', 'public.timeframe_allocation',
    'public.timeframe_allocation_history', 'public.timeframe_allocation_outlook', 'public.learning_health', 'public.pm_sizing_audit'
  ]::regclass[] loop
    execute format('revoke all on %s from public, anon, authenticated, service_role', relation);
    execute format('grant select on %s to authenticated, service_role', relation);
  end loop;

  -- What the RPCs and views read on behalf of a user with a learning role.
  foreach relation in array array[
    'learning.closed_trades', 'learning.effective_configs', 'learning.exposure_cells', 'learning.exposure_masks', 'learning.override_filings',
    'learning.override_groups', 'learning.override_pairs', 'learning.position_scopes', 'learning.releases', 'learning.settings'
  ]::regclass[] loop
    execute format('grant select on %s to authenticated', relation);
    execute format(
      'create policy read_with_learning_role on %s for select to authenticated using ((select learning.learning_role()) in (''viewer'', ''pm''))',
      relation);
  end loop;
end
$grant_tables$;

grant select on learning.override_terms to authenticated;
grant select, insert, update, delete on all tables in schema learning to service_role;
grant usage, select, update on all sequences in schema learning to service_role;

do $grant_functions$
declare
  routine regprocedure;
begin
  foreach routine in array array[
    'public.unified_scope(jsonb, jsonb, jsonb)',
    'public.get_pm_sizing(text, text, jsonb, float8, float8, float8, timestamptz)',
    'public.get_pm_sizing_batch(jsonb)',
    'public.explain_pm_sizing(text, text, jsonb, float8, float8, float8, timestamptz)',
    'public.match_pm_overrides(text, text, jsonb)',
    'public.get_pm_levers(text, text, jsonb)',
    'public.get_pm_config()',
    'public.get_dm_allocation(text, jsonb)'
  ]::regprocedure[] loop
    execute format('revoke all on function %s from public, anon, authenticated, service_role', routine);
    execute format('grant execute on function %s to authenticated, service_role', routine);
  end loop;

  -- For the edge functions alone.
  foreach routine in array array[
    'public.ring_edge_function(text, jsonb, integer)',
    'public.claim_strands(integer)',
    'public.apply_strands(jsonb, jsonb)',
    'public.start_mining(text)',
    'public.claim_mining_group(text)',
    'public.read_mining_group(bigint)',
    'public.read_module_trades(text)',
    'public.read_scope_values(integer[])',
    'public.read_edge_history(bigint)',
    'public.save_mining_progress(bigint, uuid, jsonb)',
    'public.restart_mining_group(bigint, uuid)',
    'public.finish_mining_group(bigint, uuid, jsonb)',
    'public.reconcile_overrides(bigint, integer)',
    'public.start_tuning()',
    'public.read_tuning_windows(bigint, timestamptz, jsonb, integer, boolean)',
    'public.finish_tuning_group(bigint, uuid, jsonb, timestamptz)',
    'public.claim_tuning_simulation()',
    'public.read_tuning_lessons(bigint, bigint, integer)',
    'public.save_tuning_simulations(bigint, uuid, jsonb, bigint, text)',
    'public.read_tuning_p_values()',
    'public.reconcile_tuning_overrides(bigint, integer, float8, integer)',
    'public.prune_learning(integer)'
  ]::regprocedure[] loop
    execute format('revoke all on function %s from public, anon, authenticated, service_role', routine);
    execute format('grant execute on function %s to service_role', routine);
  end loop;

  -- They ask for the learning role themselves.
  grant execute on function learning.health() to authenticated;
  grant execute on function learning.size_candidates(learning.candidate[]) to authenticated;

  -- The inner functions that only read: the RPCs call them with the caller's rights.
  for routine in
    select inner_function.oid::regprocedure
    from pg_catalog.pg_proc inner_function
    where inner_function.pronamespace = 'learning'::regnamespace
      and inner_function.provolatile <> 'v' and not inner_function.prosecdef
  loop
    execute format('grant execute on function %s to authenticated', routine);
  end loop;
end
$grant_functions$;
grant execute on all functions in schema learning to service_role;
