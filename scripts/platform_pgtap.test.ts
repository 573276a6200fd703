/** The SQL tests with the rights that a hosted project gives, as `supabase test db` runs them there. */

import { assertEquals } from "@std/assert/mod.js";
import { readSqlFiles, runSqlFiles, SQL_DIRECTORY } from "./stack/schema_sources.ts";
import { testOnRealPostgres } from "./testing/databases.ts";
import { createProject } from "./testing/projects.ts";
import { findSqlTests, runSqlTest } from "./testing/sql_tests.ts";

testOnRealPostgres(
  "every SQL test passes for an owner without superuser's rights, and with names of jobs as pg_cron has them",
  async () => {
    await using project = await createProject("postgres", "newer");
    await project.admin.unsafe("create extension pgtap with schema extensions");
    await project.admin.unsafe("alter table cron.job alter column jobname type name");
    await runSqlFiles(project.owner, await readSqlFiles(SQL_DIRECTORY));
    const failures: string[] = [];
    for (const file of await findSqlTests()) {
      const result = await runSqlTest(project.ownerUrl, file);
      failures.push(...result.failures.map((failure) => `${file}: ${failure}`));
    }
    assertEquals(failures, []);
  },
);
