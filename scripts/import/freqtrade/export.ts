/**
 * Reads what freqtrade writes as JSON, of any size and as a stream: backtest exports, gzipped or not, or in the `.zip`
 * that holds them beside configuration, market data and strategy sources; and the trades that a bot tells of, by
 * `show-trades --print-json` or its REST API. What a file is, is told from its content.
 *
 * An export names each strategy's timeframe and stop loss after its trades, so it is read twice: {@link scanExport}
 * learns what holds for all trades of a strategy, {@link readTrades} hands out the trades.
 *
 * @module
 */

import { Tokenizer, TokenParser } from "@streamparser/json";
import { configure, type FileEntry, Reader, ZipReader } from "@zip.js/zip.js";
import { z } from "zod";
import { explainKeys, fileStartingWith, OLD_LIST } from "./beside.ts";
import { NumbersThatAreNone } from "./numbers_that_are_none.ts";
import { timeframeName } from "./timeframe.ts";

// One entry is unpacked at a time; a worker per entry would cost more than it gives.
configure({ useWebWorkers: false });

type Bytes = Uint8Array<ArrayBuffer>;

/** A file that is no freqtrade backtest export, or cannot be read to its end. */
export class ExportError extends Error {
  override readonly name = "ExportError";
}

/** An opened export; can be read as often as wanted until it is closed. */
export interface BacktestExport extends AsyncDisposable {
  /** What messages call it: the path, and the entry's name inside a zip. */
  readonly name: string;
  /** Bytes of JSON, where known beforehand (not for a gzipped file). */
  readonly size: number | null;
  /** The JSON text, from its beginning. */
  open(): Promise<ReadableStream<Bytes>>;
}

/** What an export says of one strategy beside its trades; null where it says nothing. */
export interface StrategyFacts {
  readonly name: string;
  /** Number of its trades. */
  readonly trades: number;
  /** Candle length, e.g. `5m`. */
  readonly timeframe: string | null;
  /** The strategy's stop loss as a fraction of the stake, as written (usually negative). */
  readonly stoploss: number | null;
  /** Currency that stakes and absolute profits are counted in. */
  readonly stakeCurrency: string | null;
}

/** One trade as the export holds it, and where. */
export interface RawTrade {
  readonly strategy: string;
  /** Place in the strategy's list of trades, from 0. */
  readonly index: number;
  readonly value: unknown;
  /** Whether a bot tells of it, live or in a dry run, rather than a backtest. */
  readonly fromBot: boolean;
}

/** What a bot's trades are filed under that name no strategy, as those of its first years. */
export const UNNAMED_STRATEGY = "unnamed";

/** Called after every piece read, with the bytes of JSON read so far. */
export type OnProgress = (bytesRead: number) => void;

const ZIP_MAGIC = [0x50, 0x4b];
const GZIP_MAGIC = [0x1f, 0x8b];

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

async function headOf(path: string): Promise<Bytes> {
  using file = await Deno.open(path);
  const head = new Uint8Array(64);
  const read = await file.read(head);
  return head.subarray(0, read ?? 0);
}

const startsWith = (head: Bytes, magic: readonly number[]): boolean =>
  magic.every((byte, at) => head[at] === byte);

/** Random access to a file for the zip reader, so that an archive is never held in memory. */
class FileReader extends Reader<Deno.FsFile> {
  readonly #file: Deno.FsFile;
  constructor(file: Deno.FsFile, size: number) {
    super(file);
    this.#file = file;
    this.size = size;
  }

  override async readUint8Array(index: number, length: number): Promise<Bytes> {
    await this.#file.seek(index, Deno.SeekMode.Start);
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const read = await this.#file.read(bytes.subarray(filled));
      if (read === null) break;
      filled += read;
    }
    return bytes.subarray(0, filled);
  }
}

function entryStream(entry: FileEntry): ReadableStream<Bytes> {
  const { readable, writable } = new TransformStream<Bytes, Bytes>();
  // A failure to unpack reaches the reader as the stream's own error.
  entry.getData(writable, { checkSignature: true }).catch((cause) =>
    writable.abort(cause).catch(() => undefined)
  );
  return readable;
}

/**
 * The entry of a freqtrade zip that holds the trades: named like the archive, or, in a renamed archive, the one that
 * the configuration beside it is named after, or the only JSON file that is neither configuration nor metadata.
 */
export function chooseEntry(archive: string, names: readonly string[]): string {
  const stem = (name: string): string => name.replace(/^.*[/\\]/, "").replace(/\.[^.]*$/, "");
  const inner = names.filter((name) => /\.zip$/i.test(name));
  const candidates = names.filter((name) =>
    /\.json$/i.test(name) && !/(_config|\.meta|\.?last_result)\.json$/i.test(name)
  );
  const chosen = candidates.find((name) => stem(name) === stem(archive)) ??
    candidates.find((name) => names.includes(name.replace(/\.json$/i, "_config.json"))) ??
    (candidates.length === 1 ? candidates[0] : undefined);
  if (chosen !== undefined) return chosen;
  if (candidates.length === 0 && inner.length > 0) {
    throw new ExportError(
      `${archive} holds ${inner.length === 1 ? "an archive" : "archives"} instead of trades: ${
        inner.join(", ")
      }. ` +
        `Unpack it and import what is inside.`,
    );
  }
  throw new ExportError(
    candidates.length === 0
      ? `${archive} holds no backtest result: none of its ${names.length} entries is a JSON file of trades. ` +
        `A freqtrade zip holds "<name>.json" beside "<name>_config.json".`
      : `${archive} holds several JSON files that may be the backtest result: ${candidates.join(", ")}. ` +
        `Unpack it and import the right one.`,
  );
}

async function openZip(path: string): Promise<BacktestExport> {
  const file = await Deno.open(path);
  const reader = new ZipReader(new FileReader(file, (await file.stat()).size));
  const close = async (): Promise<void> => {
    await reader.close();
    file.close();
  };
  try {
    const entries = (await reader.getEntries()).filter((entry): entry is FileEntry => !entry.directory);
    const chosen = chooseEntry(path, entries.map((entry) => entry.filename));
    const entry = entries.find((candidate) => candidate.filename === chosen);
    if (entry === undefined) throw new ExportError(`${path} has lost its entry "${chosen}".`);
    if (entry.encrypted) {
      throw new ExportError(`"${chosen}" in ${path} is encrypted. Unpack it and import the JSON file.`);
    }
    return {
      name: `${path} (${chosen})`,
      size: entry.uncompressedSize,
      open: () => Promise.resolve(entryStream(entry)),
      [Symbol.asyncDispose]: close,
    };
  } catch (cause) {
    await close();
    if (cause instanceof ExportError) throw cause;
    throw new ExportError(`${path} cannot be read as a zip archive: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Opens a backtest export.
 *
 * @throws {ExportError} when a zip archive is damaged or has no entry that may hold the trades.
 */
export async function openExport(path: string): Promise<BacktestExport> {
  const head = await headOf(path);
  const other = fileStartingWith(head);
  if (other !== null) throw new ExportError(`${path} holds no trades: ${other}`);
  if (startsWith(head, ZIP_MAGIC)) return await openZip(path);
  const gzipped = startsWith(head, GZIP_MAGIC);
  return {
    name: path,
    size: gzipped ? null : (await Deno.stat(path)).size,
    open: async () => {
      const file = await Deno.open(path);
      return gzipped ? file.readable.pipeThrough(new DecompressionStream("gzip")) : file.readable;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** A value found in the export: the keys that lead to it, outermost first. */
interface Found {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

/** Parses the export once and hands out, piece by piece, the values at the given paths; nothing else is kept. */
async function* valuesAt(
  source: BacktestExport,
  paths: string[],
  onProgress?: OnProgress,
): AsyncGenerator<readonly Found[], void, undefined> {
  const tokenizer = new Tokenizer();
  const parser = new TokenParser({ paths, keepStack: false });
  let found: Found[] = [];
  tokenizer.onToken = (token): void => parser.write(token);
  parser.onValue = ({ value, key, stack }): void => {
    const keys = [...stack.slice(1).map((container) => container.key), key];
    found.push({ path: keys.filter((part) => part !== undefined), value });
  };
  let bytesRead = 0;
  try {
    const numbers = new NumbersThatAreNone();
    for await (const piece of await source.open()) {
      tokenizer.write(numbers.next(piece));
      bytesRead += piece.length;
      onProgress?.(bytesRead);
      if (found.length > 0) {
        yield found;
        found = [];
      }
    }
    if (!parser.isEnded) throw new Error("the text ends before its JSON value does");
  } catch (cause) {
    throw unreadable(source, bytesRead, cause);
  }
}

function unreadable(source: BacktestExport, bytesRead: number, cause: unknown): ExportError {
  return new ExportError(
    `${source.name} cannot be read as JSON near byte ${bytesRead}: ${messageOf(cause)}. ` +
      `It may be incomplete, or no backtest export.`,
    { cause },
  );
}

/** Says what a file without trades is instead, and what to do. */
async function explain(source: BacktestExport): Promise<string> {
  const values = new Map<string, unknown>();
  for await (const found of valuesAt(source, ["$.*"])) {
    for (const { path: [key], value } of found) if (key !== undefined) values.set(String(key), value);
  }
  return `${source.name} is no backtest export: ${explainKeys(values)}`;
}

/** Where an export says what holds for all trades of a strategy; `ticker_interval` is what it was called before 2020. */
const FACTS = ["timeframe", "ticker_interval", "stoploss", "stake_currency", "strategy_name"];
const TRADES = "$.strategy.*.trades.*";
/** Where a bot's REST API has its trades, and where `show-trades --print-json`. */
const API_TRADES = "$.trades.*";
const LISTED_TRADES = "$.*";

/** Whether the JSON is a list, as a bot's is, rather than an object. */
async function isList(source: BacktestExport): Promise<boolean> {
  const decoder = new TextDecoder();
  try {
    for await (const piece of await source.open()) {
      const text = decoder.decode(piece, { stream: true }).trimStart();
      if (text !== "") return text.startsWith("[");
    }
  } catch (cause) {
    throw unreadable(source, 0, cause);
  }
  return false;
}

const botTradeSchema = z.looseObject({ strategy: z.string().nullish(), timeframe: z.unknown().optional() });

/** The strategy that a bot's trade names. */
export function strategyOf(value: unknown): string {
  return textOrNull(botTradeSchema.safeParse(value).data?.strategy) ?? UNNAMED_STRATEGY;
}

/** Collects, trade by trade, what a bot's trades say of their strategies. */
export class BotFacts {
  readonly #facts = new Map<string, { trades: number; timeframes: Set<string> }>();

  add(value: unknown): void {
    const strategy = strategyOf(value);
    const facts = this.#facts.get(strategy) ?? { trades: 0, timeframes: new Set<string>() };
    const timeframe = timeframeName(botTradeSchema.safeParse(value).data?.timeframe);
    facts.trades += 1;
    if (timeframe !== null) facts.timeframes.add(timeframe);
    this.#facts.set(strategy, facts);
  }

  /** By strategy; the timeframe only where all its trades agree. */
  get strategies(): ReadonlyMap<string, StrategyFacts> {
    return new Map([...this.#facts].map(([name, { trades, timeframes }]) => {
      const [timeframe = null, ...others] = timeframes;
      const agreed = others.length === 0 ? timeframe : null;
      return [name, { name, trades, timeframe: agreed, stoploss: null, stakeCurrency: null }];
    }));
  }
}

const textOrNull = (value: unknown): string | null =>
  typeof value === "string" && value !== "" ? value : null;

/**
 * Reads an export once and learns what it says of each strategy, by strategy name.
 *
 * @throws {ExportError} when it is not JSON to its end, or no backtest export; the message says what it is instead.
 */
export async function scanExport(
  source: BacktestExport,
  onProgress?: OnProgress,
): Promise<ReadonlyMap<string, StrategyFacts>> {
  const bot = new BotFacts();
  if (await isList(source)) {
    for await (const found of valuesAt(source, [LISTED_TRADES], onProgress)) {
      for (const { value } of found) {
        if (Array.isArray(value)) throw new ExportError(`${source.name} cannot be imported: ${OLD_LIST}`);
        bot.add(value);
      }
    }
    return bot.strategies;
  }
  const trades = new Map<string, number>();
  const facts = new Map<string, Map<string, unknown>>();
  const paths = [TRADES, API_TRADES, "$.trades_count", ...FACTS.map((fact) => `$.strategy.*.${fact}`)];
  let isAnswer = false;
  for await (const found of valuesAt(source, paths, onProgress)) {
    for (const { path: [root, name, field, index], value } of found) {
      if (root !== "strategy") {
        isAnswer = true;
        if (root === "trades") bot.add(value);
        continue;
      }
      const strategy = String(name);
      if (index !== undefined) trades.set(strategy, (trades.get(strategy) ?? 0) + 1);
      else facts.set(strategy, (facts.get(strategy) ?? new Map<string, unknown>()).set(String(field), value));
    }
  }
  const names = new Set([...trades.keys(), ...facts.keys()]);
  if (isAnswer && names.size === 0) return bot.strategies;
  if (names.size === 0) throw new ExportError(await explain(source));
  return new Map([...names].map((name) => {
    const said = facts.get(name);
    const stoploss = said?.get("stoploss");
    return [name, {
      name,
      trades: trades.get(name) ?? 0,
      timeframe: textOrNull(said?.get("timeframe")) ?? textOrNull(said?.get("ticker_interval")),
      stoploss: typeof stoploss === "number" && Number.isFinite(stoploss) ? stoploss : null,
      stakeCurrency: textOrNull(said?.get("stake_currency")),
    }];
  }));
}

/**
 * Hands out the trades of an export, in its order, unjudged.
 *
 * @throws {ExportError} when it is not JSON to its end.
 */
export async function* readTrades(
  source: BacktestExport,
  onProgress?: OnProgress,
): AsyncGenerator<RawTrade, void, undefined> {
  const paths = await isList(source) ? [LISTED_TRADES] : [TRADES, API_TRADES];
  for await (const found of valuesAt(source, paths, onProgress)) {
    for (const { path, value } of found) {
      const [root, strategy, , index] = path;
      yield root === "strategy"
        ? { strategy: String(strategy), index: Number(index), value, fromBot: false }
        : { strategy: strategyOf(value), index: Number(path.at(-1)), value, fromBot: true };
    }
  }
}
