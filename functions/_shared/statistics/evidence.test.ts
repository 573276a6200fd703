import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import fc from "fast-check";
import { uniform } from "../../../scripts/testing/slices/oracle.ts";
import { evidenceOf, logEvidence, logMeanEvidence, logOneSidedEvidence } from "./evidence.ts";

/** Integral of a smooth function over an interval, Simpson's rule. */
function integral(f: (x: number) => number, from: number, to: number, steps = 20_000): number {
  const width = (to - from) / steps;
  let sum = f(from) + f(to);
  for (let i = 1; i < steps; i++) sum += f(from + i * width) * (i % 2 === 1 ? 4 : 2);
  return sum * width / 3;
}

/** e^(θS − θ²V/2), the evidence for the effect θ, weighed by the density of a normal θ of variance 1/ρ. */
function weighed(sum: number, squares: number, rho: number): (theta: number) => number {
  return (theta) =>
    Math.exp(theta * sum - theta * theta * (squares + rho) / 2) * Math.sqrt(rho / (2 * Math.PI));
}

Deno.test("e of a sum and its squares is what a calculation by hand gives", () => {
  // ρ = 1, V = 3: ½ ln(1/4) = −ln 2; S = 4: 16/8 = 2. e = e²/2 = 3.6945.
  assertAlmostEquals(logEvidence(4, 3, 1), 2 - Math.LN2, 1e-15);
  // One-sided: twice that, times Φ(4/2) = 0.9772498680518208.
  assertAlmostEquals(logOneSidedEvidence(4, 3, 1), 2 + Math.log(0.9772498680518208), 1e-14);
  // Nothing has been seen: e = 1 either way.
  assertEquals(logEvidence(0, 0, 33), 0);
  assertAlmostEquals(logOneSidedEvidence(0, 0, 33), 0, 1e-15);
});

Deno.test("e is the mean over all effects, and one-sided over those above 0, of the evidence for each", () => {
  for (const [sum, squares, rho] of [[3, 4, 1], [-3, 4, 1], [0, 10, 2], [12, 9, 5], [-8, 3, 0.5]] as const) {
    const f = weighed(sum, squares, rho);
    const reach = 60 / Math.sqrt(squares + rho);
    const centre = sum / (squares + rho);
    const both = integral(f, centre - reach, centre + reach);
    assertAlmostEquals(logEvidence(sum, squares, rho), Math.log(both), 1e-10);
    const upper = 2 * integral(f, 0, Math.max(centre, 0) + reach);
    assertAlmostEquals(logOneSidedEvidence(sum, squares, rho), Math.log(upper), 1e-9);
  }
});

Deno.test("one-sided evidence grows with S, and both sides together are twice the evidence for either sign", () => {
  const number = fc.double({ min: -1e4, max: 1e4, noNaN: true });
  const squares = fc.double({ min: 0, max: 1e6, noNaN: true });
  const rho = fc.double({ min: 1e-6, max: 1e4, noNaN: true });
  fc.assert(fc.property(number, number, squares, rho, (a, b, v, r) => {
    const [low, high] = [
      logOneSidedEvidence(Math.min(a, b), v, r),
      logOneSidedEvidence(Math.max(a, b), v, r),
    ];
    assert(low <= high + 1e-9 * Math.abs(high) + 1e-12, `${low} above ${high}`);
    const mean = logMeanEvidence(logOneSidedEvidence(a, v, r), logOneSidedEvidence(-a, v, r));
    assertAlmostEquals(mean, logEvidence(a, v, r), 1e-11 * (1 + Math.abs(mean)));
  }));
});

Deno.test("evidence that no double holds is told in logarithms, and shown as e^700", () => {
  // S² / 2(ρ + V) = 1e10/4.
  assertAlmostEquals(logEvidence(1e5, 1, 1), 2.5e9 - Math.LN2 / 2, 1e-3);
  assertAlmostEquals(logOneSidedEvidence(1e5, 1, 1), 2.5e9 + Math.LN2 / 2, 1e-3);
  // Φ(−x) e^(x²/2) → 1/(x √2π): the square has gone, exactly.
  const x = 1e5 / Math.SQRT2;
  assertAlmostEquals(
    logOneSidedEvidence(-1e5, 1, 1),
    Math.LN2 / 2 - Math.log(x) - 0.5 * Math.log(2 * Math.PI) - 1 / x ** 2,
    1e-12,
  );
  assertEquals([evidenceOf(1e9), evidenceOf(-1e9)], [Math.exp(700), Math.exp(-700)]);
  assertEquals(evidenceOf(0), 1);
});

Deno.test("the mean of two e values is theirs, whatever their size", () => {
  assertAlmostEquals(logMeanEvidence(Math.log(3), Math.log(5)), Math.log(4), 1e-15);
  assertEquals(logMeanEvidence(5000, -5000), 5000 - Math.LN2);
});

Deno.test("chance reaches 20 in few of many runs that are looked at after every step, and an effect in most", () => {
  const random = uniform(7);
  const ever = (effect: number, logE: (s: number, v: number) => number): number => {
    let reached = 0;
    for (let run = 0; run < 400; run++) {
      let [s, v] = [0, 0];
      for (let step = 0; step < 300; step++) {
        const x = effect + Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
        s += x;
        v += x * x;
        if (logE(s, v) >= Math.log(20)) {
          reached++;
          break;
        }
      }
    }
    return reached;
  };
  // 5 % of 400 is 20; the bound allows no more but for the luck of the draw, 20 + 2 · √19.
  assert(ever(0, (s, v) => logEvidence(s, v, 33)) <= 28);
  assert(ever(0, (s, v) => logOneSidedEvidence(s, v, 33)) <= 28);
  assert(ever(0.4, (s, v) => logEvidence(s, v, 33)) >= 390);
  assert(ever(0.4, (s, v) => logOneSidedEvidence(s, v, 33)) >= 390);
  assertEquals(ever(-0.4, (s, v) => logOneSidedEvidence(s, v, 33)), 0);
});

Deno.test("what cannot be is refused with what was given", () => {
  assertThrows(() => logEvidence(1, 1, 0), RangeError, "got 0");
  assertThrows(() => logOneSidedEvidence(1, -1, 1), RangeError, "got -1");
});
