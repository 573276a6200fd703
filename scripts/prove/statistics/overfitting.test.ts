import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import { Random } from "../../sample/random.ts";
import { probabilityOfOverfitting } from "./overfitting.ts";

/** The same by slices of the returns themselves, every split written out as bits. */
function slowly(returns: readonly number[][], blocks: number): number {
  const periods = returns[0]!.length;
  const sharpe = (values: readonly number[]): number => {
    const average = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - average) ** 2, 0) / (values.length - 1);
    return variance > 0 ? average / Math.sqrt(variance) : 0;
  };
  let [splits, overfitted] = [0, 0];
  for (let bits = 0; bits < 2 ** blocks; bits++) {
    const chosen = Array.from({ length: blocks }, (_, block) => Math.floor(bits / 2 ** block) % 2 === 1);
    if (chosen.filter(Boolean).length !== blocks / 2) continue;
    const part = (inside: boolean) =>
      returns.map((values) =>
        sharpe(values.filter((_, i) => chosen[Math.floor(i * blocks / periods)] === inside))
      );
    const [inside, outside] = [part(true), part(false)];
    const best = outside[inside.indexOf(Math.max(...inside))]!;
    const worse = outside.filter((value) => value < best).length;
    const equal = outside.filter((value) => value === best).length - 1;
    const relative = (worse + equal / 2 + 1) / (returns.length + 1);
    splits++;
    if (Math.log(relative / (1 - relative)) <= 0) overfitted++;
  }
  return overfitted / splits;
}

Deno.test("the probability of overfitting is the share of splits whose best is below the middle elsewhere", () => {
  const random = new Random(3);
  for (const ways of [2, 3, 5]) {
    for (const periods of [12, 17, 40]) {
      const returns = Array.from(
        { length: ways },
        (_, way) => Array.from({ length: periods }, () => random.normal() + way * 0.1),
      );
      assertAlmostEquals(
        probabilityOfOverfitting(returns.map((values) => Float64Array.from(values)), 6) ?? NaN,
        slowly(returns, 6),
        1e-12,
      );
    }
  }
});

Deno.test("a way that is always better is never overfitted, and ways that take turns always are", () => {
  const random = new Random(5);
  const noise = () => Float64Array.from({ length: 64 }, () => random.normal());
  const better = noise().map((value) => value + 5);
  assertEquals(probabilityOfOverfitting([noise(), better, noise()]), 0);
  // Each earns in one half of the blocks: what is better where one chooses is worse where one judges.
  const first = Float64Array.from({ length: 64 }, (_, i) => (i < 32 ? 1 : -1) + i % 2);
  assertEquals(probabilityOfOverfitting([first, first.map((_, i) => first[(i + 32) % 64]!)], 2), 1);
});

Deno.test("of ways that are luck about half are overfitted", () => {
  const random = new Random(11);
  let sum = 0;
  for (let run = 0; run < 20; run++) {
    const returns = Array.from(
      { length: 10 },
      () => Float64Array.from({ length: 60 }, () => random.normal()),
    );
    sum += probabilityOfOverfitting(returns, 8) ?? NaN;
  }
  assert(sum / 20 > 0.35 && sum / 20 < 0.65, `${sum / 20}`);
});

Deno.test("one way, or too few periods, cannot tell", () => {
  assertEquals(probabilityOfOverfitting([new Float64Array(64)]), null);
  assertEquals(probabilityOfOverfitting([new Float64Array(31), new Float64Array(31)]), null);
  assertThrows(
    () => probabilityOfOverfitting([new Float64Array(64), new Float64Array(63)]),
    RangeError,
    "64, 63",
  );
});
