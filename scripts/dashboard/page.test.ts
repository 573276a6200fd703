import { assertEquals } from "@std/assert/mod.js";
import { readCandidate, readScope, writeScope } from "./page/candidates.ts";
import { check, nested } from "./page/checks.ts";
import { drawdownOf, equityOf, sharesByDay } from "./page/equity.ts";
import { ago, change, inUnit, number, percent, signed } from "./page/format.ts";
import type { Setting, SizedTrade } from "./page/reads.ts";
import { outcomeOf } from "./page/source.ts";

Deno.test("figures have a true minus, nothing that is zero has a sign, and what is missing is a dash", () => {
  assertEquals([number(-1234.5, 1), number(-0.001, 2), number(null), signed(0.004, 2), signed(0.005, 2)], [
    "−1,234.5",
    "0.00",
    "–",
    "0.00",
    "+0.01",
  ]);
  assertEquals([percent(0.4416), change(1.1064), change(0.86), change(1)], [
    "44.2 %",
    "+11 %",
    "−14 %",
    "±0 %",
  ]);
  assertEquals([inUnit(0.1151, "points"), inUnit(-0.42, "R"), inUnit(0.625, "gains")], [
    "+11.5",
    "−0.42",
    "63 %",
  ]);
  const now = Date.parse("2026-01-05T12:00:00Z");
  assertEquals(
    ["2026-01-05T11:59:50Z", "2026-01-05T11:59:00Z", "2026-01-05T09:00:00Z", "2026-01-01T12:00:00Z"].map((
      at,
    ) => ago(at, now)),
    ["just now", "1 minute ago", "3 hours ago", "4 days ago"],
  );
});

const setting: Setting = {
  module_id: "pm",
  path: "n_min",
  kind: "integer",
  value: 33,
  default_value: 33,
  is_set: false,
  minimum: 2,
  maximum: 1e6,
  choices: null,
  accepts: "a whole number from 2 to 1000000",
  nullable: false,
  description: "",
};

Deno.test("what is typed for a setting is refused in the words of the catalogue", () => {
  const refused = (typed: string): object => ({
    trouble: `n_min takes a whole number from 2 to 1000000, not “${typed}”`,
  });
  assertEquals(check(setting, "40"), { value: 40 });
  for (const typed of ["1", "2.5", "", "many", "null", "1e7"]) {
    assertEquals(check(setting, typed), refused(typed));
  }
  assertEquals(check({ ...setting, nullable: true }, "null"), { value: null });
  assertEquals(check({ ...setting, kind: "boolean" }, "true"), { value: true });
  assertEquals(check({ ...setting, kind: "choice", choices: ["roi", "rr"] }, "rr"), { value: "rr" });
  assertEquals(check({ ...setting, kind: "number_or_auto" }, "auto"), { value: "auto" });
  assertEquals(check({ ...setting, kind: "texts" }, '["a"]'), { value: ["a"] });
});

Deno.test("dotted keys become the document that sets them", () => {
  assertEquals(
    nested(new Map<string, unknown>([["n_min", 40], ["steering.gain", 0.1], ["steering.max", 0.2]])),
    {
      n_min: 40,
      steering: { gain: 0.1, max: 0.2 },
    },
  );
});

Deno.test("a candidate is read from JSON, a strand's content included, and a scope from pairs", () => {
  const candidate = {
    pattern_key: "pm.a",
    action_category: "entry",
    scope: { rank: "4" },
    a_value: 0.5,
    e_value: 0.5,
  };
  assertEquals(readCandidate('{"pattern_key": "pm.a", "scope": {"rank": 4}}'), candidate);
  assertEquals(
    readCandidate('{"id": "x", "content": {"pattern_key": "pm.a", "scope": {"rank": 4}}}'),
    candidate,
  );
  assertEquals(readCandidate("pm.a"), "This is no JSON");
  assertEquals(readScope("chain=solana, formula=a=b\n"), { chain: "solana", formula: "a=b" });
  assertEquals(readScope("solana"), "“solana” is no pair such as chain=solana");
  assertEquals(writeScope({ chain: "solana", timeframe: "1h" }), "chain=solana\ntimeframe=1h");
});

const entry: SizedTrade = {
  action_strand_id: "a",
  acted_at: "2026-01-01T00:00:00Z",
  trade_id: "a",
  timeframe: "1h",
  pattern_key: "pm.a",
  action_category: "entry",
  pm_strength_applied: 1,
  exposure_skew_applied: 1,
  size_frac: 0.5,
  closed: true,
  roi: 0.1,
  rr: 1,
  exit_at: "2026-01-02T10:00:00Z",
};

Deno.test("equity is the sum of size times return by day of close, beside what the base size would have made", () => {
  const equity = equityOf([
    { ...entry, exit_at: "2026-01-03T00:00:00Z", roi: -0.2, size_frac: 0.6, pm_strength_applied: 1.5 },
    entry,
    { ...entry, exit_at: "2026-01-02T20:00:00Z", roi: 0.3, size_frac: 0.2, pm_strength_applied: 0.5 },
    { ...entry, action_category: "add" },
    { ...entry, roi: null, exit_at: null, closed: false },
  ]);
  const rounded = (sums: readonly number[]): number[] => sums.map((sum) => Math.round(sum * 1e9) / 1e9);
  assertEquals(equity.at, [1767312000, 1767398400]);
  // 0.5 · 0.1 + 0.2 · 0.3, then − 0.6 · 0.2; at base size 0.5 · 0.1 + 0.4 · 0.3, then − 0.4 · 0.2.
  assertEquals(rounded(equity.learned), [0.11, -0.01]);
  assertEquals(rounded(equity.base), [0.17, 0.09]);
  assertEquals(equity.moved, 2);
  assertEquals(rounded(drawdownOf([0.11, -0.01, 0.2, 0.15])), [0, -0.12, 0, -0.05]);
});

Deno.test("the last share of each day counts, and is carried over days without a close", () => {
  const shares = sharesByDay([
    { exit_at: "2026-01-03T05:00:00Z", timeframe: "4h", allocation: 0.4 },
    { exit_at: "2026-01-01T09:00:00Z", timeframe: "15m", allocation: 0.2 },
    { exit_at: "2026-01-01T08:00:00Z", timeframe: "15m", allocation: 0.1 },
  ]);
  assertEquals(shares.series, [{ name: "15m", values: [0.2, 0.2] }, { name: "4h", values: [null, 0.4] }]);
});

Deno.test("a refusal is told from what a release lacks", () => {
  assertEquals(outcomeOf({ code: "PGRST205", message: "no table" }, 404), { state: "missing" });
  assertEquals(outcomeOf({ code: "42501", message: "no", hint: "ask" }, 403), {
    state: "refused",
    why: "no. ask",
  });
  assertEquals(outcomeOf({ code: "", message: "TypeError: Failed to fetch" }, 0).state, "failed");
});
