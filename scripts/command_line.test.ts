import { assertEquals } from "@std/assert/mod.js";
import { optionsOrExitCode, unknownArgument } from "./command_line.ts";

Deno.test("a flag that does not exist gets the nearest one that does", () => {
  const flags = ["input", "config", "db", "json", "help"];
  for (
    const [argument, nearest] of [
      ["--inptu", "input"],
      ["--confg=x.json", "config"],
      ["--jsn", "json"],
      ["-hlp", "help"],
      ["--bd", "db"],
    ] as const
  ) {
    assertEquals(
      unknownArgument(argument, flags),
      `Unknown argument "${argument}"; did you mean "--${nearest}"?`,
    );
  }
});

Deno.test("what is no flag is only unknown", () => {
  assertEquals(unknownArgument("extra", ["db"]), 'Unknown argument "extra".');
});

Deno.test("a command line that is followed gives its options, help and faults the exit code that tells them apart", () => {
  assertEquals(optionsOrExitCode(() => ({ port: 1 }), "how to"), { port: 1 });
  assertEquals(optionsOrExitCode<{ port: number }>(() => "help", "how to"), 0);
  assertEquals(
    optionsOrExitCode<{ port: number }>(() => {
      throw new Error("--port takes a number");
    }, "how to"),
    2,
  );
});
