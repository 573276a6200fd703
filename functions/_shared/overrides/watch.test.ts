import { assertEquals } from "@std/assert/mod.js";
import { ScriptedDatabase } from "../../../scripts/testing/store/scripted_database.ts";
import { Budget } from "../runtime/budget.ts";
import { watchOverrides } from "./watch.ts";

const WEEK_MS = 7 * 86_400_000;
/** A Monday. */
const START = Date.UTC(2024, 0, 1);
const NOW = START + 200 * WEEK_MS;

function packed(values: readonly number[]): string {
  const bytes = new DataView(new ArrayBuffer(values.length * 8));
  for (const [i, value] of values.entries()) bytes.setFloat64(i * 8, value);
  return btoa(String.fromCharCode(...new Uint8Array(bytes.buffer)));
}

/** An override that promised 0.2 above a baseline of 0, with this outcome in each week. */
function override(id: number, weekly: readonly number[], more: object = {}): object {
  return {
    id,
    promised: 0.2,
    baseline: 0,
    sigma: 1,
    broken: false,
    decisions: { outcome: packed(weekly), acted_at: packed(weekly.map((_, week) => START + week * WEEK_MS)) },
    ...more,
  };
}

const BASIS = { n: 5_000, winsorised_mean: 0, sigma: 1, lower_bound: -3, upper_bound: 3 };
const CONFIG = { n_min: 33, max_q_value: 0.1, cluster: "week" };

/** Forty weeks, half at one value, half at another. */
function swinging(low: number, high: number): number[] {
  return Array.from({ length: 40 }, (_, week) => week % 2 === 0 ? low : high);
}

function databaseOf(pieces: readonly object[]): ScriptedDatabase {
  return new ScriptedDatabase({
    get_pm_config: () => CONFIG,
    read_live_decisions: (_, times) => pieces[times],
    save_live_records: () => ({ disabled: 1, returned: 2 }),
  });
}

function watch(database: ScriptedDatabase, wallMs = 100_000): ReturnType<typeof watchOverrides> {
  return watchOverrides(database.store, new Budget(database.store.stopwatch, { cpuMs: 10_000, wallMs }));
}

/** What was saved, by override. */
function savedOf(
  database: ScriptedDatabase,
): { id: number; verdict: string | null; n: number; mean: number | null }[] {
  return database.argsOf("save_live_records").flatMap((args) =>
    (args as { p_records: { override_id: number; verdict: string | null; n: number; mean: number | null }[] })
      .p_records.map(({ override_id, verdict, n, mean }) => ({ id: override_id, verdict, n, mean }))
  );
}

Deno.test("an override that breaks its promise is reported broken, one that keeps it is not", async () => {
  const database = databaseOf([{
    keys: [{
      family: "strength",
      mined: { "3": "2024-01-01" },
      last_override: null,
      basis: BASIS,
      overrides: [override(1, swinging(-1, -0.5)), override(2, swinging(-0.1, 0.5)), override(3, [])],
    }],
    now: NOW,
    next: null,
  }]);
  assertEquals(await watch(database), { watched: 3, disabled: 1, returned: 2, handedOver: false });
  assertEquals(savedOf(database), [
    { id: 1, verdict: "broken", n: 40, mean: -0.75 },
    { id: 2, verdict: null, n: 40, mean: 0.2 },
    { id: 3, verdict: null, n: 0, mean: null },
  ]);
  assertEquals(
    database.argsOf("save_live_records").map((args) => (args as { p_watched: unknown }).p_watched),
    [{ "3": "2024-01-01" }],
  );
});

Deno.test("one that broke its promise returns when what came since says the same, by winsorised outcomes", async () => {
  const broken = { broken: true };
  const database = databaseOf([{
    keys: [{
      family: "strength",
      mined: { "3": "2024-01-01" },
      last_override: null,
      basis: BASIS,
      overrides: [
        override(1, swinging(0.4, 0.8), broken),
        override(2, swinging(-0.8, -0.4), broken),
        override(3, [100], { promised: null, baseline: null, sigma: null }),
      ],
    }],
    now: NOW,
    next: null,
  }]);
  await watch(database);
  assertEquals(
    savedOf(database).map(({ id, verdict, mean }) => [id, verdict, mean === null ? null : mean > 2.99]),
    [
      [1, "returns", false],
      [2, null, false],
      [3, null, true],
    ],
  );
});

Deno.test("a gate is held to half gains, and returns on gains beyond luck", async () => {
  /** Forty windows that a move decided, of which so many were gains. */
  const decided = (gains: number): number[] =>
    Array.from({ length: 40 }, (_, i) => i * gains % 40 < gains ? 1 : 0);
  const promise = { promised: 0.5, baseline: 0, sigma: 0.5 };
  const database = databaseOf([{
    keys: [{
      family: "tuning",
      mined: { "4": "2024-01-01" },
      last_override: null,
      basis: null,
      overrides: [
        override(1, decided(4), promise),
        override(2, decided(20), promise),
        override(3, decided(32), { ...promise, broken: true }),
        override(4, decided(20), { ...promise, broken: true }),
        override(5, decided(4), { promised: null, baseline: null, sigma: null }),
      ],
    }],
    now: NOW,
    next: null,
  }]);
  await watch(database);
  assertEquals(savedOf(database).map(({ id, verdict, mean }) => [id, verdict, mean]), [
    [1, "broken", 0.1],
    [2, null, 0.5],
    [3, "returns", 0.8],
    [4, null, 0.5],
    [5, null, 0.1],
  ]);
});

Deno.test("a group is through with its last piece, and a spent budget leaves the rest to the next one", async () => {
  const key = {
    family: "strength",
    mined: { "3": "2024-01-01" },
    basis: BASIS,
    overrides: [override(1, [])],
  };
  const pieces = [
    { keys: [{ ...key, last_override: 1 }], now: NOW, next: { group: 3, override: 1 } },
    { keys: [{ ...key, last_override: null }], now: NOW, next: null },
  ];
  const whole = databaseOf(pieces);
  assertEquals((await watch(whole)).handedOver, false);
  assertEquals(
    whole.argsOf("save_live_records").map((args) => (args as { p_watched: unknown }).p_watched),
    [{}, { "3": "2024-01-01" }],
  );
  assertEquals(whole.argsOf("read_live_decisions"), [
    { p_after_group: 0, p_after_override: 0 },
    { p_after_group: 3, p_after_override: 1 },
  ]);
  const spent = databaseOf(pieces);
  assertEquals((await watch(spent, 0)).handedOver, true);
  assertEquals(spent.argsOf("save_live_records").length, 1);
});
