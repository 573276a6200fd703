import { assert, assertEquals, assertThrows } from "@std/assert/mod.js";
import { scopeKey } from "../mining/scope_key.ts";
import { type GroupInput, type MinedLesson, mineGroup } from "./mine_group.ts";
import {
  mineByBruteForce,
  normalP,
  type OracleInput,
  type OracleLesson,
  studentP,
} from "../../../scripts/testing/lessons/oracle.ts";
import { cases } from "../../../scripts/testing/lanes.ts";
import type { MiningSettings } from "./settings.ts";
import {
  DAY_MS,
  DEFAULT_SETTINGS,
  finished,
  groupInput,
  HOUR_MS,
  integer,
  mineAll,
  mineInSteps,
  normal,
  pick,
  type Trade,
  trade,
  uniform,
} from "../../../scripts/testing/lessons/groups.ts";

// ── Random small groups, and what an independent oracle finds in them ──────────────────────────────────────────────

/** A small group with every shape of column that could confuse a miner, and settings that bring every rule into play. */
function randomCase(seed: number, fixed: Partial<MiningSettings> = {}): OracleInput {
  const random = uniform(seed);
  const gauss = normal(random);
  const rows = 8 + integer(random, 52);
  const dimensions = ["curator", "chain", "mcap_bucket", "intent", "timeframe", "A_mode"].slice(
    0,
    2 + integer(random, 5),
  );
  const shapes = dimensions.map((_, bit) => ({
    values: 1 + integer(random, 4),
    missing: pick(random, [0, 0, 0.2, 0.7]),
    // The value of an earlier dimension, so that different subsets select the same trades.
    copies: bit > 0 && random() < 0.3 ? integer(random, bit) : null,
  }));
  // Few different outcomes make ties, many none.
  const grain = pick(random, [2, 8, 1e9]);
  const round = (value: number): number => Math.round(value * grain) / grain;
  const days = pick(random, [3, 20, 100, 400]);
  const trades = Array.from({ length: rows }, (): Trade => {
    const scope: Record<string, string> = {};
    for (const [bit, dimension] of dimensions.entries()) {
      const { values, missing, copies } = shapes[bit] ?? { values: 1, missing: 0, copies: null };
      const copied = copies === null ? undefined : scope[dimensions[copies] ?? ""];
      if (random() >= missing) scope[dimension] = copied ?? `v${integer(random, values)}`;
    }
    const shift = scope["chain"] === "v0" ? 1 : scope["curator"] === "v1" ? -0.5 : 0;
    const actedAt = Date.UTC(2025, 0, 1) + integer(random, days * 24) * HOUR_MS;
    return {
      scope,
      roi: round(0.1 * gauss() + 0.3 * shift),
      rr: round(gauss() + shift + (random() < 0.05 ? 20 : 0)),
      ...(random() < 0.5 ? { steeringRoi: round(0.1 * gauss()) } : {}),
      actedAt,
      tradedAt: actedAt + integer(random, 200) * HOUR_MS,
      durationHours: random() * 50,
      timeToS3Hours: random() < 0.5 ? null : random() * 20,
      couldEnterBetter: random() < 0.3 ? null : 3 * random(),
      couldExitBetter: random() < 0.9 ? null : 3 * random(),
      didTrim: random() < 0.3,
      reachedS3: random() < 0.4,
    };
  });
  const settings: MiningSettings = {
    outcome: pick(random, ["roi", "rr"]),
    add_outcome: pick(random, ["own", "trade"]),
    trim_outcome: pick(random, ["own", "trade"]),
    exit_outcome: pick(random, ["regret", "trade"]),
    outcome_scale: pick(random, ["auto", "auto", 1, 0.05, 3]),
    n_min: 2 + integer(random, 6),
    edge_min: pick(random, [0, 0.05, 0.5]),
    incremental_min: pick(random, [null, null, 0.2]),
    max_q_value: pick(random, [0.1, 0.3, 0.01, null]),
    cluster: pick(random, ["span", "week", "day", "none"]),
    fdr: pick(random, ["by", "bh"]),
    near_misses: pick(random, [200, null, 5, 0]),
    selection: pick(random, ["distinct", "exhaustive"]),
    max_lessons_per_group: pick(random, [5000, 5000, 20, 3]),
    refuse_selected: random() < 0.7,
    regime_dimensions: [],
    memory: "none",
    decay: { source: pick(random, ["events", "events", "history"]) },
    steering: { roi_scale: pick(random, [0.1, 0.5]), relative: random() < 0.3 },
    ...fixed,
  };
  const category = pick(random, ["entry", "add", "trim", "exit", "allocation"]);
  const others = random() < 0.2
    ? []
    : Array.from({ length: 1 + integer(random, 80) }, () => round(gauss() * 0.5));
  const otherCloses = others.slice(integer(random, 3) * 20).map(() =>
    Date.UTC(2025, 0, 1) + integer(random, days * 24) * HOUR_MS
  );
  const history = settings.decay.source === "events" ? null : new Map(
    mineByBruteForce({
      trades,
      dimensions,
      category,
      others,
      otherCloses,
      settings: { ...settings, near_misses: null, decay: { source: "events" } },
      ownDirection: null,
      history: null,
    }).filter(() => random() < 0.7).map(({ scope }) => {
      const snapshots = 10 + integer(random, 20);
      const trend = pick(random, [-0.02, 0, 0.02]);
      return [scope, {
        times: Array.from({ length: snapshots }, (_, i) => Date.UTC(2025, 0, 1) + i * HOUR_MS),
        edges: Array.from({ length: snapshots }, (_, i) => 0.5 + trend * i + 0.01 * gauss()),
      }] as const;
    }),
  );
  return {
    trades,
    dimensions,
    category,
    others,
    otherCloses,
    settings,
    ownDirection: settings.steering.relative ? { dirA: random() - 0.5, dirE: random() - 0.5 } : null,
    history,
  };
}

function inputOf(
  { trades, dimensions, category, others, otherCloses, settings, ownDirection, history }: OracleInput,
): GroupInput {
  return {
    ...groupInput(trades, dimensions, settings, others, otherCloses),
    category,
    ownDirection,
    history: history && new Map([...history].map(([scope, { times, edges }]) => [
      scope,
      { times: Float64Array.from(times), edges: Float64Array.from(edges) },
    ])),
  };
}

/** A t whose denominator is 0 but for rounding is infinite, whatever rounding makes of it. */
function finiteT(t: unknown): unknown {
  return typeof t === "number" && Math.abs(t) > 1e9 ? null : t;
}

function assertClose(actual: unknown, expected: unknown, relative: number, what: string): void {
  if (typeof actual !== "number" || typeof expected !== "number") {
    assertEquals(actual, expected, what);
    return;
  }
  const tolerance = relative * Math.max(1e-3, Math.abs(actual), Math.abs(expected));
  assert(Math.abs(actual - expected) <= tolerance, `${what}: found ${actual}, expected ${expected}`);
}

/** n exactly, means and variances to 1e-12, the rest to 1e-8: a p near 0 is a difference of numbers near 1 in the oracle. */
function assertSameLessons(
  found: readonly MinedLesson[],
  expected: readonly OracleLesson[],
  what: string,
): void {
  const byScope = new Map(found.map((lesson) => [scopeKey(lesson.scope), lesson]));
  assertEquals(byScope.size, found.length, `${what}: a scope occurs twice`);
  assertEquals([...byScope.keys()].sort(), expected.map(({ scope }) => scope).sort(), what);
  for (const lesson of expected) {
    const at = `${what}, ${lesson.scope}`;
    const mined = byScope.get(lesson.scope);
    if (mined === undefined) throw new Error(`${at} was not found.`);
    assertEquals(mined.stats.n, lesson.n, at);
    assertClose(mined.pValue, lesson.p, 1e-8, `${at}, p`);
    assertClose(mined.qValue, lesson.q, 1e-8, `${at}, q`);
    assertEquals(mined.active, lesson.active, `${at}, active`);
    assertEquals(mined.familyScope && scopeKey(mined.familyScope), lesson.familyScope, `${at}, family`);
    assertEquals(mined.lastEvidenceAt, lesson.lastEvidenceAt, at);
    const { decay, ...stats } = mined.stats;
    const { decay: expectedDecay, ...expectedStats } = lesson.stats;
    assertEquals(Object.keys(stats).sort(), Object.keys(expectedStats).sort());
    for (const [key, value] of Object.entries(stats)) {
      // 0/0 but for rounding: what does not differ at all has any t.
      if (key === "t_clustered" && Math.abs(Number(expectedStats["z"])) < 1e-9) continue;
      const relative = key === "avg" || key === "variance" ? 1e-12 : 1e-8;
      const [actual, wanted] = key === "t_clustered"
        ? [finiteT(value), finiteT(expectedStats[key])]
        : [value, expectedStats[key]];
      assertClose(actual, wanted, relative, `${at}, ${key}`);
    }
    // Of the baseline's own trades nothing but rounding is left to have a trend.
    if (Math.abs(Number(expectedStats["delta"])) < 1e-12) continue;
    for (const [key, value] of Object.entries(decay)) {
      assertClose(value, (expectedDecay as Record<string, unknown>)[key], 1e-8, `${at}, decay ${key}`);
    }
  }
}

Deno.test("the lessons of hundreds of random groups are those of an oracle that tries every subset", () => {
  let [lessons, active, capped, represented, proven] = [0, 0, 0, 0, 0];
  const seeds = cases(400);
  for (let seed = 0; seed < seeds; seed++) {
    const random = randomCase(seed);
    const expected = mineByBruteForce(random);
    assertSameLessons(mineAll(inputOf(random)), expected, `Seed ${seed}`);
    lessons += expected.length;
    active += expected.filter((lesson) => lesson.active).length;
    represented += expected.filter(({ active, familyScope, scope }) =>
      active && familyScope !== scope
    ).length;
    proven += expected.filter(({ stats }) => stats["proven"] === true).length;
    if (expected.length >= random.settings.max_lessons_per_group) capped++;
  }
  // So that the comparison is about something.
  assert(
    lessons > 12 * seeds && active > seeds / 2 && active < lessons / 2 && capped > seeds / 8 &&
      represented > seeds / 4 && proven > seeds / 80,
    `${lessons}, ${active}, ${capped}, ${represented}, ${proven}`,
  );
});

Deno.test("the oracle's own distributions are those of the tables", () => {
  for (const [z, p] of [[1.95996, 0.05], [2.57583, 0.01], [0, 1]] as const) {
    assertClose(normalP(z), p, 1e-5, `Normal ${z}`);
    assertClose(normalP(-z), p, 1e-5, `Normal ${-z}`);
  }
  for (
    const [t, degrees, p] of [
      [12.70620, 1, 0.05],
      [4.30265, 2, 0.05],
      [2.77645, 4, 0.05],
      [2.57058, 5, 0.05],
      [2.76326, 28, 0.01],
      [2.75639, 29, 0.01],
    ] as const
  ) assertClose(studentP(t, degrees), p, 1e-5, `Student ${t} with ${degrees}`);
});

/** A group large enough that every pass is asked several times whether it should pause. */
function largeCase(selection: "distinct" | "exhaustive"): GroupInput {
  const random = uniform(7);
  const gauss = normal(random);
  const dimensions = Array.from({ length: 10 }, (_, bit) => `d${bit}`);
  const trades = Array.from({ length: 400 }, (_, i) => {
    const scope = Object.fromEntries(
      dimensions.filter(() => random() < 0.9).map((dimension) => [dimension, `v${integer(random, 3)}`]),
    );
    const roi = 0.2 * gauss() + (scope["d1"] === "v1" && scope["d4"] === "v2" ? 0.3 : 0);
    return trade({ scope, roi, actedAt: i * DAY_MS, didTrim: random() < 0.3, couldEnterBetter: random() });
  });
  const settings = {
    ...DEFAULT_SETTINGS,
    n_min: 3,
    selection,
    cluster: "none" as const,
    max_lessons_per_group: cases(150),
  };
  return groupInput(trades, dimensions, settings, [0.2, -0.2, 0, 0.1]);
}

Deno.test("pausing at every opportunity, in a fresh process each time, gives the very same lessons", () => {
  const passes = new Map<string, number>();
  for (const selection of ["distinct", "exhaustive"] as const) {
    for (const exactRowVisits of [undefined, 60_000, 0]) {
      const stepped = mineInSteps(() => largeCase(selection), exactRowVisits);
      assertEquals(stepped.lessons, mineAll(largeCase(selection), exactRowVisits));
      for (const [pass, times] of stepped.passes) passes.set(pass, times + (passes.get(pass) ?? 0));
    }
  }
  assertEquals([...passes.keys()].sort(), [
    "count",
    "describe",
    "judge",
    "prove",
    "relate",
    "select",
    "test",
  ]);
  for (const [pass, times] of passes) assert(times > 1, `${pass} paused ${times} times`);
});

Deno.test("what is told of thousands of lessons is not begun where it does not fit any more", () => {
  const input = largeCase("distinct");
  const asked: number[] = [];
  const tooLong = (aheadMs = 0): boolean => {
    if (aheadMs > 0) asked.push(aheadMs);
    return aheadMs > 0;
  };
  const step = mineGroup(input, null, tooLong);
  if (!("progress" in step)) throw new Error("It did not pause.");
  const { progress } = step;
  if (progress.pass !== "describe") throw new Error(`It paused in ${progress.pass}.`);
  assertEquals([progress.done, progress.described], [0, []]);
  const lessons = finished(mineGroup(input, null, () => false));
  // At least a tenth of a millisecond for each that is kept, and not as long as all that might have been.
  assert(asked.length === 1 && asked[0]! >= lessons.length * 0.1, `${asked} for ${lessons.length}`);
  // The next invocation begins with it, whatever is asked.
  assertEquals(finished(mineGroup(input, progress, tooLong)), lessons);
});

Deno.test("where trade sets are too many to test each exactly, the same lessons are active", () => {
  let [lessons, active, bounded] = [0, 0, 0];
  const seeds = cases(300);
  for (let seed = 2000; seed < 2000 + seeds; seed++) {
    const level = [0.01, 0.1, 0.3][seed % 3] ?? 0.1;
    const input = inputOf(randomCase(seed, { max_q_value: level }));
    const exact = mineAll(input);
    const quick = mineAll(input, 0);
    assertEquals(
      quick.map(({ scope, active }) => [scopeKey(scope), active]),
      exact.map(({ scope, active }) => [scopeKey(scope), active]),
      `Seed ${seed}`,
    );
    for (const [i, lesson] of exact.entries()) {
      const q = quick[i]?.qValue ?? NaN;
      if (lesson.qValue <= level) assertClose(q, lesson.qValue, 1e-12, `Seed ${seed}, q`);
      else {assert(
          q > level && q >= lesson.qValue - 1e-12 && q <= 1,
          `Seed ${seed}: q ${q}, exactly ${lesson.qValue}`,
        );}
      lessons++;
      if (lesson.active) active++;
      if (q > lesson.qValue + 1e-9) bounded++;
    }
  }
  assert(
    active > seeds / 3 && bounded > 5 * seeds / 3 && lessons > active + bounded,
    `${lessons}, ${active}, ${bounded}`,
  );
});

Deno.test("a trade set has the same q whichever selection is on", () => {
  for (let seed = 3000; seed < 3000 + cases(40); seed++) {
    const q = (selection: "distinct" | "exhaustive"): Map<string, number> =>
      new Map(
        mineAll(inputOf(randomCase(seed, { selection, max_lessons_per_group: 5000, near_misses: null })))
          .map((lesson) => [scopeKey(lesson.scope), lesson.qValue]),
      );
    const exhaustive = q("exhaustive");
    for (const [scope, value] of q("distinct")) {
      assertEquals(exhaustive.get(scope), value, `Seed ${seed}, ${scope}`);
    }
  }
});

Deno.test("a group with fewer trades than n_min teaches nothing", () => {
  const trades = Array.from({ length: 32 }, (_, i) => trade({ roi: i / 100, scope: { chain: "solana" } }));
  const input = groupInput(trades, ["chain"], DEFAULT_SETTINGS, [0.5, -0.5]);
  assertEquals(mineGroup(input, null, () => false), { tests: 0, lessons: [] });
  const enough = [...trades, trade({ scope: { chain: "base" } })];
  assertEquals(mineAll(groupInput(enough, ["chain"], DEFAULT_SETTINGS, [0.5])).map(({ scope }) => scope), [
    {},
  ]);
});

Deno.test("a group without a single dimension still has the lesson of all its trades", () => {
  const trades = Array.from({ length: 40 }, (_, i) => trade({ roi: 0.1, actedAt: i * DAY_MS }));
  const [lesson, ...others] = mineAll(
    groupInput(trades, [], DEFAULT_SETTINGS, Array<number>(200).fill(-0.1)),
  );
  assertEquals([lesson?.scope, lesson?.stats.n, others.length], [{}, 40, 0]);
});

Deno.test("progress is not continued on other trades", () => {
  const step = mineGroup(largeCase("distinct"), null, () => true);
  if (!("progress" in step)) throw new Error("It did not pause.");
  const corrected = largeCase("distinct");
  const [first] = corrected.trades.dimensions;
  if (first === undefined) throw new Error("There is no dimension.");
  first.codes[7] = first.codes[7] === 1 ? 2 : 1;
  assertThrows(() => mineGroup(corrected, step.progress, () => false), RangeError, "another input");
  assertEquals(
    finished(mineGroup(largeCase("distinct"), step.progress, () => false)),
    mineAll(largeCase("distinct")),
  );
});

Deno.test("a losing pattern that recovers is trusted less, and one that gets worse more", () => {
  const slope = (perDay: number): MinedLesson => {
    const trades = Array.from(
      { length: 60 },
      (_, i) => trade({ roi: -0.5 + perDay * (i - 30) + (i % 2 === 0 ? 0.01 : -0.01), actedAt: i * DAY_MS }),
    );
    const [lesson] = mineAll(groupInput(trades, [], DEFAULT_SETTINGS, Array<number>(600).fill(0.05)));
    if (lesson === undefined) throw new Error("There is no lesson.");
    return lesson;
  };
  const [recovering, steady, worsening] = [slope(0.005), slope(0), slope(-0.005)];
  assertEquals([recovering, steady, worsening].map(({ stats }) => stats.decay.state), [
    "improving",
    "stable",
    "decaying",
  ]);
  const share = ({ stats }: MinedLesson): number => stats.edge_raw / stats.edge_before_decay;
  assert(share(recovering) < 1 && share(steady) === 1 && share(worsening) > 1);
});
