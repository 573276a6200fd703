/**
 * The rows of the nodes on the current path, as bits.
 *
 * @module
 */

/** Items per word. */
export const WORD_BITS = 32;
/** Most words of a row; nodes with more items than fit are split by columns first. */
export const MAX_WORDS = 16;
/** Spare room behind the last row, which counting fills up to a multiple of eight. */
const PADDING = 8;
/** Numbers added before their sum is put aside, so that rounding errors stay far below 1e-12 of the terms. */
export const SUM_STRETCH = 512;

/**
 * A stack of rows. A row is a few words of item bits and one number per measure, each in an array of its own; a node
 * owns a range of rows, and its child's are copied behind it. No row ids: nothing here needs to know which row it is.
 */
export class BitRows {
  /** `words[k][row]`: items 32 k to 32 k + 31 of that row. */
  readonly words: Int32Array[] = [];
  /** `measures[m][row]`; at least one, zeros when nothing is measured, so that the loops need no special case. */
  readonly measures: Float64Array[];
  #selected = new Int32Array(0);
  #capacity = 0;

  constructor(measures: number) {
    this.measures = Array.from({ length: Math.max(1, measures) }, () => new Float64Array(0));
  }

  /** Makes room for rows up to (excluding) `end` of so many words. */
  reserve(end: number, words: number): void {
    if (end + PADDING > this.#capacity) {
      // Twice the first node is usually enough: along a path, every node is well smaller than the one before.
      this.#capacity = 2 * end + PADDING;
      for (const [k, old] of this.words.entries()) (this.words[k] = new Int32Array(this.#capacity)).set(old);
      for (const [m, old] of this.measures.entries()) {
        (this.measures[m] = new Float64Array(this.#capacity)).set(old);
      }
      this.#selected = new Int32Array(this.#capacity + 1);
    }
    while (this.words.length < words) this.words.push(new Int32Array(this.#capacity));
  }

  /**
   * Copies the rows that have an item, their first `words` words, behind row `to`, and their sums into `sums`.
   *
   * @returns how many rows have it.
   */
  push(from: number, to: number, item: number, words: number, sums: Float64Array): number {
    const selected = this.#selected, bit = item & 31, having = this.words[item >> 5]!;
    let n = 0;
    for (let row = from; row < to; row++) {
      selected[n] = row;
      n += (having[row]! >>> bit) & 1;
    }
    for (let k = 0; k < words; k++) {
      const column = this.words[k]!;
      for (let i = 0; i < n; i++) column[to + i] = column[selected[i]!]!;
    }
    for (let m = 0; m < sums.length; m++) {
      const column = this.measures[m]!;
      let total = 0;
      for (let i = 0; i < n;) {
        let sum = 0;
        for (const stop = Math.min(n, i + SUM_STRETCH); i < stop; i++) {
          const value = column[selected[i]!]!;
          column[to + i] = value;
          sum += value;
        }
        total += sum;
      }
      sums[m] = total;
    }
    return n;
  }
}
