/**
 * Serves the data API over the stack's database: the part of the platform that supabase-js and curl talk to.
 *
 * Two listeners: the API, which answers nobody without a key, and Studio's own, where a browser on this machine needs
 * none. Settings come as JSON in `DATA_API_SETTINGS`.
 */

import { App, type IAppConfig } from "@supabase/lite";
import { createPostgresConnection } from "@supabase/lite/postgres";
import { endWithParent } from "./child_process.ts";
import { preflightAnswer, readableElsewhere } from "./cors.ts";
import { seeOnly, tellSettingsAtOnce } from "./data_api_connection.ts";
import { WIRE_TYPES } from "./database.ts";
import { serveLocally } from "./local_server.ts";
import { answerStudio } from "./studio.ts";

type Middleware = NonNullable<
  NonNullable<NonNullable<IAppConfig["options"]>["server"]>["middlewares"]
>[number];
type Context = Parameters<Middleware>[0];
type Next = Parameters<Middleware>[1];

interface Settings {
  readonly databaseUrl: string;
  readonly apiUrl: string;
  readonly publishableKey: string;
  readonly secretKey: string;
  readonly jwtSecret: string;
  readonly studio: boolean;
}

/** What the platform gives a session of its API. */
const API_TIMEOUT_MS = 8_000;
const MAX_ROWS = 1_000;
const SCHEMAS = ["public"];

const settings: Settings = JSON.parse(Deno.env.get("DATA_API_SETTINGS") ?? "null");

/** The platform answers with timestamps as JSON has them, the library as Postgres prints them. */
function isoTimestamp(text: string): string {
  return text.replace(
    /^(\d+-\d\d-\d\d) (.*?)([+-]\d\d)?$/,
    (_whole, date: string, time: string, zone?: string) =>
      `${date}T${time}${zone === undefined ? "" : `${zone}:00`}`,
  );
}

const connection = createPostgresConnection({
  url: settings.databaseUrl,
  postgresOptions: {
    max: 8,
    onnotice: () => {},
    connection: {
      application_name: "data API",
      statement_timeout: API_TIMEOUT_MS,
      lock_timeout: API_TIMEOUT_MS,
    },
    // Without these a jsonb argument that arrives as text is encoded a second time.
    types: {
      json: { ...WIRE_TYPES.json, from: [114] },
      jsonb: { ...WIRE_TYPES.jsonb, from: [3802] },
      // Whatever else a client sends for a time is Postgres' to refuse.
      timestamp: { to: 1114, from: [1114], serialize: String, parse: isoTimestamp },
      timestamptz: { to: 1184, from: [1184], serialize: String, parse: isoTimestamp },
    },
  },
});
// Before its first request under row security the library would grant every table to every role, anon included.
// Told that it has done so already, it leaves the privileges to the migrations.
Reflect.set(connection, "rlsState", "active");
tellSettingsAtOnce(connection.driver);
seeOnly(connection, SCHEMAS);

function readSchemaAnew(): void {
  connection.clearSchemaCache().catch((error: unknown) => reportError(error));
}
// Also whenever the connection is back: what was read while the database went away may be nothing at all.
await connection.driver.listen("pgrst", (payload: string) => {
  if (payload === "reload schema") readSchemaAnew();
}, readSchemaAnew);

// The library reads the schema when the app is made, so that waits for the first request.
let api: App | undefined;
let studioApi: App | undefined;

const server = serveLocally(0, async (request) => {
  const { pathname } = new URL(request.url);
  // The library would tell anybody about itself under other paths.
  if (!pathname.startsWith("/rest/v1/")) {
    return Response.json({ message: `Nothing is served at "${pathname}".` }, { status: 404 });
  }
  const preflight = preflightAnswer(request);
  if (preflight !== undefined) return preflight;
  api ??= createApp(false);
  return readableElsewhere(request, await refuseTooDeep(await api.fetch(request, { peerAddress: null })));
});
const studio = settings.studio
  ? serveLocally(0, (request, info) => {
    const app = studioApi ??= createApp(true);
    return answerStudio(request, (asked) => app.fetch(asked, { peerAddress: info.remoteAddr.hostname }));
  })
  : undefined;

Deno.stdout.writeSync(
  new TextEncoder().encode(
    JSON.stringify({ port: server.addr.port, studioPort: studio?.addr.port ?? null }) + "\n",
  ),
);
await endWithParent();

/**
 * A token counts by its signature alone, as on the platform, where the data API knows no table of users. The library
 * looks its subject up unless one is set already; the data API sets the true one when it has checked the signature.
 */
async function trustTokens(context: Context, next: Next): Promise<void> {
  const token = context.req.header("Authorization")?.match(/^Bearer\s+([^.\s]+\.[^.\s]+\.[^.\s]+)$/)?.[1];
  if (token !== undefined && context.req.path.startsWith("/rest/v1/")) {
    context.set("userId", "unchecked");
    context.set("sessionId", "unchecked");
  }
  await next();
}

/** JSON nested too deeply to be read is the client's fault, and the platform answers 413; the library answers 500. */
async function refuseTooDeep(response: Response): Promise<Response> {
  if (response.status !== 500) return response;
  const body = await response.text();
  if (!/stack depth limit exceeded|Maximum call stack size exceeded/.test(body)) {
    return new Response(body, response);
  }
  return Response.json({
    code: "54001",
    message: "The request is nested too deeply",
    details: null,
    hint: "Send arguments of at most some hundred levels.",
  }, { status: 413 });
}

function reportError(error: unknown): void {
  Deno.stderr.writeSync(
    new TextEncoder().encode(`${error instanceof Error ? error.stack : String(error)}\n`),
  );
}

function createApp(admin: boolean): App {
  return new App({
    connection,
    api: { enabled: true, schemas: SCHEMAS, max_rows: MAX_ROWS },
    // Tokens are checked; the sign-in service, which would want tables of its own, is not run.
    auth: {
      enabled: false,
      site_url: settings.apiUrl,
      jwt_secret: settings.jwtSecret,
      publishable_key: settings.publishableKey,
      secret_key: settings.secretKey,
    },
    options: { server: { admin, disableStudio: !admin, middlewares: [trustTokens] } },
  });
}
