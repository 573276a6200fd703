/**
 * Questions about single slices: which rows, which pairs they share, what the slice is called.
 *
 * An inverted index lists the rows of every pair. A pair that covers at least one row in 32 also gets a bitset on first
 * use, which is then no longer than its list; so bitsets never take more room than 32 of them per dimension. A
 * conjunction with a rarer pair is answered by filtering that pair's short list, any other one by intersecting bitsets.
 *
 * Indexes into typed arrays are in range by construction throughout; `!` says so to the compiler.
 *
 * @module
 */

import type { Conjunction, SliceDimension } from "./types.ts";

const WORD_BITS = 32;

/** One pair of a conjunction and how many rows have it. */
interface Pair {
  readonly dimension: number;
  readonly code: number;
  readonly support: number;
}

/** The inverted index of one dimension: `rows[starts[code]..starts[code + 1]]` have that code, ascending. */
interface Postings {
  readonly starts: Int32Array;
  readonly rows: Uint32Array;
  readonly bitsets: Map<number, Int32Array>;
}

/** Inverted index over packed columns; each dimension is indexed when first needed, in O(rows). */
export class PairIndex {
  readonly #rows: number;
  readonly #dimensions: readonly SliceDimension[];
  readonly #postings: (Postings | undefined)[];
  /** Positions of the dimensions, highest bit first: the order in which names are shortened. */
  readonly #fromHighestBit: readonly number[];
  /** Where intersections are made, and rows are listed before it is known how many there are. */
  readonly #words: Int32Array;
  readonly #found: Uint32Array;

  constructor(rows: number, dimensions: readonly SliceDimension[]) {
    this.#rows = rows;
    this.#dimensions = dimensions;
    this.#postings = dimensions.map(() => undefined);
    this.#words = new Int32Array(Math.ceil(rows / WORD_BITS));
    this.#found = new Uint32Array(rows);
    this.#fromHighestBit = [...dimensions.entries()].sort(([, a], [, b]) => b.bit - a.bit).map(([index]) =>
      index
    );
  }

  /** Rows that satisfy the conjunction, ascending. */
  rowsOf(conjunction: Conjunction): Uint32Array {
    const pairs = this.#pairsOf(conjunction);
    const rarest = pairs[0];
    if (rarest === undefined) return allRows(this.#rows);
    const n = this.#isDense(rarest) ? this.#listIntersection(pairs) : this.#filterList(pairs, rarest.support);
    return this.#found.slice(0, n);
  }

  /** The conjunction and every other pair that all of its rows have. */
  closureOf(conjunction: Conjunction): Conjunction {
    return this.#closureOver(conjunction, this.rowsOf(conjunction));
  }

  /** The name of the conjunction's rows (functions/README.md, "Slices and their names"). */
  canonicalName(conjunction: Conjunction): Conjunction {
    const rows = this.rowsOf(conjunction);
    const name = this.#closureOver(conjunction, rows);
    for (const dimension of this.#fromHighestBit) {
      const code = name[dimension]!;
      if (code === 0) continue;
      name[dimension] = 0;
      if (this.#selectsMoreThan(rows, name)) name[dimension] = code;
    }
    return name;
  }

  #closureOver(conjunction: Conjunction, rows: Uint32Array): Conjunction {
    const closure = conjunction.slice();
    const first = rows[0];
    if (first === undefined) return closure;
    for (const [dimension, { codes }] of this.#dimensions.entries()) {
      const code = codes[first]!;
      if (code === 0 || closure[dimension] !== 0) continue;
      let shared = 1;
      while (shared < rows.length && codes[rows[shared]!] === code) shared++;
      if (shared === rows.length) closure[dimension] = code;
    }
    return closure;
  }

  /** Whether a row outside `rows`, all of which satisfy the conjunction, satisfies it too. Stops at the first one. */
  #selectsMoreThan(rows: Uint32Array, conjunction: Conjunction): boolean {
    const pairs = this.#pairsOf(conjunction);
    const rarest = pairs[0];
    if (rarest === undefined) return rows.length < this.#rows;
    if (rarest.support === rows.length) return false;
    if (!this.#isDense(rarest)) return this.#filterList(pairs, rows.length + 1) > rows.length;
    const bitsets = pairs.map((pair) => this.#bitsetOf(pair));
    const words = bitsets[0]!.length;
    let next = 0;
    for (let word = 0; word < words; word++) {
      let known = 0;
      const end = (word + 1) * WORD_BITS;
      while (next < rows.length && rows[next]! < end) known |= 1 << rows[next++]!;
      let bits = bitsets[0]![word]!;
      for (let i = 1; i < bitsets.length && bits !== known; i++) bits &= bitsets[i]![word]!;
      if (bits !== known) return true;
    }
    return false;
  }

  /** The pairs of a conjunction, rarest first, so that most candidates fall at the first test. */
  #pairsOf(conjunction: Conjunction): Pair[] {
    if (conjunction.length !== this.#dimensions.length) {
      throw new RangeError(
        `A conjunction must have one code per dimension: received ${conjunction.length} for ` +
          `${this.#dimensions.length} dimensions.`,
      );
    }
    const pairs: Pair[] = [];
    for (let dimension = 0; dimension < conjunction.length; dimension++) {
      const code = conjunction[dimension]!;
      if (code === 0) continue;
      const { bit, cardinality } = this.#dimensions[dimension]!;
      if (code < 0 || code > cardinality) {
        throw new RangeError(
          `A conjunction's code for bit ${bit} must be from 0 to ${cardinality}: received ${code}.`,
        );
      }
      const { starts } = this.#postingsOf(dimension);
      pairs.push({ dimension, code, support: starts[code + 1]! - starts[code]! });
    }
    return pairs.sort((a, b) => a.support - b.support);
  }

  #isDense(pair: Pair): boolean {
    return pair.support * WORD_BITS >= this.#rows;
  }

  /** Finds the first `limit` rows of the rarest pair's list that have all other pairs as well; returns how many. */
  #filterList(pairs: readonly Pair[], limit: number): number {
    const [rarest, ...others] = pairs;
    if (rarest === undefined) return 0;
    const found = this.#found;
    const { starts, rows } = this.#postingsOf(rarest.dimension);
    const list = rows.subarray(starts[rarest.code], starts[rarest.code + 1]);
    const columns = others.map(({ dimension }) => this.#dimensions[dimension]!.codes);
    let n = 0;
    for (let i = 0; i < list.length && n < limit; i++) {
      const row = list[i]!;
      let k = 0;
      while (k < columns.length && columns[k]![row] === others[k]!.code) k++;
      if (k === columns.length) found[n++] = row;
    }
    return n;
  }

  /** Finds the rows of all pairs; returns how many. */
  #listIntersection(pairs: readonly Pair[]): number {
    const words = this.#intersection(pairs), found = this.#found;
    let n = 0;
    for (let word = 0; word < words.length; word++) {
      for (let bits = words[word]!; bits !== 0; bits &= bits - 1) {
        found[n++] = word * WORD_BITS + 31 - Math.clz32(bits & -bits);
      }
    }
    return n;
  }

  /** The rows of all pairs. Plain passes over whole bitsets: skipping words that are empty already was slower. */
  #intersection(pairs: readonly Pair[]): Int32Array {
    const words = this.#words.fill(-1);
    for (const pair of pairs) {
      const bitset = this.#bitsetOf(pair);
      for (let word = 0; word < words.length; word++) words[word] = words[word]! & bitset[word]!;
    }
    return words;
  }

  #bitsetOf({ dimension, code }: Pair): Int32Array {
    const { starts, rows, bitsets } = this.#postingsOf(dimension);
    const known = bitsets.get(code);
    if (known !== undefined) return known;
    const bitset = new Int32Array(Math.ceil(this.#rows / WORD_BITS));
    for (let i = starts[code]!; i < starts[code + 1]!; i++) {
      const row = rows[i]!;
      bitset[row >>> 5] = bitset[row >>> 5]! | (1 << (row & 31));
    }
    bitsets.set(code, bitset);
    return bitset;
  }

  #postingsOf(dimension: number): Postings {
    const known = this.#postings[dimension];
    if (known !== undefined) return known;
    const { cardinality, codes } = this.#dimensions[dimension]!;
    const starts = new Int32Array(cardinality + 2);
    for (let row = 0; row < codes.length; row++) {
      const slot = codes[row]! + 1;
      starts[slot] = starts[slot]! + 1;
    }
    for (let code = 1; code < starts.length; code++) starts[code] = starts[code]! + starts[code - 1]!;
    const next = starts.slice();
    const rows = new Uint32Array(codes.length);
    for (let row = 0; row < codes.length; row++) {
      const code = codes[row]!;
      rows[next[code]!] = row;
      next[code] = next[code]! + 1;
    }
    const postings: Postings = { starts, rows, bitsets: new Map() };
    this.#postings[dimension] = postings;
    return postings;
  }
}

function allRows(rows: number): Uint32Array {
  const ids = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) ids[row] = row;
  return ids;
}
