import { assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import fc from "fast-check";
import { type Close, trailingFactors } from "./trailing.ts";

const DAY = 86_400_000;

Deno.test("the trailing factor weighs a timeframe's mean over eight weeks by how many trades it has", () => {
  // Means 0.2 and 0 of all, σ 0.2; two trades count 2/52: 1 + 2/52 · 0.2/0.2.
  const closes = [0.2, 0.2, -0.2, -0.2].map((outcome, i): Close => ({
    timeframe: i < 2 ? "1h" : "4h",
    exitAt: i * DAY,
    knownAt: i * DAY,
    outcome,
  }));
  const [up, down, unknown, before, after] = trailingFactors(closes, [
    { timeframe: "1h", at: 3 * DAY },
    { timeframe: "4h", at: 3 * DAY },
    { timeframe: "15m", at: 3 * DAY },
    { timeframe: "1h", at: 50 * DAY },
    { timeframe: "4h", at: 60 * DAY },
  ]);
  assertAlmostEquals(up ?? NaN, 1 + 2 / 52, 1e-12);
  assertAlmostEquals(down ?? NaN, 1 - 2 / 52, 1e-12);
  assertEquals(unknown, 1);
  assertAlmostEquals(before ?? NaN, 1 + 2 / 52, 1e-12);
  assertEquals(after, 1);
});

Deno.test("what was not known at a question changes no answer", () => {
  const close = fc.record({
    timeframe: fc.constantFrom("1h", "4h"),
    exitAt: fc.integer({ min: 0, max: 100 }).map((day) => day * DAY),
    late: fc.integer({ min: 0, max: 5 }).map((days) => days * DAY),
    outcome: fc.double({ min: -1, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(close, { maxLength: 40 }), fc.integer({ min: 0, max: 110 }), (drawn, day) => {
      const closes = drawn.map((given): Close => ({ ...given, knownAt: given.exitAt + given.late }))
        .sort((a, b) => a.knownAt - b.knownAt);
      const asked = [{ timeframe: "1h", at: day * DAY }];
      assertEquals(
        trailingFactors(closes, asked),
        trailingFactors(closes.map((c) => c.knownAt > day * DAY ? { ...c, outcome: 9 } : c), asked),
      );
    }),
  );
});
