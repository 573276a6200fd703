/**
 * The plain way to enumerate slices: a depth-first recursion over lists of row ids, one counting sort per node and
 * dimension, no work shared between slices. Kept as the yardstick of the `enumerate` bench and for nothing else; its
 * buffers are allocated once, so what is compared is the method and not the garbage collector.
 *
 * @module
 */

import type { SliceInput } from "../../functions/_shared/slices/mod.ts";

/** Shown every slice: its number of rows and its sum of the first measure. */
export type PlainVisitor = (n: number, sum: number) => void;

/** Visits every conjunction with at least `minSupport` rows, the empty one included. */
export function plainRecursion(input: SliceInput, visit: PlainVisitor): void {
  const { rows, minSupport } = input;
  if (rows < minSupport) return;
  const columns = input.dimensions.map(({ codes }) => codes);
  const values = input.dimensions.map(({ cardinality }) => cardinality);
  const measure = input.measures[0] ?? new Float64Array(rows);
  // One buffer of row ids and one of run ends per depth: a path of the tree holds at most one node at each.
  const sorted = Array.from({ length: columns.length + 1 }, () => new Int32Array(rows));
  const ends = values.map(() => new Int32Array(Math.max(0, ...values) + 2));
  for (let row = 0; row < rows; row++) sorted[0]![row] = row;

  const recurse = (depth: number, from: number, to: number, first: number): void => {
    const ids = sorted[depth]!;
    let sum = 0;
    for (let i = from; i < to; i++) sum += measure[ids[i]!]!;
    visit(to - from, sum);
    for (let d = first; d < columns.length; d++) {
      const codes = columns[d]!;
      const end = ends[depth]!;
      const into = sorted[depth + 1]!;
      const cardinality = values[d]!;
      end.fill(0, 0, cardinality + 2);
      for (let i = from; i < to; i++) end[codes[ids[i]!]! + 1]!++;
      for (let code = 1; code <= cardinality; code++) end[code]! += end[code - 1]!;
      for (let i = from; i < to; i++) into[end[codes[ids[i]!]!]!++] = ids[i]!;
      for (let code = 1; code <= cardinality; code++) {
        if (end[code]! - end[code - 1]! >= minSupport) recurse(depth + 1, end[code - 1]!, end[code]!, d + 1);
      }
    }
  };
  recurse(0, 0, rows, 0);
}
