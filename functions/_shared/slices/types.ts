/**
 * The language of the slice enumerator: what goes in, what comes out, where a paused run goes on.
 *
 * A *row* is one observation (a trade, an episode window). A *pair* is one dimension together with one of its
 * values. A *conjunction* is a set of pairs, at most one per dimension; a *slice* is a conjunction together with
 * the rows that satisfy all of its pairs. Nothing here knows what the rows are or what is measured on them.
 *
 * @module
 */

/** One packed column: what each row says in this dimension. */
export interface SliceDimension {
  /** Place of the dimension in scope masks, 0 to 30, unique; also the order in which names are shortened. */
  readonly bit: number;
  /** Number of different values; codes run from 1 to this. */
  readonly cardinality: number;
  /** Per row the value's code, 1 to `cardinality`, or 0 where the row has none. A missing value never forms a pair. */
  readonly codes: Uint8Array | Uint16Array | Int32Array;
}

/**
 * Which slices are reported (functions/README.md, "Slices and their names"): `distinct` reports every
 * distinct set of rows once, by its closure (all the pairs its rows share); `exhaustive` reports every
 * conjunction, also those that select the same rows.
 */
export type SliceSelection = "distinct" | "exhaustive";

/** Everything the enumerator needs, as plain data. */
export interface SliceInput {
  /** Number of rows. */
  readonly rows: number;
  /** 0 to 31 dimensions, each with one code per row. */
  readonly dimensions: readonly SliceDimension[];
  /**
   * Columns that are summed over the rows of every slice, one finite number per row. Sums are plain double precision
   * over non-negative merges only (never by subtraction), so their error is a few units in the last place of the sum
   * of absolute values. Centre a measure whose spread is small against its mean.
   */
  readonly measures: readonly Float64Array[];
  /** Least number of rows of a reported slice, 1 or more. */
  readonly minSupport: number;
  readonly selection: SliceSelection;
}

/**
 * A conjunction: for each dimension, in the order of {@linkcode SliceInput.dimensions}, the code its rows must have,
 * or 0 where the dimension is free. All zeros is the empty conjunction, which every row satisfies.
 */
export type Conjunction = Int32Array;

/**
 * The slice a visitor is being shown. It is one object for all of them: read what is needed during the call and keep
 * nothing of it.
 */
export interface SliceView {
  /**
   * Writes the slice's conjunction into `target` (one entry per dimension) and returns it. Under `exhaustive` that is
   * the slice's own name, under `distinct` its closure, which {@linkcode Enumeration.canonicalName} shortens.
   */
  conjunction(target: Conjunction): Conjunction;
}

/**
 * Called once per slice.
 *
 * @param n Number of rows of the slice, at least `minSupport`.
 * @param sums Sum of each measure over those rows, in input order; the same array at every call.
 * @param slice Tells which slice it is, where that matters: asking costs more than n and the sums.
 */
export type SliceVisitor = (n: number, sums: Float64Array, slice: SliceView) => void;

/** Where a paused enumeration goes on; small, plain JSON, meaningful only together with the same input. */
export interface SliceCursor {
  /** Checksum of the input, so that a cursor is never continued on other data. */
  readonly input: number;
  /** The way down the tree to the first node that has not been visited. */
  readonly path: readonly number[];
}

/** How a run begins and when it pauses. */
export interface RunOptions {
  /** Continue there instead of at the beginning; from an earlier run over the same input, in this or another process. */
  readonly cursor?: SliceCursor | undefined;
  /**
   * Asked every few milliseconds at most; `true` makes the run stop there. Every run gets further before it pauses, so
   * runs that always pause at once still come to an end.
   */
  readonly shouldPause?: (() => boolean) | undefined;
}

/** A prepared input, ready to be enumerated and asked about single slices. */
export interface Enumeration {
  /**
   * Visits every slice with at least `minSupport` rows, in an order that depends on the input alone. A run that
   * pauses and is continued visits the same slices as one that does not, none twice, none missed.
   *
   * @returns where to go on, or `null` when everything has been visited.
   * @throws RangeError when the cursor belongs to another input.
   */
  run(visitor: SliceVisitor, options?: RunOptions): SliceCursor | null;
  /**
   * The rows that satisfy a conjunction, ascending.
   *
   * @throws RangeError when the conjunction does not fit the dimensions; so do the other questions.
   */
  rowsOf(conjunction: Conjunction): Uint32Array;
  /** All pairs that the rows of a conjunction share; of no rows at all, the conjunction itself. */
  closureOf(conjunction: Conjunction): Conjunction;
  /**
   * The name of a set of rows (functions/README.md, "Slices and their names"): of all pairs the rows of the
   * conjunction share, each pair is tried once from the highest bit to the lowest and dropped when the rows
   * stay the same without it. The same for all conjunctions that select the same rows.
   */
  canonicalName(conjunction: Conjunction): Conjunction;
  /** The scope mask of a conjunction: the bits of the dimensions it fixes. */
  maskOf(conjunction: Conjunction): number;
}
