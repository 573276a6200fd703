import { assertEquals, assertRejects } from "@std/assert/mod.js";
import { Stopped, unlessEnded } from "./stopping.ts";

Deno.test("work is waited for unless the program is told to stop or the database is lost", async () => {
  const never = new Promise<never>(() => {});
  const stop = new AbortController();
  assertEquals(await unlessEnded(Promise.resolve(7), stop.signal, never), 7);
  await assertRejects(
    () => unlessEnded(never, stop.signal, Promise.resolve(new Error("lost"))),
    Error,
    "lost",
  );
  const waiting = assertRejects(() => unlessEnded(never, stop.signal), Stopped, "Stopped by SIGTERM.");
  stop.abort(new Stopped("SIGTERM"));
  await waiting;
  await assertRejects(() => unlessEnded(Promise.resolve(7).then(() => never), stop.signal), Stopped);
});

Deno.test("a program that a signal ended has the code that shells have for it", () => {
  assertEquals((["SIGINT", "SIGTERM", "SIGHUP"] as const).map((signal) => new Stopped(signal).exitCode), [
    130,
    143,
    129,
  ]);
});
