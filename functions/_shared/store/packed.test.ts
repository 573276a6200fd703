import { assertEquals, assertThrows } from "@std/assert/mod.js";
import fc from "fast-check";
import { unpackFloats, unpackIntegers } from "./packed.ts";

/** Packs as Postgres does: big-endian values, base64 on one line. */
function packed(
  bytesPerValue: number,
  count: number,
  write: (view: DataView, at: number, i: number) => void,
): string {
  const bytes = new Uint8Array(bytesPerValue * count);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) write(view, i * bytesPerValue, i);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

Deno.test("columns are read as Postgres sends them", () => {
  // select replace(encode(float8send(1) || float8send(-0.5) || float8send('NaN'), 'base64'), E'\n', '')
  assertEquals([...unpackFloats("P/AAAAAAAAC/4AAAAAAAAH/4AAAAAAAA")], [1, -0.5, NaN]);
  // select encode(int4send(1) || int4send(-1) || int4send(65536), 'base64')
  assertEquals([...unpackIntegers("AAAAAf////8AAQAA")], [1, -1, 65536]);
});

Deno.test("a column of no rows is empty", () => {
  assertEquals(unpackFloats("").length, 0);
  assertEquals(unpackIntegers("").length, 0);
});

Deno.test("every number survives", () => {
  fc.assert(fc.property(fc.array(fc.double()), (values) => {
    const text = packed(8, values.length, (view, at, i) => view.setFloat64(at, values[i] ?? 0));
    assertEquals([...unpackFloats(text)], values);
  }));
  fc.assert(fc.property(fc.array(fc.integer()), (values) => {
    const text = packed(4, values.length, (view, at, i) => view.setInt32(at, values[i] ?? 0));
    assertEquals([...unpackIntegers(text)], values);
  }));
});

Deno.test("a column that was cut short is refused", () => {
  assertThrows(() => unpackFloats("P/AAAAAAAA=="), RangeError, "7 bytes");
  assertThrows(() => unpackIntegers("AAAA"), RangeError, "3 bytes");
});
