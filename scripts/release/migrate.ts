/**
 * Writes the unreleased migration from `sql/`, the one place where a person edits SQL.
 *
 *     deno task db:migrate
 *
 * There is at most one, made anew each time: it takes a database of the newest release to what `sql/` says. Before the first
 * release it is the ordered `sql/` itself; later it comes from comparing two databases, one built from the released
 * migrations and one from `sql/`. Before it is kept it is applied, and the result must equal `sql/`.
 */

import { PATHS, readProject } from "./project.ts";
import { changeOfUnreleased, unreleasedMigration, writeUnreleased } from "./unreleased.ts";

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

async function main(): Promise<void> {
  const project = await readProject();
  const next = await unreleasedMigration(project);
  const change = changeOfUnreleased(project, next, new Date());
  if (change !== null) await writeUnreleased(project, change);
  if (change?.name !== undefined && change.name !== null) print(`Wrote ${PATHS.migrations}${change.name}`);
  else if (change !== null) print(`Removed ${PATHS.migrations}${project.unreleased?.name}`);
  else if (next !== null) print(`${PATHS.migrations}${project.unreleased?.name} is up to date.`);
  else print("Nothing to migrate: the newest release and sql/ make the same database.");
  for (const note of next?.notes ?? []) print(note);
  for (const statement of next?.destroys ?? []) print(`Loses data: ${statement}`);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    print(error instanceof Error ? error.message : String(error));
    Deno.exit(1);
  }
}
