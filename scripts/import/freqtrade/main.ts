/**
 * `deno task import:freqtrade FILE --out FILE.ndjson`, or without `--out` into the running stack: turns the trades of a
 * freqtrade backtest or bot into strands and says what its outcomes look like.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse_args.js";
import { z } from "zod";
import { visible } from "../../../functions/_shared/runtime/visible.ts";
import { unknownArgument } from "../../command_line.ts";
import { importProgress } from "../progress.ts";
import { print, printError, reportImport } from "../report.ts";
import { openDestination } from "../destination.ts";
import { UsageError } from "../stack_sink.ts";
import { type BotAddress, openBot } from "./api.ts";
import { type ExportImportResult, importExport } from "./import.ts";
import { openSource } from "./source.ts";
import type { TradeDefaults } from "./trade.ts";

const FLAGS = ["out", "db", "timeframe", "stoploss", "url", "user", "password"] as const;

const USAGE = `Turns the trades of freqtrade into strands, again and again: what is there already stays.

  deno task import:freqtrade FILE --out FILE.ndjson   writes a strand file for demo --input
  deno task import:freqtrade FILE                     feeds the stack that start left running,
                                                      or with --db URL the database there
  deno task import:freqtrade --url http://HOST:8080   asks a bot that runs, over its REST API

FILE is the result of a backtest (.zip, .json or .json.gz), the database of a bot (tradesv3.sqlite, live or dry run),
or what a bot tells of its trades: freqtrade show-trades --print-json > FILE, or an answer of /api/v1/trades.

  --timeframe 5m     for exports that do not name the strategy's timeframe
  --stoploss 0.1     for exports without stop losses, to measure R/R by
  --user, --password of the bot's api_server; better as FREQTRADE_USER and FREQTRADE_PASSWORD`;

/** What the command line asks for. */
export interface Options {
  /** The file to read; null where a bot is asked. */
  readonly file: string | null;
  readonly bot: BotAddress | null;
  /** Strand file to write; null: feed a database. */
  readonly out: string | null;
  /** Address of the database to feed; null: that of the running stack. */
  readonly db: string | null;
  readonly defaults: TradeDefaults;
}

const argumentsSchema = z.object({
  _: z.array(z.coerce.string()),
  out: z.string().optional(),
  db: z.string().optional(),
  timeframe: z.string().optional(),
  stoploss: z.string().optional(),
  url: z.string().optional(),
  user: z.string().optional(),
  password: z.string().optional(),
});

/** Variables of the environment, as far as they are read. */
export type Environment = (name: string) => string | undefined;

function readBot(
  { url, user, password }: z.infer<typeof argumentsSchema>,
  environment: Environment,
): BotAddress | null {
  if (url === undefined) return null;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new UsageError(`--url is "${url}", expected the address of a bot such as http://127.0.0.1:8080.`);
  }
  const inUrl = new URL(url);
  const name = user ?? environment("FREQTRADE_USER") ?? decodeURIComponent(inUrl.username);
  const secret = password ?? environment("FREQTRADE_PASSWORD") ?? decodeURIComponent(inUrl.password);
  if (name === "" || secret === "") {
    throw new UsageError(
      `A bot wants the user and password of its api_server: give them as FREQTRADE_USER and FREQTRADE_PASSWORD.`,
    );
  }
  return { url, user: name, password: secret };
}

/**
 * Reads the command line.
 *
 * @throws {UsageError} naming what is wrong.
 */
export function readOptions(
  args: readonly string[],
  environment: Environment = (name) => Deno.env.get(name),
): Options {
  const unknown: string[] = [];
  const parsed = argumentsSchema.parse(parseArgs([...args], {
    string: ["_", ...FLAGS],
    unknown: (arg: string, key?: string) => key === undefined || (unknown.push(arg), false),
  }));
  if (unknown.length > 0) {
    throw new UsageError(`${unknown.map((one) => unknownArgument(one, FLAGS)).join(" ")}\n\n${USAGE}`);
  }
  const bot = readBot(parsed, environment);
  const [file, ...rest] = parsed._;
  if (bot !== null && file !== undefined) {
    throw new UsageError(`Expected a file or --url, got both.\n\n${USAGE}`);
  }
  if (bot === null && (file === undefined || rest.length > 0)) {
    throw new UsageError(`Expected one export file, got ${parsed._.length}.\n\n${USAGE}`);
  }
  if (parsed.out === "") throw new UsageError(`--out needs the name of a file.\n\n${USAGE}`);
  if (parsed.db === "") throw new UsageError(`--db needs the address of a database.\n\n${USAGE}`);
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
    file: file ?? null,
    bot,
    out: parsed.out ?? null,
    db: parsed.db ?? null,
    defaults: {
      ...(parsed.timeframe === undefined ? {} : { timeframe: parsed.timeframe }),
      ...(stoploss === undefined ? {} : { stoploss }),
    },
  };
}

function reportStrategies(options: Options, result: ExportImportResult): void {
  for (const { name, trades, timeframe } of result.strategies) {
    const on = timeframe ?? (result.strategies.length === 1 ? [...result.timeframes].join(", ") : "");
    print(`${visible(name)}: ${trades.toLocaleString("en-US")} trades${on === "" ? "" : ` on ${on}`}`);
    if (on === "" && options.defaults.timeframe === undefined) {
      print(`  The export does not name its timeframe, so its scopes have none. Pass it with --timeframe.`);
    }
  }
}

/** Runs the import; the exit code is 0 when at least one trade was imported. */
export async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    print(USAGE);
    return 0;
  }
  const listener = importProgress();
  try {
    const options = readOptions(args);
    await using source = options.bot === null ? await openSource(options.file ?? "") : openBot(options.bot);
    const { sink, shares } = await openDestination(options);
    const result = await importExport(source, sink, options.defaults, listener);
    listener.end();
    reportStrategies(options, result);
    reportImport(result, result.timeframes, { out: options.out, shares });
    return result.imported > 0 ? 0 : 1;
  } catch (cause) {
    listener.end();
    printError(cause instanceof Error ? cause.message : String(cause));
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
