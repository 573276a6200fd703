/** Reads a clock in milliseconds; only differences count. */
export type Clock = () => number;

/** Share of the CPU time that is kept back: answers are decoded while they seem to be waited for, and what was done must be saved. */
const RESERVE = 0.15;

/** Tells the time an invocation works from the time it waits for others. */
export class Stopwatch {
  readonly #clock: Clock;
  readonly #startedAt: number;
  #waitedMs = 0;
  /** What is waited for now, and since when anything is. */
  #awaited = 0;
  #waitingSince = 0;

  constructor(clock: Clock = () => performance.now()) {
    this.#clock = clock;
    this.#startedAt = clock();
  }

  /** Awaits something whose time is not this invocation's own; of several at once the time counts once. */
  async waiting<T>(promise: PromiseLike<T>): Promise<T> {
    if (this.#awaited++ === 0) this.#waitingSince = this.#clock();
    try {
      return await promise;
    } finally {
      if (--this.#awaited === 0) this.#waitedMs += this.#clock() - this.#waitingSince;
    }
  }

  /** Does something that is the invocation's own work also while it waits for others. */
  working<T>(work: () => T): T {
    if (this.#awaited === 0) return work();
    const from = this.#clock();
    try {
      return work();
    } finally {
      this.#waitedMs -= this.#clock() - from;
    }
  }

  /** Milliseconds since the invocation began. */
  get elapsedMs(): number {
    return this.#clock() - this.#startedAt;
  }

  /** Milliseconds of them in which it did not wait. */
  get workedMs(): number {
    const waitingMs = this.#awaited === 0 ? 0 : this.#clock() - this.#waitingSince;
    return this.elapsedMs - this.#waitedMs - waitingMs;
  }
}

/** What an invocation may spend. */
export interface Allowance {
  /** CPU time in milliseconds, of which a part is kept for decoding and saving. */
  readonly cpuMs: number;
  /** Time on the wall in milliseconds. */
  readonly wallMs: number;
}

/**
 * Whether an invocation has spent what it may (functions/README.md, "Budget"): CPU time, counted as the time
 * it is not waiting for others, and time on the wall, so that it ends before the platform ends it.
 */
export class Budget {
  readonly #stopwatch: Stopwatch;
  readonly #allowance: Allowance;
  #closed = false;

  constructor(stopwatch: Stopwatch, allowance: Allowance) {
    this.#stopwatch = stopwatch;
    this.#allowance = allowance;
  }

  /** Keeps what is left: the next step may take longer than that. */
  close(): void {
    this.#closed = true;
  }

  /** Whether either allowance is spent, or what is left is kept. */
  get spent(): boolean {
    return this.spentWithin(0);
  }

  /** Whether either allowance will be spent before so many milliseconds of work are done. */
  spentWithin(cpuMs: number): boolean {
    if (this.#closed) return true;
    const { elapsedMs, workedMs } = this.#stopwatch;
    return elapsedMs + cpuMs >= this.#allowance.wallMs ||
      workedMs + cpuMs >= this.#allowance.cpuMs * (1 - RESERVE);
  }
}
