import { assertEquals, assertRejects } from "@std/assert/mod.js";
import type { Stack } from "../stack/stack.ts";
import { fastForward } from "./fast_forward.ts";

/** A stack that keeps what it is asked to do. */
function recordingStack(
  jobs: readonly { jobname: string; schedule: string; command: string }[],
): { stack: Stack; done: string[] } {
  const done: string[] = [];
  const stack = {
    query: (sql: string): Promise<unknown[]> => {
      if (sql.includes("from cron.job")) return Promise.resolve([...jobs]);
      if (sql === "fail") return Promise.reject(new Error("the job failed"));
      done.push(sql);
      return Promise.resolve([]);
    },
    settle: (): Promise<void> => {
      done.push("settled");
      return Promise.resolve();
    },
  };
  return { stack: stack as unknown as Stack, done };
}

Deno.test("every job runs once by its own command, in the order of a day's first runs, each after the last has settled", async () => {
  const { stack, done } = recordingStack([
    { jobname: "edgeloop-prune", schedule: "17 3 * * *", command: "prune" },
    { jobname: "edgeloop-materialize", schedule: "10 * * * *", command: "materialize" },
    { jobname: "edgeloop-mine", schedule: "8 * * * *", command: "mine" },
    { jobname: "edgeloop-sweep", schedule: "2-59/5 * * * *", command: "sweep" },
  ]);
  const told: string[] = [];
  await fastForward(stack, (jobname) => told.push(jobname));
  assertEquals(done, ["sweep", "settled", "mine", "settled", "materialize", "settled", "prune", "settled"]);
  assertEquals(told, ["edgeloop-sweep", "edgeloop-mine", "edgeloop-materialize", "edgeloop-prune"]);
});

Deno.test("a job that fails ends the run with its reason", async () => {
  const { stack, done } = recordingStack([
    { jobname: "edgeloop-a", schedule: "1 * * * *", command: "fail" },
    { jobname: "edgeloop-b", schedule: "2 * * * *", command: "never" },
  ]);
  await assertRejects(() => fastForward(stack, () => {}), Error, "the job failed");
  assertEquals(done, []);
});
