/** The one migration that no release has frozen yet. */

import { initialMigration, type NextMigration, nextMigration } from "./next_migration.ts";
import { PATHS, type Project, REPOSITORY } from "./project.ts";
import { isEmpty } from "./statements.ts";

/** What the unreleased migration should hold; null where the newest release is what `sql/` says. */
export async function unreleasedMigration(project: Project): Promise<NextMigration | null> {
  const { sources, released, byHand } = project;
  if (released.length > 0) return await nextMigration(sources, released, byHand);
  for (const [path, text] of [[PATHS.before, byHand.before], [PATHS.after, byHand.after]] as const) {
    if (!await isEmpty(text)) {
      throw new Error(`${path} has statements, and there is no release that they could upgrade; empty it.`);
    }
  }
  return { sql: initialMigration(sources), notes: [], destroys: [] };
}

/** A file that is to be written or removed; null where what is there is right. */
export interface FileChange {
  /** Name of the migration, null where there is to be none. */
  readonly name: string | null;
  readonly next: NextMigration | null;
}

/**
 * How the folder of migrations has to change for the unreleased one to be what it should be. Contents that change get a
 * new number, so that whoever pushed the former ones is told so and not that he is up to date.
 */
export function changeOfUnreleased(
  project: Project,
  next: NextMigration | null,
  now: Date,
): FileChange | null {
  if ((project.unreleased?.text ?? null) === (next?.sql ?? null)) return null;
  return { name: next === null ? null : `${nextNumber(project, now)}_unreleased.sql`, next };
}

/** The time in UTC to the second, but in any case after every migration that is there. */
export function nextNumber({ released, unreleased }: Project, now: Date): string {
  const newest = [...released, ...(unreleased === null ? [] : [unreleased])].map(({ name }) =>
    name.slice(0, 14)
  )
    .toSorted().at(-1);
  const time = now.toISOString().replace(/\D/g, "").slice(0, 14);
  return newest === undefined || time > newest ? time : String(BigInt(newest) + 1n);
}

/** Writes the change into the project's folder. */
export async function writeUnreleased(
  project: Project,
  change: FileChange,
  root: URL = REPOSITORY,
): Promise<void> {
  const migrations = new URL(PATHS.migrations, root);
  if (change.name !== null && change.next !== null) {
    await Deno.writeTextFile(new URL(change.name, migrations), change.next.sql);
  }
  if (project.unreleased !== null) await Deno.remove(new URL(project.unreleased.name, migrations));
}
