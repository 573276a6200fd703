import type { Stack } from "../stack/stack.ts";

/** How long it takes to copy what is in the tables into others that have the same indexes and nothing else. */
export async function copySeconds(stack: Stack, tables: readonly string[]): Promise<number> {
  let seconds = 0;
  for (const table of tables) {
    await stack.query(`create table public.floor (like ${table} including defaults including indexes)`);
    const from = performance.now();
    // Without a way through a client, which would only add to it.
    await stack.query(`insert into public.floor select * from ${table}`);
    seconds += (performance.now() - from) / 1000;
    await stack.query("drop table public.floor");
  }
  return seconds;
}
