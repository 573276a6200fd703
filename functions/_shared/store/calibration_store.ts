import { z } from "zod";
import type { Connection } from "./connection.ts";
import type { Json } from "./database.types.ts";

const sumsOfCategory = z.object({
  module: z.string(),
  action_category: z.string(),
  sums_digest: z.string().nullable(),
  /** `null` where it has no decisions left. */
  basis: z.object({ n: z.number(), mean: z.number(), sigma: z.number() }).nullable(),
  /** `null` where none of its groups was measured. */
  sums: z.object({
    n: z.number(),
    cells: z.array(z.object({ week: z.number(), regime: z.string().nullable(), n: z.number() })),
    memories: z.array(z.object({
      half_life: z.number().nullable(),
      tau_above: z.number(),
      tau_below: z.number(),
      told: z.array(z.number()),
      squares: z.array(z.number()),
    })),
  }).nullable(),
});

/** A module and category to be calibrated: the sums of its groups, and what they are measured against. */
export type SumsOfCategory = z.infer<typeof sumsOfCategory>;

/** What a module and category was calibrated to. */
export interface StoredCalibration {
  readonly module: string;
  readonly action_category: string;
  /** Of the sums that it rests on. */
  readonly sums_digest: string | null;
  /** `null` where there is nothing to calibrate. */
  readonly calibration: {
    readonly mean: number;
    readonly sigma: number;
    readonly kappa: number;
    readonly tau2: number;
    readonly half_life_weeks: number | null;
    readonly n: number;
    readonly weeks: number;
    readonly regimes_act: boolean;
    readonly regimes: readonly {
      readonly signature: string;
      readonly kappa: number;
      readonly n: number;
      readonly weeks: number;
      readonly confidence: number;
    }[];
  } | null;
}

/** What categories are calibrated from, and what they are calibrated to. */
export class CalibrationStore {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Modules and categories whose groups changed since they were calibrated. */
  async readSums(): Promise<SumsOfCategory[]> {
    return await this.#connection.call("read_calibration_sums", {}, z.array(sumsOfCategory));
  }

  /** Writes calibrations whose sums still hold; returns how many. */
  async write(calibrations: readonly StoredCalibration[]): Promise<number> {
    return await this.#connection.call(
      "write_calibrations",
      { p_calibrations: calibrations as unknown as Json },
      z.number(),
    );
  }
}
