import { z } from "zod";
import type { Connection } from "./connection.ts";
import type { Json } from "./database.types.ts";
import { unpackFloats, unpackIntegers } from "./packed.ts";

const packedFloats = z.string().transform(unpackFloats);

const watchedOverride = z.object({
  id: z.number(),
  /** `null`, as the two after it, where nothing was promised. */
  promised: z.number().nullable(),
  baseline: z.number().nullable(),
  sigma: z.number().nullable(),
  /** Whether it was switched off for breaking its promise. */
  broken: z.boolean(),
  decisions: z.object({ outcome: packedFloats, acted_at: packedFloats }),
});

const watchedKey = z.object({
  /** tuning: its overrides move gates, and their decisions are windows that a move decided. */
  family: z.enum(["strength", "tuning"]),
  /** By group when it had been mined. */
  mined: z.record(z.string(), z.string()),
  /** Not null where more of its overrides follow. */
  last_override: z.number().nullable(),
  /** The present baseline; null where it has no decisions left, and of tuning. */
  basis: z.object({
    n: z.number(),
    winsorised_mean: z.number(),
    sigma: z.number(),
    lower_bound: z.number(),
    upper_bound: z.number(),
  }).nullable(),
  overrides: z.array(watchedOverride),
});

const place = z.object({ group: z.number(), override: z.number() });

/** Where reading has got to; both 0 at the beginning. */
export type LivePlace = z.infer<typeof place>;

const liveDecisions = z.object({
  keys: z.array(watchedKey),
  /** The database's clock, in epoch milliseconds. */
  now: z.number(),
  next: place.nullable(),
});

/** Overrides with the decisions in which they acted, or that they made of windows. */
export type LivePiece = z.infer<typeof liveDecisions>;

/** The overrides of one pattern key and category, or some of them; of tuning those of all gates of a key. */
export type WatchedKey = z.infer<typeof watchedKey>;

/** What is written of one override. */
export interface StoredLiveRecord {
  readonly override_id: number;
  readonly n: number;
  readonly mean: number | null;
  readonly e_value: number | null;
  /** broken: it is to be switched off; returns: it may act again. */
  readonly verdict: "broken" | "returns" | null;
}

const experiment = z.array(z.object({
  category: z.string(),
  outcome: packedFloats,
  size: packedFloats,
  strength: packedFloats,
  acted_at: packedFloats,
  held_out: z.string().transform(unpackIntegers),
}));

/** The decisions of the live experiment, of one category each. */
export type StoredExperiment = z.infer<typeof experiment>;

/** What is written of one category. */
export interface StoredUplift {
  readonly learned: number;
  readonly held_out: number;
  readonly weeks: number;
  readonly difference: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly e_value: number;
  readonly promised: number | null;
  readonly weeks_to_know: number | null;
}

const saved = z.object({ disabled: z.number(), returned: z.number() });

/** What overrides promised, and what came of it. */
export class LiveStore {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Overrides whose groups were mined since they were last looked at, some at a time. */
  async read(after: LivePlace): Promise<LivePiece> {
    return await this.#connection.call(
      "read_live_decisions",
      { p_after_group: after.group, p_after_override: after.override },
      liveDecisions,
    );
  }

  /**
   * Writes live records, and follows their verdicts.
   *
   * @param watched The groups that are through, with when they had been mined.
   */
  async save(
    records: readonly StoredLiveRecord[],
    watched: Readonly<Record<string, string>>,
  ): Promise<z.infer<typeof saved>> {
    return await this.#connection.call(
      "save_live_records",
      { p_records: records as unknown as Json, p_watched: watched },
      saved,
    );
  }

  /** The live experiment; empty where there is none. */
  async readExperiment(): Promise<StoredExperiment> {
    return await this.#connection.call("read_experiment", {}, experiment);
  }

  /** Writes what it shows, by category. */
  async saveUplift(figures: Readonly<Record<string, StoredUplift>>): Promise<number> {
    return await this.#connection.call(
      "save_uplift",
      { p_figures: figures as unknown as Json },
      z.number(),
    );
  }
}
