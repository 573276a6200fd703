/**
 * From a backtest export to strands: reads it twice as a stream, once to know its strategies and once for its trades.
 *
 * @module
 */

import { type ImportListener, type ImportResult, importTrades, type ReadTrade } from "../import_trades.ts";
import type { StrandSink } from "../sink.ts";
import { type BacktestExport, ExportError, readTrades, scanExport, type StrategyFacts } from "./export.ts";
import { dimensionsStrand, TradeNames, tradeStrands } from "./strands.ts";
import { readTrade, type TradeDefaults } from "./trade.ts";

/** What came of the import of an export. */
export interface ExportImportResult extends ImportResult {
  readonly strategies: readonly StrategyFacts[];
}

/**
 * Imports an export into a sink.
 *
 * @throws {ExportError} when the file is no export, cannot be read to its end, or holds no trade.
 */
export async function importExport(
  source: BacktestExport,
  sink: StrandSink,
  defaults: TradeDefaults = {},
  listener: ImportListener = {},
): Promise<ExportImportResult> {
  const strategies = await scanExport(source, (read) => listener.onScan?.(read, source.size));
  const total = [...strategies.values()].reduce((sum, { trades }) => sum + trades, 0);
  if (total === 0) {
    throw new ExportError(
      `${source.name} holds no trade of ${[...strategies.keys()].join(", ")}. ` +
        `Export the trades with the backtest: freqtrade backtesting --export trades`,
    );
  }
  const result = await importTrades(
    tradesOf(source, strategies, defaults),
    total,
    ([first]) => [dimensionsStrand(Date.parse(first?.created_at ?? ""))],
    sink,
    listener,
  );
  return { ...result, strategies: [...strategies.values()] };
}

async function* tradesOf(
  source: BacktestExport,
  strategies: ReadonlyMap<string, StrategyFacts>,
  defaults: TradeDefaults,
): AsyncGenerator<ReadTrade> {
  const names = new TradeNames();
  for await (const raw of readTrades(source)) {
    const facts = strategies.get(raw.strategy);
    if (facts === undefined) {
      throw new ExportError(`${source.name} changed while it was read. Import it again.`);
    }
    const position = `strategy.${raw.strategy}.trades[${raw.index}]`;
    const { trade, reasons } = readTrade(raw, facts, defaults);
    yield trade === undefined
      ? { position, reasons: reasons ?? [] }
      : { position, strands: tradeStrands(trade, names.next(trade)), roi: trade.roi };
  }
}
