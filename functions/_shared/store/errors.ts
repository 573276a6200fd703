/** What PostgREST says when a call fails. */
interface CallError {
  readonly code?: string;
  readonly message: string;
  readonly details?: string | null;
  readonly hint?: string | null;
}

/** A call to the database that failed: which one, why, and what to do about it. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  /** SQLSTATE, or PostgREST's own code; empty when the database was not reached. */
  readonly code: string;

  constructor(call: string, error: CallError) {
    super([`${call} failed: ${error.message}`, error.details, error.hint].filter(Boolean).join(" – "));
    this.code = error.code ?? "";
  }

  /** Whether the lease passed to another invocation (raised by `learning.require_lease`). */
  get isLeaseLost(): boolean {
    return this.code === "55P03";
  }
}
