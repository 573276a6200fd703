/**
 * What the slices of one group say, and how much of it held in weeks that they had not seen (functions/README.md,
 * "Calibration"): the slices of at most two pairs, and for all of the group's decisions together the sums that a
 * category is calibrated from.
 *
 * How: rows are taken in the order of their weeks, once for each dimension and once more for each pair of them, a
 * value of the first at a time, so that what is counted stays in the cache. Slices of the same trades have the same
 * sum of row hashes.
 *
 * @module
 */

import type { NamedDimension } from "../mining/dimensions.ts";
import { type CalibrationSums, type Memory, memoryWeight } from "./calibration.ts";
import { compareBytes } from "./scope_order.ts";

/** The decisions of one group, one entry per decision in every column. */
export interface EffectGroup {
  /** Winsorised outcome. */
  readonly outcomes: Float64Array;
  /** UTC week of the decision, counted from any week. */
  readonly weeks: Int32Array;
  readonly dimensions: readonly NamedDimension[];
}

/** What all groups of a module and category share. */
export interface EffectContext {
  /** Mean and σ of the winsorised outcomes of all decisions of the module and category; σ above 0. */
  readonly mean: number;
  readonly sigma: number;
  /** Every week that holds a decision of the module and category, ascending, once. */
  readonly calendar: Int32Array;
  /** `n_min`. */
  readonly minSupport: number;
  /** Names of the dimensions that make a regime, in the order of its signature. */
  readonly regimeDimensions: readonly string[];
  /** The memories that are tried. */
  readonly memories: readonly Memory[];
}

/** A slice of at most two pairs. */
export interface GroupEffect {
  /** Place of the dimension among the group's, and the code; dimensions in byte order of their names. */
  readonly pairs: readonly { readonly dimension: number; readonly code: number }[];
  /** Per memory the weighted number of its decisions, plain where nothing is forgotten, … */
  readonly n: readonly number[];
  /** … and the weighted sum of their winsorised outcomes. */
  readonly total: readonly number[];
}

/** What is kept of a group. */
export interface GroupEffects {
  readonly effects: readonly GroupEffect[];
  readonly sums: CalibrationSums;
}

/** A slice with so few decisions left, or fewer, says nothing of the weeks that were left out … */
const FEWEST_LEFT = 5;
/** … where weights leave a rounding on them, too. */
const ROUNDING = 1e-9;

/**
 * The effects of a group's slices, and its sums (functions/README.md, "Calibration").
 *
 * @throws RangeError when σ is not above 0, or a week is not in the calendar.
 */
export function measureGroupEffects(group: EffectGroup, context: EffectContext): GroupEffects {
  if (!(context.sigma > 0)) throw new RangeError(`Effects need σ above 0, got ${context.sigma}`);
  return new GroupSweep(group, context).run();
}

/** A dimension as the sweep sees it: rows in the order of their weeks, only values that enough rows have. */
interface SweptColumn {
  /** Place among the group's dimensions. */
  readonly dimension: number;
  /** Per row 1, 2, … or 0 where there is no value or a rare one. */
  readonly codes: Uint16Array | Int32Array;
  /** What each of them is in the group; the first stands for 0. */
  readonly groupCodes: readonly number[];
}

class GroupSweep {
  readonly #group: EffectGroup;
  readonly #context: EffectContext;
  readonly #memories: number;
  /** The group's rows by week. */
  readonly #order: Int32Array;
  /** In that order: place of the week in the calendar, outcome, hashes. */
  readonly #places: Int32Array;
  readonly #outcomes: Float64Array;
  readonly #hashLow: Int32Array;
  readonly #hashHigh: Int32Array;
  /** Per memory and week of the calendar. */
  readonly #weights: readonly Float64Array[];
  /** Per row and memory Σ n · (mean of what is left) and Σ n over the slices that contain the row. */
  readonly #above: Float64Array;
  readonly #below: Float64Array;
  readonly #tauAbove: Float64Array;
  readonly #tauBelow: Float64Array;
  readonly #effects: GroupEffect[] = [];
  readonly #seen = new Set<string>();
  // Per value of the column at hand, then per slice and week, then with all memories side by side.
  #counts = new Int32Array(0);
  #sumsLow = new Int32Array(0);
  #sumsHigh = new Int32Array(0);
  #sliceOf = new Int32Array(0);
  #weekSums = new Float64Array(0);
  #weekCounts = new Float64Array(0);
  #left = new Float64Array(0);
  #sizes = new Float64Array(0);

  constructor(group: EffectGroup, context: EffectContext) {
    const rows = group.outcomes.length;
    this.#group = group;
    this.#context = context;
    this.#memories = context.memories.length;
    const places = placesOf(group.weeks, context.calendar);
    this.#order = orderBy(places, context.calendar.length);
    this.#places = this.#order.map((row) => places[row]!);
    this.#outcomes = Float64Array.from(this.#order, (row) => group.outcomes[row]!);
    this.#hashLow = Int32Array.from(this.#order, (row) => scramble(row));
    this.#hashHigh = Int32Array.from(this.#order, (row) => scramble(row ^ 0x5bf03635));
    const newest = context.calendar.at(-1) ?? 0;
    this.#weights = context.memories.map((memory) =>
      Float64Array.from(context.calendar, (week) => memoryWeight(newest - week, memory))
    );
    this.#above = new Float64Array(rows * this.#memories);
    this.#below = new Float64Array(rows * this.#memories);
    this.#tauAbove = new Float64Array(this.#memories);
    this.#tauBelow = new Float64Array(this.#memories);
  }

  run(): GroupEffects {
    const rows = this.#order.length;
    const everything = Int32Array.from({ length: rows }, (_, i) => i);
    const columns = this.#columns();
    // Shallow names first, then by name: of slices of the same trades the first is kept.
    this.#sweep(everything, { dimension: -1, codes: new Uint16Array(rows).fill(1), groupCodes: [0, 0] }, []);
    for (const column of columns) this.#sweep(everything, column, []);
    for (const [place, first] of columns.entries()) {
      for (const [index, members] of membersOf(first, rows).entries()) {
        const pair = { dimension: first.dimension, code: first.groupCodes[index + 1]! };
        for (const second of columns.slice(place + 1)) this.#sweep(members, second, [pair]);
      }
    }
    return { effects: this.#effects, sums: this.#sums() };
  }

  /** The dimensions by name, with the values that enough rows have. */
  #columns(): SweptColumn[] {
    const { dimensions } = this.#group;
    const order = [...dimensions.keys()].sort((a, b) =>
      compareBytes(dimensions[a]!.name, dimensions[b]!.name)
    );
    return order.map((dimension) => {
      const { codes, cardinality } = dimensions[dimension]!;
      const counts = new Int32Array(cardinality + 1);
      for (let row = 0; row < codes.length; row++) counts[codes[row]!] = counts[codes[row]!]! + 1;
      const dense = new Int32Array(cardinality + 1);
      const groupCodes = [0];
      for (let code = 1; code <= cardinality; code++) {
        if (counts[code]! < this.#context.minSupport) continue;
        dense[code] = groupCodes.length;
        groupCodes.push(code);
      }
      const swept = groupCodes.length <= 1 << 16
        ? new Uint16Array(codes.length)
        : new Int32Array(codes.length);
      for (let i = 0; i < swept.length; i++) swept[i] = dense[codes[this.#order[i]!]!]!;
      return { dimension, codes: swept, groupCodes };
    });
  }

  /** Takes in the slices that a column's values make of some rows, which are in the order of their weeks. */
  #sweep(rows: Int32Array, column: SweptColumn, outer: GroupEffect["pairs"]): void {
    const slices = this.#find(rows, column);
    if (slices.length === 0) return;
    this.#sumWeeks(rows, column, slices.length);
    let kept = 0;
    for (const [slice, code] of slices.entries()) {
      const pairs = column.dimension < 0
        ? outer
        : [...outer, { dimension: column.dimension, code: column.groupCodes[code]! }];
      if (this.#measure(slice, pairs)) kept++;
      else this.#sliceOf[code] = -1;
    }
    if (kept > 0) this.#predict(rows, column);
  }

  /** Finds the values that make new slices; `#sliceOf` then has the number of each value's. */
  #find(rows: Int32Array, { codes, groupCodes }: SweptColumn): number[] {
    const values = groupCodes.length;
    if (this.#counts.length < values) {
      this.#counts = new Int32Array(values);
      this.#sumsLow = new Int32Array(values);
      this.#sumsHigh = new Int32Array(values);
      this.#sliceOf = new Int32Array(values);
    }
    const counts = this.#counts.fill(0, 0, values);
    const low = this.#sumsLow.fill(0, 0, values);
    const high = this.#sumsHigh.fill(0, 0, values);
    const [hashLow, hashHigh] = [this.#hashLow, this.#hashHigh];
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const code = codes[row]!;
      counts[code] = counts[code]! + 1;
      low[code] = low[code]! + hashLow[row]!;
      high[code] = high[code]! + hashHigh[row]!;
    }
    this.#sliceOf.fill(-1, 0, values);
    const slices: number[] = [];
    for (let code = 1; code < values; code++) {
      if (counts[code]! < this.#context.minSupport) continue;
      const key = `${counts[code]} ${low[code]} ${high[code]}`;
      if (this.#seen.has(key)) continue;
      this.#seen.add(key);
      this.#sliceOf[code] = slices.length;
      slices.push(code);
    }
    return slices;
  }

  #sumWeeks(rows: Int32Array, { codes }: SweptColumn, slices: number): void {
    const weeks = this.#context.calendar.length;
    const size = slices * weeks;
    if (this.#weekSums.length < size) {
      this.#weekSums = new Float64Array(size);
      this.#weekCounts = new Float64Array(size);
      this.#left = new Float64Array(size * this.#memories);
      this.#sizes = new Float64Array(size * this.#memories);
    }
    const sums = this.#weekSums.fill(0, 0, size);
    const counts = this.#weekCounts.fill(0, 0, size);
    const [sliceOf, places, outcomes] = [this.#sliceOf, this.#places, this.#outcomes];
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const slice = sliceOf[codes[row]!]!;
      if (slice < 0) continue;
      const at = slice * weeks + places[row]!;
      sums[at] = sums[at]! + outcomes[row]!;
      counts[at] = counts[at]! + 1;
    }
  }

  /** Keeps a slice, and what is left of it without each week and its neighbours; false where it has but one week. */
  #measure(slice: number, pairs: GroupEffect["pairs"]): boolean {
    const { mean, sigma, calendar } = this.#context;
    const weeks = calendar.length;
    const begin = slice * weeks;
    const sums = this.#weekSums.subarray(begin, begin + weeks);
    const counts = this.#weekCounts.subarray(begin, begin + weeks);
    let filled = 0;
    for (let week = 0; week < weeks; week++) if (counts[week]! > 0) filled++;
    if (filled < 2) return false;

    const n: number[] = [];
    const total: number[] = [];
    for (let memory = 0; memory < this.#memories; memory++) {
      const weights = this.#weights[memory]!;
      let [size, outcome, sum, squares, countSquares] = [0, 0, 0, 0, 0];
      for (let week = 0; week < weeks; week++) {
        if (counts[week] === 0) continue;
        const weight = weights[week]!;
        const W = weight * counts[week]!;
        const Z = weight * (sums[week]! - counts[week]! * mean) / sigma;
        size += W;
        outcome += weight * sums[week]!;
        sum += Z;
        squares += Z * Z;
        countSquares += W * W;
      }
      n.push(size);
      total.push(outcome);
      this.#tauAbove[memory] = this.#tauAbove[memory]! +
        size * (sum * sum - squares) / (size * size - countSquares);
      this.#tauBelow[memory] = this.#tauBelow[memory]! + size;
      this.#sizes[slice * this.#memories + memory] = size;
      this.#leaveOut(memory, begin, size, sum);
    }
    this.#effects.push({ pairs, n, total });
    return true;
  }

  /** n times the mean of what is left of a slice, for every week that it has decisions in; beside it n. */
  #leaveOut(memory: number, begin: number, size: number, sum: number): void {
    const { mean, sigma, calendar } = this.#context;
    const weights = this.#weights[memory]!;
    const last = calendar.length - 1;
    for (let week = 0; week <= last; week++) {
      if (this.#weekCounts[begin + week] === 0) continue;
      let [n, S] = [size, sum];
      for (let near = Math.max(week - 1, 0); near <= Math.min(week + 1, last); near++) {
        const count = this.#weekCounts[begin + near]!;
        n -= weights[near]! * count;
        S -= weights[near]! * (this.#weekSums[begin + near]! - count * mean) / sigma;
      }
      this.#left[(begin + week) * this.#memories + memory] = n <= FEWEST_LEFT + ROUNDING ? 0 : size * S / n;
    }
  }

  /** Adds what the slices at hand say of each of their decisions. */
  #predict(rows: Int32Array, { codes }: SweptColumn): void {
    const weeks = this.#context.calendar.length;
    const memories = this.#memories;
    const [sliceOf, places] = [this.#sliceOf, this.#places];
    const [above, below, left, sizes] = [this.#above, this.#below, this.#left, this.#sizes];
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const slice = sliceOf[codes[row]!]!;
      if (slice < 0) continue;
      const to = row * memories;
      const leftAt = (slice * weeks + places[row]!) * memories;
      const sizeAt = slice * memories;
      for (let memory = 0; memory < memories; memory++) {
        above[to + memory] = above[to + memory]! + left[leftAt + memory]!;
        below[to + memory] = below[to + memory]! + sizes[sizeAt + memory]!;
      }
    }
  }

  #sums(): CalibrationSums {
    const { mean, sigma, calendar, memories } = this.#context;
    const { signatures, regimeOf } = this.#regimes();
    const places = signatures.length + 1;
    const slots = new Int32Array(calendar.length * places).fill(-1);
    const cellOf = new Int32Array(this.#order.length);
    const cells: { week: number; regime: string | null; n: number }[] = [];
    for (let row = 0; row < cellOf.length; row++) {
      const place = this.#places[row]!;
      const regime = regimeOf[row]!;
      const slot = place * places + regime + 1;
      if (slots[slot]! < 0) {
        slots[slot] = cells.length;
        cells.push({ week: calendar[place]!, regime: signatures[regime] ?? null, n: 0 });
      }
      cellOf[row] = slots[slot]!;
      cells[slots[slot]!]!.n++;
    }
    return {
      n: this.#order.length,
      cells,
      memories: memories.map((halfLife, memory) => {
        const told = new Float64Array(cells.length);
        const squares = new Float64Array(cells.length);
        for (let row = 0; row < cellOf.length; row++) {
          const below = this.#below[row * memories.length + memory]!;
          if (below === 0) continue;
          const p = this.#above[row * memories.length + memory]! / below;
          const cell = cellOf[row]!;
          told[cell] = told[cell]! + p * (this.#outcomes[row]! - mean) / sigma;
          squares[cell] = squares[cell]! + p * p;
        }
        return {
          halfLife,
          tauAbove: this.#tauAbove[memory]!,
          tauBelow: this.#tauBelow[memory]!,
          told: [...told],
          squares: [...squares],
        };
      }),
    };
  }

  /** The regimes that occur, and per row in the order of weeks which it is of, −1 where it lacks a dimension. */
  #regimes(): { signatures: string[]; regimeOf: Int32Array } {
    const { dimensions } = this.#group;
    const wanted = this.#context.regimeDimensions.map((name) =>
      dimensions.find((dimension) => dimension.name === name)
    );
    const regimeOf = new Int32Array(this.#order.length).fill(-1);
    const numbers = new Map<string, number>();
    if (wanted.every((dimension) => dimension !== undefined)) {
      for (let i = 0; i < regimeOf.length; i++) {
        const row = this.#order[i]!;
        if (wanted.some(({ codes }) => codes[row] === 0)) continue;
        const signature = wanted.map(({ codes, values }) => values[codes[row]! - 1]!).join("|");
        const number = numbers.get(signature) ?? numbers.size;
        numbers.set(signature, number);
        regimeOf[i] = number;
      }
    }
    return { signatures: [...numbers.keys()], regimeOf };
  }
}

/** Place of each week in the calendar. */
function placesOf(weeks: Int32Array, calendar: Int32Array): Int32Array {
  const place = new Map(Array.from(calendar, (week, index) => [week, index]));
  return weeks.map((week) => {
    const found = place.get(week);
    if (found === undefined) throw new RangeError(`Week ${week} is not in the calendar of its category`);
    return found;
  });
}

/** Rows in the order of their places, those of the same place as they were. */
function orderBy(places: Int32Array, count: number): Int32Array {
  const next = new Int32Array(count + 1);
  for (const place of places) next[place + 1] = next[place + 1]! + 1;
  for (let place = 1; place <= count; place++) next[place] = next[place]! + next[place - 1]!;
  const order = new Int32Array(places.length);
  for (let row = 0; row < places.length; row++) {
    const place = places[row]!;
    order[next[place]!] = row;
    next[place] = next[place]! + 1;
  }
  return order;
}

/** The rows of each value of a column, in their order. */
function membersOf({ codes, groupCodes }: SweptColumn, rows: number): Int32Array[] {
  const order = orderBy(Int32Array.from(codes), groupCodes.length);
  const members: Int32Array[] = [];
  let begin = 0;
  while (begin < rows && codes[order[begin]!] === 0) begin++;
  for (let code = 1; code < groupCodes.length; code++) {
    let end = begin;
    while (end < rows && codes[order[end]!] === code) end++;
    members.push(order.subarray(begin, end));
    begin = end;
  }
  return members;
}

/** Spreads a number over 32 bits, so that sums of some of them tell which they were (the finaliser of MurmurHash3). */
function scramble(value: number): number {
  let bits = value + 1;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
