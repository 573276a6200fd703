/**
 * What every import of trades has in common: a format hands over trades one by one, each as strands or with the reasons why
 * it cannot be read; the good ones go into a sink, the others are told of, and nothing half-written is left behind.
 *
 * @module
 */

import { faultsOf } from "../../functions/_shared/strands/judge.ts";
import type { Strand } from "../strand_file.ts";
import { Diagnosis } from "./diagnosis.ts";
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
      /** What was behind the entry and what ended the trade, where the source tells both. */
      readonly diagnosis?: { readonly entry: string; readonly exit: string };
    }
    | { readonly reasons: readonly string[] }
    /** It has no outcome yet. */
    | { readonly isOpen: true }
  );

/** What an import tells while it runs. */
export interface ImportListener {
  /** Bytes read while the source is looked over, of how many (null: not known). */
  onScan?(read: number, size: number | null): void;
  /** Trades read, of how many. */
  onTrade?(read: number, total: number): void;
  /** A trade that was refused: where it is, and every reason. */
  onRefused?(position: string, reasons: readonly string[]): void;
  /** A trade that is still open, and where it is. */
  onOpen?(position: string): void;
}

/** What came of an import. */
export interface ImportResult {
  readonly imported: number;
  readonly refused: number;
  /** Trades that were left out because they have no outcome yet. */
  readonly open: number;
  /** Strands that the sink did not have. */
  readonly written: number;
  /** Strands that it had already. */
  readonly known: number;
  /** roi of every imported trade, in the order of the source. */
  readonly rois: Float64Array;
  /** What trades came to by what was behind them and what ended them. */
  readonly diagnosis: Diagnosis;
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
  let open = 0;
  const diagnosis = new Diagnosis();
  try {
    for await (const trade of trades) {
      if ("isOpen" in trade) {
        open += 1;
        listener.onOpen?.(trade.position);
        listener.onTrade?.(imported + refused + open, total);
        continue;
      }
      const reasons = "reasons" in trade ? trade.reasons : faultsIn(trade.strands);
      if ("reasons" in trade || reasons.length > 0) {
        refused += 1;
        listener.onRefused?.(trade.position, reasons);
      } else {
        if (imported === 0) { for (const strand of preamble(trade.strands)) await sink.add(strand); }
        for (const strand of trade.strands) await sink.add(strand);
        imported += 1;
        outcomes.add(trade.roi);
        if (trade.diagnosis !== undefined) diagnosis.add(trade.diagnosis, trade.roi);
      }
      listener.onTrade?.(imported + refused + open, total);
    }
    const { written, known } = imported > 0
      ? await sink.close()
      : (await sink.abandon(), { written: 0, known: 0 });
    return { imported, refused, open, written, known, rois: outcomes.values, diagnosis };
  } catch (cause) {
    await sink.abandon();
    throw cause;
  }
}

/** What the loop would refuse strands for: figures beyond its bounds, which no field by itself gives away. */
function faultsIn(strands: readonly Strand[]): string[] {
  return strands.flatMap((strand) =>
    faultsOf(strand, Date.now()).map(({ path, message }) => `as ${strand.kind}, ${path}: ${message}`)
  );
}
