/**
 * Where freqtrade's trades may come from: a file of a backtest or a bot, a bot's database, a bot that runs.
 *
 * @module
 */

import { isDatabase, openDatabase } from "./database.ts";
import {
  type OnProgress,
  openExport,
  type RawTrade,
  readTrades,
  scanExport,
  type StrategyFacts,
} from "./export.ts";

/** Trades that can be read as often as wanted until their source is closed. */
export interface TradeSource extends AsyncDisposable {
  /** What messages call it. */
  readonly name: string;
  /** Bytes that a scan reads, where known beforehand. */
  readonly size: number | null;
  /** What holds for all trades of a strategy, by its name, and how many there are. */
  scan(onProgress?: OnProgress): Promise<ReadonlyMap<string, StrategyFacts>>;
  /** How many trades are open, of a source that tells no more of them. */
  countOpen?(): Promise<number>;
  /** The trades, unjudged. */
  trades(): AsyncIterable<RawTrade>;
}

/**
 * Opens a file; what it is, is told from its content.
 *
 * @throws {ExportError} when it holds no trades of freqtrade.
 */
export async function openSource(path: string): Promise<TradeSource> {
  if (await isDatabase(path)) return openDatabase(path);
  const source = await openExport(path);
  return {
    name: source.name,
    size: source.size,
    scan: (onProgress) => scanExport(source, onProgress),
    trades: () => readTrades(source),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}
