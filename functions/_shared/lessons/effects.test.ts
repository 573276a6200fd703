import { assert, assertEquals, assertThrows } from "@std/assert/mod.js";
import {
  DAY_MS,
  DEFAULT_SETTINGS,
  packGroup,
  type Trade,
  trade,
} from "../../../scripts/testing/lessons/groups.ts";
import { utcWeek } from "../statistics/clusters.ts";
import type { EffectBasis } from "../store/mining_store.ts";
import { type EffectsProgress, measureEffects } from "./effects.ts";
import type { GroupTrades } from "./group_trades.ts";

function someTrades(rows: number, shift = 0): Trade[] {
  return Array.from({ length: rows }, (_, i) =>
    trade({
      scope: { chain: `c${i % 3}`, curator: `k${i % 2}`, macro_phase: i % 5 === 0 ? "bull" : "bear" },
      roi: ((7 * i + shift) % 11 - 5) / 5,
      actedAt: Date.UTC(2025, 0, 6) + Math.floor(i * 140 / rows) * DAY_MS,
    }));
}

function groupOf(trades: readonly Trade[]): GroupTrades {
  return packGroup(trades, ["curator", "chain", "macro_phase"]);
}

function basisOf(trades: readonly Trade[]): EffectBasis {
  const weeks = [...new Set(trades.map(({ actedAt }) => utcWeek(actedAt)))];
  return { n: trades.length, mean: 0, sigma: 0.6, lower_bound: -1, upper_bound: 1, weeks };
}

Deno.test("a large group is measured one memory after the other, in as many invocations, to what one of them gives", () => {
  const trades = someTrades(600);
  const group = groupOf(trades);
  const measure = (progress: EffectsProgress | null): ReturnType<typeof measureEffects> =>
    measureEffects(group, basisOf(trades), DEFAULT_SETTINGS, progress, 0);
  const whole = measureEffects(group, basisOf(trades), DEFAULT_SETTINGS, null);
  let step = measure(null);
  let pauses = 0;
  for (; "progress" in step; pauses++) step = measure(JSON.parse(JSON.stringify(step.progress)));
  // Nothing else is done in the invocation that measures the last of the four.
  assertEquals(pauses, 4);
  assertEquals(step, whole);
  assert("stored" in whole && whole.stored?.n.length === 4);
  assertThrows(
    () => {
      const other = someTrades(600).map((one) => ({ ...one, scope: { chain: "c0" } }));
      const started = measure(null);
      measureEffects(
        groupOf(other),
        basisOf(other),
        DEFAULT_SETTINGS,
        "progress" in started ? started.progress : null,
        0,
      );
    },
    RangeError,
    "other trades",
  );
});

Deno.test("nothing is measured without decisions to measure against, or where all of them came to the same", () => {
  const trades = someTrades(60);
  const nothing = { measured: null, stored: null };
  assertEquals(measureEffects(groupOf(trades), null, DEFAULT_SETTINGS, null), nothing);
  const flat = { ...basisOf(trades), sigma: 0 };
  assertEquals(measureEffects(groupOf(trades), flat, DEFAULT_SETTINGS, null), nothing);
});

Deno.test("without memory there is one number of decisions for each slice", () => {
  const trades = someTrades(60);
  const step = measureEffects(
    groupOf(trades),
    basisOf(trades),
    { ...DEFAULT_SETTINGS, n_min: 20, memory: "none" },
    null,
  );
  const stored = "stored" in step ? step.stored : null;
  assertEquals([stored?.n.length, stored?.sums.half_lives, stored?.decisions], [1, "{Infinity}", 60]);
});
