import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import fc from "fast-check";
import { computeBaseline } from "./baseline.ts";
import { clusterTrades } from "./clusters.ts";
import { ClusterTester } from "./significance.ts";
import { computeStrength, type StrengthColumns, type StrengthContext } from "./strength.ts";
import { winsorise } from "./winsorise.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2024, 0, 1);

interface Trade {
  readonly y: number;
  readonly roi: number;
  readonly trimmed: boolean;
  readonly s3: boolean;
  readonly day: number;
  readonly hours: number | null;
  readonly hoursToS3: number | null;
}

function columnsOf(trades: readonly Trade[], context: Pick<StrengthContext, "baseline">): StrengthColumns {
  const outcome = Float64Array.from(trades, ({ y }) => y);
  return {
    outcome,
    winsorised: winsorise(outcome, context.baseline.bounds),
    steeringRoi: Float64Array.from(trades, ({ roi }) => roi),
    didTrim: Uint8Array.from(trades, ({ trimmed }) => Number(trimmed)),
    reachedS3: Uint8Array.from(trades, ({ s3 }) => Number(s3)),
    tradedAt: Float64Array.from(trades, ({ day }) => START + day * DAY),
    durationHours: Float64Array.from(trades, ({ hours }) => hours ?? NaN),
    timeToS3Hours: Float64Array.from(trades, ({ hoursToS3 }) => hoursToS3 ?? NaN),
  };
}

/** Baseline over all the trades, clusters by day. */
function contextOf(trades: readonly Trade[]): { columns: StrengthColumns; context: StrengthContext } {
  const baseline = computeBaseline(Float64Array.from(trades, ({ y }) => y));
  const columns = columnsOf(trades, { baseline });
  const clusters = clusterTrades(columns.tradedAt, "day");
  const clusterTester = clusters && new ClusterTester(columns.winsorised, clusters, baseline);
  return {
    columns,
    context: {
      baseline,
      scale: 1,
      roiScale: 0.1,
      ownDirection: null,
      followsEdge: false,
      clusterTester,
    },
  };
}

/** Four trades of which the first two are the slice; y is R/R here, so that it is not the ROI. */
const FOUR: readonly Trade[] = [
  { y: 2, roi: 0.1, trimmed: true, s3: true, day: 0, hours: 4, hoursToS3: 3 },
  { y: 1, roi: -0.1, trimmed: true, s3: false, day: 1, hours: null, hoursToS3: null },
  { y: -1, roi: -0.2, trimmed: false, s3: false, day: 1, hours: 1, hoursToS3: null },
  { y: 0, roi: 0, trimmed: false, s3: false, day: 2, hours: 2, hoursToS3: null },
];

Deno.test("the statistics of two trades out of four are those of a calculation by hand", () => {
  const { columns, context } = contextOf(FOUR);
  const { stats, pValue } = computeStrength(columns, Uint32Array.of(0, 1), context);
  // y 2 and 1 against a baseline of 0.5: mean 1.5, variance 0.5, delta 1.
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
  const support = 1 - Math.exp(-2 / 50);
  const reliability = 1 / (1 + 0.5 + 0.25 / 2);
  const integral = support + sigmoid(1.5) + 1 + 1 / 1.5;
  // Winsorised at the 2 % and 98 % of −1 0 1 2, positions 0.06 and 2.94: −0.94 and 1.94. Mean of all 0.5, of
  // the two 1.47; σ² = (1.44² + 0.5² + 0.5² + 1.44²)/4 = 1.1618.
  const difference = 0.97;
  const z = difference / Math.sqrt(1.1618 * (1 / 2 - 1 / 4) * 4 / 3);
  // Two days, u = ±0.47: t = 2 · 0.97/sqrt(2/1 · 2 · 0.47²) = 0.97/0.47.
  const expected = {
    avg: 1.5,
    median: 1.5,
    variance: 0.5,
    delta: 1,
    scale: 1,
    baseline: 0.5,
    n: 2,
    ev_score: sigmoid(1),
    reliability_score: reliability,
    support_score: support,
    magnitude_score: sigmoid(1.5),
    time_score: 1,
    stability_score: 1 / 1.5,
    edge_before_decay: reliability * integral,
    edge_raw: reliability * integral,
    confidence: support * reliability,
    // +10 % with S3 votes (1, −1), −10 % trimmed (−1, 1), with the same weight.
    dirA: 0,
    dirE: 0,
    p_trim: 1,
    p_s3: 0.5,
    z,
    t_clustered: 0.97 / 0.47,
    clusters: 2,
    mean_duration_hours: 4,
    mean_time_to_s3_hours: 3,
  };
  const { decay, selected, ...numbers } = stats;
  assertEquals(selected, true, "Both won, while not all did");
  assertEquals(Object.keys(numbers).sort(), Object.keys(expected).sort());
  for (const [key, value] of Object.entries(expected)) {
    assertAlmostEquals(numbers[key as keyof typeof expected] ?? NaN, value, 1e-14, key);
  }
  assertEquals(decay, {
    state: "insufficient",
    slope: null,
    t: null,
    half_life_hours: null,
    multiplier: 1,
    source: "events",
  });
  assertEquals(pValue, 1); // Two clusters prove nothing.
});

Deno.test("the keys are those of the specification, and all of them go through JSON", () => {
  const { columns, context } = contextOf(FOUR);
  const { stats } = computeStrength(columns, Uint32Array.of(0, 1, 2, 3), context);
  const names = "avg, median, variance, delta, baseline, n, ev_score, reliability_score, support_score, " +
    "magnitude_score, time_score, stability_score, edge_before_decay, edge_raw, incremental_edge, confidence, dirA, " +
    "dirE, p_trim, p_s3, z, t_clustered, clusters, mean_duration_hours, mean_time_to_s3_hours, decay, " +
    "scale, selected";
  const record = { ...stats, incremental_edge: 0 };
  assertEquals(Object.keys(record).sort(), names.split(", ").sort());
  assertEquals(Object.keys(record.decay), ["state", "slope", "t", "half_life_hours", "multiplier", "source"]);
  assertEquals(JSON.parse(JSON.stringify(record)), record);
});

Deno.test("what no trade tells is null, and so is what clusters would tell where there are none", () => {
  const trades = FOUR.map((trade) => ({ ...trade, hours: null, hoursToS3: null }));
  const { columns, context } = contextOf(trades);
  const { stats, pValue } = computeStrength(columns, Uint32Array.of(0, 1), {
    ...context,
    clusterTester: null,
  });
  assertEquals(
    [stats.mean_duration_hours, stats.mean_time_to_s3_hours, stats.t_clustered, stats.clusters],
    [null, null, null, null],
  );
  assert(pValue < 1);
});

Deno.test("an infinite t is stored as null, with p 0 where clusters suffice", () => {
  // Forty trades, the first twenty all of 1 and on different days, the others of 0.
  const trades = Array.from({ length: 40 }, (_, i) => ({
    y: i < 20 ? 1 : 0,
    roi: 0.1,
    trimmed: false,
    s3: false,
    day: i,
    hours: 1,
    hoursToS3: null,
  }));
  const { columns, context } = contextOf(trades);
  const { stats, pValue } = computeStrength(columns, Uint32Array.from({ length: 20 }, (_, i) => i), context);
  assertEquals([stats.t_clustered, stats.clusters], [null, 20]);
  // The clustered p is 0, so the normal one holds: z = 0.5/sqrt(0.25 · (1/20 − 1/40) · 40/39) = √39.
  assertAlmostEquals(stats.z, Math.sqrt(39), 1e-13);
  assert(pValue > 0 && pValue < 1e-9);
});

Deno.test("decay multiplies the edge, and a perfect line has no finite t to store", () => {
  // One trade a day, y falling from 32 to 0, half of the population; the rest is 0.
  const trades = Array.from({ length: 66 }, (_, i) => ({
    y: i < 33 ? 32 - i : 0,
    roi: 0.1,
    trimmed: false,
    s3: true,
    day: i,
    hours: 1,
    hoursToS3: 1,
  }));
  const { columns, context } = contextOf(trades);
  const rows = Uint32Array.from({ length: 33 }, (_, i) => i);
  const { stats } = computeStrength(columns, rows, context);
  // Baseline 528/66 = 8, so y − ȳ runs from 24 to −8, mean 8, slope −1/24 an hour: h = 0.5 · 8 · 24 = 96.
  const multiplier = 0.33 + 0.67 * 96 / (96 + 168);
  assertEquals([stats.decay.state, stats.decay.t, stats.decay.source], ["decaying", null, "events"]);
  assertAlmostEquals(stats.decay.half_life_hours ?? NaN, 96, 1e-10);
  assertAlmostEquals(stats.edge_raw, stats.edge_before_decay * multiplier, 1e-12);

  // By history instead: eighteen snapshots that double every week raise it.
  const history = {
    times: Float64Array.from({ length: 18 }, (_, i) => START + i * 168 * HOUR),
    edges: Float64Array.from({ length: 18 }, (_, i) => 0.01 * 2 ** i),
  };
  const byHistory = computeStrength(columns, rows, context, history).stats;
  assertEquals([byHistory.decay.state, byHistory.decay.source], ["improving", "history"]);
  assertAlmostEquals(byHistory.edge_raw, byHistory.edge_before_decay * 1.165, 1e-10);
  const none = { times: new Float64Array(), edges: new Float64Array() };
  assertEquals(computeStrength(columns, rows, context, none).stats.decay.state, "insufficient");
});

Deno.test("relative steering and the ROI scale reach the directions", () => {
  const { columns, context } = contextOf(FOUR);
  const own = { dirA: 0.5, dirE: -0.25 };
  const { stats } = computeStrength(columns, Uint32Array.of(0), { ...context, ownDirection: own });
  assertEquals([stats.dirA, stats.dirE], [0.5, -0.75]);
  // +10 % with S3 against −20 %: tanh 1 and tanh 2 at scale 0.1, tanh 0.1 and tanh 0.2 at scale 1.
  const rows = Uint32Array.of(0, 2);
  const narrow = computeStrength(columns, rows, context).stats.dirA;
  const wide = computeStrength(columns, rows, { ...context, roiScale: 1 }).stats.dirA;
  assertAlmostEquals(narrow, (Math.tanh(1) - Math.tanh(2)) / (Math.tanh(1) + Math.tanh(2)), 1e-15);
  assertAlmostEquals(wide, (Math.tanh(0.1) - Math.tanh(0.2)) / (Math.tanh(0.1) + Math.tanh(0.2)), 1e-15);
});

Deno.test("a scale divides delta and edges alone, and moves no significance", () => {
  const { columns, context } = contextOf(FOUR);
  const rows = Uint32Array.of(0, 1);
  const plain = computeStrength(columns, rows, context);
  const scaled = computeStrength(columns, rows, { ...context, scale: 0.25 });
  assertEquals(scaled, {
    ...plain,
    stats: {
      ...plain.stats,
      scale: 0.25,
      delta: 4,
      ev_score: 1 / (1 + Math.exp(-4)),
      edge_before_decay: scaled.stats.edge_before_decay,
      edge_raw: scaled.stats.edge_raw,
    },
  });
  assertAlmostEquals(scaled.stats.edge_before_decay, 4 * plain.stats.edge_before_decay, 1e-14);
  assertEquals(scaled.stats.edge_raw, scaled.stats.edge_before_decay);
});

Deno.test("a direction that contradicts the edge is written as 0 where that is asked for", () => {
  const { columns, context } = contextOf(FOUR);
  // The first beats the baseline of 0.5, and its direction (1, −1) lies 2 below and 1 above that of all: (−1, −2).
  const own = { dirA: 2, dirE: 1 };
  const direction = (row: number, followsEdge: boolean): number[] => {
    const { stats } = computeStrength(columns, Uint32Array.of(row), {
      ...context,
      ownDirection: own,
      followsEdge,
    });
    return [stats.dirA, stats.dirE];
  };
  assertEquals(direction(0, false), [-1, -2]);
  assertEquals(direction(0, true), [0, -2]);
});

Deno.test("a slice is selected where its outcomes have one sign and not all others have it", () => {
  const { columns, context } = contextOf(FOUR);
  const selected = (...rows: number[]): boolean =>
    computeStrength(columns, Uint32Array.from(rows), context).stats.selected;
  assertEquals([selected(0, 1), selected(2), selected(3), selected(0, 2), selected(0, 3)], [
    true,
    true,
    true,
    false,
    false,
  ]);
  // 2 and 1 alone: all there is has won.
  const alone = contextOf(FOUR.slice(0, 2));
  assertEquals(computeStrength(alone.columns, Uint32Array.of(0), alone.context).stats.selected, false);
});

Deno.test("a slice is judged by its own trades alone, in any order, and the columns stay as they are", () => {
  const trade = fc.record({
    y: fc.integer({ min: -300, max: 500 }).map((x) => x / 100),
    roi: fc.integer({ min: -90, max: 300 }).map((x) => x / 100),
    trimmed: fc.boolean(),
    s3: fc.boolean(),
    day: fc.integer({ min: 0, max: 30 }),
    hours: fc.option(fc.integer({ min: 0, max: 100 })),
    hoursToS3: fc.option(fc.integer({ min: 0, max: 100 })),
  });
  fc.assert(fc.property(
    fc.array(trade, { minLength: 2, maxLength: 70 }),
    fc.infiniteStream(fc.boolean()),
    (trades, choose) => {
      const chosen = trades.map((_, row) => row).filter((row) => row === 0 || choose.next().value === true);
      const { columns, context } = contextOf(trades);
      const before = structuredClone(columns);
      const { stats, pValue } = computeStrength(columns, Uint32Array.from(chosen), context);
      assertEquals(columns, before);
      assert(pValue >= 0 && pValue <= 1);
      assertEquals(stats.n, chosen.length);
      assertEquals(Math.sign(stats.edge_raw), Math.sign(stats.delta));
      if (chosen.length === trades.length) assertEquals([stats.z, pValue], [0, 1]);

      // The same trades alone, in reverse, as columns of their own.
      const alone = columnsOf(chosen.toReversed().map((row) => trades[row]!), context);
      const clusters = clusterTrades(alone.tradedAt, "day");
      const again = computeStrength(alone, Uint32Array.from(chosen.keys()), {
        ...context,
        clusterTester: clusters && new ClusterTester(alone.winsorised, clusters, context.baseline),
      });
      for (
        const key of [
          "avg",
          "median",
          "variance",
          "edge_before_decay",
          "dirA",
          "dirE",
          "p_trim",
          "z",
        ] as const
      ) {
        assertAlmostEquals(again.stats[key], stats[key], 1e-11 * (1 + Math.abs(stats[key])), key);
      }
      assertEquals(again.stats.clusters, stats.clusters);
      assertAlmostEquals(again.stats.mean_duration_hours ?? -1, stats.mean_duration_hours ?? -1, 1e-11);
    },
  ));
});

Deno.test("a slice of nothing is refused", () => {
  const { columns, context } = contextOf(FOUR);
  assertThrows(() => computeStrength(columns, new Uint32Array(), context), RangeError, "at least one value");
});
