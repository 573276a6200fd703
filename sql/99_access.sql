-- Access: who may do what. Everything is revoked first, then granted by name.

-- Only what this project made: other tables of the database keep their grants. Defaults of older projects
-- grant new objects to anon and authenticated, those of newer ones to nobody; after this both are the same.
revoke all on schema learning from public, anon, authenticated, service_role;
revoke all on all tables in schema learning from public, anon, authenticated, service_role;
revoke all on all sequences in schema learning from public, anon, authenticated, service_role;
revoke all on all functions in schema learning from public, anon, authenticated, service_role;
grant usage on schema learning to authenticated, service_role;
grant usage on schema public to authenticated, service_role;

do $grant_tables$
declare
  -- Users with a learning role read these; the edge functions and the trading system write them.
  shown_tables constant regclass[] := array[
    'public.ad_strands',
    'public.exposure_history',
    'public.learning_alerts',
    'public.learning_calibration',
    'public.learning_config_history',
    'public.learning_configs',
    'public.learning_edge_history',
    'public.learning_effect_groups',
    'public.learning_effects',
    'public.learning_lessons',
    'public.learning_levers',
    'public.learning_log',
    'public.learning_proofs',
    'public.learning_regime_weights',
    'public.lowcap_positions',
    'public.pattern_episode_events',
    'public.pattern_trade_events',
    'public.pm_override_history',
    'public.pm_overrides',
    'public.pm_sizings',
    'public.scope_dimensions',
    'public.strand_receipts',
    'public.timeframe_allocation_steps'
  ]::regclass[];
  views constant regclass[] := array[
    'public.allocation_daily',
    'public.exposure_now',
    'public.health_now',
    'public.learning_health',
    'public.learning_interface',
    'public.learning_settings',
    'public.learning_uplift',
    'public.lesson_families',
    'public.override_performance',
    'public.pattern_scope_exposure',
    'public.pattern_scope_stats',
    'public.pm_sizing_audit',
    'public.scope_exposure',
    'public.sizing_daily',
    'public.timeframe_allocation',
    'public.timeframe_allocation_history',
    'public.timeframe_allocation_outlook'
  ]::regclass[];
  -- What the RPCs and views read on behalf of a user with a learning role.
  inner_tables constant regclass[] := array[
    'learning.closed_trades',
    'learning.effective_configs',
    'learning.exposure_cells',
    'learning.exposure_masks',
    'learning.live_records',
    'learning.override_index_entries',
    'learning.override_index_groups',
    'learning.override_index_pairs',
    'learning.position_scopes',
    'learning.releases',
    'learning.scope_values',
    'learning.settings',
    'learning.uplift_figures'
  ]::regclass[];
  inner_views constant regclass[] := array['learning.override_terms']::regclass[];
  relation regclass;
begin
  foreach relation in array shown_tables || views loop
    execute format('revoke all on %s from public, anon, authenticated, service_role', relation);
  end loop;
  -- Identity columns need no rights on their sequences, but older projects grant them all the same.
  for relation in
    select owned.objid::regclass
    from pg_catalog.pg_depend owned
    join pg_catalog.pg_class sequence on sequence.oid = owned.objid and sequence.relkind = 'S'
    where owned.deptype = 'i' and owned.refobjid = any (shown_tables::oid[])
  loop
    execute format('revoke all on sequence %s from public, anon, authenticated, service_role', relation);
  end loop;

  foreach relation in array shown_tables || views || inner_tables || inner_views loop
    execute format('grant select on %s to authenticated', relation);
  end loop;
  foreach relation in array shown_tables || inner_tables loop
    execute format(
      'create policy read_with_learning_role on %s for select to authenticated '
        'using ((select learning.may_read()))',
      relation
    );
  end loop;
  foreach relation in array shown_tables loop
    execute format('grant select, insert, update, delete on %s to service_role', relation);
  end loop;
  foreach relation in array views loop
    execute format('grant select on %s to service_role', relation);
  end loop;
end
$grant_tables$;
grant select, insert, update, delete on all tables in schema learning to service_role;
grant usage, select, update on all sequences in schema learning to service_role;

do $grant_functions$
declare
  -- They ask for the learning role themselves.
  questions constant regprocedure[] := array[
    'public.approve_override(bigint, text)',
    'public.compare_pm_sizing(text, text, jsonb, timestamptz, timestamptz, float8, float8)',
    'public.explain_pm_sizing(text, text, jsonb, float8, float8, float8, timestamptz)',
    'public.get_dm_allocation(text, jsonb)',
    'public.get_pm_config()',
    'public.get_pm_levers(text, text, jsonb)',
    'public.get_pm_sizing(text, text, jsonb, float8, float8, float8, timestamptz)',
    'public.get_pm_sizing_batch(jsonb)',
    'public.match_pm_overrides(text, text, jsonb)',
    'public.pin_override(bigint, jsonb, text)',
    'public.release_override(bigint, text)',
    'public.restore_overrides(timestamptz, text)',
    'public.set_config(text, jsonb, text)',
    'public.switch_override(bigint, boolean, text)',
    'public.take_pm_sizing(text, text, jsonb, float8, float8, float8, timestamptz, text)',
    'public.take_pm_sizing_batch(jsonb)',
    'public.unified_scope(jsonb, jsonb, jsonb)'
  ]::regprocedure[];
  inner_questions constant regprocedure[] := array[
    'learning.health()',
    'learning.size_candidates(learning.candidate[])'
  ]::regprocedure[];
  -- For the edge functions and the schedule alone.
  services constant regprocedure[] := array[
    'public.apply_strands(jsonb, jsonb)',
    'public.claim_mining_group(text)',
    'public.claim_strands(integer)',
    'public.claim_tuning_simulation()',
    'public.finish_mining_group(bigint, uuid, jsonb, jsonb)',
    'public.finish_tuning_group(bigint, uuid, jsonb, timestamptz)',
    'public.prepare_mining(float8)',
    'public.prune_learning(integer)',
    'public.prune_strands(timestamptz)',
    'public.read_category_days(bigint)',
    'public.read_calibration_sums()',
    'public.read_claimed_strands(jsonb)',
    'public.read_edge_history(bigint)',
    'public.read_experiment()',
    'public.read_live_decisions(bigint, bigint, integer)',
    'public.read_mining_group(bigint)',
    'public.read_own_direction(bigint)',
    'public.read_category_decisions(text, text)',
    'public.read_scope_values(integer[])',
    'public.read_tuning_lessons(bigint, bigint, integer)',
    'public.read_tuning_p_values()',
    'public.read_tuning_windows(bigint, timestamptz, jsonb, integer, boolean)',
    'public.reconcile_overrides(bigint, integer, integer)',
    'public.reconcile_tuning_overrides(bigint, integer, float8, integer)',
    'public.restart_mining_group(bigint, uuid)',
    'public.ring_edge_function(text, jsonb, integer)',
    'public.save_own_direction(bigint, float8, float8)',
    'public.save_live_records(jsonb, jsonb)',
    'public.save_mining_progress(bigint, uuid, jsonb)',
    'public.save_uplift(jsonb)',
    'public.save_tuning_simulations(bigint, uuid, jsonb, bigint, text)',
    'public.start_mining(text)',
    'public.start_tuning()',
    'public.write_calibrations(jsonb)'
  ]::regprocedure[];
  -- The inner functions that only read: the RPCs call them with the caller's rights.
  readers constant regprocedure[] := array(
    select inner_function.oid::regprocedure
    from pg_catalog.pg_proc inner_function
    where inner_function.pronamespace = 'learning'::regnamespace
      and inner_function.provolatile <> 'v' and not inner_function.prosecdef
  );
  routine regprocedure;
begin
  foreach routine in array questions || services loop
    execute format('revoke all on function %s from public, anon, authenticated, service_role', routine);
  end loop;
  foreach routine in array questions || inner_questions || readers loop
    execute format('grant execute on function %s to authenticated', routine);
  end loop;
  foreach routine in array questions || services loop
    execute format('grant execute on function %s to service_role', routine);
  end loop;
end
$grant_functions$;
grant execute on all functions in schema learning to service_role;
