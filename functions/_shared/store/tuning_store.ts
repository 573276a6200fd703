/**
 * The windows of episodes, the lessons about the gates and their simulations (functions/README.md, "Tuning").
 *
 * @module
 */

import { z } from "zod";
import type { Connection } from "./connection.ts";
import type { Json } from "./database.types.ts";
import type { StoredLesson } from "./lesson_store.ts";
import { type ClaimedGroup, packedDimensions } from "./mining_store.ts";
import { unpackFloats } from "./packed.ts";

const packedWindows = z.object({
  rows: z.number(),
  /** Where the next piece begins; null after the last one. */
  next: z.object({ occurred_at: z.string(), id: z.number() }).nullable(),
  /** Oldest time of the windows; null where there is none. */
  looks_back_to: z.string().nullable(),
  occurred_at: z.string(),
  /** Bits: 1 acted, 2 success, 4 failure, 8 held back by something besides the gates, 16 half of the episode. */
  flags: z.string(),
  /** ts_score, ts_min, halo_distance, halo_max, slope, slope_min; null where they were not asked for. */
  gates: z.array(z.string()).nullable(),
  /** Bytes of a scope code: 2 while the dictionary is small, else 4. */
  code_bytes: z.union([z.literal(2), z.literal(4)]),
  /** By bit. */
  dimensions: z.record(z.string(), z.string()),
});

/** A piece of a group's windows in packed columns, oldest first. */
export type PackedWindows = z.infer<typeof packedWindows>;

const claimedSimulation = z.object({
  group_id: z.number(),
  lease_token: z.string(),
  pattern_key: z.string(),
  looks_back_to: z.string().nullable(),
  /** The configuration's `tuning` part that the simulation began with. */
  tuning: z.unknown(),
  /** Lesson to go on after, 0 at the beginning. */
  after: z.number(),
  dimensions: packedDimensions,
});

/** A group leased for simulation. */
export type ClaimedSimulation = z.infer<typeof claimedSimulation>;

const tuningLessons = z.array(z.object({
  id: z.number(),
  scope_subset: z.record(z.string(), z.string()),
  /** Dodge rate, null when nothing was skipped. */
  dr: z.number().nullable(),
}));

/** A tuning lesson as simulation needs it. */
export type TuningLesson = z.infer<typeof tuningLessons>[number];

/** A simulated lesson as it is stored. */
export interface StoredSimulation {
  readonly lesson_id: number;
  readonly verdict: string;
  readonly tested: number;
  readonly skipped: number;
  readonly moves: Readonly<Record<string, { readonly value: number; readonly multiplier: number | null }>>;
  readonly confidence: number | null;
  readonly p_value: number | null;
  readonly summary: string;
  readonly details: object;
}

/** What tuning stores. */
export class TuningStore {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * A piece of a group's windows with an outcome.
   *
   * @param looksBackTo Oldest time of the windows; `null` for the configured look-back.
   * @param next What the piece before said, `null` for the first one.
   */
  async readWindows(
    groupId: number,
    looksBackTo: string | null,
    next: PackedWindows["next"],
    gates: boolean,
  ): Promise<PackedWindows> {
    return await this.#connection.call("read_tuning_windows", {
      p_group_id: groupId,
      ...(looksBackTo === null ? {} : { p_looks_back_to: looksBackTo }),
      ...(next === null ? {} : { p_after: next }),
      p_gates: gates,
    }, packedWindows);
  }

  /** Writes the lessons of a finished run all at once. */
  async finishGroup(
    group: ClaimedGroup,
    lessons: readonly StoredLesson[],
    looksBackTo: string | null,
  ): Promise<void> {
    await this.#connection.call("finish_tuning_group", {
      p_group_id: group.group_id,
      p_lease_token: group.lease_token,
      p_lessons: lessons as unknown as Json,
      ...(looksBackTo === null ? {} : { p_looks_back_to: looksBackTo }),
    }, z.unknown());
  }

  /** Leases one group that awaits simulation, or returns null where none is left. */
  async claimSimulation(): Promise<ClaimedSimulation | null> {
    return await this.#connection.call("claim_tuning_simulation", {}, claimedSimulation.nullable());
  }

  /** The next active lessons of a group, by id; none after the last one. */
  async readLessons(groupId: number, after: number, limit: number): Promise<TuningLesson[]> {
    return await this.#connection.call("read_tuning_lessons", {
      p_group_id: groupId,
      p_after: after,
      p_limit: limit,
    }, tuningLessons);
  }

  /** Writes down simulated lessons and the last one of them. */
  async saveSimulations(
    claimed: ClaimedSimulation,
    results: readonly StoredSimulation[],
    after: number,
    state: "under way" | "paused" | "finished",
  ): Promise<void> {
    await this.#connection.call("save_tuning_simulations", {
      p_group_id: claimed.group_id,
      p_lease_token: claimed.lease_token,
      p_results: results as unknown as Json,
      p_after: after,
      p_state: state,
    }, z.unknown());
  }

  /** p of every simulated lesson, 1 where it has none. */
  async readPValues(): Promise<Float64Array> {
    const { lessons, p_values } = await this.#connection.call(
      "read_tuning_p_values",
      {},
      z.object({ lessons: z.number(), p_values: z.string() }),
    );
    const pValues = new Float64Array(lessons).fill(1);
    pValues.set(unpackFloats(p_values));
    return pValues;
  }
}
