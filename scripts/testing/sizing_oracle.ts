/**
 * The slow and plain way to size a candidate, written from the book alone (functions/README.md, "Fading",
 * "Sizing" and "Exposure and crowding"): every override and every position is looked at, nothing is
 * precomputed. Tests hold the database's answer against it.
 *
 * @module
 */

export type Scope = Readonly<Record<string, string>>;
export type StrengthMode = "posture" | "multiplier" | "edge_weighted";
export type ActionCategory = "entry" | "add" | "trim" | "exit";

export interface OracleOverride {
  readonly patternKey: string;
  readonly actionCategory: ActionCategory;
  readonly scope: Scope;
  readonly multiplier: number | null;
  readonly dirA: number;
  readonly dirE: number;
  readonly edge: number;
  readonly n: number;
  readonly variance: number;
  readonly confidence: number | null;
  /** Milliseconds since 1970. */
  readonly lastEvidence: number | null;
  readonly halfLifeHours: number | null;
  readonly enabled: boolean;
}

export interface OraclePosition {
  readonly status: "dormant" | "watchlist" | "active" | "paused" | "archived";
  readonly patternKey: string | null;
  /** As the registry would normalise its context. */
  readonly scope: Scope;
  readonly allocation: number;
}

export interface OracleCandidate {
  readonly patternKey: string;
  readonly actionCategory: ActionCategory;
  readonly scope: Scope;
  readonly a: number;
  readonly e: number;
  readonly previousStrength: number;
  /** Milliseconds since 1970. */
  readonly asOf: number;
}

export interface OracleConfig {
  readonly mode: StrengthMode;
  readonly edgeScale: number;
  readonly stalenessHalfLifeHours: number;
  readonly steering: {
    readonly base: number;
    readonly gain: number;
    readonly max: number;
    readonly confidenceMin: number;
    readonly baseBias: number;
  };
  readonly exposure: {
    /** Null: every single dimension, every pair and the full scope. */
    readonly masks: readonly ("singles" | "pairs" | "full" | readonly string[])[] | null;
    readonly alpha: number;
    readonly beta: number;
    readonly weightExponent: number;
    readonly cap: number | null;
  };
  readonly overridesEnabled: boolean;
  readonly overridesEnabledRegimes: readonly string[] | null;
  readonly exposureSkewEnabled: boolean;
  readonly baseAllocation: number;
  /** Registered dimensions and their weights, in the order of their bits. */
  readonly dimensions: ReadonlyMap<string, number>;
}

export interface OracleOutcome {
  readonly strength: number;
  readonly sizeFrac: number;
  readonly maxAlloc: number;
  readonly aFinal: number;
  readonly eFinal: number;
}

export interface OracleSizing extends OracleOutcome {
  readonly sizeFracRaw: number;
  readonly exposureSkew: number;
  readonly confidence: number;
  readonly steerMax: number;
  /** What each mode says, the configured one included. */
  readonly byMode: Readonly<Record<StrengthMode, OracleOutcome>>;
}

const HOUR = 3_600_000;

/** Sizes one candidate. */
export function oracleSizing(
  candidate: OracleCandidate,
  overrides: readonly OracleOverride[],
  positions: readonly OraclePosition[],
  config: OracleConfig,
): OracleSizing {
  const adds = candidate.actionCategory === "entry" || candidate.actionCategory === "add";
  const exposureSkew = adds ? oracleSkew(candidate, positions, config) : 1;
  const matches = actingOverrides(candidate, overrides, config);
  const sizeFracRaw = 0.1 + 0.5 * candidate.a;
  const posture = steer(candidate, matches, config);
  const outcome = (strength: number, aFinal: number, eFinal: number): OracleOutcome => {
    const applied = adds ? strength : 1;
    return {
      strength: applied,
      sizeFrac: clamp(sizeFracRaw * applied * exposureSkew, 0, 1),
      maxAlloc: config.baseAllocation * applied * exposureSkew,
      aFinal,
      eFinal,
    };
  };
  const edged = edgeWeighted(candidate, matches, config);
  const multiplied = weighedMean(matches.map((match) => [match.weight, fadedMultiplier(match)]));
  const byMode = {
    posture: outcome((0.1 + 0.5 * posture.a) / sizeFracRaw, posture.a, posture.e),
    multiplier: outcome(clamp(multiplied ?? 1, 0.3, 3), candidate.a, candidate.e),
    edge_weighted: outcome(edged.strength, candidate.a, candidate.e),
  };
  const confidence = config.mode === "posture"
    ? posture.confidence
    : config.mode === "multiplier"
    ? weighedMean(matches.map((match) => [match.weight, match.confidence])) ?? 0
    : edged.confidence;
  return {
    ...byMode[config.mode],
    sizeFracRaw,
    exposureSkew,
    confidence,
    steerMax: config.mode === "posture" ? posture.steer : 0,
    byMode,
  };
}

interface Match {
  readonly override: OracleOverride;
  readonly dims: number;
  readonly confidence: number;
  readonly weight: number;
  readonly ageHours: number;
  readonly fade: number;
}

function actingOverrides(
  candidate: OracleCandidate,
  overrides: readonly OracleOverride[],
  config: OracleConfig,
): Match[] {
  const regimes = config.overridesEnabledRegimes;
  const phase = candidate.scope.macro_phase;
  if (!config.overridesEnabled) return [];
  if (regimes !== null && (phase === undefined || !regimes.includes(phase))) return [];
  return overrides
    .filter((override) =>
      override.enabled && override.patternKey === candidate.patternKey &&
      override.actionCategory === candidate.actionCategory && contains(candidate.scope, override.scope)
    )
    .map((override) => {
      const dims = Object.keys(override.scope).length;
      const confidence = override.confidence ?? 0.5;
      const ageHours = override.lastEvidence === null
        ? 0
        : Math.max(0, (candidate.asOf - override.lastEvidence) / HOUR);
      return {
        override,
        dims,
        confidence,
        weight: (dims + 1) ** 1.5 * confidence,
        ageHours,
        fade: 2 ** (-ageHours / config.stalenessHalfLifeHours),
      };
    });
}

function steer(
  candidate: OracleCandidate,
  matches: readonly Match[],
  config: OracleConfig,
): { a: number; e: number; confidence: number; steer: number } {
  const { base, gain, max, confidenceMin, baseBias } = config.steering;
  const trusted = matches.filter((match) => match.confidence >= confidenceMin);
  const counted = trusted.length > 0 ? trusted : matches;
  const mean = (value: (match: Match) => number): number | null =>
    weighedMean(counted.map((match) => [match.weight, value(match)]));
  const confidence = mean((match) => match.confidence);
  if (confidence === null) return { a: candidate.a, e: candidate.e, confidence: 0, steer: 0 };
  const reach = Math.min(max, base + gain * confidence);
  const dirA = mean((match) => match.override.dirA * match.fade) ?? 0;
  const dirE = mean((match) => match.override.dirE * match.fade) ?? 0;
  const edge = mean((match) => match.override.edge) ?? 0;
  return {
    a: withHeadroom(candidate.a, reach * dirA + baseBias * edge),
    e: withHeadroom(candidate.e, reach * dirE),
    confidence,
    steer: reach,
  };
}

function edgeWeighted(
  candidate: OracleCandidate,
  matches: readonly Match[],
  config: OracleConfig,
): { strength: number; confidence: number } {
  const most = Math.max(0, ...matches.map((match) => match.dims));
  const weighed = matches
    .map((match) => {
      const { edge, n, variance, halfLifeHours } = match.override;
      const weight = Math.tanh(Math.abs(edge) / config.edgeScale) * (1 - Math.exp(-n / 25)) / (1 + variance) *
        Math.exp(-(match.ageHours / 24) / (halfLifeHours === null ? 30 : halfLifeHours / 24)) *
        ((match.dims + 1) / (most + 1)) ** 1.5;
      return { match, weight };
    })
    .filter(({ weight }) => weight >= 0.02);
  const log = weighedMean(
    weighed.map(({ match, weight }) => [weight, Math.log(match.override.multiplier ?? 1)]),
  );
  if (log === null) return { strength: 1, confidence: 0 };
  const stepped = clamp(Math.exp(log), candidate.previousStrength / 1.02, candidate.previousStrength * 1.02);
  return {
    strength: clamp(stepped, 0.7, 1.3),
    confidence: weighedMean(weighed.map(({ match, weight }) => [weight, match.confidence])) ?? 0,
  };
}

/** How crowding acts on a candidate, 0.33 to 1.33 (functions/README.md, "Exposure and crowding"). */
export function oracleSkew(
  candidate: OracleCandidate,
  positions: readonly OraclePosition[],
  config: OracleConfig,
): number {
  const { alpha, beta, cap } = config.exposure;
  const masks = masksOf(candidate.scope, config);
  if (!config.exposureSkewEnabled || masks.length === 0) return 1;
  const held = positions.filter(({ status }) => status === "watchlist" || status === "active");
  const total = sum(held.map(({ allocation }) => allocation));
  if (total === 0) return 1.33;
  let concentration = 0;
  let weights = 0;
  // In proportion to the heaviest: by themselves a large exponent makes nothing of them, and only their ratios count.
  const heaviest = Math.max(...masks.map((mask) => maskShare(mask, config)));
  for (const mask of masks) {
    const weight = (maskShare(mask, config) / heaviest) ** config.exposure.weightExponent;
    const scope = Object.fromEntries(mask.map((dim) => [dim, candidate.scope[dim] ?? ""]));
    const inside = held.filter((position) => contains(position.scope, scope));
    const same = inside.filter(({ patternKey }) => patternKey === candidate.patternKey);
    concentration += weight * alpha * sum(inside.map(({ allocation }) => allocation));
    concentration += weight * beta * sum(same.map(({ allocation }) => allocation));
    weights += weight;
  }
  const crowding = clamp(concentration / (alpha * weights * Math.min(total, cap ?? Infinity)), 0, 1);
  return clamp(1.33 - crowding, 0.33, 1.33);
}

/** The dimension sets that the scope fills, each once. */
function masksOf(scope: Scope, config: OracleConfig): string[][] {
  const filled = [...config.dimensions.keys()].filter((dim) => scope[dim] !== undefined);
  const masks: string[][] = [];
  for (const entry of config.exposure.masks ?? ["singles", "pairs", "full"]) {
    if (entry === "singles") masks.push(...filled.map((dim) => [dim]));
    else if (entry === "full") masks.push(filled);
    else if (entry === "pairs") {
      for (const [place, one] of filled.entries()) {
        for (const other of filled.slice(place + 1)) masks.push([one, other]);
      }
    } else if (entry.every((dim) => filled.includes(dim))) {
      masks.push(filled.filter((dim) => entry.includes(dim)));
    }
  }
  const distinct = new Map(masks.filter((mask) => mask.length > 0).map((mask) => [mask.join(" "), mask]));
  return [...distinct.values()];
}

function maskShare(mask: readonly string[], config: OracleConfig): number {
  return sum(mask.map((dim) => config.dimensions.get(dim) ?? 0)) / sum([...config.dimensions.values()]);
}

function fadedMultiplier({ override, fade }: Match): number {
  return 1 + ((override.multiplier ?? 1) - 1) * fade;
}

function contains(scope: Scope, subset: Scope): boolean {
  return Object.entries(subset).every(([dim, value]) => scope[dim] === value);
}

function withHeadroom(value: number, delta: number): number {
  return clamp(delta >= 0 ? value + delta * (1 - value) : value + delta * value, 0, 1);
}

function weighedMean(entries: readonly (readonly [weight: number, value: number])[]): number | null {
  const weight = sum(entries.map(([one]) => one));
  return weight === 0 ? null : sum(entries.map(([one, value]) => one * value)) / weight;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function clamp(value: number, lowest: number, highest: number): number {
  return Math.min(highest, Math.max(lowest, value));
}
