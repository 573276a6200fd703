/**
 * `deno task import:csv FILE`: turns a table of trades, one row a closed trade or as a known tool writes it, into strands.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse_args.js";
import { stripAnsiCode } from "@std/fmt/colors.js";
import { z } from "zod";
import { print as printAsItIs, unknownArgument } from "../../command_line.ts";
import { importProgress } from "../progress.ts";
import { print, printError, reportImport } from "../report.ts";
import { openDestination } from "../destination.ts";
import { UsageError } from "../stack_sink.ts";
import { describePlan } from "./description.ts";
import { planImport, runImport } from "./import.ts";
import { TableError } from "./text.ts";
import { Zone } from "./dates.ts";
import { NO_WISHES, readWishes, type Wishes } from "./wishes.ts";

const TEXTS = ["map", "zone", "out", "db", "strategy", "symbol", "timeframe", "stoploss", "dates"] as const;

const USAGE = `Turns a table of trades into strands, again and again: what is there already stays.

  deno task import:csv FILE --out FILE.ndjson   writes a strand file for demo --input
  deno task import:csv FILE                     feeds the stack that start left running,
                                                or with --db URL the database there
  deno task import:csv FILE --look              only shows what each column is taken for

FILE has one row a closed trade, with a header; delimiters, decimals and dates are found out. Known by their headers:
TradingView's list of trades, statements of MetaTrader 4 and 5 (HTML or CSV), trades of backtesting.py, vectorbt and
Jesse, executors and fills of Hummingbot. Columns of text that have no other meaning become dimensions.

  --map FILE         which column is what, where names do not tell: {"columns": {"My result": "return_percent"}}
  --zone NAME        of times that name none: UTC, Europe/Berlin, America/New_York
  --dates dmy        whether the day or the month comes first (mdy) in dates of figures
  --bucket NAME=4    a column of figures becomes a dimension of so many buckets; may be repeated
  --strategy NAME, --symbol NAME, --timeframe 1h    what no column tells
  --stoploss 0.05    what a trade risks that does not say it, to measure R/R by`;

/** What the command line asks for. */
export interface Options {
  readonly file: string;
  /** Strand file to write; null: feed a database. */
  readonly out: string | null;
  /** Address of the database to feed; null: that of the running stack. */
  readonly db: string | null;
  readonly map: string | null;
  readonly look: boolean;
  /** What it says beside the file of --map. */
  readonly wishes: Wishes;
}

const argumentsSchema = z.object({
  _: z.array(z.coerce.string()),
  map: z.string().min(1).optional(),
  zone: z.string().min(1).optional(),
  out: z.string().min(1).optional(),
  db: z.string().min(1).optional(),
  strategy: z.string().min(1).optional(),
  symbol: z.string().min(1).optional(),
  timeframe: z.string().regex(/^\d+[mhdwM]$/, "expected a candle length such as 5m, 1h or 1d").optional(),
  stoploss: z.string().refine((text) => Number(text) > 0, "expected a fraction of the stake such as 0.05")
    .optional(),
  dates: z.enum(["dmy", "mdy"]).optional(),
  bucket: z.array(z.string().regex(/^.+=\d+$/, "expected a column and how many, such as RSI=4")).default([]),
  look: z.boolean().default(false),
});

function checkZone(name: string): string {
  try {
    new Zone(name);
    return name;
  } catch (cause) {
    throw new UsageError(
      `There is no zone "${name}"; zones are called UTC, Europe/Berlin, America/New_York.`,
      { cause },
    );
  }
}

/**
 * Reads the command line.
 *
 * @throws {UsageError} naming what is wrong.
 */
export function readOptions(args: readonly string[]): Options {
  const unknown: string[] = [];
  const parsed = argumentsSchema.safeParse(parseArgs([...args], {
    string: ["_", ...TEXTS, "bucket"],
    boolean: ["look"],
    collect: ["bucket"],
    unknown: (arg: string, key?: string) => key === undefined || (unknown.push(arg), false),
  }));
  if (unknown.length > 0) {
    const flags = [...TEXTS, "bucket", "look"];
    throw new UsageError(`${unknown.map((one) => unknownArgument(one, flags)).join(" ")}\n\n${USAGE}`);
  }
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `--${path.join(".")}: ${message}`);
    throw new UsageError(`${faults.join("; ")}\n\n${USAGE}`);
  }
  const { _: [file, ...rest], out, db, map, look, bucket, stoploss, zone, ...wishes } = parsed.data;
  if (file === undefined || rest.length > 0) {
    throw new UsageError(`Expected one file, got ${parsed.data._.length}.\n\n${USAGE}`);
  }
  const columns = Object.fromEntries(bucket.map((text) => {
    const [, name = "", count = ""] = /^(.+)=(\d+)$/.exec(text) ?? [];
    return [name, { buckets: Math.max(2, Math.min(20, Number(count))) }];
  }));
  return {
    file,
    out: out ?? null,
    db: db ?? null,
    map: map ?? null,
    look,
    wishes: {
      ...wishes,
      columns,
      ...(zone === undefined ? {} : { zone: checkZone(zone) }),
      ...(stoploss === undefined ? {} : { stoploss: Number(stoploss) }),
    },
  };
}

/** Asks for the zone where somebody can answer, else says how to name it. */
function askZone(): string {
  const question = "Times in this table name no zone, and sessions and weekdays depend on it.";
  if (!Deno.stdin.isTerminal()) {
    throw new TableError(`${question} Name it with --zone, e.g. --zone UTC or --zone Europe/Berlin.`);
  }
  return checkZone(prompt(`${question} Which is it?`, "UTC") ?? "UTC");
}

async function wishesOf({ map, wishes }: Options): Promise<Wishes> {
  const kept = map === null ? NO_WISHES : await readWishes(map);
  if (kept.zone !== undefined) checkZone(kept.zone);
  return { ...kept, ...wishes, columns: { ...kept.columns, ...wishes.columns } };
}

/** Runs the import; the exit code is 0 when at least one trade was imported, or when it was only to look. */
export async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    print(USAGE);
    return 0;
  }
  const listener = importProgress();
  try {
    const options = readOptions(args);
    const plan = await planImport(options.file, await wishesOf(options), askZone);
    const shown = describePlan(plan).join("\n");
    // Its cells are shown already, and its colours are ours.
    printAsItIs(Deno.stdout.isTerminal() ? shown : stripAnsiCode(shown));
    if (options.look) return 0;
    const { sink, shares } = await openDestination(options);
    const result = await runImport(plan, sink, listener);
    listener.end();
    print("");
    reportImport(result, result.timeframes, { out: options.out, shares });
    return result.imported > 0 ? 0 : 1;
  } catch (cause) {
    listener.end();
    printError(cause instanceof Error ? cause.message : String(cause));
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
