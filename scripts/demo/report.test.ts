import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert/mod.js";
import type { LessonRow, SizingRow } from "./findings.ts";
import { type Findings, renderReport } from "./report.ts";

const LESSON: LessonRow = {
  pattern_key: "pm.uptrend.S1.buy_flag",
  action_category: "entry",
  scope_subset: { chain: "solana", timeframe: "1h" },
  n: 120,
  stats: { avg: 0.0512, dirA: 0.25, dirE: -0.125 },
  edge_raw: 0.1234,
  q_value: 0.00001,
  status: "active",
};
const SIZING: SizingRow = {
  mode: "posture",
  base_alloc_pct: 0.1,
  timeframe_share: 0.5,
  size_frac_raw: 0.35,
  pm_strength: 1.2,
  exposure_skew: 0.9,
  size_frac: 0.378,
  max_alloc_pct: 0.108,
  a_final: 0.55,
  e_final: 0.45,
  confidence: 0.6,
  overrides: [{}, {}],
  exposure: {},
  error: null,
};
const CANDIDATE = {
  label: "A fresh dip",
  pattern_key: "pm.x",
  action_category: "entry",
  scope: { chain: "solana" },
  a_value: 0.5,
  e_value: 0.5,
};
const EMPTY: Findings = {
  counts: { strands: 1234, events: 3, lessons: 2, active_lessons: 0, overrides: 0, rejected: 0 },
  health: [],
  planted: [],
  lessons: [],
  unit: { outcome: "roi", outcome_scale: 1 },
  gates: [],
  exposure: [],
  totalExposure: 0,
  candidates: [],
  asOf: null,
};

/** The report without colours, blanks as single ones. */
function render(findings: Partial<Findings>): string {
  // deno-lint-ignore no-control-regex -- colours begin with an escape
  return renderReport({ ...EMPTY, ...findings }).replaceAll(/\x1b\[\d+m/g, "").replaceAll(/ +/g, " ");
}

Deno.test("a report of nothing says so", () => {
  const report = render({});
  assertStringIncludes(
    report,
    "1,234 strands became 3 events, 2 lessons (0 of them active) and 0 overrides; none was rejected.",
  );
  assertStringIncludes(report, "What was learned (0 lessons are active)");
  assertStringIncludes(report, "so sizes stay as they are");
  assertStringIncludes(report, "Nothing: every candidate finds an empty book.");
  assertFalse(report.includes("hidden in the sample"));
  assertFalse(report.includes("gates"));
});

Deno.test("what is wrong with the loop stands below what was fed", () => {
  const report = render({ health: ["doorbell: no key", "schedule: off"] });
  assertStringIncludes(report, "none was rejected.\n health doorbell: no key\n health schedule: off\n");
});

Deno.test("rejected strands are counted, with where to look", () => {
  const report = render({ counts: { ...EMPTY.counts, rejected: 1500 } });
  assertStringIncludes(report, "1,500 were rejected (see strand_receipts.errors).");
});

Deno.test("a lesson tells behaviour, scope, trades, average, edge and q", () => {
  const report = render({
    counts: { ...EMPTY.counts, active_lessons: 1 },
    lessons: [LESSON, { ...LESSON, scope_subset: {}, q_value: 0, edge_raw: -0.05 }],
  });
  assertStringIncludes(report, "1 lesson is active");
  assertStringIncludes(
    report,
    "pm.uptrend.S1.buy_flag entry chain=solana timeframe=1h 120 +5.12 % +0.123 1e-5 +0.25 -0.13",
  );
  assertStringIncludes(report, "entry everywhere 120 +5.12 % -0.050 0 ");
});

Deno.test("an average is shown as people know it, whatever one unit of outcome means", () => {
  const lessons = [LESSON];
  assertStringIncludes(
    render({ lessons, unit: { outcome: "roi", outcome_scale: 0.1 } }),
    " 120 +0.51 % +0.123",
  );
  assertStringIncludes(
    render({ lessons, unit: { outcome: "rr", outcome_scale: 10 } }),
    " 120 +0.51 R +0.123",
  );
});

Deno.test("a planted effect is found or not", () => {
  const planted = {
    description: "Dips do well",
    patternKey: "pm.dip",
    actionCategory: "entry" as const,
    scope: { intent: "dip" },
    direction: "gain" as const,
    effect: 0.04,
  };
  const report = render({
    planted: [{ ...planted, found: LESSON }, { ...planted, description: "Others too", found: null }],
  });
  assertStringIncludes(report, "planted +4.0 % of ROI found edge +0.123, n 120, q 1e-5");
  assertStringIncludes(report, "planted +4.0 % of ROI found no");
});

Deno.test("what is held is shown by scope, in proportion", () => {
  const report = render({
    totalExposure: 0.4,
    exposure: [{ scope: { chain: "solana" }, exposure: 0.2, positions: 3 }],
  });
  assertStringIncludes(report, "What is held (40.0 % of the book, most crowded first)");
  assertStringIncludes(report, `chain=solana 20.0 % 3 ${"█".repeat(10)}`);
});

Deno.test("a candidate's learned size stands beside its base size, with the reasons", () => {
  const report = render({ candidates: [{ ...CANDIDATE, sizing: SIZING }], asOf: "2026-01-05T00:00:00Z" });
  assertStringIncludes(report, "What the PM should do next (as of 2026-01-05T00:00:00Z)");
  assertStringIncludes(report, "size 35.0 % 37.8 % strength ×1.200, crowding ×0.900");
  assertStringIncludes(report, "of the book, at most 10.00 % 10.80 % of which its timeframe gets 50.0 %");
  assertStringIncludes(report, "appetite A / exit E 0.550 / 0.450 2 lessons apply, confidence 0.60");
});

Deno.test("lessons that are listed together are counted one by one", () => {
  const lines = (overrides: SizingRow["overrides"]): string =>
    render({ candidates: [{ ...CANDIDATE, sizing: { ...SIZING, overrides } }] });
  assertStringIncludes(lines([]), "nothing learned applies here");
  assertStringIncludes(lines([{}]), "1 lesson applies");
  assertStringIncludes(lines([...Array<object>(50).fill({}), { rest: 70 }]), "120 lessons apply");
});

Deno.test("a candidate that cannot be sized says why, and keeps no other from being shown", () => {
  const error = { message: "Unknown action category hold" };
  const report = render({
    candidates: [{ ...CANDIDATE, label: "Bad", sizing: { ...SIZING, error } }, {
      ...CANDIDATE,
      sizing: SIZING,
    }],
  });
  assertStringIncludes(report, "Unknown action category hold");
  assertStringIncludes(report, "37.8 %");
});

Deno.test("no line is wider than a terminal needs to be, however wide the scope", () => {
  const scope = Object.fromEntries(
    Array.from({ length: 17 }, (_, i) => [`dimension_${i}`, `some_value_${i}`]),
  );
  const report = render({ candidates: [{ ...CANDIDATE, scope, sizing: SIZING }] });
  for (const line of report.split("\n")) assert(line.length <= 120, line);
  assertEquals(report.split("dimension_16=some_value_16").length, 2);
});
