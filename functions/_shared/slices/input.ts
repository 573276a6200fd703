/**
 * What the enumerator refuses.
 *
 * @module
 */

import type { SliceDimension, SliceInput } from "./types.ts";

const MAX_DIMENSIONS = 31;
const MAX_BIT = 30;

/** A checked input and what checking it has brought to light. */
export interface CheckedInput extends SliceInput {
  /** Per dimension and code the number of rows. */
  readonly counts: readonly Int32Array[];
  /**
   * A 32-bit checksum (FNV-1a) of everything that decides the shape of the tree and thereby what a cursor means.
   * Measures have no part in it: they do not move a slice.
   */
  readonly checksum: number;
}

const FNV_PRIME = 0x01000193;
const FNV_OFFSET = 0x811c9dc5;

/**
 * Checks an input completely, in one pass over all codes and measures.
 *
 * @throws RangeError naming the offending part and value.
 */
export function checkInput(input: SliceInput): CheckedInput {
  const { rows, dimensions, measures, minSupport, selection } = input;
  if (!Number.isInteger(rows) || rows < 0) {
    throw new RangeError(`The number of rows must be a non-negative integer: received ${rows}.`);
  }
  if (!Number.isInteger(minSupport) || minSupport < 1) {
    throw new RangeError(`The least support must be an integer of at least 1: received ${minSupport}.`);
  }
  if (dimensions.length > MAX_DIMENSIONS) {
    throw new RangeError(
      `At most ${MAX_DIMENSIONS} dimensions fit in a scope mask: received ${dimensions.length}.`,
    );
  }
  const bits = new Set<number>();
  const counts: Int32Array[] = [];
  let checksum = FNV_OFFSET;
  for (const number of [rows, minSupport, selection === "distinct" ? 1 : 2]) {
    checksum = mix(checksum, number);
  }
  for (const { bit, cardinality, codes } of dimensions) {
    if (!Number.isInteger(bit) || bit < 0 || bit > MAX_BIT) {
      throw new RangeError(`A dimension's bit must be an integer from 0 to ${MAX_BIT}: received ${bit}.`);
    }
    if (bits.has(bit)) {
      throw new RangeError(`Each dimension needs a bit of its own: bit ${bit} is used twice.`);
    }
    bits.add(bit);
    if (!Number.isInteger(cardinality) || cardinality < 0) {
      throw new RangeError(
        `The cardinality of bit ${bit} must be a non-negative integer: received ${cardinality}.`,
      );
    }
    if (codes.length !== rows) {
      throw new RangeError(
        `Bit ${bit} must have one code per row: received ${codes.length} for ${rows} rows.`,
      );
    }
    const found = new Int32Array(cardinality + 2);
    checksum = countCodes(codes, cardinality, found, mix(mix(checksum, bit), cardinality));
    if (found[cardinality + 1] !== 0) {
      const row = codes.findIndex((code) => code < 0 || code > cardinality);
      throw new RangeError(
        `Row ${row} of bit ${bit} must have a code from 0 to ${cardinality}: received ${codes[row]}.`,
      );
    }
    counts.push(found.subarray(0, cardinality + 1));
  }
  for (const [index, measure] of measures.entries()) {
    if (measure.length !== rows) {
      throw new RangeError(
        `Measure ${index} must have one number per row: received ${measure.length} for ${rows} rows.`,
      );
    }
    const row = measure.findIndex((value) => !Number.isFinite(value));
    if (row >= 0) {
      throw new RangeError(`Row ${row} of measure ${index} must be finite: received ${measure[row]}.`);
    }
  }
  return { rows, dimensions, measures, minSupport, selection, counts, checksum: checksum >>> 0 };
}

/** Counts every code, those out of range in the last place, and mixes them all into a checksum, which it returns. */
function countCodes(
  codes: SliceDimension["codes"],
  cardinality: number,
  counts: Int32Array,
  checksum: number,
): number {
  for (let row = 0; row < codes.length; row++) {
    const code = codes[row]!;
    const place = code >>> 0 <= cardinality ? code : cardinality + 1;
    counts[place] = counts[place]! + 1;
    checksum = Math.imul(checksum ^ code, FNV_PRIME);
  }
  return checksum;
}

function mix(hash: number, number: number): number {
  return Math.imul(hash ^ number, FNV_PRIME);
}
