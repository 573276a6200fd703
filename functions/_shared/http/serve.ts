// deno-lint-ignore-file no-console -- the console is where the platform shows what a function says
import "./pins.ts";
import { withSupabase } from "@supabase/server";
import { visible } from "../runtime/visible.ts";
import { type Client, Store } from "../store/store.ts";

/**
 * An edge function that only the secret key may call: hands the database and the request's JSON body to `work` and answers
 * with what it returns. A failure is written to the learning log and the console, and answered with 500. Whatever is neither
 * a POST nor a browser's question whether it may (OPTIONS) is answered with 405.
 *
 * @param component Name of the function, for the log.
 */
export function serveWithSecret(
  component: string,
  work: (store: Store, body: Readonly<Record<string, unknown>>) => Promise<object>,
): (request: Request) => Promise<Response> {
  // By it learning_health knows the loop's own answers from others in the same database.
  const headers = { "x-edgeloop-function": component };
  const serve = withSupabase({ auth: "secret" }, async (request, context) => {
    const store = new Store(context.supabaseAdmin as unknown as Client);
    try {
      const report = await work(store, await bodyOf(request));
      console.log(
        visible(
          JSON.stringify({ level: "INFO", component, event: "invocation_completed", details: report }),
        ),
      );
      return Response.json(report, { headers });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const line = { level: "ERROR" as const, component, event: "invocation_failed", message, details: {} };
      console.error(
        visible(JSON.stringify({ ...line, details: { stack: error instanceof Error ? error.stack : null } })),
      );
      await store.log([line]).catch((failure: unknown) => console.error(visible(String(failure))));
      return Response.json({ error: message }, { status: 500, headers });
    }
  });
  return async (request) =>
    request.method === "POST" || request.method === "OPTIONS"
      ? await serve(request)
      : notAllowed(component, request.method);
}

function notAllowed(component: string, method: string): Response {
  return Response.json({ message: `"${component}" answers POST alone, not ${method}.` }, {
    status: 405,
    headers: { allow: "POST, OPTIONS" },
  });
}

/** The request's JSON object; an empty or other body counts as an empty one, since a doorbell needs no words. */
async function bodyOf(request: Request): Promise<Readonly<Record<string, unknown>>> {
  try {
    const body: unknown = await request.json();
    return typeof body === "object" && body !== null ? body as Record<string, unknown> : {};
  } catch {
    return {};
  }
}
