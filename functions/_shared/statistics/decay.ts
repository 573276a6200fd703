import { fitLine } from "./linear_fit.ts";

/**
 * Where the series comes from: the lesson's trades, or its earlier snapshots (functions/README.md, "Decay").
 */
export type DecaySource = "events" | "history";

/** What the series says; `insufficient` when it is too short to say anything. */
export type DecayState = "insufficient" | "stable" | "improving" | "decaying";

/** How an edge moves with time (functions/README.md, "Decay"), under the names it is stored by. */
export interface Decay {
  readonly state: DecayState;
  /** b of the linear fit, per hour; `null` when insufficient. */
  readonly slope: number | null;
  /** t-statistic of the slope, ±Infinity for a perfect line; `null` when insufficient. */
  readonly t: number | null;
  /** Hours in which the edge halves or doubles, at least 0; `null` unless improving or decaying. */
  readonly half_life_hours: number | null;
  /** What `edge_before_decay` is multiplied by, in [0.33, 1.33]. */
  readonly multiplier: number;
  readonly source: DecaySource;
}

/** The shortest series that is judged. */
const LEAST: Readonly<Record<DecaySource, number>> = { events: 33, history: 18 };
/** A slope less sure than this is none. */
const LEAST_T = 2;
/** An exponential fit worse than this does not give the half-life. */
const LEAST_R_SQUARED = 0.5;
/** The half-life, a week, at which strengthening and weakening have half of their effect. */
const WEEK_HOURS = 168;
const MS_PER_HOUR = 3_600_000;

/** B and R² of ln|y| = ln A + B·t; `null` unless all y share a sign. */
function fitExponential(hours: Float64Array, y: Float64Array): { rate: number; rSquared: number } | null {
  const sign = Math.sign(y[0]!);
  const logarithms = new Float64Array(y.length);
  for (let i = 0; i < y.length; i++) {
    const size = sign * y[i]!;
    if (!(size > 0)) return null;
    logarithms[i] = Math.log(size);
  }
  const fit = fitLine(hours, logarithms);
  return { rate: fit.slope, rSquared: fit.rSquared };
}

/** Hours since the earliest of some epoch milliseconds. */
function hoursSinceFirst(times: Float64Array): Float64Array {
  let first = Infinity;
  for (let i = 0; i < times.length; i++) first = Math.min(first, times[i]!);
  const hours = new Float64Array(times.length);
  for (let i = 0; i < times.length; i++) hours[i] = (times[i]! - first) / MS_PER_HOUR;
  return hours;
}

/**
 * Judges from a time series whether an edge strengthens, weakens or holds, and by how much to believe it
 * (functions/README.md, "Decay").
 *
 * The multiplier acts on |edge|, so direction is judged against the edge's sign: a losing pattern that
 * recovers is weakening.
 *
 * @param times Epoch milliseconds, in any order.
 * @param values One per time: y − ȳ of each trade (`events`), or the edge before decay of each snapshot
 *   (`history`).
 * @param delta The slice's mean − ȳ; its sign is the edge's.
 */
export function computeDecay(
  times: Float64Array,
  values: Float64Array,
  delta: number,
  source: DecaySource,
): Decay {
  if (times.length < LEAST[source]) {
    return { state: "insufficient", slope: null, t: null, half_life_hours: null, multiplier: 1, source };
  }
  const hours = hoursSinceFirst(times);
  const { slope, t, meanY, spreadX } = fitLine(hours, values);
  if (Math.abs(t) < LEAST_T || slope === 0 || meanY === 0 || spreadX === 0) {
    return { state: "stable", slope, t, half_life_hours: null, multiplier: 1, source };
  }

  const strengthening = slope * Math.sign(delta);
  const exponential = fitExponential(hours, values);
  const halfLife = exponential !== null && exponential.rSquared >= LEAST_R_SQUARED &&
      Math.sign(exponential.rate) === Math.sign(strengthening)
    ? Math.LN2 / Math.abs(exponential.rate)
    : 0.5 * Math.abs(meanY) / Math.abs(slope);
  let multiplier = 1;
  if (strengthening > 0) multiplier = 1 + 0.33 * WEEK_HOURS / (halfLife + WEEK_HOURS);
  if (strengthening < 0) multiplier = 0.33 + 0.67 * halfLife / (halfLife + WEEK_HOURS);
  return {
    state: slope > 0 ? "improving" : "decaying",
    slope,
    t,
    half_life_hours: halfLife,
    multiplier,
    source,
  };
}
