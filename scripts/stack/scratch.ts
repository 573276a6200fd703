/** Databases made for one purpose on a server, and dropped again. */

import { connect } from "./database.ts";

/**
 * Creates a database, empty or a copy of `template`, on the server at `serverUrl` and returns its address. The role there
 * must be allowed to create databases.
 */
export async function createScratchDatabase(
  serverUrl: string,
  cleanup: AsyncDisposableStack,
  template?: string,
): Promise<string> {
  const name = `edgeloop_scratch_${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;
  const admin = connect(serverUrl, { max: 1 });
  cleanup.defer(async () => {
    await admin.unsafe(`drop database if exists ${name} with (force)`);
    await admin.end({ timeout: 5 });
  });
  await admin.unsafe(`create database ${name}${template === undefined ? "" : ` template ${template}`}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}
