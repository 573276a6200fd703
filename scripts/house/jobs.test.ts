import { parse as parseToml } from "@std/toml/parse.js";
import { assertEquals } from "@std/assert/mod.js";
import { createTestDatabase } from "../testing/databases.ts";

interface Config {
  readonly functions: Readonly<Record<string, { readonly entrypoint: string; readonly verify_jwt: boolean }>>;
}

const REPOSITORY = new URL("../../", import.meta.url);

Deno.test("the functions of config.toml are those that the register of jobs rings, are there and go by their names", async () => {
  const config = parseToml(
    await Deno.readTextFile(new URL("supabase/config.toml", REPOSITORY)),
  ) as unknown as Config;
  await using database = await createTestDatabase("embedded", "sql");
  const rung = await database.sql<{ name: string }[]>`
    select distinct job.function_name as name from learning.jobs() as job
    where job.function_name is not null order by name`;
  assertEquals(Object.keys(config.functions).sort(), rung.map(({ name }) => name));
  for (const [name, { entrypoint, verify_jwt }] of Object.entries(config.functions)) {
    assertEquals([entrypoint, verify_jwt], [`../functions/${name}/index.ts`, false]);
    const served: { default: { fetch(request: Request): Promise<Response> } } = await import(
      new URL(`functions/${name}/index.ts`, REPOSITORY).href
    );
    const answer = await served.default.fetch(new Request("http://localhost/", { method: "GET" }));
    // By its name learning_health knows its answers, and the log its lines.
    assertEquals(await answer.json(), { message: `"${name}" answers POST alone, not GET.` });
  }
});
