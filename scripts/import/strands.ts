/**
 * A trade as strands (functions/README.md, "From strands to events"): what was done, step by step,
 * and how it ended.
 *
 * The pattern key says what behaviour acted, `pm.<strategy>.<side>.<motif>`. An entry's motif is its enter tag (or
 * `entry`), an add's and a trim's is the tag of their order where it has one of its own, else their place (`add_1`,
 * `trim_2`), an exit's is `exit`. All actions of a trade share one scope, and it holds only what was known at the entry:
 * strategy, pair, side, enter tag, timeframe, and the UTC session and weekday of the entry. The exit reason stands
 * among the reasons of the exit and is in no key and no dimension, as it would tell the outcome.
 *
 * @module
 */

import { v5 as nameBasedUuid } from "uuid";
import { DIMENSIONS_KIND, type ScopeDimension, type Strand } from "../strand_file.ts";
import type { Trade, TradeOrder } from "./trade.ts";

/** Root of every identity given here; drawn once, never to change. */
const NAMESPACE = "6d0b5a0e-8c1f-4b7e-9d53-2f7a4c9e61b8";

/** The dimensions that scopes of imported trades use beside `timeframe`, which every database has. */
export const TRADE_DIMENSIONS: readonly string[] = [
  "strategy",
  "pair",
  "side",
  "enter_tag",
  "session",
  "weekday",
];

/** Stake currencies in which a profit is a profit in US dollars, near enough. */
const DOLLARS = new Set(["USD", "USDT", "USDC", "BUSD", "TUSD", "FDUSD", "USDP", "USDE", "DAI"]);

const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;

/** The trading session of a time, a third of the UTC day each: asia 0–7, europe 8–15, us 16–23 o'clock. */
export function utcSession(time: number): "asia" | "europe" | "us" {
  const hour = new Date(time).getUTCHours();
  if (hour < 8) return "asia";
  return hour < 16 ? "europe" : "us";
}

/** Three parts of this length and the module make a key that is short enough (300 characters). */
const MAX_KEY_PART = 90;

/**
 * A text as one part of a dotted key: letters, digits, `_` and `-`, anything else an underscore. A text with nothing
 * of the kind, or too much of it, is told from others by its digest.
 */
export function keyPart(text: string): string {
  const plain = text.replace(/[^A-Za-z0-9_-]+/g, "_").replace(/^_+|_+$/g, "");
  const digest = (): string => `x${nameBasedUuid(text, NAMESPACE).slice(0, 8)}`;
  if (plain === "") return digest();
  return plain.length <= MAX_KEY_PART ? plain : `${plain.slice(0, MAX_KEY_PART - 10)}_${digest()}`;
}

/**
 * Gives trades their identity: a name-based UUID over what makes a trade the same trade in every export that holds
 * it. The stake is left out, as it depends on the wallet, so overlapping backtests share the trades they agree on.
 * Trades with the same name (stacked positions) are told apart by their order among themselves; one `TradeNames`
 * serves one import.
 */
export class TradeNames {
  /** How often a name was given, by 52 bits of its UUID: a clash only numbers a trade that needed no number. */
  readonly #given = new Map<number, number>();

  /** The identity of the next trade. */
  next(trade: Trade): string {
    // A bot's trade has a number. Its figures may still change, as when the exchange tells the fee it took, so they are
    // no part of its name, and its file and the bot's API give the time of its beginning in other fractions of a second.
    if (trade.botTrade !== null) {
      const { number, exchange } = trade.botTrade;
      const second = Math.floor(trade.openedAt / 1000);
      const parts = ["bot", exchange.toLowerCase(), trade.strategy, trade.pair, trade.side, second, number];
      return nameBasedUuid(JSON.stringify(parts), NAMESPACE);
    }
    const name = trade.key ?? JSON.stringify([
      trade.strategy,
      trade.timeframe,
      trade.pair,
      trade.side,
      trade.enterTag,
      trade.openedAt,
      trade.openRate,
      trade.closedAt,
      trade.closeRate,
      trade.exitReason,
      trade.leverage,
      trade.feeOpen,
      trade.feeClose,
      trade.risk,
    ]);
    const first = nameBasedUuid(name, NAMESPACE);
    const key = Number.parseInt(first.replaceAll("-", "").slice(0, 13), 16);
    const earlier = this.#given.get(key) ?? 0;
    this.#given.set(key, earlier + 1);
    return earlier === 0 ? first : nameBasedUuid(`${name}#${earlier + 1}`, NAMESPACE);
  }
}

/** Whether a trade closed at its target: by its ROI table, or by a trailing stop that was in profit. */
export function reachedTarget(trade: Trade): boolean {
  return trade.exitReason === "roi" || (trade.exitReason === "trailing_stop_loss" && trade.roi > 0);
}

const iso = (time: number): string => new Date(time).toISOString();
const HOUR = 3_600_000;

/**
 * The strand that asks for the dimensions of imported trades (see `strand_file.ts`).
 *
 * @param format Names the strand.
 * @param more Those of the format, beside those of every trade.
 */
export function dimensionsStrand(time: number, format = "freqtrade", more: readonly string[] = []): Strand {
  const dimensions = [...TRADE_DIMENSIONS, ...more].map((dim): ScopeDimension => ({ dim, source: "entry" }));
  return {
    id: `${format}-dimensions-${nameBasedUuid(JSON.stringify(dimensions), NAMESPACE)}`,
    module: "pm",
    kind: DIMENSIONS_KIND,
    created_at: iso(time),
    content: { dimensions },
  };
}

interface Step {
  readonly category: "entry" | "add" | "trim" | "exit";
  readonly at: number;
  readonly motif: string;
  readonly sizeFrac?: number;
  /** The order that was filled; null where the export has none. */
  readonly order: TradeOrder | null;
  readonly reasons: Record<string, unknown>;
}

/**
 * What freqtrade itself writes as the tag of an order that leaves: it tells how things went, unlike a tag that a strategy
 * gave the order when it made it.
 */
const EXIT_REASONS = new Set([
  "roi",
  "stop_loss",
  "stoploss_on_exchange",
  "trailing_stop_loss",
  "liquidation",
  "exit_signal",
  "sell_signal",
  "force_exit",
  "force_sell",
  "emergency_exit",
  "emergency_sell",
  "custom_exit",
  "custom_sell",
  "partial_exit",
  "solved",
]);

/** The tag that an order was given when it was made, and that is not just its trade's; else null. */
function ownTag(order: TradeOrder, trade: Trade): string | null {
  const inherited = [trade.enterTag, trade.exitReason];
  return order.tag === null || inherited.includes(order.tag) ||
      (!order.isEntry && EXIT_REASONS.has(order.tag))
    ? null
    : keyPart(order.tag);
}

/** Entry and exit, with an add for every further entry order and a trim for every exit order but the last. */
function steps(trade: Trade): Step[] {
  const entries = trade.orders.filter((order) => order.isEntry);
  const exits = trade.orders.filter((order) => !order.isEntry);
  const between = [...entries.slice(1), ...exits.slice(0, -1)].sort((a, b) => a.filledAt - b.filledAt);
  const detail = (order: TradeOrder): Record<string, unknown> => ({
    ...(order.tag === null ? {} : { order_tag: order.tag }),
    ...(order.price === null ? {} : { rate: order.price }),
    amount: order.amount,
  });
  const places = { add: 0, trim: 0 };
  let held = entries[0]?.amount ?? 0;
  const adjustments = between.map((order): Step => {
    const before = held;
    held += order.isEntry ? order.amount : -order.amount;
    const category = order.isEntry ? "add" : "trim";
    const motif = ownTag(order, trade) ?? `${category}_${++places[category]}`;
    if (order.isEntry) return { category, at: order.filledAt, motif, order, reasons: detail(order) };
    const share = before > 0 ? Math.min(order.amount / before, 1) : 1;
    return { category, at: order.filledAt, motif, sizeFrac: share, order, reasons: detail(order) };
  });
  return [
    {
      category: "entry",
      at: trade.openedAt,
      motif: trade.enterTag === null ? "entry" : keyPart(trade.enterTag),
      order: entries[0] ?? null,
      reasons: { rate: entries[0]?.price ?? trade.openRate },
    },
    ...adjustments,
    {
      category: "exit",
      at: trade.closedAt,
      motif: "exit",
      sizeFrac: 1,
      order: exits.at(-1) ?? null,
      reasons: { exit_reason: trade.exitReason, rate: trade.closeRate },
    },
  ];
}

/** Identities of positions by their names; an import has few. */
const positions = new Map<string, string>();

function positionOf({ strategy, pair, timeframe }: Trade): string {
  const name = JSON.stringify([strategy, pair, timeframe]);
  const known = positions.get(name) ?? nameBasedUuid(name, NAMESPACE);
  positions.set(name, known);
  return known;
}

/** The strands of one trade, in time: its actions and its `position_closed`. */
export function tradeStrands(trade: Trade, tradeId: string): Strand[] {
  const entryContext: Record<string, string> = {
    strategy: trade.strategy,
    pair: trade.pair,
    side: trade.side,
    ...(trade.enterTag === null ? {} : { enter_tag: trade.enterTag }),
    ...trade.context,
    ...(trade.isTimed === false ? {} : { session: utcSession(trade.openedAt) }),
    weekday: WEEKDAYS[new Date(trade.openedAt).getUTCDay()] ?? "",
  };
  const scope = { ...entryContext, ...(trade.timeframe === null ? {} : { timeframe: trade.timeframe }) };
  const family = `pm.${keyPart(trade.strategy)}.${trade.side}`;
  const common = {
    module: "pm",
    position_id: positionOf(trade),
    trade_id: tradeId,
    symbol: trade.pair,
    ...(trade.timeframe === null ? {} : { timeframe: trade.timeframe }),
  };
  const counts: Record<string, number> = {};
  const actions = steps(trade).map(({ category, at, motif, sizeFrac, order, reasons }): Strand => {
    const count = counts[category] = (counts[category] ?? 0) + 1;
    return {
      ...common,
      id: `${tradeId}-${category}${category === "add" || category === "trim" ? `-${count}` : ""}`,
      kind: "pm_action",
      created_at: iso(at),
      content: {
        trade_id: tradeId,
        pattern_key: `${family}.${motif}`,
        action_category: category,
        scope,
        ...(sizeFrac === undefined ? {} : { size_frac: sizeFrac }),
        ...(order === null ? {} : { price: order.price, quantity: order.amount }),
        reasons,
      },
    };
  });
  const reached = reachedTarget(trade);
  const inDollars = trade.profitAbs !== null && trade.stakeCurrency !== null &&
    DOLLARS.has(trade.stakeCurrency);
  const close: Strand = {
    ...common,
    id: `${tradeId}-closed`,
    kind: "position_closed",
    created_at: iso(trade.closedAt),
    content: {
      trade_id: tradeId,
      entry_context: entryContext,
      trade_summary: {
        rr: trade.rr ?? trade.roi / trade.risk,
        rpnl_pct: trade.roi * 100,
        ...(inDollars ? { pnl_usd: trade.profitAbs } : {}),
        entry_price: trade.openRate,
        exit_price: trade.closeRate,
        leverage: trade.leverage,
        entry_timestamp: iso(trade.openedAt),
        exit_timestamp: iso(trade.closedAt),
        reached_s3: reached,
        ...(reached ? { time_to_s3_hours: (trade.closedAt - trade.openedAt) / HOUR } : {}),
      },
      completed_trades: [],
    },
  };
  return [...actions, close];
}
