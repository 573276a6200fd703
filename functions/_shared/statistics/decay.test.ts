import { assert, assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import fc from "fast-check";
import { computeDecay } from "./decay.ts";

const HOUR = 3_600_000;
const START = Date.UTC(2024, 0, 1);

/** `count` moments, one an hour. */
function hourly(count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => START + i * HOUR);
}

function series(count: number, value: (hour: number) => number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => value(i));
}

Deno.test("fewer than 33 trades or 18 snapshots say nothing", () => {
  const nothing = { state: "insufficient", slope: null, t: null, half_life_hours: null, multiplier: 1 };
  assertEquals(computeDecay(hourly(32), series(32, (h) => h), 1, "events"), { ...nothing, source: "events" });
  assertEquals(computeDecay(hourly(17), series(17, (h) => h), 1, "history"), {
    ...nothing,
    source: "history",
  });
  assertEquals(computeDecay(hourly(33), series(33, (h) => h), 1, "events").state, "improving");
  assertEquals(computeDecay(hourly(18), series(18, (h) => h), 1, "history").state, "improving");
});

Deno.test("an edge that halves every 24 hours is believed 0.33 + 0.67 · 24/192", () => {
  const decay = computeDecay(hourly(33), series(33, (h) => 2 ** (-h / 24)), 0.6, "events");
  assertEquals(decay.state, "decaying");
  assert(decay.slope !== null && decay.slope < 0);
  assertAlmostEquals(decay.half_life_hours ?? NaN, 24, 1e-10);
  assertAlmostEquals(decay.multiplier, 0.41375, 1e-13);
});

Deno.test("a losing edge that shrinks to nothing is improving and yet trusted less", () => {
  const decay = computeDecay(hourly(33), series(33, (h) => -(2 ** (-h / 24))), -0.6, "events");
  assertEquals(decay.state, "improving");
  assertAlmostEquals(decay.half_life_hours ?? NaN, 24, 1e-10);
  assertAlmostEquals(decay.multiplier, 0.41375, 1e-13);
});

Deno.test("an edge that doubles every 168 hours is raised by half of a third", () => {
  // 1 + 0.33 · 168/(168 + 168) = 1.165; the same for a loss that doubles.
  const winning = computeDecay(hourly(33), series(33, (h) => 2 ** (h / 168)), 1, "events");
  assertEquals(winning.state, "improving");
  assertAlmostEquals(winning.multiplier, 1.165, 1e-12);
  const losing = computeDecay(hourly(33), series(33, (h) => -(2 ** (h / 168))), -1, "events");
  assertEquals(losing.state, "decaying");
  assertAlmostEquals(losing.multiplier, 1.165, 1e-12);
});

Deno.test("where the values change sign the half-life is half the mean over the slope", () => {
  // −6 to 26, one an hour: mean 10, slope 1 without residual, h = 0.5 · 10/1 = 5.
  const rising = computeDecay(hourly(33), series(33, (h) => h - 6), 10, "events");
  assertEquals(rising.state, "improving");
  assertEquals(rising.slope, 1);
  assertEquals(rising.t, Infinity);
  assertAlmostEquals(rising.half_life_hours ?? NaN, 5, 1e-12);
  assertAlmostEquals(rising.multiplier, 1 + 0.33 * 168 / 173, 1e-13);
  // The same, falling through 0: weakening, 0.33 + 0.67 · 5/173.
  const falling = computeDecay(hourly(33), series(33, (h) => 26 - h), 10, "events");
  assertEquals([falling.state, falling.t], ["decaying", -Infinity]);
  assertAlmostEquals(falling.multiplier, 0.33 + 0.67 * 5 / 173, 1e-13);
});

Deno.test("an exponential fit that explains less than half does not give the half-life", () => {
  // 1 to 33, one an hour, but at hour 1 next to nothing, −690 in the logarithm: ln y rises, and that explains
  // 8 % of it. Without the value 2 at hour 1 the sum is 559, and Σ(h − 16)y is 2992 + 15 · 2, where Σ(h −
  // 16)² = 2992.
  const decay = computeDecay(hourly(33), series(33, (h) => h === 1 ? 1e-300 : 1 + h), 1, "events");
  assertEquals(decay.state, "improving");
  assertAlmostEquals(decay.slope ?? NaN, 3022 / 2992, 1e-13);
  assertAlmostEquals(decay.half_life_hours ?? NaN, 0.5 * (559 / 33) / (3022 / 2992), 1e-11);
});

Deno.test("an exponential fit that points the other way does not give the half-life", () => {
  // Sixty hours of next to nothing, ever less, then 1 twice: y rises, ln y falls with R² = 0.62. Σ(h − 29.5)²
  // = 17995, and the two ones at hours 58 and 59 give Σ(h − 29.5)y = 58.
  const decay = computeDecay(hourly(60), series(60, (h) => h < 58 ? 10 ** (-10 - 2 * h) : 1), 1, "events");
  assertEquals(decay.state, "improving");
  assertAlmostEquals(decay.half_life_hours ?? NaN, 0.5 * (2 / 60) / (58 / 17995), 1e-6);
});

Deno.test("a constant series, one without a clear slope, and one of a single moment are stable", () => {
  const stable = (values: Float64Array, times = hourly(values.length)): void => {
    const decay = computeDecay(times, values, 1, "events");
    assertEquals([decay.state, decay.multiplier, decay.half_life_hours], ["stable", 1, null]);
  };
  stable(series(40, () => 0.1));
  stable(series(40, () => 0));
  stable(series(40, (h) => h % 2 === 0 ? 1 : -0.5));
  stable(series(40, (h) => h), new Float64Array(40).fill(START));
  // Slope without doubt, but a mean of exactly 0 leaves no edge to speak of.
  stable(series(41, (h) => h - 20));
});

Deno.test("an edge of exactly 0 is neither strengthened nor weakened", () => {
  assertEquals(computeDecay(hourly(33), series(33, (h) => h - 6), 0, "history").multiplier, 1);
});

Deno.test("any series has a multiplier in [0.33, 1.33], whatever the order of its trades", () => {
  const point = fc.record({
    hour: fc.integer({ min: 0, max: 5000 }),
    value: fc.integer({ min: -500, max: 1000 }).map((x) => x / 1000),
  });
  fc.assert(fc.property(
    fc.array(point, { minLength: 18, maxLength: 80 }),
    fc.constantFrom(-0.2, 0.3),
    fc.constantFrom("events" as const, "history" as const),
    (points, delta, source) => {
      const decayOf = (list: typeof points): ReturnType<typeof computeDecay> =>
        computeDecay(
          Float64Array.from(list, ({ hour }) => START + hour * HOUR),
          Float64Array.from(list, ({ value }) => value),
          delta,
          source,
        );
      const decay = decayOf(points);
      const reversed = decayOf(points.toReversed());
      assert(decay.multiplier >= 0.33 && decay.multiplier <= 1.33);
      if (decay.state === "improving") assertEquals(decay.multiplier > 1, delta > 0);
      if (decay.state === "decaying") assertEquals(decay.multiplier < 1, delta > 0);
      if (decay.t !== null && Math.abs(Math.abs(decay.t) - 2) < 1e-9) return;
      assertEquals(reversed.state, decay.state);
      assertAlmostEquals(reversed.multiplier, decay.multiplier, 1e-9);
    },
  ));
});
