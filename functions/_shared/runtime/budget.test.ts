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

Deno.test("of several things that are waited for at once the time counts once", async () => {
  const clock = handClock();
  const stopwatch = new Stopwatch(clock.read);
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  const waits = [stopwatch.waiting(first.promise), stopwatch.waiting(second.promise)];
  clock.now += 300;
  assertEquals(stopwatch.workedMs, 0);
  first.resolve();
  await waits[0];
  clock.now += 200;
  second.resolve();
  await waits[1];
  clock.now += 7;
  assertEquals([stopwatch.workedMs, stopwatch.elapsedMs], [7, 507]);
});

Deno.test("work that is done while others are waited for counts as work", async () => {
  const clock = handClock();
  const stopwatch = new Stopwatch(clock.read);
  const answer = Promise.withResolvers<void>();
  const wait = stopwatch.waiting(answer.promise);
  clock.now += 300;
  assertEquals(
    stopwatch.working(() => {
      clock.now += 40;
      return "done";
    }),
    "done",
  );
  assertEquals(stopwatch.workedMs, 40);
  answer.resolve();
  await wait;
  stopwatch.working(() => clock.now += 5);
  assertEquals(stopwatch.workedMs, 45);
});

Deno.test("a budget tells whether work of some length still fits", () => {
  const clock = handClock();
  const budget = new Budget(new Stopwatch(clock.read), { cpuMs: 100, wallMs: 1000 });
  clock.now += 60;
  assert(!budget.spentWithin(24));
  assert(budget.spentWithin(25));
  const short = new Budget(new Stopwatch(clock.read), { cpuMs: 10_000, wallMs: 100 });
  assert(!short.spentWithin(99));
  assert(short.spentWithin(100));
});
