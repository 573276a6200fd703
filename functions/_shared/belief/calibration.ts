/** Half-life in weeks of what slices remember; `null` where nothing is forgotten. */
export type Memory = number | null;

/** The memories that compete under `memory` auto, the longest first (functions/README.md, "Memory"). */
export const COMPETING_MEMORIES: readonly Memory[] = [null, 52, 26, 13];

/** Fewer weeks than this cannot tell what holds in weeks that were not seen. */
const LEAST_WEEKS = 10;
/** Weights of regimes act where what they gain is more than so many of its errors. */
const LEAST_ERRORS = 2;
/** A gain is one beyond the rounding of what it is the difference of. */
const ROUNDING = 1e-12;

/** What a decision weighs that many weeks before the newest one of its category. */
export function memoryWeight(ageInWeeks: number, memory: Memory): number {
  return memory === null ? 1 : 2 ** (-ageInWeeks / memory);
}

/** What a group, or any number of them, hands over for calibration; plain JSON. */
export interface CalibrationSums {
  readonly n: number;
  /** Its decisions by UTC week and regime, each combination that occurs once. */
  readonly cells: readonly CalibrationCell[];
  /** One entry per memory that was tried, in their order. */
  readonly memories: readonly MemorySums[];
}

/** The decisions of one week and regime. */
export interface CalibrationCell {
  readonly week: number;
  /** `null` where they lack a dimension that makes the regime. */
  readonly regime: string | null;
  readonly n: number;
}

/** The sums under one memory. */
export interface MemorySums {
  readonly halfLife: Memory;
  /** Σ n · (S² − ΣZ²)/(n² − ΣW²) and Σ n over the slices: τ² is the one over the other. */
  readonly tauAbove: number;
  readonly tauBelow: number;
  /** Σ p · e and Σ p² of each cell. */
  readonly told: readonly number[];
  readonly squares: readonly number[];
}

/** How much a regime keeps of what its slices say. */
export interface RegimeWeight {
  readonly signature: string;
  readonly kappa: number;
  readonly n: number;
  readonly weeks: number;
  /** Share of its own decisions in `kappa`, 0 to 1. */
  readonly confidence: number;
}

/** How much of what the slices of a module and category say held in weeks they had not seen. */
export interface Calibration {
  /** κ, 0 to 1. */
  readonly kappa: number;
  /** τ², the variance of what slices are about, in units of σ². */
  readonly tau2: number;
  readonly halfLife: Memory;
  readonly n: number;
  readonly weeks: number;
  /** In code unit order of their signatures. */
  readonly regimes: readonly RegimeWeight[];
  /** Whether telling regimes apart held in weeks that were not seen: their weights act. */
  readonly regimesAct: boolean;
}

/** Sums of p · e and p². */
interface Told {
  told: number;
  squares: number;
}

/** What one week, of one regime, said under the memory that is taken. */
interface Cell extends Told {
  readonly week: number;
  readonly regime: string | null;
}

/**
 * Calibrates a module and category from the sums of its groups (functions/README.md, "Calibration", "Regimes" and
 * "Memory").
 *
 * @param groups In any order and any pieces, all of the same memories; those without slices count, too, by their weeks.
 * @throws RangeError when groups were not measured under the same memories, or none of these forgets nothing.
 */
export function calibrate(groups: readonly CalibrationSums[]): Calibration {
  const memories = groups[0]?.memories.map(({ halfLife }) => halfLife) ?? [null];
  for (const group of groups) {
    if (group.memories.map(({ halfLife }) => halfLife).join() !== memories.join()) {
      throw new RangeError(
        `Groups must have been measured under the same memories, got ${JSON.stringify(memories)} and ` +
          JSON.stringify(group.memories.map(({ halfLife }) => halfLife)),
      );
    }
  }
  const byWeek = memories.map((_, memory) => weeklySums(groups, memory));
  const chosen = chooseMemory(memories, byWeek);
  const weeks = byWeek[chosen]!.size;
  const kappa = weeks < LEAST_WEEKS ? 0 : kappaOf(totalOf(byWeek[chosen]!));
  let [tauAbove, tauBelow] = [0, 0];
  for (const group of groups) {
    tauAbove += group.memories[chosen]!.tauAbove;
    tauBelow += group.memories[chosen]!.tauBelow;
  }
  const cells = cellsOf(groups, chosen);
  return {
    kappa,
    tau2: tauBelow > 0 ? Math.max(0, tauAbove / tauBelow) : 0,
    halfLife: memories[chosen]!,
    n: groups.reduce((sum, { n }) => sum + n, 0),
    weeks,
    regimes: regimeWeights(groups, cells, weeks < LEAST_WEEKS),
    regimesAct: weeks >= LEAST_WEEKS && regimesHold(cells),
  };
}

function clampShare(share: number): number {
  return Math.min(Math.max(share, 0), 1);
}

/** Σ p e/Σ p² within 0 and 1; 0 where nothing was said. */
function kappaOf({ told, squares }: Told): number {
  return squares === 0 ? 0 : clampShare(told / squares);
}

function weeklySums(groups: readonly CalibrationSums[], memory: number): Map<number, Told> {
  const sums = new Map<number, Told>();
  for (const group of groups) {
    const { told, squares } = group.memories[memory]!;
    for (const [i, { week }] of group.cells.entries()) addTo(sums, week, told[i]!, squares[i]!);
  }
  return sums;
}

/** The cells of all groups together. */
function cellsOf(groups: readonly CalibrationSums[], memory: number): Cell[] {
  const cells = new Map<string, Cell>();
  for (const group of groups) {
    const { told, squares } = group.memories[memory]!;
    for (const [i, { week, regime }] of group.cells.entries()) {
      const key = JSON.stringify([week, regime]);
      const known = cells.get(key);
      cells.set(key, {
        week,
        regime,
        told: (known?.told ?? 0) + told[i]!,
        squares: (known?.squares ?? 0) + squares[i]!,
      });
    }
  }
  return [...cells.values()];
}

function addTo<Key>(sums: Map<Key, Told>, key: Key, told: number, squares: number): void {
  const known = sums.get(key);
  if (known === undefined) {
    sums.set(key, { told, squares });
  } else {
    known.told += told;
    known.squares += squares;
  }
}

function totalOf(sums: ReadonlyMap<unknown, Told>, without: Told = { told: 0, squares: 0 }): Told {
  let [told, squares] = [0, 0];
  for (const sum of sums.values()) {
    if (sum === without) continue;
    told += sum.told;
    squares += sum.squares;
  }
  return { told, squares };
}

/** T = Σ p e/√Σ p², how well what was said was borne out. */
function borneOut({ told, squares }: Told): number {
  return squares > 0 ? told / Math.sqrt(squares) : 0;
}

/**
 * The place of the memory that is taken: of those whose T exceeds that of forgetting nothing by more than leaving out
 * single weeks makes it waver, the longest.
 */
function chooseMemory(memories: readonly Memory[], byWeek: readonly ReadonlyMap<number, Told>[]): number {
  const none = memories.indexOf(null);
  if (none < 0) throw new RangeError(`One of the memories must forget nothing, got ${memories.join(", ")}`);
  const plain = byWeek[none]!;
  const plainT = borneOut(totalOf(plain));
  let chosen = none;
  for (const [memory, halfLife] of memories.entries()) {
    if (halfLife === null || (memories[chosen] !== null && halfLife < memories[chosen]!)) continue;
    const own = byWeek[memory]!;
    const T = borneOut(totalOf(own));
    const without = [...plain].map(([week, sums]) =>
      borneOut(totalOf(own, own.get(week))) - borneOut(totalOf(plain, sums))
    );
    const centre = without.reduce((sum, d) => sum + d, 0) / without.length;
    const spread = without.reduce((sum, d) => sum + (d - centre) ** 2, 0);
    const error = Math.sqrt((without.length - 1) / without.length * spread);
    if (T - plainT > error + ROUNDING * (Math.abs(T) + Math.abs(plainT))) chosen = memory;
  }
  return chosen;
}

/** Sums of every regime that occurs, and of all decisions. */
function regimeSums(cells: readonly Cell[]): { all: Told; regimes: Map<string, Told> } {
  const all = { told: 0, squares: 0 };
  const regimes = new Map<string, Told>();
  for (const { regime, told, squares } of cells) {
    all.told += told;
    all.squares += squares;
    if (regime !== null) addTo(regimes, regime, told, squares);
  }
  return { all, regimes };
}

/** κ of a regime, drawn towards that of all decisions as if it had seen λ = Σp²/(number of regimes) more of them. */
function regimeKappa(own: Told, all: Told, regimes: number): number {
  if (all.squares === 0) return 0;
  const lambda = all.squares / regimes;
  return clampShare((own.told + lambda * kappaOf(all)) / (own.squares + lambda));
}

function regimeWeights(
  groups: readonly CalibrationSums[],
  cells: readonly Cell[],
  tooFewWeeks: boolean,
): RegimeWeight[] {
  const { all, regimes } = regimeSums(cells);
  const rows = new Map<string, number>();
  const weeks = new Map<string, Set<number>>();
  for (const { regime, week, n } of groups.flatMap((group) => group.cells)) {
    if (regime === null) continue;
    rows.set(regime, (rows.get(regime) ?? 0) + n);
    weeks.set(regime, (weeks.get(regime) ?? new Set()).add(week));
  }
  return [...regimes].map(([signature, own]) => ({
    signature,
    kappa: tooFewWeeks ? 0 : regimeKappa(own, all, regimes.size),
    n: rows.get(signature)!,
    weeks: weeks.get(signature)!.size,
    confidence: all.squares === 0 ? 0 : own.squares / (own.squares + all.squares / regimes.size),
  })).sort((a, b) => a.signature < b.signature ? -1 : 1);
}

/**
 * By how much the weights of regimes, each learned without the week that it is held against, came nearer to that week's
 * outcomes than one κ for all that was learned so, and how far a week makes that waver.
 */
export function regimesGain(cells: readonly Cell[]): { gain: number; error: number } {
  const byWeek = Map.groupBy(cells, ({ week }) => week);
  const gains = [...byWeek].map(([week, own]) => {
    const { all, regimes } = regimeSums(cells.filter((cell) => cell.week !== week));
    const kappa = kappaOf(all);
    return own.reduce((gain, { regime, told, squares }) => {
      const known = regime === null ? undefined : regimes.get(regime);
      const weight = known === undefined ? kappa : regimeKappa(known, all, regimes.size);
      return gain + 2 * (weight - kappa) * told - (weight ** 2 - kappa ** 2) * squares;
    }, 0);
  });
  const gain = gains.reduce((sum, own) => sum + own, 0);
  const spread = gains.reduce((sum, own) => sum + (own - gain / gains.length) ** 2, 0);
  return { gain, error: Math.sqrt(gains.length / (gains.length - 1) * spread) };
}

function regimesHold(cells: readonly Cell[]): boolean {
  const { gain, error } = regimesGain(cells);
  return gain > LEAST_ERRORS * error + ROUNDING;
}
