/**
 * What mining must find, by the plainest loops over the formulas of the book (functions/README.md, "Edge",
 * "Significance" and "Decay"): every subset is tried, every statistic is summed afresh. Shares nothing with
 * what it judges.
 *
 * @module
 */

import type { MiningSettings } from "../../../functions/_shared/lessons/settings.ts";
import { DAY_MS, HOUR_MS, type Trade } from "./groups.ts";

/** What the oracle is told. */
export interface OracleInput {
  readonly trades: readonly Trade[];
  /** In the order of their bits. */
  readonly dimensions: readonly string[];
  /** Outcomes of the trades outside of the group, in y. */
  readonly others: readonly number[];
  readonly settings: MiningSettings;
  readonly ownDirection: { readonly dirA: number; readonly dirE: number } | null;
  /** Earlier edges by canonical scope text, where decay is fitted to them. */
  readonly history:
    | ReadonlyMap<string, { readonly times: readonly number[]; readonly edges: readonly number[] }>
    | null;
}

/** A lesson by its scope, as sorted JSON. */
export interface OracleLesson {
  readonly scope: string;
  readonly n: number;
  readonly stats: Readonly<Record<string, number | null | Readonly<Record<string, number | string | null>>>>;
  readonly p: number;
  readonly q: number;
  readonly active: boolean;
  readonly lastEvidenceAt: number;
}

/** A subset: per dimension a value, or null where it is free. */
type Subset = readonly (string | null)[];

interface Slice {
  readonly subset: Subset;
  readonly rows: readonly number[];
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
const average = (values: readonly number[]): number => total(values) / values.length;

/** percentile_cont. */
function percentile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = fraction * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? NaN;
  const above = sorted[Math.ceil(place)] ?? NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/** Two-sided normal p by the series of Φ, all terms positive. */
export function normalP(z: number): number {
  const x = Math.abs(z);
  if (x > 9) return 0;
  let term = x;
  let sum = x;
  for (let k = 3; term > sum * 1e-18; k += 2) {
    term *= x * x / k;
    sum += term;
  }
  return Math.max(0, 1 - 2 * sum * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI));
}

/** Two-sided Student p for whole degrees of freedom, by the finite sums over powers of the cosine. */
export function studentP(t: number, degrees: number): number {
  if (!Number.isFinite(t)) return 0;
  const angle = Math.atan(Math.abs(t) / Math.sqrt(degrees));
  const cosine = Math.cos(angle);
  let inside: number;
  if (degrees % 2 === 1) {
    let term = cosine;
    let sum = degrees === 1 ? 0 : term;
    for (let k = 3; k <= degrees - 2; k += 2) {
      term *= (k - 1) / k * cosine * cosine;
      sum += term;
    }
    inside = 2 / Math.PI * (angle + Math.sin(angle) * sum);
  } else {
    let term = 1;
    let sum = term;
    for (let k = 2; k <= degrees - 2; k += 2) {
      term *= (k - 1) / k * cosine * cosine;
      sum += term;
    }
    inside = Math.sin(angle) * sum;
  }
  return Math.max(0, 1 - inside);
}

/** Every subset that at least `least` trades have, by trying all subsets of every trade's scope. */
function allSlices(trades: readonly Trade[], dimensions: readonly string[], least: number): Slice[] {
  const found = new Map<string, Subset>();
  for (const { scope } of trades) {
    for (let mask = 0; mask < 2 ** dimensions.length; mask++) {
      const subset = dimensions.map((dimension, bit) =>
        (mask >> bit & 1) === 1 ? scope[dimension] ?? null : null
      );
      found.set(JSON.stringify(subset), subset);
    }
  }
  const slices: Slice[] = [];
  for (const subset of found.values()) {
    const rows = rowsOf(trades, dimensions, subset);
    if (rows.length >= least) slices.push({ subset, rows });
  }
  return slices;
}

function rowsOf(trades: readonly Trade[], dimensions: readonly string[], subset: Subset): number[] {
  const rows: number[] = [];
  for (const [row, { scope }] of trades.entries()) {
    if (dimensions.every((dimension, bit) => subset[bit] === null || scope[dimension] === subset[bit])) {
      rows.push(row);
    }
  }
  return rows;
}

/**
 * The name of a slice (functions/README.md, "Slices and their names"): of all pairs the trades share, each is
 * tried once from the highest bit and dropped if nothing changes.
 */
function nameOf(trades: readonly Trade[], dimensions: readonly string[], rows: readonly number[]): Subset {
  const name = dimensions.map((dimension) => {
    const values = new Set(rows.map((row) => trades[row]?.scope[dimension]));
    return values.size === 1 ? [...values][0] ?? null : null;
  });
  for (let bit = dimensions.length - 1; bit >= 0; bit--) {
    const held = name[bit] ?? null;
    name[bit] = null;
    if (rowsOf(trades, dimensions, name).length !== rows.length) name[bit] = held;
  }
  return name;
}

const depthOf = (subset: Subset): number => subset.filter((value) => value !== null).length;

/** Lowest bit first, then value; a missing dimension comes last. */
function compareNames(a: Subset, b: Subset): number {
  for (let bit = 0; bit < a.length; bit++) {
    const [first, second] = [a[bit] ?? null, b[bit] ?? null];
    if (first === second) continue;
    if (first === null) return 1;
    if (second === null) return -1;
    return first < second ? -1 : 1;
  }
  return 0;
}

/** A scope as text that is equal for equal scopes. */
export function scopeText(scope: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(scope).sort(([a], [b]) => a < b ? -1 : 1));
}

function textOf(subset: Subset, dimensions: readonly string[]): string {
  const scope: Record<string, string> = {};
  for (const [bit, dimension] of dimensions.entries()) {
    const value = subset[bit] ?? null;
    if (value !== null) scope[dimension] = value;
  }
  return scopeText(scope);
}

function edgeOf(ys: readonly number[], baseline: number): Record<string, number> {
  const n = ys.length;
  const mean = average(ys);
  const variance = n > 1 ? total(ys.map((y) => (y - mean) ** 2)) / (n - 1) : 0;
  const delta = mean - baseline;
  const reliability = 1 / (1 + variance + 0.25 / n);
  const support = 1 - Math.exp(-n / 50);
  const magnitude = 1 / (1 + Math.exp(-mean));
  const stability = 1 / (1 + variance);
  return {
    avg: mean,
    variance,
    delta,
    baseline,
    n,
    ev_score: 1 / (1 + Math.exp(-delta)),
    reliability_score: reliability,
    support_score: support,
    magnitude_score: magnitude,
    time_score: 1,
    stability_score: stability,
    edge_before_decay: delta * reliability * (support + magnitude + 1 + stability),
    confidence: support * reliability,
  };
}

function decayOf(
  times: readonly number[],
  values: readonly number[],
  delta: number,
  source: "events" | "history",
): Record<string, number | string | null> {
  const nothing = { slope: null, t: null, half_life_hours: null, multiplier: 1, source };
  if (values.length < (source === "events" ? 33 : 18)) return { ...nothing, state: "insufficient" };
  const begin = Math.min(...times);
  const hours = times.map((time) => (time - begin) / HOUR_MS);
  const line = (
    ys: readonly number[],
  ): { slope: number; t: number; r2: number; spread: number; mean: number } => {
    const [mx, my] = [average(hours), average(ys)];
    const sxx = total(hours.map((x) => (x - mx) ** 2));
    const sxy = total(hours.map((x, i) => (x - mx) * ((ys[i] ?? NaN) - my)));
    const syy = total(ys.map((y) => (y - my) ** 2));
    const slope = sxx > 0 ? sxy / sxx : 0;
    const sse = total(hours.map((x, i) => ((ys[i] ?? NaN) - my - slope * (x - mx)) ** 2));
    return {
      slope,
      t: slope / Math.sqrt(sse / (ys.length - 2) / sxx),
      r2: 1 - sse / syy,
      spread: sxx,
      mean: my,
    };
  };
  const { slope, t, spread, mean } = line(values);
  if (!(Math.abs(t) >= 2) || slope === 0 || mean === 0 || spread === 0) {
    return { ...nothing, state: "stable", slope, t: Number.isFinite(t) ? t : null };
  }
  const direction = slope * Math.sign(delta);
  let halfLife = 0.5 * Math.abs(mean) / Math.abs(slope);
  if (values.every((value) => value > 0) || values.every((value) => value < 0)) {
    const exponential = line(values.map((value) => Math.log(Math.abs(value))));
    if (exponential.r2 >= 0.5 && Math.sign(exponential.slope) === Math.sign(direction)) {
      halfLife = Math.log(2) / Math.abs(exponential.slope);
    }
  }
  return {
    state: slope > 0 ? "improving" : "decaying",
    slope,
    t: Number.isFinite(t) ? t : null,
    half_life_hours: halfLife,
    multiplier: direction > 0
      ? 1 + 0.33 * 168 / (halfLife + 168)
      : direction < 0
      ? 0.33 + 0.67 * halfLife / (halfLife + 168)
      : 1,
    source,
  };
}

function bucketMean(missed: readonly (number | null | undefined)[]): number | null {
  const known = missed.filter((value) => typeof value === "number");
  if (known.length === 0) return null;
  return average(known.map((value) => value < 0.5 ? 0 : value < 1 ? 1 : value < 2 ? 2 : 3));
}

function meanOfKnown(values: readonly (number | null | undefined)[]): number | null {
  const known = values.filter((value) => typeof value === "number");
  return known.length === 0 ? null : average(known);
}

/** The lessons of a group, in no particular order. */
export function mineByBruteForce(input: OracleInput): OracleLesson[] {
  const { trades, dimensions, others, settings, ownDirection, history } = input;
  const ys = trades.map(({ roi, rr }) => (settings.outcome === "rr" ? rr : roi) / settings.outcome_scale);
  const everything = [...ys, ...others];
  const baselineMean = average(everything);
  const [lower, upper] = [percentile(everything, 0.02), percentile(everything, 0.98)];
  const clamp = (y: number): number => y < lower ? lower : y > upper ? upper : y;
  const population = everything.length;
  const winsorised = everything.map(clamp);
  const winsorisedMean = average(winsorised);
  const sigma = Math.sqrt(average(winsorised.map((y) => (y - winsorisedMean) ** 2)));

  const moments = trades.map(({ actedAt }) => actedAt);
  const span = Math.max(...moments) - Math.min(...moments);
  const unit = settings.cluster === "auto" ? span >= 26 * 7 * DAY_MS ? "week" : "day" : settings.cluster;
  // 1970-01-05 was a Monday.
  const clusterOf = (moment: number): number =>
    unit === "week" ? Math.floor((moment - 4 * DAY_MS) / (7 * DAY_MS)) : Math.floor(moment / DAY_MS);

  const significance = (
    rows: readonly number[],
  ): { z: number; t: number | null; clusters: number | null; p: number } => {
    const n = rows.length;
    const own = rows.map((row) => clamp(ys[row] ?? NaN));
    const mean = average(own);
    const z = n === population || sigma === 0 ? 0 : (mean - winsorisedMean) /
      (sigma * Math.sqrt((1 / n - 1 / population) * population / (population - 1)));
    if (unit === "none") return { z, t: null, clusters: null, p: normalP(z) };
    const sums = new Map<number, number>();
    for (const [i, row] of rows.entries()) {
      const cluster = clusterOf(trades[row]?.actedAt ?? NaN);
      sums.set(cluster, (sums.get(cluster) ?? 0) + (own[i] ?? NaN) - mean);
    }
    const groups = sums.size;
    if (groups < 2) return { z, t: null, clusters: groups, p: 1 };
    const squares = total([...sums.values()].map((sum) => sum * sum));
    const difference = mean - winsorisedMean;
    const t = difference === 0 ? 0 : n * difference / Math.sqrt(groups / (groups - 1) * squares);
    const clustered = groups < 5 ? 1 : studentP(t, groups - 1);
    return { z, t: Number.isFinite(t) ? t : null, clusters: groups, p: Math.max(normalP(z), clustered) };
  };

  const slices = allSlices(trades, dimensions, settings.n_min);
  const tradeSets = new Map<string, readonly number[]>();
  for (const { rows } of slices) tradeSets.set(rows.join(), rows);

  const tests = [...tradeSets.values()].map((rows) => significance(rows).p).sort((a, b) => a - b);
  // The smallest of m p/rank over this p and all larger ones.
  const qOf = (p: number): number => {
    let smallest = 1;
    for (const [i, other] of tests.entries()) {
      if (other >= p - 1e-15) smallest = Math.min(smallest, tests.length * other / (i + 1));
    }
    return smallest;
  };

  const named = settings.selection === "exhaustive" ? slices : [...tradeSets.values()].map((rows) => ({
    subset: nameOf(trades, dimensions, rows),
    rows,
  }));
  const ranked = named.map((slice) => ({ ...slice, strength: Math.abs(significance(slice.rows).z) }))
    .sort((a, b) =>
      Math.abs(a.strength - b.strength) > 1e-9 ? b.strength - a.strength : compareNames(a.subset, b.subset)
    );
  const kept = ranked.filter(({ subset }, place) =>
    place < settings.max_lessons_per_group || depthOf(subset) <= 1
  );

  return kept.map(({ subset, rows }) => {
    const own = rows.map((row) => ys[row] ?? NaN);
    const members = rows.flatMap((row) => trades[row] ?? []);
    const edge = edgeOf(own, baselineMean);
    const before = edge["edge_before_decay"] ?? NaN;
    const delta = edge["delta"] ?? NaN;
    const scope = textOf(subset, dimensions);
    const earlier = history?.get(scope) ?? { times: [], edges: [] };
    const decay = settings.decay.source === "events"
      ? decayOf(members.map(({ tradedAt }) => tradedAt), own.map((y) => y - baselineMean), delta, "events")
      : decayOf(earlier.times, earlier.edges, delta, "history");
    const edgeRaw = before * Number(decay["multiplier"]);

    let largestParent = 0;
    for (let bit = 0; bit < dimensions.length; bit++) {
      if (subset[bit] === null) continue;
      const parent = subset.map((value, at) => at === bit ? null : value);
      const parentRows = rowsOf(trades, dimensions, parent);
      const parentEdge = edgeOf(parentRows.map((row) => ys[row] ?? NaN), baselineMean)["edge_before_decay"] ??
        NaN;
      if (Math.abs(parentEdge) > Math.abs(largestParent)) largestParent = parentEdge;
    }

    let [weights, a, e] = [0, 0, 0];
    for (const { roi, didTrim, reachedS3 } of members) {
      const weight = Math.tanh(Math.abs(roi) / settings.steering.roi_scale);
      weights += weight;
      if (roi < 0) {
        a += weight * -1;
        e += weight * (didTrim ? 1 : 0);
      } else if (roi > 0 && reachedS3) {
        a += weight * 1;
        e += weight * -1;
      }
    }
    const { z, t, clusters, p } = significance(rows);
    const q = qOf(p);
    const incremental = before - largestParent;
    return {
      scope,
      n: rows.length,
      p,
      q,
      active: Math.abs(edgeRaw) >= settings.edge_min &&
        (settings.max_q_value === null || q <= settings.max_q_value) &&
        (settings.incremental_min === null || Math.abs(incremental) >= settings.incremental_min),
      lastEvidenceAt: Math.max(...members.map(({ tradedAt }) => tradedAt)),
      stats: {
        ...edge,
        median: percentile(own, 0.5),
        edge_raw: edgeRaw,
        incremental_edge: incremental,
        dirA: (weights === 0 ? 0 : a / weights) - (ownDirection?.dirA ?? 0),
        dirE: (weights === 0 ? 0 : e / weights) - (ownDirection?.dirE ?? 0),
        p_trim: members.filter(({ didTrim }) => didTrim).length / rows.length,
        p_s3: members.filter(({ reachedS3 }) => reachedS3).length / rows.length,
        z,
        t_clustered: t,
        clusters,
        mean_duration_hours: meanOfKnown(members.map(({ durationHours }) => durationHours)),
        mean_time_to_s3_hours: meanOfKnown(members.map(({ timeToS3Hours }) => timeToS3Hours)),
        decay,
        m_e: bucketMean(members.map(({ couldEnterBetter }) => couldEnterBetter)),
        m_x: bucketMean(members.map(({ couldExitBetter }) => couldExitBetter)),
      },
    };
  });
}
