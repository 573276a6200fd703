import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import { Random } from "../../sample/random.ts";
import { deflatedSharpe, luckiestSharpe, probabilityAbove } from "./deflated_sharpe.ts";

Deno.test("the worked example of Bailey and López de Prado (2014) comes out", () => {
  // 100 ways whose annual Sharpe ratios vary by 1/2; the best has 2.5 over 1,250 days of 250 a year, skewness −3, kurtosis 10.
  const benchmark = luckiestSharpe(1 / 2 / 250, 100);
  assertAlmostEquals(benchmark, 0.1132, 5e-5);
  const deflated = probabilityAbove(
    { sharpe: 2.5 / Math.sqrt(250), periods: 1_250, skewness: -3, kurtosis: 10 },
    benchmark,
  );
  assertAlmostEquals(deflated ?? NaN, 0.9004, 5e-5);
});

Deno.test("the more ways were tried the luckier is the best of them, and one way is not lucky", () => {
  assertEquals(luckiestSharpe(1, 1), 0);
  // Two ways: Φ⁻¹(1/2) is 0, so γ Φ⁻¹(1 − 1/(2e)) is left, and Φ(0.9004) = 0.8161 = 1 − 1/(2e).
  assertAlmostEquals(luckiestSharpe(1, 2), 0.5772156649 * 0.90045, 1e-4);
  for (const ways of [3, 10, 100, 10_000]) assert(luckiestSharpe(1, ways) > luckiestSharpe(1, ways - 1));
  assertThrows(() => luckiestSharpe(1, 0), RangeError, "got 0");
});

Deno.test("the best of many lucky ways exceeds the luck of as many as often as not", () => {
  const random = new Random(4);
  const above = Array.from({ length: 200 }, () => {
    const ratios = Array.from({ length: 50 }, () => random.normal());
    return Math.max(...ratios) > luckiestSharpe(1, 50);
  }).filter(Boolean).length;
  // The mean of the best is above its median: a little less than half.
  assert(above > 60 && above < 120, `${above} of 200`);
});

Deno.test("of ways that earn nothing none is better than luck, and a way that earns steadily is", () => {
  const random = new Random(9);
  const luck = Array.from({ length: 9 }, () => Float64Array.from({ length: 150 }, () => random.normal()));
  for (const probability of deflatedSharpe(luck)) assert((probability ?? 1) < 0.95, `${probability}`);
  const steady = Float64Array.from({ length: 150 }, () => 1 + random.normal());
  assert((deflatedSharpe([...luck, steady]).at(-1) ?? 0) > 0.95);
});

Deno.test("a way without a Sharpe ratio has no deflated one", () => {
  assertEquals(deflatedSharpe([new Float64Array(10), new Float64Array(10)]), [null, null]);
});
