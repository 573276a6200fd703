/**
 * The tuning lessons of one pattern key (functions/README.md, "Tuning"): *count* finds every slice of its
 * windows and remembers those to keep, *describe* computes their rates. Either pass can pause and go on in
 * another process.
 *
 * @module
 */

import { scopeKey } from "../mining/scope_key.ts";
import { type KeptSlices, SliceNames, type StoredSlice, storedSlices } from "../mining/slice_names.ts";
import { type Enumeration, prepare, type SliceCursor } from "../slices/mod.ts";
import { moments } from "../statistics/moments.ts";
import { zScore } from "../statistics/significance.ts";
import type { TuningMiningSettings } from "./settings.ts";
import type { TuningWindows } from "./windows.ts";

/** Counts and rates of a slice; neutral windows count in `n` alone. */
export interface TuningRates {
  readonly n: number;
  readonly acted_success: number;
  readonly acted_failure: number;
  readonly skipped_success: number;
  readonly skipped_failure: number;
  readonly neutral: number;
  /** Win rate and false positive rate: shares of success and failure among acted windows; `null` when there are none. */
  readonly wr: number | null;
  readonly fpr: number | null;
  /** Miss rate and dodge rate: shares of success and failure among skipped windows; `null` when there are none. */
  readonly mr: number | null;
  readonly dr: number | null;
}

/** A mined tuning lesson. */
export interface TuningLesson {
  readonly scope: Readonly<Record<string, string>>;
  readonly stats: TuningRates;
  /** Time of its newest window, epoch milliseconds, to the microsecond. */
  readonly lastEvidenceAt: number;
}

/** Where a paused run has got to; plain JSON. */
export type TuningProgress =
  | {
    readonly pass: "count";
    readonly windows: number;
    readonly cursor: SliceCursor;
    readonly strongest: readonly StoredSlice[];
  }
  | {
    readonly pass: "describe";
    readonly windows: number;
    readonly kept: KeptSlices;
    /** How many of the kept slices have been seen to. */
    readonly done: number;
    readonly described: readonly TuningLesson[];
  };

/** A pause, or the end. */
export type TuningStep = { readonly progress: TuningProgress } | {
  readonly lessons: readonly TuningLesson[];
};

/**
 * Mines one group, or goes on with it.
 *
 * @param progress Where an earlier call over the same windows paused, `null` at the beginning.
 * @param shouldPause Asked every few milliseconds.
 * @throws RangeError when the progress belongs to other windows.
 */
export function mineTuningGroup(
  windows: TuningWindows,
  settings: TuningMiningSettings,
  progress: TuningProgress | null,
  shouldPause: () => boolean,
): TuningStep {
  const checksum = checksumOf(windows);
  if (progress !== null && progress.windows !== checksum) {
    throw new RangeError(
      `The progress belongs to other windows: their checksum is ${progress.windows}, here it is ${checksum}`,
    );
  }
  const pressure = pressureOf(windows);
  const enumeration = prepare({
    rows: windows.rows,
    dimensions: windows.dimensions,
    measures: [pressure.deviations],
    minSupport: settings.n_min,
    selection: settings.selection,
  });
  const names = new SliceNames(enumeration, windows.dimensions, settings.selection);
  const found = progress?.pass === "describe"
    ? progress
    : find(enumeration, names, pressure, settings, windows, checksum, progress, shouldPause);
  if (found.pass === "count") return { progress: found };

  const described = new Map(found.described.map((lesson) => [scopeKey(lesson.scope), lesson]));
  for (let done = found.done; done < found.kept.slices.length; done++) {
    if (done > found.done && shouldPause()) {
      return { progress: { ...found, done, described: [...described.values()] } };
    }
    const name = names.keptName(found.kept, done);
    if (name === null) continue;
    const scope = names.scopeOf(name);
    const key = scopeKey(scope);
    if (!described.has(key)) described.set(key, { scope, ...describe(windows, enumeration.rowsOf(name)) });
  }
  return { lessons: [...described.values()] };
}

/** Finds every slice and remembers those to keep. */
function find(
  enumeration: Enumeration,
  names: SliceNames,
  pressure: Pressure,
  settings: TuningMiningSettings,
  windows: TuningWindows,
  checksum: number,
  progress: Extract<TuningProgress, { pass: "count" }> | null,
  shouldPause: () => boolean,
): TuningProgress {
  const strongest = names.strongest(settings.max_lessons_per_group, progress?.strongest ?? []);
  const cursor = enumeration.run((n, sums, slice) => {
    strongest.offer(Math.abs(zScore(n, sums[0]! / n, pressure)), slice);
  }, { cursor: progress?.cursor, shouldPause });
  if (cursor !== null) {
    return { pass: "count", windows: checksum, cursor, strongest: storedSlices(strongest) };
  }
  return {
    pass: "describe",
    windows: checksum,
    kept: names.kept(strongest, windows.rows, settings.n_min),
    done: 0,
    described: [],
  };
}

/** A group's pressure: per window its deviation from the mean, and what z needs of all of them. */
interface Pressure {
  readonly n: number;
  readonly sigma: number;
  readonly deviations: Float64Array;
}

/**
 * What windows say about their gates: +1 that they are too strict (a miss), −1 that they are too loose (an
 * acted failure), else 0. Where there are more slices than are kept, those stay whose pressure differs most
 * from the whole group's, by z (functions/README.md, "Significance"): where gates are wrong everywhere alike,
 * the group's own lesson says so.
 */
function pressureOf(windows: TuningWindows): Pressure {
  const { rows, acted, success, failure } = windows;
  const pressure = Float64Array.from(
    { length: rows },
    (_, row) => acted[row] === 1 ? -failure[row]! : success[row]!,
  );
  const { mean, populationVariance } = rows === 0 ? { mean: 0, populationVariance: 0 } : moments(pressure);
  return {
    n: rows,
    sigma: Math.sqrt(populationVariance),
    deviations: pressure.map((value) => value - mean),
  };
}

function describe(windows: TuningWindows, rows: Uint32Array): Omit<TuningLesson, "scope"> {
  const { acted, success, failure, occurredAt } = windows;
  let lastEvidenceAt = -Infinity;
  let [actedSuccess, actedFailure, skippedSuccess, skippedFailure] = [0, 0, 0, 0];
  for (const row of rows) {
    lastEvidenceAt = Math.max(lastEvidenceAt, occurredAt[row]!);
    if (acted[row] === 1) {
      actedSuccess += success[row]!;
      actedFailure += failure[row]!;
    } else {
      skippedSuccess += success[row]!;
      skippedFailure += failure[row]!;
    }
  }
  const actedDecided = actedSuccess + actedFailure;
  const skippedDecided = skippedSuccess + skippedFailure;
  const share = (part: number, whole: number): number | null => whole === 0 ? null : part / whole;
  return {
    stats: {
      n: rows.length,
      acted_success: actedSuccess,
      acted_failure: actedFailure,
      skipped_success: skippedSuccess,
      skipped_failure: skippedFailure,
      neutral: rows.length - actedDecided - skippedDecided,
      wr: share(actedSuccess, actedDecided),
      fpr: share(actedFailure, actedDecided),
      mr: share(skippedSuccess, skippedDecided),
      dr: share(skippedFailure, skippedDecided),
    },
    lastEvidenceAt,
  };
}

/** A checksum (FNV-1a) of all that the lessons depend on. */
function checksumOf(windows: TuningWindows): number {
  let hash = 0x811c9dc5;
  const mix = (value: number): void => {
    hash = Math.imul(hash ^ value, 0x01000193);
  };
  const { rows, acted, success, failure, occurredAt } = windows;
  mix(rows);
  for (let row = 0; row < rows; row++) {
    mix(acted[row]! | success[row]! << 1 | failure[row]! << 2);
    mix(occurredAt[row]! % 0x7fffffff);
  }
  for (const { bit, codes, values } of windows.dimensions) {
    mix(bit);
    for (const code of codes) mix(code);
    for (const value of values) {
      for (let i = 0; i < value.length; i++) mix(value.charCodeAt(i));
      mix(-1);
    }
  }
  return hash >>> 0;
}
