/** What the loop promises, at a size that fits into every run; `deno task soak` runs the same at full size. */

import { assert, assertEquals } from "@std/assert/mod.js";
import { burst, burstFaults } from "./guarantees/burst.ts";
import { Cluster, findPostgres } from "./guarantees/cluster.ts";
import { DISTURBANCES, KILL_POSTGRES } from "./guarantees/disturbances.ts";
import { createTemplate, ExactlyOnce, type Server, type Trial } from "./guarantees/exactly_once.ts";
import { learn } from "./guarantees/learning.ts";
import { feedNonsense } from "./guarantees/nonsense.ts";
import { differences, type Outcome } from "./guarantees/outcome.ts";
import { Rig } from "./guarantees/rig.ts";
import { connect } from "./stack/database.ts";
import { createScratchDatabase } from "./stack/scratch.ts";
import {
  createTestDatabase,
  type Target,
  TEST_DATABASE_VARIABLE,
  testOnEachTarget,
} from "./testing/databases.ts";

const TRADES: Readonly<Record<Target, number>> = { embedded: 60, postgres: 300 };
const LEARNED_TRADES: Readonly<Record<Target, number>> = { embedded: 120, postgres: 300 };
const BAD_STRANDS: Readonly<Record<Target, number>> = { embedded: 300, postgres: 1_500 };
const BURST: Readonly<Record<Target, number>> = { embedded: 1_000, postgres: 5_000 };

/** Where the databases of a test come from. */
async function serverFor(target: Target, cleanup: AsyncDisposableStack): Promise<Server | null> {
  if (target === "embedded") return null;
  const url = Deno.env.get(TEST_DATABASE_VARIABLE) ?? "";
  return { url, template: await createTemplate(url, cleanup) };
}

async function startRig(target: Target, cleanup: AsyncDisposableStack): Promise<Rig> {
  const database = cleanup.use(await createTestDatabase(target, "migrations"));
  return cleanup.use(await Rig.start({ databaseUrl: database.databaseUrl }));
}

function assertUndisturbed(trial: Trial): void {
  assertEquals(trial.differences, []);
}

testOnEachTarget("whatever goes wrong on the way, strands come to the same", async (target) => {
  await using cleanup = new AsyncDisposableStack();
  const promise = new ExactlyOnce(TRADES[target], await serverFor(target, cleanup));
  await promise.prepare();
  for (const [name, disturbance] of Object.entries(DISTURBANCES)) {
    assertEquals((await promise.disturb(name, disturbance)).differences, [], name);
  }
});

Deno.test({
  name: "when Postgres is killed midway and restarted, strands come to the same (initdb on this machine)",
  ignore: findPostgres() === null,
  fn: async () => {
    await using cleanup = new AsyncDisposableStack();
    const cluster = cleanup.use(await Cluster.create());
    const promise = new ExactlyOnce(TRADES.postgres, {
      url: cluster.url,
      template: await createTemplate(cluster.url, cleanup),
    });
    assertUndisturbed(await promise.disturb("Postgres is killed", KILL_POSTGRES, { cluster, kills: 3 }));
  },
});

testOnEachTarget(
  "a bad strand is processed, rejected with every reason, or refused at the insert, and holds nothing up",
  async (target) => {
    await using cleanup = new AsyncDisposableStack();
    const rig = await startRig(target, cleanup);
    const report = await feedNonsense(rig, { seed: 1, bad: BAD_STRANDS[target], trades: 30 });
    assertEquals(report.complaints, []);
    assert(report.processed > 0 && report.rejected > 0 && Object.keys(report.refused).length >= 3);
  },
);

testOnEachTarget(
  "mining that is killed, or rung twice, comes to the same lessons and overrides",
  async (target) => {
    await using cleanup = new AsyncDisposableStack();
    const server = await serverFor(target, cleanup);
    const learned: Outcome[] = [];
    for (const trouble of ["none", "every ring comes twice", "functions are killed"] as const) {
      await using rig = await Rig.start(
        server === null
          ? {}
          : { databaseUrl: await createScratchDatabase(server.url, cleanup, server.template) },
      );
      learned.push(await learn(rig, LEARNED_TRADES[target], trouble));
    }
    const [undisturbed, twice, killed] = learned;
    if (undisturbed === undefined || twice === undefined || killed === undefined) {
      throw new Error(
        "No outcome.",
      );
    }
    assert(
      (undisturbed.get("lessons")?.length ?? 0) > 20 && (undisturbed.get("overrides")?.length ?? 0) > 20,
    );
    assertEquals(differences(undisturbed, twice), []);
    assertEquals(differences(undisturbed, killed), []);
  },
);

for (const shape of ["one statement", "single statements"] as const) {
  testOnEachTarget(
    `a burst in ${shape} rings little, is worked off by one sweep, and shows how far it has come`,
    async (target) => {
      await using cleanup = new AsyncDisposableStack();
      const rig = await startRig(target, cleanup);
      const strands = shape === "one statement" ? BURST[target] : BURST[target] / 5;
      const report = await burst(rig, { strands, shape, sampleMs: 50 });
      assertEquals(report.strands, strands);
      assertEquals(burstFaults(report), []);
      if (shape === "one statement") assertEquals(report.rings, 1);
    },
  );
}

Deno.test({
  name: "two runs of the sweep or of pruning never overlap: the second does nothing (real Postgres)",
  ignore: Deno.env.get(TEST_DATABASE_VARIABLE) === undefined,
  fn: async () => {
    await using cleanup = new AsyncDisposableStack();
    const { databaseUrl, sql } = cleanup.use(await createTestDatabase("postgres", "migrations"));
    await sql`select vault.create_secret('http://127.0.0.1:1', 'project_url')`;
    await sql`select vault.create_secret('sb_secret_test', 'edge_function_secret_key')`;
    await sql`
      insert into public.learning_log (at, level, component, event, message)
      values (now() - interval '40 days', 'INFO', 'x', 'x', 'x')`;
    const rings = async (): Promise<unknown> =>
      (await sql`select count(*)::integer as rings from learning.doorbells`)[0]?.["rings"];
    const other = connect(databaseUrl, { max: 1 });
    cleanup.defer(() => other.end({ timeout: 5 }));
    await other.begin(async (transaction) => {
      await transaction`select learning.sweep()`;
      const [pruned] = await transaction`select public.prune_learning() as report`;
      assertEquals(pruned?.["report"].log_lines, 1);
      await sql`select learning.sweep()`;
      assertEquals(await rings(), 0);
      const [skipped] = await sql`select public.prune_learning() as report`;
      assertEquals(skipped?.["report"], { skipped: "another run is under way" });
    });
    await sql`select learning.sweep()`;
    assertEquals(await rings(), 2);
  },
});

async function sectionOf(path: string, heading: string): Promise<string> {
  const text = await Deno.readTextFile(new URL(path, import.meta.url));
  return text.split(`\n${heading}\n`)[1]?.split(/\n##+ /)[0] ?? "";
}

/** What stands in bold at the beginning of a paragraph or an item, on one line. */
function promisesIn(text: string): string[] {
  return [...text.matchAll(/^(?:- )?\*\*([\s\S]+?)\.?\*\*/gm)].map(([, promise = ""]) =>
    promise.replaceAll(/\s+/g, " ")
  );
}

Deno.test("every promise of the README has its proofs, tests that there are", async () => {
  const proofs = await sectionOf("README.md", "### Proofs");
  const promises = promisesIn(await sectionOf("../README.md", "## Guarantees"));
  assert(promises.length >= 9, `${promises.length} promises`);
  assertEquals(promisesIn(proofs), promises);
  for (const part of proofs.split(/\n(?=\*\*)/).slice(1)) {
    const items = part.split(/\n- /).slice(1).map((item) =>
      item.split("\n\n")[0]?.replaceAll(/\s+/g, " ") ?? ""
    );
    assert(items.length > 0, `No test is named for: ${part}`);
    for (const item of items) {
      const files = [...item.matchAll(/`([^`]+\.test\.(?:ts|sql))`/g)].map(([, path]) => path ?? "");
      assert(files.length > 0, `No file is named in: ${item}`);
      const texts = await Promise.all(
        files.map((path) => Deno.readTextFile(new URL(`../${path}`, import.meta.url))),
      );
      for (const [, name = ""] of item.replaceAll(/`[^`]*`/g, "").matchAll(/_(.+?)_/g)) {
        for (const piece of name.split("…").map((each) => each.trim()).filter((each) => each !== "")) {
          assert(texts.some((text) => text.includes(piece)), `${files.join(", ")} has no test "${piece}".`);
        }
      }
    }
  }
});
