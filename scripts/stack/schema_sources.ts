/** Where the schema is written down: `sql/`, edited by people, and `supabase/migrations/`, generated from it. */

import type { Database } from "./database.ts";

export const SQL_DIRECTORY = new URL("../../sql/", import.meta.url);
export const MIGRATIONS_DIRECTORY = new URL("../../supabase/migrations/", import.meta.url);

export interface SqlFile {
  readonly name: string;
  readonly text: string;
}

/** The SQL files of a folder in the order of their names, which is the order they run in. */
export async function readSqlFiles(directory: URL): Promise<SqlFile[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(directory)) {
    if (entry.isFile && entry.name.endsWith(".sql")) names.push(entry.name);
  }
  return await Promise.all(
    names.sort().map(async (name) => ({ name, text: await Deno.readTextFile(new URL(name, directory)) })),
  );
}

/** Runs the files one after the other, each in a transaction; an error names the file. */
export async function runSqlFiles(sql: Database, files: readonly SqlFile[]): Promise<void> {
  for (const file of files) {
    try {
      await sql.begin((transaction) => transaction.unsafe(file.text).simple());
    } catch (error) {
      throw new Error(`"${file.name}": ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
}
