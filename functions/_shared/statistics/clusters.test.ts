import { assertEquals } from "@std/assert/mod.js";
import fc from "fast-check";
import { clusterTrades, utcDay, utcWeek } from "./clusters.ts";

const DAY = 86_400_000;
const moment = fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2200, 0, 1) });

Deno.test("days begin at midnight UTC, weeks on Monday", () => {
  assertEquals(utcDay(Date.UTC(1970, 0, 1)), 0);
  assertEquals(utcDay(Date.UTC(1970, 0, 2) - 1), 0);
  assertEquals(utcDay(Date.UTC(1969, 11, 31, 23, 59)), -1);
  // 1970-01-01 was a Thursday; its week ran from Monday, 1969-12-29, to Sunday, 1970-01-04.
  assertEquals(utcWeek(Date.UTC(1969, 11, 28, 23, 59, 59, 999)), -1);
  assertEquals(utcWeek(Date.UTC(1969, 11, 29)), 0);
  assertEquals(utcWeek(Date.UTC(1970, 0, 4, 23, 59, 59, 999)), 0);
  assertEquals(utcWeek(Date.UTC(1970, 0, 5)), 1);
});

Deno.test("two moments share a week exactly when the Mondays before them are the same day", () => {
  const monday = (epochMs: number): number => {
    const date = new Date(epochMs);
    return Date.UTC(
      date.getUTCFullYear(),
      date.getUTCMonth(),
      date.getUTCDate() - (date.getUTCDay() + 6) % 7,
    );
  };
  fc.assert(fc.property(moment, fc.integer({ min: -10 * DAY, max: 10 * DAY }), (one, apart) => {
    const other = one + apart;
    assertEquals(utcWeek(one) === utcWeek(other), monday(one) === monday(other));
    assertEquals(
      utcDay(one) === utcDay(other),
      new Date(one).toISOString().slice(0, 10) === new Date(other).toISOString().slice(0, 10),
    );
  }));
});

Deno.test("by its span a group of 26 weeks or more is clustered by week and a shorter one by day; week and day are so whatever the span", () => {
  const start = Date.UTC(2024, 5, 5, 13);
  const span = (ms: number): Float64Array => Float64Array.of(start + ms, start, start + 1);
  assertEquals(clusterTrades(span(26 * 7 * DAY), "span")?.unit, "week");
  assertEquals(clusterTrades(span(26 * 7 * DAY - 1), "span")?.unit, "day");
  assertEquals(clusterTrades(span(DAY), "week")?.unit, "week");
  assertEquals(clusterTrades(span(400 * DAY), "day")?.unit, "day");
  assertEquals(clusterTrades(span(400 * DAY), "none"), null);
});

Deno.test("clusters are numbered by first appearance", () => {
  const monday = Date.UTC(2024, 0, 1);
  const actedAt = Float64Array.of(
    monday + 9 * DAY,
    monday,
    monday + 6 * DAY,
    monday + 7 * DAY,
    monday + 30 * DAY,
  );
  assertEquals(clusterTrades(actedAt, "week"), {
    unit: "week",
    index: Int32Array.of(0, 1, 1, 0, 2),
    count: 3,
  });
  assertEquals(clusterTrades(actedAt, "day"), { unit: "day", index: Int32Array.of(0, 1, 2, 3, 4), count: 5 });
});

Deno.test("a group without trades has no clusters", () => {
  assertEquals(clusterTrades(new Float64Array(), "span"), { unit: "day", index: new Int32Array(), count: 0 });
});
