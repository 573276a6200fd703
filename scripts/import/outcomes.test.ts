import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import { describeOutcomes, OutcomeCollector, type OutcomeSummary, suggest, summarise } from "./outcomes.ts";

const summaryOf = (sd: number, mean = 0.01): OutcomeSummary => ({
  n: 1000,
  wins: 600,
  losses: 400,
  mean,
  median: mean,
  sd,
  sigma: sd,
  quantiles: [],
});

Deno.test("a collector keeps every outcome in order, beyond its first size", () => {
  const collector = new OutcomeCollector();
  for (let i = 0; i < 3000; i++) collector.add(i / 7);
  assertEquals([...collector.values], Array.from({ length: 3000 }, (_, i) => i / 7));
});

Deno.test("outcomes are summarised by hand-checked figures", () => {
  const summary = summarise(Float64Array.of(-0.02, 0, 0.01, 0.05));
  assertEquals([summary.n, summary.wins, summary.losses], [4, 2, 1]);
  assertAlmostEquals(summary.mean, 0.01, 1e-15);
  assertAlmostEquals(summary.median, 0.005, 1e-15);
  // Deviations −0.03, −0.01, 0, 0.04: squares sum to 0.0026, over 3.
  assertAlmostEquals(summary.sd, Math.sqrt(0.0026 / 3), 1e-15);
  // The 5 % quantile lies 0.15 of the way from the first to the second, the 95 % one 0.85 from the third to the fourth.
  assertAlmostEquals(summary.quantiles[1] ?? NaN, -0.02 + 0.15 * 0.02, 1e-15);
  assertAlmostEquals(summary.quantiles[5] ?? NaN, 0.01 + 0.85 * 0.04, 1e-15);
  assertThrows(() => summarise(new Float64Array(0)), RangeError);
});

Deno.test("a scalper is told the edge_min, or the outcome_scale, at which a third of sigma counts", () => {
  // delta 0.006, variance 0.000324, n 100: reliability 1/1.002824, support 0.864665, magnitude σ(0.016) = 0.504,
  // time 1, stability 0.999676: edge = 0.006 · 0.997184 · 3.368341 = 0.020153.
  const { noticeable, edge, edgeMin, outcomeScale } = suggest(summaryOf(0.018));
  assertAlmostEquals(noticeable, 0.006, 1e-15);
  assertAlmostEquals(edge, 0.020153, 5e-7);
  assertEquals(edgeMin, 0.02);
  // With scale s: delta 0.006/s has to bring 0.05: about s = 0.4.
  assertEquals(outcomeScale, 0.4);
});

Deno.test("for trades that move by tens of percent the defaults suit", () => {
  const { edgeMin, outcomeScale } = suggest(summaryOf(0.2));
  assertEquals([edgeMin, outcomeScale], [0.05, 1]);
  assertEquals(
    describeOutcomes({ ...summaryOf(0.2) }).some((line) => line.includes("suits these trades")),
    true,
  );
});

Deno.test("outcomes that are all alike suggest nothing", () => {
  const { edgeMin, outcomeScale } = suggest(summaryOf(0));
  assertEquals([edgeMin, outcomeScale], [null, null]);
  assertEquals(describeOutcomes(summaryOf(0)).at(-1)?.startsWith("All outcomes are alike"), true);
});

Deno.test("where outliers drown every scale, only edge_min is suggested", () => {
  const { edgeMin, outcomeScale } = suggest({ ...summaryOf(0.003), sd: 30 });
  assertEquals(outcomeScale, null);
  assertEquals(edgeMin !== null && edgeMin > 0, true);
});

Deno.test("the figures are aligned", () => {
  const lines = describeOutcomes(summarise(Float64Array.of(-0.02, 0, 0.01, 0.05)));
  const figures = lines.slice(1, lines.indexOf(""));
  assertEquals(figures.length, 14);
  assertEquals(new Set(figures.map((line) => line.length)).size, 1);
});
