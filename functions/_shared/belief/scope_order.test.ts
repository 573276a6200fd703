import { assert, assertEquals } from "@std/assert/mod.js";
import fc from "fast-check";
import { compareBytes, compareScopeNames, compareScopes } from "./scope_order.ts";

Deno.test("texts are ordered as their UTF-8 bytes are", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "b", "Z", "é", "\ud7ff", "\ue000", "\uffee", "\u{10000}", "\u{1f600}"),
  });
  fc.assert(fc.property(text, text, (a, b) => {
    const [x, y] = [new TextEncoder().encode(a), new TextEncoder().encode(b)];
    const differ = x.findIndex((byte, i) => byte !== y[i]);
    const expected = differ === -1 ? x.length - y.length : (x[differ] ?? 0) - (y[differ] ?? -1);
    assertEquals(Math.sign(compareBytes(a, b)), Math.sign(expected));
  }));
});

Deno.test("names are compared pair by pair, dimensions in byte order, the dimension before its value", () => {
  assert(compareScopeNames({ b: "a", a: "z" }, { b: "a" }) < 0);
  assert(compareScopeNames({ a: "x", b: "q" }, { b: "p", a: "y" }) < 0);
  assert(compareScopeNames({ A_mode: "x" }, { a: "x" }) < 0);
  assert(compareScopeNames({ a: "x" }, { a: "x", b: "p" }) < 0);
  assertEquals(compareScopeNames({ b: "p", a: "x" }, { a: "x", b: "p" }), 0);
});

Deno.test("fewer pairs come first, whatever their name", () => {
  assert(compareScopes({ z: "z" }, { a: "a", b: "b" }) < 0);
  assert(compareScopes({}, { a: "a" }) < 0);
  assert(compareScopes({ a: "a" }, { a: "b" }) < 0);
});
