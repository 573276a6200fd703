/**
 * The inner loops of the enumerator. Each is small, at module level and monomorphic, so that the engine optimises it
 * after a few calls; state lives in the arrays handed in. Indexes are in range by construction (`!` says so).
 *
 * A *word* holds 32 items of one row, one bit each. An *item* is a pair that is frequent in the node being worked on.
 *
 * @module
 */

/** What {@linkcode countItems} found, as words: items that are frequent, items that every row has. */
export interface ItemCensus {
  frequent: number;
  constant: number;
}

const census: ItemCensus = { frequent: 0, constant: 0 };
/** Bit j of `planes[p]` is bit p of the number of rows that have item j. */
const planes = new Int32Array(32);
let planeCount = 0;

/**
 * Counts 32 items at once over rows `from` to `to` by carry-save addition: eight words go through full adders (of s, a
 * and b: half = s ^ a, carry (s & a) | (half & b), sum half ^ b) before a carry leaves the registers, so that an item
 * costs about a sixth of an instruction per row. The counts stay in bit planes, where both comparisons are made for all
 * items together; {@linkcode itemCount} reads single ones.
 *
 * Overwrites up to seven words behind `to` with zeros to fill the last eight.
 */
export function countItems(words: Int32Array, from: number, to: number, minSupport: number): ItemCensus {
  const n = to - from;
  const top = Math.max(4, 32 - Math.clz32(n));
  for (let p = 4; p < top; p++) planes[p] = 0;
  for (let pad = to; ((pad - from) & 7) !== 0; pad++) words[pad] = 0;
  let ones = 0, twos = 0, fours = 0, eights = 0;
  let a = 0, b = 0, x = 0, carry = 0, twosA = 0, twosB = 0, foursA = 0, foursB = 0;
  for (let row = from; row < to; row += 8) {
    a = words[row]!, b = words[row + 1]!, x = ones ^ a, twosA = (ones & a) | (x & b), ones = x ^ b;
    a = words[row + 2]!, b = words[row + 3]!, x = ones ^ a, twosB = (ones & a) | (x & b), ones = x ^ b;
    x = twos ^ twosA, foursA = (twos & twosA) | (x & twosB), twos = x ^ twosB;
    a = words[row + 4]!, b = words[row + 5]!, x = ones ^ a, twosA = (ones & a) | (x & b), ones = x ^ b;
    a = words[row + 6]!, b = words[row + 7]!, x = ones ^ a, twosB = (ones & a) | (x & b), ones = x ^ b;
    x = twos ^ twosA, foursB = (twos & twosA) | (x & twosB), twos = x ^ twosB;
    x = fours ^ foursA, carry = (fours & foursA) | (x & foursB), fours = x ^ foursB;
    x = eights & carry, eights ^= carry, carry = x;
    for (let p = 4; carry !== 0; p++) x = planes[p]!, planes[p] = x ^ carry, carry &= x;
  }
  planes[0] = ones, planes[1] = twos, planes[2] = fours, planes[3] = eights;
  planeCount = top;
  let more = 0;
  let equal = minSupport >>> top === 0 ? -1 : 0;
  let constant = -1;
  for (let p = top - 1; p >= 0; p--) {
    const plane = planes[p]!, wanted = -(minSupport >>> p & 1);
    more |= equal & plane & ~wanted;
    equal &= ~(plane ^ wanted);
    constant &= ~(plane ^ -(n >>> p & 1));
  }
  census.frequent = more | equal;
  census.constant = constant;
  return census;
}

/** How many rows have an item, of those last counted. */
export function itemCount(bit: number): number {
  let count = 0;
  for (let p = planeCount - 1; p >= 0; p--) count = (count << 1) | ((planes[p]! >>> bit) & 1);
  return count;
}

/** Entries per table of {@linkcode sumTables}. */
const TABLE = 256;

/**
 * Tabulates a sum over bits: `tables` becomes four tables of 256, table t saying for every value of the t-th group of
 * `shift` bits what `values` of its set bits add up to. Looking a word up takes four steps however many bits it has.
 */
export function sumTables(tables: Int32Array, values: Int32Array, shift: number): void {
  for (let base = 0, bit = 0; base < 4 * TABLE; base += TABLE) {
    tables[base] = 0;
    for (let size = 1; size < 1 << shift; size <<= 1) {
      const value = values[bit++]!;
      for (let i = base, end = base + size; i < end; i++) tables[i + size] = tables[i]! + value;
    }
  }
}

/** Puts each row into its joint cell: notes the cell in `keys`, from its beginning, counts it and sums `values`. */
export function scatter(
  words: Int32Array,
  values: Float64Array,
  from: number,
  to: number,
  tables: Int32Array,
  shift: number,
  keys: Int32Array,
  counts: Int32Array,
  sums: Float64Array,
): void {
  const mask = (1 << shift) - 1;
  for (let row = from, k = 0; row < to; row++, k++) {
    let word = words[row]!;
    let key = tables[word & mask]!;
    key += tables[TABLE + ((word >>>= shift) & mask)]!;
    key += tables[2 * TABLE + ((word >>>= shift) & mask)]!;
    key += tables[3 * TABLE + ((word >>> shift) & mask)]!;
    keys[k] = key;
    counts[key] = counts[key]! + 1;
    sums[key] = sums[key]! + values[row]!;
  }
}

/** Sums a further measure into the cells noted in `keys`. */
export function scatterSum(
  values: Float64Array,
  from: number,
  to: number,
  keys: Int32Array,
  sums: Float64Array,
): void {
  for (let row = from, k = 0; row < to; row++, k++) {
    const key = keys[k]!;
    sums[key] = sums[key]! + values[row]!;
  }
}

/** Intersects the rows' words into the cells noted in `keys`. */
export function scatterShared(
  words: Int32Array,
  from: number,
  to: number,
  keys: Int32Array,
  shared: Int32Array,
): void {
  for (let row = from, k = 0; row < to; row++, k++) {
    const key = keys[k]!;
    shared[key] = shared[key]! & words[row]!;
  }
}

/**
 * Rolls one axis up, in place: digit 0 (the item's dimension says something else) becomes "whatever it says", by
 * adding the blocks of all other digits to it. Additions only, so nothing is lost to cancellation.
 */
export function rollUp(
  counts: Int32Array,
  sums: Float64Array,
  size: number,
  block: number,
  radix: number,
): void {
  if (block === 1 && radix === 2) {
    for (let cell = 0; cell < size; cell += 2) {
      counts[cell] = counts[cell]! + counts[cell + 1]!;
      sums[cell] = sums[cell]! + sums[cell + 1]!;
    }
    return;
  }
  const span = block * radix;
  for (let base = 0; base < size; base += span) {
    for (let from = base + block, end = base + span; from < end;) {
      for (let into = base, stop = from + block; from < stop; from++, into++) {
        counts[into] = counts[into]! + counts[from]!;
        sums[into] = sums[into]! + sums[from]!;
      }
    }
  }
}

/** {@linkcode rollUp} for a further measure. */
export function rollUpSum(sums: Float64Array, size: number, block: number, radix: number): void {
  const span = block * radix;
  for (let base = 0; base < size; base += span) {
    for (let from = base + block, end = base + span; from < end;) {
      for (let into = base, stop = from + block; from < stop; from++, into++) {
        sums[into] = sums[into]! + sums[from]!;
      }
    }
  }
}

/** {@linkcode rollUp} for what the rows share: intersection instead of addition. */
export function rollUpShared(shared: Int32Array, size: number, block: number, radix: number): void {
  if (block === 1 && radix === 2) {
    for (let cell = 0; cell < size; cell += 2) shared[cell] = shared[cell]! & shared[cell + 1]!;
    return;
  }
  const span = block * radix;
  for (let base = 0; base < size; base += span) {
    for (let from = base + block, end = base + span; from < end;) {
      for (let into = base, stop = from + block; from < stop; from++, into++) {
        shared[into] = shared[into]! & shared[from]!;
      }
    }
  }
}

/** Adds `parts` to `totals` and clears them. */
export function drain(parts: Float64Array, totals: Float64Array, size: number): void {
  for (let cell = 0; cell < size; cell++) {
    totals[cell] = totals[cell]! + parts[cell]!;
    parts[cell] = 0;
  }
}

/**
 * Writes the bits that words map to, by tables, to `target` from row `at` on; it may be the words themselves.
 *
 * @param keep What of the target's own bits stays: 0 for nothing, -1 for all of them.
 */
export function remap(
  words: Int32Array,
  from: number,
  to: number,
  tables: Int32Array,
  shift: number,
  target: Int32Array,
  at: number,
  keep: number,
): void {
  const mask = (1 << shift) - 1;
  for (let row = from, k = at; row < to; row++, k++) {
    let word = words[row]!;
    let bits = target[k]! & keep;
    bits |= tables[word & mask]!;
    bits |= tables[TABLE + ((word >>>= shift) & mask)]!;
    bits |= tables[2 * TABLE + ((word >>>= shift) & mask)]!;
    bits |= tables[3 * TABLE + ((word >>> shift) & mask)]!;
    target[k] = bits;
  }
}

/** Sets in each row's word the bit that its code stands for. */
export function addCodes(
  words: Int32Array,
  codes: Uint8Array | Uint16Array | Int32Array,
  rows: Int32Array,
  from: number,
  to: number,
  bits: Int32Array,
): void {
  for (let i = from, row = 0; i < to; i++, row++) words[row] = words[row]! | bits[codes[rows[i]!]!]!;
}
