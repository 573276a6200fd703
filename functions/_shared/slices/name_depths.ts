/**
 * How many distinct sets of rows have a name of no, one, two or three pairs: what the depth classes of all tests are
 * counted by, without naming each of them, which would take longer than finding them.
 *
 * How: every conjunction of so few pairs is made, a level at a time from the rows of the level above, and counts where it
 * is a name. A set is named by trying its pairs from the highest bit to the lowest (`canonicalName`), so a conjunction
 * is the name of its rows when none of its pairs could have been dropped: without a pair, and without the other pairs
 * that these rows share at higher bits, but with those at lower bits, more rows are selected.
 *
 * @module
 */

import type { Conjunction, Enumeration, SliceDimension } from "./types.ts";

/** Names of more pairs than this are not counted apart. */
const MOST_PAIRS = 3;

/** Where a paused count has got to; plain JSON, meaningful only together with the same input. */
export interface DepthProgress {
  /** Pairs, in the order in which they are taken, that are done with. */
  readonly done: number;
  /** How many names of 0, 1, 2 and 3 pairs were found. */
  readonly counts: readonly number[];
}

/** A pause, or the end: numbers of names of 0, 1, 2 and 3 pairs. */
export type DepthStep = { readonly progress: DepthProgress } | { readonly counts: readonly number[] };

/** What is counted in. */
export interface DepthInput {
  readonly rows: number;
  readonly dimensions: readonly SliceDimension[];
  readonly minSupport: number;
  /** Over the same rows and dimensions. */
  readonly enumeration: Pick<Enumeration, "rowsOf">;
}

/**
 * Counts names by their number of pairs, or goes on with it.
 *
 * @param progress Where an earlier call over the same input paused, `null` at the beginning.
 * @param shouldPause Asked between one pair and the next.
 */
export function countNameDepths(
  input: DepthInput,
  progress: DepthProgress | null,
  shouldPause: () => boolean,
): DepthStep {
  return new NameCount(input, progress).run(shouldPause);
}

/** A dimension with codes 1, 2, … for the values that enough rows have, 0 for the others. */
interface FrequentColumn {
  /** Place among the input's dimensions. */
  readonly dimension: number;
  readonly codes: Int32Array;
  /** What each code is in the input. */
  readonly inputCodes: readonly number[];
  /** Number of the pair of code 1, less 1: pairs of all columns are numbered through. */
  readonly firstPair: number;
}

/** One pair: place of its column, and its code there. */
interface Pair {
  readonly column: number;
  readonly code: number;
}

/** Rows sorted by the values of a column; those of code c from `starts[c]` to `ends[c]`. */
interface Sorting {
  readonly rows: Uint32Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

class NameCount {
  readonly #input: DepthInput;
  /** Lowest bit first. */
  readonly #columns: readonly FrequentColumn[];
  readonly #pairCount: number;
  /** Rows of each pair, and of two pairs by their numbers, the one of the lower bit first. */
  readonly #supports: number[] = [];
  readonly #jointSupports = new Map<number, number>();
  readonly #counts: number[];
  readonly #done: number;
  /** Where the rows of each level are sorted by the values of a column: made once, as there are many columns and small sets. */
  readonly #levels: readonly Sorting[];

  constructor(input: DepthInput, progress: DepthProgress | null) {
    this.#input = input;
    const columns: FrequentColumn[] = [];
    const order = [...input.dimensions.keys()].sort((a, b) =>
      input.dimensions[a]!.bit - input.dimensions[b]!.bit
    );
    let pairs = 0;
    for (const dimension of order) {
      const column = frequentColumn(input, dimension, pairs - 1);
      columns.push(column);
      pairs += column.inputCodes.length - 1;
    }
    this.#columns = columns;
    this.#pairCount = pairs;
    this.#counts = [...progress?.counts ?? [Number(input.rows >= input.minSupport), 0, 0, 0]];
    this.#done = progress?.done ?? 0;
    const mostCodes = Math.max(1, ...columns.map(({ inputCodes }) => inputCodes.length));
    this.#levels = Array.from({ length: MOST_PAIRS }, () => ({
      rows: new Uint32Array(input.rows),
      starts: new Int32Array(mostCodes),
      ends: new Int32Array(mostCodes),
    }));
  }

  run(shouldPause: () => boolean): DepthStep {
    const all = Uint32Array.from({ length: this.#input.rows }, (_, row) => row);
    if (this.#input.rows < this.#input.minSupport) return { counts: this.#counts };
    // What three pairs are compared with is needed before the first of them.
    for (const { pair, rows } of this.#children(all, 0, 0)) {
      this.#supports[this.#numberOf(pair)] = rows.length;
      for (const joint of this.#children(rows, pair.column + 1, 1)) {
        this.#jointSupports.set(this.#jointKey(pair, joint.pair), joint.rows.length);
      }
    }
    for (const { pair, rows } of this.#children(all, 0, 0)) {
      const number = this.#numberOf(pair);
      if (number < this.#done) continue;
      if (number > this.#done && shouldPause()) return { progress: { done: number, counts: this.#counts } };
      this.#visit([pair], rows);
    }
    return { counts: this.#counts };
  }

  #visit(pairs: readonly Pair[], rows: Uint32Array): void {
    if (this.#isName(pairs, rows)) this.#counts[pairs.length] = this.#counts[pairs.length]! + 1;
    if (pairs.length === MOST_PAIRS) return;
    for (const child of this.#children(rows, pairs.at(-1)!.column + 1, pairs.length)) {
      this.#visit([...pairs, child.pair], child.rows);
    }
  }

  /** Every pair of a column from a place on that enough of some rows have, with these rows, which hold until the next pair. */
  *#children(rows: Uint32Array, from: number, level: number): Iterable<{ pair: Pair; rows: Uint32Array }> {
    const { minSupport } = this.#input;
    const { rows: sorted, starts, ends } = this.#levels[level]!;
    for (let column = from; column < this.#columns.length; column++) {
      const { codes, inputCodes } = this.#columns[column]!;
      const count = inputCodes.length;
      ends.fill(0, 0, count);
      for (let i = 0; i < rows.length; i++) {
        const code = codes[rows[i]!]!;
        ends[code] = ends[code]! + 1;
      }
      let start = 0;
      let isAnyFrequent = false;
      for (let code = 0; code < count; code++) {
        const support = ends[code]!;
        isAnyFrequent ||= code > 0 && support >= minSupport;
        starts[code] = start;
        ends[code] = start;
        start += support;
      }
      if (!isAnyFrequent) continue;
      for (let i = 0; i < rows.length; i++) {
        const code = codes[rows[i]!]!;
        sorted[ends[code]!] = rows[i]!;
        ends[code] = ends[code]! + 1;
      }
      for (let code = 1; code < count; code++) {
        if (ends[code]! - starts[code]! < minSupport) continue;
        yield { pair: { column, code }, rows: sorted.subarray(starts[code], ends[code]) };
      }
    }
  }

  /** Whether some pairs, lowest bit first, are what their rows are called. */
  #isName(pairs: readonly Pair[], rows: Uint32Array): boolean {
    for (let i = 0; i < pairs.length; i++) if (this.#supportWithout(pairs, i) === rows.length) return false;
    const shared = this.#otherSharedPairs(pairs, rows);
    if (shared.length === 0) return true;
    return pairs.every((pair, i) => {
      const below = shared.filter(({ column }) => column < pair.column);
      if (below.length === 0) return true;
      const others = pairs.filter((_, j) => j !== i);
      return this.#input.enumeration.rowsOf(this.#conjunctionOf([...others, ...below])).length > rows.length;
    });
  }

  #supportWithout(pairs: readonly Pair[], left: number): number {
    if (pairs.length === 1) return this.#input.rows;
    const first = pairs[left === 0 ? 1 : 0]!;
    if (pairs.length === 2) return this.#supports[this.#numberOf(first)]!;
    return this.#jointSupports.get(this.#jointKey(first, pairs[left === 2 ? 1 : 2]!))!;
  }

  /** What all of some rows have besides these pairs. */
  #otherSharedPairs(pairs: readonly Pair[], rows: Uint32Array): Pair[] {
    const shared: Pair[] = [];
    for (let column = 0; column < this.#columns.length; column++) {
      let isOwn = false;
      for (let i = 0; i < pairs.length; i++) isOwn ||= pairs[i]!.column === column;
      if (isOwn) continue;
      const { codes } = this.#columns[column]!;
      const code = codes[rows[0]!]!;
      if (code === 0) continue;
      let same = 1;
      while (same < rows.length && codes[rows[same]!] === code) same++;
      if (same === rows.length) shared.push({ column, code });
    }
    return shared;
  }

  #numberOf({ column, code }: Pair): number {
    return this.#columns[column]!.firstPair + code;
  }

  #jointKey(lower: Pair, higher: Pair): number {
    return this.#numberOf(lower) * this.#pairCount + this.#numberOf(higher);
  }

  #conjunctionOf(pairs: readonly Pair[]): Conjunction {
    const conjunction: Conjunction = new Int32Array(this.#input.dimensions.length);
    for (const { column, code } of pairs) {
      const { dimension, inputCodes } = this.#columns[column]!;
      conjunction[dimension] = inputCodes[code]!;
    }
    return conjunction;
  }
}

function frequentColumn(
  { dimensions, minSupport }: DepthInput,
  dimension: number,
  firstPair: number,
): FrequentColumn {
  const { codes, cardinality } = dimensions[dimension]!;
  const counts = new Int32Array(cardinality + 1);
  for (let row = 0; row < codes.length; row++) counts[codes[row]!] = counts[codes[row]!]! + 1;
  const table = new Int32Array(cardinality + 1);
  const inputCodes = [0];
  for (let code = 1; code <= cardinality; code++) {
    if (counts[code]! < minSupport) continue;
    table[code] = inputCodes.length;
    inputCodes.push(code);
  }
  return { dimension, codes: Int32Array.from(codes, (code) => table[code]!), inputCodes, firstPair };
}
