// deno-lint-ignore-file no-console -- the console is where the platform shows what a function says
import { withSupabase } from "@supabase/server";
import { type Client, Store } from "../store/store.ts";

/**
 * An edge function that only the secret key may call: hands the database and the request's JSON body to `work` and answers
 * with what it returns. A failure is written to the learning log and the console, and answered with 500.
 *
 * @param component Name of the function, for the log.
 */
export function serveWithSecret(
  component: string,
  work: (store: Store, body: Readonly<Record<string, unknown>>) => Promise<object>,
): (request: Request) => Promise<Response> {
  return withSupabase({ auth: "secret" }, async (request, context) => {
    const store = new Store(context.supabaseAdmin as unknown as Client);
    try {
      const report = await work(store, await bodyOf(request));
      console.log(
        JSON.stringify({ level: "INFO", component, event: "invocation_completed", details: report }),
      );
      return Response.json(report);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const line = { level: "ERROR" as const, component, event: "invocation_failed", message, details: {} };
      console.error(
        JSON.stringify({ ...line, details: { stack: error instanceof Error ? error.stack : null } }),
      );
      await store.log([line]).catch((failure: unknown) => console.error(String(failure)));
      return Response.json({ error: message }, { status: 500 });
    }
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
