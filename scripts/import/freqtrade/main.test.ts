import { assertEquals, assertThrows } from "@std/assert/mod.js";
import { exportText, rawTrade, withFile } from "../../testing/import/freqtrade_exports.ts";
import { UsageError } from "../stack_sink.ts";
import { main, readOptions } from "./main.ts";
import { readStrandFile } from "../../strand_file.ts";

Deno.test("a file and where it goes are read from the command line", () => {
  assertEquals(readOptions(["run.zip"]), { file: "run.zip", bot: null, out: null, db: null, defaults: {} });
  assertEquals(
    readOptions(["run.zip", "--out", "run.ndjson", "--timeframe", "5m", "--stoploss=-0.1"]),
    {
      file: "run.zip",
      bot: null,
      out: "run.ndjson",
      db: null,
      defaults: { timeframe: "5m", stoploss: -0.1 },
    },
  );
  assertEquals(readOptions(["--out=x", "2024"]), {
    file: "2024",
    bot: null,
    out: "x",
    db: null,
    defaults: {},
  });
});

Deno.test("a bot is asked with the user and password of the command line, the environment or its address", () => {
  const environment = (variables: Record<string, string>) => (name: string): string | undefined =>
    variables[name];
  const bot = (args: readonly string[], variables: Record<string, string> = {}): unknown => {
    const { bot: found } = readOptions(args, environment(variables));
    return found === null ? null : [found.user, found.password];
  };
  const secrets = { FREQTRADE_USER: "u", FREQTRADE_PASSWORD: "p" };
  assertEquals(bot(["--url", "http://127.0.0.1:8080"], secrets), ["u", "p"]);
  assertEquals(bot(["--url", "http://127.0.0.1:8080", "--user", "me"], secrets), ["me", "p"]);
  assertEquals(bot(["--url", "http://a:b%40c@127.0.0.1:8080"]), ["a", "b@c"]);
  assertThrows(() => bot(["--url", "http://127.0.0.1:8080"]), UsageError, "FREQTRADE_USER");
  assertThrows(() => bot(["--url", "127.0.0.1:8080"], secrets), UsageError, "--url is");
  assertThrows(() => bot(["--url", "http://127.0.0.1", "file"], secrets), UsageError, "got both");
});

Deno.test("a command line that cannot be followed is refused with what is wrong", () => {
  assertThrows(() => readOptions([]), UsageError, "Expected one export file, got 0");
  assertThrows(() => readOptions(["a", "b"]), UsageError, "Expected one export file, got 2");
  assertThrows(
    () => readOptions(["a", "--ouput", "b"]),
    UsageError,
    'Unknown argument "--ouput"; did you mean "--out"?',
  );
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

Deno.test("control characters of an export are shown, in its figures and in what is refused", async () => {
  const printed: string[] = [];
  const formerly = [Deno.stdout.writeSync, Deno.stderr.writeSync] as const;
  const keep = (bytes: Uint8Array): number => printed.push(new TextDecoder().decode(bytes));
  Deno.stdout.writeSync = keep;
  Deno.stderr.writeSync = keep;
  try {
    const evil = "x\x1b]0;title\x07\x9b2J";
    const trades = [rawTrade(), rawTrade({ pair: evil, profit_ratio: null })];
    await withFile("run.json", exportText({ [evil]: trades }), async (path) => {
      assertEquals(await main([path, "--out", `${path}.ndjson`]), 0);
    });
    assertEquals(await main(["/nowhere/\x1b[2J.json", "--out", "/nowhere/out"]), 1);
  } finally {
    [Deno.stdout.writeSync, Deno.stderr.writeSync] = formerly;
  }
  const text = printed.join("");
  assertEquals(text.match(/[^\P{Cc}\n]/gu), null);
  assertEquals(text.match(/\\u001b\]0;title\\u0007\\u009b2J: 2 trades/g)?.length, 1);
  assertEquals(text.match(/Refused .*\\u001b\]0;title/g)?.length, 1);
  assertEquals(text.includes("/nowhere/\\u001b[2J.json"), true);
});
