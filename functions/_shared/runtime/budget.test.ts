import { assert, assertEquals, assertRejects } from "@std/assert/mod.js";
import { Budget, Stopwatch } from "./budget.ts";

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
  const stopwatch = new Stopwatch(clock.read);
  const budget = new Budget(stopwatch, { cpuMs: 100, wallMs: 10_000 });
  assertEquals(await stopwatch.waiting(taking(clock, 3000)), "answer");
  assert(!budget.spent);
  clock.now += 84;
  assert(!budget.spent);
  clock.now += 1;
  assert(budget.spent);
  assertEquals(stopwatch.elapsedMs, 3085);
});

Deno.test("waiting counts against the wall allowance", async () => {
  const clock = handClock();
  const stopwatch = new Stopwatch(clock.read);
  const budget = new Budget(stopwatch, { cpuMs: 100, wallMs: 1000 });
  await stopwatch.waiting(taking(clock, 999));
  assert(!budget.spent);
  await stopwatch.waiting(taking(clock, 1));
  assert(budget.spent);
});

Deno.test("a budget that is closed is spent, whatever is left of it", () => {
  const budget = new Budget(new Stopwatch(handClock().read), { cpuMs: 100, wallMs: 1000 });
  assert(!budget.spent);
  budget.close();
  assert(budget.spent);
});

Deno.test("waiting for something that fails is waiting too, and its failure is passed on", async () => {
  const clock = handClock();
  const stopwatch = new Stopwatch(clock.read);
  const budget = new Budget(stopwatch, { cpuMs: 100, wallMs: 10_000 });
  await assertRejects(
    () => stopwatch.waiting(taking(clock, 500).then(() => Promise.reject(new TypeError("no answer")))),
    TypeError,
    "no answer",
  );
  assert(!budget.spent);
});
