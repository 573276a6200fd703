/** The embedded Postgres, reachable over the wire like any other. */

import { PGlite } from "@electric-sql/pglite";
import { pgtap } from "@electric-sql/pglite/pgtap";
import { diskFull, type PgliteServer, servePglite } from "./pglite_server.ts";

export interface EmbeddedDatabase {
  /** Postgres wire address; the role is a superuser, as it is nobody else's machine. */
  readonly databaseUrl: string;
  /** Everything in it, for {@linkcode EmbeddedOptions.copyOf}; nobody may be connected meanwhile. */
  dump(): Promise<Blob>;
  /** Resolves, with the reason, once it cannot be used any more. */
  readonly lost: Promise<Error>;
  close(): Promise<void>;
}

export interface EmbeddedOptions {
  /** Folder to keep the data in; in memory without one. */
  readonly dataDirectory?: string;
  /** Makes `create extension pgtap` possible. */
  readonly pgtap?: boolean;
  /** What another one dumped, to begin with. */
  readonly copyOf?: Blob;
}

export async function startEmbedded(options: EmbeddedOptions = {}): Promise<EmbeddedDatabase> {
  const lock = options.dataDirectory === undefined ? undefined : await lockDirectory(options.dataDirectory);
  let db: PGlite | undefined;
  let server: PgliteServer;
  try {
    db = options.dataDirectory === undefined && options.pgtap !== true && options.copyOf === undefined
      ? await createInMemory()
      : await PGlite.create({
        ...(options.dataDirectory === undefined ? {} : { dataDir: `${options.dataDirectory}/postgres` }),
        ...(options.pgtap === true ? { extensions: { pgtap } } : {}),
        ...(options.copyOf === undefined ? {} : { loadDataDir: options.copyOf, ...await smallOne() }),
      });
    server = await servePglite(db);
  } catch (error) {
    if (!isDiskFull(error)) await db?.close();
    lock?.close();
    throw isDiskFull(error) ? diskFull("it could not be set up") : error;
  }
  let lost = false;
  server.lost.then(() => {
    lost = true;
  });
  return {
    databaseUrl: `postgres://postgres@127.0.0.1:${server.port}/postgres`,
    lost: server.lost,
    dump: () => db.dumpDataDir("none"),
    async close(): Promise<void> {
      await server.close();
      if (!lost) await db.close();
      lock?.close();
    },
  };
}

interface SmallOne {
  readonly pgliteWasmModule: WebAssembly.Module;
  readonly startParams: string[];
}

let compiled: Promise<WebAssembly.Module> | undefined;

/** Copies are many and small: compiling once, and less memory to clear, halves what it takes to start one. */
async function smallOne(): Promise<SmallOne> {
  compiled ??= Deno.readFile(new URL("pglite.wasm", import.meta.resolve("@electric-sql/pglite")))
    .then((bytes) => WebAssembly.compile(bytes));
  return {
    pgliteWasmModule: await compiled,
    startParams: [...PGlite.defaultStartParams, "-c", "shared_buffers=16MB", "-c", "wal_buffers=256kB"],
  };
}

/** ENOSPC, as the library's file system throws it. */
function isDiskFull(error: unknown): boolean {
  return typeof error === "object" && error !== null && "errno" in error && error.errno === 51;
}

let created = 0;
let emptyDatabase: Blob | undefined;

/** Making an empty cluster takes four times as long as loading one, so whoever needs a second one has it kept. */
async function createInMemory(): Promise<PGlite> {
  if (emptyDatabase !== undefined) return await PGlite.create({ loadDataDir: emptyDatabase });
  created += 1;
  const db = await PGlite.create();
  if (created > 1) emptyDatabase = await db.dumpDataDir("none");
  return db;
}

/** Two processes on one folder would destroy it. The lock goes with the process, however that ends. */
async function lockDirectory(directory: string): Promise<Deno.FsFile> {
  await Deno.mkdir(directory, { recursive: true });
  const file = await Deno.open(`${directory}/lock`, { create: true, write: true });
  if (!await file.tryLock(true)) {
    file.close();
    throw new Error(
      `"${directory}" is in use by another stack; stop it, or keep the data in another folder.`,
    );
  }
  return file;
}
