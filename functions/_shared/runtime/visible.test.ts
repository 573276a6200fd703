import { assert, assertEquals } from "@std/assert/mod.js";
import fc from "fast-check";
import { visible, visibleLines } from "./visible.ts";

Deno.test("what a terminal would obey is shown instead", () => {
  assertEquals(visible("\x1b]0;title\x07"), "\\u001b]0;title\\u0007");
  assertEquals(visible("a\r\n\tb\x7f"), "a\\u000d\\u000a\\u0009b\\u007f");
  assertEquals(visible("\x9b2J and \x85"), "\\u009b2J and \\u0085");
  assertEquals(visible("abc\u202edef\u2066\u200f\u061c"), "abc\\u202edef\\u2066\\u200f\\u061c");
  assertEquals(visible("one\u2028two"), "one\\u2028two");
});

Deno.test("what people write stays as it is", () => {
  const text = "pm.uptrend.S1 Ünïcødé 🚀 שלום \\u001b «»";
  assertEquals(visible(text), text);
});

Deno.test("the ends of lines stay where lines are meant", () => {
  assertEquals(visibleLines("first\nsecond\x1b[2J\r\n"), "first\nsecond\\u001b[2J\\u000d\n");
});

Deno.test("no control is left of any text, and JSON stays the same JSON", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    assert([...visible(text)].every((character) => {
      const code = character.codePointAt(0) ?? 0;
      return code >= 0x20 && (code < 0x7f || code > 0x9f) && (code < 0x202a || code > 0x202e);
    }));
    assertEquals(JSON.parse(visible(JSON.stringify({ [text]: text }))), { [text]: text });
  }));
});
