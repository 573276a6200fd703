/**
 * For the tests: random data of every shape that has ever confused a miner of slices, and what a brute force that
 * shares nothing with the enumerator says about it.
 *
 * @module
 */

import type { SliceDimension, SliceInput } from "../../../functions/_shared/slices/types.ts";

/** Uniform numbers in [0, 1) from a seed, the same on every machine (xorshift, 32 bits). */
export function uniform(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b9) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Sizes of a random data set, each drawn up to (excluding) the number. */
export interface Shape {
  readonly rows: number;
  readonly dimensions: number;
  readonly support: number;
  /** Share of dimensions in which nearly every row has a value of its own. */
  readonly unique: number;
}

type Column = Pick<SliceDimension, "cardinality"> & { readonly codes: number[] };

const fill = (rows: number, code: (row: number) => number): number[] =>
  Array.from({ length: rows }, (_, row) => code(row));

/** A column: skewed, with gaps, empty, constant, constant but for gaps, a copy or a function of an earlier one. */
const COLUMNS: readonly ((rows: number, earlier: Column, random: () => number) => Column)[] = [
  (rows, _, random) => {
    const cardinality = 1 + Math.floor(random() * 5);
    return { cardinality, codes: fill(rows, () => 1 + Math.floor(random() ** 2 * cardinality)) };
  },
  (rows, _, random) => {
    const cardinality = 1 + Math.floor(random() * 4), gaps = random();
    return {
      cardinality,
      codes: fill(rows, () => random() < gaps ? 0 : 1 + Math.floor(random() * cardinality)),
    };
  },
  (rows, earlier, random) => ({
    cardinality: 3,
    codes: fill(rows, (row) => random() < 0.8 ? earlier.codes[row]! % 4 : Math.floor(random() * 4)),
  }),
  (rows) => ({ cardinality: 3, codes: fill(rows, () => 0) }),
  (rows) => ({ cardinality: 2, codes: fill(rows, () => 2) }),
  (rows, _, random) => ({ cardinality: 2, codes: fill(rows, () => random() < 0.9 ? 1 : 0) }),
  (_, earlier) => ({ cardinality: earlier.cardinality, codes: [...earlier.codes] }),
  (rows, earlier) => ({ cardinality: 2, codes: fill(rows, (row) => 1 + earlier.codes[row]! % 2) }),
];

/** A random input of a shape; the same for the same seed. Measures have ties in a third of them. */
export function randomInput(seed: number, selection: SliceInput["selection"], shape: Shape): SliceInput {
  const random = uniform(seed);
  const rows = random() < 0.05 ? Math.floor(random() * 3) : Math.floor(shape.rows * (0.5 + random() / 2));
  const width = Math.floor(random() * shape.dimensions);
  const bits = fill(31, (bit) => bit).sort(() => random() - 0.5);
  const columns: Column[] = [];
  for (let i = 0; i < width; i++) {
    const earlier = columns[Math.floor(random() * i)] ?? { cardinality: 1, codes: fill(rows, () => 1) };
    const make = COLUMNS[Math.floor(random() * COLUMNS.length)]!;
    columns.push(
      random() < shape.unique
        ? { cardinality: 500, codes: fill(rows, () => Math.floor(random() * 501)) }
        : make(rows, earlier, random),
    );
  }
  const ties = random() < 0.3;
  const CODES = [Uint16Array, Int32Array, Uint16Array] as const;
  return {
    rows,
    dimensions: columns.map(({ cardinality, codes }, i) => ({
      bit: bits[i]!,
      cardinality,
      codes: CODES[i % CODES.length]!.from(codes),
    })),
    measures: Array.from(
      { length: Math.floor(random() * 4) },
      () => Float64Array.from({ length: rows }, () => ties ? Math.floor(random() * 3) : random() * 2 - 0.9),
    ),
    minSupport: 1 + Math.floor(random() ** 2 * shape.support),
    selection,
  };
}

/** A slice by brute force. */
export interface OracleSlice {
  readonly conjunction: number[];
  readonly rows: number[];
}

/** All conjunctions with enough rows: for every set of dimensions, every row is put where its values say. */
export function everySlice({ rows, dimensions, minSupport }: Omit<SliceInput, "selection">): OracleSlice[] {
  const slices: OracleSlice[] = [];
  for (let subset = 0; subset < 2 ** dimensions.length; subset++) {
    const chosen = [...dimensions.keys()].filter((i) => (subset & (1 << i)) !== 0);
    const found = new Map<string, OracleSlice>();
    for (let row = 0; row < rows; row++) {
      const values = chosen.map((i) => dimensions[i]!.codes[row]!);
      if (values.includes(0)) continue;
      const key = values.join();
      let slice = found.get(key);
      if (slice === undefined) {
        const conjunction = dimensions.map(() => 0);
        for (const [k, i] of chosen.entries()) conjunction[i] = values[k]!;
        found.set(key, slice = { conjunction, rows: [] });
      }
      slice.rows.push(row);
    }
    for (const slice of found.values()) if (slice.rows.length >= minSupport) slices.push(slice);
  }
  return slices;
}

/** The rows that satisfy a conjunction. */
export function oracleRows({ rows, dimensions }: SliceInput, conjunction: readonly number[]): number[] {
  return fill(rows, (row) => row)
    .filter((row) =>
      dimensions.every(({ codes }, i) => conjunction[i] === 0 || codes[row] === conjunction[i])
    );
}

/** All pairs that some rows, at least one, share. */
export function oracleClosure({ dimensions }: SliceInput, rows: readonly number[]): number[] {
  return dimensions.map(({ codes }) => {
    const code = codes[rows[0]!]!;
    return rows.every((row) => codes[row] === code) ? code : 0;
  });
}

/**
 * The name of some rows that a conjunction selects, by the letter of the book (functions/README.md, "Slices
 * and their names").
 */
export function oracleName(input: SliceInput, rows: readonly number[]): number[] {
  let name = oracleClosure(input, rows);
  const fromHighest = [...input.dimensions.keys()].sort((a, b) =>
    input.dimensions[b]!.bit - input.dimensions[a]!.bit
  );
  for (const i of fromHighest) {
    const shorter = name.with(i, 0);
    if (oracleRows(input, shorter).length === rows.length) name = shorter;
  }
  return name;
}

/** What a selection is to report: conjunction → rows. */
export function expectedSlices(
  input: SliceInput,
  slices: readonly OracleSlice[],
): Map<string, readonly number[]> {
  return new Map(
    slices.map(({ conjunction, rows }) => [
      (input.selection === "exhaustive" ? conjunction : oracleClosure(input, rows)).join(),
      rows,
    ]),
  );
}
