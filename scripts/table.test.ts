import { assert, assertEquals } from "@std/assert/mod.js";
import { green, red, stripAnsiCode } from "@std/fmt/colors.js";
import fc from "fast-check";
import { broken, table } from "./table.ts";

const HEAD = ["behaviour", "where", "n", "edge"];
const ROWS = [
  [
    "pm.uptrend.S1.buy_flag",
    "chain=solana  mcap_bucket=1m-5m  timeframe=15m  macro_phase=recover",
    "120",
    { text: "+0.123", dress: green },
  ],
  ["pm.x", "everywhere", "33", { text: "+0.1", dress: green }],
];

Deno.test("a table is as wide as its cells where nothing limits it", () => {
  const lines = stripAnsiCode(table(HEAD, ROWS, [2, 3], Infinity)).split("\n");
  assertEquals(lines.length, 3);
  assert(lines[1]?.includes("pm.uptrend.S1.buy_flag  chain=solana  mcap_bucket=1m-5m  timeframe=15m"));
});

Deno.test("a table fits its width, broken between words, and loses nothing", () => {
  for (const width of [100, 80, 60, 50]) {
    const text = stripAnsiCode(table(HEAD, ROWS, [2, 3], width));
    for (const line of text.split("\n")) assert(line.length <= width, `${line.length} > ${width}: ${line}`);
    for (const word of ["chain=", "solana", "recover", "+0.123", "120"]) {
      assert(text.includes(word), `${width}: ${word}`);
    }
  }
});

Deno.test("a text is broken after blanks and the marks within names, else where it must", () => {
  assertEquals(broken("pm.uptrend.S1.buy_flag", 12), ["pm.uptrend.", "S1.buy_flag"]);
  assertEquals(broken("chain=solana  timeframe=15m", 14), ["chain=solana", "timeframe=15m"]);
  assertEquals(broken("15 lessons apply, confidence 0.77", 30), ["15 lessons apply, confidence", "0.77"]);
  assertEquals(broken("abcdefghij", 4), ["abcd", "efgh", "ij"]);
  assertEquals(broken("short", 10), ["short"]);
});

Deno.test("whatever is broken, no line is too long and all that was black is there", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme-ascii" }), fc.integer({ min: 1, max: 30 }), (text, width) => {
      const lines = broken(text, width);
      const visible = (part: string): string => part.replaceAll(/\s/g, "");
      assertEquals(visible(lines.join("")), visible(text));
      if (text.length > width) {
        for (const line of lines) assert(line.length <= width, JSON.stringify(line));
      }
    }),
  );
});

Deno.test("control characters in cells are shown, and a cell's own colours are not", () => {
  const drawn = table(["a\x1b[2J"], [["\x1b[31mtext"], [{ text: "\x07bell", dress: red }]], []);
  assertEquals(
    stripAnsiCode(drawn).split("\n").map((line: string) => line.trim()),
    [
      "a\\u001b[2J",
      "\\u001b[31mtext",
      "\\u0007bell",
    ],
  );
  assertEquals(drawn.includes(red("\\u0007bell")), true);
});
