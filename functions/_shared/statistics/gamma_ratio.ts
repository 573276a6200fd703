/**
 * Coefficients of Γ(w + 3/4)/Γ(w + 1/4) = √w · (1 + c₁/w² + c₂/w⁴ + …). All denominators are powers of two,
 * so each is exact. At w ≥ 16 the first one left out is below 3e-17.
 */
const COEFFICIENTS: readonly number[] = [
  1,
  1 / 2 ** 6,
  -19 / 2 ** 13,
  631 / 2 ** 19,
  -174317 / 2 ** 27,
  20491783 / 2 ** 33,
];
const ASYMPTOTIC_FROM = 16;

/**
 * Γ(a + 1/2)/Γ(a) for a > 0, to about 1e-15 relative. Computed as a ratio, because the difference of two
 * logarithms of gamma functions loses as many digits as they have before the point.
 */
export function halfStepGammaRatio(a: number): number {
  let shift = 1;
  let base = a;
  while (base - 0.25 < ASYMPTOTIC_FROM) {
    shift *= base / (base + 0.5);
    base++;
  }
  const w = base - 0.25;
  const inverseSquare = 1 / (w * w);
  let series = 0;
  for (let i = COEFFICIENTS.length - 1; i >= 0; i--) series = series * inverseSquare + COEFFICIENTS[i]!;
  return shift * Math.sqrt(w) * series;
}
