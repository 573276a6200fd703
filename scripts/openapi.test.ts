import { assertEquals } from "@std/assert/mod.js";
import { z } from "zod";
import { formatted } from "./gen_types.ts";
import { generateOpenApi, OPENAPI_FILE } from "./openapi.ts";
import { FUNCTIONS } from "./testing/access_matrix.ts";
import { createTestDatabase, testOnRealPostgres } from "./testing/databases.ts";

const documentSchema = z.object({
  paths: z.record(
    z.string(),
    z.object({
      post: z.object({
        requestBody: z.object({
          content: z.object({
            "application/json": z.object({
              schema: z.object({
                properties: z.record(z.string(), z.unknown()),
                required: z.array(z.string()),
              }),
            }),
          }),
        }),
        responses: z.object({ 200: z.unknown() }),
      }),
    }),
  ),
  components: z.object({ schemas: z.record(z.string(), z.unknown()) }),
});

Deno.test("the document has every RPC that whoever signs in may call, and no other", async () => {
  const { paths } = documentSchema.parse(JSON.parse(await Deno.readTextFile(OPENAPI_FILE)));
  const callable = Object.entries(FUNCTIONS)
    .filter(([name, { authenticated }]) => authenticated && name.startsWith("public."))
    .map(([name]) => `/rpc/${name.slice("public.".length)}`);
  assertEquals(Object.keys(paths).sort(), callable.sort());
});

Deno.test("arguments, which of them are needed, and answers are said as the RPC has them", async () => {
  const { paths, components } = documentSchema.parse(JSON.parse(await Deno.readTextFile(OPENAPI_FILE)));
  const { requestBody, responses } = paths["/rpc/get_pm_sizing"]?.post ?? {};
  const { properties, required } = requestBody?.content["application/json"].schema ??
    { properties: {}, required: [] };
  assertEquals(required, ["pattern_key", "action_category", "scope"]);
  assertEquals(properties["a_value"], { type: "number", format: "double" });
  assertEquals(properties["as_of"], { type: "string", format: "date-time" });
  assertEquals(JSON.stringify(responses).includes("#/components/schemas/pm_sizing"), true);
  assertEquals("pm_sizing_in_batch" in components.schemas, true);
});

testOnRealPostgres("the document is what the catalogue says", async () => {
  await using database = await createTestDatabase("postgres", "sql");
  const generated = await formatted(await generateOpenApi(database.sql), "json");
  assertEquals(await Deno.readTextFile(OPENAPI_FILE), generated);
});
