/**
 * Groups of trades in which there is nothing to learn but luck, and such with effects planted in them: what mining must not
 * believe, and what it must find.
 *
 * @module
 */

import { DAY_MS, groupInput, HOUR_MS, integer, normal, type Trade, trade, uniform } from "./groups.ts";
import type { GroupInput } from "../../../functions/_shared/lessons/mine_group.ts";
import type { MiningSettings } from "../../../functions/_shared/lessons/settings.ts";

const WEEKS = 39;
const START = Date.UTC(2025, 0, 6);

/** Numbers of values of the seventeen dimensions. */
const CARDINALITIES = [12, 4, 5, 5, 4, 5, 3, 4, 3, 4, 3, 3, 4, 4, 4, 5, 4];

/** How outcomes come about where scopes have no part in it. */
export type Luck =
  /** Heavy-tailed and skewed, every trade its own. */
  | "heavy tails"
  /** A shock that all trades of a week share, while what they have in common drifts slowly from week to week. */
  | "weekly shock"
  /** A shock that all trades of a day share, while three dimensions mostly have one value a day. */
  | "daily shock";

/** What to draw. */
export interface LuckOptions {
  readonly seed: number;
  /** Trades of the group; as many others are drawn from the same market for the baseline. */
  readonly trades: number;
  /** At most seventeen. */
  readonly dimensions: number;
  readonly luck: Luck;
}

/** An effect that was put into the outcomes. */
export interface Planted {
  readonly scope: Readonly<Record<string, string>>;
  readonly roi: number;
}

/** A group as it was drawn. */
export interface DrawnGroup {
  readonly trades: readonly Trade[];
  /** Other trades in the same market. */
  readonly others: readonly Trade[];
  readonly dimensions: readonly string[];
}

/** Draws a group in which every scope is as good as any other. */
export function drawLuck({ seed, trades, dimensions, luck }: LuckOptions): DrawnGroup {
  const random = uniform(seed);
  const gauss = normal(random);
  const names = Array.from({ length: dimensions }, (_, bit) => `d${String(bit).padStart(2, "0")}`);
  const weights = names.map((_, bit) => isRegime(bit) ? [] : drawWeights(bit, luck, gauss));
  const regimes = names.map((_, bit) => drawRegime(bit, random));
  const shocks = Array.from({ length: WEEKS }, () => 0.06 * gauss());
  const days = luck !== "daily shock" ? [] : Array.from({ length: 7 * WEEKS }, () => ({
    shock: 0.06 * gauss(),
    values: DAILY_BITS.map((bit) => integer(random, cardinality(bit))),
  }));

  const all = Array.from({ length: 2 * trades }, (_, i) => {
    const at = (i + random()) / (2 * trades) * WEEKS;
    const week = Math.min(WEEKS - 1, Math.floor(at));
    const day = days[Math.min(days.length - 1, Math.floor(7 * at))];
    const scope: Record<string, string> = {};
    let earlier = 0;
    for (const [bit, name] of names.entries()) {
      const daily = day?.values[DAILY_BITS.indexOf(bit)];
      const drawn = daily !== undefined && random() < 0.9 ? daily : isRegime(bit)
        ? regimes[bit]?.[week] ?? 0
        // Dimensions are tied to their neighbours, so that combinations are correlated.
        : bit > 0 && random() < 0.4
        ? earlier % cardinality(bit)
        : pickByWeight(weights[bit]?.[week] ?? [], random);
      earlier = drawn;
      if (random() > 0.03) scope[name] = `v${drawn}`;
    }
    const roi = luck === "heavy tails"
      // A lognormal of large spread with its sign: few trades make most of the result.
      ? (random() < 0.45 ? 1.3 : -1) * 0.03 * Math.exp(1.1 * gauss())
      : (day?.shock ?? shocks[week] ?? 0) + 0.08 * gauss();
    const actedAt = START + Math.floor(at * 7 * DAY_MS);
    return trade({
      scope,
      roi,
      rr: roi / 0.05,
      actedAt,
      tradedAt: actedAt + 12 * HOUR_MS,
      didTrim: random() < 0.3,
      reachedS3: roi > 0 && random() < 0.5,
    });
  });
  return {
    dimensions: names,
    trades: all.filter((_, i) => i % 2 === 0),
    others: all.filter((_, i) => i % 2 === 1),
  };
}

/** What has been seen of a group when a share of its time has passed. */
export function seenBy({ dimensions, trades, others }: DrawnGroup, share: number): DrawnGroup {
  const seen = (all: readonly Trade[]): Trade[] =>
    all.filter(({ tradedAt }) => tradedAt <= START + share * WEEKS * 7 * DAY_MS);
  return { dimensions, trades: seen(trades), others: seen(others) };
}

/** The group with an effect added to the outcomes of the trades it concerns. */
export function plant({ trades, dimensions, others }: DrawnGroup, effect: Planted): DrawnGroup {
  return {
    dimensions,
    others,
    trades: trades.map((drawn) =>
      contains(drawn.scope, effect.scope) ? { ...drawn, roi: drawn.roi + effect.roi } : drawn
    ),
  };
}

/** Whether a scope has all pairs of another. */
export function contains(
  scope: Readonly<Record<string, string>>,
  pairs: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(pairs).every(([dimension, value]) => scope[dimension] === value);
}

/**
 * Draws an effect on a scope of so many dimensions that 8 % to 16 % of the trades share.
 *
 * @param roi What it adds to each of these trades.
 * @throws Error when there is no such scope.
 */
export function drawEffect(
  { trades, dimensions }: DrawnGroup,
  seed: number,
  depth: number,
  roi: number,
): Planted {
  const random = uniform(seed);
  const free = dimensions.filter((_, bit) => !isRegime(bit));
  for (let attempt = 0; attempt < 10_000; attempt++) {
    const model = trades[integer(random, trades.length)]?.scope ?? {};
    const start = integer(random, free.length - depth + 1);
    const pairs = free.slice(start, start + depth).flatMap((name) =>
      model[name] === undefined ? [] : [[name, model[name]] as const]
    );
    const scope = Object.fromEntries(pairs);
    const share = trades.filter((drawn) => contains(drawn.scope, scope)).length / trades.length;
    if (pairs.length === depth && share >= 0.08 && share <= 0.16) return { scope, roi };
  }
  throw new Error(`No scope of ${depth} dimensions is shared by 8 % to 16 % of the trades.`);
}

/** What a drawn group is mined with. */
export function luckInput({ trades, dimensions, others }: DrawnGroup, settings: MiningSettings): GroupInput {
  return groupInput(
    trades,
    dimensions,
    settings,
    others.map(({ roi }) => roi),
    others.map(({ tradedAt }) => tradedAt),
  );
}

/** The dimensions that mostly have one value a day where luck is a day's. */
const DAILY_BITS = [3, 6, 9];

function cardinality(bit: number): number {
  return CARDINALITIES[bit] ?? 3;
}

/** The last five dimensions tell the phase of the market: the same for everybody, and for weeks. */
function isRegime(bit: number): boolean {
  return bit >= 12;
}

function drawRegime(bit: number, random: () => number): number[] {
  const values: number[] = [];
  for (let week = 0; week < WEEKS; week++) {
    const last = values.at(-1);
    values.push(last === undefined || random() < 0.2 ? integer(random, cardinality(bit)) : last);
  }
  return values;
}

/** How frequent each value is, week by week: it drifts where luck is shared, and is fixed otherwise. */
function drawWeights(bit: number, luck: Luck, gauss: () => number): number[][] {
  const level = Array.from({ length: cardinality(bit) }, () => gauss());
  const weeks: number[][] = [];
  for (let week = 0; week < WEEKS; week++) {
    weeks.push(level.map((value) => Math.exp(value)));
    if (luck === "weekly shock") {
      for (const i of level.keys()) level[i] = 0.95 * (level[i] ?? 0) + 0.3 * gauss();
    }
  }
  return weeks;
}

function pickByWeight(weights: readonly number[], random: () => number): number {
  let left = random() * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [value, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return value;
  }
  return 0;
}
