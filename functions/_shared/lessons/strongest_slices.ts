import type { Conjunction, SliceView } from "../slices/mod.ts";

/** A slice and how far from the baseline it is. */
export interface RankedSlice {
  /** |z| in single precision, at least 0. */
  readonly strength: number;
  readonly conjunction: Conjunction;
}

/**
 * The slices with the largest |z| (spec §6.3), of any number that come by, in memory for twice as many as are wanted.
 * Nothing is allocated for a slice that is not among the strongest so far.
 */
export class StrongestSlices {
  readonly #limit: number;
  readonly #dimensions: number;
  readonly #comparesNames: (a: Conjunction, b: Conjunction) => number;
  #entries: RankedSlice[] = [];
  /** Weaker ones cannot be among the strongest any more. */
  #threshold = -1;

  /**
   * @param limit How many are wanted, at least 1.
   * @param dimensions Length of a conjunction.
   * @param compareNames Orders slices of equal strength: the first ones are kept.
   */
  constructor(limit: number, dimensions: number, compareNames: (a: Conjunction, b: Conjunction) => number) {
    this.#limit = limit;
    this.#dimensions = dimensions;
    this.#comparesNames = compareNames;
  }

  /**
   * Considers the slice the enumerator is showing.
   *
   * @param z Its |z|. Slices are as strong as each other when they differ by no more than the order in which the same trades
   *   were summed.
   */
  offer(z: number, slice: SliceView): void {
    const strength = Math.fround(z);
    if (strength < this.#threshold) return;
    this.#entries.push({ strength, conjunction: slice.conjunction(new Int32Array(this.#dimensions)) });
    if (this.#entries.length >= 2 * this.#limit) this.#prune();
  }

  /** Takes back what {@linkcode entries} gave out, in another process. */
  restore(entries: Iterable<RankedSlice>): void {
    this.#entries.push(...entries);
    if (this.#entries.length >= 2 * this.#limit) this.#prune();
  }

  /** The strongest, strongest first. */
  entries(): readonly RankedSlice[] {
    this.#prune();
    return this.#entries;
  }

  #prune(): void {
    this.#entries.sort((a, b) =>
      b.strength - a.strength || this.#comparesNames(a.conjunction, b.conjunction)
    );
    if (this.#entries.length > this.#limit) this.#entries.length = this.#limit;
    if (this.#entries.length === this.#limit) this.#threshold = this.#entries[this.#limit - 1]!.strength;
  }
}
