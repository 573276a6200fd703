import { z } from "zod";
import type { Connection } from "./connection.ts";

const reconciled = z.object({
  next: z.number().nullable(),
  created: z.number(),
  changed: z.number(),
  disabled: z.number(),
});

/** What one reconciliation step did; `next` is what the next one is asked for with, null after the last. */
export type ReconciledOverrides = z.infer<typeof reconciled>;

/** The loop's own overrides. */
export class OverrideStore {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Reconciles the next piece of a pass over all strength and allocation overrides.
   *
   * @param pass The pass; 0 takes up the one that was left, or begins one.
   */
  async reconcile(pass: number): Promise<ReconciledOverrides> {
    return await this.#connection.call("reconcile_overrides", { p_after: pass }, reconciled);
  }

  /**
   * Reconciles the overrides of the tuning lessons after `after`, up to `limit` lessons.
   *
   * @param largestPValue Largest p that stands up among all lessons, `null` where none does.
   * @param lessons How many lessons that is judged among.
   */
  async reconcileTuning(
    after: number,
    limit: number,
    largestPValue: number | null,
    lessons: number,
  ): Promise<ReconciledOverrides> {
    return await this.#connection.call("reconcile_tuning_overrides", {
      p_after: after,
      p_limit: limit,
      ...(largestPValue === null ? {} : { p_largest_p_value: largestPValue }),
      p_lessons: lessons,
    }, reconciled);
  }
}
