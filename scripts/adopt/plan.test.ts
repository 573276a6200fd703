import { assertEquals, assertMatch, assertThrows } from "@std/assert/mod.js";
import type { CountedKey, Look } from "./look.ts";
import { type BuiltIn, describe, makePlan, type PlanOptions } from "./plan.ts";
import { readBuiltIn } from "./run.ts";

const NONE: PlanOptions = { thresholds: {}, crowdingByValue: false };

function key(source: CountedKey["source"], name: string, n = 5): CountedKey {
  return { source, key: name, n, values: 2 };
}

function seen(keys: readonly CountedKey[], changes: Partial<Look> = {}): Look {
  return {
    relations: [],
    newestStrand: null,
    keys,
    strandsCounted: 5,
    allocations: { n: 3, median: 2, greatest: 5 },
    hangers: [],
    sessions: [],
    migrations: 0,
    obstacles: [],
    ...changes,
  };
}

const BUILT_IN: readonly BuiltIn[] = [
  { dim: "chain", aliases: [] },
  { dim: "timeframe", aliases: [] },
  { dim: "mcap_bucket", aliases: ["bucket"] },
  { dim: "macro_phase", aliases: [] },
];

Deno.test("the keys of the guest's scopes are proposed as dimensions, those of its other contexts are not", () => {
  const plan = makePlan(
    seen([key("action", "ticker"), key("action", "book_id", 9), key("entry", "vol_at_entry")]),
    BUILT_IN,
    NONE,
  );
  assertEquals(plan.added.map(({ dim }) => dim), ["book_id", "ticker"]);
});

Deno.test("a built-in dimension that nothing fills is freed, one that is filled by an alias or by every position is not", () => {
  const plan = makePlan(seen([key("entry", "bucket")]), BUILT_IN, NONE);
  assertEquals(plan.freed, ["macro_phase"]);
});

Deno.test("more dimensions than a scope may have are refused with the list and how often each is filled", () => {
  const many = Array.from({ length: 30 }, (_, place) => key("action", `own_${place}`, place + 1));
  const error = assertThrows(() => makePlan(seen(many), BUILT_IN, NONE), Error);
  assertMatch(error.message, /^32 dimensions are more than the 31/);
  for (const { key: name, n } of many) assertMatch(error.message, new RegExp(`\\b${name} \\(${n}\\)`));
  assertEquals(
    makePlan(seen(many), BUILT_IN, { ...NONE, dimensions: ["own_1", "own_2"] }).added.map(({ dim }) => dim),
    ["own_1", "own_2"],
  );
});

Deno.test("31 dimensions are not too many", () => {
  const many = Array.from({ length: 29 }, (_, place) => key("action", `own_${place}`));
  const plan = makePlan(seen(many), [...BUILT_IN.slice(0, 2)], NONE);
  assertEquals(plan.added.length + 2, 31);
});

Deno.test("a key that cannot be a dimension's name is refused", () => {
  assertThrows(() => makePlan(seen([key("action", "a b")]), BUILT_IN, NONE), Error, "a b");
});

Deno.test("allocations above the whole book are percentages, unless somebody says otherwise", () => {
  assertEquals(makePlan(seen([]), BUILT_IN, NONE).unit, "percent");
  assertEquals(makePlan(seen([]), BUILT_IN, { ...NONE, unit: "fraction" }).unit, "fraction");
  const fractions = seen([], { allocations: { n: 3, median: 0.02, greatest: 1 } });
  assertEquals(makePlan(fractions, BUILT_IN, NONE).unit, "fraction");
});

Deno.test("crowding by value needs the book and the state as dimensions", () => {
  const plan = makePlan(seen([key("action", "book_id")]), BUILT_IN, { ...NONE, crowdingByValue: true });
  assertEquals(plan.added.map(({ dim }) => dim), ["book_id", "state"]);
});

Deno.test("the plan is told with counts, with what hangs on the tables and with what is in the way", () => {
  const look = seen([key("action", "ticker", 7)], {
    relations: [{
      name: "ad_strands",
      kind: "table",
      owner: "me",
      mayMove: true,
      rows: 1234,
      writers: ["bot"],
    }],
    hangers: [{ kind: "trigger", on: "ad_strands", name: "touch" }],
    sessions: [{ role: "bot", application: "pm", n: 2 }],
    obstacles: ["A stone."],
  });
  const text = describe(look, makePlan(look, BUILT_IN, NONE)).join("\n");
  for (
    const sentence of [
      "public.ad_strands is a table of me with 1,234 rows; bot may write it.",
      "After it only the owner and service_role, which is whoever has the secret key, may write; bot may no longer.",
      "Connected now: bot (pm) × 2.",
      "Trigger touch of ad_strands",
      "ticker 7 times with 2 values",
      "Dimensions to be registered: ticker.",
      "freed: mcap_bucket, macro_phase.",
      "percentages of the book (median 2, greatest 5)",
      "In the way: A stone.",
    ]
  ) assertMatch(text, new RegExp(sentence.replaceAll(/[.()×]/g, "\\$&")));
});

Deno.test("the built-in dimensions are those that sql/ registers", async () => {
  const builtIn = await readBuiltIn();
  assertEquals(builtIn.length, 17);
  assertEquals(builtIn.find(({ dim }) => dim === "mcap_bucket")?.aliases, ["bucket"]);
});
