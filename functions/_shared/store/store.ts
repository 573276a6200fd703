/**
 * The database as the edge functions see it: the only place that knows SQL names, in rooms by what is stored.
 *
 * @module
 */

import { z } from "zod";
import type { Stopwatch } from "../runtime/budget.ts";
import { type Client, Connection, type LogLine } from "./connection.ts";
import { CalibrationStore } from "./calibration_store.ts";
import { LessonStore } from "./lesson_store.ts";
import { LiveStore } from "./live_store.ts";
import { MiningStore } from "./mining_store.ts";
import { OverrideStore } from "./override_store.ts";
import { StrandStore } from "./strand_store.ts";
import { TuningStore } from "./tuning_store.ts";

export type { Client, LogLine };

/** What one invocation reads and writes. Every call throws a `StoreError` when it fails. */
export class Store {
  readonly strands: StrandStore;
  readonly mining: MiningStore;
  readonly lessons: LessonStore;
  readonly calibrations: CalibrationStore;
  readonly tuning: TuningStore;
  readonly overrides: OverrideStore;
  readonly live: LiveStore;
  readonly #connection: Connection;

  constructor(client: Client, stopwatch?: Stopwatch) {
    this.#connection = new Connection(client, stopwatch);
    this.strands = new StrandStore(this.#connection);
    this.mining = new MiningStore(this.#connection);
    this.lessons = new LessonStore(this.#connection);
    this.calibrations = new CalibrationStore(this.#connection);
    this.tuning = new TuningStore(this.#connection);
    this.overrides = new OverrideStore(this.#connection);
    this.live = new LiveStore(this.#connection);
  }

  /** Runs since the invocation began, and knows how much of that was spent waiting for the database. */
  get stopwatch(): Stopwatch {
    return this.#connection.stopwatch;
  }

  /** The effective configuration of the PM. */
  async readConfig(): Promise<Record<string, unknown>> {
    return await this.#connection.call("get_pm_config", {}, z.record(z.string(), z.unknown()));
  }

  /** Asks for further invocations of an edge function. */
  async ring(name: string, body: Readonly<Record<string, boolean>>, times = 1): Promise<void> {
    await this.#connection.call(
      "ring_edge_function",
      { p_name: name, p_body: body, p_times: times },
      z.unknown(),
    );
  }

  /** Writes lines of the learning log. */
  async log(lines: readonly LogLine[]): Promise<void> {
    await this.#connection.log(lines);
  }
}
