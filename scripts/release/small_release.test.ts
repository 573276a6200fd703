/** A release of a few lines: what the long tests beside this one try with the whole of `sql/` and with rows. */

import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert/mod.js";
import { createTestDatabase } from "../testing/databases.ts";
import { runSqlFiles, type SqlFile } from "../stack/schema_sources.ts";
import { installStandIns } from "../stack/standins.ts";
import type { BuiltDatabase } from "./built_database.ts";
import { releaseChangelog } from "./changelog.ts";
import { nextMigration } from "./next_migration.ts";
import { compareVersions, isVersion, PATHS, type Project, readProject, sha256Of } from "./project.ts";
import { release } from "./release.ts";
import { withoutRenames } from "./renames.ts";
import { isEmpty, quoted, terminated } from "./statements.ts";
import { changeOfUnreleased } from "./unreleased.ts";

/** As `buildDatabase` does, from an empty database that is kept. */
async function build(cleanup: AsyncDisposableStack, files: readonly SqlFile[]): Promise<BuiltDatabase> {
  const database = cleanup.use(await createTestDatabase("embedded"));
  await installStandIns(database.sql);
  await runSqlFiles(database.sql, files);
  return database;
}

const RELEASED = `
create schema if not exists learning;
create table public.orders (id integer primary key, size integer, price integer);
create table public.kinds (name text primary key, weight integer);
-- more
insert into public.kinds (name, weight) values ('kept', 1), ('changed', 2), ('gone', 3);
select cron.schedule('kept', '1 * * * *', 'select 1'), cron.schedule('gone', '1 * * * *', 'select 1');
`;

Deno.test("what leads from a release to sql/ renames, counts what a constraint breaks, and brings rows and jobs", async () => {
  const wanted = RELEASED
    .replace("size integer", "amount integer check (amount > 0) -- renamed from: size\n")
    .replace("weight integer", "note text, weight integer")
    .replace("-- more", "create table public.later (id integer primary key);")
    .replace("('changed', 2), ('gone', 3)", "('changed', 5), ('new', 4)")
    .replace("cron.schedule('gone', '1 *", "cron.schedule('new', '2 *");
  const next = await nextMigration(
    [{ name: "10_small.sql", text: wanted }],
    [{ name: "released.sql", text: RELEASED }],
    undefined,
    build,
  );
  const lines = (next?.sql ?? "").split("\n");
  const has = (pattern: RegExp): boolean => lines.some((line) => pattern.test(line));
  for (
    const pattern of [
      /^alter table public.orders rename column size to amount;$/,
      /^ {2}select count\(\*\) into broken from "public"."orders" where not \(\(amount > 0\)\);$/,
      /^ALTER TABLE "public"."orders" ADD CONSTRAINT .*CHECK/,
      /^ALTER TABLE "public"."kinds" ADD COLUMN "note" text;$/,
      /^REVOKE ALL ON TABLE "public"."later" FROM PUBLIC, "anon", "authenticated", "service_role";$/,
      /^insert into public.kinds .*'new'/,
      /^delete from public.kinds where .*'gone'/,
      /^select cron.unschedule\('gone'\);$/,
      /^select cron.schedule\('new', /,
    ]
  ) assert(has(pattern), `${pattern} is not in\n${next?.sql}`);
  assert(!has(/'kept'/), next?.sql);
  assertEquals(next?.notes, [
    "Column note stands in the middle of public.kinds in sql/, and at its end after an upgrade.",
  ]);
});

Deno.test("what is unreleased goes under the version, and a changelog that says nothing is refused", () => {
  const text = "# Changelog\n\n## Unreleased\n\n- Orders.\n\n## 0.1.0 – 2026-01-01\n\n- All.\n";
  assertEquals(
    releaseChangelog(text, "0.2.0", "2027-01-03"),
    text.replace("## Unreleased\n", "## Unreleased\n\n## 0.2.0 – 2027-01-03\n"),
  );
  assertThrows(() => releaseChangelog(text, "0.1.0", "2027-01-03"), Error, "has a section 0.1.0 already");
  assertThrows(() => releaseChangelog("# Changelog\n", "0.2.0", "2027-01-03"), Error, "no section");
  assertThrows(
    () => releaseChangelog(text.replace("- Orders.\n", ""), "0.2.0", "2027-01-03"),
    Error,
    "is empty",
  );
});

Deno.test("versions are three numbers, and compared as such", () => {
  assertEquals(["0.1.0", "1.2", "v1.0.0", "1.02.3", "10.0.12"].map(isVersion), [
    true,
    false,
    false,
    false,
    true,
  ]);
  assertEquals(
    [["0.10.0", "0.9.9"], ["1.0.0", "1.0.0"], ["0.9.0", "1.0.0"]].map(([first = "", second = ""]) =>
      Math.sign(compareVersions(first, second))
    ),
    [1, 0, -1],
  );
});

Deno.test("contents that change get a number after all others, and those that stay keep theirs", () => {
  const file = (name: string, text: string): SqlFile => ({ name, text });
  const project: Project = {
    sources: [],
    releases: [],
    released: [file("20270101000000_release_0_1_0.sql", "a")],
    unreleased: file("20270105000000_unreleased.sql", "b"),
    byHand: { before: "", after: "" },
  };
  const next = (sql: string): { sql: string; notes: string[]; destroys: string[] } => ({
    sql,
    notes: [],
    destroys: [],
  });
  const on = (day: number): Date => new Date(Date.UTC(2027, 0, day));
  assertEquals(changeOfUnreleased(project, next("b"), on(9)), null);
  assertEquals(changeOfUnreleased(project, next("c"), on(9))?.name, "20270109000000_unreleased.sql");
  assertEquals(changeOfUnreleased(project, next("c"), on(2))?.name, "20270105000001_unreleased.sql");
  assertEquals(changeOfUnreleased(project, null, on(9))?.name, null);
});

Deno.test("a release writes the migration, the changelog and its row, and from then on no byte of it may change", async () => {
  const folder = await Deno.makeTempDir({ prefix: "edgeloop_release_" });
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  const root = new URL(`file://${folder}/`);
  for (const path of [PATHS.sources, PATHS.migrations, "scripts/release/"]) {
    await Deno.mkdir(new URL(path, root), { recursive: true });
  }
  const write = (path: string, text: string): Promise<void> => Deno.writeTextFile(new URL(path, root), text);
  const read = (path: string): Promise<string> => Deno.readTextFile(new URL(path, root));
  await write(PATHS.before, "-- By hand.\n");
  await write(PATHS.after, "-- By hand.\n");
  await write(PATHS.releases, "[]\n");
  await write(PATHS.releaseRows, "create table learning.releases (version text, released_at timestamptz);\n");
  await write(`${PATHS.sources}10_orders.sql`, "create table orders (size text);\n");
  await write(PATHS.changelog, "# Changelog\n\n## Unreleased\n\n- Orders.\n");
  const day = new Date("2027-01-03T12:00:00Z");
  await assertRejects(() => release("0.1", day, root), Error, '"0.1" is no version');

  const { file } = await release("0.1.0", day, root);
  assertEquals(file, "20270103120000_release_0_1_0.sql");
  const frozen = await read(PATHS.migrations + file);
  assertStringIncludes(frozen, "-- sql/10_orders.sql\n\ncreate table orders (size text);\n");
  assertStringIncludes(frozen, "values ('0.1.0', '2027-01-03 00:00:00+00');\n");
  assertStringIncludes(await read(PATHS.releaseRows), "values ('0.1.0', '2027-01-03 00:00:00+00');\n");
  assertStringIncludes(await read(PATHS.changelog), "## Unreleased\n\n## 0.1.0 – 2027-01-03\n\n- Orders.\n");
  assertEquals(JSON.parse(await read(PATHS.releases)), [{
    version: "0.1.0",
    file,
    sha256: await sha256Of(frozen),
  }]);
  await write(PATHS.changelog, "# Changelog\n\n## Unreleased\n\n- More.\n");
  await assertRejects(() => release("0.1.0", day, root), Error, "0.1.0 is not newer than 0.1.0");

  assertEquals((await readProject(root)).released.map(({ text }) => text), [frozen]);
  await write(PATHS.migrations + file, `${frozen} `);
  await assertRejects(() => readProject(root), Error, "is not what was released as 0.1.0");
  await Deno.remove(new URL(PATHS.migrations + file, root));
  await assertRejects(() => readProject(root), Error, "is missing");
});

Deno.test("SQL is ended, quoted and told from comments, and remarks about names go with the release", async () => {
  assertEquals([terminated("select 1"), terminated("select 1;\n")], ["select 1;", "select 1;"]);
  assertEquals([quoted("it's"), quoted("a\\b")], ["'it''s'", "E'a\\\\b'"]);
  assertEquals([await isEmpty("-- nothing\n"), await isEmpty(""), await isEmpty("select 1")], [
    true,
    true,
    false,
  ]);
  assertEquals(
    withoutRenames('  a integer, -- renamed from: "b"\n  c text -- no remark\n'),
    "  a integer,\n  c text -- no remark\n",
  );
});
