import { assertEquals, assertThrows } from "@std/assert/mod.js";
import { parseProveArguments } from "./arguments.ts";
import { WEEK } from "./calendar.ts";

Deno.test("a history is named once, and everything else has a default", () => {
  const options = parseProveArguments(["trades.ndjson", "--config", "a.json", "--config", "b.json"]);
  if (options === "help") throw new Error("It asked for help.");
  assertEquals(options.source, { kind: "file", path: "trades.ndjson" });
  assertEquals([options.cadenceMs, options.embargoMs, options.placebos], [WEEK, 0, 1]);
  assertEquals(options.configs, ["a.json", "b.json"]);
  assertEquals(parseProveArguments(["--sample", "-h"]), "help");
});

Deno.test("what cannot be followed is refused with what to do", () => {
  for (
    const [args, message] of [
      [[], "Name one history"],
      [["--sample", "trades.ndjson"], "got 2"],
      [["--sample", "--placebo", "3"], 'did you mean "--placebos"'],
      [["--sample", "--placebos", "many"], "--placebos: must be a number"],
      [["--sample", "--cadence", "0"], "--cadence must be longer than 0"],
      [["--sample", "--keep"], "--keep keeps a proof in the database of --db URL"],
    ] as const
  ) {
    assertThrows(() => parseProveArguments(args), Error, message);
  }
});
