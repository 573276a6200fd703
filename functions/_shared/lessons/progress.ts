/**
 * Where a paused run over a group has got to: plain JSON between invocations (functions/README.md, "Slices and
 * their names").
 *
 * @module
 */

import { z } from "zod";
import type { FamilyProgress } from "../belief/families.ts";
import { keptSlices, sliceCursor, storedSlices } from "../mining/progress_schemas.ts";
import type { KeptSlices, StoredSlice } from "../mining/slice_names.ts";
import type { SliceCursor } from "../slices/mod.ts";
import type { DepthProgress } from "../slices/name_depths.ts";
import type { Decay } from "../statistics/decay.ts";
import type { AccumulatorState } from "../statistics/false_discovery_accumulator.ts";
import type { Strength } from "../statistics/strength.ts";

/** What is said of a slice, under the names it is stored by, before all are compared. */
export type SliceStats = Strength["stats"] & {
  readonly incremental_edge: number;
  /**
   * Mean improvement buckets of entries and exits (functions/README.md, "Levers"), `null` when no trade
   * tells.
   */
  readonly m_e: number | null;
  readonly m_x: number | null;
  /** d, its 95 % interval and se₀² in units of σ² (functions/README.md, "Effects"). */
  readonly effect: number;
  readonly effect_low: number | null;
  readonly effect_high: number | null;
  readonly effect_error2: number | null;
  /** UTC weeks that hold decisions of it. */
  readonly weeks: number;
  /** Evidence (functions/README.md, "Proven"): ln e, and e within e^±700. */
  readonly ln_e: number;
  readonly e_value: number;
};

/** A slice that was described. */
export interface DescribedLesson {
  readonly scope: Readonly<Record<string, string>>;
  /** Its name as a conjunction, and that of its trade set: the same unless every subset is a lesson. */
  readonly name: readonly number[];
  readonly tradeSet: readonly number[];
  readonly stats: SliceStats;
  readonly pValue: number;
  readonly qValue: number;
  /** |z| in single precision, by which lessons are ranked. */
  readonly strength: number;
  /** Epoch milliseconds, to the microsecond. */
  readonly lastEvidenceAt: number;
}

/** A lesson of which it is known whether it is believed. */
export interface JudgedLesson extends DescribedLesson {
  readonly active: boolean;
}

/** A lesson with the scope of the one that represents it, `null` where it is not believed. */
export interface RelatedLesson extends JudgedLesson {
  readonly familyScope: Readonly<Record<string, string>> | null;
}

/** Where a paused run has got to. */
export type GroupProgress =
  | {
    readonly pass: "count";
    readonly cursor: SliceCursor;
    readonly tests: number;
    readonly rowVisits: number;
    readonly histogram: readonly number[];
    readonly strongest: readonly StoredSlice[];
  }
  | {
    readonly pass: "select";
    readonly cursor: SliceCursor | null;
    readonly strongest: readonly StoredSlice[];
    readonly accumulator: AccumulatorState;
  }
  | {
    readonly pass: "test";
    readonly cursor: SliceCursor | null;
    readonly kept: KeptSlices;
    readonly accumulator: AccumulatorState;
  }
  | {
    readonly pass: "judge";
    readonly kept: KeptSlices;
    readonly accumulator: AccumulatorState;
    /** p and |z| in single precision of the slices that have been seen to. */
    readonly pValues: readonly number[];
    readonly strengths: readonly number[];
  }
  | {
    readonly pass: "describe";
    readonly kept: KeptSlices;
    readonly accumulator: AccumulatorState;
    /** q of the slices that may be kept, an upper bound where it is above the level. */
    readonly qValues: readonly number[];
    readonly strengths: readonly number[];
    /** How many slices, in the order in which they are described, have been seen to. */
    readonly done: number;
    readonly described: readonly DescribedLesson[];
  }
  | {
    readonly pass: "relate";
    readonly tests: number;
    readonly lessons: readonly JudgedLesson[];
    readonly families: FamilyProgress | null;
  }
  | {
    readonly pass: "prove";
    readonly tests: number;
    readonly lessons: readonly RelatedLesson[];
    readonly depths: DepthProgress | null;
  };

const numbers = z.array(z.number());
const maybeNumber = z.number().nullable();
const scope = z.record(z.string(), z.string());

const decay: z.ZodType<Decay> = z.object({
  state: z.enum(["stable", "improving", "decaying", "insufficient"]),
  slope: maybeNumber,
  t: maybeNumber,
  half_life_hours: maybeNumber,
  multiplier: z.number(),
  source: z.enum(["events", "history"]),
});

const stats: z.ZodType<SliceStats> = z.object({
  avg: z.number(),
  median: z.number(),
  variance: z.number(),
  delta: z.number(),
  scale: z.number(),
  baseline: z.number(),
  n: z.number(),
  ev_score: z.number(),
  reliability_score: z.number(),
  support_score: z.number(),
  magnitude_score: z.number(),
  time_score: z.number(),
  stability_score: z.number(),
  edge_before_decay: z.number(),
  edge_raw: z.number(),
  incremental_edge: z.number(),
  confidence: z.number(),
  dirA: z.number(),
  dirE: z.number(),
  p_trim: z.number(),
  p_s3: z.number(),
  selected: z.boolean(),
  z: z.number(),
  t_clustered: maybeNumber,
  clusters: maybeNumber,
  mean_duration_hours: maybeNumber,
  mean_time_to_s3_hours: maybeNumber,
  decay,
  m_e: maybeNumber,
  m_x: maybeNumber,
  effect: z.number(),
  effect_low: maybeNumber,
  effect_high: maybeNumber,
  effect_error2: maybeNumber,
  weeks: z.number(),
  ln_e: z.number(),
  e_value: z.number(),
});

const describedLesson = z.object({
  scope,
  name: numbers,
  tradeSet: numbers,
  stats,
  pValue: z.number(),
  qValue: z.number(),
  strength: z.number(),
  lastEvidenceAt: z.number(),
});
const judgedLesson = describedLesson.extend({ active: z.boolean() });
const relatedLesson = judgedLesson.extend({ familyScope: scope.nullable() });

const accumulator: z.ZodType<AccumulatorState> = z.object({
  ceiling: z.number(),
  capacity: z.number(),
  above: z.number(),
  cutBin: z.number(),
  exact: z.string(),
  bins: z.string(),
});

const familyProgress: z.ZodType<FamilyProgress> = z.object({
  representatives: numbers,
  differences: numbers,
  representedBy: numbers,
  explained: z.array(z.object({ by: z.number(), most: z.number() }).nullable()),
  settled: z.boolean(),
});

/** Reads what was stored of a paused run. */
export const groupProgress: z.ZodType<GroupProgress> = z.discriminatedUnion("pass", [
  z.object({
    pass: z.literal("count"),
    cursor: sliceCursor,
    tests: z.number(),
    rowVisits: z.number(),
    histogram: numbers,
    strongest: storedSlices,
  }),
  z.object({
    pass: z.literal("select"),
    cursor: sliceCursor.nullable(),
    strongest: storedSlices,
    accumulator,
  }),
  z.object({ pass: z.literal("test"), cursor: sliceCursor.nullable(), kept: keptSlices, accumulator }),
  z.object({
    pass: z.literal("judge"),
    kept: keptSlices,
    accumulator,
    pValues: numbers,
    strengths: numbers,
  }),
  z.object({
    pass: z.literal("describe"),
    kept: keptSlices,
    accumulator,
    qValues: numbers,
    strengths: numbers,
    done: z.number(),
    described: z.array(describedLesson),
  }),
  z.object({
    pass: z.literal("relate"),
    tests: z.number(),
    lessons: z.array(judgedLesson),
    families: familyProgress.nullable(),
  }),
  z.object({
    pass: z.literal("prove"),
    tests: z.number(),
    lessons: z.array(relatedLesson),
    depths: z.object({ done: z.number(), counts: numbers }).nullable(),
  }),
]);
