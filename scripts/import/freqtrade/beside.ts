/**
 * What lies beside an export of trades, and gets imported in its place: each is told for what it is, with what to do.
 *
 * @module
 */

import { z } from "zod";

/** What freqtrade wrote before 2020. */
export const OLD_LIST =
  "it is a list of trades without their strategy, as freqtrade wrote it before 2020: no stop loss to measure R/R by, " +
  "and current freqtrade refuses it too. Run the backtest again and import its result.";

const startsWith = (text: string) => (head: string): boolean => head.startsWith(text);

/** By how they begin: market data and pickled signals of a backtest, dumps, strategies, tables. */
const OTHERS: readonly (readonly [(head: string) => boolean, string])[] = [
  [
    (head) => head.startsWith("ARROW1") || head.startsWith("FEA1"),
    "it is market data in Feather's form, as a backtest writes it beside its result (market_change.feather). Import the " +
    "result, the .zip or .json of the same name.",
  ],
  [startsWith("PAR1"), "it is market data in Parquet's form. Import the result of a backtest."],
  [startsWith("\x89HDF"), "it is market data in HDF5's form. Import the result of a backtest."],
  [
    (head) => head.charCodeAt(0) === 0x80 && head.charCodeAt(1) <= 5,
    "it is a Python pickle, as freqtrade writes signals and rejected signals. Import the result, the .zip or .json.",
  ],
  [
    (head) => /^(PRAGMA foreign_keys|BEGIN TRANSACTION|create table|--)/i.test(head),
    "it is the dump of a database. Make the database of it, sqlite3 live.sqlite < FILE, and import that.",
  ],
  [
    (head) => /^(#|"""|from |import )/.test(head),
    "it is source text, perhaps the strategy's. Import the result of its backtest.",
  ],
  [
    (head) => /^\d{4}-\d\d-\d\d[ T][\d:,.]+ - /.test(head),
    "it begins with freqtrade's log. Write the JSON alone into it: freqtrade show-trades --print-json 2>/dev/null > FILE",
  ],
];

/** What a file is whose first bytes these are, where it is known to hold no trades; else null. */
export function fileStartingWith(head: Uint8Array): string | null {
  const text = String.fromCharCode(...head);
  return OTHERS.find(([is]) => is(text))?.[1] ?? null;
}

const runs = z.record(z.string(), z.looseObject({ run_id: z.string() }));

/** What an object of these keys is that has no trades, and what to do. */
export function explainKeys(values: ReadonlyMap<string, unknown>): string {
  if (values.has("latest_backtest")) {
    return "it only points to the newest result. Import the file that it names.";
  }
  if (values.has("latest_hyperopt")) {
    return "it only points to the newest hyperopt, which keeps no trades. Run a backtest and import its result.";
  }
  if (values.has("params_details") || (values.has("loss") && values.has("results_metrics"))) {
    return "it is a result of hyperopt, which keeps no trades. Run a backtest with its parameters and import that.";
  }
  if (values.has("params") && values.has("strategy_name")) {
    return "it holds the parameters of a strategy. Import the result of its backtest.";
  }
  const seen = values.size === 0 ? "nothing" : [...values.keys()].map((key) => `"${key}"`).join(", ");
  if (values.size > 0 && runs.safeParse(Object.fromEntries(values)).success) {
    return `it only says when the backtest of ${seen} ran (meta.json). Import the result, the .zip or .json beside it.`;
  }
  if (values.has("stake_currency") && (values.has("exchange") || values.has("max_open_trades"))) {
    return `it is a configuration: found ${seen}. Import the result of a backtest, or a bot's database.`;
  }
  return `expected "strategy" with the trades of each strategy, or the "trades" of a bot, and found ${seen}. ` +
    `Import the result file itself, not its metadata or configuration.`;
}
