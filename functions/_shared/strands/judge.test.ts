import { assert, assertEquals, assertMatch } from "@std/assert/mod.js";
import fc from "fast-check";
import { faultsOf as faultsOfArrived } from "./judge.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
interface Document {
  [key: string]: Json;
}

const ARRIVED_AT = Date.parse("2025-02-01T12:00:00Z");
const faultsOf = (strand: { readonly kind: string }): ReturnType<typeof faultsOfArrived> =>
  faultsOfArrived(strand, ARRIVED_AT);

const SUMMARY: Document = {
  rr: 1.5,
  pnl_usd: 12.5,
  rpnl_pct: 3.2,
  entry_price: 1,
  exit_price: 1.032,
  entry_timestamp: "2025-01-15T10:30:00Z",
  exit_timestamp: "2025-01-16T10:30:00Z",
  reached_s3: true,
  time_to_s3_hours: 2.5,
  could_enter_better: 0,
  could_exit_better: 1.2,
};
const ACTION: Document = {
  trade_id: "trade",
  pattern_key: "pm.uptrend.S1.buy_flag",
  action_category: "entry",
  scope: { timeframe: "1h", A_mode: "normal" },
  state: "S1",
  a_value: 0.5,
  e_value: 0.25,
  size_frac: 0.35,
  reasons: { flag: "buy", pm_strength_applied: 1.1, exposure_skew_applied: 0.9 },
};
const WINDOW: Document = {
  episode_id: "episode",
  pattern_key: "pm.uptrend.S1.entry",
  scope: { timeframe: "1h" },
  decision: "skipped",
  factors: {
    ts_score: 0.5,
    ts_min: 0.6,
    halo_distance: 1,
    halo_max: 1.5,
    slope: 0.001,
    slope_min: 0,
    ts_ok: false,
  },
  blocked_by: ["ts"],
  trade_id: "trade",
  sample: { ts_score: 0.5, entry_zone_ok: true },
};
const OUTCOME: Document = { episode_id: "episode", outcome: "success" };
const SUMMARY_OF_EPISODE: Document = {
  episode_id: "episode",
  position_id: "position",
  pattern_key: "module=pm|pattern_key=uptrend.S1.entry",
  scope: { timeframe: "4h" },
  outcome: "missed",
  trade_id: "trade",
  windows: [{
    window_id: "window",
    entered: false,
    decision: "skipped",
    started_at: "2025-01-10T12:00:00+00:00",
    ended_at: "2025-01-10T13:00:00+00:00",
    samples: [{ ts_score: 0.52, ts_ok: false }],
    summary: { sample_count: 1, ts_score: { min: 0.52, max: 0.52, median: 0.52 } },
    factors: { slope: 0.1 },
    blocked_by: ["ts"],
    trade_id: "trade",
  }],
};
const SHADOW: Document = {
  decision_type: "shadow_entry",
  trade_id: null,
  episode_id: "episode",
  pattern_key: "pm.uptrend.S2.entry",
  scope: { timeframe: "4h" },
  blocked_by: ["ts"],
  gate_margins: { ts_margin: -3.5, halo_margin: 0.2, slope_margin: 1 },
};

function strand(kind: string, content: Json): Document & { kind: string } {
  return {
    id: "s1",
    kind,
    module: "pm",
    created_at: "2025-01-15T10:30:00.123456+00:00",
    content,
    regime_context: {},
  };
}

function close(summary: Document = {}, content: Document = {}): Document & { kind: string } {
  return strand("position_closed", {
    trade_id: "trade",
    entry_context: { curator: "alpha", mcap_bucket: 3, intent: null },
    trade_summary: { ...SUMMARY, ...summary },
    completed_trades: [],
    ...content,
  });
}

const VALID: Readonly<Record<string, Document & { kind: string }>> = {
  position_closed: close(),
  pm_action: strand("pm_action", ACTION),
  dm_action: strand("dm_action", { ...ACTION, action_category: "allocation" }),
  episode_window: strand("episode_window", WINDOW),
  episode_outcome: strand("episode_outcome", OUTCOME),
  uptrend_episode_summary: strand("uptrend_episode_summary", SUMMARY_OF_EPISODE),
};

function paths(judged: Document & { kind: string }): string[] {
  return faultsOf(judged).map(({ path }) => path).sort();
}

/** The strand without the field at a dotted path. */
function without(whole: Document & { kind: string }, path: string): Document & { kind: string } {
  const copy = structuredClone(whole);
  const keys = path.split(".");
  const parent = keys.slice(0, -1).reduce<Document>((at, key) => at[key] as Document, copy);
  delete parent[keys.at(-1) ?? ""];
  return copy;
}

/** The strand with another value at a dotted path. */
function having(whole: Document & { kind: string }, path: string, value: Json): Document & { kind: string } {
  const copy = structuredClone(whole);
  const keys = path.split(".");
  const parent = keys.slice(0, -1).reduce<Document>((at, key) => at[key] as Document, copy);
  parent[keys.at(-1) ?? ""] = value;
  return copy;
}

Deno.test("a well-formed strand of each learned kind is accepted", () => {
  for (const [kind, valid] of Object.entries(VALID)) assertEquals(faultsOf(valid), [], kind);
});

Deno.test("a strand of a kind that learning does not read is never refused", () => {
  for (const kind of ["note", "", "PM_ACTION", "pm_action ", "__proto__", "constructor"]) {
    assertEquals(faultsOf({ kind }), []);
    assertEquals(faultsOf(strand(kind, null)), []);
  }
});

Deno.test("fields that are not named are let through, at every level", () => {
  for (const valid of Object.values(VALID)) {
    const content = valid["content"] as Document;
    assertEquals(
      faultsOf({ ...valid, extra: 1, content: { ...content, extra: { deep: [1] } } } as typeof valid),
      [],
    );
  }
  assertEquals(faultsOf(close({ extra: "x" })), []);
});

const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  position_closed: [
    "created_at",
    "content",
    "content.trade_id",
    "content.trade_summary",
    "content.trade_summary.rr",
    "content.trade_summary.rpnl_pct",
    "content.trade_summary.entry_timestamp",
    "content.trade_summary.exit_timestamp",
  ],
  pm_action: ["content.pattern_key", "content.action_category", "content.scope"],
  dm_action: ["content.pattern_key", "content.action_category", "content.scope"],
  episode_window: [
    "content.episode_id",
    "content.pattern_key",
    "content.scope",
    "content.decision",
    "content.factors",
  ],
  episode_outcome: ["content.episode_id", "content.outcome"],
  uptrend_episode_summary: ["content.episode_id", "content.pattern_key"],
};

Deno.test("a field that learning needs is missed by its path, absent or null", () => {
  for (const [kind, required] of Object.entries(REQUIRED)) {
    const valid = VALID[kind] ?? strand(kind, {});
    for (const path of required) {
      assertEquals(paths(without(valid, path)), [path], `${kind} without ${path}`);
      assertEquals(paths(having(valid, path, null)), [path], `${kind} with ${path} null`);
    }
  }
});

const OPTIONAL: Readonly<Record<string, readonly string[]>> = {
  position_closed: [
    "module",
    "regime_context",
    "content.entry_context",
    "content.trade_summary.pnl_usd",
    "content.trade_summary.rpnl_usd",
    "content.trade_summary.total_pnl_usd",
    "content.trade_summary.time_to_s3",
    "content.trade_summary.entry_price",
    "content.trade_summary.exit_price",
    "content.trade_summary.reached_s3",
    "content.trade_summary.time_to_s3_hours",
    "content.trade_summary.could_enter_better",
    "content.trade_summary.could_exit_better",
    "content.completed_trades",
  ],
  pm_action: [
    "content.state",
    "content.a_value",
    "content.e_value",
    "content.size_frac",
    "content.reasons",
    "content.reasons.pm_strength_applied",
    "content.reasons.exposure_skew_applied",
  ],
  episode_window: ["content.blocked_by", "content.trade_id", "content.sample", "content.factors.ts_score"],
  uptrend_episode_summary: [
    "content.scope",
    "content.outcome",
    "content.trade_id",
    "content.position_id",
    "content.windows",
    ...[
      "entered",
      "decision",
      "started_at",
      "ended_at",
      "samples",
      "summary",
      "factors",
      "blocked_by",
      "trade_id",
    ]
      .map((key) => `content.windows.0.${key}`),
  ],
};

Deno.test("a field that learning can do without may be absent or null", () => {
  for (const [kind, optional] of Object.entries(OPTIONAL)) {
    const valid = VALID[kind] ?? strand(kind, {});
    for (const path of optional) {
      assertEquals(faultsOf(without(valid, path)), [], `${kind} without ${path}`);
      assertEquals(faultsOf(having(valid, path, null)), [], `${kind} with ${path} null`);
    }
  }
});

/** Path, values that are refused there, values that are accepted. */
const RULES:
  readonly (readonly [kind: string, path: string, refused: readonly Json[], accepted: readonly Json[]])[] = [
    [
      "position_closed",
      "content.trade_summary.rpnl_pct",
      [1e6 + 1, -1e6 - 1, "3.2", true, [], Infinity, NaN],
      [1e6, -1e6, 0],
    ],
    ["position_closed", "content.trade_summary.rr", ["1", 1e13, -1e13, {}, Infinity, -Infinity, NaN], [
      -2.5,
      0,
      1e12,
    ]],
    ["position_closed", "content.trade_summary.pnl_usd", ["1", NaN, Infinity], [-1e9]],
    ["position_closed", "content.trade_summary.time_to_s3_hours", [-0.1, "1", NaN], [0, 10]],
    ["position_closed", "content.trade_summary.could_enter_better", [-0.1, "1", Infinity, [], [1]], [0, 3]],
    [
      "position_closed",
      "content.trade_summary.could_exit_better",
      [-0.1, false],
      [0, 3, {}, { missed_rr: null }, { missed_rr: 1.2, best_exit_price: 1.25 }],
    ],
    ["position_closed", "content.trade_summary.time_to_s3", [-0.1, "1"], [0, 0.75]],
    ["position_closed", "content.trade_summary.rpnl_usd", ["1", Infinity], [-5]],
    ["position_closed", "content.trade_summary.total_pnl_usd", [{}, 1e13], [145]],
    ["position_closed", "content.trade_summary.reached_s3", ["true", 1], [true, false]],
    [
      "position_closed",
      "content.trade_id",
      ["", "  ", "\u00a0\t", 7, "x".repeat(201), `${" ".repeat(200)}x`],
      ["x".repeat(200)],
    ],
    ["position_closed", "content.entry_context", [[], "x", 3], [{}, { deep: { er: [1] } }]],
    ["position_closed", "content.trade_summary", [[], "x"], []],
    ["position_closed", "module", [5, "x".repeat(101)], ["", "pm"]],
    ["position_closed", "regime_context", [[], "x"], [{}]],
    ["pm_action", "content.pattern_key", ["", " \n", 7, "x".repeat(201)], [
      "pm.a",
      "module=pm|pattern_key=a.b",
      "x".repeat(200),
    ]],
    ["pm_action", "content.action_category", ["buy", "", "allocation", 1, "Entry"], [
      "entry",
      "add",
      "trim",
      "exit",
      "emergency_exit",
    ]],
    ["pm_action", "content.trade_id", ["", 7, [], "x".repeat(201)], ["t"]],
    ["dm_action", "content.action_category", ["entry", "trim"], ["allocation"]],
    ["pm_action", "content.scope", [[], "x"], [{}]],
    ["pm_action", "content.state", [3, {}], ["S3", "", "whatever"]],
    ["pm_action", "content.a_value", [-0.01, 1.01, "0.5", NaN], [0, 1]],
    ["pm_action", "content.e_value", [-0.01, 1.01, "0.5"], [0, 1]],
    ["pm_action", "content.size_frac", ["1", Infinity], [0, 1]],
    ["pm_action", "content.reasons", [[], "x"], [{ why: { any: "thing" } }]],
    ["pm_action", "content.reasons.pm_strength_applied", ["1", NaN], [0.3]],
    ["pm_action", "content.reasons.exposure_skew_applied", ["1", NaN], [1.33]],
    ["episode_window", "content.decision", ["act", "", 1], ["acted", "skipped"]],
    ["episode_window", "content.factors", [[], "x"], [{}]],
    ["episode_window", "content.factors.ts_score", ["0.5", NaN, 1e13, [0.5]], [
      -1,
      0.5,
      {},
      { min: 0.1, max: "any", median: 0.5 },
      { median: null },
    ]],
    ["episode_window", "content.factors.ts_ok", ["true", 1], [true]],
    ["episode_window", "content.sample.slope", ["1"], [-0.5]],
    ["episode_window", "content.blocked_by", ["ts", {}, Array<Json>(101).fill("x")], [[], ["ts", "halo"]]],
    ["episode_window", "content.trade_id", ["", 3], ["t"]],
    ["episode_outcome", "content.outcome", ["win", "", 1], [
      "success",
      "failure",
      "neutral",
      "missed",
      "correct_skip",
    ]],
    ["uptrend_episode_summary", "content.outcome", ["win", 1], ["missed", "correct_skip", "success"]],
    ["uptrend_episode_summary", "content.windows", ["x", {}, 7, Array<Json>(1001).fill({})], [[], [{}, {}]]],
    ["uptrend_episode_summary", "content.windows.0", [null, "x", []], [{}]],
    ["uptrend_episode_summary", "content.windows.0.entered", ["yes", 1], [true]],
    ["uptrend_episode_summary", "content.windows.0.ended_at", ["soon", 7], ["2025-01-10"]],
    ["uptrend_episode_summary", "content.windows.0.summary.ts_score", ["0.5", []], [0.5]],
    ["uptrend_episode_summary", "content.windows.0.samples", ["x", {}], [[], ["any", 7]]],
    ["episode_outcome", "content.episode_id", ["", "x".repeat(201)], ["x"]],
  ];

Deno.test("each field is held to its type and range, and a fault names its path", () => {
  for (const [kind, path, refused, accepted] of RULES) {
    const valid = VALID[kind] ?? strand(kind, {});
    for (const value of refused) {
      const faults = faultsOf(having(valid, path, value));
      assertEquals(faults.map((fault) => fault.path), [path], `${kind} ${path} ${JSON.stringify(value)}`);
      for (const { message } of faults) assertMatch(message, /^\S.*[^.\s]$/);
    }
    for (const value of accepted) {
      assertEquals(faultsOf(having(valid, path, value)), [], `${kind} ${path} ${JSON.stringify(value)}`);
    }
  }
});

Deno.test("a figure told with others is refused by its own path", () => {
  assertEquals(
    paths(close({ could_enter_better: { missed_rr: -0.1 }, could_exit_better: { missed_rr: "1" } })),
    [
      "content.trade_summary.could_enter_better.missed_rr",
      "content.trade_summary.could_exit_better.missed_rr",
    ],
  );
  const factors = {
    ts_score: { median: "0.5" },
    halo_max: { median: 1e13, min: "any" },
    other: { median: "x" },
  };
  assertEquals(paths(strand("episode_window", { ...WINDOW, factors })), [
    "content.factors.halo_max.median",
    "content.factors.ts_score.median",
  ]);
});

Deno.test("what an action did is told by its decision where its category is absent, and only there", () => {
  const decided = (content: Document, kind = "pm_action"): string[] =>
    paths(strand(kind, { ...ACTION, action_category: null, ...content }));
  for (const decision of ["entry", "add", "trim", "exit", "emergency_exit"]) {
    assertEquals(decided({ decision_type: decision }), [], decision);
  }
  assertEquals(decided({ decision_type: "allocation" }, "dm_action"), []);
  for (const decision of ["hold", "allocation", "shadow_entry", null, 7]) {
    assertEquals(decided({ decision_type: decision }), ["content.action_category"]);
  }
  assertEquals(decided({ action_category: "buy", decision_type: "entry" }), ["content.action_category"]);
  assertEquals(decided({ action_category: "entry", decision_type: 7 }), []);
});

Deno.test("an action that led to no trade is accepted whatever else it says", () => {
  for (const kind of ["pm_action", "dm_action"]) {
    for (
      const content of [{}, { trade_id: null }, { ...ACTION, trade_id: null, scope: 7, a_value: "high" }]
    ) {
      assertEquals(faultsOf(strand(kind, content)), []);
    }
    assertEquals(paths(strand(kind, [])), ["content"]);
    assertEquals(paths(without(strand(kind, {}), "content")), ["content"]);
    assertEquals(paths(having(strand(kind, {}), "created_at", "never")), ["created_at"]);
  }
});

Deno.test("an entry that was held back is held to the shape of a window only where it tells of one", () => {
  const shadow = (changes: Document): string[] => paths(strand("pm_action", { ...SHADOW, ...changes }));
  assertEquals(shadow({}), []);
  assertEquals(shadow({ scope: null }), []);
  assertEquals(
    shadow({
      episode_id: "",
      pattern_key: 7,
      scope: [],
      blocked_by: [7],
      gate_margins: { ts_margin: "low", halo_margin: 1e13, slope_margin: null },
    }),
    [
      "content.blocked_by.0",
      "content.episode_id",
      "content.gate_margins.halo_margin",
      "content.gate_margins.ts_margin",
      "content.pattern_key",
      "content.scope",
    ],
  );
  for (const missing of ["episode_id", "pattern_key", "blocked_by", "gate_margins"]) {
    assertEquals(shadow({ [missing]: null, scope: 7 }), [], missing);
  }
});

Deno.test("a summary of an episode without windows tells of nothing and is not looked at", () => {
  const kind = "uptrend_episode_summary";
  for (const content of [{}, { windows: null, episode_id: 7 }, { windows: [], outcome: "odd" }]) {
    assertEquals(faultsOf(strand(kind, content)), []);
  }
  assertEquals(paths(strand(kind, "x")), ["content"]);
});

Deno.test("a window of a summary is refused a time that it cannot have, by its number", () => {
  const found = faultsOf(strand("uptrend_episode_summary", {
    ...SUMMARY_OF_EPISODE,
    windows: [{}, { started_at: "1999-01-01", ended_at: "2025-01-10" }, { ended_at: "2199-01-01" }],
  }));
  assertEquals(found.map(({ path }) => path), [
    "content.windows.1.started_at",
    "content.windows.2.ended_at",
  ]);
});

Deno.test("a fault inside a list names the entry", () => {
  assertEquals(
    paths(having(VALID["episode_window"] ?? strand("", {}), "content.blocked_by", ["ts", " ", 3])),
    [
      "content.blocked_by.1",
      "content.blocked_by.2",
    ],
  );
});

Deno.test("every reason is reported, not only the first", () => {
  const broken = close({ rpnl_pct: "much", could_exit_better: -1, exit_timestamp: "2025-01-14T10:30:00Z" }, {
    trade_id: "",
    entry_context: 3,
  });
  assertEquals(paths({ ...broken, regime_context: [] } as typeof broken), [
    "content.entry_context",
    "content.trade_id",
    "content.trade_summary.could_exit_better",
    "content.trade_summary.exit_timestamp",
    "content.trade_summary.rpnl_pct",
    "regime_context",
  ]);
  assertEquals(
    paths(without(close({ exit_timestamp: "2025-01-14T10:30:00Z" }), "content.trade_summary.rr")),
    [
      "content.trade_summary.exit_timestamp",
      "content.trade_summary.rr",
    ],
  );
});

Deno.test("a trade may close in the moment it was entered, and not before, whatever the offsets", () => {
  const ordered = (entry: string, exit: string): string[] =>
    paths(close({ entry_timestamp: entry, exit_timestamp: exit }));
  assertEquals(ordered("2025-01-15T10:30:00Z", "2025-01-15T10:30:00Z"), []);
  assertEquals(ordered("2025-01-15T10:30:00Z", "2025-01-15T10:30:00"), []);
  assertEquals(ordered("2025-01-15T12:30:00+02:00", "2025-01-15T10:30:00Z"), []);
  assertEquals(ordered("2025-01-15", "2025-01-15 00:00:00"), []);
  assertEquals(ordered("2025-01-15T10:30:00.000002Z", "2025-01-15T10:30:00.000002Z"), []);
  const late = ["content.trade_summary.exit_timestamp"];
  assertEquals(ordered("2025-01-15T10:30:00Z", "2025-01-15T10:29:59.999Z"), late);
  assertEquals(ordered("2025-01-15T10:30:00Z", "2025-01-15T10:30:00+00:01"), late);
  assertEquals(ordered("2025-01-15T10:30:00Z", "2025-01-15"), late);
  assertEquals(ordered("2025-01-15T10:30:00.000002Z", "2025-01-15T10:30:00.000001Z"), late);
});

Deno.test("a timestamp is an ISO 8601 date or moment that Postgres reads too", () => {
  const judged = (text: Json): boolean =>
    faultsOf(having(VALID["pm_action"] ?? strand("", {}), "created_at", text)).length === 0;
  for (
    const text of [
      "2025-01-15",
      "2024-02-29",
      "2025-01-15T10:30:00Z",
      "2025-01-15 10:30:00Z",
      "2025-01-15T10:30:00",
      "2025-01-15T10:30",
      "2025-01-15T10:30:00.5Z",
      "2025-01-15T10:30:00.123456+00:00",
      "2025-01-15T10:30:00-15:59",
      "2025-01-15T10:30:00+14:00",
      "2000-01-01T00:00:00Z",
      "2025-02-02T12:00:00Z",
    ]
  ) assert(judged(text), text);
  for (
    const text of [
      "",
      "yesterday",
      "now",
      "infinity",
      "2025",
      "2025-01",
      "15.01.2025",
      "01/15/2025",
      "20250115",
      "2025-02-30",
      "2025-02-29",
      "2025-13-01",
      "2025-00-10",
      "2025-01-00",
      "2025-1-5",
      "0000-01-01",
      "0000-01-01T00:00:00Z",
      "0001-01-01T00:00:00+00:01",
      "9999-12-31T23:59:59-00:01",
      "9999-12-31T23:59:59.9999999Z",
      "10000-01-01T00:00:00Z",
      "+002025-01-15T00:00:00Z",
      "-2025-01-15T00:00:00Z",
      "0044-03-15T00:00:00+00:00 BC",
      "2025-01-15T24:00:00Z",
      "2025-01-15T10:60:00Z",
      "2025-01-15T10:30:60Z",
      "2025-01-15T10:30:00+16:00",
      "2025-01-15T10:30:00-23:00",
      "2025-01-15T10:30:00+0530",
      "2025-01-15T10:30:00 +02:00",
      "2025-01-15t10:30:00z",
      "2025-01-15T",
      "2025-01-15Z",
      " 2025-01-15",
      "2025-01-15 ",
      "2025-01-15T10:30:00Z\n",
      "2025-01-15  10:30:00Z",
      `2025-01-15T10:30:00.${"1".repeat(200)}Z`,
      "٢٠٢٥-٠١-١٥",
      20250115,
      1736937000000,
    ]
  ) assert(!judged(text), String(text));
});

Deno.test("whatever JSON a strand holds, judging it does not throw, and every fault has a path and a message", () => {
  const kinds = fc.constantFrom(
    "position_closed",
    "pm_action",
    "dm_action",
    "episode_window",
    "episode_outcome",
    "note",
  );
  const anything = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;
  fc.assert(
    fc.property(
      kinds,
      fc.record({ content: anything, created_at: anything, module: anything, regime_context: anything }, {
        requiredKeys: [],
      }),
      (kind, rest) => {
        for (const { path, message } of faultsOf({ kind, ...rest })) {
          assert(path !== "" && message !== "");
        }
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("whatever replaces one field of a good strand, only that field is found fault with", () => {
  const places = Object.entries({ ...REQUIRED, ...OPTIONAL }).flatMap(([kind, list]) =>
    list.map((path) => [kind, path] as const)
  );
  fc.assert(
    fc.property(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 2 }), ([kind, path], value) => {
      const faults = faultsOf(having(VALID[kind] ?? strand(kind, {}), path, value as Json));
      for (const fault of faults) {
        assert(fault.path === path || fault.path.startsWith(`${path}.`), fault.path);
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("keys that mean something to JavaScript mean nothing here", () => {
  const hostile = JSON.parse(
    '{"__proto__": {"trade_id": "x"}, "constructor": 1, "toString": null}',
  ) as Document;
  assertEquals(paths(strand("episode_outcome", hostile)), ["content.episode_id", "content.outcome"]);
  assertEquals(faultsOf(strand("pm_action", { ...ACTION, scope: hostile })), []);
});

Deno.test("an event is refused that is said to be before 2000 or later than a day after the strand arrived, with its path", () => {
  const reason =
    "Invalid input: expected a time from 2000-01-01T00:00:00Z to a day after the strand arrived, " +
    "2025-02-02T12:00:00.000Z";
  for (const [kind, valid] of Object.entries(VALID)) {
    for (
      const impossible of ["2099-01-01", "2025-02-02T12:00:00.000000001Z", "1999-12-31T23:59:59.999999999Z"]
    ) {
      assertEquals(faultsOf(having(valid, "created_at", impossible)), [{
        path: "created_at",
        message: reason,
      }], kind);
    }
    for (const possible of ["2000-01-01T01:00:00+01:00", "2025-02-02T14:00:00+02:00"]) {
      assertEquals(faultsOf(having(valid, "created_at", possible)), [], kind);
    }
  }
  const times = (entry: string, exit: string): string[] =>
    faultsOf(close({ entry_timestamp: entry, exit_timestamp: exit })).map(({ path }) => path);
  assertEquals(times("2025-01-15", "2199-01-01"), ["content.trade_summary.exit_timestamp"]);
  assertEquals(times("1970-01-01", "2025-01-15"), ["content.trade_summary.entry_timestamp"]);
  assertEquals(times("2099-01-01", "2199-01-01"), [
    "content.trade_summary.entry_timestamp",
    "content.trade_summary.exit_timestamp",
  ]);
  assertEquals(times("2000-01-01", "2025-02-02"), []);
});

Deno.test("a text that is too long is refused with the limit and what was given", () => {
  assertEquals(
    faultsOf(having(VALID["pm_action"] ?? strand("", {}), "content.pattern_key", "k".repeat(4321))),
    [{
      path: "content.pattern_key",
      message: "Too big: expected at most 200 characters and it has 4321",
    }],
  );
});
