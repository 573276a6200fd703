import { assertEquals, assertThrows } from "@std/assert/mod.js";
import { checkInput } from "./input.ts";
import type { SliceDimension, SliceInput } from "./types.ts";

const DIMENSION: SliceDimension = { bit: 0, cardinality: 2, codes: Uint16Array.of(1, 2) };
const GOOD: SliceInput = {
  rows: 2,
  dimensions: [DIMENSION],
  measures: [],
  minSupport: 1,
  selection: "distinct",
};

Deno.test("checking an input counts its codes, missing ones first", () => {
  const codes = Int32Array.of(0, 2, 2, 3);
  const { counts } = checkInput({ ...GOOD, rows: 4, dimensions: [{ bit: 5, cardinality: 4, codes }] });
  assertEquals(counts, [Int32Array.of(1, 0, 2, 1, 0)]);
});

Deno.test("what cannot be enumerated is refused with the offending value", () => {
  const cases: [Partial<SliceInput>, string][] = [
    [{ rows: -1 }, "received -1"],
    [{ minSupport: 0 }, "received 0"],
    [{ minSupport: 1.5 }, "received 1.5"],
    [{ dimensions: [{ ...DIMENSION, bit: 31 }] }, "received 31"],
    [{ dimensions: [DIMENSION, DIMENSION] }, "bit 0 is used twice"],
    [{ dimensions: Array.from({ length: 32 }, (_, bit) => ({ ...DIMENSION, bit })) }, "received 32"],
    [
      { dimensions: [{ ...DIMENSION, cardinality: 1 }] },
      "Row 1 of bit 0 must have a code from 0 to 1: received 2",
    ],
    [{ dimensions: [{ ...DIMENSION, cardinality: -1 }] }, "received -1"],
    [{ dimensions: [{ ...DIMENSION, codes: Int32Array.of(1, -7) }] }, "received -7"],
    [{ dimensions: [{ ...DIMENSION, codes: Uint16Array.of(1) }] }, "received 1 for 2 rows"],
    [{ measures: [Float64Array.of(1)] }, "received 1 for 2 rows"],
    [{ measures: [Float64Array.of(1, NaN)] }, "Row 1 of measure 0 must be finite: received NaN"],
  ];
  for (const [change, message] of cases) {
    assertThrows(() => checkInput({ ...GOOD, ...change }), RangeError, message);
  }
});
