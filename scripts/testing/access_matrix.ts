/**
 * Who may do what, written down once: every table, view, sequence and function of `public` and `learning`. Whatever is not
 * in here fails `access.test.ts`, and so does whatever the database grants beyond it.
 *
 * @module
 */

/** Who may come, with the claims of the token they bring. */
export const ACTORS = {
  /** Nobody in particular. */
  anon: { role: "anon", claims: { role: "anon" } },
  /** Somebody who has signed in and was given no learning role. */
  authenticated: { role: "authenticated", claims: { role: "authenticated", app_metadata: {} } },
  viewer: {
    role: "authenticated",
    claims: { role: "authenticated", app_metadata: { learning_role: "viewer" } },
  },
  pm: { role: "authenticated", claims: { role: "authenticated", app_metadata: { learning_role: "pm" } } },
  operator: {
    role: "authenticated",
    claims: { role: "authenticated", app_metadata: { learning_role: "operator" } },
  },
  /** The trading system and the edge functions. */
  service_role: { role: "service_role", claims: { role: "service_role" } },
} as const;

export type Actor = keyof typeof ACTORS;

/** Claims that look like a learning role and are none: users may write some of them themselves. */
export const FORGED_CLAIMS: readonly Readonly<Record<string, unknown>>[] = [
  { user_metadata: { learning_role: "pm" } },
  { user_metadata: { app_metadata: { learning_role: "pm" } } },
  { learning_role: "pm" },
  { raw_app_meta_data: { learning_role: "pm" } },
  { app_metadata: "pm" },
  { app_metadata: '{"learning_role": "pm"}' },
  { app_metadata: ["learning_role", "pm"] },
  { app_metadata: [{ learning_role: "pm" }] },
  { app_metadata: { learning_role: ["pm"] } },
  { app_metadata: { learning_role: { pm: true } } },
  { app_metadata: { learning_role: "PM" } },
  { app_metadata: { learning_role: "pm " } },
  { app_metadata: { learning_role: "pm,viewer" } },
  { app_metadata: { learning_role: "admin" } },
  { app_metadata: { learning_role: null } },
  { app_metadata: { Learning_Role: "pm" } },
  { app_metadata: { learning_role: "service_role" } },
  { app_metadata: null, user_metadata: { learning_role: "viewer" } },
];

export const VERBS = ["select", "insert", "update", "delete", "truncate", "references", "trigger"] as const;
export type Verb = (typeof VERBS)[number];

/** Verbs granted to a database role; what is not named is not granted. */
export interface RelationRights {
  readonly authenticated: readonly Verb[];
  readonly service_role: readonly Verb[];
}

const WRITE: readonly Verb[] = ["select", "insert", "update", "delete"];
const READ: readonly Verb[] = ["select"];

/**
 * Read by those with a learning role: the grant is to everybody who signed in, row security shows rows to viewer and pm
 * alone. Written by the trading system and the edge functions.
 */
const SHOWN: RelationRights = { authenticated: READ, service_role: WRITE };
/** A view of what is shown. */
const VIEW: RelationRights = { authenticated: READ, service_role: READ };
/** For the loop itself. */
const INNER: RelationRights = { authenticated: [], service_role: WRITE };

export const RELATIONS: Readonly<Record<string, RelationRights>> = {
  "public.ad_strands": SHOWN,
  "public.exposure_history": SHOWN,
  "public.learning_alerts": SHOWN,
  "public.learning_calibration": SHOWN,
  "public.learning_configs": SHOWN,
  "public.learning_config_history": SHOWN,
  "public.learning_edge_history": SHOWN,
  "public.learning_effect_groups": SHOWN,
  "public.learning_effects": SHOWN,
  "public.learning_lessons": SHOWN,
  "public.learning_levers": SHOWN,
  "public.learning_log": SHOWN,
  "public.learning_proofs": SHOWN,
  "public.learning_regime_weights": SHOWN,
  "public.lowcap_positions": SHOWN,
  "public.pattern_episode_events": SHOWN,
  "public.pattern_trade_events": SHOWN,
  "public.pm_overrides": SHOWN,
  "public.pm_override_history": SHOWN,
  "public.pm_sizings": SHOWN,
  "public.scope_dimensions": SHOWN,
  "public.strand_receipts": SHOWN,
  "public.timeframe_allocation_steps": SHOWN,

  "public.allocation_daily": VIEW,
  "public.exposure_now": VIEW,
  "public.health_now": VIEW,
  "public.learning_health": VIEW,
  "public.learning_interface": VIEW,
  "public.learning_settings": VIEW,
  "public.learning_uplift": VIEW,
  "public.lesson_families": VIEW,
  "public.override_performance": VIEW,
  "public.pattern_scope_exposure": VIEW,
  "public.pattern_scope_stats": VIEW,
  "public.pm_sizing_audit": VIEW,
  "public.scope_exposure": VIEW,
  "public.sizing_daily": VIEW,
  "public.timeframe_allocation": VIEW,
  "public.timeframe_allocation_history": VIEW,
  "public.timeframe_allocation_outlook": VIEW,

  // What the RPCs and views above read on behalf of whoever asks.
  "learning.closed_trades": SHOWN,
  "learning.effective_configs": SHOWN,
  "learning.exposure_cells": SHOWN,
  "learning.exposure_masks": SHOWN,
  "learning.live_records": SHOWN,
  "learning.override_index_entries": SHOWN,
  "learning.override_index_groups": SHOWN,
  "learning.override_index_pairs": SHOWN,
  "learning.position_scopes": SHOWN,
  "learning.releases": SHOWN,
  "learning.scope_values": SHOWN,
  "learning.settings": SHOWN,
  "learning.uplift_figures": SHOWN,

  "learning.accepted_strands": INNER,
  "learning.acting_lessons": INNER,
  "learning.alert_requests": INNER,
  "learning.allocation_replay": INNER,
  "learning.baselines": INNER,
  "learning.calibrated_sums": INNER,
  "learning.category_days": INNER,
  "learning.category_directions": INNER,
  "learning.group_decisions": INNER,
  "learning.doorbells": INNER,
  "learning.effect_bases": INNER,
  "learning.effect_cells": INNER,
  "learning.errands": INNER,
  "learning.guest_columns": INNER,
  "learning.held_positions": INNER,
  "learning.mining_cycles": INNER,
  "learning.mining_groups": INNER,
  "learning.override_terms": SHOWN,
  "learning.pruned_subjects": INNER,
  "learning.receipt_search": INNER,
  "learning.strength_reconciliation": INNER,
  "learning.tuning_groups": INNER,
  "learning.tuning_simulations": INNER,
  "learning.watched_groups": INNER,
  "learning.withdrawn_strands": INNER,
};

/** Sequences that the service role may use; all others belong to identity columns of `public` and are nobody's. */
export const SEQUENCES: readonly string[] = [
  "learning.alert_requests_id_seq",
  "learning.doorbell_rung_at_ms",
  "learning.doorbells_id_seq",
  "learning.mining_groups_id_seq",
  "learning.override_index_groups_id_seq",
  "learning.scope_values_code_seq",
  "learning.withdrawn_strands_id_seq",
];

/** Who may call a function. */
export interface FunctionRights {
  /** Whether it may be called by whoever has signed in; what it tells them is row security's to say. */
  readonly authenticated: boolean;
  readonly service_role: boolean;
  /** Whether, of those who have signed in, it refuses all but a pm and an operator. */
  readonly pmOnly: boolean;
  /** Whether it refuses a pm, too. */
  readonly operatorOnly?: boolean;
}

const ASK: FunctionRights = { authenticated: true, service_role: true, pmOnly: true };
const STEER: FunctionRights = { ...ASK, operatorOnly: true };
const HELP: FunctionRights = { authenticated: true, service_role: true, pmOnly: false };
const SERVE: FunctionRights = { authenticated: false, service_role: true, pmOnly: false };

function rights(kind: FunctionRights, schema: string, names: string): [string, FunctionRights][] {
  return names.trim().split(/\s+/).map((name) => [`${schema}.${name}`, kind]);
}

/** By name: nothing is overloaded. */
export const FUNCTIONS: Readonly<Record<string, FunctionRights>> = Object.fromEntries([
  // What the PM asks.
  ...rights(
    ASK,
    "public",
    `compare_pm_sizing explain_pm_sizing get_dm_allocation get_pm_config get_pm_levers
      get_pm_sizing get_pm_sizing_batch match_pm_overrides take_pm_sizing take_pm_sizing_batch`,
  ),
  ...rights(
    STEER,
    "public",
    `approve_override pin_override release_override restore_overrides set_config switch_override`,
  ),
  ...rights(HELP, "public", "unified_scope"),

  // What the edge functions and the schedule call.
  ...rights(
    SERVE,
    "public",
    `apply_strands claim_mining_group claim_strands claim_tuning_simulation finish_mining_group
      finish_tuning_group prepare_mining prune_learning prune_strands read_calibration_sums
      read_category_days read_category_decisions read_claimed_strands read_edge_history
      read_experiment read_live_decisions read_mining_group read_own_direction read_scope_values
      read_tuning_lessons read_tuning_p_values read_tuning_windows reconcile_overrides
      reconcile_tuning_overrides restart_mining_group ring_edge_function save_live_records
      save_mining_progress save_own_direction save_tuning_simulations save_uplift start_mining
      start_tuning write_calibrations`,
  ),

  // What the RPCs and views call with the rights of whoever asks: they only read.
  ...rights(
    HELP,
    "learning",
    `accepted_values acted_in_s3 acting_module action_category actor actor_note acts_as_loop
      alert_health allocation_reason allocation_state answer_fault answered_rings applied_size are_dimensions
      are_shares ask_slices asks_as_user assumed_thresholds awaits_withdrawal baseline_of begin_run
      beginning blend_allocation_overrides blend_of_sums blend_overrides broadcasts calibrated_strength
      calibration_of category_cells category_sums cautious_effect cells_of change_by check_batch
      check_candidate check_scope clamp codes_by_bit concentration confidence_or_default config
      configuration_faults configured_masks configured_value contained_overrides contains_override
     count_outcomes counted crowded_full_scope crowding crowding_context decided_windows desired_shares digest
      differences_of_sizings dims_of_masks direct_window_id doorbell_health dotted_pattern_key
      due_groups dust earliest_event edge_strength edit_distance effect_basis_moved enabled_spans
      encode_scope encoded_scopes end_of_portion end_of_span episode_blockers episode_factors
      episode_gates episode_half episode_kinds events_of_closes explain_calibration
      explain_contributions explain_crowding explain_idle_overrides explain_size explain_strength
      factor fade faded failed_rings failures_of figure figures_wanted fill_of_action finite_number
      full_scope_counts gate_levers gate_movers gates_pass greatest_share has_broken_promise has_effect health history_retention
      hold_out ignored_in_words ignored_keys in_percent in_unit inbox_gaps inbox_health is_admitted
      is_held_out is_judged_in_r is_larger_move is_nested_too_deep is_number_within is_opposed
      is_over is_plain is_pruned is_reconciled is_recorded is_shadow_window is_young jobs
      judged_events kept_of kind_of_subject known_pairs label_faults last_arrival learned_kinds learned_levers
      learning_role least_edge_weight least_share legacy_keys lesson_in_words lever_stand
      list_contributions list_slices listed_dimensions live_decisions live_windows log_retention luck_among
      mask_count mask_weight matched_overrides materialization_health may_read measure_category_days
      measure_exposure measure_strand measured_effects measured_roi members_in_words
      merge_configuration merged_scope mining_health mining_settings_digest missed_rr missing_gates
      missing_secrets mode_outcome moment most_deleted_unasked move_spells most_episode_lines most_in_one_go
      multiplier_applied multiplier_bounds multiplier_within_bounds near_misses nearest_dimension
      newest_proof next_allocation next_keys normal_scope_mask normal_scope_mask_expression
      number_bytes number_of number_of_decimal offered_levers orphaned_tuning_overrides
      outcome_column outcome_read outcome_unit outcomes_of_episodes override_figures override_scope
      override_terms_query overrides_act overrides_as_of overrides_enabled own_outcomes packed
      packed_codes packed_columns packing patched percent pieces_of_subjects platform_health
      plausible_costs pnl_usd position_exposure position_scope positive_number probe_overrides
      proof_allows proof_health pruning_health quoted rarest_two rate read_candidate read_candidates
      read_subject reason reason_of_broken_promise refuse_argument refuse_large_scope refuse_scope
      regime_of registered_dimensions release replayed_closes replayed_steps require_operator
      require_pm require_possible_time retry_delay rounded scale_of_lesson scattered_dimensions
      schedule_health scope_faults scope_mask scope_value scopes_within setting_fault shadow_window
      share_moves share_of_text shares_after shares_by_timeframe short shortened side_of
      side_of_trade size_candidate size_candidates size_fault size_in_steps size_limit
      size_of_appetite sizing_context sizing_of_action sizing_retention skew_of_crowding slope_names
      slope_of specificity standing_closes start_shares status_of_found steering_column stored_webhook_fault webhook_fault webhook_payload what_is_wrong
      steering_strength strands_of_episodes strands_of_members strands_of_subject strands_of_trades
      strength_lapse_reason strength_overrides subject_of_strand subjects_to_prune sum_matches
      summary_window_digests summary_windows sums_to_calibrate tau2_of text_bytes text_of
      time_to_s3_hours told_windows touched_subjects trade_kinds trade_of_close trade_value
      trailing_mean tuning_lapse_reason tuning_lookback tuning_overrides tuning_settings_digest
      unknown_mask utc_week value_faults window_outcome windows_of_episodes with_headroom
      with_light_edges withdrawn_subjects within_bounds within_step without_dust writable_overrides`,
  ),

  // What changes something, or does so by a trigger.
  ...rights(
    SERVE,
    "learning",
    `accept_strands act_as adapt_overrides admit_listeners broadcast_overrides run_errand send_alerts
      send_digest send_to_webhook watch note_alerts note_switched_off prune_alerts add_exposure after_span apply_episode apply_episodes
      apply_subjects apply_trade apply_trades apply_what_is_missing await_approval await_claims
      await_stillness bring_in_line change_overrides check_configuration choose_due_strands
      clear_override_of_dust clear_seeds complete_direct_window create_overrides decisions
      derive_exposure derive_scope_functions disable_overrides doubt_impossible_times
      doubt_summaries end_run fill_strand_gaps find_lost_receipts follow_direct_windows follow_hand
      follow_told_windows give_receipts give_way guard_scope_dimension hold_positions
      index_changed_overrides index_new_overrides index_overrides insert_index_entries is_leased
      judge_simulations keep_effective_configuration keep_exposure_cells keep_position_scopes
      keep_what_was_pushed lease_end lease_receipts lock_or_raise lock_subjects log_allocation
      log_ended_episodes log_episodes log_figures log_ignored_keys log_incomplete_windows
      log_late_strands log_lessons log_overrides log_recorded_windows log_simulations
      log_tuning_lessons mark_groups_changed measure_baselines measure_effect_bases
      measure_positions_anew normalise_override normalise_position note_episodes note_upsert
      number_index_pairs outdate_allocation override_by_hand promise_of_key promise_of_moves propose_overrides
      prune_edge_history prune_history prune_proofs prune_sizings prune_subject prune_unlearned
      put_configuration_back put_exposure_back put_overrides_back queue_registrations rebuild
      rebuild_exposure rebuild_override_index receive_strands recode_scopes reconcile reconcile_span
      record_exposure refresh_decisions refuse_lost_lease refuse_pattern_key
      refuse_unasked_withdrawal register_missing_groups register_scope_values reindex_group
      reject_strands remember_changed_overrides remember_configuration remember_deleted_overrides
      remember_edges remember_failed_ring remember_new_overrides remember_truncated_configurations
      replay_allocation require_lease require_simulation_lease rescale_positions restart_allocation
      retry_after_failure retry_receipts retry_withdrawal return_overrides return_receipts
      return_strands ring ring_for_strands ring_or_log size_as_of standing_verdicts sweep take_back
      take_over_override take_sizings take_wheel unindex_deleted_overrides unindex_overrides
      warn_of_scattered_dimensions warn_of_shared_id warn_of_unknown_outcomes
      withdraw_changed_strands withdraw_deleted_strands withdraw_effects write_calibration
      write_effect_group write_effects write_events write_group_decisions write_lessons write_log
      write_log_hourly write_log_once_in write_normalise_override write_simulations write_trades`,
  ),
]);

/** Functions that run with their owner's rights. */
export const DEFINER_FUNCTIONS: readonly string[] = [
  "public.approve_override",
  "public.compare_pm_sizing",
  "public.pin_override",
  "public.release_override",
  "public.restore_overrides",
  "public.set_config",
  "public.switch_override",
  "public.take_pm_sizing",
  "public.take_pm_sizing_batch",
  "learning.adapt_overrides",
  "learning.add_exposure",
  "learning.broadcast_overrides",
  "learning.derive_exposure",
  "learning.derive_scope_functions",
  "learning.follow_direct_windows",
  "learning.follow_told_windows",
  "learning.health",
  "learning.hold_positions",
  "learning.index_changed_overrides",
  "learning.index_new_overrides",
  "learning.index_overrides",
  "learning.insert_index_entries",
  "learning.keep_effective_configuration",
  "learning.keep_exposure_cells",
  "learning.keep_position_scopes",
  "learning.measure_positions_anew",
  "learning.number_index_pairs",
  "learning.receive_strands",
  "learning.reindex_group",
  "learning.remember_changed_overrides",
  "learning.remember_configuration",
  "learning.remember_deleted_overrides",
  "learning.remember_new_overrides",
  "learning.remember_truncated_configurations",
  "learning.ring",
  "learning.ring_or_log",
  "learning.size_candidates",
  "learning.unindex_deleted_overrides",
  "learning.unindex_overrides",
  "learning.withdraw_changed_strands",
  "learning.withdraw_deleted_strands",
  "learning.write_normalise_override",
];
