import { createClient } from "@supabase/supabase-js";
import { z } from "zod";
import { connect } from "../stack/database.ts";
import { DatabaseSink, startSharesIn } from "./database_sink.ts";
import { DEFAULT_SHARES, type Shares } from "./shares.ts";
import { StackSink, type StrandSink } from "./sink.ts";

const STACK_FILE = new URL("../../.edgeloop/stack.json", import.meta.url);

/** A command line that cannot be followed. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const stackSchema = z.object({
  apiUrl: z.url(),
  secretKey: z.string().min(1),
  databaseUrl: z.string().optional(),
});

/** Where strands are learned from. */
export interface RunningStack {
  readonly sink: StrandSink;
  /** The shares that its timeframes start from. */
  readonly shares: Shares;
}

const sharesSchema = z.array(z.object({
  config_data: z.looseObject({ start_shares: z.record(z.string(), z.number()).optional() }),
}));

/** The database at an address, such as that of a project on Supabase. */
export async function openDatabaseStack(databaseUrl: string): Promise<RunningStack> {
  const sql = connect(databaseUrl, { max: 1, applicationName: "edgeloop-import" });
  try {
    return { shares: await startSharesIn(sql), sink: new DatabaseSink(sql) };
  } catch (cause) {
    await sql.end({ timeout: 5 });
    throw new UsageError(
      `The database cannot be fed: ${
        cause instanceof Error ? cause.message : String(cause)
      }. Its address must be that of ` +
        `one to which Edgeloop was pushed.`,
      { cause },
    );
  }
}

/**
 * The stack that `start` left running: by its database where the file of the stack names it, else over its data API.
 */
export async function openRunningStack(): Promise<RunningStack> {
  let text: string;
  try {
    text = await Deno.readTextFile(STACK_FILE);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new UsageError(
      `No stack is running here (${STACK_FILE.pathname} is missing). Run "deno task start" in another terminal, ` +
        `name a database with --db, or write a strand file with --out FILE.ndjson.`,
    );
  }
  const { apiUrl, secretKey, databaseUrl } = stackSchema.parse(JSON.parse(text));
  if (databaseUrl !== undefined) return await openDatabaseStack(databaseUrl);
  const client = createClient(apiUrl, secretKey, {
    auth: { persistSession: false, autoRefreshToken: false },
  });
  const { data, error } = await client.from("learning_configs").select("config_data").eq(
    "module_id",
    "decision_maker",
  );
  if (error) throw new Error(`The configuration cannot be read: ${error.message}`);
  const shares = sharesSchema.parse(data)[0]?.config_data.start_shares ?? DEFAULT_SHARES;
  return { sink: new StackSink(client), shares };
}
