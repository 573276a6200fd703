import { assert, assertEquals, assertThrows } from "@std/assert/mod.js";
import fc from "fast-check";
import { mineTuningGroup, type TuningLesson, type TuningProgress } from "./mine_group.ts";
import type { TuningMiningSettings } from "./settings.ts";
import type { TuningWindows } from "./windows.ts";

const SETTINGS: TuningMiningSettings = { n_min: 2, selection: "distinct", max_lessons_per_group: 5000 };

/** One window: its scope as one letter per dimension (a dot for none), acted or not, how it ended, hours since the first. */
type Seen = readonly [
  scope: string,
  decision: "acted" | "skipped",
  outcome: "success" | "failure" | "neutral",
  hour?: number,
];

function columnsOf(seen: readonly Seen[]): TuningWindows {
  const dimensions = Array.from({ length: seen[0]?.[0].length ?? 0 }, (_, bit) => {
    const values = [...new Set(seen.map(([scope]) => scope[bit]!))].filter((value) => value !== ".").sort();
    return {
      bit,
      name: `d${bit}`,
      cardinality: values.length,
      values,
      dictionary: values.map((_, value) => value + 1),
      codes: Uint8Array.from(seen, ([scope]) => 1 + values.indexOf(scope[bit]!)),
    };
  });
  const flags = (flag: (window: Seen) => boolean): Uint8Array =>
    Uint8Array.from(seen, (window) => flag(window) ? 1 : 0);
  return {
    rows: seen.length,
    looksBackTo: null,
    dimensions,
    occurredAt: Float64Array.from(seen, ([, , , hour]) => (hour ?? 0) * 3_600_000),
    acted: flags(([, decision]) => decision === "acted"),
    success: flags(([, , outcome]) => outcome === "success"),
    failure: flags(([, , outcome]) => outcome === "failure"),
    otherwiseBlocked: new Uint8Array(seen.length),
    half: new Uint8Array(seen.length),
  };
}

function mine(windows: TuningWindows, settings = SETTINGS): readonly TuningLesson[] {
  const step = mineTuningGroup(windows, settings, null, () => false);
  if ("progress" in step) throw new Error("Paused although nobody asked it to");
  return step.lessons;
}

/** Lessons by their scopes, in any order. */
const byScope = (lessons: readonly TuningLesson[]): Record<string, TuningLesson> =>
  Object.fromEntries(lessons.map((lesson) => [JSON.stringify(lesson.scope), lesson]));

Deno.test("rates are shares of the decided windows on either side", () => {
  const lessons = byScope(mine(columnsOf([
    ["a", "acted", "success", 1],
    ["a", "acted", "failure", 7],
    ["a", "acted", "failure", 3],
    ["a", "skipped", "success", 2],
    ["a", "skipped", "neutral", 9],
    ["b", "acted", "neutral", 4],
    ["b", "skipped", "failure", 5],
    ["b", "skipped", "failure", 6],
  ])));
  assertEquals(Object.keys(lessons).sort(), ['{"d0":"a"}', '{"d0":"b"}', "{}"]);
  assertEquals(lessons["{}"]?.stats, {
    n: 8,
    acted_success: 1,
    acted_failure: 2,
    skipped_success: 1,
    skipped_failure: 2,
    neutral: 2,
    wr: 1 / 3,
    fpr: 2 / 3,
    mr: 1 / 3,
    dr: 2 / 3,
  });
  assertEquals(lessons['{"d0":"b"}']?.stats, {
    n: 3,
    acted_success: 0,
    acted_failure: 0,
    skipped_success: 0,
    skipped_failure: 2,
    neutral: 1,
    wr: null,
    fpr: null,
    mr: 0,
    dr: 1,
  });
  assertEquals(lessons['{"d0":"a"}']?.lastEvidenceAt, 9 * 3_600_000);
  assertEquals(lessons['{"d0":"b"}']?.lastEvidenceAt, 6 * 3_600_000);
});

Deno.test("too few windows make no lesson, and none make none", () => {
  assertEquals(mine(columnsOf([["a", "acted", "success"]])), []);
  assertEquals(mine(columnsOf([])), []);
});

Deno.test("windows that share everything are one lesson, under every name when asked", () => {
  const windows = columnsOf([["ab", "acted", "success"], ["ab", "acted", "failure"]]);
  assertEquals(mine(windows).map(({ scope }) => scope), [{}]);
  const names = mine(windows, { ...SETTINGS, selection: "exhaustive" }).map(({ scope }) =>
    JSON.stringify(scope)
  );
  assertEquals(names.sort(), ['{"d0":"a","d1":"b"}', '{"d0":"a"}', '{"d1":"b"}', "{}"]);
});

Deno.test("of too many slices those stay whose gates are wrong in another way than the group's", () => {
  const windows = columnsOf([
    ...Array.from({ length: 40 }, (_, i): Seen => ["ax", "skipped", i % 8 === 0 ? "success" : "failure"]),
    ...Array.from({ length: 40 }, (_, i): Seen => ["ay", "skipped", i % 8 === 0 ? "success" : "failure"]),
    ...Array.from({ length: 20 }, (): Seen => ["bx", "skipped", "success"]),
    ...Array.from({ length: 20 }, (_, i): Seen => ["by", "skipped", i % 2 === 0 ? "success" : "failure"]),
  ]);
  const scopes = mine(windows, { ...SETTINGS, max_lessons_per_group: 1 }).map(({ scope }) =>
    JSON.stringify(scope)
  );
  // The strongest of depth two, and every scope of at most one pair.
  assertEquals(scopes.sort(), [
    '{"d0":"a"}',
    '{"d0":"b","d1":"x"}',
    '{"d0":"b"}',
    '{"d1":"x"}',
    '{"d1":"y"}',
    "{}",
  ]);
});

const group = fc.array(
  fc.tuple(
    fc.stringMatching(/^[ab.][abc][ab]$/),
    fc.constantFrom<"acted" | "skipped">("acted", "skipped"),
    fc.constantFrom<"success" | "failure" | "neutral">("success", "failure", "neutral"),
    fc.integer({ min: 0, max: 99 }),
  ),
  { maxLength: 60 },
);

Deno.test("a run that pauses whenever it may finds what one does that never pauses", () => {
  fc.assert(fc.property(group, fc.constantFrom(1, 3, 5000), (seen, limit) => {
    const settings = { ...SETTINGS, max_lessons_per_group: limit };
    const windows = columnsOf(seen);
    let progress: TuningProgress | null = null;
    for (let invocations = 0; invocations < 10_000; invocations++) {
      const step = mineTuningGroup(columnsOf(seen), settings, progress, () => true);
      if ("lessons" in step) {
        assertEquals(byScope(step.lessons), byScope(mine(windows, settings)));
        return;
      }
      progress = JSON.parse(JSON.stringify(step.progress));
    }
    assert(false, "It never came to an end");
  }));
});

Deno.test("every lesson is what counting its windows gives, and every scope with enough of them has its lesson", () => {
  fc.assert(fc.property(group, (seen) => {
    const lessons = mine(columnsOf(seen));
    const contains = (scope: Readonly<Record<string, string>>, window: Seen): boolean =>
      Object.entries(scope).every(([dimension, value]) => window[0][Number(dimension.slice(1))] === value);
    const sets = new Set(lessons.map(({ scope, stats }) => {
      const own = seen.filter((window) => contains(scope, window));
      assertEquals(stats.n, own.length);
      assertEquals(stats.neutral, own.filter(([, , outcome]) => outcome === "neutral").length);
      assertEquals(
        stats.acted_failure,
        own.filter(([, decision, outcome]) => decision === "acted" && outcome === "failure").length,
      );
      return seen.map((window) => contains(scope, window) ? 1 : 0).join("");
    }));
    assertEquals(sets.size, lessons.length);
    for (const [scope] of seen) {
      for (let mask = 0; mask < 8; mask++) {
        const subset = Object.fromEntries(
          [...scope].flatMap((value, bit) => value !== "." && mask >> bit & 1 ? [[`d${bit}`, value]] : []),
        );
        const rows = seen.map((window) => contains(subset, window) ? 1 : 0).join("");
        if (rows.replaceAll("0", "").length >= SETTINGS.n_min) assert(sets.has(rows), JSON.stringify(subset));
      }
    }
  }));
});

Deno.test("progress is refused for other windows", () => {
  const seen: Seen[] = [["a", "acted", "success"], ["b", "acted", "success"], ["a", "skipped", "failure"]];
  const step = mineTuningGroup(columnsOf(seen), SETTINGS, null, () => true);
  if (!("progress" in step)) throw new Error("It did not pause when asked to");
  for (
    const other of [
      [...seen, ["a", "acted", "neutral"]] as Seen[],
      seen.with(1, ["b", "acted", "failure"]),
      seen.with(1, ["b", "skipped", "success"]),
      seen.with(1, ["c", "acted", "success"]),
      seen.with(1, ["b", "acted", "success", 1]),
    ]
  ) {
    assertThrows(
      () => mineTuningGroup(columnsOf(other), SETTINGS, step.progress, () => false),
      RangeError,
      "The progress belongs to other windows",
    );
  }
});
