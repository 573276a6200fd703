import { hasColumns, type Profile } from "../profile.ts";

/** Trades of a backtest of Jesse: times in milliseconds, PNL_percentage in percent of what was staked. */
export const jesse: Profile = {
  name: "trades of Jesse",
  strategy: "jesse",
  fits: (header) => hasColumns(header, /^opened_at$/i, /^closed_at$/i, /^PNL_percentage$/i),
  columns: {
    type: "side",
    PNL: "profit",
    pnl: "profit",
    PNL_percentage: "return",
    pnl_percentage: "return",
    // The value of the position; what was staked on it depends on the leverage, which it does not tell.
    size: "ignore",
    fee: "outcome",
    holding_period: "outcome",
    orders: "ignore",
    exchange: "ignore",
  },
  returnUnit: "percent",
  zone: "UTC",
};
