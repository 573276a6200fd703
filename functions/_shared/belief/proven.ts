import { logEvidence, logMeanEvidence } from "../statistics/evidence.ts";

/** What a lesson's evidence is summed from: the decisions of its group, one entry per decision in every column. */
export interface EvidenceColumns {
  /** Winsorised outcome − the mean of those of all decisions of the module and category that closed on its UTC day. */
  readonly dayDeviations: Float64Array;
  /** Number of the UTC day of its close, 0 to `dayCount` − 1. */
  readonly days: Int32Array;
  readonly dayCount: number;
  /** Winsorised outcome − the baseline's winsorised mean. */
  readonly weekDeviations: Float64Array;
  /** Number of its week, 0 to `weekCount` − 1. */
  readonly weeks: Int32Array;
  readonly weekCount: number;
}

/**
 * ln e of one lesson: the mean of the evidence of its days, each against what else closed then, and of its weeks
 * against the baseline (functions/README.md, "Proven").
 *
 * @param rows Numbers of the lesson's decisions within the columns, each once.
 * @param rho ρ = `n_min` · σ², with the σ at which the group was first mined; above 0.
 * @throws RangeError when ρ is not above 0.
 */
export function logEvidenceOf(columns: EvidenceColumns, rows: Uint32Array, rho: number): number {
  return logMeanEvidence(
    evidenceBy(columns.dayDeviations, columns.days, columns.dayCount, rows, rho),
    evidenceBy(columns.weekDeviations, columns.weeks, columns.weekCount, rows, rho),
  );
}

function evidenceBy(
  deviations: Float64Array,
  periods: Int32Array,
  periodCount: number,
  rows: Uint32Array,
  rho: number,
): number {
  const sums = new Float64Array(periodCount);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    const period = periods[row]!;
    sums[period] = sums[period]! + deviations[row]!;
  }
  let sum = 0;
  let squares = 0;
  for (let period = 0; period < periodCount; period++) {
    sum += sums[period]!;
    squares += sums[period]! * sums[period]!;
  }
  return logEvidence(sum, squares, rho);
}

/** Depths from this on are one class. */
const DEEPEST_CLASS = 4;

/** The class of a scope of that many pairs: 0, 1, 2, 3, and 4 for all that are deeper. */
export function depthClass(pairs: number): number {
  return Math.min(pairs, DEEPEST_CLASS);
}

/** A lesson that may be proven. */
export interface ProvenCandidate {
  readonly logE: number;
  /** Number of pairs of its name. */
  readonly depth: number;
}

/**
 * Which lessons are proven (functions/README.md, "Proven"): the k with the largest w · e, for the largest k at
 * which all of them have w · e ≥ m/(k · level); w shares the tests out evenly over the classes of depth that
 * occur. If no scope matters, the chance that any lesson is ever among them is at most the level.
 *
 * @param candidates Lessons of one group. Tests that are left out are taken to be not proven, which proves no more of
 *   the others.
 * @param testsByClass How many tests, distinct trade sets, the group has in each {@linkcode depthClass}; every class of a
 *   candidate has one at least.
 * @param level In (0, 1].
 * @returns per candidate, in their order, whether it is proven.
 * @throws RangeError when the level is out of range, or a candidate is of a class without tests.
 */
export function selectProven(
  candidates: readonly ProvenCandidate[],
  testsByClass: readonly number[],
  level: number,
): boolean[] {
  if (!(level > 0 && level <= 1)) throw new RangeError(`The level must be in (0, 1], got ${level}`);
  const tests = testsByClass.reduce((sum, count) => sum + count, 0);
  const classes = testsByClass.filter((count) => count > 0).length;
  const weighted = candidates.map(({ logE, depth }, place) => {
    const inClass = testsByClass[depthClass(depth)] ?? 0;
    if (!(inClass > 0)) {
      throw new RangeError(`A lesson of ${depth} pairs is of a class that has no tests`);
    }
    return { place, logE: logE + Math.log(tests / (classes * inClass)) };
  }).sort((a, b) => b.logE - a.logE);
  let proven = 0;
  for (const [i, { logE }] of weighted.entries()) {
    if (logE >= Math.log(tests / ((i + 1) * level))) proven = i + 1;
  }
  const chosen = candidates.map(() => false);
  for (const { place } of weighted.slice(0, proven)) chosen[place] = true;
  return chosen;
}
