/**
 * The database that a proof works in: embedded below `.edgeloop/`, or on a server; kept until the proof is made, so that one
 * that was interrupted goes on.
 *
 * @module
 */

import { encodeHex } from "@std/encoding/hex.js";
import { connect, type Database } from "../stack/database.ts";
import { startEmbedded } from "../stack/embedded.ts";
import { readSqlFiles, runSqlFiles, SQL_DIRECTORY } from "../stack/schema_sources.ts";
import { installStandIns } from "../stack/standins.ts";

const KEPT = new URL("../../.edgeloop/prove/", import.meta.url);

/** An open scratch database. */
export interface Scratch extends AsyncDisposable {
  readonly sql: Database;
  /** Forgets it, once the proof is made. */
  discard(): Promise<void>;
}

/** Names the scratch database of a proof: another name where anything that it depends on is another. */
export async function scratchName(about: readonly string[]): Promise<string> {
  const files = [
    ...await readSqlFiles(SQL_DIRECTORY),
    ...await readSqlFiles(new URL("./", import.meta.url)),
  ];
  const bytes = new TextEncoder().encode(JSON.stringify([about, files]));
  return encodeHex(await crypto.subtle.digest("SHA-256", bytes)).slice(0, 16);
}

/**
 * Opens the scratch database of a name, as it was left or with the schema alone.
 *
 * @param server A server that databases may be made on; embedded without one.
 */
export async function openScratch(name: string, server: string | null): Promise<Scratch> {
  const opened = server === null ? await openEmbedded(name) : await openOnServer(name, server);
  try {
    await install(opened.sql);
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
  return opened;
}

async function install(sql: Database): Promise<void> {
  const [there] = await sql`select from pg_catalog.pg_namespace where nspname = 'prove_ready'`;
  if (there !== undefined) return;
  await installStandIns(sql);
  await runSqlFiles(sql, await readSqlFiles(SQL_DIRECTORY));
  await sql`create schema prove_ready`;
}

async function openEmbedded(name: string): Promise<Scratch> {
  const folder = new URL(`${name}/`, KEPT);
  let discarded = false;
  const embedded = await startEmbedded({ dataDirectory: folder.pathname.replace(/\/$/, "") });
  const sql = connect(embedded.databaseUrl, { max: 1 });
  return {
    sql,
    discard(): Promise<void> {
      discarded = true;
      return Promise.resolve();
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await sql.end({ timeout: 5 });
      await embedded.close();
      if (discarded) await Deno.remove(folder, { recursive: true });
    },
  };
}

async function openOnServer(name: string, server: string): Promise<Scratch> {
  const database = `edgeloop_prove_${name}`;
  const admin = connect(server, { max: 1 });
  let discarded = false;
  try {
    const [there] = await admin`select from pg_catalog.pg_database where datname = ${database}`;
    if (there === undefined) await admin.unsafe(`create database ${database}`);
  } catch (error) {
    await admin.end({ timeout: 5 });
    throw error;
  }
  const url = new URL(server);
  url.pathname = `/${database}`;
  const sql = connect(url.href, { max: 1 });
  return {
    sql,
    discard(): Promise<void> {
      discarded = true;
      return Promise.resolve();
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await sql.end({ timeout: 5 });
      if (discarded) await admin.unsafe(`drop database if exists ${database} with (force)`);
      await admin.end({ timeout: 5 });
    },
  };
}
