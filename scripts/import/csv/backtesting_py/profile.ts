import { hasColumns, type Profile } from "../profile.ts";

/** `stats["_trades"].to_csv(…)`: the sign of Size is the side, ReturnPct a fraction in spite of its name. */
export const backtestingPy: Profile = {
  name: "trades of backtesting.py",
  strategy: "backtesting_py",
  fits: (header) =>
    hasColumns(header, "Size", "EntryPrice", "ExitPrice", "ReturnPct", "EntryTime", "ExitTime"),
  columns: {
    Size: "quantity",
    EntryPrice: "entry_price",
    ExitPrice: "exit_price",
    PnL: "profit",
    ReturnPct: "return",
    EntryTime: "opened",
    ExitTime: "closed",
    Tag: "entry_tag",
    SL: "stop",
    TP: "ignore",
    EntryBar: "ignore",
    ExitBar: "outcome",
    Duration: "outcome",
    Commission: "outcome",
  },
  returnUnit: "fraction",
  decimal: ".",
};
