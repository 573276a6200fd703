/**
 * The calls of tuning: episode windows, lessons about the gates, simulations and their overrides (spec §11).
 *
 * @module
 */

import type { Json } from "./database.types.ts";
import { unpackFloats } from "./packed.ts";
import type { ClaimedGroup, ReconciledOverrides, Store, StoredLesson } from "./store.ts";

/** A piece of a group's windows in packed columns, oldest first. */
export interface PackedWindows {
  readonly rows: number;
  /** Where the next piece begins; `null` after the last one. */
  readonly next: Json;
  /** Oldest time of the windows; `null` where there is none. */
  readonly looks_back_to: string | null;
  readonly occurred_at: string;
  /** Bits: 1 acted, 2 success, 4 failure, 8 held back by something besides the gates, 16 half of the episode. */
  readonly flags: string;
  /** ts_score, ts_min, halo_distance, halo_max, slope, slope_min; `null` where they were not asked for. */
  readonly gates: readonly string[] | null;
  /** Bytes of a scope code: 2 while the dictionary is small, else 4. */
  readonly code_bytes: 2 | 4;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** A group leased for simulation. */
export interface ClaimedSimulation {
  readonly group_id: number;
  readonly lease_token: string;
  readonly pattern_key: string;
  readonly looks_back_to: string | null;
  /** The configuration's `tuning` part that the simulation began with. */
  readonly tuning: Json;
  /** Lesson to go on after, 0 at the beginning. */
  readonly after: number;
  readonly dimensions: readonly { readonly bit: number; readonly dim: string }[] | null;
}

/** A tuning lesson as simulation needs it. */
export interface TuningLesson {
  readonly id: number;
  readonly scope_subset: Readonly<Record<string, string>>;
  /** Dodge rate, `null` when nothing was skipped. */
  readonly dr: number | null;
}

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

/** The calls that tuning makes. Every one throws a `StoreError` when it fails. */
export class TuningStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Begins a mining cycle of tuning; returns how many groups are due. */
  async start(): Promise<number> {
    return await this.#store.call("start_tuning", {}) as number;
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
    next: Json,
    gates: boolean,
  ): Promise<PackedWindows> {
    return await this.#store.call("read_tuning_windows", {
      p_group_id: groupId,
      ...(looksBackTo === null ? {} : { p_looks_back_to: looksBackTo }),
      ...(next === null ? {} : { p_after: next }),
      p_gates: gates,
    }) as unknown as PackedWindows;
  }

  /** Writes the lessons of a finished run all at once. */
  async finishGroup(
    group: ClaimedGroup,
    lessons: readonly StoredLesson[],
    looksBackTo: string | null,
  ): Promise<void> {
    await this.#store.call("finish_tuning_group", {
      p_group_id: group.group_id,
      p_lease_token: group.lease_token,
      p_lessons: lessons as unknown as Json,
      ...(looksBackTo === null ? {} : { p_looks_back_to: looksBackTo }),
    });
  }

  /** Leases one group that awaits simulation, or returns null where none is left. */
  async claimSimulation(): Promise<ClaimedSimulation | null> {
    return await this.#store.call("claim_tuning_simulation", {}) as unknown as ClaimedSimulation | null;
  }

  /** The next active lessons of a group, by id; none after the last one. */
  async readLessons(groupId: number, after: number, limit: number): Promise<TuningLesson[]> {
    return await this.#store.call("read_tuning_lessons", {
      p_group_id: groupId,
      p_after: after,
      p_limit: limit,
    }) as unknown as TuningLesson[];
  }

  /** Writes down simulated lessons and the last one of them. */
  async saveSimulations(
    claimed: ClaimedSimulation,
    results: readonly StoredSimulation[],
    after: number,
    state: "under way" | "paused" | "finished",
  ): Promise<void> {
    await this.#store.call("save_tuning_simulations", {
      p_group_id: claimed.group_id,
      p_lease_token: claimed.lease_token,
      p_results: results as unknown as Json,
      p_after: after,
      p_state: state,
    });
  }

  /** p of every simulated lesson, 1 where it has none. */
  async readPValues(): Promise<Float64Array> {
    const { lessons, p_values } = await this.#store.call("read_tuning_p_values", {}) as {
      lessons: number;
      p_values: string;
    };
    const pValues = new Float64Array(lessons).fill(1);
    pValues.set(unpackFloats(p_values));
    return pValues;
  }

  /**
   * Reconciles the overrides of the lessons after `after`, up to `limit` lessons.
   *
   * @param largestPValue Largest p that stands up among all lessons, `null` where none does.
   * @param lessons How many lessons that is judged among.
   */
  async reconcileOverrides(
    after: number,
    limit: number,
    largestPValue: number | null,
    lessons: number,
  ): Promise<ReconciledOverrides> {
    return await this.#store.call("reconcile_tuning_overrides", {
      p_after: after,
      p_limit: limit,
      ...(largestPValue === null ? {} : { p_largest_p_value: largestPValue }),
      p_lessons: lessons,
    }) as unknown as ReconciledOverrides;
  }
}
