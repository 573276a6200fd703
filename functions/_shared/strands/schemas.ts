/**
 * What a strand must look like to be learned from (functions/README.md, "From strands to events"). Fields
 * that are not named here are let through and ignored.
 *
 * @module
 */

import { z } from "zod";

/** Largest return accepted, in percent. */
const LARGEST_RETURN_PCT = 1e6;
/** Larger figures would lose all digits, or overflow, as soon as they are squared. */
const LARGEST_FIGURE = 1e12;

/** Measured as it is stored, blanks included: an index entry has room for so much. */
function text(longest: number): z.ZodString {
  return z.string().max(longest).regex(/\S/, "Invalid input: expected a text that is not blank");
}

const identifier = text(200);
const patternKey = text(300);
const figure = z.number().min(-LARGEST_FIGURE).max(LARGEST_FIGURE);
const amount = z.number().min(0).max(LARGEST_FIGURE);
const share = z.number().min(0).max(1);
const context = z.record(z.string(), z.unknown());

const datetime = z.iso.datetime({ offset: true, local: true });
/** Whole years in UTC, since what is learned is written down in UTC with a year of four digits. */
const FIRST_SECOND = Date.parse("0001-01-01T00:00:00Z") / 1000;
const LAST_SECOND = Date.parse("9999-12-31T23:59:59Z") / 1000;

/** Nanoseconds since 1970 of an ISO 8601 date or timestamp, null of anything else; without an offset it is UTC. */
function nanosecondsOf(written: unknown): bigint | null {
  if (typeof written !== "string") return null;
  const moment = written.length === 10 ? `${written}T00:00:00` : written.replace(" ", "T");
  // Postgres knows no year 0, no offsets of 16 hours and more, and no fraction without end.
  if (!datetime.safeParse(moment).success || /^0000|[+-](1[6-9]|2\d):\d\d$|\.\d{10}/.test(moment)) {
    return null;
  }
  const [, whole = "", fraction = "", offset] = /^([^.]*?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?$/.exec(moment) ?? [];
  const seconds = Date.parse(whole + (offset ?? "Z")) / 1000;
  const nanoseconds = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
  const known = seconds >= FIRST_SECOND && nanoseconds <= BigInt(LAST_SECOND) * 1_000_000_000n;
  return known ? nanoseconds : null;
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
  entry_price: figure.nullish(),
  exit_price: figure.nullish(),
  entry_timestamp: timestamp,
  exit_timestamp: timestamp,
  reached_s3: z.boolean().nullish(),
  time_to_s3_hours: amount.nullish(),
  could_enter_better: amount.nullish(),
  could_exit_better: amount.nullish(),
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

const action = z.object({
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
});

const factors = z.looseObject({
  ts_score: figure.nullish(),
  ts_min: figure.nullish(),
  halo_distance: figure.nullish(),
  halo_max: figure.nullish(),
  slope: figure.nullish(),
  slope_min: figure.nullish(),
  dx: figure.nullish(),
  dx_min: figure.nullish(),
  ts_ok: z.boolean().nullish(),
  slope_ok: z.boolean().nullish(),
  entry_zone_ok: z.boolean().nullish(),
});

const episodeWindow = z.object({
  episode_id: identifier,
  pattern_key: patternKey,
  scope: context,
  decision: z.enum(["acted", "skipped"]),
  factors,
  // Counted first: there are no more reasons than the list may have entries.
  blocked_by: z.array(z.unknown()).max(100).pipe(z.array(text(200))).nullish(),
  trade_id: identifier.nullish(),
  sample: factors.nullish(),
});

const episodeOutcome = z.object({
  episode_id: identifier,
  outcome: z.enum(["success", "failure", "neutral"]),
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
    content: action.extend({ action_category: z.enum(["entry", "add", "trim", "exit"]) }),
  }),
  z.object({
    kind: z.literal("dm_action"),
    ...envelope,
    content: action.extend({ action_category: z.literal("allocation") }),
  }),
  z.object({ kind: z.literal("episode_window"), ...envelope, content: episodeWindow }),
  z.object({ kind: z.literal("episode_outcome"), ...envelope, content: episodeOutcome }),
]);

/** The kinds that learning reads; any other kind passes through untouched. */
export const LEARNED_KINDS: ReadonlySet<string> = new Set(
  learnedStrand.options.map((option) => option.shape.kind.value),
);
