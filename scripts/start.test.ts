/** The stack as a person runs it. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert/mod.js";
import { TextLineStream } from "@std/streams/text_line_stream.js";
import { connect } from "./stack/database.ts";
import { installStandIns, storeSecret } from "./stack/standins.ts";
import { createServerDatabase, testOnRealPostgres } from "./testing/databases.ts";
import { startStack } from "./stack/stack.ts";
import { parseStartArguments, summary, withoutPassword } from "./start.ts";

Deno.test("start takes a port, a database or a folder, and has a default for each", () => {
  assertEquals(parseStartArguments([]), { port: 54321 });
  assertEquals(parseStartArguments(["--port", "0", "--data", "here"]), { port: 0, dataDirectory: "here" });
  assertEquals(parseStartArguments(["--db=postgresql://me@host/db"]), {
    port: 54321,
    databaseUrl: "postgresql://me@host/db",
  });
  assertEquals(parseStartArguments(["--db", "postgres://h/d", "--take-over-doorbell"]), {
    port: 54321,
    databaseUrl: "postgres://h/d",
    takeOverDoorbell: true,
  });
  assertEquals(parseStartArguments(["--help"]), "help");
});

Deno.test("start says which argument is wrong and what it takes", () => {
  for (
    const [args, message] of [
      [["--port", "many"], '--port takes a number from 0 to 65535, not "many"'],
      [["--port", "65536"], 'not "65536"'],
      [["--db", "host/db"], 'not "host/db"'],
      [["--data"], "--data takes a value"],
      [["--db", "postgres://h/d", "--data", "here"], "cannot go together"],
      [["--verbose"], 'Unknown argument "--verbose"'],
      [["--take-over-doorbell"], "is about the database of --db"],
      [["extra"], 'Unknown argument "extra"'],
    ] as const
  ) assertThrows(() => parseStartArguments(args), Error, message);
});

Deno.test("a stack that is up says how the loop is doing, and what is wrong with it", async () => {
  await using cleanup = new AsyncDisposableStack();
  const stack = await startStack({});
  cleanup.defer(() => stack.close());
  assertMatch(
    await summary(stack, { port: 0 }),
    /Health +\S* *all stages are well, nothing waits\n.*release[^\n]*$/,
  );
  await stack.query("select cron.unschedule('edgeloop-sweep')");
  assertMatch(
    await summary(stack, { port: 0 }),
    /Health +\S* *schedule: edgeloop-sweep is not scheduled\n.*release[^\n]*$/,
  );
});

const REPOSITORY = new URL("..", import.meta.url);

/** Runs `start` until a line matches, sends the signal and returns what it printed. */
async function startUntil(
  line: RegExp,
  signal: Deno.Signal,
  args: readonly string[],
): Promise<{ code: number; signal: string | null; printed: string }> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", "scripts/start.ts", "--port", "0", ...args],
    cwd: REPOSITORY,
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const lines: string[] = [];
  const stream = process.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
  for await (const text of stream as ReadableStream<string>) {
    lines.push(text);
    if (line.test(text)) process.kill(signal);
  }
  const status = await process.status;
  return { code: status.code, signal: status.signal, printed: lines.join("\n") };
}

Deno.test("an address is shown without its password, wherever that stands", () => {
  for (
    const [url, shown] of [
      ["postgres://me:secret@host:5432/db", "postgres://me:***@host:5432/db"],
      [
        "postgres://me@host/db?password=secret&sslmode=disable",
        "postgres://me@host/db?password=***&sslmode=disable",
      ],
      ["postgres://me:se%2Fcret@host/db", "postgres://me:***@host/db"],
      ["postgres://me@host/db", "postgres://me@host/db"],
    ] as const
  ) assertEquals(withoutPassword(url), shown);
});

Deno.test("a port that is taken is told of before anything is started", async () => {
  using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const said: string[] = [];
  await assertRejects(
    () => startStack({ port: other.addr.port, onProgress: (line) => said.push(line) }),
    Error,
    `Port ${other.addr.port} is taken by another program; choose another with --port.`,
  );
  assertEquals(said, []);
});

testOnRealPostgres(
  "however start ends, the database's doorbell rings whom it rang before; a killed one leaves that to the next",
  async () => {
    await using cleanup = new AsyncDisposableStack();
    const databaseUrl = await createServerDatabase(cleanup, "migrations");
    const sql = connect(databaseUrl);
    cleanup.defer(() => sql.end({ timeout: 5 }));
    await installStandIns(sql);
    await storeSecret(sql, "project_url", "https://live.supabase.co", "");
    await storeSecret(sql, "edge_function_secret_key", "sb_secret_live", "");
    const vault = async (): Promise<unknown> =>
      (await sql`select name, decrypted_secret as secret from vault.decrypted_secrets order by name`).map(
        ({ name, secret }) => `${name}=${secret}`,
      );
    const before = await vault();
    const up = /Edgeloop is running/;

    const refused = await startUntil(up, "SIGTERM", ["--db", databaseUrl]);
    assertEquals(refused.code, 1);
    assertStringIncludes(
      refused.printed,
      "(https://live.supabase.co) of somebody else; --take-over-doorbell",
    );
    assertEquals(await vault(), before);

    const takingOver = ["--db", databaseUrl, "--take-over-doorbell"];
    assertEquals((await startUntil(up, "SIGKILL", takingOver)).signal, "SIGKILL");
    assert(JSON.stringify(await vault()).includes("project_url=http://127.0.0.1:"));
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      const ended = await startUntil(up, signal, takingOver);
      assertEquals([ended.code, ended.printed.includes("an earlier stack was killed with")], [
        0,
        signal === "SIGTERM",
      ]);
      assertEquals(await vault(), before, signal);
    }
    // Told to stop before it is up, it does not get that far.
    const early = await startUntil(/Starting the data API/, "SIGTERM", takingOver);
    assertEquals([early.code, up.test(early.printed)], [143, false]);
    assertEquals(await vault(), before);
  },
);
