/**
 * Everything Edgeloop runs on, on one machine: a database with the migrations in it, the data API, the edge
 * functions, and whatever of the platform the database itself does not bring.
 */

import { pathToFileURL } from "node:url";
import { parse as parseToml } from "@std/toml/parse.js";
import { encodeBase64Url } from "@std/encoding/base64url.js";
import { SignJWT } from "jose";
import { push } from "../supabase_cli.ts";
import { ChildServer } from "./child_server.ts";
import { startCronScheduler } from "./cron_scheduler.ts";
import { connect, type Database } from "./database.ts";
import { claimDoorbell } from "./doorbell.ts";
import { type EmbeddedDatabase, startEmbedded } from "./embedded.ts";
import { refuseGuests } from "./guests.ts";
import { serveLocally } from "./local_server.ts";
import { type NetWorker, startNetWorker } from "./net_worker.ts";
import { findStandIns, installStandIns } from "./standins.ts";

export interface StackOptions {
  /** A Postgres 15 or newer; without one an embedded database is started. */
  readonly databaseUrl?: string;
  /** Port of the API on 127.0.0.1; 0, the default, takes any free one. */
  readonly port?: number;
  /** Folder that keeps the embedded database; in memory without one. */
  readonly dataDirectory?: string;
  /** Whether the stand-in for pg_cron runs its jobs by the clock (default false). A real pg_cron always does. */
  readonly schedule?: boolean;
  /** Whether to apply `supabase/migrations` with the Supabase CLI (default true). */
  readonly push?: boolean;
  /** Whether Studio is served, on a port of its own that needs no key (default false). */
  readonly studio?: boolean;
  /** Answers browsers at the root of the API's own address, given the key that a page may know; nothing by default. */
  readonly page?: (publishableKey: string) => Promise<Response>;
  /** Whether `.edgeloop/stack.json` is written, and removed again at the end (default false). */
  readonly writeStackFile?: boolean;
  /** Folder that holds `supabase/config.toml`; the repository by default. */
  readonly workdir?: string;
  /**
   * Whether a doorbell that rings somebody else may ring this stack while it runs (default false). In a database of the
   * stack's own it always may.
   */
  readonly takeOverDoorbell?: boolean;
  /** Folder of another checkout, whose edge functions are served as it serves them. */
  readonly functionsOf?: string;
  /** Gives up when it is aborted before the stack is up, with its reason. */
  readonly signal?: AbortSignal;
  /** Where the functions find the data API, given its true address: what tests put faults in between with. */
  readonly dataApiSeenByFunctions?: (apiUrl: string) => string;
  /** Told what happens, a line at a time, errors of the functions included. */
  readonly onProgress?: (message: string) => void;
  /** Told every line the functions write to the console; by default errors and warnings go to `onProgress`. */
  readonly onFunctionLog?: (line: string, stream: "stdout" | "stderr") => void;
}

export interface Stack {
  readonly apiUrl: string;
  readonly functionsUrl: string;
  readonly publishableKey: string;
  readonly secretKey: string;
  /** Null when Studio is not served. */
  readonly studioUrl: string | null;
  /** Postgres wire address, of the embedded database too. */
  readonly databaseUrl: string;
  /**
   * Runs SQL as the owner of the database. Rows come as plain JSON would have them: dates as text, numbers as numbers
   * where that is exact. Parameters are `$1`, `$2`, …; jsonb ones may be given as values or as text.
   */
  query<T extends object = Record<string, unknown>>(
    sql: string,
    parameters?: readonly unknown[],
  ): Promise<T[]>;
  /** A user's access token that the data API accepts; role authenticated unless the claims say otherwise. */
  signJwt(claims: Readonly<Record<string, unknown>>): Promise<string>;
  /** Resolves once no request is queued or on its way and no function is running. */
  settle(): Promise<void>;
  /** Ends the functions' process as a crash would; the next request starts a new one. */
  killFunctions(): Promise<void>;
  /** Resolves, with the reason, once the embedded database cannot be used any more; then only `close` is of use. */
  readonly lost: Promise<Error>;
  close(): Promise<void>;
}

/** Where a running stack tells others on this machine how to reach it. */
export const STACK_FILE = new URL("../../.edgeloop/stack.json", import.meta.url);

const REPOSITORY = new URL("../..", import.meta.url).pathname;

/** Starts a stack; whatever was started is stopped again when a later part fails. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  await using cleanup = new AsyncDisposableStack();
  const progress = options.onProgress ?? ((): void => {});
  const report = (error: unknown): void =>
    progress(`Error: ${error instanceof Error ? error.message : String(error)}`);
  const workdir = options.workdir ?? REPOSITORY;

  const publishableKey = `sb_publishable_${randomText(24)}`;
  // Before anything that takes time: the port may be taken. What answers comes later, and needs the address.
  const parts: { functions?: ChildServer; dataApi?: ChildServer } = {};
  const server = listen(options.port ?? 0, async (request) => {
    const url = new URL(request.url);
    const path = url.pathname + url.search;
    if (path.startsWith("/functions/v1/")) {
      return await (parts.functions?.fetch(request, path.slice("/functions/v1".length)) ?? starting());
    }
    if (path.startsWith("/rest/v1/")) return await (parts.dataApi?.fetch(request, path) ?? starting());
    if (url.pathname === "/" && options.page !== undefined && ["GET", "HEAD"].includes(request.method)) {
      return await options.page(publishableKey);
    }
    return Response.json({ message: `Nothing is served at "${url.pathname}".` }, { status: 404 });
  });
  cleanup.defer(() => server.shutdown());
  const apiUrl = `http://127.0.0.1:${server.addr.port}`;

  let databaseUrl = options.databaseUrl;
  let embedded: EmbeddedDatabase | undefined;
  if (databaseUrl === undefined) {
    progress("Starting the embedded Postgres");
    embedded = await startEmbedded(
      options.dataDirectory === undefined ? {} : { dataDirectory: options.dataDirectory },
    );
    const { close } = embedded;
    cleanup.defer(() => close());
    databaseUrl = embedded.databaseUrl;
  }
  const lost = embedded?.lost ?? new Promise<Error>(() => {});
  let loss: Error | undefined;
  lost.then((error) => {
    loss = error;
  });
  options.signal?.throwIfAborted();

  const sql = connect(databaseUrl, { applicationName: "stack" });
  cleanup.defer(() => sql.end({ timeout: 5 }));
  await requireVersion15(sql);
  if (options.push ?? true) await refuseGuests(sql);
  const doorbell = await claimDoorbell(sql, databaseUrl, {
    own: options.databaseUrl === undefined,
    takeOver: options.takeOverDoorbell ?? false,
    onProgress: progress,
  });
  cleanup.defer(() => doorbell.release());
  await installStandIns(sql);

  const secretKey = `sb_secret_${randomText(24)}`;
  const jwtSecret = randomText(48);

  const functionNames = await readFunctions(options.functionsOf ?? workdir);
  const functionLog = options.onFunctionLog ??
    ((line: string, stream: "stdout" | "stderr"): void => {
      if (stream === "stderr") progress(`[functions] ${line}`);
    });
  const functions = new ChildServer({
    name: "functions",
    script: options.functionsOf === undefined
      ? new URL("functions_server.ts", import.meta.url)
      : pathToFileURL(`${options.functionsOf}/scripts/stack/functions_server.ts`),
    permissions: ["--allow-net", "--allow-env", "--allow-read", "--allow-sys"],
    args: functionNames.map(([name, url]) => `${name}=${url}`),
    env: {
      SUPABASE_URL: options.dataApiSeenByFunctions?.(apiUrl) ?? apiUrl,
      SUPABASE_SECRET_KEYS: JSON.stringify({ default: secretKey }),
      SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: publishableKey }),
    },
    onLine: functionLog,
  });
  cleanup.defer(() => functions.close());
  const dataApi = new ChildServer({
    name: "data API",
    script: new URL("data_api_server.ts", import.meta.url),
    permissions: ["--allow-all"],
    env: {
      LITE_TELEMETRY: "0",
      DO_NOT_TRACK: "1",
      DATA_API_SETTINGS: JSON.stringify({
        databaseUrl,
        apiUrl,
        publishableKey,
        secretKey,
        jwtSecret,
        studio: options.studio ?? false,
      }),
    },
    // It writes every refused request to the console; the client was told already.
    onLine: (line) => {
      if (Deno.env.get("EDGELOOP_VERBOSE") === "1") progress(`[data API] ${line}`);
    },
  });
  cleanup.defer(() => dataApi.close());

  progress("Starting the data API and the edge functions");
  const started = Promise.all([dataApi.start(), functions.start()]);
  // The failure is reported where it is awaited, below.
  started.catch(() => {});
  const orLost = lost.then((error): never => {
    throw error;
  });
  orLost.catch(() => {});
  options.signal?.throwIfAborted();
  if (options.push ?? true) {
    progress("Pushing the migrations");
    await Promise.race([push(databaseUrl, { workdir }), orLost]);
  }
  const [{ studioPort }] = await Promise.race([started, orLost]);
  parts.functions = functions;
  parts.dataApi = dataApi;

  options.signal?.throwIfAborted();
  cleanup.defer(() => loss === undefined ? doorbell.putBack() : undefined);
  await doorbell.borrow({ project_url: apiUrl, edge_function_secret_key: secretKey });

  const standIns = await findStandIns(sql);
  let netWorker: NetWorker | undefined;
  if (standIns.net) {
    netWorker = await startNetWorker(sql, report);
    cleanup.defer(() => netWorker?.close());
  }
  if (standIns.cron && options.schedule === true) {
    const scheduler = await startCronScheduler(sql, report);
    cleanup.defer(() => scheduler.close());
  }

  const addresses = {
    apiUrl,
    functionsUrl: `${apiUrl}/functions/v1`,
    publishableKey,
    secretKey,
    studioUrl: typeof studioPort === "number" ? `http://127.0.0.1:${studioPort}` : null,
    databaseUrl,
  };
  if (options.writeStackFile === true) {
    await Deno.mkdir(new URL(".", STACK_FILE), { recursive: true });
    await Deno.writeTextFile(STACK_FILE, JSON.stringify(addresses, null, 2) + "\n", { mode: 0o600 });
    // One that a killed stack left keeps its mode otherwise.
    await Deno.chmod(STACK_FILE, 0o600);
    cleanup.defer(() => Deno.remove(STACK_FILE).catch(() => {}));
  }

  const owned = cleanup.move();
  return {
    ...addresses,
    async query<T extends object>(text: string, parameters: readonly unknown[] = []): Promise<T[]> {
      // deno-lint-ignore no-explicit-any -- the driver types parameters by its own serialisers
      return [...await sql.unsafe<T[]>(text, parameters as any[])] as T[];
    },
    async signJwt(claims): Promise<string> {
      const now = Math.floor(Date.now() / 1_000);
      return await new SignJWT({
        iss: `${apiUrl}/auth/v1`,
        aud: "authenticated",
        role: "authenticated",
        sub: crypto.randomUUID(),
        iat: now,
        exp: now + 3_600,
        ...claims,
      }).setProtectedHeader({ alg: "HS256", typ: "JWT" }).sign(new TextEncoder().encode(jwtSecret));
    },
    async settle(): Promise<void> {
      while (true) {
        await functions.idle();
        const before = functions.started;
        await (netWorker?.idle() ?? queueDrained(sql));
        if (functions.inFlight === 0 && functions.started === before) return;
      }
    },
    lost,
    killFunctions: () => functions.kill(),
    close: () => owned.disposeAsync(),
  };
}

/** The functions and their modules, as `supabase/config.toml` declares them. */
async function readFunctions(workdir: string): Promise<[name: string, url: string][]> {
  const file = `${workdir.replace(/\/$/, "")}/supabase/config.toml`;
  const config: { functions?: Record<string, { enabled?: boolean; entrypoint?: string }> } = parseToml(
    await Deno.readTextFile(file),
  );
  return Object.entries(config.functions ?? {})
    .filter(([, settings]) => settings.enabled !== false)
    .map(([name, settings]) => [
      name,
      new URL(settings.entrypoint ?? `./functions/${name}/index.ts`, `file://${file}`).href,
    ]);
}

async function requireVersion15(sql: Database): Promise<void> {
  const [row] = await sql<{ number: number; version: string }[]>`
    select current_setting('server_version_num')::integer as number, current_setting('server_version') as version`;
  if (row === undefined || row.number < 150_000) {
    throw new Error(`Postgres ${row?.version ?? "of unknown version"} is too old, 15 or newer is needed.`);
  }
}

function listen(
  port: number,
  handler: (request: Request) => Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return serveLocally(port, handler);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new Error(`Port ${port} is taken by another program; choose another with --port.`, {
      cause: error,
    });
  }
}

function starting(): Promise<Response> {
  return Promise.resolve(Response.json({ message: "The stack is still starting." }, { status: 503 }));
}

function randomText(bytes: number): string {
  return encodeBase64Url(crypto.getRandomValues(new Uint8Array(bytes)));
}

/** With a real pg_net the queue table is all there is to see. */
async function queueDrained(sql: Database): Promise<void> {
  while (true) {
    const [row] = await sql<
      { waiting: boolean }[]
    >`select exists (select from net.http_request_queue) as waiting`;
    if (row?.waiting !== true) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
