import { assert, assertEquals } from "@std/assert/mod.js";
import { cases } from "../../../scripts/testing/lanes.ts";
import { prepare, type SliceInput } from "./mod.ts";
import {
  everySlice,
  expectedSlices,
  randomInput,
  type Shape,
  uniform,
} from "../../../scripts/testing/slices/oracle.ts";

const SELECTIONS = ["exhaustive", "distinct"] as const;

/** Runs an enumeration to its end and keeps everything it shows. */
function collect(input: SliceInput): { conjunction: string; n: number; sums: number[] }[] {
  const target = new Int32Array(input.dimensions.length);
  const visits: { conjunction: string; n: number; sums: number[] }[] = [];
  const cursor = prepare(input).run((n, sums, slice) => {
    visits.push({ conjunction: slice.conjunction(target).join(), n, sums: [...sums] });
  });
  assertEquals(cursor, null);
  return visits;
}

/** Difference in units of the terms' absolute values, which is what double precision can promise. */
function relativeError(actual: number, wanted: number, terms: readonly number[]): number {
  const scale = terms.reduce((sum, term) => sum + Math.abs(term), 0);
  return Math.abs(actual - wanted) / Math.max(scale, Number.MIN_VALUE);
}

/** Compares both selections with the oracle. Returns the number of slices. */
function assertMatchesOracle(data: Omit<SliceInput, "selection">, name: string): number {
  const oracle = everySlice(data);
  for (const selection of SELECTIONS) {
    const input = { ...data, selection };
    const wanted = expectedSlices(input, oracle);
    const visits = collect(input);
    const found = new Map(visits.map((visit) => [visit.conjunction, visit]));
    assertEquals(found.size, visits.length, `${name}, ${selection}: a slice was shown twice`);
    assertEquals([...found.keys()].sort(), [...wanted.keys()].sort(), `${name}, ${selection}`);
    for (const [key, rows] of wanted) {
      const { n, sums } = found.get(key)!;
      assertEquals(n, rows.length, `${name}, ${selection}: n of ${key}`);
      assertEquals(sums.length, input.measures.length);
      for (const [m, measure] of input.measures.entries()) {
        const terms = rows.map((row) => measure[row]!);
        const sum = terms.reduce((total, term) => total + term, 0);
        assert(relativeError(sums[m]!, sum, terms) <= 1e-12, `${name}, ${selection}: sum ${m} of ${key}`);
      }
    }
  }
  return oracle.length;
}

function assertAllMatchOracle(seeds: number, shape: Shape): void {
  let slices = 0;
  for (let seed = 0; seed < cases(seeds); seed++) {
    slices += assertMatchesOracle(randomInput(seed, "distinct", shape), `seed ${seed}`);
  }
  assert(slices > cases(seeds), "the data sets have next to no slices");
}

Deno.test("small data sets of every kind have the slices of the oracle, once each, with their n and sums", () => {
  assertAllMatchOracle(400, { rows: 60, dimensions: 8, support: 12, unique: 0.1 });
});

Deno.test("crowded data sets, whose nodes branch, have the slices of the oracle", () => {
  assertAllMatchOracle(60, { rows: 250, dimensions: 11, support: 30, unique: 0 });
});

Deno.test("dimensions with hundreds of values, more pairs than a row has bits, have the slices of the oracle", () => {
  assertAllMatchOracle(40, { rows: 250, dimensions: 7, support: 2, unique: 0.8 });
});

Deno.test("data sets that have to be split by columns more than once have the slices of the oracle", () => {
  assertAllMatchOracle(16, { rows: 1600, dimensions: 7, support: 1, unique: 0.4 });
  // The last dimension's first value implies one of the dimension before it, which has been dealt with by then.
  const rows = 1600, random = uniform(1);
  const columns = [500, 500, 3, 2].map((cardinality) => ({
    cardinality,
    codes: Uint16Array.from({ length: rows }, () => 1 + Math.floor(random() * cardinality)),
  }));
  for (let row = 0; row < rows; row++) if (columns[3]!.codes[row] === 1) columns[2]!.codes[row] = 2;
  const dimensions = columns.map((column, bit) => ({ bit, ...column }));
  assertMatchesOracle({ rows, dimensions, measures: [], minSupport: 1 }, "implied value");
});

Deno.test("data sets of thousands of rows have the slices of the oracle", () => {
  assertAllMatchOracle(12, { rows: 6000, dimensions: 6, support: 300, unique: 0 });
});

Deno.test("means and variances agree with two passes over the rows to 1e-12", () => {
  for (let seed = 0; seed < cases(40); seed++) {
    for (const selection of SELECTIONS) {
      const shape = { rows: 200, dimensions: 7, support: 10, unique: 0 };
      const { measures: _, ...rest } = randomInput(seed, selection, shape);
      const outcome = Float64Array.from({ length: rest.rows }, (_, row) => 5 + Math.sin(row * row + seed));
      // Centred, as a measure that hardly varies against its mean should be.
      const measures = [outcome.map((y) => y - 5), outcome.map((y) => (y - 5) ** 2)];
      const input: SliceInput = { ...rest, measures };
      const enumeration = prepare(input);
      enumeration.run((n, sums, slice) => {
        const rows = enumeration.rowsOf(slice.conjunction(new Int32Array(input.dimensions.length)));
        const values = Array.from(rows, (row) => outcome[row]!);
        const mean = values.reduce((sum, y) => sum + y, 0) / n;
        assert(Math.abs(5 + sums[0]! / n - mean) <= 1e-12 * mean);
        if (n === 1) return;
        const variance = values.reduce((sum, y) => sum + (y - mean) ** 2, 0) / (n - 1);
        const fromSums = (sums[1]! - sums[0]! ** 2 / n) / (n - 1);
        assert(
          Math.abs(fromSums - variance) <= 1e-12 * (sums[1]! / (n - 1)),
          `seed ${seed}: ${fromSums}, ${variance}`,
        );
      });
    }
  }
});

Deno.test("sums over a hundred thousand rows lose nothing to rounding", () => {
  // Added one after the other, a hundred thousand times 0.1 is off by 2e-12 of the sum.
  const rows = 100_000;
  for (const selection of SELECTIONS) {
    prepare({
      rows,
      dimensions: [
        {
          bit: 0,
          cardinality: 2,
          codes: Uint16Array.from({ length: rows }, (_, row) => 1 + Number(row % 10 === 0)),
        },
        {
          bit: 1,
          cardinality: 2,
          codes: Uint16Array.from({ length: rows }, (_, row) => 1 + Number(row % 7 === 0)),
        },
      ],
      measures: [new Float64Array(rows).fill(0.1), new Float64Array(rows).fill(0.1)],
      minSupport: 33,
      selection,
    }).run((n, sums) => {
      for (const sum of sums) assert(Math.abs(sum / (n * 0.1) - 1) <= 1e-13, `${n} rows: ${sum}`);
    });
  }
});

Deno.test("a measure of ones sums to n in every slice, large ones included", () => {
  const rows = 20_000, random = uniform(2);
  const dimensions = Array.from({ length: 12 }, (_, bit) => ({
    bit,
    cardinality: 3,
    codes: Uint16Array.from({ length: rows }, () => Math.floor(random() ** 2 * 4)),
  }));
  const ones = new Float64Array(rows).fill(1);
  for (const selection of SELECTIONS) {
    let slices = 0;
    prepare({ rows, dimensions, measures: [ones, ones], minSupport: 100, selection }).run(
      (n, [first, second]) => {
        slices++;
        if (first !== n || second !== n) throw new Error(`${n} rows sum to ${first} and ${second}`);
      },
    );
    assert(slices > 1000, `only ${slices} slices`);
  }
});

Deno.test("without dimensions there is one slice, of all rows", () => {
  const input = { rows: 3, dimensions: [], measures: [Float64Array.of(1, 2, 4)], minSupport: 3 };
  for (const selection of SELECTIONS) {
    assertEquals(collect({ ...input, selection }), [{ conjunction: "", n: 3, sums: [7] }]);
  }
});

Deno.test("with fewer rows than the least support there are no slices", () => {
  const dimensions = [{ bit: 0, cardinality: 1, codes: Uint16Array.of(1, 1) }];
  for (const selection of SELECTIONS) {
    assertEquals(collect({ rows: 2, dimensions, measures: [], minSupport: 3, selection }), []);
    assertEquals(collect({ rows: 0, dimensions: [], measures: [], minSupport: 1, selection }), []);
  }
});

Deno.test("a value that is missing everywhere is neither a pair nor shared", () => {
  const dimensions = [
    { bit: 0, cardinality: 1, codes: Uint16Array.of(0, 0, 0) },
    { bit: 1, cardinality: 1, codes: Uint16Array.of(1, 1, 0) },
  ];
  const input = { rows: 3, dimensions, measures: [], minSupport: 1 };
  const wanted = [{ conjunction: "0,0", n: 3, sums: [] }, { conjunction: "0,1", n: 2, sums: [] }];
  for (const selection of SELECTIONS) assertEquals(collect({ ...input, selection }), wanted);
});

Deno.test("thirty-one dimensions that always agree are two distinct sets of rows", () => {
  const codes = Uint16Array.of(1, 1, 1, 2, 2);
  const dimensions = Array.from({ length: 31 }, (_, bit) => ({ bit, cardinality: 2, codes }));
  const input: SliceInput = { rows: 5, dimensions, measures: [], minSupport: 2, selection: "distinct" };
  assertEquals(collect(input).map(({ n }) => n).sort(), [2, 3, 5]);
  const enumeration = prepare(input);
  const ones = new Int32Array(31).fill(1);
  assertEquals(enumeration.maskOf(ones), 2 ** 31 - 1);
  assertEquals(enumeration.maskOf(enumeration.canonicalName(ones)), 1);
});
