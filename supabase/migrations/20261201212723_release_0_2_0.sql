-- Generated from sql/ by `deno task db:migrate`; edit sql/ instead.

set local check_function_bodies = off;
-- Statements that the next migration begins with, written by a person where `deno task db:migrate` cannot know what is
-- meant. They see a database of the newest release; what they do to the schema is not looked for any more. A release
-- takes them over and empties this file. Leave a line free below this one.

-- Measured anew at the end, by what decisions are judged by from now on.
delete from learning.baselines where true;
alter table learning.baselines add column lowest double precision not null;
alter table learning.baselines add column highest double precision not null;
drop function learning.blend_of_sums(learning.match_sums,pg_catalog.jsonb,pg_catalog.text,boolean,double precision);
drop function learning.blend_overrides(learning.candidate,pg_catalog.jsonb,boolean,boolean);
drop function learning.list_contributions(learning.strength_blend,pg_catalog.jsonb,integer);
drop function learning.sum_matches(learning.candidate,pg_catalog.jsonb,learning.override_probe,double precision,boolean,boolean);
drop function learning.with_light_edges(learning.match_sums,double precision,boolean);
drop type learning.match_sums;
drop type learning.strength_blend;
DROP TRIGGER "clear_override_of_dust" ON "public"."pm_overrides";
DROP INDEX "learning"."closed_trades_close_strand_idx";
DROP INDEX "learning"."override_index_entries_bucket_idx";
DROP INDEX "public"."ad_strands_episode_idx";
DROP INDEX "public"."ad_strands_trade_idx";
DROP INDEX "public"."learning_lessons_active_idx";
DROP VIEW "learning"."held_positions";
DROP VIEW "learning"."override_terms";
DROP VIEW "public"."pm_sizing_audit";
DROP VIEW "public"."timeframe_allocation_outlook";
DROP VIEW "public"."timeframe_allocation_history";
DROP VIEW "public"."timeframe_allocation";
ALTER TABLE "learning"."closed_trades" DROP CONSTRAINT "closed_trades_pkey";
ALTER TABLE "learning"."settings" DROP CONSTRAINT "settings_kind_check";
ALTER TABLE "learning"."settings" DROP CONSTRAINT "settings_numbers_have_a_range";
ALTER TABLE "public"."learning_levers" DROP CONSTRAINT "learning_levers_max_step_check";
ALTER TABLE "public"."lowcap_positions" DROP CONSTRAINT "lowcap_positions_status_check";
ALTER TABLE "public"."timeframe_allocation_steps" DROP CONSTRAINT "timeframe_allocation_steps_pkey";
DROP FUNCTION "learning"."accept_strands"(jsonb);
DROP FUNCTION "learning"."apply_subjects"(jsonb, jsonb, timestamp with time zone);
DROP FUNCTION "learning"."choose_due_strands"(integer);
DROP FUNCTION "learning"."document_bytes"(jsonb);
DROP FUNCTION "learning"."end_of_portion"(timestamp with time zone);
DROP FUNCTION "learning"."episode_blockers"(jsonb, jsonb, double precision[]);
DROP FUNCTION "learning"."episode_factors"(jsonb);
DROP FUNCTION "learning"."episode_gates"(text, jsonb);
DROP FUNCTION "learning"."events_of_close"(learning.accepted_strands, learning.closed_trades);
DROP FUNCTION "learning"."explain_contributions"(jsonb);
DROP FUNCTION "learning"."factor"(jsonb, text);
DROP FUNCTION "learning"."lease_receipts"(text[]);
DROP FUNCTION "learning"."measure_baselines"();
DROP FUNCTION "learning"."missing_gates"(double precision[]);
DROP FUNCTION "learning"."note_episode"(jsonb);
DROP FUNCTION "learning"."outcome_of_episode"(text);
DROP FUNCTION "learning"."position_scope"(jsonb, text, text);
DROP FUNCTION "learning"."read_candidates"(jsonb);
DROP FUNCTION "learning"."replay_allocation"(timestamp with time zone, interval);
DROP FUNCTION "learning"."standing_close"(text);
DROP FUNCTION "learning"."standing_verdicts"(jsonb, jsonb);
DROP FUNCTION "learning"."strength_overrides"(bigint[]);
DROP FUNCTION "learning"."trade_of_close"(learning.accepted_strands);
DROP FUNCTION "learning"."windows_of_episode"(text);
DROP FUNCTION "learning"."write_events"(text, learning.accepted_strands, learning.closed_trades);
DROP FUNCTION "learning"."write_log_hourly"(text, text, text, text, jsonb);
DROP FUNCTION "learning"."write_overrides"(learning.wanted_override[], text[]);
DROP FUNCTION "learning"."write_trade"(text, learning.closed_trades);
DROP FUNCTION "public"."finish_mining_group"(bigint, uuid, jsonb);
DROP FUNCTION "public"."read_module_trades"(text);
DROP FUNCTION "public"."reconcile_overrides"(bigint, integer);
CREATE TABLE "learning"."alert_requests" ("id" bigint GENERATED ALWAYS AS IDENTITY NOT NULL, "request_id" bigint NOT NULL, "sent_at" timestamp with time zone NOT NULL DEFAULT clock_timestamp(), CONSTRAINT "alert_requests_pkey" PRIMARY KEY (id));
ALTER TABLE "learning"."alert_requests" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "learning"."calibrated_sums" ("module" text NOT NULL, "action_category" text NOT NULL, "sums_digest" text NOT NULL, CONSTRAINT "calibrated_sums_pkey" PRIMARY KEY (module, action_category));
ALTER TABLE "learning"."calibrated_sums" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "learning"."category_days" ("module" text NOT NULL, "action_category" text NOT NULL, "cycle" bigint NOT NULL, "settings" text NOT NULL, "packed" jsonb NOT NULL, CONSTRAINT "category_days_pkey" PRIMARY KEY (module, action_category));
ALTER TABLE "learning"."category_days" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "learning"."category_directions" ("module" text NOT NULL, "action_category" text NOT NULL, "cycle" bigint NOT NULL, "settings" text NOT NULL, "dir_a" double precision NOT NULL, "dir_e" double precision NOT NULL, CONSTRAINT "category_directions_pkey" PRIMARY KEY (module, action_category));
ALTER TABLE "learning"."category_directions" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "learning"."effect_bases" ("module" text NOT NULL, "action_category" text NOT NULL, "n" integer NOT NULL, "mean" double precision NOT NULL, "sigma" double precision NOT NULL, "lower_bound" double precision NOT NULL, "upper_bound" double precision NOT NULL, "weeks" integer[] NOT NULL, CONSTRAINT "effect_bases_pkey" PRIMARY KEY (module, action_category));
ALTER TABLE "learning"."effect_bases" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "learning"."effect_cells" ("group_id" bigint NOT NULL, "half_lives" double precision[] NOT NULL, "tau_above" double precision[] NOT NULL, "tau_below" double precision[] NOT NULL, "weeks" integer[] NOT NULL, "regimes" text[] NOT NULL, "n" integer[] NOT NULL, "told" double precision[] NOT NULL, "squares" double precision[] NOT NULL, CONSTRAINT "effect_cells_pkey" PRIMARY KEY (group_id));
ALTER TABLE "learning"."effect_cells" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "learning"."errands" ("name" text NOT NULL, "called_at" timestamp with time zone NOT NULL, CONSTRAINT "errands_pkey" PRIMARY KEY (name));
ALTER TABLE "learning"."errands" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "learning"."group_decisions" ("group_id" bigint NOT NULL, "evidence_version" bigint NOT NULL, "outcome_read" text NOT NULL, "outcome" double precision[] NOT NULL, "steering_roi" double precision[] NOT NULL, "did_trim" boolean[] NOT NULL, "reached_s3" boolean[] NOT NULL, "acted_at" timestamp with time zone[] NOT NULL, "traded_at" timestamp with time zone[] NOT NULL, CONSTRAINT "group_decisions_pkey" PRIMARY KEY (group_id));
ALTER TABLE "learning"."group_decisions" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "learning"."guest_columns" ("relation" text NOT NULL, "column_name" text NOT NULL, "is_guest" boolean NOT NULL, "former_default" text, CONSTRAINT "guest_columns_pkey" PRIMARY KEY (relation, column_name));
ALTER TABLE "learning"."guest_columns" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "learning"."live_records" ("override_id" bigint NOT NULL, "n" integer NOT NULL, "mean" double precision, "e_value" double precision, "recorded_at" timestamp with time zone NOT NULL DEFAULT now(), CONSTRAINT "live_records_pkey" PRIMARY KEY (override_id));
ALTER TABLE "learning"."live_records" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "learning"."pruned_subjects" ("kind" text NOT NULL, "subject" text NOT NULL, "pruned_at" timestamp with time zone NOT NULL DEFAULT now(), CONSTRAINT "pruned_subjects_kind_check" CHECK ((kind = ANY (ARRAY['trade'::text, 'episode'::text]))), CONSTRAINT "pruned_subjects_pkey" PRIMARY KEY (kind, subject));
ALTER TABLE "learning"."pruned_subjects" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "learning"."receipt_search" ("is_only" boolean NOT NULL DEFAULT true, "searched_to" text NOT NULL DEFAULT ''::text, "found" bigint NOT NULL DEFAULT 0, "found_at" timestamp with time zone, CONSTRAINT "receipt_search_is_only_check" CHECK (is_only), CONSTRAINT "receipt_search_pkey" PRIMARY KEY (is_only));
ALTER TABLE "learning"."receipt_search" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "learning"."strength_reconciliation" ("single" boolean NOT NULL DEFAULT true, "run" bigint NOT NULL DEFAULT 0, "started_at" timestamp with time zone, "finished_at" timestamp with time zone, "after_group_id" bigint NOT NULL DEFAULT 0, "span_under_way" jsonb, "leased_until" timestamp with time zone, CONSTRAINT "strength_reconciliation_pkey" PRIMARY KEY (single), CONSTRAINT "strength_reconciliation_single_check" CHECK (single));
ALTER TABLE "learning"."strength_reconciliation" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "learning"."uplift_figures" ("action_category" text NOT NULL, "figures" jsonb NOT NULL, "measured_at" timestamp with time zone NOT NULL DEFAULT now(), CONSTRAINT "uplift_figures_pkey" PRIMARY KEY (action_category));
ALTER TABLE "learning"."uplift_figures" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "learning"."watched_groups" ("group_id" bigint NOT NULL, "mined_at" timestamp with time zone NOT NULL, CONSTRAINT "watched_groups_pkey" PRIMARY KEY (group_id));
ALTER TABLE "learning"."watched_groups" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "learning"."withdrawn_strands" ("id" bigint GENERATED ALWAYS AS IDENTITY NOT NULL, "strand_id" text NOT NULL, "kind" text NOT NULL, "subject" text NOT NULL, "withdrawn_at" timestamp with time zone NOT NULL DEFAULT now(), "attempts" integer NOT NULL DEFAULT 0, "next_attempt_at" timestamp with time zone NOT NULL DEFAULT now(), CONSTRAINT "withdrawn_strands_kind_check" CHECK ((kind = ANY (ARRAY['trade'::text, 'episode'::text]))), CONSTRAINT "withdrawn_strands_pkey" PRIMARY KEY (id));
ALTER TABLE "learning"."withdrawn_strands" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "public"."exposure_history" ("id" bigint GENERATED ALWAYS AS IDENTITY NOT NULL, "day" date NOT NULL, "pattern_key" text, "scope" jsonb NOT NULL, "scope_mask" integer NOT NULL, "exposure" double precision NOT NULL, "positions" integer NOT NULL, CONSTRAINT "exposure_history_pkey" PRIMARY KEY (id));
REVOKE ALL ON TABLE "public"."exposure_history" FROM PUBLIC, "anon", "authenticated", "service_role";
REVOKE ALL ON SEQUENCE "public"."exposure_history_id_seq" FROM PUBLIC, "anon", "authenticated", "service_role";
ALTER TABLE "public"."exposure_history" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "public"."learning_alerts" ("id" bigint GENERATED ALWAYS AS IDENTITY NOT NULL, "kind" text NOT NULL, "opened_at" timestamp with time zone NOT NULL DEFAULT clock_timestamp(), "closed_at" timestamp with time zone, "sent_at" timestamp with time zone, "message" text NOT NULL, "details" jsonb NOT NULL DEFAULT '{}'::jsonb, CONSTRAINT "learning_alerts_check" CHECK ((closed_at >= opened_at)), CONSTRAINT "learning_alerts_pkey" PRIMARY KEY (id));
REVOKE ALL ON TABLE "public"."learning_alerts" FROM PUBLIC, "anon", "authenticated", "service_role";
REVOKE ALL ON SEQUENCE "public"."learning_alerts_id_seq" FROM PUBLIC, "anon", "authenticated", "service_role";
ALTER TABLE "public"."learning_alerts" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "public"."learning_calibration" ("module" text NOT NULL, "action_category" text NOT NULL, "mean" double precision NOT NULL, "sigma" double precision NOT NULL, "kappa" double precision NOT NULL, "tau2" double precision NOT NULL, "half_life_weeks" double precision, "n" integer NOT NULL, "weeks" integer NOT NULL, "updated_at" timestamp with time zone NOT NULL DEFAULT now(), "regimes_act" boolean NOT NULL, CONSTRAINT "learning_calibration_pkey" PRIMARY KEY (module, action_category));
REVOKE ALL ON TABLE "public"."learning_calibration" FROM PUBLIC, "anon", "authenticated", "service_role";
ALTER TABLE "public"."learning_calibration" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "public"."learning_config_history" ("id" bigint GENERATED ALWAYS AS IDENTITY NOT NULL, "module_id" text NOT NULL, "at" timestamp with time zone NOT NULL DEFAULT now(), "actor" text NOT NULL, "run" text, "reason" text, "old" jsonb, "new" jsonb, CONSTRAINT "learning_config_history_pkey" PRIMARY KEY (id));
REVOKE ALL ON TABLE "public"."learning_config_history" FROM PUBLIC, "anon", "authenticated", "service_role";
REVOKE ALL ON SEQUENCE "public"."learning_config_history_id_seq" FROM PUBLIC, "anon", "authenticated", "service_role";
ALTER TABLE "public"."learning_config_history" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "public"."learning_effect_groups" ("group_id" bigint NOT NULL, "module" text NOT NULL, "pattern_key" text NOT NULL, "action_category" text NOT NULL, "n" integer NOT NULL, "mean" double precision NOT NULL, "sigma" double precision NOT NULL, "kappa_above" double precision NOT NULL, "kappa_below" double precision NOT NULL, "tau_above" double precision NOT NULL, "tau_below" double precision NOT NULL, "last_evidence_at" timestamp with time zone NOT NULL, "run" bigint NOT NULL, "sigma_first" double precision NOT NULL, "updated_at" timestamp with time zone NOT NULL DEFAULT now(), "sums_digest" text NOT NULL, CONSTRAINT "learning_effect_groups_pattern_key_action_category_module_key" UNIQUE (pattern_key, action_category, module), CONSTRAINT "learning_effect_groups_pkey" PRIMARY KEY (group_id));
REVOKE ALL ON TABLE "public"."learning_effect_groups" FROM PUBLIC, "anon", "authenticated", "service_role";
ALTER TABLE "public"."learning_effect_groups" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "public"."learning_effects" ("group_id" bigint NOT NULL, "module" text NOT NULL, "pattern_key" text NOT NULL, "action_category" text NOT NULL, "dim_1" text, "code_1" integer NOT NULL, "dim_2" text, "code_2" integer NOT NULL, "scope_mask" integer NOT NULL, "n" integer NOT NULL, "total" double precision NOT NULL, "faded_n" double precision[], "faded_total" double precision[], CONSTRAINT "learning_effects_pkey" PRIMARY KEY (group_id, code_1, code_2));
REVOKE ALL ON TABLE "public"."learning_effects" FROM PUBLIC, "anon", "authenticated", "service_role";
ALTER TABLE "public"."learning_effects" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "public"."learning_proofs" ("id" bigint GENERATED ALWAYS AS IDENTITY NOT NULL, "at" timestamp with time zone NOT NULL DEFAULT now(), "source" text NOT NULL, "from_at" timestamp with time zone NOT NULL, "to_at" timestamp with time zone NOT NULL, "decisions" integer NOT NULL, "config" jsonb NOT NULL, "config_version" integer NOT NULL, "release" text, "ways" jsonb NOT NULL, "verdict" text NOT NULL, "report" jsonb NOT NULL DEFAULT '{}'::jsonb, CONSTRAINT "learning_proofs_check" CHECK ((from_at <= to_at)), CONSTRAINT "learning_proofs_decisions_check" CHECK ((decisions >= 0)), CONSTRAINT "learning_proofs_pkey" PRIMARY KEY (id), CONSTRAINT "learning_proofs_verdict_check" CHECK ((verdict = ANY (ARRAY['shown'::text, 'not shown'::text, 'harm'::text]))));
REVOKE ALL ON TABLE "public"."learning_proofs" FROM PUBLIC, "anon", "authenticated", "service_role";
REVOKE ALL ON SEQUENCE "public"."learning_proofs_id_seq" FROM PUBLIC, "anon", "authenticated", "service_role";
ALTER TABLE "public"."learning_proofs" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "public"."learning_regime_weights" ("module" text NOT NULL, "action_category" text NOT NULL, "regime_signature" text NOT NULL, "kappa" double precision NOT NULL, "n" integer NOT NULL, "weeks" integer NOT NULL, "confidence" double precision NOT NULL, "updated_at" timestamp with time zone NOT NULL DEFAULT now(), CONSTRAINT "learning_regime_weights_pkey" PRIMARY KEY (module, action_category, regime_signature));
REVOKE ALL ON TABLE "public"."learning_regime_weights" FROM PUBLIC, "anon", "authenticated", "service_role";
ALTER TABLE "public"."learning_regime_weights" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "public"."pm_override_history" ("id" bigint GENERATED ALWAYS AS IDENTITY NOT NULL, "override_id" bigint NOT NULL, "at" timestamp with time zone NOT NULL DEFAULT now(), "actor" text NOT NULL, "run" text, "reason" text, "old" jsonb, "new" jsonb, CONSTRAINT "pm_override_history_pkey" PRIMARY KEY (id));
REVOKE ALL ON TABLE "public"."pm_override_history" FROM PUBLIC, "anon", "authenticated", "service_role";
REVOKE ALL ON SEQUENCE "public"."pm_override_history_id_seq" FROM PUBLIC, "anon", "authenticated", "service_role";
ALTER TABLE "public"."pm_override_history" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "public"."pm_sizings" ("id" bigint GENERATED ALWAYS AS IDENTITY NOT NULL, "taken_at" timestamp with time zone NOT NULL DEFAULT now(), "subject" text, "holdout" double precision NOT NULL, "held_out" boolean NOT NULL, "pattern_key" text NOT NULL, "action_category" text NOT NULL, "scope" jsonb NOT NULL, "a_value" double precision NOT NULL, "e_value" double precision NOT NULL, "mode" text NOT NULL, "size_frac_raw" double precision NOT NULL, "pm_strength" double precision NOT NULL, "learned_strength" double precision NOT NULL, "exposure_skew" double precision NOT NULL, "size_frac" double precision NOT NULL, "max_alloc_pct" double precision NOT NULL, "a_final" double precision NOT NULL, "e_final" double precision NOT NULL, "overrides" jsonb NOT NULL, "config_version" integer NOT NULL, CONSTRAINT "pm_sizings_pkey" PRIMARY KEY (id));
REVOKE ALL ON TABLE "public"."pm_sizings" FROM PUBLIC, "anon", "authenticated", "service_role";
REVOKE ALL ON SEQUENCE "public"."pm_sizings_id_seq" FROM PUBLIC, "anon", "authenticated", "service_role";
ALTER TABLE "public"."pm_sizings" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "learning"."closed_trades" ADD COLUMN "module" text NOT NULL DEFAULT 'pm'::text;
ALTER TABLE "learning"."closed_trades" ADD COLUMN "entry_price" double precision;
ALTER TABLE "learning"."closed_trades" ADD COLUMN "exit_price" double precision;
ALTER TABLE "learning"."closed_trades" ADD COLUMN "fees" double precision;
ALTER TABLE "learning"."doorbells" ADD COLUMN "failure" text;
ALTER TABLE "learning"."mining_groups" ADD COLUMN "lagging_since" timestamp with time zone;
ALTER TABLE "learning"."mining_groups" ADD COLUMN "mined_sigma" double precision;
ALTER TABLE "learning"."mining_groups" ADD COLUMN "first_sigma" double precision;
ALTER TABLE "learning"."mining_groups" ADD COLUMN "first_outcome" text;
ALTER TABLE "learning"."override_index_entries" ADD COLUMN "by_hand" boolean NOT NULL DEFAULT false;
ALTER TABLE "public"."learning_edge_history" ADD COLUMN "scale" double precision NOT NULL DEFAULT 1;
ALTER TABLE "public"."learning_lessons" ADD COLUMN "family_scope" jsonb;
ALTER TABLE "public"."lowcap_positions" ADD COLUMN "book_id" text;
ALTER TABLE "public"."lowcap_positions" ADD COLUMN "current_usd_value" double precision;
ALTER TABLE "public"."pattern_episode_events" ADD COLUMN "summary_strand_id" text;
ALTER TABLE "public"."pattern_trade_events" ADD COLUMN "fill_price" double precision;
ALTER TABLE "public"."pattern_trade_events" ADD COLUMN "fill_quantity" double precision;
ALTER TABLE "public"."pattern_trade_events" ADD COLUMN "side" text;
ALTER TABLE "public"."pattern_trade_events" ADD COLUMN "leverage" double precision;
ALTER TABLE "public"."pattern_trade_events" ADD COLUMN "own_roi" double precision;
ALTER TABLE "public"."pattern_trade_events" ADD COLUMN "own_rr" double precision;
ALTER TABLE "public"."pm_overrides" ADD COLUMN "control" text NOT NULL DEFAULT 'auto'::text;
ALTER TABLE "public"."pm_overrides" ADD COLUMN "proposed" jsonb;
ALTER TABLE "public"."pm_overrides" ADD COLUMN "evidence_from" timestamp with time zone;
ALTER TABLE "public"."pm_overrides" ADD COLUMN "promised" double precision;
ALTER TABLE "public"."pm_overrides" ADD COLUMN "baseline" double precision;
ALTER TABLE "public"."pm_overrides" ADD COLUMN "baseline_sigma" double precision;
ALTER TABLE "public"."pm_overrides" ADD COLUMN "approved_at" timestamp with time zone;
ALTER TABLE "public"."pm_overrides" ADD COLUMN "approved_by" text;
ALTER TABLE "public"."timeframe_allocation_steps" ADD COLUMN "module" text NOT NULL DEFAULT 'pm'::text;
ALTER TABLE "learning"."doorbells" ALTER COLUMN "request_id" DROP NOT NULL;
CREATE TYPE "learning"."decision" AS ("module" text, "action_category" text, "acted_at" timestamp with time zone, "outcome" double precision);
CREATE TYPE "learning"."dimension_lists" AS ("every_dim" text[], "no_entry" text[], "no_action" text[], "no_regime" text[], "entry" text[], "action" text[], "regime" text[]);
CREATE TYPE "learning"."key_span" AS ("group_ids" bigint[], "mined_at" timestamp with time zone[], "last_group_id" bigint, "step" text, "after_digest" text, "last_digest" text);
CREATE TYPE "learning"."match_sums" AS ("specificity" double precision, "weight" double precision, "gain" double precision, "confidence" double precision, "posture_weight" double precision, "dir_a" double precision, "dir_e" double precision, "posture_confidence" double precision, "edge" double precision, "edged_weight" double precision, "log_multiplier" double precision, "light" learning.light_edge[], "hand_weight" double precision, "hand_gain" double precision, "override_ids" bigint[], "scope_masks" integer[], "weights" double precision[], "moves" double precision[]);
CREATE TYPE "learning"."measured_effect" AS ("code_1" integer, "code_2" integer, "n" integer, "total" double precision, "faded_n" double precision[], "faded_total" double precision[]);
CREATE TYPE "learning"."past_sizing" AS ("sizing" public.pm_sizing, "config" jsonb, "as_now" text[]);
CREATE TYPE "learning"."said_by_slices" AS ("module" text, "kappa" double precision, "regime" text, "expected" double precision, "is_opposed" boolean, "fade" double precision, "sigma" double precision, "weight" double precision, "codes_1" integer[], "codes_2" integer[], "weights" double precision[], "excesses" double precision[]);
CREATE TYPE "learning"."standing_calibration" AS ("said" learning.said_by_slices, "group_id" bigint, "mean" double precision, "memory" integer);
CREATE TYPE "learning"."strength_blend" AS ("posture_confidence" double precision, "steer" double precision, "delta_a" double precision, "delta_e" double precision, "multiplier" double precision, "log_multiplier" double precision, "hand_multiplier" double precision, "confidence" double precision, "overrides" integer, "weight" double precision, "pull" double precision, "weight_unit" double precision, "move_unit" double precision, "edge_unit" double precision, "least_weight" double precision, "least_confidence" double precision, "override_ids" bigint[], "scope_masks" integer[], "weights" double precision[], "moves" double precision[]);
CREATE TYPE "public"."pm_taken_sizing_in_batch" AS ("mode" text, "base_alloc_pct" double precision, "timeframe_share" double precision, "size_frac_raw" double precision, "pm_strength" double precision, "exposure_skew" double precision, "size_frac" double precision, "max_alloc_pct" double precision, "a_final" double precision, "e_final" double precision, "confidence" double precision, "steer_max" double precision, "overrides" jsonb, "exposure" jsonb, "shadow" jsonb, "config_version" integer, "computed_at" timestamp with time zone, "position" integer, "error" jsonb, "ignored" jsonb, "sizing_id" bigint);
CREATE TYPE "public"."pm_taken_sizing" AS ("mode" text, "base_alloc_pct" double precision, "timeframe_share" double precision, "size_frac_raw" double precision, "pm_strength" double precision, "exposure_skew" double precision, "size_frac" double precision, "max_alloc_pct" double precision, "a_final" double precision, "e_final" double precision, "confidence" double precision, "steer_max" double precision, "overrides" jsonb, "exposure" jsonb, "shadow" jsonb, "config_version" integer, "computed_at" timestamp with time zone, "ignored" jsonb, "sizing_id" bigint);
ALTER TYPE "learning"."candidate" ADD ATTRIBUTE "ignored" jsonb CASCADE;
ALTER TYPE "learning"."crowding_context" ADD ATTRIBUTE "empty_skew" double precision CASCADE;
ALTER TYPE "public"."pm_sizing" ADD ATTRIBUTE "ignored" jsonb CASCADE;
ALTER TYPE "public"."pm_sizing_in_batch" ADD ATTRIBUTE "ignored" jsonb CASCADE;
CREATE OR REPLACE FUNCTION learning.accept_strands(accepted jsonb, contexts jsonb[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform learning.register_scope_values(contexts);

  update public.strand_receipts receipt
  set status = 'done', errors = '[]'::jsonb, next_attempt_at = null, processed_at = now()
  from jsonb_to_recordset(accepted) as verdict(id text)
  where receipt.strand_id = verdict.id;
end
$function$;
CREATE OR REPLACE FUNCTION learning.accepted_values(setting learning.settings)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return case setting.kind
    when 'number' then format('a number from %s to %s', setting.minimum, setting.maximum)
    when 'number_or_auto' then format('a number from %s to %s, or auto', setting.minimum, setting.maximum)
    when 'integer' then format('a whole number from %s to %s', setting.minimum, setting.maximum)
    when 'boolean' then 'true or false'
    when 'choice' then 'one of ' || array_to_string(setting.choices, ', ')
    when 'text' then 'a text of at most 200 characters'
    when 'texts' then 'a list of texts'
    when 'dimensions' then 'a list of registered dimensions'
    when 'masks' then 'a list of dimension lists, or of singles, pairs and full'
    when 'shares' then format(
      'fractions from %s to %s by timeframe that sum to 1', learning.least_share(), learning.greatest_share()
    )
  end || case when setting.nullable then ', or null' else '' end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.act_as(actor text, run text DEFAULT ''::text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform set_config('learning.actor', actor, true);
  perform set_config('learning.run', run, true);
end
$function$;
CREATE OR REPLACE FUNCTION learning.acted_in_s3(content jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return coalesce(content -> 'state' = '"S3"', false)
    or split_part(learning.dotted_pattern_key(content ->> 'pattern_key'), '.', 3) = 'S3'
    or coalesce(learning.reason(content, 'state') = '"S3"', false);
end
$function$;
CREATE OR REPLACE FUNCTION learning.acting_module(kind text, module text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return coalesce(nullif(btrim(module), ''), case kind when 'dm_action' then 'dm' else 'pm' end);
end
$function$;
CREATE OR REPLACE FUNCTION learning.action_category(content jsonb)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  -- Of anything else than texts the text may be too long for memory.
  category constant text :=
    case when jsonb_typeof(content -> 'action_category') = 'string' then content ->> 'action_category' end;
  decision text;
begin
  if category is not null then
    return case category when 'emergency_exit' then 'exit' else category end;
  end if;
  decision := learning.text_of(content, 'decision_type');
  return case
    when decision = 'emergency_exit' then 'exit'
    when decision in ('entry', 'add', 'trim', 'exit', 'allocation') then decision
  end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.actor()
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$;
CREATE OR REPLACE FUNCTION learning.actor_note(setting text)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return nullif(current_setting('learning.' || setting, true), '');
end
$function$;
CREATE OR REPLACE FUNCTION learning.acts_as_loop()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return current_setting('learning.actor', true) is not distinct from 'loop';
end
$function$;
CREATE OR REPLACE FUNCTION learning.admit_listeners()
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  policy constant text := 'edgeloop_overrides';
  condition constant text := 'extension = ''broadcast'' '
    'and (select realtime.topic()) = ''edgeloop:overrides'' and (select learning.may_read())';
begin
  if not learning.broadcasts() or exists (
    select from pg_policies listed
    where listed.schemaname = 'realtime' and listed.tablename = 'messages' and listed.policyname = policy
  ) then
    return learning.broadcasts();
  end if;
  execute format(
    'create policy %I on realtime.messages for select to authenticated using (%s)', policy, condition
  );
  return true;
exception when others then
  perform learning.write_log_once_in(interval '1 day', 'WARNING', 'alerts', 'listeners_not_admitted',
    format(
      'Nobody can listen to edgeloop:overrides, as the policy %s could not be made: %s', policy, sqlerrm
    ), jsonb_build_object('sqlstate', sqlstate, 'condition', condition));
  return false;
end
$function$;
CREATE OR REPLACE FUNCTION learning.after_span(pass learning.strength_reconciliation, span learning.key_span)
 RETURNS learning.strength_reconciliation
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if span.step <> 'whole' and span.last_digest is not null then
    span.after_digest := span.last_digest;
    pass.span_under_way := to_jsonb(span);
  elsif span.step = 'lapse' then
    span.step := 'take';
    span.after_digest := '';
    pass.span_under_way := to_jsonb(span);
  else
    pass.span_under_way := null;
    pass.after_group_id := span.last_group_id;
    update learning.mining_groups mining_group
    set lagging_since = null
    from unnest(span.group_ids, span.mined_at) as taken_over(id, mined_at)
    where mining_group.id = taken_over.id and mining_group.lagging_since is not null
      -- One that was mined again meanwhile is still ahead of what acts.
      and mining_group.mined_at = taken_over.mined_at;
  end if;
  return pass;
end
$function$;
CREATE OR REPLACE FUNCTION learning.alert_health()
 RETURNS learning.stage_health
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  health learning.stage_health;
  url_fault constant text := learning.stored_webhook_fault();
  answer_fault text;
begin
  health.stage := 'alerts';
  with answers as (
    select http_response.created as answered_at,
      coalesce(http_response.status_code between 200 and 299, false) as is_success,
      -- What a webhook says may hold its address, which is a secret.
      case
        when http_response.timed_out then 'did not answer in time'
        when http_response.status_code is null then 'could not be connected to'
        else 'answered ' || http_response.status_code
      end as words
    from learning.alert_requests request
    join net._http_response http_response on http_response.id = request.request_id
      and http_response.created between request.sent_at - interval '1 second'
        and request.sent_at + interval '5 minutes'
    where request.sent_at > now() - interval '6 hours'
  )
  select max(answers.answered_at) filter (where answers.is_success),
    count(*) filter (where not answers.is_success),
    (array_agg(case when not answers.is_success then format('the webhook in alert_webhook_url %s at %s',
      answers.words, learning.moment(answers.answered_at)) end order by answers.answered_at desc))[1]
  into health.last_success_at, health.failures, answer_fault
  from answers;
  select count(*), min(alert.opened_at) into health.backlog, health.oldest_waiting_at
  from public.learning_alerts alert
  where alert.closed_at is null and alert.sent_at is null and alert.kind <> 'alerts'
    and exists (select from vault.decrypted_secrets secret where secret.name = 'alert_webhook_url');
  health.problem := coalesce('alert_webhook_url in Vault ' || url_fault || ': store an address such as '
    'https://hooks.slack.com/services/… with vault.update_secret', answer_fault);
  return health;
end
$function$;
CREATE OR REPLACE FUNCTION learning.allocation_state(before timestamp with time zone DEFAULT NULL::timestamp with time zone)
 RETURNS public.timeframe_allocation_steps
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  state public.timeframe_allocation_steps;
  places integer[];
begin
  select step.* into state
  from public.timeframe_allocation_steps step
  where step.exit_at < coalesce(before, 'infinity')
  order by step.exit_at desc, step.trade_id collate "C" desc, step.module collate "C" desc
  limit 1;
  if state.trade_id is null then
    select start.timeframes, start.shares, start.shares into state.timeframes, state.shares, state.desired
    from learning.start_shares() as start;
    places := array[cardinality(state.timeframes) + 1];
    state.n := array_fill(0, places);
    state.last_exit_at := array_fill(null::timestamptz, places);
    state.roi_short := array_fill(null::float8, places);
    state.roi_long := state.roi_short;
    state.weight_short := array_fill(0::float8, places);
    state.weight_long := state.weight_short;
  end if;
  return state;
end
$function$;
CREATE OR REPLACE FUNCTION learning.answered_rings(OUT function_name text, OUT rung_at timestamp with time zone, OUT answered_at timestamp with time zone, OUT status_code integer, OUT reason text, OUT is_success boolean, OUT timed_out boolean)
 RETURNS SETOF record
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  -- Numbers of requests begin anew after a crash, and others in the database send requests, too. So an answer
  -- is that of the newest ring with its number, if that was rung before it came and not long before, and if
  -- it does not say that another function gave it. It is quoted only where it says that this one did, and
  -- what pg_net says of a request that failed never does: it may tell of whom another program called.
  select doorbell.function_name, doorbell.rung_at, response.created, response.status_code,
    case
      when response.timed_out then 'it took longer than the request waits'
      when response.error_msg is not null then 'it could not be connected to; is project_url in Vault right?'
      when response.answered_by = doorbell.function_name then left(response.content, 200)
      else 'its words are withheld, because it does not name the function that it is from'
    end,
    coalesce(response.status_code between 200 and 299, false), coalesce(response.timed_out, false)
  from learning.doorbells doorbell
  left join lateral (
    select http_response.*, (
      select header.value
      from jsonb_each_text(http_response.headers) as header
      where lower(header.key) = 'x-edgeloop-function'
      limit 1
    ) as answered_by
    from net._http_response http_response
    where http_response.id = doorbell.request_id
      and http_response.created between doorbell.rung_at and doorbell.rung_at + interval '5 minutes'
    offset 0
  ) as response
    on coalesce(response.answered_by, doorbell.function_name) = doorbell.function_name
    and not exists (
      select from learning.doorbells newer_doorbell
      where newer_doorbell.request_id = doorbell.request_id
        and newer_doorbell.rung_at > doorbell.rung_at and newer_doorbell.rung_at <= response.created
    )
  where doorbell.rung_at > now() - interval '6 hours' and doorbell.failure is null;
$function$;
CREATE OR REPLACE FUNCTION learning.apply_episode(p_episode_id text)
 RETURNS learning.group_key[]
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return learning.apply_episodes(array[p_episode_id]);
end
$function$;
CREATE OR REPLACE FUNCTION learning.apply_episodes(p_episode_ids text[])
 RETURNS learning.group_key[]
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  changed_groups learning.group_key[];
  notes jsonb;
begin
  with told_window as materialized (
    select window_of_episode.* from learning.windows_of_episodes(p_episode_ids) as window_of_episode
  ),
  standing as materialized (
    select told_window.*, encoded.scope_mask, encoded.scope_codes
    from told_window
    join learning.encoded_scopes(
      array(select told_window.scope from told_window order by told_window.place)
    ) as encoded using (place)
  ),
  former as materialized (
    select episode.strand_id, episode.episode_id, episode.pattern_key, episode.outcome, episode.factors
    from public.pattern_episode_events episode
    where episode.episode_id = any (p_episode_ids)
    union all
    select episode.strand_id, episode.episode_id, episode.pattern_key, episode.outcome, episode.factors
    from standing
    -- One by one, or a plan from when there were few windows would read all of them for ever.
    cross join lateral (
      select found_episode.*
      from public.pattern_episode_events found_episode
      where found_episode.strand_id = standing.strand_id
      offset 0
    ) as episode
    where episode.episode_id <> all (p_episode_ids)
  ),
  written as (
    insert into public.pattern_episode_events as episode (
      strand_id, episode_id, pattern_key, scope, scope_mask, scope_codes, decision, outcome, factors,
      blocked_by, trade_id, occurred_at, gates, summary_strand_id
    )
    select standing.strand_id, standing.episode_id, standing.pattern_key, standing.scope,
      standing.scope_mask, standing.scope_codes, standing.decision, standing.outcome, standing.factors,
      standing.blocked_by, standing.trade_id, standing.occurred_at,
      case when standing.missing = '{}' then standing.gates end, standing.summary_strand_id
    from standing
    order by standing.place
    on conflict (strand_id) do update set
      episode_id = excluded.episode_id, pattern_key = excluded.pattern_key, scope = excluded.scope,
      scope_mask = excluded.scope_mask, scope_codes = excluded.scope_codes, decision = excluded.decision,
      outcome = excluded.outcome, factors = excluded.factors, blocked_by = excluded.blocked_by,
      trade_id = excluded.trade_id, occurred_at = excluded.occurred_at, gates = excluded.gates,
      summary_strand_id = excluded.summary_strand_id
    where (episode.episode_id, episode.pattern_key, episode.scope, episode.scope_codes, episode.decision,
        episode.outcome, episode.factors, episode.blocked_by, episode.trade_id, episode.occurred_at,
        episode.gates)
      is distinct from (excluded.episode_id, excluded.pattern_key, excluded.scope, excluded.scope_codes,
        excluded.decision, excluded.outcome, excluded.factors, excluded.blocked_by, excluded.trade_id,
        excluded.occurred_at, excluded.gates)
    returning episode.strand_id, episode.episode_id, episode.pattern_key, episode.decision,
      episode.outcome, episode.factors, episode.blocked_by
  ),
  removed as (
    delete from public.pattern_episode_events episode
    where episode.episode_id = any (p_episode_ids)
      and episode.strand_id not in (select standing.strand_id from standing)
      and episode.strand_id <> learning.direct_window_id(episode.id)
    returning episode.pattern_key
  ),
  touched as (
    select written.pattern_key from written
    union all
    select removed.pattern_key from removed
    union all
    select former.pattern_key
    from former
    where former.episode_id in (select written.episode_id from written)
      or former.strand_id in (select written.strand_id from written)
  ),
  news as (
    select written.strand_id, written.episode_id, written.pattern_key, written.decision,
      written.blocked_by, former.strand_id is null as is_new,
      written.outcome is not null and written.outcome is distinct from former.outcome as has_ended,
      case when written.factors is distinct from former.factors then standing.missing else '{}' end
        as missing,
      standing.comes_by_itself, standing.ended
    from written
    join standing using (strand_id)
    left join former using (strand_id)
  ),
  told_news as (
    select jsonb_build_object(
      'episode_id', news.episode_id, 'outcome', min(news.ended),
      'ended', count(*) filter (where news.has_ended),
      'recorded', coalesce(jsonb_agg(to_jsonb(news)) filter (where news.is_new), '[]'),
      'incomplete', coalesce(jsonb_agg(to_jsonb(news)) filter (where news.missing <> '{}'), '[]')
    ) as note
    from news
    where news.is_new or news.has_ended or news.missing <> '{}'
    group by news.episode_id
  )
  select
    (
      select coalesce(array_agg(distinct ('pm', touched.pattern_key, 'tuning')::learning.group_key), '{}')
      from touched
    ),
    (select jsonb_agg(told_news.note) from told_news)
  into changed_groups, notes;
  if notes is not null then
    perform learning.note_episodes(notes);
  end if;
  return changed_groups;
end
$function$;
CREATE OR REPLACE FUNCTION learning.apply_subjects(accepted jsonb, rejected jsonb, deadline timestamp with time zone, OUT failed integer, OUT postponed text[], OUT changed_groups learning.group_key[], OUT changed_from timestamp with time zone, OUT failures jsonb)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  piece record;
  kinds text[] := array[]::text[];
  pieces jsonb[] := array[]::jsonb[];
  late text[] := array[]::text[];
  kind text;
  members jsonb;
  strand_ids text[];
  size integer;
  applied record;
begin
  failed := 0;
  postponed := '{}';
  changed_groups := '{}';
  failures := '[]';
  for piece in select found.* from learning.pieces_of_subjects(accepted, rejected) as found loop
    if piece.is_pruned then
      late := late || learning.strands_of_members(piece.members);
    else
      kinds := kinds || piece.kind;
      pieces := pieces || piece.members;
    end if;
  end loop;
  while cardinality(pieces) > 0 loop
    kind := kinds[1];
    members := pieces[1];
    kinds := kinds[2:];
    pieces := pieces[2:];
    strand_ids := learning.strands_of_members(members);
    -- Better a part of the batch than a statement timeout and none of it. What a strand has left must not
    -- wait.
    if clock_timestamp() > deadline and strand_ids <> '{}' then
      postponed := postponed || strand_ids;
      continue;
    end if;
    size := jsonb_array_length(members);
    begin
      applied := learning.bring_in_line(kind, array(
        select member.content ->> 'subject' from jsonb_array_elements(members) as member(content)
      ));
      changed_groups := changed_groups || applied.changed_groups;
      changed_from := least(changed_from, applied.changed_from);
    -- What takes longer than a statement may is known here, and by nobody who hears of it later.
    exception when query_canceled or others then
      if sqlstate <> '57014' and size > 1 then
        -- Halved until what cannot be applied stands alone.
        kinds := array[kind, kind] || kinds;
        pieces := array[
          jsonb_path_query_array(members, format('$[0 to %s]', size / 2 - 1)::jsonpath),
          jsonb_path_query_array(members, format('$[%s to last]', size / 2)::jsonpath)
        ] || pieces;
        continue;
      end if;
      if strand_ids = '{}' then
        -- No strand of it can be tried again but by trying the whole batch.
        raise;
      end if;
      failed := failed + learning.retry_after_failure(
        strand_ids, learning.members_in_words(kind, members), sqlstate, sqlerrm);
      failures := failures || jsonb_build_object('code', sqlstate, 'reason', sqlerrm);
      if sqlstate = '57014' then
        -- The timeout has gone off and does not do so again.
        deadline := '-infinity';
      end if;
    end;
  end loop;
  perform learning.return_receipts(postponed);
  perform learning.log_late_strands(late);
end
$function$;
CREATE OR REPLACE FUNCTION learning.apply_trade(p_trade_id text, OUT changed_groups learning.group_key[], OUT changed_from timestamp with time zone)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  applied constant record := learning.apply_trades(array[p_trade_id]);
begin
  changed_groups := applied.changed_groups;
  changed_from := applied.changed_from;
end
$function$;
CREATE OR REPLACE FUNCTION learning.apply_trades(p_trade_ids text[], OUT changed_groups learning.group_key[], OUT changed_from timestamp with time zone)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  closings learning.accepted_strands[];
  closed_trades learning.closed_trades[];
  are_newest boolean[];
  shared jsonb;
  changed_trades text[];
begin
  select coalesce(array_agg(standing.closing order by standing.place), '{}'),
    coalesce(array_agg(
      learning.trade_of_close(standing.closing, standing.module) order by standing.place
    ), '{}'),
    coalesce(array_agg(standing.is_newest order by standing.place), '{}'),
    jsonb_object_agg(standing.trade_id, standing.acting)
      filter (where standing.is_newest and cardinality(standing.acting) > 1)
  into closings, closed_trades, are_newest, shared
  from (
    select standing_close.*, row_number() over () as place
    from learning.standing_closes(p_trade_ids) as standing_close
  ) as standing;

  select coalesce(array_agg(distinct written.changed_group), '{}'), array_agg(written.touched_trade)
  into changed_groups, changed_trades
  from learning.write_events(p_trade_ids, closings, closed_trades, are_newest) as written;
  changed_from := learning.write_trades(p_trade_ids, closed_trades, are_newest);
  if shared is not null then
    perform learning.warn_of_shared_id(id.key, array(select jsonb_array_elements_text(id.value)))
    from jsonb_each(shared) as id
    where id.key = any (changed_trades);
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.apply_what_is_missing(OUT trades bigint, OUT episodes bigint)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET jit TO 'off'
AS $function$
declare
  missing record;
  applied record;
  changed_groups learning.group_key[] := '{}'::learning.group_key[];
begin
  trades := 0;
  episodes := 0;
  perform learning.register_scope_values(array_agg(context.content))
  from learning.accepted_strands strand
  cross join lateral (
    values (strand.content -> 'entry_context'), (strand.content -> 'scope'), (strand.regime_context)
  ) as context(content)
  where not learning.has_effect(strand.id);
  for missing in
    select distinct 'trade' as kind, learning.text_of(strand.content, 'trade_id') as subject
    from learning.accepted_strands strand
    left join learning.closed_trades trade on trade.trade_id = learning.text_of(strand.content, 'trade_id')
    left join public.pattern_trade_events event on event.action_strand_id = strand.id
    where case
      when strand.kind = 'position_closed' then trade.trade_id is null
      else strand.kind in ('pm_action', 'dm_action') and trade.trade_id is not null
        and event.action_strand_id is null
    end
    union all
    select distinct 'episode', learning.text_of(strand.content, 'episode_id')
    from learning.accepted_strands strand
    left join public.pattern_episode_events episode on episode.strand_id = strand.id
    where episode.strand_id is null
      and (
        strand.kind = 'episode_window'
        or strand.kind = 'pm_action' and learning.is_shadow_window(strand.content)
      )
    union
    select distinct 'episode', learning.text_of(strand.content, 'episode_id')
    from learning.accepted_strands strand
    left join public.pattern_episode_events episode on episode.summary_strand_id = strand.id
    where strand.kind = 'uptrend_episode_summary' and episode.summary_strand_id is null
      and learning.text_of(strand.content, 'episode_id') is not null
    order by 1, 2
  loop
    continue when learning.is_pruned(missing.kind, missing.subject);
    applied := learning.take_back(missing.kind, missing.subject);
    changed_groups := changed_groups || applied.changed_groups;
    trades := trades + (missing.kind = 'trade')::integer;
    episodes := episodes + (missing.kind = 'episode')::integer;
  end loop;
  perform learning.mark_groups_changed(changed_groups);
end
$function$;
CREATE OR REPLACE FUNCTION learning.are_dimensions(value jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return jsonb_typeof(value) = 'array' and not exists (
    select from jsonb_array_elements(value) as named(dim)
    where not exists (
      select from public.scope_dimensions dimension where to_jsonb(dimension.dim) = named.dim
    )
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.ask_slices(p_pattern_key text, p_action_category text, scope jsonb, as_of timestamp with time zone, config jsonb, even_luck boolean)
 RETURNS learning.said_by_slices
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET jit TO 'off'
AS $function$
declare
  calibration learning.standing_calibration;
  said learning.said_by_slices;
  codes integer[];
  group_mean float8;
  group_sigma float8;
  faded_place integer;
begin
  calibration := learning.calibration_of(p_pattern_key, p_action_category, scope, as_of, config);
  said := calibration.said;
  if calibration.group_id is null or (said.kappa = 0 and not even_luck) then
    return null;
  end if;
  group_mean := calibration.mean;
  group_sigma := said.sigma;
  faded_place := calibration.memory;
  codes := array(
    select scope_value.code
    from jsonb_each_text(scope) as given
    join learning.scope_values scope_value
      on scope_value.dim = given.key and md5(scope_value.value) = md5(given.value)
      and scope_value.value = given.value
    order by given.key collate "C"
  );
  select sum(slice.weight), sum(slice.excess) / nullif(sum(slice.weight), 0), array_agg(slice.code_1),
    array_agg(slice.code_2), array_agg(slice.weight), array_agg(slice.excess)
  into said.weight, said.expected, said.codes_1, said.codes_2, said.weights, said.excesses
  from (
    select effect.code_1, effect.code_2, weighed.n as weight,
      (weighed.total - weighed.n * group_mean) / group_sigma as excess
    from (
      select 0 as code_1, 0 as code_2
      union all
      select unnest(codes), 0
      union all
      select codes[one], codes[other]
      from generate_subscripts(codes, 1) as one
      cross join lateral generate_series(one + 1, cardinality(codes)) as other
    ) as key
    join public.learning_effects effect
      on effect.group_id = calibration.group_id and effect.code_1 = key.code_1 and effect.code_2 = key.code_2
    cross join lateral (
      select case when faded_place is null then effect.n else effect.faded_n[faded_place] end as n,
        case when faded_place is null then effect.total else effect.faded_total[faded_place] end as total
    ) as weighed
  ) as slice;
  if said.expected is null then
    return null;
  end if;
  said.is_opposed := said.expected <> 0
    and learning.is_opposed(p_pattern_key, p_action_category, scope, said.expected);
  return said;
end
$function$;
CREATE OR REPLACE FUNCTION learning.assumed_thresholds()
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  tuning constant jsonb := learning.config() -> 'tuning';
begin
  return jsonb_strip_nulls(jsonb_build_object(
    'ts_min', tuning -> 'ts_min', 'halo_max', tuning -> 'halo_max', 'slope_min', tuning -> 'slope_min'
  ));
end
$function$;
CREATE OR REPLACE FUNCTION learning.await_approval(writable learning.wanted_override[])
 RETURNS learning.wanted_override[]
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  waiting learning.wanted_override[];
  created bigint[];
begin
  select array_agg(wanted) into waiting
  from unnest(writable) as wanted
  left join public.pm_overrides override using (override_type, pattern_key, action_category, scope_digest)
  where override.id is null
    or (override.control = 'auto' and (
      (not override.enabled and override.disabled_reason = 'waits for approval')
      or learning.is_larger_move(override.multiplier - 1, wanted.multiplier - 1)
      or learning.is_larger_move(override.value, wanted.value)
    ));
  if waiting is null then
    return writable;
  end if;
  created := learning.create_overrides(waiting);
  update public.pm_overrides override
  set enabled = false, disabled_by = 'loop', disabled_reason = 'waits for approval'
  where override.id = any (created);
  perform learning.log_overrides(created, 'override_waits', 'waits for approval', null);
  update public.pm_overrides override
  set proposed = learning.figures_wanted(wanted)
  from unnest(waiting) as wanted
  where (override.override_type, override.pattern_key, override.action_category, override.scope_digest)
    = (wanted.override_type, wanted.pattern_key, wanted.action_category, wanted.scope_digest)
    and override.control = 'auto' and override.proposed is distinct from learning.figures_wanted(wanted);
  return array(
    select wanted from unnest(writable) as wanted
    where (wanted.override_type, wanted.pattern_key, wanted.action_category, wanted.scope_digest) not in (
      select late.override_type, late.pattern_key, late.action_category, late.scope_digest
      from unnest(waiting) as late
    )
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.await_stillness(patience interval DEFAULT '00:01:00'::interval)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  deadline constant timestamptz := clock_timestamp() + patience;
begin
  loop
    begin
      perform learning.lock_or_raise();
      return;
    exception when lock_not_available then
      -- What was taken is let go. Whoever writes several things may do so in any order, so that holding one
      -- while waiting for another would end in a deadlock with some of them.
      if clock_timestamp() > deadline then
        raise exception using
          errcode = '55P03',
          message = format('Somebody is writing all the time, and was waited for for %s: %s', patience,
            sqlerrm),
          hint = 'Nothing was changed. Stop what writes positions, overrides and configuration, or end the '
            || 'transactions that pg_stat_activity shows as idle, and try again.';
      end if;
    end;
    perform pg_sleep(0.05);
  end loop;
end
$function$;
CREATE OR REPLACE FUNCTION learning.awaits_withdrawal()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return exists (
    select from learning.withdrawn_strands withdrawn_strand
    where withdrawn_strand.next_attempt_at <= clock_timestamp()
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.baseline_of(group_category text)
 RETURNS learning.baselines
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select baseline.action_category, baseline.n, baseline.mean, baseline.winsorised_mean, baseline.sigma,
    baseline.lower_bound, baseline.upper_bound, baseline.measured_at,
    coalesce(category_baseline.lowest, baseline.lowest), coalesce(category_baseline.highest, baseline.highest)
  from learning.baselines baseline
  left join learning.baselines category_baseline on category_baseline.action_category = group_category
  where baseline.action_category
    = case learning.config() ->> 'baseline' when 'category' then group_category else '' end;
$function$;
CREATE OR REPLACE FUNCTION learning.begin_run(mining_group learning.mining_groups)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select jsonb_build_object(
    'started_at', now(),
    'cycle', cycle.cycle,
    'last_event_id', cycle.last_event_id,
    'evidence_version', mining_group.evidence_version,
    'settings', learning.mining_settings_digest(),
    'config', learning.config(),
    'baseline', (
      select to_jsonb(baseline) - 'action_category' - 'measured_at'
      from learning.baseline_of(mining_group.action_category) as baseline
      where baseline.n is not null
    ),
    'category', (
      select jsonb_build_object('n', category_baseline.n, 'sigma', category_baseline.sigma)
      from learning.baselines category_baseline
      where category_baseline.action_category = mining_group.action_category
    ),
    'first_sigma', coalesce(
      case when mining_group.first_outcome = learning.outcome_read(learning.config())
        then nullif(mining_group.first_sigma, 0)
      end,
      (select baseline.sigma from learning.baseline_of(mining_group.action_category) as baseline)
    ),
    'effects', (
      select to_jsonb(basis) - 'module' - 'action_category'
      from learning.effect_bases basis
      where basis.module = mining_group.module and basis.action_category = mining_group.action_category
    ),
    'dimensions', learning.registered_dimensions()
  )
  from learning.mining_cycles cycle
  where cycle.family = mining_group.family;
$function$;
CREATE OR REPLACE FUNCTION learning.beginning(document jsonb)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  most constant integer := learning.size_limit('scope_bytes');
begin
  return case
    when learning.is_nested_too_deep(document)
      then format('%s nested more than %s deep', jsonb_typeof(document), learning.size_limit('nesting'))
    when learning.text_bytes(document, most) > most
      then format('%s of more than %s bytes', jsonb_typeof(document), most)
    else left(document::text, 61)
  end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.blend_of_sums(sums learning.match_sums, steering jsonb, mode text, adds boolean, least_confidence double precision)
 RETURNS learning.strength_blend
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  base_bias constant float8 := (steering -> 'base_bias')::float8;
  blend learning.strength_blend;
begin
  blend.log_multiplier := sums.log_multiplier / sums.edged_weight;
  blend.hand_multiplier := 1 + sums.hand_gain / nullif(sums.hand_weight, 0);
  if sums.posture_weight is not null then
    blend.multiplier := 1 + sums.gain / sums.weight;
    blend.posture_confidence := sums.posture_confidence / sums.posture_weight;
    blend.steer := learning.steering_strength(blend.posture_confidence, steering);
    blend.delta_a := blend.steer * sums.dir_a / sums.posture_weight
      + base_bias * coalesce(sums.edge / sums.posture_weight, 0);
    blend.delta_e := blend.steer * sums.dir_e / sums.posture_weight;
  end if;

  -- What the configured mode says of each override, and in which units.
  blend.override_ids := sums.override_ids;
  blend.scope_masks := sums.scope_masks;
  blend.weights := sums.weights;
  blend.moves := sums.moves;
  blend.overrides := cardinality(sums.override_ids);
  blend.weight_unit := 1;
  blend.move_unit := 1;
  blend.edge_unit := 0;
  blend.least_weight := 0;
  blend.least_confidence := 0;
  case mode
    when 'edge_weighted' then
      blend.weight := sums.edged_weight;
      blend.confidence := sums.confidence / sums.edged_weight;
      blend.pull := blend.log_multiplier;
      blend.weight_unit := sums.specificity;
      blend.least_weight := learning.least_edge_weight(sums.specificity);
      blend.overrides := (
        select count(*) from unnest(sums.weights) as listed(weight) where listed.weight >= blend.least_weight
      );
    when 'multiplier' then
      blend.weight := nullif(sums.weight, 0);
      blend.confidence := sums.confidence / blend.weight;
      blend.pull := blend.multiplier - 1;
    when 'calibrated' then
      blend.weight := nullif(sums.hand_weight, 0);
      blend.confidence := blend.posture_confidence;
      blend.pull := blend.hand_multiplier - 1;
    else
      blend.weight := sums.posture_weight;
      blend.confidence := blend.posture_confidence;
      blend.pull := case when adds then blend.delta_a else blend.delta_e end;
      blend.move_unit := blend.steer;
      blend.edge_unit := case when adds then base_bias else 0 end;
      blend.least_confidence := least_confidence;
  end case;
  return blend;
end
$function$;
CREATE OR REPLACE FUNCTION learning.blend_overrides(candidate learning.candidate, config jsonb, one_by_one boolean, even_resting boolean DEFAULT false)
 RETURNS learning.strength_blend
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  mode constant text := config ->> 'strength_mode';
  steering constant jsonb := config -> 'steering';
  -- Nearer to 0 there is no confidence, and without any an override has no weight.
  least_confidence float8 := greatest(learning.dust(), (steering -> 'confidence_min')::float8);
  probe learning.override_probe;
  sums learning.match_sums;
begin
  if not even_resting and not learning.overrides_act('pm_strength', candidate.scope, config) then
    return null;
  end if;
  probe := learning.probe_overrides(
    'pm_strength', candidate.pattern_key, candidate.action_category, candidate.scope
  );
  if probe.buckets is null then
    return null;
  end if;
  sums := learning.sum_matches(candidate, config, probe, least_confidence, one_by_one, even_resting);
  if sums.specificity is null then
    return null;
  end if;
  if sums.posture_weight is null and sums.weight > 0 then
    -- Where none is confident, all are heeded.
    least_confidence := learning.dust();
    sums := learning.sum_matches(candidate, config, probe, least_confidence, one_by_one, even_resting);
  end if;
  if sums.specificity < probe.most_specificity and sums.light is not null then
    sums := learning.with_light_edges(
      sums, learning.least_edge_weight(sums.specificity), mode = 'edge_weighted'
    );
  end if;
  return learning.blend_of_sums(
    sums, steering, mode, candidate.action_category in ('entry', 'add'), least_confidence
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.bring_in_line(kind text, subjects text[], OUT changed_groups learning.group_key[], OUT changed_from timestamp with time zone)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  applied record;
begin
  if kind = 'trade' then
    applied := learning.apply_trades(subjects);
    changed_groups := applied.changed_groups;
    changed_from := applied.changed_from;
  else
    changed_groups := learning.apply_episodes(subjects);
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.broadcast_overrides()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  piece record;
begin
  if not learning.broadcasts() then
    return null;
  end if;
  begin
    for piece in
      select jsonb_agg(changed.override_id order by changed.override_id) as ids,
        max(changed.version) as version
      from (
        select change.override_id, max(change.id) as version,
          (row_number() over (order by change.override_id) - 1) / 1000 as place
        from new_changes change
        group by change.override_id
      ) as changed
      group by changed.place
      order by changed.place
    loop
      execute 'select realtime.send($1, $2, $3, true)'
      using jsonb_build_object('ids', piece.ids, 'version', piece.version), 'overrides_changed',
        'edgeloop:overrides';
    end loop;
  exception when others then
    -- An override must be written whoever cannot be told of it.
    perform learning.write_log_hourly('ERROR', 'alerts', 'broadcast_failed',
      format('That overrides changed could not be broadcast: %s', sqlerrm),
      jsonb_build_object('sqlstate', sqlstate));
  end;
  return null;
end
$function$;
CREATE OR REPLACE FUNCTION learning.broadcasts()
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  -- In the catalogue, which tells of a schema that one may not use, too.
  select exists (
    select from pg_proc routine
    join pg_namespace namespace on namespace.oid = routine.pronamespace and namespace.nspname = 'realtime'
    where routine.proname = 'send' and oidvectortypes(routine.proargtypes) = 'jsonb, text, text, boolean'
  );
$function$;
CREATE OR REPLACE FUNCTION learning.calibrated_strength(said learning.said_by_slices, multiplier_by_hand double precision)
 RETURNS double precision
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return learning.multiplier_within_bounds(
    'pm_strength', (1 + learning.kept_of(said)) * coalesce(multiplier_by_hand, 1)
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.calibration_of(p_pattern_key text, p_action_category text, scope jsonb, as_of timestamp with time zone, config jsonb)
 RETURNS learning.standing_calibration
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  found_calibration record;
  said learning.said_by_slices;
begin
  -- Several modules may have learned about one key: the one that rests on most speaks for all of them.
  select effect_group.group_id, effect_group.module, effect_group.last_evidence_at, calibration.mean,
    calibration.sigma, calibration.kappa, calibration.half_life_weeks, calibration.regimes_act
  into found_calibration
  from public.learning_effect_groups effect_group
  join public.learning_calibration calibration using (module, action_category)
  where effect_group.pattern_key = p_pattern_key and effect_group.action_category = p_action_category
  order by effect_group.n desc, effect_group.group_id
  limit 1;
  if found_calibration.group_id is null then
    return null;
  end if;
  said.module := found_calibration.module;
  said.sigma := found_calibration.sigma;
  said.kappa := found_calibration.kappa;
  if found_calibration.regimes_act then
    select regime_weight.kappa, regime_weight.regime_signature into said.kappa, said.regime
    from public.learning_regime_weights regime_weight
    where regime_weight.module = found_calibration.module
      and regime_weight.action_category = p_action_category
      and regime_weight.regime_signature = learning.regime_of(scope, config -> 'regime_dimensions');
    said.kappa := coalesce(said.kappa, found_calibration.kappa);
  end if;
  said.fade := learning.fade(as_of, found_calibration.last_evidence_at,
    (config -> 'staleness_half_life_hours')::float8);
  return (
    said, found_calibration.group_id, found_calibration.mean,
    array_position(array[52, 26, 13]::float8[], found_calibration.half_life_weeks)
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.category_cells(p_module text, p_action_category text, p_half_life double precision)
 RETURNS TABLE(week integer, regime text, n bigint, told double precision, squares double precision)
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select cell.week, cell.regime, sum(cell.n), sum(cell.told order by cell.group_id),
    sum(cell.squares order by cell.group_id)
  from (
    select effect_group.group_id, unnest(cell_set.weeks) as week, unnest(cell_set.regimes) as regime,
      unnest(cell_set.n) as n, unnest(cell_set.told[memory.first_cell : memory.last_cell]) as told,
      unnest(cell_set.squares[memory.first_cell : memory.last_cell]) as squares
    from public.learning_effect_groups effect_group
    join learning.effect_cells cell_set using (group_id)
    cross join lateral (
      select (place - 1) * cardinality(cell_set.weeks) + 1 as first_cell,
        place * cardinality(cell_set.weeks) as last_cell
      from array_position(cell_set.half_lives, p_half_life) as place
    ) as memory
    where effect_group.module = p_module and effect_group.action_category = p_action_category
  ) as cell
  group by cell.week, cell.regime;
$function$;
CREATE OR REPLACE FUNCTION learning.category_sums(p_module text, p_action_category text)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select jsonb_build_object(
    'n', (
      select sum(effect_group.n) from public.learning_effect_groups effect_group
      where effect_group.module = p_module and effect_group.action_category = p_action_category
    ),
    'cells', (
      select jsonb_agg(
        jsonb_build_object('week', cell.week, 'regime', cell.regime, 'n', cell.n)
        order by cell.week, cell.regime collate "C"
      )
      from learning.category_cells(p_module, p_action_category, 'infinity') as cell
    ),
    'memories', jsonb_agg(jsonb_build_object(
      'half_life', nullif(memory.half_life, 'infinity'), 'tau_above', memory.tau_above,
      'tau_below', memory.tau_below, 'told', cells.told, 'squares', cells.squares
    ) order by memory.half_life desc)
  )
  from (
    select tried.half_life, sum(tried.tau_above order by tried.group_id) as tau_above,
      sum(tried.tau_below order by tried.group_id) as tau_below, count(*) as groups
    from (
      select effect_group.group_id, unnest(cell_set.half_lives) as half_life,
        unnest(cell_set.tau_above) as tau_above, unnest(cell_set.tau_below) as tau_below
      from public.learning_effect_groups effect_group
      join learning.effect_cells cell_set using (group_id)
      where effect_group.module = p_module and effect_group.action_category = p_action_category
    ) as tried
    group by tried.half_life
  ) as memory
  cross join lateral (
    select jsonb_agg(cell.told order by cell.week, cell.regime collate "C") as told,
      jsonb_agg(cell.squares order by cell.week, cell.regime collate "C") as squares
    from learning.category_cells(p_module, p_action_category, memory.half_life) as cell
  ) as cells
  -- While a change of the configuration is under way some groups were mined under fewer memories.
  where memory.groups = (
    select count(*) from public.learning_effect_groups effect_group
    where effect_group.module = p_module and effect_group.action_category = p_action_category
  );
$function$;
CREATE OR REPLACE FUNCTION learning.cautious_effect(effect double precision, error2 double precision, tau2 double precision)
 RETURNS double precision
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return case when tau2 > 0 then effect * tau2 / (tau2 + error2) end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.change_by(factor double precision)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select translate(to_char(round((factor * 100 - 100)::numeric), 'SGFM999999'), '-', '−') || ' %';
$function$;
CREATE OR REPLACE FUNCTION learning.change_overrides(writable learning.wanted_override[])
 RETURNS bigint[]
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  changed bigint[];
begin
  with written as (
    update public.pm_overrides override
    set multiplier = wanted.multiplier, value = wanted.value, dir_a = wanted.dir_a, dir_e = wanted.dir_e,
      edge_raw = wanted.edge_raw, n = wanted.n, variance = wanted.variance,
      confidence_score = wanted.confidence_score, decay_state = wanted.decay_state,
      half_life_hours = wanted.half_life_hours, lesson_id = wanted.lesson_id,
      last_evidence_at = wanted.last_evidence_at, enabled = true, proposed = null
    from unnest(writable) as wanted
    where (override.override_type, override.pattern_key, override.action_category, override.scope_digest)
      = (wanted.override_type, wanted.pattern_key, wanted.action_category, wanted.scope_digest)
      -- A person's word stands.
      and override.control = 'auto'
      and (override.enabled or not learning.has_broken_promise(override))
      and (override.multiplier, override.value, override.dir_a, override.dir_e, override.edge_raw, override.n,
          override.variance, override.confidence_score, override.decay_state, override.half_life_hours,
          override.lesson_id, override.last_evidence_at, override.enabled, override.proposed)
        is distinct from (wanted.multiplier, wanted.value, wanted.dir_a, wanted.dir_e, wanted.edge_raw,
          wanted.n, wanted.variance, wanted.confidence_score, wanted.decay_state, wanted.half_life_hours,
          wanted.lesson_id, wanted.last_evidence_at, true, null)
    returning override.id
  )
  select array_agg(written.id) into changed from written;
  return changed;
end
$function$;
CREATE OR REPLACE FUNCTION learning.check_batch(candidates jsonb)
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  most_candidates constant integer := learning.size_limit('batch_candidates');
  most_bytes constant integer := learning.size_limit('batch_bytes');
begin
  if candidates is null or jsonb_typeof(candidates) <> 'array'
    or jsonb_array_length(candidates) > most_candidates then
    raise exception using
      errcode = '22023',
      message = format(
        'Argument candidates must be an array of at most %s objects and is %s', most_candidates,
        case jsonb_typeof(candidates)
          when 'array' then 'an array of ' || jsonb_array_length(candidates)
          else coalesce(learning.quoted(learning.beginning(candidates)), 'null')
        end
      ),
      hint = 'Split candidates into several calls.';
  elsif pg_column_size(candidates #> '{}') > most_bytes then
    raise exception using
      errcode = '22023',
      message = format('Argument candidates must have at most %s bytes in memory and has %s', most_bytes,
        pg_column_size(candidates #> '{}')),
      hint = 'Split candidates into several calls.';
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.check_candidate(pattern_key text, action_category text, scope jsonb, a_value double precision, e_value double precision, previous_strength double precision, as_of timestamp with time zone)
 RETURNS learning.candidate
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  most_characters constant integer := learning.size_limit('pattern_key_characters');
  candidate learning.candidate;
begin
  if pattern_key is null or btrim(pattern_key) = '' then
    perform learning.refuse_argument(
      'pattern_key', 'a behaviour such as pm.uptrend.S1.buy_flag', pattern_key
    );
  elsif octet_length(pattern_key) > most_characters and length(btrim(pattern_key)) > most_characters then
    perform learning.refuse_argument(
      'pattern_key',
      format('at most %s characters long, not %s,', most_characters, length(btrim(pattern_key))), pattern_key
    );
  elsif action_category is null or action_category not in ('entry', 'add', 'trim', 'exit') then
    perform learning.refuse_argument('action_category', 'entry, add, trim or exit', action_category);
  elsif not a_value between 0 and 1 then
    perform learning.refuse_argument('a_value', 'a number from 0 to 1', a_value::text);
  elsif not e_value between 0 and 1 then
    perform learning.refuse_argument('e_value', 'a number from 0 to 1', e_value::text);
  elsif not (previous_strength > 0 and previous_strength <= 1e6) then
    perform learning.refuse_argument(
      'previous_strength', 'a number greater than 0 and at most 1e6', previous_strength::text
    );
  elsif not isfinite(as_of) then
    perform learning.refuse_argument('as_of', 'a finite time', as_of::text);
  end if;
  candidate.pattern_key := case when pattern_key ^@ 'module=' or pattern_key <> btrim(pattern_key)
    then learning.dotted_pattern_key(pattern_key) else pattern_key end;
  candidate.action_category := action_category;
  candidate.scope := scope;
  candidate.ignored := '{}';
  -- As nearly all are. What takes so few bytes and holds texts alone is within every limit.
  if jsonb_typeof(scope) = 'object' and pg_column_size(scope #> '{}') <= 8 * learning.size_limit('scope_keys')
    and not jsonb_path_exists(scope, 'strict $.* ? (@.type() != "string")') then
    candidate.scope_mask := learning.normal_scope_mask(scope);
  end if;
  if candidate.scope_mask is null then
    perform learning.check_scope(scope);
    candidate.scope := learning.merged_scope(null, scope, null);
    candidate.scope_mask := learning.scope_mask(candidate.scope);
    candidate.ignored := learning.ignored_keys(scope);
  end if;
  candidate.a_value := learning.without_dust(coalesce(a_value, 0.5));
  candidate.e_value := learning.without_dust(coalesce(e_value, 0.5));
  candidate.previous_strength := greatest(learning.dust(), coalesce(previous_strength, 1));
  candidate.as_of := coalesce(as_of, now());
  candidate.as_of_us := (extract(epoch from candidate.as_of) * 1000000)::float8;
  return candidate;
end
$function$;
CREATE OR REPLACE FUNCTION learning.check_scope(scope jsonb)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  fault text;
begin
  if scope is null or jsonb_typeof(scope) <> 'object' then
    perform learning.refuse_argument(
      'scope', 'an object of dimensions and texts', learning.beginning(scope)
    );
  end if;
  if learning.is_plain(scope) then
    return;
  end if;
  fault := learning.size_fault(scope, learning.size_limit('scope_bytes'));
  perform learning.refuse_scope(case
    when fault is null then learning.value_faults(scope, true)
    else jsonb_build_array(jsonb_build_object('path', 'scope', 'message', fault))
  end);
end
$function$;
CREATE OR REPLACE FUNCTION learning.choose_due_strands(most_strands integer)
 RETURNS text[]
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  due record;
  chosen text[] := '{}'::text[];
  company integer := most_strands;
begin
  for due in
    select receipt.strand_id, receipt.attempts
    from public.strand_receipts receipt
    where receipt.status = 'pending' and receipt.next_attempt_at <= clock_timestamp()
    order by receipt.next_attempt_at, receipt.event_at, receipt.strand_id
    limit most_strands
    for update skip locked
  loop
    -- Each time that a strand was claimed in vain it travels with an eighth of the company, and in the end
    -- alone: in case it is what brings its company down.
    company := least(company, greatest(1, most_strands >> least(3 * due.attempts, 9)),
      -- One that will be refused for its id does not add it to those of a whole claim.
      case when length(due.strand_id) > learning.size_limit('id_characters') then 1 end);
    exit when cardinality(chosen) >= company;
    chosen := chosen || due.strand_id;
  end loop;
  return chosen;
end
$function$;
CREATE OR REPLACE FUNCTION learning.clear_seeds()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  cleared constant text := coalesce(current_setting('edgeloop.cleared_seeds', true), '');
begin
  -- Nothing was ever learned here, and this session has not begun to restore the table.
  if pg_sequence_last_value('learning.scope_values_code_seq'::regclass) is null
    and strpos(cleared, tg_table_name) = 0 then
    execute format('delete from %s where true', tg_relid::regclass);
    perform set_config('edgeloop.cleared_seeds', concat_ws(' ', cleared, tg_table_name), false);
  end if;
  return null;
end
$function$;
CREATE OR REPLACE FUNCTION learning.codes_by_bit(bits integer[], codes integer[], dimensions integer)
 RETURNS integer[]
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  placed integer[] := array_fill(0, array[dimensions]);
begin
  for place in 1 .. coalesce(cardinality(bits), 0) loop
    placed[bits[place] + 1] := codes[place];
  end loop;
  return placed;
end
$function$;
CREATE OR REPLACE FUNCTION learning.complete_direct_window()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  compared float8[];
begin
  new.strand_id := learning.direct_window_id(new.id);
  -- What says nothing of it is left for the check to refuse.
  new.outcome := coalesce(learning.window_outcome(new.outcome, new.decision), new.outcome);
  if tg_op = 'UPDATE' and new.occurred_at is distinct from old.occurred_at then
    perform learning.require_possible_time(new.occurred_at);
  end if;
  -- Most that is written later is the outcome alone.
  if tg_op = 'UPDATE' and (new.pattern_key, new.scope, new.decision, new.factors, new.blocked_by)
    is not distinct from (old.pattern_key, old.scope, old.decision, old.factors, old.blocked_by) then
    return new;
  end if;
  perform learning.register_scope_values(array[new.scope]);
  new.pattern_key := learning.dotted_pattern_key(new.pattern_key);
  new.scope := public.unified_scope('{}', new.scope, '{}');
  new.scope_mask := learning.scope_mask(new.scope);
  new.scope_codes := learning.encode_scope(new.scope);
  -- The column of a guest, where there is one.
  new.occurred_at := coalesce(new.occurred_at, (to_jsonb(new) ->> 'timestamp')::timestamptz, now());
  if tg_op = 'INSERT' then
    perform learning.require_possible_time(new.occurred_at);
  end if;
  new.factors := learning.assumed_thresholds() || coalesce(new.factors, '{}');
  compared := learning.episode_gates(new.decision, new.factors);
  new.gates := case when learning.missing_gates(compared) = '{}' then compared end;
  new.blocked_by := learning.episode_blockers(
    jsonb_build_object('decision', new.decision, 'blocked_by', to_jsonb(nullif(new.blocked_by, '{}'))),
    new.factors, compared
  );
  return new;
end
$function$;
CREATE OR REPLACE FUNCTION learning.configuration_faults(p_module_id text, config_data jsonb)
 RETURNS text[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  size_fault text;
begin
  size_fault := learning.size_fault(config_data, learning.size_limit('batch_bytes'));
  -- Modules of other systems keep what they like here, as far as it is not too large; nobody reads it.
  if not exists (select from learning.settings setting where setting.module_id = p_module_id) then
    return array_remove(array['config_data ' || size_fault], null);
  end if;
  if jsonb_typeof(config_data) <> 'object' then
    return array[
      'config_data must be an object, not ' || learning.shortened(learning.beginning(config_data))
    ];
  end if;
  if size_fault is not null then
    return array['config_data ' || size_fault];
  end if;
  return array(
    with recursive entries (keys, value) as (
      select array[entry.key], entry.value
      from jsonb_each(config_data) as entry
      where entry.key <> all (learning.legacy_keys())
      union all
      select entries.keys || nested.key, nested.value
      from entries
      cross join lateral jsonb_each(
        case jsonb_typeof(entries.value) when 'object' then entries.value else '{}'::jsonb end
      ) as nested
      -- What is within the value of a setting is the setting's.
      where not exists (
        select from learning.settings setting
        where setting.module_id = p_module_id and setting.keys = entries.keys
      )
    ),
    judged as (
      select entries.keys, case
        when setting.path is not null then learning.setting_fault(setting, entries.value)
        when not exists (
          select from learning.settings nested_setting
          where nested_setting.module_id = p_module_id
            and nested_setting.keys[1:cardinality(entries.keys)] = entries.keys
        ) then 'is not a known key'
        when jsonb_typeof(entries.value) <> 'object'
          then 'must be an object, not ' || learning.shortened(learning.beginning(entries.value))
      end as fault
      from entries
      left join learning.settings setting
        on setting.module_id = p_module_id and setting.keys = entries.keys
    )
    select array_to_string(judged.keys, '.') || ' ' || judged.fault
    from judged
    where judged.fault is not null
    order by 1
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.configured_value(setting learning.settings, config_data jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  value constant jsonb := coalesce(config_data #> setting.keys, setting.default_value);
begin
  return case
    -- Of earlier releases, which looked at how long a group had been traded.
    when setting.path = 'cluster' and value = '"auto"' then '"week"'::jsonb
    when jsonb_typeof(value) = 'number' and learning.number_of_decimal(value::numeric) = 0 then '0'::jsonb
    else value
  end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.create_overrides(writable learning.wanted_override[])
 RETURNS bigint[]
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  created bigint[];
begin
  with written as (
    insert into public.pm_overrides as override (
      override_type, pattern_key, action_category, scope_subset, multiplier, value, dir_a, dir_e, edge_raw, n,
      variance, confidence_score, decay_state, half_life_hours, lesson_id, first_active_at, last_evidence_at
    )
    select wanted.override_type, wanted.pattern_key, wanted.action_category, wanted.scope_subset,
      wanted.multiplier, wanted.value, wanted.dir_a, wanted.dir_e, wanted.edge_raw, wanted.n,
      wanted.variance, wanted.confidence_score, wanted.decay_state, wanted.half_life_hours, wanted.lesson_id,
      wanted.first_active_at, wanted.last_evidence_at
    from unnest(writable) as wanted
    -- Looked for first: to insert and find that it is there takes ten times as long.
    where not exists (
      select from public.pm_overrides former_override
      where former_override.override_type = wanted.override_type
        and former_override.pattern_key = wanted.pattern_key
        and former_override.action_category = wanted.action_category
        and former_override.scope_digest = wanted.scope_digest
    )
    -- One that somebody else made meanwhile is looked at in the next pass.
    on conflict (override_type, pattern_key, action_category, scope_digest) do nothing
    returning override.id
  )
  select array_agg(written.id) into created from written;
  return created;
end
$function$;
CREATE OR REPLACE FUNCTION learning.crowding_context(config jsonb)
 RETURNS learning.crowding_context
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  context learning.crowding_context;
begin
  context.enabled := (config #>> '{flags,exposure_skew_enabled}')::boolean;
  context.full_scope_counts := learning.full_scope_counts(config);
  context.weight_exponent := (config #>> '{exposure,weight_exponent}')::float8;
  context.alpha := (config #>> '{exposure,alpha}')::float8;
  context.beta := (config #>> '{exposure,beta}')::float8;
  context.cap := (config #>> '{exposure,cap}')::float8;
  context.empty_skew := (config #>> '{exposure,empty}')::float8;
  select coalesce(sum(position_scope.exposure), 0), coalesce(bit_or(position_scope.scope_mask), 0)
  into context.total, context.mask
  from learning.position_scopes position_scope;
  context.full_exposure := least(context.total, context.cap);
  return context;
end
$function$;
CREATE OR REPLACE FUNCTION learning.decided_windows(p_pattern_key text, after_override bigint)
 RETURNS TABLE(override_id bigint, occurred_at timestamp with time zone, window_id bigint, gain double precision)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_nestloop TO 'off'
 SET jit TO 'off'
AS $function$
begin
  return query
  with mover as materialized (select gate_mover.* from learning.gate_movers(p_pattern_key) as gate_mover),
  reach as materialized (
    select array[least(0, min(mover.move) filter (where mover.place = 1)),
        greatest(0, max(mover.move) filter (where mover.place = 2)),
        least(0, min(mover.move) filter (where mover.place = 3))] as loosest,
      array[greatest(0, max(mover.move) filter (where mover.place = 1)),
        least(0, min(mover.move) filter (where mover.place = 2)),
        greatest(0, max(mover.move) filter (where mover.place = 3))] as tightest,
      min(mover.since) filter (where mover.watched and mover.id > after_override) as earliest
    from mover
  ),
  near_window as materialized (
    select episode.id, least(episode.occurred_at, now()) as seen_at, episode.scope, episode.gates,
      episode.outcome = 'success' as succeeded
    from public.pattern_episode_events episode
    cross join reach
    where episode.pattern_key = p_pattern_key and episode.outcome in ('success', 'failure')
      and episode.occurred_at >= reach.earliest
      and (episode.decision = 'acted' or episode.blocked_by <@ array['ts', 'slope', 'halo'])
      -- What the loosest gates keep out, or the tightest let in, no move decides.
      and learning.gates_pass(episode.gates, reach.loosest)
      and not learning.gates_pass(episode.gates, reach.tightest)
  ),
  standing as materialized (
    select distinct on (near_window.id, mover.place) near_window.id, mover.place, mover.move, mover.precedence
    from near_window
    join mover on near_window.scope @> mover.scope_subset and mover.acted_in @> near_window.seen_at
    order by near_window.id, mover.place, mover.precedence desc
  ),
  stood as materialized (
    select near_window.id, array[
      coalesce(max(standing.move) filter (where standing.place = 1), 0),
      coalesce(max(standing.move) filter (where standing.place = 2), 0),
      coalesce(max(standing.move) filter (where standing.place = 3), 0)
    ] as moves
    from near_window
    left join standing using (id)
    group by near_window.id
  )
  select mover.id, near_window.seen_at, near_window.id,
    (with_it.pass = near_window.succeeded)::integer::float8
  from mover
  join near_window on near_window.scope @> mover.scope_subset and near_window.seen_at >= mover.since
    and mover.watched_in @> near_window.seen_at
  left join standing on standing.id = near_window.id and standing.place = mover.place
  join stood on stood.id = near_window.id
  cross join lateral (
    select learning.gates_pass(near_window.gates, stood.moves, mover.place, mover.move) as pass
  ) as with_it
  where mover.watched and mover.id > after_override
    and (standing.id is null or standing.precedence <= mover.precedence)
    and with_it.pass <> learning.gates_pass(near_window.gates, stood.moves, mover.place, 0);
end
$function$;
CREATE OR REPLACE FUNCTION learning.decisions()
 RETURNS SETOF learning.decision
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform learning.refresh_decisions();
  return query
  select in_order.module, in_order.action_category, least(decision.acted_at, now()), decision.outcome
  from (
    -- So that the same decisions are summed to the same last digit wherever they are stored.
    select mining_group.module, mining_group.action_category, group_decision.outcome, group_decision.acted_at
    from learning.group_decisions group_decision
    join learning.mining_groups mining_group on mining_group.id = group_decision.group_id
    order by mining_group.module collate "C", mining_group.action_category collate "C",
      mining_group.pattern_key collate "C"
  ) as in_order
  cross join lateral unnest(in_order.outcome, in_order.acted_at) as decision(outcome, acted_at);
end
$function$;
CREATE OR REPLACE FUNCTION learning.differences_of_sizings(former public.pm_sizing, later public.pm_sizing, former_config jsonb, later_config jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    with pulls as (
      select coalesce(former_pull.id, later_pull.id) as id,
        coalesce(later_pull.scope_subset, former_pull.scope_subset) as scope_subset,
        former_pull.pull as before, later_pull.pull as after
      from jsonb_to_recordset(former.overrides) as former_pull(id bigint, scope_subset jsonb, pull float8)
      full join jsonb_to_recordset(later.overrides) as later_pull(id bigint, scope_subset jsonb, pull float8)
        on coalesce(later_pull.id, 0) = coalesce(former_pull.id, 0)
        and later_pull.scope_subset is not distinct from former_pull.scope_subset
    ),
    settings as (
      select coalesce(former_key.key, later_key.key) as key, former_key.value as before,
        later_key.value as after
      from jsonb_each(former_config) as former_key
      full join jsonb_each(later_config) as later_key on later_key.key = former_key.key
    ),
    differences as (
      select case when pulls.id is null then 'slice' else 'override' end as kind, pulls.id,
        pulls.scope_subset as what, case
          when pulls.before is null then 'came' when pulls.after is null then 'went' else 'changed'
        end as change, to_jsonb(pulls.before) as before, to_jsonb(pulls.after) as after,
        former.size_frac_raw * (coalesce(pulls.after, 0) - coalesce(pulls.before, 0)) as effect
      from pulls
      where pulls.before is distinct from pulls.after
      union all
      select 'exposure', null, null, 'changed', to_jsonb(former.exposure_skew), to_jsonb(later.exposure_skew),
        later.size_frac_raw * later.pm_strength * (later.exposure_skew - former.exposure_skew)
      where former.exposure_skew <> later.exposure_skew
      union all
      select 'configuration', null, to_jsonb(settings.key), 'changed', settings.before, settings.after, null
      from settings
      where settings.before is distinct from settings.after
    )
    select coalesce(jsonb_agg(
      to_jsonb(differences) order by abs(differences.effect) desc nulls last, differences.id
    ), '[]')
    from differences
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.digest(since timestamp with time zone)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  believed bigint;
  dropped bigint;
  switched_off text;
  sizes text;
  uplift text;
  proof constant public.learning_proofs := learning.newest_proof();
  health text;
begin
  select count(*) filter (where log_line.event = 'lesson_activated'),
    count(*) filter (where log_line.event = 'lesson_deprecated')
  into believed, dropped
  from public.learning_log log_line
  where log_line.at >= since and log_line.event in ('lesson_activated', 'lesson_deprecated');

  select format('%s switched off by evidence', learning.counted(count(*), 'override', 'overrides'))
  into switched_off
  from public.pm_override_history change
  where change.at >= since and change.actor = 'loop' and change.new ->> 'enabled' = 'false'
    and starts_with(change.new ->> 'disabled_reason', 'stopped adding value');

  select format('%s recorded, %s of them moved by more than 0.5 %% and %s held out; the PM told of %s',
    learning.counted(coalesce(sum(day.sizings), 0), 'size answered and', 'sizes answered and'),
    coalesce(sum(day.moved), 0), coalesce(sum(day.held_out), 0),
    learning.counted(coalesce(sum(day.actions), 0), 'action', 'actions'))
  into sizes
  from public.sizing_daily day
  where day.day >= (since at time zone 'UTC')::date;

  select string_agg(format('%s %s %s a unit of size [%s, %s] over %s (e = %s)', uplift.action_category,
    learning.in_unit(uplift.difference, uplift.unit), uplift.unit, learning.in_unit(uplift.low, uplift.unit),
    learning.in_unit(uplift.high, uplift.unit), learning.counted(uplift.weeks, 'week', 'weeks'),
    round(uplift.e_value::numeric, 1)), '; ' order by uplift.action_category)
  into uplift
  from public.learning_uplift uplift
  where uplift.difference is not null;

  select string_agg(format('%s is not well: %s', stage.stage, stage.problem), E'\n') into health
  from public.health_now stage
  where not stage.well;

  return concat_ws(E'\n',
    format('Edgeloop, the week since %s', learning.moment(since)),
    format('Lessons: %s came to be believed, %s were dropped', believed, dropped),
    'Overrides: ' || switched_off,
    'Sizes: ' || sizes,
    'Live experiment: ' || coalesce(uplift, 'nothing to tell yet'),
    'Proof: ' || coalesce(proof.report ->> 'sentence', proof.verdict,
      'none of this configuration and release'),
    'Health: ' || coalesce(E'\n' || health, 'all stages are well'));
end
$function$;
CREATE OR REPLACE FUNCTION learning.direct_window_id(window_id bigint)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return 'pattern_episode_events/' || window_id;
end
$function$;
CREATE OR REPLACE FUNCTION learning.disable_overrides(lapsed_overrides learning.lapsed_override[])
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  number_disabled integer;
begin
  with disabled as (
    update public.pm_overrides override
    set enabled = false, disabled_by = 'loop', disabled_reason = lapsed.reason
    from unnest(lapsed_overrides) as lapsed
    where override.id = lapsed.override_id and override.enabled and override.control = 'auto'
    returning override.*
  )
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'materialize-overrides', 'override_disabled',
    format('Override for %s %s in %s disabled: %s', disabled.pattern_key, disabled.action_category,
      disabled.scope_subset, disabled.disabled_reason),
    jsonb_build_object('id', disabled.id, 'override_type', disabled.override_type,
      'pattern_key', disabled.pattern_key, 'action_category', disabled.action_category,
      'scope_subset', disabled.scope_subset, 'disabled_reason', disabled.disabled_reason)
  from disabled;
  get diagnostics number_disabled = row_count;
  return number_disabled;
end
$function$;
CREATE OR REPLACE FUNCTION learning.doorbell_health()
 RETURNS learning.stage_health
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  health learning.stage_health;
  missing_secrets constant text := learning.missing_secrets();
  failed_rings constant record := learning.failed_rings();
  goes_unanswered boolean;
  fault text;
begin
  health.stage := 'doorbell';
  with rings as materialized (
    select ring.*,
      ring.answered_at is null and ring.rung_at > now() - interval '5 minutes' as is_waiting
    from learning.answered_rings() as ring
  ),
  -- Work that takes longer than the request waits for it is not lost.
  bad_rings as (
    select rings.*
    from rings
    where rings.answered_at is not null and not rings.is_success and not rings.timed_out
  ),
  newest_rings as (
    select distinct on (rings.function_name) rings.*
    from rings
    where rings.answered_at is not null
    order by rings.function_name, rings.rung_at desc
  )
  select count(*) filter (where rings.is_waiting),
    min(rings.rung_at) filter (where rings.is_waiting),
    max(rings.answered_at) filter (where rings.is_success),
    (select count(*) from bad_rings) + failed_rings.failures,
    -- What was rung before a crash is never answered; what is rung after it is.
    coalesce(bool_or(
      rings.answered_at is null and rings.rung_at < now() - interval '2 minutes'
      and rings.rung_at > coalesce((select max(newest_rings.rung_at) from newest_rings), '-infinity')
    ), false),
    (
      select learning.answer_fault(
        newest_rings.function_name, newest_rings.status_code, newest_rings.answered_at, newest_rings.reason
      )
      from newest_rings
      where not newest_rings.is_success and not newest_rings.timed_out
      order by newest_rings.answered_at desc
      limit 1
    )
  into health.backlog, health.oldest_waiting_at, health.last_success_at, health.failures,
    goes_unanswered, fault
  from rings;

  health.problem := case
    when missing_secrets is not null
      then format('Vault has no secret named %s: store it with vault.create_secret', missing_secrets)
    when failed_rings.fault is not null then failed_rings.fault
    when goes_unanswered then 'no request is sent: is the worker of pg_net running?'
    else fault
  end;
  return health;
end
$function$;
CREATE OR REPLACE FUNCTION learning.doubt_impossible_times()
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  earliest constant timestamptz := learning.earliest_event();
  doubted integer;
begin
  -- Whether they are indeed impossible is judged where every strand is.
  update public.strand_receipts receipt
  set status = 'pending', attempts = 0, errors = '[]'::jsonb, next_attempt_at = now(), processed_at = null,
    revision = receipt.revision + 1
  where receipt.status = 'done' and (
    receipt.event_at not between earliest and receipt.received_at + interval '1 day'
    or receipt.strand_id in (
      select trade.close_strand_id
      from learning.closed_trades trade
      join public.strand_receipts close_receipt on close_receipt.strand_id = trade.close_strand_id
      where trade.exit_at not between earliest and close_receipt.received_at + interval '1 day'
    )
    or receipt.strand_id in (
      select trade.close_strand_id
      from public.pattern_trade_events event
      join learning.closed_trades trade on trade.trade_id = event.trade_id
      where extract(epoch from event.traded_at)::float8 - event.duration_hours * 3600
        < extract(epoch from earliest)::float8
    )
  );
  get diagnostics doubted = row_count;
  return doubted;
end
$function$;
CREATE OR REPLACE FUNCTION learning.doubt_summaries(window_ids text[], were_there boolean)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  doubted integer;
begin
  with doubtful as materialized (
    select told_receipt.strand_id
    from public.strand_receipts told_receipt
    where told_receipt.strand_id in (
        select strand.id
        from unnest(window_ids) as given(window_id)
        join public.ad_strands strand
          on strand.kind = 'uptrend_episode_summary'
          and learning.summary_window_digests(strand.content) @> array[md5(given.window_id)]
      )
      -- A verdict on one that waits may just be taking effect without having seen what changed.
      and (told_receipt.status = 'pending' or told_receipt.status = 'done' and (
        were_there or exists (
          select from public.pattern_episode_events episode
          where episode.summary_strand_id = told_receipt.strand_id
        )
      ))
    -- In the order in which verdicts lock them, so that no two writers wait for each other.
    order by told_receipt.strand_id
    for update
  )
  update public.strand_receipts receipt
  set status = 'pending', processed_at = null, revision = receipt.revision + 1,
    attempts = case receipt.status when 'done' then 0 else receipt.attempts end,
    next_attempt_at = case receipt.status when 'done' then now() else receipt.next_attempt_at end
  from doubtful
  where receipt.strand_id = doubtful.strand_id;
  get diagnostics doubted = row_count;
  if doubted > 0 then
    perform learning.ring_for_strands();
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.due_groups(p_family text)
 RETURNS SETOF bigint
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select mining_group.id
  from learning.mining_groups mining_group
  join learning.mining_cycles cycle on cycle.family = mining_group.family
  left join lateral learning.baseline_of(mining_group.action_category) as baseline
    on mining_group.family = 'strength'
  left join learning.baselines category_baseline
    on category_baseline.action_category = mining_group.action_category and mining_group.family = 'strength'
  where mining_group.family = p_family
    and (
      mining_group.run is not null
      -- Events that came after the cycle began wait for the next one.
      or mining_group.mined_version < mining_group.evidence_version and mining_group.mined_cycle < cycle.cycle
      or mining_group.mined_settings is distinct from (select learning.mining_settings_digest())
      or abs(baseline.mean - mining_group.mined_baseline) > 0.01 * baseline.sigma
      or abs(category_baseline.sigma - mining_group.mined_sigma) > 0.01 * mining_group.mined_sigma
      or mining_group.family = 'strength'
        and learning.effect_basis_moved(mining_group.id, mining_group.module, mining_group.action_category)
    );
$function$;
CREATE OR REPLACE FUNCTION learning.dust()
 RETURNS double precision
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return 1e-12;
end
$function$;
CREATE OR REPLACE FUNCTION learning.earliest_event()
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return '2000-01-01T00:00:00Z'::timestamptz;
end
$function$;
CREATE OR REPLACE FUNCTION learning.edit_distance(a text, b text, most integer)
 RETURNS integer
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  columns constant integer := length(b);
  letters_a constant text[] := string_to_array(a, null);
  letters_b constant text[] := string_to_array(b, null);
  beyond constant integer := most + 1;
  row_before integer[];
  former_row integer[] := array(select least(place, beyond) from generate_series(0, columns) as place);
  this_row integer[];
  distance integer;
begin
  for i in 1 .. length(a) loop
    this_row := array_fill(beyond, array[columns + 1]);
    this_row[1] := least(i, beyond);
    distance := this_row[1];
    -- Farther from the diagonal no way is short enough.
    for j in greatest(1, i - most) .. least(columns, i + most) loop
      this_row[j + 1] := least(
        former_row[j + 1] + 1, this_row[j] + 1,
        former_row[j] + case when letters_a[i] = letters_b[j] then 0 else 1 end,
        case when i > 1 and j > 1 and letters_a[i] = letters_b[j - 1] and letters_a[i - 1] = letters_b[j]
          then row_before[j - 1] + 1 end,
        beyond
      );
      distance := least(distance, this_row[j + 1]);
    end loop;
    if distance = beyond then
      return null;
    end if;
    row_before := former_row;
    former_row := this_row;
  end loop;
  return nullif(former_row[columns + 1], beyond);
end
$function$;
CREATE OR REPLACE FUNCTION learning.effect_basis_moved(p_group_id bigint, p_module text, p_action_category text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select coalesce(bool_or(
    abs(basis.mean - effect_group.mean) > 0.01 * basis.sigma
    or abs(basis.sigma - effect_group.sigma) > 0.01 * basis.sigma
  ), false)
  from public.learning_effect_groups effect_group
  join learning.effect_bases basis on basis.module = p_module and basis.action_category = p_action_category
  where effect_group.group_id = p_group_id;
$function$;
CREATE OR REPLACE FUNCTION learning.enabled_spans(p_override_id bigint, enabled_now boolean)
 RETURNS tstzmultirange
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  spans tstzmultirange;
begin
  with flips as (
    select change.at, change.id, (change.old ->> 'enabled')::boolean as before,
      coalesce((change.new ->> 'enabled')::boolean, false) as after
    from public.pm_override_history change
    where change.override_id = p_override_id and (change.old ? 'enabled' or change.new ? 'enabled')
  ),
  spells as (
    select flips.at as from_at, lead(flips.at, 1, 'infinity') over (order by flips.at, flips.id) as to_at,
      flips.after as enabled
    from flips
    union all
    -- What was before the first that is remembered; that an override was made is no end of anything.
    select '-infinity', first_flip.at, coalesce(first_flip.before, first_flip.after)
    from (select * from flips order by flips.at, flips.id limit 1) as first_flip
  )
  select range_agg(tstzrange(spells.from_at, spells.to_at)) filter (where spells.enabled) into spans
  from spells
  having count(*) > 0;
  return case
    when found then coalesce(spans, '{}')
    when enabled_now then tstzmultirange(tstzrange(null, null))
    else '{}'
  end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.encode_scope(scope jsonb)
 RETURNS integer[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (select encoded.scope_codes from learning.encoded_scopes(array[scope]) as encoded);
end
$function$;
CREATE OR REPLACE FUNCTION learning.encoded_scopes(scopes jsonb[])
 RETURNS TABLE(place bigint, scope_mask integer, scope_codes integer[])
 LANGUAGE plpgsql
 STABLE ROWS 100
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_mergejoin TO 'off'
AS $function$
declare
  dimensions constant integer := (select max(dimension.bit) + 1 from public.scope_dimensions dimension);
begin
  return query
  with pair as materialized (
    select given.place, entry.key, entry.value
    from unnest(scopes) with ordinality as given(scope, place)
    cross join lateral jsonb_each(given.scope) as entry
  ),
  -- Thousands of scopes share a few hundred values.
  known as materialized (
    select seen.key, seen.value, dimension.bit::integer as at_bit, scope_value.code
    from (select distinct pair.key, pair.value from pair) as seen
    join public.scope_dimensions dimension on dimension.dim = seen.key
    left join learning.scope_values scope_value
      on scope_value.dim = seen.key and md5(scope_value.value) = md5(seen.value #>> '{}')
      and scope_value.value = seen.value #>> '{}'
  ),
  gathered as (
    select pair.place, bit_or(1 << known.at_bit) as filled,
      array_agg(known.at_bit) filter (where known.code is not null) as bits,
      array_agg(known.code) filter (where known.code is not null) as codes
    from pair
    join known on known.key = pair.key and known.value = pair.value
    group by pair.place
  )
  select given.place, coalesce(gathered.filled, 0),
    learning.codes_by_bit(gathered.bits, gathered.codes, dimensions)
  from generate_series(1, coalesce(cardinality(scopes), 0)::bigint) as given(place)
  left join gathered using (place);
end
$function$;
CREATE OR REPLACE FUNCTION learning.end_of_portion(place timestamp with time zone, most_trades integer)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  portion_end timestamptz;
begin
  select trade.exit_at into portion_end
  from learning.closed_trades trade
  where trade.exit_at >= place
  order by trade.exit_at
  offset most_trades
  limit 1;
  if portion_end = place then
    select min(trade.exit_at) into portion_end from learning.closed_trades trade where trade.exit_at > place;
  end if;
  return portion_end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.end_of_span(span learning.key_span, p_rows integer)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  digests text[];
begin
  digests := case span.step
    when 'lapse' then array(
      select near.scope_digest
      from (
        select distinct mining_group.lesson_type, mining_group.pattern_key, mining_group.action_category
        from learning.mining_groups mining_group
        where mining_group.id = any (span.group_ids)
      ) as key
      cross join lateral (
        select override.scope_digest from public.pm_overrides override
        where override.override_type = key.lesson_type and override.pattern_key = key.pattern_key
          and override.action_category = key.action_category and override.scope_digest > span.after_digest
        order by override.scope_digest
        limit p_rows
      ) as near
      order by near.scope_digest
    )
    when 'take' then array(
      select near.scope_digest
      from learning.mining_groups mining_group
      cross join lateral (
        select lesson.scope_digest from public.learning_lessons lesson
        where lesson.module = mining_group.module and lesson.pattern_key = mining_group.pattern_key
          and lesson.action_category = mining_group.action_category and lesson.status = 'active'
          and lesson.scope_digest > span.after_digest
        order by lesson.scope_digest
        limit p_rows
      ) as near
      where mining_group.id = any (span.group_ids)
      order by near.scope_digest
      limit p_rows
    )
  end;
  return digests[p_rows];
end
$function$;
CREATE OR REPLACE FUNCTION learning.end_run(leased_group learning.mining_groups)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  ended_run constant jsonb := leased_group.run;
  last_event_id constant bigint := (ended_run ->> 'last_event_id')::bigint;
  has_later_events boolean;
begin
  -- Events that came between the beginning of the cycle and that of the run are not in it and keep the group
  -- due.
  has_later_events := case leased_group.family
    when 'tuning' then exists (
      select from public.pattern_episode_events episode
      where episode.pattern_key = leased_group.pattern_key and episode.id > last_event_id
    )
    else exists (
      select from public.pattern_trade_events event
      where event.module = leased_group.module and event.pattern_key = leased_group.pattern_key
        and event.action_category = leased_group.action_category and event.id > last_event_id
    )
  end;
  update learning.mining_groups mining_group
  set mined_version = (ended_run ->> 'evidence_version')::bigint - has_later_events::integer,
    mined_cycle = (ended_run ->> 'cycle')::bigint, mined_at = now(),
    mined_settings = ended_run ->> 'settings',
    mined_baseline = (ended_run #>> '{baseline,mean}')::float8,
    mined_sigma = (ended_run #>> '{category,sigma}')::float8,
    first_sigma = (ended_run ->> 'first_sigma')::float8,
    first_outcome = learning.outcome_read(ended_run -> 'config'),
    run = null, progress = null, lease_token = null, leased_until = null,
    lagging_since = coalesce(mining_group.lagging_since, now())
  where mining_group.id = leased_group.id;
end
$function$;
CREATE OR REPLACE FUNCTION learning.episode_blockers(content jsonb, factors jsonb, gates double precision[])
 RETURNS text[]
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  gate_names jsonb;
  failed_ts boolean;
  failed_slope boolean;
  failed_dx boolean;
  failed_halo boolean;
begin
  if content ->> 'decision' <> 'skipped' then
    return '{}'::text[];
  end if;
  gate_names := coalesce(nullif(content -> 'blocked_by', 'null'::jsonb), factors -> 'blocked_by');
  if jsonb_typeof(gate_names) = 'array'
    and not jsonb_path_exists(gate_names, '$[*] ? (@.type() != "string")') then
    return array(select btrim(gate.name) from jsonb_array_elements_text(gate_names) as gate(name));
  end if;
  failed_ts := coalesce(factors -> 'ts_ok' = 'false'::jsonb, false) or coalesce(gates[1] < gates[2], false);
  failed_slope :=
    coalesce(factors -> 'slope_ok' = 'false'::jsonb, false) or coalesce(gates[5] < gates[6], false);
  failed_dx := coalesce(learning.factor(factors, 'dx') < learning.factor(factors, 'dx_min'), false);
  -- The entry zone is every gate together: it tells of the halo only where no other gate explains it.
  failed_halo := not failed_ts and not failed_slope and (
    coalesce(gates[3] > gates[4], false)
    or coalesce(factors -> 'entry_zone_ok' = 'false'::jsonb, false) and not failed_dx
  );
  return array_remove(array[
    case when failed_ts then 'ts' end, case when failed_slope then 'slope' end,
    case when failed_halo then 'halo' end, case when failed_dx then 'dx' end
  ], null);
end
$function$;
CREATE OR REPLACE FUNCTION learning.episode_factors(content jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  flags constant jsonb := content -> 'flags';
  sample constant jsonb := case when content ->> 'decision' = 'acted' then content -> 'sample' end;
  slope jsonb;
  name text;
begin
  if sample is not null then
    foreach name in array learning.slope_names() loop
      slope := case when jsonb_typeof(sample -> name) = 'number' then sample -> name end;
      exit when slope is not null;
    end loop;
  end if;
  return jsonb_strip_nulls(jsonb_build_object(
    'ts_ok', case when jsonb_typeof(flags -> 'ts_ok') = 'boolean' then flags -> 'ts_ok' end,
    'slope_ok', case when jsonb_typeof(flags -> 'slope_ok') = 'boolean' then flags -> 'slope_ok' end,
    'entry_zone_ok',
    case when jsonb_typeof(flags -> 'entry_zone_ok') = 'boolean' then flags -> 'entry_zone_ok' end,
    'ts_score_acted', case when jsonb_typeof(sample -> 'ts_score') = 'number' then sample -> 'ts_score' end,
    'halo_distance_acted',
    case when jsonb_typeof(sample -> 'halo_distance') = 'number' then sample -> 'halo_distance' end,
    'slope_acted', slope
  )) || jsonb_strip_nulls(coalesce(content -> 'factors', '{}'::jsonb));
end
$function$;
CREATE OR REPLACE FUNCTION learning.episode_gates(decision text, factors jsonb)
 RETURNS double precision[]
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- An acted window's factors sum up what was seen until then; its sample is what the gates let through.
  return array[
    coalesce(
      case decision when 'acted' then learning.factor(factors, 'ts_score_acted') end,
      learning.factor(factors, 'ts_score')
    ),
    learning.factor(factors, 'ts_min'),
    coalesce(
      case decision when 'acted' then learning.factor(factors, 'halo_distance_acted') end,
      learning.factor(factors, 'halo_distance')
    ),
    learning.factor(factors, 'halo_max'),
    coalesce(
      case decision when 'acted' then learning.factor(factors, 'slope_acted') end,
      learning.slope_of(factors)
    ),
    learning.factor(factors, 'slope_min')
  ];
end
$function$;
CREATE OR REPLACE FUNCTION learning.episode_kinds()
 RETURNS text[]
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return array['episode_window', 'episode_outcome', 'uptrend_episode_summary'];
end
$function$;
CREATE OR REPLACE FUNCTION learning.events_of_closes(closings learning.accepted_strands[], closed_trades learning.closed_trades[], are_newest boolean[])
 RETURNS TABLE(trade_place bigint, action_strand_id text, module text, pattern_key text, action_category text, scope jsonb, duration_hours double precision, time_to_s3_hours double precision, did_trim boolean, reached_s3 boolean, could_enter_better double precision, could_exit_better double precision, acted_at timestamp with time zone, fill_price double precision, fill_quantity double precision, side text, leverage double precision)
 LANGUAGE plpgsql
 STABLE ROWS 500
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  lists constant learning.dimension_lists := learning.listed_dimensions();
begin
  return query
  with close as materialized (
    select given.place, given.trade_id, given.module, given.exit_at, given.is_newest,
      given.content -> 'entry_context' as entry_context,
      extract(epoch from
        given.exit_at - (given.content #>> '{trade_summary,entry_timestamp}')::timestamptz
      )::float8 / 3600 as hours,
      learning.time_to_s3_hours(given.content -> 'trade_summary') as hours_to_s3,
      (given.content #>> '{trade_summary,reached_s3}')::boolean as flag,
      learning.side_of_trade(given.content) as side,
      coalesce(learning.positive_number(learning.trade_value(given.content, 'leverage')), 1) as leverage,
      learning.missed_rr(given.content -> 'trade_summary', 'could_enter_better') as missed_at_entry,
      learning.missed_rr(given.content -> 'trade_summary', 'could_exit_better') as missed_at_exit
    from (
      select closing.place, closing.content, closed_trade.trade_id, closed_trade.module,
        closed_trade.exit_at, newest.is_newest
      from unnest(closings) with ordinality
        as closing(id, kind, module, timeframe, content, regime_context, created_at, place)
      join unnest(closed_trades) with ordinality as closed_trade(
        trade_id, close_strand_id, timeframe, roi, rr, pnl_usd, exit_at, action_categories, module,
        entry_price, exit_price, fees, place
      ) using (place)
      join unnest(are_newest) with ordinality as newest(is_newest, place) using (place)
    ) as given
  ),
  done as materialized (
    select told_strand.trade_id, action_strand.*,
      learning.acting_module(action_strand.kind, action_strand.module) as actor,
      learning.action_category(action_strand.content) as category
    from learning.strands_of_trades(
      array(select closed_trade.trade_id from unnest(closed_trades) as closed_trade group by 1)
    ) as told_strand
    cross join lateral (select (told_strand.strand).*) as action_strand
    where action_strand.kind in ('pm_action', 'dm_action')
  )
  select close.place, done.id, done.actor, learning.dotted_pattern_key(done.content ->> 'pattern_key'),
    done.category,
    learning.merged_scope(close.entry_context, done.content -> 'scope', done.regime_context, lists),
    close.hours, close.hours_to_s3, bool_or(done.category = 'trim') over of_trade,
    coalesce(close.flag, case when close.hours_to_s3 is not null then true end, bool_or(
      close.flag is null and close.hours_to_s3 is null and done.created_at <= close.exit_at
        and learning.acted_in_s3(done.content)
    ) over of_trade),
    close.missed_at_entry, close.missed_at_exit, done.created_at,
    -- Most say little of this, and a call that finds nothing costs as much as one that does.
    case when done.content ?| '{price,execution_result}'
      then learning.fill_of_action(done.content, 'price') end,
    case when done.content ?| '{quantity,execution_result}'
      then learning.fill_of_action(done.content, 'quantity') end,
    case when done.content ?| '{side,is_short}'
      then coalesce(learning.side_of(done.content), close.side) else close.side end,
    case when done.content ? 'leverage'
      then coalesce(learning.positive_number(done.content -> 'leverage'), close.leverage)
      else close.leverage end
  from close
  join done on done.trade_id = close.trade_id
    and case done.kind when 'dm_action' then close.is_newest else done.actor = close.module end
  window of_trade as (partition by close.place);
end
$function$;
CREATE OR REPLACE FUNCTION learning.explain_calibration(p_pattern_key text, p_action_category text, scope jsonb, as_of timestamp with time zone, config jsonb)
 RETURNS SETOF text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  said constant learning.said_by_slices :=
    learning.ask_slices(p_pattern_key, p_action_category, scope, as_of, config, true);
  learned public.learning_calibration;
  recent constant record :=
    learning.trailing_mean(scope ->> 'timeframe', as_of, config ->> 'outcome' = 'rr');
begin
  if said.weight is null then
    return;
  end if;
  select calibration.* into learned
  from public.learning_calibration calibration
  where calibration.module = said.module and calibration.action_category = p_action_category;
  return next format('Of what the slices say, %s held in weeks they had not seen (%s in %s)%s%s',
    round((100 * said.kappa)::numeric) || ' %', learning.counted(learned.n, 'decision', 'decisions'),
    learning.counted(learned.weeks, 'week', 'weeks'), ' in regime ' || said.regime,
    '; what is ' || learned.half_life_weeks || ' weeks old counts half');
  return next format('  they say %s standard deviations; kept, faded to %s: %s',
    learning.rounded(said.expected), round((100 * said.fade)::numeric) || ' %', case
      when said.is_opposed then 'nothing, as every believed lesson that contains the scope says the opposite'
      else learning.rounded(learning.kept_of(said))
    end);
  return query
  select format('  by regime, which %s: %s',
    case when learned.regimes_act then 'acts' else 'does not act, as it did not hold' end,
    string_agg(format('%s %s in %s', regime_weight.regime_signature,
      round((100 * regime_weight.kappa)::numeric) || ' %',
      learning.counted(regime_weight.weeks, 'week', 'weeks')), ', ' order by regime_weight.regime_signature))
  from public.learning_regime_weights regime_weight
  where regime_weight.module = said.module and regime_weight.action_category = p_action_category
  having count(*) > 0;
  if recent.n > 0 then
    return next format('  beside it the mean of %s over eight weeks, %s: strength %s', scope ->> 'timeframe',
      learning.counted(recent.n, 'trade', 'trades'), learning.rounded(learning.multiplier_within_bounds(
        'pm_strength', 1 + recent.n / (recent.n + 50.0::float8) * recent.excess / said.sigma)));
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.explain_contributions(contributions jsonb, config jsonb)
 RETURNS SETOF text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
  select case
    when contribution.entry ? 'rest'
      then format('  and %s more: weight %s, share %s, pull %s',
        contribution.entry ->> 'rest', number.weight, number.share, number.pull)
    when not contribution.entry ? 'id'
      then format('  slice %s: %s decisions, share %s, pull %s', contribution.entry -> 'scope_subset',
        number.weight, number.share, number.pull)
    else format('  override %s in %s: weight %s, share %s, pull %s%s',
      contribution.entry ->> 'id', contribution.entry -> 'scope_subset', number.weight, number.share,
      number.pull, (
        select '; ' || concat_ws(', ', learning.lesson_in_words(lesson, config), (
          select 'for a family of ' || learning.counted(count(*), 'lesson', 'lessons')
          from public.learning_lessons member_lesson
          where member_lesson.module = lesson.module
            and member_lesson.pattern_key = lesson.pattern_key
            and member_lesson.action_category = lesson.action_category and member_lesson.status = 'active'
            and member_lesson.family_scope = lesson.scope_subset
          having count(*) > 1
        ))
        from public.pm_overrides override
        join public.learning_lessons lesson on lesson.id = override.lesson_id
        where override.id = (contribution.entry ->> 'id')::bigint
      ))
  end
  from jsonb_array_elements(contributions) with ordinality as contribution(entry, place)
  cross join lateral (
    select learning.rounded((contribution.entry ->> 'weight')::float8) as weight,
      learning.rounded((contribution.entry ->> 'share')::float8) as share,
      case when (contribution.entry ->> 'pull')::float8 >= 0 then '+' else '' end
        || learning.rounded((contribution.entry ->> 'pull')::float8) as pull
  ) as number
  order by contribution.place;
end
$function$;
CREATE OR REPLACE FUNCTION learning.explain_crowding(exposure jsonb, skew double precision)
 RETURNS SETOF text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  free constant text := learning.figure(learning.skew_of_crowding(0));
  crowded constant text := learning.figure(learning.skew_of_crowding(1));
begin
  return next case
    when not (exposure ->> 'enabled')::boolean then 'Crowding is switched off by flags.exposure_skew_enabled'
    when exposure -> 'crowding' = 'null' then 'A scope that fills no mask is not skewed'
    when (exposure ->> 'total')::float8 = 0
      then format('Exposure skew %s, as exposure.empty says of a book that holds nothing',
        learning.rounded(skew))
    else format('Exposure skew %s = %s - crowding %s, from %s to %s; crowding = concentration %s / '
      '(alpha %s × weights %s × %s), at most 1',
      learning.rounded(skew), free, learning.rounded((exposure ->> 'crowding')::float8), crowded, free,
      learning.rounded((exposure ->> 'concentration')::float8), exposure ->> 'alpha',
      learning.rounded((exposure ->> 'weight_sum')::float8),
      case
        when (exposure ->> 'cap')::float8 < (exposure ->> 'total')::float8 then 'cap ' || (exposure ->> 'cap')
        else 'all that is held, ' || learning.rounded((exposure ->> 'total')::float8)
      end)
  end;
  return query
  select case
    when crowded_mask.entry ? 'rest'
      then format('  and %s masks more: concentration %s', crowded_mask.entry ->> 'rest',
        learning.rounded((crowded_mask.entry ->> 'concentration')::float8))
    else format('  %s held in %s, %s by the same behaviour; weight %s',
      learning.rounded((crowded_mask.entry ->> 'exposure')::float8), crowded_mask.entry -> 'scope',
      learning.rounded((crowded_mask.entry ->> 'pattern_exposure')::float8),
      learning.rounded((crowded_mask.entry ->> 'weight')::float8))
  end
  from jsonb_array_elements(exposure -> 'masks') with ordinality as crowded_mask(entry, place)
  order by crowded_mask.place;
end
$function$;
CREATE OR REPLACE FUNCTION learning.explain_idle_overrides(candidate learning.candidate, config jsonb, at_most integer)
 RETURNS SETOF text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  act constant boolean := learning.overrides_act('pm_strength', candidate.scope, config);
begin
  return query
  select format('  set aside: override %s in %s, %s', override.id, override.scope_subset, case
    when config ->> 'strength_mode' = 'edge_weighted'
      then format('its weight %s is below %s',
        learning.rounded(match.weight), learning.figure(learning.least_edge_weight(1)))
    when terms.confidence = 0 then 'it has no confidence'
    when config ->> 'strength_mode' = 'calibrated' then 'the slices speak for what was learned'
    else format('its confidence %s is below %s and another''s is not',
      learning.rounded(terms.confidence), config #>> '{steering,confidence_min}')
  end)
  from learning.matched_overrides(candidate, config) as match
  join public.pm_overrides override on override.id = match.override_id
  join learning.override_terms terms on terms.override_id = match.override_id
  where act and match.share = 0
  order by match.weight desc, override.id
  limit at_most;
  return query
  select format('  nearly matched: override %s in %s, but %s is %s and not %s',
    near.override_id, near.scope_subset, near.dim, coalesce(learning.quoted(near.given), 'unknown'),
    learning.quoted(near.wanted))
  from learning.near_misses(candidate, at_most) as near;
  return query
  select format('  switched off: override %s in %s, by %s%s',
    override.id, override.scope_subset, override.disabled_by, coalesce(': ' || override.disabled_reason, ''))
  from public.pm_overrides override
  where override.override_type = 'pm_strength' and override.pattern_key = candidate.pattern_key
    and override.action_category = candidate.action_category and not override.enabled
    and override.scope_subset <@ candidate.scope
  order by override.scope_mask desc, override.id
  limit at_most;
end
$function$;
CREATE OR REPLACE FUNCTION learning.explain_size(candidate learning.candidate, sizing public.pm_sizing)
 RETURNS SETOF text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  least_size constant float8 := learning.size_of_appetite(0);
begin
  return next format('%s %s in %s as of %s',
    candidate.pattern_key, candidate.action_category, candidate.scope, candidate.as_of);
  return next format('Size %s = %s (%s + %s × appetite %s) × strength %s × exposure skew %s%s',
    learning.rounded(sizing.size_frac), learning.rounded(sizing.size_frac_raw),
    learning.figure(least_size), learning.figure(learning.size_of_appetite(1) - least_size),
    learning.rounded(candidate.a_value), learning.rounded(sizing.pm_strength),
    learning.rounded(sizing.exposure_skew),
    case when sizing.size_frac_raw * sizing.pm_strength * sizing.exposure_skew > 1 then ', at most 1' end);
  if candidate.action_category in ('entry', 'add') then
    return next 'In steps: ' || learning.size_in_steps(sizing);
  end if;
  return next format('Allocation at most %s = base %s × strength × exposure skew; %s',
    learning.rounded(sizing.max_alloc_pct), learning.rounded(sizing.base_alloc_pct),
    case
      when sizing.timeframe_share is null then 'its timeframe has no share of its own'
      else format('timeframe %s has %s of it',
        candidate.scope ->> 'timeframe', learning.rounded(sizing.timeframe_share))
    end);
end
$function$;
CREATE OR REPLACE FUNCTION learning.explain_strength(candidate learning.candidate, sizing public.pm_sizing, context learning.sizing_context)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  size_mult constant public.learning_levers := context.size_mult;
  bounds constant record := learning.multiplier_bounds('pm_strength');
begin
  return case
    when not learning.overrides_enabled('pm_strength', context.config)
      then 'Overrides are switched off by flags.learning_overrides_enabled'
    when not learning.proof_allows(context.config)
      then 'Overrides rest: flags.require_proof is on and no proof of this configuration was shown'
    when not learning.overrides_act('pm_strength', candidate.scope, context.config)
      then format('Overrides rest: macro_phase %s is not among flags.learning_overrides_enabled_regimes',
        coalesce(learning.quoted(candidate.scope ->> 'macro_phase'), 'unknown'))
    when sizing.overrides = '[]' and sizing.mode = 'calibrated' then 'No slice says anything'
    when sizing.overrides = '[]' then 'No override acts'
    when sizing.mode = 'posture'
      then format('Mode posture: confidence %s steers by up to %s; '
        'appetite %s → %s, assertiveness %s → %s',
        learning.rounded(sizing.confidence), learning.rounded(sizing.steer_max),
        learning.rounded(candidate.a_value), learning.rounded(sizing.a_final),
        learning.rounded(candidate.e_value), learning.rounded(sizing.e_final))
    when sizing.mode = 'calibrated'
      then format('Mode calibrated: the strength is 1 and what is kept of each slice, times what was set by '
        'hand, from %s to %s; appetite %s → %s, assertiveness %s → %s',
        learning.rounded(bounds.lowest), learning.rounded(bounds.highest),
        learning.rounded(candidate.a_value), learning.rounded(sizing.a_final),
        learning.rounded(candidate.e_value), learning.rounded(sizing.e_final))
    when sizing.mode = 'multiplier'
      then format('Mode multiplier: the strength is 1 and what each override adds, from %s to %s',
        learning.rounded(bounds.lowest), learning.rounded(bounds.highest))
    else format('Mode edge_weighted: the strength is e to the sum of the pulls, within %s of the previous %s '
      'and from %s to %s',
      learning.rounded(size_mult.max_step), learning.rounded(candidate.previous_strength),
      learning.rounded(size_mult.lower_bound), learning.rounded(size_mult.upper_bound))
  end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.factor(factors jsonb, key text)
 RETURNS double precision
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  given jsonb := factors -> key;
begin
  if jsonb_typeof(given) = 'object' then
    given := given -> 'median';
  end if;
  -- Keys that are let through unjudged may hold anything.
  return case
    when jsonb_typeof(given) = 'number' and abs(given::numeric) <= 1e12
      then learning.number_of_decimal(given::numeric)
  end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.failed_rings(OUT failures bigint, OUT fault text)
 RETURNS record
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select count(*), (array_agg(
    format('%s could not be rung at %s: %s; is project_url in Vault an address such as '
      'https://abcdefghijklmnopqrst.supabase.co?', failed_doorbell.function_name,
      learning.moment(failed_doorbell.rung_at), left(failed_doorbell.failure, 200))
    order by failed_doorbell.rung_at desc, failed_doorbell.id desc
  ) filter (where not exists (
    select from learning.doorbells later_doorbell
    where later_doorbell.function_name = failed_doorbell.function_name
      and later_doorbell.id > failed_doorbell.id and later_doorbell.failure is null
  )))[1]
  from learning.doorbells failed_doorbell
  where failed_doorbell.rung_at > now() - interval '6 hours' and failed_doorbell.failure is not null;
$function$;
CREATE OR REPLACE FUNCTION learning.figures_wanted(wanted learning.wanted_override)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return to_jsonb(wanted) - array[
    'override_type', 'pattern_key', 'action_category', 'scope_subset', 'scope_digest', 'first_active_at',
    'remark'
  ];
end
$function$;
CREATE OR REPLACE FUNCTION learning.fill_of_action(content jsonb, figure text)
 RETURNS double precision
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return learning.positive_number(
    coalesce(nullif(content -> figure, 'null'), content #> array['execution_result', figure])
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.fill_strand_gaps()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  new.kind := coalesce(new.kind, 'unknown');
  new.content := coalesce(new.content, '{}');
  new.regime_context := coalesce(new.regime_context, '{}');
  new.tags := coalesce(new.tags, '[]');
  new.created_at := coalesce(new.created_at, now());
  return new;
end
$function$;
CREATE OR REPLACE FUNCTION learning.find_lost_receipts(patience interval DEFAULT '00:00:00.3'::interval)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  deadline constant timestamptz := clock_timestamp() + patience;
  strands_at_a_time constant integer := 5000;
  place text;
  slice record;
  given bigint := 0;
begin
  select search.searched_to into place from learning.receipt_search search for update;
  loop
    slice := learning.give_receipts(place, strands_at_a_time);
    given := given + slice.given;
    place := case when slice.looked_at < strands_at_a_time then '' else slice.last_id end;
    exit when place = '' or clock_timestamp() > deadline;
  end loop;
  update learning.receipt_search search
  set searched_to = place,
    found = case when given > 0 then given else search.found end,
    found_at = case when given > 0 then now() else search.found_at end
  where search.is_only;
  if given > 0 then
    perform learning.write_log('WARNING', 'aggregate-strands', 'receipts_missing',
      format('%s no receipt and got one: was strand_receipts emptied, or were triggers off?',
        learning.counted(given, 'strand had', 'strands had')),
      jsonb_build_object('strands', given));
  end if;
  return given;
end
$function$;
CREATE OR REPLACE FUNCTION learning.follow_direct_windows()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  changed learning.group_key[] := array[]::learning.group_key[];
  incomplete record;
begin
  if tg_op in ('INSERT', 'UPDATE') then
    changed := array(
      select distinct ('pm', new_window.pattern_key, 'tuning')::learning.group_key
      from new_windows new_window
      where new_window.strand_id = learning.direct_window_id(new_window.id)
    );
  end if;
  if tg_op in ('UPDATE', 'DELETE') then
    changed := changed || array(
      select distinct ('pm', old_window.pattern_key, 'tuning')::learning.group_key
      from old_windows old_window
      where old_window.strand_id = learning.direct_window_id(old_window.id)
    );
  end if;
  if changed = '{}' then
    return null;
  end if;
  perform learning.mark_groups_changed(changed);
  if tg_op = 'INSERT' then
    select new_window.id, new_window.episode_id, count(*) over () as windows,
      learning.missing_gates(learning.episode_gates(new_window.decision, new_window.factors)) as missing
    into incomplete
    from new_windows new_window
    where new_window.gates is null and new_window.strand_id = learning.direct_window_id(new_window.id)
    order by new_window.id
    limit 1;
    if found then
      perform learning.write_log_hourly('WARNING', 'direct-windows', 'episode_incomplete',
        format('%s left out of simulation; the first, window %s of episode %s, lacks %s',
          learning.counted(incomplete.windows, 'window is', 'windows are'), incomplete.id,
          incomplete.episode_id, array_to_string(incomplete.missing, ', ')),
        jsonb_build_object('id', incomplete.id, 'missing', to_jsonb(incomplete.missing)));
    end if;
  end if;
  return null;
end
$function$;
CREATE OR REPLACE FUNCTION learning.follow_hand()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  former public.pm_overrides := old;
begin
  if tg_op = 'INSERT' then
    -- One that names its lesson is the loop's own, put back by a person.
    new.control := case
      when new.enabled and new.control = 'auto' and new.lesson_id is null then 'pinned'
      when new.enabled then new.control
      when new.control = 'auto' and new.disabled_by = 'loop' and new.lesson_id is not null then 'auto'
      else 'off'
    end;
    new.enabled := new.enabled and new.control <> 'off';
    return new;
  end if;
  -- What triggers and the loop write besides is nobody's edit.
  former.last_updated_at := new.last_updated_at;
  former.scope_mask := new.scope_mask;
  former.scope_digest := new.scope_digest;
  former.proposed := new.proposed;
  -- To approve what the loop says is to let it say so.
  if former is not distinct from new
    or (new.approved_at is distinct from former.approved_at and new.control = 'auto') then
    return new;
  end if;
  if new.control is distinct from former.control then
    if new.control = 'off' then
      new.enabled := false;
    elsif former.enabled and not new.enabled then
      new.control := 'off';
    elsif former.control = 'off' and new.control = 'pinned' then
      new.enabled := true;
    elsif new.control = 'auto' and new.lesson_id is null then
      new.control := 'pinned';
      new.enabled := true;
    end if;
  elsif new.enabled then
    new.control := 'pinned';
  elsif former.enabled or former.control = 'off'
    or (new.disabled_by = 'user' and former.disabled_by is distinct from 'user') then
    new.control := 'off';
  else
    new.control := 'pinned';
  end if;
  return new;
end
$function$;
CREATE OR REPLACE FUNCTION learning.follow_told_windows()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  window_ids text[];
begin
  if tg_op = 'INSERT' then
    window_ids := array(
      select distinct new_window.episode_id from new_windows new_window
      where new_window.summary_strand_id is null
    );
  elsif tg_op = 'DELETE' then
    window_ids := array(
      select distinct old_window.episode_id from old_windows old_window
      where old_window.summary_strand_id is null
    );
  else
    window_ids := array(
      select distinct named.window_id
      from new_windows new_window
      join old_windows old_window using (id)
      cross join lateral (values (new_window.episode_id), (old_window.episode_id)) as named(window_id)
      where (new_window.episode_id, new_window.pattern_key, new_window.scope, new_window.summary_strand_id)
        is distinct from
        (old_window.episode_id, old_window.pattern_key, old_window.scope, old_window.summary_strand_id)
    );
  end if;
  if window_ids <> '{}' then
    perform learning.doubt_summaries(window_ids, tg_op <> 'INSERT');
  end if;
  return null;
end
$function$;
CREATE OR REPLACE FUNCTION learning.gate_levers()
 RETURNS text[]
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return array['tuning_ts_min', 'tuning_halo', 'tuning_slope'];
end
$function$;
CREATE OR REPLACE FUNCTION learning.gate_movers(p_pattern_key text)
 RETURNS TABLE(id bigint, place integer, scope_subset jsonb, move double precision, precedence double precision[], watched boolean, since timestamp with time zone, acted_in tstzmultirange, watched_in tstzmultirange)
 LANGUAGE plpgsql
 STABLE ROWS 50
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
  select override.id, array_position(learning.gate_levers(), override.action_category),
    override.scope_subset, spell.move,
    -- A gate is moved by the most specific override alone, of these the most confident, then the newest.
    array[(select count(*) from jsonb_object_keys(override.scope_subset)),
      learning.confidence_or_default(override.confidence_score), override.id]::float8[],
    override.enabled or own.broken, coalesce(override.evidence_from, override.first_active_at),
    own.acted_in * spell.during, case when own.broken then spell.during else own.acted_in * spell.during end
  from public.pm_overrides override
  cross join lateral learning.move_spells(override) as spell
  cross join lateral (
    select learning.has_broken_promise(override) as broken,
      learning.enabled_spans(override.id, override.enabled) as acted_in
  ) as own
  where override.override_type = 'pm_tuning' and override.pattern_key = p_pattern_key
    and override.action_category = any (learning.gate_levers());
end
$function$;
CREATE OR REPLACE FUNCTION learning.gates_pass(gates double precision[], moves double precision[], place integer DEFAULT NULL::integer, move double precision DEFAULT NULL::double precision)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if place is not null then
    moves[place] := move;
  end if;
  return gates[1] >= gates[2] + moves[1] and gates[3] <= gates[4] + moves[2]
    and gates[5] >= gates[6] + moves[3];
end
$function$;
CREATE OR REPLACE FUNCTION learning.give_receipts(after_id text, most_strands integer, OUT last_id text, OUT looked_at integer, OUT given integer)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
begin
  with slice as materialized (
    select strand.id, strand.kind, strand.created_at
    from public.ad_strands strand
    -- From it on: an id may be empty.
    where strand.id >= after_id
    order by strand.id
    limit most_strands
  ),
  lost as materialized (
    select slice.id, slice.created_at, learning.has_effect(slice.id) as has_effect
    from slice
    where slice.kind = any (learning.learned_kinds())
      and not exists (select from public.strand_receipts receipt where receipt.strand_id = slice.id)
  ),
  written as (
    -- What stands must not be taken back meanwhile because other strands of its trade wait for their turn.
    insert into public.strand_receipts (strand_id, status, next_attempt_at, processed_at, event_at)
    select lost.id, case when lost.has_effect then 'done' else 'pending' end,
      case when not lost.has_effect then now() end, case when lost.has_effect then now() end, lost.created_at
    from lost
    on conflict (strand_id) do nothing
    returning 1
  )
  select (select max(slice.id) from slice), (select count(*) from slice), (select count(*) from written)
  into last_id, looked_at, given;
end
$function$;
CREATE OR REPLACE FUNCTION learning.give_way()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  key text;
begin
  foreach key in array tg_argv loop
    execute format('delete from %s as held where held.%I = ($1).%I', tg_relid::regclass, key, key) using new;
  end loop;
  return new;
end
$function$;
CREATE OR REPLACE FUNCTION learning.has_broken_promise(override public.pm_overrides)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return not override.enabled and override.disabled_by = 'loop'
    and starts_with(coalesce(override.disabled_reason, ''), 'stopped adding value');
end
$function$;
CREATE OR REPLACE FUNCTION learning.has_effect(p_strand_id text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return exists (select from public.pattern_trade_events event where event.action_strand_id = p_strand_id)
    or exists (select from learning.closed_trades trade where trade.close_strand_id = p_strand_id)
    or exists (select from public.pattern_episode_events episode where episode.strand_id = p_strand_id)
    or exists (
      select from public.pattern_episode_events episode where episode.summary_strand_id = p_strand_id
    );
end
$function$;
CREATE OR REPLACE FUNCTION learning.health()
 RETURNS SETOF learning.stage_health
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  stages constant text[] := array[
    'doorbell', 'inbox', 'mine-lessons', 'mine-tuning', 'materialize-overrides', 'proof', 'schedule', 'prune',
    'platform', 'alerts'
  ];
  stage text;
  health learning.stage_health;
begin
  if learning.asks_as_user() and not learning.may_read() then
    return;
  end if;
  foreach stage in array stages loop
    begin
      health := case stage
        when 'doorbell' then learning.doorbell_health()
        when 'inbox' then learning.inbox_health()
        when 'mine-lessons' then learning.mining_health('strength', stage)
        when 'mine-tuning' then learning.mining_health('tuning', stage)
        when 'materialize-overrides' then learning.materialization_health()
        when 'proof' then learning.proof_health()
        when 'schedule' then learning.schedule_health()
        when 'prune' then learning.pruning_health()
        when 'platform' then learning.platform_health()
        when 'alerts' then learning.alert_health()
      end;
    exception when others then
      -- What keeps one stage from being looked at must not hide the others.
      health := row(stage, null, null, null, null, 'cannot be looked at: ' || sqlerrm);
    end;
    return next health;
  end loop;
end
$function$;
CREATE OR REPLACE FUNCTION learning.history_retention()
 RETURNS interval
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return interval '400 days';
end
$function$;
CREATE OR REPLACE FUNCTION learning.hold_out(sizing public.pm_sizing, candidate learning.candidate)
 RETURNS public.pm_sizing
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  sizing.shadow := sizing.shadow || jsonb_build_object(sizing.mode, learning.mode_outcome(
    sizing.pm_strength, sizing.a_final, sizing.e_final, sizing.size_frac_raw, sizing.base_alloc_pct,
    sizing.exposure_skew
  ));
  sizing.mode := 'holdout';
  sizing.pm_strength := 1;
  sizing.size_frac := learning.applied_size(sizing.size_frac_raw, 1, sizing.exposure_skew);
  sizing.max_alloc_pct := sizing.base_alloc_pct * sizing.exposure_skew;
  sizing.a_final := candidate.a_value;
  sizing.e_final := candidate.e_value;
  sizing.confidence := 0;
  sizing.steer_max := 0;
  sizing.overrides := '[]';
  return sizing;
end
$function$;
CREATE OR REPLACE FUNCTION learning.ignored_in_words(ignored jsonb)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select string_agg(
    learning.quoted(pair.key) || coalesce(' (is ' || pair.value || ' meant?)', ''), ', ' order by pair.key
  )
  from jsonb_each_text(ignored) as pair;
$function$;
CREATE OR REPLACE FUNCTION learning.ignored_keys(scope jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  keys constant text[] := array(
    select given.key
    from jsonb_object_keys(scope) as given(key)
    where not exists (
      select from public.scope_dimensions dimension
      where dimension.dim = given.key or given.key = any (dimension.aliases)
    )
  );
begin
  if cardinality(keys) = 0 then
    return '{}'::jsonb;
  end if;
  return (
    select jsonb_object_agg(
      ignored.key, case when cardinality(keys) <= 32 then learning.nearest_dimension(ignored.key) end
    )
    from unnest(keys) as ignored(key)
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.in_unit(outcome double precision, unit text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return case when outcome >= 0 then '+' else '' end || case unit
    when 'R' then round(outcome::numeric, 2)
    else round((outcome * 100)::numeric, 1)
  end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.inbox_gaps(OUT missing_receipts bigint, OUT problem text)
 RETURNS record
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  -- Health is looked at often, and an inbox that was emptied shows in its newest strands.
  newest_strands constant integer := 2000;
  waiting bigint;
  waiting_since timestamptz;
  last_search learning.receipt_search;
begin
  select count(*) into missing_receipts
  from (
    select strand.id, strand.kind
    from public.ad_strands strand
    order by strand.created_at desc
    limit newest_strands
  ) as newest
  where newest.kind = any (learning.learned_kinds())
    and not exists (select from public.strand_receipts receipt where receipt.strand_id = newest.id);
  select count(*), min(withdrawn_strand.withdrawn_at) into waiting, waiting_since
  from learning.withdrawn_strands withdrawn_strand;
  select search.* into last_search from learning.receipt_search search;
  problem := nullif(concat_ws('; ',
    case
      when missing_receipts > 0
        then format('%s of the newest %s no receipt; the sweep gives them one', missing_receipts,
          case missing_receipts when 1 then 'strands has' else 'strands have' end)
    end,
    case
      when last_search.found_at > now() - interval '1 day'
        then format('%s found without a receipt at %s and got one: was strand_receipts emptied?',
          learning.counted(last_search.found, 'strand was', 'strands were'),
          learning.moment(last_search.found_at))
    end,
    case
      when waiting_since < now() - interval '15 minutes'
        then format('the effect of %s since %s is not taken back yet; '
            'select learning.withdraw_effects(''1 minute'') goes on with it at once',
          learning.counted(waiting, 'strand deleted', 'strands deleted'), learning.moment(waiting_since))
    end
  ), '');
end
$function$;
CREATE OR REPLACE FUNCTION learning.inbox_health()
 RETURNS learning.stage_health
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  health learning.stage_health;
  aggregation constant record := learning.failures_of('aggregate-strands');
  allocation constant record := learning.failures_of('allocation');
  gaps constant record := learning.inbox_gaps();
  retried bigint;
  newest_retry text;
  rejected bigint;
  newest_rejection text;
begin
  health.stage := 'inbox';
  select count(*), min(receipt.received_at), count(*) filter (where receipt.errors <> '[]'::jsonb),
    (
      array_agg(receipt.errors #>> '{0,message}' order by receipt.next_attempt_at desc)
        filter (where receipt.errors <> '[]'::jsonb)
    )[1]
  into health.backlog, health.oldest_waiting_at, retried, newest_retry
  from public.strand_receipts receipt
  where receipt.status = 'pending';

  select max(receipt.processed_at) into health.last_success_at
  from public.strand_receipts receipt
  where receipt.status = 'done';

  select count(*),
    (
      array_agg(
        receipt.strand_id || ': '
          || concat_ws(' ', nullif(receipt.errors #>> '{0,path}', ''), receipt.errors #>> '{0,message}')
        order by receipt.processed_at desc
      )
    )[1]
  into rejected, newest_rejection
  from public.strand_receipts receipt
  where receipt.status = 'rejected' and receipt.processed_at > now() - interval '1 day';

  health.failures := rejected + retried + gaps.missing_receipts + aggregation.failures + allocation.failures;
  health.problem := nullif(concat_ws('; ',
    case
      when health.oldest_waiting_at < now() - interval '15 minutes'
        and coalesce(health.last_success_at, '-infinity') < now() - interval '15 minutes'
        then format('%s since %s and nobody comes for them',
          learning.counted(health.backlog, 'strand waits', 'strands wait'),
          learning.moment(health.oldest_waiting_at))
    end,
    case
      when retried > 0
        then format('%s not be applied and will be tried again, the last one: %s',
          learning.counted(retried, 'strand could', 'strands could'), newest_retry)
    end,
    case
      when rejected > 0
        then format('%s rejected within a day, the last one %s; strand_receipts has every reason',
          learning.counted(rejected, 'strand was', 'strands were'), newest_rejection)
    end,
    gaps.problem,
    'aggregate-strands ' || aggregation.newest,
    'allocation ' || allocation.newest
  ), '');
  return health;
end
$function$;
CREATE OR REPLACE FUNCTION learning.index_changed_overrides()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET jit TO 'off'
AS $function$
declare
  changed_ids constant bigint[] := array(select new_override.id from new_overrides new_override);
  change_in_place constant text := format($change$
    update learning.override_index_entries index_entry
    set confidence = terms.confidence, multiplier = terms.multiplier, dir_a = terms.dir_a,
      dir_e = terms.dir_e, edge = terms.edge, support = terms.support, evidence_us = terms.evidence_us,
      decay_us = terms.decay_us, by_hand = terms.by_hand
    from (%s order by override_id) as terms
    where index_entry.override_id = terms.override_id and index_entry.identity_hash = terms.identity_hash
      and terms.enabled
  $change$, learning.override_terms_query('new_overrides'));
  changed_in_place integer;
  departing_ids bigint[];
  arriving_ids bigint[];
begin
  begin
    execute change_in_place;
    get diagnostics changed_in_place = row_count;
    if changed_in_place = cardinality(changed_ids) then
      return null;
    end if;
    raise exception using errcode = 'EL001', message = 'Some overrides were moved, enabled or disabled.';
  exception when sqlstate 'EL001' then
    -- Rare. What was changed is undone: who holds one of the groups may be waiting for it, while its groups
    -- are waited for next.
    null;
  end;
  -- The groups that overrides leave and those they enter, at once and in one order.
  execute $lock_groups$
    select from learning.override_index_groups index_group
    where index_group.id in (
      select entered_index_group.id
      from public.pm_overrides override
      join learning.override_index_groups entered_index_group
        using (override_type, pattern_key, action_category)
      where override.id = any ($1)
      union
      select (index_entry.bucket >> 40)::integer
      from learning.override_index_entries index_entry
      where index_entry.override_id = any ($1)
    )
    order by index_group.id for update
  $lock_groups$ using changed_ids;
  execute change_in_place;
  execute $find_moved$
    select array_agg(index_entry.override_id) filter (where index_entry.override_id is not null),
      array_agg(terms.override_id) filter (where terms.enabled)
    from learning.override_terms terms
    left join learning.override_index_entries index_entry
      on index_entry.override_id = terms.override_id and index_entry.override_id = any ($1)
    where terms.override_id = any ($1)
      and (terms.enabled and terms.identity_hash = index_entry.identity_hash) is not true
  $find_moved$ into departing_ids, arriving_ids using changed_ids;
  perform learning.unindex_overrides(departing_ids);
  perform learning.index_overrides(arriving_ids);
  return null;
end
$function$;
CREATE OR REPLACE FUNCTION learning.insert_index_entries(ids bigint[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_seqscan TO 'on'
 SET enable_hashjoin TO 'on'
 SET enable_mergejoin TO 'on'
 SET jit TO 'off'
AS $function$
begin
  perform learning.number_index_pairs(ids);
  execute $insert_entries$
    insert into learning.override_index_entries (
      override_id, identity_hash, bucket, pairs_1, pairs_2, scope_mask, specificity, confidence, multiplier,
      dir_a, dir_e, edge, support, evidence_us, decay_us, by_hand
    )
    select posting.id, terms.identity_hash, posting.bucket, posting.pairs_1,
      case
        when posting.more_pairs <@ array[posting.bucket >> 20 & 1048575, posting.bucket & 1048575] is false
          then posting.pairs_2 | (1::bigint << 63)
        else posting.pairs_2
      end,
      terms.scope_mask, terms.specificity, terms.confidence, terms.multiplier, terms.dir_a, terms.dir_e,
      terms.edge, terms.support, terms.evidence_us, terms.decay_us, terms.by_hand
    from (
      select override.id,
        index_group.id::bigint << 40 | case index_group.key_pairs
          when 1 then coalesce(min(index_pair.uses::bigint << 20 | index_pair.number) & 1048575, 0) << 20
          else learning.rarest_two(
            array_agg(index_pair.uses::bigint << 20 | index_pair.number)
              filter (where index_pair.number is not null)
          )
        end as bucket,
        coalesce(bit_or(1::bigint << (index_pair.number - 1))
          filter (where index_pair.number <= 64), 0) as pairs_1,
        coalesce(bit_or(1::bigint << (index_pair.number - 65))
          filter (where index_pair.number between 65 and 127), 0) as pairs_2,
        array_agg(index_pair.number::bigint) filter (where index_pair.number > 127) as more_pairs
      from public.pm_overrides override
      join learning.override_index_groups index_group using (override_type, pattern_key, action_category)
      left join lateral jsonb_each_text(override.scope_subset) as own on true
      left join learning.override_index_pairs index_pair
        on index_pair.group_id = index_group.id and index_pair.pair = own.key || '=' || own.value
      where override.id = any ($1)
      group by override.id, index_group.id, index_group.key_pairs
    ) as posting
    join learning.override_terms terms on terms.override_id = posting.id and terms.override_id = any ($1)
    -- Neighbours in the index arrive together, which fills its pages and keeps them few.
    order by posting.bucket
  $insert_entries$ using ids;
end
$function$;
CREATE OR REPLACE FUNCTION learning.is_held_out(subject text, config jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return coalesce(
    learning.share_of_text(subject || (config #>> '{experiment,salt}'))
      < (config #> '{experiment,holdout}')::float8,
    false
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.is_judged_in_r(category text, config jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- What an exit missed is told in R.
  return config ->> 'outcome' = 'rr' or category = 'exit' and config ->> 'exit_outcome' = 'regret';
end
$function$;
CREATE OR REPLACE FUNCTION learning.is_larger_move(former double precision, wanted double precision)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return coalesce(former, 0) * coalesce(wanted, 0) < 0
    or abs(coalesce(wanted, 0)) > 1.5 * abs(coalesce(former, 0));
end
$function$;
CREATE OR REPLACE FUNCTION learning.is_nested_too_deep(document jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  most_nested constant integer := learning.size_limit('nesting');
begin
  -- Each object or list takes 8 bytes of the one around it, and nearly every document is too small.
  return pg_column_size(document #> '{}') > 8 * most_nested and jsonb_path_exists(
    document,
    -- What lies within as many as may be nested, and is one more.
    format('strict $.**{%s} ? (@.type() == "object" || @.type() == "array")', most_nested)::jsonpath
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.is_number_within(value jsonb, lowest double precision, highest double precision)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  -- As a decimal, because not every number of JSON is one of float8.
  number constant numeric := case when jsonb_typeof(value) = 'number' then value::numeric end;
begin
  return coalesce(
    case when abs(number) < learning.dust()::numeric then 0 else number end
      between lowest::numeric and highest::numeric,
    false
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.is_opposed(p_pattern_key text, p_action_category text, scope jsonb, p_expected double precision)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET jit TO 'off'
AS $function$
begin
  -- One that does not oppose settles it, and is looked for first.
  return not exists (
    select from public.learning_effect_groups effect_group
    join public.learning_lessons lesson
      on lesson.module = effect_group.module and lesson.pattern_key = effect_group.pattern_key
      and lesson.action_category = effect_group.action_category
    where effect_group.pattern_key = p_pattern_key and effect_group.action_category = p_action_category
      and lesson.status = 'active' and lesson.edge_raw * p_expected >= 0 and lesson.scope_subset <@ scope
  ) and exists (
    select from public.learning_effect_groups effect_group
    join public.learning_lessons lesson
      on lesson.module = effect_group.module and lesson.pattern_key = effect_group.pattern_key
      and lesson.action_category = effect_group.action_category
    where effect_group.pattern_key = p_pattern_key and effect_group.action_category = p_action_category
      and lesson.status = 'active' and lesson.scope_subset <@ scope
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.is_over(p_kind text, p_subject text, before timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return not learning.is_pruned(p_kind, p_subject)
    and not exists (
      select from learning.strands_of_subject(p_kind, p_subject) as named
      where named.created_at >= before or named.status = 'pending'
    )
    and not exists (
      select from learning.withdrawn_strands withdrawn_strand
      where withdrawn_strand.kind = p_kind and withdrawn_strand.subject = p_subject
    );
end
$function$;
CREATE OR REPLACE FUNCTION learning.is_plain(context jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- A pair takes eight bytes at least, and so many bytes without a number that is longer as text are short.
  return pg_column_size(context #> '{}') <= 8 * learning.size_limit('scope_keys') and not exists (
    select from jsonb_each(context) as entry
    where case jsonb_typeof(entry.value)
      when 'string' then length(entry.value::text) > learning.size_limit('value_characters')
      when 'number' then abs(entry.value::numeric) >= 1e40 or scale(entry.value::numeric) > 40
      else jsonb_typeof(entry.value) in ('object', 'array')
    end
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.is_pruned(p_kind text, p_subject text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return exists (
    select from learning.pruned_subjects pruned_subject
    where pruned_subject.kind = p_kind and pruned_subject.subject = p_subject
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.is_reconciled(override public.pm_overrides)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return case override.control
    when 'auto' then override.lesson_id is not null and (override.enabled or override.proposed is not null)
    else override.lesson_id is not null or override.proposed is not null
  end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.is_recorded(subject text, candidate learning.candidate, config jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return case config ->> 'record_sizings'
    when 'all' then true
    -- All sizings of a subject or none, so that what is kept of it is whole.
    when 'sampled' then learning.share_of_text(coalesce(subject,
      candidate.pattern_key || candidate.action_category || candidate.scope)) < 0.01
    else false
  end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.is_shadow_window(content jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return coalesce(
    content -> 'decision_type' = '"shadow_entry"'
      and coalesce(content -> 'trade_id', 'null') = 'null'
      and jsonb_typeof(content -> 'blocked_by') = 'array'
      and jsonb_typeof(content -> 'gate_margins') = 'object'
      and jsonb_typeof(content -> 'pattern_key') = 'string'
      and jsonb_typeof(content -> 'episode_id') = 'string',
    false
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.is_young(weeks integer)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return weeks < 26;
end
$function$;
CREATE OR REPLACE FUNCTION learning.jobs()
 RETURNS TABLE(name text, schedule text, command text, function_name text, family text, longest_gap interval)
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query values
    ('edgeloop-sweep', '2-59/5 * * * *', 'select learning.sweep()',
      'aggregate-strands', null, interval '20 minutes'),
    ('edgeloop-mine-lessons', '8 * * * *', 'select learning.ring_or_log(''mine-lessons'')',
      'mine-lessons', 'strength', interval '3 hours'),
    ('edgeloop-mine-tuning', '9 * * * *', 'select learning.ring_or_log(''mine-tuning'')',
      'mine-tuning', 'tuning', interval '3 hours'),
    ('edgeloop-materialize-overrides', '10 * * * *', 'select learning.ring_or_log(''materialize-overrides'')',
      'materialize-overrides', null, interval '3 hours'),
    ('edgeloop-watch', '4-59/5 * * * *', 'select learning.run_errand(''watch'')', null, null,
      interval '20 minutes'),
    ('edgeloop-digest', '0 7 * * 1', 'select learning.run_errand(''digest'')', null, null,
      interval '8 days'),
    ('edgeloop-prune', '17 3 * * *', 'select public.prune_learning()', null, null, interval '50 hours');
end
$function$;
CREATE OR REPLACE FUNCTION learning.judged_events(closings learning.accepted_strands[], closed_trades learning.closed_trades[], are_newest boolean[])
 RETURNS TABLE(trade_place bigint, action_strand_id text, module text, pattern_key text, action_category text, scope jsonb, duration_hours double precision, time_to_s3_hours double precision, did_trim boolean, reached_s3 boolean, could_enter_better double precision, could_exit_better double precision, acted_at timestamp with time zone, fill_price double precision, fill_quantity double precision, side text, leverage double precision, own_roi double precision, own_rr double precision)
 LANGUAGE plpgsql
 STABLE ROWS 500
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
  with told as materialized (
    select event_of_close.*, row_number() over (
      partition by event_of_close.trade_place
      order by event_of_close.acted_at, event_of_close.action_strand_id collate "C"
    ) as place
    from learning.events_of_closes(closings, closed_trades, are_newest) as event_of_close
  ),
  acted as (
    select told.trade_place, array_agg(told.action_category order by told.place) as categories,
      array_agg(told.fill_price order by told.place) as prices,
      array_agg(told.fill_quantity order by told.place) as quantities,
      array_agg(told.side order by told.place) as sides,
      array_agg(told.leverage order by told.place) as leverages,
      -- Every event of a trade has what its close says of the exit.
      min(told.could_exit_better) as missed_at_exit
    from told
    group by told.trade_place
  ),
  judged as materialized (
    select acted.trade_place, own_outcome.own_roi, own_outcome.own_rr
    from acted
    join unnest(closed_trades) with ordinality as closed_trade(
      trade_id, close_strand_id, timeframe, roi, rr, pnl_usd, exit_at, action_categories, module,
      entry_price, exit_price, fees, place
    ) on closed_trade.place = acted.trade_place
    cross join lateral learning.own_outcomes(
      acted.categories, acted.prices, acted.quantities, acted.sides, acted.leverages, closed_trade.roi,
      closed_trade.rr, closed_trade.entry_price, closed_trade.exit_price, closed_trade.fees,
      acted.missed_at_exit
    ) as own_outcome
  )
  select told.trade_place, told.action_strand_id, told.module, told.pattern_key, told.action_category,
    told.scope, told.duration_hours, told.time_to_s3_hours, told.did_trim, told.reached_s3,
    told.could_enter_better, told.could_exit_better, told.acted_at, told.fill_price, told.fill_quantity,
    told.side, told.leverage, judged.own_roi[told.place], judged.own_rr[told.place]
  from told
  join judged using (trade_place)
  order by told.trade_place, told.place;
end
$function$;
CREATE OR REPLACE FUNCTION learning.keep_position_scopes()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  counts_value constant boolean := learning.config() #>> '{exposure,measure}' = 'value';
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('exposure', 0));
  if tg_op = 'TRUNCATE' then
    delete from learning.position_scopes position_scope where position_scope.position_id is not null;
  elsif tg_op = 'INSERT' then
    perform learning.hold_positions(array(
      select position.id from new_positions position where position.status in ('watchlist', 'active')
    ));
  elsif tg_op = 'DELETE' then
    delete from learning.position_scopes position_scope
    where position_scope.position_id = any (array(select position.id from old_positions position));
  else
    delete from learning.position_scopes position_scope
    where position_scope.position_id = any (array(
      select position.id from old_positions position
      except all
      select position.id from new_positions position where position.status in ('watchlist', 'active')
    ));
    -- Of what the PM writes at every tick little bears on exposure.
    perform learning.hold_positions(array(
      select changed_position.id
      from (
        select position.id, position.pattern_key, position.entry_context, position.timeframe,
          position.token_chain, position.total_allocation_pct, position.status, position.state,
          position.book_id, case when counts_value then position.current_usd_value end
        from new_positions position
        where position.status in ('watchlist', 'active')
        except
        select position.id, position.pattern_key, position.entry_context, position.timeframe,
          position.token_chain, position.total_allocation_pct, position.status, position.state,
          position.book_id, case when counts_value then position.current_usd_value end
        from old_positions position
      ) as changed_position
    ));
  end if;
  return null;
end
$function$;
CREATE OR REPLACE FUNCTION learning.keep_what_was_pushed()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if tg_relid = 'learning.releases'::regclass then
    if not exists (select from learning.releases release where release.version = new.version) then
      raise exception using
        errcode = '55000',
        message = format(
          'The dump comes from release %s, which this database was not brought to: it is at %s',
          new.version, coalesce(learning.release(), 'none')),
        hint = 'Push that release first, then restore.';
    end if;
  end if;
  return null;
end
$function$;
CREATE OR REPLACE FUNCTION learning.kept_of(said learning.said_by_slices)
 RETURNS double precision
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return case when said.is_opposed then 0 else coalesce(said.kappa * said.expected * said.fade, 0) end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.kind_of_subject(strand_kind text, content jsonb)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return case
    when strand_kind = any (learning.episode_kinds()) then 'episode'
    when strand_kind = 'pm_action' and content -> 'decision_type' = '"shadow_entry"'::jsonb
      and learning.is_shadow_window(content) then 'episode'
    else 'trade'
  end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.known_pairs(context jsonb, every_dim text[])
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if jsonb_typeof(context) is distinct from 'object' or context = '{}' then
    return '{}'::jsonb;
  end if;
  -- Nearly every context already is what is looked for: dimensions by their own names, and as values texts
  -- without blanks at either end or anything that JSON escapes.
  if context - every_dim = '{}' and context::text !~ '\\|": (?:"\s|[^"]|"")|\s"(?:, "|\})' then
    return context;
  end if;
  return (
    select coalesce(jsonb_object_agg(found.dim, found.value), '{}'::jsonb)
    from (
      select distinct on (given.dim) given.dim, given.value
      from (
        select dimension.dim, dimension.dim <> entry.key as by_alias, entry.key,
          learning.scope_value(entry.value) as value
        from jsonb_each(context) as entry
        join public.scope_dimensions dimension
          on dimension.dim = entry.key or entry.key = any (dimension.aliases)
        -- Keeps the value from being computed once per use, and that of an unregistered key from being
        -- computed at all.
        offset 0
      ) as given
      where given.value is not null
      order by given.dim, given.by_alias, given.key
    ) as found
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.label_faults(id text, module text, kind text, symbol text, timeframe text)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- As nearly all are: counting bytes says that there are not more characters.
  if octet_length(concat(module, kind, symbol, timeframe)) <= learning.size_limit('value_characters')
    and octet_length(id) <= learning.size_limit('id_characters') then
    return '[]'::jsonb;
  end if;
  return (
    select coalesce(jsonb_agg(jsonb_build_object('path', label.path, 'message', format(
      'Too big: expected at most %s characters and it has %s', label.most, length(label.value)))
      order by label.place), '[]')
    from (values
      (1, 'id', id, learning.size_limit('id_characters')),
      (2, 'module', module, learning.size_limit('value_characters')),
      (3, 'kind', kind, learning.size_limit('value_characters')),
      (4, 'symbol', symbol, learning.size_limit('value_characters')),
      (5, 'timeframe', timeframe, learning.size_limit('value_characters'))
    ) as label(place, path, value, most)
    where length(label.value) > label.most
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.last_arrival()
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  -- By indexes: when the newest was done or rejected, or since when the newest has waited.
  select greatest(
    (select max(receipt.processed_at) from public.strand_receipts receipt where receipt.status = 'done'),
    (select max(receipt.processed_at) from public.strand_receipts receipt where receipt.status = 'rejected'),
    (select max(receipt.received_at) from public.strand_receipts receipt where receipt.status = 'pending')
  );
$function$;
CREATE OR REPLACE FUNCTION learning.learning_role()
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  -- As in learning.asks_as_user.
  asking constant name := coalesce(nullif(current_setting('role', true), 'none'), session_user);
begin
  if asking not in ('anon', 'authenticated', 'service_role') then
    -- A program that signs in to the database itself, such as Grafana, brings no token, and may not read one.
    if exists (
      select from pg_auth_members membership
      join pg_roles viewers on viewers.oid = membership.roleid and viewers.rolname = 'edgeloop_viewer'
      join pg_roles member on member.oid = membership.member and member.rolname = asking
    ) then
      return 'viewer';
    end if;
  end if;
  return auth.jwt() -> 'app_metadata' ->> 'learning_role';
end
$function$;
CREATE OR REPLACE FUNCTION learning.lease_receipts(strand_ids text[])
 RETURNS TABLE(strand_id text, revision integer, attempts integer, event_at timestamp with time zone)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
  update public.strand_receipts receipt
  set attempts = receipt.attempts + 1,
    next_attempt_at = clock_timestamp() + learning.retry_delay(receipt.attempts)
  where receipt.strand_id = any (strand_ids)
  returning receipt.strand_id, receipt.revision, receipt.attempts, receipt.event_at;
end
$function$;
CREATE OR REPLACE FUNCTION learning.legacy_keys()
 RETURNS text[]
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return array['timeframe_weights', 'feature_flags', 'global_rr', 'global_roi', 'timeframe_allocation',
    'N_MIN', 'exposure_skew', 'bucket_order_multipliers'];
end
$function$;
CREATE OR REPLACE FUNCTION learning.lesson_in_words(lesson public.learning_lessons, config jsonb)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  unit constant text := learning.outcome_unit(lesson.action_category, config);
  effect constant float8 := (lesson.stats ->> 'effect')::float8;
  low constant float8 := (lesson.stats ->> 'effect_low')::float8;
  high constant float8 := (lesson.stats ->> 'effect_high')::float8;
  cautious constant float8 := learning.cautious_effect(effect, (lesson.stats ->> 'effect_error2')::float8,
    learning.tau2_of(lesson.module, lesson.action_category));
  weeks constant integer := (lesson.stats ->> 'weeks')::integer;
begin
  return concat_ws(', ',
    concat_ws(' ',
      case lesson.status when 'active' then 'believed:' else 'no longer believed:' end,
      learning.in_unit(effect, unit) || ' ' || unit,
      '(' || learning.in_unit(low, unit) || ' to ' || learning.in_unit(high, unit) || ')',
      'over', learning.counted(lesson.n, 'decision', 'decisions'),
      'in ' || learning.counted(weeks, 'week', 'weeks')
    ),
    'cautiously ' || learning.in_unit(cautious, unit),
    case when learning.is_young(weeks) then 'young' end,
    case when (lesson.stats ->> 'proven')::boolean then 'proven' end
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.list_contributions(blend learning.strength_blend, scope jsonb, at_most integer)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
declare
  -- Once and not for every override.
  override_ids constant bigint[] := blend.override_ids;
  scope_masks constant integer[] := blend.scope_masks;
  weights constant float8[] := blend.weights;
  moves constant float8[] := blend.moves;
  least_weight constant float8 := blend.least_weight;
  total_weight constant float8 := blend.weight;
  weight_unit constant float8 := blend.weight_unit;
  move_unit constant float8 := blend.move_unit;
  edge_unit constant float8 := blend.edge_unit;
  listed record;
  scopes jsonb[];
  contributions learning.contribution[];
begin
  if total_weight is null then
    return '[]'::jsonb;
  end if;
  select array_agg(heaviest.override_id) as override_ids, array_agg(heaviest.scope_mask) as scope_masks,
    array_agg(heaviest.weight) as weights, array_agg(heaviest.pull) as pulls,
    sum(heaviest.weight) as weight, sum(heaviest.pull) as pull
  into listed
  from (
    select acting.override_id, acting.scope_mask, acting.weight,
      (acting.move * move_unit + case
        when edge_unit = 0 then 0
        else edge_unit * acting.weight * (
          select terms.edge from learning.override_terms terms where terms.override_id = acting.override_id
        )
      end) / total_weight as pull
    from (
      select unnest(override_ids) as override_id, unnest(scope_masks) as scope_mask,
        unnest(weights) as weight, unnest(moves) as move
    ) as acting
    where acting.weight >= least_weight
    order by acting.weight desc, acting.override_id
    limit at_most
  ) as heaviest;
  scopes := learning.scopes_within(scope, listed.scope_masks);
  select array_agg(
    row(
      heaviest.override_id, heaviest.scope_subset, heaviest.weight / weight_unit,
      heaviest.weight / total_weight, heaviest.pull
    )::learning.contribution
  ) into contributions
  from (
    select unnest(listed.override_ids) as override_id, unnest(scopes) as scope_subset,
      unnest(listed.weights) as weight, unnest(listed.pulls) as pull
  ) as heaviest;
  return to_jsonb(contributions) || case when blend.overrides > at_most
    then jsonb_build_object('rest', blend.overrides - at_most,
      'weight', (total_weight - listed.weight) / weight_unit,
      'share', 1 - listed.weight / total_weight, 'pull', blend.pull - listed.pull)
    else '[]' end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.list_slices(said learning.said_by_slices, at_most integer)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with slices as (
    select slice.weight, slice.weight / said.weight as share,
      case when said.is_opposed then 0 else said.kappa * said.fade * slice.excess / said.weight end as pull,
      row_number() over (order by abs(slice.excess) desc, slice.code_1, slice.code_2) as place,
      slice.code_1, slice.code_2
    from unnest(said.codes_1, said.codes_2, said.weights, said.excesses)
      as slice(code_1, code_2, weight, excess)
  )
  select coalesce(
    (
      select jsonb_agg(jsonb_build_object('scope_subset', (
        select coalesce(jsonb_object_agg(scope_value.dim, scope_value.value), '{}'::jsonb)
        from learning.scope_values scope_value
        where scope_value.code in (slices.code_1, slices.code_2)
      ), 'weight', slices.weight, 'share', slices.share, 'pull', slices.pull) order by slices.place)
      from slices
      where slices.place <= at_most
    ), '[]'::jsonb
  ) || coalesce(
    (
      select jsonb_build_array(jsonb_build_object('rest', count(*), 'weight', sum(slices.weight),
        'share', sum(slices.share), 'pull', sum(slices.pull)))
      from slices
      where slices.place > at_most
      having count(*) > 0
    ), '[]'::jsonb
  );
$function$;
CREATE OR REPLACE FUNCTION learning.listed_dimensions()
 RETURNS learning.dimension_lists
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  lists learning.dimension_lists;
begin
  select array_agg(dimension.dim),
    coalesce(array_agg(dimension.dim) filter (where dimension.source <> 'entry'), '{}'),
    coalesce(array_agg(dimension.dim) filter (where dimension.source <> 'action'), '{}'),
    coalesce(array_agg(dimension.dim) filter (where dimension.source <> 'regime'), '{}'),
    coalesce(array_agg(dimension.dim) filter (where dimension.source = 'entry'), '{}'),
    coalesce(array_agg(dimension.dim) filter (where dimension.source = 'action'), '{}'),
    coalesce(array_agg(dimension.dim) filter (where dimension.source = 'regime'), '{}')
  into lists
  from public.scope_dimensions dimension;
  return lists;
end
$function$;
CREATE OR REPLACE FUNCTION learning.live_decisions(p_override_type text, p_pattern_key text, p_action_category text, modules text[], after_override bigint)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  judged_by constant text := learning.outcome_column(p_action_category, learning.config());
  earliest timestamptz;
  decided bigint;
  piece jsonb;
begin
  select min(coalesce(override.evidence_from, override.first_active_at)) into earliest
  from public.pm_overrides override
  where override.override_type = p_override_type and override.pattern_key = p_pattern_key
    and override.action_category = p_action_category and override.id > after_override
    and (override.enabled or learning.has_broken_promise(override));
  select count(*) into decided
  from public.pattern_trade_events event
  where event.module = any (modules) and event.pattern_key = p_pattern_key
    and event.action_category = p_action_category and event.traded_at >= earliest;
  execute format(
    $query$
      with watched as materialized (
        select override.id, override.scope_subset, override.promised, override.baseline,
          override.baseline_sigma, coalesce(override.evidence_from, override.first_active_at) as since,
          learning.has_broken_promise(override) as broken, case
            when learning.has_broken_promise(override) then tstzmultirange(tstzrange(null, null))
            else learning.enabled_spans(override.id, override.enabled)
          end as acted_in
        from public.pm_overrides override
        where override.override_type = $1 and override.pattern_key = $2 and override.action_category = $3
          and override.id > $4 and (override.enabled or learning.has_broken_promise(override))
        order by override.id
        limit $5
      ),
      decisions as materialized (
        -- All actions of a trade close at one time, so that its first one is among these.
        select distinct on (event.module, event.trade_id) event.scope,
          least(event.acted_at, now()) as acted_at, event.%I as outcome
        from public.pattern_trade_events event
        where event.module = any ($6) and event.pattern_key = $2 and event.action_category = $3
          and event.traded_at >= $7
        order by event.module, event.trade_id, event.acted_at, event.action_strand_id collate "C"
      )
      select jsonb_build_object(
        'last_override', case when count(*) = $5 then max(watched.id) end,
        'rows', coalesce(sum(lived.rows), 0)::integer,
        'overrides', coalesce(jsonb_agg(jsonb_build_object('id', watched.id, 'promised', watched.promised,
          'baseline', watched.baseline, 'sigma', watched.baseline_sigma, 'broken', watched.broken,
          'decisions', lived.columns) order by watched.id), '[]')
      )
      from watched
      cross join lateral (
        select count(*) as rows, jsonb_build_object(%s, %s) as columns
        from decisions packed_row
        where packed_row.scope @> watched.scope_subset and packed_row.acted_at >= watched.since
          and watched.acted_in @> packed_row.acted_at and packed_row.outcome is not null
      ) as lived
    $query$,
    judged_by, learning.packed_columns('float8', array['outcome']),
    learning.packed_columns('timestamptz', array['acted_at'])
  )
  into piece
  -- Each decision is compared with each override: half a million take some tenths of a second.
  using p_override_type, p_pattern_key, p_action_category, after_override,
    greatest(1, least(500, 500000 / greatest(1, decided))), modules, earliest;
  return piece;
end
$function$;
CREATE OR REPLACE FUNCTION learning.live_windows(p_pattern_key text, after_override bigint)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with watched as materialized (
    select override.*
    from public.pm_overrides override
    where override.override_type = 'pm_tuning' and override.pattern_key = p_pattern_key
      and override.action_category = any (learning.gate_levers()) and override.id > after_override
      and (override.enabled or learning.has_broken_promise(override))
    order by override.id
    limit 500
  ),
  lived as materialized (
    select decided.override_id, count(*) as rows, jsonb_build_object(
      'outcome', learning.packed(
        string_agg(float8send(decided.gain), ''::bytea order by decided.occurred_at, decided.window_id)
      ),
      'acted_at', learning.packed(
        string_agg(float8send(extract(epoch from decided.occurred_at)::float8 * 1000), ''::bytea
          order by decided.occurred_at, decided.window_id)
      )
    ) as columns
    from learning.decided_windows(p_pattern_key, after_override) as decided
    group by decided.override_id
  )
  select jsonb_build_object(
    'last_override', case when count(*) = 500 then max(watched.id) end,
    'rows', coalesce(sum(lived.rows), 0)::integer,
    'overrides', coalesce(jsonb_agg(jsonb_build_object('id', watched.id, 'promised', watched.promised,
      'baseline', watched.baseline, 'sigma', watched.baseline_sigma,
      'broken', learning.has_broken_promise(watched),
      'decisions', coalesce(lived.columns, '{"outcome": "", "acted_at": ""}')) order by watched.id), '[]')
  )
  from watched
  left join lived on lived.override_id = watched.id;
$function$;
CREATE OR REPLACE FUNCTION learning.lock_or_raise()
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  lock table public.learning_configs, learning.effective_configs, public.scope_dimensions,
    learning.receipt_search, learning.scope_values, learning.closed_trades, public.pattern_trade_events,
    public.pattern_episode_events, learning.mining_groups, public.pm_overrides
    in exclusive mode nowait;
  -- Strands that name a position are taken meanwhile.
  lock table public.lowcap_positions in share row exclusive mode nowait;
  if not pg_try_advisory_xact_lock(hashtextextended('allocation', 0))
    or not pg_try_advisory_xact_lock(hashtextextended('exposure', 0)) then
    raise exception using
      errcode = '55P03',
      message = 'Allocation or exposure is being derived',
      hint = 'Try again when that is over.';
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.lock_subjects(accepted jsonb, rejected jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  deadline constant timestamptz := clock_timestamp() + interval '2 seconds';
  touched record;
begin
  for touched in
    select subject.kind, subject.subject
    from learning.touched_subjects(accepted, rejected) as subject
    -- What belongs to nothing is shared by all batches and changes nothing.
    where subject.subject <> ''
  loop
    while not pg_try_advisory_xact_lock(hashtextextended(touched.kind || ' ' || touched.subject, 0)) loop
      if clock_timestamp() > deadline then
        return false;
      end if;
      perform pg_sleep(0.01);
    end loop;
  end loop;
  return true;
end
$function$;
CREATE OR REPLACE FUNCTION learning.log_figures(cut bigint[], written bigint[], refused learning.wanted_override[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  insert into public.learning_log (level, component, event, message, details)
  select 'WARNING', 'materialize-overrides', told.event, told.message,
    jsonb_build_object('lessons', told.lessons, 'first_lesson_ids', told.first_lesson_ids)
  from (
    select 'figures_cut' as event, count(*) as lessons,
      (array_agg(override.lesson_id))[1:20] as first_lesson_ids,
      format('Overrides of %s hold a figure cut to what pm_overrides lets in, the first of lesson %s',
        learning.counted(count(*), 'lesson', 'lessons'), min(override.lesson_id)) as message
    from public.pm_overrides override
    where override.id = any (written) and override.lesson_id = any (cut)
    union all
    select 'figures_refused', count(*), (array_agg(wanted.lesson_id))[1:20],
      format('%s no override, because a figure is not a number, the first lesson %s',
        learning.counted(count(*), 'lesson has', 'lessons have'), min(wanted.lesson_id))
    from unnest(refused) as wanted
    where wanted.remark like 'A figure%'
  ) as told
  where told.lessons > 0;
end
$function$;
CREATE OR REPLACE FUNCTION learning.log_ignored_keys(contexts jsonb[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  known constant text[] := array(
    select name.text
    from public.scope_dimensions dimension
    cross join lateral unnest(dimension.dim || dimension.aliases) as name(text)
  );
  ignored record;
begin
  -- Before anything is counted: nearly always the hour has its line already.
  if exists (
    select from public.learning_log log_line
    where log_line.event = 'scope_keys_ignored' and log_line.at > now() - interval '1 hour'
  ) then
    return;
  end if;
  select count(*) as keys, jsonb_object_agg(counted.key, counted.contexts) filter (where counted.place <= 50)
      as contexts,
    jsonb_object_agg(counted.key, learning.nearest_dimension(counted.key)) filter (where counted.place <= 10)
      as nearest
  into ignored
  from (
    select given.key, count(*) as contexts,
      row_number() over (order by count(*) desc, given.key) as place
    from (
      select case jsonb_typeof(context.content) when 'object' then context.content - known end as rest
      from unnest(contexts) as context(content)
      offset 0
    ) as unknown
    cross join lateral jsonb_object_keys(unknown.rest) as given(key)
    -- Nearly every context has none.
    where unknown.rest <> '{}'
    group by given.key
  ) as counted;
  if ignored.keys > 0 then
    perform learning.write_log(
      'INFO', 'aggregate-strands', 'scope_keys_ignored',
      format('%s of contexts %s no dimension and left out of scopes: %s%s',
        learning.counted(ignored.keys, 'key', 'keys'), case ignored.keys when 1 then 'is' else 'are' end,
        learning.ignored_in_words(ignored.nearest),
        case when ignored.keys > 10 then ' and ' || ignored.keys - 10 || ' more' else '' end),
      jsonb_build_object('keys', ignored.keys, 'contexts', ignored.contexts)
    );
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.log_incomplete_windows(notes jsonb)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with incomplete as materialized (
    select note.value ->> 'episode_id' as episode_id, lacking.strand_id, lacking.pattern_key,
      array(select jsonb_array_elements_text(lacking.missing)) as missing,
      -- Who only sums up what gates saw cannot do better.
      case when lacking.comes_by_itself then 'WARNING' else 'INFO' end as level
    from jsonb_array_elements(notes) as note(value)
    cross join lateral jsonb_to_recordset(note.value -> 'incomplete')
      as lacking(strand_id text, pattern_key text, missing jsonb, comes_by_itself boolean)
  ),
  tally as (
    select count(*) as windows, count(distinct incomplete.episode_id) as episodes,
      jsonb_agg(incomplete.strand_id) as strand_ids, max(incomplete.level) as level
    from incomplete
  )
  insert into public.learning_log (level, component, event, message, details)
  select incomplete.level, 'aggregate-strands', 'episode_incomplete',
    format('Episode %s: window %s of %s is left out of simulation, it lacks %s', incomplete.episode_id,
      incomplete.strand_id, incomplete.pattern_key, array_to_string(incomplete.missing, ', ')),
    to_jsonb(incomplete) - 'level'
  from incomplete, tally
  where tally.windows <= learning.most_episode_lines()
  union all
  select tally.level, 'aggregate-strands', 'episodes_incomplete',
    format('%s windows of %s episodes are left out of simulation, they lack scores or thresholds',
      tally.windows, tally.episodes),
    jsonb_build_object('windows', tally.windows, 'strand_ids', tally.strand_ids, 'missing', (
      select jsonb_object_agg(counted.factor, counted.windows)
      from (
        select factor.name as factor, count(*) as windows
        from incomplete, unnest(incomplete.missing) as factor(name)
        group by factor.name
      ) as counted
    ))
  from tally
  where tally.windows > learning.most_episode_lines();
$function$;
CREATE OR REPLACE FUNCTION learning.log_late_strands(strand_ids text[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if strand_ids <> '{}' then
    perform learning.write_log('WARNING', 'aggregate-strands', 'strands_late',
      format('%s of trades or episodes whose strands were pruned and changed nothing: %s%s',
        learning.counted(cardinality(strand_ids), 'strand tells', 'strands tell'),
        array_to_string(strand_ids[1:3], ', '), case when cardinality(strand_ids) > 3 then ', …' end),
      jsonb_build_object('strand_ids', to_jsonb(strand_ids)));
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.mask_count(masks jsonb)
 RETURNS bigint
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  dimensions constant bigint := (select count(*) from public.scope_dimensions);
begin
  return (
    select sum(case entry.value
      when '"singles"' then dimensions
      when '"pairs"' then dimensions * (dimensions - 1) / 2
      else 1
    end)
    from jsonb_array_elements(masks) as entry(value)
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.materialization_health()
 RETURNS learning.stage_health
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  health learning.stage_health;
  materialization constant record := learning.failures_of('materialize-overrides');
begin
  health.stage := 'materialize-overrides';
  with waiting as (
    select coalesce(mining_group.lagging_since, mining_group.mined_at, now()) as since
    from learning.mining_groups mining_group
    left join learning.tuning_groups tuning_group on tuning_group.group_id = mining_group.id
    where mining_group.lagging_since is not null
      or tuning_group.run is not null
      or tuning_group.lessons_version > tuning_group.simulated_version
      or tuning_group.simulated_settings is distinct from learning.tuning_settings_digest()
        and tuning_group.group_id is not null
  )
  select count(*), min(waiting.since) into health.backlog, health.oldest_waiting_at from waiting;

  select max(ring.answered_at) into health.last_success_at
  from learning.answered_rings() as ring
  where ring.function_name = 'materialize-overrides' and ring.is_success;

  health.failures := materialization.failures;
  health.problem := nullif(concat_ws('; ',
    case
      when health.oldest_waiting_at < now() - interval '3 hours'
        then format('what is in force is older than what was learned: %s not been taken over since %s',
          learning.counted(health.backlog, 'group has', 'groups have'),
          learning.moment(health.oldest_waiting_at))
    end,
    materialization.newest
  ), '');
  return health;
end
$function$;
CREATE OR REPLACE FUNCTION learning.may_read()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return coalesce(learning.learning_role() in ('viewer', 'pm', 'operator'), false);
end
$function$;
CREATE OR REPLACE FUNCTION learning.measure_baselines()
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  config constant jsonb := learning.config();
  unknown jsonb;
begin
  with populations as materialized (
    select '' as action_category, case config ->> 'outcome' when 'rr' then trade.rr else trade.roi end as y
    from learning.closed_trades trade
    where trade.action_categories <> '{}'
    union all
    select decision.action_category, decision.outcome from learning.decisions() as decision
  ),
  bounds as (
    select populations.action_category, count(*)::integer as n, avg(populations.y) as mean,
      min(populations.y) as lowest, max(populations.y) as highest,
      percentile_cont(array[0.02, 0.98]) within group (order by populations.y) as bound
    from populations
    where populations.y is not null
    group by populations.action_category
  ),
  spread as (
    select bounds.action_category,
      avg(least(greatest(populations.y, bounds.bound[1]), bounds.bound[2])) as winsorised_mean,
      coalesce(stddev_pop(least(greatest(populations.y, bounds.bound[1]), bounds.bound[2])), 0) as sigma
    from bounds
    join populations using (action_category)
    where populations.y is not null
    group by bounds.action_category
  ),
  measured as (
    select bounds.*, spread.winsorised_mean, spread.sigma from bounds join spread using (action_category)
  ),
  removed as (
    delete from learning.baselines baseline
    where not exists (select from measured where measured.action_category = baseline.action_category)
  ),
  written as (
    insert into learning.baselines (
      action_category, n, mean, winsorised_mean, sigma, lower_bound, upper_bound, lowest, highest
    )
    select measured.action_category, measured.n, measured.mean, measured.winsorised_mean, measured.sigma,
      measured.bound[1], measured.bound[2], measured.lowest, measured.highest
    from measured
    on conflict (action_category) do update set
      n = excluded.n, mean = excluded.mean, winsorised_mean = excluded.winsorised_mean,
      sigma = excluded.sigma, lower_bound = excluded.lower_bound, upper_bound = excluded.upper_bound,
      measured_at = now(), lowest = excluded.lowest, highest = excluded.highest
  )
  select jsonb_object_agg(lacking.action_category, lacking.decisions) into unknown
  from (
    select populations.action_category, count(*) as decisions
    from populations
    where populations.y is null
    group by populations.action_category
  ) as lacking;
  return coalesce(unknown, '{}'::jsonb);
end
$function$;
CREATE OR REPLACE FUNCTION learning.measure_category_days(read_group learning.mining_groups)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  lower_bound constant float8 := (read_group.run #>> '{baseline,lower_bound}')::float8;
  upper_bound constant float8 := (read_group.run #>> '{baseline,upper_bound}')::float8;
  started_at constant timestamptz := (read_group.run ->> 'started_at')::timestamptz;
  measured jsonb;
begin
  execute format(
    $query$
      select jsonb_build_object(%s, %s)
      from (
        select decision_day.day, avg(least(greatest(decision_day.outcome, $4), $5)) as mean
        from (
          select decision.outcome,
            floor(extract(epoch from least(decision.traded_at, $3)) / 86400)::integer as day
          from (
            -- So that the same decisions are summed to the same last digit wherever they are stored.
            select group_decision.outcome, group_decision.traded_at
            from learning.group_decisions group_decision
            join learning.mining_groups mining_group on mining_group.id = group_decision.group_id
            where mining_group.module = $1 and mining_group.action_category = $2
            order by mining_group.pattern_key collate "C"
          ) as in_order
          cross join lateral unnest(in_order.outcome, in_order.traded_at) as decision(outcome, traded_at)
          where decision.outcome is not null
        ) as decision_day
        group by decision_day.day
      ) as packed_row
    $query$,
    learning.packed_columns('integer', array['day']), learning.packed_columns('float8', array['mean'])
  )
  into measured
  using read_group.module, read_group.action_category, started_at, lower_bound, upper_bound;
  return measured;
end
$function$;
CREATE OR REPLACE FUNCTION learning.measure_effect_bases()
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  with decisions as materialized (
    select decision.* from learning.decisions() as decision
    where decision.outcome is not null
  ),
  bounds as (
    select decisions.module, decisions.action_category, count(*)::integer as n,
      percentile_cont(array[0.02, 0.98]) within group (order by decisions.outcome) as bound,
      -- Of each day once: a call for each decision would take longer than all the rest.
      array_agg(distinct date_trunc('day', decisions.acted_at at time zone 'UTC')) as days
    from decisions
    group by decisions.module, decisions.action_category
  ),
  measured as (
    select decisions.module, decisions.action_category,
      -- In order, so that the same decisions give the same to the last digit wherever they are stored.
      avg(least(greatest(decisions.outcome, bounds.bound[1]), bounds.bound[2]) order by decisions.outcome)
        as mean,
      stddev_pop(
        least(greatest(decisions.outcome, bounds.bound[1]), bounds.bound[2]) order by decisions.outcome
      ) as sigma
    from bounds
    join decisions using (module, action_category)
    -- By nothing else: the bounds and the days of a category would be compared for each of its decisions.
    group by decisions.module, decisions.action_category
  ),
  removed as (
    delete from learning.effect_bases basis
    where not exists (
      select from measured
      where measured.module = basis.module and measured.action_category = basis.action_category
    )
  )
  insert into learning.effect_bases as basis (
    module, action_category, n, mean, sigma, lower_bound, upper_bound, weeks
  )
  select bounds.module, bounds.action_category, bounds.n, measured.mean, measured.sigma, bounds.bound[1],
    bounds.bound[2],
    array(
      select distinct learning.utc_week(acted_day.at at time zone 'UTC') as week
      from unnest(bounds.days) as acted_day(at)
      order by week
    )
  from bounds
  join measured using (module, action_category)
  order by bounds.module, bounds.action_category
  on conflict (module, action_category) do update set
    n = excluded.n, mean = excluded.mean, sigma = excluded.sigma, lower_bound = excluded.lower_bound,
    upper_bound = excluded.upper_bound, weeks = excluded.weeks
  where basis is distinct from excluded;
end
$function$;
CREATE OR REPLACE FUNCTION learning.measure_exposure(candidates learning.candidate[], config jsonb)
 RETURNS learning.exposure_measure[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET jit TO 'off'
AS $function$
declare
  context constant learning.crowding_context := learning.crowding_context(config);
  candidate learning.candidate;
  concentration learning.concentration;
  crowding float8;
  measure learning.exposure_measure;
  measures learning.exposure_measure[] := array[]::learning.exposure_measure[];
begin
  foreach candidate in array candidates loop
    if candidate.action_category in ('entry', 'add') then
      concentration := learning.concentration(candidate, context);
      crowding := learning.crowding(concentration, context);
      measure.skew := case
        when not context.enabled or crowding is null then 1
        when context.total = 0 then context.empty_skew
        else learning.skew_of_crowding(crowding)
      end;
      measure.explanation := jsonb_build_object(
        'enabled', context.enabled, 'alpha', context.alpha, 'beta', context.beta,
        'total', context.total, 'cap', context.cap,
        'weight_sum', concentration.weight_sum, 'concentration', concentration.concentration,
        'crowding', crowding,
        'masks', coalesce(to_jsonb(concentration.heaviest), '[]') || case when concentration.rest > 0
          then jsonb_build_object(
            'rest', concentration.rest, 'concentration', concentration.rest_concentration
          )
          else '[]' end
      );
    else
      measure := row(1, '{"enabled": false, "masks": []}'::jsonb)::learning.exposure_measure;
    end if;
    measures := measures || measure;
  end loop;
  return measures;
end
$function$;
CREATE OR REPLACE FUNCTION learning.measure_positions_anew()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- Alone: a position written meanwhile would count in the former measure. Its writers share the lock.
  perform pg_advisory_xact_lock(hashtextextended('exposure', 0));
  perform learning.hold_positions(
    array(select position_scope.position_id from learning.position_scopes position_scope)
  );
  return null;
end
$function$;
CREATE OR REPLACE FUNCTION learning.measure_strand(content jsonb, regime_context jsonb, OUT bytes bigint, OUT faults jsonb)
 RETURNS record
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  most_bytes constant integer := learning.size_limit('strand_bytes');
  too_deep constant text[] := array_remove(array[
    case when learning.is_nested_too_deep(content) then 'content' end,
    case when learning.is_nested_too_deep(regime_context) then 'regime_context' end
  ], null);
begin
  faults := '[]';
  -- Before anything walks through all of them.
  if too_deep <> '{}' then
    select jsonb_agg(jsonb_build_object('path', path, 'message',
      format('Too deep: expected at most %s objects and lists within each other',
        learning.size_limit('nesting'))))
    into faults
    from unnest(too_deep) as path;
    return;
  end if;
  bytes := learning.text_bytes(content, most_bytes) + learning.text_bytes(regime_context, most_bytes);
  if bytes > most_bytes then
    faults := jsonb_build_array(jsonb_build_object('path', 'content', 'message', format(
      'Too big: expected content and regime_context to have at most %s bytes as text and they have %s%s',
      most_bytes, bytes,
      -- What is too large by itself was not written out.
      case when bytes > 2 * most_bytes then ' or more' else '' end)));
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.measured_effects(effects jsonb)
 RETURNS SETOF learning.measured_effect
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select slice.code_1, slice.code_2, slice.n, slice.total,
    case when slice.n_52 is not null then array[slice.n_52, slice.n_26, slice.n_13] end,
    case when slice.n_52 is not null then array[slice.total_52, slice.total_26, slice.total_13] end
  from unnest(
    (effects ->> 'codes_1')::integer[], (effects ->> 'codes_2')::integer[], (effects #>> '{n,0}')::integer[],
    (effects #>> '{total,0}')::float8[], (effects #>> '{n,1}')::float8[], (effects #>> '{total,1}')::float8[],
    (effects #>> '{n,2}')::float8[], (effects #>> '{total,2}')::float8[], (effects #>> '{n,3}')::float8[],
    (effects #>> '{total,3}')::float8[]
  ) as slice(
    code_1, code_2, n, total, n_52, total_52, n_26, total_26, n_13, total_13
  );
$function$;
CREATE OR REPLACE FUNCTION learning.members_in_words(kind text, members jsonb)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return concat(kind, ' ', members #>> '{0,subject}', case
    when jsonb_array_length(members) > 1 then format(' or one of %s more', jsonb_array_length(members) - 1)
  end);
end
$function$;
CREATE OR REPLACE FUNCTION learning.merged_scope(entry_context jsonb, action_scope jsonb, regime_context jsonb, lists learning.dimension_lists DEFAULT learning.listed_dimensions())
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  entry constant jsonb := learning.known_pairs(entry_context, lists.every_dim);
  action constant jsonb := learning.known_pairs(action_scope, lists.every_dim);
  regime constant jsonb := learning.known_pairs(regime_context, lists.every_dim);
begin
  if entry = '{}' then
    -- The same without what would be nothing: windows have no entry context.
    return (regime - lists.regime) || action || (regime - lists.no_regime);
  end if;
  -- What comes later holds: each dimension from its own source, else from the entry, the action, the regime.
  return (regime - lists.regime) || (action - lists.action) || (entry - lists.entry)
    || (entry - lists.no_entry) || (action - lists.no_action) || (regime - lists.no_regime);
end
$function$;
CREATE OR REPLACE FUNCTION learning.mining_settings_digest()
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select md5(concat_ws(' ',
    (
      select jsonb_build_object(
        'outcome', effective_config.config -> 'outcome',
        'outcome_scale', effective_config.config -> 'outcome_scale',
        'add_outcome', effective_config.config -> 'add_outcome',
        'trim_outcome', effective_config.config -> 'trim_outcome',
        'exit_outcome', effective_config.config -> 'exit_outcome',
        'refuse_selected', effective_config.config -> 'refuse_selected',
        'n_min', effective_config.config -> 'n_min',
        'edge_min', effective_config.config -> 'edge_min',
        'incremental_min', effective_config.config -> 'incremental_min',
        'max_q_value', effective_config.config -> 'max_q_value',
        'fdr', effective_config.config -> 'fdr',
        'cluster', effective_config.config -> 'cluster',
        'baseline', effective_config.config -> 'baseline',
        'selection', effective_config.config -> 'selection',
        'max_lessons_per_group', effective_config.config -> 'max_lessons_per_group',
        'near_misses', effective_config.config -> 'near_misses',
        'regime_dimensions', effective_config.config -> 'regime_dimensions',
        'memory', effective_config.config -> 'memory',
        'decay', effective_config.config -> 'decay',
        'roi_scale', effective_config.config #> '{steering,roi_scale}',
        'relative', effective_config.config #> '{steering,relative}',
        'lookback_days', effective_config.config #> '{tuning,lookback_days}'
      )::text
      from learning.effective_configs effective_config
      where effective_config.module_id = 'pm'
    ),
    (
      select string_agg(dimension.dim || '=' || dimension.bit, ',' order by dimension.bit)
      from public.scope_dimensions dimension
    )
  ));
$function$;
CREATE OR REPLACE FUNCTION learning.missed_rr(summary jsonb, key text)
 RETURNS double precision
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return case jsonb_typeof(summary -> key)
    when 'object' then learning.number_of(summary -> key, 'missed_rr')
    else learning.number_of(summary, key)
  end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.missing_gates(gates double precision[])
 RETURNS text[]
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  names constant text[] := array['ts_score', 'ts_min', 'halo_distance', 'halo_max', 'slope', 'slope_min'];
  missing text[] := array[]::text[];
begin
  for place in 1 .. cardinality(names) loop
    if gates[place] is null then
      missing := missing || names[place];
    end if;
  end loop;
  return missing;
end
$function$;
CREATE OR REPLACE FUNCTION learning.most_deleted_unasked()
 RETURNS integer
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return 1000;
end
$function$;
CREATE OR REPLACE FUNCTION learning.most_in_one_go()
 RETURNS integer
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return 250;
end
$function$;
CREATE OR REPLACE FUNCTION learning.move_spells(override public.pm_overrides)
 RETURNS TABLE(move double precision, during tstzmultirange)
 LANGUAGE plpgsql
 STABLE ROWS 2
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
  select coalesce(spell.value, 0),
    tstzmultirange(tstzrange(lag(spell.until) over (order by spell.until, spell.id), spell.until))
  from (
    select change.at as until, change.id, (change.old ->> 'value')::float8 as value
    from public.pm_override_history change
    where change.override_id = override.id and change.old ? 'value'
    union all
    select null, null, override.value
  ) as spell;
end
$function$;
CREATE OR REPLACE FUNCTION learning.multiplier_applied(content jsonb, multiplier text)
 RETURNS double precision
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return coalesce(
    learning.finite_number(content -> (multiplier || '_applied')),
    learning.finite_number(learning.reason(content, multiplier || '_applied')),
    learning.finite_number(learning.reason(content, multiplier)),
    learning.finite_number(content #> array['learning_multipliers', multiplier])
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.nearest_dimension(key text)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  written constant text := lower(left(key, 100));
begin
  return (
    select near.dim
    from (
      select dimension.dim, dimension.bit,
        learning.edit_distance(written, lower(given.name), allowed.edits) as distance
      from public.scope_dimensions dimension
      cross join lateral unnest(dimension.dim || dimension.aliases) as given(name)
      cross join lateral (select case when length(given.name) < 8 then 1 else 2 end as edits) as allowed
      -- Each letter that one of them lacks is an edit: few pairs are left to be compared letter by letter.
      where case
        when abs(length(given.name) - length(written)) > allowed.edits then false
        else length(translate(written, lower(given.name), '')) <= allowed.edits
          and length(translate(lower(given.name), written, '')) <= allowed.edits
      end
    ) as near
    where near.distance is not null
    order by near.distance, near.bit
    limit 1
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.newest_proof()
 RETURNS public.learning_proofs
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  found public.learning_proofs;
begin
  select proof.* into found
  from public.learning_proofs proof
  join learning.effective_configs effective_config on effective_config.module_id = 'pm'
    and effective_config.version = proof.config_version
  where proof.release = learning.release()
  order by proof.at desc, proof.id desc
  limit 1;
  return found;
end
$function$;
CREATE OR REPLACE FUNCTION learning.next_keys(p_after bigint, p_rows integer)
 RETURNS learning.key_span
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  span learning.key_span;
begin
  with next_groups as materialized (
    select mining_group.* from learning.mining_groups mining_group
    where mining_group.family = 'strength' and mining_group.id > p_after
    -- A key stands where its first group does.
      and not exists (
        select from learning.mining_groups earlier_mining_group
        where (earlier_mining_group.lesson_type, earlier_mining_group.pattern_key,
            earlier_mining_group.action_category)
          = (mining_group.lesson_type, mining_group.pattern_key, mining_group.action_category)
          and earlier_mining_group.id < mining_group.id
      )
    order by mining_group.id
    limit 100
  ),
  keys as (
    select next_groups.id, own.group_ids, own.mined_at,
      sum(greatest(own.lessons, held.overrides)) over (order by next_groups.id) as rows_so_far,
      row_number() over (order by next_groups.id) as place
    from next_groups
    cross join lateral (
      select array_agg(mining_group.id) as group_ids, array_agg(mining_group.mined_at) as mined_at,
        sum(lessons.number) as lessons
      from learning.mining_groups mining_group
      cross join lateral (
        select count(*) as number from (
          select from public.learning_lessons lesson
          where lesson.module = mining_group.module and lesson.pattern_key = mining_group.pattern_key
            and lesson.action_category = mining_group.action_category and lesson.status = 'active'
          limit p_rows + 1
        ) as counted
      ) as lessons
      where (mining_group.lesson_type, mining_group.pattern_key, mining_group.action_category)
        = (next_groups.lesson_type, next_groups.pattern_key, next_groups.action_category)
    ) as own
    cross join lateral (
      select count(*) as overrides from (
        select from public.pm_overrides override
        where (override.override_type, override.pattern_key, override.action_category)
          = (next_groups.lesson_type, next_groups.pattern_key, next_groups.action_category)
        limit p_rows + 1
      ) as counted
    ) as held
  )
  select array_agg(ids.id), array_agg(ids.mined_at), max(keys.id),
    case when min(keys.rows_so_far) > p_rows then 'lapse' else 'whole' end, ''
  into span.group_ids, span.mined_at, span.last_group_id, span.step, span.after_digest
  from keys
  cross join lateral unnest(keys.group_ids, keys.mined_at) as ids(id, mined_at)
  where keys.rows_so_far <= p_rows or keys.place = 1;
  return span;
end
$function$;
CREATE OR REPLACE FUNCTION learning.normalise_override()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
      begin
        if tg_op = 'UPDATE' then
          new.last_updated_at := now();
          -- Nearly every update writes other values only.
          if (
            new.scope_subset, new.scope_mask, new.pattern_key, new.enabled, new.disabled_by,
            new.disabled_reason, new.control, new.id
          ) is not distinct from (
            old.scope_subset, old.scope_mask, old.pattern_key, old.enabled, old.disabled_by,
            old.disabled_reason, old.control, old.id
          ) then
            return new;
          end if;
          if new.id is distinct from old.id then
            raise exception using
              errcode = '22023',
              message = format('Override %s cannot become %s', old.id, new.id),
              hint = 'What was logged of it names its id. Insert another override instead.';
          end if;
        end if;
        -- Before it is written out, which could take all memory; nearly every scope is too small for that.
        if pg_column_size(new.scope_subset #> '{}') > 512 then
          perform learning.refuse_large_scope(new.scope_subset);
        end if;
        declare
          scope constant jsonb := new.scope_subset;
          written constant text := scope::text;
        begin
          new.scope_mask := 
      case
        when written ~ '\\|": ([^"]|"[" ])| "[,}]' or (length(written) > 200 and greatest(length(scope ->> 'curator'), length(scope ->> 'chain'), length(scope ->> 'mcap_bucket'), length(scope ->> 'vol_bucket'), length(scope ->> 'age_bucket'), length(scope ->> 'intent'), length(scope ->> 'mapping_confidence'), length(scope ->> 'mcap_vol_ratio_bucket'), length(scope ->> 'market_family'), length(scope ->> 'timeframe'), length(scope ->> 'A_mode'), length(scope ->> 'E_mode'), length(scope ->> 'macro_phase'), length(scope ->> 'meso_phase'), length(scope ->> 'micro_phase'), length(scope ->> 'bucket_leader'), length(scope ->> 'bucket_rank_position')) > 200) then null
        when scope - '{curator,chain,mcap_bucket,vol_bucket,age_bucket,intent,mapping_confidence,mcap_vol_ratio_bucket,market_family,timeframe,A_mode,E_mode,macro_phase,meso_phase,micro_phase,bucket_leader,bucket_rank_position}'::text[] = '{}'::jsonb then case when scope ? 'curator' then 1 else 0 end | case when scope ? 'chain' then 2 else 0 end | case when scope ? 'mcap_bucket' then 4 else 0 end | case when scope ? 'vol_bucket' then 8 else 0 end | case when scope ? 'age_bucket' then 16 else 0 end | case when scope ? 'intent' then 32 else 0 end | case when scope ? 'mapping_confidence' then 64 else 0 end | case when scope ? 'mcap_vol_ratio_bucket' then 128 else 0 end | case when scope ? 'market_family' then 256 else 0 end | case when scope ? 'timeframe' then 512 else 0 end | case when scope ? 'A_mode' then 1024 else 0 end | case when scope ? 'E_mode' then 2048 else 0 end | case when scope ? 'macro_phase' then 4096 else 0 end | case when scope ? 'meso_phase' then 8192 else 0 end | case when scope ? 'micro_phase' then 16384 else 0 end | case when scope ? 'bucket_leader' then 32768 else 0 end | case when scope ? 'bucket_rank_position' then 65536 else 0 end
      end
    ;
          -- Nearly every row is in its normal form, and each further look into one of so many columns costs.
          if new.scope_mask is not null and new.enabled and new.disabled_by is null
            and new.disabled_reason is null
            and not new.pattern_key ^@ 'module=' and new.pattern_key = btrim(new.pattern_key) then
            return new;
          end if;
          -- No scope at all is refused by its column; the empty one would be every candidate's.
          if new.scope_mask is null and scope is not null then
            -- One that stays may name dimensions that were taken out: it can be switched off all the same.
            if tg_op = 'INSERT' or scope is distinct from old.scope_subset then
              new.scope_subset := learning.override_scope(new.pattern_key, scope);
            end if;
            new.scope_mask := learning.scope_mask(new.scope_subset);
          end if;
        end;
        new.pattern_key := learning.dotted_pattern_key(new.pattern_key);
        if new.enabled then
          new.disabled_by := null;
          new.disabled_reason := null;
        elsif new.disabled_by is null or new.disabled_by in ('loop', 'user') then
          new.disabled_by := case new.control when 'off' then 'user' else 'loop' end;
        end if;
        return new;
      end
      $function$;
CREATE OR REPLACE FUNCTION learning.normalise_position()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  new.pattern_key := learning.dotted_pattern_key(new.pattern_key);
  -- A writer that sends every column sends null where it knows nothing.
  new.total_allocation_pct := coalesce(learning.without_dust(new.total_allocation_pct), 0);
  new.entry_context := coalesce(new.entry_context, '{}');
  new.completed_trades := coalesce(new.completed_trades, '[]');
  new.updated_at := coalesce(new.updated_at, now());
  if tg_op = 'UPDATE' and new is distinct from old then
    new.updated_at := now();
  end if;
  return new;
end
$function$;
CREATE OR REPLACE FUNCTION learning.note_alerts()
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with wrong as materialized (
    select what.kind, what.message from learning.what_is_wrong() as what
  ),
  over as (
    update public.learning_alerts alert
    set closed_at = clock_timestamp()
    where alert.closed_at is null and not exists (select from wrong where wrong.kind = alert.kind)
  ),
  reworded as (
    update public.learning_alerts alert
    set message = wrong.message
    from wrong
    where wrong.kind = alert.kind and alert.closed_at is null and alert.sent_at is null
      and alert.message <> wrong.message
  )
  insert into public.learning_alerts (kind, message)
  select wrong.kind, wrong.message
  from wrong
  where not exists (
    select from public.learning_alerts alert where alert.kind = wrong.kind and alert.closed_at is null
  );
$function$;
CREATE OR REPLACE FUNCTION learning.note_episodes(notes jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform set_config('edgeloop.episode_notes', concat_ws(
    ',', nullif(current_setting('edgeloop.episode_notes', true), ''), btrim(notes::text, '[]')
  ), true);
end
$function$;
CREATE OR REPLACE FUNCTION learning.note_switched_off()
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with told as materialized (select clock_timestamp() as at)
  insert into public.learning_alerts (kind, opened_at, closed_at, message, details)
  select 'overrides', told.at, told.at,
    format('%s switched off: %s', learning.counted(count(*), 'override was', 'overrides were'), string_agg(
      format('%s %s %s', coalesce(override.pattern_key, 'override ' || change.override_id),
        override.action_category, change.new ->> 'disabled_reason'), '; ' order by change.id)),
    jsonb_build_object('changes', jsonb_agg(change.id order by change.id))
  from public.pm_override_history change
  cross join told
  left join public.pm_overrides override on override.id = change.override_id
  where change.at > now() - interval '1 day' and change.actor = 'loop' and change.new ->> 'enabled' = 'false'
    and starts_with(change.new ->> 'disabled_reason', 'stopped adding value')
    -- Not by time, as what is told may commit after what is newer.
    and not exists (
      select from public.learning_alerts told_alert
      where told_alert.kind = 'overrides' and told_alert.opened_at > now() - interval '2 days'
        and told_alert.details -> 'changes' @> to_jsonb(change.id)
    )
    -- What comes within an hour waits for the next message.
    and not exists (
      select from public.learning_alerts newest_alert
      where newest_alert.kind = 'overrides' and newest_alert.opened_at > told.at - interval '1 hour'
    )
  group by told.at;
$function$;
CREATE OR REPLACE FUNCTION learning.note_upsert()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform set_config('learning.upsert', (tg_op = 'UPDATE')::text, true);
  return null;
end
$function$;
CREATE OR REPLACE FUNCTION learning.number_bytes(value numeric)
 RETURNS integer
 LANGUAGE plpgsql
 IMMUTABLE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  -- How many digits to base 10,000 there are, the power of the first, the sign, how many decimals: two bytes
  -- each, and so are the digits.
  sent constant bytea := numeric_send(value);
  unsigned_power constant integer := get_byte(sent, 2) << 8 | get_byte(sent, 3);
  power constant integer := case when unsigned_power < 32768 then unsigned_power else -1 end;
  decimals constant integer := get_byte(sent, 6) << 8 | get_byte(sent, 7);
  first_digit constant integer :=
    case when length(sent) > 8 and power >= 0 then get_byte(sent, 8) << 8 | get_byte(sent, 9) else 0 end;
begin
  return (value < 0)::integer + length(first_digit::text) + 4 * greatest(power, 0)
    + case when decimals > 0 then 1 + decimals else 0 end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.number_of(document jsonb, key text)
 RETURNS double precision
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  value constant numeric := (document ->> key)::numeric;
begin
  -- As learning.number_of_decimal, whose call would add half to the time; it is asked eight times a trade.
  return case when abs(value) < learning.dust()::numeric then 0 else value::float8 end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.number_of_decimal(value numeric)
 RETURNS double precision
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return case when abs(value) < learning.dust()::numeric then 0 else value::float8 end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.offered_levers(candidate learning.candidate, config jsonb)
 RETURNS TABLE(lever text, override_id bigint, scope_subset jsonb, specificity double precision, confidence double precision, fade double precision, multiplier double precision, value double precision)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  strength_acts constant boolean := learning.overrides_act('pm_strength', candidate.scope, config);
  tuning_acts constant boolean := learning.overrides_act('pm_tuning', candidate.scope, config);
  fade_half_life constant float8 := (config -> 'staleness_half_life_hours')::float8;
begin
  return query
  with containing as (
    select override.*, index_entry.specificity, index_entry.confidence, index_entry.edge,
      learning.fade(candidate.as_of, override.last_evidence_at, fade_half_life) as fade
    from learning.override_index_groups index_group
    cross join lateral learning.contained_overrides(index_group, candidate.scope) as index_entry
    join public.pm_overrides override on override.id = index_entry.override_id
    where index_group.pattern_key = candidate.pattern_key
      and case index_group.override_type
        when 'pm_strength' then strength_acts and index_group.action_category = candidate.action_category
        when 'pm_tuning' then tuning_acts
      end
  )
  select containing.action_category, containing.id, containing.scope_subset, containing.specificity,
    containing.confidence, containing.fade, containing.multiplier, containing.value
  from containing
  where containing.override_type = 'pm_tuning'
  union all
  select learned.lever, containing.id, containing.scope_subset, containing.specificity, containing.confidence,
    containing.fade, learned.multiplier, learned.value
  from containing
  left join public.learning_lessons lesson on lesson.id = containing.lesson_id
  cross join lateral learning.learned_levers(
    -- A lever moves by what is earned more or less, whatever the edge is measured in.
    containing.edge * learning.scale_of_lesson(lesson.stats), containing.fade,
    (lesson.stats ->> 'm_e')::float8, (lesson.stats ->> 'm_x')::float8
  ) as learned
  where containing.override_type = 'pm_strength'
    -- One that is pinned is a person's word, whatever became of its lesson.
    and (lesson.id is null or lesson.status = 'active' or containing.control = 'pinned')
    -- One made by hand that names no edge is about the size alone.
    and (lesson.id is not null or containing.edge <> 0);
end
$function$;
CREATE OR REPLACE FUNCTION learning.orphaned_tuning_overrides(p_limit integer)
 RETURNS bigint[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return array(
    select override.id
    from public.pm_overrides override
    cross join lateral (
      select coalesce((override.proposed ->> 'lesson_id')::bigint, override.lesson_id) as lesson_id
    ) as own
    where override.override_type = 'pm_tuning' and own.lesson_id is not null
      and (override.control <> 'auto' or override.enabled)
      and override.proposed -> 'enabled' is distinct from 'false'
      and not exists (select from public.learning_lessons lesson where lesson.id = own.lesson_id)
    order by override.id
    limit p_limit
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.outcome_column(category text, config jsonb)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return case
    when category = 'add' and config ->> 'add_outcome' = 'own'
      or category = 'trim' and config ->> 'trim_outcome' = 'own'
      or category = 'exit' and config ->> 'exit_outcome' = 'regret' then 'own_'
    else ''
  end || (config ->> 'outcome');
end
$function$;
CREATE OR REPLACE FUNCTION learning.outcome_read(config jsonb)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return concat_ws(
    ' ', config ->> 'outcome', config ->> 'add_outcome', config ->> 'trim_outcome', config ->> 'exit_outcome'
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.outcome_unit(p_category text, config jsonb)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return case
    when learning.is_judged_in_r(p_category, config) then 'R' else 'points'
  end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.outcomes_of_episodes(p_episode_ids text[])
 RETURNS TABLE(episode_id text, ended text)
 LANGUAGE plpgsql
 STABLE ROWS 500
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
  select distinct on (told_strand.episode_id) told_strand.episode_id,
    learning.text_of(strand.content, 'outcome')
  from learning.strands_of_episodes(p_episode_ids) as told_strand
  cross join lateral (select (told_strand.strand).*) as strand
  where strand.kind in ('episode_outcome', 'uptrend_episode_summary')
    and jsonb_typeof(strand.content -> 'outcome') = 'string'
  order by told_strand.episode_id, strand.created_at desc, strand.id collate "C" desc;
end
$function$;
CREATE OR REPLACE FUNCTION learning.outdate_allocation(outdated_from timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- Who replays holds it from before its first look at the trades.
  perform pg_advisory_xact_lock(hashtextextended('allocation', 0));
  update learning.allocation_replay replay
  set began_from = least(replay.began_from, outdated_from),
    goes_on_from = least(replay.goes_on_from, outdated_from)
  where replay.is_only;
end
$function$;
CREATE OR REPLACE FUNCTION learning.override_by_hand(p_id bigint)
 RETURNS public.pm_overrides
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  found_override public.pm_overrides;
begin
  select override.* into found_override
  from public.pm_overrides override
  where override.id = p_id
  for update;
  if found_override.id is null then
    perform learning.refuse_argument('id', 'the id of an override', p_id::text);
  end if;
  return found_override;
end
$function$;
CREATE OR REPLACE FUNCTION learning.override_terms_query(overrides text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return format($terms$
    select override.id as override_id, override.enabled,
      hashtextextended(override.scope_digest, hashtextextended(override.action_category,
        hashtextextended(override.pattern_key, hashtextextended(override.override_type, override.scope_mask))
      )) as identity_hash,
      override.scope_mask,
      learning.specificity(bit_count(override.scope_mask::bit(32))::integer) as specificity,
      learning.confidence_or_default(override.confidence_score) as confidence,
      coalesce(override.multiplier, 1) as multiplier, override.dir_a, override.dir_e,
      override.edge_raw as edge,
      (1 - exp(greatest(-700, -override.n / 25::float8))) / (1 + override.variance) as support,
      coalesce(extract(epoch from override.last_evidence_at)::float8 * 1e6, 'infinity') as evidence_us,
      coalesce(override.half_life_hours, 30 * 24) * 3.6e9 as decay_us,
      override.lesson_id is null or override.control = 'pinned' as by_hand
    from %s override
  $terms$, overrides);
end
$function$;
CREATE OR REPLACE FUNCTION learning.overrides_act(override_type text, scope jsonb, config jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  regimes constant jsonb := config -> 'flags' -> 'learning_overrides_enabled_regimes';
begin
  return learning.overrides_enabled(override_type, config)
    and (regimes = 'null' or coalesce(regimes ? (scope ->> 'macro_phase'), false))
    and (override_type = 'dm_alloc' or learning.proof_allows(config));
end
$function$;
CREATE OR REPLACE FUNCTION learning.overrides_as_of(as_of timestamp with time zone, p_pattern_key text DEFAULT NULL::text, p_action_category text DEFAULT NULL::text)
 RETURNS TABLE(override_id bigint, existed boolean, state jsonb)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
  with later as materialized (
    select change.override_id, change.id, change.at, change.old
    from public.pm_override_history change
    where change.at > as_of
  ),
  -- Of all later changes of a column the oldest says what it was.
  former as (
    select column_then.override_id, jsonb_object_agg(column_then.key, column_then.value) as columns
    from (
      select distinct on (later.override_id, pair.key) later.override_id, pair.key, pair.value
      from later
      cross join lateral jsonb_each(later.old) as pair
      order by later.override_id, pair.key, later.at, later.id
    ) as column_then
    group by column_then.override_id
  ),
  beginnings as (
    select distinct on (later.override_id) later.override_id, later.old is not null as existed
    from later
    order by later.override_id, later.at, later.id
  )
  select beginnings.override_id, beginnings.existed,
    coalesce(to_jsonb(override), '{}') || coalesce(former.columns, '{}')
  from beginnings
  left join former on former.override_id = beginnings.override_id
  left join public.pm_overrides override on override.id = beginnings.override_id
  where (p_pattern_key is null or coalesce(former.columns ->> 'pattern_key', override.pattern_key)
      = p_pattern_key)
    and (p_action_category is null or coalesce(former.columns ->> 'action_category', override.action_category)
      = p_action_category);
end
$function$;
CREATE OR REPLACE FUNCTION learning.own_outcomes(categories text[], prices double precision[], quantities double precision[], sides text[], leverages double precision[], trade_roi double precision, trade_rr double precision, entry_price double precision, exit_price double precision, fees double precision, missed_at_exit double precision, OUT own_roi double precision[], OUT own_rr double precision[])
 RETURNS record
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  actions constant integer := coalesce(cardinality(categories), 0);
  -- A trade of next to nothing, or of which R and return disagree, does not say what a return is in R.
  rr_per_roi constant float8 :=
    case when abs(trade_roi) >= 0.001 and sign(trade_rr) = sign(trade_roi) then trade_rr / trade_roi end;
  -- A fill that lacks a figure leaves a sum that is not known.
  opened float8 := 0;
  closed float8 := 0;
  later_value float8 := 0;
  later_quantity float8 := 0;
  gearing float8;
  own float8;
begin
  own_roi := array_fill(trade_roi, array[actions]);
  own_rr := array_fill(trade_rr, array[actions]);
  for place in 1 .. actions loop
    case
      when categories[place] in ('entry', 'add') then opened := opened + prices[place] * quantities[place];
      when categories[place] in ('trim', 'exit') then closed := closed + prices[place] * quantities[place];
      else null;
    end case;
  end loop;
  -- From the last action on, so that what is sold after each is known.
  for place in reverse actions .. 1 loop
    if categories[place] in ('add', 'trim') then
      gearing := leverages[place] * case sides[place] when 'short' then -1 else 1 end;
      own := gearing * (
        coalesce(later_value / nullif(later_quantity, 0), exit_price) / prices[place] - 1
      );
      if categories[place] = 'add' then
        own := own - coalesce(fees, learning.plausible_costs(
          gearing * (nullif(closed, 0) / nullif(opened, 0) - 1) - trade_roi, leverages[place]
        ));
      else
        own := -own;
      end if;
      -- A dump tells -0 and 0 apart, nobody else does.
      own := own + 0;
      -- Beyond what a whole trade may have a fill was misread.
      own_roi[place] := case when abs(own) <= 1e4 then own end;
      own_rr[place] := case
        when (categories[place] = 'add' or entry_price is not null) and abs(own) <= 1e4
          and abs(own * rr_per_roi) <= 1e12 then own * rr_per_roi
      end;
    elsif categories[place] = 'exit' then
      own_roi[place] := 0 - missed_at_exit;
      own_rr[place] := 0 - missed_at_exit;
    end if;
    if categories[place] in ('trim', 'exit') then
      later_value := later_value + prices[place] * quantities[place];
      later_quantity := later_quantity + quantities[place];
    end if;
  end loop;
end
$function$;
CREATE OR REPLACE FUNCTION learning.patched(base jsonb, patch jsonb, p_module_id text, keys text[])
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  result jsonb := case jsonb_typeof(base) when 'object' then base else '{}' end;
  entry record;
begin
  for entry in
    select pair.key, pair.value, setting.path is not null as is_setting, setting.nullable
    from jsonb_each(patch) as pair
    left join learning.settings setting
      on setting.module_id = p_module_id and setting.keys = patched.keys || pair.key
  loop
    result := case
      when entry.value = 'null' and entry.is_setting and not entry.nullable then result - entry.key
      when jsonb_typeof(entry.value) = 'object' and not entry.is_setting then result || jsonb_build_object(
        entry.key, learning.patched(result -> entry.key, entry.value, p_module_id, keys || entry.key)
      )
      else result || jsonb_build_object(entry.key, entry.value)
    end;
  end loop;
  return result;
end
$function$;
CREATE OR REPLACE FUNCTION learning.percent(fraction double precision)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select round((fraction * 100)::numeric, 1) || ' %';
$function$;
CREATE OR REPLACE FUNCTION learning.pieces_of_subjects(accepted jsonb, rejected jsonb)
 RETURNS TABLE(kind text, is_pruned boolean, members jsonb)
 LANGUAGE plpgsql
 STABLE ROWS 10
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
  with touched as materialized (
    select subject.kind, subject.subject, subject.strand_ids, subject.strand_ids = '{}' as is_left,
      pruned_subject.subject is not null as is_pruned
    from learning.touched_subjects(accepted, rejected) as subject
    left join learning.pruned_subjects pruned_subject
      on pruned_subject.kind = subject.kind and pruned_subject.subject = subject.subject
    where subject.subject <> ''
  ),
  numbered as (
    select touched.*, row_number() over (
      partition by touched.kind, touched.is_pruned, touched.is_left order by touched.subject
    ) as place
    from touched
  )
  select numbered.kind, numbered.is_pruned, jsonb_agg(
    jsonb_build_object('subject', numbered.subject, 'strand_ids', numbered.strand_ids)
    order by numbered.place
  )
  from numbered
  group by numbered.kind, numbered.is_pruned, numbered.is_left,
    (numbered.place - 1) / learning.most_in_one_go()
  -- What a strand has left comes first: nothing would remember it.
  order by numbered.is_left desc, numbered.kind, min(numbered.subject);
end
$function$;
CREATE OR REPLACE FUNCTION learning.platform_health()
 RETURNS learning.stage_health
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  health learning.stage_health;
  missing_extensions text[];
  open_tables text[];
begin
  health.stage := 'platform';
  select coalesce(array_agg(wanted.extension order by wanted.extension), '{}') into missing_extensions
  from (values
    ('pg_cron', 'cron.job'), ('pg_net', 'net.http_request_queue'),
    ('supabase_vault', 'vault.decrypted_secrets')
  ) as wanted(extension, relation)
  where to_regclass(wanted.relation) is null;
  -- A policy stays when row level security is switched off; tables of others in public have none of ours.
  select coalesce(array_agg(relation.oid::regclass::text order by relation.oid::regclass::text), '{}')
  into open_tables
  from pg_class relation
  where relation.relkind in ('r', 'p') and not relation.relrowsecurity
    and (
      relation.relnamespace = 'learning'::regnamespace
      or relation.relnamespace = 'public'::regnamespace and exists (
        select from pg_policy policy
        where policy.polrelid = relation.oid and policy.polname = 'read_with_learning_role'
      )
    );
  health.backlog := cardinality(missing_extensions) + cardinality(open_tables);
  health.failures := 0;
  health.problem := nullif(concat_ws('; ',
    case when missing_extensions <> '{}' then format(
      'what the extension %s brings is missing: create it anew', array_to_string(missing_extensions, ', ')
    ) end,
    case when open_tables <> '{}' then format(
      'row level security is off for %s, so whoever is granted a table reads all of it: alter table … enable '
      'row level security', array_to_string(open_tables, ', ')
    ) end
  ), '');
  return health;
end
$function$;
CREATE OR REPLACE FUNCTION learning.plausible_costs(costs double precision, leverage double precision)
 RETURNS double precision
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return case when costs between 0 and 0.02 * leverage then costs else 0 end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.pnl_usd(summary jsonb)
 RETURNS double precision
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return coalesce(
    learning.number_of(summary, 'pnl_usd'), learning.number_of(summary, 'rpnl_usd'),
    learning.number_of(summary, 'total_pnl_usd')
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.position_exposure(allocation double precision, usd_value double precision, measure text, allocation_unit text)
 RETURNS double precision
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return learning.without_dust(case
    when measure = 'value' then greatest(coalesce(usd_value, 0), 0)
    when allocation_unit = 'percent' then allocation / 100
    else allocation
  end);
end
$function$;
CREATE OR REPLACE FUNCTION learning.position_scope(entry_context jsonb, timeframe text, token_chain text, state text, book_id text)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  -- A position is held whatever its context looks like: what no scope can take is left out instead of raised,
  -- and what no dimension is named by is not looked at, as there may be any amount of it.
  select learning.merged_scope(
    (
      select jsonb_object_agg(entry.key, learning.scope_value(entry.value))
      from (
        select named.key, given.context -> named.key as value
        -- Taken out of its compressed form once.
        from (select entry_context #> '{}' as context offset 0) as given
        cross join public.scope_dimensions dimension
        cross join lateral unnest(dimension.aliases || dimension.dim) as named(key)
        offset 0
      ) as entry
      where case jsonb_typeof(entry.value)
        when 'string' then length(learning.scope_value(entry.value))
        -- Four bytes may stand for 131,072 digits, so it is measured before it is written out.
        when 'number' then learning.number_bytes(trim_scale(entry.value::numeric))
        when 'boolean' then 0
      end <= learning.size_limit('value_characters')
    ),
    jsonb_build_object(
      'timeframe', left(timeframe, learning.size_limit('value_characters')),
      'chain', left(token_chain, learning.size_limit('value_characters')),
      'state', left(state, learning.size_limit('value_characters')),
      'book_id', left(book_id, learning.size_limit('value_characters'))
    ),
    null
  );
$function$;
CREATE OR REPLACE FUNCTION learning.positive_number(value jsonb)
 RETURNS double precision
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- Not as learning.finite_number: what a token costs may be less than dust. Between these bounds products
  -- and quotients of such figures stay within the range of float8.
  return case
    when jsonb_typeof(value) = 'number' and value::numeric >= 1e-60 and value::numeric <= 1e60
      then value::numeric::float8
  end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.promise_of_key(p_override_type text, p_pattern_key text, p_action_category text)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  promised_overrides integer;
begin
  with lesson as (
    select learning_lesson.id, (learning_lesson.stats ->> 'effect')::float8 as effect,
      (learning_lesson.stats ->> 'effect_error2')::float8 as error2,
      learning.tau2_of(learning_lesson.module, learning_lesson.action_category) as tau2
    from public.pm_overrides override
    join public.learning_lessons learning_lesson on learning_lesson.id = override.lesson_id
    where override.override_type = p_override_type and override.pattern_key = p_pattern_key
      and override.action_category = p_action_category and override.evidence_from is null
      and override.lesson_id is not null and override.enabled
  )
  update public.pm_overrides override
  set evidence_from = now(),
    promised = coalesce(learning.cautious_effect(lesson.effect, lesson.error2, lesson.tau2),
      lesson.effect / 2),
    baseline = base.winsorised_mean, baseline_sigma = base.sigma
  from lesson
  cross join learning.baseline_of(p_action_category) as base
  where override.override_type = p_override_type and override.pattern_key = p_pattern_key
    and override.action_category = p_action_category and override.evidence_from is null
    and override.lesson_id = lesson.id and override.enabled
    -- A lesson of an earlier release has none until it is mined again.
    and lesson.effect is not null;
  get diagnostics promised_overrides = row_count;
  return promised_overrides;
end
$function$;
CREATE OR REPLACE FUNCTION learning.promise_of_moves(lesson_ids bigint[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- Of gain 1 and cost 0, none is the baseline; half each, as by luck, deviate by a half.
  update public.pm_overrides override
  set evidence_from = now(), promised = 0.5, baseline = 0, baseline_sigma = 0.5
  where override.override_type = 'pm_tuning' and override.lesson_id = any (lesson_ids)
    and override.action_category = any (learning.gate_levers())
    and override.evidence_from is null and override.enabled;
end
$function$;
CREATE OR REPLACE FUNCTION learning.proof_allows(config jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if not (config #>> '{flags,require_proof}')::boolean then
    return true;
  end if;
  return coalesce((learning.newest_proof()).verdict = 'shown', false);
end
$function$;
CREATE OR REPLACE FUNCTION learning.proof_health()
 RETURNS learning.stage_health
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  config constant jsonb := learning.config();
  proof constant public.learning_proofs := learning.newest_proof();
  acting bigint := 0;
  health learning.stage_health;
begin
  health.stage := 'proof';
  health.backlog := 0;
  health.failures := 0;
  health.last_success_at := proof.at;
  if learning.overrides_enabled('pm_strength', config) and learning.proof_allows(config) then
    select count(*) into acting
    from public.pm_overrides override
    where override.override_type = 'pm_strength' and override.enabled and override.lesson_id is not null;
    if config ->> 'strength_mode' = 'calibrated' then
      acting := acting + (
        select count(*) from public.learning_calibration calibration where calibration.kappa > 0
      );
    end if;
  end if;
  health.problem := case
    when acting = 0 or proof.verdict = 'shown' then null
    when proof.verdict is null then 'sizes act without a proof on history of this configuration and release; '
      'deno task prove --db URL --keep makes one'
    else format('sizes act against the proof of %s, which says: %s', learning.moment(proof.at),
      coalesce(proof.report ->> 'sentence', proof.verdict))
  end;
  return health;
end
$function$;
CREATE OR REPLACE FUNCTION learning.propose_overrides(writable learning.wanted_override[], lapsed_overrides learning.lapsed_override[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- There are few, and mostly none: looked for first.
  with kept as materialized (
    select override.* from public.pm_overrides override
    where override.control <> 'auto'
      and (override.override_type, override.pattern_key, override.action_category) in (
        select wanted.override_type, wanted.pattern_key, wanted.action_category
        from unnest(writable) as wanted
      )
  ),
  said as (
    select kept.id, learning.figures_wanted(wanted) as proposed
    from kept
    join unnest(writable) as wanted using (override_type, pattern_key, action_category, scope_digest)
    union all
    select lapsed.override_id,
      case
        when override.lesson_id is not null and override.control <> 'auto'
          then jsonb_build_object('enabled', false, 'disabled_reason', lapsed.reason)
      end
    from unnest(lapsed_overrides) as lapsed
    join public.pm_overrides override on override.id = lapsed.override_id
    where override.control <> 'auto' or override.proposed is not null
  )
  update public.pm_overrides override
  set proposed = said.proposed
  from said
  where override.id = said.id and override.proposed is distinct from said.proposed;
end
$function$;
CREATE OR REPLACE FUNCTION learning.prune_alerts(p_batch integer)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  alerts integer;
begin
  delete from learning.alert_requests request where request.sent_at < now() - interval '1 day';
  delete from public.learning_alerts alert
  where alert.id in (
    select old_alert.id
    from public.learning_alerts old_alert
    where old_alert.opened_at < now() - learning.history_retention() and old_alert.closed_at is not null
    order by old_alert.opened_at
    limit p_batch
  );
  get diagnostics alerts = row_count;
  return alerts;
end
$function$;
CREATE OR REPLACE FUNCTION learning.prune_history(p_batch integer)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  changes integer;
  config_changes integer;
begin
  delete from public.pm_override_history change
  where change.id in (
    select old_change.id
    from public.pm_override_history old_change
    where old_change.at < now() - learning.history_retention()
    order by old_change.at
    limit p_batch
  );
  get diagnostics changes = row_count;

  delete from public.learning_config_history config_change
  where config_change.id in (
    select old_config_change.id
    from public.learning_config_history old_config_change
    where old_config_change.at < now() - learning.history_retention()
    order by old_config_change.at
    limit p_batch
  );
  get diagnostics config_changes = row_count;
  return changes + config_changes + learning.prune_alerts(p_batch);
end
$function$;
CREATE OR REPLACE FUNCTION learning.prune_proofs()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  kept constant integer := 200;
begin
  delete from public.learning_proofs proof
  where proof.id in (
    select older_proof.id from public.learning_proofs older_proof
    order by older_proof.at desc, older_proof.id desc offset kept
  );
  return null;
end
$function$;
CREATE OR REPLACE FUNCTION learning.prune_sizings(p_batch integer)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  sizings integer;
begin
  delete from public.exposure_history past_exposure
  where past_exposure.day < (now() - learning.history_retention())::date;
  delete from public.pm_sizings sizing
  where sizing.id in (
    select old_sizing.id
    from public.pm_sizings old_sizing
    where old_sizing.taken_at < now() - learning.sizing_retention()
    order by old_sizing.taken_at
    limit p_batch
  );
  get diagnostics sizings = row_count;
  return sizings;
end
$function$;
CREATE OR REPLACE FUNCTION learning.prune_subject(p_kind text, p_subject text, before timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  strands text[];
begin
  -- Who is at work on it comes first, and may have changed it.
  if not pg_try_advisory_xact_lock(hashtextextended(p_kind || ' ' || p_subject, 0))
    or not learning.is_over(p_kind, p_subject, before) then
    return 0;
  end if;
  strands := array(select named.strand_id from learning.strands_of_subject(p_kind, p_subject) as named);
  -- First: the strands of what was pruned are not withdrawn.
  insert into learning.pruned_subjects (kind, subject) values (p_kind, p_subject);
  for place in 1 .. cardinality(strands) by learning.most_deleted_unasked() loop
    delete from public.ad_strands strand
    where strand.id = any (strands[place : place + learning.most_deleted_unasked() - 1]);
  end loop;
  return cardinality(strands);
end
$function$;
CREATE OR REPLACE FUNCTION learning.prune_unlearned(before timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  pruned integer;
begin
  delete from public.ad_strands strand
  -- An array is made once, whatever statistics of an emptied table say.
  where strand.id = any (array(
    select old_strand.id
    from public.ad_strands old_strand
    left join public.strand_receipts receipt on receipt.strand_id = old_strand.id
    where old_strand.created_at < before
      and case
        when old_strand.kind = any (learning.learned_kinds()) then receipt.status = 'rejected'
          or receipt.status = 'done'
            and learning.subject_of_strand(old_strand.kind, old_strand.content) is null
        -- It may have been of a learned kind when it took effect.
        else receipt.status is distinct from 'pending'
      end
    order by old_strand.created_at
    limit learning.most_deleted_unasked()
  ));
  get diagnostics pruned = row_count;
  return pruned;
end
$function$;
CREATE OR REPLACE FUNCTION learning.put_configuration_back(as_of timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  former record;
begin
  for former in
    select distinct on (config_change.module_id) config_change.module_id, config_change.old
    from public.learning_config_history config_change
    where config_change.at > as_of and config_change.module_id in ('pm', 'decision_maker')
    order by config_change.module_id, config_change.at, config_change.id
  loop
    delete from public.learning_configs written_config where written_config.module_id = former.module_id;
    if former.old is not null then
      insert into public.learning_configs (module_id, config_data, version)
      values (former.module_id, former.old -> 'config_data', (former.old ->> 'version')::integer);
    end if;
  end loop;
end
$function$;
CREATE OR REPLACE FUNCTION learning.put_exposure_back(as_of timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  last_day constant date := (
    select max(past_exposure.day) from public.exposure_history past_exposure
    where past_exposure.day <= (as_of at time zone 'UTC')::date
  );
begin
  if last_day is null then
    return false;
  end if;
  delete from learning.position_scopes position_scope where true;
  insert into learning.position_scopes (position_id, pattern_key, scope, scope_mask, exposure)
  select gen_random_uuid(), past_exposure.pattern_key, past_exposure.scope, past_exposure.scope_mask,
    past_exposure.exposure
  from public.exposure_history past_exposure
  where past_exposure.day = last_day and past_exposure.positions > 0;
  return true;
end
$function$;
CREATE OR REPLACE FUNCTION learning.put_overrides_back(as_of timestamp with time zone, p_pattern_key text, p_action_category text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  changed bigint[];
  past public.pm_overrides[];
begin
  select array_agg(former.override_id),
    array_agg(jsonb_populate_record(null::public.pm_overrides, former.state)) filter (where former.existed)
  into changed, past
  from learning.overrides_as_of(as_of, p_pattern_key, p_action_category) as former;
  delete from public.pm_overrides override where override.id = any (changed);
  insert into public.pm_overrides (
    id, override_type, pattern_key, action_category, scope_subset, multiplier, dir_a, dir_e, value, edge_raw,
    n, variance, confidence_score, decay_state, half_life_hours, lesson_id, enabled, disabled_by,
    disabled_reason, first_active_at, last_evidence_at, control
  )
  select past_override.id, past_override.override_type, past_override.pattern_key,
    past_override.action_category, past_override.scope_subset, past_override.multiplier, past_override.dir_a,
    past_override.dir_e, past_override.value, past_override.edge_raw, past_override.n,
    past_override.variance, past_override.confidence_score, past_override.decay_state,
    past_override.half_life_hours, past_override.lesson_id, past_override.enabled, past_override.disabled_by,
    past_override.disabled_reason, past_override.first_active_at, past_override.last_evidence_at,
    past_override.control
  from unnest(past) as past_override;
end
$function$;
CREATE OR REPLACE FUNCTION learning.read_candidate(given jsonb)
 RETURNS learning.candidate
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  arguments constant text[] := array[
    'pattern_key', 'action_category', 'scope', 'a_value', 'e_value', 'previous_strength', 'as_of'
  ];
  argument text;
  a_value float8;
  e_value float8;
  previous_strength float8;
  as_of timestamptz;
begin
  if jsonb_typeof(given) <> 'object' then
    raise exception using
      errcode = '22023',
      message = format('A candidate must be an object and is %s', learning.quoted(learning.beginning(given))),
      hint = 'Give each of candidates the arguments of get_pm_sizing by name.';
  end if;
  if given - arguments <> '{}'::jsonb then
    select min(stranger.name) into argument from jsonb_object_keys(given - arguments) as stranger(name);
    raise exception using
      errcode = '22023',
      message = format('A candidate has no argument %s', learning.quoted(argument)),
      hint = 'The arguments are ' || array_to_string(arguments, ', ') || '.';
  end if;
  -- What is long as text alone is not written out to be looked at.
  select min(pair.key) into argument
  from jsonb_each(given - 'scope') as pair
  where case jsonb_typeof(pair.value)
    when 'number' then abs(pair.value::numeric) >= 1e300 or scale(pair.value::numeric) > 300
    else jsonb_typeof(pair.value) in ('object', 'array')
  end;
  if argument is not null then
    perform learning.refuse_argument(
      argument, 'a text or a number of at most 300 digits', learning.beginning(given -> argument)
    );
  end if;
  begin
    argument := 'a_value';
    a_value := (given ->> argument)::float8;
    argument := 'e_value';
    e_value := (given ->> argument)::float8;
    argument := 'previous_strength';
    previous_strength := (given ->> argument)::float8;
    argument := 'as_of';
    as_of := (given ->> argument)::timestamptz;
  exception when data_exception then
    perform learning.refuse_argument(
      argument, case argument when 'as_of' then 'a time' else 'a number' end, given ->> argument
    );
  end;
  return learning.check_candidate(
    given ->> 'pattern_key', given ->> 'action_category', given -> 'scope', a_value, e_value,
    previous_strength, as_of
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.read_candidates(candidates jsonb, with_subjects boolean, OUT readable learning.candidate[], OUT places integer[], OUT subjects text[], OUT errors jsonb)
 RETURNS record
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  given jsonb;
  subject text;
  error_code text;
  error_message text;
  error_detail text;
  error_hint text;
begin
  readable := '{}';
  places := '{}';
  subjects := '{}';
  errors := '{}';
  for place in 1 .. jsonb_array_length(candidates) loop
    given := candidates -> place - 1;
    begin
      if with_subjects and jsonb_typeof(given) = 'object' then
        subject := learning.read_subject(given -> 'subject');
        given := given - 'subject';
      end if;
      readable := readable || learning.read_candidate(given);
      places := places || place;
      subjects := array_append(subjects, subject);
    exception when data_exception then
      get stacked diagnostics error_code = returned_sqlstate, error_message = message_text,
        error_detail = pg_exception_detail, error_hint = pg_exception_hint;
      errors := errors || jsonb_build_object(place, jsonb_build_object('code', error_code,
        'message', error_message, 'details', nullif(error_detail, ''), 'hint', nullif(error_hint, '')));
    end;
  end loop;
end
$function$;
CREATE OR REPLACE FUNCTION learning.read_subject(given jsonb)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if jsonb_typeof(given) not in ('string', 'null') or length(given #>> '{}') > 200 then
    perform learning.refuse_argument(
      'subject', 'a text of at most 200 characters', learning.beginning(given)
    );
  end if;
  return given #>> '{}';
end
$function$;
CREATE OR REPLACE FUNCTION learning.reason(content jsonb, key text)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  reasons constant jsonb := content -> 'reasons';
begin
  return coalesce(nullif(reasons -> key, 'null'), (
    select coalesce(pair.content -> 'value', pair.content -> 1)
    from jsonb_array_elements(
      case jsonb_typeof(reasons -> 'ordered') when 'array' then reasons -> 'ordered' else '[]' end
    ) with ordinality as pair(content, place)
    where coalesce(pair.content -> 'name', pair.content -> 0) = to_jsonb(key)
    order by pair.place
    limit 1
  ));
end
$function$;
CREATE OR REPLACE FUNCTION learning.reason_of_broken_promise(override public.pm_overrides, live learning.live_records)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  unit constant text := learning.outcome_unit(override.action_category, learning.config());
begin
  if override.override_type = 'pm_tuning' then
    return format('stopped adding value: of %s that only it let in or kept out %s are gains, promised were '
      'at least %s (e = %s)', learning.counted(live.n, 'window', 'windows'),
      learning.in_percent(round(live.mean::numeric, 3)::float8), learning.in_percent(override.promised),
      round(live.e_value::numeric, 1));
  end if;
  return format('stopped adding value: %s came to %s %s against the baseline, promised were %s (e = %s)',
    learning.counted(live.n, 'decision', 'decisions'),
    learning.in_unit(live.mean - override.baseline, unit), unit, learning.in_unit(override.promised, unit),
    round(live.e_value::numeric, 1));
end
$function$;
CREATE OR REPLACE FUNCTION learning.rebuild()
 RETURNS TABLE(what text, how_many bigint)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  counted_values bigint;
  recoded record;
  applied record;
begin
  if current_setting('session_replication_role') <> 'origin' then
    raise exception using
      errcode = '55000',
      message = format('Cannot rebuild while session_replication_role is %s: triggers do part of the work',
        current_setting('session_replication_role')),
      hint = 'reset session_replication_role; a dump of the Supabase CLI does so at its end.';
  end if;
  perform learning.await_stillness();
  -- The triggers of the configuration merge it with the defaults after any statement.
  update public.learning_configs written_config set notes = written_config.notes where false;
  perform learning.rebuild_exposure();
  perform learning.rebuild_override_index();

  what := 'receipts given to strands without one';
  update learning.receipt_search search set searched_to = '' where search.is_only;
  how_many := learning.find_lost_receipts('100 years');
  return next;
  select count(*) into counted_values from learning.scope_values scope_value;
  applied := learning.apply_what_is_missing();
  recoded := learning.recode_scopes();
  return query values
    ('trades that had no events', applied.trades),
    ('episodes that had no windows', applied.episodes),
    ('scope values that the dictionary lacked',
      (select count(*) from learning.scope_values scope_value) - counted_values),
    ('events whose scope was coded otherwise', recoded.events),
    ('windows whose scope was coded otherwise', recoded.windows),
    ('mining groups that were not known', learning.register_missing_groups());
  perform learning.replay_allocation('-infinity', '100 years');
  return query values
    ('modules with their configuration in force',
      (select count(*) from learning.effective_configs effective_config)),
    ('exposure masks', (select count(*) from learning.exposure_masks exposure_mask)),
    ('positions that count as exposure', (select count(*) from learning.position_scopes position_scope)),
    ('exposure cells', (select count(*) from learning.exposure_cells cell)),
    ('override index entries', (select count(*) from learning.override_index_entries index_entry)),
    ('allocation steps', (select count(*) from public.timeframe_allocation_steps step));
end
$function$;
CREATE OR REPLACE FUNCTION learning.rebuild_exposure()
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- Alone: its writers share the lock.
  perform pg_advisory_xact_lock(hashtextextended('exposure', 0));
  delete from learning.position_scopes position_scope where true;
  delete from learning.exposure_cells cell where true;
  delete from learning.exposure_masks exposure_mask where true;
  -- The triggers of the registry derive the masks, and the functions that know the dimensions, after any
  -- statement.
  delete from public.scope_dimensions dimension where false;
  perform learning.hold_positions(array(select position.id from public.lowcap_positions position));
end
$function$;
CREATE OR REPLACE FUNCTION learning.rebuild_override_index()
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  lock table public.pm_overrides in share row exclusive mode;
  delete from learning.override_index_entries index_entry where true;
  delete from learning.override_index_pairs index_pair where true;
  delete from learning.override_index_groups index_group where true;
  perform learning.index_overrides((
    select array_agg(override.id) from public.pm_overrides override where override.enabled
  ));
end
$function$;
CREATE OR REPLACE FUNCTION learning.receive_strands()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  received integer;
begin
  if tg_op = 'INSERT' then
    insert into public.strand_receipts (strand_id, event_at)
    select new_strand.id, new_strand.created_at
    from new_strands new_strand
    where new_strand.kind = any (learning.learned_kinds());
  else
    insert into public.strand_receipts as receipt (strand_id, event_at)
    select new_strand.id, new_strand.created_at
    from new_strands new_strand
    join old_strands old_strand using (id)
    where (new_strand.kind = any (learning.learned_kinds())
        or old_strand.kind = any (learning.learned_kinds()))
      and (new_strand.kind, new_strand.module, new_strand.timeframe, new_strand.content,
          new_strand.regime_context, new_strand.created_at)
        is distinct from (old_strand.kind, old_strand.module, old_strand.timeframe, old_strand.content,
          old_strand.regime_context, old_strand.created_at)
    order by new_strand.id
    on conflict (strand_id) do update set
      status = 'pending', attempts = 0, errors = '[]'::jsonb, next_attempt_at = now(), processed_at = null,
      revision = receipt.revision + 1, event_at = excluded.event_at, received_at = excluded.received_at;
  end if;
  get diagnostics received = row_count;
  if received > 0 then
    perform learning.ring_for_strands();
  end if;
  return null;
end
$function$;
CREATE OR REPLACE FUNCTION learning.recode_scopes(OUT events bigint, OUT windows bigint)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET jit TO 'off'
AS $function$
begin
  perform learning.register_scope_values(array(
    select event.scope from public.pattern_trade_events event
    union
    select episode.scope from public.pattern_episode_events episode
  ));
  with coded as materialized (
    select seen.scope, learning.scope_mask(seen.scope) as mask, learning.encode_scope(seen.scope) as codes
    from (select distinct event.scope from public.pattern_trade_events event) as seen
  )
  update public.pattern_trade_events event
  set scope_mask = coded.mask, scope_codes = coded.codes
  from coded
  where event.scope = coded.scope
    and (event.scope_mask, event.scope_codes) is distinct from (coded.mask, coded.codes);
  get diagnostics events = row_count;
  with coded as materialized (
    select seen.scope, learning.scope_mask(seen.scope) as mask, learning.encode_scope(seen.scope) as codes
    from (select distinct episode.scope from public.pattern_episode_events episode) as seen
  )
  update public.pattern_episode_events episode
  set scope_mask = coded.mask, scope_codes = coded.codes
  from coded
  where episode.scope = coded.scope
    and (episode.scope_mask, episode.scope_codes) is distinct from (coded.mask, coded.codes);
  get diagnostics windows = row_count;
end
$function$;
CREATE OR REPLACE FUNCTION learning.reconcile(wanted_overrides learning.wanted_override[], lapsed_overrides learning.lapsed_override[])
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  remarks constant jsonb := (
    select jsonb_object_agg(concat_ws(' ', wanted.lesson_id, wanted.action_category), wanted.remark)
    from unnest(wanted_overrides) as wanted
    where wanted.remark is not null
  );
  judged constant record := learning.writable_overrides(wanted_overrides);
  lapsed learning.lapsed_override[] := lapsed_overrides;
  acting learning.wanted_override[] := judged.writable;
  created bigint[];
  changed bigint[];
begin
  -- There are none, nearly always: looked for before anything is compared with each of them.
  if judged.refused is not null then
    lapsed := lapsed || array(
      select (override.id, wanted.remark)::learning.lapsed_override
      from unnest(judged.refused) as wanted
      join public.pm_overrides override using (override_type, pattern_key, action_category, scope_digest)
      where learning.is_reconciled(override)
    );
  end if;
  if learning.config() ->> 'approval' = 'required' then
    acting := learning.await_approval(acting);
  end if;
  changed := learning.change_overrides(acting);
  created := learning.create_overrides(acting);
  perform learning.propose_overrides(judged.writable, lapsed);
  if judged.cut is not null or judged.refused is not null then
    perform learning.log_figures(judged.cut, created || changed, judged.refused);
  end if;
  return jsonb_build_object(
    'created', learning.log_overrides(created, 'override_created', 'created', remarks),
    'changed', learning.log_overrides(changed, 'override_changed', 'changed', remarks),
    'disabled', learning.disable_overrides(lapsed)
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.reconcile_span(span learning.key_span)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  wanted_overrides learning.wanted_override[];
  lapsed_overrides learning.lapsed_override[];
begin
  -- In one statement, so that both are of one moment: else an override that another run makes in between
  -- would seem to have lapsed.
  with active as materialized (
    select mining_group.lesson_type, mining_group.pattern_key, mining_group.action_category,
      acting_lesson.scope_digest
    from learning.mining_groups mining_group
    join learning.acting_lessons acting_lesson using (module, pattern_key, action_category)
    where mining_group.id = any (span.group_ids) and span.step <> 'take'
      and acting_lesson.scope_digest > span.after_digest
      and acting_lesson.scope_digest <= coalesce(span.last_digest, 'z')
  ),
  keys as materialized (
    select distinct mining_group.lesson_type as override_type, mining_group.pattern_key,
      mining_group.action_category
    from learning.mining_groups mining_group
    where mining_group.id = any (span.group_ids) and span.step <> 'take'
  )
  select array(
      select wanted::learning.wanted_override
      from learning.strength_overrides(span.group_ids, span.after_digest, span.last_digest) as wanted
      where span.step <> 'lapse'
    ),
    array(
      select (override.id, learning.strength_lapse_reason(override.lesson_id))::learning.lapsed_override
      from keys
      join public.pm_overrides override using (override_type, pattern_key, action_category)
      where override.scope_digest > span.after_digest
        and override.scope_digest <= coalesce(span.last_digest, 'z')
        -- Not in rather than not exists: it is hashed however few rows are expected, and the other would
        -- compare all with all.
        and (override.override_type, override.pattern_key, override.action_category, override.scope_digest)
          not in (
            select active.lesson_type, active.pattern_key, active.action_category, active.scope_digest
            from active
          )
        and learning.is_reconciled(override)
    )
  into wanted_overrides, lapsed_overrides;
  return learning.reconcile(wanted_overrides, lapsed_overrides);
end
$function$;
CREATE OR REPLACE FUNCTION learning.record_exposure()
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  today constant date := (now() at time zone 'UTC')::date;
  recorded integer;
begin
  if exists (select from public.exposure_history past_exposure where past_exposure.day = today) then
    return 0;
  end if;
  insert into public.exposure_history (day, pattern_key, scope, scope_mask, exposure, positions)
  select today, position_scope.pattern_key, position_scope.scope, position_scope.scope_mask,
    sum(position_scope.exposure), count(*)
  from learning.position_scopes position_scope
  group by position_scope.pattern_key, position_scope.scope, position_scope.scope_mask;
  get diagnostics recorded = row_count;
  if recorded = 0 then
    insert into public.exposure_history (day, scope, scope_mask, exposure, positions)
    values (today, '{}', 0, 0, 0);
    recorded := 1;
  end if;
  return recorded;
end
$function$;
CREATE OR REPLACE FUNCTION learning.refresh_decisions(deadline timestamp with time zone DEFAULT 'infinity'::timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  config constant jsonb := learning.config();
  changed learning.mining_groups;
  refreshed integer := 0;
  stale bigint[];
begin
  -- Two that do the same work would take the rows in each other's way.
  perform pg_advisory_xact_lock(hashtextextended('decisions of groups', 0));
  stale := array(
    select mining_group.id
    from learning.mining_groups mining_group
    left join learning.group_decisions group_decision on group_decision.group_id = mining_group.id
    where mining_group.family = 'strength'
      and (group_decision.evidence_version, group_decision.outcome_read)
        is distinct from (mining_group.evidence_version, learning.outcome_read(config))
    order by mining_group.id
  );
  for changed in
    select mining_group.* from learning.mining_groups mining_group where mining_group.id = any (stale)
  loop
    exit when clock_timestamp() > deadline;
    perform learning.write_group_decisions(changed, config);
    refreshed := refreshed + 1;
  end loop;
  return cardinality(stale) - refreshed;
end
$function$;
CREATE OR REPLACE FUNCTION learning.refuse_large_scope(scope_subset jsonb)
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  fault constant text := learning.size_fault(scope_subset, learning.size_limit('scope_bytes'));
begin
  if fault is not null then
    perform learning.refuse_scope(
      jsonb_build_array(jsonb_build_object('path', 'scope_subset', 'message', fault))
    );
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.refuse_pattern_key()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  raise exception using
    errcode = '22023',
    message = format('A pattern_key must have at most %s characters and has %s: %s',
      learning.size_limit('pattern_key_characters'), length(new.pattern_key),
      learning.quoted(new.pattern_key)),
    hint = 'Shorten the pattern_key; the row was not written.';
end
$function$;
CREATE OR REPLACE FUNCTION learning.refuse_scope(faults jsonb)
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if faults <> '[]'::jsonb then
    raise exception using
      errcode = '22023',
      message = 'Scope is not valid: ' || (
        select string_agg(learning.shortened(fault.path) || ' ' || fault.message, '; ')
        from jsonb_to_recordset(faults) as fault(path text, message text)
      ),
      hint = 'Leave out, shorten or flatten what is named.';
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.refuse_unasked_withdrawal(attempt text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if lower(coalesce(current_setting('learning.withdraw', true), '')) in ('', 'off', 'false', 'no', '0') then
    raise exception using
      errcode = '55000',
      message = format('Refused to %s: it would take back everything that was learned from them', attempt),
      hint = 'Where that is meant, say so in the same transaction: set local learning.withdraw = ''on''. '
        'To remove old strands and keep what was learned from them: '
        'select prune_strands(''2026-01-01'').';
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.regime_of(scope jsonb, regime_dimensions jsonb)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  dim text;
  signature text;
begin
  for dim in select jsonb_array_elements_text(regime_dimensions) loop
    if scope ->> dim is null then
      return null;
    end if;
    signature := concat_ws('|', signature, scope ->> dim);
  end loop;
  return signature;
end
$function$;
CREATE OR REPLACE FUNCTION learning.register_missing_groups()
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  missing constant learning.group_key[] := array(
    select (held.module, held.pattern_key, held.action_category)::learning.group_key
    from (
      select event.module, event.pattern_key, event.action_category from public.pattern_trade_events event
      union
      select 'pm', episode.pattern_key, 'tuning' from public.pattern_episode_events episode
    ) as held
    where not exists (
      select from learning.mining_groups mining_group
      where mining_group.module = held.module and mining_group.pattern_key = held.pattern_key
        and mining_group.action_category = held.action_category
    )
  );
begin
  perform learning.mark_groups_changed(missing);
  return cardinality(missing);
end
$function$;
CREATE OR REPLACE FUNCTION learning.register_scope_values(contexts jsonb[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform learning.log_ignored_keys(contexts);
  insert into learning.scope_values (dim, value)
  select distinct given.dim, given.value
  from (
    select dimension.dim, learning.scope_value(seen.value) as value
    from (
      select distinct entry.key, entry.value
      from (
        select distinct given_context.content
        from unnest(contexts) as given_context(content)
        where jsonb_typeof(given_context.content) = 'object'
      ) as context
      cross join lateral jsonb_each(context.content) as entry
      -- Distinct first: thousands of contexts share a few hundred values.
      offset 0
    ) as seen
    join public.scope_dimensions dimension on dimension.dim = seen.key or seen.key = any (dimension.aliases)
    offset 0
  ) as given
  where given.value is not null
    and not exists (
      select from learning.scope_values scope_value
      where scope_value.dim = given.dim and md5(scope_value.value) = md5(given.value)
        and scope_value.value = given.value
    )
  -- Two writers that register the same values take them in the same order and cannot deadlock.
  order by 1, 2
  on conflict (dim, md5(value)) do nothing;
end
$function$;
CREATE OR REPLACE FUNCTION learning.reject_strands(rejected jsonb)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  rejections integer;
begin
  with refused as (
    update public.strand_receipts receipt
    set status = 'rejected', errors = verdict.errors, next_attempt_at = null, processed_at = now()
    from jsonb_to_recordset(rejected) as verdict(id text, revision integer, errors jsonb)
    where receipt.strand_id = verdict.id and receipt.revision = verdict.revision
      and receipt.status = 'pending'
    returning receipt.strand_id, receipt.errors
  ),
  logged as (
    insert into public.learning_log (level, component, event, message, details)
    select 'WARNING', 'aggregate-strands', 'strand_rejected',
      -- Neither may be as long as what it was refused for.
      format('Strand %s (%s) was rejected: %s',
        left(refused.strand_id, learning.size_limit('id_characters')), learning.shortened(strand.kind), (
        select string_agg(concat_ws(' ', nullif(reason.path, ''), reason.message), '; ')
        from jsonb_to_recordset(refused.errors) as reason(path text, message text)
      )),
      jsonb_build_object('strand_id', refused.strand_id, 'kind', learning.shortened(strand.kind),
        'errors', refused.errors)
    from refused
    join public.ad_strands strand on strand.id = refused.strand_id
    returning 1
  )
  select count(*) into rejections from logged;
  return rejections;
end
$function$;
CREATE OR REPLACE FUNCTION learning.remember_changed_overrides()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_nestloop TO 'off'
AS $function$
declare
  actor constant text := learning.actor();
  run constant text := learning.actor_note('run');
  reason constant text := learning.actor_note('reason');
  -- What the loop promises of one it makes is no change of it.
  by_loop constant boolean := learning.acts_as_loop();
begin
  with compared as materialized (
    -- Written out: to take both rows apart and compare key by key takes several times as long.
    select former.id, former, present, array[
      'id', 'last_updated_at', 'scope_digest', 'proposed',
      case when former.override_type is not distinct from present.override_type then 'override_type' end,
      case when former.pattern_key is not distinct from present.pattern_key then 'pattern_key' end,
      case when former.action_category is not distinct from present.action_category
        then 'action_category' end,
      case when former.scope_subset is not distinct from present.scope_subset then 'scope_subset' end,
      case when former.scope_mask is not distinct from present.scope_mask then 'scope_mask' end,
      case when former.multiplier is not distinct from present.multiplier then 'multiplier' end,
      case when former.dir_a is not distinct from present.dir_a then 'dir_a' end,
      case when former.dir_e is not distinct from present.dir_e then 'dir_e' end,
      case when former.value is not distinct from present.value then 'value' end,
      case when former.edge_raw is not distinct from present.edge_raw then 'edge_raw' end,
      case when former.n is not distinct from present.n then 'n' end,
      case when former.variance is not distinct from present.variance then 'variance' end,
      case when former.confidence_score is not distinct from present.confidence_score
        then 'confidence_score' end,
      case when former.decay_state is not distinct from present.decay_state then 'decay_state' end,
      case when former.half_life_hours is not distinct from present.half_life_hours
        then 'half_life_hours' end,
      case when former.lesson_id is not distinct from present.lesson_id then 'lesson_id' end,
      case when former.enabled is not distinct from present.enabled then 'enabled' end,
      case when former.disabled_by is not distinct from present.disabled_by then 'disabled_by' end,
      case when former.disabled_reason is not distinct from present.disabled_reason
        then 'disabled_reason' end,
      case when former.first_active_at is not distinct from present.first_active_at
        then 'first_active_at' end,
      case when former.last_evidence_at is not distinct from present.last_evidence_at
        then 'last_evidence_at' end,
      case when former.control is not distinct from present.control then 'control' end,
      case when by_loop or former.evidence_from is not distinct from present.evidence_from
        then 'evidence_from' end,
      case when by_loop or former.promised is not distinct from present.promised then 'promised' end,
      case when by_loop or former.baseline is not distinct from present.baseline then 'baseline' end,
      case when by_loop or former.baseline_sigma is not distinct from present.baseline_sigma
        then 'baseline_sigma' end,
      case when former.approved_at is not distinct from present.approved_at then 'approved_at' end,
      case when former.approved_by is not distinct from present.approved_by then 'approved_by' end
    ] as left_out
    from old_overrides former
    join new_overrides present using (id)
  ),
  changes as materialized (
    select compared.id, to_jsonb(compared.former) - compared.left_out as old,
      to_jsonb(compared.present) - compared.left_out as new
    from compared
  )
  insert into public.pm_override_history (override_id, actor, run, reason, old, new)
  select changes.id, actor, run, reason, changes.old, changes.new
  from changes
  where changes.old <> '{}';
  return null;
end
$function$;
CREATE OR REPLACE FUNCTION learning.remember_configuration()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  insert into public.learning_config_history (module_id, actor, run, reason, old, new)
  select coalesce(new.module_id, old.module_id), learning.actor(), learning.actor_note('run'),
    learning.actor_note('reason'), to_jsonb(old), to_jsonb(new)
  where to_jsonb(old) is distinct from to_jsonb(new);
  return null;
end
$function$;
CREATE OR REPLACE FUNCTION learning.remember_deleted_overrides()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if tg_op = 'TRUNCATE' then
    insert into public.pm_override_history (override_id, actor, run, reason, old)
    select override.id, learning.actor(), learning.actor_note('run'), learning.actor_note('reason'),
      to_jsonb(override)
    from public.pm_overrides override
    order by override.id;
  else
    insert into public.pm_override_history (override_id, actor, run, reason, old)
    select old_override.id, learning.actor(), learning.actor_note('run'), learning.actor_note('reason'),
      to_jsonb(old_override)
    from old_overrides old_override;
  end if;
  return null;
end
$function$;
CREATE OR REPLACE FUNCTION learning.remember_edges(changes learning.lesson_change[])
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  remembered bigint[];
begin
  with snapshots as (
    insert into public.learning_edge_history as snapshot (lesson_id, ts, edge, n, scale)
    select lesson.id, now(), (lesson.stats ->> 'edge_before_decay')::float8, lesson.n,
      learning.scale_of_lesson(lesson.stats)
    from unnest(changes) as change
    join public.learning_lessons lesson on lesson.id = change.lesson_id
    where change.has_new_evidence
    on conflict (lesson_id, ts) do nothing
    returning snapshot.lesson_id
  )
  select coalesce(array_agg(snapshots.lesson_id), '{}') into remembered from snapshots;
  perform learning.prune_edge_history(remembered);
  return cardinality(remembered);
end
$function$;
CREATE OR REPLACE FUNCTION learning.remember_failed_ring(function_name text, reason text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  insert into learning.doorbells (function_name, failure) values (remember_failed_ring.function_name, reason);
exception when others then
  -- Whoever stores a strand must not be kept from it by this either.
  perform learning.write_log_hourly('ERROR', function_name, 'failed_ring_forgotten',
    format('A ring of %s that failed could not be remembered: %s', function_name, sqlerrm),
    jsonb_build_object('sqlstate', sqlstate));
end
$function$;
CREATE OR REPLACE FUNCTION learning.remember_new_overrides()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  put_back bigint[];
begin
  -- One that took the place of another, or was deleted and put back within a transaction, has changed.
  if not learning.acts_as_loop() then
    with completed as (
      update public.pm_override_history change
      set new = to_jsonb(new_override)
      from new_overrides new_override
      where change.override_id = new_override.id and change.at = now() and change.new is null
      returning change.override_id
    )
    select array_agg(completed.override_id) into put_back from completed;
  end if;
  insert into public.pm_override_history (override_id, actor, run, reason, new)
  select new_override.id, learning.actor(), learning.actor_note('run'), learning.actor_note('reason'),
    to_jsonb(new_override)
  from new_overrides new_override
  where put_back is null or new_override.id <> all (put_back);
  return null;
end
$function$;
CREATE OR REPLACE FUNCTION learning.remember_truncated_configurations()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  insert into public.learning_config_history (module_id, actor, run, reason, old)
  select written_config.module_id, learning.actor(), learning.actor_note('run'),
    learning.actor_note('reason'),
    to_jsonb(written_config)
  from public.learning_configs written_config
  order by written_config.module_id;
  return null;
end
$function$;
CREATE OR REPLACE FUNCTION learning.replay_allocation(replay_from timestamp with time zone DEFAULT NULL::timestamp with time zone, patience interval DEFAULT '00:00:02'::interval, trades_at_a_time integer DEFAULT 10000)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  deadline constant timestamptz := clock_timestamp() + patience;
  unfinished learning.allocation_replay;
  outdated_from timestamptz;
  place timestamptz;
  portion_end timestamptz;
  former public.timeframe_allocation_steps;
  reached public.timeframe_allocation_steps;
  rescaled integer := 0;
begin
  -- One replay at a time, from before its first look at the steps until its transaction ends. The next one
  -- then sees this one's trades.
  perform pg_advisory_xact_lock(hashtextextended('allocation', 0));
  select replay.* into unfinished from learning.allocation_replay replay;
  outdated_from := least(replay_from, unfinished.began_from);
  place := least(replay_from, unfinished.goes_on_from);
  if place is null then
    return;
  end if;
  former := learning.allocation_state();
  loop
    portion_end := learning.end_of_portion(place, trades_at_a_time);
    delete from public.timeframe_allocation_steps step
    where step.exit_at >= place and step.exit_at < coalesce(portion_end, 'infinity');
    insert into public.timeframe_allocation_steps
    select step.* from learning.replayed_steps(learning.allocation_state(place), place, portion_end) as step;
    exit when portion_end is null;
    place := portion_end;
    if clock_timestamp() > deadline then
      -- The steps from here on are those of before, and what they come to holds until the sweep or the next
      -- close has got there.
      update learning.allocation_replay replay
      set began_from = outdated_from, goes_on_from = place
      where replay.is_only;
      perform learning.write_log('INFO', 'allocation', 'replay_paused',
        format('Replay of the closes from %s on has come to %s and goes on with the next sweep or close',
          outdated_from, place),
        jsonb_build_object('from', outdated_from, 'goes_on_from', place));
      return;
    end if;
  end loop;
  update learning.allocation_replay replay
  set began_from = null, goes_on_from = null
  where replay.is_only and replay.began_from is not null;
  reached := learning.allocation_state();
  if unfinished.began_from is not null
    or (former.timeframes, former.shares) is distinct from (reached.timeframes, reached.shares) then
    rescaled := learning.rescale_positions(reached.timeframes, reached.shares);
  end if;
  perform learning.log_allocation(former, reached, outdated_from, rescaled);
end
$function$;
CREATE OR REPLACE FUNCTION learning.replayed_steps(state_before public.timeframe_allocation_steps, replay_from timestamp with time zone, replay_until timestamp with time zone)
 RETURNS SETOF public.timeframe_allocation_steps
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  short_memory_days constant float8 := 14;
  long_memory_days constant float8 := 90;
  -- A gap that is smaller is none: Postgres raises an error where a quotient is too small for a number.
  smallest_gap constant float8 := 1e-12;
  state public.timeframe_allocation_steps := state_before;
  -- Arrays of their own: an element of a row's array cannot be changed without copying the row.
  n integer[] := state_before.n;
  last_exit_at timestamptz[] := state_before.last_exit_at;
  roi_short float8[] := state_before.roi_short;
  roi_long float8[] := state_before.roi_long;
  weight_short float8[] := state_before.weight_short;
  weight_long float8[] := state_before.weight_long;
  all_trades constant integer := cardinality(state_before.timeframes) + 1;
  next_trade record;
  own integer;
  place integer;
  counted_at timestamptz;
  elapsed_days float8;
  gap float8;
  allocation record;
begin
  for next_trade in
    select trade.trade_id, trade.module, trade.timeframe, trade.roi, trade.exit_at
    from learning.closed_trades trade
    where trade.exit_at >= replay_from and trade.exit_at < coalesce(replay_until, 'infinity')
    order by trade.exit_at, trade.trade_id collate "C", trade.module collate "C"
  loop
    own := array_position(state.timeframes, next_trade.timeframe);
    -- A close in the future must not make all others old.
    counted_at := least(next_trade.exit_at, now());
    foreach place in array case when own is null then array[all_trades] else array[own, all_trades] end loop
      elapsed_days := coalesce(date_part('epoch', counted_at - last_exit_at[place]) / 86400, 0);
      -- With S ← S·e^(−Δ/τ) + roi and W ← W·e^(−Δ/τ) + 1 the mean S/W moves by the W-th part of its gap.
      weight_short[place] := weight_short[place] * exp(greatest(-elapsed_days / short_memory_days, -700)) + 1;
      gap := next_trade.roi - coalesce(roi_short[place], 0);
      roi_short[place] := coalesce(roi_short[place], 0)
        + case when abs(gap) < smallest_gap then 0 else gap / weight_short[place] end;

      weight_long[place] := weight_long[place] * exp(greatest(-elapsed_days / long_memory_days, -700)) + 1;
      gap := next_trade.roi - coalesce(roi_long[place], 0);
      roi_long[place] := coalesce(roi_long[place], 0)
        + case when abs(gap) < smallest_gap then 0 else gap / weight_long[place] end;

      n[place] := n[place] + 1;
      last_exit_at[place] := counted_at;
    end loop;
    if own is null then
      state.outcome := 'no_share';
    else
      allocation := learning.next_allocation(state.shares, roi_short, n);
      state.shares := allocation.next_shares;
      state.desired := allocation.desired;
      state.outcome := allocation.outcome;
    end if;
    state.exit_at := next_trade.exit_at;
    state.trade_id := next_trade.trade_id;
    state.module := next_trade.module;
    state.timeframe := next_trade.timeframe;
    state.roi := next_trade.roi;
    state.n := n;
    state.last_exit_at := last_exit_at;
    state.roi_short := roi_short;
    state.roi_long := roi_long;
    state.weight_short := weight_short;
    state.weight_long := weight_long;
    return next state;
  end loop;
end
$function$;
CREATE OR REPLACE FUNCTION learning.require_operator()
 RETURNS void
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if learning.asks_as_user() and learning.learning_role() is distinct from 'operator' then
    raise exception using
      errcode = '42501',
      message = 'Only users with the learning role operator may change this',
      hint = 'Set learning_role to operator in the user''s app_metadata, then sign in again.';
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.require_pm()
 RETURNS void
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if learning.asks_as_user() and coalesce(learning.learning_role(), '') not in ('pm', 'operator') then
    raise exception using
      errcode = '42501',
      message = 'Only users with the learning role pm may ask this',
      hint = 'Set learning_role to pm in the user''s app_metadata, then sign in again.';
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.require_possible_time(occurred_at timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if occurred_at not between learning.earliest_event() and now() + interval '1 day' then
    raise exception using
      errcode = '22023',
      message = format('occurred_at is %s: expected a time from %s to a day from now', occurred_at,
        learning.earliest_event()),
      hint = 'occurred_at';
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.rescale_positions(timeframes text[], shares double precision[])
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  rescaled integer;
begin
  if not (learning.config() #>> '{flags,rescale_positions}')::boolean then
    return 0;
  end if;
  -- Locked before they are read: a token's total must not change in between. In one order, so that nobody
  -- deadlocks.
  perform
  from public.lowcap_positions position
  where position.status in ('watchlist', 'active', 'dormant') and position.timeframe = any (timeframes)
  order by position.id
  for no key update;

  with target as (
    select position.id, position.total_allocation_pct as current_pct,
      sum(position.total_allocation_pct) over token as token_pct,
      slot.share / sum(slot.share) over token as part
    from public.lowcap_positions position
    join unnest(timeframes, shares) as slot(timeframe, share) on slot.timeframe = position.timeframe
    where position.status in ('watchlist', 'active', 'dormant')
    window token as (partition by position.token_chain, position.token_contract)
  )
  update public.lowcap_positions position
  set total_allocation_pct = target.token_pct * target.part
  from target
  where position.id = target.id
    -- A difference this small is the rounding of the product, not a new share.
    and abs(target.token_pct * target.part - target.current_pct) > 1e-15 * target.token_pct;
  get diagnostics rescaled = row_count;
  return rescaled;
end
$function$;
CREATE OR REPLACE FUNCTION learning.retry_withdrawal(ids bigint[], subject text, failed_with text, reason text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform learning.write_log('ERROR', 'aggregate-strands', 'withdrawal_failed',
    format('The effect of deleted strands of %s could not be taken back and is tried again: %s', subject,
      reason),
    jsonb_build_object('subject', subject, 'sqlstate', failed_with));
  update learning.withdrawn_strands withdrawn_strand
  set attempts = withdrawn_strand.attempts + 1,
    next_attempt_at = clock_timestamp() + learning.retry_delay(withdrawn_strand.attempts)
  where withdrawn_strand.id = any (ids);
end
$function$;
CREATE OR REPLACE FUNCTION learning.return_overrides(override_ids bigint[])
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  returned integer;
begin
  with enabled as (
    update public.pm_overrides override
    set enabled = true
    where override.id = any (override_ids) and override.control = 'auto'
      and learning.has_broken_promise(override)
      and case override.override_type
        when 'pm_tuning' then exists (
          select from learning.tuning_simulations simulation
          where simulation.lesson_id = override.lesson_id and simulation.admitted
            and simulation.moves ? override.action_category
        )
        else exists (
          select from learning.acting_lessons acting_lesson
          where (acting_lesson.lesson_type, acting_lesson.pattern_key, acting_lesson.action_category,
              acting_lesson.scope_digest)
            = (override.override_type, override.pattern_key, override.action_category,
              override.scope_digest)
        )
      end
    returning override.*
  )
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'materialize-overrides', 'override_returned',
    format('Override for %s %s in %s acts again: what came since it was switched off says the same',
      enabled.pattern_key, enabled.action_category, enabled.scope_subset),
    jsonb_build_object('id', enabled.id, 'override_type', enabled.override_type,
      'pattern_key', enabled.pattern_key, 'action_category', enabled.action_category,
      'scope_subset', enabled.scope_subset)
  from enabled;
  get diagnostics returned = row_count;
  return returned;
end
$function$;
CREATE OR REPLACE FUNCTION learning.ring_for_strands()
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  now_ms bigint := floor(extract(epoch from clock_timestamp()) * 1000);
begin
  -- A clock that was set back must not silence it.
  if now_ms - (select rung.last_value from learning.doorbell_rung_at_ms rung) not between 0 and 999 then
    perform setval('learning.doorbell_rung_at_ms', now_ms);
    perform learning.ring_or_log('aggregate-strands');
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.ring_or_log(function_name text, body jsonb DEFAULT '{}'::jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform learning.ring(function_name, body);
exception when others then
  -- A strand must be stored whatever is wrong with its doorbell; the sweep finds it.
  perform learning.write_log_hourly('ERROR', function_name, 'doorbell_failed',
    format('%s could not be rung: %s', function_name, sqlerrm), jsonb_build_object('sqlstate', sqlstate));
  perform learning.remember_failed_ring(function_name, sqlerrm);
end
$function$;
CREATE OR REPLACE FUNCTION learning.run_errand(p_name text)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  insert into learning.errands as errand (name, called_at) values (p_name, clock_timestamp())
  on conflict (name) do update set called_at = excluded.called_at;
$function$;
CREATE OR REPLACE FUNCTION learning.scale_of_lesson(stats jsonb)
 RETURNS double precision
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return coalesce((stats ->> 'scale')::float8, 1);
end
$function$;
CREATE OR REPLACE FUNCTION learning.scattered_dimensions(n_min integer)
 RETURNS TABLE(dim text, "values" bigint, trades bigint, most_trades bigint)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- What is asked for below holds of no dimension with 40 values or fewer, and the events are many.
  if not exists (
    select from learning.scope_values scope_value group by scope_value.dim having count(*) > 40
  ) then
    return;
  end if;
  return query
  with filled as (
    select event.scope_mask, count(*) as events
    from public.pattern_trade_events event
    group by event.scope_mask
  ),
  -- Events are read only where there are values enough, with up to ten events a trade.
  suspected as (
    select dimension.dim, dimension.bit
    from public.scope_dimensions dimension
    where (
      select count(*) from learning.scope_values scope_value where scope_value.dim = dimension.dim
    ) * n_min > (
      select sum(filled.events) from filled where filled.scope_mask & (1 << dimension.bit) <> 0
    )
  )
  select suspected.dim, counted."values", counted.trades, counted.most_trades
  from suspected
  cross join lateral (
    select count(*) as "values", sum(of_value.trades)::bigint as trades, max(of_value.trades) as most_trades
    from (
      select count(distinct event.trade_id) as trades
      from public.pattern_trade_events event
      where event.scope_mask & (1 << suspected.bit) <> 0
      group by event.scope_codes[suspected.bit + 1]
    ) as of_value
  ) as counted
  where counted.most_trades < n_min
    -- Ten times as many trades would not bring the mean value there either, and this is more than a start.
    and counted.trades * 10 < counted."values" * n_min and counted.trades >= 4 * n_min
  order by suspected.bit;
end
$function$;
CREATE OR REPLACE FUNCTION learning.schedule_health()
 RETURNS learning.stage_health
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  health learning.stage_health;
  newest_run_at timestamptz;
  job_problems text;
begin
  health.stage := 'schedule';
  select count(*) filter (where job.jobid is null or not job.active), max(runs.last_success_at),
    coalesce(sum(runs.failures), 0), max(runs.last_run_at),
    string_agg(case
      when job.jobid is null then expected.name || ' is not scheduled'
      when not job.active then expected.name || ' is switched off'
      when job.username <> current_user then format('%1$s belongs to %2$s and not to %3$s: unschedule it as '
        '%2$s, and schedule it as %3$s', expected.name, job.username, current_user)
      when runs.last_status = 'failed' then format('%s failed at %s: %s', expected.name,
        learning.moment(runs.last_run_at), left(runs.last_message, 200))
      when runs.last_run_at < now() - expected.longest_gap then
        format('%s has not run since %s', expected.name, learning.moment(runs.last_run_at))
    end, '; ' order by expected.name)
  into health.backlog, health.last_success_at, health.failures, newest_run_at, job_problems
  from learning.jobs() as expected
  left join lateral (
    select named_job.*
    from cron.job named_job
    where named_job.jobname = expected.name
    order by named_job.username = current_user desc, named_job.jobid
    limit 1
  ) as job on true
  left join lateral (
    select max(run.end_time) filter (where run.status = 'succeeded') as last_success_at,
      max(run.start_time) as last_run_at,
      count(*) filter (where run.status = 'failed' and run.start_time > now() - interval '1 day') as failures,
      (
        array_agg(run.return_message order by run.runid desc)
          filter (where run.status in ('succeeded', 'failed'))
      )[1] as last_message,
      (
        array_agg(run.status order by run.runid desc) filter (where run.status in ('succeeded', 'failed'))
      )[1] as last_status
    from cron.job_run_details run
    where run.jobid = job.jobid
  ) as runs on true;

  health.problem := nullif(concat_ws('; ',
    job_problems,
    case
      -- Before the first hour is over there may be nothing to tell.
      when newest_run_at is null and exists (
        select from public.ad_strands strand
        join public.strand_receipts receipt on receipt.strand_id = strand.id
        where receipt.received_at < now() - interval '2 hours'
      ) then 'no run was recorded: does the scheduler of pg_cron run, with cron.log_run on?'
    end
  ), '');
  return health;
end
$function$;
CREATE OR REPLACE FUNCTION learning.scope_faults(context jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  fault text;
begin
  if jsonb_typeof(context) is distinct from 'object' or learning.is_plain(context) then
    return '[]'::jsonb;
  end if;
  fault := learning.size_fault(context, learning.size_limit('scope_bytes'));
  return case
    when fault is null then learning.value_faults(context, false)
    else jsonb_build_array(jsonb_build_object('path', '', 'message', fault))
  end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.scope_value(value jsonb)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return nullif(btrim(case jsonb_typeof(value)
    when 'string' then value #>> '{}'
    when 'number' then trim_scale(value::numeric)::text
    when 'null' then null
    else value #>> '{}'
  end, E' \t\n\r\f\x0B'), '');
end
$function$;
CREATE OR REPLACE FUNCTION learning.send_alerts()
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  due record;
  sent integer := 0;
begin
  for due in
    select alert.id, case
      when alert.kind = 'overrides' or alert.closed_at is null then 'Edgeloop: ' || alert.message
      else format('Edgeloop: over since %s, after %s: %s', learning.moment(alert.closed_at),
        learning.counted(ceil(extract(epoch from alert.closed_at - alert.opened_at) / 60)::bigint,
          'minute', 'minutes'), alert.message)
    end as message
    from public.learning_alerts alert
    where case
        -- A webhook that does not work cannot say so.
        when alert.kind = 'alerts' then false
        when alert.kind = 'overrides' then
          alert.sent_at is null and alert.opened_at > now() - interval '1 day'
        when alert.closed_at is null then alert.sent_at is null
        -- What was over before it was told is not told.
        else alert.sent_at < alert.closed_at and alert.closed_at > now() - interval '1 day'
      end
      and (alert.sent_at is not null or not exists (
        select from public.learning_alerts told_alert
        where told_alert.kind = alert.kind and told_alert.sent_at > clock_timestamp() - interval '1 hour'
      ))
    order by alert.id
  loop
    exit when not learning.send_to_webhook(due.message);
    update public.learning_alerts alert set sent_at = clock_timestamp() where alert.id = due.id;
    sent := sent + 1;
  end loop;
  return sent;
end
$function$;
CREATE OR REPLACE FUNCTION learning.send_digest()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- Called by hand besides, it is told once an hour, too.
  if tg_op = 'UPDATE' and old.called_at > clock_timestamp() - interval '1 hour' then
    return null;
  end if;
  perform learning.send_to_webhook(learning.digest(now() - interval '7 days'));
  return null;
end
$function$;
CREATE OR REPLACE FUNCTION learning.send_to_webhook(message text)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  url text;
  fault text;
  request_id bigint;
begin
  select btrim(secret.decrypted_secret, E' \t\r\n'), learning.webhook_fault(secret.decrypted_secret)
  into url, fault
  from vault.decrypted_secrets secret where secret.name = 'alert_webhook_url';
  if url is null then
    return false;
  end if;
  if fault is null then
    request_id := net.http_post(
      url := url, body := learning.webhook_payload(message), params := '{}'::jsonb,
      headers := '{"Content-Type": "application/json"}'::jsonb, timeout_milliseconds := 10000
    );
    insert into learning.alert_requests (request_id) values (request_id);
    return true;
  end if;
  perform learning.write_log_hourly('ERROR', 'alerts', 'alert_not_sent',
    format('Nothing can be sent: alert_webhook_url in Vault %s', fault));
  return false;
exception when others then
  -- Whoever watches goes on; the address, which is a secret, may stand in the words.
  perform learning.write_log_hourly('ERROR', 'alerts', 'alert_not_sent',
    format('A message could not be sent, which is tried again: %s',
      replace(sqlerrm, coalesce(nullif(url, ''), 'alert_webhook_url'), 'alert_webhook_url')),
    jsonb_build_object('sqlstate', sqlstate));
  return false;
end
$function$;
CREATE OR REPLACE FUNCTION learning.setting_fault(setting learning.settings, value jsonb)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  fits constant boolean := case
    when value = 'null'::jsonb then setting.nullable
    else case setting.kind
      when 'number' then learning.is_number_within(value, setting.minimum, setting.maximum)
      when 'number_or_auto' then value = '"auto"'::jsonb
        or learning.is_number_within(value, setting.minimum, setting.maximum)
      when 'integer' then case
        when learning.is_number_within(value, setting.minimum, setting.maximum)
          then value::numeric = trunc(value::numeric)
        else false
      end
      when 'boolean' then jsonb_typeof(value) = 'boolean'
      when 'choice' then jsonb_typeof(value) = 'string' and value #>> '{}' = any (setting.choices)
      when 'text' then jsonb_typeof(value) = 'string' and length(value #>> '{}') <= 200
      when 'texts' then jsonb_typeof(value) = 'array'
        and not jsonb_path_exists(value, 'strict $[*] ? (@.type() != "string")')
      -- A default holds whatever is registered: a dump may bring it before the registry.
      when 'dimensions' then value = setting.default_value or learning.are_dimensions(value)
      when 'masks' then jsonb_typeof(value) = 'array' and value <> '[]'::jsonb
      when 'shares' then learning.are_shares(value)
    end
  end;
  masks bigint;
  unknown_mask jsonb;
begin
  if not fits then
    return format(
      'must be %s, not %s', learning.accepted_values(setting), learning.shortened(learning.beginning(value))
    );
  end if;
  if setting.kind = 'masks' and value <> 'null'::jsonb then
    masks := learning.mask_count(value);
    if masks > learning.size_limit('masks') then
      return format('must stand for at most %s masks and stands for %s', learning.size_limit('masks'), masks);
    end if;
    unknown_mask := learning.unknown_mask(value);
  end if;
  return 'has an entry that is neither a list of registered dimensions nor singles, pairs or full: '
    || learning.shortened(learning.beginning(unknown_mask));
end
$function$;
CREATE OR REPLACE FUNCTION learning.shadow_window(content jsonb, OUT told jsonb, OUT assumed text[])
 RETURNS record
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  gate record;
  factors jsonb := '{}'::jsonb;
begin
  assumed := '{}';
  for gate in
    select given.figure, given.threshold, given.sign,
      learning.factor(content -> 'gate_margins', given.margin) as margin,
      coalesce(
        learning.factor(content -> 'thresholds', given.threshold),
        learning.factor(content -> 'factors', given.threshold),
        learning.factor(content -> 'gate_margins', given.threshold)
      ) as stated
    from (values
      ('ts_score', 'ts_min', 'ts_margin', 1), ('halo_distance', 'halo_max', 'halo_margin', -1),
      ('slope', 'slope_min', 'slope_margin', 1), ('dx', 'dx_min', 'dx_margin', 1)
    ) as given(figure, threshold, margin, sign)
  loop
    if gate.stated is null and gate.margin is not null and gate.threshold <> 'dx_min' then
      assumed := assumed || gate.threshold::text;
    end if;
    factors := factors || jsonb_strip_nulls(jsonb_build_object(
      gate.figure, gate.margin::numeric * gate.sign + coalesce(gate.stated, 0)::numeric,
      gate.threshold, case when gate.margin is null then gate.stated else coalesce(gate.stated, 0) end
    ));
  end loop;
  told := jsonb_build_object('pattern_key', content -> 'pattern_key', 'scope', content -> 'scope',
    'decision', 'skipped', 'factors', factors, 'blocked_by', content -> 'blocked_by');
end
$function$;
CREATE OR REPLACE FUNCTION learning.share_of_text(given text)
 RETURNS double precision
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- Four bytes, as a whole number without sign.
  return (('x' || left(encode(sha256(convert_to(given, 'UTF8')), 'hex'), 8))::bit(32)::bigint)
    / 4294967296::float8;
end
$function$;
CREATE OR REPLACE FUNCTION learning.side_of(document jsonb)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  side constant text := lower(learning.text_of(document, 'side'));
begin
  return case
    when side in ('long', 'short') then side
    when document -> 'is_short' = 'true' then 'short'
    when document -> 'is_short' = 'false' then 'long'
  end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.side_of_trade(content jsonb)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return coalesce(
    learning.side_of(content -> 'trade_summary'), learning.side_of(content),
    learning.side_of(content -> 'entry_context'), 'long'
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.size_as_of(candidate learning.candidate)
 RETURNS learning.past_sizing
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  past learning.past_sizing;
begin
  past.as_now := array['shares of timeframes', 'dimensions'];
  -- Everything is written as it was, asked, and taken back: so the one sizing there is answers, whatever time
  -- is asked for.
  begin
    perform learning.act_as('loop', 'comparison');
    if candidate.as_of < now() then
      begin
        perform learning.put_configuration_back(candidate.as_of);
      exception when data_exception then
        -- What was configured then this release would refuse.
        past.as_now := past.as_now || 'configuration'::text;
      end;
      perform learning.put_overrides_back(
        candidate.as_of, candidate.pattern_key, candidate.action_category
      );
      -- What is held is remembered once a day; of a moment ago the book as it is tells more.
      if candidate.as_of < now() - interval '5 minutes'
        and not learning.put_exposure_back(candidate.as_of) then
        past.as_now := past.as_now || 'exposure'::text;
      end if;
    end if;
    past.config := learning.config();
    if past.config ->> 'strength_mode' = 'calibrated' then
      past.as_now := past.as_now || 'calibrated effects'::text;
    end if;
    past.sizing := (learning.size_candidates(array[candidate]))[1];
    raise exception using errcode = 'EL002', message = 'What was written to look back is taken back.';
  exception when sqlstate 'EL002' then
    null;
  end;
  return past;
end
$function$;
CREATE OR REPLACE FUNCTION learning.size_candidate(candidate learning.candidate, crowding learning.exposure_measure, context learning.sizing_context)
 RETURNS public.pm_sizing
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  blend constant learning.strength_blend := learning.blend_overrides(candidate, context.config, true);
  mode constant text := context.config ->> 'strength_mode';
  skew constant float8 := crowding.skew;
  base constant float8 := context.base_alloc_pct;
  a constant float8 := candidate.a_value;
  e constant float8 := candidate.e_value;
  a_steered float8 := a;
  e_steered float8 := e;
  raw constant float8 := learning.size_of_appetite(a);
  by_posture float8 := 1;
  by_multiplier float8 := 1;
  by_edge float8 := 1;
  by_slices float8 := 1;
  said learning.said_by_slices;
  sizing public.pm_sizing;
begin
  if blend.steer is not null then
    a_steered := learning.with_headroom(a, blend.delta_a);
    e_steered := learning.with_headroom(e, blend.delta_e);
  end if;
  if candidate.action_category in ('entry', 'add')
    and learning.overrides_act('pm_strength', candidate.scope, context.config) then
    said := learning.ask_slices(candidate.pattern_key, candidate.action_category, candidate.scope,
      candidate.as_of, context.config, mode = 'calibrated');
    by_slices := learning.calibrated_strength(said, blend.hand_multiplier);
  end if;
  if not blend is null and candidate.action_category in ('entry', 'add') then
    by_posture := learning.size_of_appetite(a_steered) / raw;
    by_multiplier := learning.multiplier_within_bounds('pm_strength', coalesce(blend.multiplier, 1));
    by_edge := learning.edge_strength(blend.log_multiplier, candidate.previous_strength, context.size_mult);
  end if;

  sizing.mode := mode;
  sizing.base_alloc_pct := base;
  sizing.timeframe_share :=
    context.timeframe_shares[array_position(context.timeframes, candidate.scope ->> 'timeframe')];
  sizing.size_frac_raw := raw;
  sizing.pm_strength := case mode
    when 'posture' then by_posture when 'multiplier' then by_multiplier when 'calibrated' then by_slices
    else by_edge
  end;
  sizing.exposure_skew := skew;
  sizing.size_frac := learning.applied_size(raw, sizing.pm_strength, skew);
  sizing.max_alloc_pct := base * sizing.pm_strength * skew;
  sizing.a_final := case when mode in ('posture', 'calibrated') then a_steered else a end;
  sizing.e_final := case when mode in ('posture', 'calibrated') then e_steered else e end;
  sizing.confidence := coalesce(blend.confidence, 0);
  sizing.steer_max := case when mode in ('posture', 'calibrated') then coalesce(blend.steer, 0) else 0 end;
  sizing.overrides := learning.list_contributions(blend, candidate.scope, 50);
  if mode = 'calibrated' and said.weight is not null then
    sizing.overrides := learning.list_slices(said, 10) || sizing.overrides;
  end if;
  sizing.exposure := crowding.explanation;
  sizing.shadow := jsonb_build_object(
    'posture', learning.mode_outcome(by_posture, a_steered, e_steered, raw, base, skew),
    'multiplier', learning.mode_outcome(by_multiplier, a, e, raw, base, skew),
    'edge_weighted', learning.mode_outcome(by_edge, a, e, raw, base, skew),
    'calibrated', learning.mode_outcome(by_slices, a_steered, e_steered, raw, base, skew)
  ) - mode;
  sizing.config_version := context.config_version;
  sizing.computed_at := now();
  sizing.ignored := candidate.ignored;
  return sizing;
end
$function$;
CREATE OR REPLACE FUNCTION learning.size_fault(document jsonb, most_bytes integer)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  most_keys constant integer := learning.size_limit('scope_keys');
  keys bigint;
  bytes bigint;
begin
  -- A pair takes eight bytes at least.
  if jsonb_typeof(document) = 'object' and pg_column_size(document #> '{}') > 8 * most_keys then
    select count(*) into keys from jsonb_object_keys(document);
    if keys > most_keys then
      return format('must have at most %s keys and has %s', most_keys, keys);
    end if;
  end if;
  if learning.is_nested_too_deep(document) then
    return format('must be nested at most %s deep and is nested deeper', learning.size_limit('nesting'));
  end if;
  bytes := learning.text_bytes(document, most_bytes);
  if bytes > most_bytes then
    return format('must have at most %s bytes and has %s or more', most_bytes, bytes);
  end if;
  return null;
end
$function$;
CREATE OR REPLACE FUNCTION learning.size_in_steps(sizing public.pm_sizing)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select format('base %s → learned %s → %s → %s %s → %s',
    learning.percent(sizing.size_frac_raw), learning.change_by(sizing.pm_strength),
    learning.percent(sizing.size_frac_raw * sizing.pm_strength),
    case when sizing.exposure_skew < 1 then 'crowded book' else 'room in the book' end,
    learning.change_by(sizing.exposure_skew), learning.percent(sizing.size_frac));
$function$;
CREATE OR REPLACE FUNCTION learning.size_limit(name text)
 RETURNS integer
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  size_limit constant integer := case name
    when 'scope_keys' then 256
    when 'scope_bytes' then 65536
    when 'value_characters' then 200
    when 'pattern_key_characters' then 200
    when 'id_characters' then 1000
    when 'strand_bytes' then 16777216
    when 'claim_bytes' then 8388608
    when 'nesting' then 64
    when 'batch_candidates' then 1000
    when 'batch_bytes' then 4194304
    when 'masks' then 500
  end;
begin
  if size_limit is null then
    raise exception using
      errcode = '22023',
      message = format('There is no limit %L', name),
      hint = 'The limits are listed in learning.size_limit.';
  end if;
  return size_limit;
end
$function$;
CREATE OR REPLACE FUNCTION learning.sizing_of_action(action public.ad_strands)
 RETURNS bigint
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  named constant float8 := learning.finite_number(action.content -> 'sizing_id');
begin
  if named is not null then
    return case when named between 1 and 1e15 then named::bigint end;
  end if;
  return (
    select sizing.id
    from public.pm_sizings sizing
    where sizing.subject in (
        action.symbol, action.position_id, learning.text_of(action.content, 'trade_id'),
        learning.text_of(action.content, 'token_contract')
      )
      and sizing.pattern_key
        = learning.dotted_pattern_key(learning.text_of(action.content, 'pattern_key'))
      and sizing.action_category = learning.action_category(action.content)
      and sizing.taken_at <= action.created_at
    order by sizing.taken_at desc, sizing.id desc
    limit 1
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.sizing_retention()
 RETURNS interval
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return interval '90 days';
end
$function$;
CREATE OR REPLACE FUNCTION learning.slope_names()
 RETURNS text[]
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return array['slope', 'ema60_slope', 'ema144_slope'];
end
$function$;
CREATE OR REPLACE FUNCTION learning.slope_of(factors jsonb)
 RETURNS double precision
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  slope float8;
  name text;
begin
  foreach name in array learning.slope_names() loop
    slope := learning.factor(factors, name);
    exit when slope is not null;
  end loop;
  return slope;
end
$function$;
CREATE OR REPLACE FUNCTION learning.standing_closes(p_trade_ids text[])
 RETURNS TABLE(trade_id text, module text, closing learning.accepted_strands, is_newest boolean, acting text[])
 LANGUAGE plpgsql
 STABLE ROWS 100
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
  with told as materialized (
    select told_strand.trade_id, told_strand.strand, (told_strand.strand).kind, (told_strand.strand).id,
      (told_strand.strand).created_at,
      learning.acting_module((told_strand.strand).kind, (told_strand.strand).module) as teller
    from learning.strands_of_trades(p_trade_ids) as told_strand
    where (told_strand.strand).kind in ('pm_action', 'position_closed')
  ),
  actor as (
    select distinct on (told.trade_id, told.teller) told.trade_id, told.teller, told.created_at, told.id
    from told
    where told.kind = 'pm_action'
    order by told.trade_id, told.teller, told.created_at desc, told.id collate "C" desc
  ),
  crew as (
    select actor.trade_id,
      array_agg(actor.teller order by actor.created_at desc, actor.id collate "C" desc) as acting
    from actor
    group by actor.trade_id
  ),
  newest as (
    select distinct on (told.trade_id, taker.module) told.trade_id, taker.module, told.strand,
      told.created_at, told.id, taker.place, crew.acting
    from told
    left join crew using (trade_id)
    cross join lateral unnest(
      -- Who only closes does so for all who acted.
      case when told.teller <> all (crew.acting) then crew.acting else array[told.teller] end
    ) with ordinality as taker(module, place)
    where told.kind = 'position_closed'
    order by told.trade_id, taker.module, told.created_at desc, told.id collate "C" desc
  ),
  ranked as (
    select newest.*, row_number() over (
      partition by newest.trade_id
      order by newest.created_at desc, newest.id collate "C" desc, newest.place
    ) as rank
    from newest
  )
  select ranked.trade_id, ranked.module, ranked.strand, ranked.rank = 1, coalesce(ranked.acting, '{}')
  from ranked
  -- Where nobody acted there is one trade, of whoever closed it last.
  where ranked.acting is not null or ranked.rank = 1
  order by ranked.trade_id, ranked.rank;
end
$function$;
CREATE OR REPLACE FUNCTION learning.standing_verdicts(accepted jsonb, rejected jsonb, OUT standing_accepted jsonb, OUT standing_rejected jsonb, OUT contexts jsonb[])
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  with verdicts as (
    select verdict.id, verdict.revision, null::jsonb as errors
    from jsonb_to_recordset(accepted) as verdict(id text, revision integer)
    union all
    select verdict.id, verdict.revision, verdict.errors
    from jsonb_to_recordset(rejected) as verdict(id text, revision integer, errors jsonb)
  ),
  -- A verdict stands while its strand is as it was judged and nobody else has answered it. Who is just
  -- changing the strand is not waited for: its lease lapses and it is judged anew.
  standing as materialized (
    select verdicts.id, verdicts.revision, verdicts.errors
    from verdicts
    join public.strand_receipts receipt
      on receipt.strand_id = verdicts.id and receipt.revision = verdicts.revision
      and receipt.status = 'pending'
    order by receipt.strand_id
    for update of receipt skip locked
  ),
  context as materialized (
    select standing.id, context.path, context.content
    from standing
    join public.ad_strands strand on strand.id = standing.id
    cross join lateral (values
      ('content.entry_context', strand.content -> 'entry_context'),
      ('content.scope', strand.content -> 'scope'),
      ('regime_context', strand.regime_context)
    ) as context(path, content)
    where standing.errors is null and jsonb_typeof(context.content) = 'object'
  ),
  -- A context that cannot be taken into a scope is refused here, where scopes are made. Many share one.
  refused as materialized (
    select distinct_context.content, learning.scope_faults(distinct_context.content) as faults
    from (select distinct context.content from context) as distinct_context
    where not learning.is_plain(distinct_context.content)
  ),
  faulty as materialized (
    select context.id, jsonb_agg(jsonb_build_object(
      'path', concat_ws('.', context.path, nullif(fault.path, '')), 'message', fault.message
    )) as errors
    from context
    join refused on refused.content = context.content
    cross join lateral jsonb_to_recordset(refused.faults) as fault(path text, message text)
    group by context.id
  ),
  final as (
    select standing.id, standing.revision, coalesce(standing.errors, faulty.errors) as errors
    from standing
    left join faulty using (id)
  )
  select
    coalesce(jsonb_agg(to_jsonb(final) - 'errors') filter (where final.errors is null), '[]'),
    coalesce(jsonb_agg(to_jsonb(final)) filter (where final.errors is not null), '[]'),
    (select array_agg(context.content) from context where context.id not in (select faulty.id from faulty))
  into standing_accepted, standing_rejected, contexts
  from final;
end
$function$;
CREATE OR REPLACE FUNCTION learning.steering_column(category text, config jsonb)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return case when category = 'add' and config ->> 'add_outcome' = 'own' then 'own_roi' else 'roi' end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.stored_webhook_fault()
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select learning.webhook_fault(secret.decrypted_secret)
  from vault.decrypted_secrets secret where secret.name = 'alert_webhook_url';
$function$;
CREATE OR REPLACE FUNCTION learning.strands_of_episodes(p_episode_ids text[])
 RETURNS TABLE(episode_id text, strand learning.accepted_strands)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
  select named.episode_id, accepted.strand
  from unnest(p_episode_ids) as named(episode_id)
  -- For each episode by itself, as in learning.strands_of_trades.
  cross join lateral (
    select accepted_strand as strand
    from learning.accepted_strands accepted_strand
    where accepted_strand.content -> 'episode_id' = to_jsonb(named.episode_id)
      and (
        accepted_strand.kind in ('episode_window', 'episode_outcome', 'uptrend_episode_summary')
        or accepted_strand.kind = 'pm_action'
          and accepted_strand.content -> 'decision_type' = '"shadow_entry"'::jsonb
      )
    offset 0
  ) as accepted;
end
$function$;
CREATE OR REPLACE FUNCTION learning.strands_of_members(members jsonb)
 RETURNS text[]
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return array(
    select id.strand_id #>> '{}' from jsonb_path_query(members, '$[*].strand_ids[*]') as id(strand_id)
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.strands_of_subject(p_kind text, p_subject text)
 RETURNS TABLE(strand_id text, status text, created_at timestamp with time zone)
 LANGUAGE plpgsql
 STABLE ROWS 5
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- The kinds are written out, as in the indexes.
  if p_kind = 'trade' then
    return query
    select strand.id, coalesce(receipt.status, 'pending'), strand.created_at
    from public.ad_strands strand
    left join public.strand_receipts receipt on receipt.strand_id = strand.id
    where strand.kind in ('pm_action', 'dm_action', 'position_closed')
      and strand.content -> 'trade_id' = to_jsonb(p_subject);
  else
    return query
    select strand.id, coalesce(receipt.status, 'pending'), strand.created_at
    from public.ad_strands strand
    left join public.strand_receipts receipt on receipt.strand_id = strand.id
    where (
        strand.kind in ('episode_window', 'episode_outcome', 'uptrend_episode_summary')
        or strand.kind = 'pm_action' and strand.content -> 'decision_type' = '"shadow_entry"'::jsonb
        and learning.is_shadow_window(strand.content)
      )
      and strand.content -> 'episode_id' = to_jsonb(p_subject);
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.strands_of_trades(p_trade_ids text[])
 RETURNS TABLE(trade_id text, strand learning.accepted_strands)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
  select named.trade_id, accepted.strand
  from unnest(p_trade_ids) as named(trade_id)
  -- For each trade by itself: statistics of before the inbox was drained say that no receipt is done, and the
  -- planner would begin with all that are.
  cross join lateral (
    select accepted_strand as strand
    from learning.accepted_strands accepted_strand
    where accepted_strand.content -> 'trade_id' = to_jsonb(named.trade_id)
      and accepted_strand.kind in ('pm_action', 'dm_action', 'position_closed')
    offset 0
  ) as accepted;
end
$function$;
CREATE OR REPLACE FUNCTION learning.strength_lapse_reason(p_lesson_id bigint)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select coalesce(
    (
      select case
        when lesson.status = 'active' and lesson.family_scope <> lesson.scope_subset
          then format('The lesson in %s represents its family and acts for it', lesson.family_scope)
        else format('Its lesson is no longer active: n=%s edge=%s q=%s', lesson.n,
          round(lesson.edge_raw::numeric, 4), round(lesson.q_value::numeric, 4))
      end
      from public.learning_lessons lesson
      where lesson.id = p_lesson_id
    ),
    'Its lesson is no longer found'
  );
$function$;
CREATE OR REPLACE FUNCTION learning.strength_overrides(group_ids bigint[], after_digest text, last_digest text)
 RETURNS SETOF learning.wanted_override
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  -- Several modules may have learned about one key: the lesson that rests on most speaks for all of them.
  select distinct on (lesson.lesson_type, lesson.pattern_key, lesson.action_category, lesson.scope_digest)
    lesson.lesson_type, lesson.pattern_key, lesson.action_category, lesson.scope_subset,
    learning.multiplier_within_bounds(
      lesson.lesson_type, 1 + lesson.edge_raw * learning.scale_of_lesson(lesson.stats)
    ), null::float8,
    (lesson.stats ->> 'dirA')::float8, (lesson.stats ->> 'dirE')::float8, lesson.edge_raw, lesson.n,
    (lesson.stats ->> 'variance')::float8, (lesson.stats ->> 'confidence')::float8,
    lesson.stats #>> '{decay,state}', lesson.decay_halflife_hours, lesson.id, lesson.first_active_at,
    lesson.last_evidence_at, lesson.scope_digest, null
  from learning.mining_groups mining_group
  cross join lateral (
    select acting_lesson.* from learning.acting_lessons acting_lesson
    where acting_lesson.module = mining_group.module
      and acting_lesson.pattern_key = mining_group.pattern_key
      and acting_lesson.action_category = mining_group.action_category
      -- No digest is larger than z.
      and acting_lesson.scope_digest > after_digest
      and acting_lesson.scope_digest <= coalesce(last_digest, 'z')
  ) as lesson
  where mining_group.id = any (group_ids)
  order by lesson.lesson_type, lesson.pattern_key, lesson.action_category, lesson.scope_digest, lesson.n desc,
    lesson.id;
$function$;
CREATE OR REPLACE FUNCTION learning.subject_of_strand(strand_kind text, content jsonb)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  key constant text := case
    when strand_kind = any (learning.trade_kinds())
      and (strand_kind <> 'pm_action' or learning.kind_of_subject(strand_kind, content) = 'trade')
      then 'trade_id'
    when strand_kind = any (learning.learned_kinds()) then 'episode_id'
  end;
  subject constant text := case when key is not null then learning.text_of(content, key) end;
begin
  -- Of what is longer no strand is accepted.
  return case when length(subject) <= learning.size_limit('id_characters') then subject end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.subjects_to_prune(p_kind text, before timestamp with time zone, after_subject text)
 RETURNS SETOF text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- One after the other, as far as they are asked for: of a million trades most may be pruned already.
  if p_kind = 'trade' then
    return query
    select trade.trade_id
    from learning.closed_trades trade
    where trade.exit_at < before and trade.trade_id > after_subject
      and not exists (
        select from learning.pruned_subjects pruned_subject
        where pruned_subject.kind = 'trade' and pruned_subject.subject = trade.trade_id
      )
      and learning.is_over('trade', trade.trade_id, before)
    order by trade.trade_id
    limit 200;
  else
    return query
    select ended.episode_id
    from (
      select distinct episode.episode_id
      from public.pattern_episode_events episode
      where episode.outcome is not null and episode.occurred_at < before
        and episode.episode_id > after_subject
        and not exists (
          select from learning.pruned_subjects pruned_subject
          where pruned_subject.kind = 'episode' and pruned_subject.subject = episode.episode_id
        )
      order by episode.episode_id
      offset 0
    ) as ended
    where learning.is_over('episode', ended.episode_id, before)
    limit 200;
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.sum_matches(candidate learning.candidate, config jsonb, probe learning.override_probe, least_confidence double precision, one_by_one boolean, even_resting boolean)
 RETURNS learning.match_sums
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
declare
  mode constant text := config ->> 'strength_mode';
  by_multiplier constant boolean := mode = 'multiplier';
  by_edge constant boolean := mode = 'edge_weighted';
  by_slices constant boolean := mode = 'calibrated';
  adds constant boolean := candidate.action_category in ('entry', 'add');
  biased constant boolean := (config #> '{steering,base_bias}')::float8 <> 0;
  edge_scale constant float8 := (config -> 'edge_scale')::float8;
  fade_rate constant float8 := ln(2::float8) / 3.6e9 / (config -> 'staleness_half_life_hours')::float8;
  as_of_us constant float8 := candidate.as_of_us;
  candidate_scope constant jsonb := candidate.scope;
  buckets constant bigint[] := probe.buckets;
  lacking_1 constant bigint := probe.lacking_1;
  lacking_2 constant bigint := probe.lacking_2;
  surely_enough constant float8 := learning.least_edge_weight(probe.most_specificity);
  least_share constant float8 := learning.least_edge_weight(1);
  -- One comparison for each override: three take a twentieth of the whole.
  listed_from constant float8 := case
    when not one_by_one then 'infinity'
    when even_resting or by_edge then 0
    when by_multiplier or by_slices then learning.dust()
    else least_confidence
  end;
  sums learning.match_sums;
begin
  select max(match.specificity), sum(match.weight), sum(match.faded_weight * (match.multiplier - 1)),
    sum(case when by_edge then match.edged_weight else match.weight end * match.confidence)
      filter (where by_multiplier or (by_edge and match.edged_weight >= surely_enough)),
    sum(match.weight) filter (where match.confident),
    sum(match.faded_weight * match.dir_a) filter (where match.confident),
    sum(match.faded_weight * match.dir_e) filter (where match.confident),
    sum(match.weight * match.confidence) filter (where match.confident),
    sum(match.weight * match.edge) filter (where biased and match.confident),
    -- Which edges weigh enough is known when the most specific override is: those that only may are kept.
    sum(match.edged_weight) filter (where match.edged_weight >= surely_enough),
    sum(match.edged_weight * ln(match.multiplier)) filter (where match.edged_weight >= surely_enough),
    array_agg(row(match.edged_weight, match.multiplier, match.confidence)::learning.light_edge)
      filter (
        where match.edged_weight < surely_enough and match.edged_weight >= least_share * match.specificity
      ),
    sum(match.weight) filter (where match.by_hand),
    sum(match.faded_weight * (match.multiplier - 1)) filter (where match.by_hand),
    array_agg(match.override_id) filter (where match.listed),
    array_agg(match.scope_mask) filter (where match.listed),
    array_agg(case
      when by_edge then match.edged_weight
      when match.by_hand or not by_slices then match.weight
      else 0
    end) filter (where match.listed),
    array_agg(case
      when by_multiplier or by_slices then match.faded_weight * (match.multiplier - 1)
      when by_edge then match.edged_weight * ln(match.multiplier)
      when adds then match.faded_weight * match.dir_a
      else match.faded_weight * match.dir_e
    end) filter (where match.listed)
  into sums
  from (
    select index_entry.override_id, index_entry.scope_mask, index_entry.specificity, index_entry.confidence,
      index_entry.edge, index_entry.multiplier, index_entry.dir_a, index_entry.dir_e,
      index_entry.confidence >= least_confidence as confident,
      index_entry.confidence >= listed_from and (index_entry.by_hand or even_resting or not by_slices)
        as listed,
      index_entry.by_hand,
      index_entry.specificity * index_entry.confidence as weight,
      index_entry.specificity * index_entry.confidence
        * exp(greatest(-500, least(0, (index_entry.evidence_us - as_of_us) * fade_rate))) as faded_weight,
      index_entry.specificity * index_entry.support * tanh(abs(index_entry.edge) / edge_scale)
        * exp(greatest(-500, least(0, (index_entry.evidence_us - as_of_us) / index_entry.decay_us)))
        as edged_weight
    from learning.override_index_entries index_entry
    where index_entry.bucket = any (buckets)
      and index_entry.pairs_1 & lacking_1 = 0 and index_entry.pairs_2 & lacking_2 = 0
      and (
        index_entry.pairs_2 >= 0 or learning.contains_override(candidate_scope, index_entry.override_id)
      )
    -- Keeps each from being computed once per use.
    offset 0
  ) as match;
  return sums;
end
$function$;
CREATE OR REPLACE FUNCTION learning.summary_window_digests(content jsonb)
 RETURNS text[]
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return array(
    select md5(given.id #>> '{}')
    from jsonb_path_query(content, 'lax $.windows[*].window_id ? (@.type() == "string")') as given(id)
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.summary_windows(content jsonb)
 RETURNS TABLE(place bigint, told jsonb, occurred_at timestamp with time zone)
 LANGUAGE plpgsql
 STABLE ROWS 5
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
  select summed_window.place,
    jsonb_build_object(
      'pattern_key', content -> 'pattern_key', 'scope', content -> 'scope',
      'window_id', summed_window.document -> 'window_id',
      'decision', coalesce(
        summed_window.document ->> 'decision',
        case summed_window.document -> 'entered' when 'true' then 'acted' else 'skipped' end
      ),
      'factors', coalesce(
        nullif(summed_window.document -> 'summary', 'null'),
        nullif(summed_window.document -> 'factors', 'null'), newest_sample.document, '{}'
      ),
      'flags', newest_sample.document, 'sample', newest_sample.document,
      'blocked_by', summed_window.document -> 'blocked_by',
      'trade_id', coalesce(nullif(summed_window.document -> 'trade_id', 'null'), content -> 'trade_id')
    ),
    coalesce(summed_window.document ->> 'ended_at', summed_window.document ->> 'started_at')::timestamptz
  from jsonb_array_elements(
    case jsonb_typeof(content -> 'windows') when 'array' then content -> 'windows' else '[]' end
  ) with ordinality as summed_window(document, place)
  -- What stood when it closed or was acted on.
  cross join lateral (select summed_window.document #> '{samples,-1}' as document) as newest_sample;
end
$function$;
CREATE OR REPLACE FUNCTION learning.sums_to_calibrate()
 RETURNS TABLE(module text, action_category text, sums_digest text)
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select module, action_category, present.sums_digest
  from (
    select basis.module, basis.action_category,
      md5(concat_ws(' ', basis.n, basis.mean, basis.sigma, (
        select string_agg(effect_group.sums_digest, ' ' order by effect_group.group_id)
        from public.learning_effect_groups effect_group
        where effect_group.module = basis.module and effect_group.action_category = basis.action_category
      ))) as sums_digest
    from learning.effect_bases basis
  ) as present
  full join learning.calibrated_sums calibrated_sum using (module, action_category)
  where present.sums_digest is distinct from calibrated_sum.sums_digest;
$function$;
CREATE OR REPLACE FUNCTION learning.sweep()
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if not pg_try_advisory_xact_lock(hashtextextended('sweep', 0)) then
    return;
  end if;
  perform learning.ring_or_log('aggregate-strands');
  begin
    perform learning.find_lost_receipts();
    perform learning.withdraw_effects();
  exception when others then
    perform learning.write_log_hourly('ERROR', 'aggregate-strands', 'withdrawal_failed',
      format('Deleted strands and lost receipts could not be seen to, which is tried again: %s', sqlerrm),
      jsonb_build_object('sqlstate', sqlstate));
  end;
  begin
    -- Of what is deleted still the next portions would replay it all over again.
    if not learning.awaits_withdrawal() then
      perform learning.replay_allocation(patience => interval '1 second');
    end if;
  exception when others then
    -- It is tried again; whoever waits to be rung must not wait for it.
    perform learning.write_log_hourly('ERROR', 'allocation', 'replay_failed',
      format('The allocation could not be replayed and is tried again: %s', sqlerrm),
      jsonb_build_object('sqlstate', sqlstate));
  end;
  begin
    perform learning.record_exposure();
  exception when others then
    perform learning.write_log_hourly('ERROR', 'exposure', 'exposure_not_recorded',
      format('What is held could not be written down, which is tried again: %s', sqlerrm),
      jsonb_build_object('sqlstate', sqlstate));
  end;
  -- Work whose invocations died goes on without waiting for the next hour.
  perform learning.ring_or_log(work.function_name, '{"continue": true}'::jsonb)
  from (
    select job.function_name, mining_group.run, mining_group.leased_until
    from learning.mining_groups mining_group
    join learning.jobs() as job on job.family = mining_group.family
    union all
    select 'materialize-overrides', tuning_group.run, tuning_group.leased_until
    from learning.tuning_groups tuning_group
    union all
    select 'materialize-overrides', to_jsonb(reconciliation.run), reconciliation.leased_until
    from learning.strength_reconciliation reconciliation
    where reconciliation.started_at is not null and reconciliation.finished_at is null
    union all
    -- What was mined is calibrated by whoever finds no group left.
    select 'mine-lessons', to_jsonb(due_sum.action_category), null
    from learning.sums_to_calibrate() as due_sum
  ) as work
  group by work.function_name
  having bool_or(work.run is not null)
    and not coalesce(bool_or(learning.is_leased(work.leased_until)), false);
end
$function$;
CREATE OR REPLACE FUNCTION learning.take_back(p_kind text, p_subject text, OUT changed_groups learning.group_key[], OUT changed_from timestamp with time zone)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  applied record;
begin
  if learning.is_pruned(p_kind, p_subject) then
    changed_groups := '{}';
  elsif p_kind = 'episode' then
    changed_groups := learning.apply_episode(p_subject);
  else
    applied := learning.apply_trade(p_subject);
    changed_groups := applied.changed_groups;
    changed_from := applied.changed_from;
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.take_over_override()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  former public.pm_overrides;
begin
  if current_setting('learning.upsert', true) = 'true' then
    return new;
  end if;
  delete from public.pm_overrides override
  where (override.override_type, override.pattern_key, override.action_category, override.scope_digest)
    = (new.override_type, new.pattern_key, new.action_category, md5(new.scope_subset::text))
    and override.lesson_id is not null
  returning override.* into former;
  if former.id is not null then
    new.id := former.id;
    new.lesson_id := former.lesson_id;
    new.first_active_at := former.first_active_at;
    new.proposed := former.proposed;
  end if;
  return new;
end
$function$;
CREATE OR REPLACE FUNCTION learning.take_sizings(candidates learning.candidate[], subjects text[], OUT sizings public.pm_sizing[], OUT sizing_ids bigint[])
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  config constant jsonb := learning.config();
  held_out boolean;
  learned_strength float8;
  sizing public.pm_sizing;
  sizing_id bigint;
begin
  sizings := learning.size_candidates(candidates);
  sizing_ids := array_fill(null::bigint, array[cardinality(candidates)]);
  for place in 1 .. cardinality(candidates) loop
    sizing := sizings[place];
    learned_strength := sizing.pm_strength;
    held_out := learning.is_held_out(subjects[place], config);
    if held_out then
      sizing := learning.hold_out(sizing, candidates[place]);
      sizings[place] := sizing;
    end if;
    if learning.is_recorded(subjects[place], candidates[place], config) then
      insert into public.pm_sizings (
        subject, holdout, held_out, pattern_key, action_category, scope, a_value, e_value, mode,
        size_frac_raw, pm_strength, learned_strength, exposure_skew, size_frac, max_alloc_pct, a_final,
        e_final, overrides, config_version
      ) values (
        subjects[place], (config #> '{experiment,holdout}')::float8, held_out, candidates[place].pattern_key,
        candidates[place].action_category, candidates[place].scope, candidates[place].a_value,
        candidates[place].e_value, sizing.mode, sizing.size_frac_raw, sizing.pm_strength, learned_strength,
        sizing.exposure_skew, sizing.size_frac, sizing.max_alloc_pct, sizing.a_final, sizing.e_final,
        sizing.overrides, sizing.config_version
      )
      returning id into sizing_id;
      sizing_ids[place] := sizing_id;
    end if;
  end loop;
end
$function$;
CREATE OR REPLACE FUNCTION learning.take_wheel(reason text)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  former constant text := coalesce(current_setting('learning.reason', true), '');
begin
  perform learning.require_operator();
  if reason is null or btrim(reason) = '' or length(reason) > 1000 then
    perform learning.refuse_argument('reason', 'a text of at most 1000 characters that says why',
      left(reason, 100));
  end if;
  perform set_config('learning.reason', reason, true);
  return former;
end
$function$;
CREATE OR REPLACE FUNCTION learning.tau2_of(p_module text, p_action_category text)
 RETURNS double precision
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select calibration.tau2 from public.learning_calibration calibration
  where calibration.module = p_module and calibration.action_category = p_action_category;
$function$;
CREATE OR REPLACE FUNCTION learning.text_bytes(document jsonb, most integer)
 RETURNS bigint
 LANGUAGE plpgsql
 IMMUTABLE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  -- The path takes it out of its compressed form: a megabyte may be stored in a few thousand bytes.
  unpacked constant jsonb := document #> '{}';
  unpacked_bytes constant bigint := pg_column_size(unpacked);
  long_numbers_bytes bigint;
begin
  -- The shortest that there is for what it takes are digits in an array, 3 bytes for 12; 8 are its head.
  if (unpacked_bytes - 8) / 4 > most then
    return (unpacked_bytes - 8) / 4;
  end if;
  -- The longest are numbers: 147,457 bytes for 16. Other text grows sixfold at most.
  if unpacked_bytes > most / 9217 then
    -- Of many digits to few bytes there are powers of ten, large or small, and zeros with decimals. Not
    -- jsonb_path_query, which moves all that is left with each row that it hands out.
    select sum(learning.number_bytes(number.value::numeric)) into long_numbers_bytes
    from jsonb_array_elements(jsonb_path_query_array(
      unpacked, 'strict $.** ? (@ >= 1e60 || @ <= -1e60 || @ < 1e-60 && @ > -1e-60)'
    )) as number(value)
    where number.value::numeric <> 0 or scale(number.value::numeric) > 60;
    if long_numbers_bytes > most then
      return long_numbers_bytes;
    end if;
  end if;
  return octet_length(unpacked::text);
end
$function$;
CREATE OR REPLACE FUNCTION learning.text_of(document jsonb, key text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- Of anything else the text may be too long for memory.
  return case when jsonb_typeof(document -> key) = 'string' then document ->> key end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.time_to_s3_hours(summary jsonb)
 RETURNS double precision
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return coalesce(
    learning.number_of(summary, 'time_to_s3_hours'), learning.number_of(summary, 'time_to_s3') * 24
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.told_windows(p_episode_ids text[])
 RETURNS TABLE(episode_id text, strand_id text, summary_strand_id text, told jsonb, regime_context jsonb, occurred_at timestamp with time zone, told_outcome text, assumed text[])
 LANGUAGE plpgsql
 STABLE ROWS 500
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
  with named as materialized (
    select told_strand.episode_id, (told_strand.strand).*
    from learning.strands_of_episodes(p_episode_ids) as told_strand
    where (told_strand.strand).kind <> 'episode_outcome'
  )
  select strand.episode_id, strand.id, null::text, strand.content, strand.regime_context, strand.created_at,
    null::text, '{}'::text[]
  from named strand
  where strand.kind = 'episode_window'
  union all
  select strand.episode_id, strand.id, null::text, shadow_window.told, strand.regime_context,
    strand.created_at, null::text, shadow_window.assumed
  from named strand
  cross join lateral learning.shadow_window(strand.content) as shadow_window
  where strand.kind = 'pm_action' and learning.is_shadow_window(strand.content)
  union all
  select newest_summary.episode_id, newest_summary.id || '#' || summary_window.place, newest_summary.id,
    summary_window.told, newest_summary.regime_context,
    coalesce(summary_window.occurred_at, newest_summary.created_at),
    learning.text_of(newest_summary.content, 'outcome'), '{}'::text[]
  from (
    -- A PM counts the episodes of each position for itself; of one, the newest summary holds.
    select distinct on (strand.episode_id, strand.content -> 'position_id') strand.*
    from named strand
    where strand.kind = 'uptrend_episode_summary'
    order by strand.episode_id, strand.content -> 'position_id', strand.created_at desc,
      strand.id collate "C" desc
  ) as newest_summary
  cross join lateral learning.summary_windows(newest_summary.content) as summary_window
  -- A window that has already come by itself, under its own id, is not counted twice; a PM counts the windows
  -- of each position for itself, and what it came in tells them apart.
  where not exists (
    select from public.pattern_episode_events episode
    where episode.episode_id = learning.text_of(summary_window.told, 'window_id')
      and episode.summary_strand_id is null
      and episode.pattern_key = learning.dotted_pattern_key(summary_window.told ->> 'pattern_key')
      and learning.merged_scope('{}', summary_window.told -> 'scope', '{}') <@ episode.scope
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.touched_subjects(accepted jsonb, rejected jsonb)
 RETURNS TABLE(kind text, subject text, strand_ids text[])
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with accepted_verdict as (
    select verdict.id from jsonb_to_recordset(accepted) as verdict(id text)
  ),
  judged as (
    select accepted_verdict.id from accepted_verdict
    union all
    select verdict.id from jsonb_to_recordset(rejected) as verdict(id text)
  )
  select named.kind, named.subject, coalesce(array_agg(named.id) filter (where named.id is not null), '{}')
  from (
    select learning.kind_of_subject(strand.kind, strand.content),
      -- What tells of neither, as an action that led to no trade, or is of no learned kind any more takes
      -- effect by having none.
      coalesce(learning.subject_of_strand(strand.kind, strand.content), ''),
      accepted_verdict.id
    from accepted_verdict
    join public.ad_strands strand on strand.id = accepted_verdict.id
    union all
    -- What the strands were part of when they last took effect.
    select 'trade', event.trade_id, null
    from judged join public.pattern_trade_events event on event.action_strand_id = judged.id
    union all
    select 'trade', trade.trade_id, null
    from judged join learning.closed_trades trade on trade.close_strand_id = judged.id
    union all
    select 'episode', episode.episode_id, null
    from judged join public.pattern_episode_events episode on episode.strand_id = judged.id
    union all
    select 'episode', episode.episode_id, null
    from judged join public.pattern_episode_events episode on episode.summary_strand_id = judged.id
    union all
    -- An earlier form of these may have ended windows, which nothing but the episode tells.
    select 'episode', named_episode.subject, null
    from jsonb_to_recordset(rejected) as verdict(id text)
    join public.ad_strands strand on strand.id = verdict.id
    cross join lateral (
      select learning.subject_of_strand(strand.kind, strand.content) as subject offset 0
    ) as named_episode
    where strand.kind in ('episode_outcome', 'uptrend_episode_summary') and named_episode.subject is not null
  ) as named(kind, subject, id)
  group by named.kind, named.subject
  order by named.kind, named.subject;
$function$;
CREATE OR REPLACE FUNCTION learning.trade_of_close(closing learning.accepted_strands, acting_module text)
 RETURNS learning.closed_trades
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  summary constant jsonb := closing.content -> 'trade_summary';
  trade learning.closed_trades;
begin
  trade.trade_id := closing.content ->> 'trade_id';
  trade.close_strand_id := closing.id;
  trade.timeframe := learning.scope_value(to_jsonb(
    coalesce(nullif(btrim(closing.timeframe), ''), closing.content #>> '{entry_context,timeframe}')
  ));
  trade.roi := learning.number_of(summary, 'rpnl_pct') / 100;
  trade.rr := learning.number_of(summary, 'rr');
  trade.pnl_usd := learning.pnl_usd(summary);
  trade.exit_at := (summary ->> 'exit_timestamp')::timestamptz;
  trade.module := acting_module;
  trade.entry_price := learning.positive_number(summary -> 'entry_price');
  trade.exit_price := learning.positive_number(summary -> 'exit_price');
  trade.fees := learning.finite_number(learning.trade_value(closing.content, 'fees'));
  return trade;
end
$function$;
CREATE OR REPLACE FUNCTION learning.trade_value(content jsonb, key text)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return coalesce(
    nullif(content #> array['trade_summary', key], 'null'), nullif(content -> key, 'null'),
    nullif(content #> array['entry_context', key], 'null')
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.trailing_mean(timeframe text, as_of timestamp with time zone, by_risk boolean, OUT n bigint, OUT excess double precision)
 RETURNS record
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select count(*) filter (where trade.timeframe = trailing_mean.timeframe),
    avg(outcome.y) filter (where trade.timeframe = trailing_mean.timeframe) - avg(outcome.y)
  from learning.closed_trades trade
  cross join lateral (select case when by_risk then trade.rr else trade.roi end as y) as outcome
  where trade.exit_at > as_of - interval '8 weeks' and trade.exit_at <= as_of;
$function$;
CREATE OR REPLACE FUNCTION learning.tuning_lookback()
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  -- A window that a clock has put into the future must not move the look-back past all others; where there is
  -- none but such, it counts as now.
  select coalesce(
    (
      select max(episode.occurred_at) from public.pattern_episode_events episode
      where episode.outcome is not null and episode.occurred_at <= now()
        and episode.occurred_at > '-infinity'
    ),
    (select now() where exists (
      select from public.pattern_episode_events episode where episode.outcome is not null
    ))
  ) - make_interval(secs => (learning.config() #>> '{tuning,lookback_days}')::float8 * 86400);
$function$;
CREATE OR REPLACE FUNCTION learning.utc_week(at timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- The first of January 1970 was the fourth day of its week.
  return floor((extract(epoch from at) / 86400 + 3) / 7)::integer;
end
$function$;
CREATE OR REPLACE FUNCTION learning.value_faults(context jsonb, of_any_key boolean)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  most constant integer := learning.size_limit('value_characters');
begin
  return (
    select coalesce(
      jsonb_agg(jsonb_build_object('path', fault.path, 'message', fault.message) order by fault.path),
      '[]'::jsonb
    )
    from (
      select entry.key as path, case
        when jsonb_typeof(entry.value) in ('object', 'array') then 'must be a text, a number or a boolean'
        when length(learning.scope_value(entry.value)) > most then format(
          'must have at most %s characters and has %s', most, length(learning.scope_value(entry.value))
        )
      end as message
      from jsonb_each(context) as entry
      where of_any_key or exists (
        select from public.scope_dimensions dimension
        where dimension.dim = entry.key or entry.key = any (dimension.aliases)
      )
    ) as fault
    where fault.message is not null
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.warn_of_scattered_dimensions()
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  n_min constant integer := (learning.config() ->> 'n_min')::integer;
  warning record;
begin
  select string_agg(
      format('%s has %s values in %s trades, at most %s each',
        scattered.dim, scattered."values", scattered.trades, scattered.most_trades),
      '; ' order by scattered.dim
    ) as in_words,
    jsonb_agg(to_jsonb(scattered) order by scattered.dim) as dimensions
  into warning
  from learning.scattered_dimensions(n_min) as scattered;
  if warning.in_words is not null then
    perform learning.write_log_hourly(
      'WARNING', 'mine-lessons', 'dimension_scattered',
      format('Nothing can be learned of a value with fewer than %s trades (n_min): %s. Put the values into '
        'buckets before they are written, such as low, mid and high.', n_min, warning.in_words),
      jsonb_build_object('n_min', n_min, 'dimensions', warning.dimensions)
    );
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.warn_of_shared_id(trade_id text, acting text[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform learning.write_log('WARNING', 'aggregate-strands', 'trade_id_shared',
    format('Trade id %s is used by the modules %s: each is taken for a trade of its own; give every trade '
      'an id that no other module uses', trade_id,
      (select string_agg(module, ' and ' order by module) from unnest(acting) as module)),
    jsonb_build_object('trade_id', trade_id, 'modules', to_jsonb(acting)));
end
$function$;
CREATE OR REPLACE FUNCTION learning.warn_of_unknown_outcomes(unknown jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  in_words constant text := (
    select string_agg(format('%s of %s', category.decisions, category.name), ', ' order by category.name)
    from jsonb_each_text(unknown) as category(name, decisions)
  );
begin
  if in_words is not null then
    perform learning.write_log_once_in(
      interval '1 day', 'WARNING', 'mine-lessons', 'outcome_unknown',
      format('Nothing is learned of decisions whose own outcome is not known: %s. An add and a trim need the '
        'price of their fill and of what was sold later or exit_price, an exit needs could_exit_better; '
        'add_outcome, trim_outcome and exit_outcome let them be judged by the whole trade.', in_words),
      jsonb_build_object('decisions', unknown)
    );
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.watch()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform learning.note_alerts();
  perform learning.note_switched_off();
  perform learning.send_alerts();
  perform learning.admit_listeners();
  return null;
end
$function$;
CREATE OR REPLACE FUNCTION learning.webhook_fault(url text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return case
    when btrim(url, E' \t\r\n') = '' then 'is blank'
    when btrim(url, E' \t\r\n') ~ '[[:space:][:cntrl:]]' then 'has blanks in it'
    when btrim(url, E' \t\r\n') !~* '^https?://' then 'does not begin with https://'
    when btrim(url, E' \t\r\n') !~* '^https?://[^/?#]+' then 'names no host'
  end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.webhook_payload(message text)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  longest constant integer := 2000;
  note constant text := E'\n… (shortened, learning_alerts has all of it)';
  shown constant text := case
    when length(message) > longest then left(message, longest - length(note)) || note
    else message
  end;
begin
  return jsonb_build_object(
    'text', replace(replace(replace(shown, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'),
    'content', shown,
    'allowed_mentions', '{"parse": []}'::jsonb
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.what_is_wrong()
 RETURNS TABLE(kind text, message text)
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select health.stage, format('%s is not well: %s', health.stage, health.problem)
  from learning.health() as health
  where health.problem is not null
  union all
  select 'silence',
    format('nothing arrived for a day, the last strand came at %s', learning.moment(arrival.at))
  from learning.last_arrival() as arrival(at)
  where arrival.at < now() - interval '1 day';
$function$;
CREATE OR REPLACE FUNCTION learning.window_outcome(told text, decision text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return case
    when told in ('success', 'failure', 'neutral') then told
    when decision <> 'skipped' then null
    when told = 'missed' then 'success'
    when told = 'correct_skip' then 'failure'
  end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.windows_of_episodes(p_episode_ids text[])
 RETURNS TABLE(place bigint, strand_id text, episode_id text, pattern_key text, scope jsonb, decision text, factors jsonb, blocked_by text[], trade_id text, occurred_at timestamp with time zone, gates double precision[], missing text[], ended text, outcome text, summary_strand_id text, comes_by_itself boolean)
 LANGUAGE plpgsql
 STABLE ROWS 500
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  lists constant learning.dimension_lists := learning.listed_dimensions();
begin
  return query
  with told_window as materialized (
    select given.*, learning.episode_factors(given.told) as factors
    from learning.told_windows(p_episode_ids) as given
  ),
  compared as materialized (
    select told_window.*,
      learning.episode_gates(told_window.told ->> 'decision', told_window.factors) as gates
    from told_window
  )
  select row_number() over (), compared.strand_id, compared.episode_id,
    learning.dotted_pattern_key(compared.told ->> 'pattern_key'),
    learning.merged_scope('{}', compared.told -> 'scope', compared.regime_context, lists),
    compared.told ->> 'decision', compared.factors,
    learning.episode_blockers(compared.told, compared.factors, compared.gates),
    compared.told ->> 'trade_id', compared.occurred_at, compared.gates,
    learning.missing_gates(compared.gates) || compared.assumed, outcome_of_episode.ended,
    learning.window_outcome(
      coalesce(compared.told_outcome, outcome_of_episode.ended), compared.told ->> 'decision'
    ),
    compared.summary_strand_id, compared.summary_strand_id is null and compared.assumed = '{}'
  from compared
  left join learning.outcomes_of_episodes(p_episode_ids) as outcome_of_episode using (episode_id);
end
$function$;
CREATE OR REPLACE FUNCTION learning.with_light_edges(sums learning.match_sums, least_weight double precision, by_edge boolean)
 RETURNS learning.match_sums
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  acting record;
begin
  select sum(light_edge.weight) as weight,
    sum(light_edge.weight * ln(light_edge.multiplier)) as log_multiplier,
    sum(light_edge.weight * light_edge.confidence) as confidence
  into acting
  from unnest(sums.light) as light_edge
  where light_edge.weight >= least_weight;
  if acting.weight is not null then
    sums.edged_weight := coalesce(sums.edged_weight, 0) + acting.weight;
    sums.log_multiplier := coalesce(sums.log_multiplier, 0) + acting.log_multiplier;
    if by_edge then
      sums.confidence := coalesce(sums.confidence, 0) + acting.confidence;
    end if;
  end if;
  return sums;
end
$function$;
CREATE OR REPLACE FUNCTION learning.withdraw_changed_strands()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  insert into learning.withdrawn_strands (strand_id, kind, subject)
  select old_strand.id, learning.kind_of_subject(old_strand.kind, old_strand.content), former.subject
  from old_strands old_strand
  join new_strands new_strand using (id)
  cross join lateral (
    select learning.subject_of_strand(old_strand.kind, old_strand.content) as subject offset 0
  ) as former
  where former.subject is not null
    and (old_strand.kind, old_strand.content) is distinct from (new_strand.kind, new_strand.content)
    and (
      old_strand.kind in ('episode_outcome', 'uptrend_episode_summary')
      or learning.subject_of_strand(new_strand.kind, new_strand.content) is null
    )
    and not learning.is_pruned(learning.kind_of_subject(old_strand.kind, old_strand.content), former.subject);
  return null;
end
$function$;
CREATE OR REPLACE FUNCTION learning.withdraw_deleted_strands()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  deleted bigint;
begin
  if tg_op = 'TRUNCATE' then
    perform learning.refuse_unasked_withdrawal('truncate the strands');
    insert into learning.withdrawn_strands (strand_id, kind, subject)
    select strand.id, learning.kind_of_subject(strand.kind, strand.content), named.subject
    from public.ad_strands strand
    cross join lateral (
      select learning.subject_of_strand(strand.kind, strand.content) as subject offset 0
    ) as named
    where named.subject is not null
      and not learning.is_pruned(learning.kind_of_subject(strand.kind, strand.content), named.subject);
    return null;
  end if;
  select count(*) into deleted from old_strands;
  if deleted > learning.most_deleted_unasked() then
    perform learning.refuse_unasked_withdrawal(format('delete %s strands in one statement', deleted));
  end if;
  insert into learning.withdrawn_strands (strand_id, kind, subject)
  select old_strand.id, learning.kind_of_subject(old_strand.kind, old_strand.content), named.subject
  from old_strands old_strand
  cross join lateral (
    select learning.subject_of_strand(old_strand.kind, old_strand.content) as subject offset 0
  ) as named
  where named.subject is not null
    and not learning.is_pruned(learning.kind_of_subject(old_strand.kind, old_strand.content), named.subject);
  return null;
end
$function$;
CREATE OR REPLACE FUNCTION learning.withdraw_effects(patience interval DEFAULT '00:00:01'::interval)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
declare
  deadline constant timestamptz := clock_timestamp() + patience;
  most_strands constant integer := 5000;
  touched record;
  applied record;
  attempted bigint[] := '{}'::bigint[];
  unfinished bigint[] := '{}'::bigint[];
  changed_groups learning.group_key[] := '{}'::learning.group_key[];
  changed_from timestamptz;
  finished integer;
begin
  for touched in select withdrawn.* from learning.withdrawn_subjects(most_strands) as withdrawn loop
    -- A first one always, or it would never come to an end.
    if attempted <> '{}' and clock_timestamp() > deadline
      -- Who is at work on it would be waited for; it comes back to it with the next sweep.
      or not pg_try_advisory_xact_lock(hashtextextended(touched.kind || ' ' || touched.subject, 0)) then
      unfinished := unfinished || touched.ids;
      continue;
    end if;
    attempted := attempted || touched.ids;
    begin
      applied := learning.take_back(touched.kind, touched.subject);
      changed_groups := changed_groups || applied.changed_groups;
      changed_from := least(changed_from, applied.changed_from);
    exception when others then
      unfinished := unfinished || touched.ids;
      perform learning.retry_withdrawal(touched.ids, touched.kind || ' ' || touched.subject, sqlstate,
        sqlerrm);
    end;
  end loop;
  if changed_from is not null then
    perform learning.outdate_allocation(changed_from);
  end if;
  perform learning.mark_groups_changed(changed_groups);
  delete from learning.withdrawn_strands withdrawn_strand
  where withdrawn_strand.id in (select unnest(attempted) except select unnest(unfinished));
  get diagnostics finished = row_count;
  if finished > 0 then
    perform learning.write_log('INFO', 'aggregate-strands', 'strands_withdrawn',
      format('The effect of %s was taken back; groups whose evidence changed: %s',
        learning.counted(finished, 'deleted or changed strand', 'deleted or changed strands'),
        (select count(distinct changed) from unnest(changed_groups) as changed)),
      jsonb_build_object('strands', finished, 'replay_from', changed_from));
  end if;
  return finished;
end
$function$;
CREATE OR REPLACE FUNCTION learning.withdrawn_subjects(most_strands integer)
 RETURNS TABLE(kind text, subject text, ids bigint[])
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with due as materialized (
    select withdrawn_strand.*
    from learning.withdrawn_strands withdrawn_strand
    where withdrawn_strand.next_attempt_at <= clock_timestamp()
    order by withdrawn_strand.id
    limit most_strands
  )
  select named.kind, named.subject, array_agg(named.id)
  from (
    select due.kind, due.subject, due.id from due
    union all
    -- What it was part of when it last took effect, where it was changed before it went.
    select 'trade', event.trade_id, due.id
    from due join public.pattern_trade_events event on event.action_strand_id = due.strand_id
    union all
    select 'trade', trade.trade_id, due.id
    from due join learning.closed_trades trade on trade.close_strand_id = due.strand_id
    union all
    select 'episode', episode.episode_id, due.id
    from due join public.pattern_episode_events episode on episode.strand_id = due.strand_id
    union all
    select 'episode', episode.episode_id, due.id
    from due join public.pattern_episode_events episode on episode.summary_strand_id = due.strand_id
  ) as named
  group by named.kind, named.subject
  order by min(named.id);
$function$;
CREATE OR REPLACE FUNCTION learning.without_dust(value double precision)
 RETURNS double precision
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return case when abs(value) < learning.dust() then 0 else value end;
end
$function$;
CREATE OR REPLACE FUNCTION learning.writable_overrides(wanted_overrides learning.wanted_override[], OUT writable learning.wanted_override[], OUT cut bigint[], OUT refused learning.wanted_override[])
 RETURNS record
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  registered constant text[] := array(select dimension.dim from public.scope_dimensions dimension);
begin
  with judged as materialized (
    select wanted.*,
      -- Within what the table lets in: a lesson may lie outside, and one row refused would stop all others.
      -- Written out, because calls of learning.clamp would take a seventh of the time when nothing changed.
      case when wanted.multiplier is not null then greatest(1e-6, least(1e6, wanted.multiplier)) end
        as held_multiplier,
      greatest(-1e6, least(1e6, coalesce(wanted.edge_raw, 0))) as held_edge,
      least(1e12, coalesce(wanted.variance, 0)) as held_variance,
      case when wanted.half_life_hours > 0 then greatest(1, least(1e9, wanted.half_life_hours)) end
        as held_half_life,
      case
        when wanted.scope_subset - registered <> '{}' then 'It names a dimension that is no longer registered'
        -- NaN lies above every number: cut to what the table lets in it would be the largest there is.
        when greatest(wanted.multiplier, wanted.value, wanted.dir_a, wanted.dir_e, wanted.edge_raw,
          wanted.variance, wanted.confidence_score, wanted.half_life_hours) = 'NaN'
          then 'A figure of its lesson is not a number'
      end as fault
    from unnest(wanted_overrides) as wanted
  )
  select
    array_agg(row(
      judged.override_type, judged.pattern_key, judged.action_category, judged.scope_subset,
      judged.held_multiplier, judged.value, coalesce(judged.dir_a, 0), coalesce(judged.dir_e, 0),
      judged.held_edge, judged.n, judged.held_variance, judged.confidence_score,
      coalesce(judged.decay_state, 'insufficient'), judged.held_half_life, judged.lesson_id,
      coalesce(judged.first_active_at, now()), judged.last_evidence_at, judged.scope_digest, judged.remark
    )::learning.wanted_override) filter (where judged.fault is null),
    array_agg(judged.lesson_id) filter (
      where judged.fault is null and (judged.held_multiplier <> judged.multiplier
        or judged.held_edge <> judged.edge_raw or judged.held_variance <> judged.variance
        or judged.held_half_life <> judged.half_life_hours)
    ),
    -- With its fault in place of the remark.
    array_agg(row(
      judged.override_type, judged.pattern_key, judged.action_category, judged.scope_subset,
      null, null, null, null, null, null, null, null, null, null,
      judged.lesson_id, null, null, judged.scope_digest, judged.fault
    )::learning.wanted_override) filter (where judged.fault is not null)
  into writable, cut, refused
  from judged;
end
$function$;
CREATE OR REPLACE FUNCTION learning.write_calibration(given jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  p_module constant text := given ->> 'module';
  p_action_category constant text := given ->> 'action_category';
begin
  if given -> 'calibration' = 'null' then
    delete from public.learning_calibration calibration
    where calibration.module = p_module and calibration.action_category = p_action_category;
  else
    insert into public.learning_calibration as calibration (
      module, action_category, mean, sigma, kappa, tau2, half_life_weeks, n, weeks, regimes_act
    )
    select p_module, p_action_category, told.mean, told.sigma, told.kappa, told.tau2, told.half_life_weeks,
      told.n, told.weeks, told.regimes_act
    from jsonb_to_record(given -> 'calibration') as told(
      mean float8, sigma float8, kappa float8, tau2 float8, half_life_weeks float8, n integer, weeks integer,
      regimes_act boolean
    )
    on conflict (module, action_category) do update set
      mean = excluded.mean, sigma = excluded.sigma, kappa = excluded.kappa, tau2 = excluded.tau2,
      half_life_weeks = excluded.half_life_weeks, n = excluded.n, weeks = excluded.weeks,
      regimes_act = excluded.regimes_act, updated_at = now()
    where (calibration.mean, calibration.sigma, calibration.kappa, calibration.tau2,
        calibration.half_life_weeks, calibration.n, calibration.weeks, calibration.regimes_act)
      is distinct from (excluded.mean, excluded.sigma, excluded.kappa, excluded.tau2,
        excluded.half_life_weeks, excluded.n, excluded.weeks, excluded.regimes_act);
    with told as (
      select regime.* from jsonb_to_recordset(given #> '{calibration,regimes}') as regime(
        signature text, kappa float8, n integer, weeks integer, confidence float8
      )
    ),
    removed as (
      delete from public.learning_regime_weights regime_weight
      where regime_weight.module = p_module and regime_weight.action_category = p_action_category
        and regime_weight.regime_signature not in (select told.signature from told)
    )
    insert into public.learning_regime_weights as regime_weight (
      module, action_category, regime_signature, kappa, n, weeks, confidence
    )
    select p_module, p_action_category, told.signature, told.kappa, told.n, told.weeks, told.confidence
    from told
    on conflict (module, action_category, regime_signature) do update set
      kappa = excluded.kappa, n = excluded.n, weeks = excluded.weeks, confidence = excluded.confidence,
      updated_at = now()
    where (regime_weight.kappa, regime_weight.n, regime_weight.weeks, regime_weight.confidence)
      is distinct from (excluded.kappa, excluded.n, excluded.weeks, excluded.confidence);
  end if;
  if given -> 'sums_digest' = 'null' then
    delete from learning.calibrated_sums calibrated_sum
    where calibrated_sum.module = p_module and calibrated_sum.action_category = p_action_category;
  else
    insert into learning.calibrated_sums (module, action_category, sums_digest)
    values (p_module, p_action_category, given ->> 'sums_digest')
    on conflict (module, action_category) do update set sums_digest = excluded.sums_digest;
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.write_effect_group(leased_group learning.mining_groups, effects jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  sums constant jsonb := effects -> 'sums';
begin
  insert into public.learning_effect_groups as effect_group (
    group_id, module, pattern_key, action_category, n, mean, sigma, kappa_above, kappa_below, tau_above,
    tau_below, last_evidence_at, run, sigma_first, sums_digest
  )
  select leased_group.id, leased_group.module, leased_group.pattern_key, leased_group.action_category,
    (effects ->> 'decisions')::integer, (effects ->> 'mean')::float8, (effects ->> 'sigma')::float8,
    (effects ->> 'kappa_above')::float8, (effects ->> 'kappa_below')::float8,
    ((sums ->> 'tau_above')::float8[])[1], ((sums ->> 'tau_below')::float8[])[1],
    (effects ->> 'last_evidence_at')::timestamptz, (leased_group.run ->> 'cycle')::bigint,
    (leased_group.run ->> 'first_sigma')::float8,
    md5((effects - array['codes_1', 'codes_2', 'n', 'total'])::text)
  on conflict (group_id) do update set
    n = excluded.n, mean = excluded.mean, sigma = excluded.sigma, kappa_above = excluded.kappa_above,
    kappa_below = excluded.kappa_below, tau_above = excluded.tau_above, tau_below = excluded.tau_below,
    last_evidence_at = excluded.last_evidence_at, run = excluded.run, sums_digest = excluded.sums_digest,
    sigma_first = excluded.sigma_first, updated_at = now()
  where (effect_group.sums_digest, effect_group.sigma_first) <> (excluded.sums_digest, excluded.sigma_first);
  insert into learning.effect_cells as cell_set (
    group_id, half_lives, tau_above, tau_below, weeks, regimes, n, told, squares
  )
  select leased_group.id, (sums ->> 'half_lives')::float8[], (sums ->> 'tau_above')::float8[],
    (sums ->> 'tau_below')::float8[], (sums ->> 'weeks')::integer[],
    array(
      select regime.value
      from jsonb_array_elements_text(sums -> 'regimes') with ordinality as regime(value, place)
      order by regime.place
    ),
    (sums ->> 'n')::integer[], (sums ->> 'told')::float8[], (sums ->> 'squares')::float8[]
  on conflict (group_id) do update set
    half_lives = excluded.half_lives, tau_above = excluded.tau_above, tau_below = excluded.tau_below,
    weeks = excluded.weeks, regimes = excluded.regimes, n = excluded.n, told = excluded.told,
    squares = excluded.squares
  where cell_set is distinct from excluded;
end
$function$;
CREATE OR REPLACE FUNCTION learning.write_effects(leased_group learning.mining_groups, effects jsonb)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  written integer;
begin
  if effects -> 'codes_1' is null then
    delete from public.learning_effect_groups effect_group where effect_group.group_id = leased_group.id;
    get diagnostics written = row_count;
    return written;
  end if;
  perform learning.write_effect_group(leased_group, effects);
  with measured as materialized (
    select slice.* from learning.measured_effects(effects) as slice
  ),
  removed as (
    delete from public.learning_effects effect
    where effect.group_id = leased_group.id
      and (effect.code_1, effect.code_2) not in (select measured.code_1, measured.code_2 from measured)
    returning 1
  ),
  changed as (
    update public.learning_effects effect
    set n = measured.n, total = measured.total, faded_n = measured.faded_n,
      faded_total = measured.faded_total
    from measured
    where effect.group_id = leased_group.id
      and effect.code_1 = measured.code_1 and effect.code_2 = measured.code_2
      and (effect.n, effect.total, effect.faded_n, effect.faded_total)
        is distinct from (measured.n, measured.total, measured.faded_n, measured.faded_total)
    returning 1
  ),
  added as (
    insert into public.learning_effects (
      group_id, module, pattern_key, action_category, dim_1, code_1, dim_2, code_2, scope_mask, n, total,
      faded_n, faded_total
    )
    select leased_group.id, leased_group.module, leased_group.pattern_key, leased_group.action_category,
      first_scope_value.dim, measured.code_1, second_scope_value.dim, measured.code_2,
      coalesce(1 << first_dimension.bit, 0) | coalesce(1 << second_dimension.bit, 0), measured.n,
      measured.total,
      measured.faded_n, measured.faded_total
    from measured
    left join learning.scope_values first_scope_value on first_scope_value.code = measured.code_1
    left join public.scope_dimensions first_dimension on first_dimension.dim = first_scope_value.dim
    left join learning.scope_values second_scope_value on second_scope_value.code = measured.code_2
    left join public.scope_dimensions second_dimension on second_dimension.dim = second_scope_value.dim
    where not exists (
      select from public.learning_effects effect
      where effect.group_id = leased_group.id
        and effect.code_1 = measured.code_1 and effect.code_2 = measured.code_2
    )
    -- Neighbours arrive together.
    order by measured.code_1, measured.code_2
    returning 1
  )
  select (select count(*) from removed) + (select count(*) from changed) + (select count(*) from added)
  into written;
  return written;
end
$function$;
CREATE OR REPLACE FUNCTION learning.write_events(p_trade_ids text[], closings learning.accepted_strands[], closed_trades learning.closed_trades[], are_newest boolean[])
 RETURNS TABLE(touched_trade text, changed_group learning.group_key)
 LANGUAGE plpgsql
 ROWS 100
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
  with judged as materialized (
    select judged_event.*, row_number() over () as place
    from learning.judged_events(closings, closed_trades, are_newest) as judged_event
  ),
  standing as materialized (
    select judged.*, encoded.scope_mask, encoded.scope_codes, closed_trade.trade_id, closed_trade.roi,
      closed_trade.rr, closed_trade.pnl_usd, closed_trade.exit_at
    from judged
    join learning.encoded_scopes(
      array(select judged.scope from judged order by judged.place)
    ) as encoded on encoded.place = judged.place
    join unnest(closed_trades) with ordinality as closed_trade(
      trade_id, close_strand_id, timeframe, roi, rr, pnl_usd, exit_at, action_categories, module,
      entry_price, exit_price, fees, place
    ) on closed_trade.place = judged.trade_place
  ),
  written as (
    insert into public.pattern_trade_events as event (
      action_strand_id, trade_id, module, pattern_key, action_category, scope, scope_mask, scope_codes,
      roi, rr, pnl_usd, duration_hours, time_to_s3_hours, did_trim, reached_s3,
      could_enter_better, could_exit_better, acted_at, traded_at, fill_price, fill_quantity, side, leverage,
      own_roi, own_rr
    )
    select standing.action_strand_id, standing.trade_id, standing.module, standing.pattern_key,
      standing.action_category, standing.scope, standing.scope_mask, standing.scope_codes, standing.roi,
      standing.rr, standing.pnl_usd, standing.duration_hours, standing.time_to_s3_hours, standing.did_trim,
      standing.reached_s3, standing.could_enter_better, standing.could_exit_better, standing.acted_at,
      standing.exit_at, standing.fill_price, standing.fill_quantity, standing.side, standing.leverage,
      standing.own_roi, standing.own_rr
    from standing
    order by standing.place
    on conflict (action_strand_id) do update set
      trade_id = excluded.trade_id, module = excluded.module, pattern_key = excluded.pattern_key,
      action_category = excluded.action_category, scope = excluded.scope, scope_mask = excluded.scope_mask,
      scope_codes = excluded.scope_codes, roi = excluded.roi, rr = excluded.rr, pnl_usd = excluded.pnl_usd,
      duration_hours = excluded.duration_hours, time_to_s3_hours = excluded.time_to_s3_hours,
      did_trim = excluded.did_trim, reached_s3 = excluded.reached_s3,
      could_enter_better = excluded.could_enter_better, could_exit_better = excluded.could_exit_better,
      acted_at = excluded.acted_at, traded_at = excluded.traded_at, fill_price = excluded.fill_price,
      fill_quantity = excluded.fill_quantity, side = excluded.side, leverage = excluded.leverage,
      own_roi = excluded.own_roi, own_rr = excluded.own_rr
    where (event.trade_id, event.module, event.pattern_key, event.action_category, event.scope,
        event.scope_codes, event.roi, event.rr, event.pnl_usd, event.duration_hours, event.time_to_s3_hours,
        event.did_trim, event.reached_s3, event.could_enter_better, event.could_exit_better, event.acted_at,
        event.traded_at, event.fill_price, event.fill_quantity, event.side, event.leverage, event.own_roi,
        event.own_rr)
      is distinct from (excluded.trade_id, excluded.module, excluded.pattern_key, excluded.action_category,
        excluded.scope, excluded.scope_codes, excluded.roi, excluded.rr, excluded.pnl_usd,
        excluded.duration_hours, excluded.time_to_s3_hours, excluded.did_trim, excluded.reached_s3,
        excluded.could_enter_better, excluded.could_exit_better, excluded.acted_at, excluded.traded_at,
        excluded.fill_price, excluded.fill_quantity, excluded.side, excluded.leverage, excluded.own_roi,
        excluded.own_rr)
    returning event.trade_id, event.module, event.pattern_key, event.action_category
  ),
  former as (
    select event.trade_id, event.module, event.pattern_key, event.action_category
    from public.pattern_trade_events event
    where event.trade_id = any (p_trade_ids)
    union
    select standing.trade_id, event.module, event.pattern_key, event.action_category
    from standing
    -- One by one, or a plan from when there were few events would read all of them for ever.
    cross join lateral (
      select found_event.module, found_event.pattern_key, found_event.action_category
      from public.pattern_trade_events found_event
      where found_event.action_strand_id = standing.action_strand_id
      offset 0
    ) as event
  ),
  removed as (
    delete from public.pattern_trade_events event
    where event.trade_id = any (p_trade_ids)
      and event.action_strand_id not in (select standing.action_strand_id from standing)
    returning event.trade_id, event.module, event.pattern_key, event.action_category
  )
  select distinct touched.trade_id,
    (touched.module, touched.pattern_key, touched.action_category)::learning.group_key
  from (
    select * from written
    union all
    select * from removed
    union all
    -- An action that changed its key leaves a group behind; an unchanged trade touches none.
    select * from former where former.trade_id in (select written.trade_id from written)
  ) as touched;
end
$function$;
CREATE OR REPLACE FUNCTION learning.write_group_decisions(changed learning.mining_groups, config jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  execute format(
    $query$
      insert into learning.group_decisions (
        group_id, evidence_version, outcome_read, outcome, steering_roi, did_trim, reached_s3, acted_at,
        traded_at
      )
      select $1, $2, $3, coalesce(array_agg(decision.outcome), '{}'),
        coalesce(array_agg(decision.steering_roi), '{}'),
        coalesce(array_agg(decision.did_trim), '{}'), coalesce(array_agg(decision.reached_s3), '{}'),
        coalesce(array_agg(decision.acted_at), '{}'), coalesce(array_agg(decision.traded_at), '{}')
      from (
        -- In the order of bytes, which takes a third of the time of any other.
        select distinct on (event.trade_id collate "C") event.%I as outcome, event.%I as steering_roi,
          event.did_trim, event.reached_s3, event.acted_at, event.traded_at
        from public.pattern_trade_events event
        where event.module = $4 and event.pattern_key = $5 and event.action_category = $6
        order by event.trade_id collate "C", event.acted_at, event.action_strand_id collate "C"
      ) as decision
      on conflict (group_id) do update set
        evidence_version = excluded.evidence_version, outcome_read = excluded.outcome_read,
        outcome = excluded.outcome, steering_roi = excluded.steering_roi, did_trim = excluded.did_trim,
        reached_s3 = excluded.reached_s3, acted_at = excluded.acted_at, traded_at = excluded.traded_at
    $query$,
    learning.outcome_column(changed.action_category, config),
    learning.steering_column(changed.action_category, config)
  )
  using changed.id, changed.evidence_version, learning.outcome_read(config), changed.module,
    changed.pattern_key, changed.action_category;
end
$function$;
CREATE OR REPLACE FUNCTION learning.write_lessons(leased_group learning.mining_groups, lessons jsonb)
 RETURNS SETOF learning.lesson_change
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
  with found as materialized (
    select given.*, md5(given.scope_subset::text) as scope_digest
    from jsonb_to_recordset(lessons) as given(
      scope_subset jsonb, n integer, stats jsonb, edge_raw float8, p_value float8, q_value float8,
      decay_halflife_hours float8, status text, family_scope jsonb, last_evidence_at timestamptz
    )
  ),
  -- Not in rather than not exists: it is hashed however few rows are expected, and the other would compare
  -- all with all.
  missing as materialized (
    select lesson.id, lesson.status
    from public.learning_lessons lesson
    where (lesson.module, lesson.pattern_key, lesson.action_category)
      = (leased_group.module, leased_group.pattern_key, leased_group.action_category)
      and lesson.scope_digest not in (select found.scope_digest from found)
  ),
  written as (
    insert into public.learning_lessons as lesson (
      module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n, stats, edge_raw,
      p_value, q_value, decay_halflife_hours, status, first_active_at, last_evidence_at, family_scope
    )
    select leased_group.module, leased_group.pattern_key, leased_group.action_category, found.scope_subset,
      learning.scope_mask(found.scope_subset), leased_group.lesson_type, found.n, found.stats, found.edge_raw,
      found.p_value, found.q_value, found.decay_halflife_hours, found.status,
      case when found.status = 'active' then now() end, found.last_evidence_at, found.family_scope
    from found
    on conflict (module, pattern_key, action_category, scope_digest) do update set
      n = excluded.n, stats = excluded.stats, edge_raw = excluded.edge_raw, p_value = excluded.p_value,
      q_value = excluded.q_value, decay_halflife_hours = excluded.decay_halflife_hours,
      status = learning.status_of_found(excluded.status, lesson.first_active_at),
      first_active_at = coalesce(lesson.first_active_at, excluded.first_active_at),
      last_evidence_at = excluded.last_evidence_at, family_scope = excluded.family_scope, updated_at = now()
    where (lesson.n, lesson.stats, lesson.edge_raw, lesson.p_value, lesson.q_value,
        lesson.decay_halflife_hours, lesson.last_evidence_at, lesson.family_scope, lesson.status)
      is distinct from (excluded.n, excluded.stats, excluded.edge_raw, excluded.p_value, excluded.q_value,
        excluded.decay_halflife_hours, excluded.last_evidence_at, excluded.family_scope,
        learning.status_of_found(excluded.status, lesson.first_active_at))
    returning lesson.*
  ),
  deprecated as (
    update public.learning_lessons lesson
    set status = 'deprecated', family_scope = null, updated_at = now()
    from missing
    where lesson.id = missing.id and missing.status = 'active'
    returning lesson.id
  ),
  deleted as (
    delete from public.learning_lessons lesson
    using missing
    where lesson.id = missing.id and missing.status = 'candidate'
    returning lesson.id
  )
  select 'written', written.id,
    case
      when written.status = 'active' and former_lesson.status is distinct from 'active'
        then 'lesson_activated'
      when written.status = 'deprecated' and former_lesson.status = 'active' then 'lesson_deprecated'
    end,
    written.first_active_at is not null and written.stats ? 'edge_before_decay'
      and (former_lesson.first_active_at is null
        or (former_lesson.n, former_lesson.last_evidence_at, former_lesson.stats -> 'avg')
          is distinct from (written.n, written.last_evidence_at, written.stats -> 'avg'))
  from written
  -- The row as it was before this statement, which is all that its other parts see.
  left join public.learning_lessons former_lesson on former_lesson.id = written.id
  union all
  select 'deprecated', deprecated.id, 'lesson_deprecated', false from deprecated
  union all
  select 'deleted', deleted.id, null, false from deleted;
end
$function$;
CREATE OR REPLACE FUNCTION learning.write_log_hourly(level text, component text, event text, message text, details jsonb DEFAULT '{}'::jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform learning.write_log_once_in(interval '1 hour', level, component, event, message, details);
end
$function$;
CREATE OR REPLACE FUNCTION learning.write_log_once_in(span interval, level text, p_component text, p_event text, message text, details jsonb DEFAULT '{}'::jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if not exists (
    select from public.learning_log log_line
    where log_line.event = p_event
      and log_line.component = p_component
      and log_line.at > now() - span
  ) then
    perform learning.write_log(level, p_component, p_event, message, details);
  end if;
end
$function$;
CREATE OR REPLACE FUNCTION learning.write_normalise_override()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  execute format(
    $definition$
      create or replace function learning.normalise_override()
      returns trigger
      language plpgsql
      set search_path = pg_catalog, pg_temp
      as $normalise$
      begin
        if tg_op = 'UPDATE' then
          new.last_updated_at := now();
          -- Nearly every update writes other values only.
          if (
            new.scope_subset, new.scope_mask, new.pattern_key, new.enabled, new.disabled_by,
            new.disabled_reason, new.control, new.id
          ) is not distinct from (
            old.scope_subset, old.scope_mask, old.pattern_key, old.enabled, old.disabled_by,
            old.disabled_reason, old.control, old.id
          ) then
            return new;
          end if;
          if new.id is distinct from old.id then
            raise exception using
              errcode = '22023',
              message = format('Override %%s cannot become %%s', old.id, new.id),
              hint = 'What was logged of it names its id. Insert another override instead.';
          end if;
        end if;
        -- Before it is written out, which could take all memory; nearly every scope is too small for that.
        if pg_column_size(new.scope_subset #> '{}') > 512 then
          perform learning.refuse_large_scope(new.scope_subset);
        end if;
        declare
          scope constant jsonb := new.scope_subset;
          written constant text := scope::text;
        begin
          new.scope_mask := %s;
          -- Nearly every row is in its normal form, and each further look into one of so many columns costs.
          if new.scope_mask is not null and new.enabled and new.disabled_by is null
            and new.disabled_reason is null
            and not new.pattern_key ^@ 'module=' and new.pattern_key = btrim(new.pattern_key) then
            return new;
          end if;
          -- No scope at all is refused by its column; the empty one would be every candidate's.
          if new.scope_mask is null and scope is not null then
            -- One that stays may name dimensions that were taken out: it can be switched off all the same.
            if tg_op = 'INSERT' or scope is distinct from old.scope_subset then
              new.scope_subset := learning.override_scope(new.pattern_key, scope);
            end if;
            new.scope_mask := learning.scope_mask(new.scope_subset);
          end if;
        end;
        new.pattern_key := learning.dotted_pattern_key(new.pattern_key);
        if new.enabled then
          new.disabled_by := null;
          new.disabled_reason := null;
        elsif new.disabled_by is null or new.disabled_by in ('loop', 'user') then
          new.disabled_by := case new.control when 'off' then 'user' else 'loop' end;
        end if;
        return new;
      end
      $normalise$
    $definition$,
    learning.normal_scope_mask_expression()
  );
end
$function$;
CREATE OR REPLACE FUNCTION learning.write_trades(p_trade_ids text[], closed_trades learning.closed_trades[], are_newest boolean[])
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  changed_from timestamptz;
begin
  -- What its place and its outcome are made of; the row in the table is still the former one.
  select min(least(former_trade.exit_at, standing.exit_at)) into changed_from
  from (
    select trade.* from learning.closed_trades trade where trade.trade_id = any (p_trade_ids)
  ) as former_trade
  full join unnest(closed_trades) as standing using (trade_id, module)
  where (former_trade.timeframe, former_trade.roi, former_trade.exit_at)
    is distinct from (standing.timeframe, standing.roi, standing.exit_at);

  delete from learning.closed_trades trade
  where trade.trade_id = any (p_trade_ids)
    and not exists (
      select from unnest(closed_trades) as standing
      where standing.trade_id = trade.trade_id and standing.module = trade.module
    );
  with standing as materialized (
    select closed_trade.*, newest.is_newest
    from unnest(closed_trades) with ordinality as closed_trade(
      trade_id, close_strand_id, timeframe, roi, rr, pnl_usd, exit_at, action_categories, module,
      entry_price, exit_price, fees, place
    )
    join unnest(are_newest) with ordinality as newest(is_newest, place) using (place)
  )
  insert into learning.closed_trades as trade
  select standing.trade_id, standing.close_strand_id, standing.timeframe, standing.roi, standing.rr,
    standing.pnl_usd, standing.exit_at,
    coalesce((
      select array_agg(distinct event.action_category order by event.action_category)
      from public.pattern_trade_events event
      where event.trade_id = standing.trade_id
        and (
          event.module = standing.module
          -- The decision maker's belong to the one that was closed last.
          or standing.is_newest and not exists (
            select from standing any_trade
            where any_trade.trade_id = standing.trade_id and any_trade.module = event.module
          )
        )
    ), '{}'), standing.module, standing.entry_price, standing.exit_price, standing.fees
  from standing
  on conflict (trade_id, module) do update set
    close_strand_id = excluded.close_strand_id, timeframe = excluded.timeframe, roi = excluded.roi,
    rr = excluded.rr, pnl_usd = excluded.pnl_usd, exit_at = excluded.exit_at,
    action_categories = excluded.action_categories, entry_price = excluded.entry_price,
    exit_price = excluded.exit_price, fees = excluded.fees;
  return changed_from;
end
$function$;
CREATE OR REPLACE FUNCTION public.apply_strands(p_accepted jsonb, p_rejected jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
declare
  deadline timestamptz;
  verdicts record;
  rejections integer;
  applied record;
begin
  if not learning.lock_subjects(p_accepted, p_rejected) then
    return jsonb_build_object('accepted', 0, 'rejected', 0, 'failed', 0,
      'postponed', learning.return_strands(p_accepted || p_rejected), 'contended', true);
  end if;
  deadline := clock_timestamp() + interval '3 seconds';
  verdicts := learning.standing_verdicts(p_accepted, p_rejected);
  if jsonb_array_length(verdicts.standing_accepted || verdicts.standing_rejected)
    < jsonb_array_length(p_accepted || p_rejected) then
    perform learning.await_claims(p_accepted || p_rejected);
    verdicts := learning.standing_verdicts(p_accepted, p_rejected);
  end if;
  rejections := learning.reject_strands(verdicts.standing_rejected);
  perform learning.accept_strands(verdicts.standing_accepted, verdicts.contexts);
  applied := learning.apply_subjects(verdicts.standing_accepted, verdicts.standing_rejected, deadline);
  if applied.changed_from is not null then
    perform learning.replay_allocation(applied.changed_from);
  end if;
  perform learning.mark_groups_changed(applied.changed_groups);
  return jsonb_build_object(
    'accepted',
    jsonb_array_length(verdicts.standing_accepted) - applied.failed - cardinality(applied.postponed),
    'rejected', rejections, 'failed', applied.failed, 'postponed', cardinality(applied.postponed)
  ) || case when applied.failed > 0 then jsonb_build_object('failures', applied.failures) else '{}' end;
end
$function$;
CREATE OR REPLACE FUNCTION public.approve_override(id bigint, reason text)
 RETURNS public.pm_overrides
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  former constant text := learning.take_wheel(reason);
  approved public.pm_overrides := learning.override_by_hand(id);
begin
  if approved.control <> 'auto' or not coalesce(approved.proposed ? 'multiplier', false) then
    raise exception using
      errcode = '22023',
      message = format('Override %s does not wait for approval', approved.id),
      hint = 'Release one that is pinned or off to let the loop''s word hold.';
  end if;
  approved := jsonb_populate_record(approved, approved.proposed);
  update public.pm_overrides override
  set multiplier = approved.multiplier, value = approved.value, dir_a = approved.dir_a,
    dir_e = approved.dir_e, edge_raw = approved.edge_raw, n = approved.n, variance = approved.variance,
    confidence_score = approved.confidence_score, decay_state = approved.decay_state,
    half_life_hours = approved.half_life_hours, lesson_id = approved.lesson_id,
    last_evidence_at = approved.last_evidence_at, enabled = true, proposed = null,
    approved_at = clock_timestamp(), approved_by = learning.actor()
  where override.id = approved.id
  returning override.* into approved;
  perform set_config('learning.reason', former, true);
  return approved;
end
$function$;
CREATE OR REPLACE FUNCTION public.claim_mining_group(p_family text)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  claimed learning.mining_groups;
begin
  select mining_group.* into claimed
  from learning.mining_groups mining_group
  -- Those that are due were marked when the cycle began.
  where mining_group.family = p_family and mining_group.run is not null
    and learning.is_leased(mining_group.leased_until) is not true
  order by mining_group.progress is null, mining_group.mined_at nulls first, mining_group.id
  limit 1
  for update skip locked;
  if claimed.id is null then
    return null;
  end if;
  update learning.mining_groups mining_group
  set lease_token = gen_random_uuid(),
    leased_until = learning.lease_end(),
    -- Without progress there is nothing to go on with: it begins with what holds now.
    run = case
      when mining_group.progress is null then learning.begin_run(mining_group)
      else mining_group.run
    end
  where mining_group.id = claimed.id
  returning mining_group.* into claimed;
  return jsonb_build_object(
    'group_id', claimed.id, 'lease_token', claimed.lease_token, 'lesson_type', claimed.lesson_type,
    'module', claimed.module, 'pattern_key', claimed.pattern_key, 'action_category', claimed.action_category,
    'run', claimed.run, 'progress', claimed.progress
  );
end
$function$;
CREATE OR REPLACE FUNCTION public.claim_strands(p_limit integer DEFAULT 500)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
      'id', leased.strand_id, 'revision', leased.revision, 'attempts', leased.attempts
    ) order by leased.event_at, leased.strand_id), '[]')
    from learning.lease_receipts(learning.choose_due_strands(p_limit)) as leased
  );
end
$function$;
CREATE OR REPLACE FUNCTION public.compare_pm_sizing(pattern_key text, action_category text, scope jsonb, t1 timestamp with time zone, t2 timestamp with time zone, a_value double precision DEFAULT 0.5, e_value double precision DEFAULT 0.5)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  candidates learning.candidate[];
  former learning.past_sizing;
  later learning.past_sizing;
begin
  perform learning.require_pm();
  if not coalesce(t1 between now() - learning.history_retention() and now(), false) then
    perform learning.refuse_argument('t1',
      format('a time within the last %s days', extract(day from learning.history_retention())), t1::text);
  elsif not coalesce(t2 between now() - learning.history_retention() and now() + interval '1 day', false) then
    perform learning.refuse_argument('t2',
      format('a time within the last %s days', extract(day from learning.history_retention())), t2::text);
  end if;
  candidates := array[
    learning.check_candidate(pattern_key, action_category, scope, a_value, e_value, 1, t1),
    learning.check_candidate(pattern_key, action_category, scope, a_value, e_value, 1, t2)
  ];
  former := learning.size_as_of(candidates[1]);
  later := learning.size_as_of(candidates[2]);
  return jsonb_build_object(
    'before', to_jsonb(former.sizing) || jsonb_build_object('as_of', t1),
    'after', to_jsonb(later.sizing) || jsonb_build_object('as_of', t2),
    'difference', (later.sizing).size_frac - (former.sizing).size_frac,
    'differences', learning.differences_of_sizings(
      former.sizing, later.sizing, former.config, later.config
    ),
    'as_now', to_jsonb(former.as_now)
  );
end
$function$;
CREATE OR REPLACE FUNCTION public.explain_pm_sizing(pattern_key text, action_category text, scope jsonb, a_value double precision DEFAULT 0.5, e_value double precision DEFAULT 0.5, previous_strength double precision DEFAULT 1.0, as_of timestamp with time zone DEFAULT now())
 RETURNS SETOF text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  context learning.sizing_context;
  candidate learning.candidate;
  sizings public.pm_sizing[];
  sizing public.pm_sizing;
  adds constant boolean := action_category in ('entry', 'add');
begin
  perform learning.require_pm();
  context := learning.sizing_context();
  candidate := learning.check_candidate(
    pattern_key, action_category, scope, a_value, e_value, previous_strength, as_of
  );
  sizings := learning.size_candidates(array[candidate]);
  sizing := sizings[1];

  return query select * from learning.explain_size(candidate, sizing);
  if sizing.ignored <> '{}' then
    return next 'Ignored, as no dimension has that name: ' || learning.ignored_in_words(sizing.ignored);
  end if;
  if not adds then
    return next format(
      'An action of category %s is steered, but neither scaled nor skewed', candidate.action_category
    );
  end if;
  return next learning.explain_strength(candidate, sizing, context);
  return query select * from learning.explain_calibration(
    candidate.pattern_key, candidate.action_category, candidate.scope, candidate.as_of, context.config
  );
  return query select * from learning.explain_contributions(sizing.overrides, context.config);
  return query select * from learning.explain_idle_overrides(candidate, context.config, 10);
  if adds then
    return query select * from learning.explain_crowding(sizing.exposure, sizing.exposure_skew);
  end if;
  return query
  select format('Mode %s would have said: strength %s, size %s, appetite %s, assertiveness %s', shadow.mode,
    learning.rounded((shadow.outcome ->> 'pm_strength')::float8),
    learning.rounded((shadow.outcome ->> 'size_frac')::float8),
    learning.rounded((shadow.outcome ->> 'a_final')::float8),
    learning.rounded((shadow.outcome ->> 'e_final')::float8))
  from jsonb_each(sizing.shadow) as shadow(mode, outcome)
  order by shadow.mode desc;
  return next format('Configuration version %s', sizing.config_version);
end
$function$;
CREATE OR REPLACE FUNCTION public.finish_mining_group(p_group_id bigint, p_lease_token uuid, p_lessons jsonb, p_effects jsonb DEFAULT NULL::jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  leased_group constant learning.mining_groups := learning.require_lease(p_group_id, p_lease_token);
  changes learning.lesson_change[];
  snapshots integer;
  logged integer;
begin
  changes := array(select change from learning.write_lessons(leased_group, p_lessons) as change);
  snapshots := learning.remember_edges(changes);
  logged := learning.log_lessons(changes);
  -- A miner of before there were effects gives none; one that measured nothing gives none of anything.
  if p_effects is not null then
    perform learning.write_effects(leased_group, p_effects);
  end if;
  perform learning.end_run(leased_group);
  return learning.count_outcomes(changes) || jsonb_build_object('snapshots', snapshots, 'logged', logged);
end
$function$;
CREATE OR REPLACE FUNCTION public.get_dm_allocation(timeframe text, scope jsonb DEFAULT '{}'::jsonb)
 RETURNS public.dm_allocation
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  answer public.dm_allocation;
begin
  perform learning.require_pm();
  if timeframe is null or btrim(timeframe) = '' then
    perform learning.refuse_argument('timeframe', 'a timeframe such as 1h', timeframe);
  end if;
  perform learning.check_scope(scope);
  timeframe := btrim(timeframe);
  scope := public.unified_scope(null, scope || jsonb_build_object('timeframe', timeframe), null);

  select (effective_config.config ->> 'default_allocation_pct')::float8, effective_config.version
  into answer.base, answer.config_version
  from learning.effective_configs effective_config
  where effective_config.module_id = 'decision_maker';
  select allocation.current_allocation into answer.share
  from public.timeframe_allocation allocation
  where allocation.timeframe = get_dm_allocation.timeframe;
  select blend.multiplier, blend.contributions into answer.multiplier, answer.overrides
  from learning.blend_allocation_overrides(scope, now(), learning.config()) as blend;
  answer.product := answer.base * answer.share * answer.multiplier;
  answer.computed_at := clock_timestamp();
  return answer;
end
$function$;
CREATE OR REPLACE FUNCTION public.get_pm_sizing_batch(candidates jsonb)
 RETURNS SETOF public.pm_sizing_in_batch
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  batch record;
  sizings public.pm_sizing[];
begin
  perform learning.require_pm();
  perform learning.check_batch(candidates);
  batch := learning.read_candidates(candidates, false);
  sizings := learning.size_candidates(batch.readable);
  return query
  select sizing.mode, sizing.base_alloc_pct, sizing.timeframe_share, sizing.size_frac_raw, sizing.pm_strength,
    sizing.exposure_skew, sizing.size_frac, sizing.max_alloc_pct, sizing.a_final, sizing.e_final,
    sizing.confidence, sizing.steer_max, sizing.overrides, sizing.exposure, sizing.shadow,
    sizing.config_version, sizing.computed_at, answer.place, batch.errors -> answer.place::text,
    sizing.ignored
  from generate_series(1, jsonb_array_length(candidates)) as answer(place)
  left join unnest(batch.places, sizings) as sizing(place) on sizing.place = answer.place
  order by answer.place;
end
$function$;
CREATE OR REPLACE FUNCTION public.pin_override(id bigint, patch jsonb, reason text)
 RETURNS public.pm_overrides
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  editable constant text[] := array[
    'multiplier', 'dir_a', 'dir_e', 'value', 'edge_raw', 'confidence_score', 'half_life_hours'
  ];
  former constant text := learning.take_wheel(reason);
  edited public.pm_overrides := learning.override_by_hand(id);
  stranger text;
begin
  if patch is null or jsonb_typeof(patch) <> 'object' then
    perform learning.refuse_argument('patch', 'an object of figures', learning.beginning(patch));
  end if;
  select min(pair.key) into stranger
  from jsonb_each(patch) as pair
  where pair.key <> all (editable) or jsonb_typeof(pair.value) not in ('number', 'null');
  if stranger is not null then
    perform learning.refuse_argument('patch', 'numbers of ' || array_to_string(editable, ', '), stranger);
  end if;
  edited := jsonb_populate_record(edited, patch);
  update public.pm_overrides override
  set control = 'pinned', enabled = true, multiplier = edited.multiplier, dir_a = edited.dir_a,
    dir_e = edited.dir_e, value = edited.value, edge_raw = edited.edge_raw,
    confidence_score = edited.confidence_score, half_life_hours = edited.half_life_hours
  where override.id = edited.id
  returning override.* into edited;
  perform set_config('learning.reason', former, true);
  return edited;
end
$function$;
CREATE OR REPLACE FUNCTION public.prepare_mining(p_seconds double precision)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return learning.refresh_decisions(clock_timestamp() + p_seconds * interval '1 second');
end
$function$;
CREATE OR REPLACE FUNCTION public.prune_learning(p_batch integer DEFAULT 1000000)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  log_lines integer := 0;
  run_details integer := 0;
  doorbells integer := 0;
  snapshots integer := 0;
  changes integer := 0;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('prune', 0)) then
    return jsonb_build_object('skipped', 'another run is under way');
  end if;

  delete from public.learning_log log_line
  where log_line.id in (
    select old_log_line.id
    from public.learning_log old_log_line
    where old_log_line.at < now() - learning.log_retention()
    order by old_log_line.at
    limit p_batch
  );
  get diagnostics log_lines = row_count;

  delete from learning.doorbells doorbell
  where doorbell.id in (
    select old_doorbell.id
    from learning.doorbells old_doorbell
    where old_doorbell.rung_at < now() - interval '1 day'
    order by old_doorbell.rung_at
    limit p_batch
  );
  get diagnostics doorbells = row_count;

  changes := learning.prune_history(p_batch);
  snapshots := learning.prune_edge_history(array(
    select snapshot.lesson_id
    from public.learning_edge_history snapshot
    group by snapshot.lesson_id
    having count(*) > 500
  ));

  begin
    delete from cron.job_run_details run
    where run.runid in (
      select old_run.runid
      from cron.job_run_details old_run
      -- Details of other jobs are their owners' business.
      join cron.job job on job.jobid = old_run.jobid and starts_with(job.jobname, 'edgeloop-')
      where old_run.end_time < now() - learning.log_retention()
      order by old_run.runid
      limit p_batch
    );
    get diagnostics run_details = row_count;
  exception when insufficient_privilege then
    perform learning.write_log_hourly('WARNING', 'prune', 'run_details_kept',
      'Run details of pg_cron could not be pruned: ' || sqlerrm);
  end;
  return jsonb_build_object(
    'log_lines', log_lines, 'run_details', run_details, 'doorbells', doorbells, 'snapshots', snapshots,
    'changes', changes, 'sizings', learning.prune_sizings(p_batch)
  );
end
$function$;
CREATE OR REPLACE FUNCTION public.prune_strands(before timestamp with time zone)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET jit TO 'off'
AS $function$
declare
  deadline constant timestamptz := clock_timestamp() + interval '2 seconds';
  strands bigint := 0;
  subjects jsonb := '{"trade": 0, "episode": 0}'::jsonb;
  subject_kind text;
  place text;
  next_subject text;
  removed integer;
  is_late boolean := false;
begin
  if before is null then
    raise exception using
      errcode = '22023', message = 'before is null: expected the time before which strands are removed',
      hint = 'before';
  end if;
  if not pg_try_advisory_xact_lock(hashtextextended('prune strands', 0)) then
    return jsonb_build_object('skipped', 'another run is under way');
  end if;
  loop
    removed := learning.prune_unlearned(before);
    strands := strands + removed;
    exit when removed = 0;
    is_late := clock_timestamp() > deadline;
    exit when is_late;
  end loop;
  foreach subject_kind in array array['trade', 'episode'] loop
    place := '';
    while place is not null and not is_late loop
      next_subject := null;
      for next_subject in
        select learning.subjects_to_prune(subject_kind, before, place)
      loop
        removed := learning.prune_subject(subject_kind, next_subject, before);
        strands := strands + removed;
        subjects := jsonb_set(subjects, array[subject_kind],
          to_jsonb((subjects ->> subject_kind)::integer + sign(removed)::integer));
        -- Afterwards, so that each call gets on however slow it is.
        is_late := clock_timestamp() > deadline;
        exit when is_late;
      end loop;
      place := next_subject;
    end loop;
  end loop;
  return jsonb_build_object('strands', strands, 'trades', subjects -> 'trade',
    'episodes', subjects -> 'episode', 'more', is_late);
end
$function$;
CREATE OR REPLACE FUNCTION public.read_calibration_sums()
 RETURNS jsonb
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select coalesce(jsonb_agg(jsonb_build_object(
    'module', due_sum.module, 'action_category', due_sum.action_category, 'sums_digest', due_sum.sums_digest,
    'basis', (
      select jsonb_build_object('n', basis.n, 'mean', basis.mean, 'sigma', basis.sigma)
      from learning.effect_bases basis
      where basis.module = due_sum.module and basis.action_category = due_sum.action_category
    ),
    'sums', case
      when exists (
        select from public.learning_effect_groups effect_group
        where effect_group.module = due_sum.module and effect_group.action_category = due_sum.action_category
      ) then learning.category_sums(due_sum.module, due_sum.action_category)
    end
  ) order by due_sum.module, due_sum.action_category), '[]'::jsonb)
  from learning.sums_to_calibrate() as due_sum;
$function$;
CREATE OR REPLACE FUNCTION public.read_category_days(p_group_id bigint)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  read_group learning.mining_groups;
  known jsonb;
begin
  select mining_group.* into read_group
  from learning.mining_groups mining_group
  where mining_group.id = p_group_id;
  -- Without a run there is nothing to keep.
  if read_group.run ->> 'cycle' is null then
    return learning.measure_category_days(read_group);
  end if;
  for attempt in 1..2 loop
    select category_day.packed into known
    from learning.category_days category_day
    where category_day.module = read_group.module
      and category_day.action_category = read_group.action_category
      and category_day.cycle = (read_group.run ->> 'cycle')::bigint
      and category_day.settings = read_group.run ->> 'settings';
    exit when known is not null or attempt = 2;
    -- One measures, and the others wait for it.
    perform pg_advisory_xact_lock(
      hashtextextended('category days ' || read_group.module || ' ' || read_group.action_category, 0)
    );
  end loop;
  if known is null then
    known := learning.measure_category_days(read_group);
    insert into learning.category_days as category_day (module, action_category, cycle, settings, packed)
    values (read_group.module, read_group.action_category, (read_group.run ->> 'cycle')::bigint,
      read_group.run ->> 'settings', known)
    on conflict (module, action_category) do update set
      cycle = excluded.cycle, settings = excluded.settings, packed = excluded.packed
    -- A run that is left from an earlier cycle takes nothing from those of this one.
    where category_day.cycle <= excluded.cycle;
  end if;
  return known;
end
$function$;
CREATE OR REPLACE FUNCTION public.read_category_decisions(p_module text, p_action_category text)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  packed jsonb;
begin
  execute format(
    $query$
      select jsonb_build_object(%s, %s)
      from (
        select decision.steering_roi, decision.did_trim, decision.reached_s3
        from (
          select group_decision.*
          from learning.group_decisions group_decision
          join learning.mining_groups mining_group on mining_group.id = group_decision.group_id
          where mining_group.module = $1 and mining_group.action_category = $2
          order by mining_group.pattern_key collate "C"
        ) as in_order
        cross join lateral unnest(
          in_order.outcome, in_order.steering_roi, in_order.did_trim, in_order.reached_s3
        ) as decision(outcome, steering_roi, did_trim, reached_s3)
        where decision.outcome is not null
      ) as packed_row
    $query$,
    learning.packed_columns('float8', array['steering_roi']),
    learning.packed_columns('boolean', array['did_trim', 'reached_s3'])
  )
  into packed
  using p_module, p_action_category;
  return packed;
end
$function$;
CREATE OR REPLACE FUNCTION public.read_claimed_strands(p_claims jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
declare
  deadline constant timestamptz := clock_timestamp() + interval '1 second';
  claimed record;
  measured record;
  faults jsonb;
  bytes bigint := 0;
  fitting text[] := '{}'::text[];
  unfit jsonb := '[]'::jsonb;
  last_place bigint := 0;
begin
  -- One after the other, because unpacking documents only to find that they are too many takes longer than a
  -- statement may.
  for claimed in
    select claim.place, claim.revision, strand.id, strand.module, strand.kind, strand.symbol,
      strand.timeframe, strand.content, strand.regime_context
    from rows from (jsonb_to_recordset(p_claims) as (id text, revision integer)) with ordinality
      as claim(id, revision, place)
    join public.strand_receipts receipt
      on receipt.strand_id = claim.id and receipt.revision = claim.revision and receipt.status = 'pending'
    join public.ad_strands strand on strand.id = claim.id
    order by claim.place
  loop
    exit when last_place > 0 and clock_timestamp() > deadline;
    measured := learning.measure_strand(claimed.content, claimed.regime_context);
    faults := measured.faults || learning.label_faults(claimed.id, claimed.module, claimed.kind,
      claimed.symbol, claimed.timeframe);
    if faults <> '[]' then
      unfit := unfit || jsonb_build_object('id', claimed.id, 'revision', claimed.revision, 'errors', faults);
    else
      exit when fitting <> '{}' and bytes + measured.bytes > learning.size_limit('claim_bytes');
      bytes := bytes + measured.bytes;
      fitting := fitting || claimed.id;
    end if;
    last_place := claimed.place;
  end loop;
  if unfit <> '[]' then
    -- By the way of every refusal, because an earlier form of the strand may have taken effect.
    perform public.apply_strands('[]', unfit);
  end if;
  perform learning.return_strands(
    jsonb_path_query_array(p_claims, format('$[%s to last]', last_place)::jsonpath)
  )
  where last_place < jsonb_array_length(p_claims);
  return (
    -- Documents as text, so that they arrive as they are: what carries them may not be able to hold their
    -- numbers.
    select coalesce(jsonb_agg(jsonb_build_object(
      'id', strand.id, 'revision', receipt.revision, 'kind', strand.kind, 'module', strand.module,
      'created_at', strand.created_at, 'content', strand.content::text,
      'regime_context', strand.regime_context::text, 'received_at', receipt.received_at
    ) order by receipt.event_at, strand.id), '[]')
    from public.ad_strands strand
    join public.strand_receipts receipt on receipt.strand_id = strand.id
    where strand.id = any (fitting)
  );
end
$function$;
CREATE OR REPLACE FUNCTION public.read_edge_history(p_group_id bigint)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select coalesce(jsonb_agg(
    jsonb_build_object('scope_subset', series.scope_subset, 'ts', series.ts, 'edge', series.edge)
  ), '[]'::jsonb)
  from (
    select lesson.scope_subset,
      jsonb_agg(extract(epoch from snapshot.ts)::float8 * 1000 order by snapshot.ts) as ts,
      jsonb_agg(snapshot.edge * snapshot.scale order by snapshot.ts) as edge
    from learning.mining_groups mining_group
    join public.learning_lessons lesson using (module, pattern_key, action_category)
    join public.learning_edge_history snapshot on snapshot.lesson_id = lesson.id
    where mining_group.id = p_group_id
    group by lesson.id, lesson.scope_subset
  ) as series;
$function$;
CREATE OR REPLACE FUNCTION public.read_experiment()
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  config constant jsonb := learning.config();
  categories jsonb := '[]'::jsonb;
  category text;
  packed jsonb;
begin
  if not exists (select from public.pm_sizings sizing where sizing.holdout > 0) then
    return categories;
  end if;
  foreach category in array array['entry', 'add'] loop
    execute format(
      $query$
        select jsonb_build_object(%s, %s, %s)
        from (
          select decision.outcome, least(decision.acted_at, now()) as acted_at, sizing.held_out,
            sizing.learned_strength as strength,
            coalesce(learning.finite_number(strand.content -> 'size_frac'), sizing.size_frac) as size
          from (
            select distinct on (event.trade_id, event.module, event.pattern_key) event.action_strand_id,
              event.acted_at, event.%I as outcome
            from public.pattern_trade_events event
            where event.action_category = $1 and event.traded_at >= now() - learning.sizing_retention()
            order by event.trade_id, event.module, event.pattern_key, event.acted_at,
              event.action_strand_id collate "C"
          ) as decision
          join public.ad_strands strand on strand.id = decision.action_strand_id
          join public.pm_sizings sizing on sizing.id = learning.sizing_of_action(strand)
          where sizing.holdout > 0 and sizing.subject is not null and decision.outcome is not null
        ) as packed_row
      $query$,
      learning.packed_columns('float8', array['outcome', 'size', 'strength']),
      learning.packed_columns('timestamptz', array['acted_at']),
      learning.packed_columns('boolean', array['held_out']), learning.outcome_column(category, config)
    )
    into packed
    using category;
    categories := categories || jsonb_build_array(packed || jsonb_build_object('category', category));
  end loop;
  return categories;
end
$function$;
CREATE OR REPLACE FUNCTION public.read_live_decisions(p_after_group bigint DEFAULT 0, p_after_override bigint DEFAULT 0, p_budget_ms integer DEFAULT 1000)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  deadline constant timestamptz := clock_timestamp() + make_interval(secs => p_budget_ms / 1000.0);
  after_group bigint := p_after_group;
  after_override bigint := p_after_override;
  rows_read bigint := 0;
  keys jsonb := '[]'::jsonb;
  piece jsonb;
  key record;
begin
  if after_group = 0 then
    delete from learning.live_records record
    where not exists (select from public.pm_overrides override where override.id = record.override_id);
  end if;
  perform learning.act_as('loop', 'live record');
  loop
    select min(mining_group.id) as id, mining_group.family, mining_group.lesson_type,
      mining_group.pattern_key, mining_group.action_category, array_agg(mining_group.module) as modules,
      jsonb_object_agg(mining_group.id, mining_group.mined_at) as mined
    into key
    from learning.mining_groups mining_group
    left join learning.watched_groups watched_group on watched_group.group_id = mining_group.id
    where mining_group.mined_at is not null
    group by mining_group.family, mining_group.lesson_type, mining_group.pattern_key,
      mining_group.action_category
    having min(mining_group.id) >= after_group + (after_override = 0)::integer
      and bool_or(mining_group.mined_at is distinct from watched_group.mined_at)
      and exists (
        select from public.pm_overrides override
        where override.pattern_key = mining_group.pattern_key and case mining_group.family
          when 'tuning' then override.override_type = 'pm_tuning'
            and override.action_category = any (learning.gate_levers())
          else override.override_type = mining_group.lesson_type
            and override.action_category = mining_group.action_category
        end
      )
    order by min(mining_group.id)
    limit 1;
    exit when key.id is null or (
      keys <> '[]' and (clock_timestamp() >= deadline or rows_read > 100000)
    );
    if key.id <> after_group then
      after_override := 0;
    end if;
    if key.family = 'tuning' then
      piece := learning.live_windows(key.pattern_key, after_override);
    else
      perform learning.promise_of_key(key.lesson_type, key.pattern_key, key.action_category);
      piece := learning.live_decisions(key.lesson_type, key.pattern_key, key.action_category, key.modules,
        after_override);
    end if;
    keys := keys || jsonb_build_array(piece || jsonb_build_object('family', key.family, 'mined', key.mined,
      'basis', (
        select to_jsonb(base) from learning.baseline_of(key.action_category) as base
        where base.n is not null
      )));
    rows_read := rows_read + (piece ->> 'rows')::bigint;
    after_group := key.id;
    after_override := coalesce((piece ->> 'last_override')::bigint, 0);
  end loop;
  perform learning.act_as('');
  return jsonb_build_object('keys', keys, 'now', extract(epoch from now())::float8 * 1000, 'next', case
    when key.id is not null then jsonb_build_object('group', after_group, 'override', after_override)
  end);
end
$function$;
CREATE OR REPLACE FUNCTION public.read_mining_group(p_group_id bigint)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  read_group learning.mining_groups;
  config jsonb;
  packed jsonb;
begin
  select mining_group.* into read_group
  from learning.mining_groups mining_group
  where mining_group.id = p_group_id;
  config := coalesce(read_group.run -> 'config', learning.config());
  execute format(
    $query$
      select jsonb_build_object('rows', count(*)::integer, %s, %s, %s, 'dimensions', jsonb_build_object(%s))
      from (
        select first_event.%I as outcome, first_event.%I as steering_roi, first_event.duration_hours,
          first_event.time_to_s3_hours, first_event.could_enter_better, first_event.could_exit_better,
          first_event.did_trim, first_event.reached_s3, first_event.scope_codes,
          least(first_event.acted_at, $5) as acted_at, least(first_event.traded_at, $5) as traded_at
        from (
          select distinct on (event.trade_id) event.*
          from public.pattern_trade_events event
          where event.module = $1 and event.pattern_key = $2 and event.action_category = $3 and event.id <= $4
          order by event.trade_id, event.acted_at, event.action_strand_id collate "C"
        ) as first_event
        where first_event.%I is not null
        order by first_event.traded_at, first_event.trade_id collate "C"
      ) as packed_row
    $query$,
    learning.packed_columns('float8', array[
      'outcome', 'steering_roi', 'duration_hours', 'time_to_s3_hours', 'could_enter_better',
      'could_exit_better'
    ]),
    learning.packed_columns('timestamptz', array['acted_at', 'traded_at']),
    learning.packed_columns('boolean', array['did_trim', 'reached_s3']),
    learning.packed_codes('integer'),
    learning.outcome_column(read_group.action_category, config),
    learning.steering_column(read_group.action_category, config),
    learning.outcome_column(read_group.action_category, config)
  )
  into packed
  using read_group.module, read_group.pattern_key, read_group.action_category,
    (read_group.run ->> 'last_event_id')::bigint,
    coalesce((read_group.run ->> 'started_at')::timestamptz, now());
  return packed;
end
$function$;
CREATE OR REPLACE FUNCTION public.read_own_direction(p_group_id bigint)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select jsonb_build_object('dir_a', category_direction.dir_a, 'dir_e', category_direction.dir_e)
  from learning.mining_groups mining_group
  join learning.category_directions category_direction using (module, action_category)
  where mining_group.id = p_group_id
    and category_direction.cycle = (mining_group.run ->> 'cycle')::bigint
    and category_direction.settings = mining_group.run ->> 'settings';
$function$;
CREATE OR REPLACE FUNCTION public.read_tuning_windows(p_group_id bigint, p_looks_back_to timestamp with time zone DEFAULT NULL::timestamp with time zone, p_after jsonb DEFAULT NULL::jsonb, p_limit integer DEFAULT 25000, p_gates boolean DEFAULT false)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  read_group learning.mining_groups;
  looks_back_to timestamptz := coalesce(p_looks_back_to, learning.tuning_lookback());
  code_bytes integer := case
    when (select max(scope_value.code) from learning.scope_values scope_value) >= 32768 then 4
    else 2
  end;
  packed_gates text := (
    select string_agg(learning.packing('float8', format('packed_row.gates[%s]', place)), ', ' order by place)
    from generate_series(1, 6) as place
  );
  packed jsonb;
begin
  select mining_group.* into read_group
  from learning.mining_groups mining_group
  where mining_group.id = p_group_id;
  execute format(
    $query$
      with packed_row as materialized (
        select episode.id, episode.occurred_at as place, least(episode.occurred_at, $7) as occurred_at,
          episode.scope_codes, episode.gates,
          (episode.decision = 'acted')::integer + 2 * (episode.outcome = 'success')::integer
            + 4 * (episode.outcome = 'failure')::integer
            + 8 * (not episode.blocked_by <@ array['ts', 'slope', 'halo'])::integer
            + 16 * learning.episode_half(episode.episode_id) as flags
        from public.pattern_episode_events episode
        where episode.pattern_key = $1 and episode.outcome is not null
          and episode.occurred_at >= $2
          and (episode.occurred_at, episode.id) > ($3, $4)
          and episode.id <= $5
        order by episode.occurred_at, episode.id
        limit $6
      )
      select jsonb_build_object(
        'rows', count(*)::integer,
        'next', case when count(*) = $6 then (
          select jsonb_build_object('occurred_at', newest_row.place, 'id', newest_row.id)
          from packed_row newest_row order by newest_row.place desc, newest_row.id desc limit 1
        ) end,
        'gates', %s,
        'dimensions', jsonb_build_object(%s),
        %s, %s
      )
      from packed_row
    $query$,
    case when p_gates then format('jsonb_build_array(%s)', packed_gates) else 'null::jsonb' end,
    learning.packed_codes(case code_bytes when 2 then 'smallint' else 'integer' end),
    learning.packed_columns('timestamptz', array['occurred_at']),
    learning.packed_columns('integer', array['flags'])
  )
  into packed
  using read_group.pattern_key, coalesce(looks_back_to, 'infinity'),
    coalesce((p_after ->> 'occurred_at')::timestamptz, '-infinity'), coalesce((p_after ->> 'id')::bigint, 0),
    coalesce((read_group.run ->> 'last_event_id')::bigint, 9223372036854775807), p_limit,
    coalesce((read_group.run ->> 'started_at')::timestamptz, now());
  return packed || jsonb_build_object('looks_back_to', looks_back_to, 'code_bytes', code_bytes);
end
$function$;
CREATE OR REPLACE FUNCTION public.reconcile_overrides(p_after bigint DEFAULT 0, p_limit integer DEFAULT 1000, p_budget_ms integer DEFAULT 1200)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
declare
  deadline constant timestamptz := clock_timestamp() + make_interval(secs => p_budget_ms / 1000.0);
  pass learning.strength_reconciliation;
  span learning.key_span;
  done jsonb;
  spans integer := 0;
  created bigint := 0;
  changed bigint := 0;
  disabled bigint := 0;
begin
  -- Whoever else works on it is waited for: a piece is short.
  select reconciliation.* into strict pass
  from learning.strength_reconciliation reconciliation
  where reconciliation.single
  for update;
  if p_after = 0 and (pass.started_at is null or pass.finished_at is not null) then
    pass := (true, pass.run + 1, now(), null, 0, null, null);
  end if;
  perform learning.act_as('loop', 'strength ' || pass.run);
  -- A pass that somebody else brought to its end is over.
  while pass.finished_at is null and p_after in (0, pass.run) loop
    span := case
      when pass.span_under_way is null then learning.next_keys(pass.after_group_id, p_limit)
      else jsonb_populate_record(null::learning.key_span, pass.span_under_way)
    end;
    if span.group_ids is null then
      pass.finished_at := clock_timestamp();
      exit;
    end if;
    -- A large key has a piece to itself from its beginning, so that all of it fits in where it can.
    exit when spans > 0 and (
      clock_timestamp() >= deadline or (pass.span_under_way is null and span.step = 'lapse')
    );
    span.last_digest := learning.end_of_span(span, p_limit);
    done := learning.reconcile_span(span);
    pass := learning.after_span(pass, span);
    spans := spans + 1;
    created := created + (done ->> 'created')::bigint;
    changed := changed + (done ->> 'changed')::bigint;
    disabled := disabled + (done ->> 'disabled')::bigint;
  end loop;
  update learning.strength_reconciliation reconciliation
  set run = pass.run, started_at = pass.started_at, finished_at = pass.finished_at,
    after_group_id = pass.after_group_id, span_under_way = pass.span_under_way,
    leased_until = case when pass.finished_at is null then learning.lease_end() end
  where reconciliation.single;
  perform learning.act_as('');
  return jsonb_build_object(
    'next', case when pass.finished_at is null and p_after in (0, pass.run) then pass.run end,
    'created', created, 'changed', changed, 'disabled', disabled
  );
end
$function$;
CREATE OR REPLACE FUNCTION public.reconcile_tuning_overrides(p_after bigint DEFAULT 0, p_limit integer DEFAULT 500, p_largest_p_value double precision DEFAULT NULL::double precision, p_lessons integer DEFAULT 0)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  lesson_ids constant bigint[] := array(
    select lesson.id
    from public.learning_lessons lesson
    where lesson.lesson_type = 'tuning_rates' and lesson.id > p_after
    order by lesson.id
    limit p_limit
  );
  luck constant text := learning.luck_among(p_lessons, p_largest_p_value);
  -- Those of lessons that are gone altogether, once everything else is done.
  orphaned_ids bigint[] := '{}'::bigint[];
  next_id bigint := lesson_ids[p_limit];
  judged bigint;
  wanted_overrides learning.wanted_override[];
  lapsed_overrides learning.lapsed_override[];
  done jsonb;
begin
  perform learning.act_as('loop', 'tuning');
  judged := learning.judge_simulations(lesson_ids, p_lessons, p_largest_p_value);
  if next_id is null then
    orphaned_ids := learning.orphaned_tuning_overrides(p_limit);
    -- As many as it takes may be left.
    if cardinality(orphaned_ids) = p_limit then
      next_id := coalesce(lesson_ids[cardinality(lesson_ids)], p_after);
    end if;
  end if;
  -- In one statement, so that both are of one moment.
  with wanted as materialized (
    select wanted.* from learning.tuning_overrides(lesson_ids) as wanted
  ),
  former as (
    select override.* from public.pm_overrides override
    where override.override_type = 'pm_tuning'
      and (override.lesson_id = any (lesson_ids) or override.id = any (orphaned_ids))
    union
    select override.* from public.pm_overrides override
    where override.override_type = 'pm_tuning' and override.control <> 'auto'
      and (override.proposed ->> 'lesson_id')::bigint = any (lesson_ids)
  )
  select array(select wanted::learning.wanted_override from wanted),
    array(
      select (former.id, learning.tuning_lapse_reason(former.lesson_id, luck))::learning.lapsed_override
      from former
      where (former.pattern_key, former.action_category, former.scope_digest)
          not in (select wanted.pattern_key, wanted.action_category, wanted.scope_digest from wanted)
        and (former.control <> 'auto' or former.enabled)
    )
  into wanted_overrides, lapsed_overrides;
  done := learning.reconcile(wanted_overrides, lapsed_overrides);
  perform learning.promise_of_moves(lesson_ids);
  if next_id is null then
    -- What was learned since then waits for its simulation.
    update learning.mining_groups mining_group
    set lagging_since = null
    from learning.tuning_groups tuning_group
    where tuning_group.group_id = mining_group.id and mining_group.lagging_since is not null
      and tuning_group.run is null and tuning_group.lessons_version = tuning_group.simulated_version;
  end if;
  perform learning.act_as('');
  return jsonb_build_object('next', next_id, 'judged', judged) || done;
end
$function$;
CREATE OR REPLACE FUNCTION public.release_override(id bigint, reason text)
 RETURNS public.pm_overrides
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  former constant text := learning.take_wheel(reason);
  released public.pm_overrides := learning.override_by_hand(id);
begin
  if released.lesson_id is null then
    raise exception using
      errcode = '22023',
      message = format('Override %s was made by hand: the loop has nothing to say of it', released.id),
      hint = 'Switch it off, or delete it.';
  end if;
  update public.pm_overrides override
  set control = 'auto',
    disabled_reason = case when not override.enabled then 'Given back to the loop' end
  where override.id = released.id
  returning override.* into released;
  perform set_config('learning.reason', former, true);
  return released;
end
$function$;
CREATE OR REPLACE FUNCTION public.restore_overrides(as_of timestamp with time zone, reason text)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  former constant text := learning.take_wheel(reason);
  came bigint[];
  rows_then public.pm_overrides[];
  restored integer;
  set_off integer;
  put_back integer;
begin
  if not coalesce(as_of between now() - learning.history_retention() and now(), false) then
    perform learning.refuse_argument('as_of',
      format('a time within the last %s days', extract(day from learning.history_retention())), as_of::text);
  end if;
  select array_agg(former_override.override_id) filter (where not former_override.existed),
    array_agg(jsonb_populate_record(null::public.pm_overrides, former_override.state))
      filter (where former_override.existed)
  into came, rows_then
  from learning.overrides_as_of(as_of) as former_override;

  update public.pm_overrides override
  set control = 'off', enabled = false, disabled_reason = reason
  where override.id = any (came) and override.control <> 'off';
  get diagnostics set_off = row_count;

  update public.pm_overrides override
  set control = case when past.enabled then 'pinned' else 'off' end,
    enabled = past.enabled,
    disabled_reason = case
      when not past.enabled then coalesce(past.disabled_reason, reason)
    end,
    multiplier = past.multiplier, dir_a = past.dir_a, dir_e = past.dir_e, value = past.value,
    edge_raw = past.edge_raw, n = past.n, variance = past.variance, confidence_score = past.confidence_score,
    decay_state = past.decay_state, half_life_hours = past.half_life_hours, lesson_id = past.lesson_id,
    last_evidence_at = past.last_evidence_at
  from unnest(rows_then) as past
  where override.id = past.id
    and (override.enabled, override.multiplier, override.dir_a, override.dir_e, override.value,
        override.edge_raw, override.confidence_score, override.half_life_hours)
      is distinct from (past.enabled, past.multiplier, past.dir_a, past.dir_e, past.value, past.edge_raw,
        past.confidence_score, past.half_life_hours);
  get diagnostics restored = row_count;

  insert into public.pm_overrides (
    id, override_type, pattern_key, action_category, scope_subset, multiplier, dir_a, dir_e, value, edge_raw,
    n, variance, confidence_score, decay_state, half_life_hours, lesson_id, enabled, disabled_reason,
    first_active_at, last_evidence_at, control, evidence_from, promised, baseline, baseline_sigma
  )
  select past.id, past.override_type, past.pattern_key, past.action_category, past.scope_subset,
    past.multiplier, past.dir_a, past.dir_e, past.value, past.edge_raw, past.n, past.variance,
    past.confidence_score, past.decay_state, past.half_life_hours, past.lesson_id, past.enabled,
    past.disabled_reason, past.first_active_at, past.last_evidence_at,
    case when past.enabled then 'pinned' else 'off' end, past.evidence_from, past.promised, past.baseline,
    past.baseline_sigma
  from unnest(rows_then) as past
  where not exists (
    select from public.pm_overrides override
    where override.id = past.id or (override.override_type, override.pattern_key,
        override.action_category, override.scope_subset)
      = (past.override_type, past.pattern_key, past.action_category, past.scope_subset)
  );
  get diagnostics put_back = row_count;
  perform set_config('learning.reason', former, true);
  return jsonb_build_object('restored', restored, 'set_off', set_off, 'put_back', put_back);
end
$function$;
CREATE OR REPLACE FUNCTION public.save_live_records(p_records jsonb, p_watched jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  broken bigint[];
  returning_ids bigint[];
  disabled integer;
  returned integer;
begin
  perform learning.act_as('loop', 'live record');
  insert into learning.live_records as record (override_id, n, mean, e_value)
  select given.override_id, given.n, given.mean, given.e_value
  from jsonb_to_recordset(p_records) as given(override_id bigint, n integer, mean float8, e_value float8)
  on conflict (override_id) do update
  set n = excluded.n, mean = excluded.mean, e_value = excluded.e_value, recorded_at = now()
  where (record.n, record.mean, record.e_value)
    is distinct from (excluded.n, excluded.mean, excluded.e_value);
  select array_agg(given.override_id) filter (where given.verdict = 'broken'),
    array_agg(given.override_id) filter (where given.verdict = 'returns')
  into broken, returning_ids
  from jsonb_to_recordset(p_records) as given(override_id bigint, verdict text);
  disabled := learning.disable_overrides(array(
    select (override.id, learning.reason_of_broken_promise(override, record))::learning.lapsed_override
    from public.pm_overrides override
    join learning.live_records record on record.override_id = override.id
    where override.id = any (broken)
  ));
  update public.pm_overrides override
  set evidence_from = now()
  where override.id = any (broken) and learning.has_broken_promise(override);
  returned := learning.return_overrides(returning_ids);
  insert into learning.watched_groups as watched_group (group_id, mined_at)
  select watched.key::bigint, watched.value::timestamptz
  from jsonb_each_text(p_watched) as watched
  on conflict (group_id) do update set mined_at = excluded.mined_at
  where watched_group.mined_at <> excluded.mined_at;
  perform learning.act_as('');
  return jsonb_build_object('disabled', disabled, 'returned', returned);
end
$function$;
CREATE OR REPLACE FUNCTION public.save_own_direction(p_group_id bigint, p_dir_a double precision, p_dir_e double precision)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  insert into learning.category_directions as category_direction (
    module, action_category, cycle, settings, dir_a, dir_e
  )
  select mining_group.module, mining_group.action_category, (mining_group.run ->> 'cycle')::bigint,
    mining_group.run ->> 'settings', p_dir_a, p_dir_e
  from learning.mining_groups mining_group
  where mining_group.id = p_group_id and mining_group.run ? 'cycle'
  on conflict (module, action_category) do update set
    cycle = excluded.cycle, settings = excluded.settings, dir_a = excluded.dir_a, dir_e = excluded.dir_e
  -- A run that is left from an earlier cycle takes nothing from those of this one.
  where category_direction.cycle <= excluded.cycle;
$function$;
CREATE OR REPLACE FUNCTION public.save_uplift(p_figures jsonb)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  saved integer;
begin
  insert into learning.uplift_figures as uplift (action_category, figures)
  select given.key, given.value from jsonb_each(p_figures) as given
  on conflict (action_category) do update set figures = excluded.figures, measured_at = now()
  where uplift.figures <> excluded.figures;
  get diagnostics saved = row_count;
  return saved;
end
$function$;
CREATE OR REPLACE FUNCTION public.set_config(module text, patch jsonb, reason text)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  former constant text := learning.take_wheel(reason);
begin
  if not exists (select from learning.settings setting where setting.module_id = module) then
    perform learning.refuse_argument('module', 'pm or decision_maker', module);
  elsif patch is null or jsonb_typeof(patch) <> 'object'
    or learning.size_fault(patch, learning.size_limit('scope_bytes')) is not null then
    perform learning.refuse_argument('patch', 'an object of settings', learning.beginning(patch));
  end if;
  insert into public.learning_configs as written_config (module_id, config_data, updated_by)
  values (module, learning.patched('{}', patch, module, '{}'), learning.actor())
  on conflict (module_id) do update
  set config_data = learning.patched(written_config.config_data, patch, module, '{}'),
    updated_by = excluded.updated_by;
  perform set_config('learning.reason', former, true);
  return learning.config(module);
end
$function$;
CREATE OR REPLACE FUNCTION public.start_mining(p_family text)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  due bigint[];
begin
  -- Holding the row keeps a second cycle from beginning on baselines that are being measured.
  update learning.mining_cycles cycle
  set cycle = cycle.cycle + 1, started_at = now()
  where cycle.family = p_family;
  update learning.mining_cycles cycle
  set last_event_id = case p_family
    when 'tuning' then (select coalesce(max(episode.id), 0) from public.pattern_episode_events episode)
    else (select coalesce(max(event.id), 0) from public.pattern_trade_events event)
  end
  where cycle.family = p_family;
  if p_family = 'strength' then
    perform learning.warn_of_unknown_outcomes(learning.measure_baselines());
    perform learning.measure_effect_bases();
    perform learning.warn_of_scattered_dimensions();
  end if;
  -- Due groups are marked, so that the sweep finds those that no invocation came to. Every writer takes the
  -- rows in the same order and none deadlocks.
  due := array(
    select mining_group.id from learning.mining_groups mining_group
    where mining_group.id in (select learning.due_groups(p_family))
    order by mining_group.module, mining_group.pattern_key, mining_group.action_category
    for update
  );
  update learning.mining_groups mining_group
  set run = coalesce(mining_group.run, '{}'::jsonb)
  where mining_group.id = any (due);
  return cardinality(due);
end
$function$;
CREATE OR REPLACE FUNCTION public.switch_override(id bigint, enabled boolean, reason text)
 RETURNS public.pm_overrides
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  former constant text := learning.take_wheel(reason);
  switched public.pm_overrides := learning.override_by_hand(id);
begin
  if switch_override.enabled is null then
    perform learning.refuse_argument('enabled', 'true or false', switch_override.enabled::text);
  end if;
  update public.pm_overrides override
  set control = case when switch_override.enabled then 'pinned' else 'off' end,
    enabled = switch_override.enabled,
    disabled_reason = case when not switch_override.enabled then switch_override.reason end
  where override.id = switched.id
  returning override.* into switched;
  perform set_config('learning.reason', former, true);
  return switched;
end
$function$;
CREATE OR REPLACE FUNCTION public.take_pm_sizing(pattern_key text, action_category text, scope jsonb, a_value double precision DEFAULT 0.5, e_value double precision DEFAULT 0.5, previous_strength double precision DEFAULT 1.0, as_of timestamp with time zone DEFAULT now(), subject text DEFAULT NULL::text)
 RETURNS public.pm_taken_sizing
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  taken record;
  answer public.pm_taken_sizing;
begin
  perform learning.require_pm();
  taken := learning.take_sizings(
    array[learning.check_candidate(
      pattern_key, action_category, scope, a_value, e_value, previous_strength, as_of
    )],
    array[learning.read_subject(to_jsonb(subject))]
  );
  select sizing.*, taken.sizing_ids[1] into answer from unnest(taken.sizings) as sizing;
  return answer;
end
$function$;
CREATE OR REPLACE FUNCTION public.take_pm_sizing_batch(candidates jsonb)
 RETURNS SETOF public.pm_taken_sizing_in_batch
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  batch record;
  taken record;
begin
  perform learning.require_pm();
  perform learning.check_batch(candidates);
  batch := learning.read_candidates(candidates, true);
  taken := learning.take_sizings(batch.readable, batch.subjects);
  return query
  select sizing.mode, sizing.base_alloc_pct, sizing.timeframe_share, sizing.size_frac_raw, sizing.pm_strength,
    sizing.exposure_skew, sizing.size_frac, sizing.max_alloc_pct, sizing.a_final, sizing.e_final,
    sizing.confidence, sizing.steer_max, sizing.overrides, sizing.exposure, sizing.shadow,
    sizing.config_version, sizing.computed_at, answer.place, batch.errors -> answer.place::text,
    sizing.ignored, sizing_id.id
  from generate_series(1, jsonb_array_length(candidates)) as answer(place)
  left join unnest(batch.places, taken.sizings) as sizing(place) on sizing.place = answer.place
  left join unnest(batch.places, taken.sizing_ids) as sizing_id(place, id) on sizing_id.place = answer.place
  order by answer.place;
end
$function$;
CREATE OR REPLACE FUNCTION public.unified_scope(entry_context jsonb, action_scope jsonb, regime_context jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  entry_faults constant jsonb := learning.scope_faults(entry_context);
  action_faults constant jsonb := learning.scope_faults(action_scope);
  regime_faults constant jsonb := learning.scope_faults(regime_context);
begin
  if entry_faults || action_faults || regime_faults <> '[]'::jsonb then
    perform learning.refuse_scope((
      select jsonb_agg(
        case fault.said ->> 'path' when '' then fault.said || jsonb_build_object('path', argument.name)
        else fault.said end
      )
      from (values
        ('entry_context', entry_faults), ('action_scope', action_faults), ('regime_context', regime_faults)
      ) as argument(name, faults)
      cross join lateral jsonb_array_elements(argument.faults) as fault(said)
    ));
  end if;
  return learning.merged_scope(entry_context, action_scope, regime_context);
end
$function$;
CREATE OR REPLACE FUNCTION public.write_calibrations(p_calibrations jsonb)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  due record;
  written integer := 0;
begin
  -- One at a time; who comes second finds that nothing is left.
  perform pg_advisory_xact_lock(hashtextextended('write_calibrations', 0));
  for due in
    select given.calibration
    from jsonb_array_elements(p_calibrations) as given(calibration)
    join learning.sums_to_calibrate() as due_sum
      on due_sum.module = given.calibration ->> 'module'
      and due_sum.action_category = given.calibration ->> 'action_category'
      -- What changed since it was read is calibrated from what holds then.
      and due_sum.sums_digest is not distinct from given.calibration ->> 'sums_digest'
  loop
    perform learning.write_calibration(due.calibration);
    written := written + 1;
  end loop;
  return written;
end
$function$;
ALTER TABLE "learning"."closed_trades" ADD CONSTRAINT "closed_trades_pkey" PRIMARY KEY (trade_id, module);
ALTER TABLE "learning"."group_decisions" ADD CONSTRAINT "group_decisions_group_id_fkey" FOREIGN KEY (group_id) REFERENCES learning.mining_groups(id) ON DELETE CASCADE;
do $guard$
declare
  broken bigint;
begin
  select count(*) into broken from "learning"."settings" where not ((kind = ANY (ARRAY['number'::text, 'number_or_auto'::text, 'integer'::text, 'boolean'::text, 'choice'::text, 'text'::text, 'texts'::text, 'dimensions'::text, 'masks'::text, 'shares'::text])));
  if broken > 0 then
    raise exception using
      errcode = '23514',
      message = 'The new constraint settings_kind_check of learning.settings, CHECK ((kind = ANY (ARRAY[''number''::text, ''number_or_auto''::text, ''integer''::text, ''boolean''::text, ''choice''::text, ''text''::text, ''texts''::text, ''dimensions''::text, ''masks''::text, ''shares''::text]))), is broken by ' || case broken when 1 then '1 row' else broken || ' rows' end,
      hint = 'Look at them with: select * from learning.settings where not ((kind = ANY (ARRAY[''number''::text, ''number_or_auto''::text, ''integer''::text, ''boolean''::text, ''choice''::text, ''text''::text, ''texts''::text, ''dimensions''::text, ''masks''::text, ''shares''::text]))); correct or delete them, and push again. Nothing was changed.';
  end if;
end
$guard$;
ALTER TABLE "learning"."settings" ADD CONSTRAINT "settings_kind_check" CHECK ((kind = ANY (ARRAY['number'::text, 'number_or_auto'::text, 'integer'::text, 'boolean'::text, 'choice'::text, 'text'::text, 'texts'::text, 'dimensions'::text, 'masks'::text, 'shares'::text])));
do $guard$
declare
  broken bigint;
begin
  select count(*) into broken from "learning"."settings" where not (((kind = ANY (ARRAY['number'::text, 'number_or_auto'::text, 'integer'::text])) = ((minimum IS NOT NULL) AND (maximum IS NOT NULL) AND (minimum < maximum))));
  if broken > 0 then
    raise exception using
      errcode = '23514',
      message = 'The new constraint settings_numbers_have_a_range of learning.settings, CHECK (((kind = ANY (ARRAY[''number''::text, ''number_or_auto''::text, ''integer''::text])) = ((minimum IS NOT NULL) AND (maximum IS NOT NULL) AND (minimum < maximum)))), is broken by ' || case broken when 1 then '1 row' else broken || ' rows' end,
      hint = 'Look at them with: select * from learning.settings where not (((kind = ANY (ARRAY[''number''::text, ''number_or_auto''::text, ''integer''::text])) = ((minimum IS NOT NULL) AND (maximum IS NOT NULL) AND (minimum < maximum)))); correct or delete them, and push again. Nothing was changed.';
  end if;
end
$guard$;
ALTER TABLE "learning"."settings" ADD CONSTRAINT "settings_numbers_have_a_range" CHECK (((kind = ANY (ARRAY['number'::text, 'number_or_auto'::text, 'integer'::text])) = ((minimum IS NOT NULL) AND (maximum IS NOT NULL) AND (minimum < maximum))));
ALTER TABLE "learning"."effect_cells" ADD CONSTRAINT "effect_cells_group_id_fkey" FOREIGN KEY (group_id) REFERENCES public.learning_effect_groups(group_id) ON DELETE CASCADE;
ALTER TABLE "public"."learning_effects" ADD CONSTRAINT "learning_effects_group_id_fkey" FOREIGN KEY (group_id) REFERENCES public.learning_effect_groups(group_id) ON DELETE CASCADE;
do $guard$
declare
  broken bigint;
begin
  select count(*) into broken from "public"."learning_levers" where not (((lower_bound > '-Infinity'::double precision) AND (upper_bound < 'Infinity'::double precision)));
  if broken > 0 then
    raise exception using
      errcode = '23514',
      message = 'The new constraint learning_levers_bounds_are_finite of public.learning_levers, CHECK (((lower_bound > ''-Infinity''::double precision) AND (upper_bound < ''Infinity''::double precision))), is broken by ' || case broken when 1 then '1 row' else broken || ' rows' end,
      hint = 'Look at them with: select * from public.learning_levers where not (((lower_bound > ''-Infinity''::double precision) AND (upper_bound < ''Infinity''::double precision))); correct or delete them, and push again. Nothing was changed.';
  end if;
end
$guard$;
ALTER TABLE "public"."learning_levers" ADD CONSTRAINT "learning_levers_bounds_are_finite" CHECK (((lower_bound > '-Infinity'::double precision) AND (upper_bound < 'Infinity'::double precision)));
do $guard$
declare
  broken bigint;
begin
  select count(*) into broken from "public"."learning_levers" where not (((max_step > (0)::double precision) AND (max_step < 'Infinity'::double precision)));
  if broken > 0 then
    raise exception using
      errcode = '23514',
      message = 'The new constraint learning_levers_max_step_check of public.learning_levers, CHECK (((max_step > (0)::double precision) AND (max_step < ''Infinity''::double precision))), is broken by ' || case broken when 1 then '1 row' else broken || ' rows' end,
      hint = 'Look at them with: select * from public.learning_levers where not (((max_step > (0)::double precision) AND (max_step < ''Infinity''::double precision))); correct or delete them, and push again. Nothing was changed.';
  end if;
end
$guard$;
ALTER TABLE "public"."learning_levers" ADD CONSTRAINT "learning_levers_max_step_check" CHECK (((max_step > (0)::double precision) AND (max_step < 'Infinity'::double precision)));
ALTER TABLE "public"."learning_regime_weights" ADD CONSTRAINT "learning_regime_weights_module_action_category_fkey" FOREIGN KEY (module, action_category) REFERENCES public.learning_calibration(module, action_category) ON DELETE CASCADE;
do $guard$
declare
  broken bigint;
begin
  select count(*) into broken from "public"."lowcap_positions" where not (((current_usd_value >= ('-1000000000000'::numeric)::double precision) AND (current_usd_value <= ('1000000000000'::numeric)::double precision)));
  if broken > 0 then
    raise exception using
      errcode = '23514',
      message = 'The new constraint lowcap_positions_current_usd_value_check of public.lowcap_positions, CHECK (((current_usd_value >= (''-1000000000000''::numeric)::double precision) AND (current_usd_value <= (''1000000000000''::numeric)::double precision))), is broken by ' || case broken when 1 then '1 row' else broken || ' rows' end,
      hint = 'Look at them with: select * from public.lowcap_positions where not (((current_usd_value >= (''-1000000000000''::numeric)::double precision) AND (current_usd_value <= (''1000000000000''::numeric)::double precision))); correct or delete them, and push again. Nothing was changed.';
  end if;
end
$guard$;
ALTER TABLE "public"."lowcap_positions" ADD CONSTRAINT "lowcap_positions_current_usd_value_check" CHECK (((current_usd_value >= ('-1000000000000'::numeric)::double precision) AND (current_usd_value <= ('1000000000000'::numeric)::double precision)));
do $guard$
declare
  broken bigint;
begin
  select count(*) into broken from "public"."lowcap_positions" where not ((status = ANY (ARRAY['dormant'::text, 'watchlist'::text, 'active'::text, 'paused'::text, 'archived'::text, 'shadow'::text, 'regime_driver'::text])));
  if broken > 0 then
    raise exception using
      errcode = '23514',
      message = 'The new constraint lowcap_positions_status_check of public.lowcap_positions, CHECK ((status = ANY (ARRAY[''dormant''::text, ''watchlist''::text, ''active''::text, ''paused''::text, ''archived''::text, ''shadow''::text, ''regime_driver''::text]))), is broken by ' || case broken when 1 then '1 row' else broken || ' rows' end,
      hint = 'Look at them with: select * from public.lowcap_positions where not ((status = ANY (ARRAY[''dormant''::text, ''watchlist''::text, ''active''::text, ''paused''::text, ''archived''::text, ''shadow''::text, ''regime_driver''::text]))); correct or delete them, and push again. Nothing was changed.';
  end if;
end
$guard$;
ALTER TABLE "public"."lowcap_positions" ADD CONSTRAINT "lowcap_positions_status_check" CHECK ((status = ANY (ARRAY['dormant'::text, 'watchlist'::text, 'active'::text, 'paused'::text, 'archived'::text, 'shadow'::text, 'regime_driver'::text])));
do $guard$
declare
  broken bigint;
begin
  select count(*) into broken from "public"."pattern_trade_events" where not ((side = ANY (ARRAY['long'::text, 'short'::text])));
  if broken > 0 then
    raise exception using
      errcode = '23514',
      message = 'The new constraint pattern_trade_events_side_check of public.pattern_trade_events, CHECK ((side = ANY (ARRAY[''long''::text, ''short''::text]))), is broken by ' || case broken when 1 then '1 row' else broken || ' rows' end,
      hint = 'Look at them with: select * from public.pattern_trade_events where not ((side = ANY (ARRAY[''long''::text, ''short''::text]))); correct or delete them, and push again. Nothing was changed.';
  end if;
end
$guard$;
ALTER TABLE "public"."pattern_trade_events" ADD CONSTRAINT "pattern_trade_events_side_check" CHECK ((side = ANY (ARRAY['long'::text, 'short'::text])));
do $guard$
declare
  broken bigint;
begin
  select count(*) into broken from "public"."pm_overrides" where not (((baseline >= ('-1000000000000'::numeric)::double precision) AND (baseline <= ('1000000000000'::numeric)::double precision)));
  if broken > 0 then
    raise exception using
      errcode = '23514',
      message = 'The new constraint pm_overrides_baseline_check of public.pm_overrides, CHECK (((baseline >= (''-1000000000000''::numeric)::double precision) AND (baseline <= (''1000000000000''::numeric)::double precision))), is broken by ' || case broken when 1 then '1 row' else broken || ' rows' end,
      hint = 'Look at them with: select * from public.pm_overrides where not (((baseline >= (''-1000000000000''::numeric)::double precision) AND (baseline <= (''1000000000000''::numeric)::double precision))); correct or delete them, and push again. Nothing was changed.';
  end if;
end
$guard$;
ALTER TABLE "public"."pm_overrides" ADD CONSTRAINT "pm_overrides_baseline_check" CHECK (((baseline >= ('-1000000000000'::numeric)::double precision) AND (baseline <= ('1000000000000'::numeric)::double precision)));
do $guard$
declare
  broken bigint;
begin
  select count(*) into broken from "public"."pm_overrides" where not (((baseline_sigma >= (0)::double precision) AND (baseline_sigma <= ('1000000000000'::numeric)::double precision)));
  if broken > 0 then
    raise exception using
      errcode = '23514',
      message = 'The new constraint pm_overrides_baseline_sigma_check of public.pm_overrides, CHECK (((baseline_sigma >= (0)::double precision) AND (baseline_sigma <= (''1000000000000''::numeric)::double precision))), is broken by ' || case broken when 1 then '1 row' else broken || ' rows' end,
      hint = 'Look at them with: select * from public.pm_overrides where not (((baseline_sigma >= (0)::double precision) AND (baseline_sigma <= (''1000000000000''::numeric)::double precision))); correct or delete them, and push again. Nothing was changed.';
  end if;
end
$guard$;
ALTER TABLE "public"."pm_overrides" ADD CONSTRAINT "pm_overrides_baseline_sigma_check" CHECK (((baseline_sigma >= (0)::double precision) AND (baseline_sigma <= ('1000000000000'::numeric)::double precision)));
do $guard$
declare
  broken bigint;
begin
  select count(*) into broken from "public"."pm_overrides" where not ((control = ANY (ARRAY['auto'::text, 'pinned'::text, 'off'::text])));
  if broken > 0 then
    raise exception using
      errcode = '23514',
      message = 'The new constraint pm_overrides_control_check of public.pm_overrides, CHECK ((control = ANY (ARRAY[''auto''::text, ''pinned''::text, ''off''::text]))), is broken by ' || case broken when 1 then '1 row' else broken || ' rows' end,
      hint = 'Look at them with: select * from public.pm_overrides where not ((control = ANY (ARRAY[''auto''::text, ''pinned''::text, ''off''::text]))); correct or delete them, and push again. Nothing was changed.';
  end if;
end
$guard$;
ALTER TABLE "public"."pm_overrides" ADD CONSTRAINT "pm_overrides_control_check" CHECK ((control = ANY (ARRAY['auto'::text, 'pinned'::text, 'off'::text])));
do $guard$
declare
  broken bigint;
begin
  select count(*) into broken from "public"."pm_overrides" where not (isfinite(evidence_from));
  if broken > 0 then
    raise exception using
      errcode = '23514',
      message = 'The new constraint pm_overrides_evidence_from_check of public.pm_overrides, CHECK (isfinite(evidence_from)), is broken by ' || case broken when 1 then '1 row' else broken || ' rows' end,
      hint = 'Look at them with: select * from public.pm_overrides where not (isfinite(evidence_from)); correct or delete them, and push again. Nothing was changed.';
  end if;
end
$guard$;
ALTER TABLE "public"."pm_overrides" ADD CONSTRAINT "pm_overrides_evidence_from_check" CHECK (isfinite(evidence_from));
do $guard$
declare
  broken bigint;
begin
  select count(*) into broken from "public"."pm_overrides" where not (((promised >= ('-1000000000000'::numeric)::double precision) AND (promised <= ('1000000000000'::numeric)::double precision)));
  if broken > 0 then
    raise exception using
      errcode = '23514',
      message = 'The new constraint pm_overrides_promised_check of public.pm_overrides, CHECK (((promised >= (''-1000000000000''::numeric)::double precision) AND (promised <= (''1000000000000''::numeric)::double precision))), is broken by ' || case broken when 1 then '1 row' else broken || ' rows' end,
      hint = 'Look at them with: select * from public.pm_overrides where not (((promised >= (''-1000000000000''::numeric)::double precision) AND (promised <= (''1000000000000''::numeric)::double precision))); correct or delete them, and push again. Nothing was changed.';
  end if;
end
$guard$;
ALTER TABLE "public"."pm_overrides" ADD CONSTRAINT "pm_overrides_promised_check" CHECK (((promised >= ('-1000000000000'::numeric)::double precision) AND (promised <= ('1000000000000'::numeric)::double precision)));
do $guard$
declare
  broken bigint;
begin
  select count(*) into broken from "public"."pm_overrides" where not ((jsonb_typeof(proposed) = 'object'::text));
  if broken > 0 then
    raise exception using
      errcode = '23514',
      message = 'The new constraint pm_overrides_proposed_check of public.pm_overrides, CHECK ((jsonb_typeof(proposed) = ''object''::text)), is broken by ' || case broken when 1 then '1 row' else broken || ' rows' end,
      hint = 'Look at them with: select * from public.pm_overrides where not ((jsonb_typeof(proposed) = ''object''::text)); correct or delete them, and push again. Nothing was changed.';
  end if;
end
$guard$;
ALTER TABLE "public"."pm_overrides" ADD CONSTRAINT "pm_overrides_proposed_check" CHECK ((jsonb_typeof(proposed) = 'object'::text));
ALTER TABLE "public"."timeframe_allocation_steps" ADD CONSTRAINT "timeframe_allocation_steps_pkey" PRIMARY KEY (exit_at, trade_id, module);
CREATE VIEW "learning"."acting_lessons" WITH (security_invoker=true) AS  SELECT id,
    module,
    pattern_key,
    action_category,
    scope_subset,
    lesson_type,
    n,
    stats,
    edge_raw,
    decay_halflife_hours,
    first_active_at,
    last_evidence_at,
    scope_digest
   FROM public.learning_lessons lesson
  WHERE ((status = 'active'::text) AND ((COALESCE(family_scope, scope_subset) = scope_subset) OR (NOT ( SELECT ((learning.config() ->> 'representatives_only'::text))::boolean AS bool))));
CREATE VIEW "learning"."held_positions" WITH (security_invoker=true) AS  SELECT "position".id AS position_id,
    "position".pattern_key,
    learning.position_scope("position".entry_context, "position".timeframe, "position".token_chain, "position".state, "position".book_id) AS scope,
    learning.position_exposure("position".total_allocation_pct, "position".current_usd_value, measured.measure, measured.allocation_unit) AS exposure
   FROM (public.lowcap_positions "position"
     CROSS JOIN ( SELECT (learning.config() #>> '{exposure,measure}'::text[]) AS measure,
            (learning.config('decision_maker'::text) ->> 'allocation_unit'::text) AS allocation_unit
         OFFSET 0) measured)
  WHERE ("position".status = ANY (ARRAY['watchlist'::text, 'active'::text]));
CREATE VIEW "learning"."override_terms" WITH (security_invoker=true) AS  SELECT id AS override_id,
    enabled,
    hashtextextended(scope_digest, hashtextextended(action_category, hashtextextended(pattern_key, hashtextextended(override_type, (scope_mask)::bigint)))) AS identity_hash,
    scope_mask,
    learning.specificity((bit_count((scope_mask)::bit(32)))::integer) AS specificity,
    learning.confidence_or_default(confidence_score) AS confidence,
    COALESCE(multiplier, (1)::double precision) AS multiplier,
    dir_a,
    dir_e,
    edge_raw AS edge,
    (((1)::double precision - exp(GREATEST(('-700'::integer)::double precision, (((- n))::double precision / (25)::double precision)))) / ((1)::double precision + variance)) AS support,
    COALESCE(((EXTRACT(epoch FROM last_evidence_at))::double precision * ('1000000'::numeric)::double precision), 'Infinity'::double precision) AS evidence_us,
    (COALESCE(half_life_hours, ((30 * 24))::double precision) * ('3600000000'::numeric)::double precision) AS decay_us,
    ((lesson_id IS NULL) OR (control = 'pinned'::text)) AS by_hand
   FROM public.pm_overrides override;
CREATE VIEW "public"."exposure_now" WITH (security_invoker=true) AS  SELECT pair.key AS dimension,
    pair.value,
    sum(position_scope.exposure) AS exposure,
    (sum(position_scope.exposure) / NULLIF(( SELECT sum(whole_position_scope.exposure) AS sum
           FROM learning.position_scopes whole_position_scope), (0)::double precision)) AS share,
    (count(*))::integer AS positions
   FROM (learning.position_scopes position_scope
     CROSS JOIN LATERAL jsonb_each_text((position_scope.scope || jsonb_build_object('pattern_key', position_scope.pattern_key, 'all', 'all'))) pair(key, value))
  GROUP BY pair.key, pair.value;
REVOKE ALL ON TABLE "public"."exposure_now" FROM PUBLIC, "anon", "authenticated", "service_role";
CREATE VIEW "public"."health_now" WITH (security_invoker=true) AS  SELECT stage,
    (problem IS NULL) AS well,
    problem,
    backlog,
    (EXTRACT(epoch FROM (now() - oldest_waiting_at)))::double precision AS oldest_waiting_seconds,
    last_success_at,
    (EXTRACT(epoch FROM (now() - last_success_at)))::double precision AS success_age_seconds,
    failures,
    release
   FROM public.learning_health stage;
REVOKE ALL ON TABLE "public"."health_now" FROM PUBLIC, "anon", "authenticated", "service_role";
CREATE VIEW "public"."learning_interface" WITH (security_invoker=true) AS  SELECT (relation.relname)::text AS name,
    'relation'::text AS kind
   FROM pg_class relation
  WHERE ((relation.relnamespace = ('public'::regnamespace)::oid) AND (relation.relkind = ANY (ARRAY['r'::"char", 'p'::"char", 'v'::"char", 'm'::"char"])) AND has_table_privilege(relation.oid, 'select'::text) AND (( SELECT learning.may_read() AS may_read) OR (NOT ( SELECT learning.asks_as_user() AS asks_as_user))))
UNION
 SELECT (routine.proname)::text AS name,
    'rpc'::text AS kind
   FROM pg_proc routine
  WHERE ((routine.pronamespace = ('public'::regnamespace)::oid) AND (routine.prokind = 'f'::"char") AND (routine.prorettype <> ('trigger'::regtype)::oid) AND has_function_privilege(routine.oid, 'execute'::text) AND (( SELECT learning.may_read() AS may_read) OR (NOT ( SELECT learning.asks_as_user() AS asks_as_user))));
REVOKE ALL ON TABLE "public"."learning_interface" FROM PUBLIC, "anon", "authenticated", "service_role";
CREATE VIEW "public"."learning_settings" WITH (security_invoker=true) AS  SELECT setting.module_id,
    setting.path,
    setting.kind,
    (effective_config.config #> setting.keys) AS value,
    setting.default_value,
    COALESCE(((written_config.config_data #> setting.keys) IS NOT NULL), false) AS is_set,
    setting.nullable,
    setting.minimum,
    setting.maximum,
    setting.choices,
    learning.accepted_values(setting.*) AS accepts,
    setting.description
   FROM ((learning.settings setting
     LEFT JOIN learning.effective_configs effective_config ON ((effective_config.module_id = setting.module_id)))
     LEFT JOIN public.learning_configs written_config ON ((written_config.module_id = setting.module_id)));
REVOKE ALL ON TABLE "public"."learning_settings" FROM PUBLIC, "anon", "authenticated", "service_role";
CREATE VIEW "public"."learning_uplift" WITH (security_invoker=true) AS  SELECT action_category,
    learning.outcome_unit(action_category, learning.config()) AS unit,
    ((figures ->> 'learned'::text))::integer AS learned,
    ((figures ->> 'held_out'::text))::integer AS held_out,
    ((figures ->> 'weeks'::text))::integer AS weeks,
    ((figures ->> 'difference'::text))::double precision AS difference,
    ((figures ->> 'low'::text))::double precision AS low,
    ((figures ->> 'high'::text))::double precision AS high,
    ((figures ->> 'e_value'::text))::double precision AS e_value,
    ((figures ->> 'promised'::text))::double precision AS promised,
    ((figures ->> 'weeks_to_know'::text))::integer AS weeks_to_know,
    measured_at
   FROM learning.uplift_figures uplift;
REVOKE ALL ON TABLE "public"."learning_uplift" FROM PUBLIC, "anon", "authenticated", "service_role";
CREATE VIEW "public"."lesson_families" WITH (security_invoker=true) AS  SELECT lesson.id AS lesson_id,
    lesson.module,
    lesson.pattern_key,
    lesson.action_category,
    lesson.scope_subset AS scope,
    learning.outcome_unit(lesson.action_category, learning.config()) AS unit,
    ((lesson.stats ->> 'effect'::text))::double precision AS effect,
    ((lesson.stats ->> 'effect_low'::text))::double precision AS effect_low,
    ((lesson.stats ->> 'effect_high'::text))::double precision AS effect_high,
    learning.cautious_effect(((lesson.stats ->> 'effect'::text))::double precision, ((lesson.stats ->> 'effect_error2'::text))::double precision, learning.tau2_of(lesson.module, lesson.action_category)) AS cautious,
    lesson.n,
    ((lesson.stats ->> 'weeks'::text))::integer AS weeks,
    learning.is_young(((lesson.stats ->> 'weeks'::text))::integer) AS young,
    COALESCE(((lesson.stats ->> 'proven'::text))::boolean, false) AS proven,
    family.size AS lessons,
    family.members,
    lesson.first_active_at,
    lesson.last_evidence_at,
    learning.lesson_in_words(lesson.*, learning.config()) AS in_words,
    rank() OVER (ORDER BY lesson.p_value, (abs(((lesson.stats ->> 'z'::text))::double precision)) DESC, lesson.id) AS place
   FROM (public.learning_lessons lesson
     CROSS JOIN LATERAL ( SELECT (count(*))::integer AS size,
            jsonb_agg(jsonb_build_object('lesson_id', member_lesson.id, 'scope', member_lesson.scope_subset, 'n', member_lesson.n, 'effect', (member_lesson.stats -> 'effect'::text), 'effect_low', (member_lesson.stats -> 'effect_low'::text), 'effect_high', (member_lesson.stats -> 'effect_high'::text), 'weeks', (member_lesson.stats -> 'weeks'::text), 'proven', (member_lesson.stats -> 'proven'::text)) ORDER BY (member_lesson.scope_subset <> lesson.scope_subset), member_lesson.n DESC, member_lesson.id) AS members
           FROM public.learning_lessons member_lesson
          WHERE ((member_lesson.module = lesson.module) AND (member_lesson.pattern_key = lesson.pattern_key) AND (member_lesson.action_category = lesson.action_category) AND (member_lesson.status = 'active'::text) AND (member_lesson.family_scope = lesson.scope_subset))) family)
  WHERE ((lesson.status = 'active'::text) AND (lesson.family_scope = lesson.scope_subset));
REVOKE ALL ON TABLE "public"."lesson_families" FROM PUBLIC, "anon", "authenticated", "service_role";
CREATE VIEW "public"."override_performance" WITH (security_invoker=true) AS  SELECT override.id AS override_id,
    override.override_type,
    override.pattern_key,
    override.action_category,
    override.scope_subset AS scope,
    override.control,
    override.enabled,
    override.disabled_reason,
        CASE override.override_type
            WHEN 'pm_tuning'::text THEN 'gains'::text
            ELSE learning.outcome_unit(override.action_category, learning.config())
        END AS unit,
    override.evidence_from,
    override.promised,
    override.baseline,
    override.baseline_sigma,
    COALESCE(record.n, 0) AS live_n,
    record.mean AS live_mean,
    (record.mean - override.baseline) AS live_effect,
    record.e_value AS live_e_value,
    record.recorded_at
   FROM (public.pm_overrides override
     LEFT JOIN learning.live_records record ON ((record.override_id = override.id)));
REVOKE ALL ON TABLE "public"."override_performance" FROM PUBLIC, "anon", "authenticated", "service_role";
CREATE VIEW "public"."pm_sizing_audit" WITH (security_invoker=true) AS  SELECT strand.id AS action_strand_id,
    strand.created_at AS acted_at,
    learning.text_of(strand.content, 'trade_id'::text) AS trade_id,
    strand.position_id,
    strand.symbol,
    strand.timeframe,
    learning.dotted_pattern_key(learning.text_of(strand.content, 'pattern_key'::text)) AS pattern_key,
    learning.action_category(strand.content) AS action_category,
    learning.finite_number((strand.content -> 'a_value'::text)) AS a_value,
    learning.finite_number((strand.content -> 'e_value'::text)) AS e_value,
    learning.multiplier_applied(strand.content, 'pm_strength'::text) AS pm_strength_applied,
    learning.multiplier_applied(strand.content, 'exposure_skew'::text) AS exposure_skew_applied,
    learning.finite_number((strand.content -> 'size_frac'::text)) AS size_frac,
    (trade.trade_id IS NOT NULL) AS closed,
    trade.roi,
    trade.rr,
    trade.pnl_usd,
    trade.exit_at,
    sizing.id AS sizing_id,
    sizing.taken_at,
    sizing.subject,
    sizing.holdout,
    sizing.held_out,
    sizing.mode AS mode_answered,
    sizing.pm_strength AS pm_strength_answered,
    sizing.exposure_skew AS exposure_skew_answered,
    sizing.size_frac AS size_frac_answered,
    sizing.config_version,
    event.own_roi,
    event.own_rr
   FROM (((public.ad_strands strand
     LEFT JOIN public.pattern_trade_events event ON ((event.action_strand_id = strand.id)))
     LEFT JOIN public.pm_sizings sizing ON ((sizing.id = learning.sizing_of_action(strand.*))))
     LEFT JOIN learning.closed_trades trade ON (((trade.trade_id = learning.text_of(strand.content, 'trade_id'::text)) AND (trade.module = learning.acting_module(strand.kind, strand.module)))))
  WHERE (strand.kind = 'pm_action'::text);
REVOKE ALL ON TABLE "public"."pm_sizing_audit" FROM PUBLIC, "anon", "authenticated", "service_role";
CREATE VIEW "public"."sizing_daily" WITH (security_invoker=true) AS  WITH applied AS (
         SELECT ((strand.created_at AT TIME ZONE 'UTC'::text))::date AS day,
            learning.action_category(strand.content) AS action_category,
            (count(*))::integer AS actions,
            avg(learning.multiplier_applied(strand.content, 'pm_strength'::text)) AS strength_applied,
            avg(learning.multiplier_applied(strand.content, 'exposure_skew'::text)) AS skew_applied,
            avg(learning.finite_number((strand.content -> 'size_frac'::text))) AS size_applied
           FROM public.ad_strands strand
          WHERE ((strand.kind = 'pm_action'::text) AND (strand.created_at >= (now() - learning.sizing_retention())))
          GROUP BY (((strand.created_at AT TIME ZONE 'UTC'::text))::date), (learning.action_category(strand.content))
        ), answered AS (
         SELECT ((sizing.taken_at AT TIME ZONE 'UTC'::text))::date AS day,
            sizing.action_category,
            (count(*))::integer AS sizings,
            (count(*) FILTER (WHERE sizing.held_out))::integer AS held_out,
            avg(sizing.pm_strength) AS strength_answered,
            avg(sizing.exposure_skew) AS skew_answered,
            avg(sizing.size_frac) AS size_answered,
            (count(*) FILTER (WHERE (abs((sizing.pm_strength - (1)::double precision)) > (0.005)::double precision)))::integer AS moved
           FROM public.pm_sizings sizing
          WHERE (sizing.taken_at >= (now() - learning.sizing_retention()))
          GROUP BY (((sizing.taken_at AT TIME ZONE 'UTC'::text))::date), sizing.action_category
        )
 SELECT day,
    action_category,
    COALESCE(applied.actions, 0) AS actions,
    applied.strength_applied,
    applied.skew_applied,
    applied.size_applied,
    COALESCE(answered.sizings, 0) AS sizings,
    COALESCE(answered.held_out, 0) AS held_out,
    COALESCE(answered.moved, 0) AS moved,
    answered.strength_answered,
    answered.skew_answered,
    answered.size_answered
   FROM (applied
     FULL JOIN answered USING (day, action_category));
REVOKE ALL ON TABLE "public"."sizing_daily" FROM PUBLIC, "anon", "authenticated", "service_role";
CREATE VIEW "public"."timeframe_allocation_history" WITH (security_invoker=true) AS  SELECT step.exit_at,
    step.trade_id,
    step.timeframe AS trade_timeframe,
    step.roi AS trade_roi,
    slot.timeframe,
    step.shares[slot.place] AS allocation,
    (step.shares[slot.place] - COALESCE(earlier.shares[array_position(earlier.timeframes, slot.timeframe)], start.share)) AS change,
    step.desired[slot.place] AS desired_allocation,
    step.roi_short[slot.place] AS roi_short,
    step.roi_long[slot.place] AS roi_long,
    step.n[slot.place] AS n,
    step.outcome,
        CASE
            WHEN (step.n[slot.place] = 0) THEN 'no closed trades yet: its share stays'::text
            ELSE learning.allocation_reason(step.outcome, step.timeframe)
        END AS reason,
    step.module
   FROM (((public.timeframe_allocation_steps step
     CROSS JOIN LATERAL unnest(step.timeframes) WITH ORDINALITY slot(timeframe, place))
     LEFT JOIN LATERAL ( SELECT earlier_step.timeframes,
            earlier_step.shares
           FROM public.timeframe_allocation_steps earlier_step
          WHERE ((earlier_step.exit_at <= step.exit_at) AND ((earlier_step.exit_at < step.exit_at) OR (ROW((earlier_step.trade_id COLLATE "C"), (earlier_step.module COLLATE "C")) < ROW((step.trade_id COLLATE "C"), (step.module COLLATE "C")))))
          ORDER BY earlier_step.exit_at DESC, (earlier_step.trade_id COLLATE "C") DESC, (earlier_step.module COLLATE "C") DESC
         LIMIT 1) earlier ON (true))
     LEFT JOIN LATERAL ( SELECT begun.shares[array_position(begun.timeframes, slot.timeframe)] AS share
           FROM learning.start_shares() begun(timeframes, shares)) start ON ((earlier.shares IS NULL)));
REVOKE ALL ON TABLE "public"."timeframe_allocation_history" FROM PUBLIC, "anon", "authenticated", "service_role";
CREATE VIEW "public"."allocation_daily" WITH (security_invoker=true) AS  WITH told AS (
         SELECT ((past_allocation.exit_at AT TIME ZONE 'UTC'::text))::date AS day,
            past_allocation.exit_at,
            past_allocation.trade_id,
            past_allocation.trade_timeframe,
            past_allocation.trade_roi,
            past_allocation.timeframe,
            past_allocation.allocation,
            past_allocation.change,
            past_allocation.desired_allocation,
            past_allocation.roi_short,
            past_allocation.roi_long,
            past_allocation.n,
            past_allocation.outcome,
            past_allocation.reason,
            past_allocation.module,
            row_number() OVER (PARTITION BY (((past_allocation.exit_at AT TIME ZONE 'UTC'::text))::date), past_allocation.timeframe ORDER BY past_allocation.exit_at DESC, (past_allocation.trade_id COLLATE "C") DESC, (past_allocation.module COLLATE "C") DESC) AS place
           FROM public.timeframe_allocation_history past_allocation
        )
 SELECT told.day,
    told.timeframe,
    max(told.allocation) FILTER (WHERE (told.place = 1)) AS allocation,
    max(start.share) AS start_allocation,
    max(told.desired_allocation) FILTER (WHERE (told.place = 1)) AS desired_allocation,
    max(told.roi_short) FILTER (WHERE (told.place = 1)) AS roi_short,
    max(told.roi_long) FILTER (WHERE (told.place = 1)) AS roi_long,
    (count(*) FILTER (WHERE (told.trade_timeframe = told.timeframe)))::integer AS trades,
    COALESCE(sum((told.trade_roi * (told.allocation - told.change))) FILTER (WHERE (told.trade_timeframe = told.timeframe)), (0)::double precision) AS earned_at_learned,
    COALESCE(sum((told.trade_roi * start.share)) FILTER (WHERE (told.trade_timeframe = told.timeframe)), (0)::double precision) AS earned_at_start
   FROM (told
     LEFT JOIN LATERAL ( SELECT begun.shares[array_position(begun.timeframes, told.timeframe)] AS share
           FROM learning.start_shares() begun(timeframes, shares)) start ON (true))
  GROUP BY told.day, told.timeframe;
REVOKE ALL ON TABLE "public"."allocation_daily" FROM PUBLIC, "anon", "authenticated", "service_role";
CREATE VIEW "public"."timeframe_allocation" WITH (security_invoker=true) AS  WITH newest AS (
         SELECT step.exit_at,
            step.trade_id,
            step.timeframe,
            step.roi,
            step.outcome,
            step.timeframes,
            step.shares,
            step.desired,
            step.n,
            step.last_exit_at,
            step.roi_short,
            step.roi_long,
            step.weight_short,
            step.weight_long,
            step.module
           FROM public.timeframe_allocation_steps step
          ORDER BY step.exit_at DESC, (step.trade_id COLLATE "C") DESC, (step.module COLLATE "C") DESC
         LIMIT 1
        )
 SELECT slot.timeframe,
    newest.shares[slot.place] AS current_allocation,
    newest.desired[slot.place] AS desired_allocation,
    newest.roi_short[slot.place] AS roi_short,
    newest.roi_long[slot.place] AS roi_long,
    newest.n[slot.place] AS n,
    newest.last_exit_at[slot.place] AS updated_at
   FROM (newest
     CROSS JOIN LATERAL unnest(newest.timeframes) WITH ORDINALITY slot(timeframe, place))
UNION ALL
 SELECT slot.timeframe,
    slot.share AS current_allocation,
    slot.share AS desired_allocation,
    NULL::double precision AS roi_short,
    NULL::double precision AS roi_long,
    0 AS n,
    NULL::timestamp with time zone AS updated_at
   FROM (learning.start_shares() start(timeframes, shares)
     CROSS JOIN LATERAL UNNEST(start.timeframes, start.shares) slot(timeframe, share))
  WHERE (NOT (EXISTS ( SELECT
           FROM newest)));
REVOKE ALL ON TABLE "public"."timeframe_allocation" FROM PUBLIC, "anon", "authenticated", "service_role";
CREATE VIEW "public"."timeframe_allocation_outlook" WITH (security_invoker=true) AS  SELECT allocation.timeframe,
    allocation.current_allocation,
    allocation.desired_allocation,
    (allocation.desired_allocation - allocation.current_allocation) AS distance,
    allocation.roi_short,
    allocation.roi_long,
    allocation.n,
    newest.change AS last_change,
    newest.trade_id AS last_trade_id,
    newest.exit_at AS last_exit_at,
    newest.outcome,
    COALESCE(newest.reason, learning.allocation_reason(NULL::text, NULL::text)) AS reason
   FROM (public.timeframe_allocation allocation
     LEFT JOIN ( SELECT past_allocation.exit_at,
            past_allocation.trade_id,
            past_allocation.trade_timeframe,
            past_allocation.trade_roi,
            past_allocation.timeframe,
            past_allocation.allocation,
            past_allocation.change,
            past_allocation.desired_allocation,
            past_allocation.roi_short,
            past_allocation.roi_long,
            past_allocation.n,
            past_allocation.outcome,
            past_allocation.reason,
            past_allocation.module
           FROM (( SELECT step.exit_at,
                    step.trade_id,
                    step.module
                   FROM public.timeframe_allocation_steps step
                  ORDER BY step.exit_at DESC, (step.trade_id COLLATE "C") DESC, (step.module COLLATE "C") DESC
                 LIMIT 1) newest_step
             JOIN public.timeframe_allocation_history past_allocation ON (((past_allocation.exit_at = newest_step.exit_at) AND (past_allocation.trade_id = newest_step.trade_id) AND (past_allocation.module = newest_step.module))))) newest ON ((newest.timeframe = allocation.timeframe)));
REVOKE ALL ON TABLE "public"."timeframe_allocation_outlook" FROM PUBLIC, "anon", "authenticated", "service_role";
CREATE INDEX alert_requests_sent_at_idx ON learning.alert_requests USING btree (sent_at);
CREATE INDEX closed_trades_close_strand_idx ON learning.closed_trades USING btree (close_strand_id);
CREATE INDEX override_index_entries_bucket_idx ON learning.override_index_entries USING btree (bucket) INCLUDE (pairs_1, pairs_2, override_id, scope_mask, specificity, confidence, multiplier, dir_a, dir_e, edge, support, evidence_us, decay_us, by_hand);
CREATE INDEX ad_strands_episode_idx ON public.ad_strands USING hash (((content -> 'episode_id'::text))) WHERE ((kind = ANY (ARRAY['episode_window'::text, 'episode_outcome'::text, 'uptrend_episode_summary'::text])) OR ((kind = 'pm_action'::text) AND ((content -> 'decision_type'::text) = '"shadow_entry"'::jsonb)));
CREATE INDEX ad_strands_trade_idx ON public.ad_strands USING hash (((content -> 'trade_id'::text))) WHERE (kind = ANY (ARRAY['pm_action'::text, 'dm_action'::text, 'position_closed'::text]));
CREATE INDEX exposure_history_day_idx ON public.exposure_history USING btree (day);
CREATE INDEX learning_alerts_kind_idx ON public.learning_alerts USING btree (kind, sent_at);
CREATE INDEX learning_alerts_open_idx ON public.learning_alerts USING btree (kind) WHERE (closed_at IS NULL);
CREATE INDEX learning_alerts_opened_at_idx ON public.learning_alerts USING btree (opened_at);
CREATE INDEX learning_config_history_at_idx ON public.learning_config_history USING btree (at);
CREATE INDEX learning_config_history_module_idx ON public.learning_config_history USING btree (module_id, at);
CREATE INDEX learning_effect_groups_category_idx ON public.learning_effect_groups USING btree (module, action_category);
CREATE INDEX learning_lessons_active_idx ON public.learning_lessons USING btree (module, pattern_key, action_category, scope_digest) WHERE (status = 'active'::text);
CREATE INDEX learning_proofs_at_idx ON public.learning_proofs USING btree (at DESC, id DESC);
CREATE INDEX pattern_episode_events_summary_idx ON public.pattern_episode_events USING btree (summary_strand_id) WHERE (summary_strand_id IS NOT NULL);
CREATE INDEX pm_override_history_at_idx ON public.pm_override_history USING btree (at);
CREATE INDEX pm_override_history_override_idx ON public.pm_override_history USING btree (override_id, at);
CREATE INDEX pm_overrides_control_idx ON public.pm_overrides USING btree (override_type, pattern_key, action_category) WHERE (control <> 'auto'::text);
CREATE INDEX pm_overrides_without_promise_idx ON public.pm_overrides USING btree (override_type, pattern_key, action_category) WHERE ((evidence_from IS NULL) AND (lesson_id IS NOT NULL));
CREATE INDEX pm_sizings_subject_idx ON public.pm_sizings USING btree (subject, pattern_key, action_category, taken_at) WHERE (subject IS NOT NULL);
CREATE INDEX pm_sizings_taken_at_idx ON public.pm_sizings USING btree (taken_at);
CREATE TRIGGER keep_what_was_pushed BEFORE INSERT ON learning.alert_requests FOR EACH ROW EXECUTE FUNCTION learning.keep_what_was_pushed();
ALTER TABLE "learning"."alert_requests" ENABLE REPLICA TRIGGER "keep_what_was_pushed";
CREATE TRIGGER give_way BEFORE INSERT ON learning.allocation_replay FOR EACH ROW EXECUTE FUNCTION learning.give_way('is_only');
ALTER TABLE "learning"."allocation_replay" ENABLE REPLICA TRIGGER "give_way";
CREATE TRIGGER keep_what_was_pushed BEFORE INSERT ON learning.doorbells FOR EACH ROW EXECUTE FUNCTION learning.keep_what_was_pushed();
ALTER TABLE "learning"."doorbells" ENABLE REPLICA TRIGGER "keep_what_was_pushed";
CREATE TRIGGER give_way BEFORE INSERT ON learning.effective_configs FOR EACH ROW EXECUTE FUNCTION learning.give_way('module_id');
ALTER TABLE "learning"."effective_configs" ENABLE REPLICA TRIGGER "give_way";
CREATE TRIGGER measure_positions_anew AFTER UPDATE ON learning.effective_configs FOR EACH ROW WHEN ((((new.config #> '{exposure,measure}'::text[]) IS DISTINCT FROM (old.config #> '{exposure,measure}'::text[])) OR ((new.config -> 'allocation_unit'::text) IS DISTINCT FROM (old.config -> 'allocation_unit'::text)))) EXECUTE FUNCTION learning.measure_positions_anew();
CREATE TRIGGER digest AFTER INSERT OR UPDATE ON learning.errands FOR EACH ROW WHEN ((new.name = 'digest'::text)) EXECUTE FUNCTION learning.send_digest();
CREATE TRIGGER give_way BEFORE INSERT ON learning.errands FOR EACH ROW EXECUTE FUNCTION learning.give_way('name');
ALTER TABLE "learning"."errands" ENABLE REPLICA TRIGGER "give_way";
CREATE TRIGGER watch AFTER INSERT OR UPDATE ON learning.errands FOR EACH ROW WHEN ((new.name = 'watch'::text)) EXECUTE FUNCTION learning.watch();
CREATE TRIGGER clear_seeds BEFORE INSERT ON learning.exposure_masks FOR EACH STATEMENT EXECUTE FUNCTION learning.clear_seeds();
ALTER TABLE "learning"."exposure_masks" ENABLE REPLICA TRIGGER "clear_seeds";
CREATE TRIGGER give_way BEFORE INSERT ON learning.exposure_masks FOR EACH ROW EXECUTE FUNCTION learning.give_way('mask');
ALTER TABLE "learning"."exposure_masks" ENABLE REPLICA TRIGGER "give_way";
CREATE TRIGGER give_way BEFORE INSERT ON learning.mining_cycles FOR EACH ROW EXECUTE FUNCTION learning.give_way('family');
ALTER TABLE "learning"."mining_cycles" ENABLE REPLICA TRIGGER "give_way";
CREATE TRIGGER give_way BEFORE INSERT ON learning.receipt_search FOR EACH ROW EXECUTE FUNCTION learning.give_way('is_only');
ALTER TABLE "learning"."receipt_search" ENABLE REPLICA TRIGGER "give_way";
CREATE TRIGGER keep_what_was_pushed BEFORE INSERT ON learning.releases FOR EACH ROW EXECUTE FUNCTION learning.keep_what_was_pushed();
ALTER TABLE "learning"."releases" ENABLE REPLICA TRIGGER "keep_what_was_pushed";
CREATE TRIGGER keep_what_was_pushed BEFORE INSERT ON learning.settings FOR EACH ROW EXECUTE FUNCTION learning.keep_what_was_pushed();
ALTER TABLE "learning"."settings" ENABLE REPLICA TRIGGER "keep_what_was_pushed";
CREATE TRIGGER give_way BEFORE INSERT ON learning.strength_reconciliation FOR EACH ROW EXECUTE FUNCTION learning.give_way('single');
ALTER TABLE "learning"."strength_reconciliation" ENABLE REPLICA TRIGGER "give_way";
CREATE TRIGGER fill_strand_gaps BEFORE INSERT OR UPDATE ON public.ad_strands FOR EACH ROW WHEN (((new.kind IS NULL) OR (new.content IS NULL) OR (new.regime_context IS NULL) OR (new.tags IS NULL) OR (new.created_at IS NULL))) EXECUTE FUNCTION learning.fill_strand_gaps();
CREATE TRIGGER withdraw_changed_strands AFTER UPDATE ON public.ad_strands REFERENCING OLD TABLE AS old_strands NEW TABLE AS new_strands FOR EACH STATEMENT EXECUTE FUNCTION learning.withdraw_changed_strands();
CREATE TRIGGER withdraw_deleted_strands AFTER DELETE ON public.ad_strands REFERENCING OLD TABLE AS old_strands FOR EACH STATEMENT EXECUTE FUNCTION learning.withdraw_deleted_strands();
CREATE TRIGGER withdraw_truncated_strands BEFORE TRUNCATE ON public.ad_strands FOR EACH STATEMENT EXECUTE FUNCTION learning.withdraw_deleted_strands();
CREATE TRIGGER give_way BEFORE INSERT ON public.exposure_history FOR EACH ROW EXECUTE FUNCTION learning.give_way('id');
ALTER TABLE "public"."exposure_history" ENABLE REPLICA TRIGGER "give_way";
CREATE TRIGGER give_way BEFORE INSERT ON public.learning_alerts FOR EACH ROW EXECUTE FUNCTION learning.give_way('id');
ALTER TABLE "public"."learning_alerts" ENABLE REPLICA TRIGGER "give_way";
CREATE TRIGGER give_way BEFORE INSERT ON public.learning_configs FOR EACH ROW EXECUTE FUNCTION learning.give_way('module_id');
ALTER TABLE "public"."learning_configs" ENABLE REPLICA TRIGGER "give_way";
ALTER TABLE "public"."learning_configs" ENABLE ALWAYS TRIGGER "keep_effective_configuration";
CREATE TRIGGER remember_configuration AFTER INSERT OR DELETE OR UPDATE ON public.learning_configs FOR EACH ROW EXECUTE FUNCTION learning.remember_configuration();
CREATE TRIGGER remember_truncated_configurations BEFORE TRUNCATE ON public.learning_configs FOR EACH STATEMENT EXECUTE FUNCTION learning.remember_truncated_configurations();
CREATE TRIGGER clear_seeds BEFORE INSERT ON public.learning_levers FOR EACH STATEMENT EXECUTE FUNCTION learning.clear_seeds();
ALTER TABLE "public"."learning_levers" ENABLE REPLICA TRIGGER "clear_seeds";
CREATE TRIGGER give_way BEFORE INSERT ON public.learning_levers FOR EACH ROW EXECUTE FUNCTION learning.give_way('lever');
ALTER TABLE "public"."learning_levers" ENABLE REPLICA TRIGGER "give_way";
CREATE TRIGGER give_way BEFORE INSERT ON public.learning_log FOR EACH ROW EXECUTE FUNCTION learning.give_way('id');
ALTER TABLE "public"."learning_log" ENABLE REPLICA TRIGGER "give_way";
CREATE TRIGGER prune_proofs AFTER INSERT ON public.learning_proofs FOR EACH STATEMENT EXECUTE FUNCTION learning.prune_proofs();
CREATE TRIGGER guard_changed_pattern_key BEFORE UPDATE ON public.lowcap_positions FOR EACH ROW WHEN (((new.pattern_key IS DISTINCT FROM old.pattern_key) AND (length(new.pattern_key) > learning.size_limit('pattern_key_characters'::text)))) EXECUTE FUNCTION learning.refuse_pattern_key();
CREATE TRIGGER guard_new_pattern_key BEFORE INSERT ON public.lowcap_positions FOR EACH ROW WHEN ((length(new.pattern_key) > learning.size_limit('pattern_key_characters'::text))) EXECUTE FUNCTION learning.refuse_pattern_key();
CREATE TRIGGER complete_changed_direct_window BEFORE UPDATE ON public.pattern_episode_events FOR EACH ROW WHEN ((old.strand_id = learning.direct_window_id(old.id))) EXECUTE FUNCTION learning.complete_direct_window();
CREATE TRIGGER complete_new_direct_window BEFORE INSERT ON public.pattern_episode_events FOR EACH ROW WHEN ((new.strand_id IS NULL)) EXECUTE FUNCTION learning.complete_direct_window();
CREATE TRIGGER follow_changed_direct_windows AFTER UPDATE ON public.pattern_episode_events REFERENCING OLD TABLE AS old_windows NEW TABLE AS new_windows FOR EACH STATEMENT EXECUTE FUNCTION learning.follow_direct_windows();
CREATE TRIGGER follow_changed_told_windows AFTER UPDATE ON public.pattern_episode_events REFERENCING OLD TABLE AS old_windows NEW TABLE AS new_windows FOR EACH STATEMENT EXECUTE FUNCTION learning.follow_told_windows();
CREATE TRIGGER follow_deleted_direct_windows AFTER DELETE ON public.pattern_episode_events REFERENCING OLD TABLE AS old_windows FOR EACH STATEMENT EXECUTE FUNCTION learning.follow_direct_windows();
CREATE TRIGGER follow_deleted_told_windows AFTER DELETE ON public.pattern_episode_events REFERENCING OLD TABLE AS old_windows FOR EACH STATEMENT EXECUTE FUNCTION learning.follow_told_windows();
CREATE TRIGGER follow_new_direct_windows AFTER INSERT ON public.pattern_episode_events REFERENCING NEW TABLE AS new_windows FOR EACH STATEMENT EXECUTE FUNCTION learning.follow_direct_windows();
CREATE TRIGGER follow_new_told_windows AFTER INSERT ON public.pattern_episode_events REFERENCING NEW TABLE AS new_windows FOR EACH STATEMENT EXECUTE FUNCTION learning.follow_told_windows();
CREATE TRIGGER broadcast_overrides AFTER INSERT ON public.pm_override_history REFERENCING NEW TABLE AS new_changes FOR EACH STATEMENT EXECUTE FUNCTION learning.broadcast_overrides();
CREATE TRIGGER clear_override_of_dust BEFORE INSERT OR UPDATE ON public.pm_overrides FOR EACH ROW WHEN ((LEAST(NULLIF(abs(new.dir_a), (0)::double precision), NULLIF(abs(new.dir_e), (0)::double precision), NULLIF(abs(new.value), (0)::double precision), NULLIF(abs(new.edge_raw), (0)::double precision), NULLIF(new.variance, (0)::double precision), NULLIF(new.confidence_score, (0)::double precision)) < learning.dust())) EXECUTE FUNCTION learning.clear_override_of_dust();
CREATE TRIGGER follow_hand BEFORE INSERT OR UPDATE ON public.pm_overrides FOR EACH ROW WHEN ((current_setting('learning.actor'::text, true) IS DISTINCT FROM 'loop'::text)) EXECUTE FUNCTION learning.follow_hand();
CREATE TRIGGER guard_changed_pattern_key BEFORE UPDATE ON public.pm_overrides FOR EACH ROW WHEN (((new.pattern_key IS DISTINCT FROM old.pattern_key) AND (length(new.pattern_key) > learning.size_limit('pattern_key_characters'::text)))) EXECUTE FUNCTION learning.refuse_pattern_key();
CREATE TRIGGER guard_new_pattern_key BEFORE INSERT ON public.pm_overrides FOR EACH ROW WHEN ((length(new.pattern_key) > learning.size_limit('pattern_key_characters'::text))) EXECUTE FUNCTION learning.refuse_pattern_key();
CREATE TRIGGER note_insert BEFORE INSERT ON public.pm_overrides FOR EACH STATEMENT EXECUTE FUNCTION learning.note_upsert();
CREATE TRIGGER note_upsert BEFORE UPDATE ON public.pm_overrides FOR EACH STATEMENT EXECUTE FUNCTION learning.note_upsert();
CREATE TRIGGER remember_changed_overrides AFTER UPDATE ON public.pm_overrides REFERENCING OLD TABLE AS old_overrides NEW TABLE AS new_overrides FOR EACH STATEMENT EXECUTE FUNCTION learning.remember_changed_overrides();
CREATE TRIGGER remember_deleted_overrides AFTER DELETE ON public.pm_overrides REFERENCING OLD TABLE AS old_overrides FOR EACH STATEMENT EXECUTE FUNCTION learning.remember_deleted_overrides();
CREATE TRIGGER remember_new_overrides AFTER INSERT ON public.pm_overrides REFERENCING NEW TABLE AS new_overrides FOR EACH STATEMENT EXECUTE FUNCTION learning.remember_new_overrides();
CREATE TRIGGER remember_truncated_overrides BEFORE TRUNCATE ON public.pm_overrides FOR EACH STATEMENT EXECUTE FUNCTION learning.remember_deleted_overrides();
CREATE TRIGGER take_over_override BEFORE INSERT ON public.pm_overrides FOR EACH ROW WHEN (((new.lesson_id IS NULL) AND (current_setting('learning.actor'::text, true) IS DISTINCT FROM 'loop'::text))) EXECUTE FUNCTION learning.take_over_override();
CREATE TRIGGER clear_seeds BEFORE INSERT ON public.scope_dimensions FOR EACH STATEMENT EXECUTE FUNCTION learning.clear_seeds();
ALTER TABLE "public"."scope_dimensions" ENABLE REPLICA TRIGGER "clear_seeds";
ALTER TABLE "public"."scope_dimensions" ENABLE ALWAYS TRIGGER "derive_scope_functions";
CREATE TRIGGER give_way BEFORE INSERT ON public.scope_dimensions FOR EACH ROW EXECUTE FUNCTION learning.give_way('dim', 'bit');
ALTER TABLE "public"."scope_dimensions" ENABLE REPLICA TRIGGER "give_way";
CREATE POLICY "read_with_learning_role" ON "learning"."live_records" FOR SELECT TO "authenticated" USING (( SELECT learning.may_read() AS may_read));
CREATE POLICY "read_with_learning_role" ON "learning"."scope_values" FOR SELECT TO "authenticated" USING (( SELECT learning.may_read() AS may_read));
CREATE POLICY "read_with_learning_role" ON "learning"."uplift_figures" FOR SELECT TO "authenticated" USING (( SELECT learning.may_read() AS may_read));
CREATE POLICY "read_with_learning_role" ON "public"."exposure_history" FOR SELECT TO "authenticated" USING (( SELECT learning.may_read() AS may_read));
CREATE POLICY "read_with_learning_role" ON "public"."learning_alerts" FOR SELECT TO "authenticated" USING (( SELECT learning.may_read() AS may_read));
CREATE POLICY "read_with_learning_role" ON "public"."learning_calibration" FOR SELECT TO "authenticated" USING (( SELECT learning.may_read() AS may_read));
CREATE POLICY "read_with_learning_role" ON "public"."learning_config_history" FOR SELECT TO "authenticated" USING (( SELECT learning.may_read() AS may_read));
CREATE POLICY "read_with_learning_role" ON "public"."learning_effect_groups" FOR SELECT TO "authenticated" USING (( SELECT learning.may_read() AS may_read));
CREATE POLICY "read_with_learning_role" ON "public"."learning_effects" FOR SELECT TO "authenticated" USING (( SELECT learning.may_read() AS may_read));
CREATE POLICY "read_with_learning_role" ON "public"."learning_proofs" FOR SELECT TO "authenticated" USING (( SELECT learning.may_read() AS may_read));
CREATE POLICY "read_with_learning_role" ON "public"."learning_regime_weights" FOR SELECT TO "authenticated" USING (( SELECT learning.may_read() AS may_read));
CREATE POLICY "read_with_learning_role" ON "public"."pm_override_history" FOR SELECT TO "authenticated" USING (( SELECT learning.may_read() AS may_read));
CREATE POLICY "read_with_learning_role" ON "public"."pm_sizings" FOR SELECT TO "authenticated" USING (( SELECT learning.may_read() AS may_read));
COMMENT ON COLUMN "learning"."alert_requests"."id" IS 'Identity.';
COMMENT ON COLUMN "learning"."alert_requests"."request_id" IS 'The request in net; numbers begin anew after a crash.';
COMMENT ON COLUMN "learning"."alert_requests"."sent_at" IS 'When it was queued.';
COMMENT ON COLUMN "learning"."baselines"."action_category" IS 'Category whose decisions it covers, by what they are judged by; empty for all trades.';
COMMENT ON COLUMN "learning"."baselines"."highest" IS 'Largest outcome.';
COMMENT ON COLUMN "learning"."baselines"."lowest" IS 'Smallest outcome.';
COMMENT ON COLUMN "learning"."baselines"."n" IS 'Decisions, or distinct trades.';
COMMENT ON COLUMN "learning"."calibrated_sums"."action_category" IS 'Category of the actions.';
COMMENT ON COLUMN "learning"."calibrated_sums"."module" IS 'Who acted.';
COMMENT ON COLUMN "learning"."calibrated_sums"."sums_digest" IS 'Digest of the sums of its groups and of what they are measured against.';
COMMENT ON COLUMN "learning"."category_days"."action_category" IS 'Category of the decisions.';
COMMENT ON COLUMN "learning"."category_days"."cycle" IS 'Cycle that it was measured in.';
COMMENT ON COLUMN "learning"."category_days"."module" IS 'Who acted.';
COMMENT ON COLUMN "learning"."category_days"."packed" IS 'Days and means in packed columns.';
COMMENT ON COLUMN "learning"."category_days"."settings" IS 'Digest of the configuration it was measured under.';
COMMENT ON COLUMN "learning"."category_directions"."action_category" IS 'Category of the decisions.';
COMMENT ON COLUMN "learning"."category_directions"."cycle" IS 'Cycle that it was measured in.';
COMMENT ON COLUMN "learning"."category_directions"."dir_a" IS 'Appetite to add.';
COMMENT ON COLUMN "learning"."category_directions"."dir_e" IS 'Assertiveness to exit.';
COMMENT ON COLUMN "learning"."category_directions"."module" IS 'Who acted.';
COMMENT ON COLUMN "learning"."category_directions"."settings" IS 'Digest of the configuration it was measured under.';
COMMENT ON COLUMN "learning"."closed_trades"."entry_price" IS 'Price it was entered at; null where unknown.';
COMMENT ON COLUMN "learning"."closed_trades"."exit_price" IS 'Price it was left at; null where unknown.';
COMMENT ON COLUMN "learning"."closed_trades"."fees" IS 'What it cost, a fraction of its capital; null where the close does not say.';
COMMENT ON COLUMN "learning"."closed_trades"."module" IS 'Who acted; where nobody did, who closed it.';
COMMENT ON COLUMN "learning"."doorbells"."failure" IS 'Why it could not be rung; null where it was.';
COMMENT ON COLUMN "learning"."doorbells"."request_id" IS 'The request in net; numbers begin anew after a crash. Null where it could not be rung.';
COMMENT ON COLUMN "learning"."effect_bases"."action_category" IS 'Category of the actions.';
COMMENT ON COLUMN "learning"."effect_bases"."lower_bound" IS '2 % quantile of the outcomes.';
COMMENT ON COLUMN "learning"."effect_bases"."mean" IS 'Mean of the winsorised outcomes.';
COMMENT ON COLUMN "learning"."effect_bases"."module" IS 'Who acted.';
COMMENT ON COLUMN "learning"."effect_bases"."n" IS 'Decisions: trades by their first action of a behaviour.';
COMMENT ON COLUMN "learning"."effect_bases"."sigma" IS 'Their population standard deviation.';
COMMENT ON COLUMN "learning"."effect_bases"."upper_bound" IS '98 % quantile of the outcomes.';
COMMENT ON COLUMN "learning"."effect_bases"."weeks" IS 'The UTC weeks of the decisions, ascending, counted from the one of 1970-01-01.';
COMMENT ON COLUMN "learning"."effect_cells"."group_id" IS 'The group.';
COMMENT ON COLUMN "learning"."effect_cells"."half_lives" IS 'The memories that were tried, in weeks; infinity where nothing is forgotten.';
COMMENT ON COLUMN "learning"."effect_cells"."n" IS 'By cell how many decisions it has.';
COMMENT ON COLUMN "learning"."effect_cells"."regimes" IS 'By cell the regime; null where its decisions lack a dimension that makes it.';
COMMENT ON COLUMN "learning"."effect_cells"."squares" IS 'By memory, then by cell: sum of p².';
COMMENT ON COLUMN "learning"."effect_cells"."tau_above" IS 'By memory, as in learning_effect_groups.';
COMMENT ON COLUMN "learning"."effect_cells"."tau_below" IS 'By memory, as in learning_effect_groups.';
COMMENT ON COLUMN "learning"."effect_cells"."told" IS 'By memory, then by cell: sum of p · e.';
COMMENT ON COLUMN "learning"."effect_cells"."weeks" IS 'By cell the UTC week, counted from the one of 1970-01-01.';
COMMENT ON COLUMN "learning"."errands"."called_at" IS 'When it was called for last.';
COMMENT ON COLUMN "learning"."errands"."name" IS 'watch or digest.';
COMMENT ON COLUMN "learning"."group_decisions"."acted_at" IS 'When it was made.';
COMMENT ON COLUMN "learning"."group_decisions"."did_trim" IS 'Whether its trade trimmed.';
COMMENT ON COLUMN "learning"."group_decisions"."evidence_version" IS 'Evidence version of the group they are of.';
COMMENT ON COLUMN "learning"."group_decisions"."group_id" IS 'The group.';
COMMENT ON COLUMN "learning"."group_decisions"."outcome" IS 'What each is judged by; null where that is not known.';
COMMENT ON COLUMN "learning"."group_decisions"."outcome_read" IS 'What they are judged by: learning.outcome_read().';
COMMENT ON COLUMN "learning"."group_decisions"."reached_s3" IS 'Whether its trade reached S3.';
COMMENT ON COLUMN "learning"."group_decisions"."steering_roi" IS 'The return that directions follow.';
COMMENT ON COLUMN "learning"."group_decisions"."traded_at" IS 'When its trade closed.';
COMMENT ON COLUMN "learning"."guest_columns"."column_name" IS 'The column.';
COMMENT ON COLUMN "learning"."guest_columns"."former_default" IS 'Default that a column of ours has in the release; null where it has none.';
COMMENT ON COLUMN "learning"."guest_columns"."is_guest" IS 'Whether adoption added it; otherwise it is ours and has the default that the guest gave it.';
COMMENT ON COLUMN "learning"."guest_columns"."relation" IS 'Table of public.';
COMMENT ON COLUMN "learning"."live_records"."e_value" IS 'Evidence that it keeps less than half of its promise, of windows that less than half are gains: 1 is none; null where nothing was promised.';
COMMENT ON COLUMN "learning"."live_records"."mean" IS 'Mean of their winsorised outcomes, of windows the share of gains; null without any.';
COMMENT ON COLUMN "learning"."live_records"."n" IS 'Decisions, or windows, of known outcome.';
COMMENT ON COLUMN "learning"."live_records"."override_id" IS 'The override.';
COMMENT ON COLUMN "learning"."live_records"."recorded_at" IS 'When these figures came to be.';
COMMENT ON COLUMN "learning"."mining_groups"."first_outcome" IS 'The outcome that first_sigma is of.';
COMMENT ON COLUMN "learning"."mining_groups"."first_sigma" IS 'Deviation of the baseline when the group was first mined by this outcome: what evidence is weighed by.';
COMMENT ON COLUMN "learning"."mining_groups"."lagging_since" IS 'Since when the overrides in force are older than what was learned; null where they are not.';
COMMENT ON COLUMN "learning"."mining_groups"."mined_sigma" IS 'Deviation of its category when it was mined: what edges are measured in unless told otherwise.';
COMMENT ON COLUMN "learning"."override_index_entries"."by_hand" IS 'Whether a person made or pinned it.';
COMMENT ON COLUMN "learning"."position_scopes"."exposure" IS 'Intended capital as a fraction of the book, or USD held where exposure.measure is value.';
COMMENT ON COLUMN "learning"."position_scopes"."scope" IS 'Its scope: entry context, timeframe, chain, state and book.';
COMMENT ON COLUMN "learning"."pruned_subjects"."kind" IS 'trade or episode.';
COMMENT ON COLUMN "learning"."pruned_subjects"."pruned_at" IS 'When its strands were removed.';
COMMENT ON COLUMN "learning"."pruned_subjects"."subject" IS 'The trade or episode.';
COMMENT ON COLUMN "learning"."receipt_search"."found" IS 'How many were found when some were found last.';
COMMENT ON COLUMN "learning"."receipt_search"."found_at" IS 'When that was; null before any.';
COMMENT ON COLUMN "learning"."receipt_search"."is_only" IS 'Keeps it one row.';
COMMENT ON COLUMN "learning"."receipt_search"."searched_to" IS 'Id up to which this round has come; empty at its beginning.';
COMMENT ON COLUMN "learning"."settings"."kind" IS 'Type of the value; number_or_auto is a number or "auto"; dimensions are registered ones; masks is a list of dimension lists or of singles, pairs and full; shares maps timeframes to fractions that sum to 1.';
COMMENT ON COLUMN "learning"."strength_reconciliation"."after_group_id" IS 'Every key whose first mining group has no larger id is done.';
COMMENT ON COLUMN "learning"."strength_reconciliation"."finished_at" IS 'When it ended; null while it is under way.';
COMMENT ON COLUMN "learning"."strength_reconciliation"."leased_until" IS 'Until when somebody is taken to be at work on it.';
COMMENT ON COLUMN "learning"."strength_reconciliation"."run" IS 'Number of the pass.';
COMMENT ON COLUMN "learning"."strength_reconciliation"."single" IS 'There is one row.';
COMMENT ON COLUMN "learning"."strength_reconciliation"."span_under_way" IS 'What comes next within a key that takes several statements (learning.key_span); null between keys.';
COMMENT ON COLUMN "learning"."strength_reconciliation"."started_at" IS 'When it began; null before the first.';
COMMENT ON COLUMN "learning"."uplift_figures"."action_category" IS 'entry or add.';
COMMENT ON COLUMN "learning"."uplift_figures"."figures" IS 'The figures of public.learning_uplift.';
COMMENT ON COLUMN "learning"."uplift_figures"."measured_at" IS 'When they were reckoned.';
COMMENT ON COLUMN "learning"."watched_groups"."group_id" IS 'The group.';
COMMENT ON COLUMN "learning"."watched_groups"."mined_at" IS 'When it had been mined.';
COMMENT ON COLUMN "learning"."withdrawn_strands"."attempts" IS 'How often taking it back failed.';
COMMENT ON COLUMN "learning"."withdrawn_strands"."id" IS 'Order in which they went.';
COMMENT ON COLUMN "learning"."withdrawn_strands"."kind" IS 'Whether it told of a trade or of an episode.';
COMMENT ON COLUMN "learning"."withdrawn_strands"."next_attempt_at" IS 'When it may be tried next.';
COMMENT ON COLUMN "learning"."withdrawn_strands"."strand_id" IS 'The strand.';
COMMENT ON COLUMN "learning"."withdrawn_strands"."subject" IS 'The trade or episode that it named.';
COMMENT ON COLUMN "learning"."withdrawn_strands"."withdrawn_at" IS 'When it went.';
COMMENT ON COLUMN "public"."ad_strands"."kind" IS 'pm_action, dm_action, position_closed, episode_window, episode_outcome and uptrend_episode_summary are learned from; any other kind passes through untouched.';
COMMENT ON COLUMN "public"."exposure_history"."day" IS 'The day; a book that held nothing has one row for it.';
COMMENT ON COLUMN "public"."exposure_history"."exposure" IS 'Intended capital as a fraction of the book, or USD held where exposure.measure was value.';
COMMENT ON COLUMN "public"."exposure_history"."id" IS 'Identity.';
COMMENT ON COLUMN "public"."exposure_history"."pattern_key" IS 'Behaviour that held it; null where unknown.';
COMMENT ON COLUMN "public"."exposure_history"."positions" IS 'How many positions.';
COMMENT ON COLUMN "public"."exposure_history"."scope" IS 'Scope of the positions.';
COMMENT ON COLUMN "public"."exposure_history"."scope_mask" IS 'Its dimensions as bits.';
COMMENT ON COLUMN "public"."learning_alerts"."closed_at" IS 'When it was over; null while it lasts. What only happened is over at once.';
COMMENT ON COLUMN "public"."learning_alerts"."details" IS 'The same for a program to read.';
COMMENT ON COLUMN "public"."learning_alerts"."id" IS 'Order of writing.';
COMMENT ON COLUMN "public"."learning_alerts"."kind" IS 'A stage of learning_health that is not well, silence (nothing arrived for a day) or overrides (switched off because they stopped adding value).';
COMMENT ON COLUMN "public"."learning_alerts"."message" IS 'What is wrong, or happened, for a person to read.';
COMMENT ON COLUMN "public"."learning_alerts"."opened_at" IS 'When it was found.';
COMMENT ON COLUMN "public"."learning_alerts"."sent_at" IS 'When the newest message about it left for the webhook; null where none did.';
COMMENT ON COLUMN "public"."learning_calibration"."action_category" IS 'Category of the actions.';
COMMENT ON COLUMN "public"."learning_calibration"."half_life_weeks" IS 'Half-life of what slices remember; null where nothing is forgotten.';
COMMENT ON COLUMN "public"."learning_calibration"."kappa" IS 'Share of what slices say that held, 0 to 1; 0 in fewer than ten weeks.';
COMMENT ON COLUMN "public"."learning_calibration"."mean" IS 'Mean of the winsorised outcomes of its decisions.';
COMMENT ON COLUMN "public"."learning_calibration"."module" IS 'Who acted.';
COMMENT ON COLUMN "public"."learning_calibration"."n" IS 'Decisions behind it.';
COMMENT ON COLUMN "public"."learning_calibration"."regimes_act" IS 'Whether the weights of regimes act: telling regimes apart held in weeks that were not seen.';
COMMENT ON COLUMN "public"."learning_calibration"."sigma" IS 'Their standard deviation: the unit of effects.';
COMMENT ON COLUMN "public"."learning_calibration"."tau2" IS 'Variance of what slices are about, in units of sigma squared; 0 where nothing is beyond luck.';
COMMENT ON COLUMN "public"."learning_calibration"."updated_at" IS 'When the row changed last.';
COMMENT ON COLUMN "public"."learning_calibration"."weeks" IS 'Weeks that have decisions.';
COMMENT ON COLUMN "public"."learning_config_history"."actor" IS 'Who: a signed-in user''s mail address or id, else the role of the database; loop for the loop itself.';
COMMENT ON COLUMN "public"."learning_config_history"."at" IS 'When.';
COMMENT ON COLUMN "public"."learning_config_history"."id" IS 'Order of writing.';
COMMENT ON COLUMN "public"."learning_config_history"."module_id" IS 'Module whose configuration changed.';
COMMENT ON COLUMN "public"."learning_config_history"."new" IS 'The row after; null where it was deleted.';
COMMENT ON COLUMN "public"."learning_config_history"."old" IS 'The row before; null where there was none.';
COMMENT ON COLUMN "public"."learning_config_history"."reason" IS 'Why, where whoever changed it said so in the setting learning.reason of his transaction.';
COMMENT ON COLUMN "public"."learning_config_history"."run" IS 'Run of the loop; null for a person.';
COMMENT ON COLUMN "public"."learning_configs"."module_id" IS 'pm or decision_maker; what other modules keep here is stored and not read.';
COMMENT ON COLUMN "public"."learning_edge_history"."edge" IS 'Edge before decay, in units of scale.';
COMMENT ON COLUMN "public"."learning_edge_history"."scale" IS 'What the edge was measured in, in the unit of the outcome.';
COMMENT ON COLUMN "public"."learning_effect_groups"."action_category" IS 'Category of the action.';
COMMENT ON COLUMN "public"."learning_effect_groups"."group_id" IS 'The group, as in learning_effects.';
COMMENT ON COLUMN "public"."learning_effect_groups"."kappa_above" IS 'Sum of p · e: what the slices say of each decision without its own weeks, times what came of it.';
COMMENT ON COLUMN "public"."learning_effect_groups"."kappa_below" IS 'Sum of p², the same squared.';
COMMENT ON COLUMN "public"."learning_effect_groups"."last_evidence_at" IS 'Close of the newest trade in it; what it says fades from there.';
COMMENT ON COLUMN "public"."learning_effect_groups"."mean" IS 'Mean of the winsorised outcomes of the module and category when the group was mined.';
COMMENT ON COLUMN "public"."learning_effect_groups"."module" IS 'Who acted.';
COMMENT ON COLUMN "public"."learning_effect_groups"."n" IS 'Decisions of the group.';
COMMENT ON COLUMN "public"."learning_effect_groups"."pattern_key" IS 'Behaviour, dotted.';
COMMENT ON COLUMN "public"."learning_effect_groups"."run" IS 'Mining cycle in which it was mined last.';
COMMENT ON COLUMN "public"."learning_effect_groups"."sigma" IS 'Their standard deviation then.';
COMMENT ON COLUMN "public"."learning_effect_groups"."sigma_first" IS 'Standard deviation when the group was first mined, which evidence is weighed with.';
COMMENT ON COLUMN "public"."learning_effect_groups"."sums_digest" IS 'Digest of all sums, those by week and regime too: it tells whether a calibration rests on what holds.';
COMMENT ON COLUMN "public"."learning_effect_groups"."tau_above" IS 'Sum of n · (S² - ΣZ²)/(n² - ΣW²) over the slices: what they are about without their own weeks'' luck.';
COMMENT ON COLUMN "public"."learning_effect_groups"."tau_below" IS 'Sum of n over the slices.';
COMMENT ON COLUMN "public"."learning_effect_groups"."updated_at" IS 'When the row changed last.';
COMMENT ON COLUMN "public"."learning_effects"."action_category" IS 'Category of the action.';
COMMENT ON COLUMN "public"."learning_effects"."code_1" IS 'Code of its value in learning.scope_values; 0 for the empty scope.';
COMMENT ON COLUMN "public"."learning_effects"."code_2" IS 'Code of its value; 0 where there is none.';
COMMENT ON COLUMN "public"."learning_effects"."dim_1" IS 'First dimension, in byte order of their names; null for the empty scope.';
COMMENT ON COLUMN "public"."learning_effects"."dim_2" IS 'Second dimension; null where there is none.';
COMMENT ON COLUMN "public"."learning_effects"."faded_n" IS 'Its decisions as they weigh under half-lives of 52, 26 and 13 weeks; null where memory is none.';
COMMENT ON COLUMN "public"."learning_effects"."faded_total" IS 'Sum of their outcomes under the same weights.';
COMMENT ON COLUMN "public"."learning_effects"."group_id" IS 'The group that it is a slice of.';
COMMENT ON COLUMN "public"."learning_effects"."module" IS 'Who acted.';
COMMENT ON COLUMN "public"."learning_effects"."n" IS 'Its decisions.';
COMMENT ON COLUMN "public"."learning_effects"."pattern_key" IS 'Behaviour, dotted.';
COMMENT ON COLUMN "public"."learning_effects"."scope_mask" IS 'Its dimensions as bits.';
COMMENT ON COLUMN "public"."learning_effects"."total" IS 'Sum of their winsorised outcomes: the excess is (total - n · mean)/sigma, by the mean of the calibration, which may move.';
COMMENT ON COLUMN "public"."learning_lessons"."edge_raw" IS 'Edge against the baseline after decay, in units of the scale in stats; null for tuning.';
COMMENT ON COLUMN "public"."learning_lessons"."family_scope" IS 'Scope of the lesson that represents its family, its own where it does itself; null where it is not believed, and for tuning.';
COMMENT ON COLUMN "public"."learning_lessons"."q_value" IS 'False discovery rate within the group; null for tuning.';
COMMENT ON COLUMN "public"."learning_lessons"."stats" IS 'All statistics: outcomes in their own unit, deltas and edges in units of scale, times in hours.';
COMMENT ON COLUMN "public"."learning_proofs"."at" IS 'When it was kept.';
COMMENT ON COLUMN "public"."learning_proofs"."config" IS 'The PM''s configuration as it was written.';
COMMENT ON COLUMN "public"."learning_proofs"."config_version" IS 'Its version; 0 where none was written. A later one is not proven by it.';
COMMENT ON COLUMN "public"."learning_proofs"."decisions" IS 'Entries and adds that were sized.';
COMMENT ON COLUMN "public"."learning_proofs"."from_at" IS 'Time of the first strand.';
COMMENT ON COLUMN "public"."learning_proofs"."id" IS 'Order of writing.';
COMMENT ON COLUMN "public"."learning_proofs"."release" IS 'Release that the proof is of.';
COMMENT ON COLUMN "public"."learning_proofs"."report" IS 'Everything else that the proof said, and its sentence.';
COMMENT ON COLUMN "public"."learning_proofs"."source" IS 'Where the strands came from.';
COMMENT ON COLUMN "public"."learning_proofs"."to_at" IS 'Time of the last strand.';
COMMENT ON COLUMN "public"."learning_proofs"."verdict" IS 'shown: the configured mode paid; harm: it cost; not shown: neither can be told.';
COMMENT ON COLUMN "public"."learning_proofs"."ways" IS 'Every way of sizing with its figures.';
COMMENT ON COLUMN "public"."learning_regime_weights"."action_category" IS 'Category of the actions.';
COMMENT ON COLUMN "public"."learning_regime_weights"."confidence" IS 'Share of its own decisions in kappa, 0 to 1.';
COMMENT ON COLUMN "public"."learning_regime_weights"."kappa" IS 'Share that held in this regime, drawn towards that of all where it has seen little.';
COMMENT ON COLUMN "public"."learning_regime_weights"."module" IS 'Who acted.';
COMMENT ON COLUMN "public"."learning_regime_weights"."n" IS 'Decisions of the regime.';
COMMENT ON COLUMN "public"."learning_regime_weights"."regime_signature" IS 'Values of regime_dimensions, joined by |.';
COMMENT ON COLUMN "public"."learning_regime_weights"."updated_at" IS 'When the row changed last.';
COMMENT ON COLUMN "public"."learning_regime_weights"."weeks" IS 'Weeks that have such.';
COMMENT ON COLUMN "public"."lowcap_positions"."book_id" IS 'Book that holds the position; part of its scope where book_id is a dimension.';
COMMENT ON COLUMN "public"."lowcap_positions"."current_usd_value" IS 'What the position holds in USD, if known: its exposure where exposure.measure is value.';
COMMENT ON COLUMN "public"."lowcap_positions"."status" IS 'Watchlist and active positions count as exposure; dormant ones share in reallocation; paused, archived, shadow and regime_driver ones do neither.';
COMMENT ON COLUMN "public"."lowcap_positions"."total_allocation_pct" IS 'Intended capital, whatever is filled, in the unit that allocation_unit of the decision maker names: a fraction of the book or a percentage; nearer to 0 than 1e-12 it is 0.';
COMMENT ON COLUMN "public"."pattern_episode_events"."strand_id" IS 'The window; of one in a summary of its episode, the summary, # and its number.';
COMMENT ON COLUMN "public"."pattern_episode_events"."summary_strand_id" IS 'The summary of the episode that the window stood in; null where it came by itself.';
COMMENT ON COLUMN "public"."pattern_trade_events"."fill_price" IS 'Price that the action was filled at; null where it does not say.';
COMMENT ON COLUMN "public"."pattern_trade_events"."fill_quantity" IS 'Quantity that was filled; null where the action does not say.';
COMMENT ON COLUMN "public"."pattern_trade_events"."leverage" IS 'Leverage of the action or its trade, 1 where neither says; null in events of before it was kept.';
COMMENT ON COLUMN "public"."pattern_trade_events"."own_roi" IS 'What the action came to by itself: an add''s own return, what a trim saved, what an exit missed, negative and in R; else the return of the whole trade. Null where unknown.';
COMMENT ON COLUMN "public"."pattern_trade_events"."own_rr" IS 'The same in R; null where unknown.';
COMMENT ON COLUMN "public"."pattern_trade_events"."side" IS 'long or short, by the action or its trade; null in events of before it was kept.';
COMMENT ON COLUMN "public"."pm_override_history"."actor" IS 'Who: loop for the loop itself, else a signed-in user''s mail address or id, or the role of the database.';
COMMENT ON COLUMN "public"."pm_override_history"."at" IS 'When.';
COMMENT ON COLUMN "public"."pm_override_history"."id" IS 'Order of writing.';
COMMENT ON COLUMN "public"."pm_override_history"."new" IS 'The columns that changed as they are now, all of them where it is new; null where it was deleted.';
COMMENT ON COLUMN "public"."pm_override_history"."old" IS 'The columns that changed as they were, all of them where it was deleted; null where it is new.';
COMMENT ON COLUMN "public"."pm_override_history"."override_id" IS 'The override.';
COMMENT ON COLUMN "public"."pm_override_history"."reason" IS 'Why, where whoever changed it said so in the setting learning.reason of his transaction.';
COMMENT ON COLUMN "public"."pm_override_history"."run" IS 'Run of the loop; null for a person.';
COMMENT ON COLUMN "public"."pm_overrides"."approved_at" IS 'When an operator approved what it says; null: never.';
COMMENT ON COLUMN "public"."pm_overrides"."approved_by" IS 'Who did.';
COMMENT ON COLUMN "public"."pm_overrides"."baseline" IS 'Winsorised mean that the promise was measured from.';
COMMENT ON COLUMN "public"."pm_overrides"."baseline_sigma" IS 'Deviation of that baseline.';
COMMENT ON COLUMN "public"."pm_overrides"."control" IS 'Whose word it is: auto, the loop''s; pinned, a person''s, who edited or made it; off, a person''s, who switched it off. The loop changes auto ones alone; setting auto gives a learned one back to it.';
COMMENT ON COLUMN "public"."pm_overrides"."disabled_by" IS 'Who switched it off: the loop, or a user, whose word stands; user exactly where control is off.';
COMMENT ON COLUMN "public"."pm_overrides"."evidence_from" IS 'Decisions from here on say whether it keeps its promise: when it began to act, or was switched off for breaking it; null where it was not learned.';
COMMENT ON COLUMN "public"."pm_overrides"."lesson_id" IS 'Lesson it was made from; null: made by hand.';
COMMENT ON COLUMN "public"."pm_overrides"."promised" IS 'By how much its decisions were to be better than the baseline when it began to act, in the unit of the outcome; null where it was not learned.';
COMMENT ON COLUMN "public"."pm_overrides"."proposed" IS 'What the loop would say of one that is pinned, off or waits for approval: its figures, or that it would switch it off and why; null where it would say nothing.';
COMMENT ON COLUMN "public"."pm_sizings"."a_final" IS 'Appetite after steering, as answered.';
COMMENT ON COLUMN "public"."pm_sizings"."a_value" IS 'Appetite to add that was given.';
COMMENT ON COLUMN "public"."pm_sizings"."action_category" IS 'entry, add, trim or exit.';
COMMENT ON COLUMN "public"."pm_sizings"."config_version" IS 'Version of the configuration that held.';
COMMENT ON COLUMN "public"."pm_sizings"."e_final" IS 'Assertiveness after steering, as answered.';
COMMENT ON COLUMN "public"."pm_sizings"."e_value" IS 'Assertiveness to exit that was given.';
COMMENT ON COLUMN "public"."pm_sizings"."exposure_skew" IS 'Factor from crowding, as answered.';
COMMENT ON COLUMN "public"."pm_sizings"."held_out" IS 'Whether nothing learned acted, because its subject is held out.';
COMMENT ON COLUMN "public"."pm_sizings"."holdout" IS 'Share of subjects that were held out then; 0: no experiment.';
COMMENT ON COLUMN "public"."pm_sizings"."id" IS 'The sizing_id of the answer.';
COMMENT ON COLUMN "public"."pm_sizings"."learned_strength" IS 'The same had the subject not been held out.';
COMMENT ON COLUMN "public"."pm_sizings"."max_alloc_pct" IS 'Largest allocation, as answered.';
COMMENT ON COLUMN "public"."pm_sizings"."mode" IS 'How learned strength acted; holdout where it did not.';
COMMENT ON COLUMN "public"."pm_sizings"."overrides" IS 'The overrides that acted, as answered.';
COMMENT ON COLUMN "public"."pm_sizings"."pattern_key" IS 'Behaviour, dotted.';
COMMENT ON COLUMN "public"."pm_sizings"."pm_strength" IS 'Factor from what was learned, as answered.';
COMMENT ON COLUMN "public"."pm_sizings"."scope" IS 'Scope, of registered dimensions alone.';
COMMENT ON COLUMN "public"."pm_sizings"."size_frac" IS 'Size to use, as answered.';
COMMENT ON COLUMN "public"."pm_sizings"."size_frac_raw" IS 'Size before anything learned.';
COMMENT ON COLUMN "public"."pm_sizings"."subject" IS 'Token, position or trade that it was asked for; null where none was named.';
COMMENT ON COLUMN "public"."pm_sizings"."taken_at" IS 'When it was answered.';
COMMENT ON COLUMN "public"."strand_receipts"."received_at" IS 'When it arrived as it is now.';
COMMENT ON COLUMN "public"."timeframe_allocation_steps"."module" IS 'Whose trade it is; decides, in byte order, between modules that use one id.';
COMMENT ON FUNCTION "learning"."accept_strands"(jsonb, jsonb[]) IS 'Marks strands done, their values in the dictionary; what they change is applied next.';
COMMENT ON FUNCTION "learning"."act_as"(text, text) IS 'Names who changes things from here on in this transaction, and in which run: loop within the loop''s own RPCs, which give it back as '''' when they end. Whoever is not named is a person.';
COMMENT ON FUNCTION "learning"."acted_in_s3"(jsonb) IS 'Whether an action happened in state S3: by its state, that among its reasons or that of its pattern key.';
COMMENT ON FUNCTION "learning"."acting_module"(text, text) IS 'Who wrote a strand: as it says, else the decision maker or the PM by its kind.';
COMMENT ON FUNCTION "learning"."action_category"(jsonb) IS 'What an action did, as it says or by its decision_type; null where it says neither.';
COMMENT ON FUNCTION "learning"."actor"() IS 'Who is at work: loop, else the signed-in user''s mail address or id, else the role of the database.';
COMMENT ON FUNCTION "learning"."actor_note"(text) IS 'What whoever is at work says of it in this transaction: the run (learning.run) or the reason (learning.reason); null where he says nothing.';
COMMENT ON FUNCTION "learning"."acts_as_loop"() IS 'Whether the loop has named itself; anybody else is a person.';
COMMENT ON FUNCTION "learning"."admit_listeners"() IS 'Lets viewer, pm and operator listen to the topic edgeloop:overrides where the platform has Realtime; returns whether they may. Where the right to do so is missing it says so in the log once a day.';
COMMENT ON FUNCTION "learning"."after_span"(learning.strength_reconciliation, learning.key_span) IS 'How far a pass has got when a span is done; notes of whole keys that what acts is what was learned.';
COMMENT ON FUNCTION "learning"."alert_health"() IS 'Whether alerts reach the webhook, by its answers of the last six hours; well where none is set.';
COMMENT ON FUNCTION "learning"."answered_rings"() IS 'Rings of the last six hours, each with its own answer where that came.';
COMMENT ON FUNCTION "learning"."apply_episode"(text) IS 'learning.apply_episodes of one.';
COMMENT ON FUNCTION "learning"."apply_episodes"(text[]) IS 'Brings the windows of some episodes and their outcomes in line with the accepted strands; returns the groups whose windows changed. Long because one statement writes the windows, removes those that are gone and tells both from what was there before.';
COMMENT ON FUNCTION "learning"."apply_subjects"(jsonb, jsonb, timestamp with time zone) IS 'Brings every trade and episode that some verdicts touch in line with its accepted strands, many in one subtransaction, and what fails among them in one of its own: how many strands failed and why, which were given back because time was up, whose events changed and from when on allocation must be replayed.';
COMMENT ON FUNCTION "learning"."apply_trade"(text) IS 'learning.apply_trades of one.';
COMMENT ON FUNCTION "learning"."apply_trades"(text[]) IS 'Brings the events and the closed_trades rows under some trades'' ids in line with their accepted strands; returns the groups whose events changed and, where a trade''s place or outcome did, the time from which allocation must be replayed. Warns of an id that several modules use.';
COMMENT ON FUNCTION "learning"."apply_what_is_missing"() IS 'Makes events, closed trades and windows of accepted strands that have none, and returns of how many trades and episodes.';
COMMENT ON FUNCTION "learning"."are_dimensions"(jsonb) IS 'Whether a value is a list of registered dimensions.';
COMMENT ON FUNCTION "learning"."ask_slices"(text, text, jsonb, timestamp with time zone, jsonb, boolean) IS 'What the slices that contain a scope say of it; null where none does, and where nothing would be kept unless asked for even so.';
COMMENT ON FUNCTION "learning"."assumed_thresholds"() IS 'The thresholds that are configured for windows that name none.';
COMMENT ON FUNCTION "learning"."await_approval"(learning.wanted_override[]) IS 'Lets what is new, pulls the other way or half as hard again wait in proposed; returns the rest.';
COMMENT ON FUNCTION "learning"."await_stillness"(interval) IS 'Waits until nobody writes what is derived, or what it is derived from, and keeps everybody from doing so until the transaction ends. Strands are taken meanwhile; they take effect afterwards.';
COMMENT ON FUNCTION "learning"."awaits_withdrawal"() IS 'Whether the effect of deleted strands waits to be taken back next.';
COMMENT ON FUNCTION "learning"."baseline_of"(text) IS 'The baseline that a group of the given category is compared with; the lowest and the highest outcome are those of the category in any case.';
COMMENT ON FUNCTION "learning"."beginning"(jsonb) IS 'The beginning of a document for an error message; of a large or deep one, what it is instead.';
COMMENT ON FUNCTION "learning"."blend_of_sums"(learning.match_sums, jsonb, text, boolean, double precision) IS 'The means that each mode takes of the sums, and what the configured one says of each override.';
COMMENT ON FUNCTION "learning"."blend_overrides"(learning.candidate, jsonb, boolean, boolean) IS 'Blends the overrides that a candidate contains, in every mode; null where there are none, and where they rest in its macro phase unless asked for even so.';
COMMENT ON FUNCTION "learning"."bring_in_line"(text, text[]) IS 'Brings trades or episodes in line with their accepted strands, all in one go: whose events changed and from when on allocation must be replayed.';
COMMENT ON FUNCTION "learning"."broadcast_overrides"() IS 'Tells whoever listens to the private topic edgeloop:overrides which overrides changed, at most 1,000 a message: {ids, version}, version the newest id of pm_override_history among them.';
COMMENT ON FUNCTION "learning"."broadcasts"() IS 'Whether the platform has realtime.send, which Realtime makes when it is first used.';
COMMENT ON FUNCTION "learning"."calibrated_strength"(learning.said_by_slices, double precision) IS 'The strength in mode calibrated: what is kept of what slices say, times what was set by hand.';
COMMENT ON FUNCTION "learning"."calibration_of"(text, text, jsonb, timestamp with time zone, jsonb) IS 'How much of what the slices of a behaviour say is kept, before they are asked; null: nothing is known.';
COMMENT ON FUNCTION "learning"."category_cells"(text, text, double precision) IS 'The sums of all groups of a module and category under one memory, by week and regime.';
COMMENT ON FUNCTION "learning"."category_sums"(text, text) IS 'The sums of all groups of a module and category under each memory that all of them were measured under.';
COMMENT ON FUNCTION "learning"."cautious_effect"(double precision, double precision, double precision) IS 'As much of an effect as effects of its category were found to keep; null where none was.';
COMMENT ON FUNCTION "learning"."change_by"(double precision) IS 'By how much a factor changes what it is applied to.';
COMMENT ON FUNCTION "learning"."change_overrides"(learning.wanted_override[]) IS 'Brings the overrides that are there in line with what is wanted, as far as they differ, no person has a word in them and none broke its promise; returns which changed.';
COMMENT ON FUNCTION "learning"."check_batch"(jsonb) IS 'Refuses what is no array of candidates, or too large a one.';
COMMENT ON FUNCTION "learning"."check_scope"(jsonb) IS 'Refuses a scope that is no object, too large, nested or has a value that is too long, under a key that is no dimension as well.';
COMMENT ON FUNCTION "learning"."choose_due_strands"(integer) IS 'The due strands that are claimed next, their receipts locked.';
COMMENT ON FUNCTION "learning"."clear_seeds"() IS 'Empties a registry before a dump is restored into a new database, so that what was taken out of it before the dump does not come back.';
COMMENT ON FUNCTION "learning"."codes_by_bit"(integer[], integer[], integer) IS 'Codes at the places of their dimensions'' bits; 0 at all others.';
COMMENT ON FUNCTION "learning"."complete_direct_window"() IS 'Makes a window of a row that a system wrote itself: scope, gates and what else follows from it.';
COMMENT ON FUNCTION "learning"."configured_value"(learning.settings, jsonb) IS 'What holds of a key: what is configured, where nothing is its default; a number nearer to 0 than 1e-12 counts as 0, and the cluster auto of earlier releases as week.';
COMMENT ON FUNCTION "learning"."create_overrides"(learning.wanted_override[]) IS 'Makes the wanted overrides that are not there; returns which.';
COMMENT ON FUNCTION "learning"."decided_windows"(text, bigint) IS 'Windows that the move of an override alone let in or kept out, the other gates as they stood: gain is 1 where it caught a success or dropped a failure, 0 where it caught a failure or dropped a success.';
COMMENT ON FUNCTION "learning"."decisions"() IS 'All decisions with what the configuration judges them by; null where that is not known. Brings their columns up to date first.';
COMMENT ON FUNCTION "learning"."differences_of_sizings"(public.pm_sizing, public.pm_sizing, jsonb, jsonb) IS 'What made two sizes differ, the largest first: kind (override, slice, exposure, configuration), id, what, change (came, went, changed), before and after (pull, skew or value) and the effect in parts of the size.';
COMMENT ON FUNCTION "learning"."digest"(timestamp with time zone) IS 'What happened since then in a few plain lines: lessons, overrides, sizes, what the experiment and the proof say, and health.';
COMMENT ON FUNCTION "learning"."direct_window_id"(bigint) IS 'What stands for the strand of a window that came as a row and not as a strand.';
COMMENT ON FUNCTION "learning"."disable_overrides"(learning.lapsed_override[]) IS 'Switches overrides off that are the loop''s to switch, and says why; returns how many.';
COMMENT ON FUNCTION "learning"."doubt_impossible_times"() IS 'Has strands judged anew that took effect with a time that no event can have, before 2000 or later than a day after they arrived: they are refused and their effect is taken back. Returns how many.';
COMMENT ON FUNCTION "learning"."doubt_summaries"(text[], boolean) IS 'Has the summaries judged anew that hold windows with some ids: what came by itself under one of them, or was there and is no more, decides whether the summary''s counts.';
COMMENT ON FUNCTION "learning"."due_groups"(text) IS 'Groups whose run is under way or whose events, configuration, registry or baseline changed.';
COMMENT ON FUNCTION "learning"."dust"() IS 'What is nearer to 0 counts as 0: products of such numbers leave the range of numbers, which Postgres refuses. A constant wherever it is planned.';
COMMENT ON FUNCTION "learning"."earliest_event"() IS 'Time before which nothing that is learned from can have happened.';
COMMENT ON FUNCTION "learning"."edit_distance"(text, text, integer) IS 'How many letters must be put in, left out, replaced or swapped with their neighbour to make one text of another; null where it is more than the most that is asked about. Without an extension, which may not be installed.';
COMMENT ON FUNCTION "learning"."effect_basis_moved"(bigint, text, text) IS 'Whether the mean or the spread that a group''s effects were measured against moved by more than a hundredth of the spread since.';
COMMENT ON FUNCTION "learning"."enabled_spans"(bigint, boolean) IS 'When an override was enabled, by its history; as it is now where that remembers nothing.';
COMMENT ON FUNCTION "learning"."encoded_scopes"(jsonb[]) IS 'The dimensions that scopes fill, as bits, and the scopes in codes of learning.scope_values, by bit; 0 where a dimension is absent. By their places in the list.';
COMMENT ON FUNCTION "learning"."end_of_portion"(timestamp with time zone, integer) IS 'Exit before which a replay that has come to a place stops to look at the clock; trades closed at one time are not parted. Null where it can go on to the end.';
COMMENT ON FUNCTION "learning"."end_of_span"(learning.key_span, integer) IS 'The last scope that a statement takes of a key, so that it has no more rows than given; null for all that are left.';
COMMENT ON FUNCTION "learning"."episode_blockers"(jsonb, jsonb, double precision[]) IS 'Gates that held a skipped window back: as given, else those whose flag or comparison says so; halo only when ts and slope passed.';
COMMENT ON FUNCTION "learning"."episode_factors"(jsonb) IS 'What the gates of a window saw: its factors, and from the rest of the content its flags and the sample it acted on, where the factors do not say.';
COMMENT ON FUNCTION "learning"."episode_gates"(text, jsonb) IS 'What the movable gates of a window compared: ts_score, ts_min, halo_distance, halo_max, slope, slope_min; null each where it is missing.';
COMMENT ON FUNCTION "learning"."events_of_closes"(learning.accepted_strands[], learning.closed_trades[], boolean[]) IS 'The events that closes make of their trades'' accepted actions; the decision maker''s belong to the newest close of an id. By the places of the closes.';
COMMENT ON FUNCTION "learning"."explain_calibration"(text, text, jsonb, timestamp with time zone, jsonb) IS 'What the slices that contain a scope say of it and how much of that is kept, and beside it the trailing mean of its timeframe, in sentences.';
COMMENT ON FUNCTION "learning"."explain_contributions"(jsonb, jsonb) IS 'The overrides that acted on a size, a line each.';
COMMENT ON FUNCTION "learning"."factor"(jsonb, text) IS 'A number among a window''s factors, or the median of several; null where there is none.';
COMMENT ON FUNCTION "learning"."failed_rings"() IS 'How often a request could not even be queued within six hours, and why the newest was not whose function has not been rung since.';
COMMENT ON FUNCTION "learning"."figures_wanted"(learning.wanted_override) IS 'What a lesson wants of an override, without where.';
COMMENT ON FUNCTION "learning"."fill_of_action"(jsonb, text) IS 'The price or the quantity that an action was filled at; null where it does not say.';
COMMENT ON FUNCTION "learning"."fill_strand_gaps"() IS 'Gives a strand what it would have had if its nulls had been left out; one without a kind passes through untouched as one that learning does not read.';
COMMENT ON FUNCTION "learning"."find_lost_receipts"(interval) IS 'Goes on with the search for strands without a receipt as far as it gets within its patience, and returns how many got one.';
COMMENT ON FUNCTION "learning"."follow_direct_windows"() IS 'Makes the groups of windows that changed due for mining, and warns once an hour of those that lack what simulation needs.';
COMMENT ON FUNCTION "learning"."follow_hand"() IS 'Notes that a person edited, made or switched off an override, which is then no longer the loop''s to change; a control that he sets himself holds as he sets it.';
COMMENT ON FUNCTION "learning"."follow_told_windows"() IS 'A window that comes by itself after the summary that holds it, changes or goes, has the summary judged anew.';
COMMENT ON FUNCTION "learning"."gate_levers"() IS 'The levers that move the gates, in the order of learning.episode_gates.';
COMMENT ON FUNCTION "learning"."gate_movers"(text) IS 'What moves gates of a behaviour, a row for each move of an override: what goes before what, whether and since when it is watched, while it acted, or did not because it broke its promise.';
COMMENT ON FUNCTION "learning"."gates_pass"(double precision[], double precision[], integer, double precision) IS 'Whether a window passes its recorded gates, moved as given; but the one at place, if given, by move.';
COMMENT ON FUNCTION "learning"."give_receipts"(text, integer) IS 'Looks at the strands from an id on and gives those that learning reads and that have no receipt one: done where their effect stands, else pending.';
COMMENT ON FUNCTION "learning"."give_way"() IS 'Lets a restored row take the place of the row that has its key; the arguments are columns that are unique.';
COMMENT ON FUNCTION "learning"."has_broken_promise"(public.pm_overrides) IS 'Whether the loop switched an override off because it did not keep what it promised; its lesson alone does not bring it back.';
COMMENT ON FUNCTION "learning"."has_effect"(text) IS 'Whether an event, a closed trade or a window rests on a strand.';
COMMENT ON FUNCTION "learning"."history_retention"() IS 'How long it is kept who changed overrides and configuration.';
COMMENT ON FUNCTION "learning"."hold_out"(public.pm_sizing, learning.candidate) IS 'A size without anything learned, exposure as always; what the configured mode would have said is in its shadow.';
COMMENT ON FUNCTION "learning"."ignored_in_words"(jsonb) IS 'Ignored keys for a person to read; null where there are none.';
COMMENT ON FUNCTION "learning"."ignored_keys"(jsonb) IS 'The keys of a scope that are no dimension, each with the nearest registered one or null. Of more than 32, which are no misspellings, the nearest are not looked for.';
COMMENT ON FUNCTION "learning"."in_unit"(double precision, text) IS 'An outcome as a person reads it, without the unit.';
COMMENT ON FUNCTION "learning"."inbox_gaps"() IS 'What is missing between strands and their receipts, for health: strands without one, and deleted ones whose effect still stands.';
COMMENT ON FUNCTION "learning"."is_held_out"(text, jsonb) IS 'Whether a subject''s sizes stay as they were before anything learned; without a subject never.';
COMMENT ON FUNCTION "learning"."is_judged_in_r"(text, jsonb) IS 'Whether what a decision of a category is judged by is in R, and not a return.';
COMMENT ON FUNCTION "learning"."is_larger_move"(double precision, double precision) IS 'Whether an override would pull the other way, or half as hard again.';
COMMENT ON FUNCTION "learning"."is_nested_too_deep"(jsonb) IS 'Whether more objects and lists are nested in a document than anything that comes in may have.';
COMMENT ON FUNCTION "learning"."is_opposed"(text, text, jsonb, double precision) IS 'Whether there are believed lessons that contain a scope, and all say the opposite of what is expected.';
COMMENT ON FUNCTION "learning"."is_over"(text, text, timestamp with time zone) IS 'Whether all strands of a trade or episode are older than a time and were judged, and none was withdrawn or pruned.';
COMMENT ON FUNCTION "learning"."is_plain"(jsonb) IS 'Whether an object is plainly within all limits and each of its values could be one of a scope, as nearly every context is; where not, a closer look tells.';
COMMENT ON FUNCTION "learning"."is_pruned"(text, text) IS 'Whether the strands of a trade or episode were pruned: nothing that comes later changes it.';
COMMENT ON FUNCTION "learning"."is_reconciled"(public.pm_overrides) IS 'Whether the loop has something to say once no lesson wants an override: it acts by the loop''s word, or tells what the loop would say.';
COMMENT ON FUNCTION "learning"."is_recorded"(text, learning.candidate, jsonb) IS 'Whether the answer for a candidate is kept.';
COMMENT ON FUNCTION "learning"."is_shadow_window"(jsonb) IS 'Whether an action that led to no trade tells of a window that was skipped.';
COMMENT ON FUNCTION "learning"."is_young"(integer) IS 'Whether what is believed rests on so few weeks that the regime it holds in may end with them.';
COMMENT ON FUNCTION "learning"."judged_events"(learning.accepted_strands[], learning.closed_trades[], boolean[]) IS 'The events that closes make of their trades'' accepted actions, each with what it came to by itself.';
COMMENT ON FUNCTION "learning"."keep_what_was_pushed"() IS 'Leaves a row of a dump out: what the release says, and whom this database rang, is not the dump''s to say. Refuses the dump of a release that this database was not brought to.';
COMMENT ON FUNCTION "learning"."kept_of"(learning.said_by_slices) IS 'What is kept of what slices say, in standard deviations: as much as held, faded, and nothing against all that is believed.';
COMMENT ON FUNCTION "learning"."kind_of_subject"(text, jsonb) IS 'What a strand tells of: trade or episode.';
COMMENT ON FUNCTION "learning"."known_pairs"(jsonb, text[]) IS 'What of one context can be in a scope: each registered dimension that it fills, by its own name before an alias, as trimmed text.';
COMMENT ON FUNCTION "learning"."label_faults"(text, text, text, text, text) IS 'Which of what a strand carries beside its documents is too long, as a list of {path, message}: those that travel travel with every strand of a claim.';
COMMENT ON FUNCTION "learning"."last_arrival"() IS 'When the newest strand was taken in; null where none ever was.';
COMMENT ON FUNCTION "learning"."learned_levers"(double precision, double precision, double precision, double precision) IS 'What a lesson says of the levers, from its edge in the unit of the outcome and the mean buckets of what its trades missed at entry and exit (0 to 3, null where unknown); bounds and fading come after.';
COMMENT ON FUNCTION "learning"."learning_role"() IS 'Role in the learning loop: viewer reads, pm reads and asks, operator steers besides; anything else may do nothing. It is what the token of the signed-in user says, and viewer for a member of the database role edgeloop_viewer.';
COMMENT ON FUNCTION "learning"."lease_receipts"(text[]) IS 'Leases strands to whoever asks, until they are due again; returns them with the revision that a verdict must name, how often they were leased and when they happened.';
COMMENT ON FUNCTION "learning"."legacy_keys"() IS 'Keys of earlier systems that a configuration may have; they are kept and not read.';
COMMENT ON FUNCTION "learning"."lesson_in_words"(public.learning_lessons, jsonb) IS 'What a lesson says, for a person to read: its effect with its interval, on what it rests, whether it is young or proven.';
COMMENT ON FUNCTION "learning"."list_contributions"(learning.strength_blend, jsonb, integer) IS 'The heaviest of the overrides that act in a blend of those that the scope contains, and the rest in one entry: multiplied out, what the blend says.';
COMMENT ON FUNCTION "learning"."list_slices"(learning.said_by_slices, integer) IS 'The slices that pull a strength most, and one entry for the rest.';
COMMENT ON FUNCTION "learning"."listed_dimensions"() IS 'The registered dimensions by where they come from first.';
COMMENT ON FUNCTION "learning"."live_decisions"(text, text, text, text[], bigint) IS 'The next overrides of a key that act or broke their promise, with the decisions of known outcome that each contained since evidence_from while it was enabled, in packed columns; last_override is null where no more are left. In one piece because its query is put together with the column that decisions are judged by.';
COMMENT ON FUNCTION "learning"."live_windows"(text, bigint) IS 'The next overrides of a behaviour that move a gate or broke their promise, with the windows that each alone decided, packed: their outcome is 1 for a gain and 0 for a cost.';
COMMENT ON FUNCTION "learning"."lock_or_raise"() IS 'Takes all that holds back who writes what is derived, or what it is derived from, except strands; raises 55P03 at once where somebody is writing it.';
COMMENT ON FUNCTION "learning"."log_figures"(bigint[], bigint[], learning.wanted_override[]) IS 'Tells of how many lessons a figure was cut as it was written, and how many have one that cannot be written.';
COMMENT ON FUNCTION "learning"."log_ignored_keys"(jsonb[]) IS 'Writes once an hour which keys of a batch''s contexts are no dimension and in how many contexts each is: ten in words, fifty with their counts, the most frequent first.';
COMMENT ON FUNCTION "learning"."log_incomplete_windows"(jsonb) IS 'Warns of the windows of a batch that lack what simulation needs; of those that stood in a summary or were told as margins, which never have it, it only informs.';
COMMENT ON FUNCTION "learning"."log_late_strands"(text[]) IS 'Warns of strands that came after those of their trade or episode had been pruned.';
COMMENT ON FUNCTION "learning"."mask_count"(jsonb) IS 'How many masks a list stands for, singles and pairs counted out.';
COMMENT ON FUNCTION "learning"."materialization_health"() IS 'Groups whose lessons are not in force yet, because they await simulation or reconciliation.';
COMMENT ON FUNCTION "learning"."measure_baselines"() IS 'Measures the baseline of each category over its decisions of known outcome, and that of all trades that have an event; returns how many decisions of each category have an outcome that is not known. In one piece because what is known and what is not are told apart in one pass over all decisions.';
COMMENT ON FUNCTION "learning"."measure_category_days"(learning.mining_groups) IS 'UTC days, counted from 1970-01-01, and the mean winsorised outcome of all decisions of a group''s module and category that closed on each, in packed columns.';
COMMENT ON FUNCTION "learning"."measure_effect_bases"() IS 'Measures what effects are measured against, over all decisions.';
COMMENT ON FUNCTION "learning"."measure_positions_anew"() IS 'Measures what is held anew when the measure or the unit of allocations changes.';
COMMENT ON FUNCTION "learning"."measure_strand"(jsonb, jsonb) IS 'How many bytes a strand''s documents have as text, and why they are too large or too deep to be judged, as a list of {path, message}; empty where they are not.';
COMMENT ON FUNCTION "learning"."measured_effects"(jsonb) IS 'The slices of a measured group, whose columns are texts of arrays, under the memories none, 52, 26 and 13 or under none alone.';
COMMENT ON FUNCTION "learning"."members_in_words"(text, jsonb) IS 'Some trades or episodes, given as {subject, strand_ids}, for a person to read.';
COMMENT ON FUNCTION "learning"."merged_scope"(jsonb, jsonb, jsonb, learning.dimension_lists) IS 'public.unified_scope of contexts that were found sound; who makes many hands over the dimensions.';
COMMENT ON FUNCTION "learning"."missed_rr"(jsonb, text) IS 'R/R that a trade''s summary says was missed at its entry or exit: a number, or the missed_rr of an object.';
COMMENT ON FUNCTION "learning"."missing_gates"(double precision[]) IS 'Names of the factors that a window lacks for simulation.';
COMMENT ON FUNCTION "learning"."most_deleted_unasked"() IS 'Most strands that one statement deletes without saying that it means it.';
COMMENT ON FUNCTION "learning"."most_in_one_go"() IS 'Most trades or episodes that are brought in line in one subtransaction; few batches of strands have more.';
COMMENT ON FUNCTION "learning"."move_spells"(public.pm_overrides) IS 'How far it moved its gate, and when.';
COMMENT ON FUNCTION "learning"."multiplier_applied"(jsonb, text) IS 'What an action says was applied to its size, as pm_strength or exposure_skew; null where it says nothing.';
COMMENT ON FUNCTION "learning"."nearest_dimension"(text) IS 'The registered dimension whose name or alias a key is nearest to, capitals aside: by one edit where the name is shorter than eight letters, by two where it is longer; null where none is so near.';
COMMENT ON FUNCTION "learning"."newest_proof"() IS 'The newest proof of the PM''s configuration as it is and of this release; null where there is none.';
COMMENT ON FUNCTION "learning"."next_keys"(bigint, integer) IS 'The next keys that together have no more rows than given, or the next one where it has more; without groups after the last.';
COMMENT ON FUNCTION "learning"."normalise_position"() IS 'Stores pattern keys dotted, no allocation that is next to nothing and no nulls, and notes when a position changed.';
COMMENT ON FUNCTION "learning"."note_alerts"() IS 'Opens an alert for what is wrong and has none, and closes those of what no longer is.';
COMMENT ON FUNCTION "learning"."note_episodes"(jsonb) IS 'Remembers until the end of the batch what was done to some episodes; what is rolled back is forgotten with it.';
COMMENT ON FUNCTION "learning"."note_switched_off"() IS 'Opens and closes an alert for the overrides that evidence switched off since the last one, once an hour.';
COMMENT ON FUNCTION "learning"."note_upsert"() IS 'Notes whether a statement inserts alone or, on conflict, updates: the one fires before inserts, the other before updates besides, in this order.';
COMMENT ON FUNCTION "learning"."number_bytes"(numeric) IS 'How long a decimal is as text, without writing it out: four bytes may stand for 131,072 digits.';
COMMENT ON FUNCTION "learning"."orphaned_tuning_overrides"(integer) IS 'Tuning overrides whose lesson is gone altogether, as far as nothing was done about that.';
COMMENT ON FUNCTION "learning"."outcome_column"(text, jsonb) IS 'The column of an event that says what a decision of a category is judged by.';
COMMENT ON FUNCTION "learning"."outcome_read"(jsonb) IS 'What a configuration judges decisions by, as text that is equal for equal outcomes.';
COMMENT ON FUNCTION "learning"."outcome_unit"(text, jsonb) IS 'What outcomes of a category are told in: points, hundredths of the capital, or R.';
COMMENT ON FUNCTION "learning"."outcomes_of_episodes"(text[]) IS 'How episodes ended, by the newest outcome or summary of each that was accepted; without those of which none was.';
COMMENT ON FUNCTION "learning"."outdate_allocation"(timestamp with time zone) IS 'Notes that steps from a time on are out of date; the next close or sweep replays from there.';
COMMENT ON FUNCTION "learning"."override_by_hand"(bigint) IS 'The override of an id, held until the transaction ends; refuses an id that none has.';
COMMENT ON FUNCTION "learning"."overrides_act"(text, jsonb, jsonb) IS 'Whether overrides of a type act in a scope: they are switched on, its macro phase is one in which overrides act, and those of strength and levers are not kept from it for want of a proof.';
COMMENT ON FUNCTION "learning"."overrides_as_of"(timestamp with time zone, text, text) IS 'The overrides that changed after a time, of all keys or one, whether each existed then, and as what.';
COMMENT ON FUNCTION "learning"."own_outcomes"(text[], double precision[], double precision[], text[], double precision[], double precision, double precision, double precision, double precision, double precision, double precision) IS 'What each action of a trade, in their order, came to by itself, as a return and in R: an add from its own fill to what was left later, less the trade''s costs; a trim what it saved of the same; an exit what it missed, in R both times; all others the whole trade. Null where that is unknown.';
COMMENT ON FUNCTION "learning"."patched"(jsonb, jsonb, text, text[]) IS 'A configuration with the keys that a patch names as it names them; null takes a key back to its default where null is no value of it.';
COMMENT ON FUNCTION "learning"."percent"(double precision) IS 'A fraction as a person reads it.';
COMMENT ON FUNCTION "learning"."pieces_of_subjects"(jsonb, jsonb) IS 'The trades and episodes that some verdicts touch, as {subject, strand_ids}, in pieces that are brought in line in one go; apart from these what was pruned, which nothing changes.';
COMMENT ON FUNCTION "learning"."platform_health"() IS 'What the loop rests on: extensions that are there, and tables that are closed.';
COMMENT ON FUNCTION "learning"."plausible_costs"(double precision, double precision) IS 'What the fills of a trade earned beyond the trade, where that can be its costs; else 0.';
COMMENT ON FUNCTION "learning"."pnl_usd"(jsonb) IS 'Realised profit of a trade in USD, by its summary; null where it does not say.';
COMMENT ON FUNCTION "learning"."position_exposure"(double precision, double precision, text, text) IS 'What a position counts as exposure: a fraction of the book, or USD where exposure.measure is value. The one place that knows the unit of allocations.';
COMMENT ON FUNCTION "learning"."position_scope"(jsonb, text, text, text, text) IS 'The scope a position is held in.';
COMMENT ON FUNCTION "learning"."positive_number"(jsonb) IS 'A price, a quantity or a leverage of a message; null where it holds nothing above 0.';
COMMENT ON FUNCTION "learning"."promise_of_key"(text, text, text) IS 'Writes down what the overrides of a key that have begun to act promise: the cautious effect of their lesson, half the effect where there is none, from the baseline as it is; returns how many.';
COMMENT ON FUNCTION "learning"."promise_of_moves"(bigint[]) IS 'Writes down what the gates promise that some lessons have begun to move: that at least half of the windows that a move decides are gains.';
COMMENT ON FUNCTION "learning"."proof_allows"(jsonb) IS 'Whether strength and levers may act: always, or with flags.require_proof while the newest proof of this configuration and release is shown.';
COMMENT ON FUNCTION "learning"."proof_health"() IS 'Whether what was learned acts on sizes without a proof of its configuration, or against one.';
COMMENT ON FUNCTION "learning"."propose_overrides"(learning.wanted_override[], learning.lapsed_override[]) IS 'Notes with overrides that are pinned or off what the loop would say of them.';
COMMENT ON FUNCTION "learning"."prune_alerts"(integer) IS 'Deletes alerts that are over and older than they are kept, at most p_batch, and requests older than a day; returns how many alerts.';
COMMENT ON FUNCTION "learning"."prune_history"(integer) IS 'Deletes changes of overrides and configuration, and alerts, that are older than they are kept, at most p_batch of each; returns how many.';
COMMENT ON FUNCTION "learning"."prune_proofs"() IS 'Keeps the 200 newest proofs.';
COMMENT ON FUNCTION "learning"."prune_sizings"(integer) IS 'Deletes recorded sizings that are older than they are kept, at most p_batch, and what was held on days beyond the history; returns how many sizings.';
COMMENT ON FUNCTION "learning"."prune_subject"(text, text, timestamp with time zone) IS 'Removes the strands of a trade or episode that is over, and returns how many.';
COMMENT ON FUNCTION "learning"."prune_unlearned"(timestamp with time zone) IS 'Removes some of the strands older than a time from which nothing was learned, and returns how many.';
COMMENT ON FUNCTION "learning"."put_configuration_back"(timestamp with time zone) IS 'Writes the configuration as it was then; whoever calls it takes it back.';
COMMENT ON FUNCTION "learning"."put_exposure_back"(timestamp with time zone) IS 'Writes what was held at the beginning of that day; whoever calls it takes it back. False where that is not known.';
COMMENT ON FUNCTION "learning"."put_overrides_back"(timestamp with time zone, text, text) IS 'Writes the overrides of a key as they were then; whoever calls it takes it back.';
COMMENT ON FUNCTION "learning"."read_candidates"(jsonb, boolean) IS 'The candidates of a batch that can be sized with their places in it and, where they may have them, their subjects, and by place why others cannot.';
COMMENT ON FUNCTION "learning"."read_subject"(jsonb) IS 'What a size is asked for: a token, a position or a trade; refuses what is no text.';
COMMENT ON FUNCTION "learning"."reason"(jsonb, text) IS 'One of the reasons of an action: they are an object, or pairs of name and value in its member ordered.';
COMMENT ON FUNCTION "learning"."reason_of_broken_promise"(public.pm_overrides, learning.live_records) IS 'Why an override that broke its promise is switched off, for a person to read; learning.has_broken_promise knows it by how it begins.';
COMMENT ON FUNCTION "learning"."rebuild"() IS 'Derives everything that is derived anew: what is in force, masks, cells, index, receipts, groups and allocation; returns what it made, or found missing, and how many. For after a restore; it may be called at any time, by the owner of the database: it waits for a moment in which nobody writes, and whoever writes anything but strands waits for it.';
COMMENT ON FUNCTION "learning"."rebuild_exposure"() IS 'Derives the functions that know the dimensions, the masks, the scopes of positions and the exposure cells anew.';
COMMENT ON FUNCTION "learning"."rebuild_override_index"() IS 'Makes the index of all enabled overrides anew, with their weights.';
COMMENT ON FUNCTION "learning"."receive_strands"() IS 'Writes the receipts of new and changed strands and rings for them.';
COMMENT ON FUNCTION "learning"."recode_scopes"() IS 'Brings masks and codes of events and windows in line with the registry and the dictionary, which gets what it lacks; returns how many of each were not.';
COMMENT ON FUNCTION "learning"."reconcile"(learning.wanted_override[], learning.lapsed_override[]) IS 'Brings the loop''s overrides in line with what is wanted of them; returns how many are created, changed and disabled. Unchanged rows are not written, and what a person decided is left as it is. Whoever calls it has named itself the loop (learning.act_as).';
COMMENT ON FUNCTION "learning"."reconcile_span"(learning.key_span) IS 'Brings the overrides of some keys, or of a part of one, in line with the active lessons.';
COMMENT ON FUNCTION "learning"."record_exposure"() IS 'Writes down what is held, once a day; returns how many rows.';
COMMENT ON FUNCTION "learning"."refresh_decisions"(timestamp with time zone) IS 'Brings the columns of decisions of groups that changed up to date, until the deadline; returns how many groups are left.';
COMMENT ON FUNCTION "learning"."refuse_large_scope"(jsonb) IS 'Refuses the scope of an override that is beyond a limit, before anything else is made of it.';
COMMENT ON FUNCTION "learning"."refuse_pattern_key"() IS 'Refuses a row whose pattern key is too long.';
COMMENT ON FUNCTION "learning"."refuse_scope"(jsonb) IS 'Refuses a scope with 22023 and every fault of a list of {path, message}; does nothing where it is empty.';
COMMENT ON FUNCTION "learning"."refuse_unasked_withdrawal"(text) IS 'Refuses to withdraw many strands at once unless learning.withdraw is set, and says how.';
COMMENT ON FUNCTION "learning"."regime_of"(jsonb, jsonb) IS 'The regime of a scope: its values of the dimensions that make one; null where it lacks one of them.';
COMMENT ON FUNCTION "learning"."register_missing_groups"() IS 'Registers the groups of events and windows that are not known yet, so that they are mined; returns how many.';
COMMENT ON FUNCTION "learning"."remember_changed_overrides"() IS 'Writes down who changed the overrides of a statement, and the columns that changed.';
COMMENT ON FUNCTION "learning"."remember_configuration"() IS 'Writes down who changed a configuration, and what it was.';
COMMENT ON FUNCTION "learning"."remember_deleted_overrides"() IS 'Writes down who deleted overrides, and what they were.';
COMMENT ON FUNCTION "learning"."remember_failed_ring"(text, text) IS 'Remembers a ring that came to nothing, for the health of the doorbell.';
COMMENT ON FUNCTION "learning"."remember_new_overrides"() IS 'Writes down who made the overrides of a statement.';
COMMENT ON FUNCTION "learning"."remember_truncated_configurations"() IS 'Writes down what was configured before all of it is deleted.';
COMMENT ON FUNCTION "learning"."replay_allocation"(timestamp with time zone, interval, integer) IS 'Brings steps, shares and positions in line with the closed trades from the given exit on, or goes on with a replay that paused; called once for each batch that changed any, and by the sweep. One that takes longer than its patience pauses; it looks at the clock after so many trades.';
COMMENT ON FUNCTION "learning"."replayed_steps"(public.timeframe_allocation_steps, timestamp with time zone, timestamp with time zone) IS 'The steps of all trades closed from a time on and before another, if one is given, in order, from the state before them; one in the future counts as closed now.';
COMMENT ON FUNCTION "learning"."require_operator"() IS 'Refuses signed-in users whose learning role is not operator; service_role and the owner may always change what an operator may.';
COMMENT ON FUNCTION "learning"."require_pm"() IS 'Refuses signed-in users whose learning role is neither pm nor operator; service_role and the owner may always ask.';
COMMENT ON FUNCTION "learning"."require_possible_time"(timestamp with time zone) IS 'Refuses a window at a time that no event can have, as strands with such a time are refused.';
COMMENT ON FUNCTION "learning"."rescale_positions"(text[], double precision[]) IS 'Splits what each token''s watchlist, active and dormant positions hold together by their timeframes'' shares; the token''s total is kept. Returns how many positions changed, none where flags.rescale_positions is off.';
COMMENT ON FUNCTION "learning"."retry_withdrawal"(bigint[], text, text, text) IS 'Lets withdrawn strands whose effect could not be taken back wait for another attempt, and logs why.';
COMMENT ON FUNCTION "learning"."return_overrides"(bigint[]) IS 'Lets overrides that broke their promise act again, where their lesson wants them; returns how many.';
COMMENT ON FUNCTION "learning"."ring_for_strands"() IS 'Rings aggregate-strands at most once a second.';
COMMENT ON FUNCTION "learning"."run_errand"(text) IS 'Does what the schedule calls for, watch or digest; whoever comes while another does it waits for him.';
COMMENT ON FUNCTION "learning"."scale_of_lesson"(jsonb) IS 'What the edge of a lesson is measured in, in the unit of the outcome: 1 where the lesson does not say.';
COMMENT ON FUNCTION "learning"."scattered_dimensions"(integer) IS 'Dimensions none of whose values has the fewest trades that make a slice and whose mean value would need more than ten times as many, once there are four times as many trades as make a slice.';
COMMENT ON FUNCTION "learning"."schedule_health"() IS 'Jobs of the loop: the backlog is those that are not scheduled or switched off. Only what runs as the owner of the loop may do its work.';
COMMENT ON FUNCTION "learning"."scope_faults"(jsonb) IS 'Why a context cannot be taken into a scope, as a list of {path, message}; empty where it can. The path is the registered dimension, or empty where the context as a whole is too large.';
COMMENT ON FUNCTION "learning"."send_alerts"() IS 'Sends what was not told: that something is wrong, at most once an hour of a kind, and that it is over. Without a webhook nothing; returns how many messages.';
COMMENT ON FUNCTION "learning"."send_digest"() IS 'Sends the week in words to the webhook, where there is one.';
COMMENT ON FUNCTION "learning"."send_to_webhook"(text) IS 'Sends a message to the address in Vault''s secret alert_webhook_url when the transaction commits; returns whether it could be queued. Without the secret nothing happens; a fault is logged once an hour.';
COMMENT ON FUNCTION "learning"."shadow_window"(jsonb) IS 'What an entry that was held back tells, as a window: its figures are margins, how far each gate was passed, against a threshold of 0 or the one that is given; and the thresholds that are not given. Nothing says that a margin has the unit of the figure.';
COMMENT ON FUNCTION "learning"."share_of_text"(text) IS 'A number from 0 to below 1 that a text always has, spread evenly over texts: its sha256''s first 8 hex digits over 2^32.';
COMMENT ON FUNCTION "learning"."side_of"(jsonb) IS 'Whether a document tells of a long or a short position, by its side or is_short; null where it does not say.';
COMMENT ON FUNCTION "learning"."side_of_trade"(jsonb) IS 'Whether a close tells of a long or a short trade: long unless it says otherwise.';
COMMENT ON FUNCTION "learning"."size_as_of"(learning.candidate) IS 'A candidate''s size at its own time, with the configuration that held and what was taken as it is now, because nothing is remembered of it.';
COMMENT ON FUNCTION "learning"."size_fault"(jsonb, integer) IS 'Says which limit a document is beyond, of keys, nesting or bytes, and what was given; null where it is within all. What is beyond one is not looked at further.';
COMMENT ON FUNCTION "learning"."size_in_steps"(public.pm_sizing) IS 'What each factor makes of a size, one after the other.';
COMMENT ON FUNCTION "learning"."size_limit"(text) IS 'How much of something is taken at most: keys and bytes of a scope, characters of its values, of a pattern key and of an id, bytes of a strand and of a claim, levels of nesting, candidates and bytes of a batch, masks of exposure. Bytes are those of the text, which is what travels.';
COMMENT ON FUNCTION "learning"."sizing_of_action"(public.ad_strands) IS 'The recorded sizing that an action names in sizing_id, else the newest one before it of its subject (token, position or trade), pattern key and category; null where there is none.';
COMMENT ON FUNCTION "learning"."sizing_retention"() IS 'How long it is kept what sizes were answered.';
COMMENT ON FUNCTION "learning"."slope_names"() IS 'What the slope of a window may be called among its factors; the first that is there counts.';
COMMENT ON FUNCTION "learning"."slope_of"(jsonb) IS 'The slope among a window''s factors; null where there is none.';
COMMENT ON FUNCTION "learning"."standing_closes"(text[]) IS 'The trades that go by some ids, of each id one for each module that acted or, where none did, of whoever closed it, the last one closed first: the newest close of each that was accepted, whether it is the one that was closed last, to which the decision maker''s allocations belong, and which modules acted.';
COMMENT ON FUNCTION "learning"."standing_verdicts"(jsonb, jsonb) IS 'The verdicts that stand, their receipts locked, and the contexts of what was accepted; what was accepted but cannot be taken into a scope is among the rejected.';
COMMENT ON FUNCTION "learning"."steering_column"(text, jsonb) IS 'The column of an event from which directions take sign and weight: the decision''s own return for what enters, the whole trade''s for what leaves.';
COMMENT ON FUNCTION "learning"."stored_webhook_fault"() IS 'What is wrong with the secret alert_webhook_url in Vault; null where nothing is, or there is none.';
COMMENT ON FUNCTION "learning"."strands_of_episodes"(text[]) IS 'The accepted strands that tell of some episodes, or of entries that were held back in them.';
COMMENT ON FUNCTION "learning"."strands_of_members"(jsonb) IS 'The strands of some trades or episodes, given as {subject, strand_ids}.';
COMMENT ON FUNCTION "learning"."strands_of_subject"(text, text) IS 'The strands that name a trade or an episode, and whether they were judged.';
COMMENT ON FUNCTION "learning"."strands_of_trades"(text[]) IS 'The accepted strands that tell of some trades.';
COMMENT ON FUNCTION "learning"."strength_overrides"(bigint[], text, text) IS 'The overrides that the acting lessons of some keys, given by all of their groups, want in a range of scopes, each once.';
COMMENT ON FUNCTION "learning"."subject_of_strand"(text, jsonb) IS 'The trade or episode that a strand names; null where it names none, or one by something else than a text of an id''s length, or learning does not read its kind.';
COMMENT ON FUNCTION "learning"."subjects_to_prune"(text, timestamp with time zone, text) IS 'The next trades or episodes whose strands are to be removed, in the order of their names.';
COMMENT ON FUNCTION "learning"."sum_matches"(learning.candidate, jsonb, learning.override_probe, double precision, boolean, boolean) IS 'Sums over the overrides that a candidate contains what each mode blends; for the posture over those of a confidence alone.';
COMMENT ON FUNCTION "learning"."summary_window_digests"(jsonb) IS 'The ids that a summary of an episode gives its windows, as digests: an index has no room for a long one, which must not fail the insert of others.';
COMMENT ON FUNCTION "learning"."summary_windows"(jsonb) IS 'The windows that a summary of an episode holds, each as if it had come by itself, and when it ended; null where it does not say when.';
COMMENT ON FUNCTION "learning"."sums_to_calibrate"() IS 'Modules and categories whose groups, or what these are measured against, changed since they were calibrated, with the digest of what they are to be calibrated from; null where nothing is left.';
COMMENT ON FUNCTION "learning"."sweep"() IS 'Finds the strands whose doorbell or receipt was lost, and the mining, simulating and reconciling whose invocations died, takes the effect of deleted strands back, goes on with a replay that paused, and writes down once a day what is held; does nothing while another one does.';
COMMENT ON FUNCTION "learning"."take_back"(text, text) IS 'Brings a trade or episode in line with the strands that are left of it.';
COMMENT ON FUNCTION "learning"."take_over_override"() IS 'Lets an override that a person inserts take the place of the learned one in its scope, with its id and its lesson.';
COMMENT ON FUNCTION "learning"."take_sizings"(learning.candidate[], text[]) IS 'Sizes candidates, holds those out whose subject is, and records as far as that is asked for; an id is null where nothing was recorded.';
COMMENT ON FUNCTION "learning"."take_wheel"(text) IS 'Lets an operator with a reason go on, which is written along with what he changes; returns the reason that held before.';
COMMENT ON FUNCTION "learning"."tau2_of"(text, text) IS 'Variance of what slices of a module and category are about; null where it was not calibrated.';
COMMENT ON FUNCTION "learning"."text_bytes"(jsonb, integer) IS 'Bytes of a document as text. Of one that has more than the most that is asked about, a number that it has at least: writing it out could take all memory. It is to be nested no deeper than a strand may be.';
COMMENT ON FUNCTION "learning"."text_of"(jsonb, text) IS 'A text of a message; null where it holds something else.';
COMMENT ON FUNCTION "learning"."time_to_s3_hours"(jsonb) IS 'Hours until a trade reached S3, by its summary in hours or days; null where it does not say.';
COMMENT ON FUNCTION "learning"."told_windows"(text[]) IS 'The windows of some episodes that accepted strands tell of, in the shape of an episode_window: the episode, the strand, the summary it stood in, what is told, when it was seen, how its summary says that it ended, and the thresholds that nobody gave. A window''s number in its summary is part of its id.';
COMMENT ON FUNCTION "learning"."trade_of_close"(learning.accepted_strands, text) IS 'What a close says of a module''s trade; without the categories of its actions.';
COMMENT ON FUNCTION "learning"."trade_value"(jsonb, text) IS 'What a close says of its trade: in the summary, beside it or in the context of the entry.';
COMMENT ON FUNCTION "learning"."trailing_mean"(text, timestamp with time zone, boolean) IS 'How many trades of a timeframe were closed in the eight weeks before, and by how much they did better than all: what calibrated strength has to beat.';
COMMENT ON FUNCTION "learning"."tuning_lookback"() IS 'Oldest time that tuning looks at: so many days before the newest window with an outcome, of those that are neither in the future nor before all time; null where there is none.';
COMMENT ON FUNCTION "learning"."utc_week"(timestamp with time zone) IS 'The week, Monday to Sunday in UTC, of a moment, counted from the one of 1970-01-01.';
COMMENT ON FUNCTION "learning"."value_faults"(jsonb, boolean) IS 'Why values of a context cannot be those of a scope, as a list of {path, message}: of its registered dimensions, or of any of its keys.';
COMMENT ON FUNCTION "learning"."warn_of_scattered_dimensions"() IS 'Warns once an hour of dimensions whose values never reach the fewest trades that make a slice.';
COMMENT ON FUNCTION "learning"."warn_of_shared_id"(text, text[]) IS 'Warns of a trade''s id that several modules use.';
COMMENT ON FUNCTION "learning"."warn_of_unknown_outcomes"(jsonb) IS 'Warns once a day of decisions that nothing can be learned of, with how many there are of each category.';
COMMENT ON FUNCTION "learning"."watch"() IS 'Writes down what is wrong and what no longer is, and tells it; lets listeners in where Realtime has come.';
COMMENT ON FUNCTION "learning"."webhook_fault"(text) IS 'What keeps an address from being a webhook''s, without the address itself, which is a secret; null where nothing does.';
COMMENT ON FUNCTION "learning"."webhook_payload"(text) IS 'A message as Slack (text, in which &, < and > are written out, or they would mention and link) and Discord (content, of at most 2,000 characters, which mentions nobody) both take it: each ignores the other''s.';
COMMENT ON FUNCTION "learning"."what_is_wrong"() IS 'What an alert is open for as long as it lasts: stages that are not well, and silence.';
COMMENT ON FUNCTION "learning"."window_outcome"(text, text) IS 'How a window would have ended, by what is told of its episode: what was missed is success and what was rightly skipped failure, of skipped windows; null where that says nothing of it.';
COMMENT ON FUNCTION "learning"."windows_of_episodes"(text[]) IS 'What the accepted windows of some episodes come to: what the gates saw and compared, what is missing for simulation, how the episode ended and how each window would have, and whether it came by itself with what it compared.';
COMMENT ON FUNCTION "learning"."with_light_edges"(learning.match_sums, double precision, boolean) IS 'Adds those of the light edges that weigh enough after all.';
COMMENT ON FUNCTION "learning"."withdraw_changed_strands"() IS 'Remembers what changed strands told of: nothing else tells which episode an outcome belonged to, or which trade a strand that names none any more.';
COMMENT ON FUNCTION "learning"."withdraw_deleted_strands"() IS 'Remembers the strands that a statement deleted, for the sweep to take back their effect, and refuses one that deletes many without saying that it means it.';
COMMENT ON FUNCTION "learning"."withdraw_effects"(interval) IS 'Takes back the effect of deleted strands as far as it gets within its patience, and returns of how many. What follows from trades and episodes follows as from a correction: shares are replayed, groups mined anew.';
COMMENT ON FUNCTION "learning"."withdrawn_subjects"(integer) IS 'The trades and episodes of withdrawn strands whose turn it is, each with these strands.';
COMMENT ON FUNCTION "learning"."without_dust"(double precision) IS 'A number, or 0 where it is nearer to 0 than dust.';
COMMENT ON FUNCTION "learning"."writable_overrides"(learning.wanted_override[]) IS 'Wanted overrides with what a lesson does not say filled in and every figure within what pm_overrides lets in, the lessons of which a figure was cut to it, and those that cannot be written, with the fault as remark.';
COMMENT ON FUNCTION "learning"."write_calibration"(jsonb) IS 'Writes what a module and category was calibrated to, as far as it changed, or takes it away where there is nothing to calibrate.';
COMMENT ON FUNCTION "learning"."write_effect_group"(learning.mining_groups, jsonb) IS 'Writes what a measured group hands over for calibration, as far as it changed.';
COMMENT ON FUNCTION "learning"."write_effects"(learning.mining_groups, jsonb) IS 'Writes the slices of a measured group: those that changed, those that are new, and those that are gone. Where nothing was measured, the group goes with all of them. Returns how many rows that were.';
COMMENT ON FUNCTION "learning"."write_events"(text[], learning.accepted_strands[], learning.closed_trades[], boolean[]) IS 'Brings the events under some trades'' ids in line with their closes and accepted actions; returns the trades whose events changed, each with the groups of these. Long because one statement writes events, removes those that are gone and names the columns of each.';
COMMENT ON FUNCTION "learning"."write_group_decisions"(learning.mining_groups, jsonb) IS 'Puts the decisions of a group into columns, each trade by its first action.';
COMMENT ON FUNCTION "learning"."write_log_hourly"(text, text, text, text, jsonb) IS 'Writes one line of the learning log unless the same component reported the same event less than an hour ago.';
COMMENT ON FUNCTION "learning"."write_log_once_in"(interval, text, text, text, text, jsonb) IS 'Writes one line of the learning log unless the same component reported the same event less than a span of time ago.';
COMMENT ON FUNCTION "learning"."write_trades"(text[], learning.closed_trades[], boolean[]) IS 'Brings the rows of closed trades in line with their closes, after their events; returns the time from which allocation must be replayed, or null where neither a place nor an outcome changed.';
COMMENT ON FUNCTION "public"."approve_override"(bigint, text) IS 'Lets what the loop proposes of an override that waits for approval hold. For operators.';
COMMENT ON FUNCTION "public"."claim_strands"(integer) IS 'Leases due strands to the caller and returns which, with the revision that a verdict must name and how often they were claimed; a lease that is not answered lapses, each time later. Looks into no strand, so that none keeps its own attempts from being counted. For the edge functions.';
COMMENT ON FUNCTION "public"."compare_pm_sizing"(text, text, jsonb, timestamp with time zone, timestamp with time zone, double precision, double precision) IS 'Why a size differs between two times: before and after are the rows of get_pm_sizing as they would have been, differences says what made the difference, the largest first, as_now names what is taken as it is now because nothing is remembered of it.';
COMMENT ON FUNCTION "public"."finish_mining_group"(bigint, uuid, jsonb, jsonb) IS 'Writes the lessons and effects of a finished run all at once, drops what was no longer found and ends the lease. For the edge functions.';
COMMENT ON FUNCTION "public"."pin_override"(bigint, jsonb, text) IS 'Pins an override, so that the loop leaves it as it is, with the figures that patch names: multiplier, dir_a, dir_e, value, edge_raw, confidence_score, half_life_hours. For operators.';
COMMENT ON FUNCTION "public"."prepare_mining"(double precision) IS 'Brings up to date for some seconds what a mining cycle of trades is measured over; returns how many groups are left. start_mining() does the rest. For the edge functions.';
COMMENT ON FUNCTION "public"."prune_learning"(integer) IS 'Deletes log lines and run details older than 30 days, doorbells older than a day, changes of overrides and configuration older than 400 days and recorded sizings older than 90, at most p_batch of each at a time, and all but the last 500 snapshots of each lesson; does nothing while another run does. For the schedule.';
COMMENT ON FUNCTION "public"."prune_strands"(timestamp with time zone) IS 'Removes strands older than a time and keeps what was learned from them: those of closed trades and of episodes with an outcome, and those from which nothing was learned. Works for two seconds at most; more says whether to call it again.';
COMMENT ON FUNCTION "public"."read_calibration_sums"() IS 'What is to be calibrated anew: modules and categories with the sums of their groups. For the edge functions.';
COMMENT ON FUNCTION "public"."read_category_days"(bigint) IS 'Mean winsorised outcomes by the UTC day of the close, of all decisions of a claimed group''s module and category, in packed columns. For the edge functions.';
COMMENT ON FUNCTION "public"."read_category_decisions"(text, text) IS 'What posture is judged by, of every decision of known outcome of a module and category when the cycle began, in packed columns. For the edge functions.';
COMMENT ON FUNCTION "public"."read_claimed_strands"(jsonb) IS 'What of some claimed strands fits a batch, their documents as text; of the rest, what is too large for any is rejected and the others are given back. Claims are {id, revision}. For the edge functions.';
COMMENT ON FUNCTION "public"."read_edge_history"(bigint) IS 'Earlier snapshots of the edges of a group''s lessons in the unit of the outcome, oldest first. For the edge functions.';
COMMENT ON FUNCTION "public"."read_experiment"() IS 'The decisions of the live experiment by category, in packed columns; empty where there is none. For the edge functions.';
COMMENT ON FUNCTION "public"."read_live_decisions"(bigint, bigint, integer) IS 'The next overrides whose groups were mined since they were last held against their promises, with the decisions in which they acted, or the windows that their gates decided, for p_budget_ms; writes down what those promise that began to act. next is what to ask for then, null at the end. For the edge functions.';
COMMENT ON FUNCTION "public"."read_mining_group"(bigint) IS 'A group''s decisions of known outcome in packed columns, one row per trade by its first action, oldest close first and no time later than the run: the outcome by which they are judged, and the return that directions follow. For the edge functions.';
COMMENT ON FUNCTION "public"."read_own_direction"(bigint) IS 'Direction of all decisions of a claimed group''s module and category, null until it is measured in its cycle. For the edge functions.';
COMMENT ON FUNCTION "public"."read_tuning_windows"(bigint, timestamp with time zone, jsonb, integer, boolean) IS 'A tuning group''s windows with an outcome in packed columns, oldest first and none later than the run, in pieces: next is where the next one begins. For the edge functions.';
COMMENT ON FUNCTION "public"."reconcile_overrides"(bigint, integer, integer) IS 'Brings strength and allocation overrides in line with the active lessons, key by key, with p_limit rows in a statement, for p_budget_ms: the next piece of pass p_after; 0 takes up the pass that was left, or begins one. next is the pass, null at its end. For the edge functions.';
COMMENT ON FUNCTION "public"."release_override"(bigint, text) IS 'Gives a learned override back to the loop, which says at its next pass what it is. For operators.';
COMMENT ON FUNCTION "public"."restore_overrides"(timestamp with time zone, text) IS 'Brings all overrides back to what they were: those that changed since are pinned as they were, or set off where they did not act, those that came since are set off, those that were deleted are put back; so they stay until released. Returns how many of each. For operators.';
COMMENT ON FUNCTION "public"."save_live_records"(jsonb, jsonb) IS 'Writes live records, switches off the loop''s overrides whose verdict is broken, with the figures, lets those act again whose verdict is returns, and notes which groups are through, by id with when they were mined; returns how many were switched off and act again. For the edge functions.';
COMMENT ON FUNCTION "public"."save_own_direction"(bigint, double precision, double precision) IS 'Keeps the direction that was measured for a claimed group for the others of its module, category and cycle. For the edge functions.';
COMMENT ON FUNCTION "public"."save_uplift"(jsonb) IS 'Writes what the experiment shows, by category; returns how many changed. For the edge functions.';
COMMENT ON FUNCTION "public"."set_config"(text, jsonb, text) IS 'Changes the settings that patch names and leaves all others; null takes one back to its default. Returns the configuration that holds. For operators.';
COMMENT ON FUNCTION "public"."switch_override"(bigint, boolean, text) IS 'Switches an override off or on, and so it stays until it is released. For operators.';
COMMENT ON FUNCTION "public"."take_pm_sizing"(text, text, jsonb, double precision, double precision, double precision, timestamp with time zone, text) IS 'get_pm_sizing for a size that will be used: the answer is kept as record_sizings says, and neutral where its subject (token, position or trade) is held out.';
COMMENT ON FUNCTION "public"."take_pm_sizing_batch"(jsonb) IS 'take_pm_sizing for up to 1000 candidates at once, in their order, each with its subject; a candidate that cannot be sized says why in its own row.';
COMMENT ON FUNCTION "public"."write_calibrations"(jsonb) IS 'Writes calibrations whose sums still hold; returns how many. For the edge functions.';
COMMENT ON TABLE "learning"."alert_requests" IS 'Which requests went to the webhook when, so that its answers are known from those that others in the database wait for; kept for a day.';
COMMENT ON TABLE "learning"."calibrated_sums" IS 'What each module and category was calibrated from.';
COMMENT ON TABLE "learning"."category_days" IS 'What a category''s decisions of one day were worth on average, measured once a cycle for all its groups.';
COMMENT ON TABLE "learning"."category_directions" IS 'Direction of all decisions of a module and category, measured once in a cycle for all of its groups.';
COMMENT ON TABLE "learning"."closed_trades" IS 'One row per closed trade, by the close that holds: what the baseline and the allocation are computed from. Where modules use one id, each has a trade of its own.';
COMMENT ON TABLE "learning"."effect_bases" IS 'Mean and spread of the winsorised outcomes of all decisions of a module and category, and their weeks; measured at the start of each cycle.';
COMMENT ON TABLE "learning"."effect_cells" IS 'The sums of public.learning_effect_groups under each memory, those for κ by week and regime: what memory and regimes are chosen by.';
COMMENT ON TABLE "learning"."errands" IS 'What the schedule calls for that is known further down alone: a trigger there does the work. Health knows the register of jobs, so that the register cannot name whoever reads health.';
COMMENT ON TABLE "learning"."group_decisions" IS 'The decisions of each mining group in columns, by trade in the order of bytes: what is measured over all decisions at the start of each cycle reads numbers, and of the events only those of groups that changed.';
COMMENT ON TABLE "learning"."guest_columns" IS 'Columns of public that adoption added, and columns of ours whose default it changed. They are no part of the schema of a release, and of no drift.';
COMMENT ON TABLE "learning"."live_records" IS 'What came of the decisions that an override contained since evidence_from, while it acted, of one that moves a gate of the windows that the move decided; of one that broke its promise, since it was switched off.';
COMMENT ON TABLE "learning"."pruned_subjects" IS 'Trades and episodes whose strands were pruned: what was learned from them stays as it is.';
COMMENT ON TABLE "learning"."receipt_search" IS 'One row: how far the strands were searched for such without a receipt, round after round, and what was found last.';
COMMENT ON TABLE "learning"."strength_reconciliation" IS 'How far the pass over the strength and allocation overrides has got; what dies is taken up from here.';
COMMENT ON TABLE "learning"."uplift_figures" IS 'What the live experiment shows so far, by category.';
COMMENT ON TABLE "learning"."watched_groups" IS 'The mining groups whose overrides were last held against their promises, as they were mined then: they are looked at again when they are mined anew.';
COMMENT ON TABLE "learning"."withdrawn_strands" IS 'Strands that were deleted or changed, and whose former effect may still stand: the sweep takes it back in pieces.';
COMMENT ON TABLE "public"."exposure_history" IS 'What was held at the beginning of each day (UTC), by behaviour and scope; kept for 400 days.';
COMMENT ON TABLE "public"."learning_alerts" IS 'What went wrong, when it was over, and when that was told; kept for 400 days.';
COMMENT ON TABLE "public"."learning_calibration" IS 'How much of what slices say held in weeks that they had not seen, by module and category.';
COMMENT ON TABLE "public"."learning_config_history" IS 'Every change of learning_configs, written by a trigger; kept for 400 days.';
COMMENT ON TABLE "public"."learning_effect_groups" IS 'What a group of decisions hands over for calibration: one row per module, pattern key and category.';
COMMENT ON TABLE "public"."learning_effects" IS 'What each slice of at most two pairs says. A candidate that fills d dimensions is in at most 1 + d + d(d - 1)/2 of them and finds each by its key.';
COMMENT ON TABLE "public"."learning_proofs" IS 'What replays of history showed (deno task prove --db URL --keep); the 200 newest are kept.';
COMMENT ON TABLE "public"."learning_regime_weights" IS 'How much of what slices say held in each regime; it acts where learning_calibration says that regimes do.';
COMMENT ON TABLE "public"."pm_override_history" IS 'Every change of pm_overrides, written by triggers; kept for 400 days. An override as it was is the present row with old of all later changes put over it, the newest first.';
COMMENT ON TABLE "public"."pm_sizings" IS 'Answers of take_pm_sizing and take_pm_sizing_batch, as far as record_sizings asks for; kept for 90 days.';
COMMENT ON TRIGGER "keep_what_was_pushed" ON "learning"."alert_requests" IS 'While a dump is restored: what this database says of itself stays.';
COMMENT ON TRIGGER "give_way" ON "learning"."allocation_replay" IS 'While a dump is restored: its row takes the place of what is there.';
COMMENT ON TRIGGER "keep_what_was_pushed" ON "learning"."doorbells" IS 'While a dump is restored: what this database says of itself stays.';
COMMENT ON TRIGGER "give_way" ON "learning"."effective_configs" IS 'While a dump is restored: its row takes the place of what is there.';
COMMENT ON TRIGGER "measure_positions_anew" ON "learning"."effective_configs" IS 'Another measure or unit of exposure acts at once.';
COMMENT ON TRIGGER "digest" ON "learning"."errands" IS 'The errand digest.';
COMMENT ON TRIGGER "give_way" ON "learning"."errands" IS 'While a dump is restored: its row takes the place of what is there.';
COMMENT ON TRIGGER "watch" ON "learning"."errands" IS 'The errand watch.';
COMMENT ON TRIGGER "clear_seeds" ON "learning"."exposure_masks" IS 'While a dump is restored: what a push wrote makes room for what the dump holds.';
COMMENT ON TRIGGER "give_way" ON "learning"."exposure_masks" IS 'While a dump is restored: its row takes the place of what is there.';
COMMENT ON TRIGGER "give_way" ON "learning"."mining_cycles" IS 'While a dump is restored: its row takes the place of what is there.';
COMMENT ON TRIGGER "give_way" ON "learning"."receipt_search" IS 'While a dump is restored: its row takes the place of what is there.';
COMMENT ON TRIGGER "keep_what_was_pushed" ON "learning"."releases" IS 'While a dump is restored: what this database says of itself stays.';
COMMENT ON TRIGGER "keep_what_was_pushed" ON "learning"."settings" IS 'While a dump is restored: what this database says of itself stays.';
COMMENT ON TRIGGER "give_way" ON "learning"."strength_reconciliation" IS 'While a dump is restored: its row takes the place of what is there.';
COMMENT ON TRIGGER "fill_strand_gaps" ON "public"."ad_strands" IS 'A null that a writer sends for want of a value is no reason to refuse its strand.';
COMMENT ON TRIGGER "withdraw_changed_strands" ON "public"."ad_strands" IS 'What a strand said before it was changed is taken back.';
COMMENT ON TRIGGER "withdraw_deleted_strands" ON "public"."ad_strands" IS 'What was learned from a deleted strand is taken back.';
COMMENT ON TRIGGER "withdraw_truncated_strands" ON "public"."ad_strands" IS 'What was learned from a deleted strand is taken back.';
COMMENT ON TRIGGER "give_way" ON "public"."exposure_history" IS 'While a dump is restored: its row takes the place of what is there.';
COMMENT ON TRIGGER "give_way" ON "public"."learning_alerts" IS 'While a dump is restored: its row takes the place of what is there.';
COMMENT ON TRIGGER "give_way" ON "public"."learning_configs" IS 'While a dump is restored: its row takes the place of what is there.';
COMMENT ON TRIGGER "remember_configuration" ON "public"."learning_configs" IS 'What was configured before can be looked up and put back.';
COMMENT ON TRIGGER "remember_truncated_configurations" ON "public"."learning_configs" IS 'What was configured before can be looked up and put back.';
COMMENT ON TRIGGER "clear_seeds" ON "public"."learning_levers" IS 'While a dump is restored: what a push wrote makes room for what the dump holds.';
COMMENT ON TRIGGER "give_way" ON "public"."learning_levers" IS 'While a dump is restored: its row takes the place of what is there.';
COMMENT ON TRIGGER "give_way" ON "public"."learning_log" IS 'While a dump is restored: its row takes the place of what is there.';
COMMENT ON TRIGGER "prune_proofs" ON "public"."learning_proofs" IS 'Keeps the 200 newest proofs.';
COMMENT ON TRIGGER "guard_changed_pattern_key" ON "public"."lowcap_positions" IS 'No pattern key becomes too long; one that was written before there was a limit stays.';
COMMENT ON TRIGGER "guard_new_pattern_key" ON "public"."lowcap_positions" IS 'No pattern key is too long.';
COMMENT ON TRIGGER "normalise_position" ON "public"."lowcap_positions" IS 'Stores pattern keys dotted, no allocation that is next to nothing and no nulls, and notes when a position changed.';
COMMENT ON TRIGGER "complete_changed_direct_window" ON "public"."pattern_episode_events" IS 'An outcome that a system sets by id is the outcome of its window.';
COMMENT ON TRIGGER "complete_new_direct_window" ON "public"."pattern_episode_events" IS 'A row without a strand is a window all the same.';
COMMENT ON TRIGGER "follow_changed_direct_windows" ON "public"."pattern_episode_events" IS 'Their groups are mined anew.';
COMMENT ON TRIGGER "follow_changed_told_windows" ON "public"."pattern_episode_events" IS 'One that turns out another is counted in its summary again.';
COMMENT ON TRIGGER "follow_deleted_direct_windows" ON "public"."pattern_episode_events" IS 'Their groups are mined anew.';
COMMENT ON TRIGGER "follow_deleted_told_windows" ON "public"."pattern_episode_events" IS 'One that is gone is counted in its summary again.';
COMMENT ON TRIGGER "follow_new_direct_windows" ON "public"."pattern_episode_events" IS 'Their groups are mined anew.';
COMMENT ON TRIGGER "follow_new_told_windows" ON "public"."pattern_episode_events" IS 'A window that comes by itself is not counted in its summary, whichever came first.';
COMMENT ON TRIGGER "broadcast_overrides" ON "public"."pm_override_history" IS 'Whoever listens hears of it.';
COMMENT ON TRIGGER "clear_override_of_dust" ON "public"."pm_overrides" IS 'A number nearer to 0 than 1e-12 counts as 0, or products of such would leave the range of numbers.';
COMMENT ON TRIGGER "follow_hand" ON "public"."pm_overrides" IS 'What a person says of an override is not undone by the loop.';
COMMENT ON TRIGGER "guard_changed_pattern_key" ON "public"."pm_overrides" IS 'No pattern key becomes too long; one that was written before there was a limit stays.';
COMMENT ON TRIGGER "guard_new_pattern_key" ON "public"."pm_overrides" IS 'No pattern key is too long.';
COMMENT ON TRIGGER "note_insert" ON "public"."pm_overrides" IS 'An insert by hand takes over a learned override, unless it says what to do on conflict.';
COMMENT ON TRIGGER "note_upsert" ON "public"."pm_overrides" IS 'An insert by hand takes over a learned override, unless it says what to do on conflict.';
COMMENT ON TRIGGER "remember_changed_overrides" ON "public"."pm_overrides" IS 'Who changed an override, and what it said before, can be looked up.';
COMMENT ON TRIGGER "remember_deleted_overrides" ON "public"."pm_overrides" IS 'What was deleted can be looked up.';
COMMENT ON TRIGGER "remember_new_overrides" ON "public"."pm_overrides" IS 'Who made an override can be looked up.';
COMMENT ON TRIGGER "remember_truncated_overrides" ON "public"."pm_overrides" IS 'What was deleted can be looked up.';
COMMENT ON TRIGGER "take_over_override" ON "public"."pm_overrides" IS 'One can be made by hand where one was learned; the loop leaves it alone from then on.';
COMMENT ON TRIGGER "clear_seeds" ON "public"."scope_dimensions" IS 'While a dump is restored: what a push wrote makes room for what the dump holds.';
COMMENT ON TRIGGER "give_way" ON "public"."scope_dimensions" IS 'While a dump is restored: its row takes the place of what is there.';
COMMENT ON TYPE "learning"."decision" IS 'A trade by its first action of a behaviour and category.';
COMMENT ON TYPE "learning"."dimension_lists" IS 'The registered dimensions by where they come from first, read once for many scopes.';
COMMENT ON TYPE "learning"."key_span" IS 'What one statement of a pass brings in line: some whole keys, or a part of one.';
COMMENT ON TYPE "learning"."match_sums" IS 'Sums over the overrides that a candidate contains, and where asked for all of them one by one.';
COMMENT ON TYPE "learning"."measured_effect" IS 'A slice as the miner hands it over.';
COMMENT ON TYPE "learning"."past_sizing" IS 'A size as it would have been at another time.';
COMMENT ON TYPE "learning"."said_by_slices" IS 'What the slices that contain a scope say together; null where none does.';
COMMENT ON TYPE "learning"."standing_calibration" IS 'The calibration that holds for a behaviour in a scope.';
COMMENT ON TYPE "learning"."strength_blend" IS 'What the overrides that a candidate contains say together, in every mode; null where none acts.';
COMMENT ON TYPE "public"."pm_taken_sizing" IS 'Answer of take_pm_sizing: the columns of pm_sizing, and under which id it was recorded.';
COMMENT ON TYPE "public"."pm_taken_sizing_in_batch" IS 'One answer of take_pm_sizing_batch: the columns of pm_sizing_in_batch, and under which id it was recorded.';
COMMENT ON VIEW "learning"."acting_lessons" IS 'The lessons that want overrides: those that are believed and, with representatives_only, represent their family.';
COMMENT ON VIEW "learning"."held_positions" IS 'The positions that count as exposure.';
COMMENT ON VIEW "learning"."override_terms" IS 'What of an override enters a sizing, apart from its scope.';
COMMENT ON VIEW "public"."allocation_daily" IS 'Shares of timeframes by day (UTC) on which a trade closed, and what its trades earned of the book at the learned and at the starting shares: told, and nothing is switched off by it.';
COMMENT ON VIEW "public"."exposure_now" IS 'What is held, by each value of each dimension, by pattern key, and all together (dimension all).';
COMMENT ON VIEW "public"."health_now" IS 'How each stage of the loop is doing, in figures that can be watched.';
COMMENT ON VIEW "public"."learning_interface" IS 'What whoever asks may read and call in schema public, by name; nothing without a learning role.';
COMMENT ON VIEW "public"."learning_settings" IS 'Every configuration key, a row each: the value that holds, its default, what it takes and what it does.';
COMMENT ON VIEW "public"."learning_uplift" IS 'Whether it pays, by the live experiment of the last 90 days: what a unit of size earned as learned and held out of it.';
COMMENT ON VIEW "public"."lesson_families" IS 'What is believed, a family a row: the lesson that represents it, its effect, and the lessons that say the same. Effects are differences to the baseline, in the unit of the outcome: 0.05 is 5 points, or 0.05 R.';
COMMENT ON VIEW "public"."override_performance" IS 'For every override what its decisions came to since it began to act, and for one that moves a gate the windows that only the move let in or kept out, against what it promised.';
COMMENT ON VIEW "public"."pm_sizing_audit" IS 'What was answered and what was applied to the size of each action, beside what came of it.';
COMMENT ON VIEW "public"."sizing_daily" IS 'Sizes by day (UTC) and category, of the last 90 days: what actions say was applied, and what was answered as far as it is recorded.';
COMMENT ON VIEW "public"."timeframe_allocation" IS 'How the allocation of a token is split over timeframes now.';
COMMENT ON VIEW "public"."timeframe_allocation_history" IS 'Allocation over time: for each closed trade and timeframe the share after it, where it was heading, and why it moved or not.';
COMMENT ON VIEW "public"."timeframe_allocation_outlook" IS 'Each timeframe''s share, ROI and number of trades, beside where it is heading and why the newest close moved it or not.';
REVOKE ALL ON FUNCTION "learning"."accept_strands"(jsonb, jsonb[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."accept_strands"(jsonb, jsonb[]) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."act_as"(text, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."act_as"(text, text) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."acted_in_s3"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."acted_in_s3"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."acting_module"(text, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."acting_module"(text, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."action_category"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."action_category"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."actor"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."actor"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."actor_note"(text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."actor_note"(text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."acts_as_loop"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."acts_as_loop"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."admit_listeners"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."admit_listeners"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."after_span"(learning.strength_reconciliation, learning.key_span) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."after_span"(learning.strength_reconciliation, learning.key_span) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."alert_health"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."alert_health"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."answered_rings"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."answered_rings"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."apply_episodes"(text[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."apply_episodes"(text[]) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."apply_subjects"(jsonb, jsonb, timestamp with time zone) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."apply_subjects"(jsonb, jsonb, timestamp with time zone) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."apply_trades"(text[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."apply_trades"(text[]) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."apply_what_is_missing"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."apply_what_is_missing"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."are_dimensions"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."are_dimensions"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."ask_slices"(text, text, jsonb, timestamp with time zone, jsonb, boolean) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."ask_slices"(text, text, jsonb, timestamp with time zone, jsonb, boolean) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."assumed_thresholds"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."assumed_thresholds"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."await_approval"(learning.wanted_override[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."await_approval"(learning.wanted_override[]) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."await_stillness"(interval) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."await_stillness"(interval) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."awaits_withdrawal"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."awaits_withdrawal"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."beginning"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."beginning"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."blend_of_sums"(learning.match_sums, jsonb, text, boolean, double precision) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."blend_of_sums"(learning.match_sums, jsonb, text, boolean, double precision) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."blend_overrides"(learning.candidate, jsonb, boolean, boolean) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."blend_overrides"(learning.candidate, jsonb, boolean, boolean) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."bring_in_line"(text, text[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."bring_in_line"(text, text[]) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."broadcast_overrides"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."broadcast_overrides"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."broadcasts"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."broadcasts"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."calibrated_strength"(learning.said_by_slices, double precision) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."calibrated_strength"(learning.said_by_slices, double precision) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."calibration_of"(text, text, jsonb, timestamp with time zone, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."calibration_of"(text, text, jsonb, timestamp with time zone, jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."category_cells"(text, text, double precision) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."category_cells"(text, text, double precision) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."category_sums"(text, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."category_sums"(text, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."cautious_effect"(double precision, double precision, double precision) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."cautious_effect"(double precision, double precision, double precision) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."change_by"(double precision) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."change_by"(double precision) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."change_overrides"(learning.wanted_override[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."change_overrides"(learning.wanted_override[]) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."check_batch"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."check_batch"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."check_scope"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."check_scope"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."choose_due_strands"(integer) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."choose_due_strands"(integer) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."clear_seeds"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."clear_seeds"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."codes_by_bit"(integer[], integer[], integer) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."codes_by_bit"(integer[], integer[], integer) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."complete_direct_window"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."complete_direct_window"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."create_overrides"(learning.wanted_override[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."create_overrides"(learning.wanted_override[]) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."decided_windows"(text, bigint) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."decided_windows"(text, bigint) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."decisions"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."decisions"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."differences_of_sizings"(public.pm_sizing, public.pm_sizing, jsonb, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."differences_of_sizings"(public.pm_sizing, public.pm_sizing, jsonb, jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."digest"(timestamp with time zone) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."digest"(timestamp with time zone) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."direct_window_id"(bigint) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."direct_window_id"(bigint) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."doubt_impossible_times"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."doubt_impossible_times"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."doubt_summaries"(text[], boolean) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."doubt_summaries"(text[], boolean) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."dust"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."dust"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."earliest_event"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."earliest_event"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."edit_distance"(text, text, integer) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."edit_distance"(text, text, integer) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."effect_basis_moved"(bigint, text, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."effect_basis_moved"(bigint, text, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."enabled_spans"(bigint, boolean) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."enabled_spans"(bigint, boolean) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."encoded_scopes"(jsonb[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."encoded_scopes"(jsonb[]) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."end_of_portion"(timestamp with time zone, integer) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."end_of_portion"(timestamp with time zone, integer) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."end_of_span"(learning.key_span, integer) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."end_of_span"(learning.key_span, integer) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."episode_blockers"(jsonb, jsonb, double precision[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."episode_blockers"(jsonb, jsonb, double precision[]) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."episode_factors"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."episode_factors"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."episode_gates"(text, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."episode_gates"(text, jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."events_of_closes"(learning.accepted_strands[], learning.closed_trades[], boolean[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."events_of_closes"(learning.accepted_strands[], learning.closed_trades[], boolean[]) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."explain_calibration"(text, text, jsonb, timestamp with time zone, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."explain_calibration"(text, text, jsonb, timestamp with time zone, jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."explain_contributions"(jsonb, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."explain_contributions"(jsonb, jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."factor"(jsonb, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."factor"(jsonb, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."failed_rings"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."failed_rings"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."figures_wanted"(learning.wanted_override) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."figures_wanted"(learning.wanted_override) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."fill_of_action"(jsonb, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."fill_of_action"(jsonb, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."fill_strand_gaps"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."fill_strand_gaps"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."find_lost_receipts"(interval) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."find_lost_receipts"(interval) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."follow_direct_windows"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."follow_direct_windows"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."follow_hand"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."follow_hand"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."follow_told_windows"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."follow_told_windows"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."gate_levers"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."gate_levers"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."gate_movers"(text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."gate_movers"(text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."gates_pass"(double precision[], double precision[], integer, double precision) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."gates_pass"(double precision[], double precision[], integer, double precision) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."give_receipts"(text, integer) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."give_receipts"(text, integer) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."give_way"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."give_way"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."has_broken_promise"(public.pm_overrides) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."has_broken_promise"(public.pm_overrides) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."has_effect"(text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."has_effect"(text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."history_retention"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."history_retention"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."hold_out"(public.pm_sizing, learning.candidate) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."hold_out"(public.pm_sizing, learning.candidate) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."ignored_in_words"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."ignored_in_words"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."ignored_keys"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."ignored_keys"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."in_unit"(double precision, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."in_unit"(double precision, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."inbox_gaps"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."inbox_gaps"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."is_held_out"(text, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."is_held_out"(text, jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."is_judged_in_r"(text, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."is_judged_in_r"(text, jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."is_larger_move"(double precision, double precision) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."is_larger_move"(double precision, double precision) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."is_nested_too_deep"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."is_nested_too_deep"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."is_opposed"(text, text, jsonb, double precision) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."is_opposed"(text, text, jsonb, double precision) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."is_over"(text, text, timestamp with time zone) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."is_over"(text, text, timestamp with time zone) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."is_plain"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."is_plain"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."is_pruned"(text, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."is_pruned"(text, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."is_reconciled"(public.pm_overrides) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."is_reconciled"(public.pm_overrides) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."is_recorded"(text, learning.candidate, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."is_recorded"(text, learning.candidate, jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."is_shadow_window"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."is_shadow_window"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."is_young"(integer) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."is_young"(integer) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."judged_events"(learning.accepted_strands[], learning.closed_trades[], boolean[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."judged_events"(learning.accepted_strands[], learning.closed_trades[], boolean[]) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."keep_what_was_pushed"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."keep_what_was_pushed"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."kept_of"(learning.said_by_slices) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."kept_of"(learning.said_by_slices) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."kind_of_subject"(text, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."kind_of_subject"(text, jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."known_pairs"(jsonb, text[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."known_pairs"(jsonb, text[]) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."label_faults"(text, text, text, text, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."label_faults"(text, text, text, text, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."last_arrival"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."last_arrival"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."lease_receipts"(text[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."lease_receipts"(text[]) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."legacy_keys"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."legacy_keys"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."lesson_in_words"(public.learning_lessons, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."lesson_in_words"(public.learning_lessons, jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."list_contributions"(learning.strength_blend, jsonb, integer) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."list_contributions"(learning.strength_blend, jsonb, integer) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."list_slices"(learning.said_by_slices, integer) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."list_slices"(learning.said_by_slices, integer) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."listed_dimensions"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."listed_dimensions"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."live_decisions"(text, text, text, text[], bigint) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."live_decisions"(text, text, text, text[], bigint) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."live_windows"(text, bigint) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."live_windows"(text, bigint) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."lock_or_raise"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."lock_or_raise"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."log_figures"(bigint[], bigint[], learning.wanted_override[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."log_figures"(bigint[], bigint[], learning.wanted_override[]) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."log_ignored_keys"(jsonb[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."log_ignored_keys"(jsonb[]) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."log_late_strands"(text[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."log_late_strands"(text[]) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."mask_count"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."mask_count"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."measure_baselines"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."measure_baselines"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."measure_category_days"(learning.mining_groups) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."measure_category_days"(learning.mining_groups) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."measure_effect_bases"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."measure_effect_bases"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."measure_positions_anew"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."measure_positions_anew"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."measure_strand"(jsonb, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."measure_strand"(jsonb, jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."measured_effects"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."measured_effects"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."members_in_words"(text, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."members_in_words"(text, jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."merged_scope"(jsonb, jsonb, jsonb, learning.dimension_lists) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."merged_scope"(jsonb, jsonb, jsonb, learning.dimension_lists) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."missed_rr"(jsonb, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."missed_rr"(jsonb, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."missing_gates"(double precision[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."missing_gates"(double precision[]) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."most_deleted_unasked"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."most_deleted_unasked"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."most_in_one_go"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."most_in_one_go"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."move_spells"(public.pm_overrides) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."move_spells"(public.pm_overrides) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."multiplier_applied"(jsonb, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."multiplier_applied"(jsonb, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."nearest_dimension"(text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."nearest_dimension"(text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."newest_proof"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."newest_proof"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."next_keys"(bigint, integer) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."next_keys"(bigint, integer) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."note_alerts"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."note_alerts"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."note_episodes"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."note_episodes"(jsonb) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."note_switched_off"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."note_switched_off"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."note_upsert"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."note_upsert"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."number_bytes"(numeric) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."number_bytes"(numeric) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."orphaned_tuning_overrides"(integer) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."orphaned_tuning_overrides"(integer) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."outcome_column"(text, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."outcome_column"(text, jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."outcome_read"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."outcome_read"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."outcome_unit"(text, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."outcome_unit"(text, jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."outcomes_of_episodes"(text[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."outcomes_of_episodes"(text[]) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."outdate_allocation"(timestamp with time zone) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."outdate_allocation"(timestamp with time zone) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."override_by_hand"(bigint) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."override_by_hand"(bigint) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."overrides_as_of"(timestamp with time zone, text, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."overrides_as_of"(timestamp with time zone, text, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."own_outcomes"(text[], double precision[], double precision[], text[], double precision[], double precision, double precision, double precision, double precision, double precision, double precision) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."own_outcomes"(text[], double precision[], double precision[], text[], double precision[], double precision, double precision, double precision, double precision, double precision, double precision) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."patched"(jsonb, jsonb, text, text[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."patched"(jsonb, jsonb, text, text[]) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."percent"(double precision) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."percent"(double precision) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."pieces_of_subjects"(jsonb, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."pieces_of_subjects"(jsonb, jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."platform_health"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."platform_health"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."plausible_costs"(double precision, double precision) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."plausible_costs"(double precision, double precision) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."pnl_usd"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."pnl_usd"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."position_exposure"(double precision, double precision, text, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."position_exposure"(double precision, double precision, text, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."position_scope"(jsonb, text, text, text, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."position_scope"(jsonb, text, text, text, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."positive_number"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."positive_number"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."promise_of_key"(text, text, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."promise_of_key"(text, text, text) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."promise_of_moves"(bigint[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."promise_of_moves"(bigint[]) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."proof_allows"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."proof_allows"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."proof_health"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."proof_health"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."propose_overrides"(learning.wanted_override[], learning.lapsed_override[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."propose_overrides"(learning.wanted_override[], learning.lapsed_override[]) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."prune_alerts"(integer) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."prune_alerts"(integer) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."prune_history"(integer) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."prune_history"(integer) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."prune_proofs"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."prune_proofs"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."prune_sizings"(integer) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."prune_sizings"(integer) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."prune_subject"(text, text, timestamp with time zone) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."prune_subject"(text, text, timestamp with time zone) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."prune_unlearned"(timestamp with time zone) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."prune_unlearned"(timestamp with time zone) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."put_configuration_back"(timestamp with time zone) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."put_configuration_back"(timestamp with time zone) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."put_exposure_back"(timestamp with time zone) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."put_exposure_back"(timestamp with time zone) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."put_overrides_back"(timestamp with time zone, text, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."put_overrides_back"(timestamp with time zone, text, text) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."read_candidates"(jsonb, boolean) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."read_candidates"(jsonb, boolean) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."read_subject"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."read_subject"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."reason"(jsonb, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."reason"(jsonb, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."reason_of_broken_promise"(public.pm_overrides, learning.live_records) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."reason_of_broken_promise"(public.pm_overrides, learning.live_records) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."rebuild"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."rebuild"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."rebuild_exposure"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."rebuild_exposure"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."rebuild_override_index"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."rebuild_override_index"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."recode_scopes"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."recode_scopes"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."reconcile_span"(learning.key_span) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."reconcile_span"(learning.key_span) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."record_exposure"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."record_exposure"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."refresh_decisions"(timestamp with time zone) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."refresh_decisions"(timestamp with time zone) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."refuse_large_scope"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."refuse_large_scope"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."refuse_pattern_key"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."refuse_pattern_key"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."refuse_scope"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."refuse_scope"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."refuse_unasked_withdrawal"(text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."refuse_unasked_withdrawal"(text) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."regime_of"(jsonb, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."regime_of"(jsonb, jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."register_missing_groups"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."register_missing_groups"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."remember_changed_overrides"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."remember_changed_overrides"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."remember_configuration"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."remember_configuration"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."remember_deleted_overrides"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."remember_deleted_overrides"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."remember_failed_ring"(text, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."remember_failed_ring"(text, text) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."remember_new_overrides"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."remember_new_overrides"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."remember_truncated_configurations"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."remember_truncated_configurations"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."replay_allocation"(timestamp with time zone, interval, integer) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."replay_allocation"(timestamp with time zone, interval, integer) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."require_operator"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."require_operator"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."require_possible_time"(timestamp with time zone) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."require_possible_time"(timestamp with time zone) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."retry_withdrawal"(bigint[], text, text, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."retry_withdrawal"(bigint[], text, text, text) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."return_overrides"(bigint[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."return_overrides"(bigint[]) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."ring_for_strands"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."ring_for_strands"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."run_errand"(text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."run_errand"(text) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."scale_of_lesson"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."scale_of_lesson"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."scattered_dimensions"(integer) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."scattered_dimensions"(integer) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."send_alerts"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."send_alerts"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."send_digest"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."send_digest"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."send_to_webhook"(text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."send_to_webhook"(text) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."shadow_window"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."shadow_window"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."share_of_text"(text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."share_of_text"(text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."side_of"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."side_of"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."side_of_trade"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."side_of_trade"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."size_as_of"(learning.candidate) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."size_as_of"(learning.candidate) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."size_fault"(jsonb, integer) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."size_fault"(jsonb, integer) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."size_in_steps"(public.pm_sizing) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."size_in_steps"(public.pm_sizing) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."size_limit"(text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."size_limit"(text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."sizing_of_action"(public.ad_strands) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."sizing_of_action"(public.ad_strands) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."sizing_retention"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."sizing_retention"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."slope_names"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."slope_names"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."slope_of"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."slope_of"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."standing_closes"(text[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."standing_closes"(text[]) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."standing_verdicts"(jsonb, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."standing_verdicts"(jsonb, jsonb) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."steering_column"(text, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."steering_column"(text, jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."stored_webhook_fault"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."stored_webhook_fault"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."strands_of_episodes"(text[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."strands_of_episodes"(text[]) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."strands_of_members"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."strands_of_members"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."strands_of_subject"(text, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."strands_of_subject"(text, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."strands_of_trades"(text[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."strands_of_trades"(text[]) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."strength_overrides"(bigint[], text, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."strength_overrides"(bigint[], text, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."subject_of_strand"(text, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."subject_of_strand"(text, jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."subjects_to_prune"(text, timestamp with time zone, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."subjects_to_prune"(text, timestamp with time zone, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."sum_matches"(learning.candidate, jsonb, learning.override_probe, double precision, boolean, boolean) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."sum_matches"(learning.candidate, jsonb, learning.override_probe, double precision, boolean, boolean) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."summary_window_digests"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."summary_window_digests"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."summary_windows"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."summary_windows"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."sums_to_calibrate"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."sums_to_calibrate"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."take_back"(text, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."take_back"(text, text) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."take_over_override"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."take_over_override"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."take_sizings"(learning.candidate[], text[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."take_sizings"(learning.candidate[], text[]) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."take_wheel"(text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."take_wheel"(text) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."tau2_of"(text, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."tau2_of"(text, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."text_bytes"(jsonb, integer) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."text_bytes"(jsonb, integer) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."text_of"(jsonb, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."text_of"(jsonb, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."time_to_s3_hours"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."time_to_s3_hours"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."told_windows"(text[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."told_windows"(text[]) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."trade_of_close"(learning.accepted_strands, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."trade_of_close"(learning.accepted_strands, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."trade_value"(jsonb, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."trade_value"(jsonb, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."trailing_mean"(text, timestamp with time zone, boolean) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."trailing_mean"(text, timestamp with time zone, boolean) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."utc_week"(timestamp with time zone) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."utc_week"(timestamp with time zone) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."value_faults"(jsonb, boolean) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."value_faults"(jsonb, boolean) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."warn_of_scattered_dimensions"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."warn_of_scattered_dimensions"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."warn_of_shared_id"(text, text[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."warn_of_shared_id"(text, text[]) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."warn_of_unknown_outcomes"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."warn_of_unknown_outcomes"(jsonb) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."watch"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."watch"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."webhook_fault"(text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."webhook_fault"(text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."webhook_payload"(text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."webhook_payload"(text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."what_is_wrong"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."what_is_wrong"() TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."window_outcome"(text, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."window_outcome"(text, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."windows_of_episodes"(text[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."windows_of_episodes"(text[]) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."with_light_edges"(learning.match_sums, double precision, boolean) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."with_light_edges"(learning.match_sums, double precision, boolean) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."withdraw_changed_strands"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."withdraw_changed_strands"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."withdraw_deleted_strands"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."withdraw_deleted_strands"() TO "service_role";
REVOKE ALL ON FUNCTION "learning"."withdraw_effects"(interval) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."withdraw_effects"(interval) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."withdrawn_subjects"(integer) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."withdrawn_subjects"(integer) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."writable_overrides"(learning.wanted_override[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."writable_overrides"(learning.wanted_override[]) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "learning"."write_calibration"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."write_calibration"(jsonb) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."write_effect_group"(learning.mining_groups, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."write_effect_group"(learning.mining_groups, jsonb) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."write_effects"(learning.mining_groups, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."write_effects"(learning.mining_groups, jsonb) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."write_events"(text[], learning.accepted_strands[], learning.closed_trades[], boolean[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."write_events"(text[], learning.accepted_strands[], learning.closed_trades[], boolean[]) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."write_group_decisions"(learning.mining_groups, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."write_group_decisions"(learning.mining_groups, jsonb) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."write_log_hourly"(text, text, text, text, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."write_log_hourly"(text, text, text, text, jsonb) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."write_log_once_in"(interval, text, text, text, text, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."write_log_once_in"(interval, text, text, text, text, jsonb) TO "service_role";
REVOKE ALL ON FUNCTION "learning"."write_trades"(text[], learning.closed_trades[], boolean[]) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "learning"."write_trades"(text[], learning.closed_trades[], boolean[]) TO "service_role";
REVOKE ALL ON FUNCTION "public"."approve_override"(bigint, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."approve_override"(bigint, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "public"."compare_pm_sizing"(text, text, jsonb, timestamp with time zone, timestamp with time zone, double precision, double precision) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."compare_pm_sizing"(text, text, jsonb, timestamp with time zone, timestamp with time zone, double precision, double precision) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "public"."finish_mining_group"(bigint, uuid, jsonb, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."finish_mining_group"(bigint, uuid, jsonb, jsonb) TO "service_role";
REVOKE ALL ON FUNCTION "public"."pin_override"(bigint, jsonb, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."pin_override"(bigint, jsonb, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "public"."prepare_mining"(double precision) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."prepare_mining"(double precision) TO "service_role";
REVOKE ALL ON FUNCTION "public"."prune_strands"(timestamp with time zone) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."prune_strands"(timestamp with time zone) TO "service_role";
REVOKE ALL ON FUNCTION "public"."read_calibration_sums"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."read_calibration_sums"() TO "service_role";
REVOKE ALL ON FUNCTION "public"."read_category_days"(bigint) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."read_category_days"(bigint) TO "service_role";
REVOKE ALL ON FUNCTION "public"."read_category_decisions"(text, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."read_category_decisions"(text, text) TO "service_role";
REVOKE ALL ON FUNCTION "public"."read_claimed_strands"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."read_claimed_strands"(jsonb) TO "service_role";
REVOKE ALL ON FUNCTION "public"."read_experiment"() FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."read_experiment"() TO "service_role";
REVOKE ALL ON FUNCTION "public"."read_live_decisions"(bigint, bigint, integer) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."read_live_decisions"(bigint, bigint, integer) TO "service_role";
REVOKE ALL ON FUNCTION "public"."read_own_direction"(bigint) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."read_own_direction"(bigint) TO "service_role";
REVOKE ALL ON FUNCTION "public"."reconcile_overrides"(bigint, integer, integer) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."reconcile_overrides"(bigint, integer, integer) TO "service_role";
REVOKE ALL ON FUNCTION "public"."release_override"(bigint, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."release_override"(bigint, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "public"."restore_overrides"(timestamp with time zone, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."restore_overrides"(timestamp with time zone, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "public"."save_live_records"(jsonb, jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."save_live_records"(jsonb, jsonb) TO "service_role";
REVOKE ALL ON FUNCTION "public"."save_own_direction"(bigint, double precision, double precision) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."save_own_direction"(bigint, double precision, double precision) TO "service_role";
REVOKE ALL ON FUNCTION "public"."save_uplift"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."save_uplift"(jsonb) TO "service_role";
REVOKE ALL ON FUNCTION "public"."set_config"(text, jsonb, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."set_config"(text, jsonb, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "public"."switch_override"(bigint, boolean, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."switch_override"(bigint, boolean, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "public"."take_pm_sizing"(text, text, jsonb, double precision, double precision, double precision, timestamp with time zone, text) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."take_pm_sizing"(text, text, jsonb, double precision, double precision, double precision, timestamp with time zone, text) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "public"."take_pm_sizing_batch"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."take_pm_sizing_batch"(jsonb) TO "authenticated", "service_role";
REVOKE ALL ON FUNCTION "public"."write_calibrations"(jsonb) FROM PUBLIC, "anon", "authenticated", "service_role";
GRANT EXECUTE ON FUNCTION "public"."write_calibrations"(jsonb) TO "service_role";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "learning"."alert_requests" TO "service_role";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "learning"."calibrated_sums" TO "service_role";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "learning"."category_days" TO "service_role";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "learning"."category_directions" TO "service_role";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "learning"."effect_bases" TO "service_role";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "learning"."effect_cells" TO "service_role";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "learning"."errands" TO "service_role";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "learning"."group_decisions" TO "service_role";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "learning"."guest_columns" TO "service_role";
GRANT SELECT ON TABLE "learning"."live_records" TO "authenticated";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "learning"."live_records" TO "service_role";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "learning"."pruned_subjects" TO "service_role";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "learning"."receipt_search" TO "service_role";
REVOKE ALL ON TABLE "learning"."scope_values" FROM "authenticated";
GRANT SELECT ON TABLE "learning"."scope_values" TO "authenticated";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "learning"."strength_reconciliation" TO "service_role";
GRANT SELECT ON TABLE "learning"."uplift_figures" TO "authenticated";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "learning"."uplift_figures" TO "service_role";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "learning"."watched_groups" TO "service_role";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "learning"."withdrawn_strands" TO "service_role";
GRANT SELECT ON TABLE "public"."exposure_history" TO "authenticated";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."exposure_history" TO "service_role";
GRANT SELECT ON TABLE "public"."learning_alerts" TO "authenticated";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."learning_alerts" TO "service_role";
GRANT SELECT ON TABLE "public"."learning_calibration" TO "authenticated";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."learning_calibration" TO "service_role";
GRANT SELECT ON TABLE "public"."learning_config_history" TO "authenticated";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."learning_config_history" TO "service_role";
GRANT SELECT ON TABLE "public"."learning_effect_groups" TO "authenticated";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."learning_effect_groups" TO "service_role";
GRANT SELECT ON TABLE "public"."learning_effects" TO "authenticated";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."learning_effects" TO "service_role";
GRANT SELECT ON TABLE "public"."learning_proofs" TO "authenticated";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."learning_proofs" TO "service_role";
GRANT SELECT ON TABLE "public"."learning_regime_weights" TO "authenticated";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."learning_regime_weights" TO "service_role";
GRANT SELECT ON TABLE "public"."pm_override_history" TO "authenticated";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."pm_override_history" TO "service_role";
GRANT SELECT ON TABLE "public"."pm_sizings" TO "authenticated";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."pm_sizings" TO "service_role";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "learning"."acting_lessons" TO "service_role";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "learning"."held_positions" TO "service_role";
GRANT SELECT ON TABLE "learning"."override_terms" TO "authenticated";
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "learning"."override_terms" TO "service_role";
GRANT SELECT ON TABLE "public"."allocation_daily" TO "authenticated", "service_role";
GRANT SELECT ON TABLE "public"."exposure_now" TO "authenticated", "service_role";
GRANT SELECT ON TABLE "public"."health_now" TO "authenticated", "service_role";
GRANT SELECT ON TABLE "public"."learning_interface" TO "authenticated", "service_role";
GRANT SELECT ON TABLE "public"."learning_settings" TO "authenticated", "service_role";
GRANT SELECT ON TABLE "public"."learning_uplift" TO "authenticated", "service_role";
GRANT SELECT ON TABLE "public"."lesson_families" TO "authenticated", "service_role";
GRANT SELECT ON TABLE "public"."override_performance" TO "authenticated", "service_role";
GRANT SELECT ON TABLE "public"."pm_sizing_audit" TO "authenticated", "service_role";
GRANT SELECT ON TABLE "public"."sizing_daily" TO "authenticated", "service_role";
GRANT SELECT ON TABLE "public"."timeframe_allocation" TO "authenticated", "service_role";
GRANT SELECT ON TABLE "public"."timeframe_allocation_history" TO "authenticated", "service_role";
GRANT SELECT ON TABLE "public"."timeframe_allocation_outlook" TO "authenticated", "service_role";
do $guard$
declare
  broken bigint;
begin
  select count(*) into broken from "learning"."settings" where not ((learning.setting_fault(settings.*, default_value) IS NULL));
  if broken > 0 then
    raise exception using
      errcode = '23514',
      message = 'The new constraint settings_defaults_fit of learning.settings, CHECK ((learning.setting_fault(settings.*, default_value) IS NULL)), is broken by ' || case broken when 1 then '1 row' else broken || ' rows' end,
      hint = 'Look at them with: select * from learning.settings where not ((learning.setting_fault(settings.*, default_value) IS NULL)); correct or delete them, and push again. Nothing was changed.';
  end if;
end
$guard$;
ALTER TABLE "learning"."settings" ADD CONSTRAINT "settings_defaults_fit" CHECK ((learning.setting_fault(settings.*, default_value) IS NULL));
CREATE INDEX ad_strands_summary_windows_idx ON public.ad_strands USING gin (learning.summary_window_digests(content)) WHERE (kind = 'uptrend_episode_summary'::text);
comment on column learning.acting_lessons.id is 'The lesson.';
comment on column learning.acting_lessons.module is 'Who acted.';
comment on column learning.acting_lessons.pattern_key is 'Behaviour, dotted.';
comment on column learning.acting_lessons.action_category is 'Category of the action.';
comment on column learning.acting_lessons.scope_subset is 'The scope.';
comment on column learning.acting_lessons.lesson_type is 'pm_strength, dm_alloc or tuning_rates.';
comment on column learning.acting_lessons.n is 'Trades behind it.';
comment on column learning.acting_lessons.stats is 'All statistics.';
comment on column learning.acting_lessons.edge_raw is 'Edge against the baseline after decay.';
comment on column learning.acting_lessons.decay_halflife_hours is 'Half-life of the edge.';
comment on column learning.acting_lessons.first_active_at is 'When it first became active.';
comment on column learning.acting_lessons.last_evidence_at is 'Close of the newest trade behind it.';
comment on column learning.acting_lessons.scope_digest is 'Short form of the scope.';
comment on column learning.candidate.ignored is 'Keys of the scope that was given which are no dimension, each with the nearest registered one or null.';
comment on column learning.crowding_context.empty_skew is 'Exposure skew while nothing is held.';
comment on column learning.decision.module is 'Who acted.';
comment on column learning.decision.action_category is 'Category of the action.';
comment on column learning.decision.acted_at is 'When.';
comment on column learning.decision.outcome is 'What it is judged by; null where that is not known.';
comment on column learning.dimension_lists.every_dim is 'All of them.';
comment on column learning.dimension_lists.no_entry is 'Those that do not come from the entry.';
comment on column learning.dimension_lists.no_action is 'Those that do not come from the action.';
comment on column learning.dimension_lists.no_regime is 'Those that do not come from the regime.';
comment on column learning.dimension_lists.entry is 'Those that come from the entry.';
comment on column learning.dimension_lists.action is 'Those that come from the action.';
comment on column learning.dimension_lists.regime is 'Those that come from the regime.';
comment on column learning.held_positions.position_id is 'The position.';
comment on column learning.held_positions.pattern_key is 'Behaviour that holds it, dotted; null where unknown.';
comment on column learning.held_positions.scope is 'Its scope: entry context, timeframe, chain, state and book.';
comment on column learning.held_positions.exposure is 'Intended capital as a fraction of the book, or USD held where exposure.measure is value.';
comment on column learning.key_span.group_ids is 'The mining groups of the keys.';
comment on column learning.key_span.mined_at is 'When each of them was mined, as it was read before its lessons.';
comment on column learning.key_span.last_group_id is 'How far the pass has got when they are done.';
comment on column learning.key_span.step is 'whole for whole keys; of a part of one, lapse where what lapsed goes, then take where the rest follows.';
comment on column learning.key_span.after_digest is 'Scopes after this one, in the order of their digests.';
comment on column learning.key_span.last_digest is 'To this one; null to the last.';
comment on column learning.match_sums.specificity is 'Specificity of the most specific one.';
comment on column learning.match_sums.weight is 'Weight by specificity and confidence.';
comment on column learning.match_sums.gain is 'What multipliers add, faded, times weight.';
comment on column learning.match_sums.confidence is 'Confidence times weight in the configured mode; the posture has its own.';
comment on column learning.match_sums.posture_weight is 'Weight of those that steer the posture; null where none does.';
comment on column learning.match_sums.dir_a is 'Their directions for the appetite, faded, times weight.';
comment on column learning.match_sums.dir_e is 'Their directions for the assertiveness, faded, times weight.';
comment on column learning.match_sums.posture_confidence is 'Their confidence times weight.';
comment on column learning.match_sums.edge is 'Their edges times weight, where the posture is biased by them.';
comment on column learning.match_sums.edged_weight is 'Weight by edge of those that surely weigh enough to act.';
comment on column learning.match_sums.log_multiplier is 'Logarithms of their multipliers times that weight.';
comment on column learning.match_sums.light is 'Those of which it depends on the most specific one whether they weigh enough.';
comment on column learning.match_sums.hand_weight is 'Weight by specificity and confidence of those that a person made or pinned.';
comment on column learning.match_sums.hand_gain is 'What their multipliers add, faded, times weight.';
comment on column learning.match_sums.override_ids is 'All that may be listed.';
comment on column learning.match_sums.scope_masks is 'Dimensions of their scopes as bits.';
comment on column learning.match_sums.weights is 'Their weights in the configured mode.';
comment on column learning.match_sums.moves is 'How far they move what that mode moves, times weight.';
comment on column learning.measured_effect.code_1 is 'Code of the first pair; 0 for the empty scope.';
comment on column learning.measured_effect.code_2 is 'Code of the second pair; 0 where there is none.';
comment on column learning.measured_effect.n is 'Its decisions.';
comment on column learning.measured_effect.total is 'Sum of their winsorised outcomes.';
comment on column learning.measured_effect.faded_n is 'Its decisions as they weigh under each memory.';
comment on column learning.measured_effect.faded_total is 'Sum of their outcomes under each memory.';
comment on column learning.override_terms.override_id is 'The override.';
comment on column learning.override_terms.enabled is 'Whether it acts.';
comment on column learning.override_terms.identity_hash is 'Hash of its type, pattern key, category and scope.';
comment on column learning.override_terms.scope_mask is 'Dimensions of its scope as bits.';
comment on column learning.override_terms.specificity is 'How much it counts for naming so many pairs (learning.specificity).';
comment on column learning.override_terms.confidence is 'Confidence, or what counts where none was given (learning.confidence_or_default).';
comment on column learning.override_terms.multiplier is 'Multiplier; 1 where none was given.';
comment on column learning.override_terms.dir_a is 'Direction for the appetite.';
comment on column learning.override_terms.dir_e is 'Direction for the assertiveness.';
comment on column learning.override_terms.edge is 'Edge.';
comment on column learning.override_terms.support is 'Trust from the number of trades and their variance.';
comment on column learning.override_terms.evidence_us is 'Close of the newest trade behind it in microseconds since 1970; infinity where there is none.';
comment on column learning.override_terms.decay_us is 'Half-life of the edge in microseconds; 30 days where unknown.';
comment on column learning.override_terms.by_hand is 'Whether a person made or pinned it.';
comment on column learning.past_sizing.sizing is 'The row of get_pm_sizing.';
comment on column learning.past_sizing.config is 'The configuration that held.';
comment on column learning.past_sizing.as_now is 'What is taken as it is now.';
comment on column learning.said_by_slices.module is 'Whose decisions they are.';
comment on column learning.said_by_slices.kappa is 'How much of what they say held in weeks they had not seen.';
comment on column learning.said_by_slices.regime is 'The regime whose weight kappa is; null where it is that of all decisions.';
comment on column learning.said_by_slices.expected is 'What they say on average over their decisions, in standard deviations of the outcome, opposed or not.';
comment on column learning.said_by_slices.is_opposed is 'Whether every believed lesson that contains the scope says the opposite, so that none of it acts.';
comment on column learning.said_by_slices.fade is 'How much of it still acts, by the group''s newest evidence.';
comment on column learning.said_by_slices.sigma is 'Standard deviation of the outcome.';
comment on column learning.said_by_slices.weight is 'Their decisions, as they weigh.';
comment on column learning.said_by_slices.codes_1 is 'Code of the first pair of each.';
comment on column learning.said_by_slices.codes_2 is 'Code of the second pair of each.';
comment on column learning.said_by_slices.weights is 'Decisions of each, as they weigh.';
comment on column learning.said_by_slices.excesses is 'By how much the outcomes of each exceed the mean, in standard deviations, summed.';
comment on column learning.standing_calibration.said is 'What is known before slices are asked.';
comment on column learning.standing_calibration.group_id is 'Group whose slices are asked; null: none.';
comment on column learning.standing_calibration.mean is 'Mean outcome that slices are held against.';
comment on column learning.standing_calibration.memory is 'Place among the memories; null: all is kept.';
comment on column learning.strength_blend.posture_confidence is 'Confidence of those that steer the posture.';
comment on column learning.strength_blend.steer is 'How far they may steer it.';
comment on column learning.strength_blend.delta_a is 'Where they steer the appetite.';
comment on column learning.strength_blend.delta_e is 'Where they steer the assertiveness.';
comment on column learning.strength_blend.multiplier is 'Mean of the faded multipliers.';
comment on column learning.strength_blend.log_multiplier is 'Mean of their logarithms by edge.';
comment on column learning.strength_blend.hand_multiplier is 'Mean of the faded multipliers that a person set.';
comment on column learning.strength_blend.confidence is 'Confidence of those that act in the configured mode.';
comment on column learning.strength_blend.overrides is 'How many those are.';
comment on column learning.strength_blend.weight is 'What they weigh together; null where none acts.';
comment on column learning.strength_blend.pull is 'What they say together: the sum of their pulls.';
comment on column learning.strength_blend.weight_unit is 'By what a weight is divided where it is shown.';
comment on column learning.strength_blend.move_unit is 'What a unit of moves is worth as a pull.';
comment on column learning.strength_blend.edge_unit is 'What a unit of edge is worth as a pull.';
comment on column learning.strength_blend.least_weight is 'The least weight to act.';
comment on column learning.strength_blend.least_confidence is 'The least confidence to act.';
comment on column learning.strength_blend.override_ids is 'All that may be listed, where asked for.';
comment on column learning.strength_blend.scope_masks is 'Dimensions of their scopes as bits.';
comment on column learning.strength_blend.weights is 'Their weights.';
comment on column learning.strength_blend.moves is 'How far they move what the mode moves, times weight.';
comment on column public.allocation_daily.day is 'The day.';
comment on column public.allocation_daily.timeframe is 'Timeframe.';
comment on column public.allocation_daily.allocation is 'Its share at the end of the day.';
comment on column public.allocation_daily.start_allocation is 'The share it started from.';
comment on column public.allocation_daily.desired_allocation is 'The share it was heading for.';
comment on column public.allocation_daily.roi_short is 'Mean ROI of its trades, memory of 14 days.';
comment on column public.allocation_daily.roi_long is 'Mean ROI of its trades, memory of 90 days.';
comment on column public.allocation_daily.trades is 'Trades on it that closed that day.';
comment on column public.allocation_daily.earned_at_learned is 'Sum of their ROI times the share that it had before each.';
comment on column public.allocation_daily.earned_at_start is 'The same at the share it started from.';
comment on column public.exposure_now.dimension is 'Dimension, pattern_key or all.';
comment on column public.exposure_now.value is 'Its value; null for positions whose behaviour is not known.';
comment on column public.exposure_now.exposure is 'Intended capital as a fraction of the book, or USD held where exposure.measure is value.';
comment on column public.exposure_now.share is 'The same as a part of all that is held.';
comment on column public.exposure_now.positions is 'How many positions.';
comment on column public.health_now.stage is 'Stage, in the order in which data passes through.';
comment on column public.health_now.well is 'Whether nothing is wrong with it.';
comment on column public.health_now.problem is 'What is wrong, in words; null where nothing is.';
comment on column public.health_now.backlog is 'What waits.';
comment on column public.health_now.oldest_waiting_seconds is 'For how long the oldest of that has.';
comment on column public.health_now.last_success_at is 'When it last did its work.';
comment on column public.health_now.success_age_seconds is 'How long ago that was.';
comment on column public.health_now.failures is 'How often it failed lately.';
comment on column public.health_now.release is 'Release of the database.';
comment on column public.learning_health.stage is 'doorbell, inbox, mine-lessons, mine-tuning, materialize-overrides, proof, schedule, prune, platform or alerts.';
comment on column public.learning_health.backlog is 'What waits: unanswered rings, strands, groups to be mined, groups whose lessons are to be taken over, jobs that do not run, log lines and run details past their time, missing extensions and open tables, alerts that were not sent.';
comment on column public.learning_health.failures is 'Failures and refusals within a day; of doorbell and alerts within six hours, of pruning within a week.';
comment on column public.learning_interface.name is 'Name of the table, view or RPC.';
comment on column public.learning_interface.kind is 'relation or rpc.';
comment on column public.learning_settings.module_id is 'Row of learning_configs that the key belongs to.';
comment on column public.learning_settings.path is 'Key, dotted where it is nested.';
comment on column public.learning_settings.kind is 'Type of the value: number, integer, boolean, choice and others.';
comment on column public.learning_settings.value is 'Value that holds.';
comment on column public.learning_settings.default_value is 'Value that holds while the key is not set.';
comment on column public.learning_settings.is_set is 'Whether the configuration names the key.';
comment on column public.learning_settings.nullable is 'Whether null may be set.';
comment on column public.learning_settings.minimum is 'Smallest number accepted; null where it is no number.';
comment on column public.learning_settings.maximum is 'Largest number accepted; null where it is no number.';
comment on column public.learning_settings.choices is 'Texts accepted, for a choice.';
comment on column public.learning_settings.accepts is 'What the key takes, in words.';
comment on column public.learning_settings.description is 'What the key does.';
comment on column public.learning_uplift.action_category is 'entry or add.';
comment on column public.learning_uplift.unit is 'What outcomes are in: points, of which 0.01 is one, or R.';
comment on column public.learning_uplift.learned is 'Decisions sized as learned.';
comment on column public.learning_uplift.held_out is 'Decisions that were held out.';
comment on column public.learning_uplift.weeks is 'UTC weeks that hold them.';
comment on column public.learning_uplift.difference is 'Outcome per unit of size, learned less held out; null while an arm has none.';
comment on column public.learning_uplift.low is 'Lower end of its 95 % interval, whole weeks resampled.';
comment on column public.learning_uplift.high is 'Upper end.';
comment on column public.learning_uplift.e_value is 'Evidence of a difference, however often one looks: 1 is none, 20 is much.';
comment on column public.learning_uplift.promised is 'The difference that the strengths promise.';
comment on column public.learning_uplift.weeks_to_know is 'After how many weeks in all so large a difference would be seen in 80 of 100 cases.';
comment on column public.learning_uplift.measured_at is 'When this was reckoned.';
comment on column public.lesson_families.lesson_id is 'The lesson that represents the family.';
comment on column public.lesson_families.module is 'Who acted: pm or dm.';
comment on column public.lesson_families.pattern_key is 'Behaviour, dotted.';
comment on column public.lesson_families.action_category is 'Category of the action.';
comment on column public.lesson_families.scope is 'The scope that stands for the family.';
comment on column public.lesson_families.unit is 'What effects are in: points, of which a fraction of 0.01 is one, or R.';
comment on column public.lesson_families.effect is 'Winsorised mean of its decisions above the baseline''s.';
comment on column public.lesson_families.effect_low is 'Lower end of the 95 % interval of the effect; null with fewer than two weeks.';
comment on column public.lesson_families.effect_high is 'Upper end of the interval.';
comment on column public.lesson_families.cautious is 'As much of the effect as effects of its category were found to keep; null where none was.';
comment on column public.lesson_families.n is 'Decisions behind it.';
comment on column public.lesson_families.weeks is 'UTC weeks that hold them.';
comment on column public.lesson_families.young is 'Whether these are fewer than 26.';
comment on column public.lesson_families.proven is 'Whether the evidence holds however often one looks; a label beside being believed.';
comment on column public.lesson_families.lessons is 'How many lessons say the same, itself included.';
comment on column public.lesson_families.members is 'All of them, itself first: lesson_id, scope, n, effect, effect_low, effect_high, weeks, proven.';
comment on column public.lesson_families.first_active_at is 'When it was believed first.';
comment on column public.lesson_families.last_evidence_at is 'Close of the newest trade behind it.';
comment on column public.lesson_families.in_words is 'The same for a person to read.';
comment on column public.lesson_families.place is 'Place among all families, the most certain first.';
comment on column public.override_performance.override_id is 'The override.';
comment on column public.override_performance.override_type is 'What it acts on.';
comment on column public.override_performance.pattern_key is 'Behaviour it applies to, dotted.';
comment on column public.override_performance.action_category is 'Action it applies to, or the lever.';
comment on column public.override_performance.scope is 'Where.';
comment on column public.override_performance.control is 'Whose word it is: auto, pinned or off.';
comment on column public.override_performance.enabled is 'Whether it acts.';
comment on column public.override_performance.disabled_reason is 'Why not.';
comment on column public.override_performance.unit is 'What outcomes are in: points, of which a fraction of 0.01 is one, or R; gains for a gate, where a window that it decided is 1 if it let in a success or kept out a failure, else 0.';
comment on column public.override_performance.evidence_from is 'Since when decisions count; when it began to act, or was switched off for breaking its promise.';
comment on column public.override_performance.promised is 'How much better they were to be; of a gate the least share of gains, 0.5.';
comment on column public.override_performance.baseline is 'The baseline when it began to act; 0, no gain, for a gate.';
comment on column public.override_performance.baseline_sigma is 'Its deviation.';
comment on column public.override_performance.live_n is 'Decisions since then, in which it acted; of a gate the windows that it decided.';
comment on column public.override_performance.live_mean is 'Mean of their winsorised outcomes; of a gate the share of gains.';
comment on column public.override_performance.live_effect is 'By how much that is above the baseline.';
comment on column public.override_performance.live_e_value is 'Evidence that it keeps less than half of its promise, or a gate less than all of it, half gains: 1 is none, at 20 it is switched off.';
comment on column public.override_performance.recorded_at is 'When these figures came to be.';
comment on column public.pm_sizing.mode is 'How learned strength acted: posture, multiplier, edge_weighted or calibrated.';
comment on column public.pm_sizing.overrides is 'The overrides that acted, heaviest first: id, scope_subset, weight, share, pull; beyond 50 one entry for the rest. In mode calibrated before them the ten slices that pull most, which have no id, and one for the rest.';
comment on column public.pm_sizing.shadow is 'What the other modes would have said, by mode.';
comment on column public.pm_sizing.ignored is 'Keys of the scope that are no dimension and had no effect, each with the nearest registered name or null; of more than 32 the nearest are not looked for.';
comment on column public.pm_sizing_audit.action_strand_id is 'The action.';
comment on column public.pm_sizing_audit.acted_at is 'When it happened.';
comment on column public.pm_sizing_audit.trade_id is 'Trade that it belongs to.';
comment on column public.pm_sizing_audit.position_id is 'Position that it concerns.';
comment on column public.pm_sizing_audit.symbol is 'Token.';
comment on column public.pm_sizing_audit.timeframe is 'Timeframe of the position.';
comment on column public.pm_sizing_audit.pattern_key is 'Behaviour that acted, dotted.';
comment on column public.pm_sizing_audit.action_category is 'entry, add, trim or exit.';
comment on column public.pm_sizing_audit.a_value is 'Appetite to add, as the action says.';
comment on column public.pm_sizing_audit.e_value is 'Assertiveness to exit, as the action says.';
comment on column public.pm_sizing_audit.pm_strength_applied is 'Factor from what was learned, as the action says; null where it says nothing.';
comment on column public.pm_sizing_audit.exposure_skew_applied is 'Factor from crowding, as the action says; null where it says nothing.';
comment on column public.pm_sizing_audit.size_frac is 'Size used, as the action says.';
comment on column public.pm_sizing_audit.closed is 'Whether the trade is closed.';
comment on column public.pm_sizing_audit.roi is 'Return of the trade as a fraction; null while it is open.';
comment on column public.pm_sizing_audit.rr is 'Reward over risk of the trade; null while it is open.';
comment on column public.pm_sizing_audit.pnl_usd is 'Realised profit of the trade in USD.';
comment on column public.pm_sizing_audit.exit_at is 'When the trade was closed.';
comment on column public.pm_sizing_audit.sizing_id is 'What take_pm_sizing answered for it, as the action says or by its subject; null where that is not kept.';
comment on column public.pm_sizing_audit.taken_at is 'When that was answered.';
comment on column public.pm_sizing_audit.subject is 'Token, position or trade that it was answered for.';
comment on column public.pm_sizing_audit.holdout is 'Share of subjects that were held out then.';
comment on column public.pm_sizing_audit.held_out is 'Whether this one was.';
comment on column public.pm_sizing_audit.mode_answered is 'How learned strength acted; holdout where it did not.';
comment on column public.pm_sizing_audit.pm_strength_answered is 'Factor from what was learned, as answered.';
comment on column public.pm_sizing_audit.exposure_skew_answered is 'Factor from crowding, as answered.';
comment on column public.pm_sizing_audit.size_frac_answered is 'Size to use, as answered.';
comment on column public.pm_sizing_audit.config_version is 'Version of the configuration that held.';
comment on column public.pm_sizing_audit.own_roi is 'What the action by itself came to, as a return; null while the trade is open, or where it is not known.';
comment on column public.pm_sizing_audit.own_rr is 'The same in R.';
comment on column public.pm_sizing_in_batch.mode is 'How learned strength acted: posture, multiplier, edge_weighted or calibrated.';
comment on column public.pm_sizing_in_batch.overrides is 'The overrides that acted, heaviest first: id, scope_subset, weight, share, pull; beyond 50 one entry for the rest. In mode calibrated before them the ten slices that pull most, which have no id, and one for the rest.';
comment on column public.pm_sizing_in_batch.shadow is 'What the other modes would have said, by mode.';
comment on column public.pm_sizing_in_batch.ignored is 'Keys of the scope that are no dimension and had no effect, each with the nearest registered name or null; of more than 32 the nearest are not looked for.';
comment on column public.pm_taken_sizing.mode is 'How learned strength acted: posture, multiplier, edge_weighted or calibrated. holdout: nothing learned acted.';
comment on column public.pm_taken_sizing.base_alloc_pct is 'Fraction of the book that the token gets before anything learned, over all its timeframes.';
comment on column public.pm_taken_sizing.timeframe_share is 'Share of the candidate''s timeframe in it; null for a timeframe without a share.';
comment on column public.pm_taken_sizing.size_frac_raw is 'Size before anything learned, from the appetite alone: 0.10 to 0.60.';
comment on column public.pm_taken_sizing.pm_strength is 'Factor from what was learned; 1 is neutral and always for trims and exits.';
comment on column public.pm_taken_sizing.exposure_skew is 'Factor from crowding, 0.33 to 1.33; 1 for trims and exits.';
comment on column public.pm_taken_sizing.size_frac is 'Size to use: size_frac_raw times both factors, 0 to 1.';
comment on column public.pm_taken_sizing.max_alloc_pct is 'base_alloc_pct times both factors.';
comment on column public.pm_taken_sizing.a_final is 'Appetite to add after steering, 0 to 1.';
comment on column public.pm_taken_sizing.e_final is 'Assertiveness to exit after steering, 0 to 1.';
comment on column public.pm_taken_sizing.confidence is 'Confidence of the overrides that acted, blended by their weights; 0 where none did.';
comment on column public.pm_taken_sizing.steer_max is 'Furthest that the posture could have been steered; 0 where nothing steers.';
comment on column public.pm_taken_sizing.overrides is 'The overrides that acted, heaviest first: id, scope_subset, weight, share, pull; beyond 50 one entry for the rest. In mode calibrated before them the ten slices that pull most, which have no id, and one for the rest.';
comment on column public.pm_taken_sizing.exposure is 'Concentration and the masks that made it.';
comment on column public.pm_taken_sizing.shadow is 'What the other modes would have said, by mode.';
comment on column public.pm_taken_sizing.config_version is 'Version of the configuration that held.';
comment on column public.pm_taken_sizing.computed_at is 'When the answer was computed.';
comment on column public.pm_taken_sizing.ignored is 'Keys of the scope that are no dimension and had no effect, each with the nearest registered name or null; of more than 32 the nearest are not looked for.';
comment on column public.pm_taken_sizing.sizing_id is 'Where it is recorded in pm_sizings; null where record_sizings does not ask for it.';
comment on column public.pm_taken_sizing_in_batch.mode is 'How learned strength acted: posture, multiplier, edge_weighted or calibrated. holdout: nothing learned acted.';
comment on column public.pm_taken_sizing_in_batch.base_alloc_pct is 'Fraction of the book that the token gets before anything learned, over all its timeframes.';
comment on column public.pm_taken_sizing_in_batch.timeframe_share is 'Share of the candidate''s timeframe in it; null for a timeframe without a share.';
comment on column public.pm_taken_sizing_in_batch.size_frac_raw is 'Size before anything learned, from the appetite alone: 0.10 to 0.60.';
comment on column public.pm_taken_sizing_in_batch.pm_strength is 'Factor from what was learned; 1 is neutral and always for trims and exits.';
comment on column public.pm_taken_sizing_in_batch.exposure_skew is 'Factor from crowding, 0.33 to 1.33; 1 for trims and exits.';
comment on column public.pm_taken_sizing_in_batch.size_frac is 'Size to use: size_frac_raw times both factors, 0 to 1.';
comment on column public.pm_taken_sizing_in_batch.max_alloc_pct is 'base_alloc_pct times both factors.';
comment on column public.pm_taken_sizing_in_batch.a_final is 'Appetite to add after steering, 0 to 1.';
comment on column public.pm_taken_sizing_in_batch.e_final is 'Assertiveness to exit after steering, 0 to 1.';
comment on column public.pm_taken_sizing_in_batch.confidence is 'Confidence of the overrides that acted, blended by their weights; 0 where none did.';
comment on column public.pm_taken_sizing_in_batch.steer_max is 'Furthest that the posture could have been steered; 0 where nothing steers.';
comment on column public.pm_taken_sizing_in_batch.overrides is 'The overrides that acted, heaviest first: id, scope_subset, weight, share, pull; beyond 50 one entry for the rest. In mode calibrated before them the ten slices that pull most, which have no id, and one for the rest.';
comment on column public.pm_taken_sizing_in_batch.exposure is 'Concentration and the masks that made it.';
comment on column public.pm_taken_sizing_in_batch.shadow is 'What the other modes would have said, by mode.';
comment on column public.pm_taken_sizing_in_batch.config_version is 'Version of the configuration that held.';
comment on column public.pm_taken_sizing_in_batch.computed_at is 'When the answer was computed.';
comment on column public.pm_taken_sizing_in_batch."position" is 'Place of the candidate in the batch, from 1.';
comment on column public.pm_taken_sizing_in_batch.error is 'Why the candidate could not be sized, as code, message, detail and hint; null where it was.';
comment on column public.pm_taken_sizing_in_batch.ignored is 'Keys of the scope that are no dimension and had no effect, each with the nearest registered name or null; of more than 32 the nearest are not looked for.';
comment on column public.pm_taken_sizing_in_batch.sizing_id is 'Where it is recorded in pm_sizings; null where record_sizings does not ask for it.';
comment on column public.sizing_daily.day is 'The day.';
comment on column public.sizing_daily.action_category is 'entry, add, trim or exit.';
comment on column public.sizing_daily.actions is 'Actions of the PM.';
comment on column public.sizing_daily.strength_applied is 'Mean factor from what was learned, as they say.';
comment on column public.sizing_daily.skew_applied is 'Mean factor from crowding, as they say.';
comment on column public.sizing_daily.size_applied is 'Mean size, as they say.';
comment on column public.sizing_daily.sizings is 'Recorded answers of take_pm_sizing.';
comment on column public.sizing_daily.held_out is 'How many of them were held out of what was learned.';
comment on column public.sizing_daily.moved is 'How many of them were moved by more than 0.5 %.';
comment on column public.sizing_daily.strength_answered is 'Mean factor from what was learned, as answered.';
comment on column public.sizing_daily.skew_answered is 'Mean factor from crowding, as answered.';
comment on column public.sizing_daily.size_answered is 'Mean size, as answered.';
comment on column public.timeframe_allocation.timeframe is 'Timeframe.';
comment on column public.timeframe_allocation.current_allocation is 'Its share of a token''s allocation, a fraction; all sum to 1.';
comment on column public.timeframe_allocation.desired_allocation is 'The share it is heading for.';
comment on column public.timeframe_allocation.roi_short is 'Mean ROI of its trades with a memory of 14 days; null before any trade.';
comment on column public.timeframe_allocation.roi_long is 'Mean ROI of its trades with a memory of 90 days; null before any trade.';
comment on column public.timeframe_allocation.n is 'Its closed trades.';
comment on column public.timeframe_allocation.updated_at is 'When its newest trade was closed; null before any trade.';
comment on column public.timeframe_allocation_history.exit_at is 'When the trade was closed.';
comment on column public.timeframe_allocation_history.trade_id is 'The trade.';
comment on column public.timeframe_allocation_history.trade_timeframe is 'Timeframe of the trade.';
comment on column public.timeframe_allocation_history.trade_roi is 'Return of the trade, a fraction.';
comment on column public.timeframe_allocation_history.timeframe is 'Timeframe whose share the row is about.';
comment on column public.timeframe_allocation_history.allocation is 'Its share after the trade.';
comment on column public.timeframe_allocation_history.change is 'By how much the trade moved it.';
comment on column public.timeframe_allocation_history.desired_allocation is 'The share it is heading for.';
comment on column public.timeframe_allocation_history.roi_short is 'Mean ROI of its trades with a memory of 14 days.';
comment on column public.timeframe_allocation_history.roi_long is 'Mean ROI of its trades with a memory of 90 days.';
comment on column public.timeframe_allocation_history.n is 'Its closed trades so far.';
comment on column public.timeframe_allocation_history.outcome is 'moved, or why the shares stayed, as a stable name.';
comment on column public.timeframe_allocation_history.reason is 'The same for a person to read.';
comment on column public.timeframe_allocation_history.module is 'Whose trade it is.';
comment on column public.timeframe_allocation_outlook.timeframe is 'Timeframe.';
comment on column public.timeframe_allocation_outlook.current_allocation is 'Its share now.';
comment on column public.timeframe_allocation_outlook.desired_allocation is 'The share it is heading for.';
comment on column public.timeframe_allocation_outlook.distance is 'How far it has to go.';
comment on column public.timeframe_allocation_outlook.roi_short is 'Mean ROI of its trades with a memory of 14 days; null before any trade.';
comment on column public.timeframe_allocation_outlook.roi_long is 'Mean ROI of its trades with a memory of 90 days; null before any trade.';
comment on column public.timeframe_allocation_outlook.n is 'Its closed trades.';
comment on column public.timeframe_allocation_outlook.last_change is 'By how much the newest close moved it; null before any.';
comment on column public.timeframe_allocation_outlook.last_trade_id is 'The trade of the newest close; null before any.';
comment on column public.timeframe_allocation_outlook.last_exit_at is 'When it was closed.';
comment on column public.timeframe_allocation_outlook.outcome is 'moved, or why the shares stayed, as a stable name; null before any close.';
comment on column public.timeframe_allocation_outlook.reason is 'The same for a person to read.';
insert into learning.releases ("version", "released_at") values ('0.2.0', '2026-12-01 00:00:00+00') on conflict ("version") do nothing;
insert into learning.settings ("module_id", "path", "kind", "default_value", "nullable", "choices", "description") values ('decision_maker', 'allocation_unit', 'choice', '"fraction"', 'false', '{fraction,percent}', 'How total_allocation_pct of positions is written: 0.05 or 5 for a twentieth of the book.') on conflict ("module_id", "path") do nothing;
insert into learning.settings ("module_id", "path", "kind", "default_value", "nullable", "choices", "description") values ('pm', 'add_outcome', 'choice', '"own"', 'false', '{own,trade}', 'What an add is judged by: its own return, or the whole trade.') on conflict ("module_id", "path") do nothing;
insert into learning.settings ("module_id", "path", "kind", "default_value", "nullable", "choices", "description") values ('pm', 'approval', 'choice', '"none"', 'false', '{none,required}', 'Whether an override that is new, changes its sign or pulls half as hard again waits for an operator.') on conflict ("module_id", "path") do nothing;
update learning.settings set "default_value" = '"category"' where "module_id" = 'pm' and "path" = 'baseline' and "default_value" = '"global"';
update learning.settings set "choices" = '{category,global}' where "module_id" = 'pm' and "path" = 'baseline' and "choices" = '{global,category}';
update learning.settings set "description" = 'What a slice is compared with: all decisions of its category, or all trades.' where "module_id" = 'pm' and "path" = 'baseline' and "description" = 'What a slice is compared with: all trades, or those with an action of the same category.';
update learning.settings set "default_value" = '"week"' where "module_id" = 'pm' and "path" = 'cluster' and "default_value" = '"auto"';
update learning.settings set "choices" = '{week,day,span,none,auto}' where "module_id" = 'pm' and "path" = 'cluster' and "choices" = '{auto,week,day,none}';
update learning.settings set "description" = 'Decisions of the same week or day share the market''s luck and are tested as one cluster; span takes weeks from 26 weeks on, else days; auto, of earlier releases, is read as week.' where "module_id" = 'pm' and "path" = 'cluster' and "description" = 'Trades of the same week or day share the market''s luck and are tested as one cluster.';
update learning.settings set "default_value" = '1.0' where "module_id" = 'pm' and "path" = 'edge_scale' and "default_value" = '0.10';
insert into learning.settings ("module_id", "path", "kind", "default_value", "nullable", "choices", "description") values ('pm', 'exit_outcome', 'choice', '"regret"', 'false', '{regret,trade}', 'What an exit is judged by: what it missed, or the whole trade.') on conflict ("module_id", "path") do nothing;
insert into learning.settings ("module_id", "path", "kind", "default_value", "nullable", "minimum", "maximum", "description") values ('pm', 'experiment.holdout', 'number', '0', 'false', '0', '0.5', 'Share of subjects whose sizes stay as they were before anything learned, where take_pm_sizing is asked; 0: no experiment.') on conflict ("module_id", "path") do nothing;
insert into learning.settings ("module_id", "path", "kind", "default_value", "nullable", "description") values ('pm', 'experiment.salt', 'text', '""', 'false', 'Whatever is written here draws other subjects to be held out.') on conflict ("module_id", "path") do nothing;
insert into learning.settings ("module_id", "path", "kind", "default_value", "nullable", "minimum", "maximum", "description") values ('pm', 'exposure.empty', 'number', '1.33', 'false', '0.33', '1.33', 'Exposure skew of a book that holds nothing; 1 is neutral.') on conflict ("module_id", "path") do nothing;
insert into learning.settings ("module_id", "path", "kind", "default_value", "nullable", "choices", "description") values ('pm', 'exposure.measure', 'choice', '"allocation"', 'false', '{allocation,value}', 'What a position counts as exposure: its intended allocation, or what it holds in USD.') on conflict ("module_id", "path") do nothing;
insert into learning.settings ("module_id", "path", "kind", "default_value", "nullable", "choices", "description") values ('pm', 'fdr', 'choice', '"by"', 'false', '{by,bh}', 'How false discovery is reckoned: however slices overlap (Benjamini and Yekutieli), or as if they did not (Benjamini and Hochberg).') on conflict ("module_id", "path") do nothing;
insert into learning.settings ("module_id", "path", "kind", "default_value", "nullable", "description") values ('pm', 'flags.require_proof', 'boolean', 'false', 'false', 'Whether strength and levers act only while the newest proof of this configuration and release is shown.') on conflict ("module_id", "path") do nothing;
insert into learning.settings ("module_id", "path", "kind", "default_value", "nullable", "description") values ('pm', 'flags.rescale_positions', 'boolean', 'true', 'false', 'Whether positions are rescaled when the shares of timeframes move.') on conflict ("module_id", "path") do nothing;
insert into learning.settings ("module_id", "path", "kind", "default_value", "nullable", "choices", "description") values ('pm', 'memory', 'choice', '"auto"', 'false', '{auto,none}', 'Whether what is long past may count less where that was borne out.') on conflict ("module_id", "path") do nothing;
insert into learning.settings ("module_id", "path", "kind", "default_value", "nullable", "minimum", "maximum", "description") values ('pm', 'near_misses', 'integer', '200', 'true', '0', '100000', 'How many of the strongest lessons are kept of those that are neither believed nor about at most one dimension; null: all.') on conflict ("module_id", "path") do nothing;
update learning.settings set "kind" = 'number_or_auto' where "module_id" = 'pm' and "path" = 'outcome_scale' and "kind" = 'number';
update learning.settings set "default_value" = '"auto"' where "module_id" = 'pm' and "path" = 'outcome_scale' and "default_value" = '1.0';
update learning.settings set "description" = 'Unit that edges are measured in: what one unit of outcome means to this strategy, or the deviation of the category''s outcomes (auto).' where "module_id" = 'pm' and "path" = 'outcome_scale' and "description" = 'What one unit of outcome means to this strategy; a scalper sets it small.';
insert into learning.settings ("module_id", "path", "kind", "default_value", "nullable", "choices", "description") values ('pm', 'record_sizings', 'choice', '"off"', 'false', '{off,sampled,all}', 'Which answers of take_pm_sizing are kept for 90 days: none, those of one subject in a hundred, or all. An experiment needs all.') on conflict ("module_id", "path") do nothing;
insert into learning.settings ("module_id", "path", "kind", "default_value", "nullable", "description") values ('pm', 'refuse_selected', 'boolean', 'true', 'false', 'Whether a trim or exit that is judged by the whole trade, and only ever happens in trades of one sign, is kept from being believed.') on conflict ("module_id", "path") do nothing;
insert into learning.settings ("module_id", "path", "kind", "default_value", "nullable", "description") values ('pm', 'regime_dimensions', 'dimensions', '["macro_phase"]', 'false', 'Dimensions whose values together are a regime.') on conflict ("module_id", "path") do nothing;
insert into learning.settings ("module_id", "path", "kind", "default_value", "nullable", "description") values ('pm', 'representatives_only', 'boolean', 'true', 'false', 'Whether of a family of lessons only the one that represents it becomes an override.') on conflict ("module_id", "path") do nothing;
update learning.settings set "default_value" = 'true' where "module_id" = 'pm' and "path" = 'steering.relative' and "default_value" = 'false';
update learning.settings set "description" = 'Whether directions are measured against those of all the module''s decisions of the category.' where "module_id" = 'pm' and "path" = 'steering.relative' and "description" = 'Whether directions are measured against the module''s own.';
update learning.settings set "choices" = '{posture,multiplier,edge_weighted,calibrated}' where "module_id" = 'pm' and "path" = 'strength_mode' and "choices" = '{posture,multiplier,edge_weighted}';
insert into learning.settings ("module_id", "path", "kind", "default_value", "nullable", "choices", "description") values ('pm', 'trim_outcome', 'choice', '"own"', 'false', '{own,trade}', 'What a trim is judged by: what it saved, or the whole trade.') on conflict ("module_id", "path") do nothing;
insert into learning.settings ("module_id", "path", "kind", "default_value", "nullable", "minimum", "maximum", "description") values ('pm', 'tuning.halo_max', 'number', 'null', 'true', '-1000000', '1000000', 'Threshold of the halo gate for windows that name none; null: none, they are left out of simulation.') on conflict ("module_id", "path") do nothing;
insert into learning.settings ("module_id", "path", "kind", "default_value", "nullable", "minimum", "maximum", "description") values ('pm', 'tuning.slope_min', 'number', 'null', 'true', '-1000000', '1000000', 'Threshold of the slope gate for windows that name none; null: none, they are left out of simulation.') on conflict ("module_id", "path") do nothing;
insert into learning.settings ("module_id", "path", "kind", "default_value", "nullable", "minimum", "maximum", "description") values ('pm', 'tuning.ts_min', 'number', 'null', 'true', '-1000000', '1000000', 'Threshold of the ts gate for windows that name none; null: none, they are left out of simulation.') on conflict ("module_id", "path") do nothing;
insert into learning.receipt_search ("is_only", "searched_to", "found") values ('true', '', '0') on conflict ("is_only") do nothing;
insert into learning.strength_reconciliation ("single", "run", "after_group_id") values ('true', '0', '0') on conflict ("single") do nothing;
delete from public.scope_dimensions where false;
delete from learning.settings where false;
select cron.schedule('edgeloop-digest', '0 7 * * 1', 'select learning.run_errand(''digest'')');
select cron.schedule('edgeloop-watch', '4-59/5 * * * *', 'select learning.run_errand(''watch'')');
-- Statements that the next migration ends with, written by a person: they see everything else in place, for example to
-- work out anew what is kept of data in use. A release takes them over and empties this file. Leave a line free below.

-- Closed trades and their steps say now whose they are; trades of a module other than pm are known by their events.
update learning.closed_trades trade
set module = event.module
from public.pattern_trade_events event
where event.trade_id = trade.trade_id and event.module <> trade.module and event.action_category <> 'allocation'
  and not exists (
    select from public.pattern_trade_events own_event
    where own_event.trade_id = trade.trade_id and own_event.module = trade.module
  );
update public.timeframe_allocation_steps step
set module = trade.module
from learning.closed_trades trade
where trade.trade_id = step.trade_id and trade.exit_at = step.exit_at and trade.module <> step.module;

-- Modules that shared a trade's id got one outcome: their strands are applied anew.
with shared as (
  select event.trade_id
  from public.pattern_trade_events event
  where event.action_category <> 'allocation'
  group by event.trade_id
  having count(distinct event.module) > 1
)
update public.strand_receipts receipt
set status = 'pending', attempts = 0, next_attempt_at = now(), processed_at = null, revision = receipt.revision + 1
from learning.closed_trades trade
join shared using (trade_id)
where receipt.strand_id = trade.close_strand_id and receipt.status = 'done';

-- Strands of impossible times were accepted until now.
select learning.doubt_impossible_times();

grant usage, select, update on all sequences in schema learning to service_role;

-- Whose word an override is: a person's where he switched it off or made it by hand. What he edited of a learned one
-- the loop has undone by now, so that all others are the loop's.
select set_config('learning.reason', 'Upgrade: switched off or made by hand before this was written down', true);
update public.pm_overrides set control = 'off' where disabled_by = 'user';
update public.pm_overrides set control = 'pinned'
where lesson_id is null and disabled_by is distinct from 'user';
select set_config('learning.reason', '', true);

-- What decisions will be judged by, of trades that were closed before it was kept; and what is read from more places
-- than before.
update learning.closed_trades trade
set entry_price = learning.positive_number(strand.content #> '{trade_summary,entry_price}'),
  exit_price = learning.positive_number(strand.content #> '{trade_summary,exit_price}'),
  fees = learning.finite_number(learning.trade_value(strand.content, 'fees')),
  pnl_usd = learning.pnl_usd(strand.content -> 'trade_summary')
from public.ad_strands strand
where strand.id = trade.close_strand_id;
update public.pattern_trade_events event
set fill_price = learning.fill_of_action(told.content, 'price'),
  fill_quantity = learning.fill_of_action(told.content, 'quantity'),
  side = coalesce(learning.side_of(told.content), learning.side_of_trade(told.closing)),
  leverage = coalesce(learning.positive_number(told.content -> 'leverage'),
    learning.positive_number(learning.trade_value(told.closing, 'leverage')), 1),
  time_to_s3_hours = told.time_to_s3_hours, reached_s3 = told.reached_s3,
  pnl_usd = learning.pnl_usd(told.closing -> 'trade_summary')
from (
  select told_event.id, strand.content, closing.content as closing, timed.time_to_s3_hours,
    coalesce(
      (closing.content #>> '{trade_summary,reached_s3}')::boolean,
      case when timed.time_to_s3_hours is not null then true end,
      bool_or(told_event.acted_at <= told_event.traded_at and learning.acted_in_s3(strand.content))
        over (partition by told_event.trade_id, owned.module)
    ) as reached_s3
  from public.pattern_trade_events told_event
  join public.ad_strands strand on strand.id = told_event.action_strand_id
  cross join lateral (
    -- The decision maker's actions belong to the trade that was closed last.
    select trade.module, trade.close_strand_id
    from learning.closed_trades trade
    where trade.trade_id = told_event.trade_id
    order by trade.module = told_event.module desc, trade.exit_at desc
    limit 1
  ) as owned
  join public.ad_strands closing on closing.id = owned.close_strand_id
  cross join lateral (
    select learning.time_to_s3_hours(closing.content -> 'trade_summary') as time_to_s3_hours
  ) as timed
) as told
where told.id = event.id;
update public.pattern_trade_events event
set own_roi = judged.own_roi, own_rr = judged.own_rr
from (
  select own.event_id, own.own_roi, own.own_rr
  from (
    select trade.roi, trade.rr, trade.entry_price, trade.exit_price, trade.fees,
      array_agg(told_event.id order by told_event.acted_at, told_event.action_strand_id collate "C") as event_ids,
      array_agg(told_event.action_category order by told_event.acted_at, told_event.action_strand_id collate "C")
        as categories,
      array_agg(told_event.fill_price order by told_event.acted_at, told_event.action_strand_id collate "C") as prices,
      array_agg(told_event.fill_quantity order by told_event.acted_at, told_event.action_strand_id collate "C")
        as quantities,
      array_agg(told_event.side order by told_event.acted_at, told_event.action_strand_id collate "C") as sides,
      array_agg(told_event.leverage order by told_event.acted_at, told_event.action_strand_id collate "C") as leverages,
      min(told_event.could_exit_better) as missed_at_exit
    from public.pattern_trade_events told_event
    cross join lateral (
      -- The decision maker's actions belong to the trade that was closed last.
      select owned_trade.*
      from learning.closed_trades owned_trade
      where owned_trade.trade_id = told_event.trade_id
      order by owned_trade.module = told_event.module desc, owned_trade.exit_at desc
      limit 1
    ) as trade
    group by trade.trade_id, trade.module, trade.roi, trade.rr, trade.entry_price, trade.exit_price, trade.fees
  ) as acted
  cross join lateral learning.own_outcomes(
    acted.categories, acted.prices, acted.quantities, acted.sides, acted.leverages, acted.roi, acted.rr,
    acted.entry_price, acted.exit_price, acted.fees, acted.missed_at_exit
  ) as own_outcomes
  cross join lateral unnest(acted.event_ids, own_outcomes.own_roi, own_outcomes.own_rr)
    as own(event_id, own_roi, own_rr)
) as judged
where judged.event_id = event.id;

-- Outcomes were divided by their scale, so that is what edges were measured in.
update public.learning_edge_history snapshot
set scale = (written_config.config_data ->> 'outcome_scale')::float8
from public.learning_configs written_config
where written_config.module_id = 'pm' and jsonb_typeof(written_config.config_data -> 'outcome_scale') = 'number';
select learning.measure_baselines();

-- More shapes are read than before: what was rejected is judged anew. Nobody is at work on it, so that its revision stands.
update public.strand_receipts
set status = 'pending', errors = '[]', attempts = 0, next_attempt_at = now(), processed_at = null
where status = 'rejected';

-- The index of overrides knows now which of them a person made or pinned.
update learning.override_index_entries index_entry
set by_hand = true
from learning.override_terms terms
where terms.override_id = index_entry.override_id and terms.by_hand;

-- What a run under way works with and has saved is of a form that no function reads any more: it begins again.
update learning.mining_groups
set run = '{}', progress = null, lease_token = null, leased_until = null
where run is not null;

-- Whoever may read may listen to what changes, where the platform has Realtime.
select learning.admit_listeners();
