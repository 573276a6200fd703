/**
 * From freqtrade's trades to strands: the source is read twice, once to know its strategies and once for its trades.
 *
 * @module
 */

import { type ImportListener, type ImportResult, importTrades, type ReadTrade } from "../import_trades.ts";
import type { StrandSink } from "../sink.ts";
import { ExportError, type RawTrade, type StrategyFacts } from "./export.ts";
import type { TradeSource } from "./source.ts";
import { dimensionsStrand, TradeNames, tradeStrands } from "../strands.ts";
import { readTrade, type TradeDefaults } from "./trade.ts";

/** What came of the import of a source. */
export interface ExportImportResult extends ImportResult {
  readonly strategies: readonly StrategyFacts[];
  /** Candle lengths of the trades that were imported. */
  readonly timeframes: ReadonlySet<string>;
}

/**
 * Imports a source into a sink.
 *
 * @throws {ExportError} when it is no freqtrade trades, cannot be read to its end, or holds none.
 */
export async function importExport(
  source: TradeSource,
  sink: StrandSink,
  defaults: TradeDefaults = {},
  listener: ImportListener = {},
): Promise<ExportImportResult> {
  const strategies = await source.scan((read) => listener.onScan?.(read, source.size));
  const total = [...strategies.values()].reduce((sum, { trades }) => sum + trades, 0);
  if (total === 0) throw new ExportError(`${source.name} ${withoutTrades([...strategies.keys()])}`);
  const timeframes = new Set<string>();
  const result = await importTrades(
    tradesOf(source, strategies, defaults, timeframes),
    total,
    ([first]) => [dimensionsStrand(Date.parse(first?.created_at ?? ""))],
    sink,
    listener,
  );
  const open = result.open + (await source.countOpen?.() ?? 0);
  return { ...result, open, strategies: [...strategies.values()], timeframes };
}

function withoutTrades(strategies: readonly string[]): string {
  return strategies.length === 0
    ? "holds no trade yet: none was closed, so there is nothing to import. Come back when the bot has closed some."
    : `holds no trade of ${
      strategies.join(", ")
    }: the backtest made none, or was run without keeping them. ` +
      "Look at its timerange, pairs and entry signals, and run it with --export trades.";
}

function positionOf(raw: RawTrade): string {
  return raw.fromBot ? `trades[${raw.index}]` : `strategy.${raw.strategy}.trades[${raw.index}]`;
}

async function* tradesOf(
  source: TradeSource,
  strategies: ReadonlyMap<string, StrategyFacts>,
  defaults: TradeDefaults,
  timeframes: Set<string>,
): AsyncGenerator<ReadTrade> {
  const names = new TradeNames();
  for await (const raw of source.trades()) {
    const facts = strategies.get(raw.strategy);
    if (facts === undefined) {
      throw new ExportError(`${source.name} changed while it was read. Import it again.`);
    }
    const position = positionOf(raw);
    const { trade, reasons, isOpen } = readTrade(raw, facts, defaults);
    if (isOpen === true) yield { position, isOpen };
    else if (trade === undefined) yield { position, reasons };
    else {
      if (trade.timeframe !== null) timeframes.add(trade.timeframe);
      const entry = trade.enterTag ?? "(no tag)";
      yield {
        position,
        strands: tradeStrands(trade, names.next(trade)),
        roi: trade.roi,
        diagnosis: {
          entry: strategies.size === 1 ? entry : `${trade.strategy} ${entry}`,
          exit: trade.exitReason ?? "(no reason)",
        },
      };
    }
  }
}
