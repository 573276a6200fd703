import { assertEquals, assertThrows } from "@std/assert/mod.js";
import { blocksOf, commandsOf, matched } from "./blocks.ts";
import { STEPS } from "./steps.ts";

const README = new URL("../../README.md", import.meta.url);

Deno.test("blocks are told with their heading, language and line; drawings are none", () => {
  const markdown = "# A\n\n```sh\nls \\\n  -l\n\npwd\n```\n## B\n```\n# drawn\n```\n```js\n# x\n```\n";
  const blocks = blocksOf(markdown);
  assertEquals(blocks, [
    { heading: "A", language: "sh", text: "ls \\\n  -l\n\npwd", line: 3 },
    { heading: "B", language: "js", text: "# x", line: 13 },
  ]);
  assertEquals(blocks.slice(0, 1).flatMap(commandsOf), ["ls   -l", "pwd"]);
});

Deno.test("a fence that is never closed is an error", () => {
  assertThrows(() => blocksOf("x\n```sh\nls\n"), Error, "The fence of line 2 is never closed.");
});

Deno.test("a block without a step is an error, and so is a step without a block", () => {
  const blocks = blocksOf("# A\n```sh\nls\n```\n");
  const step = { heading: "A", language: "sh", holds: "ls", run: null };
  assertEquals(matched(blocks, [step]).map(([{ text }]) => text), ["ls"]);
  assertThrows(() => matched(blocks, []), Error, 'Line 2 of the README, sh under "A", has 0 steps');
  assertThrows(() => matched(blocks, [step, step]), Error, "has 2 steps");
  assertThrows(
    () => matched(blocks, [step, { ...step, holds: "pwd" }]),
    Error,
    'The README has no sh under "A" with "pwd"',
  );
});

Deno.test("every block of the README has its step in the run from an empty folder", async () => {
  matched(blocksOf(await Deno.readTextFile(README)), STEPS);
});
