/** What the README says of pushing to a project, with the CLI of the version it names and as the project's owner. */

import { assertEquals, assertStringIncludes } from "@std/assert/mod.js";
import type { Database } from "../stack/database.ts";
import { SUPABASE_CLI_VERSION } from "../supabase_cli.ts";
import { testOnEachTarget } from "../testing/databases.ts";
import { createProject } from "../testing/projects.ts";
import { type Block, blocksOf, commandsOf } from "./blocks.ts";
import { runPlatformCommands } from "./platform_commands.ts";
import { Session } from "./session.ts";
import { runStatementOfSecrets } from "./steps.ts";

const README = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
const SEED = await Deno.readTextFile(new URL("../../supabase/seed.sql", import.meta.url));

function blockWith(text: string): Block {
  const [block] = blocksOf(README).filter((each) => each.text.includes(text));
  if (block === undefined) throw new Error(`No block of the README holds "${text}".`);
  return block;
}

async function projectUrl(sql: Database): Promise<string | undefined> {
  const [row] = await sql<{ secret: string }[]>`
    select decrypted_secret as secret from vault.decrypted_secrets where name = 'project_url'`;
  return row?.secret;
}

Deno.test("the README's commands reach the project, with the version of the CLI that it names", async () => {
  assertStringIncludes(
    README.replaceAll(/\s+/g, " "),
    `these commands were run with ${SUPABASE_CLI_VERSION}`,
  );
  await using session = await Session.begin();
  await runPlatformCommands(session, commandsOf(blockWith("supabase link")));
});

testOnEachTarget(
  "the README's statement stores the secrets, and replaces them the next time",
  async (target) => {
    await using project = await createProject(target, "newer");
    await runStatementOfSecrets(project.owner, blockWith("vault.create_secret"));
  },
);

testOnEachTarget("the seed stores the address of the local stack there and nowhere else", async (target) => {
  await using project = await createProject(target, "newer");
  await project.owner.unsafe(SEED);
  assertEquals(await projectUrl(project.owner), undefined);
  await runStatementOfSecrets(project.owner, blockWith("vault.create_secret"));
  await project.owner.unsafe(SEED);
  assertEquals(await projectUrl(project.owner), "https://def.supabase.co");

  // As `supabase start` sets it up, with the secret of tokens that the CLI publishes.
  await using local = await createProject(target, "newer");
  await local.owner.begin(async (transaction) => {
    await transaction`select set_config(
      'app.settings.jwt_secret', 'super-secret-jwt-token-with-at-least-32-characters-long', true)`;
    for (let times = 0; times < 2; times += 1) await transaction.unsafe(SEED);
  });
  assertEquals(await projectUrl(local.owner), "http://api.supabase.internal:8000");
});
