import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert/mod.js";
import type { FamilyRow, SizingRow } from "./findings.ts";
import { type Findings, renderReport } from "./report.ts";

const FAMILY: FamilyRow = {
  pattern_key: "pm.uptrend.S1.buy_flag",
  action_category: "entry",
  scope: { chain: "solana", timeframe: "1h" },
  unit: "points",
  effect: 0.0234,
  effect_low: 0.0101,
  effect_high: 0.0367,
  cautious: null,
  n: 120,
  weeks: 37,
  young: false,
  proven: true,
  lessons: 12,
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
  families: [],
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
    "1,234 strands became 3 events, 2 lessons (0 of them believed) and 0 overrides; none was rejected.",
  );
  assertStringIncludes(report, "What was learned (0 lessons are believed)");
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

Deno.test("a family tells behaviour, scope, effect with its interval, what it rests on and what it is", () => {
  const report = render({
    counts: { ...EMPTY.counts, active_lessons: 1 },
    families: [FAMILY, {
      ...FAMILY,
      scope: {},
      effect: -0.05,
      young: true,
      proven: false,
      weeks: 9,
      lessons: 1,
    }],
  });
  assertStringIncludes(report, "1 lesson is believed");
  assertStringIncludes(
    report,
    "+2.3 points (+1.0 to +3.7) n 120, 37 weeks, 12 lessons, proven\n pm.uptrend.S1.buy_flag entry, chain=solana timeframe=1h",
  );
  assertStringIncludes(
    report,
    "-5.0 points (+1.0 to +3.7) n 120, 9 weeks, 1 lesson, young\n pm.uptrend.S1.buy_flag entry, everywhere",
  );
});

Deno.test("an effect in R is told in R, and one without an interval without", () => {
  const told = { ...FAMILY, unit: "R" as const, effect_low: null };
  assertStringIncludes(render({ families: [told] }), "+0.02 R n 120, 37 weeks, 12 lessons, proven");
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
    planted: [{ ...planted, found: FAMILY }, { ...planted, description: "Others too", found: null }],
  });
  assertStringIncludes(report, "planted +4.0 % of ROI found +2.3 points (+1.0 to +3.7), n 120, proven");
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

Deno.test("a candidate's size is told in steps, with what made them", () => {
  const report = render({ candidates: [{ ...CANDIDATE, sizing: SIZING }], asOf: "2026-01-05T00:00:00Z" });
  assertStringIncludes(report, "What the PM should do next (as of 2026-01-05T00:00:00Z)");
  assertStringIncludes(report, "size: base 35.0 % → learned +20 % → 42.0 % → crowded book −10 % → 37.8 %");
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

Deno.test("control characters in what others wrote are shown, wherever they stand", () => {
  const evil = (name: string): string => `${name}\x1b]0;x\x07\x9b2J\u202e\r`;
  const scope = { [evil("dim")]: evil("value") };
  const family = { ...FAMILY, pattern_key: evil("key"), action_category: evil("category"), scope };
  const candidate = { ...CANDIDATE, label: evil("label"), pattern_key: evil("key"), scope };
  const text = renderReport({
    ...EMPTY,
    counts: { ...EMPTY.counts, active_lessons: 1 },
    health: [evil("health")],
    planted: [{
      description: evil("description"),
      patternKey: evil("key"),
      actionCategory: "entry",
      scope,
      effect: 0.1,
      direction: "gain",
      found: family,
    }],
    families: [family],
    gates: [{ label: evil("label"), lever: "tuning_ts_min", before: 1, after: 2, movedBy: scope, scope }],
    exposure: [{ scope, exposure: 0.1, positions: 1 }],
    totalExposure: 0.1,
    candidates: [{ ...candidate, sizing: SIZING }, {
      ...candidate,
      sizing: { ...SIZING, error: { message: evil("error") } },
    }],
    asOf: evil("2025"),
  });
  assertEquals( // deno-lint-ignore no-control-regex -- colours begin with an escape
    text.replaceAll(/\x1b\[\d+m/g, "").match(/[^\P{Cc}\n]|\p{Bidi_Control}/gu),
    null,
  );
  for (const name of ["dim", "value", "key", "category", "label", "health", "description", "error", "2025"]) {
    assertStringIncludes(text, `${name}\\u001b]0;x\\u0007\\u009b2J\\u202e\\u000d`);
  }
});
