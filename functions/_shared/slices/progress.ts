/**
 * Pausing and going on: the way down the tree, written while unwinding and followed on the way back.
 *
 * @module
 */

/** Work between two questions whether to pause: row visits, each a few nanoseconds. Far below a millisecond in all. */
export const WORK_BETWEEN_POLLS = 65_536;

/** What is said when a cursor names a child that is not there. */
export const STRAY_CURSOR = "The cursor leads nowhere in this input: begin again without it.";

/**
 * The bookkeeping of one run. Every node visits its own slices first and then its children in an order that depends on
 * the data alone, so the numbers of the children on the way to the next one to visit say where a run stopped. A
 * continued run walks down that way again without visiting anything, which costs one node's counting per step.
 */
export class Progress {
  readonly #path: readonly number[];
  readonly #shouldPause: (() => boolean) | undefined;
  readonly #limit: number;
  #followed = 0;
  #work = 0;
  #paused: number[] = [];

  constructor(path: readonly number[], shouldPause: (() => boolean) | undefined, workBetweenPolls: number) {
    this.#path = path;
    this.#shouldPause = shouldPause;
    this.#limit = workBetweenPolls;
  }

  /** The child through which a node already visited is left again; `undefined` at a node that has to be visited. */
  follow(): number | undefined {
    return this.#followed < this.#path.length ? this.#path[this.#followed++] : undefined;
  }

  /** Notes work done, in row visits. */
  spend(work: number): void {
    this.#work += work;
  }

  /** Whether to pause before this child; asked of every child but the one that was paused at. */
  pauseBefore(child: number): boolean {
    if (this.#work < this.#limit) return false;
    this.#work = 0;
    if (this.#shouldPause?.() !== true) return false;
    this.#paused.push(child);
    return true;
  }

  /** Notes that a child has paused somewhere below. */
  pausedIn(child: number): void {
    this.#paused.push(child);
  }

  /** The way to where the run paused. */
  get path(): number[] {
    return this.#paused.toReversed();
  }
}
