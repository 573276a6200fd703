import { assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import type { Allowance } from "../runtime/budget.ts";
import {
  type Answer,
  CallFailure,
  ScriptedDatabase,
} from "../../../scripts/testing/store/scripted_database.ts";
import { largestBeyondLuck, materializeTuning } from "./materialize.ts";

const HALO_MAX = 1;
const TUNING = {
  lookback_days: 90,
  min_ratio: 2,
  min_gain: 3,
  cautious_dodge_rate: 0.9,
  cautious_ratio: 4,
  confirm: false,
};

function packed(bytesPerValue: number, values: readonly number[]): string {
  const view = new DataView(new ArrayBuffer(bytesPerValue * values.length));
  for (const [i, value] of values.entries()) {
    if (bytesPerValue === 8) view.setFloat64(i * 8, value);
    else if (bytesPerValue === 4) view.setInt32(i * 4, value);
    else view.setInt16(i * 2, value);
  }
  return btoa(String.fromCharCode(...new Uint8Array(view.buffer)));
}

/** Skipped for the halo alone, in scope a or b; `success` of them missed successes, the rest dodged failures. */
function piece(scopes: string, success: number, next: unknown = null): object {
  const n = scopes.length;
  const column = (value: number): string => packed(8, Array.from({ length: n }, () => value));
  return {
    rows: n,
    next,
    looks_back_to: "2026-01-01T00:00:00+00:00",
    occurred_at: column(0),
    flags: packed(4, Array.from({ length: n }, (_, i) => i < success ? 2 : 4)),
    gates: [column(0.7), column(0.6), column(1.05), column(HALO_MAX), column(0.01), column(0.001)],
    code_bytes: 2,
    dimensions: { "9": packed(2, [...scopes].map((scope) => scope === "a" ? 7 : 8)) },
  };
}

const claim = (group_id: number, after = 0): object => ({
  group_id,
  lease_token: `lease ${group_id}`,
  pattern_key: "pm.x",
  looks_back_to: "2026-01-01T00:00:00+00:00",
  tuning: TUNING,
  after,
  dimensions: [{ bit: 9, dim: "timeframe" }],
});

const LESSONS = [
  { id: 11, scope_subset: {}, dr: 0.3 },
  { id: 12, scope_subset: { timeframe: "a" }, dr: 0.3 },
  { id: 13, scope_subset: { timeframe: "gone" }, dr: null },
];

const answers = (more: Readonly<Record<string, Answer>>): ScriptedDatabase =>
  new ScriptedDatabase({
    claim_tuning_simulation: (_, times) => times === 0 ? claim(1) : null,
    read_tuning_windows: () => piece("aaaaabbb", 6),
    read_scope_values: () => ({ "7": "a", "8": "b" }),
    read_tuning_lessons: () => LESSONS,
    save_tuning_simulations: () => null,
    get_pm_config: () => ({ max_q_value: 0.1 }),
    read_tuning_p_values: () => ({ lessons: 3, p_values: "" }),
    reconcile_tuning_overrides: () => ({ next: null, created: 1, changed: 0, disabled: 0 }),
    ring_edge_function: () => null,
    ...more,
  });

const PATIENT: Allowance = { cpuMs: 1e9, wallMs: 1e9 };

interface Saved {
  readonly p_group_id: number;
  readonly p_results: { readonly lesson_id: number; readonly [key: string]: unknown }[];
  readonly p_after: number;
  readonly p_state: string;
}

const savedBy = (database: ScriptedDatabase): Saved[] =>
  database.argsOf("save_tuning_simulations") as unknown as Saved[];

Deno.test("every lesson is simulated on its own windows, then the overrides follow", async () => {
  const database = answers({});
  const report = await materializeTuning(database.store, PATIENT);
  assertEquals(report, {
    groups: 1,
    lessons: 3,
    moves: 2,
    created: 1,
    changed: 0,
    disabled: 0,
    failed: 0,
    handedOver: false,
  });
  const [saved] = savedBy(database);
  assertEquals([saved?.p_after, saved?.p_state], [13, "finished"]);
  const [all, ofA, ofNone] = saved?.p_results ?? [];
  // 6 misses caught for 2 failures added; in scope a 5 for none.
  assertEquals(all?.["moves"], { tuning_halo: { value: 0.1, multiplier: 1.1 } });
  assertAlmostEquals(Number(all?.["confidence"]), 0.75);
  assertEquals(
    all?.["summary"],
    "best tuning_halo+0.1 ratio=3x (6 misses caught, 2 failures added)",
  );
  assertEquals([ofA?.["verdict"], ofA?.["confidence"], ofA?.["p_value"]], ["move", 1, null]);
  assertEquals([ofNone?.["verdict"], ofNone?.["moves"], ofNone?.["confidence"]], ["nothing", {}, null]);
  assertEquals(database.names.slice(-2), ["reconcile_tuning_overrides", "insert learning_log"]);
});

Deno.test("windows come in pieces, all of them of the same look-back", async () => {
  const database = answers({
    read_tuning_windows: (_, times) =>
      times === 0 ? piece("aaa", 3, { occurred_at: "2026-02-01T00:00:00+00:00", id: 3 }) : piece("ab", 2),
  });
  await materializeTuning(database.store, PATIENT);
  assertEquals(
    savedBy(database)[0]?.p_results[0]?.["summary"],
    "best tuning_halo+0.1 ratio=5x (5 misses caught)",
  );
  assertEquals(database.argsOf("read_tuning_windows").map((args) => args), [
    { p_group_id: 1, p_looks_back_to: "2026-01-01T00:00:00+00:00", p_gates: true },
    {
      p_group_id: 1,
      p_looks_back_to: "2026-01-01T00:00:00+00:00",
      p_after: { occurred_at: "2026-02-01T00:00:00+00:00", id: 3 },
      p_gates: true,
    },
  ]);
});

Deno.test("with confirmation a lesson without a move counts with a p of one", async () => {
  const database = answers({
    claim_tuning_simulation: (_, times) =>
      times === 0 ? { ...claim(1), tuning: { ...TUNING, confirm: true, min_gain: 9 } } : null,
  });
  await materializeTuning(database.store, PATIENT);
  assertEquals(savedBy(database)[0]?.p_results.map((result) => result["p_value"]), [1, 1, 1]);
  assertEquals(
    savedBy(database)[0]?.p_results[0]?.["summary"],
    "no move: best tuning_halo+0.1 ratio=3x (6 misses caught, 2 failures added) gains 6 where 9 are asked for",
  );
});

Deno.test("a multiplier is left out where the threshold or what becomes of it is not positive", async () => {
  const n = 8;
  const column = (value: number): string => packed(8, Array.from({ length: n }, () => value));
  const bySlope = (min: number): object => ({
    ...piece("aaaaaaaa", 8),
    gates: [column(0.7), column(0.6), column(0.5), column(HALO_MAX), column(min - 0.0015), column(min)],
  });
  for (const [min, multiplier] of [[0.004, 0.5], [0.002, null], [0.001, null], [0, null]] as const) {
    const database = answers({ read_tuning_windows: () => bySlope(min) });
    await materializeTuning(database.store, PATIENT);
    assertEquals(savedBy(database)[0]?.p_results[0]?.["moves"], {
      tuning_slope: { value: -0.002, multiplier },
    });
  }
});

Deno.test("when the budget is spent it pauses where it is, and overrides wait", async () => {
  const many = Array.from({ length: 250 }, (_, i) => ({ id: i + 1, scope_subset: {}, dr: null }));
  const database = answers({ read_tuning_lessons: () => many });
  const report = await materializeTuning(database.store, { cpuMs: 0, wallMs: 1e9 });
  assertEquals([report.groups, report.lessons, report.handedOver], [0, 100, true]);
  assertEquals(savedBy(database).map(({ p_after, p_state }) => [p_after, p_state]), [[100, "paused"]]);
  assertEquals(database.argsOf("ring_edge_function"), [{
    p_name: "materialize-overrides",
    p_body: { continue: true },
    p_times: 1,
  }]);
  assertEquals(database.argsOf("reconcile_tuning_overrides"), []);
});

Deno.test("more lessons than fit one call come in batches", async () => {
  const many = Array.from({ length: 1000 }, (_, i) => ({ id: i + 1, scope_subset: {}, dr: null }));
  const database = answers({ read_tuning_lessons: (_, times) => times === 0 ? many : LESSONS.slice(0, 1) });
  const report = await materializeTuning(database.store, PATIENT);
  assertEquals(report.lessons, 1001);
  assertEquals(
    savedBy(database).map(({ p_results, p_after, p_state }) => [p_results.length, p_after, p_state]),
    [[1000, 1000, "under way"], [1, 11, "finished"]],
  );
});

Deno.test("a group that fails holds back neither the others nor the overrides, and is told of", async () => {
  const database = answers({
    claim_tuning_simulation: (_, times) => [claim(1), claim(2)][times] ?? null,
    read_tuning_windows: (args) => {
      if (args["p_group_id"] === 1) {
        throw new CallFailure("57014", "canceling statement due to statement timeout");
      }
      return piece("aaaaa", 5);
    },
  });
  const report = await materializeTuning(database.store, PATIENT);
  assertEquals([report.groups, report.failed], [1, 1]);
  const [[line]] = database.argsOf("insert learning_log") as [{ level: string; message: string }[]];
  assertEquals(
    [line?.level, line?.message],
    [
      "ERROR",
      "The gates of pm.x could not be simulated and are tried again: read_tuning_windows failed: " +
      "canceling statement due to statement timeout",
    ],
  );
  assertEquals(savedBy(database).map(({ p_group_id }) => p_group_id), [2]);
  assertEquals(database.argsOf("reconcile_tuning_overrides").length, 1);
});

Deno.test("a group that another invocation took over is left to it", async () => {
  const database = answers({
    save_tuning_simulations: () => {
      throw new CallFailure("55P03", "Lease 1 on the simulation of group 1 is no longer held");
    },
  });
  const report = await materializeTuning(database.store, PATIENT);
  assertEquals([report.groups, report.failed, report.handedOver], [0, 0, false]);
});

Deno.test("what stands up is judged among all lessons, or not at all", async () => {
  const pValues = { lessons: 10, p_values: packed(8, [0.01, 0.025, 0.5]) };
  const largest = async (max_q_value: number | null): Promise<unknown> => {
    const database = answers({
      claim_tuning_simulation: () => null,
      get_pm_config: () => ({ max_q_value }),
      read_tuning_p_values: () => pValues,
    });
    await materializeTuning(database.store, PATIENT);
    const [args] = database.argsOf("reconcile_tuning_overrides") as Record<string, unknown>[];
    assertEquals(args?.["p_lessons"], 10);
    return args?.["p_largest_p_value"];
  };
  // q: 10 · 0.01 / 1 = 0.1, 10 · 0.025 / 2 = 0.125.
  assertEquals(await largest(0.1), 0.01);
  assertEquals(await largest(0.13), 0.025);
  assertEquals(await largest(0.05), undefined);
  assertEquals(await largest(null), 1);
});

Deno.test("the largest p beyond luck takes along smaller ones that are not by themselves", () => {
  // q by hand: 4 · 0.04 / 4 = 0.04 for all of them, although 4 · 0.03 / 2 = 0.06.
  assertEquals(largestBeyondLuck(Float64Array.of(0.03, 0.04, 0.001, 0.04), 0.05), 0.04);
  assertEquals(largestBeyondLuck(Float64Array.of(0.2, 1), 0.1), null);
  assertEquals(largestBeyondLuck(new Float64Array(0), 0.1), null);
});
