import { z } from "zod";
import type { Connection } from "./connection.ts";

const reconciled = z.object({
  next: z.number().nullable(),
  created: z.number(),
  changed: z.number(),
  disabled: z.number(),
});

/** What one reconciliation step did; `next` is where the next one begins, null after the last. */
export type ReconciledOverrides = z.infer<typeof reconciled>;

/** The loop's own overrides. */
export class OverrideStore {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Reconciles the overrides of the groups after `after`, up to `limit` groups. */
  async reconcile(after: number, limit: number): Promise<ReconciledOverrides> {
    return await this.#connection.call("reconcile_overrides", { p_after: after, p_limit: limit }, reconciled);
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
