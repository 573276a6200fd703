/**
 * Databases with the rights that a hosted project gives: see the role it pushes with.
 *
 * @module
 */

import { connect, type Database } from "../stack/database.ts";
import { installStandIns } from "../stack/standins.ts";
import { createTestDatabase, type Target } from "./databases.ts";

/** What a project's default privileges give away, by the project's age. */
export const DEFAULT_PRIVILEGES = {
  newer: `alter default privileges for role %OWNER% revoke execute on functions from public`,
  older: `
    alter default privileges for role %OWNER% in schema public grant all on tables to anon, authenticated, service_role;
    alter default privileges for role %OWNER% in schema public grant all on sequences to anon, authenticated, service_role;
    alter default privileges for role %OWNER% in schema public grant all on functions to anon, authenticated, service_role`,
} as const;

/** A database as a hosted project has it. */
export interface Project extends AsyncDisposable {
  /** As a superuser. */
  readonly admin: Database;
  /** As the role that pushes, which is none. */
  readonly owner: Database;
  readonly ownerUrl: string;
}

/** A database as a hosted project has it: the platform's surface belongs to the platform, the rest to the owner. */
export async function createProject(
  target: Target,
  privileges: keyof typeof DEFAULT_PRIVILEGES,
): Promise<Project> {
  const cleanup = new AsyncDisposableStack();
  const database = cleanup.use(await createTestDatabase(target));
  const admin = database.sql;
  await installStandIns(admin);
  const owner = `edgeloop_owner_${crypto.randomUUID().slice(0, 8)}`;
  const password = crypto.randomUUID();
  // As the scripts that the platform runs after it has created an extension grant it.
  await admin.unsafe(`
    create role ${owner} login createdb createrole bypassrls nosuperuser password '${password}';
    grant anon, authenticated, service_role to ${owner} with admin option;
    grant create, connect, temporary on database ${
    new URL(database.databaseUrl).pathname.slice(1)
  } to ${owner};
    grant usage, create on schema public, extensions to ${owner};
    grant usage on schema auth, cron, net, vault to ${owner};
    grant all on all tables in schema cron, net to ${owner};
    revoke all on cron.job from ${owner};
    grant select on cron.job to ${owner};
    grant select, delete, truncate, references on vault.secrets, vault.decrypted_secrets to ${owner};
    grant execute on all functions in schema auth, cron, net, vault to ${owner};
    grant set on parameter session_replication_role to ${owner};
    ${DEFAULT_PRIVILEGES[privileges].replaceAll("%OWNER%", owner)}`).simple();
  cleanup.defer(async () => {
    if (target === "embedded") return;
    await admin.unsafe(`drop owned by ${owner} cascade; drop role ${owner}`).simple();
  });
  const url = new URL(database.databaseUrl);
  url.username = owner;
  url.password = password;
  const sql = connect(url.href);
  cleanup.defer(() => sql.end({ timeout: 5 }));
  return { admin, owner: sql, ownerUrl: url.href, [Symbol.asyncDispose]: () => cleanup.disposeAsync() };
}
