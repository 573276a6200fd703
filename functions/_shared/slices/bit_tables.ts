/**
 * Functions of a word's bits, tabulated.
 *
 * @module
 */

import { WORD_BITS } from "./bit_rows.ts";
import { sumTables } from "./kernels.ts";

/**
 * A function of a word that adds up a value per set bit, as four lookup tables. Tabulating costs a few dozen steps
 * where evaluating bit by bit would cost several per row and bit.
 */
export class BitTables {
  /** The value of each bit: 0 unless set after {@linkcode clear}. */
  readonly values: Int32Array = new Int32Array(WORD_BITS);
  readonly tables: Int32Array = new Int32Array(4 * 256);
  /** Bits looked up per table. */
  shift = 1;

  clear(): void {
    this.values.fill(0);
  }

  /** Tabulates the values of the lowest `bits` bits; higher ones are ignored. */
  build(bits: number): void {
    this.shift = Math.max(1, (bits + 3) >> 2);
    sumTables(this.tables, this.values, this.shift);
  }
}
