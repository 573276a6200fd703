import type { Conjunction, SliceView } from "../slices/mod.ts";

/** A slice and how far from the baseline it is. */
export interface RankedSlice {
  /** |z| in single precision, at least 0. */
  readonly strength: number;
  readonly conjunction: Conjunction;
  /** What it is called, once it was asked: names are dear. */
  name?: Conjunction;
}

/**
 * The slices with the largest |z| (functions/README.md, "Slices and their names"), of any number that come
 * by, in memory for little more than are wanted. Nothing is allocated for a slice that is not among the
 * strongest so far.
 */
export class StrongestSlices {
  readonly #limit: number;
  readonly #dimensions: number;
  readonly #capacity: number;
  readonly #nameOf: (conjunction: Conjunction) => Conjunction;
  #entries: RankedSlice[] = [];
  /** Weaker ones cannot be among the strongest any more. */
  #threshold = -1;

  /**
   * @param limit How many are wanted, at least 1.
   * @param dimensions Length of a conjunction.
   * @param nameOf Names a slice: of equal ones those with the first names are kept. Asked only where that decides.
   * @param slack How many more are held before the weakest go: few, so that the ties among them are named in little time.
   */
  constructor(
    limit: number,
    dimensions: number,
    nameOf: (conjunction: Conjunction) => Conjunction,
    slack = 500,
  ) {
    this.#limit = limit;
    this.#dimensions = dimensions;
    this.#nameOf = nameOf;
    this.#capacity = limit + slack;
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
    if (this.#entries.length >= this.#capacity) this.#prune();
  }

  /** Takes back what {@linkcode entries} gave out, in another process. */
  restore(entries: Iterable<RankedSlice>): void {
    this.#entries.push(...entries);
    this.#prune();
  }

  /** The strongest, strongest first. */
  entries(): readonly RankedSlice[] {
    this.#prune();
    return this.#entries;
  }

  #prune(): void {
    const entries = this.#entries;
    entries.sort(compareRanked);
    const weakest = entries[this.#limit - 1]?.strength;
    if (weakest === undefined) return;
    this.#threshold = weakest;
    if (entries[this.#limit]?.strength === weakest) {
      const first = entries.findIndex(({ strength }) => strength === weakest);
      const tied = entries.slice(first).filter(({ strength }) => strength === weakest)
        .sort((a, b) => compareConjunctions(this.#named(a), this.#named(b)))
        .slice(0, this.#limit - first);
      entries.splice(first, Infinity, ...tied.sort(compareRanked));
    }
    entries.length = this.#limit;
  }

  #named(entry: RankedSlice): Conjunction {
    entry.name ??= this.#nameOf(entry.conjunction);
    return entry.name;
  }
}

/** Strongest first; equals in an order that does not depend on when it was asked. */
function compareRanked(a: RankedSlice, b: RankedSlice): number {
  return b.strength - a.strength || compareConjunctions(a.conjunction, b.conjunction);
}

/** Orders conjunctions by their lowest bit first, then by value; a missing dimension comes last. */
export function compareConjunctions(a: ArrayLike<number>, b: ArrayLike<number>): number {
  for (let dimension = 0; dimension < a.length; dimension++) {
    if (a[dimension] === b[dimension]) continue;
    if (a[dimension] === 0) return 1;
    if (b[dimension] === 0) return -1;
    return a[dimension]! - b[dimension]!;
  }
  return 0;
}
