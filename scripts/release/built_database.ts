/** Databases that are built to be compared. */

import { connect, type Database } from "../stack/database.ts";
import { startEmbedded } from "../stack/embedded.ts";
import { runSqlFiles, type SqlFile } from "../stack/schema_sources.ts";
import { installStandIns } from "../stack/standins.ts";

export interface BuiltDatabase {
  readonly databaseUrl: string;
  readonly sql: Database;
}

/** An embedded database in which the files were run in their order; gone after `cleanup`. */
export async function buildDatabase(
  cleanup: AsyncDisposableStack,
  files: readonly SqlFile[],
): Promise<BuiltDatabase> {
  const embedded = await startEmbedded();
  cleanup.defer(() => embedded.close());
  const sql = connect(embedded.databaseUrl, { max: 1 });
  cleanup.defer(() => sql.end({ timeout: 5 }));
  await installStandIns(sql);
  await runSqlFiles(sql, files);
  return { databaseUrl: embedded.databaseUrl, sql };
}
