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
  "learning.settings": SHOWN,

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
  "learning.override_groups_id_seq",
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
    `allocation_reason allocation_state applied_size asks_as_user baseline_of begin_run blend_allocation_overrides blend_of_sums blend_overrides cells_of
     check_candidate clamp confidence_or_default config configuration_faults configured_masks contained_overrides contains_override counted document_bytes doorbell_health dotted_pattern_key edge_strength
     due_groups encode_scope episode_blockers episode_factors episode_gates episode_half explain_contributions explain_crowding explain_idle_overrides explain_size explain_strength factor fade faded failures_of figure finite_number
     full_scope_counts has_effect health in_percent inbox_health learned_levers learning_role least_edge_weight lever_stand list_contributions mask_log_weight
     matched_overrides materialization_health measure_exposure merge_configuration mining_health mining_settings missing_gates mode_outcome moment multiplier_bounds
     multiplier_of_edge multiplier_within_bounds near_misses
     newest_failure next_allocation normal_scope_mask normal_scope_mask_expression number_of offered_levers override_scope override_terms_query overrides_act overrides_enabled packed packed_codes packed_dimensions
     position_scope probe_overrides pruning_health quoted rarest_two rate read_candidate read_candidates refuse_argument replayed_steps require_pm retry_delay
     rounded schedule_health scope_faults scope_mask scope_value scopes_within setting_fault short size_candidate size_candidates size_of_appetite sizing_context skew_of_crowding specificity
     start_shares steering_strength sum_matches touched_subjects tuning_lookback tuning_settings weighed_masks with_headroom with_light_edges within_bounds within_step without_dust`,
  ),

  // What changes something, or does so by a trigger.
  ...rights(
    SERVE,
    "learning",
    `adapt_overrides add_exposure apply_episode apply_trade check_configuration derive_exposure derive_scope_functions file_changed_overrides
     file_new_overrides file_overrides guard_scope_dimension hold_positions keep_effective_configuration keep_exposure_cells
     keep_position_scopes log_allocation log_episodes mark_groups_changed measure_baselines normalise_override
     normalise_position note_episode place_overrides prune_edge_history queue_registrations receive_strands refile_group register_scope_values
     reject_strands replay_allocation report_failure require_lease rescale_positions restart_allocation ring ring_or_log
     sweep unfile_deleted_overrides unfile_overrides write_log write_log_hourly write_normalise_override`,
  ),
]);

/** Functions that run with their owner's rights. */
export const DEFINER_FUNCTIONS: readonly string[] = [
  "learning.adapt_overrides",
  "learning.add_exposure",
  "learning.derive_exposure",
  "learning.derive_scope_functions",
  "learning.file_changed_overrides",
  "learning.file_new_overrides",
  "learning.file_overrides",
  "learning.health",
  "learning.hold_positions",
  "learning.keep_effective_configuration",
  "learning.keep_exposure_cells",
  "learning.keep_position_scopes",
  "learning.place_overrides",
  "learning.receive_strands",
  "learning.refile_group",
  "learning.ring",
  "learning.ring_or_log",
  "learning.size_candidates",
  "learning.unfile_deleted_overrides",
  "learning.unfile_overrides",
  "learning.write_normalise_override",
];
