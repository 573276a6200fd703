import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import fc from "fast-check";
import { mean, moments } from "./moments.ts";

/** Every finite double is a whole multiple of 2^−1074. */
const UNIT = 1n << 1074n;

function exactly(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = (bits >> 52n) & 0x7ffn;
  const fraction = bits & 0xfffffffffffffn;
  const magnitude = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n);
  return bits >> 63n === 1n ? -magnitude : magnitude;
}

/** numerator/denominator as a double, from 80 exact binary digits. */
function ratio(numerator: bigint, denominator: bigint): number {
  if (numerator === 0n) return 0;
  if (numerator < 0n) return -ratio(-numerator, denominator);
  const shift = BigInt(denominator.toString(2).length - numerator.toString(2).length + 80);
  const digits = shift >= 0n ? (numerator << shift) / denominator : numerator / (denominator << -shift);
  return Number(digits) / 2 ** Number(shift);
}

/** Mean and variances in rational arithmetic. */
function exactMoments(values: Float64Array): { mean: number; sample: number; population: number } {
  const n = BigInt(values.length);
  let sum = 0n;
  let squares = 0n;
  for (const value of values) {
    const x = exactly(value);
    sum += x;
    squares += x * x;
  }
  const spread = n * squares - sum * sum;
  return {
    mean: ratio(sum, n * UNIT),
    sample: n > 1n ? ratio(spread, n * (n - 1n) * UNIT * UNIT) : 0,
    population: ratio(spread, n * n * UNIT * UNIT),
  };
}

function assertRelative(actual: number, expected: number, tolerance: number): void {
  assertAlmostEquals(actual, expected, tolerance * Math.abs(expected));
}

Deno.test("mean and variances of a few numbers are those of the textbook", () => {
  // 2, 4, 4, 4, 5, 5, 7, 9: mean 5, squared deviations 9+1+1+1+0+0+4+16 = 32, over 8 and over 7.
  assertEquals(moments(Float64Array.of(2, 4, 4, 4, 5, 5, 7, 9)), {
    n: 8,
    mean: 5,
    sampleVariance: 32 / 7,
    populationVariance: 4,
  });
});

Deno.test("a single number has variance 0", () => {
  assertEquals(moments(Float64Array.of(0.3)), { n: 1, mean: 0.3, sampleVariance: 0, populationVariance: 0 });
});

Deno.test("equal numbers have exactly their value as mean and no variance at all", () => {
  // 0.1 added up three times and divided by 3 is not 0.1.
  for (const n of [2, 3, 7, 10, 1000]) {
    const { mean: centre, sampleVariance } = moments(new Float64Array(n).fill(0.1));
    assertEquals([centre, sampleVariance], [0.1, 0]);
  }
});

Deno.test("an offset a billion times the spread costs no digits", () => {
  for (const offset of [0, 1, -1e6, 1e9, 1e12]) {
    const values = Float64Array.from({ length: 999 }, (_, i) => offset + Math.sin(i) * 1e-3);
    const exact = exactMoments(values);
    const { mean: centre, sampleVariance, populationVariance } = moments(values);
    assertRelative(centre, exact.mean, 1e-15);
    assertRelative(sampleVariance, exact.sample, 1e-12);
    assertRelative(populationVariance, exact.population, 1e-12);
  }
});

Deno.test("large numbers that cancel leave the mean of the small ones", () => {
  assertEquals(mean(Float64Array.of(1e16, 1, -1e16, 1)), 0.5);
});

Deno.test("mean and variances equal rational arithmetic on any numbers", () => {
  // Below 1e-100 squares leave the range of normal doubles, which is not what is tested here.
  const value = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 })
    .map((x) => Math.abs(x) < 1e-100 ? 0 : x);
  fc.assert(fc.property(
    fc.array(value, { minLength: 1, maxLength: 60 }),
    value,
    (list, offset) => {
      const values = Float64Array.from(list, (x) => x + offset);
      const exact = exactMoments(values);
      const { mean: centre, sampleVariance, populationVariance } = moments(values);
      // Compensation doubles the digits; values that cancel to less than those hold are rounding.
      const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      assertAlmostEquals(centre, exact.mean, 1e-12 * Math.abs(exact.mean) + 1e-28 * largest);
      assertRelative(sampleVariance, exact.sample, 1e-12);
      assertRelative(populationVariance, exact.population, 1e-12);
    },
  ));
});

Deno.test("variance is never negative", () => {
  fc.assert(fc.property(fc.array(fc.double({ noNaN: true, min: -1, max: 1 }), { minLength: 1 }), (list) => {
    assert(moments(Float64Array.from(list)).sampleVariance >= 0);
  }));
});

Deno.test("no numbers have no mean", () => {
  assertThrows(() => mean(new Float64Array()), RangeError, "at least one value");
  assertThrows(() => moments(new Float64Array()), RangeError, "at least one value");
});
