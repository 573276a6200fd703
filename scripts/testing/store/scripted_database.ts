/**
 * A database for tests of what speaks to it: a {@linkcode Store} whose calls are recorded and answered by the test.
 *
 * @module
 */

import type { Stopwatch } from "../../../functions/_shared/runtime/budget.ts";
import { type Client, Store } from "../../../functions/_shared/store/store.ts";

/** One call as the database got it. */
export interface RecordedCall {
  /** Name of the RPC, or `insert TABLE`. */
  readonly name: string;
  readonly args: unknown;
}

/** Answers one call; what it throws is what the database answers as an error. */
export type Answer = (args: Readonly<Record<string, unknown>>, times: number) => unknown;

/** What a call's error is made of. */
export class CallFailure extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly details: string | null = null,
    readonly hint: string | null = null,
  ) {
    super(message);
  }
}

/** A store that asks the test instead of a database. */
export class ScriptedDatabase {
  readonly calls: RecordedCall[] = [];
  readonly store: Store;
  readonly #answers: Readonly<Record<string, Answer>>;

  /**
   * @param answers By name of the call; `times` counts its calls from 0. A call without an answer fails the test.
   * @param stopwatch Measures the invocation; the wall clock's where none is given.
   */
  constructor(answers: Readonly<Record<string, Answer>>, stopwatch?: Stopwatch) {
    this.#answers = { "insert learning_log": () => null, ...answers };
    const client = {
      rpc: (name: string, args: unknown) => Promise.resolve().then(() => this.#answer(name, args)),
      from: (table: string) => ({
        insert: (rows: unknown) => Promise.resolve().then(() => this.#answer(`insert ${table}`, rows)),
      }),
    };
    this.store = new Store(client as unknown as Client, stopwatch);
  }

  /** Names of the calls so far, in order. */
  get names(): string[] {
    return this.calls.map(({ name }) => name);
  }

  /** Arguments of the calls of one name, in order. */
  argsOf(name: string): unknown[] {
    return this.calls.filter((call) => call.name === name).map(({ args }) => args);
  }

  #answer(name: string, args: unknown): { data: unknown; error: unknown } {
    const times = this.calls.filter((call) => call.name === name).length;
    this.calls.push({ name, args });
    const answer = this.#answers[name];
    if (answer === undefined) throw new Error(`The test has no answer to ${name}.`);
    try {
      return { data: answer(args as Readonly<Record<string, unknown>>, times), error: null };
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      const { code, message, details, hint } = error;
      return { data: null, error: { code, message, details, hint } };
    }
  }
}
