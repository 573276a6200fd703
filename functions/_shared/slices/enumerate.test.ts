import { assert, assertEquals, assertThrows } from "@std/assert/mod.js";
import { enumerateSlices } from "./enumerate.ts";
import { checkInput } from "./input.ts";
import { cases } from "../../../scripts/testing/lanes.ts";
import { prepare, type SliceCursor, type SliceInput } from "./mod.ts";
import { randomInput, type Shape } from "../../../scripts/testing/slices/oracle.ts";

const SELECTIONS = ["exhaustive", "distinct"] as const;
const SHAPES: readonly Shape[] = [
  { rows: 60, dimensions: 8, support: 12, unique: 0.1 },
  { rows: 200, dimensions: 8, support: 5, unique: 0 },
  { rows: 250, dimensions: 7, support: 2, unique: 0.8 },
];

interface Visit {
  readonly conjunction: number[];
  readonly n: number;
  readonly sums: number[];
}

/** Visits everything in as many runs as it takes, each as if in a process of its own. */
function inRuns(input: SliceInput, shouldPause: () => boolean): { visits: Visit[]; runs: number } {
  const visits: Visit[] = [];
  let cursor: SliceCursor | null | undefined;
  let runs = 0;
  do {
    const stored: SliceCursor | undefined = cursor === undefined
      ? undefined
      : JSON.parse(JSON.stringify(cursor));
    cursor = enumerateSlices(
      checkInput(input),
      (n, sums, slice) => {
        const conjunction = [...slice.conjunction(new Int32Array(input.dimensions.length))];
        visits.push({ conjunction, n, sums: [...sums] });
      },
      { cursor: stored, shouldPause },
      0,
    );
    assert(JSON.stringify(cursor) !== JSON.stringify(stored), "a run paused where it had begun");
    runs++;
  } while (cursor !== null);
  return { visits, runs };
}

for (const selection of SELECTIONS) {
  Deno.test(`${selection}: pausing wherever possible changes nothing, not even the order`, () => {
    let pauses = 0;
    for (const shape of SHAPES) {
      for (let seed = 0; seed < cases(12); seed++) {
        const input = randomInput(seed, selection, shape);
        const straight = inRuns(input, () => false).visits;
        const paused = inRuns(input, () => true);
        assertEquals(paused.visits, straight, `seed ${seed}, always`);
        pauses += paused.runs - 1;
        let asked = 0;
        assertEquals(
          inRuns(input, () => ++asked % 7 === 0).visits,
          straight,
          `seed ${seed}, every seventh time`,
        );
      }
    }
    assert(pauses > 1000, `only ${pauses} pauses were tried`);
  });
}

Deno.test("a long run asks whether to pause many times", () => {
  const rows = 20_000;
  const input: SliceInput = {
    rows,
    dimensions: Array.from({ length: 12 }, (_, bit) => ({
      bit,
      cardinality: 3,
      codes: Uint16Array.from(
        { length: rows },
        (_, row) => 1 + (Math.imul(row + 1, 2 * bit + 0x9e3779b1) >>> 28) % 3,
      ),
    })),
    measures: [],
    minSupport: 33,
    selection: "exhaustive",
  };
  let asked = 0;
  let visited = 0;
  prepare(input).run(() => void visited++, { shouldPause: () => (asked++, false) });
  assert(asked >= 10, `asked ${asked} times over ${visited} slices`);
});

Deno.test("a cursor of another input is refused", () => {
  const input = randomInput(5, "distinct", SHAPES[1]!);
  const { checksum } = checkInput(input);
  const run = (cursor: SliceCursor): unknown => prepare(input).run(() => {}, { cursor });
  assertThrows(() => run({ input: checksum + 1, path: [0] }), RangeError, "another input");
  assertThrows(() => run({ input: checksum, path: [10_000] }), RangeError, "leads nowhere");
});

Deno.test("a cursor is tied to codes, support and selection but not to what is measured", () => {
  const input = randomInput(4, "distinct", SHAPES[1]!);
  const { checksum } = checkInput(input);
  const [first, ...others] = input.dimensions;
  const changed = {
    ...first!,
    codes: first!.codes.map((code, row) => row === 17 ? (code === 0 ? 1 : 0) : code),
  };
  assertEquals(checkInput({ ...input, measures: [] }).checksum, checksum);
  assert(checkInput({ ...input, minSupport: input.minSupport + 1 }).checksum !== checksum);
  assert(checkInput({ ...input, selection: "exhaustive" }).checksum !== checksum);
  assert(checkInput({ ...input, dimensions: [changed, ...others] }).checksum !== checksum);
});
