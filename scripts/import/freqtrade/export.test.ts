import { assertEquals, assertObjectMatch, assertRejects, assertThrows } from "@std/assert/mod.js";
import { TextReader, Uint8ArrayWriter, ZipWriter } from "@zip.js/zip.js";
import { chooseEntry, ExportError, openExport, type RawTrade, readTrades, scanExport } from "./export.ts";
import { NumbersThatAreNone } from "./numbers_that_are_none.ts";
import { exportText, rawTrade, withFile } from "../../testing/import/freqtrade_exports.ts";

const first = rawTrade();
const second = rawTrade({ pair: "ADA/USDT", profit_ratio: 0.01 });
const twoStrategies = exportText({ ichi: [first, second], "sma v1.2": [second] });

async function zip(entries: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const writer = new ZipWriter(new Uint8ArrayWriter());
  for (const [name, text] of Object.entries(entries)) await writer.add(name, new TextReader(text));
  return await writer.close();
}

interface Read {
  readonly name: string;
  readonly size: number | null;
  readonly strategies: unknown;
  readonly trades: readonly RawTrade[];
}

const read = (name: string, content: string | Uint8Array): Promise<Read> =>
  withFile(name, content, async (path) => {
    await using source = await openExport(path);
    const strategies = Object.fromEntries(await scanExport(source));
    return {
      name: source.name,
      size: source.size,
      strategies,
      trades: await Array.fromAsync(readTrades(source)),
    };
  });

const expectedTrades = [
  { strategy: "ichi", index: 0, value: first, fromBot: false },
  { strategy: "ichi", index: 1, value: second, fromBot: false },
  { strategy: "sma v1.2", index: 0, value: second, fromBot: false },
];

Deno.test("an export gives its trades in order, each with its strategy and place", async () => {
  const { trades } = await read("backtest.json", twoStrategies);
  assertEquals(trades, expectedTrades);
});

Deno.test("what holds for a strategy is read although it follows the trades", async () => {
  const { strategies } = await read("backtest.json", twoStrategies);
  const facts = { timeframe: "5m", stoploss: -0.3, stakeCurrency: "USDT" };
  assertEquals(strategies, {
    ichi: { name: "ichi", trades: 2, ...facts },
    "sma v1.2": { name: "sma v1.2", trades: 1, ...facts },
  });
});

Deno.test("the timeframe goes by its older name too, and what is not said is null", async () => {
  const { strategies } = await read(
    "old.json",
    JSON.stringify({ strategy: { a: { trades: [first], ticker_interval: "1h" }, b: { trades: [first] } } }),
  );
  assertEquals(strategies, {
    a: { name: "a", trades: 1, timeframe: "1h", stoploss: null, stakeCurrency: null },
    b: { name: "b", trades: 1, timeframe: null, stoploss: null, stakeCurrency: null },
  });
});

Deno.test("a gzipped export is told from its content", async () => {
  const packed = new Blob([twoStrategies]).stream().pipeThrough(new CompressionStream("gzip"));
  const { trades, size } = await read(
    "backtest.json",
    new Uint8Array(await new Response(packed).arrayBuffer()),
  );
  assertEquals(trades, expectedTrades);
  assertEquals(size, null);
});

Deno.test("a zip gives the trades of the entry named like it, not its configuration or strategy parameters", async () => {
  const archive = await zip({
    "run-1_config.json": JSON.stringify({ strategy: "ichi" }),
    "run-1_ichi.json": JSON.stringify({ params: {} }),
    "run-1_ichi.py": "class ichi: pass",
    "run-1_market_change.feather": "ARROW1",
    "run-1.meta.json": JSON.stringify({ ichi: { run_id: "1" } }),
    "run-1.json": twoStrategies,
  });
  const { trades, name, size } = await read("run-1.zip", archive);
  assertEquals(trades, expectedTrades);
  assertEquals(name.endsWith("run-1.zip (run-1.json)"), true);
  assertEquals(size, new TextEncoder().encode(twoStrategies).length);
});

Deno.test("a renamed zip, and one without the suffix, are read all the same", async () => {
  const archive = await zip({
    "run-1_ichi.json": "{}",
    "run-1_config.json": "{}",
    "run-1.json": twoStrategies,
  });
  assertEquals((await read("mine.zip", archive)).trades, expectedTrades);
  assertEquals((await read("mine", archive)).trades, expectedTrades);
});

Deno.test("the entry with the trades is chosen by name", () => {
  assertEquals(chooseEntry("/x/run.zip", ["a.json", "run.json", "run_config.json"]), "run.json");
  assertEquals(chooseEntry("/x/mine.zip", ["a.json", "run.json", "run_config.json"]), "run.json");
  assertEquals(chooseEntry("/x/mine.zip", ["results/run.json", "run.meta.json"]), "results/run.json");
  assertThrows(() => chooseEntry("mine.zip", ["a.json", "b.json"]), ExportError, "several JSON files");
  assertThrows(
    () => chooseEntry("mine.zip", ["a_config.json", "b.feather"]),
    ExportError,
    "none of its 2 entries",
  );
});

Deno.test("a list of trades without strategies is refused with an explanation", async () => {
  const list = JSON.stringify([[
    "TRX/BTC",
    0.0399,
    1515568500.0,
    1515568800.0,
    27,
    5,
    9.64e-05,
    0.0001,
    false,
    "roi",
  ]]);
  await assertRejects(() => read("old.json", list), ExportError, "a list of trades without their strategy");
});

Deno.test("files that lie beside an export are refused by what they are", async () => {
  const refusals: readonly (readonly [name: string, content: string | Uint8Array, words: string])[] = [
    [".last_result.json", '{"latest_backtest": "run-1.zip"}', "only points to the newest result"],
    [
      "run-1.meta.json",
      '{"ichi": {"run_id": "1", "backtest_start_time": 1}}',
      'backtest of "ichi" ran (meta.json)',
    ],
    ["config.json", '{"stake_currency": "USDT", "exchange": {}}', "it is a configuration"],
    ["ichi.json", '{"strategy_name": "ichi", "params": {}}', "parameters of a strategy"],
    ["empty.json", "{}", "found nothing"],
    ["other.json", '{"hello": 1}', 'found "hello"'],
    ["run-1_market_change.feather", "ARROW1\0\0", "market data in Feather's form"],
    ["run-1_signals.pkl", new Uint8Array([0x80, 4, 0x95, 0]), "a Python pickle"],
    ["ichi.py", "from freqtrade.strategy import IStrategy\n", "source text"],
    ["dump.sql", "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;", "the dump of a database"],
    ["log.json", "2024-05-06 09:52:28,123 - freqtrade - INFO - x\n[]", "begins with freqtrade's log"],
    ["outer.zip", await zip({ "run-1.zip": "PK" }), "holds an archive instead of trades: run-1.zip"],
  ];
  for (const [name, content, words] of refusals) {
    await assertRejects(() => read(name, content), ExportError, words, name);
  }
});

Deno.test("figures that are no numbers are read as missing, wherever a piece of the file ends", async () => {
  const text = exportText({ ichi: [first, second] })
    .replace(
      "{",
      '{"NaN": "-Infinity \\" NaN", "sharpe": NaN, "calmar": [Infinity, -Infinity,NaN], "sqn": -1.5e-3, ',
    );
  const { trades } = await read("nan.json", text);
  assertEquals(trades, expectedTrades.slice(0, 2));
  for (const size of [1, 2, 3, 7]) {
    const numbers = new NumbersThatAreNone();
    const bytes = new TextEncoder().encode(text);
    let out = "";
    for (let at = 0; at < bytes.length; at += size) {
      out += new TextDecoder().decode(numbers.next(bytes.slice(at, at + size)));
    }
    const parsed: unknown = JSON.parse(out);
    assertObjectMatch({ parsed }, {
      parsed: { NaN: '-Infinity " NaN', sharpe: null, calmar: [null, null, null], sqn: -0.0015 },
    });
  }
});

Deno.test("an export that breaks off is an error that says where", async () => {
  const cut = twoStrategies.slice(0, -30);
  await assertRejects(() => read("cut.json", cut), ExportError, `near byte ${cut.length}`);
  await assertRejects(() => read("none.json", ""), ExportError, "the text ends before its JSON value does");
  await assertRejects(() => read("text.json", "pair,profit\n"), ExportError, "cannot be read as JSON");
});

Deno.test("a damaged zip is an error, whether its directory or its content is damaged", async () => {
  const archive = await zip({
    "run-1.json": exportText({ ichi: Array.from({ length: 50 }, () => rawTrade()) }),
  });
  await assertRejects(
    () => read("run-1.zip", archive.slice(0, 200)),
    ExportError,
    "cannot be read as a zip archive",
  );
  const damaged = archive.slice();
  damaged.fill(0x55, 100, 300);
  await assertRejects(() => read("run-1.zip", damaged), ExportError, "cannot be read as JSON");
});

Deno.test("a missing file is an error that names it", async () => {
  await assertRejects(() => openExport("/nowhere/run.json"), Deno.errors.NotFound, "/nowhere/run.json");
});

Deno.test("progress reports the bytes of JSON, up to all of them", async () => {
  await withFile("backtest.json", twoStrategies, async (path) => {
    await using source = await openExport(path);
    const seen: number[] = [];
    await scanExport(source, (bytes) => seen.push(bytes));
    assertEquals(seen.at(-1), source.size);
  });
});

Deno.test("white space around the JSON and a byte order mark do not matter", async () => {
  const { trades } = await read(
    "backtest.json",
    `\uFEFF\n${JSON.stringify(JSON.parse(twoStrategies), null, 2)}\n\n`,
  );
  assertEquals(trades, expectedTrades);
});
