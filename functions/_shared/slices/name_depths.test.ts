import { assert, assertEquals } from "@std/assert/mod.js";
import { randomInput } from "../../../scripts/testing/slices/oracle.ts";
import { prepare, type SliceInput } from "./mod.ts";
import { countNameDepths, type DepthProgress } from "./name_depths.ts";

/** Every distinct set of rows, named one by one. */
function namedOneByOne(input: SliceInput): number[] {
  const enumeration = prepare({ ...input, selection: "distinct" });
  const counts = [0, 0, 0, 0];
  enumeration.run((_n, _sums, slice) => {
    const closure = slice.conjunction(new Int32Array(input.dimensions.length));
    const depth = enumeration.canonicalName(closure).filter((code) => code !== 0).length;
    if (depth < counts.length) counts[depth] = (counts[depth] ?? 0) + 1;
  });
  return counts;
}

const SHAPE = { rows: 60, dimensions: 8, support: 6, unique: 0.05 };

Deno.test("names are counted by their pairs as if every set of rows were named, whatever shape the columns have", () => {
  let deep = 0;
  for (let seed = 0; seed < 400; seed++) {
    const input = randomInput(seed, "distinct", SHAPE);
    const step = countNameDepths({ ...input, enumeration: prepare(input) }, null, () => false);
    const expected = namedOneByOne(input);
    assertEquals(step, { counts: expected }, `Seed ${seed}`);
    deep += expected[3] ?? 0;
  }
  assert(deep > 200, String(deep));
});

Deno.test("a count that pauses at every opportunity comes to the same", () => {
  for (let seed = 0; seed < 40; seed++) {
    const input = randomInput(seed, "distinct", SHAPE);
    let progress: DepthProgress | null = null;
    let pauses = 0;
    while (true) {
      const step = countNameDepths({ ...input, enumeration: prepare(input) }, progress, () => true);
      if ("counts" in step) {
        assertEquals(step.counts, namedOneByOne(input), `Seed ${seed}`);
        break;
      }
      progress = JSON.parse(JSON.stringify(step.progress));
      assert(pauses++ < 1_000);
    }
  }
});
