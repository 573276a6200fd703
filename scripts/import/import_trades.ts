/**
 * What every import of trades has in common: a format hands over trades one by one, each as strands or with the reasons why
 * it cannot be read; the good ones go into a sink, the others are told of, and nothing half-written is left behind.
 *
 * @module
 */

import { faultsOf } from "../../functions/_shared/strands/judge.ts";
import type { Strand } from "../strand_file.ts";
import { OutcomeCollector } from "./outcomes.ts";
import type { StrandSink } from "./sink.ts";

/** A trade as its format read it. */
export type ReadTrade =
  & {
    /** Where in the source it stands, for the person who has to mend it. */
    readonly position: string;
  }
  & (
    | {
      readonly strands: readonly Strand[];
      /** Outcome as a fraction of the stake. */
      readonly roi: number;
    }
    | { readonly reasons: readonly string[] }
  );

/** What an import tells while it runs. */
export interface ImportListener {
  /** Bytes read while the source is looked over, of how many (null: not known). */
  onScan?(read: number, size: number | null): void;
  /** Trades read, of how many. */
  onTrade?(read: number, total: number): void;
  /** A trade that was refused: where it is, and every reason. */
  onRefused?(position: string, reasons: readonly string[]): void;
}

/** What came of an import. */
export interface ImportResult {
  readonly imported: number;
  readonly refused: number;
  /** Strands that the sink did not have. */
  readonly written: number;
  /** Strands that it had already. */
  readonly known: number;
  /** roi of every imported trade, in the order of the source. */
  readonly rois: Float64Array;
}

/**
 * Imports trades into a sink.
 *
 * @param preamble What the sink gets before the first good trade, such as the dimensions that the format registers.
 * @param total How many trades will come.
 * @throws whatever `trades` or the sink throws; the sink is abandoned then.
 */
export async function importTrades(
  trades: AsyncIterable<ReadTrade>,
  total: number,
  preamble: (first: readonly Strand[]) => readonly Strand[],
  sink: StrandSink,
  listener: ImportListener = {},
): Promise<ImportResult> {
  const outcomes = new OutcomeCollector();
  let imported = 0;
  let refused = 0;
  try {
    for await (const trade of trades) {
      const reasons = "reasons" in trade ? trade.reasons : faultsIn(trade.strands);
      if ("reasons" in trade || reasons.length > 0) {
        refused += 1;
        listener.onRefused?.(trade.position, reasons);
      } else {
        if (imported === 0) { for (const strand of preamble(trade.strands)) await sink.add(strand); }
        for (const strand of trade.strands) await sink.add(strand);
        imported += 1;
        outcomes.add(trade.roi);
      }
      listener.onTrade?.(imported + refused, total);
    }
    const { written, known } = imported > 0
      ? await sink.close()
      : (await sink.abandon(), { written: 0, known: 0 });
    return { imported, refused, written, known, rois: outcomes.values };
  } catch (cause) {
    await sink.abandon();
    throw cause;
  }
}

/** What the loop would refuse strands for: figures beyond its bounds, which no field by itself gives away. */
function faultsIn(strands: readonly Strand[]): string[] {
  return strands.flatMap((strand) =>
    faultsOf(strand).map(({ path, message }) => `as ${strand.kind}, ${path}: ${message}`)
  );
}
