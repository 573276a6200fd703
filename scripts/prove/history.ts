/**
 * A history to be proven on: strands of trades in the order in which they became known.
 *
 * @module
 */

import { z } from "zod";
import {
  dimensionRows,
  DIMENSIONS_KIND,
  registeredDimensions,
  type ScopeDimension,
  type Strand,
  type StrandRow,
  strandRow,
} from "../strand_file.ts";
import { cutsBetween } from "./calendar.ts";

/** Kinds that bear on the sizes of entries and adds; episodes move gates, which no way of sizing looks at. */
const KINDS: ReadonlySet<string> = new Set(["pm_action", "dm_action", "position_closed"]);

/** A strand and when it became known, in epoch milliseconds. */
export interface KnownStrand {
  readonly row: StrandRow;
  readonly knownAt: number;
}

/** What a proof is made on. */
export interface History {
  /** In the order in which they became known. */
  readonly strands: readonly KnownStrand[];
  readonly dimensions: readonly ScopeDimension[];
  readonly cuts: readonly number[];
  /** First and last event time, in epoch milliseconds. */
  readonly from: number;
  readonly to: number;
}

/** How a history is read. */
export interface HistoryOptions {
  readonly cadence: number;
  readonly embargo: number;
  /** Strands before or after are left out; epoch milliseconds. */
  readonly from?: number;
  readonly until?: number;
}

const close = z.object({ trade_summary: z.object({ exit_timestamp: z.string() }) });

/** A close is known from the later of the exit and its own time, and after the embargo; anything else from its own time. */
function knownAt(row: StrandRow, embargo: number): number {
  const written = Date.parse(row.created_at);
  if (row.kind !== "position_closed") return written;
  const parsed = close.safeParse(row.content);
  const exit = parsed.success ? Date.parse(parsed.data.trade_summary.exit_timestamp) : NaN;
  return Math.max(written, Number.isNaN(exit) ? written : exit) + embargo;
}

/**
 * Reads strands into a history.
 *
 * @throws Error where there is nothing to prove anything on.
 */
export async function readHistory(
  strands: AsyncIterable<Strand> | Iterable<Strand>,
  options: HistoryOptions,
): Promise<History> {
  const known: KnownStrand[] = [];
  const dimensions: ScopeDimension[] = [];
  let [from, to] = [Infinity, -Infinity];
  for await (const strand of strands) {
    if (strand.kind === DIMENSIONS_KIND) dimensions.push(...registeredDimensions(strand));
    if (!KINDS.has(strand.kind)) continue;
    const row = strandRow(strand);
    const at = Date.parse(row.created_at);
    if (at < (options.from ?? -Infinity) || at >= (options.until ?? Infinity)) continue;
    known.push({ row, knownAt: knownAt(row, options.embargo) });
    from = Math.min(from, at);
    to = Math.max(to, at);
  }
  if (known.length === 0) {
    throw new Error("There is nothing to prove anything on: no action and no close of a trade was read.");
  }
  known.sort((a, b) => a.knownAt - b.knownAt);
  return { strands: known, dimensions, cuts: cutsBetween(from, to, options.cadence), from, to };
}

export { dimensionRows };
