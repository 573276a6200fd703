/** The demo as a newcomer runs it: a process of its own. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert/mod.js";
import { generateSample } from "./sample/sample.ts";

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
    const bad = { id: "bad", kind: "pm_action", created_at: "2025-06-01T00:00:00Z", content: {} };
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

Deno.test("the demo says what it cannot do, before it starts anything", async () => {
  const unknown = await demo("--inptu", "x");
  assertEquals([unknown.code, unknown.stdout], [1, ""]);
  assertStringIncludes(unknown.stderr, 'Unknown argument "--inptu"');
  assertMatch((await demo("--help")).stdout, /--input FILE/);
  const missing = await demo("--input");
  assertEquals(missing.code, 1);
  assertStringIncludes(missing.stderr, "--input takes a value");
});
