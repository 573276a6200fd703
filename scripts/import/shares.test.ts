import { assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { DEFAULT_SHARES, describeMissingShares, sharesWith } from "./shares.ts";

Deno.test("a timeframe that lacks a share gets what it would have if all had the same, and the others give way", () => {
  // A quarter of four; 0.75 times 0.15, 0.5 and 0.35 are 0.1125, 0.375 and 0.2625: 11, 37 and 26 and the one left to 0.5.
  assertEquals(sharesWith(DEFAULT_SHARES, ["5m"]), { "5m": 0.25, "15m": 0.11, "1h": 0.38, "4h": 0.26 });
});

Deno.test("shares sum to 1 and none is too small, however many timeframes lack one", () => {
  const many = Array.from({ length: 40 }, (_, at) => `${at + 20}m`);
  for (const missing of [["1m", "5m"], ["1m", "3m", "5m", "30m", "2h", "1d"], many]) {
    const shares = Object.values(sharesWith(DEFAULT_SHARES, missing) ?? {});
    assertEquals(shares.length, 3 + missing.length);
    assertAlmostEquals(shares.reduce((sum, share) => sum + share, 0), 1, 1e-9);
    assertEquals(shares.every((share) => share >= 0.02 && share <= 0.96), true);
  }
  assertEquals(sharesWith(DEFAULT_SHARES, [...many, ...many.map((name) => `1${name}`)]), null);
});

Deno.test("the line of configuration names the timeframes, and nothing is said where all have a share", () => {
  assertEquals(describeMissingShares(["1h", "4h"], DEFAULT_SHARES), []);
  const lines = describeMissingShares(["5m", "1h", "1m", "5m"], DEFAULT_SHARES).join("\n");
  assertEquals(lines.startsWith("1m and 5m have no share"), true);
  const [json = ""] = /\{"start_shares.*\}/.exec(lines) ?? [];
  assertEquals(Object.keys(JSON.parse(json).start_shares), ["1m", "5m", "15m", "1h", "4h"]);
});
