import { assertEquals } from "@std/assert/mod.js";
import { healthLines } from "./health.ts";

const stage = (name: string, backlog: number, problem: string | null = null) => ({
  stage: name,
  backlog,
  problem,
  release: "0.1.0",
});

Deno.test("a loop that is well says so in one line, with what waits", () => {
  assertEquals(healthLines([stage("inbox", 0), stage("prune", 0)]), [
    "all stages are well, nothing waits",
    "release 0.1.0",
  ]);
  assertEquals(healthLines([stage("inbox", 3), stage("mine-lessons", 12), stage("prune", 0)]), [
    "all stages are well, waiting: 3 in inbox, 12 in mine-lessons",
    "release 0.1.0",
  ]);
});

Deno.test("each stage with a problem has a line of its own", () => {
  assertEquals(
    healthLines([stage("doorbell", 1, "no key"), stage("inbox", 3), stage("schedule", 0, "off")]),
    [
      "doorbell: no key",
      "schedule: off",
      "release 0.1.0",
    ],
  );
});

Deno.test("a database from before the first release says so", () => {
  assertEquals(healthLines([{ ...stage("inbox", 0), release: null }]), [
    "all stages are well, nothing waits",
    "not released yet",
  ]);
});

Deno.test("what others wrote in a problem is shown, not obeyed", () => {
  assertEquals(
    healthLines([stage("inbox", 1, "rejected \x1b]52;c;eA==\x07")])[0],
    "inbox: rejected \\u001b]52;c;eA==\\u0007",
  );
});
