import { createClient } from "@supabase/supabase-js";
import { z } from "zod";
import { StackSink, type StrandSink } from "./sink.ts";

const STACK_FILE = new URL("../../.edgeloop/stack.json", import.meta.url);

/** A command line that cannot be followed. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const stackSchema = z.object({ apiUrl: z.url(), secretKey: z.string().min(1) });

/** A sink into the stack that `start` left running. */
export async function openStackSink(): Promise<StrandSink> {
  let text: string;
  try {
    text = await Deno.readTextFile(STACK_FILE);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new UsageError(
      `No stack is running here (${STACK_FILE.pathname} is missing). Run "deno task start" in another terminal, ` +
        `or write a strand file with --out FILE.ndjson.`,
    );
  }
  const { apiUrl, secretKey } = stackSchema.parse(JSON.parse(text));
  return new StackSink(
    createClient(apiUrl, secretKey, { auth: { persistSession: false, autoRefreshToken: false } }),
  );
}
