/**
 * The invented market of the sample: tokens, the values that contexts take, and regimes that come and go.
 *
 * @module
 */

import { v5 as nameBasedUuid } from "uuid";
import type { Random, Weighted } from "./random.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const WEEK = 7 * DAY;

/** Root of the sample's identities; drawn once, never to change. */
export const SAMPLE_NAMESPACE = "0f4f6a52-7d0e-4a39-b4a5-c1d6f3b2e987";

/** A token of the sample. */
export interface Token {
  readonly ticker: string;
  readonly chain: string;
  readonly contract: string;
}

const TICKERS = [
  ["ACORN", "ALDER", "ASPEN", "BASIL", "BIRCH", "BRIAR", "CEDAR", "CLOVE", "CRESS", "DAISY"],
  ["DILL", "ELDER", "FENNEL", "FERN", "FLAX", "GORSE", "HAZEL", "HOLLY", "IRIS", "IVY"],
  ["JUNIPER", "KELP", "LARCH", "LAUREL", "LILAC", "LOTUS", "MAPLE", "MINT", "MOSS", "MYRTLE"],
  ["NETTLE", "OLIVE", "PEONY", "PINE", "REED", "ROWAN", "SAGE", "SEDGE", "TEAZEL", "YARROW"],
].flat();

const CHAINS: Weighted<string> = [["solana", 45], ["base", 25], ["ethereum", 20], ["bsc", 10]];
const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

function contractOf(random: Random, chain: string): string {
  const [alphabet, length, prefix] = chain === "solana" ? [BASE58, 44, ""] : ["0123456789abcdef", 40, "0x"];
  const characters = Array.from({ length }, () => alphabet[Math.floor(random.between(0, alphabet.length))]);
  return prefix + characters.join("");
}

/** The tokens, the same for the same draws. */
export function drawTokens(random: Random): Token[] {
  return TICKERS.map((ticker) => {
    const chain = random.pick(CHAINS);
    return { ticker, chain, contract: contractOf(random, chain) };
  });
}

/** Identity of a token's position on a timeframe. */
export function positionId(token: Token, timeframe: string): string {
  return nameBasedUuid(JSON.stringify([token.chain, token.contract, timeframe]), SAMPLE_NAMESPACE);
}

export const TIMEFRAMES: Weighted<string> = [["15m", 40], ["1h", 38], ["4h", 22]];
const MCAP_BUCKETS = ["<500k", "500k-1m", "1m-5m", "5m-20m"] as const;

/** What a context takes for each of the entry dimensions but the chain, which is the token's. */
const ENTRY_VALUES: Readonly<Record<string, Weighted<string>>> = {
  curator: [["0xdetective", 28], ["sol_sleuth", 24], ["degen_digest", 18], ["onchain_owl", 18], [
    "moon_mapper",
    12,
  ]],
  mcap_bucket: [["<500k", 20], ["500k-1m", 45], ["1m-5m", 25], ["5m-20m", 10]],
  vol_bucket: [["<100k", 20], ["100k-250k", 25], ["250k-500k", 45], ["500k+", 10]],
  age_bucket: [["<1d", 22], ["1-3d", 23], ["3-7d", 20], ["7-30d", 25], [">30d", 10]],
  intent: [["research_positive", 30], ["new_listing", 30], ["momentum", 25], ["community_pick", 15]],
  mapping_confidence: [["high", 50], ["medium", 30], ["low", 20]],
  mcap_vol_ratio_bucket: [["<0.5", 25], ["0.5-1", 35], ["1-3", 30], [">3", 10]],
};

export type Context = Record<string, string>;

/** What is known when a token is approved: the eight entry dimensions, each drawn by itself. */
export function drawEntryContext(random: Random, token: Token): Context {
  const drawn = Object.entries(ENTRY_VALUES).map(([dim, values]) => [dim, random.pick(values)]);
  return { ...Object.fromEntries(drawn), chain: token.chain };
}

const MODES: Weighted<string> = [["patient", 25], ["normal", 30], ["aggressive", 45]];

/** What is known when the PM acts: the four action dimensions. */
export function drawActionScope(random: Random, timeframe: string): Context {
  return {
    market_family: random.pick([["lowcaps", 80], ["memes", 20]]),
    timeframe,
    A_mode: random.pick(MODES),
    E_mode: random.pick(MODES),
  };
}

const PHASES: Weighted<string> = [["recover", 25], ["good", 30], ["euphoria", 15], ["dip", 20], [
  "double_dip",
  10,
]];

/** A value that holds for a while, then another. */
class Timeline {
  readonly #segments: { readonly until: number; readonly value: string }[] = [];

  constructor(random: Random, length: number, meanDays: number, values: Weighted<string>) {
    let until = 0;
    let previous: string | null = null;
    while (until < length) {
      until += (0.25 + random.exponential(0.75)) * meanDays * DAY;
      const value: string = random.pick(values.filter(([other]) => other !== previous));
      this.#segments.push({ until, value });
      previous = value;
    }
  }

  at(time: number): string {
    const segment = this.#segments.find(({ until }) => time < until) ?? this.#segments.at(-1);
    if (segment === undefined) {
      throw new RangeError("The timeline has no segment: its end is not after its start");
    }
    return segment.value;
  }
}

/** The market's regimes over the time of the sample, kept relative to its start so that the date changes none of them. */
export class Regimes {
  readonly #start: number;
  readonly #phases: Readonly<
    Record<"macro_phase" | "meso_phase" | "micro_phase" | "bucket_leader", Timeline>
  >;
  readonly #ranks: ReadonlyMap<string, Timeline>;

  constructor(random: Random, start: number, end: number) {
    const length = end - start;
    this.#start = start;
    this.#phases = {
      macro_phase: new Timeline(random, length, 32, PHASES),
      meso_phase: new Timeline(random, length, 8, PHASES),
      micro_phase: new Timeline(random, length, 2, PHASES),
      bucket_leader: new Timeline(random, length, 6, MCAP_BUCKETS.map((bucket) => [bucket, 1])),
    };
    const followers: Weighted<string> = [["2", 1], ["3", 1], ["4", 1]];
    this.#ranks = new Map(
      MCAP_BUCKETS.map((bucket) => [bucket, new Timeline(random, length, 5, followers)]),
    );
  }

  /** The five regime dimensions at a time, for a token in a bucket of market capitalisation. */
  at(time: number, mcapBucket: string): Context {
    const context: Context = {};
    const sinceStart = time - this.#start;
    for (const [dim, timeline] of Object.entries(this.#phases)) context[dim] = timeline.at(sinceStart);
    const rank = context["bucket_leader"] === mcapBucket ? "1" : this.#ranks.get(mcapBucket)?.at(sinceStart);
    if (rank === undefined) throw new RangeError(`Unknown bucket of market capitalisation: "${mcapBucket}"`);
    return { ...context, bucket_rank_position: rank };
  }
}
