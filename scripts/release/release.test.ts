import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert/mod.js";
import { buildDatabase } from "./built_database.ts";
import { PATHS, readProject, REPOSITORY, sha256Of } from "./project.ts";
import { release } from "./release.ts";
import { changeOfUnreleased, unreleasedMigration, writeUnreleased } from "./unreleased.ts";
import { readSqlFiles } from "../stack/schema_sources.ts";

const SMALL = "create table public.orders (id integer primary key, size integer);\n";
const BY_HAND = "-- What a person writes.\n";
const CHANGELOG = "# Changelog\n\n## Unreleased\n\n- Orders.\n";

/** A project of a few lines in a folder of its own. */
async function createProject(cleanup: AsyncDisposableStack): Promise<URL> {
  const folder = await Deno.makeTempDir({ prefix: "edgeloop_release_" });
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  const root = new URL(`file://${folder}/`);
  for (const path of [PATHS.sources, PATHS.migrations, "scripts/release/"]) {
    await Deno.mkdir(new URL(path, root), { recursive: true });
  }
  const schema = "create schema if not exists learning;\n";
  const table =
    "create table learning.releases (version text primary key, released_at timestamptz not null);\n";
  for (
    const [path, text] of [
      ["sql/00_schemas.sql", schema],
      [PATHS.releaseRows, table],
      ["sql/10_small.sql", SMALL],
      [PATHS.before, BY_HAND],
      [PATHS.after, BY_HAND],
      [PATHS.releases, "[]\n"],
      [PATHS.changelog, CHANGELOG],
    ] as const
  ) await Deno.writeTextFile(new URL(path, root), text);
  return root;
}

/** What `deno task db:migrate` does. */
async function migrate(root: URL, now: Date): Promise<string[]> {
  const project = await readProject(root);
  const change = changeOfUnreleased(project, await unreleasedMigration(project), now);
  if (change !== null) await writeUnreleased(project, change, root);
  return await migrations(root);
}

async function migrations(root: URL): Promise<string[]> {
  return (await readSqlFiles(new URL(PATHS.migrations, root))).map(({ name }) => name);
}

function write(root: URL, path: string, text: string): Promise<void> {
  return Deno.writeTextFile(new URL(path, root), text);
}

function read(root: URL, path: string): Promise<string> {
  return Deno.readTextFile(new URL(path, root));
}

const day = (number: number): Date => new Date(Date.UTC(2027, 0, number, 12));

Deno.test("between releases one file is made anew, a release freezes it, and the next one begins", async () => {
  await using cleanup = new AsyncDisposableStack();
  const root = await createProject(cleanup);
  const first = ["20270101120000_unreleased.sql"];
  assertEquals(await migrate(root, day(1)), first);
  assertEquals(await migrate(root, day(2)), first, "contents that stay keep their number");
  await write(root, "sql/10_small.sql", SMALL.replace("size", "amount"));
  assertEquals(await migrate(root, day(2)), ["20270102120000_unreleased.sql"], "others get a new one");
  assertEquals(
    await migrate(root, day(1)),
    ["20270102120000_unreleased.sql"],
    "and a clock that was set back changes nothing",
  );

  const { file } = await release("0.1.0", day(3), root);
  assertEquals(file, "20270103120000_release_0_1_0.sql");
  assertEquals(await migrations(root), [file]);
  assertEquals(
    await read(root, PATHS.changelog),
    "# Changelog\n\n## Unreleased\n\n## 0.1.0 – 2027-01-03\n\n- Orders.\n",
  );
  assertStringIncludes(await read(root, PATHS.releaseRows), "values ('0.1.0', '2027-01-03 00:00:00+00');\n");
  const frozen = await read(root, PATHS.migrations + file);
  assertEquals(JSON.parse(await read(root, PATHS.releases)), [
    { version: "0.1.0", file, sha256: await sha256Of(frozen) },
  ]);
  assertEquals(await migrate(root, day(4)), [file], "right after a release there is nothing to migrate");

  await write(
    root,
    "sql/10_small.sql",
    SMALL.replace("size integer", "quantity integer -- renamed from: amount\n"),
  );
  await write(root, PATHS.before, `${BY_HAND}\nupdate public.orders set amount = 1 where amount = 0;\n`);
  assertEquals(await migrate(root, day(4)), [file, "20270104120000_unreleased.sql"]);
  await write(
    root,
    PATHS.changelog,
    (await read(root, PATHS.changelog)).replace("Unreleased\n", "Unreleased\n\n- More.\n"),
  );
  const second = await release("0.2.0", day(5), root);
  assertEquals(await migrations(root), [file, second.file]);
  assertEquals(await read(root, PATHS.migrations + file), frozen);
  const text = await read(root, PATHS.migrations + second.file);
  assertStringIncludes(text, "update public.orders set amount = 1");
  assertStringIncludes(text, "rename column amount to quantity");
  assertEquals(await read(root, PATHS.before), BY_HAND, "statements by hand are in the release now");
  assert(!(await read(root, "sql/10_small.sql")).includes("renamed from"));
  assertEquals(await migrate(root, day(6)), [file, second.file]);

  const { sql } = await buildDatabase(cleanup, await readSqlFiles(new URL(PATHS.migrations, root)));
  assertEquals([...await sql`select version from learning.releases order by version`], [
    { version: "0.1.0" },
    { version: "0.2.0" },
  ]);
});

Deno.test("a release that makes no sense is refused in a sentence, and nothing is written", async () => {
  await using cleanup = new AsyncDisposableStack();
  const root = await createProject(cleanup);
  const refused = async (version: string, reason: string): Promise<void> => {
    const before = await Promise.all(
      [PATHS.changelog, PATHS.releases, PATHS.releaseRows].map((path) => read(root, path)),
    );
    await assertRejects(() => release(version, day(9), root), Error, reason);
    const after = await Promise.all(
      [PATHS.changelog, PATHS.releases, PATHS.releaseRows].map((path) => read(root, path)),
    );
    assertEquals(after, before);
  };
  await refused("next", '"next" is no version; give three numbers');
  await refused("1.0", '"1.0" is no version');
  await write(
    root,
    PATHS.changelog,
    "# Changelog\n\n## Unreleased\n\n### Added\n\n## 0.0.1 – 2026-01-01\n\n- Old.\n",
  );
  await refused("0.1.0", '"## Unreleased" in CHANGELOG.md is empty');
  await write(root, PATHS.changelog, "# Changelog\n\n## 0.0.1 – 2026-01-01\n\n- Old.\n");
  await refused("0.1.0", 'CHANGELOG.md has no section "## Unreleased"');
  await write(root, PATHS.changelog, `${CHANGELOG}\n## 0.1.0 – 2026-01-01\n\n- Old.\n`);
  await refused("0.1.0", "CHANGELOG.md has a section 0.1.0 already");
  await write(root, PATHS.changelog, CHANGELOG);
  await write(root, PATHS.before, "select 1;\n");
  await refused("0.1.0", "has statements, and there is no release that they could upgrade");
  await write(root, PATHS.before, BY_HAND);
  await write(root, `${PATHS.migrations}20260101000000_a.sql`, "select 1;\n");
  await write(root, `${PATHS.migrations}20260101000001_b.sql`, "select 1;\n");
  await refused(
    "0.1.0",
    "only one may be unreleased, and these are: 20260101000000_a.sql, 20260101000001_b.sql",
  );
  await Deno.remove(new URL(`${PATHS.migrations}20260101000001_b.sql`, root));

  const { file } = await release("0.10.0", day(9), root);
  assertEquals(await migrations(root), [file], "the draft is gone");
  await write(root, PATHS.changelog, CHANGELOG);
  await refused("0.9.0", "0.9.0 is not newer than 0.10.0");
  await refused("0.10.0", "0.10.0 is not newer than 0.10.0");
  const rows = await read(root, PATHS.releaseRows);
  await write(root, PATHS.releaseRows, `${rows}${rows.split("\n").at(-2)?.replace("0.10.0", "0.11.0")}\n`);
  await refused("0.12.0", "has rows of 0.10.0, 0.11.0, and scripts/release/released.json knows 0.10.0");
  await write(root, PATHS.releaseRows, rows);
  const frozen = await read(root, PATHS.migrations + file);
  await write(root, PATHS.migrations + file, frozen.replace("integer", "Integer"));
  await refused("0.11.0", `${file} is not what was released as 0.10.0`);
  await Deno.remove(new URL(PATHS.migrations + file, root));
  await refused("0.11.0", `${file}, the migration of release 0.10.0, is missing`);
});

Deno.test("no byte of a released file has changed, and all other migrations but one are released", async () => {
  const { releases, sources } = await readProject();
  const rows = sources.find(({ name }) => `sql/${name}` === PATHS.releaseRows)?.text ?? "";
  assertEquals(
    [...rows.matchAll(/values \('(.*?)'/g)].map(([, version]) => version),
    releases.map(({ version }) => version),
    "sql/01_releases.sql has the row of each release",
  );
  const changelog = await Deno.readTextFile(new URL(PATHS.changelog, REPOSITORY));
  for (const { version } of releases) assertStringIncludes(changelog, `\n## ${version} – `);
});
