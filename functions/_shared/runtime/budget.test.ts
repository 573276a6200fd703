import { assert, assertEquals, assertRejects } from "@std/assert/mod.js";
import { Budget } from "./budget.ts";

function handClock(): { now: number; read: () => number } {
  const clock = { now: 500, read: (): number => clock.now };
  return clock;
}

/** Something that takes a while on the given clock. */
function taking(clock: { now: number }, ms: number): Promise<string> {
  return Promise.resolve().then(() => {
    clock.now += ms;
    return "answer";
  });
}

Deno.test("work counts against the CPU allowance but for what saving needs, waiting does not", async () => {
  const clock = handClock();
  const budget = new Budget(100, 10_000, clock.read);
  assertEquals(await budget.waiting(taking(clock, 3000)), "answer");
  assert(!budget.spent);
  clock.now += 84;
  assert(!budget.spent);
  clock.now += 1;
  assert(budget.spent);
  assertEquals(budget.elapsedMs, 3085);
});

Deno.test("waiting counts against the wall allowance", async () => {
  const clock = handClock();
  const budget = new Budget(100, 1000, clock.read);
  await budget.waiting(taking(clock, 999));
  assert(!budget.spent);
  await budget.waiting(taking(clock, 1));
  assert(budget.spent);
});

Deno.test("waiting for something that fails is waiting too, and its failure is passed on", async () => {
  const clock = handClock();
  const budget = new Budget(100, 10_000, clock.read);
  await assertRejects(
    () => budget.waiting(taking(clock, 500).then(() => Promise.reject(new TypeError("no answer")))),
    TypeError,
    "no answer",
  );
  assert(!budget.spent);
});
