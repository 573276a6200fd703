import { assert, assertEquals, assertFalse } from "@std/assert/mod.js";
import { computeBaseline } from "../statistics/baseline.ts";
import { computePosture, type Direction } from "../statistics/posture.ts";
import { scopeKey } from "../mining/scope_key.ts";
import type { StoredLesson } from "../store/lesson_store.ts";
import type { ClaimedGroup } from "../store/mining_store.ts";
import {
  type Answer,
  CallFailure,
  ScriptedDatabase,
} from "../../../scripts/testing/store/scripted_database.ts";
import { mineLessons } from "./mine.ts";
import type { MiningSettings } from "./settings.ts";
import {
  DAY_MS,
  DEFAULT_SETTINGS,
  groupInput,
  HOUR_MS,
  integer,
  mineAll,
  normal,
  type Trade,
  trade,
  uniform,
} from "../../../scripts/testing/lessons/groups.ts";

// ── A database with groups to mine ─────────────────────────────────────────────────────────────────────────────────

function packed(values: readonly number[], bytes: 4 | 8): string {
  const view = new DataView(new ArrayBuffer(values.length * bytes));
  for (const [i, value] of values.entries()) {
    if (bytes === 8) view.setFloat64(i * 8, value);
    else view.setInt32(i * 4, value);
  }
  return btoa(Array.from(new Uint8Array(view.buffer), (byte) => String.fromCharCode(byte)).join(""));
}

const DIMENSIONS = ["curator", "chain", "intent"];
const dictionary: string[] = [];

/** A code as a dictionary gives it: in the order in which values first came. */
function codeOf(value: string | undefined): number {
  if (value === undefined) return 0;
  if (!dictionary.includes(value)) dictionary.push(value);
  return dictionary.indexOf(value) + 1;
}

function packedColumns(trades: readonly Trade[]): object {
  const floats = (value: (trade: Trade) => number | null): string =>
    packed(trades.map((t) => value(t) ?? NaN), 8);
  const integers = (value: (trade: Trade) => number): string => packed(trades.map(value), 4);
  return {
    rows: trades.length,
    outcome: floats(({ roi }) => roi),
    steering_roi: floats(({ roi }) => roi),
    acted_at: floats(({ actedAt }) => actedAt),
    traded_at: floats(({ tradedAt }) => tradedAt),
    duration_hours: floats(({ durationHours }) => durationHours),
    time_to_s3_hours: floats(({ timeToS3Hours }) => timeToS3Hours),
    could_enter_better: floats(({ couldEnterBetter }) => couldEnterBetter),
    could_exit_better: floats(({ couldExitBetter }) => couldExitBetter),
    did_trim: integers(({ didTrim }) => Number(didTrim)),
    reached_s3: integers(({ reachedS3 }) => Number(reachedS3)),
    dimensions: Object.fromEntries(
      DIMENSIONS.map((dim, bit) => [bit, integers(({ scope }) => codeOf(scope[dim]))]),
    ),
  };
}

function someTrades(seed: number, rows = 120): Trade[] {
  const random = uniform(seed);
  const gauss = normal(random);
  return Array.from({ length: rows }, (_, i) => {
    const scope: Record<string, string> = {
      curator: `k${integer(random, 3)}`,
      chain: `c${integer(random, 2)}`,
    };
    if (random() < 0.8) scope["intent"] = `i${integer(random, 3)}`;
    const roi = 0.1 * gauss() + (scope["chain"] === "c1" ? 0.3 : 0);
    return trade({
      scope,
      roi,
      rr: 3 * roi,
      actedAt: Date.UTC(2025, 0, 1) + i * DAY_MS,
      tradedAt: Date.UTC(2025, 0, 1) + i * DAY_MS + 5 * HOUR_MS + 0.125,
      couldEnterBetter: random() < 0.5 ? null : 2 * random(),
      didTrim: random() < 0.4,
      reachedS3: random() < 0.5,
    });
  });
}

/** Where all the given trades point. */
function directionOf(trades: readonly Trade[]): Direction {
  const { dirA, dirE } = computePosture({
    roi: Float64Array.from(trades, ({ roi }) => roi),
    didTrim: Uint8Array.from(trades, ({ didTrim }) => Number(didTrim)),
    reachedS3: Uint8Array.from(trades, ({ reachedS3 }) => Number(reachedS3)),
  }, 0.1);
  return { dirA, dirE };
}

/** Plays the database's part: groups are claimed in order, progress is kept, lessons are taken. */
class MiningDatabase {
  readonly groups: readonly (readonly Trade[])[];
  readonly written = new Map<number, readonly StoredLesson[]>();
  readonly progress = new Map<number, unknown>();
  readonly restarted: number[] = [];
  readonly database: ScriptedDatabase;
  readonly settings: MiningSettings;
  /** All decisions of the category; null as in runs that began before they were told apart from the baseline. */
  category: { n: number; sigma: number } | null = null;
  /** What is answered, last first, to each piece of preparing: how many groups are left. */
  readonly unprepared: number[] = [];
  readonly #leased = new Set<number>();
  #ownDirection: { dir_a: unknown; dir_e: unknown } | null = null;

  constructor(
    groups: readonly (readonly Trade[])[],
    config: Readonly<Record<string, unknown>> = {},
    answers: Readonly<Record<string, Answer>> = {},
    population = 0,
  ) {
    this.groups = groups;
    const effective = { ...DEFAULT_SETTINGS, cpu_budget_ms: 60_000, mining_workers: 4, ...config };
    this.settings = effective as unknown as MiningSettings;
    const outcomes = Float64Array.from(groups.flat(), ({ roi }) => roi);
    const { bounds, n, mean, sigma, winsorisedMean, lowest, highest } = computeBaseline(
      outcomes.length > 0 ? outcomes : new Float64Array(1),
    );
    const baseline = outcomes.length === 0 ? null : {
      n: population === 0 ? n : population,
      mean,
      sigma,
      winsorised_mean: winsorisedMean,
      lower_bound: bounds.lower,
      upper_bound: bounds.upper,
      lowest,
      highest,
    };
    this.database = new ScriptedDatabase({
      get_pm_config: () => effective,
      prepare_mining: () => this.unprepared.pop() ?? 0,
      start_mining: () => groups.length,
      ring_edge_function: () => null,
      claim_mining_group: (): ClaimedGroup | null => {
        const id = groups.findIndex((_, i) => !this.#leased.has(i) && !this.written.has(i));
        if (id < 0) return null;
        this.#leased.add(id);
        return {
          group_id: id,
          lease_token: `lease of ${id}`,
          lesson_type: "pm_strength",
          module: "pm",
          pattern_key: `pm.key${id}`,
          action_category: "entry",
          run: {
            config: effective as never,
            baseline,
            category: this.category,
            effects: null,
            dimensions: DIMENSIONS.map((dim, bit) => ({ bit, dim })),
          },
          progress: (this.progress.get(id) ?? null) as never,
        };
      },
      read_mining_group: ({ p_group_id }) => {
        const { categoryDays } = groupInput(groups.flat(), DIMENSIONS, this.settings);
        return {
          ...packedColumns(groups[Number(p_group_id)] ?? []),
          own_direction: this.#ownDirection,
          category_days: {
            day: packed([...categoryDays.keys()], 4),
            mean: packed([...categoryDays.values()], 8),
          },
        };
      },
      read_scope_values: ({ p_codes }) =>
        Object.fromEntries((p_codes as number[]).map((code) => [code, dictionary[code - 1]])),
      read_category_decisions: () => packedColumns(groups.flat()),
      save_own_direction: ({ p_dir_a, p_dir_e }) => {
        this.#ownDirection = { dir_a: p_dir_a, dir_e: p_dir_e };
        return null;
      },
      read_edge_history: () => [],
      read_calibration_sums: () => [],
      save_mining_progress: ({ p_group_id, p_progress }) => {
        this.progress.set(Number(p_group_id), p_progress);
        this.#leased.delete(Number(p_group_id));
        return null;
      },
      restart_mining_group: ({ p_group_id }) => {
        this.restarted.push(Number(p_group_id));
        this.progress.delete(Number(p_group_id));
        this.#leased.delete(Number(p_group_id));
        return null;
      },
      finish_mining_group: ({ p_group_id, p_lessons }) => {
        this.written.set(Number(p_group_id), JSON.parse(String(p_lessons)) as StoredLesson[]);
        return null;
      },
      ...answers,
    });
  }

  /** What must be stored for a group: mined without a pause, from the same baseline. */
  expected(id: number): StoredLesson[] {
    const trades = this.groups[id] ?? [];
    const others = this.groups.flat().filter((t) => !trades.includes(t));
    const input = {
      ...groupInput(
        trades,
        DIMENSIONS,
        this.settings,
        others.map(({ roi }) => roi),
        others.map(({ tradedAt }) => tradedAt),
      ),
      ownDirection: this.settings.steering.relative ? directionOf(this.groups.flat()) : null,
    };
    return mineAll(input).map((lesson) => ({
      scope_subset: lesson.scope,
      n: lesson.stats.n,
      stats: lesson.stats,
      edge_raw: lesson.stats.edge_raw,
      p_value: lesson.pValue,
      q_value: lesson.qValue,
      decay_halflife_hours: lesson.stats.decay.half_life_hours,
      status: lesson.active ? "active" as const : "candidate" as const,
      family_scope: lesson.familyScope,
      last_evidence_at: `${new Date(lesson.lastEvidenceAt).toISOString().slice(0, -1)}125Z`,
    }));
  }

  assertWritten(id: number): void {
    const sorted = (lessons: readonly StoredLesson[]): StoredLesson[] =>
      [...lessons].sort((a, b) => scopeKey(a.scope_subset) < scopeKey(b.scope_subset) ? -1 : 1);
    const written = this.written.get(id);
    assert(written !== undefined && written.length > 3, `Group ${id} was not mined`);
    // The order of the trades decides in which order they are summed.
    const rounded = JSON.stringify(
      sorted(written ?? []),
      (_, value) => typeof value === "number" ? Number(value.toPrecision(10)) : value,
    );
    const wanted = JSON.stringify(
      sorted(this.expected(id)),
      (_, value) => typeof value === "number" ? Number(value.toPrecision(10)) : value,
    );
    assertEquals(JSON.parse(rounded), JSON.parse(wanted));
  }

  logged(event: string): Record<string, unknown>[] {
    return this.database.argsOf("insert learning_log").flat().filter((line) =>
      (line as { event: string }).event === event
    ) as Record<string, unknown>[];
  }
}

Deno.test("the scheduled invocation begins a cycle, calls the other workers and mines every due group", async () => {
  const mining = new MiningDatabase([someTrades(1), someTrades(2), someTrades(3)]);
  const report = await mineLessons(mining.database.store, false);
  for (const id of [0, 1, 2]) mining.assertWritten(id);
  const lessons = [...mining.written.values()].flat();
  assertEquals(report, {
    groups: 3,
    events: 360,
    lessons: lessons.length,
    active: lessons.filter(({ status }) => status === "active").length,
    failed: 0,
    handedOver: false,
  });
  assert(report.active > 0);
  assertEquals(mining.database.argsOf("start_mining"), [{ p_family: "strength" }]);
  assertEquals(mining.database.argsOf("ring_edge_function"), [
    { p_name: "mine-lessons", p_body: { continue: true }, p_times: 2 },
  ]);
  assertEquals([mining.logged("mining_started").length, mining.logged("mining_completed").length], [1, 1]);
});

Deno.test("a cycle begins when all is prepared, by another invocation where the budget does not reach", async () => {
  const mining = new MiningDatabase([someTrades(1)]);
  mining.unprepared.push(1, 2);
  await mineLessons(mining.database.store, false);
  assertEquals(mining.database.argsOf("prepare_mining").length, 3);
  mining.assertWritten(0);

  const spent = new MiningDatabase([someTrades(1)], { cpu_budget_ms: 0 });
  spent.unprepared.push(1);
  assert((await mineLessons(spent.database.store, false)).handedOver);
  assertFalse(spent.database.names.includes("start_mining"));
  assertEquals(spent.database.argsOf("ring_edge_function"), [{
    p_name: "mine-lessons",
    p_body: {},
    p_times: 1,
  }]);
});

Deno.test("no more workers are called than are configured, and none for nothing", async () => {
  const rung = async (groups: number, workers: number): Promise<unknown[]> => {
    const mining = new MiningDatabase(Array(groups).fill([]), { mining_workers: workers });
    await mineLessons(mining.database.store, false);
    return mining.database.argsOf("ring_edge_function").map((args) => (args as { p_times: number }).p_times);
  };
  assertEquals(await rung(10, 3), [2]);
  assertEquals(await rung(2, 8), [1]);
  assertEquals(await rung(1, 8), []);
  assertEquals(await rung(0, 8), []);
  assertEquals(await rung(9, 1), []);
});

Deno.test("an invocation that continues begins no cycle", async () => {
  const mining = new MiningDatabase([someTrades(1)]);
  await mineLessons(mining.database.store, true);
  mining.assertWritten(0);
  assertFalse(mining.database.names.includes("start_mining"));
  assertFalse(mining.database.names.includes("ring_edge_function"));
});

Deno.test("a budget that is spent within a group saves its place, and others go on to the same lessons", async () => {
  const mining = new MiningDatabase([someTrades(4), someTrades(5)], { cpu_budget_ms: 0, n_min: 10 });
  let invocations = 0;
  while (mining.written.size < 2) {
    const report = await mineLessons(mining.database.store, true);
    assert(report.handedOver);
    assert(report.groups <= 1);
    invocations++;
  }
  assert(invocations > 20, String(invocations));
  assertEquals(mining.database.argsOf("ring_edge_function").length, invocations);
  for (const id of [0, 1]) mining.assertWritten(id);
});

Deno.test("a group without trades or without anything to compare with has no lessons", async () => {
  const mining = new MiningDatabase([[], someTrades(1)]);
  await mineLessons(mining.database.store, true);
  assertEquals(mining.written.get(0), []);
  mining.assertWritten(1);
});

Deno.test("trades that came while the baseline was measured do not stop a group from being mined", async () => {
  const mining = new MiningDatabase([someTrades(1)], {}, {}, 119);
  assertEquals((await mineLessons(mining.database.store, true)).failed, 0);
  mining.assertWritten(0);
});

Deno.test("edges are measured in deviations of the category, whatever slices are compared with", async () => {
  const mining = new MiningDatabase([someTrades(1)]);
  mining.category = { n: 500, sigma: 0.25 };
  await mineLessons(mining.database.store, true);
  const scales = new Set(mining.written.get(0)?.map(({ stats }) => "scale" in stats ? stats.scale : null));
  assertEquals(scales, new Set([0.25]));
});

Deno.test("the module's own direction is measured once for all of its groups", async () => {
  const mining = new MiningDatabase([someTrades(6), someTrades(7)], {
    steering: { roi_scale: 0.1, relative: true },
  });
  while (mining.written.size < 2) await mineLessons(mining.database.store, true);
  assertEquals(mining.database.argsOf("read_category_decisions").length, 1);
  const { dirA, dirE } = directionOf([...someTrades(6), ...someTrades(7)]);
  const saved = mining.database.argsOf("save_own_direction") as { p_dir_a: number; p_dir_e: number }[];
  assertEquals(saved.length, 1);
  assert(Math.abs((saved[0]?.p_dir_a ?? NaN) - dirA) < 1e-12);
  assert(Math.abs((saved[0]?.p_dir_e ?? NaN) - dirE) < 1e-12);
});

Deno.test("the module's own direction is read where directions are relative, once for a group", async () => {
  const mining = new MiningDatabase([someTrades(6)], {
    n_min: 20,
    cpu_budget_ms: 0,
    steering: { roi_scale: 0.1, relative: true },
  });
  while (mining.written.size === 0) await mineLessons(mining.database.store, true);
  assertEquals(mining.database.argsOf("read_category_decisions"), [{
    p_module: "pm",
    p_action_category: "entry",
  }]);
  const trades = someTrades(6);
  const own = directionOf(trades);
  const found = new Map(
    mining.written.get(0)?.map((lesson) => [scopeKey(lesson.scope_subset), lesson.stats]),
  );
  const absolute = { ...mining.settings, steering: { roi_scale: 0.1, relative: false } };
  let withheld = 0;
  for (const { scope, stats } of mineAll(groupInput(trades, DIMENSIONS, absolute))) {
    const { dirA, dirE } = found.get(scopeKey(scope)) as { dirA: number; dirE: number };
    const side = Math.sign(stats.edge_raw);
    for (
      const [written, relative, wanted] of [
        [dirA, stats.dirA - own.dirA, side],
        [dirE, stats.dirE - own.dirE, -side],
      ] as const
    ) {
      const contradicts = Math.sign(relative) === -wanted;
      if (contradicts) withheld++;
      assert(Math.abs(written - (contradicts ? 0 : relative)) < 1e-12, JSON.stringify(scope));
    }
  }
  assert(withheld > 0);
  // The group is all the module has done.
  const whole = found.get(scopeKey({})) as { dirA: number; dirE: number };
  assert(Math.abs(whole.dirA) < 1e-12 && Math.abs(whole.dirE) < 1e-12);
});

Deno.test("earlier edges are read where decay is judged by them", async () => {
  const ts = Array.from({ length: 18 }, (_, i) => Date.UTC(2025, 0, 1) + i * HOUR_MS);
  const mining = new MiningDatabase([someTrades(7)], { n_min: 10, decay: { source: "history" } }, {
    // In another order of keys than the miner has them.
    read_edge_history: () => [{
      scope_subset: { intent: "i1", chain: "c1" },
      ts,
      edge: ts.map((_, i) => 0.5 - 0.02 * i + (i % 2) * 0.001),
    }],
  });
  await mineLessons(mining.database.store, true);
  const judged = (mining.written.get(0) ?? []).map(({ scope_subset, stats }) => ({
    scope_subset,
    decay: (stats as { decay: { source: string; state: string } }).decay,
  }));
  assert(judged.every(({ decay }) => decay.source === "history"));
  assertEquals(
    judged.filter(({ decay }) => decay.state !== "insufficient").map((
      { scope_subset, decay },
    ) => [scope_subset, decay.state]),
    [[{ chain: "c1", intent: "i1" }, "decaying"]],
  );
});

Deno.test("a group that another invocation took over is left to it", async () => {
  const mining = new MiningDatabase([someTrades(1), someTrades(2)], {}, {
    finish_mining_group: (_, times) => {
      if (times === 0) throw new CallFailure("55P03", "Lease is no longer held");
      return null;
    },
  });
  const report = await mineLessons(mining.database.store, true);
  assertEquals([report.groups, report.failed, report.handedOver], [1, 0, false]);
  assertEquals(mining.logged("mining_failed"), []);
});

Deno.test("a group whose trades were corrected under way begins again", async () => {
  const corrected = someTrades(8);
  const mining = new MiningDatabase([corrected], { cpu_budget_ms: 0, n_min: 5 });
  await mineLessons(mining.database.store, true);
  const saved = JSON.parse(String(mining.progress.get(0))) as { miner: { pass: string } };
  assertEquals(saved.miner.pass, "judge");
  // A cursor of other trades, as a pause in an earlier pass would have left it.
  mining.progress.set(0, {
    ownDirection: null,
    miner: {
      pass: "count",
      cursor: { input: 1, path: [0] },
      tests: 1,
      rowVisits: 1,
      histogram: [],
      strongest: [],
    },
  });
  await mineLessons(mining.database.store, true);
  assertEquals(mining.restarted, [0]);
  while (mining.written.size === 0) await mineLessons(mining.database.store, true);
  mining.assertWritten(0);
});

Deno.test("progress of another form, as an earlier release left it, is given up and the group begins again", async () => {
  const mining = new MiningDatabase([someTrades(8)]);
  mining.progress.set(0, {
    ownDirection: null,
    miner: { pass: "describe", kept: { slices: [], strengths: [] } },
  });
  await mineLessons(mining.database.store, true);
  assertEquals(mining.restarted, [0]);
  mining.assertWritten(0);
});

Deno.test("a group that cannot be mined is reported by name and keeps no other from being mined", async () => {
  const mining = new MiningDatabase([someTrades(1), someTrades(2)], {}, {
    read_scope_values: ({ p_codes }, times) =>
      times === 0
        ? {}
        : Object.fromEntries((p_codes as number[]).map((code) => [code, dictionary[code - 1]])),
  });
  const report = await mineLessons(mining.database.store, true);
  assertEquals([report.groups, report.failed], [1, 1]);
  mining.assertWritten(1);
  const [line] = mining.logged("mining_failed");
  assertEquals([line?.["level"], line?.["component"]], ["ERROR", "mine-lessons"]);
  assert(String(line?.["message"]).startsWith("pm.key0 entry could not be mined"), String(line?.["message"]));
});
