/**
 * Freezes the unreleased migration as a release.
 *
 *     deno task release VERSION
 *
 * What is unreleased in the changelog goes under the version, `sql/01_releases.sql` gets its row, the migration is made
 * anew, named after the release and remembered by its digest: from then on no byte of it may change. Statements that were
 * written by hand, and remarks about renamed columns, are part of it and taken away.
 */

import { releaseChangelog } from "./changelog.ts";
import { compareVersions, isVersion, PATHS, readProject, REPOSITORY, sha256Of } from "./project.ts";
import { withoutRenames } from "./renames.ts";
import { nextNumber, unreleasedMigration } from "./unreleased.ts";

/** What a release wrote. */
export interface WrittenRelease {
  readonly file: string;
  readonly notes: readonly string[];
  readonly destroys: readonly string[];
}

/** Makes the release in the project's folder; nothing is written when it is refused. */
export async function release(version: string, now: Date, root: URL = REPOSITORY): Promise<WrittenRelease> {
  if (!isVersion(version)) {
    throw new Error(`"${version}" is no version; give three numbers, as in "deno task release 0.2.0".`);
  }
  const project = await readProject(root);
  const newest = project.releases.at(-1);
  if (newest !== undefined && compareVersions(version, newest.version) <= 0) {
    throw new Error(
      `${version} is not newer than ${newest.version}, the newest release; give a greater version.`,
    );
  }
  const day = now.toISOString().slice(0, 10);
  const changelog = releaseChangelog(await Deno.readTextFile(new URL(PATHS.changelog, root)), version, day);

  const rows = project.sources.find(({ name }) => `sql/${name}` === PATHS.releaseRows);
  if (rows === undefined) throw new Error(`${PATHS.releaseRows} is missing; "git checkout" brings it back.`);
  const recorded = [...rows.text.matchAll(/^insert into learning\.releases .* values \('([^']*)'/gm)].map((
    [, row],
  ) => row);
  const released = project.releases.map((each) => each.version);
  if (recorded.join() !== released.join()) {
    throw new Error(
      `${PATHS.releaseRows} has rows of ${
        recorded.join(", ") || "no release"
      }, and ${PATHS.releases} knows ` +
        `${released.join(", ") || "none"}; "git checkout" brings both back.`,
    );
  }
  const statement =
    `insert into learning.releases (version, released_at) values ('${version}', '${day} 00:00:00+00');\n`;
  const withRow = `${rows.text.trimEnd()}\n${recorded.length === 0 ? "\n" : ""}${statement}`;
  const sources = project.sources.map((file) => ({
    name: file.name,
    text: file === rows ? withRow : file.text,
  }));
  const next = await unreleasedMigration({ ...project, sources });
  if (next === null) throw new Error(`There is nothing to release: sql/ is what ${newest?.version} is.`);

  // What has the number of a draft would be taken for it where that was pushed.
  const file = `${nextNumber(project, now)}_release_${version.replaceAll(".", "_")}.sql`;
  const write = (path: string, text: string): Promise<void> => Deno.writeTextFile(new URL(path, root), text);
  await write(PATHS.migrations + file, next.sql);
  if (project.unreleased !== null) {
    await Deno.remove(new URL(PATHS.migrations + project.unreleased.name, root));
  }
  const releases = [...project.releases, { version, file, sha256: await sha256Of(next.sql) }];
  await write(PATHS.releases, `${JSON.stringify(releases, null, 2)}\n`);
  await write(PATHS.changelog, changelog);
  for (const { name, text } of sources) {
    const former = project.sources.find((source) => source.name === name);
    const kept = withoutRenames(text);
    if (former?.text !== kept) await write(PATHS.sources + name, kept);
  }
  for (const path of [PATHS.before, PATHS.after]) {
    const text = await Deno.readTextFile(new URL(path, root));
    await write(path, leadingComments(text));
  }
  return { file, notes: next.notes, destroys: next.destroys };
}

/** What the file says of itself, up to the first empty line. */
function leadingComments(text: string): string {
  return /^(?:--.*\n)*/.exec(text)?.[0] ?? "";
}

if (import.meta.main) {
  const print = (text: string): void => {
    Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
  };
  const [version] = Deno.args;
  try {
    if (version === undefined || Deno.args.length > 1) {
      throw new Error('Say which version: "deno task release 0.2.0".');
    }
    const { file, notes, destroys } = await release(version, new Date());
    print(`Wrote ${PATHS.migrations}${file}; commit it with ${PATHS.releases}, ${PATHS.changelog} and sql/.`);
    for (const note of notes) print(note);
    for (const statement of destroys) print(`Loses data: ${statement}`);
  } catch (error) {
    print(error instanceof Error ? error.message : String(error));
    Deno.exit(1);
  }
}
