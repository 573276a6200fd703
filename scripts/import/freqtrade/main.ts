/**
 * `deno task import:freqtrade FILE --out FILE.ndjson`, or without `--out` into the running stack: turns a freqtrade
 * backtest export into strands and says what its outcomes look like.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse_args.js";
import { z } from "zod";
import { describeOutcomes, summarise } from "../outcomes.ts";
import { importProgress } from "../progress.ts";
import { FileSink } from "../sink.ts";
import { openStackSink, UsageError } from "../stack_sink.ts";
import { openExport } from "./export.ts";
import { type ExportImportResult, importExport } from "./import.ts";
import type { TradeDefaults } from "./trade.ts";

const USAGE = `Turns a freqtrade backtest export (.json, .json.gz or .zip) into strands.

  deno task import:freqtrade FILE --out FILE.ndjson   writes a strand file for demo --input
  deno task import:freqtrade FILE                     feeds the stack that start left running

  --timeframe 5m     for exports that do not name the strategy's timeframe
  --stoploss 0.1     for exports without stop losses, to measure R/R by`;

/** What the command line asks for. */
export interface Options {
  readonly file: string;
  /** Strand file to write; null: feed the running stack. */
  readonly out: string | null;
  readonly defaults: TradeDefaults;
}

const argumentsSchema = z.object({
  _: z.array(z.coerce.string()),
  out: z.string().optional(),
  timeframe: z.string().optional(),
  stoploss: z.string().optional(),
});

/**
 * Reads the command line.
 *
 * @throws {UsageError} naming what is wrong.
 */
export function readOptions(args: readonly string[]): Options {
  const unknown: string[] = [];
  const parsed = argumentsSchema.parse(parseArgs([...args], {
    string: ["_", "out", "timeframe", "stoploss"],
    unknown: (arg: string, key?: string) => key === undefined || (unknown.push(arg), false),
  }));
  if (unknown.length > 0) throw new UsageError(`Unknown option ${unknown.join(", ")}.\n\n${USAGE}`);
  const [file, ...rest] = parsed._;
  if (file === undefined || rest.length > 0) {
    throw new UsageError(`Expected one export file, got ${parsed._.length}.\n\n${USAGE}`);
  }
  if (parsed.out === "") throw new UsageError(`--out needs the name of a file.\n\n${USAGE}`);
  if (parsed.timeframe !== undefined && !/^\d+[mhdwM]$/.test(parsed.timeframe)) {
    throw new UsageError(
      `--timeframe is "${parsed.timeframe}", expected a candle length such as 5m, 1h or 1d.`,
    );
  }
  const stoploss = parsed.stoploss === undefined ? undefined : Number(parsed.stoploss);
  if (
    stoploss !== undefined && (!Number.isFinite(stoploss) || stoploss === 0 || parsed.stoploss?.trim() === "")
  ) {
    throw new UsageError(
      `--stoploss is "${parsed.stoploss}", expected a fraction of the stake such as --stoploss 0.1.`,
    );
  }
  return {
    file,
    out: parsed.out ?? null,
    defaults: {
      ...(parsed.timeframe === undefined ? {} : { timeframe: parsed.timeframe }),
      ...(stoploss === undefined ? {} : { stoploss }),
    },
  };
}

const encoder = new TextEncoder();
const print = (line: string): void => void Deno.stdout.writeSync(encoder.encode(`${line}\n`));
const printError = (text: string): void => void Deno.stderr.writeSync(encoder.encode(text));

function report(options: Options, result: ExportImportResult): void {
  const count = (n: number): string => n.toLocaleString("en-US");
  for (const { name, trades, timeframe } of result.strategies) {
    print(`${name}: ${count(trades)} trades${timeframe === null ? "" : ` on ${timeframe}`}`);
    if (timeframe === null && options.defaults.timeframe === undefined) {
      print(`  The export does not name its timeframe, so its scopes have none. Pass it with --timeframe.`);
    }
  }
  print(`Imported ${count(result.imported)} trades, refused ${count(result.refused)}.`);
  if (result.imported === 0) return;
  print(
    options.out === null
      ? `Stored ${count(result.written)} new strands; ${count(result.known)} were there already.`
      : `Wrote ${count(result.written)} strands to ${options.out}.`,
  );
  print("");
  for (const line of describeOutcomes(summarise(result.rois))) print(line);
}

/** Runs the import; the exit code is 0 when at least one trade was imported. */
export async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    print(USAGE);
    return 0;
  }
  try {
    const options = readOptions(args);
    await using source = await openExport(options.file);
    const sink = options.out === null ? await openStackSink() : new FileSink(options.out);
    const listener = importProgress();
    try {
      const result = await importExport(source, sink, options.defaults, listener);
      listener.end();
      report(options, result);
      return result.imported > 0 ? 0 : 1;
    } finally {
      listener.end();
    }
  } catch (cause) {
    printError(`${cause instanceof Error ? cause.message : String(cause)}\n`);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
