import { z } from "zod";
import type { Connection } from "./connection.ts";

/** Groups are mined in two cycles: those of trades and those of episodes. */
export type MiningFamily = "strength" | "tuning";

const baseline = z.object({
  n: z.number(),
  mean: z.number(),
  winsorised_mean: z.number(),
  sigma: z.number(),
  lower_bound: z.number(),
  upper_bound: z.number(),
  lowest: z.number(),
  highest: z.number(),
});

/** The baseline of a run as it is stored. */
export type StoredBaseline = z.infer<typeof baseline>;

const effectBasis = z.object({
  n: z.number(),
  mean: z.number(),
  sigma: z.number(),
  lower_bound: z.number(),
  upper_bound: z.number(),
  weeks: z.array(z.number()),
});

/** What the effects of a run are measured against: all decisions of its module and category. */
export type EffectBasis = z.infer<typeof effectBasis>;

/** The dimensions of packed columns: bit and name. */
export const packedDimensions = z.array(z.object({ bit: z.number(), dim: z.string() })).nullable();

const claimedGroup = z.object({
  group_id: z.number(),
  lease_token: z.string(),
  lesson_type: z.enum(["pm_strength", "dm_alloc", "tuning_rates"]),
  module: z.string(),
  pattern_key: z.string(),
  action_category: z.string(),
  run: z.object({
    config: z.unknown(),
    baseline: baseline.nullable(),
    /** Number and spread of all decisions of the category, whatever slices are compared with. */
    category: baseline.pick({ n: true, sigma: true }).nullish(),
    /** Absent in runs that began before effects were measured. */
    effects: effectBasis.nullish().transform((basis) => basis ?? null),
    dimensions: packedDimensions,
    /** σ of the baseline when the group was mined first; null until then. */
    first_sigma: z.number().nullish(),
  }),
  /** What the miner saved, in its own terms, as text; null at the beginning of a run. */
  progress: z.unknown(),
});

/** A group leased for mining, with what its run works with and where it has got to. */
export type ClaimedGroup = z.infer<typeof claimedGroup>;

/** A piece of preparing: well below what the platform lets a statement take. */
const PIECE_SECONDS = 1.5;

/** The groups that are mined, who is at work on them, and the dictionary of their packed columns. */
export class MiningStore {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Does a piece of what must be done before a cycle of trades begins; returns whether all of it is done. */
  async prepare(): Promise<boolean> {
    return await this.#connection.call("prepare_mining", { p_seconds: PIECE_SECONDS }, z.number()) === 0;
  }

  /** Begins a mining cycle; returns how many groups are due. */
  async start(family: MiningFamily): Promise<number> {
    return family === "tuning"
      ? await this.#connection.call("start_tuning", {}, z.number())
      : await this.#connection.call("start_mining", { p_family: family }, z.number());
  }

  /** Leases one due group, or returns null where none is left. */
  async claimGroup(family: MiningFamily): Promise<ClaimedGroup | null> {
    return await this.#connection.call("claim_mining_group", { p_family: family }, claimedGroup.nullable());
  }

  /** Writes down where a run has got to and gives the group back. */
  async saveProgress(group: ClaimedGroup, progress: unknown): Promise<void> {
    await this.#connection.call("save_mining_progress", {
      p_group_id: group.group_id,
      p_lease_token: group.lease_token,
      p_progress: JSON.stringify(progress),
    }, z.unknown());
  }

  /** Gives up a run whose events were corrected under way. */
  async restartGroup(group: ClaimedGroup): Promise<void> {
    await this.#connection.call("restart_mining_group", {
      p_group_id: group.group_id,
      p_lease_token: group.lease_token,
    }, z.unknown());
  }

  /** What codes in packed columns stand for. */
  async readScopeValues(codes: readonly number[]): Promise<ReadonlyMap<number, string>> {
    const values = await this.#connection.call(
      "read_scope_values",
      { p_codes: [...codes] },
      z.record(z.string(), z.string()),
    );
    return new Map(Object.entries(values).map(([code, value]) => [Number(code), value]));
  }
}
