/** The side of a child server that runs in the child. */

/** Ends this process when stdin does: when the parent is gone, however it went. */
export async function endWithParent(): Promise<never> {
  for await (const _ of Deno.stdin.readable) continue;
  Deno.exit(0);
}
