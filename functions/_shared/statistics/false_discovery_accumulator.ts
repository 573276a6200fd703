import { type FalseDiscoveryMethod, firstAtLeast, stepUp, testBurden } from "./false_discovery.ts";

/**
 * Leading bits of a double that tell a bin: sign, exponent and ten of the mantissa, so that a bin is 2^−10
 * wide or less.
 */
const BIN_SHIFT = 10;
/** One bin past that of p = 1, the largest. */
const BIN_COUNT = (0x3ff00000 >>> BIN_SHIFT) + 1;
const DEFAULT_CAPACITY = 2_000_000;

const word = new DataView(new ArrayBuffer(8));

/** The bin of a number in [0, 1]; larger numbers have the same or a larger bin. */
function binOf(p: number): number {
  word.setFloat64(0, p);
  return word.getUint32(0) >>> BIN_SHIFT;
}

/** The smallest number of a bin. */
function lowerEdge(bin: number): number {
  word.setUint32(0, bin << BIN_SHIFT);
  word.setUint32(4, 0);
  return word.getFloat64(0);
}

function toBase64(array: Float64Array | Uint32Array): string {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  const pieces: string[] = [];
  for (let i = 0; i < bytes.length; i += 0x8000) {
    pieces.push(String.fromCharCode(...bytes.subarray(i, i + 0x8000)));
  }
  return btoa(pieces.join(""));
}

function fromBase64(text: string): ArrayBuffer {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes.buffer;
}

/** How much an accumulator remembers. */
export interface AccumulatorOptions {
  /**
   * p values above this are counted and forgotten, in (0, 1], default 1: no q that is to be compared with a
   * level up to the ceiling needs them.
   */
  readonly ceiling?: number;
  /** How many p values are kept exactly, at least 1, default 2,000,000 (16 MB). */
  readonly capacity?: number;
}

/** A paused accumulator, plain JSON. */
export interface AccumulatorState {
  readonly ceiling: number;
  readonly capacity: number;
  /** Number of tests above the ceiling. */
  readonly above: number;
  /** Bin from which on p values are only counted. */
  readonly cutBin: number;
  /** The exactly kept p values: little-endian doubles, base64. */
  readonly exact: string;
  /** Bin and count of every bin that holds something: little-endian 32-bit pairs, base64. */
  readonly bins: string;
}

/** q values, one entry per p that was asked about. */
export interface QValues {
  /** In [0, 1]; the exact q, or where it is not known an upper bound of it. */
  readonly q: Float64Array;
  /** Whether each is the exact q. */
  readonly exact: readonly boolean[];
}

/** What the tests that are only counted allow q to be. */
interface BinBounds {
  /** The smallest burden · p/rank among all of them is between these. */
  readonly lower: number;
  readonly upper: number;
  /** The bins that hold something, ascending. */
  readonly used: Float64Array;
  /** Rank of the last test of each. */
  readonly rank: Float64Array;
  /** Upper bound of the smallest burden · p/rank from each on. */
  readonly upperFrom: Float64Array;
}

/**
 * False discovery control over more tests than fit in memory, in any order, over any number of pauses and
 * merges (functions/README.md, "False discovery"). What is kept is the same for both methods; which one it is
 * is said when q is asked for.
 *
 * What is promised:
 * - m, the number of tests, is exact, always.
 * - Up to `capacity` tests and with a ceiling of 1, every q is exact.
 * - Up to `capacity` tests at or below a ceiling c, a q up to c is exact, and one above c is reported as an
 *   upper bound, which is above c too: whether q ≤ level is decided exactly for every level up to c. That
 *   holds because no rank exceeds m, so that m · p/rank of a test above c is above c, under `by` even more so.
 * - The same holds for a level above c, if no test above c is significant at it: the test that decides a q up
 *   to the level is itself significant.
 * - Past the capacity the larger half of them is counted in bins 0.1 % wide, again and again as they come.
 *   Ranks at bin edges stay exact, so the q of a test below the {@linkcode cut} is still exact wherever the
 *   kept ones decide it, and any other q up to the ceiling is reported at most 0.1 % too high, never too low.
 */
export class FalseDiscoveryAccumulator {
  readonly ceiling: number;
  readonly capacity: number;
  #exact: Float64Array;
  #kept = 0;
  #cutBin = BIN_COUNT;
  /** Made when the first is needed: 4 MB that most groups never ask for. */
  #bins: Uint32Array | null = null;
  #binned = 0;
  #above = 0;

  /** @throws RangeError when the ceiling or the capacity is out of range. */
  constructor({ ceiling = 1, capacity = DEFAULT_CAPACITY }: AccumulatorOptions = {}) {
    if (!(ceiling > 0 && ceiling <= 1)) throw new RangeError(`The ceiling must be in (0, 1], got ${ceiling}`);
    if (!Number.isSafeInteger(capacity) || capacity < 1) {
      throw new RangeError(`The capacity must be a whole number, at least 1, got ${capacity}`);
    }
    this.ceiling = ceiling;
    this.capacity = capacity;
    this.#exact = new Float64Array(Math.min(capacity, 1024));
  }

  /** m, the number of tests so far. */
  get tests(): number {
    return this.#kept + this.#binned + this.#above;
  }

  /** p values below this have exact ranks; above 1 as long as all have. */
  get cut(): number {
    return this.#cutBin === BIN_COUNT ? Infinity : lowerEdge(this.#cutBin);
  }

  /**
   * Adds one test.
   *
   * @throws RangeError when p is outside [0, 1].
   */
  add(p: number): void {
    if (!(p >= 0 && p <= 1)) throw new RangeError(`False discovery control needs p in [0, 1], got ${p}`);
    if (p > this.ceiling) this.#above++;
    else this.#insert(p);
  }

  /**
   * Adds tests of which nothing is known but that their p is above the ceiling.
   *
   * @throws RangeError when `count` is no whole number or below 0.
   */
  addAbove(count: number): void {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new RangeError(`The number of tests must be whole and at least 0, got ${count}`);
    }
    this.#above += count;
  }

  /**
   * Adds all tests of another accumulator, which is left as it is.
   *
   * @throws RangeError when the ceilings differ.
   */
  merge(other: FalseDiscoveryAccumulator): void {
    if (other.ceiling !== this.ceiling) {
      throw new RangeError(
        `Ceilings ${this.ceiling} and ${other.ceiling} differ: these tests cannot be merged`,
      );
    }
    // Copied first, so that merging with itself is no endless loop.
    const exact = other.#exact.slice(0, other.#kept);
    const bins = other.#bins?.slice();
    this.#above += other.#above;
    if (other.#cutBin < this.#cutBin) this.#lowerCut(other.#cutBin);
    if (bins !== undefined) {
      for (let bin = 0; bin < BIN_COUNT; bin++) this.#count(bin, bins[bin]!);
    }
    for (const p of exact) this.#insert(p);
  }

  /**
   * q of some of the tests, as far as tests have been added.
   *
   * @param pValues p values that were added, each in [0, 1].
   */
  qValues(pValues: Float64Array, method: FalseDiscoveryMethod): QValues {
    const burden = testBurden(this.tests, method);
    const sorted = this.#exact.slice(0, this.#kept).sort();
    const fromExact = stepUp(sorted, burden);
    const bins = this.#binBounds(burden);

    const q = new Float64Array(pValues.length);
    const exact: boolean[] = [];
    for (let i = 0; i < pValues.length; i++) {
      const p = pValues[i]!;
      const position = firstAtLeast(sorted, p);
      if (position < sorted.length) {
        const own = fromExact[position]!;
        q[i] = Math.min(own, bins.upper);
        exact.push(own <= bins.lower);
        continue;
      }
      let rankBefore = this.#kept + this.#binned;
      let fromBins = 1;
      if (p <= this.ceiling) {
        const at = firstAtLeast(bins.used, binOf(p));
        rankBefore = at > 0 ? bins.rank[at - 1]! : this.#kept;
        fromBins = bins.upperFrom[at] ?? 1;
      }
      q[i] = Math.min(p * (burden / (rankBefore + 1)), fromBins, 1);
      exact.push(false);
    }
    return { q, exact };
  }

  /** Everything needed to go on elsewhere, with {@linkcode fromJSON}. */
  toJSON(): AccumulatorState {
    const pairs: number[] = [];
    this.#bins?.forEach((count, bin) => {
      if (count > 0) pairs.push(bin, count);
    });
    return {
      ceiling: this.ceiling,
      capacity: this.capacity,
      above: this.#above,
      cutBin: this.#cutBin,
      exact: toBase64(this.#exact.subarray(0, this.#kept)),
      bins: toBase64(Uint32Array.from(pairs)),
    };
  }

  /** An accumulator that goes on where the one that made the state was. */
  static fromJSON(state: AccumulatorState): FalseDiscoveryAccumulator {
    const accumulator = new FalseDiscoveryAccumulator(state);
    accumulator.addAbove(state.above);
    accumulator.#cutBin = state.cutBin;
    const exact = new Float64Array(fromBase64(state.exact));
    accumulator.#exact = exact;
    accumulator.#kept = exact.length;
    const pairs = new Uint32Array(fromBase64(state.bins));
    for (let i = 0; i < pairs.length; i += 2) accumulator.#count(pairs[i]!, pairs[i + 1]!);
    return accumulator;
  }

  #insert(p: number): void {
    if (this.#kept === this.capacity) this.#lowerCut(this.#halfBin());
    const bin = this.#cutBin === BIN_COUNT ? -1 : binOf(p);
    if (bin >= this.#cutBin) {
      this.#count(bin, 1);
      return;
    }
    if (this.#kept === this.#exact.length) {
      const larger = new Float64Array(Math.min(Math.max(2 * this.#kept, 1024), this.capacity));
      larger.set(this.#exact);
      this.#exact = larger;
    }
    this.#exact[this.#kept++] = p;
  }

  #count(bin: number, count: number): void {
    if (count === 0) return;
    this.#bins ??= new Uint32Array(BIN_COUNT);
    this.#bins[bin] = this.#bins[bin]! + count;
    this.#binned += count;
  }

  /** The bin below which at most half of the capacity lies. */
  #halfBin(): number {
    const counts = new Uint32Array(BIN_COUNT);
    for (let i = 0; i < this.#kept; i++) {
      const bin = binOf(this.#exact[i]!);
      counts[bin] = counts[bin]! + 1;
    }
    let below = 0;
    for (let bin = 0; bin < this.#cutBin; bin++) {
      below += counts[bin]!;
      if (2 * below > this.capacity) return bin;
    }
    return this.#cutBin;
  }

  /** Counts what is kept in or above a bin, and keeps only the rest. */
  #lowerCut(cutBin: number): void {
    let kept = 0;
    for (let i = 0; i < this.#kept; i++) {
      const p = this.#exact[i]!;
      const bin = binOf(p);
      if (bin >= cutBin) this.#count(bin, 1);
      else this.#exact[kept++] = p;
    }
    this.#kept = kept;
    this.#cutBin = cutBin;
  }

  /** What the counted tests allow q to be. */
  #binBounds(burden: number): BinBounds {
    const used: number[] = [];
    const rank: number[] = [];
    let below = this.#kept;
    this.#bins?.forEach((count, bin) => {
      if (count === 0) return;
      below += count;
      used.push(bin);
      rank.push(below);
    });
    // Of the tests above the ceiling no more is known than that none has a rank above m.
    let lower = this.#above > 0 ? this.ceiling * (burden / this.tests) : Infinity;
    let upper = this.#above > 0 ? 1 : Infinity;
    const upperFrom = new Float64Array(used.length);
    for (let i = used.length - 1; i >= 0; i--) {
      const last = Math.min(lowerEdge(used[i]! + 1), this.ceiling);
      lower = Math.min(lower, lowerEdge(used[i]!) * (burden / rank[i]!));
      upper = Math.min(upper, last * (burden / rank[i]!));
      upperFrom[i] = upper;
    }
    return { lower, upper, used: Float64Array.from(used), rank: Float64Array.from(rank), upperFrom };
  }
}
