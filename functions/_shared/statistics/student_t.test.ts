import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import fc from "fast-check";
import { twoSidedNormalP } from "./normal.ts";
import { studentCriticalValue, twoSidedStudentP } from "./student_t.ts";

// ── An independent oracle: the closed form for even degrees of freedom, with 2,000 binary digits ───────────────

const DIGITS = 2000n;
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

/**
 * 1 − sin θ (1 + 1/2 cos²θ + (1·3)/(2·4) cos⁴θ + …), df/2 terms, tan θ = t/√df, t in hundredths.
 */
function exactTwoSidedP(hundredths: bigint, degreesOfFreedom: bigint): number {
  const square = hundredths * hundredths;
  const whole = square + degreesOfFreedom * 10_000n;
  const sine = squareRoot(ONE * ONE * square / whole);
  let term = ONE;
  let sum = ONE;
  for (let j = 2n; j < degreesOfFreedom; j += 2n) {
    term = term * (whole - square) * (j - 1n) / (whole * j);
    sum += term;
  }
  const p = ONE - sine * sum / ONE;
  const shift = BigInt(p.toString(2).length) - 80n;
  const exponent = Number(shift - DIGITS);
  const half = Math.trunc(exponent / 2);
  return Number(shift >= 0n ? p >> shift : p << -shift) * 2 ** half * 2 ** (exponent - half);
}

Deno.test("p equals the closed form for even degrees of freedom, in the centre and in the tail", () => {
  for (const degreesOfFreedom of [2, 4, 6, 10, 24, 52, 104, 364, 1000]) {
    for (const hundredths of [1, 30, 70, 100, 150, 173, 200, 300, 500, 1200, 4000, 100_000]) {
      const expected = exactTwoSidedP(BigInt(hundredths), BigInt(degreesOfFreedom));
      if (expected < 1e-290) continue;
      assertAlmostEquals(
        twoSidedStudentP(hundredths / 100, degreesOfFreedom),
        expected,
        1e-12 * expected,
        `t = ${hundredths / 100}, ${degreesOfFreedom} degrees of freedom`,
      );
    }
  }
});

Deno.test("p is right to 12 digits for odd degrees of freedom", () => {
  // By the hypergeometric series in arithmetic with 700 digits.
  const table: [t: number, degreesOfFreedom: number, p: number][] = [
    [1, 1, 0.5],
    [12.5, 1, 0.050821347332231791],
    [3, 3, 0.057668885622437309],
    [1e5, 3, 2.2053155808932546e-15],
    [4.5, 5, 0.0063995363463242935],
    [2.015, 5, 0.10000617232680634],
    [1e-3, 7, 0.99923001724499884],
    [8, 9, 2.2134816809400154e-5],
    [0.7, 25, 0.49039053678612995],
    [2.5, 51, 0.015677012167301891],
    [12, 51, 1.8036906944085619e-16],
    [6, 103, 2.9685617167442634e-8],
    [20, 365, 1.2896133104296831e-60],
    [37, 1001, 1.50030507457939e-189],
  ];
  for (const [t, degreesOfFreedom, p] of table) {
    assertAlmostEquals(twoSidedStudentP(t, degreesOfFreedom), p, 1e-12 * p, `t = ${t}, ${degreesOfFreedom}`);
  }
  // With a hundred thousand a digit is lost.
  assertAlmostEquals(twoSidedStudentP(3, 100_001), 0.0027004608774161422, 1e-11 * 0.0027);
});

Deno.test("p of the usual critical values is the usual level", () => {
  // From published tables, three decimals: 5 % at 4, 10, 30 and 60 degrees of freedom.
  for (const [degreesOfFreedom, t] of [[4, 2.776], [10, 2.228], [30, 2.042], [60, 2]] as const) {
    assertAlmostEquals(twoSidedStudentP(t, degreesOfFreedom), 0.05, 1e-4);
  }
});

Deno.test("t = 0 has p = 1, infinite and huge t are answered, and NaN stays NaN", () => {
  assertEquals(twoSidedStudentP(0, 4), 1);
  assertEquals(twoSidedStudentP(Infinity, 4), 0);
  assertEquals(twoSidedStudentP(-Infinity, 4), 0);
  assertEquals(twoSidedStudentP(NaN, 4), NaN);
  // One degree of freedom is Cauchy's distribution: 2/(π t) far out.
  assertAlmostEquals(twoSidedStudentP(1e200, 1), 2 / Math.PI * 1e-200, 1e-211);
  assertAlmostEquals(twoSidedStudentP(1e-20, 5), 1, 1e-15);
});

Deno.test("p is in [0, 1], the same for −t, falls as |t| grows and is above the normal one", () => {
  fc.assert(fc.property(
    fc.double({ min: 0, max: 50, noNaN: true }),
    fc.double({ min: 1e-6, max: 10, noNaN: true }),
    fc.integer({ min: 1, max: 3000 }),
    (t, more, degreesOfFreedom) => {
      const p = twoSidedStudentP(t, degreesOfFreedom);
      assert(p >= 0 && p <= 1);
      assertEquals(twoSidedStudentP(-t, degreesOfFreedom), p);
      assert(twoSidedStudentP(t + more, degreesOfFreedom) <= p);
      assert(p >= twoSidedNormalP(t) * (1 - 1e-11));
    },
  ));
});

Deno.test("without degrees of freedom there is no distribution", () => {
  for (const degreesOfFreedom of [0, -1, NaN, Infinity]) {
    assertThrows(() => twoSidedStudentP(1, degreesOfFreedom), RangeError, `${degreesOfFreedom}`);
  }
});

Deno.test("the critical values of 5 % are those of the tables, and give back their p", () => {
  // tan(0.475 π) for one degree of freedom, 0.95 · √(2/(1 − 0.95²)) for two; the others from printed tables.
  assertAlmostEquals(studentCriticalValue(0.05, 1), Math.tan(0.475 * Math.PI), 1e-11);
  assertAlmostEquals(studentCriticalValue(0.05, 2), 0.95 * Math.sqrt(2 / (1 - 0.95 ** 2)), 1e-12);
  for (const [degrees, value] of [[4, 2.776], [10, 2.228], [30, 2.042], [120, 1.980]] as const) {
    assertAlmostEquals(studentCriticalValue(0.05, degrees), value, 5e-4);
  }
  fc.assert(
    fc.property(
      fc.double({ min: 1e-6, max: 1, noNaN: true }),
      fc.integer({ min: 1, max: 500 }),
      (p, degrees) => {
        assertAlmostEquals(twoSidedStudentP(studentCriticalValue(p, degrees), degrees), p, 1e-11 * p + 1e-13);
      },
    ),
  );
  assertThrows(() => studentCriticalValue(0, 3), RangeError, "got 0");
});
