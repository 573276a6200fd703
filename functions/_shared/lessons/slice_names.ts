import type { Conjunction, Enumeration, SliceSelection } from "../slices/mod.ts";
import type { NamedDimension } from "./group_trades.ts";
import { StrongestSlices } from "./strongest_slices.ts";

/** What the slices of one group are called, and which of them are kept (spec §6.3). */
export class SliceNames {
  readonly #enumeration: Enumeration;
  readonly #dimensions: readonly NamedDimension[];
  readonly #selection: SliceSelection;
  /** Names asked for by comparisons: sorting asks for each many times. */
  readonly #compared = new WeakMap<Conjunction, Conjunction>();

  constructor(enumeration: Enumeration, dimensions: readonly NamedDimension[], selection: SliceSelection) {
    this.#enumeration = enumeration;
    this.#dimensions = dimensions;
    this.#selection = selection;
  }

  /** The name of the slice that a conjunction selects: under `exhaustive` the conjunction itself. */
  nameOf(conjunction: Conjunction): Conjunction {
    return this.#selection === "distinct" ? this.#enumeration.canonicalName(conjunction) : conjunction;
  }

  /** Orders slices by name. */
  compare(a: Conjunction, b: Conjunction): number {
    return compareConjunctions(this.#comparedNameOf(a), this.#comparedNameOf(b));
  }

  #comparedNameOf(conjunction: Conjunction): Conjunction {
    let name = this.#compared.get(conjunction);
    if (name === undefined) {
      name = this.nameOf(conjunction);
      this.#compared.set(conjunction, name);
    }
    return name;
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

  /** A place for the slices that are kept because of their strength, at most `limit` of them. */
  strongest(limit: number): StrongestSlices {
    return new StrongestSlices(limit, this.#dimensions.length, (a, b) => this.compare(a, b));
  }

  /**
   * The names of what is kept: the strongest, and every scope of at most one dimension.
   *
   * @param rows Rows of the group.
   * @param minSupport Least rows of a slice.
   */
  kept(strongest: StrongestSlices, rows: number, minSupport: number): Conjunction[] {
    const kept = new Map<string, Conjunction>();
    for (const { conjunction } of strongest.entries()) {
      const name = this.nameOf(conjunction);
      kept.set(name.join(), name);
    }
    for (const conjunction of this.shallow(rows, minSupport)) {
      const name = this.nameOf(conjunction);
      if (depthOf(name) <= 1) kept.set(name.join(), name);
    }
    return [...kept.values()];
  }

  /** The empty conjunction and every single pair with enough rows: what may be of at most one dimension. */
  shallow(rows: number, minSupport: number): Conjunction[] {
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

/** Number of pairs in a conjunction. */
export function depthOf(conjunction: Conjunction): number {
  return conjunction.reduce((depth, code) => code === 0 ? depth : depth + 1, 0);
}

/** Orders conjunctions by their lowest bit first, then by value; a missing dimension comes last. */
export function compareConjunctions(a: Conjunction, b: Conjunction): number {
  for (let dimension = 0; dimension < a.length; dimension++) {
    if (a[dimension] === b[dimension]) continue;
    if (a[dimension] === 0) return 1;
    if (b[dimension] === 0) return -1;
    return a[dimension]! - b[dimension]!;
  }
  return 0;
}
