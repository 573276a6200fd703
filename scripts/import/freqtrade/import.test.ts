import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert/mod.js";
import { z } from "zod";
import { ExportError } from "./export.ts";
import { openSource } from "./source.ts";
import { type ExportImportResult as ImportResult, importExport } from "./import.ts";
import { exportText, rawTrade, withFile } from "../../testing/import/freqtrade_exports.ts";
import { MemorySink } from "../../testing/import/memory_sink.ts";
import { isThere, SHARED_DATA } from "../../testing/shared_data.ts";

const SHARED = new URL("freqtrade/backtest-result-2024-05-06_09-52-28.json", SHARED_DATA);

interface Import {
  readonly result: ImportResult;
  readonly refused: Record<string, readonly string[]>;
  readonly sink: MemorySink;
}

async function importFile(path: string, sink = new MemorySink()): Promise<Import> {
  await using source = await openSource(path);
  const refused: Record<string, readonly string[]> = {};
  const result = await importExport(source, sink, {}, {
    onRefused: (position, reasons) => {
      refused[position] = reasons;
    },
  });
  return { result, refused, sink };
}

const importText = (text: string, sink?: MemorySink): Promise<Import> =>
  withFile("backtest.json", text, (path) => importFile(path, sink));

Deno.test("bad trades are refused with their place and reasons while the others go through", async () => {
  const { result, refused, sink } = await importText(exportText({
    ichi: [
      rawTrade(),
      rawTrade({ pair: "", profit_ratio: "x" }),
      rawTrade({ pair: "ADA/USDT", profit_ratio: 0.02 }),
    ],
    other: [rawTrade({ is_open: true, close_rate: null })],
  }));
  assertEquals(Object.keys(refused), ["strategy.ichi.trades[1]"]);
  assertEquals(Object.values(refused).map((reasons) => reasons.length), [2]);
  assertEquals([result.imported, result.refused, result.open, result.written, result.known], [2, 1, 1, 7, 0]);
  assertEquals([...result.rois], [-0.0017, 0.02]);
  assertEquals([...sink.strands.values()][0]?.kind, "scope_dimensions");
});

Deno.test("a trade that the loop would reject is refused here, and why", async () => {
  const { result, refused } = await importText(exportText({
    ichi: [rawTrade({ initial_stop_loss_ratio: -1e-15, profit_ratio: 0.5, profit_abs: 2e12 }), rawTrade()],
  }));
  assertEquals([result.imported, result.refused], [1, 1]);
  assertEquals(refused["strategy.ichi.trades[0]"]?.map((reason) => reason.replace(/:.*/, "")), [
    "as position_closed, content.trade_summary.rr",
    "as position_closed, content.trade_summary.pnl_usd",
  ]);
});

Deno.test("trades of all strategies go through, each under its own", async () => {
  const { sink } = await importText(exportText({ ichi: [rawTrade()], sma: [rawTrade()] }));
  const keys = [...sink.strands.values()].flatMap((strand) =>
    strand.kind === "pm_action"
      ? [z.object({ pattern_key: z.string() }).parse(strand.content).pattern_key]
      : []
  );
  assertEquals(keys, [
    "pm.ichi.long.entry",
    "pm.ichi.long.exit",
    "pm.sma.long.entry",
    "pm.sma.long.exit",
  ]);
});

Deno.test("a second import adds nothing, identical trades included", async () => {
  const text = exportText({ ichi: [rawTrade(), rawTrade(), rawTrade({ pair: "ADA/USDT" })] });
  const sink = new MemorySink();
  assertEquals((await importText(text, sink)).result.written, 10);
  const { result } = await importText(text, sink);
  assertEquals([result.written, result.known, sink.strands.size], [0, 10, 10]);
});

Deno.test("an export that breaks off half-way leaves nothing", async () => {
  const text = exportText({ ichi: [rawTrade(), rawTrade()] });
  const sink = new MemorySink();
  await assertRejects(() => importText(text.slice(0, -60), sink), ExportError, "cannot be read as JSON");
  assertEquals(sink.strands.size, 0);
});

Deno.test("a sink that fails is told to abandon", async () => {
  const sink = new MemorySink();
  sink.add = (): Promise<void> => Promise.reject(new Error("disk full"));
  await assertRejects(() => importText(exportText({ ichi: [rawTrade()] }), sink), Error, "disk full");
  assertEquals(sink.abandoned, true);
});

Deno.test("an export without trades, and one with none that can be learned from, write nothing", async () => {
  await assertRejects(() => importText(exportText({ ichi: [] })), ExportError, "holds no trade of ichi");
  const { result, sink } = await importText(exportText({ ichi: [rawTrade({ profit_ratio: null })] }));
  assertEquals([result.imported, result.refused, result.written, sink.strands.size], [0, 1, 0, 0]);
  assertEquals(sink.abandoned, true);
});

const sharedTrades = z.object({
  strategy: z.object({ ichiV1: z.object({ trades: z.array(z.object({ profit_ratio: z.number() })) }) }),
});
const summary = z.object({
  trade_id: z.string(),
  trade_summary: z.object({ rpnl_pct: z.number(), rr: z.number(), reached_s3: z.boolean() }),
});
const action = z.object({ trade_id: z.string(), action_category: z.string() });

Deno.test({
  name: "the shared export's 1,859 trades become 3,718 actions, and every outcome is the export's to 1e-12",
  ignore: !isThere(SHARED),
  fn: async () => {
    const expected = sharedTrades.parse(JSON.parse(await Deno.readTextFile(SHARED)))
      .strategy.ichiV1.trades.map((trade) => trade.profit_ratio);
    const { result, refused, sink } = await importFile(SHARED.pathname);
    assertEquals(refused, {});
    assertEquals([...result.rois], expected);
    const strands = [...sink.strands.values()];
    const closes = strands.filter((strand) => strand.kind === "position_closed").map((strand) =>
      summary.parse(strand.content)
    );
    assertEquals(closes.length, 1859);
    assertEquals(new Set(closes.map((close) => close.trade_id)).size, 1859);
    closes.forEach((close, at) => {
      const ratio = expected[at] ?? NaN;
      assertAlmostEquals(close.trade_summary.rpnl_pct / 100, ratio, 1e-12);
      assertAlmostEquals(close.trade_summary.rr, ratio / 0.275, 1e-12);
    });
    // As the export's own exit_reason_summary counts them.
    assertEquals(closes.filter((close) => close.trade_summary.reached_s3).length, 1184);
    const sum = closes.reduce((total, close) => total + close.trade_summary.rpnl_pct / 100, 0);
    assertAlmostEquals(sum, 20.59034671184296, 1e-9);
    assertAlmostEquals(sum / 1859, 0.011076, 5e-7);
    const categories = strands.filter((strand) => strand.kind === "pm_action").map((strand) =>
      action.parse(strand.content).action_category
    );
    assertEquals(categories.length, 3718);
    assertEquals(categories.filter((category) => category === "entry").length, 1859);
    assertEquals(categories.filter((category) => category === "exit").length, 1859);
  },
});
