import { compareScopes, type ScopePairs } from "./scope_order.ts";

/** A believed lesson of a group. */
export interface BelievedLesson {
  readonly scope: ScopePairs;
  /** Its decisions: numbers within the group, each once. */
  readonly rows: Uint32Array;
}

/** What families are found in: the decisions of one group, one entry per decision in every column. */
export interface FamilyInput {
  /** Winsorised outcome − the baseline's winsorised mean. */
  readonly deviations: Float64Array;
  /** Number of the decision's week, 0 to `weekCount` − 1. */
  readonly weeks: Int32Array;
  readonly weekCount: number;
  readonly lessons: readonly BelievedLesson[];
}

/** The families of a group's believed lessons. */
export interface Families {
  /** Numbers of the lessons that represent, in the order in which they were found: the one that says most first. */
  readonly representatives: readonly number[];
  /** Per lesson the number of the lesson that represents it; a representative's is its own. */
  readonly representedBy: Int32Array;
}

/** Where a paused cover has got to; plain JSON, meaningful only together with the same input. */
export interface FamilyProgress {
  readonly representatives: readonly number[];
  /** What was taken out of the decisions of each of them. */
  readonly differences: readonly number[];
  /** Per lesson the number of its representative, −1 while it is open. */
  readonly representedBy: readonly number[];
  /** Per lesson the most that a removal has lowered S² by, and whose removal that was; `null` before the first. */
  readonly explained: readonly ({ readonly by: number; readonly most: number } | null)[];
  /** Whether no lesson is left that is worth a family of its own, so that those that none explains follow. */
  readonly settled: boolean;
}

/** A pause, or the end. */
export type FamilyStep = { readonly progress: FamilyProgress } | { readonly families: Families };

/** A lesson is worth a family of its own while |t| reaches the smaller of this … */
const LEAST_T = 3;
/** … and this share of √G, which is the largest |t| that G weeks can give. */
const LEAST_SHARE_OF_LARGEST_T = 0.8;
/** |t| this near to each other say the same. */
const NEAR_T = 0.1;
/** A removal that lowers S² by less than this share explains nothing. */
const LEAST_SHARE_EXPLAINED = 0.1;
/** A sum below this share of what it was summed of is the rounding of a zero. */
const ROUNDING = 1e-11;

/**
 * The families of believed lessons, by a greedy cover of residuals (functions/README.md, "Families"): the one
 * whose decisions deviate most beyond their weeks' luck represents, its mean is taken out of its decisions, and
 * what is left is looked at again.
 *
 * Costs one pass over the rows of all lessons for each family.
 */
export function findFamilies(input: FamilyInput): Families {
  const step = continueFamilies(input, null, () => false);
  if ("progress" in step) throw new Error("The search for families paused though it was not asked to");
  return step.families;
}

/**
 * Finds families as {@linkcode findFamilies} does, or goes on with it.
 *
 * @param progress Where an earlier call over the same input paused, `null` at the beginning.
 * @param shouldPause Asked between one family and the next.
 * @throws RangeError when the progress is of another number of lessons.
 */
export function continueFamilies(
  input: FamilyInput,
  progress: FamilyProgress | null,
  shouldPause: () => boolean,
): FamilyStep {
  return new Cover(input, progress).run(shouldPause);
}

class Cover {
  readonly #input: FamilyInput;
  readonly #residuals: Float64Array;
  readonly #weekSums: Float64Array;
  readonly #t: Float64Array;
  /** Sum of each lesson's residuals, and what it was before any removal. */
  readonly #sums: Float64Array;
  readonly #firstSums: Float64Array;
  readonly #leastSums: Float64Array;
  readonly #leastT: Float64Array;
  readonly #representedBy: Int32Array;
  readonly #explained: ({ by: number; most: number } | null)[];
  readonly #representatives: number[] = [];
  readonly #differences: number[] = [];
  #settled: boolean;

  constructor(input: FamilyInput, progress: FamilyProgress | null) {
    const count = input.lessons.length;
    if (progress !== null && progress.representedBy.length !== count) {
      throw new RangeError(
        `The progress is of ${progress.representedBy.length} lessons, and there are ${count}`,
      );
    }
    this.#input = input;
    this.#residuals = input.deviations.slice();
    this.#weekSums = new Float64Array(input.weekCount);
    this.#t = new Float64Array(count);
    this.#sums = new Float64Array(count);
    this.#leastSums = Float64Array.from(input.lessons, ({ rows }) => ROUNDING * this.#absoluteSum(rows));
    this.#leastT = Float64Array.from(
      input.lessons,
      ({ rows }) => Math.min(LEAST_T, LEAST_SHARE_OF_LARGEST_T * Math.sqrt(this.#weeksOf(rows))),
    );
    for (let lesson = 0; lesson < count; lesson++) this.#measure(lesson);
    this.#firstSums = this.#sums.slice();
    this.#representedBy = progress === null
      ? new Int32Array(count).fill(-1)
      : Int32Array.from(progress.representedBy);
    this.#explained = progress === null ? Array.from({ length: count }, () => null) : [...progress.explained];
    this.#settled = progress?.settled ?? false;
    for (const [i, representative] of (progress?.representatives ?? []).entries()) {
      this.#takeOut(representative, progress?.differences[i] ?? NaN);
    }
    if (progress !== null) { for (const lesson of this.#open()) this.#measure(lesson); }
  }

  run(shouldPause: () => boolean): FamilyStep {
    for (let begun = false;; begun = true) {
      if (begun && shouldPause()) return { progress: this.#progress() };
      const next = this.#strongest(
        (lesson) => this.#settled || Math.abs(this.#t[lesson]!) >= this.#leastT[lesson]!,
      );
      if (next !== null) this.#represent(next);
      else if (this.#settled) break;
      else this.#settled = true;
      if (this.#settled) this.#settle();
    }
    return { families: { representatives: this.#representatives, representedBy: this.#representedBy } };
  }

  #progress(): FamilyProgress {
    return {
      representatives: this.#representatives,
      differences: this.#differences,
      representedBy: [...this.#representedBy],
      explained: this.#explained,
      settled: this.#settled,
    };
  }

  #open(): number[] {
    return [...this.#representedBy.keys()].filter((lesson) => this.#representedBy[lesson] === -1);
  }

  /**
   * The lesson that represents next: of those about as far from their baseline as the furthest, the one of fewest words.
   *
   * @param counts Which lessons may be the furthest.
   */
  #strongest(counts: (lesson: number) => boolean): number | null {
    const open = this.#open();
    let largest = -1;
    for (const lesson of open) if (counts(lesson)) largest = Math.max(largest, Math.abs(this.#t[lesson]!));
    if (largest < 0) return null;
    let best: number | null = null;
    for (const lesson of open) {
      if (Math.abs(Math.abs(this.#t[lesson]!) - largest) > NEAR_T) continue;
      if (best === null || this.#compare(lesson, best) < 0) best = lesson;
    }
    return best;
  }

  #compare(a: number, b: number): number {
    const { lessons } = this.#input;
    return compareScopes(lessons[a]!.scope, lessons[b]!.scope) || a - b;
  }

  /** Makes a lesson a representative and takes its mean out of its decisions. */
  #represent(representative: number): void {
    const { rows } = this.#input.lessons[representative]!;
    const difference = this.#sums[representative]! / rows.length;
    this.#takeOut(representative, difference);
    this.#representedBy[representative] = representative;
    for (const lesson of this.#open()) {
      const before = this.#sums[lesson]!;
      this.#measure(lesson);
      const explained = before * before - this.#sums[lesson]! * this.#sums[lesson]!;
      const former = this.#explained[lesson] ?? null;
      if (former === null || explained > former.most) {
        this.#explained[lesson] = { by: representative, most: explained };
      }
    }
  }

  #takeOut(representative: number, difference: number): void {
    const { rows } = this.#input.lessons[representative]!;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      this.#residuals[row] = this.#residuals[row]! - difference;
    }
    this.#representatives.push(representative);
    this.#differences.push(difference);
  }

  /** Gives every open lesson that some removal explains to that family. */
  #settle(): void {
    for (const lesson of this.#open()) {
      const all = this.#firstSums[lesson]! * this.#firstSums[lesson]!;
      const explained = this.#explained[lesson] ?? null;
      if (explained !== null && explained.most >= LEAST_SHARE_EXPLAINED * all) {
        this.#representedBy[lesson] = explained.by;
      }
    }
  }

  /** S and t of what is left of a lesson; its weeks' sums are about 0, as they would be if it said nothing. */
  #measure(lesson: number): void {
    const { weeks, lessons } = this.#input;
    const { rows } = lessons[lesson]!;
    const residuals = this.#residuals;
    const weekSums = this.#weekSums.fill(0);
    let sum = 0;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const residual = residuals[row]!;
      const week = weeks[row]!;
      sum += residual;
      weekSums[week] = weekSums[week]! + residual;
    }
    if (Math.abs(sum) <= this.#leastSums[lesson]!) {
      this.#sums[lesson] = 0;
      this.#t[lesson] = 0;
      return;
    }
    let squares = 0;
    for (let week = 0; week < weekSums.length; week++) squares += weekSums[week]! * weekSums[week]!;
    this.#sums[lesson] = sum;
    this.#t[lesson] = sum / Math.sqrt(squares);
  }

  #absoluteSum(rows: Uint32Array): number {
    let sum = 0;
    for (let i = 0; i < rows.length; i++) sum += Math.abs(this.#residuals[rows[i]!]!);
    return sum;
  }

  #weeksOf(rows: Uint32Array): number {
    const seen = new Uint8Array(this.#input.weekCount);
    let count = 0;
    for (let i = 0; i < rows.length; i++) {
      const week = this.#input.weeks[rows[i]!]!;
      if (seen[week] === 0) {
        seen[week] = 1;
        count++;
      }
    }
    return count;
  }
}
