/**
 * Serves the edge functions as the platform's runtime does: one process, each function's default export answering
 * under its name, and an environment that holds the platform's variables and nothing else.
 *
 * Arguments: one `name=module-url` per function.
 */

import { endWithParent } from "./child_process.ts";
import { serveLocally } from "./local_server.ts";

interface EdgeFunction {
  fetch(request: Request): Response | Promise<Response>;
}

for (const name of Object.keys(Deno.env.toObject())) {
  if (!name.startsWith("SUPABASE_")) Deno.env.delete(name);
}

const functions = new Map<string, Promise<EdgeFunction>>();
for (const argument of Deno.args) {
  const split = argument.indexOf("=");
  functions.set(argument.slice(0, split), load(argument.slice(split + 1)));
}

const server = serveLocally(0, async (request) => {
  const name = new URL(request.url).pathname.split("/")[1] ?? "";
  const loading = functions.get(name);
  if (loading === undefined) {
    return Response.json({ code: "NOT_FOUND", message: `Function "${name}" was not found.` }, {
      status: 404,
    });
  }
  try {
    return await (await loading).fetch(request);
  } catch (error) {
    // The caller learns that it failed, the log learns why: a message may quote what nobody outside should read.
    report(`Function "${name}" failed`, error);
    return Response.json({ code: "WORKER_ERROR", message: `Function "${name}" failed.` }, { status: 500 });
  }
});

/** Rejections that nobody awaits end one request on the platform, not the server. */
globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  report("Unhandled rejection", event.reason);
});

write(Deno.stdout, JSON.stringify({ port: server.addr.port }));
await endWithParent();

async function load(url: string): Promise<EdgeFunction> {
  const module: { default?: unknown } = await import(url);
  const candidate = module.default;
  if (typeof candidate === "object" && candidate !== null && "fetch" in candidate) {
    if (typeof candidate.fetch === "function") return candidate as EdgeFunction;
  }
  throw new TypeError(`${url} has no default export with a fetch method.`);
}

function report(what: string, error: unknown): void {
  write(Deno.stderr, `${what}: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
}

function write(stream: { writeSync(bytes: Uint8Array): number }, line: string): void {
  stream.writeSync(new TextEncoder().encode(line + "\n"));
}
