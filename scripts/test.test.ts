import { assert, assertEquals } from "@std/assert/mod.js";
import { LONG_TESTS } from "./testing/lanes.ts";
import { readTap } from "./testing/sql_tests.ts";

Deno.test("a TAP report counts passes, failures with their explanations, and skips", () => {
  assertEquals(
    readTap([
      "1..4",
      "ok 1 - adds up",
      "not ok 2 - is level",
      "# Failed test 2",
      "#   have: 1",
      "ok 3 # SKIP no net",
      "ok 4",
    ]),
    { passed: 2, failures: ["is level\n  # Failed test 2\n  #   have: 1"], skipped: ["no net"] },
  );
});

Deno.test("a TAP report that ends early or has no plan is a failure", () => {
  assertEquals(readTap(["1..3", "ok 1 - one"]).failures, ["Planned 3 tests and ran 1."]);
  assertEquals(readTap(["ok 1 - one"]).failures, [
    "There was no plan: select plan(n) is missing, or the script ended early.",
  ]);
});

Deno.test("the long lane names files that are there", async () => {
  for (const path of Object.keys(LONG_TESTS)) {
    assert((await Deno.stat(new URL(`../${path}`, import.meta.url))).isFile, path);
  }
});
