/**
 * Slices: every subset of a scope that enough rows share, found once, fast, whatever is measured on it.
 *
 * {@linkcode prepare} takes packed columns; the enumeration it returns walks all slices depth first with
 * support as the only bound (functions/README.md, "Slices and their names"), pauses and goes on where asked,
 * and answers questions about single slices.
 *
 * How: rows become words of bits, one bit per frequent pair. At a node, one pass counts all pairs at once; a histogram
 * over the most frequent ones yields all of their conjunctions by rolling it up; each rarer one makes a child. The
 * files, from the outside in: `enumerate` is one run, `progress` its pausing, `columns` and `walk` are the tree,
 * `bit_rows` the rows of a node, `joint_cells` its histogram, `kernels` the inner loops; `pair_index` answers questions.
 *
 * ```ts
 * const enumeration = prepare({ rows, dimensions, measures: [outcomes], minSupport: 33, selection: "distinct" });
 * const cursor = enumeration.run((n, sums, slice) => { … }, { shouldPause: () => performance.now() > deadline });
 * ```
 *
 * @module
 */

import { enumerateSlices } from "./enumerate.ts";
import { checkInput } from "./input.ts";
import { PairIndex } from "./pair_index.ts";
import type { Enumeration, SliceInput } from "./types.ts";

export type * from "./types.ts";

/**
 * Checks the input and prepares it for enumeration. The input's arrays are kept, not copied: leave them unchanged for as
 * long as the enumeration is used.
 *
 * @throws RangeError naming the offending part of the input.
 */
export function prepare(input: SliceInput): Enumeration {
  const checked = checkInput(input);
  const index = new PairIndex(input.rows, input.dimensions);
  return {
    run: (visitor, options = {}) => enumerateSlices(checked, visitor, options),
    rowsOf: (conjunction) => index.rowsOf(conjunction),
    closureOf: (conjunction) => index.closureOf(conjunction),
    canonicalName: (conjunction) => index.canonicalName(conjunction),
    maskOf: (conjunction) =>
      input.dimensions.reduce((mask, { bit }, i) => conjunction[i] === 0 ? mask : mask | (1 << bit), 0),
  };
}
