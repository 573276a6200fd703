/**
 * What mining must find, by the plainest loops over the formulas of the book (functions/README.md, "Edge",
 * "Significance" and "Decay"): every subset is tried, every statistic is summed afresh. Shares nothing with
 * what it judges.
 *
 * @module
 */

import type { MiningSettings } from "../../../functions/_shared/lessons/settings.ts";
import { familiesByBruteForce } from "../belief/families_oracle.ts";
import { evidenceByBruteForce, provenByBruteForce } from "../belief/proven_oracle.ts";
import { DAY_MS, HOUR_MS, type Trade } from "./groups.ts";

/** What the oracle is told. */
export interface OracleInput {
  readonly trades: readonly Trade[];
  /** In the order of their bits. */
  readonly dimensions: readonly string[];
  readonly category: string;
  /** Outcomes of the decisions outside of the group. */
  readonly others: readonly number[];
  /** When those of them closed that are of the group's module and category, in their order. */
  readonly otherCloses: readonly number[];
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
  readonly stats: Readonly<
    Record<string, number | boolean | null | Readonly<Record<string, number | string | null>>>
  >;
  readonly p: number;
  readonly q: number;
  readonly active: boolean;
  /** Scope of its representative, as sorted JSON. */
  readonly familyScope: string | null;
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

/** The t whose two-sided p is 0.05, by halving. */
export function criticalT(degrees: number): number {
  let [low, high] = [0, 1e3];
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (studentP(middle, degrees) > 0.05) low = middle;
    else high = middle;
  }
  return low;
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

/** 1970-01-05 was a Monday. */
const weekOf = (moment: number): number => Math.floor((moment - 4 * DAY_MS) / (7 * DAY_MS));
const dayOf = (moment: number): number => Math.floor(moment / DAY_MS);

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

function edgeOf(ys: readonly number[], baseline: number, scale: number): Record<string, number> {
  const n = ys.length;
  const mean = average(ys);
  const variance = n > 1 ? total(ys.map((y) => (y - mean) ** 2)) / (n - 1) : 0;
  const delta = (mean - baseline) / scale;
  const reliability = 1 / (1 + variance + 0.25 / n);
  const support = 1 - Math.exp(-n / 50);
  const magnitude = 1 / (1 + Math.exp(-mean));
  const stability = 1 / (1 + variance);
  return {
    avg: mean,
    variance,
    delta,
    scale,
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
  const { trades, dimensions, category, others, otherCloses, settings, ownDirection, history } = input;
  const ys = trades.map(({ roi, rr }) => settings.outcome === "rr" ? rr : roi);
  const everything = [...ys, ...others];
  const baselineMean = average(everything);
  const [lower, upper] = [percentile(everything, 0.02), percentile(everything, 0.98)];
  const clamp = (y: number): number => y < lower ? lower : y > upper ? upper : y;
  const population = everything.length;
  const winsorised = everything.map(clamp);
  const winsorisedMean = average(winsorised);
  const sigma = Math.sqrt(average(winsorised.map((y) => (y - winsorisedMean) ** 2)));

  const scale = settings.outcome_scale === "auto"
    ? population >= settings.n_min && sigma > 0 ? sigma : 1
    : settings.outcome_scale;
  const signsOf = (values: readonly number[]): Set<number> => new Set(values.map(Math.sign));

  const moments = trades.map(({ actedAt }) => actedAt);
  const span = Math.max(...moments) - Math.min(...moments);
  const unit = settings.cluster === "span" ? span >= 26 * 7 * DAY_MS ? "week" : "day" : settings.cluster;
  const clusterOf = unit === "week" ? weekOf : dayOf;

  const significance = (
    rows: readonly number[],
  ): { z: number; t: number | null; clusters: number | null; p: number; difference: number } => {
    const n = rows.length;
    const own = rows.map((row) => clamp(ys[row] ?? NaN));
    const mean = average(own);
    const difference = mean - winsorisedMean;
    const z = n === population || sigma === 0 ? 0 : (mean - winsorisedMean) /
      (sigma * Math.sqrt((1 / n - 1 / population) * population / (population - 1)));
    if (unit === "none") return { z, t: null, clusters: null, p: normalP(z), difference };
    const sums = new Map<number, number>();
    for (const [i, row] of rows.entries()) {
      const cluster = clusterOf(trades[row]?.actedAt ?? NaN);
      sums.set(cluster, (sums.get(cluster) ?? 0) + (own[i] ?? NaN) - mean);
    }
    const groups = sums.size;
    if (groups < 2) return { z, t: null, clusters: groups, p: 1, difference };
    const squares = total([...sums.values()].map((sum) => sum * sum));
    const t = difference === 0 ? 0 : n * difference / Math.sqrt(groups / (groups - 1) * squares);
    const clustered = groups < 5 ? 1 : studentP(t, groups - 1);
    return {
      z,
      t: Number.isFinite(t) ? t : null,
      clusters: groups,
      p: Math.max(normalP(z), clustered),
      difference,
    };
  };

  const slices = allSlices(trades, dimensions, settings.n_min);
  const tradeSets = new Map<string, readonly number[]>();
  for (const { rows } of slices) tradeSets.set(rows.join(), rows);

  const tests = [...tradeSets.values()].map((rows) => significance(rows).p).sort((a, b) => a - b);
  const harmonic = settings.fdr === "by" ? total(tests.map((_, i) => 1 / (i + 1))) : 1;
  // The smallest of m H p/rank over this p and all larger ones.
  const qOf = (p: number): number => {
    let smallest = 1;
    for (const [i, other] of tests.entries()) {
      if (other >= p - 1e-15) smallest = Math.min(smallest, tests.length * harmonic * other / (i + 1));
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

  // As evidence sees all decisions of the module and category, the group's first.
  const closed = [...trades.map(({ tradedAt }) => tradedAt), ...otherCloses].map((closedAt, i) => ({
    outcome: winsorised[i] ?? NaN,
    closedOn: `day ${dayOf(closedAt)}`,
    week: `week ${i < trades.length ? weekOf(trades[i]?.actedAt ?? NaN) : "of another group"}`,
  }));
  const rho = settings.n_min * sigma ** 2;

  const effectOf = (rows: readonly number[]): Record<string, number | null> => {
    const n = rows.length;
    const deviation = (row: number): number => clamp(ys[row] ?? NaN) - winsorisedMean;
    const d = average(rows.map(deviation));
    const weeks = [...Map.groupBy(rows, (row) => weekOf(trades[row]?.actedAt ?? NaN)).values()];
    const around = weeks.map((week) => total(week.map((row) => deviation(row) - d)) ** 2);
    const squares = weeks.map((week) => (total(week.map(deviation)) / sigma) ** 2);
    const G = weeks.length;
    const half = G < 2 ? null : criticalT(G - 1) * Math.sqrt(G / (G - 1) * total(around)) / n;
    return {
      effect: d,
      effect_low: half === null ? null : d - half,
      effect_high: half === null ? null : d + half,
      effect_error2: sigma === 0 ? null : Math.max(total(squares) / n ** 2, 1 / n),
      weeks: G,
    };
  };

  const described = kept.map(({ subset, rows, strength }) => {
    const own = rows.map((row) => ys[row] ?? NaN);
    const members = rows.flatMap((row) => trades[row] ?? []);
    const edge = edgeOf(own, baselineMean, scale);
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
      const parentEdge = edgeOf(parentRows.map((row) => ys[row] ?? NaN), baselineMean, scale)[
        "edge_before_decay"
      ] ?? NaN;
      if (Math.abs(parentEdge) > Math.abs(largestParent)) largestParent = parentEdge;
    }

    let [weights, a, e] = [0, 0, 0];
    for (const { roi: ofTrade, steeringRoi, didTrim, reachedS3 } of members) {
      const roi = steeringRoi ?? ofTrade;
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
    let dirA = (weights === 0 ? 0 : a / weights) - (ownDirection?.dirA ?? 0);
    let dirE = (weights === 0 ? 0 : e / weights) - (ownDirection?.dirE ?? 0);
    if (settings.steering.relative && ["entry", "add"].includes(category)) {
      // What is worse than the rest neither adds nor stays; what is better neither shrinks nor leaves.
      if (edgeRaw < 0) [dirA, dirE] = [Math.min(dirA, 0), Math.max(dirE, 0)];
      if (edgeRaw > 0) [dirA, dirE] = [Math.max(dirA, 0), Math.min(dirE, 0)];
    }
    const selected = signsOf(own).size === 1 && signsOf(everything).size > 1;
    const judgedByTrade = category === "trim" && settings.trim_outcome === "trade" ||
      category === "exit" && settings.exit_outcome === "trade";
    const { z, t, clusters, p, difference } = significance(rows);
    const q = qOf(p);
    const incremental = before - largestParent;
    const eValue = rho === 0 ? 1 : evidenceByBruteForce(closed, rows, winsorisedMean, rho);
    return {
      subset,
      rows,
      strength,
      scope,
      n: rows.length,
      p,
      q,
      active: Math.abs(edgeRaw) >= settings.edge_min &&
        (settings.max_q_value === null || q <= settings.max_q_value) &&
        (settings.incremental_min === null || Math.abs(incremental) >= settings.incremental_min) &&
        Math.sign(delta) === Math.sign(difference) &&
        (!selected || !judgedByTrade || !settings.refuse_selected),
      lastEvidenceAt: Math.max(...members.map(({ tradedAt }) => tradedAt)),
      stats: {
        ...edge,
        median: percentile(own, 0.5),
        edge_raw: edgeRaw,
        incremental_edge: incremental,
        dirA,
        dirE,
        selected,
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
        ...effectOf(rows),
        ln_e: Math.log(eValue),
        e_value: eValue,
      },
    };
  });

  const ranks = (lesson: { active: boolean; subset: Subset }): boolean =>
    lesson.active || depthOf(lesson.subset) <= 1;
  const nearest = described.filter((lesson) => !ranks(lesson)).slice(0, settings.near_misses ?? Infinity);
  const remaining = described.filter((lesson) => ranks(lesson) || nearest.includes(lesson));

  const believed = remaining.filter(({ active }) => active);
  const { representedBy } = familiesByBruteForce(
    trades.map((_, row) => clamp(ys[row] ?? NaN) - winsorisedMean),
    trades.map(({ actedAt }) => weekOf(actedAt)),
    believed.map(({ subset, rows }) => ({
      rows,
      pairs: dimensions.flatMap((dimension, bit) => {
        const value = subset[bit] ?? null;
        return value === null ? [] : [[dimension, value] as const];
      }),
    })),
  );

  // Every trade set is a test; those that no lesson was kept of have no evidence.
  const evidence = new Map(remaining.map(({ rows, stats }) => [rows.join(), Number(stats["e_value"])]));
  const sets = [...tradeSets];
  const level = settings.max_q_value ?? 0.1;
  const proven = new Set(
    provenByBruteForce(
      sets.map(([key, rows]) => ({
        e: evidence.get(key) ?? 0,
        depth: depthOf(nameOf(trades, dimensions, rows)),
      })),
      level,
    ).map((place) => sets[place]?.[0]),
  );

  return remaining.map(({ subset: _subset, rows, strength: _strength, ...lesson }) => {
    const place = believed.findIndex(({ scope }) => scope === lesson.scope);
    return {
      ...lesson,
      stats: { ...lesson.stats, proven: proven.has(rows.join()) },
      familyScope: place < 0 ? null : believed[representedBy[place] ?? -1]?.scope ?? null,
    };
  });
}
