/**
 * The depth-first walk over rows of bits.
 *
 * @module
 */

import { type BitRows, MAX_WORDS, WORD_BITS } from "./bit_rows.ts";
import { BitTables } from "./bit_tables.ts";
import { JointCells } from "./joint_cells.ts";
import { countItems, itemCount, remap } from "./kernels.ts";
import { type Progress, STRAY_CURSOR } from "./progress.ts";
import type { Conjunction, SliceVisitor } from "./types.ts";

/** What is kept of the node at one depth while its children are walked. */
class Level {
  /** What the node's bits stand for, by position; of items already dealt with, only their presence matters. */
  readonly dimension = new Int32Array(MAX_WORDS * WORD_BITS);
  readonly code = new Int32Array(MAX_WORDS * WORD_BITS);
  /** Positions of the frequent items, most frequent first, then of those dealt with: the children's positions. */
  readonly order = new Int32Array(MAX_WORDS * WORD_BITS);
  /** Per word the items that are frequent and vary. */
  readonly frequent = new Int32Array(MAX_WORDS);
  /** Per word the items that every row has. */
  readonly constant = new Int32Array(MAX_WORDS);
}

/** The word of positions `from` to `to` - 1, as far as they lie in word k. */
function positions(k: number, from: number, to: number): number {
  const low = Math.max(0, from - k * WORD_BITS), high = Math.min(WORD_BITS, to - k * WORD_BITS);
  return high <= low ? 0 : (-1 >>> (WORD_BITS - (high - low))) << low;
}

/**
 * Walks all slices below a node.
 *
 * At each node one pass of carry-save counting tells which items are frequent. The most frequent ones go into
 * {@linkcode JointCells}, which yield all of their conjunctions at once; each other item, rarest first, becomes a child:
 * the node's rows that have it, with only more frequent items left to add. So every conjunction is met once, at the
 * child of its rarest item that is not in the cells, and rare items, under which little is frequent, come where the
 * nodes are small. Before the children, words are rewritten so that the frequent items come first in that order and
 * the others are gone.
 *
 * For distinct selection, items of earlier siblings stay in the words. A child whose rows all have one of them would
 * find what that sibling has found already and is left out, together with everything below it: each distinct set of
 * rows is met once, at its closure (the prefix-preserving closure extension of LCM).
 */
export class Walk {
  readonly #rows: BitRows;
  readonly #fixed: Conjunction;
  readonly #minSupport: number;
  readonly #distinct: boolean;
  readonly #visitor: SliceVisitor;
  readonly #progress: Progress;
  readonly #cells: JointCells;
  readonly #levels: readonly Level[];
  readonly #frequencies = new Int32Array(MAX_WORDS * WORD_BITS);
  readonly #tables = new BitTables();
  readonly #rewritten: Int32Array[] = [];
  /** Sums of the node about to be entered; set by whoever pushed its rows. */
  readonly sums: Float64Array;

  /**
   * @param fixed The pairs of the current node; the walk fixes and frees the ones it adds.
   */
  constructor(
    rows: BitRows,
    fixed: Conjunction,
    minSupport: number,
    distinct: boolean,
    measures: number,
    visitor: SliceVisitor,
    progress: Progress,
  ) {
    this.#rows = rows;
    this.#fixed = fixed;
    this.#minSupport = minSupport;
    this.#distinct = distinct;
    this.#visitor = visitor;
    this.#progress = progress;
    this.#cells = new JointCells(fixed, minSupport, measures, distinct ? MAX_WORDS : 0);
    this.#levels = Array.from({ length: fixed.length + 1 }, () => new Level());
    this.sums = new Float64Array(rows.measures.length);
  }

  /** The meaning of the first node's positions, to be written before it is entered. */
  get items(): { readonly dimension: Int32Array; readonly code: Int32Array } {
    return this.#levels[0]!;
  }

  /**
   * Visits a node and everything below it.
   *
   * @param active Items at positions below this may still be added.
   * @param total Items from there up to this have been dealt with.
   * @param own Position of the item that made this node, or -1.
   * @returns whether the run paused.
   */
  node(
    from: number,
    to: number,
    words: number,
    active: number,
    total: number,
    own: number,
    depth: number,
  ): boolean {
    const level = this.#levels[depth]!;
    const frequent = this.#census(level, from, to, words, active, total, own);
    if (frequent < 0) return false;
    this.#progress.spend((to - from) * words);
    if (this.#distinct) this.#fixConstant(level, words, active, true);
    const paused = this.#visit(level, from, to, words, active, total, frequent, depth);
    if (this.#distinct) this.#fixConstant(level, words, active, false);
    return paused;
  }

  /** Counts the items and orders the frequent ones. Returns how many, or -1 when the node belongs to a sibling. */
  #census(
    level: Level,
    from: number,
    to: number,
    words: number,
    active: number,
    total: number,
    own: number,
  ): number {
    const { order } = level, frequencies = this.#frequencies;
    // Words of nothing but items dealt with come first: most nodes that belong to a sibling are found out there.
    const open = Math.ceil(active / WORD_BITS), closed = words - open;
    let length = 0;
    for (let step = 0; step < words; step++) {
      const k = step < closed ? open + step : step - closed;
      const { frequent, constant } = countItems(this.#rows.words[k]!, from, to, this.#minSupport);
      const free = positions(k, 0, active);
      let candidates = frequent & free;
      if (this.#distinct) {
        const self = own >> 5 === k ? 1 << own : 0;
        const dealtWith = positions(k, active, total) & ~self;
        if ((constant & dealtWith) !== 0) return -1;
        level.constant[k] = constant & (free | self);
        level.frequent[k] = frequent & ~constant & (free | dealtWith);
        candidates &= ~constant;
      }
      for (; candidates !== 0; candidates &= candidates - 1) {
        const bit = 31 - Math.clz32(candidates & -candidates), frequency = itemCount(bit);
        let place = length++;
        while (place > 0 && frequencies[place - 1]! < frequency) {
          frequencies[place] = frequencies[place - 1]!;
          order[place] = order[place - 1]!;
          place--;
        }
        frequencies[place] = frequency;
        order[place] = k * WORD_BITS + bit;
      }
    }
    return length;
  }

  /** Fixes or frees the pairs that all rows of the node turned out to share. */
  #fixConstant(level: Level, words: number, active: number, fix: boolean): void {
    for (let k = 0; k < words; k++) {
      for (let rest = level.constant[k]! & positions(k, 0, active); rest !== 0; rest &= rest - 1) {
        const item = k * WORD_BITS + 31 - Math.clz32(rest & -rest);
        this.#fixed[level.dimension[item]!] = fix ? level.code[item]! : 0;
      }
    }
  }

  #visit(
    level: Level,
    from: number,
    to: number,
    words: number,
    active: number,
    total: number,
    frequent: number,
    depth: number,
  ): boolean {
    const next = this.#progress.follow();
    if (next === undefined) this.#cells.showNode(this.#visitor, to - from, this.sums);
    const taken = frequent === 0
      ? 0
      : this.#cells.take(level.order, frequent, level.dimension, level.code, to - from);
    if (next === undefined && taken > 0) this.#showCells(level, from, to, words);
    if (next !== undefined && (next < taken || next >= frequent)) throw new RangeError(STRAY_CURSOR);
    if (taken === frequent) return false;
    const kept = this.#keepDealtWith(level, words, active, total, frequent);
    this.#rewrite(level, from, to, words, total, kept);
    return this.#children(level, from, to, taken, frequent, kept, depth, next);
  }

  #showCells(level: Level, from: number, to: number, words: number): void {
    const cells = this.#cells;
    cells.fill(this.#rows, from, to, this.#distinct ? words : 0, level.frequent);
    this.#progress.spend(to - from + cells.size);
    if (this.#distinct) cells.showClosed(this.#visitor, level.constant);
    else cells.showFrequent(this.#visitor);
  }

  /** Appends to the order the items dealt with that can still be constant in a child. Returns the new length. */
  #keepDealtWith(level: Level, words: number, active: number, total: number, length: number): number {
    if (!this.#distinct) return length;
    for (let k = 0; k < words; k++) {
      for (let rest = level.frequent[k]! & positions(k, active, total); rest !== 0; rest &= rest - 1) {
        level.order[length++] = k * WORD_BITS + 31 - Math.clz32(rest & -rest);
      }
    }
    return length;
  }

  /** Rewrites the rows' words so that position p holds the item `order[p]`, for p below `kept`. */
  #rewrite(level: Level, from: number, to: number, words: number, total: number, kept: number): void {
    const { order } = level, rows = this.#rows, tables = this.#tables;
    let same = 0;
    while (same < kept && order[same] === same) same++;
    if (same === kept && kept === total) return;
    if (words === 1 && kept <= WORD_BITS) {
      tables.clear();
      for (let p = 0; p < kept; p++) tables.values[order[p]!] = 1 << p;
      tables.build(total);
      remap(rows.words[0]!, from, to, tables.tables, tables.shift, rows.words[0]!, from, 0);
      return;
    }
    const after = Math.ceil(kept / WORD_BITS);
    for (let t = 0; t < after; t++) {
      const target = this.#rewritten[t] ??= new Int32Array(0);
      const room = target.length >= to - from ? target : (this.#rewritten[t] = new Int32Array(to - from));
      room.fill(0, 0, to - from);
      for (let k = 0; k < words; k++) {
        tables.clear();
        let any = false;
        for (let p = t * WORD_BITS; p < Math.min(kept, (t + 1) * WORD_BITS); p++) {
          if (order[p]! >> 5 !== k) continue;
          tables.values[order[p]! & 31] = 1 << p;
          any = true;
        }
        if (!any) continue;
        tables.build(Math.min(WORD_BITS, total - k * WORD_BITS));
        remap(rows.words[k]!, from, to, tables.tables, tables.shift, room, 0, -1);
      }
    }
    for (let t = 0; t < after; t++) rows.words[t]!.set(this.#rewritten[t]!.subarray(0, to - from), from);
  }

  #children(
    level: Level,
    from: number,
    to: number,
    taken: number,
    frequent: number,
    kept: number,
    depth: number,
    next: number | undefined,
  ): boolean {
    const { order, dimension, code } = level, below = this.#levels[depth + 1]!;
    for (let p = 0; p < frequent; p++) {
      below.dimension[p] = dimension[order[p]!]!;
      below.code[p] = code[order[p]!]!;
    }
    const rows = this.#rows, distinct = this.#distinct;
    rows.reserve(to + (to - from), 0);
    for (let item = next ?? frequent - 1; item >= taken; item--) {
      if (item !== next && this.#progress.pauseBefore(item)) return true;
      const total = distinct ? kept : item;
      const words = Math.max(1, Math.ceil(total / WORD_BITS));
      const n = rows.push(from, to, item, words, this.sums);
      this.#progress.spend(to - from);
      this.#fixed[below.dimension[item]!] = below.code[item]!;
      const paused = this.node(to, to + n, words, item, total, distinct ? item : -1, depth + 1);
      this.#fixed[below.dimension[item]!] = 0;
      if (paused) {
        this.#progress.pausedIn(item);
        return true;
      }
    }
    return false;
  }
}
