import { z } from "zod";
import type { Connection } from "./connection.ts";
import type { Json } from "./database.types.ts";
import type { ClaimedGroup } from "./mining_store.ts";

const packedTrades = z.object({
  rows: z.number(),
  roi: z.string(),
  rr: z.string(),
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
});

/** A group's trades in packed columns, oldest close first. */
export type PackedTrades = z.infer<typeof packedTrades>;

const moduleTrades = packedTrades.pick({ roi: true, did_trim: true, reached_s3: true });

/** What posture is judged by, of every trade of a module, in packed columns. */
export type PackedModuleTrades = z.infer<typeof moduleTrades>;

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
  readonly last_evidence_at: string;
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

  /** What posture is judged by, of every trade of a module, packed. */
  async readModuleTrades(module: string): Promise<PackedModuleTrades> {
    return await this.#connection.call("read_module_trades", { p_module: module }, moduleTrades);
  }

  /** Earlier edges of a group's lessons. */
  async readEdgeHistory(groupId: number): Promise<EdgeSeries[]> {
    return await this.#connection.call("read_edge_history", { p_group_id: groupId }, edgeSeries);
  }

  /** Writes the lessons of a finished run all at once. */
  async finishGroup(group: ClaimedGroup, lessons: readonly StoredLesson[]): Promise<void> {
    await this.#connection.call("finish_mining_group", {
      p_group_id: group.group_id,
      p_lease_token: group.lease_token,
      p_lessons: lessons as unknown as Json,
    }, z.unknown());
  }
}
