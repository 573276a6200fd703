import { DEFAULT_SHARES } from "./shares.ts";
import { FileSink } from "./sink.ts";
import { openDatabaseStack, openRunningStack, type RunningStack } from "./stack_sink.ts";

/** Opens what the command line names: a strand file, a database, or the stack that runs. */
export async function openDestination(
  { out, db }: { readonly out: string | null; readonly db: string | null },
): Promise<RunningStack> {
  if (out !== null) return { sink: new FileSink(out), shares: DEFAULT_SHARES };
  return db === null ? await openRunningStack() : await openDatabaseStack(db);
}
