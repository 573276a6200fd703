/**
 * From a backtest export to strands: reads it twice as a stream, hands the good trades to a sink and says why the
 * others were refused.
 *
 * @module
 */

import { faultsOf } from "../../functions/_shared/strands/judge.ts";
import { type BacktestExport, ExportError, readTrades, scanExport, type StrategyFacts } from "./export.ts";
import { OutcomeCollector } from "./outcomes.ts";
import type { StrandSink } from "./sink.ts";
import { dimensionsStrand, TradeNames, tradeStrands } from "./strands.ts";
import { readTrade, type TradeDefaults } from "./trade.ts";
import type { Strand } from "../strand_file.ts";

/** What an import tells while it runs. */
export interface ImportListener {
  /** Bytes of JSON read in the first pass, of how many (null: not known). */
  onScan?(read: number, size: number | null): void;
  /** Trades read in the second pass, of how many. */
  onTrade?(read: number, total: number): void;
  /** A trade that was refused: where it is, and every reason. */
  onRefused?(position: string, reasons: readonly string[]): void;
}

/** What came of an import. */
export interface ImportResult {
  readonly strategies: readonly StrategyFacts[];
  readonly imported: number;
  readonly refused: number;
  /** Strands that the sink did not have. */
  readonly written: number;
  /** Strands that it had already. */
  readonly known: number;
  /** roi of every imported trade, in the order of the export. */
  readonly rois: Float64Array;
}

/** What the loop would refuse strands for: figures beyond its bounds, which no field by itself gives away. */
function faultsIn(strands: readonly Strand[]): string[] {
  return strands.flatMap((strand) =>
    faultsOf(strand).map(({ path, message }) => `as ${strand.kind}, ${path}: ${message}`)
  );
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
): Promise<ImportResult> {
  const strategies = await scanExport(source, (read) => listener.onScan?.(read, source.size));
  const total = [...strategies.values()].reduce((sum, { trades }) => sum + trades, 0);
  if (total === 0) {
    throw new ExportError(
      `${source.name} holds no trade of ${[...strategies.keys()].join(", ")}. ` +
        `Export the trades with the backtest: freqtrade backtesting --export trades`,
    );
  }
  const names = new TradeNames();
  const outcomes = new OutcomeCollector();
  let imported = 0;
  let refused = 0;
  try {
    for await (const raw of readTrades(source)) {
      const facts = strategies.get(raw.strategy);
      if (facts === undefined) {
        throw new ExportError(`${source.name} changed while it was read. Import it again.`);
      }
      const { trade, reasons } = readTrade(raw, facts, defaults);
      const strands = trade === undefined ? [] : tradeStrands(trade, names.next(trade));
      const faults = reasons ?? faultsIn(strands);
      if (trade === undefined || faults.length > 0) {
        refused += 1;
        listener.onRefused?.(`strategy.${raw.strategy}.trades[${raw.index}]`, faults);
      } else {
        if (imported === 0) await sink.add(dimensionsStrand(trade.openedAt));
        for (const strand of strands) await sink.add(strand);
        imported += 1;
        outcomes.add(trade.roi);
      }
      listener.onTrade?.(imported + refused, total);
    }
    const { written, known } = imported > 0
      ? await sink.close()
      : (await sink.abandon(), { written: 0, known: 0 });
    return { strategies: [...strategies.values()], imported, refused, written, known, rois: outcomes.values };
  } catch (cause) {
    await sink.abandon();
    throw cause;
  }
}
