import type { SupabaseClient } from "@supabase/supabase-js";
import type { z } from "zod";
import { Stopwatch } from "../runtime/budget.ts";
import type { Database, Json } from "./database.types.ts";
import { StoreError } from "./errors.ts";

/** A connection with the rights of the service role. */
export type Client = SupabaseClient<Database>;

type Functions = Database["public"]["Functions"];

/** One line of the learning log (functions/README.md, "Store"). */
export interface LogLine {
  readonly level: "INFO" | "WARNING" | "ERROR";
  readonly component: string;
  readonly event: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * One invocation's line to the database. Answers are read, not believed, and the time until they come is not counted as
 * the invocation's own. Every call throws a {@linkcode StoreError} when it fails.
 */
export class Connection {
  readonly stopwatch: Stopwatch;
  readonly #client: Client;

  constructor(client: Client, stopwatch: Stopwatch = new Stopwatch()) {
    this.#client = client;
    this.stopwatch = stopwatch;
  }

  /** Calls an RPC and reads its answer as the schema says. */
  async call<Name extends keyof Functions & string, Answer>(
    name: Name,
    args: Functions[Name]["Args"],
    schema: z.ZodType<Answer>,
  ): Promise<Answer> {
    const { data, error } = await this.stopwatch.waiting(this.#client.rpc(name, args as never));
    if (error) throw new StoreError(name, error);
    const answer = schema.safeParse(data);
    if (!answer.success) throw StoreError.ofAnswer(name, answer.error);
    return answer.data;
  }

  /** Writes lines of the learning log. */
  async log(lines: readonly LogLine[]): Promise<void> {
    const { error } = await this.stopwatch.waiting(
      this.#client.from("learning_log").insert(
        lines.map((line) => ({ ...line, details: line.details as NonNullable<Json> })),
      ),
    );
    if (error) throw new StoreError("Writing the learning log", error);
  }
}
