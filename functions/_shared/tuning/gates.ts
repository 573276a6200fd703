/**
 * The three entry gates that tuning may move, the grid it moves them on, and what a window needs of it
 * (functions/README.md, "Gates").
 *
 * Each gate has five *positions* from the tightest, 0, to the loosest, 4; at {@linkcode RECORDED} it stands where the
 * window recorded it. Looser only ever lets more pass, so all that a window says about a gate is the tightest position
 * that it passes at, and all that it says about every combination of three moved gates is one cell of a 5 × 5 × 5 cube.
 *
 * @module
 */

/** A gate and where it can be moved to. */
export interface Gate {
  /** Lever that carries the move, and `action_category` of its override (functions/README.md, "Levers"). */
  readonly lever: "tuning_ts_min" | "tuning_halo" | "tuning_slope";
  /** What is added to the threshold, by position. */
  readonly deltas: readonly number[];
  /** Whether a score passes a threshold. */
  readonly passes: (score: number, threshold: number) => boolean;
}

const atLeast = (score: number, threshold: number): boolean => score >= threshold;
const atMost = (score: number, threshold: number): boolean => score <= threshold;

/** The gates in their order of preference among equal moves. */
export const GATES = [
  { lever: "tuning_ts_min", deltas: [0.1, 0.05, 0, -0.05, -0.1], passes: atLeast },
  { lever: "tuning_halo", deltas: [-0.2, -0.1, 0, 0.1, 0.2], passes: atMost },
  { lever: "tuning_slope", deltas: [0.002, 0.001, 0, -0.001, -0.002], passes: atLeast },
] as const satisfies readonly Gate[];

export const POSITIONS = 5;
/** Position at which a gate stands where it stood when the window was recorded. */
export const RECORDED = 2;
/** Cells of the cube of positions. */
export const CELLS = POSITIONS ** 3;

/** What the three gates of each window compared, one number per window; NaN in all six where any is missing. */
export interface GateColumns {
  readonly tsScore: Float64Array;
  readonly tsMin: Float64Array;
  readonly haloDistance: Float64Array;
  readonly haloMax: Float64Array;
  readonly slope: Float64Array;
  readonly slopeMin: Float64Array;
}

/**
 * The tightest position at which a score passes a gate; {@linkcode POSITIONS} when it passes at none, which is also the
 * answer for NaN. The delta is added in double precision, as the PM adds it.
 */
export function positionNeeded(gate: Gate, score: number, threshold: number): number {
  for (let position = 0; position < POSITIONS; position++) {
    if (gate.passes(score, threshold + gate.deltas[position]!)) return position;
  }
  return POSITIONS;
}

/** One move of the three gates: steps on the grid, -2 to 2 each, positive where the gate becomes looser. */
export type Steps = readonly [ts: number, halo: number, slope: number];

/** A move with what the search needs of it. */
export interface Move {
  readonly steps: Steps;
  /** Its cell: everything in cells whose three positions are no larger passes. */
  readonly cell: number;
  readonly loosens: boolean;
}

/** Place of three positions in the cube. */
export function cellOf(ts: number, halo: number, slope: number): number {
  return (ts * POSITIONS + halo) * POSITIONS + slope;
}

const STEPS = [-2, -1, 0, 1, 2];

/**
 * Every combination that moves something, 124 of them, in the order in which one is preferred to another of the same
 * ratio: fewer gates, then fewer steps, then ts before halo before slope, then less loose. What is still equal then, as
 * ts one step and halo two against ts two and halo one, is less loose in the first gate that differs.
 */
export const MOVES: readonly Move[] = STEPS
  .flatMap((ts) => STEPS.flatMap((halo) => STEPS.map((slope): Steps => [ts, halo, slope])))
  .filter((steps) => steps.some((step) => step !== 0))
  .sort((a, b) => {
    const keyA = preference(a);
    const keyB = preference(b);
    const at = keyA.findIndex((part, i) => part !== keyB[i]);
    return at === -1 ? 0 : keyA[at]! - keyB[at]!;
  })
  .map((steps) => ({
    steps,
    cell: cellOf(RECORDED + steps[0], RECORDED + steps[1], RECORDED + steps[2]),
    loosens: steps.some((step) => step > 0),
  }));

function preference(steps: Steps): number[] {
  const stays = steps.map((step) => step === 0 ? 1 : 0);
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  return [-sum(stays), sum(steps.map(Math.abs)), ...stays, sum(steps), ...steps];
}
