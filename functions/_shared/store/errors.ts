import type { z } from "zod";

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
  /** What the database said, with its code. */
  readonly reason: string;

  constructor(call: string, error: CallError) {
    super([`${call} failed: ${error.message}`, error.details, error.hint].filter(Boolean).join(" – "));
    this.code = error.code ?? "";
    this.reason = [error.message, error.details].filter(Boolean).join(" – ") +
      (this.code === "" ? "" : ` (SQLSTATE ${this.code})`);
  }

  /** The database answered, but not in the shape that this version of the functions was written for. */
  static ofAnswer(call: string, { issues }: z.ZodError): StoreError {
    return new StoreError(call, {
      message: "the answer was not understood",
      details: issues.map(({ path, message }) => [path.join("."), message].filter(Boolean).join(": ")).join(
        "; ",
      ),
      hint: "Deploy the functions of the release that the database has.",
    });
  }

  /**
   * Whether what was asked for may be to blame rather than the state of the database: `surely`, for data that it cannot
   * take and limits of its own (classes 21 to 23, 54, P0, XX); `perhaps`, where time or memory ran out, which may as well
   * be for want of either; else `no`.
   */
  get blamesData(): "surely" | "perhaps" | "no" {
    if (/^(2[123]|54|P0|XX)[0-9A-Z]{3}$/.test(this.code)) return "surely";
    return this.code === "57014" || this.code === "53200" ? "perhaps" : "no";
  }

  /** Whether the lease passed to another invocation (raised by `learning.refuse_lost_lease`). */
  get isLeaseLost(): boolean {
    return this.code === "55P03";
  }
}
