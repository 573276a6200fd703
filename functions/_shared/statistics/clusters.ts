/**
 * What the configuration says about clusters (functions/README.md, "Clustered significance"); `span` chooses
 * week or day by the span of the group.
 */
export type ClusterSetting = "week" | "day" | "span" | "none";

/** The clusters of a group's trades. */
export interface Clusters {
  readonly unit: "week" | "day";
  /** Per trade the number of its cluster, 0 to `count` − 1, numbered by first appearance. */
  readonly index: Int32Array;
  /** Number of different clusters. */
  readonly count: number;
}

const MS_PER_DAY = 86_400_000;
/** Under `span` a group that spans this or more is clustered by week. */
const WEEKS_FROM_MS = 26 * 7 * MS_PER_DAY;

/**
 * The UTC day of a moment, counted from 1970-01-01.
 *
 * @param epochMs Epoch milliseconds, before 1970 too.
 */
export function utcDay(epochMs: number): number {
  return Math.floor(epochMs / MS_PER_DAY);
}

/**
 * The ISO week, Monday to Sunday in UTC, of a moment, counted from the one that holds 1970-01-01, a Thursday.
 *
 * @param epochMs Epoch milliseconds, before 1970 too.
 */
export function utcWeek(epochMs: number): number {
  return Math.floor((utcDay(epochMs) + 3) / 7);
}

/**
 * Clusters a group's trades by the UTC week or day of their action; under `span` by week when the group spans
 * 26 weeks or more, else by day (functions/README.md, "Clustered significance").
 *
 * @param actedAt Epoch milliseconds of each trade's action in the group, in any order.
 * @returns `null` when the setting is `none`: the test then assumes independent trades.
 */
export function clusterTrades(actedAt: Float64Array, setting: ClusterSetting): Clusters | null {
  if (setting === "none") return null;
  let unit: "week" | "day";
  if (setting === "span") {
    let earliest = Infinity;
    let latest = -Infinity;
    for (const moment of actedAt) {
      earliest = Math.min(earliest, moment);
      latest = Math.max(latest, moment);
    }
    unit = latest - earliest >= WEEKS_FROM_MS ? "week" : "day";
  } else {
    unit = setting;
  }
  const clusterOf = unit === "week" ? utcWeek : utcDay;
  const numbers = new Map<number, number>();
  const index = new Int32Array(actedAt.length);
  for (let i = 0; i < actedAt.length; i++) {
    const key = clusterOf(actedAt[i]!);
    let number = numbers.get(key);
    if (number === undefined) {
      number = numbers.size;
      numbers.set(key, number);
    }
    index[i] = number;
  }
  return { unit, index, count: numbers.size };
}
