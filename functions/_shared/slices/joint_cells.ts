/**
 * The joint cells of a node: one histogram that yields all conjunctions of its most frequent items at once.
 *
 * @module
 */

import { type BitRows, MAX_WORDS, WORD_BITS } from "./bit_rows.ts";
import { BitTables } from "./bit_tables.ts";
import { drain, rollUp, rollUpShared, rollUpSum, scatter, scatterShared, scatterSum } from "./kernels.ts";
import type { Conjunction, SliceView, SliceVisitor } from "./types.ts";

/** Most cells of a histogram: what is kept per cell stays in the second-level cache. */
const MAX_CELLS = 4096;
/** Cells that are always worth while, however few the rows. */
const MIN_CELLS = 64;
/** Cells per row up to which an item costs less in the histogram than as a child. Measured: flat from 2 to 4. */
const CELLS_PER_ROW = 2;
/** Rows added up in a cell before its sum is put aside, which keeps the rounding error below 3e-13 of the terms. */
const ROWS_PER_DRAIN = 2048;

/**
 * Mixed-radix histogram over some items of a node. Items of one dimension exclude each other and share an axis, so an
 * axis with k items has k + 1 digits, 0 meaning none of them. After rolling up every axis, digit 0 means any value, and
 * each cell holds n, the sums and (for distinct selection) the shared items of one conjunction: with c cells and r rows
 * that is O(r + c · axes) for up to c slices.
 *
 * It is also the view a visitor gets: the conjunction of the cell being shown.
 */
export class JointCells implements SliceView {
  readonly #minSupport: number;
  /** The pairs fixed at the current node, kept by the walk. */
  readonly #fixed: Conjunction;

  readonly #counts = new Int32Array(MAX_CELLS);
  readonly #sums: readonly Float64Array[];
  /** Per word and cell the items that all of the cell's rows have. */
  readonly #shared: readonly Int32Array[];
  /** The words of shared items that were filled in last, and how many; the first is always word 0. */
  readonly #compared = new Int32Array(MAX_WORDS);
  #comparisons = 0;
  /** Per cell the items it stands for. */
  readonly #own = new Int32Array(MAX_CELLS);
  readonly #parts = new Float64Array(MAX_CELLS);
  readonly #keys = new Int32Array(ROWS_PER_DRAIN);
  readonly #tables = new BitTables();
  /** What a visitor is shown; as long as there are measures. */
  readonly #shownSums: Float64Array;

  #size = 1;
  #axes = 0;
  readonly #axisDimension = new Int32Array(WORD_BITS);
  readonly #radix = new Int32Array(WORD_BITS);
  readonly #block = new Int32Array(WORD_BITS);

  #items = 0;
  readonly #itemBit = new Int32Array(WORD_BITS);
  readonly #itemAxis = new Int32Array(WORD_BITS);
  readonly #itemDigit = new Int32Array(WORD_BITS);
  readonly #itemCode = new Int32Array(WORD_BITS);

  #shown = 0;

  /** @param words How many words of shared items are kept; 0 unless closures are wanted. */
  constructor(fixed: Conjunction, minSupport: number, measures: number, words: number) {
    this.#fixed = fixed;
    this.#minSupport = minSupport;
    this.#shownSums = new Float64Array(measures);
    this.#sums = Array.from({ length: Math.max(1, measures) }, () => new Float64Array(MAX_CELLS));
    this.#shared = Array.from({ length: words }, () => new Int32Array(MAX_CELLS));
  }

  /**
   * Takes as many items as fit, in the order given, which is most frequent first. All must be of the rows' first word:
   * the others' turn comes when the words have been rewritten in order.
   *
   * @returns how many were taken.
   */
  take(items: Int32Array, length: number, dimensions: Int32Array, codes: Int32Array, rows: number): number {
    const limit = Math.min(MAX_CELLS, Math.max(MIN_CELLS, CELLS_PER_ROW * rows));
    const axisDimension = this.#axisDimension, radix = this.#radix;
    let size = 1, axes = 0, taken = 0, span = 0;
    while (taken < length) {
      const item = items[taken]!;
      if (item >= WORD_BITS) break;
      const dimension = dimensions[item]!;
      let axis = 0;
      while (axis < axes && axisDimension[axis] !== dimension) axis++;
      const digits = axis < axes ? radix[axis]! : 1;
      const grown = size / digits * (digits + 1);
      if (grown > limit) break;
      axisDimension[axis] = dimension;
      radix[axis] = digits + 1;
      if (axis === axes) axes++;
      size = grown;
      this.#itemBit[taken] = item;
      this.#itemAxis[taken] = axis;
      this.#itemDigit[taken] = digits;
      this.#itemCode[taken] = codes[item]!;
      if (item >= span) span = item + 1;
      taken++;
    }
    this.#size = size;
    this.#axes = axes;
    this.#items = taken;
    for (let axis = axes - 1, block = 1; axis >= 0; axis--) {
      this.#block[axis] = block;
      block *= radix[axis]!;
    }
    const { values } = this.#tables;
    values.fill(0);
    for (let item = 0; item < taken; item++) {
      values[this.#itemBit[item]!] = this.#itemDigit[item]! * this.#block[this.#itemAxis[item]!]!;
    }
    this.#tables.build(span);
    return taken;
  }

  /** Number of cells. */
  get size(): number {
    return this.#size;
  }

  /**
   * Counts and sums the rows into the cells and rolls all axes up.
   *
   * @param words How many words of shared items are wanted.
   * @param frequent Per word the items that are frequent in the node and vary there. No other one can be shared by a
   * frequent cell, so words without any are left out, but for the first.
   */
  fill(rows: BitRows, from: number, to: number, words: number, frequent: Int32Array): void {
    const size = this.#size;
    const counts = this.#counts, keys = this.#keys, { tables, shift } = this.#tables;
    counts.fill(0, 0, size);
    for (let m = 0; m < this.#sums.length; m++) this.#sums[m]!.fill(0, 0, size);
    const compared = this.#compared;
    let comparisons = 0;
    for (let k = 0; k < words; k++) {
      if (k > 0 && frequent[k] === 0) continue;
      compared[comparisons++] = k;
      this.#shared[k]!.fill(-1, 0, size);
    }
    this.#comparisons = comparisons;
    const whole = to - from <= ROWS_PER_DRAIN;
    for (let start = from; start < to; start += ROWS_PER_DRAIN) {
      const end = Math.min(to, start + ROWS_PER_DRAIN);
      for (let m = 0; m < this.#sums.length; m++) {
        const sums = whole ? this.#sums[m]! : this.#parts;
        if (m > 0) scatterSum(rows.measures[m]!, start, end, keys, sums);
        else scatter(rows.words[0]!, rows.measures[0]!, start, end, tables, shift, keys, counts, sums);
        if (!whole) drain(this.#parts, this.#sums[m]!, size);
      }
      for (let i = 0; i < comparisons; i++) {
        const k = compared[i]!;
        scatterShared(rows.words[k]!, start, end, keys, this.#shared[k]!);
      }
    }
    for (let axis = this.#axes - 1; axis >= 0; axis--) {
      const block = this.#block[axis]!, radix = this.#radix[axis]!;
      rollUp(counts, this.#sums[0]!, size, block, radix);
      for (let m = 1; m < this.#sums.length; m++) rollUpSum(this.#sums[m]!, size, block, radix);
      for (let i = 0; i < comparisons; i++) rollUpShared(this.#shared[compared[i]!]!, size, block, radix);
    }
  }

  /** Shows the node itself. */
  showNode(visitor: SliceVisitor, n: number, sums: Float64Array): void {
    this.#shown = 0;
    for (let m = 0; m < this.#shownSums.length; m++) this.#shownSums[m] = sums[m]!;
    visitor(n, this.#shownSums, this);
  }

  /** Shows every frequent conjunction of the items taken, except that of none. */
  showFrequent(visitor: SliceVisitor): void {
    const counts = this.#counts, minSupport = this.#minSupport;
    for (let cell = 1, size = this.#size; cell < size; cell++) {
      const n = counts[cell]!;
      if (n >= minSupport) this.#show(visitor, n, cell);
    }
  }

  /**
   * Shows those whose rows share nothing but the cell's own items and what is constant in the node. Any other
   * conjunction selects the same rows as a larger one, here or below another child, and is left to that one.
   */
  showClosed(visitor: SliceVisitor, constant: Int32Array): void {
    this.#markOwn();
    const counts = this.#counts, minSupport = this.#minSupport, own = this.#own;
    const shared = this.#shared[0]!, varying = ~constant[0]!;
    const compared = this.#compared, comparisons = this.#comparisons;
    for (let cell = 1, size = this.#size; cell < size; cell++) {
      const n = counts[cell]!;
      if (n < minSupport || (shared[cell]! & varying) !== own[cell]!) continue;
      let i = 1;
      while (i < comparisons && (this.#shared[compared[i]!]![cell]! & ~constant[compared[i]!]!) === 0) i++;
      if (i === comparisons) this.#show(visitor, n, cell);
    }
  }

  conjunction(target: Conjunction): Conjunction {
    target.set(this.#fixed);
    for (let item = 0; item < this.#items; item++) {
      const axis = this.#itemAxis[item]!;
      const digit = Math.floor(this.#shown / this.#block[axis]!) % this.#radix[axis]!;
      if (digit === this.#itemDigit[item]) target[this.#axisDimension[axis]!] = this.#itemCode[item]!;
    }
    return target;
  }

  #show(visitor: SliceVisitor, n: number, cell: number): void {
    const sums = this.#shownSums;
    for (let m = 0; m < sums.length; m++) sums[m] = this.#sums[m]![cell]!;
    this.#shown = cell;
    visitor(n, sums, this);
  }

  /** Notes for every cell which items it stands for, axis by axis from the smallest block. */
  #markOwn(): void {
    const own = this.#own;
    own[0] = 0;
    for (let axis = this.#axes - 1; axis >= 0; axis--) {
      const block = this.#block[axis]!;
      for (let item = 0; item < this.#items; item++) {
        if (this.#itemAxis[item] !== axis) continue;
        const bit = 1 << this.#itemBit[item]!, into = this.#itemDigit[item]! * block;
        for (let cell = 0; cell < block; cell++) own[into + cell] = own[cell]! | bit;
      }
    }
  }
}
