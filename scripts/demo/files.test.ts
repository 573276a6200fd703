import { assertEquals, assertRejects } from "@std/assert/mod.js";
import { checkStrandFile, readConfig } from "./files.ts";

async function withFile(text: string, test: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, text);
    await test(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("a strand file is looked at as far as its first strand", async () => {
  await assertRejects(() => checkStrandFile("/nowhere/strands.ndjson"), Error, "/nowhere/strands.ndjson");
  await withFile(
    "",
    (path) => assertRejects(() => checkStrandFile(path), Error, `${path} holds no strand`).then(),
  );
  await withFile("{", (path) => assertRejects(() => checkStrandFile(path), Error, `${path}, line 1`).then());
  await withFile('{"id": "a", "kind": "note"}\n{', (path) => checkStrandFile(path));
});

Deno.test("a configuration is a JSON object in a file that is there", async () => {
  await assertRejects(() => readConfig("/nowhere/config.json"), Error, "/nowhere/config.json cannot be read");
  await withFile("{,}", (path) => assertRejects(() => readConfig(path), Error, `${path} is not JSON`).then());
  for (const text of ["[]", "null", "3"]) {
    await withFile(
      text,
      (path) => assertRejects(() => readConfig(path), Error, "holds no JSON object").then(),
    );
  }
  await withFile('{"n_min": 40}', async (path) => assertEquals(await readConfig(path), { n_min: 40 }));
});
