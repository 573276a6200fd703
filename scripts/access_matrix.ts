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
  "public.learning_configs": SHOWN,
  "public.learning_edge_history": SHOWN,
  "public.learning_lessons": SHOWN,
  "public.learning_levers": SHOWN,
  "public.learning_log": SHOWN,
  "public.lowcap_positions": SHOWN,
  "public.pattern_episode_events": SHOWN,
  "public.pattern_trade_events": SHOWN,
  "public.pm_overrides": SHOWN,
  "public.scope_dimensions": SHOWN,
  "public.strand_receipts": SHOWN,
  "public.timeframe_allocation_steps": SHOWN,

  "public.learning_health": VIEW,
  "public.pattern_scope_exposure": VIEW,
  "public.pattern_scope_stats": VIEW,
  "public.pm_sizing_audit": VIEW,
  "public.scope_exposure": VIEW,
  "public.timeframe_allocation": VIEW,
  "public.timeframe_allocation_history": VIEW,
  "public.timeframe_allocation_outlook": VIEW,

  // What the RPCs and views above read on behalf of whoever asks.
  "learning.closed_trades": SHOWN,
  "learning.effective_configs": SHOWN,
  "learning.exposure_cells": SHOWN,
  "learning.exposure_masks": SHOWN,
  "learning.override_index_entries": SHOWN,
  "learning.override_index_groups": SHOWN,
  "learning.override_index_pairs": SHOWN,
  "learning.position_scopes": SHOWN,
  "learning.releases": SHOWN,
  "learning.settings": SHOWN,

  "learning.accepted_strands": INNER,
  "learning.allocation_replay": INNER,
  "learning.baselines": INNER,
  "learning.doorbells": INNER,
  "learning.held_positions": INNER,
  "learning.mining_cycles": INNER,
  "learning.mining_groups": INNER,
  "learning.override_terms": SHOWN,
  "learning.scope_values": INNER,
  "learning.tuning_groups": INNER,
  "learning.tuning_simulations": INNER,
};

/** Sequences that the service role may use; all others belong to identity columns of `public` and are nobody's. */
export const SEQUENCES: readonly string[] = [
  "learning.doorbell_rung_at_ms",
  "learning.doorbells_id_seq",
  "learning.mining_groups_id_seq",
  "learning.override_index_groups_id_seq",
  "learning.scope_values_code_seq",
];

/** Who may call a function. */
export interface FunctionRights {
  /** Whether it may be called by whoever has signed in; what it tells them is row security's to say. */
  readonly authenticated: boolean;
  readonly service_role: boolean;
  /** Whether, of those who have signed in, it refuses all but a pm. */
  readonly pmOnly: boolean;
}

const ASK: FunctionRights = { authenticated: true, service_role: true, pmOnly: true };
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
    `explain_pm_sizing get_dm_allocation get_pm_config get_pm_levers get_pm_sizing get_pm_sizing_batch match_pm_overrides`,
  ),
  ...rights(HELP, "public", "unified_scope"),

  // What the edge functions and the schedule call.
  ...rights(
    SERVE,
    "public",
    `apply_strands claim_mining_group claim_strands claim_tuning_simulation finish_mining_group finish_tuning_group
     prune_learning read_edge_history read_mining_group read_module_trades read_scope_values read_tuning_lessons
     read_tuning_p_values read_tuning_windows reconcile_overrides reconcile_tuning_overrides restart_mining_group
     ring_edge_function save_mining_progress save_tuning_simulations start_mining start_tuning`,
  ),

  // What the RPCs and views call with the rights of whoever asks: they only read.
  ...rights(
    HELP,
    "learning",
    `accepted_values allocation_reason allocation_state answer_fault applied_size are_shares asks_as_user
     baseline_of begin_run blend_allocation_overrides blend_of_sums blend_overrides cells_of
     check_candidate clamp concentration confidence_or_default config configuration_faults
     configured_masks configured_value contained_overrides contains_override count_outcomes counted
     crowded_full_scope crowding crowding_context desired_shares dims_of_masks document_bytes
     doorbell_health dotted_pattern_key due_groups edge_strength encode_scope end_of_portion
     episode_blockers episode_factors episode_gates episode_half episode_kinds events_of_close
     explain_contributions explain_crowding explain_idle_overrides explain_size explain_strength factor
     fade faded failures_of figure finite_number full_scope_counts greatest_share health in_percent
     inbox_health is_admitted is_number_within jobs learned_kinds learned_levers learning_role
     least_edge_weight least_share lever_stand list_contributions log_retention luck_among mask_weight
     matched_overrides materialization_health may_read measure_exposure measured_roi merge_configuration
     mining_health mining_settings_digest missing_gates missing_secrets mode_outcome moment
     most_episode_lines multiplier_bounds multiplier_within_bounds near_misses next_allocation
     normal_scope_mask normal_scope_mask_expression number_of number_of_decimal offered_levers
     outcome_of_episode override_figures override_scope override_terms_query overrides_act
     overrides_enabled packed packed_codes packed_columns packing position_scope probe_overrides
     pruning_health quoted rarest_two rate read_candidate read_candidates refuse_argument
     registered_dimensions release replayed_closes replayed_steps require_pm retry_delay rounded
     schedule_health scope_faults scope_mask scope_value scopes_within setting_fault share_moves
     shares_after shares_by_timeframe short shortened size_candidate size_candidates size_of_appetite
     sizing_context skew_of_crowding specificity standing_close start_shares status_of_found
     steering_strength strength_lapse_reason strength_overrides sum_matches touched_subjects trade_kinds
     trade_of_close tuning_lapse_reason tuning_lookback tuning_overrides tuning_settings_digest
     unknown_mask windows_of_episode with_headroom with_light_edges within_bounds within_step
     without_dust`,
  ),

  // What changes something, or does so by a trigger.
  ...rights(
    SERVE,
    "learning",
    `accept_strands adapt_overrides add_exposure apply_episode apply_subjects apply_trade await_claims
     check_configuration choose_due_strands clear_override_of_dust derive_exposure derive_scope_functions
     disable_overrides end_run guard_scope_dimension hold_positions index_changed_overrides
     index_new_overrides index_overrides insert_index_entries is_leased judge_simulations
     keep_effective_configuration keep_exposure_cells keep_position_scopes lease_end lease_receipts
     lock_subjects log_allocation log_ended_episodes log_episodes log_incomplete_windows log_lessons
     log_overrides log_recorded_windows log_simulations log_tuning_lessons mark_groups_changed
     measure_baselines normalise_override normalise_position note_episode number_index_pairs
     prune_edge_history queue_registrations receive_strands reconcile refuse_lost_lease
     register_scope_values reindex_group reject_strands remember_edges replay_allocation require_lease
     require_simulation_lease rescale_positions restart_allocation retry_after_failure retry_receipts
     return_receipts return_strands ring ring_or_log standing_verdicts sweep unindex_deleted_overrides
     unindex_overrides write_events write_lessons write_log write_log_hourly write_normalise_override
     write_overrides write_simulations write_trade`,
  ),
]);

/** Functions that run with their owner's rights. */
export const DEFINER_FUNCTIONS: readonly string[] = [
  "learning.adapt_overrides",
  "learning.add_exposure",
  "learning.derive_exposure",
  "learning.derive_scope_functions",
  "learning.health",
  "learning.hold_positions",
  "learning.index_changed_overrides",
  "learning.index_new_overrides",
  "learning.index_overrides",
  "learning.insert_index_entries",
  "learning.keep_effective_configuration",
  "learning.keep_exposure_cells",
  "learning.keep_position_scopes",
  "learning.number_index_pairs",
  "learning.receive_strands",
  "learning.reindex_group",
  "learning.ring",
  "learning.ring_or_log",
  "learning.size_candidates",
  "learning.unindex_deleted_overrides",
  "learning.unindex_overrides",
  "learning.write_normalise_override",
];
