import { assertEquals, assertThrows } from "@std/assert/mod.js";
import { distinctCodes, nameDimension } from "./dimensions.ts";

Deno.test("codes follow the names of the values, whatever order the dictionary met them in", () => {
  const names = new Map([[7, "solana"], [3, "base"], [12, "Base"]]);
  const named = nameDimension(1, "chain", Int32Array.of(7, 0, 3, 12, 7), names);
  assertEquals(named.values, ["Base", "base", "solana"]);
  assertEquals([...named.codes], [3, 0, 2, 1, 3]);
  assertEquals([named.bit, named.name, named.cardinality], [1, "chain", 3]);
});

Deno.test("values that do not occur take no code", () => {
  const named = nameDimension(0, "chain", Int32Array.of(5, 5), new Map([[5, "b"], [6, "a"]]));
  assertEquals([[...named.codes], named.values, named.cardinality], [[1, 1], ["b"], 1]);
});

Deno.test("a dimension that no trade fills has no values", () => {
  assertEquals(nameDimension(0, "chain", Int32Array.of(0, 0), new Map()).values, []);
  assertEquals(nameDimension(0, "chain", new Int32Array(0), new Map()).cardinality, 0);
});

Deno.test("a code that the dictionary does not know is refused by name", () => {
  assertThrows(
    () => nameDimension(0, "chain", Int32Array.of(9), new Map([[8, "x"]])),
    RangeError,
    'Code 9 of dimension "chain" is not in the dictionary',
  );
});

Deno.test("the codes of several columns are listed once, ascending, without the one for nothing", () => {
  assertEquals(distinctCodes([Int32Array.of(4, 0, 2), Int32Array.of(2, 9)]), [2, 4, 9]);
  assertEquals(distinctCodes([]), []);
  assertEquals(distinctCodes([Int32Array.of(0)]), []);
});
