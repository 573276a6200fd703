/**
 * What an import knows of a trade, whatever the format.
 *
 * @module
 */

/** A filled order of a trade. */
export interface TradeOrder {
  /** Fill time in milliseconds since 1970. */
  readonly filledAt: number;
  readonly isEntry: boolean;
  /** Units of the base currency, > 0. */
  readonly amount: number;
  readonly price: number | null;
  readonly tag: string | null;
}

/** A closed trade, wherever it comes from. Times are milliseconds since 1970, ratios are fractions of the stake (0.05 = 5 %). */
export interface Trade {
  readonly strategy: string;
  /** Number that a bot gave it, and its exchange; null for a trade of a backtest. */
  readonly botTrade: { readonly number: number; readonly exchange: string } | null;
  /** What names it, where figures that make a backtest's trade the same trade do not. */
  readonly key?: string;
  readonly pair: string;
  readonly side: "long" | "short";
  readonly timeframe: string | null;
  readonly enterTag: string | null;
  /** What else was known at the entry, by dimension. */
  readonly context?: Readonly<Record<string, string>>;
  readonly exitReason: string | null;
  readonly openedAt: number;
  readonly closedAt: number;
  readonly openRate: number | null;
  readonly closeRate: number | null;
  readonly leverage: number;
  readonly feeOpen: number | null;
  readonly feeClose: number | null;
  /** Whether the hour of its beginning is known, and with it the session. */
  readonly isTimed?: boolean;
  /** Outcome as a fraction of the stake, after fees. */
  readonly roi: number;
  /** R/R where the source says it; else it is measured by the risk. */
  readonly rr?: number;
  /** What the trade risked at its start as a fraction of the stake, > 0. */
  readonly risk: number;
  /** Profit in the stake currency. */
  readonly profitAbs: number | null;
  readonly stakeCurrency: string | null;
  /** Filled orders in the order of their filling; empty where the export has none. */
  readonly orders: readonly TradeOrder[];
}
