import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import { Random } from "./random.ts";

const draw = (count: number, one: (random: Random) => number): number[] => {
  const random = new Random(11);
  return Array.from({ length: count }, () => one(random));
};
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

Deno.test("the same seed draws the same, another seed something else", () => {
  const ten = (seed: number): number[] => {
    const random = new Random(seed);
    return Array.from({ length: 10 }, () => random.uniform());
  };
  assertEquals(ten(1), ten(1));
  assert(ten(1).every((value, at) => value !== ten(2)[at]));
});

Deno.test("draws have the moments of their distributions", () => {
  const n = 40_000;
  assertAlmostEquals(mean(draw(n, (random) => random.between(2, 4))), 3, 0.02);
  assertAlmostEquals(mean(draw(n, (random) => random.exponential(3))), 3, 0.08);
  assertAlmostEquals(mean(draw(n, (random) => Number(random.chance(0.3)))), 0.3, 0.01);
  const normal = draw(n, (random) => random.normal());
  assertAlmostEquals(mean(normal), 0, 0.02);
  assertAlmostEquals(mean(normal.map((value) => value ** 2)), 1, 0.03);
  // E|t| with four degrees of freedom is 1.
  assertAlmostEquals(mean(draw(n, (random) => Math.abs(random.studentT4()))), 1, 0.03);
});

Deno.test("values are picked by weight, and from nothing nothing can be", () => {
  const random = new Random(5);
  const picked = Array.from({ length: 20_000 }, () => random.pick([["a", 3], ["b", 1], ["c", 0]]));
  assertAlmostEquals(picked.filter((value) => value === "a").length / picked.length, 0.75, 0.02);
  assertEquals(picked.includes("c"), false);
  assertThrows(() => random.pick([]), RangeError, "Nothing to pick from");
});
