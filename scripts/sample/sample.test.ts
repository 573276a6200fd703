import { assert, assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert/mod.js";
import fc from "fast-check";
import { z } from "zod";
import { faultsOf } from "../../functions/_shared/strands/judge.ts";
import type { Strand } from "../strand_file.ts";
import { cases } from "../testing/lanes.ts";
import { DAY, WEEK } from "./market.ts";
import { generateSample, type PlantedEffect, type Sample, SAMPLE_SEED } from "./sample.ts";

const FRIDAY = new Date("2026-11-20T10:00:00Z");
const sample = generateSample({ seed: SAMPLE_SEED, asOf: FRIDAY });

const DIMENSIONS = [
  ["curator", "chain", "mcap_bucket", "vol_bucket", "age_bucket", "intent", "mapping_confidence"],
  ["mcap_vol_ratio_bucket", "market_family", "timeframe", "A_mode", "E_mode"],
  ["macro_phase", "meso_phase", "micro_phase", "bucket_leader", "bucket_rank_position"],
].flat().sort();

const context = z.record(z.string(), z.string());
const actionContent = z.object({
  trade_id: z.string(),
  pattern_key: z.string().regex(/^pm\.uptrend\.S[0-4]\.[a-z_]+$/),
  action_category: z.enum(["entry", "add", "trim", "exit"]),
  scope: context,
  state: z.string().regex(/^S[0-4]$/),
  a_value: z.number().min(0).max(1),
  e_value: z.number().min(0).max(1),
  size_frac: z.number().min(0).max(1),
});
const closeContent = z.object({
  trade_id: z.string(),
  entry_context: context,
  trade_summary: z.object({
    rr: z.number(),
    pnl_usd: z.number(),
    rpnl_pct: z.number().min(-95),
    entry_price: z.number().positive(),
    exit_price: z.number().positive(),
    entry_timestamp: z.iso.datetime(),
    exit_timestamp: z.iso.datetime(),
    reached_s3: z.boolean(),
    time_to_s3_hours: z.number().positive().optional(),
    could_enter_better: z.number().nonnegative(),
    could_exit_better: z.number().nonnegative(),
  }),
  completed_trades: z.array(z.unknown()),
});

interface Action extends z.infer<typeof actionContent> {
  readonly at: number;
  readonly fullScope: Readonly<Record<string, string>>;
}

const timeOf = (strand: Strand): number => Date.parse(strand.created_at ?? "");

const actionsOf = ({ strands }: Sample): Action[] =>
  strands.filter((strand) => strand.kind === "pm_action").map((strand) => {
    const content = actionContent.parse(strand.content);
    return {
      ...content,
      at: timeOf(strand),
      fullScope: { ...content.scope, ...context.parse(strand.regime_context) },
    };
  });

const closesOf = ({ strands }: Sample): z.infer<typeof closeContent>[] =>
  strands.filter((strand) => strand.kind === "position_closed").map((strand) =>
    closeContent.parse(strand.content)
  );

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const variance = (values: readonly number[]): number => {
  const centre = mean(values);
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1);
};

const contains = (
  subset: Readonly<Record<string, string>>,
  scope: Readonly<Record<string, string>>,
): boolean => Object.entries(subset).every(([dim, value]) => scope[dim] === value);

/** Mean roi of the entries within an effect's scope less that of the group's other entries, and Welch's t of it. */
function contrast(
  of: Sample,
  effect: PlantedEffect,
  patternKey = effect.patternKey,
): Record<"n" | "weeks" | "shift" | "t", number> {
  const roi = new Map(closesOf(of).map((close) => [close.trade_id, close.trade_summary.rpnl_pct / 100]));
  const entries = actionsOf(of).filter((action) =>
    action.action_category === "entry" && action.pattern_key === patternKey
  );
  const inside: number[] = [];
  const outside: number[] = [];
  const weeks = new Set<number>();
  for (const entry of entries) {
    const outcome = roi.get(entry.trade_id);
    if (outcome === undefined) continue;
    if (contains(effect.scope, entry.fullScope)) {
      inside.push(outcome);
      weeks.add(Math.floor((entry.at - 4 * DAY) / WEEK));
    } else {
      outside.push(outcome);
    }
  }
  const shift = mean(inside) - mean(outside);
  const t = shift / Math.sqrt(variance(inside) / inside.length + variance(outside) / outside.length);
  return { n: inside.length, weeks: weeks.size, shift, t };
}

/** A strand with all its times put back by as much. */
const putBack = (strand: Strand | undefined, by: number): unknown => {
  const text = JSON.stringify(
    strand,
    (_, value) =>
      typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value)
        ? new Date(Date.parse(value) - by).toISOString()
        : value,
  );
  return JSON.parse(text);
};

Deno.test("the same seed gives the same sample at any time of the week", () => {
  for (const time of ["2026-11-16T00:00:00Z", "2026-11-22T23:59:59Z"]) {
    assertEquals(
      JSON.stringify(generateSample({ seed: SAMPLE_SEED, asOf: new Date(time) })),
      JSON.stringify(sample),
    );
  }
});

Deno.test("samples of different weeks differ by whole weeks alone", () => {
  const later = generateSample({ seed: SAMPLE_SEED, asOf: new Date("2027-01-06T12:00:00Z") });
  assertEquals(later.strands.length, sample.strands.length);
  later.strands.forEach((strand, at) => assertEquals<unknown>(putBack(strand, 7 * WEEK), sample.strands[at]));
  assertEquals([later.positions, later.candidates], [sample.positions, sample.candidates]);
});

Deno.test("the loop rejects no strand of it", () => {
  assertEquals(sample.strands.flatMap((strand) => faultsOf(strand, Date.now())), []);
});

Deno.test("another seed gives another sample", () => {
  const other = generateSample({ seed: SAMPLE_SEED + 1, asOf: FRIDAY });
  assertNotEquals(other.strands[0]?.id, sample.strands[0]?.id);
  assertNotEquals(closesOf(other)[0]?.trade_summary.rpnl_pct, closesOf(sample)[0]?.trade_summary.rpnl_pct);
});

Deno.test("strands are in time, unique, over nine months, the newest not a day before the week's Monday", () => {
  const times = sample.strands.map(timeOf);
  const monday = Date.parse("2026-11-16T00:00:00Z");
  assertEquals(times, times.toSorted((a, b) => a - b));
  assertEquals(new Set(sample.strands.map((strand) => strand.id)).size, sample.strands.length);
  const newest = times.at(-1) ?? NaN;
  assert(newest < monday && newest >= monday - DAY, `newest strand at ${new Date(newest).toISOString()}`);
  assert((times[0] ?? NaN) >= monday - 39 * WEEK && (times[0] ?? NaN) < monday - 38 * WEEK);
});

Deno.test("whatever the seed, trades are whole: an entry, an exit and a close, or still open with its entry", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => {
      const drawn = generateSample({ seed, asOf: FRIDAY });
      const closes = closesOf(drawn);
      assert(closes.length >= 1_500 && closes.length <= 2_500, `${closes.length} closed trades`);
      const closed = new Map(closes.map((close) => [close.trade_id, close.trade_summary]));
      const counts = new Map<string, Record<string, number>>();
      for (const action of actionsOf(drawn)) {
        assertEquals(Object.keys(action.fullScope).sort(), DIMENSIONS);
        const count = counts.get(action.trade_id) ?? {};
        count[action.action_category] = (count[action.action_category] ?? 0) + 1;
        counts.set(action.trade_id, count);
        const summary = closed.get(action.trade_id);
        if (summary === undefined) continue;
        assert(
          action.at >= Date.parse(summary.entry_timestamp) && action.at <= Date.parse(summary.exit_timestamp),
        );
      }
      for (const [tradeId, count] of counts) {
        assertEquals([count["entry"], count["exit"] ?? 0], [1, closed.has(tradeId) ? 1 : 0]);
      }
      assert(counts.size > closed.size, "no trade is still open");
      for (const { rr, rpnl_pct, entry_price, exit_price } of closed.values()) {
        assertEquals(Math.sign(rr), Math.sign(rpnl_pct));
        // Both are rounded to six digits.
        assertAlmostEquals(exit_price / entry_price - 1, rpnl_pct / 100, 1e-5 * (1 + Math.abs(rpnl_pct)));
      }
    }),
    { numRuns: cases(4) },
  );
});

Deno.test("an eager mode has a greater appetite than a patient one, and not everything is of one family", () => {
  const actions = actionsOf(sample);
  const appetite = (mode: string): number =>
    mean(actions.filter(({ scope }) => scope["A_mode"] === mode).map(({ a_value }) => a_value));
  assert(appetite("patient") < 0.4 && appetite("aggressive") > 0.65, "They are much the same");
  const families = Map.groupBy(actions, ({ scope }) => scope["market_family"]);
  assertEquals([...families.keys()].sort(), ["lowcaps", "memes"]);
});

Deno.test("there are entries, adds, trims and exits on several patterns and three timeframes", () => {
  const actions = actionsOf(sample);
  for (const category of ["entry", "add", "trim", "exit"]) {
    const ofCategory = actions.filter((action) => action.action_category === category);
    assert(ofCategory.length > 400, `${ofCategory.length} of category ${category}`);
    assert(
      new Set(ofCategory.map((action) => action.pattern_key)).size >= 2,
      `one pattern alone for ${category}`,
    );
  }
  assertEquals([...new Set(actions.map((action) => action.scope["timeframe"]))].sort(), ["15m", "1h", "4h"]);
});

Deno.test("each planted effect is there as planted: clear, over many weeks, and of its size", () => {
  assertEquals(sample.planted.map(({ scope }) => Object.keys(scope).length).sort(), [1, 2, 3]);
  for (const effect of sample.planted) {
    const { n, weeks, shift, t } = contrast(sample, effect);
    assert(n >= 50 && weeks >= 20, `${effect.description}: ${n} trades in ${weeks} weeks`);
    assert(
      Math.abs(shift - effect.effect) < 0.04,
      `${effect.description}: shift ${shift}, planted ${effect.effect}`,
    );
    assert(Math.abs(t) >= 6, `${effect.description}: t ${t}`);
    assertEquals(effect.direction, effect.effect > 0 ? "gain" : "loss");
  }
});

Deno.test("an effect is planted in its own pattern alone", () => {
  const keys = [...new Set(sample.planted.map((effect) => effect.patternKey))];
  for (const effect of sample.planted) {
    for (const key of keys.filter((other) => other !== effect.patternKey)) {
      const { t } = contrast(sample, effect, key);
      assert(Math.abs(t) < 3.5, `${effect.description} shows in ${key}: t ${t}`);
    }
  }
});

Deno.test("how a trade is added to, trimmed and left tells nothing of its outcome", () => {
  const roi = new Map(closesOf(sample).map((close) => [close.trade_id, close.trade_summary.rpnl_pct / 100]));
  const all = [...roi.values()];
  const groups = Map.groupBy(
    actionsOf(sample).filter((action) => action.action_category !== "entry"),
    (action) => `${action.pattern_key} ${action.action_category}`,
  );
  for (const [group, actions] of groups) {
    const outcomes = actions.flatMap((action) => roi.get(action.trade_id) ?? []);
    const t = (mean(outcomes) - mean(all)) / Math.sqrt(variance(all) / outcomes.length);
    assert(Math.abs(t) < 3.5, `${group}: t ${t}`);
  }
});

Deno.test("one candidate stands in the winning scope, one in the losing one, one in neither", () => {
  const effectsOf = (at: number): readonly string[] => {
    const candidate = sample.candidates[at];
    return sample.planted.filter((effect) =>
      candidate !== undefined && candidate.pattern_key === effect.patternKey &&
      contains(effect.scope, candidate.scope)
    ).map((effect) => effect.direction);
  };
  assertEquals([effectsOf(0), effectsOf(1), effectsOf(2)], [["gain"], ["loss"], []]);
  for (const { scope } of sample.candidates) assertEquals(Object.keys(scope).sort(), DIMENSIONS);
});

Deno.test("the book splits every token over the timeframes, holds most of it for the same reasons, and has dormant tokens", () => {
  const { positions, candidates } = sample;
  assertEquals(positions.length, 36);
  assertEquals(
    new Set(positions.map((row) => `${row.token_chain} ${row.token_contract} ${row.timeframe}`)).size,
    36,
  );
  for (const rows of Map.groupBy(positions, (row) => row.token_contract).values()) {
    assertEquals(rows.map((row) => row.timeframe), ["15m", "1h", "4h"]);
    assertEquals(rows.reduce((sum, row) => sum + Math.round(row.total_allocation_pct * 1000), 0), 100);
  }
  assertEquals([...new Set(positions.map((row) => row.status))].sort(), ["active", "dormant", "watchlist"]);
  const exposure = positions.filter((row) => row.status !== "dormant");
  const overlapping = (at: number): number => {
    const scope = candidates[at]?.scope ?? {};
    return exposure.filter((row) => contains(row.entry_context, scope)).length / exposure.length;
  };
  assertEquals([overlapping(0), overlapping(1)], [0, 0]);
  assert(overlapping(2) > 0.6, `the crowded candidate overlaps ${overlapping(2)} of the book`);
});

Deno.test("an active position names its open trade, the others none", () => {
  const closed = new Set(closesOf(sample).map((close) => close.trade_id));
  const entered = new Set(actionsOf(sample).map((action) => action.trade_id));
  for (const row of sample.positions) {
    assertEquals(row.status === "active", row.current_trade_id !== null);
    if (row.current_trade_id === null) continue;
    assert(entered.has(row.current_trade_id) && !closed.has(row.current_trade_id));
    assertEquals(/^S[1-3]$/.test(row.state ?? ""), true);
  }
});
