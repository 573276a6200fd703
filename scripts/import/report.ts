/**
 * What every import says at its end, whatever the format.
 *
 * @module
 */

import { stripAnsiCode } from "@std/fmt/colors.js";
import { visibleLines } from "../../functions/_shared/runtime/visible.ts";
import { print as printAsItIs } from "../command_line.ts";
import type { ImportResult } from "./import_trades.ts";
import { describeOutcomes, summarise } from "./outcomes.ts";
import { describeMissingShares, type Shares } from "./shares.ts";

const encoder = new TextEncoder();

/** Writes lines to standard output; control characters of others are shown. */
export const print = (line: string): void =>
  void Deno.stdout.writeSync(encoder.encode(`${visibleLines(line)}\n`));

/** The same to the error stream. */
export const printError = (text: string): void =>
  void Deno.stderr.writeSync(encoder.encode(`${visibleLines(text)}\n`));

/** Where the strands went, and what decides there which timeframes have a share. */
export interface Destination {
  /** The strand file; null: the running stack. */
  readonly out: string | null;
  readonly shares: Shares;
}

/** Prints the counts, which timeframes lack a share, the diagnosis and the outcomes. */
export function reportImport(
  result: ImportResult,
  timeframes: Iterable<string>,
  destination: Destination,
): void {
  const count = (n: number): string => n.toLocaleString("en-US");
  const open = result.open === 0 ? "" : ` ${count(result.open)} still open: left out until closed.`;
  print(`Imported ${count(result.imported)} trades, refused ${count(result.refused)}.${open}`);
  if (result.imported === 0) return;
  print(
    destination.out === null
      ? `Stored ${count(result.written)} new strands; ${count(result.known)} were there already.`
      : `Wrote ${count(result.written)} strands to ${destination.out}.`,
  );
  const missing = describeMissingShares(timeframes, destination.shares);
  if (missing.length > 0) print(["", ...missing].join("\n"));
  const diagnosis = ["", ...result.diagnosis.lines()].join("\n");
  // Its cells are shown already, and its colours are ours.
  if (diagnosis !== "") printAsItIs(Deno.stdout.isTerminal() ? diagnosis : stripAnsiCode(diagnosis));
  print(["", ...describeOutcomes(summarise(result.rois))].join("\n"));
}
