import { assertEquals, assertThrows } from "@std/assert/mod.js";
import { cutsBetween, spanOf, WEEK, weekOf } from "./calendar.ts";

Deno.test("spans are hours, days or weeks, and anything else is refused by its flag", () => {
  assertEquals([spanOf("--embargo", "0"), spanOf("--embargo", "12h"), spanOf("--cadence", "2d")], [
    0,
    43_200_000,
    172_800_000,
  ]);
  assertEquals(spanOf("--cadence", "13w"), 13 * WEEK);
  for (const text of ["", "w", "1m", "-1w", "1.5d"]) {
    assertThrows(
      () => spanOf("--cadence", text),
      RangeError,
      `--cadence must be a number of hours, days or weeks`,
    );
  }
});

Deno.test("cuts begin on the Monday before the first moment and end at the last one that something follows", () => {
  // 2024-02-29 is a Thursday.
  const first = Date.UTC(2024, 1, 29, 12);
  const cuts = cutsBetween(first, Date.UTC(2024, 2, 25), 2 * WEEK).map((cut) =>
    new Date(cut).toISOString().slice(0, 10)
  );
  assertEquals(cuts, ["2024-02-26", "2024-03-11", "2024-03-25"]);
  assertEquals(cutsBetween(first, first, WEEK).length, 1);
  assertEquals(weekOf(Date.UTC(2024, 2, 3, 23)) + 1, weekOf(Date.UTC(2024, 2, 4)));
});
