/**
 * One trade of a backtest or a bot, in the field names of every freqtrade version that wrote a stop loss or named its
 * strategy's, checked and brought to one shape.
 *
 * @module
 */

import { z } from "zod";
import type { RawTrade, StrategyFacts } from "./export.ts";
import type { Trade, TradeOrder } from "../trade.ts";
import { timeframeName } from "./timeframe.ts";

/** What stands in where neither trade nor strategy says it, as older exports do not. */
export interface TradeDefaults {
  readonly timeframe?: string;
  /** As a fraction of the stake; the sign does not matter. */
  readonly stoploss?: number;
}

/** A trade, that it has not ended yet, or every reason why there is none. */
export type TradeReading =
  | { readonly trade: Trade; readonly reasons?: never; readonly isOpen?: never }
  | { readonly trade?: never; readonly reasons?: never; readonly isOpen: true }
  | { readonly trade?: never; readonly reasons: readonly string[]; readonly isOpen?: never };

/** Scope values beyond this make the database reject the strand (functions/README.md, "Scopes"). */
const MAX_SCOPE_LENGTH = 200;
/** |rpnl_pct| ≤ 1e6 (functions/README.md, "From strands to events"), as a fraction. */
const MAX_ABS_ROI = 1e4;
/** No market that freqtrade trades is older: an earlier time was counted in seconds. */
const FIRST_PLAUSIBLE_TIME = Date.UTC(2009, 0, 1);
/** Exports of 2020 round profits to eight decimals. */
const PROFIT_ROUNDING = 1e-7;

const tag = z.string().nullish();
const number = z.number().nullish();
const scopeText = z.string().min(1).max(MAX_SCOPE_LENGTH);

const orderSchema = z.object({
  amount: number,
  safe_price: number,
  filled: number,
  ft_order_side: tag,
  ft_is_entry: z.boolean().nullish(),
  ft_order_tag: tag,
  order_filled_timestamp: number,
});

const tradeSchema = z.object({
  pair: scopeText,
  trade_id: number,
  exchange: tag,
  timeframe: z.union([z.number(), z.string()]).nullish(),
  is_open: z.boolean().nullish(),
  is_short: z.boolean().nullish(),
  leverage: z.number().positive().nullish(),
  enter_tag: tag,
  buy_tag: tag,
  exit_reason: tag,
  sell_reason: tag,
  open_timestamp: number,
  close_timestamp: number,
  open_date: z.string().nullish(),
  close_date: z.string().nullish(),
  open_rate: z.number().positive(),
  close_rate: z.number().nonnegative().nullish(),
  fee_open: number,
  open_fee: number,
  fee_close: number,
  close_fee: number,
  profit_ratio: number,
  close_profit: number,
  profit_percent: number,
  profit_abs: number,
  close_profit_abs: number,
  initial_stop_loss_ratio: number,
  initial_stop_loss_abs: number,
  initial_stop_loss: number,
  orders: z.array(orderSchema).nullish(),
});
type Fields = z.infer<typeof tradeSchema>;

const emptyIsNull = (text: string | null | undefined): string | null => text?.trim() ? text.trim() : null;

/** Reads one of the two forms in which exports write a time; a date without a zone is UTC. */
function readTime(name: "open" | "close", fields: Fields, reasons: string[]): number {
  const stamp = fields[`${name}_timestamp`];
  const date = fields[`${name}_date`];
  if (typeof stamp === "number") {
    if (stamp >= FIRST_PLAUSIBLE_TIME && stamp <= 8.64e15) return Math.round(stamp);
    reasons.push(`${name}_timestamp: ${stamp} are no milliseconds since 1970 of any time a market existed`);
    return NaN;
  }
  if (typeof date !== "string") {
    reasons.push(`${name}_timestamp: missing, and so is ${name}_date`);
    return NaN;
  }
  const iso = date.trim().replace(" ", "T");
  const time = Date.parse(/(Z|[+-]\d\d:?\d\d)$/i.test(iso) ? iso : `${iso}Z`);
  if (Number.isNaN(time)) {
    reasons.push(`${name}_date: "${date}" is no date such as "2024-01-01 16:10:00+00:00"`);
  }
  return time;
}

/**
 * The outcome. Exports of 2020 call it `profit_percent` and mean the same fraction; as the name says otherwise, it is
 * only taken where it agrees with the rates and fees beside it.
 */
function readRoi(fields: Fields, reasons: string[]): number {
  const { profit_percent: percent, open_rate: open, close_rate: close } = fields;
  const ratio = fields.profit_ratio ?? fields.close_profit;
  if (typeof ratio === "number") {
    if (Math.abs(ratio) <= MAX_ABS_ROI) return ratio;
    reasons.push(`profit_ratio: ${ratio} is beyond ±${MAX_ABS_ROI}`);
    return NaN;
  }
  if (typeof percent !== "number") {
    reasons.push("profit_ratio: missing");
    return NaN;
  }
  const feeOpen = fields.open_fee ?? fields.fee_open;
  const feeClose = fields.close_fee ?? fields.fee_close;
  if (typeof feeOpen === "number" && typeof feeClose === "number" && typeof close === "number") {
    const expected = (close * (1 - feeClose)) / (open * (1 + feeOpen)) - 1;
    if (Math.abs(percent - expected) <= PROFIT_ROUNDING) return percent;
  }
  reasons.push(
    `profit_ratio: missing, and profit_percent ${percent} is not the fraction that rates and fees give. ` +
      `Run the backtest again with a current freqtrade`,
  );
  return NaN;
}

/**
 * What the trade risked: its own initial stop, else the distance of the stop's price, else the strategy's stop loss,
 * else the default. Zero says as little as a missing value: R/R has no meaning without a risk.
 */
function readRisk(fields: Fields, facts: StrategyFacts, defaults: TradeDefaults, reasons: string[]): number {
  const stopRate = fields.initial_stop_loss_abs ?? fields.initial_stop_loss;
  const candidates = [
    fields.initial_stop_loss_ratio,
    typeof stopRate === "number" && stopRate > 0
      ? (fields.open_rate - stopRate) / fields.open_rate * (fields.leverage ?? 1)
      : null,
    facts.stoploss,
    defaults.stoploss,
  ];
  for (const candidate of candidates) {
    if (typeof candidate === "number" && candidate !== 0) return Math.abs(candidate);
  }
  reasons.push(
    "initial_stop_loss_ratio: missing or 0, and neither initial_stop_loss_abs nor the strategy's stoploss stands in, " +
      "so R/R cannot be measured. Pass --stoploss with the strategy's stop, e.g. --stoploss 0.1",
  );
  return NaN;
}

/** Orders that were filled, in time; the first field that is not as expected is a reason. */
function readOrders(fields: Fields, side: Trade["side"], reasons: string[]): TradeOrder[] {
  const entrySide = side === "short" ? "sell" : "buy";
  return (fields.orders ?? []).flatMap((order, at): TradeOrder[] => {
    const { order_filled_timestamp: filledAt } = order;
    // Only a bot says how much was filled: an order that was cancelled may have been in part, or not at all.
    const amount = order.filled ?? order.amount;
    if (typeof filledAt !== "number" || order.filled === 0) return [];
    const isEntry = order.ft_is_entry ?? (order.ft_order_side ? order.ft_order_side === entrySide : null);
    if (isEntry === null) {
      reasons.push(`orders.${at}: neither ft_is_entry nor ft_order_side says whether it enters or exits`);
      return [];
    }
    if (typeof amount !== "number" || amount <= 0) {
      reasons.push(`orders.${at}.amount: must be > 0 where the order was filled, not ${amount ?? "missing"}`);
      return [];
    }
    return [{
      filledAt,
      isEntry,
      amount,
      price: order.safe_price ?? null,
      tag: emptyIsNull(order.ft_order_tag),
    }];
  }).sort((a, b) => a.filledAt - b.filledAt);
}

/**
 * Whether the trade ended although it is said to be open: until mid-2022, backtests said so of those that their own end
 * closed.
 */
function hasOutcome(fields: Fields): boolean {
  return typeof fields.close_rate === "number" &&
    (typeof fields.close_timestamp === "number" || typeof fields.close_date === "string") &&
    (typeof fields.profit_ratio === "number" || typeof fields.profit_percent === "number");
}

function reasonOf(issue: z.core.$ZodIssue): string {
  return issue.path.length === 0 ? issue.message : `${issue.path.join(".")}: ${issue.message}`;
}

/** Reads one trade; one that cannot be learned from comes back as every reason why not. */
export function readTrade(raw: RawTrade, facts: StrategyFacts, defaults: TradeDefaults = {}): TradeReading {
  const parsed = tradeSchema.safeParse(raw.value);
  if (!parsed.success) return { reasons: parsed.error.issues.map(reasonOf) };
  const fields = parsed.data;
  if (fields.is_open === true && (raw.fromBot || !hasOutcome(fields))) return { isOpen: true };
  const reasons: string[] = [];
  const side = fields.is_short === true ? "short" : "long";
  const openedAt = readTime("open", fields, reasons);
  const closedAt = readTime("close", fields, reasons);
  if (closedAt < openedAt) reasons.push("close_timestamp: before open_timestamp");
  const closeRate = fields.close_rate ?? NaN;
  if (Number.isNaN(closeRate)) reasons.push("close_rate: missing");
  const roi = readRoi(fields, reasons);
  const risk = readRisk(fields, facts, defaults, reasons);
  const enterTag = emptyIsNull(fields.enter_tag) ?? emptyIsNull(fields.buy_tag);
  for (const [name, text] of [["enter_tag", enterTag], ["strategy", raw.strategy]] as const) {
    if (text !== null && text.length > MAX_SCOPE_LENGTH) {
      reasons.push(`${name}: ${text.length} characters, and a scope holds at most ${MAX_SCOPE_LENGTH}`);
    }
  }
  const orders = readOrders(fields, side, reasons);
  if (reasons.length > 0) return { reasons };
  return {
    trade: {
      strategy: raw.strategy,
      botTrade: raw.fromBot && typeof fields.trade_id === "number"
        ? { number: fields.trade_id, exchange: fields.exchange ?? "" }
        : null,
      pair: fields.pair,
      side,
      timeframe: timeframeName(fields.timeframe) ?? facts.timeframe ?? defaults.timeframe ?? null,
      enterTag,
      exitReason: emptyIsNull(fields.exit_reason) ?? emptyIsNull(fields.sell_reason),
      openedAt,
      closedAt,
      openRate: fields.open_rate,
      closeRate,
      leverage: fields.leverage ?? 1,
      feeOpen: fields.fee_open ?? fields.open_fee ?? null,
      feeClose: fields.fee_close ?? fields.close_fee ?? null,
      roi,
      risk,
      profitAbs: fields.profit_abs ?? fields.close_profit_abs ?? null,
      stakeCurrency: facts.stakeCurrency ?? fields.pair.split("/")[1]?.split(":")[0] ?? null,
      orders,
    },
  };
}
