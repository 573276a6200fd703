/** Reads a clock in milliseconds; only differences count. */
export type Clock = () => number;

/** Share of the CPU time that is kept back: answers are decoded while they seem to be waited for, and what was done must be saved. */
const RESERVE = 0.15;

/**
 * What an invocation may spend (spec §6.8): CPU time, counted as the time it is not waiting for others, and time on the
 * wall, so that it ends before the platform ends it.
 */
export class Budget {
  readonly #cpuMs: number;
  readonly #wallMs: number;
  readonly #clock: Clock;
  readonly #startedAt: number;
  #waitedMs = 0;

  /**
   * @param cpuMs CPU time in milliseconds, of which a part is kept for decoding and saving.
   * @param wallMs Time on the wall in milliseconds.
   */
  constructor(cpuMs: number, wallMs: number, clock: Clock = () => performance.now()) {
    this.#cpuMs = cpuMs * (1 - RESERVE);
    this.#wallMs = wallMs;
    this.#clock = clock;
    this.#startedAt = clock();
  }

  /** Awaits something whose time is not this invocation's CPU time. */
  async waiting<T>(promise: Promise<T>): Promise<T> {
    const from = this.#clock();
    try {
      return await promise;
    } finally {
      this.#waitedMs += this.#clock() - from;
    }
  }

  /** Milliseconds since the invocation began. */
  get elapsedMs(): number {
    return this.#clock() - this.#startedAt;
  }

  /** Whether either allowance is spent. */
  get spent(): boolean {
    const elapsed = this.elapsedMs;
    return elapsed >= this.#wallMs || elapsed - this.#waitedMs >= this.#cpuMs;
  }
}
