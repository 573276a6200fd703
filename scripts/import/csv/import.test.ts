import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert/mod.js";
import { z } from "zod";
import { registeredDimensions, type Strand } from "../../strand_file.ts";
import { withFile } from "../../testing/import/freqtrade_exports.ts";
import { MemorySink } from "../../testing/import/memory_sink.ts";
import * as tables from "../../testing/import/tables.ts";
import { describePlan } from "./description.ts";
import { planImport, runImport, type TableImportResult } from "./import.ts";
import { TableError } from "./text.ts";
import { NO_WISHES, type Wishes } from "./wishes.ts";

interface Import {
  readonly result: TableImportResult;
  readonly strands: readonly Strand[];
  readonly refused: Readonly<Record<string, readonly string[]>>;
  readonly shown: string;
}

const noZone = (): string => {
  throw new TableError("a zone is asked for");
};

function importText(
  text: string | Uint8Array,
  wishes: Partial<Wishes> = {},
  { name = "trades.csv", sink = new MemorySink() } = {},
): Promise<Import> {
  return withFile(name, text, async (path) => {
    const plan = await planImport(path, { ...NO_WISHES, ...wishes }, noZone);
    const refused: Record<string, readonly string[]> = {};
    const result = await runImport(plan, sink, {
      onRefused: (position, reasons) => {
        refused[position] = reasons;
      },
    });
    return { result, refused, strands: [...sink.strands.values()], shown: describePlan(plan).join("\n") };
  });
}

const actionSchema = z.object({ pattern_key: z.string(), scope: z.record(z.string(), z.string()) });
const closeSchema = z.object({
  trade_summary: z.object({
    rpnl_pct: z.number(),
    rr: z.number(),
    entry_timestamp: z.string(),
    exit_timestamp: z.string(),
  }),
});
const keysOf = (strands: readonly Strand[]): string[] =>
  strands.filter(({ kind }) => kind === "pm_action").map(({ content }) =>
    actionSchema.parse(content).pattern_key
  );
const scopesOf = (strands: readonly Strand[]): Record<string, string>[] =>
  strands.filter(({ id }) => id.endsWith("-entry")).map(({ content }) => actionSchema.parse(content).scope);
const closesOf = (strands: readonly Strand[]): z.infer<typeof closeSchema>["trade_summary"][] =>
  strands.filter(({ kind }) => kind === "position_closed").map(({ content }) =>
    closeSchema.parse(content).trade_summary
  );
const percentOf = ({ strands }: Import): number[] =>
  closesOf(strands).map(({ rpnl_pct }) => Number(rpnl_pct.toFixed(9)));

Deno.test("a plain table is read by the names of its columns; unknown texts become dimensions, outcomes none", async () => {
  const { result, refused, strands } = await importText(tables.PLAIN);
  assertEquals([result.imported, result.refused, result.open], [3, 1, 1]);
  assertEquals(percentOf({ strands } as Import), [2.8, -5.2, -1.2]);
  assertEquals(keysOf(strands), [
    "pm.csv.long.breakout",
    "pm.csv.long.exit",
    "pm.csv.short.fade",
    "pm.csv.short.exit",
    "pm.csv.long.breakout",
    "pm.csv.long.exit",
  ]);
  assertEquals(scopesOf(strands)[0], {
    strategy: "csv",
    pair: "BTCUSDT",
    side: "long",
    enter_tag: "breakout",
    grade: "A",
    regime: "bull",
    session: "europe",
    weekday: "fri",
  });
  assertEquals(registeredDimensions(strands[0] ?? { id: "", kind: "" }).map(({ dim }) => dim).slice(6), [
    "grade",
    "regime",
  ]);
  // The mean loss is 3.2 %.
  assertAlmostEquals(closesOf(strands)[0]?.rr ?? NaN, 2.8 / 3.2, 1e-12);
  // The first trade takes two lines.
  assertEquals(Object.keys(refused), ["line 6"]);
  assertEquals(refused["line 6"], [
    'Exit Time: "soon" is no date',
    'Profit %: "one" is no figure',
    'Direction: "sideways" says neither long nor short',
  ]);
});

Deno.test("a second import changes nothing, and a longer table adds what is new", async () => {
  const sink = new MemorySink();
  assertEquals((await importText(tables.PLAIN, {}, { sink })).result.written, 10);
  const again = await importText(tables.PLAIN, {}, { sink });
  assertEquals([again.result.written, again.result.known], [0, 10]);
  const longer =
    `${tables.PLAIN}BTCUSDT,Long,2024-03-06T10:00:00Z,2024-03-06T12:00:00Z,100,105,5,fade,A,bull,,target,\n`;
  assertEquals((await importText(longer, {}, { sink })).result.written, 3);
});

Deno.test("decimal commas, days first, a code page of Windows and a zone are read as they are meant", async () => {
  const bytes = Uint8Array.from(tables.GERMAN, (character) => character.charCodeAt(0));
  const { strands, shown } = await importText(bytes, { zone: "Europe/Berlin" });
  assertEquals(percentOf({ strands } as Import), [2, -1]);
  assertEquals(closesOf(strands).map(({ entry_timestamp }) => entry_timestamp), [
    "2024-07-15T07:00:00.000Z",
    "2024-01-16T08:00:00.000Z",
  ]);
  assertEquals(scopesOf(strands).map(({ borse, side }) => [borse, side]), [["Zürich", "long"], [
    "Köln",
    "short",
  ]]);
  assertEquals(shown.includes("Times: in the zone Europe/Berlin."), true);
  await assertRejects(() => importText(bytes), TableError, "a zone is asked for");
});

Deno.test("what each column is taken for is shown, with what is left out and why", async () => {
  const { shown } = await importText(tables.PLAIN);
  // deno-lint-ignore no-control-regex -- colours of the head
  const lines = shown.replaceAll(/\x1b\[\d+m/g, "").split("\n");
  const meaningOf = (column: string): string | undefined =>
    lines.find((line) => line.startsWith(`  ${column} `))?.trim().split(/\s{2,}/).at(-1);
  assertEquals(meaningOf("Profit %"), "outcome, in percent");
  assertEquals(meaningOf("Regime"), "dimension regime");
  assertEquals(meaningOf("Notes"), "left out: tells trades apart");
  assertEquals(lines.slice(1, 15).every((line) => line.length <= 80), true);
});

Deno.test("figures come in buckets where that is wished, and a map says what names do not", async () => {
  const { strands } = await importText(tables.PLAIN, {
    columns: { RSI: { buckets: [30, 70] }, Grade: "ignore", Setup: { dimension: "idea" } },
    strategy: "mine",
    timeframe: "1h",
  });
  assertEquals(scopesOf(strands).map(({ rsi, grade, idea, timeframe }) => [rsi, grade, idea, timeframe]), [
    ["from 70", undefined, "breakout", "1h"],
    ["below 30", undefined, "fade", "1h"],
    ["30 to 70", undefined, "breakout", "1h"],
  ]);
  assertEquals(keysOf(strands)[0], "pm.mine.long.entry");
  const strange = "what,when,came\nA,2024-01-01,0.02\nB,2024-01-02,-0.01\n";
  const { strands: mapped } = await importText(strange, {
    columns: { what: "symbol", when: "closed", came: "return_fraction" },
  });
  assertEquals(percentOf({ strands: mapped } as Import), [2, -1]);
  // A day is no time of day.
  assertEquals(scopesOf(mapped)[0], { strategy: "csv", pair: "A", side: "long", weekday: "mon" });
});

Deno.test("what may mean two things is asked for, and what is missing is named", async () => {
  const table = (dates: string, name = "Profit %"): string =>
    `Symbol,Opened,Closed,${name}\nA,${dates},0.02\nA,${dates},-0.01\n`;
  await assertRejects(() => importText(table("03/04/2024,03/05/2024")), TableError, "--dates dmy or mdy");
  assertEquals(
    closesOf((await importText(table("03/04/2024,03/25/2024"))).strands).map(({ exit_timestamp }) =>
      exit_timestamp
    ),
    ["2024-03-25T00:00:00.000Z", "2024-03-25T00:00:00.000Z"],
  );
  await assertRejects(
    () => importText(table("2024-01-01,2024-01-02", "ROI")),
    TableError,
    '"ROI" says 5 or 0.05',
  );
  await assertRejects(
    () => importText("Symbol,Side,Quantity\nA,long,3\n"),
    TableError,
    "No column tells when",
  );
  await assertRejects(() => importText("a,b\n1,2\n"), TableError, "no line with the names of columns");
  await assertRejects(() => importText("Symbol,Opened,Closed,ROI\n"), TableError, "nothing below it");
  await assertRejects(() => importText(""), TableError, "is empty");
  await assertRejects(() => importText('{"trades": []}'), TableError, "is JSON");
  await assertRejects(() => importText("PK\x03\x04"), TableError, "workbook of Excel");
});

Deno.test("returns are fractions or percent by what prices say, whatever the column is called", async () => {
  const table = (scale: number): string =>
    `Symbol,Side,Entry Time,Exit Time,Entry Price,Exit Price,ROI\n${
      [[100, 110], [100, 95], [100, 101], [100, 98]].map(([entry = 0, exit = 0], day) =>
        `A,long,2024-01-0${day + 1},2024-01-0${day + 1},${entry},${exit},${(exit / entry - 1.0005) * scale}`
      ).join("\n")
    }\n`;
  for (const scale of [1, 100]) {
    const { result } = await importText(table(scale));
    assertAlmostEquals(result.rois[0] ?? NaN, 0.0995, 1e-9);
  }
});

Deno.test("TradingView's list gives a trade of two rows, under its headers of any year", async () => {
  const name = "My strategy_BINANCE_BTCUSDT_2024-05-01_1a2b3.csv";
  for (const text of [tables.TRADINGVIEW_OLD, tables.TRADINGVIEW_NEW]) {
    const { result, strands } = await importText(text, { zone: "America/New_York" }, { name });
    assertEquals([result.imported, result.open, result.refused], [2, 1, 0]);
    assertEquals(percentOf({ strands } as Import), [2, -1]);
    assertEquals(keysOf(strands).filter((key) => !key.endsWith(".exit")), [
      "pm.My_strategy.long.Dip",
      "pm.My_strategy.short.Fade",
    ]);
    assertEquals(closesOf(strands)[0]?.entry_timestamp, "2024-01-02T14:30:00.000Z");
    assertEquals(scopesOf(strands)[0]?.["pair"], "BTCUSDT");
  }
});

Deno.test("statements of MetaTrader give their closed trades, less commission and swap, as a share of the price's way", async () => {
  const four = await importText(tables.METATRADER_4, { zone: "Etc/GMT-2" }, { name: "statement.htm" });
  assertEquals([four.result.imported, four.result.open, four.result.refused], [2, 1, 0]);
  // 2 % up made 400, of which 360 stayed: 1.8 %, with 1 % at risk. 1 % up made a short lose 100, and 101 with commission.
  assertEquals(percentOf(four), [1.8, -1.01]);
  assertAlmostEquals(closesOf(four.strands)[0]?.rr ?? NaN, 1.8, 1e-9);
  assertEquals(closesOf(four.strands)[0]?.entry_timestamp, "2024-01-08T07:15:00.000Z");
  const utf16 = new Uint8Array(2 + tables.METATRADER_5.length * 2);
  utf16.set([0xff, 0xfe]);
  [...tables.METATRADER_5].forEach((character, at) => utf16.set([character.charCodeAt(0), 0], 2 + at * 2));
  const five = await importText(utf16, { zone: "UTC" }, { name: "report.html" });
  assertEquals([five.result.imported, five.result.open, five.result.refused], [2, 0, 0]);
  assertEquals(percentOf(five), [0.95, -0.5]);
  const deals =
    "Time,Deal,Symbol,Type,Direction,Volume,Price,Order,Commission,Swap,Profit,Balance,Comment\n1,2,3\n";
  await assertRejects(() => importText(deals), TableError, "list of deals");
});

Deno.test("trades of backtesting.py, vectorbt and Jesse are read in the units that they mean", async () => {
  const expected = { BACKTESTING_PY: [2, -1], VECTORBT: [1.8, -2.2], JESSE: [5.6, -2.4] };
  for (const [name, percents] of Object.entries(expected)) {
    const text = Object.entries(tables).find(([key]) => key === name)?.[1] ?? "";
    const { result, strands } = await importText(text);
    assertEquals([name, ...percentOf({ strands } as Import)], [name, ...percents]);
    assertEquals(scopesOf(strands).map(({ side }) => side), ["long", "short"]);
    assertEquals([result.refused, result.open], [0, name === "VECTORBT" ? 1 : 0]);
  }
  const { strands } = await importText(tables.JESSE);
  assertEquals(closesOf(strands)[0]?.entry_timestamp, "2024-03-01T10:00:00.000Z");
  assertEquals(keysOf(strands)[0], "pm.Turtle.long.entry");
});

Deno.test("executors of Hummingbot are trades, and fills become one when nothing is held any more", async () => {
  const executors = await importText(tables.HUMMINGBOT_EXECUTORS);
  assertEquals([executors.result.imported, executors.result.open, executors.result.refused], [2, 1, 0]);
  assertEquals(percentOf(executors), [1, -2]);
  assertEquals(scopesOf(executors.strands).map(({ strategy, pair, side }) => [strategy, pair, side]), [
    ["pmm", "SOL-USDT", "short"],
    ["pmm", "SOL-USDT", "long"],
  ]);
  const fills = await importText(tables.HUMMINGBOT_FILLS);
  assertEquals([fills.result.imported, fills.result.open, fills.result.refused], [1, 1, 0]);
  // Two for 210, sold for 230, fees 0.1 twice and two thirds of 0.3.
  assertAlmostEquals(percentOf(fills)[0] ?? NaN, 100 * 19.6 / 210, 1e-6);
  assertEquals(closesOf(fills.strands)[0]?.exit_timestamp, "2024-03-01T10:02:00.000Z");
});
