import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert/mod.js";
import { createPostgresConnection } from "@supabase/lite/postgres";
import type postgres from "postgres";
import { seeOnly, tellSettingsAtOnce } from "./data_api_connection.ts";

/** A driver that writes down what it is asked and answers as it is told. */
function recording(answer: (query: string) => unknown): {
  reserve: () => Promise<postgres.ReservedSql>;
  asked: [query: string, values: unknown][];
} {
  const asked: [string, unknown][] = [];
  const driver = {
    reserve: () =>
      Promise.resolve({
        unsafe: (query: string, values?: unknown) =>
          Promise.resolve().then(() => {
            asked.push([query, values]);
            return answer(query);
          }),
      }),
  } as unknown as postgres.Sql;
  tellSettingsAtOnce(driver);
  return { reserve: () => driver.reserve(), asked };
}

Deno.test("what a request sets for its transaction is told in one statement, before the first that is another", async () => {
  const { reserve, asked } = recording((query) => [query]);
  const connection = await reserve();
  await connection.unsafe("begin");
  await connection.unsafe("SELECT set_config('role', $1, true)", ["anon"]);
  await connection.unsafe("SELECT set_config('response.status', '', true)", []);
  await connection.unsafe("SELECT set_config('request.path', $1, true)", ["/rpc/it's"]);
  assertEquals(asked, [["begin", undefined]]);
  assertEquals(await connection.unsafe("select work($1)", [1]), ["select work($1)"]);
  await connection.unsafe("commit");
  assertEquals(asked.slice(1), [
    [
      "select set_config($1, $2, true), set_config($3, $4, true), set_config($5, $6, true)",
      ["role", "anon", "response.status", "", "request.path", "/rpc/it's"],
    ],
    ["select work($1)", [1]],
    ["commit", undefined],
  ]);
});

Deno.test("what is set for more than the transaction, or in another form, goes on as it came", async () => {
  const { reserve, asked } = recording(() => []);
  const connection = await reserve();
  for (const query of ["SELECT set_config('role', $1, false)", "SELECT set_config($1, $2, true)"]) {
    await connection.unsafe(query, ["a"]);
  }
  assertEquals(asked.map(([query]) => query), [
    "SELECT set_config('role', $1, false)",
    "SELECT set_config($1, $2, true)",
  ]);
});

Deno.test("a statement whose settings are refused is not run, and fails for their reason", async () => {
  const { reserve, asked } = recording((query) => {
    if (query.startsWith("select set_config")) throw new Error("role does not exist");
    return [];
  });
  const connection = await reserve();
  await connection.unsafe("SELECT set_config('role', $1, true)", ["nobody"]);
  await assertRejects(
    () => Promise.resolve(connection.unsafe("select work()")),
    Error,
    "role does not exist",
  );
  assertEquals(asked.length, 1);
  // What was refused is not told again.
  await connection.unsafe("rollback");
  assertEquals(asked.map(([query]) => query).at(-1), "rollback");
});

Deno.test("columns of schemas that are not exposed are not seen, and what is seen is put together once", async () => {
  const connection = createPostgresConnection({ url: "postgres://nobody@127.0.0.1:1/none" });
  const column = (schema: string | undefined, name: string): object => ({ schema, name });
  let all = { columns: [column("public", "a"), column("learning", "b"), column(undefined, "c")], tables: [] };
  Object.assign(connection, { introspect: () => Promise.resolve(all) });
  seeOnly(connection, ["public"]);
  const seen = await connection.introspect();
  assertEquals(seen.columns.map(({ name }) => name), ["a", "c"]);
  assertStrictEquals(await connection.introspect(), seen);
  all = { ...all, columns: [column("public", "d")] };
  assertEquals((await connection.introspect()).columns.map(({ name }) => name), ["d"]);
  await connection.close();
});
