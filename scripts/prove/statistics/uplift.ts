import { quantileInPlace } from "../../../functions/_shared/statistics/quantile.ts";
import { Random } from "../../sample/random.ts";

/** Decisions with the size that a way of sizing gave them, one entry per decision in every column. */
export interface SizedDecisions {
  /** At least 0. */
  readonly sizes: Float64Array;
  /** Outcome of each decision, in any unit. */
  readonly outcomes: Float64Array;
  /** UTC week of each decision, counted from any week. */
  readonly weeks: Int32Array;
}

/** What a way of sizing earned more than another, per unit of capital. */
export interface Uplift {
  readonly difference: number;
  /** The 95 % interval by resampled weeks; `null` where no draw had capital in both ways. */
  readonly low: number | null;
  readonly high: number | null;
}

/** How often weeks are drawn. */
export const DRAWS = 2_000;
/** Probability that is left outside an interval. */
const OUTSIDE = 0.05;

/** Σ size · outcome/Σ size; `null` where nothing was sized above 0. */
export function outcomePerCapital(sizes: Float64Array, outcomes: Float64Array): number | null {
  let [earned, capital] = [0, 0];
  for (let i = 0; i < sizes.length; i++) {
    earned += sizes[i]! * outcomes[i]!;
    capital += sizes[i]!;
  }
  return capital > 0 ? earned / capital : null;
}

/**
 * What a way earned per unit of capital more than the base did on the same decisions (functions/README.md, "Uplift"),
 * with its interval: whole weeks are drawn with replacement, as many as there are, so that what the decisions of a week share is
 * in the interval. It assumes weeks without memory.
 *
 * @param way The way's sizes.
 * @param base The decisions with their base sizes, in the same order.
 * @param seed The draws are the same for the same seed.
 * @returns `null` where one of the two sized nothing above 0.
 * @throws RangeError when there are not as many sizes as decisions.
 */
export function upliftOver(
  way: Float64Array,
  base: SizedDecisions,
  seed: number,
  draws = DRAWS,
): Uplift | null {
  if (way.length !== base.sizes.length) {
    throw new RangeError(
      `An uplift compares sizes of the same decisions, got ${way.length} and ${base.sizes.length}`,
    );
  }
  const ofWay = outcomePerCapital(way, base.outcomes);
  const ofBase = outcomePerCapital(base.sizes, base.outcomes);
  if (ofWay === null || ofBase === null) return null;
  const sums = weeklySums(way, base);
  const random = new Random(seed);
  const drawn = new Float64Array(draws);
  let kept = 0;
  for (let draw = 0; draw < draws; draw++) {
    let [wayEarned, wayCapital, baseEarned, baseCapital] = [0, 0, 0, 0];
    for (let week = 0; week < sums.count; week++) {
      const picked = Math.floor(random.uniform() * sums.count);
      wayEarned += sums.wayEarned[picked]!;
      wayCapital += sums.wayCapital[picked]!;
      baseEarned += sums.baseEarned[picked]!;
      baseCapital += sums.baseCapital[picked]!;
    }
    if (wayCapital > 0 && baseCapital > 0) {
      drawn[kept++] = wayEarned / wayCapital - baseEarned / baseCapital;
    }
  }
  const found = drawn.subarray(0, kept);
  return {
    difference: ofWay - ofBase,
    low: kept === 0 ? null : quantileInPlace(found, OUTSIDE / 2),
    high: kept === 0 ? null : quantileInPlace(found, 1 - OUTSIDE / 2),
  };
}

interface WeeklySums {
  readonly count: number;
  readonly wayEarned: Float64Array;
  readonly wayCapital: Float64Array;
  readonly baseEarned: Float64Array;
  readonly baseCapital: Float64Array;
}

function weeklySums(way: Float64Array, base: SizedDecisions): WeeklySums {
  const places = new Map<number, number>();
  for (const week of base.weeks) if (!places.has(week)) places.set(week, places.size);
  const count = places.size;
  const sums = {
    count,
    wayEarned: new Float64Array(count),
    wayCapital: new Float64Array(count),
    baseEarned: new Float64Array(count),
    baseCapital: new Float64Array(count),
  };
  const add = (column: Float64Array, place: number, value: number): void => {
    column[place] = column[place]! + value;
  };
  for (let i = 0; i < way.length; i++) {
    const place = places.get(base.weeks[i]!)!;
    add(sums.wayEarned, place, way[i]! * base.outcomes[i]!);
    add(sums.wayCapital, place, way[i]!);
    add(sums.baseEarned, place, base.sizes[i]! * base.outcomes[i]!);
    add(sums.baseCapital, place, base.sizes[i]!);
  }
  return sums;
}

/**
 * The sizes of a way with what it tells decisions of one kind apart taken out: each becomes the way's mean size of its kind. What
 * is left of an uplift is a fixed tilt, not learning.
 *
 * @param kinds What decisions are of one kind by, such as pattern key and timeframe.
 */
export function levelSizes(sizes: Float64Array, kinds: readonly string[]): Float64Array {
  const means = new Map<string, { sum: number; count: number }>();
  for (let i = 0; i < sizes.length; i++) {
    const kind = means.get(kinds[i]!) ?? { sum: 0, count: 0 };
    kind.sum += sizes[i]!;
    kind.count++;
    means.set(kinds[i]!, kind);
  }
  return Float64Array.from(kinds, (kind) => {
    const { sum, count } = means.get(kind)!;
    return sum / count;
  });
}
