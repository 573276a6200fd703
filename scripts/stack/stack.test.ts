import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert/mod.js";
import { delay } from "@std/async/delay.js";
import {
  createServerDatabase,
  CRON_DATABASE_VARIABLE,
  type Target,
  testOnEachTarget,
} from "../testing/databases.ts";
import { connect } from "./database.ts";
import { type Stack, type StackOptions, startStack } from "./stack.ts";

const FUNCTIONS = ["aggregate-strands", "mine-lessons", "mine-tuning", "materialize-overrides"];

async function startTestStack(
  target: Target,
  cleanup: AsyncDisposableStack,
  errors: string[] = [],
  options: StackOptions = {},
): Promise<Stack> {
  const stack = await startStack({
    ...options,
    ...(target === "embedded" ? {} : { databaseUrl: await createServerDatabase(cleanup) }),
    onFunctionLog: (line, stream) => {
      if (stream === "stderr") errors.push(line);
    },
  });
  cleanup.defer(() => stack.close());
  return stack;
}

/** The answer to a request that names another host, as it comes over the wire. */
async function askAs(host: string, url: string, path: string, key: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
  const lines = [`GET ${path} HTTP/1.1`, `Host: ${host}`, `apikey: ${key}`, "Connection: close", "", ""];
  await connection.write(new TextEncoder().encode(lines.join("\r\n")));
  return await new Response(connection.readable).text();
}

async function vaultOf(stack: Stack): Promise<{ name: string; secret: string }[]> {
  return await stack.query(
    "select name, decrypted_secret as secret from vault.decrypted_secrets where name = any($1) order by name",
    [["project_url", "edge_function_secret_key"]],
  );
}

async function call(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  init: RequestInit = {},
): Promise<{ status: number; body: string }> {
  const response = await fetch(url, { ...init, headers: { "content-type": "application/json", ...headers } });
  return { status: response.status, body: await response.text() };
}

testOnEachTarget("nobody without a role of ours reads a table, with or without a key", async (target) => {
  await using cleanup = new AsyncDisposableStack();
  const stack = await startTestStack(target, cleanup);
  const relations = await stack.query<{ name: string }>(
    "select c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v', 'm', 'p')",
  );
  assert(relations.length > 10);
  const forged = await stack.signJwt({ user_metadata: { learning_role: "pm" } });
  const pm = await stack.signJwt({ app_metadata: { learning_role: "pm" } });
  const anon = { apikey: stack.publishableKey };
  for (const { name } of relations) {
    const url = `${stack.apiUrl}/rest/v1/${name}`;
    assertEquals((await call(url)).status, 401, name);
    assertEquals((await call(url, { apikey: "sb_secret_guessed" })).status, 401, name);
    const refused = await call(url, anon);
    assertEquals(refused.status, 401, name);
    assertMatch(refused.body, /42501/, name);
    const claimed = await call(url, { ...anon, authorization: `Bearer ${forged}` });
    assert(claimed.status === 403 || claimed.body === "[]", `${name} gave a forged role ${claimed.body}`);
  }
  const levers = `${stack.apiUrl}/rest/v1/scope_dimensions?select=dim`;
  const read = await call(levers, { ...anon, authorization: `Bearer ${pm}` });
  assertEquals([read.status, JSON.parse(read.body).length], [200, 17]);
  assertEquals((await call(levers, { ...anon, authorization: `Bearer ${pm.slice(0, -2)}` })).status, 401);
});

testOnEachTarget(
  "the functions answer to the secret key alone, and to nothing outside of themselves",
  async (target) => {
    await using cleanup = new AsyncDisposableStack();
    const errors: string[] = [];
    const stack = await startTestStack(target, cleanup, errors);
    for (const name of FUNCTIONS) {
      const url = `${stack.functionsUrl}/${name}`;
      assertEquals((await call(url, {}, { method: "POST" })).status, 401, name);
      assertEquals((await call(url, { apikey: stack.publishableKey }, { method: "POST" })).status, 401, name);
      assertEquals((await call(url, { apikey: stack.secretKey }, { method: "POST" })).status, 200, name);
    }
    assertEquals((await call(`${stack.functionsUrl}/nothing`, { apikey: stack.secretKey })).status, 404);
    assertEquals((await call(`${stack.apiUrl}/auth/v1/settings`, { apikey: stack.secretKey })).status, 404);
    assertEquals(errors, []);
  },
);

testOnEachTarget("a strand rings a function, also after the functions were killed", async (target) => {
  await using cleanup = new AsyncDisposableStack();
  const stack = await startTestStack(target, cleanup);
  const insert = (id: string): Promise<unknown> =>
    stack.query("insert into public.ad_strands (id, kind, content) values ($1, 'pm_action', '{}')", [id]);
  const statuses = async (): Promise<unknown[]> =>
    (await stack.query<{ id: string; status: string }>(
      "select strand_id as id, status from public.strand_receipts order by strand_id",
    )).map(({ id, status }) => [id, status]);
  await insert("first");
  await stack.settle();
  assertEquals(await statuses(), [["first", "done"]]);

  await stack.killFunctions();
  // The doorbell keeps quiet for a second after it rang.
  await stack.query("select pg_sleep(1.1)");
  await insert("second");
  await stack.settle();
  assertEquals(await statuses(), [["first", "done"], ["second", "done"]]);
});

testOnEachTarget("a second stack on the same database is told of the first", async (target) => {
  await using cleanup = new AsyncDisposableStack();
  const first = await startTestStack(target, cleanup);
  for (const takeOverDoorbell of [false, true]) {
    await assertRejects(
      () => startStack({ databaseUrl: first.databaseUrl, takeOverDoorbell }),
      Error,
      `Another stack is running on this database, reached at ${first.apiUrl}; stop it first`,
    );
  }
  assertEquals(await vaultOf(first), [
    { name: "edge_function_secret_key", secret: first.secretKey },
    { name: "project_url", secret: first.apiUrl },
  ]);
});

testOnEachTarget("only this machine's own names reach a stack, on any of its ports", async (target) => {
  await using cleanup = new AsyncDisposableStack();
  const stack = await startTestStack(target, cleanup, [], { studio: true });
  const studioUrl = stack.studioUrl ?? "";
  for (const url of [stack.apiUrl, studioUrl]) {
    for (const path of ["/", "/_system/info", "/_system/config", "/rest/v1/", "/functions/v1/mine-lessons"]) {
      const refused = await askAs("evil.example", url, path, stack.secretKey);
      assertMatch(refused, /^HTTP\/1\.1 403 .*"evil\.example\\" is not served here/s, url + path);
      const own = await call(url + path, { apikey: stack.secretKey });
      assert(!own.body.includes(stack.databaseUrl), url + path);
    }
    for (const path of ["/_system/info", "/_system/config"]) {
      assertEquals((await call(url + path)).status, 404, url + path);
    }
  }
  const tables = await call(`${studioUrl}/_system/introspect`);
  assertEquals([tables.status, tables.body.includes("pm_overrides")], [200, true]);
  const rows = await call(`${studioUrl}/rest/v1/scope_dimensions?select=dim&limit=1`);
  assertEquals([rows.status, JSON.parse(rows.body).length], [200, 1]);
});

testOnEachTarget(
  "a browser elsewhere may ask the data API, and is told so as PostgREST does",
  async (target) => {
    await using cleanup = new AsyncDisposableStack();
    const stack = await startTestStack(target, cleanup);
    const response = await fetch(`${stack.apiUrl}/rest/v1/rpc/get_pm_sizing`, {
      method: "OPTIONS",
      headers: {
        origin: "http://example.com",
        "access-control-request-method": "POST",
        "access-control-request-headers": "apikey,content-type",
      },
    });
    await response.body?.cancel();
    assertEquals([response.status, response.headers.get("access-control-allow-headers")], [
      200,
      "Authorization, apikey, content-type, Accept, Accept-Language, Content-Language",
    ]);
  },
);

testOnEachTarget("the database answers over the wire, to several clients at once", async (target) => {
  await using cleanup = new AsyncDisposableStack();
  const stack = await startTestStack(target, cleanup);
  const clients = [connect(stack.databaseUrl, { max: 1 }), connect(stack.databaseUrl, { max: 1 })];
  const answers = await Promise.all(
    clients.map((sql, place) => sql`select ${place}::int as place, count(*) from cron.job`),
  );
  await Promise.all(clients.map((sql) => sql.end()));
  assertEquals(answers.map((rows) => rows[0]?.place), [0, 1]);
});

testOnEachTarget("the data API answers at most 1,000 rows, and times as JSON has them", async (target) => {
  await using cleanup = new AsyncDisposableStack();
  const stack = await startTestStack(target, cleanup);
  await stack.query(
    "insert into public.ad_strands (id, kind, content, created_at) select i::text, 'note', '{}', '2026-01-02T03:04:05.5Z' from generate_series(1, 1200) i",
  );
  const { body } = await call(`${stack.apiUrl}/rest/v1/ad_strands?select=created_at`, {
    apikey: stack.secretKey,
  });
  const rows: { created_at: string }[] = JSON.parse(body);
  assertEquals([rows.length, rows[0]?.created_at], [1000, "2026-01-02T03:04:05.5+00:00"]);
});

testOnEachTarget("the data API hears of a table that a later migration adds", async (target) => {
  await using cleanup = new AsyncDisposableStack();
  const stack = await startTestStack(target, cleanup);
  const url = `${stack.apiUrl}/rest/v1/latecomers`;
  const key = { apikey: stack.secretKey };
  assertEquals((await call(url, key)).status, 404);
  await stack.query("create table public.latecomers (name text)");
  await stack.query("grant select on public.latecomers to service_role");
  let answer = await call(url, key);
  for (let attempt = 0; attempt < 50 && answer.status === 404; attempt++) {
    await delay(100);
    answer = await call(url, key);
  }
  assertEquals(answer, { status: 200, body: "[]" });
});

Deno.test("an embedded database kept in a folder is there again, and only one stack may have it", async () => {
  await using cleanup = new AsyncDisposableStack();
  const dataDirectory = await Deno.makeTempDir();
  cleanup.defer(() => Deno.remove(dataDirectory, { recursive: true }));
  const first = await startStack({ dataDirectory });
  await first.query("insert into public.ad_strands (id, kind, content) values ('kept', 'note', '{}')");
  await assertRejects(() => startStack({ dataDirectory }), Error, "in use by another stack");
  await first.close();

  const second = await startStack({ dataDirectory });
  cleanup.defer(() => second.close());
  assertEquals(await second.query("select id from public.ad_strands"), [{ id: "kept" }]);
  assertEquals(
    await second.query(
      "select decrypted_secret as url from vault.decrypted_secrets where name = 'project_url'",
    ),
    [
      { url: second.apiUrl },
    ],
  );
});

Deno.test({
  name: "pg_cron runs the schedule, and the sweep finds what no doorbell announced (real pg_cron)",
  ignore: Deno.env.get(CRON_DATABASE_VARIABLE) === undefined,
  fn: async () => {
    await using cleanup = new AsyncDisposableStack();
    const databaseUrl = Deno.env.get(CRON_DATABASE_VARIABLE) ?? "";
    await emptyDatabase(databaseUrl);
    // Whoever uses the database next finds it as this test did.
    cleanup.defer(() => emptyDatabase(databaseUrl));
    const stack = await startStack({ databaseUrl });
    cleanup.defer(() => stack.close());
    assertEquals(await stack.query("select extname from pg_extension where extname = 'pg_cron'"), [
      { extname: "pg_cron" },
    ]);
    assertEquals((await stack.query("select from cron.job where jobname like 'edgeloop-%'")).length, 7);

    await stack.query("update vault.secrets set name = 'elsewhere' where name = 'project_url'");
    await stack.query(
      "insert into public.ad_strands (id, kind, content) values ('unheard', 'pm_action', '{}')",
    );
    await stack.query("update vault.secrets set name = 'project_url' where name = 'elsewhere'");
    await stack.settle();
    assertEquals(await stack.query("select status from public.strand_receipts"), [{ status: "pending" }]);

    // The sweep every minute instead of every five: pg_cron 1.4 knows nothing shorter.
    const [job] = await stack.query<{ id: number }>(
      "select cron.schedule(jobname, '* * * * *', command) as id from cron.job where jobname = 'edgeloop-sweep'",
    );
    while (
      (await stack.query("select from cron.job_run_details where jobid = $1 and end_time is not null", [
        job?.id,
      ]))
        .length === 0
    ) await delay(500);
    assertEquals(await stack.query("select status from cron.job_run_details where jobid = $1", [job?.id]), [
      { status: "succeeded" },
    ]);
    await stack.settle();
    assertEquals(await stack.query("select status from public.strand_receipts"), [{ status: "done" }]);
  },
});

/**
 * pg_cron lives in one database only, so that one cannot be made anew. The extension stays: its scheduler does not notice
 * when it is dropped and created again.
 */
async function emptyDatabase(databaseUrl: string): Promise<void> {
  const sql = connect(databaseUrl, { max: 1 });
  await sql.unsafe(`
    do $$
    begin
      if to_regclass('cron.job') is not null then
        perform cron.unschedule(jobid) from cron.job;
        delete from cron.job_run_details where true;
      end if;
    end
    $$;
    drop schema if exists public, learning, net, vault, auth, extensions, supabase_migrations cascade;
    create schema public;
    grant usage on schema public to public`).simple();
  await sql.end({ timeout: 5 });
}
