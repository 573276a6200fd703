import { assertEquals } from "@std/assert/mod.js";
import { compareFigures } from "./against.ts";
import type { BenchRow } from "./types.ts";

function row(metric: string, value: number, unit: string, size: number = 1): BenchRow {
  return { bench: "sizing", size, metric, value, unit };
}

Deno.test("a figure is compared by its median over the rounds, and its cost is what it takes now against before", () => {
  const before = [row("p50_ms", 10, "ms"), row("p50_ms", 2, "ms"), row("p50_ms", 4, "ms")];
  const after = [row("p50_ms", 3, "ms"), row("p50_ms", 1, "ms"), row("p50_ms", 2, "ms")];
  assertEquals(compareFigures(before, after), [{
    bench: "sizing",
    size: 1,
    metric: "p50_ms",
    unit: "ms",
    before: 4,
    after: 2,
    cost: 0.5,
  }]);
});

Deno.test("of an even number of rounds the two in the middle are averaged", () => {
  const [figure] = compareFigures([row("p50_ms", 1, "ms"), row("p50_ms", 3, "ms")], [row("p50_ms", 2, "ms")]);
  assertEquals(figure?.before, 2);
});

Deno.test("a rate that doubled costs half, and a count has no cost", () => {
  const compared = compareFigures(
    [row("rows_per_s", 100, "rows/s"), row("lessons", 5, "lessons")],
    [row("rows_per_s", 200, "rows/s"), row("lessons", 5, "lessons")],
  );
  assertEquals(compared.map(({ metric, cost }) => [metric, cost]), [["rows_per_s", 0.5], ["lessons", null]]);
});

Deno.test("what only one side measures is left out, and sizes are kept apart", () => {
  const compared = compareFigures(
    [row("p50_ms", 1, "ms", 1), row("gone_ms", 1, "ms")],
    [row("p50_ms", 1, "ms", 1), row("p50_ms", 1, "ms", 2), row("new_ms", 1, "ms")],
  );
  assertEquals(compared.map(({ metric, size }) => [metric, size]), [["p50_ms", 1]]);
});
