/**
 * The effects of a group, measured in steps: all memories at once, or, in a large group, one at a time, so that each
 * invocation can save its place between them (functions/README.md, "Calibration").
 *
 * @module
 */

import { z } from "zod";
import { COMPETING_MEMORIES, type Memory } from "../belief/calibration.ts";
import {
  type EffectContext,
  type EffectGroup,
  type GroupEffects,
  measureGroupEffects,
} from "../belief/group_effects.ts";
import type { NamedDimension } from "../mining/dimensions.ts";
import { timestampOf } from "../mining/timestamp.ts";
import { utcWeek } from "../statistics/clusters.ts";
import { winsorise } from "../statistics/winsorise.ts";
import type { StoredEffects } from "../store/lesson_store.ts";
import type { EffectBasis } from "../store/mining_store.ts";
import type { GroupTrades } from "./group_trades.ts";
import type { MiningSettings } from "./settings.ts";

/** Trades times dimensions up to which all memories are measured in one sweep, which takes half a second at most. */
const MOST_AT_ONCE = 340_000;

/** Whether the effects of a group take an invocation to themselves, one for each memory. */
export function takesLong({ rows, dimensions }: GroupTrades, mostAtOnce = MOST_AT_ONCE): boolean {
  return rows * dimensions.length > mostAtOnce;
}

/** What was measured of some of the memories; plain JSON. */
export interface EffectsProgress {
  readonly codes_1: string;
  readonly codes_2: string;
  readonly cells: {
    readonly weeks: string;
    readonly regimes: readonly (string | null)[];
    readonly n: string;
  };
  /** The memories that were measured, in their order. */
  readonly memories: readonly MeasuredMemory[];
}

interface MeasuredMemory {
  /** Of each slice. */
  readonly n: string;
  readonly total: string;
  readonly tauAbove: number;
  readonly tauBelow: number;
  /** Of each week and regime. */
  readonly told: readonly number[];
  readonly squares: readonly number[];
}

/** Reads what was stored of a paused measurement. */
export const effectsProgress: z.ZodType<EffectsProgress> = z.object({
  codes_1: z.string(),
  codes_2: z.string(),
  cells: z.object({ weeks: z.string(), regimes: z.array(z.string().nullable()), n: z.string() }),
  memories: z.array(z.object({
    n: z.string(),
    total: z.string(),
    tauAbove: z.number(),
    tauBelow: z.number(),
    told: z.array(z.number()),
    squares: z.array(z.number()),
  })),
});

/** A pause, or the end: as it is kept between invocations, and as it is written. */
export type EffectsStep =
  | { readonly progress: EffectsProgress }
  | { readonly measured: EffectsProgress | null; readonly stored: StoredEffects | null };

/**
 * Measures the effects of a group, or goes on with it: all at once, or one memory a call where it {@linkcode takesLong}.
 *
 * @param basis What they are measured against; without one, or where all outcomes are the same, nothing is measured.
 * @param progress Where an earlier call over the same trades paused, `null` at the beginning.
 * @param mostAtOnce Up to so many trades times dimensions all memories are measured at once.
 * @throws RangeError when the progress belongs to other trades.
 */
export function measureEffects(
  trades: GroupTrades,
  basis: EffectBasis | null,
  settings: MiningSettings,
  progress: EffectsProgress | null,
  mostAtOnce = MOST_AT_ONCE,
): EffectsStep {
  if (basis === null || !(basis.sigma > 0)) return { measured: null, stored: null };
  const memories = settings.memory === "auto" ? COMPETING_MEMORIES : [null];
  const group: EffectGroup = {
    outcomes: winsorise(trades.outcome, { lower: basis.lower_bound, upper: basis.upper_bound }),
    weeks: Int32Array.from(trades.actedAt, utcWeek),
    dimensions: trades.dimensions,
  };
  const context: Omit<EffectContext, "memories"> = {
    mean: basis.mean,
    sigma: basis.sigma,
    // Trades that took effect while it was measured are in the group already.
    calendar: Int32Array.from(new Set([...basis.weeks, ...group.weeks])).sort(),
    minSupport: settings.n_min,
    regimeDimensions: settings.regime_dimensions,
  };
  const isLong = takesLong(trades, mostAtOnce);
  const done = progress?.memories.length ?? 0;
  if (progress !== null && done === memories.length) {
    return { measured: progress, stored: stored(progress, trades, basis, memories) };
  }
  const tried = isLong ? memories.slice(done, done + 1) : memories.slice(done);
  const measured = appended(
    progress,
    measureGroupEffects(group, { ...context, memories: tried }),
    trades.dimensions,
  );
  if (isLong) return { progress: measured };
  return { measured, stored: stored(measured, trades, basis, memories) };
}

/** A text that the database reads as an array. */
function column(values: Iterable<number | null>): string {
  return `{${Array.from(values, (value) => value ?? "Infinity").join()}}`;
}

function appended(
  measured: EffectsProgress | null,
  { effects, sums }: GroupEffects,
  dimensions: readonly NamedDimension[],
): EffectsProgress {
  const codes = (place: number): string =>
    column(effects.map(({ pairs }) => {
      const pair = pairs[place];
      return pair === undefined ? 0 : dimensions[pair.dimension]?.dictionary[pair.code - 1] ?? 0;
    }));
  const memories = sums.memories.map((memory, i): MeasuredMemory => ({
    n: column(effects.map(({ n }) => n[i] ?? NaN)),
    total: column(effects.map(({ total }) => total[i] ?? NaN)),
    tauAbove: memory.tauAbove,
    tauBelow: memory.tauBelow,
    told: memory.told,
    squares: memory.squares,
  }));
  const found: Omit<EffectsProgress, "memories"> = {
    codes_1: codes(0),
    codes_2: codes(1),
    cells: {
      weeks: column(sums.cells.map(({ week }) => week)),
      regimes: sums.cells.map(({ regime }) => regime),
      n: column(sums.cells.map(({ n }) => n)),
    },
  };
  if (measured === null) return { ...found, memories };
  const { memories: before, ...known } = measured;
  if (JSON.stringify(known) !== JSON.stringify(found)) {
    throw new RangeError("The effects that were measured so far are those of other trades");
  }
  return { ...found, memories: [...before, ...memories] };
}

function stored(
  { codes_1, codes_2, cells, memories }: EffectsProgress,
  trades: GroupTrades,
  { mean, sigma }: EffectBasis,
  tried: readonly Memory[],
): StoredEffects {
  const sum = (values: readonly number[] | undefined): number => (values ?? []).reduce((a, b) => a + b, 0);
  let newest = -Infinity;
  for (const tradedAt of trades.tradedAt) newest = Math.max(newest, tradedAt);
  return {
    decisions: trades.rows,
    mean,
    sigma,
    kappa_above: sum(memories[0]?.told),
    kappa_below: sum(memories[0]?.squares),
    last_evidence_at: timestampOf(newest),
    codes_1,
    codes_2,
    n: memories.map(({ n }) => n),
    total: memories.map(({ total }) => total),
    sums: {
      half_lives: column(tried),
      tau_above: column(memories.map(({ tauAbove }) => tauAbove)),
      tau_below: column(memories.map(({ tauBelow }) => tauBelow)),
      weeks: cells.weeks,
      regimes: cells.regimes,
      n: cells.n,
      told: column(memories.flatMap(({ told }) => told)),
      squares: column(memories.flatMap(({ squares }) => squares)),
    },
  };
}
