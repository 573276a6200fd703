import { assertAlmostEquals } from "@std/assert/mod.js";
import fc from "fast-check";
import { halfStepGammaRatio } from "./gamma_ratio.ts";

function assertRelative(actual: number, expected: number, tolerance: number): void {
  assertAlmostEquals(actual, expected, tolerance * Math.abs(expected));
}

Deno.test("the ratio is known in closed form where the gamma function is", () => {
  assertRelative(halfStepGammaRatio(0.5), 1 / Math.sqrt(Math.PI), 1e-15); // Γ(1)/Γ(1/2)
  assertRelative(halfStepGammaRatio(1), Math.sqrt(Math.PI) / 2, 1e-15); // Γ(3/2)/Γ(1)
  assertRelative(halfStepGammaRatio(1.5), 2 / Math.sqrt(Math.PI), 1e-15); // Γ(2)/Γ(3/2)
  assertRelative(halfStepGammaRatio(3), 15 * Math.sqrt(Math.PI) / 16, 1e-15); // Γ(7/2)/Γ(3) = (15√π/8)/2
});

Deno.test("the ratio agrees with arbitrary precision below and above the asymptotic bound", () => {
  assertRelative(halfStepGammaRatio(4.8), 2.13467154801255511, 1e-15);
  assertRelative(halfStepGammaRatio(16.25), 4.00024399934971325, 1e-15);
  assertRelative(halfStepGammaRatio(1e6), 999.999875000007813, 1e-15);
});

Deno.test("two half steps make a whole one: Γ(a + 1)/Γ(a) = a", () => {
  fc.assert(fc.property(fc.double({ min: 1e-3, max: 1e7, noNaN: true }), (a) => {
    assertRelative(halfStepGammaRatio(a) * halfStepGammaRatio(a + 0.5), a, 1e-14);
  }));
});
