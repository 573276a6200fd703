import { assertEquals, assertRejects } from "@std/assert/mod.js";
import postgres from "postgres";
import { connect } from "./database.ts";
import { createTestDatabase, type TestDatabase } from "../testing/databases.ts";

/** All tests share it. */
let embedded: TestDatabase;

Deno.test.beforeAll(async () => {
  embedded = await createTestDatabase("embedded");
});

Deno.test.afterAll(async () => await embedded[Symbol.asyncDispose]());

function test(name: string, fn: () => Promise<void>): void {
  // The server keeps an exit code while it runs.
  Deno.test({ name, fn, sanitizeExit: false });
}

test("connections keep their own settings, role and session user", async () => {
  await using cleanup = new AsyncDisposableStack();
  const [first, second] = [
    connect(embedded.databaseUrl, { max: 1 }),
    connect(embedded.databaseUrl, { max: 1 }),
  ];
  cleanup.defer(() => first.end());
  cleanup.defer(() => second.end());
  await first`create role reader`;
  await first`set role reader`;
  await first`set work_mem = '9MB'`;
  const state = `select current_user::text as role, current_setting('work_mem') as memory`;
  assertEquals([...await second.unsafe(state)], [{ role: "postgres", memory: "4MB" }]);
  assertEquals([...await first.unsafe(state)], [{ role: "reader", memory: "9MB" }]);

  const readerUrl = new URL(embedded.databaseUrl);
  readerUrl.username = "reader";
  const third = connect(readerUrl.href, { max: 1 });
  cleanup.defer(() => third.end());
  assertEquals([...await third`select session_user::text as user, current_user::text as role`], [
    { user: "reader", role: "reader" },
  ]);
  assertEquals([...await second`select session_user::text as user`], [{ user: "postgres" }]);
});

test("a transaction shuts others out until it ends, and nobody falls into it", async () => {
  await using cleanup = new AsyncDisposableStack();
  const [first, second] = [
    connect(embedded.databaseUrl, { max: 1 }),
    connect(embedded.databaseUrl, { max: 1 }),
  ];
  cleanup.defer(() => first.end());
  cleanup.defer(() => second.end());
  await first`create table seen (value int)`;
  await second`select 1`; // Connected, so that it could cut in.
  const order: string[] = [];
  let other: Promise<unknown> = Promise.resolve();
  await assertRejects(
    () =>
      first.begin(async (transaction) => {
        await transaction`insert into seen values (1)`;
        other = second`insert into seen values (2)`.then(() => order.push("other"));
        for (let turn = 0; turn < 20; turn++) await transaction`select ${turn}::int`;
        order.push("transaction");
        throw new Error("rolled back");
      }),
    Error,
    "rolled back",
  );
  await other;
  assertEquals(order, ["transaction", "other"]);
  assertEquals([...await first`select value from seen`], [{ value: 2 }]);
});

test("what a client leaves open when it vanishes is rolled back", async () => {
  await using cleanup = new AsyncDisposableStack();
  const sql = connect(embedded.databaseUrl, { max: 1 });
  cleanup.defer(() => sql.end());
  await sql`create table left_open (value int)`;
  const port = Number(new URL(embedded.databaseUrl).port);
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(startUp({ user: "postgres", database: "postgres" }));
  await readUntilReady(connection);
  await connection.write(frame("Q", "begin; insert into left_open values (1)\0"));
  await readUntilReady(connection);
  connection.close();
  assertEquals([...await sql`select value from left_open`], []);
});

test("clients may give their prepared statements the same name", async () => {
  await using cleanup = new AsyncDisposableStack();
  const port = Number(new URL(embedded.databaseUrl).port);
  const answers: string[] = [];
  for (const value of ["one", "two"]) {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    cleanup.defer(() => connection.close());
    await connection.write(startUp({ user: "postgres", database: "postgres" }));
    await readUntilReady(connection);
    await connection.write(frame("P", `same\0select '${value}' as answer\0\0\0`));
    await connection.write(frame("S", ""));
    answers.push(await readUntilReady(connection));
  }
  assertEquals(answers.map((answer) => answer.includes("already exists")), [false, false]);
});

test("an error in a pipeline leaves the connection usable", async () => {
  await using cleanup = new AsyncDisposableStack();
  const sql = connect(embedded.databaseUrl, { max: 1 });
  cleanup.defer(() => sql.end());
  const results = await Promise.allSettled([
    sql`select 1 as value`,
    sql`select 1 / ${0}::int as value`,
    sql`select ${"x".repeat(300_000)}::text as value`,
    sql`select nothing`,
    sql`select ${[1, 2, 3]}::int[] as value`,
  ]);
  assertEquals(results.map((result) => result.status), [
    "fulfilled",
    "rejected",
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
});

test("statements of many megabytes go through", async () => {
  await using cleanup = new AsyncDisposableStack();
  const sql = connect(embedded.databaseUrl, { max: 1 });
  cleanup.defer(() => sql.end());
  const large = "x".repeat(8_000_000);
  assertEquals([
    ...await sql`select length(${large}) as length, md5(${large}) = md5(repeat('x', 8000000)) as same`,
  ], [
    { length: 8_000_000, same: true },
  ]);
  assertEquals(
    (await sql<{ large: string }[]>`select repeat('y', 8000000) as large`)[0]?.large.length,
    8_000_000,
  );
});

test("a document nested deeper than the server can follow is refused, in a transaction and out of it", async () => {
  await using cleanup = new AsyncDisposableStack();
  const sql = connect(embedded.databaseUrl, { max: 1 });
  cleanup.defer(() => sql.end());
  await sql`create table kept (document jsonb)`;
  const deep = "[".repeat(20_000) + "]".repeat(20_000);
  const insert = (connection: typeof sql): Promise<unknown> =>
    connection`insert into kept (document) values (${deep}::text::jsonb)`;
  assertEquals((await assertRejects(() => insert(sql), postgres.PostgresError)).code, "54001");
  const error = await assertRejects(() =>
    sql.begin(async (transaction) => {
      await transaction`insert into kept (document) values ('1')`;
      await insert(transaction as unknown as typeof sql);
    }), postgres.PostgresError);
  assertEquals(error.code, "54001");
  await assertRejects(
    () => sql.unsafe(`insert into kept (document) values ('${deep}')`).simple(),
    postgres.PostgresError,
    "stack depth",
  );
  await sql`insert into kept (document) values ('2')`;
  assertEquals([...await sql`select document from kept`], [{ document: 2 }]);
});

test("a notification reaches those who listen, once its transaction commits", async () => {
  await using cleanup = new AsyncDisposableStack();
  const [listener, sender] = [connect(embedded.databaseUrl), connect(embedded.databaseUrl, { max: 1 })];
  cleanup.defer(() => listener.end());
  cleanup.defer(() => sender.end());
  const heard: string[] = [];
  const first = Promise.withResolvers<void>();
  await listener.listen("news", (payload) => {
    heard.push(payload);
    first.resolve();
  });
  await assertRejects(() =>
    sender.begin(async (transaction) => {
      await transaction`select pg_notify('news', 'never')`;
      throw new Error("rolled back");
    })
  );
  await sender`select pg_notify('news', 'said')`;
  await first.promise;
  assertEquals(heard, ["said"]);
});

test("a client that names a database or role that is not there is told so", async () => {
  for (
    const [url, message] of [
      [embedded.databaseUrl.replace(/postgres$/, "other"), 'Database "other" does not exist'],
      [embedded.databaseUrl.replace("//postgres@", "//nobody@"), 'Role "nobody" does not exist'],
    ] as const
  ) {
    const sql = postgres(url, { max: 1 });
    await assertRejects(() => sql`select 1`, Error, message);
    await sql.end();
  }
});

test("settings in the connection's options hold from its first query", async () => {
  await using cleanup = new AsyncDisposableStack();
  const url = new URL(embedded.databaseUrl);
  url.searchParams.set("options", "-c statement_timeout=5s -csearch_path=pg_catalog");
  const sql = postgres(url.href, { max: 1 });
  cleanup.defer(() => sql.end());
  assertEquals(
    [...await sql`select current_setting('statement_timeout') as timeout, current_setting('search_path') as path`],
    [{ timeout: "5s", path: "pg_catalog" }],
  );
});

const encoder = new TextEncoder();

function frame(type: string, body: string): Uint8Array<ArrayBuffer> {
  const content = encoder.encode(body);
  const bytes = new Uint8Array(5 + content.length);
  bytes.set(encoder.encode(type));
  new DataView(bytes.buffer).setInt32(1, content.length + 4);
  bytes.set(content, 5);
  return bytes;
}

function startUp(parameters: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  const content = encoder.encode(
    Object.entries(parameters).map(([name, value]) => `${name}\0${value}\0`).join("") + "\0",
  );
  const bytes = new Uint8Array(8 + content.length);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, bytes.length);
  view.setInt32(4, 196608);
  bytes.set(content, 8);
  return bytes;
}

/** Reads until the server is ready for a query; returns everything it said. */
async function readUntilReady(connection: Deno.Conn): Promise<string> {
  let text = "";
  const chunk = new Uint8Array(65_536);
  while (true) {
    const read = await connection.read(chunk);
    if (read === null) throw new Error(`The server hung up after: ${text}`);
    text += new TextDecoder("latin1").decode(chunk.subarray(0, read));
    if (["I", "T", "E"].some((state) => text.endsWith(`Z\0\0\0\u0005${state}`))) return text;
  }
}
