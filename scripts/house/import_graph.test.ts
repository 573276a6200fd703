import { assertEquals } from "@std/assert/mod.js";
import { edgesOf, readImports, roomOf } from "./import_graph.ts";

Deno.test("no import of the product or its scripts runs up", async () => {
  const up = edgesOf(await readImports()).filter(({ runsUp }) => runsUp);
  assertEquals(up.flatMap(({ imports }) => imports.map(({ from, to }) => `${from} imports ${to}`)), []);
});

Deno.test("every file is in a room", async () => {
  const files = new Set((await readImports()).flatMap(({ from, to }) => [from, to]));
  assertEquals([...files].filter((path) => roomOf(path) === undefined), []);
});

Deno.test("no folder of the product imports what only tests need", async () => {
  const found = (await readImports()).filter(({ from, to }) =>
    from.startsWith("functions/") && !to.startsWith("functions/")
  );
  assertEquals(found, []);
});

Deno.test("a client is one file, which can be copied without the repository", async () => {
  assertEquals((await readImports()).filter(({ from }) => from.startsWith("supabase/clients/")), []);
});

Deno.test("an import of a later room runs up, and one within a room is no edge", () => {
  const edges = edgesOf([
    { from: "functions/_shared/store/store.ts", to: "functions/_shared/lessons/mine.ts" },
    { from: "functions/_shared/lessons/mine.ts", to: "functions/_shared/store/store.ts" },
    { from: "functions/_shared/store/store.ts", to: "functions/_shared/store/errors.ts" },
  ]);
  assertEquals(edges.map(({ from, to, runsUp }) => [from, to, runsUp]), [
    ["functions/_shared/store/", "functions/_shared/lessons/", true],
    ["functions/_shared/lessons/", "functions/_shared/store/", false],
  ]);
});

Deno.test("the longest room that fits a file is its room", () => {
  assertEquals(roomOf("scripts/import/freqtrade/trade.ts"), "scripts/import/freqtrade/");
  assertEquals(roomOf("scripts/import/sink.ts"), "scripts/import/");
  assertEquals(roomOf("scripts/demo.ts"), "scripts/demo.ts");
});
