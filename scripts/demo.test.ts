/** The demo as a newcomer runs it: a process of its own. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert/mod.js";
import { refuseDataOfOthers } from "./demo/others.ts";
import { generateSample, SAMPLE_SEED } from "./sample/sample.ts";
import { connect } from "./stack/database.ts";
import { createServerDatabase, testOnRealPostgres } from "./testing/databases.ts";

const REPOSITORY = new URL("..", import.meta.url);

async function demo(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", "scripts/demo.ts", ...args],
    cwd: REPOSITORY,
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

Deno.test("the demo feeds a file, merges a configuration and answers one JSON object", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const sample = generateSample({ seed: 7, asOf: new Date("2026-01-05T12:00:00Z") });
    const strands = sample.strands.slice(0, 1500);
    const bad = {
      id: "bad",
      kind: "pm_action",
      created_at: "2025-06-01T00:00:00Z",
      content: { trade_id: 7 },
    };
    await Deno.writeTextFile(
      `${folder}/strands.ndjson`,
      [...strands, bad].map((strand) => JSON.stringify(strand)).join("\n"),
    );
    await Deno.writeTextFile(
      `${folder}/config.json`,
      JSON.stringify({ strength_mode: "multiplier", steering: { max: 0.3 } }),
    );
    const { code, stdout, stderr } = await demo(
      "--input",
      `${folder}/strands.ndjson`,
      "--config",
      `${folder}/config.json`,
      "--json",
    );
    assertEquals(code, 0, stderr);
    const answer = JSON.parse(stdout);

    const closed = new Set(
      strands.filter(({ kind }) => kind === "position_closed").map(({ content }) =>
        (content as { trade_id: string }).trade_id
      ),
    );
    const events = strands.filter(({ kind, content }) =>
      kind === "pm_action" && closed.has((content as { trade_id: string }).trade_id)
    ).length;
    assertEquals(
      [answer.strands, answer.events, answer.rejected],
      [1501, events, 1],
    );
    assert(answer.lessons > 10 && answer.active_lessons <= answer.lessons && answer.overrides >= 0);
    assertEquals(
      answer.as_of,
      strands.map(({ created_at }) =>
        created_at ?? ""
      ).sort().at(-1),
    );
    assertEquals(answer.candidates.length, 3);
    for (const { sizing } of answer.candidates) {
      assertEquals([sizing.mode, sizing.error, sizing.config_version], ["multiplier", null, 1]);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

testOnRealPostgres("the sample goes only where nobody else's strands and positions are", async () => {
  await using cleanup = new AsyncDisposableStack();
  const databaseUrl = await createServerDatabase(cleanup, "migrations");
  const sql = connect(databaseUrl, { max: 1 });
  cleanup.defer(() => sql.end({ timeout: 5 }));
  const sample = generateSample({ seed: SAMPLE_SEED, asOf: new Date() });
  const ids = {
    strands: sample.strands.map(({ id }) => id),
    positions: sample.positions.map(({ id }) => id),
  };
  await refuseDataOfOthers(databaseUrl, ids);
  // What an earlier demo fed, in another week, is no obstacle.
  const earlier = generateSample({ seed: SAMPLE_SEED, asOf: new Date(Date.now() - 30 * 86_400_000) });
  await sql`insert into public.ad_strands (id, kind, content)
    select id, 'note', '{}' from unnest(${earlier.strands.slice(0, 50).map(({ id }) => id)}::text[]) id`;
  await refuseDataOfOthers(databaseUrl, ids);

  await sql`insert into public.ad_strands (id, kind, content) values ('theirs', 'note', '{}')`;
  const { code, stderr } = await demo("--db", databaseUrl);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "public.ad_strands of this database holds rows that are not the sample's (1)");
  assertEquals([...await sql`select count(*)::integer as number from public.ad_strands`], [{ number: 51 }]);
  assertEquals([...await sql`select from public.lowcap_positions`], []);
});

Deno.test("the demo says what it cannot do, before it starts anything", async () => {
  const unknown = await demo("--inptu", "x");
  assertEquals([unknown.code, unknown.stdout], [1, ""]);
  assertStringIncludes(unknown.stderr, 'Unknown argument "--inptu"');
  assertMatch((await demo("--help")).stdout, /--input FILE/);
  const missing = await demo("--input");
  assertEquals(missing.code, 1);
  assertStringIncludes(missing.stderr, "--input takes a value");
  assertStringIncludes(unknown.stderr, 'did you mean "--input"?');
  for (const args of [["--input", "/nowhere.ndjson"], ["--config", "/nowhere.json"]]) {
    const { code, stderr } = await demo(...args);
    assertEquals([code, stderr.includes("Starting")], [1, false]);
    assertStringIncludes(stderr, "/nowhere.");
  }
});
