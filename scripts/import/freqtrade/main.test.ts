import { assertEquals, assertThrows } from "@std/assert/mod.js";
import { exportText, rawTrade, withFile } from "../../testing/import/freqtrade_exports.ts";
import { UsageError } from "../stack_sink.ts";
import { main, readOptions } from "./main.ts";
import { readStrandFile } from "../../strand_file.ts";

Deno.test("a file and where it goes are read from the command line", () => {
  assertEquals(readOptions(["run.zip"]), { file: "run.zip", out: null, defaults: {} });
  assertEquals(
    readOptions(["run.zip", "--out", "run.ndjson", "--timeframe", "5m", "--stoploss=-0.1"]),
    { file: "run.zip", out: "run.ndjson", defaults: { timeframe: "5m", stoploss: -0.1 } },
  );
  assertEquals(readOptions(["--out=x", "2024"]), { file: "2024", out: "x", defaults: {} });
});

Deno.test("a command line that cannot be followed is refused with what is wrong", () => {
  assertThrows(() => readOptions([]), UsageError, "Expected one export file, got 0");
  assertThrows(() => readOptions(["a", "b"]), UsageError, "Expected one export file, got 2");
  assertThrows(() => readOptions(["a", "--ouput", "b"]), UsageError, "Unknown option --ouput");
  assertThrows(() => readOptions(["a", "--out"]), UsageError, "--out needs the name of a file");
  assertThrows(() => readOptions(["a", "--timeframe", "5"]), UsageError, '--timeframe is "5"');
  assertThrows(() => readOptions(["a", "--stoploss", "ten"]), UsageError, '--stoploss is "ten"');
  assertThrows(() => readOptions(["a", "--stoploss", "0"]), UsageError, '--stoploss is "0"');
});

Deno.test("an export becomes a strand file", async () => {
  await withFile(
    "run.json",
    exportText({ ichi: [rawTrade(), rawTrade({ pair: "ADA/USDT" })] }),
    async (path) => {
      const out = `${path}.ndjson`;
      assertEquals(await main([path, "--out", out]), 0);
      const kinds = await Array.fromAsync(readStrandFile(out), ({ strand }) => strand.kind);
      assertEquals(kinds, [
        "scope_dimensions",
        "pm_action",
        "pm_action",
        "position_closed",
        "pm_action",
        "pm_action",
        "position_closed",
      ]);
    },
  );
});

Deno.test("a file that is no export, or of which no trade can be read, is a failure", async () => {
  await withFile("run.json", "[]", async (path) => {
    assertEquals(await main([path, "--out", `${path}.ndjson`]), 1);
  });
  await withFile("run.json", exportText({ ichi: [rawTrade({ profit_ratio: null })] }), async (path) => {
    assertEquals(await main([path, "--out", `${path}.ndjson`]), 1);
  });
  assertEquals(await main(["/nowhere/run.json", "--out", "/nowhere/out.ndjson"]), 1);
});
