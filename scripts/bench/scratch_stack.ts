import { createScratchDatabase } from "../stack/scratch.ts";
import { type Stack, startStack } from "../stack/stack.ts";

/** A stack to be measured, closed by `cleanup`: on a scratch database of the server, or embedded where there is none. */
export async function startScratchStack(
  serverUrl: string | null,
  cleanup: AsyncDisposableStack,
): Promise<Stack> {
  const stack = await startStack(
    serverUrl === null ? {} : { databaseUrl: await createScratchDatabase(serverUrl, cleanup) },
  );
  cleanup.defer(() => stack.close());
  return stack;
}
