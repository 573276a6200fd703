import { assertEquals, assertMatch, assertThrows } from "@std/assert/mod.js";
import { startStack } from "./stack/stack.ts";
import { parseStartArguments, summary } from "./start.ts";

Deno.test("start takes a port, a database or a folder, and has a default for each", () => {
  assertEquals(parseStartArguments([]), { port: 54321 });
  assertEquals(parseStartArguments(["--port", "0", "--data", "here"]), { port: 0, dataDirectory: "here" });
  assertEquals(parseStartArguments(["--db=postgresql://me@host/db"]), {
    port: 54321,
    databaseUrl: "postgresql://me@host/db",
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
