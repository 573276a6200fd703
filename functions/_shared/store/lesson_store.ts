import { z } from "zod";
import type { Connection } from "./connection.ts";
import type { Json } from "./database.types.ts";
import type { ClaimedGroup } from "./mining_store.ts";

/** Where all decisions of a module and category steer the posture: appetite to add, assertiveness to exit. */
interface Direction {
  readonly dirA: number;
  readonly dirE: number;
}

const ownDirection = z.object({ dir_a: z.number(), dir_e: z.number() }).nullable()
  .transform((own) => own && { dirA: own.dir_a, dirE: own.dir_e });

const categoryDays = z.object({ day: z.string(), mean: z.string() });

/** UTC days, counted from 1970-01-01, and what closed on each was worth on average, in packed columns. */
export type PackedCategoryDays = z.infer<typeof categoryDays>;

const packedTrades = z.object({
  rows: z.number(),
  outcome: z.string(),
  steering_roi: z.string(),
  acted_at: z.string(),
  traded_at: z.string(),
  duration_hours: z.string(),
  time_to_s3_hours: z.string(),
  could_enter_better: z.string(),
  could_exit_better: z.string(),
  did_trim: z.string(),
  reached_s3: z.string(),
  /** By bit. */
  dimensions: z.record(z.string(), z.string()),
  /** The direction of the module's decisions of the category, `null` until it is measured in the cycle. */
  own_direction: ownDirection,
  /** Mean winsorised outcomes of all decisions of the module and category by the day of their close. */
  category_days: categoryDays,
});

/** A group's decisions in packed columns, oldest close first. */
export type PackedTrades = z.infer<typeof packedTrades>;

const decisions = packedTrades.pick({ steering_roi: true, did_trim: true, reached_s3: true });

/** What posture is judged by, of every decision of a module and category, in packed columns. */
export type PackedDecisions = z.infer<typeof decisions>;

const edgeSeries = z.array(z.object({
  scope_subset: z.record(z.string(), z.string()),
  ts: z.array(z.number()),
  edge: z.array(z.number()),
}));

/** Earlier snapshots of one lesson's edge, oldest first; times in epoch milliseconds. */
export type EdgeSeries = z.infer<typeof edgeSeries>[number];

/** A lesson as it is stored. */
export interface StoredLesson {
  readonly scope_subset: Readonly<Record<string, string>>;
  readonly n: number;
  readonly stats: object;
  readonly edge_raw: number | null;
  readonly p_value: number | null;
  readonly q_value: number | null;
  readonly decay_halflife_hours: number | null;
  readonly status: "active" | "candidate";
  /** Scope of the lesson that represents its family; `null` where it is not believed, and for tuning. */
  readonly family_scope: Readonly<Record<string, string>> | null;
  readonly last_evidence_at: string;
}

/** Effects of a group's slices and its sums, in columns: texts that the database reads as arrays. */
export interface StoredEffects {
  readonly decisions: number;
  readonly mean: number;
  readonly sigma: number;
  readonly kappa_above: number;
  readonly kappa_below: number;
  readonly last_evidence_at: string;
  /** Of each slice the dictionary's codes of its pairs, 0 where it has none. */
  readonly codes_1: string;
  readonly codes_2: string;
  /** By memory, of each slice. */
  readonly n: readonly string[];
  readonly total: readonly string[];
  readonly sums: {
    /** The memories. */
    readonly half_lives: string;
    /** By memory. */
    readonly tau_above: string;
    readonly tau_below: string;
    /** By week and regime. */
    readonly weeks: string;
    readonly regimes: readonly (string | null)[];
    readonly n: string;
    /** By memory, then by week and regime. */
    readonly told: string;
    readonly squares: string;
  };
}

/** The trades of groups, and the lessons learned from them. */
export class LessonStore {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The trades of a claimed group, packed. */
  async readGroup(groupId: number): Promise<PackedTrades> {
    return await this.#connection.call("read_mining_group", { p_group_id: groupId }, packedTrades);
  }

  /** What posture is judged by, of every decision of a module and category, packed. */
  async readCategoryDecisions(module: string, category: string): Promise<PackedDecisions> {
    return await this.#connection.call("read_category_decisions", {
      p_module: module,
      p_action_category: category,
    }, decisions);
  }

  /** Keeps the direction of a claimed group's module and category for the others of its cycle. */
  async saveOwnDirection(groupId: number, { dirA, dirE }: Direction): Promise<void> {
    await this.#connection.call(
      "save_own_direction",
      { p_group_id: groupId, p_dir_a: dirA, p_dir_e: dirE },
      z.unknown(),
    );
  }

  /** Earlier edges of a group's lessons, in the unit of the outcome. */
  async readEdgeHistory(groupId: number): Promise<EdgeSeries[]> {
    return await this.#connection.call("read_edge_history", { p_group_id: groupId }, edgeSeries);
  }

  /** Writes the lessons and effects of a finished run all at once; without effects the group has none. */
  async finishGroup(
    group: ClaimedGroup,
    lessons: readonly StoredLesson[],
    effects: StoredEffects | null,
  ): Promise<void> {
    await this.#connection.call("finish_mining_group", {
      p_group_id: group.group_id,
      p_lease_token: group.lease_token,
      // As text: taking thousands of documents apart and putting them together again on the way is what takes long.
      p_lessons: JSON.stringify(lessons),
      p_effects: (effects ?? {}) as unknown as Json,
    }, z.unknown());
  }
}
