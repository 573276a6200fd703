/**
 * What moving the entry gates would have changed (functions/README.md, "Simulation"), on plain data.
 *
 * Nothing is tried on windows: each is filed once, under the positions its gates need. A lesson is then a histogram of its
 * windows over the cube of positions; running sums through the cube hold, for all 124 moves at once, how many windows
 * would pass, and a move is a few look-ups.
 *
 * @module
 */

import { binomialUpperTail } from "../statistics/binomial.ts";
import {
  cellOf,
  CELLS,
  type GateColumns,
  GATES,
  type Move,
  MOVES,
  positionNeeded,
  POSITIONS,
  RECORDED,
  type Steps,
} from "./gates.ts";
import type { SimulationSettings } from "./settings.ts";

/** Windows with an outcome as columns, one entry per window. */
export interface SimulatedWindows extends GateColumns {
  readonly rows: number;
  /** 1 where the PM acted, 0 where it skipped. */
  readonly acted: Uint8Array;
  /** 1 where the episode ended in success. Neutral is neither success nor failure. */
  readonly success: Uint8Array;
  /** 1 where the episode ended in failure. */
  readonly failure: Uint8Array;
  /** 1 where something besides the three gates held the PM back. */
  readonly otherwiseBlocked: Uint8Array;
  /** Half that the window's episode belongs to: 0 chooses the move, 1 confirms it. */
  readonly half: Uint8Array;
}

/** What a move would have changed, in windows. */
export interface Tally {
  readonly caughtSuccesses: number;
  readonly droppedFailures: number;
  readonly caughtFailures: number;
  readonly droppedSuccesses: number;
}

export const gainOf = (tally: Tally): number => tally.caughtSuccesses + tally.droppedFailures;
export const costOf = (tally: Tally): number => tally.caughtFailures + tally.droppedSuccesses;
/** Gain per cost; no cost counts as one. */
export const ratioOf = (tally: Tally): number => gainOf(tally) / Math.max(costOf(tally), 1);

/** A move as the search saw it. */
export interface Candidate {
  readonly steps: Steps;
  readonly tally: Tally;
  /** Ratio that it has to reach. */
  readonly requiredRatio: number;
}

/** How a candidate did on the half it was not chosen on. */
export interface Confirmation {
  readonly tally: Tally;
  /** One-sided: of the windows the move changes, more than half change for the better. */
  readonly pValue: number;
}

/** The answer for one lesson. */
export interface Simulation {
  /**
   * `move`: the candidate is good enough. Otherwise why none is: `nothing` would have been gained by any move, no `gain` or
   * no `ratio` is large enough, or the other half does not reach the ratio (`confirmation`).
   */
  readonly verdict: "move" | "nothing" | "gain" | "ratio" | "confirmation";
  /** Combinations looked at, and those left out; together 124. */
  readonly tested: number;
  readonly skipped: number;
  /** The best move or, where none is good enough, the one that came closest; `null` when nothing would be gained. */
  readonly candidate: Candidate | null;
  /** `null` without a candidate to confirm, or with `confirm` off. */
  readonly confirmation: Confirmation | null;
}

/** Where a window is counted: as what it would be when it passes, or stops passing, a moved gate. */
const MISS = 0;
const DODGE = 1;
const ACTED_FAILURE = 2;
const ACTED_SUCCESS = 3;
const ROLES = 4;
/** After the cubes: acted failures whose recorded gates did not pass, so that no move drops them; then all the rest. */
const UNDROPPABLE_FAILURE = ROLES * CELLS;
const IRRELEVANT = UNDROPPABLE_FAILURE + 1;
const HALF = IRRELEVANT + 1;

/** Simulates lessons over one set of windows. */
export class GateSimulator {
  /** Per window its place in the histogram. */
  readonly #places: Uint16Array;
  /** By gate. */
  readonly #thresholds: readonly Thresholds[];
  readonly #histogram = new Int32Array(2 * HALF);

  /** Files the windows. */
  constructor(windows: SimulatedWindows) {
    this.#places = Uint16Array.from({ length: windows.rows }, (_, row) => placeOf(windows, row));
    this.#thresholds = [windows.tsMin, windows.haloMax, windows.slopeMin].map(encodeThresholds);
  }

  /**
   * Finds the best move for the lesson that rests on some of the windows.
   *
   * @param rows The lesson's windows.
   * @param dodgeRate The lesson's `dr`, `null` when nothing was skipped.
   */
  simulate(rows: Uint32Array, dodgeRate: number | null, settings: SimulationSettings): Simulation {
    const histogram = this.#histogram.fill(0);
    const places = this.#places;
    for (const row of rows) {
      const place = places[row]!;
      histogram[place] = histogram[place]! + 1;
    }
    const chosenOn = histogram.subarray(0, HALF);
    const heldBack = histogram.subarray(HALF);
    if (!settings.confirm) { for (let i = 0; i < HALF; i++) chosenOn[i] = chosenOn[i]! + heldBack[i]!; }

    const cautious = dodgeRate !== null && dodgeRate >= settings.cautious_dodge_rate;
    const search = choose(
      chosenOn,
      settings.min_gain,
      (move) => move.loosens && cautious ? settings.cautious_ratio : settings.min_ratio,
    );
    if (!settings.confirm || search.verdict !== "move") return { ...search, confirmation: null };

    accumulate(heldBack);
    const { steps, requiredRatio } = search.candidate;
    const tally = tallyOf(heldBack, cellOf(RECORDED + steps[0], RECORDED + steps[1], RECORDED + steps[2]));
    const gain = gainOf(tally);
    return {
      ...search,
      verdict: ratioOf(tally) >= requiredRatio ? "move" : "confirmation",
      confirmation: { tally, pValue: binomialUpperTail(gain, gain + costOf(tally)) },
    };
  }

  /**
   * Median threshold of a gate over the lesson's windows, `percentile_cont`; `null` when none has any.
   *
   * @param gate Place of the gate in {@linkcode GATES}.
   */
  medianThreshold(rows: Uint32Array, gate: number): number | null {
    const { values, codes } = this.#thresholds[gate]!;
    const counts = new Int32Array(values.length);
    let n = 0;
    for (const row of rows) {
      const code = codes[row]!;
      if (code === NO_THRESHOLD) continue;
      counts[code] = counts[code]! + 1;
      n++;
    }
    if (n === 0) return null;
    const valueAt = (rank: number): number => {
      let code = 0;
      for (let below = counts[0]!; below <= rank; below += counts[code]!) code++;
      return values[code]!;
    };
    return (valueAt(Math.floor((n - 1) / 2)) + valueAt(Math.floor(n / 2))) / 2;
  }
}

/** A column as its distinct values, ascending, and per row the place among them. */
interface Thresholds {
  readonly values: Float64Array;
  readonly codes: Uint32Array;
}

const NO_THRESHOLD = 0xffffffff;

/** Thresholds are few, so that a median is found by counting; and where they are many, it still is. */
function encodeThresholds(column: Float64Array): Thresholds {
  const values = Float64Array.from(new Set(column)).filter((value) => !Number.isNaN(value)).sort();
  const places = new Map<number, number>();
  for (const [place, value] of values.entries()) places.set(value, place);
  return { values, codes: Uint32Array.from(column, (value) => places.get(value) ?? NO_THRESHOLD) };
}

function placeOf(windows: SimulatedWindows, row: number): number {
  const half = windows.half[row]! * HALF;
  const decided = windows.success[row]! + windows.failure[row]! > 0;
  const ts = positionNeeded(GATES[0], windows.tsScore[row]!, windows.tsMin[row]!);
  const halo = positionNeeded(GATES[1], windows.haloDistance[row]!, windows.haloMax[row]!);
  const slope = positionNeeded(GATES[2], windows.slope[row]!, windows.slopeMin[row]!);
  const needed = Math.max(ts, halo, slope);
  const cell = cellOf(ts, halo, slope);
  if (!decided || Number.isNaN(windows.tsMin[row]!)) return half + IRRELEVANT;
  if (windows.acted[row] === 1) {
    if (needed <= RECORDED) {
      return half + (windows.success[row] === 1 ? ACTED_SUCCESS : ACTED_FAILURE) * CELLS + cell;
    }
    return half + (windows.success[row] === 1 ? IRRELEVANT : UNDROPPABLE_FAILURE);
  }
  const catchable = needed > RECORDED && needed < POSITIONS && windows.otherwiseBlocked[row] === 0;
  return half + (catchable ? (windows.success[row] === 1 ? MISS : DODGE) * CELLS + cell : IRRELEVANT);
}

type Search =
  | (Pick<Simulation, "tested" | "skipped"> & {
    readonly verdict: "nothing" | "gain" | "ratio";
    readonly candidate: Candidate | null;
  })
  | (Pick<Simulation, "tested" | "skipped"> & { readonly verdict: "move"; readonly candidate: Candidate });

/** Finds the best move, or what came closest; leaves running sums in the histogram. */
function choose(histogram: Int32Array, minGain: number, requiredRatioOf: (move: Move) => number): Search {
  const isSearched = searchedSteps(histogram);
  accumulate(histogram);
  let tested = 0;
  let best: Candidate | null = null;
  let bestRatio = 0;
  let closest: Candidate | null = null;
  let closestRank = [0, 0];
  for (const move of MOVES) {
    if (!move.steps.every((step, gate) => isSearched[gate]![RECORDED + step])) continue;
    tested++;
    const tally = tallyOf(histogram, move.cell);
    const gain = gainOf(tally);
    if (gain === 0) continue;
    const ratio = ratioOf(tally);
    const requiredRatio = requiredRatioOf(move);
    if (gain >= minGain && ratio >= requiredRatio && ratio > bestRatio) {
      best = { steps: move.steps, tally, requiredRatio };
      bestRatio = ratio;
    }
    const rank = gain >= minGain ? [1, ratio] : [0, gain];
    if (rank[0]! > closestRank[0]! || rank[0] === closestRank[0] && rank[1]! > closestRank[1]!) {
      closest = { steps: move.steps, tally, requiredRatio };
      closestRank = rank;
    }
  }
  const counts = { tested, skipped: MOVES.length - tested };
  if (best !== null) return { ...counts, verdict: "move", candidate: best };
  const verdict = closest === null ? "nothing" : closestRank[0] === 1 ? "ratio" : "gain";
  return { ...counts, verdict, candidate: closest };
}

/**
 * By gate and position, whether moves to it are looked at: loosening to where some miss needs it, tightening when there
 * is an acted failure.
 */
function searchedSteps(histogram: Int32Array): boolean[][] {
  let failures = histogram[UNDROPPABLE_FAILURE]!;
  for (let cell = 0; cell < CELLS; cell++) failures += histogram[ACTED_FAILURE * CELLS + cell]!;
  const searched = GATES.map(() =>
    Array.from(
      { length: POSITIONS },
      (_, position) => position === RECORDED || position < RECORDED && failures > 0,
    )
  );
  for (let cell = 0; cell < CELLS; cell++) {
    if (histogram[MISS * CELLS + cell] === 0) continue;
    const positions = [
      Math.floor(cell / POSITIONS ** 2),
      Math.floor(cell / POSITIONS) % POSITIONS,
      cell % POSITIONS,
    ];
    for (const [gate, position] of positions.entries()) {
      if (position > RECORDED) searched[gate]![position] = true;
    }
  }
  return searched;
}

/** Along each axis of the cubes: how far the neighbour before is, and the places that have one, in ascending order. */
const AXES = [1, POSITIONS, POSITIONS ** 2].map((stride) => ({
  stride,
  places: Uint16Array.from({ length: ROLES * CELLS }, (_, place) => place)
    .filter((place) => Math.floor(place / stride) % POSITIONS !== 0),
}));

/** Turns each role's counts into running sums along the three axes. */
function accumulate(histogram: Int32Array): void {
  for (const { stride, places } of AXES) {
    for (const place of places) histogram[place] = histogram[place]! + histogram[place - stride]!;
  }
}

/** What a move to a cell changes, from running sums. */
function tallyOf(sums: Int32Array, cell: number): Tally {
  const recordedFailures = sums[ACTED_FAILURE * CELLS + CELLS - 1]!;
  const recordedSuccesses = sums[ACTED_SUCCESS * CELLS + CELLS - 1]!;
  return {
    caughtSuccesses: sums[MISS * CELLS + cell]!,
    caughtFailures: sums[DODGE * CELLS + cell]!,
    droppedFailures: recordedFailures - sums[ACTED_FAILURE * CELLS + cell]!,
    droppedSuccesses: recordedSuccesses - sums[ACTED_SUCCESS * CELLS + cell]!,
  };
}
