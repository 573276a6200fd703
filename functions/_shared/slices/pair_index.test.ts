import { assertEquals, assertThrows } from "@std/assert/mod.js";
import { cases } from "../../../scripts/testing/lanes.ts";
import { prepare, type SliceInput } from "./mod.ts";
import {
  everySlice,
  oracleClosure,
  oracleName,
  oracleRows,
  randomInput,
  type Shape,
} from "../../../scripts/testing/slices/oracle.ts";

function assertAnswers(seeds: number, shape: Shape): void {
  for (let seed = 0; seed < cases(seeds); seed++) {
    const input = randomInput(seed, "exhaustive", shape);
    const enumeration = prepare(input);
    for (const { conjunction, rows } of everySlice(input)) {
      const asked = Int32Array.from(conjunction);
      assertEquals([...enumeration.rowsOf(asked)], rows, `seed ${seed}: rows of ${conjunction}`);
      assertEquals(
        [...enumeration.closureOf(asked)],
        oracleClosure(input, rows),
        `seed ${seed}: ${conjunction}`,
      );
      assertEquals(
        [...enumeration.canonicalName(asked)],
        oracleName(input, rows),
        `seed ${seed}: ${conjunction}`,
      );
      assertEquals([...asked], conjunction, "asking changed the conjunction");
    }
  }
}

Deno.test("rows, closures and names of small slices are those of the oracle", () => {
  assertAnswers(150, { rows: 60, dimensions: 7, support: 12, unique: 0.1 });
});

Deno.test("rows, closures and names are those of the oracle where common and rare pairs meet", () => {
  assertAnswers(25, { rows: 300, dimensions: 6, support: 10, unique: 0.3 });
});

Deno.test("conjunctions of one set of rows have one name", () => {
  for (let seed = 0; seed < 40; seed++) {
    const input = randomInput(seed, "distinct", { rows: 80, dimensions: 7, support: 8, unique: 0 });
    const enumeration = prepare(input);
    const names = new Map<string, string>();
    for (const { conjunction, rows } of everySlice(input)) {
      const name = enumeration.canonicalName(Int32Array.from(conjunction));
      assertEquals(oracleRows(input, [...name]), rows);
      assertEquals(names.get(rows.join()) ?? name.join(), name.join());
      names.set(rows.join(), name.join());
    }
  }
});

const TWO: SliceInput = {
  rows: 2,
  dimensions: [
    { bit: 0, cardinality: 2, codes: Uint16Array.of(1, 2) },
    { bit: 3, cardinality: 2, codes: Uint16Array.of(1, 2) },
  ],
  measures: [],
  minSupport: 1,
  selection: "distinct",
};

Deno.test("a conjunction that no row satisfies has no rows and is its own closure", () => {
  const enumeration = prepare(TWO);
  assertEquals(enumeration.rowsOf(Int32Array.of(1, 2)), new Uint32Array(0));
  assertEquals(enumeration.closureOf(Int32Array.of(1, 2)), Int32Array.of(1, 2));
});

Deno.test("the highest bit is dropped first, whatever the order of the dimensions", () => {
  const swapped = { ...TWO, dimensions: TWO.dimensions.toReversed() };
  assertEquals(prepare(TWO).canonicalName(Int32Array.of(0, 1)), Int32Array.of(1, 0));
  assertEquals(prepare(swapped).canonicalName(Int32Array.of(1, 0)), Int32Array.of(0, 1));
  assertEquals(prepare(TWO).maskOf(Int32Array.of(1, 2)), 0b1001);
});

Deno.test("conjunctions that do not fit the dimensions are refused", () => {
  const enumeration = prepare(TWO);
  assertThrows(() => enumeration.rowsOf(Int32Array.of(1)), RangeError, "received 1 for 2 dimensions");
  assertThrows(
    () => enumeration.canonicalName(Int32Array.of(0, 3)),
    RangeError,
    "bit 3 must be from 0 to 2: received 3",
  );
  assertThrows(() => enumeration.closureOf(Int32Array.of(-1, 0)), RangeError, "received -1");
});
