import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import fc from "fast-check";
import { logScaledNormalCdf, twoSidedNormalCriticalValue, twoSidedNormalP } from "./normal.ts";

// ── An independent oracle: fixed point with 4,000 binary digits ────────────────────────────────────────────────

const DIGITS = 4000n;
const ONE = 1n << DIGITS;

/** Floor of the square root, by Newton's method. */
function squareRoot(value: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(value.toString(2).length / 2));
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** arctan(1/n) by its alternating series. */
function arcTangentOfInverse(n: bigint): bigint {
  let power = ONE / n;
  let sum = power;
  for (let k = 3n; power !== 0n; k += 2n) {
    power = -power / (n * n);
    sum += power / k;
  }
  return sum;
}

const PI = 4n * (4n * arcTangentOfInverse(5n) - arcTangentOfInverse(239n));

/**
 * 1 − sqrt(2/π) · Σ (−1)^k z^(2k+1)/(2^k k! (2k + 1)), z = numerator/denominator: hundreds of digits cancel,
 * thousands are there.
 */
function exactTwoSidedP(numerator: bigint, denominator: bigint): number {
  let power = ONE * numerator / denominator;
  let sum = power;
  for (let k = 1n; power !== 0n; k++) {
    power = -power * numerator * numerator / (denominator * denominator * 2n * k);
    sum += power / (2n * k + 1n);
  }
  const p = ONE - sum * squareRoot(2n * ONE * ONE * ONE / PI) / ONE;
  // The leading 80 binary digits, scaled in two steps so that neither leaves the range of doubles.
  const shift = BigInt(p.toString(2).length) - 80n;
  const exponent = Number(shift - DIGITS);
  const half = Math.trunc(exponent / 2);
  return Number(shift >= 0n ? p >> shift : p << -shift) * 2 ** half * 2 ** (exponent - half);
}

Deno.test("p is right to 13 digits from the centre to the farthest tail", () => {
  for (let tenths = 0; tenths <= 370; tenths += 5) {
    const expected = exactTwoSidedP(BigInt(tenths), 10n);
    assertAlmostEquals(twoSidedNormalP(tenths / 10), expected, 1e-13 * expected, `z = ${tenths / 10}`);
  }
});

Deno.test("p of the usual critical values is the usual level", () => {
  // From published tables of the normal distribution.
  const table: [number, number][] = [
    [0, 1],
    [0.6744897501960817, 0.5],
    [1.6448536269514722, 0.1],
    [1.959963984540054, 0.05],
    [2.5758293035489004, 0.01],
    [3.2905267314918945, 0.001],
  ];
  for (const [z, p] of table) assertAlmostEquals(twoSidedNormalP(z), p, 1e-14 * p + 1e-16);
});

Deno.test("beyond the range of doubles p goes to 0 without turning into garbage", () => {
  assert(twoSidedNormalP(37.5) > 0 && twoSidedNormalP(37.5) < 1e-300);
  for (const z of [39, 1e3, 1e160, Infinity]) assertEquals(twoSidedNormalP(z), 0);
  assertEquals(twoSidedNormalP(NaN), NaN);
});

Deno.test("p does not depend on the sign, is in [0, 1] and falls as |z| grows", () => {
  const z = fc.double({ min: 0, max: 40, noNaN: true });
  fc.assert(fc.property(z, z, (one, other) => {
    const p = twoSidedNormalP(one);
    assert(p >= 0 && p <= 1);
    assertEquals(twoSidedNormalP(-one), p);
    if (other > one * (1 + 1e-12)) assert(twoSidedNormalP(other) <= p);
  }));
});

Deno.test("the critical value of p is where p is reached", () => {
  assertAlmostEquals(twoSidedNormalCriticalValue(0.05), 1.959963984540054, 1e-12);
  assertAlmostEquals(twoSidedNormalCriticalValue(0.1), 1.6448536269514722, 1e-12);
  assertEquals(twoSidedNormalCriticalValue(1), 0);
  fc.assert(fc.property(fc.double({ min: 1e-300, max: 1, noNaN: true }), (p) => {
    const z = twoSidedNormalCriticalValue(p);
    assert(twoSidedNormalP(z) <= p);
    assertAlmostEquals(twoSidedNormalP(z), p, 1e-11 * p);
  }));
});

Deno.test("no z has a p of 0 or above 1", () => {
  for (const p of [0, -0.1, 1.1, NaN]) {
    assertThrows(() => twoSidedNormalCriticalValue(p), RangeError, `${p}`);
  }
});

Deno.test("the scaled lower tail is that of the exact p on both sides of 0, and its expansion where p is no more", () => {
  for (let tenths = 0; tenths <= 370; tenths += 5) {
    const beyond = exactTwoSidedP(BigInt(tenths), 10n) / 2;
    const half = (tenths / 10) ** 2 / 2;
    assertAlmostEquals(
      logScaledNormalCdf(-tenths / 10),
      Math.log(beyond) + half,
      1e-12 * (1 + half),
      `−${tenths / 10}`,
    );
    assertAlmostEquals(
      logScaledNormalCdf(tenths / 10),
      Math.log1p(-beyond) + half,
      1e-13 * (1 + half),
      `${tenths / 10}`,
    );
  }
  // φ(x)/x · (1 − 1/x² + 3/x⁴ − 15/x⁶ + …)
  for (const x of [60, 1e3, 1e8]) {
    const expansion = 1 - 1 / x ** 2 + 3 / x ** 4 - 15 / x ** 6 + 105 / x ** 8;
    const expected = -Math.log(x) - 0.5 * Math.log(2 * Math.PI) + Math.log(expansion);
    assertAlmostEquals(logScaledNormalCdf(-x), expected, 1e-13);
  }
});
