/**
 * What the page reads: relations of the data API, in which order, and what their rows look like. A report takes the same rows
 * over SQL.
 */

import * as z from "zod/mini";

export interface Order {
  readonly column: string;
  readonly descending?: boolean;
}

export interface Filter {
  readonly column: string;
  readonly is: "eq" | "in" | "contains" | "like" | "notnull";
  readonly value?: unknown;
}

/** A relation of schema public, and what is known of its rows. */
export interface Read<Row> {
  readonly relation: string;
  /** Which rows of it, where not all. */
  readonly filters?: readonly Filter[];
  readonly order: readonly Order[];
  /** How many rows are asked for at once; the data API answers at most 1,000. */
  readonly limit: number;
  readonly row: z.ZodMiniType<Row>;
}

const text = z.string();
const maybeText = z.nullable(z.string());
const figure = z.number();
const maybeFigure = z.nullable(z.number());
const scope = z.record(z.string(), z.string());
const document = z.record(z.string(), z.unknown());
const maybeDocument = z.nullable(document);

function read<Row>(
  relation: string,
  order: readonly string[],
  limit: number,
  row: z.ZodMiniType<Row>,
): Read<Row> {
  return {
    relation,
    limit,
    row,
    order: order.map((column) =>
      column.startsWith("-") ? { column: column.slice(1), descending: true } : { column }
    ),
  };
}

export const health = read(
  "learning_health",
  [],
  100,
  z.object({
    stage: text,
    backlog: figure,
    oldest_waiting_at: maybeText,
    last_success_at: maybeText,
    failures: figure,
    problem: maybeText,
    release: maybeText,
  }),
);

const member = z.object({
  lesson_id: figure,
  scope,
  n: figure,
  effect: maybeFigure,
  effect_low: maybeFigure,
  effect_high: maybeFigure,
  weeks: maybeFigure,
  proven: z.nullable(z.boolean()),
});

const familyRow = z.object({
  lesson_id: figure,
  module: text,
  pattern_key: text,
  action_category: text,
  scope,
  unit: text,
  effect: figure,
  effect_low: maybeFigure,
  effect_high: maybeFigure,
  cautious: maybeFigure,
  n: figure,
  weeks: figure,
  young: z.boolean(),
  proven: z.boolean(),
  lessons: figure,
  members: z.array(member),
  first_active_at: maybeText,
  last_evidence_at: maybeText,
  in_words: text,
  place: figure,
});
export type Family = z.infer<typeof familyRow>;
export const families = read("lesson_families", ["place"], 500, familyRow);

export const edges = read(
  "learning_edge_history",
  ["-ts"],
  500,
  z.object({ lesson_id: figure, ts: text, edge: figure, n: figure, scale: maybeFigure }),
);

const tradeRow = z.object({
  action_strand_id: text,
  trade_id: text,
  module: text,
  pattern_key: text,
  action_category: text,
  scope,
  roi: figure,
  rr: figure,
  pnl_usd: maybeFigure,
  own_roi: maybeFigure,
  own_rr: maybeFigure,
  acted_at: text,
  traded_at: text,
});
export type Trade = z.infer<typeof tradeRow>;
export const trades = read("pattern_trade_events", ["-traded_at", "action_strand_id"], 200, tradeRow);

const overrideRow = z.object({
  id: figure,
  override_type: text,
  pattern_key: text,
  action_category: text,
  scope_subset: scope,
  multiplier: maybeFigure,
  dir_a: figure,
  dir_e: figure,
  value: maybeFigure,
  edge_raw: figure,
  n: figure,
  confidence_score: maybeFigure,
  enabled: z.boolean(),
  disabled_by: maybeText,
  disabled_reason: maybeText,
  first_active_at: text,
  last_evidence_at: maybeText,
  last_updated_at: text,
  control: text,
  proposed: maybeDocument,
});
export type Override = z.infer<typeof overrideRow>;
export const overrides = read("pm_overrides", ["-last_updated_at", "-id"], 1000, overrideRow);

const overrideChangeRow = z.object({
  id: figure,
  override_id: figure,
  at: text,
  actor: text,
  run: maybeText,
  reason: maybeText,
  old: maybeDocument,
  new: maybeDocument,
});
export type OverrideChange = z.infer<typeof overrideChangeRow>;
export const overrideChanges = read("pm_override_history", ["-at", "-id"], 200, overrideChangeRow);

export const exposure = read(
  "scope_exposure",
  ["-exposure", "mask"],
  1000,
  z.object({ mask: figure, scope, exposure: figure, weighted_exposure: figure, positions: figure }),
);

export const dimensions = read(
  "scope_dimensions",
  ["bit"],
  100,
  z.object({ dim: text, bit: figure, source: text, weight: figure }),
);

export const allocation = read(
  "timeframe_allocation_outlook",
  ["timeframe"],
  50,
  z.object({
    timeframe: text,
    current_allocation: figure,
    desired_allocation: maybeFigure,
    roi_short: maybeFigure,
    roi_long: maybeFigure,
    n: figure,
    last_change: maybeFigure,
    reason: maybeText,
  }),
);

export const allocationHistory = read(
  "timeframe_allocation_history",
  ["-exit_at", "timeframe"],
  1000,
  z.object({ exit_at: text, trade_id: text, timeframe: text, allocation: figure }),
);

const sizedTradeRow = z.object({
  action_strand_id: text,
  acted_at: text,
  trade_id: maybeText,
  timeframe: maybeText,
  pattern_key: maybeText,
  action_category: maybeText,
  pm_strength_applied: maybeFigure,
  exposure_skew_applied: maybeFigure,
  size_frac: maybeFigure,
  closed: z.boolean(),
  roi: maybeFigure,
  rr: maybeFigure,
  exit_at: maybeText,
});
export type SizedTrade = z.infer<typeof sizedTradeRow>;
export const sizedTrades = read("pm_sizing_audit", ["-acted_at", "-action_strand_id"], 1000, sizedTradeRow);

const gateLessonRow = z.object({
  id: figure,
  lesson_type: text,
  pattern_key: text,
  scope_subset: scope,
  n: figure,
  stats: document,
  last_evidence_at: maybeText,
});
export type GateLesson = z.infer<typeof gateLessonRow>;
export const gateLessons: Read<GateLesson> = {
  ...read("learning_lessons", ["-n", "id"], 200, gateLessonRow),
  filters: [{ column: "lesson_type", is: "eq", value: "tuning_rates" }],
};

export const windows = read(
  "pattern_episode_events",
  ["-occurred_at", "-id"],
  1000,
  z.object({
    id: figure,
    episode_id: text,
    pattern_key: text,
    scope,
    decision: text,
    outcome: maybeText,
    blocked_by: z.array(z.string()),
    occurred_at: text,
  }),
);

export const calibration = read(
  "learning_calibration",
  ["module", "action_category"],
  100,
  z.object({
    module: text,
    action_category: text,
    kappa: maybeFigure,
    n: maybeFigure,
    weeks: maybeFigure,
    updated_at: maybeText,
  }),
);

const settingRow = z.object({
  module_id: text,
  path: text,
  kind: text,
  value: z.unknown(),
  default_value: z.unknown(),
  is_set: z.boolean(),
  minimum: maybeFigure,
  maximum: maybeFigure,
  choices: z.nullable(z.array(z.string())),
  accepts: text,
  nullable: z.boolean(),
  description: text,
});
export type Setting = z.infer<typeof settingRow>;
export const settings = read("learning_settings", ["-module_id", "path"], 500, settingRow);

export const configChanges = read(
  "learning_config_history",
  ["-at", "-id"],
  50,
  z.object({
    id: figure,
    module_id: text,
    at: text,
    actor: text,
    reason: maybeText,
    old: maybeDocument,
    new: maybeDocument,
  }),
);

export const log = read(
  "learning_log",
  ["-at", "-id"],
  200,
  z.object({ id: figure, at: text, level: text, component: text, event: text, message: text }),
);

const proofRow = z.object({
  id: figure,
  at: text,
  source: maybeText,
  from_at: maybeText,
  to_at: maybeText,
  decisions: maybeFigure,
  ways: z.unknown(),
  verdict: maybeText,
  report: z.unknown(),
});
export type Proof = z.infer<typeof proofRow>;
export const proofs = read("learning_proofs", ["-at", "-id"], 10, proofRow);

const performanceRow = z.object({
  override_id: figure,
  pattern_key: text,
  action_category: text,
  scope,
  enabled: z.boolean(),
  disabled_reason: maybeText,
  unit: text,
  promised: maybeFigure,
  live_n: figure,
  live_effect: maybeFigure,
  live_e_value: maybeFigure,
});
export type Performance = z.infer<typeof performanceRow>;
export const performance = read("override_performance", ["-live_n", "override_id"], 50, performanceRow);

/** What an experiment shows; its columns are told as they come. */
export const uplift = read("learning_uplift", [], 50, z.record(z.string(), z.unknown()));

const gain = z.object({ difference: figure, low: maybeFigure, high: maybeFigure });
const earned = z.object({ per_unit: maybeFigure, uplift: z.nullable(gain), level: z.nullable(gain) });
const wayRow = z.object({
  name: text,
  roi: earned,
  rr: earned,
  moved: figure,
  spread: figure,
  drawdown: figure,
  sharpe: maybeFigure,
  sortino: maybeFigure,
  deflated_sharpe: maybeFigure,
});
/** A way of sizing and how it did on history. */
export type Way = z.infer<typeof wayRow>;
export const ways = z.array(wayRow);
/** What else a proof says. */
export const proofReport = z.object({
  outcome: z.enum(["roi", "rr"]),
  mode: text,
  cadence: text,
  cuts: figure,
  sentence: text,
  calibration: z.object({
    tenths: z.array(z.object({ n: figure, promised: figure, realised: figure })),
    slope: maybeFigure,
  }),
  signs: z.object({ believed: figure, kept: figure }),
  overfitting: maybeFigure,
  placebos: z.array(z.object({ seed: figure, uplift: z.nullable(gain), spread: figure })),
});

export const rejected = read(
  "strand_receipts",
  ["-received_at"],
  50,
  z.object({ strand_id: text, status: text, errors: z.unknown(), received_at: text }),
);

/** Which relations and RPCs there are for whoever asks. */
export const offers = read("learning_interface", ["name"], 1000, z.object({ name: text }));

/** What `get_pm_sizing` answers. */
export const sizing = z.object({
  mode: text,
  base_alloc_pct: maybeFigure,
  timeframe_share: maybeFigure,
  size_frac_raw: figure,
  pm_strength: figure,
  exposure_skew: figure,
  size_frac: figure,
  max_alloc_pct: maybeFigure,
  a_final: figure,
  e_final: figure,
  confidence: maybeFigure,
  overrides: z.array(document),
  exposure: z.nullable(document),
  shadow: z.nullable(z.record(z.string(), z.unknown())),
  config_version: maybeFigure,
  computed_at: text,
  ignored: z.nullable(document),
});
export type Sizing = z.infer<typeof sizing>;
const sizedThen = z.object({ size_frac: figure, pm_strength: figure, exposure_skew: figure, as_of: text });
const differenceRow = z.object({
  kind: text,
  id: maybeFigure,
  what: z.unknown(),
  change: text,
  before: z.unknown(),
  after: z.unknown(),
  effect: maybeFigure,
});
export type Difference = z.infer<typeof differenceRow>;
/** What `compare_pm_sizing` answers. */
export const comparison = z.object({
  before: sizedThen,
  after: sizedThen,
  difference: figure,
  differences: z.array(differenceRow),
  as_now: z.unknown(),
});
export type Comparison = z.infer<typeof comparison>;
export const scopeOf = scope;
export const sentences = z.array(z.string());
export const shadowOutcome = z.object({ size_frac: figure, pm_strength: figure });

/** What a report holds of each relation beside what its reads ask for; trades of a lesson are added to these. */
export const REPORTED: readonly Read<unknown>[] = [
  health,
  families,
  edges,
  overrides,
  overrideChanges,
  exposure,
  dimensions,
  allocation,
  allocationHistory,
  sizedTrades,
  gateLessons,
  windows,
  calibration,
  settings,
  configChanges,
  log,
  proofs,
  performance,
  uplift,
  trades,
  rejected,
];
