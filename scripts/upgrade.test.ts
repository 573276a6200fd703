/** What a push does to a database that is in use: nothing is lost, the loop goes on, and it is as a new one would be. */

import { assert, assertEquals } from "@std/assert/mod.js";
import { fastForward } from "./demo/fast_forward.ts";
import { arrivalsOf, generateHistory } from "./guarantees/history.ts";
import { readLearned } from "./guarantees/learning.ts";
import { differences, type Outcome, readOutcome } from "./guarantees/outcome.ts";
import { Rig } from "./guarantees/rig.ts";
import { initialMigration, nextMigration } from "./release/next_migration.ts";
import { readProject } from "./release/project.ts";
import type { SqlFile } from "./stack/schema_sources.ts";
import { compareSnapshots, snapshotSchema } from "./stack/schema_snapshot.ts";
import { installStandIns } from "./stack/standins.ts";
import { createTestDatabase, type Target, type TestDatabase, testOnEachTarget } from "./testing/databases.ts";
import { push } from "./supabase_cli.ts";

/** What a later release may bring. */
const LATER = {
  name: "99_later.sql",
  text: `
    alter table public.pm_overrides add column reviewed_at timestamptz;
    comment on column public.pm_overrides.reviewed_at is 'When a person looked at it.';
    alter table public.strand_receipts alter column attempts set default 0;
    create index strand_receipts_received_idx on public.strand_receipts (received_at);
    create view public.later with (security_invoker = true) as select dim from public.scope_dimensions;
    comment on view public.later is 'New.';
    insert into public.scope_dimensions (dim, bit, source) values ('later', 29, 'entry');
    select cron.schedule('edgeloop-later', '30 4 * * *', $$select 1$$);`,
};

const HISTORY = generateHistory(11, 40);
const DELIVERIES = arrivalsOf(HISTORY, 1);
const HALF = Math.ceil(DELIVERIES.length / 2);

interface Files {
  /** As they were released. */
  readonly releases: readonly SqlFile[];
  /** What comes after them. */
  readonly next: SqlFile;
}

let files: Promise<Files> | undefined;

async function readFiles(): Promise<Files> {
  const { sources, released, byHand } = await readProject();
  // Before the first release there is what would become it.
  const releases = released.length > 0
    ? released
    : [{ name: "20260101000000_first.sql", text: initialMigration(sources) }];
  const migration = await nextMigration(
    [...sources, LATER],
    releases,
    released.length > 0 ? byHand : undefined,
  );
  assertEquals(migration?.destroys, []);
  return { releases, next: { name: "99990101000000_next.sql", text: migration?.sql ?? "" } };
}

/** What a person sets and makes by hand. */
async function useByHand(rig: Rig): Promise<void> {
  const configuration = {
    n_min: 8,
    edge_min: 0.01,
    max_q_value: null,
    tuning: { min_gain: 0, min_ratio: 0, confirm: false },
    flags: { dm_alloc_overrides_enabled: true },
  };
  await rig.query("insert into public.learning_configs (module_id, config_data) values ('pm', $1::jsonb)", [
    JSON.stringify(configuration),
  ]);
  await rig.query(
    "insert into public.scope_dimensions (dim, bit, source, weight) values ('own', 30, 'entry', 2)",
  );
  await rig.query("update public.scope_dimensions set weight = 3 where dim = 'chain'");
  await rig.query(`
    insert into public.pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, dir_a, dir_e,
      edge_raw, n, variance, confidence_score, last_evidence_at, half_life_hours)
    values
      ('pm_strength', 'pm.trial.S1.buy', 'entry', '{"own": "yes"}', 1.2, 0.6, -0.3, 0.1, 50, 0.2, 0.8, '2026-01-01', 500),
      ('pm_strength', 'pm.trial.S1.buy', 'entry', '{"own": "yes", "chain": "solana"}', 0.9, -0.2, 0.3, -0.1, 40, 0.3, 0.7,
        '2026-01-02', 500)`);
  await rig.query(`
    insert into public.pm_overrides (override_type, pattern_key, action_category, scope_subset, value)
    values ('pm_tuning', 'pm.trial.S1.buy', 'tuning_ts_min', '{}', 0.05)`);
  await rig.query(`
    insert into public.pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, edge_raw, n)
    values ('dm_alloc', 'dm.trial', '15m', '{"chain": "solana"}', 1.1, 0.1, 40)`);
  await rig.query(`
    insert into public.lowcap_positions (id, token_chain, token_contract, timeframe, status, total_allocation_pct, pattern_key, entry_context)
    values
      ('00000000-0000-0000-0000-00000000000a', 'solana', 'one', '15m', 'active', 2, 'pm.trial.S1.buy', '{"own": "yes", "chain": "solana"}'),
      ('00000000-0000-0000-0000-00000000000b', 'base', 'two', '1h', 'watchlist', 1, 'pm.trial.S1.buy', '{"own": "no", "chain": "base"}')`);
}

const ASKED =
  `from (values ('{"own": "yes", "chain": "solana"}'::jsonb), ('{"own": "no"}'), ('{}')) as asked(scope)`;

/** Of each RPC the answers, without what a row's number or the moment of asking makes of them. */
const ANSWERS: Readonly<Record<string, string>> = {
  get_pm_sizing: `
    select asked.scope, to_jsonb(sizing) as answer ${ASKED}
    cross join lateral public.get_pm_sizing('pm.trial.S1.buy', 'entry', asked.scope, as_of => '2026-02-01') as sizing`,
  get_pm_levers: `
    select asked.scope, to_jsonb(lever) as answer ${ASKED}
    cross join lateral public.get_pm_levers('pm.trial.S1.buy', 'entry', asked.scope) as lever`,
  get_dm_allocation: `
    select asked.scope, to_jsonb(allocation) as answer ${ASKED}
    cross join lateral public.get_dm_allocation('15m', asked.scope) as allocation`,
  get_pm_config: "select public.get_pm_config() - 'release' as answer",
};

async function readAnswers(rig: Rig): Promise<unknown> {
  const answers: Record<string, unknown> = {};
  for (const [name, question] of Object.entries(ANSWERS)) {
    const rows = await rig.query(question);
    assert(rows.length > 0, name);
    answers[name] = JSON.parse(JSON.stringify(rows, (key, value) => {
      if (["id", "override_id", "computed_at"].includes(key)) return undefined;
      // A sum's last digits depend on the order of its rows, a fading edge on the moment.
      return typeof value === "number" ? Number(value.toPrecision(4)) : value;
    }));
  }
  return answers;
}

/** What is there when half of the history came and was learned from, and when the rest did. */
interface Course {
  readonly before: Outcome;
  readonly after: Outcome;
  readonly learned: Outcome;
  readonly answers: unknown;
  readonly schema: readonly string[];
}

/** What a push onto 0.1.0 reads anew from strands that took effect: S3 is told in more places than before. */
const READ_ANEW = ["reached_s3", "time_to_s3_hours", "pnl_usd"];

/** Of an outcome what an earlier one has, columns and rows, without what is read or judged anew. */
function asBefore(before: Outcome, outcome: Outcome): Outcome {
  const rejected = new Set(
    (before.get("receipts") ?? []).map((line) => JSON.parse(line))
      .filter(({ status }) => status === "rejected").map(({ strand }) => strand),
  );
  return new Map([...outcome].map(([part, lines]) => {
    const known = Object.keys(JSON.parse(before.get(part)?.[0] ?? "{}"))
      .filter((key) => !READ_ANEW.includes(key)).sort();
    return [
      part,
      lines.map((line) => JSON.parse(line))
        .filter(({ strand }) => part !== "receipts" || !rejected.has(strand))
        .map((row) => JSON.stringify(known.map((key) => [key, row[key]]))),
    ];
  }));
}

/**
 * Invocations died that mined, and what they saved and worked with has the form of release 0.1.0: what a push onto it has to
 * begin anew. Later ones go on with what they find, so that theirs may not be invented.
 */
const UNDER_WAY_IN_0_1_0 = `
  update learning.mining_groups
  set run = '{"started_at": "2026-01-01T00:00:00Z", "cycle": 1, "last_event_id": 1, "evidence_version": 1, "settings": "old",
      "config": {}, "baseline": {"n": 1, "mean": 0, "winsorised_mean": 0, "sigma": 1, "lower_bound": 0, "upper_bound": 0},
      "dimensions": []}',
    progress = '{"ownDirection": null, "miner": {"pass": "count"}}'
  where family = 'strength'`;

/** Feeds the history, and between its halves, the first with the functions of `checkout`, pushes `rest`. */
async function live(
  target: Target,
  first: readonly SqlFile[],
  rest: readonly SqlFile[],
  checkout?: string,
): Promise<Course> {
  await using cleanup = new AsyncDisposableStack();
  const database: TestDatabase = cleanup.use(await createTestDatabase(target));
  await installStandIns(database.sql);
  const workdir = await createWorkdir(cleanup);
  const pushFiles = async (files: readonly SqlFile[]): Promise<void> => {
    for (const { name, text } of files) {
      await Deno.writeTextFile(`${workdir}/supabase/migrations/${name}`, text);
    }
    await push(database.databaseUrl, { workdir });
  };
  await pushFiles(first);
  let before: Outcome;
  {
    await using rig = await Rig.start({
      databaseUrl: database.databaseUrl,
      ...(checkout === undefined ? {} : { functionsOf: checkout }),
    });
    await useByHand(rig);
    await rig.feed(DELIVERIES.slice(0, HALF));
    await rig.drain();
    await fastForward({ ...rig.stack, settle: () => rig.settle() }, () => {});
    before = await readOutcome(rig.stack.query);
  }
  if (rest.length > 0) {
    if (first.length === 1) await database.sql.unsafe(UNDER_WAY_IN_0_1_0);
    await pushFiles(rest);
  }
  await using rig = await Rig.start({ databaseUrl: database.databaseUrl });
  assertEquals(
    differences(asBefore(before, before), asBefore(before, await readOutcome(rig.stack.query))),
    [],
    "a push changes nothing that is there",
  );
  await rig.feed(DELIVERIES.slice(HALF));
  await rig.drain();
  await fastForward({ ...rig.stack, settle: () => rig.settle() }, () => {});
  const schema = await snapshotSchema(database.sql);
  await push(database.databaseUrl, { workdir });
  const isRow = (line: string): boolean => line.startsWith("row of ");
  assertEquals(
    compareSnapshots(
      schema.filter((line) => !isRow(line)),
      (await snapshotSchema(database.sql)).filter((line) => !isRow(line)),
    ),
    [],
  );
  return {
    before,
    after: await readOutcome(rig.stack.query),
    learned: await readLearned(rig),
    answers: await readAnswers(rig),
    // Which dimensions are written into functions is told by the answers; rows are compared as outcomes.
    schema: schema.filter((line) => !isRow(line)),
  };
}

const REPOSITORY = new URL("../", import.meta.url);

async function git(...args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("git", { args: [...args], cwd: REPOSITORY })
    .output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`git ${args.join(" ")} failed: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout).trim();
}

/** The repository as it was when a release was made: a database is used with the functions that came with it. */
async function checkOut(release: SqlFile, cleanup: AsyncDisposableStack): Promise<string> {
  const migration = `supabase/migrations/${release.name}`;
  const commit = await git("log", "--diff-filter=A", "--format=%H", "-1", "--", migration);
  assert(
    commit !== "",
    `The commit that added ${migration} is not in this clone: it needs the whole history.`,
  );
  const folder = await Deno.makeTempDir({ prefix: "edgeloop_release_" });
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  const checkout = `${folder}/checkout`;
  await git("worktree", "add", "--detach", checkout, commit);
  cleanup.defer(() => git("worktree", "remove", "--force", checkout).then(() => undefined));
  return checkout;
}

/** Evidence is weighed with the deviation of the day on which a group was first mined, which is another here and there. */
function withoutEvidence(learned: Outcome): Outcome {
  return new Map(
    [...learned].map(([part, lines]) => [
      part,
      lines.map((line) => line.replaceAll(/"(?:ln_e|e_value)":[^,}]*,?/g, "")).sort(),
    ]),
  );
}

testOnEachTarget(
  "a push onto any release, with data, leads to the schema and the answers of a new database, and the loop goes on",
  async (target) => {
    const { releases, next } = await (files ??= readFiles());
    const fresh = await live(target, [...releases, next], []);
    assertEquals(fresh.after.get("receipts")?.length, HISTORY.strands.length);
    assert((fresh.learned.get("lessons")?.length ?? 0) > 0);
    for (let pushed = 1; pushed <= releases.length; pushed++) {
      await using cleanup = new AsyncDisposableStack();
      const newest = releases[pushed - 1];
      if (newest === undefined) throw new RangeError(`There is no release ${pushed}.`);
      const upgraded = await live(
        target,
        releases.slice(0, pushed),
        [...releases.slice(pushed), next],
        await checkOut(newest, cleanup),
      );
      assertEquals(compareSnapshots(upgraded.schema, fresh.schema), []);
      assertEquals(differences(fresh.after, upgraded.after), []);
      assertEquals(differences(withoutEvidence(fresh.learned), withoutEvidence(upgraded.learned)), []);
      assertEquals(upgraded.answers, fresh.answers);
    }
  },
);

/** A project with nothing in it but its configuration. */
async function createWorkdir(cleanup: AsyncDisposableStack): Promise<string> {
  const workdir = await Deno.makeTempDir({ prefix: "edgeloop_upgrade_" });
  cleanup.defer(() => Deno.remove(workdir, { recursive: true }));
  await Deno.mkdir(`${workdir}/supabase/migrations`, { recursive: true });
  await Deno.copyFile(new URL("../supabase/config.toml", import.meta.url), `${workdir}/supabase/config.toml`);
  return workdir;
}
