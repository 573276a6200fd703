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

Deno.test("a third of sigma counts by default, of a scalper as of a holder", () => {
  // delta 1/3, variance 0.000324, n 100: reliability 1/1.002824, support 0.864665, magnitude σ(0.016) = 0.504,
  // time 1, stability 0.999676: edge = 0.997184 · 3.368341/3 = 1.119619.
  const { noticeable, edge, edgeMin } = suggest(summaryOf(0.018));
  assertAlmostEquals(noticeable, 0.006, 1e-15);
  assertAlmostEquals(edge, 1.119619, 5e-6);
  assertEquals(edgeMin, 0.05);
  for (const sd of [0.002, 0.018, 0.2]) {
    assertEquals(describeOutcomes(summaryOf(sd)).some((line) => line.includes("suits these trades")), true);
  }
});

Deno.test("outcomes that are all alike suggest nothing", () => {
  assertEquals(suggest(summaryOf(0)).edgeMin, null);
  assertEquals(describeOutcomes(summaryOf(0)).at(-1)?.startsWith("All outcomes are alike"), true);
});

Deno.test("where a few trades dwarf all others, the edge_min is told at which a third of sigma counts", () => {
  // delta 1/3, variance 900: reliability 1/901.0025, support 0.864665, magnitude σ(0.011) = 0.50275, stability 1/901:
  // 2.368525/901.0025/3 = 0.000876.
  const { edge, edgeMin } = suggest({ ...summaryOf(0.003), sd: 30 });
  assertAlmostEquals(edge, 0.000876, 5e-7);
  assertEquals(edgeMin, 0.0008);
  assertEquals(describeOutcomes({ ...summaryOf(0.003), sd: 30 }).at(-1), '  "edge_min": 0.0008');
});

Deno.test("the figures are aligned", () => {
  const lines = describeOutcomes(summarise(Float64Array.of(-0.02, 0, 0.01, 0.05)));
  const figures = lines.slice(1, lines.indexOf(""));
  assertEquals(figures.length, 14);
  assertEquals(new Set(figures.map((line) => line.length)).size, 1);
});
