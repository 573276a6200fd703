/**
 * What a strand must look like to be learned from (functions/README.md, "From strands to events"). Fields
 * that are not named here are let through and ignored.
 *
 * @module
 */

import { z } from "zod";
import { nanosecondsOf } from "./moments.ts";

/** Largest return accepted, in percent. */
const LARGEST_RETURN_PCT = 1e6;
/** Larger figures would lose all digits, or overflow, as soon as they are squared. */
const LARGEST_FIGURE = 1e12;

/** Measured as it is stored, blanks included: an index entry has room for so much. */
function text(longest: number): z.ZodString {
  return z.string().max(longest, {
    error: ({ input }) =>
      `Too big: expected at most ${longest} characters and it has ${
        typeof input === "string" ? input.length : "more"
      }`,
  }).regex(/\S/, "Invalid input: expected a text that is not blank");
}

const identifier = text(200);
const patternKey = text(200);
const figure = z.number().min(-LARGEST_FIGURE).max(LARGEST_FIGURE);
const amount = z.number().min(0).max(LARGEST_FIGURE);
const share = z.number().min(0).max(1);
const context = z.record(z.string(), z.unknown());

/** A value that is judged by whichever schema suits it. */
function judgedBy(choose: (value: unknown) => z.ZodType): z.ZodType {
  return z.unknown().superRefine((value, judgement) => {
    const judged = choose(value).safeParse(value);
    for (const { path, message } of judged.error?.issues ?? []) {
      judgement.addIssue({ code: "custom", path: [...path], message });
    }
  });
}

function isDocument(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What may be there by itself, be a member of an object, or be absent or null in both. */
function alsoIn(key: string, alone: z.ZodType): z.ZodType {
  const optional = alone.nullish();
  const member = z.looseObject({ [key]: optional });
  return judgedBy((value) => isDocument(value) ? member : optional).optional();
}

/** A list of limited length, counted before its items are looked at: there are no more reasons than it may have items. */
function list<Item extends z.ZodType>(longest: number, item: Item): z.ZodType {
  return z.array(z.unknown()).max(longest).pipe(z.array(item));
}

/** A moment that Postgres and JavaScript read alike. */
const timestamp = z.string().refine((written) => nanosecondsOf(written) !== null, {
  error: "Invalid input: expected an ISO 8601 timestamp such as 2025-01-15T10:30:00Z",
});

/** Whether a trade ends before it begins; false where one of the two is no moment. */
function endsTooSoon(
  summary: { readonly entry_timestamp: unknown; readonly exit_timestamp: unknown },
): boolean {
  const entry = nanosecondsOf(summary.entry_timestamp);
  const exit = nanosecondsOf(summary.exit_timestamp);
  return entry !== null && exit !== null && exit < entry;
}

const tradeSummary = z.object({
  rr: figure,
  rpnl_pct: z.number().min(-LARGEST_RETURN_PCT).max(LARGEST_RETURN_PCT),
  pnl_usd: figure.nullish(),
  rpnl_usd: figure.nullish(),
  total_pnl_usd: figure.nullish(),
  entry_price: figure.nullish(),
  exit_price: figure.nullish(),
  entry_timestamp: timestamp,
  exit_timestamp: timestamp,
  reached_s3: z.boolean().nullish(),
  time_to_s3_hours: amount.nullish(),
  time_to_s3: amount.nullish(),
  could_enter_better: alsoIn("missed_rr", amount),
  could_exit_better: alsoIn("missed_rr", amount),
}).refine((summary) => !endsTooSoon(summary), {
  path: ["exit_timestamp"],
  message: "Invalid input: expected a moment not before entry_timestamp",
  // Whatever is wrong with other fields: every reason is told at once.
  when: ({ value }) => typeof value === "object" && value !== null,
});

const positionClosed = z.object({
  trade_id: identifier,
  entry_context: context.nullish(),
  trade_summary: tradeSummary,
});

const gateNames = list(100, text(200)).nullish();

/** An action of a trade, of one of some categories. */
function action(...categories: readonly string[]): z.ZodType {
  const category = z.enum([...categories]);
  const fields = {
    trade_id: identifier,
    pattern_key: patternKey,
    scope: context,
    state: z.string().nullish(),
    a_value: share.nullish(),
    e_value: share.nullish(),
    size_frac: figure.nullish(),
    reasons: z.looseObject({
      pm_strength_applied: figure.nullish(),
      exposure_skew_applied: figure.nullish(),
    }).nullish(),
  };
  const byItself = z.object({ ...fields, action_category: category });
  const byDecision = z.object({ ...fields, decision_type: category });
  return judgedBy((content) =>
    isDocument(content) && isAbsent(content["action_category"]) &&
      category.safeParse(content["decision_type"]).success
      ? byDecision
      : byItself
  );
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

const traded = action("entry", "add", "trim", "exit", "emergency_exit");
const allocated = action("allocation");

/** An entry that was held back and tells of the window it saw; as `learning.is_shadow_window` knows it. */
const shadowWindow = z.object({
  episode_id: identifier,
  pattern_key: patternKey,
  scope: context.nullish(),
  blocked_by: gateNames,
  gate_margins: z.looseObject({
    ts_margin: figure.nullish(),
    halo_margin: figure.nullish(),
    slope_margin: figure.nullish(),
    dx_margin: figure.nullish(),
  }),
});

function tellsOfWindow(content: Readonly<Record<string, unknown>>): boolean {
  return content["decision_type"] === "shadow_entry" && Array.isArray(content["blocked_by"]) &&
    isDocument(content["gate_margins"]) && !isAbsent(content["pattern_key"]) &&
    !isAbsent(content["episode_id"]);
}

/** An action that led to no trade teaches nothing, but for a window that it may tell of. */
function actionOr(ofTrade: z.ZodType): z.ZodType {
  return judgedBy((content) => {
    if (!isDocument(content) || !isAbsent(content["trade_id"])) return ofTrade;
    return tellsOfWindow(content) ? shadowWindow : z.unknown();
  });
}

const factorOf = alsoIn("median", figure);
const factors = z.looseObject({
  ts_score: factorOf,
  ts_min: factorOf,
  halo_distance: factorOf,
  halo_max: factorOf,
  slope: factorOf,
  slope_min: factorOf,
  dx: factorOf,
  dx_min: factorOf,
  ts_ok: z.boolean().nullish(),
  slope_ok: z.boolean().nullish(),
  entry_zone_ok: z.boolean().nullish(),
});
const decision = z.enum(["acted", "skipped"]);
const outcome = z.enum(["success", "failure", "neutral", "missed", "correct_skip"]);

const episodeWindow = z.object({
  episode_id: identifier,
  pattern_key: patternKey,
  scope: context,
  decision,
  factors,
  blocked_by: gateNames,
  trade_id: identifier.nullish(),
  sample: factors.nullish(),
});

const episodeOutcome = z.object({ episode_id: identifier, outcome });

const episodeSummary = z.object({
  episode_id: identifier,
  pattern_key: patternKey,
  scope: context.nullish(),
  outcome: outcome.nullish(),
  trade_id: identifier.nullish(),
  windows: list(
    1000,
    z.object({
      entered: z.boolean().nullish(),
      decision: decision.nullish(),
      started_at: timestamp.nullish(),
      ended_at: timestamp.nullish(),
      summary: factors.nullish(),
      factors: factors.nullish(),
      samples: z.array(z.unknown()).nullish(),
      blocked_by: gateNames,
      trade_id: identifier.nullish(),
    }),
  ),
});

/** A summary without windows tells of nothing that is learned. */
const summaryOrNothing = judgedBy((content) => {
  const windows = isDocument(content) ? content["windows"] : content;
  return isDocument(content) && (isAbsent(windows) || Array.isArray(windows) && windows.length === 0)
    ? z.unknown()
    : episodeSummary;
});

const envelope = {
  module: z.string().max(100).nullish(),
  created_at: timestamp,
  regime_context: context.nullish(),
};

/** A strand that learning reads; which content it must have depends on its kind. */
export const learnedStrand = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("position_closed"), ...envelope, content: positionClosed }),
  z.object({
    kind: z.literal("pm_action"),
    ...envelope,
    content: actionOr(traded),
  }),
  z.object({
    kind: z.literal("dm_action"),
    ...envelope,
    content: actionOr(allocated),
  }),
  z.object({ kind: z.literal("episode_window"), ...envelope, content: episodeWindow }),
  z.object({ kind: z.literal("episode_outcome"), ...envelope, content: episodeOutcome }),
  z.object({ kind: z.literal("uptrend_episode_summary"), ...envelope, content: summaryOrNothing }),
]);

/** The kinds that learning reads; any other kind passes through untouched. */
export const LEARNED_KINDS: ReadonlySet<string> = new Set(
  learnedStrand.options.map((option) => option.shape.kind.value),
);
