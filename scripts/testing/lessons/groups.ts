/**
 * Groups of trades for tests, and random ones.
 *
 * @module
 */

import { computeBaseline, deltaScale } from "../../../functions/_shared/statistics/baseline.ts";
import type { GroupTrades } from "../../../functions/_shared/lessons/group_trades.ts";
import { nameDimension } from "../../../functions/_shared/mining/dimensions.ts";
import type {
  GroupInput,
  GroupProgress,
  GroupStep,
  MinedLesson,
} from "../../../functions/_shared/lessons/mine_group.ts";
import { groupProgress } from "../../../functions/_shared/lessons/progress.ts";
import { mineGroup } from "../../../functions/_shared/lessons/mine_group.ts";
import type { MiningSettings } from "../../../functions/_shared/lessons/settings.ts";

export { uniform } from "../slices/oracle.ts";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** One trade by its first action in a group. */
export interface Trade {
  readonly scope: Readonly<Record<string, string>>;
  readonly roi: number;
  readonly rr: number;
  /** What directions follow; `roi` where it is left out. */
  readonly steeringRoi?: number;
  readonly actedAt: number;
  readonly tradedAt: number;
  readonly durationHours: number;
  readonly timeToS3Hours: number | null;
  readonly couldEnterBetter: number | null;
  readonly couldExitBetter: number | null;
  readonly didTrim: boolean;
  readonly reachedS3: boolean;
}

/** The settings of a configuration that says nothing. */
export const DEFAULT_SETTINGS: MiningSettings = {
  outcome: "roi",
  add_outcome: "own",
  trim_outcome: "own",
  exit_outcome: "regret",
  outcome_scale: "auto",
  n_min: 33,
  edge_min: 0.05,
  incremental_min: null,
  max_q_value: 0.1,
  fdr: "by",
  cluster: "week",
  selection: "distinct",
  max_lessons_per_group: 5000,
  near_misses: 200,
  refuse_selected: true,
  regime_dimensions: ["macro_phase"],
  memory: "auto",
  decay: { source: "events" },
  steering: { roi_scale: 0.1, relative: true },
};

/** A trade of which only some things matter. */
export function trade(fields: Partial<Trade>): Trade {
  return {
    scope: {},
    roi: 0,
    rr: 0,
    actedAt: 0,
    tradedAt: fields.actedAt ?? 0,
    durationHours: 1,
    timeToS3Hours: null,
    couldEnterBetter: null,
    couldExitBetter: null,
    didTrim: false,
    reachedS3: false,
    ...fields,
  };
}

/** Trades as the packed columns of a group: `dimensions` in the order of their bits, codes as a dictionary gives them. */
export function packGroup(
  trades: readonly Trade[],
  dimensions: readonly string[],
  outcome: MiningSettings["outcome"] = "roi",
): GroupTrades {
  const column = (value: (trade: Trade) => number): Float64Array => Float64Array.from(trades, value);
  const codes = new Map<string, number>();
  const names = new Map<number, string>();
  const codeOf = (dimension: string, value: string | undefined): number => {
    if (value === undefined) return 0;
    const key = JSON.stringify([dimension, value]);
    const code = codes.get(key) ?? codes.size + 1;
    codes.set(key, code);
    names.set(code, value);
    return code;
  };
  return {
    rows: trades.length,
    dimensions: dimensions.map((dimension, bit) => ({
      bit,
      dimension,
      encoded: Int32Array.from(trades, ({ scope }) => codeOf(dimension, scope[dimension])),
    })).map(({ bit, dimension, encoded }) => nameDimension(bit, dimension, encoded, names)),
    outcome: column((trade) => trade[outcome]),
    steeringRoi: column(({ roi, steeringRoi }) => steeringRoi ?? roi),
    actedAt: column(({ actedAt }) => actedAt),
    tradedAt: column(({ tradedAt }) => tradedAt),
    durationHours: column(({ durationHours }) => durationHours),
    timeToS3Hours: column(({ timeToS3Hours }) => timeToS3Hours ?? NaN),
    couldEnterBetter: column(({ couldEnterBetter }) => couldEnterBetter ?? NaN),
    couldExitBetter: column(({ couldExitBetter }) => couldExitBetter ?? NaN),
    didTrim: Uint8Array.from(trades, ({ didTrim }) => Number(didTrim)),
    reachedS3: Uint8Array.from(trades, ({ reachedS3 }) => Number(reachedS3)),
  };
}

/**
 * What a group of entries is mined with; the baseline is that of its own trades and the outcomes of `others`.
 *
 * @param otherCloses When the others closed, as far as they are of the group's module and category.
 */
export function groupInput(
  trades: readonly Trade[],
  dimensions: readonly string[],
  settings: MiningSettings,
  others: readonly number[] = [],
  otherCloses: readonly number[] = [],
): GroupInput {
  const own = trades.map((trade) => trade[settings.outcome]);
  const baseline = computeBaseline(Float64Array.from([...own, ...others]));
  const closed = [
    ...trades.map(({ tradedAt }, i) => ({ day: Math.floor(tradedAt / DAY_MS), y: own[i] ?? NaN })),
    ...otherCloses.map((closedAt, i) => ({ day: Math.floor(closedAt / DAY_MS), y: others[i] ?? NaN })),
  ];
  const { lower, upper } = baseline.bounds;
  return {
    trades: packGroup(trades, dimensions, settings.outcome),
    baseline,
    settings,
    category: "entry",
    scale: deltaScale(settings.outcome_scale, baseline, settings.n_min),
    ownDirection: null,
    history: null,
    firstSigma: baseline.sigma,
    categoryDays: new Map(
      [...Map.groupBy(closed, ({ day }) => day)].map(([day, of]) => [
        day,
        of.reduce((sum, { y }) => sum + Math.min(Math.max(y, lower), upper), 0) / of.length,
      ]),
    ),
  };
}

/** Mines a group without a pause. */
export function mineAll(input: GroupInput, exactRowVisits?: number): readonly MinedLesson[] {
  return finished(mineGroup(input, null, () => false, exactRowVisits));
}

/** The lessons of a step that is the last one. */
export function finished(step: GroupStep): readonly MinedLesson[] {
  if ("progress" in step) throw new Error(`Mining paused in the pass "${step.progress.pass}".`);
  return step.lessons;
}

/**
 * Mines a group with a pause at every opportunity, each step in a fresh process with what JSON keeps of the last one.
 *
 * @returns the lessons, and how often each pass paused.
 */
export function mineInSteps(
  input: () => GroupInput,
  exactRowVisits?: number,
): { lessons: readonly MinedLesson[]; passes: Map<string, number> } {
  let progress: GroupProgress | null = null;
  const passes = new Map<string, number>();
  while (true) {
    const step: GroupStep = mineGroup(input(), progress, () => true, exactRowVisits);
    if (!("progress" in step)) return { lessons: step.lessons, passes };
    passes.set(step.progress.pass, 1 + (passes.get(step.progress.pass) ?? 0));
    progress = groupProgress.parse(JSON.parse(JSON.stringify(step.progress)));
  }
}

/** Standard normal numbers from uniform ones. */
export function normal(random: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** A whole number from 0 to `below` − 1. */
export function integer(random: () => number, below: number): number {
  return Math.floor(random() * below);
}

/** One of some values. */
export function pick<T>(random: () => number, values: readonly [T, ...T[]]): T {
  return values[integer(random, values.length)] ?? values[0];
}
