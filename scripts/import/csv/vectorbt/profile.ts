import { hasColumns, type Profile } from "../profile.ts";

/** `portfolio.trades.records_readable.to_csv(…)`, of vectorbt and of vectorbt PRO: Return is a fraction. */
export const vectorbt: Profile = {
  name: "trades of vectorbt",
  strategy: "vectorbt",
  fits: (header) =>
    hasColumns(
      header,
      /^(Entry Timestamp|Entry Index|Entry Date)$/i,
      /^(Avg\.? Entry Price|Entry Price)$/i,
      "Return",
      "Status",
    ) &&
    hasColumns(header, "Direction", /^(Exit Trade Id|Trade Id|Position Id)$/i),
  columns: {
    Column: "symbol",
    Return: "return",
    Status: "status",
    "Entry Fees": "outcome",
    "Exit Fees": "outcome",
    "Entry Index": "opened",
    "Exit Index": "closed",
    "Parent Id": "ignore",
    "Position Id": "ignore",
    "Entry Order Id": "ignore",
    "Exit Order Id": "ignore",
  },
  returnUnit: "fraction",
  decimal: ".",
};
