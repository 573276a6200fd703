/**
 * Lends a stack the doorbell of a database: the two secrets in its Vault that say where the edge functions are and which key
 * opens them. What was there is kept beside them in the Vault, so that whoever comes next can put it back where a stack was
 * killed.
 */

import { z } from "zod";
import { ADVISORY_LOCKS } from "./advisory_locks.ts";
import { connect, type Database } from "./database.ts";
import { storeSecret } from "./standins.ts";

/** What lends the doorbell of somebody else's database, on the command line of the tasks that start a stack. */
export const TAKE_OVER_FLAG = "--take-over-doorbell";

/** The secrets that the doorbell reads, by their names in the Vault. */
export interface Ring {
  readonly project_url: string;
  readonly edge_function_secret_key: string;
}

export interface DoorbellOptions {
  /** Whether the database is the stack's own, so that whatever its Vault holds is left from an earlier one. */
  readonly own: boolean;
  /** Whether secrets of others may be replaced while the stack runs. */
  readonly takeOver: boolean;
  /** Told what is put back, and what cannot be. */
  readonly onProgress: (message: string) => void;
}

/** One stack's hold on a database. */
export interface Doorbell {
  /** Has the doorbell ring this stack. */
  borrow(ring: Ring): Promise<void>;
  /** Has it ring whomever it rang before. Where that fails, the next stack on the database does it. */
  putBack(): Promise<void>;
  /** Lets another stack have the database. */
  release(): Promise<void>;
}

const DESCRIPTIONS: Readonly<Record<keyof Ring, string>> = {
  project_url: "Where the database reaches the edge functions.",
  edge_function_secret_key: "The key the database calls the edge functions with.",
};
const NAMES = ["project_url", "edge_function_secret_key"] as const;

/** Name of the secret that says what a running stack replaced. */
const LOAN = "edgeloop_doorbell_before_the_stack";
const loanSchema = z.object({
  /** What the stack stored. */
  stack: z.object({ project_url: z.string(), edge_function_secret_key: z.string() }),
  /** What was there before; null where nothing was. */
  former: z.object({
    project_url: z.string().nullable(),
    edge_function_secret_key: z.string().nullable(),
  }),
});
type Loan = z.infer<typeof loanSchema>;

const KEEP_LOCK_MS = 5_000;

/** Throws where another stack has the database, or its Vault holds secrets that are not to be replaced. */
export async function claimDoorbell(
  sql: Database,
  databaseUrl: string,
  options: DoorbellOptions,
): Promise<Doorbell> {
  await using cleanup = new AsyncDisposableStack();
  const holder = connect(databaseUrl, { max: 1, applicationName: "stack's lock", maxLifetime: null });
  cleanup.defer(() => holder.end({ timeout: 5 }));
  const locked = await tryLock(holder);
  // Where another connection gets the same lock (embedded, or behind a pooler) only the Vault can tell.
  const tells = locked && !await tryLock(sql);
  if (locked && !tells) await sql`select pg_advisory_unlock(${ADVISORY_LOCKS.stack})`;

  const left = await readLoan(sql);
  if (!locked || (!tells && !options.own && left !== undefined)) {
    const where = left === undefined ? "" : `, reached at ${left.stack.project_url}`;
    throw new Error(
      `Another stack is running on this database${where}; stop it first, or use another database.`,
    );
  }
  if (left !== undefined) {
    options.onProgress("Putting back the doorbell that an earlier stack was killed with");
    await restore(sql, options.onProgress);
  }
  const mayReplace = options.own || options.takeOver;
  if (!mayReplace) refuseOthers(await readRing(sql));

  if (tells) {
    // A server that was restarted has forgotten the lock; one that is away is asked again the next time.
    const timer = setInterval(() => void keepLock(holder).catch(() => {}), KEEP_LOCK_MS);
    cleanup.defer(() => clearInterval(timer));
  }
  const owned = cleanup.move();
  return {
    async borrow(ring): Promise<void> {
      await sql.begin(async (transaction) => {
        const former = await readRing(transaction);
        if (!mayReplace) refuseOthers(former);
        const loan: Loan = { stack: { ...ring }, former };
        await storeSecret(
          transaction,
          LOAN,
          JSON.stringify(loan),
          "What a running stack puts back when it ends.",
        );
        for (const name of NAMES) await storeSecret(transaction, name, ring[name], DESCRIPTIONS[name]);
      });
    },
    async putBack(): Promise<void> {
      try {
        await restore(sql, options.onProgress);
      } catch (error) {
        options.onProgress(
          `The doorbell could not be put back (${error instanceof Error ? error.message : String(error)}); ` +
            "the next stack on this database does it.",
        );
      }
    },
    release: () => owned.disposeAsync(),
  };
}

type Connection = Pick<Database, "unsafe">;

function refuseOthers(found: Loan["former"]): void {
  const names = NAMES.filter((name) => found[name] !== null);
  if (names.length === 0) return;
  const url = found.project_url === null ? "" : ` (${found.project_url})`;
  throw new Error(
    `The Vault of this database holds ${
      names.join(" and ")
    }${url} of somebody else; ${TAKE_OVER_FLAG} has the ` +
      "doorbell ring this stack while it runs, and puts them back when it ends.",
  );
}

/** Puts back what the Vault says was replaced, unless somebody has changed it since. */
async function restore(sql: Database, onProgress: (message: string) => void): Promise<void> {
  await sql.begin(async (transaction) => {
    const loan = await readLoan(transaction);
    if (loan === undefined) return;
    const now = await readRing(transaction);
    for (const name of NAMES) {
      const former = loan.former[name];
      if (now[name] !== loan.stack[name]) {
        if (now[name] !== former) onProgress(`${name} was changed while the stack ran, and stays as it is`);
      } else if (former === null) await transaction`delete from vault.secrets where name = ${name}`;
      else await storeSecret(transaction, name, former, DESCRIPTIONS[name]);
    }
    await transaction`delete from vault.secrets where name = ${LOAN}`;
  });
}

async function readLoan(sql: Connection): Promise<Loan | undefined> {
  const text = (await readSecrets(sql, [LOAN])).get(LOAN);
  return text === undefined ? undefined : loanSchema.parse(JSON.parse(text));
}

async function readRing(sql: Connection): Promise<Loan["former"]> {
  const secrets = await readSecrets(sql, NAMES);
  return {
    project_url: secrets.get("project_url") ?? null,
    edge_function_secret_key: secrets.get("edge_function_secret_key") ?? null,
  };
}

async function readSecrets(sql: Connection, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const [vault] = await sql.unsafe<{ there: boolean }[]>(
    "select to_regclass('vault.decrypted_secrets') is not null as there",
  );
  if (vault?.there !== true) return new Map();
  const rows = await sql.unsafe<{ name: string; secret: string }[]>(
    "select name, decrypted_secret as secret from vault.decrypted_secrets where name = any($1)",
    [[...names]],
  );
  return new Map(rows.map(({ name, secret }) => [name, secret]));
}

async function tryLock(sql: Database): Promise<boolean> {
  const [row] = await sql<{ got: boolean }[]>`select pg_try_advisory_lock(${ADVISORY_LOCKS.stack}) as got`;
  return row?.got === true;
}

async function keepLock(sql: Database): Promise<void> {
  await sql`
    select pg_try_advisory_lock(${ADVISORY_LOCKS.stack})
    where not exists (
      select from pg_catalog.pg_locks
      where locktype = 'advisory' and objid = ${ADVISORY_LOCKS.stack}::bigint::oid and objsubid = 1 and granted
        and pid = pg_backend_pid() and database = (select oid from pg_database where datname = current_database())
    )`;
}
