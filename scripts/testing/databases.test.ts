import { assertEquals, assertNotEquals } from "@std/assert/mod.js";
import { createTestDatabase, testOnEachTarget } from "./databases.ts";

testOnEachTarget("a database that begins with sql/ has it, and is nobody else's", async (target) => {
  await using first = await createTestDatabase(target, "sql");
  await using second = await createTestDatabase(target, "sql");
  await first.sql`insert into public.learning_configs (module_id) values ('pm')`;
  const read = async ({ sql }: typeof first): Promise<number | undefined> => {
    const [row] = await sql<{ configs: number }[]>`
      select count(*)::integer as configs from public.learning_configs`;
    return row?.configs;
  };
  assertEquals([await read(first), await read(second)], [1, 0]);
});

testOnEachTarget("a database that begins with the migrations knows that it has them", async (target) => {
  await using database = await createTestDatabase(target, "migrations");
  const [row] = await database.sql<{ applied: number }[]>`
    select count(*)::integer as applied from supabase_migrations.schema_migrations`;
  assertNotEquals(row?.applied, 0);
});

testOnEachTarget("a database that begins with nothing has nothing of the project", async (target) => {
  await using database = await createTestDatabase(target);
  const schemas = await database.sql`select from pg_catalog.pg_namespace where nspname = 'learning'`;
  assertEquals(schemas.length, 0);
});
