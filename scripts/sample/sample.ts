/**
 * The built-in sample: nine months of an invented PM's trades with three effects planted in them, the book it holds,
 * and three candidates to size. Nothing else in it makes one trade better than another but luck: heavy-tailed, and
 * shared in part by all trades of a week. What the loop finds beyond the planted effects is their shadow or chance.
 *
 * @module
 */

import { v5 as nameBasedUuid } from "uuid";
import type { Strand } from "../strand_file.ts";
import {
  type Context,
  DAY,
  drawActionScope,
  drawEntryContext,
  drawTokens,
  HOUR,
  MINUTE,
  positionId,
  Regimes,
  SAMPLE_NAMESPACE,
  TIMEFRAMES,
  type Token,
  WEEK,
} from "./market.ts";
import { Random, type Weighted } from "./random.ts";

/** What to generate. */
export interface SampleOptions {
  /** A 32-bit integer; the same seed gives the same sample. */
  readonly seed: number;
  /**
   * The present. All times end with the Monday 00:00 UTC before it, so that samples of different weeks differ by whole
   * weeks alone and teach the same lessons.
   */
  readonly asOf: Date;
}

/** An effect that was put into the outcomes. */
export interface PlantedEffect {
  readonly description: string;
  readonly patternKey: string;
  readonly actionCategory: "entry";
  readonly scope: Context;
  readonly direction: "gain" | "loss";
  /** What it adds to the roi of each trade entered so, a fraction. */
  readonly effect: number;
}

/** A row of `lowcap_positions`. */
export interface SamplePosition {
  readonly id: string;
  readonly token_chain: string;
  readonly token_contract: string;
  readonly token_ticker: string;
  readonly timeframe: string;
  readonly status: "dormant" | "watchlist" | "active";
  readonly state: string | null;
  readonly current_trade_id: string | null;
  readonly total_allocation_pct: number;
  readonly pattern_key: string;
  readonly entry_context: Context;
}

/** Something the PM might do next: arguments of `get_pm_sizing`, and what they stand for. */
export interface SampleCandidate {
  readonly label: string;
  readonly pattern_key: string;
  readonly action_category: "entry";
  readonly scope: Context;
  readonly a_value: number;
  readonly e_value: number;
}

/** The generated sample. */
export interface Sample {
  /** In time; of the last trades only the entry, as they are still open. */
  readonly strands: readonly Strand[];
  readonly positions: readonly SamplePosition[];
  readonly planted: readonly PlantedEffect[];
  readonly candidates: readonly SampleCandidate[];
}

const WEEKS = 39;
const TRADES = 1_900;
/** How many of the tokens the book looks at now, and how many of these it holds or wants to hold. */
const TRACKED_TOKENS = 12;
const HELD_TOKENS = 9;
/** Tokens held for the same reasons: what makes one candidate crowded. */
const CROWDED_TOKENS = 7;
/**
 * The book's default allocation per token and its split over timeframes (functions/README.md, "Allocation").
 */
const TOKEN_ALLOCATION = 0.10;
const START_SHARES: Readonly<Record<string, number>> = { "15m": 0.15, "1h": 0.50, "4h": 0.35 };

const BUY_FLAG = "pm.uptrend.S1.buy_flag";
const DIP = "pm.uptrend.S2.dip";
const RETEST = "pm.uptrend.S3.retest";

const ENTRIES: Weighted<string> = [[BUY_FLAG, 42], [DIP, 29], [RETEST, 29]];
const ADDS: Weighted<string> = [[DIP, 50], [RETEST, 50]];
const TRIMS: Weighted<string> = [["pm.uptrend.S2.overext", 45], ["pm.uptrend.S3.overext", 55]];
// The trend breaks at a state that has nothing to do with profit: an exit's key must not tell how the trade ended.
const EXITS: Weighted<string> = [
  ["pm.uptrend.S1.trend_break", 34],
  ["pm.uptrend.S2.trend_break", 33],
  ["pm.uptrend.S3.trend_break", 33],
];

/** The effects, of one, two and three dimensions. */
export const PLANTED: readonly PlantedEffect[] = [
  {
    description: "Buy flags on the hourly chart of tokens that 0xdetective called do well",
    patternKey: BUY_FLAG,
    actionCategory: "entry",
    scope: { curator: "0xdetective", timeframe: "1h" },
    direction: "gain",
    effect: 0.11,
  },
  {
    description: "Dips bought in tokens less than a day old do badly",
    patternKey: DIP,
    actionCategory: "entry",
    scope: { age_bucket: "<1d" },
    direction: "loss",
    effect: -0.09,
  },
  {
    description:
      "Retests do well where capitalisation and volume are moderate and the PM is eager, all three at once",
    patternKey: RETEST,
    actionCategory: "entry",
    scope: { mcap_bucket: "500k-1m", vol_bucket: "250k-500k", A_mode: "aggressive" },
    direction: "gain",
    effect: 0.15,
  },
];

/** Hours that a trade lasts on average, its usual distance to the stop, and how much it moves relative to others. */
const STYLE: Readonly<
  Record<string, { readonly hours: number; readonly stop: number; readonly scale: number }>
> = {
  "15m": { hours: 8, stop: 0.06, scale: 0.8 },
  "1h": { hours: 30, stop: 0.10, scale: 1 },
  "4h": { hours: 96, stop: 0.14, scale: 1.2 },
};

const contains = (subset: Context, scope: Context): boolean =>
  Object.entries(subset).every(([dim, value]) => scope[dim] === value);

const round = (value: number): number => Number(value.toPrecision(8));
const iso = (time: number): string => new Date(time).toISOString();
const stateOf = (patternKey: string): string => patternKey.split(".")[2] ?? "";
const idOf = (...name: readonly (string | number)[]): string =>
  nameBasedUuid(name.join("/"), SAMPLE_NAMESPACE);

/** Monday 00:00 UTC at or before a time. 1970-01-01 was a Thursday. */
export function startOfWeek(time: number): number {
  const monday = 4 * DAY;
  return monday + Math.floor((time - monday) / WEEK) * WEEK;
}

interface SampleTrade {
  readonly id: string;
  readonly token: Token;
  readonly timeframe: string;
  readonly patternKey: string;
  readonly openedAt: number;
  readonly open: boolean;
}

/** Everything that is drawn in the course of one sample. */
class Generator {
  readonly #seed: number;
  readonly #random: Random;
  readonly #start: number;
  readonly #end: number;
  readonly #regimes: Regimes;
  readonly #weekLuck: readonly number[];
  readonly tokens: readonly Token[];
  readonly strands: Strand[] = [];

  constructor({ seed, asOf }: SampleOptions) {
    this.#seed = seed;
    this.#random = new Random(seed);
    this.#end = startOfWeek(asOf.getTime());
    this.#start = this.#end - WEEKS * WEEK;
    this.tokens = drawTokens(this.#random);
    this.#regimes = new Regimes(this.#random, this.#start, this.#end);
    this.#weekLuck = Array.from({ length: WEEKS }, () => 0.02 * this.#random.normal());
  }

  /** The regime dimensions at the end, for a bucket of market capitalisation. */
  regimeNow(mcapBucket: string): Context {
    return this.#regimes.at(this.#end, mcapBucket);
  }

  /** Draws one trade and writes its strands. */
  trade(number: number): SampleTrade {
    const random = this.#random;
    const id = idOf("trade", this.#seed, number);
    const token = this.tokens[Math.floor(random.between(0, this.tokens.length))];
    const timeframe = random.pick(TIMEFRAMES);
    const style = STYLE[timeframe];
    if (token === undefined || style === undefined) {
      throw new RangeError(`No style for timeframe "${timeframe}"`);
    }
    const patternKey = random.pick(ENTRIES);
    const entryContext = drawEntryContext(random, token);
    const entryScope = drawActionScope(random, timeframe);
    const openedAt = this.#start + Math.floor(random.between(0, this.#end - this.#start) / MINUTE) * MINUTE;
    const lasts = Math.ceil(style.hours * HOUR * (0.15 + random.exponential(0.85)) / MINUTE) * MINUTE;
    const closedAt = openedAt + lasts;

    const write = (kind: string, at: number, name: string, content: Record<string, unknown>): void => {
      // What happens after the present has not happened.
      if (at >= this.#end) return;
      this.strands.push({
        id: idOf(kind, this.#seed, number, name),
        module: "pm",
        kind,
        position_id: positionId(token, timeframe),
        trade_id: id,
        symbol: token.ticker,
        timeframe,
        created_at: iso(at),
        content: { trade_id: id, ...content },
        regime_context: this.#regimes.at(at, entryContext["mcap_bucket"] ?? ""),
      });
    };
    const act = (at: number, category: string, key: string, actionScope: Context): void => {
      const eager = { patient: 0.3, normal: 0.5, aggressive: 0.75 };
      const value = (mode: string | undefined): number => {
        const base = mode === "patient" || mode === "normal" || mode === "aggressive" ? eager[mode] : NaN;
        return round(Math.min(Math.max(base + random.between(-0.1, 0.1), 0), 1));
      };
      const a = value(actionScope["A_mode"]);
      const e = value(actionScope["E_mode"]);
      const size =
        { entry: 0.10 + 0.50 * a, add: 0.10 + 0.25 * a, trim: 0.10 + 0.40 * e, exit: 1 }[category] ?? 1;
      write("pm_action", at, category, {
        pattern_key: key,
        action_category: category,
        scope: { ...entryContext, ...actionScope },
        state: stateOf(key),
        a_value: a,
        e_value: e,
        size_frac: round(size),
        reasons: { pm_strength_applied: 1, exposure_skew_applied: 1 },
      });
    };

    act(openedAt, "entry", patternKey, entryScope);
    const during = (low: number, high: number): number =>
      openedAt + Math.round(lasts * random.between(low, high) / MINUTE) * MINUTE;
    if (random.chance(0.26)) {
      act(during(0.1, 0.5), "add", random.pick(ADDS), drawActionScope(random, timeframe));
    }
    if (random.chance(0.34)) {
      act(during(0.5, 0.95), "trim", random.pick(TRIMS), drawActionScope(random, timeframe));
    }
    act(closedAt, "exit", random.pick(EXITS), drawActionScope(random, timeframe));

    const scope = { ...entryContext, ...entryScope };
    const roi = this.#outcome(openedAt, style.scale, patternKey, scope);
    const reachedS3 = random.chance(roi > 0.10 ? 0.85 : roi > 0 ? 0.35 : 0.10);
    const stop = style.stop * random.between(0.8, 1.2);
    const entryPrice = round(10 ** random.between(-5, -0.5));
    write("position_closed", closedAt, "closed", {
      entry_context: entryContext,
      trade_summary: {
        rr: round(roi / stop),
        pnl_usd: round(roi * random.between(200, 2_000)),
        rpnl_pct: round(roi * 100),
        entry_price: entryPrice,
        exit_price: round(entryPrice * (1 + roi)),
        entry_timestamp: iso(openedAt),
        exit_timestamp: iso(closedAt),
        reached_s3: reachedS3,
        ...(reachedS3 ? { time_to_s3_hours: round(random.between(0.2, 0.9) * lasts / HOUR) } : {}),
        could_enter_better: round(random.exponential(0.6)),
        could_exit_better: round(random.exponential(0.9)),
      },
      completed_trades: [],
    });
    return { id, token, timeframe, patternKey, openedAt, open: closedAt >= this.#end };
  }

  #outcome(openedAt: number, scale: number, patternKey: string, scope: Context): number {
    const luck = this.#weekLuck[Math.floor((openedAt - this.#start) / WEEK)] ?? 0;
    const own = 0.075 * this.#random.studentT4();
    const planted = PLANTED
      .filter((effect) => effect.patternKey === patternKey && contains(effect.scope, scope))
      .reduce((sum, { effect }) => sum + effect, 0);
    // Winners run further than losers are allowed to; more than the stake cannot be lost.
    return Math.max(luck + scale * own * (own > 0 ? 1.3 : 0.85) + planted, -0.95);
  }
}

/** Why most of the book is held, and the crowded candidate with it. */
const CROWD: Context = {
  curator: "sol_sleuth",
  mcap_bucket: "1m-5m",
  vol_bucket: "500k+",
  age_bucket: "7-30d",
  intent: "momentum",
  mapping_confidence: "high",
  mcap_vol_ratio_bucket: "1-3",
  chain: "solana",
};

/** A context that has nothing in common with the crowd. */
const APART: Context = {
  curator: "0xdetective",
  mcap_bucket: "500k-1m",
  vol_bucket: "100k-250k",
  age_bucket: "1-3d",
  intent: "new_listing",
  mapping_confidence: "medium",
  mcap_vol_ratio_bucket: "<0.5",
  chain: "base",
};

/** The book: each tracked token on every timeframe, active where its last trade is still open. */
function positionsOf(
  tokens: readonly Token[],
  trades: readonly SampleTrade[],
  random: Random,
): SamplePosition[] {
  const crowdFirst = [...tokens].sort((a, b) =>
    Number(b.chain === CROWD["chain"]) - Number(a.chain === CROWD["chain"])
  );
  return crowdFirst.slice(0, TRACKED_TOKENS).flatMap((token, place) => {
    const crowded = place < CROWDED_TOKENS;
    const entryContext = crowded ? { ...CROWD, chain: token.chain } : drawEntryContext(random, token);
    return Object.entries(START_SHARES).map(([timeframe, share]): SamplePosition => {
      const openTrade = trades.findLast((trade) =>
        trade.open && trade.token === token && trade.timeframe === timeframe
      );
      const held = place < HELD_TOKENS;
      return {
        id: positionId(token, timeframe),
        token_chain: token.chain,
        token_contract: token.contract,
        token_ticker: token.ticker,
        timeframe,
        status: openTrade !== undefined ? "active" : held ? "watchlist" : "dormant",
        state: openTrade === undefined ? null : stateOf(openTrade.patternKey),
        current_trade_id: openTrade?.id ?? null,
        total_allocation_pct: round(TOKEN_ALLOCATION * share),
        pattern_key: crowded ? BUY_FLAG : openTrade?.patternKey ?? DIP,
        entry_context: entryContext,
      };
    });
  });
}

function candidatesOf(generator: Generator): SampleCandidate[] {
  const candidate = (
    label: string,
    patternKey: string,
    context: Context,
    action: Context,
  ): SampleCandidate => ({
    label,
    pattern_key: patternKey,
    action_category: "entry",
    scope: {
      ...context,
      market_family: "lowcaps",
      A_mode: "normal",
      E_mode: "normal",
      ...action,
      ...generator.regimeNow(context["mcap_bucket"] ?? ""),
    },
    a_value: 0.5,
    e_value: 0.5,
  });
  return [
    candidate("A caller who was right so far", BUY_FLAG, APART, { timeframe: "1h" }),
    candidate("A dip in a token born today", DIP, { ...APART, curator: "onchain_owl", age_bucket: "<1d" }, {
      timeframe: "15m",
    }),
    candidate("More of what the book is full of", BUY_FLAG, CROWD, { timeframe: "4h" }),
  ];
}

/** The seed that `demo` uses. */
export const SAMPLE_SEED = 7;

/** Generates the sample. */
export function generateSample(options: SampleOptions): Sample {
  const generator = new Generator(options);
  const trades = Array.from({ length: TRADES }, (_, number) => generator.trade(number));
  const byTime = (a: Strand, b: Strand): number =>
    (a.created_at ?? "").localeCompare(b.created_at ?? "") || a.id.localeCompare(b.id);
  return {
    strands: generator.strands.sort(byTime),
    // A source of its own, so that the book may change without changing a trade.
    positions: positionsOf(generator.tokens, trades, new Random(options.seed + 1)),
    planted: PLANTED,
    candidates: candidatesOf(generator),
  };
}
