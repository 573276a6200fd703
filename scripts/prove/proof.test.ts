import { assertEquals } from "@std/assert/mod.js";
import { judge, luckOf } from "./proof.ts";

const uplift = (
  low: number,
  difference: number,
  high: number,
): { low: number; difference: number; high: number } => ({
  low,
  difference,
  high,
});

Deno.test("a verdict is shown above 0, harm below, and neither where the interval holds 0", () => {
  assertEquals(judge(uplift(0.01, 0.02, 0.03), []), "shown");
  assertEquals(judge(uplift(-0.03, -0.02, -0.01), []), "harm");
  assertEquals(judge(uplift(0, 0.02, 0.04), []), "not shown");
  assertEquals(judge(null, []), "not shown");
});

Deno.test("twenty placebos must earn less in nineteen of twenty cases; fewer are not asked", () => {
  const lucky = Array.from({ length: 20 }, (_, i) => i < 18 ? 0 : 0.05);
  assertEquals(judge(uplift(0.01, 0.02, 0.03), lucky.slice(1)), "shown");
  assertEquals(judge(uplift(0.01, 0.02, 0.03), lucky), "not shown");
  assertEquals(judge(uplift(0.01, 0.02, 0.03), lucky.map((_, i) => i < 19 ? 0 : 0.05)), "shown");
  assertEquals(luckOf([3, 1, 2]), 3);
});
