/**
 * Figures in buckets: a scope holds texts, and a value is learned from once many trades share it.
 *
 * @module
 */

import { quantile } from "../../../functions/_shared/statistics/quantile.ts";

/** Where buckets begin, the first left out: at the quantiles that hold as many values each, or as said. */
export function bucketEdges(values: Float64Array, buckets: number | readonly number[]): readonly number[] {
  if (typeof buckets !== "number") return [...buckets].sort((a, b) => a - b);
  if (values.length === 0) return [];
  const edges = Array.from({ length: buckets - 1 }, (_, at) => quantile(values, (at + 1) / buckets));
  // Where many values are the same, edges fall together; the smallest value begins no bucket of its own.
  const rounded = edges.map((edge) => Number(edge.toPrecision(4)));
  return [...new Set(rounded)].filter((edge) => edge > (values[0] ?? -Infinity));
}

/** The bucket of a value, named by where it begins and ends. */
export function bucketOf(value: number, edges: readonly number[]): string {
  const above = edges.findIndex((edge) => value < edge);
  const [from, to] = [
    edges[above === -1 ? edges.length - 1 : above - 1],
    above === -1 ? undefined : edges[above],
  ];
  if (from === undefined && to === undefined) return "any";
  if (from === undefined) return `below ${to}`;
  return to === undefined ? `from ${from}` : `${from} to ${to}`;
}
