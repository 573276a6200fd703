import { assert, assertEquals } from "@std/assert/mod.js";
import { tellWaiting, waitingLine } from "./waiting.ts";

const WAIT = { strands: 1234, mined: 1, groups: 8, lessons: 120 };

Deno.test("a line of a wait tells what is left and what was done", () => {
  assertEquals(waitingLine(WAIT), "1,234 strands left, 1 of 8 groups mined, 120 lessons");
  assertEquals(
    waitingLine({ strands: 1, mined: 1, groups: 1, lessons: 1 }),
    "1 strand left, 1 of 1 group mined, 1 lesson",
  );
});

Deno.test("a wait is told of every few seconds until it ends", async () => {
  const lines: string[] = [];
  const stop = tellWaiting(
    (): Promise<never[]> => Promise.resolve([WAIT] as never[]),
    (line) => lines.push(line),
    10,
  );
  await new Promise((resolve) => setTimeout(resolve, 100));
  await stop();
  assert(lines.length >= 2, String(lines.length));
  const told = lines.length;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assertEquals(lines.length, told);
});

Deno.test("what goes wrong while waiting is told once, and ends nothing", async () => {
  const lines: string[] = [];
  const stop = tellWaiting(() => Promise.reject(new Error("gone")), (line) => lines.push(line), 1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await stop();
  assertEquals(lines, ["How far it has come cannot be told: gone"]);
});
