/** A report: the screen with the rows of one moment in it. */

import { pageOf, parts } from "./build.ts";
import { takeSnapshot } from "./snapshot.ts";

export async function writeReport(file: string, databaseUrl: string): Promise<{ readonly bytes: number }> {
  const [built, snapshot] = await Promise.all([parts(), takeSnapshot(databaseUrl)]);
  const page = new TextEncoder().encode(pageOf(built, {}, snapshot));
  await Deno.writeFile(file, page);
  return { bytes: page.length };
}
