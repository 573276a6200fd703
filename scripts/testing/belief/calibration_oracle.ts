/**
 * Calibration by the plainest reading of the book (functions/README.md, "Calibration"): every slice is found by trying,
 * every sum is taken afresh for every decision. Shares nothing with what it judges.
 *
 * @module
 */

/** A decision of one module and category. */
export interface OracleDecision {
  readonly patternKey: string;
  readonly scope: Readonly<Record<string, string>>;
  /** As it was measured; the oracle winsorises. */
  readonly outcome: number;
  /** Number of its UTC week. */
  readonly week: number;
}

/** A slice of one pattern key. */
export interface OracleSlice {
  readonly patternKey: string;
  /** At most two pairs, dimensions in byte order. */
  readonly pairs: readonly (readonly [string, string])[];
  readonly rows: readonly number[];
}

/** What is asked of the oracle. */
export interface OracleInput {
  readonly decisions: readonly OracleDecision[];
  readonly nMin: number;
  readonly regimeDimensions: readonly string[];
  readonly memory: "auto" | "none";
}

/** A regime's own share of what held. */
export interface OracleRegime {
  readonly kappa: number;
  readonly n: number;
  readonly weeks: number;
  readonly confidence: number;
}

/** What the oracle found. */
export interface OracleCalibration {
  readonly mean: number;
  readonly sigma: number;
  readonly kappa: number;
  readonly tau2: number;
  /** Null where nothing is forgotten. */
  readonly halfLife: number | null;
  readonly regimes: Readonly<Record<string, OracleRegime>>;
  /** What telling regimes apart gained in weeks that were left out, and by how much it would have to. */
  readonly regimesGain: { readonly gain: number; readonly least: number };
  readonly slices: readonly OracleSlice[];
  /** Weighted n and Σ outcome of each slice, under the memory that was chosen. */
  readonly effects: readonly { readonly n: number; readonly total: number }[];
  /** T of every memory tried, none first, and by how much it would have to beat it. */
  readonly contest: readonly {
    readonly halfLife: number | null;
    readonly gain: number;
    readonly error: number;
  }[];
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const average = (values: readonly number[]): number => sum(values) / values.length;
const clamp = (x: number, low: number, high: number): number => x < low ? low : x > high ? high : x;
const at = <T>(values: readonly T[], index: number): T => {
  const value = values[index];
  if (value === undefined) throw new Error(`There is no place ${index}.`);
  return value;
};

/** percentile_cont. */
function percentile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = fraction * (sorted.length - 1);
  const below = at(sorted, Math.floor(place));
  return below + (at(sorted, Math.ceil(place)) - below) * (place - Math.floor(place));
}

/** Outcomes cut at 2 % and 98 %. */
export function winsorised(outcomes: readonly number[]): number[] {
  const [low, high] = [percentile(outcomes, 0.02), percentile(outcomes, 0.98)];
  return outcomes.map((outcome) => clamp(outcome, low, high));
}

const encoder = new TextEncoder();

function byBytes(a: string, b: string): number {
  const [x, y] = [[...encoder.encode(a)], [...encoder.encode(b)]];
  const differ = x.findIndex((byte, i) => byte !== y[i]);
  if (differ === -1) return x.length - y.length;
  return at(x, differ) - (y[differ] ?? -1);
}

/** All slices of at most two pairs, those of the same trades once. */
export function slicesOf(decisions: readonly OracleDecision[], nMin: number): OracleSlice[] {
  const found: OracleSlice[] = [];
  for (const patternKey of new Set(decisions.map((decision) => decision.patternKey))) {
    const own = [...decisions.keys()].filter((row) => at(decisions, row).patternKey === patternKey);
    const names = new Map<string, [string, string][]>([["[]", []]]);
    for (const row of own) {
      const pairs = Object.entries(at(decisions, row).scope).sort(([a], [b]) => byBytes(a, b));
      for (const [i, first] of pairs.entries()) {
        names.set(JSON.stringify([first]), [first]);
        for (const second of pairs.slice(i + 1)) names.set(JSON.stringify([first, second]), [first, second]);
      }
    }
    const inOrder = [...names.values()].sort((a, b) =>
      a.length - b.length ||
      (a.flat().map((part, i) => byBytes(part, at(b.flat(), i))).find((order) => order !== 0) ?? 0)
    );
    const seen = new Set<string>();
    for (const pairs of inOrder) {
      const rows = own.filter((row) =>
        pairs.every(([name, value]) => at(decisions, row).scope[name] === value)
      );
      const weeks = new Set(rows.map((row) => at(decisions, row).week));
      if (rows.length < nMin || weeks.size < 2 || seen.has(rows.join())) continue;
      seen.add(rows.join());
      found.push({ patternKey, pairs, rows });
    }
  }
  return found;
}

/** What is learned of some decisions; null where there is nothing to learn from. */
export function calibrateByBruteForce(input: OracleInput): OracleCalibration | null {
  const { decisions, nMin } = input;
  if (decisions.length < nMin) return null;
  const y = winsorised(decisions.map(({ outcome }) => outcome));
  const mean = average(y);
  const sigma = Math.sqrt(average(y.map((value) => (value - mean) ** 2)));
  if (sigma === 0) return null;
  const e = y.map((value) => (value - mean) / sigma);
  const slices = slicesOf(decisions, nMin);
  const weekOf = (row: number): number => at(decisions, row).week;
  const calendar = [...new Set(decisions.map(({ week }) => week))].sort((a, b) => a - b);
  const newest = at(calendar, calendar.length - 1);
  const weigh = (halfLife: number | null) => (row: number): number =>
    halfLife === null ? 1 : 2 ** (-(newest - weekOf(row)) / halfLife);

  const leaveOut = (halfLife: number | null): number[] => {
    const weight = weigh(halfLife);
    return decisions.map((_, row) => {
      const place = calendar.indexOf(weekOf(row));
      const left = [calendar[place - 1], calendar[place], calendar[place + 1]];
      const containing = slices.filter(({ rows }) => rows.includes(row));
      if (containing.length === 0) return 0;
      const above = containing.map(({ rows }) => {
        const rest = rows.filter((other) => !left.includes(weekOf(other)));
        const n = sum(rows.map(weight));
        const nLeft = sum(rest.map(weight));
        return nLeft <= 5 ? 0 : n * sum(rest.map((other) => weight(other) * at(e, other))) / nLeft;
      });
      return sum(above) / sum(containing.map(({ rows }) => sum(rows.map(weight))));
    });
  };
  const tOf = (p: readonly number[], without: number | null): number => {
    const rows = [...decisions.keys()].filter((row) => weekOf(row) !== without);
    const squares = sum(rows.map((row) => at(p, row) ** 2));
    return squares === 0 ? 0 : sum(rows.map((row) => at(p, row) * at(e, row))) / Math.sqrt(squares);
  };

  const plain = leaveOut(null);
  const contest = [null, 52, 26, 13].map((halfLife) => {
    const p = leaveOut(halfLife);
    const d = calendar.map((week) => tOf(p, week) - tOf(plain, week));
    const G = calendar.length;
    return {
      halfLife,
      gain: tOf(p, null) - tOf(plain, null),
      error: Math.sqrt((G - 1) / G * sum(d.map((value) => (value - average(d)) ** 2))),
    };
  });
  // Where every memory says the same, what is left is rounding.
  const better = contest.filter(({ halfLife, gain, error }) => halfLife !== null && gain > error + 1e-11);
  const halfLife = input.memory === "auto" ? better[0]?.halfLife ?? null : null;

  const p = halfLife === null ? plain : leaveOut(halfLife);
  const enough = calendar.length >= 10;
  const squares = sum(p.map((value) => value ** 2));
  const kappa = squares === 0 || !enough
    ? 0
    : clamp(sum(p.map((value, row) => value * at(e, row))) / squares, 0, 1);

  const weight = weigh(halfLife);
  const sizes = slices.map(({ rows }) => sum(rows.map(weight)));
  const spread = slices.map(({ rows }, j) => {
    const weeks = [...new Set(rows.map(weekOf))].map((week) => rows.filter((row) => weekOf(row) === week));
    const S = sum(rows.map((row) => weight(row) * at(e, row)));
    const Z = weeks.map((own) => sum(own.map((row) => weight(row) * at(e, row))));
    const W = weeks.map((own) => sum(own.map(weight)));
    const n = at(sizes, j);
    return n * (S ** 2 - sum(Z.map((z) => z ** 2))) / (n ** 2 - sum(W.map((w) => w ** 2)));
  });
  const tau2 = slices.length === 0 ? 0 : Math.max(0, sum(spread) / sum(sizes));

  const signatures = decisions.map(({ scope }) => {
    const values = input.regimeDimensions.flatMap((name) => scope[name] ?? []);
    return values.length === input.regimeDimensions.length ? values.join("|") : null;
  });
  const occurring = [...new Set(signatures)].filter((signature) => signature !== null);
  const lambda = squares / occurring.length;
  const regimes = Object.fromEntries(occurring.map((signature): [string, OracleRegime] => {
    const rows = [...decisions.keys()].filter((row) => at(signatures, row) === signature);
    const own = sum(rows.map((row) => at(p, row) ** 2));
    const told = sum(rows.map((row) => at(p, row) * at(e, row)));
    return [signature, {
      kappa: squares === 0 || !enough ? 0 : clamp((told + lambda * kappa) / (own + lambda), 0, 1),
      n: rows.length,
      weeks: new Set(rows.map(weekOf)).size,
      confidence: squares === 0 ? 0 : own / (own + lambda),
    }];
  }));
  // Every week against what the others taught.
  const gains = calendar.map((week) => {
    const others = [...decisions.keys()].filter((row) => weekOf(row) !== week);
    const share = (rows: readonly number[], lambda: number, towards: number): number => {
      const below = sum(rows.map((row) => at(p, row) ** 2)) + lambda;
      const above = sum(rows.map((row) => at(p, row) * at(e, row))) + lambda * towards;
      return below === 0 ? 0 : clamp(above / below, 0, 1);
    };
    const all = share(others, 0, 0);
    const seen = new Set(others.flatMap((row) => at(signatures, row) ?? []));
    const pull = sum(others.map((row) => at(p, row) ** 2)) / seen.size;
    return sum(
      [...decisions.keys()].filter((row) => weekOf(row) === week).map((row) => {
        const regime = at(signatures, row);
        const own = regime === null || !seen.has(regime)
          ? all
          : share(others.filter((other) => at(signatures, other) === regime), pull, all);
        return (at(e, row) - all * at(p, row)) ** 2 - (at(e, row) - own * at(p, row)) ** 2;
      }),
    );
  });
  const G = calendar.length;
  const least = enough
    ? 2 * Math.sqrt(G / (G - 1) * sum(gains.map((gain) => (gain - average(gains)) ** 2)))
    : Infinity;
  return {
    regimesGain: { gain: sum(gains), least },
    mean,
    sigma,
    kappa,
    tau2,
    halfLife,
    regimes,
    slices,
    effects: slices.map(({ rows }, j) => ({
      n: at(sizes, j),
      total: sum(rows.map((row) => weight(row) * at(y, row))),
    })),
    contest,
  };
}

/** What the slices that contain a candidate say of it, in σ; 0 where none does. */
export function expectedOf(
  calibration: OracleCalibration,
  patternKey: string,
  scope: Readonly<Record<string, string>>,
): number {
  const containing = [...calibration.slices.keys()].filter((j) => {
    const slice = at(calibration.slices, j);
    return slice.patternKey === patternKey && slice.pairs.every(([name, value]) => scope[name] === value);
  });
  const n = sum(containing.map((j) => at(calibration.effects, j).n));
  if (n === 0) return 0;
  const S = sum(
    containing.map((j) => {
      const effect = at(calibration.effects, j);
      return (effect.total - effect.n * calibration.mean) / calibration.sigma;
    }),
  );
  return S / n;
}

/** What a strength is made of. */
export interface StrengthParts {
  readonly kappa: number;
  /** From {@linkcode expectedOf}. */
  readonly p: number;
  /** Fading by the group's newest evidence, 1 while it is fresh. */
  readonly fading: number;
  /** The blended multiplier of overrides made or pinned by hand, 1 without. */
  readonly byHand: number;
  /** Effects of the believed lessons that contain the candidate. */
  readonly believed: readonly number[];
}

/** The strength of a calibrated sizing. */
export function calibratedStrength({ kappa, p, fading, byHand, believed }: StrengthParts): number {
  const opposed = believed.length > 0 && believed.every((effect) => effect * p < 0);
  return clamp((1 + kappa * (opposed ? 0 : p) * fading) * byHand, 0.3, 3);
}

/** The worked example: 240 decisions in twenty weeks, a effect of ±1 told by `a`, nothing by `b`. */
export function workedExample(): OracleDecision[] {
  return Array.from({ length: 240 }, (_, i) => ({
    patternKey: "pm.uptrend.S1.retest",
    scope: { a: i % 2 === 0 ? "x" : "y", b: ["p", "q", "r"][i % 3] ?? "" },
    outcome: (i % 2 === 1 ? 1 : -1) + ((7 * i % 11) - 5) / 5,
    week: Math.floor(i / 12),
  }));
}
