/** Who has a database: what a stack looks at before it changes anything there. */

import { assert, assertEquals, assertRejects } from "@std/assert/mod.js";
import { createTestDatabase } from "../testing/databases.ts";
import { claimDoorbell } from "./doorbell.ts";
import { findTenancy, refuseGuests } from "./guests.ts";
import { compareSnapshots, snapshotSchema } from "./schema_snapshot.ts";
import { installStandIns, storeSecret } from "./standins.ts";

const OURS = { project_url: "http://127.0.0.1:1", edge_function_secret_key: "sb_secret_ours" };

Deno.test("a database of somebody else is refused with what stands there, and its doorbell borrowed on demand alone", async () => {
  await using database = await createTestDatabase("embedded");
  const { sql, databaseUrl } = database;
  await installStandIns(sql);
  const before = await snapshotSchema(sql);
  await refuseGuests(sql);
  await sql`create table public.learning_configs (module_id text primary key)`;
  await sql`create table public.their_own (id integer)`;
  await assertRejects(
    () => refuseGuests(sql),
    Error,
    "Another system lives here (learning_configs); `task adopt`",
  );
  assertEquals(await findTenancy(sql), {
    isOurs: false,
    isAdopted: false,
    isBeingAdopted: false,
    guests: ["learning_configs"],
  });
  const difference = compareSnapshots(before, await snapshotSchema(sql));
  assert(
    difference.length > 0 && difference.every((line) => /^\+ .*(learning_configs|their_own)/.test(line)),
    difference.join("\n"),
  );

  await storeSecret(sql, "project_url", "https://live.supabase.co", "Theirs.");
  const claim = (takeOver: boolean): ReturnType<typeof claimDoorbell> =>
    claimDoorbell(sql, databaseUrl, { own: false, takeOver, onProgress: () => {} });
  await assertRejects(() => claim(false), Error, "project_url");
  const doorbell = await claim(true);
  const rung = async (): Promise<unknown> =>
    (await sql`select decrypted_secret as url from vault.decrypted_secrets where name = 'project_url'`)[0]
      ?.["url"];
  await doorbell.borrow(OURS);
  assertEquals(await rung(), OURS.project_url);
  await doorbell.putBack();
  await doorbell.release();
  assertEquals(await rung(), "https://live.supabase.co");
});
