import { assertEquals } from "@std/assert/mod.js";
import fc from "fast-check";
import { timestampOf } from "./timestamp.ts";

Deno.test("a moment keeps its microseconds", () => {
  assertEquals(timestampOf(Date.UTC(2025, 0, 15, 10, 30) + 0.001), "2025-01-15T10:30:00.000001Z");
  assertEquals(timestampOf(Date.UTC(2025, 0, 15, 10, 30) + 123.456), "2025-01-15T10:30:00.123456Z");
  assertEquals(timestampOf(0), "1970-01-01T00:00:00.000000Z");
  assertEquals(timestampOf(-0.001), "1969-12-31T23:59:59.999999Z");
});

Deno.test("what Postgres sends in milliseconds comes back as the same microsecond", () => {
  // Doubles of this size keep microseconds through a division and a multiplication until 2041.
  fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 51 }), (microseconds) => {
    const text = timestampOf(microseconds / 1000);
    assertEquals(Date.parse(`${text.slice(0, -4)}Z`) * 1000 + Number(text.slice(-4, -1)), microseconds);
  }));
});
