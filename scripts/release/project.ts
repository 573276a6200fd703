/** Where a release is written down, and what stands there. */

import { readSqlFiles, type SqlFile } from "../stack/schema_sources.ts";

/** The folder that everything below is in; the repository, unless a test brings another. */
export const REPOSITORY = new URL("../../", import.meta.url);

/** A migration that was released, and what its bytes were. */
export interface Release {
  readonly version: string;
  readonly file: string;
  readonly sha256: string;
}

/** Statements that a person wrote for the next migration, where the comparison does not know what is meant. */
export interface StatementsByHand {
  /** Run before everything else. */
  readonly before: string;
  /** Run when all else is in place. */
  readonly after: string;
}

/** The files that a release is made of. */
export interface Project {
  readonly sources: readonly SqlFile[];
  readonly releases: readonly Release[];
  /** The files of the releases, in their order. */
  readonly released: readonly SqlFile[];
  /** What no release has frozen yet. */
  readonly unreleased: SqlFile | null;
  readonly byHand: StatementsByHand;
}

/** Paths within the project's folder. */
export const PATHS = {
  sources: "sql/",
  migrations: "supabase/migrations/",
  releases: "scripts/release/released.json",
  releaseRows: "sql/01_releases.sql",
  before: "scripts/release/by_hand_before.sql",
  after: "scripts/release/by_hand_after.sql",
  changelog: "CHANGELOG.md",
} as const;

/** Reads the project, and refuses one whose released files are not what they were. */
export async function readProject(root: URL = REPOSITORY): Promise<Project> {
  const read = (path: string): Promise<string> => Deno.readTextFile(new URL(path, root));
  const releases: readonly Release[] = JSON.parse(await read(PATHS.releases));
  const migrations = await readSqlFiles(new URL(PATHS.migrations, root));
  const released: SqlFile[] = [];
  for (const { version, file, sha256 } of releases) {
    const found = migrations.find(({ name }) => name === file);
    if (found === undefined) {
      throw new Error(
        `${PATHS.migrations}${file}, the migration of release ${version}, is missing; "git checkout" brings it back.`,
      );
    }
    if (await sha256Of(found.text) !== sha256) {
      throw new Error(
        `${PATHS.migrations}${file} is not what was released as ${version}; "git checkout" brings it back, and what ` +
          `is to change goes into ${PATHS.sources}.`,
      );
    }
    released.push(found);
  }
  const others = migrations.filter((file) => !released.includes(file));
  if (others.length > 1) {
    throw new Error(
      `Of the files in ${PATHS.migrations} only one may be unreleased, and these are: ${
        others.map(({ name }) => name).join(", ")
      }; remove all but the one that "deno task db:migrate" wrote.`,
    );
  }
  return {
    sources: await readSqlFiles(new URL(PATHS.sources, root)),
    releases,
    released,
    unreleased: others[0] ?? null,
    byHand: { before: await read(PATHS.before), after: await read(PATHS.after) },
  };
}

/** The digest that a released file is known by, in hexadecimal. */
export async function sha256Of(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}

/** Whether a version is written as three numbers. */
export function isVersion(text: string): boolean {
  return /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/.test(text);
}

/** Less than 0 where the first version is older, 0 where they are the same. */
export function compareVersions(first: string, second: string): number {
  const left = first.split(".").map(Number);
  const right = second.split(".").map(Number);
  const place = left.findIndex((part, index) => part !== right[index]);
  return place === -1 ? 0 : (left[place] ?? 0) - (right[place] ?? 0);
}
