/**
 * The allocation between timeframes straight from its definition (functions/README.md, "Allocation"), slow
 * and without a single running sum: what the SQL is compared with.
 */

/** A closed trade as far as the allocation is concerned. */
export interface ClosedTrade {
  readonly tradeId: string;
  /** Null where unknown. */
  readonly timeframe: string | null;
  /** Return as a fraction. */
  readonly roi: number;
  /** Exit, in milliseconds since 1970. */
  readonly exitAt: number;
}

export type Outcome = "moved" | "no_share" | "one_timeframe" | "at_bound" | "settled";

/** The state after a close. Keys are timeframes; ROI and n also have one for all trades, `""`. */
export interface AllocationStep {
  readonly tradeId: string;
  readonly outcome: Outcome;
  readonly shares: Readonly<Record<string, number>>;
  readonly desired: Readonly<Record<string, number>>;
  readonly n: Readonly<Record<string, number>>;
  /** Null before any trade. */
  readonly roiShort: Readonly<Record<string, number | null>>;
  readonly roiLong: Readonly<Record<string, number | null>>;
}

/** The part of a step that the shares depend on. */
export interface Move {
  readonly shares: Readonly<Record<string, number>>;
  readonly desired: Readonly<Record<string, number>>;
  readonly outcome: Exclude<Outcome, "no_share">;
}

export const FLOOR = 0.02;
export const CEILING = 0.96;
export const LARGEST_STEP = 0.003;
export const SHORT_DAYS = 14;
export const LONG_DAYS = 90;
const TEMPERATURE = 0.10;
const DAY_MS = 86_400_000;
const ALL = "";

const bytes = new TextEncoder();

/** Trades in the order in which they count: by exit, then by id in byte order. */
export function inOrder(trades: readonly ClosedTrade[]): ClosedTrade[] {
  return trades.toSorted((a, b) => a.exitAt - b.exitAt || compareBytes(a.tradeId, b.tradeId));
}

/** Every step of a history, each from all trades up to it. */
export function allocationSteps(
  startShares: Readonly<Record<string, number>>,
  history: readonly ClosedTrade[],
): AllocationStep[] {
  const timeframes = Object.keys(startShares);
  const trades = inOrder(history);
  const steps: AllocationStep[] = [];
  let shares = startShares;
  let desired = startShares;
  for (const [index, trade] of trades.entries()) {
    const past = trades.slice(0, index + 1);
    const seen = (timeframe: string): ClosedTrade[] =>
      timeframe === ALL ? past : past.filter((earlier) => earlier.timeframe === timeframe);
    const overAll = <T>(measure: (trades: ClosedTrade[]) => T): Record<string, T> =>
      Object.fromEntries([...timeframes, ALL].map((timeframe) => [timeframe, measure(seen(timeframe))]));
    const n = overAll((trades) => trades.length);
    const roiShort = overAll((trades) => fadingMean(trades, SHORT_DAYS));
    let outcome: Outcome = "no_share";
    if (trade.timeframe !== null && timeframes.includes(trade.timeframe)) {
      ({ shares, desired, outcome } = move(shares, roiShort, n));
    }
    steps.push({
      tradeId: trade.tradeId,
      outcome,
      shares,
      desired,
      n,
      roiShort,
      roiLong: overAll((trades) => fadingMean(trades, LONG_DAYS)),
    });
  }
  return steps;
}

/** The shares after a close in one of the timeframes. */
export function move(
  shares: Readonly<Record<string, number>>,
  roiShort: Readonly<Record<string, number | null>>,
  n: Readonly<Record<string, number>>,
): Move {
  const roi = (timeframe: string): number => roiShort[timeframe] ?? 0;
  const share = (timeframe: string): number => shares[timeframe] ?? 0;
  const traded = Object.keys(shares).filter((timeframe) => (n[timeframe] ?? 0) > 0);
  if (traded.length < 2) return { shares, desired: shares, outcome: "one_timeframe" };

  const best = Math.max(...traded.map(roi));
  const pull = (timeframe: string): number => Math.exp((roi(timeframe) - best) / TEMPERATURE);
  const mass = total(traded.map(share));
  const pulls = total(traded.map(pull));
  const desired = { ...shares };
  for (const timeframe of traded) desired[timeframe] = mass * pull(timeframe) / pulls;

  const reach = LARGEST_STEP * Math.min(1, Math.min(...traded.map((timeframe) => n[timeframe] ?? 0)) / 5);
  let bounded = false;
  const changes = new Map(traded.map((timeframe) => {
    const wish = clamp((desired[timeframe] ?? 0) - share(timeframe), -reach, reach);
    const change = clamp(share(timeframe) + wish, FLOOR, CEILING) - share(timeframe);
    bounded ||= Math.abs(change - wish) > 1e-15;
    return [timeframe, change];
  }));
  const gains = total([...changes.values()].filter((change) => change > 0));
  const losses = -total([...changes.values()].filter((change) => change < 0));
  const common = Math.min(gains, losses);
  // Less than the spacing of numbers near 1 is no movement.
  if (common < 1e-17) return { shares, desired, outcome: bounded ? "at_bound" : "settled" };
  const moved = { ...shares };
  for (const [timeframe, change] of changes) {
    moved[timeframe] = share(timeframe) + change * common / (change > 0 ? gains : losses);
  }
  return { shares: moved, desired, outcome: "moved" };
}

/** Mean of the returns, each weighing e^(−age/τ) as of the newest; null without trades. */
function fadingMean(trades: readonly ClosedTrade[], tauDays: number): number | null {
  const newest = trades.at(-1);
  if (newest === undefined) return null;
  const weights = trades.map((trade) => Math.exp((trade.exitAt - newest.exitAt) / DAY_MS / tauDays));
  return total(trades.map((trade, index) => trade.roi * (weights[index] ?? 0))) / total(weights);
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

function compareBytes(a: string, b: string): number {
  const left = bytes.encode(a);
  const right = bytes.encode(b);
  for (let index = 0; index < Math.min(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
