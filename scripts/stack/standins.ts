/**
 * Installs what the platform has and this database lacks, before the migrations go in. Nothing that exists is
 * touched, and an extension the server can create here is left to the migrations.
 */

import { ADVISORY_LOCKS } from "./advisory_locks.ts";
import type { Database } from "./database.ts";

interface StandIn {
  readonly file: string;
  /** True in a database that needs it. */
  readonly missing: string;
}

/** The SQL of the stand-ins. */
export const STAND_INS_DIRECTORY = new URL("standins/", import.meta.url);

const STAND_INS: readonly StandIn[] = [
  { file: "roles.sql", missing: "true" },
  {
    file: "rest.sql",
    missing: "not exists (select from pg_catalog.pg_event_trigger where evtname = 'pgrst_ddl_watch')",
  },
  { file: "auth.sql", missing: "to_regnamespace('auth') is null" },
  { file: "net.sql", missing: `to_regnamespace('net') is null and not ${creatable("pg_net")}` },
  {
    file: "cron.sql",
    missing: `to_regnamespace('cron') is null
      and not (${
      creatable("pg_cron")
    } and current_setting('cron.database_name', true) is not distinct from current_database()::text)`,
  },
  { file: "vault.sql", missing: `to_regnamespace('vault') is null and not ${creatable("supabase_vault")}` },
];

/** Which schemas of the surface are stand-ins here: what a stack has to run itself. */
export interface InstalledStandIns {
  readonly net: boolean;
  readonly cron: boolean;
  readonly vault: boolean;
}

export async function installStandIns(sql: Database): Promise<void> {
  await sql.begin(async (transaction) => {
    await transaction`select pg_advisory_xact_lock(${ADVISORY_LOCKS.install})`;
    for (const standIn of STAND_INS) {
      const [row] = await transaction.unsafe<{ missing: boolean }[]>(
        `select coalesce(${standIn.missing}, false) as missing`,
      );
      if (row?.missing !== true) continue;
      await transaction.unsafe(await Deno.readTextFile(new URL(standIn.file, STAND_INS_DIRECTORY)))
        .simple();
    }
  });
}

/** Tells stand-ins from the extensions: an extension's objects belong to it. */
export async function findStandIns(sql: Database): Promise<InstalledStandIns> {
  const [row] = await sql<InstalledStandIns[]>`
    select to_regclass('net.http_request_queue') is not null
             and not exists (select from pg_catalog.pg_extension where extname = 'pg_net') as net,
           to_regclass('cron.job') is not null
             and not exists (select from pg_catalog.pg_extension where extname = 'pg_cron') as cron,
           to_regclass('vault.secrets') is not null
             and not exists (select from pg_catalog.pg_extension where extname = 'supabase_vault') as vault`;
  return row ?? { net: false, cron: false, vault: false };
}

/** Stores a secret under its name, or replaces the one that is there. */
export async function storeSecret(
  sql: Pick<Database, "unsafe">,
  name: string,
  secret: string,
  description: string,
): Promise<void> {
  const [existing] = await sql.unsafe<{ id: string }[]>(
    "select id::text from vault.decrypted_secrets where name = $1",
    [name],
  );
  await (existing === undefined
    ? sql.unsafe("select vault.create_secret($1, $2, $3)", [secret, name, description])
    : sql.unsafe("select vault.update_secret($1::uuid, $2)", [existing.id, secret]));
}

function creatable(extension: string): string {
  return `exists (select from pg_catalog.pg_available_extensions where name = '${extension}')`;
}
