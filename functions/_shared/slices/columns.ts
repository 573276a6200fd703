/**
 * From columns of codes to rows of bits, and the nodes above that have too many frequent pairs for it.
 *
 * @module
 */

import { BitRows, MAX_WORDS, SUM_STRETCH, WORD_BITS } from "./bit_rows.ts";
import { addCodes } from "./kernels.ts";
import { type Progress, STRAY_CURSOR } from "./progress.ts";
import type { CheckedInput } from "./input.ts";
import type { Conjunction, SliceVisitor } from "./types.ts";
import { Walk } from "./walk.ts";

/** Most frequent pairs of a node whose rows are turned into bits. */
const MAX_ITEMS = MAX_WORDS * WORD_BITS;

/** A frequent pair of a node and how many of its rows have it. */
interface FrequentPair {
  readonly dimension: number;
  readonly code: number;
  readonly count: number;
}

/**
 * The top of the tree. The first node is a list of all row ids. A node with at most 512 frequent pairs is loaded as
 * {@linkcode BitRows} and handed to {@linkcode Walk}, which is nearly always the first one; one with more, as when a
 * dimension has thousands of values, is split by one dimension after another, O(rows · dimensions) each, until its
 * children are small enough. The order of dimensions and the treatment of those dealt with follow the same rules as
 * in the walk.
 */
export class ColumnWalk {
  readonly #input: CheckedInput;
  readonly #distinct: boolean;
  readonly #visitor: SliceVisitor;
  readonly #progress: Progress;
  readonly #fixed: Conjunction;
  readonly #rows: BitRows;
  readonly #walk: Walk;
  readonly #sums: Float64Array;
  /** Dimensions in the order in which they are branched on: most values first, so that nodes shrink early. */
  readonly #order: readonly number[];
  /** Per dimension one number per code, zeros between uses: clearing must not cost more than the node's rows. */
  readonly #scratch: readonly Int32Array[];
  /** Row ids of the nodes on the current path, by depth. */
  readonly #ids: Int32Array[] = [];

  constructor(input: CheckedInput, visitor: SliceVisitor, progress: Progress) {
    const { dimensions, measures, minSupport, selection } = input;
    this.#input = input;
    this.#distinct = selection === "distinct";
    this.#visitor = visitor;
    this.#progress = progress;
    this.#fixed = new Int32Array(dimensions.length);
    this.#rows = new BitRows(measures.length);
    this.#walk = new Walk(
      this.#rows,
      this.#fixed,
      minSupport,
      this.#distinct,
      measures.length,
      visitor,
      progress,
    );
    this.#sums = new Float64Array(measures.length);
    this.#order = [...dimensions.keys()].sort((a, b) =>
      dimensions[b]!.cardinality - dimensions[a]!.cardinality
    );
    this.#scratch = dimensions.map(({ cardinality }) => new Int32Array(cardinality + 1));
  }

  /** Visits everything. Returns whether the run paused. */
  run(): boolean {
    const { rows, minSupport } = this.#input;
    if (rows < minSupport) return false;
    const ids = this.#ids[0] = new Int32Array(rows);
    for (let row = 0; row < rows; row++) ids[row] = row;
    return this.#node(0, 0, rows, 0);
  }

  /** Visits the node of ids `from` to `to` and everything below; dimensions ordered before `first` are dealt with. */
  #node(depth: number, from: number, to: number, first: number): boolean {
    const active: FrequentPair[] = [];
    const dealtWith: FrequentPair[] = [];
    for (const [place, dimension] of this.#order.entries()) {
      if (this.#fixed[dimension] !== 0 || (place < first && !this.#distinct)) continue;
      this.#census(dimension, depth, from, to, place < first ? dealtWith : active);
    }
    this.#progress.spend((to - from) * this.#order.length);
    if (active.length + dealtWith.length <= MAX_ITEMS) {
      return this.#asBits(depth, from, to, active, dealtWith);
    }

    const n = to - from;
    if (dealtWith.some(({ count }) => count === n)) return false;
    const constant = this.#distinct ? active.filter(({ count }) => count === n) : [];
    for (const { dimension, code } of constant) this.#fixed[dimension] = code;
    const paused = this.#split(depth, from, to, Map.groupBy(active, ({ dimension }) => dimension));
    for (const { dimension } of constant) this.#fixed[dimension] = 0;
    return paused;
  }

  /** Appends the frequent pairs of a dimension; those of all rows are known already. */
  #census(dimension: number, depth: number, from: number, to: number, pairs: FrequentPair[]): void {
    const { dimensions, counts: ofAllRows, minSupport } = this.#input;
    if (depth === 0) {
      for (const [code, count] of ofAllRows[dimension]!.entries()) {
        if (code !== 0 && count >= minSupport) pairs.push({ dimension, code, count });
      }
      return;
    }
    const { codes } = dimensions[dimension]!, counts = this.#scratch[dimension]!, ids = this.#ids[depth]!;
    const frequent: number[] = [];
    for (let i = from; i < to; i++) {
      const code = codes[ids[i]!]!;
      const count = counts[code]! + 1;
      counts[code] = count;
      if (count === minSupport && code !== 0) frequent.push(code);
    }
    for (const code of frequent) pairs.push({ dimension, code, count: counts[code]! });
    if (counts.length <= to - from) counts.fill(0);
    else for (let i = from; i < to; i++) counts[codes[ids[i]!]!] = 0;
  }

  /** Loads the node's rows as bits, the most frequent pairs first, and walks on from there. */
  #asBits(
    depth: number,
    from: number,
    to: number,
    active: FrequentPair[],
    dealtWith: readonly FrequentPair[],
  ): boolean {
    const { dimensions, measures } = this.#input;
    const ids = this.#ids[depth]!, n = to - from;
    active.sort((a, b) => b.count - a.count);
    const items = [...active, ...dealtWith];
    const words = Math.max(1, Math.ceil(items.length / WORD_BITS));
    this.#rows.reserve(n, words);
    for (let k = 0; k < words; k++) this.#rows.words[k]!.fill(0, 0, n);
    for (const [item, { dimension, code }] of items.entries()) {
      this.#walk.items.dimension[item] = dimension;
      this.#walk.items.code[item] = code;
    }
    const byColumn = Map.groupBy(
      items.entries(),
      ([item, { dimension }]) => dimension * MAX_WORDS + (item >> 5),
    );
    for (const [column, pairs] of byColumn) {
      const dimension = Math.floor(column / MAX_WORDS), words = this.#rows.words[column % MAX_WORDS]!;
      const bits = this.#scratch[dimension]!;
      for (const [item, { code }] of pairs) bits[code] = 1 << item;
      addCodes(words, dimensions[dimension]!.codes, ids, from, to, bits);
      for (const [, { code }] of pairs) bits[code] = 0;
    }
    this.#sum(depth, from, to);
    for (const [m, measure] of measures.entries()) {
      const values = this.#rows.measures[m]!;
      for (let i = 0; i < n; i++) values[i] = measure[ids[from + i]!]!;
      this.#walk.sums[m] = this.#sums[m]!;
    }
    return this.#walk.node(0, n, words, active.length, items.length, -1, 0);
  }

  /** Visits the node and, dimension by dimension, its children. */
  #split(
    depth: number,
    from: number,
    to: number,
    pairs: ReadonlyMap<number, readonly FrequentPair[]>,
  ): boolean {
    const next = this.#progress.follow();
    if (next === undefined) {
      this.#sum(depth, from, to);
      this.#visitor(to - from, this.#sums, { conjunction: (target) => (target.set(this.#fixed), target) });
    }
    let child = 0;
    for (const [place, dimension] of this.#order.entries()) {
      const here = pairs.get(dimension);
      if (here === undefined || this.#fixed[dimension] !== 0) continue;
      if (next !== undefined && child + here.length <= next) {
        child += here.length;
        continue;
      }
      let start = 0;
      this.#partition(dimension, depth, from, to, here);
      for (const { code, count } of here) {
        const skipped = next !== undefined && child < next;
        if (!skipped && child !== next && this.#progress.pauseBefore(child)) return true;
        this.#fixed[dimension] = code;
        const paused = !skipped && this.#node(depth + 1, start, start + count, place + 1);
        this.#fixed[dimension] = 0;
        if (paused) {
          this.#progress.pausedIn(child);
          return true;
        }
        start += count;
        child++;
      }
    }
    if (next !== undefined && next >= child) throw new RangeError(STRAY_CURSOR);
    return false;
  }

  /** Lists the ids of each pair, one pair after the other, as the next depth's. */
  #partition(
    dimension: number,
    depth: number,
    from: number,
    to: number,
    pairs: readonly FrequentPair[],
  ): void {
    const { codes } = this.#input.dimensions[dimension]!,
      next = this.#scratch[dimension]!,
      ids = this.#ids[depth]!;
    const known = this.#ids[depth + 1];
    const into = known !== undefined && known.length >= to - from
      ? known
      : (this.#ids[depth + 1] = new Int32Array(to - from));
    let start = 1; // places are kept one too high, so that 0 marks the codes that are not wanted
    for (const { code, count } of pairs) {
      next[code] = start;
      start += count;
    }
    for (let i = from; i < to; i++) {
      const code = codes[ids[i]!]!, place = next[code]!;
      if (place === 0) continue;
      into[place - 1] = ids[i]!;
      next[code] = place + 1;
    }
    for (const { code } of pairs) next[code] = 0;
  }

  #sum(depth: number, from: number, to: number): void {
    const ids = this.#ids[depth]!;
    for (const [m, measure] of this.#input.measures.entries()) {
      let total = 0;
      for (let i = from; i < to;) {
        let sum = 0;
        for (const stop = Math.min(to, i + SUM_STRETCH); i < stop; i++) sum += measure[ids[i]!]!;
        total += sum;
      }
      this.#sums[m] = total;
    }
  }
}
