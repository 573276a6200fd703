/**
 * Strands that nobody should write: of wrong types, with keys missing and to spare, numbers beyond every range, documents
 * of all sizes and depths, odd text, and text that is somebody else's language. As JSON text, because much of it no value
 * of this language can hold.
 *
 * @module
 */

import fc from "fast-check";

/** One strand to be written, its documents as JSON text, which may be none. */
export interface RawStrand {
  readonly id: string;
  readonly kind: string;
  readonly module: string | null;
  readonly timeframe: string | null;
  readonly content: string;
  readonly regime_context: string;
  /** As Postgres reads a timestamp. */
  readonly created_at: string;
  /** Paths at which something is surely wrong; each must be among the reasons of a refusal. */
  readonly wrong: readonly string[];
}

/** A document whose leaves are JSON text. */
type Draft = { [key: string]: Draft | string };

const TEXTS = [
  "'; drop table public.ad_strands; --",
  "$$ || pg_sleep(10) || $$",
  "%s %L %I \\",
  '"}, {"kind": "position_closed"',
  "{{}}",
  "NaN",
  "Infinity",
  "-inf",
  "1e5",
  "null",
  "true",
  "__proto__",
  "constructor",
  "\u00a0\u2003\ufeff",
  "\u202e\u202dabc",
  "e\u0301\u0301\u0301",
  "🧑‍🚀🏳️‍🌈",
  "\ud83d\ude00".repeat(150),
  "\u0001\u001f\u007f",
  "\uffff\ufdd0",
  "ﷺ",
  "<script>alert(1)</script>",
  "../../etc/passwd",
  "module=|pattern_key=",
  "module=a|b|pattern_key=c|pattern_key=d",
  "x".repeat(199),
  "x".repeat(201),
  "x".repeat(3_000),
  "ab".repeat(50_000),
] as const;

const NUMBERS = [
  "0",
  "-0",
  "-0.0",
  "1e400",
  "-1e400",
  "1e-400",
  "9".repeat(400),
  `0.${"1".repeat(1_000)}`,
  "1e131000",
  "1e-16000",
  "1e999999999999",
  "1e308",
  "5e-324",
  "1e12",
  "1000000000001",
  "1000000.0000000000000001",
  "9007199254740993",
  "-0.00000000000000000000000000000000000000000001",
] as const;

/** JSON of values of each type, and text that is no JSON at all. */
const anything: fc.Arbitrary<string> = fc.oneof(
  { weight: 164, arbitrary: fc.constantFrom(...TEXTS).map((text) => JSON.stringify(text)) },
  { weight: 164, arbitrary: fc.constantFrom(...NUMBERS) },
  { weight: 16, arbitrary: fc.double().map((number) => JSON.stringify(number)) },
  { weight: 16, arbitrary: fc.string({ unit: "binary", maxLength: 40 }).map((text) => JSON.stringify(text)) },
  { weight: 16, arbitrary: fc.json({ maxDepth: 4 }) },
  {
    weight: 16,
    arbitrary: fc.constantFrom(
      "null",
      "true",
      "false",
      "[]",
      "{}",
      "[null]",
      '""',
      '" "',
      '{"": {"": {"": []}}}',
      '{"a": 1, "a": {"a": 2}}',
      "[".repeat(200) + "]".repeat(200),
      "[".repeat(3_000) + "]".repeat(3_000),
      '{"a":'.repeat(2_000) + "1" + "}".repeat(2_000),
    ),
  },
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      // Refused by Postgres: no JSON, or text that it cannot hold.
      "",
      "NaN",
      "Infinity",
      "-Infinity",
      "undefined",
      "'single'",
      "{a: 1}",
      "[1,]",
      "01",
      "+1",
      "1e",
      '"\\u0000"',
      '"\\ud800"',
      '"\\udc00\\ud800"',
      '{"\\u0000": 1}',
      '"\\x41"',
      "[".repeat(20_000) + "]".repeat(20_000),
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(...hugeDocuments()) },
);

/** A megabyte each: one long text, many short ones, many keys, digits without end. */
function hugeDocuments(): string[] {
  const million = 1_000_000;
  return [
    JSON.stringify("x".repeat(million)),
    JSON.stringify(Array.from({ length: million / 8 }, (_, i) => i)),
    JSON.stringify(Object.fromEntries(Array.from({ length: million / 20 }, (_, i) => [`key ${i}`, "v"]))),
    "7".repeat(100_000),
  ];
}

function close(id: string): Draft {
  return {
    trade_id: JSON.stringify(id),
    entry_context: { chain: '"solana"', mcap_bucket: "3", timeframe: '"1h"' },
    trade_summary: {
      rr: "1.5",
      pnl_usd: "12.5",
      rpnl_pct: "3.2",
      entry_price: "1",
      exit_price: "1.032",
      entry_timestamp: '"2026-01-15T10:30:00Z"',
      exit_timestamp: '"2026-01-16T10:30:00Z"',
      reached_s3: "true",
      time_to_s3_hours: "2.5",
      could_enter_better: "0",
      could_exit_better: "1.2",
    },
    completed_trades: "[]",
  };
}

function action(id: string, category: string): Draft {
  return {
    trade_id: JSON.stringify(id),
    pattern_key: '"pm.uptrend.S1.buy_flag"',
    action_category: JSON.stringify(category),
    scope: { timeframe: '"1h"', A_mode: '"normal"', chain: '"base"' },
    state: '"S1"',
    a_value: "0.5",
    e_value: "0.25",
    size_frac: "0.35",
    reasons: { pm_strength_applied: "1.1", exposure_skew_applied: "0.9" },
  };
}

function episodeWindow(id: string): Draft {
  return {
    episode_id: JSON.stringify(id),
    pattern_key: '"pm.uptrend.S1.entry"',
    scope: { timeframe: '"1h"' },
    decision: '"skipped"',
    factors: {
      ts_score: "0.5",
      ts_min: "0.6",
      halo_distance: "1",
      halo_max: "1.5",
      slope: "0.001",
      slope_min: "0",
      dx: "1",
    },
    blocked_by: '["ts"]',
    trade_id: JSON.stringify(id),
    sample: { ts_score: "0.5" },
    flags: { ts_ok: "false", slope_ok: "true" },
  };
}

/** Well-formed content of each kind that learning reads, about one subject. */
const CONTENTS: Readonly<Record<string, (id: string) => Draft>> = {
  position_closed: close,
  pm_action: (id) => action(id, "entry"),
  dm_action: (id) => action(id, "allocation"),
  episode_window: episodeWindow,
  episode_outcome: (id) => ({ episode_id: JSON.stringify(id), outcome: '"success"' }),
  uptrend_episode_summary: (id) => ({
    episode_id: JSON.stringify(id),
    position_id: '"p"',
    pattern_key: '"pm.uptrend.S1.entry"',
    scope: { timeframe: '"1h"' },
    outcome: '"missed"',
    windows: '[{"window_id": "w", "entered": false, "summary": {"ts_score": {"median": 0.5}}}]',
  }),
};

/** Values that are surely wrong at a path, whatever the rest says. */
const SURELY_WRONG: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  position_closed: {
    "trade_id": ["null", "7", '""', '" "', "[]", JSON.stringify("x".repeat(201))],
    "trade_summary.rr": ["null", '"1.5"', "true", "1e400", "1e13", "[]"],
    "trade_summary.rpnl_pct": ["null", '"3.2"', "1000001", "-1e400", "{}"],
    "trade_summary.entry_timestamp": ["null", '"soon"', "0", '"2026-02-30T00:00:00Z"', '"infinity"'],
    "trade_summary.exit_timestamp": ["null", '"NaN"', "1768559400", '"0000-01-01T00:00:00Z"', "null"],
    "trade_summary.reached_s3": ['"true"', "1", "[]"],
    "trade_summary.could_exit_better": ["-0.1", '"0"', "1e13"],
    "entry_context": ["[]", '"solana"', "3"],
  },
  pm_action: {
    "trade_id": ["7", '""', "[]"],
    "pattern_key": ["null", "7", '"\\t"', JSON.stringify("x".repeat(201))],
    "action_category": ["null", '"hold"', '"allocation"', "1"],
    "scope": ["null", "[]", '"1h"'],
    "a_value": ["1.01", "-0.01", '"0.5"', "1e400"],
    "reasons": ["[]", '"none"'],
  },
  dm_action: { "action_category": ["null", '"entry"'], "scope": ["null", "3"] },
  episode_window: {
    "episode_id": ["null", "7", '""'],
    "decision": ["null", '"act"', "true"],
    "factors": ["null", "[]"],
    "blocked_by": ['"ts"', "{}", `[${Array.from({ length: 101 }, () => '"ts"').join(",")}]`],
  },
  episode_outcome: { "outcome": ["null", '"win"', "0"] },
  uptrend_episode_summary: {
    "episode_id": ["null", "7", '""'],
    "pattern_key": ["null", "[]"],
    "outcome": ['"win"', "0"],
    "windows": ['"none"', "{}", "7"],
  },
};

interface Change {
  readonly path: readonly string[];
  /** Null to leave the key out. */
  readonly value: string | null;
}

function applied(draft: Draft, changes: readonly Change[]): Draft {
  const copy = structuredClone(draft);
  for (const { path, value } of changes) {
    let at: Draft | string | undefined = copy;
    for (const key of path.slice(0, -1)) at = typeof at === "object" ? at[key] : undefined;
    if (typeof at !== "object") continue; // An earlier change took its place.
    const key = path.at(-1) ?? "";
    if (value === null) delete at[key];
    else at[key] = value;
  }
  return copy;
}

function jsonOf(draft: Draft | string): string {
  if (typeof draft === "string") return draft;
  return `{${
    Object.entries(draft).map(([key, value]) => `${JSON.stringify(key)}: ${jsonOf(value)}`).join(", ")
  }}`;
}

function pathsOf(draft: Draft, prefix: readonly string[] = []): string[][] {
  return Object.entries(draft).flatMap(([key, value]) => [
    [...prefix, key],
    ...(typeof value === "object" ? pathsOf(value, [...prefix, key]) : []),
  ]);
}

const kinds = fc.constantFrom(...Object.keys(CONTENTS));

type Body = Omit<RawStrand, "id">;

function body(part: Partial<Body> & Pick<Body, "kind" | "content">): Body {
  return {
    module: "pm",
    timeframe: "1h",
    regime_context: "{}",
    created_at: "2026-01-15T10:30:00Z",
    wrong: [],
    ...part,
  };
}

/** Well-formed but for one to four fields, of which it is known that they are wrong. */
function faulty(subject: string): fc.Arbitrary<Body> {
  return kinds.chain((kind) => {
    const known = Object.entries(SURELY_WRONG[kind] ?? {});
    return fc.subarray(known, { minLength: 1, maxLength: Math.min(known.length, 4) }).chain((chosen) =>
      fc.tuple(
        ...chosen.map(([path, values]) => fc.constantFrom(...values).map((value) => ({ path, value }))),
      )
    ).map((changes) =>
      body({
        kind,
        content: jsonOf(applied(
          CONTENTS[kind]?.(subject) ?? {},
          changes.map(({ path, value }) => ({ path: path.split("."), value })),
        )),
        wrong: changes.map(({ path }) => `content.${path}`),
      })
    );
  });
}

/** Well-formed but for one to five fields that may hold anything. */
function mutated(subject: string): fc.Arbitrary<Body> {
  return kinds.chain((kind) => {
    const draft = CONTENTS[kind]?.(subject) ?? {};
    const change = fc.record({
      path: fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom(...pathsOf(draft)) },
        { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 10 }).map((key) => [key]) },
        {
          weight: 1,
          arbitrary: fc.constantFrom(["scope", "mcap_bucket"], ["scope", "bucket"], [
            "entry_context",
            "bucket",
          ]),
        },
      ),
      value: fc.oneof({ weight: 8, arbitrary: anything }, { weight: 1, arbitrary: fc.constant(null) }),
    });
    return fc.array(change, { minLength: 1, maxLength: 5 })
      .map((changes) => body({ kind, content: jsonOf(applied(draft, changes)) }));
  });
}

/** Well-formed, however odd: where any text may stand there is any text, and what is not read holds anything. */
function odd(subject: string): fc.Arbitrary<Body> {
  const texts = fc.oneof(fc.constantFrom(...TEXTS), fc.string({ unit: "binary", maxLength: 60 })).map((
    text,
  ) => JSON.stringify(text.replaceAll("\0", "").slice(0, 150).toWellFormed()));
  const named = texts.map((text) => (JSON.parse(text).trim() === "" ? '"named"' : text));
  const value = fc.oneof(
    texts,
    fc.constantFrom("true", "null", '""', "1e-30", "-0", "12345678901234567890.5"),
  );
  const scope = fc.dictionary(
    fc.oneof({
      weight: 5,
      arbitrary: fc.constantFrom("timeframe", "chain", "bucket", "mcap_bucket", "A_mode", "bucket_leader"),
    }, {
      weight: 1,
      arbitrary: fc.string({ unit: "binary", maxLength: 8 }).map((key) =>
        key.replaceAll("\0", "").toWellFormed()
      ),
    }),
    value,
    { maxKeys: 6 },
  );
  return fc.record({
    kind: kinds,
    name: fc.oneof({ weight: 3, arbitrary: fc.constant(JSON.stringify(subject)) }, {
      weight: 1,
      arbitrary: named,
    }),
    patternKey: named,
    module: fc.option(texts.map((text) => JSON.parse(text).slice(0, 100))),
    timeframe: fc.option(fc.constantFrom(...TEXTS)),
    scope,
    context: scope,
    unread: fc.option(anything),
  }).map(({ kind, name, patternKey, module, timeframe, scope, context, unread }) => {
    const draft: Draft = { ...CONTENTS[kind]?.(subject), ...(unread === null ? {} : { unread }) };
    for (const key of ["trade_id", "episode_id"]) if (key in draft) draft[key] = name;
    if ("pattern_key" in draft) draft["pattern_key"] = patternKey;
    for (const key of ["scope", "entry_context"]) if (key in draft) draft[key] = scope;
    return body({ kind, module, timeframe, content: jsonOf(draft), regime_context: jsonOf(context) });
  });
}

/** Nothing of it is as it should be. */
function arbitrary(subject: string): fc.Arbitrary<Body> {
  const texts = fc.oneof(fc.constantFrom(...TEXTS), fc.string({ unit: "grapheme", maxLength: 30 }));
  return fc.record({
    kind: fc.oneof({ weight: 4, arbitrary: kinds }, {
      weight: 1,
      arbitrary: texts.map((text) => text.slice(0, 200)),
    }),
    module: fc.option(texts),
    timeframe: fc.option(texts),
    content: fc.oneof(anything, kinds.map((kind) => jsonOf(CONTENTS[kind]?.(subject) ?? {}))),
    regime_context: anything,
    created_at: fc.constantFrom(
      "2026-01-15T10:30:00Z",
      "infinity",
      "-infinity",
      "4713-01-01 00:00:00 BC",
      "294276-12-31T23:59:59Z",
      "0001-01-01T00:00:00Z",
      "9999-12-31T23:59:59.999999Z",
      "epoch",
      "never",
      "",
    ),
  }).map(body);
}

/** So many bad strands, the same for the same seed; each is about a subject of its own or, often, one that `subjects` names. */
export function badStrands(seed: number, count: number, subjects: readonly string[]): RawStrand[] {
  const subject = fc.oneof(fc.constantFrom(...subjects), fc.nat().map((number) => `nobody-${number}`));
  const strand = subject.chain((name) =>
    fc.oneof(
      { weight: 3, arbitrary: faulty(name) },
      { weight: 4, arbitrary: mutated(name) },
      { weight: 4, arbitrary: odd(name) },
      { weight: 2, arbitrary: arbitrary(name) },
    )
  );
  return fc.sample(strand, { numRuns: count, seed }).map((content, place) => ({
    id: `bad-${place}`,
    ...content,
  }));
}
