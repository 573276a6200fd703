// deno-lint-ignore-file no-console -- what goes to the console is part of what is tested
import { assert, assertEquals, assertFalse } from "@std/assert/mod.js";
import { SignJWT } from "jose";
import { serveWithSecret } from "./serve.ts";

const SECRET = "sb_secret_of_this_test";
const PUBLISHABLE = "sb_publishable_of_this_test";

interface Written {
  readonly path: string;
  readonly apikey: string | null;
  readonly body: unknown;
}

/** A data API that takes everything, and the environment an edge function finds itself in. */
function startPlatform(cleanup: AsyncDisposableStack): Written[] {
  const written: Written[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: (): void => {} }, async (request) => {
    const path = new URL(request.url).pathname;
    written.push({ path, apikey: request.headers.get("apikey"), body: await request.json() });
    return path.endsWith("/rpc/get_pm_config")
      ? Response.json({ n_min: 33 })
      : new Response(null, { status: 201 });
  });
  cleanup.defer(() => server.shutdown());
  const environment: Record<string, string> = {
    SUPABASE_URL: `http://127.0.0.1:${server.addr.port}`,
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: SECRET }),
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: PUBLISHABLE }),
  };
  for (const [name, value] of Object.entries(environment)) {
    const former = Deno.env.get(name);
    Deno.env.set(name, value);
    cleanup.defer(() => former === undefined ? Deno.env.delete(name) : Deno.env.set(name, former));
  }
  return written;
}

/** Keeps what is written to the console. */
function hearConsole(cleanup: AsyncDisposableStack): string[] {
  const heard: string[] = [];
  for (const method of ["log", "error"] as const) {
    const former = console[method];
    console[method] = (line: string): void => void heard.push(line);
    cleanup.defer(() => {
      console[method] = former;
    });
  }
  return heard;
}

function post(headers: Record<string, string>, body: BodyInit | null = null): Request {
  return new Request("http://127.0.0.1/functions/v1/any", { method: "POST", headers, body });
}

Deno.test("the secret key gets the report of the work, which has the database", async () => {
  await using cleanup = new AsyncDisposableStack();
  const written = startPlatform(cleanup);
  const heard = hearConsole(cleanup);
  const serve = serveWithSecret("some-function", async (store) => ({ config: await store.readConfig() }));
  const response = await serve(post({ apikey: SECRET }));
  assertEquals([response.status, await response.json()], [200, { config: { n_min: 33 } }]);
  assertEquals(written.map(({ path, apikey }) => [path, apikey]), [["/rest/v1/rpc/get_pm_config", SECRET]]);
  assertEquals(heard.map((line) => JSON.parse(line)), [{
    level: "INFO",
    component: "some-function",
    event: "invocation_completed",
    details: { config: { n_min: 33 } },
  }]);
});

Deno.test("nothing but the secret key gets any work done", async () => {
  await using cleanup = new AsyncDisposableStack();
  const written = startPlatform(cleanup);
  hearConsole(cleanup);
  let worked = 0;
  const serve = serveWithSecret("some-function", () => {
    worked++;
    return Promise.resolve({});
  });
  const jwt = await new SignJWT({ role: "service_role", app_metadata: { learning_role: "pm" } })
    .setProtectedHeader({ alg: "HS256" }).setIssuedAt().setExpirationTime("1h").sign(
      new TextEncoder().encode("x".repeat(32)),
    );
  const attempts: Record<string, string>[] = [
    {},
    { apikey: "" },
    { apikey: PUBLISHABLE },
    { apikey: `${SECRET}x` },
    { apikey: SECRET.slice(0, -1) },
    { authorization: `Bearer ${SECRET}` },
    { authorization: `Bearer ${jwt}` },
    { apikey: PUBLISHABLE, authorization: `Bearer ${jwt}` },
    { apikey: jwt },
  ];
  for (const headers of attempts) {
    const response = await serve(post(headers));
    assertEquals(response.status, 401, JSON.stringify(headers));
    assertFalse((await response.text()).includes(SECRET));
  }
  assertEquals([worked, written.length], [0, 0]);
});

Deno.test("whatever is no POST gets no work done, with the secret key or without", async () => {
  await using cleanup = new AsyncDisposableStack();
  startPlatform(cleanup);
  hearConsole(cleanup);
  let worked = 0;
  const serve = serveWithSecret("some-function", () => {
    worked++;
    return Promise.resolve({});
  });
  for (const method of ["GET", "HEAD", "PUT", "PATCH", "DELETE"]) {
    for (const headers of [{}, { apikey: SECRET }]) {
      const response = await serve(new Request("http://127.0.0.1/functions/v1/any", { method, headers }));
      assertEquals([response.status, response.headers.get("allow")], [405, "POST, OPTIONS"], method);
      const { message } = await response.json();
      assertEquals(message, `"some-function" answers POST alone, not ${method}.`);
    }
  }
  const asked = await serve(
    new Request("http://127.0.0.1/functions/v1/any", {
      method: "OPTIONS",
      headers: { origin: "http://example.com", "access-control-request-method": "POST" },
    }),
  );
  assertEquals([asked.status, asked.headers.get("access-control-allow-origin")], [204, "*"]);
  assertEquals(worked, 0);
});

Deno.test("the body is an object or counts as an empty one: a doorbell needs no words", async () => {
  await using cleanup = new AsyncDisposableStack();
  startPlatform(cleanup);
  hearConsole(cleanup);
  const serve = serveWithSecret("some-function", (_, body) => Promise.resolve({ body }));
  const bodies: (readonly [BodyInit | null, unknown])[] = [
    ['{"continue": true}', { continue: true }],
    [null, {}],
    ["", {}],
    ["{", {}],
    ["null", {}],
    ["3", {}],
    [new Uint8Array([0xff, 0xfe]), {}],
  ];
  for (const [body, expected] of bodies) {
    assertEquals(await (await serve(post({ apikey: SECRET }, body))).json(), { body: expected });
  }
});

Deno.test("a failure is answered with 500 and its reason, in the log and on the console too", async () => {
  await using cleanup = new AsyncDisposableStack();
  const written = startPlatform(cleanup);
  const heard = hearConsole(cleanup);
  const serve = serveWithSecret("some-function", () => Promise.reject(new TypeError("the trade has no end")));
  const response = await serve(post({ apikey: SECRET }));
  assertEquals([response.status, await response.json()], [500, { error: "the trade has no end" }]);
  const line = {
    level: "ERROR",
    component: "some-function",
    event: "invocation_failed",
    message: "the trade has no end",
  };
  assertEquals(written.map(({ path, body }) => [path, body]), [["/rest/v1/learning_log", [{
    ...line,
    details: {},
  }]]]);
  // Where it happened is for the console alone.
  const { details, ...spoken } = JSON.parse(heard[0] ?? "");
  assertEquals(spoken, line);
  assert(details.stack.includes("serve.test.ts"), details.stack);
});

Deno.test("a failure is answered even when it cannot be logged", async () => {
  await using cleanup = new AsyncDisposableStack();
  startPlatform(cleanup);
  const heard = hearConsole(cleanup);
  // Nothing listens there.
  Deno.env.set("SUPABASE_URL", "http://127.0.0.1:9");
  const serve = serveWithSecret("some-function", () => Promise.reject(new Error("first")));
  assertEquals((await serve(post({ apikey: SECRET }))).status, 500);
  assertEquals(heard.length, 2);
  assert(heard[1]?.includes("Writing the learning log failed"), heard[1]);
});

Deno.test("control characters in a report or a failure are shown on the console, not obeyed", async () => {
  await using cleanup = new AsyncDisposableStack();
  startPlatform(cleanup);
  const heard = hearConsole(cleanup);
  const hostile = "a\x9b2J\x7f\u202eb\x1b[2J";
  await serveWithSecret("some-function", () => Promise.resolve({ hostile }))(post({ apikey: SECRET }));
  await serveWithSecret("some-function", () => Promise.reject(new Error(hostile)))(post({ apikey: SECRET }));
  assertEquals(heard.filter((line) => /[\p{Cc}\p{Bidi_Control}]/u.test(line)), []);
  assertEquals(JSON.parse(heard[0] ?? "").details, { hostile });
  assertEquals(JSON.parse(heard[1] ?? "").message, hostile);
});
