import type { Conjunction, Enumeration, SliceSelection } from "../slices/mod.ts";
import type { NamedDimension } from "./dimensions.ts";
import { type RankedSlice, StrongestSlices } from "./strongest_slices.ts";

/** The slices that are kept, before all of them are named: naming is dear, and pauses between one and the next. */
export interface KeptSlices {
  /** Conjunctions: the strongest slices first, then all that may be of at most one dimension. */
  readonly slices: readonly (readonly number[])[];
  /** |z| in single precision of each of the strongest. */
  readonly strengths: readonly number[];
}

/**
 * What the slices of one group are called, and which of them are kept (functions/README.md, "Slices and their
 * names").
 */
export class SliceNames {
  readonly #enumeration: Enumeration;
  readonly #dimensions: readonly NamedDimension[];
  readonly #selection: SliceSelection;

  constructor(enumeration: Enumeration, dimensions: readonly NamedDimension[], selection: SliceSelection) {
    this.#enumeration = enumeration;
    this.#dimensions = dimensions;
    this.#selection = selection;
  }

  /** The name of the slice that a conjunction selects: under `exhaustive` the conjunction itself. */
  nameOf(conjunction: Conjunction): Conjunction {
    return this.#selection === "distinct" ? this.#enumeration.canonicalName(conjunction) : conjunction;
  }

  /** A name as a scope. */
  scopeOf(name: Conjunction): Record<string, string> {
    const scope: Record<string, string> = {};
    for (const [index, { name: dimension, values }] of this.#dimensions.entries()) {
      const code = name[index]!;
      if (code !== 0) scope[dimension] = values[code - 1]!;
    }
    return scope;
  }

  /**
   * A place for the slices that are kept because of their strength, at most `limit` of them.
   *
   * @param earlier What {@linkcode storedSlices} kept of another process.
   */
  strongest(limit: number, earlier: readonly StoredSlice[]): StrongestSlices {
    const strongest = new StrongestSlices(
      limit,
      this.#dimensions.length,
      (conjunction) => this.nameOf(conjunction),
    );
    strongest.restore(
      earlier.map(({ strength, conjunction, name }) => ({
        strength,
        conjunction: Int32Array.from(conjunction),
        ...name && { name: Int32Array.from(name) },
      })),
    );
    return strongest;
  }

  /**
   * What is kept: the strongest, and every scope of at most one dimension.
   *
   * @param rows Rows of the group.
   * @param minSupport Least rows of a slice.
   */
  kept(strongest: StrongestSlices, rows: number, minSupport: number): KeptSlices {
    const entries = strongest.entries();
    return {
      slices: [
        ...entries.map(({ conjunction }) => [...conjunction]),
        ...this.#shallow(rows, minSupport).map((conjunction) => [...conjunction]),
      ],
      strengths: entries.map(({ strength }) => strength),
    };
  }

  /** The name of a kept slice; `null` where it turns out to have more than one dimension and not to be among the strongest. */
  keptName({ slices, strengths }: KeptSlices, place: number): Conjunction | null {
    const name = this.nameOf(Int32Array.from(slices[place]!));
    return place < strengths.length || depthOf(name) <= 1 ? name : null;
  }

  /** The empty conjunction and every single pair with enough rows: what may be of at most one dimension. */
  #shallow(rows: number, minSupport: number): Conjunction[] {
    const empty: Conjunction = new Int32Array(this.#dimensions.length);
    const shallow = rows >= minSupport ? [empty] : [];
    for (const [index, { cardinality }] of this.#dimensions.entries()) {
      for (let code = 1; code <= cardinality; code++) {
        const single = empty.slice();
        single[index] = code;
        if (this.#enumeration.rowsOf(single).length >= minSupport) shallow.push(single);
      }
    }
    return shallow;
  }
}

/** A slice as JSON keeps it. */
export interface StoredSlice {
  readonly strength: number;
  readonly conjunction: readonly number[];
  readonly name?: readonly number[];
}

/** The strongest so far, for another process to go on with. */
export function storedSlices(strongest: StrongestSlices): StoredSlice[] {
  return strongest.entries().map(({ strength, conjunction, name }: RankedSlice) => ({
    strength,
    conjunction: [...conjunction],
    ...name && { name: [...name] },
  }));
}

/** Number of pairs in a conjunction. */
export function depthOf(conjunction: Conjunction | readonly number[]): number {
  let depth = 0;
  for (let dimension = 0; dimension < conjunction.length; dimension++) {
    if (conjunction[dimension] !== 0) depth++;
  }
  return depth;
}
